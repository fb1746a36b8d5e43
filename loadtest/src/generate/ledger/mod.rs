//! Ledgers as a broker would report them: who has an account, what they trade at the generated prices, how the report
//! is mistaken and late at times, and what its people agreed to show. Nobody sells what they do not hold, and cash never
//! lacks, save where the broker reports no deposits.

mod book;
mod disclosure;
mod feed;
mod files;
mod floor;
mod holding;
mod luck;
mod plan;
mod rates;
mod roster;
mod shape;
#[cfg(test)]
#[expect(clippy::expect_used, clippy::panic, reason = "a test may panic")]
mod shape_tests;
#[cfg(test)]
#[expect(clippy::expect_used, clippy::panic, reason = "a test may panic")]
mod tests;
mod trips;
mod words;

pub(super) use files::write;

use super::dice::{Dice, Purpose};
use super::market::Market;
use super::people::People;
use super::posts::Post;
use book::{Book, Entry, Kind};
use disclosure::Disclosure;
use feed::Row;
use floor::Floor;
use plan::Plan;
use rates::Rate;
use shape::Shape;
use words::Words;

/// Draws of an account; posts that forbid a trade can leave too few.
const TRIES: u64 = 12;

/// One person's account.
pub(super) struct Account {
    /// Whose, by position among the people.
    author: u32,
    shape: Shape,
    /// What truly happened, in order of time.
    entries: Vec<Entry>,
}

/// All accounts and what is written of them.
pub(super) struct Ledgers {
    pub(super) accounts: Vec<Account>,
    /// The broker's report, in the order in which it arrives.
    pub(super) rows: Vec<Row>,
    pub(super) disclosures: Vec<Disclosure>,
    pub(super) rates: Vec<Rate>,
}

impl Ledgers {
    /// Accounts of at most `count` of the `people`.
    pub(super) fn new(seed: u64, market: &Market, people: &People, posts: &[Post], count: u32) -> Self {
        let floor = Floor::new(seed, market);
        let words = Words::new(posts);
        let roster = roster::draw(seed, &floor, people, &words, count as usize);
        let accounts: Vec<Account> = roster
            .into_iter()
            .map(|(author, shape)| account(seed, &floor, people, &words, author, shape))
            .collect();
        Self {
            rows: feed::report(seed, &floor, &accounts),
            disclosures: disclosure::draw(seed, &floor, &accounts),
            rates: rates::draw(seed, market),
            accounts,
        }
    }

    /// How many people agreed to show something.
    pub(super) fn disclosing(&self) -> usize {
        let people: std::collections::BTreeSet<u32> = self.disclosures.iter().map(|one| one.author).collect();
        people.len()
    }
}

/// The first drawn account that trades as often as its shape should, if a few draws find one.
fn account(seed: u64, floor: &Floor, people: &People, words: &Words, author: u32, shape: Shape) -> Account {
    let korean = people.get(author).is_some_and(|person| person.korean);
    let chances = words.chances(floor, author);
    let draw = |turn: u64| {
        let mut dice = Dice::new(seed, Purpose::Ledgers, turn << 32 | (1 + u64::from(author)));
        let Plan { orders, fractional, .. } = Plan::new(floor, &mut dice, shape, korean, &chances);
        Book::new(floor, words, author, shape, fractional).run(&mut dice, orders)
    };
    let trades = |entries: &Vec<Entry>| {
        let trades = entries.iter().filter(|entry| matches!(entry.kind, Kind::Buy | Kind::Sell));
        shape.trades().contains(&trades.count())
    };
    let entries = (0..TRIES).map(draw).find(trades).unwrap_or_else(|| draw(0));
    Account { author, shape, entries }
}
