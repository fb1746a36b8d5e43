//! Appeals against decisions, and their answers.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use madang_core::{ids::AppealId, text};
use madang_feed::cursor::{List, Scope};
use madang_moderation::{
    appeals::{self, Against, Answer, AnswerRefused, MAX_CHARS, Outcome, Refused},
    statements::APPEAL_DAYS,
};
use serde::Deserialize;
use serde_json::json;

use super::{PageQuery, one_more, page, reports::below, text_segment};
use crate::{
    call::{Body, Call, Done, Effects},
    problem::Problem,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAppealBody {
    decision_id: Option<String>,
    sanction_id: Option<String>,
    body: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerBody {
    outcome: Outcome,
    #[serde(default)]
    answer: String,
}

/// `POST /v1/appeals`
pub(crate) async fn send(call: Call, body: Body) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let input: NewAppealBody = body.parse()?;
    let words = text::parse_note(&input.body, MAX_CHARS).map_err(|error| Problem::field("body", error))?;
    if words.is_empty() {
        return Err(Problem::field("body", "must say why the decision is wrong"));
    }
    let against = parse_against(&input)?;
    call.write(body.bytes(), async |tx| {
        let sent = appeals::send(&mut *tx, who, against, &words, call.now, &call.request_id).await?;
        let id = sent.map_err(refused)?;
        // What is written is read back, so that the answer and the list say the same.
        let own = appeals::of_author(&mut *tx, who.user, id.get() + 1, 1).await?;
        let body = serde_json::to_string(&own.first()).map_err(Problem::internal)?;
        Ok(Done::json(StatusCode::CREATED, body, Effects::default()))
    })
    .await
}

fn parse_against(input: &NewAppealBody) -> Result<Against, Problem> {
    let bad = |field: &'static str| move |error| Problem::field(field, error);
    match (&input.decision_id, &input.sanction_id) {
        (Some(id), None) => id.parse().map(Against::Decision).map_err(bad("decision_id")),
        (None, Some(id)) => id.parse().map(Against::Sanction).map_err(bad("sanction_id")),
        _ => Err(Problem::field("decision_id", "must be given, or sanction_id, and not both")),
    }
}

fn refused(why: Refused) -> Problem {
    match why {
        Refused::NotFound => Problem::not_found("decision about you or a post of yours"),
        Refused::NothingToAppeal => {
            Problem::conflict("nothing_to_appeal", "this decision took nothing away from the post")
        }
        Refused::Already => {
            Problem::conflict("already_appealed", "there is one appeal a decision; see GET /v1/me/appeals")
        }
        Refused::TooLate => {
            Problem::conflict("appeal_too_late", format!("a decision can be appealed for {APPEAL_DAYS} days"))
        }
    }
}

/// `GET /v1/me/appeals`
pub(crate) async fn mine(call: Call) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let (who, limit) = (call.who()?, query.limit()?);
    let scope = Scope { list: List::Appeals, subject: 0, viewer: who.user.get() };
    let below = below(&call, &scope, query.cursor.as_deref())?;
    let items = appeals::of_author(&call.app.pool, who.user, below, one_more(limit)).await?;
    Ok(page(items, limit, |last| call.app.feed.seal_cursor(&scope, [last.id.get()])))
}

/// `GET /v1/moderation/appeals`
pub(crate) async fn queue(call: Call) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let (who, limit) = (call.who()?, query.limit()?);
    let scope = Scope { list: List::AppealQueue, subject: 0, viewer: who.user.get() };
    let after = match query.cursor.as_deref() {
        None => None,
        Some(cursor) => {
            let [due, id] = call.app.feed.open_cursor::<2>(&scope, cursor)?;
            Some((due, id))
        }
    };
    let items = appeals::waiting(&call.app.pool, who.user, after, one_more(limit)).await?;
    Ok(page(items, limit, |last| {
        call.app.feed.seal_cursor(&scope, [last.due_at.timestamp_micros(), last.id.get()])
    }))
}

/// `POST /v1/moderation/appeals/{id}/decisions`
pub(crate) async fn decide(call: Call, req: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let appeal: AppealId = text_segment(&req, "id").parse().map_err(|_| Problem::not_found("appeal"))?;
    let input: AnswerBody = body.parse()?;
    let words =
        text::parse_note(&input.answer, MAX_CHARS).map_err(|error| Problem::field("answer", error))?;
    call.write(body.bytes(), async |tx| {
        let answer = Answer {
            appeal,
            moderator: who,
            outcome: input.outcome,
            words: &words,
            now: call.now,
            request_id: &call.request_id,
        };
        let changed = appeals::answer(tx, &answer).await?.map_err(answer_refused)?;
        let body = json!({"id": appeal, "outcome": input.outcome}).to_string();
        Ok(Done::json(StatusCode::CREATED, body, Effects { changed, viewers: Vec::new(), relations: false }))
    })
    .await
}

fn answer_refused(why: AnswerRefused) -> Problem {
    match why {
        AnswerRefused::NotFound => Problem::not_found("appeal"),
        AnswerRefused::Decided { by, at } => {
            let who = by.map_or_else(String::new, |by| format!(" by moderator {by}"));
            Problem::conflict("appeal_decided", format!("it was decided{who} at {}", at.to_rfc3339()))
        }
        AnswerRefused::NeedsSenior => Problem::forbidden(
            "needs_senior",
            "an appeal against a ban, a long sanction or in an escalated case is for a senior moderator",
        ),
        AnswerRefused::NeedsAdmin => {
            Problem::forbidden("staff_account", "appeals of the staff about their accounts are for an admin")
        }
        AnswerRefused::Rights => Problem::forbidden(
            "rights_claim",
            "an objection to a temporary measure is decided with the claim, by the role legal",
        ),
        AnswerRefused::NotYours => Problem::forbidden(
            "another_moderator",
            "an appeal is decided by a moderator who neither wrote, reported nor decided about the post",
        ),
    }
}
