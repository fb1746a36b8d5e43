//! Rows that were refused, kept for whoever looks after the broker's feed.

use chrono::{DateTime, Duration, Utc};
use madang_core::signing;
use serde::Serialize;
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};

use super::row::Refusal;

/// Days a refused row is kept after it came last.
pub const KEPT_DAYS: i64 = 90;

/// A refused row as it goes in.
pub(super) struct Kept<'a> {
    pub(super) trade_id: &'a str,
    pub(super) refusal: &'a Refusal,
    pub(super) sent: Value,
}

/// Keeps refused rows; one that comes again is counted.
pub(super) async fn keep(
    tx: &mut PgConnection,
    rows: &[Kept<'_>],
    source: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let fingerprints: Vec<Vec<u8>> = rows
        .iter()
        .map(|row| signing::fingerprint(&[row.trade_id.as_bytes(), row.sent.to_string().as_bytes()]).to_vec())
        .collect();
    let ids: Vec<String> = rows.iter().map(|row| row.trade_id.to_owned()).collect();
    let codes: Vec<String> = rows.iter().map(|row| row.refusal.code.to_owned()).collect();
    let reasons: Vec<String> =
        rows.iter().map(|row| format!("{}: {}", row.refusal.field, row.refusal.reason)).collect();
    let sent: Vec<Value> = rows.iter().map(|row| bounded(&row.sent)).collect();
    sqlx::query!(
        "INSERT INTO ledger_refusals AS r (fingerprint, trade_id, code, reason, sent, source, received_at, last_at)
         SELECT DISTINCT ON (f, c) f, t, c, why, s, $6, $7, $7
         FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::jsonb[]) AS n (f, t, c, why, s)
         ORDER BY f, c
         ON CONFLICT (fingerprint, code) DO UPDATE SET
             times = r.times + 1, last_at = excluded.last_at, reason = excluded.reason",
        &fingerprints,
        &ids,
        &codes,
        &reasons,
        &sent,
        source,
        now
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// What came is kept as it came, unless it is huge or holds what a database text cannot.
fn bounded(sent: &Value) -> Value {
    let text = sent.to_string();
    if text.len() <= 4_096 && !text.contains("\\u0000") {
        return sent.clone();
    }
    let start: String = text.chars().take(1_000).collect();
    Value::String(start.replace("\\u0000", "\u{FFFD}"))
}

/// A refused row as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct Refused {
    /// Number, for paging.
    #[serde(serialize_with = "as_text")]
    pub id: i64,
    /// The broker's id.
    pub trade_id: String,
    /// Stable code.
    pub code: String,
    /// Field and what is wrong with it.
    pub reason: String,
    /// As it came.
    pub sent: Value,
    /// Who sent it.
    pub source: String,
    /// How often.
    pub times: i32,
    /// First.
    pub received_at: DateTime<Utc>,
    /// Last.
    pub last_at: DateTime<Utc>,
}

fn as_text<S: serde::Serializer>(id: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

/// Refused rows of ids below `below`, newest first. Those whose trade was taken in since are left out.
pub async fn list(executor: impl PgExecutor<'_>, below: i64, limit: i64) -> sqlx::Result<Vec<Refused>> {
    sqlx::query_as!(
        Refused,
        "SELECT id, trade_id, code, reason, sent, source, times, received_at, last_at FROM ledger_refusals r
         WHERE id < $1 AND NOT (code <> 'conflict' AND EXISTS (
             SELECT FROM ledger_entries e WHERE e.trade_id = r.trade_id))
         ORDER BY id DESC LIMIT $2",
        below,
        limit
    )
    .fetch_all(executor)
    .await
}

/// Drops what is older than [`KEPT_DAYS`]. Returns how many.
pub async fn drop_old(executor: impl PgExecutor<'_>, now: DateTime<Utc>, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM ledger_refusals WHERE id IN (
             SELECT id FROM ledger_refusals WHERE last_at < $1 ORDER BY last_at LIMIT $2)",
        now - Duration::days(KEPT_DAYS),
        limit
    )
    .execute(executor)
    .await?;
    Ok(done.rows_affected())
}
