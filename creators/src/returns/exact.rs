//! Between exact decimals and the floats of valuation.

use rust_decimal::{Decimal, prelude::FromPrimitive};

const POWERS: [f64; 29] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27, 1e28,
];

/// The nearest float, one rounding for up to 15 digits.
pub(super) fn float(value: Decimal) -> f64 {
    let scale = usize::try_from(value.scale()).ok().and_then(|scale| POWERS.get(scale));
    let digits = value.mantissa();
    // Almost always short, and then much cheaper to convert.
    i64::try_from(digits).map_or(digits as f64, |digits| digits as f64) / scale.copied().unwrap_or(1e28)
}

/// The decimal that a float was written as (15 digits); None when it has none.
pub(super) fn decimal(value: f64) -> Option<Decimal> {
    Decimal::from_f64(value)
}

/// `whole × part / all` without leaving the range of decimals where that can be helped.
pub(super) fn share(whole: Decimal, part: Decimal, all: Decimal) -> Option<Decimal> {
    if part == all {
        return Some(whole);
    }
    match whole.checked_mul(part) {
        Some(product) => product.checked_div(all),
        None => whole.checked_div(all)?.checked_mul(part),
    }
}
