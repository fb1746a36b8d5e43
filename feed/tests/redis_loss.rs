//! Invariant 4: losing all of Redis, or getting an old one back, loses nothing: reads go on, the epoch is
//! raised, and timelines and boards agree with SQL again.

#[expect(dead_code, reason = "every file uses a part of it")]
mod support;

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use chrono::Utc;
use madang_core::{
    ids::{TickerId, UserId},
    settings::FeedSettings,
};
use madang_feed::{Feed, home::Order};
use sqlx::PgPool;
use support::{
    Acts, Place, SETTINGS, Server, draft, drain, follow_in_bulk, homes_agree, investor, on_ticker, people,
    settle_authors, tickers, whole_board,
};

const SMALL: FeedSettings = FeedSettings { timeline_cap: 20, board_cap: 20, push_limit: 12, ..SETTINGS };

/// Fifteen readers of five authors; the first author is large.
struct Circle {
    authors: Vec<UserId>,
    readers: Vec<UserId>,
    ticker: TickerId,
    said: usize,
}

impl Circle {
    async fn meet(feed: &Arc<Feed>) -> anyhow::Result<Self> {
        let mut authors = people(&feed.pool, 20).await?;
        let readers = authors.split_off(5);
        let edges: Vec<(UserId, UserId)> = readers
            .iter()
            .enumerate()
            .flat_map(|(n, reader)| {
                let of = authors.iter().enumerate();
                of.filter(move |(m, _)| *m == 0 || (n + m) % 2 == 0)
                    .map(move |(_, author)| (*reader, *author))
            })
            .collect();
        follow_in_bulk(&feed.pool, &edges).await?;
        settle_authors(feed).await?;
        let ticker = *tickers(&feed.pool, 1).await?.first().context("a ticker")?;
        let circle = Self { authors, readers, ticker, said: 0 };
        drain(feed).await?;
        circle.read(feed).await?;
        Ok(circle)
    }

    async fn read(&self, feed: &Feed) -> anyhow::Result<()> {
        for reader in &self.readers {
            let page = feed.home(investor(*reader), Order::Top, None, 20, Utc::now());
            page.await?;
        }
        for order in [Order::Top, Order::Latest] {
            feed.board(None, self.ticker, order, None, 20, Utc::now()).await?;
        }
        Ok(())
    }

    /// Each author says something; what is committed is not yet fanned out.
    async fn talk(&mut self, feed: &Feed, rounds: usize) -> anyhow::Result<()> {
        let acts = Acts { feed };
        for _ in 0..rounds {
            for author in &self.authors {
                self.said += 1;
                let post = draft(*author, &format!("post {}", self.said), Utc::now())?;
                acts.post(&on_ticker(post, self.ticker)).await?;
            }
        }
        Ok(())
    }

    /// All that readers see is what SQL says, through a living process and through a new one.
    async fn nothing_is_lost(&self, place: &Place, feed: &Feed) -> anyhow::Result<()> {
        homes_agree(feed, &self.readers, 7).await?;
        let listed: Vec<i64> = sqlx::query_scalar("SELECT id FROM posts WHERE listed ORDER BY id DESC")
            .fetch_all(&place.pool)
            .await?;
        let board = whole_board(feed, self.ticker, Order::Latest, 7).await?;
        ensure!(board == listed, "the board holds {board:?}, not {listed:?}");
        let report = place.check().await?;
        ensure!(report.differences == 0 && report.drift == 0, "{report:?}");
        Ok(())
    }
}

async fn epoch(pool: &PgPool) -> sqlx::Result<i32> {
    sqlx::query_scalar("SELECT epoch FROM redis_epoch").fetch_one(pool).await
}

/// No timeline without a header stays behind.
async fn none_is_headless(place: &Place, feed: &Feed) -> anyhow::Result<usize> {
    let keys = place.keys(feed, "tl:*").await?;
    for key in &keys {
        let bytes: Vec<u8> = feed.kv.cmd(redis::cmd("GET").arg(key)).await?;
        ensure!(madang_feed::timeline::parse(&bytes).is_some(), "{key} has no header");
    }
    Ok(keys.len())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_flush_under_a_living_connection_loses_nothing(pool: PgPool) -> anyhow::Result<()> {
    let server = Server::start().await?;
    let place = Place::on(&pool, SMALL, &server.url());
    let feed = place.process()?;
    let mut circle = Circle::meet(&feed).await?;
    for trial in 0..10 {
        circle.talk(&feed, 3).await?;
        if trial % 2 == 0 {
            drain(&feed).await?;
            circle.read(&feed).await?;
        }
        let before = epoch(&pool).await?;
        server.ask::<()>(&["FLUSHALL"]).await?;
        if trial % 3 == 0 {
            circle.read(&feed).await?;
        }
        circle.talk(&feed, 1).await?;
        drain(&feed).await?;
        circle.read(&feed).await?;
        ensure!(epoch(&pool).await? > before, "trial {trial}: the epoch stayed at {before}");
        circle.nothing_is_lost(&place, &feed).await?;
    }
    println!("10 flushes, {} posts: nothing lost", circle.said);
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_worker_whose_redis_was_flushed_leaves_no_timeline_without_a_header(
    pool: PgPool,
) -> anyhow::Result<()> {
    let server = Server::start().await?;
    let place = Place::on(&pool, SMALL, &server.url());
    let feed = place.process()?;
    let mut circle = Circle::meet(&feed).await?;
    for _ in 0..5 {
        circle.talk(&feed, 2).await?;
        ensure!(none_is_headless(&place, &feed).await? > 0, "timelines are stored");
        server.ask::<()>(&["FLUSHALL"]).await?;
        drain(&feed).await?;
        let left = none_is_headless(&place, &feed).await?;
        ensure!(left == 0, "{left} timelines though nobody read");
        circle.nothing_is_lost(&place, &feed).await?;
    }
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_killed_server_that_comes_back_empty_loses_nothing(pool: PgPool) -> anyhow::Result<()> {
    let mut server = Server::start().await?;
    let place = Place::on(&pool, SMALL, &server.url());
    let (feed, other) = (place.process()?, place.process()?);
    let mut circle = Circle::meet(&feed).await?;
    circle.read(&other).await?;
    for trial in 0..5 {
        circle.talk(&feed, 3).await?;
        drain(&feed).await?;
        circle.read(&feed).await?;
        let before = epoch(&pool).await?;
        server.kill()?;
        circle.talk(&feed, 1).await?;
        // Reads go on, from PostgreSQL.
        homes_agree(&other, &circle.readers, 20).await?;
        server.restart().await?;
        support::until("the connection is made anew", || async { feed.kv.ping().await }).await?;
        drain(&feed).await?;
        circle.nothing_is_lost(&place, &feed).await?;
        support::until("the other's connection too", || async { other.kv.ping().await }).await?;
        circle.nothing_is_lost(&place, &other).await?;
        let after = epoch(&pool).await?;
        ensure!(after > before, "trial {trial}: the epoch stayed at {before}");
        ensure!(feed.kv.epoch() == after && other.kv.epoch() == after, "all know {after}");
    }
    println!("5 kills, {} posts: nothing lost", circle.said);
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_server_restored_from_an_old_dump_serves_nothing_old(pool: PgPool) -> anyhow::Result<()> {
    let mut server = Server::start().await?;
    let place = Place::on(&pool, SMALL, &server.url());
    let (feed, other) = (place.process()?, place.process()?);
    let mut circle = Circle::meet(&feed).await?;
    for trial in 0..5 {
        circle.talk(&feed, 2).await?;
        drain(&feed).await?;
        circle.read(&feed).await?;
        circle.read(&other).await?;
        server.ask::<()>(&["SAVE"]).await?;
        let (dump, kept) = (server.dir.join("dump.rdb"), server.dir.join("old.rdb"));
        std::fs::copy(&dump, &kept)?;

        circle.talk(&feed, 3).await?;
        drain(&feed).await?;
        let gone: (i64, i64) =
            sqlx::query_as("SELECT id, author_id FROM posts WHERE listed ORDER BY id LIMIT 1")
                .fetch_one(&pool)
                .await?;
        let (post, author) = (madang_core::ids::PostId::new(gone.0), UserId::new(gone.1));
        ensure!(Acts { feed: &feed }.delete(author, post, Utc::now()).await?, "deleted");
        drain(&feed).await?;
        let before = epoch(&pool).await?;

        server.kill()?;
        std::fs::copy(&kept, &dump)?;
        server.restart().await?;
        let remembered: i64 = server.ask(&["DBSIZE"]).await?;
        ensure!(remembered > 10, "the dump holds {remembered} keys");
        for process in [&feed, &other] {
            support::until("the connection is made anew", || async { process.kv.ping().await }).await?;
        }
        circle.nothing_is_lost(&place, &feed).await?;
        circle.nothing_is_lost(&place, &other).await?;
        let after = epoch(&pool).await?;
        ensure!(after > before, "trial {trial}: the epoch stayed at {before}");
        ensure!(feed.kv.epoch() == after && other.kv.epoch() == after, "all know {after}");
    }
    println!("5 restarts from an old dump, {} posts: nothing lost", circle.said);
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_process_that_has_not_noticed_the_loss_still_publishes_to_the_others(
    pool: PgPool,
) -> anyhow::Result<()> {
    let server = Server::start().await?;
    let place = Place::on(&pool, SMALL, &server.url());
    let (one, other) = (place.process()?, place.process()?);
    let circle = Circle::meet(&one).await?;
    circle.read(&other).await?;
    let (author, reader) =
        (*circle.authors.first().context("an author")?, *circle.readers.first().context("a reader")?);
    for trial in 0..20 {
        let text = format!("soon gone {trial}.");
        let post = Acts { feed: &one }.say(author, &text).await?;
        drain(&one).await?;
        circle.read(&one).await?;
        server.ask::<()>(&["FLUSHALL"]).await?;
        // The other notices and raises the epoch; the one writes before it reads.
        let shown = other.home(investor(reader), Order::Latest, None, 20, Utc::now()).await?;
        ensure!(shown.body.contains(&text), "trial {trial}: not shown");
        ensure!(one.kv.epoch() < other.kv.epoch(), "trial {trial}: the one knows already");
        ensure!(Acts { feed: &one }.delete(author, post, Utc::now()).await?, "deleted");
        let shown = other.home(investor(reader), Order::Latest, None, 20, Utc::now()).await?;
        ensure!(!shown.body.contains(&text), "trial {trial}: shown after its deletion was published");
    }
    println!("20 deletions published with an old epoch: 0 leaks");
    Ok(())
}
