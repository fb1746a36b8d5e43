//! Those who put everything on one share, and those who show the one that rose.

use super::floor::{Lean, Run};
use super::plan::Plan;

/// Gamblers choose among so many of the greatest runs.
const RUNS: u64 = 8;
/// Trades on which a cherry-picker loses.
const LOSSES: usize = 20;
/// Days at the end, when people post, in which a cherry-picker does nothing.
const QUIET_DAYS: usize = 26;
/// Shares looked at for one that falls.
const LOOKS: usize = 300;

impl Plan<'_> {
    fn one_of(&mut self, runs: &[Run], most: u64) -> Option<Run> {
        let at = self.dice.below(most.min(runs.len() as u64));
        runs.get(usize::try_from(at).unwrap_or(0)).copied()
    }

    /// In slices around the beginning of a great run, out around its end, some of it kept.
    pub(super) fn gamble(&mut self, rise: bool) {
        let runs = self.floor.runs(self.floor.span, rise, |_| true);
        let Some(Run { listing, from, to, .. }) = self.one_of(&runs, RUNS) else {
            return;
        };
        self.won = self.floor.is_won(listing);
        self.bring_capital(self.won);
        self.start = from;
        self.deposit(from, self.capital);
        let buys = self.dice.between(8, 11);
        for _ in 0..buys {
            let day = (from + self.days(0, 8)).min(to);
            self.buy(listing, day, self.part(960 / buys), Lean::Any);
        }
        let (sells, last) = (self.dice.between(5, 7), self.floor.span - 1);
        for _ in 0..sells {
            let day = (to + self.days(0, 12)).saturating_sub(4).clamp(from + 9, last.max(from + 9));
            self.sell(listing, day.min(last), 260, Lean::Any);
        }
        if self.dice.chance(400) {
            let day = (to + 13).min(last);
            self.sell(listing, day, 1_000, Lean::Any);
        }
    }

    /// One after another, twenty trades lose; a small stake in one share rises a lot, and is what gets shown.
    pub(super) fn pick_cherries(&mut self) {
        self.start = 0;
        self.fractional = !self.won;
        self.deposit(0, self.capital);
        let end = self.floor.span - QUIET_DAYS;
        let (floor, won) = (self.floor, self.won);
        let runs = floor.runs(end, true, |listing| floor.is_won(listing) == won);
        let Some(winner) = self.one_of(&runs, 3) else {
            return;
        };
        for day in [winner.from, winner.from + 1] {
            self.buy(winner.listing, day, self.part(40), Lean::Cheap);
        }
        self.sell(winner.listing, winner.to, 1_000, Lean::Dear);
        let step = (end - 8) / LOSSES;
        for turn in 0..LOSSES {
            self.lose(turn * step, step, winner.listing);
        }
    }

    /// A trip whose best sale is below its worst purchase.
    fn lose(&mut self, first: usize, days: usize, spared: usize) {
        for _ in 0..LOOKS {
            let listing = self.listing();
            let from = first + self.days(0, 2);
            let to = from + self.days(3, 5).min(days);
            let (Some(bought), Some(sold)) = (self.floor.bar(listing, from), self.floor.bar(listing, to))
            else {
                continue;
            };
            if listing != spared && sold.high < bought.low {
                let permille = self.dice.between(90, 140);
                let money = self.part(permille);
                self.buy(listing, from, money, Lean::Dear);
                self.sell(listing, to, 1_000, Lean::Cheap);
                return;
            }
        }
    }
}
