//! Those who buy and keep.

use super::book::Kind;
use super::floor::Lean;
use super::plan::Plan;

/// Market days between two purchases.
const MONTH: usize = 25;
/// What is brought at once, in thousandths; the rest comes month by month.
const AT_ONCE: i64 = 450;

impl Plan<'_> {
    /// A few shares, a little more of them each month.
    pub(super) fn hold(&mut self) {
        let shares = self.shares();
        let months = (self.floor.span - self.start) / MONTH;
        self.deposit(self.start, self.part(AT_ONCE));
        self.bring_some_in(&shares);
        let part = AT_ONCE * 95 / 100 / i64::try_from(shares.len()).unwrap_or(1).max(1);
        for listing in &shares {
            let day = self.start + self.days(0, 4);
            self.buy(*listing, day, self.part(part), Lean::Any);
        }
        let monthly = self.part((1_000 - AT_ONCE) / i64::try_from(months).unwrap_or(1).max(1));
        for month in 1..=months {
            let day = (self.start + month * MONTH).min(self.floor.span - 1);
            self.deposit(day, monthly);
            for _ in 0..self.dice.between(1, 2) {
                let listing = self.dice.pick(&shares).copied().unwrap_or(0);
                self.buy(listing, day, monthly * 55 / 100, Lean::Any);
            }
        }
        self.part_with_some(&shares);
    }

    fn shares(&mut self) -> Vec<usize> {
        let wanted = self.days(3, 8);
        let mut shares = Vec::with_capacity(wanted);
        while shares.len() < wanted {
            let listing = self.listing();
            if !shares.contains(&listing) {
                shares.push(listing);
            }
        }
        shares
    }

    /// Some came from another broker.
    fn bring_some_in(&mut self, shares: &[usize]) {
        if self.dice.chance(120) {
            for listing in shares.iter().take(2) {
                self.bring_in(*listing, self.start, self.part(120));
            }
        }
    }

    /// Some sell a part to set their shares right, some move one elsewhere, and some pay what an account costs.
    fn part_with_some(&mut self, shares: &[usize]) {
        let day = self.floor.span * 3 / 4 + self.days(0, 40);
        let Some(listing) = self.dice.pick(shares).copied() else {
            return;
        };
        match self.dice.below(100) {
            0..30 => self.sell(listing, day, 300, Lean::Any),
            30..36 => self.move_out(listing, day, 500),
            36..44 => self.charge(day, Kind::Fee, if self.won { 11_000 } else { 250 }),
            44..50 => self.withdraw(day, 500),
            _ => {}
        }
    }
}
