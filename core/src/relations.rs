//! Blocks, mutes, muted keywords and watched tickers.

use sqlx::{PgConnection, PgExecutor};

use crate::{
    follows,
    ids::{TickerId, UserId},
};

/// Most blocks, mutes or watched tickers a person may have.
pub const MAX_RELATIONS: i64 = 5_000;
/// Most muted keywords a person may have.
pub const MAX_KEYWORDS: i64 = 200;

/// How a change of a list ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// The list changed.
    Changed,
    /// It was so already.
    Already,
    /// The list is full; the caller must roll back.
    Full,
}

impl Listed {
    fn after(rows: u64, count: i64, max: i64) -> Self {
        match rows {
            0 => Self::Already,
            _ if count > max => Self::Full,
            _ => Self::Changed,
        }
    }
}

/// Locks two people until the transaction ends, always in the same order: of a follow and a block that
/// meet, the second sees the first.
pub async fn lock_pair(tx: &mut PgConnection, a: UserId, b: UserId) -> sqlx::Result<()> {
    sqlx::query!("SELECT id FROM users WHERE id IN ($1, $2) ORDER BY id FOR NO KEY UPDATE", a.get(), b.get())
        .fetch_all(tx)
        .await?;
    Ok(())
}

/// Blocks somebody: follows in both directions end, and both timelines are mended.
pub async fn block(
    tx: &mut PgConnection,
    blocker: UserId,
    blocked: UserId,
    push_limit: i32,
) -> sqlx::Result<Listed> {
    lock_pair(&mut *tx, blocker, blocked).await?;
    let done = sqlx::query!(
        "INSERT INTO blocks (blocker_id, blocked_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        blocker.get(),
        blocked.get()
    )
    .execute(&mut *tx)
    .await?;
    let count =
        sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM blocks WHERE blocker_id = $1"#, blocker.get())
            .fetch_one(&mut *tx)
            .await?;
    // Always in the same order, so that two people blocking one another do not wait in a circle.
    let (first, second) = if blocker < blocked { (blocker, blocked) } else { (blocked, blocker) };
    follows::unfollow(&mut *tx, first, second, push_limit).await?;
    follows::unfollow(tx, second, first, push_limit).await?;
    Ok(Listed::after(done.rows_affected(), count, MAX_RELATIONS))
}

/// Takes a block back. Follows do not come back.
pub async fn unblock(tx: &mut PgConnection, blocker: UserId, blocked: UserId) -> sqlx::Result<Listed> {
    let done = sqlx::query!(
        "DELETE FROM blocks WHERE blocker_id = $1 AND blocked_id = $2",
        blocker.get(),
        blocked.get()
    )
    .execute(tx)
    .await?;
    Ok(Listed::after(done.rows_affected(), 0, MAX_RELATIONS))
}

/// Whether either blocked the other.
pub async fn blocked_either_way(executor: impl PgExecutor<'_>, a: UserId, b: UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM blocks WHERE (blocker_id = $1 AND blocked_id = $2)
                                              OR (blocker_id = $2 AND blocked_id = $1)) AS "is!""#,
        a.get(),
        b.get()
    )
    .fetch_one(executor)
    .await
}

/// Mutes somebody, or takes that back.
pub async fn set_mute(tx: &mut PgConnection, muter: UserId, muted: UserId, on: bool) -> sqlx::Result<Listed> {
    if !on {
        let done =
            sqlx::query!("DELETE FROM mutes WHERE muter_id = $1 AND muted_id = $2", muter.get(), muted.get())
                .execute(tx)
                .await?;
        return Ok(Listed::after(done.rows_affected(), 0, MAX_RELATIONS));
    }
    let done = sqlx::query!(
        "INSERT INTO mutes (muter_id, muted_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        muter.get(),
        muted.get()
    )
    .execute(&mut *tx)
    .await?;
    let count = sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM mutes WHERE muter_id = $1"#, muter.get())
        .fetch_one(tx)
        .await?;
    Ok(Listed::after(done.rows_affected(), count, MAX_RELATIONS))
}

/// Mutes a keyword (already normalised), or takes that back.
pub async fn set_keyword(
    tx: &mut PgConnection,
    user: UserId,
    keyword: &str,
    on: bool,
) -> sqlx::Result<Listed> {
    if !on {
        let done = sqlx::query!(
            "DELETE FROM keyword_mutes WHERE user_id = $1 AND keyword = $2",
            user.get(),
            keyword
        )
        .execute(tx)
        .await?;
        return Ok(Listed::after(done.rows_affected(), 0, MAX_KEYWORDS));
    }
    let done = sqlx::query!(
        "INSERT INTO keyword_mutes (user_id, keyword) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        user.get(),
        keyword
    )
    .execute(&mut *tx)
    .await?;
    let count =
        sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM keyword_mutes WHERE user_id = $1"#, user.get())
            .fetch_one(tx)
            .await?;
    Ok(Listed::after(done.rows_affected(), count, MAX_KEYWORDS))
}

/// Watches a ticker, or takes that back.
pub async fn set_watch(
    tx: &mut PgConnection,
    user: UserId,
    ticker: TickerId,
    on: bool,
) -> sqlx::Result<Listed> {
    if !on {
        let done = sqlx::query!(
            "DELETE FROM watches WHERE user_id = $1 AND ticker_id = $2",
            user.get(),
            ticker.get()
        )
        .execute(tx)
        .await?;
        return Ok(Listed::after(done.rows_affected(), 0, MAX_RELATIONS));
    }
    let done = sqlx::query!(
        "INSERT INTO watches (user_id, ticker_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        user.get(),
        ticker.get()
    )
    .execute(&mut *tx)
    .await?;
    let count = sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM watches WHERE user_id = $1"#, user.get())
        .fetch_one(tx)
        .await?;
    Ok(Listed::after(done.rows_affected(), count, MAX_RELATIONS))
}

/// One of a person's own lists of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeopleList {
    /// People they blocked.
    Blocked,
    /// People they muted.
    Muted,
}

/// The people one blocked or muted, by id after `after`.
pub async fn people(
    executor: impl PgExecutor<'_>,
    user: UserId,
    list: PeopleList,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<i64>> {
    match list {
        PeopleList::Blocked => {
            sqlx::query_scalar!(
                "SELECT blocked_id FROM blocks WHERE blocker_id = $1 AND blocked_id > $2 ORDER BY 1 LIMIT $3",
                user.get(),
                after,
                limit
            )
            .fetch_all(executor)
            .await
        }
        PeopleList::Muted => {
            sqlx::query_scalar!(
                "SELECT muted_id FROM mutes WHERE muter_id = $1 AND muted_id > $2 ORDER BY 1 LIMIT $3",
                user.get(),
                after,
                limit
            )
            .fetch_all(executor)
            .await
        }
    }
}

/// The keywords one muted, at most 200.
pub async fn keywords(executor: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "SELECT keyword FROM keyword_mutes WHERE user_id = $1 ORDER BY created_at, keyword LIMIT $2",
        user.get(),
        MAX_KEYWORDS
    )
    .fetch_all(executor)
    .await
}

/// The tickers one watches, at most 5,000.
pub async fn watched(executor: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Vec<TickerId>> {
    let ids = sqlx::query_scalar!(
        "SELECT ticker_id FROM watches WHERE user_id = $1 ORDER BY created_at DESC, ticker_id LIMIT $2",
        user.get(),
        MAX_RELATIONS
    )
    .fetch_all(executor)
    .await?;
    Ok(ids.into_iter().map(TickerId::new).collect())
}
