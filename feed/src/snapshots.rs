//! Frozen lists: the ids of a list as it was first seen, kept 15 minutes, so that paging by a score that
//! changes repeats nothing and skips nothing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use madang_core::{ids::PostId, visibility::Surface};

use crate::{Feed, ReadError, cursor::Scope, pages::Page, viewers::Look};

/// A list that stays as it was first seen.
#[derive(Debug)]
pub(crate) struct Snapshot {
    name: i64,
    ids: Vec<PostId>,
    made: Instant,
}

/// A frozen list of another crate.
#[derive(Debug)]
pub struct Frozen(Arc<Snapshot>);

impl Frozen {
    /// What was frozen.
    pub fn numbers(&self) -> Vec<i64> {
        self.0.ids.iter().map(|id| id.get()).collect()
    }
}

/// Frozen lists a process holds.
#[derive(Debug)]
pub struct SnapshotStore {
    /// The last one of each list, for those who come soon after.
    latest: moka::sync::Cache<i64, Arc<Snapshot>>,
    by_name: moka::sync::Cache<i64, Arc<Snapshot>>,
}

impl Default for SnapshotStore {
    fn default() -> Self {
        let cache = |secs| {
            moka::sync::Cache::builder().max_capacity(2_000).time_to_live(Duration::from_secs(secs)).build()
        };
        Self { latest: cache(60), by_name: cache(900) }
    }
}

impl Feed {
    /// The list frozen lately, for those who come soon after one another.
    pub(crate) fn fresh_snapshot(&self, list: i64) -> Option<Arc<Snapshot>> {
        let reuse = Duration::from_millis(self.settings.snapshot_reuse_ms);
        self.snapshots.latest.get(&list).filter(|held| held.made.elapsed() < reuse)
    }

    /// The next one is frozen anew.
    pub(crate) fn forget_snapshot(&self, list: i64) {
        self.snapshots.latest.invalidate(&list);
    }

    /// Freezes a list: in Redis for every process, and here should Redis be away.
    pub(crate) async fn freeze(&self, list: i64, ids: Vec<PostId>) -> Arc<Snapshot> {
        let name = i64::from(rand::random::<u32>()) << 20 | i64::from(rand::random::<u32>() & 0xF_FFFF);
        let snapshot = Arc::new(Snapshot { name, ids, made: Instant::now() });
        let bytes: Vec<u8> = snapshot.ids.iter().flat_map(|id| id.get().to_le_bytes()).collect();
        let mut pipe = redis::pipe();
        pipe.set_ex(self.kv.keys.snapshot(&name.to_string()), bytes, self.settings.snapshot_secs).ignore();
        if let Err(error) = self.kv.run::<()>(&pipe).await {
            tracing::debug!(%error, "failed to store a frozen list");
        }
        self.snapshots.latest.insert(list, snapshot.clone());
        self.snapshots.by_name.insert(name, snapshot.clone());
        snapshot
    }

    /// Such a list frozen lately, for those who come soon after one another.
    pub fn fresh_numbers(&self, list: i64) -> Option<Frozen> {
        self.fresh_snapshot(list).map(Frozen)
    }

    /// Freezes a list that another crate orders, for the pages after the first; numbers of any kind.
    pub async fn freeze_numbers(&self, list: i64, numbers: Vec<i64>) -> Frozen {
        Frozen(self.freeze(list, numbers.into_iter().map(PostId::new).collect()).await)
    }

    /// Opens such a list again, at the place where a page ended.
    pub async fn open_numbers(&self, scope: &Scope, cursor: &str) -> Result<(Frozen, usize), ReadError> {
        let (snapshot, place) = self.open_snapshot(scope, cursor).await?;
        Ok((Frozen(snapshot), place))
    }

    /// A cursor to go on in it.
    pub fn seal_numbers(&self, scope: &Scope, frozen: &Frozen, place: usize) -> String {
        scope.seal(&self.cursors, [frozen.0.name, i64::try_from(place).unwrap_or(i64::MAX)])
    }

    pub(crate) async fn open_snapshot(
        &self,
        scope: &Scope,
        cursor: &str,
    ) -> Result<(Arc<Snapshot>, usize), ReadError> {
        let [name, place] = scope.open(&self.cursors, cursor).ok_or(ReadError::BadCursor)?;
        let place = usize::try_from(place).map_err(|_| ReadError::BadCursor)?;
        let life = Duration::from_secs(self.settings.snapshot_secs);
        if let Some(held) = self.snapshots.by_name.get(&name).filter(|held| held.made.elapsed() < life) {
            return Ok((held, place));
        }
        let key = self.kv.keys.snapshot(&name.to_string());
        let bytes: Option<Vec<u8>> = self.kv.cmd(redis::cmd("GET").arg(key)).await?;
        let bytes = bytes.ok_or(ReadError::Expired)?;
        let ids =
            bytes.as_chunks::<8>().0.iter().map(|word| PostId::new(i64::from_le_bytes(*word))).collect();
        Ok((Arc::new(Snapshot { name, ids, made: Instant::now() }), place))
    }

    /// A page out of a frozen list; what was hidden since is skipped.
    pub(crate) async fn snapshot_page(
        &self,
        look: &Look,
        scope: &Scope,
        (snapshot, place): (Arc<Snapshot>, usize),
        limit: usize,
        now: DateTime<Utc>,
    ) -> Result<Page, ReadError> {
        let left = snapshot.ids.get(place.min(snapshot.ids.len())..).unwrap_or_default();
        let picked = self.pick(look, Surface::Feed, left, limit).await?;
        let at = i64::try_from(place + picked.used).unwrap_or(i64::MAX);
        let next = (picked.used < left.len()).then(|| scope.seal(&self.cursors, [snapshot.name, at]));
        Ok(self.envelope(look, &picked, next, now).await?)
    }
}
