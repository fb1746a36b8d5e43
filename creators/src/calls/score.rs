//! Calls added up by author and horizon.

use std::collections::BTreeMap;

use madang_core::{
    ids::{TickerId, UserId},
    posts::Stance,
};

use super::{Call, Horizon, Outcome};

/// Standard errors of a two-sided interval of 95 %.
pub const WILSON_Z: f64 = 1.959_963_984_540_054;

/// Between what a share lies, as fractions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// At least.
    pub low: f64,
    /// At most.
    pub high: f64,
}

/// What an author's calls came to by one horizon.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Calls that were right.
    pub right: u32,
    /// Calls whose outcome is known.
    pub total: u32,
    /// Of these, as many as do not overlap on one ticker: thirty posts on one rise are one bet.
    pub independent: u32,
    /// Calls whose time is not over.
    pub pending: u32,
    /// Calls that cannot be scored for want of a price.
    pub no_price: u32,
    /// Wilson's interval of 95 % around `right / total`, as wide as `independent` calls leave it.
    pub interval: Interval,
    /// Mean return over the market in the direction called, as a fraction: a bear gains where the ticker
    /// falls behind. Nothing without a known call.
    pub mean_excess: Option<f64>,
}

/// The interval of a share seen in `count` cases (Wilson 1927). All from 0 to 1 where nothing was seen.
pub fn wilson(share: f64, count: f64) -> Interval {
    if !(count > 0.0 && share.is_finite() && count.is_finite()) {
        return Interval { low: 0.0, high: 1.0 };
    }
    let share = share.clamp(0.0, 1.0);
    let squared = WILSON_Z * WILSON_Z;
    let middle = (share + squared / (2.0 * count)) / (1.0 + squared / count);
    let spread = (share * (1.0 - share) / count + squared / (4.0 * count * count)).sqrt();
    let half = WILSON_Z * spread / (1.0 + squared / count);
    Interval { low: (middle - half).max(0.0), high: (middle + half).min(1.0) }
}

/// Scores of every author in these calls, for every horizon.
pub fn scores(calls: &[Call]) -> BTreeMap<(UserId, Horizon), Score> {
    let mut by_author: BTreeMap<UserId, Vec<&Call>> = BTreeMap::new();
    for call in calls {
        by_author.entry(call.author).or_default().push(call);
    }
    let mut scores = BTreeMap::new();
    for (author, calls) in by_author {
        for horizon in Horizon::ALL {
            scores.insert((author, horizon), score(&calls, horizon));
        }
    }
    scores
}

fn score(calls: &[&Call], horizon: Horizon) -> Score {
    let (mut right_calls, mut total, mut pending, mut no_price, mut gained) = (0_u32, 0_u32, 0, 0, 0.0);
    for call in calls {
        match horizon.of(call) {
            Outcome::Pending => pending += 1,
            Outcome::NoPrice => no_price += 1,
            Outcome::Known { right, excess, .. } => {
                total += 1;
                right_calls += u32::from(right);
                gained += if call.stance == Stance::Bear { -excess } else { excess };
            }
        }
    }
    let independent = independent(calls, horizon);
    let known = f64::from(total);
    Score {
        right: right_calls,
        total,
        independent,
        pending,
        no_price,
        interval: wilson(f64::from(right_calls) / known, f64::from(independent)),
        mean_excess: (total > 0).then_some(gained / known),
    }
}

/// The most known calls of which no two on one ticker run at the same time: the earliest first.
fn independent(calls: &[&Call], horizon: Horizon) -> u32 {
    let mut places: BTreeMap<TickerId, Vec<usize>> = BTreeMap::new();
    for call in calls {
        if let (Outcome::Known { .. }, Some(entry)) = (horizon.of(call), call.entry) {
            places.entry(call.ticker).or_default().push(entry.place);
        }
    }
    let days = usize::try_from(horizon.days()).unwrap_or(usize::MAX);
    let mut count = 0;
    for starts in places.values_mut() {
        starts.sort_unstable();
        let mut free_from = 0;
        for start in starts.iter().copied() {
            if start >= free_from {
                count += 1;
                free_from = start.saturating_add(days);
            }
        }
    }
    count
}
