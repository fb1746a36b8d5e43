//! Reporting posts, what became of one's reports, and statements about one's own posts.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use madang_core::posts;
use madang_core::{
    ids::PostId,
    text,
    viewer::Who,
    visibility::{Onlooker, PostState, Sight, Surface, sight},
};
use madang_feed::cursor::{List, Scope};
use madang_moderation::{
    decisions,
    reports::{self, MAX_NOTE_CHARS, NewReport, Refused, SEEN_AT_LEAST, SEEN_AT_MOST, Withdrawn},
    rule::{Category, Network},
};
use serde::Deserialize;
use serde_json::json;

use super::{PageQuery, one_more, page, post_id};
use crate::{
    call::{Body, Call, Done, Effects},
    problem::Problem,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewReportBody {
    category: String,
    #[serde(default)]
    note: String,
    view_token: String,
}

/// `POST /v1/posts/{id}/reports`
pub(crate) async fn file(call: Call, req: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let (who, asked) = (call.who()?, post_id(&req)?);
    let input: NewReportBody = body.parse()?;
    let category = Category::parse(&input.category).ok_or_else(|| {
        let names: Vec<&str> = Category::ALL.iter().map(|category| category.as_str()).collect();
        Problem::field("category", format!("must be one of {}", names.join(", ")))
    })?;
    let note =
        text::parse_note(&input.note, MAX_NOTE_CHARS).map_err(|error| Problem::field("note", error))?;
    let post = shown_original(&call, who, asked, &input.view_token).await?;
    call.app.screener.refresh(&call.app.pool).await?;
    call.write(body.bytes(), async |tx| {
        let new = NewReport {
            post,
            reporter: who,
            category,
            note: &note,
            network: Some(Network::of(call.ip)),
            device: call.device,
            now: call.now,
            request_id: &call.request_id,
        };
        let filed = reports::file(tx, &call.app.screener, &new).await?.map_err(|why| refused(&call, why))?;
        let answer = json!({"id": filed.id, "post_id": post, "category": category, "note": note, "status": "pending",
                            "created_at": call.now, "judged_at": null});
        let effects = Effects { changed: filed.judged.changed, viewers: Vec::new(), relations: false };
        Ok(Done::json(StatusCode::CREATED, answer.to_string(), effects))
    })
    .await
}

fn refused(call: &Call, why: Refused) -> Problem {
    match why {
        Refused::Gone => Problem::not_found("post"),
        Refused::Own => Problem::conflict("own_post", "you cannot report your own post; delete it instead"),
        Refused::Already => {
            Problem::conflict("already_reported", "you reported this post; one report counts")
        }
        Refused::Judged => Problem::conflict(
            "already_judged",
            "your report of this post was decided about; see GET /v1/me/reports",
        ),
        Refused::Budget { limit, again_at } => {
            let wait = (again_at - call.now).to_std().unwrap_or_default();
            Problem::report_budget(limit, wait.as_secs() + 1)
        }
    }
}

/// The post that is meant: a repost stands for its original. It is visible to the one who reports, or was
/// when it was shown to them: what they saw of a post that was hidden meanwhile counts, and is judged.
async fn shown_original(call: &Call, who: Who, asked: PostId, token: &str) -> Result<PostId, Problem> {
    let look = call.app.feed.look(Some(who)).await?;
    let not_found = || Problem::not_found("post");
    let mut id = asked;
    let mut target = posts::target(&call.app.pool, id).await?.ok_or_else(not_found)?;
    if let Some(original) = target.repost_of {
        id = original;
        target = posts::target(&call.app.pool, id).await?.ok_or_else(not_found)?;
    }
    let shown = was_shown(call, who, id, token);
    let onlooker = look.onlooker(target.author);
    match sight(target.state, onlooker, Surface::Direct) {
        Sight::Show => shown.map(|()| id),
        _ if target.state == PostState::AutoBlocked && onlooker == Onlooker::Other && shown.is_ok() => Ok(id),
        Sight::Placeholder | Sight::Hide => Err(not_found()),
    }
}

/// Only what one was shown can be reported: the token of the page says so.
fn was_shown(call: &Call, who: Who, post: PostId, token: &str) -> Result<(), Problem> {
    let wrong = |why: &str| Err(Problem::field("view_token", why));
    let Some(seen) = call.app.feed.open_view_token(token) else {
        return wrong("must be the view_token of a page that showed you this post");
    };
    if seen.viewer != Some(who.user) || !seen.posts.contains(&post) {
        return wrong("was given for another page or another reader; read the post first");
    }
    let age = call.now - seen.served_at;
    if age < SEEN_AT_LEAST {
        return wrong("is too fresh; take two seconds to read the post");
    }
    if age > SEEN_AT_MOST {
        return wrong("is older than 7 days; read the post again");
    }
    Ok(())
}

/// `DELETE /v1/posts/{id}/reports`
pub(crate) async fn withdraw(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let (who, asked) = (call.who()?, post_id(&req)?);
    let target = posts::target(&call.app.pool, asked).await?;
    let post = target.and_then(|target| target.repost_of).unwrap_or(asked);
    call.app.feed.catch_up().await?;
    call.app.screener.refresh(&call.app.pool).await?;
    call.write(b"", async |tx| {
        let request = &call.request_id;
        match reports::withdraw(tx, &call.app.screener, post, who.user, call.now, request).await? {
            Withdrawn::Done => {
                Ok(Done::empty(Effects { changed: true, viewers: Vec::new(), relations: false }))
            }
            Withdrawn::Already => Ok(Done::empty(Effects::default())),
            Withdrawn::Judged => {
                Err(Problem::conflict("already_judged", "this report was decided about and stays on record"))
            }
            Withdrawn::NotFound => Err(Problem::not_found("report of yours")),
        }
    })
    .await
}

/// Where a list by falling id goes on.
pub(super) fn below(call: &Call, scope: &Scope, cursor: Option<&str>) -> Result<i64, Problem> {
    match cursor {
        None => Ok(i64::MAX),
        Some(cursor) => call.app.feed.open_cursor::<1>(scope, cursor).map(|[id]| id).map_err(Problem::from),
    }
}

/// `GET /v1/me/reports`
pub(crate) async fn mine(call: Call) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let (who, limit) = (call.who()?, query.limit()?);
    let scope = Scope { list: List::Reports, subject: 0, viewer: who.user.get() };
    let below = below(&call, &scope, query.cursor.as_deref())?;
    let items = reports::of_reporter(&call.app.pool, who.user, below, one_more(limit)).await?;
    Ok(page(items, limit, |last| call.app.feed.seal_cursor(&scope, [last.id.get()])))
}

/// `GET /v1/me/statements`
pub(crate) async fn statements(call: Call) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let (who, limit) = (call.who()?, query.limit()?);
    let scope = Scope { list: List::Statements, subject: 0, viewer: who.user.get() };
    let below = below(&call, &scope, query.cursor.as_deref())?;
    let items = decisions::statements_of(&call.app.pool, who.user, below, one_more(limit)).await?;
    Ok(page(items, limit, |last| call.app.feed.seal_cursor(&scope, [last.id.get()])))
}
