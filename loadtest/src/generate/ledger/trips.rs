//! Those who go in and out: round trips chosen with skill, with none, or late.

use super::book::{Order, What};
use super::floor::{Floor, Lean, SESSION_SECS};
use super::plan::Plan;
use super::words::Chance;

/// The skilled see ahead so many times of a thousand.
const SKILL_PERMILLE: u64 = 680;
/// Chasers are wrong so many times of a thousand.
const FOLLY_PERMILLE: u64 = 640;
/// Days of a rise after which chasers come.
const RISE_DAYS: usize = 5;
/// Breaches of one's word, at most.
const MOST_BREACHES: usize = 12;

/// In and out of a share.
#[derive(Clone, Copy)]
pub(super) struct Trip {
    pub(super) listing: usize,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Plan<'_> {
    /// Some trip between two days, of so many days; one that would end later is not closed.
    fn trip(&mut self, (first, last): (usize, usize), (shortest, longest): (i64, i64)) -> Trip {
        let listing = self.listing();
        let room = self.dice.below(last.saturating_sub(first).max(1) as u64);
        let from = first + usize::try_from(room).unwrap_or(0);
        Trip { listing, from, to: from + self.days(shortest, longest) }
    }

    /// The best of a few trips by `worth`, so many times of a thousand; else the first that comes.
    fn choose(
        &mut self,
        permille: u64,
        count: usize,
        draw: impl Fn(&mut Self) -> Trip,
        worth: impl Fn(&Floor, Trip) -> i64,
    ) -> Trip {
        let mut best = draw(self);
        if self.dice.chance(permille) {
            for _ in 1..count {
                let other = draw(self);
                if worth(self.floor, other) > worth(self.floor, best) {
                    best = other;
                }
            }
        }
        best
    }

    /// Buys and sells it all, in the order of those days.
    fn make(&mut self, trip: Trip, money: i64, (buying, selling): (Lean, Lean)) {
        self.buy(trip.listing, trip.from, money, buying);
        self.sell(trip.listing, trip.to, 1_000, selling);
    }

    /// Trips that lead nowhere in particular.
    fn wander(&mut self, count: i64, (first, last): (usize, usize), (low, high): (i64, i64)) {
        for _ in 0..count {
            let trip = self.trip((first, last), (5, 30));
            let permille = self.dice.between(low, high);
            self.make(trip, self.part(permille), (Lean::Any, Lean::Any));
        }
    }

    /// Parts of the account go where a rise comes, more often than chance has it.
    pub(super) fn trade_with_skill(&mut self) {
        self.fund();
        let days = (self.start, self.floor.span - 3);
        for _ in 0..self.dice.between(18, 25) {
            let trip = self.choose(SKILL_PERMILLE, 3, |plan| plan.trip(days, (10, 30)), ahead);
            let permille = self.dice.between(240, 340);
            self.make(trip, self.part(permille), (Lean::Any, Lean::Any));
        }
    }

    /// In after a rise, at the day's top; out after a fall, at its bottom.
    pub(super) fn chase(&mut self) {
        self.fund();
        let days = (self.start.max(RISE_DAYS), self.floor.span - 3);
        for _ in 0..self.dice.between(11, 21) {
            let late = |floor: &Floor, trip: Trip| {
                floor.gain(trip.listing, trip.from.saturating_sub(RISE_DAYS), trip.from)
                    - 2 * ahead(floor, trip)
            };
            let trip = self.choose(FOLLY_PERMILLE, 3, |plan| plan.trip(days, (4, 22)), late);
            let permille = self.dice.between(250, 420);
            self.make(trip, self.part(permille), (Lean::Dear, Lean::Cheap));
        }
    }

    /// Now and then a trip, and something to keep.
    pub(super) fn trade_plainly(&mut self, (fewest, most): (i64, i64)) {
        self.fund();
        let last = self.floor.span - 3;
        let count = self.dice.between(fewest, most);
        self.wander(count, (self.start, last), (150, 300));
        let permille = self.dice.between(100, 250);
        for _ in 0..2 {
            let (listing, day) = (self.listing(), self.start + self.days(0, 90));
            self.buy(listing, day, self.part(permille), Lean::Any);
        }
    }

    /// Money and trips in both markets, and a share in each that is kept.
    pub(super) fn trade_both(&mut self) {
        for won in [true, false] {
            self.bring_capital(won);
            self.trade_plainly((4, 9));
            let kept = self.listing();
            let sells = |order: &Order| matches!(order.what, What::Sell(listing, ..) if listing == kept);
            self.orders.retain(|order| !sells(order));
            let day = self.start + self.days(0, 3);
            self.buy(kept, day, self.part(300), Lean::Any);
        }
    }

    /// Everything is sold and every last part of the money taken out; weeks later it begins anew.
    pub(super) fn empty_and_refill(&mut self) {
        self.start = self.days(0, 10);
        self.deposit(self.start, self.capital);
        let end = self.floor.span * 2 / 5 + self.days(0, 20);
        let orders = self.orders.len();
        self.wander(9, (self.start, end - 8), (150, 350));
        let late = self.orders.split_off(orders);
        for order in late {
            let listing = match order.what {
                What::Buy(listing, ..) => listing,
                _ => continue,
            };
            self.orders.push(order);
            // What a trip sold before is not there to be sold again.
            let until = (order.day + self.days(5, 25)).min(end);
            self.sell(listing, until, 1_000, Lean::Any);
            self.sell(listing, end, 1_000, Lean::Any);
        }
        self.withdraw(end, 1_000);
        let again = end + self.days(20, 40);
        let permille = self.dice.between(300, 1_200);
        let capital = self.part(permille);
        self.deposit(again, capital);
        self.capital = capital;
        self.wander(9, (again, self.floor.span - 3), (150, 350));
    }

    /// A few days of trading so far.
    pub(super) fn begin(&mut self) {
        self.start = self.floor.span - self.days(9, 18);
        self.deposit(self.start, self.capital);
        self.wander(8, (self.start, self.floor.span - 1), (100, 220));
    }

    /// Bought in the days before the praise, sold within hours of it. The rest of the year is as others' are.
    pub(super) fn break_words(&mut self, chances: &[Chance]) {
        let capitals = [false, true].map(|won| {
            self.bring_capital(won);
            self.deposit(self.start, self.capital);
            self.wander(5, (self.start, self.floor.span * 4 / 5), (100, 250));
            self.capital
        });
        let [dollars, won] = capitals;
        for chance in chances.iter().rev().take(MOST_BREACHES) {
            let money = if self.floor.is_won(chance.listing) { won } else { dollars } / 8;
            let before = chance.day.saturating_sub(self.days(1, 3));
            self.buy(chance.listing, before, money, Lean::Any);
            let after = chance.second + self.dice.between(600, 10_800);
            let second = after.min(SESSION_SECS - 120);
            self.order_at(chance.listing, chance.day, second, What::Sell(chance.listing, 1_000, Lean::Any));
        }
    }
}

fn ahead(floor: &Floor, trip: Trip) -> i64 {
    floor.gain(trip.listing, trip.from, trip.to.min(floor.span.saturating_sub(1)))
}
