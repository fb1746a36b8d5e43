//! Large authors are not written into timelines; readers merge their lists. A process holds the lists of
//! the few there are.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use ahash::AHashSet;
use arc_swap::ArcSwap;
use madang_core::{
    changes::Change,
    ids::UserId,
    posts::{self, Entry},
    users,
};

use crate::Feed;

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
    merged: ArcSwap<AHashSet<i64>>,
    merged_stale: AtomicBool,
}

impl Default for ListStore {
    fn default() -> Self {
        Self {
            lists: moka::sync::Cache::new(MAX_LISTS),
            merged: ArcSwap::default(),
            merged_stale: AtomicBool::new(true),
        }
    }
}

impl ListStore {
    pub(crate) fn drop_for(&self, change: Change) {
        if let Change::AuthorList(author) = change {
            self.merged_stale.store(true, Ordering::Release);
            self.lists.invalidate(&author.get());
        }
    }

    pub(crate) fn drop_all(&self) {
        self.merged_stale.store(true, Ordering::Release);
        self.lists.invalidate_all();
    }
}

impl Feed {
    /// The authors whose lists are merged. The caller has caught up.
    pub(crate) async fn merged_authors(&self) -> sqlx::Result<Arc<AHashSet<i64>>> {
        if self.lists.merged_stale.swap(false, Ordering::AcqRel) {
            match users::merged_authors(&self.pool).await {
                Ok(authors) => self.lists.merged.store(Arc::new(authors.iter().map(|id| id.get()).collect())),
                Err(error) => {
                    self.lists.merged_stale.store(true, Ordering::Release);
                    return Err(error);
                }
            }
        }
        Ok(self.lists.merged.load_full())
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
        self.lists.lists.insert(author.get(), list.clone());
        if !self.sync.still_true(then, |change| change == Change::AuthorList(author)) {
            self.lists.lists.invalidate(&author.get());
        }
        Ok(list)
    }
}
