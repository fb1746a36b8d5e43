//! Rights claims as the role `legal` reads them.

use chrono::{DateTime, Utc};
use madang_core::ids::{LegalRequestId, PostId, UserId};
use serde::Serialize;
use sqlx::PgExecutor;

use crate::statements::Ground;

/// A claim as the role `legal` reads it.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// Id.
    pub id: LegalRequestId,
    /// The post.
    pub post_id: PostId,
    /// What it says.
    pub body: String,
    /// Who claims.
    pub claimant: String,
    /// Which right.
    pub ground: Ground,
    /// How they show it.
    pub proof: String,
    /// `open`, `restored`, `removed`, `expired` or `withdrawn`.
    pub state: String,
    /// By whom it was filed.
    pub filed_by: UserId,
    /// When.
    pub filed_at: DateTime<Utc>,
    /// When the post is back unless it is decided.
    pub deadline: DateTime<Utc>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// What the author says against it, while that waits for a decision.
    pub objection: Option<String>,
}

/// Claims, newest first, of ids below `below`; or only those that wait: open, or decided and objected to.
pub async fn list(
    executor: impl PgExecutor<'_>,
    open_only: bool,
    below: i64,
    limit: i64,
) -> sqlx::Result<Vec<Listed>> {
    let rows = sqlx::query!(
        r#"SELECT l.id, l.post_id, p.body, l.claimant, l.ground, l.proof, l.state, l.filed_by, l.filed_at, l.deadline,
                  l.decided_at, a.body AS "objection?"
           FROM legal_requests l JOIN posts p ON p.id = l.post_id
           LEFT JOIN appeals a ON a.post_id = l.post_id AND a.case_id IS NULL AND a.state = 'open'
           WHERE l.id < $1 AND (NOT $2 OR l.state = 'open' OR (l.state = 'removed' AND a.id IS NOT NULL))
           ORDER BY l.id DESC LIMIT $3"#,
        below,
        open_only,
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Listed {
            id: LegalRequestId::new(row.id),
            post_id: PostId::new(row.post_id),
            body: row.body,
            claimant: row.claimant,
            ground: Ground::from_column(&row.ground),
            proof: row.proof,
            state: row.state,
            filed_by: UserId::new(row.filed_by),
            filed_at: row.filed_at,
            deadline: row.deadline,
            decided_at: row.decided_at,
            objection: row.objection,
        })
        .collect())
}
