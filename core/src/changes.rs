//! Changes: what makes copies held by the processes wrong. A transaction that edits, hides, restores or
//! deletes a post, or changes an author, records it here as its last act; numbers come from a single
//! row, so the order of commits is the order of numbers.

use sqlx::{PgConnection, PgExecutor};

use crate::{
    ids::{PostId, UserId},
    jobs, search_log,
};

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A post's text, visibility or poll.
    Post(PostId),
    /// A person's name, standing, role or existence.
    Author(UserId),
    /// The list of posts of a merged author, or whether they are merged.
    AuthorList(UserId),
    /// Names, status or prices of tickers.
    Tickers,
    /// Logins of a person were ended, or what they may do changed.
    Sessions(UserId),
    /// The text rules.
    Rules,
    /// What a person shows of their returns.
    Disclosure(UserId),
}

impl Change {
    const fn parts(self) -> (i16, i64) {
        match self {
            Self::Post(id) => (1, id.get()),
            Self::Author(id) => (2, id.get()),
            Self::AuthorList(id) => (3, id.get()),
            Self::Tickers => (4, 0),
            Self::Sessions(id) => (5, id.get()),
            Self::Rules => (6, 0),
            Self::Disclosure(id) => (7, id.get()),
        }
    }

    const fn from_parts(kind: i16, subject: i64) -> Option<Self> {
        match kind {
            1 => Some(Self::Post(PostId::new(subject))),
            2 => Some(Self::Author(UserId::new(subject))),
            3 => Some(Self::AuthorList(UserId::new(subject))),
            4 => Some(Self::Tickers),
            5 => Some(Self::Sessions(UserId::new(subject))),
            6 => Some(Self::Rules),
            7 => Some(Self::Disclosure(UserId::new(subject))),
            _ => None,
        }
    }
}

/// Records changes and asks for their publication. Must be the transaction's last statement: from here
/// to the commit every other such transaction waits. Returns the last number.
pub async fn record(tx: &mut PgConnection, changes: &[Change]) -> sqlx::Result<i64> {
    let (kinds, subjects): (Vec<i16>, Vec<i64>) = changes.iter().map(|change| change.parts()).unzip();
    jobs::enqueue(&mut *tx, jobs::JobKind::Publish, 0, 0, std::time::Duration::ZERO).await?;
    let (posts, people) = indexed(changes);
    if !posts.is_empty() || !people.is_empty() {
        search_log::append(&mut *tx, &posts, &people).await?;
    }
    let row = sqlx::query!(
        r#"WITH counter AS (
               UPDATE change_counter SET number = number + cardinality($1::smallint[]) RETURNING number),
           added AS (
               INSERT INTO changes (number, kind, subject)
               SELECT counter.number - cardinality($1) + c.ord, c.kind, c.subject
               FROM counter, unnest($1::smallint[], $2::bigint[]) WITH ORDINALITY AS c (kind, subject, ord))
           SELECT number FROM counter"#,
        &kinds,
        &subjects
    )
    .fetch_one(tx)
    .await?;
    Ok(row.number)
}

/// What of it stands in an index of search.
fn indexed(changes: &[Change]) -> (Vec<i64>, Vec<i64>) {
    let posts = changes.iter().filter_map(|change| match change {
        Change::Post(id) => Some(id.get()),
        _ => None,
    });
    let people = changes.iter().filter_map(|change| match change {
        Change::Author(id) => Some(id.get()),
        _ => None,
    });
    (posts.collect(), people.collect())
}

/// The last number committed.
pub async fn latest(executor: impl PgExecutor<'_>) -> sqlx::Result<i64> {
    Ok(sqlx::query!("SELECT number FROM change_counter").fetch_one(executor).await?.number)
}

/// The changes after `number`, oldest first; `None` when there are more than `limit` or some were
/// already dropped, so that everything held must go.
pub async fn since(
    executor: impl PgExecutor<'_>,
    number: i64,
    limit: i64,
) -> sqlx::Result<(i64, Option<Vec<Change>>)> {
    let rows = sqlx::query!(
        r#"SELECT counter.number AS "latest!", c.number AS "number?", c.kind AS "kind?", c.subject AS "subject?"
           FROM change_counter counter
           LEFT JOIN LATERAL (
               SELECT number, kind, subject FROM changes WHERE number > $1 AND number <= counter.number
               ORDER BY number LIMIT $2) c ON true"#,
        number,
        limit
    )
    .fetch_all(executor)
    .await?;
    let latest = rows.first().map_or(number, |row| row.latest);
    let changes: Vec<Change> =
        rows.iter().filter_map(|row| Change::from_parts(row.kind?, row.subject?)).collect();
    let complete = i64::try_from(changes.len()).ok() == Some(latest - number);
    Ok((latest, complete.then_some(changes)))
}

/// Drops changes that every process has long caught up with. Returns how many.
pub async fn drop_old(executor: impl PgExecutor<'_>, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM changes WHERE number IN (
             SELECT number FROM changes WHERE at < now() - interval '1 day' ORDER BY number LIMIT $1)",
        limit
    )
    .execute(executor)
    .await?;
    Ok(done.rows_affected())
}
