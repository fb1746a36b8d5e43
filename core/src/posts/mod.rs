//! Posts: publishing, editing, deleting, and reading their records.
//!
//! A post row never moves: its id, time and rank are made once inside the insert. `listed` says
//! whether feeds and boards may show it; deleting or hiding a post clears it there and on its reposts.

pub mod attachments;
mod entries;
mod intake;
mod lists;
mod publish;
mod read;
mod remove;

pub use entries::{
    Entry, LivePost, Scored, Window, board_entries, engaged_scores, entries_of, live_backlog, live_posts,
    newest_of_author, trending_candidates,
};
pub use intake::Intake;
pub use lists::{author_page, bookmarks_page, replies, watchlist_ids};
pub use publish::{
    Created, NewPoll, NewPost, PricedTicker, Published, Submission, create, create_all, create_in, repost,
};
pub use read::{PostCounts, PostRecord, Revision, Target, TickerMark, counts, records, revisions, target};
pub use remove::{EditRefused, Edited, delete, delete_all_of, edit, list_again, restrict, unrepost};

/// Whether the writer expects the price to rise or to fall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stance {
    /// Rise.
    Bull,
    /// Neither said.
    None,
    /// Fall.
    Bear,
}

impl Stance {
    /// To the column.
    pub const fn column(self) -> i16 {
        match self {
            Self::Bull => 1,
            Self::None => 0,
            Self::Bear => -1,
        }
    }

    /// From the column.
    pub const fn from_column(value: i16) -> Self {
        match value {
            1 => Self::Bull,
            -1 => Self::Bear,
            _ => Self::None,
        }
    }

    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bull => "bull",
            Self::None => "none",
            Self::Bear => "bear",
        }
    }

    /// From the name in JSON.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Bull, Self::None, Self::Bear].into_iter().find(|stance| stance.as_str() == name)
    }
}

/// How long a post may be edited.
pub const EDIT_WINDOW: chrono::Duration = chrono::Duration::minutes(30);
