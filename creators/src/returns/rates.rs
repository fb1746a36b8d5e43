//! Rates of return of plain numbers: internal rates, time-weighted returns, Modified Dietz. Formulas and their
//! sources stand in `docs/RETURNS.md`.
//!
//! Rates are fractions (0.1 is ten per cent). No input makes these functions panic; a number that is not finite is
//! an error.

use chrono::NaiveDate;

use super::{
    day_count::DayCount,
    roots::{self, Term},
};

/// An opening value below this share of the peak so far has no return.
pub const DUST: f64 = 1e-9;

/// Why there is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoRate {
    /// Money only went in, or only came out.
    #[error("no rate exists: all flows have one sign")]
    AllOneSign,
    /// Nothing flowed.
    #[error("no rate exists: there is no flow")]
    Zero,
    /// No rate solves the equation, or none that a number can hold.
    #[error("no rate exists: nothing solves the equation")]
    NotFound,
    /// A number is not finite, or a length is not positive.
    #[error("no rate exists: a number is out of range")]
    BadNumber,
}

/// The value of an account just before a flow, and the flow: positive when paid in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Valuation {
    /// Value just before the flow.
    pub before: f64,
    /// Paid in (positive) or out (negative).
    pub flow: f64,
}

/// A time-weighted return and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeWeighted {
    /// Return from the first valuation to the last.
    pub total: f64,
    /// Return from the first valuation to each.
    pub running: Vec<f64>,
}

/// The yearly internal rate of dated flows (negative when paid in), actual/365 from the earliest date. Dates in any
/// order, several a date. Of several roots the one with the smallest `|ln(1 + r)|`.
///
/// # Errors
/// Says why no rate exists.
pub fn xirr(flows: &[(NaiveDate, f64)]) -> Result<f64, NoRate> {
    xirr_by(flows, DayCount::Actual365)
}

/// [`xirr`] by another day count.
///
/// # Errors
/// Says why no rate exists.
pub fn xirr_by(flows: &[(NaiveDate, f64)], count: DayCount) -> Result<f64, NoRate> {
    let Some(first) = flows.iter().map(|flow| flow.0).min() else { return Err(NoRate::Zero) };
    internal(flows.iter().map(|&(day, amount)| (count.years(first, day), amount)).collect())
}

/// The internal rate of flows one period apart, per period. Of several roots the one with the smallest
/// `|ln(1 + r)|`.
///
/// # Errors
/// Says why no rate exists.
pub fn irr(flows: &[f64]) -> Result<f64, NoRate> {
    let mut time = -1.0;
    let mut timed = |amount: &f64| {
        time += 1.0;
        (time, *amount)
    };
    internal(flows.iter().map(&mut timed).collect())
}

/// The internal rate of flows at any times, per unit of time.
///
/// # Errors
/// Says why no rate exists.
pub fn internal(mut flows: Vec<(f64, f64)>) -> Result<f64, NoRate> {
    if flows.iter().any(|(time, amount)| !time.is_finite() || !amount.is_finite()) {
        return Err(NoRate::BadNumber);
    }
    flows.retain(|flow| flow.1 != 0.0);
    if flows.is_empty() {
        return Err(NoRate::Zero);
    }
    let positive = flows.iter().filter(|flow| flow.1 > 0.0).count();
    if positive == 0 || positive == flows.len() {
        return Err(NoRate::AllOneSign);
    }
    if !flows.is_sorted_by(|one, next| one.0 <= next.0) {
        flows.sort_by(|one, other| one.0.total_cmp(&other.0));
    }
    let terms = net(&flows);
    let span = terms.last().map_or(0.0, |last| last.0) - terms.first().map_or(0.0, |first| first.0);
    if !span.is_finite() {
        return Err(NoRate::BadNumber);
    }
    let rises = terms.iter().any(|term| term.1 > 0.0);
    let falls = terms.iter().any(|term| term.1 < 0.0);
    if !(rises && falls) {
        return Err(NoRate::NotFound);
    }
    let root = roots::nearest(&terms).ok_or(NoRate::NotFound)?;
    let rate = root.exp_m1();
    // Below about -37 the nearest number is -1 itself, which is no rate.
    if rate.is_finite() { Ok(rate.max(f64::EPSILON / 2.0 - 1.0)) } else { Err(NoRate::NotFound) }
}

/// One term a time, the largest of size 1; what remains of flows that cancel is dropped.
fn net(flows: &[(f64, f64)]) -> Vec<Term> {
    let largest = flows.iter().fold(0.0_f64, |most, flow| most.max(flow.1.abs()));
    let mut terms: Vec<Term> = Vec::with_capacity(flows.len());
    let mut size = 0.0;
    for &(time, amount) in flows {
        let amount = amount / largest;
        match terms.last_mut().filter(|last| last.0 == time) {
            Some(last) => {
                last.1 += amount;
                size += amount.abs();
                if last.1.abs() <= 1e-15 * size {
                    last.1 = 0.0;
                }
            }
            None => {
                terms.push((time, amount));
                size = amount.abs();
            }
        }
    }
    terms.retain(|term| term.1 != 0.0);
    terms
}

/// Returns linked one after the other: `Π(1 + rᵢ) − 1`.
///
/// # Errors
/// A return that is not finite.
pub fn link(returns: &[f64]) -> Result<f64, NoRate> {
    finite(returns.iter().fold(1.0, |product, rate| product * (1.0 + rate)) - 1.0)
}

/// A return of several years as the equal return of each: `(1 + total)^(1/years) − 1`.
///
/// # Errors
/// A loss of more than everything, or years that are not positive.
pub fn annualise(total: f64, years: f64) -> Result<f64, NoRate> {
    if !total.is_finite() || total < -1.0 || !years.is_finite() || years <= 0.0 {
        return Err(NoRate::BadNumber);
    }
    finite((total.ln_1p() / years).exp_m1())
}

/// The time-weighted return: the valuations' sub-periods linked. A sub-period that opens with less than [`DUST`] of
/// the peak so far has no return, so that an emptied and refilled account chains through.
///
/// # Errors
/// No valuation, a number that is not finite, or an opening value below zero.
pub fn time_weighted(valuations: &[Valuation]) -> Result<TimeWeighted, NoRate> {
    if valuations.is_empty() {
        return Err(NoRate::Zero);
    }
    let (mut factor, mut opening, mut peak) = (1.0, 0.0_f64, 0.0_f64);
    let mut running = Vec::with_capacity(valuations.len());
    for valuation in valuations {
        factor *= ratio(valuation.before, opening, peak);
        opening = valuation.before + valuation.flow;
        peak = peak.max(valuation.before).max(opening);
        if !opening.is_finite() || !factor.is_finite() || opening < -DUST * peak {
            return Err(NoRate::BadNumber);
        }
        running.push(factor - 1.0);
    }
    Ok(TimeWeighted { total: factor - 1.0, running })
}

/// What a sub-period multiplies by: its closing over its opening value, 1 when it opens with next to nothing.
#[inline]
pub(super) fn ratio(closing: f64, opening: f64, peak: f64) -> f64 {
    if opening <= DUST * peak { 1.0 } else { closing / opening }
}

/// The Modified Dietz return of a period of a length, with flows at times within it: gain over the mean capital,
/// each flow weighted by the share of the period that it was there.
///
/// # Errors
/// A length that is not positive, a time outside it, or a mean capital that is not positive.
pub fn modified_dietz(begin: f64, end: f64, flows: &[(f64, f64)], length: f64) -> Result<f64, NoRate> {
    let outside = |time: f64| !(0.0..=length).contains(&time);
    if !length.is_finite() || length <= 0.0 || flows.iter().any(|flow| outside(flow.0)) {
        return Err(NoRate::BadNumber);
    }
    let flowed: f64 = flows.iter().map(|flow| flow.1).sum();
    let weighted: f64 = flows.iter().map(|(time, amount)| (length - time) / length * amount).sum();
    let capital = begin + weighted;
    if capital <= 0.0 {
        return Err(NoRate::NotFound);
    }
    finite((end - begin - flowed) / capital)
}

fn finite(rate: f64) -> Result<f64, NoRate> {
    if rate.is_finite() { Ok(rate) } else { Err(NoRate::BadNumber) }
}
