//! Names with typing mistakes, counted in letters (see `hangul::distance`).

use super::{
    form::Form,
    hits::{Hits, MatchKind},
    names::{Class, Name, Names, mask},
};
use crate::hangul::{distance::Distances, is_syllable};

/// Longest query, in letters, that is compared.
const MAX_LETTERS: usize = 60;
/// Shortest code that may be mistyped: one letter of a shorter one makes another code.
const MIN_CODE: usize = 4;

/// What was typed, and how many mistakes it may have.
struct Typed {
    letters: Vec<char>,
    mask: u64,
    characters: usize,
    most: u8,
    /// Whether it is long enough to be the beginning of a name, or a later word, with a mistake.
    long: bool,
    latin: bool,
}

impl Typed {
    /// One mistake in a name of 2 to 4 syllables or 4 to 7 Latin letters, two in longer ones.
    fn of(query: &Form) -> Option<Self> {
        let syllables = query.key.iter().filter(|c| is_syllable(**c)).count();
        let latin = query.key.iter().filter(|c| c.is_ascii_alphabetic()).count();
        let most = match 2 * syllables + latin {
            ..4 => return None,
            4..10 if syllables > 0 || latin < 8 => 1,
            _ => 2,
        };
        let (letters, _) = query.letters();
        let long = syllables >= 3 || latin >= 5 || (latin > 0 && 2 * syllables + latin >= 6);
        let mask = mask(&letters);
        let typed = Self { mask, letters, characters: query.key.len(), most, long, latin: syllables == 0 };
        (typed.letters.len() <= MAX_LETTERS).then_some(typed)
    }

    /// Whether a name lacks so many letters of this that it cannot be near.
    fn differs(&self, name: &Name) -> bool {
        let least = self.letters.len().saturating_sub(usize::from(self.most));
        (self.mask & !name.mask).count_ones() > u32::from(self.most) || name.letters.len() < least
    }

    fn begins_like(&self, name: &[char]) -> bool {
        self.letters.first() == name.first()
    }
}

/// Adds names that are a few mistakes away.
pub(super) fn find(names: &Names, query: &Form, hits: &mut Hits<'_>) {
    let Some(typed) = Typed::of(query) else { return };
    let mut distances = Distances::default();
    for (number, name) in (0..).zip(&names.names).filter(|(_, name)| !typed.differs(name)) {
        match name.class {
            Class::Code => code(&typed, (number, name), &mut distances, hits),
            Class::Name => words(&typed, (number, name), &mut distances, hits),
        }
    }
}

fn code(typed: &Typed, (number, name): (u32, &Name), distances: &mut Distances, hits: &mut Hits<'_>) {
    let fits = typed.latin && name.letters.len() >= MIN_CODE && typed.begins_like(&name.letters);
    if fits && distances.between(&typed.letters, &name.letters, 1).is_some() {
        hits.add(MatchKind::Typo, grade(1, 1), (number, name), 0..name.form.key.len());
    }
}

fn words(typed: &Typed, (number, name): (u32, &Name), distances: &mut Distances, hits: &mut Hits<'_>) {
    for word in &name.form.words {
        let later = word.start != name.form.core.start;
        if word.start < name.form.core.start || word.start >= name.form.core.end || (later && !typed.long) {
            continue;
        }
        let near = near(typed, name, word.start, later, distances);
        if let Some((grade, end)) = near.into_iter().min() {
            hits.add(MatchKind::Typo, grade, (number, name), word.start..end);
        }
    }
}

/// Beginnings of a name, from a word of it on, that are near: how near each is, and its end in the key.
fn near(typed: &Typed, name: &Name, from: usize, later: bool, distances: &mut Distances) -> Vec<(u8, usize)> {
    let core = &name.form.core;
    let letters = name.letters_of(from..core.end);
    let begins_like = typed.begins_like(letters);
    if !begins_like && later {
        return Vec::new();
    }
    let first = name.offsets.get(from).copied().unwrap_or(0);
    let judge = |(end, far): (usize, u8)| {
        let at = name.offsets.binary_search(&(first + end)).unwrap_or_else(|at| at);
        let word_ends =
            name.form.words.iter().any(|word| word.end == at) && name.offsets.get(at) == Some(&(first + end));
        let kind = if end == letters.len() {
            u8::from(later) * 3
        } else {
            2 + u8::from(later) * 2 - u8::from(word_ends && typed.latin)
        };
        let whole = kind < 2 && far < 2;
        let allowed = match kind {
            0 if typed.long || typed.latin => begins_like || whole,
            // In two syllables (비자, 피자) only what follows the first letter may be wrong, and none may be missing.
            0 => begins_like && at - from == typed.characters,
            1 => (typed.long && whole) || (begins_like && (typed.long || typed.latin)),
            _ => typed.long && begins_like && (!later || word_ends),
        };
        (allowed && end > 0).then_some((grade(far, kind), at))
    };
    distances.beginnings(&typed.letters, letters, typed.most).into_iter().filter_map(judge).collect()
}

/// Fewer mistakes first; then whole names, whole words, and beginnings.
const fn grade(mistakes: u8, kind: u8) -> u8 {
    mistakes * 8 + kind
}
