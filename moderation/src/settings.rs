//! The rule's constants in force: the newest row of `rule_settings`, or the defaults. One admin proposes a
//! change, another approves it.

use chrono::{DateTime, Utc};
use madang_core::{
    ids::{ProposalId, UserId},
    viewer::Who,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgExecutor};

use crate::{
    audit::{self, Act, Actor},
    rule::{RuleSettings, SettingsError},
};

/// Most characters of a reason for a change.
pub const MAX_WHY_CHARS: usize = 500;

/// The settings in force and their version; 0 are the defaults.
pub async fn current(executor: impl PgExecutor<'_>) -> sqlx::Result<(RuleSettings, i32)> {
    let row = sqlx::query!("SELECT version, settings FROM rule_settings ORDER BY version DESC LIMIT 1")
        .fetch_optional(executor)
        .await?;
    let Some(row) = row else {
        return Ok((RuleSettings { version: 0, ..RuleSettings::default() }, 0));
    };
    let settings: RuleSettings =
        serde_json::from_value(row.settings).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok((RuleSettings { version: row.version, ..settings }, row.version))
}

/// Lets one transaction at a time change the settings; to be held from reading them to the commit, so that
/// nobody's change is lost. Taken before the head of the audit log: who holds that already may only try.
pub async fn lock(tx: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('rule_settings'))").fetch_one(tx).await?;
    Ok(())
}

/// The same without waiting; whether it is held.
pub(crate) async fn try_lock(tx: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock(hashtext('rule_settings')) AS "held!""#)
        .fetch_one(tx)
        .await
}

/// Makes a new version of the settings. Returns its number.
pub async fn set(
    executor: impl PgExecutor<'_>,
    settings: &RuleSettings,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> sqlx::Result<i32> {
    let stored = serde_json::to_value(settings).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    sqlx::query_scalar!(
        "INSERT INTO rule_settings (settings, set_by, set_at) VALUES ($1, $2, $3) RETURNING version",
        stored,
        by.map(UserId::get),
        now
    )
    .fetch_one(executor)
    .await
}

/// A proposed change.
#[derive(Debug, Clone, Serialize)]
pub struct Proposal {
    /// Id.
    pub id: ProposalId,
    /// The settings as they would be.
    pub settings: Value,
    /// Why.
    pub why: String,
    /// The version it was made from.
    pub base_version: i32,
    /// `open`, `approved` or `refused`.
    pub state: String,
    /// By whom.
    pub proposed_by: UserId,
    /// When.
    pub proposed_at: DateTime<Utc>,
    /// Who decided.
    pub decided_by: Option<UserId>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// The version it became.
    pub version: Option<i32>,
}

/// Proposals, newest first, of ids below `below`.
pub async fn proposals(executor: impl PgExecutor<'_>, below: i64, limit: i64) -> sqlx::Result<Vec<Proposal>> {
    let rows = sqlx::query!(
        "SELECT id, settings, why, base_version, state, proposed_by, proposed_at, decided_by, decided_at, version
         FROM rule_proposals WHERE id < $1 ORDER BY id DESC LIMIT $2",
        below,
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Proposal {
            id: ProposalId::new(row.id),
            settings: row.settings,
            why: row.why,
            base_version: row.base_version,
            state: row.state,
            proposed_by: UserId::new(row.proposed_by),
            proposed_at: row.proposed_at,
            decided_by: row.decided_by.map(UserId::new),
            decided_at: row.decided_at,
            version: row.version,
        })
        .collect())
}

/// Why a proposal, or a word on it, was refused.
#[derive(Debug, Clone, PartialEq)]
pub enum Refused {
    /// No such proposal.
    NotFound,
    /// A field the settings do not have, or one of the wrong kind.
    Unreadable(String),
    /// Fields that cannot be as they are.
    Invalid(Vec<SettingsError>),
    /// It changes nothing.
    Same,
    /// It is decided.
    Decided,
    /// By the one who proposed it.
    TwoPeople,
    /// The settings were changed since it was made.
    Stale {
        /// Their version now.
        version: i32,
    },
}

/// Proposes a change: the fields that are to be different.
pub async fn propose(
    tx: &mut PgConnection,
    changes: &serde_json::Map<String, Value>,
    why: &str,
    (by, now): (Who, DateTime<Utc>),
    request_id: &str,
) -> sqlx::Result<Result<ProposalId, Refused>> {
    let (old, base) = current(&mut *tx).await?;
    let encode = |error| sqlx::Error::Encode(Box::new(error));
    let mut merged = serde_json::to_value(&old).map_err(encode)?;
    if let Some(fields) = merged.as_object_mut() {
        fields.extend(changes.clone());
        // Given by the table.
        fields.insert("version".to_owned(), json!(base.max(1)));
    }
    let new: RuleSettings = match serde_json::from_value(merged.clone()) {
        Ok(new) => new,
        Err(error) => return Ok(Err(Refused::Unreadable(error.to_string()))),
    };
    if let Err(errors) = new.validate() {
        return Ok(Err(Refused::Invalid(errors)));
    }
    if new == (RuleSettings { version: base.max(1), ..old }) {
        return Ok(Err(Refused::Same));
    }
    let id = sqlx::query_scalar!(
        "INSERT INTO rule_proposals (settings, why, base_version, proposed_by, proposed_at)
         VALUES ($1, $2, $3, $4, $5) RETURNING id",
        merged,
        why,
        base,
        by.user.get(),
        now
    )
    .fetch_one(&mut *tx)
    .await?;
    let act = Act {
        actor: Actor::Person(by),
        action: "settings.proposed",
        object: "rule".to_owned(),
        before: Some(json!({"version": base})),
        after: Some(json!({"proposal": ProposalId::new(id), "changes": changes, "why": why})),
        request_id: Some(request_id),
    };
    audit::append(tx, &act).await?;
    Ok(Ok(ProposalId::new(id)))
}

/// What the second person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It holds from now on.
    Approved,
    /// It does not.
    Refused,
}

/// Decides a proposal. Returns the new version, if it was approved.
pub async fn answer(
    tx: &mut PgConnection,
    proposal: ProposalId,
    answer: Answer,
    (by, now): (Who, DateTime<Utc>),
    request_id: &str,
) -> sqlx::Result<Result<Option<i32>, Refused>> {
    lock(&mut *tx).await?;
    let row = sqlx::query!(
        "SELECT settings, base_version, state, proposed_by FROM rule_proposals WHERE id = $1 FOR UPDATE",
        proposal.get()
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(Err(Refused::NotFound)) };
    if row.state != "open" {
        return Ok(Err(Refused::Decided));
    }
    let approved = answer == Answer::Approved;
    if approved && row.proposed_by == by.user.get() {
        return Ok(Err(Refused::TwoPeople));
    }
    let (_, version) = current(&mut *tx).await?;
    if approved && version != row.base_version {
        return Ok(Err(Refused::Stale { version }));
    }
    let next = if approved {
        let settings: RuleSettings =
            serde_json::from_value(row.settings).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        Some(set(&mut *tx, &settings, Some(by.user), now).await?)
    } else {
        None
    };
    sqlx::query!(
        "UPDATE rule_proposals SET state = $2, decided_by = $3, decided_at = $4, version = $5 WHERE id = $1",
        proposal.get(),
        if approved { "approved" } else { "refused" },
        by.user.get(),
        now,
        next
    )
    .execute(&mut *tx)
    .await?;
    let act = Act {
        actor: Actor::Person(by),
        action: "settings.answered",
        object: "rule".to_owned(),
        before: Some(json!({"version": version, "proposal": proposal})),
        after: Some(json!({"version": next, "answer": answer})),
        request_id: Some(request_id),
    };
    audit::append(tx, &act).await?;
    Ok(Ok(next))
}
