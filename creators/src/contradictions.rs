//! Words against deeds: which posts their author's own disclosed trades contradict, kept as labels on those posts.
//! Only trades that the author agreed to show are looked at; taken back, the labels go.

mod told;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Duration, NaiveDate, Utc};
use madang_core::{
    changes::Change,
    ids::{PostId, TickerId, UserId, id_floor},
    posts::{Stance, attachments},
};
use rust_decimal::Decimal;
use sqlx::PgConnection;

pub use told::{Told, Unreported, ask_for_speakers, of_post, take_unreported};

use crate::deeds::{Contradiction, DeedSettings, OwnPost, OwnTrade, Side, contradictions};

/// Days of posts that are looked at; what was found about older ones stays as it is.
const LOOK_BACK_DAYS: i64 = 30;

/// Compares a person's posts with their trades anew. Returns what changed for readers, for the caller to record.
pub async fn refresh(tx: &mut PgConnection, user: UserId, now: DateTime<Utc>) -> sqlx::Result<Vec<Change>> {
    let since = now - Duration::days(LOOK_BACK_DAYS);
    let agreed = agreed(tx, user).await?;
    let mut found: BTreeMap<(PostId, TickerId), Found> = BTreeMap::new();
    if !agreed.is_empty() {
        let posts = posts(tx, user, since).await?;
        for (ticker, posts) in posts {
            let Some(delay) = agreed.delay(ticker) else { continue };
            let trades = trades(tx, user, ticker).await?;
            let plain: Vec<OwnTrade> = trades.iter().map(|dated| dated.trade).collect();
            let until = told_until(tx, ticker, delay, now).await?;
            for one in contradictions(&DeedSettings::default(), &posts, &plain) {
                let days =
                    trades.iter().filter(|trade| one.trades.contains(&trade.trade.id)).map(|trade| trade.day);
                let shown = until.is_some_and(|until| days.max().is_none_or(|day| day <= until));
                // Of two findings about one post the first is kept: it is the graver one.
                found.entry((one.post, ticker)).or_insert(Found { one, shown });
            }
        }
    }
    drop_unfounded(tx, user, &agreed, &found, since).await?;
    store(tx, user, &found, now).await?;
    let labelled = sqlx::query_scalar!(
        "SELECT DISTINCT post_id FROM contradictions WHERE user_id = $1 AND shown ORDER BY 1",
        user.get()
    )
    .fetch_all(&mut *tx)
    .await?;
    attachments::set_contradicted(tx, user, &labelled).await
}

/// A finding, and whether readers may be told of it already.
struct Found {
    one: Contradiction,
    shown: bool,
}

/// A trade and its market day.
struct Dated {
    trade: OwnTrade,
    day: NaiveDate,
}

/// What of a person's trades may be looked at: the delay of the whole account, and those of single tickers, of which
/// none means that they may not.
struct Agreed {
    whole: Option<i16>,
    tickers: HashMap<i32, Option<i16>>,
}

impl Agreed {
    fn is_empty(&self) -> bool {
        self.whole.is_none() && self.tickers.values().all(Option::is_none)
    }

    fn delay(&self, ticker: TickerId) -> Option<i16> {
        self.tickers.get(&ticker.get()).copied().unwrap_or(self.whole)
    }
}

async fn agreed(tx: &mut PgConnection, user: UserId) -> sqlx::Result<Agreed> {
    let rows = sqlx::query!(
        "SELECT ticker_id, trade_delay FROM disclosures WHERE user_id = $1 AND revoked_at IS NULL
           AND disclosed(user_id, coalesce(ticker_id, 0))",
        user.get()
    )
    .fetch_all(tx)
    .await?;
    let whole = rows.iter().find(|row| row.ticker_id.is_none()).and_then(|row| row.trade_delay);
    let tickers = rows.into_iter().filter_map(|row| Some((row.ticker_id?, row.trade_delay))).collect();
    Ok(Agreed { whole, tickers })
}

/// The market day up to which trades of a ticker may be told; none if there are not so many days.
async fn told_until(
    tx: &mut PgConnection,
    ticker: TickerId,
    delay: i16,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<NaiveDate>> {
    if delay == 0 {
        // Seoul is ahead of UTC.
        return Ok(Some((now + Duration::hours(14)).date_naive()));
    }
    sqlx::query_scalar!(
        "SELECT day FROM prices WHERE ticker_id = $1 ORDER BY day DESC OFFSET $2 LIMIT 1",
        ticker.get(),
        i64::from(delay)
    )
    .fetch_optional(tx)
    .await
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
async fn trades(tx: &mut PgConnection, user: UserId, ticker: TickerId) -> sqlx::Result<Vec<Dated>> {
    let rows = sqlx::query!(
        "SELECT e.id, e.kind, e.quantity, e.split_new, e.split_old, e.executed_at, e.day FROM ledger_entries e
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
            let trade = OwnTrade { id: row.id, at: row.executed_at, side, quantity, position_before: held };
            trades.push(Dated { trade, day: row.day });
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
    found: &BTreeMap<(PostId, TickerId), Found>,
    since: DateTime<Utc>,
) -> sqlx::Result<()> {
    let posts: Vec<i64> = found.keys().map(|(post, _)| post.get()).collect();
    let tickers: Vec<i32> = found.keys().map(|(_, ticker)| ticker.get()).collect();
    let known: Vec<i32> = agreed.tickers.keys().copied().collect();
    let open: Vec<i32> =
        agreed.tickers.iter().filter(|(_, delay)| delay.is_some()).map(|(ticker, _)| *ticker).collect();
    sqlx::query!(
        "DELETE FROM contradictions c WHERE c.user_id = $1
           AND (c.post_id >= $4 OR NOT (c.ticker_id = ANY($6) OR ($5 AND NOT c.ticker_id = ANY($7)))) AND NOT EXISTS (
             SELECT FROM unnest($2::bigint[], $3::integer[]) AS f (post, ticker)
             WHERE f.post = c.post_id AND f.ticker = c.ticker_id)",
        user.get(),
        &posts,
        &tickers,
        id_floor(since),
        agreed.whole.is_some(),
        &open,
        &known
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn store(
    tx: &mut PgConnection,
    user: UserId,
    found: &BTreeMap<(PostId, TickerId), Found>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    for ((post, ticker), Found { one, shown }) in found {
        sqlx::query!(
            "INSERT INTO contradictions AS c (post_id, ticker_id, user_id, kind, entries, hours, share, shown, found_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (post_id, ticker_id) DO UPDATE SET kind = excluded.kind, entries = excluded.entries,
                 hours = excluded.hours, share = excluded.share, shown = excluded.shown
             WHERE (c.kind, c.entries, c.hours, c.share, c.shown)
                 <> (excluded.kind, excluded.entries, excluded.hours, excluded.share, excluded.shown)",
            post.get(),
            ticker.get(),
            user.get(),
            one.kind.as_str(),
            &one.trades,
            one.hours_between,
            one.share,
            shown,
            now
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
