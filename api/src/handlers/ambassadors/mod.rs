//! The ambassador programme, for those in it, those who want to be, and everybody.

pub(crate) mod desk;
pub(crate) mod payouts;

use actix_web::{HttpResponse, http::StatusCode};
use chrono::{DateTime, Utc};
use madang_core::{text, viewer::Who};
use madang_creators::ambassadors::{
    MAX_REASON_CHARS, MAX_TEXT_CHARS, Month, applications, badge, criteria, declarations, members, settings,
    statements::{self, Filter},
};
use madang_feed::cursor::{List, Scope};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::{PageQuery, account::send, one_more, page, reports::below, screening::check_profile};
use crate::{
    call::{Body, Call, Done, Effects},
    problem::Problem,
    programme::{By, application_refused},
};

/// Statements shown with one's own place in the programme.
const LATEST: i64 = 12;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApplicationBody {
    conflict_declaration: String,
    motivation: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclarationBody {
    conflict_declaration: String,
}

/// The admin who asks, for the audit log.
fn by(call: &Call) -> Result<By<'_>, Problem> {
    Ok(By { who: call.who()?, now: call.now, request_id: Some(&call.request_id) })
}

fn reason(raw: &str) -> Result<String, Problem> {
    text::parse_line(raw, MAX_REASON_CHARS).map_err(|error| Problem::field("reason", error))
}

/// A month of a query or body that has begun.
fn begun_month(raw: &str, now: DateTime<Utc>) -> Result<Month, Problem> {
    let month: Month = raw.parse().map_err(|error| Problem::field("month", error))?;
    if month > Month::at(now) {
        return Err(Problem::field("month", "must not lie in the future"));
    }
    Ok(month)
}

/// What a person declares; that there is nothing is said in words. Everybody reads it, so it is screened.
async fn declaration(call: &Call, raw: &str) -> Result<String, Problem> {
    let field = "conflict_declaration";
    let said = text::parse_note(raw, MAX_TEXT_CHARS).map_err(|error| Problem::field(field, error))?;
    if said.is_empty() {
        let message = "must name your holdings, employers and paid relations, or say \"none\" (없음)";
        return Err(Problem::field(field, message));
    }
    check_profile(call, field, &said).await?;
    Ok(said)
}

/// `GET /v1/me/ambassador`
pub(crate) async fn mine(call: Call) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let mut connection = call.app.pool.acquire().await?;
    Ok(send(&place(&mut connection, who, call.now).await?))
}

/// Somebody's place in the programme, or the way there.
async fn place(connection: &mut PgConnection, who: Who, now: DateTime<Utc>) -> Result<Value, Problem> {
    let (terms, _) = settings::current(&mut *connection).await?;
    let facts = criteria::facts(&mut *connection, who.user, &terms, now).await?;
    let criteria = criteria::judge(&facts, &terms, None);
    let next_at = applications::next_at(&mut *connection, who.user, &terms, now).await?;
    let application = applications::last_of(&mut *connection, who.user).await?;
    let held = badge::held(&mut *connection, &[who.user], now).await?.pop();
    let declared = declarations::of(&mut *connection, who.user, 1).await?.pop();
    let filter = Filter { user: Some(who.user), ..Filter::default() };
    let statements = statements::list(connection, filter, i64::MAX, LATEST).await?;
    let open = application.as_ref().is_some_and(|one| one.state == "open");
    let eligible = criteria.iter().all(|one| one.met) && next_at.is_none() && held.is_none() && !open;
    let membership = held.map(|held| {
        let badge = &held.badge;
        json!({"tier": badge.tier, "name_ko": badge.name_ko, "name_en": badge.name_en, "since": badge.since,
               "badge_shown": held.pauses.is_empty(), "paused_by": held.pauses})
    });
    Ok(json!({"eligible": eligible, "criteria": criteria, "apply_from": next_at, "application": application,
              "membership": membership, "declaration": declared, "statements": statements, "tiers": terms.tiers}))
}

/// `POST /v1/me/ambassador`
pub(crate) async fn apply(call: Call, body: Body) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let input: ApplicationBody = body.parse()?;
    let motivation = text::parse_note(&input.motivation, MAX_TEXT_CHARS)
        .map_err(|error| Problem::field("motivation", error))?;
    if motivation.is_empty() {
        return Err(Problem::field("motivation", "must say why you want to be an ambassador"));
    }
    let declared = declaration(&call, &input.conflict_declaration).await?;
    call.write(body.bytes(), async |tx| {
        let applied = applications::apply(tx, who.user, (&declared, &motivation), call.now).await?;
        let id = applied.map_err(application_refused)?;
        Ok(Done::json(StatusCode::CREATED, json!({"id": id}).to_string(), Effects::default()))
    })
    .await
}

/// `DELETE /v1/me/ambassador`
pub(crate) async fn leave(call: Call) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    call.write(&[], async |tx| {
        applications::withdraw(tx, who.user, call.now).await?;
        Ok(Done::empty(Effects::default()))
    })
    .await
}

/// `PUT /v1/me/ambassador/declaration`
pub(crate) async fn declare(call: Call, body: Body) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let input: DeclarationBody = body.parse()?;
    let declared = declaration(&call, &input.conflict_declaration).await?;
    call.write(body.bytes(), async |tx| {
        let version = declarations::declare(tx, who.user, &declared, call.now).await?;
        let version = version.ok_or_else(|| {
            Problem::conflict("not_ambassador", "you are no ambassador and have no open application")
        })?;
        Ok(Done::json(StatusCode::OK, json!({"version": version}).to_string(), Effects::default()))
    })
    .await
}

/// `GET /v1/me/ambassador/statements`
pub(crate) async fn own_statements(call: Call) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let (who, limit) = (call.who()?, query.limit()?);
    let scope = Scope { list: List::OwnAmbassadorStatements, subject: 0, viewer: who.user.get() };
    let below = below(&call, &scope, query.cursor.as_deref())?;
    let filter = Filter { user: Some(who.user), ..Filter::default() };
    let items = statements::list(&call.app.pool, filter, below, one_more(limit)).await?;
    Ok(page(items, limit, |last| call.app.feed.seal_cursor(&scope, [last.id.get()])))
}

/// `GET /v1/ambassadors`
pub(crate) async fn list(call: Call) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let (viewer, limit) = (call.viewer(), query.limit()?);
    let subject = viewer.map_or(0, |who| who.user.get());
    let scope = Scope { list: List::Ambassadors, subject: 0, viewer: subject };
    let below = below(&call, &scope, query.cursor.as_deref())?;
    // Blocks do not bind the staff.
    let blocking = viewer.filter(|who| !who.role.is_staff()).map(|who| who.user);
    let mut connection = call.app.pool.acquire().await?;
    let items = members::list(&mut connection, blocking, below, one_more(limit), call.now).await?;
    Ok(page(items, limit, |last| call.app.feed.seal_cursor(&scope, [last.row])))
}
