//! What is asked of the service over HTTP.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::Url;
use serde_json::Value;

use super::scores::Set;

const PATIENCE: Duration = Duration::from_secs(30);
/// Longest wait for an index to be there.
const READY: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Less than the service keeps an idle connection open, which it closes while we are busy judging.
const IDLE: Duration = Duration::from_secs(1);

/// Somebody who searches without a login.
#[derive(Debug)]
pub(crate) struct Ask {
    client: reqwest::Client,
    base: String,
}

/// The path of a search, escaped.
pub(crate) fn search_path(set: Set, query: &str) -> Result<String> {
    path("/v1/search", &[("q", query), ("type", set.name()), ("limit", "10")])
}

/// The path of suggestions, escaped.
pub(crate) fn suggest_path(query: &str) -> Result<String> {
    path("/v1/search/suggest", &[("q", query), ("limit", "10")])
}

fn path(path: &str, pairs: &[(&str, &str)]) -> Result<String> {
    let url = Url::parse_with_params(&format!("http://localhost{path}"), pairs)?;
    Ok(format!("{path}?{}", url.query().unwrap_or_default()))
}

impl Ask {
    pub(crate) fn new(base: &str) -> Result<Self> {
        let client = reqwest::Client::builder().timeout(PATIENCE).pool_idle_timeout(IDLE).build()?;
        Ok(Self { client, base: base.to_owned() })
    }

    /// Waits until searches for posts are answered.
    pub(crate) async fn ready(&self) -> Result<()> {
        let since = Instant::now();
        let path = format!("{}{}", self.base, search_path(Set::Posts, "실적")?);
        loop {
            let status = self.client.get(&path).send().await?.status();
            if status.is_success() {
                return Ok(());
            }
            ensure!(since.elapsed() < READY, "a search is answered {status} after {} s", READY.as_secs());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Symbols, handles or ids that a search finds, best first.
    pub(crate) async fn search(&self, set: Set, query: &str) -> Result<Vec<String>> {
        let items = self.items(&search_path(set, query)?).await?;
        Ok(items.iter().filter_map(|item| key(set, item)).collect())
    }

    /// Symbols or handles that are suggested, best first.
    pub(crate) async fn suggest(&self, set: Set, query: &str) -> Result<Vec<String>> {
        let wanted = if set == Set::Tickers { "ticker" } else { "user" };
        let items = self.items(&suggest_path(query)?).await?;
        let of_set = |item: &&Value| item.get("type").and_then(Value::as_str) == Some(wanted);
        Ok(items.iter().filter(of_set).filter_map(|item| key(set, item)).collect())
    }

    async fn items(&self, path: &str) -> Result<Vec<Value>> {
        let answer = self.client.get(format!("{}{path}", self.base)).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{path} was answered {status}: {text}");
        let page: Value =
            serde_json::from_str(&text).with_context(|| format!("{path} was not answered in JSON"))?;
        let items = page.get("items").and_then(Value::as_array);
        Ok(items.with_context(|| format!("the answer to {path} has no items: {text}"))?.clone())
    }
}

fn key(set: Set, item: &Value) -> Option<String> {
    let field = match set {
        Set::Tickers => "symbol",
        Set::People => "handle",
        Set::Posts => "id",
    };
    item.get(field).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use anyhow::Result;

    use super::*;

    #[test]
    fn what_is_asked_is_escaped() -> Result<()> {
        let path = search_path(Set::Posts, "a&b 삼")?;
        assert_eq!(path, "/v1/search?q=a%26b+%EC%82%BC&type=posts&limit=10");
        Ok(())
    }
}
