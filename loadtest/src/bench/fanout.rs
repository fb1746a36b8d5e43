//! Deliveries a second of one worker, from the job claimed to the entries appended, beside what
//! `redis-benchmark` makes of the same Redis with pipelined `ZADD`.
//!
//! Calm: the star posts, and posts again once the followers have it. Backlog: 64 posts of 64 authors wait.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{
    community::{self, READERS, STAR},
    figures::{Report, Series},
    http::Metrics,
    resp::Command,
    rig::{Rig, Spent},
    tools,
};

/// Posts of the star in a round.
const CALM_POSTS: usize = 16;
/// Backlogs of 64 posts in a round.
const BACKLOGS: usize = 6;
/// Followers looked at to see that a post has arrived.
const SAMPLE: usize = 8;
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Longest way of a post.
const PATIENCE: Duration = Duration::from_secs(10);

const DELIVERIES: &str = "madang_fanout_deliveries_total";
/// Sums of seconds that the server may tell, best first.
const CLOCKS: [&str; 2] = ["madang_fanout_seconds_sum", "madang_job_batch_seconds_sum{kind=\"fanout\"}"];

/// What one phase took.
struct Phase {
    deliveries: f64,
    clock: &'static str,
    secs: f64,
    server_cpu: Option<f64>,
    redis_cpu: f64,
}

/// Values of one kind of load over the rounds.
#[derive(Default)]
struct Load {
    clock: &'static str,
    per_sec: Series,
    server_us: Series,
    redis_us: Series,
}

impl Load {
    fn push(&mut self, phase: &Phase) {
        let deliveries = phase.deliveries.max(1.0);
        self.clock = phase.clock;
        self.per_sec.push(phase.deliveries / phase.secs.max(1e-9));
        self.redis_us.push(phase.redis_cpu * 1e6 / deliveries);
        if let Some(cpu) = phase.server_cpu {
            self.server_us.push(cpu * 1e6 / deliveries);
        }
    }

    fn report(&self, kind: &str, report: &mut Report) {
        let rows = [
            ("server", &self.server_us, "HTTP, worker and queue in one process"),
            ("redis", &self.redis_us, "aim ≤ 2.5"),
        ];
        for (whose, series, note) in rows {
            let key = format!("delivery_{whose}_cpu_us_{kind}");
            let name = format!("CPU µs of {whose} a delivery, {kind}");
            report.single(&key, &name, series, note);
        }
    }
}

/// Measures and reports.
pub(crate) async fn measure(rig: &mut Rig, rounds: usize, report: &mut Report) -> Result<()> {
    let (mut zadd, mut calm, mut backlog) = (Series::default(), Load::default(), Load::default());
    // Once unmeasured: caches and connections warm up.
    calm_phase(rig).await?;
    for round in 0..rounds {
        eprintln!("fan-out, round {}", round + 1);
        zadd.push(redis_benchmark(rig).await?);
        calm.push(&calm_phase(rig).await?);
        backlog.push(&backlog_phase(rig).await?);
    }
    let base = ("redis-benchmark ZADD/s", &zadd);
    let ours = ("deliveries/s, calm (1 post, 5,000 followers)", &calm.per_sec);
    report.pair("fanout_calm", ours, base, "≥ 1.0, later 1.3");
    let ours = ("deliveries/s, backlog (64 posts wait)", &backlog.per_sec);
    report.pair("fanout_backlog", ours, base, "later ≥ 4");
    report.say("fan-out timed by", calm.clock);
    calm.report("calm", report);
    backlog.report("backlog", report);
    Ok(())
}

async fn calm_phase(rig: &mut Rig) -> Result<Phase> {
    let star = rig.token(STAR);
    let sample: Vec<Command> = (0..READERS)
        .step_by(READERS / SAMPLE)
        .map(|number| rig.length_of(&community::reader(number)))
        .collect();
    let sample: Vec<&Command> = sample.iter().collect();
    let begun = Begun::at(rig).await?;
    let mut waited = Duration::ZERO;
    for number in 0..CALM_POSTS {
        let before = rig.redis.numbers(&sample).await?;
        let since = Instant::now();
        rig.http.post(&star, &community::text(number)).await?;
        while rig.redis.numbers(&sample).await?.iter().zip(&before).any(|(now, before)| now == before) {
            anyhow::ensure!(since.elapsed() < PATIENCE, "a post is not delivered");
            tokio::time::sleep(LOOK_EVERY).await;
        }
        waited += since.elapsed();
    }
    // Each post also went into the author's own timeline before its 201, outside the worker's time.
    begun.end(rig, waited, CALM_POSTS).await
}

async fn backlog_phase(rig: &mut Rig) -> Result<Phase> {
    let begun = Begun::at(rig).await?;
    let mut waited = Duration::ZERO;
    for number in 1..=BACKLOGS {
        rig.deliver_again(number).await?;
        let since = Instant::now();
        rig.drained().await?;
        waited += since.elapsed();
    }
    begun.end(rig, waited, 0).await
}

/// Figures at the beginning of a phase.
struct Begun {
    metrics: Metrics,
    spent: Spent,
}

impl Begun {
    async fn at(rig: &mut Rig) -> Result<Self> {
        let metrics = rig.drained().await?;
        let spent = rig.spent().await?;
        Ok(Self { metrics, spent })
    }

    /// `waited` stands in for the server's clock where it has none; `own` deliveries are not the worker's.
    async fn end(self, rig: &mut Rig, waited: Duration, own: usize) -> Result<Phase> {
        let metrics = rig.drained().await?;
        let spent = rig.spent().await?;
        let grown = |series: &str| Some(metrics.value(series)? - self.metrics.value(series).unwrap_or(0.0));
        let deliveries = grown(DELIVERIES).context("/metrics does not count deliveries")?;
        let timed = CLOCKS.iter().find_map(|clock| Some((*clock, grown(clock)?)));
        let (clock, secs) =
            timed.unwrap_or(("from the POST on: the server times no fan-out", waited.as_secs_f64()));
        Ok(Phase {
            #[expect(clippy::cast_precision_loss, reason = "a few posts")]
            deliveries: deliveries - own as f64,
            clock,
            secs,
            server_cpu: spent.server.zip(self.spent.server).map(|(now, then)| now - then),
            redis_cpu: spent.redis - self.spent.redis,
        })
    }
}

/// Runs `redis-benchmark`; the key it filled is removed, since its own speed depends on what is there.
async fn redis_benchmark(rig: &mut Rig) -> Result<f64> {
    let at = &rig.redis_at;
    let (port, database) = (at.port.to_string(), at.database.to_string());
    let mut args = vec!["-h", &at.host, "-p", &port, "--dbnum", &database];
    if let Some(user) = &at.user {
        args.extend(["--user", user]);
    }
    if let Some(password) = &at.password {
        args.extend(["-a", password]);
    }
    let load = "-t zadd -P 64 -r 1000000 -n 1000000 -q";
    args.extend(load.split(' '));
    let said = tools::run(&rig.tools.redis_benchmark, &args, &[], "").await?;
    rig.redis.ask(&["DEL", "myzset"]).await?;
    parse_rate(&said).context("redis-benchmark said nothing that is understood")
}

/// Its progress overwrites one line; the last rate is the result.
fn parse_rate(said: &str) -> Option<f64> {
    let (before, _) = said.rsplit_once(" requests per second")?;
    before.rsplit([' ', ':']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::parse_rate;

    #[test]
    fn the_last_rate_counts() {
        let said =
            "ZADD: rps=1.0 (overall: 2.0) avg_msec=3\rZADD: 214132.77 requests per second, p50=14.1 msec\n";
        assert_eq!(parse_rate(said), Some(214_132.77));
        assert_eq!(parse_rate("Could not connect"), None);
    }
}
