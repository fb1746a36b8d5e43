//! Notices: what a person is told, once a kind and subject, in Korean and in English.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};

use crate::ids::{NoticeId, UserId};

/// Days a notice is kept.
pub const KEPT_DAYS: i64 = 180;

/// What a notice says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Words {
    /// In Korean.
    pub ko: String,
    /// In English.
    pub en: String,
}

impl Words {
    fn json(&self) -> sqlx::Result<Value> {
        serde_json::to_value(self).map_err(|error| sqlx::Error::Encode(Box::new(error)))
    }
}

/// Tells people something about a subject. Told again, in other words, it is new again.
pub async fn tell(
    tx: &mut PgConnection,
    users: &[UserId],
    kind: &str,
    subject: i64,
    words: &Words,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let mut users: Vec<i64> = users.iter().map(|user| user.get()).collect();
    // In one order, so that two who tell the same people do not wait in a circle.
    users.sort_unstable();
    users.dedup();
    sqlx::query!(
        "INSERT INTO notices AS n (user_id, kind, subject, words, created_at)
         SELECT u, $2, $3, $4, $5 FROM unnest($1::bigint[]) AS u
         ON CONFLICT (user_id, kind, subject) DO UPDATE SET
             id = excluded.id, words = excluded.words, created_at = excluded.created_at, read_at = NULL
         WHERE n.words <> excluded.words",
        &users,
        kind,
        subject,
        words.json()?,
        now
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// A notice as its reader sees it.
#[derive(Debug, Clone, Serialize)]
pub struct Notice {
    /// Id.
    pub id: NoticeId,
    /// What it is about: `report_outcome`, `measure`, `sanction`, `appeal`, `scam_warning`, or one that begins
    /// with `ambassador_`: `application`, `membership`, `statement`, `declaration`, `payout`.
    pub kind: String,
    /// The id of that: a post, a decision, a sanction, an appeal, a person.
    pub subject: String,
    /// What it says.
    pub words: Value,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Whether it was read.
    pub read: bool,
}

/// A person's notices, newest first, of ids below `below`.
pub async fn of(
    executor: impl PgExecutor<'_>,
    user: UserId,
    unread_only: bool,
    below: i64,
    limit: i64,
) -> sqlx::Result<Vec<Notice>> {
    let rows = sqlx::query!(
        r#"SELECT id, kind, subject, words, created_at, read_at IS NOT NULL AS "read!" FROM notices
           WHERE user_id = $1 AND id < $2 AND (NOT $3 OR read_at IS NULL) ORDER BY id DESC LIMIT $4"#,
        user.get(),
        below,
        unread_only,
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Notice {
            id: NoticeId::new(row.id),
            kind: row.kind,
            subject: row.subject.to_string(),
            words: row.words,
            created_at: row.created_at,
            read: row.read,
        })
        .collect())
}

/// Unread notices, counted up to 100.
pub async fn unread(executor: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "n!" FROM (
               SELECT FROM notices WHERE user_id = $1 AND read_at IS NULL LIMIT 100) AS few"#,
        user.get()
    )
    .fetch_one(executor)
    .await
}

/// Marks notices as read, up to an id.
pub async fn read(
    executor: impl PgExecutor<'_>,
    user: UserId,
    up_to: NoticeId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE notices SET read_at = $3 WHERE user_id = $1 AND id <= $2 AND read_at IS NULL",
        user.get(),
        up_to.get(),
        now
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// Drops old notices. Returns how many.
pub async fn drop_old(executor: impl PgExecutor<'_>, now: DateTime<Utc>, limit: i64) -> sqlx::Result<u64> {
    let below = crate::ids::id_floor(now - chrono::Duration::days(KEPT_DAYS));
    let done = sqlx::query!(
        "DELETE FROM notices WHERE id IN (SELECT id FROM notices WHERE id < $1 ORDER BY id LIMIT $2)",
        below,
        limit
    )
    .execute(executor)
    .await?;
    Ok(done.rows_affected())
}
