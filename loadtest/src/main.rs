//! Synthetic communities for tests, demos and benchmarks of Madang.

mod generate;

use clap::{Parser, Subcommand};

/// Makes communities to load, and measures the service under them.
#[derive(Parser)]
#[command(name = "loadtest", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a synthetic community in the import format.
    Generate(generate::Args),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Generate(args) => generate::run(&args),
    }
}
