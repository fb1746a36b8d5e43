//! The end of a measure. Where the post stands then is what else is in force about it: measures of other cases,
//! and what another person decided, stay.

use chrono::{DateTime, Utc};
use madang_core::{
    ids::{CaseId, DecisionId, PostId},
    viewer::Who,
    visibility::PostState,
};
use serde_json::json;
use sqlx::PgConnection;

use super::{Entry, Measure, enact, put};
use crate::{
    audit::{Act, Actor},
    cases::Subject,
    closing::Closing,
    rule::Category,
    statements::Reason,
};

/// Whether another measure that a person decided in a case stands. An appeal against an earlier one then ends
/// neither the case nor what was said of its reports.
pub(crate) async fn stands_otherwise(
    tx: &mut PgConnection,
    case: CaseId,
    decision: DecisionId,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM mod_decisions WHERE case_id = $1 AND id <> $2 AND NOT automated AND kind <> 'keep'
                             AND ended_at IS NULL) AS "stands!""#,
        case.get(),
        decision.get()
    )
    .fetch_one(tx)
    .await
}

/// Ends a decision that was appealed, and with it what the machine did on the same reports; and its case, unless
/// something else in it stands. Returns where the other measures put the post.
pub(crate) async fn end_appealed(
    tx: &mut PgConnection,
    post: PostId,
    (decision, case): (DecisionId, CaseId),
    ends_case: bool,
    now: DateTime<Utc>,
) -> sqlx::Result<PostState> {
    sqlx::query!(
        "UPDATE mod_decisions SET ended_at = $3 WHERE (id = $1 OR (case_id = $2 AND automated)) AND ended_at IS NULL",
        decision.get(),
        case.get(),
        now
    )
    .execute(&mut *tx)
    .await?;
    if ends_case {
        sqlx::query!(
            "UPDATE mod_cases SET state = 'decided', decided_at = coalesce(decided_at, $2), version = version + 1
             WHERE id = $1",
            case.get(),
            now
        )
        .execute(&mut *tx)
        .await?;
    }
    still_imposed(tx, post).await
}

/// Where the measures that are in force put a post. A block that was eased goes on as a limit until its case
/// is decided. What a rights claim hides is not meant: that has its own end.
pub(super) async fn still_imposed(tx: &mut PgConnection, post: PostId) -> sqlx::Result<PostState> {
    let states = sqlx::query_scalar!(
        r#"SELECT CASE WHEN d.ended_at IS NULL THEN d.new_state ELSE 1 END AS "state!"
           FROM mod_decisions d LEFT JOIN mod_cases c ON c.id = d.case_id
           WHERE d.post_id = $1 AND d.kind NOT IN ('keep', 'temporary_measure')
             AND (d.ended_at IS NULL
                  OR (d.kind = 'block' AND c.state <> 'decided' AND d.ended_at > coalesce(c.shown_again_at, '-infinity')))"#,
        post.get()
    )
    .fetch_all(tx)
    .await?;
    // From what is seen most to what is seen least.
    let order = [PostState::Limited, PostState::AutoBlocked, PostState::Held, PostState::Removed];
    let strictest = order.into_iter().rfind(|state| states.contains(&i32::from(state.column())));
    Ok(strictest.unwrap_or(PostState::Visible))
}

/// An appeal was heard: puts the post where it belongs now. What it was reported for is dismissed as where a
/// moderator keeps it.
pub(crate) async fn lift<'a>(
    tx: &mut PgConnection,
    subject: &Subject,
    (case, to): (CaseId, PostState),
    categories: Vec<String>,
    (moderator, now, request_id): (Who, DateTime<Utc>, &'a str),
    closing: &mut Closing<'a>,
) -> sqlx::Result<()> {
    if subject.standing() == to || subject.state == PostState::Deleted {
        return Ok(());
    }
    if to == PostState::Visible && subject.state != PostState::TempMeasure {
        let entry = Entry {
            actor: Actor::Person(moderator),
            case: Some(case),
            measure: Measure::Keep,
            reason: Reason::Category(Category::Other),
            terms_clause: "",
            categories,
            found_by_machine: false,
            locked: false,
            expires_at: None,
            now,
            request_id,
        };
        return enact(tx, subject, &entry, closing).await.map(drop);
    }
    put(tx, subject, to, now, closing).await?;
    if subject.state != PostState::TempMeasure {
        closing.act(Act {
            actor: Actor::Person(moderator),
            action: "measure.lifted",
            object: format!("post:{}", subject.id),
            before: Some(json!({"state": subject.state.as_str()})),
            after: Some(json!({"state": to.as_str(), "case": case})),
            request_id: Some(request_id),
        });
    }
    Ok(())
}
