//! `loadtest search`: how well and how fast the service finds instruments, people and posts, beside plain SQL on the
//! same database in the same run. Queries about instruments are a set judged by hand; those about people and posts are
//! drawn from what is loaded. What is right is decided by rules that share no code with the search.

mod ask;
mod bulk;
mod judged;
mod korean;
mod people;
mod place;
mod posts;
mod relevance;
mod rivals;
mod scores;
mod speed;

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::bench::{figures::Report, until_interrupted};
use judged::Query;
use place::Place;
use scores::{Engine, Scores, Set};

/// What to measure, and how long.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// An archive in the import format that is loaded beside the demo community
    #[arg(long)]
    archive: Option<PathBuf>,
    /// Posts added before speed is measured
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=50_000_000))]
    posts: u32,
    /// Rounds in which searches and bare answers take their turn
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=100))]
    rounds: u8,
    /// Seconds of one turn
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Print each query that the service did not answer as it should
    #[arg(long)]
    misses: bool,
    /// Leave the speed out
    #[arg(long)]
    quality_only: bool,
}

/// Measures, prints, and fails where an aim is missed.
pub(crate) fn run(args: &Args) -> Result<()> {
    until_interrupted(measure(args))
}

async fn measure(args: &Args) -> Result<()> {
    let mut place = Place::set_up(args.archive.as_deref()).await?;
    let measured = measure_at(&mut place, args).await;
    if let Some(complaints) = place.server.complaints() {
        eprintln!("{complaints}");
    }
    let (scores, report) = measured?;
    scores.print();
    println!("loaded: {}", place.loaded);
    if !args.quality_only {
        report.print(&[("loaded", place.loaded.clone())]);
    }
    let missed = scores.missed();
    if missed.is_empty() {
        println!("every aim is met");
        return Ok(());
    }
    bail!("aims missed: {}", missed.join("; "))
}

async fn measure_at(place: &mut Place, args: &Args) -> Result<(Scores, Report)> {
    rivals::prepare(&place.database).await?;
    let sets = [
        (Set::Tickers, judged::tickers(&place.symbols)?),
        (Set::People, people::queries(&place.database).await?),
        (Set::Posts, posts::queries(&place.database).await?),
    ];
    let mut scores = Scores::default();
    for (set, queries) in &sets {
        judge(place, *set, queries, args.misses, &mut scores).await?;
    }
    let mut report = Report::default();
    if !args.quality_only {
        bulk::measure(place, args.posts, &mut report).await?;
        speed::measure(place, &sets, usize::from(args.rounds), args.seconds, &mut report).await?;
    }
    Ok((scores, report))
}

async fn judge(place: &Place, set: Set, queries: &[Query], misses: bool, scores: &mut Scores) -> Result<()> {
    eprintln!("{} queries about {}", queries.len(), set.name());
    for query in queries {
        let answer = place.ask.search(set, &query.text).await?;
        let fine = scores.add(set, Engine::Search, query, &answer);
        if misses && !fine {
            eprintln!("{}", query.missed(&answer));
        }
        if set != Set::Posts {
            let answer = place.ask.suggest(set, &query.text).await?;
            scores.add(set, Engine::Suggest, query, &answer);
        }
    }
    for (engine, answers) in rivals::answers(&place.database, set, queries).await? {
        for (query, answer) in queries.iter().zip(&answers) {
            scores.add(set, engine, query, answer);
        }
    }
    Ok(())
}
