//! What is known of the markets: closes as traded, exchange rates, benchmarks. Built once, shared by many accounts.
//!
//! All series are dense over calendar days (`f64`, NaN where nothing is known), so that a look-up is one step.

use std::collections::HashMap;

use chrono::{Datelike, NaiveDate};
use madang_core::ids::TickerId;

use super::entry::Currency;

/// A close or a rate is carried forward this many calendar days, not longer.
pub const CARRIED_DAYS: i32 = 7;
/// The last close of a delisted instrument counts this many calendar days; after that it is worth nothing.
pub const DELISTED_DAYS: i32 = 30;

/// The number of a day, for dense series.
pub(super) fn number(day: NaiveDate) -> i32 {
    day.num_days_from_ce()
}

/// A day by its number.
pub(super) fn date(number: i32) -> NaiveDate {
    NaiveDate::from_num_days_from_ce_opt(number).unwrap_or_default()
}

/// A day's number and what is known on it.
type Known = (i32, f64);

/// Values by calendar day.
#[derive(Debug, Clone, Default)]
pub(super) struct Series {
    first: i32,
    values: Vec<f64>,
}

impl Series {
    /// Of what is known on days, in any order; of two values for a day the later one stands.
    fn of(points: &[Known]) -> Self {
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
    fn any(all: &[&Self]) -> Self {
        let all = || all.iter().filter(|series| !series.values.is_empty());
        let (first, last) =
            (all().map(|series| series.first()).min(), all().map(|series| series.last()).max());
        let Some((first, last)) = first.zip(last) else { return Self::default() };
        let mut open = Self::unknown(first, last);
        for series in all() {
            let known = (series.first..).zip(&series.values).filter(|(_, value)| !value.is_nan());
            known.for_each(|(day, _)| open.put(day, 1.0));
        }
        open
    }

    /// Gaps of up to [`CARRIED_DAYS`] take the value before them, and so do as many days after the end.
    fn carried(mut self) -> Self {
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

    #[inline]
    pub(super) fn at(&self, day: i32) -> f64 {
        let index = usize::try_from(i64::from(day) - i64::from(self.first)).ok();
        index.and_then(|index| self.values.get(index)).copied().unwrap_or(f64::NAN)
    }

    pub(super) fn first(&self) -> i32 {
        self.first
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

/// What is known of one instrument.
#[derive(Debug, Clone)]
pub(super) struct Instrument {
    pub(super) currency: Currency,
    pub(super) delisted: bool,
    pub(super) closes: Series,
}

impl Instrument {
    /// The day of the last close there will ever be.
    pub(super) fn ended(&self) -> Option<i32> {
        self.delisted.then(|| self.closes.last())
    }
}

/// What is known of one currency.
#[derive(Debug, Clone, Default)]
pub(super) struct Money {
    /// One unit is worth one unit of the reference, on every day.
    reference: bool,
    /// Worth of one unit in the reference currency, carried forward.
    rates: Series,
    /// Return of its market, on trading days.
    pub(super) benchmark: Series,
    /// Known on trading days: those with a benchmark or any close.
    pub(super) open: Series,
}

impl Money {
    /// Worth of one unit in the reference currency; NaN where it is not known.
    pub(super) fn worth(&self, day: i32) -> f64 {
        if self.reference { 1.0 } else { self.rates.at(day) }
    }

    /// The same, of the nearest day that has it.
    pub(super) fn worth_near(&self, day: i32) -> f64 {
        if self.reference { 1.0 } else { self.rates.nearest(day).unwrap_or(f64::NAN) }
    }
}

/// The markets. Read only; share it with `Arc`.
#[derive(Debug, Clone)]
pub struct Market {
    pub(super) instruments: HashMap<TickerId, Instrument>,
    pub(super) currencies: HashMap<Currency, Money>,
}

impl Market {
    /// Whether the instrument is known.
    pub fn knows(&self, ticker: TickerId) -> bool {
        self.instruments.contains_key(&ticker)
    }

    /// The currency an instrument is priced in.
    pub fn currency(&self, ticker: TickerId) -> Option<Currency> {
        self.instruments.get(&ticker).map(|instrument| instrument.currency)
    }
}

/// Gathers what is known, in any order. Values that cannot be (a price or rate that is not finite or not above zero,
/// a return below -1) are left out, as if nothing were known.
#[derive(Debug)]
pub struct MarketBuilder {
    reference: Currency,
    instruments: HashMap<TickerId, (Currency, bool, Vec<Known>)>,
    rates: HashMap<Currency, Vec<Known>>,
    benchmarks: HashMap<Currency, Vec<Known>>,
}

impl MarketBuilder {
    /// Rates will be given in units of the reference currency, whose own rate is 1 on every day.
    pub fn new(reference: Currency) -> Self {
        let (instruments, rates, benchmarks) = Default::default();
        Self { reference, instruments, rates, benchmarks }
    }

    /// Names an instrument, its currency, and whether it has been delisted.
    pub fn instrument(&mut self, ticker: TickerId, currency: Currency, delisted: bool) {
        self.instruments.insert(ticker, (currency, delisted, Vec::new()));
    }

    /// A close as it was traded, not adjusted for splits, of an instrument named before; others are left out.
    pub fn close(&mut self, ticker: TickerId, day: NaiveDate, price: f64) {
        if let Some((_, _, closes)) = self.instruments.get_mut(&ticker)
            && price.is_finite()
            && price > 0.0
        {
            closes.push((number(day), price));
        }
    }

    /// What one unit of a currency is worth in the reference currency on a day.
    pub fn rate(&mut self, currency: Currency, day: NaiveDate, worth: f64) {
        if worth.is_finite() && worth > 0.0 && currency != self.reference {
            self.rates.entry(currency).or_default().push((number(day), worth));
        }
    }

    /// The return of a currency's market on a trading day.
    pub fn benchmark(&mut self, currency: Currency, day: NaiveDate, change: f64) {
        if change.is_finite() && change >= -1.0 {
            self.benchmarks.entry(currency).or_default().push((number(day), change));
        }
    }

    /// The market of all that was gathered.
    pub fn build(self) -> Market {
        let instruments: HashMap<TickerId, Instrument> = self
            .instruments
            .into_iter()
            .map(|(ticker, (currency, delisted, closes))| {
                (ticker, Instrument { currency, delisted, closes: Series::of(&closes) })
            })
            .collect();
        let mut currencies: HashMap<Currency, Money> = HashMap::new();
        for (currency, days) in &self.benchmarks {
            currencies.entry(*currency).or_default().benchmark = Series::of(days);
        }
        for (currency, days) in &self.rates {
            currencies.entry(*currency).or_default().rates = Series::of(days).carried();
        }
        currencies.entry(self.reference).or_default().reference = true;
        for instrument in instruments.values() {
            currencies.entry(instrument.currency).or_default();
        }
        for (currency, money) in &mut currencies {
            let traded = instruments.values().filter(|instrument| instrument.currency == *currency);
            let mut series: Vec<&Series> = traded.map(|instrument| &instrument.closes).collect();
            series.push(&money.benchmark);
            money.open = Series::any(&series);
        }
        Market { instruments, currencies }
    }
}
