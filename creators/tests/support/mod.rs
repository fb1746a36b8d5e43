//! What the tests of this crate share: people, tickers, prices, and rows of the ledger.
#![allow(dead_code, reason = "each test uses some of it")]

use anyhow::Result;
use chrono::{DateTime, Datelike, Duration, NaiveDate, Utc, Weekday};
use madang_core::{ids::UserId, tickers::Catalogue};
use madang_creators::ledger::{Batch, Outcome, RawRow, Status, intake::Names, take};
use serde_json::Value;
use sqlx::PgPool;

/// The day before which the prices of [`market`] end.
pub(crate) fn today() -> DateTime<Utc> {
    "2026-06-30T12:00:00Z".parse().unwrap_or_default()
}

/// People of ids 1 and up, called zq1, zq2, …
pub(crate) async fn people(pool: &PgPool, count: i32) -> Result<Vec<UserId>> {
    sqlx::query(
        "INSERT INTO users (id, handle, handle_fold, handle_skeleton, name, verified, created_at, external_id)
         SELECT n, 'zq' || n, 'zq' || n, 'zq' || n, 'zq', true, now() - interval '60 days', 'u_' || n
         FROM generate_series(1, $1) n",
    )
    .bind(count)
    .execute(pool)
    .await?;
    Ok((1..=i64::from(count)).map(UserId::new).collect())
}

/// The market days up to `today`, oldest first.
pub(crate) fn market_days(count: usize) -> Vec<NaiveDate> {
    let mut day = today().date_naive();
    let mut days = Vec::new();
    while days.len() < count {
        if !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
            days.push(day);
        }
        day = day.pred_opt().unwrap_or(day);
    }
    days.reverse();
    days
}

/// Three tickers: XKRX:000001 and XKRX:000002 in won, XNAS:AAA in dollars, with closes by day that `close` gives.
pub(crate) async fn market(
    pool: &PgPool,
    days: &[NaiveDate],
    close: impl Fn(usize, usize) -> f64,
) -> Result<()> {
    let tickers = [
        ("XKRX", "000001", "KRW", "Asia/Seoul"),
        ("XKRX", "000002", "KRW", "Asia/Seoul"),
        ("XNAS", "AAA", "USD", "America/New_York"),
    ];
    for (n, (market, code, currency, zone)) in tickers.into_iter().enumerate() {
        let id: i32 = sqlx::query_scalar(
            "INSERT INTO tickers (market, code, name, currency, time_zone) VALUES ($1, $2, $2, $3, $4) RETURNING id",
        )
        .bind(market)
        .bind(code)
        .bind(currency)
        .bind(zone)
        .fetch_one(pool)
        .await?;
        for (at, day) in days.iter().enumerate() {
            sqlx::query(
                "INSERT INTO prices (ticker_id, day, open, high, low, close, adj_close, volume)
                 VALUES ($1, $2, $3, $3, $3, $3, $3, 1)",
            )
            .bind(id)
            .bind(day)
            .bind(rust_decimal::Decimal::try_from(close(n, at))?)
            .execute(pool)
            .await?;
        }
    }
    Ok(())
}

/// Takes rows in as they would come over HTTP, now.
pub(crate) async fn report(pool: &PgPool, rows: &[Value]) -> Result<Vec<Outcome>> {
    let texts: Vec<String> = rows.iter().map(Value::to_string).collect();
    report_texts(pool, &texts).await
}

/// The same of the texts of rows.
pub(crate) async fn report_texts(pool: &PgPool, rows: &[String]) -> Result<Vec<Outcome>> {
    let catalogue = Catalogue::load(pool).await?;
    let rows = rows
        .iter()
        .map(|text| RawRow::from_json(text).map_err(|refusal| (text.parse().unwrap_or_default(), refusal)))
        .collect();
    let batch = Batch { rows, names: Names::HandlesFirst, source: "test", now: today() + Duration::hours(1) };
    let mut tx = pool.begin().await?;
    let outcomes = take(&mut tx, &catalogue, batch).await?;
    tx.commit().await?;
    Ok(outcomes)
}

/// Takes rows in of which each must count.
pub(crate) async fn accept(pool: &PgPool, rows: &[Value]) -> Result<()> {
    for outcome in report(pool, rows).await? {
        anyhow::ensure!(outcome.status == Status::Accepted, "{outcome:?}");
    }
    Ok(())
}

/// What became of rows: `a`ccepted, `d`uplicate, or the code of the refusal.
pub(crate) fn words(outcomes: &[Outcome]) -> Vec<&'static str> {
    outcomes
        .iter()
        .map(|outcome| match (outcome.status, &outcome.refusal) {
            (Status::Accepted, _) => "a",
            (Status::Duplicate, _) => "d",
            (Status::Refused, Some(refusal)) => refusal.code,
            (Status::Refused, None) => "?",
        })
        .collect()
}
