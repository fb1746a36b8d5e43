//! After a ban for a leading room: the account's other posts and their copies are queued for moderators, and
//! everyone who was shown one of its posts is warned, once. Done in small steps, each its own transaction,
//! so that a sweep goes on where it stopped.

use chrono::{DateTime, Utc};
use madang_core::{
    ids::{PostId, SanctionId, UserId},
    visibility::PostState,
};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::{
    audit::{self, Act, Actor},
    cases::{self, Origin},
    exposure::COUNTED_DAYS,
    rule::{Category, harm},
    screened::copies_of,
    told,
};

/// Copies of one post queued at most.
const MOST_COPIES: i64 = 50;
/// People warned in one step.
const WARNED_AT_ONCE: i64 = 5_000;

/// Starts a sweep.
pub(crate) async fn start(
    tx: &mut PgConnection,
    sanction: SanctionId,
    (author, handle): (UserId, &str),
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO sweeps (sanction_id, author_id, handle, below_post, started_at) VALUES ($1, $2, $3, $4, $5)",
        sanction.get(),
        author.get(),
        handle,
        i64::MAX,
        now
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Ends a sweep whose ban was lifted; who has not read the warning yet is not warned.
pub(crate) async fn stop(
    tx: &mut PgConnection,
    sanction: SanctionId,
    author: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let swept = sqlx::query!(
        "UPDATE sweeps SET state = 'done', done_at = coalesce(done_at, $2) WHERE sanction_id = $1",
        sanction.get(),
        now
    )
    .execute(&mut *tx)
    .await?;
    if swept.rows_affected() > 0 {
        sqlx::query!(
            "DELETE FROM notices WHERE kind = 'scam_warning' AND subject = $1 AND read_at IS NULL",
            author.get()
        )
        .execute(tx)
        .await?;
    }
    Ok(())
}

struct Sweep {
    sanction: i64,
    author: i64,
    handle: String,
    warning: bool,
    below_post: i64,
    above_viewer: i64,
}

/// Takes one step of the oldest sweep nobody else is at. Returns whether there was one.
pub async fn step(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let mut tx = pool.begin().await?;
    let row = sqlx::query!(
        "SELECT sanction_id, author_id, handle, state, below_post, above_viewer FROM sweeps WHERE state <> 'done'
         ORDER BY started_at LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(false) };
    let sweep = Sweep {
        sanction: row.sanction_id,
        author: row.author_id,
        handle: row.handle,
        warning: row.state == "warning",
        below_post: row.below_post,
        above_viewer: row.above_viewer,
    };
    let next = next_post(&mut tx, &sweep, now).await?;
    match (next, sweep.warning) {
        (Some(post), false) => queue_post(&mut tx, &sweep, post, now).await?,
        (Some(post), true) => warn_viewers(&mut tx, &sweep, post, now).await?,
        (None, false) => go_on(&mut tx, &sweep, "warning", now).await?,
        (None, true) => finish(&mut tx, &sweep, now).await?,
    }
    tx.commit().await?;
    Ok(true)
}

/// The account's next post, from the newest of the last 30 days down.
async fn next_post(tx: &mut PgConnection, sweep: &Sweep, now: DateTime<Utc>) -> sqlx::Result<Option<PostId>> {
    let oldest = madang_core::ids::id_floor(now - chrono::Duration::days(COUNTED_DAYS));
    let id = sqlx::query_scalar!(
        "SELECT id FROM posts WHERE author_id = $1 AND id < $2 AND id >= $3 AND repost_of IS NULL
         ORDER BY id DESC LIMIT 1",
        sweep.author,
        sweep.below_post,
        oldest
    )
    .fetch_optional(tx)
    .await?;
    Ok(id.map(PostId::new))
}

async fn go_on(tx: &mut PgConnection, sweep: &Sweep, state: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE sweeps SET state = $2, below_post = $3, above_viewer = 0,
             done_at = CASE WHEN $2 = 'done' THEN $4::timestamptz END
         WHERE sanction_id = $1",
        sweep.sanction,
        state,
        i64::MAX,
        now
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Opens cases for a post and its copies. In the order of ids, as everybody locks posts.
async fn queue_post(
    tx: &mut PgConnection,
    sweep: &Sweep,
    post: PostId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let mut posts: Vec<PostId> =
        copies_of(&mut *tx, post, MOST_COPIES).await?.into_iter().map(|c| c.post).collect();
    posts.push(post);
    posts.sort_unstable();
    let mut opened = Vec::new();
    for post in posts {
        let Some(subject) = cases::lock_subject(&mut *tx, post).await? else { continue };
        if !matches!(subject.state, PostState::Visible | PostState::Limited) {
            continue;
        }
        let reason = Category::LeadingRoom;
        let case = cases::open(&mut *tx, &subject, Origin::Sweep, harm(reason), now).await?;
        opened.extend(case.is_new.then_some((post, case.id)));
    }
    let queued = i32::try_from(opened.len()).unwrap_or(i32::MAX);
    // When no post's row is waited for any more: the log's head comes after them in the order of locks.
    for (post, case) in opened {
        let act = Act {
            actor: Actor::System,
            action: "case.opened",
            object: format!("case:{case}"),
            before: None,
            after: Some(json!({"post": post, "sanction": SanctionId::new(sweep.sanction)})),
            request_id: None,
        };
        audit::append(&mut *tx, &act).await?;
    }
    sqlx::query!(
        "UPDATE sweeps SET below_post = $2, queued = queued + $3 WHERE sanction_id = $1",
        sweep.sanction,
        post.get(),
        queued
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Warns a part of those who were shown a post.
async fn warn_viewers(
    tx: &mut PgConnection,
    sweep: &Sweep,
    post: PostId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let viewers = sqlx::query_scalar!(
        "SELECT viewer_id FROM post_views WHERE post_id = $1 AND viewer_id > $2 AND viewer_id <> $3
         ORDER BY viewer_id LIMIT $4",
        post.get(),
        sweep.above_viewer,
        sweep.author,
        WARNED_AT_ONCE
    )
    .fetch_all(&mut *tx)
    .await?;
    let words = serde_json::to_value(told::scam_warning(&sweep.handle))
        .map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    // Once a person, however many of its posts they were shown.
    let warned = sqlx::query!(
        "INSERT INTO notices (user_id, kind, subject, words, created_at)
         SELECT u.id, 'scam_warning', $2, $3, $4 FROM users u WHERE u.id = ANY($1) AND u.deleted_at IS NULL
         ON CONFLICT (user_id, kind, subject) DO NOTHING",
        &viewers,
        sweep.author,
        words,
        now
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    metrics::counter!("madang_scam_warnings_total").increment(warned);
    let all = i64::try_from(viewers.len()).unwrap_or(0) < WARNED_AT_ONCE;
    let (below, above) =
        if all { (post.get(), 0) } else { (sweep.below_post, viewers.last().copied().unwrap_or(0)) };
    sqlx::query!(
        "UPDATE sweeps SET below_post = $2, above_viewer = $3, warned = warned + $4 WHERE sanction_id = $1",
        sweep.sanction,
        below,
        above,
        i32::try_from(warned).unwrap_or(i32::MAX)
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn finish(tx: &mut PgConnection, sweep: &Sweep, now: DateTime<Utc>) -> sqlx::Result<()> {
    go_on(&mut *tx, sweep, "done", now).await?;
    let row = sqlx::query!("SELECT queued, warned FROM sweeps WHERE sanction_id = $1", sweep.sanction)
        .fetch_one(&mut *tx)
        .await?;
    let act = Act {
        actor: Actor::System,
        action: "account.swept",
        object: format!("user:{}", sweep.author),
        before: None,
        after: Some(
            json!({"sanction": SanctionId::new(sweep.sanction), "queued": row.queued, "warned": row.warned}),
        ),
        request_id: None,
    };
    audit::append(tx, &act).await.map(drop)
}
