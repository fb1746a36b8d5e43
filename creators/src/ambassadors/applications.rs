//! Applications: one open a person; an admin who is somebody else decides.

use chrono::{DateTime, Duration, Utc};
use madang_core::ids::{ApplicationId, UserId};
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};

use super::{
    criteria::{self, Criterion},
    declarations, lock_person, members,
    settings::{self, Terms, Tier},
    words,
};

/// Why an application, or a decision about one, was refused.
#[derive(Debug, Clone)]
pub enum Refused {
    /// No such application.
    NotFound,
    /// The person is an ambassador.
    Member,
    /// An application of theirs is open.
    Open(ApplicationId),
    /// The last one was refused; from then on.
    Wait(DateTime<Utc>),
    /// These criteria are not met.
    Unmet(Vec<Criterion>),
    /// One's own.
    Own,
    /// It is decided, or withdrawn.
    Decided {
        /// How.
        state: String,
    },
    /// There is no such tier; these are there.
    UnknownTier(Vec<String>),
}

/// When somebody refused may apply again, if that is still to come.
pub async fn next_at(
    executor: impl PgExecutor<'_>,
    user: UserId,
    terms: &Terms,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    let refused_at = sqlx::query_scalar!(
        r#"SELECT max(decided_at) FROM ambassador_applications WHERE user_id = $1 AND state = 'refused'"#,
        user.get()
    )
    .fetch_one(executor)
    .await?;
    let next = refused_at.map(|at| at + Duration::days(terms.retry_days.into()));
    Ok(next.filter(|next| *next > now))
}

/// Applies, with a declaration of conflicts.
pub async fn apply(
    tx: &mut PgConnection,
    user: UserId,
    (declaration, motivation): (&str, &str),
    now: DateTime<Utc>,
) -> sqlx::Result<Result<ApplicationId, Refused>> {
    let (terms, _) = settings::current(&mut *tx).await?;
    lock_person(&mut *tx, user).await?;
    if members::current(&mut *tx, user).await?.is_some() {
        return Ok(Err(Refused::Member));
    }
    if let Some(open) = open_of(&mut *tx, user).await? {
        return Ok(Err(Refused::Open(open)));
    }
    if let Some(next) = next_at(&mut *tx, user, &terms, now).await? {
        return Ok(Err(Refused::Wait(next)));
    }
    let facts = criteria::facts(&mut *tx, user, &terms, now).await?;
    let unmet = criteria::unmet(&criteria::judge(&facts, &terms, None));
    if !unmet.is_empty() {
        return Ok(Err(Refused::Unmet(unmet)));
    }
    declarations::add(&mut *tx, user, declaration, now).await?;
    let id = sqlx::query_scalar!(
        "INSERT INTO ambassador_applications (user_id, motivation, applied_at) VALUES ($1, $2, $3) RETURNING id",
        user.get(),
        motivation,
        now
    )
    .fetch_one(tx)
    .await?;
    Ok(Ok(ApplicationId::new(id)))
}

async fn open_of(executor: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Option<ApplicationId>> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM ambassador_applications WHERE user_id = $1 AND state = 'open'",
        user.get()
    )
    .fetch_optional(executor)
    .await?;
    Ok(id.map(ApplicationId::new))
}

/// Takes the open application back and leaves the programme. Returns which of both there was.
pub async fn withdraw(tx: &mut PgConnection, user: UserId, now: DateTime<Utc>) -> sqlx::Result<(bool, bool)> {
    lock_person(&mut *tx, user).await?;
    let taken_back = sqlx::query!(
        "UPDATE ambassador_applications SET state = 'withdrawn', decided_at = $2 WHERE user_id = $1 AND state = 'open'",
        user.get(),
        now
    )
    .execute(&mut *tx)
    .await?;
    let left = members::end(tx, user, (members::End::Left, Some(user)), now).await?;
    Ok((taken_back.rows_affected() > 0, left.is_some()))
}

/// What an admin decides; with a tier the person is in.
#[derive(Debug, Clone)]
pub struct Decision<'a> {
    /// The tier's code, or nothing to refuse.
    pub tier: Option<&'a str>,
    /// Told to the applicant.
    pub reason: &'a str,
}

/// Decides an application. Returns whose it was.
pub async fn decide(
    tx: &mut PgConnection,
    id: ApplicationId,
    decision: &Decision<'_>,
    (by, now): (UserId, DateTime<Utc>),
) -> sqlx::Result<Result<UserId, Refused>> {
    let (terms, _) = settings::hold(&mut *tx).await?;
    let tier = match decision.tier.map(|code| terms.tier(code)) {
        Some(None) => return Ok(Err(Refused::UnknownTier(codes(&terms)))),
        Some(tier) => tier,
        None => None,
    };
    let user = match lock_open(&mut *tx, id, by).await? {
        Ok(user) => user,
        Err(refused) => return Ok(Err(refused)),
    };
    if let Some(tier) = tier {
        let facts = criteria::facts(&mut *tx, user, &terms, now).await?;
        let unmet = criteria::unmet(&criteria::judge(&facts, &terms, Some(tier)));
        if !unmet.is_empty() {
            return Ok(Err(Refused::Unmet(unmet)));
        }
        members::join(&mut *tx, user, &tier.code, now).await?;
    }
    close(&mut *tx, id, decision, tier, (by, now)).await?;
    words::decided(tx, (user, now), id, tier, (decision.reason, terms.retry_days)).await?;
    Ok(Ok(user))
}

/// The codes of the tiers.
pub(super) fn codes(terms: &Terms) -> Vec<String> {
    terms.tiers.iter().map(|tier| tier.code.clone()).collect()
}

async fn lock_open(
    tx: &mut PgConnection,
    id: ApplicationId,
    by: UserId,
) -> sqlx::Result<Result<UserId, Refused>> {
    let user = sqlx::query_scalar!("SELECT user_id FROM ambassador_applications WHERE id = $1", id.get())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(user) = user.map(UserId::new) else { return Ok(Err(Refused::NotFound)) };
    if user == by {
        return Ok(Err(Refused::Own));
    }
    lock_person(&mut *tx, user).await?;
    let state =
        sqlx::query_scalar!("SELECT state FROM ambassador_applications WHERE id = $1 FOR UPDATE", id.get())
            .fetch_one(tx)
            .await?;
    Ok(if state == "open" { Ok(user) } else { Err(Refused::Decided { state }) })
}

async fn close(
    tx: &mut PgConnection,
    id: ApplicationId,
    decision: &Decision<'_>,
    tier: Option<&Tier>,
    (by, now): (UserId, DateTime<Utc>),
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE ambassador_applications SET state = $2, tier = $3, reason = $4, decided_by = $5, decided_at = $6
         WHERE id = $1",
        id.get(),
        if tier.is_some() { "approved" } else { "refused" },
        tier.map(|tier| tier.code.as_str()),
        decision.reason,
        by.get(),
        now
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// An application as its applicant reads it.
#[derive(Debug, Clone, Serialize)]
pub struct Own {
    /// Id.
    pub id: ApplicationId,
    /// `open`, `approved`, `refused` or `withdrawn`.
    pub state: String,
    /// Why one wants to join.
    pub motivation: String,
    /// The tier it was approved for.
    pub tier: Option<String>,
    /// What the one who decided says.
    pub reason: String,
    /// When it was made.
    pub applied_at: DateTime<Utc>,
    /// When it was decided or withdrawn.
    pub decided_at: Option<DateTime<Utc>>,
}

/// Somebody's last application.
pub async fn last_of(executor: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Option<Own>> {
    sqlx::query_as!(
        Own,
        r#"SELECT id AS "id: ApplicationId", state, motivation, tier, reason, applied_at, decided_at
           FROM ambassador_applications WHERE user_id = $1 ORDER BY id DESC LIMIT 1"#,
        user.get()
    )
    .fetch_optional(executor)
    .await
}

/// An application as an admin reads it.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// Id.
    pub id: ApplicationId,
    /// Whose.
    pub user_id: UserId,
    /// Their handle.
    pub handle: String,
    /// `open`, `approved`, `refused` or `withdrawn`.
    pub state: String,
    /// Why they want to join.
    pub motivation: String,
    /// Their newest declaration.
    pub conflict_declaration: String,
    /// The tier it was approved for.
    pub tier: Option<String>,
    /// What they were told.
    pub reason: String,
    /// When it was made.
    pub applied_at: DateTime<Utc>,
    /// Who decided.
    pub decided_by: Option<UserId>,
    /// When it was decided or withdrawn.
    pub decided_at: Option<DateTime<Utc>>,
}

/// Applications of one state or of all, newest first, of ids below `below`.
pub async fn list(
    executor: impl PgExecutor<'_>,
    state: Option<&str>,
    below: i64,
    limit: i64,
) -> sqlx::Result<Vec<Listed>> {
    sqlx::query_as!(
        Listed,
        r#"SELECT a.id AS "id: ApplicationId", a.user_id AS "user_id: UserId", u.handle, a.state, a.motivation,
                  coalesce((SELECT body FROM ambassador_declarations d WHERE d.user_id = a.user_id
                            ORDER BY version DESC LIMIT 1), '') AS "conflict_declaration!",
                  a.tier, a.reason, a.applied_at, a.decided_by AS "decided_by: UserId", a.decided_at
           FROM ambassador_applications a JOIN users u ON u.id = a.user_id
           WHERE a.id < $1 AND ($2::text IS NULL OR a.state = $2) ORDER BY a.id DESC LIMIT $3"#,
        below,
        state,
        limit
    )
    .fetch_all(executor)
    .await
}
