//! Waiting for a condition with a deadline, and for many tasks at once.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::task::JoinSet;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until the check says so, at most `secs`.
pub async fn until(what: &str, secs: u64, mut check: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(secs);
    loop {
        if check().await? {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("waited {secs} s in vain until {what}");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Runs all at once and gathers what they return, in no particular order.
pub async fn all<T, F>(tasks: impl IntoIterator<Item = F>) -> Result<Vec<T>>
where
    F: Future<Output = Result<T>> + Send + 'static,
    T: Send + 'static,
{
    let mut set: JoinSet<Result<T>> = tasks.into_iter().collect();
    let mut results = Vec::new();
    while let Some(joined) = set.join_next().await {
        results.push(joined??);
    }
    Ok(results)
}
