//! Folds syllables said twice (시시발발) and vowels drawn out (시이발). Words are folded the same way when
//! a rule set is compiled, so both sides meet.

use super::{
    glyphs::{Gap, Glyph},
    hangul::{self, is_hangul, is_vowel},
};

/// Folds a text. `None` if nothing goes.
pub(crate) fn fold(glyphs: &[Glyph]) -> Option<Vec<Glyph>> {
    if !glyphs.windows(2).any(|pair| matches!(pair, [a, b] if b.gap != Gap::Loose && drops(a.c, b.c))) {
        return None;
    }
    let mut out: Vec<Glyph> = Vec::with_capacity(glyphs.len());
    for glyph in glyphs {
        match out.last_mut() {
            Some(last) if glyph.gap != Gap::Loose && drops(last.c, glyph.c) => {
                last.start = last.start.min(glyph.start);
                last.end = last.end.max(glyph.end);
            }
            _ => out.push(*glyph),
        }
    }
    Some(out)
}

/// Folds a word of a rule.
pub(crate) fn fold_word(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut last = None;
    for c in word.chars() {
        if last.is_none_or(|before| !drops(before, c)) {
            out.push(c);
            last = Some(c);
        }
    }
    out
}

fn drops(before: char, c: char) -> bool {
    if before == c {
        return is_hangul(c) || c.is_ascii_alphabetic();
    }
    let Some((_, sounded, closed)) = hangul::split(before) else { return false };
    let echo = match hangul::split(c) {
        // ㅇ starts a syllable without a sound of its own; it may close as the one before did
        Some((11, vowel, tail)) if tail == 0 || tail == closed => vowel,
        Some(_) => return false,
        None if is_vowel(c) => hangul::vowel_of(c).unwrap_or(u32::MAX),
        None => return false,
    };
    without_glide(sounded) == without_glide(echo)
}

/// ㅑ, ㅕ, ㅛ and ㅠ end in the sounds of ㅏ, ㅓ, ㅗ and ㅜ.
const fn without_glide(vowel: u32) -> u32 {
    match vowel {
        2 => 0,
        6 => 4,
        12 => 8,
        17 => 13,
        other => other,
    }
}
