//! Decisions: by the rule, provisional, and by moderators. Each is one transaction with the post's new
//! state, the statement for its author, the audit row and the change that makes held copies go.

use chrono::{DateTime, Utc};
use madang_core::{
    changes::{self, Change},
    db,
    ids::{CaseId, DecisionId, PostId, UserId},
    posts,
    viewer::Who,
    visibility::PostState,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgExecutor};

use crate::{
    audit::{self, Act, Actor},
    cases::{self, Subject},
    reputation,
    rule::Category,
    statements::{self, Facts},
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
        }
    }

    /// The state it puts a post in.
    pub const fn state(self) -> PostState {
        match self {
            Self::Keep => PostState::Visible,
            Self::Limit => PostState::Limited,
            Self::Hold => PostState::Held,
            Self::Block => PostState::AutoBlocked,
            Self::Remove => PostState::Removed,
        }
    }
}

/// A decision to be recorded.
struct Entry<'a> {
    actor: Actor,
    case: CaseId,
    measure: Measure,
    reason: Category,
    terms_clause: &'a str,
    categories: &'a [String],
    locked: bool,
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    request_id: &'a str,
}

async fn record(tx: &mut PgConnection, subject: &Subject, entry: &Entry<'_>) -> sqlx::Result<DecisionId> {
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
        entry.case.get(),
        subject.id.get(),
        subject.author.get(),
        entry.measure.as_str(),
        if automated { "system" } else { "moderator" },
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
            json!({"state": entry.measure.state().as_str(), "case": entry.case, "reason": entry.reason,
                           "revision": subject.revision, "expires_at": entry.expires_at}),
        ),
        request_id: Some(entry.request_id),
    };
    audit::append(tx, &act).await?;
    Ok(DecisionId::new(row.id))
}

/// Puts the post where the measure wants it. Must come last: it records the change.
async fn put(
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

/// What the rule imposes: limited without an end, blocked for 24 hours.
pub(crate) async fn impose(
    tx: &mut PgConnection,
    subject: &Subject,
    (case, measure, reason): (CaseId, Measure, Category),
    categories: &[String],
    now: DateTime<Utc>,
    request_id: &str,
) -> sqlx::Result<()> {
    let entry = Entry {
        actor: Actor::System,
        case,
        measure,
        reason,
        terms_clause: "",
        categories,
        locked: false,
        expires_at: (measure == Measure::Block).then(|| now + PROVISIONAL),
        now,
        request_id,
    };
    record(&mut *tx, subject, &entry).await?;
    put(tx, subject, measure.state(), now).await?;
    metrics::counter!("madang_rule_measures_total", "measure" => measure.as_str()).increment(1);
    Ok(())
}

/// A decision of a moderator's.
#[derive(Debug, Clone)]
pub struct NewDecision<'a> {
    /// About which case.
    pub case: CaseId,
    /// The case's version they looked at.
    pub version: i32,
    /// Who decides.
    pub moderator: Who,
    /// Keep, limit or remove.
    pub measure: Measure,
    /// For what.
    pub reason: Category,
    /// The clause of the terms.
    pub terms_clause: &'a str,
    /// Whether reports of this text shall not count again; with `Keep`.
    pub lock: bool,
    /// When.
    pub now: DateTime<Utc>,
    /// The request.
    pub request_id: &'a str,
}

/// Why a decision was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// No such case.
    NotFound,
    /// Somebody was faster.
    Decided {
        /// Who, unless it was the rule.
        by: Option<UserId>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The case changed since it was looked at.
    Stale {
        /// Its version now.
        version: i32,
    },
    /// Another moderator is at it.
    Claimed {
        /// Who.
        by: UserId,
        /// Until when.
        until: DateTime<Utc>,
    },
    /// It waits for a senior moderator.
    NeedsSenior,
    /// About one's own post.
    OwnPost,
    /// About a post one reported.
    OwnReport,
}

/// A decision as recorded.
#[derive(Debug, Clone, Copy)]
pub struct Decided {
    /// Its id.
    pub id: DecisionId,
    /// Whether the post's state changed.
    pub changed: bool,
}

/// Decides a case: the post's state, its reports and their reporters' standing, in one.
pub async fn decide(tx: &mut PgConnection, new: &NewDecision<'_>) -> sqlx::Result<Result<Decided, Refused>> {
    let Some((subject, case)) = cases::lock_both(&mut *tx, new.case).await? else {
        return Ok(Err(Refused::NotFound));
    };
    if let Some(refused) = refuse(&mut *tx, &subject, &case, new).await? {
        return Ok(Err(refused));
    }
    let categories =
        reputation::settle(&mut *tx, new.case, &subject, new.measure != Measure::Keep, new.now).await?;
    sqlx::query!(
        "UPDATE mod_decisions SET ended_at = $2 WHERE case_id = $1 AND ended_at IS NULL",
        new.case.get(),
        new.now
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE mod_cases SET state = 'decided', decided_at = $2, version = version + 1 WHERE id = $1",
        new.case.get(),
        new.now
    )
    .execute(&mut *tx)
    .await?;
    let entry = Entry {
        actor: Actor::Person(new.moderator),
        case: new.case,
        measure: new.measure,
        reason: new.reason,
        terms_clause: new.terms_clause,
        categories: &categories,
        locked: new.lock && new.measure == Measure::Keep,
        expires_at: None,
        now: new.now,
        request_id: new.request_id,
    };
    let id = match record(&mut *tx, &subject, &entry).await {
        Ok(id) => id,
        Err(error) => return own(error),
    };
    let changed = put(tx, &subject, new.measure.state(), new.now).await?;
    Ok(Ok(Decided { id, changed }))
}

/// The database refuses it too; then the transaction is lost and the caller must roll back.
fn own(error: sqlx::Error) -> sqlx::Result<Result<Decided, Refused>> {
    match db::violated(&error) {
        Some("mod_decisions_not_own_post") => Ok(Err(Refused::OwnPost)),
        Some("mod_decisions_not_own_report") => Ok(Err(Refused::OwnReport)),
        _ => Err(error),
    }
}

async fn refuse(
    tx: &mut PgConnection,
    subject: &Subject,
    case: &cases::Locked,
    new: &NewDecision<'_>,
) -> sqlx::Result<Option<Refused>> {
    let moderator = new.moderator.user;
    if case.state == "decided" {
        let row = sqlx::query!(
            "SELECT actor_id, created_at FROM mod_decisions WHERE case_id = $1 ORDER BY id DESC LIMIT 1",
            new.case.get()
        )
        .fetch_optional(tx)
        .await?;
        let (by, at) = row.map_or((None, new.now), |row| (row.actor_id.map(UserId::new), row.created_at));
        return Ok(Some(Refused::Decided { by, at }));
    }
    if let (Some(by), Some(until)) = (case.assigned_to, case.claimed_until)
        && by != moderator
        && until > new.now
    {
        return Ok(Some(Refused::Claimed { by, until }));
    }
    if case.state == "escalated" && !new.moderator.role.is_senior() {
        return Ok(Some(Refused::NeedsSenior));
    }
    if case.version != new.version {
        return Ok(Some(Refused::Stale { version: case.version }));
    }
    if subject.author == moderator {
        return Ok(Some(Refused::OwnPost));
    }
    let own = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM reports WHERE post_id = $1 AND reporter_id = $2) AS "own!""#,
        subject.id.get(),
        moderator.get()
    )
    .fetch_one(tx)
    .await?;
    Ok(own.then_some(Refused::OwnReport))
}

/// An appeal was heard: the case ends with the post kept, and what was imposed is over. Returns whether the
/// post's state changed.
pub(crate) async fn lift(
    tx: &mut PgConnection,
    subject: &Subject,
    case: CaseId,
    moderator: Who,
    held: bool,
    now: DateTime<Utc>,
    request_id: &str,
) -> sqlx::Result<bool> {
    sqlx::query!(
        "UPDATE mod_decisions SET ended_at = $2 WHERE case_id = $1 AND ended_at IS NULL",
        case.get(),
        now
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE mod_cases SET state = 'decided', decided_at = coalesce(decided_at, $2), version = version + 1
         WHERE id = $1",
        case.get(),
        now
    )
    .execute(&mut *tx)
    .await?;
    if !held || subject.state == PostState::Visible {
        return Ok(false);
    }
    let entry = Entry {
        actor: Actor::Person(moderator),
        case,
        measure: Measure::Keep,
        reason: Category::Other,
        terms_clause: "",
        categories: &[],
        locked: false,
        expires_at: None,
        now,
        request_id,
    };
    record(&mut *tx, subject, &entry).await?;
    put(tx, subject, PostState::Visible, now).await
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
         WHERE expires_at <= $1 AND ended_at IS NULL ORDER BY expires_at LIMIT $2",
        now,
        limit
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut eased = Vec::new();
    for row in due {
        let Some((subject, case)) = cases::lock_both(&mut *tx, CaseId::new(row.case_id)).await? else {
            continue;
        };
        let done = sqlx::query!(
            "UPDATE mod_decisions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL",
            row.id,
            now
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 || case.state == "decided" {
            continue;
        }
        let reason = Category::parse(&row.reason_code).unwrap_or(Category::Other);
        ease(&mut *tx, &subject, CaseId::new(row.case_id), reason, now).await?;
        eased.push(subject.id);
    }
    Ok(eased)
}

async fn ease(
    tx: &mut PgConnection,
    subject: &Subject,
    case: CaseId,
    reason: Category,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    if reason.is_scam_or_illegal() {
        return cases::escalate_unattended(tx, case).await;
    }
    if subject.state != PostState::AutoBlocked {
        return Ok(());
    }
    let act = Act {
        actor: Actor::System,
        action: "block.expired",
        object: format!("post:{}", subject.id),
        before: Some(json!({"state": subject.state.as_str()})),
        after: Some(json!({"state": PostState::Limited.as_str(), "case": case})),
        request_id: None,
    };
    audit::append(&mut *tx, &act).await?;
    put(tx, subject, PostState::Limited, now).await.map(|_| ())
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
