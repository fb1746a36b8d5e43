//! The numbers of a card: rates and the cherry-pick index, each with one way to be written.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};

use super::card::BadFacts;

/// Digits after the point of every rate on a card.
pub const RATE_DIGITS: u32 = 6;
/// What a rate may be, as a fraction. A position can lose more than its cost only by fees.
pub const RATES: RangeInclusive<i64> = -10..=1_000_000;
/// A rate as a fraction (0.1 is ten per cent) with exactly six digits after the point, so that what is
/// signed, stored and shown cannot differ by a rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(Decimal);

impl Rate {
    /// Rounds a decimal fraction to six digits, halves away from zero.
    pub fn new(fraction: Decimal) -> Result<Self, BadFacts> {
        let mut rounded =
            fraction.round_dp_with_strategy(RATE_DIGITS, RoundingStrategy::MidpointAwayFromZero);
        if rounded < Decimal::from(*RATES.start()) || rounded > Decimal::from(*RATES.end()) {
            return Err(BadFacts::Rate);
        }
        rounded.rescale(RATE_DIGITS);
        // decimals know a negative zero, which would be a second way to write nought
        Ok(Self(if rounded.is_zero() { Decimal::new(0, RATE_DIGITS) } else { rounded }))
    }

    /// Rounds a computed fraction; refuses what is not a number.
    pub fn from_fraction(fraction: f64) -> Result<Self, BadFacts> {
        Decimal::from_f64_retain(fraction).ok_or(BadFacts::Rate).and_then(Self::new)
    }

    /// The exact fraction.
    pub const fn decimal(self) -> Decimal {
        self.0
    }

    /// The fraction for computing.
    pub fn fraction(self) -> f64 {
        self.0.to_f64().unwrap_or(0.0)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Rate {
    type Err = BadFacts;

    /// Takes the one canonical form only: `-0.012345`, never `0.10`, `+0.100000` or `00.100000`.
    fn from_str(text: &str) -> Result<Self, BadFacts> {
        let rate = Decimal::from_str_exact(text).map_err(|_| BadFacts::Rate).and_then(Self::new)?;
        if rate.to_string() == text { Ok(rate) } else { Err(BadFacts::Rate) }
    }
}

/// The cherry-pick index, 0 to 100 in steps of a tenth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Index(u16);

impl Index {
    /// From a percentile, 0 to 100; rounded to a tenth.
    pub fn new(percentile: f64) -> Result<Self, BadFacts> {
        if !(0.0..=100.0).contains(&percentile) {
            return Err(BadFacts::Index);
        }
        (percentile * 10.0).round().to_u16().ok_or(BadFacts::Index).and_then(Self::from_tenths)
    }

    /// From tenths, as stored: 0 to 1000.
    pub fn from_tenths(tenths: u16) -> Result<Self, BadFacts> {
        if tenths <= 1000 { Ok(Self(tenths)) } else { Err(BadFacts::Index) }
    }

    /// In tenths, 0 to 1000.
    pub const fn tenths(self) -> u16 {
        self.0
    }

    /// From 0 to 100.
    pub fn value(self) -> f64 {
        f64::from(self.0) / 10.0
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_rate_has_one_way_to_be_written() {
        for (fraction, text) in [
            (0.1, "0.100000"),
            (-0.0123456, "-0.012346"),
            (0.0, "0.000000"),
            (-1e-9, "0.000000"),
            (3.4, "3.400000"),
        ] {
            let rate = Rate::from_fraction(fraction).unwrap();
            assert_eq!(rate.to_string(), text);
            assert_eq!(text.parse::<Rate>(), Ok(rate));
        }
        let others = [
            "0.10",
            "0.1000000",
            "+0.100000",
            "00.100000",
            ".100000",
            "-0.000000",
            "1e-1",
            "0.1_0",
            " 0.100000",
            "0.100000 ",
            "",
            "NaN",
        ];
        for text in others {
            assert_eq!(text.parse::<Rate>(), Err(BadFacts::Rate), "{text}");
        }
        for wild in [f64::NAN, f64::INFINITY, 1e7, -11.0, 1e300] {
            assert_eq!(Rate::from_fraction(wild), Err(BadFacts::Rate), "{wild}");
        }
    }

    #[test]
    fn an_index_is_a_percentile_in_tenths() {
        assert_eq!(Index::new(95.65).unwrap().tenths(), 957);
        assert!((Index::new(100.0).unwrap().value() - 100.0).abs() < 1e-9);
        for wild in [-0.1, 100.1, f64::NAN] {
            assert_eq!(Index::new(wild), Err(BadFacts::Index));
        }
        assert_eq!(Index::from_tenths(1001), Err(BadFacts::Index));
    }
}
