//! Reach a post is owed after a measure that did not stand. It is listed again as if it were new, with a rank of
//! the time of its return; what it lost and what it won back is written down.

use chrono::{DateTime, Utc};
use madang_core::ids::{AppealId, PostId, UserId, id_floor};
use serde_json::json;
use sqlx::PgConnection;

use crate::{
    audit::{self, Act, Actor},
    cases::Subject,
    exposure::{self, COUNTED_DAYS},
};

/// Least and greatest length of the window in which the reach is made up.
const WINDOW_HOURS: (i64, i64) = (6, 72);
/// Earlier posts of the author that say how many readers a post of theirs has.
const COMPARED: i64 = 20;

/// Writes down what a post is owed: the readers its author's posts usually have, less those it had.
pub(crate) async fn owe(
    tx: &mut PgConnection,
    appeal: AppealId,
    subject: &Subject,
    lost_seconds: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let before = exposure::viewers(&mut *tx, subject.id, subject.author, now).await?.unwrap_or(0);
    let usual = usual_readers(&mut *tx, subject, now).await?;
    let (least, most) = WINDOW_HOURS;
    let window = chrono::Duration::seconds(lost_seconds)
        .clamp(chrono::Duration::hours(least), chrono::Duration::hours(most));
    sqlx::query!(
        "INSERT INTO restitutions (appeal_id, post_id, author_id, lost_seconds, viewers_before, viewers_owed, restored_at,
                                   until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        appeal.get(),
        subject.id.get(),
        subject.author.get(),
        lost_seconds,
        before,
        (usual - before).max(0),
        now,
        now + window
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// The median of readers of the author's last posts.
async fn usual_readers(tx: &mut PgConnection, subject: &Subject, now: DateTime<Utc>) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY readers), 0)::int AS "usual!" FROM (
               SELECT (SELECT count(*) FROM post_views v WHERE v.post_id = p.id AND v.viewer_id <> p.author_id) AS readers
               FROM posts p WHERE author_id = $1 AND id <> $2 AND id >= $3 AND listed ORDER BY id DESC LIMIT $4) AS last"#,
        subject.author.get(),
        subject.id.get(),
        id_floor(now - chrono::Duration::days(COUNTED_DAYS)),
        COMPARED
    )
    .fetch_one(tx)
    .await
}

/// Closes one whose window is over, and says how much was made up. Returns whether there was one.
pub async fn close_due(tx: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let row = sqlx::query!(
        "SELECT appeal_id, post_id, author_id, viewers_before, viewers_owed FROM restitutions
         WHERE closed_at IS NULL AND until <= $1 ORDER BY until LIMIT 1 FOR UPDATE SKIP LOCKED",
        now
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(false) };
    let post = PostId::new(row.post_id);
    let after = exposure::viewers(&mut *tx, post, UserId::new(row.author_id), now).await?;
    // A post too old to be counted keeps what was counted last.
    let after = after.unwrap_or(row.viewers_before);
    sqlx::query!(
        "UPDATE restitutions SET viewers_after = $2, closed_at = $3 WHERE appeal_id = $1",
        row.appeal_id,
        after,
        now
    )
    .execute(&mut *tx)
    .await?;
    let act = Act {
        actor: Actor::System,
        action: "reach.made_up",
        object: format!("post:{post}"),
        before: Some(json!({"viewers": row.viewers_before, "owed": row.viewers_owed})),
        after: Some(json!({"viewers": after, "won_back": after - row.viewers_before})),
        request_id: None,
    };
    audit::append(tx, &act).await?;
    Ok(true)
}
