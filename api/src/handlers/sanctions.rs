//! Measures against accounts.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use madang_core::{ids::SanctionId, text};
use madang_feed::cursor::{List, Scope};
use madang_moderation::{
    decisions::MAX_CLAUSE_CHARS,
    rule::Category,
    sanctions::{self, Kind, MAX_DAYS, MAX_DAYS_ALONE, MAX_NOTE_CHARS, NewSanction, Refused},
};
use serde::Deserialize;
use serde_json::json;

use super::{PageQuery, one_more, page, person, reports::below, text_segment};
use crate::{
    call::{Body, Call, Done, Effects},
    problem::Problem,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SanctionBody {
    kind: Kind,
    reason: String,
    days: Option<i64>,
    #[serde(default)]
    note: String,
    #[serde(default)]
    terms_clause: String,
}

pub(super) fn parse_reason(reason: &str) -> Result<Category, Problem> {
    Category::parse(reason).ok_or_else(|| Problem::field("reason", "must be a category of reports"))
}

pub(super) fn parse_note(name: &str, note: &str) -> Result<String, Problem> {
    text::parse_note(note, MAX_NOTE_CHARS).map_err(|error| Problem::field(name, error))
}

pub(super) fn parse_clause(clause: &str) -> Result<String, Problem> {
    text::parse_note(clause, MAX_CLAUSE_CHARS).map_err(|error| Problem::field("terms_clause", error))
}

/// `POST /v1/moderation/users/{handle}/sanctions`
pub(crate) async fn impose(call: Call, req: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let input: SanctionBody = body.parse()?;
    let (note, clause) = (parse_note("note", &input.note)?, parse_clause(&input.terms_clause)?);
    let reason = parse_reason(&input.reason)?;
    let user = person(&call, &req).await?.id;
    call.write(body.bytes(), async |tx| {
        let new =
            NewSanction { kind: input.kind, reason, terms_clause: &clause, note: &note, days: input.days };
        let imposed = sanctions::impose(tx, user, &new, who, call.now, &call.request_id).await?;
        let id = imposed.map_err(|why| refused(why, "days"))?;
        let answer = json!({"id": id}).to_string();
        let effects = Effects { changed: true, viewers: vec![user], relations: false };
        Ok(Done::json(StatusCode::CREATED, answer, effects))
    })
    .await
}

/// What was wrong; `days` is what that field is called here.
pub(super) fn refused(why: Refused, days: &str) -> Problem {
    match why {
        Refused::NotFound => Problem::not_found("person or sanction"),
        Refused::Own => Problem::forbidden("own_account", "nobody decides about their own account"),
        Refused::Staff => Problem::forbidden("staff_account", "accounts of the staff are for an admin"),
        Refused::NeedsSenior => Problem::forbidden(
            "needs_senior",
            format!(
                "bans, and limits and suspensions over {MAX_DAYS_ALONE} days, are for a senior moderator"
            ),
        ),
        Refused::Days => Problem::field(days, format!("must be from 1 to {MAX_DAYS} for this kind")),
        Refused::NoDays => Problem::field(days, "must be left out: this kind has no end"),
        Refused::Ended => Problem::conflict("sanction_ended", "this sanction is over already"),
    }
}

/// `GET /v1/moderation/users/{handle}/sanctions`
pub(crate) async fn list(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let (who, limit) = (call.who()?, query.limit()?);
    let user = person(&call, &req).await?.id;
    let scope = Scope { list: List::Sanctions, subject: user.get(), viewer: who.user.get() };
    let below = below(&call, &scope, query.cursor.as_deref())?;
    let items = sanctions::of(&call.app.pool, user, below, one_more(limit)).await?;
    Ok(page(items, limit, |last| call.app.feed.seal_cursor(&scope, [last.id.get()])))
}

/// `DELETE /v1/moderation/users/{handle}/sanctions/{id}`
pub(crate) async fn lift(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let id: SanctionId = text_segment(&req, "id").parse().map_err(|_| Problem::not_found("sanction"))?;
    let user = person(&call, &req).await?.id;
    call.write(b"", async |tx| {
        let lifted = sanctions::lift(tx, (user, id), who, call.now, &call.request_id).await?;
        lifted.map_err(|why| refused(why, "days"))?;
        Ok(Done::empty(Effects { changed: true, viewers: vec![user], relations: false }))
    })
    .await
}

/// `GET /v1/me/sanctions`
pub(crate) async fn mine(call: Call) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let (who, limit) = (call.who()?, query.limit()?);
    let scope = Scope { list: List::Sanctions, subject: 0, viewer: who.user.get() };
    let below = below(&call, &scope, query.cursor.as_deref())?;
    let items = sanctions::own(&call.app.pool, who.user, below, one_more(limit)).await?;
    Ok(page(items, limit, |last| call.app.feed.seal_cursor(&scope, [last.id.get()])))
}
