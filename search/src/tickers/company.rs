//! What stands around a company's name without telling it from others.

use std::ops::Range;

use super::form::Form;

/// Forms of companies.
const LEGAL: [&str; 31] = [
    "inc",
    "incorporated",
    "corp",
    "corporation",
    "co",
    "company",
    "companies",
    "ltd",
    "limited",
    "llc",
    "lp",
    "plc",
    "sa",
    "ag",
    "nv",
    "se",
    "spa",
    "asa",
    "ab",
    "oyj",
    "kgaa",
    "com",
    "holding",
    "holdings",
    "hldgs",
    "group",
    "grp",
    "주식회사",
    "주",
    "유한회사",
    "the",
];
/// Kinds of shares.
const SHARES: [&str; 14] = [
    "class",
    "common",
    "stock",
    "ordinary",
    "share",
    "shares",
    "depositary",
    "adr",
    "ads",
    "sponsored",
    "보통주",
    "보통주식",
    "클래스",
    "new",
];
/// What is glued to Korean names.
const GLUED: [&str; 2] = ["주식회사", "보통주"];

/// Which words are left without what may be left out at both ends; at least one, if there is any.
pub(crate) fn kept(words: &[String]) -> Range<usize> {
    let from = words.iter().take_while(|text| matches!(text.as_str(), "the" | "주식회사" | "주")).count();
    let mut rest = words.get(from..).unwrap_or_default();
    while let [head @ .., last] = rest {
        let class = head.last().is_some_and(|before| before == "class" || before == "클래스");
        let dropped = LEGAL.contains(&last.as_str()) || SHARES.contains(&last.as_str());
        if head.is_empty() || !(dropped || class && last.chars().count() == 1) {
            break;
        }
        rest = head;
    }
    if rest.is_empty() { 0..words.len() } else { from..from + rest.len() }
}

/// The part of a key that is left.
pub(super) fn core(form: &Form) -> Range<usize> {
    let texts: Vec<String> = form.words.iter().map(|word| form.text(word.clone())).collect();
    let kept = kept(&texts);
    let start = form.words.get(kept.start).map_or(0, |word| word.start);
    let last = kept.end.checked_sub(1).and_then(|last| form.words.get(last));
    start..last.map_or(start, |word| word.end)
}

/// The whole name without forms of companies around and behind its core.
pub(super) fn plain(form: &Form) -> String {
    let kept = |word: &&Range<usize>| {
        word.start >= form.core.start
            && (word.end <= form.core.end || !LEGAL.contains(&form.text((*word).clone()).as_str()))
    };
    form.words.iter().filter(kept).map(|word| form.text(word.clone())).collect()
}

/// Adds a word of a key, or the words glued together in it.
pub(super) fn split_glued(key: &[char], word: Range<usize>, words: &mut Vec<Range<usize>>) {
    let text: String = key.get(word.clone()).unwrap_or_default().iter().collect();
    for part in GLUED {
        let length = part.chars().count();
        if text.len() > part.len() && text.ends_with(part) {
            words.extend([word.start..word.end - length, word.end - length..word.end]);
            return;
        }
        if text.len() > part.len() && text.starts_with(part) {
            words.extend([word.start..word.start + length, word.start + length..word.end]);
            return;
        }
    }
    words.push(word);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_without_what_stands_around_it() {
        for (name, plain, core) in [
            ("Apple Inc.", "apple", "apple"),
            ("Alphabet Inc. Class A", "alphabetclassa", "alphabet"),
            ("Samsung Electronics Co., Ltd.", "samsungelectronics", "samsungelectronics"),
            ("The Coca-Cola Company", "cocacola", "cocacola"),
            ("Amazon.com, Inc.", "amazon", "amazon"),
            ("BP p.l.c.", "bp", "bp"),
            ("AT&T Inc.", "att", "att"),
            ("㈜삼성전자", "삼성전자", "삼성전자"),
            ("삼성전자주식회사", "삼성전자", "삼성전자"),
            ("삼성전자 보통주", "삼성전자보통주", "삼성전자"),
            ("Alibaba Group Holding Limited", "alibaba", "alibaba"),
            ("Holdings Inc", "holdings", "holdings"),
            ("BRK.B", "brkb", "brkb"),
            ("S&P Global Inc.", "spglobal", "spglobal"),
            ("", "", ""),
        ] {
            let form = Form::of(name);
            assert_eq!(
                (form.plain().as_str(), form.text(form.core.clone()).as_str()),
                (plain, core),
                "{name}"
            );
        }
    }

    #[test]
    fn latin_letters_are_read_aloud() {
        let spelled = |name| Form::spelled(name).map(|form| form.full());
        assert_eq!(spelled("SK하이닉스").as_deref(), Some("에스케이하이닉스"));
        assert_eq!(spelled("KT&G").as_deref(), Some("케이티앤지"));
        assert_eq!(spelled("삼성SDI").as_deref(), Some("삼성에스디아이"));
        assert_eq!((spelled("NAVER"), spelled("삼성전자")), (None, None));
    }
}
