//! From a line of text to words.

use std::ops::Range;

use madang_core::ids::TickerId;

use super::{MAX_QUERY_CHARS, MAX_WORDS, Word, Words};
use crate::{
    fold::{fold, in_word},
    hangul::{is_hangul, is_syllable, keyboard, particles},
};

/// Most words that may be one name together.
const MAX_NAME_WORDS: usize = 5;
/// English words that are codes too: among other words they mean an instrument only in capitals or behind a `$`.
const COMMON: [&str; 64] = [
    "a", "all", "an", "and", "any", "are", "as", "at", "be", "best", "big", "but", "buy", "by", "can", "car",
    "cash", "cost", "day", "do", "eat", "fast", "for", "fun", "go", "good", "has", "he", "how", "i", "in",
    "is", "it", "key", "love", "low", "man", "me", "my", "new", "next", "nice", "no", "now", "of", "on",
    "one", "open", "or", "out", "play", "real", "run", "safe", "see", "so", "t", "the", "to", "true", "up",
    "us", "well", "you",
];

/// A character of the query, folded.
#[derive(Clone, Copy)]
struct Typed {
    c: char,
    capital: bool,
    /// which pair of quotes it stands in
    quote: Option<u8>,
}

impl Words {
    /// Takes a query apart. `names` says which instruments a text is a code, name or nickname of; it gets single words
    /// and also several together as they were typed (`s&p 500`).
    pub fn parse(raw: &str, names: &dyn Fn(&str) -> Vec<TickerId>) -> Self {
        let typed = read(raw);
        let places = words_in(&typed);
        let last = places.last().cloned().unwrap_or(0..0);
        let ends_open = |place: &Range<usize>| *place == last && place.end == typed.len();
        let mut words: Vec<Word> = places.iter().map(|place| word(&typed, place, ends_open(place))).collect();
        name_words(&typed, &places, &mut words, names);
        let all: String = typed.iter().map(|typed| typed.c).collect();
        Self { text: all.split_whitespace().collect::<Vec<_>>().join(" "), words }
    }
}

/// The query that was meant if the keyboard stood in the wrong layout, folded: each Latin word as Hangul where that gives
/// whole syllables (tkatjd → 삼성); with no such word, each Hangul word as Latin (ㅁㅁㅔㅣ → aapl). `None` where nothing
/// changes.
pub fn other_layout(raw: &str) -> Option<String> {
    let chars: Vec<char> = read(raw).iter().map(|typed| typed.c).collect();
    let original: String = chars.iter().collect();
    let convert = |by: &dyn Fn(&str) -> String| {
        let mut out = String::new();
        for run in chars.chunk_by(|a, b| in_word(*a) == in_word(*b)) {
            out.push_str(&by(&String::from_iter(run)));
        }
        (out != original).then_some(out)
    };
    let to_hangul = |word: &str| {
        let meant = keyboard::to_hangul(word);
        let whole = word.len() > 1 && meant.chars().all(|c| is_syllable(c) || c.is_numeric());
        if whole { meant } else { word.to_owned() }
    };
    convert(&to_hangul).or_else(|| convert(&|word| keyboard::to_latin(word).to_lowercase()))
}

fn read(raw: &str) -> Vec<Typed> {
    let raw: Vec<char> = raw.chars().take(MAX_QUERY_CHARS).collect();
    let capital = |at: u32| usize::try_from(at).is_ok_and(|at| raw.get(at).is_some_and(|c| c.is_uppercase()));
    let folded = fold(&String::from_iter(&raw));
    let mut typed: Vec<Typed> =
        folded.into_iter().map(|f| Typed { c: f.c, capital: capital(f.at), quote: None }).collect();
    let quotes: Vec<usize> =
        typed.iter().enumerate().filter(|(_, typed)| is_quote(typed.c)).map(|(at, _)| at).collect();
    for (pair, number) in quotes.chunks_exact(2).zip(0_u8..) {
        if let [open, close] = pair {
            typed.iter_mut().take(*close).skip(*open).for_each(|typed| typed.quote = Some(number));
        }
    }
    typed
}

const fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\u{201C}' | '\u{201D}')
}

fn words_in(typed: &[Typed]) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut at = 0;
    for run in typed.chunk_by(|a, b| in_word(a.c) == in_word(b.c)) {
        if run.iter().any(|typed| typed.c.is_alphanumeric()) && places.len() < MAX_WORDS {
            places.push(at..at + run.len());
        }
        at += run.len();
    }
    places
}

fn text_of(typed: &[Typed], place: Range<usize>) -> String {
    typed.get(place).unwrap_or_default().iter().map(|typed| typed.c).collect()
}

fn word(typed: &[Typed], place: &Range<usize>, open: bool) -> Word {
    let text = text_of(typed, place.clone());
    let quoted = typed.get(place.start).and_then(|typed| typed.quote);
    let stem = if quoted.is_some() { text.clone() } else { particles::stem(&text).to_owned() };
    Word { text, stem, tickers: Vec::new(), quoted, open: open && quoted.is_none() }
}

/// Gives words the instruments they name, the most words together first.
fn name_words(
    typed: &[Typed],
    places: &[Range<usize>],
    words: &mut [Word],
    names: &dyn Fn(&str) -> Vec<TickerId>,
) {
    let mut first = 0;
    while first < places.len() {
        let longest = MAX_NAME_WORDS.min(places.len() - first);
        let found = (1..=longest).rev().find_map(|count| {
            let among = places.get(first..first + count)?;
            let tickers =
                tickers_of(typed, among, words.get(first + count - 1)?, names, places.len() > count);
            (!tickers.is_empty()).then_some((count, tickers))
        });
        let (count, tickers) = found.unwrap_or((1, Vec::new()));
        for word in words.iter_mut().skip(first).take(count) {
            word.tickers.clone_from(&tickers);
        }
        first += count;
    }
}

/// What these neighbouring words name together, the last with or without its particle.
fn tickers_of(
    typed: &[Typed],
    among: &[Range<usize>],
    last: &Word,
    names: &dyn Fn(&str) -> Vec<TickerId>,
    others: bool,
) -> Vec<TickerId> {
    let (Some(from), Some(end)) = (among.first(), among.last()) else { return Vec::new() };
    let text = text_of(typed, from.start..end.end);
    if !may_name(typed, from, &text, among.len(), others) {
        return Vec::new();
    }
    let named = names(&text);
    if named.is_empty() && last.stem != last.text {
        return text
            .strip_suffix(&last.text)
            .map(|head| names(&format!("{head}{}", last.stem)))
            .unwrap_or_default();
    }
    named
}

fn may_name(typed: &[Typed], from: &Range<usize>, text: &str, count: usize, others: bool) -> bool {
    if count == 1 {
        let marked =
            from.start.checked_sub(1).and_then(|at| typed.get(at)).is_some_and(|typed| typed.c == '$');
        let capital = typed.get(from.clone()).unwrap_or_default().iter().all(|typed| typed.capital);
        return !others || marked || capital || !COMMON.contains(&text);
    }
    // "이 수" is not 이수, and "a t" not AT.
    let letters = text.chars().filter(|c| in_word(*c)).count();
    letters >= 4 || !text.contains(char::is_whitespace) && !text.chars().any(is_hangul)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(text: &str) -> Vec<TickerId> {
        let known = [
            ("삼전", 1),
            ("삼성전자", 1),
            ("samsung electronics", 1),
            ("sk하이닉스", 2),
            ("sk 하이닉스", 2),
            ("하닉", 2),
            ("aapl", 3),
            ("it", 4),
            ("brk.b", 5),
            ("s&p 500", 6),
            ("at", 7),
        ];
        known.iter().filter(|(name, _)| *name == text).map(|(_, id)| TickerId::new(*id)).collect()
    }

    fn texts(raw: &str) -> Vec<String> {
        Words::parse(raw, &names).words.into_iter().map(|word| word.text).collect()
    }

    fn tickers(raw: &str) -> Vec<Vec<i32>> {
        let ids = |word: Word| word.tickers.iter().map(|id| id.get()).collect::<Vec<i32>>();
        Words::parse(raw, &names).words.into_iter().map(ids).collect()
    }

    #[test]
    fn words_are_letters_and_digits_of_any_script() {
        assert_eq!(texts("삼성전자  HBM3E, 2차전지!"), ["삼성전자", "hbm3e", "2차전지"]);
        assert_eq!(texts("$AAPL #하닉 S&P BRK.B"), ["aapl", "하닉", "s", "p", "brk", "b"]);
        assert_eq!(texts("ㅅㅅㅈㅈ \u{3164}ＡＢ\u{200B}Ｃ"), ["ㅅㅅㅈㅈ", "abc"]);
        assert_eq!(texts("🚀🚀 !!!! \u{3164}"), Vec::<String>::new());
        assert_eq!(texts(&"a ".repeat(100)).len(), MAX_WORDS);
    }

    #[test]
    fn the_text_has_single_spaces_and_stems_lack_particles() {
        let words = Words::parse("  삼성전자의\t실적이 ", &names);
        assert_eq!(words.text, "삼성전자의 실적이");
        let stems: Vec<_> = words.words.iter().map(|word| word.stem.as_str()).collect();
        assert_eq!(stems, ["삼성전자", "실적"]);
    }

    #[test]
    fn matched_quotes_make_phrases_and_others_do_not() {
        let quoted =
            |raw| -> Vec<_> { Words::parse(raw, &names).words.iter().map(|word| word.quoted).collect() };
        assert_eq!(quoted("\"목표 주가\" 상향 “영업 이익”"), [Some(0), Some(0), None, Some(1), Some(1)]);
        assert_eq!(quoted("목표 \"주가"), [None, None]);
        assert_eq!(
            Words::parse("\"실적이\"", &names).words.first().map(|word| word.stem.clone()),
            Some("실적이".into())
        );
    }

    #[test]
    fn only_a_last_word_that_nothing_ends_is_open() {
        let open = |raw| -> Vec<_> { Words::parse(raw, &names).words.iter().map(|word| word.open).collect() };
        assert_eq!(open("삼성 실"), [false, true]);
        assert_eq!(open("삼성 실 "), [false, false]);
        assert_eq!(open("삼성 \"실\""), [false, false]);
    }

    #[test]
    fn words_name_instruments_alone_or_together() {
        assert_eq!(tickers("삼전 하닉이"), [vec![1], vec![2]]);
        assert_eq!(tickers("Samsung Electronics earnings"), [vec![1], vec![1], vec![]]);
        assert_eq!(tickers("sk 하이닉스가 좋다"), [vec![2], vec![2], vec![]]);
        assert_eq!(tickers("brk.b s&p 500"), [vec![5], vec![5], vec![6], vec![6], vec![6]]);
        assert_eq!(tickers("AAPL은"), [vec![3]]);
    }

    #[test]
    fn common_words_among_others_are_codes_only_when_meant_so() {
        assert_eq!(tickers("is it good"), vec![Vec::<i32>::new(); 3]);
        assert_eq!(tickers("it"), [vec![4]]);
        assert_eq!(tickers("buy IT"), [vec![], vec![4]]);
        assert_eq!(tickers("buy $it"), [vec![], vec![4]]);
    }

    #[test]
    fn the_other_layout_is_known() {
        assert_eq!(other_layout("tkatjd 2ckwjswl").as_deref(), Some("삼성 2차전지"));
        assert_eq!(other_layout("TKATJD hbm3e").as_deref(), Some("삼성 hbm3e"));
        assert_eq!(other_layout("ㅁㅁㅔㅣ").as_deref(), Some("aapl"));
        assert_eq!(other_layout("samsung 123"), None);
        assert_eq!(other_layout("🚀"), None);
    }

    proptest! {
        #[test]
        fn whatever_is_typed_can_be_taken_apart(raw in "\\PC{0,60}|[\"“” a가ㄱ.&$]{0,30}") {
            let words = Words::parse(&raw, &names);
            prop_assert!(words.words.len() <= MAX_WORDS);
            prop_assert!(words.words.iter().all(|word| word.text.chars().any(char::is_alphanumeric)));
            other_layout(&raw);
        }
    }
}
