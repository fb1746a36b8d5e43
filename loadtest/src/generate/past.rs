//! Prices from before the events: stretches of rise and fall that lead, day by day, to where the walk of the market
//! starts. They have a stream of their own, so that a longer past changes no later price and no post.

use chrono::NaiveDate;

use super::clock::is_business_day;
use super::dice::{Dice, Purpose};
use super::market::{Bar, to_tick};
use super::tickers::Ticker;

/// Market days before the walk starts; with the walk before thirty days of posts a year and a little more.
const DAYS: usize = 200;
/// Where the levels start that are scaled to the prices in the end.
const LEVEL: i64 = 1_000_000_000;
/// No day moves by more hundredths of a per cent.
const MOST_A_DAY: i64 = 1_200;
/// Shares that people gamble with move so much more, in hundredths.
const WILD_PERCENT: i64 = 170;
/// They are these; ours.
const WILD: [&str; 7] = ["247540", "086520", "042700", "196170", "034020", "PLTR", "COIN"];

/// The bars of the `index`-th company before `first`, the last of which closes where its walk starts.
pub(crate) fn bars(seed: u64, index: u64, ticker: &Ticker, first: NaiveDate) -> Vec<Bar> {
    let mut dice = Dice::new(seed, Purpose::Past, index);
    let percent = if WILD.contains(&ticker.symbol) { WILD_PERCENT } else { 100 };
    let volatility = dice.between(140, 260) * percent / 100;
    let levels = levels(&mut dice, volatility, percent);
    let last = levels.last().copied().unwrap_or(LEVEL).max(1);
    let prices: Vec<i64> = levels.iter().map(|level| ticker.start * level / last).collect();
    let mut dates: Vec<NaiveDate> = std::iter::successors(first.pred_opt(), NaiveDate::pred_opt)
        .filter(|date| is_business_day(*date))
        .take(DAYS)
        .collect();
    dates.reverse();
    let usual_volume = dice.between(400_000, 9_000_000);
    let pairs = prices.iter().zip(prices.iter().skip(1));
    dates
        .into_iter()
        .zip(pairs)
        .map(|(date, pair)| bar(&mut dice, ticker, date, pair, (volatility, usual_volume)))
        .collect()
}

/// One level more than there are days.
fn levels(dice: &mut Dice, volatility: i64, percent: i64) -> Vec<i64> {
    let mut levels = vec![LEVEL];
    let mut level = LEVEL;
    while levels.len() <= DAYS {
        let drift = dice.between(-38, 36) * percent / 100;
        for _ in 0..dice.between(15, 50) {
            let change = (drift + dice.normal_milli() * volatility / 1000).clamp(-MOST_A_DAY, MOST_A_DAY);
            level = (level + level / 10_000 * change).max(LEVEL / 100);
            levels.push(level);
        }
    }
    levels.truncate(DAYS + 1);
    levels
}

fn bar(
    dice: &mut Dice,
    ticker: &Ticker,
    date: NaiveDate,
    (last, price): (&i64, &i64),
    (volatility, usual_volume): (i64, i64),
) -> Bar {
    let tick = |value: i64| to_tick(value, ticker.exchange);
    let (last, close) = (*last, tick(*price));
    let open = tick(last + last * dice.between(-volatility, volatility) / 30_000);
    let reach = |dice: &mut Dice| last * dice.between(0, volatility) / 15_000;
    let high = tick(open.max(close) + reach(dice)).max(open).max(close);
    let low = tick(open.min(close) - reach(dice)).min(open).min(close);
    let volume = usual_volume * dice.between(600_000, 1_600_000) / 1_000_000;
    Bar { date, open, high, low, close, volume }
}
