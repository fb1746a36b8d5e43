//! The cherry-pick index of one card, and whether a person's cards taken together were cherry-picked.
//!
//! **Index** of a card, 0 to 100: which share of the others did worse than what is shown, ties counted half.
//! The others are all the author's other closed trades; for a card of a window all other windows of the same
//! length, day by day, that could have been shown instead (of all the person's holdings, if it is of one).
//!
//! **Judgement** over all cards shown so far. Someone who chooses what to show without looking at the result
//! draws trades at random from the record. Two one-sided tests ask how often such a draw would look at least
//! this good; both also ask whether it matters, so that a person whose trades are all alike is never judged:
//!
//! * *Best of many*: the sum of the ranks of the shown trades among the closed ones (Wilcoxon's rank sum:
//!   exact for up to 30 trades, above that by the sum of uniform variables up to 12 cards and by the normal
//!   curve beyond) has a chance of at most [`MOST_CHANCE`], from the fourth card [`MOST_CHANCE_LATER`], the
//!   shown mean is a gain, and it is above the record's mean by [`GAP_POINTS`] and by [`GAP_DEVIATIONS`]
//!   standard deviations.
//! * *Losing record*: one card is never improbable among twenty. It is judged only where the record
//!   contradicts it: at least [`LOSING_TRADES`] closed trades, nine in ten of those not shown lost, they lost
//!   on average, the shown mean is a gain, and the chance of the draw is at most [`LOSING_CHANCE`].
//!
//! Who shows nearly everything since a day does not choose, even if the market was kinder after that day: if
//! the shown trades are most of those closed between the first and the last shown one, they are ranked among
//! those alone. Cards of windows are judged by the sum of their percentiles, windows that overlap by more
//! than half counting as one by their mean.
//!
//! Limits. Somebody with one winner among 21 trades who shows one trade at random shows that winner one time
//! in 21 and is flagged then: nothing in the data tells this from choice. A flag therefore says what is shown
//! and what is not, never why. Who mixes a loser among three winners may not be flagged, and who has fewer
//! than eleven closed trades cannot be. Who shows winners only, from a record of both, is flagged. Who began
//! to show cards at a better time but shows fewer than 45 per cent of the trades since may be flagged without
//! having chosen. Trades in accounts that the broker does not report are not seen. The test `simulation`
//! measures the rates.

use chrono::NaiveDate;

use super::chance::{count, rank_sum_chance, uniform_sum_chance};

/// Most chance of an honest draw at which up to three cards are called the best of many: the best two of
/// twenty and the best three of twelve are within it.
pub const MOST_CHANCE: f64 = 0.0055;
/// The same of more cards: they were judged after each of them, and each look is another chance of a mistake.
pub const MOST_CHANCE_LATER: f64 = 0.003;
/// The same where the rest of the record lost. One of twenty is just within it.
pub const LOSING_CHANCE: f64 = 0.05;
/// Fewest closed trades for a judgement against a losing record.
pub const LOSING_TRADES: usize = 20;
/// Which share of the trades not shown must have lost for that.
pub const LOSING_SHARE: f64 = 0.9;
/// By how much the shown mean must exceed the record's, as a fraction of the cost.
pub const GAP_POINTS: f64 = 0.02;
/// By how many standard deviations of the record's trades.
pub const GAP_DEVIATIONS: f64 = 0.5;

/// From which share of the trades between the first and the last shown one these count as all; fewer cards
/// must be without a gap, since three picked ones may stand close together by chance.
const COVERAGE: f64 = 0.45;
const FEW_CARDS: usize = 5;

/// The percentile of what is shown among the others, 0 to 100; none without others.
pub fn cherry_index(shown: f64, others: &[f64]) -> Option<f64> {
    if others.is_empty() || !shown.is_finite() {
        return None;
    }
    let worse: f64 = others
        .iter()
        .map(|other| {
            if *other < shown {
                1.0
            } else if *other > shown {
                0.0
            } else {
                0.5
            }
        })
        .sum();
    Some(100.0 * worse / count(others.len()))
}

/// A card of a window, as far as the judgement needs it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShownWindow {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// Its cherry-pick index, 0 to 100.
    pub index: f64,
    /// The shown return, as a fraction.
    pub shown: f64,
    /// Mean return of the windows it was ranked among.
    pub typical: f64,
}

/// Why cards were called cherry-picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picked {
    /// The shown trades are the best of many.
    BestOfMany,
    /// Gains are shown from a record of losses.
    LosingRecord,
    /// The shown windows are the best of many.
    BestWindows,
}

/// What a person's cards say together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// Why they are called cherry-picked, if they are.
    pub picked: Option<Picked>,
    /// Chance that an honest choice of trades looks at least this good; 1 without cards of trades.
    pub chance: f64,
    /// The same of windows.
    pub window_chance: f64,
}

/// Judges all the cards a person has shown. `closed` are the returns (fractions) of all closed trades in the
/// order in which they closed, with shown open positions as they stood on their cards behind them; `shown`
/// are the places in it of the trades on cards, doubles counting once; `windows` are the cards of windows.
pub fn judge(closed: &[f64], shown: &[usize], windows: &[ShownWindow]) -> Judgement {
    let places = in_order(closed, shown);
    let (pool, places) = fair_pool(closed, &places);
    judge_places(pool, &places, windows)
}

/// The same against all trades, whatever stretch the shown ones cover: where open positions are among them, which
/// have no place in the order of closing.
pub fn judge_against_all(closed: &[f64], shown: &[usize], windows: &[ShownWindow]) -> Judgement {
    judge_places(closed, &in_order(closed, shown), windows)
}

fn in_order(closed: &[f64], shown: &[usize]) -> Vec<usize> {
    let mut places: Vec<usize> = shown.iter().copied().filter(|place| *place < closed.len()).collect();
    places.sort_unstable();
    places.dedup();
    places
}

fn judge_places(pool: &[f64], places: &[usize], windows: &[ShownWindow]) -> Judgement {
    let chance = rank_sum_chance(pool, places);
    let window_chance = windows_chance(windows);
    let picked = if is_best_of_many(pool, places, chance) {
        Some(Picked::BestOfMany)
    } else if contradicts_record(pool, places, chance) {
        Some(Picked::LosingRecord)
    } else if window_chance <= most_chance(windows.len()) && windows_stand_out(windows) {
        Some(Picked::BestWindows)
    } else {
        None
    };
    Judgement { picked, chance, window_chance }
}

/// The trades that what is shown was chosen from, and the places of the shown ones among them.
fn fair_pool<'a>(closed: &'a [f64], places: &[usize]) -> (&'a [f64], Vec<usize>) {
    let whole = (closed, places.to_vec());
    let (Some(first), Some(last)) = (places.first(), places.last()) else { return whole };
    let Some(span) = closed.get(*first..=*last) else { return whole };
    let coverage = count(places.len()) / count(span.len());
    let needed = if places.len() < FEW_CARDS { 1.0 } else { COVERAGE };
    if places.len() < 3 || coverage < needed {
        return whole;
    }
    (span, places.iter().map(|place| place - first).collect())
}

fn at<'a>(pool: &'a [f64], places: &'a [usize]) -> impl Iterator<Item = f64> + 'a {
    places.iter().filter_map(|place| pool.get(*place)).copied()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, many) = values.fold((0.0, 0.0), |(sum, many), value| (sum + value, many + 1.0));
    if many > 0.0 { sum / many } else { 0.0 }
}

const fn most_chance(cards: usize) -> f64 {
    if cards <= 3 { MOST_CHANCE } else { MOST_CHANCE_LATER }
}

fn is_best_of_many(pool: &[f64], places: &[usize], chance: f64) -> bool {
    if places.is_empty() || chance > most_chance(places.len()) {
        return false;
    }
    let (shown, all) = (mean(at(pool, places)), mean(pool.iter().copied()));
    let deviation = mean(pool.iter().map(|value| (value - all).powi(2))).sqrt();
    shown > 0.0 && shown - all >= GAP_POINTS.max(GAP_DEVIATIONS * deviation)
}

fn contradicts_record(pool: &[f64], places: &[usize], chance: f64) -> bool {
    // a hair for the rounding of 1/20
    if places.is_empty() || pool.len() < LOSING_TRADES || chance > LOSING_CHANCE + 1e-9 {
        return false;
    }
    let hidden: Vec<f64> = pool
        .iter()
        .enumerate()
        .filter(|(place, _)| places.binary_search(place).is_err())
        .map(|(_, value)| *value)
        .collect();
    let lost = hidden.iter().filter(|value| **value < 0.0).count();
    let (shown, rest) = (mean(at(pool, places)), mean(hidden.iter().copied()));
    count(lost) >= LOSING_SHARE * count(hidden.len())
        && rest < 0.0
        && shown > 0.0
        && shown - rest >= GAP_POINTS
}

fn windows_chance(windows: &[ShownWindow]) -> f64 {
    let groups = apart(windows);
    if groups.is_empty() {
        return 1.0;
    }
    uniform_sum_chance(groups.len(), groups.iter().sum::<f64>() / 100.0)
}

/// The mean index of each group of windows that overlap by more than half of the shorter one.
fn apart(windows: &[ShownWindow]) -> Vec<f64> {
    let mut sorted: Vec<&ShownWindow> = windows.iter().filter(|window| window.index.is_finite()).collect();
    sorted.sort_by_key(|window| (window.from, window.to));
    let mut groups: Vec<Vec<&ShownWindow>> = Vec::new();
    for window in sorted {
        let near = groups.iter_mut().find(|group| group.iter().any(|other| overlaps(window, other)));
        match near {
            Some(group) => group.push(window),
            None => groups.push(vec![window]),
        }
    }
    groups.iter().map(|group| mean(group.iter().map(|window| window.index.clamp(0.0, 100.0)))).collect()
}

fn overlaps(one: &ShownWindow, two: &ShownWindow) -> bool {
    let days = |from: NaiveDate, to: NaiveDate| (to - from).num_days() + 1;
    let shared = days(one.from.max(two.from), one.to.min(two.to));
    shared * 2 > days(one.from, one.to).min(days(two.from, two.to))
}

fn windows_stand_out(windows: &[ShownWindow]) -> bool {
    let (shown, typical) =
        (mean(windows.iter().map(|window| window.shown)), mean(windows.iter().map(|window| window.typical)));
    shown > 0.0 && shown - typical >= GAP_POINTS
}

#[cfg(test)]
#[path = "cherry_tests.rs"]
mod tests;
