//! What people said about shares, so that deeds can go with their words, or against them.

use std::collections::BTreeMap;

use super::floor::{Floor, SESSION_SECS};
use crate::generate::clock::local;
use crate::generate::posts::{Kind, Mood, Post};

/// So many seconds around a stance nobody but a word-breaker trades against it.
const HONEST_SECS: i64 = 36 * 3_600;
/// A sale against one's words needs as much of the session.
const ROOM_SECS: i64 = 3_600;
/// Days between two breaches with the same share.
const APART: usize = 4;

/// Praise of a share in the middle of its session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chance {
    pub(crate) listing: usize,
    pub(crate) day: usize,
    /// Seconds after the opening.
    pub(crate) second: i64,
}

/// One opinion on one share.
struct Stance {
    at: i64,
    mood: Mood,
    /// In a post of its own that names no other share.
    plain: bool,
}

/// Stances by author and share, in order of time.
pub(crate) struct Words {
    stances: BTreeMap<(u32, usize), Vec<Stance>>,
}

impl Words {
    /// The stances of `posts`.
    pub(crate) fn new(posts: &[Post]) -> Self {
        let mut stances: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for post in posts.iter().filter(|post| post.takes_stance && post.mood != Mood::Flat) {
            let plain = post.kind == Kind::Post && post.tickers.len() == 1;
            for ticker in &post.tickers {
                let stance = Stance { at: post.at, mood: post.mood, plain };
                stances.entry((post.author, *ticker)).or_default().push(stance);
            }
        }
        Self { stances }
    }

    /// Whether a trade at `at` goes against what `author` says about `listing` in those days.
    pub(crate) fn forbid(&self, author: u32, listing: usize, at: i64, buys: bool) -> bool {
        let against = if buys { Mood::Bear } else { Mood::Bull };
        let near = |stance: &Stance| (stance.at - at).abs() < HONEST_SECS;
        let stances = self.stances.get(&(author, listing));
        stances.is_some_and(|all| all.iter().any(|stance| stance.mood == against && near(stance)))
    }

    /// Where `author` could sell what they just praised: days apart for each share, in order of time.
    pub(crate) fn chances(&self, floor: &Floor, author: u32) -> Vec<Chance> {
        let mut chances: Vec<Chance> = Vec::new();
        for ((_, listing), stances) in self.stances.range((author, 0)..=(author, usize::MAX)) {
            let mut free = 0;
            let praise = stances.iter().filter(|stance| stance.plain && stance.mood == Mood::Bull);
            for chance in praise.filter_map(|stance| chance(floor, *listing, stance.at)) {
                if chance.day >= free {
                    free = chance.day + APART;
                    chances.push(chance);
                }
            }
        }
        chances.sort_by_key(|chance| (chance.day, chance.listing));
        chances
    }
}

fn chance(floor: &Floor, listing: usize, at: i64) -> Option<Chance> {
    let zone = if floor.is_won(listing) { chrono_tz::Asia::Seoul } else { chrono_tz::America::New_York };
    let day = floor.day_of(listing, local(zone, at).0)?;
    let second = at - floor.at(listing, day, 0)?;
    (60..SESSION_SECS - ROOM_SECS).contains(&second).then_some(Chance { listing, day, second })
}
