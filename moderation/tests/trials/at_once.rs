//! The acts of the model by many people at the same moment. What comes first nobody can say, so there is no
//! model here: nobody waits in a circle, and afterwards the log still tells the states, one case of a post is
//! open at most, and no act was lost or doubled.
#![expect(clippy::indexing_slicing, reason = "a test may panic")]

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Duration, Utc};
use madang_core::{
    ids::{AppealId, CaseId, DecisionId, PostId, UserId},
    users::Role,
    viewer::Who,
    visibility::PostState,
};
use madang_moderation::{
    appeals::{self, Against, Answer, Outcome},
    audit,
    claims::{self, Step},
    decisions::Measure,
    rule::{Category, RuleSettings},
    settings,
};
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::task::JoinSet;

use crate::{
    counts::trials,
    model::{facts, replay::Replay},
    scene::{Scene, Verdict},
};

/// Who acts at once: readers, moderators, the author, and the clock.
const READERS: usize = 4;
const MODERATORS: usize = 4;
/// Acts of each.
const ACTS: usize = 12;

/// A post and all who have to do with it.
struct Stage {
    scene: Arc<Scene>,
    post: PostId,
    people: Vec<UserId>,
    start: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Reader(usize),
    Moderator(usize),
    Author,
    Clock,
}

impl Stage {
    async fn new(scene: Arc<Scene>) -> Result<Self> {
        let people = scene.people(i64::try_from(READERS * ACTS + MODERATORS + 1)?).await?;
        let start = Utc::now();
        let author = *people.last().context("people")?;
        let post = scene.post(author, start).await?;
        Ok(Self { scene, post, people, start })
    }

    async fn newest(&self, table: &'static str) -> Result<Option<i64>> {
        Ok(match table {
            "appeals" => sqlx::query_scalar("SELECT max(id) FROM appeals WHERE post_id = $1"),
            "decisions" => sqlx::query_scalar(
                "SELECT id FROM mod_decisions WHERE post_id = $1 AND kind <> 'keep' ORDER BY random() LIMIT 1",
            ),
            _ => sqlx::query_scalar("SELECT max(id) FROM mod_cases WHERE post_id = $1"),
        }
        .bind(self.post.get())
        .fetch_optional(&self.scene.pool)
        .await?
        .flatten())
    }

    async fn play(&self, part: Part, seed: u64) -> Result<u32> {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let mut done = 0;
        for turn in 0..ACTS {
            let now = self.start + Duration::minutes(i64::try_from(turn)? * 300);
            done += u32::from(match part {
                Part::Reader(reader) => self.read(&mut dice, reader * ACTS + turn, now).await?,
                Part::Moderator(at) => self.moderate(&mut dice, READERS * ACTS + at, now).await?,
                Part::Author => self.appeal(now).await?,
                Part::Clock => self.scene.ease(now).await? > 0,
            });
        }
        Ok(done)
    }

    async fn read(&self, dice: &mut ChaCha8Rng, reader: usize, now: DateTime<Utc>) -> Result<bool> {
        let reasons = [Category::Abuse, Category::LeadingRoom];
        let reason = *reasons.choose(dice).context("reasons")?;
        let filed = self.scene.report(self.post, self.people[reader], reason, now).await?;
        if dice.random_bool(0.2) {
            self.scene.withdraw(self.post, self.people[reader], now).await?;
        }
        Ok(filed.is_ok())
    }

    async fn moderate(&self, dice: &mut ChaCha8Rng, at: usize, now: DateTime<Utc>) -> Result<bool> {
        let moderator = Who { user: self.people[at], role: Role::Senior };
        if let Some(appeal) = self.newest("appeals").await?.filter(|_| dice.random_bool(0.4)) {
            return self.answer(moderator, AppealId::new(appeal), dice.random_bool(0.7), now).await;
        }
        let Some(case) = self.newest("cases").await? else { return Ok(false) };
        if dice.random_bool(0.4) {
            let steps = [Step::Claim, Step::Release, Step::Escalate];
            let step = *steps.choose(dice).context("steps")?;
            let mut tx = self.scene.pool.begin().await?;
            let taken = claims::step(&mut tx, CaseId::new(case), moderator, step, now, "trial").await?;
            tx.commit().await?;
            return Ok(taken.is_ok());
        }
        let version = sqlx::query_scalar("SELECT version FROM mod_cases WHERE id = $1");
        let version = version.bind(case).fetch_one(&self.scene.pool).await?;
        let measures = [Measure::Keep, Measure::Limit, Measure::Remove];
        let measure = *measures.choose(dice).context("measures")?;
        let verdict = Verdict { case: CaseId::new(case), version, moderator, measure, lock: false };
        Ok(self.scene.decide(&verdict, now).await?.is_ok())
    }

    async fn answer(&self, moderator: Who, appeal: AppealId, yes: bool, now: DateTime<Utc>) -> Result<bool> {
        let outcome = if yes { Outcome::Overturned } else { Outcome::Upheld };
        let answer = Answer { appeal, moderator, outcome, words: "", now, request_id: "trial" };
        let mut tx = self.scene.pool.begin().await?;
        let answered = appeals::answer(&mut tx, &answer).await?;
        tx.commit().await?;
        Ok(answered.is_ok())
    }

    async fn appeal(&self, now: DateTime<Utc>) -> Result<bool> {
        let Some(decision) = self.newest("decisions").await? else { return Ok(false) };
        let decision = DecisionId::new(decision);
        let author = Who { user: *self.people.last().context("people")?, role: Role::Investor };
        let mut tx = self.scene.pool.begin().await?;
        let sent = appeals::send(&mut tx, author, Against::Decision(decision), "why", now, "trial").await?;
        tx.commit().await?;
        Ok(sent.is_ok())
    }

    /// The log from there on tells where the post and its cases stand.
    async fn told_by_the_log(&self, from: i64) -> Result<()> {
        let seen = facts::read(&self.scene.pool, &[self.post.get()], &[], from).await?;
        let mut replay = Replay::default();
        for row in &seen.log {
            replay.follow(row).with_context(|| format!("{row:?}"))?;
        }
        let post = seen.posts.first().context("no post")?;
        let logged = replay.posts.get(&post.id).map_or("visible", String::as_str);
        let state = PostState::from_columns(post.state, post.deleted).as_str();
        ensure!(state == logged, "the post is {state}, but the log says {logged}");
        let found: BTreeMap<i64, String> =
            seen.cases.iter().map(|case| (case.id, case.state.clone())).collect();
        ensure!(found == replay.cases, "the cases are {found:?}, but the log says {:?}", replay.cases);
        ensure!(found.values().filter(|state| *state != "decided").count() <= 1, "{found:?}");
        ensure!(seen.decisions.len() == replay.decided, "{} decisions", seen.decisions.len());
        Ok(())
    }
}

async fn trial(scene: &Arc<Scene>, seed: u32) -> Result<u32> {
    // Blocks of earlier trials would be eased in this one.
    scene.ease(Utc::now() + Duration::days(365)).await?;
    let from: i64 = sqlx::query_scalar("SELECT seq FROM mod_audit_head").fetch_one(&scene.pool).await?;
    let stage = Arc::new(Stage::new(scene.clone()).await?);
    let parts = (0..READERS).map(Part::Reader).chain((0..MODERATORS).map(Part::Moderator));
    let mut acting = JoinSet::new();
    for (n, part) in parts.chain([Part::Author, Part::Clock]).enumerate() {
        let (stage, seed) = (stage.clone(), u64::from(seed) * 100 + u64::try_from(n)?);
        acting.spawn(async move { stage.play(part, seed).await.with_context(|| format!("{part:?}")) });
    }
    let mut done = 0;
    while let Some(played) = acting.join_next().await {
        done += played??;
    }
    stage.told_by_the_log(from).await?;
    Ok(done)
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_acts_at_once_nobody_waits_in_a_circle_and_the_log_tells_the_state(
    pool: PgPool,
) -> Result<()> {
    let options = pool.connect_options().as_ref().clone();
    let pool = PgPoolOptions::new().max_connections(10).connect_with(options).await?;
    let rule = RuleSettings { threshold: 1.25, overturn_window: u32::MAX, ..RuleSettings::default() };
    settings::set(&pool, &rule, None, Utc::now()).await?;
    let (scene, trials) = (Arc::new(Scene::new(pool)?), trials(15, 1_000));
    let mut done = 0;
    for seed in 0..trials {
        done += trial(&scene, seed).await.with_context(|| format!("trial {seed}"))?;
    }
    let rows = audit::verify(&scene.pool).await?;
    ensure!(done > trials * 20, "only {done} acts");
    println!("{trials} trials of ten people at once: {done} acts done, {} rows of the log", rows?);
    scene.pool.close().await;
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn an_appeal_and_a_decision_at_the_same_moment_do_not_wait_for_each_other(pool: PgPool) -> Result<()> {
    let options = pool.connect_options().as_ref().clone();
    let pool = PgPoolOptions::new().max_connections(4).connect_with(options).await?;
    let rule = RuleSettings { threshold: 1.25, distinct: 2, ..RuleSettings::default() };
    settings::set(&pool, &rule, None, Utc::now()).await?;
    let (scene, trials) = (Arc::new(Scene::new(pool)?), trials(60, 1_000));
    for trial in 0..trials {
        let stage = Stage::new(scene.clone()).await?;
        for reporter in &stage.people[..2] {
            let filed = scene.report(stage.post, *reporter, Category::Abuse, stage.start).await?;
            ensure!(filed.is_ok(), "{filed:?}");
        }
        let case = CaseId::new(stage.newest("cases").await?.context("no case")?);
        let moderator = Who { user: stage.people[READERS * ACTS], role: Role::Moderator };
        let verdict = Verdict { case, version: 2, moderator, measure: Measure::Remove, lock: false };
        let (sent, decided) = tokio::join!(stage.appeal(stage.start), scene.decide(&verdict, stage.start));
        ensure!(sent.with_context(|| format!("trial {trial}, the appeal"))?, "the appeal was refused");
        let decided = decided.with_context(|| format!("trial {trial}, the decision"))?;
        ensure!(decided.is_ok(), "{decided:?}");
    }
    println!("{trials} trials of an appeal beside a decision");
    scene.pool.close().await;
    Ok(())
}
