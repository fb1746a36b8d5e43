//! In what order moderators see cases, and what looks like a brigade, which is part of it and of nothing
//! else.

use chrono::TimeDelta;

use super::{
    case::{BrigadeAlarm, Case, ClusterScore, Verdict},
    report::Category,
    settings::RuleSettings,
};

/// Whether the reporters look organised. The usual rate of the ticker is compared only from as many
/// reporters on as the other test needs: one report among two viewers is no rate.
pub(super) fn brigade_alarm(
    settings: &RuleSettings,
    case: &Case,
    clusters: &[ClusterScore],
) -> Option<BrigadeAlarm> {
    let reporters: u32 = clusters.iter().map(|cluster| cluster.reporters).sum();
    if reporters < settings.brigade_reporters_min {
        return None;
    }
    let largest = clusters.iter().max_by_key(|cluster| cluster.reporters)?;
    if f64::from(largest.reporters) >= settings.brigade_cluster_share * f64::from(reporters) {
        return Some(BrigadeAlarm::OneCluster {
            cluster: largest.cluster,
            members: largest.reporters,
            reporters,
        });
    }
    let usual = case.usual_report_rate?;
    let rate = f64::from(reporters) / f64::from(case.viewers?.max(1));
    (rate > settings.brigade_rate_factor * usual).then_some(BrigadeAlarm::RateOverUsual { rate, usual })
}

/// Harm a post of that category does to one reader, against spam as 1: money lost counts most.
pub const fn harm(category: Category) -> f64 {
    match category {
        Category::LeadingRoom | Category::Impersonation | Category::FakeProfit => 5.0,
        Category::Illegal => 4.0,
        Category::FalseInformation | Category::Sexual | Category::Abuse => 2.0,
        Category::Spam | Category::Other => 1.0,
    }
}

/// Place of a case in the queue, greatest first:
///
/// ```text
/// harm · log10(10 + viewers) · confidence · (1.5 with a brigade) + hours waited / 2
/// confidence = 0.1 + 0.9 · min(1, S / block threshold)
/// ```
///
/// The first part is at most 45 for a million readers, so after four days no later case overtakes.
pub fn priority(settings: &RuleSettings, verdict: &Verdict, waited: TimeDelta) -> f64 {
    let harm = verdict.category.map_or(1.0, harm);
    let exposure = (10.0 + f64::from(verdict.viewers.unwrap_or(0))).log10();
    let confidence = 0.1 + 0.9 * (verdict.score / verdict.block_threshold.max(f64::MIN_POSITIVE)).min(1.0);
    let brigade = if verdict.brigade.is_some() { settings.brigade_priority_factor } else { 1.0 };
    harm * exposure * confidence * brigade + waited.as_seconds_f64().max(0.0) / 7_200.0
}
