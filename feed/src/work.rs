//! The worker: claims jobs, makes projections agree, keeps house.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use futures_util::future::join_all;
use madang_core::{
    changes, idempotency,
    ids::UserId,
    jobs::{self, Job, JobError, JobKind, Lane},
    search_log, sessions,
    settings::WorkSettings,
    users,
};
use sqlx::postgres::PgListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{Feed, kv::Away};

/// Jobs apart from fan-out that run at once.
const AT_ONCE: usize = 4;
/// Between rounds of housekeeping.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// Rows dropped in one statement of housekeeping.
const SWEEP: i64 = 5_000;

/// One worker.
#[derive(Debug)]
pub struct Worker {
    feed: Arc<Feed>,
    settings: WorkSettings,
    wake: Arc<Notify>,
}

impl Worker {
    /// A worker that has not begun.
    pub fn new(feed: Arc<Feed>, settings: WorkSettings) -> Self {
        Self { feed, settings, wake: Arc::default() }
    }

    /// Works until asked to stop; jobs in hand are finished, or given back by their lease.
    pub async fn run(&self, stop: CancellationToken) -> anyhow::Result<()> {
        self.ask_for_misplaced().await;
        let listening = self.listen();
        let housekeeping = self.keep_house();
        tokio::select! {
            () = self.work(&stop) => Ok(()),
            () = listening => Ok(()),
            () = housekeeping => Ok(()),
        }
    }

    async fn work(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            match self.step_unless(stop).await {
                Ok(0) => {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = self.wake.notified() => {}
                        () = tokio::time::sleep(self.settings.poll) => {}
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "failed to claim jobs");
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(self.settings.poll) => {}
                    }
                }
            }
        }
    }

    /// A step, unless the stop came while claiming: then the jobs are given back for others.
    async fn step_unless(&self, stop: &CancellationToken) -> sqlx::Result<usize> {
        let jobs = self.claim().await?;
        if stop.is_cancelled() {
            jobs::release(&self.feed.pool, &jobs).await?;
        } else {
            let span = tracing::info_span!("jobs", count = jobs.len());
            self.do_all(&jobs).instrument(span).await?;
        }
        Ok(jobs.len())
    }

    /// Claims one batch and does it. Returns how many jobs that were.
    pub async fn step(&self) -> sqlx::Result<usize> {
        let jobs = self.claim().await?;
        let span = tracing::info_span!("jobs", count = jobs.len());
        self.do_all(&jobs).instrument(span).await?;
        Ok(jobs.len())
    }

    async fn claim(&self) -> sqlx::Result<Vec<Job>> {
        jobs::claim(&self.feed.pool, Lane::Feed, self.settings.lease, self.settings.batch).await
    }

    async fn do_all(&self, jobs: &[Job]) -> sqlx::Result<()> {
        let (batched, single): (Vec<Job>, Vec<Job>) = jobs.iter().partition(|job| {
            matches!(job.kind, JobKind::Fanout | JobKind::Score) && job.attempts <= self.settings.max_attempts
        });
        for kind in [JobKind::Fanout, JobKind::Score] {
            let same: Vec<Job> = batched.iter().filter(|job| job.kind == kind).copied().collect();
            self.run_batch(kind, &same).await?;
        }
        for few in single.chunks(AT_ONCE) {
            join_all(few.iter().map(|job| self.run_one(*job))).await;
        }
        Ok(())
    }

    /// A batch is done as one; if that fails each by itself, so that one bad job does not hold up others.
    async fn run_batch(&self, kind: JobKind, batch: &[Job]) -> sqlx::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = batch.iter().map(|job| job.subject).collect();
        let began = std::time::Instant::now();
        let done = match kind {
            JobKind::Fanout => self.feed.fan_out(&ids, Utc::now()).await,
            _ => self.feed.rescore(&ids).await,
        };
        match done {
            Ok(()) => {
                let name = kind.as_str();
                metrics::histogram!("madang_job_batch_seconds", "kind" => name)
                    .record(began.elapsed().as_secs_f64());
                self.measure(batch);
                jobs::finish(&self.feed.pool, batch).await
            }
            Err(error) => {
                tracing::debug!(error = format!("{error:#}"), "a batch failed, its jobs run one by one");
                for job in batch {
                    self.run_one(*job).await;
                }
                Ok(())
            }
        }
    }

    async fn run_one(&self, job: Job) {
        let outcome = match self.handle(&job).await {
            Ok(()) => {
                self.measure(&[job]);
                jobs::finish(&self.feed.pool, &[job]).await
            }
            Err(error) => {
                tracing::warn!(job.kind = job.kind.as_str(), job.subject, %error, "job failed");
                metrics::counter!("madang_job_failures_total", "kind" => job.kind.as_str()).increment(1);
                jobs::fail(&self.feed.pool, &job, &error, self.settings.max_attempts).await
            }
        };
        if let Err(error) = outcome {
            // The lease ends by itself and the job is run again.
            tracing::warn!(job.kind = job.kind.as_str(), job.subject, %error, "failed to note a job's end");
        }
    }

    async fn handle(&self, job: &Job) -> Result<(), JobError> {
        // Counted when claimed: a job that takes its worker down with it never gets to fail.
        if job.attempts > self.settings.max_attempts.saturating_mul(3) {
            let why = anyhow::anyhow!("the worker died with it {} times", job.attempts - 1);
            return Err(JobError::Hopeless(why));
        }
        self.act(job).await.map_err(|error| {
            let away = error.downcast_ref::<Away>().is_some_and(Away::is_lost);
            if away { JobError::Away(error) } else { error.into() }
        })
    }

    async fn act(&self, job: &Job) -> anyhow::Result<()> {
        let now = Utc::now();
        match job.kind {
            JobKind::Fanout => self.feed.fan_out(&[job.subject], now).await?,
            JobKind::Score => self.feed.rescore(&[job.subject]).await?,
            JobKind::Relation | JobKind::RelationAgain => {
                self.feed.settle_relation(UserId::new(job.subject), UserId::new(job.peer)).await?;
                search_log::note_followed(&self.feed.pool, UserId::new(job.peer)).await?;
            }
            JobKind::Merge => self.feed.settle_merge(UserId::new(job.subject), now).await?,
            JobKind::Publish => {
                let number = changes::latest(&self.feed.pool).await?;
                self.feed.kv.publish_change(number).await?;
            }
            // Another lane, never claimed here.
            JobKind::Returns => {}
        }
        Ok(())
    }

    fn measure(&self, done: &[Job]) {
        let now = Utc::now();
        for job in done {
            let lag = (now - job.enqueued_at).to_std().unwrap_or_default();
            metrics::histogram!("madang_job_lag_seconds", "kind" => job.kind.as_str())
                .record(lag.as_secs_f64());
        }
    }

    /// Steps until nothing is due; for commands and tests.
    pub async fn drain(&self) -> sqlx::Result<usize> {
        let mut done = 0;
        loop {
            match self.step().await? {
                0 => return Ok(done),
                count => done += count,
            }
        }
    }

    /// Waits for NOTIFY on a connection of its own; polling stands behind it.
    async fn listen(&self) {
        loop {
            if let Err(error) = self.listen_once().await {
                tracing::debug!(error = format!("{error:#}"), "wake-ups interrupted, polling goes on");
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn listen_once(&self) -> anyhow::Result<()> {
        let mut listener = PgListener::connect_with(&self.feed.pool).await?;
        listener.listen(jobs::WAKE_CHANNEL).await?;
        loop {
            listener.recv().await?;
            self.wake.notify_one();
        }
    }

    async fn keep_house(&self) {
        let mut ticks = tokio::time::interval(HOUSEKEEPING);
        loop {
            ticks.tick().await;
            if let Err(error) = self.sweep().await {
                tracing::debug!(%error, "housekeeping failed, it is repeated");
            }
        }
    }

    async fn sweep(&self) -> sqlx::Result<()> {
        let pool = &self.feed.pool;
        while idempotency::drop_old(pool, SWEEP).await? == SWEEP.unsigned_abs() {}
        while changes::drop_old(pool, SWEEP).await? == SWEEP.unsigned_abs() {}
        while search_log::drop_old(pool, Utc::now(), SWEEP).await? == SWEEP.unsigned_abs() {}
        while sessions::drop_expired(pool, SWEEP).await? == SWEEP.unsigned_abs() {}
        Ok(())
    }

    /// The limit may have been changed since the last start.
    async fn ask_for_misplaced(&self) {
        let asked = async {
            let authors = users::misplaced_authors(&self.feed.pool, self.feed.settings.push_limit).await?;
            jobs::enqueue_many(&self.feed.pool, JobKind::Merge, &authors, 0, Duration::ZERO).await
        };
        if let Err(error) = asked.await {
            tracing::warn!(%error, "failed to look for large authors");
        }
    }
}
