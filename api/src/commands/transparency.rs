//! `madang admin transparency`

use chrono::Utc;
use clap::ValueEnum;
use madang_core::{db, settings::Settings};
use madang_moderation::transparency::{self, Month};

/// How the report is printed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// For programs.
    Json,
    /// For people, in Korean and then in English.
    Markdown,
}

/// Prints the report of a month.
pub(crate) async fn run(settings: &Settings, month: Month, format: Format) -> anyhow::Result<()> {
    let pool = db::connect_bulk(&settings.database)?;
    let report = transparency::report(&pool, month, Utc::now()).await?;
    match format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Format::Markdown => print!("{}", report.markdown()),
    }
    Ok(())
}
