//! Searching: which documents match, and in which order.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::{
    settings::Settings,
    tasks::Index,
    text::{self, Term},
};

/// Attributes apart are as far apart as words can count.
const FAR: usize = 8;

/// A document's words.
struct Found {
    attribute: usize,
    at: usize,
    text: String,
    /// Whether typos are forgiven here.
    lenient: bool,
}

/// Where a term stands.
#[derive(Clone, Copy)]
struct Hit {
    attribute: usize,
    at: usize,
    typos: usize,
    whole: bool,
    /// How many terms it stands for.
    terms: usize,
}

/// How well a document matches, in the words of the rules; less is better.
#[derive(Debug, Clone, Default)]
struct Match {
    missing: usize,
    typos: usize,
    far: usize,
    attribute: usize,
    position: usize,
    /// 0 where an attribute is the query, 1 where one begins with it, 2 elsewhere.
    attribute_is_query: usize,
    inexact: usize,
}

fn said(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.push(text.clone()),
        Value::Number(number) => out.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| said(item, out)),
        Value::Object(fields) => fields.values().for_each(|item| said(item, out)),
        _ => {}
    }
}

fn found(document: &Map<String, Value>, settings: &Settings) -> Vec<Found> {
    let all: Vec<String> = document.keys().cloned().collect();
    let names = settings.searchable.as_ref().unwrap_or(&all);
    let mut out = Vec::new();
    for (attribute, name) in names.iter().enumerate() {
        let (mut texts, mut base) = (Vec::new(), 0);
        document.get(name).into_iter().for_each(|value| said(value, &mut texts));
        let exact = settings.exact_attributes.contains(name);
        let number = |word: &str| {
            settings.exact_numbers && word.chars().all(|c| c.is_numeric() || c.is_ascii_punctuation())
        };
        for one in texts {
            let words = text::words(&one, &settings.separators, &settings.dictionary);
            let end = words.last().map_or(0, |word| word.at + 1);
            out.extend(words.into_iter().map(|word| {
                let lenient = !exact && !number(&word.text);
                Found { attribute, at: base + word.at, text: word.text, lenient }
            }));
            base += end + FAR;
        }
    }
    out
}

fn allowed(word: &str, settings: &Settings) -> usize {
    let letters = word.chars().count();
    match letters {
        _ if !settings.typos || letters < settings.one_typo => 0,
        _ if letters < settings.two_typos => 1,
        _ => 2,
    }
}

/// Where one word stands, alone or in place of `terms` of them.
fn single(word: &str, open: bool, terms: usize, found: &[Found], settings: &Settings, hits: &mut Vec<Hit>) {
    let most = allowed(word, settings).saturating_sub(terms - 1);
    for one in found {
        let most = if one.lenient { most } else { 0 };
        let typos = if open && one.text.starts_with(word) {
            Some(0)
        } else {
            text::typos(word, &one.text, open, most)
        };
        if let Some(typos) = typos {
            let whole = one.text == word;
            hits.push(Hit { attribute: one.attribute, at: one.at, typos: typos + terms - 1, whole, terms });
        }
    }
}

/// Where words stand right behind each other.
fn row<'a>(words: impl Iterator<Item = &'a str> + Clone, found: &[Found]) -> impl Iterator<Item = &Found> {
    found.iter().enumerate().filter_map(move |(start, first)| {
        let mut rest = found[start..].iter();
        words
            .clone()
            .enumerate()
            .all(|(n, word)| {
                rest.next().is_some_and(|one| {
                    one.attribute == first.attribute && one.at == first.at + n && one.text == word
                })
            })
            .then_some(first)
    })
}

/// Where the terms from one on stand, alone or as one word together.
fn hits(terms: &[&Term], from: usize, to: usize, found: &[Found], settings: &Settings) -> Vec<Hit> {
    let (term, mut out) = (terms[from], Vec::new());
    if term.phrase {
        let rows = row(term.words.iter().map(String::as_str), found);
        out.extend(rows.map(|one| Hit {
            attribute: one.attribute,
            at: one.at,
            typos: 0,
            whole: true,
            terms: 1,
        }));
        return out;
    }
    let word = &term.words[0];
    single(word, term.open, 1, found, settings, &mut out);
    for (split, _) in word.char_indices().skip(1) {
        let rows = row([&word[..split], &word[split..]].into_iter(), found);
        out.extend(rows.map(|one| Hit {
            attribute: one.attribute,
            at: one.at,
            typos: 1,
            whole: false,
            terms: 1,
        }));
    }
    for together in 2..=3.min(to - from) {
        let some = &terms[from..from + together];
        if some.iter().all(|term| !term.phrase) {
            let joined: String = some.iter().map(|term| term.words[0].as_str()).collect();
            single(&joined, some[together - 1].open, together, found, settings, &mut out);
        }
    }
    out
}

/// The best way in which the terms up to one match, if all of them do.
fn matched(terms: &[&Term], found: &[Found], settings: &Settings) -> Option<Match> {
    // What is best up to a term, and the hits that end there.
    let mut best: Vec<Option<(Match, Vec<Hit>)>> = vec![None; terms.len() + 1];
    best[0] = Some((Match::default(), Vec::new()));
    for from in 0..terms.len() {
        let Some((so_far, last)) = best[from].clone() else { continue };
        let hits = hits(terms, from, terms.len(), found, settings);
        for together in 1..=3.min(terms.len() - from) {
            let some: Vec<Hit> = hits.iter().copied().filter(|hit| hit.terms == together).collect();
            let Some(least) = some.iter().map(|hit| hit.typos).min() else { continue };
            let some: Vec<Hit> = some.into_iter().filter(|hit| hit.typos == least).collect();
            let apart = |a: &Hit, b: &Hit| match a.attribute == b.attribute {
                true if b.at >= a.at => (b.at - a.at).min(FAR),
                true => (a.at - b.at + 1).min(FAR),
                false => FAR,
            };
            let far = last.iter().flat_map(|a| some.iter().map(move |b| apart(a, b))).min().unwrap_or(0);
            let mut new = so_far.clone();
            new.typos += least;
            new.far += far;
            new.attribute += some.iter().map(|hit| hit.attribute).min().unwrap_or(0);
            new.position += some.iter().map(|hit| hit.at).min().unwrap_or(0);
            new.inexact += usize::from(!some.iter().any(|hit| hit.whole));
            let better = best[from + together]
                .as_ref()
                .is_none_or(|(old, _)| (new.typos, new.far) < (old.typos, old.far));
            if better {
                best[from + together] = Some((new, some));
            }
        }
    }
    best.pop().flatten().map(|(found, _)| found)
}

/// Whether an attribute is the query, or begins with it: 0, 1, or 2 for neither.
fn is_query(terms: &[&Term], found: &[Found]) -> usize {
    let query: Vec<&str> = terms.iter().flat_map(|term| term.words.iter().map(String::as_str)).collect();
    let of = |first: &Found| found.iter().filter(|one| one.attribute == first.attribute).count();
    let begins = row(query.iter().copied(), found).filter(|first| first.at == 0);
    begins.map(|first| usize::from(of(first) != query.len())).min().unwrap_or(2)
}

/// What is asked of a search.
pub(crate) struct Asked<'a> {
    pub(crate) query: &'a str,
    pub(crate) sort: Vec<(String, bool)>,
    /// Whether every word must be there.
    pub(crate) all: bool,
}

fn judge(document: &Map<String, Value>, terms: &[Term], settings: &Settings, all: bool) -> Option<Match> {
    let found = found(document, settings);
    let forbidden = |term: &Term| row(term.words.iter().map(String::as_str), &found).next().is_some();
    if terms.iter().filter(|term| term.negative).any(forbidden) {
        return None;
    }
    let wanted: Vec<&Term> = terms.iter().filter(|term| !term.negative).collect();
    let fewest = if all { wanted.len() } else { wanted.len().min(1) };
    let tries = (fewest..=wanted.len()).rev();
    tries.into_iter().find_map(|count| {
        let matched = matched(&wanted[..count], &found, settings)?;
        Some(Match {
            missing: wanted.len() - count,
            attribute_is_query: is_query(&wanted, &found),
            ..matched
        })
    })
}

fn by_field(a: &Map<String, Value>, b: &Map<String, Value>, name: &str, rising: bool) -> Ordering {
    let number = |document: &Map<String, Value>| document.get(name).and_then(Value::as_f64);
    match (number(a), number(b)) {
        (Some(a), Some(b)) if rising => a.total_cmp(&b),
        (Some(a), Some(b)) => b.total_cmp(&a),
        // Those without come last.
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

fn by_rule(
    rule: &str,
    a: &(Match, &Map<String, Value>),
    b: &(Match, &Map<String, Value>),
    asked: &Asked<'_>,
) -> Ordering {
    match rule {
        "words" => a.0.missing.cmp(&b.0.missing),
        "typo" => a.0.typos.cmp(&b.0.typos),
        "proximity" => a.0.far.cmp(&b.0.far),
        "attribute" => (a.0.attribute, a.0.position).cmp(&(b.0.attribute, b.0.position)),
        "attributeRank" => a.0.attribute.cmp(&b.0.attribute),
        "wordPosition" => a.0.position.cmp(&b.0.position),
        "exactness" => (a.0.attribute_is_query, a.0.inexact).cmp(&(b.0.attribute_is_query, b.0.inexact)),
        "sort" => asked.sort.iter().fold(Ordering::Equal, |so_far, (name, rising)| {
            so_far.then_with(|| by_field(a.1, b.1, name, *rising))
        }),
        custom => match custom.rsplit_once(':') {
            Some((name, way)) => by_field(a.1, b.1, name, way == "asc"),
            None => Ordering::Equal,
        },
    }
}

/// How many of the words a hit has.
pub(crate) struct Words {
    pub(crate) matching: usize,
    pub(crate) most: usize,
}

/// The documents that match, best first, out of those that may.
pub(crate) fn search<'a>(
    index: &'a Index,
    asked: &Asked<'_>,
    may: impl Fn(&Map<String, Value>) -> bool,
) -> Vec<(Words, &'a Map<String, Value>)> {
    let settings = &index.settings;
    let terms = text::terms(asked.query, &settings.separators, &settings.dictionary);
    let documents = index.documents.iter().map(|(_, document)| document).filter(|document| may(document));
    let mut hits: Vec<(Match, &Map<String, Value>)> = documents
        .filter_map(|document| Some((judge(document, &terms, settings, asked.all)?, document)))
        .collect();
    hits.sort_by(|a, b| {
        let rules = settings.rules.iter();
        rules.fold(Ordering::Equal, |so_far, rule| so_far.then_with(|| by_rule(rule, a, b, asked)))
    });
    let most = terms.iter().filter(|term| !term.negative).count();
    let words = |found: &Match| Words { matching: most - found.missing, most };
    hits.into_iter().map(|(found, document)| (words(&found), document)).collect()
}

/// The documents in the order of some of their fields.
pub(crate) fn sorted<'a>(
    mut documents: Vec<&'a Map<String, Value>>,
    by: &[(String, bool)],
) -> Vec<&'a Map<String, Value>> {
    documents.sort_by(|a, b| {
        by.iter().fold(Ordering::Equal, |so_far, (name, rising)| {
            so_far.then_with(|| by_field(a, b, name, *rising))
        })
    });
    documents
}
