//! What the broker's systems report: trades, prices, exchange rates.

use actix_web::{HttpResponse, http::StatusCode};
use chrono::NaiveDate;
use madang_core::db;
use madang_creators::{
    feeds,
    ledger::{self, Batch, MAX_ROWS, RawRow, Refusal, Status, intake::Names},
};
use madang_feed::cursor::{List, Scope};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{PageQuery, one_more, page, reports::below};
use crate::{
    call::{BatchBody, Call, Done, Effects},
    problem::Problem,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TradeBatch {
    // As they came: what one row says is refused with that row alone, and its digits are not rounded.
    trades: Vec<Box<RawValue>>,
}

fn at_most(count: usize, field: &str) -> Result<(), Problem> {
    match count {
        0 => Err(Problem::field(field, "must have at least one row")),
        _ if count > MAX_ROWS => {
            Err(Problem::field(field, format!("has {count} rows, at most {MAX_ROWS} go at once")))
        }
        _ => Ok(()),
    }
}

/// `POST /v1/ledger/trades`
pub(crate) async fn trades(call: Call, BatchBody(body): BatchBody) -> Result<HttpResponse, Problem> {
    let input: TradeBatch = body.parse()?;
    at_most(input.trades.len(), "trades")?;
    call.app.feed.catch_up().await?;
    let catalogue = call.app.feed.catalogue().await?;
    let source = call.who()?.user.to_string();
    call.write(body.bytes(), async |tx| {
        let rows = input.trades.iter().map(|sent| read(sent.get())).collect();
        let batch = Batch { rows, names: Names::HandlesFirst, source: &source, now: call.now };
        let results = ledger::take(tx, &catalogue, batch).await.map_err(taken_twice)?;
        let count = |status| results.iter().filter(|result| result.status == status).count();
        let answer = json!({
            "accepted": count(Status::Accepted), "duplicates": count(Status::Duplicate),
            "refused": count(Status::Refused), "results": results});
        Ok(Done::json(StatusCode::OK, answer.to_string(), Effects::default()))
    })
    .await
}

fn read(sent: &str) -> Result<RawRow, (Value, Refusal)> {
    RawRow::from_json(sent).map_err(|refusal| {
        let value = serde_json::from_str(sent).unwrap_or_else(|_| Value::String(sent.to_owned()));
        (value, refusal)
    })
}

fn taken_twice(error: sqlx::Error) -> Problem {
    match db::violated(&error) {
        Some("ledger_entries_trade_unique") => Problem::conflict(
            "batch_in_flight",
            "another batch with one of these trade ids was taken in at the same moment; send this one again",
        ),
        _ => error.into(),
    }
}

/// `GET /v1/ledger/refusals`
pub(crate) async fn refusals(call: Call) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let limit = query.limit()?;
    let scope = Scope { list: List::LedgerRefusals, subject: 0, viewer: call.who()?.user.get() };
    let below = below(&call, &scope, query.cursor.as_deref())?;
    let rows = ledger::refusals::list(&call.app.pool, below, one_more(limit)).await?;
    Ok(page(rows, limit, |last| call.app.feed.seal_cursor(&scope, [last.id])))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceBatch {
    prices: Vec<PriceRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceRow {
    symbol: String,
    day: NaiveDate,
    open: Decimal,
    high: Decimal,
    low: Decimal,
    close: Decimal,
    #[serde(default)]
    adj_close: Option<Decimal>,
    #[serde(default)]
    volume: i64,
    #[serde(default)]
    raw: bool,
}

/// `POST /v1/ledger/prices`
pub(crate) async fn prices(call: Call, BatchBody(body): BatchBody) -> Result<HttpResponse, Problem> {
    let input: PriceBatch = body.parse()?;
    at_most(input.prices.len(), "prices")?;
    call.app.feed.catch_up().await?;
    let catalogue = call.app.feed.catalogue().await?;
    let mut rows = Vec::with_capacity(input.prices.len());
    for (place, row) in input.prices.into_iter().enumerate() {
        let field = |name: &str| format!("prices[{place}].{name}");
        let ticker = catalogue
            .find(&row.symbol)
            .ok_or_else(|| Problem::field(&field("symbol"), "is not listed; write market:code"))?;
        let price = feeds::DayPrice {
            ticker: catalogue.current(ticker.id),
            day: row.day,
            values: [row.open, row.high, row.low, row.close, row.adj_close.unwrap_or(row.close)],
            volume: row.volume,
            raw: row.raw,
        };
        price.check(call.now).map_err(|(name, why)| Problem::field(&field(name), why))?;
        rows.push(price);
    }
    call.write(body.bytes(), async |tx| {
        let new = feeds::add_prices(tx, &rows, call.now).await?;
        let answer = json!({"new": new, "already_here": rows.len() as u64 - new}).to_string();
        Ok(Done::json(StatusCode::OK, answer, Effects { changed: new > 0, ..Effects::default() }))
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateBatch {
    rates: Vec<RateRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateRow {
    currency: String,
    day: NaiveDate,
    won: Decimal,
}

/// `POST /v1/ledger/rates`
pub(crate) async fn rates(call: Call, BatchBody(body): BatchBody) -> Result<HttpResponse, Problem> {
    let input: RateBatch = body.parse()?;
    at_most(input.rates.len(), "rates")?;
    let mut rows = Vec::with_capacity(input.rates.len());
    for (place, row) in input.rates.into_iter().enumerate() {
        let field = |name: &str| format!("rates[{place}].{name}");
        let rate = feeds::Rate::parse(&row.currency, row.day, row.won, call.now);
        rows.push(rate.map_err(|(name, why)| Problem::field(&field(name), why))?);
    }
    call.write(body.bytes(), async |tx| {
        let new = feeds::add_rates(tx, &rows).await?;
        let answer = json!({"new": new, "already_here": rows.len() as u64 - new}).to_string();
        Ok(Done::json(StatusCode::OK, answer, Effects::default()))
    })
    .await
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_digit_by_digit_and_spoils_no_other() {
        let text = r#"{"trades": [{"quantity": 1.000000000000000000000000000001}, {"user": "\ud800"}, 7, {"price": 1}]}"#;
        let mut reader = serde_json::Deserializer::from_slice(text.as_bytes());
        let batch: TradeBatch = serde_path_to_error::deserialize(&mut reader).unwrap();
        let rows: Vec<_> = batch.trades.iter().map(|sent| read(sent.get())).collect();
        assert_eq!(rows[0].as_ref().unwrap().get("quantity"), Some("1.000000000000000000000000000001"));
        assert_eq!(rows[1].as_ref().unwrap_err().1.field, "user");
        assert_eq!(rows[2].as_ref().unwrap_err().0, json!(7));
        assert_eq!(rows[3].as_ref().unwrap().get("price"), Some("1"));
    }
}
