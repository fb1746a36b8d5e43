//! Archives from elsewhere: `madang import DIR`.
//!
//! Each kind of files is one stage and one transaction (`stage.rs`), in the order in which they refer to one
//! another: tickers, prices, authors, follows, posts. What is there already stays as it is, so a second
//! import of the same files changes nothing and an interrupted one is finished by running it again. A line
//! that cannot be imported is written to the rejects file with its number and the reason; all others are.
//!
//! Nothing of an archive is shown as ours: people's and posts' counts from there are kept in columns called
//! `external_…`, and nobody is verified because an archive says so.

mod authors;
mod copy;
mod counts;
mod fields;
mod follows;
mod posts;
mod prices;
mod rejects;
mod source;
mod stage;
mod symbols;
mod table;
mod tickers;

use std::path::PathBuf;

use anyhow::bail;
use sqlx::PgPool;

pub use counts::{Counts, Notes, Tally};
pub use table::{Line, TableFile};

use follows::Kind;
use rejects::Rejects;
use source::Source;
use stage::Run;

/// The files an archive may have, each also as `.gz`.
const FILES: [&str; 10] = [
    "tickers.csv",
    "prices.csv",
    "authors.csv",
    "follows.csv",
    "interactions.csv",
    "originals.jsonl",
    "posts.jsonl",
    "trades.csv",
    "rates.csv",
    "disclosures.csv",
];

/// What to import.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder with the files.
    pub dir: PathBuf,
    /// The file for lines that cannot be imported; made anew.
    pub rejects: PathBuf,
    /// Followers above which an author's posts are merged when read instead of pushed.
    pub push_limit: i32,
}

/// Somebody who watches an import.
pub trait Progress: Send + Sync {
    /// Another file is being read, or written into the database.
    fn stage(&self, name: &str, total_lines: Option<u64>);
    /// So many more of its lines were read.
    fn advance(&self, lines: u64);
}

/// Imports a folder. Only one import runs at a time.
pub async fn run(pool: &PgPool, options: &Options, progress: &dyn Progress) -> anyhow::Result<Counts> {
    let find = |name| Source::find(&options.dir, name);
    if FILES.iter().all(|name| find(name).is_none()) {
        let (dir, names) = (options.dir.display(), FILES.join(", "));
        bail!("failed to find anything to import in {dir}: it should have some of {names}, plain or .gz");
    }
    let mut counts = Counts::default();
    let rejects = Rejects::create(&options.rejects)?;
    let mut run = Run { pool, progress, rejects };
    let symbols = tickers::import(&mut run, find("tickers.csv"), &mut counts).await?;
    if let Some(source) = find("prices.csv") {
        counts.prices = prices::import(&mut run, source, symbols.clone()).await?;
    }
    if let Some(source) = find("authors.csv") {
        authors::import(&mut run, source, &mut counts).await?;
    }
    if let Some((source, kind)) = edges(options) {
        follows::import(&mut run, source, kind, options.push_limit, &mut counts).await?;
    }
    let posts = ["originals.jsonl", "posts.jsonl"];
    let sources: Vec<Source> = posts.into_iter().filter_map(find).collect();
    if !sources.is_empty() {
        posts::import(&mut run, sources, symbols, &mut counts).await?;
    }
    run.rejects.flush()?;
    crate::jobs::wake(pool).await?;
    Ok(counts)
}

fn edges(options: &Options) -> Option<(Source, Kind)> {
    let find = |name, kind| Some((Source::find(&options.dir, name)?, kind));
    find("follows.csv", Kind::Follows).or_else(|| find("interactions.csv", Kind::Interactions))
}
