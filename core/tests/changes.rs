//! Changes are numbered in the order of their commits: whoever sees a number sees every row up to it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anyhow::{Context as _, ensure};
use madang_core::{
    changes::{self, Change},
    ids::{PostId, UserId},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::{PgPool, postgres::PgPoolOptions};

const TRIALS: u64 = 500;

/// One to three changes in a transaction, some of which are rolled back.
async fn write(pool: PgPool, left: Arc<AtomicU64>, seed: u64) -> anyhow::Result<i64> {
    let mut dice = StdRng::seed_from_u64(seed);
    let mut kept = 0;
    while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
        let count = dice.random_range(1..=3);
        let made: Vec<Change> = (0..count)
            .map(|n| if n == 1 { Change::Author(UserId::new(9)) } else { Change::Post(PostId::new(n + 1)) })
            .collect();
        let mut tx = pool.begin().await?;
        let number = changes::record(&mut tx, &made).await?;
        if dice.random_ratio(1, 10) {
            tx.rollback().await?;
            continue;
        }
        tx.commit().await?;
        kept += count;
        let (latest, _) = changes::since(&pool, number, 1).await?;
        ensure!(latest >= number, "{number} is committed, {latest} is the latest");
    }
    Ok(kept)
}

/// Every number seen has all rows up to it.
async fn read(pool: PgPool, left: Arc<AtomicU64>) -> anyhow::Result<u64> {
    let (mut reads, mut before) = (0, 0);
    while left.load(Ordering::SeqCst) > 0 {
        let (number, rows, last): (i64, i64, i64) = sqlx::query_as(
            "SELECT number, (SELECT count(*) FROM changes), (SELECT coalesce(max(number), 0) FROM changes)
             FROM change_counter",
        )
        .fetch_one(&pool)
        .await?;
        ensure!(rows == number && last == number, "at {number} there are {rows} rows up to {last}");
        let (latest, found) = changes::since(&pool, before, 10_000).await?;
        let found = found.with_context(|| format!("rows are missing between {before} and {latest}"))?;
        ensure!(i64::try_from(found.len())? == latest - before, "{} of {before}..{latest}", found.len());
        before = latest;
        reads += 1;
    }
    Ok(reads)
}

#[sqlx::test(migrations = "../migrations")]
async fn who_sees_a_number_sees_every_change_up_to_it(pool: PgPool) -> anyhow::Result<()> {
    let wide = PgPoolOptions::new()
        .max_connections(11)
        .connect_with(pool.connect_options().as_ref().clone())
        .await?;
    let left = Arc::new(AtomicU64::new(TRIALS));
    let mut writers = tokio::task::JoinSet::new();
    let mut readers = tokio::task::JoinSet::new();
    for seed in 0..8 {
        writers.spawn(write(wide.clone(), left.clone(), seed));
    }
    for _ in 0..3 {
        readers.spawn(read(wide.clone(), left.clone()));
    }
    let (mut kept, mut reads) = (0, 0);
    while let Some(done) = writers.join_next().await {
        kept += done??;
    }
    while let Some(done) = readers.join_next().await {
        reads += done??;
    }
    let latest = changes::latest(&wide).await?;
    println!("{TRIALS} transactions by 8 writers, {kept} changes, read {reads} times: none was missing");
    wide.close().await;
    ensure!(latest == kept && reads > 0, "{latest} is the latest of {kept}");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn one_who_is_too_far_behind_is_told_to_drop_everything(pool: PgPool) -> anyhow::Result<()> {
    for n in 1..=10 {
        let mut tx = pool.begin().await?;
        changes::record(&mut tx, &[Change::Post(PostId::new(n))]).await?;
        tx.commit().await?;
    }
    ensure!(changes::since(&pool, 10, 5).await? == (10, Some(vec![])), "nothing new");
    let (latest, found) = changes::since(&pool, 5, 5).await?;
    ensure!(latest == 10 && found.is_some_and(|found| found.len() == 5), "the last five");
    ensure!(changes::since(&pool, 4, 5).await? == (10, None), "six are more than five");
    sqlx::query("UPDATE changes SET at = now() - interval '2 days' WHERE number <= 3").execute(&pool).await?;
    ensure!(changes::drop_old(&pool, 100).await? == 3, "dropped");
    ensure!(changes::since(&pool, 2, 100).await? == (10, None), "some were dropped");
    ensure!(changes::since(&pool, 3, 100).await?.1.is_some(), "none of these was dropped");
    Ok(())
}
