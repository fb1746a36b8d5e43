//! Scores of several engines on the same queries.

use super::judged::{NEGATIVE, Query, RIGHT};

/// Answers that count.
const DEPTH: usize = 10;

/// What is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    Tickers,
    People,
    Posts,
}

impl Set {
    /// As said, and as the service calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tickers => "tickers",
            Self::People => "users",
            Self::Posts => "posts",
        }
    }
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// `/v1/search`
    Search,
    /// `/v1/search/suggest`
    Suggest,
    /// `ILIKE '%…%'`
    Ilike,
    /// `similarity` of `pg_trgm`
    Trigrams,
    /// `word_similarity` of `pg_trgm`
    WordTrigrams,
}

const ENGINES: [Engine; 5] =
    [Engine::Search, Engine::Suggest, Engine::Ilike, Engine::Trigrams, Engine::WordTrigrams];

/// Sums over the queries of one kind.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    queries: f64,
    first: f64,
    fifth: f64,
    ndcg: f64,
}

impl Tally {
    fn plus(self, other: Self) -> Self {
        Self {
            queries: self.queries + other.queries,
            first: self.first + other.first,
            fifth: self.fifth + other.fifth,
            ndcg: self.ndcg + other.ndcg,
        }
    }

    fn mean(self, sum: f64) -> f64 {
        if self.queries > 0.0 { sum / self.queries } else { 0.0 }
    }
}

/// All scores.
#[derive(Debug, Default)]
pub(crate) struct Scores(Vec<(Set, Engine, &'static str, Tally)>);

/// Normalised discounted cumulative gain of the first ten: gains 2^grade − 1, each over log2(place + 1), as a share of
/// what the best order would give (Järvelin and Kekäläinen 2002, with the gains of Burges et al. 2005).
fn ndcg(query: &Query, answer: &[String]) -> f64 {
    let gain = |grade: u8| f64::from((1_u32 << grade) - 1);
    let sum = |grades: &mut dyn Iterator<Item = u8>| -> f64 {
        grades.take(DEPTH).zip(2_u32..).map(|(grade, place)| gain(grade) / f64::from(place).log2()).sum()
    };
    let mut best: Vec<u8> = query.grades.values().copied().collect();
    best.sort_unstable_by(|a, b| b.cmp(a));
    let ideal = sum(&mut best.into_iter());
    let got = sum(&mut answer.iter().map(|key| query.grade(key)));
    if ideal > 0.0 { got / ideal } else { 0.0 }
}

impl Scores {
    /// Adds an answer, and says whether its first place is as it should be.
    pub(crate) fn add(&mut self, set: Set, engine: Engine, query: &Query, answer: &[String]) -> bool {
        let right = |places: usize| answer.iter().take(places).any(|key| query.grade(key) == RIGHT);
        let nothing = query.kind == NEGATIVE;
        let (first, fifth) =
            if nothing { (answer.is_empty(), answer.is_empty()) } else { (right(1), right(5)) };
        let ndcg = if nothing { 0.0 } else { ndcg(query, answer) };
        let tally = Tally {
            queries: 1.0,
            first: f64::from(u8::from(first)),
            fifth: f64::from(u8::from(fifth)),
            ndcg,
        };
        let found = self.0.iter_mut().find(|(s, e, kind, _)| (*s, *e, *kind) == (set, engine, query.kind));
        match found {
            Some((.., sum)) => *sum = sum.plus(tally),
            None => self.0.push((set, engine, query.kind, tally)),
        }
        first
    }

    fn tally(&self, set: Set, engine: Engine, kind: Option<&str>) -> Tally {
        let wanted = |k: &str| kind.map_or(k != NEGATIVE, |kind| kind == k);
        let rows = self.0.iter().filter(|(s, e, k, _)| *s == set && *e == engine && wanted(k));
        rows.fold(Tally::default(), |sum, (.., tally)| sum.plus(*tally))
    }

    fn first(&self, set: Set, kind: &str) -> Option<f64> {
        let tally = self.tally(set, Engine::Search, Some(kind));
        (tally.queries > 0.0).then(|| tally.mean(tally.first))
    }

    /// nDCG@10 of posts over all kinds.
    fn posts_ndcg(&self, engine: Engine) -> f64 {
        let tally = self.tally(Set::Posts, engine, None);
        tally.mean(tally.ndcg)
    }

    /// Aims that were missed, in words.
    pub(crate) fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        for (kind, aim) in [
            ("exact", 0.95),
            ("alias", 0.95),
            ("initials", 0.95),
            ("mixed", 0.95),
            ("typo", 0.85),
            ("layout", 0.85),
        ] {
            let value = self.first(Set::Tickers, kind).unwrap_or(0.0);
            if value < aim {
                missed.push(format!("tickers {kind} success@1 {value:.3} < {aim}"));
            }
        }
        let (ours, theirs) = (self.posts_ndcg(Engine::Search), self.posts_ndcg(Engine::Trigrams));
        if ours < 1.3 * theirs {
            missed.push(format!("posts nDCG@10 {ours:.3} < 1.3 × {theirs:.3}"));
        }
        missed
    }

    /// Prints a table for each set.
    pub(crate) fn print(&self) {
        println!("\n# Madang search\n");
        for set in [Set::Tickers, Set::People, Set::Posts] {
            self.print_set(set);
        }
        let ours = self.posts_ndcg(Engine::Search);
        let over = |engine| ours / self.posts_ndcg(engine).max(f64::MIN_POSITIVE);
        println!("posts nDCG@10 over that of pg_trgm: {:.2} (aim ≥ 1.3)", over(Engine::Trigrams));
        println!("posts nDCG@10 over that of pg_trgm by word: {:.2}", over(Engine::WordTrigrams));
        println!("of negatives, the share without an answer; they are in no total\n");
    }

    fn print_set(&self, set: Set) {
        let rows = || self.0.iter().filter(move |(s, ..)| *s == set);
        let engines: Vec<Engine> =
            ENGINES.into_iter().filter(|engine| rows().any(|(_, e, ..)| e == engine)).collect();
        let titles: Vec<String> = engines.iter().map(|engine| title(*engine, set)).collect();
        println!("| {} | queries | {} |", set.name(), titles.join(" | "));
        println!("| --- | --- |{}", " --- |".repeat(engines.len()));
        let kinds: Vec<&str> =
            rows().filter(|(_, e, ..)| *e == Engine::Search).map(|(_, _, kind, _)| *kind).collect();
        for kind in kinds.into_iter().map(Some).chain([None]) {
            let cells: Vec<String> =
                engines.iter().map(|engine| cell(self.tally(set, *engine, kind), set, kind)).collect();
            let count = self.tally(set, Engine::Search, kind).queries;
            println!("| {} | {count} | {} |", kind.unwrap_or("all"), cells.join(" | "));
        }
        println!();
    }
}

fn title(engine: Engine, set: Set) -> String {
    let name = match engine {
        Engine::Search => "search",
        Engine::Suggest => "suggest",
        Engine::Ilike => "ILIKE",
        Engine::Trigrams => "pg_trgm",
        Engine::WordTrigrams => "pg_trgm by word",
    };
    let what = if set == Set::Posts { "@1 @5 nDCG@10" } else { "@1 @5" };
    format!("{name} {what}")
}

fn cell(tally: Tally, set: Set, kind: Option<&str>) -> String {
    let (first, fifth) = (tally.mean(tally.first), tally.mean(tally.fifth));
    match (kind, set) {
        (Some(NEGATIVE), _) => format!("{first:.2}"),
        (_, Set::Posts) => format!("{first:.2} {fifth:.2} {:.3}", tally.mean(tally.ndcg)),
        _ => format!("{first:.2} {fifth:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn query(grades: &[(&str, u8)]) -> Query {
        let grades: HashMap<String, u8> =
            grades.iter().map(|(key, grade)| ((*key).to_owned(), *grade)).collect();
        let kind = if grades.is_empty() { NEGATIVE } else { "exact" };
        Query { kind, text: "q".to_owned(), grades }
    }

    fn answer(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    #[test]
    fn the_best_order_gains_one_and_a_worse_one_less() {
        let query = query(&[("a", 2), ("b", 1)]);
        assert!((ndcg(&query, &answer(&["a", "b"])) - 1.0).abs() < 1e-12);
        // (1 + 3 / log2 3) / (3 + 1 / log2 3)
        assert!((ndcg(&query, &answer(&["b", "a"])) - 0.796_708_2).abs() < 1e-6);
        assert!(ndcg(&query, &answer(&["x"])).abs() < 1e-12);
    }

    #[test]
    fn nothing_is_the_right_answer_to_a_negative() {
        let mut scores = Scores::default();
        assert!(scores.add(Set::Tickers, Engine::Search, &query(&[]), &[]));
        assert!(!scores.add(Set::Tickers, Engine::Search, &query(&[]), &answer(&["a"])));
        assert_eq!(scores.first(Set::Tickers, NEGATIVE), Some(0.5));
    }

    #[test]
    fn aims_are_missed_until_they_are_met() {
        let mut scores = Scores::default();
        scores.add(Set::Tickers, Engine::Search, &query(&[("a", 2)]), &answer(&["a"]));
        assert!(!scores.missed().iter().any(|missed| missed.contains("exact")));
        scores.add(Set::Tickers, Engine::Search, &query(&[("a", 2)]), &answer(&["b", "a"]));
        assert!(scores.missed().iter().any(|missed| missed.contains("exact success@1 0.500")));
    }
}
