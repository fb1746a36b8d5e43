//! Storing a record: what was there is replaced as a whole.

use chrono::{DateTime, Utc};
use madang_core::ids::{TickerId, UserId};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::{Computed, Row, present::present, shown};

pub(super) async fn put(
    tx: &mut PgConnection,
    user: UserId,
    computed: &Computed,
    rows: &[Row],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let record = &computed.record;
    let json =
        serde_json::to_value(shown::summary(record)).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let closed: usize = record.tickers.iter().map(|ticker| ticker.closed.len()).sum();
    let incomplete = record.incomplete.first().map(shown::incomplete_words);
    sqlx::query!(
        "INSERT INTO return_records (user_id, revision, as_of, trading_days, closed_count, incomplete, record, computed_at,
             market_version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (user_id) DO UPDATE SET revision = excluded.revision, as_of = excluded.as_of,
             trading_days = excluded.trading_days, closed_count = excluded.closed_count,
             incomplete = excluded.incomplete, record = excluded.record, computed_at = excluded.computed_at,
             market_version = excluded.market_version",
        user.get(),
        computed.revision,
        record.as_of,
        i32::try_from(record.days.len()).unwrap_or(i32::MAX),
        i32::try_from(closed).unwrap_or(i32::MAX),
        incomplete,
        json,
        now,
        computed.market_version
    )
    .execute(&mut *tx)
    .await?;
    put_windows(tx, user, rows).await?;
    put_holdings(tx, user, computed).await
}

async fn put_windows(tx: &mut PgConnection, user: UserId, rows: &[Row]) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM window_returns WHERE user_id = $1", user.get()).execute(&mut *tx).await?;
    let column = |value: fn(&Row) -> f64| rows.iter().map(value).collect::<Vec<f64>>();
    let maybe = |value: fn(&Row) -> Option<f64>| rows.iter().map(value).collect::<Vec<Option<f64>>>();
    let tickers: Vec<i32> = rows.iter().map(|row| row.ticker.map_or(0, TickerId::get)).collect();
    let spans: Vec<i16> = rows.iter().map(|row| row.figures.window.code()).collect();
    let from: Vec<_> = rows.iter().map(|row| row.figures.from).collect();
    let to: Vec<_> = rows.iter().map(|row| row.figures.to).collect();
    let complete: Vec<bool> = rows.iter().map(|row| row.figures.complete).collect();
    let days: Vec<i32> = rows.iter().map(|row| i32::try_from(row.figures.days).unwrap_or(i32::MAX)).collect();
    let risks: Vec<Option<i16>> = rows.iter().map(|row| row.figures.risk.map(i16::from)).collect();
    let reasons: Vec<String> = rows.iter().map(reasons).collect();
    sqlx::query!(
        "INSERT INTO window_returns (user_id, ticker_id, span, from_day, to_day, complete, days, twr, mwr, market,
             excess, volatility, drawdown, risk, invested, score, lower_bound, ineligible)
         SELECT $1, ticker_id, span, from_day, to_day, complete, days, twr, mwr, market, excess, volatility, drawdown,
             risk, invested, score, lower_bound, string_to_array(why, ' ')
         FROM unnest($2::integer[], $3::smallint[], $4::date[], $5::date[], $6::boolean[], $7::integer[],
             $8::float8[], $9::float8[], $10::float8[], $11::float8[], $12::float8[], $13::float8[], $14::smallint[],
             $15::float8[], $16::float8[], $17::float8[], $18::text[])
         AS r (ticker_id, span, from_day, to_day, complete, days, twr, mwr, market, excess, volatility, drawdown, risk,
               invested, score, lower_bound, why)",
        user.get(),
        &tickers,
        &spans,
        &from,
        &to,
        &complete,
        &days,
        &column(|row| row.figures.twr),
        &maybe(|row| row.figures.money_weighted.as_ref().ok().copied()) as &[Option<f64>],
        &column(|row| row.figures.market),
        &column(|row| row.figures.excess.unwrap_or_default()),
        &maybe(|row| row.figures.volatility) as &[Option<f64>],
        &column(|row| row.figures.drawdown),
        &risks as &[Option<i16>],
        &column(|row| row.figures.invested),
        &column(|row| row.standing.score),
        &column(|row| row.standing.lower_bound),
        &reasons
    )
    .execute(tx)
    .await?;
    Ok(())
}

fn reasons(row: &Row) -> String {
    match &row.standing.eligible {
        Ok(()) => String::new(),
        Err(reasons) => reasons.iter().map(|reason| reason.as_str()).collect::<Vec<_>>().join(" "),
    }
}

async fn put_holdings(tx: &mut PgConnection, user: UserId, computed: &Computed) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM holdings WHERE user_id = $1", user.get()).execute(&mut *tx).await?;
    let held = present(&computed.record, &computed.later);
    let tickers: Vec<i32> = held.iter().map(|one| one.ticker.get()).collect();
    let quantities: Vec<Decimal> = held.iter().map(|one| one.quantity).collect();
    let costs: Vec<Decimal> = held.iter().map(|one| one.average_cost).collect();
    let unrealised: Vec<Option<Decimal>> = held.iter().map(|one| one.unrealised).collect();
    let weights: Vec<f64> = held.iter().map(|one| one.weight).collect();
    let since: Vec<_> = held.iter().map(|one| one.since).collect();
    sqlx::query!(
        "INSERT INTO holdings (user_id, ticker_id, quantity, average_cost, unrealised, weight, since)
         SELECT $1, t, q, c, u, w, s FROM unnest($2::integer[], $3::numeric[], $4::numeric[], $5::numeric[],
             $6::float8[], $7::date[]) AS h (t, q, c, u, w, s)",
        user.get(),
        &tickers,
        &quantities,
        &costs,
        &unrealised as &[Option<Decimal>],
        &weights,
        &since
    )
    .execute(tx)
    .await?;
    Ok(())
}
