//! Who is in the programme.

use chrono::{DateTime, Utc};
use madang_core::ids::UserId;
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};

use super::{
    applications::codes,
    badge::{self, Badge},
    lock_person,
    month::Month,
    settings, words,
};

/// A person's place in the programme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Row number.
    pub(super) id: i64,
    /// The tier's code.
    pub tier: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// How membership ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Left,
    Removed,
    Missed,
}

impl End {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Removed => "removed",
            Self::Missed => "missed",
        }
    }
}

/// Why an act about a member was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// They are no ambassador.
    NotFound,
    /// Oneself.
    Own,
    /// They have that tier.
    Same,
    /// There is no such tier; these are there.
    UnknownTier(Vec<String>),
}

/// Somebody's place now.
pub async fn current(executor: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Option<Member>> {
    sqlx::query_as!(
        Member,
        "SELECT id, tier, since FROM ambassadors WHERE user_id = $1 AND ended_at IS NULL",
        user.get()
    )
    .fetch_optional(executor)
    .await
}

/// Lets somebody in.
pub(super) async fn join(
    tx: &mut PgConnection,
    user: UserId,
    tier: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO ambassadors (user_id, tier, since, next_review) VALUES ($1, $2, $3, $4)",
        user.get(),
        tier,
        now,
        Month::first_whole(now).first_day()
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Ends membership. Returns what it was, if there was one.
pub(super) async fn end(
    tx: &mut PgConnection,
    user: UserId,
    (how, by): (End, Option<UserId>),
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Member>> {
    sqlx::query_as!(
        Member,
        "UPDATE ambassadors SET ended_at = $2, ended_why = $3, ended_by = $4
         WHERE user_id = $1 AND ended_at IS NULL RETURNING id, tier, since",
        user.get(),
        now,
        how.as_str(),
        by.map(UserId::get)
    )
    .fetch_optional(tx)
    .await
}

/// An admin removes somebody from the programme. Returns what they were.
pub async fn remove(
    tx: &mut PgConnection,
    user: UserId,
    reason: &str,
    (by, now): (UserId, DateTime<Utc>),
) -> sqlx::Result<Result<Member, Refused>> {
    if user == by {
        return Ok(Err(Refused::Own));
    }
    lock_person(&mut *tx, user).await?;
    let Some(member) = end(&mut *tx, user, (End::Removed, Some(by)), now).await? else {
        return Ok(Err(Refused::NotFound));
    };
    words::removed(tx, (user, now), member.id, reason).await?;
    Ok(Ok(member))
}

/// An admin gives somebody another tier, whatever their followers. Returns what they were.
pub async fn set_tier(
    tx: &mut PgConnection,
    user: UserId,
    (tier, reason): (&str, &str),
    (by, now): (UserId, DateTime<Utc>),
) -> sqlx::Result<Result<Member, Refused>> {
    if user == by {
        return Ok(Err(Refused::Own));
    }
    let (terms, _) = settings::hold(&mut *tx).await?;
    let Some(tier) = terms.tier(tier) else { return Ok(Err(Refused::UnknownTier(codes(&terms)))) };
    lock_person(&mut *tx, user).await?;
    let Some(member) = current(&mut *tx, user).await? else { return Ok(Err(Refused::NotFound)) };
    if member.tier == tier.code {
        return Ok(Err(Refused::Same));
    }
    sqlx::query!("UPDATE ambassadors SET tier = $2 WHERE id = $1", member.id, tier.code)
        .execute(&mut *tx)
        .await?;
    words::moved(tx, (user, now), member.id, tier, reason).await?;
    Ok(Ok(member))
}

/// An ambassador as everybody sees them.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// Row number, for paging.
    #[serde(skip)]
    pub row: i64,
    /// Who.
    pub user_id: UserId,
    /// Handle.
    pub handle: String,
    /// Display name.
    pub name: String,
    /// The badge.
    pub badge: Badge,
    /// What they declare about conflicts of interest.
    pub conflict_declaration: String,
    /// When they declared that.
    pub declared_at: DateTime<Utc>,
}

/// Ambassadors whose badge shows, the latest first, of rows below `below`; not those between whom and `viewer` there
/// is a block.
pub async fn list(
    connection: &mut PgConnection,
    viewer: Option<UserId>,
    mut below: i64,
    limit: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Listed>> {
    let mut shown = Vec::new();
    let wanted = usize::try_from(limit).unwrap_or(0);
    while shown.len() < wanted {
        let rows = page(&mut *connection, viewer, below, limit).await?;
        let Some(last) = rows.last() else { break };
        below = last.row;
        let users: Vec<UserId> = rows.iter().map(|row| row.user_id).collect();
        let mut badges = badge::badges(&mut *connection, &users, now).await?;
        for row in rows {
            if let Some(badge) = badges.remove(&row.user_id) {
                shown.push(Listed { badge, ..row });
            }
        }
    }
    shown.truncate(wanted);
    Ok(shown)
}

/// Members, whether their badge shows or not.
async fn page(
    connection: &mut PgConnection,
    viewer: Option<UserId>,
    below: i64,
    limit: i64,
) -> sqlx::Result<Vec<Listed>> {
    let rows = sqlx::query!(
        "SELECT a.id, a.user_id, a.tier, a.since, u.handle, u.name, d.body, d.made_at
         FROM ambassadors a JOIN users u ON u.id = a.user_id
         JOIN LATERAL (SELECT body, made_at FROM ambassador_declarations WHERE user_id = a.user_id
                       ORDER BY version DESC LIMIT 1) d ON true
         WHERE a.id < $1 AND a.ended_at IS NULL AND u.deleted_at IS NULL AND NOT EXISTS (
             SELECT FROM blocks WHERE (blocker_id = a.user_id AND blocked_id = $2)
                                   OR (blocker_id = $2 AND blocked_id = a.user_id))
         ORDER BY a.id DESC LIMIT $3",
        below,
        viewer.map(UserId::get),
        limit
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Listed {
            row: row.id,
            user_id: UserId::new(row.user_id),
            handle: row.handle,
            name: row.name,
            badge: Badge { tier: row.tier, name_ko: String::new(), name_en: String::new(), since: row.since },
            conflict_declaration: row.body,
            declared_at: row.made_at,
        })
        .collect())
}
