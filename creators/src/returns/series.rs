//! Values by calendar day, dense, so that a look-up is one step.

use chrono::{Datelike, NaiveDate};

use super::market::CARRIED_DAYS;

/// The number of a day, for dense series.
pub(super) fn number(day: NaiveDate) -> i32 {
    day.num_days_from_ce()
}

/// A day by its number.
pub(super) fn date(number: i32) -> NaiveDate {
    NaiveDate::from_num_days_from_ce_opt(number).unwrap_or_default()
}

/// A day's number and what is known on it.
pub(super) type Known = (i32, f64);

/// Values by calendar day.
#[derive(Debug, Clone, Default)]
pub(super) struct Series {
    first: i32,
    values: Vec<f64>,
}

impl Series {
    /// Of what is known on days, in any order; of two values for a day the later one stands.
    pub(super) fn of(points: &[Known]) -> Self {
        let days = || points.iter().map(|point| point.0);
        let (Some(first), Some(last)) = (days().min(), days().max()) else { return Self::default() };
        let mut series = Self::unknown(first, last);
        for (day, value) in points {
            series.put(*day, *value);
        }
        series
    }

    fn unknown(first: i32, last: i32) -> Self {
        let length = usize::try_from(i64::from(last) - i64::from(first)).unwrap_or_default() + 1;
        Self { first, values: vec![f64::NAN; length] }
    }

    fn put(&mut self, day: i32, value: f64) {
        let index = usize::try_from(i64::from(day) - i64::from(self.first)).ok();
        if let Some(slot) = index.and_then(|index| self.values.get_mut(index)) {
            *slot = value;
        }
    }

    /// 1 wherever any of several series knows something.
    pub(super) fn any(all: &[Self]) -> Self {
        let all = || all.iter().filter(|series| !series.values.is_empty());
        let (first, last) = (all().map(|series| series.first).min(), all().map(|series| series.last()).max());
        let Some((first, last)) = first.zip(last) else { return Self::default() };
        let mut open = Self::unknown(first, last);
        for series in all() {
            let known = (series.first..).zip(&series.values).filter(|(_, value)| !value.is_nan());
            known.for_each(|(day, _)| open.put(day, 1.0));
        }
        open
    }

    /// Gaps of up to [`CARRIED_DAYS`] take the value before them, and so do as many days after the end.
    pub(super) fn carried(mut self) -> Self {
        let length = self.values.len() + usize::try_from(CARRIED_DAYS).unwrap_or_default();
        self.values.resize(length, f64::NAN);
        let (mut known, mut age) = (f64::NAN, 0);
        for value in &mut self.values {
            if value.is_nan() {
                age += 1;
                *value = if age <= CARRIED_DAYS { known } else { f64::NAN };
            } else {
                (known, age) = (*value, 0);
            }
        }
        self
    }

    /// Each day from the first known to the last, with its value.
    pub(super) fn each(&self) -> impl Iterator<Item = (i32, f64)> {
        (self.first..).zip(self.values.iter().copied())
    }

    /// The value of a day; NaN where nothing is known.
    #[inline]
    pub(super) fn at(&self, day: i32) -> f64 {
        let index = usize::try_from(i64::from(day) - i64::from(self.first)).ok();
        index.and_then(|index| self.values.get(index)).copied().unwrap_or(f64::NAN)
    }

    pub(super) fn last(&self) -> i32 {
        self.first + i32::try_from(self.values.len()).unwrap_or_default() - 1
    }

    /// The last value on or before a day, whatever its age, and its day.
    pub(super) fn before(&self, day: i32) -> Option<(i32, f64)> {
        let known = |day: &i32| !self.at(*day).is_nan();
        (self.first..=day.min(self.last())).rev().find(known).map(|day| (day, self.at(day)))
    }

    /// The last value on or before a day, else the first after it.
    pub(super) fn nearest(&self, day: i32) -> Option<f64> {
        let known = |value: &f64| !value.is_nan();
        let after = || (self.first.max(day)..=self.last()).map(|day| self.at(day)).find(known);
        self.before(day).map(|found| found.1).or_else(after)
    }
}
