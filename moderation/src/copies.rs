//! Which texts of the last 24 hours are nearly the same: an index in the process, by fingerprint.

use std::collections::VecDeque;

use ahash::{AHashMap, AHashSet};
use chrono::{DateTime, Utc};
use madang_core::ids::{PostId, UserId, id_floor};

use crate::text::{
    Near,
    simhash::{NEAR_BITS, distance},
};

/// How long a text counts.
pub const COUNTED: chrono::Duration = chrono::Duration::hours(24);
/// Texts held at most; beyond, the oldest go first.
const HELD: usize = 500_000;
/// Texts of one band looked at; a text with more copies than that is far over every limit.
const LOOKED_AT: usize = 2_000;
/// Bands of a fingerprint: one more than the bits that may differ, so that one of them is the same.
pub const BANDS: u32 = NEAR_BITS + 1;
const BAND_BITS: u32 = 64 / BANDS;

/// A post's fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Print {
    /// The post.
    pub post: PostId,
    /// Who wrote it.
    pub author: UserId,
    /// SimHash of its text.
    pub hash: u64,
}

/// The bands of a fingerprint, each with its number above its bits; two near fingerprints share one.
pub fn bands(hash: u64) -> impl Iterator<Item = u32> {
    (0..BANDS).map(move |band| {
        let bits = (hash >> (band * BAND_BITS)) & ((1 << BAND_BITS) - 1);
        band << BAND_BITS | u32::try_from(bits).unwrap_or(0)
    })
}

/// Fingerprints of the last 24 hours, in the order in which they came.
#[derive(Debug, Default)]
pub struct Copies {
    held: VecDeque<Print>,
    /// How many have been dropped: a place in `by_band` less this is one in `held`.
    dropped: usize,
    by_band: AHashMap<u32, VecDeque<usize>>,
    known: AHashSet<(i64, u64)>,
}

impl Copies {
    /// Adds one, unless it is known.
    pub fn add(&mut self, print: Print) {
        if !self.known.insert((print.post.get(), print.hash)) {
            return;
        }
        if self.held.len() >= HELD {
            self.drop_first();
        }
        let place = self.dropped + self.held.len();
        self.held.push_back(print);
        for band in bands(print.hash) {
            self.by_band.entry(band).or_default().push_back(place);
        }
    }

    /// Drops what no longer counts.
    pub fn drop_old(&mut self, now: DateTime<Utc>) {
        let oldest = id_floor(now - COUNTED);
        while self.held.front().is_some_and(|print| print.post.get() < oldest) {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        let Some(print) = self.held.pop_front() else { return };
        self.dropped += 1;
        self.known.remove(&(print.post.get(), print.hash));
        for band in bands(print.hash) {
            if let Some(places) = self.by_band.get_mut(&band) {
                places.pop_front();
                if places.is_empty() {
                    self.by_band.remove(&band);
                }
            }
        }
    }

    /// How many posts, but for one, are nearly the same as a text of `author`.
    pub fn near(&self, hash: u64, author: UserId, except: Option<PostId>, now: DateTime<Utc>) -> Near {
        let oldest = id_floor(now - COUNTED);
        let mut seen = AHashSet::new();
        let mut near = Near::default();
        for band in bands(hash) {
            let places = self.by_band.get(&band).into_iter().flatten().rev().take(LOOKED_AT);
            for print in places.filter_map(|place| self.held.get(place.checked_sub(self.dropped)?)) {
                let counts = print.post.get() >= oldest && distance(print.hash, hash) <= NEAR_BITS;
                if counts && Some(print.post) != except && seen.insert(print.post) {
                    near.all += 1;
                    near.own += u32::from(print.author == author);
                }
            }
        }
        near
    }

    /// Fingerprints held.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(post: i64, author: i64, hash: u64) -> Print {
        Print { post: PostId::new(post), author: UserId::new(author), hash }
    }

    #[test]
    fn texts_that_differ_in_three_bits_are_found_and_others_are_not() {
        let now = Utc::now();
        let id = id_floor(now);
        let mut copies = Copies::default();
        let hash = 0x0123_4567_89AB_CDEF;
        copies.add(print(id, 1, hash));
        let author = UserId::new(2);
        for (a, b, c) in [(0, 20, 40), (1, 2, 3), (16, 32, 48), (61, 62, 63), (5, 5, 5)] {
            let near = hash ^ (1 << a) ^ (1 << b) ^ (1 << c);
            assert_eq!(copies.near(near, author, None, now), Near { all: 1, own: 0 }, "{a} {b} {c}");
        }
        assert_eq!(copies.near(hash ^ 0b1111, author, None, now).all, 0, "four bits");
        assert_eq!(copies.near(hash, UserId::new(1), None, now), Near { all: 1, own: 1 });
    }

    #[test]
    fn a_post_counts_once_and_for_a_day() {
        let now = Utc::now();
        let mut copies = Copies::default();
        for (post, hash) in [(0, 7), (0, 7), (1, 7), (1, 5)] {
            copies.add(print(id_floor(now) + post, 1, hash));
        }
        assert_eq!(copies.near(7, UserId::new(1), None, now).all, 2, "an edit is no second post");
        let tomorrow = now + COUNTED + chrono::Duration::minutes(1);
        assert_eq!(copies.near(7, UserId::new(1), None, tomorrow).all, 0);
        copies.drop_old(tomorrow);
        assert!(copies.is_empty() && copies.by_band.is_empty() && copies.known.is_empty());
        copies.add(print(id_floor(tomorrow), 1, 7));
        assert_eq!(
            copies.near(7, UserId::new(1), None, tomorrow).all,
            1,
            "places are still right after dropping"
        );
    }
}
