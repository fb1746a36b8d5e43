//! The badge: who shows it now. It is read afresh each time and kept nowhere, so it lapses in the moment in which a
//! sanction begins, a disclosure is revoked, a declaration runs out or the person leaves.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use madang_core::ids::UserId;
use serde::Serialize;
use sqlx::PgExecutor;

/// A badge as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Badge {
    /// The tier's code.
    pub tier: String,
    /// Its name in Korean.
    pub name_ko: String,
    /// Its name in English.
    pub name_en: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Why a member's badge does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    /// The account is limited, suspended or banned.
    Sanction,
    /// No return is disclosed.
    Disclosure,
    /// The conflict declaration is too old.
    Declaration,
}

impl Pause {
    /// The name in the table and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sanction => "sanction",
            Self::Disclosure => "disclosure",
            Self::Declaration => "declaration",
        }
    }
}

/// A member's badge and what keeps it from being shown.
#[derive(Debug, Clone)]
pub struct Held {
    /// Whose.
    pub user: UserId,
    /// It.
    pub badge: Badge,
    /// Nothing, if it is shown.
    pub pauses: Vec<Pause>,
}

/// The badges that these people hold, shown or not.
pub async fn held(
    executor: impl PgExecutor<'_>,
    users: &[UserId],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Held>> {
    read(executor, users, None, now).await
}

/// What keeps the badge of a membership from being shown, or would if it had not ended.
pub(super) async fn pause_of(
    executor: impl PgExecutor<'_>,
    user: UserId,
    membership: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Pause>> {
    let held = read(executor, &[user], Some(membership), now).await?.pop();
    Ok(held.and_then(|held| held.pauses.first().copied()))
}

async fn read(
    executor: impl PgExecutor<'_>,
    users: &[UserId],
    membership: Option<i64>,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Held>> {
    let ids: Vec<i64> = users.iter().map(|user| user.get()).collect();
    let rows = sqlx::query!(
        r#"SELECT a.user_id, a.tier, a.since, t ->> 'name_ko' AS "name_ko!", t ->> 'name_en' AS "name_en!",
                  (u.standing > 0 AND NOT coalesce(
                       u.standing_until <= $2 AND NOT coalesce(u.limited_until > $2, false), false)) AS "sanctioned!",
                  ((s.settings ->> 'disclosure_required')::boolean AND NOT EXISTS (
                       SELECT FROM disclosures WHERE user_id = a.user_id AND revoked_at IS NULL)) AS "hidden!",
                  NOT EXISTS (
                       SELECT FROM ambassador_declarations d WHERE d.user_id = a.user_id
                       AND d.made_at + make_interval(months => (s.settings ->> 'declaration_months')::integer) > $2)
                      AS "undeclared!"
           FROM ambassadors a JOIN users u ON u.id = a.user_id AND u.deleted_at IS NULL
           CROSS JOIN (SELECT settings FROM ambassador_settings ORDER BY version DESC LIMIT 1) s
           CROSS JOIN LATERAL jsonb_array_elements(s.settings -> 'tiers') t
           WHERE a.user_id = ANY($1) AND t ->> 'code' = a.tier
             AND CASE WHEN $3::bigint IS NULL THEN a.ended_at IS NULL ELSE a.id = $3 END"#,
        &ids,
        now,
        membership
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Held {
            user: UserId::new(row.user_id),
            badge: Badge { tier: row.tier, name_ko: row.name_ko, name_en: row.name_en, since: row.since },
            pauses: pauses([row.sanctioned, row.hidden, row.undeclared]),
        })
        .collect())
}

fn pauses(holds: [bool; 3]) -> Vec<Pause> {
    let all = [Pause::Sanction, Pause::Disclosure, Pause::Declaration];
    holds.into_iter().zip(all).filter(|(holds, _)| *holds).map(|(_, pause)| pause).collect()
}

/// The badges shown of these people.
pub async fn badges(
    executor: impl PgExecutor<'_>,
    users: &[UserId],
    now: DateTime<Utc>,
) -> sqlx::Result<HashMap<UserId, Badge>> {
    let held = held(executor, users, now).await?;
    Ok(held.into_iter().filter(|held| held.pauses.is_empty()).map(|held| (held.user, held.badge)).collect())
}

/// The badge shown of somebody.
pub async fn badge(
    executor: impl PgExecutor<'_>,
    user: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Badge>> {
    Ok(badges(executor, &[user], now).await?.remove(&user))
}
