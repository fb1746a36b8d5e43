//! The log that indexes of search are fed from: what is committed stands in it, in the order of commits, and whoever
//! reads on from a number misses nothing.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anyhow::{Context as _, ensure};
use chrono::Utc;
use madang_core::{
    changes::{self, Change},
    ids::{PostId, UserId},
    search_log::{self, News, Subjects},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::{PgPool, postgres::PgPoolOptions};

const TRIALS: u64 = 400;

/// Appends in all the ways there are, some of which are rolled back. Returns the posts that were kept.
async fn write(pool: PgPool, left: Arc<AtomicU64>, seed: u64) -> anyhow::Result<Vec<i64>> {
    let mut dice = StdRng::seed_from_u64(seed);
    let mut kept = Vec::new();
    while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
        let id = dice.random_range(1..1_000_000_000);
        match dice.random_range(0..4) {
            0 => search_log::append_alone(&pool, &[id], &[]).await?,
            1 => {
                let mut tx = pool.begin().await?;
                changes::record(&mut tx, &[Change::Post(PostId::new(id)), Change::Tickers]).await?;
                tx.commit().await?;
            }
            2 => {
                let mut tx = pool.begin().await?;
                search_log::append(&mut tx, &[id], &[1, 2]).await?;
                search_log::append(&mut tx, &[], &(1..=1_200).collect::<Vec<_>>()).await?;
                tx.commit().await?;
            }
            _ => {
                let mut tx = pool.begin().await?;
                search_log::append(&mut tx, &[id], &[]).await?;
                tx.rollback().await?;
                continue;
            }
        }
        kept.push(id);
    }
    Ok(kept)
}

/// Reads on and on, a few rows at a time, until nothing is left.
async fn read(pool: PgPool, left: Arc<AtomicU64>) -> anyhow::Result<Vec<i64>> {
    let (mut at, mut found) = (0, Vec::new());
    loop {
        let over = left.load(Ordering::SeqCst) == 0;
        let news = search_log::since(&pool, at).await?;
        let news = news.with_context(|| format!("rows after {at} are missing"))?;
        found.extend(news.subjects.posts.into_iter().map(PostId::get));
        if news.reached == at && over && search_log::state(&pool).await?.number == at {
            return Ok(found);
        }
        at = news.reached;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn who_reads_on_from_a_number_misses_nothing_while_others_write(pool: PgPool) -> anyhow::Result<()> {
    let wide =
        PgPoolOptions::new().max_connections(8).connect_with((*pool.connect_options()).clone()).await?;
    let left = Arc::new(AtomicU64::new(TRIALS));
    let reading = tokio::spawn(read(wide.clone(), left.clone()));
    let writers: Vec<_> = (0..4).map(|seed| tokio::spawn(write(wide.clone(), left.clone(), seed))).collect();
    let mut written = Vec::new();
    for writer in writers {
        written.extend(writer.await??);
    }
    // A row may be appended after the last one was counted down.
    let mut found = reading.await??;
    let all = read(wide.clone(), Arc::default()).await?;
    let mut all: Vec<i64> = all.into_iter().collect();
    all.sort_unstable();
    all.dedup();
    written.sort_unstable();
    written.dedup();
    ensure!(all == written, "{} in the log, {} written", all.len(), written.len());
    found.sort_unstable();
    found.dedup();
    ensure!(found.iter().all(|id| written.binary_search(id).is_ok()), "read what was rolled back");
    println!("{TRIALS} trials, {} kept, {} read meanwhile", written.len(), found.len());
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_number_the_log_no_longer_knows_is_told_apart_from_one_with_nothing_after_it(
    pool: PgPool,
) -> anyhow::Result<()> {
    let nothing_after = |reached| Some(News { reached, ..News::default() });
    ensure!(search_log::since(&pool, 0).await? == nothing_after(0), "an empty log");
    ensure!(search_log::since(&pool, 5).await?.is_none(), "a number that was never given");
    for post in 1..=4 {
        search_log::append_alone(&pool, &[post], &[post * 10]).await?;
    }
    let two = Subjects {
        posts: vec![PostId::new(3), PostId::new(4)],
        people: vec![UserId::new(30), UserId::new(40)],
    };
    let news = News { reached: 4, more: false, subjects: two };
    ensure!(search_log::since(&pool, 2).await? == Some(news), "the last two");
    sqlx::query("UPDATE search_log SET at = at - interval '8 days' WHERE number <= 2").execute(&pool).await?;
    ensure!(search_log::drop_old(&pool, Utc::now(), 100).await? == 2, "two rows are old");
    ensure!(search_log::since(&pool, 1).await?.is_none(), "row 2 is gone");
    ensure!(search_log::since(&pool, 2).await?.is_some(), "rows after 2 are there");
    sqlx::query("DELETE FROM search_log").execute(&pool).await?;
    ensure!(search_log::since(&pool, 3).await?.is_none(), "row 4 is gone");
    ensure!(search_log::since(&pool, 4).await? == nothing_after(4), "nothing after 4");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_follow_is_worth_a_row_only_when_it_changes_the_magnitude(pool: PgPool) -> anyhow::Result<()> {
    sqlx::query(
        "INSERT INTO users (id, handle, handle_fold, handle_skeleton, name) VALUES (7, 'seven', 'seven', 'seven', '7')",
    )
    .execute(&pool)
    .await?;
    let mut rows = Vec::new();
    for followers in [0, 1, 5, 40, 41, 102, 105, 1_000, 1_001, 1_050] {
        sqlx::query("UPDATE users SET follower_count = $1 WHERE id = 7")
            .bind(followers)
            .execute(&pool)
            .await?;
        let before = search_log::state(&pool).await?.number;
        search_log::note_followed(&pool, UserId::new(7)).await?;
        if search_log::state(&pool).await?.number > before {
            rows.push(followers);
        }
    }
    ensure!(rows == [0, 1, 5, 40, 41, 105, 1_000, 1_050], "{rows:?}");
    search_log::note_followed(&pool, UserId::new(8)).await?;
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn much_is_handed_out_in_parts(pool: PgPool) -> anyhow::Result<()> {
    let many: Vec<i64> = (1..=10_000).collect();
    search_log::append_alone(&pool, &many, &many).await?;
    let (mut at, mut parts, mut posts, mut people) = (0, 0, 0, 0);
    loop {
        let news = search_log::since(&pool, at).await?.context("the log has a gap")?;
        ensure!(news.subjects.posts.len() + news.subjects.people.len() <= 3_000, "too much at once");
        (posts, people) = (posts + news.subjects.posts.len(), people + news.subjects.people.len());
        (at, parts) = (news.reached, parts + 1);
        if !news.more {
            break;
        }
    }
    ensure!(posts == 10_000 && people == 10_000 && parts >= 7, "{posts} {people} in {parts} parts");
    Ok(())
}
