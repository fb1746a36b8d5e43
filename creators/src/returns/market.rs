//! What is known of the markets: closes as traded, exchange rates, benchmarks. Built once, shared by many accounts.
//!
//! All series are dense over calendar days (`f64`, NaN where nothing is known), so that a look-up is one step.

use ahash::{HashMap, HashMapExt};
use chrono::NaiveDate;
use madang_core::ids::TickerId;

use super::{
    entry::Currency,
    series::{Known, Series, date, number},
};

/// A close or a rate is carried forward this many calendar days, not longer.
pub const CARRIED_DAYS: i32 = 7;
/// The last close of a delisted instrument counts this many calendar days; after that it is worth nothing.
pub const DELISTED_DAYS: i32 = 30;

/// What is known of one instrument.
#[derive(Debug, Clone)]
pub(super) struct Instrument {
    pub(super) currency: Currency,
    pub(super) delisted: bool,
    pub(super) closes: Series,
    /// The longest stretch of days on which no trading day lacks a close.
    whole: (i32, i32),
}

impl Instrument {
    /// Whether each of these trading days has a close.
    pub(super) fn covers(&self, days: &[TradingDay]) -> bool {
        let ends = days.first().zip(days.last());
        ends.is_none_or(|(first, last)| first.day >= self.whole.0 && last.day <= self.whole.1)
    }

    /// The longest stretch of trading days with a close each.
    fn stretch(closes: &Series, days: &[TradingDay]) -> (i32, i32) {
        let known = |day: &TradingDay| !closes.at(day.day).is_nan();
        let stretches =
            days.chunk_by(|one, next| known(one) == known(next)).filter(|run| run.iter().all(known));
        let longest = stretches.max_by_key(|run| run.len()).unwrap_or_default();
        longest
            .first()
            .zip(longest.last())
            .map_or((i32::MAX, i32::MIN), |(first, last)| (first.day, last.day))
    }

    /// The day of the last close there will ever be.
    pub(super) fn ended(&self) -> Option<i32> {
        self.delisted.then(|| self.closes.last())
    }
}

/// A day on which a market was open.
#[derive(Debug, Clone, Copy)]
pub(super) struct TradingDay {
    pub(super) day: i32,
    pub(super) date: NaiveDate,
    /// Return of the market, 0 where it is not known.
    pub(super) change: f64,
}

/// What is known of one currency.
#[derive(Debug, Clone, Default)]
pub(super) struct Money {
    /// One unit is worth one unit of the reference, on every day.
    reference: bool,
    /// Worth of one unit in the reference currency, carried forward.
    rates: Series,
    /// Trading days: those with a benchmark or any close.
    days: Vec<TradingDay>,
    /// By calendar day from that of the first, the place of the first trading day on or after it.
    places: Vec<u32>,
}

impl Money {
    fn new(benchmark: &Series, open: &Series) -> Self {
        let (mut days, mut places) = (Vec::new(), Vec::new());
        for (day, value) in open.each() {
            places.push(u32::try_from(days.len()).unwrap_or(u32::MAX));
            if !value.is_nan() {
                let change = benchmark.at(day);
                let change = if change.is_nan() { 0.0 } else { change };
                days.push(TradingDay { day, date: date(day), change });
            }
        }
        Self { reference: false, rates: Series::default(), days, places }
    }

    /// The trading days on or after a day.
    #[inline]
    pub(super) fn from(&self, day: i32) -> &[TradingDay] {
        let first = self.days.first().map_or(0, |first| first.day);
        let offset = usize::try_from(i64::from(day) - i64::from(first)).unwrap_or_default();
        let place = self.places.get(offset).and_then(|place| usize::try_from(*place).ok());
        place.and_then(|place| self.days.get(place..)).unwrap_or_default()
    }

    /// The trading days of a stretch, both ends included.
    pub(super) fn between(&self, first: i32, last: i32) -> &[TradingDay] {
        let days = self.from(first);
        let after = self.from(last.saturating_add(1));
        days.get(..days.len().saturating_sub(after.len())).unwrap_or_default()
    }

    /// The day, if it is a trading day.
    #[inline]
    pub(super) fn on(&self, day: i32) -> Option<&TradingDay> {
        self.from(day).first().filter(|found| found.day == day)
    }

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

    /// What one unit of a currency is worth in another on a day; `None` where it is not known.
    pub fn rate(&self, from: Currency, to: Currency, day: NaiveDate) -> Option<f64> {
        let worth = |currency| self.currencies.get(currency).map(|money| money.worth(number(day)));
        let rate = worth(&from)? / worth(&to)?;
        rate.is_finite().then_some(rate)
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
        let mut series: HashMap<Currency, Vec<Series>> = HashMap::new();
        let mut instruments = HashMap::new();
        for (ticker, (currency, delisted, closes)) in self.instruments {
            let closes = Series::of(&closes);
            series.entry(currency).or_default().push(closes.clone());
            instruments
                .insert(ticker, Instrument { currency, delisted, closes, whole: (i32::MAX, i32::MIN) });
        }
        for currency in self.benchmarks.keys().chain(self.rates.keys()).chain([&self.reference]) {
            series.entry(*currency).or_default();
        }
        let mut currencies = HashMap::new();
        for (currency, mut all) in series {
            let benchmark = Series::of(self.benchmarks.get(&currency).map(Vec::as_slice).unwrap_or_default());
            all.push(benchmark.clone());
            let mut money = Money::new(&benchmark, &Series::any(&all));
            money.reference = currency == self.reference;
            money.rates =
                self.rates.get(&currency).map_or_else(Series::default, |days| Series::of(days).carried());
            currencies.insert(currency, money);
        }
        for instrument in instruments.values_mut() {
            let days = currencies.get(&instrument.currency).map(|money: &Money| money.days.as_slice());
            instrument.whole = Instrument::stretch(&instrument.closes, days.unwrap_or_default());
        }
        Market { instruments, currencies }
    }
}
