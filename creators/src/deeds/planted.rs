//! Honest traders of several kinds, and scalpers planted among them, drawn from a seed.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use madang_core::{ids::PostId, posts::Stance};
use rust_decimal::Decimal;

use super::{OwnPost, OwnTrade, Side};
use crate::dice::Dice;

const DAY: f64 = 24.0;
const DAYS: f64 = 90.0;

/// An author's words and deeds about one ticker.
pub(super) struct Author {
    pub(super) posts: Vec<OwnPost>,
    pub(super) trades: Vec<OwnTrade>,
    /// The bullish posts that were written to be sold into.
    pub(super) planted: BTreeSet<PostId>,
    pub(super) kind: &'static str,
    ids: i64,
    /// Hour, side, and either a quantity or a share of what is held then.
    orders: Vec<(f64, Side, Size)>,
}

enum Size {
    Quantity(f64),
    Share(f64),
}

fn hour(at: f64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap() + TimeDelta::seconds((at * 3600.0) as i64)
}

impl Author {
    fn new(kind: &'static str, index: i64) -> Self {
        Self {
            posts: Vec::new(),
            trades: Vec::new(),
            planted: BTreeSet::new(),
            kind,
            ids: index * 100_000,
            orders: Vec::new(),
        }
    }

    fn say(&mut self, at: f64, stance: Stance) -> PostId {
        self.ids += 1;
        let id = PostId::new(self.ids);
        self.posts.push(OwnPost { id, at: hour(at), stance, deleted_at: None });
        id
    }

    fn buy(&mut self, at: f64, quantity: f64) {
        self.orders.push((at, Side::Buy, Size::Quantity(quantity)));
    }

    fn sell(&mut self, at: f64, share: f64) {
        self.orders.push((at, Side::Sell, Size::Share(share)));
    }

    /// Carries the orders out in order of time, in whole shares.
    fn settle(mut self) -> Self {
        self.orders.sort_by(|left, right| left.0.total_cmp(&right.0));
        let mut held = Decimal::ZERO;
        for (at, side, size) in &self.orders {
            let quantity = match size {
                Size::Quantity(quantity) => Decimal::from(*quantity as i64),
                Size::Share(share) => (held * Decimal::try_from(*share).unwrap()).ceil().min(held),
            };
            if quantity <= Decimal::ZERO {
                continue;
            }
            self.ids += 1;
            self.trades.push(OwnTrade {
                id: self.ids,
                at: hour(*at),
                side: *side,
                quantity,
                position_before: held,
            });
            held = if *side == Side::Buy { held + quantity } else { held - quantity };
        }
        self
    }
}

/// One in ten scalps.
pub(super) fn crowd(seed: u64, people: i64) -> Vec<Author> {
    (1..=people)
        .map(|index| {
            let mut dice = Dice::new(seed, index.unsigned_abs());
            let author = match index % 10 {
                0 => scalper(index, &mut dice),
                1..=3 => active(index, &mut dice),
                4..=6 => rebalancer(index, &mut dice),
                7 | 8 => stops_out(index, &mut dice),
                _ => changes_mind(index, &mut dice),
            };
            author.settle()
        })
        .collect()
}

/// Trades and posts every day or two, and says what he does when he does it.
fn active(index: i64, dice: &mut Dice) -> Author {
    let mut author = Author::new("active", index);
    author.buy(0.5, dice.between(50.0, 500.0));
    let mut at = 60.0;
    while at < DAYS * DAY {
        let says = at + dice.between(-0.5, 0.24);
        if dice.uniform() < 0.55 {
            author.say(says, Stance::Bull);
            author.buy(at, dice.between(20.0, 300.0));
        } else {
            author.say(says, Stance::Bear);
            author.sell(at, dice.between(0.2, 1.0));
        }
        at += dice.between(6.0, 60.0);
    }
    author
}

/// Praises what he holds and trims it, mostly by little.
fn rebalancer(index: i64, dice: &mut Dice) -> Author {
    let mut author = Author::new("rebalancer", index);
    author.buy(0.5, dice.between(200.0, 2000.0));
    let mut at = 30.0;
    while at < DAYS * DAY {
        author.say(at, Stance::Bull);
        let trim = if dice.uniform() < 0.02 { dice.between(0.2, 0.3) } else { dice.between(0.02, 0.12) };
        author.sell(at + dice.between(1.0, 60.0), trim);
        if dice.uniform() < 0.5 {
            author.buy(at + dice.between(1.0, 90.0), dice.between(5.0, 60.0));
        }
        at += dice.between(40.0, 160.0);
    }
    author
}

/// Buys with praise, is stopped out within two days, and says so: before, at once, or, one time in forty,
/// too late.
fn stops_out(index: i64, dice: &mut Dice) -> Author {
    let mut author = Author::new("stopped out", index);
    let mut at = 10.0;
    while at < DAYS * DAY {
        author.buy(at - dice.between(0.1, 3.0), dice.between(50.0, 500.0));
        author.say(at, Stance::Bull);
        let sold = at + dice.between(3.0, 45.0);
        let word = match dice.uniform() {
            late if late < 0.025 => sold + dice.between(0.5, 3.0),
            after if after < 0.2 => sold + dice.between(0.01, 0.24),
            _ => sold - dice.between(0.02, 2.0),
        };
        author.say(word, Stance::Bear);
        author.sell(sold, dice.between(0.5, 1.0));
        at = sold + dice.between(50.0, 150.0);
    }
    author
}

/// Buys with praise and sells days later without a word.
fn changes_mind(index: i64, dice: &mut Dice) -> Author {
    let mut author = Author::new("changes mind", index);
    let mut at = 10.0;
    while at < DAYS * DAY {
        author.buy(at - dice.between(0.1, 3.0), dice.between(50.0, 500.0));
        author.say(at, Stance::Bull);
        let sold = at + dice.between(50.0, 240.0);
        author.sell(sold, dice.between(0.3, 1.0));
        at = sold + dice.between(26.0, 150.0);
    }
    author
}

/// Buys, praises, sells 30 to 100 % of it 1 to 40 hours later, at once or in parts; some hold more of it for
/// good, delete the post, praise twice, buy right after the post, or own up hours too late.
fn scalper(index: i64, dice: &mut Dice) -> Author {
    let mut author = Author::new("scalper", index);
    let core = if dice.uniform() < 0.3 { dice.between(10.0, 200.0) } else { 0.0 };
    author.buy(0.5, core);
    let mut at = 40.0;
    while at < DAYS * DAY {
        let quantity = dice.between(100.0, 600.0);
        let bought =
            if dice.uniform() < 0.15 { at + dice.between(0.05, 0.5) } else { at - dice.between(0.2, 30.0) };
        author.buy(bought, quantity);
        let post = author.say(at, Stance::Bull);
        author.planted.insert(post);
        let first_sale = at + dice.between(1.0, 40.0);
        if dice.uniform() < 0.2 {
            let again = author.say(at + (first_sale - at) * dice.uniform(), Stance::Bull);
            author.planted.insert(again);
        }
        let parts = 1 + (dice.uniform() * 3.0) as i32;
        let kept = 1.0 - dice.between(0.3, 1.0);
        let each = 1.0 - kept.powf(1.0 / f64::from(parts));
        for part in 0..parts {
            author.sell(first_sale + f64::from(part) * dice.between(0.2, 2.0), each);
        }
        if dice.uniform() < 0.3
            && let Some(written) = author.posts.iter_mut().find(|written| written.id == post)
        {
            written.deleted_at = Some(hour(first_sale + 1.0));
        }
        if dice.uniform() < 0.1 {
            author.say(first_sale + dice.between(4.5, 8.0), Stance::Bear);
        }
        at = first_sale + dice.between(60.0, 200.0);
    }
    author
}
