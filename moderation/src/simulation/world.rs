//! People, posts and the reports honest people file, drawn once for all rules: each rule sees the same.

use std::{collections::BTreeSet, ops::Range, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    dice::Dice,
    parameters::{Parameters, Spread},
};
use crate::rule::Standing;

const DAY_SECS: f64 = 86_400.0;

/// A time, in seconds from the first midnight.
pub(super) fn at(secs: f64) -> DateTime<Utc> {
    let since = Duration::try_from_secs_f64(secs).ok().and_then(|since| TimeDelta::from_std(since).ok());
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + since.unwrap_or_default()
}

/// The start of a day.
pub(super) fn start_of(day: u32) -> DateTime<Utc> {
    at(f64::from(day) * DAY_SECS)
}

/// The end of a day.
pub(super) fn end_of(day: u32) -> DateTime<Utc> {
    at(f64::from(day + 1) * DAY_SECS)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bad,
    Good,
    Controversial,
}

/// A report of an honest person, whether right or not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filing {
    /// Seconds since the post.
    pub(super) after_secs: f64,
    pub(super) reporter: i64,
}

#[derive(Debug, Clone)]
pub(super) struct Post {
    pub(super) id: i64,
    pub(super) kind: Kind,
    /// Seconds from the first midnight.
    pub(super) posted_secs: f64,
    /// Viewers in all.
    pub(super) viewers: f64,
    pub(super) standing: Standing,
    /// Whether the text rules flag it.
    pub(super) flagged: bool,
    /// Whether the moderator who gets it will be right.
    pub(super) judged_right: bool,
    pub(super) filings: Vec<Filing>,
}

impl Post {
    pub(super) fn is_bad(&self) -> bool {
        self.kind == Kind::Bad
    }

    /// Whether the moderator agrees with its reports.
    pub(super) fn upheld(&self) -> bool {
        self.is_bad() == self.judged_right
    }
}

pub(super) struct World {
    pub(super) parameters: Parameters,
    /// The posts of each day of the warm-up.
    pub(super) warm_up: Vec<Vec<Post>>,
    /// The same of the measured days, for each draw.
    pub(super) measured: Vec<Vec<Vec<Post>>>,
    people: People,
}

struct People {
    /// Running sums of activity.
    all: Vec<f64>,
    /// How many of the first are trigger-happy.
    trigger_happy: usize,
    /// Ages of accounts on the first day, in seconds.
    ages: Vec<f64>,
}

impl People {
    fn draw(parameters: &Parameters, dice: &mut Dice) -> Self {
        let mut sum = 0.0;
        let mut all = Vec::new();
        let mut ages = Vec::new();
        for _ in 0..parameters.users {
            sum += dice.pareto(parameters.activity_exponent);
            all.push(sum);
            ages.push(dice.exponential(parameters.account_days) * DAY_SECS);
        }
        let trigger_happy = (f64::from(parameters.users) * parameters.trigger_happy_share) as usize;
        Self { all, trigger_happy, ages }
    }

    /// Someone who files a report: a right one by activity, a wrong one as `parameters` says.
    fn pick(&self, dice: &mut Dice, parameters: &Parameters, wrong: bool) -> i64 {
        let among = match wrong {
            false => 0..self.all.len(),
            true if dice.chance(parameters.trigger_happy_wrong) => 0..self.trigger_happy,
            true => self.trigger_happy..self.all.len(),
        };
        let index = match (wrong, parameters.wrong_reports) {
            (true, Spread::Evenly) => among.start + dice.index(among.len()),
            _ => self.by_activity(dice, among),
        };
        i64::try_from(index).unwrap_or(0)
    }

    fn by_activity(&self, dice: &mut Dice, among: Range<usize>) -> usize {
        let sum_before =
            |index: usize| index.checked_sub(1).and_then(|last| self.all.get(last)).map_or(0.0, |sum| *sum);
        let (from, to) = (sum_before(among.start), sum_before(among.end));
        let drawn = from + dice.uniform() * (to - from);
        self.all.partition_point(|sum| *sum <= drawn)
    }
}

impl World {
    pub(super) fn draw(parameters: &Parameters, seed: u64) -> Self {
        let people = People::draw(parameters, &mut Dice::new(seed, 0));
        let warm_up = parameters.warm_up_days;
        let mut world =
            Self { parameters: parameters.clone(), warm_up: Vec::new(), measured: Vec::new(), people };
        let (mut dice, mut id) = (Dice::new(seed, 1), 0);
        for day in 0..warm_up {
            let mut posts = world.draw_day(&mut dice, &mut id, day);
            // What nobody reports leaves no trace.
            posts.retain(|post| !post.filings.is_empty());
            world.warm_up.push(posts);
        }
        for _ in 0..parameters.draws {
            let days = warm_up..warm_up + parameters.measured_days;
            let days = days.map(|day| world.draw_day(&mut dice, &mut id, day)).collect();
            world.measured.push(days);
        }
        world
    }

    fn draw_day(&self, dice: &mut Dice, id: &mut i64, day: u32) -> Vec<Post> {
        let draw = |_| {
            *id += 1;
            self.draw_post(dice, *id, day)
        };
        (0..self.parameters.posts_per_day).map(draw).collect()
    }

    fn draw_post(&self, dice: &mut Dice, id: i64, day: u32) -> Post {
        let parameters = &self.parameters;
        let kind = if dice.chance(parameters.bad_share) {
            Kind::Bad
        } else if dice.chance(parameters.controversial_share) {
            Kind::Controversial
        } else {
            Kind::Good
        };
        let (bad, rate) = match kind {
            Kind::Bad => (true, parameters.bad_rate),
            Kind::Good => (false, parameters.good_rate),
            Kind::Controversial => (false, parameters.controversial_rate),
        };
        let viewers = dice.log_normal(parameters.viewers_median, parameters.viewers_sigma);
        let viewers = viewers.min(parameters.viewers_max).round();
        Post {
            id,
            kind,
            posted_secs: (f64::from(day) + dice.uniform()) * DAY_SECS,
            viewers,
            standing: parameters.standing(bad, dice.uniform()),
            flagged: dice.chance(if bad { parameters.text_true } else { parameters.text_false }),
            judged_right: dice.chance(parameters.verdict_right),
            filings: self.draw_filings(dice, viewers * rate, !bad),
        }
    }

    fn draw_filings(&self, dice: &mut Dice, mean: f64, wrong: bool) -> Vec<Filing> {
        let mut reporters = BTreeSet::new();
        let mut filings = Vec::new();
        for _ in 0..dice.poisson(mean) {
            let reporter = self.people.pick(dice, &self.parameters, wrong);
            let after_secs = dice.exponential(self.parameters.arrival_hours * 3_600.0);
            // Nobody reports a post twice.
            if reporters.insert(reporter) {
                filings.push(Filing { after_secs, reporter });
            }
        }
        filings.sort_unstable_by(|left, right| left.after_secs.total_cmp(&right.after_secs));
        filings
    }

    /// When an honest person's account was opened.
    pub(super) fn opened(&self, reporter: i64) -> DateTime<Utc> {
        let age = usize::try_from(reporter).ok().and_then(|index| self.people.ages.get(index));
        at(0.0) - (at(age.copied().unwrap_or(0.0)) - at(0.0))
    }

    /// Viewers of a post so long after it.
    pub(super) fn viewers(&self, post: &Post, after_secs: f64) -> f64 {
        post.viewers * (1.0 - (-after_secs / (self.parameters.arrival_hours * 3_600.0)).exp())
    }

    /// The posts attackers pick on each measured day of the first draw.
    pub(super) fn targets(&self, seed: u64) -> Vec<Vec<&Post>> {
        let mut dice = Dice::new(seed, 2);
        let days = self.measured.first().map(Vec::as_slice).unwrap_or_default();
        days.iter()
            .map(|posts| {
                let worth: Vec<&Post> = posts
                    .iter()
                    .filter(|post| !post.is_bad() && post.viewers > f64::from(self.parameters.target_viewers))
                    .collect();
                dice.sample(&worth, self.parameters.targets_per_day)
            })
            .collect()
    }
}
