//! Measures the embedded index: `cargo run --release -p madang-search --example measure -- <folder> <posts> <file>...`
//!
//! Reads texts of posts from files of JSON lines (`.jsonl.gz`, field `text`), repeats them with words of one another
//! until there are so many posts, builds an index of them in the folder and asks typical queries. Prints posts/s, bytes
//! per post and the time of queries; asserts nothing.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context;
use flate2::read::GzDecoder;
use madang_core::ids::{PostId, TickerId, UserId};
use madang_search::{
    SearchIndex,
    documents::{Batch, Built, Mark, PostDoc},
    embedded::Embedded,
    query::{PostFilter, PostQuery, Words},
};

const DATABASE: &str = "00000000-0000-4000-8000-000000000000";
const BATCH: usize = 20_000;
const ROUNDS: usize = 40;
const QUERIES: [&str; 20] = [
    "삼성전자",
    "삼성전자 실적",
    "삼성전자실적",
    "실적이",
    "2차전지",
    "hbm3e",
    "물적분할",
    "배당",
    "금리 인하",
    "삼송전자",
    "earnings",
    "apple earnings",
    "earnigns",
    "$tsla",
    "\"all time high\"",
    "buy the dip",
    "goog",
    "the market is going up today",
    "반도체 업황 회복 언제쯤 올까",
    "코스피",
];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().context("no folder")?);
    let count: usize = args.next().context("no number of posts")?.parse()?;
    let texts = read(args.map(PathBuf::from))?;
    let index = SearchIndex::Embedded(Embedded::open(&folder, DATABASE)?);
    if index.mark().await?.is_none() {
        build(&index, &texts, count).await?;
    }
    println!("{:.0} bytes a post on disk", size(&folder)? as f64 / count as f64);
    for query in QUERIES {
        ask(&index, query, PostFilter::default()).await?;
    }
    let among = (0..2_000).map(|id| UserId::new(id * 7 + 1)).collect();
    ask(&index, "earnings", PostFilter { among: Some(among), ..PostFilter::default() }).await?;
    if count <= texts.len() {
        for kind in [Kind::Words, Kind::Typo, Kind::Joined, Kind::Particle, Kind::Half] {
            find_again(&index, &texts, count, kind).await?;
        }
    }
    live(&index, &texts, count).await
}

/// How a query is made of a post that is to be found again.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Its three longest words.
    Words,
    /// The same, two letters of the longest in each other's place, or one syllable with another vowel.
    Typo,
    /// Two neighbouring Korean words without the space, and another.
    Joined,
    /// Its longest words, a Korean one with another particle.
    Particle,
    /// Five words in a row, and one that is not in it.
    Half,
}

fn query_of(text: &str, kind: Kind) -> Option<String> {
    let is_korean = |word: &&str| word.chars().all(madang_search::hangul::is_syllable);
    let plain = |word: &&str| word.chars().all(char::is_alphabetic) && word.chars().count() > 1;
    let words: Vec<&str> = text.split_whitespace().filter(plain).collect();
    let mut longest = words.clone();
    longest.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
    let first = *longest.first()?;
    let rest = longest.get(1..3)?.join(" ");
    match kind {
        Kind::Words => Some(format!("{first} {rest} ")),
        Kind::Typo => Some(format!("{} {rest} ", mistyped(first)?)),
        Kind::Joined => {
            let pair = words.windows(2).find(|pair| pair.iter().all(is_korean))?;
            Some(format!("{} {first} ", pair.concat()))
        }
        Kind::Particle => {
            let stem =
                madang_search::hangul::particles::stem(longest.iter().copied().find(|word| is_korean(word))?);
            Some(format!("{stem}까지 {rest} "))
        }
        Kind::Half => Some(format!("{} zzyzx ", words.get(..5)?.join(" "))),
    }
}

fn mistyped(word: &str) -> Option<String> {
    let mut letters: Vec<char> = word.chars().collect();
    let last = letters.len().checked_sub(1).filter(|last| *last > 2)?;
    if word.is_ascii() && last > 4 {
        letters.swap(last / 2, last / 2 + 1);
    } else {
        let at = letters.get_mut(1).filter(|c| madang_search::hangul::is_syllable(**c))?;
        let number = u32::from(*at) - 0xAC00;
        let vowel = number % 588 / 28;
        *at = char::from_u32(0xAC00 + number - vowel * 28 + (vowel + 4) % 21 * 28)?;
    }
    Some(letters.into_iter().collect())
}

/// How often a post with the same text stands first, among the first five, or is found at all.
async fn find_again(index: &SearchIndex, texts: &[String], count: usize, kind: Kind) -> anyhow::Result<()> {
    let (mut asked, mut first, mut five, mut found) = (0, 0, 0, 0);
    for (number, text) in texts.iter().enumerate().take(count).step_by(97) {
        let Some(query) = query_of(text, kind) else { continue };
        let words = Words::parse(&query, &|_| Vec::new());
        let hits = index.posts(&PostQuery { words, filter: PostFilter::default(), limit: 500 }).await?;
        let same = |id: &PostId| texts.get(usize::try_from(id.get() - 1).unwrap_or(number)) == Some(text);
        asked += 1;
        let place = hits.iter().position(same);
        first += usize::from(place == Some(0));
        five += usize::from(place.is_some_and(|place| place < 5));
        found += usize::from(place.is_some());
    }
    let part = |of: usize| of as f64 / f64::from(asked).max(1.0);
    println!(
        "{kind:?}: {asked} asked, first {:.3}, five {:.3}, found {:.3}",
        part(first),
        part(five),
        part(found)
    );
    Ok(())
}

fn read(files: impl Iterator<Item = PathBuf>) -> anyhow::Result<Vec<String>> {
    let mut texts = Vec::new();
    for file in files {
        let reader =
            BufReader::new(GzDecoder::new(File::open(&file).with_context(|| file.display().to_string())?));
        for line in reader.lines() {
            let post: serde_json::Value = serde_json::from_str(&line?)?;
            texts.extend(post.get("text").and_then(|text| text.as_str()).map(str::to_owned));
        }
    }
    Ok(texts)
}

/// Post `number`: a text, and from the second round on with some words of another.
fn post(texts: &[String], number: usize) -> PostDoc {
    let text = |at: usize| texts.get(at % texts.len().max(1)).map_or("", String::as_str);
    let (round, mixed) = (number / texts.len().max(1), number.wrapping_mul(7_919) + number / 31);
    let mut body = text(number).to_owned();
    if round > 0 {
        body.extend(text(mixed).split_whitespace().skip(mixed % 5).take(3).flat_map(|word| [" ", word]));
    }
    PostDoc {
        id: PostId::new(number as i64 + 1),
        body,
        tickers: vec![TickerId::new((mixed % 2_000) as i32)],
        ticker_names: Vec::new(),
        author: UserId::new((mixed % 20_000) as i64),
        verified: mixed % 50 == 0,
        stance: (mixed % 3) as i16 - 1,
        created_at: 1_500_000_000 + number as i64 * 400,
        rank: 237_700_000 + number as i64 * 400 + (mixed % 50_000) as i64,
    }
}

async fn build(index: &SearchIndex, texts: &[String], count: usize) -> anyhow::Result<()> {
    let mark = |posts_after| Mark {
        database: DATABASE.into(),
        position: 0,
        building: Some(Built { people_after: 0, posts_after }),
    };
    let begun = Instant::now();
    let done =
        index.begin_build(mark(0), false).await?.building.map_or(0, |built| built.posts_after) as usize;
    for first in (done..count).step_by(BATCH) {
        let last = (first + BATCH).min(count);
        let posts = (first..last).map(|number| post(texts, number)).collect();
        index.build(Batch { posts, ..Batch::default() }, mark(last as i64)).await?;
    }
    let added = begun.elapsed();
    index.finish_build().await?;
    let rate = |time: Duration| (count - done) as f64 / time.as_secs_f64();
    println!("built {count} posts: {:.0} posts/s, {:.0} with merging", rate(added), rate(begun.elapsed()));
    Ok(())
}

fn size(folder: &Path) -> anyhow::Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        sum += if entry.file_type()?.is_dir() { size(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(sum)
}

async fn ask(index: &SearchIndex, text: &str, filter: PostFilter) -> anyhow::Result<()> {
    let query = PostQuery { words: Words::parse(text, &|_| Vec::new()), filter, limit: 500 };
    let mut times = Vec::new();
    let mut hits = 0;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        hits = index.posts(&query).await?.len();
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let at = |part: f64| {
        times.get((times.len() as f64 * part) as usize).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    println!("{text:32} {hits:4} hits  p50 {:7.2} ms  p99 {:7.2} ms", at(0.5), at(0.99));
    Ok(())
}

/// Applies of 50 posts each, as beside a service.
async fn live(index: &SearchIndex, texts: &[String], count: usize) -> anyhow::Result<()> {
    index.lead().await?;
    let mut times = Vec::new();
    let mut position = index.mark().await?.map_or(0, |mark| mark.position);
    for round in 0..ROUNDS {
        let posts = (0..50).map(|number| post(texts, count + round * 50 + number)).collect();
        let mark = Mark { database: DATABASE.into(), position: position + 1, building: None };
        let begun = Instant::now();
        index.apply(Batch { posts, ..Batch::default() }, position, mark).await?;
        position += 1;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    println!("an apply of 50 posts: median {:?}, longest {:?}", times.get(ROUNDS / 2), times.last());
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().filter(|line| line.starts_with("RssAnon")).for_each(|line| println!("{line}"));
    Ok(())
}
