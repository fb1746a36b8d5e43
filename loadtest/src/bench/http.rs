//! What the measurements ask of the service over HTTP.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at the queue.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A client of the service.
#[derive(Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    base: String,
    /// Makes idempotency keys differ.
    sent: AtomicU64,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Fine,
    /// Refused: 4xx.
    Refused,
    /// 5xx, or no answer at all.
    Failed,
}

impl Http {
    pub(crate) fn new(base: &str) -> Result<Self> {
        Ok(Self {
            client: reqwest::Client::builder().timeout(PATIENCE).build()?,
            base: base.to_owned(),
            sent: AtomicU64::new(0),
        })
    }

    fn get(&self, path: &str, token: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}{path}", self.base)).bearer_auth(token)
    }

    fn new_post(&self, token: &str, body: &str) -> reqwest::RequestBuilder {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        self.client
            .post(format!("{}/v1/posts", self.base))
            .bearer_auth(token)
            .header("idempotency-key", format!("bench-{number}"))
            .json(&json!({ "body": body }))
    }

    /// Opens home and returns how many posts the page has.
    pub(crate) async fn home(&self, token: &str) -> Result<usize> {
        let request = self.get("/v1/timeline?order=top&limit=20", token);
        let answer = request.send().await?.error_for_status()?;
        let page: Value = answer.json().await?;
        let items = page.get("items").and_then(Value::as_array);
        Ok(items.context("a page has no items")?.len())
    }

    /// Posts; returns once it is accepted.
    pub(crate) async fn post(&self, token: &str, body: &str) -> Result<()> {
        let answer = self.new_post(token, body).send().await?;
        let status = answer.status();
        if status.as_u16() != 201 {
            bail!("a post was answered {status}: {}", answer.text().await.unwrap_or_default());
        }
        Ok(())
    }

    /// Reads a page for its outcome alone.
    pub(crate) async fn try_get(&self, path: &str, token: &str) -> Outcome {
        outcome(self.get(path, token)).await
    }

    /// Posts for the outcome alone.
    pub(crate) async fn try_post(&self, token: &str, body: &str) -> Outcome {
        outcome(self.new_post(token, body)).await
    }

    /// The server's own figures.
    pub(crate) async fn metrics(&self) -> Result<Metrics> {
        let answer = self.client.get(format!("{}/metrics", self.base)).send().await?;
        Ok(Metrics(answer.error_for_status()?.text().await?))
    }

    /// Waits until the queue is empty and returns the figures as they are then.
    pub(crate) async fn drained(&self, patience: Duration) -> Result<Metrics> {
        let since = Instant::now();
        loop {
            let metrics = self.metrics().await?;
            let depth = metrics
                .value("madang_job_queue_depth")
                .context("/metrics does not tell the queue's depth")?;
            if depth < 0.5 {
                return Ok(metrics);
            }
            ensure!(since.elapsed() < patience, "{depth} jobs still wait after {} s", patience.as_secs());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

async fn outcome(request: reqwest::RequestBuilder) -> Outcome {
    let Ok(answer) = request.send().await else {
        return Outcome::Failed;
    };
    let status = answer.status();
    // The answer counts as given once all of it is here.
    match answer.bytes().await {
        Ok(_) if status.is_success() => Outcome::Fine,
        Ok(_) if status.is_client_error() => Outcome::Refused,
        _ => Outcome::Failed,
    }
}

/// What `/metrics` said.
#[derive(Debug)]
pub(crate) struct Metrics(String);

impl Metrics {
    /// The value of a series, named as printed, labels included.
    pub(crate) fn value(&self, series: &str) -> Option<f64> {
        let value = self.0.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        value.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn a_series_is_found_by_its_whole_name() {
        let metrics = Metrics("# HELP a\na_total 3\na_sum{kind=\"x\"} 0.5\na_sum{kind=\"y\"} 2\n".into());
        assert_eq!(metrics.value("a_total"), Some(3.0));
        assert_eq!(metrics.value("a_sum{kind=\"y\"}"), Some(2.0));
        assert_eq!(metrics.value("a"), None);
    }
}
