//! The embedded index: tantivy on local disk, written by one process of a host and read by all of them.
//!
//! It promises that a commit is seen by the next search of any process of the host, that the mark of a commit and its
//! documents are there together or not at all, and that damaged files count as no index and end no process. A file cut
//! short while it is mapped is beyond that: the operating system ends who reads it.

mod analysis;
mod asked;
mod cutoff;
mod folders;
mod listing;
mod people;
mod posts;
mod reading;
mod schema;
mod typos;
mod writing;

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use madang_core::ids::{PostId, UserId};
use tokio::{
    runtime::Handle,
    sync::Semaphore,
    task::{JoinError, spawn_blocking},
    time::timeout,
};

use self::{
    folders::Folders,
    listing::Listing,
    reading::{Loaded, Reading},
    writing::{Build, Lead},
};
use crate::{
    PATIENCE, SearchError,
    documents::{Batch, Mark},
    query::{PeopleQuery, PostQuery},
};

/// Searches at once; others wait their turn.
const SEARCHES: usize = 3;

/// A search answers with what it has found by then, its turn awaited included; what is left until `PATIENCE` is for the
/// step it is in.
const CUTOFF: Duration = Duration::from_millis(1_200);

/// The embedded index.
pub struct Embedded {
    inner: Arc<Inner>,
    turns: Arc<Semaphore>,
    opening: Arc<Semaphore>,
}

struct Inner {
    folders: Folders,
    reading: Arc<Reading>,
    listing: Mutex<Listing>,
    lead: Mutex<Lead>,
    build: Mutex<Build>,
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").field("folders", &self.inner.folders).finish_non_exhaustive()
    }
}

impl Embedded {
    /// The index of a database (a UUID) under a folder of the host's own disk, made where there is none. It is opened in
    /// the background.
    ///
    /// # Errors
    /// `Away` when the folder cannot be made, or the database is no UUID.
    pub fn open(root: &Path, database: &str) -> Result<Self, SearchError> {
        let folders = Folders::open(root, database)?;
        let reading = Arc::new(Reading::new(folders.clone(), database.to_owned()));
        let opened = Arc::clone(&reading);
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn_blocking(move || opened.latest());
        }
        let inner = Inner {
            reading,
            folders,
            listing: Mutex::default(),
            lead: Mutex::default(),
            build: Mutex::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
            turns: Arc::new(Semaphore::new(SEARCHES)),
            opening: Arc::new(Semaphore::new(1)),
        })
    }

    /// Whether this process is the one that writes to the index that answers; it asks to be unless it is. It stops
    /// being when this value is dropped or the process ends.
    pub(crate) async fn lead(&self) -> Result<bool, SearchError> {
        self.write(|inner| inner.lead.lock().unwrap_or_else(PoisonError::into_inner).lead(&inner.folders))
            .await
    }

    pub(crate) async fn posts(&self, query: &PostQuery) -> Result<Vec<PostId>, SearchError> {
        let query = query.clone();
        self.read(move |state, end| {
            Ok(posts::search(state, &query, end)?.into_iter().map(PostId::new).collect())
        })
        .await
    }

    pub(crate) async fn people(&self, query: &PeopleQuery) -> Result<Vec<UserId>, SearchError> {
        let query = query.clone();
        self.read(move |state, end| {
            Ok(people::search(state, &query, end)?.into_iter().map(UserId::new).collect())
        })
        .await
    }

    pub(crate) async fn mark(&self) -> Result<Option<Mark>, SearchError> {
        let read = self.write(|inner| match inner.reading.latest() {
            Some(state) => Ok(Some(state.mark.clone())),
            None if inner.folders.is_newer() => Err(inner.folders.none()),
            None => Ok(None),
        });
        match read.await {
            Err(SearchError::Failed(why)) => {
                tracing::error!(why, "the search index cannot be read and counts as none");
                Ok(None)
            }
            read => read,
        }
    }

    pub(crate) async fn apply(&self, batch: Batch, from: i64, mark: Mark) -> Result<(), SearchError> {
        self.write(move |inner| {
            let mut lead = inner.lead.lock().unwrap_or_else(PoisonError::into_inner);
            lead.apply(&inner.folders, &batch, from, &mark)?;
            inner.reading.latest();
            Ok(())
        })
        .await
    }

    pub(crate) async fn begin_build(&self, mark: Mark, anew: bool) -> Result<Mark, SearchError> {
        self.write(move |inner| {
            inner.build.lock().unwrap_or_else(PoisonError::into_inner).begin(&inner.folders, mark, anew)
        })
        .await
    }

    pub(crate) async fn build(&self, batch: Batch, mark: Mark) -> Result<(), SearchError> {
        self.write(move |inner| inner.build.lock().unwrap_or_else(PoisonError::into_inner).add(&batch, mark))
            .await
    }

    pub(crate) async fn finish_build(&self) -> Result<(), SearchError> {
        self.write(|inner| {
            inner.build.lock().unwrap_or_else(PoisonError::into_inner).finish(&inner.folders)?;
            inner.reading.latest();
            Ok(())
        })
        .await
    }

    pub(crate) async fn post_ids(&self, after: PostId, limit: usize) -> Result<Vec<PostId>, SearchError> {
        let ids = self.write(move |inner| inner.ids("post", after.get(), limit)).await?;
        Ok(ids.into_iter().map(PostId::new).collect())
    }

    pub(crate) async fn people_ids(&self, after: UserId, limit: usize) -> Result<Vec<UserId>, SearchError> {
        let ids = self.write(move |inner| inner.ids("person", after.get(), limit)).await?;
        Ok(ids.into_iter().map(UserId::new).collect())
    }

    /// Runs a search when its turn comes, until `CUTOFF`; gives up after `PATIENCE`. What was given up keeps its turn
    /// until it ends.
    async fn read<T: Send + 'static>(
        &self,
        search: impl FnOnce(&Loaded, Instant) -> Result<T, SearchError> + Send + 'static,
    ) -> Result<T, SearchError> {
        let end = Instant::now() + CUTOFF;
        let found = timeout(PATIENCE, async move {
            self.open_first().await;
            let turns = Arc::clone(&self.turns);
            let turn = turns.acquire_owned().await.map_err(|error| SearchError::Away(error.to_string()))?;
            let (reading, folders) = (Arc::clone(&self.inner.reading), self.inner.folders.clone());
            let found = spawn_blocking(move || {
                let _turn = turn;
                let state = reading.state().ok_or_else(|| folders.none())?;
                if Instant::now() >= end {
                    return Err(late());
                }
                search(&state, end)
            });
            found.await.unwrap_or_else(|error| {
                self.inner.reading.forget();
                Err(broken(&error))
            })
        });
        found.await.unwrap_or_else(|_| Err(late()))
    }

    /// Has an index opened unless one is. It goes on being opened when who asked has given up, and who asks meanwhile
    /// waits without a turn.
    async fn open_first(&self) {
        if self.inner.reading.is_open() {
            return;
        }
        let Ok(one) = Arc::clone(&self.opening).acquire_owned().await else { return };
        let reading = Arc::clone(&self.inner.reading);
        if !reading.is_open() {
            let opened = spawn_blocking(move || {
                let _one = one;
                reading.latest();
            });
            if let Err(error) = opened.await {
                tracing::error!(%error, "the search index broke when it was opened");
            }
        }
    }

    /// Runs what may take its time.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, SearchError> + Send + 'static,
    ) -> Result<T, SearchError> {
        let inner = Arc::clone(&self.inner);
        spawn_blocking(move || work(&inner)).await.unwrap_or_else(|error| Err(broken(&error)))
    }
}

impl Inner {
    fn ids(&self, field: &'static str, after: i64, limit: usize) -> Result<Vec<i64>, SearchError> {
        let state = self.reading.latest().ok_or_else(|| self.folders.none())?;
        let mut listing = self.listing.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(listing.page(&state.searcher, field, after, limit)?)
    }
}

fn late() -> SearchError {
    SearchError::Away("it took too long".into())
}

/// tantivy may panic on files that were damaged after they were opened; the task ends, the process does not.
fn broken(error: &JoinError) -> SearchError {
    tracing::error!(%error, "the search index broke");
    SearchError::Failed("the index is damaged".into())
}
