//! Publishing: one statement inserts the idempotency record, the post, what hangs on it and its job.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::{PgConnection, PgExecutor};

use super::Stance;
use crate::{
    idempotency::{self, Claim, Use},
    ids::{PostId, TickerId, UserId},
    text::PostBody,
};

/// An instrument with the price known when the post was written.
#[derive(Debug, Clone, Copy)]
pub struct PricedTicker {
    /// Which.
    pub id: TickerId,
    /// Last close, and its market day.
    pub close: Option<(NaiveDate, Decimal)>,
}

/// A poll to be made with a post.
#[derive(Debug, Clone)]
pub struct NewPoll {
    /// 2 to 5 options.
    pub options: Vec<String>,
    /// When voting ends.
    pub closes_at: DateTime<Utc>,
}

/// A post to be made. Past this type nothing is checked again.
#[derive(Debug, Clone)]
pub struct NewPost {
    /// Who writes.
    pub author: UserId,
    /// What they write.
    pub body: PostBody,
    /// What they expect.
    pub stance: Stance,
    /// The post answered, and the first of its thread.
    pub reply_to: Option<(PostId, PostId)>,
    /// The post quoted.
    pub quote_of: Option<PostId>,
    /// The post passed on; then the body is empty.
    pub repost_of: Option<PostId>,
    /// Instruments, in order, at most 5.
    pub tickers: Vec<PricedTicker>,
    /// People addressed.
    pub mentions: Vec<UserId>,
    /// A poll.
    pub poll: Option<NewPoll>,
    /// `ko` or `en`, if known.
    pub language: Option<String>,
    /// When.
    pub now: DateTime<Utc>,
}

/// What the database decided about a new post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Created {
    /// Its id.
    pub id: PostId,
    /// Its rank.
    pub rank: i64,
}

/// How publishing ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// The post is committed.
    New(Created),
    /// The key was used before.
    Repeated(Claim),
    /// The author left meanwhile.
    NoAuthor,
}

/// Inserts a post in one statement, and so in one transaction and one round trip. With a key, the
/// recorded answer is `{"id":"<id>"` followed by `answer_tail`, with status 201.
pub async fn create(
    executor: impl PgExecutor<'_> + Copy,
    post: &NewPost,
    key: Option<&Use>,
    answer_tail: &str,
) -> sqlx::Result<Published> {
    match insert(executor, post, key, answer_tail).await {
        Ok(Some(created)) => return Ok(Published::New(created)),
        Ok(None) => {}
        Err(error) if key.is_some() && crate::db::is_lock_timeout(&error) => {
            return Ok(Published::Repeated(Claim::InFlight));
        }
        Err(error) => return Err(error),
    }
    let Some(usage) = key else {
        return Ok(Published::NoAuthor);
    };
    let found = idempotency::find(executor, usage).await?;
    Ok(found.map_or(Published::NoAuthor, Published::Repeated))
}

async fn insert(
    executor: impl PgExecutor<'_>,
    post: &NewPost,
    key: Option<&Use>,
    answer_tail: &str,
) -> sqlx::Result<Option<Created>> {
    let tickers: Vec<i32> = post.tickers.iter().map(|ticker| ticker.id.get()).collect();
    let prices: Vec<Option<Decimal>> = post.tickers.iter().map(|t| t.close.map(|(_, price)| price)).collect();
    let days: Vec<Option<NaiveDate>> = post.tickers.iter().map(|t| t.close.map(|(day, _)| day)).collect();
    let mentions: Vec<i64> = post.mentions.iter().map(|user| user.get()).collect();
    let options: &[String] = post.poll.as_ref().map_or(&[], |poll| &poll.options);
    let row = sqlx::query!(
        r#"WITH fresh AS MATERIALIZED (SELECT new_id($2) AS id),
           key AS (
               INSERT INTO idempotency_keys (user_id, key, fingerprint, status, body)
               SELECT $1, $3, $4, 201, convert_to('{"id":"' || id || '"' || $5, 'UTF8')
               FROM fresh WHERE $3::text IS NOT NULL
               ON CONFLICT (user_id, key) DO NOTHING RETURNING 1),
           go AS MATERIALIZED (
               SELECT fresh.id, u.follower_count,
                      (SELECT count(*) FROM (
                           SELECT FROM posts WHERE author_id = $1 AND id < fresh.id
                             AND id >= id_floor($2::timestamptz - interval '3 hours') LIMIT 8) AS recent) AS recent
               FROM fresh JOIN users u ON u.id = $1 AND u.deleted_at IS NULL
               WHERE $3::text IS NULL OR EXISTS (SELECT FROM key)),
           added AS (
               INSERT INTO posts (id, author_id, body, stance, reply_to, root_id, quote_of, repost_of, language,
                                  rank, author_followers, created_at)
               SELECT id, $1, $6, $7, $8, $9, $10, $11, $12,
                      post_rank($2, follower_count, recent), follower_count, $2
               FROM go RETURNING id, rank),
           with_tickers AS (
               INSERT INTO post_tickers (post_id, ticker_id, position, price, price_day)
               SELECT added.id, t.id, t.ord - 1, t.price, t.day
               FROM added, unnest($13::int[], $14::numeric[], $15::date[]) WITH ORDINALITY AS t (id, price, day, ord)),
           with_mentions AS (
               INSERT INTO mentions (post_id, user_id) SELECT added.id, m FROM added, unnest($16::bigint[]) AS m),
           with_poll AS (
               INSERT INTO polls (post_id, closes_at) SELECT id, $17 FROM added WHERE $17::timestamptz IS NOT NULL),
           with_options AS (
               INSERT INTO poll_options (post_id, idx, label)
               SELECT added.id, o.ord - 1, o.label FROM added, unnest($18::text[]) WITH ORDINALITY AS o (label, ord)),
           with_job AS (INSERT INTO jobs (kind, subject) SELECT 'fanout', id FROM added)
           SELECT id, rank FROM added"#,
        post.author.get(),
        post.now,
        key.map(|usage| usage.key.as_str()),
        key.map(|usage| &usage.fingerprint[..]),
        answer_tail,
        post.body.as_str(),
        post.stance.column(),
        post.reply_to.map(|(target, _)| target.get()),
        post.reply_to.map(|(_, root)| root.get()),
        post.quote_of.map(PostId::get),
        post.repost_of.map(PostId::get),
        post.language.as_deref(),
        &tickers,
        &prices as &[Option<Decimal>],
        &days as &[Option<NaiveDate>],
        &mentions,
        post.poll.as_ref().map(|poll| poll.closes_at),
        options
    )
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|row| Created { id: PostId::new(row.id), rank: row.rank }))
}

/// Passes a post on, once a person and post. Returns the repost and whether it is new, or nothing when
/// the post went, or the person. The row that
/// makes it unique is taken first, so that of two at once the second waits and finds the first.
pub async fn repost(tx: &mut PgConnection, post: &NewPost) -> sqlx::Result<Option<(PostId, bool)>> {
    let Some(original) = post.repost_of else {
        return Ok(None);
    };
    // Held until the commit: a deletion under way waits, and then finds this repost.
    let listed = sqlx::query!("SELECT id FROM posts WHERE id = $1 AND listed FOR SHARE", original.get())
        .fetch_optional(&mut *tx)
        .await?;
    if listed.is_none() {
        return Ok(None);
    }
    let taken = sqlx::query!(
        "INSERT INTO reposts (post_id, user_id, repost_id) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING",
        original.get(),
        post.author.get()
    )
    .execute(&mut *tx)
    .await?;
    if taken.rows_affected() == 0 {
        let row = sqlx::query!(
            "SELECT repost_id FROM reposts WHERE post_id = $1 AND user_id = $2",
            original.get(),
            post.author.get()
        )
        .fetch_optional(tx)
        .await?;
        return Ok(row.map(|row| (PostId::new(row.repost_id), false)));
    }
    let Some(created) = insert(&mut *tx, post, None, "").await? else {
        return Ok(None);
    };
    sqlx::query!(
        "UPDATE reposts SET repost_id = $3 WHERE post_id = $1 AND user_id = $2",
        original.get(),
        post.author.get(),
        created.id.get()
    )
    .execute(tx)
    .await?;
    Ok(Some((created.id, true)))
}
