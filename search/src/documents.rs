//! What is indexed, and how an index says how far it has come.

use madang_core::ids::{PostId, TickerId, UserId};
use serde::{Deserialize, Serialize};

/// A post as indexed: one that feeds may list and that has a text of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostDoc {
    /// Which.
    pub id: PostId,
    /// Its text.
    pub body: String,
    /// The instruments it is about.
    pub tickers: Vec<TickerId>,
    /// Codes, names and nicknames of those, for an index that cannot be told at the time of a query.
    pub ticker_names: Vec<String>,
    /// Who wrote it.
    pub author: UserId,
    /// Whether the house checked who the author is.
    pub verified: bool,
    /// -1 bear, 0 none, 1 bull.
    pub stance: i16,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Authority and freshness in one: seconds since 2010-01-01, more for authors with more followers.
    pub rank: i64,
}

/// A person as indexed: one who has not left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonDoc {
    /// Who.
    pub id: UserId,
    /// The name by which they are addressed.
    pub handle: String,
    /// The name shown.
    pub name: String,
    /// Whether the house checked who they are.
    pub verified: bool,
    /// Followers.
    pub followers: i32,
}

/// What an index takes over in one go: whoever is in neither list stays as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Posts put in, or put in anew.
    pub posts: Vec<PostDoc>,
    /// Posts taken out, if they are in.
    pub gone_posts: Vec<PostId>,
    /// People put in, or put in anew.
    pub people: Vec<PersonDoc>,
    /// People taken out, if they are in.
    pub gone_people: Vec<UserId>,
}

/// How far an index has come; it is stored in the index, with each of its commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The database it was made from, a UUID.
    pub database: String,
    /// The number of the search log up to which it has taken everything over.
    pub position: i64,
    /// While it is being built: how far. `position` is then what the log had when building began.
    pub building: Option<Built>,
}

/// How far an index that is being built has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Built {
    /// The last person added; people come first.
    pub people_after: i64,
    /// The last post added.
    pub posts_after: i64,
}
