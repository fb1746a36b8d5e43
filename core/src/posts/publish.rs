//! Publishing: one statement inserts posts, each with its idempotency record, what hangs on it and its job.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::{PgConnection, PgExecutor, PgPool};

use super::{
    Stance,
    attachments::{Attachment, Labels},
};
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
    /// What stands with it, made before.
    pub attachment: Option<Attachment>,
    /// What readers are told about it.
    pub labels: Labels,
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

/// A post on its way into the database.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The post.
    pub post: NewPost,
    /// The key of the request.
    pub key: Option<Use>,
    /// With a key, the recorded answer is `{"id":"<id>"` followed by this, with status 201.
    pub answer_tail: String,
}

/// Makes one post.
pub async fn create(pool: &PgPool, submission: &Submission) -> sqlx::Result<Published> {
    match create_all(pool, std::slice::from_ref(submission)).await {
        Ok(mut published) => published.pop().unwrap_or(Ok(Published::NoAuthor)),
        Err(error) if submission.key.is_some() && crate::db::is_lock_timeout(&error) => {
            Ok(Published::Repeated(Claim::InFlight))
        }
        Err(error) => Err(error),
    }
}

/// Makes one post inside a transaction.
pub async fn create_in(tx: &mut PgConnection, submission: &Submission) -> sqlx::Result<Published> {
    let made = insert(&mut *tx, std::slice::from_ref(submission)).await;
    match (made, &submission.key) {
        (Ok(made), key) => match (made.into_iter().flatten().next(), key) {
            (Some(created), _) => Ok(Published::New(created)),
            (None, None) => Ok(Published::NoAuthor),
            (None, Some(usage)) => {
                let found = idempotency::find(tx, usage).await?;
                Ok(found.map_or(Published::NoAuthor, Published::Repeated))
            }
        },
        (Err(error), Some(_)) if crate::db::is_lock_timeout(&error) => {
            Ok(Published::Repeated(Claim::InFlight))
        }
        (Err(error), _) => Err(error),
    }
}

/// Makes posts in one statement, and so in one transaction and one round trip: all or none. Returns how
/// each ended, in their order; an error inside concerns the reading of an earlier answer only. No two may
/// have the same key.
pub async fn create_all(
    pool: &PgPool,
    submissions: &[Submission],
) -> sqlx::Result<Vec<sqlx::Result<Published>>> {
    let made = insert(pool, submissions).await?;
    let mut published = Vec::with_capacity(made.len());
    for (made, submission) in made.into_iter().zip(submissions) {
        published.push(match (made, &submission.key) {
            (Some(created), _) => Ok(Published::New(created)),
            (None, None) => Ok(Published::NoAuthor),
            (None, Some(usage)) => {
                let found = idempotency::find(pool, usage).await;
                found.map(|found| found.map_or(Published::NoAuthor, Published::Repeated))
            }
        });
    }
    Ok(published)
}

/// What hangs on several posts, each with the place of its post in the list.
#[derive(Default)]
struct Hanging {
    of_ticker: Vec<i64>,
    tickers: Vec<i32>,
    positions: Vec<i16>,
    prices: Vec<Option<Decimal>>,
    days: Vec<Option<NaiveDate>>,
    of_mention: Vec<i64>,
    mentions: Vec<i64>,
    of_option: Vec<i64>,
    option_positions: Vec<i16>,
    options: Vec<String>,
}

impl Hanging {
    fn of(submissions: &[Submission]) -> Self {
        let mut all = Self::default();
        for (ord, submission) in (1..).zip(submissions) {
            let post = &submission.post;
            for (position, ticker) in (0..).zip(&post.tickers) {
                all.of_ticker.push(ord);
                all.tickers.push(ticker.id.get());
                all.positions.push(position);
                all.prices.push(ticker.close.map(|(_, price)| price));
                all.days.push(ticker.close.map(|(day, _)| day));
            }
            for user in &post.mentions {
                all.of_mention.push(ord);
                all.mentions.push(user.get());
            }
            for (position, label) in (0..).zip(post.poll.iter().flat_map(|poll| &poll.options)) {
                all.of_option.push(ord);
                all.option_positions.push(position);
                all.options.push(label.clone());
            }
        }
        all
    }
}

/// Inserts the posts, their keys, what hangs on them and their jobs. `None` where the key was used before
/// or the author is gone. Rows that others may hold are taken in one order: keys by person and name, then
/// the counts of the posts answered and quoted by id.
async fn insert(
    executor: impl PgExecutor<'_>,
    submissions: &[Submission],
) -> sqlx::Result<Vec<Option<Created>>> {
    let hanging = Hanging::of(submissions);
    let posts = || submissions.iter().map(|submission| &submission.post);
    let keys = || submissions.iter().map(|submission| submission.key.as_ref());
    let rows = sqlx::query!(
        r#"WITH asked AS MATERIALIZED (
               SELECT a.*, new_id(a.at) AS id
               FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::bytea[], $5::text[], $6::text[],
                           $7::smallint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[],
                           $13::timestamptz[], $24::bigint[], $25::smallint[])
                   WITH ORDINALITY AS a (author, at, key, fingerprint, tail, body, stance, reply_to, root_id,
                                         quote_of, repost_of, language, closes_at, attachment_id, labels, ord)),
           keys AS (
               INSERT INTO idempotency_keys (user_id, key, fingerprint, status, body)
               SELECT author, key, fingerprint, 201, convert_to('{"id":"' || id || '"' || tail, 'UTF8')
               FROM asked WHERE key IS NOT NULL ORDER BY author, key
               ON CONFLICT (user_id, key) DO NOTHING RETURNING user_id, key),
           go AS MATERIALIZED (
               SELECT asked.*, u.follower_count,
                      (SELECT count(*) FROM (
                           SELECT FROM posts p WHERE p.author_id = asked.author AND p.id < asked.id
                             AND p.id >= id_floor(asked.at - interval '3 hours') LIMIT 8) AS recent)
                      + row_number() OVER (PARTITION BY asked.author ORDER BY asked.id) - 1 AS recent
               FROM asked JOIN users u ON u.id = asked.author AND u.deleted_at IS NULL
               WHERE asked.key IS NULL OR (asked.author, asked.key) IN (SELECT user_id, key FROM keys)),
           added AS (
               INSERT INTO posts (id, author_id, body, stance, reply_to, root_id, quote_of, repost_of, language,
                                  attachment_id, labels, rank, author_followers, created_at)
               SELECT id, author, body, stance, reply_to, root_id, quote_of, repost_of, language,
                      attachment_id, labels, post_rank(at, follower_count, recent), follower_count, at
               FROM go ORDER BY coalesce(reply_to, quote_of), id RETURNING id, rank),
           with_tickers AS (
               INSERT INTO post_tickers (post_id, ticker_id, position, price, price_day)
               SELECT go.id, t.ticker, t.position, t.price, t.day
               FROM unnest($14::bigint[], $15::int[], $16::smallint[], $17::numeric[], $18::date[])
                   AS t (ord, ticker, position, price, day) JOIN go USING (ord)),
           with_mentions AS (
               INSERT INTO mentions (post_id, user_id)
               SELECT go.id, m.user_id FROM unnest($19::bigint[], $20::bigint[]) AS m (ord, user_id)
               JOIN go USING (ord)),
           with_polls AS (
               INSERT INTO polls (post_id, closes_at) SELECT id, closes_at FROM go WHERE closes_at IS NOT NULL),
           with_options AS (
               INSERT INTO poll_options (post_id, idx, label)
               SELECT go.id, o.position, o.label
               FROM unnest($21::bigint[], $22::smallint[], $23::text[]) AS o (ord, position, label)
               JOIN go USING (ord)),
           with_jobs AS (INSERT INTO jobs (kind, subject) SELECT 'fanout', id FROM go)
           SELECT go.ord AS "ord!", added.id, added.rank FROM added JOIN go USING (id)"#,
        &posts().map(|post| post.author.get()).collect::<Vec<_>>(),
        &posts().map(|post| post.now).collect::<Vec<_>>(),
        &keys().map(|key| key.map(|usage| usage.key.as_str())).collect::<Vec<_>>() as &[Option<&str>],
        &keys().map(|key| key.map(|usage| &usage.fingerprint[..])).collect::<Vec<_>>() as &[Option<&[u8]>],
        &submissions.iter().map(|submission| submission.answer_tail.as_str()).collect::<Vec<_>>() as &[&str],
        &posts().map(|post| post.body.as_str()).collect::<Vec<_>>() as &[&str],
        &posts().map(|post| post.stance.column()).collect::<Vec<_>>(),
        &posts().map(|post| post.reply_to.map(|(target, _)| target.get())).collect::<Vec<_>>()
            as &[Option<i64>],
        &posts().map(|post| post.reply_to.map(|(_, root)| root.get())).collect::<Vec<_>>() as &[Option<i64>],
        &posts().map(|post| post.quote_of.map(PostId::get)).collect::<Vec<_>>() as &[Option<i64>],
        &posts().map(|post| post.repost_of.map(PostId::get)).collect::<Vec<_>>() as &[Option<i64>],
        &posts().map(|post| post.language.as_deref()).collect::<Vec<_>>() as &[Option<&str>],
        &posts().map(|post| post.poll.as_ref().map(|poll| poll.closes_at)).collect::<Vec<_>>()
            as &[Option<DateTime<Utc>>],
        &hanging.of_ticker,
        &hanging.tickers,
        &hanging.positions,
        &hanging.prices as &[Option<Decimal>],
        &hanging.days as &[Option<NaiveDate>],
        &hanging.of_mention,
        &hanging.mentions,
        &hanging.of_option,
        &hanging.option_positions,
        &hanging.options,
        &posts().map(|post| post.attachment.as_ref().map(|one| one.id.get())).collect::<Vec<_>>()
            as &[Option<i64>],
        &posts().map(|post| post.labels.column()).collect::<Vec<_>>()
    )
    .fetch_all(executor)
    .await?;
    let mut made = vec![None; submissions.len()];
    for row in rows {
        let place = usize::try_from(row.ord - 1).ok().and_then(|at| made.get_mut(at));
        let place = place.ok_or_else(|| sqlx::Error::Protocol("a post nobody asked for".into()))?;
        *place = Some(Created { id: PostId::new(row.id), rank: row.rank });
    }
    Ok(made)
}

/// Passes a post on, once a person and post. Returns the repost and whether it is new, or nothing when
/// the post went, or the person. The row that
/// makes it unique is taken first, so that of two at once the second waits and finds the first.
pub async fn repost(tx: &mut PgConnection, post: NewPost) -> sqlx::Result<Option<(PostId, bool)>> {
    let author = post.author;
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
        author.get()
    )
    .execute(&mut *tx)
    .await?;
    if taken.rows_affected() == 0 {
        let row = sqlx::query!(
            "SELECT repost_id FROM reposts WHERE post_id = $1 AND user_id = $2",
            original.get(),
            author.get()
        )
        .fetch_optional(tx)
        .await?;
        return Ok(row.map(|row| (PostId::new(row.repost_id), false)));
    }
    let alone = Submission { post, key: None, answer_tail: String::new() };
    let made = insert(&mut *tx, &[alone]).await?;
    let Some(created) = made.into_iter().flatten().next() else {
        return Ok(None);
    };
    sqlx::query!(
        "UPDATE reposts SET repost_id = $3 WHERE post_id = $1 AND user_id = $2",
        original.get(),
        author.get(),
        created.id.get()
    )
    .execute(tx)
    .await?;
    Ok(Some((created.id, true)))
}
