//! Figures of a window of time: return, market, risk. For an account and for a ticker's record alike.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::Serialize;

use super::{
    rates::{NoRate, internal},
    record::{Closed, DayPoint, Flow, FlowKind, Record, TickerRecord},
    sweep::Sweep,
};

/// A window of time that ends on the day asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Window {
    /// 7 days.
    Week,
    /// One calendar month.
    Month,
    /// Three.
    Quarter,
    /// Six.
    HalfYear,
    /// Twelve.
    Year,
    /// Since the last day of the year before.
    YearToDate,
    /// All there is.
    All,
}

impl Window {
    /// Every window, shortest first.
    pub const EACH: [Self; 7] =
        [Self::Week, Self::Month, Self::Quarter, Self::HalfYear, Self::Year, Self::YearToDate, Self::All];

    /// The number it is stored under; it never changes.
    pub fn code(self) -> i16 {
        match self {
            Self::Week => 1,
            Self::Month => 2,
            Self::Quarter => 3,
            Self::HalfYear => 4,
            Self::Year => 5,
            Self::YearToDate => 6,
            Self::All => 7,
        }
    }

    /// The window stored under a number.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::EACH.into_iter().find(|window| window.code() == code)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Week => "1W",
            Self::Month => "1M",
            Self::Quarter => "3M",
            Self::HalfYear => "6M",
            Self::Year => "1Y",
            Self::YearToDate => "YTD",
            Self::All => "ALL",
        }
    }

    /// The window of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::EACH.into_iter().find(|window| window.as_str() == name)
    }

    /// The day at whose close it starts; None for all.
    pub fn start(self, as_of: NaiveDate) -> Option<NaiveDate> {
        let months = |count| as_of.checked_sub_months(Months::new(count));
        match self {
            Self::Week => as_of.checked_sub_days(Days::new(7)),
            Self::Month => months(1),
            Self::Quarter => months(3),
            Self::HalfYear => months(6),
            Self::Year => months(12),
            Self::YearToDate => NaiveDate::from_ymd_opt(as_of.year().checked_sub(1)?, 12, 31),
            Self::All => None,
        }
    }
}

impl Serialize for Window {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Figures of a window. Rates are fractions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Which window.
    pub window: Window,
    /// The close it is measured from, or the record's first day.
    pub from: NaiveDate,
    /// The last valued day.
    pub to: NaiveDate,
    /// Whether the record reaches back to the window's start and on to within a week of its end.
    pub complete: bool,
    /// Time-weighted return.
    pub twr: f64,
    /// Yearly money-weighted return.
    pub money_weighted: Result<f64, NoRate>,
    /// Return of the market over the same days.
    pub market: f64,
    /// `(1 + twr) / (1 + market) − 1`; None when the market lost everything.
    pub excess: Option<f64>,
    /// Yearly volatility; None for less than two days.
    pub volatility: Option<f64>,
    /// Greatest loss from a peak, 0 to 1.
    pub drawdown: f64,
    /// 1 to 10; None without a volatility.
    pub risk: Option<u8>,
    /// Trading days.
    pub days: u32,
    /// Mean share of the value that was invested.
    pub invested: f64,
    /// Round trips that ended in it.
    pub closed: u32,
}

/// The figures of all windows of an account, in the order of [`Window::EACH`]; None where no day could be valued.
pub fn each_of_account(record: &Record) -> [Option<Figures>; 7] {
    let closed = || record.tickers.iter().flat_map(|ticker| &ticker.closed);
    each(&record.days, &record.flows, closed, record.as_of)
}

/// The figures of all windows of a person's history with one instrument; None where it was not held on any day.
pub fn each_of_ticker(record: &TickerRecord, as_of: NaiveDate) -> [Option<Figures>; 7] {
    each(&record.days, &record.flows, || record.closed.iter(), as_of)
}

/// One of [`each_of_account`].
pub fn of_account(record: &Record, window: Window) -> Option<Figures> {
    each_of_account(record).into_iter().flatten().find(|figures| figures.window == window)
}

/// One of [`each_of_ticker`].
pub fn of_ticker(record: &TickerRecord, window: Window, as_of: NaiveDate) -> Option<Figures> {
    each_of_ticker(record, as_of).into_iter().flatten().find(|figures| figures.window == window)
}

fn each<'r, C: Iterator<Item = &'r Closed>>(
    points: &[DayPoint],
    flows: &[Flow],
    closed: impl Fn() -> C,
    as_of: NaiveDate,
) -> [Option<Figures>; 7] {
    // All windows end with the last point, so one sweep backwards from it meets each where it begins.
    let skipped = |window: Window| {
        let start = window.start(as_of);
        start.map_or(0, |start| points.partition_point(|point| point.day <= start))
    };
    let mut begins = Window::EACH.map(|window| (skipped(window), window));
    begins.sort_unstable();
    let mut sweep = Sweep::new(points);
    let mut end = points.len();
    let mut found = [const { None }; 7];
    for (begin, window) in begins.into_iter().rev() {
        points.get(begin..end).unwrap_or_default().iter().rev().for_each(|point| sweep.step(point));
        end = begin;
        let place = usize::try_from(window.code() - 1).ok().and_then(|at| found.get_mut(at));
        if let (Some(place), Some((before, within))) = (place, points.split_at_checked(begin)) {
            let start = window.start(as_of);
            let inside =
                |trip: &&Closed| trip.closed <= as_of && start.is_none_or(|start| trip.closed > start);
            let trips = closed().filter(inside).count();
            let base = before.last();
            *place = within.first().zip(within.last()).map(|(first, last)| Figures {
                window,
                from: base.map_or(first.day, |point| point.day),
                to: last.day,
                complete: (base.is_some() || start.is_none()) && (as_of - last.day).num_days() <= 7,
                money_weighted: money_weighted(points, flows, base),
                closed: u32::try_from(trips).unwrap_or(u32::MAX),
                ..sweep.figures(window, last.day)
            });
        }
    }
    found
}

/// The yearly internal rate from a close (or the beginning) to the last point: the opening value goes in, then the
/// flows, then the closing value comes out.
pub(super) fn money_weighted(
    points: &[DayPoint],
    flows: &[Flow],
    base: Option<&DayPoint>,
) -> Result<f64, NoRate> {
    let last = points.last().ok_or(NoRate::Zero)?;
    let skipped = base.map_or(0, |base| flows.partition_point(|flow| flow.day <= base.day));
    let rest = flows.get(skipped..).unwrap_or_default();
    let origin = base.map(|base| base.day).or_else(|| rest.first().map(|flow| flow.day)).unwrap_or(last.day);
    let years = |day: NaiveDate| (day - origin).num_days() as f64 / 365.0;
    let mut terms = Vec::with_capacity(rest.len() + 2);
    terms.extend(base.map(|base| (0.0, -base.value)));
    // Income that came after the last share had left still belongs to the record.
    let late = |flow: &Flow| flow.kind == FlowKind::Income && last.value == 0.0;
    let counted = rest.iter().filter(|flow| flow.day <= last.day || late(flow));
    terms.extend(counted.map(|flow| (years(flow.day), -flow.amount)));
    terms.push((years(last.day), last.value));
    internal(terms)
}
