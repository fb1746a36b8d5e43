//! What indexes of search must take over, in the order of commits. A row names subjects, not changes: whoever reads it
//! looks at their present state. Numbers come from a single row, as those of `changes` do.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::ids::{PostId, UserId};

/// How long rows are kept: an index that was away longer is built anew.
pub const KEPT_DAYS: i32 = 7;

/// Subjects whose present state is to be taken over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subjects {
    /// Posts, each once.
    pub posts: Vec<PostId>,
    /// People, each once.
    pub people: Vec<UserId>,
}

/// Where the log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogState {
    /// The database it belongs to, a UUID.
    pub database: String,
    /// The last number.
    pub number: i64,
}

/// Subjects in one row at most, so that no row is more than a reader can take over in one go.
const ROW: usize = 500;

/// Adds subjects in the caller's transaction. From here to the commit others who add wait, so it comes late in a
/// transaction and nothing behind it waits for anybody; `changes::record` adds what it records by itself.
pub async fn append(tx: &mut PgConnection, posts: &[i64], people: &[i64]) -> sqlx::Result<()> {
    let (mut posts, mut people) = (posts.chunks(ROW), people.chunks(ROW));
    loop {
        let (some_posts, some_people) = (posts.next(), people.next());
        if some_posts.is_none() && some_people.is_none() {
            return Ok(());
        }
        add_row(&mut *tx, some_posts.unwrap_or_default(), some_people.unwrap_or_default()).await?;
    }
}

async fn add_row(tx: &mut PgConnection, posts: &[i64], people: &[i64]) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH counter AS (UPDATE search_counter SET number = number + 1 RETURNING number)
         INSERT INTO search_log (number, posts, people) SELECT number, $1::bigint[], $2::bigint[] FROM counter",
        posts,
        people
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Adds subjects in a transaction of their own.
pub async fn append_alone(pool: &PgPool, posts: &[i64], people: &[i64]) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    append(&mut tx, posts, people).await?;
    tx.commit().await
}

/// Somebody was followed or left by a follower: an index ranks people by followers, of which only the magnitude
/// counts, so above a hundred each single one is not worth a row: of thousands each fiftieth is.
pub async fn note_followed(pool: &PgPool, person: UserId) -> sqlx::Result<()> {
    let row = sqlx::query!(
        r#"SELECT follower_count % greatest((10 ^ floor(log(greatest(follower_count, 1))))::int / 20, 1) = 0 AS "due!"
           FROM users WHERE id = $1"#,
        person.get()
    )
    .fetch_optional(pool)
    .await?;
    if row.is_some_and(|row| row.due) {
        append_alone(pool, &[], &[person.get()]).await?;
    }
    Ok(())
}

/// Where the log stands.
pub async fn state(executor: impl PgExecutor<'_>) -> sqlx::Result<LogState> {
    let row = sqlx::query!(r#"SELECT number, database::text AS "database!" FROM search_counter"#)
        .fetch_one(executor)
        .await?;
    Ok(LogState { database: row.database, number: row.number })
}

/// Rows read at once.
const ROWS: i64 = 100;
/// Subjects after which no further row is taken.
const ENOUGH: usize = 2_000;

/// What was added after a number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    /// The number reached.
    pub reached: i64,
    /// Whether there is more behind it.
    pub more: bool,
    /// What is to be taken over: about two thousand at most.
    pub subjects: Subjects,
}

/// What was added after `number`, or the first part of it; `None` when rows after `number` were dropped already, or
/// `number` is none this log has given.
pub async fn since(executor: impl PgExecutor<'_>, number: i64) -> sqlx::Result<Option<News>> {
    let found = sqlx::query!(
        r#"SELECT counter.number AS "latest!", l.number AS "number?", l.posts AS "posts?", l.people AS "people?"
           FROM search_counter counter
           LEFT JOIN LATERAL (
               SELECT number, posts, people FROM search_log WHERE number > $1 AND number <= counter.number
               ORDER BY number LIMIT $2) l ON true"#,
        number,
        ROWS
    )
    .fetch_all(executor)
    .await?;
    let latest = found.first().map_or(0, |row| row.latest);
    let mut reached = number;
    let (mut posts, mut people) = (Vec::new(), Vec::new());
    for row in found {
        let Some(this) = row.number else { continue };
        if this != reached + 1 {
            return Ok(None);
        }
        reached = this;
        posts.extend(row.posts.unwrap_or_default());
        people.extend(row.people.unwrap_or_default());
        if posts.len() + people.len() >= ENOUGH {
            break;
        }
    }
    if number > latest || (reached == number && latest > number) {
        return Ok(None);
    }
    for ids in [&mut posts, &mut people] {
        ids.sort_unstable();
        ids.dedup();
    }
    let subjects = Subjects {
        posts: posts.into_iter().map(PostId::new).collect(),
        people: people.into_iter().map(UserId::new).collect(),
    };
    Ok(Some(News { reached, more: reached < latest, subjects }))
}

/// Drops rows that every index has long taken over. Returns how many.
pub async fn drop_old(executor: impl PgExecutor<'_>, now: DateTime<Utc>, limit: i64) -> sqlx::Result<u64> {
    let before = now - chrono::Duration::days(i64::from(KEPT_DAYS));
    let done = sqlx::query!(
        "DELETE FROM search_log WHERE number IN (
             SELECT number FROM search_log WHERE at < $1 ORDER BY number LIMIT $2)",
        before,
        limit
    )
    .execute(executor)
    .await?;
    Ok(done.rows_affected())
}
