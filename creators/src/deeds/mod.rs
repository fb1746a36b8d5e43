//! Said one thing, did another: an author's posts beside the author's own trades.
//!
//! Only what the author has agreed to disclose may be given here, and what comes out says which post, which
//! trades, how many hours and what share of the position; never an amount.
//!
//! Three things contradict. After a bullish post the author sells within two days (if bought for it the day
//! before, or right after it, that is scalping); after a bearish post the author buys; or half the position
//! was sold in the day before a post that praises it. What is small beside the position does not count, and
//! neither does what was said: a post in the trade's direction, before it or within minutes of it, clears it.
//!
//! A deleted post still contradicts. A post deleted within a day of the trade does not clear it, since hardly
//! anybody could read it.
//!
//! Known limits. Who waits longer than the window, sells a fifth at a time less than the threshold, or trades
//! in an account elsewhere is not seen. Words are read by their stance only: a bullish post that says "I will
//! sell tomorrow" is contradicted by selling tomorrow, and a person decides what becomes of that. Splits
//! between a post and its trades must be undone in the quantities given.

mod compare;
#[cfg(test)]
mod planted;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use madang_core::{ids::PostId, posts::Stance};
use rust_decimal::Decimal;

pub use compare::contradictions;

/// A post on the ticker, as published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnPost {
    /// Its id.
    pub id: PostId,
    /// When it was published.
    pub at: DateTime<Utc>,
    /// What it says of the ticker.
    pub stance: Stance,
    /// When it was deleted, if it was.
    pub deleted_at: Option<DateTime<Utc>>,
}

/// Which way a trade went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Bought.
    Buy,
    /// Sold.
    Sell,
}

/// A trade of the ticker by the post's author.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnTrade {
    /// Row of the ledger.
    pub id: i64,
    /// When it was done.
    pub at: DateTime<Utc>,
    /// Which way.
    pub side: Side,
    /// How much, above zero.
    pub quantity: Decimal,
    /// How much was held before it.
    pub position_before: Decimal,
}

/// How words and deeds differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Bought for a bullish post and sold on those who read it.
    Scalped,
    /// Sold after a bullish post.
    SoldAfterBull,
    /// Sold most of it shortly before a bullish post.
    SoldBeforeBull,
    /// Bought after a bearish post.
    BoughtAfterBear,
}

impl Kind {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scalped => "scalped",
            Self::SoldAfterBull => "sold_after_bull",
            Self::SoldBeforeBull => "sold_before_bull",
            Self::BoughtAfterBear => "bought_after_bear",
        }
    }
}

/// A post and the trades that contradict it.
#[derive(Debug, Clone, PartialEq)]
pub struct Contradiction {
    /// How.
    pub kind: Kind,
    /// What was said.
    pub post: PostId,
    /// What was done, in order: the trades against the post, not those with it.
    pub trades: Vec<i64>,
    /// Between the post and the nearest of them.
    pub hours_between: f64,
    /// Part of the position that was sold, or by which it grew, as a fraction, 1 at most.
    pub share: f64,
}

/// The constants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeedSettings {
    /// How long after a post a trade against it contradicts it.
    pub after: TimeDelta,
    /// How long before a bullish post buying counts as buying for it, and selling as having sold.
    pub before: TimeDelta,
    /// How long after a trade a post that owns up to it still clears it: the time to write one.
    pub grace: TimeDelta,
    /// Part of the position below which a trade says nothing: people trim, rebalance and realise small
    /// losses for the tax.
    pub material: Decimal,
    /// Part of the position whose sale before a bullish post contradicts it.
    pub sold_before: Decimal,
    /// Part of the largest position so far that the present one is measured as, if it is smaller: selling or
    /// buying a rest is no deed.
    pub of_largest: Decimal,
}

impl Default for DeedSettings {
    fn default() -> Self {
        Self {
            after: TimeDelta::hours(48),
            before: TimeDelta::hours(24),
            grace: TimeDelta::minutes(15),
            material: Decimal::new(2, 1),
            sold_before: Decimal::new(5, 1),
            of_largest: Decimal::new(5, 1),
        }
    }
}
