//! What somebody typed, taken apart.

mod parse;

use madang_core::ids::{TickerId, UserId};

pub use parse::other_layout;

/// Most characters of a query.
pub const MAX_QUERY_CHARS: usize = 200;
/// Most words of a query that are looked for; the others are left out.
pub const MAX_WORDS: usize = 16;

/// Words to look for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// As typed: NFKC, lower case, single spaces between words.
    pub text: String,
    /// In order; empty where nothing can be looked for, as in a row of emoji.
    pub words: Vec<Word>,
}

/// One word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// NFKC, lower case, without punctuation: letters and digits of any script.
    pub text: String,
    /// The same without the Korean particle at its end (실적이 → 실적); `text` again where there is none.
    pub stem: String,
    /// Instruments this word is a code, name or nickname of.
    pub tickers: Vec<TickerId>,
    /// Whether it was quoted: then it is looked for as it stands, next to its neighbours of the same quote (which have
    /// the same number).
    pub quoted: Option<u8>,
    /// Whether more may follow: the last word, unless a space or a quote ends it.
    pub open: bool,
}

/// Which posts are wanted; every filter that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PostFilter {
    /// About this instrument.
    pub ticker: Option<TickerId>,
    /// By this person.
    pub author: Option<UserId>,
    /// By one of these people; nobody's where the list is empty.
    pub among: Option<Vec<UserId>>,
    /// -1 bear, 0 none, 1 bull.
    pub stance: Option<i16>,
    /// Not before, seconds since 1970.
    pub from: Option<i64>,
    /// Before, seconds since 1970.
    pub until: Option<i64>,
    /// By people the house has checked only.
    pub verified: bool,
}

/// A search for posts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PostQuery {
    /// What to look for.
    pub words: Words,
    /// Where.
    pub filter: PostFilter,
    /// Most hits wanted, 1 to 1,000.
    pub limit: usize,
}

/// A search for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeopleQuery {
    /// What to look for in handles and names.
    pub words: Words,
    /// People the house has checked only.
    pub verified: bool,
    /// Most hits wanted, 1 to 1,000.
    pub limit: usize,
}
