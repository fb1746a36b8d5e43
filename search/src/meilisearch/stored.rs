//! What the indexes hold: posts and people in the shape that their settings expect and, under the id 0 that nothing else
//! has, a stamp. The stamp says what an index was made from and how far it has come. It lies in the index itself and
//! so moves with it: after a swap, or in a restored snapshot, it still says the truth.

use serde::{Deserialize, Serialize};

use crate::{
    documents::{Built, Mark, PersonDoc, PostDoc},
    hangul,
};

/// The id under which the stamp lies.
pub(super) const STAMP_ID: i64 = 0;
/// Most characters of a name that is taken for a code.
const MAX_CODE_CHARS: usize = 8;
/// Most ends of a name.
const MAX_ENDS: usize = 20;

/// A post in the index.
#[derive(Debug, Serialize)]
pub(super) struct StoredPost<'a> {
    id: i64,
    body: &'a str,
    /// Names and nicknames of the instruments, in which a typo is forgiven.
    names: Vec<&'a str>,
    /// Their codes, in which none is.
    codes: Vec<&'a str>,
    tickers: Vec<i32>,
    author: i64,
    verified: bool,
    stance: i16,
    created_at: i64,
    rank: i64,
}

impl<'a> From<&'a PostDoc> for StoredPost<'a> {
    fn from(post: &'a PostDoc) -> Self {
        let (codes, names) = post.ticker_names.iter().map(String::as_str).partition(|name| is_code(name));
        Self {
            id: post.id.get(),
            body: &post.body,
            names,
            codes,
            tickers: post.tickers.iter().map(|ticker| ticker.get()).collect(),
            author: post.author.get(),
            verified: post.verified,
            stance: post.stance,
            created_at: post.created_at,
            rank: post.rank,
        }
    }
}

/// Whether a name is a code like 005930, TSLA or BRK.B.
fn is_code(name: &str) -> bool {
    name.chars().count() <= MAX_CODE_CHARS
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'.' || b == b'-')
}

/// A person in the index.
#[derive(Debug, Serialize)]
pub(super) struct StoredPerson<'a> {
    id: i64,
    handle: &'a str,
    name: &'a str,
    /// Handle and name without anything between their letters.
    joined: Vec<String>,
    /// The initial consonants of the name.
    initials: String,
    /// The name from each of its later syllables on: 차트 of 김차트. The server finds beginnings only.
    ends: Vec<String>,
    verified: bool,
    followers: i32,
}

impl<'a> From<&'a PersonDoc> for StoredPerson<'a> {
    fn from(person: &'a PersonDoc) -> Self {
        let joined = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        let name = joined(&person.name);
        Self {
            id: person.id.get(),
            handle: &person.handle,
            name: &person.name,
            initials: hangul::initials(&name),
            ends: ends(&name),
            joined: vec![name, joined(&person.handle)],
            verified: person.verified,
            followers: person.followers,
        }
    }
}

/// What a name ends in, from its later syllables on, two letters at least.
fn ends(name: &str) -> Vec<String> {
    let starts = name.char_indices().skip(1).filter(|(_, c)| hangul::is_syllable(*c)).take(MAX_ENDS);
    let rests = starts.filter_map(|(at, _)| name.get(at..)).filter(|rest| rest.chars().nth(1).is_some());
    rests.map(str::to_owned).collect()
}

/// About how many bytes a document takes on the wire.
pub(super) trait Weight {
    /// The bytes.
    fn weight(&self) -> usize;
}

impl Weight for StoredPost<'_> {
    fn weight(&self) -> usize {
        let names: usize = self.names.iter().chain(&self.codes).map(|name| name.len() + 3).sum();
        self.body.len() + names + self.tickers.len() * 20 + 220
    }
}

impl Weight for StoredPerson<'_> {
    fn weight(&self) -> usize {
        let ends: usize = self.ends.iter().map(|end| end.len() + 3).sum();
        3 * (self.handle.len() + self.name.len()) + ends + 160
    }
}

/// What an index says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    /// How many indexes were built before it: of two, the one with more is the newer.
    pub(super) generation: u64,
    /// The revision of the settings and documents it was made with.
    #[serde(default)]
    pub(super) revision: u32,
    /// What tells them from others of that revision.
    pub(super) settings: String,
    /// The database it was made from.
    pub(super) database: String,
    /// The number of the search log up to which it has taken everything over.
    pub(super) position: i64,
    /// How far it was built.
    pub(super) built: Built,
    /// Whether it is still being built.
    pub(super) building: bool,
}

impl Stamp {
    /// As the mark of an index that answers.
    pub(super) fn mark(&self) -> Mark {
        Mark { database: self.database.clone(), position: self.position, building: None }
    }

    /// As the mark of an index being built.
    pub(super) fn mark_of_build(&self) -> Mark {
        Mark { building: Some(self.built), ..self.mark() }
    }
}

/// How far an index has come that answers.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Reached {
    /// That of the index.
    pub(super) generation: u64,
    /// The number of the search log up to which it has taken everything over.
    pub(super) position: i64,
}

/// What is written of the stamp when only the position changes.
#[derive(Debug, Serialize)]
pub(super) struct ReachedDoc {
    /// `STAMP_ID`.
    pub(super) id: i64,
    /// The position.
    pub(super) reached: Reached,
}

/// The stamp as a document.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StampDoc {
    id: i64,
    stamp: Stamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reached: Option<Reached>,
}

impl StampDoc {
    /// As it is written whole.
    pub(super) const fn new(stamp: Stamp) -> Self {
        Self { id: STAMP_ID, stamp, reached: None }
    }

    /// The stamp as it stands now.
    pub(super) fn read(self) -> Stamp {
        let reached = self.reached.filter(|reached| reached.generation == self.stamp.generation);
        Stamp { position: reached.map_or(self.stamp.position, |reached| reached.position), ..self.stamp }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_in_its_later_syllables() {
        assert_eq!(ends("김차트"), ["차트"]);
        assert_eq!(ends("KB증권맨"), ["증권맨", "권맨"]);
        assert!(ends("Maria").is_empty());
    }

    #[test]
    fn codes_are_told_from_names() {
        assert!(["005930", "TSLA", "BRK.B", "A005930"].into_iter().all(is_code));
        assert!(
            ["삼성전자", "Samsung", "삼전", "SAMSUNG ELECTRONICS"].into_iter().all(|name| !is_code(name))
        );
    }
}
