//! Reads the inputs of reference values, whose shapes differ a little from source to source.

use chrono::NaiveDate;
use serde_json::Value;

use super::{day_count::DayCount, rates::Valuation, vectors::NoResult};

fn unknown<T>(why: String) -> Result<T, NoResult> {
    Err(NoResult::Unknown(why))
}

/// A number, also one written as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// The expected rate; None for null.
pub(super) fn expected(value: Option<&Value>) -> Result<Option<f64>, String> {
    match value {
        None => Err("nothing is expected".to_owned()),
        Some(Value::Null) => Ok(None),
        Some(value) => number(value).map(Some).ok_or_else(|| format!("expected {value} is no number")),
    }
}

pub(super) fn field<'v>(inputs: &'v Value, name: &str) -> Result<&'v Value, NoResult> {
    inputs.get(name).ok_or_else(|| NoResult::Unknown(format!("inputs lack {name}")))
}

fn first<'v>(inputs: &'v Value, names: &[&str]) -> Option<&'v Value> {
    names.iter().find_map(|name| inputs.get(*name))
}

/// The first of several names that is there.
pub(super) fn float(inputs: &Value, names: &[&str]) -> Result<f64, NoResult> {
    let Some(value) = first(inputs, names) else {
        return unknown(format!("inputs lack {}", names.join(" or ")));
    };
    number(value).ok_or_else(|| NoResult::Unknown(format!("{value} is no number")))
}

fn list(value: &Value) -> Result<&[Value], NoResult> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| NoResult::Unknown("a list was expected".to_owned()))
}

pub(super) fn numbers(value: &Value) -> Result<Vec<f64>, NoResult> {
    let one = |value: &Value| number(value).ok_or_else(|| NoResult::Unknown(format!("{value} is no number")));
    list(value)?.iter().map(one).collect()
}

fn date(value: &Value) -> Option<NaiveDate> {
    let text = value.as_str()?;
    let day = text.get(..10).unwrap_or(text);
    ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d"]
        .iter()
        .find_map(|form| NaiveDate::parse_from_str(day, form).ok())
}

/// The two parts of a flow: when, and how much.
fn parts(flow: &Value) -> Option<(&Value, f64)> {
    let when = first(flow, &["date", "t", "day", "period"]).or_else(|| flow.get(0))?;
    let amount = first(flow, &["amount", "flow", "value"]).or_else(|| flow.get(1))?;
    Some((when, number(amount)?))
}

/// Dated flows.
pub(super) fn dated(flows: &Value) -> Result<Vec<(NaiveDate, f64)>, NoResult> {
    let one = |flow: &Value| {
        let found = parts(flow).and_then(|(when, amount)| Some((date(when)?, amount)));
        found.ok_or_else(|| NoResult::Unknown(format!("{flow} is no dated flow")))
    };
    list(flows)?.iter().map(one).collect()
}

/// Flows one period apart, or at the periods they name.
pub(super) fn periodic(flows: &Value) -> Result<Vec<(f64, f64)>, NoResult> {
    let one = |(at, flow): (usize, &Value)| {
        let plain = || number(flow).or_else(|| number(flow.get("amount")?)).map(|amount| (at as f64, amount));
        let timed = parts(flow).and_then(|(when, amount)| Some((number(when)?, amount)));
        timed.or_else(plain).ok_or_else(|| NoResult::Unknown(format!("{flow} is no flow")))
    };
    list(flows)?.iter().enumerate().map(one).collect()
}

/// The day count that is named; actual/365 when none is.
pub(super) fn day_count(inputs: &Value) -> Result<DayCount, NoResult> {
    let Some(named) = inputs.get("day_count") else { return Ok(DayCount::Actual365) };
    let count = named.as_str().and_then(DayCount::parse);
    count.ok_or_else(|| NoResult::Unknown(format!("unknown day count {named}")))
}

/// Valuations in order of time, and the years between the first and the last where dates tell them.
pub(super) struct Events {
    pub(super) valuations: Vec<Valuation>,
    pub(super) years: Option<f64>,
}

pub(super) fn events(inputs: &Value) -> Result<Events, NoResult> {
    let mut timed = Vec::new();
    for event in list(field(inputs, "events")?)? {
        let before = float(event, &["value_before", "value"])?;
        let flow = if event.get("flow").is_some_and(Value::is_null) || event.get("flow").is_none() {
            0.0
        } else {
            float(event, &["flow"])?
        };
        let when = first(event, &["date", "t", "day"]);
        let day = when.and_then(date);
        let time = when.and_then(number).or_else(|| day.map(|day| (day - NaiveDate::MIN).num_days() as f64));
        timed.push((time, day, Valuation { before, flow }));
    }
    // Events whose times cannot be read ("Dec 31 next") stand in their order.
    if timed.iter().all(|event| event.0.is_some_and(f64::is_finite)) {
        timed.sort_by(|one, other| one.0.unwrap_or(0.0).total_cmp(&other.0.unwrap_or(0.0)));
    }
    let ends = timed.first().and_then(|event| event.1).zip(timed.last().and_then(|event| event.1));
    let years = ends.map(|(from, to)| DayCount::Actual365.years(from, to));
    Ok(Events { valuations: timed.into_iter().map(|event| event.2).collect(), years })
}

/// The years to annualise by.
pub(super) fn years(inputs: &Value, known: Option<f64>) -> Result<f64, NoResult> {
    let names = ["annualise_years", "annualize_years", "years"];
    match (first(inputs, &names), known) {
        (None, Some(years)) => Ok(years),
        _ => float(inputs, &names),
    }
}

/// What Modified Dietz needs.
pub(super) struct Dietz {
    pub(super) begin: f64,
    pub(super) end: f64,
    pub(super) flows: Vec<(f64, f64)>,
    pub(super) length: f64,
}

pub(super) fn dietz(inputs: &Value) -> Result<Dietz, NoResult> {
    let day = |names: &[&str]| first(inputs, names).and_then(date);
    let starts = day(&["begin_date", "start_date", "from"]);
    let ends = day(&["end_date", "to"]);
    let length = match starts.zip(ends) {
        Some((from, to)) if inputs.get("period_length").is_none() => (to - from).num_days() as f64,
        _ => float(inputs, &["period_length", "length"])?,
    };
    let at_start = starts_of_day(inputs)?;
    let mut flows = Vec::new();
    for flow in list(field(inputs, "flows")?)? {
        let timed = parts(flow).and_then(|(when, amount)| {
            let since = || Some((date(when)? - starts?).num_days() as f64);
            Some((number(when).or_else(since)?, amount))
        });
        let Some((time, amount)) = timed else { return unknown(format!("{flow} is no flow of a period")) };
        flows.push((if at_start { time - 1.0 } else { time }, amount));
    }
    let (begin, end) = (float(inputs, &["begin_value", "begin"])?, float(inputs, &["end_value", "end"])?);
    Ok(Dietz { begin, end, flows, length })
}

/// Whether flows count from the start of their day instead of its end.
fn starts_of_day(inputs: &Value) -> Result<bool, NoResult> {
    let Some(weight) = inputs.get("weight") else { return Ok(false) };
    let plain: String = weight.as_str().unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect();
    match plain.as_str() {
        "(length-t)/length" => Ok(false),
        "(length-t+1)/length" => Ok(true),
        _ => unknown(format!("unknown weight {weight}")),
    }
}
