//! The first view: what is left of a text once everything a reader cannot see is gone, in one form of each
//! character, with the way back to the bytes it came from.

use std::ops::Range;

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

use super::hangul;

/// What was left out between a glyph and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Gap {
    /// Nothing.
    #[default]
    None,
    /// Signs that sentences have too: commas, full stops, brackets.
    Stop,
    /// Signs with no business inside a word: digits, asterisks, pictures, tags.
    Junk,
    /// White space between two tokens of one character each.
    Space,
    /// White space between a token of one character and a longer one.
    Loose,
}

/// A character of a view and the bytes of the original it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Glyph {
    pub(crate) c: char,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) gap: Gap,
    /// Was a capital letter, which on a keyboard is another letter.
    pub(crate) upper: bool,
}

impl Glyph {
    fn new(c: char, start: u32, end: u32) -> Self {
        Self { c, start, end, gap: Gap::None, upper: false }
    }
}

/// The glyphs of a text and, where it turns the reading direction, the same in the order they are seen.
pub(crate) struct Base {
    pub(crate) glyphs: Vec<Glyph>,
    pub(crate) seen: Option<Vec<Glyph>>,
}

/// Characters that Unicode asks programs to draw as nothing, and the ones that turn the direction.
pub(crate) const fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}')
}

/// Letters and digits. Nearly all are Hangul or ASCII, which need no look-up in the tables of Unicode.
pub(crate) fn is_letter_or_digit(c: char) -> bool {
    hangul::is_hangul(c) || c.is_ascii_alphanumeric() || (!c.is_ascii() && c.is_alphanumeric())
}

const OVERRIDE: char = '\u{202E}';
const POP: char = '\u{202C}';

/// Normalises a text: invisible characters and marks go, compatibility forms and case are folded, jamo of
/// every block become the letters people type or the syllables they spell.
pub(crate) fn read(text: &str) -> Base {
    let mut glyphs: Vec<Glyph> = Vec::with_capacity(text.len() / 2 + 8);
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut turned: Option<usize> = None;
    for (at, c) in text.char_indices() {
        // offsets fit: texts are far shorter than 4 GB, and a longer one would only map to its end
        let start = u32::try_from(at).unwrap_or(u32::MAX);
        let end = u32::try_from(at + c.len_utf8()).unwrap_or(u32::MAX);
        match c {
            OVERRIDE => turned = turned.or(Some(glyphs.len())),
            POP | '\n' => runs.extend(turned.take().map(|from| from..glyphs.len())),
            _ => {}
        }
        push(&mut glyphs, c, start, end);
    }
    runs.extend(turned.map(|from| from..glyphs.len()));
    for glyph in &mut glyphs {
        glyph.c = hangul::unjoined(glyph.c);
    }
    let seen = (!runs.is_empty()).then(|| as_seen(&glyphs, &runs));
    Base { glyphs, seen }
}

fn push(out: &mut Vec<Glyph>, c: char, start: u32, end: u32) {
    if hangul::is_hangul(c) {
        out.push(Glyph::new(c, start, end));
    } else if c.is_ascii() {
        let plain =
            if c.is_ascii_whitespace() || c.is_ascii_control() { ' ' } else { c.to_ascii_lowercase() };
        out.push(Glyph { upper: c.is_ascii_uppercase(), ..Glyph::new(plain, start, end) });
    } else if !is_ignorable(c) {
        push_folded(out, c, start, end);
    }
}

fn push_folded(out: &mut Vec<Glyph>, c: char, start: u32, end: u32) {
    if let Some(wide) = hangul::widen(c) {
        out.push(Glyph::new(wide, start, end));
        return;
    }
    if c.is_whitespace() || c.is_control() || c == '\u{2800}' {
        out.push(Glyph::new(' ', start, end));
        return;
    }
    let upper = c.is_uppercase();
    decompose_compatible(c, |part| {
        for low in part.to_lowercase() {
            decompose_compatible(low, |d| push_part(out, d, start, end, upper));
        }
    });
}

fn push_part(out: &mut Vec<Glyph>, c: char, start: u32, end: u32, upper: bool) {
    if is_ignorable(c) {
        return;
    }
    if is_combining_mark(c) {
        // hidden with its letter, so that masking leaves no loose marks
        if let Some(last) = out.last_mut() {
            last.end = end;
        }
        return;
    }
    if let Some(last) = out.last_mut()
        && let Some(whole) = hangul::conjoin(last.c, c)
    {
        last.c = whole;
        last.end = end;
        return;
    }
    let c = if c.is_whitespace() || c.is_control() { ' ' } else { c };
    out.push(Glyph { upper, ..Glyph::new(c, start, end) });
}

fn as_seen(glyphs: &[Glyph], runs: &[Range<usize>]) -> Vec<Glyph> {
    let mut seen = glyphs.to_vec();
    for run in runs {
        if let Some(part) = seen.get_mut(run.clone()) {
            part.reverse();
        }
    }
    seen
}

/// The normalised form of a text, which is its own normalised form.
pub fn normalise(text: &str) -> String {
    read(text).glyphs.iter().map(|glyph| glyph.c).collect()
}
