//! Nicknames of instruments.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use madang_core::{
    aliases::{self, Added},
    text::BadText,
    tickers::Ticker,
};
use serde_json::json;

use super::{account::send, text_segment, ticker};
use crate::{
    call::{Call, Done, Effects},
    problem::Problem,
};

/// `GET /v1/tickers/{symbol}/aliases`
pub(crate) async fn list(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let ticker = ticker(&call, &req).await?;
    let items = aliases::list(&call.app.pool, ticker.id).await?;
    Ok(send(&json!({"items": items, "next_cursor": null})))
}

fn alias(req: &HttpRequest) -> Result<String, Problem> {
    aliases::parse(&text_segment(req, "alias"))
        .map_err(|error: BadText| Problem::field("alias", error.to_string()))
}

const CHANGED: Effects = Effects { changed: true, viewers: Vec::new(), relations: false };

/// `PUT /v1/tickers/{symbol}/aliases/{alias}`
pub(crate) async fn add(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let (ticker, alias) = (ticker(&call, &req).await?, alias(&req)?);
    let catalogue = call.app.feed.catalogue().await?;
    let taken = |other: Option<&std::sync::Arc<Ticker>>| {
        let whose = other.map_or("another instrument", |other| other.symbol.as_str());
        let why = format!("already means {whose}; a name of two instruments means neither");
        Problem::conflict("alias_taken", why)
    };
    if let Some(other) = catalogue.find(&alias).filter(|other| other.id != ticker.id) {
        return Err(taken(Some(other)));
    }
    call.write(b"", async |tx| match aliases::add(tx, ticker.id, &alias).await? {
        Added::Done => {
            let body = json!({"alias": alias, "source": "operator"}).to_string();
            Ok(Done::json(StatusCode::OK, body, CHANGED))
        }
        Added::Taken(other) => Err(taken(catalogue.get(other))),
        Added::TooMany => {
            let why = format!("{} has {} nicknames, as many as it may", ticker.symbol, aliases::MAX_ALIASES);
            Err(Problem::conflict("too_many_aliases", why))
        }
    })
    .await
}

/// `DELETE /v1/tickers/{symbol}/aliases/{alias}`
pub(crate) async fn remove(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let (ticker, alias) = (ticker(&call, &req).await?, alias(&req)?);
    call.write(b"", async |tx| {
        aliases::remove(tx, ticker.id, &alias).await?;
        Ok(Done::empty(CHANGED))
    })
    .await
}
