//! What else a query may mean: without what people add to names, or typed in the wrong layout.

use crate::{
    fold::folded,
    hangul::{is_hangul, is_syllable, keyboard, particles},
};

use super::form::Form;

/// What people write beside a name when they look for an instrument.
const BESIDE: [&str; 16] = [
    "주가",
    "주식",
    "시세",
    "차트",
    "종목",
    "종목토론",
    "토론",
    "전망",
    "stock",
    "stocks",
    "share",
    "shares",
    "price",
    "chart",
    "quote",
    "and",
];
/// Markets that are written before a code.
const MARKETS: [&str; 12] =
    ["xkrx", "krx", "krs", "kospi", "kosdaq", "xkos", "xnas", "nasdaq", "xnys", "nyse", "xase", "amex"];
/// Markets that are written behind a code.
const SUFFIXES: [&str; 6] = ["ks", "kq", "kr", "us", "oq", "krx"];
/// Most Latin letters before or behind a part in the wrong layout (lgghkgkr → lg화학, tkatjdsdi → 삼성sdi).
const MAX_LATIN: usize = 5;
/// What people laugh and cry with.
const SOUNDS: [char; 5] = ['ㅋ', 'ㅎ', 'ㅠ', 'ㅜ', 'ㅡ'];

/// The query without what is no part of a name, nearest to what was typed first.
pub(super) fn plainer(raw: &str, form: &Form) -> Vec<String> {
    let text = folded(raw);
    let text = text.trim();
    let mut out = Vec::new();
    out.extend(code(text));
    out.push(form.plain());
    out.push(form.text(form.core.clone()));
    let without: Vec<String> = form
        .words
        .iter()
        .map(|word| form.text(word.clone()))
        .filter(|word| !BESIDE.contains(&word.as_str()))
        .collect();
    out.push(without.join(" "));
    let full = form.full();
    out.extend(full.strip_suffix("우선주").map(|head| format!("{head}우")));
    out.extend(BESIDE.iter().filter_map(|beside| full.strip_suffix(beside)).map(ToOwned::to_owned));
    out.push(particles::stem(&full).to_owned());
    out.retain(|other| !other.is_empty() && *other != full);
    out.dedup();
    out
}

/// A code without its market (`krx:005930`, `005930.ks`, `a005930`), or with the noughts it lacks (`5930`).
fn code(text: &str) -> Option<String> {
    if let Some((market, code)) = text.split_once(':') {
        return MARKETS.contains(&market.trim()).then(|| code.trim().to_owned());
    }
    if let Some((code, market)) = text.rsplit_once('.') {
        return SUFFIXES.contains(&market).then(|| code.to_owned());
    }
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if let Some(code) = text.strip_prefix('a') {
        return (code.len() == 6 && digits(code)).then(|| code.to_owned());
    }
    ((3..6).contains(&text.len()) && digits(text)).then(|| format!("{text:0>6}"))
}

/// A query as it was meant if the keyboard stood in the wrong layout.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Other {
    pub(super) text: String,
    /// Keys that were pressed in the wrong layout.
    pub(super) keys: usize,
    /// Whether a part was in the right one.
    pub(super) mixed: bool,
}

impl Other {
    /// Whether it is three syllables or more, and nothing else.
    pub(super) fn is_hangul(&self) -> bool {
        self.text.chars().all(is_syllable) && self.text.chars().count() >= 3
    }
}

/// The query as the other layout has it, all of it or, where that is Hangul, all but a Latin beginning or end.
pub(super) fn other_layouts(raw: &str) -> Vec<Other> {
    let text = raw.trim();
    let lower = folded(text);
    let key: String = lower.chars().filter(|c| c.is_alphanumeric()).collect();
    let latin = keyboard::to_latin(&key);
    let keys = latin.bytes().filter(u8::is_ascii_alphabetic).count();
    if keys == 0 || is_sound(&key) {
        return Vec::new();
    }
    if key.chars().any(is_hangul) {
        let all = !key.chars().any(|c| c.is_ascii_alphabetic()) && latin.is_ascii();
        let text = keyboard::to_latin(&lower).to_lowercase();
        return Vec::from_iter(all.then_some(Other { text, keys, mixed: false }));
    }
    let mut out = vec![Other { text: keyboard::to_hangul(&lower), keys, mixed: false }];
    if text != lower {
        out.push(Other { text: keyboard::to_hangul(text), keys, mixed: false });
    }
    out.extend((1..=MAX_LATIN).filter_map(|head| partly(key.split_at_checked(head)?, true)));
    out.extend(
        (1..=MAX_LATIN).filter_map(|tail| partly(key.split_at_checked(key.len().checked_sub(tail)?)?, false)),
    );
    out
}

/// Whether it is one key again and again, and no short code.
fn is_sound(key: &str) -> bool {
    let Some(first) = key.chars().next() else { return true };
    let one = key.len() > first.len_utf8() && key.chars().all(|c| c == first);
    one && (first.is_ascii() || SOUNDS.contains(&first) || key.chars().count() > 3)
}

/// One part as it is and the other as Hangul, if that begins with two syllables and is whole but for its last letter.
fn partly((head, tail): (&str, &str), first_stays: bool) -> Option<Other> {
    let wrong = if first_stays { tail } else { head };
    let hangul = keyboard::to_hangul(wrong);
    let syllables = hangul.chars().take_while(|c| is_syllable(*c)).count();
    let rest = hangul.chars().count() - syllables;
    let whole = syllables >= 2 && rest <= usize::from(first_stays);
    let text = if first_stays { format!("{head}{hangul}") } else { format!("{hangul}{tail}") };
    whole.then_some(Other { text, keys: wrong.len(), mixed: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn others(raw: &str) -> Vec<String> {
        other_layouts(raw).into_iter().map(|other| other.text).collect()
    }

    #[test]
    fn a_query_has_plainer_forms() {
        let has = |raw: &str, other: &str| {
            let others = plainer(raw, &Form::of(raw));
            assert!(others.contains(&other.to_owned()), "{raw}: {others:?}");
        };
        has("삼성전자가", "삼성전자");
        has("삼성전자 주가", "삼성전자");
        has("삼성전자주가", "삼성전자");
        has("삼성전자우선주", "삼성전자우");
        has("krx:005930", "005930");
        has("005930.KS", "005930");
        has("A005930", "005930");
        has("5930", "005930");
        has("johnson and johnson", "johnson johnson");
        has("the coca cola company", "cocacola");
        assert_eq!(plainer("삼성전자", &Form::of("삼성전자")), Vec::<String>::new());
    }

    #[test]
    fn a_query_may_be_in_the_other_layout() {
        assert!(others("tkatjd").contains(&"삼성".to_owned()));
        assert!(others("TKATJD").contains(&"삼성".to_owned()));
        assert!(others("lgghkgkr").contains(&"lg화학".to_owned()));
        assert!(others("tkatjdsdi").contains(&"삼성sdi".to_owned()));
        assert_eq!(others("ㅂㅂㅂ"), ["qqq"]);
        assert_eq!(others("ㅜㅍㅇㅁ"), ["nvda"]);
        for raw in ["ㅋㅋㅋㅋ", "zzzz", "ㅠㅠ", "005930", "", "🚀", "sk하이"] {
            assert_eq!(others(raw), Vec::<String>::new(), "{raw}");
        }
    }
}
