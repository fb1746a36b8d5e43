//! Characters drawn like others: Hanja and frames for Hangul letters, Greek and Cyrillic for Latin, digits
//! and signs for Latin letters.

use super::{
    glyphs::Glyph,
    hangul::{is_consonant, is_hangul, is_syllable, is_vowel},
};

/// Undoes the disguise of each token.
pub(crate) fn unmask(glyphs: &[Glyph]) -> Vec<Glyph> {
    let mut out = glyphs.to_vec();
    for token in out.split_mut(|glyph| glyph.c == ' ') {
        // most tokens are plain syllables, which nothing is drawn like
        if token.iter().any(|glyph| !is_syllable(glyph.c)) {
            unmask_token(token);
        }
    }
    out
}

fn unmask_token(token: &mut [Glyph]) {
    let letters = token.iter().filter(|g| is_letter(g.c) || hangul_shape(g.c).is_some()).count();
    for glyph in token.iter_mut() {
        // one such character alone is itself: a Chinese word, a circle in a masked name
        let shape = if letters > 1 { hangul_shape(glyph.c) } else { None };
        glyph.c = shape.or_else(|| latin_shape(glyph.c)).unwrap_or(glyph.c);
    }
    unmask_between(token);
}

/// Signs that are another letter only between letters.
fn unmask_between(token: &mut [Glyph]) {
    let mut before = None;
    for at in 0..token.len() {
        let after = token.get(at + 1).map(|glyph| glyph.c);
        let Some(here) = token.get_mut(at) else { break };
        here.c = before.and_then(|before| meant(before, here.c, after)).unwrap_or(here.c);
        before = Some(here.c);
    }
}

fn meant(before: char, here: char, after: Option<char>) -> Option<char> {
    let goes_on = |c: char| c.is_ascii_lowercase() || leet(c).is_some();
    if is_consonant(before) && after.is_none_or(is_hangul) {
        stroke(here)
    } else if before.is_ascii_lowercase() && after.is_some_and(goes_on) {
        leet(here)
    } else {
        None
    }
}

const fn is_letter(c: char) -> bool {
    is_consonant(c) || is_vowel(c)
}

/// The Hangul letter a Hanja, kana or frame character is drawn like.
const fn hangul_shape(c: char) -> Option<char> {
    Some(match c {
        '人' | '入' | '八' | '仒' => 'ㅅ',
        '口' | '囗' | '□' | '■' | 'ロ' | '▢' => 'ㅁ',
        '○' | '◯' | '〇' | '●' | '◎' | '⭕' => 'ㅇ',
        '丨' | '│' | '┃' | '┆' | '亅' | '∣' => 'ㅣ',
        '一' | '─' | '━' | 'ー' => 'ㅡ',
        '卜' | 'ト' | '├' | '┠' => 'ㅏ',
        '┤' | '┨' => 'ㅓ',
        '上' | '┴' | '┸' | '⊥' => 'ㅗ',
        '丅' | '下' | '┬' | '┰' | 'ㄒ' => 'ㅜ',
        '己' | '乙' | '已' | '巳' => 'ㄹ',
        '廿' | '甘' | '甴' | '廾' => 'ㅂ',
        '匚' | '匸' | '⊏' => 'ㄷ',
        '乚' | 'ㄥ' | '└' | '∟' => 'ㄴ',
        '┐' | '┓' | 'フ' => 'ㄱ',
        'ス' | '大' => 'ㅈ',
        '巨' => 'ㅌ',
        '工' | 'エ' => 'ㅗ',
        _ => return None,
    })
}

/// The vowel a Latin letter or sign stands for after a loose consonant.
const fn stroke(c: char) -> Option<char> {
    Some(match c {
        'l' | 'i' | '|' => 'ㅣ',
        'r' => 'ㅏ',
        _ => return None,
    })
}

/// The Latin letter a digit or sign stands for inside a Latin word.
const fn leet(c: char) -> Option<char> {
    Some(match c {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        _ => return None,
    })
}

/// The Latin letter a Greek or Cyrillic one is drawn like.
pub(crate) const fn latin_shape(c: char) -> Option<char> {
    Some(match c {
        'а' | 'α' => 'a',
        'в' | 'β' | 'ь' => 'b',
        'с' | 'ς' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' | 'э' => 'e',
        'ɡ' => 'g',
        'һ' | 'н' => 'h',
        'і' | 'ι' | 'ı' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ӏ' => 'l',
        'м' => 'm',
        'п' | 'η' => 'n',
        'о' | 'ο' | 'σ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' => 'r',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'μ' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        _ => return None,
    })
}
