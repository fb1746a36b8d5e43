//! Progress on stderr.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that takes longer shows its progress.
const SILENT: Duration = Duration::from_secs(2);
/// Steps between two looks at the clock.
const STEPS_A_LOOK: u64 = 1_000;

/// A bar on stderr that stays away from short work.
pub(crate) struct Progress {
    bar: ProgressBar,
    since: Instant,
}

impl Progress {
    /// A bar for `total` steps.
    pub(crate) fn new(what: &'static str, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden()).with_message(what);
        let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} {eta}");
        Self { bar: if let Ok(style) = style { bar.with_style(style) } else { bar }, since: Instant::now() }
    }

    /// One more step is done.
    pub(crate) fn step(&self) {
        self.bar.inc(1);
        if self.bar.position().is_multiple_of(STEPS_A_LOOK)
            && self.bar.is_hidden()
            && self.since.elapsed() > SILENT
        {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
