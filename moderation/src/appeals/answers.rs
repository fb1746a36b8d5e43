//! Answers to appeals, by another moderator than the one who decided.

use chrono::{DateTime, Utc};
use madang_core::{
    db,
    ids::{AppealId, CaseId, DecisionId, SanctionId, UserId},
    users::Role,
    viewer::Who,
    visibility::PostState,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;

use super::Against;
use crate::{
    audit::{Act, Actor},
    cases::{self, Subject},
    closing::Closing,
    decisions, fallback, reputation, restitution, sanctions, told,
};

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
    /// Against what only senior moderators do: bans, long sanctions, escalated cases.
    NeedsSenior,
    /// About one of the staff, whom only an admin judges.
    NeedsAdmin,
    /// Against a temporary measure: decided with the rights claim, by the role `legal`.
    Rights,
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

/// What an open appeal is about.
struct Open {
    author: UserId,
    case: Option<CaseId>,
    against: Against,
}

/// Answers an appeal. Returns whether something changed for readers or for the account.
pub async fn answer(tx: &mut PgConnection, answer: &Answer<'_>) -> sqlx::Result<Result<bool, AnswerRefused>> {
    let row = sqlx::query!(
        "SELECT author_id, case_id, decision_id, sanction_id FROM appeals WHERE id = $1",
        answer.appeal.get()
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(Err(AnswerRefused::NotFound)) };
    let open = Open {
        author: UserId::new(row.author_id),
        case: row.case_id.map(CaseId::new),
        against: match (row.decision_id, row.sanction_id) {
            (Some(id), _) => Against::Decision(DecisionId::new(id)),
            (None, id) => Against::Sanction(SanctionId::new(id.unwrap_or_default())),
        },
    };
    match (open.against, open.case) {
        (Against::Decision(decision), Some(case)) => about_post(tx, answer, &open, decision, case).await,
        (Against::Decision(_), None) => Ok(Err(AnswerRefused::Rights)),
        (Against::Sanction(sanction), _) => about_account(tx, answer, &open, sanction).await,
    }
}

async fn about_post(
    tx: &mut PgConnection,
    answer: &Answer<'_>,
    open: &Open,
    decision: DecisionId,
    case: CaseId,
) -> sqlx::Result<Result<bool, AnswerRefused>> {
    let Some((subject, locked)) = cases::lock_both(&mut *tx, case).await? else {
        return Ok(Err(AnswerRefused::NotFound));
    };
    if let Some(refused) = refuse(&mut *tx, answer).await? {
        return Ok(Err(refused));
    }
    if locked.escalated && !answer.moderator.role.is_senior() {
        return Ok(Err(AnswerRefused::NeedsSenior));
    }
    let row = sqlx::query!("SELECT automated, created_at FROM mod_decisions WHERE id = $1", decision.get())
        .fetch_one(&mut *tx)
        .await?;
    let lost = (answer.outcome == Outcome::Overturned).then(|| (answer.now - row.created_at).num_seconds());
    let mut closing = Closing::default();
    if let Err(refused) = close(&mut *tx, answer, open.author, open.against, lost, &mut closing).await? {
        return Ok(Err(refused));
    }
    if let Some(lost) = lost {
        overturn(&mut *tx, &subject, (decision, case), lost, answer, &mut closing).await?;
        if row.automated {
            fallback::consider(&mut *tx, answer.now).await?;
        }
    }
    closing.write(tx).await.map(Ok)
}

async fn about_account(
    tx: &mut PgConnection,
    answer: &Answer<'_>,
    open: &Open,
    sanction: SanctionId,
) -> sqlx::Result<Result<bool, AnswerRefused>> {
    // The account's row first, as where sanctions are imposed.
    let account = sanctions::lock_account(&mut *tx, open.author).await?;
    if let Some(refused) = refuse(&mut *tx, answer).await? {
        return Ok(Err(refused));
    }
    if account.is_some_and(|account| account.role.is_staff()) && answer.moderator.role != Role::Admin {
        return Ok(Err(AnswerRefused::NeedsAdmin));
    }
    if sanctions::needs_senior(&mut *tx, sanction).await? && !answer.moderator.role.is_senior() {
        return Ok(Err(AnswerRefused::NeedsSenior));
    }
    let mut closing = Closing::default();
    if let Err(refused) = close(&mut *tx, answer, open.author, open.against, None, &mut closing).await? {
        return Ok(Err(refused));
    }
    if answer.outcome == Outcome::Overturned {
        let (which, at) = ((open.author, sanction), (answer.now, answer.request_id));
        // One that ended meanwhile has nothing left to lift, but what was written under it comes back all the same.
        let _over = sanctions::lift_along(&mut *tx, which, answer.moderator, at, &mut closing).await?;
        sanctions::restore_posts(&mut *tx, sanction).await?;
    }
    closing.write(tx).await.map(Ok)
}

/// Locks an appeal and says why it cannot be answered by this moderator.
async fn refuse(tx: &mut PgConnection, answer: &Answer<'_>) -> sqlx::Result<Option<AnswerRefused>> {
    let row = sqlx::query!(
        r#"SELECT a.state, a.author_id, a.decided_by, a.decided_at, d.actor_id AS "decider?", s.actor_id AS "sanctioner?"
           FROM appeals a LEFT JOIN mod_decisions d ON d.id = a.decision_id LEFT JOIN sanctions s ON s.id = a.sanction_id
           WHERE a.id = $1 FOR UPDATE OF a"#,
        answer.appeal.get()
    )
    .fetch_one(tx)
    .await?;
    if row.state != "open" {
        let at = row.decided_at.unwrap_or(answer.now);
        return Ok(Some(AnswerRefused::Decided { by: row.decided_by.map(UserId::new), at }));
    }
    let own = Some(answer.moderator.user.get());
    let mine = row.decider == own || row.sanctioner == own || Some(row.author_id) == own;
    Ok(mine.then_some(AnswerRefused::NotYours))
}

/// A claim that ran out answers the objection to it.
pub(crate) async fn close_unanswered(
    tx: &mut PgConnection,
    (appeal, author): (AppealId, UserId),
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE appeals SET state = 'overturned', decided_at = $2 WHERE id = $1 AND state = 'open'",
        appeal.get(),
        now
    )
    .execute(&mut *tx)
    .await?;
    told::answered(tx, author, appeal, Outcome::Overturned, now).await
}

/// Writes an answer down and tells the author. The database refuses answers to one's own decisions too.
pub(crate) async fn close<'a>(
    tx: &mut PgConnection,
    answer: &Answer<'a>,
    author: UserId,
    against: Against,
    lost_seconds: Option<i64>,
    closing: &mut Closing<'a>,
) -> sqlx::Result<Result<(), AnswerRefused>> {
    let written = sqlx::query!(
        "UPDATE appeals SET state = $2, decided_by = $3, decided_at = $4, answer = $5, lost_seconds = $6 WHERE id = $1
         RETURNING case_id",
        answer.appeal.get(),
        answer.outcome.as_str(),
        answer.moderator.user.get(),
        answer.now,
        answer.words,
        lost_seconds
    )
    .fetch_one(&mut *tx)
    .await;
    let case = match written {
        Ok(row) => row.case_id.map(CaseId::new),
        Err(error) if db::violated(&error) == Some("appeals_another_moderator") => {
            return Ok(Err(AnswerRefused::NotYours));
        }
        Err(error) => return Err(error),
    };
    told::answered(tx, author, answer.appeal, answer.outcome, answer.now).await?;
    closing.act(Act {
        actor: Actor::Person(answer.moderator),
        action: "appeal.decided",
        object: against.object(),
        before: Some(json!({"state": "open"})),
        after: Some(json!({"state": answer.outcome, "appeal": answer.appeal, "case": case})),
        request_id: Some(answer.request_id),
    });
    Ok(Ok(()))
}

/// The decision did not stand: it ends, with what the machine did on the same reports, and the post stands where
/// the other measures put it; where that is in full view it is owed what it lost.
async fn overturn<'a>(
    tx: &mut PgConnection,
    subject: &Subject,
    (decision, case): (DecisionId, CaseId),
    lost: i64,
    answer: &Answer<'a>,
    closing: &mut Closing<'a>,
) -> sqlx::Result<()> {
    let ends_case = !decisions::stands_otherwise(&mut *tx, case, decision).await?;
    let mut categories = Vec::new();
    if ends_case {
        categories = reputation::reverse(&mut *tx, (case, subject.id), answer.now, closing).await?;
    }
    let to = decisions::end_appealed(&mut *tx, subject.id, (decision, case), ends_case, answer.now).await?;
    let hidden = !matches!(subject.standing(), PostState::Visible | PostState::Deleted);
    if to == PostState::Visible && hidden {
        restitution::owe(&mut *tx, answer.appeal, subject, lost, answer.now).await?;
    }
    let by = (answer.moderator, answer.now, answer.request_id);
    decisions::lift(tx, subject, (case, to), categories, by, closing).await
}
