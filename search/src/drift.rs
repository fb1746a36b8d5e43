//! Comparing an index with the database, id by id.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use madang_core::{
    ids::{PostId, UserId},
    search_log,
};
use sqlx::PgPool;

use crate::{SearchError, SearchIndex, rebuild::Progress, source};

/// Ids compared in one go.
const PAGE: usize = 10_000;
/// Differences after which a comparison ends: an index with more is built anew, not mended.
const MOST: usize = 10_000;
/// How long the index is given to take over what happened during the comparison.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drift {
    /// Posts compared.
    pub posts: u64,
    /// People compared.
    pub people: u64,
    /// Posts the index has not and should have, or has and should not.
    pub wrong_posts: Vec<i64>,
    /// People likewise.
    pub wrong_people: Vec<i64>,
    /// Numbers of the log the index has not taken over at the end.
    pub lag: i64,
}

impl Drift {
    /// How many subjects differ.
    pub const fn differences(&self) -> usize {
        self.wrong_posts.len() + self.wrong_people.len()
    }
}

/// Which ids are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Posts,
    People,
}

impl Kind {
    async fn in_index(self, index: &SearchIndex, after: i64, limit: usize) -> Result<Vec<i64>, SearchError> {
        Ok(match self {
            Self::Posts => {
                let ids = index.post_ids(PostId::new(after), limit).await?;
                ids.into_iter().map(PostId::get).collect()
            }
            Self::People => {
                let ids = index.people_ids(UserId::new(after), limit).await?;
                ids.into_iter().map(UserId::get).collect()
            }
        })
    }

    async fn in_database(self, pool: &PgPool, after: i64, limit: i64) -> sqlx::Result<Vec<i64>> {
        match self {
            Self::Posts => source::post_ids(pool, after, limit).await,
            Self::People => source::people_ids(pool, after, limit).await,
        }
    }
}

/// Compares everything. What differs is looked at once more when the index has caught up, so that posts written
/// meanwhile are no differences.
pub async fn check(pool: &PgPool, index: &SearchIndex, progress: &dyn Progress) -> anyhow::Result<Drift> {
    let (posts, people) = source::totals(pool).await?;
    progress.begin(u64::try_from(posts + people)?, 0);
    let (people, wrong_people) = compare(pool, index, Kind::People, progress).await?;
    let (posts, wrong_posts) = compare(pool, index, Kind::Posts, progress).await?;
    let mut drift = Drift { posts, people, wrong_posts, wrong_people, lag: 0 };
    drift.lag = await_log(pool, index).await?;
    drift.wrong_posts = still_wrong(pool, index, Kind::Posts, &drift.wrong_posts).await?;
    drift.wrong_people = still_wrong(pool, index, Kind::People, &drift.wrong_people).await?;
    Ok(drift)
}

async fn compare(
    pool: &PgPool,
    index: &SearchIndex,
    kind: Kind,
    progress: &dyn Progress,
) -> anyhow::Result<(u64, Vec<i64>)> {
    let (mut after, mut compared, mut wrong) = (0, 0, Vec::new());
    loop {
        let (found, wanted, up_to) = page(pool, index, kind, after).await?;
        compared += wanted.len() as u64;
        progress.advance(wanted.len() as u64);
        wrong.extend(found.symmetric_difference(&wanted));
        match up_to {
            Some(up_to) if wrong.len() < MOST => after = up_to,
            _ => return Ok((compared, wrong)),
        }
    }
}

/// What both have behind an id, as far as the side whose page ends first; that end, unless it is that of both.
async fn page(
    pool: &PgPool,
    index: &SearchIndex,
    kind: Kind,
    after: i64,
) -> anyhow::Result<(BTreeSet<i64>, BTreeSet<i64>, Option<i64>)> {
    let found = kind.in_index(index, after, PAGE).await?;
    let wanted = kind.in_database(pool, after, i64::try_from(PAGE)?).await?;
    let end = |ids: &[i64]| if ids.len() < PAGE { None } else { ids.last().copied() };
    let up_to = match (end(&found), end(&wanted)) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let until = |ids: Vec<i64>| ids.into_iter().filter(|id| up_to.is_none_or(|up_to| *id <= up_to)).collect();
    Ok((until(found), until(wanted), up_to))
}

/// Waits until the index has what the log has now. Returns what it lacks.
async fn await_log(pool: &PgPool, index: &SearchIndex) -> anyhow::Result<i64> {
    let wanted = search_log::state(pool).await?.number;
    let began = Instant::now();
    loop {
        let reached = index.mark().await?.map_or(0, |mark| mark.position);
        if reached >= wanted || began.elapsed() > PATIENCE {
            return Ok((wanted - reached).max(0));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Which of these still differ.
async fn still_wrong(
    pool: &PgPool,
    index: &SearchIndex,
    kind: Kind,
    ids: &[i64],
) -> anyhow::Result<Vec<i64>> {
    let mut wrong = Vec::new();
    let mut left = ids.iter().copied().peekable();
    while let Some(first) = left.peek().copied() {
        let (found, wanted, up_to) = page(pool, index, kind, first - 1).await?;
        while let Some(id) = left.next_if(|id| up_to.is_none_or(|up_to| *id <= up_to)) {
            if found.contains(&id) != wanted.contains(&id) {
                wrong.push(id);
            }
        }
    }
    Ok(wrong)
}
