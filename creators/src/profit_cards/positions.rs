//! The positions a person can put on a card.

use chrono::NaiveDate;
use madang_core::ids::TickerId;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::Serialize;

use crate::returns::Record;

/// A position, held or closed.
#[derive(Debug, Clone, Serialize)]
pub struct Position {
    /// Of what.
    #[serde(skip)]
    pub ticker: TickerId,
    /// Its first day, by which a card names it.
    pub opened: NaiveDate,
    /// Its last day; null while it is held.
    pub closed: Option<NaiveDate>,
    /// Gain over cost so far, as a fraction; null where a price is missing.
    pub rate: Option<f64>,
}

/// All positions of a record: those held first, then the latest closed.
pub fn positions(record: &Record) -> Vec<Position> {
    let mut all: Vec<Position> = Vec::new();
    for own in &record.tickers {
        all.extend(own.closed.iter().map(|trip| Position {
            ticker: own.ticker,
            opened: trip.opened,
            closed: Some(trip.closed),
            rate: trip.rate,
        }));
        all.extend(own.holding.as_ref().map(|holding| {
            let cost =
                holding.average_cost.checked_mul(holding.quantity).filter(|cost| *cost > Decimal::ZERO);
            let rate = cost.and_then(|cost| holding.unrealised?.checked_div(cost)?.to_f64());
            Position { ticker: own.ticker, opened: holding.since, closed: None, rate }
        }));
    }
    all.sort_by_key(|one| {
        let last = one.closed.unwrap_or(NaiveDate::MAX);
        std::cmp::Reverse((last, one.opened, one.ticker))
    });
    all
}
