//! Profit cards as they are made, kept and shown. What a card states is computed here from the ledger (`facts`) and
//! sealed by [`crate::cards`]; what is shown of it depends on the consent in force and on whether the ledger still
//! says the same (`keep`).

mod chosen;
mod facts;
mod keep;
mod positions;
mod shown;

use chrono::NaiveDate;
use madang_core::ids::TickerId;

pub use facts::Maker;
pub use keep::{Kept, Made, Refused, State, any, list, make, read, refresh, withdraw};
pub use positions::{Position, positions};
pub use shown::{json, words};

use crate::returns::Window;

/// What a card is asked to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// A position: the one opened on that day, else the one held now, else the one closed last.
    Position {
        /// Of what.
        ticker: TickerId,
        /// Its first day.
        opened: Option<NaiveDate>,
    },
    /// A span of days up to the last market day.
    Window {
        /// Of one ticker, or of the whole account.
        ticker: Option<TickerId>,
        /// How long.
        window: Window,
    },
}

impl Request {
    /// The ticker it is about, if it is about one.
    pub const fn ticker(&self) -> Option<TickerId> {
        match self {
            Self::Position { ticker, .. } => Some(*ticker),
            Self::Window { ticker, .. } => *ticker,
        }
    }
}
