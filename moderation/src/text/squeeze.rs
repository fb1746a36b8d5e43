//! Takes out what was put between the letters of a word: signs, digits, pictures, tags, spaces.
//!
//! White space goes only beside tokens of one character. Inside longer words it would join the end of one
//! to the beginning of the next, and the words of the stock market are full of such pairs.

use super::{
    glyphs::{Gap, Glyph, is_letter_or_digit},
    hangul::is_hangul,
};

/// Most runs of signs between two letters that still make one word.
const MAX_RUNS: u32 = 2;
/// Most digits between two Hangul letters that are taken for noise rather than a number.
const MAX_DIGITS: usize = 2;
/// Longest tag.
const MAX_TAG: usize = 24;

/// Squeezes every token and joins those that were spelled out.
pub(crate) fn squeeze(glyphs: &[Glyph]) -> Vec<Glyph> {
    let mut out: Vec<Glyph> = Vec::with_capacity(glyphs.len());
    let mut word: Vec<Glyph> = Vec::new();
    let mut before = Size::Nothing;
    for token in glyphs.split(|glyph| glyph.c == ' ') {
        if token.is_empty() {
            continue;
        }
        squeeze_token(token, &mut word);
        let size = Size::of(&word);
        let gap = match (before, size) {
            (Size::One, Size::One) => Gap::Space,
            (Size::One, Size::More) => Gap::Loose,
            _ => Gap::None,
        };
        if let (Gap::None, Some(first)) = (gap, token.first())
            && !out.is_empty()
        {
            out.push(Glyph { c: ' ', gap: Gap::None, end: first.start, ..*first });
        }
        if let (true, Some(first)) = (gap != Gap::None, word.first_mut()) {
            first.gap = gap;
        }
        out.append(&mut word);
        before = size;
    }
    out
}

#[derive(Clone, Copy)]
enum Size {
    Nothing,
    One,
    More,
}

impl Size {
    fn of(word: &[Glyph]) -> Self {
        match word {
            [] => Self::Nothing,
            [only] if is_letter_or_digit(only.c) && !only.c.is_numeric() => Self::One,
            _ => Self::More,
        }
    }
}

fn squeeze_token(token: &[Glyph], word: &mut Vec<Glyph>) {
    word.clear();
    let mut junk = Junk::default();
    let mut rest = token;
    while let Some((first, after)) = rest.split_first() {
        let skipped = match first.c {
            '<' => tag_len(rest),
            c if c.is_ascii_digit() => noise_digits(rest, word),
            _ => 0,
        };
        if skipped > 0 {
            junk.add('<', Gap::Junk);
            rest = rest.get(skipped..).unwrap_or_default();
            continue;
        }
        rest = after;
        if is_word(first.c) {
            junk.close(*first, word);
        } else {
            junk.add(first.c, gap_of(first.c));
        }
    }
}

/// What has been left out since the last letter.
#[derive(Default)]
struct Junk {
    runs: u32,
    last: Option<char>,
    gap: Gap,
}

impl Junk {
    fn add(&mut self, c: char, gap: Gap) {
        // the same sign over and over is one, and a skin tone belongs to its picture
        if self.last != Some(c) && !matches!(c, '\u{1F3FB}'..='\u{1F3FF}') {
            self.runs += 1;
        }
        self.last = Some(c);
        if self.gap != Gap::Junk {
            self.gap = gap;
        }
    }

    fn close(&mut self, letter: Glyph, word: &mut Vec<Glyph>) {
        let Self { runs, gap, .. } = std::mem::take(self);
        if runs > MAX_RUNS && !word.is_empty() {
            word.push(Glyph { c: ' ', end: letter.start, gap: Gap::None, ..letter });
            word.push(letter);
        } else {
            let gap = if word.is_empty() { letter.gap } else { gap };
            word.push(Glyph { gap, ..letter });
        }
    }
}

fn is_word(c: char) -> bool {
    // a sign for a long vowel is a letter to Unicode and a dash to writers
    c != 'ー' && is_letter_or_digit(c)
}

const fn gap_of(c: char) -> Gap {
    match c {
        ',' | '.' | '!' | '?' | ':' | ';' | '/' | '(' | ')' | '[' | ']' | '"' | '\'' | '-' | '~' | '·'
        | '…' | '“' | '”' | '‘' | '’' | '、' | '。' => Gap::Stop,
        _ => Gap::Junk,
    }
}

/// Length of the tag a token goes on with, 0 if it is none.
fn tag_len(rest: &[Glyph]) -> usize {
    let opens = rest.get(1).is_some_and(|g| g.c.is_ascii_alphabetic() || matches!(g.c, '/' | '!'));
    let close = rest.iter().take(MAX_TAG).position(|glyph| glyph.c == '>');
    if opens { close.map_or(0, |at| at + 1) } else { 0 }
}

/// How many digits follow that stand between two Hangul letters.
fn noise_digits(rest: &[Glyph], word: &[Glyph]) -> usize {
    // one more than allowed is enough to know, and a long number is not counted again at each digit
    let digits = rest.iter().take(MAX_DIGITS + 1).take_while(|glyph| glyph.c.is_ascii_digit()).count();
    let inside =
        word.last().is_some_and(|g| is_hangul(g.c)) && rest.get(digits).is_some_and(|g| is_hangul(g.c));
    if digits <= MAX_DIGITS && inside { digits } else { 0 }
}
