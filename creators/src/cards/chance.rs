//! Chances of honest draws, for the judgement in `cherry`.

/// Up to so many trades all draws are counted.
const EXACT_TRADES: usize = 30;
/// Up to so many uniform variables their sum is computed exactly.
const EXACT_UNIFORMS: usize = 12;

/// Chance that as many trades drawn at random from the pool have at least the rank sum of the shown ones.
pub(super) fn rank_sum_chance(pool: &[f64], places: &[usize]) -> f64 {
    if places.is_empty() || places.len() >= pool.len() {
        return 1.0;
    }
    let ranks = doubled_ranks(pool);
    let sum: usize = places.iter().filter_map(|place| ranks.get(*place)).sum();
    if pool.len() <= EXACT_TRADES {
        return exact_chance(&ranks, places.len(), sum);
    }
    let (shown, all) = (count(places.len()), count(pool.len()));
    if places.len() <= EXACT_UNIFORMS {
        // each rank as a uniform variable, in the middle of its step
        return uniform_sum_chance(places.len(), (count(sum) / 2.0 - shown / 2.0) / all);
    }
    let expected = shown * (all + 1.0) / 2.0;
    let variance = shown * (all - shown) * (all + 1.0) / 12.0;
    normal_tail((count(sum) / 2.0 - 0.5 - expected) / variance.sqrt())
}

/// Twice the rank of each value, ties sharing the middle of theirs, so that it stays whole.
pub(super) fn doubled_ranks(pool: &[f64]) -> Vec<usize> {
    let mut sorted = pool.to_vec();
    sorted.sort_by(f64::total_cmp);
    // ranks from below + 1 to upto have the mean (below + 1 + upto) / 2
    let rank = |value: &f64| {
        let below = sorted.partition_point(|other| other < value);
        let upto = sorted.partition_point(|other| other <= value);
        below + 1 + upto
    };
    pool.iter().map(rank).collect()
}

/// Counts the draws of `size` ranks by their sum.
pub(super) fn exact_chance(ranks: &[usize], size: usize, sum: usize) -> f64 {
    // without ties all doubled ranks are even, and half the sums cannot occur
    let step = if ranks.iter().all(|rank| rank % 2 == 0) { 2 } else { 1 };
    let mut sorted: Vec<usize> = ranks.iter().map(|rank| rank / step).collect();
    sorted.sort_unstable();
    let most: usize = sorted.iter().rev().take(size).sum();
    let mut draws = vec![vec![0.0_f64; most + 1]; size + 1];
    if let Some(none) = draws.first_mut().and_then(|row| row.first_mut()) {
        *none = 1.0;
    }
    for (seen, rank) in sorted.iter().enumerate() {
        for chosen in (1..=size.min(seen + 1)).rev() {
            let (before, after) = draws.split_at_mut(chosen);
            let (Some(from), Some(to)) = (before.last(), after.first_mut()) else { continue };
            for (more, fewer) in to.iter_mut().skip(*rank).zip(from) {
                *more += fewer;
            }
        }
    }
    let Some(last) = draws.last() else { return 1.0 };
    last.iter().skip(sum / step).sum::<f64>() / last.iter().sum::<f64>().max(1.0)
}

/// Chance that the sum of independent uniform variables is at least that (Irwin and Hall, 1927), up to twelve
/// exactly, beyond that by the normal curve.
pub(super) fn uniform_sum_chance(many: usize, sum: f64) -> f64 {
    let size = count(many);
    if many > EXACT_UNIFORMS {
        return normal_tail((sum - size / 2.0) / (size / 12.0).sqrt());
    }
    let missing = size - sum;
    if missing <= 0.0 {
        return 0.0;
    }
    if missing >= size {
        return 1.0;
    }
    let (mut total, mut choose, mut factorial) = (0.0, 1.0, 1.0);
    for step in 1..=many {
        factorial *= count(step);
    }
    for step in 0..=many {
        let left = missing - count(step);
        if left <= 0.0 {
            break;
        }
        total += if step % 2 == 0 { choose } else { -choose } * left.powf(size);
        choose *= (size - count(step)) / (count(step) + 1.0);
    }
    (total / factorial).clamp(0.0, 1.0)
}

/// Upper tail of the normal curve (Abramowitz and Stegun 26.2.17, error below 7.5e-8).
pub(super) fn normal_tail(z: f64) -> f64 {
    if z < 0.0 {
        return 1.0 - normal_tail(-z);
    }
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let series = t
        * (0.319_381_530
            + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    series * (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// Counts of trades are far below 2^53, which `f64` holds exactly.
#[expect(clippy::cast_precision_loss, reason = "counts of trades are far below 2^53")]
pub(super) const fn count(number: usize) -> f64 {
    number as f64
}
