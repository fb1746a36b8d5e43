//! Searching people by handle and name. What was typed is compared as a whole, without spaces and signs.
//!
//! Kinds of match, best first: the handle, the name, the beginning of either, the beginning of words of the name,
//! Hangul inside, initial consonants, one letter wrong, two. Of one kind who has more followers comes first, then the
//! higher id.

use std::time::Instant;

use tantivy::{
    DocId, Score, SegmentReader, TantivyError, Term,
    collector::TopDocs,
    query::{
        BooleanQuery, ConstScoreQuery, DisjunctionMaxQuery, FuzzyTermQuery, Occur, PhraseQuery, Query,
        TermQuery,
    },
    schema::{Field, IndexRecordOption},
};

use super::{
    analysis::{fold, squeeze, units, words},
    cutoff::Until,
    reading::Loaded,
    schema::Fields,
    typos::typos,
};
use crate::{
    hangul::{is_syllable, jamo},
    query::PeopleQuery,
};

/// Most hits of a search.
const MAX_HITS: usize = 1_000;
/// Longer queries are no name.
const MAX_CHARS: usize = 60;

const HANDLE: Score = 9.0;
const NAME: Score = 8.0;
const BEGINNING: Score = 7.0;
const PARTS: Score = 6.0;
const INSIDE: Score = 5.0;
const INITIALS: Score = 4.0;
/// With one letter wrong; 1 less with two.
const MISTYPED: Score = 3.0;

/// Ids of people, best first.
pub(super) fn search(state: &Loaded, query: &PeopleQuery, end: Instant) -> Result<Vec<i64>, TantivyError> {
    let limit = query.limit.min(MAX_HITS);
    let typed = squeeze(&query.words.text);
    if typed.is_empty() || typed.chars().count() > MAX_CHARS || limit == 0 || query.words.words.is_empty() {
        return Ok(Vec::new());
    }
    let fields = state.fields;
    let kinds = DisjunctionMaxQuery::new(kinds(&fields, &typed, &query.words.text));
    let mut all: Vec<(Occur, Box<dyn Query>)> = vec![(Occur::Must, Box::new(kinds))];
    if query.verified {
        let term = Term::from_field_bool(fields.verified, true);
        all.push((Occur::Must, kind(TermQuery::new(term, IndexRecordOption::Basic), 0.0)));
    }
    let key = |segment: &SegmentReader| {
        let columns = (segment.fast_fields().i64("followers").ok(), segment.fast_fields().i64("person").ok());
        move |doc: DocId, score: Score| {
            let followers = columns.0.as_ref().and_then(|column| column.first(doc)).unwrap_or_default();
            (score, followers, columns.1.as_ref().and_then(|column| column.first(doc)).unwrap_or_default())
        }
    };
    let best = Until { inner: TopDocs::with_limit(limit).tweak_score(key), end };
    let hits = state.searcher.search(&BooleanQuery::new(all), &best)?;
    Ok(hits.into_iter().map(|((_, _, id), _)| id).collect())
}

fn kind(query: impl Query, score: Score) -> Box<dyn Query> {
    Box::new(ConstScoreQuery::new(Box::new(query), score))
}

fn begins(field: Field, letters: &str, typos: u8) -> FuzzyTermQuery {
    FuzzyTermQuery::new_prefix(Term::from_field_text(field, letters), typos, true)
}

fn kinds(fields: &Fields, typed: &str, text: &str) -> Vec<Box<dyn Query>> {
    let letters = jamo(typed);
    let whole = |field| TermQuery::new(Term::from_field_text(field, &letters), IndexRecordOption::Basic);
    let mut all = vec![
        kind(whole(fields.handle), HANDLE),
        kind(whole(fields.name), NAME),
        kind(begins(fields.handle, &letters, 0), BEGINNING),
        kind(begins(fields.name, &letters, 0), BEGINNING),
        kind(parts(fields, text), PARTS),
    ];
    all.extend(inside(fields, typed).map(|query| kind(query, INSIDE)));
    if typed.chars().any(|c| matches!(c, 'ㄱ'..='ㅎ')) {
        all.push(kind(begins(fields.initials, typed, 0), INITIALS));
    }
    for wrong in 1..=typos(typed) {
        let score = MISTYPED + 1.0 - Score::from(wrong);
        for field in [fields.handle, fields.name, fields.part] {
            all.push(kind(begins(field, &letters, wrong), score));
        }
    }
    all
}

/// Every word typed begins a word of the name.
fn parts(fields: &Fields, text: &str) -> BooleanQuery {
    let typed = words(&fold(text));
    BooleanQuery::intersection(
        typed.iter().map(|word| -> Box<dyn Query> { Box::new(begins(fields.part, word, 0)) }).collect(),
    )
}

/// What was typed stands anywhere in the name or handle; for Hangul only, from two syllables on.
fn inside(fields: &Fields, typed: &str) -> Option<Box<dyn Query>> {
    let mut row = units(typed);
    if row.len() < 2 || !typed.chars().any(is_syllable) {
        return None;
    }
    row.pop();
    let term = |text: &str| Term::from_field_text(fields.called, text);
    if let [only] = row.as_slice() {
        return Some(Box::new(TermQuery::new(term(&only.text), IndexRecordOption::Basic)));
    }
    Some(Box::new(PhraseQuery::new_with_offset(
        row.iter().map(|unit| (unit.position, term(&unit.text))).collect(),
    )))
}
