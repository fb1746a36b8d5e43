//! What a handler is given about a request, and how writes are done once however often they are sent.

use std::{future::Ready, net::IpAddr, sync::Arc, time::Duration};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError,
    dev::{Payload, ServiceRequest},
    http::{StatusCode, header::CONTENT_TYPE},
    web,
};
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use madang_core::{
    changes, db,
    idempotency::{self, Answer, Claim, Key, Use},
    ids::UserId,
    signing,
    viewer::Who,
};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use crate::{
    app::App,
    auth::Login,
    limits::{Rate, Subject},
    problem::{FieldError, Problem},
};

/// Most bytes of a body.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// A request that was let in.
#[derive(Clone)]
pub(crate) struct Call {
    /// What the process holds.
    pub(crate) app: Arc<App>,
    /// The login, if any.
    pub(crate) login: Option<Login>,
    /// When the request came.
    pub(crate) now: DateTime<Utc>,
    /// The client's address.
    pub(crate) ip: IpAddr,
    /// Keyed hash of the device it names in `X-Device-Id`.
    pub(crate) device: Option<u64>,
    /// Its id, in the logs and in the answer.
    pub(crate) request_id: String,
    /// The part after `?`.
    query: String,
    /// `Idempotency-Key` as sent.
    key: Option<String>,
    /// Method, path and query, which the key is for.
    target: String,
    subject: Subject,
}

impl Call {
    pub(crate) fn new(app: Arc<App>, req: &ServiceRequest, login: Option<Login>, subject: Subject) -> Self {
        let header =
            |name: &str| req.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let given = header("x-request-id").filter(|id| {
            (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        });
        let key =
            req.headers().get("idempotency-key").map(|value| value.to_str().unwrap_or("\u{FFFD}").to_owned());
        let device = header("x-device-id").filter(|id| (8..=128).contains(&id.len()));
        Self {
            ip: app.limits.client_ip(req.peer_addr(), req.headers()),
            device: device.map(|id| device_hash(&app, &id)),
            app,
            login,
            now: Utc::now(),
            request_id: given.unwrap_or_else(|| uuid::Uuid::now_v7().to_string()),
            query: req.query_string().to_owned(),
            key,
            target: format!("{} {}?{}", req.method(), req.path(), req.query_string()),
            subject,
        }
    }

    /// Who is logged in, where that is optional.
    pub(crate) fn viewer(&self) -> Option<Who> {
        self.login.map(|login| login.who)
    }

    /// Who is logged in; the route table lets nobody else in.
    pub(crate) fn who(&self) -> Result<Who, Problem> {
        self.viewer().ok_or_else(|| Problem::unauthorized("log in first"))
    }

    /// Uses up one action of a kind that depends on the body.
    pub(crate) fn limit(&self, rate: Rate) -> Result<(), Problem> {
        self.app.limits.take(rate, self.subject).map(|_| ())
    }

    /// The key of this request, bound to what it asks.
    pub(crate) fn idempotency(&self, body: &[u8]) -> Result<Option<Use>, Problem> {
        let (Some(key), Some(who)) = (&self.key, self.viewer()) else {
            return Ok(None);
        };
        let key = Key::parse(key).ok_or_else(|| {
            Problem::field("Idempotency-Key", "must be 1 to 255 printable ASCII characters")
        })?;
        let fingerprint = signing::fingerprint(&[self.target.as_bytes(), body]);
        Ok(Some(Use { user: who.user, key, fingerprint }))
    }

    /// Reads the query; unknown names are refused, so that a typing error is not taken for a default.
    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        web::Query::<T>::from_query(&self.query).map(web::Query::into_inner).map_err(|error| {
            let error = error.to_string();
            let message = error.trim_start_matches("Query deserialize error: ");
            Problem::field(message.split('`').nth(1).unwrap_or("query"), message)
        })
    }

    /// Answers with the recorded answer of an earlier request; what it changed is made known once more.
    pub(crate) async fn replay(&self, claim: Claim) -> Result<HttpResponse, Problem> {
        match claim {
            Claim::Replay(answer) if answer.status > 0 => {
                let viewers = self.viewer().map(|who| who.user).into_iter().collect();
                let effects = Effects { changed: true, viewers, relations: true };
                self.make_known(&effects).await?;
                Ok(respond(&answer))
            }
            Claim::Mismatch => Err(Problem::key_reused()),
            Claim::Replay(_) | Claim::InFlight | Claim::New => Err(Problem::in_flight()),
        }
    }

    /// Does a write in one transaction, once for each key. The answer is sent only after the commit is
    /// known to every process that may hold something it makes wrong.
    pub(crate) async fn write<F>(&self, body: &[u8], work: F) -> Result<HttpResponse, Problem>
    where
        F: AsyncFnOnce(&mut PgConnection) -> Result<Done, Problem>,
    {
        let usage = self.idempotency(body)?;
        let mut tx: db::Tx<'_> = self.app.pool.begin().await?;
        if let Some(usage) = &usage {
            match idempotency::claim(&mut tx, usage).await? {
                Claim::New => {}
                used => {
                    tx.rollback().await?;
                    return self.replay(used).await;
                }
            }
        }
        let done = work(&mut tx).await?;
        if let Some(usage) = &usage {
            idempotency::record(&mut tx, usage, &done.answer).await?;
        }
        tx.commit().await?;
        self.app.waker.wake();
        self.make_known(&done.effects).await?;
        Ok(respond(&done.answer))
    }

    /// Tells every process what a commit made wrong; before the answer.
    pub(crate) async fn make_known(&self, effects: &Effects) -> Result<(), Problem> {
        for viewer in &effects.viewers {
            self.app.feed.renew_viewer(*viewer, effects.relations).await;
        }
        if effects.changed {
            let number = changes::latest(&self.app.pool).await?;
            self.app.feed.publish(number).await;
            self.app.feed.catch_up().await?;
        }
        Ok(())
    }
}

/// Devices are told apart, not known.
fn device_hash(app: &App, id: &str) -> u64 {
    let key = app.settings.auth.signing_key.expose_secret();
    let hash = signing::fingerprint(&[b"device", key.as_bytes(), id.as_bytes()]);
    hash.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

/// What a write makes wrong elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// A change was recorded.
    pub(crate) changed: bool,
    /// People whose follows, blocks, mutes or marks changed.
    pub(crate) viewers: Vec<UserId>,
    /// Whether it was more than marks, so that their live streams begin anew.
    pub(crate) relations: bool,
}

/// A write that was done.
#[derive(Debug)]
pub(crate) struct Done {
    answer: Answer,
    effects: Effects,
}

impl Done {
    /// With a JSON body.
    pub(crate) fn json(status: StatusCode, body: String, effects: Effects) -> Self {
        Self { answer: Answer { status: status.as_u16(), body: body.into_bytes() }, effects }
    }

    /// Without a body.
    pub(crate) fn empty(effects: Effects) -> Self {
        Self { answer: Answer { status: 204, body: Vec::new() }, effects }
    }
}

/// Sends an answer as recorded.
pub(crate) fn respond(answer: &Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    if answer.body.is_empty() {
        return response.finish();
    }
    response.content_type("application/json").body(answer.body.clone())
}

/// Sends JSON.
pub(crate) fn json(body: String) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(body)
}

/// Sends a value as JSON.
pub(crate) fn json_of(value: &impl serde::Serialize) -> Result<HttpResponse, Problem> {
    Ok(json(serde_json::to_string(value).map_err(Problem::internal)?))
}

impl FromRequest for Call {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let call = req.extensions().get::<Self>().cloned();
        std::future::ready(call.ok_or_else(|| Problem::internal("a request passed by the guard")))
    }
}

/// Most bytes of a batch from another system.
pub(crate) const MAX_BATCH: usize = 8 * 1024 * 1024;

/// A body: whole, in time, of at most 64 KiB; JSON unless it is empty.
#[derive(Debug, Clone)]
pub(crate) struct Body(Bytes);

/// A body of at most 8 MiB, for routes that only other systems may use.
#[derive(Debug, Clone)]
pub(crate) struct BatchBody(pub(crate) Body);

impl FromRequest for BatchBody {
    type Error = Problem;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Body::take(req, payload, MAX_BATCH);
        Box::pin(async move { body.await.map(Self) })
    }
}

impl Body {
    /// The bytes as sent.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Parses the JSON. What is wrong is named with its field.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        if std::str::from_utf8(&self.0).is_err() {
            return Err(Problem::bad_request("invalid_utf8", "the body must be UTF-8"));
        }
        let mut reader = serde_json::Deserializer::from_slice(&self.0);
        let parsed = serde_path_to_error::deserialize(&mut reader).map_err(|error| bad_json(&error))?;
        reader.end().map_err(|error| Problem::bad_request("invalid_json", error.to_string()))?;
        Ok(parsed)
    }
}

fn bad_json(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let cause = error.inner().to_string();
    if !error.inner().is_data() {
        return Problem::bad_request("invalid_json", format!("the body is not valid JSON: {cause}"));
    }
    let path = error.path().to_string();
    let named = cause.split('`').nth(1).unwrap_or("body");
    let field = if path == "." || path.is_empty() { named.to_owned() } else { path };
    let message = cause.split(" at line ").next().unwrap_or(&cause).to_owned();
    Problem::invalid(vec![FieldError { field, message }])
}

impl FromRequest for Body {
    type Error = Problem;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        Box::pin(Self::take(req, payload, MAX_BODY))
    }
}

impl Body {
    fn take(
        req: &HttpRequest,
        payload: &mut Payload,
        most: usize,
    ) -> impl Future<Output = Result<Self, Problem>> + use<> {
        let payload = payload.take();
        let kind =
            req.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
        let declared =
            req.headers().get("content-length").and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
        let patience = req
            .app_data::<web::Data<Arc<App>>>()
            .map_or(Duration::from_secs(10), |app| app.settings.http.body_timeout);
        async move {
            if declared.is_some_and(|length| length > most) {
                return Err(Problem::too_large(most));
            }
            let body = tokio::time::timeout(patience, read(payload, most))
                .await
                .map_err(|_| Problem::too_slow())??;
            let media = kind.split(';').next().unwrap_or("").trim();
            if !body.is_empty() && !media.eq_ignore_ascii_case("application/json") {
                return Err(Problem::not_json());
            }
            Ok(Self(body))
        }
    }
}

async fn read(mut payload: Payload, most: usize) -> Result<Bytes, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            tracing::debug!(status = %error.status_code(), "a body broke off");
            Problem::bad_request("broken_body", "the body broke off")
        })?;
        if body.len() + chunk.len() > most {
            return Err(Problem::too_large(most));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
