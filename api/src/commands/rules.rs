//! `madang rules …`

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use madang_moderation::{simulation, text::evaluate::evaluate};

/// What can be measured of the rules without a database.
#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Read labelled texts (profanity_evasion.tsv, curse_detection.txt, kmhas_valid.txt, leading_room.tsv) and say
    /// what the built-in text rules find in them.
    Evaluate {
        /// Folder with the files; a missing one is skipped.
        dir: PathBuf,
    },
    /// Simulate weeks of reports, honest and organised, against the auto-block rule and beside a plain count.
    Simulate {
        /// Different weeks; three take about a minute.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
        seeds: u32,
    },
}

/// Does it.
pub(crate) fn run(command: &RulesCommand) -> anyhow::Result<ExitCode> {
    match command {
        RulesCommand::Evaluate { dir } => {
            print!("{}", evaluate(dir)?);
            Ok(ExitCode::SUCCESS)
        }
        RulesCommand::Simulate { seeds } => {
            let outcome = simulation::run(*seeds, |step| eprintln!("{step}"));
            println!("{outcome}");
            Ok(if outcome.accepted() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}
