//! The views of a text that rules are matched on. Each undoes one more way to hide a word and keeps, for
//! every character, the bytes of the original it stands for.
//!
//! | view | undoes |
//! | --- | --- |
//! | V1 plain | invisible characters, stacked marks, compatibility forms, case, decomposed Hangul |
//! | V3 look-alike | V1, then look-alikes, signs and digits inside a word, words spelled out with spaces |
//! | V2 composed | V3, then loose letters that spell syllables |
//! | V6 folded | V2, then syllables said twice or drawn out |
//! | V4 initials | the loose consonants of V3 and nothing else |
//! | V5 keyboard | Latin words as the Hangul the same keys type |
//!
//! A view that would repeat the one before it is left out. Where a text turns the reading direction, all
//! of them exist a second time, of what readers see.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{
    fold,
    glyphs::{self, Glyph},
    hangul, lookalike, squeeze,
};

/// Fewest Latin letters that are read as keys: shorter ones are ticker symbols and abbreviations.
const MIN_KEYED: usize = 4;
/// Stands for whatever is no consonant among initials, so that it still parts or joins them.
const OTHER: char = '가';

/// Which view a hit was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViewKind {
    /// V1: what is visible, in one form.
    Plain,
    /// V2: loose letters composed to syllables.
    Composed,
    /// V3: look-alikes undone, signs and digits inside words removed.
    Lookalike,
    /// V4: initial consonants typed as such.
    Initials,
    /// V5: Latin letters read as Hangul keys.
    Keyboard,
    /// V6: repeated and stretched syllables folded.
    Folded,
    /// Any of these, of the text in the order a direction override shows it.
    Turned,
}

/// One view.
#[derive(Debug, Clone)]
pub struct View {
    pub(crate) kind: ViewKind,
    /// Which of V1 to V6 it is, turned or not.
    pub(crate) form: ViewKind,
    pub(crate) text: String,
    pub(crate) glyphs: Vec<Glyph>,
    /// Where each glyph begins in `text`.
    starts: Vec<u32>,
}

impl View {
    pub(crate) fn new(kind: ViewKind, glyphs: Vec<Glyph>) -> Self {
        let mut text = String::with_capacity(glyphs.len() * 3);
        let mut starts = Vec::with_capacity(glyphs.len());
        for glyph in &glyphs {
            starts.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
            text.push(glyph.c);
        }
        Self { kind, form: kind, text, glyphs, starts }
    }

    /// Which view this is.
    pub const fn kind(&self) -> ViewKind {
        self.kind
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of the original that a byte range of this view stands for.
    pub fn original(&self, bytes: Range<usize>) -> Range<usize> {
        self.original_of(&self.places(bytes))
    }

    /// The glyphs that a byte range of the view's text covers.
    pub(crate) fn places(&self, bytes: Range<usize>) -> Range<usize> {
        let place = |byte: usize| self.starts.partition_point(|start| (*start as usize) < byte);
        place(bytes.start)..place(bytes.end)
    }

    pub(crate) fn original_of(&self, places: &Range<usize>) -> Range<usize> {
        let covered = self.glyphs.get(places.clone()).unwrap_or_default();
        // glyphs of a turned run come in reverse, so neither end is simply the first or last glyph's
        let start = covered.iter().map(|glyph| glyph.start as usize).min().unwrap_or(0);
        let end = covered.iter().map(|glyph| glyph.end as usize).max().unwrap_or(start);
        start..end
    }
}

/// The views of one text.
#[derive(Debug, Clone)]
pub struct Views {
    all: Vec<View>,
    spelled: usize,
}

impl Views {
    /// Builds the views.
    pub fn of(text: &str) -> Self {
        let base = glyphs::read(text);
        let (mut all, spelled) = build(base.glyphs);
        if let Some(seen) = base.seen {
            let (turned, _) = build(seen);
            all.extend(turned.into_iter().map(|view| View { kind: ViewKind::Turned, ..view }));
        }
        Self { all, spelled }
    }

    /// All of them, the plain one first.
    pub fn iter(&self) -> impl Iterator<Item = &View> {
        self.all.iter()
    }

    /// The plain view.
    pub fn plain(&self) -> Option<&View> {
        self.all.first()
    }

    /// The view in which words are spelled out, but nothing is folded.
    pub(crate) fn spelled(&self) -> Option<&View> {
        self.all.get(self.spelled)
    }
}

fn build(base: Vec<Glyph>) -> (Vec<View>, usize) {
    let squeezed = squeeze::squeeze(&lookalike::unmask(&base));
    let initials = initials(&squeezed);
    let keyed = keyed(&base);
    let composed = hangul::compose(&squeezed);
    let folded = fold::fold(composed.as_deref().unwrap_or(&squeezed));
    let differs = !same_text(&base, &squeezed);
    let mut all = vec![View::new(ViewKind::Plain, base)];
    if differs {
        all.push(View::new(ViewKind::Lookalike, squeezed));
    }
    all.extend(composed.map(|glyphs| View::new(ViewKind::Composed, glyphs)));
    let spelled = all.len() - 1;
    all.extend(folded.map(|glyphs| View::new(ViewKind::Folded, glyphs)));
    all.extend(initials.map(|glyphs| View::new(ViewKind::Initials, glyphs)));
    all.extend(keyed.map(|glyphs| View::new(ViewKind::Keyboard, glyphs)));
    (all, spelled)
}

fn same_text(one: &[Glyph], other: &[Glyph]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a.c == b.c && a.gap == b.gap)
}

/// Only consonants that were typed as consonants: taking the initials of syllables would find an insult in
/// every other word.
fn initials(squeezed: &[Glyph]) -> Option<Vec<Glyph>> {
    if !squeezed.iter().any(|glyph| hangul::is_consonant(glyph.c)) {
        return None;
    }
    let mut out: Vec<Glyph> = Vec::new();
    for glyph in squeezed {
        if hangul::is_consonant(glyph.c) {
            out.push(*glyph);
        } else if glyph.c == ' ' || out.last().is_none_or(|last| last.c != OTHER) {
            let c = if glyph.c == ' ' { ' ' } else { OTHER };
            out.push(Glyph { c, ..*glyph });
        }
    }
    Some(out)
}

fn keyed(base: &[Glyph]) -> Option<Vec<Glyph>> {
    let mut out: Vec<Glyph> = Vec::new();
    for run in base.chunk_by(|a, b| a.c.is_ascii_alphabetic() == b.c.is_ascii_alphabetic()) {
        let spells = run.len() >= MIN_KEYED && run.first().is_some_and(|glyph| glyph.c.is_ascii_alphabetic());
        if let Some(word) = if spells { keyed_word(run) } else { None } {
            out.extend(word);
        } else if let Some(first) = run.first()
            && out.last().is_none_or(|last| last.c != ' ')
        {
            out.push(Glyph { c: ' ', ..*first });
        }
    }
    out.iter().any(|glyph| glyph.c != ' ').then_some(out)
}

/// A Latin word whose keys type whole syllables, as these; capitals that change nothing else are tried as
/// small letters too, since people shout.
fn keyed_word(run: &[Glyph]) -> Option<Vec<Glyph>> {
    let all_capitals = run.iter().all(|glyph| glyph.upper);
    let keys = run.iter().map(|glyph| {
        let typed = if glyph.upper && !all_capitals { glyph.c.to_ascii_uppercase() } else { glyph.c };
        hangul::key(typed).map(|c| Glyph { c, ..*glyph })
    });
    let letters: Vec<Glyph> = keys.collect::<Option<_>>()?;
    let word = hangul::compose(&letters)?;
    word.iter().all(|glyph| hangul::is_syllable(glyph.c)).then_some(word)
}
