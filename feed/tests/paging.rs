//! Invariant 6: paging while others write repeats nothing, and skips nothing that was visible at the first
//! page and still is.

#[expect(dead_code, reason = "every file uses a part of it")]
mod support;

use std::{collections::HashSet, sync::Arc};

use anyhow::{Context as _, ensure};
use chrono::{Duration, Utc};
use madang_core::{
    ids::{PostId, TickerId, UserId},
    settings::FeedSettings,
};
use madang_feed::{Feed, home::Order, work::Worker};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::PgPool;
use support::{
    Acts, Place, SETTINGS, WORK, draft, drain, follow_in_bulk, home_by_sql, investor, on_ticker, people,
    tickers,
};

const SMALL: FeedSettings = FeedSettings {
    timeline_cap: 20,
    // A frozen board ends at its cap; here nothing reaches it.
    board_cap: 10_000,
    push_limit: 10,
    ..SETTINGS
};

const TRIALS: usize = 100;

struct Circle {
    feed: Arc<Feed>,
    reader: UserId,
    followed: Vec<UserId>,
    strangers: Vec<UserId>,
    ticker: TickerId,
    posts: Vec<(PostId, UserId)>,
}

impl Circle {
    /// A reader who follows eight of twenty; all write at one time.
    async fn meet(pool: &PgPool, place: &Place) -> anyhow::Result<Self> {
        let feed = place.process()?;
        let mut followed = people(pool, 41).await?;
        let crowd = followed.split_off(21);
        let reader = followed.pop().context("a reader")?;
        let strangers = followed.split_off(8);
        let mut edges: Vec<_> = followed.iter().map(|author| (reader, *author)).collect();
        // Two of those followed are large, and so is one stranger.
        let large = followed.iter().take(2).chain(strangers.iter().take(1));
        edges.extend(large.flat_map(|author| crowd.iter().map(|fan| (*fan, *author))));
        follow_in_bulk(pool, &edges).await?;
        support::settle_authors(&feed).await?;
        let mut circle = Self {
            ticker: *tickers(pool, 1).await?.first().context("a ticker")?,
            feed,
            reader,
            followed,
            strangers,
            posts: Vec::new(),
        };
        let mut dice = StdRng::seed_from_u64(1);
        circle.first_page(Surface::Home(Order::Top), 5).await?;
        for n in 0..200_i32 {
            // Ranks are spread wider than times.
            let at = Utc::now() - Duration::hours(20) + Duration::minutes(6 * i64::from(n));
            let all: Vec<UserId> = circle.followed.iter().chain(&circle.strangers).copied().collect();
            let author = *all.get(dice.random_range(0..all.len())).context("an author")?;
            let post = on_ticker(draft(author, &format!("post {n}"), at)?, circle.ticker);
            let id = Acts { feed: &circle.feed }.post(&post).await?;
            circle.posts.push((id, author));
        }
        drain(&circle.feed).await?;
        Ok(circle)
    }

    async fn page(
        &self,
        surface: Surface,
        cursor: Option<&str>,
        limit: usize,
    ) -> anyhow::Result<(Vec<i64>, Option<String>)> {
        let (now, who) = (Utc::now(), investor(self.reader));
        let page = match surface {
            Surface::Home(order) => self.feed.home(who, order, cursor, limit, now).await?,
            Surface::Board(order) => {
                self.feed.board(Some(who), self.ticker, order, cursor, limit, now).await?
            }
        };
        Ok((page.ids.iter().map(|id| id.get()).collect(), page.next_cursor))
    }

    async fn first_page(&self, surface: Surface, limit: usize) -> anyhow::Result<()> {
        self.page(surface, None, limit).await.map(|_| ())
    }

    /// What SQL says is visible now.
    async fn visible(&self, surface: Surface) -> anyhow::Result<HashSet<i64>> {
        let ids = match surface {
            Surface::Home(_) => home_by_sql(&self.feed.pool, self.reader).await?,
            Surface::Board(_) => {
                sqlx::query_scalar("SELECT id FROM posts WHERE listed").fetch_all(&self.feed.pool).await?
            }
        };
        Ok(ids.into_iter().collect())
    }

    /// Something that somebody does between two pages.
    async fn disturb(&mut self, dice: &mut StdRng) -> anyhow::Result<()> {
        let acts = Acts { feed: &self.feed };
        match dice.random_range(0..10) {
            0..3 => {
                let all: Vec<UserId> = self.followed.iter().chain(&self.strangers).copied().collect();
                let author = *all.get(dice.random_range(0..all.len())).context("an author")?;
                let post = on_ticker(draft(author, "meanwhile", Utc::now())?, self.ticker);
                self.posts.push((acts.post(&post).await?, author));
            }
            3..=5 => {
                let at = dice.random_range(0..self.posts.len());
                let (post, author) = self.posts.swap_remove(at);
                acts.delete(author, post, Utc::now()).await?;
            }
            6 if self.followed.len() > 4 => {
                let at = dice.random_range(0..self.followed.len());
                let other = self.followed.swap_remove(at);
                acts.unfollow(self.reader, other).await?;
                self.strangers.push(other);
            }
            7 | 8 if self.strangers.len() > 6 => {
                let at = dice.random_range(0..self.strangers.len());
                let other = self.strangers.swap_remove(at);
                acts.follow(self.reader, other).await?;
                self.followed.push(other);
            }
            _ => {
                Worker::new(self.feed.clone(), WORK).step().await?;
            }
        }
        Ok(())
    }

    /// Pages to the end while others act; returns how many pages that were.
    async fn trial(&mut self, surface: Surface, dice: &mut StdRng) -> anyhow::Result<usize> {
        let limit = dice.random_range(5..30);
        let before = self.visible(surface).await?;
        let (mut seen, mut cursor, mut pages) = (Vec::new(), None::<String>, 0);
        // What stopped being visible in between may be shown or not, even if it came back.
        let mut always = before.clone();
        loop {
            let (ids, next) = self.page(surface, cursor.as_deref(), limit).await?;
            ensure!(ids.len() <= limit, "a page of {limit} has {}", ids.len());
            seen.extend(ids);
            (cursor, pages) = (next, pages + 1);
            if cursor.is_none() {
                break;
            }
            for _ in 0..dice.random_range(0..3) {
                self.disturb(dice).await?;
                let now = self.visible(surface).await?;
                always.retain(|id| now.contains(id));
            }
        }
        let unique: HashSet<i64> = seen.iter().copied().collect();
        ensure!(unique.len() == seen.len(), "{surface:?} by {limit}: repeated something in {seen:?}");
        let skipped: Vec<i64> = always.difference(&unique).copied().collect();
        ensure!(skipped.is_empty(), "{surface:?} by {limit}: skipped {skipped:?} in {seen:?}");
        Ok(pages)
    }
}

#[derive(Debug, Clone, Copy)]
enum Surface {
    Home(Order),
    Board(Order),
}

#[sqlx::test(migrations = "../migrations")]
async fn paging_while_others_act_repeats_nothing_and_skips_nothing(pool: PgPool) -> anyhow::Result<()> {
    let place = Place::new(&pool, SMALL)?;
    let mut circle = Circle::meet(&pool, &place).await?;
    let mut dice = StdRng::seed_from_u64(2);
    let surfaces = [
        Surface::Home(Order::Top),
        Surface::Home(Order::Latest),
        Surface::Board(Order::Top),
        Surface::Board(Order::Latest),
    ];
    let mut pages = 0;
    for trial in 0..TRIALS {
        let surface = *surfaces.get(trial % 4).context("a surface")?;
        drain(&circle.feed).await?;
        pages += circle.trial(surface, &mut dice).await.with_context(|| format!("trial {trial}"))?;
    }
    drain(&circle.feed).await?;
    let report = place.check().await?;
    println!("{TRIALS} trials, {pages} pages: nothing repeated, nothing skipped; then {report:?}");
    ensure!(report.differences == 0 && report.drift == 0, "{report:?}");
    place.sweep(&circle.feed).await
}

#[sqlx::test(migrations = "../migrations")]
async fn following_somebody_busy_in_between_skips_nothing_of_a_window(pool: PgPool) -> anyhow::Result<()> {
    let place = Place::new(&pool, SMALL)?;
    let feed = place.process()?;
    let all = people(&pool, 3).await?;
    let [reader, quiet, busy] = all[..] else {
        anyhow::bail!("three people");
    };
    let acts = Acts { feed: &feed };
    acts.follow(reader, quiet).await?;
    let start = Utc::now() - Duration::hours(30);
    for n in 0..40 {
        acts.post(&draft(quiet, &format!("quiet {n}"), start + Duration::minutes(40 * n))?).await?;
        for m in 0..6 {
            let at = start + Duration::minutes(40 * n + 5 * m + 1);
            acts.post(&draft(busy, &format!("busy {n} {m}"), at)?).await?;
        }
    }
    drain(&feed).await?;
    for order in [Order::Top, Order::Latest] {
        let expected: HashSet<i64> = home_by_sql(&pool, reader).await?.into_iter().collect();
        let first = feed.home(investor(reader), order, None, 5, Utc::now()).await?;
        let mut seen: Vec<i64> = first.ids.iter().map(|id| id.get()).collect();
        acts.follow(reader, busy).await?;
        drain(&feed).await?;
        let mut cursor = first.next_cursor;
        while let Some(place) = cursor {
            let page = feed.home(investor(reader), order, Some(&place), 5, Utc::now()).await?;
            seen.extend(page.ids.iter().map(|id| id.get()));
            cursor = page.next_cursor;
        }
        let unique: HashSet<i64> = seen.iter().copied().collect();
        ensure!(unique.len() == seen.len(), "{order:?}: repeated something in {seen:?}");
        let skipped: Vec<&i64> = expected.difference(&unique).collect();
        ensure!(skipped.is_empty(), "{order:?}: skipped {} of {}", skipped.len(), expected.len());
        acts.unfollow(reader, busy).await?;
        drain(&feed).await?;
    }
    place.sweep(&feed).await
}
