//! Decisions: by the rule, provisional, and by moderators. Each is one transaction with the post's new
//! state, the statement for its author, the audit row and the change that makes held copies go.

mod by_moderator;
mod by_rule;
mod lifting;

use chrono::{DateTime, Utc};
use madang_core::{
    changes::Change,
    ids::{CaseId, DecisionId, PostId, UserId},
    posts,
    visibility::PostState,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgExecutor};

pub use self::{
    by_moderator::{Along, Decided, MAX_SIMILAR, NewDecision, Refused, decide, decide_all},
    by_rule::{ease_expired, edited, show_edited},
};
pub(crate) use self::{
    by_rule::impose,
    lifting::{end_appealed, lift, stands_otherwise},
};
use crate::{
    audit::{Act, Actor},
    cases::Subject,
    closing::Closing,
    rule::Category,
    statements::{self, Facts, Reason},
    told,
};

/// Most characters of a terms clause.
pub const MAX_CLAUSE_CHARS: usize = 100;
/// A provisional block is eased after this long without a review.
pub const PROVISIONAL: chrono::Duration = chrono::Duration::hours(24);

/// What is done about a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Nothing; what was imposed ends.
    Keep,
    /// Out of feeds, boards and search.
    Limit,
    /// Kept back at submission, before anybody saw it; by the text rules alone.
    Hold,
    /// Hidden until somebody looks; by the rule on reports alone.
    Block,
    /// Taken down.
    Remove,
    /// Hidden on a rights claim until that is decided (임시조치); by the role `legal` alone.
    #[serde(rename = "temporary_measure")]
    Temporary,
}

impl Measure {
    /// The name in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Limit => "limit",
            Self::Hold => "hold",
            Self::Block => "block",
            Self::Remove => "remove",
            Self::Temporary => "temporary_measure",
        }
    }

    /// The measure of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Keep, Self::Limit, Self::Hold, Self::Block, Self::Remove, Self::Temporary]
            .into_iter()
            .find(|measure| measure.as_str() == name)
    }

    /// The state it puts a post in.
    pub const fn state(self) -> PostState {
        match self {
            Self::Keep => PostState::Visible,
            Self::Limit => PostState::Limited,
            Self::Hold => PostState::Held,
            Self::Block => PostState::AutoBlocked,
            Self::Remove => PostState::Removed,
            Self::Temporary => PostState::TempMeasure,
        }
    }
}

/// A decision to be recorded.
pub(crate) struct Entry<'a> {
    pub(crate) actor: Actor,
    /// None for rights claims, which are no verdict on a case.
    pub(crate) case: Option<CaseId>,
    pub(crate) measure: Measure,
    pub(crate) reason: Reason,
    pub(crate) terms_clause: &'a str,
    /// What it was reported for.
    pub(crate) categories: Vec<String>,
    /// Whether the text rules found something in the text.
    pub(crate) found_by_machine: bool,
    /// Whether reports of this text shall not count again.
    pub(crate) locked: bool,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) now: DateTime<Utc>,
    pub(crate) request_id: &'a str,
}

/// Puts the post where the measure wants it, records the decision and tells the author; the row of the log and the
/// change wait for the end.
pub(crate) async fn enact<'a>(
    tx: &mut PgConnection,
    subject: &Subject,
    entry: &Entry<'a>,
    closing: &mut Closing<'a>,
) -> sqlx::Result<DecisionId> {
    if matches!(entry.reason, Reason::Rights(_)) {
        move_to(&mut *tx, subject, entry.measure.state(), entry.now, closing).await?;
    } else {
        put(&mut *tx, subject, entry.measure.state(), entry.now, closing).await?;
    }
    let statement = statement_of(entry);
    let id = insert(&mut *tx, subject, entry, &statement).await?;
    // That a post was left alone is not told: nobody needs to know that they were reported in vain.
    if subject.state != entry.measure.state() {
        told::measured(tx, subject.author, id, &statement, entry.now).await?;
    }
    closing.act(Act {
        actor: entry.actor,
        action: "post.decided",
        object: format!("post:{}", subject.id),
        before: Some(json!({"state": subject.state.as_str()})),
        after: Some(json!({"state": entry.measure.state().as_str(), "case": entry.case, "reason": entry.reason.as_str(),
                           "revision": subject.revision, "expires_at": entry.expires_at})),
        request_id: Some(entry.request_id),
    });
    Ok(id)
}

/// What a block for a scam or illegal content ends by is a person, not the time.
fn ends_by_itself(reason: Reason) -> bool {
    !matches!(reason, Reason::Category(category) if category.is_scam_or_illegal())
}

fn statement_of(entry: &Entry<'_>) -> Value {
    statements::statement(&Facts {
        measure: entry.measure,
        reason: entry.reason,
        terms_clause: entry.terms_clause,
        reported: !entry.categories.is_empty(),
        automated_detection: entry.found_by_machine,
        automated_decision: entry.actor == Actor::System,
        at: entry.now,
        expires_at: entry.expires_at.filter(|_| ends_by_itself(entry.reason)),
    })
}

async fn insert(
    tx: &mut PgConnection,
    subject: &Subject,
    entry: &Entry<'_>,
    statement: &Value,
) -> sqlx::Result<DecisionId> {
    let id = sqlx::query_scalar!(
        "INSERT INTO mod_decisions (case_id, post_id, author_id, kind, actor_kind, actor_id, reason_code, terms_clause,
                                    automated, statement, previous_state, new_state, revision, categories, locked,
                                    expires_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) RETURNING id",
        entry.case.map(CaseId::get),
        subject.id.get(),
        subject.author.get(),
        entry.measure.as_str(),
        actor_kind(entry),
        entry.actor.id(),
        entry.reason.as_str(),
        entry.terms_clause,
        entry.actor == Actor::System,
        statement,
        subject.state.column(),
        entry.measure.state().column(),
        subject.revision,
        &entry.categories,
        entry.locked,
        entry.expires_at,
        entry.now
    )
    .fetch_one(tx)
    .await?;
    Ok(DecisionId::new(id))
}

const fn actor_kind(entry: &Entry<'_>) -> &'static str {
    match (entry.actor, entry.reason) {
        (Actor::System, _) => "system",
        (Actor::Person(_), Reason::Rights(_)) => "legal",
        (Actor::Person(_), Reason::Category(_)) => "moderator",
    }
}

/// Puts the post where a measure wants it. What a rights claim hides stays hidden; the post goes there when the claim
/// is over.
pub(crate) async fn put(
    tx: &mut PgConnection,
    subject: &Subject,
    to: PostState,
    now: DateTime<Utc>,
    closing: &mut Closing<'_>,
) -> sqlx::Result<()> {
    if subject.state != PostState::TempMeasure {
        return move_to(tx, subject, to, now, closing).await;
    }
    sqlx::query!(
        "UPDATE legal_requests SET previous_state = $2 WHERE post_id = $1 AND state = 'open'",
        subject.id.get(),
        to.column()
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Puts a post into a state, whatever the present one.
pub(crate) async fn move_to(
    tx: &mut PgConnection,
    subject: &Subject,
    to: PostState,
    now: DateTime<Utc>,
    closing: &mut Closing<'_>,
) -> sqlx::Result<()> {
    if subject.state == to || subject.state == PostState::Deleted {
        return Ok(());
    }
    if to == PostState::Visible {
        posts::list_again(tx, subject.id, now).await?;
    } else {
        posts::restrict(tx, subject.id, to).await?;
    }
    closing.change(Change::Post(subject.id));
    Ok(())
}

/// A statement as its author reads it.
#[derive(Debug, Clone, Serialize)]
pub struct OwnStatement {
    /// Id of the decision, to appeal against.
    pub id: DecisionId,
    /// The post.
    pub post_id: PostId,
    /// The statement of reasons.
    pub statement: Value,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When the measure ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// What was decided about an author's posts, newest first, of ids below `below`. That a post was left alone
/// is not told: nobody needs to know that they were reported in vain.
pub async fn statements_of(
    executor: impl PgExecutor<'_>,
    author: UserId,
    below: i64,
    limit: i64,
) -> sqlx::Result<Vec<OwnStatement>> {
    let rows = sqlx::query!(
        "SELECT id, post_id, statement, created_at, reason_code, expires_at, ended_at FROM mod_decisions
         WHERE author_id = $1 AND id < $2 AND previous_state <> new_state ORDER BY id DESC LIMIT $3",
        author.get(),
        below,
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| OwnStatement {
            id: DecisionId::new(row.id),
            post_id: PostId::new(row.post_id),
            statement: row.statement,
            created_at: row.created_at,
            expires_at: row.expires_at.filter(|_| {
                Category::parse(&row.reason_code).is_none_or(|reason| !reason.is_scam_or_illegal())
            }),
            ended_at: row.ended_at,
        })
        .collect())
}
