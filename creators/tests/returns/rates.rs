//! Rates of plain numbers.

use chrono::{Days, NaiveDate};
use madang_creators::returns::rates::{
    NoRate, Valuation, annualise, internal, irr, link, modified_dietz, time_weighted, xirr,
};
use proptest::prelude::*;

use crate::support::{day, near};

fn present(flows: &[(NaiveDate, f64)], rate: f64) -> f64 {
    let first = flows.iter().map(|flow| flow.0).min().unwrap();
    let worth = |(day, amount): &(NaiveDate, f64)| {
        amount * (-(*day - first).num_days() as f64 / 365.0 * rate.ln_1p()).exp()
    };
    flows.iter().map(worth).sum()
}

#[test]
fn flows_in_any_order_and_several_a_day_have_one_rate() {
    let a = [(day("2020-01-01"), -60.0), (day("2021-01-01"), 55.0), (day("2020-01-01"), -40.0)];
    let b = [(day("2020-01-01"), -100.0), (day("2021-01-01"), 55.0)];
    near(xirr(&a).unwrap(), xirr(&b).unwrap());
    near(xirr(&[(day("2022-12-31"), 121.0), (day("2020-12-31"), -100.0)]).unwrap(), 0.1);
}

#[test]
fn rates_near_total_loss_and_enormous_ones_are_found() {
    let start = day("2020-03-05");
    let day_after = start + Days::new(1);
    near(xirr(&[(start, -100.0), (day_after, 50.0)]).unwrap(), -1.0);
    assert!(xirr(&[(start, -100.0), (day_after, 50.0)]).unwrap() > -1.0);
    let huge = xirr(&[(start, -100.0), (day_after, 500.0)]).unwrap();
    near(huge.ln(), 365.0 * 5.0_f64.ln());
    assert_eq!(xirr(&[(start, -1.0), (day_after, 10.0)]), Err(NoRate::NotFound), "10^365 is no number");
    near(xirr(&[(start, -1e-300), (start + Days::new(365), 1.5e-300)]).unwrap(), 0.5);
    near(xirr(&[(start, -1e300), (start + Days::new(365), 1.5e300)]).unwrap(), 0.5);
}

#[test]
fn no_rate_is_said_with_its_reason() {
    let (one, two) = (day("2020-01-01"), day("2021-01-01"));
    assert_eq!(xirr(&[]), Err(NoRate::Zero));
    assert_eq!(xirr(&[(one, 0.0), (two, 0.0)]), Err(NoRate::Zero));
    assert_eq!(xirr(&[(one, -1.0), (two, -2.0)]), Err(NoRate::AllOneSign));
    assert_eq!(xirr(&[(one, -100.0), (one, 110.0)]), Err(NoRate::NotFound));
    assert_eq!(xirr(&[(one, f64::NAN), (two, 1.0)]), Err(NoRate::BadNumber));
    assert_eq!(irr(&[1.0, f64::INFINITY]), Err(NoRate::BadNumber));
    assert_eq!(irr(&[100.0, -200.0, 150.0]), Err(NoRate::NotFound), "the discriminant is negative");
}

#[test]
fn of_several_roots_the_nearest_to_zero_is_taken() {
    near(irr(&[-5.0, 10.5, 1.0, -8.0, 1.0]).unwrap(), 0.088_598_338_527_755_41);
    // (1 + r) of 0.5, 1.2 and 3, multiplied out.
    let flows = [-1.0, 4.7, -5.7, 1.8];
    near(irr(&flows).unwrap(), 0.2);
    // Both roots equally good to a hasty solver: 1.1 and 0.9; |ln 1.1| is smaller.
    near(irr(&[-1.0, 2.0, -0.99]).unwrap(), 0.1);
    // A root that only touches zero.
    assert!((irr(&[-100.0, 210.0, -110.25]).unwrap() - 0.05).abs() < 1e-6);
    assert_eq!(irr(&[-100.0, 250.0, -150.0]), Ok(0.0));
}

#[test]
fn a_thousand_flows_have_a_rate() {
    let start = day("2000-01-01");
    let mut flows: Vec<(NaiveDate, f64)> = (0..5_000).map(|n| (start + Days::new(n), -1.0)).collect();
    flows.extend((0..2_000).map(|n| (start + Days::new(1 + 2 * n), 1.5)));
    flows.push((start + Days::new(5_000), 3_000.0));
    let rate = xirr(&flows).unwrap();
    assert!(present(&flows, rate).abs() < 1e-7, "{rate}");
}

#[test]
fn linking_and_annualising_undo_each_other() {
    near(link(&[0.1, -0.5, 1.0]).unwrap(), 0.1);
    assert_eq!(link(&[]), Ok(0.0));
    near(annualise(0.21, 2.0).unwrap(), 0.1);
    assert_eq!(annualise(-1.0, 3.0), Ok(-1.0));
    for (total, years) in [(-1.5, 1.0), (0.1, 0.0), (0.1, -1.0), (f64::NAN, 1.0), (0.1, f64::INFINITY)] {
        assert_eq!(annualise(total, years), Err(NoRate::BadNumber));
    }
    assert_eq!(link(&[0.1, f64::NAN]), Err(NoRate::BadNumber));
}

#[test]
fn an_emptied_and_refilled_account_chains_through() {
    let steps = [(0.0, 100.0), (110.0, -110.0), (0.0, 50.0), (55.0, 0.0)];
    let valuations: Vec<Valuation> = steps.iter().map(|&(before, flow)| Valuation { before, flow }).collect();
    let weighted = time_weighted(&valuations).unwrap();
    near(weighted.total, 0.21);
    assert_eq!(weighted.running.len(), 4);
    near(weighted.running[2], 0.1);
    assert_eq!(time_weighted(&[]), Err(NoRate::Zero));
    let bad = [Valuation { before: 0.0, flow: -5.0 }, Valuation { before: 1.0, flow: 0.0 }];
    assert_eq!(time_weighted(&bad), Err(NoRate::BadNumber));
}

#[test]
fn modified_dietz_refuses_what_has_no_mean_capital() {
    near(modified_dietz(100.0, 300.0, &[(1.0, 50.0)], 2.0).unwrap(), 1.2);
    assert_eq!(modified_dietz(0.0, 10.0, &[], 2.0), Err(NoRate::NotFound));
    assert_eq!(modified_dietz(10.0, 10.0, &[], 0.0), Err(NoRate::BadNumber));
    assert_eq!(modified_dietz(10.0, 10.0, &[(3.0, 1.0)], 2.0), Err(NoRate::BadNumber));
    assert_eq!(modified_dietz(f64::NAN, 10.0, &[], 2.0), Err(NoRate::BadNumber));
}

/// All sign changes of the present value on a fine grid of `ln(1 + r)`.
fn crossings(terms: &[(f64, f64)]) -> Vec<f64> {
    let value = |s: f64| terms.iter().map(|(time, amount)| amount * (-s * time).exp()).sum::<f64>();
    let grid: Vec<(f64, f64)> =
        (-40_000..=40_000).map(|n| f64::from(n) * 1e-4).map(|s| (s, value(s))).collect();
    grid.windows(2).filter(|pair| pair[0].1 * pair[1].1 < 0.0).map(|pair| pair[0].0).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_found_rate_makes_the_present_value_zero(
        flows in prop::collection::vec((0_u64..4_000, -1e6..1e6_f64), 0..40),
    ) {
        let flows: Vec<(NaiveDate, f64)> =
            flows.into_iter().map(|(n, amount)| (day("2000-01-01") + Days::new(n), amount)).collect();
        if let Ok(rate) = xirr(&flows) {
            prop_assert!(rate > -1.0 && rate.is_finite());
            // Relative to the sum of the terms' sizes: the equation cannot be solved more closely than that.
            let size = present(&flows.iter().map(|flow| (flow.0, flow.1.abs())).collect::<Vec<_>>(), rate);
            if rate > -0.999_999 && rate < 1e6 {
                prop_assert!(present(&flows, rate).abs() <= 1e-8 * size, "{} of {size}", present(&flows, rate));
            }
            let scaled: Vec<(NaiveDate, f64)> = flows.iter().map(|flow| (flow.0, flow.1 * 3e-7)).collect();
            let again = xirr(&scaled).unwrap();
            prop_assert!((again - rate).abs() <= 1e-9 * (1.0 + rate.abs()), "{rate} {again}");
        }
    }

    #[test]
    fn any_numbers_yield_a_rate_or_a_reason(
        flows in prop::collection::vec((any::<f64>(), any::<f64>()), 0..12),
        numbers in prop::collection::vec(any::<f64>(), 0..8),
        length in any::<f64>(),
    ) {
        let _ = internal(flows.clone());
        let _ = irr(&numbers);
        let _ = link(&numbers);
        let _ = annualise(length, numbers.first().copied().unwrap_or(1.0));
        let _ = modified_dietz(length, length, &flows, length);
        let valuations: Vec<Valuation> =
            flows.iter().map(|&(before, flow)| Valuation { before, flow }).collect();
        let _ = time_weighted(&valuations);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_root_nearer_to_zero_is_missed(amounts in prop::collection::vec(-100.0..100.0_f64, 3..9)) {
        let terms: Vec<(f64, f64)> = amounts.iter().enumerate().map(|(n, a)| (n as f64, *a)).collect();
        let nearest = crossings(&terms).into_iter().map(f64::abs).fold(f64::INFINITY, f64::min);
        if nearest.is_finite() {
            let found = irr(&amounts).unwrap().ln_1p().abs();
            prop_assert!(found <= nearest + 2e-4, "found {found}, there is {nearest}");
        }
    }
}
