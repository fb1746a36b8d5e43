//! How much was posted and seen on a day, in all and under each ticker. A day has tens of millions of views, so each
//! is counted in a transaction of its own: who is stopped, or has no time left, loses one day at most, and no
//! snapshot lasts long enough to keep vacuum from other tables.

use std::time::Instant;

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};
use madang_core::ids::id_floor;
use sqlx::{PgConnection, PgPool};

use super::alone;
use crate::exposure::COUNTED_DAYS;

/// A run begins no further day after so long.
const RUN: std::time::Duration = std::time::Duration::from_secs(600);
/// Days whose sums by ticker are kept, beside today; sums over all tickers are kept for ever.
const KEPT_DAYS: i64 = 31;

/// The first of the days that are counted, of which today is the last.
pub(super) fn oldest_day(now: DateTime<Utc>) -> NaiveDate {
    now.date_naive() - Duration::days(COUNTED_DAYS - 1)
}

/// Counts posts and views of the days whose views are still there, one at a time: first those never counted, the
/// newest first, then those whose count is the oldest for their age. Young days grow faster: a day is counted again
/// when its count is older than a 24th of its age. Begins no further day after ten minutes, nor when another process
/// is at one; the next run goes on. Returns how many days were counted.
pub async fn count_days(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<u64> {
    count_days_for(pool, now, RUN).await
}

/// The same, for so long; one day at least.
pub async fn count_days_for(
    pool: &PgPool,
    now: DateTime<Utc>,
    limit: std::time::Duration,
) -> sqlx::Result<u64> {
    let started = Instant::now();
    let (mut counted, mut failed) = (0, None);
    for due in due_days(pool, now).await? {
        match count_day(pool, &due, now).await {
            Ok(Outcome::Counted) => counted += 1,
            Ok(Outcome::Fresh) => {}
            Ok(Outcome::Busy) => break,
            // It would be the first one again in an hour, and the others would never be counted.
            Err(error @ sqlx::Error::Database(_)) => {
                tracing::warn!(day = %due.day, %error, "failed to count the views of a day, others go on");
                failed = Some(error);
            }
            Err(error) => return Err(error),
        }
        if started.elapsed() >= limit {
            break;
        }
    }
    failed.map_or(Ok(counted), Err)
}

/// A day to count, and when it was counted last.
struct Due {
    day: NaiveDate,
    counted_at: Option<DateTime<Utc>>,
}

async fn due_days(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        r#"SELECT d.day AS "day!", r.counted_at AS "counted_at?"
           FROM (SELECT $2::date + back AS day, ($2::date + back)::timestamp AT TIME ZONE 'UTC' AS start
                 FROM generate_series(0, $3) AS back) AS d
           LEFT JOIN reach_days r ON r.day = d.day
           WHERE r.day IS NULL OR $1 - r.counted_at > ($1 - d.start) / 24
           ORDER BY extract(epoch FROM $1 - r.counted_at) / greatest(extract(epoch FROM $1 - d.start), 1)
                    DESC NULLS FIRST, d.day DESC"#,
        now,
        oldest_day(now),
        i32::try_from(COUNTED_DAYS - 1).unwrap_or(i32::MAX)
    )
    .fetch_all(pool)
    .await
}

enum Outcome {
    Counted,
    /// Another process has counted it meanwhile.
    Fresh,
    /// Another process is counting.
    Busy,
}

async fn count_day(pool: &PgPool, due: &Due, now: DateTime<Utc>) -> sqlx::Result<Outcome> {
    let mut tx = pool.begin().await?;
    let outcome = count_alone(&mut tx, due, now).await;
    match outcome {
        Ok(Outcome::Counted) => tx.commit().await?,
        // Also after an error, and at once: while the transaction is left to the pool its lock keeps this very run
        // from the next day.
        _ => tx.rollback().await?,
    }
    outcome
}

async fn count_alone(tx: &mut PgConnection, due: &Due, now: DateTime<Utc>) -> sqlx::Result<Outcome> {
    if !alone(&mut *tx, "reach_days").await? {
        return Ok(Outcome::Busy);
    }
    let counted_at = sqlx::query_scalar!("SELECT counted_at FROM reach_days WHERE day = $1", due.day)
        .fetch_optional(&mut *tx)
        .await?;
    if counted_at != due.counted_at {
        return Ok(Outcome::Fresh);
    }
    let sums = sums(&mut *tx, due.day).await?;
    store(tx, due.day, &sums, now).await?;
    Ok(Outcome::Counted)
}

/// What a day adds up to.
#[derive(Default)]
struct Sums {
    views: i64,
    tickers: Vec<i32>,
    ticker_reports: Vec<i64>,
    ticker_views: Vec<i64>,
}

/// Reads one partition of the views. Nothing is written by this statement, so that PostgreSQL may give it several
/// workers.
async fn sums(tx: &mut PgConnection, day: NaiveDate) -> sqlx::Result<Sums> {
    prepare(&mut *tx).await?;
    let (from, until) = ids_of(day);
    let rows = sqlx::query!(
        r#"WITH seen AS MATERIALIZED (
               SELECT post_id, count(*) AS views FROM post_views WHERE post_id >= $1 AND post_id < $2 GROUP BY post_id),
           reported AS (
               SELECT r.post_id, count(*) AS reports FROM reports r JOIN mod_cases c ON c.id = r.case_id
               WHERE r.post_id >= $1 AND r.post_id < $2 AND r.status <> 'withdrawn'
                 AND c.verdict->'brigade'->>'reason' IS DISTINCT FROM 'one_cluster'
               GROUP BY r.post_id)
           SELECT NULL::integer AS ticker, 0::bigint AS "reports!", coalesce(sum(views), 0)::bigint AS "views!" FROM seen
           UNION ALL
           SELECT t.ticker_id, coalesce(sum(r.reports), 0)::bigint, sum(s.views)::bigint
           FROM seen s JOIN post_tickers t ON t.post_id = s.post_id LEFT JOIN reported r ON r.post_id = s.post_id
           WHERE t.post_id >= $1 AND t.post_id < $2 GROUP BY t.ticker_id"#,
        from,
        until
    )
    .fetch_all(tx)
    .await?;
    let mut sums = Sums::default();
    for row in rows {
        let Some(ticker) = row.ticker else {
            sums.views = row.views;
            continue;
        };
        sums.tickers.push(ticker);
        sums.ticker_reports.push(row.reports);
        sums.ticker_views.push(row.views);
    }
    Ok(sums)
}

/// Counting may take longer than what people wait for, a plan made for any day would not know that it reads a whole
/// partition, and partitions are neither made nor dropped meanwhile: who waits to drop one would keep everybody from
/// writing views.
async fn prepare(tx: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("SELECT pg_advisory_xact_lock_shared(hashtext('keep_view_partitions'))")
        .fetch_one(&mut *tx)
        .await?;
    sqlx::query!("SET LOCAL statement_timeout = '5min'").execute(&mut *tx).await?;
    sqlx::query!("SET LOCAL plan_cache_mode = 'force_custom_plan'").execute(tx).await?;
    Ok(())
}

/// Ids of the posts of a day (UTC): from the first one to before the second.
fn ids_of(day: NaiveDate) -> (i64, i64) {
    let start = day.and_time(NaiveTime::MIN).and_utc();
    (id_floor(start), id_floor(start + Duration::days(1)))
}

/// Puts the sums in the place of those before, and forgets those that are of no more use.
async fn store(tx: &mut PgConnection, day: NaiveDate, sums: &Sums, now: DateTime<Utc>) -> sqlx::Result<()> {
    let (from, until) = ids_of(day);
    sqlx::query!(
        "INSERT INTO reach_days (day, posts, views, counted_at)
         VALUES ($1, (SELECT count(*) FROM posts WHERE id >= $2 AND id < $3), $4, $5)
         ON CONFLICT (day) DO UPDATE SET posts = excluded.posts, views = excluded.views, counted_at = excluded.counted_at",
        day,
        from,
        until,
        sums.views,
        now
    )
    .execute(&mut *tx)
    .await?;
    let forgotten = now.date_naive() - Duration::days(KEPT_DAYS);
    sqlx::query!("DELETE FROM ticker_reach_days WHERE day = $1 OR day < $2", day, forgotten)
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "INSERT INTO ticker_reach_days (day, ticker_id, reports, views)
         SELECT $1, * FROM unnest($2::integer[], $3::bigint[], $4::bigint[])",
        day,
        &sums.tickers,
        &sums.ticker_reports,
        &sums.ticker_views
    )
    .execute(tx)
    .await?;
    Ok(())
}
