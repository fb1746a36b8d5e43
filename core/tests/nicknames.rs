//! Built-in nicknames, on a database of their own.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use madang_core::nicknames::seed;
use sqlx::PgPool;

async fn list(pool: &PgPool, market: &str, code: &str, name: &str, name_ko: Option<&str>) {
    sqlx::query(
        "INSERT INTO tickers (market, code, name, name_ko, currency, time_zone)
         VALUES ($1, $2, $3, $4, 'KRW', 'Asia/Seoul')",
    )
    .bind(market)
    .bind(code)
    .bind(name)
    .bind(name_ko)
    .execute(pool)
    .await
    .unwrap();
}

async fn seeded(pool: &PgPool) -> u64 {
    seed(&mut pool.acquire().await.unwrap()).await.unwrap()
}

/// The symbols that have a nickname which was not taken away.
async fn meaning(pool: &PgPool, alias: &str) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT t.symbol FROM ticker_aliases a JOIN tickers t ON t.id = a.ticker_id
         WHERE a.alias = $1 AND NOT a.removed ORDER BY 1",
    )
    .bind(alias)
    .fetch_all(pool)
    .await
    .unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn instruments_that_exist_get_theirs_once(pool: PgPool) {
    list(&pool, "XKRX", "005930", "Samsung Electronics", Some("삼성전자")).await;
    assert!(seeded(&pool).await > 0);
    assert_eq!(meaning(&pool, "삼전").await, ["XKRX:005930"]);
    assert!(meaning(&pool, "하닉").await.is_empty());
    assert_eq!(seeded(&pool).await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_an_operator_took_away_stays_away(pool: PgPool) {
    list(&pool, "XKRX", "005930", "Samsung Electronics", Some("삼성전자")).await;
    seeded(&pool).await;
    sqlx::query("UPDATE ticker_aliases SET removed = true WHERE alias = '삼전'")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(seeded(&pool).await, 0);
    assert!(meaning(&pool, "삼전").await.is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_name_of_another_instrument_is_left_to_it(pool: PgPool) {
    list(&pool, "XKRX", "005930", "Samsung Electronics", Some("삼성전자")).await;
    list(&pool, "XKRX", "999999", "Three Wars", Some("삼 전")).await;
    assert!(seeded(&pool).await > 0);
    assert!(meaning(&pool, "삼전").await.is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_nickname_of_two_share_classes_is_for_the_first_that_exists(pool: PgPool) {
    list(&pool, "XNAS", "GOOG", "Alphabet Inc.", None).await;
    seeded(&pool).await;
    assert_eq!(meaning(&pool, "구글").await, ["XNAS:GOOG"]);
    list(&pool, "XNAS", "GOOGL", "Alphabet", None).await;
    seeded(&pool).await;
    assert_eq!(meaning(&pool, "구글").await, ["XNAS:GOOG"]);
}
