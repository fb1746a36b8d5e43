//! Keeping held copies exact: before a read is answered, this process has applied every change that was
//! published before the read began.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use madang_core::changes::{self, Change};
use sqlx::PgPool;

/// Most changes applied one by one; beyond that everything held is dropped.
const CATCH_UP: i64 = 5_000;
/// Changes remembered for loads that were under way when they came.
const REMEMBERED: usize = 20_000;

/// What a process holds and must be able to drop.
pub trait Held: Send + Sync {
    /// Drops what this change makes wrong.
    fn drop_for(&self, change: Change);
    /// Drops everything.
    fn drop_all(&self);
}

/// The changes applied last.
#[derive(Debug, Default)]
struct Recent {
    /// After this number every change is in the list.
    complete_after: i64,
    changes: VecDeque<(i64, Change)>,
}

/// How far this process has caught up.
#[derive(Debug)]
pub struct CatchUp {
    pool: PgPool,
    applied: AtomicI64,
    recent: Mutex<Recent>,
    turn: tokio::sync::Mutex<()>,
}

impl CatchUp {
    /// Starts knowing nothing: the first catch-up drops everything held, which is nothing.
    pub fn new(pool: PgPool) -> Self {
        Self {
            pool,
            applied: AtomicI64::new(-1),
            recent: Mutex::new(Recent::default()),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    /// The last change applied.
    pub fn applied(&self) -> i64 {
        self.applied.load(Ordering::Acquire)
    }

    /// Applies what was committed up to `published`, or up to now when that is unknown.
    pub async fn catch_up(&self, published: Option<i64>, held: &dyn Held) -> sqlx::Result<()> {
        if published.is_some_and(|number| number <= self.applied()) {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        if published.is_some_and(|number| number <= self.applied()) {
            return Ok(());
        }
        let before = self.applied();
        let (latest, changes) = changes::since(&self.pool, before.max(0), CATCH_UP).await?;
        match changes {
            Some(changes) if before >= 0 => self.apply(latest, &changes, held),
            _ => {
                *self.recent.lock().unwrap_or_else(PoisonError::into_inner) =
                    Recent { complete_after: latest, changes: VecDeque::new() };
                self.applied.store(latest, Ordering::Release);
                held.drop_all();
            }
        }
        Ok(())
    }

    /// Remembered first and dropped second: a load that ends in between finds it remembered.
    fn apply(&self, latest: i64, changes: &[Change], held: &dyn Held) {
        {
            let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.changes.extend(changes.iter().map(|change| (latest, *change)));
            let excess = recent.changes.len().saturating_sub(REMEMBERED);
            let dropped = recent.changes.drain(..excess).next_back();
            recent.complete_after = dropped.map_or(recent.complete_after, |(number, _)| number);
        }
        for change in changes {
            held.drop_for(*change);
        }
        self.applied.store(latest, Ordering::Release);
    }

    /// Keeps something that was loaded when `applied` stood at `then`, unless a change that concerns it
    /// came since. Changes wait meanwhile, and drop what they find kept.
    pub fn keep_if_true(&self, then: i64, concerns: impl Fn(Change) -> bool, keep: impl FnOnce()) {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut since = recent.changes.iter().rev().take_while(|(number, _)| *number > then);
        if then >= recent.complete_after && !since.any(|(_, change)| concerns(*change)) {
            keep();
        }
    }
}
