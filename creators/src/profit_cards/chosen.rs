//! What a person's cards say together about the choice of what they show.

use chrono::NaiveDate;
use madang_core::ids::TickerId;

use super::{facts, keep::Kept, positions::positions};
use crate::{
    cards::{Choice, ShownWindow, Subject, judge, judge_against_all},
    returns::Record,
};

/// What all cards of a person say together about the choice of what is shown, and those that stand with posts,
/// deleted ones too, by themselves: cards that nobody was shown do not make the others an honest choice.
pub(super) fn choice(record: &Record, cards: &[Kept]) -> Choice {
    let all: Vec<&Kept> = cards.iter().collect();
    let attached: Vec<&Kept> = cards.iter().filter(|card| card.attached).collect();
    if picked(record, &all) || picked(record, &attached) { Choice::CherryPicked } else { Choice::Ordinary }
}

fn picked(record: &Record, cards: &[&Kept]) -> bool {
    // Present holdings belong to what could have been shown.
    let mut pool: Vec<(TickerId, NaiveDate, f64)> = positions(record)
        .into_iter()
        .filter(|one| one.closed.is_none())
        .filter_map(|one| Some((one.ticker, one.opened, one.rate?)))
        .collect();
    let held = pool.len();
    pool.extend(facts::closed(record).into_iter().map(|(ticker, opened, _, rate)| (ticker, opened, rate)));
    let (mut shown, mut windows) = (Vec::new(), Vec::new());
    for card in cards {
        match &card.facts.subject {
            Subject::Position { opened, .. } => {
                // By its first day: a position shown while it was open is the same one once it is closed.
                let same = |one: &(TickerId, NaiveDate, f64)| Some(one.0) == card.ticker && one.1 == *opened;
                shown.extend(pool.iter().position(same));
            }
            Subject::Window { from, to, .. } => {
                windows.extend(card.facts.cherry_index.map(|index| ShownWindow {
                    from: *from,
                    to: *to,
                    index: index.value(),
                    shown: card.facts.shown.fraction(),
                    typical: card.typical.unwrap_or_default(),
                }))
            }
        }
    }
    if shown.iter().any(|place| *place < held) {
        let rates: Vec<f64> = pool.iter().map(|one| one.2).collect();
        return judge_against_all(&rates, &shown, &windows).picked.is_some();
    }
    let closed: Vec<f64> = pool.iter().skip(held).map(|one| one.2).collect();
    let places: Vec<usize> = shown.iter().map(|place| place - held).collect();
    judge(&closed, &places, &windows).picked.is_some()
}
