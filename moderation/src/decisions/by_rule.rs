//! What the machine decides: by the rule on reports and by the text rules, provisional, until somebody looks
//! or its time is over.

use chrono::{DateTime, Utc};
use madang_core::{
    ids::{CaseId, PostId},
    visibility::PostState,
};
use serde_json::json;
use sqlx::PgConnection;

use super::{Entry, Measure, PROVISIONAL, enact, lifting::still_imposed, put};
use crate::{
    audit::{self, Act, Actor},
    cases::{self, Subject},
    claims,
    closing::Closing,
    rule::Category,
    statements::Reason,
};

/// A blocked post that its author changed is shown again after this long.
const SHOWN_AFTER: chrono::Duration = chrono::Duration::minutes(10);

/// What the rule imposes: limited without an end, blocked for 24 hours.
pub(crate) async fn impose<'a>(
    tx: &mut PgConnection,
    subject: &Subject,
    (case, measure, reason): (CaseId, Measure, Category),
    categories: &[String],
    (now, request_id): (DateTime<Utc>, &'a str),
    closing: &mut Closing<'a>,
) -> sqlx::Result<()> {
    let entry = Entry {
        actor: Actor::System,
        case: Some(case),
        measure,
        reason: Reason::Category(reason),
        terms_clause: "",
        // Without reports it is what the text says.
        found_by_machine: categories.is_empty(),
        categories: categories.to_vec(),
        locked: false,
        expires_at: (measure == Measure::Block).then(|| now + PROVISIONAL),
        now,
        request_id,
    };
    enact(tx, subject, &entry, closing).await?;
    metrics::counter!("madang_rule_measures_total", "measure" => measure.as_str()).increment(1);
    Ok(())
}

/// Eases provisional blocks whose time is over; those for scams and illegal content stay and are escalated.
/// Returns the posts concerned, at most `limit`.
pub async fn ease_expired(
    tx: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<PostId>> {
    let due = sqlx::query!(
        "SELECT id, case_id, post_id, reason_code FROM mod_decisions
         WHERE expires_at <= $1 AND ended_at IS NULL AND case_id IS NOT NULL ORDER BY expires_at LIMIT $2",
        now,
        limit
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut eased = Vec::new();
    for row in due {
        let Some(case_id) = row.case_id.map(CaseId::new) else { continue };
        let Some((subject, case)) = cases::lock_both(&mut *tx, case_id).await? else {
            continue;
        };
        let reason = Category::parse(&row.reason_code).unwrap_or(Category::Other);
        if end(&mut *tx, row.id, reason, now).await? && case.state != "decided" {
            ease(&mut *tx, &subject, case_id, reason, now).await?;
            eased.push(subject.id);
        }
    }
    Ok(eased)
}

/// Ends a block, or its time where it stays until somebody looks. Returns whether it was open.
async fn end(
    tx: &mut PgConnection,
    decision: i64,
    reason: Category,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE mod_decisions SET ended_at = CASE WHEN $3 THEN NULL ELSE $2::timestamptz END,
             expires_at = CASE WHEN $3 THEN NULL ELSE expires_at END
         WHERE id = $1 AND ended_at IS NULL AND expires_at <= $2",
        decision,
        now,
        reason.is_scam_or_illegal()
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

async fn ease(
    tx: &mut PgConnection,
    subject: &Subject,
    case: CaseId,
    reason: Category,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    if reason.is_scam_or_illegal() {
        return claims::escalate_unattended(tx, case).await;
    }
    if subject.standing() != PostState::AutoBlocked {
        return Ok(());
    }
    let mut closing = Closing::default();
    put(&mut *tx, subject, PostState::Limited, now, &mut closing).await?;
    closing.act(Act {
        actor: Actor::System,
        action: "block.expired",
        object: format!("post:{}", subject.id),
        before: Some(json!({"state": subject.standing().as_str()})),
        after: Some(json!({"state": PostState::Limited.as_str(), "case": case})),
        request_id: None,
    });
    closing.write(tx).await.map(drop)
}

/// The author changed a blocked post, and the text rules find nothing in it: unless it was a scam or illegal
/// it is shown again after ten minutes, once. The case stays open. Returns when it will be shown.
pub async fn edited(
    tx: &mut PgConnection,
    post: PostId,
    now: DateTime<Utc>,
    request_id: &str,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    let Some(subject) = cases::lock_subject(&mut *tx, post).await? else { return Ok(None) };
    if subject.standing() != PostState::AutoBlocked {
        return Ok(None);
    }
    let row = sqlx::query!(
        "SELECT c.id, d.reason_code FROM mod_cases c JOIN mod_decisions d ON d.case_id = c.id AND d.kind = 'block'
         WHERE c.post_id = $1 AND c.state <> 'decided' AND c.shown_again_at IS NULL AND c.show_at IS NULL
         ORDER BY d.id DESC LIMIT 1 FOR UPDATE OF c",
        subject.id.get()
    )
    .fetch_optional(&mut *tx)
    .await?;
    let eligible = |code: &str| Category::parse(code).is_some_and(|reason| !reason.is_scam_or_illegal());
    let Some(row) = row.filter(|row| eligible(&row.reason_code)) else { return Ok(None) };
    let at = now + SHOWN_AFTER;
    sqlx::query!("UPDATE mod_cases SET show_at = $2, version = version + 1 WHERE id = $1", row.id, at)
        .execute(&mut *tx)
        .await?;
    let act = Act {
        actor: Actor::System,
        action: "case.edited",
        object: format!("case:{}", row.id),
        before: None,
        after: Some(json!({"post": subject.id, "revision": subject.revision, "shown_at": at})),
        request_id: Some(request_id),
    };
    audit::append(tx, &act).await?;
    Ok(Some(at))
}

/// Shows blocked posts again that their authors changed. What was reported was the old text, so those reports
/// count no longer. Returns the posts concerned, at most `limit`.
pub async fn show_edited(tx: &mut PgConnection, now: DateTime<Utc>, limit: i64) -> sqlx::Result<Vec<PostId>> {
    let due = sqlx::query_scalar!(
        "SELECT id FROM mod_cases WHERE show_at <= $1 ORDER BY show_at LIMIT $2",
        now,
        limit
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut shown = Vec::new();
    for id in due {
        let case = CaseId::new(id);
        let Some((subject, locked)) = cases::lock_both(&mut *tx, case).await? else { continue };
        let done = sqlx::query!(
            "UPDATE mod_cases SET show_at = NULL, shown_again_at = $2, version = version + 1
             WHERE id = $1 AND show_at <= $2",
            id,
            now
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            continue;
        }
        shown.push(subject.id);
        if locked.state != "decided" && subject.standing() == PostState::AutoBlocked {
            show_again(&mut *tx, &subject, case, now).await?;
        }
    }
    Ok(shown)
}

async fn show_again(
    tx: &mut PgConnection,
    subject: &Subject,
    case: CaseId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE mod_decisions SET ended_at = $2 WHERE case_id = $1 AND ended_at IS NULL",
        case.get(),
        now
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE reports SET status = 'ignored', judged_at = $3
         WHERE case_id = $1 AND status = 'pending' AND revision < $2",
        case.get(),
        subject.revision,
        now
    )
    .execute(&mut *tx)
    .await?;
    // A measure of an earlier case holds for the new text too.
    let to = still_imposed(&mut *tx, subject.id).await?;
    let mut closing = Closing::default();
    put(&mut *tx, subject, to, now, &mut closing).await?;
    closing.act(Act {
        actor: Actor::System,
        action: "block.edited_away",
        object: format!("post:{}", subject.id),
        before: Some(json!({"state": subject.standing().as_str()})),
        after: Some(json!({"state": to.as_str(), "case": case, "revision": subject.revision})),
        request_id: None,
    });
    closing.write(tx).await.map(drop)
}
