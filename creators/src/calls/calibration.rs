//! Does an author's past hit rate foretell the next call?
//!
//! Nobody states a confidence with a stance, so none is made up. What a reader does rely on is the hit rate
//! shown on the profile; the plot tests exactly that. For each call the prediction is the middle of Wilson's
//! interval over the author's calls that were *already decided when it was published*, which draws a short
//! record towards one half. Calls are then gathered by prediction, and beside it stands how many came true.
//! On the diagonal, the hit rate means what it says; a flat line says that it foretells nothing.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use madang_core::ids::UserId;

use super::{Call, Horizon, Interval, Outcome, score::WILSON_Z, wilson};

/// Decided calls an author must have before a call for it to be predicted.
pub const MIN_HISTORY: u32 = 5;

const BINS: u32 = 10;

/// Calls that were predicted alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibrationPoint {
    /// Mean of what the hit rates before them said, as a fraction.
    pub predicted: f64,
    /// Part of them that was right.
    pub observed: f64,
    /// How many they are.
    pub count: u32,
    /// Wilson's interval of 95 % around `observed`.
    pub interval: Interval,
}

/// Points in order of prediction, at most ten. The calls may be one author's or many authors'; each is
/// predicted from its own author's past only.
pub fn calibration(calls: &[Call], horizon: Horizon) -> Vec<CalibrationPoint> {
    let mut by_author: BTreeMap<UserId, Vec<Decided>> = BTreeMap::new();
    for call in calls {
        if let Outcome::Known { right, at, .. } = horizon.of(call) {
            by_author.entry(call.author).or_default().push(Decided { posted: call.posted, at, right });
        }
    }
    let mut bins: BTreeMap<u32, Bin> = BTreeMap::new();
    for decided in by_author.into_values() {
        predict(decided, &mut bins);
    }
    bins.into_values().map(|bin| bin.point()).collect()
}

struct Decided {
    posted: DateTime<Utc>,
    at: DateTime<Utc>,
    right: bool,
}

#[derive(Default)]
struct Bin {
    predicted: f64,
    right: u32,
    count: u32,
}

impl Bin {
    fn point(&self) -> CalibrationPoint {
        let count = f64::from(self.count.max(1));
        let observed = f64::from(self.right) / count;
        let interval = wilson(observed, f64::from(self.count));
        CalibrationPoint { predicted: self.predicted / count, observed, count: self.count, interval }
    }
}

fn predict(mut calls: Vec<Decided>, bins: &mut BTreeMap<u32, Bin>) {
    let mut decided: Vec<(DateTime<Utc>, bool)> = calls.iter().map(|call| (call.at, call.right)).collect();
    decided.sort_unstable();
    calls.sort_by_key(|call| call.posted);
    let mut decided = decided.into_iter().peekable();
    let (mut right, mut count) = (0_u32, 0_u32);
    for call in calls {
        while let Some((_, was_right)) = decided.next_if(|(at, _)| *at < call.posted) {
            count += 1;
            right += u32::from(was_right);
        }
        if count < MIN_HISTORY {
            continue;
        }
        let squared = WILSON_Z * WILSON_Z;
        let predicted = (f64::from(right) + squared / 2.0) / (f64::from(count) + squared);
        let bin = bins.entry(((predicted * f64::from(BINS)) as u32).min(BINS - 1)).or_default();
        bin.predicted += predicted;
        bin.count += 1;
        bin.right += u32::from(call.right);
    }
}
