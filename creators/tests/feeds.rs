//! Prices and rates against the real database: whom they concern is asked for, and nobody else.

mod support;

use anyhow::{Result, ensure};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use madang_core::ids::TickerId;
use madang_creators::feeds::{self, DayPrice, Rate};
use rust_decimal::Decimal;
use serde_json::json;
use sqlx::PgPool;
use support::{accept, market, market_days, people, today};

fn now() -> DateTime<Utc> {
    today() + Duration::days(10)
}

fn price(ticker: i32, day: NaiveDate) -> DayPrice {
    DayPrice { ticker: TickerId::new(ticker), day, values: [Decimal::from(100); 5], volume: 1, raw: false }
}

async fn ticker(pool: &PgPool, code: &str) -> Result<i32> {
    Ok(sqlx::query_scalar("SELECT id FROM tickers WHERE code = $1").bind(code).fetch_one(pool).await?)
}

/// Whose returns wait to be computed; from then on nobody's do.
async fn asked(pool: &PgPool) -> Result<Vec<i64>> {
    let mut waiting: Vec<i64> =
        sqlx::query_scalar("DELETE FROM jobs WHERE kind = 'returns' RETURNING subject")
            .fetch_all(pool)
            .await?;
    waiting.sort_unstable();
    Ok(waiting)
}

async fn add_rate(pool: &PgPool, currency: &str) -> Result<u64> {
    let day = today().date_naive();
    let rate = Rate::parse(currency, day, Decimal::from(1_300), now())
        .map_err(|wrong| anyhow::anyhow!("{wrong:?}"))?;
    let mut tx = pool.begin().await?;
    let new = feeds::add_rates(&mut tx, &[rate]).await?;
    tx.commit().await?;
    Ok(new)
}

async fn add_price(pool: &PgPool, price: DayPrice) -> Result<u64> {
    let mut tx = pool.begin().await?;
    let new = feeds::add_prices(&mut tx, &[price], now()).await?;
    tx.commit().await?;
    Ok(new)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_rate_concerns_whoever_has_two_currencies_and_that_one(pool: PgPool) -> Result<()> {
    people(&pool, 4).await?;
    market(&pool, &market_days(30), |_, _| 100.0).await?;
    let paid = |id: &str, user: &str, currency: &str, at: &str| json!({"trade_id": id, "user": user, "kind": "deposit", "amount": "5", "currency": currency, "executed_at": at});
    let (first, second) = ("2026-06-01T10:00:00+09:00", "2026-06-02T10:00:00+09:00");
    let rows = [
        paid("1", "zq1", "USD", first),
        paid("2", "zq1", "KRW", second),
        paid("3", "zq2", "KRW", first),
        paid("4", "zq2", "USD", second),
        paid("5", "zq3", "USD", first),
        paid("6", "zq4", "KRW", first),
        paid("7", "zq4", "JPY", second),
    ];
    accept(&pool, &rows).await?;
    asked(&pool).await?;
    ensure!(add_rate(&pool, "USD").await? == 1);
    let found = asked(&pool).await?;
    ensure!(found == [1, 2], "{found:?}");
    ensure!(add_rate(&pool, "USD").await? == 0 && asked(&pool).await?.is_empty(), "nothing was new");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_late_price_concerns_whoever_traded_the_share(pool: PgPool) -> Result<()> {
    people(&pool, 3).await?;
    let days = market_days(30);
    market(&pool, &days, |_, _| 100.0).await?;
    let trade = |id: &str, user: &str, kind: &str, at: &str| {
        json!({"trade_id": id, "user": user, "kind": kind, "symbol": "XKRX:000001", "quantity": "5", "price": "100",
               "executed_at": at})
    };
    let (first, second) = ("2026-06-01T10:00:00+09:00", "2026-06-02T10:00:00+09:00");
    // The first has sold all of it, the second holds it, the third never had it.
    accept(
        &pool,
        &[
            trade("1", "zq1", "buy", first),
            trade("2", "zq1", "sell", second),
            trade("3", "zq2", "buy", first),
        ],
    )
    .await?;
    let share = ticker(&pool, "000001").await?;
    sqlx::query(
        "INSERT INTO holdings (user_id, ticker_id, quantity, average_cost, weight, since)
         VALUES (2, $1, 5, 100, 1, '2026-06-01')",
    )
    .bind(share)
    .execute(&pool)
    .await?;
    asked(&pool).await?;
    ensure!(add_price(&pool, price(share, today().date_naive().succ_opt().unwrap_or_default())).await? == 1);
    let found = asked(&pool).await?;
    ensure!(found == [2], "a new day concerns holders: {found:?}");
    // A Sunday of the past, so that no price is there.
    ensure!(
        add_price(&pool, price(share, NaiveDate::from_ymd_opt(2026, 6, 7).unwrap_or_default())).await? == 1
    );
    let found = asked(&pool).await?;
    ensure!(found == [1, 2], "an old day concerns all who traded: {found:?}");
    // The same by the name that the share got since.
    let other = ticker(&pool, "000002").await?;
    sqlx::query("UPDATE tickers SET status = 'renamed', renamed_to = $2 WHERE id = $1")
        .bind(share)
        .bind(other)
        .execute(&pool)
        .await?;
    ensure!(
        add_price(&pool, price(other, NaiveDate::from_ymd_opt(2026, 6, 7).unwrap_or_default())).await? == 1
    );
    let found = asked(&pool).await?;
    ensure!(found == [1, 2], "under its new name: {found:?}");
    Ok(())
}

#[test]
fn days_that_make_no_series_are_refused() {
    for day in ["0026-11-20", "1979-12-31", "-0001-01-01", "-200000-01-01", "+200000-01-01", "2026-07-12"] {
        let day: NaiveDate = day.parse().unwrap_or_default();
        let (price, rate) = (price(1, day).check(now()), Rate::parse("USD", day, Decimal::ONE, now()));
        assert!(price.is_err_and(|(field, _)| field == "day"), "{day}");
        assert!(rate.is_err_and(|(field, _)| field == "day"), "{day}");
    }
    for day in ["1980-01-01", "2026-07-11"] {
        let day: NaiveDate = day.parse().unwrap_or_default();
        assert!(
            price(1, day).check(now()).is_ok() && Rate::parse("USD", day, Decimal::ONE, now()).is_ok(),
            "{day}"
        );
    }
}

/// Prices of a share against batches that split it, at once: whoever comes second waits, and nobody is thrown out.
#[sqlx::test(migrations = "../migrations")]
async fn feeds_and_batches_at_once_never_wait_for_each_other(pool: PgPool) -> Result<()> {
    const ROUNDS: i64 = 40;
    const PEOPLE: i32 = 30;
    people(&pool, PEOPLE).await?;
    market(&pool, &market_days(3), |_, _| 100.0).await?;
    let share = ticker(&pool, "000001").await?;
    let bought: Vec<_> = (1..=PEOPLE)
        .map(|n| {
            json!({"trade_id": format!("b{n}"), "user": format!("zq{n}"), "kind": "buy", "symbol": "XKRX:000001",
                   "quantity": "5", "price": "100", "executed_at": "2026-01-02T10:00:00+09:00"})
        })
        .collect();
    accept(&pool, &bought).await?;
    sqlx::query(
        "INSERT INTO holdings (user_id, ticker_id, quantity, average_cost, weight, since)
         SELECT n, $1, 5, 100, 1, '2026-01-02' FROM generate_series(1, $2) n",
    )
    .bind(share)
    .bind(PEOPLE)
    .execute(&pool)
    .await?;
    let first: NaiveDate = "2010-01-04".parse()?;
    for round in 0..ROUNDS {
        // Splits by one of the middle, so that those it concerns stand on both sides of its sender.
        let batch = |user: i64| {
            let at = format!("{}T10:00:00+09:00", first + Duration::days(round * 20));
            [json!({"trade_id": format!("p{round}-{user}"), "user": format!("zq{user}"), "kind": "split",
                    "symbol": "XKRX:000001", "ratio": "3:2", "executed_at": at})]
        };
        let (high, low) = (batch(28), batch(5));
        let (one, two, three, four) = tokio::join!(
            accept(&pool, &high),
            accept(&pool, &low),
            add_price(&pool, price(share, first + Duration::days(round * 2))),
            add_price(&pool, price(share, first + Duration::days(round * 2 + 1))),
        );
        one?;
        two?;
        ensure!(three? == 1 && four? == 1);
    }
    println!("{ROUNDS} rounds of two batches and two feeds");
    Ok(())
}
