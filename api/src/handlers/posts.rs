//! Reading and deleting posts, and reacting to them.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::HeaderName},
};
use madang_core::{
    ids::PostId,
    polls,
    posts::{self, NewPost, Stance},
    reactions,
    text::PostBody,
    viewer::Who,
    visibility::{Sight, Surface, sight},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    account::send,
    post_id,
    screening::is_limited,
    writing::{referable, trunc_millis},
};
use crate::{
    call::{Body, Call, Done, Effects, json},
    problem::Problem,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VoteBody {
    option: i16,
}

/// `GET /v1/posts/{id}`
pub(crate) async fn read(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let id = post_id(&req)?;
    let look = call.app.feed.look(call.viewer()).await?;
    let post = call.app.feed.post_shown(&look, id, call.now).await?;
    let (body, shown, token) = post.ok_or_else(|| Problem::not_found("post"))?;
    if let Some(who) = call.viewer() {
        call.app.views.note(who.user, shown, call.now);
    }
    // In a header, so that a post is the same text here, in lists and in the answer to its author.
    let mut response = json(body);
    if let Ok(token) = token.try_into() {
        response.headers_mut().insert(HeaderName::from_static("x-view-token"), token);
    }
    Ok(response)
}

/// `GET /v1/posts/{id}/revisions`
pub(crate) async fn revisions(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let id = post_id(&req)?;
    let look = call.app.feed.look(call.viewer()).await?;
    let target = posts::target(&call.app.pool, id).await?.ok_or_else(|| Problem::not_found("post"))?;
    if sight(target.state, look.onlooker(target.author), Surface::Direct) != Sight::Show {
        return Err(Problem::not_found("post"));
    }
    let items = posts::revisions(&call.app.pool, id).await?;
    Ok(send(&json!({"items": items})))
}

/// `DELETE /v1/posts/{id}`
pub(crate) async fn delete(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let (who, id) = (call.who()?, post_id(&req)?);
    call.write(b"", async |tx| {
        if posts::delete(tx, id, who.user, call.now).await? {
            Ok(Done::empty(Effects { changed: true, viewers: vec![who.user], relations: false }))
        } else {
            Err(Problem::not_found("post of yours"))
        }
    })
    .await
}

/// The post one reacts to: visible to the one who reacts; a repost stands for its original.
async fn reacted(call: &Call, req: &HttpRequest) -> Result<(Who, PostId), Problem> {
    let (who, id) = (call.who()?, post_id(req)?);
    let look = call.app.feed.look(Some(who)).await?;
    match referable(call, &look, id).await? {
        Ok((id, _)) => Ok((who, id)),
        Err(_) => Err(Problem::not_found("post")),
    }
}

/// Reactions are taken back also where the post is gone or hidden by now.
async fn reacted_before(call: &Call, req: &HttpRequest) -> Result<(Who, PostId), Problem> {
    let (who, id) = (call.who()?, post_id(req)?);
    let target = posts::target(&call.app.pool, id).await?.ok_or_else(|| Problem::not_found("post"))?;
    Ok((who, target.repost_of.unwrap_or(id)))
}

fn touched(who: Who) -> Done {
    Done::empty(Effects { changed: false, viewers: vec![who.user], relations: false })
}

/// `PUT /v1/posts/{id}/like`
pub(crate) async fn like(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let (who, id) = reacted(&call, &req).await?;
    call.write(b"", async |tx| {
        reactions::set_like(tx, id, who.user, true).await?;
        Ok(touched(who))
    })
    .await
}

/// `DELETE /v1/posts/{id}/like`
pub(crate) async fn unlike(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let (who, id) = reacted_before(&call, &req).await?;
    call.write(b"", async |tx| {
        reactions::set_like(tx, id, who.user, false).await?;
        Ok(touched(who))
    })
    .await
}

/// `PUT /v1/posts/{id}/bookmark`
pub(crate) async fn bookmark(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let (who, id) = reacted(&call, &req).await?;
    call.write(b"", async |tx| {
        reactions::set_bookmark(tx, id, who.user, true, call.now).await?;
        Ok(touched(who))
    })
    .await
}

/// `DELETE /v1/posts/{id}/bookmark`
pub(crate) async fn unbookmark(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let (who, id) = reacted_before(&call, &req).await?;
    call.write(b"", async |tx| {
        reactions::set_bookmark(tx, id, who.user, false, call.now).await?;
        Ok(touched(who))
    })
    .await
}

/// `PUT /v1/posts/{id}/repost`
pub(crate) async fn repost(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let (who, original) = reacted(&call, &req).await?;
    if is_limited(&call) {
        let why = "while the account is limited nothing can be passed on; see GET /v1/me/sanctions";
        return Err(Problem::forbidden("account_limited", why));
    }
    let post = NewPost {
        author: who.user,
        body: PostBody::empty(),
        stance: Stance::None,
        reply_to: None,
        quote_of: None,
        repost_of: Some(original),
        tickers: Vec::new(),
        mentions: Vec::new(),
        poll: None,
        language: None,
        attachment: None,
        labels: posts::attachments::Labels::default(),
        now: trunc_millis(call.now),
    };
    call.write(b"", async |tx| {
        let Some((id, _)) = posts::repost(tx, post).await? else {
            return Err(Problem::not_found("post"));
        };
        let body = json!({"id": id}).to_string();
        Ok(Done::json(
            StatusCode::OK,
            body,
            Effects { changed: false, viewers: vec![who.user], relations: false },
        ))
    })
    .await
}

/// `DELETE /v1/posts/{id}/repost`
pub(crate) async fn unrepost(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let (who, original) = reacted_before(&call, &req).await?;
    call.write(b"", async |tx| {
        let changed = posts::unrepost(tx, original, who.user, call.now).await?;
        Ok(Done::empty(Effects { changed, viewers: vec![who.user], relations: false }))
    })
    .await
}

/// `PUT /v1/posts/{id}/vote`
pub(crate) async fn vote(call: Call, req: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let (who, id) = reacted(&call, &req).await?;
    let input: VoteBody = body.parse()?;
    call.write(body.bytes(), async |tx| match polls::vote(tx, id, who.user, input.option, call.now).await? {
        polls::Vote::Counted | polls::Vote::Repeated => Ok(touched(who)),
        polls::Vote::AlreadyVoted => {
            Err(Problem::conflict("already_voted", "you have one vote, and gave it"))
        }
        polls::Vote::Closed => Err(Problem::conflict("poll_closed", "this poll has closed")),
        polls::Vote::NotFound => {
            Err(Problem::field("option", "must be one of the poll's options, counted from 0"))
        }
    })
    .await
}
