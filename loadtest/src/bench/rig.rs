//! What every measurement stands on: the seeded stores, the running service, and everybody's login and timeline.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use chrono::Utc;
use tokio::task::JoinSet;

use super::{
    community::{self, BUSY, READERS, STAR},
    http::{Http, Metrics},
    resp::{Command, Resp},
    server::{self, PREFIX, Server},
    stores::{Postgres, RedisAddress},
    tools::{self, Tools},
};

/// Homes opened at once while the timelines are stored.
const OPENERS: usize = 16;
/// Posts of each busy author that are delivered once more at the start, see `spread`.
const SPREAD: usize = 24;
/// Longest wait for an empty queue.
pub(crate) const DRAIN: Duration = Duration::from_secs(90);

/// A folder of our own that goes when the measuring ends.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn create() -> Result<Self> {
        let name = format!("madang-loadtest-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).with_context(|| format!("failed to create {}", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file and returns its path as text.
    pub(crate) fn write(&self, name: &str, content: &str) -> Result<String> {
        let path = self.0.join(name);
        std::fs::write(&path, content).with_context(|| format!("failed to write {}", path.display()))?;
        Ok(path.display().to_string())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// CPU used up to now, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent {
    /// By the service; unknown where there is no `/proc`.
    pub(crate) server: Option<f64>,
    /// By Redis.
    pub(crate) redis: f64,
}

/// Everything at hand.
#[derive(Debug)]
pub(crate) struct Rig {
    // Dropped in this order: the server goes before the folder that holds its log.
    pub(crate) server: Server,
    pub(crate) http: Arc<Http>,
    pub(crate) redis: Resp,
    pub(crate) redis_at: RedisAddress,
    pub(crate) database: Postgres,
    pub(crate) tools: Tools,
    pub(crate) madang: PathBuf,
    ids: HashMap<String, i64>,
    secret: String,
    pub(crate) folder: Folder,
}

impl Rig {
    /// Seeds empty stores, starts the service and has everybody open home.
    pub(crate) async fn set_up(tools: Tools) -> Result<Self> {
        let since = Instant::now();
        let madang = server::executable()?;
        let database = Postgres::owner(tools.psql.clone())?;
        let redis_at = RedisAddress::from_env()?;
        tools::run(&madang, &["migrate"], &server::settings(), "").await?;
        database.require_empty().await?;
        let redis = redis_at.connect_empty().await?;
        let folder = Folder::create()?;
        import(&madang, &folder).await?;
        let secret = format!("{:032x}", rand::random::<u128>());
        let ids = log_in(&database, &secret).await?;
        eprintln!("seeded in {:.0} s, starting the service", since.elapsed().as_secs_f64());
        let server = Server::start(&madang, folder.path()).await?;
        let http = Arc::new(Http::new(&server.url)?);
        let mut rig = Self { server, http, redis, redis_at, database, tools, madang, ids, secret, folder };
        let warmed = rig.warm_up().await;
        warmed.with_context(|| rig.server.complaints().unwrap_or_else(|| "failed to warm up".to_owned()))?;
        eprintln!("ready after {:.0} s", since.elapsed().as_secs_f64());
        Ok(rig)
    }

    /// The login of somebody by external id.
    pub(crate) fn token(&self, name: &str) -> String {
        format!("{}_{name}", self.secret)
    }

    /// The command that asks for the length of somebody's stored timeline.
    pub(crate) fn length_of(&self, name: &str) -> Command {
        Command::new(&["STRLEN", &self.timeline(name)])
    }

    /// The key of somebody's timeline.
    pub(crate) fn timeline(&self, name: &str) -> String {
        format!("{PREFIX}tl:{}", self.ids.get(name).copied().unwrap_or(0))
    }

    /// CPU used up to now.
    pub(crate) async fn spent(&mut self) -> Result<Spent> {
        Ok(Spent { server: self.server.cpu_secs(), redis: self.redis.cpu_secs().await? })
    }

    /// Waits until no job is left.
    pub(crate) async fn drained(&self) -> Result<Metrics> {
        self.http.drained(DRAIN).await
    }

    async fn warm_up(&self) -> Result<()> {
        self.open_homes().await?;
        self.spread().await
    }

    /// Everybody opens home once, which stores their timeline and notes them as seen.
    async fn open_homes(&self) -> Result<()> {
        let everybody: Arc<Vec<String>> = Arc::new(self.ids.keys().map(|name| self.token(name)).collect());
        let mut openers = JoinSet::new();
        for first in 0..OPENERS {
            let (http, everybody) = (self.http.clone(), everybody.clone());
            openers.spawn(async move {
                for token in everybody.iter().skip(first).step_by(OPENERS) {
                    http.home(token).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(opened) = openers.join_next().await {
            opened??;
        }
        let shown = self.http.home(&self.token(&community::reader(0))).await?;
        ensure!(shown == 20, "a page of home has {shown} posts instead of 20");
        self.drained().await?;
        // Who was seen is new to the planner, which would find out by itself only after a minute or so.
        self.database.sql("ANALYZE").await.map(|_| ())
    }

    /// Spreads the lengths of timelines over the room between the cap and twice the cap, where they are
    /// after some days: fresh ones are all short, and cutting back would fall outside the measuring.
    async fn spread(&self) -> Result<()> {
        for number in (1..=SPREAD).rev() {
            self.deliver_again(number).await?;
        }
        self.drained().await.map(|_| ())
    }

    /// Has one post of each busy author, the `number`th newest, wait for the worker once more, all at one
    /// instant. Delivering again is the same work as delivering, and readers see each post once.
    pub(crate) async fn deliver_again(&self, number: usize) -> Result<()> {
        let sql = format!(
            "INSERT INTO jobs (kind, subject)
             SELECT 'fanout', id FROM (
                 SELECT p.id, row_number() OVER (PARTITION BY p.author_id ORDER BY p.id DESC) AS nth
                 FROM posts p JOIN users u ON u.id = p.author_id WHERE u.external_id LIKE 'busy\\_%') AS ranked
             WHERE nth = {number} ON CONFLICT DO NOTHING;
             NOTIFY madang_jobs;"
        );
        self.database.sql(&sql).await.map(|_| ())
    }
}

async fn import(madang: &Path, folder: &Folder) -> Result<()> {
    let data = folder.path().join("data");
    let rejects = folder.path().join("rejects.csv");
    community::write(&data, Utc::now())?;
    let data = data.display().to_string();
    let rejects_path = rejects.display().to_string();
    let args = ["import", &data, "--rejects", &rejects_path];
    let said = tools::run(madang, &args, &server::settings(), "").await?;
    let rejected = std::fs::read_to_string(&rejects).unwrap_or_default();
    // Its first line names the columns.
    if let Some(first) = rejected.lines().nth(1) {
        anyhow::bail!("the import rejected lines, the first: {first}\n{said}");
    }
    eprint!("{said}");
    Ok(())
}

/// Gives everybody a login whose token we know: passwords would take hours of hashing.
async fn log_in(database: &Postgres, secret: &str) -> Result<HashMap<String, i64>> {
    let said = database
        .sql(&format!(
            "INSERT INTO sessions (token_hash, user_id, expires_at)
             SELECT sha256(convert_to('{secret}_' || external_id, 'UTF8')), id, now() + interval '1 day'
             FROM users WHERE external_id IS NOT NULL;
             SELECT external_id, id, follower_count FROM users WHERE external_id IS NOT NULL;"
        ))
        .await?;
    let mut ids = HashMap::new();
    for line in said.lines() {
        let mut columns = line.split('|');
        let (Some(name), Some(id), Some(followers)) = (columns.next(), columns.next(), columns.next()) else {
            continue;
        };
        ensure!(
            name != STAR || followers == READERS.to_string(),
            "the star has {followers} followers instead of {READERS}"
        );
        ids.insert(name.to_owned(), id.parse()?);
    }
    ensure!(ids.len() == 1 + BUSY + READERS, "{} people were imported", ids.len());
    Ok(ids)
}
