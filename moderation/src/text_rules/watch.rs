//! What rules find, watched: a new one that catches too much goes back, and old finds are dropped.

use chrono::{DateTime, Utc};
use madang_core::changes::{self, Change};
use serde_json::json;
use sqlx::{PgConnection, PgExecutor};

use super::LOCK;
use crate::audit::{self, Act, Actor};

/// What has acted for less than this is watched …
const WATCHED: &str = "24 hours";
/// … once so many posts were screened, …
const WATCH_FROM: i64 = 500;
/// … and goes back into shadow when it catches more than this share of them.
const MOST_CAUGHT: f64 = 0.02;

/// Puts operators' rules back into shadow that catch far too much in their first day. Returns how many.
pub async fn watch_new(tx: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<usize> {
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", LOCK).fetch_one(&mut *tx).await?;
    let caught = sqlx::query!(
        r#"SELECT r.id, r.version, h.caught AS "caught!", s.screened AS "screened!"
           FROM text_rules r
           CROSS JOIN LATERAL (SELECT (SELECT count(*) FROM text_rule_hits
                                       WHERE rule_id = r.id AND mode = 'active' AND at >= r.active_since)
                                      + (SELECT coalesce(sum(refused), 0)::bigint FROM text_rule_refusals
                                         WHERE rule_id = r.id AND hour >= date_trunc('hour', r.active_since)) AS caught) h
           CROSS JOIN LATERAL (SELECT coalesce(sum(screened), 0)::bigint AS screened FROM text_screenings
                               WHERE hour >= date_trunc('hour', r.active_since)) s
           WHERE r.mode = 'active' AND NOT (r.built_in AND r.version = 1)
             AND r.active_since > $1::timestamptz - $2::text::interval
             AND s.screened >= $3 AND h.caught > $4::float8 * s.screened
           ORDER BY r.id FOR UPDATE OF r"#,
        now,
        WATCHED,
        WATCH_FROM,
        MOST_CAUGHT
    )
    .fetch_all(&mut *tx)
    .await?;
    for row in &caught {
        sqlx::query!(
            "UPDATE text_rules SET mode = 'shadow', shadow_since = $2, active_since = NULL, version = version + 1,
                 changed_by = NULL, changed_at = $2 WHERE id = $1",
            row.id,
            now
        )
        .execute(&mut *tx)
        .await?;
        let act = Act {
            actor: Actor::System,
            action: "text_rule.fell_back",
            object: format!("text_rule:{}", row.id),
            before: Some(json!({"mode": "active", "version": row.version})),
            after: Some(json!({"mode": "shadow", "caught": row.caught, "screened": row.screened})),
            request_id: None,
        };
        audit::append(&mut *tx, &act).await?;
        metrics::counter!("madang_text_rules_fell_back_total").increment(1);
        tracing::error!(
            rule = row.id,
            caught = row.caught,
            screened = row.screened,
            "a text rule went back into shadow: it caught far too much"
        );
    }
    if !caught.is_empty() {
        changes::record(tx, &[Change::Rules]).await?;
    }
    Ok(caught.len())
}

/// Drops trials that allow nothing any more.
pub async fn drop_old_trials(executor: impl PgExecutor<'_>) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM text_rule_trials WHERE tried_at < now() - interval '7 days'")
        .execute(executor)
        .await?;
    Ok(())
}

/// Drops what rules found more than 30 days ago. Returns how many rows.
pub async fn drop_old_hits(executor: impl PgExecutor<'_>, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM text_rule_hits WHERE (rule_id, post_id) IN (
             SELECT rule_id, post_id FROM text_rule_hits WHERE at < now() - interval '30 days' ORDER BY at LIMIT $1)",
        limit
    )
    .execute(executor)
    .await?;
    Ok(done.rows_affected())
}
