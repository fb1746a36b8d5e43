//! Nobody attacks: what a rule catches, what it wrongs, and how soon.

use super::{
    follow::{Contender, Trace, follow, honest},
    records::Records,
    world::{Kind, Post, World, end_of},
};
use crate::rule::priority;

/// Viewers from which a bad post must be caught.
const MANY: f64 = 1_000.0;
/// Viewers from which a good post is a loss when blocked.
const VIRAL: f64 = 20_000.0;

/// What a rule did in the measured days.
#[derive(Debug, Clone, Default)]
pub(super) struct Peace {
    /// Of the blocked, the bad; 1 when none were blocked.
    pub(super) precision: f64,
    /// Of the bad posts with many viewers, the blocked.
    pub(super) recall: f64,
    /// The same, limited or blocked.
    pub(super) recall_limit: f64,
    /// Of the views of bad posts, those that blocks prevented.
    pub(super) saved: f64,
    /// Median of the minutes from a bad post to its block.
    pub(super) minutes: f64,
    /// Good posts blocked a day.
    pub(super) wrong_per_day: f64,
    /// Good posts with 20,000 viewers and more that were blocked.
    pub(super) viral_blocked: f64,
    /// All of those.
    pub(super) viral: f64,
}

#[derive(Default)]
struct Tally {
    peace: Peace,
    blocked_bad: f64,
    blocked_good: f64,
    many: f64,
    views: f64,
    minutes: Vec<f64>,
}

/// Runs all days under one rule; returns what it did, and what was known of reporters when the measured
/// days began.
pub(super) fn live(world: &World, contender: &Contender) -> (Peace, Records) {
    let mut records = Records::default();
    for (day, posts) in (0..).zip(&world.warm_up) {
        live_day(world, contender, &mut records, day, posts, None);
    }
    let mut tally = Tally::default();
    for days in &world.measured {
        let mut records = records.clone();
        for (day, posts) in (world.parameters.warm_up_days..).zip(days) {
            live_day(world, contender, &mut records, day, posts, Some(&mut tally));
        }
    }
    (tally.finish(world), records)
}

fn live_day(
    world: &World,
    contender: &Contender,
    records: &mut Records,
    day: u32,
    posts: &[Post],
    tally: Option<&mut Tally>,
) {
    let traces: Vec<(&Post, Trace)> = posts
        .iter()
        .map(|post| {
            let arrivals = honest(world, records, &contender.settings, post);
            (post, follow(world, records, contender, post, post.standing, arrivals))
        })
        .collect();
    if let Some(tally) = tally {
        traces.iter().for_each(|(post, trace)| tally.add(world, post, trace));
    }
    moderate(world, contender, records, day, traces);
}

/// Moderators judge the day's cases in order of priority, as many as they can: each report takes a
/// verdict.
fn moderate(
    world: &World,
    contender: &Contender,
    records: &mut Records,
    day: u32,
    traces: Vec<(&Post, Trace)>,
) {
    let now = end_of(day);
    let settings = &contender.settings;
    let mut cases: Vec<(f64, &Post, Vec<i64>)> = Vec::new();
    for (post, trace) in traces {
        let (Some(verdict), Some(first)) = (trace.verdict, trace.first_report) else { continue };
        trace.filed.iter().for_each(|reporter| records.reported(*reporter, post.id));
        cases.push((priority(settings, &verdict, now - first), post, trace.filed));
    }
    cases.sort_by(|left, right| right.0.total_cmp(&left.0));
    let mut left = world.parameters.verdicts_per_day;
    for (_, post, filed) in cases {
        let Some(rest) = left.checked_sub(filed.len()) else { break };
        left = rest;
        if world.parameters.disputes_ignored && post.kind == Kind::Controversial {
            continue;
        }
        filed.into_iter().for_each(|who| records.judge(settings, who, post.id, post.upheld(), now));
    }
    records.sanction(settings, now);
    records.relink(settings, i64::MIN);
}

impl Tally {
    fn add(&mut self, world: &World, post: &Post, trace: &Trace) {
        let blocked = f64::from(u8::from(trace.blocked_after.is_some()));
        if !post.is_bad() {
            self.blocked_good += blocked;
            if post.viewers >= VIRAL {
                self.peace.viral += 1.0;
                self.peace.viral_blocked += blocked;
            }
            return;
        }
        self.blocked_bad += blocked;
        self.views += post.viewers;
        if post.viewers >= MANY {
            self.many += 1.0;
            self.peace.recall += blocked;
            self.peace.recall_limit += f64::from(u8::from(trace.limited));
        }
        if let Some(after) = trace.blocked_after {
            self.peace.saved += post.viewers - world.viewers(post, after);
            self.minutes.push(after / 60.0);
        }
    }

    fn finish(mut self, world: &World) -> Peace {
        self.minutes.sort_unstable_by(f64::total_cmp);
        let median = self.minutes.get(self.minutes.len() / 2).copied().unwrap_or(f64::NAN);
        let blocked = self.blocked_bad + self.blocked_good;
        let draws = f64::from(world.parameters.draws.max(1));
        Peace {
            precision: if blocked > 0.0 { self.blocked_bad / blocked } else { 1.0 },
            recall: self.peace.recall / self.many.max(1.0),
            recall_limit: self.peace.recall_limit / self.many.max(1.0),
            saved: self.peace.saved / self.views.max(1.0),
            minutes: median,
            wrong_per_day: self.blocked_good / (draws * f64::from(world.parameters.measured_days.max(1))),
            viral_blocked: self.peace.viral_blocked / draws,
            viral: self.peace.viral / draws,
        }
    }
}
