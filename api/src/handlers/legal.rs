//! Rights claims (임시조치), for the role `legal`.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use madang_core::{
    ids::{LegalRequestId, PostId},
    text,
};
use madang_feed::cursor::{List, Scope};
use madang_moderation::{
    legal::{self, DAYS, MAX_CLAIMANT_CHARS, MAX_PROOF_CHARS, NewRequest, Outcome, Refused},
    statements::Ground,
};
use serde::Deserialize;
use serde_json::json;

use super::{one_more, page, page_limit, reports::below, text_segment};
use crate::{
    call::{Body, Call, Done, Effects},
    problem::Problem,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    state: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRequestBody {
    post_id: String,
    claimant: String,
    ground: Ground,
    proof: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionBody {
    outcome: Outcome,
    #[serde(default)]
    note: String,
}

fn effects() -> Effects {
    Effects { changed: true, ..Effects::default() }
}

/// `POST /v1/moderation/legal-requests`
pub(crate) async fn file(call: Call, body: Body) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let input: NewRequestBody = body.parse()?;
    let post: PostId = input.post_id.parse().map_err(|error| Problem::field("post_id", error))?;
    let claimant = text::parse_line(&input.claimant, MAX_CLAIMANT_CHARS)
        .map_err(|error| Problem::field("claimant", error))?;
    let proof = note("proof", &input.proof)?;
    if proof.is_empty() {
        return Err(Problem::field("proof", "must say how the claimant shows it"));
    }
    call.write(body.bytes(), async |tx| {
        let new = NewRequest { post, claimant: &claimant, ground: input.ground, proof: &proof };
        let filed = legal::file(tx, &new, who, call.now, &call.request_id).await?;
        let answer = json!({"id": filed.map_err(refused)?}).to_string();
        Ok(Done::json(StatusCode::CREATED, answer, effects()))
    })
    .await
}

fn note(name: &str, raw: &str) -> Result<String, Problem> {
    text::parse_note(raw, MAX_PROOF_CHARS).map_err(|error| Problem::field(name, error))
}

fn refused(why: Refused) -> Problem {
    match why {
        Refused::NotFound => Problem::not_found("post or claim"),
        Refused::Already(id) => {
            Problem::conflict("claim_open", format!("claim {id} about this post is open; decide that one"))
        }
        Refused::OwnPost => {
            Problem::forbidden("own_post", "a claim about one's own post is for another person")
        }
        Refused::Decided { state, at } => {
            let at = at.map_or_else(String::new, |at| format!(" at {}", at.to_rfc3339()));
            Problem::conflict("claim_decided", format!("it was {state}{at}; a claim ends after {DAYS} days"))
        }
        Refused::OwnReport => {
            Problem::forbidden("own_report", "a claim about a post you reported is for another person")
        }
        Refused::AnotherPerson => Problem::forbidden(
            "another_person",
            "the author objected: another person decides than the one whose decision it is",
        ),
    }
}

/// `GET /v1/moderation/legal-requests`
pub(crate) async fn list(call: Call) -> Result<HttpResponse, Problem> {
    let query: ListQuery = call.query()?;
    let (who, limit) = (call.who()?, page_limit(query.limit)?);
    let open_only = match query.state.as_deref() {
        None | Some("open") => true,
        Some("all") => false,
        Some(_) => return Err(Problem::field("state", "must be open or all")),
    };
    let scope = Scope { list: List::LegalRequests, subject: open_only.into(), viewer: who.user.get() };
    let below = below(&call, &scope, query.cursor.as_deref())?;
    let items = legal::list(&call.app.pool, open_only, below, one_more(limit)).await?;
    Ok(page(items, limit, |last| call.app.feed.seal_cursor(&scope, [last.id.get()])))
}

/// `POST /v1/moderation/legal-requests/{id}/decisions`
pub(crate) async fn decide(call: Call, req: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let id: LegalRequestId = text_segment(&req, "id").parse().map_err(|_| Problem::not_found("claim"))?;
    let input: DecisionBody = body.parse()?;
    let words = note("note", &input.note)?;
    call.write(body.bytes(), async |tx| {
        let by = (who, call.now);
        let decided = legal::decide(tx, id, input.outcome, &words, by, &call.request_id).await?;
        decided.map_err(refused)?;
        Ok(Done::json(StatusCode::CREATED, json!({"id": id}).to_string(), effects()))
    })
    .await
}
