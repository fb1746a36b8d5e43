//! Feeding the index: takes the log of the database over, part after part, and has the index built when there is none
//! that fits. Any number of processes may run it; one at a time feeds.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use madang_core::{search_log, tickers::Catalogue};
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    SearchIndex,
    documents::Mark,
    rebuild::{self, Silent},
    source::{self, Writer},
    turns::{Turn, Turns},
};

/// Between rounds, unless the last one left something.
const POLL: Duration = Duration::from_millis(200);
/// Before another try to feed, or after a failure.
const PAUSE: Duration = Duration::from_secs(2);
/// How long names of instruments are held that go into documents.
const NAMES_AGE: Duration = Duration::from_secs(30);

/// What feeds one index.
#[derive(Debug)]
pub struct Indexer {
    pool: PgPool,
    index: Arc<SearchIndex>,
    /// Where the index has no lock of its own.
    turns: Option<Turns>,
    names: Option<(Catalogue, Instant)>,
    building: Option<JoinHandle<()>>,
}

/// What a round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// Another process feeds.
    Following,
    /// All that there was is taken over.
    Done,
    /// There is more.
    More,
    /// The index cannot be fed before it is built, which is under way.
    Building,
}

impl Indexer {
    /// One that has not begun.
    pub const fn new(pool: PgPool, index: Arc<SearchIndex>) -> Self {
        Self { pool, index, turns: None, names: None, building: None }
    }

    /// Feeds until asked to stop. A round that is broken off is done again by the next process.
    pub async fn run(&mut self, stop: CancellationToken) {
        let stopped = stop.cancelled();
        tokio::select! {
            () = stopped => {}
            () = self.feed() => {}
        }
        if let Some(building) = self.building.take() {
            building.abort();
        }
    }

    async fn feed(&mut self) {
        loop {
            let pause = match self.round().await {
                Ok(Round::More) => continue,
                Ok(Round::Done | Round::Building) => POLL,
                Ok(Round::Following) => {
                    metrics::gauge!("madang_search_lag").set(0.0);
                    PAUSE
                }
                Err(error) => {
                    metrics::counter!("madang_search_failures_total").increment(1);
                    tracing::warn!(error = format!("{error:#}"), "failed to feed search, it is repeated");
                    self.turns = None;
                    PAUSE
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Takes over what came since the last round, some thousand subjects at most.
    pub async fn round(&mut self) -> anyhow::Result<Round> {
        // An index on this host's disk has a lock of its own, which a process keeps for good.
        if let SearchIndex::Embedded(_) = &*self.index {
            return if self.index.lead().await? { self.take_over().await } else { Ok(Round::Following) };
        }
        let mut turns = match self.turns.take() {
            Some(turns) => turns,
            None => Turns::open(&self.pool).await?,
        };
        if !turns.take(Turn::Feed).await? {
            self.turns = Some(turns);
            return Ok(Round::Following);
        }
        let done = self.take_over().await?;
        turns.give_back(Turn::Feed).await?;
        self.turns = Some(turns);
        Ok(done)
    }

    async fn take_over(&mut self) -> anyhow::Result<Round> {
        let log = search_log::state(&self.pool).await?;
        let fits = |mark: &Mark| mark.database == log.database && mark.position <= log.number;
        let Some(mark) = self.index.mark().await?.filter(fits) else {
            self.build();
            return Ok(Round::Building);
        };
        if self.index.outdated().await? {
            // The old one goes on answering, and is fed, until the new one is there.
            self.build();
        }
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!("madang_search_lag").set((log.number - mark.position) as f64);
        let Some(news) = search_log::since(&self.pool, mark.position).await? else {
            tracing::info!(position = mark.position, "the log no longer has what the index lacks");
            self.build();
            return Ok(Round::Building);
        };
        if news.reached == mark.position {
            return Ok(Round::Done);
        }
        let began = Instant::now();
        self.refresh_names().await?;
        let Some((names, _)) = &self.names else { return Ok(Round::Done) };
        let batch = source::batch(&self.pool, Writer(names), &news.subjects).await?;
        let count = batch.posts.len() + batch.people.len();
        let from = mark.position;
        self.index.apply(batch, from, Mark { position: news.reached, ..mark }).await?;
        metrics::counter!("madang_search_documents_total").increment(count as u64);
        metrics::histogram!("madang_search_apply_seconds").record(began.elapsed().as_secs_f64());
        Ok(if news.more { Round::More } else { Round::Done })
    }

    async fn refresh_names(&mut self) -> sqlx::Result<()> {
        if self.names.as_ref().is_none_or(|(_, read)| read.elapsed() > NAMES_AGE) {
            self.names = Some((Catalogue::load(&self.pool).await?, Instant::now()));
        }
        Ok(())
    }

    /// Has the index built anew, unless that is under way.
    fn build(&mut self) {
        if self.building.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        let (pool, index) = (self.pool.clone(), self.index.clone());
        self.building = Some(tokio::spawn(async move {
            match rebuild::run(&pool, &index, &Silent, Duration::ZERO).await {
                Ok(done) => tracing::info!(posts = done.posts, people = done.people, "search was built"),
                Err(error) => {
                    metrics::counter!("madang_search_failures_total").increment(1);
                    tracing::warn!(error = format!("{error:#}"), "failed to build search, it is repeated");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }));
    }
}
