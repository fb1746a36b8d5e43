//! What follows from verdicts: on reporters who are often wrong, on blocks nobody reviewed, and on the rule
//! itself when it is often overturned or its noise has changed.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{report::Category, settings::RuleSettings};

/// What happens to a reporter who is often wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Sanction {
    /// A warning, first of all.
    Warning,
    /// Their reports do not score for so long. They are stored, and shown to moderators.
    Mute {
        /// Hours.
        hours: u32,
    },
}

/// The next step of the ladder for someone with `wrong` disagreed of `judged` reports in the last 7 days
/// and `earlier` sanctions, the warning among them; `None` when they are right often enough. To be asked
/// after a disagreed verdict, so that one week does not climb the ladder by itself.
pub fn mute_after(settings: &RuleSettings, wrong: u32, judged: u32, earlier: u32) -> Option<Sanction> {
    let share = f64::from(wrong) / f64::from(judged.max(wrong).max(1));
    if wrong < settings.mute_wrong_min || share <= settings.mute_wrong_share {
        return None;
    }
    let [first, second, third] = settings.mute_hours;
    Some(match earlier {
        0 => Sanction::Warning,
        1 => Sanction::Mute { hours: first },
        2 => Sanction::Mute { hours: second },
        _ => Sanction::Mute { hours: third },
    })
}

/// Reports a person may file in a day.
pub fn daily_reports(settings: &RuleSettings, account_age: TimeDelta) -> u32 {
    if account_age < TimeDelta::days(settings.young_days.into()) {
        settings.daily_reports_young
    } else {
        settings.daily_reports
    }
}

/// What becomes of a block that nobody has reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unreviewed {
    /// It stands for now.
    Stands,
    /// It ends: the post is limited.
    BecomesLimited,
    /// It stays, and goes to senior moderators.
    Escalates,
}

/// What becomes of a block in that category, unreviewed since `blocked_at`. An unknown category ends.
pub fn unreviewed(
    settings: &RuleSettings,
    category: Option<Category>,
    blocked_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Unreviewed {
    if now - blocked_at < TimeDelta::hours(settings.block_hours.into()) {
        Unreviewed::Stands
    } else if category.is_some_and(Category::is_scam_or_illegal) {
        Unreviewed::Escalates
    } else {
        Unreviewed::BecomesLimited
    }
}

/// Whether the rule must fall back to limits, after so many overturned of the last auto-blocks judged.
/// Fewer than the window say nothing yet.
pub fn must_fall_back(settings: &RuleSettings, overturned: u32, judged: u32) -> bool {
    judged >= settings.overturn_window && f64::from(overturned) > settings.overturn_share * f64::from(judged)
}

/// The noise rate learned from posts a moderator cleared, each given as its score and its viewers: the 95th
/// percentile of score per viewer, moved to at most 25 % from the present one. `None` without such posts.
pub fn refit_noise_rate(settings: &RuleSettings, cleared: &[(f64, u32)]) -> Option<f64> {
    let mut rates: Vec<f64> = cleared
        .iter()
        .filter(|(score, viewers)| score.is_finite() && *viewers > 0)
        .map(|(score, viewers)| score.max(0.0) / f64::from(*viewers))
        .collect();
    rates.sort_unstable_by(f64::total_cmp);
    let below = settings.refit_percentile * f64::from(u32::try_from(rates.len()).unwrap_or(u32::MAX));
    let mut at = 0.0;
    let learned = rates.iter().copied().find(|_| {
        at += 1.0;
        at >= below
    })?;
    let (least, most) = (1.0 - settings.refit_step, 1.0 + settings.refit_step);
    Some(learned.max(settings.noise_rate * least).min(settings.noise_rate * most))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn the_ladder_warns_first_and_then_mutes_longer() {
        let settings = RuleSettings::default();
        let steps: Vec<_> = (0..5).filter_map(|earlier| mute_after(&settings, 3, 5, earlier)).collect();
        let mute = |hours| Sanction::Mute { hours };
        assert_eq!(steps, [Sanction::Warning, mute(24), mute(168), mute(720), mute(720)]);
        assert_eq!(mute_after(&settings, 2, 2, 3), None, "two slips are no habit");
        assert_eq!(mute_after(&settings, 3, 6, 3), None, "half right is often enough");
        assert_eq!(mute_after(&settings, 3, 0, 0), Some(Sanction::Warning), "a damaged count");
    }

    #[test]
    fn an_unreviewed_block_ends_unless_it_is_a_scam_or_illegal() {
        let settings = RuleSettings::default();
        let at = |hours| DateTime::UNIX_EPOCH + TimeDelta::hours(hours);
        for category in Category::ALL {
            assert_eq!(unreviewed(&settings, Some(category), at(0), at(23)), Unreviewed::Stands);
            let expected = match category {
                Category::LeadingRoom
                | Category::Impersonation
                | Category::FakeProfit
                | Category::Illegal => Unreviewed::Escalates,
                _ => Unreviewed::BecomesLimited,
            };
            assert_eq!(unreviewed(&settings, Some(category), at(0), at(24)), expected);
        }
    }

    #[test]
    fn the_rule_falls_back_above_a_tenth_of_two_hundred() {
        let settings = RuleSettings::default();
        assert!(!must_fall_back(&settings, 199, 199), "too few to say");
        assert!(!must_fall_back(&settings, 20, 200));
        assert!(must_fall_back(&settings, 21, 200));
    }

    #[test]
    fn the_noise_rate_is_fitted_a_quarter_at_a_time() {
        let settings = RuleSettings::default();
        let fit = |rate: f64| refit_noise_rate(&settings, &vec![(rate * 1e4, 10_000); 40]).unwrap();
        assert!((fit(2.2e-4) - 2.2e-4).abs() < 1e-12);
        assert!((fit(9e-4) - 2.5e-4).abs() < 1e-12);
        assert!((fit(0.0) - 1.5e-4).abs() < 1e-12);
        let many: Vec<(f64, u32)> = (1..=100).map(|n| (1.6 + f64::from(n) * 0.008, 10_000)).collect();
        assert!((refit_noise_rate(&settings, &many).unwrap() - 2.36e-4).abs() < 1e-12, "the 95th of 100");
        assert_eq!(refit_noise_rate(&settings, &[]), None);
        assert_eq!(refit_noise_rate(&settings, &[(1.0, 0), (f64::NAN, 5)]), None);
    }

    #[test]
    fn young_accounts_report_less_a_day() {
        let settings = RuleSettings::default();
        assert_eq!(daily_reports(&settings, TimeDelta::days(6)), 5);
        assert_eq!(daily_reports(&settings, TimeDelta::days(7)), 20);
    }
}
