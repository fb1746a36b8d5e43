//! The mean daily excess of a window, its standard error and its lower bound.

use super::{Day, SkillSettings, YEAR_DAYS};

/// A day's return is read as lying between a loss of 99 % and a hundredfold gain, so that its logarithm
/// exists: an account wiped out lost as much as one that kept a hundredth.
const WORST_DAY: f64 = -0.99;
const BEST_DAY: f64 = 99.0;

/// Yearly figures in log return.
pub(super) struct Estimate {
    pub(super) mean: f64,
    pub(super) standard_error: f64,
    pub(super) lower_bound: f64,
}

/// Nothing for fewer than two days or a day that is not a number.
pub(super) fn estimate(settings: &SkillSettings, window: &[Day]) -> Option<Estimate> {
    if window.len() < 2 {
        return None;
    }
    let excess: Vec<f64> = window.iter().map(log_excess).collect();
    let count = excess.len() as f64;
    let mean = excess.iter().sum::<f64>() / count;
    let variance = diluted(settings, long_run_variance(&excess, mean), count);
    let error = (variance / count).sqrt();
    let shrunk = mean * count / (count + settings.prior_days.max(0.0));
    let bound = shrunk - student_quantile(settings.z, count - 1.0) * error;
    let yearly = Estimate {
        mean: YEAR_DAYS * mean,
        standard_error: YEAR_DAYS * error,
        lower_bound: YEAR_DAYS * bound,
    };
    let finite =
        yearly.mean.is_finite() && yearly.standard_error.is_finite() && yearly.lower_bound.is_finite();
    finite.then_some(yearly)
}

/// Growth over the market's. Logarithms add up to what was earned, so that losing half and gaining half is
/// a loss, as it is to the owner. Not a number stays one.
fn log_excess(day: &Day) -> f64 {
    let growth = |rate: f64| rate.clamp(WORST_DAY, BEST_DAY).ln_1p();
    growth(day.account_return) - growth(day.market_return)
}

/// Of a day, as it counts over many: Newey and West (1987) with Bartlett weights and the lag of their 1994
/// rule of thumb. Never below the plain variance, so that days which undo each other prove nothing more.
fn long_run_variance(values: &[f64], mean: f64) -> f64 {
    let count = values.len() as f64;
    let covariance = |lag: usize| {
        let pairs = values.iter().zip(values.iter().skip(lag));
        pairs.map(|(early, late)| (early - mean) * (late - mean)).sum::<f64>() / (count - 1.0)
    };
    let plain = covariance(0);
    // A quarter of the days at most, since a covariance of few pairs is noise.
    let lags = ((4.0 * (count / 100.0).powf(2.0 / 9.0)) as usize).min(values.len() / 4);
    let beyond: f64 = (1..=lags).map(|lag| (1.0 - lag as f64 / (lags as f64 + 1.0)) * covariance(lag)).sum();
    plain.max(plain + 2.0 * beyond)
}

fn diluted(settings: &SkillSettings, variance: f64, count: f64) -> f64 {
    let prior_days = settings.prior_variance_days.max(0.0);
    (count * variance + prior_days * settings.prior_deviation.powi(2)) / (count + prior_days)
}

/// The quantile of Student's distribution that belongs to the normal one's `z` (Abramowitz and Stegun
/// 26.7.5, to the second order): a bound from five days lies further down than one from five hundred.
fn student_quantile(z: f64, freedom: f64) -> f64 {
    let freedom = freedom.max(1.0);
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    z + first / freedom + second / (freedom * freedom)
}
