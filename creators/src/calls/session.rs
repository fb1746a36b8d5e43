//! When an exchange's daily price is made, and what it was.

use std::{collections::BTreeMap, ops::RangeInclusive};

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;

/// How long before the close a post must stand for that close to be a price its readers could trade at: the
/// closing auctions of Seoul and New York stop taking new orders, or begin, ten minutes before the end.
pub const CLOSE_MARGIN: TimeDelta = TimeDelta::minutes(10);

const YEARS: RangeInclusive<i32> = 1900..=9999;

/// Local time of an exchange's last trade on a day, by its time zone.
///
/// Where the true time is later than this one, a post made between the two enters a day later than it might,
/// which is allowed; an entry before the post is not, so in doubt the earlier time stands here.
pub fn closing_time(zone: Tz, day: NaiveDate) -> NaiveTime {
    let (hour, minute) = match zone {
        Tz::Asia__Seoul => (15, 30),
        Tz::America__New_York if is_new_york_half_day(day) => (13, 0),
        Tz::Asia__Taipei => (13, 30),
        Tz::Asia__Ho_Chi_Minh => (14, 45),
        Tz::Asia__Shanghai | Tz::Asia__Tokyo => (15, 0),
        Tz::Asia__Kolkata => (15, 30),
        _ => (16, 0),
    };
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or(NaiveTime::MIN)
}

/// The day before Independence Day, the day after Thanksgiving, Christmas Eve: trading ends at 13:00.
fn is_new_york_half_day(day: NaiveDate) -> bool {
    match (day.month(), day.day()) {
        (7, 3) | (12, 24) => true,
        (11, 23..=29) => day.weekday() == Weekday::Fri,
        _ => false,
    }
}

/// When the price of a day is made, in UTC. Nothing for a local time that does not exist, nor for a year in
/// which there is no exchange: at the ends of the calendar, local times cannot be computed.
fn closes_at(zone: Tz, day: NaiveDate) -> Option<DateTime<Utc>> {
    if !YEARS.contains(&day.year()) {
        return None;
    }
    let local = day.and_time(closing_time(zone, day)).and_local_timezone(zone);
    local.latest().map(|at| at.with_timezone(&Utc))
}

/// A day on which the market traded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    pub(super) day: NaiveDate,
    pub(super) closes_at: DateTime<Utc>,
    pub(super) market: f64,
    /// Nothing where the ticker did not trade.
    pub(super) close: Option<f64>,
}

/// Daily closes of a ticker beside those of its market, which are the calendar: a trading day is one for
/// which the market has a price.
#[derive(Debug, Clone)]
pub struct Quotes {
    zone: Tz,
    sessions: Vec<Session>,
}

impl Quotes {
    /// Closes by local day, adjusted for splits and dividends, in any unit. The market is an index or the
    /// mean of what is listed. What is not a positive number counts as missing.
    pub fn new(zone: Tz, closes: &BTreeMap<NaiveDate, f64>, market: &BTreeMap<NaiveDate, f64>) -> Self {
        let sessions = market.iter().filter(|(_, level)| is_price(**level)).filter_map(|(day, level)| {
            let close = closes.get(day).copied().filter(|close| is_price(*close));
            Some(Session { day: *day, closes_at: closes_at(zone, *day)?, market: *level, close })
        });
        let mut sessions: Vec<Session> = sessions.collect();
        sessions.sort_by_key(|session| session.closes_at);
        Self { zone, sessions }
    }

    /// Place of the first session whose close a reader of a post made then could still trade at.
    pub(super) fn first_after(&self, posted: DateTime<Utc>) -> usize {
        let from = in_time(posted);
        self.sessions.partition_point(|session| session.closes_at < from)
    }

    pub(super) fn session(&self, place: usize) -> Option<&Session> {
        self.sessions.get(place)
    }

    /// The local day a post belongs to while its session's price is not known.
    pub(super) fn day_of(&self, posted: DateTime<Utc>) -> NaiveDate {
        if !YEARS.contains(&posted.year()) {
            return posted.date_naive();
        }
        let local = posted.with_timezone(&self.zone).date_naive();
        let late = closes_at(self.zone, local).is_some_and(|close| close < in_time(posted));
        if late { local.succ_opt().unwrap_or(local) } else { local }
    }
}

/// The earliest close that a post of this time can be entered at.
fn in_time(posted: DateTime<Utc>) -> DateTime<Utc> {
    posted.checked_add_signed(CLOSE_MARGIN).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn is_price(value: f64) -> bool {
    value.is_finite() && value > 0.0
}
