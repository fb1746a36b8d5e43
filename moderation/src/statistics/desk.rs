//! The moderators' desk: what waits, what was appealed, who decided, and what the text rules were worth.

use chrono::{DateTime, Utc};
use madang_core::ids::UserId;
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};

use super::{MAX_ROWS, Spread, share};

/// Undecided cases, as of the window's end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Queue {
    /// All of them.
    pub depth: i64,
    /// Those that wait for a senior moderator.
    pub escalated: i64,
    /// Since the oldest was opened.
    pub oldest_seconds: Option<f64>,
    /// Since they were opened.
    pub age_seconds: Spread,
}

pub(super) async fn queue(tx: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<Queue> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "depth!", count(*) FILTER (WHERE escalated) AS "escalated!",
                  max(age) AS oldest, percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY age) AS percentiles
           FROM (SELECT escalated, greatest(extract(epoch FROM $1::timestamptz - opened_at)::float8, 0) AS age
                 FROM mod_cases WHERE state <> 'decided') AS waiting"#,
        now
    )
    .fetch_one(tx)
    .await?;
    Ok(Queue {
        depth: row.depth,
        escalated: row.escalated,
        oldest_seconds: row.oldest,
        age_seconds: Spread::of(row.depth, row.percentiles),
    })
}

/// Appeals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Appeals {
    /// Waiting, as of the window's end.
    pub open: i64,
    /// Those whose time is over.
    pub overdue: i64,
    /// Sent in the window.
    pub sent: i64,
    /// Answered in the window.
    pub answered: i64,
    /// Those of the answered that won.
    pub overturned: i64,
    /// Overturned of the answered.
    pub overturn_rate: Option<f64>,
    /// Median time from sending to the answer.
    pub median_seconds: Option<f64>,
}

/// Appeals that wait, and how many of them should have been answered.
pub(super) async fn waiting_appeals(
    executor: impl PgExecutor<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "open!", count(*) FILTER (WHERE due_at < $1) AS "overdue!"
           FROM appeals WHERE state = 'open'"#,
        now
    )
    .fetch_one(executor)
    .await?;
    Ok((row.open, row.overdue))
}

/// Appeals of the window; what waits is as of its end.
pub(crate) async fn appeals(
    tx: &mut PgConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Appeals> {
    let (open, overdue) = waiting_appeals(&mut *tx, until).await?;
    let sent = sqlx::query_scalar!(
        r#"SELECT count(*) AS "sent!" FROM appeals WHERE created_at >= $1 AND created_at < $2"#,
        from,
        until
    )
    .fetch_one(&mut *tx)
    .await?;
    let row = sqlx::query!(
        r#"SELECT count(*) AS "answered!", count(*) FILTER (WHERE state = 'overturned') AS "overturned!",
                  percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM decided_at - created_at)::float8) AS median
           FROM appeals WHERE decided_at >= $1 AND decided_at < $2"#,
        from,
        until
    )
    .fetch_one(tx)
    .await?;
    Ok(Appeals {
        open,
        overdue,
        sent,
        answered: row.answered,
        overturned: row.overturned,
        overturn_rate: share(row.overturned, row.answered),
        median_seconds: row.median,
    })
}

/// What one moderator did in the window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reviewer {
    /// Who.
    pub moderator_id: UserId,
    /// Their handle, unless they left.
    pub handle: Option<String>,
    /// Cases they decided.
    pub decisions: i64,
    /// Those in which the post was kept.
    pub kept: i64,
    /// Those in which it was limited.
    pub limited: i64,
    /// Those in which it was taken down.
    pub removed: i64,
    /// Those of these decisions that an appeal overturned, whenever that was.
    pub overturned: i64,
    /// Median time from opening the case to the decision.
    pub median_seconds: Option<f64>,
}

/// The decision that lifts what an appeal overturned is that appeal's and counts for nobody.
pub(super) async fn moderators(
    tx: &mut PgConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Vec<Reviewer>> {
    let rows = sqlx::query!(
        r#"SELECT d.actor_id AS "actor!", max(u.handle) AS handle, count(*) AS "decisions!",
                  count(*) FILTER (WHERE d.kind = 'keep') AS "kept!",
                  count(*) FILTER (WHERE d.kind = 'limit') AS "limited!",
                  count(*) FILTER (WHERE d.kind = 'remove') AS "removed!",
                  count(*) FILTER (WHERE a.state = 'overturned') AS "overturned!",
                  percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM d.created_at - c.opened_at)::float8) AS median
           FROM mod_decisions d JOIN mod_cases c ON c.id = d.case_id
           LEFT JOIN appeals a ON a.decision_id = d.id
           LEFT JOIN users u ON u.id = d.actor_id AND u.deleted_at IS NULL
           WHERE d.created_at >= $1 AND d.created_at < $2 AND d.actor_id IS NOT NULL
             AND NOT EXISTS (SELECT FROM appeals won JOIN mod_decisions lost ON lost.id = won.decision_id
                             WHERE lost.case_id = d.case_id AND won.decided_by = d.actor_id
                               AND won.decided_at = d.created_at)
           GROUP BY d.actor_id ORDER BY count(*) DESC, d.actor_id LIMIT $3"#,
        from,
        until,
        MAX_ROWS
    )
    .fetch_all(tx)
    .await?;
    let reviewers = rows.into_iter().map(|row| Reviewer {
        moderator_id: UserId::new(row.actor),
        handle: row.handle,
        decisions: row.decisions,
        kept: row.kept,
        limited: row.limited,
        removed: row.removed,
        overturned: row.overturned,
        median_seconds: row.median,
    });
    Ok(reviewers.collect())
}

/// What a text rule kept back in the window, and what moderators made of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TextRule {
    /// The rule's number.
    pub rule_id: i64,
    /// Its name at the time of its last find.
    pub name: String,
    /// Cases in which it asked to limit or hold a post.
    pub cases: i64,
    /// Those that wait.
    pub undecided: i64,
    /// Those in which the post was kept: the rule was wrong.
    pub kept: i64,
    /// Those in which it was limited.
    pub limited: i64,
    /// Those in which it was taken down.
    pub removed: i64,
    /// Limited or removed of the decided.
    pub precision: Option<f64>,
}

/// A case is one for each rule that found something in it; the newest verdict of a person counts.
pub(super) async fn text_rules(
    tx: &mut PgConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Vec<TextRule>> {
    let rows = sqlx::query!(
        r#"SELECT (found.hit->>'rule_id')::bigint AS "rule_id!",
                  (array_agg(found.hit->>'name' ORDER BY found.id DESC))[1] AS name, count(*) AS "cases!",
                  count(*) FILTER (WHERE v.kind IS NULL) AS "undecided!",
                  count(*) FILTER (WHERE v.kind = 'keep') AS "kept!",
                  count(*) FILTER (WHERE v.kind = 'limit') AS "limited!",
                  count(*) FILTER (WHERE v.kind = 'remove') AS "removed!"
           FROM (SELECT DISTINCT ON (c.id, hit->'rule_id') c.id, hit
                 FROM mod_cases c CROSS JOIN LATERAL jsonb_array_elements(c.screening->'hits') AS hit
                 WHERE c.opened_at >= $1 AND c.opened_at < $2 AND c.screening IS NOT NULL
                   AND hit->>'mode' = 'active' AND hit->>'action' IN ('limit', 'hold')) AS found
           LEFT JOIN LATERAL (SELECT kind FROM mod_decisions d WHERE d.case_id = found.id AND d.actor_id IS NOT NULL
                              ORDER BY d.id DESC LIMIT 1) AS v ON true
           GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT $3"#,
        from,
        until,
        MAX_ROWS
    )
    .fetch_all(tx)
    .await?;
    let rules = rows.into_iter().map(|row| TextRule {
        rule_id: row.rule_id,
        name: row.name.unwrap_or_default(),
        cases: row.cases,
        undecided: row.undecided,
        kept: row.kept,
        limited: row.limited,
        removed: row.removed,
        precision: share(row.limited + row.removed, row.kept + row.limited + row.removed),
    });
    Ok(rules.collect())
}
