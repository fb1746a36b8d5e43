//! What is looked for in posts, as queries of the index: each word exactly, or somehow.

use std::time::Instant;

use tantivy::{
    Score, Searcher, TantivyError, Term,
    query::{
        BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, FuzzyTermQuery, Occur,
        PhrasePrefixQuery, PhraseQuery, Query, TermQuery, TermSetQuery,
    },
    schema::IndexRecordOption,
};

use super::{
    analysis::{Unit, fold, units, words},
    schema::Fields,
    typos::plainest,
};
use crate::{
    hangul::{is_syllable, jamo},
    query::{MAX_WORDS, Word},
};

/// More for a word that stands alone, or with a particle.
const WHOLE: Score = 1.0;
/// For a word found as the beginning of another.
const BEGINNING: Score = 0.5;
/// For a post about an instrument that the word names.
const ABOUT: Score = 1.5;
/// For a compound found in parts.
const BROKEN: Score = 0.5;
/// More for words that stand together, times their average BM25; as much again where they stand side by side.
const TOGETHER: Score = 0.3;
/// Units that may stand between words that stand together.
const SLOP: u32 = 6;
/// Syllables from which a word counts as a compound that may be broken up.
const COMPOUND: usize = 4;
/// Terms that a beginning or a mistyped word is looked up for.
pub(super) const MAX_EXPANSIONS: u32 = 200;
/// Single syllables of a query that are also looked for as beginnings of words, which are many.
const BEGINNINGS: usize = 4;
/// Instruments of one word that are looked for.
const MAX_TICKERS: usize = 50;

/// Part of a query of the index.
pub(super) type Clause = Box<dyn Query>;

/// A clause that gives every match the same score.
pub(super) fn constant(query: Clause, score: Score) -> Clause {
    Box::new(ConstScoreQuery::new(query, score))
}

/// What is looked for as one.
pub(super) enum Group {
    /// The words of a quote, with spaces between them.
    Quote(String),
    /// A word, folded; open also where it is a single syllable.
    Plain(Word),
}

impl Group {
    fn text(&self) -> &str {
        match self {
            Self::Quote(text) => text,
            Self::Plain(word) => &word.stem,
        }
    }
}

/// What is looked for.
pub(super) struct Asked {
    pub(super) fields: Fields,
    pub(super) groups: Vec<Group>,
}

impl Asked {
    pub(super) fn new(fields: Fields, words: &[Word]) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        let (mut quote, mut singles) = (None, 0);
        for word in words.iter().take(MAX_WORDS) {
            let text = fold(&word.text);
            if !text.chars().any(char::is_alphanumeric) {
                continue;
            }
            match groups.last_mut() {
                Some(Group::Quote(before)) if quote == word.quoted => *before = format!("{before} {text}"),
                _ if word.quoted.is_some() => groups.push(Group::Quote(text)),
                _ => {
                    let single = text.chars().count() == 1 && text.chars().all(is_syllable);
                    singles += usize::from(single);
                    let open = word.open || (single && singles <= BEGINNINGS);
                    groups.push(Group::Plain(Word { text, stem: fold(&word.stem), open, ..word.clone() }));
                }
            }
            quote = word.quoted;
        }
        Self { fields, groups }
    }

    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Every word must be found.
    pub(super) fn strict(&self) -> Clause {
        let mut all: Vec<(Occur, Clause)> =
            self.groups.iter().map(|group| (Occur::Must, self.exactly(group))).collect();
        all.extend(self.together().into_iter().map(|clause| (Occur::Should, clause)));
        Box::new(BooleanQuery::new(all))
    }

    /// Most words must be found, all quotes among them; each somehow.
    pub(super) fn relaxed(&self, searcher: &Searcher, end: Instant) -> Result<Clause, TantivyError> {
        let (mut all, mut some): (Vec<(Occur, Clause)>, Vec<Clause>) = (Vec::new(), Vec::new());
        for (group, typos) in self.groups.iter().zip(self.typos(searcher)?) {
            match group {
                Group::Plain(word) => {
                    let wrong = self.mistyped(word, typos, searcher, end)?;
                    some.push(self.somehow(word, wrong));
                }
                Group::Quote(text) => all.push((Occur::Must, self.quote(text))),
            }
        }
        if !some.is_empty() {
            let enough = if some.len() < 3 { some.len() } else { (some.len() * 3).div_ceil(5) };
            all.push((
                Occur::Must,
                Box::new(BooleanQuery::union_with_minimum_required_clauses(some, enough)),
            ));
        }
        all.extend(self.together().into_iter().map(|clause| (Occur::Should, clause)));
        Ok(Box::new(BooleanQuery::new(all)))
    }

    fn exactly(&self, group: &Group) -> Clause {
        match group {
            Group::Quote(text) => self.quote(text),
            Group::Plain(word) => self.plain(word),
        }
    }

    /// A quote as it stands.
    fn quote(&self, text: &str) -> Clause {
        let found = self.phrase(text, false).into_iter();
        Box::new(BooleanQuery::union(found.chain([self.standing(&[text])]).collect()))
    }

    /// A word as it stands, with or without its particle.
    fn plain(&self, word: &Word) -> Clause {
        let text = self.phrase(&word.text, word.open);
        let stem = (word.stem != word.text).then(|| self.phrase(&word.stem, false)).flatten();
        let phrases: Vec<Clause> = text.into_iter().chain(stem).collect();
        let mut some = vec![self.standing(&[&word.text, &word.stem])];
        if !phrases.is_empty() {
            some.push(Box::new(DisjunctionMaxQuery::new(phrases)));
        }
        if word.open {
            some.push(constant(
                Box::new(FuzzyTermQuery::new_prefix(self.word(&word.text), 0, true)),
                BEGINNING,
            ));
        }
        if !word.tickers.is_empty() {
            let terms = word
                .tickers
                .iter()
                .take(MAX_TICKERS)
                .map(|id| Term::from_field_i64(self.fields.ticker, id.get().into()));
            some.push(constant(Box::new(TermSetQuery::new(terms)), ABOUT));
        }
        Box::new(BooleanQuery::union(some))
    }

    /// A word as it stands, mistyped, or in parts.
    fn somehow(&self, word: &Word, mistyped: Vec<Clause>) -> Clause {
        let mut some = vec![self.plain(word)];
        some.extend(mistyped);
        let pairs: Vec<Clause> = units(plainest(word))
            .into_iter()
            .filter(|unit| unit.text.chars().count() == 2 && unit.text.chars().all(is_syllable))
            .map(|unit| -> Clause { Box::new(TermQuery::new(self.body(&unit), IndexRecordOption::Basic)) })
            .collect();
        if pairs.len() + 1 >= COMPOUND {
            let enough = (pairs.len() * 7).div_ceil(10);
            some.push(constant(
                Box::new(BooleanQuery::union_with_minimum_required_clauses(pairs, enough)),
                BROKEN,
            ));
        }
        Box::new(BooleanQuery::union(some))
    }

    /// More for posts in which the words stand near each other, in this order.
    fn together(&self) -> Vec<Clause> {
        let texts: Vec<&str> = self.groups.iter().map(Group::text).collect();
        let terms = self.placed(&asked_units(&texts.join(" ")));
        if self.groups.len() < 2 || terms.len() < 2 {
            return Vec::new();
        }
        let phrase = |slop| -> Clause {
            let boost = TOGETHER / per_term(terms.len());
            Box::new(BoostQuery::new(
                Box::new(PhraseQuery::new_with_offset_and_slop(terms.clone(), slop)),
                boost,
            ))
        };
        vec![phrase(0), phrase(SLOP)]
    }

    /// Words that stand alone, or with a particle.
    fn standing(&self, texts: &[&str]) -> Clause {
        let terms = texts.iter().filter(|text| !text.is_empty()).map(|text| self.word(text));
        constant(Box::new(TermSetQuery::new(terms)), WHOLE)
    }

    /// A text anywhere, in words or across them. `None` for a single syllable, which units do not tell.
    fn phrase(&self, text: &str, open: bool) -> Option<Clause> {
        let row = asked_units(text);
        let last = row.last()?;
        let lone = last.text.chars().all(is_syllable) && last.text.chars().count() == 1;
        if lone && row.len() == 1 {
            return None;
        }
        let more_may_follow = lone || (open && !last.text.chars().any(is_syllable));
        let mut terms = self.placed(&row);
        let boost = 1.0 / per_term(terms.len());
        let query: Clause = if terms.len() == 1 {
            Box::new(TermQuery::new(terms.pop()?.1, IndexRecordOption::WithFreqs))
        } else if more_may_follow {
            let mut query = PhrasePrefixQuery::new_with_offset(terms);
            query.set_max_expansions(MAX_EXPANSIONS);
            Box::new(query)
        } else {
            Box::new(PhraseQuery::new_with_offset(terms))
        };
        Some(Box::new(BoostQuery::new(query, boost)))
    }

    fn placed(&self, row: &[Unit]) -> Vec<(usize, Term)> {
        row.iter().map(|unit| (unit.position, self.body(unit))).collect()
    }

    fn body(&self, unit: &Unit) -> Term {
        Term::from_field_text(self.fields.body, &unit.text)
    }

    pub(super) fn word(&self, text: &str) -> Term {
        let joined = if text.contains(' ') { text.replace(' ', "") } else { text.to_owned() };
        words(&joined).first().map_or_else(
            || Term::from_field_text(self.fields.word, &jamo(&joined)),
            |word| Term::from_field_text(self.fields.word, word),
        )
    }
}

/// The units that a phrase asks for: the last syllable of a row of Hangul is in the bigram before it, and in the text
/// the row may go on.
fn asked_units(text: &str) -> Vec<Unit> {
    let is_pair = |unit: &Unit| unit.text.chars().count() == 2 && unit.text.chars().all(is_syllable);
    let mut row: Vec<Unit> = Vec::new();
    for unit in units(text) {
        let ends = !is_pair(&unit) && unit.text.chars().all(is_syllable);
        if !(ends && row.last().is_some_and(|before| is_pair(before) && before.position + 1 == unit.position))
        {
            row.push(unit);
        }
    }
    row
}

fn per_term(terms: usize) -> Score {
    #[expect(clippy::cast_precision_loss, reason = "a query has at most some hundred terms")]
    let count = terms.max(1) as Score;
    count
}
