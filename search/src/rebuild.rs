//! Building an index anew from PostgreSQL, beside the one that answers.

use std::time::Duration;

use madang_core::{search_log, tickers::Catalogue};
use sqlx::PgPool;

use crate::{
    SearchIndex,
    documents::{Batch, Built, Mark},
    source::{self, Writer},
    turns::{Turn, Turns},
};

/// Documents read and added in one go.
const PAGE: i64 = 20_000;

/// Somebody who watches.
pub trait Progress: Send + Sync {
    /// So many documents there will be, and so many there are already.
    fn begin(&self, total: u64, done: u64);
    /// So many more were added.
    fn advance(&self, documents: u64);
}

/// Nobody watches.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: u64, _: u64) {}
    fn advance(&self, _: u64) {}
}

/// What was added by this run; what an interrupted one had added is not in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Added {
    /// Posts.
    pub posts: u64,
    /// People.
    pub people: u64,
}

/// Builds, and lets the new index answer. An interrupted build goes on where it stopped, unless the log no longer has
/// what came since it began. What happens meanwhile stands in the log after the position that the index is given, and
/// is taken over like everything else.
///
/// # Errors
/// Also when another build is under way for longer than `patience`; of one that was killed PostgreSQL knows a moment
/// later.
pub async fn run(
    pool: &PgPool,
    index: &SearchIndex,
    progress: &dyn Progress,
    patience: Duration,
) -> anyhow::Result<Added> {
    let mut turns = Turns::open(pool).await?;
    let mine = turns.await_for(Turn::Build, patience).await?;
    anyhow::ensure!(mine, "another build of the index is under way");
    let mut mark = begin(pool, index).await?;
    let (posts, people) = source::totals(pool).await?;
    let built = mark.building.unwrap_or_default();
    let (posts_here, people_here) = source::built(pool, built).await?;
    progress.begin(u64::try_from(posts + people)?, u64::try_from(posts_here + people_here)?);
    let added = Added {
        people: add_people(pool, index, &mut mark, progress).await?,
        posts: add_posts(pool, index, &mut mark, progress).await?,
    };
    // Nobody feeds the old index while it makes way.
    turns.await_turn(Turn::Feed).await?;
    index.finish_build().await?;
    turns.close().await;
    Ok(added)
}

/// Begins, or goes on with what was begun and can still be caught up with.
async fn begin(pool: &PgPool, index: &SearchIndex) -> anyhow::Result<Mark> {
    let log = search_log::state(pool).await?;
    let asked = Mark { database: log.database, position: log.number, building: Some(Built::default()) };
    let mark = index.begin_build(asked.clone(), false).await?;
    if search_log::since(pool, mark.position).await?.is_some() {
        return Ok(mark);
    }
    Ok(index.begin_build(asked, true).await?)
}

async fn add_people(
    pool: &PgPool,
    index: &SearchIndex,
    mark: &mut Mark,
    progress: &dyn Progress,
) -> anyhow::Result<u64> {
    let mut added = 0;
    loop {
        let built = mark.building.unwrap_or_default();
        let people = source::people_after(pool, built.people_after, PAGE).await?;
        let Some(last) = people.last() else { return Ok(added) };
        mark.building = Some(Built { people_after: last.id.get(), ..built });
        let count = people.len() as u64;
        index.build(Batch { people, ..Batch::default() }, mark.clone()).await?;
        progress.advance(count);
        added += count;
    }
}

async fn add_posts(
    pool: &PgPool,
    index: &SearchIndex,
    mark: &mut Mark,
    progress: &dyn Progress,
) -> anyhow::Result<u64> {
    let names = Catalogue::load(pool).await?;
    let mut added = 0;
    loop {
        let built = mark.building.unwrap_or_default();
        let posts = source::posts_after(pool, Writer(&names), built.posts_after, PAGE).await?;
        let Some(last) = posts.last() else { return Ok(added) };
        mark.building = Some(Built { posts_after: last.id.get(), ..built });
        let count = posts.len() as u64;
        index.build(Batch { posts, ..Batch::default() }, mark.clone()).await?;
        progress.advance(count);
        added += count;
    }
}
