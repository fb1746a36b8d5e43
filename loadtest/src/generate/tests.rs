//! A generated community read back from its files, as an importer would.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Args, run};

const UNTIL: &str = "2026-03-02T00:00:00Z";
const PEOPLE: u32 = 1_000;
const POSTS: u32 = 8_000;

/// Files of a run in a folder of their own, gone with it.
pub(super) struct Output {
    folder: PathBuf,
    args: Args,
}

impl Output {
    pub(super) fn new(name: &str, seed: u64, people: u32, posts: u32) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("madang-loadtest-{}-{name}", std::process::id()));
        let args = Args {
            out: folder.clone(),
            people,
            posts,
            seed,
            until: Some(UNTIL.parse()?),
            days: 30,
            ledgers: 300,
        };
        run(&args)?;
        Ok(Self { folder, args })
    }

    pub(super) fn text(&self, name: &str) -> Result<String> {
        read(&self.folder, name)
    }

    pub(super) fn rows(&self, name: &str) -> Result<Vec<BTreeMap<String, String>>> {
        let text = self.text(name)?;
        csv::Reader::from_reader(text.as_bytes())
            .deserialize()
            .map(|row| row.context(name.to_owned()))
            .collect()
    }

    pub(super) fn column(&self, file: &str, column: &str) -> Result<Vec<String>> {
        self.rows(file)?.into_iter().map(|mut row| row.remove(column).context("no such column")).collect()
    }

    pub(super) fn posts(&self) -> Result<Vec<Value>> {
        self.text("posts.jsonl.gz")?
            .lines()
            .map(|line| serde_json::from_str(line).context("bad line"))
            .collect()
    }

    fn digest(&self) -> Result<Vec<(String, String)>> {
        let mut files: Vec<_> = fs::read_dir(&self.folder)?.collect::<Result<_, _>>()?;
        files.sort_by_key(fs::DirEntry::file_name);
        let digest = |path: &Path| anyhow::Ok(format!("{:?}", Sha256::digest(fs::read(path)?)));
        files
            .iter()
            .map(|file| Ok((file.file_name().to_string_lossy().into_owned(), digest(&file.path())?)))
            .collect()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).ok();
    }
}

fn read(folder: &Path, name: &str) -> Result<String> {
    let file = File::open(folder.join(name)).with_context(|| name.to_owned())?;
    let mut text = String::new();
    if name.ends_with(".gz") {
        GzDecoder::new(file).read_to_string(&mut text)?
    } else {
        { file }.read_to_string(&mut text)?
    };
    Ok(text)
}

pub(super) fn string<'a>(post: &'a Value, field: &str) -> &'a str {
    post.get(field).and_then(Value::as_str).unwrap_or("")
}

pub(super) fn tickers(post: &Value) -> Vec<&str> {
    let list = post.get("tickers").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_does_not() -> Result<()> {
    let first = Output::new("first", 7, 200, 1_000)?.digest()?;
    let again = Output::new("again", 7, 200, 1_000)?.digest()?;
    let other = Output::new("other", 8, 200, 1_000)?.digest()?;
    assert_eq!(first.len(), 10, "{first:?}");
    assert_eq!(first, again);
    let same: Vec<_> =
        first.iter().filter(|file| other.contains(file)).map(|(name, _)| name.as_str()).collect();
    assert_eq!(same, ["originals.jsonl.gz", "tickers.csv"]);
    Ok(())
}

#[test]
fn every_reference_resolves_to_something_earlier() -> Result<()> {
    let output = Output::new("references", 7, PEOPLE, POSTS)?;
    let authors: BTreeSet<_> = output.column("authors.csv.gz", "author")?.into_iter().collect();
    let symbols: BTreeSet<_> = output.column("tickers.csv", "symbol")?.into_iter().collect();
    let posts = output.posts()?;
    let mut earlier: BTreeMap<&str, &Value> = BTreeMap::new();
    let mut reposted = BTreeSet::new();
    let mut last = "";
    for post in &posts {
        let (id, at, author) = (string(post, "id"), string(post, "created_at"), string(post, "author"));
        assert!(authors.contains(author), "{post}");
        assert!(tickers(post).into_iter().all(|ticker| symbols.contains(ticker)), "{post}");
        assert!(last <= at && at < UNTIL, "{post}");
        for target in
            [string(post, "reply_to"), string(post, "repost_of")].into_iter().filter(|id| !id.is_empty())
        {
            let target = earlier.get(target).context("the target comes later")?;
            assert_eq!(string(target, "repost_of"), "", "{post}");
            assert!(string(target, "created_at") < at, "{post}");
        }
        let original = string(post, "repost_of");
        assert!(original.is_empty() || reposted.insert((author, original)), "{post}");
        assert!(earlier.insert(id, post).is_none(), "{id} stands twice");
        last = at;
    }
    assert_eq!(posts.len(), output.args.posts as usize);
    Ok(())
}

#[test]
fn texts_stay_within_what_the_service_takes() -> Result<()> {
    let output = Output::new("texts", 9, PEOPLE, POSTS)?;
    let posts = output.posts()?;
    for post in &posts {
        let (text, named) = (string(post, "text"), tickers(post));
        assert!((1..=2_500).contains(&text.chars().count()), "{post}");
        assert!(!text.contains(['{', '}', '|']), "an open slot: {text}");
        assert!(named.len() <= 5 && named.iter().collect::<BTreeSet<_>>().len() == named.len(), "{post}");
        assert!(
            !named.is_empty() || post.get("stance").is_some_and(Value::is_null),
            "a stance on nothing: {post}"
        );
    }
    let written: Vec<_> = posts.iter().filter(|post| string(post, "repost_of").is_empty()).collect();
    let distinct: BTreeSet<_> = written.iter().map(|post| string(post, "text")).collect();
    let doubled = 100 * (written.len() - distinct.len()) / written.len();
    assert!(doubled < 5, "{doubled} % of {} texts stand twice", written.len());
    Ok(())
}

#[test]
fn cashtags_name_tickers_of_the_post() -> Result<()> {
    let output = Output::new("cashtags", 5, 300, 3_000)?;
    let mut symbols = BTreeMap::new();
    for row in output.rows("tickers.csv")? {
        let get = |column: &str| row.get(column).cloned().context("no such column");
        symbols.insert(get("symbol")?, get("symbol")?);
        symbols.insert(get("name_ko")?, get("symbol")?);
    }
    let posts = output.posts()?;
    let mut seen = 0;
    for post in posts.iter().filter(|post| string(post, "repost_of").is_empty()) {
        for word in string(post, "text").split_whitespace().filter_map(|word| word.strip_prefix('$')) {
            let symbol = symbols.get(word).with_context(|| format!("unknown cashtag {word} in {post}"))?;
            assert!(tickers(post).contains(&symbol.as_str()), "{post}");
            seen += 1;
        }
    }
    assert!(seen > 1_000, "{seen} cashtags");
    Ok(())
}

#[test]
fn handles_are_valid_and_no_two_look_alike() -> Result<()> {
    let output = Output::new("handles", 3, 20_000, 0)?;
    let demo = ["investor", "creator", "moderator", "admin"];
    let mut seen = BTreeSet::new();
    let korean = |c: char| ('가'..='힣').contains(&c);
    for handle in output.column("authors.csv.gz", "handle")? {
        assert!((2..=20).contains(&handle.chars().count()), "{handle}");
        let plain = |c: char| c.is_ascii_lowercase() || ('2'..='9').contains(&c) || c == '_' || korean(c);
        assert!(handle.chars().all(plain) && !demo.contains(&handle.as_str()), "{handle}");
        let skeleton: String = unicode_security::skeleton(&handle).filter(|c| *c != '_').collect();
        assert!(seen.insert(skeleton), "{handle} looks like another");
    }
    let latin = seen.iter().filter(|handle| handle.is_ascii()).count();
    assert!((4_000..10_000).contains(&latin), "{latin} Latin handles of 20,000");
    Ok(())
}

#[test]
fn aliases_and_names_mean_one_company_each() -> Result<()> {
    let output = Output::new("aliases", 3, 2, 0)?;
    let mut seen = BTreeSet::new();
    for row in output.rows("tickers.csv")? {
        let names: BTreeSet<String> = ["symbol", "name_ko", "company", "aliases"]
            .iter()
            .filter_map(|column| row.get(*column))
            .flat_map(|names| names.split('|'))
            .filter(|name| !name.is_empty())
            .map(str::to_lowercase)
            .collect();
        for name in names {
            assert!(seen.insert(name.clone()), "{name} means two companies");
        }
    }
    let priced: BTreeSet<_> = output.column("prices.csv.gz", "symbol")?.into_iter().collect();
    assert_eq!((priced.len(), output.rows("tickers.csv")?.len()), (40, 294));
    Ok(())
}

#[test]
fn prices_are_consistent_and_end_before_the_window_does() -> Result<()> {
    let output = Output::new("prices", 4, 2, 0)?;
    for row in output.rows("prices.csv.gz")? {
        let symbol = row.get("symbol").context("no symbol")?;
        let value = |column: &str| -> Result<u64> {
            let text = row.get(column).context("no such column")?;
            let cents = text.split_once('.').map_or(0, |(_, cents)| cents.len());
            assert_eq!(cents, if symbol.starts_with(char::is_numeric) { 0 } else { 2 }, "{row:?}");
            Ok(text.replace('.', "").parse()?)
        };
        let (open, high, low, close) = (value("open")?, value("high")?, value("low")?, value("close")?);
        assert!(low > 0 && low <= open.min(close) && high >= open.max(close), "{row:?}");
        assert!(row.get("date").is_some_and(|date| date.as_str() < "2026-03-02"), "{row:?}");
    }
    Ok(())
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() -> Result<()> {
    let output = Output::new("occupied", 1, 2, 1)?;
    let before = output.digest()?;
    assert!(run(&output.args).is_err());
    assert_eq!(before, output.digest()?);
    Ok(())
}
