//! `madang check`

use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use madang_core::{db, jobs, settings::Settings};
use madang_feed::check::Options;

use crate::app::open_feed;

/// Compares and prints what was found; the last line can be read by a script.
pub(crate) async fn run(
    settings: &Settings,
    user: Option<&str>,
    every: Option<usize>,
    repair: bool,
) -> anyhow::Result<ExitCode> {
    let pool = db::connect_bulk(&settings.database)?;
    let feed = open_feed(settings, pool.clone(), Vec::new())?;
    let user = match user {
        Some(handle) => Some(super::person(&pool, handle).await?),
        None => None,
    };
    let waiting = jobs::state(&pool).await?.depth;
    if waiting > 0 {
        println!("{waiting} jobs are waiting: what they will change may be counted as a difference");
    }
    let bar = ProgressBar::no_length();
    bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} compared, {eta} left")?);
    let report = feed
        .check(&Options { user, every, repair }, &|done, total| {
            bar.set_length(total);
            bar.set_position(done);
        })
        .await?;
    bar.finish_and_clear();
    println!(
        "{} stored, {} rebuilt, {} merged, {} cut, {} past the seam; {} repaired; {} counts off",
        report.stored,
        report.rebuilt,
        report.merged,
        report.cut,
        report.past_seam,
        report.repaired,
        report.drift
    );
    println!(
        "{} timelines and {} boards compared, {} differences",
        report.timelines, report.boards, report.differences
    );
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
