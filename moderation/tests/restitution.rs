//! Reach that a post is owed after a block that did not stand.

mod support;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Duration, Utc};
use madang_core::{
    ids::{DecisionId, UserId, id_floor},
    users::Role,
    viewer::Who,
};
use madang_moderation::{
    appeals::{self, Against, Answer, Outcome},
    audit, restitution,
    rule::Category,
};
use sqlx::PgPool;
use support::{file_as, people, post_at, post_with, seen_by, who};

async fn overturn(pool: &PgPool, author: UserId, block: DecisionId, now: DateTime<Utc>) -> Result<()> {
    let mut tx = pool.begin().await?;
    let who = who(author, Role::Investor);
    let sent = appeals::send(&mut tx, who, Against::Decision(block), "why?", now, "test").await?;
    let Ok(appeal) = sent else { anyhow::bail!("the appeal was refused") };
    let moderator = Who { user: UserId::new(99), role: Role::Senior };
    let answer =
        Answer { appeal, moderator, outcome: Outcome::Overturned, words: "sorry", now, request_id: "test" };
    ensure!(appeals::answer(&mut tx, &answer).await?.is_ok());
    tx.commit().await?;
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_wrongly_blocked_post_is_owed_the_readers_its_author_usually_has(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 99).await?;
    let (author, reporters) = everybody.split_first().context("people")?;
    let now = Utc::now();
    for (n, readers) in [(1, 8), (2, 30), (3, 400)] {
        let other =
            post_with(&pool, *author, id_floor(now - Duration::days(2)) + n, now - Duration::days(2)).await?;
        seen_by(&pool, other, 0..readers).await?;
    }
    let wronged = post_at(&pool, *author, now - Duration::hours(10)).await?;
    seen_by(&pool, wronged, 0..12).await?;
    for reporter in reporters.iter().take(30) {
        ensure!(file_as(&pool, wronged, *reporter, Category::Abuse, now).await?.is_ok());
    }
    let block: i64 = sqlx::query_scalar("SELECT id FROM mod_decisions WHERE post_id = $1 AND kind = 'block'")
        .bind(wronged.get())
        .fetch_one(&pool)
        .await
        .context("thirty reports do not block")?;
    let later = now + Duration::hours(9);
    overturn(&pool, *author, DecisionId::new(block), later).await?;
    type Row = (i64, i32, i32, DateTime<Utc>, Option<i32>);
    let row = "SELECT lost_seconds, viewers_before, viewers_owed, until, viewers_after FROM restitutions WHERE post_id = $1";
    let (lost, before, owed, until, after): Row =
        sqlx::query_as(row).bind(wronged.get()).fetch_one(&pool).await?;
    ensure!((before, owed, after) == (12, 18, None), "{before} {owed}: the median of 8, 30 and 400 is 30");
    ensure!(
        (lost - 9 * 3_600).abs() < 5 && ((until - later).num_minutes() - 540).abs() <= 1,
        "{lost} {until}"
    );
    let (listed, again): (bool, Option<i64>) =
        sqlx::query_as("SELECT listed, restored_rank FROM posts WHERE id = $1")
            .bind(wronged.get())
            .fetch_one(&pool)
            .await?;
    ensure!(listed && again.is_some(), "it is not listed as new");
    seen_by(&pool, wronged, 12..27).await?;
    let mut tx = pool.begin().await?;
    ensure!(!restitution::close_due(&mut tx, until - Duration::minutes(1)).await?, "too early");
    ensure!(restitution::close_due(&mut tx, until).await? && !restitution::close_due(&mut tx, until).await?);
    tx.commit().await?;
    let (.., after): Row = sqlx::query_as(row).bind(wronged.get()).fetch_one(&pool).await?;
    ensure!(after == Some(27));
    let log = audit::list(&pool, Some(&format!("post:{wronged}")), i64::MAX, 1).await?;
    ensure!(log.first().is_some_and(|row| row.action == "reach.made_up"), "{log:?}");
    Ok(())
}
