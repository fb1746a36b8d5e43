//! Suggestions against the real database: what connects a reader with whom they are shown, and what is counted.
#![expect(clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use anyhow::{Result, ensure};
use chrono::Duration;
use madang_core::ids::UserId;
use madang_creators::{suggest::Suggestion, suggestions};
use sqlx::PgPool;
use support::{market, market_days, people, today};

async fn run(pool: &PgPool, statements: &[&'static str]) -> Result<()> {
    for statement in statements {
        sqlx::query(*statement).execute(pool).await?;
    }
    Ok(())
}

/// Each shows the whole account with holdings, and holds the first ticker.
const SHOW: &[&str] = &[
    "INSERT INTO ledger_people (user_id, currency) SELECT id, 'KRW' FROM users",
    "INSERT INTO disclosures (user_id, holdings, amounts, consent_version, granted_at)
     SELECT id, true, false, 1, now() FROM users WHERE id > 1",
    "INSERT INTO holdings (user_id, ticker_id, quantity, average_cost, weight, since)
     SELECT id, 1, 1, 1, 0.5, '2026-01-02' FROM users",
];

async fn shown(pool: &PgPool, reader: UserId) -> Result<Vec<Suggestion>> {
    Ok(suggestions::show(pool, reader, 10, (today(), 7)).await?)
}

async fn follows(pool: &PgPool, creator: i64) -> Result<i64> {
    let follows = sqlx::query_scalar("SELECT follows FROM suggestion_totals WHERE creator_id = $1");
    Ok(follows.bind(creator).fetch_one(pool).await?)
}

async fn follow(pool: &PgPool, reader: UserId, creator: UserId, days: i64) -> Result<()> {
    let mut tx = pool.begin().await?;
    suggestions::note_follow(&mut tx, reader, creator, today() + Duration::days(days)).await?;
    Ok(tx.commit().await?)
}

#[sqlx::test(migrations = "../migrations")]
async fn following_again_and_again_counts_once(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 2).await?;
    market(&pool, &market_days(2), |_, _| 1_000.0).await?;
    run(&pool, SHOW).await?;
    ensure!(shown(&pool, everybody[0]).await?.len() == 1);
    for days in [0, 0, 1] {
        follow(&pool, everybody[0], everybody[1], days).await?;
    }
    ensure!(follows(&pool, 2).await? == 1, "counted again");
    // Shown once more, long after: still the same follow.
    let later = today() + Duration::days(30);
    suggestions::drop_old(&pool, later, 100).await?;
    ensure!(suggestions::show(&pool, everybody[0], 10, (later, 7)).await?.len() == 1);
    follow(&pool, everybody[0], everybody[1], 30).await?;
    ensure!(follows(&pool, 2).await? == 1, "counted again after it was forgotten");
    // Who was never shown counts for nothing.
    follow(&pool, everybody[1], everybody[0], 0).await?;
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn what_connects_two_people_is_what_is_shown_of_it(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 5).await?;
    market(&pool, &market_days(2), |_, _| 1_000.0).await?;
    run(&pool, SHOW).await?;
    let more = [
        "INSERT INTO watches (user_id, ticker_id) VALUES (1, 1), (1, 2)",
        // The third holds it too, but does not show that; the fourth writes about what is watched.
        "UPDATE disclosures SET holdings = false WHERE user_id IN (3, 4)",
        "DELETE FROM holdings WHERE user_id = 4",
        "INSERT INTO posts (id, author_id, body, rank, author_followers, created_at)
         VALUES (1000, 4, 'zq', 1000, 0, now())",
        "INSERT INTO post_tickers (post_id, ticker_id, position) VALUES (1000, 2, 0)",
        // The reader follows the fifth, who follows the second.
        "INSERT INTO follows (follower_id, followee_id) VALUES (1, 5), (5, 2)",
    ];
    run(&pool, &more).await?;
    let shown = shown(&pool, everybody[0]).await?;
    let of = |user: i64| {
        let one = shown.iter().find(|one| one.user.get() == user);
        one.map(|one| format!("{:?}", one.reasons)).unwrap_or_default()
    };
    ensure!(of(5).is_empty(), "whom the reader follows is suggested: {shown:?}");
    let (second, third, fourth) = (of(2), of(3), of(4));
    ensure!(second.contains("SharedHoldings") && second.contains("FollowedByFollows"), "{shown:?}");
    ensure!(!third.contains("SharedHoldings") && !third.contains("SharedWatched"), "{shown:?}");
    ensure!(fourth.contains("SharedWatched") && !fourth.contains("SharedHoldings"), "{shown:?}");
    Ok(())
}
