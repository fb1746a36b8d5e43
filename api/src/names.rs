//! Instruments by any name, made anew when a name changes, and now and then: what is talked about changes. Prices come
//! all day and change the catalogue too; they cost a glance at the names, not a new index.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use madang_core::{
    ids::TickerId,
    tickers::{self, Catalogue},
};
use madang_search::{query::Words, source::Writer, tickers::TickerIndex};
use sqlx::PgPool;

/// How long an order by importance holds.
const MAX_AGE: Duration = Duration::from_secs(600);

type Importance = Arc<HashMap<TickerId, u32>>;

/// All names.
#[derive(Debug)]
pub(crate) struct Names {
    /// The instruments.
    pub(crate) catalogue: Arc<Catalogue>,
    /// The same by what people type.
    pub(crate) tickers: Arc<TickerIndex>,
    /// Tells other names from these.
    print: u64,
    importance: Importance,
    /// When importance was asked for, whether or not there was an answer.
    asked: Instant,
}

impl Names {
    fn build(catalogue: Arc<Catalogue>, importance: Importance, asked: Instant) -> Self {
        let weight = |id: TickerId| importance.get(&id).copied().unwrap_or(0);
        let tickers = Arc::new(TickerIndex::new(&catalogue, weight));
        Self { print: print(&catalogue), catalogue, tickers, importance, asked }
    }

    /// The same order of another catalogue; the same index where the names are the same.
    fn of_catalogue(&self, catalogue: Arc<Catalogue>) -> Self {
        let print = print(&catalogue);
        if print != self.print {
            return Self::build(catalogue, self.importance.clone(), self.asked);
        }
        let (tickers, importance) = (self.tickers.clone(), self.importance.clone());
        Self { catalogue, tickers, print, importance, asked: self.asked }
    }

    /// What was typed, taken apart.
    pub(crate) fn words(&self, raw: &str) -> Words {
        Words::parse(raw, &|name| self.tickers.exact(name))
    }

    /// What an instrument is called.
    pub(crate) fn of(&self, id: TickerId) -> Vec<String> {
        Writer(&self.catalogue).names(id)
    }
}

/// A hash of everything the index is made of: which instruments there are, what they are called and whether they trade.
fn print(catalogue: &Catalogue) -> u64 {
    let mut hasher = DefaultHasher::new();
    for ticker in catalogue.all() {
        (ticker.id, &ticker.symbol, &ticker.code, &ticker.name, &ticker.name_ko).hash(&mut hasher);
        (ticker.status.as_str(), ticker.renamed_to, catalogue.nicknames(ticker.id)).hash(&mut hasher);
    }
    hasher.finish()
}

/// The names a process holds.
#[derive(Debug, Default)]
pub(crate) struct NameStore {
    held: ArcSwapOption<Names>,
    /// Who makes the next ones.
    turn: tokio::sync::Mutex<()>,
    weighing: AtomicBool,
}

impl NameStore {
    /// The names of this catalogue. Whoever asks after a name changed waits until it is known; a new order by
    /// importance is made meanwhile.
    pub(crate) async fn get(
        self: &Arc<Self>,
        catalogue: Arc<Catalogue>,
        pool: &PgPool,
    ) -> Result<Arc<Names>, tokio::task::JoinError> {
        let names = match self.of(&catalogue) {
            Some(names) => names,
            None => self.renew(catalogue, pool).await?,
        };
        if names.asked.elapsed() > MAX_AGE && !self.weighing.swap(true, Ordering::AcqRel) {
            let (store, pool) = (self.clone(), pool.clone());
            tokio::spawn(async move {
                store.weigh(&pool).await;
                store.weighing.store(false, Ordering::Release);
            });
        }
        Ok(names)
    }

    fn of(&self, catalogue: &Arc<Catalogue>) -> Option<Arc<Names>> {
        self.held.load_full().filter(|names| Arc::ptr_eq(&names.catalogue, catalogue))
    }

    async fn renew(
        &self,
        catalogue: Arc<Catalogue>,
        pool: &PgPool,
    ) -> Result<Arc<Names>, tokio::task::JoinError> {
        let _turn = self.turn.lock().await;
        if let Some(names) = self.of(&catalogue) {
            return Ok(names);
        }
        let made = match self.held.load_full() {
            Some(held) => tokio::task::spawn_blocking(move || held.of_catalogue(catalogue)).await?,
            None => {
                let importance = importance(pool).await.unwrap_or_default();
                build(catalogue, importance).await?
            }
        };
        let names = Arc::new(made);
        self.held.store(Some(names.clone()));
        Ok(names)
    }

    /// Orders the names by what is important now; the old order stays where that cannot be told.
    async fn weigh(&self, pool: &PgPool) {
        let importance = importance(pool).await;
        let _turn = self.turn.lock().await;
        let Some(held) = self.held.load_full() else { return };
        let importance = importance.unwrap_or_else(|| held.importance.clone());
        match build(held.catalogue.clone(), importance).await {
            Ok(names) => self.held.store(Some(Arc::new(names))),
            Err(error) => tracing::error!(%error, "failed to order names"),
        }
    }
}

async fn build(catalogue: Arc<Catalogue>, importance: Importance) -> Result<Names, tokio::task::JoinError> {
    let asked = Instant::now();
    tokio::task::spawn_blocking(move || Names::build(catalogue, importance, asked)).await
}

async fn importance(pool: &PgPool) -> Option<Importance> {
    match tickers::importance(pool).await {
        Ok(importance) => Some(Arc::new(importance)),
        Err(error) => {
            tracing::warn!(%error, "failed to ask what is talked about; names keep their order");
            None
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use chrono::NaiveDate;
    use madang_core::tickers::{Ticker, TickerStatus};
    use rust_decimal::Decimal;

    use super::*;

    fn catalogue(close: i64, nicknames: &[&str]) -> Arc<Catalogue> {
        let ticker = Ticker {
            id: TickerId::new(1),
            symbol: "XKRX:005930".into(),
            code: "005930".into(),
            name: "Samsung Electronics".into(),
            name_ko: Some("삼성전자".into()),
            sector: None,
            currency: "KRW".into(),
            time_zone: "Asia/Seoul".into(),
            status: TickerStatus::Listed,
            renamed_to: None,
            last_close: NaiveDate::from_ymd_opt(2026, 11, 20).map(|day| (day, Decimal::from(close))),
        };
        let nicknames = nicknames.iter().map(|name| (String::from(*name), TickerId::new(1)));
        Arc::new(Catalogue::of([ticker], nicknames))
    }

    #[tokio::test]
    async fn prices_leave_the_index_and_a_nickname_is_known_at_once() {
        let options = sqlx::postgres::PgPoolOptions::new().acquire_timeout(Duration::from_millis(10));
        let away = options.connect_lazy("postgres://nobody@127.0.0.1:9/nothing").unwrap();
        let store = Arc::new(NameStore::default());
        let first = store.get(catalogue(70_000, &[]), &away).await.unwrap();
        let other = catalogue(71_000, &[]);
        let second = store.get(other.clone(), &away).await.unwrap();
        assert!(Arc::ptr_eq(&first.tickers, &second.tickers), "the index was made anew for a price");
        assert!(Arc::ptr_eq(&second.catalogue, &other), "an old price is shown");
        assert!(second.tickers.exact("삼전").is_empty());
        let third = store.get(catalogue(71_000, &["삼전"]), &away).await.unwrap();
        assert_eq!(third.tickers.exact("삼전"), [TickerId::new(1)]);
    }
}
