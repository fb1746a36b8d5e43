//! The rows of a ledger that count, as returns need them.

use madang_core::ids::{TickerId, UserId};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::currency;
use crate::{
    ledger::row::Kind as RowKind,
    markets::Snapshot,
    returns::{Charge, Currency, Entry, Kind, Trade},
};

/// A person's ledger.
pub(super) struct Ledger {
    pub(super) revision: i64,
    pub(super) base: Currency,
    pub(super) entries: Vec<Entry>,
}

struct Columns {
    kind: String,
    ticker: Option<TickerId>,
    quantity: Option<Decimal>,
    price: Option<Decimal>,
    amount: Option<Decimal>,
    fee: Decimal,
    tax: Decimal,
    split: Option<(i32, i32)>,
    currency: Option<String>,
}

/// Loads it, each ticker under its present name; `None` where there is none.
pub(super) async fn load(
    tx: &mut PgConnection,
    user: UserId,
    market: &Snapshot,
) -> sqlx::Result<Option<Ledger>> {
    let person = sqlx::query!("SELECT currency, revision FROM ledger_people WHERE user_id = $1", user.get())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(person) = person else { return Ok(None) };
    let rows = sqlx::query!(
        "SELECT e.id, e.kind, e.ticker_id, e.quantity, e.price, e.amount, e.fee, e.tax, e.split_new, e.split_old,
                e.currency, e.executed_at, e.day
         FROM ledger_entries e
         WHERE e.user_id = $1 AND e.kind <> 'cancellation'
           AND NOT EXISTS (SELECT FROM ledger_entries c WHERE c.corrects = e.id)
         ORDER BY e.executed_at, e.id",
        user.get()
    )
    .fetch_all(tx)
    .await?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let columns = Columns {
            kind: row.kind,
            ticker: row.ticker_id.map(|id| market.present(TickerId::new(id))),
            quantity: row.quantity,
            price: row.price,
            amount: row.amount,
            fee: row.fee,
            tax: row.tax,
            split: row.split_new.zip(row.split_old),
            currency: row.currency,
        };
        let kind = kind(&columns).ok_or_else(|| {
            sqlx::Error::Decode(format!("ledger entry {} lacks what its kind needs", row.id).into())
        })?;
        entries.push(Entry { id: row.id, at: row.executed_at, day: row.day, kind });
    }
    let base = currency(&person.currency)
        .ok_or_else(|| sqlx::Error::Decode("a ledger is kept in no currency".into()))?;
    Ok(Some(Ledger { revision: person.revision, base, entries }))
}

/// `None` for a row that the table's own checks should not have let in.
fn kind(row: &Columns) -> Option<Kind> {
    let money = || row.currency.as_deref().and_then(currency);
    let trade = || {
        Some(Trade {
            ticker: row.ticker?,
            quantity: row.quantity?,
            price: row.price?,
            fee: row.fee,
            tax: row.tax,
            currency: money()?,
        })
    };
    let charge = || Some(Charge { ticker: row.ticker, amount: row.amount?, currency: money()? });
    Some(match RowKind::parse(&row.kind)? {
        RowKind::Buy => Kind::Buy(trade()?),
        RowKind::Sell => Kind::Sell(trade()?),
        RowKind::Dividend => {
            let tax = row.tax.checked_add(row.fee)?;
            Kind::Dividend { ticker: row.ticker?, amount: row.amount?, tax, currency: money()? }
        }
        RowKind::Split => {
            let (new, old) = row.split?;
            Kind::Split { ticker: row.ticker?, new: new.unsigned_abs(), old: old.unsigned_abs() }
        }
        RowKind::SharesIn => {
            Kind::SharesIn { ticker: row.ticker?, quantity: row.quantity?, unit_cost: row.price }
        }
        RowKind::SharesOut => Kind::SharesOut { ticker: row.ticker?, quantity: row.quantity? },
        RowKind::Fee => Kind::Fee(charge()?),
        RowKind::Tax => Kind::Tax(charge()?),
        RowKind::Deposit => Kind::Deposit { amount: row.amount?, currency: money()? },
        RowKind::Withdrawal => Kind::Withdrawal { amount: row.amount?, currency: money()? },
        RowKind::Cancellation => return None,
    })
}

/// The currency of the market an entry is about.
pub(super) fn market_of(kind: &Kind, market: &Snapshot) -> Option<Currency> {
    match kind {
        Kind::Buy(trade) | Kind::Sell(trade) => Some(trade.currency),
        Kind::SharesIn { ticker, .. } | Kind::SharesOut { ticker, .. } | Kind::Split { ticker, .. } => {
            market.market.currency(*ticker)
        }
        _ => None,
    }
}
