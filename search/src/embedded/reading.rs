//! Reading the index that answers.
//!
//! Whoever asks looks first whether `current` or the index's `meta.json` were replaced (two calls of `stat`, some
//! microseconds), and reads them anew if so: a commit of any process of the host is seen by the next search, without
//! anything that polls. Another generation is read through first, which for a big one takes longer than a search may:
//! that happens in the background, while the one before goes on answering.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, Instant},
};

use tantivy::{Directory, Index, IndexReader, ReloadPolicy, Searcher, TantivyError, directory::META_LOCK};
use tokio::task::spawn_blocking;

use super::{
    folders::{Folders, Stamp},
    schema::{self, Fields},
};
use crate::documents::Mark;

/// An index that could not be opened is not tried again before, unless its files changed.
const RETRY: Duration = Duration::from_secs(5);
/// Generations may change while one is being opened; so often it is tried again.
const ATTEMPTS: usize = 3;

/// A state of the index, complete in itself: it stays readable whatever is committed, switched or removed.
pub(super) struct Loaded {
    generation: String,
    reader: IndexReader,
    /// What to search.
    pub(super) searcher: Searcher,
    /// Its fields.
    pub(super) fields: Fields,
    /// The mark of the commit it shows, or of one before.
    pub(super) mark: Mark,
}

/// What was read last: which generation, in which state of its files.
#[derive(Default)]
struct Seen {
    generation: Option<String>,
    meta: Option<Stamp>,
    failed: Option<Instant>,
}

/// The state that searches are answered from.
pub(super) struct Reading {
    folders: Folders,
    database: String,
    seen: Mutex<Seen>,
    loaded: RwLock<Option<Arc<Loaded>>>,
}

impl Reading {
    pub(super) fn new(folders: Folders, database: String) -> Self {
        Self { folders, database, seen: Mutex::default(), loaded: RwLock::default() }
    }

    /// The state to search; while a newer one is being read, the state before it.
    pub(super) fn state(self: &Arc<Self>) -> Option<Arc<Loaded>> {
        if let Ok(mut seen) = self.seen.try_lock()
            && !self.refresh(&mut seen, self.is_open())
        {
            let reading = Arc::clone(self);
            spawn_blocking(move || reading.latest());
        }
        self.shown()
    }

    /// The latest state, however long it takes to open.
    pub(super) fn latest(&self) -> Option<Arc<Loaded>> {
        self.refresh(&mut self.lock(), false);
        self.shown()
    }

    /// Whether there is a state to search.
    pub(super) fn is_open(&self) -> bool {
        self.shown().is_some()
    }

    /// Forgets what was read, after it turned out to be damaged.
    pub(super) fn forget(&self) {
        let mut seen = self.lock();
        *seen = Seen::default();
        self.show(None);
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self) -> Option<Arc<Loaded>> {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn show(&self, loaded: Option<Arc<Loaded>>) {
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = loaded;
    }

    /// Reads what changed. `false` where that is another generation, which takes its time, and there is none to spend.
    fn refresh(&self, seen: &mut Seen, hurried: bool) -> bool {
        for _ in 0..ATTEMPTS {
            let generation = self.folders.current();
            let meta = generation.as_ref().and_then(|name| self.folders.stamp(name));
            let again = seen.failed.is_some_and(|at| at.elapsed() >= RETRY);
            if generation == seen.generation && meta == seen.meta && !again {
                return true;
            }
            let same = self.shown().filter(|shown| Some(&shown.generation) == generation.as_ref());
            if hurried && same.is_none() && generation.is_some() {
                return false;
            }
            let read = generation.as_ref().map(|name| self.read(name, same.as_deref())).transpose();
            // Removed while it was being opened: another answers now.
            if read.is_err() && self.folders.current() != generation {
                continue;
            }
            self.take(seen, Seen { generation, meta, failed: None }, read, same.is_some());
            return true;
        }
        true
    }

    /// Shows what was read. A commit that cannot be read leaves the one before it until it is tried again.
    fn take(&self, seen: &mut Seen, now: Seen, read: Result<Option<Loaded>, TantivyError>, keep: bool) {
        match read {
            Ok(loaded) => {
                *seen = now;
                self.show(loaded.map(Arc::new));
            }
            Err(error) if keep => tracing::warn!(%error, "the search index was not read anew"),
            Err(error) => {
                tracing::error!(%error, "the search index cannot be read and counts as none");
                *seen = Seen { failed: Some(Instant::now()), ..now };
                self.show(None);
            }
        }
    }

    fn read(&self, generation: &str, before: Option<&Loaded>) -> Result<Loaded, TantivyError> {
        let (reader, fields, mark) = match before {
            Some(before) => {
                let mark = mark_of(before.searcher.index(), &self.database)?;
                before.reader.reload()?;
                (before.reader.clone(), before.fields, mark)
            }
            None => {
                let (index, fields) = open(&self.folders.path(generation))?;
                let mark = mark_of(&index, &self.database)?;
                let builder =
                    index.reader_builder().reload_policy(ReloadPolicy::Manual).doc_store_cache_num_blocks(1);
                (builder.try_into()?, fields, mark)
            }
        };
        let searcher = reader.searcher();
        Ok(Loaded { generation: generation.to_owned(), reader, searcher, fields, mark })
    }
}

/// Opens an index whose files are whole.
pub(super) fn open(path: &Path) -> Result<(Index, Fields), TantivyError> {
    let index = Index::open_in_dir(path)?;
    let fields = schema::prepare(&index)?;
    check_files(&index)?;
    Ok((index, fields))
}

/// Reads all files through once: a torn one is better found here than by who searches.
fn check_files(index: &Index) -> Result<(), TantivyError> {
    let directory = index.directory();
    let _others_keep_files =
        directory.acquire_lock(&META_LOCK).map_err(|error| TantivyError::LockFailure(error, None))?;
    let known = directory.list_managed_files();
    for file in index.load_metas()?.list_segment_files() {
        // Files of parts that a segment does not have are listed, too.
        let there = directory.exists(&file)?;
        if !there && !known.contains(&file) {
            continue;
        }
        if !there || !directory.validate_checksum(&file)? {
            return Err(TantivyError::InternalError(format!("{} is damaged", file.display())));
        }
    }
    Ok(())
}

/// The mark stored with the last commit; an error where there is none, or it is another database's.
pub(super) fn mark_of(index: &Index, database: &str) -> Result<Mark, TantivyError> {
    let payload = index.load_metas()?.payload.unwrap_or_default();
    let mark: Mark = serde_json::from_str(&payload).map_err(|error| {
        TantivyError::InternalError(format!("no mark stands with the last commit: {error}"))
    })?;
    if mark.database == database {
        Ok(mark)
    } else {
        Err(TantivyError::InternalError("it was made from another database".into()))
    }
}
