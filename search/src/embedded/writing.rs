//! Writing: to the index that answers, by the process that leads, and to another that is being built.

use std::path::Path;

use tantivy::{Index, IndexWriter, TantivyError, indexer::IndexWriterOptions};

use super::{
    folders::{Folders, Held},
    reading::{mark_of, open},
    schema::{self, Fields},
};
use crate::{
    SearchError,
    documents::{Batch, Built, Mark},
};

/// Memory of the writer beside a service.
const LIVE_BYTES: usize = 20_000_000;
/// Memory of the writer that builds.
const BUILD_BYTES: usize = 100_000_000;

impl From<TantivyError> for SearchError {
    fn from(error: TantivyError) -> Self {
        match error {
            TantivyError::IoError(_)
            | TantivyError::OpenReadError(_)
            | TantivyError::OpenWriteError(_)
            | TantivyError::LockFailure(..)
            | TantivyError::ErrorInThread(_) => Self::Away(error.to_string()),
            error => Self::Failed(error.to_string()),
        }
    }
}

impl From<std::io::Error> for SearchError {
    fn from(error: std::io::Error) -> Self {
        Self::Away(error.to_string())
    }
}

/// One generation open for writing.
struct Opened {
    generation: String,
    fields: Fields,
    inner: IndexWriter,
}

impl Opened {
    fn new(generation: String, index: &Index, fields: Fields, bytes: usize) -> Result<Self, TantivyError> {
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .memory_budget_per_thread(bytes)
            .build();
        Ok(Self { generation, fields, inner: index.writer_with_options(options)? })
    }

    /// Takes in a batch. What is already in is replaced; `after` says which ids cannot be in yet.
    fn put(&self, batch: &Batch, after: Option<Built>) -> Result<(), TantivyError> {
        let may_be_in = |id: i64, last: fn(Built) -> i64| after.is_none_or(|built| id <= last(built));
        for id in &batch.gone_posts {
            self.inner.delete_term(self.fields.post_key(id.get()));
        }
        for id in &batch.gone_people {
            self.inner.delete_term(self.fields.person_key(id.get()));
        }
        for post in &batch.posts {
            if may_be_in(post.id.get(), |built| built.posts_after) {
                self.inner.delete_term(self.fields.post_key(post.id.get()));
            }
            self.inner.add_document(self.fields.post_document(post))?;
        }
        for person in &batch.people {
            if may_be_in(person.id.get(), |built| built.people_after) {
                self.inner.delete_term(self.fields.person_key(person.id.get()));
            }
            self.inner.add_document(self.fields.person_document(person))?;
        }
        Ok(())
    }

    /// Commits, the mark in the same step.
    fn commit(&mut self, mark: &Mark) -> Result<(), SearchError> {
        let payload = serde_json::to_string(mark).map_err(|error| SearchError::Failed(error.to_string()))?;
        let mut commit = self.inner.prepare_commit()?;
        commit.set_payload(&payload);
        commit.commit()?;
        Ok(())
    }
}

/// The writer of the process that leads.
#[derive(Default)]
pub(super) struct Lead {
    held: Option<Held>,
    writer: Option<Opened>,
}

impl Lead {
    /// Whether this process may write, asking for the lock unless it has it. It leaves it to others once a newer
    /// release's index answers.
    pub(super) fn lead(&mut self, folders: &Folders) -> Result<bool, SearchError> {
        if folders.is_newer() {
            (self.writer, self.held) = (None, None);
            return Ok(false);
        }
        if self.held.as_ref().is_none_or(|held| !held.is_good()) {
            (self.writer, self.held) = (None, None);
            self.held = folders.lock("lead")?;
        }
        Ok(self.held.is_some())
    }

    /// Takes a batch into the index that answers now, if that is at `from`. After an error nothing of it counts.
    pub(super) fn apply(
        &mut self,
        folders: &Folders,
        batch: &Batch,
        from: i64,
        mark: &Mark,
    ) -> Result<(), SearchError> {
        if self.held.is_none() {
            return Err(SearchError::Failed("write to the search index: this process does not lead".into()));
        }
        let current = folders.current().ok_or_else(|| folders.none())?;
        // Taken out and only put back when all went well: a writer that failed is not used again.
        let mut writer = match self.writer.take().filter(|writer| writer.generation == current) {
            Some(writer) => writer,
            None => {
                let (index, fields) = open(&folders.path(&current))?;
                let writer = Opened::new(current, &index, fields, LIVE_BYTES)?;
                sweep(folders);
                writer
            }
        };
        // Another index may answer than the one whose mark the batch goes on from.
        let reached = mark_of(writer.inner.index(), &mark.database)?.position;
        if reached != from {
            return Err(SearchError::Away(format!(
                "the index is at {reached}, the batch goes on from {from}"
            )));
        }
        writer.put(batch, None)?;
        writer.commit(mark)?;
        self.writer = Some(writer);
        Ok(())
    }
}

/// The writer of the process that builds.
#[derive(Default)]
pub(super) struct Build {
    open: Option<(Held, Opened, Mark)>,
}

impl Build {
    /// Begins another generation, or goes on with one unless it is to be begun anew.
    pub(super) fn begin(&mut self, folders: &Folders, mark: Mark, anew: bool) -> Result<Mark, SearchError> {
        let held = match self.open.take() {
            Some((held, writer, mark)) if !anew => {
                self.open = Some((held, writer, mark.clone()));
                return Ok(mark);
            }
            Some((held, ..)) => held,
            None => folders.lock("build")?.ok_or_else(|| {
                SearchError::Failed("build a search index: another one is being built".into())
            })?,
        };
        if folders.is_newer() {
            return Err(folders.none());
        }
        if anew {
            clear(folders);
        }
        let (writer, mark) = match resume(folders, &mark.database) {
            Some(begun) => begun,
            None => start(folders, mark)?,
        };
        self.open = Some((held, writer, mark.clone()));
        Ok(mark)
    }

    /// Adds to it. After an error building is begun again, where the last commit ended.
    pub(super) fn add(&mut self, batch: &Batch, mark: Mark) -> Result<(), SearchError> {
        let (held, mut writer, before) = self.open.take().ok_or_else(not_begun)?;
        let mark = Mark { building: Some(mark.building.unwrap_or_default()), ..mark };
        writer.put(batch, before.building)?;
        writer.commit(&mark)?;
        self.open = Some((held, writer, mark));
        Ok(())
    }

    /// Lets it answer.
    pub(super) fn finish(&mut self, folders: &Folders) -> Result<(), SearchError> {
        let (_held, mut writer, mark) = self.open.take().ok_or_else(not_begun)?;
        writer.commit(&Mark { building: None, ..mark })?;
        writer.inner.wait_merging_threads()?;
        folders.switch(&writer.generation)?;
        clear(folders);
        Ok(())
    }
}

/// Removes what does not answer.
fn clear(folders: &Folders) {
    for other in folders.others() {
        folders.remove(&other);
    }
}

fn not_begun() -> SearchError {
    SearchError::Failed("build a search index: none was begun, or the last step failed".into())
}

/// The newest generation that somebody began and did not finish; others that do not answer are removed.
fn resume(folders: &Folders, database: &str) -> Option<(Opened, Mark)> {
    let mut found = None;
    for name in folders.others() {
        if found.is_none() {
            match reopen(folders, &name, database) {
                Ok(begun) => {
                    found = begun;
                    if found.is_some() {
                        continue;
                    }
                }
                Err(error) => {
                    tracing::warn!(search.generation = name, %error, "a half-built search index is given up")
                }
            }
        }
        folders.remove(&name);
    }
    found
}

fn reopen(folders: &Folders, name: &str, database: &str) -> Result<Option<(Opened, Mark)>, TantivyError> {
    if !super::folders::is_generation(name) {
        return Ok(None);
    }
    let (index, fields) = open(&folders.path(name))?;
    let mark = mark_of(&index, database)?;
    if mark.building.is_none() {
        return Ok(None);
    }
    Ok(Some((Opened::new(name.to_owned(), &index, fields, BUILD_BYTES)?, mark)))
}

fn start(folders: &Folders, mark: Mark) -> Result<(Opened, Mark), SearchError> {
    let name = folders.create()?;
    let (index, fields) = create(&folders.path(&name))?;
    let mut writer = Opened::new(name, &index, fields, BUILD_BYTES)?;
    let mark = Mark { building: Some(mark.building.unwrap_or_default()), ..mark };
    writer.commit(&mark)?;
    Ok((writer, mark))
}

fn create(path: &Path) -> Result<(Index, Fields), TantivyError> {
    let index = Index::create_in_dir(path, schema::schema().0)?;
    let fields = schema::prepare(&index)?;
    Ok((index, fields))
}

/// Removes generations that do not answer, unless one is being built, or was and can be gone on with.
fn sweep(folders: &Folders) {
    let Ok(Some(_held)) = folders.lock("build") else { return };
    for name in folders.others() {
        let path = folders.path(&name);
        let unfinished = super::folders::is_generation(&name)
            && Index::open_in_dir(&path)
                .and_then(|index| Ok(index.load_metas()?.payload.unwrap_or_default()))
                .ok()
                .and_then(|payload| serde_json::from_str::<Mark>(&payload).ok())
                .is_some_and(|mark| mark.building.is_some());
        if !unfinished {
            folders.remove(&name);
        }
    }
}
