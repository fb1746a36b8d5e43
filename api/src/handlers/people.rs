//! Profiles, and who follows whom.

use actix_web::{HttpRequest, HttpResponse};
use madang_core::{
    follows,
    ids::UserId,
    relations,
    users::{self, Profile},
};
use madang_creators::{ambassadors::badge, shareholders};
use madang_feed::{
    cards,
    cursor::{List, Scope},
    viewers::Look,
};
use serde_json::json;

use super::{PageQuery, account::send, one_more, visible_person};
use crate::{call::Call, problem::Problem};

/// `GET /v1/users/{handle}`
pub(crate) async fn profile(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let profile = visible_person(&call, &req).await?;
    let look = call.app.feed.look(call.viewer()).await?;
    let relation = match call.viewer() {
        None => json!(null),
        Some(who) => {
            let follows_me = follows::exists(&call.app.pool, profile.id, who.user).await?;
            let id = profile.id.get();
            json!({"following": look.viewer.follows.contains(&id), "followed_by": follows_me,
                   "muted": look.viewer.muted.contains(&id), "self": who.user == profile.id})
        }
    };
    let mut body = user_json(&profile);
    let (shareholder, shows_returns) = shareholders::marks(&call.app.pool, profile.id).await?;
    let ambassador = badge::badge(&call.app.pool, profile.id, call.now).await?;
    if let Some(object) = body.as_object_mut() {
        object.insert("viewer".into(), relation);
        object.insert("shows_returns".into(), json!(shows_returns));
        object.insert("shareholder".into(), json!(shareholder));
        object.insert("ambassador".into(), json!(ambassador));
    }
    Ok(send(&body))
}

/// A person as others see them.
pub(crate) fn user_json(profile: &Profile) -> serde_json::Value {
    json!({"id": profile.id, "handle": profile.handle, "name": profile.name, "bio": profile.bio,
           "verified": profile.verified, "role": profile.role.is_staff().then_some("staff"),
           "follower_count": profile.follower_count, "following_count": profile.following_count,
           "created_at": cards::rfc3339(profile.created_at)})
}

/// `GET /v1/users/{handle}/followers`
pub(crate) async fn followers(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    follow_page(&call, &req, true).await
}

/// `GET /v1/users/{handle}/following`
pub(crate) async fn following(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    follow_page(&call, &req, false).await
}

async fn follow_page(call: &Call, req: &HttpRequest, followers: bool) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let limit = query.limit()?;
    let profile = visible_person(call, req).await?;
    let look = call.app.feed.look(call.viewer()).await?;
    // Followers and following are two lists of one person: the sign tells them apart.
    let subject = if followers { profile.id.get() } else { -profile.id.get() };
    let scope = Scope { list: List::People, subject, viewer: look.id() };
    let after = open(call, &scope, query.cursor.as_deref())?;
    let ids = follows::page(&call.app.pool, profile.id, followers, after, one_more(limit)).await?;
    people_page(call, &look, &scope, ids, limit).await
}

/// One's own lists of people, blocked or muted.
pub(crate) async fn own_people(call: &Call, list: relations::PeopleList) -> Result<HttpResponse, Problem> {
    let query: PageQuery = call.query()?;
    let limit = query.limit()?;
    let who = call.who()?;
    let subject = i64::from(list == relations::PeopleList::Blocked);
    let scope = Scope { list: List::OwnPeople, subject, viewer: who.user.get() };
    let after = open(call, &scope, query.cursor.as_deref())?;
    let ids = relations::people(&call.app.pool, who.user, list, after, one_more(limit)).await?;
    people_page(call, &Look::anonymous(), &scope, ids, limit).await
}

fn open(call: &Call, scope: &Scope, cursor: Option<&str>) -> Result<i64, Problem> {
    match cursor {
        None => Ok(0),
        Some(cursor) => call.app.feed.open_cursor::<1>(scope, cursor).map(|[id]| id).map_err(Problem::from),
    }
}

async fn people_page(
    call: &Call,
    look: &Look,
    scope: &Scope,
    mut ids: Vec<i64>,
    limit: usize,
) -> Result<HttpResponse, Problem> {
    let more = ids.len() > limit;
    ids.truncate(limit);
    let next = ids.last().filter(|_| more).map(|last| call.app.feed.seal_cursor(scope, [*last]));
    let mut people = users::by_ids(&call.app.pool, &ids).await?;
    people.sort_by_key(|person| person.id);
    let blocked = |id: UserId| look.onlooker(id) == madang_core::visibility::Onlooker::Blocked;
    let items: Vec<serde_json::Value> =
        people.iter().filter(|person| !person.deleted && !blocked(person.id)).map(user_json).collect();
    Ok(send(&json!({"items": items, "next_cursor": next})))
}
