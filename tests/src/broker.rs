//! The broker's systems: a market with prices that can be computed by hand, and the rows of what people did.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc, Weekday};
use serde_json::{Value, json};

use crate::{Answer, Api, Service};

/// Days the market is open.
pub const OPEN_DAYS: usize = 80;
/// Where rows go.
pub const TRADES: &str = "/v1/ledger/trades";
/// What everybody agrees to or not.
pub const DISCLOSURE: &str = "/v1/me/disclosure";
/// What an investor pays in on the first day; half of it is spent on a hundred AAPL.
pub const PAID_IN: i64 = 20_000;

static TRADE: AtomicU64 = AtomicU64::new(0);

/// The last weekdays before today, oldest first. Made once: a test may run past midnight.
pub fn open_days() -> Vec<NaiveDate> {
    static TODAY: std::sync::OnceLock<NaiveDate> = std::sync::OnceLock::new();
    let today = *TODAY.get_or_init(|| Utc::now().date_naive());
    let weekday = |day: &NaiveDate| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let back = (1..).map_while(|n| today.checked_sub_days(Days::new(n)));
    let mut days: Vec<NaiveDate> = back.filter(weekday).take(OPEN_DAYS).collect();
    days.reverse();
    days
}

/// What a share of AAPL costs at the close of the market's day of that place, in dollars; 100 on the first.
pub fn aapl(place: usize) -> i64 {
    let place = i64::try_from(place).unwrap_or_default();
    100 + place - place % 4
}

/// What a share of MSFT costs, which is the other half of the market.
pub fn msft(place: usize) -> i64 {
    let place = i64::try_from(place).unwrap_or_default();
    200 + place % 2
}

/// An hour at which New York's market is open, on a day.
pub fn at_work(day: NaiveDate) -> DateTime<Utc> {
    let noon = NaiveTime::from_hms_opt(16, 0, 0).unwrap_or_default();
    day.and_time(noon).and_utc()
}

/// A trade id that no other row has.
pub fn new_trade() -> String {
    format!("t-{}-{}", std::process::id(), TRADE.fetch_add(1, Ordering::Relaxed))
}

/// A row of a kind about somebody at a time; `rest` says the rest.
pub fn row(person: &Api, kind: &str, at: DateTime<Utc>, rest: &Value) -> Value {
    let mut row =
        json!({"trade_id": new_trade(), "user": person.handle, "kind": kind, "executed_at": at.to_rfc3339()});
    if let (Some(row), Some(rest)) = (row.as_object_mut(), rest.as_object()) {
        row.extend(rest.clone());
    }
    row
}

/// Shares bought or sold.
pub fn traded(
    person: &Api,
    kind: &str,
    (symbol, quantity, price): (&str, i64, i64),
    at: DateTime<Utc>,
) -> Value {
    row(person, kind, at, &json!({"symbol": symbol, "quantity": quantity, "price": price}))
}

/// Dollars paid in.
pub fn paid_in(person: &Api, dollars: i64, at: DateTime<Utc>) -> Value {
    row(person, "deposit", at, &json!({"amount": dollars, "currency": "USD"}))
}

/// A program of the broker's.
#[derive(Debug)]
pub struct Broker {
    /// How it asks.
    pub api: Api,
}

impl Broker {
    /// Logs it in and opens the market: both shares have closed on every open day.
    pub async fn open(service: &Service) -> Result<Self> {
        let broker = Self { api: service.member(&service.anonymous()?, "service").await? };
        let days = open_days();
        let closes = days
            .iter()
            .enumerate()
            .flat_map(|(place, day)| [("XNAS:AAPL", *day, aapl(place)), ("XNAS:MSFT", *day, msft(place))]);
        broker.closes(closes).await?;
        Ok(broker)
    }

    /// Reports closes.
    pub async fn closes(&self, closes: impl IntoIterator<Item = (&str, NaiveDate, i64)>) -> Result<Answer> {
        let price = |(symbol, day, close): (&str, NaiveDate, i64)| {
            let close = close.to_string();
            json!({"symbol": symbol, "day": day, "open": close, "high": close, "low": close, "close": close})
        };
        let prices: Vec<Value> = closes.into_iter().map(price).collect();
        self.api.post("/v1/ledger/prices", &json!({"prices": prices})).await?.expect(200)
    }

    /// Sends rows.
    pub async fn send(&self, rows: &[Value]) -> Result<Answer> {
        self.api.post(TRADES, &json!({"trades": rows})).await
    }

    /// Sends rows that must all be taken in.
    pub async fn take(&self, rows: &[Value]) -> Result<()> {
        let answer = self.send(rows).await?.expect(200)?;
        ensure!(answer.json["accepted"] == rows.len(), "{}", answer.text());
        Ok(())
    }

    /// Somebody with a record: [`PAID_IN`] on the first day, and half of it in a hundred AAPL at that day's close.
    pub async fn invest(&self, service: &Service, person: &Api) -> Result<()> {
        let first = *open_days().first().context("no day")?;
        let bought = traded(person, "buy", ("XNAS:AAPL", 100, aapl(0)), at_work(first));
        self.take(&[paid_in(person, PAID_IN, at_work(first)), bought]).await?;
        service.settle().await
    }

    /// The same, who also agrees to show everything but amounts.
    pub async fn disclosing(&self, service: &Service) -> Result<Api> {
        let person = service.anonymous()?.signup().await?;
        self.invest(service, &person).await?;
        agree(&person, &json!({"holdings": true, "trade_delay": 0})).await?;
        Ok(person)
    }
}

/// What the account of [`Broker::invest`] is worth at the close of the day of that place, in dollars.
pub fn worth(place: usize) -> f64 {
    let dollars = PAID_IN - 100 * aapl(0) + 100 * aapl(place);
    dollars as f64
}

/// Agrees to show returns; `scope` says what else.
pub async fn agree(person: &Api, scope: &Value) -> Result<Answer> {
    let mut body = json!({"consent_version": 1});
    if let (Some(body), Some(scope)) = (body.as_object_mut(), scope.as_object()) {
        body.extend(scope.clone());
    }
    person.send("PUT", DISCLOSURE, &[], &body).await?.expect(200)
}

/// Takes all of it back.
pub async fn take_back(person: &Api) -> Result<()> {
    person.delete(DISCLOSURE).await?.expect(204).map(drop)
}
