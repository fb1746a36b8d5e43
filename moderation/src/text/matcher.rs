//! Finds the words of all rules in all views.
//!
//! There are three automata, for three forms of the same words: as spelled, folded, and of initial
//! consonants. Every rule shares them, so a view is read once however many rules there are.

use std::{collections::BTreeMap, fmt, ops::Range};

use daachorse::{CharwiseDoubleArrayAhoCorasick, CharwiseDoubleArrayAhoCorasickBuilder};

use super::{
    fold::fold_word,
    glyphs::{self, Gap, Glyph, is_letter_or_digit},
    hangul::{is_consonant, is_hangul},
    views::{View, ViewKind, Views},
};

/// Fewest characters of a word that folding made shorter: what is left of others is in common words.
const MIN_FOLDED: usize = 3;
const MIN_FOLDED_LATIN: usize = 6;

/// A stretch of a view that a rule found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) rule: usize,
    pub(crate) view: ViewKind,
    pub(crate) span: Range<usize>,
}

/// What a find means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Word,
    Exception,
    Silence,
}

/// One word of one rule.
#[derive(Debug, Clone, Copy)]
struct Needle {
    rule: usize,
    role: Role,
    starts: bool,
    ends: bool,
}

/// One form of the words.
#[derive(Default)]
struct Form {
    automaton: Option<CharwiseDoubleArrayAhoCorasick<u32>>,
    needles: Vec<Vec<Needle>>,
}

/// The words of a set of rules.
#[derive(Default)]
pub(crate) struct Matcher {
    spelled: Form,
    folded: Form,
    initials: Form,
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = |form: &Form| form.needles.len();
        f.debug_struct("Matcher")
            .field("spelled", &len(&self.spelled))
            .field("folded", &len(&self.folded))
            .field("initials", &len(&self.initials))
            .finish()
    }
}

/// Gathers words before they are compiled.
#[derive(Default)]
pub(crate) struct Builder {
    spelled: BTreeMap<String, Vec<Needle>>,
    folded: BTreeMap<String, Vec<Needle>>,
    initials: BTreeMap<String, Vec<Needle>>,
}

impl Builder {
    pub(crate) fn add(&mut self, rule: usize, words: &[String], exceptions: &[String], unless: &[String]) {
        for (list, role) in [(words, Role::Word), (exceptions, Role::Exception), (unless, Role::Silence)] {
            for word in list {
                self.add_word(rule, role, word);
            }
        }
    }

    fn add_word(&mut self, rule: usize, role: Role, word: &str) {
        let (starts, ends) = (word.starts_with('^'), word.ends_with('$'));
        let text = glyphs::normalise(word.trim_start_matches('^').trim_end_matches('$'));
        let needle = Needle { rule, role, starts, ends };
        if text.chars().all(is_consonant) {
            self.initials.entry(text).or_default().push(needle);
            return;
        }
        let folded = fold_word(&text);
        let fewest = if text.chars().any(is_hangul) { MIN_FOLDED } else { MIN_FOLDED_LATIN };
        if text == folded || role != Role::Word || folded.chars().count() >= fewest {
            self.folded.entry(folded).or_default().push(needle);
        }
        self.spelled.entry(text).or_default().push(needle);
    }

    pub(crate) fn build(self) -> Result<Matcher, String> {
        Ok(Matcher {
            spelled: Form::build(self.spelled)?,
            folded: Form::build(self.folded)?,
            initials: Form::build(self.initials)?,
        })
    }
}

impl Form {
    fn build(words: BTreeMap<String, Vec<Needle>>) -> Result<Self, String> {
        if words.is_empty() {
            return Ok(Self::default());
        }
        let (texts, needles): (Vec<_>, Vec<_>) = words.into_iter().unzip();
        let places = texts.iter().zip(0u32..);
        let automaton = CharwiseDoubleArrayAhoCorasickBuilder::new()
            .build_with_values(places)
            .map_err(|e| e.to_string())?;
        Ok(Self { automaton: Some(automaton), needles })
    }

    fn find(&self, view: &View, mut report: impl FnMut(Needle, Range<usize>)) {
        let Some(automaton) = &self.automaton else { return };
        for found in automaton.find_overlapping_iter(&view.text) {
            let places = view.places(found.start()..found.end());
            for needle in self.needles.get(found.value() as usize).into_iter().flatten() {
                report(*needle, places.clone());
            }
        }
    }
}

impl Matcher {
    /// What the words find. A stretch that an earlier view showed already is not repeated.
    pub(crate) fn find(&self, views: &Views) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        let mut silent: Vec<usize> = Vec::new();
        for view in views.iter() {
            let mut fresh = Vec::new();
            let form = match view.form {
                ViewKind::Initials => &self.initials,
                ViewKind::Folded => &self.folded,
                _ => &self.spelled,
            };
            find_in(form, view, &mut fresh, &mut silent);
            merge(&mut found, fresh);
        }
        found.retain(|one| !silent.contains(&one.rule));
        found
    }
}

fn find_in(form: &Form, view: &View, out: &mut Vec<Found>, silent: &mut Vec<usize>) {
    let mut words: Vec<(usize, Range<usize>)> = Vec::new();
    let mut exceptions: Vec<(usize, Range<usize>)> = Vec::new();
    form.find(view, |needle, places| match needle.role {
        Role::Silence => silent.push(needle.rule),
        Role::Exception if bounded(view, &places, needle) && !is_loose(view, &places) => {
            exceptions.push((needle.rule, places))
        }
        Role::Word if bounded(view, &places, needle) && is_one_word(view, &places) => {
            words.push((needle.rule, places));
        }
        Role::Word | Role::Exception => {}
    });
    silent.sort_unstable();
    silent.dedup();
    let exceptions = Exceptions::new(exceptions);
    out.extend(
        words
            .into_iter()
            .filter(|(rule, places)| !exceptions.cover(*rule, places))
            .map(|(rule, places)| Found { rule, view: view.kind, span: view.original_of(&places) }),
    );
}

/// Exceptions by rule and end, so that a find is checked against its neighbours only.
struct Exceptions {
    sorted: Vec<(usize, Range<usize>)>,
    longest: usize,
}

impl Exceptions {
    fn new(mut spans: Vec<(usize, Range<usize>)>) -> Self {
        spans.sort_unstable_by_key(|(rule, span)| (*rule, span.end));
        let longest = spans.iter().map(|(_, span)| span.len()).max().unwrap_or(0);
        Self { sorted: spans, longest }
    }

    fn cover(&self, rule: usize, places: &Range<usize>) -> bool {
        let from = self.sorted.partition_point(|(r, span)| (*r, span.end) < (rule, places.end));
        self.sorted
            .iter()
            .skip(from)
            .take_while(|(r, span)| *r == rule && span.end <= places.start + self.longest)
            .any(|(_, span)| span.start <= places.start)
    }
}

/// Adds what no earlier view found. Both lists stay sorted by rule and place.
fn merge(found: &mut Vec<Found>, mut fresh: Vec<Found>) {
    fresh.sort_unstable_by_key(|one| (one.rule, one.span.start, std::cmp::Reverse(one.span.end)));
    let mut kept: Vec<Found> = Vec::with_capacity(fresh.len());
    for one in fresh {
        let inside = |other: &Found| {
            other.rule == one.rule && other.span.start <= one.span.start && one.span.end <= other.span.end
        };
        let at = found.partition_point(|other| (other.rule, other.span.start) <= (one.rule, one.span.start));
        let known = at.checked_sub(1).and_then(|before| found.get(before)).is_some_and(inside);
        if !known && !kept.last().is_some_and(inside) {
            kept.push(one);
        }
    }
    found.append(&mut kept);
    found.sort_by_key(|one| (one.rule, one.span.start));
}

/// Whether a find stands where its word asks to.
fn bounded(view: &View, places: &Range<usize>, needle: Needle) -> bool {
    let glyph = |at: Option<usize>| at.and_then(|at| view.glyphs.get(at));
    let before = glyph(places.start.checked_sub(1));
    let after = glyph(Some(places.end));
    let (first, last) = (glyph(Some(places.start)), glyph(places.end.checked_sub(1)));
    let starts = first.is_some_and(|first| stands_apart(before, first, view.form));
    let ends =
        || after.is_none_or(|after| last.is_some_and(|last| stands_apart(Some(last), after, view.form)));
    let (must_start, must_end) = match view.form {
        ViewKind::Initials if runs_on(before) || runs_on(after) => return false,
        // what keys spell in the middle of a Latin word is chance
        ViewKind::Keyboard => (true, needle.ends || places.len() == 1),
        _ => (needle.starts, needle.ends),
    };
    (!must_start || starts) && (!must_end || ends())
}

/// Laughter after an abbreviation does not make it another one.
fn runs_on(neighbour: Option<&Glyph>) -> bool {
    neighbour.is_some_and(|glyph| is_consonant(glyph.c) && glyph.c != 'ㅋ')
}

fn stands_apart(before: Option<&Glyph>, next: &Glyph, kind: ViewKind) -> bool {
    match (kind, before) {
        // letters beside syllables of the same token are a typing slip, not an abbreviation
        (ViewKind::Initials, Some(before)) => before.c == ' ' || next.c == ' ' || next.gap != Gap::None,
        _ => parts(before, next),
    }
}

/// Whether one token ends before `next`.
fn parts(before: Option<&Glyph>, next: &Glyph) -> bool {
    let Some(before) = before else { return true };
    next.gap != Gap::None
        || !is_letter_or_digit(before.c)
        || !is_letter_or_digit(next.c)
        || is_hangul(before.c) != is_hangul(next.c)
        || before.c.is_ascii_digit() != next.c.is_ascii_digit()
        || (is_consonant(before.c) != is_consonant(next.c))
}

/// Whether what was left out inside a find could be there to hide it. Words joined across longer tokens
/// are not one word; nor is the end of one and the beginning of another around a full stop.
fn is_one_word(view: &View, places: &Range<usize>) -> bool {
    if is_loose(view, places) {
        return false;
    }
    if !inner_gaps(view, places).any(|gap| gap == Gap::Stop) {
        return true;
    }
    let runs_on = |at: Option<usize>, next: usize| {
        let before = at.and_then(|at| view.glyphs.get(at));
        view.glyphs.get(next).is_some_and(|next| before.is_some() && !parts(before, next))
    };
    !(runs_on(places.start.checked_sub(1), places.start) && runs_on(places.end.checked_sub(1), places.end))
}

/// Whether a find, or an exception, takes the beginning of a longer token that stands by itself.
fn is_loose(view: &View, places: &Range<usize>) -> bool {
    inner_gaps(view, places).any(|gap| gap == Gap::Loose)
}

fn inner_gaps(view: &View, places: &Range<usize>) -> impl Iterator<Item = Gap> {
    view.glyphs.get(places.start + 1..places.end).unwrap_or_default().iter().map(|glyph| glyph.gap)
}
