//! Appeals: one a decision or sanction, within 180 days, decided by another moderator. Overturned, the post is
//! back with its original time, and those whose reports had been agreed with were wrong.

mod answers;
mod lists;

use chrono::{DateTime, Utc};
use madang_core::{
    ids::{AppealId, CaseId, DecisionId, PostId, SanctionId},
    viewer::Who,
    visibility::PostState,
};
use serde_json::json;
use sqlx::PgConnection;

pub(crate) use self::answers::{close, close_unanswered};
pub use self::{
    answers::{Answer, AnswerRefused, Outcome, answer},
    lists::{OwnAppeal, Waiting, of_author, waiting},
};
use crate::{
    audit::{self, Act, Actor},
    cases,
    statements::APPEAL_DAYS,
};

/// Most characters of an appeal and of its answer.
pub const MAX_CHARS: usize = 2_000;
/// Hours in which a decision of the machine is to be looked at.
const DUE_AUTOMATED: i64 = 24;
/// The same for a person's.
const DUE: i64 = 72;

/// Why an appeal was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// No such decision about a post of theirs, or sanction of theirs.
    NotFound,
    /// It took nothing away.
    NothingToAppeal,
    /// Appealed before.
    Already,
    /// 180 days are over.
    TooLate,
}

/// What an appeal is against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// A decision about one's post.
    Decision(DecisionId),
    /// A sanction of one's account.
    Sanction(SanctionId),
}

impl Against {
    fn object(self) -> String {
        match self {
            Self::Decision(id) => format!("decision:{id}"),
            Self::Sanction(id) => format!("sanction:{id}"),
        }
    }
}

/// What is appealed against, as far as it matters.
struct Target {
    case: Option<CaseId>,
    post: Option<PostId>,
    automated: bool,
    harmless: bool,
    at: DateTime<Utc>,
}

async fn target(tx: &mut PgConnection, author: Who, against: Against) -> sqlx::Result<Option<Target>> {
    match against {
        Against::Decision(id) => {
            let row = sqlx::query!(
                r#"SELECT case_id, post_id, automated, new_state, created_at, ended_at IS NOT NULL AS "ended!"
                   FROM mod_decisions WHERE id = $1 AND author_id = $2"#,
                id.get(),
                author.user.get()
            )
            .fetch_optional(&mut *tx)
            .await?;
            // The appeal's row points to its case: locked after the post as everywhere, or a decision at the
            // same moment and this would wait for each other.
            if let Some(case) = row.as_ref().and_then(|row| row.case_id) {
                cases::lock_both(tx, CaseId::new(case)).await?;
            }
            Ok(row.map(|row| Target {
                case: row.case_id.map(CaseId::new),
                post: Some(PostId::new(row.post_id)),
                automated: row.automated,
                // A rights claim that is over has nobody any more who would answer.
                harmless: row.new_state == PostState::Visible.column()
                    || (row.case_id.is_none() && row.ended),
                at: row.created_at,
            }))
        }
        Against::Sanction(id) => {
            let row = sqlx::query!(
                "SELECT created_at FROM sanctions WHERE id = $1 AND user_id = $2",
                id.get(),
                author.user.get()
            )
            .fetch_optional(tx)
            .await?;
            Ok(row.map(|row| Target {
                case: None,
                post: None,
                automated: false,
                harmless: false,
                at: row.created_at,
            }))
        }
    }
}

/// Sends an appeal against a decision about one's own post, or a sanction of one's account.
pub async fn send(
    tx: &mut PgConnection,
    author: Who,
    against: Against,
    body: &str,
    now: DateTime<Utc>,
    request_id: &str,
) -> sqlx::Result<Result<AppealId, Refused>> {
    let Some(target) = target(&mut *tx, author, against).await? else { return Ok(Err(Refused::NotFound)) };
    if target.harmless {
        return Ok(Err(Refused::NothingToAppeal));
    }
    if now - target.at > chrono::Duration::days(APPEAL_DAYS) {
        return Ok(Err(Refused::TooLate));
    }
    let hours = if target.automated { DUE_AUTOMATED } else { DUE };
    let (decision, sanction) = match against {
        Against::Decision(id) => (Some(id.get()), None),
        Against::Sanction(id) => (None, Some(id.get())),
    };
    let id = sqlx::query_scalar!(
        "INSERT INTO appeals (decision_id, sanction_id, case_id, post_id, author_id, body, due_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING id",
        decision,
        sanction,
        target.case.map(CaseId::get),
        target.post.map(PostId::get),
        author.user.get(),
        body,
        now + chrono::Duration::hours(hours),
        now
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(id) = id.map(AppealId::new) else { return Ok(Err(Refused::Already)) };
    let act = Act {
        actor: Actor::Person(author),
        action: "appeal.sent",
        object: against.object(),
        before: None,
        after: Some(json!({"appeal": id, "case": target.case})),
        request_id: Some(request_id),
    };
    audit::append(tx, &act).await?;
    Ok(Ok(id))
}
