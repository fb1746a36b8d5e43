//! A person's record: computed from the ledger and the markets, and stored as what boards are ordered by and what
//! pages show. Computing it again changes nothing; a row of the ledger or a price concerns only whom it is about.

mod entries;
mod shown;
mod store;

use chrono::{DateTime, NaiveDate, Utc};
use madang_core::{
    ids::{TickerId, UserId},
    jobs::{self, JobKind},
};
use sqlx::{PgConnection, PgPool};

pub use shown::{Index, Shown, WindowShown, shown};

use crate::{
    markets::{Markets, Snapshot},
    returns::{Currency, Record, Unreplayable, Window, replay, windows},
    skill,
};

/// Why a record cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum NoRecord {
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// Rows that the intake should have refused.
    #[error("the ledger of person {user} cannot be replayed: {why}")]
    Unreplayable {
        /// Whose.
        user: i64,
        /// Which entry, and why.
        why: Unreplayable,
    },
}

/// A record and the ledger it is of.
#[derive(Debug)]
pub struct Computed {
    /// The number of the last row taken in.
    pub revision: i64,
    /// The record.
    pub record: Record,
}

/// Computes a person's record as it is now; `None` without a ledger.
pub async fn compute(
    tx: &mut PgConnection,
    market: &Snapshot,
    user: UserId,
    today: NaiveDate,
) -> Result<Option<Computed>, NoRecord> {
    let Some(ledger) = entries::load(tx, user).await? else {
        return Ok(None);
    };
    let currencies = ledger.entries.iter().filter_map(|entry| entries::market_of(&entry.kind, market));
    let as_of = market.as_of(currencies.chain([ledger.base]), today);
    let record = replay(&ledger.entries, &market.market, ledger.base, as_of)
        .map_err(|why| NoRecord::Unreplayable { user: user.get(), why })?;
    Ok(Some(Computed { revision: ledger.revision, record }))
}

/// Locks a person's ledger until the end of the transaction: whatever shows something of it, or takes that back, goes
/// one after the other. False without a ledger.
pub async fn lock(tx: &mut PgConnection, user: UserId) -> sqlx::Result<bool> {
    let locked = sqlx::query!("SELECT FROM ledger_people WHERE user_id = $1 FOR NO KEY UPDATE", user.get())
        .fetch_optional(tx)
        .await?;
    Ok(locked.is_some())
}

/// Computes a person's record and stores it. The ledger is locked meanwhile, so that what is stored is never older
/// than a row that was taken in before.
pub async fn recompute(
    tx: &mut PgConnection,
    market: &Snapshot,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<(), NoRecord> {
    if !lock(&mut *tx, user).await? {
        return Ok(());
    }
    if let Some(computed) = compute(tx, market, user, now.date_naive()).await? {
        store::put(tx, user, &computed, &rows(&computed.record), now).await?;
    }
    Ok(())
}

/// A window of the whole account or of a ticker, as it is stored.
pub(crate) struct Row {
    pub(crate) ticker: Option<TickerId>,
    pub(crate) figures: windows::Figures,
    pub(crate) standing: skill::Standing,
}

/// All windows of a record, with how each stands on its board.
pub(crate) fn rows(record: &Record) -> Vec<Row> {
    let mut rows = Vec::new();
    let largest = largest_held(record);
    let closed: usize = record.tickers.iter().map(|ticker| ticker.closed.len()).sum();
    for figures in windows::each_of_account(record).into_iter().flatten() {
        let standing = standing(&record.days, &figures, closed, largest);
        rows.push(Row { ticker: None, figures, standing });
    }
    for ticker in &record.tickers {
        let held = ticker.holding.as_ref().map(|holding| skill::HeldPosition {
            weight: holding.weight,
            days: days_since(&ticker.days, holding.since),
        });
        for figures in windows::each_of_ticker(ticker, record.as_of).into_iter().flatten() {
            let standing = standing(&ticker.days, &figures, ticker.closed.len(), held);
            rows.push(Row { ticker: Some(ticker.ticker), figures, standing });
        }
    }
    rows
}

fn days_since(days: &[crate::returns::DayPoint], since: NaiveDate) -> u32 {
    u32::try_from(days.iter().filter(|point| point.day >= since).count()).unwrap_or(u32::MAX)
}

fn largest_held(record: &Record) -> Option<skill::HeldPosition> {
    let held = record.tickers.iter().filter_map(|ticker| {
        let holding = ticker.holding.as_ref()?;
        Some(skill::HeldPosition { weight: holding.weight, days: days_since(&ticker.days, holding.since) })
    });
    held.max_by(|a, b| a.weight.total_cmp(&b.weight))
}

fn standing(
    days: &[crate::returns::DayPoint],
    figures: &windows::Figures,
    closed: usize,
    largest_held: Option<skill::HeldPosition>,
) -> skill::Standing {
    let begins = match figures.window {
        Window::All => figures.from.pred_opt().unwrap_or(figures.from),
        _ => figures.from,
    };
    // A window that reaches back before the record counts its first day too.
    let partial = !figures.complete && days.first().is_some_and(|first| first.day == figures.from);
    let within = days.iter().filter(|point| point.day > begins || (partial && point.day == begins));
    let window: Vec<skill::Day> = within
        .map(|point| skill::Day {
            account_return: point.factor - 1.0,
            market_return: point.market,
            invested: point.invested,
        })
        .collect();
    let facts = skill::Facts {
        trading_days: u32::try_from(days.len()).unwrap_or(u32::MAX),
        closed_positions: u32::try_from(closed).unwrap_or(u32::MAX),
        largest_held,
        mean_invested: figures.invested,
        max_drawdown: figures.drawdown,
    };
    skill::standing(&window, &facts)
}

/// Asks for the records of everybody who discloses and whose record is older than the markets. Returns how many.
pub async fn mark_due(pool: &PgPool, markets: &Markets) -> sqlx::Result<u64> {
    let market = markets.now().await?;
    let (mut currencies, mut days) = (Vec::new(), Vec::new());
    for (currency, day) in &market.last_days {
        currencies.push(currency.to_string());
        days.push(*day);
    }
    let due = sqlx::query_scalar!(
        "SELECT DISTINCT d.user_id FROM disclosures d
         JOIN ledger_people p ON p.user_id = d.user_id
         LEFT JOIN return_records r ON r.user_id = d.user_id
         LEFT JOIN unnest($1::text[], $2::date[]) AS m (currency, day) ON m.currency = p.currency
         WHERE d.revoked_at IS NULL AND (r.user_id IS NULL OR r.as_of < m.day OR r.revision < p.revision)
         ORDER BY 1",
        &currencies,
        &days
    )
    .fetch_all(pool)
    .await?;
    for few in due.chunks(5_000) {
        jobs::enqueue_many(pool, JobKind::Returns, few, 0, std::time::Duration::ZERO).await?;
    }
    if !due.is_empty() {
        tracing::info!(people = due.len(), "records are computed anew");
        jobs::wake(pool).await?;
    }
    Ok(due.len() as u64)
}

/// Records that wait to be computed.
pub async fn waiting(pool: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM jobs WHERE kind = 'returns' AND parked_at IS NULL"#)
        .fetch_one(pool)
        .await
}

/// The currency a code names; the ledger holds known ones only.
pub(crate) fn currency(code: &str) -> Option<Currency> {
    Currency::parse(code)
}
