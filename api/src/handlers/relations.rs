//! Follow, block, mute.

use actix_web::{HttpRequest, HttpResponse};
use madang_core::{
    changes::{self, Change},
    follows::{self, Followed, MAX_FOLLOWS},
    relations::{self, Listed, PeopleList},
    text,
    users::Profile,
    viewer::Who,
};
use madang_creators::suggestions;
use serde_json::json;

use super::{account::send, people::own_people, person, text_segment, visible_person};
use crate::{
    call::{Call, Done, Effects},
    problem::Problem,
};

fn not_self(who: Who, other: &Profile, what: &str) -> Result<(), Problem> {
    if who.user == other.id {
        Err(Problem::field("handle", format!("you cannot {what} yourself")))
    } else {
        Ok(())
    }
}

fn full(listed: Listed, what: &str, max: i64) -> Result<(), Problem> {
    if listed == Listed::Full {
        return Err(Problem::conflict(
            "list_full",
            format!("you can have at most {max} {what}; remove some first"),
        ));
    }
    Ok(())
}

/// `PUT /v1/users/{handle}/follow`
pub(crate) async fn follow(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let other = visible_person(&call, &req).await?;
    not_self(who, &other, "follow")?;
    let limit = call.app.settings.feed.push_limit;
    call.write(b"", async |tx| {
        match follows::follow(&mut *tx, who.user, other.id, limit, call.now).await? {
            Followed::New => {
                suggestions::note_follow(tx, who.user, other.id, call.now).await?;
                Ok(Done::empty(touched(who)))
            }
            Followed::Already => Ok(Done::empty(touched(who))),
            // Staff see across blocks, but do not follow across them.
            Followed::Blocked => Err(Problem::not_found("person")),
            Followed::TooMany => Err(Problem::conflict(
                "too_many_follows",
                format!("you can follow at most {MAX_FOLLOWS} people; stop following some first"),
            )),
        }
    })
    .await
}

fn touched(who: Who) -> Effects {
    Effects { changed: false, viewers: vec![who.user], relations: true }
}

/// `DELETE /v1/users/{handle}/follow`
pub(crate) async fn unfollow(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let other = person(&call, &req).await?;
    let limit = call.app.settings.feed.push_limit;
    call.write(b"", async |tx| {
        follows::unfollow(tx, who.user, other.id, limit).await?;
        Ok(Done::empty(touched(who)))
    })
    .await
}

/// `PUT /v1/users/{handle}/block`
pub(crate) async fn block(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let other = person(&call, &req).await?;
    not_self(who, &other, "block")?;
    let limit = call.app.settings.feed.push_limit;
    call.write(b"", async |tx| {
        let listed = relations::block(&mut *tx, who.user, other.id, limit).await?;
        full(listed, "blocks", relations::MAX_RELATIONS)?;
        changes::record(tx, &[Change::Author(who.user), Change::Author(other.id)]).await?;
        Ok(Done::empty(Effects { changed: true, viewers: vec![who.user, other.id], relations: true }))
    })
    .await
}

/// `DELETE /v1/users/{handle}/block`
pub(crate) async fn unblock(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let other = person(&call, &req).await?;
    call.write(b"", async |tx| {
        relations::unblock(&mut *tx, who.user, other.id).await?;
        changes::record(tx, &[Change::Author(who.user), Change::Author(other.id)]).await?;
        Ok(Done::empty(Effects { changed: true, viewers: vec![who.user, other.id], relations: true }))
    })
    .await
}

/// `PUT /v1/users/{handle}/mute`
pub(crate) async fn mute(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let other = visible_person(&call, &req).await?;
    not_self(call.who()?, &other, "mute")?;
    set_mute(&call, &other, true).await
}

/// `DELETE /v1/users/{handle}/mute`
pub(crate) async fn unmute(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let other = person(&call, &req).await?;
    set_mute(&call, &other, false).await
}

async fn set_mute(call: &Call, other: &Profile, on: bool) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    call.write(b"", async |tx| {
        let listed = relations::set_mute(tx, who.user, other.id, on).await?;
        full(listed, "mutes", relations::MAX_RELATIONS)?;
        Ok(Done::empty(touched(who)))
    })
    .await
}

/// `GET /v1/me/blocks`
pub(crate) async fn blocks(call: Call) -> Result<HttpResponse, Problem> {
    own_people(&call, PeopleList::Blocked).await
}

/// `GET /v1/me/mutes`
pub(crate) async fn mutes(call: Call) -> Result<HttpResponse, Problem> {
    own_people(&call, PeopleList::Muted).await
}

/// `GET /v1/me/keyword-mutes`
pub(crate) async fn keywords(call: Call) -> Result<HttpResponse, Problem> {
    let items = relations::keywords(&call.app.pool, call.who()?.user).await?;
    Ok(send(&json!({"items": items})))
}

/// `PUT /v1/me/keyword-mutes/{keyword}`
pub(crate) async fn mute_keyword(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    set_keyword(&call, &req, true).await
}

/// `DELETE /v1/me/keyword-mutes/{keyword}`
pub(crate) async fn unmute_keyword(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    set_keyword(&call, &req, false).await
}

async fn set_keyword(call: &Call, req: &HttpRequest, on: bool) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let keyword =
        text::parse_keyword(&text_segment(req, "keyword")).map_err(|e| Problem::field("keyword", e))?;
    call.write(b"", async |tx| {
        let listed = relations::set_keyword(tx, who.user, &keyword, on).await?;
        full(listed, "muted words", relations::MAX_KEYWORDS)?;
        Ok(Done::empty(touched(who)))
    })
    .await
}
