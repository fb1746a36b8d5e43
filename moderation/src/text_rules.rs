//! Text rules in the database: what an installation starts with, what operators make of it, and the road a
//! rule takes from an idea to acting: tried on past posts, then a day in shadow, then active.

use chrono::{DateTime, Utc};
use madang_core::{
    changes::{self, Change},
    ids::RuleId,
    viewer::Who,
};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::{
    audit::{self, Act, Actor},
    text::{Action, BadRule, Class, MAX_RULES, Mode, RuleKind, RuleSet, RuleSpec, default_rules},
};

/// Most characters of a rule's name.
pub const MAX_NAME_CHARS: usize = 80;
/// How long a rule is in shadow before it may act.
pub const SHADOW: chrono::Duration = chrono::Duration::hours(24);
/// How old the trial of what it says may be.
const TRIAL_HOLDS: chrono::Duration = chrono::Duration::days(7);
/// Any two changes of rules follow one another.
const LOCK: i64 = 0x7275_6C65;

/// What a rule does; together these are what a trial is about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Content {
    /// What it is about.
    pub class: Class,
    /// What it asks for.
    pub action: Action,
    /// How it finds.
    pub kind: RuleKind,
}

impl Content {
    /// Whether a rule of that content can be used.
    pub fn check(&self) -> Result<(), BadRule> {
        RuleSet::compile(&[self.spec(0, "", Mode::Active)]).map(drop)
    }

    /// SHA-256 of it, under which its trial is kept.
    pub(crate) fn hash(&self) -> sqlx::Result<Vec<u8>> {
        let canonical = serde_json::to_vec(self).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        Ok(Sha256::digest(canonical).to_vec())
    }

    /// As a rule by itself, in that mode.
    pub(crate) fn spec(&self, id: i64, name: &str, mode: Mode) -> RuleSpec {
        let Self { class, action, kind } = self.clone();
        RuleSpec { id, name: name.to_owned(), class, mode, action, kind }
    }
}

/// A rule as moderators read it.
#[derive(Debug, Clone, Serialize)]
pub struct Stored {
    /// Id.
    pub id: RuleId,
    /// What it is called.
    pub name: String,
    /// Whether it acts.
    pub mode: Mode,
    /// What it does.
    #[serde(flatten)]
    pub content: Content,
    /// Whether it came with a release: then it can be turned off, but not deleted.
    pub built_in: bool,
    /// To be sent with a change.
    pub version: i32,
    /// Since when it has been tried in shadow, as it is.
    pub shadow_since: Option<DateTime<Utc>>,
    /// Since when it has acted.
    pub active_since: Option<DateTime<Utc>>,
    /// When it was changed last.
    pub changed_at: DateTime<Utc>,
    /// Posts of the last seven days in which it found something, whether it acted or not.
    pub caught_7d: i64,
}

macro_rules! stored {
    ($row:expr) => {
        Stored {
            id: RuleId::new($row.id),
            name: $row.name,
            mode: parse(&$row.mode)?,
            content: Content {
                class: parse(&$row.class)?,
                action: parse(&$row.action)?,
                kind: serde_json::from_value($row.kind).map_err(broken)?,
            },
            built_in: $row.built_in,
            version: $row.version,
            shadow_since: $row.shadow_since,
            active_since: $row.active_since,
            changed_at: $row.changed_at,
            caught_7d: $row.caught,
        }
    };
}

fn broken(error: serde_json::Error) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

fn parse<T: serde::de::DeserializeOwned>(name: &str) -> sqlx::Result<T> {
    serde_json::from_value(Value::String(name.to_owned())).map_err(broken)
}

fn name_of(value: &impl Serialize) -> sqlx::Result<String> {
    let value = serde_json::to_value(value).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

/// Rules above an id, by id, or only the one.
pub async fn list(
    executor: impl PgExecutor<'_>,
    only: Option<RuleId>,
    above: i64,
    limit: i64,
) -> sqlx::Result<Vec<Stored>> {
    let rows = sqlx::query!(
        r#"SELECT id, name, class, mode, action, kind, built_in, version, shadow_since, active_since, changed_at,
                  (SELECT count(*) FROM text_rule_hits h WHERE h.rule_id = r.id AND h.at > now() - interval '7 days')
                      AS "caught!"
           FROM text_rules r WHERE id > $1 AND ($2::bigint IS NULL OR id = $2) ORDER BY id LIMIT $3"#,
        above,
        only.map(RuleId::get),
        limit
    )
    .fetch_all(executor)
    .await?;
    rows.into_iter().map(|row| Ok(stored!(row))).collect()
}

/// Puts the release's rules in, and makes those anew that nobody changed. Returns how many that were.
pub async fn seed(pool: &PgPool) -> sqlx::Result<u64> {
    let mut tx = pool.begin().await?;
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", LOCK).fetch_one(&mut *tx).await?;
    let mut changed = 0;
    for spec in default_rules() {
        let kind = serde_json::to_value(&spec.kind).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        let done = sqlx::query!(
            "INSERT INTO text_rules AS r (id, name, class, mode, action, kind, built_in, active_since)
             VALUES ($1, $2, $3, $4, $5, $6, true, now())
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, class = excluded.class, action = excluded.action,
                 kind = excluded.kind, changed_at = now()
             WHERE r.version = 1 AND (r.name, r.class, r.action, r.kind)
                 IS DISTINCT FROM (excluded.name, excluded.class, excluded.action, excluded.kind)",
            spec.id,
            spec.name,
            name_of(&spec.class)?,
            name_of(&spec.mode)?,
            name_of(&spec.action)?,
            kind
        )
        .execute(&mut *tx)
        .await?;
        changed += done.rows_affected();
    }
    if changed > 0 {
        let act = Act {
            actor: Actor::System,
            action: "text_rules.released",
            object: "text_rules".to_owned(),
            before: None,
            after: Some(json!({"changed": changed, "release": env!("CARGO_PKG_VERSION")})),
            request_id: None,
        };
        audit::append(&mut tx, &act).await?;
        changes::record(&mut tx, &[Change::Rules]).await?;
    }
    tx.commit().await?;
    Ok(changed)
}

/// All rules as the screener takes them.
pub(crate) async fn specs(pool: &PgPool) -> sqlx::Result<Vec<RuleSpec>> {
    let limit = i64::try_from(MAX_RULES).unwrap_or(i64::MAX);
    let rows = sqlx::query!(
        "SELECT id, name, class, mode, action, kind FROM text_rules ORDER BY id LIMIT $1",
        limit
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(RuleSpec {
                id: row.id,
                name: row.name,
                class: parse(&row.class)?,
                mode: parse(&row.mode)?,
                action: parse(&row.action)?,
                kind: serde_json::from_value(row.kind).map_err(broken)?,
            })
        })
        .collect()
}

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
    let others = sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM text_rules WHERE id <> $1"#, new.id)
        .fetch_one(tx)
        .await?;
    let has = usize::try_from(others).unwrap_or(usize::MAX) + 1;
    Ok(if has > MAX_RULES { Err(BadRule::TooManyRules { has }) } else { Ok(()) })
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

/// What has acted for less than this is watched …
const WATCHED: &str = "24 hours";
/// … once so many posts were screened, …
const WATCH_FROM: i64 = 500;
/// … and goes back into shadow when it catches more than this share of them.
const MOST_CAUGHT: f64 = 0.02;

/// Puts operators' rules back into shadow that catch far too much in their first day. Returns how many.
pub async fn watch_new(tx: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<usize> {
    let caught = sqlx::query!(
        r#"SELECT r.id, r.version, h.caught AS "caught!", s.screened AS "screened!"
           FROM text_rules r
           CROSS JOIN LATERAL (SELECT count(*) AS caught FROM text_rule_hits
                               WHERE rule_id = r.id AND mode = 'active' AND at >= r.active_since) h
           CROSS JOIN LATERAL (SELECT coalesce(sum(screened), 0)::bigint AS screened FROM text_screenings
                               WHERE hour >= date_trunc('hour', r.active_since)) s
           WHERE r.mode = 'active' AND NOT (r.built_in AND r.version = 1)
             AND r.active_since > $1::timestamptz - $2::text::interval
             AND s.screened >= $3 AND h.caught > $4::float8 * s.screened
           ORDER BY r.id FOR UPDATE OF r SKIP LOCKED"#,
        now,
        WATCHED,
        WATCH_FROM,
        MOST_CAUGHT
    )
    .fetch_all(&mut *tx)
    .await?;
    for row in &caught {
        sqlx::query!(
            "UPDATE text_rules SET mode = 'shadow', shadow_since = $2, active_since = NULL, version = version + 1,
                 changed_by = NULL, changed_at = $2 WHERE id = $1",
            row.id,
            now
        )
        .execute(&mut *tx)
        .await?;
        let act = Act {
            actor: Actor::System,
            action: "text_rule.fell_back",
            object: format!("text_rule:{}", row.id),
            before: Some(json!({"mode": "active", "version": row.version})),
            after: Some(json!({"mode": "shadow", "caught": row.caught, "screened": row.screened})),
            request_id: None,
        };
        audit::append(&mut *tx, &act).await?;
        metrics::counter!("madang_text_rules_fell_back_total").increment(1);
        tracing::error!(
            rule = row.id,
            caught = row.caught,
            screened = row.screened,
            "a text rule went back into shadow: it caught far too much"
        );
    }
    if !caught.is_empty() {
        changes::record(tx, &[Change::Rules]).await?;
    }
    Ok(caught.len())
}

/// Drops what rules found more than 30 days ago. Returns how many rows.
pub async fn drop_old_hits(executor: impl PgExecutor<'_>, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM text_rule_hits WHERE (rule_id, post_id) IN (
             SELECT rule_id, post_id FROM text_rule_hits WHERE at < now() - interval '30 days' ORDER BY at LIMIT $1)",
        limit
    )
    .execute(executor)
    .await?;
    Ok(done.rows_affected())
}
