//! What is learned from the past, by the clock: how often posts are reported for nothing (the rule's noise rate,
//! weekly), what is usual under a ticker (daily), and how much was posted and seen on a day (hourly). Any number of
//! processes may ask at once: each thing is done by one of them, and not before its time.

use chrono::{DateTime, Duration, Utc};
use madang_core::ids::{PostId, id_floor};
use serde_json::json;
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::{
    audit::{self, Act, Actor},
    exposure::COUNTED_DAYS,
    rule::{RuleSettings, refit_noise_rate},
    settings,
};

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

/// Counts what is usual under each ticker, from the posts of the last 30 days, at most once a day. Returns how many
/// tickers have a rate, or `None` if it is too early.
///
/// Reports of cases in which most reporters were one voice are left out: organised reporting must not become
/// usual. One report is added, so that a ticker where nobody reported anything has a rate above nothing. Until some
/// ticker is seen enough this counts each time it is called.
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
        "WITH seen AS (
             SELECT post_id, count(*) AS views FROM post_views WHERE post_id >= $1 GROUP BY post_id),
         reported AS (
             SELECT r.post_id, count(*) AS reports FROM reports r JOIN mod_cases c ON c.id = r.case_id
             WHERE r.post_id >= $1 AND r.status <> 'withdrawn'
               AND c.verdict->'brigade'->>'reason' IS DISTINCT FROM 'one_cluster'
             GROUP BY r.post_id)
         INSERT INTO ticker_report_rates (ticker_id, reports, views, rate, updated_at)
         SELECT t.ticker_id, coalesce(sum(r.reports), 0), sum(s.views),
                (1 + coalesce(sum(r.reports), 0))::float8 / sum(s.views)::float8, $2
         FROM seen s JOIN post_tickers t ON t.post_id = s.post_id LEFT JOIN reported r ON r.post_id = s.post_id
         GROUP BY t.ticker_id HAVING sum(s.views)::bigint >= $3",
        id_floor(now - Duration::days(COUNTED_DAYS)),
        now,
        RATE_VIEWS
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Some(done.rows_affected()))
}

/// Counts posts and views of the days whose views are still there. Young days grow faster: a day is counted again
/// when its count is older than a 24th of its age. Returns how many days were counted.
pub async fn count_days(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let mut tx = pool.begin().await?;
    if !alone(&mut tx, "reach_days").await? {
        tx.rollback().await?;
        return Ok(0);
    }
    let done = sqlx::query!(
        "INSERT INTO reach_days (day, posts, views, counted_at)
         SELECT d.day, (SELECT count(*) FROM posts WHERE id >= id_floor(d.start) AND id < id_floor(d.start + interval '1 day')),
                (SELECT count(*) FROM post_views
                 WHERE post_id >= id_floor(d.start) AND post_id < id_floor(d.start + interval '1 day')), $1
         FROM (SELECT day, day::timestamp AT TIME ZONE 'UTC' AS start
               FROM (SELECT ($1::timestamptz AT TIME ZONE 'UTC')::date - back AS day FROM generate_series(0, $2) AS back) AS s)
             AS d
         LEFT JOIN reach_days r ON r.day = d.day
         WHERE r.day IS NULL OR $1 - r.counted_at > ($1 - d.start) / 24
         ON CONFLICT (day) DO UPDATE SET posts = excluded.posts, views = excluded.views, counted_at = excluded.counted_at",
        now,
        i32::try_from(COUNTED_DAYS - 1).unwrap_or(i32::MAX)
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected())
}

/// Whether this transaction is the only one at that task until it ends. Counting may take longer than what people
/// wait for, and partitions of views are neither made nor dropped meanwhile: who waits to drop one would keep
/// everybody from writing views.
async fn alone(tx: &mut PgConnection, task: &str) -> sqlx::Result<bool> {
    let alone = sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_xact_lock(hashtext('learning'), hashtext($1)) AS "alone!""#,
        task
    )
    .fetch_one(&mut *tx)
    .await?;
    if alone {
        sqlx::query!("SELECT pg_advisory_xact_lock_shared(hashtext('keep_view_partitions'))")
            .fetch_one(&mut *tx)
            .await?;
        sqlx::query!("SET LOCAL statement_timeout = '10min'").execute(tx).await?;
    }
    Ok(alone)
}
