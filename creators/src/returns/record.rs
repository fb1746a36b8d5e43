//! What replaying a ledger yields.

use chrono::NaiveDate;
use madang_core::ids::TickerId;
use rust_decimal::Decimal;
use serde::Serialize;

use super::{entry::Currency, rates::NoRate};

/// A trading day that could be valued.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DayPoint {
    /// The market's day.
    pub day: NaiveDate,
    /// Value at the close: an account's in its base currency, a holding's in the instrument's currency.
    pub value: f64,
    /// 1 + the time-weighted return since the point before.
    pub factor: f64,
    /// Return of the market since the point before.
    pub market: f64,
    /// Share of the value that is invested, 0 to 1.
    pub invested: f64,
}

/// Why money moved across the border of an account or of a holding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowKind {
    /// Cash paid in.
    Deposit,
    /// Cash paid out.
    Withdrawal,
    /// Shares moved in.
    SharesIn,
    /// Shares moved out.
    SharesOut,
    /// Cash that was not there when it was spent, so that it must have been paid in.
    Implied,
    /// Bought (a holding's flow).
    Bought,
    /// Sold (a holding's flow).
    Sold,
    /// Income less tax and charges (a holding's flow).
    Income,
}

/// A flow across the border, for money-weighted returns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Flow {
    /// The market's day.
    pub day: NaiveDate,
    /// Positive when paid in; in the currency of the day points.
    pub amount: f64,
    /// Why.
    pub kind: FlowKind,
}

/// Why figures are missing or stop early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incomplete {
    /// No exchange rate is known.
    NoRate {
        /// Of this currency.
        currency: Currency,
        /// On this day first, in the present run of days without.
        since: NaiveDate,
    },
    /// No price is known any more.
    StalePrice {
        /// Of this instrument.
        ticker: TickerId,
        /// The day of the last known price, or of the entry that came without any.
        since: NaiveDate,
    },
}

/// A holding as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Holding {
    /// Shares.
    pub quantity: Decimal,
    /// Moving average of what a share cost, fees and taxes of buying included; instrument's currency.
    pub average_cost: Decimal,
    /// First day of the present holding.
    pub since: NaiveDate,
    /// Worth at the last known price; instrument's currency. None when no price counts any more.
    pub value: Option<Decimal>,
    /// `value` less cost.
    pub unrealised: Option<Decimal>,
    /// Share of the account's present value, 0 to 1; 0 when that cannot be told.
    pub weight: f64,
}

/// A round trip: from nothing held to nothing held.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Closed {
    /// Day of the first share in.
    pub opened: NaiveDate,
    /// Day of the last share out.
    pub closed: NaiveDate,
    /// All that was put in, costs of buying included; instrument's currency.
    pub cost: Decimal,
    /// All that came out, less costs of selling, with dividends less their tax and less charges; shares moved out
    /// count at the last known price. A dividend that comes later is added.
    pub proceeds: Decimal,
    /// `proceeds / cost − 1`; None when it cost nothing.
    pub rate: Option<f64>,
    /// Mean days that a share was held.
    pub held_days: f64,
}

/// A person's history with one instrument.
#[derive(Debug, Clone, PartialEq)]
pub struct TickerRecord {
    /// Which instrument.
    pub ticker: TickerId,
    /// Its currency; all amounts here are in it.
    pub currency: Currency,
    /// The trading days of its market on which it was held.
    pub days: Vec<DayPoint>,
    /// Bought, sold, moved, earned.
    pub flows: Vec<Flow>,
    /// What is held now.
    pub holding: Option<Holding>,
    /// Round trips, oldest first.
    pub closed: Vec<Closed>,
    /// Gain of what was sold: net proceeds less average cost. Exact.
    pub realised: Decimal,
    /// Dividends less tax, less charges apart from trades. Exact when paid in the instrument's currency.
    pub income: Decimal,
    /// Gaps that were bridged.
    pub bridged: u32,
    /// Why the days stop before the end, if they do.
    pub incomplete: Option<Incomplete>,
}

/// A person's whole record.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Currency of `days`, `flows` and the totals.
    pub base: Currency,
    /// The day the record was asked for.
    pub as_of: NaiveDate,
    /// Trading days from the first entry on that could be valued.
    pub days: Vec<DayPoint>,
    /// Money and shares that came from or went to outside.
    pub flows: Vec<Flow>,
    /// By instrument, in the order of their first entries.
    pub tickers: Vec<TickerRecord>,
    /// Cash as it stands.
    pub cash: Vec<(Currency, Decimal)>,
    /// What was spent without being there, and so counts as paid in.
    pub implied: Vec<(Currency, Decimal)>,
    /// Gains of sales, each at its own day's rate.
    pub realised: Decimal,
    /// Dividends less taxes and charges, each at its own day's rate.
    pub income: Decimal,
    /// Gains of what is held, at the last day's rate; None when a price or rate is missing.
    pub unrealised: Option<Decimal>,
    /// Gaps that were bridged.
    pub bridged: u32,
    /// Why figures are missing or stop early; empty when all is there.
    pub incomplete: Vec<Incomplete>,
}

impl Record {
    /// The last day that could be valued.
    pub fn ends(&self) -> Option<NaiveDate> {
        self.days.last().map(|point| point.day)
    }

    /// Mean days that shares of closed round trips were held, each trip counting once.
    pub fn average_holding_days(&self) -> Option<f64> {
        let trips = || self.tickers.iter().flat_map(|ticker| &ticker.closed);
        let count = trips().count();
        (count > 0).then(|| trips().map(|trip| trip.held_days).sum::<f64>() / count as f64)
    }

    /// The yearly money-weighted return of the whole record.
    ///
    /// # Errors
    /// Says why no rate exists.
    pub fn money_weighted(&self) -> Result<f64, NoRate> {
        super::windows::money_weighted(&self.days, &self.flows, None)
    }
}

/// Why a ledger cannot be replayed. The intake refuses such entries; each names the one at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreplayable {
    /// More went out than was held.
    #[error(transparent)]
    Oversold(#[from] Oversold),
    /// A quantity is not above zero, or an amount below it.
    #[error("entry {entry} has a quantity or an amount that cannot be")]
    Impossible {
        /// The entry.
        entry: i64,
    },
    /// A trade in another currency than the instrument's.
    #[error("entry {entry} is not in the currency of its instrument")]
    Currency {
        /// The entry.
        entry: i64,
    },
    /// A number outgrew what decimals hold.
    #[error("entry {entry} makes a number too large")]
    TooLarge {
        /// The entry.
        entry: i64,
    },
}

/// More shares went out than were held: a short position, which this ledger does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {entry} takes {wanted} of instrument {}, of which {held} are held", .ticker.get())]
pub struct Oversold {
    /// The entry.
    pub entry: i64,
    /// Of what.
    pub ticker: TickerId,
    /// Shares held before it.
    pub held: Decimal,
    /// Shares it takes.
    pub wanted: Decimal,
}
