//! Who is at a case: claimed for 15 minutes, assigned for a shift, given back, handed to a senior moderator.

use chrono::{DateTime, Utc};
use madang_core::{
    ids::{CaseId, UserId},
    standing::{self, Standing},
    users::Role,
    viewer::Who,
};
use serde_json::json;
use sqlx::PgConnection;

use crate::{
    audit::{self, Act, Actor},
    cases::{Locked, Subject, lock_both},
};

/// How long a claim holds.
pub const CLAIM: chrono::Duration = chrono::Duration::minutes(15);
/// How long an assignment holds.
pub const ASSIGNMENT: chrono::Duration = chrono::Duration::hours(8);

/// What a moderator does to a case short of deciding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Takes it for 15 minutes.
    Claim,
    /// Gives it back.
    Release,
    /// Hands it to a senior moderator.
    Escalate,
    /// Gives it to another moderator for a shift.
    Assign(UserId),
}

/// Why a step was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepRefused {
    /// No such case.
    NotFound,
    /// It is decided.
    Decided,
    /// Another moderator is at it.
    Claimed {
        /// Who.
        by: UserId,
        /// Until when.
        until: DateTime<Utc>,
    },
    /// It waits for a senior moderator.
    NeedsSenior,
    /// It is about one's own post.
    OwnPost,
    /// Who it is assigned to cannot decide it: no moderator, not senior enough, its author or a reporter.
    Unfit,
}

/// Takes a step. Returns the case's version after it.
pub async fn step(
    tx: &mut PgConnection,
    case: CaseId,
    moderator: Who,
    step: Step,
    now: DateTime<Utc>,
    request_id: &str,
) -> sqlx::Result<Result<i32, StepRefused>> {
    let Some((subject, locked)) = lock_both(&mut *tx, case).await? else {
        return Ok(Err(StepRefused::NotFound));
    };
    if let Some(refused) = refuse(&subject, &locked, moderator, step, now) {
        return Ok(Err(refused));
    }
    if let Step::Assign(to) = step
        && !is_fit(&mut *tx, &subject, &locked, to, now).await?
    {
        return Ok(Err(StepRefused::Unfit));
    }
    let escalated = locked.escalated || step == Step::Escalate;
    let (state, action, assigned, until) = match step {
        Step::Claim => ("claimed", "case.claimed", Some(moderator.user), Some(now + CLAIM)),
        Step::Assign(to) => ("claimed", "case.assigned", Some(to), Some(now + ASSIGNMENT)),
        Step::Release if escalated => ("escalated", "case.released", None, None),
        Step::Release => ("open", "case.released", None, None),
        Step::Escalate => ("escalated", "case.escalated", None, None),
    };
    let version = sqlx::query_scalar!(
        "UPDATE mod_cases SET state = $2, assigned_to = $3, claimed_until = $4, escalated = $5 WHERE id = $1
         RETURNING version",
        case.get(),
        state,
        assigned.map(UserId::get),
        until,
        escalated
    )
    .fetch_one(&mut *tx)
    .await?;
    let act = Act {
        actor: Actor::Person(moderator),
        action,
        object: format!("case:{case}"),
        before: Some(json!({"state": locked.state})),
        after: Some(json!({"state": state, "assigned_to": assigned})),
        request_id: Some(request_id),
    };
    audit::append(tx, &act).await?;
    Ok(Ok(version))
}

fn refuse(
    subject: &Subject,
    locked: &Locked,
    moderator: Who,
    step: Step,
    now: DateTime<Utc>,
) -> Option<StepRefused> {
    let senior = moderator.role.is_senior();
    let assigns = matches!(step, Step::Assign(_));
    match (locked.state.as_str(), locked.assigned_to, locked.claimed_until) {
        ("decided", ..) => Some(StepRefused::Decided),
        // A senior moderator may take a case out of another's hands by giving it to somebody.
        (_, Some(by), Some(until)) if by != moderator.user && until > now && !(assigns && senior) => {
            Some(StepRefused::Claimed { by, until })
        }
        _ if locked.escalated && !senior => Some(StepRefused::NeedsSenior),
        _ if subject.author == moderator.user => Some(StepRefused::OwnPost),
        _ => None,
    }
}

/// Whether somebody can decide a case.
async fn is_fit(
    tx: &mut PgConnection,
    subject: &Subject,
    locked: &Locked,
    to: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let row = sqlx::query!(
        r#"SELECT role, standing, standing_until, limited_until, EXISTS (SELECT FROM reports WHERE post_id = $2 AND reporter_id = $1) AS "reported!"
           FROM users WHERE id = $1 AND deleted_at IS NULL"#,
        to.get(),
        subject.id.get()
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.is_some_and(|row| {
        let role = Role::from_column(&row.role);
        let held = standing::Held::from_columns(row.standing, row.standing_until, row.limited_until);
        let able =
            held.at(now) < Standing::Suspended && role.moderates() && (!locked.escalated || role.is_senior());
        able && !row.reported && to != subject.author
    }))
}

/// A block that stays though nobody looked in time goes to a senior moderator.
pub(crate) async fn escalate_unattended(tx: &mut PgConnection, case: CaseId) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE mod_cases SET state = 'escalated', escalated = true, assigned_to = NULL, claimed_until = NULL,
             version = version + 1
         WHERE id = $1 AND state <> 'decided'",
        case.get()
    )
    .execute(&mut *tx)
    .await?;
    let act = Act {
        actor: Actor::System,
        action: "case.escalated",
        object: format!("case:{case}"),
        before: None,
        after: Some(json!({"state": "escalated", "why": "a provisional block was not reviewed in time"})),
        request_id: None,
    };
    audit::append(tx, &act).await.map(|_| ())
}
