//! All names of all instruments, sorted so that beginnings, words and parts of them are found by halving.

use std::{cmp::Reverse, ops::Range};

use ahash::AHashMap;
use madang_core::{
    ids::TickerId,
    tickers::{Catalogue, TickerStatus},
};

use super::form::Form;
use crate::hangul::is_hangul;

/// What kind of name it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Code,
    Name,
}

/// An instrument as names see it.
#[derive(Debug)]
pub(super) struct Instrument {
    pub(super) id: TickerId,
    pub(super) delisted: bool,
    /// what the caller says, then how many nicknames people gave it
    pub(super) weight: Reverse<(u32, usize)>,
    pub(super) order: u32,
}

/// A name.
#[derive(Debug)]
pub(super) struct Name {
    /// Whose: a place among the instruments.
    pub(super) instrument: usize,
    /// Whether the instrument has another one now.
    pub(super) former: bool,
    pub(super) class: Class,
    /// As shown.
    pub(super) shown: String,
    pub(super) form: Form,
    pub(super) letters: Vec<char>,
    pub(super) offsets: Vec<usize>,
    pub(super) initials: Vec<char>,
    /// Which letters occur: one of 64 bits each.
    pub(super) mask: u64,
}

impl Name {
    fn new(instrument: usize, former: bool, class: Class, shown: &str, form: Form) -> Self {
        let (letters, offsets) = form.letters();
        let initials = form.initials();
        let mask = mask(&letters);
        Self { instrument, former, class, shown: shown.to_owned(), form, letters, offsets, initials, mask }
    }

    /// Letters from a character of the key on.
    pub(super) fn letters_from(&self, at: usize) -> &[char] {
        self.offsets.get(at).and_then(|offset| self.letters.get(*offset..)).unwrap_or_default()
    }

    /// Letters of a part of the key.
    pub(super) fn letters_of(&self, part: Range<usize>) -> &[char] {
        let offset = |at: usize| self.offsets.get(at).copied().unwrap_or(self.letters.len());
        self.letters.get(offset(part.start)..offset(part.end)).unwrap_or_default()
    }

    /// Initials from a character of the key on.
    pub(super) fn initials_from(&self, at: usize) -> &[char] {
        self.initials.get(at..).unwrap_or_default()
    }

    /// Whether a word ends there, and none of Hangul.
    pub(super) fn ends_latin_word(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|last| self.form.key.get(last));
        before.is_some_and(|c| !is_hangul(*c)) && self.form.words.iter().any(|word| word.end == at)
    }

    /// Where a part of the key stands in the name as shown.
    pub(super) fn span(&self, part: &Range<usize>) -> Option<(u32, u32)> {
        let (from, _) = *self.form.places.get(part.start)?;
        let (_, until) = *self.form.places.get(part.end.checked_sub(1)?)?;
        Some((from, until))
    }
}

/// One bit a letter; some share one.
pub(super) fn mask(letters: &[char]) -> u64 {
    letters.iter().fold(0, |mask, letter| mask | 1 << (u32::from(*letter) % 64))
}

/// A place in a name: which, and which character of its key.
pub(super) type Place = (u32, u16);

/// The names.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) instruments: Vec<Instrument>,
    pub(super) names: Vec<Name>,
    /// Whole names, each with how good a match of it is, 0 the best.
    exact: AHashMap<String, Vec<(u32, u8)>>,
    by_letters: Vec<Place>,
    by_initials: Vec<Place>,
}

impl Names {
    pub(super) fn new(catalogue: &Catalogue, weight: impl Fn(TickerId) -> u32) -> Self {
        let mut names = Self::default();
        let mut places = AHashMap::new();
        for (order, ticker) in (0..).zip(catalogue.all()) {
            places.insert(ticker.id, names.instruments.len());
            let delisted = ticker.status != TickerStatus::Listed;
            let weight = Reverse((weight(ticker.id), catalogue.nicknames(ticker.id).len()));
            names.instruments.push(Instrument { id: ticker.id, delisted, weight, order });
        }
        for ticker in catalogue.all() {
            let current = catalogue.current(ticker.id);
            let Some(instrument) = places.get(&current).copied() else { continue };
            let whose = (instrument, current != ticker.id);
            names.code(whose, &ticker.code, &ticker.symbol);
            names.name(whose, &ticker.name);
            let korean = ticker.name_ko.iter().chain(catalogue.nicknames(ticker.id));
            korean.for_each(|name| names.korean_name(whose, name));
        }
        names.sort();
        names
    }

    fn add(&mut self, (instrument, former): (usize, bool), class: Class, shown: &str, form: Form) {
        let Ok(number) = u32::try_from(self.names.len()) else { return };
        if form.key.is_empty() || form.key.len() > usize::from(u8::MAX) {
            return;
        }
        let core = form.text(form.core.clone());
        let plain = form.plain();
        let looser = u8::from(core != plain);
        for (key, quality) in [(form.full(), 0), (plain, 0), (core, looser)] {
            self.whole(key, number, quality);
        }
        self.names.push(Name::new(instrument, former, class, shown, form));
    }

    fn whole(&mut self, key: String, number: u32, quality: u8) {
        let known = self.exact.entry(key).or_default();
        if known.iter().all(|(name, _)| *name != number) {
            known.push((number, quality));
        }
    }

    fn code(&mut self, whose: (usize, bool), code: &str, symbol: &str) {
        let Ok(number) = u32::try_from(self.names.len()) else { return };
        self.add(whose, Class::Code, code, Form::of(code));
        self.whole(Form::of(symbol).full(), number, 0);
        if let Some(spelled) = Form::spelled(code).filter(|form| form.key.len() > 2) {
            self.whole(spelled.full(), number, 2);
        }
    }

    fn name(&mut self, whose: (usize, bool), name: &str) {
        self.add(whose, Class::Name, name, Form::of(name));
    }

    fn korean_name(&mut self, whose: (usize, bool), name: &str) {
        self.name(whose, name);
        if let Some(spelled) = Form::spelled(name) {
            self.add(whose, Class::Name, name, spelled);
        }
    }

    fn sort(&mut self) {
        for (number, name) in (0..).zip(&self.names) {
            let starts: Vec<usize> = name.form.words.iter().map(|word| word.start).collect();
            for (place, (at, c)) in (0..).zip(name.form.key.iter().enumerate()) {
                if starts.contains(&at) {
                    self.by_initials.push((number, place));
                }
                if starts.contains(&at) || (is_hangul(*c) && name.form.begins_character(at)) {
                    self.by_letters.push((number, place));
                }
            }
        }
        let names = &self.names;
        let letters = |place: &Place| names.get(number(*place)).map(|name| name.letters_from(at(*place)));
        let initials = |place: &Place| names.get(number(*place)).map(|name| name.initials_from(at(*place)));
        self.by_letters.sort_unstable_by(|a, b| letters(a).cmp(&letters(b)));
        self.by_initials.sort_unstable_by(|a, b| initials(a).cmp(&initials(b)));
    }

    /// Names that are this whole, folded text without spaces, each with how good a match it is, 0 the best.
    pub(super) fn whole_named(&self, key: &str) -> impl Iterator<Item = (u32, &Name, u8)> {
        let found = self.exact.get(key).map(Vec::as_slice).unwrap_or_default();
        found.iter().filter_map(|(number, quality)| Some((*number, self.get(*number)?, *quality)))
    }

    pub(super) fn get(&self, number: u32) -> Option<&Name> {
        self.names.get(usize::try_from(number).ok()?)
    }

    /// Places, in any name, from which on these letters follow.
    pub(super) fn with_letters<'a>(
        &'a self,
        wanted: &'a [char],
    ) -> impl Iterator<Item = (u32, &'a Name, usize)> {
        self.found(&self.by_letters, wanted, Name::letters_from)
    }

    /// Beginnings of words from which on these initials follow.
    pub(super) fn with_initials<'a>(
        &'a self,
        wanted: &'a [char],
    ) -> impl Iterator<Item = (u32, &'a Name, usize)> {
        self.found(&self.by_initials, wanted, Name::initials_from)
    }

    fn found<'a>(
        &'a self,
        sorted: &'a [Place],
        wanted: &'a [char],
        rest: fn(&Name, usize) -> &[char],
    ) -> impl Iterator<Item = (u32, &'a Name, usize)> {
        let of = move |place: &Place| {
            self.names.get(number(*place)).map(|name| rest(name, at(*place))).unwrap_or_default()
        };
        let from = sorted.partition_point(|place| of(place) < wanted);
        sorted
            .get(from..)
            .unwrap_or_default()
            .iter()
            .take_while(move |place| of(place).starts_with(wanted))
            .filter_map(|place| Some((place.0, self.get(place.0)?, at(*place))))
    }
}

fn number(place: Place) -> usize {
    usize::try_from(place.0).unwrap_or(usize::MAX)
}

fn at(place: Place) -> usize {
    usize::from(place.1)
}
