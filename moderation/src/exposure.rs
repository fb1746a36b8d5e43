//! Who was shown which post: once a person and post, for posts of the last 30 days. The serving process
//! notes pages as they leave and writes them in batches; the table is the truth for the rule.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use madang_core::ids::{PostId, UserId, id_floor};
use sqlx::{PgExecutor, PgPool};
use tokio::sync::Notify;

/// Posts older than this are not counted: the rule then has no viewers and may limit, but not block.
pub const COUNTED_DAYS: i64 = 30;
/// Pages waiting to be written at most; more are dropped and counted as such.
const MAX_PAGES: usize = 50_000;
/// Pages waiting that wake the writer before its time.
const FULL: usize = 5_000;
/// Between two writings.
const EVERY: Duration = Duration::from_millis(500);
/// Rows of one statement.
const BATCH: usize = 5_000;
/// Pages and pairs remembered as written.
const REMEMBERED: usize = 200_000;

struct Shown {
    viewer: UserId,
    posts: Vec<PostId>,
    at: DateTime<Utc>,
}

/// Pages that were shown and are not written yet.
pub struct ViewLog {
    waiting: Mutex<Vec<Shown>>,
    full: Notify,
    hasher: ahash::RandomState,
    pages: quick_cache::sync::Cache<u64, ()>,
    pairs: quick_cache::sync::Cache<(i64, i64), ()>,
}

impl std::fmt::Debug for ViewLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ViewLog")
    }
}

impl Default for ViewLog {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            full: Notify::new(),
            hasher: ahash::RandomState::new(),
            pages: quick_cache::sync::Cache::new(REMEMBERED / 4),
            pairs: quick_cache::sync::Cache::new(REMEMBERED),
        }
    }
}

impl ViewLog {
    /// Notes that a page was shown; never waits.
    pub fn note(&self, viewer: UserId, posts: Vec<PostId>, at: DateTime<Utc>) {
        if posts.is_empty() {
            return;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MAX_PAGES {
            metrics::counter!("madang_views_dropped_total").increment(posts.len() as u64);
            return;
        }
        waiting.push(Shown { viewer, posts, at });
        if waiting.len() == FULL {
            self.full.notify_one();
        }
    }

    /// Writes what gathers; runs until the process ends.
    pub async fn run(&self, pool: &PgPool) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = self.full.notified() => {}
            }
            if let Err(error) = self.flush(pool).await {
                tracing::warn!(%error, "failed to write views, they are kept for the next try");
            }
        }
    }

    /// Writes what has gathered; what could not be written waits on.
    pub async fn flush(&self, pool: &PgPool) -> sqlx::Result<()> {
        let shown = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let rows = self.unwritten(&shown, Utc::now());
        for chunk in rows.chunks(BATCH) {
            if let Err(error) = write(pool, chunk).await {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                let room = MAX_PAGES.saturating_sub(waiting.len());
                waiting.extend(shown.into_iter().take(room));
                return Err(error);
            }
        }
        for (post, viewer, _) in rows {
            self.pairs.insert((post, viewer), ());
        }
        for page in &shown {
            self.pages.insert(self.fingerprint(page), ());
        }
        Ok(())
    }

    fn fingerprint(&self, page: &Shown) -> u64 {
        self.hasher.hash_one((page.viewer, &page.posts))
    }

    /// Pairs of young posts and viewers not known to be written, each once, with the first time.
    fn unwritten(&self, shown: &[Shown], now: DateTime<Utc>) -> Vec<(i64, i64, DateTime<Utc>)> {
        let oldest = id_floor(now - chrono::Duration::days(COUNTED_DAYS));
        let mut rows = Vec::new();
        for page in shown.iter().filter(|page| self.pages.get(&self.fingerprint(page)).is_none()) {
            let viewer = page.viewer.get();
            let young = page.posts.iter().map(|post| post.get()).filter(|post| *post >= oldest);
            let new = young.filter(|post| self.pairs.get(&(*post, viewer)).is_none());
            rows.extend(new.map(|post| (post, viewer, page.at)));
        }
        rows.sort_unstable();
        rows.dedup_by_key(|(post, viewer, _)| (*post, *viewer));
        rows
    }
}

async fn write(pool: &PgPool, rows: &[(i64, i64, DateTime<Utc>)]) -> sqlx::Result<()> {
    let posts: Vec<i64> = rows.iter().map(|(post, ..)| *post).collect();
    let viewers: Vec<i64> = rows.iter().map(|(_, viewer, _)| *viewer).collect();
    let times: Vec<DateTime<Utc>> = rows.iter().map(|(.., at)| *at).collect();
    sqlx::query!(
        "INSERT INTO post_views (post_id, viewer_id, first_at)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) ON CONFLICT DO NOTHING",
        &posts,
        &viewers,
        &times
    )
    .execute(pool)
    .await?;
    metrics::counter!("madang_views_written_total").increment(rows.len() as u64);
    Ok(())
}

/// How many people other than its author were shown a post, or `None` where that is not counted.
pub async fn viewers(
    executor: impl PgExecutor<'_>,
    post: PostId,
    author: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<i32>> {
    if post.get() < id_floor(now - chrono::Duration::days(COUNTED_DAYS)) {
        return Ok(None);
    }
    let row = sqlx::query!(
        r#"SELECT count(*)::int AS "viewers!" FROM post_views WHERE post_id = $1 AND viewer_id <> $2"#,
        post.get(),
        author.get()
    )
    .fetch_one(executor)
    .await?;
    Ok(Some(row.viewers))
}

/// Makes the partitions of the coming days and drops those that are no longer counted.
pub async fn keep_partitions(executor: impl PgExecutor<'_>) -> sqlx::Result<()> {
    sqlx::query("SELECT keep_view_partitions()").execute(executor).await?;
    Ok(())
}
