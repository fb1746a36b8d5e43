//! A post that a moderator kept: the reports it was kept from never hide it again, new ones for the same
//! reason wait a day and then weigh a third, an edit ends that, and no round of it starts over by itself.
//!
//! The numbers are worked out by hand from the rule's description, for a newcomer's post that nobody but its
//! reporters saw: each reporter weighs a half, 3.2 limits and 6.4 blocks.

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Duration, SubsecRound, Utc};
use madang_core::{
    ids::{CaseId, DecisionId, PostId, UserId},
    users::Role,
    viewer::Who,
};
use madang_moderation::{
    appeals::{self, Against, Answer, Outcome},
    decisions::Measure,
    reports::{Refused, Withdrawn},
    rule::Category,
};
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use sqlx::PgPool;

use crate::{
    counts::trials,
    scene::{Scene, Verdict},
};

/// Reports that limit (7 halves are 3.5) and that block (13 are 6.5).
const LIMIT: usize = 7;
const BLOCK: usize = 13;
/// The same at a third of the weight: 20 sixths are 3.33, 39 are 6.5.
const LIMIT_AGAIN: usize = 20;
const BLOCK_AGAIN: usize = 39;
/// People of a trial who can report.
const CROWD: i64 = 60;

const VISIBLE: i16 = 0;
const LIMITED: i16 = 1;
const BLOCKED: i16 = 2;

/// One post, its author, and a crowd of strangers to each other.
struct Trial<'a> {
    scene: &'a Scene,
    dice: ChaCha8Rng,
    author: UserId,
    moderators: [Who; 2],
    crowd: Vec<UserId>,
    post: PostId,
    reason: Category,
    start: DateTime<Utc>,
}

impl<'a> Trial<'a> {
    async fn new(scene: &'a Scene, seed: u32) -> Result<Self> {
        let mut dice = ChaCha8Rng::seed_from_u64(seed.into());
        let mut crowd = scene.people(CROWD + 3).await?;
        let mut next = || crowd.pop().context("people");
        let author = next()?;
        let moderators = [next()?, next()?].map(|user| Who { user, role: Role::Moderator });
        // As exactly as the database keeps it, since some limits are met to the minute.
        let start = Utc::now().trunc_subsecs(6);
        let post = scene.post(author, start).await?;
        let reason = *Category::ALL.choose(&mut dice).context("categories")?;
        Ok(Self { scene, dice, author, moderators, crowd, post, reason, start })
    }

    fn at(&self, minutes: i64) -> DateTime<Utc> {
        self.start + Duration::minutes(minutes)
    }

    /// Another reason than the trial's.
    fn other(&mut self) -> Result<Category> {
        let others: Vec<Category> = Category::ALL.into_iter().filter(|other| *other != self.reason).collect();
        Ok(*others.choose(&mut self.dice).context("categories")?)
    }

    /// So many people who never reported it do so now.
    async fn report(&mut self, count: usize, reason: Category, minutes: i64) -> Result<Vec<UserId>> {
        let left = self.crowd.len().checked_sub(count).context("the crowd is used up")?;
        let reporters = self.crowd.split_off(left);
        for reporter in &reporters {
            let filed = self.scene.report(self.post, *reporter, reason, self.at(minutes)).await?;
            ensure!(filed.is_ok(), "{filed:?}");
        }
        Ok(reporters)
    }

    async fn case(&self) -> Result<(CaseId, i32, f64)> {
        let (id, version, score): (i64, i32, f64) = sqlx::query_as(
            "SELECT id, version, score FROM mod_cases WHERE post_id = $1 ORDER BY opened_at DESC, id DESC LIMIT 1",
        )
        .bind(self.post.get())
        .fetch_one(&self.scene.pool)
        .await?;
        Ok((CaseId::new(id), version, score))
    }

    async fn decide(&self, measure: Measure, lock: bool, minutes: i64) -> Result<DecisionId> {
        let (case, version, _) = self.case().await?;
        let [moderator, _] = self.moderators;
        let verdict = Verdict { case, version, moderator, measure, lock };
        match self.scene.decide(&verdict, self.at(minutes)).await? {
            Ok(decided) => Ok(decided.id),
            Err(refused) => anyhow::bail!("{refused:?}"),
        }
    }

    async fn edit(&self, text: &str, minutes: i64) -> Result<()> {
        let edited = self.scene.edit(self.post, self.author, text, self.at(minutes)).await?;
        ensure!(edited.is_ok(), "{edited:?}");
        Ok(())
    }

    /// The author appeals, and another moderator agrees with them.
    async fn overturn(&self, decision: DecisionId, minutes: i64) -> Result<()> {
        let [_, other] = self.moderators;
        let author = Who { user: self.author, role: Role::Investor };
        let mut tx = self.scene.pool.begin().await?;
        let sent =
            appeals::send(&mut tx, author, Against::Decision(decision), "why", self.at(minutes), "trial")
                .await?;
        let Ok(appeal) = sent else { anyhow::bail!("{sent:?}") };
        let answer = Answer {
            appeal,
            moderator: other,
            outcome: Outcome::Overturned,
            words: "",
            now: self.at(minutes),
            request_id: "trial",
        };
        let answered = appeals::answer(&mut tx, &answer).await?;
        ensure!(answered == Ok(true), "{answered:?}");
        Ok(tx.commit().await?)
    }

    /// Fails unless the post is in that state and its case has that score.
    async fn stands(&self, state: i16, score: f64, what: &str) -> Result<()> {
        let found: i16 = sqlx::query_scalar("SELECT moderation_state FROM posts WHERE id = $1")
            .bind(self.post.get())
            .fetch_one(&self.scene.pool)
            .await?;
        let (_, _, scored) = self.case().await?;
        ensure!(found == state, "{what}: state {found} instead of {state}, score {scored}");
        ensure!((scored - score).abs() < 1e-9, "{what}: score {scored} instead of {score}");
        Ok(())
    }

    /// What the rule did to the post by itself so far.
    async fn by_itself(&self) -> Result<i64> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM mod_decisions WHERE post_id = $1 AND automated")
            .bind(self.post.get())
            .fetch_one(&self.scene.pool)
            .await?)
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_reports_a_post_was_kept_from_never_count_again(pool: PgPool) -> Result<()> {
    let (scene, trials) = (Scene::new(pool)?, trials(6, 200));
    for seed in 0..trials {
        let mut trial = Trial::new(&scene, seed).await?;
        let count = trial.dice.random_range(LIMIT..20);
        let early = trial.report(count, trial.reason, 1).await?;
        let before = trial.by_itself().await?;
        ensure!(before > 0, "seed {seed}: {count} reports hid nothing");
        trial.decide(Measure::Keep, false, 5).await?;
        for reporter in early {
            let again = scene.report(trial.post, reporter, trial.reason, trial.at(6)).await?;
            ensure!(matches!(again, Err(Refused::Judged)), "seed {seed}: {again:?}");
            ensure!(scene.withdraw(trial.post, reporter, trial.at(6)).await? == Withdrawn::Judged);
        }
        let other = trial.other()?;
        // Reports of spam and scams count for a day, others for three.
        for (minutes, fast, slow) in [(10, 0.5, 0.5), (600, 1.0, 1.0), (1_500, 1.0, 1.5), (1_600, 1.5, 2.0)] {
            trial.report(1, other, minutes).await?;
            let score = if other.is_spam_or_scam() { fast } else { slow };
            trial.stands(VISIBLE, score, &format!("seed {seed}: {minutes} minutes later")).await?;
        }
        ensure!(scene.ease(trial.at(3_000)).await? == 0, "seed {seed}: a block was still running");
        ensure!(trial.by_itself().await? == before, "seed {seed}: the rule acted again");
    }
    println!("{trials} trials of new reports about a kept post: the old ones never counted");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn for_the_same_reason_reports_wait_a_day_and_then_weigh_a_third(pool: PgPool) -> Result<()> {
    const DAY: i64 = 24 * 60;
    let (scene, trials) = (Scene::new(pool)?, trials(4, 200));
    for seed in 0..trials {
        let mut trial = Trial::new(&scene, seed).await?;
        let reason = trial.reason;
        trial.report(LIMIT, reason, 0).await?;
        let kept = trial.dice.random_range(1..60);
        trial.decide(Measure::Keep, false, kept).await?;
        let soon = trial.dice.random_range(10..DAY - 1);
        trial.report(LIMIT_AGAIN - 3, reason, kept + soon).await?;
        trial.stands(VISIBLE, 0.0, &format!("seed {seed}: on the same day")).await?;
        trial.report(1, reason, kept + DAY - 1).await?;
        trial.stands(VISIBLE, 0.0, &format!("seed {seed}: a minute before the day is over")).await?;
        trial.report(1, reason, kept + DAY).await?;
        trial.stands(VISIBLE, 19.0 / 6.0, &format!("seed {seed}: one short of three times as many")).await?;
        trial.report(1, reason, kept + DAY).await?;
        trial.stands(LIMITED, 20.0 / 6.0, &format!("seed {seed}: three times as many")).await?;
        trial.report(BLOCK_AGAIN - LIMIT_AGAIN - 1, reason, kept + DAY).await?;
        trial.stands(LIMITED, 38.0 / 6.0, &format!("seed {seed}: one short of a block")).await?;
        trial.report(1, reason, kept + DAY).await?;
        trial.stands(BLOCKED, 39.0 / 6.0, &format!("seed {seed}: three times as many block")).await?;
    }
    println!("{trials} trials of reports for the dismissed reason");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_dismissed_reason_shields_a_post_from_no_other(pool: PgPool) -> Result<()> {
    let (scene, trials) = (Scene::new(pool)?, trials(6, 200));
    for seed in 0..trials {
        let mut trial = Trial::new(&scene, seed).await?;
        trial.report(LIMIT, trial.reason, 0).await?;
        trial.decide(Measure::Keep, false, 2).await?;
        let other = trial.other()?;
        trial.report(LIMIT - 1, other, 3).await?;
        trial.stands(VISIBLE, 3.0, &format!("seed {seed}: six")).await?;
        trial.report(1, other, 3).await?;
        trial.stands(LIMITED, 3.5, &format!("seed {seed}: seven")).await?;
        trial.report(BLOCK - LIMIT, other, 4).await?;
        trial.stands(BLOCKED, 6.5, &format!("seed {seed}: thirteen")).await?;
    }
    println!("{trials} trials of reports for another reason");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn an_edited_text_is_judged_anew_and_only_by_reports_of_it(pool: PgPool) -> Result<()> {
    let (scene, trials) = (Scene::new(pool)?, trials(6, 200));
    for seed in 0..trials {
        let mut trial = Trial::new(&scene, seed).await?;
        let (reason, lock) = (trial.reason, trial.dice.random_bool(0.5));
        trial.report(BLOCK, reason, 0).await?;
        trial.decide(Measure::Keep, lock, 2).await?;
        trial.report(BLOCK, reason, 3).await?;
        trial.stands(VISIBLE, 0.0, &format!("seed {seed}: the kept text")).await?;
        trial.edit("another text", 10).await?;
        trial.report(LIMIT - 1, reason, 11).await?;
        trial.stands(VISIBLE, 3.0, &format!("seed {seed}: six about the new text")).await?;
        trial.report(1, reason, 12).await?;
        trial.stands(LIMITED, 3.5, &format!("seed {seed}: seven about the new text")).await?;
        trial.report(BLOCK - LIMIT, reason, 13).await?;
        trial.stands(BLOCKED, 6.5, &format!("seed {seed}: thirteen about the new text")).await?;
    }
    println!("{trials} trials of edits after a dismissal");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_locked_text_stays_whatever_is_reported_until_it_is_edited(pool: PgPool) -> Result<()> {
    let (scene, trials) = (Scene::new(pool)?, trials(4, 200));
    for seed in 0..trials {
        let mut trial = Trial::new(&scene, seed).await?;
        trial.report(LIMIT, trial.reason, 0).await?;
        trial.decide(Measure::Keep, true, 1).await?;
        let before = trial.by_itself().await?;
        for _ in 0..40 {
            let reason = *Category::ALL.choose(&mut trial.dice).context("categories")?;
            let minutes = trial.dice.random_range(2..9 * 24 * 60);
            trial.report(1, reason, minutes).await?;
        }
        ensure!(trial.by_itself().await? == before, "seed {seed}: a locked text was hidden");
        trial.decide(Measure::Keep, false, 9 * 24 * 60).await?;
        let reason = trial.other()?;
        trial.report(BLOCK, reason, 9 * 24 * 60 + 1).await?;
        ensure!(trial.by_itself().await? == before, "seed {seed}: a second look undid the lock");
    }
    println!("{trials} trials of 53 reports about a locked text");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn keeping_a_post_again_and_again_never_makes_a_single_report_hide_it(pool: PgPool) -> Result<()> {
    let (scene, trials) = (Scene::new(pool)?, trials(6, 200));
    for seed in 0..trials {
        let mut trial = Trial::new(&scene, seed).await?;
        trial.report(BLOCK, trial.reason, 0).await?;
        let before = trial.by_itself().await?;
        trial.decide(Measure::Keep, false, 1).await?;
        let mut minutes = 1;
        for round in 0..8 {
            minutes += trial.dice.random_range(1..40 * 60);
            let reason = *Category::ALL.choose(&mut trial.dice).context("categories")?;
            let count = trial.dice.random_range(1..LIMIT - 1);
            trial.report(count, reason, minutes).await?;
            ensure!(trial.by_itself().await? == before, "seed {seed}: hidden by {count} in round {round}");
            trial.decide(Measure::Keep, false, minutes).await?;
        }
    }
    println!("{trials} trials of eight rounds of reports and keeping");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_block_that_ended_unreviewed_is_not_renewed_by_more_reports(pool: PgPool) -> Result<()> {
    let (scene, trials) = (Scene::new(pool)?, trials(6, 200));
    for seed in 0..trials {
        let mut trial = Trial::new(&scene, seed).await?;
        trial.report(BLOCK, Category::Abuse, 0).await?;
        trial.stands(BLOCKED, 6.5, &format!("seed {seed}")).await?;
        let before = trial.by_itself().await?;
        ensure!(scene.ease(trial.at(24 * 60)).await? == 1);
        let hours = trial.dice.random_range(25..60);
        trial.report(BLOCK, Category::Abuse, hours * 60).await?;
        trial.stands(LIMITED, 13.0, &format!("seed {seed}: it is limited, however many report")).await?;
        ensure!(trial.by_itself().await? == before, "seed {seed}: the rule acted again");
    }
    println!("{trials} trials of reports after a block that was eased");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_post_that_came_back_on_appeal_is_as_safe_as_one_that_was_kept(pool: PgPool) -> Result<()> {
    let (scene, trials) = (Scene::new(pool)?, trials(6, 200));
    for seed in 0..trials {
        let mut trial = Trial::new(&scene, seed).await?;
        let reason = trial.reason;
        trial.report(LIMIT, reason, 0).await?;
        let removal = trial.decide(Measure::Remove, false, 5).await?;
        trial.overturn(removal, 60).await?;
        trial.report(LIMIT_AGAIN, reason, 120).await?;
        trial.stands(VISIBLE, 0.0, &format!("seed {seed}: for the same reason")).await?;
        let other = trial.other()?;
        trial.report(LIMIT, other, 121).await?;
        trial.stands(LIMITED, 3.5, &format!("seed {seed}: for another one")).await?;
    }
    println!("{trials} trials of reports after an appeal that was heard");
    Ok(())
}
