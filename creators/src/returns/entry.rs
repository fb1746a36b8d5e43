//! A ledger entry as returns need it, and which entries are possible at all.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use madang_core::ids::TickerId;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

/// A currency: three capital letters (ISO 4217).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The currency by its code.
    pub fn parse(code: &str) -> Option<Self> {
        let letters: [u8; 3] = code.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One accepted entry of a person's ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The ledger's own number; orders entries of one instant.
    pub id: i64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The market's own day on which it happened.
    pub day: NaiveDate,
    /// What happened.
    pub kind: Kind,
}

impl Entry {
    /// Entries are replayed by market day, then by instant, then by number. The market day comes first because a
    /// day's close must see that day's trades of every market, whatever the clock said elsewhere.
    pub(super) fn order(&self) -> (NaiveDate, DateTime<Utc>, i64) {
        (self.day, self.at, self.id)
    }
}

/// Shares that changed hands for money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trade {
    /// What was traded.
    pub ticker: TickerId,
    /// Shares, above zero.
    pub quantity: Decimal,
    /// Money a share.
    pub price: Decimal,
    /// The broker's fee.
    pub fee: Decimal,
    /// Tax on the trade.
    pub tax: Decimal,
    /// Of price, fee and tax; it must be the instrument's own.
    pub currency: Currency,
}

/// What an entry says. Amounts and quantities are never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Shares bought for cash.
    Buy(Trade),
    /// Shares sold for cash.
    Sell(Trade),
    /// Income of a share, with the tax kept back.
    Dividend {
        /// Whose income.
        ticker: TickerId,
        /// Before tax.
        amount: Decimal,
        /// Kept back from it.
        tax: Decimal,
        /// Of both.
        currency: Currency,
    },
    /// `old` shares became `new` ones.
    Split {
        /// Which share.
        ticker: TickerId,
        /// Shares after, above zero.
        new: u32,
        /// Shares before, above zero.
        old: u32,
    },
    /// Shares moved in from another account.
    SharesIn {
        /// Which share.
        ticker: TickerId,
        /// How many, above zero.
        quantity: Decimal,
        /// What one had cost, in the instrument's currency, where it is known.
        unit_cost: Option<Decimal>,
    },
    /// Shares moved out to another account.
    SharesOut {
        /// Which share.
        ticker: TickerId,
        /// How many, above zero.
        quantity: Decimal,
    },
    /// A fee apart from a trade.
    Fee(Charge),
    /// A tax apart from a trade.
    Tax(Charge),
    /// Cash paid in.
    Deposit {
        /// How much.
        amount: Decimal,
        /// Of what.
        currency: Currency,
    },
    /// Cash paid out.
    Withdrawal {
        /// How much.
        amount: Decimal,
        /// Of what.
        currency: Currency,
    },
}

/// Cash taken for something other than a trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// The instrument it was taken for, if any.
    pub ticker: Option<TickerId>,
    /// How much.
    pub amount: Decimal,
    /// Of what.
    pub currency: Currency,
}

impl Kind {
    /// Whether every number is one that can be: quantities and split ratios above zero, amounts not below.
    pub fn is_possible(&self) -> bool {
        let amount = |value: &Decimal| !value.is_sign_negative() || value.is_zero();
        let quantity = |value: &Decimal| !value.is_sign_negative() && !value.is_zero();
        match self {
            Self::Buy(trade) | Self::Sell(trade) => {
                quantity(&trade.quantity) && [trade.price, trade.fee, trade.tax].iter().all(amount)
            }
            Self::Dividend { amount: paid, tax, .. } => amount(paid) && amount(tax),
            Self::Split { new, old, .. } => *new > 0 && *old > 0,
            Self::SharesIn { quantity: moved, unit_cost, .. } => {
                quantity(moved) && unit_cost.iter().all(amount)
            }
            Self::SharesOut { quantity: moved, .. } => quantity(moved),
            Self::Fee(charge) | Self::Tax(charge) => amount(&charge.amount),
            Self::Deposit { amount: cash, .. } | Self::Withdrawal { amount: cash, .. } => amount(cash),
        }
    }
}
