//! Whether a ledger ever takes out more than is held: quantities only, exact.

use ahash::{HashMap, HashMapExt};
use madang_core::ids::TickerId;
use rust_decimal::Decimal;

use super::{
    entry::{Entry, Kind},
    record::Oversold,
};

/// Replays quantities, splits and moved shares included. Entries in any order; they are taken by market day, instant
/// and number. A quantity that outgrows what decimals hold stays at the largest.
///
/// # Errors
/// The first entry that takes out more than is held.
pub fn check_holdings(entries: &[Entry]) -> Result<(), Oversold> {
    let mut held: HashMap<TickerId, Decimal> = HashMap::new();
    for entry in in_order(entries) {
        match entry.kind {
            Kind::Buy(trade) => put(&mut held, trade.ticker, trade.quantity),
            Kind::SharesIn { ticker, quantity, .. } => put(&mut held, ticker, quantity),
            Kind::Sell(trade) => take(&mut held, entry.id, trade.ticker, trade.quantity)?,
            Kind::SharesOut { ticker, quantity } => take(&mut held, entry.id, ticker, quantity)?,
            Kind::Split { ticker, new, old } => {
                if let Some(held) = held.get_mut(&ticker) {
                    *held = split(*held, new, old).unwrap_or(*held);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The entries in the order of replay.
pub(super) fn in_order(entries: &[Entry]) -> Vec<&Entry> {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    if !sorted.is_sorted_by_key(|entry| entry.order()) {
        sorted.sort_by_key(|entry| entry.order());
    }
    sorted
}

/// A quantity after a split; None when it cannot be told. Multiplying first keeps whole results whole.
pub(crate) fn split(quantity: Decimal, new: u32, old: u32) -> Option<Decimal> {
    let (new, old) = (Decimal::from(new), Decimal::from(old));
    match quantity.checked_mul(new) {
        Some(many) => many.checked_div(old),
        None => quantity.checked_div(old)?.checked_mul(new),
    }
}

fn put(held: &mut HashMap<TickerId, Decimal>, ticker: TickerId, quantity: Decimal) {
    let held = held.entry(ticker).or_default();
    *held = held.saturating_add(quantity);
}

fn take(
    held: &mut HashMap<TickerId, Decimal>,
    entry: i64,
    ticker: TickerId,
    wanted: Decimal,
) -> Result<(), Oversold> {
    let held = held.entry(ticker).or_default();
    if wanted > *held {
        return Err(Oversold { entry, ticker, held: *held, wanted });
    }
    *held = held.saturating_sub(wanted);
    Ok(())
}
