//! What settings may be. Each bound keeps a promise of the rule, so a slip in the configuration cannot
//! hand the power to hide posts to one person.

use serde::Serialize;

use super::settings::{Mode, RuleSettings};

/// A field that cannot be as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{field} is {found}, but must be {expected}")]
pub struct SettingsError {
    /// Name of the field.
    pub field: &'static str,
    /// Its present value.
    pub found: String,
    /// What would be right.
    pub expected: String,
}

#[derive(Default)]
struct Check {
    errors: Vec<SettingsError>,
}

impl Check {
    fn that(&mut self, holds: bool, field: &'static str, found: impl ToString, expected: impl Into<String>) {
        if !holds {
            self.errors.push(SettingsError { field, found: found.to_string(), expected: expected.into() });
        }
    }

    /// Not-a-number is in no range.
    fn within(&mut self, field: &'static str, value: f64, least: f64, most: f64) {
        let holds = (least..=most).contains(&value);
        self.that(holds, field, value, format!("from {least} to {most}"));
    }

    fn count(&mut self, field: &'static str, value: u32, least: u32, most: u32) {
        let holds = (least..=most).contains(&value);
        self.that(holds, field, value, format!("from {least} to {most}"));
    }
}

impl RuleSettings {
    /// Checks all fields and names every wrong one.
    pub fn validate(&self) -> Result<(), Vec<SettingsError>> {
        let mut check = Check::default();
        self.check_trust(&mut check);
        self.check_maturity(&mut check);
        self.check_clusters(&mut check);
        self.check_threshold(&mut check);
        self.check_times(&mut check);
        self.check_people(&mut check);
        if check.errors.is_empty() { Ok(()) } else { Err(check.errors) }
    }

    fn check_trust(&self, check: &mut Check) {
        check.that(self.version >= 1, "version", self.version, "1 or more");
        if let Mode::Plain { n } = self.mode {
            check.count("mode.n", n, 2, 10_000);
        }
        check.count("plain_n", self.plain_n, 2, 10_000);
        check.within("accuracy_prior_agreed", self.accuracy_prior_agreed, 0.0, 100.0);
        let total = self.accuracy_prior_total;
        check.that(
            total > self.accuracy_prior_agreed && total <= 1_000.0,
            "accuracy_prior_total",
            total,
            format!("more than accuracy_prior_agreed, {}, and at most 1000", self.accuracy_prior_agreed),
        );
        check.within("disagreed_cost", self.disagreed_cost, 1.0, 100.0);
        check.within("accuracy_floor", self.accuracy_floor, 0.0, 0.9);
        check.within("accuracy_span", self.accuracy_span, 0.01, 1.0);
        check.within("weight_max", self.weight_max, 0.5, 3.0);
        check.within("half_life_days", self.half_life_days, 1.0, 3_650.0);
        check.within("opposed_factor", self.opposed_factor, 0.0, 1.0);
    }

    fn check_maturity(&self, check: &mut Check) {
        check.count("newborn_days", self.newborn_days, 1, 365);
        check.count("young_days", self.young_days, self.newborn_days, 365);
        check.count("mature_days", self.mature_days, self.young_days, 3_650);
        check.within("newborn_maturity", self.newborn_maturity, 0.0, 1.0);
        check.within("young_maturity", self.young_maturity, self.newborn_maturity, 1.0);
        check.within("settled_maturity", self.settled_maturity, self.young_maturity, 1.0);
    }

    fn check_clusters(&self, check: &mut Check) {
        check.within("distinct_weight_min", self.distinct_weight_min, 0.01, 1.0);
        check.within("cluster_extra_share", self.cluster_extra_share, 0.0, 1.0);
        check.within("cluster_cap_factor", self.cluster_cap_factor, 1.0, 5.0);
        check.count("link_common_min", self.link_common_min, 2, 100);
        check.within("link_jaccard_min", self.link_jaccard_min, 0.1, 1.0);
        check.count("address_window_minutes", self.address_window_minutes, 0, 24 * 60);
        check.within("brigade_cluster_share", self.brigade_cluster_share, 0.1, 1.0);
        check.count("brigade_reporters_min", self.brigade_reporters_min, 2, 1_000);
        check.within("brigade_rate_factor", self.brigade_rate_factor, 1.0, 1_000.0);
        check.within("brigade_priority_factor", self.brigade_priority_factor, 1.0, 10.0);
    }

    fn check_threshold(&self, check: &mut Check) {
        check.within("threshold", self.threshold, 0.5, 1_000.0);
        check.within("new_author_factor", self.new_author_factor, 0.1, 1.0);
        check.within("good_author_factor", self.good_author_factor, 1.0, 10.0);
        check.within("text_factor", self.text_factor, 0.1, 1.0);
        check.within("base_share", self.base_share, 0.0, 1.0);
        check.within("noise_rate", self.noise_rate, 0.0, 0.1);
        check.within("noise_sigmas", self.noise_sigmas, 0.0, 10.0);
        check.within("noise_cap", self.noise_cap, 0.0, 10_000.0);
        check.within("block_factor", self.block_factor, 1.0, 10.0);
        // Two is what keeps one person from deciding alone.
        check.count("distinct_with_text", self.distinct_with_text, 2, 1_000);
        check.count("distinct", self.distinct, self.distinct_with_text, 1_000);
        check.count("distinct_good_author", self.distinct_good_author, self.distinct, 1_000);
    }

    fn check_times(&self, check: &mut Check) {
        check.count("fast_window_hours", self.fast_window_hours, 1, 24 * 30);
        check.count("window_hours", self.window_hours, 1, 24 * 30);
        check.count("dismissed_lock_hours", self.dismissed_lock_hours, 0, 24 * 30);
        check.within("dismissed_factor", self.dismissed_factor, 1.0, 100.0);
        check.count("block_hours", self.block_hours, 1, 24 * 30);
    }

    fn check_people(&self, check: &mut Check) {
        check.count("mute_wrong_min", self.mute_wrong_min, 1, 1_000);
        check.within("mute_wrong_share", self.mute_wrong_share, 0.0, 1.0);
        let [first, second, third] = self.mute_hours;
        let growing = first >= 1 && first <= second && second <= third;
        check.that(growing, "mute_hours", format!("{:?}", self.mute_hours), "three times that never shrink");
        check.count("daily_reports", self.daily_reports, 1, 10_000);
        check.count("daily_reports_young", self.daily_reports_young, 1, self.daily_reports.max(1));
        check.count("overturn_window", self.overturn_window, 10, 100_000);
        check.within("overturn_share", self.overturn_share, 0.0, 1.0);
        check.within("refit_percentile", self.refit_percentile, 0.5, 1.0);
        check.within("refit_step", self.refit_step, 0.0, 1.0);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_survive_json() {
        let settings = RuleSettings::default();
        settings.validate().unwrap();
        let json = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<RuleSettings>(&json).unwrap(), settings);
        assert_eq!(serde_json::from_str::<RuleSettings>("{}").unwrap(), settings);
        let plain: RuleSettings = serde_json::from_str(r#"{"mode":{"kind":"plain","n":5}}"#).unwrap();
        assert_eq!(plain, RuleSettings::plain(5));
        assert!(serde_json::from_str::<RuleSettings>(r#"{"treshold":4}"#).is_err(), "a slip is not ignored");
    }

    #[test]
    fn every_wrong_field_is_named_with_what_would_be_right() {
        let wrong = RuleSettings {
            mode: Mode::Plain { n: 1 },
            distinct_with_text: 1,
            noise_rate: f64::NAN,
            accuracy_prior_total: 1.0,
            mute_hours: [24, 12, 720],
            ..RuleSettings::default()
        };
        let errors = wrong.validate().unwrap_err();
        let fields: Vec<&str> = errors.iter().map(|error| error.field).collect();
        assert_eq!(
            fields,
            ["mode.n", "accuracy_prior_total", "noise_rate", "distinct_with_text", "mute_hours"]
        );
        assert_eq!(errors.first().unwrap().to_string(), "mode.n is 1, but must be from 2 to 10000");
    }
}
