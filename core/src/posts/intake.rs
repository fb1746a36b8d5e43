//! Group commit: posts that arrive while others are being committed go together in the next statement, so
//! that a busy hour costs fewer commits a post and a quiet one no waiting.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use sqlx::PgPool;
use tokio::sync::oneshot;

use super::publish::{self, Published, Submission};
use crate::db;

/// Most posts of one statement.
const BATCH: usize = 64;
/// While one statement is on its way the next is gathered; only when it takes this long, as one does that
/// waits for somebody's lock, those behind it go by another.
const PATIENCE: Duration = Duration::from_millis(25);
/// Statements on their way at once at most.
const FLIGHTS: usize = 4;
/// Most posts waiting; more are refused, to be sent again later.
const QUEUE: usize = 4_096;

struct Waiting {
    submission: Submission,
    answer: oneshot::Sender<sqlx::Result<Published>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    flights: usize,
    /// When the latest statement was sent.
    sent: Option<Instant>,
}

impl Queue {
    fn needs_a_flight(&self) -> bool {
        let late = self.sent.is_none_or(|sent| sent.elapsed() > PATIENCE);
        self.flights == 0 || (self.flights < FLIGHTS && late)
    }
}

/// Where posts wait for their statement.
pub struct Intake {
    pool: PgPool,
    queue: Mutex<Queue>,
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Intake")
    }
}

impl Intake {
    /// Nothing waits yet.
    pub fn new(pool: PgPool) -> Self {
        Self { pool, queue: Mutex::default() }
    }

    /// Makes a post; answers when it is committed. `PoolTimedOut` when too many wait.
    pub async fn publish(self: &Arc<Self>, submission: Submission) -> sqlx::Result<Published> {
        let (answer, answered) = oneshot::channel();
        let start = {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            if queue.waiting.len() >= QUEUE {
                return Err(sqlx::Error::PoolTimedOut);
            }
            queue.waiting.push_back(Waiting { submission, answer });
            let start = queue.needs_a_flight();
            queue.flights += usize::from(start);
            start
        };
        if start {
            tokio::spawn(self.clone().fly());
        }
        answered.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    /// Commits what waits until nothing does.
    async fn fly(self: Arc<Self>) {
        let mut landing = Landing { intake: &self, armed: true };
        while let Some(batch) = self.next_batch() {
            self.commit(batch).await;
        }
        landing.armed = false;
    }

    /// The next posts, no two with the same key: the second is to find what the first left. Ends the flight
    /// in the same breath when nothing waits.
    fn next_batch(&self) -> Option<Vec<Waiting>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys = HashSet::new();
        let mut is_first = |waiting: &Waiting| {
            waiting.submission.key.as_ref().is_none_or(|usage| keys.insert((usage.user, usage.key.clone())))
        };
        let count = queue.waiting.iter().take(BATCH).take_while(|waiting| is_first(waiting)).count();
        if count == 0 {
            queue.flights -= 1;
            return None;
        }
        queue.sent = Some(Instant::now());
        Some(queue.waiting.drain(..count).collect())
    }

    async fn commit(&self, batch: Vec<Waiting>) {
        metrics::histogram!("madang_posts_per_commit").record(u32::try_from(batch.len()).unwrap_or(u32::MAX));
        let (submissions, answers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|waiting| (waiting.submission, waiting.answer)).unzip();
        let published = match submissions.as_slice() {
            [] => Vec::new(),
            [alone] => vec![publish::create(&self.pool, alone).await],
            together => self.commit_together(together).await,
        };
        for (answer, published) in answers.into_iter().zip(published) {
            // The one who asked may have gone.
            let _ = answer.send(published);
        }
    }

    /// What one post did wrong must not be the others' loss: then each goes by itself.
    async fn commit_together(&self, submissions: &[Submission]) -> Vec<sqlx::Result<Published>> {
        let error = match publish::create_all(&self.pool, submissions).await {
            Ok(published) => return published,
            Err(error) => error,
        };
        // Only a refusal says for certain that nothing was committed.
        if db::is_away(&error) || !matches!(error, sqlx::Error::Database(_)) {
            return submissions.iter().map(|_| Err(sqlx::Error::PoolTimedOut)).collect();
        }
        tracing::warn!(%error, "posts that could not go together go one by one");
        join_all(submissions.iter().map(|alone| publish::create(&self.pool, alone))).await
    }
}

/// Should the task be dropped with its runtime, the next post begins a new flight.
struct Landing<'a> {
    intake: &'a Intake,
    armed: bool,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        if self.armed {
            let mut queue = self.intake.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.flights -= 1;
        }
    }
}
