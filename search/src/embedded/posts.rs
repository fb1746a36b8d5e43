//! Searching posts.
//!
//! A search that takes long ends at a set time with what it has found.
//!
//! A search passes over the index once or twice. *Strict*: every word is found, or the post is about an instrument the
//! word names. *Relaxed*, only when that gave few: words may be mistyped, long compounds broken up, and of three words
//! or more some may be missing; what it finds stands after all of the strict pass.
//!
//! Within a pass the order is `match × (1 + FRESH × WEEK ÷ (WEEK + age))`, then the newer or more followed, then the
//! higher id. `match` is the sum over words of BM25 (averaged over the bigrams of a word, so that long words weigh no
//! more than short ones), 1 more for a whole word, and more for words that stand together. `age` is how far a post's
//! `rank` (time, and authority as hours of it) lies behind the highest of the index. The factor is bounded, `FRESH` for
//! the newest, half of it after a week, nearly nothing after a year: of equal matches the newer comes first however old
//! both are, and a match better by `FRESH` wins over any freshness. A decay without bound (as the hot score of forums
//! has) would let last week's half-match bury last year's exact one.

use std::{collections::HashSet, ops::Bound, time::Instant};

use tantivy::{
    DocId, Score, SegmentReader, TantivyError, Term,
    collector::TopDocs,
    query::{BooleanQuery, Occur, RangeQuery, TermQuery, TermSetQuery},
    schema::IndexRecordOption,
};

use super::{
    asked::{Asked, Clause, constant},
    cutoff::Until,
    reading::Loaded,
    schema::Fields,
};
use crate::query::{PostFilter, PostQuery};

/// How much more the newest post counts than one of long ago that matches as well.
const FRESH: f64 = 0.3;
/// Age at which half of that is left, seconds.
const WEEK: f64 = 604_800.0;
/// Fewer hits of the strict pass than this, and the relaxed one is run.
const FEW: usize = 20;
/// Most hits of a search.
const MAX_HITS: usize = 1_000;

/// Ids of posts, best first.
pub(super) fn search(state: &Loaded, query: &PostQuery, end: Instant) -> Result<Vec<i64>, TantivyError> {
    let limit = query.limit.min(MAX_HITS);
    let asked = Asked::new(state.fields, &query.words.words);
    let Some(filters) = filters(&state.fields, &query.filter) else { return Ok(Vec::new()) };
    if asked.is_empty() || limit == 0 {
        return Ok(Vec::new());
    }
    let mut found = top(state, asked.strict(), &filters, limit, end)?;
    if found.len() < limit.min(FEW) && Instant::now() < end {
        let known: HashSet<i64> = found.iter().copied().collect();
        let more = top(state, asked.relaxed(&state.searcher, end)?, &filters, limit, end)?;
        found.extend(more.into_iter().filter(|id| !known.contains(id)));
        found.truncate(limit);
    }
    Ok(found)
}

/// The best of one pass.
fn top(
    state: &Loaded,
    wanted: Clause,
    filters: &[Clause],
    limit: usize,
    end: Instant,
) -> Result<Vec<i64>, TantivyError> {
    let mut all = vec![(Occur::Must, wanted)];
    all.extend(filters.iter().map(|filter| (Occur::Must, constant(filter.box_clone(), 0.0))));
    let newest = newest(state);
    let key = move |segment: &SegmentReader| {
        let columns = (segment.fast_fields().i64("rank").ok(), segment.fast_fields().i64("post").ok());
        move |doc: DocId, score: Score| {
            let rank = columns.0.as_ref().and_then(|column| column.first(doc)).unwrap_or_default();
            let id = columns.1.as_ref().and_then(|column| column.first(doc)).unwrap_or_default();
            (weigh(score, newest.saturating_sub(rank)), rank, id)
        }
    };
    let best = Until { inner: TopDocs::with_limit(limit).tweak_score(key), end };
    let hits = state.searcher.search(&BooleanQuery::new(all), &best)?;
    Ok(hits.into_iter().map(|((_, _, id), _)| id).collect())
}

/// Match and freshness in one; `age` is in seconds of rank.
fn weigh(score: Score, age: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "ages are far below 2^52 seconds")]
    let age = age.max(0) as f64;
    f64::from(score) * (1.0 + FRESH * WEEK / (WEEK + age))
}

/// The highest rank of the index.
fn newest(state: &Loaded) -> i64 {
    let of =
        |segment: &SegmentReader| segment.fast_fields().i64("rank").ok().map(|column| column.max_value());
    state.searcher.segment_readers().iter().filter_map(of).max().unwrap_or_default()
}

/// The filters, each of which must hold; `None` where nothing can pass them.
fn filters(fields: &Fields, filter: &PostFilter) -> Option<Vec<Clause>> {
    let mut all: Vec<Clause> = Vec::new();
    let mut one = |term| all.push(Box::new(TermQuery::new(term, IndexRecordOption::Basic)));
    if let Some(ticker) = filter.ticker {
        one(Term::from_field_i64(fields.ticker, ticker.get().into()));
    }
    if let Some(author) = filter.author {
        one(Term::from_field_i64(fields.author, author.get()));
    }
    if let Some(stance) = filter.stance {
        one(Term::from_field_i64(fields.stance, stance.into()));
    }
    if filter.verified {
        one(Term::from_field_bool(fields.verified, true));
    }
    if let Some(among) = &filter.among {
        if among.is_empty() {
            return None;
        }
        let authors = among.iter().map(|author| Term::from_field_i64(fields.author, author.get()));
        all.push(Box::new(TermSetQuery::new(authors)));
    }
    if filter.from.is_some() || filter.until.is_some() {
        let at = |seconds| Term::from_field_i64(fields.created, seconds);
        let from = filter.from.map_or(Bound::Unbounded, |from| Bound::Included(at(from)));
        let until = filter.until.map_or(Bound::Unbounded, |until| Bound::Excluded(at(until)));
        all.push(Box::new(RangeQuery::new(from, until)));
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freshness_is_bounded_and_halves_in_a_week() {
        let more = |age| weigh(1.0, age) - 1.0;
        assert!((more(0) - FRESH).abs() < 1e-9 && (more(604_800) - FRESH / 2.0).abs() < 1e-9);
        assert!(more(-5) < FRESH + 1e-9 && more(i64::MAX) >= 0.0);
        assert!(
            more(10 * 31_536_000) > more(10 * 31_536_000 + 60),
            "the newer comes first however old both are"
        );
    }
}
