//! Reading posts by id: records for cards, counts, and earlier texts.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgExecutor;

use super::{Stance, attachments::Labels};
use crate::{
    ids::{PostId, TickerId, UserId},
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
    /// What stands with it, as JSON.
    pub attachment: Option<serde_json::Value>,
    /// What readers are told about it.
    pub labels: Labels,
}

/// Reads posts by id; unknown ones are missing.
pub async fn records(executor: impl PgExecutor<'_>, ids: &[i64]) -> sqlx::Result<Vec<PostRecord>> {
    let rows = sqlx::query!(
        r#"SELECT p.id AS "id!", p.author_id AS "author_id!", p.body AS "body!", p.stance AS "stance!", p.reply_to,
                  p.root_id, p.repost_of, p.quote_of, p.language, p.moderation_state AS "moderation_state!",
                  p.revision AS "revision!", p.created_at AS "created_at!", p.edited_at, p.deleted_at,
                  t.ids AS "ticker_ids?: Vec<i32>", t.prices AS "prices?: Vec<Option<Decimal>>",
                  t.days AS "days?: Vec<Option<NaiveDate>>",
                  polls.closes_at AS "closes_at?", p.labels AS "labels!", a.body AS "attachment?",
                  (SELECT array_agg(label ORDER BY idx) FROM poll_options o WHERE o.post_id = polls.post_id) AS options
           FROM posts p
           LEFT JOIN LATERAL (
               SELECT array_agg(ticker_id ORDER BY position) AS ids, array_agg(price ORDER BY position) AS prices,
                      array_agg(price_day ORDER BY position) AS days
               FROM post_tickers WHERE post_id = p.id) t ON true
           LEFT JOIN polls ON polls.post_id = p.id
           LEFT JOIN attachments a ON a.id = p.attachment_id
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
            // A tombstone shows nothing of what stood with the post.
            attachment: row.attachment.filter(|_| row.deleted_at.is_none()),
            labels: Labels::from_column(row.labels),
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
