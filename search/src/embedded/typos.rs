//! Words that were mistyped in posts, or in the query.
//!
//! The index is walked through with an automaton that recognises all words close enough. To build one and to walk are
//! the dearest steps of a search, so a query has few of them, and they are of short words.

use std::{collections::HashMap, time::Instant};

use tantivy::{
    Score, Searcher, TantivyError, Term,
    query::{FuzzyTermQuery, TermSetQuery},
    schema::Field,
};

use super::asked::{Asked, Clause, Group, MAX_EXPANSIONS, constant};
use crate::{hangul::jamo, query::Word};

/// For a word found with one letter wrong; half of it with two.
const MISTYPED: Score = 0.8;
/// Words of a query in which typos are looked for.
const TYPO_WORDS: usize = 4;
/// Those of them in which two letters may be wrong.
const TWO_TYPO_WORDS: usize = 2;

impl Asked {
    /// How many letters of each group may be wrong. To look for typos is dear, so it is done for some words only: those
    /// that fewest posts have.
    pub(super) fn typos(&self, searcher: &Searcher) -> Result<Vec<u8>, TantivyError> {
        let mut words = Vec::new();
        for (at, group) in self.groups.iter().enumerate() {
            if let Group::Plain(word) = group
                && typos(plainest(word)) > 0
            {
                words.push((searcher.doc_freq(&self.word(plainest(word)))?, at, typos(plainest(word))));
            }
        }
        words.sort_unstable();
        let mut allowed = vec![0; self.groups.len()];
        for (place, (_, at, most)) in words.into_iter().take(TYPO_WORDS).enumerate() {
            if let Some(one) = allowed.get_mut(at) {
                *one = if place < TWO_TYPO_WORDS { most } else { most.min(1) };
            }
        }
        Ok(allowed)
    }

    /// Clauses of words that differ from one in a letter, and in two.
    pub(super) fn mistyped(
        &self,
        word: &Word,
        typos: u8,
        searcher: &Searcher,
        end: Instant,
    ) -> Result<Vec<Clause>, TantivyError> {
        let mut some = Vec::new();
        for distance in 1..=typos {
            let term = self.word(plainest(word));
            let query = if word.open {
                FuzzyTermQuery::new_prefix(term, distance, true)
            } else {
                FuzzyTermQuery::new(term, distance, true)
            };
            let terms = alike(searcher, self.fields.word, &query, end)?;
            some.push(constant(Box::new(TermSetQuery::new(terms)), MISTYPED / Score::from(distance)));
        }
        Ok(some)
    }
}

/// A word without its particle.
pub(super) fn plainest(word: &Word) -> &str {
    if word.stem.is_empty() { &word.text } else { &word.stem }
}

/// The commonest terms that a query of typos matches.
fn alike(
    searcher: &Searcher,
    field: Field,
    query: &FuzzyTermQuery,
    end: Instant,
) -> Result<Vec<Term>, TantivyError> {
    let automaton = query.automaton()?;
    let mut found: HashMap<Vec<u8>, u64> = HashMap::new();
    for segment in searcher.segment_readers() {
        if Instant::now() >= end {
            break;
        }
        let index = segment.inverted_index(field)?;
        let mut terms = index.terms().search(&automaton).into_stream()?;
        while terms.advance() {
            *found.entry(terms.key().to_vec()).or_default() += u64::from(terms.value().doc_freq);
        }
    }
    let mut found: Vec<(Vec<u8>, u64)> = found.into_iter().collect();
    found.sort_unstable_by(|(a, often), (b, more)| more.cmp(often).then_with(|| a.cmp(b)));
    found.truncate(MAX_EXPANSIONS as usize);
    let texts = found.iter().filter_map(|(term, _)| str::from_utf8(term).ok());
    Ok(texts.map(|text| Term::from_field_text(field, text)).collect())
}

/// Letters that may be wrong in a word, by its length in single letters; none where it has digits, since another digit
/// is another thing (HBM3E, HBM4E). What recognises them grows with the word, that for two to some megabytes.
pub(super) fn typos(text: &str) -> u8 {
    if text.chars().any(char::is_numeric) {
        return 0;
    }
    match jamo(text).chars().count() {
        0..=4 => 0,
        5..=8 => 1,
        9..=18 => 2,
        19..=30 => 1,
        _ => 0,
    }
}
