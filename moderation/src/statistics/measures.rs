//! What was done about posts: how fast, how rightly, and how many had seen them by then.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;

use super::{Spread, share};
use crate::fallback;

/// Posts the rule blocked by itself, by the time of the block.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AutoBlocks {
    /// Blocks.
    pub imposed: i64,
    /// Those somebody looked at: the case was decided, or an appeal answered.
    pub reviewed: i64,
    /// Those that stood. That a moderator eased one to a limit counts as standing.
    pub upheld: i64,
    /// Those that did not: the post was kept, or the appeal won.
    pub overturned: i64,
    /// Upheld of the reviewed.
    pub precision: Option<f64>,
}

pub(super) async fn auto_blocks(
    tx: &mut PgConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<AutoBlocks> {
    let imposed = sqlx::query_scalar!(
        r#"SELECT count(*) AS "imposed!" FROM mod_decisions
           WHERE kind = 'block' AND automated AND created_at >= $1 AND created_at < $2"#,
        from,
        until
    )
    .fetch_one(&mut *tx)
    .await?;
    let judged = fallback::judged(tx, Some(from), Some(until), i64::MAX).await?;
    let upheld = judged.reviewed - judged.overturned;
    Ok(AutoBlocks {
        imposed,
        reviewed: judged.reviewed,
        upheld,
        overturned: judged.overturned,
        precision: share(upheld, judged.reviewed),
    })
}

/// Seconds from the first report of a case, by what they led to within the window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Times {
    /// Until the rule limited the post.
    pub to_limit: Spread,
    /// Until the rule blocked it.
    pub to_block: Spread,
    /// Until a moderator decided.
    pub to_verdict: Spread,
}

/// Measures of the text rules have no categories of reports: they came before any.
pub(super) async fn times(
    tx: &mut PgConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Times> {
    let rows = sqlx::query!(
        r#"SELECT what AS "what!", count(*) AS "count!",
                  percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM at - first)::float8)
                      AS percentiles
           FROM (SELECT kind AS what, case_id, created_at AS at FROM mod_decisions
                 WHERE automated AND kind IN ('limit', 'block') AND categories <> '{}'
                   AND created_at >= $1 AND created_at < $2
                 UNION ALL
                 SELECT 'verdict', id, decided_at FROM mod_cases WHERE decided_at >= $1 AND decided_at < $2) AS done
           CROSS JOIN LATERAL (SELECT min(created_at) AS first FROM reports r WHERE r.case_id = done.case_id) AS reported
           WHERE first <= at GROUP BY what"#,
        from,
        until
    )
    .fetch_all(tx)
    .await?;
    let none = Spread::of(0, None);
    let mut times = Times { to_limit: none, to_block: none, to_verdict: none };
    for row in rows {
        let spread = Spread::of(row.count, row.percentiles);
        match row.what.as_str() {
            "limit" => times.to_limit = spread,
            "block" => times.to_block = spread,
            _ => times.to_verdict = spread,
        }
    }
    Ok(times)
}

/// People who had seen the posts that the rule blocked in the window.
pub(super) async fn exposure(
    tx: &mut PgConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Spread> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "count!",
                  percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY c.viewers::float8) AS percentiles
           FROM mod_cases c JOIN mod_decisions d ON d.case_id = c.id
           WHERE d.kind = 'block' AND d.automated AND d.created_at >= $1 AND d.created_at < $2
             AND c.viewers IS NOT NULL"#,
        from,
        until
    )
    .fetch_one(tx)
    .await?;
    Ok(Spread::of(row.count, row.percentiles))
}
