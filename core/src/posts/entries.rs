//! The (id, rank, author) entries that feeds are made of.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::ids::{PostId, TickerId, UserId, id_floor};

/// What feeds are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The post.
    pub id: PostId,
    /// Its rank, seconds since 2010-01-01.
    pub rank: i64,
    /// Its author.
    pub author: UserId,
}

/// A range of ids, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Smallest id.
    pub low: i64,
    /// Largest id.
    pub high: i64,
}

impl Window {
    /// Every id there can be.
    pub const ALL: Self = Self { low: 0, high: (1 << 53) - 1 };

    /// Everything below an id.
    pub const fn below(id: i64) -> Self {
        Self { low: 0, high: id - 1 }
    }
}

/// The newest listed posts of these authors inside a window, at most `limit`, newest first. Looks back
/// in growing steps, so that thousands of busy authors do not each give their last `limit`.
pub async fn entries_of(
    executor: impl PgExecutor<'_> + Copy,
    authors: &[i64],
    window: Window,
    limit: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Entry>> {
    let top = window.high.min(id_floor(now + chrono::Duration::days(1)));
    for days in [2_i64, 20, 200] {
        let floor = top - ((days * 86_400_000) << 12);
        if authors.len() < 50 || floor <= window.low {
            break;
        }
        let found = entries_in(executor, authors, Window { low: floor, high: window.high }, limit).await?;
        if i64::try_from(found.len()).unwrap_or(i64::MAX) >= limit {
            return Ok(found);
        }
    }
    entries_in(executor, authors, window, limit).await
}

async fn entries_in(
    executor: impl PgExecutor<'_>,
    authors: &[i64],
    window: Window,
    limit: i64,
) -> sqlx::Result<Vec<Entry>> {
    let rows = sqlx::query!(
        r#"SELECT e.id AS "id!", e.rank AS "rank!", a.id AS "author!"
           FROM unnest($1::bigint[]) AS a (id)
           CROSS JOIN LATERAL (
               SELECT p.id, coalesce(p.restored_rank, p.rank) AS rank FROM posts p
               WHERE p.author_id = a.id AND p.listed AND p.id BETWEEN $2 AND $3
               ORDER BY p.id DESC LIMIT $4) e
           ORDER BY e.id DESC LIMIT $4"#,
        authors,
        window.low,
        window.high,
        limit
    )
    .fetch_all(executor)
    .await?;
    let entry = |id, rank, author| Entry { id: PostId::new(id), rank, author: UserId::new(author) };
    Ok(rows.into_iter().map(|row| entry(row.id, row.rank, row.author)).collect())
}

/// An author's newest listed posts.
pub async fn newest_of_author(
    executor: impl PgExecutor<'_> + Copy,
    author: UserId,
    limit: i64,
) -> sqlx::Result<Vec<Entry>> {
    entries_in(executor, &[author.get()], Window::ALL, limit).await
}

/// The present state of posts for fan-out.
#[derive(Debug, Clone, Copy)]
pub struct LivePost {
    /// Its entry.
    pub entry: Entry,
    /// Whether feeds may show it.
    pub listed: bool,
    /// Whether it carries a second rank.
    pub restored: bool,
    /// The author of the post answered.
    pub replies_to: Option<UserId>,
    /// The post answered or passed on, whose score this one changes.
    pub engages: Option<PostId>,
}

/// Reads what fan-out needs of posts, and their tickers.
pub async fn live_posts(
    executor: impl PgExecutor<'_>,
    ids: &[i64],
) -> sqlx::Result<Vec<(LivePost, Vec<TickerId>)>> {
    let rows = sqlx::query!(
        r#"SELECT p.id AS "id!", coalesce(p.restored_rank, p.rank) AS "rank!", p.author_id AS "author_id!",
                  p.listed AS "listed!", p.restored_rank IS NOT NULL AS "restored!",
                  parent.author_id AS "replies_to?", coalesce(p.reply_to, p.repost_of) AS engages,
                  ARRAY(SELECT ticker_id FROM post_tickers WHERE post_id = p.id) AS "tickers!"
           FROM posts p LEFT JOIN posts parent ON parent.id = p.reply_to
           WHERE p.id = ANY($1)"#,
        ids
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let entry = Entry { id: PostId::new(row.id), rank: row.rank, author: UserId::new(row.author_id) };
            let post = LivePost {
                entry,
                listed: row.listed,
                restored: row.restored,
                replies_to: row.replies_to.map(UserId::new),
                engages: row.engages.map(PostId::new),
            };
            (post, row.tickers.into_iter().map(TickerId::new).collect())
        })
        .collect())
}

/// A ticker's newest listed posts inside a window, newest first.
pub async fn board_entries(
    executor: impl PgExecutor<'_>,
    ticker: TickerId,
    window: Window,
    limit: i64,
) -> sqlx::Result<Vec<Entry>> {
    let rows = sqlx::query!(
        r#"SELECT p.id AS "id!", coalesce(p.restored_rank, p.rank) AS "rank!", p.author_id AS "author_id!"
           FROM post_tickers t JOIN posts p ON p.id = t.post_id
           WHERE t.ticker_id = $1 AND t.post_id BETWEEN $2 AND $3 AND p.listed
           ORDER BY t.post_id DESC LIMIT $4"#,
        ticker.get(),
        window.low,
        window.high,
        limit
    )
    .fetch_all(executor)
    .await?;
    let entry = |id, rank, author| Entry { id: PostId::new(id), rank, author: UserId::new(author) };
    Ok(rows.into_iter().map(|row| entry(row.id, row.rank, row.author_id)).collect())
}

/// A post with rank plus engagement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scored {
    /// The post.
    pub id: PostId,
    /// Rank plus what distinct people add to it.
    pub score: i64,
}

/// Scores listed posts by rank and by the distinct people, its author apart, who liked, answered or
/// passed it on.
pub async fn engaged_scores(executor: impl PgExecutor<'_>, ids: &[i64]) -> sqlx::Result<Vec<Scored>> {
    let rows = sqlx::query!(
        r#"SELECT p.id AS "id!", coalesce(p.restored_rank, p.rank) + engagement_bonus((
                  SELECT count(DISTINCT u) FROM (
                      SELECT user_id AS u FROM likes WHERE post_id = p.id
                      UNION ALL SELECT author_id FROM posts r WHERE r.reply_to = p.id AND r.listed
                      UNION ALL SELECT author_id FROM posts r WHERE r.repost_of = p.id AND r.listed) AS people
                  WHERE u <> p.author_id)) AS "score!"
           FROM posts p WHERE p.id = ANY($1) AND p.listed"#,
        ids
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(|row| Scored { id: PostId::new(row.id), score: row.score }).collect())
}

/// Candidates for the best posts of the last two days over all tickers, reposts and replies apart: by
/// rank and counts, which one account can pump, so they are to be scored by distinct people.
pub async fn trending_candidates(
    executor: impl PgExecutor<'_>,
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<i64>> {
    let rows = sqlx::query!(
        r#"SELECT p.id AS "id!" FROM posts p LEFT JOIN post_counts c ON c.post_id = p.id
         WHERE p.id >= id_floor($1::timestamptz - interval '2 days') AND p.created_at <= $1 AND p.listed
           AND p.reply_to IS NULL AND p.repost_of IS NULL
         ORDER BY coalesce(p.restored_rank, p.rank)
                  + engagement_bonus((coalesce(c.likes, 0) + coalesce(c.replies, 0) + coalesce(c.reposts, 0))::bigint) DESC,
                  p.id DESC
         LIMIT $2"#,
        now,
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Listed posts after an id that a live reader may have missed: of people, on a ticker (each post says
/// whether it is), or answering them; oldest first.
pub async fn live_backlog(
    executor: impl PgExecutor<'_>,
    after: i64,
    authors: &[i64],
    ticker: Option<TickerId>,
    replies_to: i64,
    limit: i64,
) -> sqlx::Result<Vec<(LivePost, bool)>> {
    let rows = sqlx::query!(
        r#"SELECT p.id AS "id!", coalesce(p.restored_rank, p.rank) AS "rank!", p.author_id AS "author_id!",
                  parent.author_id AS "replies_to?",
                  p.restored_rank IS NOT NULL AS "restored!",
                  EXISTS (SELECT FROM post_tickers t WHERE t.post_id = p.id AND t.ticker_id = $4) AS "on_board!"
           FROM posts p LEFT JOIN posts parent ON parent.id = p.reply_to
           WHERE p.id > $1 AND p.listed
             AND (p.author_id = ANY($2) OR parent.author_id = $3
                  OR EXISTS (SELECT FROM post_tickers t WHERE t.post_id = p.id AND t.ticker_id = $4))
           ORDER BY p.id LIMIT $5"#,
        after,
        authors,
        replies_to,
        ticker.map(TickerId::get),
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let post = LivePost {
                entry: Entry { id: PostId::new(row.id), rank: row.rank, author: UserId::new(row.author_id) },
                listed: true,
                restored: row.restored,
                replies_to: row.replies_to.map(UserId::new),
                engages: None,
            };
            (post, row.on_board)
        })
        .collect())
}
