//! Pages of home a second beside the bare answer of the same HTTP server, under the same client.

use anyhow::Result;

use super::{
    community::{self, READERS},
    figures::{Report, Series},
    rig::Rig,
    wrk::{self, Answered},
};

/// Readers whose pages are asked for in turn.
const DIFFERENT: usize = 200;
const CONNECTIONS: u32 = 16;
const PATH: &str = "/v1/timeline?order=top&limit=20";

/// Values of one kind of request over the rounds.
#[derive(Default)]
struct Side {
    per_sec: Series,
    p99_ms: Series,
    server_us: Series,
    redis_us: Series,
}

impl Side {
    async fn round(&mut self, rig: &mut Rig, script: &str, secs: u32) -> Result<()> {
        let before = rig.spent().await?;
        let Answered { requests, per_sec, p99_ms, .. } = wrk::run(rig, script, CONNECTIONS, secs).await?;
        let after = rig.spent().await?;
        self.per_sec.push(per_sec);
        self.p99_ms.push(p99_ms);
        self.redis_us.push((after.redis - before.redis) * 1e6 / requests);
        if let Some((now, then)) = after.server.zip(before.server) {
            self.server_us.push((now - then) * 1e6 / requests);
        }
        Ok(())
    }
}

/// Measures and reports.
pub(crate) async fn measure(rig: &mut Rig, rounds: usize, secs: u32, report: &mut Report) -> Result<()> {
    let readers: Vec<String> = (0..READERS)
        .step_by(READERS / DIFFERENT)
        .map(|number| rig.token(&community::reader(number)))
        .collect();
    let (hello, many, one) = (
        wrk::gets("/healthz", &[]),
        wrk::gets(PATH, &readers),
        wrk::gets(PATH, readers.get(..1).unwrap_or_default()),
    );
    let mut sides = [Side::default(), Side::default(), Side::default()];
    let [bare, home, same] = &mut sides;
    rig.drained().await?;
    wrk::run(rig, &many, CONNECTIONS, 1).await?;
    for round in 0..rounds {
        eprintln!("home pages, round {}", round + 1);
        bare.round(rig, &hello, secs).await?;
        home.round(rig, &many, secs).await?;
        same.round(rig, &one, secs).await?;
    }
    let base = ("healthz/s", &bare.per_sec);
    let ours = ("home pages/s, 200 readers in turn", &home.per_sec);
    report.pair("home_200", ours, base, "≥ 0.35, later 0.45");
    report.pair("home_1", ("home pages/s, one reader", &same.per_sec), base, "");
    report.single("home_p99_ms", "ms for a home page, p99", &home.p99_ms, "16 connections, saturated");
    for (key, name, side) in [("healthz", "healthz", &*bare), ("home", "home page", &*home)] {
        let (server, redis) = (format!("{key}_server_cpu_us"), format!("{key}_redis_cpu_us"));
        report.single(&server, &format!("CPU µs of server a {name}"), &side.server_us, "");
        report.single(&redis, &format!("CPU µs of redis a {name}"), &side.redis_us, "");
    }
    Ok(())
}
