//! One seed: everybody lives, every board ranks them.

use super::{
    people::{Life, Person, WINDOW, market},
    report::{Report, SeedResult},
};
use crate::{
    dice::Dice,
    skill::{Day, Facts, SkillSettings, standing_with},
};

const PEOPLE: usize = 10_000;
const TOP: usize = 20;
const ABOVE: usize = 1_000;

/// What one way of ranking led to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Board {
    /// Part of the first twenty who have a true edge.
    pub precision: f64,
    /// Spearman's correlation of what ranks with the next 250 days' excess over the market, all ranked.
    pub next_correlation: f64,
    /// The same among the first thousand, which is what a reader of the board sees of it.
    pub next_correlation_above: f64,
    /// Mean log return over the market that all ranked show, over the window.
    pub shown_by_all: f64,
    /// Mean log return over the market that the first twenty show, over the window.
    pub shown: f64,
    /// Mean log return over the market of the first twenty in the 250 days after it.
    pub next: f64,
    /// How many are ranked.
    pub ranked: usize,
}

/// One account on a board.
struct Entry {
    by: f64,
    skilled: bool,
    shown: f64,
    next: f64,
}

/// Runs on so many seeds from 1 on with the usual constants. The same seeds give the same report.
pub fn simulate(seeds: u32) -> Report {
    simulate_with(&SkillSettings::default(), seeds)
}

/// Runs with other constants.
pub fn simulate_with(settings: &SkillSettings, seeds: u32) -> Report {
    Report { seeds: (1..=seeds).map(|seed| run(settings, seed)).collect() }
}

/// What is ranked, way by way.
#[derive(Default)]
struct Boards {
    kept: Vec<Entry>,
    raw: Vec<Entry>,
    raw_all: Vec<Entry>,
    survivors: Vec<Entry>,
    raw_survivors: Vec<Entry>,
}

fn run(settings: &SkillSettings, seed: u32) -> SeedResult {
    let market = market(&mut Dice::new(u64::from(seed), 0));
    let mut boards = Boards::default();
    for index in 0..PEOPLE {
        let mut dice = Dice::new(u64::from(seed), index as u64 + 1);
        let person = Person::draw(&mut dice);
        let life = person.live(&market, &mut dice);
        boards.enter(settings, &person, &life);
    }
    let market_return: f64 = market.iter().take(WINDOW).map(|rate| rate.ln_1p()).sum();
    SeedResult {
        seed,
        market_return,
        ours: board(boards.kept),
        raw: board(boards.raw),
        raw_unfiltered: board(boards.raw_all),
        ours_without_closed: board(boards.survivors),
        raw_without_closed: board(boards.raw_survivors),
    }
}

impl Boards {
    fn enter(&mut self, settings: &SkillSettings, person: &Person, life: &Life) {
        let entry = |days: &[Day], by: f64| Entry {
            by,
            skilled: person.skilled,
            shown: days.iter().map(|day| day.account_return.ln_1p() - day.market_return.ln_1p()).sum(),
            next: life.next_excess,
        };
        let standing = standing_with(settings, &life.days, &life.facts);
        self.raw_all.push(entry(&life.days, growth(&life.days)));
        if standing.eligible.is_ok() {
            self.kept.push(entry(&life.days, standing.score));
            self.raw.push(entry(&life.days, growth(&life.days)));
        }
        // With the dead dropped, a record begins where the present account does.
        let Some(alive) = life.present_account.and_then(|start| life.days.get(start..)) else { return };
        let trading_days = alive.len() as u32;
        let facts = Facts { trading_days, max_drawdown: drawdown(alive), ..life.facts };
        let standing = standing_with(settings, alive, &facts);
        if standing.eligible.is_ok() {
            self.survivors.push(entry(alive, standing.score));
            self.raw_survivors.push(entry(alive, growth(alive)));
        }
    }
}

fn growth(days: &[Day]) -> f64 {
    days.iter().map(|day| day.account_return.ln_1p()).sum()
}

fn drawdown(days: &[Day]) -> f64 {
    let (mut wealth, mut peak, mut worst) = (1.0_f64, 1.0_f64, 0.0_f64);
    for day in days {
        wealth *= 1.0 + day.account_return;
        peak = peak.max(wealth);
        worst = worst.max(1.0 - wealth / peak);
    }
    worst
}

fn board(mut entries: Vec<Entry>) -> Board {
    entries.sort_by(|left, right| right.by.total_cmp(&left.by));
    let top = entries.get(..TOP.min(entries.len())).unwrap_or_default();
    let mean = |value: &dyn Fn(&Entry) -> f64| top.iter().map(value).sum::<f64>() / (top.len().max(1) as f64);
    Board {
        precision: mean(&|entry| f64::from(u8::from(entry.skilled))),
        next_correlation: spearman(&entries),
        next_correlation_above: spearman(entries.get(..ABOVE.min(entries.len())).unwrap_or_default()),
        shown_by_all: entries.iter().map(|entry| entry.shown).sum::<f64>() / (entries.len().max(1) as f64),
        shown: mean(&|entry| entry.shown),
        next: mean(&|entry| entry.next),
        ranked: entries.len(),
    }
}

/// Of entries already in order of `by`, best first. Draws are continuous, so ties do not matter.
fn spearman(entries: &[Entry]) -> f64 {
    let mut by_next: Vec<(usize, f64)> = entries.iter().map(|entry| entry.next).enumerate().collect();
    by_next.sort_by(|left, right| right.1.total_cmp(&left.1));
    let count = entries.len() as f64;
    let squares: f64 =
        by_next.iter().enumerate().map(|(rank, (place, _))| (rank as f64 - *place as f64).powi(2)).sum();
    if entries.len() < 2 { 0.0 } else { 1.0 - 6.0 * squares / (count * (count * count - 1.0)) }
}
