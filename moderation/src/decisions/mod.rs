//! Decisions: by the rule, provisional, and by moderators. Each is one transaction with the post's new
//! state, the statement for its author, the audit row and the change that makes held copies go.

mod by_moderator;
mod by_rule;

use chrono::{DateTime, Utc};
use madang_core::{
    changes::{self, Change},
    ids::{CaseId, DecisionId, PostId, UserId},
    posts,
    users::Role,
    visibility::PostState,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgExecutor};

pub(crate) use self::{by_moderator::lift, by_rule::impose};
pub use self::{
    by_moderator::{Along, Decided, MAX_SIMILAR, NewDecision, Refused, decide, decide_all},
    by_rule::{ease_expired, edited, show_edited},
};
use crate::{
    audit::{self, Act, Actor},
    cases::Subject,
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
    pub(crate) categories: &'a [String],
    /// Whether reports of this text shall not count again.
    pub(crate) locked: bool,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) now: DateTime<Utc>,
    pub(crate) request_id: &'a str,
}

/// Records a decision, tells the author and writes it into the log.
pub(crate) async fn record(
    tx: &mut PgConnection,
    subject: &Subject,
    entry: &Entry<'_>,
) -> sqlx::Result<DecisionId> {
    let automated = entry.actor == Actor::System;
    let statement = statements::statement(&Facts {
        measure: entry.measure,
        reason: entry.reason,
        terms_clause: entry.terms_clause,
        automated_detection: !entry.categories.is_empty(),
        automated_decision: automated,
        at: entry.now,
        expires_at: entry.expires_at,
    });
    let row = sqlx::query!(
        "INSERT INTO mod_decisions (case_id, post_id, author_id, kind, actor_kind, actor_id, reason_code, terms_clause,
                                    automated, statement, previous_state, new_state, revision, categories, locked,
                                    expires_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) RETURNING id",
        entry.case.map(CaseId::get),
        subject.id.get(),
        subject.author.get(),
        entry.measure.as_str(),
        actor_kind(entry.actor),
        entry.actor.id(),
        entry.reason.as_str(),
        entry.terms_clause,
        automated,
        statement,
        subject.state.column(),
        entry.measure.state().column(),
        subject.revision,
        entry.categories,
        entry.locked,
        entry.expires_at,
        entry.now
    )
    .fetch_one(&mut *tx)
    .await?;
    let act = Act {
        actor: entry.actor,
        action: "post.decided",
        object: format!("post:{}", subject.id),
        before: Some(json!({"state": subject.state.as_str()})),
        after: Some(
            json!({"state": entry.measure.state().as_str(), "case": entry.case, "reason": entry.reason.as_str(),
                           "revision": subject.revision, "expires_at": entry.expires_at}),
        ),
        request_id: Some(entry.request_id),
    };
    let id = DecisionId::new(row.id);
    // That a post was left alone is not told: nobody needs to know that they were reported in vain.
    if subject.state != entry.measure.state() {
        told::measured(&mut *tx, subject.author, id, &statement, entry.now).await?;
    }
    audit::append(tx, &act).await?;
    Ok(id)
}

const fn actor_kind(actor: Actor) -> &'static str {
    match actor {
        Actor::System => "system",
        Actor::Person(who) if matches!(who.role, Role::Legal) => "legal",
        Actor::Person(_) => "moderator",
    }
}

/// Puts the post where the measure wants it. Must come last: it records the change. What a rights claim hides
/// stays hidden; the post goes there when the claim is over.
async fn put(
    tx: &mut PgConnection,
    subject: &Subject,
    to: PostState,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    if subject.state == PostState::TempMeasure {
        sqlx::query!(
            "UPDATE legal_requests SET previous_state = $2 WHERE post_id = $1 AND state = 'open'",
            subject.id.get(),
            to.column()
        )
        .execute(tx)
        .await?;
        return Ok(false);
    }
    move_to(tx, subject, to, now).await
}

/// Puts a post into a state, whatever the present one. Must come last: it records the change.
pub(crate) async fn move_to(
    tx: &mut PgConnection,
    subject: &Subject,
    to: PostState,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    if subject.state == to || subject.state == PostState::Deleted {
        return Ok(false);
    }
    if to == PostState::Visible {
        posts::list_again(&mut *tx, subject.id, now).await?;
    } else {
        posts::restrict(&mut *tx, subject.id, to).await?;
    }
    changes::record(tx, &[Change::Post(subject.id)]).await?;
    Ok(true)
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
        "SELECT id, post_id, statement, created_at, expires_at, ended_at FROM mod_decisions
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
            expires_at: row.expires_at,
            ended_at: row.ended_at,
        })
        .collect())
}
