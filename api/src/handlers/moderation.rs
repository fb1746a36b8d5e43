//! The moderators' desk: queue, cases, claims, decisions, and the audit log.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use madang_core::{
    handle::Handle,
    ids::{CaseId, PostId},
    users,
};
use madang_feed::cursor::{List, Scope};
use madang_moderation::{
    audit, cases,
    claims::{self, Step, StepRefused},
    decisions::{self, Along, MAX_SIMILAR, Measure, NewDecision, Refused},
    queue::{self, Filter},
    sanctions::{Kind, NewSanction},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    account::send,
    case_id, one_more, page, page_limit,
    sanctions::{self, parse_clause, parse_note, parse_reason},
};
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
    #[serde(default)]
    similar: Vec<String>,
    sanction: Option<SanctionBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SanctionBody {
    kind: Kind,
    days: Option<i64>,
    #[serde(default)]
    note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCaseBody {
    post_id: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AssignmentBody {
    moderator: String,
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
    let items = queue::list(&call.app.pool, filter, who.user, after, call.now, one_more(limit)).await?;
    Ok(page(items, limit, |last| {
        call.app.feed.seal_cursor(&scope, [last.rank.to_bits().cast_signed(), last.id.get()])
    }))
}

/// `GET /v1/moderation/cases/{id}`
pub(crate) async fn case(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let found = queue::detail(&call.app.pool, case_id(&req)?, call.now).await?;
    let case = found.ok_or_else(|| Problem::not_found("case"))?;
    // Its author must not learn who reported it.
    if case.author_id == who.user { Err(own_post()) } else { Ok(send(&json!(case))) }
}

/// `POST /v1/moderation/cases`
pub(crate) async fn open(call: Call, body: Body) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let input: NewCaseBody = body.parse()?;
    let post: PostId = input.post_id.parse().map_err(|error| Problem::field("post_id", error))?;
    let reason = parse_reason(&input.reason)?;
    call.write(body.bytes(), async |tx| {
        let opened = cases::open_by_hand(tx, post, who, reason, call.now, &call.request_id).await?;
        let (id, version) = opened.ok_or_else(|| Problem::not_found("post"))?;
        let answer = json!({"id": id, "version": version}).to_string();
        Ok(Done::json(StatusCode::CREATED, answer, Effects::default()))
    })
    .await
}

/// `POST /v1/moderation/cases/{id}/assign`
pub(crate) async fn assign(call: Call, req: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let input: AssignmentBody = body.parse()?;
    let unknown = || Problem::field("moderator", "must be the handle of a moderator");
    let handle = Handle::parse(&input.moderator).map_err(|_| unknown())?;
    let to = users::by_handle(&call.app.pool, &handle).await?.ok_or_else(unknown)?.id;
    step(&call, &req, &body, Step::Assign(to)).await
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
        let taken = claims::step(tx, case, who, step, call.now, &call.request_id).await?;
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
        StepRefused::Unfit => Problem::field(
            "moderator",
            "must be one who may decide it: a moderator, senior if it is escalated, not its author, not a reporter",
        ),
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
    if !matches!(input.measure, Measure::Keep | Measure::Limit | Measure::Remove) {
        return Err(Problem::field("measure", "must be keep, limit or remove; only rules block and hold"));
    }
    let reason = parse_reason(&input.reason)?;
    let clause = parse_clause(&input.terms_clause)?;
    let similar = parse_similar(&input.similar)?;
    let note = parse_note("sanction.note", input.sanction.as_ref().map_or("", |given| &given.note))?;
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
        let sanction = input.sanction.as_ref().map(|given| NewSanction {
            kind: given.kind,
            reason,
            terms_clause: &clause,
            note: &note,
            days: given.days,
        });
        let along = Along { similar: &similar, sanction: sanction.as_ref() };
        let decided = decisions::decide_all(tx, &new, along).await?.map_err(refused)?;
        let answer = json!({"id": decided.id, "case_id": case, "measure": input.measure});
        let effects = Effects { changed: decided.changed, viewers: Vec::new(), relations: false };
        Ok(Done::json(StatusCode::CREATED, answer.to_string(), effects))
    })
    .await
}

fn parse_similar(ids: &[String]) -> Result<Vec<PostId>, Problem> {
    if ids.len() > MAX_SIMILAR {
        return Err(Problem::field("similar", format!("must be at most {MAX_SIMILAR} posts")));
    }
    ids.iter().map(|id| id.parse().map_err(|error| Problem::field("similar", error))).collect()
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
        Refused::NotSimilar { post } => Problem::field(
            "similar",
            format!("post {post} does not say nearly the same; decide it by itself"),
        ),
        Refused::Stricter { post } => Problem::conflict(
            "removed_by_itself",
            format!("post {post} was taken down by itself; decide it by itself"),
        ),
        Refused::Similar { post, why } => refused(*why).about(&format!("post {post}")),
        Refused::Sanction(why) => sanctions::refused(why, "sanction.days"),
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
