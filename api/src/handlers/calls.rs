//! What people said of where prices go, and what came of it; words against deeds; whom to follow.

use actix_web::{HttpRequest, HttpResponse, http::header};
use madang_core::{
    ids::{PostId, UserId},
    standing::Standing,
    tickers::Catalogue,
    users::Profile,
};
use madang_creators::{
    call_book,
    calls::{self, Call as StanceCall, Horizon, Interval, Language, Outcome},
    contradictions, disclosed_trades, disclosure,
    suggest::{Place, Reason, ReasonKind, Suggestion},
    suggestions,
};
use madang_feed::cursor::{List, Scope};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    PageQuery, account::send, one_more, page_limit, people::user_json, post_id, reports::below,
    visible_person,
};
use crate::{call::Call, problem::Problem};

/// Suggestions in one list at most.
const MAX_SUGGESTIONS: usize = 20;

async fn of(call: &Call, person: &Profile) -> Result<Vec<StanceCall>, Problem> {
    let market = call.app.markets.held_or_now().await?;
    Ok(call_book::of(&call.app.pool, &market, person.id).await?)
}

fn interval_json(interval: Interval) -> Value {
    json!({"low": interval.low, "high": interval.high})
}

fn horizon_json(all: &[StanceCall], author: UserId, horizon: Horizon) -> Value {
    let scores = calls::scores(all);
    let score = scores.get(&(author, horizon));
    let points: Vec<Value> = calls::calibration(all, horizon)
        .into_iter()
        .map(|point| {
            json!({"predicted": point.predicted, "observed": point.observed, "count": point.count,
                   "interval": interval_json(point.interval)})
        })
        .collect();
    json!({
        "days": horizon.days(), "right": score.map_or(0, |score| score.right),
        "total": score.map_or(0, |score| score.total), "independent": score.map_or(0, |score| score.independent),
        "pending": score.map_or(0, |score| score.pending), "no_price": score.map_or(0, |score| score.no_price),
        "interval": score.map(|score| interval_json(score.interval)),
        "mean_excess": score.and_then(|score| score.mean_excess), "calibration": points})
}

fn call_json(one: &StanceCall, catalogue: &Catalogue) -> Value {
    let outcomes: Vec<Value> = Horizon::ALL
        .into_iter()
        .map(|horizon| match horizon.of(one) {
            Outcome::Pending => {
                json!({"days": horizon.days(), "state": "pending", "right": null, "excess": null})
            }
            Outcome::NoPrice => {
                json!({"days": horizon.days(), "state": "no_price", "right": null, "excess": null})
            }
            Outcome::Known { right, excess, .. } => {
                json!({"days": horizon.days(), "state": "known", "right": right, "excess": excess})
            }
        })
        .collect();
    json!({
        "post_id": one.post, "ticker": catalogue.get(one.ticker).map(|ticker| ticker.symbol.clone()),
        "stance": one.stance.as_str(), "posted_at": one.posted, "deleted": one.deleted,
        "entry_day": one.entry.map(|entry| entry.day), "outcomes": outcomes})
}

/// `GET /v1/users/{handle}/calls`
pub(crate) async fn ledger(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let limit = query.limit()?;
    let person = visible_person(&call, &req).await?;
    let viewer = call.viewer().map_or(0, |who| who.user.get());
    let scope = Scope { list: List::Calls, subject: person.id.get(), viewer };
    let below = below(&call, &scope, query.cursor.as_deref())?;
    let all = of(&call, &person).await?;
    let catalogue = call.app.feed.catalogue().await?;
    let horizons: Vec<Value> =
        Horizon::ALL.into_iter().map(|horizon| horizon_json(&all, person.id, horizon)).collect();
    let older: Vec<&StanceCall> = all.iter().rev().filter(|one| one.post.get() < below).collect();
    // A post on two tickers makes two calls: they stay on one page.
    let last = older.get(limit.saturating_sub(1)).map(|one| one.post);
    let shown: Vec<Value> = older
        .iter()
        .take_while(|one| last.is_none_or(|last| one.post >= last))
        .map(|one| call_json(one, &catalogue))
        .collect();
    let next = last.filter(|_| older.len() > shown.len());
    let next = next.map(|last| call.app.feed.seal_cursor(&scope, [last.get()]));
    Ok(send(&json!({"horizons": horizons, "items": shown, "next_cursor": next})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlotQuery {
    days: Option<u32>,
    language: Option<String>,
}

/// `GET /v1/users/{handle}/calls/calibration.svg`
pub(crate) async fn calibration(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let query: PlotQuery = call.query()?;
    let days = query.days.unwrap_or(5);
    let horizon = Horizon::ALL.into_iter().find(|horizon| horizon.days() == days);
    let horizon = horizon.ok_or_else(|| Problem::field("days", "must be 1, 5 or 20"))?;
    let language = match query.language.as_deref() {
        None | Some("ko") => Language::Ko,
        Some("en") => Language::En,
        Some(_) => return Err(Problem::field("language", "must be ko or en")),
    };
    let person = visible_person(&call, &req).await?;
    let all = of(&call, &person).await?;
    let svg = calls::plot(&calls::calibration(&all, horizon), horizon, language, &person.id.to_string());
    Ok(HttpResponse::Ok()
        .content_type("image/svg+xml")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(svg))
}

/// `GET /v1/posts/{id}/contradictions`
pub(crate) async fn contradicted(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let id: PostId = post_id(&req)?;
    let look = call.app.feed.look(call.viewer()).await?;
    // Who may not see the post is not told about it.
    call.app.feed.post(&look, id, call.now).await?.ok_or_else(|| Problem::not_found("post"))?;
    let told = contradictions::of_post(&call.app.pool, id).await?;
    Ok(send(&json!({"items": told})))
}

/// `GET /v1/users/{handle}/trades`
pub(crate) async fn trades(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let limit = query.limit()?;
    let person = visible_person(&call, &req).await?;
    let viewer = call.viewer().map_or(0, |who| who.user.get());
    let scope = Scope { list: List::Trades, subject: person.id.get(), viewer };
    let below = below(&call, &scope, query.cursor.as_deref())?;
    let market = call.app.markets.held_or_now().await?;
    let catalogue = call.app.feed.catalogue().await?;
    let consent = disclosure::in_force(&call.app.pool, person.id).await?;
    let shows = |shown: &disclosure::Shown| shown.trade_delay.is_some();
    let any = consent.whole.iter().chain(consent.tickers.iter().map(|(_, shown)| shown)).any(shows);
    if !any || person.standing.at(call.now) != Standing::Good {
        return Err(Problem::not_disclosed("this person shows no trades"));
    }
    let with = (&consent, &*market);
    let mut trades =
        disclosed_trades::of(&call.app.pool, person.id, with, (below, one_more(limit)), call.now).await?;
    let more = trades.len() > limit;
    trades.truncate(limit);
    let next = trades.last().filter(|_| more).map(|last| call.app.feed.seal_cursor(&scope, [last.id]));
    let items: Vec<Value> = trades
        .iter()
        .map(|trade| {
            let ticker = catalogue.get(trade.ticker).map(|ticker| ticker.symbol.clone());
            json!({"ticker": ticker, "side": trade.side, "day": trade.day, "price": trade.price,
                   "quantity": trade.quantity})
        })
        .collect();
    Ok(send(&json!({"items": items, "next_cursor": next})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Size {
    limit: Option<usize>,
}

/// `GET /v1/suggestions/creators`
pub(crate) async fn suggested(call: Call) -> Result<HttpResponse, Problem> {
    let query: Size = call.query()?;
    let limit = page_limit(query.limit.or(Some(10)))?;
    if limit > MAX_SUGGESTIONS {
        return Err(Problem::field("limit", format!("must be from 1 to {MAX_SUGGESTIONS}")));
    }
    let reader = call.who()?.user;
    let chosen = suggestions::show(&call.app.pool, reader, limit, (call.now, rand::random())).await?;
    let catalogue = call.app.feed.catalogue().await?;
    let ids: Vec<i64> = chosen.iter().map(|one| one.user.get()).collect();
    let people = madang_core::users::by_ids(&call.app.pool, &ids).await?;
    let items: Vec<Value> = chosen
        .iter()
        .filter_map(|one| {
            let person = people.iter().find(|person| person.id == one.user)?;
            Some(suggestion_json(one, person, &catalogue))
        })
        .collect();
    Ok(send(&json!({"items": items})))
}

fn suggestion_json(one: &Suggestion, person: &Profile, catalogue: &Catalogue) -> Value {
    let place = match one.place {
        Place::Relevance => "relevance",
        Place::Owed => "newcomer",
        Place::Sampled => "exploration",
    };
    let reasons: Vec<Value> = one.reasons.iter().map(|reason| reason_json(reason, catalogue)).collect();
    json!({"user": user_json(person), "place": place, "reasons": reasons})
}

fn reason_json(reason: &Reason, catalogue: &Catalogue) -> Value {
    let tickers: Vec<_> = reason.tickers.iter().filter_map(|id| catalogue.get(*id)).collect();
    let first = tickers.first();
    let ko = first.map_or("", |ticker| ticker.name_ko.as_deref().unwrap_or(&ticker.name));
    let en = first.map_or("", |ticker| ticker.name.as_str());
    let (count, others) = (reason.count, reason.count.saturating_sub(1));
    let (more_ko, more_en) = match others {
        0 => (String::new(), String::new()),
        _ => (format!(" 외 {others}종목"), format!(" and {others} more")),
    };
    let (ko, en) = match reason.kind {
        ReasonKind::SharedHoldings => {
            (format!("나와 같은 종목을 보유: {ko}{more_ko}"), format!("Holds what you hold: {en}{more_en}"))
        }
        ReasonKind::SharedWatched => {
            (format!("관심 종목을 다룸: {ko}{more_ko}"), format!("About what you watch: {en}{more_en}"))
        }
        ReasonKind::LowerBound => (
            "시장보다 나은 수익률이 원장으로 확인됨".to_owned(),
            "Did better than the market, verified from the ledger".to_owned(),
        ),
        ReasonKind::FollowedByFollows => {
            (format!("내가 팔로우하는 {count}명이 팔로우"), format!("Followed by {count} people you follow"))
        }
        ReasonKind::New => ("새로운 크리에이터".to_owned(), "A new creator".to_owned()),
    };
    let symbols: Vec<&str> = tickers.iter().map(|ticker| ticker.symbol.as_str()).collect();
    json!({"kind": reason.kind.as_str(), "tickers": symbols, "count": count, "text": {"ko": ko, "en": en}})
}
