//! Synthetic communities for tests, demos and benchmarks of Madang.

mod bench;
mod generate;
mod search;
mod soak;

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
    /// Measure the service beside its stores and its bare HTTP server; wants empty stores.
    Bench(bench::Args),
    /// Measure how well and how fast the service finds; wants empty stores.
    Search(search::Args),
    /// Load the service steadily and check it afterwards; wants empty stores.
    Soak(soak::Args),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Generate(args) => generate::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Search(args) => search::run(&args),
        Command::Soak(args) => soak::run(&args),
    }
}
