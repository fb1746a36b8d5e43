//! What the shown return is of, and what it is a fraction of.

use chrono::NaiveDate;

use crate::returns::Window;

/// An instrument as it was called when the card was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instrument {
    /// `market:code`.
    pub symbol: String,
    /// Name in English.
    pub name: String,
    /// Name in Korean.
    pub name_ko: Option<String>,
}

/// What the shown return is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// One position, from its first purchase until it was sold or, while it is held, until the card was made.
    Position {
        /// What was held.
        instrument: Instrument,
        /// Market day of the first purchase.
        opened: NaiveDate,
        /// Market day of the last sale.
        closed: Option<NaiveDate>,
    },
    /// A span of days, of one holding or of the account.
    Window {
        /// The holding; the whole account without one.
        instrument: Option<Instrument>,
        /// Which span.
        window: Window,
        /// First market day.
        from: NaiveDate,
        /// Last market day.
        to: NaiveDate,
    },
}

impl Subject {
    /// The instrument, if it is of one.
    pub const fn instrument(&self) -> Option<&Instrument> {
        match self {
            Self::Position { instrument, .. } => Some(instrument),
            Self::Window { instrument, .. } => instrument.as_ref(),
        }
    }

    /// The only denominator its return may have.
    pub const fn denominator(&self) -> Denominator {
        match self {
            Self::Position { .. } => Denominator::CostOfPosition,
            Self::Window { instrument: Some(_), .. } => Denominator::ValueOfHolding,
            Self::Window { instrument: None, .. } => Denominator::ValueOfAccount,
        }
    }

    /// First day, and the last one unless it still runs.
    pub const fn days(&self) -> (NaiveDate, Option<NaiveDate>) {
        match self {
            Self::Position { opened, closed, .. } => (*opened, *closed),
            Self::Window { from, to, .. } => (*from, Some(*to)),
        }
    }
}

/// What the shown return is a fraction of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denominator {
    /// The cost of the position, fees included.
    CostOfPosition,
    /// The holding's value, time-weighted.
    ValueOfHolding,
    /// The account's value, time-weighted.
    ValueOfAccount,
}

impl Denominator {
    /// Every one.
    pub const EVERY: [Self; 3] = [Self::CostOfPosition, Self::ValueOfHolding, Self::ValueOfAccount];

    /// Its name in the database and in the signature.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CostOfPosition => "cost_of_position",
            Self::ValueOfHolding => "value_of_holding",
            Self::ValueOfAccount => "value_of_account",
        }
    }

    /// The denominator of that name.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|kind| kind.code() == code)
    }
}
