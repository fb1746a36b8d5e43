//! Timelines, boards and everything else that is read: ranking, fan-out into Redis, reads that are exact
//! though most of them touch no database, rebuilds, trends and live updates.

pub mod boards;
pub mod cards;
pub mod check;
pub mod cursor;
pub mod fanout;
pub mod found;
pub mod home;
pub mod keys;
pub mod kv;
pub mod listings;
pub mod lists;
pub mod live;
pub mod pages;
pub mod rebuild;
mod refreshed;
pub mod snapshots;
pub mod sync;
pub mod timeline;
pub mod trending;
pub mod viewers;
pub mod work;

use std::sync::Arc;

use arc_swap::ArcSwap;
use madang_core::{
    changes::Change,
    settings::{FeedSettings, RedisSettings},
    signing::Signer,
    tickers::Catalogue,
};
use sqlx::PgPool;

use crate::{
    cards::CardStore,
    kv::{Away, ChangeValue, Kv},
    lists::ListStore,
    refreshed::Refreshed,
    snapshots::SnapshotStore,
    sync::{CatchUp, Held},
    viewers::ViewerStore,
};

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The cursor is not one of ours, or belongs to another list or viewer.
    #[error("the cursor does not belong to this list")]
    BadCursor,
    /// The frozen list behind the cursor is gone.
    #[error("the cursor has expired")]
    Expired,
    /// PostgreSQL failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// All that a process holds for reading.
pub struct Feed {
    /// PostgreSQL.
    pub pool: PgPool,
    /// Redis.
    pub kv: Kv,
    /// Numbers.
    pub settings: FeedSettings,
    pub(crate) sync: Arc<CatchUp>,
    pub(crate) cards: Arc<CardStore>,
    pub(crate) viewers: ViewerStore,
    pub(crate) lists: ListStore,
    pub(crate) touched: home::Touched,
    pub(crate) snapshots: SnapshotStore,
    pub(crate) trends: trending::TrendStore,
    pub(crate) cursors: Signer,
    pub(crate) views: Signer,
    pub(crate) tickers: Refreshed<Catalogue>,
    others: Vec<Arc<dyn Held>>,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").field("kv", &self.kv).finish_non_exhaustive()
    }
}

impl Feed {
    /// Prepares to read; nothing is connected yet. `others` are told of every change too.
    pub fn new(
        pool: PgPool,
        redis: &RedisSettings,
        settings: FeedSettings,
        signing_key: &[u8],
        others: Vec<Arc<dyn Held>>,
    ) -> anyhow::Result<Self> {
        let sync = Arc::new(CatchUp::new(pool.clone()));
        let tickers = Arc::new(ArcSwap::from_pointee(Catalogue::default()));
        Ok(Self {
            kv: Kv::new(redis, pool.clone())?,
            settings,
            cards: Arc::new(CardStore::new(pool.clone(), sync.clone(), tickers.clone())),
            viewers: ViewerStore::default(),
            lists: ListStore::default(),
            touched: home::Touched::default(),
            snapshots: SnapshotStore::default(),
            trends: trending::TrendStore::default(),
            cursors: Signer::new(signing_key, "cursor"),
            views: Signer::new(signing_key, "view"),
            tickers: Refreshed::new(tickers),
            others,
            sync,
            pool,
        })
    }

    /// The instruments, as of the last change.
    pub async fn catalogue(&self) -> sqlx::Result<Arc<Catalogue>> {
        self.tickers.get(async || Catalogue::load(&self.pool).await).await
    }

    /// Applies every change published before now. Ask before reading anything held.
    pub async fn catch_up(&self) -> sqlx::Result<()> {
        let asked = self.kv.cmd::<Option<String>>(redis::cmd("GET").arg(self.kv.keys.change())).await;
        self.catch_up_to(asked).await
    }

    /// The same with the change value that came along with another answer.
    pub(crate) async fn catch_up_to(&self, value: Result<Option<String>, Away>) -> sqlx::Result<()> {
        let published = match value {
            Ok(Some(text)) => ChangeValue::parse(&text),
            Ok(None) => {
                // Flushed under a living connection: dialling anew raises the epoch.
                let _ = self.kv.forgotten().await;
                None
            }
            Err(_) => None,
        };
        if let Some(value) = published {
            self.kv.adopt_epoch(value.epoch);
        }
        self.sync.catch_up(published.map(|value| value.number), self).await?;
        self.catalogue().await.map(|_| ())
    }

    /// Makes a committed change known before its author is answered. When Redis cannot be told, the
    /// answer waits until every process has asked PostgreSQL by itself, as they do all the time.
    pub async fn publish(&self, number: i64) {
        if self.kv.publish_change(number).await.is_err() {
            tokio::time::sleep(OWN_POLL * 3 / 2).await;
        }
    }

    /// Asks PostgreSQL for changes now and then, whatever Redis says; runs until the process ends.
    pub async fn poll_changes(&self) {
        let mut ticks = tokio::time::interval(OWN_POLL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.sync.catch_up(None, self).await {
                tracing::debug!(%error, "failed to poll changes");
            }
        }
    }
}

/// How often each process asks PostgreSQL for changes by itself.
const OWN_POLL: std::time::Duration = std::time::Duration::from_millis(200);

impl Held for Feed {
    fn drop_for(&self, change: Change) {
        if change == Change::Tickers {
            self.tickers.spoil();
        }
        self.cards.drop_for(change);
        self.viewers.drop_for(change);
        self.lists.drop_for(change);
        self.others.iter().for_each(|other| other.drop_for(change));
    }

    fn drop_all(&self) {
        self.tickers.spoil();
        self.cards.drop_all();
        self.viewers.drop_all();
        self.lists.drop_all();
        self.others.iter().for_each(|other| other.drop_all());
    }
}
