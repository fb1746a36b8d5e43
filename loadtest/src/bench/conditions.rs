//! Under what conditions figures were taken, without which they say little.

use anyhow::Result;

use super::{resp::Reply, rig::Rig, server};

/// Settings that change what is measured; listed when the environment sets them.
const TUNABLE: [&str; 11] = [
    "DATABASE_POOL_SIZE",
    "HTTP_WORKERS",
    "TIMELINE_CAP",
    "BOARD_CAP",
    "FANOUT_PUSH_LIMIT",
    "FANOUT_SEEN_DAYS",
    "SNAPSHOT_REUSE_MS",
    "JOB_BATCH",
    "JOB_POLL_MS",
    "REDIS_TIMEOUT_MS",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];

/// The load averages, where the system tells.
pub(crate) fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let three: Vec<&str> = text.split(' ').take(3).collect();
    if three.len() == 3 { three.join(" ") } else { "unknown".to_owned() }
}

/// All of them, with the load as it was at the start.
pub(crate) async fn gather(rig: &mut Rig, load_at_start: String) -> Result<Vec<(&'static str, String)>> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let durability = "SELECT current_setting('server_version') || ', fsync ' || current_setting('fsync')
        || ', synchronous_commit ' || current_setting('synchronous_commit')";
    let postgres = rig.database.sql(durability).await?;
    let info = rig.redis.ask(&["INFO", "server"]).await?;
    let mut differing: Vec<String> =
        TUNABLE.iter().filter_map(|name| Some(format!("{name}={}", std::env::var(name).ok()?))).collect();
    differing.push("RATE_*=1000000/s".to_owned());
    let own = server::settings().into_iter();
    differing.extend(
        own.filter(|(name, _)| !name.starts_with("RATE_")).map(|(name, value)| format!("{name}={value}")),
    );
    Ok(vec![
        ("machine", format!("{cores} cores, shared by service, stores and clients")),
        ("load average", format!("{load_at_start} at the start, {} at the end", load_average())),
        ("PostgreSQL", postgres.trim().to_owned()),
        ("Redis", redis_version(&info)),
        ("service", format!("{}, serve --with-worker, one process", rig.madang.display())),
        ("settings not at their defaults", differing.join(" ")),
        (
            "people",
            "1 star with 5,000 followers, 64 authors with some 780, 5,000 readers with some 10; each reader \
             follows the star and 20 others; 15,000 posts of 5 days"
                .to_owned(),
        ),
    ])
}

fn redis_version(info: &Reply) -> String {
    let Reply::Bytes(bytes) = info else { return String::new() };
    let text = String::from_utf8_lossy(bytes);
    let version = text.lines().find_map(|line| line.strip_prefix("redis_version:"));
    version.unwrap_or_default().trim().to_owned()
}
