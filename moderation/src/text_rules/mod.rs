//! Text rules in the database: what an installation starts with, what operators make of it, and the road a
//! rule takes from an idea to acting: tried on past posts, then a day in shadow, then active.

mod changing;
mod watch;

use chrono::{DateTime, Utc};
use madang_core::{
    changes::{self, Change},
    ids::RuleId,
};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{PgExecutor, PgPool};

pub use self::{
    changing::{By, Edit, Refused, SHADOW, create, delete, edit},
    watch::{drop_old_hits, drop_old_trials, watch_new},
};

use crate::{
    audit::{self, Act, Actor},
    text::{Action, BadRule, Class, MAX_RULES, Mode, RuleKind, RuleSet, RuleSpec, default_rules},
};

/// Most characters of a rule's name.
pub const MAX_NAME_CHARS: usize = 80;
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
    /// Posts of the last seven days in which it found something, whether it acted or not; refused ones too.
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
                  + (SELECT coalesce(sum(refused), 0)::bigint FROM text_rule_refusals f
                     WHERE f.rule_id = r.id AND f.hour > now() - interval '7 days') AS "caught!"
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
pub(crate) async fn specs(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<RuleSpec>> {
    let limit = i64::try_from(MAX_RULES).unwrap_or(i64::MAX);
    let rows = sqlx::query!(
        "SELECT id, name, class, mode, action, kind FROM text_rules ORDER BY id LIMIT $1",
        limit
    )
    .fetch_all(executor)
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
