//! The text rules: read by moderators, made and changed by senior ones.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use madang_core::{ids::RuleId, text};
use madang_feed::cursor::{List, Scope};
use madang_moderation::{
    dry_run,
    text::{Action, BadRule, Class, Mode, RuleKind},
    text_rules::{self, By, Content, Edit, MAX_NAME_CHARS, Refused},
};
use serde::Deserialize;
use serde_json::json;

use super::{PageQuery, account::send, one_more, page, rule_id};
use crate::{
    call::{Body, Call, Done, Effects, json_of},
    problem::Problem,
};

/// How long a dry run waits for another one.
const DRY_RUN_PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
/// Most characters of a reason for haste.
const MAX_URGENT_CHARS: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContentBody {
    class: Class,
    action: Action,
    kind: RuleKind,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRuleBody {
    name: String,
    class: Class,
    action: Action,
    kind: RuleKind,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditBody {
    version: i32,
    name: Option<String>,
    mode: Option<Mode>,
    class: Option<Class>,
    action: Option<Action>,
    kind: Option<RuleKind>,
    urgent: Option<String>,
}

/// `GET /v1/moderation/rules`
pub(crate) async fn list(call: Call) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let (who, limit) = (call.who()?, query.limit()?);
    let scope = Scope { list: List::Rules, subject: 0, viewer: who.user.get() };
    let above = match query.cursor.as_deref() {
        None => 0,
        Some(cursor) => call.app.feed.open_cursor::<1>(&scope, cursor).map(|[id]| id)?,
    };
    let items = text_rules::list(&call.app.pool, None, above, one_more(limit)).await?;
    Ok(page(items, limit, |last| call.app.feed.seal_cursor(&scope, [last.id.get()])))
}

/// `GET /v1/moderation/rules/{id}`
pub(crate) async fn read(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let found = text_rules::list(&call.app.pool, Some(rule_id(&req)?), 0, 1).await?.pop();
    found.map(|rule| send(&json!(rule))).ok_or_else(|| Problem::not_found("rule"))
}

/// `POST /v1/moderation/rules/dry-run`
pub(crate) async fn dry_run(call: Call, body: Body) -> Result<HttpResponse, Problem> {
    let ContentBody { class, action, kind } = body.parse()?;
    let who = call.who()?;
    let content = Content { class, action, kind };
    content.check().map_err(|bad| unusable(&bad))?;
    // One at a time: each reads and matches a week of posts.
    let Ok(_turn) = tokio::time::timeout(DRY_RUN_PATIENCE, call.app.dry_runs.acquire()).await else {
        return Err(Problem::too_many(10));
    };
    match dry_run::run(&call.app.pool, &content, who.user, call.now).await? {
        Ok(result) => json_of(&result),
        Err(bad) => Err(unusable(&bad)),
    }
}

fn parse_name(name: &str) -> Result<String, Problem> {
    text::parse_line(name, MAX_NAME_CHARS).map_err(|error| Problem::field("name", error))
}

/// `POST /v1/moderation/rules`
pub(crate) async fn create(call: Call, body: Body) -> Result<HttpResponse, Problem> {
    let NewRuleBody { name, class, action, kind } = body.parse()?;
    let (name, content) = (parse_name(&name)?, Content { class, action, kind });
    let who = call.who()?;
    call.write(body.bytes(), async |tx| {
        let by = By { who, now: call.now, request_id: &call.request_id };
        let id = text_rules::create(tx, &name, &content, by).await?.map_err(refused)?;
        Ok(changed(StatusCode::CREATED, id, 1))
    })
    .await
}

/// `PATCH /v1/moderation/rules/{id}`
pub(crate) async fn edit(call: Call, req: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let (who, rule) = (call.who()?, rule_id(&req)?);
    let input: EditBody = body.parse()?;
    let urgent = input.urgent.map(|urgent| text::parse_line(&urgent, MAX_URGENT_CHARS)).transpose();
    let edit = Edit {
        version: input.version,
        name: input.name.as_deref().map(parse_name).transpose()?,
        mode: input.mode,
        class: input.class,
        action: input.action,
        kind: input.kind,
        urgent: urgent.map_err(|error| Problem::field("urgent", error))?,
    };
    call.write(body.bytes(), async |tx| {
        let by = By { who, now: call.now, request_id: &call.request_id };
        let version = text_rules::edit(tx, rule, edit, by).await?.map_err(refused)?;
        Ok(changed(StatusCode::OK, rule, version))
    })
    .await
}

/// `DELETE /v1/moderation/rules/{id}`
pub(crate) async fn delete(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let (who, rule) = (call.who()?, rule_id(&req)?);
    call.write(b"", async |tx| {
        let by = By { who, now: call.now, request_id: &call.request_id };
        text_rules::delete(tx, rule, by).await?.map_err(refused)?;
        Ok(Done::empty(Effects { changed: true, ..Effects::default() }))
    })
    .await
}

fn changed(status: StatusCode, rule: RuleId, version: i32) -> Done {
    let answer = json!({"id": rule, "version": version});
    Done::json(status, answer.to_string(), Effects { changed: true, ..Effects::default() })
}

fn unusable(bad: &BadRule) -> Problem {
    let why = bad.to_string();
    // The rule has no number yet, or one that the caller knows.
    let why = why.strip_prefix("rule ").and_then(|rest| rest.split_once(": ")).map_or(&*why, |(_, why)| why);
    Problem::field("kind", why)
}

fn refused(why: Refused) -> Problem {
    match why {
        Refused::NotFound => Problem::not_found("rule"),
        Refused::Stale { version } => Problem::conflict(
            "rule_changed",
            format!("the rule changed since you looked; read it again, its version is {version}"),
        ),
        Refused::Bad(bad) => unusable(&bad),
        Refused::Untried => Problem::conflict(
            "rule_untried",
            "run it over past posts first, as it is: POST /v1/moderation/rules/dry-run",
        ),
        Refused::TooFresh { ready_at } => Problem::conflict(
            "rule_too_fresh",
            format!(
                "it must be a day in shadow, until {}; or say in `urgent` why it cannot wait",
                ready_at.to_rfc3339()
            ),
        ),
        Refused::BuiltIn => {
            Problem::conflict("rule_built_in", "a rule of the release can be turned off, not deleted")
        }
    }
}
