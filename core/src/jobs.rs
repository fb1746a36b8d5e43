//! The job queue, in PostgreSQL. A job names a subject: its handler reads the subject's present state
//! and makes a projection agree, so running one twice changes nothing. One row a (kind, subject, peer);
//! enqueuing raises its generation, and finishing deletes the row only if the generation is still the
//! claimed one and the lease still mine. `run_at` is the end of the lease while one is held.

use std::{collections::HashSet, time::Duration};

use rand::RngExt;
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::search_log;

/// What is to be made to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// A post: timelines of followers, boards, live readers. Subject: post.
    Fanout,
    /// A reader's timeline against one person they follow or not. Subject: reader, peer: person.
    Relation,
    /// The same once more, after the longest lease.
    RelationAgain,
    /// An author that became large, or small again. Subject: author.
    Merge,
    /// A post's place on top boards. Subject: post.
    Score,
    /// The change number in Redis. Subject: 0.
    Publish,
    /// A person's returns, and what hangs on them. Subject: person.
    Returns,
}

/// Whose workers take a job: the night's recomputing must not stand before a post's fan-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Timelines, boards and what must be known at once.
    Feed,
    /// Returns.
    Returns,
}

impl JobKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Fanout,
        Self::Relation,
        Self::RelationAgain,
        Self::Merge,
        Self::Score,
        Self::Publish,
        Self::Returns,
    ];

    /// The name in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fanout => "fanout",
            Self::Relation => "relation",
            Self::RelationAgain => "relation_again",
            Self::Merge => "merge",
            Self::Score => "score",
            Self::Publish => "publish",
            Self::Returns => "returns",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A job in hand.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// What to do.
    pub kind: JobKind,
    /// About whom or what.
    pub subject: i64,
    /// The other side, or 0.
    pub peer: i64,
    /// When it was first asked for.
    pub enqueued_at: chrono::DateTime<chrono::Utc>,
    generation: i64,
    lease: i64,
    /// Claims so far, this one too.
    pub attempts: i32,
}

/// How a job ended.
#[derive(Debug)]
pub enum JobError {
    /// A store is away: tried again until it is back, however long that takes.
    Away(anyhow::Error),
    /// Worth another try.
    Retry(anyhow::Error),
    /// No try will help: parked at once.
    Hopeless(anyhow::Error),
}

impl std::fmt::Display for JobError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Away(error) | Self::Retry(error) | Self::Hopeless(error)) = self;
        write!(f, "{error:#}")
    }
}

impl<E: Into<anyhow::Error>> From<E> for JobError {
    fn from(error: E) -> Self {
        let error = error.into();
        if error.downcast_ref::<sqlx::Error>().is_some_and(crate::db::is_away) {
            return Self::Away(error);
        }
        Self::Retry(error)
    }
}

/// The channel on which a worker is woken.
pub const WAKE_CHANNEL: &str = "madang_jobs";
/// A removal runs once more this much later, longer than any lease, as a job of its own: what a lapsed
/// worker wrote late does not survive it.
pub const REMOVE_AGAIN: Duration = Duration::from_secs(90);
/// Pause before another try while a store is away.
const AWAY_PAUSE: Duration = Duration::from_secs(1);
const BACKOFF_CAP: Duration = Duration::from_secs(300);

/// Asks for a job in the caller's transaction; it runs after `delay` at the earliest. Repeated asking
/// while it waits merges into one row. A parked one gets a fresh start.
pub async fn enqueue(
    executor: impl PgExecutor<'_>,
    kind: JobKind,
    subject: i64,
    peer: i64,
    delay: Duration,
) -> sqlx::Result<()> {
    enqueue_many(executor, kind, &[subject], peer, delay).await
}

/// Asks for the same job about many subjects.
pub async fn enqueue_many(
    executor: impl PgExecutor<'_>,
    kind: JobKind,
    subjects: &[i64],
    peer: i64,
    delay: Duration,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO jobs AS j (kind, subject, peer, run_at)
         SELECT $1, s, $3, now() + make_interval(secs => $4)
         FROM (SELECT DISTINCT unnest($2::bigint[]) AS s ORDER BY 1) AS subjects
         ON CONFLICT (kind, subject, peer) DO UPDATE SET
             generation = j.generation + 1,
             run_at = CASE WHEN j.lease IS NULL THEN least(j.run_at, excluded.run_at) ELSE j.run_at END,
             attempts = CASE WHEN j.parked_at IS NULL THEN j.attempts ELSE 0 END,
             parked_at = NULL",
        kind.as_str(),
        subjects,
        peer,
        delay.as_secs_f64()
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// Claims up to `limit` due jobs of a lane under a lease.
pub async fn claim(pool: &PgPool, lane: Lane, lease: Duration, limit: i64) -> sqlx::Result<Vec<Job>> {
    let mine: i64 = rand::rng().random_range(1..i64::MAX);
    let secs = lease.as_secs_f64();
    let rows = match lane {
        Lane::Feed => claim_feed(pool, limit, mine, secs).await?,
        Lane::Returns => claim_returns(pool, limit, mine, secs).await?,
    };
    let mut jobs = Vec::with_capacity(rows.len());
    for row in rows {
        // A kind of a newer release: its own workers will take it when the lease ends.
        let Some(kind) = JobKind::from_name(&row.kind) else {
            continue;
        };
        jobs.push(Job {
            kind,
            subject: row.subject,
            peer: row.peer,
            enqueued_at: row.enqueued_at,
            generation: row.generation,
            lease: mine,
            attempts: row.attempts,
        });
    }
    Ok(jobs)
}

struct Claimed {
    kind: String,
    subject: i64,
    peer: i64,
    generation: i64,
    attempts: i32,
    enqueued_at: chrono::DateTime<chrono::Utc>,
}

// Two statements, so that each lane has an index of its own.
async fn claim_feed(pool: &PgPool, limit: i64, lease: i64, secs: f64) -> sqlx::Result<Vec<Claimed>> {
    sqlx::query_as!(
        Claimed,
        "WITH due AS (
             SELECT kind, subject, peer FROM jobs
             WHERE parked_at IS NULL AND kind <> 'returns' AND run_at <= now()
             ORDER BY run_at LIMIT $1 FOR UPDATE SKIP LOCKED)
         UPDATE jobs j SET lease = $2, run_at = now() + make_interval(secs => $3), attempts = j.attempts + 1
         FROM due WHERE j.kind = due.kind AND j.subject = due.subject AND j.peer = due.peer
         RETURNING j.kind, j.subject, j.peer, j.generation, j.attempts, j.enqueued_at",
        limit,
        lease,
        secs
    )
    .fetch_all(pool)
    .await
}

async fn claim_returns(pool: &PgPool, limit: i64, lease: i64, secs: f64) -> sqlx::Result<Vec<Claimed>> {
    sqlx::query_as!(
        Claimed,
        "WITH due AS (
             SELECT kind, subject, peer FROM jobs
             WHERE parked_at IS NULL AND kind = 'returns' AND run_at <= now()
             ORDER BY run_at LIMIT $1 FOR UPDATE SKIP LOCKED)
         UPDATE jobs j SET lease = $2, run_at = now() + make_interval(secs => $3), attempts = j.attempts + 1
         FROM due WHERE j.kind = due.kind AND j.subject = due.subject AND j.peer = due.peer
         RETURNING j.kind, j.subject, j.peer, j.generation, j.attempts, j.enqueued_at",
        limit,
        lease,
        secs
    )
    .fetch_all(pool)
    .await
}

/// Finishes jobs: rows whose subject was asked for again meanwhile stay and are due at once.
///
/// Whoever asks for jobs holds their rows until its commit and takes them in an order of its own. So
/// many rows are never waited for together: those that are held by others are finished one by one.
///
/// What a fan-out was about, indexes of search must take over: that is noted with the end of the job.
pub async fn finish(pool: &PgPool, jobs: &[Job]) -> sqlx::Result<()> {
    let posts: Vec<i64> =
        jobs.iter().filter(|job| job.kind == JobKind::Fanout).map(|job| job.subject).collect();
    let busy = if posts.is_empty() && jobs.len() < 2 {
        jobs.to_vec()
    } else {
        let mut tx = pool.begin().await?;
        let busy = finish_free(&mut tx, jobs).await?;
        // Last, and nothing is waited for behind it.
        search_log::append(&mut tx, &posts, &[]).await?;
        tx.commit().await?;
        busy
    };
    for job in busy {
        finish_one(pool, &job).await?;
    }
    Ok(())
}

/// Finishes those whose rows nobody holds; returns the others.
async fn finish_free(tx: &mut PgConnection, jobs: &[Job]) -> sqlx::Result<Vec<Job>> {
    let kinds: Vec<String> = jobs.iter().map(|job| job.kind.as_str().to_owned()).collect();
    let subjects: Vec<i64> = jobs.iter().map(|job| job.subject).collect();
    let peers: Vec<i64> = jobs.iter().map(|job| job.peer).collect();
    let generations: Vec<i64> = jobs.iter().map(|job| job.generation).collect();
    let leases: Vec<i64> = jobs.iter().map(|job| job.lease).collect();
    let rows = sqlx::query!(
        "WITH free AS (
             SELECT j.kind, j.subject, j.peer, j.generation = d.generation AS done, d.ord
             FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
                 WITH ORDINALITY AS d (kind, subject, peer, generation, lease, ord)
             JOIN jobs j ON j.kind = d.kind AND j.subject = d.subject AND j.peer = d.peer AND j.lease = d.lease
             FOR UPDATE OF j SKIP LOCKED),
         gone AS (
             DELETE FROM jobs j USING free
             WHERE free.done AND j.kind = free.kind AND j.subject = free.subject AND j.peer = free.peer),
         again AS (
             UPDATE jobs j SET lease = NULL, run_at = now(), attempts = 0 FROM free
             WHERE NOT free.done AND j.kind = free.kind AND j.subject = free.subject AND j.peer = free.peer)
         SELECT ord FROM free",
        &kinds,
        &subjects,
        &peers,
        &generations,
        &leases
    )
    .fetch_all(tx)
    .await?;
    let freed: HashSet<i64> = rows.into_iter().filter_map(|row| row.ord).collect();
    Ok((1..).zip(jobs).filter(|(ord, _)| !freed.contains(ord)).map(|(_, job)| *job).collect())
}

async fn finish_one(pool: &PgPool, job: &Job) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "DELETE FROM jobs WHERE kind = $1 AND subject = $2 AND peer = $3 AND generation = $4 AND lease = $5",
        job.kind.as_str(),
        job.subject,
        job.peer,
        job.generation,
        job.lease
    )
    .execute(pool)
    .await?;
    if done.rows_affected() == 1 {
        return Ok(());
    }
    // A statement of its own sees what was asked for while the first one waited.
    sqlx::query!(
        "UPDATE jobs SET lease = NULL, run_at = now(), attempts = 0
         WHERE kind = $1 AND subject = $2 AND peer = $3 AND lease = $4",
        job.kind.as_str(),
        job.subject,
        job.peer,
        job.lease
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Puts a failed job back with a growing delay, or parks it.
pub async fn fail(pool: &PgPool, job: &Job, error: &JobError, max_attempts: i32) -> sqlx::Result<()> {
    let away = matches!(error, JobError::Away(_));
    let park = matches!(error, JobError::Hopeless(_)) || (!away && job.attempts >= max_attempts);
    let exponent = u32::try_from(job.attempts.clamp(1, 20)).unwrap_or(20) - 1;
    let backoff = Duration::from_millis(250).saturating_mul(1 << exponent.min(16)).min(BACKOFF_CAP);
    let pause = if away { AWAY_PAUSE } else { backoff };
    let text: String = error.to_string().chars().take(2_000).collect();
    sqlx::query!(
        "UPDATE jobs SET lease = NULL, run_at = now() + make_interval(secs => $6), last_error = $7,
             attempts = attempts - $9,
             parked_at = CASE WHEN $8 AND generation = $5 THEN now() END
         WHERE kind = $1 AND subject = $2 AND peer = $3 AND lease = $4",
        job.kind.as_str(),
        job.subject,
        job.peer,
        job.lease,
        job.generation,
        pause.as_secs_f64(),
        text,
        park,
        i32::from(away)
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Gives claimed jobs back untouched, when stopping: one by one, as `finish` says.
pub async fn release(pool: &PgPool, jobs: &[Job]) -> sqlx::Result<()> {
    for job in jobs {
        sqlx::query!(
            "UPDATE jobs SET lease = NULL, run_at = now(), attempts = attempts - 1
             WHERE kind = $1 AND subject = $2 AND peer = $3 AND lease = $4",
            job.kind.as_str(),
            job.subject,
            job.peer,
            job.lease
        )
        .execute(pool)
        .await?;
    }
    Ok(())
}

/// What an operator asks about the queue.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct QueueState {
    /// Rows waiting or in hand.
    pub depth: i64,
    /// Rows that were given up and wait for a person.
    pub parked: i64,
    /// Seconds since the oldest waiting row was due.
    pub oldest_secs: f64,
}

/// Counts the queue.
pub async fn state(executor: impl PgExecutor<'_>) -> sqlx::Result<QueueState> {
    let row = sqlx::query!(
        r#"SELECT count(*) FILTER (WHERE parked_at IS NULL) AS "depth!",
                  count(*) FILTER (WHERE parked_at IS NOT NULL) AS "parked!",
                  coalesce(extract(epoch FROM now() - min(run_at) FILTER (WHERE parked_at IS NULL AND run_at <= now())),
                           0)::float8 AS "oldest_secs!"
           FROM jobs"#
    )
    .fetch_one(executor)
    .await?;
    Ok(QueueState { depth: row.depth, parked: row.parked, oldest_secs: row.oldest_secs })
}

/// A parked job, for the operator.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ParkedJob {
    /// What it was to do.
    pub kind: String,
    /// About whom or what.
    pub subject: i64,
    /// The other side, or 0.
    pub peer: i64,
    /// Tries so far.
    pub attempts: i32,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// The parked jobs, oldest first, at most `limit`.
pub async fn parked(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<ParkedJob>> {
    sqlx::query_as!(
        ParkedJob,
        "SELECT kind, subject, peer, attempts, last_error FROM jobs
         WHERE parked_at IS NOT NULL ORDER BY parked_at LIMIT $1",
        limit
    )
    .fetch_all(pool)
    .await
}

/// Gives parked jobs another life; returns how many. One that is being asked for anew has it already.
pub async fn replay(pool: &PgPool, kind: Option<&str>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "WITH given_up AS (
             SELECT kind, subject, peer FROM jobs
             WHERE parked_at IS NOT NULL AND ($1::text IS NULL OR kind = $1) FOR UPDATE SKIP LOCKED)
         UPDATE jobs j SET parked_at = NULL, attempts = 0, lease = NULL, run_at = now() FROM given_up g
         WHERE j.kind = g.kind AND j.subject = g.subject AND j.peer = g.peer",
        kind
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// Wakes waiting workers. Sent after a commit from a connection of its own: NOTIFY inside the
/// transaction would make commits queue behind one another.
pub async fn wake(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_notify('madang_jobs', '')").execute(pool).await?;
    Ok(())
}
