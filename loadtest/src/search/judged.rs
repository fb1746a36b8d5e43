//! Queries with what is right for each.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

const TICKERS: &str = include_str!("../../judged/tickers.tsv");

/// The grade of an answer that is just what was meant.
pub(crate) const RIGHT: u8 = 2;
/// The kind of query that nothing answers.
pub(crate) const NEGATIVE: &str = "negative";

/// A query and its right answers.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) kind: &'static str,
    pub(crate) text: String,
    /// 2 or 1 by symbol, handle or id; whoever is missing is wrong. Empty where nothing should be found.
    pub(crate) grades: HashMap<String, u8>,
}

impl Query {
    pub(crate) fn grade(&self, key: &str) -> u8 {
        self.grades.get(key).copied().unwrap_or(0)
    }

    /// A line about an answer that was not as it should be.
    pub(crate) fn missed(&self, answer: &[String]) -> String {
        let mut right: Vec<&String> =
            self.grades.iter().filter(|(_, grade)| **grade == RIGHT).map(|(key, _)| key).collect();
        right.sort();
        let right = right.get(..right.len().min(3)).unwrap_or_default();
        let found = answer.get(..answer.len().min(3)).unwrap_or_default();
        format!("missed {} {:?}: right {right:?}, found {found:?}", self.kind, self.text)
    }
}

#[derive(Debug, Deserialize)]
struct Line {
    kind: String,
    query: String,
    right: String,
}

/// Kinds of the file, as static words.
const KINDS: [&str; 12] = [
    "exact",
    "alias",
    "initials",
    "mixed",
    "prefix",
    "typo",
    "layout",
    "spacing",
    "english",
    "code",
    "codeprefix",
    NEGATIVE,
];

fn lines() -> Result<Vec<Line>> {
    csv::ReaderBuilder::new()
        .delimiter(b'\t')
        .quoting(false)
        .from_reader(TICKERS.as_bytes())
        .deserialize()
        .map(|line| line.context("failed to read the judged queries"))
        .collect()
}

fn query(line: Line) -> Result<Query> {
    let kind = KINDS.into_iter().find(|kind| *kind == line.kind);
    let kind = kind.with_context(|| format!("{} is no kind of query", line.kind))?;
    let right = line.right.split(',').filter(|symbol| *symbol != "-");
    let grades: HashMap<String, u8> = right.map(|symbol| (symbol.to_owned(), RIGHT)).collect();
    ensure!(grades.is_empty() == (kind == NEGATIVE), "{line:?} says nothing of what is right");
    Ok(Query { kind, text: line.query, grades })
}

/// The judged queries about instruments; those whose every right answer is not loaded are left out.
pub(crate) fn tickers(loaded: &HashSet<String>) -> Result<Vec<Query>> {
    let all: Vec<Query> = lines()?.into_iter().map(query).collect::<Result<_>>()?;
    let count = all.len();
    let known = |query: &Query| query.kind == NEGATIVE || query.grades.keys().any(|key| loaded.contains(key));
    let kept: Vec<Query> = all.into_iter().filter(known).collect();
    if kept.len() < count {
        eprintln!("{} judged queries are about instruments that are not loaded", count - kept.len());
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use anyhow::Result;

    use super::*;

    #[test]
    fn every_line_is_well_formed_and_no_query_stands_twice() -> Result<()> {
        let queries: Vec<Query> = lines()?.into_iter().map(query).collect::<Result<_>>()?;
        let texts: HashSet<&str> = queries.iter().map(|query| query.text.as_str()).collect();
        assert_eq!(texts.len(), queries.len());
        assert!(queries.len() >= 320, "{} queries", queries.len());
        let mut kinds: HashMap<&str, usize> = HashMap::new();
        queries.iter().for_each(|query| *kinds.entry(query.kind).or_default() += 1);
        assert!(KINDS.iter().all(|kind| kinds.get(kind).is_some_and(|count| *count >= 15)), "{kinds:?}");
        Ok(())
    }

    #[test]
    fn symbols_are_market_and_code() -> Result<()> {
        for line in lines()?.into_iter().filter(|line| line.right != "-") {
            let right = |symbol: &str| ["XKRX:", "XNAS:", "XNYS:"].iter().any(|m| symbol.starts_with(m));
            assert!(line.right.split(',').all(right), "{line:?}");
        }
        Ok(())
    }
}
