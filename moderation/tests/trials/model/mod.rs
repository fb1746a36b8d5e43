//! Any order of acts, against a model of its own. After each act: what is not legal is refused and changes
//! nothing; the database is what the model says; and the states of posts and cases follow from the audit log
//! alone.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};
use madang_moderation::{
    audit,
    rule::{Category, RuleSettings},
    settings,
};
use proptest::{
    prelude::*,
    test_runner::{TestCaseError, TestError, TestRunner},
};
use sqlx::{PgPool, postgres::PgPoolOptions};

use crate::{counts::trials, scene::Scene};

mod acts;
mod compare;
mod effects;
pub(crate) mod facts;
mod law;
pub(crate) mod replay;
mod world;

use law::{INVESTORS, PEOPLE};
use world::World;

/// Acts of a sequence.
const STEPS: usize = 30;
/// Those of them that are reports, at the beginning.
const FIRST: usize = 8;

/// What a moderator does short of deciding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Claim,
    Release,
    Escalate,
}

/// What a moderator decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    Keep,
    Limit,
    Remove,
}

/// One act. People and posts by their place; decisions and appeals by a place in those there are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Command {
    Report { post: usize, by: usize, category: Category },
    Withdraw { post: usize, by: usize },
    Step { post: usize, by: usize, step: Step },
    Decide { post: usize, by: usize, measure: Measure, fresh: bool, lock: bool },
    Edit { post: usize, invitation: bool },
    Delete { post: usize },
    Appeal { decision: usize, by_author: bool },
    Answer { appeal: usize, by: usize, overturn: bool },
    Wait { minutes: i64 },
}

impl Command {
    /// For the statistics.
    const fn name(&self) -> &'static str {
        match self {
            Self::Report { .. } => "report",
            Self::Withdraw { .. } => "withdraw",
            Self::Step { step: Step::Claim, .. } => "claim",
            Self::Step { step: Step::Release, .. } => "release",
            Self::Step { step: Step::Escalate, .. } => "escalate",
            Self::Decide { measure: Measure::Keep, .. } => "keep",
            Self::Decide { measure: Measure::Limit, .. } => "limit",
            Self::Decide { measure: Measure::Remove, .. } => "remove",
            Self::Edit { .. } => "edit",
            Self::Delete { .. } => "delete",
            Self::Appeal { .. } => "appeal",
            Self::Answer { overturn: false, .. } => "uphold",
            Self::Answer { overturn: true, .. } => "overturn",
            Self::Wait { .. } => "wait",
        }
    }
}

fn report() -> impl Strategy<Value = Command> {
    let category = prop::sample::select(vec![Category::LeadingRoom, Category::Abuse, Category::Spam]);
    let report = (0..2_usize, 0..PEOPLE, category);
    report.prop_map(|(post, by, category)| Command::Report { post, by, category })
}

fn command() -> impl Strategy<Value = Command> {
    use Command as C;
    let step = prop::sample::select(vec![Step::Claim, Step::Claim, Step::Release, Step::Escalate]);
    let measure = prop::sample::select(vec![Measure::Keep, Measure::Limit, Measure::Remove]);
    let minutes = prop::sample::select(vec![1, 5, 5, 10, 10, 14, 16, 60, 600, 1_440, 1_440, 1_800, 300_000]);
    let (post, moderator) = (|| 0..2_usize, || INVESTORS..PEOPLE);
    prop_oneof![
        14 => report(),
        1 => (post(), 0..PEOPLE).prop_map(|(post, by)| C::Withdraw { post, by }),
        4 => (post(), moderator(), step).prop_map(|(post, by, step)| C::Step { post, by, step }),
        3 => (post(), moderator(), measure, prop::bool::weighted(0.8), any::<bool>())
            .prop_map(|(post, by, measure, fresh, lock)| C::Decide { post, by, measure, fresh, lock }),
        3 => (post(), prop::bool::weighted(0.3)).prop_map(|(post, invitation)| C::Edit { post, invitation }),
        1 => prop::bool::weighted(0.3).prop_map(|first| C::Delete { post: usize::from(!first) }),
        3 => (0..8_usize, prop::bool::weighted(0.9))
            .prop_map(|(decision, by_author)| C::Appeal { decision, by_author }),
        3 => (0..4_usize, moderator(), prop::bool::weighted(0.7))
            .prop_map(|(appeal, by, overturn)| C::Answer { appeal, by, overturn }),
        4 => minutes.prop_map(|minutes| C::Wait { minutes }),
    ]
}

/// How often each act was done and refused, by name.
type Tally = BTreeMap<&'static str, (u32, u32)>;

/// Two reports limit and four block, so that short sequences reach every state; and the rule never falls back,
/// since sequences know nothing of each other.
async fn lower_the_bar(pool: &PgPool) -> Result<()> {
    let rule = RuleSettings {
        threshold: 1.25,
        distinct: 2,
        distinct_with_text: 2,
        overturn_window: u32::MAX,
        ..RuleSettings::default()
    };
    settings::set(pool, &rule, None, chrono::Utc::now()).await?;
    Ok(())
}

async fn play(scene: &Scene, commands: &[Command], tally: &RefCell<Tally>) -> Result<()> {
    let mut world = World::new(scene).await?;
    let mut taken: Vec<&Command> = Vec::new();
    for command in commands {
        let done = world.step(command).await;
        let done = done.with_context(|| format!("{command:?} after {taken:?}"))?;
        if let Some(done) = done {
            taken.extend(done.then_some(command));
            let mut tally = tally.borrow_mut();
            let (acts, refusals) = tally.entry(command.name()).or_default();
            *(if done { acts } else { refusals }) += 1;
        }
    }
    for (name, count) in world.ends().await? {
        tally.borrow_mut().entry(name).or_default().0 += count;
    }
    Ok(())
}

/// Runs the sequences on a runtime of their own: they are asked for from inside a callback.
fn run(pool: &PgPool, cases: u32) -> Result<Tally> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let options = pool.connect_options().as_ref().clone();
    // Nothing here is about power loss, and thousands of commits wait for the disk otherwise.
    let options = options.options([("synchronous_commit", "off")]);
    let scene = runtime.block_on(async {
        let pool = PgPoolOptions::new().max_connections(1).test_before_acquire(false);
        let pool = pool.connect_with(options).await?;
        lower_the_bar(&pool).await?;
        Scene::new(pool)
    })?;
    let tally = RefCell::new(Tally::new());
    let played = Cell::new(0_u32);
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    };
    // Many reports first, or most sequences would be over before anything is hidden.
    let acts = (prop::collection::vec(report(), FIRST), prop::collection::vec(command(), STEPS - FIRST));
    let outcome = TestRunner::new(config).run(&acts, |(first, then)| {
        let commands = [first, then].concat();
        played.set(played.get() + 1);
        let outcome = runtime.block_on(play(&scene, &commands, &tally));
        outcome.map_err(|error| TestCaseError::fail(format!("{error:#}")))
    });
    if let Err(TestError::Fail(why, _)) = outcome {
        bail!("{why}");
    }
    ensure!(played.get() >= cases, "only {} sequences", played.get());
    let rows = runtime.block_on(audit::verify(&scene.pool))?;
    println!("the audit log is whole, with {} rows", rows?);
    runtime.block_on(scene.pool.close());
    Ok(tally.into_inner())
}

#[sqlx::test(migrations = "../migrations")]
async fn in_any_order_of_acts_the_state_is_what_the_law_and_the_log_say(pool: PgPool) -> Result<()> {
    let (cases, began) = (trials(250, 20_000), Instant::now());
    let tally = tokio::task::spawn_blocking(move || run(&pool, cases)).await??;
    println!("{cases} sequences of {STEPS} acts in {:.0?}; (done, refused): {tally:?}", began.elapsed());
    // A model that never gets anywhere would agree with everything.
    for name in [
        "report",
        "withdraw",
        "claim",
        "release",
        "escalate",
        "keep",
        "limit",
        "remove",
        "edit",
        "delete",
        "appeal",
        "uphold",
        "overturn",
        "limited by reports",
        "blocked by reports",
        "held by the text rules",
        "eased",
        "shown after an edit",
        "escalated by the clock",
        "restored by a person",
    ] {
        ensure!(tally.get(name).is_some_and(|(done, _)| *done > 0), "{name} never happened: {tally:?}");
    }
    Ok(())
}
