//! Search, and what the search box suggests while somebody types.

mod parse;
mod people;
mod posts;
mod tickers;

use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use madang_core::ids::UserId;
use madang_feed::cursor::{List, Scope};
use madang_search::SearchError;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{account::send, page_limit, people::user_json};
use crate::{
    call::{Call, json as send_json},
    names::Names,
    problem::Problem,
};
use parse::{Kind, SearchQuery};

/// Instruments and people shown above posts where all are asked for.
const ABOVE: usize = 5;
/// Suggestions unless asked otherwise.
const SUGGESTIONS: usize = 8;
/// How long a suggestion waits for people: somebody is typing.
const TYPING: Duration = Duration::from_millis(300);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SuggestQuery {
    q: Option<String>,
    limit: Option<usize>,
}

/// `GET /v1/search`
pub(crate) async fn search(call: Call) -> Result<HttpResponse, Problem> {
    let query: SearchQuery = call.query()?;
    let (kind, limit) = (query.kind()?, page_limit(query.limit)?);
    let cursor = query.cursor.as_deref();
    if kind == Kind::All && cursor.is_some() {
        return Err(Problem::field("cursor", "goes with type=posts, users or tickers, where it came from"));
    }
    let search = parse::parse(&call, &query, kind).await?;
    let began = Instant::now();
    let answer = match kind {
        Kind::Posts => send_json(posts::page(&call, &search, cursor, limit).await?),
        Kind::Users => send(&people::page(&call, &search, cursor, limit).await?),
        Kind::Tickers => send(&tickers::page(&call, &search, cursor, limit)?),
        Kind::All => {
            let above = ABOVE.min(limit);
            let tickers = tickers::page(&call, &search, None, above)?;
            let people = people::page(&call, &search, None, above);
            let (users, posts) = tokio::try_join!(people, posts::page(&call, &search, None, limit))?;
            send_json(format!(r#"{{"tickers":{tickers},"users":{users},"posts":{posts}}}"#))
        }
    };
    metrics::histogram!("madang_search_seconds").record(began.elapsed().as_secs_f64());
    Ok(answer)
}

/// `GET /v1/search/suggest`
pub(crate) async fn suggest(call: Call) -> Result<HttpResponse, Problem> {
    let query: SuggestQuery = call.query()?;
    let limit = match query.limit {
        None => SUGGESTIONS,
        Some(limit) => page_limit(Some(limit))?,
    };
    let raw = parse::text(query.q.as_deref())?;
    call.app.feed.catch_up().await?;
    let names = call.app.names().await?;
    let hits = names.tickers.find(&raw, limit);
    let mut items: Vec<Value> =
        hits.iter().filter_map(|hit| tickers::item(&names, hit)).map(tag("ticker")).collect();
    if items.len() < limit {
        let found = suggested_people(&call, &names, &raw, limit * 2).await;
        let people = people::visible(&call, &found, false).await?;
        items.extend(people.iter().take(limit - items.len()).map(user_json).map(tag("user")));
    }
    Ok(send(&json!({"items": items, "next_cursor": null})))
}

/// Instruments are known without the index: a box that suggests fewer is better than one that fails or hangs.
async fn suggested_people(call: &Call, names: &Names, raw: &str, limit: usize) -> Vec<UserId> {
    let found = people::find(call, names, raw, (false, limit));
    match tokio::time::timeout(TYPING, found).await {
        Ok(Ok((found, _))) => return found,
        Ok(Err(error)) => note(&error),
        Err(_) => note(&SearchError::Away("no people to suggest in time".into())),
    }
    Vec::new()
}

fn tag(kind: &'static str) -> impl Fn(Value) -> Value {
    move |mut item| {
        if let Some(object) = item.as_object_mut() {
            object.insert("type".into(), json!(kind));
        }
        item
    }
}

/// A list of what this viewer finds.
fn scope(call: &Call, list: List, subject: i64) -> Scope {
    Scope { list, subject, viewer: call.viewer().map_or(0, |who| who.user.get()) }
}

/// Counts and logs that the index did not answer; that it refused is a mistake of ours.
fn note(error: &SearchError) {
    metrics::counter!("madang_search_errors_total").increment(1);
    match error {
        SearchError::Away(_) => tracing::warn!(%error, "search did not answer"),
        SearchError::Failed(_) => tracing::error!(%error, "search refused or broke"),
    }
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        note(&error);
        Self::search_away()
    }
}
