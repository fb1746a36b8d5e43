//! The files of the import format. They appear under their final name only when all are complete.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, SecondsFormat};
use flate2::{Compression, GzBuilder, write::GzEncoder};
use serde::Serialize;

use super::people::opaque_id;
use super::posts::{Kind, Mood, Post};
use super::progress::Progress;
use super::tickers::Exchange;
use super::{Community, ledger, listing};

#[derive(Serialize)]
struct PostLine<'a> {
    id: String,
    created_at: String,
    author: &'a str,
    text: String,
    tickers: Vec<&'static str>,
    reply_to: Option<String>,
    repost_of: Option<String>,
    likes: u64,
    reposts: u64,
    lang: &'static str,
    stance: Option<&'static str>,
}

/// Write `community` to the new folder `out`.
pub(crate) fn write(community: &Community, out: &Path) -> Result<()> {
    let partial = prepare(out)?;
    write_tickers(&partial)?;
    write_prices(community, &partial)?;
    write_authors(community, &partial)?;
    write_follows(community, &partial)?;
    finish(gzip(&partial, "originals.jsonl.gz")?)?;
    write_posts(community, &partial)?;
    ledger::write(community, &partial)?;
    fs::rename(&partial, out).with_context(|| format!("failed to rename to {}", out.display()))
}

/// Refuse to touch a folder with something in it; what an interrupted run left is done again.
fn prepare(out: &Path) -> Result<PathBuf> {
    if out.read_dir().is_ok_and(|mut entries| entries.next().is_some()) || out.is_file() {
        bail!("{} is there already; remove it or choose another folder", out.display());
    }
    let mut name = out.file_name().context("the output needs a folder name")?.to_owned();
    name.push(".partial");
    let partial = out.with_file_name(name);
    if partial.exists() {
        fs::remove_dir_all(&partial).with_context(|| format!("failed to remove {}", partial.display()))?;
    }
    fs::create_dir_all(&partial).with_context(|| format!("failed to create {}", partial.display()))?;
    Ok(partial)
}

type Gzip = GzEncoder<BufWriter<File>>;

/// The header names no time, file or system, so that equal contents are equal files.
fn gzip(folder: &Path, name: &str) -> Result<Gzip> {
    let path = folder.join(name);
    let file = File::create_new(&path).with_context(|| format!("failed to create {}", path.display()))?;
    Ok(GzBuilder::new().mtime(0).operating_system(255).write(BufWriter::new(file), Compression::default()))
}

fn finish(encoder: Gzip) -> Result<()> {
    let file = encoder.finish()?.into_inner()?;
    file.sync_all().context("failed to sync a file")
}

pub(super) fn csv_writer<W: Write>(to: W, header: &[&str]) -> Result<csv::Writer<W>> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(header)?;
    Ok(csv)
}

fn close(csv: csv::Writer<Gzip>) -> Result<()> {
    finish(csv.into_inner().map_err(|error| error.into_error())?)
}

fn write_tickers(folder: &Path) -> Result<()> {
    let header = [
        "symbol",
        "company",
        "sector",
        "exchange",
        "name_ko",
        "aliases",
        "currency",
        "time_zone",
        "status",
        "renamed_to",
    ];
    let mut csv = csv_writer(File::create_new(folder.join("tickers.csv"))?, &header)?;
    for listed in listing::all()? {
        let exchange = listed.exchange;
        csv.write_record([
            listed.symbol.as_str(),
            &listed.company,
            &listed.sector,
            exchange.name(),
            &listed.name_ko,
            &listed.aliases,
            exchange.currency(),
            exchange.zone().name(),
            "active",
            "",
        ])?;
    }
    csv.flush().context("failed to write the tickers")
}

fn write_prices(community: &Community, folder: &Path) -> Result<()> {
    let header = ["symbol", "date", "open", "high", "low", "close", "adj_close", "volume"];
    let mut csv = csv_writer(gzip(folder, "prices.csv.gz")?, &header)?;
    for listing in &community.market.listings {
        let price = |value| decimal(value, listing.ticker.exchange);
        for bar in &listing.bars {
            let close = price(bar.close);
            let (date, volume) = (bar.date.to_string(), bar.volume.to_string());
            let (open, high, low) = (price(bar.open), price(bar.high), price(bar.low));
            csv.write_record([listing.ticker.symbol, &date, &open, &high, &low, &close, &close, &volume])?;
        }
    }
    close(csv)
}

/// Whole won, or dollars of the cents.
pub(crate) fn decimal(value: i64, exchange: Exchange) -> String {
    if exchange.is_korean() { value.to_string() } else { format!("{}.{:02}", value / 100, value % 100) }
}

fn write_authors(community: &Community, folder: &Path) -> Result<()> {
    let header = [
        "author",
        "followers_count",
        "following_count",
        "posts_count",
        "verified",
        "account_created",
        "handle",
        "name",
        "language",
    ];
    let mut csv = csv_writer(gzip(folder, "authors.csv.gz")?, &header)?;
    for person in &community.people.all {
        csv.write_record([
            person.id.as_str(),
            &person.outside_followers.to_string(),
            &person.outside_following.to_string(),
            &person.outside_posts.to_string(),
            if person.verified { "true" } else { "false" },
            &person.created.to_string(),
            &person.naming.handle,
            &person.naming.name,
            language(person.korean),
        ])?;
    }
    close(csv)
}

fn write_follows(community: &Community, folder: &Path) -> Result<()> {
    let people = &community.people;
    let progress = Progress::new("follows", people.all.len() as u64);
    let mut csv = csv_writer(gzip(folder, "follows.csv.gz")?, &["follower", "followee", "origin"])?;
    for (follower, followees) in people.all.iter().zip(&people.following) {
        for followee in followees.iter().filter_map(|followee| people.get(*followee)) {
            csv.write_record([follower.id.as_str(), &followee.id, "generated"])?;
        }
        progress.step();
    }
    close(csv)
}

fn write_posts(community: &Community, folder: &Path) -> Result<()> {
    let progress = Progress::new("posts", community.posts.len() as u64);
    let mut to = BufWriter::with_capacity(1 << 16, gzip(folder, "posts.jsonl.gz")?);
    for (position, post) in (0_u32..).zip(&community.posts) {
        serde_json::to_writer(&mut to, &line(community, position, post)?)?;
        to.write_all(b"\n")?;
        progress.step();
    }
    finish(to.into_inner().map_err(|error| error.into_error())?)
}

fn line<'a>(community: &'a Community, position: u32, post: &Post) -> Result<PostLine<'a>> {
    let id = |position: u32| opaque_id('p', community.seed, position.into());
    let time = DateTime::from_timestamp(post.at, 0).context("a post's time is out of range")?;
    let (reply_to, repost_of) = match post.kind {
        Kind::Post => (None, None),
        Kind::Reply(target) => (Some(id(target)), None),
        Kind::Repost(target) => (None, Some(id(target))),
    };
    let listings = post.tickers.iter().filter_map(|ticker| community.market.listings.get(*ticker));
    Ok(PostLine {
        id: id(position),
        created_at: time.to_rfc3339_opts(SecondsFormat::Secs, true),
        author: &community.people.get(post.author).context("a post has no author")?.id,
        text: community.text(position),
        tickers: listings.map(|listing| listing.ticker.symbol).collect(),
        reply_to,
        repost_of,
        likes: post.likes,
        reposts: post.likes * 3 / 10,
        lang: language(post.korean),
        stance: stance(post),
    })
}

fn stance(post: &Post) -> Option<&'static str> {
    match post.mood {
        Mood::Bull if post.takes_stance => Some("bull"),
        Mood::Bear if post.takes_stance => Some("bear"),
        _ => None,
    }
}

const fn language(korean: bool) -> &'static str {
    if korean { "ko" } else { "en" }
}
