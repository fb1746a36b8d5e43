//! A person's ledger replayed to daily records. Pure: the same entries, market and day give the same record.
//!
//! Each day first takes its entries in order, then, when a market is open, the day's closes. The conventions stand
//! in `docs/RETURNS.md`.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{
    account::Account,
    apply::apply,
    entry::{Currency, Entry, Kind, Trade},
    finish::finish,
    holdings::{check_holdings, in_order},
    market::{Market, Money},
    position::Price,
    record::{DayPoint, Incomplete, Record, Unreplayable},
    series::{date, number},
};

/// Replays accepted entries, in any order, up to the end of a day; later ones are left out. Values in `base`.
///
/// # Errors
/// Names the entry that cannot be; the intake refuses such entries before.
pub fn replay(
    entries: &[Entry],
    market: &Market,
    base: Currency,
    as_of: NaiveDate,
) -> Result<Record, Unreplayable> {
    if let Some(entry) = entries.iter().find(|entry| !entry.kind.is_possible()) {
        return Err(Unreplayable::Impossible { entry: entry.id });
    }
    check_holdings(entries)?;
    let sorted = in_order(entries);
    let until = sorted.partition_point(|entry| entry.day <= as_of);
    let mut replay = Replay::new(market, base);
    replay.run(sorted.get(..until).unwrap_or_default(), number(as_of))?;
    Ok(finish(replay, as_of))
}

/// An account on its way through the days.
pub(super) struct Replay<'m> {
    pub(super) account: Account<'m>,
    pub(super) days: Vec<DayPoint>,
    pub(super) bridged: u32,
    /// What is missing since the last valued close.
    pub(super) missing: Vec<Incomplete>,
    /// What the market multiplied by since the last valued close.
    market: f64,
    /// Room for [`Self::coast`].
    values: Vec<f64>,
}

impl<'m> Replay<'m> {
    fn new(market: &'m Market, base: Currency) -> Self {
        let account = Account::new(market, base);
        Self { account, days: Vec::new(), bridged: 0, missing: Vec::new(), market: 1.0, values: Vec::new() }
    }

    fn run(&mut self, entries: &[&Entry], as_of: i32) -> Result<(), Unreplayable> {
        let Some(first) = entries.first() else { return Ok(()) };
        let mut rest = entries;
        let mut day = number(first.day);
        self.days.reserve(usize::try_from(as_of.saturating_sub(day)).unwrap_or_default().min(512));
        while day <= as_of {
            let due = rest.iter().take_while(|entry| number(entry.day) <= day).count();
            let (now, later) = rest.split_at_checked(due).unwrap_or((rest, &[]));
            rest = later;
            self.account.begin(day);
            self.enter(now)?;
            self.close(day);
            day = self.coast(day, rest.first().map_or(as_of, |entry| (number(entry.day) - 1).min(as_of)));
            day = self.next(day, rest.first().map_or(i32::MAX, |entry| number(entry.day)));
        }
        self.account.begin(as_of);
        Ok(())
    }

    /// Goes through the days without entries at once, where all is in one currency and every close is known. Returns
    /// the last day done.
    fn coast(&mut self, day: i32, until: i32) -> i32 {
        let account = &mut self.account;
        let ([wallet], true) = (account.wallets.as_mut_slice(), account.chain.is_calm()) else { return day };
        let Some(money) = wallet.money else { return day };
        let days = money.between(day.saturating_add(1), until);
        let Some(last) = days.last().map(|last| last.day) else { return day };
        if !account.positions.iter().all(|position| position.can_coast(days)) {
            return day;
        }
        self.values.clear();
        self.values.resize(days.len(), 0.0);
        for position in &mut account.positions {
            position.coast(days, &mut self.values);
        }
        for (at, ahead) in days.iter().enumerate() {
            let invested = self.values.get(at).copied().unwrap_or_default();
            if let Some(wallet) = self.account.wallets.first_mut() {
                (wallet.invested, wallet.change, wallet.open) = (invested, ahead.change, true);
            }
            self.close_account(ahead.day, ahead.date, false);
        }
        self.account.today = last;
        last
    }

    /// The next day on which anything can happen: an entry's, or a market's trading day.
    fn next(&self, day: i32, entry: i32) -> i32 {
        let opens = |money: &Money| money.from(day.saturating_add(1)).first().map(|open| open.day);
        let open = self.account.wallets.iter().filter_map(|wallet| opens(wallet.money?)).min();
        entry.min(open.unwrap_or(i32::MAX))
    }

    fn enter(&mut self, entries: &[&Entry]) -> Result<(), Unreplayable> {
        let mut rest = entries.iter().peekable();
        while let Some(entry) = rest.next() {
            let mut kind = entry.kind;
            while let Some(both) =
                rest.peek().filter(|next| next.at == entry.at).and_then(|next| fill(&kind, &next.kind))
            {
                kind = both;
                rest.next();
            }
            apply(&mut self.account, entry, &kind)?;
        }
        Ok(())
    }

    /// Ends a day: closes, values, points.
    fn close(&mut self, day: i32) {
        let account = &mut self.account;
        let mut date = None;
        for wallet in &mut account.wallets {
            let open = wallet.money.and_then(|money| money.on(day));
            wallet.open = open.is_some();
            wallet.change = open.map_or(0.0, |open| open.change);
            wallet.invested = 0.0;
            date = date.or(open.map(|open| open.date));
        }
        let mut stale = false;
        for position in &mut account.positions {
            let price = if position.shares > 0.0 { position.settle(day) } else { Price::Known };
            if price == Price::Void {
                position.void();
            }
            stale |= price == Price::Stale;
            let Some(wallet) = account.wallets.get_mut(position.wallet) else { continue };
            wallet.invested += position.worth();
            if let Some(date) = date.filter(|_| wallet.open) {
                position.close_day(day, date, price, wallet.change);
            }
        }
        if let Some(date) = date {
            self.close_account(day, date, stale);
        }
    }

    fn close_account(&mut self, day: i32, date: NaiveDate, stale: bool) {
        let value = self.account.sum();
        let before = self.days.last().map_or(0.0, |point| point.value);
        let gap = self.account.chain.is_open_gap();
        if gap || !self.account.chain.is_dust(before) {
            self.market *= 1.0 + self.market_change();
        }
        for wallet in &mut self.account.wallets {
            wallet.rate_before = wallet.rate;
        }
        if stale || !value.is_finite() {
            self.account.chain.miss();
            self.note_missing(day);
            return;
        }
        let idle = self.account.chain.is_dust(value) && self.account.chain.is_idle();
        if idle && !gap && self.account.chain.is_dust(before) {
            return;
        }
        let closed = self.account.chain.close(day, value);
        self.bridged += u32::from(closed.bridged);
        self.missing.clear();
        let all = self.account.invested();
        let invested = if value > 0.0 { (all / value).clamp(0.0, 1.0) } else { 0.0 };
        for wallet in &mut self.account.wallets {
            wallet.weight = if wallet.invested > 0.0 { wallet.invested * wallet.rate } else { 0.0 };
        }
        let (factor, market) = (closed.factor, self.market - 1.0);
        self.market = 1.0;
        self.days.push(DayPoint { day: date, value, factor, market, invested });
    }

    /// The mean of the benchmarks, in base, weighted by what was invested in each currency at the day's start; the
    /// base currency's when nothing was.
    fn market_change(&self) -> f64 {
        let total: f64 = self.account.wallets.iter().map(|wallet| wallet.weight).sum();
        if total <= 0.0 {
            return self.account.wallets.first().map_or(0.0, |wallet| wallet.change);
        }
        let parts = self.account.wallets.iter().filter(|wallet| wallet.weight > 0.0).map(|wallet| {
            let moved = wallet.rate / wallet.rate_before;
            let moved = if moved.is_finite() { moved } else { 1.0 };
            wallet.weight / total * ((1.0 + wallet.change) * moved - 1.0)
        });
        parts.sum()
    }

    fn note_missing(&mut self, day: i32) {
        let mut found = Vec::new();
        for wallet in self.account.wallets.iter().filter(|wallet| wallet.rate.is_nan()) {
            if wallet.cash > Decimal::ZERO || wallet.invested != 0.0 {
                let known = self.missing.iter().find(
                    |missing| matches!(missing, Incomplete::NoRate { currency, .. } if *currency == wallet.currency),
                );
                let fresh = Incomplete::NoRate { currency: wallet.currency, since: date(day) };
                found.push(known.copied().unwrap_or(fresh));
            }
        }
        let stale = self.account.positions.iter().filter(|position| position.shares > 0.0);
        found.extend(
            stale.filter(|position| position.price_on(day) == Price::Stale).map(|position| position.stale()),
        );
        self.missing = found;
    }
}

/// Two fills of one order at one price as one, so that costs weigh the same however an order was filled.
fn fill(one: &Kind, next: &Kind) -> Option<Kind> {
    let join = |one: &Trade, next: &Trade| {
        let same = one.ticker == next.ticker && one.price == next.price && one.currency == next.currency;
        let quantity = one.quantity.checked_add(next.quantity).filter(|_| same)?;
        let (fee, tax) = (one.fee.checked_add(next.fee)?, one.tax.checked_add(next.tax)?);
        Some(Trade { quantity, fee, tax, ..*one })
    };
    match (one, next) {
        (Kind::Buy(one), Kind::Buy(next)) => join(one, next).map(Kind::Buy),
        (Kind::Sell(one), Kind::Sell(next)) => join(one, next).map(Kind::Sell),
        _ => None,
    }
}
