//! Reading posts: records for cards, and the (id, rank, author) entries that feeds are made of.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgExecutor;

use super::Stance;
use crate::{
    ids::{PostId, TickerId, UserId, id_floor},
    visibility::PostState,
};

/// An instrument of a post, with the price at that time.
#[derive(Debug, Clone, Copy)]
pub struct TickerMark {
    /// Which.
    pub id: TickerId,
    /// Price when the post was written.
    pub price: Option<Decimal>,
    /// That price's market day.
    pub day: Option<NaiveDate>,
}

/// All of a post that does not depend on who looks.
#[derive(Debug, Clone)]
pub struct PostRecord {
    /// Id.
    pub id: PostId,
    /// Who wrote it.
    pub author: UserId,
    /// The text.
    pub body: String,
    /// What the writer expects.
    pub stance: Stance,
    /// The post answered.
    pub reply_to: Option<PostId>,
    /// The first post of the thread.
    pub root: Option<PostId>,
    /// The post passed on.
    pub repost_of: Option<PostId>,
    /// The post quoted.
    pub quote_of: Option<PostId>,
    /// `ko`, `en`, or what an archive said.
    pub language: Option<String>,
    /// What became of it.
    pub state: PostState,
    /// Edits so far.
    pub revision: i32,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was last edited.
    pub edited_at: Option<DateTime<Utc>>,
    /// Instruments, in order.
    pub tickers: Vec<TickerMark>,
    /// When its poll closes, and the options.
    pub poll: Option<(DateTime<Utc>, Vec<String>)>,
}

/// Reads posts by id; unknown ones are missing.
pub async fn records(executor: impl PgExecutor<'_>, ids: &[i64]) -> sqlx::Result<Vec<PostRecord>> {
    let rows = sqlx::query!(
        r#"SELECT p.id AS "id!", p.author_id AS "author_id!", p.body AS "body!", p.stance AS "stance!", p.reply_to,
                  p.root_id, p.repost_of, p.quote_of, p.language, p.moderation_state AS "moderation_state!",
                  p.revision AS "revision!", p.created_at AS "created_at!", p.edited_at, p.deleted_at,
                  t.ids AS "ticker_ids?: Vec<i32>", t.prices AS "prices?: Vec<Option<Decimal>>",
                  t.days AS "days?: Vec<Option<NaiveDate>>",
                  polls.closes_at AS "closes_at?",
                  (SELECT array_agg(label ORDER BY idx) FROM poll_options o WHERE o.post_id = polls.post_id) AS options
           FROM posts p
           LEFT JOIN LATERAL (
               SELECT array_agg(ticker_id ORDER BY position) AS ids, array_agg(price ORDER BY position) AS prices,
                      array_agg(price_day ORDER BY position) AS days
               FROM post_tickers WHERE post_id = p.id) t ON true
           LEFT JOIN polls ON polls.post_id = p.id
           WHERE p.id = ANY($1)"#,
        ids
    )
    .fetch_all(executor)
    .await?;
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        let prices = row.prices.unwrap_or_default();
        let days = row.days.unwrap_or_default();
        let marks = row.ticker_ids.unwrap_or_default().into_iter().zip(prices).zip(days);
        records.push(PostRecord {
            id: PostId::new(row.id),
            author: UserId::new(row.author_id),
            body: row.body,
            stance: Stance::from_column(row.stance),
            reply_to: row.reply_to.map(PostId::new),
            root: row.root_id.map(PostId::new),
            repost_of: row.repost_of.map(PostId::new),
            quote_of: row.quote_of.map(PostId::new),
            language: row.language,
            state: PostState::from_columns(row.moderation_state, row.deleted_at.is_some()),
            revision: row.revision,
            created_at: row.created_at,
            edited_at: row.edited_at,
            tickers: marks
                .map(|((id, price), day)| TickerMark { id: TickerId::new(id), price, day })
                .collect(),
            poll: row.closes_at.map(|closes_at| (closes_at, row.options.unwrap_or_default())),
        });
    }
    Ok(records)
}

/// What one must know of a post before referring to it.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Who wrote it.
    pub author: UserId,
    /// The first post of its thread; itself when it starts one.
    pub root: PostId,
    /// The post it passes on, if it is a repost.
    pub repost_of: Option<PostId>,
    /// What became of it.
    pub state: PostState,
}

/// Reads what a reply, quote, repost or reaction refers to.
pub async fn target(executor: impl PgExecutor<'_>, id: PostId) -> sqlx::Result<Option<Target>> {
    let row = sqlx::query!(
        "SELECT author_id, root_id, repost_of, moderation_state, deleted_at FROM posts WHERE id = $1",
        id.get()
    )
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|row| Target {
        author: UserId::new(row.author_id),
        root: row.root_id.map_or(id, PostId::new),
        repost_of: row.repost_of.map(PostId::new),
        state: PostState::from_columns(row.moderation_state, row.deleted_at.is_some()),
    }))
}

/// Counts as shown beside a post.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PostCounts {
    /// People who like it.
    pub likes: i32,
    /// Replies.
    pub replies: i32,
    /// People who passed it on.
    pub reposts: i32,
    /// Quotes.
    pub quotes: i32,
    /// Votes for each option of its poll.
    pub votes: Vec<i32>,
}

/// Reads counts of posts; those never touched are missing.
pub async fn counts(executor: impl PgExecutor<'_>, ids: &[i64]) -> sqlx::Result<Vec<(PostId, PostCounts)>> {
    let rows = sqlx::query!(
        r#"SELECT i.id AS "id!", coalesce(c.likes, 0) AS "likes!", coalesce(c.replies, 0) AS "replies!",
                  coalesce(c.reposts, 0) AS "reposts!", coalesce(c.quotes, 0) AS "quotes!",
                  (SELECT array_agg(votes ORDER BY idx) FROM poll_options o WHERE o.post_id = i.id) AS votes
           FROM unnest($1::bigint[]) AS i (id) LEFT JOIN post_counts c ON c.post_id = i.id"#,
        ids
    )
    .fetch_all(executor)
    .await?;
    let counts = |row: (i32, i32, i32, i32, Option<Vec<i32>>)| PostCounts {
        likes: row.0,
        replies: row.1,
        reposts: row.2,
        quotes: row.3,
        votes: row.4.unwrap_or_default(),
    };
    Ok(rows
        .into_iter()
        .map(|row| {
            (PostId::new(row.id), counts((row.likes, row.replies, row.reposts, row.quotes, row.votes)))
        })
        .collect())
}

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
}

/// Reads what fan-out needs of posts, and their tickers.
pub async fn live_posts(
    executor: impl PgExecutor<'_>,
    ids: &[i64],
) -> sqlx::Result<Vec<(LivePost, Vec<TickerId>)>> {
    let rows = sqlx::query!(
        r#"SELECT p.id AS "id!", coalesce(p.restored_rank, p.rank) AS "rank!", p.author_id AS "author_id!",
                  p.listed AS "listed!", p.restored_rank IS NOT NULL AS "restored!",
                  parent.author_id AS "replies_to?",
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

/// The best posts of the last two days over all tickers, reposts and replies apart.
pub async fn trending_posts(
    executor: impl PgExecutor<'_>,
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<PostId>> {
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
    Ok(rows.into_iter().map(|row| PostId::new(row.id)).collect())
}

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

/// An earlier text of a post.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Revision {
    /// 0 is the text as published.
    pub revision: i32,
    /// The text.
    pub body: String,
    /// When it was replaced.
    pub replaced_at: DateTime<Utc>,
}

/// Earlier texts of a post, oldest first; within 30 minutes there are few, at most 200 are read.
pub async fn revisions(executor: impl PgExecutor<'_>, post: PostId) -> sqlx::Result<Vec<Revision>> {
    sqlx::query_as!(
        Revision,
        "SELECT revision, body, replaced_at FROM post_revisions WHERE post_id = $1 ORDER BY revision LIMIT 200",
        post.get()
    )
    .fetch_all(executor)
    .await
}

/// Listed posts after an id that a live reader may have missed: of people, on a ticker, or answering
/// them; oldest first.
pub async fn live_backlog(
    executor: impl PgExecutor<'_>,
    after: i64,
    authors: &[i64],
    ticker: Option<TickerId>,
    replies_to: i64,
    limit: i64,
) -> sqlx::Result<Vec<LivePost>> {
    let rows = sqlx::query!(
        r#"SELECT p.id AS "id!", coalesce(p.restored_rank, p.rank) AS "rank!", p.author_id AS "author_id!",
                  parent.author_id AS "replies_to?",
                  p.restored_rank IS NOT NULL AS "restored!"
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
        .map(|row| LivePost {
            entry: Entry { id: PostId::new(row.id), rank: row.rank, author: UserId::new(row.author_id) },
            listed: true,
            restored: row.restored,
            replies_to: row.replies_to.map(UserId::new),
        })
        .collect())
}
