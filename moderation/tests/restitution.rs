//! Reach that a post is owed after a block that did not stand.

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Duration, Utc};
use madang_core::{
    ids::{DecisionId, PostId, UserId, id_floor},
    users::Role,
    viewer::Who,
};
use madang_moderation::{
    appeals::{self, Against, Answer, Outcome},
    audit,
    reports::{self, NewReport},
    restitution,
    rule::{Category, Network},
    screener::Screener,
};
use sqlx::PgPool;

async fn people(pool: &PgPool, count: i32) -> Result<Vec<UserId>> {
    sqlx::query(
        "INSERT INTO users (id, handle, handle_fold, handle_skeleton, name, verified, created_at)
         SELECT n, 'p' || n, 'p' || n, 'p' || n, 'p', true, now() - interval '60 days' FROM generate_series(1, $1) n",
    )
    .bind(count)
    .execute(pool)
    .await?;
    Ok((1..=i64::from(count)).map(UserId::new).collect())
}

async fn post(pool: &PgPool, author: UserId, at: DateTime<Utc>, n: i64) -> Result<PostId> {
    let id = id_floor(at) + n;
    sqlx::query(
        "INSERT INTO posts (id, author_id, body, rank, author_followers, created_at) VALUES ($1, $2, 'a post', 0, 0, $3)",
    )
    .bind(id)
    .bind(author.get())
    .bind(at)
    .execute(pool)
    .await?;
    Ok(PostId::new(id))
}

/// Viewers from one number to below another see a post.
async fn seen(pool: &PgPool, post: PostId, from: i32, to: i32) -> Result<()> {
    sqlx::query("INSERT INTO post_views SELECT $1, 1000000 + n, now() FROM generate_series($2, $3 - 1) n")
        .bind(post.get())
        .bind(from)
        .bind(to)
        .execute(pool)
        .await?;
    Ok(())
}

async fn report(pool: &PgPool, post: PostId, reporter: UserId, now: DateTime<Utc>) -> Result<()> {
    let address = [10, 0, u8::try_from(reporter.get() % 256)?, 1];
    let new = NewReport {
        post,
        reporter: Who { user: reporter, role: Role::Investor },
        category: Category::Abuse,
        note: "",
        network: Some(Network::of(address.into())),
        device: None,
        now,
        request_id: "test",
    };
    let mut tx = pool.begin().await?;
    ensure!(reports::file(&mut tx, &Screener::built_in()?, &new).await?.is_ok());
    tx.commit().await?;
    Ok(())
}

async fn overturn(pool: &PgPool, author: UserId, block: DecisionId, now: DateTime<Utc>) -> Result<()> {
    let mut tx = pool.begin().await?;
    let who = Who { user: author, role: Role::Investor };
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
        let other = post(&pool, *author, now - Duration::days(2), n).await?;
        seen(&pool, other, 0, readers).await?;
    }
    let wronged = post(&pool, *author, now - Duration::hours(10), 0).await?;
    seen(&pool, wronged, 0, 12).await?;
    for reporter in reporters.iter().take(30) {
        report(&pool, wronged, *reporter, now).await?;
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
    seen(&pool, wronged, 12, 27).await?;
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
