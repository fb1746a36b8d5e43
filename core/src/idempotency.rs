//! Idempotency keys: a repeated write has one effect and one answer, byte for byte, for 24 hours. The
//! record commits with the effect.

use sqlx::{PgConnection, PgExecutor};

use crate::{db, ids::UserId};

/// Longest key, in characters.
pub const MAX_KEY: usize = 255;

/// A parsed `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// Accepts 1 to 255 visible ASCII characters.
    pub fn parse(raw: &str) -> Option<Self> {
        let fits =
            (1..=MAX_KEY).contains(&raw.len()) && raw.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        fits.then(|| Self(raw.to_owned()))
    }

    /// The key as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A key with what it was used for.
#[derive(Debug, Clone)]
pub struct Use {
    /// Whose key.
    pub user: UserId,
    /// The key.
    pub key: Key,
    /// SHA-256 over method, path and body.
    pub fingerprint: [u8; 32],
}

/// A recorded answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body as it was sent.
    pub body: Vec<u8>,
}

/// What was found for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// First use: do the work, then `record` the answer in the same transaction.
    New,
    /// Used before for the same request: send this again.
    Replay(Answer),
    /// Used before for another request.
    Mismatch,
    /// The first use is still at work after the lock's time.
    InFlight,
}

/// Claims a key inside the transaction; waits for a concurrent first use up to 5 s.
pub async fn claim(tx: &mut PgConnection, usage: &Use) -> sqlx::Result<Claim> {
    sqlx::query!("SELECT set_config('lock_timeout', '5000', true)").fetch_one(&mut *tx).await?;
    let inserted = sqlx::query!(
        "INSERT INTO idempotency_keys (user_id, key, fingerprint, status, body) VALUES ($1, $2, $3, 0, '')
         ON CONFLICT (user_id, key) DO NOTHING",
        usage.user.get(),
        usage.key.as_str(),
        &usage.fingerprint[..]
    )
    .execute(&mut *tx)
    .await;
    match inserted {
        Ok(done) if done.rows_affected() == 1 => Ok(Claim::New),
        Ok(_) => find(&mut *tx, usage).await.map(|found| found.unwrap_or(Claim::InFlight)),
        Err(error) if db::is_lock_timeout(&error) => Ok(Claim::InFlight),
        Err(error) => Err(error),
    }
}

/// Looks a key up without claiming it.
pub async fn find(executor: impl PgExecutor<'_>, usage: &Use) -> sqlx::Result<Option<Claim>> {
    let row = sqlx::query!(
        "SELECT fingerprint, status, body FROM idempotency_keys WHERE user_id = $1 AND key = $2",
        usage.user.get(),
        usage.key.as_str()
    )
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|row| {
        if row.fingerprint != usage.fingerprint {
            return Claim::Mismatch;
        }
        Claim::Replay(Answer { status: u16::try_from(row.status).unwrap_or(500), body: row.body })
    }))
}

/// Records the answer of a claimed key.
pub async fn record(tx: &mut PgConnection, usage: &Use, answer: &Answer) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "UPDATE idempotency_keys SET status = $3, body = $4 WHERE user_id = $1 AND key = $2",
        usage.user.get(),
        usage.key.as_str(),
        i16::try_from(answer.status).unwrap_or(500),
        &answer.body
    )
    .execute(tx)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

/// Drops keys older than 24 hours. Returns how many.
pub async fn drop_old(executor: impl PgExecutor<'_>, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM idempotency_keys WHERE (user_id, key) IN (
             SELECT user_id, key FROM idempotency_keys WHERE created_at < now() - interval '24 hours' LIMIT $1)",
        limit
    )
    .execute(executor)
    .await?;
    Ok(done.rows_affected())
}
