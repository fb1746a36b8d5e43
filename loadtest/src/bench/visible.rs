//! From the 201 until a post is in the stored timelines of all the star's followers.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::{
    community::{self, READERS, STAR},
    figures::{Report, Series},
    resp::Command,
    rig::Rig,
};

/// Pause between two looks, so that looking does not hold up what is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// Longest way of a post.
const PATIENCE: Duration = Duration::from_secs(20);

/// Measures and reports.
pub(crate) async fn measure(rig: &mut Rig, posts: usize, report: &mut Report) -> Result<()> {
    eprintln!("visible to all followers, {posts} posts");
    let lengths: Vec<Command> =
        (0..READERS).map(|number| rig.length_of(&community::reader(number))).collect();
    let mut millis = Series::default();
    for number in 0..posts {
        rig.drained().await?;
        millis.push(time_one(rig, &lengths, number).await?.as_secs_f64() * 1e3);
    }
    let note = format!("of {posts} posts; all {READERS} stored lengths are polled");
    for (name, permille) in [("p50", 500), ("p99", 990)] {
        let value = millis.quantile(permille).unwrap_or(f64::NAN);
        let key = format!("visible_to_5000_ms_{name}");
        report.number(&key, &format!("ms from 201 to visible for 5,000, {name}"), value, &note);
    }
    Ok(())
}

async fn time_one(rig: &mut Rig, lengths: &[Command], number: usize) -> Result<Duration> {
    let mut waiting: Vec<&Command> = lengths.iter().collect();
    let mut before = rig.redis.numbers(&waiting).await?;
    let star = rig.token(STAR);
    rig.http.post(&star, &community::text(number)).await?;
    let since = Instant::now();
    loop {
        let now = rig.redis.numbers(&waiting).await?;
        // A timeline that was cut back on this occasion is shorter, but also another length than before.
        let still: Vec<(&Command, i64)> = waiting
            .iter()
            .zip(before.iter().zip(&now))
            .filter(|(_, (before, now))| before == now)
            .map(|(command, (before, _))| (*command, *before))
            .collect();
        if still.is_empty() {
            return Ok(since.elapsed());
        }
        ensure!(since.elapsed() < PATIENCE, "a post is missing in {} timelines", still.len());
        (waiting, before) = still.into_iter().unzip();
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
