//! Small markets and ledgers.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use madang_core::ids::TickerId;
use madang_creators::returns::{
    Charge, Currency, Entry, Kind, Market, MarketBuilder, Record, TickerRecord, Trade, replay,
};
use rust_decimal::Decimal;

pub(crate) const A: TickerId = TickerId::new(1);
pub(crate) const B: TickerId = TickerId::new(2);

pub(crate) fn won() -> Currency {
    Currency::parse("KRW").unwrap()
}

pub(crate) fn dollar() -> Currency {
    Currency::parse("USD").unwrap()
}

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Day `n` after 2 January 2023, a Monday.
pub(crate) fn nth(n: u64) -> NaiveDate {
    day("2023-01-02") + Days::new(n)
}

pub(crate) fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(crate) fn at(day: NaiveDate, minute: u32) -> DateTime<Utc> {
    let time = NaiveTime::from_num_seconds_from_midnight_opt(60 * minute, 0).unwrap();
    day.and_time(time).and_utc()
}

/// A ledger written line by line; entries of a day come a minute apart.
#[derive(Clone, Default)]
pub(crate) struct Ledger {
    pub(crate) entries: Vec<Entry>,
}

impl Ledger {
    pub(crate) fn push(mut self, day: NaiveDate, kind: Kind) -> Self {
        let id = self.entries.len() as i64 + 1;
        self.entries.push(Entry { id, at: at(day, id as u32 % 1_440), day, kind });
        self
    }

    /// The same moment as the entry before.
    pub(crate) fn with(mut self, kind: Kind) -> Self {
        let last = self.entries.last().unwrap().clone();
        self.entries.push(Entry { id: last.id + 1, kind, ..last });
        self
    }

    pub(crate) fn deposit(self, day: NaiveDate, amount: &str) -> Self {
        self.push(day, Kind::Deposit { amount: dec(amount), currency: won() })
    }

    pub(crate) fn withdraw(self, day: NaiveDate, amount: &str) -> Self {
        self.push(day, Kind::Withdrawal { amount: dec(amount), currency: won() })
    }

    pub(crate) fn buy(self, day: NaiveDate, ticker: TickerId, quantity: &str, price: &str) -> Self {
        self.push(day, Kind::Buy(trade(ticker, quantity, price, "0")))
    }

    pub(crate) fn sell(self, day: NaiveDate, ticker: TickerId, quantity: &str, price: &str) -> Self {
        self.push(day, Kind::Sell(trade(ticker, quantity, price, "0")))
    }

    pub(crate) fn dividend(self, day: NaiveDate, ticker: TickerId, amount: &str, tax: &str) -> Self {
        self.push(day, Kind::Dividend { ticker, amount: dec(amount), tax: dec(tax), currency: won() })
    }

    pub(crate) fn fee(self, day: NaiveDate, amount: &str) -> Self {
        self.push(day, Kind::Fee(Charge { ticker: None, amount: dec(amount), currency: won() }))
    }

    pub(crate) fn replay(&self, market: &Market, as_of: NaiveDate) -> Record {
        replay(&self.entries, market, won(), as_of).unwrap()
    }
}

pub(crate) fn trade(ticker: TickerId, quantity: &str, price: &str, fee: &str) -> Trade {
    let tax = Decimal::ZERO;
    Trade { ticker, quantity: dec(quantity), price: dec(price), fee: dec(fee), tax, currency: won() }
}

/// Both instruments in won; `closes` by day number, the benchmark flat.
pub(crate) fn market(closes: &[(TickerId, &[(u64, f64)])]) -> Market {
    let mut builder = MarketBuilder::new(won());
    for (ticker, series) in closes {
        builder.instrument(*ticker, won(), false);
        for (n, close) in *series {
            builder.close(*ticker, nth(*n), *close);
        }
    }
    builder.build()
}

/// What all factors multiply to, less one.
pub(crate) fn twr(record: &Record) -> f64 {
    record.days.iter().map(|point| point.factor).product::<f64>() - 1.0
}

pub(crate) fn ticker_twr(record: &TickerRecord) -> f64 {
    record.days.iter().map(|point| point.factor).product::<f64>() - 1.0
}

pub(crate) fn near(got: f64, expected: f64) {
    assert!((got - expected).abs() <= 1e-10 * expected.abs().max(1.0), "got {got}, expected {expected}");
}
