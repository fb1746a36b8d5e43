//! Invariant 5, from one process to another: once a change is published, no surface of the other shows
//! what was before.

#[expect(dead_code, reason = "every file uses a part of it")]
mod support;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anyhow::{Context as _, ensure};
use chrono::Utc;
use madang_core::ids::{PostId, TickerId, UserId};
use madang_feed::{Feed, home::Order, listings::Listing};
use sqlx::PgPool;
use support::{Acts, Place, SETTINGS, draft, drain, investor, on_ticker, people, tickers};

/// A post that stands on every surface of its reader.
struct Scene {
    author: UserId,
    reader: UserId,
    ticker: TickerId,
    parent: PostId,
    post: PostId,
}

impl Scene {
    async fn set(feed: &Arc<Feed>, text: &str) -> anyhow::Result<Self> {
        let people = people(&feed.pool, 2).await?;
        let [author, reader] = people[..] else {
            anyhow::bail!("two people");
        };
        let acts = Acts { feed };
        let ticker = *tickers(&feed.pool, 1).await?.first().context("a ticker")?;
        acts.follow(reader, author).await?;
        let parent = acts.say(reader, "what do you think?").await?;
        let now = Utc::now();
        let mut reply = on_ticker(draft(author, text, now)?, ticker);
        reply.reply_to = Some((parent, parent));
        let post = acts.post(&reply).await?;
        acts.bookmark(reader, post).await?;
        drain(feed).await?;
        Ok(Self { author, reader, ticker, parent, post })
    }

    /// The same text on its own, where replies are not listed.
    async fn alone(&self, feed: &Arc<Feed>, text: &str) -> anyhow::Result<PostId> {
        let post = on_ticker(draft(self.author, text, Utc::now())?, self.ticker);
        let id = Acts { feed }.post(&post).await?;
        drain(feed).await?;
        Ok(id)
    }

    /// What each surface says, by name.
    async fn surfaces(&self, feed: &Feed) -> anyhow::Result<Vec<(&'static str, String)>> {
        let (now, who) = (Utc::now(), investor(self.reader));
        let mut said = Vec::new();
        for order in [Order::Top, Order::Latest] {
            said.push(("home", feed.home(who, order, None, 50, now).await?.body));
            said.push(("board", feed.board(Some(who), self.ticker, order, None, 50, now).await?.body));
            said.push(("board of nobody", feed.board(None, self.ticker, order, None, 50, now).await?.body));
        }
        for (name, list) in [
            ("profile", Listing::Author(self.author)),
            ("replies", Listing::Replies(self.parent)),
            ("bookmarks", Listing::Bookmarks),
        ] {
            said.push((name, feed.listed(Some(who), list, None, 50, now).await?.body));
        }
        said.push(("trending", feed.trending_posts(Some(who), None, 50, now).await?.body));
        let look = feed.look(Some(who)).await?;
        said.push(("direct", feed.post(&look, self.post, now).await?.unwrap_or_default()));
        Ok(said)
    }
}

fn none_says(said: &[(&str, String)], what: &str) -> anyhow::Result<()> {
    for (name, body) in said {
        ensure!(!body.contains(what), "{name} still says {what}: {body}");
    }
    Ok(())
}

fn all_say(said: &[(&str, String)], what: &str) -> anyhow::Result<()> {
    for (name, body) in said {
        ensure!(body.contains(what), "{name} does not say {what}: {body}");
    }
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn an_edit_in_one_process_is_read_on_every_surface_of_another(pool: PgPool) -> anyhow::Result<()> {
    let place = Place::new(&pool, SETTINGS)?;
    let (one, other) = (place.process()?, place.process()?);
    let scene = Scene::set(&one, "ancient words").await?;
    let alone = scene.alone(&one, "ancient words").await?;
    all_say(&scene.surfaces(&other).await?, "ancient words")?;
    for post in [scene.post, alone] {
        ensure!(Acts { feed: &one }.edit(scene.author, post, "modern words", Utc::now()).await?, "edited");
    }
    let said = scene.surfaces(&other).await?;
    none_says(&said, "ancient words")?;
    all_say(&said, "modern words")?;
    place.sweep(&one).await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_deleted_or_hidden_post_leaves_every_surface_of_another_process(
    pool: PgPool,
) -> anyhow::Result<()> {
    let place = Place::new(&pool, SETTINGS)?;
    let (one, other) = (place.process()?, place.process()?);
    for (trial, hide) in [false, true].into_iter().enumerate() {
        let text = format!("regrettable{trial}");
        // Tickers are made anew for each trial.
        sqlx::query("UPDATE tickers SET market = 'X' || id").execute(&pool).await?;
        let scene = Scene::set(&one, &text).await?;
        let alone = scene.alone(&one, &text).await?;
        all_say(&scene.surfaces(&other).await?, &text)?;
        let acts = Acts { feed: &one };
        for post in [scene.post, alone] {
            let done = if hide {
                acts.hide(post).await?
            } else {
                acts.delete(scene.author, post, Utc::now()).await?
            };
            ensure!(done, "was there");
        }
        none_says(&scene.surfaces(&other).await?, &text)?;
        drain(&one).await?;
        none_says(&scene.surfaces(&other).await?, &text)?;
    }
    place.sweep(&one).await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_new_name_is_read_on_every_surface_of_another_process(pool: PgPool) -> anyhow::Result<()> {
    let place = Place::new(&pool, SETTINGS)?;
    let (one, other) = (place.process()?, place.process()?);
    let scene = Scene::set(&one, "some words").await?;
    scene.alone(&one, "some words").await?;
    Acts { feed: &one }.rename(scene.author, "Formerly").await?;
    all_say(&scene.surfaces(&other).await?, "Formerly")?;
    Acts { feed: &one }.rename(scene.author, "Nowadays").await?;
    let said = scene.surfaces(&other).await?;
    none_says(&said, "Formerly")?;
    all_say(&said, "Nowadays")?;
    place.sweep(&one).await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_block_in_one_process_holds_at_once_in_another(pool: PgPool) -> anyhow::Result<()> {
    let place = Place::new(&pool, SETTINGS)?;
    let (one, other) = (place.process()?, place.process()?);
    let scene = Scene::set(&one, "words between us").await?;
    scene.alone(&one, "words between us").await?;
    let nobody = "board of nobody";
    all_say(&scene.surfaces(&other).await?, "words between us")?;
    Acts { feed: &one }.block(scene.author, scene.reader).await?;
    let mut said = scene.surfaces(&other).await?;
    said.retain(|(name, _)| *name != nobody);
    none_says(&said, "words between us")?;
    place.sweep(&one).await
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_deleted_in_one_process_never_leaks_from_another(pool: PgPool) -> anyhow::Result<()> {
    const TRIALS: usize = 1_000;
    let place = Place::new(&pool, SETTINGS)?;
    let (one, other) = (place.process()?, place.process()?);
    let scene = Scene::set(&one, "to begin with").await?;
    let acts = Acts { feed: &one };
    let mut leaks = 0;
    for batch in 0..TRIALS / 50 {
        let mut posts = Vec::new();
        for n in 0..50 {
            let text = format!("secret-{batch}-{n}.");
            let post = on_ticker(draft(scene.author, &text, Utc::now())?, scene.ticker);
            posts.push((acts.post(&post).await?, text));
        }
        drain(&one).await?;
        // Now the other holds them all.
        scene.surfaces(&other).await?;
        for (n, (post, text)) in posts.iter().enumerate() {
            ensure!(acts.delete(scene.author, *post, Utc::now()).await?, "was there");
            let now = Utc::now();
            let (who, order) = (investor(scene.reader), if n % 2 == 0 { Order::Top } else { Order::Latest });
            let home = other.home(who, order, None, 50, now).await?.body;
            let board = other.board(None, scene.ticker, order, None, 50, now).await?.body;
            let look = other.look(Some(who)).await?;
            let direct = other.post(&look, *post, now).await?.unwrap_or_default();
            leaks += usize::from([home, board, direct].iter().any(|body| body.contains(text)));
        }
    }
    println!("{TRIALS} trials of deleting in one process and reading in another: {leaks} leaks");
    ensure!(leaks == 0, "{leaks} leaks");
    place.sweep(&one).await
}

#[sqlx::test(migrations = "../migrations")]
async fn without_redis_a_reader_asks_postgresql_and_is_exact(pool: PgPool) -> anyhow::Result<()> {
    let place = Place::new(&pool, SETTINGS)?;
    let one = place.process()?;
    let mut away = Place::on(&pool, SETTINGS, "redis://127.0.0.1:1/0");
    away.redis.prefix.clone_from(&place.redis.prefix);
    let other = away.process()?;
    let scene = Scene::set(&one, "seen without redis").await?;
    let alone = scene.alone(&one, "seen without redis").await?;
    all_say(&scene.surfaces(&other).await?, "seen without redis")?;
    let acts = Acts { feed: &one };
    ensure!(acts.edit(scene.author, scene.post, "edited without redis", Utc::now()).await?, "edited");
    ensure!(acts.delete(scene.author, alone, Utc::now()).await?, "deleted");
    none_says(&scene.surfaces(&other).await?, "seen without redis")?;
    Acts { feed: &one }.block(scene.author, scene.reader).await?;
    let mut said = scene.surfaces(&other).await?;
    said.retain(|(name, _)| *name != "board of nobody");
    none_says(&said, "edited without redis")?;
    place.sweep(&one).await
}

/// The number after `v` in a post's text.
fn version(body: &str) -> Option<u64> {
    let (_, after) = body.split_once("\"body\":\"v")?;
    after.split_once('"')?.0.parse().ok()
}

async fn read_on(feed: Arc<Feed>, post: PostId, published: Arc<AtomicU64>, last: u64) -> anyhow::Result<u64> {
    let look = madang_feed::viewers::Look::anonymous();
    let mut reads = 0;
    loop {
        let known = published.load(Ordering::SeqCst);
        feed.catch_up().await?;
        let body = feed.post(&look, post, Utc::now()).await?.context("the post")?;
        let read = version(&body).context("a version")?;
        ensure!(read >= known, "read v{read} after v{known} was published");
        reads += 1;
        if known == last {
            return Ok(reads);
        }
    }
}

/// Readers of one process and writers of another, on several threads.
async fn race(place: Place, author: UserId) -> anyhow::Result<()> {
    const EDITS: u64 = 150;
    let (one, other) = (place.process()?, place.process()?);
    let mut tasks = tokio::task::JoinSet::new();
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let post = Acts { feed: &one }.say(author, "v0").await?;
        let published = Arc::new(AtomicU64::new(0));
        for _ in 0..3 {
            tasks.spawn(read_on(other.clone(), post, published.clone(), EDITS));
        }
        let one = one.clone();
        writers.spawn(async move {
            for n in 1..=EDITS {
                Acts { feed: &one }.edit(author, post, &format!("v{n}"), Utc::now()).await?;
                published.store(n, Ordering::SeqCst);
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = writers.join_next().await {
        done??;
    }
    let mut reads = 0;
    while let Some(done) = tasks.join_next().await {
        reads += done??;
    }
    println!(
        "{} edits of 4 posts while 12 readers of another process read {reads} times: none was stale",
        4 * EDITS
    );
    place.sweep(&one).await
}

#[sqlx::test(migrations = "../migrations")]
async fn loads_under_way_never_bring_back_what_was_edited(pool: PgPool) -> anyhow::Result<()> {
    let author = *people(&pool, 1).await?.first().context("a person")?;
    let options = pool.connect_options().as_ref().clone();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build()?;
        runtime.block_on(async {
            let pool = sqlx::postgres::PgPoolOptions::new().max_connections(10).connect_with(options).await?;
            let done = race(Place::new(&pool, SETTINGS)?, author).await;
            pool.close().await;
            done
        })
    });
    thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?
}
