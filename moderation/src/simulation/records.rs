//! What the service remembers of reporters: verdicts, mutes, and whose un-agreed reports overlap.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::rule::{Link, Mode, Reporter, RuleSettings, Sanction, co_report_links, decayed, mute_after};

#[derive(Debug, Clone)]
struct Record {
    agreed: f64,
    disagreed: f64,
    since: DateTime<Utc>,
    /// When judged, and whether wrong.
    judged: Vec<(DateTime<Utc>, bool)>,
    sanctions: u32,
    muted_until: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Records {
    of: BTreeMap<i64, Record>,
    /// Targets without an agreed verdict.
    targets: BTreeMap<i64, BTreeSet<i64>>,
    links: BTreeMap<i64, Vec<Link>>,
}

impl Records {
    /// Someone with that many agreed reports.
    pub(super) fn credit(&mut self, reporter: i64, agreed: f64, now: DateTime<Utc>) {
        self.record(reporter, now).agreed = agreed;
    }

    fn record(&mut self, reporter: i64, now: DateTime<Utc>) -> &mut Record {
        self.of.entry(reporter).or_insert(Record {
            agreed: 0.0,
            disagreed: 0.0,
            since: now,
            judged: Vec::new(),
            sanctions: 0,
            muted_until: None,
        })
    }

    /// What the rule is told of a person.
    pub(super) fn reporter(
        &self,
        settings: &RuleSettings,
        id: i64,
        opened: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Reporter {
        let mut reporter = Reporter::newcomer(id, opened, true);
        if let Some(record) = self.of.get(&id) {
            reporter.agreed_decayed = decayed(settings, record.agreed, record.since, now);
            reporter.disagreed_decayed = decayed(settings, record.disagreed, record.since, now);
            reporter.muted_until = record.muted_until;
        }
        reporter
    }

    /// Remembers a report that has no verdict yet.
    pub(super) fn reported(&mut self, reporter: i64, target: i64) {
        self.targets.entry(reporter).or_default().insert(target);
    }

    /// Applies a verdict to a reporter, and the ladder after a wrong one.
    pub(super) fn judge(
        &mut self,
        settings: &RuleSettings,
        reporter: i64,
        target: i64,
        agreed: bool,
        now: DateTime<Utc>,
    ) {
        if agreed && let Some(targets) = self.targets.get_mut(&reporter) {
            targets.remove(&target);
        }
        let record = self.record(reporter, now);
        record.agreed = decayed(settings, record.agreed, record.since, now) + f64::from(u8::from(agreed));
        record.disagreed =
            decayed(settings, record.disagreed, record.since, now) + f64::from(u8::from(!agreed));
        record.since = now;
        record.judged.retain(|(when, _)| now - *when < TimeDelta::days(7));
        record.judged.push((now, !agreed));
    }

    /// Takes the next step of the ladder for those judged wrong now: once a day, not once a verdict.
    /// The plain count forgets: it is the baseline.
    pub(super) fn sanction(&mut self, settings: &RuleSettings, now: DateTime<Utc>) {
        if settings.mode != Mode::Weighted {
            return;
        }
        for record in self.of.values_mut() {
            if !record.judged.iter().any(|(when, wrong)| *wrong && *when == now) {
                continue;
            }
            let recent = record.judged.iter().filter(|(when, _)| now - *when < TimeDelta::days(7));
            let (judged, wrong) =
                recent.fold((0, 0), |(all, bad), (_, wrong)| (all + 1, bad + u32::from(*wrong)));
            match mute_after(settings, wrong, judged, record.sanctions) {
                Some(Sanction::Mute { hours }) => {
                    record.muted_until = Some(now + TimeDelta::hours(hours.into()))
                }
                Some(Sanction::Warning) => {}
                None => continue,
            }
            record.sanctions += 1;
        }
    }

    /// Learns anew who is linked, among those with ids from `first` on.
    pub(super) fn relink(&mut self, settings: &RuleSettings, first: i64) {
        let among: BTreeMap<i64, BTreeSet<i64>> =
            self.targets.range(first..).map(|(id, targets)| (*id, targets.clone())).collect();
        self.links.retain(|id, _| *id < first);
        for link in co_report_links(settings, &among) {
            self.links.entry(link.a).or_default().push(link);
            self.links.entry(link.b).or_default().push(link);
        }
    }

    /// The links of a person with others of the case.
    pub(super) fn links(&self, reporter: i64, others: &[Reporter]) -> Vec<Link> {
        let theirs = self.links.get(&reporter).map(Vec::as_slice).unwrap_or_default();
        let within = |link: &&Link| others.iter().any(|other| other.id == link.a || other.id == link.b);
        theirs.iter().filter(within).copied().collect()
    }
}
