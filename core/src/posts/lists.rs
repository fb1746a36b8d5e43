//! Lists of posts that PostgreSQL orders: profile, thread, watchlist, bookmarks.

use sqlx::PgExecutor;

use crate::ids::{PostId, UserId};

/// An author's posts below an id, newest first, deleted ones apart.
pub async fn author_page(
    executor: impl PgExecutor<'_>,
    author: UserId,
    below: i64,
    limit: i64,
) -> sqlx::Result<Vec<PostId>> {
    let rows = sqlx::query!(
        "SELECT id FROM posts WHERE author_id = $1 AND id < $2 AND deleted_at IS NULL ORDER BY id DESC LIMIT $3",
        author.get(),
        below,
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(|row| PostId::new(row.id)).collect())
}

/// Replies to a post after an id, oldest first, tombstones included.
pub async fn replies(
    executor: impl PgExecutor<'_>,
    post: PostId,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<PostId>> {
    let rows = sqlx::query!(
        "SELECT id FROM posts WHERE reply_to = $1 AND id > $2 ORDER BY id LIMIT $3",
        post.get(),
        after,
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(|row| PostId::new(row.id)).collect())
}

/// Listed posts on the tickers somebody watches, newest first.
pub async fn watchlist_ids(
    executor: impl PgExecutor<'_>,
    user: UserId,
    below: i64,
    limit: i64,
) -> sqlx::Result<Vec<PostId>> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT e.post_id AS "id!"
           FROM watches w
           CROSS JOIN LATERAL (
               SELECT t.post_id FROM post_tickers t JOIN posts p ON p.id = t.post_id
               WHERE t.ticker_id = w.ticker_id AND t.post_id < $2 AND p.listed
               ORDER BY t.post_id DESC LIMIT $3) e
           WHERE w.user_id = $1
           ORDER BY 1 DESC LIMIT $3"#,
        user.get(),
        below,
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(|row| PostId::new(row.id)).collect())
}

/// Posts somebody marked, latest mark first, each with the mark's id to page by.
pub async fn bookmarks_page(
    executor: impl PgExecutor<'_>,
    user: UserId,
    below: i64,
    limit: i64,
) -> sqlx::Result<Vec<(i64, PostId)>> {
    let rows = sqlx::query!(
        "SELECT mark_id, post_id FROM bookmarks WHERE user_id = $1 AND mark_id < $2 ORDER BY mark_id DESC LIMIT $3",
        user.get(),
        below,
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(|row| (row.mark_id, PostId::new(row.post_id))).collect())
}
