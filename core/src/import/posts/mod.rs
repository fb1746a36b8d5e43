//! `originals.jsonl` and `posts.jsonl`, one stage: each may refer to the other.
//!
//! A reply or repost of a repost means the post behind it. Who reposts what they answer reposts it.

mod line;
mod sql;

use std::sync::Arc;

use super::{
    counts::Counts,
    source::Source,
    stage::{IdsFor, Run, Stage},
    symbols::Symbols,
};
use crate::jobs::JobKind;

/// Imports the files.
pub(super) async fn import(
    run: &mut Run<'_>,
    sources: Vec<Source>,
    symbols: Arc<Symbols>,
    counts: &mut Counts,
) -> anyhow::Result<()> {
    let mut stage = Stage::begin(run, "posts", sql::STAGING).await?;
    for source in sources {
        stage.load(source, line::PostTable::new(Arc::clone(&symbols))).await?;
    }
    stage.loaded().await?;
    stage.run(sql::DUPLICATES).await?;
    stage.script(sql::LINES).await?;
    stage.run(sql::UNKNOWN_AUTHOR).await?;
    stage.script(sql::TARGETS).await?;
    stage.run(sql::REPOST_OF_NOTHING).await?;
    stage.script(sql::THREADS).await?;
    stage.script(sql::FRESH).await?;
    stage.draw_ids(IdsFor::Posts).await?;
    stage.script(sql::PLAN).await?;
    let added = write(&mut stage).await?;
    counts.posts = stage.tally(added).await?;
    counts.notes.replies_without_target = stage.count(sql::REPLIES_WITHOUT_TARGET).await?;
    counts.notes.unknown_symbols = stage.count(sql::UNKNOWN_SYMBOLS).await?;
    counts.notes.posts_with_many_tickers = stage.count(sql::MANY_TICKERS).await?;
    stage.commit().await
}

/// Writes the rows of what is planned. Returns how many posts are new.
async fn write(stage: &mut Stage<'_>) -> sqlx::Result<u64> {
    // Until the commit nobody hides or deletes what a planned repost passes on.
    stage.run(sql::HOLD_ORIGINALS).await?;
    stage.run(sql::ADD_REPOSTS).await?;
    stage.run(sql::REPOSTED_BEFORE).await?;
    stage.script("CREATE UNIQUE INDEX ON import_plan (id); ANALYZE import_plan").await?;
    let added = stage.run(sql::ADD_POSTS).await?;
    if added == 0 {
        return Ok(0);
    }
    stage.run(sql::ADD_EXTERNAL).await?;
    stage.run(sql::ADD_TICKERS).await?;
    stage.run(sql::ADD_MENTIONS).await?;
    stage.run(sql::COUNT_REFERENCES).await?;
    // Timelines and boards that are held anywhere must show them; what they refer to ranks anew.
    stage.enqueue(JobKind::Fanout, sql::NEW_IDS).await?;
    stage.enqueue(JobKind::Score, sql::TARGETS_HERE).await?;
    Ok(added)
}
