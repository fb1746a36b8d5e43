//! The trading floor: what could be traded at which price at what time, the one split, and who pays dividends.
//!
//! A day is counted from the first that ledgers know. Prices are in won or cents and as they were on the day: generated
//! closes are adjusted for splits, so before the split a share cost `RATIO` times as much.

use chrono::{NaiveDate, TimeZone};

use crate::generate::dice::{Dice, Purpose};
use crate::generate::market::{Bar, Market, to_tick};
use crate::generate::tickers::{Exchange, KOREAN};

/// Market days of the ledgers, at most.
const DAYS: usize = 264;
/// The share that is split in the middle of them: one that many hold.
const SPLIT: &str = "NVDA";
/// New shares for an old one.
pub(crate) const RATIO: i64 = 5;
/// Shares that pay a dividend each quarter.
const PAYERS: [&str; 12] = [
    "005930", "005380", "000270", "105560", "055550", "005490", "012330", "AAPL", "MSFT", "JPM", "QCOM",
    "AVGO",
];
/// Market days between two dividends.
const QUARTER: usize = 63;
/// Seconds of a session, in Seoul and in New York.
pub(crate) const SESSION_SECS: i64 = 23_400;

/// Where in the day's range somebody trades.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lean {
    Any,
    Cheap,
    Dear,
}

/// A share, by position in the market, pays so much a share (won or cents) each quarter.
#[derive(Clone, Copy)]
pub(crate) struct Payer {
    pub(crate) listing: usize,
    pub(crate) amount: i64,
    /// The first day it pays.
    from: usize,
}

/// A stretch of days and what a share gained in it, in hundredths of a per cent.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) listing: usize,
    pub(crate) gain: i64,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// The market as traders see it.
pub(crate) struct Floor<'a> {
    pub(crate) market: &'a Market,
    /// Market days that every share has.
    pub(crate) span: usize,
    /// The share that is split, if it is listed, and the day.
    pub(crate) split: Option<(usize, usize)>,
    pub(crate) payers: Vec<Payer>,
}

impl<'a> Floor<'a> {
    /// The last days of `market`.
    pub(crate) fn new(seed: u64, market: &'a Market) -> Self {
        let span = market.listings.iter().map(|listing| listing.bars.len()).min().unwrap_or(0).min(DAYS);
        let find = |symbol: &str| market.listings.iter().position(|listing| listing.ticker.symbol == symbol);
        let split = find(SPLIT).map(|listing| (listing, span / 2));
        let mut floor = Self { market, span, split, payers: Vec::new() };
        let mut dice = Dice::new(seed, Purpose::Ledgers, 0);
        floor.payers =
            PAYERS.iter().filter_map(|symbol| find(symbol)).map(|at| floor.payer(&mut dice, at)).collect();
        floor
    }

    fn payer(&self, dice: &mut Dice, listing: usize) -> Payer {
        let price = self.bar(listing, 0).map_or(0, |bar| bar.close);
        let amount = (price * dice.between(25, 80) / 10_000).max(1);
        let from = usize::try_from(dice.below(QUARTER as u64)).unwrap_or(0);
        Payer { listing, amount, from }
    }

    /// The days on which `payer` pays.
    pub(crate) fn pay_days(&self, payer: Payer) -> impl Iterator<Item = usize> {
        (payer.from..self.span).step_by(QUARTER)
    }

    /// Whether `listing` trades in won.
    pub(crate) fn is_won(&self, listing: usize) -> bool {
        self.exchange(listing).is_korean()
    }

    fn exchange(&self, listing: usize) -> Exchange {
        self.market.listings.get(listing).map_or(Exchange::Krx, |listing| listing.ticker.exchange)
    }

    /// Any share of a market.
    pub(crate) const fn any_listing(won: bool) -> usize {
        if won { 0 } else { KOREAN.len() }
    }

    /// The adjusted prices of `day`.
    pub(crate) fn bar(&self, listing: usize, day: usize) -> Option<&Bar> {
        let bars = &self.market.listings.get(listing)?.bars;
        (day < self.span).then(|| bars.get(bars.len() - self.span + day)).flatten()
    }

    /// The day of `date`, if the share was traded on it.
    pub(crate) fn day_of(&self, listing: usize, date: NaiveDate) -> Option<usize> {
        let bars = &self.market.listings.get(listing)?.bars;
        let at = bars.binary_search_by_key(&date, |bar| bar.date).ok()?;
        (at + self.span).checked_sub(bars.len())
    }

    /// How many of today's shares one of `day` has become.
    pub(crate) fn ratio(&self, listing: usize, day: usize) -> i64 {
        if self.split.is_some_and(|(split, on)| split == listing && day < on) { RATIO } else { 1 }
    }

    /// What a share gained from the close of one day to that of another, in hundredths of a per cent.
    pub(crate) fn gain(&self, listing: usize, from: usize, to: usize) -> i64 {
        match (self.bar(listing, from), self.bar(listing, to)) {
            (Some(from), Some(to)) => (to.close - from.close) * 10_000 / from.close.max(1),
            _ => 0,
        }
    }

    /// A price at which `listing` could be traded on `day`, as it was then.
    pub(crate) fn quote(&self, dice: &mut Dice, listing: usize, day: usize, lean: Lean) -> Option<i64> {
        let bar = self.bar(listing, day)?;
        let range = bar.high - bar.low;
        let price = match lean {
            Lean::Any => bar.low + dice.between(0, range),
            Lean::Cheap => bar.low + dice.between(0, range / 3),
            Lean::Dear => bar.high - dice.between(0, range / 3),
        };
        Some(to_tick(price, self.exchange(listing)).clamp(bar.low, bar.high) * self.ratio(listing, day))
    }

    /// Unix seconds of `second` of the session of `day`.
    pub(crate) fn at(&self, listing: usize, day: usize, second: i64) -> Option<i64> {
        let (hour, minute) = if self.is_won(listing) { (9, 0) } else { (9, 30) };
        let opening = self.bar(listing, day)?.date.and_hms_opt(hour, minute, 0)?;
        Some(self.exchange(listing).zone().from_local_datetime(&opening).earliest()?.timestamp() + second)
    }

    /// The greatest rise (or fall) of `listing` between two days up to `until`.
    pub(crate) fn run(&self, listing: usize, until: usize, rise: bool) -> Run {
        let sign = if rise { 1 } else { -1 };
        let (mut run, mut from) = (Run { listing, gain: 0, from: 0, to: 0 }, 0);
        for to in 0..until.min(self.span) {
            if self.gain(listing, from, to) * sign < 0 {
                from = to;
            }
            let gain = self.gain(listing, from, to);
            if gain * sign > run.gain * sign {
                run = Run { listing, gain, from, to };
            }
        }
        run
    }

    /// The greatest runs up to `until` of all shares for which `wanted` says so, the greatest first.
    pub(crate) fn runs(&self, until: usize, rise: bool, wanted: impl Fn(usize) -> bool) -> Vec<Run> {
        let listings = (0..self.market.listings.len()).filter(|listing| wanted(*listing));
        let mut runs: Vec<Run> = listings.map(|listing| self.run(listing, until, rise)).collect();
        runs.sort_by_key(|run| -run.gain.abs());
        runs
    }
}
