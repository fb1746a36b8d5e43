//! Volatility, drawdown, and the risk score made of volatility.

/// Trading days of a year.
pub const TRADING_DAYS: f64 = 252.0;

/// Upper ends (not included) of the bands of yearly volatility that score 1 to 9; what is above scores 10. The first
/// five are the limits of the European regulators' synthetic risk indicator (CESR/10-673); that scale ends at 25 %,
/// so the limits above continue it for accounts of single shares.
pub const RISK_BANDS: [f64; 9] = [0.005, 0.02, 0.05, 0.10, 0.15, 0.25, 0.40, 0.60, 0.90];

/// Sample standard deviation of simple daily returns, times √252. `factors` are 1 + return. None for less than two.
pub fn volatility(factors: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let (count, sum) = factors.clone().fold((0_u32, 0.0), |(count, sum), factor| (count + 1, sum + factor));
    if count < 2 {
        return None;
    }
    let mean = sum / f64::from(count);
    let squares: f64 = factors.map(|factor| (factor - mean) * (factor - mean)).sum();
    let deviation = (squares / f64::from(count - 1)).sqrt() * TRADING_DAYS.sqrt();
    deviation.is_finite().then_some(deviation)
}

/// The greatest loss from a peak of the chained index to a later low, 0 to 1.
pub fn max_drawdown(factors: impl Iterator<Item = f64>) -> f64 {
    let (mut index, mut peak, mut worst) = (1.0_f64, 1.0_f64, 0.0_f64);
    for factor in factors {
        index *= factor;
        peak = peak.max(index);
        worst = worst.max(1.0 - index / peak);
    }
    worst.clamp(0.0, 1.0)
}

/// 1 (calm) to 10 (wild) by [`RISK_BANDS`].
pub fn risk_score(volatility: f64) -> u8 {
    let above = RISK_BANDS.iter().filter(|limit| volatility >= **limit).count();
    u8::try_from(above).map_or(10, |above| above + 1)
}
