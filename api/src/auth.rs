//! Who is asking: a bearer token or the login cookie, looked up by hash and held for a minute at most; or
//! a JWT of an outside identity provider. Logouts and changes of role drop what is held through the
//! change numbers, so they hold in every process within 200 ms, and in this one at once.

use std::time::{Duration, Instant};

use actix_web::{
    cookie::{Cookie, SameSite},
    http::header::{AUTHORIZATION, HeaderMap},
};
use chrono::{DateTime, Utc};
use madang_core::{
    handle::Handle,
    ids::UserId,
    sessions, signing, standing,
    users::{self, NewUser, Role},
    viewer::Who,
};

use crate::{
    app::App,
    oidc::{Identity, OidcError, Verifier},
    problem::Problem,
};

const HELD_FOR: Duration = Duration::from_secs(60);
const COOKIE: &str = "madang_session";
/// With the `__Host-` prefix a browser takes the cookie from us alone, over https alone.
const SECURE_COOKIE: &str = "__Host-madang_session";

/// A login as held.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Login {
    /// Who.
    pub(crate) who: Who,
    /// What sanctions leave of the account.
    pub(crate) standing: standing::Held,
    /// SHA-256 of the token.
    pub(crate) token_hash: [u8; 32],
    expires_at: DateTime<Utc>,
    read: Instant,
}

/// Logins held by token hash.
pub(crate) struct LoginStore {
    held: quick_cache::sync::Cache<[u8; 32], Login>,
    /// When logins of a person were last ended; what was read before does not count.
    ended: moka::sync::Cache<i64, Instant>,
}

impl std::fmt::Debug for LoginStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LoginStore")
    }
}

impl Default for LoginStore {
    fn default() -> Self {
        let ended = moka::sync::Cache::builder().max_capacity(1_000_000).time_to_live(HELD_FOR * 2);
        Self { held: quick_cache::sync::Cache::new(200_000), ended: ended.build() }
    }
}

impl LoginStore {
    fn get(&self, hash: &[u8; 32], now: DateTime<Utc>) -> Option<Login> {
        let login = self.held.get(hash).filter(|login| login.read.elapsed() < HELD_FOR)?;
        let ended = self.ended.get(&login.who.user.get());
        (login.expires_at > now && ended.is_none_or(|at| at < login.read)).then_some(login)
    }

    pub(crate) fn end_for(&self, user: UserId, at: Instant) {
        self.ended.insert(user.get(), at);
    }

    pub(crate) fn clear(&self) {
        self.held.clear();
    }
}

/// How a token came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// In the `Authorization` header, which no browser adds by itself.
    Header,
    /// In the cookie, which a browser adds to what other sites ask of us.
    Cookie,
}

/// Finds the token of a request.
pub(crate) fn token_of(
    headers: &HeaderMap,
    cookie: Option<String>,
) -> Result<Option<(Carrier, String)>, Problem> {
    let Some(value) = headers.get(AUTHORIZATION) else {
        return Ok(cookie.map(|token| (Carrier::Cookie, token)));
    };
    let token = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    match token {
        Some(token) if !token.is_empty() => Ok(Some((Carrier::Header, token.to_owned()))),
        _ => Err(Problem::unauthorized("the Authorization header must be: Bearer <token>")),
    }
}

/// Finds the login behind a token.
pub(crate) async fn find_login(app: &App, token: &str, now: DateTime<Utc>) -> Result<Option<Login>, Problem> {
    let hash = signing::token_hash(token);
    if let Some(login) = app.logins.get(&hash, now) {
        return Ok(Some(login));
    }
    let read = Instant::now();
    let login = match &app.oidc {
        Some(verifier) if Verifier::looks_like_jwt(token) => {
            let identity = verifier.verify(token, now).await.map_err(|error| match error {
                OidcError::Invalid(why) => Problem::unauthorized(format!("the token is not valid: {why}")),
                OidcError::Unavailable => Problem::unavailable(),
            })?;
            let (who, standing) = person_of(app, &identity, now).await?;
            Some(Login { who, standing, token_hash: hash, expires_at: identity.expires_at, read })
        }
        _ => sessions::find(&app.pool, &hash, now).await?.map(|session| Login {
            who: Who { user: session.user, role: session.role },
            standing: session.standing,
            token_hash: hash,
            expires_at: session.expires_at,
            read,
        }),
    };
    if let Some(login) = login {
        app.logins.held.insert(hash, login);
    }
    Ok(login)
}

/// The person an identity provider vouches for, made at first sight.
async fn person_of(
    app: &App,
    identity: &Identity,
    now: DateTime<Utc>,
) -> Result<(Who, standing::Held), Problem> {
    // Three tries: two requests of one newcomer may race, and a made-up handle may be taken.
    for _ in 0..3 {
        if let Some((user, role, standing)) = users::by_subject(&app.pool, &identity.subject).await? {
            return Ok((Who { user, role }, standing));
        }
        let wanted = identity.preferred_username.as_deref().or(identity.name.as_deref()).unwrap_or("");
        if make_person(app, identity, Handle::for_signup(wanted).ok(), now).await? {
            continue;
        }
        let spare = format!("user_{}", signing::random_token().replace(['-', '_'], "x").to_lowercase());
        let spare: String = spare.chars().take(15).collect();
        make_person(app, identity, Handle::parse(&spare).ok(), now).await?;
    }
    Err(Problem::unavailable())
}

async fn make_person(
    app: &App,
    identity: &Identity,
    handle: Option<Handle>,
    now: DateTime<Utc>,
) -> Result<bool, Problem> {
    let Some(handle) = handle else {
        return Ok(false);
    };
    let name = identity
        .name
        .as_deref()
        .and_then(|name| madang_core::text::parse_line(name, madang_core::text::MAX_NAME_CHARS).ok());
    let english = identity.locale.as_deref().is_some_and(|locale| locale.starts_with("en"));
    let user = NewUser {
        handle: &handle,
        name: name.as_deref().unwrap_or(handle.as_str()),
        language: if english { "en" } else { "ko" },
        role: Role::Investor,
        password_hash: None,
        subject: Some(&identity.subject),
        now,
    };
    match users::create(&app.pool, &user).await {
        Ok(_) => Ok(true),
        Err(error) if madang_core::db::violated(&error) == Some("users_subject_unique") => Ok(true),
        Err(sqlx::Error::RowNotFound) => Ok(false),
        Err(error) if madang_core::db::violated(&error).is_some() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether people come over https.
fn is_https(app: &App) -> bool {
    app.settings.http.public_url.starts_with("https://")
}

/// The cookie's name here.
pub(crate) fn cookie_name(app: &App) -> &'static str {
    if is_https(app) { SECURE_COOKIE } else { COOKIE }
}

/// The login cookie; an empty token removes it.
pub(crate) fn cookie(app: &App, token: &str) -> Cookie<'static> {
    let days = if token.is_empty() { 0 } else { app.settings.auth.session_days };
    Cookie::build(cookie_name(app), token.to_owned())
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(is_https(app))
        .max_age(actix_web::cookie::time::Duration::days(days))
        .finish()
}
