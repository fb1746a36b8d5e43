//! Makes some drafts answers to, or repeats of, earlier posts. A target always stands before what points at it, is no
//! repost itself, and nobody repeats a post twice.

use std::collections::BTreeSet;

use super::dice::{Dice, Purpose, Weighted};
use super::people::People;
use super::posts::{Kind, Mood, Post};
use super::profile;

/// So many posts up to the drawn moment compete for an answer or repeat.
const CANDIDATES: usize = 16;
/// A post with as many likes can start a cascade: the hundredth part of all posts.
const POPULAR_LIKES: u64 = 641;
/// Reposts that join a cascade, of 1,000.
const CASCADE_PERMILLE: u64 = 400;
/// Cascades that compete at a time.
const CASCADES: usize = 5;
/// Tries after which a draft stays a post of its own.
const TRIES: u32 = 6;
/// Answers come this many times sooner than reposts; ours.
const REPLY_HASTE: u64 = 4;

/// Turn the fitted shares of `posts`, which are in order of time, into replies and reposts.
pub(crate) fn link(seed: u64, people: &People, posts: &mut [Post]) {
    let mut threads = Threads {
        dice: Dice::new(seed, Purpose::Threads, 0),
        people,
        targets: Vec::new(),
        popular: Vec::new(),
        reposted: BTreeSet::new(),
    };
    for position in 0..posts.len() {
        let (earlier, rest) = posts.split_at_mut(position);
        let Some(post) = rest.first_mut() else {
            continue;
        };
        threads.place(earlier, post);
        if !matches!(post.kind, Kind::Repost(_)) {
            let position = u32::try_from(position).ok();
            threads.targets.extend(position);
            threads.popular.extend(position.filter(|_| post.likes >= POPULAR_LIKES));
        }
    }
}

struct Threads<'a> {
    dice: Dice,
    people: &'a People,
    /// Positions of posts that can be answered or repeated, in order of time.
    targets: Vec<u32>,
    /// Those of them that many like.
    popular: Vec<u32>,
    reposted: BTreeSet<(u32, u32)>,
}

impl Threads<'_> {
    fn place(&mut self, earlier: &[Post], post: &mut Post) {
        let drawn = self.dice.below(1000);
        if drawn < profile::REPLIES_PERMILLE {
            self.reply(earlier, post);
        } else if drawn < profile::REPLIES_PERMILLE + profile::REPOSTS_PERMILLE {
            self.repost(earlier, post);
        }
    }

    fn reply(&mut self, earlier: &[Post], post: &mut Post) {
        let latest = self.earlier_by(post, REPLY_HASTE);
        let Some((position, target)) = self.target(earlier, post, latest) else {
            return;
        };
        let names_it = usize::from(self.dice.chance(550));
        post.kind = Kind::Reply(position);
        post.subject = target.subject;
        post.on_results = target.on_results;
        post.tickers = target.tickers.iter().copied().take(names_it).collect();
        post.takes_stance = post.takes_stance && !post.tickers.is_empty();
        post.likes /= 3;
    }

    fn repost(&mut self, earlier: &[Post], post: &mut Post) {
        for _ in 0..TRIES {
            let latest = self.earlier_by(post, 1);
            let found = if self.dice.chance(CASCADE_PERMILLE) {
                self.cascade(earlier, latest)
            } else {
                self.target(earlier, post, latest)
            };
            let Some((position, target)) = found else {
                continue;
            };
            if target.author != post.author && self.reposted.insert((position, post.author)) {
                post.kind = Kind::Repost(position);
                post.subject = target.subject;
                post.tickers.clone_from(&target.tickers);
                post.korean = target.korean;
                (post.mood, post.takes_stance, post.likes) = (Mood::Flat, false, 0);
                return;
            }
        }
    }

    /// A drawn delay before `post`.
    fn earlier_by(&mut self, post: &Post, haste: u64) -> i64 {
        let delay = 1 + self.dice.quantile(profile::REPOST_DELAY_SECS) / haste;
        post.at - delay.cast_signed()
    }

    /// A post up to `latest`, those with followers, likes and the writer's language first.
    fn target<'p>(&mut self, earlier: &'p [Post], post: &Post, latest: i64) -> Option<Target<'p>> {
        let people = self.people.all.len().max(1) as u64;
        let weight = |target: &Post| {
            let followers = self.people.followers_of(target.author) * 200 / people;
            let language = if target.korean == post.korean { 50 } else { 1 };
            (1 + target.likes.min(300) + followers) * language
        };
        let candidates = last(&self.targets, CANDIDATES, earlier, latest);
        choose(&mut self.dice, candidates, earlier, weight)
    }

    /// One of the last much-liked posts up to `latest`.
    fn cascade<'p>(&mut self, earlier: &'p [Post], latest: i64) -> Option<Target<'p>> {
        let candidates = last(&self.popular, CASCADES, earlier, latest);
        choose(&mut self.dice, candidates, earlier, |target| target.likes)
    }
}

type Target<'p> = (u32, &'p Post);

/// The last `count` of `positions` whose posts were there at `latest`.
fn last<'a>(positions: &'a [u32], count: usize, earlier: &[Post], latest: i64) -> &'a [u32] {
    let there = |position: &u32| {
        let post = earlier.get(*position as usize);
        post.is_some_and(|post| post.at <= latest)
    };
    let end = positions.partition_point(there);
    positions.get(end.saturating_sub(count)..end).unwrap_or(&[])
}

fn choose<'p>(
    dice: &mut Dice,
    candidates: &[u32],
    earlier: &'p [Post],
    weight: impl Fn(&Post) -> u64,
) -> Option<Target<'p>> {
    let posts = candidates.iter().map(|position| earlier.get(*position as usize));
    let weights = Weighted::new(posts.map(|post| post.map_or(0, &weight)));
    let position = candidates.get(weights.draw(dice)).copied()?;
    Some((position, earlier.get(position as usize)?))
}
