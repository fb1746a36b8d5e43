//! What happens to every request: its route is looked up in the table, the address and the person are
//! rate-limited, the login is found, the role is checked, a foreign site's request by cookie is refused,
//! and the answer gets its security headers. Only then does a handler run.

use std::{sync::Arc, time::Instant};

use actix_web::{
    Error, HttpMessage, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType, Method,
        header::{HeaderName, HeaderValue, ORIGIN},
    },
    middleware::Next,
    web::Data,
};
use chrono::Utc;
use tracing::Instrument;

use madang_core::standing::Standing;

use crate::{
    app::App,
    auth::{self, Carrier, Login},
    call::Call,
    limits::{Left, Rate, Subject},
    problem::Problem,
    routes::{Access, RouteTable, Rule},
};

/// Longest time any answer but a stream may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

const SECURITY_HEADERS: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];
const STRICT_CSP: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// The document viewer brings scripts and styles of its own, all from here.
const DOCS_CSP: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/// The middleware.
pub(crate) async fn guard(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let method = req.method().clone();
    let docs = req.path().starts_with("/docs");
    let (pattern, admitted) = admit(&req).await;
    let (mut response, left) = match admitted {
        Ok(Admitted { call, streams, left }) => {
            let request_id = call.request_id.clone();
            req.extensions_mut().insert(call);
            let mut response = run(req, next, streams).await?;
            if let Ok(value) = HeaderValue::from_str(&request_id) {
                response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
            }
            (response, left)
        }
        Err(problem) => (req.into_response(problem.error_response()).map_into_boxed_body(), None),
    };
    add_headers(&mut response, left, docs);
    close_if_stopping(&mut response);
    measure(&method, pattern, &response, began);
    Ok(response)
}

async fn run(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    streams: bool,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let answer = next.call(req);
    if streams {
        return Ok(answer.await?.map_into_boxed_body());
    }
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(response) => Ok(response?.map_into_boxed_body()),
        Err(_) => Err(Problem::unavailable().into()),
    }
}

struct Admitted {
    call: Call,
    streams: bool,
    left: Option<Left>,
}

/// Longest head taken; the server library itself cuts off far longer ones, without a word.
const MAX_HEAD: usize = 32 * 1024;

fn head_bytes(req: &ServiceRequest) -> usize {
    let target = req.uri().path_and_query().map_or(0, |target| target.as_str().len());
    req.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>() + target
}

async fn admit(req: &ServiceRequest) -> (&'static str, Result<Admitted, Problem>) {
    let Some(table) = req.app_data::<Data<RouteTable>>() else {
        return ("", Err(Problem::internal("no route table")));
    };
    let Some(app) = req.app_data::<Data<Arc<App>>>() else {
        return ("", Err(Problem::internal("no application state")));
    };
    if head_bytes(req) > MAX_HEAD {
        return ("", Err(Problem::head_too_large(MAX_HEAD)));
    }
    let found = req.match_pattern().and_then(|pattern| table.resource(&pattern));
    let Some(resource) = found else {
        let unlimited = app.limits.take_address(app.limits.client(req.peer_addr(), req.headers()));
        return ("unknown", Err(unlimited.err().unwrap_or_else(|| Problem::not_found("address"))));
    };
    let method = if *req.method() == Method::HEAD { &Method::GET } else { req.method() };
    let Some(rule) = resource.rule(method) else {
        return (resource.pattern, Err(Problem::method_not_allowed(&resource.allowed())));
    };
    let admitted = admit_to(req, app.get_ref(), rule).await;
    let admitted = admitted.map(|(call, left)| Admitted { call, streams: rule.streams, left });
    (resource.pattern, admitted)
}

async fn admit_to(
    req: &ServiceRequest,
    app: &Arc<App>,
    Rule { access, rate, open_to_suspended, .. }: Rule,
) -> Result<(Call, Option<Left>), Problem> {
    let address = app.limits.client(req.peer_addr(), req.headers());
    if rate == Rate::Free && access == Access::Public {
        return Ok((Call::new(app.clone(), req, None, address), None));
    }
    app.limits.take_address(address)?;
    let login = find_login(req, app, access).await?;
    access.check(login.map(|login| login.who.role))?;
    if let Some(login) = login.filter(|_| !open_to_suspended) {
        refuse_suspended(&login)?;
    }
    let subject = login.map_or(address, |login| Subject::User(login.who.user.get()));
    let left = app.limits.take(rate, subject)?;
    Ok((Call::new(app.clone(), req, login, subject), left))
}

/// Suspended accounts read, object and leave.
fn refuse_suspended(login: &Login) -> Result<(), Problem> {
    let until = login
        .standing
        .until(Utc::now())
        .map_or_else(String::new, |until| format!(" until {}", until.to_rfc3339()));
    match login.standing.at(Utc::now()) {
        Standing::Good | Standing::Limited => Ok(()),
        Standing::Suspended => Err(Problem::forbidden(
            "account_suspended",
            format!(
                "this account may read, not write,{until}; see GET /v1/me/sanctions for why and how to appeal"
            ),
        )),
        Standing::Banned => Err(Problem::forbidden(
            "account_banned",
            "this account may read, not write; see GET /v1/me/sanctions for why and how to appeal",
        )),
    }
}

async fn find_login(req: &ServiceRequest, app: &Arc<App>, access: Access) -> Result<Option<Login>, Problem> {
    let cookie = req.cookie(auth::cookie_name(app)).map(|cookie| cookie.value().to_owned());
    let Some((carrier, token)) = auth::token_of(req.headers(), cookie)? else {
        return Ok(None);
    };
    let login = auth::find_login(app, &token, Utc::now()).await?;
    if login.is_some() && carrier == Carrier::Cookie && !req.method().is_safe() {
        refuse_foreign_site(req, app)?;
    }
    // A stale cookie must not keep anybody from reading or from logging in again.
    let forgivable = carrier == Carrier::Cookie && access == Access::Public;
    if login.is_none() && !forgivable {
        return Err(Problem::unauthorized("the token is not valid, or has expired; log in again"));
    }
    Ok(login)
}

/// Browsers say where a request comes from; one that says nothing at all is none of a page's.
fn refuse_foreign_site(req: &ServiceRequest, app: &App) -> Result<(), Problem> {
    let header = |name: HeaderName| req.headers().get(name).and_then(|value| value.to_str().ok());
    let site = header(HeaderName::from_static("sec-fetch-site"));
    let ours = match (site, header(ORIGIN)) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => origin == app.settings.http.public_url,
        (None, None) => false,
    };
    if ours {
        return Ok(());
    }
    Err(Problem::forbidden(
        "foreign_site",
        "with the login cookie, writes are accepted from our own pages only",
    ))
}

/// One line a request. Paths carry no secrets; queries may, and are left out.
pub(crate) async fn log(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let began = Instant::now();
    let (method, path) = (req.method().clone(), req.path().to_owned());
    let quiet = path == "/healthz";
    let span = tracing::info_span!("request", %method, path);
    let response = next.call(req).instrument(span).await?;
    if !quiet {
        let id = response.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or("");
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::info!(
            request.id = id, %method, path, status = response.status().as_u16(), duration_us = micros, "request"
        );
    }
    Ok(response)
}

fn add_headers(response: &mut ServiceResponse<BoxBody>, left: Option<Left>, docs: bool) {
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let csp = HeaderName::from_static("content-security-policy");
    headers.insert(csp, HeaderValue::from_static(if docs { DOCS_CSP } else { STRICT_CSP }));
    if !docs {
        headers.insert(HeaderName::from_static("cache-control"), HeaderValue::from_static("no-store"));
    }
    if let Some(left) = left {
        headers.insert(HeaderName::from_static("ratelimit-limit"), HeaderValue::from(left.limit));
        headers.insert(HeaderName::from_static("ratelimit-remaining"), HeaderValue::from(left.remaining));
    }
}

/// While the process drains, clients are told not to send anything more here: a connection kept alive
/// would be cut under a request that is already on its way.
fn close_if_stopping(response: &mut ServiceResponse<BoxBody>) {
    let app = response.request().app_data::<Data<Arc<App>>>();
    if app.is_some_and(|app| app.stopping.is_cancelled()) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
}

fn measure(method: &Method, pattern: &'static str, response: &ServiceResponse<BoxBody>, began: Instant) {
    let method = match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    };
    let class = match response.status().as_u16() / 100 {
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    };
    metrics::counter!("madang_http_requests_total", "method" => method, "route" => pattern, "status" => class)
        .increment(1);
    metrics::histogram!("madang_http_request_seconds", "method" => method, "route" => pattern)
        .record(began.elapsed().as_secs_f64());
}
