//! Who holds a ticker now and says so; the mark lapses with the shares.

use chrono::{DateTime, NaiveDate, Utc};
use madang_core::ids::{TickerId, UserId};
use serde::Serialize;
use sqlx::PgExecutor;

use crate::returns::Window;

/// Smallest share of an account that makes a shareholder.
pub const MIN_STAKE: f64 = 0.01;

/// How large a part of an account a holding is, in bands: what is shown instead of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StakeBand {
    /// From 1 to 5 %.
    Small,
    /// To 20 %.
    Medium,
    /// To 50 %.
    Large,
    /// More.
    Main,
}

impl StakeBand {
    /// The band of a weight; none below the minimum.
    pub fn of(weight: f64) -> Option<Self> {
        match weight {
            w if w >= 0.5 => Some(Self::Main),
            w if w >= 0.2 => Some(Self::Large),
            w if w >= 0.05 => Some(Self::Medium),
            w if w >= MIN_STAKE => Some(Self::Small),
            _ => None,
        }
    }
}

/// Somebody who holds a ticker now and says so.
#[derive(Debug, Clone, Serialize)]
pub struct Holder {
    /// Who.
    #[serde(skip)]
    pub user: UserId,
    /// Handle.
    pub handle: String,
    /// Name.
    pub name: String,
    /// Whether verified.
    pub verified: bool,
    /// Followers.
    pub follower_count: i32,
    /// How large a part of their account it is.
    pub stake: Option<StakeBand>,
    /// Since when they hold it.
    pub since: NaiveDate,
    /// Calendar days since then.
    pub held_days: i64,
    /// Return with this ticker over all the time they held it, time-weighted.
    pub twr: f64,
    /// Of the market over the same days.
    pub market: f64,
    /// Over the market.
    pub excess: f64,
    /// The yearly excess it has at least.
    pub lower_bound: f64,
}

/// Those who hold a ticker now with a stake of at least [`MIN_STAKE`] and agreed to show holdings, the highest
/// lower bound of their return with it first; at most 200.
pub async fn holders(
    executor: impl PgExecutor<'_>,
    ticker: TickerId,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Holder>> {
    let rows = sqlx::query!(
        "SELECT h.user_id, u.handle, u.name, u.verified, u.follower_count, h.weight, h.since, w.twr, w.market, w.excess,
                w.lower_bound
         FROM holdings h JOIN users u ON u.id = h.user_id
         JOIN window_returns w ON w.user_id = h.user_id AND w.ticker_id = h.ticker_id AND w.span = $4
         WHERE h.ticker_id = $1 AND h.weight >= $2 AND u.deleted_at IS NULL
           AND in_good_standing(u.standing, u.standing_until, u.limited_until, $3)
           AND holding_disclosed(h.user_id, h.ticker_id)
         ORDER BY w.score DESC, h.since, h.user_id LIMIT 200",
        ticker.get(),
        MIN_STAKE,
        now,
        Window::All.code()
    )
    .fetch_all(executor)
    .await?;
    let holder = rows.into_iter().map(|row| Holder {
        user: UserId::new(row.user_id),
        handle: row.handle,
        name: row.name,
        verified: row.verified,
        follower_count: row.follower_count,
        stake: StakeBand::of(row.weight),
        since: row.since,
        held_days: (now.date_naive() - row.since).num_days().max(0),
        twr: row.twr,
        market: row.market,
        excess: row.excess,
        lower_bound: row.lower_bound,
    });
    Ok(holder.collect())
}

/// A mark of a shareholder: what is held now, with a stake of at least [`MIN_STAKE`].
#[derive(Debug, Clone, Serialize)]
pub struct Shareholder {
    /// `market:code`.
    pub ticker: String,
    /// How large a part of the account it is.
    pub stake: Option<StakeBand>,
    /// Since when.
    pub since: NaiveDate,
}

/// The marks a person shows now, the largest stake first, at most ten; and whether they show any return.
pub async fn marks(
    executor: impl PgExecutor<'_> + Copy,
    user: UserId,
) -> sqlx::Result<(Vec<Shareholder>, bool)> {
    let rows = sqlx::query!(
        r#"SELECT t.symbol AS "symbol!", h.weight, h.since FROM holdings h JOIN tickers t ON t.id = h.ticker_id
           WHERE h.user_id = $1 AND h.weight >= $2 AND holding_disclosed(h.user_id, h.ticker_id)
           ORDER BY h.weight DESC, h.ticker_id LIMIT 10"#,
        user.get(),
        MIN_STAKE
    )
    .fetch_all(executor)
    .await?;
    let shows = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM disclosures d WHERE d.user_id = $1 AND d.revoked_at IS NULL
                          AND disclosed($1, coalesce(d.ticker_id, 0))) AS "shows!""#,
        user.get()
    )
    .fetch_one(executor)
    .await?;
    let mark = |ticker, weight, since| Shareholder { ticker, stake: StakeBand::of(weight), since };
    Ok((rows.into_iter().map(|row| mark(row.symbol, row.weight, row.since)).collect(), shows))
}
