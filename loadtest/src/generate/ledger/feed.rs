//! The broker's report: what happened, in order of time, with a few rows that were wrong at first, a few that never
//! should have been, and a few that come late. None of these makes another row impossible, in whatever batches they are
//! taken in.

use super::Account;
use super::book::{Entry, Kind, PARTS, costs};
use super::floor::{Floor, SESSION_SECS};
use crate::generate::clock::local;
use crate::generate::dice::{Dice, Purpose};

/// Purchases that were reported at a wrong price or with a share too many.
const WRONG_BUYS: usize = 8;
/// Sales that were reported at a wrong price.
const WRONG_SALES: usize = 2;
/// Purchases that were reported twice.
const DOUBLED: usize = 6;
/// Rows that come late.
const LATE: usize = 8;
/// Rows by which something comes late, or is corrected.
const DELAY: (i64, i64) = (20, 200);

/// One row of the report.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// Of which the id is made.
    pub(super) number: u64,
    pub(super) author: u32,
    pub(super) entry: Entry,
    /// The number of the row it stands for or takes away.
    pub(super) corrects: Option<u64>,
}

/// The report on `accounts`.
pub(super) fn report(seed: u64, floor: &Floor, accounts: &[Account]) -> Vec<Row> {
    let mut rows: Vec<Row> = accounts
        .iter()
        .flat_map(|account| account.entries.iter().map(|entry| (account.author, *entry)))
        .map(|(author, entry)| Row { number: 0, author, entry, corrects: None })
        .collect();
    rows.sort_by_key(|row| (row.entry.at, row.author));
    rows.iter_mut().zip(0..).for_each(|(row, number)| row.number = number);
    let mut report =
        Report { next: rows.len() as u64, dice: Dice::new(seed, Purpose::Reports, 0), floor, rows };
    report.delay();
    (0..WRONG_BUYS).for_each(|turn| report.mistake(Kind::Buy, turn));
    (0..WRONG_SALES).for_each(|_| report.mistake(Kind::Sell, 0));
    (0..DOUBLED).for_each(|_| report.double());
    report.rows
}

struct Report<'a> {
    next: u64,
    dice: Dice,
    floor: &'a Floor<'a>,
    rows: Vec<Row>,
}

impl Report<'_> {
    /// Some row of that kind that nothing was done to yet.
    fn find(&mut self, kind: Kind) -> Option<(usize, Row)> {
        let touched = |number: u64| {
            self.rows
                .iter()
                .any(|row| row.corrects == Some(number) || (row.number == number && row.corrects.is_some()))
        };
        (0..1_000).find_map(|_| {
            let at = usize::try_from(self.dice.below(self.rows.len() as u64)).ok()?;
            let row = *self.rows.get(at)?;
            (row.entry.kind == kind && !touched(row.number)).then_some((at, row))
        })
    }

    fn later(&mut self, at: usize) -> usize {
        let by = usize::try_from(self.dice.between(DELAY.0, DELAY.1)).unwrap_or(0);
        (at + by).min(self.rows.len())
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// Sales and dividends come late; whatever is left of a holding only grows by that.
    fn delay(&mut self) {
        for turn in 0..LATE {
            let kind = if turn % 2 == 0 { Kind::Sell } else { Kind::Dividend };
            if let Some((at, row)) = self.find(kind) {
                let to = self.later(at);
                self.rows.remove(at);
                self.rows.insert(to - 1, row);
            }
        }
    }

    /// The row was wrong; the right one stands for it. The first was wrong twice.
    fn mistake(&mut self, kind: Kind, turn: usize) {
        let Some((at, right)) = self.find(kind) else {
            return;
        };
        let wrong = self.wrong(right.entry, turn);
        if let Some(row) = self.rows.get_mut(at) {
            row.entry = wrong;
        }
        let mut place = at;
        let mut corrects = right.number;
        let second = (kind == Kind::Buy && turn == 0).then(|| self.wrong(right.entry, 1));
        for entry in second.into_iter().chain([right.entry]) {
            place = self.later(place);
            let number = self.number();
            self.rows.insert(place, Row { number, entry, corrects: Some(corrects), ..right });
            corrects = number;
        }
    }

    /// Another price of that day, or a share too many: never fewer shares than there were.
    fn wrong(&self, entry: Entry, turn: usize) -> Entry {
        let extra = if turn % 2 == 1 { PARTS } else { 0 };
        let other = if extra == 0 { self.other_price(entry) } else { None };
        let (quantity, price) = (entry.quantity + extra, other.unwrap_or(entry.price));
        let (fee, tax) = costs(entry.kind, entry.won, quantity * price / PARTS);
        Entry { quantity, price, fee, tax, ..entry }
    }

    fn other_price(&self, entry: Entry) -> Option<i64> {
        let listing = entry.listing?;
        let zone = if entry.won { chrono_tz::Asia::Seoul } else { chrono_tz::America::New_York };
        let day = self.floor.day_of(listing, local(zone, entry.at).0)?;
        let (bar, ratio) = (self.floor.bar(listing, day)?, self.floor.ratio(listing, day));
        [bar.low, bar.high].into_iter().map(|price| price * ratio).find(|price| *price != entry.price)
    }

    /// The row came twice, with another id; that one is cancelled minutes later.
    fn double(&mut self) {
        let Some((at, row)) = self.find(Kind::Buy) else {
            return;
        };
        let (copy, cancellation) = (self.number(), self.number());
        self.rows.insert(at + 1, Row { number: copy, ..row });
        let place = self.later(at + 1);
        let at = row.entry.at + self.dice.between(60, 600).min(SESSION_SECS / 40);
        let entry = Entry { at, kind: Kind::Cancellation, listing: None, ..row.entry };
        self.rows.insert(place, Row { number: cancellation, entry, corrects: Some(copy), ..row });
    }
}
