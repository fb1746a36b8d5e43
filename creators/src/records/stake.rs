//! How large a part of an account a holding was, day by day: who ranks with a ticker must have had something at
//! stake in it.

use chrono::NaiveDate;

use crate::returns::{CARRIED_DAYS, Currency, DayPoint, Market, Record, TickerRecord};

/// Smallest mean weight of a holding in its account that ranks on the ticker's board, as a fraction.
pub(super) const MIN_MEAN_STAKE: f64 = 0.01;

/// The weight of a holding at each close at which it was held; days on which it cannot be told are left out.
pub(super) fn weights(record: &Record, ticker: &TickerRecord, market: &Market) -> Vec<(NaiveDate, f64)> {
    let mut account = record.days.iter().peekable();
    let mut whole: Option<&DayPoint> = None;
    let weight = |point: &DayPoint| {
        while let Some(next) = account.next_if(|next| next.day <= point.day) {
            whole = Some(next);
        }
        let whole = whole.filter(|whole| (point.day - whole.day).num_days() <= i64::from(CARRIED_DAYS))?;
        let worth = point.value * rate(market, ticker.currency, record.base, point.day);
        let weight = worth / whole.value;
        (weight.is_finite() && weight > 0.0).then_some((point.day, weight))
    };
    ticker.days.iter().filter_map(weight).collect()
}

fn rate(market: &Market, from: Currency, to: Currency, day: NaiveDate) -> f64 {
    if from == to { 1.0 } else { market.rate(from, to, day).unwrap_or(f64::NAN) }
}

/// Whether the mean of these weights is enough. None at all is not.
pub(super) fn is_enough(weights: impl Iterator<Item = f64>) -> bool {
    let (sum, count) = weights.fold((0.0, 0.0), |(sum, count), weight| (sum + weight, count + 1.0));
    count > 0.0 && sum / count >= MIN_MEAN_STAKE
}
