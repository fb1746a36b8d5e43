//! What a process holds; every field always exists.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use madang_core::{changes::Change, db, passwords::Passwords, posts::Intake, settings::Settings};
use madang_creators::{cards::CardKey, markets::Markets, shareholders::Holder};
use madang_feed::{Feed, live::Hub, sync::Held};
use madang_moderation::{exposure::ViewLog, screened::Screened, screener::Screener};
use madang_search::Search;
use secrecy::ExposeSecret;
use sqlx::PgPool;
use tokio::sync::Notify;

use crate::{
    auth::LoginStore,
    handlers::creators::HeldBoard,
    limits::Limits,
    names::{NameStore, Names},
    oidc::Verifier,
    problem::Problem,
    shelf::Shelf,
};

/// The serving process.
pub(crate) struct App {
    /// Settings.
    pub(crate) settings: Settings,
    /// PostgreSQL.
    pub(crate) pool: PgPool,
    /// Where new posts wait for their transaction.
    pub(crate) intake: Arc<Intake>,
    /// Everything that is read.
    pub(crate) feed: Arc<Feed>,
    /// Live readers.
    pub(crate) hub: Arc<Hub>,
    /// Passwords.
    pub(crate) passwords: Passwords,
    /// Logins held.
    pub(crate) logins: Arc<LoginStore>,
    /// Rate limits.
    pub(crate) limits: Limits,
    /// An outside identity provider.
    pub(crate) oidc: Option<Verifier>,
    /// Pages shown, to be counted.
    pub(crate) views: ViewLog,
    /// The text rules in force.
    pub(crate) screener: Arc<Screener>,
    /// What they found, and the copies of a day.
    pub(crate) screened: Screened,
    /// One dry run of a rule at a time.
    pub(crate) dry_runs: tokio::sync::Semaphore,
    /// The markets as returns need them.
    pub(crate) markets: Arc<Markets>,
    /// Seals profit cards.
    pub(crate) card_key: CardKey,
    /// Leaderboards and lists of holders, held for a moment.
    pub(crate) shown: Arc<Boards>,
    /// Posts and people by words.
    pub(crate) search: Arc<Search>,
    /// Instruments by any name.
    pub(crate) name_store: Arc<NameStore>,
    /// Few pictures at once.
    pub(crate) painting: tokio::sync::Semaphore,
    /// Wakes workers.
    pub(crate) waker: Waker,
    /// Metrics to be rendered.
    pub(crate) metrics: metrics_exporter_prometheus::PrometheusHandle,
    /// Set when the process is asked to stop, so that `readyz` says so first.
    pub(crate) stopping: tokio_util::sync::CancellationToken,
}

impl App {
    /// Opens pools lazily and prepares everything.
    pub(crate) fn new(
        settings: Settings,
        metrics: metrics_exporter_prometheus::PrometheusHandle,
        stopping: tokio_util::sync::CancellationToken,
    ) -> anyhow::Result<Self> {
        let pool = db::connect(&settings.database)?;
        let logins = Arc::new(LoginStore::default());
        let hub = Arc::new(Hub::default());
        let screener = Arc::new(Screener::built_in()?);
        let shown = Arc::new(Boards::default());
        let others: Vec<Arc<dyn Held>> =
            vec![logins.clone(), hub.clone(), Arc::new(RulesInForce(screener.clone())), shown.clone()];
        let feed = Arc::new(open_feed(&settings, pool.clone(), others)?);
        Ok(Self {
            hub,
            passwords: Passwords::default(),
            limits: Limits::new(&settings.rates, settings.http.trusted_proxies.clone()),
            oidc: settings.auth.oidc.as_ref().map(Verifier::new).transpose()?,
            views: ViewLog::default(),
            screener,
            screened: Screened::default(),
            dry_runs: tokio::sync::Semaphore::new(1),
            markets: Arc::new(Markets::new(pool.clone(), &settings.market_indexes)),
            card_key: card_key(&settings),
            shown,
            search: Arc::new(Search::new(settings.search.clone())),
            name_store: Arc::default(),
            painting: tokio::sync::Semaphore::new(2),
            waker: Waker::default(),
            intake: Arc::new(Intake::new(pool.clone())),
            feed,
            logins,
            pool,
            settings,
            metrics,
            stopping,
        })
    }
}

/// Opens timelines and boards with these settings.
pub(crate) fn open_feed(
    settings: &Settings,
    pool: PgPool,
    others: Vec<Arc<dyn Held>>,
) -> anyhow::Result<Feed> {
    let key = settings.auth.signing_key.expose_secret().as_bytes();
    Feed::new(pool, &settings.redis, settings.feed, key, others)
}

/// The key profit cards are sealed with.
pub(crate) fn card_key(settings: &Settings) -> CardKey {
    CardKey::derive(settings.auth.signing_key.expose_secret().as_bytes())
}

impl App {
    /// The instruments by any name, as of the last change the caller has caught up with.
    pub(crate) async fn names(&self) -> Result<Arc<Names>, Problem> {
        let catalogue = self.feed.catalogue().await?;
        self.name_store.get(catalogue, &self.pool).await.map_err(Problem::internal)
    }
}

/// Wakes workers after commits, at most once in 5 ms.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waker(Arc<Notify>);

impl Waker {
    /// Asks for a wake-up; never waits.
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }

    /// Sends the wake-ups asked for; runs until the process ends. A lost one costs a poll's interval.
    pub(crate) async fn run(&self, pool: &PgPool) {
        loop {
            self.0.notified().await;
            if let Err(error) = madang_core::jobs::wake(pool).await {
                tracing::debug!(%error, "failed to wake workers");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// The screener, told of changes like everything else that is held.
struct RulesInForce(Arc<Screener>);

impl Held for RulesInForce {
    fn drop_for(&self, change: Change) {
        if change == Change::Rules {
            self.0.forget();
        }
    }

    fn drop_all(&self) {
        self.0.forget();
    }
}

/// Leaderboards and lists of holders, told of changes like everything else that is held.
#[derive(Default)]
pub(crate) struct Boards {
    /// By ticker (0 for all) and window.
    pub(crate) boards: Shelf<(i32, i16), HeldBoard>,
    /// By ticker.
    pub(crate) holders: Shelf<i32, Vec<Holder>>,
}

impl Held for Boards {
    fn drop_for(&self, change: Change) {
        if matches!(change, Change::Disclosure(_) | Change::Author(_)) {
            self.drop_all();
        }
    }

    fn drop_all(&self) {
        self.boards.clear();
        self.holders.clear();
    }
}

impl Held for LoginStore {
    fn drop_for(&self, change: Change) {
        if let Change::Sessions(user) | Change::Author(user) = change {
            self.end_for(user, Instant::now());
        }
    }

    fn drop_all(&self) {
        self.clear();
    }
}
