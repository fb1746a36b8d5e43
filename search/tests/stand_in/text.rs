//! Texts as the server takes them apart: normalised to letters (Hangul to jamo), cut into words at separators and where
//! scripts meet, Korean further by a dictionary. The real dictionary has hundreds of thousands of words; this one has a
//! few, and takes the usual particles off what it does not know.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// A word of a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) at: usize,
}

/// What a query is made of.
#[derive(Debug, Clone)]
pub(crate) struct Term {
    /// One, or those of a phrase.
    pub(crate) words: Vec<String>,
    pub(crate) phrase: bool,
    /// Whether more may follow.
    pub(crate) open: bool,
    pub(crate) negative: bool,
}

/// The server looks for no more terms than these.
const MAX_TERMS: usize = 10;
/// A hard separator puts words this far apart, besides the one step.
const HARD: usize = 7;

const WORDS: [&str; 25] = [
    "삼성전자",
    "삼성",
    "전자",
    "하이닉스",
    "현대차",
    "카카오",
    "네이버",
    "실적",
    "반도체",
    "발표",
    "주가",
    "배당",
    "전망",
    "목표",
    "매수",
    "매도",
    "상승",
    "하락",
    "급등",
    "급락",
    "공시",
    "금리",
    "환율",
    "이차전지",
    "금",
];
const PARTICLES: [&str; 30] = [
    "에서는",
    "으로는",
    "에게서",
    "이라고",
    "에서",
    "으로",
    "에게",
    "까지",
    "부터",
    "처럼",
    "보다",
    "이나",
    "라고",
    "하고",
    "은",
    "는",
    "이",
    "가",
    "을",
    "를",
    "의",
    "에",
    "로",
    "와",
    "과",
    "도",
    "만",
    "나",
    "랑",
    "님",
];

/// Letters as compared: NFKD, lower case, without accents.
pub(crate) fn normal(text: &str) -> String {
    let accent = |c: &char| is_combining_mark(*c) && ('\u{300}'..'\u{370}').contains(c);
    text.nfkd().filter(|c| !accent(c)).flat_map(char::to_lowercase).collect()
}

fn is_hangul(c: char) -> bool {
    matches!(c, '가'..='힣')
}

/// Cuts a run of syllables into words.
fn cut<'a>(run: &'a str, dictionary: &[String], out: &mut Vec<&'a str>) {
    if run.is_empty() {
        return;
    }
    let known = |word: &&str| run.starts_with(*word);
    let longest =
        dictionary.iter().map(String::as_str).chain(WORDS).filter(known).max_by_key(|word| word.len());
    if let Some(word) = longest {
        out.push(&run[..word.len()]);
        return cut(&run[word.len()..], dictionary, out);
    }
    let stem = PARTICLES
        .iter()
        .find_map(|particle| run.strip_suffix(particle).filter(|stem| stem.chars().count() >= 2));
    match stem {
        Some(stem) => out.extend([&run[..stem.len()], &run[stem.len()..]]),
        None => out.push(run),
    }
}

enum Piece<'a> {
    Word(&'a str),
    Gap(&'a str),
}

fn pieces<'a>(text: &'a str, separators: &[String], dictionary: &[String]) -> Vec<Piece<'a>> {
    let class = |c: char| {
        let separates = separators.iter().any(|token| token.starts_with(c));
        match c {
            c if separates || !(c.is_alphanumeric() || is_combining_mark(c)) => 0,
            c if is_hangul(c) => 1,
            _ => 2,
        }
    };
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let kind = class(first);
        let end = rest.find(|c| class(c) != kind).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        match kind {
            0 => out.push(Piece::Gap(run)),
            1 => {
                let mut words = Vec::new();
                cut(run, dictionary, &mut words);
                out.extend(words.into_iter().map(Piece::Word));
            }
            _ => out.push(Piece::Word(run)),
        }
        rest = after;
    }
    out
}

fn is_hard(gap: &str) -> bool {
    gap.contains(['.', '!', '?', ';', ',', ':', '(', ')', '[', ']', '{', '}', '\n', '|', '/'])
}

/// The words of a text and where they stand.
pub(crate) fn words(text: &str, separators: &[String], dictionary: &[String]) -> Vec<Word> {
    let composed: String = text.nfkc().collect();
    let (mut out, mut at) = (Vec::new(), 0);
    for piece in pieces(&composed, separators, dictionary) {
        match piece {
            Piece::Word(word) => {
                out.push(Word { text: normal(word), at });
                at += 1;
            }
            Piece::Gap(gap) if is_hard(gap) && at > 0 => at += HARD,
            Piece::Gap(_) => {}
        }
    }
    out
}

/// The terms of a query. The last word may go on unless something follows it; quotes make phrases; a hyphen after a
/// space forbids what follows it.
pub(crate) fn terms(query: &str, separators: &[String], dictionary: &[String]) -> Vec<Term> {
    let composed: String = query.nfkc().collect();
    let pieces = pieces(&composed, separators, dictionary);
    let mut out: Vec<Term> = Vec::new();
    let mut phrase: Option<(Vec<String>, bool)> = None;
    let mut negative = false;
    let mut spaced = true;
    let close = |out: &mut Vec<Term>, phrase: &mut Option<(Vec<String>, bool)>| {
        if let Some((words, negative)) = phrase.take().filter(|(words, _)| !words.is_empty()) {
            out.push(Term { words, phrase: true, open: false, negative });
        }
    };
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Word(word) => {
                spaced = false;
                match &mut phrase {
                    Some((words, _)) => words.push(normal(word)),
                    None => {
                        let open = at + 1 == pieces.len();
                        out.push(Term { words: vec![normal(word)], phrase: false, open, negative });
                        negative = false;
                    }
                }
            }
            Piece::Gap(gap) => {
                for c in gap.chars() {
                    match c {
                        '"' if phrase.is_some() => close(&mut out, &mut phrase),
                        '"' => phrase = Some((Vec::new(), std::mem::take(&mut negative))),
                        '-' if spaced && phrase.is_none() => negative = true,
                        _ => negative = false,
                    }
                    spaced = c.is_whitespace();
                }
            }
        }
    }
    close(&mut out, &mut phrase);
    let mut left = MAX_TERMS;
    out.retain(|term| {
        let stays = term.negative || left > 0;
        left -= usize::from(stays && !term.negative);
        stays
    });
    out
}

/// How many letters differ, at most `most`; where more may follow the wanted word, only as far as it goes. A first
/// letter that differs counts twice.
pub(crate) fn typos(wanted: &str, found: &str, open: bool, most: usize) -> Option<usize> {
    let (wanted, found): (Vec<char>, Vec<char>) = (wanted.chars().collect(), found.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=found.len()).collect()];
    for (i, a) in wanted.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in found.iter().enumerate() {
            let changed = rows[i][j] + usize::from(a != b);
            let mut least = changed.min(rows[i][j + 1] + 1).min(row[j] + 1);
            // Neighbours that changed places are one typo.
            if i > 0 && j > 0 && *a == found[j - 1] && wanted[i - 1] == *b {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    let row = &rows[wanted.len()];
    let distance = if open { row.iter().copied().min() } else { row.last().copied() }?;
    let distance = if distance > 0 && wanted.first() != found.first() { distance.max(2) } else { distance };
    (distance <= most).then_some(distance)
}
