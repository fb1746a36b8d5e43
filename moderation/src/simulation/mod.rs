//! The rule against a simulated community, beside the plain count: what it catches in peace, what rings of
//! accounts can do to it, and how much rests on assumptions. It calls the real rule, and each line of its
//! acceptance is a promise about that.
//!
//! `parameters` says what the community is like, `world` draws it, `follow` takes one post through one rule,
//! `peace` lives through the days, `attack` strikes, `line_up` says who competes, `trial` puts one seed
//! together, `table` prints.
//!
//! What it rests on. Precision and the attacks barely depend on the assumptions; what is caught does. If bad
//! authors are no newer than others, or active people err as much more as they report, the rule catches some
//! 0.07 fewer of the bad posts than the plain count, and with half the honest reports 0.07 fewer as well: the
//! sensitivity table shows them. A ring of sleepers that stops once a post is blocked keeps its name longer
//! than one whose accounts all report.
//!
//! Simplifications. A post's reports arrive with its viewers, exponentially in time; whom a block would have
//! kept from reporting does not report. Verdicts come at the end of a day and change reputations, nothing
//! else, so recall and saved views are the rule's alone. Limits do not slow a post down. Nobody reports the
//! same author often enough for the discount on it to matter. All reports are in the category the text rules
//! flag. View tokens, networks, the 72-hour window and the re-fit of the noise rate are not simulated.

mod attack;
mod dice;
mod follow;
mod line_up;
mod parameters;
mod peace;
mod records;
mod table;
mod trial;
mod world;

use std::{
    num::NonZero,
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
};

pub use parameters::{Parameters, Spread};
pub use table::{Line, Outcome};

/// How much is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Everything.
    Full,
    /// Only what has a line in the acceptance, without sensitivity.
    Short,
}

/// Runs everything on so many seeds. The same seeds give the same outcome; each finished step is told.
pub fn run(seeds: u32, progress: impl FnMut(&str)) -> Outcome {
    run_with(&Parameters::default(), Extent::Full, seeds, progress)
}

/// Runs with other parameters, or less.
pub fn run_with(
    parameters: &Parameters,
    extent: Extent,
    seeds: u32,
    mut progress: impl FnMut(&str),
) -> Outcome {
    let next = AtomicU32::new(1);
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let (tell, told) = mpsc::channel::<String>();
    let mut trials = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores.min(seeds as usize))
            .map(|_| {
                let (tell, next) = (tell.clone(), &next);
                scope.spawn(move || work(parameters, extent, seeds, next, &tell))
            })
            .collect();
        drop(tell);
        told.iter().for_each(|step| progress(&step));
        workers.into_iter().filter_map(|worker| worker.join().ok()).flatten().collect::<Vec<_>>()
    });
    // Sums depend on their order in the last digit.
    trials.sort_unstable_by_key(|(seed, _)| *seed);
    let trials: Vec<_> = trials.into_iter().map(|(_, trial)| trial).collect();
    Outcome::mean(&trials)
}

/// Takes seeds until none are left.
fn work(
    parameters: &Parameters,
    extent: Extent,
    seeds: u32,
    next: &AtomicU32,
    tell: &mpsc::Sender<String>,
) -> Vec<(u32, table::Trial)> {
    let mut trials = Vec::new();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed > seeds {
            return trials;
        }
        // Nobody listening is no reason to stop.
        let progress = |step: &str| drop(tell.send(format!("seed {seed}: {step}")));
        trials.push((seed, trial::trial(parameters, extent, seed.into(), &progress)));
    }
}
