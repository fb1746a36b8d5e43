//! Lists of posts.

use actix_web::{HttpRequest, HttpResponse};
use madang_feed::{home::Order, listings::Listing, pages::Page};
use serde::Deserialize;
use serde_json::json;

use super::{PageQuery, account::send, page_limit, post_id, ticker, visible_person};
use crate::{
    call::{Call, json},
    problem::Problem,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderedQuery {
    order: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

impl OrderedQuery {
    fn order(&self) -> Result<Order, Problem> {
        match self.order.as_deref() {
            None | Some("top") => Ok(Order::Top),
            Some("latest") => Ok(Order::Latest),
            Some(_) => Err(Problem::field("order", "must be top or latest")),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitQuery {
    limit: Option<usize>,
}

/// `GET /v1/timeline`
pub(crate) async fn home(call: Call) -> Result<HttpResponse, Problem> {
    let query: OrderedQuery = call.query()?;
    let (order, limit) = (query.order()?, page_limit(query.limit)?);
    let page = call.app.feed.home(call.who()?, order, query.cursor.as_deref(), limit, call.now).await?;
    Ok(shown(&call, page))
}

/// `GET /v1/tickers/{symbol}/posts`
pub(crate) async fn board(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let query: OrderedQuery = call.query()?;
    let (order, limit) = (query.order()?, page_limit(query.limit)?);
    let ticker = ticker(&call, &req).await?;
    let cursor = query.cursor.as_deref();
    let page = call.app.feed.board(call.viewer(), ticker.id, order, cursor, limit, call.now).await?;
    Ok(shown(&call, page))
}

/// Sends a page and counts whom it was shown to.
fn shown(call: &Call, page: Page) -> HttpResponse {
    if let Some(who) = call.viewer() {
        call.app.views.note(who.user, page.shown, call.now);
    }
    json(page.body)
}

async fn listed(call: &Call, list: Listing) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let limit = query.limit()?;
    let page = call.app.feed.listed(call.viewer(), list, query.cursor.as_deref(), limit, call.now).await?;
    Ok(shown(call, page))
}

/// `GET /v1/users/{handle}/posts`
pub(crate) async fn author(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let person = visible_person(&call, &req).await?;
    listed(&call, Listing::Author(person.id)).await
}

/// `GET /v1/posts/{id}/replies`
pub(crate) async fn replies(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let id = post_id(&req)?;
    let look = call.app.feed.look(call.viewer()).await?;
    if call.app.feed.post(&look, id, call.now).await?.is_none() {
        return Err(Problem::not_found("post"));
    }
    listed(&call, Listing::Replies(id)).await
}

/// `GET /v1/watchlist/posts`
pub(crate) async fn watchlist(call: Call) -> Result<HttpResponse, Problem> {
    listed(&call, Listing::Watchlist).await
}

/// `GET /v1/me/bookmarks`
pub(crate) async fn bookmarks(call: Call) -> Result<HttpResponse, Problem> {
    listed(&call, Listing::Bookmarks).await
}

/// `GET /v1/trending/posts`
pub(crate) async fn trending_posts(call: Call) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let limit = query.limit()?;
    let page = call.app.feed.trending_posts(call.viewer(), query.cursor.as_deref(), limit, call.now).await?;
    Ok(shown(&call, page))
}

/// `GET /v1/trending/tickers`
pub(crate) async fn trending_tickers(call: Call) -> Result<HttpResponse, Problem> {
    let query: LimitQuery = call.query()?;
    let limit = page_limit(query.limit)?;
    let trends = call.app.feed.trending_tickers(limit, call.now).await?;
    let items: Vec<serde_json::Value> = trends
        .iter()
        .map(|trend| {
            json!({"ticker": super::tickers::ticker_json(&trend.ticker), "authors": trend.authors,
                   "normal": round(trend.normal), "surprise": round(trend.surprise)})
        })
        .collect();
    Ok(send(&json!({"items": items, "next_cursor": null})))
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
