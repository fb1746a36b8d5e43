//! What feeds an index, on a real PostgreSQL: nothing committed is missing, whatever was interrupted, lost or put back.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use madang_core::{
    changes::{self, Change},
    ids::{PostId, TickerId, UserId},
    search_log,
    settings::SearchSettings,
};
use madang_search::{
    Search, SearchIndex,
    documents::{Batch, Mark, PostDoc},
    drift,
    indexer::{Indexer, Round},
    query::{PostFilter, PostQuery, Words},
    rebuild::{self, Silent},
};
use sqlx::PgPool;

/// How long a build waits for another.
const WAIT: Duration = Duration::from_secs(30);

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("madang-feeding-{}-{:x}", std::process::id(), rand());
        Self(std::env::temp_dir().join(name))
    }
}

fn rand() -> u64 {
    std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0)
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn open(pool: &PgPool, folder: &Folder) -> Result<Arc<SearchIndex>> {
    Search::new(SearchSettings { dir: folder.0.clone(), meili: None }).open(pool).await
}

async fn people(pool: &PgPool) -> Result<()> {
    sqlx::query(
        "INSERT INTO users (id, handle, handle_fold, handle_skeleton, name)
         SELECT n, 'person' || n, 'person' || n, 'person' || n, 'Person ' || n FROM generate_series(1, 3) AS n",
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Writes a post and tells the log, as the end of its fan-out does.
async fn write(pool: &PgPool, id: i64, body: &str) -> Result<()> {
    let mut tx = pool.begin().await?;
    sqlx::query(
        "INSERT INTO posts (id, author_id, body, rank, author_followers, created_at)
         VALUES ($1, 1 + $1 % 3, $2, $1, 0, now())",
    )
    .bind(id)
    .bind(body)
    .execute(&mut *tx)
    .await?;
    search_log::append(&mut tx, &[id], &[]).await?;
    tx.commit().await?;
    Ok(())
}

async fn edit(pool: &PgPool, id: i64, body: &str) -> Result<()> {
    let mut tx = pool.begin().await?;
    sqlx::query("UPDATE posts SET body = $2 WHERE id = $1").bind(id).bind(body).execute(&mut *tx).await?;
    changes::record(&mut tx, &[Change::Post(PostId::new(id))]).await?;
    tx.commit().await?;
    Ok(())
}

/// Rounds until nothing is left; gives up after some thousands.
async fn feed(indexer: &mut Indexer) -> Result<()> {
    for _ in 0..5_000 {
        match indexer.round().await {
            Ok(Round::Done) => return Ok(()),
            Ok(Round::Building) => tokio::time::sleep(Duration::from_millis(5)).await,
            // A build was put in place meanwhile: the next round goes on from there.
            Ok(Round::More) | Err(_) => tokio::task::yield_now().await,
            Ok(Round::Following) => anyhow::bail!("somebody else feeds"),
        }
    }
    anyhow::bail!("feeding does not end")
}

async fn find(index: &SearchIndex, q: &str) -> Result<Vec<i64>> {
    let words = Words::parse(q, &|_| Vec::new());
    let query = PostQuery { words, filter: PostFilter::default(), limit: 1_000 };
    let mut found: Vec<i64> = index.posts(&query).await?.into_iter().map(PostId::get).collect();
    found.sort_unstable();
    Ok(found)
}

async fn differences(pool: &PgPool, index: &SearchIndex) -> Result<usize> {
    Ok(drift::check(pool, index, &Silent).await?.differences())
}

#[sqlx::test(migrations = "../migrations")]
async fn an_index_is_built_when_there_is_none_and_fed_from_then_on(pool: PgPool) -> Result<()> {
    let folder = Folder::new();
    people(&pool).await?;
    write(&pool, 10, "written before there was an index").await?;
    let index = open(&pool, &folder).await?;
    let mut indexer = Indexer::new(pool.clone(), index.clone());
    feed(&mut indexer).await?;
    ensure!(find(&index, "before").await? == [10], "not built");
    write(&pool, 11, "written afterwards").await?;
    edit(&pool, 10, "edited afterwards").await?;
    feed(&mut indexer).await?;
    ensure!(
        find(&index, "afterwards").await? == [10, 11] && find(&index, "before").await?.is_empty(),
        "not fed"
    );
    ensure!(differences(&pool, &index).await? == 0, "differs");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_written_while_an_index_is_built_and_put_in_place_is_never_lost(pool: PgPool) -> Result<()> {
    const POSTS: i64 = 300;
    let folder = Folder::new();
    people(&pool).await?;
    let index = open(&pool, &folder).await?;
    let mut indexer = Indexer::new(pool.clone(), index.clone());
    feed(&mut indexer).await?;
    let writing = {
        let pool = pool.clone();
        tokio::spawn(async move {
            for id in 1..=POSTS {
                write(&pool, id, &format!("first{id} common")).await?;
                if id % 3 == 0 {
                    edit(&pool, id, &format!("second{id} common")).await?;
                }
            }
            anyhow::Ok(())
        })
    };
    let building = {
        let (pool, folder) = (pool.clone(), Folder(folder.0.clone()));
        tokio::spawn(async move {
            // As the command does: another value, as in another process.
            let beside = open(&pool, &folder).await?;
            let mut builds = 0;
            for _ in 0..6 {
                rebuild::run(&pool, &beside, &Silent, WAIT).await?;
                builds += 1;
            }
            std::mem::forget(folder);
            anyhow::Ok(builds)
        })
    };
    while !writing.is_finished() || !building.is_finished() {
        let _ = indexer.round().await;
        tokio::task::yield_now().await;
    }
    writing.await??;
    let builds = building.await??;
    feed(&mut indexer).await?;
    ensure!(differences(&pool, &index).await? == 0, "ids differ");
    for id in 1..=POSTS {
        let word = if id % 3 == 0 { format!("second{id} ") } else { format!("first{id} ") };
        ensure!(find(&index, &word).await? == [id], "{word} is not found as it stands now");
    }
    println!("{POSTS} posts written and {} edited during {builds} builds", POSTS / 3);
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn an_index_that_the_log_cannot_catch_up_is_built_anew(pool: PgPool) -> Result<()> {
    let folder = Folder::new();
    people(&pool).await?;
    let index = open(&pool, &folder).await?;
    let mut indexer = Indexer::new(pool.clone(), index.clone());
    write(&pool, 10, "one common").await?;
    feed(&mut indexer).await?;
    // Rows were dropped before they were taken over.
    write(&pool, 11, "two common").await?;
    sqlx::query("DELETE FROM search_log").execute(&pool).await?;
    feed(&mut indexer).await?;
    ensure!(find(&index, "common").await? == [10, 11], "not built anew");
    // The database is an older one than the index has seen.
    sqlx::query("UPDATE search_counter SET number = 0").execute(&pool).await?;
    sqlx::query("DELETE FROM posts WHERE id = 11").execute(&pool).await?;
    feed(&mut indexer).await?;
    ensure!(find(&index, "common").await? == [10], "an index ahead of its database answers");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn differences_are_found_and_mended(pool: PgPool) -> Result<()> {
    let folder = Folder::new();
    people(&pool).await?;
    for id in 10..40 {
        write(&pool, id, "common").await?;
    }
    let index = open(&pool, &folder).await?;
    let mut indexer = Indexer::new(pool.clone(), index.clone());
    feed(&mut indexer).await?;
    ensure!(differences(&pool, &index).await? == 0, "differs from the start");
    let mark = index.mark().await?.context("no mark")?;
    let phantom = PostDoc {
        id: PostId::new(999),
        body: "nobody wrote this".into(),
        tickers: Vec::new(),
        ticker_names: Vec::new(),
        author: UserId::new(1),
        verified: false,
        stance: 0,
        created_at: 0,
        rank: 0,
    };
    let batch = Batch {
        posts: vec![phantom],
        gone_posts: vec![PostId::new(12), PostId::new(30)],
        gone_people: vec![UserId::new(2)],
        ..Batch::default()
    };
    index.apply(batch, mark.position, Mark { ..mark }).await?;
    let found = drift::check(&pool, &index, &Silent).await?;
    ensure!(found.wrong_posts == [12, 30, 999] && found.wrong_people == [2], "{found:?}");
    search_log::append_alone(&pool, &found.wrong_posts, &found.wrong_people).await?;
    feed(&mut indexer).await?;
    ensure!(differences(&pool, &index).await? == 0, "not mended");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn of_two_builds_at_once_one_is_refused(pool: PgPool) -> Result<()> {
    let folder = Folder::new();
    people(&pool).await?;
    for id in 1..=500 {
        write(&pool, id, "common").await?;
    }
    let (one, other) = (open(&pool, &folder).await?, open(&pool, &folder).await?);
    let (first, second) = tokio::join!(
        rebuild::run(&pool, &one, &Silent, Duration::ZERO),
        rebuild::run(&pool, &other, &Silent, Duration::ZERO)
    );
    let refused = [&first, &second].iter().filter(|done| done.is_err()).count();
    ensure!(refused == 1, "{first:?} {second:?}");
    ensure!(find(&one, "common").await?.len() == 500, "the other one did not end well");
    ensure!(rebuild::run(&pool, &other, &Silent, WAIT).await.is_ok(), "the turn was not given back");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_post_about_a_renamed_instrument_is_found_under_its_name_of_today(pool: PgPool) -> Result<()> {
    let folder = Folder::new();
    people(&pool).await?;
    write(&pool, 10, "likes all day").await?;
    let now: i32 = sqlx::query_scalar(
        "INSERT INTO tickers (market, code, name, currency, time_zone)
         VALUES ('XNAS', 'META', 'Meta', 'USD', 'America/New_York') RETURNING id",
    )
    .fetch_one(&pool)
    .await?;
    sqlx::query(
        "WITH old AS (
             INSERT INTO tickers (market, code, name, currency, time_zone, status, renamed_to)
             VALUES ('XNAS', 'FB', 'Facebook', 'USD', 'America/New_York', 'renamed', $1) RETURNING id)
         INSERT INTO post_tickers (post_id, ticker_id, position) SELECT 10, id, 0 FROM old",
    )
    .bind(now)
    .execute(&pool)
    .await?;
    let index = open(&pool, &folder).await?;
    feed(&mut Indexer::new(pool.clone(), index.clone())).await?;
    let words = Words::parse("likes", &|_| Vec::new());
    let filter = PostFilter { ticker: Some(TickerId::new(now)), ..PostFilter::default() };
    let found = index.posts(&PostQuery { words, filter, limit: 10 }).await?;
    ensure!(found == [PostId::new(10)], "{found:?}");
    Ok(())
}
