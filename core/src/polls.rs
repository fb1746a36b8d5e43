//! Polls: two to five options, one vote each, until they close.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::ids::{PostId, UserId};

/// Fewest and most options.
pub const OPTIONS: std::ops::RangeInclusive<usize> = 2..=5;

/// Shortest and longest time a poll is open, in minutes.
pub const OPEN_MINUTES: std::ops::RangeInclusive<i64> = 5..=10_080;

/// How a vote ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vote {
    /// Counted.
    Counted,
    /// The same vote was there already.
    Repeated,
    /// Voted for another option before.
    AlreadyVoted,
    /// The poll has closed.
    Closed,
    /// No such poll or option.
    NotFound,
}

/// Votes once.
pub async fn vote(
    tx: &mut PgConnection,
    post: PostId,
    user: UserId,
    option: i16,
    now: DateTime<Utc>,
) -> sqlx::Result<Vote> {
    let poll = sqlx::query!(
        "SELECT p.closes_at FROM polls p JOIN poll_options o ON o.post_id = p.post_id AND o.idx = $2
         WHERE p.post_id = $1",
        post.get(),
        option
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(poll) = poll else {
        return Ok(Vote::NotFound);
    };
    if poll.closes_at <= now {
        return Ok(Vote::Closed);
    }
    let done = sqlx::query!(
        "INSERT INTO poll_votes (post_id, user_id, idx, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        post.get(),
        user.get(),
        option,
        now
    )
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 1 {
        return Ok(Vote::Counted);
    }
    let row = sqlx::query!(
        "SELECT idx FROM poll_votes WHERE post_id = $1 AND user_id = $2",
        post.get(),
        user.get()
    )
    .fetch_one(tx)
    .await?;
    Ok(if row.idx == option { Vote::Repeated } else { Vote::AlreadyVoted })
}
