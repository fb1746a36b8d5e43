//! The auto-block rule: "a post with many reports blocks itself", weighted by who reports, how independent
//! they are, who wrote the post and how many saw it. A bare count would be a weapon; it stays as a switch,
//! and every verdict says what it would have done.
//!
//! Everything here is pure: time is an argument, nothing is read or written, no case can make it panic.
//! `report` is what goes in, `trust` weighs one reporter, `cluster` finds who is one voice, `evaluate`
//! decides, `case` is the question and the answer, `priority` orders the queue, `follow_up` is what verdicts
//! lead to, `settings` holds every constant and `validate` its bounds.
//!
//! Known limits. Seven or eight trusted accounts that share nothing block one post once; review within
//! minutes bounds the harm. If honest people report half as often as assumed, fewer scams are caught: the
//! constants must be fitted to real rates. A network shared by strangers joins them for an hour, so the
//! address window should be short where carriers put many behind one address.

mod case;
mod cluster;
mod evaluate;
mod follow_up;
mod priority;
mod report;
mod settings;
#[cfg(test)]
mod tests;
mod trust;
mod validate;

pub use case::{
    BrigadeAlarm, Case, ClusterScore, CurrentState, Dismissal, HeldBack, NotCounted, Outcome, PlainVerdict,
    ReportScore, Standing, TextVerdict, Verdict,
};
pub use cluster::{Link, cluster, co_report_links};
pub use evaluate::{evaluate, window};
pub use follow_up::{
    Sanction, Unreviewed, daily_reports, must_fall_back, mute_after, refit_noise_rate, unreviewed,
};
pub use priority::{harm, priority};
pub use report::{Category, Network, Report, ReportStatus, Reporter, Sighting, Signals, Tie};
pub use settings::{Mode, RuleSettings};
pub use trust::{Weight, accuracy, decayed, maturity, weight};
pub use validate::SettingsError;
