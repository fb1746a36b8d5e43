//! Queries about posts, drawn from the posts that are loaded: words somebody wrote, as others would type them.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result};
use rand::{RngExt, seq::IndexedRandom};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{
    judged::{NEGATIVE, Query, RIGHT},
    korean::{is_korean, is_syllable, other_particle, slip, stem, swapped},
    relevance::{Meaning, plain},
};
use crate::bench::stores::Postgres;

const SEED: u64 = 37;
/// Queries of each kind.
const EACH: usize = 20;
/// Posts tried for each query of a kind.
const TRIES: usize = 200;
/// With more posts that are right, any order would do.
const MOST_RIGHT: usize = 40;

const KINDS: [&str; 11] = [
    "words",
    "reversed",
    "joined",
    "split",
    "particles",
    "typo",
    "half",
    "nickname",
    "english",
    "english typo",
    "english half",
];

/// Words nobody wrote; each is looked for before it counts.
const NOBODY: [&str; 20] = [
    "뷁쮊뚫훍",
    "쩝쭙쫍",
    "꿻뤫쀍",
    "갉낡닭섧맑",
    "zxqvwk",
    "jjqqxz",
    "wqxzvb plmqz",
    "고생대화석발굴",
    "철새도래지탐방",
    "빗살무늬토기",
    "훈민정음해례본",
    "사육신묘역",
    "첨성대별자리",
    "photosynthesis chloroplast",
    "trombone quartet",
    "hippopotamus",
    "paleolithic cave",
    "가야금산조",
    "판소리완창",
    "탈춤전수관",
];

/// Words that say little, in either language.
const LITTLE: [&str; 64] = [
    "그리고",
    "그런데",
    "하지만",
    "그래서",
    "진짜",
    "솔직히",
    "지금",
    "오늘",
    "내일",
    "어제",
    "이제",
    "다들",
    "그냥",
    "너무",
    "정말",
    "이거",
    "저거",
    "그거",
    "여기",
    "같은",
    "있는",
    "없는",
    "하는",
    "되는",
    "이런",
    "그런",
    "저런",
    "우리",
    "저는",
    "나는",
    "합니다",
    "입니다",
    "the",
    "and",
    "for",
    "with",
    "that",
    "this",
    "you",
    "are",
    "was",
    "but",
    "not",
    "have",
    "has",
    "will",
    "from",
    "its",
    "it's",
    "just",
    "they",
    "what",
    "your",
    "about",
    "all",
    "can",
    "our",
    "out",
    "get",
    "got",
    "who",
    "how",
    "via",
    "new",
];

/// A post as the judges see it.
#[derive(Debug)]
struct Body {
    id: String,
    text: String,
    plain: String,
    symbols: Vec<String>,
}

#[derive(Debug)]
struct Corpus {
    bodies: Vec<Body>,
    /// Nicknames by symbol.
    nicknames: HashMap<String, Vec<String>>,
}

impl Corpus {
    async fn load(database: &Postgres) -> Result<Self> {
        let sql = "SELECT json_build_array(p.id::text, p.body, coalesce((
                SELECT json_agg(t.symbol) FROM post_tickers pt JOIN tickers t ON t.id = pt.ticker_id
                WHERE pt.post_id = p.id), '[]'))
            FROM posts p WHERE p.listed AND p.repost_of IS NULL AND p.body <> '' ORDER BY p.id";
        let mut bodies = Vec::new();
        for line in database.sql(sql).await?.lines() {
            let (id, text, symbols): (String, String, Vec<String>) =
                serde_json::from_str(line).context("a post is not as expected")?;
            bodies.push(Body { id, plain: plain(&text), text, symbols });
        }
        let sql = "SELECT t.symbol, a.alias FROM ticker_aliases a JOIN tickers t ON t.id = a.ticker_id
            WHERE NOT a.removed ORDER BY 1, 2";
        let mut nicknames: HashMap<String, Vec<String>> = HashMap::new();
        for line in database.sql(sql).await?.lines() {
            let (symbol, nickname) = line.split_once('|').context("a nickname has no symbol")?;
            nicknames.entry(symbol.to_owned()).or_default().push(nickname.to_owned());
        }
        Ok(Self { bodies, nicknames })
    }

    /// The query with the grades of all posts, if few enough are right.
    fn judged(&self, kind: &'static str, text: String, meaning: &Meaning) -> Option<Query> {
        let grade = |body: &Body| Some(meaning.grade(&body.plain, &body.symbols)).filter(|grade| *grade > 0);
        let grades: HashMap<String, u8> =
            self.bodies.iter().filter_map(|body| Some((body.id.clone(), grade(body)?))).collect();
        let right = grades.values().filter(|grade| **grade == RIGHT).count();
        let usable = if kind == NEGATIVE { grades.is_empty() } else { (1..=MOST_RIGHT).contains(&right) };
        usable.then_some(Query { kind, text, grades })
    }
}

/// Draws them; the same posts give the same queries.
pub(crate) async fn queries(database: &Postgres) -> Result<Vec<Query>> {
    let corpus = Corpus::load(database).await?;
    let mut dice = ChaCha8Rng::seed_from_u64(SEED);
    let mut asked = HashSet::new();
    let mut queries = Vec::new();
    for kind in KINDS {
        let mut drawn = 0;
        for _ in 0..EACH * TRIES {
            let Some(query) = one(&corpus, kind, &mut dice) else { continue };
            if drawn < EACH && asked.insert(query.text.clone()) {
                queries.push(query);
                drawn += 1;
            }
            if drawn == EACH {
                break;
            }
        }
    }
    for words in NOBODY {
        let meaning = Meaning { words: words.split(' ').map(plain).collect(), symbol: None };
        queries.extend(corpus.judged(NEGATIVE, words.to_owned(), &meaning));
    }
    Ok(queries)
}

/// A query of a kind from some post, or nothing where that post gives none.
fn one(corpus: &Corpus, kind: &'static str, dice: &mut ChaCha8Rng) -> Option<Query> {
    let body = corpus.bodies.choose(dice)?;
    let english = kind.starts_with("english");
    let (words, said) = if kind.ends_with("half") {
        half(&body.text, english)?
    } else {
        let run =
            run(&body.text, english, if kind == "nickname" { 1 } else { dice.random_range(2..=3) }, dice)?;
        let said = match kind {
            "words" | "english" => run.join(" "),
            "reversed" => run.iter().rev().cloned().collect::<Vec<_>>().join(" "),
            "joined" => run.concat(),
            "split" => split(&run)?,
            "particles" => with_other_particle(&run)?,
            "nickname" => format!("{} {}", nickname(corpus, body, dice)?, run.concat()),
            _ => mistyped(&run, dice)?,
        };
        (run, said)
    };
    let symbol = if kind == "nickname" { body.symbols.first().cloned() } else { None };
    let words = words.iter().map(|word| plain(stem(word))).collect();
    corpus.judged(kind, said.to_lowercase(), &Meaning { words, symbol })
}

/// The word without punctuation, if it says something and is of the language.
fn telling(token: &str, english: bool) -> Option<&str> {
    let word = token.trim_matches(|c: char| !c.is_alphanumeric());
    let known =
        |c: char| if english { c.is_ascii_alphabetic() } else { is_syllable(c) || c.is_ascii_alphanumeric() };
    let starts = token.chars().next().is_some_and(char::is_alphanumeric);
    let language = if english { word.len() >= 4 } else { word.chars().any(is_syllable) };
    let fine = starts
        && language
        && word.chars().count() >= 2
        && word.chars().all(known)
        && !LITTLE.contains(&word.to_lowercase().as_str());
    fine.then_some(word)
}

/// So many telling words that stand next to one another, beginning anywhere.
fn run(text: &str, english: bool, length: usize, dice: &mut ChaCha8Rng) -> Option<Vec<String>> {
    let tokens: Vec<&str> = text.split_whitespace().collect();
    let runs: Vec<Vec<String>> = tokens
        .windows(length)
        .filter_map(|window| window.iter().map(|token| telling(token, english).map(str::to_owned)).collect())
        .collect();
    runs.choose(dice).cloned()
}

/// The first half of what is said, as it stands, and the telling words of it.
fn half(text: &str, english: bool) -> Option<(Vec<String>, String)> {
    let tokens: Vec<&str> = text.split_whitespace().collect();
    let first = tokens.get(..tokens.len().div_ceil(2)).filter(|first| (4..=9).contains(&first.len()))?;
    let words: Vec<String> =
        first.iter().filter_map(|token| telling(token, english)).map(str::to_owned).collect();
    (words.len() >= 3).then(|| (words, first.join(" ")))
}

fn split(run: &[String]) -> Option<String> {
    let long = |word: &&String| is_korean(word) && word.chars().count() >= 4;
    let word = run.iter().find(long)?;
    let middle = word.char_indices().nth(2)?.0;
    let (before, after) = word.split_at(middle);
    Some(run.join(" ").replacen(word.as_str(), &format!("{before} {after}"), 1))
}

fn with_other_particle(run: &[String]) -> Option<String> {
    let changed: Vec<String> =
        run.iter().map(|word| other_particle(word).unwrap_or_else(|| word.clone())).collect();
    (changed != run).then(|| changed.join(" "))
}

fn mistyped(run: &[String], dice: &mut ChaCha8Rng) -> Option<String> {
    let word = run.iter().max_by_key(|word| word.chars().count()).filter(|word| word.chars().count() >= 4)?;
    let at = dice.random_range(0..100);
    let wrong = if word.is_ascii() { swapped(word, at)? } else { slip(word, at)? };
    Some(run.join(" ").replacen(word.as_str(), &wrong, 1))
}

fn nickname(corpus: &Corpus, body: &Body, dice: &mut ChaCha8Rng) -> Option<String> {
    corpus.nicknames.get(body.symbols.first()?)?.choose(dice).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &[&str]) -> Vec<String> {
        text.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn telling_words_leave_out_links_tags_and_laughter() {
        assert_eq!(telling("실적이", false), Some("실적이"));
        assert_eq!(telling("HBM3E가!", false), Some("HBM3E가"));
        for none in ["$AAPL", "ㅋㅋㅋ", "그리고", "the", "http://t.co/x", "@somebody"] {
            assert_eq!(telling(none, true).or(telling(none, false)), None, "{none}");
        }
    }

    #[test]
    fn words_are_split_joined_and_given_other_particles() {
        assert_eq!(split(&words(&["영업이익", "증가"])).as_deref(), Some("영업 이익 증가"));
        assert_eq!(with_other_particle(&words(&["실적이", "좋다"])).as_deref(), Some("실적을 좋다"));
        assert_eq!(with_other_particle(&words(&["증가", "좋다"])), None);
    }

    #[test]
    fn half_a_sentence_keeps_its_words_as_they_stand() {
        let half = half("실적 발표를 보고 생각이 조금 바뀌었습니다. 그래서 샀습니다", false);
        assert_eq!(half.map(|(_, said)| said).as_deref(), Some("실적 발표를 보고 생각이"));
    }
}
