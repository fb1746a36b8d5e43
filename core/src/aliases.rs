//! Nicknames of instruments, which operators edit: in cashtags and in search they mean the instrument.

use sqlx::{PgConnection, PgExecutor};

use crate::{
    changes::{self, Change},
    ids::TickerId,
    text::{BadText, MAX_NAME_CHARS, parse_line},
    tickers::alias_key,
};

/// Most nicknames of one instrument.
pub const MAX_ALIASES: usize = 50;
/// Most nicknames listed of one: imports and releases bring more than people may add.
const MAX_LISTED: i64 = 500;

/// A nickname as listed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Alias {
    /// NFKC, case-folded, without spaces.
    pub alias: String,
    /// `import`, `built_in` or `operator`.
    pub source: String,
}

/// Parses a nickname into the form in which it is kept.
pub fn parse(raw: &str) -> Result<String, BadText> {
    let key = alias_key(&parse_line(raw, MAX_NAME_CHARS)?);
    if key.chars().any(char::is_alphanumeric) { Ok(key) } else { Err(BadText::Empty) }
}

/// An instrument's nicknames.
pub async fn list(executor: impl PgExecutor<'_>, ticker: TickerId) -> sqlx::Result<Vec<Alias>> {
    sqlx::query_as!(
        Alias,
        "SELECT alias, source FROM ticker_aliases WHERE ticker_id = $1 AND NOT removed ORDER BY alias LIMIT $2",
        ticker.get(),
        MAX_LISTED
    )
    .fetch_all(executor)
    .await
}

/// What became of a nickname that was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// The instrument has it.
    Done,
    /// It has [`MAX_ALIASES`] already.
    TooMany,
    /// Another instrument has it.
    Taken(TickerId),
}

/// Gives an instrument a nickname that no other one has. Codes and names of others are the caller's to compare: they
/// come with imports only.
pub async fn add(tx: &mut PgConnection, ticker: TickerId, alias: &str) -> sqlx::Result<Added> {
    // One at a time: otherwise neither of two would see the other's nickname, or the other's as one too many.
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('ticker_aliases'))").fetch_one(&mut *tx).await?;
    let other = sqlx::query_scalar!(
        "SELECT ticker_id FROM ticker_aliases WHERE alias = $1 AND ticker_id <> $2 AND NOT removed
         ORDER BY ticker_id LIMIT 1",
        alias,
        ticker.get()
    )
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(other) = other {
        return Ok(Added::Taken(TickerId::new(other)));
    }
    let done = sqlx::query!(
        "INSERT INTO ticker_aliases (alias, ticker_id, source)
         SELECT $1, $2, 'operator'
         WHERE (SELECT count(*) FROM ticker_aliases WHERE ticker_id = $2 AND NOT removed AND alias <> $1) < $3
         ON CONFLICT (alias, ticker_id) DO UPDATE SET removed = false, source = 'operator'",
        alias,
        ticker.get(),
        MAX_ALIASES as i64
    )
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(Added::TooMany);
    }
    changes::record(tx, &[Change::Tickers]).await?;
    Ok(Added::Done)
}

/// Takes a nickname away for good: no import and no release brings it back. False when there was none.
pub async fn remove(tx: &mut PgConnection, ticker: TickerId, alias: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE ticker_aliases SET removed = true, source = 'operator'
         WHERE ticker_id = $1 AND alias = $2 AND NOT removed",
        ticker.get(),
        alias
    )
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    changes::record(tx, &[Change::Tickers]).await?;
    Ok(true)
}
