//! An author who becomes large is read from their own list, and is written into timelines again when they
//! become small: at no stage is a post missing, doubled, or shown after it went.

#[expect(dead_code, reason = "every file uses a part of it")]
mod support;

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use chrono::Utc;
use madang_core::{
    ids::{PostId, UserId},
    settings::FeedSettings,
    users::{self, MergeState},
};
use madang_feed::{Feed, home::Order};
use sqlx::PgPool;
use support::{Acts, Place, SETTINGS, drain, homes_agree, investor, people, settle_authors};

/// An author is large with 21 followers, and small again with 15.
const SMALL: FeedSettings = FeedSettings { timeline_cap: 20, board_cap: 20, push_limit: 20, ..SETTINGS };

struct Circle {
    place: Place,
    feed: Arc<Feed>,
    author: UserId,
    others: Vec<UserId>,
    readers: Vec<UserId>,
    posts: Vec<PostId>,
}

impl Circle {
    /// Thirty readers with stored timelines who follow three others, and an author.
    async fn meet(pool: &PgPool) -> anyhow::Result<Self> {
        let place = Place::new(pool, SMALL)?;
        let feed = place.process()?;
        let mut readers = people(pool, 34).await?;
        let others = readers.split_off(31);
        let author = readers.pop().context("an author")?;
        let acts = Acts { feed: &feed };
        for reader in &readers {
            for other in &others {
                acts.follow(*reader, *other).await?;
            }
        }
        // The readers alone make the others large; they are not the subject here.
        settle_authors(&feed).await?;
        drain(&feed).await?;
        for reader in &readers {
            feed.home(investor(*reader), Order::Top, None, 20, Utc::now()).await?;
        }
        Ok(Self { place, feed, author, others, readers, posts: Vec::new() })
    }

    fn acts(&self) -> Acts<'_> {
        Acts { feed: &self.feed }
    }

    async fn talk(&mut self, count: usize) -> anyhow::Result<()> {
        for n in 0..count {
            let post = self.acts().say(self.author, &format!("post {}", self.posts.len())).await?;
            self.posts.push(post);
            if n % 3 == 0 {
                for other in &self.others {
                    self.acts().say(*other, "something else").await?;
                }
            }
        }
        Ok(())
    }

    async fn state(&self) -> anyhow::Result<MergeState> {
        Ok(users::merge_state(&self.feed.pool, self.author).await?.context("the author")?.0)
    }

    async fn all_agree(&self, stage: &str) -> anyhow::Result<()> {
        drain(&self.feed).await?;
        homes_agree(&self.feed, &self.readers, 7).await.context(stage.to_owned())?;
        let report = self.place.check().await?;
        ensure!(report.differences == 0 && report.drift == 0, "{stage}: {report:?}");
        Ok(())
    }

    /// Followed by one after the other, the author writing meanwhile and the worker stepping.
    async fn grow(&mut self, from: usize, to: usize) -> anyhow::Result<()> {
        for at in from..to {
            let reader = *self.readers.get(at).context("a reader")?;
            self.acts().follow(reader, self.author).await?;
            self.talk(1).await?;
            if at % 4 == 0 {
                drain(&self.feed).await?;
            }
        }
        Ok(())
    }

    async fn shrink(&mut self, from: usize, to: usize) -> anyhow::Result<()> {
        for at in from..to {
            let reader = *self.readers.get(at).context("a reader")?;
            self.acts().unfollow(reader, self.author).await?;
            self.talk(1).await?;
            if at % 4 == 0 {
                drain(&self.feed).await?;
            }
        }
        Ok(())
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_author_grows_large_and_small_again_and_no_page_is_wrong(pool: PgPool) -> anyhow::Result<()> {
    let mut circle = Circle::meet(&pool).await?;
    circle.grow(0, 15).await?;
    circle.all_agree("pushed").await?;
    ensure!(circle.state().await? == MergeState::Pushed, "pushed");
    circle.grow(15, 25).await?;
    circle.all_agree("merged").await?;
    ensure!(circle.state().await? == MergeState::Merged, "merged");
    circle.talk(5).await?;
    circle.all_agree("writing while merged").await?;
    // At 80 % still merged, below it no more.
    circle.shrink(0, 9).await?;
    circle.all_agree("shrinking").await?;
    ensure!(circle.state().await? == MergeState::Merged, "still merged");
    circle.shrink(9, 12).await?;
    circle.all_agree("pushed again").await?;
    ensure!(circle.state().await? == MergeState::Pushed, "pushed again");
    circle.talk(5).await?;
    circle.all_agree("writing while pushed again").await?;
    circle.grow(0, 10).await?;
    circle.all_agree("merged again").await?;
    ensure!(circle.state().await? == MergeState::Merged, "merged again");
    println!("{} posts of an author who was pushed, merged, pushed and merged", circle.posts.len());
    circle.place.sweep(&circle.feed).await
}

#[sqlx::test(migrations = "../migrations")]
async fn one_who_joins_a_merged_author_sees_all_of_them_once(pool: PgPool) -> anyhow::Result<()> {
    let mut circle = Circle::meet(&pool).await?;
    circle.talk(30).await?;
    circle.grow(0, 25).await?;
    drain(&circle.feed).await?;
    ensure!(circle.state().await? == MergeState::Merged, "merged");
    let joining = *circle.readers.get(27).context("a reader")?;
    circle.acts().follow(joining, circle.author).await?;
    circle.all_agree("joined").await?;
    circle.talk(3).await?;
    circle.all_agree("writing after one joined").await?;
    let seen = support::whole_home(&circle.feed, joining, Order::Latest, 9).await?;
    let newest = circle.posts.last().context("a post")?;
    ensure!(seen.contains(&newest.get()), "the newest post is seen");
    circle.place.sweep(&circle.feed).await
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_merged_author_deletes_or_gets_back_takes_its_right_place(pool: PgPool) -> anyhow::Result<()> {
    let mut circle = Circle::meet(&pool).await?;
    // Written into timelines while small…
    circle.grow(0, 15).await?;
    circle.all_agree("pushed").await?;
    circle.grow(15, 25).await?;
    circle.all_agree("merged").await?;
    // …and removed, hidden or restored while large.
    let (first, second) = (circle.posts.clone(), circle.author);
    for post in first.iter().rev().step_by(3).take(4) {
        ensure!(circle.acts().delete(second, *post, Utc::now()).await?, "deleted");
    }
    circle.all_agree("deleted while merged").await?;
    let hidden: Vec<PostId> = first.iter().rev().skip(1).step_by(3).take(3).copied().collect();
    for post in &hidden {
        ensure!(circle.acts().hide(*post).await?, "hidden");
    }
    circle.all_agree("hidden while merged").await?;
    for post in &hidden {
        let later = Utc::now() + chrono::Duration::hours(5);
        ensure!(circle.acts().list_again(*post, later).await?, "listed again");
    }
    circle.all_agree("restored while merged").await?;
    circle.shrink(0, 12).await?;
    circle.all_agree("pushed again").await?;
    ensure!(circle.state().await? == MergeState::Pushed, "pushed again");
    circle.place.sweep(&circle.feed).await
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_deleted_while_merged_takes_no_place_once_the_author_is_small_again(
    pool: PgPool,
) -> anyhow::Result<()> {
    let mut circle = Circle::meet(&pool).await?;
    circle.grow(0, 15).await?;
    circle.all_agree("pushed").await?;
    circle.grow(15, 22).await?;
    circle.all_agree("merged").await?;
    let newest: Vec<PostId> = circle.posts.iter().rev().take(12).copied().collect();
    for post in newest {
        ensure!(circle.acts().delete(circle.author, post, Utc::now()).await?, "deleted");
    }
    // Nothing new is written, so what stood in timelines before is not cut.
    for at in 0..8 {
        let reader = *circle.readers.get(at).context("a reader")?;
        circle.acts().unfollow(reader, circle.author).await?;
    }
    circle.all_agree("pushed again").await?;
    ensure!(circle.state().await? == MergeState::Pushed, "pushed again");
    circle.place.sweep(&circle.feed).await
}

#[sqlx::test(migrations = "../migrations")]
async fn readers_who_come_at_once_to_a_new_process_all_get_the_merged_posts(
    pool: PgPool,
) -> anyhow::Result<()> {
    const TRIALS: usize = 10;
    let mut circle = Circle::meet(&pool).await?;
    circle.grow(0, 25).await?;
    circle.all_agree("merged").await?;
    circle.talk(3).await?;
    drain(&circle.feed).await?;
    let newest = *circle.posts.last().context("a post")?;
    for trial in 0..TRIALS {
        let process = circle.place.process()?;
        let reads = circle.readers.iter().take(25).map(|reader| {
            let process = &process;
            async move { process.home(investor(*reader), Order::Latest, None, 20, Utc::now()).await }
        });
        let missing = futures_util::future::try_join_all(reads)
            .await?
            .iter()
            .filter(|page| !page.ids.contains(&newest))
            .count();
        ensure!(missing == 0, "trial {trial}: {missing} of 25 readers miss the newest post");
    }
    println!("{TRIALS} new processes with 25 readers at once: nobody missed a post");
    circle.place.sweep(&circle.feed).await
}
