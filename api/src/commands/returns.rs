//! `madang returns …`

use std::{fs, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use madang_core::{db, jobs, settings::Settings};
use madang_creators::{
    archive,
    markets::Markets,
    records::{self, Asked},
    returns::vectors,
    skill,
    work::Worker,
};
use sqlx::PgPool;

use crate::app::card_key;

/// Returns, as they are computed from the ledger.
#[derive(Debug, Subcommand)]
pub(crate) enum ReturnsCommand {
    /// Compute reference values from outside and compare; needs no stores. The last line is passed/total.
    Vectors {
        /// JSON file with the values.
        file: PathBuf,
    },
    /// Rank simulated people of known skill, beside a board of raw returns; needs no stores.
    Simulate {
        /// How many communities of 10,000.
        #[arg(long, default_value_t = 2)]
        seeds: u32,
    },
    /// Compute the records of everybody, or of one person, anew.
    Recompute {
        /// Handle.
        #[arg(long)]
        user: Option<String>,
    },
}

/// Does what needs no stores; `None` for what does.
pub(crate) fn run_alone(command: &ReturnsCommand) -> Option<anyhow::Result<ExitCode>> {
    match command {
        ReturnsCommand::Vectors { file } => Some(compare(file)),
        ReturnsCommand::Simulate { seeds } => {
            println!("{}", skill::simulate::simulate((*seeds).clamp(1, 100)));
            Some(Ok(ExitCode::SUCCESS))
        }
        ReturnsCommand::Recompute { .. } => None,
    }
}

/// Compares and prints what differs; the last line can be read by a script.
fn compare(file: &PathBuf) -> anyhow::Result<ExitCode> {
    let name = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("failed to read {name}"))?;
    let report = vectors::run(&text).with_context(|| format!("failed to understand {name}"))?;
    println!("{report}");
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Computes records anew, here and in whatever workers run; prints how many.
pub(crate) async fn recompute(settings: &Settings, user: Option<&str>) -> anyhow::Result<ExitCode> {
    let pool = db::connect_bulk(&settings.database)?;
    let markets = Arc::new(Markets::new(pool.clone(), &settings.market_indexes));
    let worker = Worker::new(pool.clone(), markets, card_key(settings), settings.work);
    let (asked, given_up) = match user {
        None => everybody(&pool, &worker, settings.work.poll).await?,
        Some(handle) => (1, one(&pool, &worker, settings.work.poll, handle).await?),
    };
    println!("{asked} records computed, {given_up} given up");
    Ok(if given_up == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns how many were asked for, and how many are given up.
async fn everybody(pool: &PgPool, worker: &Worker, pause: Duration) -> anyhow::Result<(u64, usize)> {
    let asked = archive::ask_for_all(pool).await?;
    let bar = ProgressBar::new(asked);
    if let Ok(style) = ProgressStyle::with_template("{spinner} records: {pos} of {len}, {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    // Another worker may hold some of them: they are waited for as well.
    loop {
        let done = worker.step().await?;
        let left = u64::try_from(records::waiting(pool).await?).unwrap_or(0);
        bar.set_position(asked.saturating_sub(left));
        match (done, left) {
            (_, 0) => break,
            (0, _) => tokio::time::sleep(pause).await,
            _ => {}
        }
    }
    bar.finish_and_clear();
    let given_up = jobs::parked(pool, 1_000).await?.into_iter().filter(|job| job.kind == "returns").count();
    Ok((asked, given_up))
}

/// What others wait for is neither waited for nor counted. Returns how many are given up: one or none.
async fn one(pool: &PgPool, worker: &Worker, pause: Duration, handle: &str) -> anyhow::Result<usize> {
    let user = super::person(pool, handle).await?;
    jobs::enqueue(pool, jobs::JobKind::Returns, user.get(), 0, Duration::ZERO).await?;
    loop {
        match records::asked(pool, user).await? {
            Asked::Done => return Ok(0),
            Asked::GivenUp => return Ok(1),
            Asked::Waiting => {}
        }
        if worker.step().await? == 0 {
            tokio::time::sleep(pause).await;
        }
    }
}
