//! What plain SQL finds in the same database: `ILIKE` and `pg_trgm`, over tables of their own with trigram indexes.

use std::fmt::Write;

use anyhow::{Context, Result};

use super::{
    judged::Query,
    scores::{Engine, Set},
};
use crate::bench::stores::Postgres;

const PREPARE: &str = "
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    DROP SCHEMA IF EXISTS search_bench CASCADE;
    CREATE SCHEMA search_bench;
    CREATE TABLE search_bench.tickers AS
        SELECT DISTINCT symbol AS key, name FROM (
            SELECT symbol, code AS name FROM tickers UNION ALL SELECT symbol, name FROM tickers
            UNION ALL SELECT symbol, name_ko FROM tickers
            UNION ALL SELECT t.symbol, a.alias FROM ticker_aliases a JOIN tickers t ON t.id = a.ticker_id
                      WHERE NOT a.removed) AS n
        WHERE name IS NOT NULL;
    CREATE TABLE search_bench.users AS
        SELECT handle AS key, handle AS name FROM users WHERE deleted_at IS NULL
        UNION SELECT handle, name FROM users WHERE deleted_at IS NULL;
    CREATE TABLE search_bench.posts AS
        SELECT id, body FROM posts WHERE listed AND repost_of IS NULL AND body <> '';
    CREATE INDEX ON search_bench.tickers USING gin (name gin_trgm_ops);
    CREATE INDEX ON search_bench.users USING gin (name gin_trgm_ops);
    CREATE INDEX ON search_bench.posts USING gin (body gin_trgm_ops);
    CREATE INDEX ON search_bench.posts USING gist (body gist_trgm_ops);
    ANALYZE search_bench.tickers, search_bench.users, search_bench.posts;";

/// Makes the tables and indexes.
pub(crate) async fn prepare(database: &Postgres) -> Result<()> {
    database.sql(PREPARE).await.map(|_| ()).context("failed to prepare pg_trgm")
}

/// A rival's query of a set: keys with their places, for one `a.q` and the same in `a.pattern`.
fn sql(set: Set, engine: Engine) -> Option<String> {
    let names = |filter: &str, order: &str| {
        Some(format!(
            "SELECT key, row_number() OVER (ORDER BY {order}, key) AS place FROM search_bench.{} WHERE {filter}
             GROUP BY key ORDER BY place LIMIT 10",
            set.name()
        ))
    };
    let bodies = |filter: &str, order: &str| {
        Some(format!(
            "SELECT id::text AS key, row_number() OVER () AS place FROM (
                 SELECT id FROM search_bench.posts WHERE {filter} ORDER BY {order} LIMIT 10) AS best"
        ))
    };
    match (set, engine) {
        (Set::Posts, Engine::Ilike) => bodies("body ILIKE a.pattern", "id DESC"),
        (Set::Posts, Engine::Trigrams) => bodies("true", "body <-> a.q"),
        (Set::Posts, Engine::WordTrigrams) => bodies("a.q <% body", "a.q <<-> body, id DESC"),
        (_, Engine::Ilike) => names("name ILIKE a.pattern", "min(length(name))"),
        (_, Engine::Trigrams) => names("name % a.q", "max(similarity(name, a.q)) DESC"),
        _ => None,
    }
}

fn script(queries: &[Query], sql: &str) -> String {
    let mut rows = String::new();
    for (nth, query) in queries.iter().enumerate() {
        let quoted = query.text.replace('\'', "''");
        // Writing into a string cannot fail.
        let _ = write!(rows, "{}({nth}, '{quoted}')", if nth > 0 { ", " } else { "" });
    }
    format!(
        "SET pg_trgm.word_similarity_threshold = 0.4;
         CREATE TEMP TABLE asked AS
             SELECT nth, q, '%' || replace(replace(replace(q, '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%' AS pattern
             FROM (VALUES {rows}) AS v (nth, q);
         SELECT a.nth, f.key FROM asked a CROSS JOIN LATERAL ({sql}) AS f ORDER BY a.nth, f.place;"
    )
}

/// What each rival answers to each query.
pub(crate) async fn answers(
    database: &Postgres,
    set: Set,
    queries: &[Query],
) -> Result<Vec<(Engine, Vec<Vec<String>>)>> {
    let mut all = Vec::new();
    for engine in [Engine::Ilike, Engine::Trigrams, Engine::WordTrigrams] {
        let Some(sql) = sql(set, engine) else { continue };
        let mut answers = vec![Vec::new(); queries.len()];
        for line in database.sql(&script(queries, &sql)).await?.lines() {
            let (nth, key) = line.split_once('|').context("an answer has no key")?;
            let answer = answers.get_mut(nth.parse::<usize>()?).context("an answer to nothing")?;
            answer.push(key.to_owned());
        }
        all.push((engine, answers));
    }
    Ok(all)
}
