//! The form in which texts are compared, with the way back to the text as written.

use unicode_normalization::{UnicodeNormalization, char::canonical_combining_class};

use crate::hangul;

/// A character of a folded text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folded {
    /// The character.
    pub c: char,
    /// Where what it was made of begins in the original, in code points.
    pub at: u32,
    /// Where that ends.
    pub until: u32,
}

/// NFKC and lower case, without what is invisible (zero-width characters, Hangul fillers, marks of direction). Single
/// letters of Hangul are always those that stand alone (U+3131..): NFKC would make others of them, and join them.
pub fn fold(text: &str) -> Vec<Folded> {
    let mut out = Vec::with_capacity(text.len());
    let mut chars = text.chars().zip(0_u32..).peekable();
    let mut group = String::new();
    while let Some((c, at)) = chars.next() {
        group.clear();
        group.push(c);
        let mut until = at + 1;
        while let Some((next, place)) = chars.next_if(|(next, _)| joins(*next)) {
            group.push(next);
            until = place + 1;
        }
        let mut take = |c: char| out.push(Folded { c, at, until });
        if group.len() == 1 {
            take(c.to_ascii_lowercase());
        } else {
            fold_group(&group, &mut take);
        }
    }
    out
}

/// The folded text alone.
pub fn folded(text: &str) -> String {
    fold(text).into_iter().map(|folded| folded.c).collect()
}

/// Whether a character is part of a word: a letter or digit of any script, or a mark upon one.
pub fn in_word(c: char) -> bool {
    c.is_alphanumeric() || canonical_combining_class(c) != 0
}

/// Whether a character may change the one before it.
fn joins(c: char) -> bool {
    !c.is_ascii()
        && (canonical_combining_class(c) != 0
            || matches!(c, '\u{1160}'..='\u{11FF}' | '\u{FE00}'..='\u{FE0F}'))
}

fn fold_group(group: &str, take: &mut impl FnMut(char)) {
    let mut plain = String::with_capacity(group.len());
    for c in group.chars().filter(|c| !is_invisible(*c)) {
        if hangul::is_letter(c) {
            fold_plain(&plain, take);
            plain.clear();
            take(c);
        } else {
            plain.push(c);
        }
    }
    fold_plain(&plain, take);
}

fn fold_plain(plain: &str, take: &mut impl FnMut(char)) {
    for c in plain.nfkc().filter(|c| !is_invisible(*c)) {
        match standing_alone(c) {
            Some(letters) => letters.chars().for_each(&mut *take),
            None => c.to_lowercase().for_each(&mut *take),
        }
    }
}

/// A letter of Hangul made for joining as those that stand alone.
fn standing_alone(c: char) -> Option<String> {
    let place = |base: u32| usize::try_from(u32::from(c).checked_sub(base)?).ok();
    match c {
        '\u{1100}'..='\u{1112}' => hangul::INITIALS.get(place(0x1100)?).map(char::to_string),
        '\u{1161}'..='\u{1175}' => hangul::VOWELS.get(place(0x1161)?).map(char::to_string),
        '\u{11A8}'..='\u{11C2}' => hangul::FINALS.get(place(0x11A7)?).map(ToString::to_string),
        _ => None,
    }
}

const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180E}'
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{E0000}'..='\u{E0FFF}'
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_that_look_alike_fold_alike() {
        for (text, same) in [
            ("ＡＡＰＬ", "aapl"),
            ("SK\u{200B}하이\u{3164}닉스", "sk하이닉스"),
            ("\u{1109}\u{1161}\u{11B7}전", "삼전"),
            ("ㅅㅅㅈㅈ", "ㅅㅅㅈㅈ"),
            ("ㄱㅏ", "ㄱㅏ"),
            ("\u{1109}\u{1109}", "ㅅㅅ"),
            ("\u{FFB5}", "ㅅ"),
            ("㈜삼성", "(주)삼성"),
            ("Nestle\u{301}", "nestlé"),
            ("❤\u{FE0F}", "❤"),
        ] {
            assert_eq!(folded(text), same);
        }
    }

    #[test]
    fn the_way_back_covers_all_that_a_character_was_made_of() {
        let back: Vec<_> = fold("a\u{1109}\u{1161}\u{11B7}㈜").iter().map(|f| (f.c, f.at, f.until)).collect();
        assert_eq!(back, [('a', 0, 1), ('삼', 1, 4), ('(', 4, 5), ('주', 4, 5), (')', 4, 5)]);
    }

    proptest! {
        #[test]
        fn ways_back_stay_in_the_text_and_in_order(text in "\\PC{0,40}|[ㄱ-힣ᄀ-ᇿ\u{300}-\u{310}a]{0,20}") {
            let length = u32::try_from(text.chars().count()).unwrap();
            let folded = fold(&text);
            prop_assert!(folded.iter().all(|f| f.at < f.until && f.until <= length));
            prop_assert!(folded.is_sorted_by_key(|f| f.at));
        }
    }
}
