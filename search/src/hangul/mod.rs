//! Hangul: syllables and their letters.

pub mod distance;
pub mod keyboard;
pub mod particles;

/// The letters of syllables, in the order of Unicode.
pub(crate) const INITIALS: [char; 19] = [
    'ㄱ', 'ㄲ', 'ㄴ', 'ㄷ', 'ㄸ', 'ㄹ', 'ㅁ', 'ㅂ', 'ㅃ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅉ', 'ㅊ', 'ㅋ', 'ㅌ',
    'ㅍ', 'ㅎ',
];
pub(crate) const VOWELS: [char; 21] = [
    'ㅏ', 'ㅐ', 'ㅑ', 'ㅒ', 'ㅓ', 'ㅔ', 'ㅕ', 'ㅖ', 'ㅗ', 'ㅘ', 'ㅙ', 'ㅚ', 'ㅛ', 'ㅜ', 'ㅝ', 'ㅞ', 'ㅟ',
    'ㅠ', 'ㅡ', 'ㅢ', 'ㅣ',
];
pub(crate) const FINALS: [&str; 28] = [
    "", "ㄱ", "ㄲ", "ㄱㅅ", "ㄴ", "ㄴㅈ", "ㄴㅎ", "ㄷ", "ㄹ", "ㄹㄱ", "ㄹㅁ", "ㄹㅂ", "ㄹㅅ", "ㄹㅌ", "ㄹㅍ",
    "ㄹㅎ", "ㅁ", "ㅂ", "ㅂㅅ", "ㅅ", "ㅆ", "ㅇ", "ㅈ", "ㅊ", "ㅋ", "ㅌ", "ㅍ", "ㅎ",
];

/// Letters that are typed as two, as they stand alone in Unicode.
const DOUBLES: [(char, &str); 18] = [
    ('ㄳ', "ㄱㅅ"),
    ('ㄵ', "ㄴㅈ"),
    ('ㄶ', "ㄴㅎ"),
    ('ㄺ', "ㄹㄱ"),
    ('ㄻ', "ㄹㅁ"),
    ('ㄼ', "ㄹㅂ"),
    ('ㄽ', "ㄹㅅ"),
    ('ㄾ', "ㄹㅌ"),
    ('ㄿ', "ㄹㅍ"),
    ('ㅀ', "ㄹㅎ"),
    ('ㅄ', "ㅂㅅ"),
    ('ㅘ', "ㅗㅏ"),
    ('ㅙ', "ㅗㅐ"),
    ('ㅚ', "ㅗㅣ"),
    ('ㅝ', "ㅜㅓ"),
    ('ㅞ', "ㅜㅔ"),
    ('ㅟ', "ㅜㅣ"),
    ('ㅢ', "ㅡㅣ"),
];

/// Whether a character is a whole syllable.
pub const fn is_syllable(c: char) -> bool {
    matches!(c, '가'..='힣')
}

/// Whether a character is a letter that stands alone, such as ㄱ, ㄳ or ㅏ.
pub const fn is_letter(c: char) -> bool {
    matches!(c, 'ㄱ'..='ㅣ')
}

/// Whether a character is a consonant that stands alone.
pub const fn is_consonant(c: char) -> bool {
    matches!(c, 'ㄱ'..='ㅎ')
}

/// Whether a character is a syllable or a letter.
pub const fn is_hangul(c: char) -> bool {
    is_syllable(c) || is_letter(c)
}

/// Places of a syllable's letters in the tables above.
fn parts(c: char) -> Option<(usize, usize, usize)> {
    let at = usize::try_from(u32::from(c).checked_sub(0xAC00)?).ok()?;
    (at < 11_172).then_some((at / 588, at % 588 / 28, at % 28))
}

/// The text with its syllables taken apart into single letters, double finals too (값 → ㄱㅏㅂㅅ); all else stays.
pub fn jamo(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for c in text.chars() {
        match parts(c) {
            Some((initial, vowel, last)) => {
                out.extend(INITIALS.get(initial));
                out.extend(VOWELS.get(vowel));
                out.push_str(FINALS.get(last).unwrap_or(&""));
            }
            None => out.push(c),
        }
    }
    out
}

/// Hands on the letters of one character as they are typed one after another, ㅘ and ㄳ as two (화 → ㅎㅗㅏ); what is no
/// Hangul is handed on as it is.
pub fn each_letter(c: char, mut take: impl FnMut(char)) {
    let mut single = |letter: char| match DOUBLES.iter().find(|(double, _)| *double == letter) {
        Some((_, both)) => both.chars().for_each(&mut take),
        None => take(letter),
    };
    match parts(c) {
        Some((initial, vowel, last)) => {
            INITIALS.get(initial).into_iter().chain(VOWELS.get(vowel)).for_each(|letter| single(*letter));
            FINALS.get(last).unwrap_or(&"").chars().for_each(single);
        }
        None => single(c),
    }
}

/// All letters of a text, as [`each_letter`] has them: what is typed so far is a prefix of what it will be, even in the
/// middle of a syllable.
pub fn letters(text: &str) -> Vec<char> {
    let mut out = Vec::with_capacity(text.len());
    text.chars().for_each(|c| each_letter(c, |letter| out.push(letter)));
    out
}

/// The two letters as one, where there is such a letter.
fn joined(first: char, second: char) -> Option<char> {
    let same = |both: &str| both.chars().eq([first, second]);
    DOUBLES.iter().find(|(_, both)| same(both)).map(|(double, _)| *double)
}

/// The syllable of these letters; `last` is empty, one letter or two.
fn compose(initial: char, vowel: char, last: &str) -> Option<char> {
    let initial = INITIALS.iter().position(|c| *c == initial)?;
    let vowel = VOWELS.iter().position(|c| *c == vowel)?;
    let last = FINALS.iter().position(|c| *c == last)?;
    char::from_u32(0xAC00 + u32::try_from(initial * 588 + vowel * 28 + last).ok()?)
}

/// Whether a syllable ends in a consonant, and in which: nothing for what is no syllable.
fn final_of(c: char) -> Option<&'static str> {
    parts(c).and_then(|(.., last)| FINALS.get(last).copied())
}

/// A syllable without the last letter of its final, and that letter (닋 → 닉, ㅅ).
pub fn detach(c: char) -> Option<(char, char)> {
    let (initial, vowel, last) = parts(c)?;
    let mut rest = FINALS.get(last)?.chars();
    let detached = rest.next_back()?;
    Some((compose(*INITIALS.get(initial)?, *VOWELS.get(vowel)?, rest.as_str())?, detached))
}

/// The text with each syllable as its initial consonant (삼성 → ㅅㅅ); all else stays.
pub fn initials(text: &str) -> String {
    text.chars()
        .map(|c| parts(c).and_then(|(initial, ..)| INITIALS.get(initial).copied()).unwrap_or(c))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syllables_come_apart_into_their_letters() {
        assert_eq!(jamo("값Sk하이1"), "ㄱㅏㅂㅅSkㅎㅏㅇㅣ1");
        assert_eq!(initials("SK하이닉스 2차전지"), "SKㅎㅇㄴㅅ 2ㅊㅈㅈ");
        assert_eq!(String::from_iter(letters("화값ㄳㅢSk")), "ㅎㅗㅏㄱㅏㅂㅅㄱㅅㅡㅣSk");
    }

    #[test]
    fn a_syllable_gives_the_last_letter_of_its_final() {
        assert_eq!(detach('닋'), Some(('닉', 'ㅅ')));
        assert_eq!(detach('항'), Some(('하', 'ㅇ')));
        assert_eq!((detach('하'), detach('ㅎ'), detach('a')), (None, None, None));
    }
}
