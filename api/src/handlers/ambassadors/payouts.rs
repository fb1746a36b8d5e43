//! Payouts of the ambassador programme and their pay runs, for admins.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::CONTENT_DISPOSITION},
};
use madang_core::ids::{PayRunId, PayoutId};
use madang_creators::ambassadors::{
    pay_runs::{self, PayRun},
    payouts::{self, Filter, Reversal, State},
};
use madang_feed::cursor::{List, Scope};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgExecutor;

use super::{begun_month, by, reason};
use crate::{
    call::{Body, Call, Done, Effects},
    handlers::{PageQuery, one_more, page, page_limit, reports::below, text_segment},
    problem::Problem,
    programme,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PayoutsQuery {
    month: Option<String>,
    state: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReversalBody {
    what: Reversal,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PayRunBody {
    month: String,
}

fn payout_id(req: &HttpRequest) -> Result<PayoutId, Problem> {
    text_segment(req, "id").parse().map_err(|_| Problem::not_found("payout"))
}

fn parse_state(name: &str) -> Result<State, Problem> {
    State::parse(name).ok_or_else(|| Problem::field("state", "must be accrued, approved, paid or reversed"))
}

/// `GET /v1/ambassadors/payouts`
pub(crate) async fn list(call: Call) -> Result<HttpResponse, Problem> {
    let query: PayoutsQuery = call.query()?;
    let (who, limit) = (call.who()?, page_limit(query.limit)?);
    let month = query.month.as_deref().map(|month| begun_month(month, call.now)).transpose()?;
    let state = query.state.as_deref().map(parse_state).transpose()?;
    // A month's first moment is a whole multiple of ten seconds, which leaves room for the state.
    let place =
        state.and_then(|state| (1..).zip(State::ALL).find(|(_, one)| *one == state)).map_or(0, |(at, _)| at);
    let subject = month.map_or(0, |month| month.bounds().0.timestamp()) + place;
    let scope = Scope { list: List::Payouts, subject, viewer: who.user.get() };
    let below = below(&call, &scope, query.cursor.as_deref())?;
    let filter = Filter { month, state, id: None };
    let items = payouts::list(&call.app.pool, filter, below, one_more(limit)).await?;
    Ok(page(items, limit, |last| call.app.feed.seal_cursor(&scope, [last.id.get()])))
}

fn sent(payout: &payouts::Payout) -> Result<Done, Problem> {
    let body = serde_json::to_string(payout).map_err(Problem::internal)?;
    Ok(Done::json(StatusCode::OK, body, Effects::default()))
}

/// `POST /v1/ambassadors/payouts/{id}/approve`
pub(crate) async fn approve(call: Call, req: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let id = payout_id(&req)?;
    call.write(body.bytes(), async |tx| sent(&programme::approve(tx, id, by(&call)?).await?)).await
}

/// `POST /v1/ambassadors/payouts/{id}/reverse`
pub(crate) async fn reverse(call: Call, req: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let id = payout_id(&req)?;
    let input: ReversalBody = body.parse()?;
    let reason = reason(&input.reason)?;
    call.write(body.bytes(), async |tx| {
        sent(&programme::reverse(tx, id, (input.what, &reason), by(&call)?).await?)
    })
    .await
}

/// `GET /v1/ambassadors/payruns`
pub(crate) async fn runs(call: Call) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let (who, limit) = (call.who()?, query.limit()?);
    let scope = Scope { list: List::PayRuns, subject: 0, viewer: who.user.get() };
    let below = below(&call, &scope, query.cursor.as_deref())?;
    let items = pay_runs::list(&call.app.pool, None, below, one_more(limit)).await?;
    Ok(page(items, limit, |last| call.app.feed.seal_cursor(&scope, [last.id.get()])))
}

async fn run(executor: impl PgExecutor<'_>, id: PayRunId) -> Result<PayRun, Problem> {
    let found = pay_runs::list(executor, Some(id), i64::MAX, 1).await?.pop();
    found.ok_or_else(|| Problem::not_found("pay run"))
}

/// `POST /v1/ambassadors/payruns`
pub(crate) async fn pay(call: Call, body: Body) -> Result<HttpResponse, Problem> {
    let input: PayRunBody = body.parse()?;
    let month = begun_month(&input.month, call.now)?;
    call.write(body.bytes(), async |tx| {
        let id = programme::pay(tx, month, by(&call)?).await?;
        let (run, rows) = (run(&mut *tx, id).await?, pay_runs::rows(tx, id).await?);
        let answer = json!({"run": run, "rows": rows}).to_string();
        Ok(Done::json(StatusCode::CREATED, answer, Effects::default()))
    })
    .await
}

/// `GET /v1/ambassadors/payruns/{id}.csv`
pub(crate) async fn csv(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let id: PayRunId = text_segment(&req, "id").parse().map_err(|_| Problem::not_found("pay run"))?;
    let run = run(&call.app.pool, id).await?;
    let rows = pay_runs::rows(&call.app.pool, id).await?;
    let name = format!("attachment; filename=\"ambassadors-{}-{id}.csv\"", run.month);
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, name))
        .body(pay_runs::csv(&run, &rows)?))
}
