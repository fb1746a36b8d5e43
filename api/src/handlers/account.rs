//! Signup, login, logout, and one's own account.

use std::io::Write;

use actix_web::{HttpResponse, http::StatusCode};
use madang_core::{
    accounts,
    changes::{self, Change},
    db, export as exports,
    handle::{BadHandle, Handle},
    ids::UserId,
    passwords::PASSWORD_BYTES,
    sessions, text,
    users::{self, NewUser, Profile, ProfileEdit, Role},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::screening::check_profile;
use crate::{
    auth,
    call::{Body, Call, Done, Effects, json, json_of},
    problem::{FieldError, Problem},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignupBody {
    handle: String,
    password: SecretString,
    name: Option<String>,
    language: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginBody {
    handle: String,
    password: SecretString,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditBody {
    name: Option<String>,
    bio: Option<String>,
    language: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfirmBody {
    handle: String,
}

struct Signup {
    handle: Handle,
    name: String,
    language: String,
    password: SecretString,
}

/// `POST /v1/auth/signup`
pub(crate) async fn signup(call: Call, body: Body) -> Result<HttpResponse, Problem> {
    let signup = parse_signup(body.parse()?)?;
    check_profile(&call, "handle", signup.handle.as_str()).await?;
    check_profile(&call, "name", &signup.name).await?;
    let hash = call.app.passwords.hash(signup.password.clone()).await?;
    let user = NewUser {
        handle: &signup.handle,
        name: &signup.name,
        language: &signup.language,
        role: Role::Investor,
        password_hash: Some(&hash),
        subject: None,
        now: call.now,
    };
    let mut tx: db::Tx<'_> = call.app.pool.begin().await?;
    let id = users::create(&mut *tx, &user).await.map_err(taken)?;
    let token = sessions::start(&mut *tx, id, call.now, call.app.settings.auth.session_days).await?;
    tx.commit().await?;
    logged_in(&call, StatusCode::CREATED, id, &token).await
}

fn taken(error: sqlx::Error) -> Problem {
    let message = match db::violated(&error) {
        Some("users_handle_fold_unique") => "is taken; choose another",
        Some("users_handle_skeleton_unique") => "looks like a handle that is taken; choose another",
        _ if matches!(error, sqlx::Error::RowNotFound) => "belonged to somebody who left; choose another",
        _ => return error.into(),
    };
    Problem::field("handle", message)
}

fn parse_signup(body: SignupBody) -> Result<Signup, Problem> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, message: String| errors.push(FieldError { field: field.into(), message });
    let handle = Handle::for_signup(&body.handle);
    if let Err(error) = &handle {
        wrong("handle", error.to_string());
    }
    let name = match &body.name {
        Some(name) => text::parse_line(name, text::MAX_NAME_CHARS),
        None => Ok(handle.as_ref().map(|handle| handle.as_str().to_owned()).unwrap_or_default()),
    };
    if let Err(error) = &name {
        wrong("name", error.to_string());
    }
    let language = body.language.unwrap_or_else(|| "ko".into());
    if !["ko", "en"].contains(&language.as_str()) {
        wrong("language", "must be ko or en".into());
    }
    if !PASSWORD_BYTES.contains(&body.password.expose_secret().len()) {
        wrong("password", "must have 10 to 256 bytes".into());
    }
    match (handle, name) {
        (Ok(handle), Ok(name)) if errors.is_empty() => {
            Ok(Signup { handle, name, language, password: body.password })
        }
        _ => Err(Problem::invalid(errors)),
    }
}

/// `POST /v1/auth/login`: the same answer, in the same time, for a wrong password and an unknown handle.
pub(crate) async fn login(call: Call, body: Body) -> Result<HttpResponse, Problem> {
    let body: LoginBody = body.parse()?;
    let found = match Handle::parse(&body.handle) {
        Ok(handle) => users::credentials(&call.app.pool, &handle).await?,
        Err(BadHandle::Length | BadHandle::Character | BadHandle::Reserved) => None,
    };
    let (id, hash) = found.map_or((None, None), |found| (Some(found.id), found.password_hash));
    let fits = call.app.passwords.verify(body.password, hash).await?;
    let Some(id) = id.filter(|_| fits) else {
        return Err(Problem::unauthorized("handle or password is wrong"));
    };
    let token = sessions::start(&call.app.pool, id, call.now, call.app.settings.auth.session_days).await?;
    logged_in(&call, StatusCode::OK, id, &token).await
}

async fn logged_in(
    call: &Call,
    status: StatusCode,
    id: UserId,
    token: &str,
) -> Result<HttpResponse, Problem> {
    let profile = own_profile(call, id).await?;
    let body = json!({"user": me_json(&profile, call.now), "token": token});
    Ok(HttpResponse::build(status)
        .cookie(auth::cookie(&call.app, token))
        .content_type("application/json")
        .body(body.to_string()))
}

async fn own_profile(call: &Call, id: UserId) -> Result<Profile, Problem> {
    let found = users::by_ids(&call.app.pool, &[id.get()]).await?;
    found.into_iter().next().ok_or_else(|| Problem::unauthorized("this account is gone"))
}

fn me_json(profile: &Profile, now: chrono::DateTime<chrono::Utc>) -> serde_json::Value {
    let standing = profile.standing.at(now);
    let until = profile.standing.until(now);
    json!({"id": profile.id, "handle": profile.handle, "name": profile.name, "bio": profile.bio,
           "language": profile.language, "role": profile.role.as_str(), "verified": profile.verified,
           "standing": standing.as_str(), "standing_until": until.map(madang_feed::cards::rfc3339),
           "follower_count": profile.follower_count, "following_count": profile.following_count,
           "created_at": madang_feed::cards::rfc3339(profile.created_at)})
}

/// `POST /v1/auth/logout`
pub(crate) async fn logout(call: Call) -> Result<HttpResponse, Problem> {
    let Some(login) = call.login else {
        return Err(Problem::unauthorized("log in first"));
    };
    let answer = call
        .write(b"", async |tx| {
            sessions::end(&mut *tx, &login.token_hash).await?;
            changes::record(tx, &[Change::Sessions(login.who.user)]).await?;
            Ok(Done::empty(Effects { changed: true, viewers: Vec::new(), relations: false }))
        })
        .await?;
    let mut answer = answer;
    answer
        .add_cookie(&auth::cookie(&call.app, ""))
        .map_err(|error| Problem::internal(format!("failed to set a cookie: {error}")))?;
    Ok(answer)
}

/// `GET /v1/me`
pub(crate) async fn me(call: Call) -> Result<HttpResponse, Problem> {
    let profile = own_profile(&call, call.who()?.user).await?;
    json_of(&me_json(&profile, call.now))
}

/// `PATCH /v1/me`
pub(crate) async fn edit(call: Call, body: Body) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let edit = parse_edit(body.parse()?)?;
    for (field, text) in [("name", &edit.name), ("bio", &edit.bio)] {
        if let Some(text) = text {
            check_profile(&call, field, text).await?;
        }
    }
    call.write(body.bytes(), async |tx| {
        users::edit(&mut *tx, who.user, &edit).await?;
        let found = users::by_ids(&mut *tx, &[who.user.get()]).await?;
        let profile = found.first().ok_or_else(|| Problem::unauthorized("this account is gone"))?;
        let answer = me_json(profile, call.now).to_string();
        changes::record(tx, &[Change::Author(who.user)]).await?;
        Ok(Done::json(
            StatusCode::OK,
            answer,
            Effects { changed: true, viewers: Vec::new(), relations: false },
        ))
    })
    .await
}

fn parse_edit(body: EditBody) -> Result<ProfileEdit, Problem> {
    let name = body.name.map(|name| text::parse_line(&name, text::MAX_NAME_CHARS)).transpose();
    let bio = body.bio.map(|bio| text::parse_bio(&bio)).transpose();
    if let Some(language) = body.language.as_deref().filter(|language| !["ko", "en"].contains(language)) {
        return Err(Problem::field("language", format!("must be ko or en, not {language:?}")));
    }
    Ok(ProfileEdit {
        name: name.map_err(|error| Problem::field("name", error))?,
        bio: bio.map_err(|error| Problem::field("bio", error))?,
        language: body.language,
    })
}

/// `DELETE /v1/me`: with the handle once more, since there is no way back.
pub(crate) async fn delete(call: Call, body: Body) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let confirmed: ConfirmBody = body.parse()?;
    let own = own_profile(&call, who.user).await?;
    if confirmed.handle != own.handle {
        return Err(Problem::field("handle", "must repeat your handle to confirm"));
    }
    let limit = call.app.settings.feed.push_limit;
    let mut tx: db::Tx<'_> = call.app.pool.begin().await?;
    accounts::delete(&mut tx, who.user, limit, call.now).await?;
    tx.commit().await?;
    call.app.waker.wake();
    call.app.feed.renew_viewer(who.user, true).await;
    let number = changes::latest(&call.app.pool).await?;
    call.app.feed.publish(number).await;
    call.app.feed.catch_up().await?;
    Ok(HttpResponse::NoContent().cookie(auth::cookie(&call.app, "")).finish())
}

/// `GET /v1/me/export`
pub(crate) async fn export(call: Call) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let mut tx: db::Tx<'_> = call.app.pool.begin().await?;
    let files = exports::everything_about(&mut tx, who.user).await?;
    tx.rollback().await?;
    let packed = tokio::task::spawn_blocking(move || pack(&files)).await.map_err(Problem::internal)??;
    Ok(HttpResponse::Ok()
        .content_type("application/zip")
        .insert_header(("content-disposition", "attachment; filename=\"madang-export.zip\""))
        .body(packed))
}

fn pack(files: &[exports::ExportFile]) -> anyhow::Result<Vec<u8>> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, rows) in files {
        archive.start_file(*name, zip::write::SimpleFileOptions::default())?;
        archive.write_all(&serde_json::to_vec_pretty(rows)?)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// Sends a person as others see them.
pub(crate) fn send(body: &serde_json::Value) -> HttpResponse {
    json(body.to_string())
}
