//! The worker of returns: claims people whose record is to be computed anew. It has a lane of the job queue of its
//! own, so that a night's thousands wait for one another and not for a post.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use madang_core::{
    changes,
    ids::UserId,
    jobs::{self, Job, JobError, Lane},
    settings::WorkSettings,
};
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::{
    cards::CardKey,
    contradictions,
    markets::{Markets, Snapshot},
    profit_cards,
    records::{self, NoRecord},
};

/// One worker.
#[derive(Debug)]
pub struct Worker {
    pool: PgPool,
    markets: Arc<Markets>,
    key: CardKey,
    settings: WorkSettings,
}

impl Worker {
    /// A worker that has not begun.
    pub const fn new(pool: PgPool, markets: Arc<Markets>, key: CardKey, settings: WorkSettings) -> Self {
        Self { pool, markets, key, settings }
    }

    /// Works until asked to stop; what is in hand is finished.
    pub async fn run(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let done = self.step().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "failed to claim records to compute");
                0
            });
            if done == 0 {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(self.settings.poll.max(Duration::from_millis(200))) => {}
                }
            }
        }
    }

    /// Claims one batch and computes it. Returns how many people that were.
    pub async fn step(&self) -> sqlx::Result<usize> {
        let mut jobs =
            jobs::claim(&self.pool, Lane::Returns, self.settings.lease, self.settings.batch).await?;
        // They come in no order; whoever waited longest is first.
        jobs.sort_unstable_by_key(|job| (job.enqueued_at, job.subject));
        for job in &jobs {
            match self.compute(job).await {
                // One by one: the lease is of the whole batch, and a batch can outlast it.
                Ok(()) => jobs::finish(&self.pool, std::slice::from_ref(job)).await?,
                Err(error) => {
                    tracing::warn!(job.subject, %error, "failed to compute a record");
                    metrics::counter!("madang_job_failures_total", "kind" => "returns").increment(1);
                    jobs::fail(&self.pool, job, &error, self.settings.max_attempts).await?;
                }
            }
        }
        Ok(jobs.len())
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

    async fn compute(&self, job: &Job) -> Result<(), JobError> {
        let market = self.markets.now().await?;
        let mut tx = self.pool.begin().await?;
        let done = self.bring_up_to_date(&mut tx, &market, UserId::new(job.subject)).await;
        match done {
            Ok(()) => {}
            // No other try will find other rows.
            Err(error @ NoRecord::Unreplayable { .. }) => return Err(JobError::Hopeless(error.into())),
            Err(NoRecord::Database(error)) => return Err(error.into()),
        }
        tx.commit().await?;
        Ok(())
    }

    /// The record, and what hangs on it.
    async fn bring_up_to_date(
        &self,
        tx: &mut PgConnection,
        market: &Snapshot,
        user: UserId,
    ) -> Result<(), NoRecord> {
        let now = Utc::now();
        records::recompute(&mut *tx, market, user, now).await?;
        let mut changed = contradictions::refresh(&mut *tx, user, now).await?;
        if profit_cards::any(&mut *tx, user).await? {
            changed.extend(profit_cards::refresh(&mut *tx, (market, &self.key), user, now).await?);
        }
        if !changed.is_empty() {
            changes::record(tx, &changed).await?;
        }
        Ok(())
    }
}
