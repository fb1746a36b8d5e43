//! Measures against accounts: a warning, a strike that counts for a while, less reach, suspension, a ban.
//! Each has a statement and can be appealed against like a decision about a post.

mod lists;

use chrono::{DateTime, Utc};
use madang_core::{
    changes::Change,
    ids::{CaseId, PostId, SanctionId, UserId},
    jobs,
    standing::{self, Standing},
    users::Role,
    viewer::Who,
    visibility::PostState,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;

pub use self::lists::{Listed, OwnSanction, of, own};

use crate::{
    audit::{Act, Actor},
    cases,
    closing::Closing,
    decisions,
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

/// Imposes a sanction.
pub async fn impose(
    tx: &mut PgConnection,
    user: UserId,
    new: &NewSanction<'_>,
    moderator: Who,
    now: DateTime<Utc>,
    request_id: &str,
) -> sqlx::Result<Result<SanctionId, Refused>> {
    let mut closing = Closing::default();
    let (by, at) = ((moderator, None), (now, request_id));
    let imposed = impose_along(&mut *tx, user, new, by, at, &mut closing).await?;
    if imposed.is_ok() {
        closing.write(tx).await?;
    }
    Ok(imposed)
}

/// Imposes a sanction along with the decision of a case.
pub(crate) async fn impose_along<'a>(
    tx: &mut PgConnection,
    user: UserId,
    new: &NewSanction<'_>,
    (moderator, case): (Who, Option<CaseId>),
    (now, request_id): (DateTime<Utc>, &'a str),
    closing: &mut Closing<'a>,
) -> sqlx::Result<Result<SanctionId, Refused>> {
    let days = match refuse(new, moderator) {
        Ok(days) => days,
        Err(refused) => return Ok(Err(refused)),
    };
    let account = match sanctionable(&mut *tx, user, moderator).await? {
        Ok(account) => account,
        Err(refused) => return Ok(Err(refused)),
    };
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
        sweeps::start(&mut *tx, id, (user, &account.handle), now).await?;
    }
    closing.act(Act {
        actor: Actor::Person(moderator),
        action: "account.sanctioned",
        object: format!("user:{user}"),
        before: None,
        after: Some(json!({"sanction": id, "kind": new.kind, "reason": new.reason, "expires_at": expires_at,
                           "case": case})),
        request_id: Some(request_id),
    });
    renew(tx, user, now, closing).await?;
    Ok(Ok(id))
}

/// Locks an account that this moderator may sanction: not their own, and the staff's only as an admin.
async fn sanctionable(
    tx: &mut PgConnection,
    user: UserId,
    moderator: Who,
) -> sqlx::Result<Result<Account, Refused>> {
    if user == moderator.user {
        return Ok(Err(Refused::Own));
    }
    let Some(account) = lock_account(tx, user).await? else {
        return Ok(Err(Refused::NotFound));
    };
    let staff = account.role != Role::Investor && moderator.role != Role::Admin;
    Ok(if staff { Err(Refused::Staff) } else { Ok(account) })
}

/// An account, its row locked.
pub(crate) struct Account {
    /// What they may do.
    pub(crate) role: Role,
    /// Their handle.
    pub(crate) handle: String,
}

/// Locks an account.
pub(crate) async fn lock_account(tx: &mut PgConnection, user: UserId) -> sqlx::Result<Option<Account>> {
    let row = sqlx::query!(
        "SELECT role, handle FROM users WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE",
        user.get()
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|row| Account { role: Role::from_column(&row.role), handle: row.handle }))
}

/// Makes the standing what the sanctions in force say.
async fn renew(
    tx: &mut PgConnection,
    user: UserId,
    now: DateTime<Utc>,
    closing: &mut Closing<'_>,
) -> sqlx::Result<()> {
    let row = sqlx::query!(
        r#"SELECT bool_or(kind = 'ban') AS banned, max(expires_at) FILTER (WHERE kind = 'suspend') AS suspended,
                  max(expires_at) FILTER (WHERE kind = 'limit') AS limited
           FROM sanctions WHERE user_id = $1 AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > $2)"#,
        user.get(),
        now
    )
    .fetch_one(&mut *tx)
    .await?;
    let strongest = match (row.banned, row.suspended, row.limited) {
        (Some(true), ..) => (Standing::Banned, None),
        (_, Some(until), _) => (Standing::Suspended, Some(until)),
        (_, None, Some(until)) => (Standing::Limited, Some(until)),
        _ => (Standing::Good, None),
    };
    // What hangs on returns, such as cards on posts, is shown of accounts in good standing only.
    jobs::enqueue(&mut *tx, jobs::JobKind::Returns, user.get(), 0, std::time::Duration::ZERO).await?;
    standing::set(tx, user, strongest, row.limited).await?;
    closing.change(Change::Sessions(user));
    // Who is suspended is not found, and afterwards is found again.
    closing.change(Change::Author(user));
    // Boards that are held show nobody from now on who may not be on them.
    closing.change(Change::Disclosure(user));
    Ok(())
}

/// Ends a sanction before its time.
pub async fn lift(
    tx: &mut PgConnection,
    which: (UserId, SanctionId),
    moderator: Who,
    now: DateTime<Utc>,
    request_id: &str,
) -> sqlx::Result<Result<(), Refused>> {
    if let Err(refused) = sanctionable(&mut *tx, which.0, moderator).await? {
        return Ok(Err(refused));
    }
    let mut closing = Closing::default();
    let lifted = lift_along(&mut *tx, which, moderator, (now, request_id), &mut closing).await?;
    if lifted.is_ok() {
        closing.write(tx).await?;
    }
    Ok(lifted)
}

/// Ends a sanction whose account is locked.
pub(crate) async fn lift_along<'a>(
    tx: &mut PgConnection,
    (user, sanction): (UserId, SanctionId),
    moderator: Who,
    (now, request_id): (DateTime<Utc>, &'a str),
    closing: &mut Closing<'a>,
) -> sqlx::Result<Result<(), Refused>> {
    let row = sqlx::query!(
        r#"SELECT kind, ended_at IS NOT NULL OR coalesce(expires_at <= $3, false) AS "over!" FROM sanctions
           WHERE id = $1 AND user_id = $2"#,
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
    sweeps::stop(&mut *tx, sanction, user, now).await?;
    closing.act(Act {
        actor: Actor::Person(moderator),
        action: "sanction.lifted",
        object: format!("user:{user}"),
        before: Some(json!({"sanction": sanction, "kind": row.kind})),
        after: None,
        request_id: Some(request_id),
    });
    renew(tx, user, now, closing).await?;
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
    let mut closing = Closing::default();
    for row in ended {
        closing.act(Act {
            actor: Actor::System,
            action: "sanction.expired",
            object: format!("user:{user}"),
            before: Some(json!({"sanction": SanctionId::new(row.id), "kind": row.kind})),
            after: None,
            request_id: None,
        });
    }
    renew(&mut *tx, user, now, &mut closing).await?;
    closing.write(tx).await?;
    Ok(Some(user))
}

/// Whether a sanction is one that only senior moderators impose.
pub(crate) async fn needs_senior(tx: &mut PgConnection, sanction: SanctionId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT kind = 'ban' OR coalesce(kind <> 'strike' AND expires_at - created_at > make_interval(days => $2), false)
               AS "long!"
           FROM sanctions WHERE id = $1"#,
        sanction.get(),
        i32::try_from(MAX_DAYS_ALONE).unwrap_or(i32::MAX)
    )
    .fetch_one(tx)
    .await
}

/// What was written under a limit that did not stand is to come back, by the clock.
pub(crate) async fn restore_posts(tx: &mut PgConnection, sanction: SanctionId) -> sqlx::Result<()> {
    sqlx::query!("UPDATE limited_posts SET restore = true WHERE sanction_id = $1", sanction.get())
        .execute(tx)
        .await?;
    Ok(())
}

/// A limit did not stand: what was written under it comes back, one post a call. Returns whether there was one.
pub async fn restore_post(tx: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let due = sqlx::query_scalar!("SELECT post_id FROM limited_posts WHERE restore ORDER BY post_id LIMIT 1")
        .fetch_optional(&mut *tx)
        .await?;
    let Some(post) = due else { return Ok(false) };
    let subject = cases::lock_subject(&mut *tx, PostId::new(post)).await?;
    let gone = sqlx::query!("DELETE FROM limited_posts WHERE post_id = $1", post).execute(&mut *tx).await?;
    let Some(subject) = subject.filter(|_| gone.rows_affected() > 0) else { return Ok(true) };
    let imposed = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM mod_decisions WHERE post_id = $1 AND ended_at IS NULL AND new_state <> 0) AS "held!""#,
        post
    )
    .fetch_one(&mut *tx)
    .await?;
    if imposed || subject.standing() != PostState::Limited {
        return Ok(true);
    }
    let mut closing = Closing::default();
    decisions::put(&mut *tx, &subject, PostState::Visible, now, &mut closing).await?;
    closing.act(Act {
        actor: Actor::System,
        action: "post.restored",
        object: format!("post:{post}"),
        before: Some(json!({"state": PostState::Limited.as_str()})),
        after: Some(json!({"state": PostState::Visible.as_str(), "why": "the sanction it was written under did not stand"})),
        request_id: None,
    });
    closing.write(tx).await?;
    Ok(true)
}
