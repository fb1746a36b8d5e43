//! The built executable as a child process, with a database, a Redis prefix and a port of its own.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use sqlx::PgPool;

use crate::{
    client::{Api, PASSWORD, new_handle},
    database::{Database, unique},
    redis::free_port,
    until,
};

const READY_SECS: u64 = 30;
const GENEROUS: &str = "100000/min";
const RATES: [&str; 10] = [
    "RATE_SEARCH",
    "RATE_POST",
    "RATE_REPLY",
    "RATE_FOLLOW",
    "RATE_LIKE",
    "RATE_REPORT",
    "RATE_LOGIN",
    "RATE_WRITE",
    "RATE_READ",
    "RATE_ADDRESS",
];

/// The executable under test.
fn executable() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("MADANG_BIN") {
        return Ok(path.into());
    }
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(2).context("no target folder")?;
    let path = target.join("madang");
    ensure!(path.exists(), "{} is not built: cargo build -p madang-api", path.display());
    Ok(path)
}

/// How a service is to be started.
#[derive(Debug, Clone)]
pub struct Setup {
    env: Vec<(String, String)>,
    args: Vec<&'static str>,
    database_at: Option<SocketAddr>,
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

impl Setup {
    /// Server and worker in one process, with generous rate limits.
    pub fn new() -> Self {
        Self { env: Vec::new(), args: vec!["serve", "--with-worker"], database_at: None }
    }

    /// A setting by its variable.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The server alone.
    pub fn without_worker(mut self) -> Self {
        self.args = vec!["serve"];
        self
    }

    /// PostgreSQL is reached through this address.
    pub fn database_at(mut self, address: SocketAddr) -> Self {
        self.database_at = Some(address);
        self
    }

    /// Starts it and waits until it is ready.
    pub async fn start(self) -> Result<Service> {
        let database = Database::create().await?;
        let mut url = database.url.clone();
        let name = unique();
        let mut env = environment(&name)?;
        env.extend(self.env);
        env.push(("DATABASE_URL".into(), url.to_string()));
        let log = std::env::temp_dir().join(format!("madang-test-{name}.log"));
        let mut service = Service {
            base: String::new(),
            port: 0,
            database,
            env,
            args: self.args,
            log,
            child: Mutex::default(),
        };
        let migrated = service.run(&["migrate"]).await?;
        ensure!(migrated.status.success(), "failed to migrate: {migrated:?}");
        service.database.add_instruments().await?;
        if let Some(address) = self.database_at {
            let _ = url.set_host(Some(&address.ip().to_string()));
            let _ = url.set_port(Some(address.port()));
            service.env.push(("DATABASE_URL".into(), url.to_string()));
        }
        service.find_place().await?;
        Ok(service)
    }
}

fn environment(name: &str) -> Result<Vec<(String, String)>> {
    let redis = std::env::var("REDIS_URL").context("REDIS_URL must be set")?;
    let mut env: Vec<(String, String)> = vec![
        ("REDIS_URL".into(), redis),
        ("REDIS_PREFIX".into(), format!("t{name}:")),
        ("SIGNING_KEY".into(), format!("a key for tests only, of {name}, long enough")),
        ("RUST_LOG".into(), "warn".into()),
        ("SEARCH_DIR".into(), search_dir(name).display().to_string()),
        ("HTTP_WORKERS".into(), "2".into()),
        ("DATABASE_POOL_SIZE".into(), "10".into()),
    ];
    env.extend(RATES.map(|name| (name.to_owned(), GENEROUS.to_owned())));
    Ok(env)
}

/// Where the index of a service lives; processes beside it read it too.
fn search_dir(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("madang-test-{name}.search"))
}

/// A running service; it is killed and its database dropped at the end.
#[derive(Debug)]
pub struct Service {
    /// Begin of every address.
    pub base: String,
    /// Its port.
    pub port: u16,
    database: Database,
    env: Vec<(String, String)>,
    args: Vec<&'static str>,
    log: PathBuf,
    child: Mutex<Option<Child>>,
}

impl Service {
    /// Starts on a free port; another one may take it first, so it tries again.
    async fn find_place(&mut self) -> Result<()> {
        for _ in 0..5 {
            self.port = free_port()?;
            self.base = format!("http://127.0.0.1:{}", self.port);
            if self.start_again().await.is_ok() {
                return Ok(());
            }
        }
        bail!("the service does not start: {}", self.log_from(0)?)
    }

    /// Starts the process on the port it had, and waits until it is ready.
    pub async fn start_again(&self) -> Result<()> {
        self.start_process()?;
        let nobody = self.anonymous()?;
        until("the service is ready", READY_SECS, async || {
            ensure!(self.is_running(), "the process ended");
            let answer = nobody.get("/readyz").await;
            Ok(answer.is_ok_and(|answer| answer.status == 200))
        })
        .await
    }

    /// Starts the process on the port it had.
    pub fn start_process(&self) -> Result<()> {
        let child = self.spawn(&self.args)?;
        *self.child.lock().unwrap_or_else(PoisonError::into_inner) = child.into_inner();
        Ok(())
    }

    fn command(&self, args: &[&str]) -> Result<Command> {
        let mut command = Command::new(executable()?);
        command.args(args).env_clear().stdin(Stdio::null());
        for name in ["PATH", "HOME", "TMPDIR", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.env("HTTP_BIND", format!("127.0.0.1:{}", self.port));
        Ok(command)
    }

    /// Starts another role of the executable on the same stores.
    pub fn spawn(&self, args: &[&str]) -> Result<Process> {
        self.spawn_at(self.port, args)
    }

    /// The same on another port.
    pub(crate) fn spawn_at(&self, port: u16, args: &[&str]) -> Result<Process> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = self.command(args)?;
        command.env("HTTP_BIND", format!("127.0.0.1:{port}"));
        command.stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().context("failed to start the executable")?;
        Ok(Process(Some(child)))
    }

    /// Runs a command of the executable to its end.
    pub async fn run(&self, args: &[&str]) -> Result<Output> {
        let mut command = self.command(args)?;
        Ok(tokio::task::spawn_blocking(move || command.output()).await??)
    }

    /// Runs a command that must succeed; returns what it prints.
    pub async fn run_well(&self, args: &[&str]) -> Result<String> {
        let output = self.run(args).await?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success(),
            "madang {args:?} failed: {printed}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(printed)
    }

    fn is_running(&self) -> bool {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    fn take_process(&self) -> Process {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        Process(child.take())
    }

    /// `kill -9`
    pub fn kill(&self) {
        drop(self.take_process());
    }

    /// Asks it to stop and waits for its end.
    pub async fn terminate(&self) -> Result<ExitStatus> {
        self.take_process().terminate(30).await
    }

    /// A client without a login.
    pub fn anonymous(&self) -> Result<Api> {
        Api::anonymous(&self.base)
    }

    /// The database, for looking at rows.
    pub async fn sql(&self) -> Result<PgPool> {
        self.database.open().await
    }

    /// Makes somebody with a role and logs them in.
    pub async fn member(&self, nobody: &Api, role: &str) -> Result<Api> {
        let handle = new_handle();
        let args = ["admin", "create-user", &handle, "--role", role];
        self.run_well(&[&args[..], &["--password", PASSWORD]].concat()).await?;
        let token = self
            .run_well(&["admin", "issue-token", &handle])
            .await?
            .split_whitespace()
            .last()
            .context("no token")?
            .to_owned();
        let mut member = nobody.with_token(&handle, &token);
        member.id = crate::client::id_of(&member.get("/v1/me").await?.expect(200)?.json);
        Ok(member)
    }

    /// Waits until no job that was asked for before is due.
    pub async fn settle(&self) -> Result<()> {
        let sql = self.sql().await?;
        let now: String = sqlx::query_scalar("SELECT clock_timestamp()::text").fetch_one(&sql).await?;
        until("the queue is empty", 45, async || {
            let waiting: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM jobs WHERE parked_at IS NULL AND enqueued_at <= $1::timestamptz
                 AND (lease IS NOT NULL OR run_at <= now() + interval '5 seconds')",
            )
            .bind(&now)
            .fetch_one(&sql)
            .await?;
            Ok(waiting == 0)
        })
        .await
    }

    fn log_len(&self) -> u64 {
        std::fs::metadata(&self.log).map_or(0, |metadata| metadata.len())
    }

    /// What was logged from a byte on.
    pub fn log_from(&self, from: u64) -> Result<String> {
        let mut file = File::open(&self.log)?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(200_000).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
        // The test harness shows this only where a test failed.
        if let Ok(log) = self.log_from(0) {
            eprintln!("--- log of the service ---\n{log}");
        }
        let _ = std::fs::remove_file(&self.log);
        let dir = self.env.iter().find(|(name, _)| name == "SEARCH_DIR").map(|(_, dir)| dir);
        if let Some(dir) = dir.filter(|dir| dir.contains("madang-test-")) {
            let _ = std::fs::remove_dir_all(dir);
        }
    }
}

/// A process of the executable, killed at the end.
#[derive(Debug)]
pub struct Process(Option<Child>);

impl Process {
    fn into_inner(mut self) -> Option<Child> {
        self.0.take()
    }

    /// Sends SIGTERM and waits for the end.
    pub async fn terminate(mut self, secs: u64) -> Result<ExitStatus> {
        let Some(child) = self.0.as_mut() else {
            bail!("the process ended before");
        };
        let id = child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status()?;
        ensure!(sent.success(), "failed to send SIGTERM");
        let mut ended = None;
        until("the process has stopped", secs, async || {
            ended = child.try_wait()?;
            Ok(ended.is_some())
        })
        .await?;
        ended.context("no exit status")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// One service for the tests of a file, as long as one of them runs.
#[derive(Debug, Default)]
pub struct Shared(tokio::sync::Mutex<Weak<Service>>);

impl Shared {
    /// Not started yet.
    pub const fn new() -> Self {
        Self(tokio::sync::Mutex::const_new(Weak::new()))
    }

    /// The running service, started by the first who asks.
    pub async fn get(&self, setup: impl FnOnce() -> Setup) -> Result<Lease> {
        let mut held = self.0.lock().await;
        let service = match held.upgrade() {
            Some(service) => service,
            None => {
                let started = Arc::new(setup().start().await?);
                *held = Arc::downgrade(&started);
                started
            }
        };
        Ok(Lease { log_from: service.log_len(), service })
    }
}

/// A test's hold on a shared service.
#[derive(Debug)]
pub struct Lease {
    service: Arc<Service>,
    log_from: u64,
}

impl std::ops::Deref for Lease {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // The last one shows the whole log.
        if Arc::strong_count(&self.service) > 1
            && let Ok(log) = self.service.log_from(self.log_from)
        {
            eprintln!("--- log of the service meanwhile ---\n{log}");
        }
    }
}

/// How long a request may take when a store is away.
pub const PATIENCE: Duration = Duration::from_secs(5);
