//! How much one reporter's word weighs.
//!
//! ```text
//! p = (1 + A) / (2.5 + A + 3·D)      accuracy, shrunken; A, D = agreed, disagreed verdicts, half-life 180 d
//! m = 0.1 | 0.3 | 0.7 | 1            maturity: < 1 d or unchecked, < 7 d, < 30 d, older
//! w = m · clamp((p − 0.2) / 0.4, 0, 1.5) / (1 + v)      v = disagreed reports on this author
//! ```
//!
//! So a newcomer with a mature account weighs 0.5, someone who is always wrong 0, the best 1.5. The
//! numbers are settings.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{report::Reporter, settings::RuleSettings};

/// What a weight was made of.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Weight {
    /// Accuracy, from 0 to 1.
    pub accuracy: f64,
    /// Maturity of the account, from 0 to 1.
    pub maturity: f64,
    /// Discount for earlier wrong reports on this author, from 0 to 1.
    pub vendetta: f64,
    /// Discount for an opposed stance or holding, from 0 to 1.
    pub opposed: f64,
    /// The weight, from 0 to the greatest one.
    pub weight: f64,
}

/// A value from 0 to `most`. Stored numbers may be damaged; not-a-number counts as none.
fn bounded(value: f64, most: f64) -> f64 {
    if value > 0.0 { value.min(most) } else { 0.0 }
}

fn tally(value: f64) -> f64 {
    bounded(value, 1e9)
}

/// Shrunken accuracy of a reporter with these decayed verdicts.
pub fn accuracy(settings: &RuleSettings, agreed: f64, disagreed: f64) -> f64 {
    let (agreed, disagreed) = (tally(agreed), tally(disagreed));
    (settings.accuracy_prior_agreed + agreed)
        / (settings.accuracy_prior_total + agreed + settings.disagreed_cost * disagreed)
}

/// Maturity of an account of that age.
pub fn maturity(settings: &RuleSettings, age: TimeDelta, verified: bool) -> f64 {
    let below = |days: u32| age < TimeDelta::days(days.into());
    if !verified || below(settings.newborn_days) {
        settings.newborn_maturity
    } else if below(settings.young_days) {
        settings.young_maturity
    } else if below(settings.mature_days) {
        settings.settled_maturity
    } else {
        1.0
    }
}

/// Weight of a report that the person files at `reported_at`. The account's age is that of the report: a
/// score must not grow because accounts ripen while a case waits.
pub fn weight(settings: &RuleSettings, reporter: &Reporter, reported_at: DateTime<Utc>) -> Weight {
    let accuracy = accuracy(settings, reporter.agreed_decayed, reporter.disagreed_decayed);
    let maturity = maturity(settings, reported_at - reporter.created_at, reporter.verified);
    let vendetta = 1.0 / (1.0 + f64::from(reporter.disagreed_on_author));
    let opposed = 1.0 - bounded(reporter.opposed, 1.0) * (1.0 - settings.opposed_factor);
    let trust = bounded((accuracy - settings.accuracy_floor) / settings.accuracy_span, settings.weight_max);
    Weight { accuracy, maturity, vendetta, opposed, weight: maturity * trust * vendetta * opposed }
}

/// What is left of a stored tally after the time since it was stored.
pub fn decayed(settings: &RuleSettings, value: f64, since: DateTime<Utc>, now: DateTime<Utc>) -> f64 {
    let days = (now - since).as_seconds_f64().max(0.0) / 86_400.0;
    tally(value) * (-days / settings.half_life_days).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(days: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000 + days)
    }

    fn weigh(agreed: f64, disagreed: f64, age_days: i64, verified: bool, earlier: u32) -> f64 {
        let mut reporter = Reporter::newcomer(1, at(-age_days), verified);
        (reporter.agreed_decayed, reporter.disagreed_decayed) = (agreed, disagreed);
        reporter.disagreed_on_author = earlier;
        weight(&RuleSettings::default(), &reporter, at(0)).weight
    }

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[test]
    fn weights_are_those_of_the_formula() {
        assert!(close(weigh(0.0, 0.0, 60, true, 0), 0.5), "a newcomer without verdicts");
        assert!(close(weigh(0.0, 3.0, 60, true, 0), 0.0), "a serial false reporter");
        assert!(close(weigh(100.0, 0.0, 60, true, 0), 1.5), "the best reporter");
        assert!(close(weigh(0.0, 0.0, 1, true, 0), 0.15), "an account of one day");
        assert!(close(weigh(0.0, 0.0, 0, true, 0), 0.05), "an account of today");
        assert!(close(weigh(0.0, 0.0, 900, false, 0), 0.05), "an unchecked one");
        assert!(close(weigh(0.0, 0.0, 29, true, 0), 0.35), "one of the last month");
        assert!(close(weigh(0.0, 0.0, 60, true, 1), 0.25), "a second go at an author");
    }

    #[test]
    fn damaged_tallies_weigh_nothing_out_of_range() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -5.0, f64::MAX] {
            for other in [bad, 0.0] {
                let weight = weigh(bad, other, 60, true, 0);
                assert!((0.0..=1.5).contains(&weight), "{bad} {other} gives {weight}");
            }
        }
    }

    #[test]
    fn verdicts_lose_half_their_effect_in_180_days_and_never_gain() {
        let settings = RuleSettings::default();
        assert!(close(decayed(&settings, 8.0, at(0), at(180)), 4.0));
        assert!(close(decayed(&settings, 8.0, at(0), at(360)), 2.0));
        assert!(close(decayed(&settings, 8.0, at(5), at(0)), 8.0), "a clock that ran back");
    }

    #[test]
    fn opposed_people_count_less_only_where_the_setting_says_so() {
        let mut reporter = Reporter::newcomer(1, at(-60), true);
        reporter.opposed = 0.5;
        let discounted = RuleSettings { opposed_factor: 0.4, ..RuleSettings::default() };
        assert!(close(weight(&RuleSettings::default(), &reporter, at(0)).weight, 0.5));
        assert!(close(weight(&discounted, &reporter, at(0)).weight, 0.35));
    }
}
