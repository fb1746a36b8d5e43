//! A round trip as it goes on: what went in, what came out, and how long a share stayed.

use rust_decimal::Decimal;

use super::{exact::float, record::Closed, series::date};

/// From the first share in until the last is out.
#[derive(Debug, Clone)]
pub(super) struct Trip {
    opened: i32,
    cost: Decimal,
    proceeds: Decimal,
    /// Mean day on which the shares still held came in.
    born: f64,
    /// Shares that left, and the sum of the days they had stayed.
    left: f64,
    left_days: f64,
}

impl Trip {
    pub(super) fn open(day: i32) -> Self {
        let (cost, proceeds) = (Decimal::ZERO, Decimal::ZERO);
        Self { opened: day, cost, proceeds, born: f64::from(day), left: 0.0, left_days: 0.0 }
    }

    pub(super) fn opened(&self) -> i32 {
        self.opened
    }

    /// Shares came in beside those held.
    pub(super) fn put(&mut self, day: i32, shares: f64, held: f64, cost: Decimal) -> Option<()> {
        let all = shares + held;
        if all > 0.0 {
            self.born += (f64::from(day) - self.born) * shares / all;
        }
        self.cost = self.cost.checked_add(cost)?;
        Some(())
    }

    /// Shares left for money.
    pub(super) fn take(&mut self, day: i32, shares: f64, proceeds: Decimal) -> Option<()> {
        self.left += shares;
        self.left_days += shares * (f64::from(day) - self.born);
        self.earn(proceeds)
    }

    /// Income, or a charge when negative.
    pub(super) fn earn(&mut self, amount: Decimal) -> Option<()> {
        self.proceeds = self.proceeds.checked_add(amount)?;
        Some(())
    }

    /// Each share became `ratio` shares.
    pub(super) fn split(&mut self, ratio: f64) {
        self.left *= ratio;
        self.left_days *= ratio;
    }

    pub(super) fn close(self, day: i32) -> Closed {
        let held_days = if self.left > 0.0 { self.left_days / self.left } else { 0.0 };
        let (opened, closed) = (date(self.opened), date(day));
        let rate = rate(self.cost, self.proceeds);
        Closed { opened, closed, cost: self.cost, proceeds: self.proceeds, rate, held_days }
    }
}

fn rate(cost: Decimal, proceeds: Decimal) -> Option<f64> {
    (cost > Decimal::ZERO).then(|| float(proceeds) / float(cost) - 1.0)
}

/// Income that came after the trip had ended.
pub(super) fn earn_late(trip: &mut Closed, amount: Decimal) -> Option<()> {
    trip.proceeds = trip.proceeds.checked_add(amount)?;
    trip.rate = rate(trip.cost, trip.proceeds);
    Some(())
}
