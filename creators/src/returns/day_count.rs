//! How many years lie between two days. Returns here use actual/365; the others are for the references of other
//! systems.

use chrono::{Datelike, NaiveDate};

/// A day count convention (ISDA 2006 definitions, section 4.16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayCount {
    /// Days over 365.
    Actual365,
    /// Days over 360.
    Actual360,
    /// Days over 365.25.
    Actual36525,
    /// Days of each year over that year's length.
    ActualActual,
    /// Months of 30 days; the bond basis.
    Thirty360,
    /// Months of 30 days; the Eurobond basis.
    ThirtyE360,
}

impl DayCount {
    /// The convention by its common name.
    pub fn parse(name: &str) -> Option<Self> {
        let plain: String = name.to_ascii_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
        match plain.replace("actual", "act").as_str() {
            "act/365" | "act/365f" | "act/365fixed" => Some(Self::Actual365),
            "act/360" => Some(Self::Actual360),
            "act/365.25" => Some(Self::Actual36525),
            "act/act" | "act/actisda" => Some(Self::ActualActual),
            "30/360" | "30u/360" | "30/360us" => Some(Self::Thirty360),
            "30e/360" => Some(Self::ThirtyE360),
            _ => None,
        }
    }

    /// Years from a day to a later one.
    pub fn years(self, from: NaiveDate, to: NaiveDate) -> f64 {
        let days = (to - from).num_days() as f64;
        match self {
            Self::Actual365 => days / 365.0,
            Self::Actual360 => days / 360.0,
            Self::Actual36525 => days / 365.25,
            Self::ActualActual => year_part(to) - year_part(from),
            Self::Thirty360 => {
                let start = from.day().min(30);
                let end = if start == 30 { to.day().min(30) } else { to.day() };
                thirties(from, start, to, end)
            }
            Self::ThirtyE360 => thirties(from, from.day().min(30), to, to.day().min(30)),
        }
    }
}

/// The year with the share of it that has passed.
fn year_part(day: NaiveDate) -> f64 {
    let length = if day.leap_year() { 366.0 } else { 365.0 };
    f64::from(day.year()) + f64::from(day.ordinal0()) / length
}

fn thirties(from: NaiveDate, start: u32, to: NaiveDate, end: u32) -> f64 {
    let months = 12 * (i64::from(to.year()) - i64::from(from.year())) + i64::from(to.month())
        - i64::from(from.month());
    (30 * months + i64::from(end) - i64::from(start)) as f64 / 360.0
}
