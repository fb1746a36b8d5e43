//! Profit cards: made, shown, verified.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, http::header, web};
use chrono::NaiveDate;
use madang_core::{changes, ids::CardId, users, visibility::Onlooker};
use madang_creators::{
    cards::{self, Choice, Language},
    profit_cards::{self, Kept, Refused, Request, State},
    records::{self, NoRecord},
    returns::Window,
};
use madang_feed::cursor::{List, Scope};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{PageQuery, account::send, creators::named, one_more, reports::below, text_segment};
use crate::{
    call::{Body, Call, Done, Effects, json as send_json},
    problem::Problem,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCard {
    kind: String,
    ticker: Option<String>,
    opened: Option<NaiveDate>,
    window: Option<String>,
}

async fn parse(call: &Call, input: NewCard) -> Result<Request, Problem> {
    let ticker = match &input.ticker {
        None => None,
        Some(name) => Some(named(call, name).await?),
    };
    match (input.kind.as_str(), ticker, input.window, input.opened) {
        ("position", Some(ticker), None, opened) => Ok(Request::Position { ticker, opened }),
        ("position", None, ..) => Err(Problem::field("ticker", "a position is one of a ticker: name it")),
        ("position", ..) => Err(Problem::field("window", "a position has no window; leave it out")),
        ("window", ticker, Some(window), None) => {
            let window = Window::parse(&window.to_ascii_uppercase())
                .ok_or_else(|| Problem::field("window", "must be 1W, 1M, 3M, 6M, 1Y, YTD or ALL"))?;
            Ok(Request::Window { ticker, window })
        }
        ("window", _, None, _) => Err(Problem::field("window", "must be 1W, 1M, 3M, 6M, 1Y, YTD or ALL")),
        ("window", ..) => Err(Problem::field("opened", "a window has no opening day; leave it out")),
        _ => Err(Problem::field("kind", "must be position or window")),
    }
}

fn refused(why: Refused) -> Problem {
    match why {
        Refused::NotDisclosed => Problem::conflict(
            "not_disclosed",
            "a card shows the whole account's return beside its own: agree to show that first with PUT \
             /v1/me/disclosure, and for a card of a ticker with holdings, or that ticker too",
        ),
        Refused::NothingToShow => Problem::field("ticker", "your ledger has no such position or window"),
        Refused::Facts(error) => Problem::field("ticker", error.to_string()),
        Refused::Record(error) => no_record(error),
    }
}

pub(super) fn no_record(error: NoRecord) -> Problem {
    match error {
        NoRecord::Database(error) => error.into(),
        error @ NoRecord::Unreplayable { .. } => Problem::internal(error),
    }
}

/// `POST /v1/me/cards`
pub(crate) async fn make(call: Call, body: Body) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let request = parse(&call, body.parse()?).await?;
    let market = call.app.markets.now().await?;
    let catalogue = call.app.feed.catalogue().await?;
    let author = users::by_ids(&call.app.pool, &[who.user.get()]).await?.into_iter().next();
    let author = author.ok_or_else(|| Problem::unauthorized("this account is gone"))?;
    call.write(body.bytes(), async |tx| {
        let with = (&*market, &*catalogue, &call.app.card_key);
        let by = (who.user, author.handle.as_str(), author.name.as_str());
        let made = profit_cards::make(tx, with, by, request, call.now).await.map_err(refused)?;
        let changed = !made.changes.is_empty();
        if changed {
            changes::record(tx, &made.changes).await?;
        }
        let effects = Effects { changed, ..Effects::default() };
        Ok(Done::json(StatusCode::CREATED, made.body.to_string(), effects))
    })
    .await
}

/// `GET /v1/me/cards`
pub(crate) async fn mine(call: Call) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let limit = query.limit()?;
    let user = call.who()?.user;
    let scope = Scope { list: List::Cards, subject: 0, viewer: user.get() };
    let below = below(&call, &scope, query.cursor.as_deref())?;
    let mut cards = profit_cards::list(&call.app.pool, user, below, one_more(limit)).await?;
    let more = cards.len() > limit;
    cards.truncate(limit);
    let next = cards.last().filter(|_| more).map(|(id, _)| call.app.feed.seal_cursor(&scope, [*id]));
    let items: Vec<Value> = cards.into_iter().map(|(_, body)| body).collect();
    Ok(send(&json!({"items": items, "next_cursor": next})))
}

/// `GET /v1/me/positions`
pub(crate) async fn positions(call: Call) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let limit = query.limit()?;
    let user = call.who()?.user;
    let scope = Scope { list: List::Positions, subject: 0, viewer: user.get() };
    let skipped = match query.cursor.as_deref() {
        None => 0,
        Some(cursor) => usize::try_from(call.app.feed.open_cursor::<1>(&scope, cursor)?[0]).unwrap_or(0),
    };
    let market = call.app.markets.held_or_now().await?;
    let catalogue = call.app.feed.catalogue().await?;
    let mut conn = call.app.pool.acquire().await?;
    let computed =
        records::compute(&mut conn, &market, user, call.now.date_naive()).await.map_err(no_record)?;
    let all = computed.map(|computed| profit_cards::positions(&computed.record)).unwrap_or_default();
    let shown = all.iter().skip(skipped).take(limit);
    let items: Vec<Value> = shown
        .map(|one| {
            let ticker = catalogue.get(one.ticker).map(|ticker| ticker.symbol.clone());
            json!({"ticker": ticker, "opened": one.opened, "closed": one.closed, "rate": one.rate})
        })
        .collect();
    let at = i64::try_from(skipped + limit).unwrap_or(i64::MAX);
    let next = (all.len() > skipped + limit).then(|| call.app.feed.seal_cursor(&scope, [at]));
    Ok(send(&json!({"items": items, "next_cursor": next})))
}

/// The card an address names, verified again; blocked either way, it is not there.
async fn read(call: &Call, id: CardId) -> Result<(Kept, State, Choice), Problem> {
    let look = call.app.feed.look(call.viewer()).await?;
    let found = profit_cards::read(&call.app.pool, &call.app.card_key, id).await?;
    let found = found.filter(|(card, ..)| look.onlooker(card.author) != Onlooker::Blocked);
    found.ok_or_else(|| Problem::not_found("card"))
}

fn card_id(req: &HttpRequest) -> Result<CardId, Problem> {
    text_segment(req, "id").parse().map_err(|_| Problem::not_found("card"))
}

/// `GET /v1/cards/{id}`
pub(crate) async fn card(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let (card, state, choice) = read(&call, card_id(&req)?).await?;
    Ok(send(&profit_cards::json(card.id.get(), state, &card.facts, &card.seal, choice, &card.token)))
}

/// `GET /v1/cards/{id}/image.png`
pub(crate) async fn image(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let (card, state, choice) = read(&call, card_id(&req)?).await?;
    // Painting takes milliseconds of a core: few at once, and never on the threads that answer.
    let _turn = call.app.painting.acquire().await.map_err(Problem::internal)?;
    let card = Arc::new(card);
    let painted = web::block(move || match state {
        State::Valid => cards::picture(&card.facts, &card.seal, choice),
        State::Withdrawn | State::Superseded => cards::withdrawn_picture(),
    })
    .await;
    let png = painted.map_err(Problem::internal)?.map_err(Problem::internal)?;
    // A picture held by somebody else could not be taken back.
    Ok(HttpResponse::Ok()
        .content_type("image/png")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(png))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextQuery {
    language: Option<String>,
}

/// `GET /v1/cards/{id}/text`
pub(crate) async fn text(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let query: TextQuery = call.query()?;
    let language = match query.language.as_deref() {
        None | Some("ko") => Language::Korean,
        Some("en") => Language::English,
        Some(_) => return Err(Problem::field("language", "must be ko or en")),
    };
    let (card, state, choice) = read(&call, card_id(&req)?).await?;
    let words = match state {
        State::Valid => cards::describe(&card.facts, &card.seal, choice, language),
        State::Withdrawn | State::Superseded => profit_cards::words(state, language).to_owned(),
    };
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(words))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    token: String,
}

/// `POST /v1/cards/verify`
pub(crate) async fn verify(call: Call, body: Body) -> Result<HttpResponse, Problem> {
    let input: Token = body.parse()?;
    let unknown = || json!({"genuine": false, "card": null}).to_string();
    let Ok((facts, _)) = cards::decode(&input.token, &call.app.card_key) else {
        return Ok(send_json(unknown()));
    };
    match read(&call, facts.card).await {
        Ok((card, state, choice)) if card.token == input.token => {
            let shown =
                profit_cards::json(card.id.get(), state, &card.facts, &card.seal, choice, &card.token);
            Ok(send(&json!({"genuine": true, "card": shown})))
        }
        Ok(_) => Ok(send_json(unknown())),
        Err(problem) if problem.is_not_found() => Ok(send_json(unknown())),
        Err(problem) => Err(problem),
    }
}
