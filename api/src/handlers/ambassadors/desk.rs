//! The ambassador programme, for admins: its terms, applications, members and their months.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use madang_core::{ids::ApplicationId, text};
use madang_creators::ambassadors::{
    MAX_REASON_CHARS,
    applications::{self, Decision},
    settings::{self, Terms},
    statements::{self, Filter},
};
use madang_feed::cursor::{List, Scope};
use serde::Deserialize;
use serde_json::json;

use super::{begun_month, by, reason};
use crate::{
    call::{Body, Call, Done, Effects},
    handlers::{account::send, one_more, page, page_limit, person, reports::below, text_segment},
    problem::Problem,
    programme,
};

/// States of an application, for the cursor's scope.
const STATES: [&str; 4] = ["open", "approved", "refused", "withdrawn"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApplicationsQuery {
    status: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatementsQuery {
    month: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionBody {
    approve: bool,
    tier: Option<String>,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RemovalBody {
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TierBody {
    tier: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TermsBody {
    version: i32,
    settings: Terms,
    why: String,
}

/// `GET /v1/ambassadors/applications`
pub(crate) async fn applications(call: Call) -> Result<HttpResponse, Problem> {
    let query: ApplicationsQuery = call.query()?;
    let (who, limit) = (call.who()?, page_limit(query.limit)?);
    let (subject, state) = match query.status.as_deref().unwrap_or("open") {
        "all" => (0, None),
        name => {
            let known = (1..).zip(STATES).find(|(_, state)| *state == name);
            let words = "must be open, approved, refused, withdrawn or all";
            known.map(|(at, state)| (at, Some(state))).ok_or_else(|| Problem::field("status", words))?
        }
    };
    let scope = Scope { list: List::Applications, subject, viewer: who.user.get() };
    let below = below(&call, &scope, query.cursor.as_deref())?;
    let items = applications::list(&call.app.pool, state, below, one_more(limit)).await?;
    Ok(page(items, limit, |last| call.app.feed.seal_cursor(&scope, [last.id.get()])))
}

/// `POST /v1/ambassadors/applications/{id}/decision`
pub(crate) async fn decide(call: Call, req: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let id: ApplicationId =
        text_segment(&req, "id").parse().map_err(|_| Problem::not_found("application"))?;
    let input: DecisionBody = body.parse()?;
    let reason = reason(&input.reason)?;
    let tier = match (input.approve, input.tier.as_deref()) {
        (true, None) => return Err(Problem::field("tier", "must be named to approve")),
        (false, Some(_)) => return Err(Problem::field("tier", "must be left out to refuse")),
        (_, tier) => tier,
    };
    call.write(body.bytes(), async |tx| {
        programme::decide(tx, id, &Decision { tier, reason: &reason }, by(&call)?).await?;
        Ok(Done::json(StatusCode::OK, json!({"id": id}).to_string(), Effects::default()))
    })
    .await
}

/// `POST /v1/ambassadors/members/{handle}/removal`
pub(crate) async fn remove(call: Call, req: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let input: RemovalBody = body.parse()?;
    let reason = reason(&input.reason)?;
    let user = person(&call, &req).await?.id;
    call.write(body.bytes(), async |tx| {
        programme::remove(tx, user, &reason, by(&call)?).await?;
        Ok(Done::empty(Effects::default()))
    })
    .await
}

/// `POST /v1/ambassadors/members/{handle}/tier`
pub(crate) async fn set_tier(call: Call, req: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let input: TierBody = body.parse()?;
    let reason = reason(&input.reason)?;
    let user = person(&call, &req).await?.id;
    call.write(body.bytes(), async |tx| {
        programme::set_tier(tx, user, (&input.tier, &reason), by(&call)?).await?;
        Ok(Done::empty(Effects::default()))
    })
    .await
}

/// `GET /v1/ambassadors/settings`
pub(crate) async fn terms(call: Call) -> Result<HttpResponse, Problem> {
    let (terms, version) = settings::current(&call.app.pool).await?;
    let history = settings::history(&call.app.pool).await?;
    Ok(send(&json!({"version": version, "settings": terms, "history": history})))
}

/// `PUT /v1/ambassadors/settings`
pub(crate) async fn change_terms(call: Call, body: Body) -> Result<HttpResponse, Problem> {
    let input: TermsBody = body.parse()?;
    let why = text::parse_line(&input.why, MAX_REASON_CHARS).map_err(|error| Problem::field("why", error))?;
    call.write(body.bytes(), async |tx| {
        let base = (input.version, why.as_str());
        let version = programme::change_terms(tx, &input.settings, base, by(&call)?).await?;
        Ok(Done::json(StatusCode::OK, json!({"version": version}).to_string(), Effects::default()))
    })
    .await
}

/// `GET /v1/ambassadors/statements`
pub(crate) async fn statements(call: Call) -> Result<HttpResponse, Problem> {
    let query: StatementsQuery = call.query()?;
    let (who, limit) = (call.who()?, page_limit(query.limit)?);
    let month = query.month.as_deref().map(|month| begun_month(month, call.now)).transpose()?;
    let subject = month.map_or(0, |month| month.bounds().0.timestamp());
    let scope = Scope { list: List::AmbassadorStatements, subject, viewer: who.user.get() };
    let below = below(&call, &scope, query.cursor.as_deref())?;
    let filter = Filter { month, ..Filter::default() };
    let items = statements::list(&call.app.pool, filter, below, one_more(limit)).await?;
    Ok(page(items, limit, |last| call.app.feed.seal_cursor(&scope, [last.id.get()])))
}
