//! Posts that the text rules keep back: made in one transaction with their case, their statement and their
//! row in the log, so that nobody ever sees them in between.

use chrono::{DateTime, Utc};
use madang_core::{
    ids::PostId,
    posts::{self, Published, Submission},
    visibility::PostState,
};
use sqlx::PgConnection;

use crate::{
    cases::{self, Origin},
    closing::Closing,
    decisions::{self, Measure},
    screener,
    text::{Outcome, Screening},
};

/// Makes a post and keeps it back as the screening says.
pub async fn keep_back(
    tx: &mut PgConnection,
    submission: &Submission,
    screening: &Screening,
    now: DateTime<Utc>,
    request_id: &str,
) -> sqlx::Result<Published> {
    let published = posts::create_in(&mut *tx, submission).await?;
    if let Published::New(created) = &published {
        restrict(tx, created.id, screening, now, request_id).await?;
    }
    Ok(published)
}

/// Makes a post that reaches no feeds, as everything an account writes while it is limited. The statement is
/// that of the sanction.
pub async fn limit(tx: &mut PgConnection, submission: &Submission) -> sqlx::Result<Published> {
    let published = posts::create_in(&mut *tx, submission).await?;
    if let Published::New(created) = &published {
        posts::restrict(&mut *tx, created.id, PostState::Limited).await?;
        sqlx::query!(
            "INSERT INTO limited_posts (post_id, sanction_id)
             SELECT $1, id FROM sanctions WHERE user_id = $2 AND kind = 'limit' ORDER BY id DESC LIMIT 1",
            created.id.get(),
            submission.post.author.get()
        )
        .execute(tx)
        .await?;
    }
    Ok(published)
}

/// Keeps a post back whose text is what was screened: a new one, or one that was edited. Returns whether that
/// changed its state, and then it has recorded the change: call it last.
pub async fn restrict(
    tx: &mut PgConnection,
    post: PostId,
    screening: &Screening,
    now: DateTime<Utc>,
    request_id: &str,
) -> sqlx::Result<bool> {
    let Some(subject) = cases::lock_subject(&mut *tx, post).await? else {
        return Ok(false);
    };
    let measure = if screening.outcome == Outcome::Hold { Measure::Hold } else { Measure::Limit };
    // An edit never eases what was imposed before.
    let stricter =
        matches!((subject.state, measure), (PostState::Visible, _) | (PostState::Limited, Measure::Hold));
    if !stricter {
        return Ok(false);
    }
    let reason = screener::reason(screening);
    let case = cases::open(&mut *tx, &subject, Origin::Text, crate::rule::harm(reason), now).await?.id;
    let found = serde_json::to_value(screening).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    sqlx::query!(
        "UPDATE mod_cases SET screening = $2, version = version + 1, limited_at = coalesce(limited_at, $3)
         WHERE id = $1",
        case.get(),
        found,
        now
    )
    .execute(&mut *tx)
    .await?;
    let mut closing = Closing::default();
    let what = (case, measure, reason);
    decisions::impose(&mut *tx, &subject, what, &[], (now, request_id), &mut closing).await?;
    closing.write(tx).await
}
