//! Daily prices and exchange rates as the broker's systems report them. What is here stays; whoever holds what
//! got a new price is computed anew.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use madang_core::{
    changes::{self, Change},
    ids::TickerId,
    jobs::{self, JobKind},
};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use crate::ledger::row::currency;

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
        not_in_the_future(self.day, now)
    }
}

fn not_in_the_future(day: NaiveDate, now: DateTime<Utc>) -> Result<(), Wrong> {
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
    let added = sqlx::query_scalar!(
        "INSERT INTO prices (ticker_id, day, open, high, low, close, adj_close, volume, recorded_at)
         SELECT DISTINCT ON (t, d) t, d, o, h, l, c, a, v, $9
         FROM unnest($1::integer[], $2::date[], $3::numeric[], $4::numeric[], $5::numeric[], $6::numeric[],
                     $7::numeric[], $8::bigint[]) AS n (t, d, o, h, l, c, a, v)
         ORDER BY t, d ON CONFLICT DO NOTHING RETURNING ticker_id",
        &tickers,
        &days,
        &column(0),
        &column(1),
        &column(2),
        &column(3),
        &column(4),
        &volumes,
        now
    )
    .fetch_all(&mut *tx)
    .await?;
    if added.is_empty() {
        return Ok(0);
    }
    ask_for_holders(tx, &added).await?;
    changes::record(tx, &[Change::Tickers]).await?;
    Ok(added.len() as u64)
}

/// Asks for the returns of whoever holds one of these tickers, or the ledger of whom was not computed yet.
pub async fn ask_for_holders(tx: &mut PgConnection, tickers: &[i32]) -> sqlx::Result<()> {
    let holders = sqlx::query_scalar!(
        "SELECT DISTINCT user_id FROM holdings WHERE ticker_id = ANY($1) ORDER BY 1",
        tickers
    )
    .fetch_all(&mut *tx)
    .await?;
    for few in holders.chunks(5_000) {
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
        not_in_the_future(day, now)?;
        Ok(Self { currency, day, won })
    }
}

/// Adds rates and asks for the returns of everybody who has more than one currency. Returns how many were new.
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
            "SELECT DISTINCT e.user_id FROM ledger_entries e JOIN ledger_people p USING (user_id)
             WHERE e.currency = ANY($1) AND e.currency <> p.currency ORDER BY 1",
            &currencies
        )
        .fetch_all(&mut *tx)
        .await?;
        jobs::enqueue_many(&mut *tx, JobKind::Returns, &concerned, 0, std::time::Duration::ZERO).await?;
    }
    Ok(added)
}
