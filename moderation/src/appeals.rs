//! Appeals: one a decision, within 180 days, decided by another moderator. Overturned, the post is back with
//! its original time, and those whose reports had been agreed with were wrong.

use chrono::{DateTime, Utc};
use madang_core::{
    db,
    ids::{AppealId, CaseId, DecisionId, PostId, UserId},
    viewer::Who,
    visibility::PostState,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgExecutor};

use crate::{
    audit::{self, Act, Actor},
    cases::{self, Subject},
    decisions, fallback, reputation,
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
    /// No such decision about a post of theirs.
    NotFound,
    /// It took nothing away.
    NothingToAppeal,
    /// Appealed before.
    Already,
    /// 180 days are over.
    TooLate,
}

/// Sends an appeal against a decision about one's own post.
pub async fn send(
    tx: &mut PgConnection,
    author: Who,
    decision: DecisionId,
    body: &str,
    now: DateTime<Utc>,
    request_id: &str,
) -> sqlx::Result<Result<AppealId, Refused>> {
    let row = sqlx::query!(
        "SELECT case_id, post_id, automated, new_state, created_at FROM mod_decisions
         WHERE id = $1 AND author_id = $2 FOR UPDATE",
        decision.get(),
        author.user.get()
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(Err(Refused::NotFound)) };
    if row.new_state == PostState::Visible.column() {
        return Ok(Err(Refused::NothingToAppeal));
    }
    if now - row.created_at > chrono::Duration::days(APPEAL_DAYS) {
        return Ok(Err(Refused::TooLate));
    }
    let hours = if row.automated { DUE_AUTOMATED } else { DUE };
    let id = sqlx::query_scalar!(
        "INSERT INTO appeals (decision_id, case_id, post_id, author_id, body, due_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (decision_id) DO NOTHING RETURNING id",
        decision.get(),
        row.case_id,
        row.post_id,
        author.user.get(),
        body,
        now + chrono::Duration::hours(hours),
        now
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(id) = id else { return Ok(Err(Refused::Already)) };
    let act = Act {
        actor: Actor::Person(author),
        action: "appeal.sent",
        object: format!("decision:{decision}"),
        before: None,
        after: Some(json!({"appeal": AppealId::new(id)})),
        request_id: Some(request_id),
    };
    audit::append(tx, &act).await?;
    Ok(Ok(AppealId::new(id)))
}

/// What becomes of the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It stands.
    Upheld,
    /// It was wrong.
    Overturned,
}

impl Outcome {
    /// The name in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upheld => "upheld",
            Self::Overturned => "overturned",
        }
    }
}

/// Why a moderator's answer was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerRefused {
    /// No such appeal.
    NotFound,
    /// Somebody was faster.
    Decided {
        /// Who.
        by: Option<UserId>,
        /// When.
        at: DateTime<Utc>,
    },
    /// One's own decision, post or report.
    NotYours,
}

/// A moderator's answer.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// To which appeal.
    pub appeal: AppealId,
    /// By whom.
    pub moderator: Who,
    /// What becomes of the decision.
    pub outcome: Outcome,
    /// Why, for the author.
    pub words: &'a str,
    /// When.
    pub now: DateTime<Utc>,
    /// The request.
    pub request_id: &'a str,
}

struct Open {
    decision: DecisionId,
    case: CaseId,
    automated: bool,
    imposed: PostState,
    decided_at: DateTime<Utc>,
}

/// Answers an appeal. Returns whether the post's state changed.
pub async fn answer(tx: &mut PgConnection, answer: &Answer<'_>) -> sqlx::Result<Result<bool, AnswerRefused>> {
    let case = sqlx::query_scalar!("SELECT case_id FROM appeals WHERE id = $1", answer.appeal.get())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(case) = case else { return Ok(Err(AnswerRefused::NotFound)) };
    let Some((subject, _)) = cases::lock_both(&mut *tx, CaseId::new(case)).await? else {
        return Ok(Err(AnswerRefused::NotFound));
    };
    let open = match lock_open(&mut *tx, answer, &subject, CaseId::new(case)).await? {
        Ok(open) => open,
        Err(refused) => return Ok(Err(refused)),
    };
    let lost = (answer.outcome == Outcome::Overturned).then(|| (answer.now - open.decided_at).num_seconds());
    let written = sqlx::query!(
        "UPDATE appeals SET state = $2, decided_by = $3, decided_at = $4, answer = $5, lost_seconds = $6 WHERE id = $1",
        answer.appeal.get(),
        answer.outcome.as_str(),
        answer.moderator.user.get(),
        answer.now,
        answer.words,
        lost
    )
    .execute(&mut *tx)
    .await;
    match written {
        Ok(_) => {}
        Err(error) if db::violated(&error) == Some("appeals_another_moderator") => {
            return Ok(Err(AnswerRefused::NotYours));
        }
        Err(error) => return Err(error),
    }
    let act = Act {
        actor: Actor::Person(answer.moderator),
        action: "appeal.decided",
        object: format!("decision:{}", open.decision),
        before: Some(json!({"state": "open"})),
        after: Some(json!({"state": answer.outcome, "appeal": answer.appeal})),
        request_id: Some(answer.request_id),
    };
    audit::append(&mut *tx, &act).await?;
    if answer.outcome == Outcome::Upheld {
        return Ok(Ok(false));
    }
    overturn(tx, &subject, &open, answer).await.map(Ok)
}

async fn lock_open(
    tx: &mut PgConnection,
    answer: &Answer<'_>,
    subject: &Subject,
    case: CaseId,
) -> sqlx::Result<Result<Open, AnswerRefused>> {
    let row = sqlx::query!(
        "SELECT a.state, a.decided_by, a.decided_at, d.id AS decision, d.actor_id, d.automated, d.new_state, d.created_at
         FROM appeals a JOIN mod_decisions d ON d.id = a.decision_id WHERE a.id = $1 FOR UPDATE",
        answer.appeal.get()
    )
    .fetch_one(&mut *tx)
    .await?;
    if row.state != "open" {
        let at = row.decided_at.unwrap_or(answer.now);
        return Ok(Err(AnswerRefused::Decided { by: row.decided_by.map(UserId::new), at }));
    }
    let moderator = answer.moderator.user;
    if row.actor_id == Some(moderator.get()) || subject.author == moderator {
        return Ok(Err(AnswerRefused::NotYours));
    }
    Ok(Ok(Open {
        decision: DecisionId::new(row.decision),
        case,
        automated: row.automated,
        imposed: PostState::from_columns(row.new_state, false),
        decided_at: row.created_at,
    }))
}

/// The decision did not stand: its reporters were wrong, and the post is back unless something else holds it.
async fn overturn(
    tx: &mut PgConnection,
    subject: &Subject,
    open: &Open,
    answer: &Answer<'_>,
) -> sqlx::Result<bool> {
    reputation::reverse(&mut *tx, open.case, answer.now).await?;
    if open.automated {
        fallback::consider(&mut *tx, answer.now).await?;
    }
    let held = subject.state == open.imposed || subject.state == PostState::Limited;
    decisions::lift(tx, subject, open.case, answer.moderator, held, answer.now, answer.request_id).await
}

/// An appeal as its author sees it.
#[derive(Debug, Clone, Serialize)]
pub struct OwnAppeal {
    /// Id.
    pub id: AppealId,
    /// Against which decision.
    pub decision_id: DecisionId,
    /// About which post.
    pub post_id: PostId,
    /// What was written.
    pub body: String,
    /// `open`, `upheld` or `overturned`.
    pub state: String,
    /// The moderator's words.
    pub answer: String,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
    /// By when it is to be decided.
    pub due_at: DateTime<Utc>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
}

/// An author's appeals, newest first, of ids below `below`.
pub async fn of_author(
    executor: impl PgExecutor<'_>,
    author: UserId,
    below: i64,
    limit: i64,
) -> sqlx::Result<Vec<OwnAppeal>> {
    let rows = sqlx::query!(
        "SELECT id, decision_id, post_id, body, state, answer, created_at, due_at, decided_at FROM appeals
         WHERE author_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        author.get(),
        below,
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| OwnAppeal {
            id: AppealId::new(row.id),
            decision_id: DecisionId::new(row.decision_id),
            post_id: PostId::new(row.post_id),
            body: row.body,
            state: row.state,
            answer: row.answer,
            created_at: row.created_at,
            due_at: row.due_at,
            decided_at: row.decided_at,
        })
        .collect())
}

/// An appeal that waits, as a moderator sees it.
#[derive(Debug, Clone, Serialize)]
pub struct Waiting {
    /// Id.
    pub id: AppealId,
    /// The case with all that explains the decision.
    pub case_id: CaseId,
    /// The decision.
    pub decision_id: DecisionId,
    /// The post.
    pub post_id: PostId,
    /// What the author wrote.
    pub body: String,
    /// The statement they were sent.
    pub statement: Value,
    /// Whether no person decided.
    pub automated: bool,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
    /// By when it is to be decided.
    pub due_at: DateTime<Utc>,
}

/// Appeals that wait and that this moderator may decide, the most urgent first, after a place: the due time
/// in microseconds and the id of the last one seen.
pub async fn waiting(
    executor: impl PgExecutor<'_>,
    moderator: UserId,
    after: Option<(i64, i64)>,
    limit: i64,
) -> sqlx::Result<Vec<Waiting>> {
    let (due, id) = after.unwrap_or((0, 0));
    let due = DateTime::from_timestamp_micros(due).unwrap_or_default();
    let rows = sqlx::query!(
        "SELECT a.id, a.case_id, a.decision_id, a.post_id, a.body, d.statement, d.automated, a.created_at, a.due_at
         FROM appeals a JOIN mod_decisions d ON d.id = a.decision_id
         WHERE a.state = 'open' AND a.author_id <> $1 AND d.actor_id IS DISTINCT FROM $1 AND (a.due_at, a.id) > ($2, $3)
         ORDER BY a.due_at, a.id LIMIT $4",
        moderator.get(),
        due,
        id,
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Waiting {
            id: AppealId::new(row.id),
            case_id: CaseId::new(row.case_id),
            decision_id: DecisionId::new(row.decision_id),
            post_id: PostId::new(row.post_id),
            body: row.body,
            statement: row.statement,
            automated: row.automated,
            created_at: row.created_at,
            due_at: row.due_at,
        })
        .collect())
}
