//! `loadtest soak`: a steady load for minutes or hours. Requests start when they are due, whatever became of
//! those before, and their latency counts from then: a service that stalls cannot hide it by being asked less.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use rand::RngExt;
use tokio::{
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    task::JoinSet,
    time::{Instant as Due, sleep_until},
};

use crate::bench::{
    community::{self, BUSY, READERS},
    http::{Http, Outcome},
    rig::{DRAIN, Rig},
    server,
    tools::{self, Tools},
    until_interrupted,
};

/// How much load, and how long.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_080))]
    minutes: u32,
    /// Posts a second
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    writes: u32,
    /// Pages read a second: four of five are homes, the rest boards
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    reads: u32,
}

const MINUTE: Duration = Duration::from_secs(60);
const BOARDS: [&str; 3] = ["XKRX:005930", "XNAS:AAPL", "XNAS:NVDA"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Write,
    Read,
}

/// A request that has ended.
struct Ended {
    kind: Kind,
    latency: Duration,
    outcome: Outcome,
}

/// What is sent, and as whom.
struct Load {
    http: Arc<Http>,
    readers: Vec<String>,
    busy: Vec<String>,
    to: UnboundedSender<Ended>,
}

/// Loads, prints a line a minute, and fails if anything went wrong.
pub(crate) fn run(args: &Args) -> Result<()> {
    until_interrupted(soak(args))
}

async fn soak(args: &Args) -> Result<()> {
    let mut rig = Rig::set_up(Tools::find()?).await?;
    let (to, from) = mpsc::unbounded_channel();
    let tokens = |names: Vec<String>| names.iter().map(|name| rig.token(name)).collect();
    let load = Arc::new(Load {
        http: rig.http.clone(),
        readers: tokens((0..READERS).map(community::reader).collect()),
        busy: tokens((0..BUSY).map(community::busy).collect()),
        to,
    });
    let length = MINUTE * args.minutes;
    let mut sources = JoinSet::new();
    sources.spawn(send(load.clone(), Kind::Write, args.writes, length));
    sources.spawn(send(load, Kind::Read, args.reads, length));
    println!("{} posts/s and {} reads/s for {} min", args.writes, args.reads, args.minutes);
    println!("| minute | writes | p50 ms | p99 ms | reads | p50 ms | p99 ms | refused | failed | RSS MB |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let failed = gather(&rig, from).await;
    while let Some(source) = sources.join_next().await {
        source?;
    }
    rig.http.drained(DRAIN).await?;
    println!("comparing every timeline and board with the database");
    let said = tools::run(&rig.madang, &["check"], &server::settings(), "").await?;
    print!("{said}");
    if let Some(complaints) = rig.server.complaints() {
        println!("{complaints}");
    }
    if failed > 0 {
        bail!("{failed} requests failed");
    }
    Ok(())
}

/// Sends requests at random instants, so many a second on average, until the time is over.
async fn send(load: Arc<Load>, kind: Kind, per_sec: u32, length: Duration) {
    let mut due = Due::now();
    let end = due + length;
    let mut under_way = JoinSet::new();
    let mut number = 0;
    while due < end {
        sleep_until(due).await;
        under_way.spawn(one(load.clone(), kind, due, number));
        while under_way.try_join_next().is_some() {}
        // Gaps of a Poisson process: people do not wait for each other.
        let share: f64 = rand::rng().random_range(f64::EPSILON..1.0);
        due += Duration::from_secs_f64(-share.ln() / f64::from(per_sec));
        number += 1;
    }
    under_way.join_all().await;
}

async fn one(load: Arc<Load>, kind: Kind, due: Due, number: usize) {
    let choice = rand::rng().random_range(0..usize::MAX);
    let somebody = |list: &[String]| list.get(choice % list.len()).cloned().unwrap_or_default();
    let reader = somebody(&load.readers);
    let fifth = number.is_multiple_of(5);
    let outcome = match kind {
        Kind::Write => {
            let author = if fifth { somebody(&load.busy) } else { reader };
            load.http.try_post(&author, &community::text(number)).await
        }
        Kind::Read if fifth => {
            let symbol = BOARDS.get(choice % BOARDS.len()).unwrap_or(&"XNAS:AAPL");
            let path = format!("/v1/tickers/{symbol}/posts?order=top");
            load.http.try_get(&path, &reader).await
        }
        Kind::Read => load.http.try_get("/v1/timeline?order=top&limit=20", &reader).await,
    };
    let ended = Ended { kind, latency: due.elapsed(), outcome };
    // Nobody listens any more only when all is being torn down.
    let _ = load.to.send(ended);
}

/// Prints minute by minute until the last request has ended; returns how many failed.
async fn gather(rig: &Rig, mut from: UnboundedReceiver<Ended>) -> usize {
    let (mut failed, mut minute) = (0, 1);
    let mut window = Vec::new();
    let mut until = Instant::now() + MINUTE;
    loop {
        let waiting = tokio::time::timeout_at(until.into(), from.recv());
        let ended = match waiting.await {
            Ok(Some(ended)) => {
                window.push(ended);
                continue;
            }
            Ok(None) => true,
            Err(_) => false,
        };
        if !window.is_empty() {
            failed += print(rig, minute, &window);
        }
        if ended {
            return failed;
        }
        window.clear();
        minute += 1;
        until += MINUTE;
    }
}

fn print(rig: &Rig, minute: u32, window: &[Ended]) -> usize {
    let count = |outcome| window.iter().filter(|ended| ended.outcome == outcome).count();
    let (refused, failed) = (count(Outcome::Refused), count(Outcome::Failed));
    let memory = rig.server.resident_mb().map_or("-".to_owned(), |megabytes| format!("{megabytes:.0}"));
    println!(
        "| {minute} | {} | {} | {refused} | {failed} | {memory} |",
        latencies(window, Kind::Write),
        latencies(window, Kind::Read)
    );
    failed
}

/// How many there were, their median and the slowest of a hundred, in ms.
fn latencies(window: &[Ended], kind: Kind) -> String {
    let mut sorted: Vec<Duration> =
        window.iter().filter(|ended| ended.kind == kind).map(|ended| ended.latency).collect();
    sorted.sort_unstable();
    let at = |percent: usize| {
        let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        let latency = sorted.get(rank).copied().unwrap_or_default();
        format!("{:.1}", latency.as_secs_f64() * 1e3)
    };
    format!("{} | {} | {}", sorted.len(), at(50), at(99))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_their_kind_alone() {
        let ended =
            |kind, millis| Ended { kind, latency: Duration::from_millis(millis), outcome: Outcome::Fine };
        let mut window: Vec<Ended> = (1..=100).map(|n| ended(Kind::Read, n)).collect();
        window.push(ended(Kind::Write, 5_000));
        assert_eq!(latencies(&window, Kind::Read), "100 | 50.0 | 99.0");
        assert_eq!(latencies(&window, Kind::Write), "1 | 5000.0 | 5000.0");
    }
}
