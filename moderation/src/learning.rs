//! What is learned from the past, by the clock: how often posts are reported for nothing (the rule's noise rate,
//! weekly), what is usual under a ticker (daily), and how much was posted and seen on a day (hourly, [`count_days`]).
//! Any number of processes may ask at once: each thing is done by one of them, and not before its time.

mod reach;

use chrono::{DateTime, Duration, Utc};
use madang_core::ids::PostId;
use serde_json::json;
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::{
    audit::{self, Act, Actor},
    rule::{RuleSettings, refit_noise_rate},
    settings,
};

pub use reach::{count_days, count_days_for};

/// Between two fits of the noise rate.
const REFIT_EVERY: Duration = Duration::days(7);
/// Verdicts it is fitted to are at most so old, …
const REFIT_DAYS: i64 = 90;
/// … of posts that so many people saw: one report among few is no rate.
const REFIT_VIEWERS: i32 = 200;
/// Fewer such verdicts teach nothing.
const REFIT_CASES: usize = 20;
/// The newest ones are enough.
const REFIT_CASES_MOST: i64 = 10_000;
/// Greatest noise rate the settings allow.
const NOISE_RATE_MOST: f64 = 0.1;

/// A new noise rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Refit {
    /// Version of the settings it made.
    pub version: i32,
    /// Reports (weighted) a viewer.
    pub noise_rate: f64,
    /// Verdicts it was fitted to.
    pub cases: usize,
}

/// Fits the noise rate to the reported posts that moderators kept, at most once in seven days, and makes a new
/// version of the settings. `None` if it is too early, if there is too little to learn from, or if nothing changes.
/// What was done is in the audit log, which also says when it was done last.
pub async fn refit(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<Option<Refit>> {
    let mut tx = pool.begin().await?;
    settings::lock(&mut tx).await?;
    let last = sqlx::query_scalar!(
        "SELECT max(at) FROM mod_audit WHERE object = 'rule' AND action = 'rule.refitted'"
    )
    .fetch_one(&mut *tx)
    .await?;
    if last.is_some_and(|last| now - last < REFIT_EVERY) {
        tx.rollback().await?;
        return Ok(None);
    }
    let cleared = cleared(&mut tx, now).await?;
    let (rule, version) = settings::current(&mut *tx).await?;
    let learned = refit_noise_rate(&rule, &cleared).map(|rate| rate.min(NOISE_RATE_MOST));
    let Some(noise_rate) = learned.filter(|rate| cleared.len() >= REFIT_CASES && *rate != rule.noise_rate)
    else {
        tx.rollback().await?;
        return Ok(None);
    };
    let next = settings::set(&mut *tx, &RuleSettings { noise_rate, ..rule.clone() }, None, now).await?;
    let act = Act {
        actor: Actor::System,
        action: "rule.refitted",
        object: "rule".to_owned(),
        before: Some(json!({"version": version, "noise_rate": rule.noise_rate})),
        after: Some(json!({"version": next, "noise_rate": noise_rate, "cases": cleared.len()})),
        request_id: None,
    };
    audit::append(&mut tx, &act).await?;
    tx.commit().await?;
    tracing::info!(
        before = rule.noise_rate,
        after = noise_rate,
        cases = cleared.len(),
        "the noise rate was fitted"
    );
    Ok(Some(Refit { version: next, noise_rate, cases: cleared.len() }))
}

/// Score and viewers of the reported posts that moderators kept. A post that was held has no viewers and is not
/// among them.
async fn cleared(tx: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<Vec<(f64, u32)>> {
    let rows = sqlx::query!(
        r#"SELECT c.score, c.viewers AS "viewers!" FROM mod_cases c
           WHERE c.decided_at > $1 AND c.decided_at <= $2 AND c.viewers >= $3
             AND EXISTS (SELECT FROM mod_decisions d WHERE d.case_id = c.id AND d.kind = 'keep' AND d.actor_id IS NOT NULL)
           ORDER BY c.decided_at DESC LIMIT $4"#,
        now - Duration::days(REFIT_DAYS),
        now,
        REFIT_VIEWERS,
        REFIT_CASES_MOST
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.score, u32::try_from(row.viewers).unwrap_or(0))).collect())
}

/// The usual reports a view of a post's tickers: the highest, so that a post is unusual only if it is so under
/// each of them. `None` where none of them is seen enough to say.
pub(crate) async fn usual_report_rate(
    executor: impl PgExecutor<'_>,
    post: PostId,
) -> sqlx::Result<Option<f64>> {
    sqlx::query_scalar!(
        "SELECT max(r.rate) FROM post_tickers t JOIN ticker_report_rates r ON r.ticker_id = t.ticker_id WHERE t.post_id = $1",
        post.get()
    )
    .fetch_one(executor)
    .await
}

/// Views under which a ticker has no usual rate.
const RATE_VIEWS: i64 = 1_000;
/// Between two counts.
const RATES_EVERY: Duration = Duration::days(1);

/// Learns what is usual under each ticker, from the last 30 days as [`count_days`] left them, at most once a day.
/// Returns how many tickers have a rate, or `None` if it is too early.
///
/// Reports of cases in which most reporters were one voice are left out: organised reporting must not become
/// usual. One report is added, so that a ticker where nobody reported anything has a rate above nothing. Until some
/// ticker is seen enough this is done each time it is called.
pub async fn refresh_rates(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<Option<u64>> {
    let mut tx = pool.begin().await?;
    if !alone(&mut tx, "ticker_report_rates").await? {
        tx.rollback().await?;
        return Ok(None);
    }
    let last =
        sqlx::query_scalar!("SELECT max(updated_at) FROM ticker_report_rates").fetch_one(&mut *tx).await?;
    if last.is_some_and(|last| now - last < RATES_EVERY) {
        tx.rollback().await?;
        return Ok(None);
    }
    sqlx::query!("DELETE FROM ticker_report_rates").execute(&mut *tx).await?;
    let done = sqlx::query!(
        "INSERT INTO ticker_report_rates (ticker_id, reports, views, rate, updated_at)
         SELECT ticker_id, sum(reports), sum(views), (1 + sum(reports))::float8 / sum(views)::float8, $2
         FROM ticker_reach_days WHERE day >= $1 GROUP BY ticker_id HAVING sum(views)::bigint >= $3",
        reach::oldest_day(now),
        now,
        RATE_VIEWS
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Some(done.rows_affected()))
}

/// Whether this transaction is the only one at that task until it ends.
async fn alone(tx: &mut PgConnection, task: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_xact_lock(hashtext('learning'), hashtext($1)) AS "alone!""#,
        task
    )
    .fetch_one(tx)
    .await
}
