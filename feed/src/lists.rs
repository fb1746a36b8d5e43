//! Large authors are not written into timelines; readers merge their lists. A process holds the lists of
//! the few there are.

use std::sync::Arc;

use ahash::AHashSet;
use madang_core::{
    changes::Change,
    ids::UserId,
    posts::{self, Entry},
    users,
};

use crate::{Feed, refreshed::Refreshed};

/// Lists held at most.
const MAX_LISTS: u64 = 5_000;

/// An author's newest posts.
#[derive(Debug)]
pub struct AuthorList {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// From this id on the list is complete; 0 when it holds everything.
    pub floor: i64,
}

/// The lists a process holds.
#[derive(Debug)]
pub struct ListStore {
    lists: moka::sync::Cache<i64, Arc<AuthorList>>,
    merged: Refreshed<AHashSet<i64>>,
}

impl Default for ListStore {
    fn default() -> Self {
        Self { lists: moka::sync::Cache::new(MAX_LISTS), merged: Refreshed::new(Arc::default()) }
    }
}

impl ListStore {
    pub(crate) fn drop_for(&self, change: Change) {
        if let Change::AuthorList(author) = change {
            self.merged.spoil();
            self.lists.invalidate(&author.get());
        }
    }

    pub(crate) fn drop_all(&self) {
        self.merged.spoil();
        self.lists.invalidate_all();
    }
}

impl Feed {
    /// The authors whose lists are merged. The caller has caught up.
    pub(crate) async fn merged_authors(&self) -> sqlx::Result<Arc<AHashSet<i64>>> {
        let read = async || {
            let authors = users::merged_authors(&self.pool).await?;
            Ok(authors.into_iter().map(UserId::get).collect())
        };
        self.lists.merged.get(read).await
    }

    /// A merged author's newest posts. The caller has caught up.
    pub(crate) async fn author_list(&self, author: UserId) -> sqlx::Result<Arc<AuthorList>> {
        if let Some(list) = self.lists.lists.get(&author.get()) {
            return Ok(list);
        }
        let then = self.sync.applied();
        let cap = self.settings.timeline_cap;
        let limit = i64::try_from(cap).unwrap_or(i64::MAX);
        let entries = posts::newest_of_author(&self.pool, author, limit).await?;
        let floor = if entries.len() < cap { 0 } else { entries.last().map_or(0, |entry| entry.id.get()) };
        let list = Arc::new(AuthorList { entries, floor });
        let concerns = |change| change == Change::AuthorList(author);
        self.sync.keep_if_true(then, concerns, || self.lists.lists.insert(author.get(), list.clone()));
        Ok(list)
    }
}
