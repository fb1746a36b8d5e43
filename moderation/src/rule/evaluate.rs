//! The decision.
//!
//! ```text
//! W_c = min(2·max w, max w + 0.2·(Σw − max w))          score of a cluster
//! S   = Σ W_c                                           score of the post
//! D   = clusters whose best reporter weighs ≥ 0.2
//! θ_base = 4 · (0.8 new | 1 | 1.5 good author) · (0.5 if the text agrees)
//! θ   = max(θ_base, θ_base/2 + ε·I + 3.3·√(ε·I))        I = viewers, noise part ≤ 60
//! limit: D ≥ D_min and S ≥ θ          block: D ≥ D_min and (S ≥ θ and the text agrees, or S ≥ 2θ)
//! D_min = 8 for an author in good standing, else 3 if the text agrees, else 5
//! ```
//!
//! After a dismissal three times the evidence is needed. The reports of the dismissed category are divided
//! by three rather than the threshold multiplied: for them it is the same, and a post cannot be shielded
//! against other categories by getting one dismissed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    case::{
        Case, ClusterScore, CurrentState, HeldBack, NotCounted, Outcome, PlainVerdict, ReportScore, Standing,
        Verdict,
    },
    cluster::cluster,
    priority::brigade_alarm,
    report::{Category, Report, ReportStatus, Reporter, Tie},
    settings::{Mode, RuleSettings},
    trust::weight,
};

/// What sums of weights may lack: ten reports of 0.4 reach 4.
const ROUNDING: f64 = 1e-9;

/// Judges a post by its reports. Pure: the same case at the same time gets the same verdict.
///
/// Another report, of someone independent of those before, never lowers the outcome; another viewer never
/// raises it; and no person decides alone, whatever they weigh.
pub fn evaluate(settings: &RuleSettings, case: &Case, now: DateTime<Utc>) -> Verdict {
    let mut reports = score_reports(settings, case, now);
    let clusters = score_clusters(settings, case, &mut reports);
    let score = clusters.iter().map(|cluster| cluster.score).sum();
    let distinct_clusters = count(clusters.iter().filter(|cluster| cluster.distinct).count());
    let text_agrees = text_agrees(settings, case, &reports);
    let distinct_needed = distinct_needed(settings, case.standing, text_agrees);
    let threshold = Threshold::of(settings, case, text_agrees);
    let plain = plain(settings, &reports);
    let weighted = if distinct_clusters < distinct_needed || score + ROUNDING < threshold.theta {
        Outcome::None
    } else if score + ROUNDING < threshold.block {
        Outcome::Limit
    } else {
        Outcome::Block
    };
    let reached = if settings.mode == Mode::Weighted { weighted } else { plain.outcome };
    let held_back = if reached == Outcome::Block { held_back(settings, case) } else { Vec::new() };
    let outcome = if held_back.is_empty() { reached } else { Outcome::Limit };
    Verdict {
        outcome,
        change_to: change_to(case.state, outcome),
        category: leading_category(&reports),
        score,
        distinct_clusters,
        distinct_needed,
        theta_base: threshold.base,
        noise: threshold.noise,
        theta: threshold.theta,
        block_threshold: threshold.block,
        viewers: case.viewers,
        text_agrees,
        brigade: brigade_alarm(settings, case, &clusters),
        reports,
        clusters,
        held_back,
        plain,
        mode: settings.mode,
        rule_version: settings.version,
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Weighs each report and says which count: at most one of a person, the latest.
fn score_reports(settings: &RuleSettings, case: &Case, now: DateTime<Utc>) -> Vec<ReportScore> {
    let people: BTreeMap<i64, &Reporter> = case.reporters.iter().map(|person| (person.id, person)).collect();
    let mut scores: Vec<ReportScore> = case
        .reports
        .iter()
        .map(|report| {
            let person = people.get(&report.reporter).copied();
            ReportScore {
                reporter: report.reporter,
                category: report.category,
                reported_at: report.reported_at,
                not_counted: not_counted(settings, case, report, person, now),
                weight: person.map(|person| weight(settings, person, report.reported_at)),
                divided_by: if is_dismissed(case, report) { settings.dismissed_factor } else { 1.0 },
                cluster: None,
            }
        })
        .collect();
    let mut latest: BTreeMap<i64, (DateTime<Utc>, usize)> = BTreeMap::new();
    for (at, score) in scores.iter().enumerate().filter(|(_, score)| score.not_counted.is_none()) {
        let found = (score.reported_at, at);
        latest.entry(score.reporter).and_modify(|held| *held = found.max(*held)).or_insert(found);
    }
    for (at, score) in scores.iter_mut().enumerate().filter(|(_, score)| score.not_counted.is_none()) {
        if latest.get(&score.reporter).is_some_and(|(_, kept)| *kept != at) {
            score.not_counted = Some(NotCounted::Repeated);
        }
    }
    scores
}

fn not_counted(
    settings: &RuleSettings,
    case: &Case,
    report: &Report,
    person: Option<&Reporter>,
    now: DateTime<Utc>,
) -> Option<NotCounted> {
    match report.status {
        ReportStatus::Pending => {}
        ReportStatus::Withdrawn => return Some(NotCounted::Withdrawn),
        _ => return Some(NotCounted::Closed),
    }
    let Some(person) = person else { return Some(NotCounted::UnknownReporter) };
    match person.tie {
        Some(Tie::Author) => return Some(NotCounted::Author),
        Some(Tie::BlockedByAuthor) => return Some(NotCounted::BlockedByAuthor),
        None => {}
    }
    let age = now - report.reported_at;
    if age < TimeDelta::zero() || age > window(settings, report.category) {
        Some(NotCounted::OutsideWindow)
    } else if !report.view_token_ok {
        Some(NotCounted::NoView)
    } else if person.muted_until.is_some_and(|until| report.reported_at < until) {
        Some(NotCounted::Muted)
    } else if is_locked(settings, case, report, now) {
        Some(NotCounted::Dismissed)
    } else {
        None
    }
}

/// How long a report of that category counts.
pub fn window(settings: &RuleSettings, category: Category) -> TimeDelta {
    let hours = if category.is_spam_or_scam() { settings.fast_window_hours } else { settings.window_hours };
    TimeDelta::hours(hours.into())
}

/// Whether a moderator dismissed what the report says, on the same revision.
fn is_dismissed(case: &Case, report: &Report) -> bool {
    case.dismissals.iter().any(|past| past.category == report.category && past.revision == report.revision)
}

fn is_locked(settings: &RuleSettings, case: &Case, report: &Report, now: DateTime<Utc>) -> bool {
    let lock = TimeDelta::hours(settings.dismissed_lock_hours.into());
    case.dismissals.iter().any(|past| {
        past.category == report.category && past.revision == report.revision && now - past.decided_at < lock
    })
}

/// Scores the clusters of what counts. What does not count joins nobody either: the author's own accounts
/// must not make one voice of the people who report.
fn score_clusters(settings: &RuleSettings, case: &Case, reports: &mut [ReportScore]) -> Vec<ClusterScore> {
    let counted: BTreeSet<i64> =
        reports.iter().filter(|score| score.not_counted.is_none()).map(|score| score.reporter).collect();
    let people: Vec<&Reporter> =
        case.reporters.iter().filter(|person| counted.contains(&person.id)).collect();
    let cluster_of = cluster(settings, &people, &case.links);
    let mut parts: BTreeMap<i64, Parts> = BTreeMap::new();
    for score in reports.iter_mut().filter(|score| score.not_counted.is_none()) {
        score.cluster = cluster_of.get(&score.reporter).copied();
        if let (Some(cluster), Some(weight)) = (score.cluster, score.weight) {
            parts.entry(cluster).or_default().add(weight.weight, score.divided_by);
        }
    }
    parts.into_iter().map(|(cluster, parts)| parts.score(settings, cluster)).collect()
}

#[derive(Default)]
struct Parts {
    reporters: u32,
    best_weight: f64,
    best: f64,
    sum: f64,
}

impl Parts {
    fn add(&mut self, weight: f64, divided_by: f64) {
        let scored = weight / divided_by;
        self.reporters += 1;
        self.best_weight = self.best_weight.max(weight);
        self.best = self.best.max(scored);
        self.sum += scored;
    }

    fn score(&self, settings: &RuleSettings, cluster: i64) -> ClusterScore {
        let joint = self.best + settings.cluster_extra_share * (self.sum - self.best);
        ClusterScore {
            cluster,
            reporters: self.reporters,
            score: joint.min(settings.cluster_cap_factor * self.best),
            distinct: self.best_weight >= settings.distinct_weight_min,
        }
    }
}

/// Whether the text rules flagged a category that someone of weight reported. Any such report will do: were
/// it the leading category, a report of another one could undo a block.
fn text_agrees(settings: &RuleSettings, case: &Case, reports: &[ReportScore]) -> bool {
    case.text.leading_room_hold
        || reports.iter().any(|score| {
            score.not_counted.is_none()
                && score.weight.is_some_and(|weight| weight.weight >= settings.distinct_weight_min)
                && case.text.flagged.contains(&score.category)
        })
}

fn distinct_needed(settings: &RuleSettings, standing: Standing, text_agrees: bool) -> u32 {
    let needed = match (standing, text_agrees) {
        (Standing::Good, _) => settings.distinct_good_author,
        (_, true) => settings.distinct_with_text,
        (_, false) => settings.distinct,
    };
    // Whatever the settings say, no one decides alone.
    needed.max(2)
}

struct Threshold {
    base: f64,
    noise: f64,
    theta: f64,
    block: f64,
}

impl Threshold {
    /// Without a count of readers the base threshold stands, and only limits.
    fn of(settings: &RuleSettings, case: &Case, text_agrees: bool) -> Self {
        let author = match case.standing {
            Standing::New => settings.new_author_factor,
            Standing::Ordinary => 1.0,
            Standing::Good => settings.good_author_factor,
        };
        let text = if text_agrees { settings.text_factor } else { 1.0 };
        let base = settings.threshold * author * text;
        let expected = settings.noise_rate * f64::from(case.viewers.unwrap_or(0));
        let noise = (expected + settings.noise_sigmas * expected.sqrt()).min(settings.noise_cap);
        let theta = base.max(settings.base_share * base + noise);
        let block = if text_agrees { theta } else { settings.block_factor * theta };
        Self { base, noise, theta, block }
    }
}

fn plain(settings: &RuleSettings, reports: &[ReportScore]) -> PlainVerdict {
    let n = match settings.mode {
        Mode::Plain { n } => n,
        Mode::Weighted => settings.plain_n,
    };
    let reporters = count(reports.iter().filter(|score| score.not_counted.is_none()).count());
    let outcome = if reporters >= n.max(2) { Outcome::Block } else { Outcome::None };
    PlainVerdict { reporters, n, outcome }
}

fn held_back(settings: &RuleSettings, case: &Case) -> Vec<HeldBack> {
    let reasons = [
        (settings.limit_only, HeldBack::LimitOnly),
        (settings.mode == Mode::Weighted && case.viewers.is_none(), HeldBack::ViewersUnknown),
        (case.block_expired, HeldBack::BlockExpired),
    ];
    reasons.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).collect()
}

fn change_to(state: CurrentState, outcome: Outcome) -> Option<CurrentState> {
    match (state, outcome) {
        (CurrentState::Visible | CurrentState::Limited, Outcome::Block) => Some(CurrentState::AutoBlocked),
        (CurrentState::Visible, Outcome::Limit) => Some(CurrentState::Limited),
        _ => None,
    }
}

fn leading_category(reports: &[ReportScore]) -> Option<Category> {
    let mut weights: BTreeMap<Category, f64> = BTreeMap::new();
    for score in reports.iter().filter(|score| score.not_counted.is_none()) {
        let weight = score.weight.map_or(0.0, |weight| weight.weight / score.divided_by);
        *weights.entry(score.category).or_default() += weight;
    }
    weights.into_iter().max_by(|left, right| left.1.total_cmp(&right.1)).map(|(category, _)| category)
}
