//! What people are told.

use actix_web::HttpResponse;
use madang_core::{ids::NoticeId, notices};
use madang_feed::cursor::{List, Scope};
use serde::Deserialize;
use serde_json::json;

use super::{account::send, one_more, page_limit, reports::below};
use crate::{
    call::{Body, Call, Done, Effects},
    problem::Problem,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoticesQuery {
    unread: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadBody {
    up_to: String,
}

/// `GET /v1/notifications`
pub(crate) async fn list(call: Call) -> Result<HttpResponse, Problem> {
    let query: NoticesQuery = call.query()?;
    let (who, limit) = (call.who()?, page_limit(query.limit)?);
    let unread_only = match query.unread.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::field("unread", "must be true or false")),
    };
    let scope = Scope { list: List::Notices, subject: unread_only.into(), viewer: who.user.get() };
    let below = below(&call, &scope, query.cursor.as_deref())?;
    let mut items = notices::of(&call.app.pool, who.user, unread_only, below, one_more(limit)).await?;
    let unread = notices::unread(&call.app.pool, who.user).await?;
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| call.app.feed.seal_cursor(&scope, [last.id.get()]));
    Ok(send(&json!({"items": items, "next_cursor": next, "unread": unread})))
}

/// `POST /v1/notifications/read`
pub(crate) async fn read(call: Call, body: Body) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let input: ReadBody = body.parse()?;
    let up_to: NoticeId = input.up_to.parse().map_err(|error| Problem::field("up_to", error))?;
    call.write(body.bytes(), async |tx| {
        notices::read(&mut *tx, who.user, up_to, call.now).await?;
        Ok(Done::empty(Effects::default()))
    })
    .await
}
