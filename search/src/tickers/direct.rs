//! Matches of a query as it was typed: whole names, beginnings, initial consonants, later words and parts.

use super::{
    form::Form,
    hits::{Hits, MatchKind},
    names::{Class, Name, Names},
};
use crate::hangul::{
    detach, each_letter, initials, is_consonant, is_hangul, is_letter, is_syllable, letters,
};

/// All matches of a query as it was typed.
pub(super) fn find<'a>(names: &'a Names, query: &Form) -> Hits<'a> {
    let mut hits = Hits::new(names);
    if query.key.is_empty() {
        return hits;
    }
    whole(names, query, &mut hits);
    beginnings_and_parts(names, query, &mut hits);
    by_initials(names, query, &mut hits);
    hits
}

/// Whole names only.
pub(super) fn whole(names: &Names, query: &Form, hits: &mut Hits<'_>) {
    let core = query.text(query.core.clone());
    let plain = query.plain();
    let looser = u8::from(core != plain);
    for (key, worse) in [(query.full(), 0), (plain, 0), (core, looser)] {
        for (number, name, quality) in names.whole_named(&key) {
            hits.add(MatchKind::Exact, quality + worse, (number, name), 0..name.form.key.len());
        }
    }
}

/// Where and how the letters of a query end in a name.
struct End {
    /// the character of the key behind the last one that matched
    at: usize,
    /// whether that one matched as a whole, not only what is typed of it
    whole: bool,
}

fn end_of(name: &Name, from: usize, typed: usize) -> Option<End> {
    let until = name.offsets.get(from)? + typed;
    match name.offsets.binary_search(&until) {
        Ok(at) => Some(End { at, whole: true }),
        Err(at) => Some(End { at, whole: false }),
    }
}

fn beginnings_and_parts(names: &Names, query: &Form, hits: &mut Hits<'_>) {
    let (typed, _) = query.letters();
    let latin = query.key.last().is_some_and(|c| !is_hangul(*c));
    let syllables = query.key.iter().filter(|c| is_syllable(**c)).count();
    let enough = query.key.len() >= if latin { 3 } else { 2 };
    for (number, name, from) in names.with_letters(&typed) {
        let Some(end) = end_of(name, from, typed.len()) else { continue };
        let word_ends = name.form.words.iter().any(|word| word.end == end.at);
        let worse = u8::from(!end.whole) * 2;
        let part = from..end.at;
        let how = if from == 0 || from == name.form.core.start {
            hits.add(MatchKind::Prefix, worse + u8::from(latin && !word_ends), (number, name), part);
            continue;
        } else if name.form.words.iter().any(|word| word.start == from) {
            MatchKind::Word
        } else if syllables >= 2 && (end.whole || query.key.len() > 2) {
            MatchKind::Part
        } else {
            continue;
        };
        if name.class == Class::Name && enough {
            hits.add(how, worse + u8::from(!word_ends), (number, name), part);
        }
    }
}

fn by_initials(names: &Names, query: &Form, hits: &mut Hits<'_>) {
    let vowel = |c: &char| is_letter(*c) && !is_consonant(*c);
    if !query.key.iter().any(|c| is_consonant(*c)) || query.key.iter().any(vowel) {
        return;
    }
    let before = hits.kind();
    by_pattern(names, &single(&query.key), hits);
    if before == hits.kind() {
        // A keyboard takes the next initial for a final: 네ㅇㅂ comes as 넹ㅂ.
        by_pattern(names, &single(&detached(&query.key)), hits);
    }
}

/// Letters that stand alone one by one (ㄳ → ㄱㅅ).
fn single(key: &[char]) -> Vec<char> {
    let mut out = Vec::with_capacity(key.len());
    for c in key {
        if is_letter(*c) { each_letter(*c, |letter| out.push(letter)) } else { out.push(*c) }
    }
    out
}

fn detached(key: &[char]) -> Vec<char> {
    let mut out = Vec::with_capacity(key.len() * 2);
    for (at, c) in key.iter().enumerate() {
        let before_consonant = key.get(at + 1).is_some_and(|next| is_consonant(*next));
        match detach(*c).filter(|_| before_consonant) {
            Some((rest, moved)) => out.extend([rest, moved]),
            None => out.push(*c),
        }
    }
    out
}

fn by_pattern(names: &Names, pattern: &[char], hits: &mut Hits<'_>) {
    let wanted: Vec<char> = initials(&String::from_iter(pattern)).chars().collect();
    for (number, name, from) in names.with_initials(&wanted) {
        let rest = name.form.key.get(from..).unwrap_or_default();
        if !fits(pattern, rest) {
            continue;
        }
        let part = from..from + pattern.len();
        let begins = from == 0 || from == name.form.core.start;
        let ends = part.end == name.form.core.end;
        if begins || pattern.len() > 1 {
            hits.add(MatchKind::Initials, u8::from(!begins) * 2 + u8::from(!ends), (number, name), part);
        }
    }
}

/// Whether each syllable of a pattern is that of the name; initials are known to be the same. Of the last one, what
/// is typed so far will do.
fn fits(pattern: &[char], name: &[char]) -> bool {
    pattern.iter().zip(name).enumerate().all(|(at, (wanted, c))| {
        let last = at + 1 == pattern.len();
        let of = |c: &char| letters(&c.to_string());
        is_consonant(*wanted) || wanted == c || (last && of(c).starts_with(&of(wanted)))
    })
}
