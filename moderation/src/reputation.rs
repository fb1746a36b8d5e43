//! What a decision does to the reporters: their reports are agreed or disagreed with, and their word weighs
//! more or less next time. Verdicts halve in effect every 180 days.

use chrono::{DateTime, Utc};
use madang_core::ids::{CaseId, PostId, UserId};
use serde_json::json;
use sqlx::PgConnection;

use crate::{
    audit::{Act, Actor},
    cases::Subject,
    closing::Closing,
    rule::{self, RuleSettings, Sanction, decayed},
    settings, told,
};

/// Judges the pending reports of a case. Returns the categories they named.
pub(crate) async fn settle(
    tx: &mut PgConnection,
    case: CaseId,
    subject: &Subject,
    agreed: bool,
    now: DateTime<Utc>,
    closing: &mut Closing<'_>,
) -> sqlx::Result<Vec<String>> {
    let status = if agreed { "agreed" } else { "disagreed" };
    let rows = sqlx::query!(
        "UPDATE reports SET status = $2, judged_at = $3 WHERE case_id = $1 AND status = 'pending' AND post_id = $4
         RETURNING reporter_id, category",
        case.get(),
        status,
        now,
        subject.id.get()
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rule, _) = settings::current(&mut *tx).await?;
    let mut reporters: Vec<i64> = rows.iter().map(|row| row.reporter_id).collect();
    // In one order, so that two decisions at once about the same people do not wait in a circle.
    reporters.sort_unstable();
    tell(&mut *tx, &reporters, subject.id, agreed, now).await?;
    count_all(tx, &rule, (case, &reporters), agreed, now, closing).await?;
    let mut categories: Vec<String> = rows.into_iter().map(|row| row.category).collect();
    categories.sort_unstable();
    categories.dedup();
    Ok(categories)
}

/// A decision that agreed with a case's reports did not stand: they were wrong after all. Returns the categories
/// they named.
pub(crate) async fn reverse(
    tx: &mut PgConnection,
    (case, post): (CaseId, PostId),
    now: DateTime<Utc>,
    closing: &mut Closing<'_>,
) -> sqlx::Result<Vec<String>> {
    let rows = sqlx::query!(
        "UPDATE reports SET status = 'disagreed', judged_at = $2
         WHERE case_id = $1 AND status IN ('agreed', 'pending') RETURNING reporter_id, category",
        case.get(),
        now
    )
    .fetch_all(&mut *tx)
    .await?;
    let (mut reporters, mut categories): (Vec<i64>, Vec<String>) =
        rows.into_iter().map(|row| (row.reporter_id, row.category)).unzip();
    reporters.sort_unstable();
    categories.sort_unstable();
    categories.dedup();
    let (rule, _) = settings::current(&mut *tx).await?;
    tell(&mut *tx, &reporters, post, false, now).await?;
    count_all(tx, &rule, (case, &reporters), false, now, closing).await?;
    Ok(categories)
}

/// Counts a verdict for each reporter. That some were sanctioned stands in the log, who does not.
async fn count_all(
    tx: &mut PgConnection,
    rule: &RuleSettings,
    (case, reporters): (CaseId, &[i64]),
    agreed: bool,
    now: DateTime<Utc>,
    closing: &mut Closing<'_>,
) -> sqlx::Result<()> {
    let (mut warned, mut muted) = (0, 0);
    for reporter in reporters {
        match count(&mut *tx, rule, *reporter, agreed, now).await? {
            Some(Sanction::Warning) => warned += 1,
            Some(Sanction::Mute { .. }) => muted += 1,
            None => {}
        }
    }
    if warned + muted > 0 {
        closing.act(Act {
            actor: Actor::System,
            action: "reporters.sanctioned",
            object: format!("case:{case}"),
            before: None,
            after: Some(json!({"warned": warned, "muted": muted})),
            request_id: None,
        });
    }
    Ok(())
}

async fn tell(
    tx: &mut PgConnection,
    reporters: &[i64],
    post: PostId,
    agreed: bool,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let reporters: Vec<UserId> = reporters.iter().copied().map(UserId::new).collect();
    told::judged(tx, &reporters, post, agreed, now).await
}

/// Locks the rows of all who reported some cases, in one order, so that two who decide several at once do not
/// wait in a circle.
pub(crate) async fn lock_reporters(
    tx: &mut PgConnection,
    cases: &[CaseId],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let cases: Vec<i64> = cases.iter().map(|case| case.get()).collect();
    sqlx::query!(
        "INSERT INTO reporter_stats (user_id, updated_at)
         SELECT DISTINCT reporter_id, $2::timestamptz FROM reports WHERE case_id = ANY($1) AND status = 'pending'
         ORDER BY 1 ON CONFLICT DO NOTHING",
        &cases,
        now
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "SELECT user_id FROM reporter_stats WHERE user_id IN (
             SELECT reporter_id FROM reports WHERE case_id = ANY($1) AND status = 'pending')
         ORDER BY user_id FOR UPDATE",
        &cases
    )
    .fetch_all(tx)
    .await?;
    Ok(())
}

async fn count(
    tx: &mut PgConnection,
    rule: &RuleSettings,
    reporter: i64,
    agreed: bool,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Sanction>> {
    sqlx::query!(
        "INSERT INTO reporter_stats (user_id, updated_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        reporter,
        now
    )
    .execute(&mut *tx)
    .await?;
    let held = sqlx::query!(
        "SELECT agreed, disagreed, mutes, warned_at, muted_until, updated_at FROM reporter_stats
         WHERE user_id = $1 FOR UPDATE",
        reporter
    )
    .fetch_one(&mut *tx)
    .await?;
    let left = |tally| decayed(rule, tally, held.updated_at, now);
    let (agrees, disagrees) = (
        left(held.agreed) + f64::from(u8::from(agreed)),
        left(held.disagreed) + f64::from(u8::from(!agreed)),
    );
    sqlx::query!(
        "UPDATE reporter_stats SET agreed = $2, disagreed = $3, updated_at = $4 WHERE user_id = $1",
        reporter,
        agrees,
        disagrees,
        now
    )
    .execute(&mut *tx)
    .await?;
    if agreed {
        Ok(None)
    } else {
        sanction(tx, rule, reporter, (held.warned_at.is_some(), held.mutes), now).await
    }
}

/// Who is wrong too often is warned, then does not count for a day, a week, a month. Their reports are
/// kept and can be read all the same.
async fn sanction(
    tx: &mut PgConnection,
    rule: &RuleSettings,
    reporter: i64,
    (warned, mutes): (bool, i32),
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Sanction>> {
    let row = sqlx::query!(
        r#"SELECT count(*) FILTER (WHERE status = 'disagreed') AS "wrong!", count(*) AS "judged!"
           FROM reports WHERE reporter_id = $1 AND status IN ('agreed', 'disagreed')
             AND judged_at > $2::timestamptz - make_interval(days => 7)"#,
        reporter,
        now
    )
    .fetch_one(&mut *tx)
    .await?;
    let number = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    let earlier = u32::from(warned) + u32::try_from(mutes).unwrap_or(0);
    let Some(sanction) = rule::mute_after(rule, number(row.wrong), number(row.judged), earlier) else {
        return Ok(None);
    };
    let until = match sanction {
        Sanction::Warning => None,
        Sanction::Mute { hours } => Some(now + chrono::Duration::hours(hours.into())),
    };
    sqlx::query!(
        "UPDATE reporter_stats SET warned_at = coalesce(warned_at, $2), mutes = mutes + $3,
             muted_until = greatest(muted_until, $4) WHERE user_id = $1",
        reporter,
        now,
        i32::from(until.is_some()),
        until
    )
    .execute(tx)
    .await?;
    Ok(Some(sanction))
}
