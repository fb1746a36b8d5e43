//! Words against deeds: which posts their author's own disclosed trades contradict, kept as labels on those posts.
//! Only trades that the author agreed to show are looked at; taken back, the labels go.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use madang_core::{
    changes::Change,
    ids::{PostId, TickerId, UserId, id_floor},
    posts::{Stance, attachments},
};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::deeds::{Contradiction, DeedSettings, OwnPost, OwnTrade, Side, contradictions};

/// Days of posts that are looked at; what was found about older ones stays as it is.
const LOOK_BACK_DAYS: i64 = 30;

/// Compares a person's posts with their trades anew. Returns what changed for readers, for the caller to record.
pub async fn refresh(tx: &mut PgConnection, user: UserId, now: DateTime<Utc>) -> sqlx::Result<Vec<Change>> {
    let since = now - Duration::days(LOOK_BACK_DAYS);
    let agreed = agreed(tx, user).await?;
    let mut found: Vec<(TickerId, Contradiction)> = Vec::new();
    if agreed.any() {
        let posts = posts(tx, user, since).await?;
        for (ticker, posts) in posts.into_iter().filter(|(ticker, _)| agreed.about(*ticker)) {
            let trades = trades(tx, user, ticker).await?;
            let all = contradictions(&DeedSettings::default(), &posts, &trades);
            found.extend(all.into_iter().map(|one| (ticker, one)));
        }
    }
    drop_unfounded(tx, user, &agreed, &found, since).await?;
    store(tx, user, &found, now).await?;
    label(tx, user).await
}

/// What of a person's trades may be looked at.
struct Agreed {
    whole: bool,
    tickers: Vec<i32>,
}

impl Agreed {
    const fn any(&self) -> bool {
        self.whole || !self.tickers.is_empty()
    }

    fn about(&self, ticker: TickerId) -> bool {
        self.whole || self.tickers.contains(&ticker.get())
    }
}

async fn agreed(tx: &mut PgConnection, user: UserId) -> sqlx::Result<Agreed> {
    let rows = sqlx::query_scalar!(
        "SELECT ticker_id FROM disclosures WHERE user_id = $1 AND revoked_at IS NULL AND trade_delay IS NOT NULL",
        user.get()
    )
    .fetch_all(tx)
    .await?;
    Ok(Agreed { whole: rows.contains(&None), tickers: rows.into_iter().flatten().collect() })
}

async fn posts(
    tx: &mut PgConnection,
    user: UserId,
    since: DateTime<Utc>,
) -> sqlx::Result<HashMap<TickerId, Vec<OwnPost>>> {
    let rows = sqlx::query!(
        "SELECT p.id, p.created_at, p.stance, p.deleted_at, t.ticker_id
         FROM posts p JOIN post_tickers t ON t.post_id = p.id
         WHERE p.author_id = $1 AND p.stance <> 0 AND p.id >= $2 ORDER BY p.id LIMIT 20000",
        user.get(),
        id_floor(since)
    )
    .fetch_all(tx)
    .await?;
    let mut by_ticker: HashMap<TickerId, Vec<OwnPost>> = HashMap::new();
    for row in rows {
        by_ticker.entry(TickerId::new(row.ticker_id)).or_default().push(OwnPost {
            id: PostId::new(row.id),
            at: row.created_at,
            stance: Stance::from_column(row.stance),
            deleted_at: row.deleted_at,
        });
    }
    Ok(by_ticker)
}

/// All trades of a ticker, in the shares of today: those before a split are multiplied by it.
async fn trades(tx: &mut PgConnection, user: UserId, ticker: TickerId) -> sqlx::Result<Vec<OwnTrade>> {
    let rows = sqlx::query!(
        "SELECT e.id, e.kind, e.quantity, e.split_new, e.split_old, e.executed_at FROM ledger_entries e
         WHERE e.user_id = $1 AND e.ticker_id = $2 AND e.kind IN ('buy', 'sell', 'shares_in', 'shares_out', 'split')
           AND NOT EXISTS (SELECT FROM ledger_entries c WHERE c.corrects = e.id)
         ORDER BY e.executed_at, e.id",
        user.get(),
        ticker.get()
    )
    .fetch_all(tx)
    .await?;
    let ratio = |new: Option<i32>, old: Option<i32>| match (new, old) {
        (Some(new), Some(old)) => Decimal::from(new).checked_div(Decimal::from(old)).unwrap_or(Decimal::ONE),
        _ => Decimal::ONE,
    };
    let mut ahead = rows
        .iter()
        .fold(Decimal::ONE, |all, row| all.checked_mul(ratio(row.split_new, row.split_old)).unwrap_or(all));
    let mut held = Decimal::ZERO;
    let mut trades = Vec::new();
    for row in rows {
        if row.kind == "split" {
            ahead = ahead.checked_div(ratio(row.split_new, row.split_old)).unwrap_or(ahead);
            continue;
        }
        let quantity = row.quantity.unwrap_or_default().checked_mul(ahead).unwrap_or_default();
        let side = if matches!(row.kind.as_str(), "buy" | "shares_in") { Side::Buy } else { Side::Sell };
        // Moving shares between brokers is no deed, but it is what is held.
        if matches!(row.kind.as_str(), "buy" | "sell") {
            trades.push(OwnTrade { id: row.id, at: row.executed_at, side, quantity, position_before: held });
        }
        held = match side {
            Side::Buy => held.saturating_add(quantity),
            Side::Sell => held.saturating_sub(quantity).max(Decimal::ZERO),
        };
    }
    Ok(trades)
}

/// What was found before and is not any more, or may not be looked at any more.
async fn drop_unfounded(
    tx: &mut PgConnection,
    user: UserId,
    agreed: &Agreed,
    found: &[(TickerId, Contradiction)],
    since: DateTime<Utc>,
) -> sqlx::Result<()> {
    let posts: Vec<i64> = found.iter().map(|(_, one)| one.post.get()).collect();
    let tickers: Vec<i32> = found.iter().map(|(ticker, _)| ticker.get()).collect();
    sqlx::query!(
        "DELETE FROM contradictions c WHERE c.user_id = $1
           AND (c.post_id >= $4 OR NOT ($5 OR c.ticker_id = ANY($6))) AND NOT EXISTS (
             SELECT FROM unnest($2::bigint[], $3::integer[]) AS f (post, ticker)
             WHERE f.post = c.post_id AND f.ticker = c.ticker_id)",
        user.get(),
        &posts,
        &tickers,
        id_floor(since),
        agreed.whole,
        &agreed.tickers
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn store(
    tx: &mut PgConnection,
    user: UserId,
    found: &[(TickerId, Contradiction)],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    for (ticker, one) in found {
        sqlx::query!(
            "INSERT INTO contradictions AS c (post_id, ticker_id, user_id, kind, entries, hours, share, found_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (post_id, ticker_id) DO UPDATE SET kind = excluded.kind, entries = excluded.entries,
                 hours = excluded.hours, share = excluded.share
             WHERE (c.kind, c.entries, c.hours, c.share) <> (excluded.kind, excluded.entries, excluded.hours, excluded.share)",
            one.post.get(),
            ticker.get(),
            user.get(),
            one.kind.as_str(),
            &one.trades,
            one.hours_between,
            one.share,
            now
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Labels the posts that are contradicted now, and no others of that person.
async fn label(tx: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<Change>> {
    let on = sqlx::query_scalar!(
        "SELECT DISTINCT post_id FROM contradictions WHERE user_id = $1 ORDER BY 1",
        user.get()
    )
    .fetch_all(&mut *tx)
    .await?;
    let off = sqlx::query_scalar!(
        "SELECT id FROM posts WHERE author_id = $1 AND stance <> 0 AND labels & 2 = 2
           AND NOT id = ANY($2) ORDER BY id",
        user.get(),
        &on
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut changes = attachments::set_contradicted(tx, &on, true).await?;
    changes.extend(attachments::set_contradicted(tx, &off, false).await?);
    Ok(changes)
}

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
           WHERE c.post_id = $1 AND EXISTS (
               SELECT FROM disclosures d WHERE d.user_id = c.user_id AND d.revoked_at IS NULL
                 AND d.trade_delay IS NOT NULL AND (d.ticker_id IS NULL OR d.ticker_id = c.ticker_id))
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
    .fetch_all(tx)
    .await?;
    let newest = posts.into_iter().max().filter(|_| !lately);
    Ok(Some(Unreported { post: newest.map(PostId::new) }))
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
    madang_core::jobs::enqueue_many(
        pool,
        madang_core::jobs::JobKind::Returns,
        &speakers,
        0,
        std::time::Duration::ZERO,
    )
    .await
}
