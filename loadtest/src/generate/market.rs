//! Generated prices and the days on which results come out. Nothing here happened: a random walk in whole won or cents
//! with a jump after each event.

use chrono::{Days, NaiveDate, NaiveTime, TimeZone};

use super::clock::{Clock, is_business_day, local};
use super::dice::{Dice, Purpose, Weighted};
use super::past;
use super::profile;
use super::tickers::{self, Exchange, Ticker};

/// The walk that knows of results begins this many days before the posts.
const EARLIER_DAYS: u64 = 60;

/// One day of one share, in won or cents.
#[derive(Clone, Copy)]
pub(crate) struct Bar {
    pub(crate) date: NaiveDate,
    pub(crate) open: i64,
    pub(crate) high: i64,
    pub(crate) low: i64,
    pub(crate) close: i64,
    pub(crate) volume: i64,
}

/// Results come out, better or worse than expected.
#[derive(Clone, Copy)]
pub(crate) struct Event {
    pub(crate) at: i64,
    pub(crate) good: bool,
}

/// A company with its generated past.
pub(crate) struct Listing {
    pub(crate) ticker: &'static Ticker,
    pub(crate) bars: Vec<Bar>,
    pub(crate) events: Vec<Event>,
}

impl Listing {
    /// Last close known on `date` and its change in hundredths of a per cent.
    pub(crate) fn price_on(&self, date: NaiveDate) -> (i64, i64) {
        let known = self.bars.partition_point(|bar| bar.date <= date);
        let mut back = self.bars.iter().take(known).rev().map(|bar| bar.close);
        let last = back.next().unwrap_or(self.ticker.start);
        let before = back.next().unwrap_or(last).max(1);
        (last, (last - before) * 10_000 / before)
    }
}

/// All companies and the time that people write in.
pub(crate) struct Market {
    pub(crate) listings: Vec<Listing>,
    /// Popularity of Korean companies, by position in `listings`.
    korean: Weighted,
    american: Weighted,
    seoul: Clock,
    new_york: Clock,
    start: i64,
    until: i64,
}

impl Market {
    /// The market of the `days` before `until` (Unix seconds).
    pub(crate) fn new(seed: u64, until: i64, days: u32) -> Self {
        let listing = |(index, ticker)| {
            let mut dice = Dice::new(seed, Purpose::Market, index);
            let events = events(&mut dice, ticker, until, days);
            let recent = bars(&mut dice, ticker, &events, until, days);
            let mut bars =
                recent.first().map_or_else(Vec::new, |bar| past::bars(seed, index, ticker, bar.date));
            bars.extend(recent);
            Listing { ticker, bars, events }
        };
        Self {
            listings: (0..).zip(tickers::all()).map(listing).collect(),
            korean: Weighted::zipf(tickers::KOREAN.len(), profile::TICKERS_ZIPF),
            american: Weighted::zipf(tickers::AMERICAN.len(), profile::TICKERS_ZIPF),
            seoul: Clock::new(chrono_tz::Asia::Seoul, until, days),
            new_york: Clock::new(chrono_tz::America::New_York, until, days),
            start: until - i64::from(days) * 86_400,
            until,
        }
    }

    /// A company by popularity, of the Korean ones or the others.
    pub(crate) fn draw(&self, dice: &mut Dice, korean: bool) -> usize {
        if korean { self.korean.draw(dice) } else { tickers::KOREAN.len() + self.american.draw(dice) }
    }

    /// The clock that the readers of a company live by.
    pub(crate) fn clock(&self, listing: usize) -> &Clock {
        let korean = self.listings.get(listing).is_none_or(|listing| listing.ticker.exchange.is_korean());
        if korean { &self.seoul } else { &self.new_york }
    }

    /// A moment at which someone writes about `listing`, and the event it follows, if it is one of a burst.
    pub(crate) fn moment(&self, dice: &mut Dice, listing: usize) -> (i64, Option<Event>) {
        let events = self.listings.get(listing).map_or(&[][..], |listing| &listing.events);
        if dice.below(self.until.abs_diff(self.start) * 1000) < burst_millis(events.len()) * 86_400 {
            let event = dice.pick(events).copied();
            let at = event.map_or(self.until, |event| {
                event.at + dice.quantile(profile::EVENT_DELAY_SECS).cast_signed()
            });
            if at < self.until {
                return (at, event);
            }
        }
        (self.clock(listing).draw(dice), None)
    }
}

/// What `events` add, in thousandths of a mean day's posts. An event falls on a weekday, which is busier than a mean day.
fn burst_millis(events: usize) -> u64 {
    let weekday: u64 = profile::WEEKDAYS.iter().take(5).sum::<u64>() * 7 / 50;
    (profile::EVENT_DAY_PERCENT - 100) * weekday / 100 * events as u64
}

/// Two or three in a month, at times of day at which results do come out.
fn events(dice: &mut Dice, ticker: &Ticker, until: i64, days: u32) -> Vec<Event> {
    let count = (u64::from(days) / 12).max(1) + dice.below(2);
    let times: &[(u32, u32)] = match ticker.exchange {
        Exchange::Krx => &[(8, 42), (14, 5), (15, 41), (16, 3)],
        Exchange::Nasdaq => &[(16, 1), (16, 5), (16, 20)],
        Exchange::Nyse => &[(6, 50)],
    };
    let mut drawn: Vec<Event> = (0..count).filter_map(|_| event(dice, ticker, times, until, days)).collect();
    drawn.sort_by_key(|event| event.at);
    drawn.dedup_by_key(|event| event.at / 86_400);
    drawn
}

fn event(dice: &mut Dice, ticker: &Ticker, times: &[(u32, u32)], until: i64, days: u32) -> Option<Event> {
    let zone = ticker.exchange.zone();
    let (today, _) = local(zone, until);
    let mut date = today.checked_sub_days(Days::new(1 + dice.below(u64::from(days))))?;
    while !is_business_day(date) {
        date = date.pred_opt()?;
    }
    let (hour, minute) = dice.pick(times).copied()?;
    let time = date.and_time(NaiveTime::from_hms_opt(hour, minute, 0)?);
    let at = zone.from_local_datetime(&time).earliest()?.timestamp();
    let start = until - i64::from(days) * 86_400;
    let good = dice.chance(550);
    (start..until).contains(&at).then_some(Event { at, good })
}

fn bars(dice: &mut Dice, ticker: &Ticker, events: &[Event], until: i64, days: u32) -> Vec<Bar> {
    let zone = ticker.exchange.zone();
    let (today, hour) = local(zone, until);
    let from = today.checked_sub_days(Days::new(u64::from(days) + EARLIER_DAYS)).unwrap_or(today);
    let closed = |date: &NaiveDate| *date < today || hour >= 16;
    let jump = |date: NaiveDate| events.iter().find(|event| moves_on(event, zone) == Some(date));
    let volatility = dice.between(140, 320);
    let usual_volume = dice.between(400_000, 9_000_000);
    let mut last = ticker.start;
    let dates = from.iter_days().take_while(|date| *date <= today).filter(closed);
    dates
        .filter(|date| is_business_day(*date))
        .map(|date| {
            let bar = next_bar(dice, ticker, date, last, (volatility, usual_volume), jump(date));
            last = bar.close;
            bar
        })
        .collect()
}

/// The trading day that answers an event: the same one, or the next after the close.
fn moves_on(event: &Event, zone: chrono_tz::Tz) -> Option<NaiveDate> {
    let (date, hour) = local(zone, event.at);
    if hour < 15 {
        return Some(date);
    }
    date.iter_days().skip(1).find(|date| is_business_day(*date))
}

fn next_bar(
    dice: &mut Dice,
    ticker: &Ticker,
    date: NaiveDate,
    last: i64,
    (volatility, usual_volume): (i64, i64),
    event: Option<&Event>,
) -> Bar {
    let drift = dice.normal_milli() * volatility / 1000;
    let jump = event.map_or(0, |event| dice.between(250, 800) * if event.good { 1 } else { -1 });
    let tick = |value: i64| to_tick(value, ticker.exchange);
    let gap = jump * 3 / 4 + dice.between(-volatility, volatility) / 3;
    let open = tick(last + last * gap / 10_000);
    let close = tick(last + last * (drift + jump).clamp(-1_500, 1_500) / 10_000);
    let reach = |dice: &mut Dice| last * dice.between(0, volatility) / 15_000;
    let high = tick(open.max(close) + reach(dice)).max(open).max(close);
    let low = tick(open.min(close) - reach(dice)).min(open).min(close);
    let busy = if event.is_some() { 3 } else { 1 };
    let volume = usual_volume * busy * dice.between(600_000, 1_600_000) / 1_000_000;
    Bar { date, open, high, low, close, volume }
}

/// Steps of Korean prices, each up to a price in won; dearer shares move by a thousand.
const KOREAN_STEPS: [(i64, i64); 6] =
    [(2_000, 1), (5_000, 5), (20_000, 10), (50_000, 50), (200_000, 100), (500_000, 500)];

/// The nearest price that can be traded at; never 0.
pub(crate) fn to_tick(value: i64, exchange: Exchange) -> i64 {
    let korean = || KOREAN_STEPS.iter().find(|(below, _)| value < *below);
    let step = match exchange {
        Exchange::Krx => korean().map_or(1_000, |(_, step)| *step),
        Exchange::Nasdaq | Exchange::Nyse => 1,
    };
    ((value + step / 2) / step * step).max(step)
}
