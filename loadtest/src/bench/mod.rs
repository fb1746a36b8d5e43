//! `loadtest bench`: what the service does a second, side by side with what its stores and its bare HTTP
//! server do, in one run and taking turns, since two runs on a shared machine cannot be compared.

pub(crate) mod community;
mod conditions;
mod fanout;
pub(crate) mod figures;
mod home;
pub(crate) mod http;
mod memory;
mod posts;
mod resp;
pub(crate) mod rig;
pub(crate) mod server;
pub(crate) mod stores;
pub(crate) mod tools;
mod visible;
pub(crate) mod wrk;

use anyhow::{Context, Result, bail};

use figures::Report;
use rig::Rig;
use tools::Tools;

/// What to measure, and how long.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rounds in which both sides of a row take their turn
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=100))]
    rounds: u8,
    /// Seconds of one turn under wrk or pgbench
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Posts whose way to all followers is timed
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    timed_posts: u16,
}

/// Measures and prints.
pub(crate) fn run(args: &Args) -> Result<()> {
    until_interrupted(measure(args))
}

/// Runs on one thread: the client should leave the cores to what it measures. When interrupted, what was
/// started is stopped first.
pub(crate) fn until_interrupted<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    // The HTTP client wants to know its TLS provider even where it speaks none.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("failed to start")?;
    runtime.block_on(async {
        tokio::select! {
            done = work => done,
            signal = interrupted() => match signal {
                Ok(()) => bail!("interrupted"),
                Err(error) => Err(error).context("failed to wait for signals"),
            },
        }
    })
}

async fn interrupted() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = tokio::signal::ctrl_c() => done,
        _ = terminate.recv() => Ok(()),
    }
}

async fn measure(args: &Args) -> Result<()> {
    let load = conditions::load_average();
    let mut rig = Rig::set_up(Tools::find()?).await?;
    let measured = measure_with(&mut rig, args).await;
    if let Some(complaints) = rig.server.complaints() {
        eprintln!("{complaints}");
    }
    measured?.print(&conditions::gather(&mut rig, load).await?);
    Ok(())
}

async fn measure_with(rig: &mut Rig, args: &Args) -> Result<Report> {
    let rounds = usize::from(args.rounds);
    let mut report = Report::default();
    fanout::measure(rig, rounds, &mut report).await?;
    visible::measure(rig, usize::from(args.timed_posts), &mut report).await?;
    home::measure(rig, rounds, args.seconds, &mut report).await?;
    memory::measure(rig, &mut report).await?;
    posts::measure(rig, rounds, args.seconds, &mut report).await?;
    if let Some(megabytes) = rig.server.resident_mb() {
        let note = "API and worker in one process, at the end; aim ≤ 150";
        report.number("server_rss_mb", "resident memory of the server, MB", megabytes, note);
    }
    let used = rig.redis.info("memory", &["used_memory"]).await? / 1e6;
    report.number("redis_used_mb", "memory Redis uses, MB", used, "at the end");
    Ok(report)
}
