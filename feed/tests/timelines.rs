//! Invariant 3: with the queue empty, every timeline and board as served equals what plain SQL says, after
//! thousands of posts and of everything else that people do, for readers whose timelines stood before.

#[expect(dead_code, reason = "every file uses a part of it")]
mod support;

use std::sync::Arc;

use anyhow::ensure;
use chrono::{DateTime, Duration, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};
use madang_core::{
    ids::{PostId, TickerId, UserId},
    settings::FeedSettings,
    users,
};
use madang_feed::{
    Feed,
    check::{Options, Report},
    home::Order,
    work::Worker,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::PgPool;
use support::{
    Acts, Place, SETTINGS, WORK, draft, drain, follow_in_bulk, investor, on_ticker, people, settle_authors,
    tickers,
};

const PEOPLE: i32 = 2_500;
const READERS: usize = 2_100;
const POSTS: usize = 3_000;
const TICKERS: i32 = 12;
/// Readers who follow all the busy ones.
const HEAVY: usize = 40;

fn pick<T: Copy>(dice: &mut StdRng, of: &[T]) -> anyhow::Result<T> {
    ensure!(!of.is_empty(), "nothing to pick from");
    let at = dice.random_range(0..of.len());
    of.get(at).copied().ok_or_else(|| anyhow::anyhow!("out of range"))
}

/// A few are followed by many, many by a few.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "small numbers"
)]
fn edges(dice: &mut StdRng, people: &[UserId]) -> Vec<(UserId, UserId)> {
    let mut edges = Vec::new();
    for (at, person) in people.iter().enumerate() {
        for _ in 0..dice.random_range(2..14) {
            let place = dice.random::<f64>().powi(3) * people.len() as f64;
            edges.extend(people.get(place as usize).map(|other| (*person, *other)));
        }
        if (200..200 + HEAVY).contains(&at) {
            edges.extend(people.iter().take(70).map(|other| (*person, *other)));
        }
    }
    edges.retain(|(a, b)| a != b);
    edges
}

struct Community {
    people: Vec<UserId>,
    tickers: Vec<TickerId>,
    posts: Vec<(PostId, UserId, DateTime<Utc>)>,
    hidden: Vec<PostId>,
    dice: StdRng,
    now: DateTime<Utc>,
    acts: u64,
}

impl Community {
    async fn gather(pool: &PgPool, seed: u64) -> anyhow::Result<Self> {
        let mut dice = StdRng::seed_from_u64(seed);
        let people = people(pool, PEOPLE).await?;
        follow_in_bulk(pool, &edges(&mut dice, &people)).await?;
        sqlx::query("ANALYZE").execute(pool).await?;
        Ok(Self {
            people,
            tickers: tickers(pool, TICKERS).await?,
            posts: Vec::new(),
            hidden: Vec::new(),
            dice,
            now: Utc::now() - Duration::hours(40),
            acts: 0,
        })
    }

    /// Readers are noted as seen and read once, so that their timelines are stored before any post.
    async fn read_once(&self, feed: &Feed) -> anyhow::Result<()> {
        let readers: Vec<UserId> = self.people.iter().copied().take(READERS).collect();
        let ids: Vec<i64> = readers.iter().map(|reader| reader.get()).collect();
        users::touch_readers(&feed.pool, &ids, Utc::now()).await?;
        stream::iter(readers)
            .map(|reader| feed.home(investor(reader), Order::Top, None, 20, Utc::now()))
            .buffer_unordered(4)
            .try_for_each(|_| async { Ok(()) })
            .await?;
        for ticker in &self.tickers {
            feed.board(None, *ticker, Order::Latest, None, 20, Utc::now()).await?;
        }
        Ok(())
    }

    fn person(&mut self) -> anyhow::Result<UserId> {
        pick(&mut self.dice, &self.people)
    }

    /// Most write little, a few write much.
    fn writer(&mut self) -> anyhow::Result<UserId> {
        let of = if self.dice.random_ratio(15, 100) { 20 } else { 1_500 };
        let at = self.dice.random_range(0..of.min(self.people.len()));
        self.people.get(at).copied().ok_or_else(|| anyhow::anyhow!("nobody"))
    }

    async fn write(&mut self, acts: &Acts<'_>) -> anyhow::Result<()> {
        self.now += Duration::seconds(self.dice.random_range(20..60));
        let author = self.writer()?;
        let text =
            format!("post {} {}", self.posts.len(), if self.dice.random_ratio(1, 20) { "moon" } else { "" });
        let mut post = draft(author, &text, self.now)?;
        if self.dice.random_ratio(40, 100) {
            post = on_ticker(post, pick(&mut self.dice, &self.tickers)?);
        }
        if !self.posts.is_empty() {
            let (target, ..) = pick(&mut self.dice, &self.posts)?;
            match self.dice.random_range(0..100) {
                0..10 => post.reply_to = Some((target, target)),
                10..13 => post.quote_of = Some(target),
                _ => {}
            }
        }
        let id = acts.post(&post).await?;
        self.posts.push((id, author, self.now));
        Ok(())
    }

    /// Everything that is not a post.
    async fn act(&mut self, acts: &Acts<'_>) -> anyhow::Result<()> {
        self.acts += 1;
        let (one, other) = (self.person()?, self.writer()?);
        let (post, author, _) = pick(&mut self.dice, &self.posts)?;
        let (now, what) = (self.now, self.dice.random_range(0..1_000));
        match what {
            0..200 if one != other => {
                acts.follow(one, other).await?;
            }
            200..330 => {
                let followees: Vec<i64> =
                    sqlx::query_scalar("SELECT followee_id FROM follows WHERE follower_id = $1")
                        .bind(one.get())
                        .fetch_all(&acts.feed.pool)
                        .await?;
                if !followees.is_empty() {
                    acts.unfollow(one, UserId::new(pick(&mut self.dice, &followees)?)).await?;
                }
            }
            330..360 if one != other => acts.block(one, other).await?,
            360..500 => {
                acts.delete(author, post, now).await?;
            }
            500..560 => {
                // A recent one, since old ones cannot be edited.
                if let Some((post, author, _)) = self.posts.last().copied() {
                    acts.edit(author, post, &format!("edited {what}"), now).await?;
                }
            }
            560..640 => {
                let hidden = acts.hide(post).await?;
                self.hidden.extend(hidden.then_some(post));
            }
            640..700 if !self.hidden.is_empty() => {
                let at = self.dice.random_range(0..self.hidden.len());
                acts.list_again(self.hidden.swap_remove(at), now).await?;
            }
            700..830 => self.pass_on(acts, one, post).await?,
            830..960 => {
                acts.like(one, post, true).await?;
            }
            960..980 if one != other => acts.mute(one, other).await?,
            980..988 => acts.mute_keyword(one, "moon").await?,
            988..994 => self.lose(acts, one).await?,
            _ => {}
        }
        Ok(())
    }

    /// Only what can be seen is passed on; the API asks the same.
    async fn pass_on(&mut self, acts: &Acts<'_>, user: UserId, post: PostId) -> anyhow::Result<()> {
        let plain: bool = sqlx::query_scalar("SELECT listed AND repost_of IS NULL FROM posts WHERE id = $1")
            .bind(post.get())
            .fetch_one(&acts.feed.pool)
            .await?;
        if plain && let Some(repost) = acts.repost(user, post, self.now).await? {
            self.posts.push((repost, user, self.now));
        }
        Ok(())
    }

    async fn lose(&mut self, acts: &Acts<'_>, user: UserId) -> anyhow::Result<()> {
        acts.leave(user, self.now).await?;
        self.people.retain(|person| *person != user);
        self.posts.retain(|(_, author, _)| *author != user);
        Ok(())
    }

    /// Thousands of posts and hundreds of other acts, a worker stepping in between.
    async fn live(&mut self, feed: &Arc<Feed>) -> anyhow::Result<()> {
        let acts = Acts { feed };
        let worker = Worker::new(feed.clone(), WORK);
        for made in 0..POSTS {
            self.write(&acts).await?;
            if self.dice.random_ratio(1, 3) {
                self.act(&acts).await?;
            }
            if made % 150 == 149 {
                worker.step().await?;
            }
        }
        drain(feed).await?;
        Ok(())
    }
}

async fn everything_agrees(
    pool: &PgPool,
    settings: FeedSettings,
    seed: u64,
) -> anyhow::Result<(Report, Place)> {
    let place = Place::new(pool, settings)?;
    let feed = place.process()?;
    let mut community = Community::gather(pool, seed).await?;
    settle_authors(&feed).await?;
    drain(&feed).await?;
    community.read_once(&feed).await?;
    community.live(&feed).await?;
    let report = place.check().await?;
    println!(
        "seed {seed}: {} posts, {} other acts; {} timelines and {} boards compared, {} differences, drift {}; \
         {} stored, {} rebuilt, {} merged, {} cut, {} past the seam",
        community.posts.len(),
        community.acts,
        report.timelines,
        report.boards,
        report.differences,
        report.drift,
        report.stored,
        report.rebuilt,
        report.merged,
        report.cut,
        report.past_seam
    );
    ensure!(report.differences == 0 && report.drift == 0, "{report:?}");
    ensure!(report.stored >= 1_500, "too few were stored: {report:?}");
    Ok((report, place))
}

#[sqlx::test(migrations = "../migrations")]
async fn every_timeline_and_board_agrees_with_plain_sql_under_small_limits(
    pool: PgPool,
) -> anyhow::Result<()> {
    let small = FeedSettings { timeline_cap: 50, board_cap: 60, push_limit: 200, ..SETTINGS };
    let (report, place) = everything_agrees(&pool, small, 1).await?;
    for (name, count) in [
        ("stored", report.stored),
        ("rebuilt", report.rebuilt),
        ("merged", report.merged),
        ("cut", report.cut),
        ("past the seam", report.past_seam),
    ] {
        ensure!(count > 0, "none was {name}: {report:?}");
    }
    place.sweep(&*place.process()?).await
}

#[sqlx::test(migrations = "../migrations")]
async fn every_timeline_and_board_agrees_with_plain_sql_under_the_defaults(
    pool: PgPool,
) -> anyhow::Result<()> {
    let (_, place) = everything_agrees(&pool, SETTINGS, 2).await?;
    place.sweep(&*place.process()?).await
}

/// A reader with a stored timeline of ten posts on one board.
async fn small_place(pool: &PgPool) -> anyhow::Result<(Place, Arc<Feed>, UserId)> {
    // Frozen lists are shared for a while, as in service.
    let place = Place::new(pool, FeedSettings { snapshot_reuse_ms: 2_000, ..SETTINGS })?;
    let feed = place.process()?;
    let people = people(pool, 2).await?;
    let [reader, author] = people[..] else {
        anyhow::bail!("two people");
    };
    let ticker = pick(&mut StdRng::seed_from_u64(0), &tickers(pool, 1).await?)?;
    let acts = Acts { feed: &feed };
    acts.follow(reader, author).await?;
    drain(&feed).await?;
    feed.home(investor(reader), Order::Top, None, 20, Utc::now()).await?;
    feed.board(None, ticker, Order::Latest, None, 20, Utc::now()).await?;
    for n in 0..10 {
        acts.post(&on_ticker(draft(author, &format!("post {n}"), Utc::now())?, ticker)).await?;
    }
    drain(&feed).await?;
    Ok((place, feed, reader))
}

/// Corrupts, finds it, mends it, finds nothing more.
async fn is_found_and_mended(place: &Place, feed: &Feed, spoil: &redis::Cmd) -> anyhow::Result<()> {
    let before = place.check().await?;
    ensure!(before.is_clean() && before.differences == 0, "{before:?}");
    feed.kv.cmd::<redis::Value>(spoil).await?;
    let found = place.check().await?;
    ensure!(found.differences == 1 && !found.is_clean(), "not found: {found:?}");
    let options = Options { repair: true, ..Options::default() };
    let mended = place.process()?.check(&options, &|_, _| {}).await?;
    ensure!(mended.differences == 1 && mended.repaired == 1, "not mended: {mended:?}");
    let after = place.check().await?;
    ensure!(after.differences == 0, "not clean afterwards: {after:?}");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn the_check_finds_and_mends_a_spoiled_timeline(pool: PgPool) -> anyhow::Result<()> {
    let (place, feed, reader) = small_place(&pool).await?;
    let key = format!("{}tl:{reader}", place.redis.prefix);
    let bytes: Vec<u8> = feed.kv.cmd(redis::cmd("GET").arg(&key)).await?;
    // The last entry's author made another one: no post is missing, one is by a stranger.
    let mut strange = bytes.clone();
    let at = strange.len() - 12;
    strange.splice(at..=at, [0xFF]);
    let short = bytes.get(..bytes.len() - 16).unwrap_or_default();
    for spoiled in [strange.as_slice(), short] {
        is_found_and_mended(&place, &feed, redis::cmd("SET").arg(&key).arg(spoiled)).await?;
        feed.home(investor(reader), Order::Top, None, 20, Utc::now()).await?;
        // Whoever reads next stores the same form again.
        feed.kv.cmd::<()>(redis::cmd("SET").arg(&key).arg(&bytes)).await?;
    }
    // A mark that a post is gone, though it is not.
    let gone: Vec<u8> = {
        let last: [u8; 16] = bytes.get(bytes.len() - 16..).unwrap_or_default().try_into()?;
        let word = u128::from_le_bytes(last) >> 75 << 75 | 0x3F_FFFF;
        word.to_le_bytes().to_vec()
    };
    is_found_and_mended(&place, &feed, redis::cmd("APPEND").arg(&key).arg(gone)).await?;
    place.sweep(&feed).await
}

#[sqlx::test(migrations = "../migrations")]
async fn the_check_finds_and_mends_a_spoiled_board(pool: PgPool) -> anyhow::Result<()> {
    let (place, feed, _) = small_place(&pool).await?;
    for order in ["id", "top"] {
        let keys = place.keys(&feed, &format!("bd:*:{order}")).await?;
        let [key] = &keys[..] else {
            anyhow::bail!("one board, not {keys:?}");
        };
        is_found_and_mended(&place, &feed, redis::cmd("ZREMRANGEBYRANK").arg(key).arg(3).arg(3)).await?;
    }
    place.sweep(&feed).await
}

#[sqlx::test(migrations = "../migrations")]
async fn an_old_post_listed_again_hides_nothing_of_a_board_that_was_cut(pool: PgPool) -> anyhow::Result<()> {
    let place = Place::new(&pool, FeedSettings { board_cap: 20, ..SETTINGS })?;
    let feed = place.process()?;
    let author = pick(&mut StdRng::seed_from_u64(0), &people(&pool, 1).await?)?;
    let ticker = pick(&mut StdRng::seed_from_u64(0), &tickers(&pool, 1).await?)?;
    let acts = Acts { feed: &feed };
    let mut posts = Vec::new();
    for n in 0..60 {
        posts.push(acts.post(&on_ticker(draft(author, &format!("post {n}"), Utc::now())?, ticker)).await?);
    }
    let (Some(old), Some(older)) = (posts.get(10).copied(), posts.get(5).copied()) else {
        anyhow::bail!("sixty posts");
    };
    for post in [old, older] {
        ensure!(acts.hide(post).await?, "hidden");
    }
    drain(&feed).await?;
    feed.board(None, ticker, Order::Latest, None, 5, Utc::now()).await?;
    for post in [old, older] {
        ensure!(acts.list_again(post, Utc::now()).await?, "listed again");
    }
    drain(&feed).await?;
    let newest_first: Vec<i64> = posts.iter().rev().map(|post| post.get()).collect();
    for limit in [3, 7, 20, 50] {
        let served = support::whole_board(&feed, ticker, Order::Latest, limit).await?;
        ensure!(served == newest_first, "pages of {limit}: {served:?}, not {newest_first:?}");
    }
    let report = place.check().await?;
    ensure!(report.differences == 0, "{report:?}");
    place.sweep(&feed).await
}
