//! What a card states, computed from a record. The same record and request give the same facts, which is how a
//! card is verified again.

use chrono::{DateTime, NaiveDate, Utc};
use madang_core::{
    ids::{CardId, TickerId, UserId},
    tickers::Catalogue,
};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::Request;
use crate::{
    cards::{Amounts, BadFacts, CardFacts, Index, Instrument, Rate, Subject, cherry_index},
    returns::{Currency, DayPoint, Record, TickerRecord, Window, risk::max_drawdown, windows},
};

/// Who a card is of, and when it is made.
#[derive(Debug, Clone)]
pub struct Maker {
    /// The card's id.
    pub card: CardId,
    /// Whose.
    pub author: UserId,
    /// Their handle.
    pub handle: String,
    /// Their name.
    pub name: String,
    /// When, in whole microseconds.
    pub made_at: DateTime<Utc>,
    /// The text they agreed to.
    pub consent_version: i32,
    /// Whether amounts may be shown.
    pub amounts: bool,
}

/// Facts, with what judging the choice needs beside them.
pub(super) struct Stated {
    pub(super) facts: CardFacts,
    /// Mean of what it is ranked among.
    pub(super) typical: f64,
}

/// What is shown, before it is put on a card.
struct Measured {
    subject: Subject,
    shown: f64,
    days: (NaiveDate, NaiveDate),
    /// whether the first day's own return belongs to it
    whole_first: bool,
    others: Vec<f64>,
    amounts: Option<Amounts>,
}

/// States what is asked; `None` where the record has no such position or window.
pub(super) fn state(
    record: &Record,
    request: Request,
    maker: &Maker,
    revision: i64,
    catalogue: &Catalogue,
) -> Result<Option<Stated>, BadFacts> {
    let measured = match request {
        Request::Position { ticker, opened } => position(record, ticker, opened, catalogue),
        Request::Window { ticker, window } => of_window(record, ticker, window, catalogue),
    };
    let (Some(measured), Some(all)) = (measured, windows::of_account(record, Window::All)) else {
        return Ok(None);
    };
    let within = span(&record.days, measured.days, measured.whole_first);
    let chained = |value: fn(&DayPoint) -> f64| within.iter().map(value).product::<f64>() - 1.0;
    let index = cherry_index(measured.shown, &measured.others).map(Index::new).transpose()?;
    let among = u32::try_from(measured.others.len()).unwrap_or(u32::MAX);
    let typical = mean(&measured.others);
    let facts = CardFacts {
        card: maker.card,
        author: maker.author,
        handle: maker.handle.clone(),
        name: maker.name.clone(),
        denominator: measured.subject.denominator(),
        subject: measured.subject,
        shown: Rate::from_fraction(measured.shown)?,
        account: Rate::from_fraction(chained(|point| point.factor))?,
        market: Some(Rate::from_fraction(chained(|point| 1.0 + point.market))?),
        record: Rate::from_fraction(all.twr)?,
        cherry_index: index,
        ranked_among: if index.is_some() { among.saturating_add(1) } else { 0 },
        drawdown: Rate::from_fraction(max_drawdown(within.iter().map(|point| point.factor)))?,
        made_at: maker.made_at,
        ledger_revision: revision,
        consent_version: maker.consent_version,
        amounts: measured.amounts.filter(|_| maker.amounts),
    };
    facts.check()?;
    Ok(Some(Stated { facts, typical }))
}

fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

fn instrument(ticker: TickerId, catalogue: &Catalogue) -> Option<Instrument> {
    let ticker = catalogue.get(ticker)?;
    Some(Instrument {
        symbol: ticker.symbol.clone(),
        name: ticker.name.clone(),
        name_ko: ticker.name_ko.clone(),
    })
}

fn find(record: &Record, ticker: TickerId) -> Option<&TickerRecord> {
    record.tickers.iter().find(|one| one.ticker == ticker)
}

/// The returns of all closed positions of all tickers, in the order in which they closed, each with its ticker and
/// its days.
pub(super) fn closed(record: &Record) -> Vec<(TickerId, NaiveDate, NaiveDate, f64)> {
    let mut all: Vec<_> = record
        .tickers
        .iter()
        .flat_map(|ticker| ticker.closed.iter().map(move |trip| (ticker.ticker, trip)))
        .filter_map(|(ticker, trip)| Some((ticker, trip.opened, trip.closed, trip.rate?)))
        .collect();
    all.sort_by_key(|(ticker, opened, closed, _)| (*closed, *opened, *ticker));
    all
}

fn position(
    record: &Record,
    ticker: TickerId,
    opened: Option<NaiveDate>,
    catalogue: &Catalogue,
) -> Option<Measured> {
    let own = find(record, ticker)?;
    let held = own.holding.as_ref().filter(|holding| opened.is_none_or(|day| day == holding.since));
    let all = closed(record);
    let others = |skip: Option<(NaiveDate, NaiveDate)>| -> Vec<f64> {
        let shown =
            |one: &&(TickerId, NaiveDate, NaiveDate, f64)| one.0 == ticker && Some((one.1, one.2)) == skip;
        let at = all.iter().position(|one| shown(&one));
        all.iter().enumerate().filter(|(place, _)| Some(*place) != at).map(|(_, one)| one.3).collect()
    };
    let instrument = instrument(ticker, catalogue)?;
    if let Some(holding) = held {
        let cost = holding.average_cost.checked_mul(holding.quantity).filter(|cost| *cost > Decimal::ZERO)?;
        let shown = holding.unrealised?.checked_div(cost)?.to_f64()?;
        let subject = Subject::Position { instrument, opened: holding.since, closed: None };
        let days = (holding.since, record.as_of);
        return Some(Measured {
            subject,
            shown,
            days,
            whole_first: true,
            others: others(None),
            amounts: None,
        });
    }
    let trip = own.closed.iter().rev().find(|trip| opened.is_none_or(|day| day == trip.opened))?;
    let subject = Subject::Position { instrument, opened: trip.opened, closed: Some(trip.closed) };
    Some(Measured {
        subject,
        shown: trip.rate?,
        days: (trip.opened, trip.closed),
        whole_first: true,
        others: others(Some((trip.opened, trip.closed))),
        amounts: trip.proceeds.checked_sub(trip.cost).map(|realised| Amounts {
            realised: realised.round_dp(minor_digits(own.currency)),
            currency: own.currency.to_string(),
        }),
    })
}

/// Digits after the point that money of a currency has.
fn minor_digits(currency: Currency) -> u32 {
    match currency.as_str() {
        "KRW" | "JPY" | "VND" => 0,
        _ => 2,
    }
}

fn of_window(
    record: &Record,
    ticker: Option<TickerId>,
    window: Window,
    catalogue: &Catalogue,
) -> Option<Measured> {
    let (figures, points) = match ticker {
        None => (windows::of_account(record, window)?, &record.days),
        Some(ticker) => {
            let own = find(record, ticker)?;
            (windows::of_ticker(own, window, record.as_of)?, &own.days)
        }
    };
    let instrument = match ticker {
        None => None,
        Some(ticker) => Some(instrument(ticker, catalogue)?),
    };
    let count = usize::try_from(figures.days).ok()?;
    let (from, to) = (figures.from, figures.to);
    Some(Measured {
        subject: Subject::Window { instrument, window, from, to },
        shown: figures.twr,
        days: (from, to),
        whole_first: points.len() == count,
        others: rolling(points, count),
        amounts: None,
    })
}

/// The returns of all windows of so many days that could have been shown instead of the last one.
fn rolling(points: &[DayPoint], count: usize) -> Vec<f64> {
    let mut all: Vec<f64> = points
        .windows(count.max(1))
        .map(|few| few.iter().map(|point| point.factor).product::<f64>() - 1.0)
        .collect();
    all.pop();
    all
}

fn span(points: &[DayPoint], (from, to): (NaiveDate, NaiveDate), whole_first: bool) -> Vec<DayPoint> {
    let within =
        |point: &&DayPoint| point.day <= to && (point.day > from || (whole_first && point.day == from));
    points.iter().filter(within).copied().collect()
}
