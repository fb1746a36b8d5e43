//! Returns as people see them: leaderboards, who holds a ticker, a person's record.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use actix_web::{HttpRequest, HttpResponse};
use madang_core::{
    ids::{TickerId, UserId},
    tickers::Catalogue,
};
use madang_creators::{
    boards::{self, Board},
    disclosure::{self, InForce},
    records::{self, Shown, WindowShown},
    returns::Window,
    shareholders,
};
use madang_feed::{
    cursor::{List, Scope},
    snapshots::Frozen,
    viewers::Look,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{PageQuery, account::send, page_limit, sees, ticker, tickers::ticker_json, visible_person};
use crate::{
    call::{Call, json as send_json},
    problem::Problem,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BoardQuery {
    ticker: Option<String>,
    window: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

fn window(name: Option<&str>) -> Result<Window, Problem> {
    let Some(name) = name else { return Ok(Window::Quarter) };
    Window::parse(&name.to_ascii_uppercase())
        .ok_or_else(|| Problem::field("window", "must be 1W, 1M, 3M, 6M, 1Y, YTD or ALL"))
}

pub(super) async fn named(call: &Call, name: &str) -> Result<TickerId, Problem> {
    call.app.feed.catch_up().await?;
    let catalogue = call.app.feed.catalogue().await?;
    let found =
        catalogue.find(name).ok_or_else(|| Problem::field("ticker", "is not listed; write market:code"))?;
    Ok(catalogue.current(found.id))
}

/// A board as it is held: everybody on it in order, each ready to be sent.
pub(crate) struct HeldBoard {
    order: Vec<(i64, i64)>,
    entries: HashMap<i64, String>,
}

/// `GET /v1/leaderboard`
pub(crate) async fn leaderboard(call: Call) -> Result<HttpResponse, Problem> {
    let query: BoardQuery = call.query()?;
    let limit = page_limit(query.limit)?;
    let window = window(query.window.as_deref())?;
    // Nothing that is held is looked at before this.
    call.app.feed.catch_up().await?;
    let ticker = match &query.ticker {
        None => None,
        Some(name) => Some(named(&call, name).await?),
    };
    let board = Board { ticker, window };
    let look = call.app.feed.look(call.viewer()).await?;
    let subject = i64::from(ticker.map_or(0, TickerId::get)) * 10 + i64::from(window.code());
    let scope = Scope { list: List::Leaderboard, subject, viewer: look.id() };
    let held = held(&call, board).await?;
    let (frozen, place) = match query.cursor.as_deref() {
        Some(cursor) => {
            let (frozen, place) = call.app.feed.open_numbers(&scope, cursor).await?;
            (Some(frozen), place)
        }
        None => (None, 0),
    };
    let pairs = frozen.as_ref().map_or_else(|| held.order.clone(), pairs);
    let (items, next) = board_page(&held, &look, &pairs, place, limit);
    let next = match (next, frozen) {
        (None, _) => None,
        (Some(at), Some(frozen)) => Some(call.app.feed.seal_numbers(&scope, &frozen, at)),
        (Some(at), None) => {
            Some(call.app.feed.seal_numbers(&scope, &frozen_now(&call, &held, subject).await, at))
        }
    };
    let me = match call.viewer() {
        None => None,
        Some(who) => boards::own(&call.app.pool, board, who.user, call.now).await?,
    };
    let (next, me) = (json!(next), json!(me));
    let window = window.as_str();
    Ok(send_json(format!(r#"{{"window":"{window}","items":[{items}],"next_cursor":{next},"me":{me}}}"#)))
}

async fn held(call: &Call, board: Board) -> Result<Arc<HeldBoard>, Problem> {
    let key = (board.ticker.map_or(0, TickerId::get), board.window.code());
    let load = async || {
        let ranking = boards::ranking(&call.app.pool, board, call.now).await?;
        let people: Vec<i64> = ranking.iter().map(|ranked| ranked.user.get()).collect();
        let entries = boards::entries(&call.app.pool, board, &people, call.now).await?;
        let mut ready = HashMap::with_capacity(entries.len());
        for entry in entries {
            ready.insert(entry.user.get(), serde_json::to_string(&entry).map_err(Problem::internal)?);
        }
        let order = ranking.iter().map(|ranked| (ranked.user.get(), ranked.place)).collect();
        Ok::<_, Problem>(HeldBoard { order, entries: ready })
    };
    call.app.shown.boards.get(key, load).await
}

/// The order of a board as pairs of person and place, for the pages after the first.
async fn frozen_now(call: &Call, held: &HeldBoard, subject: i64) -> Frozen {
    let list = -1 - subject;
    let numbers: Vec<i64> = held.order.iter().flat_map(|(user, place)| [*user, *place]).collect();
    // The first page was of this order: another one would repeat some and skip others.
    if let Some(frozen) = call.app.feed.fresh_numbers(list).filter(|frozen| frozen.numbers() == numbers) {
        return frozen;
    }
    call.app.feed.freeze_numbers(list, numbers).await
}

fn pairs(frozen: &Frozen) -> Vec<(i64, i64)> {
    frozen.numbers().as_chunks::<2>().0.iter().map(|[user, place]| (*user, *place)).collect()
}

/// Entries from a place on, and where the next page begins. Who is not shown any more is passed over.
fn board_page(
    held: &HeldBoard,
    look: &Look,
    pairs: &[(i64, i64)],
    from: usize,
    limit: usize,
) -> (String, Option<usize>) {
    let (mut items, mut count, mut at) = (String::with_capacity(limit * 400), 0, from);
    for (user, place) in pairs.get(from..).unwrap_or_default() {
        if count == limit {
            return (items, Some(at));
        }
        at += 1;
        let Some(entry) = held.entries.get(user).filter(|_| sees(look, UserId::new(*user))) else { continue };
        if count > 0 {
            items.push(',');
        }
        // The entry is an object: its members follow the place.
        let _ = write!(items, r#"{{"place":{place},{}"#, entry.trim_start_matches('{'));
        count += 1;
    }
    (items, None)
}

/// `GET /v1/tickers/{symbol}/creators`
pub(crate) async fn holders(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let limit = query.limit()?;
    let ticker = ticker(&call, &req).await?;
    let look = call.app.feed.look(call.viewer()).await?;
    let scope = Scope { list: List::Holders, subject: i64::from(ticker.id.get()), viewer: look.id() };
    let load = async || shareholders::holders(&call.app.pool, ticker.id, call.now).await;
    let holders = call.app.shown.holders.get(ticker.id.get(), load).await?;
    let mut holders: Vec<shareholders::Holder> = holders.to_vec();
    holders.retain(|holder| sees(&look, holder.user));
    let (frozen, place) = match query.cursor.as_deref() {
        Some(cursor) => call.app.feed.open_numbers(&scope, cursor).await?,
        None => {
            let order = holders.iter().map(|holder| holder.user.get()).collect();
            (call.app.feed.freeze_numbers(-1_000_000_000 - scope.subject, order).await, 0)
        }
    };
    let order: HashMap<i64, usize> =
        frozen.numbers().into_iter().enumerate().map(|(at, user)| (user, at)).collect();
    let mut rest: Vec<(usize, shareholders::Holder)> =
        holders.into_iter().filter_map(|holder| Some((*order.get(&holder.user.get())?, holder))).collect();
    rest.retain(|(at, _)| *at >= place);
    rest.sort_unstable_by_key(|(at, _)| *at);
    let next = rest.get(limit).map(|(at, _)| call.app.feed.seal_numbers(&scope, &frozen, *at));
    rest.truncate(limit);
    let items: Vec<shareholders::Holder> = rest.into_iter().map(|(_, holder)| holder).collect();
    Ok(send(&json!({"items": items, "next_cursor": next})))
}

/// `GET /v1/users/{handle}/returns`
pub(crate) async fn returns(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let person = visible_person(&call, &req).await?;
    let shown = records::shown(&call.app.pool, person.id).await?;
    let catalogue = call.app.feed.catalogue().await?;
    // Asked last: what is taken back before this line is not shown.
    let consent = disclosure::in_force(&call.app.pool, person.id).await?;
    let nothing = || Problem::not_disclosed("this person shows no returns");
    if consent.is_empty() || person.standing.at(call.now) != madang_core::standing::Standing::Good {
        return Err(nothing());
    }
    let shown = shown.ok_or_else(nothing)?;
    let mut body = record_json(&shown, &consent, &catalogue);
    if let Some(object) = body.as_object_mut() {
        // Which share or currency it is would say what they have.
        let why = shown.incomplete.as_deref().and_then(|why| why.split(' ').next());
        object.insert("incomplete".into(), json!(why));
        object.insert("handle".into(), json!(person.handle));
    }
    Ok(send(&body))
}

/// `GET /v1/me/returns`
pub(crate) async fn own_returns(call: Call) -> Result<HttpResponse, Problem> {
    let user = call.who()?.user;
    let catalogue = call.app.feed.catalogue().await?;
    let shown = records::shown(&call.app.pool, user).await?;
    let Some(shown) = shown else {
        return Err(Problem::not_found("record: your broker has reported no trades of yours yet"));
    };
    let all = disclosure::Shown { holdings: true, trade_delay: Some(0), amounts: true };
    let consent = InForce { whole: Some(all), tickers: Vec::new() };
    Ok(send(&record_json(&shown, &consent, &catalogue)))
}

/// What of a record is shown under a consent.
fn record_json(shown: &Shown, consent: &InForce, catalogue: &Catalogue) -> Value {
    let windows = |ticker: i32| -> Vec<&WindowShown> {
        shown.windows.iter().filter(|window| window.ticker == ticker).collect()
    };
    let account = consent.whole.map(|whole| {
        json!({
            "windows": windows(0), "curve": shown.summary.curve, "trading_days": shown.trading_days,
            "closed_positions": shown.closed, "average_holding_days": shown.summary.average_holding_days,
            "gains": whole.amounts.then_some(&shown.summary.gains)})
    });
    let tickers: Vec<Value> = shown
        .summary
        .tickers
        .iter()
        .filter_map(|summary| {
            let id = TickerId::new(summary.ticker);
            let own = consent.tickers.iter().find(|(ticker, _)| *ticker == id).map(|(_, shown)| *shown);
            let what = own.or(consent.whole.filter(|whole| whole.holdings))?;
            let holding = shown.holdings.iter().find(|holding| holding.ticker == id).filter(|_| what.holdings);
            let held = holding.map(|holding| {
                json!({"weight": consent.whole.is_some().then_some(holding.weight),
                       "stake": shareholders::StakeBand::of(holding.weight), "since": holding.since,
                       "unrealised_rate": summary.unrealised_rate,
                       "quantity": what.amounts.then_some(holding.quantity),
                       "average_cost": what.amounts.then_some(holding.average_cost),
                       "unrealised": what.amounts.then_some(holding.unrealised)})
            });
            Some(json!({
                "ticker": catalogue.get(id).map(|ticker| ticker_json(ticker)), "windows": windows(summary.ticker),
                "closed_positions": summary.closed, "average_holding_days": summary.held_days, "holding": held,
                "gains": what.amounts.then_some(&summary.gains)}))
        })
        .collect();
    json!({"as_of": shown.as_of, "incomplete": shown.incomplete, "account": account, "tickers": tickers})
}
