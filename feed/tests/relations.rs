//! Following, unfollowing and blocking: at once when reading, and in the stored timeline with the next
//! step of a worker; and invariant 8: counts equal the rows they count, however people act at once.

#[expect(dead_code, reason = "every file uses a part of it")]
mod support;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use anyhow::{Context as _, bail, ensure};
use chrono::Utc;
use madang_core::{
    ids::{PostId, UserId},
    jobs,
};
use madang_feed::{Feed, home::Order, work::Worker};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::{PgPool, postgres::PgPoolOptions};
use support::{Acts, Place, SETTINGS, WORK, draft, drain, home_by_sql, people, whole_home};

async fn pair(pool: &PgPool) -> anyhow::Result<(UserId, UserId)> {
    match people(pool, 2).await?[..] {
        [reader, author] => Ok((reader, author)),
        _ => bail!("two people"),
    }
}

/// The authors in a stored timeline.
async fn stored(place: &Place, feed: &Feed, reader: UserId) -> anyhow::Result<Vec<i64>> {
    let key = format!("{}tl:{reader}", place.redis.prefix);
    let bytes: Option<Vec<u8>> = feed.kv.cmd(redis::cmd("GET").arg(key)).await?;
    let held = bytes.as_deref().and_then(madang_feed::timeline::parse);
    let held = held.context("a stored timeline")?;
    Ok(held.entries.iter().map(|entry| entry.author.get()).collect())
}

#[sqlx::test(migrations = "../migrations")]
async fn following_is_seen_at_once_and_fills_the_stored_timeline_in_one_step(
    pool: PgPool,
) -> anyhow::Result<()> {
    let place = Place::new(&pool, SETTINGS)?;
    let feed = place.process()?;
    let (reader, author) = pair(&pool).await?;
    let acts = Acts { feed: &feed };
    for n in 0..30 {
        acts.say(author, &format!("before {n}")).await?;
    }
    drain(&feed).await?;
    ensure!(whole_home(&feed, reader, Order::Top, 20).await?.is_empty(), "nobody followed yet");
    acts.follow(reader, author).await?;
    let done = Worker::new(feed.clone(), WORK).step().await?;
    ensure!(done > 0, "a job was asked for");
    ensure!(stored(&place, &feed, reader).await?.len() == 30, "filled in one step");
    let expected = home_by_sql(&pool, reader).await?;
    ensure!(expected.len() == 30 && whole_home(&feed, reader, Order::Latest, 7).await? == expected, "served");
    place.sweep(&feed).await
}

#[sqlx::test(migrations = "../migrations")]
async fn unfollowing_and_blocking_hold_at_once_and_clear_the_stored_timeline(
    pool: PgPool,
) -> anyhow::Result<()> {
    let place = Place::new(&pool, SETTINGS)?;
    let (feed, other) = (place.process()?, place.process()?);
    let acts = Acts { feed: &feed };
    for (what, reader_blocks) in [("unfollow", None), ("block", Some(true)), ("block", Some(false))] {
        let (reader, author) = pair(&pool).await?;
        acts.follow(reader, author).await?;
        acts.follow(author, reader).await?;
        whole_home(&other, reader, Order::Top, 20).await?;
        for n in 0..5 {
            acts.say(author, &format!("post {n}")).await?;
        }
        drain(&feed).await?;
        ensure!(whole_home(&other, reader, Order::Top, 20).await?.len() == 5, "{what}: seen before");
        match reader_blocks {
            None => {
                acts.unfollow(reader, author).await?;
            }
            Some(true) => acts.block(reader, author).await?,
            Some(false) => acts.block(author, reader).await?,
        }
        for order in [Order::Top, Order::Latest] {
            let seen = whole_home(&other, reader, order, 20).await?;
            ensure!(seen.is_empty(), "{what}: {seen:?} is seen before a worker came by");
        }
        Worker::new(feed.clone(), WORK).drain().await?;
        let left = stored(&place, &feed, reader).await?;
        ensure!(left.is_empty(), "{what}: {left:?} stays stored");
        ensure!(place.check().await?.differences == 0, "{what}: served as SQL says");
    }
    place.sweep(&feed).await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_block_is_settled_once_more_after_the_longest_lease(pool: PgPool) -> anyhow::Result<()> {
    let place = Place::new(&pool, SETTINGS)?;
    let feed = place.process()?;
    let (reader, author) = pair(&pool).await?;
    let acts = Acts { feed: &feed };
    acts.follow(reader, author).await?;
    drain(&feed).await?;
    acts.block(reader, author).await?;
    Worker::new(feed.clone(), WORK).drain().await?;
    let later: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM jobs WHERE kind LIKE 'relation%' AND subject = $1
         AND run_at > now() + interval '20 seconds'",
    )
    .bind(reader.get())
    .fetch_one(&pool)
    .await?;
    ensure!(later > 0, "what a lapsed worker appends late would stay: no second pass is waiting");
    place.sweep(&feed).await
}

/// What is wrong with counts and listing, by plain SQL.
async fn drift(pool: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM users u WHERE
                   follower_count <> (SELECT count(*) FROM follows WHERE followee_id = u.id)
                   OR following_count <> (SELECT count(*) FROM follows WHERE follower_id = u.id))
              + (SELECT count(*) FROM posts p LEFT JOIN post_counts c ON c.post_id = p.id WHERE
                   coalesce(c.likes, 0) <> (SELECT count(*) FROM likes WHERE post_id = p.id)
                   OR coalesce(c.replies, 0) <> (SELECT count(*) FROM posts r WHERE r.reply_to = p.id AND r.listed)
                   OR coalesce(c.reposts, 0) <> (SELECT count(*) FROM posts r WHERE r.repost_of = p.id AND r.listed)
                   OR coalesce(c.quotes, 0) <> (SELECT count(*) FROM posts r WHERE r.quote_of = p.id AND r.listed))
              + (SELECT count(*) FROM posts p LEFT JOIN posts o ON o.id = p.repost_of WHERE p.listed <> (
                   p.deleted_at IS NULL AND p.moderation_state = 0
                   AND (o.id IS NULL OR (o.deleted_at IS NULL AND o.moderation_state = 0))))
              + (SELECT count(*) FROM follows f JOIN blocks b ON (b.blocker_id, b.blocked_id) IN
                   ((f.follower_id, f.followee_id), (f.followee_id, f.follower_id)))",
    )
    .fetch_one(pool)
    .await
}

struct Crowd {
    feed: Arc<Feed>,
    people: Vec<UserId>,
    posts: Vec<(PostId, UserId)>,
}

impl Crowd {
    async fn act(&self, dice: &mut StdRng) -> anyhow::Result<()> {
        let acts = Acts { feed: &self.feed };
        let at = |n: usize| self.people.get(n).copied().context("a person");
        let (one, other) =
            (at(dice.random_range(0..self.people.len()))?, at(dice.random_range(0..self.people.len()))?);
        let (post, author) = *self.posts.get(dice.random_range(0..self.posts.len())).context("a post")?;
        match dice.random_range(0..100) {
            0..25 if one != other => {
                let mut tx = self.feed.pool.begin().await?;
                // As the API: nobody follows across a block.
                if !madang_core::relations::blocked_either_way(&mut *tx, one, other).await? {
                    madang_core::follows::follow(&mut tx, one, other, SETTINGS.push_limit, Utc::now())
                        .await?;
                }
                tx.commit().await?;
            }
            25..40 => {
                acts.unfollow(one, other).await?;
            }
            40..46 if one != other => acts.block(one, other).await?,
            46..66 => {
                acts.like(one, post, true).await?;
            }
            66..72 => {
                acts.like(one, post, false).await?;
            }
            72..84 => {
                let mut reply = draft(one, "a reply", Utc::now())?;
                reply.reply_to = Some((post, post));
                acts.post(&reply).await?;
            }
            84..92 => {
                acts.repost(one, post, Utc::now()).await?;
            }
            _ => {
                acts.delete(author, post, Utc::now()).await?;
            }
        }
        Ok(())
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn counts_equal_their_rows_after_eight_act_at_once_and_nobody_meets_a_deadlock(
    pool: PgPool,
) -> anyhow::Result<()> {
    const ACTS: u64 = 500;
    let wide = PgPoolOptions::new()
        .max_connections(12)
        .connect_with(pool.connect_options().as_ref().clone())
        .await?;
    let place = Place::new(&wide, SETTINGS)?;
    let feed = place.process()?;
    let people = people(&wide, 12).await?;
    let acts = Acts { feed: &feed };
    let mut posts = Vec::new();
    for n in 0..60 {
        let author = *people.get(n % 12).context("a person")?;
        posts.push((acts.say(author, &format!("post {n}")).await?, author));
    }
    let crowd = Arc::new(Crowd { feed: feed.clone(), people, posts });
    let (left, stop) = (Arc::new(AtomicU64::new(ACTS)), Arc::new(AtomicBool::new(false)));
    let mut tasks = tokio::task::JoinSet::new();
    for seed in 0..8 {
        let (crowd, left) = (crowd.clone(), left.clone());
        tasks.spawn(async move {
            let mut dice = StdRng::seed_from_u64(seed);
            while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
                crowd.act(&mut dice).await?;
            }
            anyhow::Ok(())
        });
    }
    let working = tokio::spawn({
        let (feed, stop) = (feed.clone(), stop.clone());
        async move {
            let worker = Worker::new(feed, WORK);
            while !stop.load(Ordering::SeqCst) {
                worker.step().await?;
                tokio::task::yield_now().await;
            }
            anyhow::Ok(())
        }
    });
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    stop.store(true, Ordering::SeqCst);
    working.await??;
    drain(&feed).await?;
    let found = drift(&wide).await?;
    let report = place.check().await?;
    println!("{ACTS} acts in 8 tasks beside a worker: drift {found}, {} differences", report.differences);
    place.sweep(&feed).await?;
    wide.close().await;
    ensure!(found == 0 && report.drift == 0 && report.differences == 0, "drift {found}, {report:?}");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_repost_that_meets_the_deletion_of_its_original_is_not_listed(pool: PgPool) -> anyhow::Result<()> {
    const TRIALS: usize = 100;
    let place = Place::new(&pool, SETTINGS)?;
    let feed = place.process()?;
    let (reader, author) = pair(&pool).await?;
    for n in 0..TRIALS {
        let acts = Acts { feed: &feed };
        let post = acts.say(author, &format!("post {n}")).await?;
        let now = Utc::now();
        let (reposted, deleted) =
            tokio::join!(acts.repost(reader, post, now), acts.delete(author, post, now));
        reposted?;
        ensure!(deleted?, "deleted");
    }
    let found = drift(&pool).await?;
    println!("{TRIALS} reposts beside the deletion of their originals: drift {found}");
    place.sweep(&feed).await?;
    ensure!(found == 0, "{found} of {TRIALS} reposts of deleted posts are still listed");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn removals_of_many_posts_do_not_deadlock_with_a_worker_that_finishes_their_jobs(
    pool: PgPool,
) -> anyhow::Result<()> {
    const TRIALS: usize = 60;
    let wide =
        PgPoolOptions::new().max_connections(8).connect_with(pool.connect_options().as_ref().clone()).await?;
    let place = Place::new(&wide, SETTINGS)?;
    let feed = place.process()?;
    let people = people(&wide, 41).await?;
    let (author, fans) = people.split_first().context("people")?;
    let acts = Acts { feed: &feed };
    let mut posts = Vec::new();
    for n in 0..4 {
        let post = acts.say(*author, &format!("post {n}")).await?;
        for fan in fans {
            acts.repost(*fan, post, Utc::now()).await?;
        }
        posts.push(post);
    }
    for trial in 0..TRIALS {
        // Everything about these posts is asked for again and taken in hand…
        for post in &posts {
            acts.hide(*post).await?;
        }
        sqlx::query("UPDATE jobs SET run_at = now()").execute(&wide).await?;
        let taken = jobs::claim(&wide, jobs::Lane::Feed, WORK.lease, 1_000).await?;
        // …and finished while it is asked for once more.
        let again = async {
            for post in &posts {
                acts.list_again(*post, Utc::now()).await?;
            }
            anyhow::Ok(())
        };
        let (finished, again) = tokio::join!(jobs::finish(&wide, &taken), again);
        finished.with_context(|| format!("trial {trial}"))?;
        again.with_context(|| format!("trial {trial}"))?;
    }
    drain(&feed).await?;
    println!("{TRIALS} trials of finishing {} jobs while they are asked for: no deadlock", 4 * 41);
    place.sweep(&feed).await?;
    let report = place.check().await?;
    wide.close().await;
    ensure!(report.differences == 0 && report.drift == 0, "{report:?}");
    Ok(())
}
