//! The rule's constants in force: the newest row of `rule_settings`, or the defaults.

use chrono::{DateTime, Utc};
use madang_core::ids::UserId;
use sqlx::PgExecutor;

use crate::rule::RuleSettings;

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
