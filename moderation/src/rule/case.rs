//! What the rule is asked about, and what it answers: all that a moderator's screen needs to explain a
//! decision, ready for JSON.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    cluster::Link,
    report::{Category, Report, Reporter},
    settings::Mode,
    trust::Weight,
};

/// How an author stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Not known yet.
    New,
    /// Neither new nor proven.
    Ordinary,
    /// Proven.
    Good,
}

/// What the post is now, as far as the rule minds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CurrentState {
    /// Everywhere.
    Visible,
    /// On its own page and the profile only.
    Limited,
    /// Blocked by the rule, provisionally.
    AutoBlocked,
    /// Removed, held or under a legal measure: not the rule's to change.
    Fixed,
}

/// What the text rules say of the post.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextVerdict {
    /// Categories in which an active rule gave hold or limit.
    pub flagged: Vec<Category>,
    /// Whether the leading-room score is at its hold threshold, which agrees with any report.
    pub leading_room_hold: bool,
}

/// A moderator's dismissal of this post's reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissal {
    /// Of which category.
    pub category: Category,
    /// On which revision: an edit lifts it.
    pub revision: i32,
    /// When.
    pub decided_at: DateTime<Utc>,
}

/// A reported post.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// How its author stands.
    pub standing: Standing,
    /// What it is now.
    pub state: CurrentState,
    /// What the text rules say.
    pub text: TextVerdict,
    /// Distinct logged-in people who saw it; `None` when the counter is away: it may then be limited,
    /// but not blocked.
    pub viewers: Option<u32>,
    /// All reports of it.
    pub reports: Vec<Report>,
    /// Who filed them.
    pub reporters: Vec<Reporter>,
    /// Links among them.
    pub links: Vec<Link>,
    /// Dismissals so far.
    pub dismissals: Vec<Dismissal>,
    /// Whether a block of it ended unreviewed: the rule then only limits, or the next report would renew
    /// what was to be provisional.
    pub block_expired: bool,
    /// Reports per viewer that are usual under its ticker, if known.
    pub usual_report_rate: Option<f64>,
}

/// How far the evidence goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing.
    None,
    /// Out of ranking, search, push and recommendation.
    Limit,
    /// Hidden until a moderator has seen it.
    Block,
}

/// Why a report does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotCounted {
    /// Taken back.
    Withdrawn,
    /// Judged already, or expired.
    Closed,
    /// A later report of the same person counts.
    Repeated,
    /// Left the window, or dated after now.
    OutsideWindow,
    /// Came without a valid view token.
    NoView,
    /// Its category was dismissed on its revision less than a day ago.
    Dismissed,
    /// Its reporter's reports are muted.
    Muted,
    /// Its reporter is the author.
    Author,
    /// Its reporter had been blocked by the author.
    BlockedByAuthor,
    /// Nothing is known of its reporter.
    UnknownReporter,
}

/// One report in a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportScore {
    /// Who.
    pub reporter: i64,
    /// What for.
    pub category: Category,
    /// When.
    pub reported_at: DateTime<Utc>,
    /// Why it does not count, if so.
    pub not_counted: Option<NotCounted>,
    /// The weight and its parts, whether it counts or not; `None` for unknown reporters.
    pub weight: Option<Weight>,
    /// What its weight is divided by, after a dismissal.
    pub divided_by: f64,
    /// The cluster, named by the smallest id in it, where it counts.
    pub cluster: Option<i64>,
}

/// One cluster in a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClusterScore {
    /// Its name.
    pub cluster: i64,
    /// Reporters in it.
    pub reporters: u32,
    /// What it adds to the score.
    pub score: f64,
    /// Whether it counts as a distinct one.
    pub distinct: bool,
}

/// Why a block became less than one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldBack {
    /// The rule only limits at present.
    LimitOnly,
    /// The readers could not be counted.
    ViewersUnknown,
    /// An earlier block ended unreviewed.
    BlockExpired,
}

/// What looks like a brigade. It raises the priority of the case and stops nothing: otherwise 20 linked
/// accounts would shield a scam from the people who report it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum BrigadeAlarm {
    /// Much of the reporters is one cluster.
    OneCluster {
        /// Which.
        cluster: i64,
        /// Reporters in it.
        members: u32,
        /// Reporters in all.
        reporters: u32,
    },
    /// Far more reports for its readers than is usual under its ticker.
    RateOverUsual {
        /// Reports per viewer.
        rate: f64,
        /// The usual ones.
        usual: f64,
    },
}

/// What the plain count would have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlainVerdict {
    /// Distinct reporters that count.
    pub reporters: u32,
    /// Reporters that block.
    pub n: u32,
    /// The outcome.
    pub outcome: Outcome,
}

/// What the rule says, and from what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// How far the evidence goes.
    pub outcome: Outcome,
    /// The state the post must change to, where it is not that far yet. The rule never shows more.
    pub change_to: Option<CurrentState>,
    /// The category with most weight, which decides how a block ends.
    pub category: Option<Category>,
    /// The score S.
    pub score: f64,
    /// Distinct clusters D.
    pub distinct_clusters: u32,
    /// Distinct clusters needed.
    pub distinct_needed: u32,
    /// The threshold before the readers are considered.
    pub theta_base: f64,
    /// The part of the threshold that is the noise of its readers.
    pub noise: f64,
    /// The score that limits.
    pub theta: f64,
    /// The score that blocks.
    pub block_threshold: f64,
    /// The readers used.
    pub viewers: Option<u32>,
    /// Whether the text agrees with a report that counts.
    pub text_agrees: bool,
    /// Each report, in the order given.
    pub reports: Vec<ReportScore>,
    /// Each cluster that counts.
    pub clusters: Vec<ClusterScore>,
    /// What looks like a brigade.
    pub brigade: Option<BrigadeAlarm>,
    /// Why a block became less.
    pub held_back: Vec<HeldBack>,
    /// What the plain count would have done.
    pub plain: PlainVerdict,
    /// What decided.
    pub mode: Mode,
    /// Version of the settings.
    pub rule_version: i32,
}
