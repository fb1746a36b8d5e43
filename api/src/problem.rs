//! Errors as the client sees them: `application/problem+json` (RFC 9457) with a stable `code`. This is
//! the only place that turns failures into answers; a 500 says nothing, its cause is logged here, once.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{ALLOW, HeaderValue, LOCATION, RETRY_AFTER},
    },
};
use madang_core::db;
use madang_feed::ReadError;
use serde::Serialize;

/// What is wrong with one field of the input.
#[derive(Debug, Clone, Serialize, PartialEq, Eq, utoipa::ToSchema)]
pub(crate) struct FieldError {
    /// Name of the field, header or parameter.
    pub(crate) field: String,
    /// What would be right.
    pub(crate) message: String,
}

/// A refusal; boxed, since it travels in every `Result`.
#[derive(Debug, Clone)]
pub(crate) struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    retry_after: Option<u64>,
    header: Option<(actix_web::http::header::HeaderName, String)>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            status,
            code,
            title,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
            header: None,
        }))
    }

    /// 400: the request itself cannot be read.
    pub(crate) fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, "The request cannot be read", detail)
    }

    /// 401: no login, or one that is not valid (any more).
    pub(crate) fn unauthorized(detail: impl Into<String>) -> Self {
        let mut problem =
            Self::new(StatusCode::UNAUTHORIZED, "login_required", "A login is required", detail);
        problem.0.header = Some((actix_web::http::header::WWW_AUTHENTICATE, "Bearer".into()));
        problem
    }

    /// 403: logged in, but not allowed.
    pub(crate) fn forbidden(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, "This is not allowed", detail)
    }

    /// 404: not there, or not for this viewer.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", format!("there is no such {what}"))
    }

    /// 404: a person shows nothing of that, or there is nothing; which of both is theirs to say.
    pub(crate) fn not_disclosed(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_disclosed", "Not disclosed", detail.to_owned())
    }

    /// Whether nothing was there.
    pub(crate) fn is_not_found(&self) -> bool {
        self.0.status == StatusCode::NOT_FOUND
    }

    /// 308: the same thing lives elsewhere now.
    pub(crate) fn moved(to: String) -> Self {
        let detail = format!("this instrument is called {to} now");
        let mut problem = Self::new(StatusCode::PERMANENT_REDIRECT, "renamed", "Renamed", detail);
        problem.0.header = Some((LOCATION, to));
        problem
    }

    /// 405 with what would be allowed.
    pub(crate) fn method_not_allowed(allowed: &str) -> Self {
        let detail = format!("this address answers {allowed}");
        let mut problem =
            Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed", detail);
        problem.0.header = Some((ALLOW, allowed.to_owned()));
        problem
    }

    /// 409: the state of things does not allow it.
    pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "This conflicts with the present state", detail)
    }

    /// The same, saying what it is about.
    pub(crate) fn about(mut self, what: &str) -> Self {
        self.0.detail = format!("{what}: {}", self.0.detail);
        self
    }

    /// The same, with what is in the way, one by one.
    pub(crate) fn listing(mut self, errors: Vec<FieldError>) -> Self {
        let details: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
        self.0.detail = format!("{}: {}", self.0.detail, details.join("; "));
        self.0.errors = errors;
        self
    }

    /// 410: the frozen list behind a cursor is gone.
    pub(crate) fn cursor_expired() -> Self {
        Self::new(
            StatusCode::GONE,
            "cursor_expired",
            "The cursor has expired",
            "start again without a cursor",
        )
    }

    /// 413.
    pub(crate) fn too_large(max: usize) -> Self {
        let detail = format!("a body has at most {max} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large", detail)
    }

    /// 431.
    pub(crate) fn head_too_large(max: usize) -> Self {
        let detail = format!("the address and the headers together have at most {max} bytes");
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        Self::new(status, "head_too_large", "The headers are too large", detail)
    }

    /// 415.
    pub(crate) fn not_json() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            "The body must be JSON",
            "send the header Content-Type: application/json",
        )
    }

    /// 422 with what is wrong where.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = errors
            .iter()
            .map(|error| format!("{}: {}", error.field, error.message))
            .collect::<Vec<_>>()
            .join("; ");
        let mut problem =
            Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_input", "The input is not valid", detail);
        problem.0.errors = errors;
        problem
    }

    /// 422 about one field.
    pub(crate) fn field(field: &str, message: impl fmt::Display) -> Self {
        Self::invalid(vec![FieldError { field: field.to_owned(), message: message.to_string() }])
    }

    /// 422: the key was used for something else.
    pub(crate) fn key_reused() -> Self {
        let mut problem = Self::field("Idempotency-Key", "was used for a different request; use a new key");
        problem.0.code = "idempotency_key_reused";
        problem
    }

    /// 429: the day's reports are used up.
    pub(crate) fn report_budget(limit: i64, retry_after: u64) -> Self {
        let mut problem = Self::too_many(retry_after);
        problem.0.code = "report_budget";
        problem.0.detail = format!("you can file {limit} reports in 24 hours; the next in {retry_after} s");
        problem
    }

    /// 429.
    pub(crate) fn too_many(retry_after: u64) -> Self {
        let detail = format!("try again in {retry_after} s");
        let mut problem =
            Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many requests", detail);
        problem.0.retry_after = Some(retry_after);
        problem
    }

    /// 409 while the first use of a key is still at work.
    pub(crate) fn in_flight() -> Self {
        let mut problem = Self::conflict("in_flight", "the first request with this key is still at work");
        problem.0.retry_after = Some(1);
        problem
    }

    /// 408: the body came too slowly.
    pub(crate) fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "body_timeout",
            "The body came too slowly",
            "send the whole body at once",
        )
    }

    /// 503: a store is away.
    pub(crate) fn unavailable() -> Self {
        let mut problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Temporarily unavailable",
            "a store does not answer; try again soon",
        );
        problem.0.retry_after = Some(2);
        problem
    }

    /// 503: search does not answer; everything else does.
    pub(crate) fn search_away() -> Self {
        let mut problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "search_unavailable",
            "Search is temporarily unavailable",
            "search does not answer just now; posts and feeds do; try again soon",
        );
        problem.0.retry_after = Some(3);
        problem
    }

    /// 500; the cause goes to the log and nowhere else.
    pub(crate) fn internal(cause: impl fmt::Display) -> Self {
        tracing::error!(error = %cause, "request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong on our side",
            "the error was logged; try again",
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    fn error_response(&self) -> HttpResponse {
        let body = Body {
            r#type: format!("urn:madang:problem:{}", self.0.code),
            title: self.0.title,
            status: self.0.status.as_u16(),
            code: self.0.code,
            detail: &self.0.detail,
            errors: &self.0.errors,
        };
        let mut response = HttpResponse::build(self.0.status);
        if let Some(secs) = self.0.retry_after {
            response.insert_header((RETRY_AFTER, secs));
        }
        if let Some((name, value)) = &self.0.header
            && let Ok(value) = HeaderValue::from_str(value)
        {
            response.insert_header((name.clone(), value));
        }
        response.content_type("application/problem+json").body(serde_json::to_vec(&body).unwrap_or_default())
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        if db::is_away(&error) {
            tracing::warn!(%error, "PostgreSQL is away");
            return Self::unavailable();
        }
        if db::is_conflict(&error) {
            tracing::warn!(%error, "a transaction gave way to another");
            return Self::unavailable();
        }
        if db::is_lock_timeout(&error) {
            return Self::in_flight();
        }
        Self::internal(error)
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::BadCursor => {
                Self::bad_request("bad_cursor", "the cursor does not belong to this list; start without one")
            }
            ReadError::Expired => Self::cursor_expired(),
            ReadError::Database(error) => error.into(),
        }
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        Self::internal(format!("{error:#}"))
    }
}
