//! Leaving: what is deleted with an account and what stays as a tombstone.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    changes::{self, Change},
    follows,
    handle::Handle,
    ids::UserId,
    posts, sessions, signing, standing,
};

/// Deletes an account. Posts become tombstones without text; follows, reactions, marks, logins and the
/// profile go. The handle stays refused, by a hash of its look. Counts of others follow.
pub async fn delete(
    tx: &mut PgConnection,
    user: UserId,
    push_limit: i32,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    // Everybody whose counts change, in one order, so that no follow waits in a circle with this.
    lock_edges(&mut *tx, user, i64::MIN, user.get()).await?;
    let row =
        sqlx::query!("SELECT handle FROM users WHERE id = $1 AND deleted_at IS NULL FOR UPDATE", user.get())
            .fetch_optional(&mut *tx)
            .await?;
    let Some(row) = row else { return Ok(false) };
    lock_edges(&mut *tx, user, user.get(), i64::MAX).await?;
    posts::delete_all_of(&mut *tx, user, now).await?;
    let followees =
        sqlx::query_scalar!("SELECT followee_id FROM follows WHERE follower_id = $1 ORDER BY 1", user.get())
            .fetch_all(&mut *tx)
            .await?;
    for followee in followees {
        follows::unfollow(&mut *tx, user, UserId::new(followee), push_limit).await?;
    }
    sqlx::query!("DELETE FROM follows WHERE followee_id = $1", user.get()).execute(&mut *tx).await?;
    standing::remember(&mut *tx, user).await?;
    delete_own_rows(tx, user, now).await?;
    retire_handle(tx, &row.handle).await?;
    sqlx::query!(
        "UPDATE users SET handle = 'deleted', handle_fold = 'deleted ' || id, handle_skeleton = 'deleted ' || id,
             name = '', bio = '', password_hash = NULL, subject = NULL, external_id = NULL, verified = false,
             role = 'investor', deleted_at = $2
         WHERE id = $1",
        user.get(),
        now
    )
    .execute(&mut *tx)
    .await?;
    changes::record(tx, &[Change::Author(user), Change::Sessions(user)]).await?;
    Ok(true)
}

/// Locks who follows them or is followed by them, of the ids between two.
async fn lock_edges(tx: &mut PgConnection, user: UserId, above: i64, below: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT id FROM users WHERE id > $2 AND id < $3 AND id IN (
             SELECT followee_id FROM follows WHERE follower_id = $1
             UNION SELECT follower_id FROM follows WHERE followee_id = $1) ORDER BY id FOR NO KEY UPDATE",
        user.get(),
        above,
        below
    )
    .fetch_all(tx)
    .await?;
    Ok(())
}

async fn delete_own_rows(tx: &mut PgConnection, user: UserId, now: DateTime<Utc>) -> sqlx::Result<()> {
    let id = user.get();
    sqlx::query!("DELETE FROM likes WHERE user_id = $1", id).execute(&mut *tx).await?;
    sqlx::query!("DELETE FROM bookmarks WHERE user_id = $1", id).execute(&mut *tx).await?;
    sqlx::query!("DELETE FROM poll_votes WHERE user_id = $1", id).execute(&mut *tx).await?;
    sqlx::query!("DELETE FROM watches WHERE user_id = $1", id).execute(&mut *tx).await?;
    sqlx::query!("DELETE FROM blocks WHERE blocker_id = $1 OR blocked_id = $1", id).execute(&mut *tx).await?;
    sqlx::query!("DELETE FROM mutes WHERE muter_id = $1 OR muted_id = $1", id).execute(&mut *tx).await?;
    sqlx::query!("DELETE FROM keyword_mutes WHERE user_id = $1", id).execute(&mut *tx).await?;
    // The reports stand, since others were judged by them; where they came from and their words go.
    sqlx::query!("UPDATE reports SET network = NULL, device = NULL, note = '' WHERE reporter_id = $1", id)
        .execute(&mut *tx)
        .await?;
    leave_ambassadors(&mut *tx, user, now).await?;
    // The ledger stays, as the law wants it kept; nothing of it is shown from now on.
    sqlx::query!(
        "UPDATE disclosures SET revoked_at = greatest($2, granted_at) WHERE user_id = $1 AND revoked_at IS NULL",
        id,
        now
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("DELETE FROM mentions WHERE user_id = $1", id).execute(&mut *tx).await?;
    sqlx::query!("DELETE FROM readers WHERE user_id = $1", id).execute(&mut *tx).await?;
    sqlx::query!("DELETE FROM notices WHERE user_id = $1", id).execute(&mut *tx).await?;
    sqlx::query!("DELETE FROM idempotency_keys WHERE user_id = $1", id).execute(&mut *tx).await?;
    sessions::end_all(tx, user).await
}

/// Statements and the books stay, as books must; what the person wrote goes.
async fn leave_ambassadors(tx: &mut PgConnection, user: UserId, now: DateTime<Utc>) -> sqlx::Result<()> {
    let id = user.get();
    sqlx::query!(
        "UPDATE ambassadors SET ended_at = $2, ended_why = 'left', ended_by = $1 WHERE user_id = $1 AND ended_at IS NULL",
        id,
        now
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE ambassador_applications SET motivation = '',
             state = CASE state WHEN 'open' THEN 'withdrawn' ELSE state END, decided_at = coalesce(decided_at, $2)
         WHERE user_id = $1",
        id,
        now
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("DELETE FROM ambassador_declarations WHERE user_id = $1", id).execute(tx).await?;
    Ok(())
}

async fn retire_handle(tx: &mut PgConnection, handle: &str) -> sqlx::Result<()> {
    let Ok(handle) = Handle::parse(handle) else {
        return Ok(());
    };
    let hash = signing::fingerprint(&[handle.skeleton().as_bytes()]);
    sqlx::query!("INSERT INTO retired_handles (skeleton_hash) VALUES ($1) ON CONFLICT DO NOTHING", &hash[..])
        .execute(tx)
        .await?;
    Ok(())
}
