//! A text as its letters and digits, and where something stands among them.

use std::ops::Range;

use crate::{
    fold::{fold, in_word},
    hangul::{each_letter, is_hangul, letters},
};

/// What stands before a character and is no part of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    Nothing,
    Space,
    /// punctuation, a sign, or the beginning of the text
    Other,
}

/// A character of a word.
#[derive(Debug, Clone, Copy)]
struct Spot {
    c: char,
    at: u32,
    until: u32,
    gap: Gap,
    /// written as a capital, or behind a `$` as are all of its word
    marked: bool,
}

/// A text.
#[derive(Debug)]
pub(super) struct Text {
    spots: Vec<Spot>,
}

impl Text {
    pub(super) fn of(body: &str) -> Self {
        let folded = fold(body);
        let mut capitals = body.chars().map(char::is_uppercase).zip(0_u32..).peekable();
        let mut spots = Vec::with_capacity(folded.len());
        let mut gap = Gap::Other;
        let mut tagged = false;
        for f in folded {
            if !in_word(f.c) {
                gap = if f.c.is_whitespace() && gap != Gap::Other { Gap::Space } else { Gap::Other };
                tagged = f.c == '$';
                continue;
            }
            while capitals.next_if(|(_, at)| *at < f.at).is_some() {}
            let capital = capitals.peek().is_some_and(|(capital, _)| *capital);
            spots.push(Spot { c: f.c, at: f.at, until: f.until, gap, marked: capital || tagged });
            gap = Gap::Nothing;
        }
        Self { spots }
    }

    /// Letters and digits.
    pub(super) fn len(&self) -> usize {
        self.spots.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<char> {
        self.spots.get(at).map(|spot| spot.c)
    }

    /// The range of the original that a place covers.
    pub(super) fn range(&self, place: &Range<usize>) -> Option<(u32, u32)> {
        let spots = self.spots.get(place.clone())?;
        Some((spots.first()?.at, spots.iter().map(|spot| spot.until).max()?))
    }

    /// Whether a place is written in capitals or behind a `$`.
    pub(super) fn is_marked(&self, place: &Range<usize>) -> bool {
        self.spots.get(place.clone()).is_some_and(|spots| spots.iter().all(|spot| spot.marked))
    }

    /// Where its words are.
    pub(super) fn words(&self) -> Vec<Range<usize>> {
        let mut start = 0;
        let runs = self.spots.chunk_by(|_, b| b.gap == Gap::Nothing);
        runs.map(|run| {
            start += run.len();
            start - run.len()..start
        })
        .collect()
    }

    /// Letters of a place, and how many of them are before each of its characters and its end.
    pub(super) fn letters(&self, place: &Range<usize>) -> (Vec<char>, Vec<usize>) {
        let mut letters = Vec::new();
        let mut ends = vec![0];
        for spot in self.spots.get(place.clone()).unwrap_or_default() {
            each_letter(spot.c, |letter| letters.push(letter));
            ends.push(letters.len());
        }
        (letters, ends)
    }

    /// All places where something stands.
    pub(super) fn find(&self, needle: &Needle) -> Vec<Range<usize>> {
        let Some(first) = needle.chars.first().filter(|_| needle.chars.len() <= self.spots.len()) else {
            return Vec::new();
        };
        let only = needle.chars.len() == 1;
        (0..=self.spots.len() - needle.chars.len())
            .filter(|at| only || self.get(*at) == Some(first.c))
            .filter(|at| self.stands(needle, *at))
            .map(|at| at..at + needle.chars.len())
            .collect()
    }

    fn stands(&self, needle: &Needle, at: usize) -> bool {
        let Some(spots) = self.spots.get(at..at + needle.chars.len()) else { return false };
        let before = at.checked_sub(1).and_then(|before| self.spots.get(before));
        let after = self.spots.get(at + needle.chars.len());
        needle.may_begin(spots.first(), before) && (needle.open || needle.may_end(after)) && needle.is(spots)
    }
}

/// A character of what is looked for.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    c: char,
    begins_word: bool,
}

/// One word or several.
#[derive(Debug, Clone)]
pub(super) struct Needle {
    chars: Vec<Wanted>,
    open: bool,
    half: bool,
}

impl Needle {
    pub(super) fn of(words: &[&str]) -> Self {
        let wanted = |(at, c): (usize, char)| Wanted { c, begins_word: at == 0 };
        let chars = words.iter().flat_map(|word| word.chars().enumerate().map(wanted)).collect();
        Self { chars, open: false, half: false }
    }

    /// More may follow.
    pub(super) fn open(self) -> Self {
        Self { open: true, ..self }
    }

    /// The last syllable may be more than what is typed of it.
    pub(super) fn half_typed(self) -> Self {
        Self { open: true, half: true, ..self }
    }

    /// A Latin word begins a word of the text, and so does a single syllable: it is in too many words.
    fn may_begin(&self, spot: Option<&Spot>, before: Option<&Spot>) -> bool {
        let hangul = self.chars.first().is_some_and(|wanted| is_hangul(wanted.c));
        let begins = spot.is_some_and(|spot| spot.gap != Gap::Nothing);
        begins || if hangul { self.chars.len() > 1 } else { before.is_some_and(|before| is_hangul(before.c)) }
    }

    fn may_end(&self, after: Option<&Spot>) -> bool {
        let hangul = self.chars.last().is_some_and(|wanted| is_hangul(wanted.c));
        hangul || after.is_none_or(|after| after.gap != Gap::Nothing || is_hangul(after.c))
    }

    fn is(&self, spots: &[Spot]) -> bool {
        let mut before: Option<char> = None;
        let last = self.chars.len().saturating_sub(1);
        self.chars.iter().zip(spots).enumerate().all(|(at, (wanted, spot))| {
            let apart = before.is_none_or(|before| wanted.may_be_apart(before, spot));
            before = Some(spot.c);
            let begun = || letters(&spot.c.to_string()).starts_with(&letters(&wanted.c.to_string()));
            apart && (spot.c == wanted.c || (self.half && at == last && begun()))
        })
    }
}

impl Wanted {
    /// Whether it may stand where it does behind the character before: two Latin words are apart, the letters of one are
    /// not; in and beside Hangul a space means nothing.
    fn may_be_apart(&self, before: char, spot: &Spot) -> bool {
        let hangul = is_hangul(before) || is_hangul(spot.c);
        match spot.gap {
            Gap::Nothing => hangul || !self.begins_word,
            Gap::Space => hangul || self.begins_word,
            Gap::Other => self.begins_word,
        }
    }
}
