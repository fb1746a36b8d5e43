//! What the tests of this crate share: people, posts, and reports of them.
#![allow(dead_code, reason = "each test uses some of it")]

use std::sync::LazyLock;

use anyhow::{Result, ensure};
use chrono::{DateTime, Duration, Utc};
use madang_core::{
    ids::{CaseId, DecisionId, PostId, UserId},
    users::Role,
    viewer::Who,
};
use madang_moderation::{
    decisions::{self, Measure, NewDecision},
    reports::{self, Filed, NewReport, Refused},
    rule::{Category, Network},
    screener::Screener,
    text::BadRule,
};
use sqlx::{PgPool, postgres::PgPoolOptions};

/// Compiled once: that takes longer than many reports.
static SCREENER: LazyLock<Result<Screener, BadRule>> = LazyLock::new(Screener::built_in);

pub(crate) fn screener() -> Result<&'static Screener> {
    SCREENER.as_ref().map_err(|error| anyhow::anyhow!("{error}"))
}

/// A pool for many at once.
pub(crate) async fn wide(pool: &PgPool) -> Result<PgPool> {
    Ok(PgPoolOptions::new().max_connections(16).connect_with(pool.connect_options().as_ref().clone()).await?)
}

/// People whose word counts, from 1 on. Their handles cannot stand in a number or a hash.
pub(crate) async fn people(pool: &PgPool, count: i32) -> Result<Vec<UserId>> {
    sqlx::query(
        "INSERT INTO users (id, handle, handle_fold, handle_skeleton, name, verified, created_at)
         SELECT n, 'zq' || n, 'zq' || n, 'zq' || n, 'zq', true, now() - interval '60 days' FROM generate_series(1, $1) n",
    )
    .bind(count)
    .execute(pool)
    .await?;
    Ok((1..=i64::from(count)).map(UserId::new).collect())
}

pub(crate) async fn post(pool: &PgPool, author: UserId) -> Result<PostId> {
    post_at(pool, author, Utc::now()).await
}

pub(crate) async fn post_at(pool: &PgPool, author: UserId, at: DateTime<Utc>) -> Result<PostId> {
    let id = sqlx::query_scalar("SELECT new_id($1)").bind(at).fetch_one(pool).await?;
    post_with(pool, author, id, at).await
}

pub(crate) async fn post_with(pool: &PgPool, author: UserId, id: i64, at: DateTime<Utc>) -> Result<PostId> {
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

/// Strangers of these numbers see a post.
pub(crate) async fn seen_by(pool: &PgPool, post: PostId, strangers: std::ops::Range<i32>) -> Result<()> {
    sqlx::query("INSERT INTO post_views SELECT $1, 1000000 + n, now() FROM generate_series($2, $3 - 1) n")
        .bind(post.get())
        .bind(strangers.start)
        .bind(strangers.end)
        .execute(pool)
        .await?;
    Ok(())
}

pub(crate) fn who(user: UserId, role: Role) -> Who {
    Who { user, role }
}

/// A report from a network of the reporter's own; what is refused is rolled back.
pub(crate) async fn file_as(
    pool: &PgPool,
    post: PostId,
    reporter: UserId,
    category: Category,
    now: DateTime<Utc>,
) -> Result<Result<Filed, Refused>> {
    let address = [10, 0, u8::try_from(reporter.get() % 256)?, 1];
    let new = NewReport {
        post,
        reporter: who(reporter, Role::Investor),
        category,
        note: "",
        network: Some(Network::of(address.into())),
        device: None,
        now,
        request_id: "test",
    };
    let mut tx = pool.begin().await?;
    let filed = reports::file(&mut tx, screener()?, &new).await?;
    if filed.is_ok() {
        tx.commit().await?;
    }
    Ok(filed)
}

/// One after another, a minute apart, the first one at `from`.
pub(crate) async fn report_each_minute(
    pool: &PgPool,
    post: PostId,
    reporters: &[UserId],
    category: Category,
    from: DateTime<Utc>,
) -> Result<()> {
    let mut now = from;
    for reporter in reporters {
        let filed = file_as(pool, post, *reporter, category, now).await?;
        ensure!(filed.is_ok(), "{filed:?}");
        now += Duration::minutes(1);
    }
    Ok(())
}

pub(crate) async fn moderator(pool: &PgPool) -> Result<Who> {
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO users (id, handle, handle_fold, handle_skeleton, name, role)
         SELECT id, 'zm' || id, 'zm' || id, 'zm' || id, 'm', 'moderator' FROM (SELECT new_id(now()) AS id OFFSET 0) AS next
         RETURNING id",
    )
    .fetch_one(pool)
    .await?;
    Ok(who(UserId::new(id), Role::Moderator))
}

/// A new moderator decides the post's newest case.
pub(crate) async fn decide(
    pool: &PgPool,
    post: PostId,
    measure: Measure,
    now: DateTime<Utc>,
) -> Result<DecisionId> {
    let (case, version): (i64, i32) =
        sqlx::query_as("SELECT id, version FROM mod_cases WHERE post_id = $1 ORDER BY id DESC LIMIT 1")
            .bind(post.get())
            .fetch_one(pool)
            .await?;
    let new = NewDecision {
        case: CaseId::new(case),
        version,
        moderator: moderator(pool).await?,
        measure,
        reason: Category::Abuse,
        terms_clause: "",
        lock: false,
        now,
        request_id: "test",
    };
    let mut tx = pool.begin().await?;
    let decided = decisions::decide(&mut tx, &new).await?;
    tx.commit().await?;
    Ok(decided.map_err(|refused| anyhow::anyhow!("{refused:?}"))?.id)
}

pub(crate) fn near(value: Option<f64>, expected: f64) -> bool {
    value.is_some_and(|value| (value - expected).abs() < 1e-6)
}
