//! `madang rebuild`

use std::process::ExitCode;

use chrono::Utc;
use indicatif::{ProgressBar, ProgressStyle};
use madang_core::{db, ids::UserId, settings::Settings, users};

use crate::app::open_feed;

/// Rebuilds the timelines of people seen lately; everybody else's is made when they return.
pub(crate) async fn run(settings: &Settings, user: Option<&str>) -> anyhow::Result<ExitCode> {
    let pool = db::connect_bulk(&settings.database)?;
    let feed = open_feed(settings, pool.clone(), Vec::new())?;
    feed.catch_up().await?;
    let only = match user {
        Some(handle) => Some(super::person(&pool, handle).await?),
        None => None,
    };
    let now = Utc::now();
    let since = now - chrono::Duration::days(settings.feed.seen_days - 1);
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {pos} timelines rebuilt")?);
    let mut after = UserId::new(0);
    loop {
        let readers = users::readers_after(&pool, after, only, since, 500).await?;
        let Some((last, _)) = readers.last() else {
            break;
        };
        after = *last;
        for (reader, seen_at) in &readers {
            let left = *seen_at + chrono::Duration::days(settings.feed.seen_days - 1) - now;
            feed.rebuild_for(*reader, left.to_std().unwrap_or_default(), now).await?;
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    println!("{} timelines rebuilt", bar.position());
    Ok(ExitCode::SUCCESS)
}
