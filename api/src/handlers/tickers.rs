//! Instruments, their prices, and the watchlist.

use actix_web::{HttpRequest, HttpResponse};
use chrono::{Datelike, NaiveDate};
use madang_core::{
    relations::{self, Listed},
    tickers::{self, Ticker},
};
use madang_feed::cursor::{List, Scope};
use serde_json::json;

use super::{PageQuery, account::send, ticker};
use crate::{
    call::{Call, Done, Effects},
    problem::Problem,
};

/// A ticker as it is shown.
pub(crate) fn ticker_json(ticker: &Ticker) -> serde_json::Value {
    json!({"symbol": ticker.symbol, "name": ticker.name, "name_ko": ticker.name_ko, "sector": ticker.sector,
           "currency": ticker.currency, "time_zone": ticker.time_zone, "status": ticker.status.as_str(),
           "last_close": ticker.last_close.map(|(day, close)| json!({"day": day, "close": close}))})
}

/// `GET /v1/tickers`
pub(crate) async fn list(call: Call) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let limit = query.limit()?;
    let scope = Scope { list: List::Tickers, subject: 0, viewer: 0 };
    call.app.feed.catch_up().await?;
    let catalogue = call.app.feed.catalogue().await?;
    let place = match query.cursor.as_deref() {
        None => 0,
        Some(cursor) => usize::try_from(call.app.feed.open_cursor::<1>(&scope, cursor)?[0]).unwrap_or(0),
    };
    let items: Vec<_> = catalogue.all().skip(place).take(limit).map(|ticker| ticker_json(ticker)).collect();
    let at = i64::try_from(place + limit).unwrap_or(i64::MAX);
    let more = catalogue.all().nth(place + limit).is_some();
    let next = more.then(|| call.app.feed.seal_cursor(&scope, [at]));
    Ok(send(&json!({"items": items, "next_cursor": next})))
}

/// `GET /v1/tickers/{symbol}`
pub(crate) async fn read(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let ticker = ticker(&call, &req).await?;
    let watchers = tickers::watcher_count(&call.app.pool, ticker.id).await?;
    let watching = match call.viewer() {
        None => json!(null),
        Some(who) => json!(relations::watched(&call.app.pool, who.user).await?.contains(&ticker.id)),
    };
    let mut body = ticker_json(&ticker);
    if let Some(object) = body.as_object_mut() {
        object.insert("watchers".into(), json!(watchers));
        object.insert("watching".into(), watching);
    }
    Ok(send(&body))
}

/// `GET /v1/tickers/{symbol}/prices`
pub(crate) async fn prices(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let limit = query.limit()?;
    let ticker = ticker(&call, &req).await?;
    let scope = Scope { list: List::Prices, subject: i64::from(ticker.id.get()), viewer: 0 };
    let before = match query.cursor.as_deref() {
        None => None,
        Some(cursor) => {
            let [day] = call.app.feed.open_cursor(&scope, cursor)?;
            i32::try_from(day).ok().and_then(NaiveDate::from_num_days_from_ce_opt)
        }
    };
    let count = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let mut days = tickers::prices_before(&call.app.pool, ticker.id, before, count).await?;
    let more = days.len() > limit;
    days.truncate(limit);
    let last = days.last().filter(|_| more).map(|price| i64::from(price.day.num_days_from_ce()));
    let next = last.map(|day| call.app.feed.seal_cursor(&scope, [day]));
    Ok(send(&json!({"items": days, "next_cursor": next})))
}

/// `PUT /v1/tickers/{symbol}/watch`
pub(crate) async fn watch(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    set_watch(&call, &req, true).await
}

/// `DELETE /v1/tickers/{symbol}/watch`
pub(crate) async fn unwatch(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    set_watch(&call, &req, false).await
}

async fn set_watch(call: &Call, req: &HttpRequest, on: bool) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let ticker = ticker(call, req).await?;
    call.write(b"", async |tx| match relations::set_watch(tx, who.user, ticker.id, on).await? {
        Listed::Full => Err(Problem::conflict("list_full", "you watch 5000 tickers; remove some first")),
        Listed::Changed | Listed::Already => {
            Ok(Done::empty(Effects { changed: false, viewers: vec![who.user], relations: false }))
        }
    })
    .await
}

/// `GET /v1/me/watchlist`
pub(crate) async fn watchlist(call: Call) -> Result<HttpResponse, Problem> {
    call.app.feed.catch_up().await?;
    let catalogue = call.app.feed.catalogue().await?;
    let ids = relations::watched(&call.app.pool, call.who()?.user).await?;
    let items: Vec<_> =
        ids.iter().filter_map(|id| catalogue.get(*id)).map(|ticker| ticker_json(ticker)).collect();
    Ok(send(&json!({"items": items})))
}
