//! The constants of the auto-block rule: one admin proposes, another approves.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use madang_core::{ids::ProposalId, text};
use madang_feed::cursor::{List, Scope};
use madang_moderation::settings::{self, Answer, MAX_WHY_CHARS, Refused};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{PageQuery, account::send, one_more, reports::below, text_segment};
use crate::{
    call::{Body, Call, Done, Effects},
    problem::{FieldError, Problem},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProposalBody {
    settings: Map<String, Value>,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerBody {
    answer: Answer,
}

/// `GET /v1/moderation/settings`
pub(crate) async fn read(call: Call) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let (who, limit) = (call.who()?, query.limit()?);
    let scope = Scope { list: List::Proposals, subject: 0, viewer: who.user.get() };
    let below = below(&call, &scope, query.cursor.as_deref())?;
    let (held, version) = settings::current(&call.app.pool).await?;
    let mut items = settings::proposals(&call.app.pool, below, one_more(limit)).await?;
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| call.app.feed.seal_cursor(&scope, [last.id.get()]));
    Ok(send(&json!({"version": version, "settings": held, "proposals": items, "next_cursor": next})))
}

/// `POST /v1/moderation/settings/proposals`
pub(crate) async fn propose(call: Call, body: Body) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let input: ProposalBody = body.parse()?;
    let why = text::parse_line(&input.why, MAX_WHY_CHARS).map_err(|error| Problem::field("why", error))?;
    call.write(body.bytes(), async |tx| {
        let by = (who, call.now);
        let proposed = settings::propose(tx, &input.settings, &why, by, &call.request_id).await?;
        let answer = json!({"id": proposed.map_err(refused)?}).to_string();
        Ok(Done::json(StatusCode::CREATED, answer, Effects::default()))
    })
    .await
}

fn refused(why: Refused) -> Problem {
    match why {
        Refused::NotFound => Problem::not_found("proposal"),
        Refused::Unreadable(why) => Problem::field("settings", why),
        Refused::Invalid(errors) => Problem::invalid(
            errors
                .into_iter()
                .map(|error| FieldError {
                    field: format!("settings.{}", error.field),
                    message: error.to_string(),
                })
                .collect(),
        ),
        Refused::Same => Problem::field("settings", "must change something"),
        Refused::Decided => Problem::conflict("proposal_decided", "this proposal is decided"),
        Refused::TwoPeople => Problem::forbidden(
            "two_people",
            "a change is approved by another admin than the one who proposed it",
        ),
        Refused::Stale { version } => Problem::conflict(
            "settings_changed",
            format!("the settings were changed meanwhile, to version {version}; propose it anew"),
        ),
    }
}

/// `POST /v1/moderation/settings/proposals/{id}/decisions`
pub(crate) async fn answer(call: Call, req: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let id: ProposalId = text_segment(&req, "id").parse().map_err(|_| Problem::not_found("proposal"))?;
    let input: AnswerBody = body.parse()?;
    call.write(body.bytes(), async |tx| {
        let by = (who, call.now);
        let answered = settings::answer(tx, id, input.answer, by, &call.request_id).await?;
        let answer = json!({"id": id, "version": answered.map_err(refused)?}).to_string();
        Ok(Done::json(StatusCode::CREATED, answer, Effects::default()))
    })
    .await
}
