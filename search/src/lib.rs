//! Search: tickers in memory, posts and people in an index beside the database. The index is Meilisearch or, with
//! none configured, an embedded one on local disk. It may lag or be stale, so it answers with ids only; what is shown
//! of them is read and judged where every list is.

pub mod documents;
pub mod drift;
pub mod embedded;
pub mod fold;
pub mod hangul;
pub mod highlight;
pub mod indexer;
pub mod meilisearch;
pub mod query;
pub mod rebuild;
pub mod source;
pub mod tickers;
mod turns;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use madang_core::{
    ids::{PostId, UserId},
    search_log,
    settings::SearchSettings,
};
use sqlx::PgPool;

use crate::{
    documents::{Batch, Mark},
    embedded::Embedded,
    meilisearch::Meilisearch,
    query::{PeopleQuery, PostQuery},
};

/// Why an index did not answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// It cannot be reached, or there is none yet; worth another try after a while.
    #[error("search is away: {0}")]
    Away(String),
    /// It refused what it was asked, or broke.
    #[error("search failed: {0}")]
    Failed(String),
}

/// A search that has not answered by then is given up.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// The index, opened once the database has said which one it is.
#[derive(Debug)]
pub struct Search {
    settings: SearchSettings,
    index: OnceLock<Arc<SearchIndex>>,
}

impl Search {
    /// One that is not opened yet.
    pub const fn new(settings: SearchSettings) -> Self {
        Self { settings, index: OnceLock::new() }
    }

    /// Whether the index is on this host's disk.
    pub const fn is_embedded(&self) -> bool {
        self.settings.meili.is_none()
    }

    /// Which index it is, for people.
    pub fn place(&self) -> String {
        match &self.settings.meili {
            Some(meili) => format!("Meilisearch at {}, {}*", meili.url, meili.prefix),
            None => {
                let dir =
                    std::path::absolute(&self.settings.dir).unwrap_or_else(|_| self.settings.dir.clone());
                format!("embedded in {}", dir.display())
            }
        }
    }

    /// The index, if it was opened.
    pub fn index(&self) -> Result<&Arc<SearchIndex>, SearchError> {
        self.index.get().ok_or_else(|| SearchError::Away("it is being opened".into()))
    }

    /// Opens it. Fails while the database is away, or when the settings cannot work.
    pub async fn open(&self, pool: &PgPool) -> anyhow::Result<Arc<SearchIndex>> {
        let database = search_log::state(pool).await?.database;
        let opened = match &self.settings.meili {
            Some(meili) => SearchIndex::Meilisearch(Meilisearch::new(
                &meili.url,
                meili.key.clone().unwrap_or_default(),
                &meili.prefix,
                &database,
            )?),
            None => SearchIndex::Embedded(Embedded::open(&self.settings.dir, &database)?),
        };
        Ok(self.index.get_or_init(|| Arc::new(opened)).clone())
    }
}

/// The index of posts and people.
///
/// Reading is for any process. Writing is for one at a time: the process that leads (`lead`).
#[derive(Debug)]
pub enum SearchIndex {
    /// On local disk, written by one process of this host and read by the others.
    Embedded(Embedded),
    /// A server of its own.
    Meilisearch(Meilisearch),
}

impl SearchIndex {
    /// The posts that match, best first, at most `query.limit`.
    pub async fn posts(&self, query: &PostQuery) -> Result<Vec<PostId>, SearchError> {
        match self {
            Self::Embedded(index) => index.posts(query).await,
            Self::Meilisearch(index) => index.posts(query).await,
        }
    }

    /// The people who match, best first, at most `query.limit`.
    pub async fn people(&self, query: &PeopleQuery) -> Result<Vec<UserId>, SearchError> {
        match self {
            Self::Embedded(index) => index.people(query).await,
            Self::Meilisearch(index) => index.people(query).await,
        }
    }

    /// Whether this process may write from now on: one of this host, until it ends. Whoever feeds a Meilisearch must
    /// see to it otherwise that it is alone.
    pub async fn lead(&self) -> Result<bool, SearchError> {
        match self {
            Self::Embedded(index) => index.lead().await,
            Self::Meilisearch(_) => Ok(true),
        }
    }

    /// How far the index that answers has come; `None` where there is none yet.
    pub async fn mark(&self) -> Result<Option<Mark>, SearchError> {
        match self {
            Self::Embedded(index) => index.mark().await,
            Self::Meilisearch(index) => index.mark().await,
        }
    }

    /// Whether the index that answers was made by an older release, with other settings: it goes on answering, and
    /// should be built anew.
    pub async fn outdated(&self) -> Result<bool, SearchError> {
        match self {
            // One of an older format counts as none.
            Self::Embedded(_) => Ok(false),
            Self::Meilisearch(index) => index.outdated().await,
        }
    }

    /// Takes a batch over into the index that answers, and the mark with it: both are there once this returns, or
    /// neither counts and the batch is sent again. `from` is the position that the batch goes on from.
    ///
    /// # Errors
    /// `Away` where the index that answers is not at `from`: another one answers now, or somebody else fed it. Then
    /// its mark is as it was.
    pub async fn apply(&self, batch: Batch, from: i64, mark: Mark) -> Result<(), SearchError> {
        match self {
            Self::Embedded(index) => index.apply(batch, from, mark).await,
            Self::Meilisearch(index) => index.apply(batch, from, mark).await,
        }
    }

    /// Begins to build another index beside the one that answers, or goes on with one begun before: then its mark
    /// says how far it came. One that was begun with other settings or for another database is begun anew, and with
    /// `anew` any is.
    ///
    /// # Errors
    /// `Failed` while another process builds, or where a newer release had begun to, unless `anew`. `Away` where a
    /// newer release's index lies on this host's disk.
    pub async fn begin_build(&self, mark: Mark, anew: bool) -> Result<Mark, SearchError> {
        match self {
            Self::Embedded(index) => index.begin_build(mark, anew).await,
            Self::Meilisearch(index) => index.begin_build(mark, anew).await,
        }
    }

    /// Adds to the index being built.
    pub async fn build(&self, batch: Batch, mark: Mark) -> Result<(), SearchError> {
        match self {
            Self::Embedded(index) => index.build(batch, mark).await,
            Self::Meilisearch(index) => index.build(batch, mark).await,
        }
    }

    /// Lets the index that was built answer from now on, in every process, and drops the old one.
    pub async fn finish_build(&self) -> Result<(), SearchError> {
        match self {
            Self::Embedded(index) => index.finish_build().await,
            Self::Meilisearch(index) => index.finish_build().await,
        }
    }

    /// Ids of posts in the index that answers, ascending, after one; for comparing it with the database.
    pub async fn post_ids(&self, after: PostId, limit: usize) -> Result<Vec<PostId>, SearchError> {
        match self {
            Self::Embedded(index) => index.post_ids(after, limit).await,
            Self::Meilisearch(index) => index.post_ids(after, limit).await,
        }
    }

    /// Ids of people in it, ascending, after one.
    pub async fn people_ids(&self, after: UserId, limit: usize) -> Result<Vec<UserId>, SearchError> {
        match self {
            Self::Embedded(index) => index.people_ids(after, limit).await,
            Self::Meilisearch(index) => index.people_ids(after, limit).await,
        }
    }
}
