//! `madang rules …`

use std::process::ExitCode;

use clap::Subcommand;
use madang_moderation::simulation;

/// What can be measured of the rules without a database.
#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Simulate weeks of reports, honest and organised, against the auto-block rule and beside a plain count.
    Simulate {
        /// Different weeks; three take about a minute.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
        seeds: u32,
    },
}

/// Does it.
pub(crate) fn run(command: &RulesCommand) -> ExitCode {
    match command {
        RulesCommand::Simulate { seeds } => {
            let outcome = simulation::run(*seeds, |step| eprintln!("{step}"));
            println!("{outcome}");
            if outcome.accepted() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    }
}
