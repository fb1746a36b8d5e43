//! Follows. Counts follow by trigger in the same statement.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use crate::{
    ids::UserId,
    jobs::{self, JobKind},
    relations,
};

/// Most people one may follow.
pub const MAX_FOLLOWS: i32 = 5_000;

/// How a follow ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// A new row.
    New,
    /// Was there already.
    Already,
    /// One follows 5,000 people; the caller must roll back.
    TooMany,
    /// Either blocked the other.
    Blocked,
}

/// Follows somebody and asks for their posts in the follower's timeline.
pub async fn follow(
    tx: &mut PgConnection,
    follower: UserId,
    followee: UserId,
    push_limit: i32,
    now: DateTime<Utc>,
) -> sqlx::Result<Followed> {
    relations::lock_pair(&mut *tx, follower, followee).await?;
    if relations::blocked_either_way(&mut *tx, follower, followee).await? {
        return Ok(Followed::Blocked);
    }
    let done = sqlx::query!(
        "INSERT INTO follows (follower_id, followee_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        follower.get(),
        followee.get(),
        now
    )
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(Followed::Already);
    }
    let row = sqlx::query!("SELECT following_count FROM users WHERE id = $1", follower.get())
        .fetch_one(&mut *tx)
        .await?;
    if row.following_count > MAX_FOLLOWS {
        return Ok(Followed::TooMany);
    }
    settle(tx, follower, followee, push_limit).await?;
    Ok(Followed::New)
}

/// Stops following. True when something changed.
pub async fn unfollow(
    tx: &mut PgConnection,
    follower: UserId,
    followee: UserId,
    push_limit: i32,
) -> sqlx::Result<bool> {
    // Before the row itself: a block, which locks the two people first, may want it too.
    relations::lock_pair(&mut *tx, follower, followee).await?;
    let done = sqlx::query!(
        "DELETE FROM follows WHERE follower_id = $1 AND followee_id = $2",
        follower.get(),
        followee.get()
    )
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    settle(&mut *tx, follower, followee, push_limit).await?;
    let (a, b) = (follower.get(), followee.get());
    jobs::enqueue(tx, JobKind::RelationAgain, a, b, jobs::REMOVE_AGAIN).await?;
    Ok(true)
}

/// Asks for the jobs a changed edge needs.
async fn settle(
    tx: &mut PgConnection,
    follower: UserId,
    followee: UserId,
    push_limit: i32,
) -> sqlx::Result<()> {
    jobs::enqueue(&mut *tx, JobKind::Relation, follower.get(), followee.get(), Duration::ZERO).await?;
    let row = sqlx::query!(
        r#"SELECT (merge_state = 0 AND follower_count > $2)
                  OR (merge_state = 2 AND follower_count < $2 * 0.8) AS "misplaced!"
           FROM users WHERE id = $1"#,
        followee.get(),
        push_limit
    )
    .fetch_one(&mut *tx)
    .await?;
    if row.misplaced {
        jobs::enqueue(tx, JobKind::Merge, followee.get(), 0, Duration::ZERO).await?;
    }
    Ok(())
}

/// Followers after an id that were seen since `seen_since`, by id: one page of fan-out.
pub async fn seen_followers(
    executor: impl PgExecutor<'_>,
    followee: UserId,
    after: i64,
    seen_since: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "SELECT f.follower_id FROM follows f JOIN readers r ON r.user_id = f.follower_id
         WHERE f.followee_id = $1 AND f.follower_id > $2 AND r.seen_at > $3
         ORDER BY f.follower_id LIMIT $4",
        followee.get(),
        after,
        seen_since,
        limit
    )
    .fetch_all(executor)
    .await
}

/// The first such page of each of several people, as (followee, follower) pairs in order of both.
pub async fn first_seen_followers(
    executor: impl PgExecutor<'_>,
    followees: &[i64],
    seen_since: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<(i64, i64)>> {
    let rows = sqlx::query!(
        r#"SELECT a.id AS "followee!", page.follower_id FROM unnest($1::bigint[]) AS a (id)
           CROSS JOIN LATERAL (
               SELECT f.follower_id FROM follows f JOIN readers r ON r.user_id = f.follower_id
               WHERE f.followee_id = a.id AND r.seen_at > $2
               ORDER BY f.follower_id LIMIT $3) AS page
           ORDER BY 1, 2"#,
        followees,
        seen_since,
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(|row| (row.followee, row.follower_id)).collect())
}

/// Whether the edge is there now.
pub async fn exists(executor: impl PgExecutor<'_>, follower: UserId, followee: UserId) -> sqlx::Result<bool> {
    let row = sqlx::query!(
        r#"SELECT EXISTS (SELECT FROM follows WHERE follower_id = $1 AND followee_id = $2) AS "is!""#,
        follower.get(),
        followee.get()
    )
    .fetch_one(executor)
    .await?;
    Ok(row.is)
}

/// People after an id who follow somebody (or whom they follow), for the lists on a profile.
pub async fn page(
    executor: impl PgExecutor<'_>,
    user: UserId,
    followers: bool,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<i64>> {
    if followers {
        sqlx::query_scalar!(
            "SELECT follower_id FROM follows WHERE followee_id = $1 AND follower_id > $2 ORDER BY follower_id LIMIT $3",
            user.get(),
            after,
            limit
        )
        .fetch_all(executor)
        .await
    } else {
        sqlx::query_scalar!(
            "SELECT followee_id FROM follows WHERE follower_id = $1 AND followee_id > $2 ORDER BY followee_id LIMIT $3",
            user.get(),
            after,
            limit
        )
        .fetch_all(executor)
        .await
    }
}
