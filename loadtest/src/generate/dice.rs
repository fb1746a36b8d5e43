//! Seeded chance. Every draw is made of integers from ChaCha8, so a seed means the same on any machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream of draws is for. Each has its own key, so a change in one part leaves the others as they were.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Market = 1,
    People = 2,
    Follows = 3,
    Drafts = 4,
    Threads = 5,
    Text = 6,
    Past = 7,
    Roster = 8,
    Ledgers = 9,
    Reports = 10,
    Disclosures = 11,
    Rates = 12,
}

/// A stream of draws.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream `index` of `purpose` under `seed`.
    pub(crate) fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let mut key = [0_u8; 32];
        let head = seed.to_le_bytes().into_iter().chain([purpose as u8]);
        key.iter_mut().zip(head).for_each(|(to, from)| *to = from);
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(index);
        Self(rng)
    }

    /// A whole number in `0..bound` (0 for a bound of 0).
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.0.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A whole number in `low..=high`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.saturating_sub(low).max(0).unsigned_abs() + 1;
        low + i64::try_from(self.below(span)).unwrap_or(0)
    }

    /// True `permille` times of a thousand.
    pub(crate) fn chance(&mut self, permille: u64) -> bool {
        self.below(1000) < permille
    }

    /// One of `items`, `None` if there are none.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let at = self.below(items.len() as u64);
        items.get(usize::try_from(at).unwrap_or(0))
    }

    /// One of `words`, empty if there are none.
    pub(crate) fn word<'a>(&mut self, words: &[&'a str]) -> &'a str {
        self.pick(words).copied().unwrap_or("")
    }

    /// Thousandths of a standard deviation, near enough to normal (a sum of twelve).
    pub(crate) fn normal_milli(&mut self) -> i64 {
        (0..12).map(|_| self.between(0, 999)).sum::<i64>() - 5994
    }

    /// A value of the distribution that `table` gives as (cumulative share of 100,000, value) points, straight between them.
    pub(crate) fn quantile(&mut self, table: &[(u32, u64)]) -> u64 {
        let at = self.below(100_000);
        let above = table.partition_point(|(share, _)| u64::from(*share) <= at);
        let (low_share, low) = above.checked_sub(1).and_then(|i| table.get(i)).copied().unwrap_or((0, 0));
        let Some((high_share, high)) = table.get(above).copied() else {
            return low;
        };
        let width = u64::from(high_share - low_share).max(1);
        low + (high.saturating_sub(low)) * (at - u64::from(low_share)) / width
    }

    /// Put `items` in a random order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).unwrap_or(0);
            items.swap(last, other);
        }
    }
}

/// Positions drawn in proportion to whole-number weights.
pub(crate) struct Weighted {
    cumulative: Vec<u64>,
}

impl Weighted {
    /// Weights by position; a weight of 0 is never drawn.
    pub(crate) fn new(weights: impl IntoIterator<Item = u64>) -> Self {
        let running = weights.into_iter().scan(0_u64, |sum, weight| {
            *sum = sum.saturating_add(weight);
            Some(*sum)
        });
        Self { cumulative: running.collect() }
    }

    /// The weights `scale / rank^exponent` of `count` ranks, at least 1 each.
    pub(crate) fn zipf(count: usize, exponent: f64) -> Self {
        Self::new((1..=count).map(|rank| rounded(1e9 * power(rank as f64, -exponent)).max(1)))
    }

    /// A position; 0 if all weights are 0.
    pub(crate) fn draw(&self, dice: &mut Dice) -> usize {
        let total = self.cumulative.last().copied().unwrap_or(0);
        let at = dice.below(total);
        self.cumulative.partition_point(|sum| *sum <= at)
    }
}

/// `base^exponent` for a positive base, from additions and products only: libm differs between platforms.
pub(crate) fn power(base: f64, exponent: f64) -> f64 {
    exponential(exponent * logarithm(base))
}

/// Half up; 0 below 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and negatives become 0"
)]
pub(crate) fn rounded(value: f64) -> u64 {
    (value + 0.5) as u64
}

fn logarithm(value: f64) -> f64 {
    let (mut mantissa, mut twos) = (value, 0.0);
    while mantissa > 1.5 {
        mantissa /= 2.0;
        twos += 1.0;
    }
    while mantissa < 0.75 {
        mantissa *= 2.0;
        twos -= 1.0;
    }
    // ln m = 2 artanh((m - 1) / (m + 1)), whose series is short between 0.75 and 1.5.
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let series = (0..16).rev().fold(0.0, |sum, k| sum * square + 1.0 / f64::from(2 * k + 1));
    2.0 * ratio * series + twos * std::f64::consts::LN_2
}

fn exponential(value: f64) -> f64 {
    let halvings = 10;
    let small = value / f64::from(1 << halvings);
    let series = (1..12).rev().fold(1.0, |sum, k| 1.0 + small * sum / f64::from(k));
    (0..halvings).fold(series, |power, _| power * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_the_same_on_every_machine() {
        let mut dice = Dice::new(7, Purpose::Text, 3);
        let drawn: Vec<u64> = (0..4).map(|_| dice.below(1_000_000)).collect();
        assert_eq!(drawn, PINNED);
    }

    const PINNED: [u64; 4] = [271_770, 520_055, 180_514, 406_508];

    #[test]
    fn powers_agree_with_the_platform() {
        for (base, exponent) in [(2.0_f64, 10.0), (10.0, -1.39), (2000.0, -0.738), (1e6, -1.0), (1.0, 5.0)] {
            let expected = base.powf(exponent);
            assert!((power(base, exponent) / expected - 1.0).abs() < 1e-9, "{base}^{exponent}");
        }
    }

    #[test]
    fn a_quantile_table_gives_its_median() {
        let mut dice = Dice::new(1, Purpose::People, 0);
        let table = [(0, 0), (50_000, 20), (100_000, 1000)];
        let below = (0..10_000).filter(|_| dice.quantile(&table) < 20).count();
        assert!((4_800..5_200).contains(&below), "{below} of 10,000 below the median");
    }

    #[test]
    fn weights_are_respected() {
        let weighted = Weighted::new([0, 3, 0, 1]);
        let mut dice = Dice::new(1, Purpose::People, 1);
        let mut counts = [0_u32; 4];
        for _ in 0..8_000 {
            let at = weighted.draw(&mut dice);
            counts.iter_mut().skip(at).take(1).for_each(|count| *count += 1);
        }
        let [never, often, neither, seldom] = counts;
        assert_eq!((never, neither), (0, 0));
        assert!((5_700..6_300).contains(&often) && often + seldom == 8_000, "{often}");
    }
}
