//! Searches a second beside the bare answer of the same HTTP server, under the same client, in turns.

use anyhow::Result;

use super::{
    ask::{search_path, suggest_path},
    judged::Query,
    place::Place,
    scores::Set,
};
use crate::bench::{
    figures::{Report, Series},
    wrk,
};

/// Enough that the service has work at every moment.
const MANY: u32 = 16;
/// Of different queries, so that no cache has them all at hand.
const DIFFERENT: usize = 300;

/// One kind of request over the rounds.
struct Side {
    key: &'static str,
    name: &'static str,
    script: String,
    per_sec: Series,
    p50_ms: Series,
    p99_ms: Series,
    alone_p50_ms: Series,
    alone_p99_ms: Series,
}

impl Side {
    fn new(key: &'static str, name: &'static str, paths: &[String]) -> Self {
        let none = Series::default;
        let script = wrk::paths(paths);
        Self {
            key,
            name,
            script,
            per_sec: none(),
            p50_ms: none(),
            p99_ms: none(),
            alone_p50_ms: none(),
            alone_p99_ms: none(),
        }
    }

    async fn round(&mut self, place: &Place, secs: u32) -> Result<()> {
        let run = async |connections| {
            wrk::run_at(&place.folder, &place.tools, &place.server.url, &self.script, connections, secs).await
        };
        let (many, alone) = (run(MANY).await?, run(1).await?);
        self.per_sec.push(many.per_sec);
        self.p50_ms.push(many.p50_ms);
        self.p99_ms.push(many.p99_ms);
        self.alone_p50_ms.push(alone.p50_ms);
        self.alone_p99_ms.push(alone.p99_ms);
        Ok(())
    }

    fn latencies(&self, report: &mut Report) {
        let many = format!("{MANY} connections, saturated");
        for (what, series, note) in [
            ("p50", &self.p50_ms, many.as_str()),
            ("p99", &self.p99_ms, many.as_str()),
            ("alone_p50", &self.alone_p50_ms, "one connection"),
            ("alone_p99", &self.alone_p99_ms, "one connection"),
        ] {
            let (key, name) = (format!("{}_{what}_ms", self.key), format!("ms for {}, {what}", self.name));
            report.single(&key, &name, series, note);
        }
    }
}

/// Measures and reports.
pub(crate) async fn measure(
    place: &Place,
    sets: &[(Set, Vec<Query>)],
    rounds: usize,
    secs: u32,
    report: &mut Report,
) -> Result<()> {
    let mut bare = Side::new("healthz", "healthz", &["/healthz".to_owned()]);
    let mut sides = Vec::new();
    let names = [
        ("search_tickers", "searches for tickers"),
        ("search_users", "searches for people"),
        ("search_posts", "searches for posts"),
    ];
    for ((set, queries), (key, name)) in sets.iter().zip(names) {
        let texts = || queries.iter().map(|query| query.text.as_str()).take(DIFFERENT);
        let paths: Vec<String> = texts().map(|text| search_path(*set, text)).collect::<Result<_>>()?;
        sides.push(Side::new(key, name, &paths));
        if *set == Set::Tickers {
            let paths: Vec<String> = texts().map(suggest_path).collect::<Result<_>>()?;
            sides.push(Side::new("suggest", "suggestions", &paths));
        }
    }
    for round in 0..rounds {
        eprintln!("speed, round {}", round + 1);
        bare.round(place, secs).await?;
        for side in &mut sides {
            side.round(place, secs).await?;
        }
    }
    for side in &sides {
        let name = format!("{}/s", side.name);
        report.pair(side.key, (&name, &side.per_sec), ("healthz/s", &bare.per_sec), "");
    }
    sides.iter().for_each(|side| side.latencies(report));
    Ok(())
}
