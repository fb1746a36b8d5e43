//! Likes and bookmarks. Each is a row; counts follow by trigger.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    ids::{PostId, UserId},
    jobs::{self, JobKind},
};

/// How long reactions to a post gather before its place on boards is computed again.
pub const SCORE_DELAY: Duration = Duration::from_secs(5);

/// Likes a post, or takes that back. True when something changed.
pub async fn set_like(tx: &mut PgConnection, post: PostId, user: UserId, on: bool) -> sqlx::Result<bool> {
    let done = if on {
        sqlx::query!(
            "INSERT INTO likes (post_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            post.get(),
            user.get()
        )
        .execute(&mut *tx)
        .await?
    } else {
        sqlx::query!("DELETE FROM likes WHERE post_id = $1 AND user_id = $2", post.get(), user.get())
            .execute(&mut *tx)
            .await?
    };
    let changed = done.rows_affected() == 1;
    if changed {
        jobs::enqueue(tx, JobKind::Score, post.get(), 0, SCORE_DELAY).await?;
    }
    Ok(changed)
}

/// Marks a post, or takes that back. True when something changed.
pub async fn set_bookmark(
    tx: &mut PgConnection,
    post: PostId,
    user: UserId,
    on: bool,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = if on {
        sqlx::query!(
            "INSERT INTO bookmarks (user_id, post_id, created_at, mark_id) VALUES ($1, $2, $3, new_id($3))
             ON CONFLICT DO NOTHING",
            user.get(),
            post.get(),
            now
        )
        .execute(tx)
        .await?
    } else {
        sqlx::query!("DELETE FROM bookmarks WHERE user_id = $1 AND post_id = $2", user.get(), post.get())
            .execute(tx)
            .await?
    };
    Ok(done.rows_affected() == 1)
}
