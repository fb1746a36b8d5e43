//! What each kind of entry does to an account.

use madang_core::ids::TickerId;
use rust_decimal::Decimal;

use super::{
    account::Account,
    entry::{Charge, Currency, Entry, Kind, Trade},
    exact::float,
    record::{FlowKind, Unreplayable},
};

/// Applies an entry; `kind` is its own, or several fills of one moment taken together.
pub(super) fn apply(account: &mut Account<'_>, entry: &Entry, kind: &Kind) -> Result<(), Unreplayable> {
    let done = match kind {
        Kind::Buy(trade) | Kind::Sell(trade) => {
            let at = account.place(trade.ticker, trade.currency);
            let own = account.positions.get(at).is_some_and(|own| own.record.currency == trade.currency);
            match kind {
                _ if !own => return Err(Unreplayable::Currency { entry: entry.id }),
                Kind::Buy(_) => buy(account, at, trade),
                _ => sell(account, at, trade),
            }
        }
        Kind::Dividend { ticker, amount, tax, currency } => {
            let net = amount.checked_sub(*tax);
            net.and_then(|net| earn(account, Some(*ticker), net, *currency))
        }
        Kind::Fee(Charge { ticker, amount, currency }) | Kind::Tax(Charge { ticker, amount, currency }) => {
            earn(account, *ticker, -*amount, *currency)
        }
        Kind::Split { ticker, new, old } => {
            account.existing(*ticker).map_or(Some(()), |position| position.split(*new, *old))
        }
        Kind::SharesIn { ticker, quantity, unit_cost } => move_in(account, *ticker, *quantity, *unit_cost),
        Kind::SharesOut { ticker, quantity } => move_out(account, *ticker, *quantity),
        Kind::Deposit { amount, currency } => deposit(account, *amount, *currency),
        Kind::Withdrawal { amount, currency } => withdraw(account, *amount, *currency),
    };
    done.ok_or(Unreplayable::TooLarge { entry: entry.id })
}

/// The price is known before the money moves, so the holding is marked first; the costs are lost afterwards.
fn buy(account: &mut Account<'_>, at: usize, trade: &Trade) -> Option<()> {
    let paid = trade.quantity.checked_mul(trade.price)?.checked_add(trade.fee)?.checked_add(trade.tax)?;
    let today = account.today;
    let position = account.positions.get_mut(at)?;
    position.execute(today, trade.price);
    let wallet = position.wallet;
    account.pay(wallet, paid)?;
    account.positions.get_mut(at)?.buy(today, trade, paid)
}

fn sell(account: &mut Account<'_>, at: usize, trade: &Trade) -> Option<()> {
    let costs = trade.fee.checked_add(trade.tax)?;
    let net = trade.quantity.checked_mul(trade.price)?.checked_sub(costs)?;
    let today = account.today;
    let position = account.positions.get_mut(at)?;
    position.execute(today, trade.price);
    let wallet = position.wallet;
    let gain = position.sell(today, trade, costs, net)?;
    settle(account, wallet, net)?;
    let gain = account.exchange(gain, trade.currency, account.base)?;
    account.realised = account.realised.checked_add(gain)?;
    Some(())
}

/// Income, or a charge when negative: performance of the account, and of the instrument it belongs to.
fn earn(account: &mut Account<'_>, ticker: Option<TickerId>, net: Decimal, currency: Currency) -> Option<()> {
    let today = account.today;
    if let Some(ticker) = ticker {
        let own = account.position(ticker, currency)?.record.currency;
        let amount = account.exchange(net, currency, own)?;
        account.position(ticker, currency)?.earn(today, amount)?;
    }
    let wallet = account.wallet(currency);
    settle(account, wallet, net)?;
    let total = account.exchange(net, currency, account.base)?;
    account.income = account.income.checked_add(total)?;
    Some(())
}

fn settle(account: &mut Account<'_>, wallet: usize, net: Decimal) -> Option<()> {
    if net < Decimal::ZERO { account.pay(wallet, -net) } else { account.receive(wallet, net) }
}

fn move_in(
    account: &mut Account<'_>,
    ticker: TickerId,
    quantity: Decimal,
    unit_cost: Option<Decimal>,
) -> Option<()> {
    let before = account.value();
    let (today, base) = (account.today, account.base);
    let position = account.position(ticker, base)?;
    let currency = position.record.currency;
    let value = position.move_in(today, quantity, unit_cost)?;
    account.flow(before, value, currency, FlowKind::SharesIn);
    Some(())
}

fn move_out(account: &mut Account<'_>, ticker: TickerId, quantity: Decimal) -> Option<()> {
    let before = account.value();
    let (today, base) = (account.today, account.base);
    let position = account.position(ticker, base)?;
    let currency = position.record.currency;
    let value = position.move_out(today, quantity)?;
    account.flow(before, -value, currency, FlowKind::SharesOut);
    Some(())
}

fn deposit(account: &mut Account<'_>, amount: Decimal, currency: Currency) -> Option<()> {
    let wallet = account.wallet(currency);
    let before = account.value();
    account.flow(before, float(amount), currency, FlowKind::Deposit);
    account.receive(wallet, amount)
}

fn withdraw(account: &mut Account<'_>, amount: Decimal, currency: Currency) -> Option<()> {
    let wallet = account.wallet(currency);
    let lacking = account.wallets.get(wallet)?.cash.checked_sub(amount)?;
    if lacking < Decimal::ZERO {
        // Pays in what is missing; the whole then leaves.
        account.pay(wallet, amount)?;
        account.receive(wallet, amount)?;
    }
    let before = account.value();
    account.flow(before, -float(amount), currency, FlowKind::Withdrawal);
    account.pay(wallet, amount)
}
