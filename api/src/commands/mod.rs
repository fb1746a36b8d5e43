//! What the executable does, by its first words.

mod admin;
mod aliases;
mod ambassadors;
mod check;
mod import;
mod payouts;
mod rebuild;
mod returns;
mod rules;
mod search;
mod transparency;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Parser, Subcommand};
use madang_core::{changes, db, nicknames, settings::Settings, telemetry};
use madang_moderation::text_rules;

use crate::serve;

/// Madang, the community inside a brokerage app. Settings come from the environment, see .env.example.
#[derive(Debug, Parser)]
#[command(name = "madang", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve HTTP.
    Serve {
        /// Run the worker in this process too.
        #[arg(long)]
        with_worker: bool,
    },
    /// Run the worker.
    Work,
    /// Apply migrations and grant the service's role its rights.
    Migrate,
    /// Import an archive: tickers, prices, authors, follows, posts.
    Import {
        /// Folder with the files, gzip or plain.
        dir: PathBuf,
        /// Where rejected lines go; by default DIR.rejects.csv.
        #[arg(long)]
        rejects: Option<PathBuf>,
    },
    /// Rebuild stored timelines from PostgreSQL.
    Rebuild {
        /// Only this person's.
        #[arg(long)]
        user: Option<String>,
    },
    /// Compare every timeline and board, as served, with plain SQL.
    Check {
        /// Only this person's timeline.
        #[arg(long)]
        user: Option<String>,
        /// Only every n-th person; all boards.
        #[arg(long)]
        every: Option<usize>,
        /// Make anew what differs.
        #[arg(long)]
        repair: bool,
    },
    /// Measure the moderation rules; needs no stores.
    Rules {
        #[command(subcommand)]
        command: rules::RulesCommand,
    },
    /// Returns: computed anew, and compared with reference values.
    Returns {
        #[command(subcommand)]
        command: returns::ReturnsCommand,
    },
    /// The index of search: built anew, compared.
    Search {
        #[command(subcommand)]
        command: search::SearchCommand,
    },
    /// Administration.
    Admin {
        #[command(subcommand)]
        command: admin::AdminCommand,
    },
}

/// Does what was asked; the exit status is 0 only when all is well.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    if let Command::Rules { command } = &cli.command {
        return rules::run(command);
    }
    if let Command::Returns { command } = &cli.command
        && let Some(done) = returns::run_alone(command)
    {
        return done;
    }
    let settings = Settings::from_env()?;
    let _telemetry = telemetry::install(&settings.telemetry)?;
    match cli.command {
        Command::Serve { with_worker } => done(serve::serve(settings, with_worker).await),
        Command::Work => done(serve::work(settings).await),
        Command::Migrate => {
            db::migrate(&settings.database).await.context("failed to migrate")?;
            let pool = db::connect(&settings.database)?;
            let rules = text_rules::seed(&pool).await.context("failed to put the text rules in")?;
            let names = seed_nicknames(&pool).await.context("failed to put the nicknames in")?;
            println!(
                "migrations applied, {rules} text rules and {names} nicknames new or changed with this release"
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Import { dir, rejects } => import::run(&settings, dir, rejects).await,
        Command::Rebuild { user } => rebuild::run(&settings, user.as_deref()).await,
        Command::Check { user, every, repair } => check::run(&settings, user.as_deref(), every, repair).await,
        Command::Search { command } => search::run(&settings, command).await,
        Command::Admin { command } => admin::run(&settings, command).await,
        Command::Returns { command: returns::ReturnsCommand::Recompute { user } } => {
            returns::recompute(&settings, user.as_deref()).await
        }
        // Answered before the settings are read.
        Command::Returns { .. } => Ok(ExitCode::SUCCESS),
        Command::Rules { command } => rules::run(&command),
    }
}

/// Nicknames this release brings for instruments that are here already.
async fn seed_nicknames(pool: &sqlx::PgPool) -> sqlx::Result<u64> {
    let mut tx = pool.begin().await?;
    let new = nicknames::seed(&mut tx).await?;
    if new > 0 {
        changes::record(&mut tx, &[changes::Change::Tickers]).await?;
    }
    tx.commit().await?;
    Ok(new)
}

fn done(result: anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    result.map(|()| ExitCode::SUCCESS)
}

/// The person a command names.
async fn person(pool: &sqlx::PgPool, handle: &str) -> anyhow::Result<madang_core::ids::UserId> {
    let parsed =
        madang_core::handle::Handle::parse(handle).with_context(|| format!("{handle} is no handle"))?;
    let found = madang_core::users::by_handle(pool, &parsed).await?;
    Ok(found.with_context(|| format!("there is nobody called {handle}"))?.id)
}
