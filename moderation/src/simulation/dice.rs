//! Chance, the same for the same seed.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// One stream for each use, so that one more draw here changes nothing there.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// From 0 to 1, without 1.
    pub(super) fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// From 0 to `count`, without it.
    pub(super) fn index(&mut self, count: usize) -> usize {
        self.0.random_range(0..count.max(1))
    }

    pub(super) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.uniform()).ln()
    }

    /// Of the second type: from 0 on.
    pub(super) fn pareto(&mut self, exponent: f64) -> f64 {
        (1.0 - self.uniform()).powf(-1.0 / exponent) - 1.0
    }

    pub(super) fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.uniform()).cos();
        median * (sigma * normal).exp()
    }

    /// Counts arrivals of rate 1 in a time of `mean`.
    pub(super) fn poisson(&mut self, mean: f64) -> u32 {
        let mut at = self.exponential(1.0);
        let mut arrivals = 0;
        while at < mean {
            arrivals += 1;
            at += self.exponential(1.0);
        }
        arrivals
    }

    /// Some of the items, in random order.
    pub(super) fn sample<T: Copy>(&mut self, items: &[T], count: usize) -> Vec<T> {
        let mut keyed: Vec<(f64, T)> = items.iter().map(|item| (self.uniform(), *item)).collect();
        keyed.sort_unstable_by(|left, right| left.0.total_cmp(&right.0));
        keyed.into_iter().take(count).map(|(_, item)| item).collect()
    }
}
