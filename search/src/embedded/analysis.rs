//! Texts as the embedded index sees them.
//!
//! A text is folded (NFKC, lower case, links shortened to their host) and read in two ways. As *units* it is a row of
//! positions: a run of letters and digits of other scripts is one unit (`hbm3e`), Hangul is read as bigrams whose
//! positions are counted in syllables, on across spaces. A phrase of units so finds 삼성전자실적 in 삼성전자 실적 and
//! the other way round, and 실적 in 실적이. As *words* it is what stands between spaces, in single Hangul letters, for
//! whole words, beginnings and typos.
//!
//! Bigrams and not a dictionary: a dictionary of Korean is 82 MB beside a program of less than that, its source 41 MB
//! at every build, and it splits the slang of investors wrongly.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use crate::{
    fold::{folded, in_word},
    hangul::{is_syllable, jamo, particles::stem},
};

/// Longer runs of letters and digits are cut there.
const MAX_WORD_CHARS: usize = 48;
/// Signs that people write inside one word: S&P500, e-mail, U.S., 1,000.
const JOINERS: [char; 8] = ['&', '\'', '-', '_', '.', ',', '’', '·'];

/// A text folded for comparison, of links the host only.
pub(super) fn fold(text: &str) -> String {
    folded(&without_paths(text))
}

/// The text with `https://` and what follows a host left out: paths of links are noise that no one looks for.
fn without_paths(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, link) = (rest.get(..at).unwrap_or(""), rest.get(at + 3..).unwrap_or(""));
        let scheme = before.bytes().rev().take_while(u8::is_ascii_alphabetic).count();
        out.push_str(before.get(..before.len() - scheme).unwrap_or(""));
        out.push(' ');
        let end = link.find(|c: char| !c.is_ascii_graphic()).unwrap_or(link.len());
        let host = link.find(['/', '?', '#']).unwrap_or(end).min(end);
        out.push_str(link.get(..host).unwrap_or(""));
        out.push(' ');
        rest = link.get(end..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

/// Part of a row of units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    /// A run of letters and digits, two syllables, or the last syllable of a row of Hangul.
    pub(super) text: String,
    /// Syllables and runs before it.
    pub(super) position: usize,
}

/// Takes a folded text apart into units.
#[derive(Default)]
struct Row {
    units: Vec<Unit>,
    position: usize,
    run: String,
    last: Option<char>,
}

impl Row {
    fn end_run(&mut self) {
        if !self.run.is_empty() {
            let text = self.run.chars().take(MAX_WORD_CHARS).collect();
            self.units.push(Unit { text, position: self.position });
            self.position += 1;
            self.run.clear();
        }
    }

    /// The last syllable has no bigram of its own; alone, it says where the row ends.
    fn end_row(&mut self) {
        if let Some(last) = self.last.take() {
            self.units.push(Unit { text: last.into(), position: self.position - 1 });
        }
    }

    fn syllable(&mut self, c: char) {
        self.end_run();
        if let Some(before) = self.last.replace(c) {
            self.units.push(Unit { text: [before, c].iter().collect(), position: self.position - 1 });
        }
        self.position += 1;
    }
}

/// A folded text as units, in the order of their positions.
pub(super) fn units(text: &str) -> Vec<Unit> {
    let mut row = Row::default();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if is_syllable(c) {
            row.syllable(c);
        } else if in_word(c) {
            row.end_row();
            row.run.push(c);
        } else {
            row.end_run();
            let ends = match c {
                '\n' => true,
                '.' | '!' | '?' => chars.peek().is_none_or(|next| !in_word(*next)),
                _ => false,
            };
            if ends {
                row.end_row();
            }
        }
    }
    row.end_run();
    row.end_row();
    row.units
}

/// The words of a folded text in single letters of Hangul: each as written and without its particle, the parts of mixed
/// ones (SK, 하이닉스), and those joined by a sign as one (sp500).
pub(super) fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for spaced in text.split(|c: char| !in_word(c) && !JOINERS.contains(&c)) {
        let runs: Vec<&str> = spaced.split(|c| !in_word(c)).filter(|run| !run.is_empty()).collect();
        if runs.len() > 1 {
            out.push(cut(&runs.concat()));
        }
        for run in runs {
            out.push(cut(run));
            let plain = stem(run);
            if plain != run {
                out.push(cut(plain));
            }
            parts(plain, &mut out);
        }
    }
    out
}

fn cut(word: &str) -> String {
    let short: String = word.chars().take(MAX_WORD_CHARS).collect();
    jamo(&short)
}

/// The rows of Hangul and of other letters of a mixed word.
fn parts(word: &str, out: &mut Vec<String>) {
    let hangul = word.chars().filter(|c| is_syllable(*c)).count();
    if hangul == 0 || hangul == word.chars().count() {
        return;
    }
    let mut part = String::new();
    for c in word.chars() {
        if part.chars().last().is_some_and(|last| is_syllable(last) != is_syllable(c)) {
            out.push(cut(&part));
            part.clear();
        }
        part.push(c);
    }
    out.push(cut(&part));
}

/// A text folded, without spaces and signs.
pub(super) fn squeeze(text: &str) -> String {
    fold(text).chars().filter(|c| in_word(*c)).collect()
}

/// The tokenizer of a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Analyzer {
    /// Units.
    Units,
    /// Words.
    Words,
}

impl Tokenizer for Analyzer {
    type TokenStream<'a> = Tokens;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Tokens {
        let folded = fold(text);
        let list = match self {
            Self::Units => units(&folded),
            Self::Words => words(&folded)
                .into_iter()
                .enumerate()
                .map(|(position, text)| Unit { text, position })
                .collect(),
        };
        Tokens { list: list.into_iter(), token: Token::default() }
    }
}

/// What the tokenizer found.
pub(super) struct Tokens {
    list: std::vec::IntoIter<Unit>,
    token: Token,
}

impl TokenStream for Tokens {
    fn advance(&mut self) -> bool {
        let Some(unit) = self.list.next() else { return false };
        self.token.text = unit.text;
        self.token.position = unit.position;
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Vec<(String, usize)> {
        units(&fold(text)).into_iter().map(|unit| (unit.text, unit.position)).collect()
    }

    #[test]
    fn syllables_are_counted_on_across_spaces() {
        let said = row("삼성 실적");
        assert_eq!(said, row("삼성실적"));
        let texts: Vec<&str> = said.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(texts, ["삼성", "성실", "실적", "적"]);
        assert_eq!(said.iter().map(|(_, at)| *at).collect::<Vec<_>>(), [0, 1, 2, 3]);
    }

    #[test]
    fn runs_of_other_letters_are_one_unit_beside_hangul() {
        assert_eq!(
            row("HBM3E와 2차전지"),
            [("hbm3e", 0), ("와", 1), ("2", 2), ("차전", 3), ("전지", 4), ("지", 5)]
                .map(|(text, at)| (text.to_owned(), at))
        );
    }

    #[test]
    fn a_sentence_ends_a_row_and_a_decimal_point_does_not() {
        let joined = |text: &str| row(text).iter().any(|(unit, _)| unit == "락삼");
        assert!(!joined("하락. 삼성") && !joined("하락\n삼성") && joined("하락 삼성"));
        assert_eq!(row("3.5%").get(1), Some(&("5".into(), 1)));
    }

    #[test]
    fn words_come_whole_in_parts_and_joined() {
        assert_eq!(words(&fold("SK하이닉스")), ["skㅎㅏㅇㅣㄴㅣㄱㅅㅡ", "sk", "ㅎㅏㅇㅣㄴㅣㄱㅅㅡ"]);
        assert_eq!(words("실적이"), [jamo("실적이"), jamo("실적")]);
        assert_eq!(words(&fold("S&P500 ok.")), ["sp500", "s", "p500", "ok"]);
        assert_eq!(words(&fold("ＴＳＬＡ，Ⅳ")), ["tslaiv", "tsla", "iv"]);
    }

    #[test]
    fn of_a_link_the_host_remains() {
        assert_eq!(
            words(&fold("보기 http://t.co/TvzJfd0RGT?a=b에서")),
            [&jamo("보기"), "tco", "t", "co", &jamo("에서")]
        );
        assert_eq!(fold("://"), "  ");
    }

    #[test]
    fn any_text_can_be_taken_apart() {
        for text in
            ["", " ", "://://", "\u{0}\u{1}", "👨‍👩‍👧", "\u{11C2}\u{1112}", "a://b/가://나", &"가a".repeat(5_000)]
        {
            let folded = fold(text);
            assert!(units(&folded).is_sorted_by_key(|unit| unit.position));
            assert!(words(&folded).iter().all(|word| word.chars().count() <= MAX_WORD_CHARS * 5));
        }
    }
}
