//! Reading from PostgreSQL what an index takes over: the present state of posts and people. People who are suspended or
//! banned are left out (`standing` from 2 on): nobody may find them, and they would stand in the place of others.

use std::collections::HashMap;

use madang_core::{
    ids::{PostId, TickerId, UserId},
    search_log::Subjects,
    tickers::Catalogue,
};
use sqlx::{PgExecutor, PgPool};

use crate::documents::{Batch, Built, PersonDoc, PostDoc};

struct PostRow {
    id: i64,
    body: String,
    tickers: Vec<i32>,
    author_id: i64,
    verified: bool,
    stance: i16,
    created_at: i64,
    rank: i64,
}

struct PersonRow {
    id: i64,
    handle: String,
    name: String,
    verified: bool,
    followers: i32,
}

/// Turns rows into documents; the names of instruments come from the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'a>(pub &'a Catalogue);

impl Writer<'_> {
    fn post(&self, row: PostRow) -> PostDoc {
        let tickers: Vec<TickerId> =
            row.tickers.into_iter().map(|id| self.0.current(TickerId::new(id))).collect();
        let ticker_names = tickers.iter().flat_map(|id| self.names(*id)).collect();
        PostDoc {
            id: PostId::new(row.id),
            body: row.body,
            tickers,
            ticker_names,
            author: UserId::new(row.author_id),
            verified: row.verified,
            stance: row.stance,
            created_at: row.created_at,
            rank: row.rank,
        }
    }

    /// Code, names and nicknames.
    pub fn names(&self, id: TickerId) -> Vec<String> {
        let Some(ticker) = self.0.get(id) else { return Vec::new() };
        let own = [Some(ticker.code.clone()), Some(ticker.name.clone()), ticker.name_ko.clone()];
        own.into_iter().flatten().chain(self.0.nicknames(id).iter().cloned()).collect()
    }
}

fn person(row: PersonRow) -> PersonDoc {
    PersonDoc {
        id: UserId::new(row.id),
        handle: row.handle,
        name: row.name,
        verified: row.verified,
        followers: row.followers,
    }
}

/// The present state of these subjects: those an index may not have are gone.
pub async fn batch(pool: &PgPool, writer: Writer<'_>, subjects: &Subjects) -> sqlx::Result<Batch> {
    let ids: Vec<i64> = subjects.posts.iter().map(|id| id.get()).collect();
    let mut posts: HashMap<i64, PostRow> =
        posts_of(pool, &ids).await?.into_iter().map(|row| (row.id, row)).collect();
    let ids: Vec<i64> = subjects.people.iter().map(|id| id.get()).collect();
    let mut people: HashMap<i64, PersonRow> =
        people_of(pool, &ids).await?.into_iter().map(|row| (row.id, row)).collect();
    let mut batch = Batch::default();
    for id in &subjects.posts {
        match posts.remove(&id.get()) {
            Some(row) => batch.posts.push(writer.post(row)),
            None => batch.gone_posts.push(*id),
        }
    }
    for id in &subjects.people {
        match people.remove(&id.get()) {
            Some(row) => batch.people.push(person(row)),
            None => batch.gone_people.push(*id),
        }
    }
    Ok(batch)
}

async fn posts_of(executor: impl PgExecutor<'_>, ids: &[i64]) -> sqlx::Result<Vec<PostRow>> {
    sqlx::query_as!(
        PostRow,
        r#"SELECT p.id, p.body, p.author_id, u.verified, p.stance,
                  extract(epoch FROM p.created_at)::bigint AS "created_at!",
                  coalesce(p.restored_rank, p.rank) AS "rank!",
                  ARRAY(SELECT ticker_id FROM post_tickers WHERE post_id = p.id) AS "tickers!"
           FROM posts p JOIN users u ON u.id = p.author_id
           WHERE p.id = ANY($1) AND p.listed AND p.repost_of IS NULL AND p.body <> ''"#,
        ids
    )
    .fetch_all(executor)
    .await
}

async fn people_of(executor: impl PgExecutor<'_>, ids: &[i64]) -> sqlx::Result<Vec<PersonRow>> {
    sqlx::query_as!(
        PersonRow,
        "SELECT id, handle, name, verified, follower_count AS followers FROM users
         WHERE id = ANY($1) AND deleted_at IS NULL AND role <> 'service' AND standing < 2",
        ids
    )
    .fetch_all(executor)
    .await
}

/// Posts after an id, ascending, at most `limit`; fewer mean that there are no more.
pub async fn posts_after(
    pool: &PgPool,
    writer: Writer<'_>,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<PostDoc>> {
    let rows = sqlx::query_as!(
        PostRow,
        r#"SELECT p.id, p.body, p.author_id, u.verified, p.stance,
                  extract(epoch FROM p.created_at)::bigint AS "created_at!",
                  coalesce(p.restored_rank, p.rank) AS "rank!",
                  ARRAY(SELECT ticker_id FROM post_tickers WHERE post_id = p.id) AS "tickers!"
           FROM posts p JOIN users u ON u.id = p.author_id
           WHERE p.id > $1 AND p.listed AND p.repost_of IS NULL AND p.body <> '' ORDER BY p.id LIMIT $2"#,
        after,
        limit
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| writer.post(row)).collect())
}

/// People after an id, ascending, at most `limit`.
pub async fn people_after(pool: &PgPool, after: i64, limit: i64) -> sqlx::Result<Vec<PersonDoc>> {
    let rows = sqlx::query_as!(
        PersonRow,
        "SELECT id, handle, name, verified, follower_count AS followers FROM users
         WHERE id > $1 AND deleted_at IS NULL AND role <> 'service' AND standing < 2 ORDER BY id LIMIT $2",
        after,
        limit
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(person).collect())
}

/// How many posts and people an index should have.
pub async fn totals(pool: &PgPool) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM posts WHERE listed AND repost_of IS NULL AND body <> '') AS "posts!",
                  (SELECT count(*) FROM users WHERE deleted_at IS NULL AND role <> 'service' AND standing < 2) AS "people!""#
    )
    .fetch_one(pool)
    .await?;
    Ok((row.posts, row.people))
}

/// How many posts and people a build of this state has added.
pub async fn built(pool: &PgPool, built: Built) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM posts WHERE id <= $1 AND listed AND repost_of IS NULL AND body <> '') AS "posts!",
                  (SELECT count(*) FROM users
                   WHERE id <= $2 AND deleted_at IS NULL AND role <> 'service' AND standing < 2) AS "people!""#,
        built.posts_after,
        built.people_after
    )
    .fetch_one(pool)
    .await?;
    Ok((row.posts, row.people))
}

/// Ids of posts an index should have, after one, ascending.
pub async fn post_ids(pool: &PgPool, after: i64, limit: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "SELECT id FROM posts WHERE id > $1 AND listed AND repost_of IS NULL AND body <> '' ORDER BY id LIMIT $2",
        after,
        limit
    )
    .fetch_all(pool)
    .await
}

/// The same of people.
pub async fn people_ids(pool: &PgPool, after: i64, limit: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "SELECT id FROM users WHERE id > $1 AND deleted_at IS NULL AND role <> 'service' AND standing < 2 ORDER BY id LIMIT $2",
        after,
        limit
    )
    .fetch_all(pool)
    .await
}
