//! Carries out what people mean to do, as far as their money and shares allow. The only place where rows are made, so
//! that no plan can sell what is not held.
//!
//! Shares are counted in ten-thousandths, prices and costs in won or cents, money in ten-thousandths of those.

use std::collections::BTreeMap;

use super::floor::{Floor, Lean, Payer, RATIO};
use super::shape::Shape;
use super::words::Words;
use crate::generate::dice::Dice;

/// Parts of a share, and of a won or cent.
pub(crate) const PARTS: i64 = 10_000;

/// What happened, as the import format calls it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Buy,
    Sell,
    Dividend,
    Fee,
    Tax,
    Deposit,
    Withdrawal,
    SharesIn,
    SharesOut,
    Split,
    Cancellation,
}

/// A row but for its id. What a kind does not have is 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) at: i64,
    pub(crate) kind: Kind,
    pub(crate) listing: Option<usize>,
    pub(crate) won: bool,
    pub(crate) quantity: i64,
    pub(crate) price: i64,
    pub(crate) amount: i64,
    pub(crate) fee: i64,
    pub(crate) tax: i64,
}

/// What somebody means to do, money in won or cents, shares and cash to withdraw as thousandths of what is there.
#[derive(Clone, Copy)]
pub(crate) enum What {
    Deposit(bool, i64),
    Withdraw(bool, i64),
    Charge(Kind, bool, i64),
    Buy(usize, i64, Lean),
    Sell(usize, i64, Lean),
    BringIn(usize, i64),
    MoveOut(usize, i64),
    Split(usize),
    Dividend(Payer),
}

/// An intention, its time and the day.
#[derive(Clone, Copy)]
pub(crate) struct Order {
    pub(crate) at: i64,
    pub(crate) day: usize,
    pub(crate) what: What,
}

/// One account while it is filled.
pub(super) struct Book<'a> {
    floor: &'a Floor<'a>,
    words: &'a Words,
    author: u32,
    shape: Shape,
    fractional: bool,
    /// Dollars and won.
    cash: [i64; 2],
    held: BTreeMap<usize, i64>,
    entries: Vec<Entry>,
}

impl<'a> Book<'a> {
    /// An empty account.
    pub(super) fn new(
        floor: &'a Floor,
        words: &'a Words,
        author: u32,
        shape: Shape,
        fractional: bool,
    ) -> Self {
        Self {
            floor,
            words,
            author,
            shape,
            fractional,
            cash: [0; 2],
            held: BTreeMap::new(),
            entries: Vec::new(),
        }
    }

    /// What became of `orders`, in order of time.
    pub(super) fn run(mut self, dice: &mut Dice, mut orders: Vec<Order>) -> Vec<Entry> {
        orders.extend(corporate(self.floor));
        orders.sort_by_key(|order| order.at);
        for order in orders {
            if let Some(mut entry) = self.carry_out(dice, order) {
                // No two at one time, so that the order of an account's rows never depends on how they arrive.
                entry.at = entry.at.max(self.entries.last().map_or(0, |last| last.at + 1));
                self.entries.push(entry);
            }
        }
        self.entries
    }

    fn carry_out(&mut self, dice: &mut Dice, Order { at, day, what }: Order) -> Option<Entry> {
        let entry = match what {
            What::Deposit(won, money) if self.shape != Shape::Unfunded => {
                *self.money(won) += money * PARTS;
                Entry { amount: money * PARTS, ..blank(at, Kind::Deposit, won) }
            }
            What::Deposit(..) => return None,
            What::Withdraw(won, permille) => self.withdraw(at, won, permille)?,
            What::Charge(kind, won, money) => self.charge(at, kind, won, money)?,
            What::Buy(listing, money, lean) => {
                let price = self.floor.quote(dice, listing, day, lean)?;
                self.buy(at, listing, price, money)?
            }
            What::Sell(listing, permille, lean) => {
                let price = self.floor.quote(dice, listing, day, lean)?;
                self.sell(at, listing, price, permille)?
            }
            What::BringIn(listing, money) => self.bring_in(dice, at, listing, day, money)?,
            What::MoveOut(listing, permille) => {
                let quantity = self.take(listing, permille)?;
                Entry { quantity, ..self.of(at, Kind::SharesOut, listing) }
            }
            What::Split(listing) => {
                let held = self.held.get_mut(&listing).filter(|held| **held > 0)?;
                *held *= RATIO;
                self.of(at, Kind::Split, listing)
            }
            What::Dividend(payer) => self.dividend(at, payer)?,
        };
        Some(entry)
    }

    fn of(&self, at: i64, kind: Kind, listing: usize) -> Entry {
        Entry { listing: Some(listing), ..blank(at, kind, self.floor.is_won(listing)) }
    }

    fn money(&mut self, won: bool) -> &mut i64 {
        let [dollars, wons] = &mut self.cash;
        if won { wons } else { dollars }
    }

    fn withdraw(&mut self, at: i64, won: bool, permille: i64) -> Option<Entry> {
        let cash = self.money(won);
        // All of it to the last part of a cent; else round sums.
        let unit = if won { 10_000 * PARTS } else { 1_000 * PARTS };
        let amount = if permille >= 1_000 { *cash } else { *cash / 1_000 * permille / unit * unit };
        (amount > 0).then(|| *cash -= amount)?;
        Some(Entry { amount, ..blank(at, Kind::Withdrawal, won) })
    }

    fn charge(&mut self, at: i64, kind: Kind, won: bool, money: i64) -> Option<Entry> {
        let cash = self.money(won);
        (*cash >= money * PARTS).then(|| *cash -= money * PARTS)?;
        Some(Entry { amount: money * PARTS, ..blank(at, kind, won) })
    }

    /// As much as `money` buys. Nothing if it has mostly been spent, or if the buyer just said the opposite.
    fn buy(&mut self, at: i64, listing: usize, price: i64, money: i64) -> Option<Entry> {
        if self.is_forbidden(at, listing, true) {
            return None;
        }
        let won = self.floor.is_won(listing);
        let credit = self.shape == Shape::Unfunded;
        let there = if credit { money } else { (*self.money(won) / PARTS * 999 / 1_000).min(money) };
        let quantity = self.whole(there * PARTS / price);
        if there < money / 4 || quantity <= 0 {
            return None;
        }
        let (fee, _) = costs(Kind::Buy, won, quantity * price / PARTS);
        let left = *self.money(won) - quantity * price - fee * PARTS;
        (credit || left >= 0).then(|| *self.money(won) = left)?;
        *self.held.entry(listing).or_default() += quantity;
        Some(Entry { quantity, price, fee, ..self.of(at, Kind::Buy, listing) })
    }

    fn sell(&mut self, at: i64, listing: usize, price: i64, permille: i64) -> Option<Entry> {
        if self.is_forbidden(at, listing, false) {
            return None;
        }
        let quantity = self.take(listing, permille)?;
        let won = self.floor.is_won(listing);
        let (fee, tax) = costs(Kind::Sell, won, quantity * price / PARTS);
        *self.money(won) += quantity * price - (fee + tax) * PARTS;
        Some(Entry { quantity, price, fee, tax, ..self.of(at, Kind::Sell, listing) })
    }

    /// Shares from another broker, at what they once cost.
    fn bring_in(
        &mut self,
        dice: &mut Dice,
        at: i64,
        listing: usize,
        day: usize,
        money: i64,
    ) -> Option<Entry> {
        let market = self.floor.quote(dice, listing, day, Lean::Any)?;
        let quantity = self.whole(money * PARTS / market);
        (quantity > 0).then(|| *self.held.entry(listing).or_default() += quantity)?;
        let price = market * dice.between(60, 115) / 100;
        Some(Entry { quantity, price, ..self.of(at, Kind::SharesIn, listing) })
    }

    fn dividend(&mut self, at: i64, payer: Payer) -> Option<Entry> {
        let won = self.floor.is_won(payer.listing);
        let gross = self.held.get(&payer.listing)? * payer.amount / PARTS;
        let tax = if won { gross * 154 / 1_000 } else { gross * 15 / 100 };
        (gross > 0).then(|| *self.money(won) += (gross - tax) * PARTS)?;
        Some(Entry { amount: gross * PARTS, tax, ..self.of(at, Kind::Dividend, payer.listing) })
    }

    /// Takes thousandths of a holding out of it.
    fn take(&mut self, listing: usize, permille: i64) -> Option<i64> {
        let held = self.held.get(&listing).copied()?;
        let quantity = if permille >= 1_000 { held } else { self.whole(held * permille / 1_000) };
        self.held.insert(listing, held - quantity);
        (quantity > 0).then_some(quantity)
    }

    fn whole(&self, quantity: i64) -> i64 {
        if self.fractional { quantity } else { quantity / PARTS * PARTS }
    }

    fn is_forbidden(&self, at: i64, listing: usize, buys: bool) -> bool {
        self.shape != Shape::WordBreaker && self.words.forbid(self.author, listing, at, buys)
    }
}

fn blank(at: i64, kind: Kind, won: bool) -> Entry {
    Entry { at, kind, listing: None, won, quantity: 0, price: 0, amount: 0, fee: 0, tax: 0 }
}

/// Fee and tax of a trade worth so many won or cents, to the nearest of those: 0.015 % in Seoul and 0.15 % of what is
/// sold, 0.07 % in New York.
pub(super) const fn costs(kind: Kind, won: bool, worth: i64) -> (i64, i64) {
    match (won, kind) {
        (true, Kind::Sell) => ((worth * 15 + 50_000) / 100_000, (worth * 15 + 5_000) / 10_000),
        (true, _) => ((worth * 15 + 50_000) / 100_000, 0),
        (false, _) => ((worth * 7 + 5_000) / 10_000, 0),
    }
}

/// What companies do to all who hold their shares: the split at the opening, before anyone trades; dividends after it.
fn corporate(floor: &Floor) -> Vec<Order> {
    let order = |listing, day, second, what| Some(Order { at: floor.at(listing, day, second)?, day, what });
    let split = floor.split.and_then(|(listing, day)| order(listing, day, 0, What::Split(listing)));
    let pays = floor.payers.iter().flat_map(|payer| {
        floor.pay_days(*payer).filter_map(move |day| order(payer.listing, day, 45, What::Dividend(*payer)))
    });
    split.into_iter().chain(pays).collect()
}
