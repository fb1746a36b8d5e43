//! A synthetic community in the import format: people, follows, posts, prices and trades that never were, in the shapes
//! of real ones. The same seed, end, days and sizes give the same bytes.

mod clock;
mod dice;
mod handles;
mod ledger;
mod listing;
mod market;
mod particle;
mod past;
mod people;
mod posts;
mod profile;
mod progress;
mod replies_ko;
mod scene;
#[cfg(test)]
mod shape_tests;
#[cfg(test)]
mod tests;
mod text;
mod text_en;
mod text_ko;
mod threads;
mod tickers;
mod words_en;
mod words_ko;
mod write;

use std::path::PathBuf;

use anyhow::{Context, Result};
use chrono::{DateTime, DurationRound, SecondsFormat, TimeDelta, Utc};

use ledger::Ledgers;
use market::Market;
use people::People;
use posts::{Kind, Post};

/// What to generate.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder to create; it must be absent or empty
    #[arg(long)]
    out: PathBuf,
    /// People who write and follow
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=5_000_000))]
    people: u32,
    /// Posts, with replies and reposts
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=50_000_000))]
    posts: u32,
    /// The same seed and end give the same bytes
    #[arg(long)]
    seed: u64,
    /// End of the window, RFC 3339 [default: now, rounded down to the hour]
    #[arg(long)]
    until: Option<DateTime<Utc>>,
    /// Length of the window in days
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,
    /// People whose trades a broker reports, at most
    #[arg(long, default_value_t = LEDGERS, value_parser = clap::value_parser!(u32).range(0..=LEDGERS_LIMIT))]
    ledgers: u32,
}

/// People with a ledger in a demo.
const LEDGERS: u32 = 300;
/// More would be a load, not a demo.
const LEDGERS_LIMIT: i64 = 10_000;

/// Everything that the files tell, but for the words, which are made as they are written.
pub(crate) struct Community {
    seed: u64,
    market: Market,
    people: People,
    posts: Vec<Post>,
    ledgers: Ledgers,
}

impl Community {
    fn new(args: &Args, until: i64) -> Self {
        let market = Market::new(args.seed, until, args.days);
        let people = People::new(args.seed, args.people, until - i64::from(args.days) * 86_400);
        let mut posts = posts::draft(args.seed, &market, &people, args.posts);
        threads::link(args.seed, &people, &mut posts);
        let ledgers = Ledgers::new(args.seed, &market, &people, &posts, args.ledgers);
        Self { seed: args.seed, market, people, posts, ledgers }
    }

    /// What the post at `position` says.
    fn text(&self, position: u32) -> String {
        text::compose(self, position)
    }
}

/// Generate, write and say what was written.
pub(crate) fn run(args: &Args) -> Result<()> {
    let until = match args.until {
        Some(until) => until,
        None => Utc::now().duration_trunc(TimeDelta::hours(1)).context("failed to round the time")?,
    };
    let community = Community::new(args, until.timestamp());
    write::write(&community, &args.out)?;
    report(args, until, &community)
}

fn report(args: &Args, until: DateTime<Utc>, community: &Community) -> Result<()> {
    let count = |kind: fn(&Post) -> bool| community.posts.iter().filter(|post| kind(post)).count();
    let replies = count(|post| matches!(post.kind, Kind::Reply(_)));
    let reposts = count(|post| matches!(post.kind, Kind::Repost(_)));
    let follows: usize = community.people.following.iter().map(Vec::len).sum();
    let prices: usize = community.market.listings.iter().map(|listing| listing.bars.len()).sum();
    println!(
        "{} (seed {}, until {})",
        args.out.display(),
        args.seed,
        until.to_rfc3339_opts(SecondsFormat::Secs, true)
    );
    let listed = listing::all()?.len();
    println!("  tickers {listed:>10} ({} of which are talked about)", community.market.listings.len());
    println!("  prices  {prices:>10} (generated)");
    println!("  authors {:>10}", community.people.all.len());
    println!("  follows {follows:>10}");
    println!("  posts   {:>10} ({replies} replies, {reposts} reposts)", community.posts.len());
    let ledgers = &community.ledgers;
    println!(
        "  trades  {:>10} (rows of {} accounts, {} of which disclose)",
        ledgers.rows.len(),
        ledgers.accounts.len(),
        ledgers.disclosing()
    );
    Ok(())
}
