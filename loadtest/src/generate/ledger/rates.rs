//! What a dollar is worth in won, day by day. No rate of any real day.

use chrono::NaiveDate;

use crate::generate::dice::{Dice, Purpose};
use crate::generate::market::Market;

/// Where the rate is drawn back to, in hundredths of a won.
const MIDDLE: i64 = 138_000;

/// The rate of one day, in hundredths of a won.
#[derive(Clone, Copy)]
pub(crate) struct Rate {
    pub(super) day: NaiveDate,
    pub(super) won: i64,
}

/// A rate for each day on which any share has a price.
pub(super) fn draw(seed: u64, market: &Market) -> Vec<Rate> {
    let mut dice = Dice::new(seed, Purpose::Rates, 0);
    let bars = market.listings.iter().flat_map(|listing| &listing.bars);
    let mut days: Vec<NaiveDate> = bars.map(|bar| bar.date).collect();
    days.sort_unstable();
    days.dedup();
    let mut won = MIDDLE + dice.between(-2_000, 2_000);
    days.into_iter()
        .map(|day| {
            won += dice.normal_milli() * 500 / 1_000 + (MIDDLE - won) / 50;
            Rate { day, won }
        })
        .collect()
}
