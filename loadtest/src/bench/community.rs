//! The community that is measured, in the import format: one star whom every reader follows, busy authors
//! whom readers follow in differing numbers (so that their timelines differ in length), and the readers, who
//! follow each other too. The same numbers every time.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use anyhow::{Context, Result};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use rand::{
    RngExt,
    seq::{IndexedRandom, index},
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde_json::json;

/// Followers of the star.
pub(crate) const READERS: usize = 5_000;
/// Authors with hundreds of followers each.
pub(crate) const BUSY: usize = 64;
/// People a reader follows beside the star, busy ones and other readers together.
const OTHERS: usize = 20;
const POSTS: usize = 15_000;
const DAYS: i64 = 5;
const SEED: u64 = 2026;

/// External id and handle of the star.
pub(crate) const STAR: &str = "star_of_the_show";

/// External id and handle of a busy author.
pub(crate) fn busy(number: usize) -> String {
    format!("busy_{number:02}")
}

/// External id and handle of a reader.
pub(crate) fn reader(number: usize) -> String {
    format!("reader_{number:04}")
}

const TICKERS: [[&str; 4]; 6] = [
    ["005930", "Samsung Electronics", "KRX", "삼성전자"],
    ["000660", "SK hynix", "KRX", "SK하이닉스"],
    ["035420", "NAVER", "KRX", "네이버"],
    ["AAPL", "Apple", "NASDAQ", "애플"],
    ["NVDA", "NVIDIA", "NASDAQ", "엔비디아"],
    ["TSLA", "Tesla", "NASDAQ", "테슬라"],
];

const SENTENCES: [&str; 8] = [
    "실적 발표를 보고 생각이 조금 바뀌었습니다. 영업이익률이 두 분기째 나아지고 있네요.",
    "외국인 수급이 돌아섰는지는 이번 주 거래량을 더 보고 판단하려고 합니다.",
    "Margins held up better than the guide, and inventory came down for a second quarter.",
    "오늘은 사지 않고 지켜봤습니다. 급할 것이 없는 자리라고 봅니다.",
    "We trimmed a fifth of the position into strength and would add again ten percent lower.",
    "배당까지 생각하면 장기로 들고 가도 나쁘지 않은 가격대 같습니다.",
    "The report was short on detail, so the next print decides whether this multiple is earned.",
    "환율이 변수라서 비중을 한 번에 늘리기보다는 나눠서 담는 중입니다.",
];

/// Words a post is made of.
pub(crate) fn words() -> Vec<&'static str> {
    SENTENCES.iter().flat_map(|sentence| sentence.split(' ')).collect()
}

/// Words in a post.
pub(crate) const POST_WORDS: usize = 26;

/// What a post says: about a ticker, some 200 to 400 bytes. Its words are drawn anew for every `number`: posts
/// that say nearly the same are what the service takes for spam.
pub(crate) fn text(number: usize) -> String {
    let mut dice = ChaCha8Rng::seed_from_u64(u64::try_from(number).unwrap_or(0));
    let words = words();
    let drawn: Vec<&str> = (0..POST_WORDS).filter_map(|_| words.choose(&mut dice).copied()).collect();
    let symbol = TICKERS.get(number % TICKERS.len()).map_or("", |[symbol, ..]| symbol);
    format!("${symbol} {} ({number})", drawn.join(" "))
}

/// Writes the folder that `madang import` reads.
pub(crate) fn write(folder: &Path, now: DateTime<Utc>) -> Result<()> {
    std::fs::create_dir(folder).with_context(|| format!("failed to create {}", folder.display()))?;
    let mut dice = ChaCha8Rng::seed_from_u64(SEED);
    write_tickers(folder)?;
    write_authors(folder, now)?;
    write_follows(folder, &mut dice)?;
    write_posts(folder, now, &mut dice)
}

fn create(folder: &Path, name: &str) -> Result<BufWriter<File>> {
    let file = File::create_new(folder.join(name));
    Ok(BufWriter::new(file.with_context(|| format!("failed to create {name}"))?))
}

fn write_tickers(folder: &Path) -> Result<()> {
    let mut to = create(folder, "tickers.csv")?;
    writeln!(to, "symbol,company,exchange,name_ko")?;
    for [symbol, company, exchange, name] in TICKERS {
        writeln!(to, "{symbol},{company},{exchange},{name}")?;
    }
    Ok(to.flush()?)
}

fn everybody() -> impl Iterator<Item = String> {
    std::iter::once(STAR.to_owned()).chain((0..BUSY).map(busy)).chain((0..READERS).map(reader))
}

fn write_authors(folder: &Path, now: DateTime<Utc>) -> Result<()> {
    let created = (now - TimeDelta::days(400)).date_naive();
    let mut to = create(folder, "authors.csv")?;
    writeln!(to, "author,handle,name,language,followers_count,account_created")?;
    for name in everybody() {
        writeln!(to, "{name},{name},{name},ko,0,{created}")?;
    }
    Ok(to.flush()?)
}

fn write_follows(folder: &Path, dice: &mut ChaCha8Rng) -> Result<()> {
    let mut to = create(folder, "follows.csv")?;
    writeln!(to, "follower,followee")?;
    for number in 0..READERS {
        let follower = reader(number);
        let of_busy = number % (OTHERS + 1);
        writeln!(to, "{follower},{STAR}")?;
        for followee in index::sample(dice, BUSY, of_busy) {
            writeln!(to, "{follower},{}", busy(followee))?;
        }
        // Counted from the next reader on, nobody meets themselves or anybody twice.
        for step in index::sample(dice, READERS - 1, OTHERS - of_busy) {
            writeln!(to, "{follower},{}", reader((number + 1 + step) % READERS))?;
        }
    }
    Ok(to.flush()?)
}

/// Of a hundred posts the star writes 4 and the busy ones 64: enough that every timeline is full.
fn author(dice: &mut ChaCha8Rng) -> String {
    match dice.random_range(0..100) {
        0..4 => STAR.to_owned(),
        4..68 => busy(dice.random_range(0..BUSY)),
        _ => reader(dice.random_range(0..READERS)),
    }
}

fn write_posts(folder: &Path, now: DateTime<Utc>, dice: &mut ChaCha8Rng) -> Result<()> {
    let mut to = create(folder, "posts.jsonl")?;
    let gap = TimeDelta::days(DAYS).num_milliseconds() / i64::try_from(POSTS)?;
    for number in 0..POSTS {
        let before = gap * i64::try_from(POSTS - number)?;
        let at = now - TimeDelta::milliseconds(before);
        let symbol = TICKERS.get(number % TICKERS.len()).map(|[symbol, ..]| *symbol);
        let line = json!({
            "id": format!("p{number}"),
            "created_at": at.to_rfc3339_opts(SecondsFormat::Millis, true),
            "author": author(dice),
            "text": text(number),
            "tickers": symbol.into_iter().collect::<Vec<_>>(),
            "lang": "ko",
        });
        writeln!(to, "{line}")?;
    }
    Ok(to.flush()?)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::text;

    #[test]
    fn texts_differ_and_are_as_long_as_posts_are() {
        let texts: Vec<String> = (0..1_000).map(text).collect();
        let different: HashSet<&String> = texts.iter().collect();
        assert_eq!(different.len(), texts.len());
        assert!(texts.iter().all(|text| (150..400).contains(&text.len())));
    }
}
