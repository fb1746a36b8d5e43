//! Rings of accounts that report what they want gone: once each, as a campaign, or their own scam, to make
//! honest reports look like a brigade.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    dice::Dice,
    follow::{Arrival, Contender, Trace, follow, honest},
    records::Records,
    world::{Post, World, at, end_of, start_of},
};
use crate::rule::{Reporter, Standing};

/// Ids of attackers begin here, far above those of people.
const FIRST_ATTACKER: i64 = 1 << 40;
const SHARED_DEVICE: u64 = 1;
/// A ring strikes within the first hours, while a post has few viewers and its threshold is low.
const START_WITHIN_SECS: f64 = 2.0 * 3_600.0;
const STRIKE_SECS: f64 = 3_600.0;

/// What the accounts of a ring are like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ring {
    pub(super) name: &'static str,
    pub(super) age_days: i64,
    /// Agreed reports each has gained before.
    pub(super) agreed: f64,
    /// Share of them that a signal joins.
    pub(super) leak: f64,
}

pub(super) const FRESH: Ring = Ring { name: "fresh, 90 % linked", age_days: 1, agreed: 0.0, leak: 0.9 };
pub(super) const AGED_HALF: Ring = Ring { name: "aged, 50 % linked", age_days: 60, agreed: 0.0, leak: 0.5 };
pub(super) const AGED: Ring = Ring { name: "aged, unlinked", age_days: 60, agreed: 0.0, leak: 0.0 };
pub(super) const SLEEPERS: Ring = Ring { name: "sleepers, unlinked", age_days: 60, agreed: 10.0, leak: 0.0 };
const OWN: Ring = Ring { name: "own, linked", age_days: 60, agreed: 0.0, leak: 1.0 };
/// All rings that attack once.
pub(super) const RINGS: [Ring; 4] = [FRESH, AGED_HALF, AGED, SLEEPERS];

/// A ring that stays.
#[derive(Debug, Clone, Copy)]
pub(super) struct Campaign {
    pub(super) name: &'static str,
    pub(super) ring: Ring,
    /// Accounts in all.
    pub(super) pool: u32,
    /// How many of them strike at a time.
    pub(super) strikers: usize,
    /// Whether those who have not reported when the post is blocked save their name.
    pub(super) stops_at_block: bool,
}

/// Shares of attacked posts.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Share {
    pub(super) blocked: f64,
    /// Limited or blocked.
    pub(super) limited: f64,
}

impl Share {
    fn of(traces: &[Trace]) -> Self {
        let all = traces.len().max(1) as f64;
        let share =
            |hit: &dyn Fn(&Trace) -> bool| traces.iter().filter(|trace| hit(trace)).count() as f64 / all;
        Self {
            blocked: share(&|trace| trace.blocked_after.is_some()),
            limited: share(&|trace| trace.limited),
        }
    }
}

/// The world under attack, with what its rule knows of honest people.
pub(super) struct Front<'a> {
    pub(super) world: &'a World,
    pub(super) records: &'a Records,
    pub(super) contender: &'a Contender,
    pub(super) seed: u64,
}

impl Front<'_> {
    /// New accounts for each target, of which nothing can be learned.
    pub(super) fn one_shot(&self, ring: Ring, size: u32, standing: Standing) -> Share {
        let mut dice = Dice::new(self.seed, 3);
        let mut traces = Vec::new();
        for post in self.world.targets(self.seed).concat() {
            let mut arrivals = self.honest(post);
            let start = dice.uniform() * START_WITHIN_SECS;
            arrivals.extend(
                ring_of(ring, size, at(post.posted_secs))
                    .map(|reporter| Arrival { after_secs: start + dice.uniform() * STRIKE_SECS, reporter }),
            );
            traces.push(follow(self.world, self.records, self.contender, post, standing, arrivals));
        }
        Share::of(&traces)
    }

    fn honest(&self, post: &Post) -> Vec<Arrival> {
        honest(self.world, self.records, &self.contender.settings, post)
    }

    /// The same pool strikes day after day; returns the share of each day.
    pub(super) fn campaign(&self, campaign: &Campaign, standing: Standing) -> Vec<Share> {
        let mut dice = Dice::new(self.seed, 4);
        let settings = &self.contender.settings;
        let warm_up = self.world.parameters.warm_up_days;
        let mut records = self.records.clone();
        let members: Vec<i64> = (0..i64::from(campaign.pool)).map(|index| FIRST_ATTACKER + index).collect();
        members.iter().for_each(|id| records.credit(*id, campaign.ring.agreed, start_of(warm_up)));
        let mut shares = Vec::new();
        for (day, mut targets) in (warm_up..).zip(self.world.targets(self.seed)) {
            targets.sort_by(|left, right| left.posted_secs.total_cmp(&right.posted_secs));
            let mut traces = Vec::new();
            for post in &targets {
                let strikers = dice.sample(&members, campaign.strikers);
                traces.push(self.strike(&mut dice, &mut records, campaign, post, standing, strikers));
            }
            for (post, (_, filed)) in targets.iter().zip(&traces) {
                let judge = |id: &i64| records.judge(settings, *id, post.id, post.upheld(), end_of(day));
                filed.iter().for_each(judge);
            }
            records.sanction(settings, end_of(day));
            let traces: Vec<Trace> = traces.into_iter().map(|(trace, _)| trace).collect();
            shares.push(Share::of(&traces));
        }
        shares
    }

    /// One strike; returns what became of the post, and who of the ring reported it.
    fn strike(
        &self,
        dice: &mut Dice,
        records: &mut Records,
        campaign: &Campaign,
        post: &Post,
        standing: Standing,
        strikers: Vec<i64>,
    ) -> (Trace, Vec<i64>) {
        let settings = &self.contender.settings;
        let opened = start_of(self.world.parameters.warm_up_days) - TimeDelta::days(campaign.ring.age_days);
        let mut arrivals = self.honest(post);
        let start = dice.uniform() * START_WITHIN_SECS;
        for id in &strikers {
            let reporter = records.reporter(settings, *id, opened, at(post.posted_secs));
            arrivals.push(Arrival { after_secs: start + dice.uniform() * STRIKE_SECS, reporter });
        }
        let trace = follow(self.world, records, self.contender, post, standing, arrivals);
        let mut filed = strikers;
        if campaign.stops_at_block {
            filed.retain(|id| trace.filed.contains(id));
        }
        filed.iter().for_each(|id| records.reported(*id, post.id));
        records.relink(settings, FIRST_ATTACKER);
        (trace, filed)
    }

    /// A scammer's own linked accounts report his posts first; returns what becomes of the posts with many
    /// viewers.
    pub(super) fn shield(&self, size: u32) -> Share {
        let mut dice = Dice::new(self.seed, 5);
        let mut traces = Vec::new();
        for post in self.world.measured.iter().flatten().flatten() {
            if !post.is_bad() || post.viewers < 1_000.0 {
                continue;
            }
            let mut arrivals = self.honest(post);
            arrivals.extend(
                ring_of(OWN, size, at(post.posted_secs))
                    .map(|reporter| Arrival { after_secs: dice.uniform() * STRIKE_SECS, reporter }),
            );
            traces.push(follow(self.world, self.records, self.contender, post, post.standing, arrivals));
        }
        Share::of(&traces)
    }
}

/// Accounts of that kind; the first ones share a device.
fn ring_of(ring: Ring, size: u32, now: DateTime<Utc>) -> impl Iterator<Item = Reporter> {
    let linked = (f64::from(size) * ring.leak).round() as u32;
    (0..size).map(move |index| {
        let opened = now - TimeDelta::days(ring.age_days);
        let mut reporter = Reporter::newcomer(FIRST_ATTACKER + i64::from(index), opened, true);
        reporter.agreed_decayed = ring.agreed;
        if index < linked {
            reporter.signals.devices.push(SHARED_DEVICE);
        }
        reporter
    })
}
