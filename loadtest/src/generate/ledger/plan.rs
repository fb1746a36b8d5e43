//! What each shape means to do. People do not know the future; the generator does, and lets those with skill or luck
//! choose well and the others badly.

use super::book::{Kind, Order, What};
use super::floor::{Floor, Lean};
use super::shape::Shape;
use super::words::Chance;
use crate::generate::dice::Dice;

/// What people bring, in won.
const WON: [(u32, u64); 5] = [
    (0, 15_000_000),
    (50_000, 40_000_000),
    (90_000, 150_000_000),
    (99_000, 400_000_000),
    (100_000, 900_000_000),
];
/// Cents in as much as 1,400 won.
const CENTS_IN_WON: (i64, i64) = (100, 1_400);
/// Orders are given from so many seconds after the opening, and up to so many.
const ORDERS: (i64, i64) = (60, 22_000);
/// Deposits arrive in the seconds before them, withdrawals leave in those after.
const DEPOSITS: (i64, i64) = (1, 40);
/// See [`DEPOSITS`].
const WITHDRAWALS: (i64, i64) = (22_500, 23_300);

/// The orders of one account while they are thought of.
pub(crate) struct Plan<'a> {
    pub(crate) floor: &'a Floor<'a>,
    pub(crate) dice: &'a mut Dice,
    /// Whether it trades in Seoul.
    pub(crate) won: bool,
    /// Whether parts of shares can be bought.
    pub(crate) fractional: bool,
    /// What is brought in time, in won or cents.
    pub(crate) capital: i64,
    /// The first day.
    pub(crate) start: usize,
    pub(crate) orders: Vec<Order>,
}

impl<'a> Plan<'a> {
    /// The plan of an account of `shape`; a word-breaker's has `chances`.
    pub(crate) fn new(
        floor: &'a Floor<'a>,
        dice: &'a mut Dice,
        shape: Shape,
        korean: bool,
        chances: &[Chance],
    ) -> Self {
        let won = dice.chance(if korean { 720 } else { 120 });
        let fractional = !won && dice.chance(400);
        let early = dice.chance(600);
        let start = dice.below(if early { 6 } else { floor.span as u64 / 4 });
        let start = usize::try_from(start).unwrap_or(0);
        let mut plan = Self { floor, dice, won, fractional, capital: 0, start, orders: Vec::new() };
        plan.bring_capital(won);
        plan.follow(shape, chances);
        plan
    }

    fn follow(&mut self, shape: Shape, chances: &[Chance]) {
        match shape {
            Shape::WordBreaker => self.break_words(chances),
            Shape::CherryPicker => self.pick_cherries(),
            Shape::Skilled => self.trade_with_skill(),
            Shape::Chaser => self.chase(),
            Shape::Holder => self.hold(),
            Shape::Lucky => self.gamble(true),
            Shape::Unlucky => self.gamble(false),
            Shape::Refilled => self.empty_and_refill(),
            Shape::New => self.begin(),
            Shape::Both => self.trade_both(),
            Shape::Unfunded | Shape::Ordinary => self.trade_plainly((7, 14)),
        }
    }

    /// Draws what the person has, in the currency of the market.
    pub(crate) fn bring_capital(&mut self, won: bool) {
        let drawn = self.dice.quantile(&WON).cast_signed();
        self.won = won;
        self.fractional &= !won;
        self.capital = if won {
            drawn / 100_000 * 100_000
        } else {
            drawn / CENTS_IN_WON.1 * CENTS_IN_WON.0 / 10_000 * 10_000
        };
    }

    /// Thousandths of the capital.
    pub(crate) fn part(&self, permille: i64) -> i64 {
        self.capital / 1_000 * permille
    }

    /// A number of days.
    pub(crate) fn days(&mut self, low: i64, high: i64) -> usize {
        usize::try_from(self.dice.between(low, high)).unwrap_or(0)
    }

    /// A share of the market, by popularity.
    pub(crate) fn listing(&mut self) -> usize {
        self.floor.market.draw(self.dice, self.won)
    }

    fn order(&mut self, listing: usize, day: usize, (low, high): (i64, i64), what: What) {
        let second = self.dice.between(low, high);
        self.order_at(listing, day, second, what);
    }

    /// An order at `second` of the session; none on a day that never was.
    pub(crate) fn order_at(&mut self, listing: usize, day: usize, second: i64, what: What) {
        let at = self.floor.at(listing, day, second);
        self.orders.extend(at.map(|at| Order { at, day, what }));
    }

    /// Money comes in, in round sums.
    pub(crate) fn deposit(&mut self, day: usize, money: i64) {
        let money = money / 10_000 * 10_000;
        if money > 0 {
            self.order(Floor::any_listing(self.won), day, DEPOSITS, What::Deposit(self.won, money));
        }
    }

    /// Thousandths of the cash go out.
    pub(crate) fn withdraw(&mut self, day: usize, permille: i64) {
        self.order(Floor::any_listing(self.won), day, WITHDRAWALS, What::Withdraw(self.won, permille));
    }

    /// A fee or a tax that belongs to no trade.
    pub(crate) fn charge(&mut self, day: usize, kind: Kind, money: i64) {
        self.order(Floor::any_listing(self.won), day, ORDERS, What::Charge(kind, self.won, money));
    }

    pub(crate) fn buy(&mut self, listing: usize, day: usize, money: i64, lean: Lean) {
        self.order(listing, day, ORDERS, What::Buy(listing, money, lean));
    }

    pub(crate) fn sell(&mut self, listing: usize, day: usize, permille: i64, lean: Lean) {
        self.order(listing, day, ORDERS, What::Sell(listing, permille, lean));
    }

    /// Shares come from another broker, worth `money`.
    pub(crate) fn bring_in(&mut self, listing: usize, day: usize, money: i64) {
        self.order(listing, day, DEPOSITS, What::BringIn(listing, money));
    }

    /// Thousandths of a holding go to another broker.
    pub(crate) fn move_out(&mut self, listing: usize, day: usize, permille: i64) {
        self.order(listing, day, WITHDRAWALS, What::MoveOut(listing, permille));
    }

    /// Money brought and, later, partly taken out.
    pub(crate) fn fund(&mut self) {
        let later = if self.dice.chance(400) { 300 } else { 0 };
        self.deposit(self.start, self.part(1_000 - later));
        if later > 0 {
            let day = self.start + self.days(20, 120);
            self.deposit(day, self.part(later));
        }
        if self.dice.chance(250) {
            let (day, permille) = (self.floor.span / 2 + self.days(0, 110), self.dice.between(200, 600));
            self.withdraw(day, permille);
        }
        if self.dice.chance(60) {
            let (day, kind) =
                (self.floor.span / 2 + self.days(0, 100), if self.won { Kind::Fee } else { Kind::Tax });
            let money = if self.won { 11_000 } else { self.dice.between(2_000, 40_000) };
            self.charge(day, kind, money);
        }
    }
}
