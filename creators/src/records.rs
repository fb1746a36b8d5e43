//! A person's record: computed from the ledger and the markets, and stored as what boards are ordered by and what
//! pages show. Computing it again changes nothing; a row of the ledger or a price concerns only whom it is about.

mod entries;
mod present;
mod shown;
mod stake;
mod store;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use madang_core::{
    ids::{TickerId, UserId},
    jobs::{self, JobKind},
};
use sqlx::{PgConnection, PgExecutor, PgPool};

pub use shown::{Index, Shown, WindowShown, shown};

use crate::{
    markets::{Markets, Snapshot},
    returns::{Currency, Entry, Market, Record, Unreplayable, Window, replay, windows},
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
    /// The state of the markets it was computed with.
    market_version: i64,
    /// What came after its last day.
    later: Vec<Entry>,
}

/// Computes a person's record as it is now; `None` without a ledger.
pub async fn compute(
    tx: &mut PgConnection,
    market: &Snapshot,
    user: UserId,
    today: NaiveDate,
) -> Result<Option<Computed>, NoRecord> {
    let Some(ledger) = entries::load(tx, user, market).await? else {
        return Ok(None);
    };
    let currencies = ledger.entries.iter().filter_map(|entry| entries::market_of(&entry.kind, market));
    let as_of = market.as_of(currencies.chain([ledger.base]), today);
    let record = replay(&ledger.entries, &market.market, ledger.base, as_of)
        .map_err(|why| NoRecord::Unreplayable { user: user.get(), why })?;
    Ok(Some(computed(ledger, market.version(), record)))
}

fn computed(ledger: entries::Ledger, market_version: i64, record: Record) -> Computed {
    let later = ledger.entries.into_iter().filter(|entry| entry.day > record.as_of).collect();
    Computed { revision: ledger.revision, record, market_version, later }
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
        store::put(tx, user, &computed, &rows(&computed.record, &market.market), now).await?;
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
pub(crate) fn rows(record: &Record, market: &Market) -> Vec<Row> {
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
        let weights = stake::weights(record, ticker, market);
        for figures in windows::each_of_ticker(ticker, record.as_of).into_iter().flatten() {
            let mut standing = standing(&ticker.days, &figures, ticker.closed.len(), held);
            let within = |day: NaiveDate| is_within(&ticker.days, &figures, day);
            if !stake::is_enough(weights.iter().filter(|(day, _)| within(*day)).map(|(_, weight)| *weight)) {
                let mut reasons = standing.eligible.err().unwrap_or_default();
                reasons.push(skill::Ineligible::LittleStake);
                standing.eligible = Err(reasons);
            }
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

/// Whether a day is one of a window's trading days.
fn is_within(days: &[crate::returns::DayPoint], figures: &windows::Figures, day: NaiveDate) -> bool {
    // A window that reaches back before the record counts its first day too.
    let from_the_first = figures.window == Window::All
        || (!figures.complete && days.first().is_some_and(|first| first.day == figures.from));
    day > figures.from || (from_the_first && day == figures.from)
}

fn standing(
    days: &[crate::returns::DayPoint],
    figures: &windows::Figures,
    closed: usize,
    largest_held: Option<skill::HeldPosition>,
) -> skill::Standing {
    let within = days.iter().filter(|point| is_within(days, figures, point.day));
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

/// Asks for the records of everybody who discloses and whose record is older than the markets. Who was asked for
/// already, or given up, is left alone. A price of whatever ticker changes the market that all are compared with: for that
/// alone nobody is asked for more often than every ten minutes. Returns how many.
pub async fn mark_due(pool: &PgPool, markets: &Markets, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let market = markets.now().await?;
    let (mut currencies, mut days) = (Vec::new(), Vec::new());
    for (currency, day) in &market.last_days {
        currencies.push(currency.to_string());
        // No record goes beyond today, though Seoul's day may have begun.
        days.push((*day).min(now.date_naive()));
    }
    let due = sqlx::query_scalar!(
        "SELECT DISTINCT d.user_id FROM disclosures d
         JOIN ledger_people p ON p.user_id = d.user_id
         LEFT JOIN return_records r ON r.user_id = d.user_id
         LEFT JOIN unnest($1::text[], $2::date[]) AS m (currency, day) ON m.currency = p.currency
         WHERE d.revoked_at IS NULL AND (r.user_id IS NULL OR r.as_of < m.day OR r.revision < p.revision
                OR (r.market_version < $3 AND r.computed_at <= $4))
           AND NOT EXISTS (SELECT FROM jobs j WHERE j.kind = 'returns' AND j.subject = d.user_id AND j.peer = 0)
         ORDER BY 1",
        &currencies,
        &days,
        market.version(),
        now - Duration::minutes(10)
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

/// Where a person's record is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Nothing is to be done.
    Done,
    /// It waits or is in hand.
    Waiting,
    /// It was given up.
    GivenUp,
}

/// Where a person's record is on its way.
pub async fn asked(executor: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Asked> {
    let given_up = sqlx::query_scalar!(
        r#"SELECT parked_at IS NOT NULL AS "given_up!" FROM jobs
           WHERE kind = 'returns' AND subject = $1 AND peer = 0"#,
        user.get()
    )
    .fetch_optional(executor)
    .await?;
    Ok(match given_up {
        None => Asked::Done,
        Some(false) => Asked::Waiting,
        Some(true) => Asked::GivenUp,
    })
}

/// The currency a code names; the ledger holds known ones only.
pub(crate) fn currency(code: &str) -> Option<Currency> {
    Currency::parse(code)
}
