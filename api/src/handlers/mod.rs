//! Handlers: each parses, authorises, opens the transaction and answers; a store function holds the query.

pub(crate) mod account;
pub(crate) mod aliases;
pub(crate) mod ambassadors;
pub(crate) mod appeals;
pub(crate) mod calls;
pub(crate) mod cards;
pub(crate) mod creators;
pub(crate) mod disclosure;
pub(crate) mod feeds;
pub(crate) mod ledger;
pub(crate) mod legal;
pub(crate) mod live;
pub(crate) mod moderation;
pub(crate) mod notices;
pub(crate) mod operations;
pub(crate) mod people;
pub(crate) mod posts;
pub(crate) mod relations;
pub(crate) mod reports;
pub(crate) mod rules;
pub(crate) mod sanctions;
mod screening;
pub(crate) mod search;
pub(crate) mod settings;
pub(crate) mod stats;
pub(crate) mod tickers;
pub(crate) mod writing;

use actix_web::{HttpRequest, HttpResponse};
use madang_core::{
    handle::Handle,
    ids::{CaseId, PostId, RuleId, UserId},
    tickers::{Ticker, TickerStatus},
    users::{self, Profile},
    visibility::Onlooker,
};
use madang_feed::viewers::Look;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{call::Call, problem::Problem};

/// Items on a page unless asked otherwise.
const DEFAULT_LIMIT: usize = 20;
/// Items on a page at most.
const MAX_LIMIT: usize = 100;

/// `?limit=&cursor=`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    limit: Option<usize>,
    /// Where to go on.
    pub(crate) cursor: Option<String>,
}

impl PageQuery {
    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        page_limit(self.limit)
    }
}

/// 1 to 100, by default 20.
pub(crate) fn page_limit(limit: Option<usize>) -> Result<usize, Problem> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::field("limit", "must be from 1 to 100"))
    }
}

/// One more than asked, to know whether there are more.
pub(crate) fn one_more(limit: usize) -> i64 {
    i64::try_from(limit + 1).unwrap_or(i64::MAX)
}

/// Sends a page of at most `limit` of the items read, of which there may be one more; `cursor` says where
/// the next page goes on.
pub(crate) fn page<T: Serialize>(
    mut items: Vec<T>,
    limit: usize,
    cursor: impl FnOnce(&T) -> String,
) -> HttpResponse {
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(cursor);
    account::send(&json!({"items": items, "next_cursor": next}))
}

fn segment<'a>(req: &'a HttpRequest, name: &str) -> &'a str {
    req.match_info().get(name).unwrap_or_default()
}

/// The post an address names.
pub(crate) fn post_id(req: &HttpRequest) -> Result<PostId, Problem> {
    segment(req, "id").parse().map_err(|_| Problem::not_found("post"))
}

/// The case an address names.
pub(crate) fn case_id(req: &HttpRequest) -> Result<CaseId, Problem> {
    segment(req, "id").parse().map_err(|_| Problem::not_found("case"))
}

/// The text rule an address names.
pub(crate) fn rule_id(req: &HttpRequest) -> Result<RuleId, Problem> {
    segment(req, "id").parse().map_err(|_| Problem::not_found("rule"))
}

/// A path segment as text.
pub(crate) fn text_segment(req: &HttpRequest, name: &str) -> String {
    segment(req, name).to_owned()
}

/// The person an address names, blocked or not.
pub(crate) async fn person(call: &Call, req: &HttpRequest) -> Result<Profile, Problem> {
    let not_found = || Problem::not_found("person");
    let handle = Handle::parse(segment(req, "handle")).map_err(|_| not_found())?;
    users::by_handle(&call.app.pool, &handle).await?.ok_or_else(not_found)
}

/// The person an address names, unless either blocked the other.
pub(crate) async fn visible_person(call: &Call, req: &HttpRequest) -> Result<Profile, Problem> {
    let profile = person(call, req).await?;
    let look = call.app.feed.look(call.viewer()).await?;
    if look.onlooker(profile.id) == Onlooker::Blocked {
        return Err(Problem::not_found("person"));
    }
    Ok(profile)
}

/// Whether somebody is shown in lists of people: neither side blocked the other, and the viewer did not mute them.
pub(crate) fn sees(look: &Look, user: UserId) -> bool {
    look.onlooker(user) != Onlooker::Blocked && !look.viewer.muted.contains(&user.get())
}

/// The ticker an address names; a renamed one answers with where it lives now.
pub(crate) async fn ticker(call: &Call, req: &HttpRequest) -> Result<std::sync::Arc<Ticker>, Problem> {
    call.app.feed.catch_up().await?;
    let catalogue = call.app.feed.catalogue().await?;
    let found = catalogue.find(segment(req, "symbol")).ok_or_else(|| Problem::not_found("ticker"))?;
    if found.status == TickerStatus::Renamed
        && let Some(now) = catalogue.get(catalogue.current(found.id)).filter(|now| now.id != found.id)
    {
        let old = segment(req, "symbol");
        return Err(Problem::moved(req.uri().to_string().replacen(&encoded(req, old), &now.symbol, 1)));
    }
    Ok(found.clone())
}

/// The symbol as it stands in the address, escapes and all.
fn encoded(req: &HttpRequest, decoded: &str) -> String {
    let raw = req.uri().path().split('/').nth(3).unwrap_or(decoded);
    raw.to_owned()
}
