//! The markets as returns need them, loaded once and held by a process until something of it changes: closes as
//! they were traded, exchange rates, and the market's own return of each day.
//!
//! A stored close is divided by the splits that had happened, by the exchange's clock, when it was loaded, or says
//! that it is as it was traded; what a share cost on the day follows. What was renamed goes on under its present name.
//! The market's return is that of the currency's index where one is named, else
//! the plain mean of all instruments of that currency that have a close on the day and one within a week before.

mod load;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::NaiveDate;
use chrono_tz::Tz;
use madang_core::ids::TickerId;
use sqlx::PgPool;
use tokio::sync::{Mutex, OwnedMutexGuard, RwLock};

use crate::{
    calls::Quotes,
    returns::{Currency, Market},
};

/// Readers are served what is held while it is loaded anew, if it was right so lately.
const MOST_STALE: Duration = Duration::from_secs(60);

/// Closes in the shares of the first day, so that any two can be compared; and where the exchange is.
type Closes = (Currency, Tz, Vec<(NaiveDate, f64)>);

/// The markets at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// For replaying.
    pub market: Market,
    /// The last day each currency's market was open.
    pub last_days: HashMap<Currency, NaiveDate>,
    /// The days each currency's market was open, oldest first.
    pub open_days: HashMap<Currency, Vec<NaiveDate>>,
    closes: HashMap<TickerId, Closes>,
    /// What one unit in a currency's market has become since its first day.
    levels: HashMap<Currency, BTreeMap<NaiveDate, f64>>,
    /// What renamed tickers are called now.
    renamed: HashMap<TickerId, TickerId>,
    version: i64,
}

impl Snapshot {
    /// Which state of the markets it is; a later one has a higher number.
    pub const fn version(&self) -> i64 {
        self.version
    }

    /// The ticker under which a ticker's prices and trades go on.
    pub fn present(&self, ticker: TickerId) -> TickerId {
        self.renamed.get(&ticker).copied().unwrap_or(ticker)
    }

    /// Closes of a ticker from a day on beside those of its market.
    pub fn quotes(&self, ticker: TickerId, from: NaiveDate) -> Option<Quotes> {
        let (currency, zone, closes) = self.closes.get(&self.present(ticker))?;
        let level = self.levels.get(currency)?;
        let closes = closes.iter().filter(|(day, _)| *day >= from).copied().collect();
        let market = level.range(from..).map(|(day, level)| (*day, *level)).collect();
        Some(Quotes::new(*zone, &closes, &market))
    }

    /// The day as of which a record is told: the last market day of any of these currencies, or today if none is
    /// known.
    pub fn as_of(&self, currencies: impl Iterator<Item = Currency>, today: NaiveDate) -> NaiveDate {
        currencies
            .filter_map(|currency| self.last_days.get(&currency))
            .max()
            .copied()
            .unwrap_or(today)
            .min(today)
    }

    /// The day that is so many market days before the last one; what happened up to it may be told.
    pub fn days_back(&self, currency: Currency, count: usize) -> Option<NaiveDate> {
        let days = self.open_days.get(&currency)?;
        days.len().checked_sub(count + 1).and_then(|at| days.get(at)).copied()
    }
}

/// Holds the markets.
#[derive(Debug)]
pub struct Markets {
    pool: PgPool,
    /// `market:code` of the index of a currency
    indexes: HashMap<Currency, String>,
    held: RwLock<Option<Held>>,
    /// One loads, the others wait for it or take what is held.
    loading: Arc<Mutex<()>>,
}

#[derive(Debug, Clone)]
struct Held {
    snapshot: Arc<Snapshot>,
    /// When it was last seen to be the newest.
    right_at: Instant,
}

impl Markets {
    /// Holds nothing yet. `indexes` names a currency's index by its symbol.
    pub fn new(pool: PgPool, indexes: &[(String, String)]) -> Self {
        let named =
            indexes.iter().filter_map(|(code, symbol)| Some((Currency::parse(code)?, symbol.clone())));
        Self { pool, indexes: named.collect(), held: RwLock::new(None), loading: Arc::default() }
    }

    /// The markets as they are now; loaded anew if something of them changed.
    pub async fn now(&self) -> sqlx::Result<Arc<Snapshot>> {
        let version = self.version().await?;
        if let Some(snapshot) = self.newest(version).await {
            return Ok(snapshot);
        }
        let turn = self.loading.clone().lock_owned().await;
        match self.newest(version).await {
            Some(snapshot) => Ok(snapshot),
            None => self.renew(turn).await,
        }
    }

    /// The markets as they are held, for readers: what changed is loaded meanwhile. Waits for it only where nothing
    /// is held, or nothing of the last minute.
    pub async fn held_or_now(self: &Arc<Self>) -> sqlx::Result<Arc<Snapshot>> {
        let version = self.version().await?;
        if let Some(snapshot) = self.newest(version).await {
            return Ok(snapshot);
        }
        let held = self.held.read().await.clone().filter(|held| held.right_at.elapsed() < MOST_STALE);
        let Some(held) = held else { return self.now().await };
        if let Ok(turn) = self.loading.clone().try_lock_owned() {
            let markets = self.clone();
            tokio::spawn(async move {
                if let Err(error) = markets.renew(turn).await {
                    tracing::warn!(%error, "failed to load the markets, what is held is shown");
                }
            });
        }
        Ok(held.snapshot)
    }

    /// What is held, if it is of this version or a later one.
    async fn newest(&self, version: i64) -> Option<Arc<Snapshot>> {
        let held = self.held.read().await.clone().filter(|held| held.snapshot.version >= version)?;
        if held.right_at.elapsed() > Duration::from_secs(1)
            && let Some(one) = self.held.write().await.as_mut()
        {
            one.right_at = Instant::now();
        }
        Some(held.snapshot)
    }

    async fn renew(&self, _turn: OwnedMutexGuard<()>) -> sqlx::Result<Arc<Snapshot>> {
        let snapshot = Arc::new(load::load(&self.pool, &self.indexes).await?);
        *self.held.write().await = Some(Held { snapshot: snapshot.clone(), right_at: Instant::now() });
        Ok(snapshot)
    }

    async fn version(&self) -> sqlx::Result<i64> {
        Ok(sqlx::query!("SELECT version FROM market_state").fetch_one(&self.pool).await?.version)
    }
}
