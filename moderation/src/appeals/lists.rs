//! Appeals as their authors and as moderators see them.

use chrono::{DateTime, Utc};
use madang_core::ids::{AppealId, CaseId, DecisionId, PostId, SanctionId, UserId};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgExecutor;

/// An appeal as its author sees it.
#[derive(Debug, Clone, Serialize)]
pub struct OwnAppeal {
    /// Id.
    pub id: AppealId,
    /// Against which decision, …
    pub decision_id: Option<DecisionId>,
    /// … or against which sanction.
    pub sanction_id: Option<SanctionId>,
    /// About which post.
    pub post_id: Option<PostId>,
    /// What was written.
    pub body: String,
    /// `open`, `upheld` or `overturned`.
    pub state: String,
    /// The moderator's words.
    pub answer: String,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
    /// By when it is to be decided.
    pub due_at: DateTime<Utc>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
}

/// An author's appeals, newest first, of ids below `below`.
pub async fn of_author(
    executor: impl PgExecutor<'_>,
    author: UserId,
    below: i64,
    limit: i64,
) -> sqlx::Result<Vec<OwnAppeal>> {
    let rows = sqlx::query!(
        "SELECT id, decision_id, sanction_id, post_id, body, state, answer, created_at, due_at, decided_at FROM appeals
         WHERE author_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        author.get(),
        below,
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| OwnAppeal {
            id: AppealId::new(row.id),
            decision_id: row.decision_id.map(DecisionId::new),
            sanction_id: row.sanction_id.map(SanctionId::new),
            post_id: row.post_id.map(PostId::new),
            body: row.body,
            state: row.state,
            answer: row.answer,
            created_at: row.created_at,
            due_at: row.due_at,
            decided_at: row.decided_at,
        })
        .collect())
}

/// An appeal that waits, as a moderator sees it.
#[derive(Debug, Clone, Serialize)]
pub struct Waiting {
    /// Id.
    pub id: AppealId,
    /// The case with all that explains the decision.
    pub case_id: Option<CaseId>,
    /// The decision, …
    pub decision_id: Option<DecisionId>,
    /// … or the sanction.
    pub sanction_id: Option<SanctionId>,
    /// The post.
    pub post_id: Option<PostId>,
    /// Who appeals.
    pub author_id: UserId,
    /// What the author wrote.
    pub body: String,
    /// The statement they were sent.
    pub statement: Value,
    /// Whether no person decided.
    pub automated: bool,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
    /// By when it is to be decided.
    pub due_at: DateTime<Utc>,
}

/// Appeals that wait and that this moderator may decide, the most urgent first, after a place: the due time
/// in microseconds and the id of the last one seen.
pub async fn waiting(
    executor: impl PgExecutor<'_>,
    moderator: UserId,
    after: Option<(i64, i64)>,
    limit: i64,
) -> sqlx::Result<Vec<Waiting>> {
    let (due, id) = after.unwrap_or((0, 0));
    let due = DateTime::from_timestamp_micros(due).unwrap_or_default();
    let rows = sqlx::query!(
        r#"SELECT a.id, coalesce(a.case_id, s.case_id) AS case_id, a.decision_id, a.sanction_id, a.post_id, a.author_id, a.body,
                  coalesce(d.statement, s.statement) AS "statement!", coalesce(d.automated, false) AS "automated!",
                  a.created_at, a.due_at
           FROM appeals a LEFT JOIN mod_decisions d ON d.id = a.decision_id LEFT JOIN sanctions s ON s.id = a.sanction_id
           WHERE a.state = 'open' AND a.author_id <> $1 AND coalesce(d.actor_id, s.actor_id) IS DISTINCT FROM $1
             AND (a.case_id IS NOT NULL OR a.sanction_id IS NOT NULL) AND (a.due_at, a.id) > ($2, $3)
           ORDER BY a.due_at, a.id LIMIT $4"#,
        moderator.get(),
        due,
        id,
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Waiting {
            id: AppealId::new(row.id),
            case_id: row.case_id.map(CaseId::new),
            decision_id: row.decision_id.map(DecisionId::new),
            sanction_id: row.sanction_id.map(SanctionId::new),
            post_id: row.post_id.map(PostId::new),
            author_id: UserId::new(row.author_id),
            body: row.body,
            statement: row.statement,
            automated: row.automated,
            created_at: row.created_at,
            due_at: row.due_at,
        })
        .collect())
}
