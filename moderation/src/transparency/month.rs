//! Months of the calendar, by UTC.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Months, NaiveDate, NaiveTime, Utc};
use madang_core::month::parse_month;
use serde::{Serialize, Serializer};

/// A month of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month(NaiveDate);

/// Why a text is no month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a month is written as 2026-11, from 2010-01 on")]
pub struct BadMonth;

impl Month {
    /// Its first moment, and that of the next one.
    pub fn bounds(self) -> (DateTime<Utc>, DateTime<Utc>) {
        let next = self.0.checked_add_months(Months::new(1)).unwrap_or(self.0);
        (self.0.and_time(NaiveTime::MIN).and_utc(), next.and_time(NaiveTime::MIN).and_utc())
    }
}

impl FromStr for Month {
    type Err = BadMonth;

    fn from_str(text: &str) -> Result<Self, BadMonth> {
        parse_month(text).map(Self).ok_or(BadMonth)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
