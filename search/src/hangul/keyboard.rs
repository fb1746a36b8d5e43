//! The Korean keyboard (두벌식) beside the Latin one: what a text would be had the other layout been on.

use super::{FINALS, compose, each_letter, is_consonant, joined};

/// Keys without Shift.
const PLAIN: [(char, char); 26] = [
    ('q', 'ㅂ'),
    ('w', 'ㅈ'),
    ('e', 'ㄷ'),
    ('r', 'ㄱ'),
    ('t', 'ㅅ'),
    ('y', 'ㅛ'),
    ('u', 'ㅕ'),
    ('i', 'ㅑ'),
    ('o', 'ㅐ'),
    ('p', 'ㅔ'),
    ('a', 'ㅁ'),
    ('s', 'ㄴ'),
    ('d', 'ㅇ'),
    ('f', 'ㄹ'),
    ('g', 'ㅎ'),
    ('h', 'ㅗ'),
    ('j', 'ㅓ'),
    ('k', 'ㅏ'),
    ('l', 'ㅣ'),
    ('z', 'ㅋ'),
    ('x', 'ㅌ'),
    ('c', 'ㅊ'),
    ('v', 'ㅍ'),
    ('b', 'ㅠ'),
    ('n', 'ㅜ'),
    ('m', 'ㅡ'),
];
/// Keys that Shift changes.
const SHIFTED: [(char, char); 7] =
    [('Q', 'ㅃ'), ('W', 'ㅉ'), ('E', 'ㄸ'), ('R', 'ㄲ'), ('T', 'ㅆ'), ('O', 'ㅒ'), ('P', 'ㅖ')];

fn letter_of(key: char) -> Option<char> {
    let found = |key: char| move |pair: &&(char, char)| pair.0 == key;
    let plain = PLAIN.iter().find(found(key.to_ascii_lowercase()));
    SHIFTED.iter().find(found(key)).or(plain).map(|(_, letter)| *letter)
}

fn key_of(letter: char) -> Option<char> {
    PLAIN.iter().chain(&SHIFTED).find(|(_, known)| *known == letter).map(|(key, _)| *key)
}

/// The syllable being typed.
#[derive(Default)]
struct Syllable {
    initial: Option<char>,
    vowel: Option<char>,
    /// no letter, one or two
    last: String,
}

impl Syllable {
    /// Ends it: what is no whole syllable stays as letters.
    fn end(&mut self, out: &mut String) {
        let Self { initial, vowel, last } = std::mem::take(self);
        match initial.zip(vowel).and_then(|(initial, vowel)| compose(initial, vowel, &last)) {
            Some(syllable) => out.push(syllable),
            None => out.extend(initial.into_iter().chain(vowel)),
        }
    }

    fn consonant(&mut self, letter: char, out: &mut String) {
        if self.initial.is_some() && self.vowel.is_some() {
            let last = format!("{}{letter}", self.last);
            if FINALS.contains(&last.as_str()) {
                self.last = last;
                return;
            }
        }
        self.end(out);
        self.initial = Some(letter);
    }

    fn vowel(&mut self, letter: char, out: &mut String) {
        if let Some(moved) = self.last.pop() {
            self.end(out);
            self.initial = Some(moved);
        } else if let Some(vowel) = self.vowel {
            if let Some(both) = joined(vowel, letter) {
                self.vowel = Some(both);
                return;
            }
            self.end(out);
        }
        self.vowel = Some(letter);
    }
}

/// Latin letters as the Hangul that their keys type (tkatjd → 삼성), composed as a keyboard would; letters that make no
/// syllable stay letters, and all else stays as it is.
pub fn to_hangul(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut syllable = Syllable::default();
    for c in text.chars() {
        match letter_of(c) {
            Some(letter) if is_consonant(letter) => syllable.consonant(letter, &mut out),
            Some(letter) => syllable.vowel(letter, &mut out),
            None => {
                syllable.end(&mut out);
                out.push(c);
            }
        }
    }
    syllable.end(&mut out);
    out
}

/// Hangul as the Latin letters of its keys (ㅁㅁㅔㅣ → aapl), capital where Shift was held; all else stays as it is.
pub fn to_latin(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| each_letter(c, |letter| out.push(key_of(letter).unwrap_or(letter))));
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn latin_letters_become_the_hangul_that_was_meant() {
        for (typed, meant) in [
            ("tkatjd", "삼성"),
            ("tkatjdwjswk", "삼성전자"),
            ("tkawjs", "삼전"),
            ("gkdlslrtm", "하이닉스"),
            ("dPtmRnffk", "예스꿀라"),
            ("ghkgkr", "화학"),
            ("rkqt", "값"),
            ("rkqtl", "갑시"),
            ("ekfrdl", "닭이"),
            ("ekfrl", "달기"),
            ("dhkddml", "왕의"),
            ("ttww", "ㅅㅅㅈㅈ"),
            ("Whs2ck", "쫀2차"),
            ("KKK", "ㅏㅏㅏ"),
        ] {
            assert_eq!(to_hangul(typed), meant);
        }
    }

    #[test]
    fn hangul_becomes_the_latin_letters_that_were_meant() {
        for (typed, meant) in [
            ("ㅁㅁㅔㅣ", "aapl"),
            ("ㅅ니ㅁ", "tsla"),
            ("ㅜㅍㅇㅁ", "nvda"),
            ("믕", "amd"),
            ("ㄳ값3", "rtrkqt3"),
        ] {
            assert_eq!(to_latin(typed), meant);
        }
    }

    proptest! {
        #[test]
        fn latin_letters_come_back_from_hangul(text in "[a-z0-9 ]{0,40}") {
            prop_assert_eq!(to_latin(&to_hangul(&text)), text);
        }

        #[test]
        fn syllables_come_back_from_latin(text in "[가-힣]{0,30}") {
            prop_assert_eq!(to_hangul(&to_latin(&text)), text);
        }
    }
}
