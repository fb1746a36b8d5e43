//! One post under one rule, report by report.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    records::Records,
    world::{Post, World, at},
};
use crate::rule::{
    Case, Category, CurrentState, Outcome, Report, ReportStatus, Reporter, RuleSettings, Standing,
    TextVerdict, Verdict, evaluate,
};

/// Everybody reports the same, so the windows are the short ones.
const CATEGORY: Category = Category::LeadingRoom;

/// A rule, and what an ablation takes from it.
#[derive(Debug, Clone, Default)]
pub(super) struct Contender {
    pub(super) name: String,
    pub(super) settings: RuleSettings,
    /// Whether it sees neither signals nor links.
    pub(super) blind_to_links: bool,
    /// Whether a brigade alarm stops the block, as it must not.
    pub(super) brigade_stops: bool,
}

impl Contender {
    pub(super) fn new(name: impl Into<String>, settings: RuleSettings) -> Self {
        Self { name: name.into(), settings, ..Self::default() }
    }
}

/// A report that is about to be filed.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) after_secs: f64,
    pub(super) reporter: Reporter,
}

/// What became of a post.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) limited: bool,
    /// Seconds from the post to its block.
    pub(super) blocked_after: Option<f64>,
    /// Who reported while they could.
    pub(super) filed: Vec<i64>,
    /// The verdict on the last report.
    pub(super) verdict: Option<Verdict>,
    pub(super) first_report: Option<DateTime<Utc>>,
}

/// The honest reports of a post.
pub(super) fn honest(world: &World, records: &Records, settings: &RuleSettings, post: &Post) -> Vec<Arrival> {
    let arrive = |filing: &super::world::Filing| {
        let opened = world.opened(filing.reporter);
        // Records change at the end of a day only, so the hour does not matter to what has decayed.
        let reporter = records.reporter(settings, filing.reporter, opened, at(post.posted_secs));
        Arrival { after_secs: filing.after_secs, reporter }
    };
    post.filings.iter().map(arrive).collect()
}

/// Files the reports in order until one blocks the post.
pub(super) fn follow(
    world: &World,
    records: &Records,
    contender: &Contender,
    post: &Post,
    standing: Standing,
    mut arrivals: Vec<Arrival>,
) -> Trace {
    arrivals.sort_by(|left, right| left.after_secs.total_cmp(&right.after_secs));
    let mut case = open(post, standing);
    let mut trace = Trace::default();
    for mut arrival in arrivals {
        let now = at(post.posted_secs) + (at(arrival.after_secs) - at(0.0));
        if contender.blind_to_links {
            arrival.reporter.signals = Default::default();
        } else {
            case.links.extend(records.links(arrival.reporter.id, &case.reporters));
        }
        trace.filed.push(arrival.reporter.id);
        trace.first_report.get_or_insert(now);
        case.reports.push(report(arrival.reporter.id, now));
        case.reporters.push(arrival.reporter);
        case.viewers = Some(world.viewers(post, arrival.after_secs) as u32);
        let verdict = evaluate(&contender.settings, &case, now + TimeDelta::milliseconds(1));
        let stopped = contender.brigade_stops && verdict.brigade.is_some();
        trace.limited |= verdict.outcome >= Outcome::Limit && !stopped;
        let blocks = verdict.outcome == Outcome::Block && !stopped;
        trace.verdict = Some(verdict);
        if blocks {
            trace.blocked_after = Some(arrival.after_secs);
            break;
        }
    }
    trace
}

fn open(post: &Post, standing: Standing) -> Case {
    Case {
        standing,
        state: CurrentState::Visible,
        text: TextVerdict {
            flagged: if post.flagged { vec![CATEGORY] } else { vec![] },
            leading_room_hold: false,
        },
        viewers: None,
        reports: Vec::new(),
        reporters: Vec::new(),
        links: Vec::new(),
        dismissals: Vec::new(),
        block_expired: false,
        usual_report_rate: None,
    }
}

fn report(reporter: i64, now: DateTime<Utc>) -> Report {
    Report {
        reporter,
        category: CATEGORY,
        revision: 1,
        reported_at: now,
        status: ReportStatus::Pending,
        view_token_ok: true,
    }
}
