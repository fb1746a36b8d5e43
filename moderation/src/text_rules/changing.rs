//! Changes of rules by operators, one after another, each in the log.

use chrono::{DateTime, Utc};
use madang_core::{
    changes::{self, Change},
    ids::RuleId,
    viewer::Who,
};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::{Content, LOCK, Stored, list, name_of, specs};
use crate::{
    audit::{self, Act, Actor},
    text::{Action, BadRule, Class, Mode, RuleKind, RuleSet, RuleSpec},
};

/// How long a rule is in shadow before it may act.
pub const SHADOW: chrono::Duration = chrono::Duration::hours(24);
/// How old the trial of what it says may be.
const TRIAL_HOLDS: chrono::Duration = chrono::Duration::days(7);

/// Why a change was refused.
#[derive(Debug)]
pub enum Refused {
    /// No such rule.
    NotFound,
    /// It was changed since it was read.
    Stale {
        /// Its version now.
        version: i32,
    },
    /// It, or all of them together, cannot be used.
    Bad(BadRule),
    /// What it says was not run over past posts in the last seven days.
    Untried,
    /// It has not been a day in shadow, and no reason was given why it must act at once.
    TooFresh {
        /// When it will have been.
        ready_at: DateTime<Utc>,
    },
    /// It came with the release.
    BuiltIn,
}

/// Who changes a rule, and when.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// Who.
    pub who: Who,
    /// When.
    pub now: DateTime<Utc>,
    /// The request.
    pub request_id: &'a str,
}

/// Makes a rule, in shadow: it finds, and does nothing.
pub async fn create(
    tx: &mut PgConnection,
    name: &str,
    content: &Content,
    by: By<'_>,
) -> sqlx::Result<Result<RuleId, Refused>> {
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", LOCK).fetch_one(&mut *tx).await?;
    if let Err(bad) = fits(&mut *tx, &content.spec(0, name, Mode::Shadow)).await? {
        return Ok(Err(Refused::Bad(bad)));
    }
    let kind = serde_json::to_value(&content.kind).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let id = sqlx::query_scalar!(
        "INSERT INTO text_rules (name, class, mode, action, kind, shadow_since, changed_by, changed_at)
         VALUES ($1, $2, 'shadow', $3, $4, $5, $6, $5) RETURNING id",
        name,
        name_of(&content.class)?,
        name_of(&content.action)?,
        kind,
        by.now,
        by.who.user.get()
    )
    .fetch_one(&mut *tx)
    .await?;
    let id = RuleId::new(id);
    let after = json!({"name": name, "mode": "shadow", "content": content});
    note(tx, "text_rule.made", id, None, Some(after), by).await?;
    Ok(Ok(id))
}

/// Whether the rules with this one among them (id 0: a new one) can be used.
async fn fits(tx: &mut PgConnection, new: &RuleSpec) -> sqlx::Result<Result<(), BadRule>> {
    // By itself first: what is wrong is then wrong with it.
    if let Err(bad) = RuleSet::compile(std::slice::from_ref(new)) {
        return Ok(Err(bad));
    }
    let mut all = specs(tx).await?;
    all.retain(|rule| rule.id != new.id);
    all.push(new.clone());
    let compiled = tokio::task::spawn_blocking(move || RuleSet::compile(&all).map(drop)).await;
    compiled.map_err(|error| sqlx::Error::Io(std::io::Error::other(error)))
}

async fn note(
    tx: &mut PgConnection,
    action: &'static str,
    rule: RuleId,
    before: Option<Value>,
    after: Option<Value>,
    by: By<'_>,
) -> sqlx::Result<()> {
    let act = Act {
        actor: Actor::Person(by.who),
        action,
        object: format!("text_rule:{rule}"),
        before,
        after,
        request_id: Some(by.request_id),
    };
    audit::append(&mut *tx, &act).await?;
    changes::record(tx, &[Change::Rules]).await.map(drop)
}

/// What is to be different; what is left out stays.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The version that was read.
    pub version: i32,
    /// What it is called.
    pub name: Option<String>,
    /// Whether it acts.
    pub mode: Option<Mode>,
    /// What it is about.
    pub class: Option<Class>,
    /// What it asks for.
    pub action: Option<Action>,
    /// How it finds.
    pub kind: Option<RuleKind>,
    /// Why it must act before its day in shadow is over.
    pub urgent: Option<String>,
}

/// Changes a rule. Returns its new version.
pub async fn edit(
    tx: &mut PgConnection,
    rule: RuleId,
    edit: Edit,
    by: By<'_>,
) -> sqlx::Result<Result<i32, Refused>> {
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", LOCK).fetch_one(&mut *tx).await?;
    let Some(old) = list(&mut *tx, Some(rule), 0, 1).await?.pop() else {
        return Ok(Err(Refused::NotFound));
    };
    if old.version != edit.version {
        return Ok(Err(Refused::Stale { version: old.version }));
    }
    let new = Stored {
        name: edit.name.unwrap_or_else(|| old.name.clone()),
        mode: edit.mode.unwrap_or(old.mode),
        content: Content {
            class: edit.class.unwrap_or(old.content.class),
            action: edit.action.unwrap_or(old.content.action),
            kind: edit.kind.unwrap_or_else(|| old.content.kind.clone()),
        },
        version: old.version + 1,
        ..old.clone()
    };
    if let Err(bad) = fits(&mut *tx, &new.content.spec(rule.get(), &new.name, new.mode)).await? {
        return Ok(Err(Refused::Bad(bad)));
    }
    if let Some(refused) = not_ready(&mut *tx, &old, &new, edit.urgent.as_deref(), by.now).await? {
        return Ok(Err(refused));
    }
    write(&mut *tx, &old, &new, by).await?;
    let said = |rule: &Stored| json!({"name": rule.name, "mode": rule.mode, "content": rule.content});
    let mut after = said(&new);
    if let (Some(urgent), Some(object)) = (edit.urgent, after.as_object_mut()) {
        object.insert("urgent".to_owned(), urgent.into());
    }
    note(tx, "text_rule.changed", rule, Some(said(&old)), Some(after), by).await?;
    Ok(Ok(new.version))
}

/// A rule that acts must have been tried as it is, and before it begins to, a day in shadow.
async fn not_ready(
    tx: &mut PgConnection,
    old: &Stored,
    new: &Stored,
    urgent: Option<&str>,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Refused>> {
    let begins = old.mode != Mode::Active;
    if new.mode != Mode::Active || (!begins && new.content == old.content) {
        return Ok(None);
    }
    let tried = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM text_rule_trials WHERE content = $1 AND tried_at > $2) AS "tried!""#,
        new.content.hash()?,
        now - TRIAL_HOLDS
    )
    .fetch_one(tx)
    .await?;
    if !tried {
        return Ok(Some(Refused::Untried));
    }
    let shadowed = old.shadow_since.filter(|_| old.mode == Mode::Shadow && new.content == old.content);
    let ready_at = shadowed.unwrap_or(now) + SHADOW;
    // What acts already may be corrected; what is new waits, unless there is a reason.
    let waits = begins && urgent.is_none() && ready_at > now;
    Ok(waits.then_some(Refused::TooFresh { ready_at }))
}

async fn write(tx: &mut PgConnection, old: &Stored, new: &Stored, by: By<'_>) -> sqlx::Result<()> {
    let kind =
        serde_json::to_value(&new.content.kind).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let same = old.mode == new.mode && old.content == new.content;
    let since = |mode: Mode, at: Option<DateTime<Utc>>| match (new.mode == mode, same) {
        (true, true) => at,
        (true, false) => Some(by.now),
        (false, _) => None,
    };
    sqlx::query!(
        "UPDATE text_rules SET name = $2, class = $3, mode = $4, action = $5, kind = $6, version = $7,
             shadow_since = $8, active_since = $9, changed_by = $10, changed_at = $11 WHERE id = $1",
        new.id.get(),
        new.name,
        name_of(&new.content.class)?,
        new.mode.as_str(),
        name_of(&new.content.action)?,
        kind,
        new.version,
        since(Mode::Shadow, old.shadow_since),
        since(Mode::Active, old.active_since),
        by.who.user.get(),
        by.now
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Deletes a rule that did not come with the release. What it found stays on the cases.
pub async fn delete(tx: &mut PgConnection, rule: RuleId, by: By<'_>) -> sqlx::Result<Result<(), Refused>> {
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", LOCK).fetch_one(&mut *tx).await?;
    let Some(old) = list(&mut *tx, Some(rule), 0, 1).await?.pop() else {
        return Ok(Err(Refused::NotFound));
    };
    if old.built_in {
        return Ok(Err(Refused::BuiltIn));
    }
    sqlx::query!("DELETE FROM text_rules WHERE id = $1", rule.get()).execute(&mut *tx).await?;
    let before = json!({"name": old.name, "mode": old.mode, "content": old.content});
    note(tx, "text_rule.deleted", rule, Some(before), None, by).await?;
    Ok(Ok(()))
}
