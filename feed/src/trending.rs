//! Trends, computed from PostgreSQL at most once a minute by each process. A ticker trends against its
//! own normal: distinct authors of the last six hours beside what such a stretch has had over the last
//! four weeks, in standard deviations, so that a big name's daily noise does not count as news.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, Utc};
use madang_core::{
    ids::PostId,
    posts,
    tickers::{self, Ticker},
    viewer::Who,
};

use crate::{
    Feed, ReadError,
    boards::best_first,
    cursor::{List, Scope},
    pages::Page,
};

const RECENT_HOURS: i32 = 6;
const MAX_AGE: Duration = Duration::from_secs(60);
/// Fewest distinct authors that make news.
const FEWEST: i64 = 3;
/// Posts on the frozen list.
const POSTS: i64 = 500;
/// The frozen list's number beside those of tickers, which are positive.
const LIST: i64 = -1;

/// A ticker people suddenly write about.
#[derive(Debug, Clone)]
pub struct Trend {
    /// Which.
    pub ticker: Arc<Ticker>,
    /// Distinct authors in the last six hours.
    pub authors: i64,
    /// What six hours usually have.
    pub normal: f64,
    /// Standard deviations above normal.
    pub surprise: f64,
}

#[derive(Debug)]
struct Computed {
    trends: Arc<Vec<Trend>>,
    at: Instant,
}

/// The trends a process holds.
#[derive(Debug, Default)]
pub struct TrendStore {
    held: ArcSwapOption<Computed>,
    turn: tokio::sync::Mutex<()>,
}

/// `(x - normal) / sqrt(normal + 1)`: a Poisson count's deviation, kept tame where normal is near none.
fn surprise(authors: i64, normal: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of authors are far below 2^52")]
    let authors = authors as f64;
    (authors - normal) / (normal + 1.0).sqrt()
}

impl Feed {
    /// Trending tickers, most surprising first, at most `limit`.
    pub async fn trending_tickers(&self, limit: usize, now: DateTime<Utc>) -> Result<Vec<Trend>, ReadError> {
        self.catch_up().await?;
        let fresh = |held: &Arc<Computed>| held.at.elapsed() < MAX_AGE;
        if let Some(held) = self.trends.held.load_full().filter(fresh) {
            return Ok(held.trends.iter().take(limit).cloned().collect());
        }
        let _turn = self.trends.turn.lock().await;
        if let Some(held) = self.trends.held.load_full().filter(fresh) {
            return Ok(held.trends.iter().take(limit).cloned().collect());
        }
        let trends = Arc::new(self.compute_trends(now).await?);
        self.trends.held.store(Some(Arc::new(Computed { trends: trends.clone(), at: Instant::now() })));
        Ok(trends.iter().take(limit).cloned().collect())
    }

    async fn compute_trends(&self, now: DateTime<Utc>) -> sqlx::Result<Vec<Trend>> {
        let catalogue = self.catalogue().await?;
        let mut trends: Vec<Trend> = tickers::activity(&self.pool, now, RECENT_HOURS)
            .await?
            .into_iter()
            .filter(|found| found.authors >= FEWEST)
            .filter_map(|found| {
                Some(Trend {
                    ticker: catalogue.get(found.ticker)?.clone(),
                    authors: found.authors,
                    normal: found.normal,
                    surprise: surprise(found.authors, found.normal),
                })
            })
            .filter(|trend| trend.surprise > 0.0)
            .collect();
        trends.sort_by(|a, b| {
            b.surprise.total_cmp(&a.surprise).then_with(|| a.ticker.symbol.cmp(&b.ticker.symbol))
        });
        Ok(trends)
    }

    async fn best_posts(&self, now: DateTime<Utc>) -> sqlx::Result<Vec<PostId>> {
        let candidates = posts::trending_candidates(&self.pool, now, POSTS * 2).await?;
        let mut best = best_first(posts::engaged_scores(&self.pool, &candidates).await?);
        best.truncate(usize::try_from(POSTS).unwrap_or(usize::MAX));
        Ok(best)
    }

    /// A page of the best posts of the last two days, out of a frozen list.
    pub async fn trending_posts(
        &self,
        who: Option<Who>,
        cursor: Option<&str>,
        limit: usize,
        now: DateTime<Utc>,
    ) -> Result<Page, ReadError> {
        let look = self.look(who).await?;
        let scope = Scope { list: List::Trending, subject: 0, viewer: look.id() };
        let snapshot = match cursor {
            Some(cursor) => self.open_snapshot(&scope, cursor).await?,
            None => match self.fresh_snapshot(LIST) {
                Some(held) => (held, 0),
                None => (self.freeze(LIST, self.best_posts(now).await?).await, 0),
            },
        };
        self.snapshot_page(&look, &scope, snapshot, limit, now).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_big_name_on_a_normal_day_does_not_beat_a_small_one_that_woke_up() {
        assert!(surprise(12, 0.5) > surprise(420, 400.0));
        assert!(surprise(400, 400.0).abs() < 0.01);
    }
}
