//! A fingerprint under which texts that differ in a few words are close.

use std::ops::Range;

use super::{
    glyphs::{is_ignorable, is_letter_or_digit},
    views::View,
};

/// Characters of a shingle.
const SHINGLE: usize = 3;
/// Shingles looked at: enough for any post, and a bound on what a hostile one costs.
const MAX_SHINGLES: usize = 5_000;
/// Bits by which near-duplicates differ at most.
pub const NEAR_BITS: u32 = 3;

/// The fingerprint of a text. Only letters and digits count, so that spacing, punctuation and pictures do
/// not make a copy look new; nor do cashtags, which are what differs between copies on several boards.
pub(crate) fn fingerprint(original: &str, spelled: &View) -> u64 {
    let tags = cashtags(original);
    let mut tags = tags.iter().peekable();
    let untagged = spelled.glyphs.iter().filter(|glyph| {
        let at = glyph.start as usize;
        while tags.next_if(|tag| tag.end <= at).is_some() {}
        !tags.peek().is_some_and(|tag| tag.contains(&at))
    });
    simhash(untagged.map(|glyph| glyph.c))
}

/// Where a text names tickers: a dollar sign and the letters after it.
fn cashtags(text: &str) -> Vec<Range<usize>> {
    let mut tags = Vec::new();
    let mut begun = None;
    for (at, c) in text.char_indices() {
        let goes_on = is_letter_or_digit(c) || is_ignorable(c) || matches!(c, '.' | ':' | '-');
        match begun {
            Some(start) if !goes_on => {
                tags.push(start..at);
                begun = matches!(c, '$' | '＄').then_some(at);
            }
            None if matches!(c, '$' | '＄') => begun = Some(at),
            _ => {}
        }
    }
    tags.extend(begun.map(|start| start..text.len()));
    tags
}

fn simhash(text: impl Iterator<Item = char>) -> u64 {
    let mut votes = Votes::default();
    let mut shingle = [0u32; SHINGLE];
    let mut seen = 0;
    for c in text.filter(|c| is_letter_or_digit(*c)).take(MAX_SHINGLES) {
        shingle.rotate_left(1);
        if let Some(last) = shingle.last_mut() {
            *last = u32::from(c);
        }
        seen += 1;
        if seen >= SHINGLE {
            votes.add(hash(shingle));
        }
    }
    if (1..SHINGLE).contains(&seen) {
        votes.add(hash(shingle));
    }
    votes.majority()
}

/// The characters that count.
pub fn letters(normalised: &str) -> impl Iterator<Item = char> {
    normalised.chars().filter(|c| is_letter_or_digit(*c))
}

/// Bits in which two fingerprints differ.
pub const fn distance(one: u64, other: u64) -> u32 {
    (one ^ other).count_ones()
}

/// How often each of 64 bits was set: the counters stand upright, one bit of all of them in a word, so that
/// one addition serves them all.
#[derive(Default)]
struct Votes {
    planes: [u64; 16],
    cast: u32,
}

impl Votes {
    fn add(&mut self, bits: u64) {
        self.cast += 1;
        let mut carry = bits;
        for plane in &mut self.planes {
            (*plane, carry) = (*plane ^ carry, *plane & carry);
            if carry == 0 {
                break;
            }
        }
    }

    /// The bits set in more than half of the votes.
    fn majority(&self) -> u64 {
        (0..64).fold(0, |bits, at| {
            let set = self.planes.iter().rev().fold(0, |count, plane| count * 2 + (plane >> at & 1));
            bits | (u64::from(set * 2 > u64::from(self.cast)) << at)
        })
    }
}

/// FNV-1a over the characters, then a finaliser, since FNV's high bits move little on short input.
fn hash(shingle: [u32; SHINGLE]) -> u64 {
    let mut hash = shingle
        .iter()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, c| (hash ^ u64::from(*c)).wrapping_mul(0x0100_0000_01B3));
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    hash ^ (hash >> 33)
}
