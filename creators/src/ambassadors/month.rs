//! Months of the calendar in Korea, where the programme is run and paid.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Datelike, FixedOffset, Months, NaiveDate, NaiveTime, Utc};
use madang_core::month::parse_month;
use serde::{Serialize, Serializer};

/// Korea has been nine hours ahead of UTC since 1988, without summer time.
const KOREA_SECS: i32 = 9 * 3_600;

/// A month in Korea, from 2010-01 to 2999-12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub struct Month(NaiveDate);

/// Why a text is no month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a month as in 2026-11, from 2010-01 on")]
pub struct BadMonth;

fn in_korea(at: DateTime<Utc>) -> NaiveDate {
    FixedOffset::east_opt(KOREA_SECS).map_or(at.date_naive(), |korea| at.with_timezone(&korea).date_naive())
}

impl Month {
    /// The month that is running at a time.
    pub fn at(time: DateTime<Utc>) -> Self {
        Self::from_column(in_korea(time))
    }

    /// The last one that is over at a time.
    pub fn last_over(time: DateTime<Utc>) -> Self {
        let running = Self::at(time).0;
        Self(running.checked_sub_months(Months::new(1)).unwrap_or(running))
    }

    /// The first one of which a time leaves nothing out.
    pub fn first_whole(from: DateTime<Utc>) -> Self {
        let running = Self::at(from);
        if running.bounds().0 == from { running } else { running.next() }
    }

    /// The day in Korea at a time.
    pub fn day_in_korea(at: DateTime<Utc>) -> NaiveDate {
        in_korea(at)
    }

    /// The month a day lies in; in the table a month is its first day.
    pub fn from_column(day: NaiveDate) -> Self {
        Self(day.with_day(1).unwrap_or(day))
    }

    /// Its first day.
    pub const fn first_day(self) -> NaiveDate {
        self.0
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add_months(Months::new(1)).unwrap_or(self.0))
    }

    /// The one before it.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.checked_sub_months(Months::new(1)).unwrap_or(self.0))
    }

    /// Its first moment, and that of the next one.
    pub fn bounds(self) -> (DateTime<Utc>, DateTime<Utc>) {
        let begin = |day: NaiveDate| {
            day.and_time(NaiveTime::MIN).and_utc() - chrono::Duration::seconds(KOREA_SECS.into())
        };
        (begin(self.0), begin(self.next().0))
    }

    /// Whether it is over at a time.
    pub fn is_over(self, now: DateTime<Utc>) -> bool {
        self < Self::at(now)
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_begins_at_midnight_in_korea() {
        let november: Month = "2026-11".parse().unwrap();
        assert_eq!(november.bounds(), (time("2026-10-31T15:00:00Z"), time("2026-11-30T15:00:00Z")));
        assert_eq!(Month::at(time("2026-10-31T14:59:59Z")), november.previous());
        assert_eq!(Month::at(time("2026-10-31T15:00:00Z")), november);
        assert_eq!(Month::last_over(time("2026-11-30T15:00:00Z")), november);
        assert!(!november.is_over(time("2026-11-30T14:59:59Z")));
        assert!(november.is_over(time("2026-11-30T15:00:00Z")));
        assert_eq!(Month::first_whole(time("2026-10-31T15:00:00Z")), november);
        assert_eq!(Month::first_whole(time("2026-10-31T15:00:01Z")), november.next());
        assert_eq!(november.next().next().to_string(), "2027-01");
    }

    #[test]
    fn what_is_not_a_month_is_refused() {
        for bad in [
            "",
            "2026",
            "2026-13",
            "2026-00",
            "26-11",
            "2026-1",
            "2009-12",
            "3000-01",
            "2026-11-01",
            "+026-11",
        ] {
            assert_eq!(bad.parse::<Month>(), Err(BadMonth), "{bad}");
        }
    }
}
