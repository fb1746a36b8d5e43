//! Posts accepted a second over HTTP, beside `pgbench`'s single-row inserts a second in the same database with the
//! same durability. Both have 8 clients; the worker fans out at the same time and is waited for before the
//! other side's turn.

use std::time::Instant;

use anyhow::{Context, Result};

use super::{
    community,
    figures::{Report, Series},
    rig::Rig,
    tools, wrk,
};

const CLIENTS: u32 = 8;
/// A busy hour, in which posts wait for one another and are committed together.
const MANY: u32 = 64;
/// People who post, each with some ten followers.
const WRITERS: usize = 64;

/// Measures and reports.
pub(crate) async fn measure(rig: &mut Rig, rounds: usize, secs: u32, report: &mut Report) -> Result<()> {
    let tokens: Vec<String> = (0..WRITERS).map(|number| rig.token(&community::reader(number))).collect();
    let (words, length) = (community::words(), community::POST_WORDS);
    make_table(rig).await?;
    let (mut posts, mut many, mut inserts) = (Series::default(), Series::default(), Series::default());
    let (mut server_us, mut drained_secs) = (Series::default(), Series::default());
    for round in 0..rounds {
        eprintln!("posts, round {}", round + 1);
        inserts.push(pgbench(rig, secs).await?);
        let script = wrk::posts(&format!("round-{round}"), &tokens, &words, length);
        let before = rig.server.cpu_secs();
        let answered = wrk::run(rig, &script, CLIENTS, secs).await?;
        posts.push(answered.per_sec);
        let since = Instant::now();
        rig.drained().await?;
        drained_secs.push(since.elapsed().as_secs_f64());
        if let Some((now, then)) = rig.server.cpu_secs().zip(before) {
            server_us.push((now - then) * 1e6 / answered.requests);
        }
        let script = wrk::posts(&format!("many-{round}"), &tokens, &words, length);
        many.push(wrk::run(rig, &script, MANY, secs).await?.per_sec);
        rig.drained().await?;
    }
    rig.database.sql("DROP SCHEMA bench CASCADE").await?;
    let ours = ("posts/s accepted, with idempotency keys", &posts);
    let theirs = ("pgbench inserts/s", &inserts);
    report.pair("posts", ours, theirs, "≥ 0.5, later 0.6");
    report.pair("posts_64", ("posts/s accepted from 64 clients", &many), theirs, "");
    let note = "accepting and fanning out to some ten followers";
    report.single("post_server_cpu_us", "CPU µs of server a post", &server_us, note);
    let note = format!("left to fan out after {secs} s of posting");
    report.single("posts_drained_secs", "s until the queue is empty", &drained_secs, &note);
    Ok(())
}

async fn make_table(rig: &Rig) -> Result<()> {
    let sql = "DROP SCHEMA IF EXISTS bench CASCADE; CREATE SCHEMA bench;
               CREATE TABLE bench.bench_rows (v integer NOT NULL);";
    rig.database.sql(sql).await.map(|_| ())
}

async fn pgbench(rig: &Rig, secs: u32) -> Result<f64> {
    let script = "INSERT INTO bench.bench_rows (v) VALUES (1);\n";
    let script = rig.folder.write("insert.sql", script)?;
    let (clients, secs) = (CLIENTS.to_string(), secs.to_string());
    let args = ["-n", "-c", &clients, "-j", "1", "-M", "prepared", "-T", &secs, "-f", &script];
    let said = tools::run(&rig.tools.pgbench, &args, &rig.database.variables, "").await?;
    said.lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
        .with_context(|| format!("pgbench said nothing that is understood:\n{said}"))
}
