//! Many days without an entry at once: the same points as day by day, in one tight loop over the closes.

use super::Position;
use crate::returns::{market::TradingDay, record::DayPoint};

impl Position<'_> {
    /// Whether nothing is pending and each of the days has a close; or nothing is held.
    pub(in crate::returns) fn can_coast(&self, days: &[TradingDay]) -> bool {
        if self.shares <= 0.0 {
            return !self.touched;
        }
        self.began
            && self.chain.is_calm()
            && self.instrument.is_some_and(|instrument| instrument.covers(days))
    }

    /// The points of these days; adds the values to the account's.
    pub(in crate::returns) fn coast(&mut self, days: &[TradingDay], values: &mut [f64]) {
        let (Some(instrument), Some(last)) = (self.instrument.filter(|_| self.shares > 0.0), days.last())
        else {
            return;
        };
        let (shares, mut chain) = (self.shares, self.chain.walk());
        let points = days.iter().zip(values.iter_mut()).map(|(day, sum)| {
            let value = shares * instrument.closes.at(day.day);
            *sum += value;
            let market = (1.0 + day.change) - 1.0;
            DayPoint { day: day.date, value, factor: chain.step(value), market, invested: 1.0 }
        });
        self.record.days.extend(points);
        self.chain.arrive(last.day, chain);
        (self.mark, self.marked) = (instrument.closes.at(last.day), last.day);
    }
}
