//! Reference values from outside, where the data is.

use std::path::PathBuf;

use chrono::NaiveDate;
use madang_creators::returns::{Kind, MarketBuilder, Trade, replay, vectors};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::support::{A, Ledger, day, dollar, near, twr};

fn text() -> Option<String> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    let dir = std::env::var_os("MADANG_DATA").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let found = std::fs::read_to_string(dir.join("returns/vectors.json")).ok();
    if found.is_none() {
        println!("skipped: no reference values");
    }
    found
}

#[test]
fn every_reference_value_is_met() {
    let Some(text) = text() else { return };
    let report = vectors::run(&text).unwrap();
    println!("{report}");
    assert!(report.is_clean());
}

/// Orders at the close, each with money from outside, replayed as a ledger.
#[test]
fn real_orders_replayed_have_the_reference_rates() {
    let Some(text) = text() else { return };
    let file: Value = serde_json::from_str(&text).unwrap();
    let mut compared = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let Some(orders) = vector["inputs"]["ledger"]["orders"].as_array() else { continue };
        let number = |value: &Value| value.to_string().parse::<Decimal>().unwrap();
        let end: NaiveDate = day(vector["inputs"]["ledger"]["end_date"].as_str().unwrap());
        let mut builder = MarketBuilder::new(dollar());
        builder.instrument(A, dollar(), false);
        let mut ledger = Ledger::default();
        let mut shares = 0.0;
        for order in orders {
            let when = day(order["date"].as_str().unwrap());
            let (quantity, price) = (number(&order["quantity"]), number(&order["price"]));
            shares += order["quantity"].as_f64().unwrap();
            builder.close(A, when, order["price"].as_f64().unwrap());
            let (fee, tax, currency) = (Decimal::ZERO, Decimal::ZERO, dollar());
            let trade = Trade { ticker: A, quantity, price, fee, tax, currency };
            ledger = ledger.push(when, Kind::Buy(trade));
        }
        let last = vector["inputs"]["events"].as_array().or(vector["inputs"]["flows"].as_array());
        let worth = last.unwrap().last().unwrap();
        let worth = worth["value_before"].as_f64().or(worth["amount"].as_f64()).unwrap();
        builder.close(A, end, worth / shares);
        let record = replay(&ledger.entries, &builder.build(), dollar(), end).unwrap();
        let expected = vector["expected"].as_f64().unwrap();
        match vector["method"].as_str().unwrap() {
            "xirr" => near(record.money_weighted().unwrap(), expected),
            // Months lie between the known closes here, so the gaps are bridged; with the closes there are it
            // would be the same, since nothing flows in between.
            _ => near(twr(&record), expected),
        }
        compared += 1;
    }
    assert!(compared > 0, "the file holds no ledger");
}

fn one(vector: &str) -> vectors::Report {
    vectors::run(&format!(r#"{{"vectors": [{vector}]}}"#)).unwrap()
}

#[test]
fn vectors_are_read_in_the_shapes_they_come_in() {
    let good = [
        r#"{"id": "a", "method": "irr", "inputs": {"flows": [{"t": 0, "amount": -100}, {"t": 2, "amount": 121}]},
            "expected": 0.1, "tolerance": 1e-12}"#,
        r#"{"id": "b", "method": "irr", "inputs": {"flows": [{"amount": -100}, {"amount": "110"}]},
            "expected": 0.1, "tolerance": null}"#,
        r#"{"id": "c", "method": "xirr", "inputs": {"day_count": "actual/360", "flows":
            [["2020-01-01", -100], ["2020-12-26", 110]]}, "expected": 0.1, "tolerance": 1e-12}"#,
        r#"{"id": "d", "method": "xirr", "inputs": {"day_count": "30/360", "flows":
            [{"date": "2021-01-31", "amount": 110}, {"date": "2020-01-31", "amount": -100}]},
            "expected": 0.1, "tolerance": 1e-12}"#,
        r#"{"id": "e", "method": "twr", "inputs": {"events": [
            {"date": "2020-01-03", "value_before": 121}, {"date": "2020-01-01", "value_before": 0, "flow": 100},
            {"date": "2020-01-02", "value_before": 110, "flow": 0}]},
            "expected": 0.21, "tolerance": 1e-12, "expected_running": [0, 0.1, 0.21]}"#,
        r#"{"id": "f", "method": "twr", "inputs": {"events": []}, "expected": null, "tolerance": null}"#,
        r#"{"id": "g", "method": "modified_dietz", "inputs": {"begin_value": 0, "end_value": 5, "flows": [],
            "period_length": 31}, "expected": null, "tolerance": null}"#,
        r#"{"id": "h", "method": "modified_dietz", "inputs": {"begin_value": 100, "end_value": 300,
            "begin_date": "2020-01-01", "end_date": "2020-01-03",
            "flows": [{"date": "2020-01-02", "amount": 50}]}, "expected": 1.2, "tolerance": 1e-12}"#,
        r#"{"id": "i", "method": "annualise", "inputs": {"total_return": 0.21, "years": 2}, "expected": 0.1}"#,
    ];
    for vector in good {
        let report = one(vector);
        assert!(report.is_clean(), "{report}");
    }
}

#[test]
fn what_is_not_understood_fails_and_says_so() {
    let bad = [
        (r#"{"id": "a", "method": "sharpe", "inputs": {}, "expected": null}"#, "unknown method sharpe"),
        (
            r#"{"id": "b", "method": "xirr", "inputs": {"day_count": "lunar", "flows": []}, "expected": null}"#,
            "unknown day count",
        ),
        (r#"{"id": "c", "method": "irr", "inputs": {}, "expected": null}"#, "inputs lack flows"),
        (r#"{"id": "d", "method": "irr", "inputs": {"flows": ["x"]}, "expected": 1}"#, "is no flow"),
        (r#"{"id": "e", "method": "irr", "inputs": {"flows": [1, 2]}}"#, "nothing is expected"),
        (
            r#"{"id": "f", "method": "irr", "inputs": {"flows": [-1, 2]}, "expected": null}"#,
            "expected no rate",
        ),
        (r#"{"id": "g", "method": "irr", "inputs": {"flows": [1, 2]}, "expected": 1}"#, "one sign"),
        (
            r#"{"id": "h", "method": "irr", "inputs": {"flows": [-1, 2]}, "expected": 1.1, "tolerance": 1e-3}"#,
            "expected 1.1, got 1, difference",
        ),
    ];
    for (vector, why) in bad {
        let report = one(vector);
        assert!(!report.is_clean() && report.failures[0].contains(why), "{report}");
    }
    assert!(vectors::run("no json").is_err());
    assert!(!vectors::run(r#"{"vectors": []}"#).unwrap().is_clean());
    assert_eq!(one(bad[0].0).to_string().lines().last(), Some("0/1"));
}
