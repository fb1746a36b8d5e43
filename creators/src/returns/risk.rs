//! Volatility, drawdown, and the risk score made of volatility.

/// Trading days of a year.
pub const TRADING_DAYS: f64 = 252.0;

/// Upper ends (not included) of the bands of yearly volatility that score 1 to 9; what is above scores 10. The first
/// five are the limits of the European regulators' synthetic risk indicator (CESR/10-673); that scale ends at 25 %,
/// so the limits above continue it for accounts of single shares.
pub const RISK_BANDS: [f64; 9] = [0.005, 0.02, 0.05, 0.10, 0.15, 0.25, 0.40, 0.60, 0.90];

/// Sums for a sample standard deviation, taken around a place near the mean so that nothing cancels.
#[derive(Debug, Clone)]
pub(super) struct Spread {
    around: f64,
    count: u32,
    sum: f64,
    squares: f64,
}

impl Spread {
    /// Around the mean of all that may be added.
    pub(super) fn around(all: impl Iterator<Item = f64>) -> Self {
        let (count, sum) = all.fold((0_u32, 0.0), |(count, sum), value| (count + 1, sum + value));
        Self { around: sum / f64::from(count.max(1)), count: 0, sum: 0.0, squares: 0.0 }
    }

    #[inline]
    pub(super) fn add(&mut self, value: f64) {
        let value = value - self.around;
        self.count += 1;
        self.sum += value;
        self.squares += value * value;
    }

    /// Yearly; None for less than two values.
    pub(super) fn volatility(&self) -> Option<f64> {
        if self.count < 2 {
            return None;
        }
        let count = f64::from(self.count);
        let variance = (self.squares - self.sum * self.sum / count).max(0.0) / (count - 1.0);
        let deviation = variance.sqrt() * TRADING_DAYS.sqrt();
        deviation.is_finite().then_some(deviation)
    }
}

/// Sample standard deviation of simple daily returns, times √252. `factors` are 1 + return. None for less than two.
pub fn volatility(factors: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let mut spread = Spread::around(factors.clone());
    factors.for_each(|factor| spread.add(factor));
    spread.volatility()
}

/// The greatest loss from a peak of the chained index to a later low, 0 to 1.
pub fn max_drawdown(factors: impl Iterator<Item = f64>) -> f64 {
    let (mut index, mut peak, mut kept) = (1.0_f64, 1.0_f64, 1.0_f64);
    for factor in factors {
        index *= factor;
        peak = peak.max(index);
        if index < kept * peak {
            kept = index / peak;
        }
    }
    (1.0 - kept).clamp(0.0, 1.0)
}

/// 1 (calm) to 10 (wild) by [`RISK_BANDS`].
pub fn risk_score(volatility: f64) -> u8 {
    let above = RISK_BANDS.iter().filter(|limit| volatility >= **limit).count();
    u8::try_from(above).map_or(10, |above| above + 1)
}
