//! `madang search …`

use std::{process::ExitCode, time::Duration};

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use madang_core::{db, search_log, settings::Settings};
use madang_search::{
    Search,
    drift::{self, Drift},
    rebuild::{self, Progress},
};
use sqlx::PgPool;

/// What can be done with the index of search.
#[derive(Debug, Subcommand)]
pub(crate) enum SearchCommand {
    /// Build the index anew beside the one that answers, then let it answer; an interrupted build goes on.
    Reindex,
    /// Compare the index with PostgreSQL, id by id.
    Check {
        /// Have what differs taken over anew.
        #[arg(long)]
        repair: bool,
    },
    /// Which index answers and how far it has come.
    Status,
}

/// How long a build waits for another one to end.
const PATIENCE: Duration = Duration::from_secs(10);

struct Bar(ProgressBar);

impl Bar {
    fn new() -> anyhow::Result<Self> {
        let bar = ProgressBar::no_length();
        bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} {per_sec}, {eta} left")?);
        Ok(Self(bar))
    }
}

impl Progress for Bar {
    fn begin(&self, total: u64, done: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }

    fn advance(&self, documents: u64) {
        self.0.inc(documents);
    }
}

/// Does it.
pub(crate) async fn run(settings: &Settings, command: SearchCommand) -> anyhow::Result<ExitCode> {
    let pool = db::connect_bulk(&settings.database)?;
    let search = Search::new(settings.search.clone());
    match command {
        SearchCommand::Reindex => reindex(&pool, &search).await,
        SearchCommand::Check { repair } => check(&pool, &search, repair).await,
        SearchCommand::Status => status(&pool, &search).await,
    }
}

async fn reindex(pool: &PgPool, search: &Search) -> anyhow::Result<ExitCode> {
    let index = search.open(pool).await?;
    let bar = Bar::new()?;
    let began = std::time::Instant::now();
    let added = rebuild::run(pool, &index, &bar, PATIENCE).await?;
    bar.0.finish_and_clear();
    let secs = began.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "for reading")]
    let speed = (added.posts + added.people) as f64 / secs.max(0.001);
    println!("{} posts and {} people indexed in {secs:.1} s ({speed:.0}/s)", added.posts, added.people);
    Ok(ExitCode::SUCCESS)
}

async fn check(pool: &PgPool, search: &Search, repair: bool) -> anyhow::Result<ExitCode> {
    let index = search.open(pool).await?;
    anyhow::ensure!(index.mark().await?.is_some(), "there is no index yet: madang search reindex makes one");
    let bar = Bar::new()?;
    let drift = drift::check(pool, &index, &bar).await?;
    bar.0.finish_and_clear();
    if drift.lag > 0 {
        println!(
            "{} changes wait in the log: what they will bring may be counted as a difference",
            drift.lag
        );
    }
    for (what, wrong) in [("posts", &drift.wrong_posts), ("people", &drift.wrong_people)] {
        if !wrong.is_empty() {
            let first: Vec<String> = wrong.iter().take(10).map(ToString::to_string).collect();
            println!("{what} that differ: {}{}", first.join(" "), if wrong.len() > 10 { " …" } else { "" });
        }
    }
    if repair && drift.differences() > 0 {
        search_log::append_alone(pool, &drift.wrong_posts, &drift.wrong_people).await?;
        println!("the service was asked to take them over anew");
    }
    print_last(&drift);
    Ok(if drift.differences() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print_last(drift: &Drift) {
    println!(
        "{} posts and {} people compared, {} differences",
        drift.posts,
        drift.people,
        drift.differences()
    );
}

async fn status(pool: &PgPool, search: &Search) -> anyhow::Result<ExitCode> {
    let kind = search.place();
    let index = search.open(pool).await?;
    let log = search_log::state(pool).await?;
    let Some(mark) = index.mark().await? else {
        println!("{kind}: no index yet");
        return Ok(ExitCode::FAILURE);
    };
    println!(
        "{kind}: at {} of {}, {} behind",
        mark.position,
        log.number,
        (log.number - mark.position).max(0)
    );
    Ok(ExitCode::SUCCESS)
}
