//! The stored form of a timeline; nothing else knows it.
//!
//! A timeline is one Redis string: a header, then entries of 16 bytes in order of arrival.
//!
//! header: `MDT1` | state u8 | 0 u8 | merged authors u16 | epoch u32 | generation u64 | floor u64 |
//! merged authors, u64 each (all little-endian). From the floor's id on the timeline is complete.
//!
//! entry: one little-endian u128 of post id (53 bits), author (53 bits), bonus (22 bits), where
//! `rank = seconds(id) + bonus - 28,802`. The highest bonus values mark acts instead of posts, so that
//! a removal is an append like any other; of several entries about one post the last holds:
//!
//! | mark | id | author |
//! | --- | --- | --- |
//! | `GONE` | post that must not show | - |
//! | `RERANK` | post | its rank, where that does not fit the bonus |
//! | `MERGED` | - | author read from their own list from now on |
//! | `FLOOR` | id from which on the timeline is complete | - |

use ahash::AHashMap;
use madang_core::{
    ids::{PostId, UserId},
    posts::Entry,
};

const MAGIC: [u8; 4] = *b"MDT1";
const FIXED_HEADER: usize = 28;
/// Bytes of an entry.
pub const ENTRY: usize = 16;
/// Most merged authors a header names: one may follow 5,000 people.
const MAX_MERGED: usize = 5_000;

const BONUS_BITS: u32 = 22;
const ID_MASK: u128 = (1 << 53) - 1;
const BONUS_MASK: u128 = (1 << BONUS_BITS) - 1;
const GONE: u128 = BONUS_MASK;
const MERGED: u128 = BONUS_MASK - 1;
const FLOOR: u128 = BONUS_MASK - 2;
const RERANK: u128 = BONUS_MASK - 3;
const FIRST_MARK: u128 = RERANK;
/// The deepest flooding penalty, and what flooring may add to it.
const BONUS_SHIFT: i64 = 28_802;

/// Whether a header is complete or a rebuild is gathering behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// May be read.
    Ready,
    /// Appends gather, entries are not there yet.
    Building,
}

/// A parsed timeline.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// Whether it may be read.
    pub state: State,
    /// Which life of Redis wrote it.
    pub epoch: i32,
    /// Changes with every rewrite.
    pub generation: u64,
    /// From this id on nothing is missing.
    pub floor: i64,
    /// Authors to be read from their own lists.
    pub merged: Vec<i64>,
    /// Entries without doubles and without what is gone, newest first.
    pub entries: Vec<Entry>,
    /// Entries stored, marks and doubles included.
    pub stored: usize,
}

fn seconds(id: i64) -> i64 {
    (id >> 12) / 1000
}

fn bits(value: i64) -> u128 {
    u128::from(value.unsigned_abs()) & ID_MASK
}

fn packed(id: i64, author: i64, bonus: u128) -> [u8; ENTRY] {
    (bits(id) << 75 | bits(author) << BONUS_BITS | bonus).to_le_bytes()
}

/// Appends a post to `out`.
pub fn push_entry(out: &mut Vec<u8>, entry: Entry) {
    let bonus = entry.rank - seconds(entry.id.get()) + BONUS_SHIFT;
    match u128::try_from(bonus) {
        Ok(fits) if fits < FIRST_MARK => {
            out.extend_from_slice(&packed(entry.id.get(), entry.author.get(), fits));
        }
        _ => {
            out.extend_from_slice(&packed(entry.id.get(), entry.author.get(), 0));
            out.extend_from_slice(&packed(entry.id.get(), entry.rank, RERANK));
        }
    }
}

/// Appends the mark that a post must not show.
pub fn push_gone(out: &mut Vec<u8>, post: PostId) {
    out.extend_from_slice(&packed(post.get(), 0, GONE));
}

/// Appends the mark that an author is read from their own list.
pub fn push_merged(out: &mut Vec<u8>, author: UserId) {
    out.extend_from_slice(&packed(0, author.get(), MERGED));
}

/// Appends the mark that the timeline is complete only from `id` on.
pub fn push_floor(out: &mut Vec<u8>, id: i64) {
    out.extend_from_slice(&packed(id, 0, FLOOR));
}

/// Puts a block of entries in the order of their ids, as `parse` likes them best. Of one post the order
/// stays, which is what decides.
pub fn put_in_order(block: &mut [u8]) {
    let (words, _) = block.as_chunks_mut::<ENTRY>();
    if words.len() > 1 {
        words.sort_by_key(|word| u128::from_le_bytes(*word) >> 75);
    }
}

/// A header with nothing behind it.
pub fn header(state: State, epoch: i32, generation: u64, floor: i64, merged: &[i64]) -> Vec<u8> {
    let named = merged.get(..merged.len().min(MAX_MERGED)).unwrap_or_default();
    let mut out = Vec::with_capacity(FIXED_HEADER + named.len() * 8);
    out.extend_from_slice(&MAGIC);
    out.push(u8::from(state == State::Building));
    out.push(0);
    out.extend_from_slice(&u16::try_from(named.len()).unwrap_or(0).to_le_bytes());
    out.extend_from_slice(&epoch.to_le_bytes());
    out.extend_from_slice(&generation.to_le_bytes());
    out.extend_from_slice(&floor.to_le_bytes());
    named.iter().for_each(|author| out.extend_from_slice(&author.to_le_bytes()));
    out
}

/// Whether a value of that length may have outgrown the cap twice; the names in its header can mislead. It is
/// then cut back to the cap itself: the string, which Redis doubles at the next append, so stays in the
/// allocator's class of twice the cap. What removals make shorter is read from PostgreSQL.
pub const fn overgrown(len: usize, cap: usize) -> bool {
    len > FIXED_HEADER + 2 * cap * ENTRY
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

/// Parses a stored value; `None` when it has no header of ours.
pub fn parse(bytes: &[u8]) -> Option<Timeline> {
    if array::<4>(bytes, 0)? != MAGIC {
        return None;
    }
    let count = usize::from(u16::from_le_bytes(array(bytes, 6)?));
    let body_at = FIXED_HEADER + count * 8;
    let mut timeline = Timeline {
        state: if bytes.get(4) == Some(&0) { State::Ready } else { State::Building },
        epoch: i32::from_le_bytes(array(bytes, 8)?),
        generation: u64::from_le_bytes(array(bytes, 12)?),
        floor: i64::from_le_bytes(array(bytes, 20)?),
        merged: bytes
            .get(FIXED_HEADER..body_at)?
            .chunks_exact(8)
            .filter_map(|b| Some(i64::from_le_bytes(b.try_into().ok()?)))
            .collect(),
        entries: Vec::new(),
        stored: 0,
    };
    timeline.read_entries(bytes.get(body_at..)?);
    Some(timeline)
}

impl Timeline {
    fn read_entries(&mut self, body: &[u8]) {
        let (words, _) = body.as_chunks::<ENTRY>();
        self.stored = words.len();
        let mut posts = Vec::with_capacity(words.len());
        posts.extend(words.iter().map(|word| u128::from_le_bytes(*word)).filter(|word| !is_mark(*word)));
        let marked = posts.len() < words.len();
        order(&mut posts);
        self.entries.reserve_exact(posts.len());
        self.entries.extend(posts.iter().rev().map(|word| unpack(*word, word & BONUS_MASK)));
        // Of several about one post the last to arrive comes first, and is kept.
        self.entries.dedup_by_key(|entry| entry.id);
        if marked {
            self.apply_marks(words);
        }
    }

    /// Of several words about one post the last holds, so they are read again in order.
    fn apply_marks(&mut self, words: &[[u8; ENTRY]]) {
        let mut last: AHashMap<i64, Option<Entry>> = AHashMap::with_capacity(words.len());
        for word in words {
            let value = u128::from_le_bytes(*word);
            let entry = unpack(value, 0);
            match value & BONUS_MASK {
                GONE => {
                    last.insert(entry.id.get(), None);
                }
                RERANK => {
                    if let Some(Some(held)) = last.get_mut(&entry.id.get()) {
                        held.rank = entry.author.get();
                    }
                }
                MERGED => {
                    if !self.merged.contains(&entry.author.get()) {
                        self.merged.push(entry.author.get());
                    }
                }
                FLOOR => self.floor = self.floor.max(entry.id.get()),
                bonus => {
                    last.insert(entry.id.get(), Some(unpack(value, bonus)));
                }
            }
        }
        self.entries.retain_mut(|entry| match last.get(&entry.id.get()) {
            Some(Some(held)) => {
                *entry = *held;
                true
            }
            _ => false,
        });
    }
}

fn is_mark(word: u128) -> bool {
    word & BONUS_MASK >= FIRST_MARK
}

/// Sorts by id, oldest first; of one id in order of arrival. Entries arrive nearly in order, so putting
/// each in its place from the end costs next to nothing; where it does not, they are sorted.
fn order(words: &mut [u128]) {
    let id = |word: &u128| word >> 75;
    let mut budget = 2 * words.len();
    for at in 1..words.len() {
        let (before, rest) = words.split_at(at);
        let (Some(last), Some(word)) = (before.last(), rest.first()) else { return };
        if id(last) <= id(word) {
            continue;
        }
        let place = before.iter().rposition(|held| id(held) <= id(word)).map_or(0, |held| held + 1);
        let Some(left) = budget.checked_sub(at - place) else {
            words.sort_by_key(id);
            return;
        };
        budget = left;
        if let Some(moved) = words.get_mut(place..=at) {
            moved.rotate_right(1);
        }
    }
}

fn unpack(value: u128, bonus: u128) -> Entry {
    let part = |value: u128| i64::try_from(value & ID_MASK).unwrap_or(0);
    let id = part(value >> 75);
    let bonus = i64::try_from(bonus).unwrap_or(0);
    Entry {
        id: PostId::new(id),
        rank: seconds(id) + bonus - BONUS_SHIFT,
        author: UserId::new(part(value >> BONUS_BITS)),
    }
}

/// Writes a rebuilt or cut-back timeline, if no other rewrite came between, with whatever was appended
/// since `ARGV[2]` bytes were read. ARGV: generation (8 bytes), length read, new value, lifetime in ms
/// (0 keeps the present one).
pub const SPLICE: &str = r"
if redis.call('GETRANGE', KEYS[1], 0, 3) ~= 'MDT1' or redis.call('GETRANGE', KEYS[1], 12, 19) ~= ARGV[1] then
    return 0
end
local tail = redis.call('GETRANGE', KEYS[1], ARGV[2], -1)
if ARGV[4] == '0' then
    redis.call('SET', KEYS[1], ARGV[3] .. tail, 'KEEPTTL')
else
    redis.call('SET', KEYS[1], ARGV[3] .. tail, 'PX', ARGV[4])
end
return 1";

/// Removes a key that an append made without a header.
pub const DROP_HEADLESS: &str = r"
if redis.call('GETRANGE', KEYS[1], 0, 3) ~= 'MDT1' then return redis.call('DEL', KEYS[1]) end
return 0";

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use madang_core::ids::id_floor;
    use proptest::prelude::*;

    use super::*;

    fn at(secs: i64) -> i64 {
        id_floor(chrono::DateTime::from_timestamp(1_700_000_000 + secs, 0).unwrap()) + 7
    }

    fn entry(secs: i64, author: i64, rank: i64) -> Entry {
        Entry { id: PostId::new(at(secs)), rank, author: UserId::new(author) }
    }

    #[test]
    fn what_was_written_is_read_back_newest_first_without_doubles() {
        let base = seconds(at(0));
        let mut bytes = header(State::Ready, 3, 99, 5, &[1, 2]);
        for secs in [0, 2, 1, 2] {
            push_entry(&mut bytes, entry(secs, 8, base + secs * 10));
        }
        let timeline = parse(&bytes).unwrap();
        assert_eq!((timeline.epoch, timeline.generation, timeline.floor), (3, 99, 5));
        assert_eq!(timeline.merged, [1, 2]);
        assert_eq!(timeline.stored, 4);
        let ranks: Vec<i64> = timeline.entries.iter().map(|entry| entry.rank - base).collect();
        assert_eq!(ranks, [20, 10, 0]);
    }

    #[test]
    fn marks_remove_rerank_merge_and_raise_the_floor() {
        let base = seconds(at(0));
        let mut bytes = header(State::Ready, 1, 1, 0, &[]);
        push_entry(&mut bytes, entry(0, 8, base));
        push_entry(&mut bytes, entry(1, 8, base));
        push_gone(&mut bytes, PostId::new(at(0)));
        push_entry(&mut bytes, entry(1, 8, base + 90 * 86_400));
        push_merged(&mut bytes, UserId::new(77));
        push_floor(&mut bytes, at(-5));
        let timeline = parse(&bytes).unwrap();
        assert_eq!(timeline.entries, [entry(1, 8, base + 90 * 86_400)]);
        assert_eq!((timeline.merged.as_slice(), timeline.floor), (&[77][..], at(-5)));
        push_entry(&mut bytes, entry(0, 8, base));
        assert_eq!(parse(&bytes).unwrap().entries.len(), 2, "a restored post comes back");
    }

    #[test]
    fn foreign_bytes_are_no_timeline() {
        for bytes in [&b""[..], b"MDT", b"MDT2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", &[0; 16]] {
            assert!(parse(bytes).is_none());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn any_order_of_arrival_is_put_in_order_of_ids(ids in proptest::collection::vec(0_u128..60, 0..300)) {
            let arrived: Vec<u128> = (0..).zip(&ids).map(|(n, id): (u128, _)| id << 75 | n).collect();
            let mut ordered = arrived.clone();
            order(&mut ordered);
            let mut expected = arrived;
            expected.sort_by_key(|word| word >> 75);
            prop_assert_eq!(ordered, expected);
        }

        #[test]
        fn any_bytes_parse_or_not_but_never_panic(tail in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&tail);
            let mut bytes = header(State::Ready, 1, 1, 0, &[]);
            bytes.extend(&tail);
            prop_assert!(parse(&bytes).is_some());
        }

        #[test]
        fn every_rank_survives(secs in 0_i64..1_000_000, author in 1_i64..1 << 53, rank in 0_i64..1 << 31) {
            let mut bytes = header(State::Ready, 1, 1, 0, &[]);
            push_entry(&mut bytes, entry(secs, author, rank));
            prop_assert_eq!(parse(&bytes).unwrap().entries[0], entry(secs, author, rank));
        }
    }
}
