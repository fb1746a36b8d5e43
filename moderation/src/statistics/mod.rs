//! What moderation did and how well, for those who answer for it: over a window of days for
//! `GET /v1/moderation/stats`, and as gauges. Counts are of rows, times are in seconds, shares are from 0 to 1
//! and `None` where there is nothing to divide by. Nothing here names a reporter or an author.

mod desk;
mod incoming;
mod measures;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgExecutor, PgPool};

pub use desk::{Appeals, Queue, Reviewer, TextRule};
pub use incoming::{CategoryReports, Reporters, Reports};
pub use measures::{AutoBlocks, Times};

pub(crate) use desk::appeals;
pub(crate) use incoming::by_category;

use crate::{
    fallback, settings,
    transparency::{self, Restitution},
};

/// Moderators and rules listed at most.
const MAX_ROWS: i64 = 100;
/// Days over which the gauge of precision looks back.
const PRECISION_DAYS: i64 = 30;

/// A repeatable look at all tables, so that the numbers agree with one another.
pub(crate) const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// The middle and the far end of some measured values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// How many were measured.
    pub count: i64,
    /// The median.
    pub p50: Option<f64>,
    /// Nine of ten are at most this.
    pub p90: Option<f64>,
    /// 99 of 100 are at most this.
    pub p99: Option<f64>,
}

impl Spread {
    /// From the three percentiles in one array, as PostgreSQL gives them.
    fn of(count: i64, percentiles: Option<Vec<f64>>) -> Self {
        let mut values = percentiles.into_iter().flatten();
        Self { count, p50: values.next(), p90: values.next(), p99: values.next() }
    }
}

/// A part of a whole, `None` of nothing.
#[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
pub(crate) fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The numbers of a window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    /// Its beginning.
    pub from: DateTime<Utc>,
    /// Its end; the queue and open appeals are as of then.
    pub until: DateTime<Utc>,
    /// Posts the rule blocked by itself.
    pub auto_blocks: AutoBlocks,
    /// From the first report to what was done.
    pub times: Times,
    /// People who had seen a post when the rule blocked it.
    pub viewers_before_block: Spread,
    /// Reports filed.
    pub reports: Reports,
    /// Whose reports count less.
    pub reporters: Reporters,
    /// What waits.
    pub queue: Queue,
    /// Appeals.
    pub appeals: Appeals,
    /// Reach owed to posts whose measures did not stand.
    pub restitution: Restitution,
    /// Moderators with most decisions first, at most 100.
    pub moderators: Vec<Reviewer>,
    /// Text rules that kept most posts back first, at most 100.
    pub text_rules: Vec<TextRule>,
}

/// Counts what happened from `from` to before `until`.
pub async fn stats(pool: &PgPool, from: DateTime<Utc>, until: DateTime<Utc>) -> sqlx::Result<Stats> {
    let mut tx = pool.begin_with(SNAPSHOT).await?;
    let stats = Stats {
        from,
        until,
        auto_blocks: measures::auto_blocks(&mut tx, from, until).await?,
        times: measures::times(&mut tx, from, until).await?,
        viewers_before_block: measures::exposure(&mut tx, from, until).await?,
        reports: incoming::reports(&mut tx, from, until).await?,
        reporters: incoming::reporters(&mut tx, from, until).await?,
        queue: desk::queue(&mut tx, until).await?,
        appeals: desk::appeals(&mut tx, from, until).await?,
        restitution: transparency::restitution(&mut tx, from, until).await?,
        moderators: desk::moderators(&mut tx, from, until).await?,
        text_rules: desk::text_rules(&mut tx, from, until).await?,
    };
    tx.commit().await?;
    Ok(stats)
}

/// Sets the gauges of moderation to what the tables say now; for the clock, at most once a minute.
pub async fn observe(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<()> {
    let mut connection = pool.acquire().await?;
    let queue = desk::queue(&mut connection, now).await?;
    let (open, overdue) = desk::waiting_appeals(&mut *connection, now).await?;
    let precision = precision(&mut *connection, now).await?;
    let (rule, _) = settings::current(&mut *connection).await?;
    metrics::gauge!("madang_moderation_queue_depth").set(number(queue.depth));
    metrics::gauge!("madang_moderation_queue_oldest_seconds").set(queue.oldest_seconds.unwrap_or(0.0));
    metrics::gauge!("madang_moderation_queue_age_p90_seconds").set(queue.age_seconds.p90.unwrap_or(0.0));
    metrics::gauge!("madang_moderation_appeals_open").set(number(open));
    metrics::gauge!("madang_moderation_appeals_overdue").set(number(overdue));
    // Not a number compares as false with every limit of an alarm.
    metrics::gauge!("madang_moderation_block_precision").set(precision.unwrap_or(f64::NAN));
    metrics::gauge!("madang_rule_limit_only").set(if rule.limit_only { 1.0 } else { 0.0 });
    Ok(())
}

async fn precision(executor: impl PgExecutor<'_>, now: DateTime<Utc>) -> sqlx::Result<Option<f64>> {
    let from = now - chrono::Duration::days(PRECISION_DAYS);
    let judged = fallback::judged(executor, Some(from), None, i64::MAX).await?;
    Ok(share(judged.reviewed - judged.overturned, judged.reviewed))
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
fn number(count: i64) -> f64 {
    count as f64
}
