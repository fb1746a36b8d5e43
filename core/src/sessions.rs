//! Logins: opaque random tokens, stored only as SHA-256.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use crate::{ids::UserId, signing, standing, users::Role};

/// Starts a login and returns the token, which is shown once.
pub async fn start(
    executor: impl PgExecutor<'_>,
    user: UserId,
    now: DateTime<Utc>,
    days: i64,
) -> sqlx::Result<String> {
    let token = signing::random_token();
    sqlx::query!(
        "INSERT INTO sessions (token_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
        &signing::token_hash(&token)[..],
        user.get(),
        now,
        now + chrono::Duration::days(days)
    )
    .execute(executor)
    .await?;
    Ok(token)
}

/// A live login.
#[derive(Debug, Clone, Copy)]
pub struct Session {
    /// Whose.
    pub user: UserId,
    /// What they may do.
    pub role: Role,
    /// What sanctions leave of that.
    pub standing: standing::Held,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// Finds a login that has not expired, of somebody who has not left.
pub async fn find(
    executor: impl PgExecutor<'_>,
    hash: &[u8; 32],
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Session>> {
    let row = sqlx::query!(
        "SELECT u.id, u.role, u.standing, u.standing_until, u.limited_until, s.expires_at FROM sessions s JOIN users u ON u.id = s.user_id
         WHERE s.token_hash = $1 AND s.expires_at > $2 AND u.deleted_at IS NULL",
        &hash[..],
        now
    )
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|row| Session {
        user: UserId::new(row.id),
        role: Role::from_column(&row.role),
        standing: standing::Held::from_columns(row.standing, row.standing_until, row.limited_until),
        expires_at: row.expires_at,
    }))
}

/// Ends one login. The caller records the change.
pub async fn end(tx: &mut PgConnection, hash: &[u8; 32]) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM sessions WHERE token_hash = $1", &hash[..]).execute(tx).await?;
    Ok(())
}

/// Ends all logins of a person. The caller records the change.
pub async fn end_all(tx: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM sessions WHERE user_id = $1", user.get()).execute(tx).await?;
    Ok(())
}

/// Drops expired logins. Returns how many.
pub async fn drop_expired(executor: impl PgExecutor<'_>, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM sessions WHERE token_hash IN (
             SELECT token_hash FROM sessions WHERE expires_at < now() LIMIT $1)",
        limit
    )
    .execute(executor)
    .await?;
    Ok(done.rows_affected())
}
