//! What a month did about accounts, on rights claims, and for posts that were hidden wrongly.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;

/// Sanctions of one kind for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SanctionCount {
    /// What was done: `warning`, `strike`, `limit`, `suspend`, `ban`.
    pub kind: String,
    /// For what.
    pub reason: String,
    /// How often.
    pub imposed: i64,
    /// How many of these were ended before their time.
    pub lifted: i64,
}

/// Claims of one right (임시조치).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClaimCount {
    /// Which right.
    pub ground: String,
    /// Filed in the month.
    pub filed: i64,
    /// Of these: the post is back, by decision.
    pub restored: i64,
    /// The post was taken down.
    pub removed: i64,
    /// The claimant took it back.
    pub withdrawn: i64,
    /// Nobody decided in 30 days.
    pub expired: i64,
    /// Waiting.
    pub open: i64,
}

/// Reach that posts were owed whose measures did not stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Restitution {
    /// Posts restored in the month.
    pub posts: i64,
    /// Readers they were owed.
    pub viewers_owed: i64,
    /// Readers they won back, of those whose window is over.
    pub viewers_won_back: i64,
    /// Readers owed to those whose window is over.
    pub viewers_owed_closed: i64,
    /// Posts whose window is not over.
    pub open: i64,
}

/// Counts sanctions.
pub(super) async fn sanctions(
    tx: &mut PgConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Vec<SanctionCount>> {
    sqlx::query_as!(
        SanctionCount,
        r#"SELECT kind, reason_code AS reason, count(*) AS "imposed!",
                  count(*) FILTER (WHERE ended_by IS NOT NULL) AS "lifted!"
           FROM sanctions WHERE created_at >= $1 AND created_at < $2
           GROUP BY kind, reason_code ORDER BY kind, count(*) DESC, reason_code"#,
        from,
        until
    )
    .fetch_all(tx)
    .await
}

/// Counts rights claims.
pub(super) async fn claims(
    tx: &mut PgConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Vec<ClaimCount>> {
    sqlx::query_as!(
        ClaimCount,
        r#"SELECT ground, count(*) AS "filed!", count(*) FILTER (WHERE state = 'restored') AS "restored!",
                  count(*) FILTER (WHERE state = 'removed') AS "removed!",
                  count(*) FILTER (WHERE state = 'withdrawn') AS "withdrawn!",
                  count(*) FILTER (WHERE state = 'expired') AS "expired!", count(*) FILTER (WHERE state = 'open') AS "open!"
           FROM legal_requests WHERE filed_at >= $1 AND filed_at < $2 GROUP BY ground ORDER BY count(*) DESC, ground"#,
        from,
        until
    )
    .fetch_all(tx)
    .await
}

/// Counts restitutions.
pub(crate) async fn restitution(
    tx: &mut PgConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Restitution> {
    sqlx::query_as!(
        Restitution,
        r#"SELECT count(*) AS "posts!", coalesce(sum(viewers_owed), 0) AS "viewers_owed!",
                  coalesce(sum(viewers_after - viewers_before), 0) AS "viewers_won_back!",
                  coalesce(sum(viewers_owed) FILTER (WHERE closed_at IS NOT NULL), 0) AS "viewers_owed_closed!",
                  count(*) FILTER (WHERE closed_at IS NULL) AS "open!"
           FROM restitutions WHERE restored_at >= $1 AND restored_at < $2"#,
        from,
        until
    )
    .fetch_one(tx)
    .await
}
