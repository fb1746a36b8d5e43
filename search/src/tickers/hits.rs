//! Hits and their order.

use std::{cmp::Reverse, ops::Range};

use ahash::AHashMap;
use madang_core::ids::TickerId;

use super::names::{Instrument, Name, Names};

/// How a query and a name match, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchKind {
    /// The whole code, name or nickname.
    Exact,
    /// Its beginning.
    Prefix,
    /// Initial consonants (ㅅㅅㅈㅈ), or syllables and such (삼성ㅈㅈ).
    Initials,
    /// A later word of a name, or its beginning.
    Word,
    /// A part of a Korean name.
    Part,
    /// Each word of the query in some name of it, or some words its whole name.
    Words,
    /// What was meant if the keyboard stood in the wrong layout.
    Layout,
    /// A name with typing mistakes.
    Typo,
}

/// An instrument found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickerHit {
    /// Which; of a renamed one, what it is now.
    pub id: TickerId,
    /// How.
    pub how: MatchKind,
    /// The code, name or nickname that matched, as shown.
    pub name: String,
    /// The parts of it that matched: half-open, in code points.
    pub spans: Vec<(u32, u32)>,
}

/// What orders hits: the kind of match, how good one it is of its kind, listed ones first, names of today first, how
/// much of the name is not typed yet, important instruments, short names, and last their order in the catalogue.
type Rank = (u8, u8, bool, bool, usize, Reverse<(u32, usize)>, usize, u32);

#[derive(Debug, Clone)]
struct Hit {
    rank: Rank,
    how: MatchKind,
    name: u32,
    part: Range<usize>,
}

/// The best match of each instrument.
#[derive(Debug)]
pub(super) struct Hits<'a> {
    names: &'a Names,
    best: AHashMap<usize, Hit>,
}

impl<'a> Hits<'a> {
    pub(super) fn new(names: &'a Names) -> Self {
        Self { names, best: AHashMap::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.best.is_empty()
    }

    /// Whether there is a match that needs no guessing at mistakes.
    pub(super) fn is_strong(&self) -> bool {
        self.best.values().any(|hit| hit.rank.0 < tier(MatchKind::Typo))
    }

    /// Whether an instrument is among them.
    pub(super) fn has(&self, instrument: usize) -> bool {
        self.best.contains_key(&instrument)
    }

    /// Those that match as well as the best, listed ones before others.
    pub(super) fn best_alike(self) -> Vec<TickerId> {
        let mut hits: Vec<(usize, Rank)> = self.best.into_iter().map(|(at, hit)| (at, hit.rank)).collect();
        hits.sort_unstable_by_key(|(_, rank)| *rank);
        let alike = |rank: &Rank| (rank.0, rank.1, rank.2);
        let best = hits.first().map(|(_, rank)| alike(rank));
        let best = hits.iter().take_while(|(_, rank)| Some(alike(rank)) == best);
        best.filter_map(|(at, _)| Some(self.names.instruments.get(*at)?.id)).collect()
    }

    /// The best kind so far.
    pub(super) fn kind(&self) -> Option<MatchKind> {
        self.best.values().map(|hit| hit.how).min()
    }

    /// Keeps these instruments only.
    pub(super) fn retain(&mut self, keep: impl Fn(usize) -> bool) {
        self.best.retain(|instrument, _| keep(*instrument));
    }

    /// A match of a part of a name's key; the smaller `grade`, the better.
    pub(super) fn add(
        &mut self,
        how: MatchKind,
        grade: u8,
        (number, name): (u32, &Name),
        part: Range<usize>,
    ) {
        let Some(instrument) = self.names.instruments.get(name.instrument) else { return };
        let length = name.form.core.len();
        // Behind a whole Latin word (samsung) others may follow, however long; within one, the name may be longer or
        // shorter, and a short one is more likely meant.
        let missing = if name.ends_latin_word(part.end) { 0 } else { length };
        let Instrument { delisted, weight, order, .. } = *instrument;
        let rank = (tier(how), grade, delisted, name.former, missing, weight, length, order);
        self.take(name.instrument, Hit { rank, how, name: number, part });
    }

    fn take(&mut self, instrument: usize, hit: Hit) {
        match self.best.entry(instrument) {
            std::collections::hash_map::Entry::Occupied(mut known) => {
                if hit.rank < known.get().rank {
                    known.insert(hit);
                }
            }
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(hit);
            }
        }
    }

    /// Takes other hits over as matches of another kind; `grade` gives how good each of them is, or refuses it.
    pub(super) fn take_as(
        &mut self,
        how: MatchKind,
        others: Self,
        grade: impl Fn(MatchKind) -> Option<(bool, u8)>,
    ) {
        for (instrument, mut hit) in others.best {
            if let Some((weak, grade)) = grade(hit.how) {
                hit.rank.0 = if weak { u8::MAX } else { tier(how) };
                hit.rank.1 = grade * 8 + hit.rank.1.min(7);
                hit.how = how;
                self.take(instrument, hit);
            }
        }
    }

    /// The best, in order.
    pub(super) fn sorted(self, limit: usize) -> Vec<TickerHit> {
        let names = self.names;
        let mut hits: Vec<(usize, Hit)> = self.best.into_iter().collect();
        hits.sort_unstable_by_key(|(_, hit)| hit.rank);
        hits.into_iter().take(limit).filter_map(|(instrument, hit)| shown(names, instrument, &hit)).collect()
    }
}

fn shown(names: &Names, instrument: usize, hit: &Hit) -> Option<TickerHit> {
    let name = names.get(hit.name)?;
    let id = names.instruments.get(instrument)?.id;
    Some(TickerHit {
        id,
        how: hit.how,
        name: name.shown.clone(),
        spans: name.span(&hit.part).into_iter().collect(),
    })
}

const fn tier(how: MatchKind) -> u8 {
    how as u8
}
