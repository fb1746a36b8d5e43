//! What moderation did and how well, for those who do it.

use actix_web::HttpResponse;
use madang_moderation::statistics;
use serde::Deserialize;
use serde_json::json;

use super::account::send;
use crate::{call::Call, problem::Problem};

/// Days looked back unless asked otherwise.
const DEFAULT_DAYS: i64 = 30;
/// Days looked back at most.
const MAX_DAYS: i64 = 90;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatsQuery {
    days: Option<String>,
}

impl StatsQuery {
    /// 1 to 90, by default 30.
    fn days(&self) -> Result<i64, Problem> {
        let Some(text) = self.days.as_deref() else { return Ok(DEFAULT_DAYS) };
        let days = text.parse().ok().filter(|days| (1..=MAX_DAYS).contains(days));
        days.ok_or_else(|| Problem::field("days", "must be from 1 to 90"))
    }
}

/// `GET /v1/moderation/stats`
pub(crate) async fn stats(call: Call) -> Result<HttpResponse, Problem> {
    let query: StatsQuery = call.query()?;
    let from = call.now - chrono::Duration::days(query.days()?);
    Ok(send(&json!(statistics::stats(&call.app.pool, from, call.now).await?)))
}
