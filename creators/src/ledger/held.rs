//! Whether shares can have been sold: what is held may never fall below zero.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

/// What moves a holding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    /// Bought or brought in.
    In(Decimal),
    /// Sold or moved away.
    Out(Decimal),
    /// New shares for old ones.
    Split(i32, i32),
}

/// A move at its time; `order` sorts those of one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) at: DateTime<Utc>,
    pub(super) order: i64,
    pub(super) day: NaiveDate,
    pub(super) change: Move,
}

/// More went out than was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Short {
    pub(super) order: i64,
    pub(super) day: NaiveDate,
    pub(super) held: Decimal,
    pub(super) wanted: Decimal,
}

/// Walks the moves of one holding; they must be sorted.
pub(super) fn walk<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Result<Decimal, Short> {
    let mut held = Decimal::ZERO;
    for step in steps {
        held = match step.change {
            Move::In(quantity) => held.saturating_add(quantity),
            Move::Split(new, old) => {
                let scaled =
                    held.checked_mul(Decimal::from(new)).and_then(|n| n.checked_div(Decimal::from(old)));
                scaled.unwrap_or(held)
            }
            Move::Out(quantity) if quantity <= held => held - quantity,
            Move::Out(quantity) => {
                return Err(Short { order: step.order, day: step.day, held, wanted: quantity });
            }
        };
    }
    Ok(held)
}
