//! Leaderboards: who has at least earned how much over the market, per ticker and overall, per window. Ranks are
//! stored when a record is computed; consent, standing and existence are asked for in the statement that reads, so
//! that what is taken back is gone with the next read.

use chrono::{DateTime, NaiveDate, Utc};
use madang_core::ids::{TickerId, UserId};
use serde::Serialize;
use sqlx::PgExecutor;

use crate::returns::Window;

/// Most people a board has.
pub const MAX_RANKED: i64 = 1_000;

/// Which board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Board {
    /// Of a ticker, or overall.
    pub ticker: Option<TickerId>,
    /// Over which window.
    pub window: Window,
}

impl Board {
    fn ticker(&self) -> i32 {
        self.ticker.map_or(0, TickerId::get)
    }
}

/// A place on a board; equal scores share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranked {
    /// Who.
    pub user: UserId,
    /// From 1.
    pub place: i64,
}

/// The order of a board as it is now, best first, at most [`MAX_RANKED`].
pub async fn ranking(
    executor: impl PgExecutor<'_>,
    board: Board,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Ranked>> {
    let rows = sqlx::query!(
        r#"SELECT w.user_id, rank() OVER (ORDER BY w.score DESC) AS "place!"
           FROM window_returns w JOIN users u ON u.id = w.user_id
           WHERE w.ticker_id = $1 AND w.span = $2 AND w.ineligible = '{}' AND u.deleted_at IS NULL
             AND in_good_standing(u.standing, u.standing_until, u.limited_until, $3)
             AND disclosed(w.user_id, w.ticker_id)
           ORDER BY w.score DESC, w.user_id LIMIT $4"#,
        board.ticker(),
        board.window.code(),
        now,
        MAX_RANKED
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(|row| Ranked { user: UserId::new(row.user_id), place: row.place }).collect())
}

/// What a board shows of a person.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
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
    /// The close the window is measured from for them.
    pub from: NaiveDate,
    /// The last day in it.
    pub to: NaiveDate,
    /// Whether their record reaches back to the window's beginning.
    pub complete: bool,
    /// Trading days in it.
    pub days: i32,
    /// Time-weighted return as it was.
    pub twr: f64,
    /// Of the market over the same days.
    pub market: f64,
    /// Over the market.
    pub excess: f64,
    /// Yearly excess it has at least (95 % and more), in log return.
    pub lower_bound: f64,
    /// Lower bound less the drawdown penalty: what ranks.
    pub score: f64,
    /// Deepest fall.
    pub drawdown: f64,
    /// 1 to 10.
    pub risk: Option<i16>,
}

/// What a board shows of these people, of those it may show now; in no order.
pub async fn entries(
    executor: impl PgExecutor<'_>,
    board: Board,
    people: &[i64],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Entry>> {
    let rows = sqlx::query!(
        "SELECT w.user_id, u.handle, u.name, u.verified, u.follower_count, w.from_day, w.to_day, w.complete, w.days,
                w.twr, w.market, w.excess, w.lower_bound, w.score, w.drawdown, w.risk
         FROM window_returns w JOIN users u ON u.id = w.user_id
         WHERE w.user_id = ANY($3) AND w.ticker_id = $1 AND w.span = $2 AND w.ineligible = '{}'
           AND u.deleted_at IS NULL AND in_good_standing(u.standing, u.standing_until, u.limited_until, $4)
           AND disclosed(w.user_id, w.ticker_id)",
        board.ticker(),
        board.window.code(),
        people,
        now
    )
    .fetch_all(executor)
    .await?;
    let entry = rows.into_iter().map(|row| Entry {
        user: UserId::new(row.user_id),
        handle: row.handle,
        name: row.name,
        verified: row.verified,
        follower_count: row.follower_count,
        from: row.from_day,
        to: row.to_day,
        complete: row.complete,
        days: row.days,
        twr: row.twr,
        market: row.market,
        excess: row.excess,
        lower_bound: row.lower_bound,
        score: row.score,
        drawdown: row.drawdown,
        risk: row.risk,
    });
    Ok(entry.collect())
}

/// One's own place, whether one shows it or not.
#[derive(Debug, Clone, Serialize)]
pub struct Own {
    /// The place one has, or would have, among the first [`MAX_RANKED`].
    pub place: Option<i64>,
    /// How many are better at least, where one would stand behind all places.
    pub beyond: Option<i64>,
    /// Whether others see it.
    pub shown: bool,
    /// Time-weighted return.
    pub twr: f64,
    /// Lower bound less the drawdown penalty.
    pub score: f64,
    /// Yearly excess it has at least.
    pub lower_bound: f64,
    /// Why one stands on no board; empty if one does or could.
    pub ineligible: Vec<String>,
}

/// One's own place on a board; `None` without a record of that window.
pub async fn own(
    executor: impl PgExecutor<'_>,
    board: Board,
    user: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Own>> {
    let row = sqlx::query!(
        r#"SELECT w.twr, w.score, w.lower_bound, w.ineligible,
                  disclosed(w.user_id, w.ticker_id) AS "discloses!",
                  (SELECT count(*) FROM (
                       SELECT FROM window_returns o JOIN users u ON u.id = o.user_id
                       WHERE o.ticker_id = w.ticker_id AND o.span = w.span AND o.ineligible = '{}' AND o.score > w.score
                         AND o.user_id <> w.user_id AND u.deleted_at IS NULL
                         AND in_good_standing(u.standing, u.standing_until, u.limited_until, $4)
                         AND disclosed(o.user_id, o.ticker_id)
                       LIMIT $5) AS better) AS "better!"
           FROM window_returns w WHERE w.user_id = $3 AND w.ticker_id = $1 AND w.span = $2"#,
        board.ticker(),
        board.window.code(),
        user.get(),
        now,
        MAX_RANKED
    )
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|row| {
        let eligible = row.ineligible.is_empty();
        Own {
            place: (eligible && row.better < MAX_RANKED).then_some(row.better + 1),
            beyond: (eligible && row.better >= MAX_RANKED).then_some(MAX_RANKED),
            shown: eligible && row.discloses,
            twr: row.twr,
            score: row.score,
            lower_bound: row.lower_bound,
            ineligible: row.ineligible,
        }
    }))
}
