//! An author's calls: every stance they took in public, deleted or not, scored against the market. Computed from
//! the posts and the markets whenever it is asked for, so that nothing of it can be out of date.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, Utc};
use madang_core::{
    ids::{PostId, TickerId, UserId},
    posts::Stance,
    visibility::PostState,
};
use sqlx::PgExecutor;

use crate::{
    calls::{Call, Quotes, StancePost, ledger},
    markets::Snapshot,
};

/// Most posts of an author that are scored, the newest; nobody took more stances yet.
const MAX_POSTS: i64 = 20_000;

/// All calls of an author, oldest first.
pub async fn of(executor: impl PgExecutor<'_>, market: &Snapshot, author: UserId) -> sqlx::Result<Vec<Call>> {
    let posts = posts(executor, author).await?;
    let Some(first) = posts.iter().map(|post| post.at).min() else { return Ok(Vec::new()) };
    let from = (first.date_naive()).checked_sub_days(Days::new(7)).unwrap_or_default();
    let mut quotes: BTreeMap<TickerId, Quotes> = BTreeMap::new();
    for ticker in posts.iter().flat_map(|post| &post.tickers) {
        if !quotes.contains_key(ticker)
            && let Some(found) = market.quotes(*ticker, from)
        {
            quotes.insert(*ticker, found);
        }
    }
    Ok(ledger(&posts, &quotes))
}

async fn posts(executor: impl PgExecutor<'_>, author: UserId) -> sqlx::Result<Vec<StancePost>> {
    // Held at submission, nobody read it.
    let rows = sqlx::query!(
        r#"SELECT p.id, p.created_at, p.stance, p.deleted_at IS NOT NULL AS "deleted!",
                  (SELECT array_agg(ticker_id ORDER BY position) FROM post_tickers t WHERE t.post_id = p.id) AS tickers
           FROM posts p WHERE p.author_id = $1 AND p.stance <> 0 AND p.moderation_state <> $2
           ORDER BY p.id DESC LIMIT $3"#,
        author.get(),
        PostState::Held.column(),
        MAX_POSTS
    )
    .fetch_all(executor)
    .await?;
    let post = |id, at: DateTime<Utc>, stance, deleted, tickers: Option<Vec<i32>>| StancePost {
        id: PostId::new(id),
        author,
        at,
        stance: Stance::from_column(stance),
        tickers: tickers.unwrap_or_default().into_iter().map(TickerId::new).collect(),
        deleted,
    };
    let all = rows.into_iter().rev();
    Ok(all.map(|row| post(row.id, row.created_at, row.stance, row.deleted, row.tickers)).collect())
}
