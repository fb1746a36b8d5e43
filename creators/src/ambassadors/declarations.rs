//! Conflict declarations: what a person holds, who employs them, who pays them. A new text is a new version; the
//! badge pauses when the newest is older than the terms allow.

use chrono::{DateTime, Duration, Utc};
use madang_core::ids::UserId;
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};

use super::{lock_person, words};

/// Days before its end at which a person is reminded.
const REMIND_DAYS: i64 = 14;

/// A version of a declaration.
#[derive(Debug, Clone, Serialize)]
pub struct Declaration {
    /// Its number, from 1 on.
    pub version: i32,
    /// What it says.
    pub body: String,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// When it must be renewed, under the terms in force.
    pub renew_by: DateTime<Utc>,
}

/// A person's declarations, newest first.
pub async fn of(executor: impl PgExecutor<'_>, user: UserId, limit: i64) -> sqlx::Result<Vec<Declaration>> {
    sqlx::query_as!(
        Declaration,
        r#"SELECT d.version, d.body, d.made_at,
                  d.made_at + make_interval(months => (s.settings ->> 'declaration_months')::integer) AS "renew_by!"
           FROM ambassador_declarations d
           CROSS JOIN (SELECT settings FROM ambassador_settings ORDER BY version DESC LIMIT 1) s
           WHERE d.user_id = $1 ORDER BY d.version DESC LIMIT $2"#,
        user.get(),
        limit
    )
    .fetch_all(executor)
    .await
}

/// Writes a version down. Returns its number.
pub(super) async fn add(
    tx: &mut PgConnection,
    user: UserId,
    body: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        "INSERT INTO ambassador_declarations (user_id, version, body, made_at)
         SELECT $1, coalesce(max(version), 0) + 1, $2, $3 FROM ambassador_declarations WHERE user_id = $1
         RETURNING version",
        user.get(),
        body,
        now
    )
    .fetch_one(tx)
    .await
}

/// A member or an applicant declares anew. Nothing where they are neither.
pub async fn declare(
    tx: &mut PgConnection,
    user: UserId,
    body: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<i32>> {
    lock_person(&mut *tx, user).await?;
    let concerned = sqlx::query_scalar!(
        r#"SELECT (EXISTS (SELECT FROM ambassadors WHERE user_id = $1 AND ended_at IS NULL)
                OR EXISTS (SELECT FROM ambassador_applications WHERE user_id = $1 AND state = 'open')) AS "concerned!""#,
        user.get()
    )
    .fetch_one(&mut *tx)
    .await?;
    if !concerned {
        return Ok(None);
    }
    add(tx, user, body, now).await.map(Some)
}

/// Tells one member that their declaration runs out soon, or that it has. Returns who was told, if somebody was.
pub async fn remind_next(tx: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<Option<UserId>> {
    let row = sqlx::query!(
        r#"SELECT d.user_id, d.version, ends.at AS "ends_at!"
           FROM ambassador_declarations d
           CROSS JOIN (SELECT settings FROM ambassador_settings ORDER BY ambassador_settings.version DESC LIMIT 1) s
           CROSS JOIN LATERAL (
               SELECT d.made_at + make_interval(months => (s.settings ->> 'declaration_months')::integer) AS at) ends
           WHERE EXISTS (SELECT FROM ambassadors a WHERE a.user_id = d.user_id AND a.ended_at IS NULL)
             AND NOT EXISTS (SELECT FROM ambassador_declarations later
                             WHERE later.user_id = d.user_id AND later.version > d.version)
             AND ((ends.at <= $1 AND d.lapse_told_at IS NULL)
                  OR (ends.at > $1 AND ends.at <= $2 AND d.reminded_at IS NULL))
           ORDER BY d.user_id LIMIT 1 FOR UPDATE OF d SKIP LOCKED"#,
        now,
        now + Duration::days(REMIND_DAYS)
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (user, lapsed) = (UserId::new(row.user_id), row.ends_at <= now);
    words::declare_again(&mut *tx, (user, now), (row.ends_at, row.version), lapsed).await?;
    sqlx::query!(
        "UPDATE ambassador_declarations SET reminded_at = coalesce(reminded_at, $3),
             lapse_told_at = CASE WHEN $4 THEN $3 ELSE lapse_told_at END
         WHERE user_id = $1 AND version = $2",
        row.user_id,
        row.version,
        now,
        lapsed
    )
    .execute(tx)
    .await?;
    Ok(Some(user))
}
