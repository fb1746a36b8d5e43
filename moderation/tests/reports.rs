//! Reports against the real database: at once, again and again, and after a verdict.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Duration, Utc};
use madang_core::{
    ids::{CaseId, PostId, UserId},
    users::Role,
};
use madang_moderation::{
    audit::{self, Broken},
    decisions::{self, Measure, NewDecision},
    exposure::{self, ViewLog},
    reports::{self, Withdrawn},
    rule::Category,
};
use sqlx::PgPool;

#[path = "trials/counts.rs"]
mod counts;
mod support;

use counts::trials;
use support::{file_as, people, post, screener, who, wide};

async fn withdraw(pool: &PgPool, post: PostId, reporter: UserId) -> Result<Withdrawn> {
    let mut tx = pool.begin().await?;
    let done = reports::withdraw(&mut tx, screener()?, post, reporter, Utc::now(), "test").await?;
    tx.commit().await?;
    Ok(done)
}

async fn case_of(pool: &PgPool, post: PostId) -> Result<(CaseId, i32, f64)> {
    let (id, version, score): (i64, i32, f64) = sqlx::query_as(
        "SELECT id, version, score FROM mod_cases WHERE post_id = $1 ORDER BY id DESC LIMIT 1",
    )
    .bind(post.get())
    .fetch_one(pool)
    .await?;
    Ok((CaseId::new(id), version, score))
}

async fn state(pool: &PgPool, post: PostId) -> Result<i16> {
    Ok(sqlx::query_scalar("SELECT moderation_state FROM posts WHERE id = $1")
        .bind(post.get())
        .fetch_one(pool)
        .await?)
}

#[sqlx::test(migrations = "../migrations")]
async fn fifty_reports_at_once_make_each_transition_once(pool: PgPool) -> Result<()> {
    let trials = trials(20, 1_000);
    let pool = wide(&pool).await?;
    let everybody = people(&pool, 51).await?;
    let (author, reporters) = everybody.split_first().context("people")?;
    for trial in 0..trials {
        let post = post(&pool, *author).await?;
        // The earlier reports are of other days, and were right: else the day's budget would be used up, and
        // people who report the same posts in vain count as one.
        sqlx::query(
            "UPDATE reports SET created_at = created_at - interval '2 days', status = 'agreed'
             WHERE status = 'pending'",
        )
        .execute(&pool)
        .await?;
        let tasks: Vec<_> = reporters
            .iter()
            .map(|reporter| {
                let (pool, reporter) = (pool.clone(), *reporter);
                tokio::spawn(async move { file_as(&pool, post, reporter, Category::Abuse, Utc::now()).await })
            })
            .collect();
        for task in tasks {
            ensure!(task.await??.is_ok(), "trial {trial}: a report was refused");
        }
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT d.statement->>'measure', count(*) FROM mod_decisions d WHERE d.post_id = $1 AND d.automated
             GROUP BY 1 ORDER BY 1",
        )
        .bind(post.get())
        .fetch_all(&pool)
        .await?;
        let expected = [("block".to_owned(), 1), ("limit".to_owned(), 1)];
        ensure!(rows == expected, "trial {trial}: {rows:?}");
        let (cases, logged): (i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM mod_cases WHERE post_id = $1),
                    (SELECT count(*) FROM mod_audit WHERE object = 'post:' || $1 AND action = 'post.decided')",
        )
        .bind(post.get())
        .fetch_one(&pool)
        .await?;
        ensure!(cases == 1 && logged == 2, "trial {trial}: {cases} cases, {logged} rows of the log");
        ensure!(state(&pool, post).await? == 2, "trial {trial}: not blocked");
    }
    ensure!(audit::verify(&pool).await?.is_ok(), "the chain is whole");
    println!("{trials} trials of 50 reports at once");
    pool.close().await;
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn one_who_reports_and_withdraws_again_and_again_weighs_as_much_as_once(pool: PgPool) -> Result<()> {
    let trials = trials(200, 1_000);
    let everybody = people(&pool, 2).await?;
    let [author, reporter] = everybody[..] else { anyhow::bail!("two people") };
    let post = post(&pool, author).await?;
    for _ in 0..trials {
        ensure!(file_as(&pool, post, reporter, Category::Spam, Utc::now()).await?.is_ok());
        ensure!((case_of(&pool, post).await?.2 - 0.5).abs() < 1e-9, "a newcomer weighs a half");
        ensure!(withdraw(&pool, post, reporter).await? == Withdrawn::Done);
        ensure!(case_of(&pool, post).await?.2 == 0.0, "a withdrawn report weighs nothing");
    }
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM reports").fetch_one(&pool).await?;
    println!("{trials} reports and withdrawals");
    ensure!(rows == 1 && withdraw(&pool, post, reporter).await? == Withdrawn::Already);
    Ok(())
}

async fn decide(pool: &PgPool, post: PostId, measure: Measure, lock: bool, now: DateTime<Utc>) -> Result<()> {
    let moderator: i64 = sqlx::query_scalar(
        "INSERT INTO users (id, handle, handle_fold, handle_skeleton, name, role)
         SELECT id, 'm' || id, 'm' || id, 'm' || id, 'm', 'moderator' FROM (SELECT max(id) + 1 AS id FROM users) AS next
         RETURNING id",
    )
    .fetch_one(pool)
    .await?;
    let (case, version, _) = case_of(pool, post).await?;
    let new = NewDecision {
        case,
        version,
        moderator: who(UserId::new(moderator), Role::Moderator),
        measure,
        reason: Category::Abuse,
        terms_clause: "",
        lock,
        now,
        request_id: "test",
    };
    let mut tx = pool.begin().await?;
    let decided = decisions::decide(&mut tx, &new).await?;
    tx.commit().await?;
    ensure!(decided.is_ok(), "{decided:?}");
    Ok(())
}

async fn report_by(pool: &PgPool, post: PostId, reporters: &[UserId], now: DateTime<Utc>) -> Result<()> {
    for reporter in reporters {
        ensure!(file_as(pool, post, *reporter, Category::Abuse, now).await?.is_ok());
    }
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_kept_post_is_not_hidden_by_as_many_reports_again_until_it_is_edited(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 60).await?;
    let (author, reporters) = everybody.split_first().context("people")?;
    let mut groups = reporters.chunks(8);
    let mut next = || groups.next().context("reporters");
    let now = Utc::now();
    let post = post(&pool, *author).await?;
    report_by(&pool, post, next()?, now).await?;
    ensure!(state(&pool, post).await? == 1, "eight limit");
    decide(&pool, post, Measure::Keep, false, now).await?;
    ensure!(state(&pool, post).await? == 0, "kept");
    report_by(&pool, post, next()?, now + Duration::hours(1)).await?;
    ensure!(state(&pool, post).await? == 0, "within a day the same text does not score for the same reason");
    report_by(&pool, post, next()?, now + Duration::hours(30)).await?;
    ensure!(state(&pool, post).await? == 0, "after a day it takes three times as much");
    sqlx::query("UPDATE posts SET revision = revision + 1, body = 'another' WHERE id = $1")
        .bind(post.get())
        .execute(&pool)
        .await?;
    report_by(&pool, post, next()?, now + Duration::hours(31)).await?;
    ensure!(state(&pool, post).await? > 0, "an edited text is judged anew");
    decide(&pool, post, Measure::Keep, true, now + Duration::hours(32)).await?;
    for group in [next()?, next()?, next()?] {
        report_by(&pool, post, group, now + Duration::days(9)).await?;
    }
    ensure!(state(&pool, post).await? == 0, "a locked text stays until it is edited");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_block_that_nobody_reviewed_is_eased_after_a_day_unless_it_is_a_scam(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 16).await?;
    let (author, reporters) = everybody.split_first().context("people")?;
    let now = Utc::now();
    let (insult, scam) = (post(&pool, *author).await?, post(&pool, *author).await?);
    for reporter in reporters {
        for (post, category) in [(insult, Category::Abuse), (scam, Category::LeadingRoom)] {
            ensure!(file_as(&pool, post, *reporter, category, now).await?.is_ok());
        }
    }
    let ease = async |at: DateTime<Utc>| -> Result<usize> {
        let mut tx = pool.begin().await?;
        let eased = decisions::ease_expired(&mut tx, at, 10).await?.len();
        tx.commit().await?;
        Ok(eased)
    };
    ensure!(ease(now + Duration::hours(23)).await? == 0);
    ensure!(ease(now + Duration::hours(25)).await? == 2 && ease(now + Duration::hours(25)).await? == 0);
    ensure!(state(&pool, insult).await? == 1, "an insult is limited after a day");
    ensure!(state(&pool, scam).await? == 2, "a scam stays blocked");
    let escalated: Vec<i64> = sqlx::query_scalar("SELECT post_id FROM mod_cases WHERE state = 'escalated'")
        .fetch_all(&pool)
        .await?;
    ensure!(escalated == [scam.get()], "{escalated:?}");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn views_are_counted_once_a_person_and_young_post(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 5).await?;
    let author = *everybody.first().context("people")?;
    let (young, log) = (post(&pool, author).await?, Arc::new(ViewLog::default()));
    let old = PostId::new(4096);
    let now = Utc::now();
    for _ in 0..3 {
        for viewer in &everybody {
            log.note(*viewer, vec![young, old, young], now);
        }
        log.flush(&pool).await?;
    }
    ensure!(exposure::viewers(&pool, young, author, now).await? == Some(4), "four and the author");
    ensure!(exposure::viewers(&pool, old, author, now).await?.is_none(), "an old post is not counted");
    exposure::keep_partitions(&pool).await?;
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_changes_the_log_is_found(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 12).await?;
    let (author, reporters) = everybody.split_first().context("people")?;
    let post = post(&pool, *author).await?;
    report_by(&pool, post, reporters, Utc::now()).await?;
    let rows = audit::verify(&pool).await?;
    ensure!(rows == Ok(12), "{rows:?}");
    for refused in ["UPDATE mod_audit SET action = 'x'", "DELETE FROM mod_audit", "TRUNCATE mod_audit"] {
        ensure!(sqlx::query(refused).execute(&pool).await.is_err(), "{refused} was taken");
    }
    // What only one who owns the tables can do.
    let mut trials = 0;
    for seq in 1..=12_i64 {
        for (act, broken) in [
            ("UPDATE mod_audit SET object = object || ' ' WHERE seq = $1", Broken::Changed(seq)),
            ("UPDATE mod_audit SET at = at + interval '1 us' WHERE seq = $1", Broken::Changed(seq)),
            ("UPDATE mod_audit SET after = '{\"x\":1}' WHERE seq = $1", Broken::Changed(seq)),
            ("UPDATE mod_audit SET actor_role = 'nobody' WHERE seq = $1", Broken::Changed(seq)),
            ("UPDATE mod_audit SET request_id = NULL WHERE seq = $1", Broken::Changed(seq)),
            ("UPDATE mod_audit SET hash = sha256(hash) WHERE seq = $1", Broken::Changed(seq)),
            ("UPDATE mod_audit SET prev_hash = hash WHERE seq = $1", Broken::Unlinked(seq)),
            (
                "DELETE FROM mod_audit WHERE seq = $1",
                if seq == 12 { Broken::CutOff { found: 11, expected: 12 } } else { Broken::Missing(seq) },
            ),
        ] {
            let mut tx = pool.begin().await?;
            sqlx::query("ALTER TABLE mod_audit DISABLE TRIGGER USER").execute(&mut *tx).await?;
            sqlx::query(act).bind(seq).execute(&mut *tx).await?;
            let copy = verify_inside(&mut tx).await?;
            ensure!(copy == Err(broken.clone()), "{act} {seq}: {copy:?} instead of {broken:?}");
            tx.rollback().await?;
            trials += 1;
        }
    }
    // Two rows in each other's place.
    for seq in 1..12_i64 {
        let mut tx = pool.begin().await?;
        sqlx::query("ALTER TABLE mod_audit DISABLE TRIGGER USER").execute(&mut *tx).await?;
        for act in [
            "UPDATE mod_audit SET seq = -$1 WHERE seq = $1",
            "UPDATE mod_audit SET seq = $1 WHERE seq = $1 + 1",
            "UPDATE mod_audit SET seq = $1 + 1 WHERE seq = -$1",
        ] {
            sqlx::query(act).bind(seq).execute(&mut *tx).await?;
        }
        let found = verify_inside(&mut tx).await?;
        ensure!(found == Err(Broken::Unlinked(seq)), "rows {seq} and the next: {found:?}");
        tx.rollback().await?;
        trials += 1;
    }
    println!("{trials} changes to the log, all found");
    Ok(())
}

async fn verify_inside(tx: &mut sqlx::PgConnection) -> Result<Result<i64, Broken>> {
    Ok(audit::verify_on(tx).await?)
}
