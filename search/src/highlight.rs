//! Where the words of a query stand in a text, as the index matches them.

mod place;

use std::{cell::OnceCell, ops::Range};

use madang_core::ids::TickerId;

use crate::{
    fold::{fold, in_word},
    hangul::{distance::Distances, is_hangul, is_syllable, letters},
    query::{Word, Words},
    tickers::company,
};
use place::{Needle, Text};

/// Most ranges of one text.
pub const MAX_RANGES: usize = 50;
/// Most syllables that may follow a mistyped word in one word of the text: a particle.
const MAX_PARTICLE: usize = 3;
/// Longest Latin name that counts only where it is written in capitals or behind a `$`: `ma` is no Mastercard.
const MAX_SHORT: usize = 3;
/// Most names of instruments looked for.
const MAX_NAMES: usize = 64;
/// Longest text, in letters and digits, in which mistakes and parts of compounds are looked for.
const MAX_CLOSE: usize = 3_000;
/// Most words of it.
const MAX_TOKENS: usize = 600;

/// Finds a query's words in texts: prepared once for all texts of an answer.
///
/// Spacing does not matter in Korean (삼성전자실적 is in "삼성전자 실적"), nor do particles; Latin words stand alone or
/// before Hangul, and one that is still open begins a word. A word that is nowhere in the text is looked for with one
/// typing mistake, unless the text is long.
#[derive(Debug)]
pub struct Highlighter {
    phrases: Vec<Needle>,
    words: Vec<Wanted>,
}

impl Highlighter {
    /// Of these words. `names` gives codes, names and nicknames of an instrument.
    pub fn new(words: &Words, names: &dyn Fn(TickerId) -> Vec<String>) -> Self {
        let (mut phrases, mut wanted, mut left) = (Vec::new(), Vec::new(), MAX_NAMES);
        for group in words.words.chunk_by(|a, b| a.quoted.is_some() && a.quoted == b.quoted) {
            match group {
                [word] if word.quoted.is_none() => {
                    let called = word.tickers.iter().flat_map(|id| names(*id)).take(left);
                    let names: Vec<Named> = called.map(|name| Named::of(&name)).collect();
                    left -= names.len();
                    wanted.push(Wanted::of(word, names));
                }
                phrase => {
                    let parts: Vec<&str> = phrase.iter().map(|word| word.text.as_str()).collect();
                    phrases.push(Needle::of(&parts));
                }
            }
        }
        Self { phrases, words: wanted }
    }

    /// Where they stand in a text: half-open ranges of code points, in order, apart from each other, at most
    /// [`MAX_RANGES`].
    pub fn marks(&self, body: &str) -> Vec<(u32, u32)> {
        let text = Text::of(body);
        let mut found: Vec<Range<usize>> = self.phrases.iter().flat_map(|phrase| text.find(phrase)).collect();
        let close = OnceCell::new();
        for word in &self.words {
            let places = word.places(&text);
            let close = || close.get_or_init(|| Close::of(&text)).as_ref();
            found.extend(if places.is_empty() { word.nearly(&text, close) } else { places });
        }
        merged(found.into_iter().filter_map(|place| text.range(&place)).collect())
    }
}

fn merged(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut out: Vec<(u32, u32)> = Vec::new();
    for (from, until) in ranges {
        match out.last_mut() {
            Some((_, end)) if from <= *end => *end = until.max(*end),
            _ => out.push((from, until)),
        }
    }
    out.truncate(MAX_RANGES);
    out
}

/// One word that is looked for.
#[derive(Debug)]
struct Wanted {
    exact: Needle,
    stem: Option<Needle>,
    names: Vec<Named>,
    half_typed: Option<Needle>,
    /// its two parts, each way it can be parted, longest head first
    compound: Vec<(Needle, Needle)>,
    typed: Option<Typed>,
}

impl Wanted {
    fn of(word: &Word, names: Vec<Named>) -> Self {
        let needle = Needle::of(&[&word.text]);
        Self {
            half_typed: word.open.then(|| needle.clone().half_typed()),
            exact: if word.open { needle.open() } else { needle },
            stem: (word.stem != word.text).then(|| Needle::of(&[&word.stem])),
            names,
            compound: compound(&word.stem),
            typed: Typed::of(&word.stem),
        }
    }

    /// Where it stands, or an instrument it means.
    fn places(&self, text: &Text) -> Vec<Range<usize>> {
        let mut found = text.find(&self.exact);
        found.extend(self.stem.iter().flat_map(|stem| text.find(stem)));
        found.extend(self.names.iter().flat_map(|name| name.places(text)));
        if let Some(half) = self.half_typed.as_ref().filter(|_| found.is_empty()) {
            found = text.find(half);
        }
        found
    }

    /// Where its parts stand, if both do, or what it may be a mistake for.
    fn nearly<'a>(&self, text: &Text, close: impl FnOnce() -> Option<&'a Close>) -> Vec<Range<usize>> {
        if self.compound.is_empty() && self.typed.is_none() {
            return Vec::new();
        }
        let Some(close) = close() else { return Vec::new() };
        for (head, tail) in &self.compound {
            let (head, tail) = (text.find(head), text.find(tail));
            if !head.is_empty() && !tail.is_empty() {
                return head.into_iter().chain(tail).collect();
            }
        }
        self.typed.as_ref().map(|typed| typed.places(text, close)).unwrap_or_default()
    }
}

/// An instrument's name, with or without `Inc.` and the like.
#[derive(Debug)]
struct Named {
    needle: Needle,
    short: bool,
}

impl Named {
    fn of(name: &str) -> Self {
        let folded: Vec<char> = fold(name).into_iter().map(|folded| folded.c).collect();
        let words: Vec<String> = folded
            .chunk_by(|a, b| in_word(*a) == in_word(*b))
            .filter(|run| run.first().copied().is_some_and(in_word))
            .map(String::from_iter)
            .collect();
        let kept: Vec<&str> =
            words.get(company::kept(&words)).unwrap_or_default().iter().map(String::as_str).collect();
        let all = kept.concat();
        let short = all.len() <= MAX_SHORT && all.bytes().all(|b| b.is_ascii_alphabetic());
        Self { needle: Needle::of(&kept), short }
    }

    fn places(&self, text: &Text) -> Vec<Range<usize>> {
        let mut found = text.find(&self.needle);
        found.retain(|place| !self.short || text.is_marked(place));
        found
    }
}

fn compound(word: &str) -> Vec<(Needle, Needle)> {
    let splits = word.char_indices().map(|(at, _)| at).skip(2).collect::<Vec<_>>();
    let enough = |part: &str| part.chars().filter(|c| is_syllable(*c)).count() >= 2;
    let parts = splits.into_iter().rev().map(|at| word.split_at(at));
    let parts = parts.filter(|(head, tail)| enough(head) && enough(tail));
    parts.map(|(head, tail)| (Needle::of(&[head]), Needle::of(&[tail]))).collect()
}

/// The words of a text that is short enough to be looked at closely.
#[derive(Debug)]
struct Close(Vec<Token>);

#[derive(Debug)]
struct Token {
    place: Range<usize>,
    letters: Vec<char>,
    /// letters before each character and the end
    ends: Vec<usize>,
}

impl Close {
    fn of(text: &Text) -> Option<Self> {
        if text.len() > MAX_CLOSE {
            return None;
        }
        let words = text.words();
        let token = |place: Range<usize>| {
            let (letters, ends) = text.letters(&place);
            Token { place, letters, ends }
        };
        (words.len() <= MAX_TOKENS).then(|| Self(words.into_iter().map(token).collect()))
    }
}

/// A word that may be mistyped.
#[derive(Debug)]
struct Typed {
    letters: Vec<char>,
    characters: usize,
    /// whether something may follow though it has two syllables only
    tells: bool,
}

impl Typed {
    fn of(word: &str) -> Option<Self> {
        let syllables = word.chars().filter(|c| is_syllable(*c)).count();
        let latin = word.chars().filter(char::is_ascii_alphabetic).count();
        let tells = syllables > 2 || latin > 0;
        let typed = || Self { letters: letters(word), characters: word.chars().count(), tells };
        (2 * syllables + latin >= 4).then(typed)
    }

    /// Words of the text, or their beginnings before a particle, that are one mistake away.
    fn places(&self, text: &Text, close: &Close) -> Vec<Range<usize>> {
        let mut distances = Distances::default();
        let mut found = Vec::new();
        for Token { place, letters, ends } in close.0.iter().filter(|token| self.may_be(&token.letters)) {
            let near = distances.beginnings(&self.letters, letters, 1);
            let fits = |(end, far): (usize, u8)| {
                let count = ends.binary_search(&end).ok()?;
                let rest = place.len().checked_sub(count)?;
                let follows = text.get(place.start + count).is_none_or(is_hangul) && rest <= MAX_PARTICLE;
                let alike = self.tells || count == self.characters;
                (count > 0 && alike && (rest == 0 || follows)).then_some((far, rest, count))
            };
            if let Some((_, _, count)) = near.into_iter().filter_map(fits).min() {
                found.push(place.start..place.start + count);
            }
        }
        found
    }

    /// Whether one mistake can lie between the beginnings: told by two letters, before the distance is counted.
    fn may_be(&self, letters: &[char]) -> bool {
        let [a, b, ..] = self.letters.as_slice() else { return true };
        let [c, d, ..] = letters else { return false };
        letters.len() + 1 >= self.letters.len() && (a == c || b == d || a == d || b == c)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SAMSUNG: TickerId = TickerId::new(1);
    const MASTERCARD: TickerId = TickerId::new(2);
    const APPLE: TickerId = TickerId::new(3);

    fn names_of(id: TickerId) -> Vec<String> {
        let names: &[&str] = match id {
            SAMSUNG => &["005930", "삼성전자", "Samsung Electronics Co., Ltd.", "삼전"],
            MASTERCARD => &["MA", "Mastercard Incorporated"],
            _ => &["AAPL", "Apple Inc.", "애플"],
        };
        names.iter().map(ToString::to_string).collect()
    }

    fn ids(text: &str) -> Vec<TickerId> {
        match text {
            "삼전" | "삼성전자" | "samsung electronics" => vec![SAMSUNG],
            "ma" => vec![MASTERCARD],
            "aapl" => vec![APPLE],
            _ => Vec::new(),
        }
    }

    fn marked(query: &str, body: &str) -> Vec<String> {
        let chars: Vec<char> = body.chars().collect();
        let at = |at: u32| usize::try_from(at).unwrap();
        Highlighter::new(&Words::parse(query, &ids), &names_of)
            .marks(body)
            .into_iter()
            .map(|(from, until)| chars[at(from)..at(until)].iter().collect())
            .collect()
    }

    #[test]
    fn spacing_and_particles_do_not_matter_in_korean() {
        assert_eq!(marked("삼성전자실적", "오늘 삼성전자 실적이 나왔다"), ["삼성전자 실적"]);
        assert_eq!(marked("삼성전자 실적", "삼성전자실적 발표"), ["삼성전자실적"]);
        assert_eq!(marked("실적이 ", "실적을 보면 실적이"), ["실적", "실적이"]);
        assert_eq!(marked("반도체수출 ", "수출이 반도체로 늘었다"), ["수출", "반도체"]);
        assert_eq!(marked("2차전지", "2차 전지와 12차전지"), ["2차 전지"]);
        assert_eq!(marked("주 ", "주가 오르는 매수 주"), ["주", "주"]);
    }

    #[test]
    fn latin_words_stand_alone_or_before_hangul() {
        assert_eq!(marked("art ", "art party ART는 art2 smart"), ["art", "ART"]);
        assert_eq!(marked("ear", "earnings year ear"), ["ear", "ear"]);
        assert_eq!(marked("hbm3e ", "HBM3E가 좋다, HBM3 E"), ["HBM3E"]);
        assert_eq!(marked("ｈｂｍ ", "ＨＢＭ과 HBM"), ["ＨＢＭ", "HBM"]);
    }

    #[test]
    fn names_of_instruments_are_marked() {
        assert_eq!(
            marked("삼전 ", "$삼성전자 005930 samsung electronics!"),
            ["삼성전자", "005930", "samsung electronics"]
        );
        assert_eq!(marked("aapl ", "$AAPL은 Apple이다, 애플!"), ["AAPL", "Apple", "애플"]);
        assert_eq!(marked("ma ", "MA와 $ma, mama"), ["MA", "ma"]);
        assert_eq!(
            Highlighter::new(&Words::parse("aapl", &|_| vec![MASTERCARD]), &names_of).marks("ma MA"),
            [(3, 5)]
        );
    }

    #[test]
    fn phrases_are_marked_as_a_whole() {
        assert_eq!(
            marked("\"price target\"", "price, target price target pricetarget"),
            ["price, target", "price target"]
        );
        assert_eq!(marked("\"목표 주가\"", "목표가와 주가, 목표 주가, 목표주가"), ["목표 주가", "목표주가"]);
    }

    #[test]
    fn half_typed_and_mistyped_words_are_marked() {
        assert_eq!(marked("반도ㅊ", "반도체 업황"), ["반도체"]);
        assert_eq!(marked("삼송전자 ", "삼성전자가 올랐다"), ["삼성전자"]);
        assert_eq!(marked("nvidai ", "NVIDIA는 $nvda"), ["NVIDIA"]);
        assert_eq!(marked("실젹 ", "실적 발표 실정"), ["실적"]);
        assert_eq!(marked("005935 ", "005930"), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_there_is_not_marked() {
        for (query, body) in
            [("카카오", "네이버"), ("", "가"), ("🚀", "🚀"), ("가", ""), ("apple", "pineapple")]
        {
            assert_eq!(marked(query, body), Vec::<String>::new());
        }
        assert_eq!(
            Highlighter::new(&Words::parse("가 ", &ids), &names_of).marks(&"가 나 ".repeat(200)).len(),
            MAX_RANGES
        );
    }

    #[test]
    fn a_long_text_is_looked_through_for_what_stands_in_it_only() {
        let long = format!("삼성전자가 {} 실적", "오늘도 시장은 조용하다 ".repeat(300));
        assert_eq!(marked("실적 ", &long), ["실적"]);
        assert_eq!(marked("삼송전자 ", &long), Vec::<String>::new());
        assert_eq!(marked("삼송전자 ", &"삼성전자 ".repeat(MAX_TOKENS)).len(), MAX_RANGES);
        assert_eq!(marked("삼송전자 ", &"삼성전자 ".repeat(MAX_TOKENS + 1)), Vec::<String>::new());
    }

    /// Prints how long a page of a hundred posts takes: `cargo test --release -p madang-search --lib -- --nocapture
    /// a_page_is_marked`.
    #[test]
    fn a_page_is_marked_in_a_while_that_is_printed() {
        let sentence = "오늘 반도체 업황이 좋아져서 삼성전자 실적이 기대보다 낫다고 하는데 NVIDIA earnings도 봐야 한다. ";
        let worst =
            "삼송전지 하이닉수 반도채업항 실정발표회 nvidai erning 배당굼 환률 금라인상 외국잉 순매쑤 목푯가";
        for query in ["삼전", "삼성전자 실적", worst] {
            for length in [200, 2_000, 5_000] {
                let body: String = sentence.chars().cycle().take(length).collect();
                let words = Words::parse(query, &ids);
                let began = std::time::Instant::now();
                let highlighter = Highlighter::new(&words, &names_of);
                let ranges: usize = (0..100).map(|_| highlighter.marks(&body).len()).sum();
                let took = began.elapsed().as_secs_f64() * 1_000.0;
                println!(
                    "{} words in 100 posts of {length}: {ranges} ranges, {took:.1} ms",
                    words.words.len()
                );
            }
        }
    }

    proptest! {
        #[test]
        fn ranges_are_in_the_text_in_order_and_apart(
            query in "\\PC{0,20}|[가나각\" ]{0,8}|(삼전|aapl|ma) ?",
            body in "\\PC{0,60}|[가나각 a.\u{1100}-\u{1112}\u{1161}-\u{1175}㈜ﬁ]{0,40}|(삼성 ?전자|\\$AAPL|MA| |의)*",
        ) {
            let length = u32::try_from(body.chars().count()).unwrap();
            let ranges = Highlighter::new(&Words::parse(&query, &ids), &names_of).marks(&body);
            prop_assert!(ranges.iter().all(|(from, until)| from < until && *until <= length));
            prop_assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0));
            prop_assert!(ranges.len() <= MAX_RANGES);
        }
    }
}
