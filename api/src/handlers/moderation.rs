//! The moderators' desk: queue, cases, claims, decisions, and the audit log.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use madang_core::ids::CaseId;
use madang_core::text;
use madang_feed::cursor::{List, Scope};
use madang_moderation::{
    audit,
    cases::{self, Step, StepRefused},
    decisions::{self, MAX_CLAUSE_CHARS, Measure, NewDecision, Refused},
    queue::{self, Filter},
    rule::Category,
};
use serde::Deserialize;
use serde_json::json;

use super::{account::send, case_id, one_more, page, page_limit};
use crate::{
    call::{Body, Call, Done, Effects},
    problem::Problem,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QueueQuery {
    state: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewDecisionBody {
    measure: Measure,
    reason: String,
    #[serde(default)]
    terms_clause: String,
    #[serde(default)]
    lock: bool,
    version: i32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditQuery {
    object: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// `GET /v1/moderation/cases`
pub(crate) async fn queue(call: Call) -> Result<HttpResponse, Problem> {
    let query: QueueQuery = call.query()?;
    let (who, limit) = (call.who()?, page_limit(query.limit)?);
    let (filter, subject) = match query.state.as_deref() {
        None | Some("undecided") => (Filter::Undecided, 0),
        Some("escalated") => (Filter::Escalated, 1),
        Some("mine") => (Filter::Mine(who.user), 2),
        Some(_) => return Err(Problem::field("state", "must be undecided, escalated or mine")),
    };
    let scope = Scope { list: List::Cases, subject, viewer: who.user.get() };
    let after = match query.cursor.as_deref() {
        None => None,
        Some(cursor) => {
            let [rank, id] = call.app.feed.open_cursor::<2>(&scope, cursor)?;
            Some((f64::from_bits(rank.cast_unsigned()), id))
        }
    };
    let items = queue::list(&call.app.pool, filter, after, call.now, one_more(limit)).await?;
    Ok(page(items, limit, |last| {
        call.app.feed.seal_cursor(&scope, [last.rank.to_bits().cast_signed(), last.id.get()])
    }))
}

/// `GET /v1/moderation/cases/{id}`
pub(crate) async fn case(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let found = queue::detail(&call.app.pool, case_id(&req)?, call.now).await?;
    found.map(|case| send(&json!(case))).ok_or_else(|| Problem::not_found("case"))
}

/// `POST /v1/moderation/cases/{id}/claim`
pub(crate) async fn claim(call: Call, req: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    step(&call, &req, &body, Step::Claim).await
}

/// `POST /v1/moderation/cases/{id}/release`
pub(crate) async fn release(call: Call, req: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    step(&call, &req, &body, Step::Release).await
}

/// `POST /v1/moderation/cases/{id}/escalate`
pub(crate) async fn escalate(call: Call, req: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    step(&call, &req, &body, Step::Escalate).await
}

async fn step(call: &Call, req: &HttpRequest, body: &Body, step: Step) -> Result<HttpResponse, Problem> {
    let (who, case) = (call.who()?, case_id(req)?);
    call.write(body.bytes(), async |tx| {
        let taken = cases::step(tx, case, who, step, call.now, &call.request_id).await?;
        let version = taken.map_err(|why| step_refused(why, case))?;
        let answer = json!({"id": case, "version": version});
        Ok(Done::json(StatusCode::OK, answer.to_string(), Effects::default()))
    })
    .await
}

fn step_refused(why: StepRefused, case: CaseId) -> Problem {
    match why {
        StepRefused::NotFound => Problem::not_found("case"),
        StepRefused::Decided => {
            Problem::conflict("case_decided", format!("case {case} is decided; see its decisions"))
        }
        StepRefused::Claimed { by, until } => claimed(by.get(), until),
        StepRefused::NeedsSenior => needs_senior(),
        StepRefused::OwnPost => own_post(),
    }
}

fn claimed(by: i64, until: chrono::DateTime<chrono::Utc>) -> Problem {
    Problem::conflict("case_claimed", format!("moderator {by} is at it until {}", until.to_rfc3339()))
}

fn needs_senior() -> Problem {
    Problem::forbidden("needs_senior", "an escalated case waits for a senior moderator")
}

fn own_post() -> Problem {
    Problem::forbidden("own_post", "a case about one's own post is for another moderator")
}

/// `POST /v1/moderation/cases/{id}/decisions`
pub(crate) async fn decide(call: Call, req: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let (who, case) = (call.who()?, case_id(&req)?);
    let input: NewDecisionBody = body.parse()?;
    if matches!(input.measure, Measure::Block | Measure::Hold) {
        return Err(Problem::field("measure", "must be keep, limit or remove; only rules block and hold"));
    }
    let reason = Category::parse(&input.reason)
        .ok_or_else(|| Problem::field("reason", "must be a category of reports"))?;
    let clause = text::parse_note(&input.terms_clause, MAX_CLAUSE_CHARS)
        .map_err(|error| Problem::field("terms_clause", error))?;
    call.write(body.bytes(), async |tx| {
        let new = NewDecision {
            case,
            version: input.version,
            moderator: who,
            measure: input.measure,
            reason,
            terms_clause: &clause,
            lock: input.lock,
            now: call.now,
            request_id: &call.request_id,
        };
        let decided = decisions::decide(tx, &new).await?.map_err(refused)?;
        let answer = json!({"id": decided.id, "case_id": case, "measure": input.measure});
        let effects = Effects { changed: decided.changed, viewers: Vec::new(), relations: false };
        Ok(Done::json(StatusCode::CREATED, answer.to_string(), effects))
    })
    .await
}

fn refused(why: Refused) -> Problem {
    match why {
        Refused::NotFound => Problem::not_found("case"),
        Refused::Decided { by, at } => {
            let who = by.map_or_else(|| "the rule".to_owned(), |by| format!("moderator {by}"));
            Problem::conflict("case_decided", format!("{who} decided it at {}", at.to_rfc3339()))
        }
        Refused::Stale { version } => Problem::conflict(
            "case_changed",
            format!("the case changed since you looked; read it again, its version is {version}"),
        ),
        Refused::Claimed { by, until } => claimed(by.get(), until),
        Refused::NeedsSenior => needs_senior(),
        Refused::OwnPost => own_post(),
        Refused::OwnReport => {
            Problem::forbidden("own_report", "a case about a post you reported is for another moderator")
        }
    }
}

/// `GET /v1/moderation/audit`
pub(crate) async fn audit_log(call: Call) -> Result<HttpResponse, Problem> {
    let query: AuditQuery = call.query()?;
    let (who, limit) = (call.who()?, page_limit(query.limit)?);
    let scope = Scope { list: List::Audit, subject: 0, viewer: who.user.get() };
    let below = match query.cursor.as_deref() {
        None => i64::MAX,
        Some(cursor) => call.app.feed.open_cursor::<1>(&scope, cursor).map(|[seq]| seq)?,
    };
    let items = audit::list(&call.app.pool, query.object.as_deref(), below, one_more(limit)).await?;
    Ok(page(items, limit, |last| call.app.feed.seal_cursor(&scope, [last.seq])))
}
