//! Who is told of contradictions, and who is to be looked at.

use chrono::{DateTime, Duration, Utc};
use madang_core::{
    ids::{PostId, id_floor},
    jobs::{self, JobKind},
};
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor, PgPool};

/// What readers are told about a post.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// `market:code`.
    pub ticker: String,
    /// `scalped`, `sold_after_bull`, `sold_before_bull`, `bought_after_bear`.
    pub kind: String,
    /// Hours between the post and the nearest trade.
    pub hours: f64,
    /// Part of the position that was sold, or by which it grew.
    pub share: f64,
}

/// What contradicts a post, under the consent in force now.
pub async fn of_post(executor: impl PgExecutor<'_>, post: PostId) -> sqlx::Result<Vec<Told>> {
    sqlx::query_as!(
        Told,
        r#"SELECT t.symbol AS "ticker!", c.kind, c.hours, c.share FROM contradictions c JOIN tickers t ON t.id = c.ticker_id
           WHERE c.post_id = $1 AND c.shown AND (
               SELECT d.trade_delay IS NOT NULL FROM disclosures d
               WHERE d.user_id = c.user_id AND d.revoked_at IS NULL AND (d.ticker_id IS NULL OR d.ticker_id = c.ticker_id)
               ORDER BY d.ticker_id NULLS LAST LIMIT 1)
           ORDER BY c.ticker_id"#,
        post.get()
    )
    .fetch_all(executor)
    .await
}

/// Somebody of whom moderators were not told everything yet.
#[derive(Debug, Clone, Copy)]
pub struct Unreported {
    /// The post to tell them of; none if they were told of another one within a week: one case a person says
    /// as much as forty.
    pub post: Option<PostId>,
}

/// Takes one person with posts that moderators were not told of; the caller tells them in the same transaction.
pub async fn take_unreported(tx: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<Option<Unreported>> {
    let user = sqlx::query_scalar!(
        "SELECT user_id FROM contradictions WHERE reported_at IS NULL ORDER BY found_at LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(user) = user else { return Ok(None) };
    let lately = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM contradictions WHERE user_id = $1 AND reported_at > $2) AS "any!""#,
        user,
        now - Duration::days(7)
    )
    .fetch_one(&mut *tx)
    .await?;
    let posts = sqlx::query_scalar!(
        "UPDATE contradictions SET reported_at = $2 WHERE (post_id, ticker_id) IN (
             SELECT post_id, ticker_id FROM contradictions WHERE user_id = $1 AND reported_at IS NULL
             ORDER BY post_id, ticker_id FOR UPDATE) RETURNING post_id",
        user,
        now
    )
    .fetch_all(&mut *tx)
    .await?;
    // One that was deleted would end the case before it began.
    let newest =
        sqlx::query_scalar!("SELECT max(id) FROM posts WHERE id = ANY($1) AND deleted_at IS NULL", &posts)
            .fetch_one(tx)
            .await?;
    Ok(Some(Unreported { post: newest.filter(|_| !lately).map(PostId::new) }))
}

/// Asks for those to be looked at who agreed to show trades and said something of a price since `since`.
pub async fn ask_for_speakers(pool: &PgPool, since: DateTime<Utc>) -> sqlx::Result<()> {
    let speakers = sqlx::query_scalar!(
        "SELECT DISTINCT p.author_id FROM posts p
         WHERE p.id >= $1 AND p.stance <> 0 AND EXISTS (
             SELECT FROM disclosures d WHERE d.user_id = p.author_id AND d.revoked_at IS NULL
               AND d.trade_delay IS NOT NULL)
           AND EXISTS (SELECT FROM ledger_people l WHERE l.user_id = p.author_id)
         ORDER BY 1",
        id_floor(since)
    )
    .fetch_all(pool)
    .await?;
    jobs::enqueue_many(pool, JobKind::Returns, &speakers, 0, std::time::Duration::ZERO).await
}
