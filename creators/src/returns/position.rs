//! One instrument of one account: quantity and cost exact, the last known price, and its own record.

mod coast;
mod price;

use chrono::NaiveDate;
use madang_core::ids::TickerId;
use rust_decimal::Decimal;

use super::{
    chain::Chain,
    entry::{Currency, Trade},
    exact::{decimal, float, share},
    holdings,
    market::Instrument,
    record::{DayPoint, Flow, FlowKind, TickerRecord},
    series::date,
    trip::{self, Trip},
};

/// Whether the last known price counts on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Price {
    Known,
    Stale,
    /// Delisted for long: worth nothing.
    Void,
}

#[derive(Debug)]
pub(super) struct Position<'m> {
    /// Which of the account's wallets its currency is.
    pub(super) wallet: usize,
    pub(super) shares: f64,
    pub(super) quantity: Decimal,
    pub(super) cost: Decimal,
    pub(super) record: TickerRecord,
    pub(super) trip: Option<Trip>,
    instrument: Option<&'m Instrument>,
    /// The last known price, NaN before there is one, and its day.
    mark: f64,
    marked: i32,
    chain: Chain,
    /// Held at some time since the last point.
    touched: bool,
    /// Held at the last point, so that the day began with it.
    began: bool,
    /// What the last shares brought when they left, for income that comes late.
    exit: f64,
    /// What the market multiplied by since the last point.
    market: f64,
}

impl<'m> Position<'m> {
    pub(super) fn new(
        ticker: TickerId,
        currency: Currency,
        wallet: usize,
        instrument: Option<&'m Instrument>,
    ) -> Self {
        let record = TickerRecord {
            ticker,
            currency,
            days: Vec::new(),
            flows: Vec::new(),
            holding: None,
            closed: Vec::new(),
            realised: Decimal::ZERO,
            income: Decimal::ZERO,
            bridged: 0,
            incomplete: None,
        };
        Self {
            wallet,
            shares: 0.0,
            quantity: Decimal::ZERO,
            cost: Decimal::ZERO,
            record,
            trip: None,
            instrument,
            mark: f64::NAN,
            marked: 0,
            chain: Chain::new(),
            touched: false,
            began: false,
            exit: 0.0,
            market: 1.0,
        }
    }

    /// Value at the last known price; NaN when none is known.
    #[inline]
    pub(super) fn worth(&self) -> f64 {
        if self.shares > 0.0 { self.shares * self.mark } else { 0.0 }
    }

    /// The last known price and its day.
    pub(super) fn marked(&self) -> (f64, i32) {
        (self.mark, self.marked)
    }

    /// An own execution makes its price the last known one; a price of zero (shares given) says nothing.
    pub(super) fn execute(&mut self, day: i32, price: Decimal) {
        if price > Decimal::ZERO {
            (self.mark, self.marked) = (float(price), day);
        }
    }

    pub(super) fn buy(&mut self, day: i32, trade: &Trade, paid: Decimal) -> Option<()> {
        self.flow(day, self.worth(), float(paid), FlowKind::Bought);
        self.put(day, trade.quantity, paid)
    }

    /// `costs` are lost before the rest leaves. Returns the gain.
    pub(super) fn sell(&mut self, day: i32, trade: &Trade, costs: Decimal, net: Decimal) -> Option<Decimal> {
        let before = self.worth() - float(costs);
        self.flow(day, before, -float(net), FlowKind::Sold);
        let gain = net.checked_sub(self.take(day, trade.quantity, net, before)?)?;
        self.record.realised = self.record.realised.checked_add(gain)?;
        Some(gain)
    }

    /// Shares moved in. Returns their value, NaN when no price is known on any day.
    pub(super) fn move_in(&mut self, day: i32, quantity: Decimal, unit_cost: Option<Decimal>) -> Option<f64> {
        let known = self.known_before(day);
        let (price, priced) =
            known.or_else(|| unit_cost.map(|cost| (float(cost), day))).unwrap_or((f64::NAN, day));
        let after = || self.instrument.and_then(|instrument| instrument.closes.nearest(day));
        let value = float(quantity) * if price.is_nan() { after().unwrap_or(price) } else { price };
        let cost = match unit_cost {
            Some(cost) => cost.checked_mul(quantity)?,
            None => decimal(value).unwrap_or_default(),
        };
        self.flow(day, self.worth(), value, FlowKind::SharesIn);
        if self.shares <= 0.0 {
            (self.mark, self.marked) = (price, priced);
        }
        self.put(day, quantity, cost)?;
        Some(value)
    }

    /// Shares moved out: no gain is realised. Returns their value, NaN when no price is known on any day.
    pub(super) fn move_out(&mut self, day: i32, quantity: Decimal) -> Option<f64> {
        let after = || self.instrument.and_then(|instrument| instrument.closes.nearest(day));
        let price = if self.mark.is_nan() { after().unwrap_or(f64::NAN) } else { self.mark };
        let value = float(quantity) * price;
        let before = self.worth();
        self.flow(day, before, -value, FlowKind::SharesOut);
        self.take(day, quantity, decimal(value).unwrap_or_default(), before)?;
        Some(value)
    }

    /// Income of the holding, or a charge when negative, which leaves it at once.
    pub(super) fn earn(&mut self, day: i32, net: Decimal) -> Option<()> {
        self.record.income = self.record.income.checked_add(net)?;
        let amount = float(net);
        if let Some(trip) = &mut self.trip {
            trip.earn(net)?;
            self.flow(day, self.worth() + amount, -amount, FlowKind::Income);
            return Some(());
        }
        self.record.flows.push(Flow { day: date(day), amount: -amount, kind: FlowKind::Income });
        self.earn_late(day, amount);
        match self.record.closed.last_mut() {
            Some(trip) => trip::earn_late(trip, net),
            None => Some(()),
        }
    }

    /// What comes when nothing is held any more counts as if it had come with the last shares sold.
    fn earn_late(&mut self, day: i32, amount: f64) {
        if self.exit <= 0.0 || self.exit + amount < 0.0 {
            return;
        }
        let more = (self.exit + amount) / self.exit;
        self.exit += amount;
        if self.touched {
            self.chain.amend(day, more, -amount);
        } else if let Some(point) = self.record.days.last_mut() {
            point.factor *= more;
        }
    }

    /// Changes quantity and average cost, not the value.
    pub(super) fn split(&mut self, new: u32, old: u32) -> Option<()> {
        let ratio = f64::from(new) / f64::from(old);
        self.quantity = holdings::split(self.quantity, new, old)?;
        self.shares = float(self.quantity);
        self.mark /= ratio;
        if let Some(trip) = &mut self.trip {
            trip.split(ratio);
        }
        Some(())
    }

    fn flow(&mut self, day: i32, before: f64, amount: f64, kind: FlowKind) {
        self.touched = true;
        self.chain.flow(day, before, amount);
        if amount.is_finite() {
            self.record.flows.push(Flow { day: date(day), amount, kind });
        }
    }

    fn put(&mut self, day: i32, quantity: Decimal, cost: Decimal) -> Option<()> {
        let trip = self.trip.get_or_insert_with(|| Trip::open(day));
        trip.put(day, float(quantity), self.shares, cost)?;
        self.quantity = self.quantity.checked_add(quantity)?;
        self.shares = float(self.quantity);
        self.cost = self.cost.checked_add(cost)?;
        Some(())
    }

    /// Returns the average cost of what left.
    fn take(&mut self, day: i32, quantity: Decimal, proceeds: Decimal, before: f64) -> Option<Decimal> {
        let cost = share(self.cost, quantity, self.quantity)?;
        self.cost = self.cost.checked_sub(cost)?;
        self.quantity = self.quantity.checked_sub(quantity)?;
        self.shares = float(self.quantity);
        self.trip.as_mut()?.take(day, float(quantity), proceeds)?;
        if self.quantity <= Decimal::ZERO {
            self.exit = before;
            let closed = self.trip.take().map(|trip| trip.close(day));
            self.record.closed.extend(closed);
        }
        Some(cost)
    }

    /// The last price known before a day's close.
    fn known_before(&self, day: i32) -> Option<(f64, i32)> {
        let own = || (!self.mark.is_nan()).then_some((self.mark, self.marked));
        if self.shares > 0.0 {
            return own();
        }
        let close = self.instrument.and_then(|instrument| instrument.closes.before(day.saturating_sub(1)));
        close.map(|(priced, close)| (close, priced)).or_else(own)
    }

    /// Ends a trading day of its market, on which the market returned `change`.
    #[inline]
    pub(super) fn close_day(&mut self, day: i32, date: NaiveDate, price: Price, change: f64) {
        if !self.touched && self.shares <= 0.0 {
            return;
        }
        // A day that began without the holding has no market return either.
        if self.began || self.chain.is_open_gap() {
            self.market *= 1.0 + change;
        }
        if price == Price::Stale && self.shares > 0.0 {
            self.chain.miss();
            self.record.incomplete = Some(self.stale());
            return;
        }
        let value = self.worth();
        let closed = self.chain.close(day, value);
        self.record.bridged += u32::from(closed.bridged);
        self.record.incomplete = None;
        self.touched = self.shares > 0.0;
        self.began = value > 0.0;
        let (factor, market) = (closed.factor, self.market - 1.0);
        self.market = 1.0;
        if self.record.days.is_empty() {
            self.record.days.reserve(256);
        }
        self.record.days.push(DayPoint { day: date, value, factor, market, invested: 1.0 });
    }
}
