//! The form in which names and queries are compared.

use std::ops::Range;

use unicode_normalization::char::{canonical_combining_class, decompose_canonical};

use super::company;
use crate::{
    fold::{Folded, fold},
    hangul::{each_letter, initials, is_hangul, is_syllable},
};

/// Longest run of Latin letters that is read letter by letter (LG → 엘지).
const MAX_SPELLED: usize = 4;
const LETTER_NAMES: [&str; 26] = [
    "에이",
    "비",
    "씨",
    "디",
    "이",
    "에프",
    "지",
    "에이치",
    "아이",
    "제이",
    "케이",
    "엘",
    "엠",
    "엔",
    "오",
    "피",
    "큐",
    "알",
    "에스",
    "티",
    "유",
    "브이",
    "더블유",
    "엑스",
    "와이",
    "제트",
];

/// Letters and digits of a text, and where its words are.
#[derive(Debug, Default)]
pub(super) struct Form {
    /// Letters and digits, folded, Latin letters without their marks.
    pub(super) key: Vec<char>,
    /// Where each comes from in the text, in code points.
    pub(super) places: Vec<(u32, u32)>,
    /// All of it by words: a change between Hangul and others begins one too (SK, 하이닉스).
    pub(super) words: Vec<Range<usize>>,
    /// The words that are left without `Inc.`, `Class A`, `주식회사` and the like around them.
    pub(super) core: Range<usize>,
}

/// What stands between two characters of a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    Nothing,
    Dot,
    Other,
}

impl Form {
    pub(super) fn of(text: &str) -> Self {
        Self::of_folded(&fold(text))
    }

    /// The form of a text as it is read aloud in Korean: short runs of Latin letters by their names. `None` where that
    /// is none other.
    pub(super) fn spelled(text: &str) -> Option<Self> {
        let folded = fold(text);
        let latin = |f: &Folded| f.c.is_ascii_lowercase();
        let mut out = Vec::with_capacity(folded.len() * 2);
        let mut changed = false;
        for run in folded.chunk_by(|a, b| latin(a) == latin(b)) {
            let spelled = run.first().is_some_and(latin) && run.len() <= MAX_SPELLED;
            for f in run {
                let name = if spelled { letter_name(f.c) } else { None };
                match name.or((f.c == '&').then_some("앤")) {
                    Some(name) => {
                        out.extend(name.chars().map(|c| Folded { c, ..*f }));
                        changed = true;
                    }
                    None => out.push(*f),
                }
            }
        }
        let only_hangul = out.iter().all(|f| !latin(f));
        (only_hangul && changed).then(|| Self::of_folded(&out))
    }

    fn of_folded(folded: &[Folded]) -> Self {
        let mut form = Self::default();
        let mut gaps = Vec::with_capacity(folded.len());
        let mut gap = Gap::Nothing;
        for f in folded {
            match f.c {
                '&' | '\'' | '\u{2019}' => {}
                '.' if gap == Gap::Nothing => gap = Gap::Dot,
                c if canonical_combining_class(c) != 0 => {}
                c if !c.is_alphanumeric() => gap = Gap::Other,
                c => {
                    unmarked(c, |c| {
                        form.key.push(c);
                        form.places.push((f.at, f.until));
                        gaps.push(std::mem::replace(&mut gap, Gap::Nothing));
                    });
                }
            }
        }
        form.words = words(&form.key, &gaps);
        form.core = company::core(&form);
        form
    }

    pub(super) fn text(&self, range: Range<usize>) -> String {
        self.key.get(range).unwrap_or_default().iter().collect()
    }

    /// All of it, without spaces.
    pub(super) fn full(&self) -> String {
        self.key.iter().collect()
    }

    /// The same without the form of the company; its class stays.
    pub(super) fn plain(&self) -> String {
        company::plain(self)
    }

    /// Whether a character of the key is the first that one of the text became (에이 of A).
    pub(super) fn begins_character(&self, at: usize) -> bool {
        at.checked_sub(1).is_none_or(|before| self.places.get(before) != self.places.get(at))
    }

    /// Words as they were written, apart only where something stood between them.
    pub(super) fn spaced(&self) -> Vec<String> {
        let apart = |a: &Range<usize>, b: &Range<usize>| {
            let until = a.end.checked_sub(1).and_then(|last| self.places.get(last)).map(|(_, until)| *until);
            self.places.get(b.start).map(|(from, _)| *from) == until
        };
        self.words
            .chunk_by(apart)
            .map(|words| words.iter().map(|word| self.text(word.clone())).collect())
            .collect()
    }

    /// Whether this can be told from a word that means no instrument: two syllables, four Latin letters or a code.
    pub(super) fn tells(&self) -> bool {
        let syllables = self.key.iter().filter(|c| is_syllable(**c)).count();
        let latin = self.key.iter().filter(|c| c.is_ascii_alphabetic()).count();
        let code = self.key.len() == 6 && self.key.first().is_some_and(char::is_ascii_digit);
        syllables >= 2 || latin >= 4 || code
    }

    /// Single letters of the key and, for each of its characters and its end, how many stand before it.
    pub(super) fn letters(&self) -> (Vec<char>, Vec<usize>) {
        let mut letters = Vec::with_capacity(self.key.len() * 3);
        let mut offsets = Vec::with_capacity(self.key.len() + 1);
        for c in &self.key {
            offsets.push(letters.len());
            each_letter(*c, |letter| letters.push(letter));
        }
        offsets.push(letters.len());
        (letters, offsets)
    }

    /// The key with initial consonants for syllables.
    pub(super) fn initials(&self) -> Vec<char> {
        initials(&self.full()).chars().collect()
    }
}

fn letter_name(c: char) -> Option<&'static str> {
    LETTER_NAMES.get(usize::try_from(u32::from(c).checked_sub(u32::from('a'))?).ok()?).copied()
}

/// A Latin letter without its marks; other characters as they are.
fn unmarked(c: char, mut take: impl FnMut(char)) {
    if c.is_ascii() || is_hangul(c) {
        return take(c);
    }
    let mut base = c;
    let mut first = true;
    decompose_canonical(c, |part| {
        if first && part.is_ascii() {
            base = part;
        }
        first = false;
    });
    take(base);
}

fn words(key: &[char], gaps: &[Gap]) -> Vec<Range<usize>> {
    let gap = |at: usize| gaps.get(at).copied().unwrap_or(Gap::Other);
    let script = |at: usize| key.get(at).copied().is_some_and(is_hangul);
    let mut words = Vec::new();
    let mut start = 0;
    for at in 1..=key.len() {
        let ends = match gap(at) {
            Gap::Other => true,
            // A dot parts `Amazon.com`, but neither `p.l.c.` nor `brk.b`.
            Gap::Dot => at - start > 1 && at + 1 < key.len() && gap(at + 1) == Gap::Nothing,
            Gap::Nothing => script(at) != script(at - 1),
        };
        if ends || at == key.len() {
            company::split_glued(key, start..at, &mut words);
            start = at;
        }
    }
    words
}
