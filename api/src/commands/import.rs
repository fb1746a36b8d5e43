//! `madang import`

use std::{path::PathBuf, process::ExitCode, sync::Mutex, sync::PoisonError, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use madang_core::{
    db,
    import::{self, Counts, Options, Progress},
    settings::Settings,
};
use madang_creators::archive;

struct Bars(Mutex<ProgressBar>);

impl Bars {
    fn current(&self) -> ProgressBar {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Progress for Bars {
    fn stage(&self, name: &str, total_lines: Option<u64>) {
        self.current().finish_and_clear();
        let bar = total_lines.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}: {pos} lines, {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = bar;
    }

    fn advance(&self, lines: u64) {
        self.current().inc(lines);
    }
}

async fn run_all(pool: &sqlx::PgPool, options: &Options, bars: &Bars) -> anyhow::Result<Counts> {
    let mut counts = import::run(pool, options, bars).await?;
    archive::import(pool, &options.dir, &options.rejects, bars, &mut counts).await?;
    Ok(counts)
}

/// Imports and prints counts; the last line can be read by a script.
pub(crate) async fn run(
    settings: &Settings,
    dir: PathBuf,
    rejects: Option<PathBuf>,
) -> anyhow::Result<ExitCode> {
    let pool = db::connect_bulk(&settings.database)?;
    let rejects = rejects.unwrap_or_else(|| {
        let name = dir.file_name().map_or("import".into(), |name| name.to_string_lossy().into_owned());
        PathBuf::from(format!("{name}.rejects.csv"))
    });
    let options = Options { dir, rejects, push_limit: settings.feed.push_limit };
    let bars = Bars(Mutex::new(ProgressBar::hidden()));
    let counts = run_all(&pool, &options, &bars).await;
    bars.current().finish_and_clear();
    println!("{}", counts?);
    Ok(ExitCode::SUCCESS)
}
