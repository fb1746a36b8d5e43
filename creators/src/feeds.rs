//! Daily prices and exchange rates as the broker's systems report them. What is here stays; whoever holds what
//! got a new price is computed anew.
//!
//! Locks are taken in one order everywhere, so that a feed and a batch of trades never wait for each other: people
//! (trades only), prices or rates, the state of the market, then jobs, all of them at once by ascending person.

use chrono::{DateTime, Datelike, Duration, NaiveDate, Utc};
use madang_core::{
    changes::{self, Change},
    ids::TickerId,
    jobs::{self, JobKind},
};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use crate::ledger::row::{OLDEST_YEAR, currency};

/// A field and what is wrong with it.
pub type Wrong = (&'static str, &'static str);

/// Most a price or rate can be.
const MOST: i64 = 1_000_000_000_000;

/// One day of a ticker.
#[derive(Debug, Clone, Copy)]
pub struct DayPrice {
    /// Which.
    pub ticker: TickerId,
    /// The market's own day.
    pub day: NaiveDate,
    /// Open, high, low, close, close adjusted for dividends.
    pub values: [Decimal; 5],
    /// Shares traded.
    pub volume: i64,
    /// Whether the close is as it was traded; else it is divided by all splits that have happened by now.
    pub raw: bool,
}

impl DayPrice {
    /// Refuses what cannot be.
    pub fn check(&self, now: DateTime<Utc>) -> Result<(), Wrong> {
        for (name, value) in ["open", "high", "low", "close", "adj_close"].into_iter().zip(self.values) {
            if value <= Decimal::ZERO || value > Decimal::from(MOST) {
                return Err((name, "must be more than 0 and at most 1000000000000"));
            }
        }
        if self.volume < 0 {
            return Err(("volume", "must not be negative"));
        }
        possible(self.day, now)
    }
}

/// A series has a place for each of its days: one from long ago would make it endless.
fn possible(day: NaiveDate, now: DateTime<Utc>) -> Result<(), Wrong> {
    if day.year() < OLDEST_YEAR {
        return Err(("day", "is before 1980"));
    }
    // Seoul is ahead of UTC.
    if day > (now + Duration::hours(14)).date_naive() {
        return Err(("day", "is in the future"));
    }
    Ok(())
}

/// Adds prices and asks for the returns of whoever holds these tickers. Returns how many were new.
pub async fn add_prices(tx: &mut PgConnection, rows: &[DayPrice], now: DateTime<Utc>) -> sqlx::Result<u64> {
    let column =
        |n: usize| rows.iter().map(|row| row.values.get(n).copied().unwrap_or_default()).collect::<Vec<_>>();
    let tickers: Vec<i32> = rows.iter().map(|row| row.ticker.get()).collect();
    let days: Vec<NaiveDate> = rows.iter().map(|row| row.day).collect();
    let volumes: Vec<i64> = rows.iter().map(|row| row.volume).collect();
    let added = sqlx::query!(
        "INSERT INTO prices (ticker_id, day, open, high, low, close, adj_close, volume, recorded_at, raw)
         SELECT DISTINCT ON (t, d) t, d, o, h, l, c, a, v, $9, r
         FROM unnest($1::integer[], $2::date[], $3::numeric[], $4::numeric[], $5::numeric[], $6::numeric[],
                     $7::numeric[], $8::bigint[], $10::boolean[]) AS n (t, d, o, h, l, c, a, v, r)
         ORDER BY t, d ON CONFLICT DO NOTHING RETURNING ticker_id, day",
        &tickers,
        &days,
        &column(0),
        &column(1),
        &column(2),
        &column(3),
        &column(4),
        &volumes,
        now,
        &rows.iter().map(|row| row.raw).collect::<Vec<bool>>()
    )
    .fetch_all(&mut *tx)
    .await?;
    if added.is_empty() {
        return Ok(0);
    }
    let (tickers, days): (Vec<i32>, Vec<NaiveDate>) =
        added.iter().map(|row| (row.ticker_id, row.day)).unzip();
    let concerned = concerned(tx, &tickers, &days).await?;
    ask(tx, &concerned).await?;
    changes::record(tx, &[Change::Tickers]).await?;
    Ok(added.len() as u64)
}

/// Whom prices of these tickers on these days concern: who holds one, under whatever name, and, where a day is not
/// the ticker's last, also who ever traded it, for it changes what they had.
async fn concerned(tx: &mut PgConnection, tickers: &[i32], days: &[NaiveDate]) -> sqlx::Result<Vec<i64>> {
    let people = sqlx::query_scalar!(
        r#"WITH late AS (
               SELECT DISTINCT n.ticker FROM unnest($1::integer[], $2::date[]) AS n (ticker, day)
               WHERE n.day < (SELECT max(p.day) FROM prices p WHERE p.ticker_id = n.ticker)),
           named AS (
               SELECT t.id, t.id AS now FROM tickers t WHERE t.id = ANY($1)
               UNION SELECT t.id, current_ticker(t.id) FROM tickers t
               WHERE t.renamed_to IS NOT NULL AND current_ticker(t.id) = ANY($1))
           SELECT h.user_id AS "user_id!" FROM holdings h WHERE h.ticker_id IN (SELECT id FROM named)
           UNION SELECT e.user_id FROM ledger_entries e WHERE e.ticker_id IN (
               SELECT n.id FROM named n JOIN late l ON l.ticker = n.now)
           ORDER BY 1"#,
        tickers,
        days
    )
    .fetch_all(tx)
    .await?;
    Ok(people)
}

/// Asks for the returns of these people, who must be sorted.
pub(crate) async fn ask(tx: &mut PgConnection, people: &[i64]) -> sqlx::Result<()> {
    for few in people.chunks(5_000) {
        jobs::enqueue_many(&mut *tx, JobKind::Returns, few, 0, std::time::Duration::ZERO).await?;
    }
    Ok(())
}

/// What a currency was worth on a day.
#[derive(Debug, Clone)]
pub struct Rate {
    currency: &'static str,
    day: NaiveDate,
    won: Decimal,
}

impl Rate {
    /// Refuses what cannot be.
    pub fn parse(code: &str, day: NaiveDate, won: Decimal, now: DateTime<Utc>) -> Result<Self, Wrong> {
        let currency = currency(code).ok_or(("currency", "is not a currency known here"))?;
        if currency == "KRW" {
            return Err(("currency", "won in won is always 1"));
        }
        if won <= Decimal::ZERO || won > Decimal::from(MOST) {
            return Err(("won", "must be more than 0 and at most 1000000000000"));
        }
        possible(day, now)?;
        Ok(Self { currency, day, won })
    }
}

/// Adds rates and asks for the returns of everybody who has more than one currency, one of these among them: what
/// is changed into it needs the rate as much as what is changed from it. Returns how many were new.
pub async fn add_rates(tx: &mut PgConnection, rows: &[Rate]) -> sqlx::Result<u64> {
    let currencies: Vec<String> = rows.iter().map(|row| row.currency.to_owned()).collect();
    let days: Vec<NaiveDate> = rows.iter().map(|row| row.day).collect();
    let won: Vec<Decimal> = rows.iter().map(|row| row.won).collect();
    let added = sqlx::query!(
        "INSERT INTO exchange_rates (currency, day, won)
         SELECT DISTINCT ON (c, d) c, d, w FROM unnest($1::text[], $2::date[], $3::numeric[]) AS n (c, d, w)
         ORDER BY c, d ON CONFLICT DO NOTHING",
        &currencies,
        &days,
        &won
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if added > 0 {
        let concerned = sqlx::query_scalar!(
            "SELECT DISTINCT c.user_id FROM ledger_currencies c
             WHERE c.currency = ANY($1) AND EXISTS (
                 SELECT FROM ledger_currencies o WHERE o.user_id = c.user_id AND o.currency <> c.currency)
             ORDER BY 1",
            &currencies
        )
        .fetch_all(&mut *tx)
        .await?;
        ask(tx, &concerned).await?;
    }
    Ok(added)
}
