#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;

const FACTS: Facts = Facts {
    trading_days: 250,
    closed_positions: 3,
    largest_held: None,
    mean_invested: 0.3,
    max_drawdown: 0.1,
};

fn day(account_return: f64, market_return: f64) -> Day {
    Day { account_return, market_return, invested: 0.9 }
}

/// Days that swing by `swing` around `mean`, in no rhythm that repeats soon.
fn swinging(count: usize, mean: f64, swing: f64) -> Vec<Day> {
    (0..count).map(|at| day(mean + swing * ((at * at) as f64 * 1.37).sin(), 0.0)).collect()
}

fn reasons(facts: Facts) -> Vec<Ineligible> {
    standing(&swinging(30, 0.001, 0.01), &facts).eligible.err().unwrap_or_default()
}

#[test]
fn exactly_the_minimum_of_everything_is_eligible() {
    assert!(reasons(Facts { trading_days: 20, ..FACTS }).is_empty());
}

#[test]
fn nineteen_days_are_too_few() {
    assert_eq!(reasons(Facts { trading_days: 19, ..FACTS }), [Ineligible::FewDays]);
}

#[test]
fn two_closed_positions_need_a_held_one_of_size_and_age() {
    let held = |weight, days| Facts {
        closed_positions: 2,
        largest_held: Some(HeldPosition { weight, days }),
        ..FACTS
    };
    assert!(reasons(held(0.1, 20)).is_empty());
    assert_eq!(reasons(held(0.099, 20)), [Ineligible::FewPositions]);
    assert_eq!(reasons(held(0.5, 19)), [Ineligible::FewPositions]);
    assert_eq!(reasons(Facts { closed_positions: 2, ..FACTS }), [Ineligible::FewPositions]);
}

#[test]
fn an_account_mostly_in_cash_is_not_ranked_and_every_reason_is_told() {
    assert_eq!(reasons(Facts { mean_invested: 0.29, ..FACTS }), [Ineligible::LittleInvested]);
    let nothing = Facts { trading_days: 0, closed_positions: 0, mean_invested: 0.0, ..FACTS };
    assert_eq!(
        standing(&[], &nothing).eligible,
        Err(vec![
            Ineligible::FewDays,
            Ineligible::FewPositions,
            Ineligible::LittleInvested,
            Ineligible::EmptyWindow
        ])
    );
}

#[test]
fn what_is_not_a_number_is_refused_and_scores_worst() {
    let mut window = swinging(30, 0.001, 0.01);
    window[7].account_return = f64::NAN;
    let broken = standing(&window, &FACTS);
    assert_eq!(broken.eligible, Err(vec![Ineligible::Unreadable]));
    assert_eq!(broken.score, WORST_SCORE);
    let cash = standing(&swinging(30, 0.001, 0.01), &Facts { mean_invested: f64::NAN, ..FACTS });
    assert_eq!(cash.eligible, Err(vec![Ineligible::LittleInvested, Ineligible::Unreadable]));
}

#[test]
fn the_mean_excess_is_the_yearly_log_return_over_the_market() {
    let window = [day(0.02, 0.01), day(-0.01, 0.0), day(0.03, -0.01), day(0.0, 0.02)];
    let by_hand = (1.02_f64 / 1.01).ln() + 0.99_f64.ln() + (1.03_f64 / 0.99).ln() + (1.0_f64 / 1.02).ln();
    let got = standing(&window, &FACTS).mean_excess;
    assert!((got - by_hand / 4.0 * 252.0).abs() < 1e-12, "{got}");
}

#[test]
fn two_days_give_the_bound_a_hand_computes() {
    let settings =
        SkillSettings { z: 1.0, prior_days: 2.0, prior_variance_days: 0.0, ..SkillSettings::default() };
    let window = [day(0.02_f64.exp_m1(), 0.0), day(0.0, 0.0)];
    // Mean 0.01, variance 0.0002, error 0.01; half of the mean is left; Student's 1 + 2/4 + 24/96 = 1.75.
    let got = standing_with(&settings, &window, &FACTS);
    assert!((got.standard_error - 2.52).abs() < 1e-9, "{got:?}");
    assert!((got.lower_bound - 252.0 * (0.005 - 0.0175)).abs() < 1e-9, "{got:?}");
    assert!((got.score - (got.lower_bound - 0.1 * settings.drawdown_penalty)).abs() < 1e-12);
}

#[test]
fn the_same_mean_is_worth_less_from_fewer_or_wilder_days_or_after_a_deeper_fall() {
    let score = |window: &[Day], facts: &Facts| standing(window, facts).score;
    let steady = score(&swinging(250, 0.001, 0.005), &FACTS);
    assert!(steady > score(&swinging(40, 0.001, 0.005), &FACTS));
    assert!(steady > score(&swinging(250, 0.001, 0.05), &FACTS));
    assert!(steady > score(&swinging(250, 0.001, 0.005), &Facts { max_drawdown: 0.5, ..FACTS }));
}

#[test]
fn days_that_repeat_each_other_count_for_fewer() {
    let independent: Vec<Day> = swinging(240, 0.002, 0.01);
    let mut repeated: Vec<Day> = Vec::new();
    for one in independent.iter().step_by(4) {
        repeated.extend([*one; 4]);
    }
    let (free, stale) = (standing(&independent, &FACTS), standing(&repeated, &FACTS));
    assert!(stale.standard_error > 1.3 * free.standard_error, "{stale:?} {free:?}");
}

#[test]
fn an_account_wiped_out_has_a_finite_and_terrible_score() {
    let mut window = swinging(100, 0.01, 0.01);
    window[50].account_return = -1.0;
    let wiped = standing(&window, &Facts { max_drawdown: 1.0, ..FACTS });
    assert!(wiped.score.is_finite() && wiped.score < -1.0, "{wiped:?}");
}

#[test]
fn cash_in_a_rising_market_is_the_market_missed() {
    let idle: Vec<Day> =
        (0..100).map(|_| Day { account_return: 0.0, market_return: 0.001, invested: 0.0 }).collect();
    assert!(standing(&idle, &FACTS).lower_bound < -0.25);
}

#[test]
fn the_lower_bound_finds_at_least_three_times_as_many_skilled_as_the_raw_return() {
    let report = simulate::simulate(2);
    println!("{report}");
    assert!(report.precision_ratio() >= 3.0, "{report}");
    assert!(report.mean(|seed| seed.ours.next_correlation) > 0.08, "{report}");
    assert!(report.mean(|seed| seed.ours.next) > 0.0, "{report}");
    assert_eq!(report, simulate::simulate(2), "the same seeds give the same report");
}

fn any_day() -> impl Strategy<Value = Day> {
    (any::<f64>(), any::<f64>(), any::<f64>()).prop_map(|(account_return, market_return, invested)| Day {
        account_return,
        market_return,
        invested,
    })
}

proptest! {
    #[test]
    fn no_input_panics_or_scores_what_is_not_finite(
        window in prop::collection::vec(any_day(), 0..40),
        (trading_days, closed_positions, held_days) in any::<(u32, u32, u32)>(),
        (weight, mean_invested, max_drawdown) in any::<(f64, f64, f64)>(),
    ) {
        let largest_held = Some(HeldPosition { weight, days: held_days });
        let facts = Facts { trading_days, closed_positions, largest_held, mean_invested, max_drawdown };
        let one = standing(&window, &facts);
        for figure in [one.score, one.lower_bound, one.mean_excess, one.standard_error] {
            prop_assert!(figure.is_finite());
        }
        prop_assert_eq!(one, standing(&window, &facts));
    }

    #[test]
    fn more_return_on_a_day_at_the_same_spread_never_lowers_the_score(
        returns in prop::collection::vec(-0.2..0.2_f64, 5..60), lift in 0.0..0.05_f64,
    ) {
        let window = |by: f64| -> Vec<Day> {
            returns.iter().map(|rate| day((rate.ln_1p() + by).exp_m1(), 0.0)).collect()
        };
        let (low, high) = (standing(&window(0.0), &FACTS), standing(&window(lift), &FACTS));
        prop_assert!(high.score >= low.score - 1e-6);
    }
}

#[test]
fn every_reason_has_a_name_of_its_own() {
    let names = [
        Ineligible::FewDays,
        Ineligible::FewPositions,
        Ineligible::LittleInvested,
        Ineligible::EmptyWindow,
        Ineligible::Unreadable,
    ]
    .map(Ineligible::as_str);
    assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), names.len());
    assert_eq!(names.first().copied().unwrap(), "few_days");
}
