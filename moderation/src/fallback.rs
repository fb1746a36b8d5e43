//! The rule's own brake: when more than a tenth of its last 200 judged blocks were overturned it only limits
//! from then on, until an admin sets it otherwise; then blocks are counted from there on.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::{
    audit::{self, Act, Actor},
    rule::{RuleSettings, must_fall_back},
    settings,
};

/// Automated blocks that somebody looked at: whose case was decided, or whose appeal was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judged {
    /// How many.
    pub(crate) reviewed: i64,
    /// Those that did not stand: the post was kept, or the appeal won.
    pub(crate) overturned: i64,
}

/// The newest reviewed blocks, at most `limit`, of those imposed between two times.
pub(crate) async fn judged(
    executor: impl PgExecutor<'_>,
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    limit: i64,
) -> sqlx::Result<Judged> {
    sqlx::query_as!(
        Judged,
        r#"SELECT count(*) AS "reviewed!", count(*) FILTER (WHERE overturned) AS "overturned!" FROM (
               SELECT EXISTS (SELECT FROM appeals a WHERE a.decision_id = d.id AND a.state = 'overturned')
                      OR EXISTS (SELECT FROM mod_decisions k WHERE k.case_id = d.case_id AND k.kind = 'keep') AS overturned
               FROM mod_decisions d JOIN mod_cases c ON c.id = d.case_id
               WHERE d.kind = 'block' AND d.automated
                 AND ($1::timestamptz IS NULL OR d.created_at >= $1) AND ($2::timestamptz IS NULL OR d.created_at < $2)
                 AND (c.state = 'decided' OR EXISTS (SELECT FROM appeals a WHERE a.decision_id = d.id AND a.state <> 'open'))
               ORDER BY d.id DESC LIMIT $3) AS last"#,
        from,
        until,
        limit
    )
    .fetch_one(executor)
    .await
}

/// Looks at the last blocks that were judged, and falls back if too many were wrong; for the clock, since moderators
/// who keep blocked posts judge blocks too.
pub async fn review(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    consider(&mut tx, now).await?;
    tx.commit().await
}

/// The same within a transaction.
pub(crate) async fn consider(tx: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<()> {
    let (rule, _) = settings::current(&mut *tx).await?;
    if rule.limit_only {
        return Ok(());
    }
    // Who lets it block again does so knowing of the blocks before: only later ones can end that.
    let since =
        sqlx::query_scalar!("SELECT max(set_at) FROM rule_settings WHERE settings->>'limit_only' = 'true'")
            .fetch_one(&mut *tx)
            .await?;
    let last = judged(&mut *tx, since, None, i64::from(rule.overturn_window)).await?;
    let number = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    if must_fall_back(&rule, number(last.overturned), number(last.reviewed)) {
        fall_back(tx, last, now).await?;
    }
    Ok(())
}

async fn fall_back(tx: &mut PgConnection, last: Judged, now: DateTime<Utc>) -> sqlx::Result<()> {
    // Not waited for: an appeal holds the log's head by now, and who changes the settings waits for that. The
    // clock looks again.
    if !settings::try_lock(&mut *tx).await? {
        return Ok(());
    }
    let (rule, version) = settings::current(&mut *tx).await?;
    if rule.limit_only {
        return Ok(());
    }
    let next = settings::set(&mut *tx, &RuleSettings { limit_only: true, ..rule }, None, now).await?;
    let act = Act {
        actor: Actor::System,
        action: "rule.fell_back",
        object: "rule".to_owned(),
        before: Some(json!({"version": version, "limit_only": false})),
        after: Some(
            json!({"version": next, "limit_only": true, "overturned": last.overturned, "judged": last.reviewed}),
        ),
        request_id: None,
    };
    audit::append(tx, &act).await?;
    metrics::gauge!("madang_rule_limit_only").set(1.0);
    tracing::error!(
        overturned = last.overturned,
        "the auto-block rule fell back to limits: too many blocks were wrong"
    );
    Ok(())
}
