//! The measured service as a child process: `madang serve --with-worker` on a free port, its limits out of the way.

use std::{
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tokio::process::{Child, Command};

use super::tools;

/// Longest time until it is ready.
const START: Duration = Duration::from_secs(60);
/// Put before every key.
pub(crate) const PREFIX: &str = "bench:";
/// Lines of its log that are repeated.
const SHOWN_LINES: usize = 8;
const UNLIMITED: &str = "1000000/s";
const RATES: [&str; 10] = [
    "RATE_POST",
    "RATE_REPLY",
    "RATE_FOLLOW",
    "RATE_LIKE",
    "RATE_REPORT",
    "RATE_LOGIN",
    "RATE_WRITE",
    "RATE_READ",
    "RATE_SEARCH",
    "RATE_ADDRESS",
];

/// The executable that is measured.
pub(crate) fn executable() -> Result<PathBuf> {
    let path = std::env::var_os("BENCH_MADANG").map(PathBuf::from).or_else(|| tools::find("madang"));
    path.context("BENCH_MADANG must name the executable; ./dev bench and ./dev soak set it")
}

/// What differs from the defaults, for every role of the executable.
pub(crate) fn settings() -> Vec<(&'static str, String)> {
    let mut settings: Vec<_> = RATES.map(|name| (name, UNLIMITED.to_owned())).into();
    settings.push(("RUST_LOG", "warn".to_owned()));
    settings.push(("REDIS_PREFIX", PREFIX.to_owned()));
    settings
}

/// The running service; it dies with this value.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
    log: PathBuf,
    ticks_per_sec: f64,
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("failed to find a free port")?;
    Ok(listener.local_addr()?.port())
}

impl Server {
    /// Starts it and waits until it says that it is ready.
    pub(crate) async fn start(madang: &Path, folder: &Path) -> Result<Self> {
        let bind = format!("127.0.0.1:{}", free_port()?);
        let log = folder.join("server.log");
        let to = File::create(&log)?;
        let child = Command::new(madang)
            .args(["serve", "--with-worker"])
            .envs(settings())
            .env("HTTP_BIND", &bind)
            .env("PUBLIC_URL", format!("http://{bind}"))
            .stdin(Stdio::null())
            .stdout(to.try_clone()?)
            .stderr(to)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("failed to start {}", madang.display()))?;
        let mut server =
            Self { child, url: format!("http://{bind}"), log, ticks_per_sec: ticks_per_sec().await };
        server.await_ready().await?;
        Ok(server)
    }

    async fn await_ready(&mut self) -> Result<()> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).build()?;
        let since = Instant::now();
        while since.elapsed() < START {
            let asked = client.get(format!("{}/readyz", self.url)).send().await;
            if asked.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if self.child.try_wait()?.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the server did not become ready; {}", self.complaints().unwrap_or_default())
    }

    /// What it logged, at `warn` normally nothing, and whether it has ended; `None` when all is well.
    pub(crate) fn complaints(&mut self) -> Option<String> {
        let ended = self.child.try_wait().ok().flatten().map(|status| format!("the server ended ({status})"));
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let shown = lines.get(lines.len().saturating_sub(SHOWN_LINES)..).unwrap_or_default();
        let logged = (!lines.is_empty())
            .then(|| format!("the server logged {} lines, the last:\n{}", lines.len(), shown.join("\n")));
        let all: Vec<String> = ended.into_iter().chain(logged).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    fn proc(&self, file: &str) -> Option<String> {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id()?)).ok()
    }

    /// Seconds of CPU it has used, where `/proc` tells.
    pub(crate) fn cpu_secs(&self) -> Option<f64> {
        let stat = self.proc("stat")?;
        // The name in parentheses may hold spaces; utime and stime are the 12th and 13th after it.
        let (_, after) = stat.rsplit_once(')')?;
        let mut times = after.split_whitespace().skip(11);
        let user: f64 = times.next()?.parse().ok()?;
        let system: f64 = times.next()?.parse().ok()?;
        Some((user + system) / self.ticks_per_sec)
    }

    /// Resident memory in MB, where `/proc` tells.
    pub(crate) fn resident_mb(&self) -> Option<f64> {
        let status = self.proc("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kilobytes / 1024.0)
    }
}

async fn ticks_per_sec() -> f64 {
    let Some(getconf) = tools::find("getconf") else {
        return 100.0;
    };
    let said = tools::run(&getconf, &["CLK_TCK"], &[], "").await;
    said.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(100.0)
}
