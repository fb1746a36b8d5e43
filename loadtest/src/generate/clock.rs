//! When people write: the fitted hours and weekdays of an exchange's own time, over a window of whole hours.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Weekday};
use chrono_tz::Tz;

use super::dice::{Dice, Weighted};
use super::profile;

const HOUR_SECS: i64 = 3_600;

/// The window and one exchange's hours in it.
pub(crate) struct Clock {
    zone: Tz,
    until: i64,
    hours: Weighted,
}

impl Clock {
    /// The `days` before `until` (Unix seconds), weighted by the time in `zone`.
    pub(crate) fn new(zone: Tz, until: i64, days: u32) -> Self {
        let back = 1..=i64::from(days) * 24;
        let hours = Weighted::new(back.map(|hour| weight(zone, until - hour * HOUR_SECS)));
        Self { zone, until, hours }
    }

    /// A second of the window.
    pub(crate) fn draw(&self, dice: &mut Dice) -> i64 {
        let hour = i64::try_from(self.hours.draw(dice)).unwrap_or(0) + 1;
        self.until - hour * HOUR_SECS + dice.between(0, HOUR_SECS - 1)
    }

    /// Local date and hour of `at`.
    pub(crate) fn local(&self, at: i64) -> (NaiveDate, u32) {
        local(self.zone, at)
    }
}

/// Date and hour of the Unix second `at` in `zone`.
pub(crate) fn local(zone: Tz, at: i64) -> (NaiveDate, u32) {
    let time = DateTime::from_timestamp(at, 0).unwrap_or_default().with_timezone(&zone);
    (time.date_naive(), time.hour())
}

/// Monday to Friday. Holidays are not known here: prices are generated, so a holiday has one too.
pub(crate) fn is_business_day(date: NaiveDate) -> bool {
    !matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

fn weight(zone: Tz, at: i64) -> u64 {
    let (date, hour) = local(zone, at + HOUR_SECS / 2);
    let hours = if is_business_day(date) { &profile::HOURS_WEEKDAY } else { &profile::HOURS_WEEKEND };
    let day = profile::WEEKDAYS.get(date.weekday().num_days_from_monday() as usize);
    let hour = hours.get(hour as usize);
    day.copied().unwrap_or(0) * hour.copied().unwrap_or(0)
}
