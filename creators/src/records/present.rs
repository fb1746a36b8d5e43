//! What of a record's holdings is there at present. A record ends with the last day that has prices; what left
//! since then is no holding any more, though its day has no close yet.

use std::collections::HashMap;

use chrono::NaiveDate;
use madang_core::ids::TickerId;
use rust_decimal::{Decimal, prelude::ToPrimitive};

use crate::returns::{Entry, Holding, Kind, Record, split_quantity};

/// A holding as it stands, of what the record knows: shares that came since then are not in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Present {
    pub(super) ticker: TickerId,
    pub(super) quantity: Decimal,
    pub(super) average_cost: Decimal,
    pub(super) unrealised: Option<Decimal>,
    /// Share of the account; what left takes its part of it along.
    pub(super) weight: f64,
    pub(super) since: NaiveDate,
}

/// Shares of one ticker: those of the record in present shares, and those held now.
#[derive(Clone, Copy)]
struct Shares {
    recorded: Decimal,
    now: Decimal,
}

/// What is there after the entries that came after the record's end; `later` in any order.
pub(super) fn present(record: &Record, later: &[Entry]) -> Vec<Present> {
    let held: Vec<(TickerId, &Holding)> = record
        .tickers
        .iter()
        .filter_map(|ticker| Some((ticker.ticker, ticker.holding.as_ref()?)))
        .filter(|(_, holding)| holding.quantity > Decimal::ZERO)
        .collect();
    let shares = held
        .iter()
        .map(|(ticker, holding)| (*ticker, Shares { recorded: holding.quantity, now: holding.quantity }));
    let mut shares: HashMap<TickerId, Shares> = shares.collect();
    let mut later: Vec<&Entry> = later.iter().collect();
    later.sort_by_key(|entry| (entry.day, entry.at, entry.id));
    for entry in later {
        apply(&mut shares, &entry.kind);
    }
    held.iter().filter_map(|(ticker, holding)| scaled(*ticker, holding, *shares.get(ticker)?)).collect()
}

fn apply(shares: &mut HashMap<TickerId, Shares>, kind: &Kind) {
    let (ticker, change) = match kind {
        Kind::Buy(trade) => (trade.ticker, trade.quantity),
        Kind::SharesIn { ticker, quantity, .. } => (*ticker, *quantity),
        Kind::Sell(trade) => (trade.ticker, -trade.quantity),
        Kind::SharesOut { ticker, quantity } => (*ticker, -*quantity),
        Kind::Split { ticker, new, old } => {
            if let Some(found) = shares.get_mut(ticker) {
                let split = |quantity| split_quantity(quantity, *new, *old).unwrap_or(quantity);
                *found = Shares { recorded: split(found.recorded), now: split(found.now) };
            }
            return;
        }
        _ => return,
    };
    if let Some(found) = shares.get_mut(&ticker) {
        found.now = found.now.saturating_add(change);
    }
}

/// `None` where nothing is left.
fn scaled(ticker: TickerId, holding: &Holding, shares: Shares) -> Option<Present> {
    let quantity = shares.now.min(shares.recorded);
    if quantity <= Decimal::ZERO {
        return None;
    }
    let left = quantity.checked_div(shares.recorded)?;
    let cost = holding.average_cost.checked_mul(holding.quantity)?;
    Some(Present {
        ticker,
        quantity,
        average_cost: cost.checked_div(shares.recorded)?,
        unrealised: holding.unrealised.and_then(|gain| gain.checked_mul(left)),
        weight: holding.weight * left.to_f64().unwrap_or(1.0),
        since: holding.since,
    })
}
