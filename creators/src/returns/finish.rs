//! The end of a replay: what is held, and the totals.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{
    exact::decimal,
    position::{Position, Price},
    record::{Holding, Incomplete, Record, TickerRecord},
    replay::Replay,
    series::{date, number},
};

pub(super) fn finish(replay: Replay<'_>, as_of: NaiveDate) -> Record {
    let Replay { mut account, days, bridged, mut missing, .. } = replay;
    let day = number(as_of);
    let whole = account.value();
    let mut unrealised = Some(Decimal::ZERO);
    let mut tickers = Vec::with_capacity(account.positions.len());
    for position in std::mem::take(&mut account.positions) {
        if position.shares > 0.0 {
            let rate = account.wallets.get(position.wallet).map_or(f64::NAN, |wallet| wallet.rate);
            let holding = holding(&position, day, rate, whole);
            unrealised = unrealised.zip(holding.as_ref().and_then(|holding| holding.unrealised)).and_then(
                |(sum, gain)| {
                    let gain = account.exchange(gain, position.record.currency, account.base)?;
                    sum.checked_add(gain).filter(|_| rate.is_finite())
                },
            );
            if position.price_on(day) == Price::Stale {
                note(&mut missing, position.stale());
            }
            tickers.push(TickerRecord { holding, ..position.record });
        } else {
            tickers.push(position.record);
        }
    }
    for wallet in account.wallets.iter().filter(|wallet| wallet.rate.is_nan()) {
        if wallet.cash > Decimal::ZERO || wallet.invested != 0.0 {
            note(&mut missing, Incomplete::NoRate { currency: wallet.currency, since: as_of });
        }
    }
    let held = account.wallets.iter().filter(|wallet| wallet.cash > Decimal::ZERO);
    let lent = account.wallets.iter().filter(|wallet| wallet.implied > Decimal::ZERO);
    Record {
        base: account.base,
        as_of,
        days,
        tickers,
        cash: held.map(|wallet| (wallet.currency, wallet.cash)).collect(),
        implied: lent.map(|wallet| (wallet.currency, wallet.implied)).collect(),
        flows: account.flows,
        realised: account.realised,
        income: account.income,
        unrealised,
        bridged,
        incomplete: missing,
    }
}

/// A reason that is not there yet.
fn note(missing: &mut Vec<Incomplete>, reason: Incomplete) {
    let same = |one: &Incomplete| match (one, &reason) {
        (Incomplete::NoRate { currency: one, .. }, Incomplete::NoRate { currency: other, .. }) => {
            one == other
        }
        (Incomplete::StalePrice { ticker: one, .. }, Incomplete::StalePrice { ticker: other, .. }) => {
            one == other
        }
        _ => false,
    };
    if !missing.iter().any(same) {
        missing.push(reason);
    }
}

fn holding(position: &Position<'_>, day: i32, rate: f64, whole: f64) -> Option<Holding> {
    let price = match position.price_on(day) {
        Price::Known => decimal(position.marked().0),
        Price::Void => Some(Decimal::ZERO),
        Price::Stale => None,
    };
    let value = price.and_then(|price| price.checked_mul(position.quantity));
    let weight = position.worth() * rate / whole;
    Some(Holding {
        quantity: position.quantity,
        average_cost: position.cost.checked_div(position.quantity).unwrap_or_default(),
        since: date(position.trip.as_ref().map_or(day, |trip| trip.opened())),
        value,
        unrealised: value.and_then(|value| value.checked_sub(position.cost)),
        weight: if weight.is_finite() { weight.clamp(0.0, 1.0) } else { 0.0 },
    })
}
