//! One account while its ledger is replayed: cash by currency, positions, and the border across which money flows.

use ahash::{HashMap, HashMapExt};
use madang_core::ids::TickerId;
use rust_decimal::Decimal;

use super::{
    chain::Chain,
    entry::Currency,
    exact::{decimal, float},
    market::{Market, Money},
    position::Position,
    record::{Flow, FlowKind},
    series::date,
};

/// Cash of one currency.
#[derive(Debug)]
pub(super) struct Wallet<'m> {
    pub(super) currency: Currency,
    pub(super) cash: Decimal,
    pub(super) implied: Decimal,
    pub(super) money: Option<&'m Money>,
    /// Base for one unit today, NaN when not known, and on the trading day before.
    pub(super) rate: f64,
    pub(super) rate_before: f64,
    cash_float: f64,
    /// Value of its holdings at the last valuation; in its own currency.
    pub(super) invested: f64,
    /// Value of its holdings at the last valued close; in base.
    pub(super) weight: f64,
    /// Whether its market is open today, and that market's return, 0 where it is not known.
    pub(super) open: bool,
    pub(super) change: f64,
}

#[derive(Debug)]
pub(super) struct Account<'m> {
    pub(super) market: &'m Market,
    pub(super) base: Currency,
    pub(super) wallets: Vec<Wallet<'m>>,
    pub(super) positions: Vec<Position<'m>>,
    pub(super) chain: Chain,
    pub(super) flows: Vec<Flow>,
    pub(super) realised: Decimal,
    pub(super) income: Decimal,
    pub(super) today: i32,
    by_ticker: HashMap<TickerId, usize>,
}

impl<'m> Account<'m> {
    pub(super) fn new(market: &'m Market, base: Currency) -> Self {
        let mut account = Self {
            market,
            base,
            wallets: Vec::new(),
            positions: Vec::new(),
            chain: Chain::new(),
            flows: Vec::new(),
            realised: Decimal::ZERO,
            income: Decimal::ZERO,
            today: 0,
            by_ticker: HashMap::new(),
        };
        // The base currency's calendar and benchmark are needed even when nothing is in it.
        account.wallet(base);
        account
    }

    /// The wallet of a currency, made when it is not there.
    pub(super) fn wallet(&mut self, currency: Currency) -> usize {
        if let Some(found) = self.wallets.iter().position(|wallet| wallet.currency == currency) {
            return found;
        }
        let money = self.market.currencies.get(&currency);
        let rate = self.rate(currency, money, self.today);
        self.wallets.push(Wallet {
            currency,
            cash: Decimal::ZERO,
            implied: Decimal::ZERO,
            money,
            rate,
            rate_before: rate,
            cash_float: 0.0,
            invested: 0.0,
            weight: 0.0,
            open: false,
            change: 0.0,
        });
        self.wallets.len() - 1
    }

    /// Where the position of an instrument is, made when it is not there; `currency` where the market does not know
    /// the instrument's.
    pub(super) fn place(&mut self, ticker: TickerId, currency: Currency) -> usize {
        if let Some(&at) = self.by_ticker.get(&ticker) {
            return at;
        }
        let instrument = self.market.instruments.get(&ticker);
        let currency = instrument.map_or(currency, |instrument| instrument.currency);
        let wallet = self.wallet(currency);
        let at = self.positions.len();
        self.by_ticker.insert(ticker, at);
        self.positions.push(Position::new(ticker, currency, wallet, instrument));
        at
    }

    /// The position of an instrument, made when it is not there.
    pub(super) fn position(&mut self, ticker: TickerId, currency: Currency) -> Option<&mut Position<'m>> {
        let at = self.place(ticker, currency);
        self.positions.get_mut(at)
    }

    /// The position of an instrument that has one.
    pub(super) fn existing(&mut self, ticker: TickerId) -> Option<&mut Position<'m>> {
        self.by_ticker.get(&ticker).and_then(|at| self.positions.get_mut(*at))
    }

    fn rate(&self, currency: Currency, money: Option<&Money>, day: i32) -> f64 {
        if currency == self.base {
            return 1.0;
        }
        let base = self.market.currencies.get(&self.base);
        let worth = |money: Option<&Money>| money.map_or(f64::NAN, |money| money.worth(day));
        worth(money) / worth(base)
    }

    /// Base for one unit: today's rate, else that of the nearest day that has one, else NaN.
    pub(super) fn rate_near(&self, currency: Currency) -> f64 {
        if currency == self.base {
            return 1.0;
        }
        let near = |currency| {
            let money = self.market.currencies.get(currency);
            money.map_or(f64::NAN, |money| money.worth_near(self.today))
        };
        let known = self.wallets.iter().find(|wallet| wallet.currency == currency && !wallet.rate.is_nan());
        known.map_or_else(|| near(&currency) / near(&self.base), |wallet| wallet.rate)
    }

    /// Begins a day: its rates.
    pub(super) fn begin(&mut self, day: i32) {
        self.today = day;
        if self.wallets.len() == 1 {
            return;
        }
        let rates: Vec<f64> =
            self.wallets.iter().map(|wallet| self.rate(wallet.currency, wallet.money, day)).collect();
        for (wallet, rate) in self.wallets.iter_mut().zip(rates) {
            wallet.rate = rate;
        }
    }

    /// Value of all in base at the last known prices; NaN when a price or a rate is missing.
    pub(super) fn value(&mut self) -> f64 {
        for wallet in &mut self.wallets {
            wallet.invested = 0.0;
        }
        for position in self.positions.iter().filter(|position| position.shares > 0.0) {
            if let Some(wallet) = self.wallets.get_mut(position.wallet) {
                wallet.invested += position.worth();
            }
        }
        self.sum()
    }

    /// The same when what is invested in each currency is known already.
    pub(super) fn sum(&self) -> f64 {
        let worth = |wallet: &Wallet<'_>| {
            let own = wallet.invested + wallet.cash_float;
            if own == 0.0 { 0.0 } else { own * wallet.rate }
        };
        self.wallets.iter().map(worth).sum()
    }

    /// The value of what is invested, in base, after [`Self::value`].
    pub(super) fn invested(&self) -> f64 {
        self.wallets
            .iter()
            .filter(|wallet| wallet.invested != 0.0)
            .map(|wallet| wallet.invested * wallet.rate)
            .sum()
    }

    /// Something crosses the border: `amount` in a currency, positive when it comes in.
    pub(super) fn flow(&mut self, before: f64, amount: f64, currency: Currency, kind: FlowKind) {
        let amount = amount * self.rate_near(currency);
        self.chain.flow(self.today, before, amount);
        if amount.is_finite() {
            self.flows.push(Flow { day: date(self.today), amount, kind });
        }
    }

    /// Cash comes in.
    pub(super) fn receive(&mut self, wallet: usize, amount: Decimal) -> Option<()> {
        let wallet = self.wallets.get_mut(wallet)?;
        wallet.cash = wallet.cash.checked_add(amount)?;
        wallet.cash_float = float(wallet.cash);
        Some(())
    }

    /// Cash is paid; what is not there must have been paid in at this moment.
    pub(super) fn pay(&mut self, wallet: usize, amount: Decimal) -> Option<()> {
        let found = self.wallets.get(wallet)?;
        let (lacking, currency) = (amount.checked_sub(found.cash)?, found.currency);
        if lacking > Decimal::ZERO {
            let before = self.value();
            self.flow(before, float(lacking), currency, FlowKind::Implied);
            let found = self.wallets.get_mut(wallet)?;
            found.implied = found.implied.checked_add(lacking)?;
            found.cash = found.cash.checked_add(lacking)?;
        }
        let found = self.wallets.get_mut(wallet)?;
        found.cash = found.cash.checked_sub(amount)?;
        found.cash_float = float(found.cash);
        Some(())
    }

    /// An amount in another currency, by the nearest known rate.
    pub(super) fn exchange(&self, amount: Decimal, from: Currency, to: Currency) -> Option<Decimal> {
        if from == to {
            return Some(amount);
        }
        let rate = self.rate_near(from) / self.rate_near(to);
        // Without any rate the total leaves the amount out; the record says that no rate is known.
        if rate.is_finite() { decimal(rate)?.checked_mul(amount) } else { Some(Decimal::ZERO) }
    }
}
