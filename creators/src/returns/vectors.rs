//! Reference values from outside, read from JSON and compared with what [`super::rates`] computes.
//!
//! A file holds `{"vectors": [{id, method, inputs, expected, tolerance, expected_running?}]}`. `expected: null` means
//! that no rate exists and that this must be said. What the runner does not understand fails and says so.

use std::fmt;

use serde_json::Value;

use super::{
    rates::{self, NoRate},
    vector_inputs as inputs,
};

/// Allowed where a vector names no tolerance.
const DEFAULT_TOLERANCE: f64 = 1e-9;

/// Why a vector could not be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoResult {
    /// No rate exists, which may be what is expected.
    #[error("{0}")]
    Rate(#[from] NoRate),
    /// The vector says something that is not understood, which never is.
    #[error("{0}")]
    Unknown(String),
}

/// What a vector yields: the rate and, for time-weighted returns, the return up to each valuation.
pub(super) struct Computed {
    pub(super) rate: f64,
    pub(super) running: Vec<f64>,
}

/// The outcome of a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// A line for each vector that failed.
    pub failures: Vec<String>,
    /// Vectors that passed.
    pub passed: usize,
    /// Vectors in the file.
    pub total: usize,
    /// The largest difference from a number, and whose it is.
    pub largest: Option<(f64, String)>,
    /// The largest difference as a share of what is tolerated, and whose it is.
    pub closest: Option<(f64, String)>,
}

impl Report {
    /// Whether all passed, and there were any.
    pub fn is_clean(&self) -> bool {
        self.total > 0 && self.passed == self.total
    }

    fn differ(&mut self, id: &str, difference: f64, tolerance: f64) {
        let keep = |place: &mut Option<(f64, String)>, value: f64| {
            if place.as_ref().is_none_or(|(most, _)| value > *most) {
                *place = Some((value, id.to_owned()));
            }
        };
        keep(&mut self.largest, difference);
        if tolerance > 0.0 {
            keep(&mut self.closest, difference / tolerance);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(f, "{failure}")?;
        }
        if let Some((error, id)) = &self.largest {
            writeln!(f, "largest error {error:.3e} ({id})")?;
        }
        if let Some((share, id)) = &self.closest {
            writeln!(f, "largest error beside its tolerance {share:.3} of it ({id})")?;
        }
        write!(f, "{}/{}", self.passed, self.total)
    }
}

/// Computes and compares every vector of a file's text.
///
/// # Errors
/// The text is not JSON.
pub fn run(text: &str) -> Result<Report, serde_json::Error> {
    let file: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))?;
    let vectors = file.get("vectors").unwrap_or(&file).as_array().map(Vec::as_slice).unwrap_or_default();
    let mut report = Report { total: vectors.len(), ..Report::default() };
    for vector in vectors {
        match compare(vector, &mut report) {
            Ok(()) => report.passed += 1,
            Err(failure) => report.failures.push(failure),
        }
    }
    Ok(report)
}

fn compare(vector: &Value, report: &mut Report) -> Result<(), String> {
    let id = vector.get("id").and_then(Value::as_str).unwrap_or("(without id)");
    let expected = inputs::expected(vector.get("expected")).map_err(|why| format!("{id}: {why}"))?;
    let tolerance = vector.get("tolerance").and_then(inputs::number).unwrap_or(DEFAULT_TOLERANCE);
    match (expected, compute(vector)) {
        (None, Err(NoResult::Rate(_))) => Ok(()),
        (Some(expected), Ok(got)) => {
            near(id, expected, got.rate, tolerance, report)?;
            running(id, vector, &got.running, tolerance, report)
        }
        (expected, got) => {
            let expected = expected.map_or_else(|| "no rate".to_owned(), |rate| rate.to_string());
            let got = got.map_or_else(|why| why.to_string(), |got| got.rate.to_string());
            Err(format!("{id}: expected {expected}, got {got}, no difference can be told"))
        }
    }
}

fn near(id: &str, expected: f64, got: f64, tolerance: f64, report: &mut Report) -> Result<(), String> {
    let difference = (got - expected).abs();
    report.differ(id, difference, tolerance);
    if difference <= tolerance {
        return Ok(());
    }
    Err(format!("{id}: expected {expected}, got {got}, difference {difference:e} above {tolerance:e}"))
}

fn running(id: &str, vector: &Value, got: &[f64], tolerance: f64, report: &mut Report) -> Result<(), String> {
    let Some(expected) = vector.get("expected_running").and_then(Value::as_array) else { return Ok(()) };
    if expected.len() != got.len() {
        return Err(format!("{id}: expected {} running returns, got {}", expected.len(), got.len()));
    }
    for (at, (expected, got)) in expected.iter().zip(got).enumerate() {
        let label = format!("{id}, running return {}", at + 1);
        match inputs::number(expected) {
            Some(expected) => near(&label, expected, *got, tolerance, report)?,
            None if expected.is_null() => {}
            None => return Err(format!("{label}: {expected} is no number")),
        }
    }
    Ok(())
}

fn compute(vector: &Value) -> Result<Computed, NoResult> {
    let method = vector.get("method").and_then(Value::as_str).unwrap_or("(none)");
    let given = vector.get("inputs").unwrap_or(&Value::Null);
    let plain = |rate: f64| Computed { rate, running: Vec::new() };
    match method {
        "xirr" => {
            let count = inputs::day_count(given)?;
            Ok(plain(rates::xirr_by(&inputs::dated(inputs::field(given, "flows")?)?, count)?))
        }
        "irr" => Ok(plain(rates::internal(inputs::periodic(inputs::field(given, "flows")?)?)?)),
        "twr" | "twr_annualised" => {
            let events = inputs::events(given)?;
            let weighted = rates::time_weighted(&events.valuations)?;
            let rate = match method {
                "twr" => weighted.total,
                _ => rates::annualise(weighted.total, inputs::years(given, events.years)?)?,
            };
            Ok(Computed { rate, running: weighted.running })
        }
        "link" | "link_annualised" => {
            let total = rates::link(&inputs::numbers(inputs::field(given, "sub_period_returns")?)?)?;
            let annual = method == "link_annualised";
            Ok(plain(if annual { rates::annualise(total, inputs::years(given, None)?)? } else { total }))
        }
        "annualise" | "annualize" => {
            let total = inputs::float(given, &["total_return", "total", "return"])?;
            Ok(plain(rates::annualise(total, inputs::years(given, None)?)?))
        }
        "modified_dietz" => {
            let dietz = inputs::dietz(given)?;
            Ok(plain(rates::modified_dietz(dietz.begin, dietz.end, &dietz.flows, dietz.length)?))
        }
        other => Err(NoResult::Unknown(format!("unknown method {other}"))),
    }
}
