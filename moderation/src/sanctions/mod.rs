//! Measures against accounts: a warning, a strike that counts for a while, less reach, suspension, a ban.
//! Each has a statement and can be appealed against like a decision about a post.

mod lists;

use chrono::{DateTime, Utc};
use madang_core::{
    changes::{self, Change},
    ids::{CaseId, SanctionId, UserId},
    standing::{self, Standing},
    users::Role,
    viewer::Who,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;

pub use self::lists::{Listed, OwnSanction, of, own};

use crate::{
    audit::{self, Act, Actor},
    rule::Category,
    statements, sweeps, told,
};

/// Most characters of a note to other moderators.
pub const MAX_NOTE_CHARS: usize = 500;
/// Most days a sanction with an end may last.
pub const MAX_DAYS: i64 = 365;
/// Most days that a moderator who is not senior may limit or suspend for.
pub const MAX_DAYS_ALONE: i64 = 30;
/// How long a strike counts unless said otherwise.
const STRIKE_DAYS: i64 = 90;

/// What is done about an account, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Words.
    Warning,
    /// Counts against the next decision.
    Strike,
    /// New posts reach no feeds.
    Limit,
    /// May read, not write.
    Suspend,
    /// The same without an end.
    Ban,
}

impl Kind {
    /// The name in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Strike => "strike",
            Self::Limit => "limit",
            Self::Suspend => "suspend",
            Self::Ban => "ban",
        }
    }

    /// What it leaves of the account's standing.
    pub const fn standing(self) -> Standing {
        match self {
            Self::Warning | Self::Strike => Standing::Good,
            Self::Limit => Standing::Limited,
            Self::Suspend => Standing::Suspended,
            Self::Ban => Standing::Banned,
        }
    }

    /// Whether it ends by itself.
    const fn ends(self) -> bool {
        !matches!(self, Self::Warning | Self::Ban)
    }
}

/// A sanction to be imposed.
#[derive(Debug, Clone)]
pub struct NewSanction<'a> {
    /// Which.
    pub kind: Kind,
    /// For what.
    pub reason: Category,
    /// The clause of the terms.
    pub terms_clause: &'a str,
    /// For other moderators.
    pub note: &'a str,
    /// For how many days, where it ends.
    pub days: Option<i64>,
}

/// Why a sanction was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// No such sanction.
    NotFound,
    /// Oneself.
    Own,
    /// One of the staff, whom only an admin may sanction.
    Staff,
    /// A ban, or a long sanction: for a senior moderator.
    NeedsSenior,
    /// `days` is needed and is from 1 to 365.
    Days,
    /// `days` is given to what has no end.
    NoDays,
    /// It is over.
    Ended,
}

/// What a moderator may do, before anything is read.
fn refuse(new: &NewSanction<'_>, moderator: Who) -> Result<Option<i64>, Refused> {
    let days = match (new.kind, new.days) {
        (Kind::Strike, None) => Some(STRIKE_DAYS),
        (kind, None) if kind.ends() => return Err(Refused::Days),
        (kind, Some(_)) if !kind.ends() => return Err(Refused::NoDays),
        (_, days) => days,
    };
    if days.is_some_and(|days| !(1..=MAX_DAYS).contains(&days)) {
        return Err(Refused::Days);
    }
    let long = new.kind != Kind::Strike && days.is_some_and(|days| days > MAX_DAYS_ALONE);
    if (new.kind == Kind::Ban || long) && !moderator.role.is_senior() {
        return Err(Refused::NeedsSenior);
    }
    Ok(days)
}

/// Imposes a sanction, in or without a case. It ends by recording a change, so it is called last; in a
/// transaction that also decides a case the account's row must be locked before anything is logged.
pub async fn impose(
    tx: &mut PgConnection,
    user: UserId,
    new: &NewSanction<'_>,
    (moderator, case): (Who, Option<CaseId>),
    now: DateTime<Utc>,
    request_id: &str,
) -> sqlx::Result<Result<SanctionId, Refused>> {
    let days = match refuse(new, moderator) {
        Ok(days) => days,
        Err(refused) => return Ok(Err(refused)),
    };
    if user == moderator.user {
        return Ok(Err(Refused::Own));
    }
    let Some(role) = lock_account(&mut *tx, user).await? else {
        return Ok(Err(Refused::NotFound));
    };
    if role != Role::Investor && moderator.role != Role::Admin {
        return Ok(Err(Refused::Staff));
    }
    let expires_at = days.map(|days| now + chrono::Duration::days(days));
    let statement = statements::sanction(&statements::SanctionFacts {
        kind: new.kind,
        reason: new.reason,
        terms_clause: new.terms_clause,
        at: now,
        expires_at,
    });
    let id = sqlx::query_scalar!(
        "INSERT INTO sanctions (user_id, kind, reason_code, terms_clause, note, case_id, actor_id, statement, created_at,
                                expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id",
        user.get(),
        new.kind.as_str(),
        new.reason.as_str(),
        new.terms_clause,
        new.note,
        case.map(CaseId::get),
        moderator.user.get(),
        statement,
        now,
        expires_at
    )
    .fetch_one(&mut *tx)
    .await?;
    let id = SanctionId::new(id);
    told::sanctioned(&mut *tx, user, id, &statement, now).await?;
    if new.kind == Kind::Ban && new.reason == Category::LeadingRoom {
        sweeps::start(&mut *tx, id, user, now).await?;
    }
    let act = Act {
        actor: Actor::Person(moderator),
        action: "account.sanctioned",
        object: format!("user:{user}"),
        before: None,
        after: Some(json!({"sanction": id, "kind": new.kind, "reason": new.reason, "expires_at": expires_at,
                           "case": case})),
        request_id: Some(request_id),
    };
    renew(tx, user, &[act], now).await?;
    Ok(Ok(id))
}

/// Locks an account and says its role.
pub(crate) async fn lock_account(tx: &mut PgConnection, user: UserId) -> sqlx::Result<Option<Role>> {
    let role = sqlx::query_scalar!(
        "SELECT role FROM users WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE",
        user.get()
    )
    .fetch_optional(tx)
    .await?;
    Ok(role.map(|role| Role::from_column(&role)))
}

/// Makes the standing what the sanctions in force say, logs what was done, and records the change.
async fn renew(
    tx: &mut PgConnection,
    user: UserId,
    acts: &[Act<'_>],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let row = sqlx::query!(
        r#"SELECT kind, expires_at FROM sanctions
           WHERE user_id = $1 AND kind IN ('limit', 'suspend', 'ban') AND ended_at IS NULL
             AND (expires_at IS NULL OR expires_at > $2)
           ORDER BY CASE kind WHEN 'ban' THEN 3 WHEN 'suspend' THEN 2 ELSE 1 END DESC, expires_at DESC LIMIT 1"#,
        user.get(),
        now
    )
    .fetch_optional(&mut *tx)
    .await?;
    let (standing, until) = row.map_or((Standing::Good, None), |row| match row.kind.as_str() {
        "limit" => (Standing::Limited, row.expires_at),
        "suspend" => (Standing::Suspended, row.expires_at),
        _ => (Standing::Banned, None),
    });
    standing::set(&mut *tx, user, standing, until).await?;
    for act in acts {
        audit::append(&mut *tx, act).await?;
    }
    changes::record(tx, &[Change::Sessions(user)]).await.map(drop)
}

/// Ends a sanction before its time.
pub async fn lift(
    tx: &mut PgConnection,
    (user, sanction): (UserId, SanctionId),
    moderator: Who,
    now: DateTime<Utc>,
    request_id: &str,
) -> sqlx::Result<Result<(), Refused>> {
    if user == moderator.user {
        return Ok(Err(Refused::Own));
    }
    lock_account(&mut *tx, user).await?;
    let row = sqlx::query!(
        r#"SELECT kind, ended_at IS NOT NULL OR coalesce(expires_at <= $3, false) AS "over!" FROM sanctions WHERE id = $1 AND user_id = $2"#,
        sanction.get(),
        user.get(),
        now
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(Err(Refused::NotFound)) };
    if row.over {
        return Ok(Err(Refused::Ended));
    }
    sqlx::query!(
        "UPDATE sanctions SET ended_at = $2, ended_by = $3 WHERE id = $1",
        sanction.get(),
        now,
        moderator.user.get()
    )
    .execute(&mut *tx)
    .await?;
    let act = Act {
        actor: Actor::Person(moderator),
        action: "sanction.lifted",
        object: format!("user:{user}"),
        before: Some(json!({"sanction": sanction, "kind": row.kind})),
        after: None,
        request_id: Some(request_id),
    };
    renew(tx, user, &[act], now).await?;
    Ok(Ok(()))
}

/// Closes sanctions whose time is over, one account a call. Returns whose.
pub async fn end_expired(tx: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<Option<UserId>> {
    let due = sqlx::query!(
        "SELECT user_id FROM sanctions WHERE expires_at <= $1 AND ended_at IS NULL ORDER BY expires_at LIMIT 1",
        now
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(due) = due else { return Ok(None) };
    let user = UserId::new(due.user_id);
    sqlx::query!("SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE", user.get())
        .fetch_one(&mut *tx)
        .await?;
    let ended = sqlx::query!(
        "UPDATE sanctions SET ended_at = $2 WHERE user_id = $1 AND expires_at <= $2 AND ended_at IS NULL
         RETURNING id, kind",
        user.get(),
        now
    )
    .fetch_all(&mut *tx)
    .await?;
    let acts: Vec<Act<'_>> = ended
        .into_iter()
        .map(|row| Act {
            actor: Actor::System,
            action: "sanction.expired",
            object: format!("user:{user}"),
            before: Some(json!({"sanction": SanctionId::new(row.id), "kind": row.kind})),
            after: None,
            request_id: None,
        })
        .collect();
    renew(tx, user, &acts, now).await?;
    Ok(Some(user))
}
