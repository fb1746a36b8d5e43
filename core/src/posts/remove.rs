//! Editing and deleting. Each records a change, so that no held copy outlives the answer.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::EDIT_WINDOW;
use crate::{
    changes::{self, Change},
    ids::{PostId, UserId},
    jobs::{self, JobKind},
    text::PostBody,
    visibility::PostState,
};

/// Why an edit was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditRefused {
    /// No such post of this author, or deleted.
    NotFound,
    /// Reposts have no text.
    Repost,
    /// Older than 30 minutes.
    TooLate,
}

/// A post's text as it stands after an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edited {
    /// How often it was replaced.
    pub revision: i32,
    /// When last.
    pub edited_at: Option<DateTime<Utc>>,
    /// Whether this edit changed anything.
    pub changed: bool,
}

/// Replaces a post's text within 30 minutes; the old one stays readable as a revision. An edit that
/// changes nothing leaves no trace. Tickers stay as published. The caller records the change.
pub async fn edit(
    tx: &mut PgConnection,
    post: PostId,
    author: UserId,
    body: &PostBody,
    claims_profit: bool,
    now: DateTime<Utc>,
) -> sqlx::Result<Result<Edited, EditRefused>> {
    let row = sqlx::query!(
        "SELECT body, revision, repost_of, created_at, edited_at FROM posts
         WHERE id = $1 AND author_id = $2 AND deleted_at IS NULL FOR NO KEY UPDATE",
        post.get(),
        author.get()
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else {
        return Ok(Err(EditRefused::NotFound));
    };
    if row.repost_of.is_some() {
        return Ok(Err(EditRefused::Repost));
    }
    if now - row.created_at > EDIT_WINDOW {
        return Ok(Err(EditRefused::TooLate));
    }
    if row.body == body.as_str() {
        return Ok(Ok(Edited { revision: row.revision, edited_at: row.edited_at, changed: false }));
    }
    sqlx::query!(
        "INSERT INTO post_revisions (post_id, revision, body, replaced_at) VALUES ($1, $2, $3, $4)",
        post.get(),
        row.revision,
        row.body,
        now
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE posts SET body = $2, revision = revision + 1, edited_at = $3,
             labels = CASE WHEN $4 THEN labels | 1 ELSE labels & ~1 END
         WHERE id = $1",
        post.get(),
        body.as_str(),
        now,
        claims_profit
    )
    .execute(tx)
    .await?;
    Ok(Ok(Edited { revision: row.revision + 1, edited_at: Some(now), changed: true }))
}

/// Deletes a post: a tombstone stays in its thread, its reposts go with it. False when there is no such
/// post of this author.
pub async fn delete(
    tx: &mut PgConnection,
    post: PostId,
    author: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let row = sqlx::query!(
        "UPDATE posts SET deleted_at = $3, listed = false
         WHERE id = $1 AND author_id = $2 AND deleted_at IS NULL RETURNING repost_of",
        post.get(),
        author.get(),
        now
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(false) };
    if let Some(original) = row.repost_of {
        sqlx::query!("DELETE FROM reposts WHERE post_id = $1 AND user_id = $2", original, author.get())
            .execute(&mut *tx)
            .await?;
    }
    unlist(tx, &[post.get()]).await?;
    changes::record(tx, &[Change::Post(post)]).await?;
    Ok(true)
}

/// Takes posts and their reposts out of feeds and boards.
async fn unlist(tx: &mut PgConnection, posts: &[i64]) -> sqlx::Result<()> {
    let reposts = sqlx::query!(
        "UPDATE posts SET listed = false WHERE repost_of = ANY($1) AND listed RETURNING id",
        posts
    )
    .fetch_all(&mut *tx)
    .await?;
    let all: Vec<i64> = posts.iter().copied().chain(reposts.into_iter().map(|row| row.id)).collect();
    jobs::enqueue_many(&mut *tx, JobKind::Fanout, &all, 0, Duration::ZERO).await?;
    jobs::enqueue_many(tx, JobKind::Fanout, &all, 1, jobs::REMOVE_AGAIN).await
}

/// Takes a repost back. False when there was none.
pub async fn unrepost(
    tx: &mut PgConnection,
    original: PostId,
    user: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let row = sqlx::query!(
        "SELECT repost_id FROM reposts WHERE post_id = $1 AND user_id = $2",
        original.get(),
        user.get()
    )
    .fetch_optional(&mut *tx)
    .await?;
    match row {
        Some(row) => delete(tx, PostId::new(row.repost_id), user, now).await,
        None => Ok(false),
    }
}

/// Deletes everything somebody wrote, texts included; the caller records the author's change.
pub async fn delete_all_of(tx: &mut PgConnection, author: UserId, now: DateTime<Utc>) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        "UPDATE posts SET deleted_at = coalesce(deleted_at, $2), listed = false, body = '', stance = 0
         WHERE author_id = $1 RETURNING id",
        author.get(),
        now
    )
    .fetch_all(&mut *tx)
    .await?;
    let posts: Vec<i64> = rows.into_iter().map(|row| row.id).collect();
    sqlx::query!("DELETE FROM post_revisions WHERE post_id = ANY($1)", &posts).execute(&mut *tx).await?;
    sqlx::query!("UPDATE poll_options SET label = '' WHERE post_id = ANY($1)", &posts)
        .execute(&mut *tx)
        .await?;
    sqlx::query!("DELETE FROM reposts WHERE user_id = $1", author.get()).execute(&mut *tx).await?;
    unlist(tx, &posts).await
}

/// Takes a post out of feeds and boards, with its reposts, under a state that is not visible. The caller
/// holds the post's row and records the change.
pub async fn restrict(tx: &mut PgConnection, post: PostId, state: PostState) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE posts SET moderation_state = $2, moderation_version = moderation_version + 1, listed = false
         WHERE id = $1",
        post.get(),
        state.column()
    )
    .execute(&mut *tx)
    .await?;
    unlist(tx, &[post.get()]).await
}

/// Lists a post again after a wrong block, with one second rank from `now`; its id and shown time stay.
/// Its reposts come back with it. The caller records the change.
pub async fn list_again(tx: &mut PgConnection, post: PostId, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE posts SET moderation_state = 0, moderation_version = moderation_version + 1, listed = true,
             restored_rank = coalesce(restored_rank, post_rank($2, author_followers, 0))
         WHERE id = $1 AND deleted_at IS NULL AND NOT listed",
        post.get(),
        now
    )
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let rows = sqlx::query!(
        "UPDATE posts SET listed = true
         WHERE repost_of = $1 AND NOT listed AND deleted_at IS NULL AND moderation_state = 0 RETURNING id",
        post.get()
    )
    .fetch_all(&mut *tx)
    .await?;
    let all: Vec<i64> = std::iter::once(post.get()).chain(rows.into_iter().map(|row| row.id)).collect();
    jobs::enqueue_many(tx, JobKind::Fanout, &all, 0, Duration::ZERO).await?;
    Ok(true)
}
