//! Sanctions as moderators and as those they are against read them.

use chrono::{DateTime, Utc};
use madang_core::ids::{CaseId, SanctionId, UserId};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgExecutor;

/// A sanction as a moderator reads it.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// Id.
    pub id: SanctionId,
    /// Which.
    pub kind: String,
    /// For what.
    pub reason: String,
    /// The clause of the terms.
    pub terms_clause: String,
    /// For other moderators.
    pub note: String,
    /// In which case.
    pub case_id: Option<CaseId>,
    /// By whom.
    pub actor_id: UserId,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// A person's sanctions, newest first, of ids below `below`.
pub async fn of(
    executor: impl PgExecutor<'_>,
    user: UserId,
    below: i64,
    limit: i64,
) -> sqlx::Result<Vec<Listed>> {
    let rows = sqlx::query!(
        "SELECT id, kind, reason_code, terms_clause, note, case_id, actor_id, created_at, expires_at, ended_at
         FROM sanctions WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        user.get(),
        below,
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Listed {
            id: SanctionId::new(row.id),
            kind: row.kind,
            reason: row.reason_code,
            terms_clause: row.terms_clause,
            note: row.note,
            case_id: row.case_id.map(CaseId::new),
            actor_id: UserId::new(row.actor_id),
            created_at: row.created_at,
            expires_at: row.expires_at,
            ended_at: row.ended_at,
        })
        .collect())
}

/// A sanction as the one it is against reads it.
#[derive(Debug, Clone, Serialize)]
pub struct OwnSanction {
    /// Id, to appeal against.
    pub id: SanctionId,
    /// Which.
    pub kind: String,
    /// The statement of reasons.
    pub statement: Value,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// One's own sanctions, newest first, of ids below `below`.
pub async fn own(
    executor: impl PgExecutor<'_>,
    user: UserId,
    below: i64,
    limit: i64,
) -> sqlx::Result<Vec<OwnSanction>> {
    let rows = sqlx::query!(
        "SELECT id, kind, statement, created_at, expires_at, ended_at
         FROM sanctions WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        user.get(),
        below,
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| OwnSanction {
            id: SanctionId::new(row.id),
            kind: row.kind,
            statement: row.statement,
            created_at: row.created_at,
            expires_at: row.expires_at,
            ended_at: row.ended_at,
        })
        .collect())
}
