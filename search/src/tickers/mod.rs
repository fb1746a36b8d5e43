//! Tickers in memory: by code, name and nickname, by initial consonants, half typed, mistyped, or typed in the wrong
//! layout. Instruments are few enough for a process to hold all names, sorted, and to compare a query that nothing
//! matches with each of them.

pub(crate) mod company;
mod direct;
mod form;
mod hits;
mod meant;
mod names;
mod typos;

use madang_core::{ids::TickerId, tickers::Catalogue};

pub use hits::{MatchKind, TickerHit};

use form::Form;
use hits::Hits;
use names::Names;

/// Most characters of a query that are looked at.
const MAX_CHARS: usize = 80;
/// Most words that may be one name.
const MAX_NAME_WORDS: usize = 5;

/// The names of all instruments.
#[derive(Debug, Default)]
pub struct TickerIndex {
    names: Names,
}

impl TickerIndex {
    /// Of all names in a catalogue. Of equal matches those of the heavier instrument come
    /// first, or of that with more nicknames.
    pub fn new(catalogue: &Catalogue, weight: impl Fn(TickerId) -> u32) -> Self {
        Self { names: Names::new(catalogue, weight) }
    }

    /// Instruments with this very code, name or nickname, as it is or without `Inc.` and the like; those that are
    /// listed, if any is.
    pub fn exact(&self, text: &str) -> Vec<TickerId> {
        let mut hits = Hits::new(&self.names);
        direct::whole(&self.names, &Form::of(text), &mut hits);
        hits.best_alike()
    }

    /// Instruments that a query may mean, best first.
    pub fn find(&self, raw: &str, limit: usize) -> Vec<TickerHit> {
        let raw: String = raw.chars().take(MAX_CHARS).collect();
        let form = Form::of(&raw);
        if form.key.is_empty() {
            return Vec::new();
        }
        let mut hits = direct::find(&self.names, &form);
        if hits.is_empty() {
            hits = self.plainer(&raw, &form);
        }
        if hits.kind().is_none_or(|kind| kind > MatchKind::Initials) {
            self.words(&form, &mut hits);
            self.other_layouts(&raw, &mut hits);
        }
        if !hits.is_strong() {
            self.mistyped(&raw, &form, &mut hits);
        }
        hits.sorted(limit)
    }

    fn plainer(&self, raw: &str, form: &Form) -> Hits<'_> {
        meant::plainer(raw, form)
            .iter()
            .map(|other| direct::find(&self.names, &Form::of(other)))
            .find(|hits| !hits.is_empty())
            .unwrap_or_else(|| Hits::new(&self.names))
    }

    /// Words in any order, each in some name of the instrument; or whole names among other words.
    fn words<'a>(&'a self, form: &Form, hits: &mut Hits<'a>) {
        let words: Vec<Form> = form.spaced().iter().map(|word| Form::of(word)).collect();
        if words.len() < 2 || !hits.is_empty() {
            return;
        }
        let mut common: Option<Hits<'_>> = None;
        for word in &words {
            let found = direct::find(&self.names, word);
            let kept = |instrument: usize| found.has(instrument);
            match &mut common {
                Some(common) => common.retain(kept),
                None => common = Some(found),
            }
        }
        let common = common.filter(|common| !common.is_empty()).unwrap_or_else(|| self.among(&form.spaced()));
        hits.take_as(MatchKind::Words, common, |_| Some((false, 0)));
    }

    /// Whole names among these words, of several words before one.
    fn among(&self, words: &[String]) -> Hits<'_> {
        let mut hits = Hits::new(&self.names);
        for count in (1..=MAX_NAME_WORDS.min(words.len())).rev() {
            for part in words.windows(count) {
                let form = Form::of(&part.concat());
                if form.tells() {
                    direct::whole(&self.names, &form, &mut hits);
                }
            }
            if !hits.is_empty() {
                break;
            }
        }
        hits
    }

    fn other_layouts<'a>(&'a self, raw: &str, hits: &mut Hits<'a>) {
        for other in meant::other_layouts(raw) {
            let found = direct::find(&self.names, &Form::of(&other.text));
            hits.take_as(MatchKind::Layout, found, |how| {
                let (least, weak) = match how {
                    MatchKind::Exact => (1, false),
                    MatchKind::Prefix => (3, false),
                    MatchKind::Initials => (3, true),
                    _ => (4, true),
                };
                let allowed = other.keys >= least && !(other.mixed && weak);
                allowed.then_some((weak, how as u8))
            });
        }
    }

    fn mistyped(&self, raw: &str, form: &Form, hits: &mut Hits<'_>) {
        typos::find(&self.names, form, hits);
        if hits.is_empty() {
            for other in meant::plainer(raw, form) {
                typos::find(&self.names, &Form::of(&other), hits);
            }
        }
        if hits.is_empty() {
            // Without Shift, as with Caps Lock, ㅆ comes as ㅅ.
            for other in meant::other_layouts(raw).into_iter().filter(meant::Other::is_hangul) {
                typos::find(&self.names, &Form::of(&other.text), hits);
            }
        }
    }
}
