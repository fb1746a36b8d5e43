//! What a simulation prints: tables, and the lines it is accepted by, each the mean over the seeds.

use std::fmt;

use super::attack::Share;

/// A number in a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    /// Printed with so many decimals.
    Number(f64, usize),
    /// Blocked, and in brackets limited or blocked: of ordinary authors / of those in good standing.
    Shares([Share; 2]),
}

impl Cell {
    /// Adds the part of one seed among `seeds`.
    fn add(&mut self, other: &Self, seeds: f64) {
        match (self, other) {
            (Self::Number(sum, _), Self::Number(value, _)) => *sum += value / seeds,
            (Self::Shares(sums), Self::Shares(shares)) => {
                for (sum, share) in sums.iter_mut().zip(shares) {
                    sum.blocked += share.blocked / seeds;
                    sum.limited += share.limited / seeds;
                }
            }
            _ => {}
        }
    }

    fn zero(&self) -> Self {
        match self {
            Self::Number(_, decimals) => Self::Number(0.0, *decimals),
            Self::Shares(_) => Self::Shares([Share::default(); 2]),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value, decimals) => write!(f, "{value:.decimals$}"),
            Self::Shares([ordinary, good]) => write!(
                f,
                "{:.2} ({:.2}) / {:.2} ({:.2})",
                ordinary.blocked, ordinary.limited, good.blocked, good.limited
            ),
        }
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    pub(super) title: &'static str,
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<(String, Vec<Cell>)>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "### {}\n\n| {} |", self.title, self.head.join(" | "))?;
        writeln!(f, "|{}", " --- |".repeat(self.head.len()))?;
        for (name, cells) in &self.rows {
            write!(f, "| {name} |")?;
            cells.iter().try_for_each(|cell| write!(f, " {cell} |"))?;
            writeln!(f)?;
        }
        writeln!(f)
    }
}

/// A line of the acceptance.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What it is about.
    pub name: String,
    /// What was measured.
    pub value: f64,
    /// What was asked for.
    pub bound: f64,
    /// Whether the bound is the most, or else the least.
    pub at_most: bool,
}

impl Line {
    pub(super) fn least(name: &str, value: f64, bound: f64) -> Self {
        Self { name: name.into(), value, bound, at_most: false }
    }

    pub(super) fn most(name: &str, value: f64, bound: f64) -> Self {
        Self { name: name.into(), value, bound, at_most: true }
    }

    /// Whether it is met. Not-a-number meets nothing.
    pub fn met(&self) -> bool {
        if self.at_most { self.value <= self.bound } else { self.value >= self.bound }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.at_most { "≤" } else { "≥" };
        let met = if self.met() { "met" } else { "NOT MET" };
        write!(f, "{}: {:.3} {sign} {:.3} {met}", self.name, self.value, self.bound)
    }
}

/// What one seed gave.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trial {
    pub(super) tables: Vec<Table>,
    pub(super) lines: Vec<Line>,
}

/// What all seeds gave, on average.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    seeds: usize,
    tables: Vec<Table>,
    lines: Vec<Line>,
}

impl Outcome {
    pub(super) fn mean(trials: &[Trial]) -> Self {
        let seeds = trials.len().max(1) as f64;
        let Some(mut mean) = trials.first().cloned() else {
            return Self { seeds: 0, tables: Vec::new(), lines: Vec::new() };
        };
        let cells = |table: &mut Table| {
            table.rows.iter_mut().for_each(|(_, cells)| {
                cells.iter_mut().for_each(|cell| *cell = cell.zero());
            })
        };
        mean.tables.iter_mut().for_each(cells);
        mean.lines.iter_mut().for_each(|line| line.value = 0.0);
        for trial in trials {
            for (table, other) in mean.tables.iter_mut().zip(&trial.tables) {
                for ((_, cells), (_, others)) in table.rows.iter_mut().zip(&other.rows) {
                    cells.iter_mut().zip(others).for_each(|(cell, other)| cell.add(other, seeds));
                }
            }
            mean.lines
                .iter_mut()
                .zip(&trial.lines)
                .for_each(|(line, other)| line.value += other.value / seeds);
        }
        Self { seeds: trials.len(), tables: mean.tables, lines: mean.lines }
    }

    /// The lines it is accepted by.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Whether all of them are met. No seeds meet nothing.
    pub fn accepted(&self) -> bool {
        !self.lines.is_empty() && self.lines.iter().all(Line::met)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Mean of {} seeds.\n", self.seeds)?;
        self.tables.iter().try_for_each(|table| write!(f, "{table}"))?;
        writeln!(f, "### Acceptance\n")?;
        self.lines.iter().try_for_each(|line| writeln!(f, "- {line}"))?;
        writeln!(f)?;
        if self.accepted() {
            return write!(f, "all acceptance lines met");
        }
        let missed: Vec<&str> =
            self.lines.iter().filter(|line| !line.met()).map(|line| line.name.as_str()).collect();
        write!(f, "acceptance lines not met: {}", missed.join("; "))
    }
}
