//! Every constant of the rule, in one row that carries a version.

use serde::{Deserialize, Serialize};

/// What decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Mode {
    /// Weighted, independent evidence against a threshold that grows with the readers.
    Weighted,
    /// A bare count of distinct reporters: blocks at `n`.
    Plain {
        /// Distinct reporters that block; at least 2.
        n: u32,
    },
}

/// The settings of the rule. The values that decided are stored with the case, by their version.
///
/// A field that is left out takes its default; an unknown one is an error, since it would be a typing
/// mistake that changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuleSettings {
    /// Version of this row, stored with each decision.
    pub version: i32,
    /// What decides.
    pub mode: Mode,
    /// Whether blocks are lowered to limits: the fall-back when too many blocks were overturned.
    pub limit_only: bool,
    /// Reporters at which the plain count is said to have blocked, for comparison in weighted mode.
    pub plain_n: u32,

    /// Agreed verdicts everyone is credited with.
    pub accuracy_prior_agreed: f64,
    /// Verdicts everyone is credited with, agreed and others; more than `accuracy_prior_agreed`.
    pub accuracy_prior_total: f64,
    /// How many agreed verdicts one disagreed verdict outweighs.
    pub disagreed_cost: f64,
    /// Accuracy up to which a reporter weighs nothing.
    pub accuracy_floor: f64,
    /// Accuracy above the floor at which a reporter weighs 1.
    pub accuracy_span: f64,
    /// Greatest weight of a reporter.
    pub weight_max: f64,
    /// Days in which a past verdict loses half its effect.
    pub half_life_days: f64,

    /// Age in days below which an account is newborn.
    pub newborn_days: u32,
    /// Age in days below which an account is young.
    pub young_days: u32,
    /// Age in days from which an account is mature.
    pub mature_days: u32,
    /// Maturity of newborn accounts, and of those without a phone or identity check.
    pub newborn_maturity: f64,
    /// Maturity of young accounts.
    pub young_maturity: f64,
    /// Maturity of accounts neither young nor mature.
    pub settled_maturity: f64,

    /// Factor on the weight of a reporter whose stance or holding is fully opposed to the post. 1 is
    /// neutral and the default: opposed people also see scams first, so it waits for real data.
    pub opposed_factor: f64,

    /// Weight from which the best reporter of a cluster makes it count as a distinct one.
    pub distinct_weight_min: f64,
    /// Share of the other weights of a cluster that is added to its greatest one.
    pub cluster_extra_share: f64,
    /// Greatest score of a cluster, in multiples of its greatest weight.
    pub cluster_cap_factor: f64,
    /// Common targets without an agreed verdict from which two reporters may be linked.
    pub link_common_min: u32,
    /// Jaccard similarity of such targets from which they are linked.
    pub link_jaccard_min: f64,
    /// Minutes within which two sightings on one network join their reporters.
    pub address_window_minutes: u32,

    /// Score that limits a post of an ordinary author with few readers.
    pub threshold: f64,
    /// Factor on the threshold for a new author.
    pub new_author_factor: f64,
    /// Factor on the threshold for an author in good standing.
    pub good_author_factor: f64,
    /// Factor on the threshold where the text agrees.
    pub text_factor: f64,
    /// Share of the base threshold that stands above the noise of a large audience.
    pub base_share: f64,
    /// Weighted reports that a viewer of a post in order files on average.
    pub noise_rate: f64,
    /// Standard deviations of that noise a score must clear.
    pub noise_sigmas: f64,
    /// Greatest noise part of a threshold: no audience puts a post out of reach.
    pub noise_cap: f64,
    /// Multiple of the threshold that blocks without the text.
    pub block_factor: f64,
    /// Distinct clusters needed where the text agrees.
    pub distinct_with_text: u32,
    /// Distinct clusters needed otherwise.
    pub distinct: u32,
    /// Distinct clusters needed against an author in good standing, whatever the text.
    pub distinct_good_author: u32,

    /// Hours a report of spam or scam counts.
    pub fast_window_hours: u32,
    /// Hours any other report counts.
    pub window_hours: u32,
    /// Hours after a dismissal in which the same category on the same revision does not score.
    pub dismissed_lock_hours: u32,
    /// How many times the evidence it takes after that.
    pub dismissed_factor: f64,
    /// Hours after which a block that nobody reviewed ends or escalates.
    pub block_hours: u32,

    /// Share of the reporters in one cluster that looks like a brigade.
    pub brigade_cluster_share: f64,
    /// Reporters below which no brigade is called.
    pub brigade_reporters_min: u32,
    /// Multiple of the ticker's reports per viewer that looks like a brigade.
    pub brigade_rate_factor: f64,
    /// Factor on the priority of a case with a brigade.
    pub brigade_priority_factor: f64,

    /// Disagreed reports in 7 days from which a reporter is sanctioned.
    pub mute_wrong_min: u32,
    /// Share of wrong reports above which they are.
    pub mute_wrong_share: f64,
    /// Hours of the mutes that follow the warning; the last one repeats.
    pub mute_hours: [u32; 3],
    /// Reports a person may file in a day.
    pub daily_reports: u32,
    /// The same for young accounts.
    pub daily_reports_young: u32,

    /// Auto-blocks over which overturns are counted.
    pub overturn_window: u32,
    /// Share of them above which the rule falls back to limits.
    pub overturn_share: f64,
    /// Percentile of cleared posts the noise rate is fitted to.
    pub refit_percentile: f64,
    /// Greatest change of the noise rate in one fit, as a share.
    pub refit_step: f64,
}

impl Default for RuleSettings {
    fn default() -> Self {
        Self {
            version: 1,
            mode: Mode::Weighted,
            limit_only: false,
            plain_n: 5,
            accuracy_prior_agreed: 1.0,
            accuracy_prior_total: 2.5,
            disagreed_cost: 3.0,
            accuracy_floor: 0.2,
            accuracy_span: 0.4,
            weight_max: 1.5,
            half_life_days: 180.0,
            newborn_days: 1,
            young_days: 7,
            mature_days: 30,
            newborn_maturity: 0.1,
            young_maturity: 0.3,
            settled_maturity: 0.7,
            opposed_factor: 1.0,
            distinct_weight_min: 0.2,
            cluster_extra_share: 0.2,
            cluster_cap_factor: 2.0,
            link_common_min: 3,
            link_jaccard_min: 0.5,
            address_window_minutes: 60,
            threshold: 4.0,
            new_author_factor: 0.8,
            good_author_factor: 1.5,
            text_factor: 0.5,
            base_share: 0.5,
            noise_rate: 2e-4,
            noise_sigmas: 3.3,
            noise_cap: 60.0,
            block_factor: 2.0,
            distinct_with_text: 3,
            distinct: 5,
            distinct_good_author: 8,
            fast_window_hours: 24,
            window_hours: 72,
            dismissed_lock_hours: 24,
            dismissed_factor: 3.0,
            block_hours: 24,
            brigade_cluster_share: 0.5,
            brigade_reporters_min: 6,
            brigade_rate_factor: 5.0,
            brigade_priority_factor: 1.5,
            mute_wrong_min: 3,
            mute_wrong_share: 0.5,
            mute_hours: [24, 7 * 24, 30 * 24],
            daily_reports: 20,
            daily_reports_young: 5,
            overturn_window: 200,
            overturn_share: 0.1,
            refit_percentile: 0.95,
            refit_step: 0.25,
        }
    }
}

impl RuleSettings {
    /// The default settings with the plain count in charge.
    pub fn plain(n: u32) -> Self {
        Self { mode: Mode::Plain { n }, plain_n: n, ..Self::default() }
    }
}
