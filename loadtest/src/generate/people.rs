//! Authors and who follows whom.

use chrono::{DateTime, Days, NaiveDate};

use super::dice::{Dice, Purpose, Weighted, power, rounded};
use super::handles::{Handles, Naming};
use super::profile;

/// Accounts are up to this many days old when the posts begin.
const OLDEST_DAYS: u64 = 3_650;
/// Draws after which anyone who is left will do.
const PATIENCE: u32 = 32;
/// The service's limit.
const MOST_FOLLOWING: usize = 5_000;
/// No one writes more, in the law's own scale.
const MOST_POSTS: u32 = 1_000_000;

/// One account. Its counts are the outside world's, never the service's own.
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) naming: Naming,
    pub(crate) korean: bool,
    pub(crate) outside_followers: u64,
    pub(crate) outside_following: u64,
    pub(crate) outside_posts: u64,
    pub(crate) verified: bool,
    pub(crate) created: NaiveDate,
}

/// All accounts, their follows and how much they write.
pub(crate) struct People {
    pub(crate) all: Vec<Person>,
    /// Whom each person follows, by position.
    pub(crate) following: Vec<Vec<u32>>,
    /// How many follow each person.
    pub(crate) followers: Vec<u32>,
    /// Position by rank of writing, and the ranks' weights.
    writers: Vec<u32>,
    activity: Weighted,
}

impl People {
    /// `count` people who were all there `start` (Unix seconds).
    pub(crate) fn new(seed: u64, count: u32, start: i64) -> Self {
        let mut dice = Dice::new(seed, Purpose::People, 0);
        let ranking = shuffled(&mut dice, count);
        let all = persons(&mut dice, seed, &ranking, start);
        let (following, followers) = follow(seed, &ranking);
        let writers = shuffled(&mut dice, count);
        let activity = Weighted::new(activity(writers.len()));
        Self { all, following, followers, writers, activity }
    }

    /// Someone who writes, by the fitted share of posts per author.
    pub(crate) fn writer(&self, dice: &mut Dice) -> u32 {
        self.writers.get(self.activity.draw(dice)).copied().unwrap_or(0)
    }

    /// Everybody, those who write most first.
    pub(crate) fn writers(&self) -> &[u32] {
        &self.writers
    }

    /// The person at `position`.
    pub(crate) fn get(&self, position: u32) -> Option<&Person> {
        self.all.get(position as usize)
    }

    /// How many follow the person at `position`.
    pub(crate) fn followers_of(&self, position: u32) -> u64 {
        self.followers.get(position as usize).copied().unwrap_or(0).into()
    }
}

/// An opaque id of twelve hex digits. A bijection of `index`, so no two are the same.
pub(crate) fn opaque_id(prefix: char, seed: u64, index: u64) -> String {
    const MASK: u64 = (1 << 48) - 1;
    let salt = Dice::new(seed, Purpose::People, u64::from(prefix)).below(MASK);
    let mixed = (0..3).fold((index + salt) & MASK, |value, _| {
        let value = value.wrapping_mul(0x9E37_79B9_7F4A_7C15) & MASK;
        value ^ (value >> 25)
    });
    format!("{prefix}_{mixed:012x}")
}

fn shuffled(dice: &mut Dice, count: u32) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count).collect();
    dice.shuffle(&mut order);
    order
}

/// Outside follower counts go to people in the order of their followers here, as the largest accounts do lead.
fn persons(dice: &mut Dice, seed: u64, ranking: &[u32], start: i64) -> Vec<Person> {
    let mut outside: Vec<u64> = ranking.iter().map(|_| dice.quantile(profile::OUTSIDE_FOLLOWERS)).collect();
    outside.sort_unstable_by(|a, b| b.cmp(a));
    let mut by_position: Vec<(u32, u64)> = ranking.iter().copied().zip(outside).collect();
    by_position.sort_unstable();
    let mut handles = Handles::default();
    let start = DateTime::from_timestamp(start, 0).unwrap_or_default().date_naive();
    by_position
        .into_iter()
        .map(|(position, followers)| person(dice, seed, &mut handles, position, followers, start))
        .collect()
}

fn person(
    dice: &mut Dice,
    seed: u64,
    handles: &mut Handles,
    position: u32,
    outside_followers: u64,
    start: NaiveDate,
) -> Person {
    let korean = dice.chance(profile::KOREAN_PERMILLE);
    let age = 1 + dice.below(OLDEST_DAYS);
    Person {
        id: opaque_id('u', seed, position.into()),
        naming: handles.draw(dice, korean),
        korean,
        outside_followers,
        outside_following: dice.quantile(profile::FOLLOWING) * 3 / 2,
        outside_posts: age * dice.below(40) / 10,
        verified: dice.below(10_000) < profile::VERIFIED_OF_10_000,
        created: start.checked_sub_days(Days::new(age)).unwrap_or(start),
    }
}

/// Follow edges: each person gets as many followers as the fitted tail says for their rank, drawn from all by how much
/// they follow.
fn follow(seed: u64, ranking: &[u32]) -> (Vec<Vec<u32>>, Vec<u32>) {
    let mut dice = Dice::new(seed, Purpose::Follows, 0);
    let eagerness = ranking.iter().map(|_| dice.quantile(profile::FOLLOWING));
    let eager: Vec<u64> = eagerness.collect();
    let people = ranking.len() as u64;
    let most = (people.saturating_sub(1) * 4 / 10).max(1);
    let wanted: u64 = eager.iter().map(|count| (*count).min(most)).sum();
    let total = wanted * profile::FOLLOWING_PERMILLE / 1000;
    let mut draw = FollowDraw {
        eager: Weighted::new(eager),
        following: vec![Vec::new(); ranking.len()],
        taken: vec![u32::MAX; ranking.len()],
    };
    let mut followers = vec![0; ranking.len()];
    let cap = (people * profile::FOLLOWERS_CAP_PERMILLE / 1000).max(1);
    for (followee, count) in ranking.iter().zip(follower_counts(ranking.len(), total, cap)) {
        let found = (0..count).filter(|_| draw.one(&mut dice, *followee)).count();
        if let Some(count) = followers.get_mut(*followee as usize) {
            *count = u32::try_from(found).unwrap_or(u32::MAX);
        }
    }
    (draw.following, followers)
}

/// Followers by rank: `scale / rank^s`, capped, with the scale at which they add up to `total`.
fn follower_counts(people: usize, total: u64, cap: u64) -> Vec<u64> {
    let share = |rank: usize| power(rank as f64, -profile::FOLLOWERS_ZIPF);
    let shares: Vec<f64> = (1..=people).map(share).collect();
    let cap = cap as f64;
    let sum = |scale: f64| shares.iter().map(|share| (scale * share).min(cap)).sum::<f64>();
    let (mut low, mut high) = (0.0, 1e15);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if sum(middle) < total as f64 {
            low = middle;
        } else {
            high = middle;
        }
    }
    let counts = shares.iter().map(|share| rounded((high * share).min(cap)));
    counts.collect()
}

struct FollowDraw {
    /// People by how many they would follow.
    eager: Weighted,
    following: Vec<Vec<u32>>,
    /// Whom each person was last taken for, so that nobody is taken twice for the same one.
    taken: Vec<u32>,
}

impl FollowDraw {
    /// Let one more person follow `followee`, an eager one if a few draws find one.
    fn one(&mut self, dice: &mut Dice, followee: u32) -> bool {
        (0..2 * PATIENCE).any(|attempt| {
            let person = if attempt < PATIENCE {
                self.eager.draw(dice)
            } else {
                usize::try_from(dice.below(self.taken.len() as u64)).unwrap_or(0)
            };
            self.take(person, followee)
        })
    }

    fn take(&mut self, person: usize, followee: u32) -> bool {
        let taken = self.taken.get_mut(person);
        let (Some(taken), Some(following)) = (taken, self.following.get_mut(person)) else {
            return false;
        };
        if followee as usize == person || *taken == followee || following.len() >= MOST_FOLLOWING {
            return false;
        }
        *taken = followee;
        following.push(followee);
        true
    }
}

/// How much people write, by rank: quantiles of the fitted law `p(posts) ~ posts^-alpha`, in whole posts.
fn activity(people: usize) -> Vec<u64> {
    let alpha = profile::POSTS_ALPHA;
    let zeta = zeta(alpha);
    let (mut posts, mut more) = (1_u32, 1.0 - 1.0 / zeta);
    let mut weights = Vec::with_capacity(people);
    for rank in (1..=people).rev() {
        // `more` is the share of people who write more than `posts`.
        while more > (rank as f64 - 0.5) / people as f64 && posts < MOST_POSTS {
            posts += 1;
            more -= power(f64::from(posts), -alpha) / zeta;
        }
        weights.push(posts.into());
    }
    weights.reverse();
    weights
}

/// The sum of all `n^-alpha`, the far ones by their integral.
fn zeta(alpha: f64) -> f64 {
    let near = 1_000_u32;
    let sum: f64 = (1..near).map(|n| power(n.into(), -alpha)).sum();
    let last = power(near.into(), -alpha);
    sum + last / 2.0 + last * f64::from(near) / (alpha - 1.0)
}
