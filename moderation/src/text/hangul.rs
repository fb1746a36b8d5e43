//! Hangul as numbers: syllables taken apart and put together, jamo of every block brought to one form,
//! and the automaton that reads loose jamo as a keyboard would.
//!
//! NFKC is no help here: it turns the letters people type (U+3131 and on) into conjoining jamo and then
//! composes the halves of a word into syllables nobody wrote.

use super::glyphs::{Gap, Glyph};

const FIRST_SYLLABLE: u32 = 0xAC00;
const LAST_SYLLABLE: u32 = 0xD7A3;
const FIRST_VOWEL: u32 = 0x314F;
const LAST_VOWEL: u32 = 0x3163;
/// Initial consonants in the order of the syllable block.
const LEADS: [char; 19] = [
    'ㄱ', 'ㄲ', 'ㄴ', 'ㄷ', 'ㄸ', 'ㄹ', 'ㅁ', 'ㅂ', 'ㅃ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅉ', 'ㅊ', 'ㅋ', 'ㅌ',
    'ㅍ', 'ㅎ',
];
/// Final consonants in the order of the syllable block, from its second place on.
const TAILS: [char; 27] = [
    'ㄱ', 'ㄲ', 'ㄳ', 'ㄴ', 'ㄵ', 'ㄶ', 'ㄷ', 'ㄹ', 'ㄺ', 'ㄻ', 'ㄼ', 'ㄽ', 'ㄾ', 'ㄿ', 'ㅀ', 'ㅁ', 'ㅂ',
    'ㅄ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅊ', 'ㅋ', 'ㅌ', 'ㅍ', 'ㅎ',
];
/// Vowel pairs that one key press after another joins: first, second, result (places in the vowel block).
const VOWEL_PAIRS: [(u32, u32, u32); 7] =
    [(8, 0, 9), (8, 1, 10), (8, 20, 11), (13, 4, 14), (13, 5, 15), (13, 20, 16), (18, 20, 19)];

/// A whole syllable.
pub(crate) const fn is_syllable(c: char) -> bool {
    matches!(c, '가'..='힣')
}

/// A consonant letter that stands alone.
pub(crate) const fn is_consonant(c: char) -> bool {
    matches!(c, 'ㄱ'..='ㅎ')
}

/// A vowel letter that stands alone.
pub(crate) const fn is_vowel(c: char) -> bool {
    matches!(c, 'ㅏ'..='ㅣ')
}

/// A syllable or a letter of one.
pub(crate) const fn is_hangul(c: char) -> bool {
    is_syllable(c) || is_consonant(c) || is_vowel(c)
}

/// Lead, vowel and tail (0 for none) of a syllable.
pub(crate) fn split(c: char) -> Option<(u32, u32, u32)> {
    let code = u32::from(c);
    if !(FIRST_SYLLABLE..=LAST_SYLLABLE).contains(&code) {
        return None;
    }
    let place = code - FIRST_SYLLABLE;
    Some((place / 588, place % 588 / 28, place % 28))
}

fn join(lead: u32, vowel: u32, tail: u32) -> Option<char> {
    char::from_u32(FIRST_SYLLABLE + (lead * 21 + vowel) * 28 + tail)
}

/// Place of the vowel a syllable or a vowel letter sounds.
pub(crate) fn vowel_of(c: char) -> Option<u32> {
    if is_vowel(c) { Some(u32::from(c) - FIRST_VOWEL) } else { split(c).map(|(_, vowel, _)| vowel) }
}

fn lead_place(c: char) -> Option<u32> {
    LEADS.iter().position(|lead| *lead == c).and_then(|place| u32::try_from(place).ok())
}

fn tail_place(c: char) -> Option<u32> {
    TAILS.iter().position(|tail| *tail == c).and_then(|place| u32::try_from(place + 1).ok())
}

/// A half-width letter as the letter of full width.
pub(crate) fn widen(c: char) -> Option<char> {
    let code = u32::from(c);
    let wide = match code {
        0xFFA1..=0xFFBE => code - 0xFFA1 + 0x3131,
        0xFFC2..=0xFFC7 => code - 0xFFC2 + FIRST_VOWEL,
        0xFFCA..=0xFFCF => code - 0xFFCA + FIRST_VOWEL + 6,
        0xFFD2..=0xFFD7 => code - 0xFFD2 + FIRST_VOWEL + 12,
        0xFFDA..=0xFFDC => code - 0xFFDA + FIRST_VOWEL + 18,
        _ => return None,
    };
    char::from_u32(wide).filter(|wide| u32::from(*wide) <= LAST_VOWEL)
}

/// What two neighbours in decomposed text become: lead and vowel, or a syllable and its tail.
pub(crate) fn conjoin(before: char, after: char) -> Option<char> {
    let (b, a) = (u32::from(before), u32::from(after));
    match (b, a) {
        (0x1100..=0x1112, 0x1161..=0x1175) => join(b - 0x1100, a - 0x1161, 0),
        (_, 0x11A8..=0x11C2) => match split(before)? {
            (lead, vowel, 0) => join(lead, vowel, a - 0x11A7),
            _ => None,
        },
        _ => None,
    }
}

/// A conjoining letter that found no partner, as the letter people type.
pub(crate) fn unjoined(c: char) -> char {
    let code = u32::from(c);
    let place = |from: u32| usize::try_from(code - from).unwrap_or(usize::MAX);
    match code {
        0x1100..=0x1112 => LEADS.get(place(0x1100)).copied().unwrap_or(c),
        0x1161..=0x1175 => char::from_u32(code - 0x1161 + FIRST_VOWEL).unwrap_or(c),
        0x11A8..=0x11C2 => TAILS.get(place(0x11A8)).copied().unwrap_or(c),
        _ => c,
    }
}

/// Reads loose letters as a keyboard does: consonant and vowel start a syllable, a consonant that no vowel
/// follows ends it. `None` if there is nothing to join.
pub(crate) fn compose(glyphs: &[Glyph]) -> Option<Vec<Glyph>> {
    let joins = |pair: &[Glyph]| matches!(pair, [a, b] if is_consonant(a.c) && is_vowel(b.c));
    if !glyphs.windows(2).any(joins) {
        return None;
    }
    let mut out = Vec::with_capacity(glyphs.len());
    let mut rest = glyphs;
    while let Some(first) = rest.first() {
        let (glyph, used) = read_syllable(rest).unwrap_or((*first, 1));
        out.push(glyph);
        rest = rest.get(used..).unwrap_or_default();
    }
    Some(out)
}

fn read_syllable(glyphs: &[Glyph]) -> Option<(Glyph, usize)> {
    let first = glyphs.first()?;
    // most text has no loose letters, so that is asked first
    if !is_consonant(first.c) {
        return None;
    }
    // a letter across a gap that only lure words may cross belongs to another word
    let letter = |at: usize| glyphs.get(at).filter(|g| g.gap != Gap::Loose).map(|g| g.c);
    let vowel_at = |at: usize| letter(at).filter(|c| is_vowel(*c)).and_then(vowel_of);
    let lead = lead_place(first.c)?;
    let mut vowel = vowel_at(1)?;
    let mut used = 2;
    if let Some(second) = vowel_at(2)
        && let Some((_, _, pair)) = VOWEL_PAIRS.iter().find(|(a, b, _)| (*a, *b) == (vowel, second))
    {
        vowel = *pair;
        used = 3;
    }
    let tail = letter(used).and_then(tail_place).filter(|_| vowel_at(used + 1).is_none());
    used += usize::from(tail.is_some());
    let last = glyphs.get(used - 1)?;
    let c = join(lead, vowel, tail.unwrap_or(0))?;
    // in a turned run the last letter stands first in the original
    let (start, end) = (first.start.min(last.start), first.end.max(last.end));
    Some((Glyph { c, start, end, ..*first }, used))
}

/// The letter a key of the standard two-set keyboard types, if Latin letters were meant as Hangul.
#[rustfmt::skip]
pub(crate) const fn key(c: char) -> Option<char> {
    Some(match c {
        'q' => 'ㅂ', 'Q' => 'ㅃ', 'w' => 'ㅈ', 'W' => 'ㅉ', 'e' => 'ㄷ', 'E' => 'ㄸ',
        'r' => 'ㄱ', 'R' => 'ㄲ', 't' => 'ㅅ', 'T' => 'ㅆ', 'y' | 'Y' => 'ㅛ', 'u' | 'U' => 'ㅕ',
        'i' | 'I' => 'ㅑ', 'o' => 'ㅐ', 'O' => 'ㅒ', 'p' => 'ㅔ', 'P' => 'ㅖ', 'a' | 'A' => 'ㅁ',
        's' | 'S' => 'ㄴ', 'd' | 'D' => 'ㅇ', 'f' | 'F' => 'ㄹ', 'g' | 'G' => 'ㅎ', 'h' | 'H' => 'ㅗ',
        'j' | 'J' => 'ㅓ', 'k' | 'K' => 'ㅏ', 'l' | 'L' => 'ㅣ', 'z' | 'Z' => 'ㅋ', 'x' | 'X' => 'ㅌ',
        'c' | 'C' => 'ㅊ', 'v' | 'V' => 'ㅍ', 'b' | 'B' => 'ㅠ', 'n' | 'N' => 'ㅜ', 'm' | 'M' => 'ㅡ',
        _ => return None,
    })
}
