//! What all seeds say together, as numbers and as a table.

use std::fmt;

use super::Board;

/// The boards of one seed.
#[derive(Debug, Clone, PartialEq)]
pub struct SeedResult {
    /// The seed.
    pub seed: u32,
    /// Log return of the market over the window.
    pub market_return: f64,
    /// Our ranking, closed and new accounts on one record.
    pub ours: Board,
    /// By raw return, among the same eligible people.
    pub raw: Board,
    /// By raw return, among everybody.
    pub raw_unfiltered: Board,
    /// Our ranking if closed accounts were dropped and a new one began a new record.
    pub ours_without_closed: Board,
    /// By raw return if closed accounts were dropped and a new one began a new record.
    pub raw_without_closed: Board,
}

/// The boards of all seeds. Printed, it is a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// One after another.
    pub seeds: Vec<SeedResult>,
}

type Column = fn(&SeedResult) -> &Board;
const COLUMNS: [(&str, Column); 5] = [
    ("lower bound (ours)", |seed| &seed.ours),
    ("raw return, same people", |seed| &seed.raw),
    ("raw return, everybody", |seed| &seed.raw_unfiltered),
    ("ours, closed dropped", |seed| &seed.ours_without_closed),
    ("raw, closed dropped", |seed| &seed.raw_without_closed),
];

impl Report {
    /// Mean over seeds of a figure of a board.
    pub fn mean(&self, figure: impl Fn(&SeedResult) -> f64) -> f64 {
        self.seeds.iter().map(figure).sum::<f64>() / (self.seeds.len().max(1) as f64)
    }

    /// How many times as many of our first twenty are skilled as of the raw board's, over all seeds. One
    /// find is lent to the raw board where it has none.
    pub fn precision_ratio(&self) -> f64 {
        let least = 0.05 / (self.seeds.len().max(1) as f64);
        self.mean(|seed| seed.ours.precision) / self.mean(|seed| seed.raw.precision).max(least)
    }
}

impl Report {
    fn write_means(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\nmean of {} seeds           p@20  next-year correlation: all  first 1000",
            self.seeds.len()
        )?;
        for (name, column) in COLUMNS {
            writeln!(
                f,
                "{name:<24} {:>6.3}  {:>26.3}  {:>+10.3}",
                self.mean(|seed| column(seed).precision),
                self.mean(|seed| column(seed).next_correlation),
                self.mean(|seed| column(seed).next_correlation_above)
            )?;
        }
        writeln!(
            f,
            "\nlog return over the market  first 20 show  first 20 next year  all ranked show  ranked"
        )?;
        for (name, column) in COLUMNS {
            writeln!(
                f,
                "{name:<26}  {:>+13.2}  {:>+18.2}  {:>+15.3}  {:>6.0}",
                self.mean(|seed| column(seed).shown),
                self.mean(|seed| column(seed).next),
                self.mean(|seed| column(seed).shown_by_all),
                self.mean(|seed| column(seed).ranked as f64)
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed  market  p@20 ours  p@20 raw  next-year correlation ours   raw  ranked")?;
        for seed in &self.seeds {
            writeln!(
                f,
                "{:>4}  {:>+6.2}  {:>9.2}  {:>8.2}  {:>26.3}  {:>+5.3}  {:>6}",
                seed.seed,
                seed.market_return,
                seed.ours.precision,
                seed.raw.precision,
                seed.ours.next_correlation,
                seed.raw.next_correlation,
                seed.ours.ranked
            )?;
        }
        self.write_means(f)?;
        write!(f, "precision@20 of the lower bound over raw return: {:.1} times", self.precision_ratio())
    }
}
