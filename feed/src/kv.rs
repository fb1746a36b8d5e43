//! The Redis connections. A few multiplexed ones for requests and one for bulk writing; whenever one is
//! made anew, the server's run id is compared with the one PostgreSQL remembers, and the epoch is
//! raised when it is another server, or the same one without its memory.

use std::{
    hash::{Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use madang_core::settings::RedisSettings;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, Pipeline, aio::MultiplexedConnection};
use secrecy::ExposeSecret;
use sqlx::PgPool;
use tokio::sync::Mutex;

use crate::keys::Keys;

/// Redis did not do what it was asked; the caller goes on without it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("redis failed: {why}")]
pub struct Away {
    why: String,
    lost: bool,
}

impl Away {
    fn lost(why: String) -> Self {
        Self { why, lost: true }
    }

    /// An answer that makes no sense.
    pub(crate) fn unexpected(what: &str) -> Self {
        Self { why: what.to_owned(), lost: false }
    }

    /// Whether the connection is gone, as opposed to a command that was refused.
    pub fn is_lost(&self) -> bool {
        self.lost
    }
}

/// Connections for requests.
const CONNECTIONS: usize = 8;
/// After a failed attempt nobody tries again for this long, so that requests fail over at once.
const RETRY_AFTER: Duration = Duration::from_millis(200);

struct Slot {
    held: ArcSwapOption<MultiplexedConnection>,
    /// When connecting last failed.
    dialling: Mutex<Option<Instant>>,
    timeout: Duration,
}

struct Inner {
    client: redis::Client,
    pool: PgPool,
    epoch: AtomicI32,
    /// One for each of a few threads: a connection is driven by the runtime that dialled it, and an answer
    /// that stays on its thread wakes no other.
    quick: Vec<Slot>,
    bulk: Slot,
}

/// Redis, as this service uses it.
#[derive(Clone)]
pub struct Kv {
    inner: Arc<Inner>,
    /// Names of keys.
    pub keys: Keys,
}

impl std::fmt::Debug for Kv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kv").field("epoch", &self.epoch()).finish_non_exhaustive()
    }
}

/// `epoch:number`, each a maximum of its own: a process that has not heard of a new epoch still tells a
/// number. Only one that has just settled the epoch (ARGV[3]) may write where nothing is: elsewhere a
/// missing value means a loss that must be noticed.
const PUBLISH: &str = r"
local held = redis.call('GET', KEYS[1])
if not held and ARGV[3] ~= 'settle' then return false end
local epoch, number = tonumber(ARGV[1]), tonumber(ARGV[2])
if held then
    local e, n = string.match(held, '^(%d+):(%d+)$')
    epoch, number = math.max(tonumber(e), epoch), math.max(tonumber(n), number)
end
local value = string.format('%d:%d', epoch, number)
redis.call('SET', KEYS[1], value)
return value";

impl Kv {
    /// Connects when first needed.
    pub fn new(settings: &RedisSettings, pool: PgPool) -> anyhow::Result<Self> {
        let client = redis::Client::open(settings.url.expose_secret())
            .map_err(|_| anyhow::anyhow!("failed to parse REDIS_URL (not shown, it may hold a secret)"))?;
        let slot = |timeout| Slot { held: ArcSwapOption::empty(), dialling: Mutex::new(None), timeout };
        let inner = Inner {
            client,
            pool,
            epoch: AtomicI32::new(0),
            quick: (0..CONNECTIONS).map(|_| slot(settings.timeout)).collect(),
            bulk: slot(settings.bulk_timeout),
        };
        Ok(Self { inner: Arc::new(inner), keys: Keys::new(settings.prefix.clone()) })
    }

    /// The epoch this process knows; 0 before the first connection.
    pub fn epoch(&self) -> i32 {
        self.inner.epoch.load(Ordering::Acquire)
    }

    /// The slot of this thread.
    fn quick(&self) -> &Slot {
        let mut hasher = std::hash::DefaultHasher::new();
        std::thread::current().id().hash(&mut hasher);
        let at = usize::try_from(hasher.finish()).unwrap_or(0) % CONNECTIONS;
        // There are always as many slots as connections; the bulk one would do as well.
        self.inner.quick.get(at).unwrap_or(&self.inner.bulk)
    }

    /// Runs commands on the request connection.
    pub async fn run<T: FromRedisValue>(&self, pipe: &Pipeline) -> Result<T, Away> {
        self.run_on(self.quick(), pipe).await
    }

    /// Runs commands on the bulk connection, with its longer patience.
    pub async fn run_bulk<T: FromRedisValue>(&self, pipe: &Pipeline) -> Result<T, Away> {
        self.run_on(&self.inner.bulk, pipe).await
    }

    /// Runs one command on the request connection.
    pub async fn cmd<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, Away> {
        let slot = self.quick();
        let held = self.connection(slot).await?;
        let mut connection = MultiplexedConnection::clone(&held);
        let answer = cmd.query_async(&mut connection).await;
        answer.map_err(|error| self.drop_broken(slot, &held, &error))
    }

    async fn run_on<T: FromRedisValue>(&self, slot: &Slot, pipe: &Pipeline) -> Result<T, Away> {
        let held = self.connection(slot).await?;
        let mut connection = MultiplexedConnection::clone(&held);
        let answer = pipe.query_async(&mut connection).await;
        answer.map_err(|error| self.drop_broken(slot, &held, &error))
    }

    /// A connection that failed is not used again, so that its successor is checked for its epoch.
    fn drop_broken(&self, slot: &Slot, held: &Arc<MultiplexedConnection>, error: &redis::RedisError) -> Away {
        let broken = error.is_io_error()
            || error.is_timeout()
            || error.is_connection_dropped()
            || error.is_unrecoverable_error();
        if broken && slot.held.load().as_ref().is_some_and(|now| Arc::ptr_eq(now, held)) {
            slot.held.store(None);
        }
        metrics::counter!("madang_redis_errors_total").increment(1);
        tracing::debug!(%error, "redis failed");
        Away { why: error.to_string(), lost: broken || error.code() == Some("LOADING") }
    }

    async fn connection(&self, slot: &Slot) -> Result<Arc<MultiplexedConnection>, Away> {
        if let Some(held) = slot.held.load_full() {
            return Ok(held);
        }
        let mut failed = slot.dialling.lock().await;
        if let Some(held) = slot.held.load_full() {
            return Ok(held);
        }
        if failed.is_some_and(|at| at.elapsed() < RETRY_AFTER) {
            return Err(Away::lost("not connected".into()));
        }
        match self.dial(slot.timeout).await {
            Ok(connection) => {
                *failed = None;
                let held = Arc::new(connection);
                slot.held.store(Some(held.clone()));
                Ok(held)
            }
            Err(error) => {
                *failed = Some(Instant::now());
                Err(Away::lost(format!("{error:#}")))
            }
        }
    }

    async fn dial(&self, timeout: Duration) -> anyhow::Result<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(1)))
            .set_response_timeout(Some(timeout));
        let mut connection = self.inner.client.get_multiplexed_async_connection_with_config(&config).await?;
        let info: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
        let run_id = info.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap_or_default().trim();
        let memory: bool = redis::cmd("EXISTS").arg(self.keys.change()).query_async(&mut connection).await?;
        self.settle_epoch(&mut connection, run_id, memory).await?;
        Ok(connection)
    }

    /// Raises the epoch in PostgreSQL if the server is another one or has forgotten, and tells Redis.
    async fn settle_epoch(
        &self,
        connection: &mut MultiplexedConnection,
        run_id: &str,
        remembers: bool,
    ) -> anyhow::Result<()> {
        let row = sqlx::query!(
            "UPDATE redis_epoch SET epoch = epoch + CASE WHEN run_id = $1 AND $2 THEN 0 ELSE 1 END, run_id = $1,
                 raised_at = CASE WHEN run_id = $1 AND $2 THEN raised_at ELSE now() END
             RETURNING epoch",
            run_id,
            remembers
        )
        .fetch_one(&self.inner.pool)
        .await?;
        let number = madang_core::changes::latest(&self.inner.pool).await?;
        let held: String = redis::Script::new(PUBLISH)
            .key(self.keys.change())
            .arg(row.epoch)
            .arg(number)
            .arg("settle")
            .invoke_async(connection)
            .await?;
        let now = ChangeValue::parse(&held).map_or(row.epoch, |value| value.epoch);
        let before = self.inner.epoch.swap(now, Ordering::AcqRel);
        if before != 0 && before != now {
            tracing::warn!(epoch = now, "redis was lost or replaced, its contents are rebuilt as needed");
        }
        Ok(())
    }

    /// Called when the change value is missing though the connection held: the memory was flushed.
    pub async fn forgotten(&self) -> Result<(), Away> {
        self.inner.quick.iter().for_each(|slot| slot.held.store(None));
        self.inner.bulk.held.store(None);
        self.connection(self.quick()).await.map(|_| ())
    }

    /// Takes over an epoch that another process raised.
    pub fn adopt_epoch(&self, epoch: i32) {
        self.inner.epoch.fetch_max(epoch, Ordering::AcqRel);
    }

    /// Publishes a change number as a maximum.
    pub async fn publish_change(&self, number: i64) -> Result<(), Away> {
        let mut pipe = redis::pipe();
        pipe.cmd("EVAL").arg(PUBLISH).arg(1).arg(self.keys.change());
        pipe.arg(self.epoch().max(1)).arg(number).arg("");
        let (value,): (Option<String>,) = self.run(&pipe).await?;
        // Forgotten under a living connection: settling the epoch publishes the latest number too.
        if value.is_none() { self.forgotten().await } else { Ok(()) }
    }

    /// A connection of its own for subscriptions.
    pub async fn subscribe(&self, channel: &str) -> anyhow::Result<redis::aio::PubSub> {
        let mut subscription =
            tokio::time::timeout(Duration::from_secs(2), self.inner.client.get_async_pubsub()).await??;
        subscription.subscribe(channel).await?;
        Ok(subscription)
    }
}

/// The value of the change key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeValue {
    /// Which life of Redis.
    pub epoch: i32,
    /// Last published change.
    pub number: i64,
}

impl ChangeValue {
    /// Parses `epoch:number`.
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, number) = text.split_once(':')?;
        Some(Self { epoch: epoch.parse().ok()?, number: number.parse().ok()? })
    }
}

impl Kv {
    /// Whether Redis answers.
    pub async fn ping(&self) -> bool {
        self.cmd::<String>(&redis::cmd("PING")).await.is_ok()
    }
}
