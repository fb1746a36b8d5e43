//! What the simulated community is like. The honest report rates are assumptions, not measurements.

use crate::rule::Standing;

/// Among whom wrong reports fall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// Everyone slips alike, however much they report: the active err no more often than others.
    Evenly,
    /// The active err as much more often as they report more.
    ByActivity,
}

/// Parameters of a community and of those who attack it.
#[derive(Debug, Clone)]
pub struct Parameters {
    /// People who may report.
    pub users: u32,
    /// Posts of a day.
    pub posts_per_day: u32,
    /// Days in which reporters gain a record before anything is measured.
    pub warm_up_days: u32,
    /// Days measured.
    pub measured_days: u32,
    /// How many times the measured days are drawn, each time from the records the warm-up left. Five days
    /// have some 80 bad posts with 1,000 viewers, too few to tell a difference of 0.03.
    pub draws: u32,
    /// Share of posts that break the rules.
    pub bad_share: f64,
    /// Share of the others that are disputed.
    pub controversial_share: f64,
    /// Median of the viewers a post gets in all; log-normal.
    pub viewers_median: f64,
    /// Standard deviation of their logarithm.
    pub viewers_sigma: f64,
    /// Most viewers.
    pub viewers_max: f64,
    /// Time constant in hours with which they arrive.
    pub arrival_hours: f64,
    /// Reports per viewer of a bad post.
    pub bad_rate: f64,
    /// Reports per viewer of a good post.
    pub good_rate: f64,
    /// Reports per viewer of a disputed post.
    pub controversial_rate: f64,
    /// Exponent of the Pareto distribution, of the second type, of people's activity.
    pub activity_exponent: f64,
    /// Share of people who report in anger.
    pub trigger_happy_share: f64,
    /// Share of the wrong reports that are theirs.
    pub trigger_happy_wrong: f64,
    /// Among whom those fall, in either group.
    pub wrong_reports: Spread,
    /// How authors of bad posts stand: shares of new ones and of those in good standing.
    pub bad_authors: (f64, f64),
    /// How all others stand.
    pub good_authors: (f64, f64),
    /// Mean age of an account in days; exponential.
    pub account_days: f64,
    /// Bad posts the text rules flag.
    pub text_true: f64,
    /// Other posts they flag.
    pub text_false: f64,
    /// Verdicts moderators reach in a day.
    pub verdicts_per_day: usize,
    /// Share of them that are right.
    pub verdict_right: f64,
    /// Whether moderators close reports of disputed posts as ignored, which spares whoever filed them.
    pub disputes_ignored: bool,
    /// Posts an attacker picks a day.
    pub targets_per_day: usize,
    /// Viewers such a post has at least.
    pub target_viewers: u32,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            users: 120_000,
            posts_per_day: 10_000,
            warm_up_days: 20,
            measured_days: 5,
            draws: 8,
            bad_share: 0.01,
            controversial_share: 0.08,
            viewers_median: 200.0,
            viewers_sigma: 1.6,
            viewers_max: 300_000.0,
            arrival_hours: 6.0,
            bad_rate: 6e-3,
            good_rate: 3e-5,
            controversial_rate: 4e-4,
            activity_exponent: 1.5,
            trigger_happy_share: 0.05,
            trigger_happy_wrong: 0.4,
            wrong_reports: Spread::Evenly,
            bad_authors: (0.80, 0.01),
            good_authors: (0.15, 0.30),
            account_days: 1_000.0,
            text_true: 0.70,
            text_false: 0.01,
            verdicts_per_day: 600,
            verdict_right: 0.97,
            disputes_ignored: true,
            targets_per_day: 20,
            target_viewers: 500,
        }
    }
}

impl Parameters {
    /// The measured days drawn twice: wider errors, seconds even in a build for tests.
    pub fn short() -> Self {
        Self { draws: 2, ..Self::default() }
    }

    /// How an author stands, by a draw from 0 to 1.
    pub(super) fn standing(&self, bad: bool, draw: f64) -> Standing {
        let (new, good) = if bad { self.bad_authors } else { self.good_authors };
        if draw < new {
            Standing::New
        } else if draw < 1.0 - good {
            Standing::Ordinary
        } else {
            Standing::Good
        }
    }
}
