//! The call ledger: every stance somebody took, scored against the market, whether they like it or not.
//!
//! A bullish or bearish post on one or two tickers is a call. It enters at the next price a reader could
//! have traded at, never at one from before the post, and is scored one, five and twenty trading days on:
//! right if the ticker did better (bull) or worse (bear) than the market. A post is scored deleted or not,
//! so deleting the losers changes nothing; of several posts that come to the same call, the first counts.
//!
//! `session` says when an exchange's prices are made, `ledger` makes calls of posts, `score` adds them up,
//! `calibration` asks whether a past hit rate foretells the next one, `plot` draws that. All of it is pure
//! and none of it can panic.
//!
//! Known limits. Prices are daily closes, so a call is entered up to a day after the post, and who called a
//! jump between the two gets nothing for it. Half days of exchanges other than New York are not known. An
//! author's calls at the same time rise and fall together more than the interval, which only joins those
//! that overlap on one ticker, admits.

mod calibration;
mod ledger;
mod plot;
mod score;
mod session;
#[cfg(test)]
mod tests;

pub use calibration::{CalibrationPoint, MIN_HISTORY, calibration};
pub use ledger::{Call, Entry, MAX_ENTRY_WAIT, MAX_TICKERS, Outcome, StancePost, ledger};
pub use plot::{Language, describe, plot};
pub use score::{Interval, Score, WILSON_Z, scores, wilson};
pub use session::{CLOSE_MARGIN, Quotes, closing_time};

/// How long after its entry a call is scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Horizon {
    /// The next trading day.
    Day1,
    /// A week of trading.
    Day5,
    /// A month of trading.
    Day20,
}

impl Horizon {
    /// All of them, the shortest first; the order of [`Call::outcomes`].
    pub const ALL: [Self; 3] = [Self::Day1, Self::Day5, Self::Day20];

    /// In trading days.
    pub const fn days(self) -> u32 {
        match self {
            Self::Day1 => 1,
            Self::Day5 => 5,
            Self::Day20 => 20,
        }
    }

    /// What became of a call by this time.
    pub fn of(self, call: &Call) -> Outcome {
        let [day1, day5, day20] = call.outcomes;
        match self {
            Self::Day1 => day1,
            Self::Day5 => day5,
            Self::Day20 => day20,
        }
    }
}
