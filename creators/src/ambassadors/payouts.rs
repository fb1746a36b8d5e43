//! Payouts: accrued by the review, approved by an admin who is not the payee, paid in a run, or reversed. Where one
//! stands is computed from the journal.

use chrono::{DateTime, Utc};
use madang_core::ids::{PayoutId, StatementId, UserId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgExecutor};

use super::{
    journal::{self, Kind},
    month::Month,
    words::{self, PayoutSays},
};

/// Where a payout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum State {
    /// Owed, and not approved.
    Accrued,
    /// To be paid in the next run.
    Approved,
    /// In a run.
    Paid,
    /// Not owed after all.
    Reversed,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Accrued, Self::Approved, Self::Paid, Self::Reversed];

    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accrued => "accrued",
            Self::Approved => "approved",
            Self::Paid => "paid",
            Self::Reversed => "reversed",
        }
    }

    /// From its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// A payout.
#[derive(Debug, Clone, Serialize)]
pub struct Payout {
    /// Id.
    pub id: PayoutId,
    /// For which statement.
    pub statement_id: StatementId,
    /// The payee.
    pub user_id: UserId,
    /// Their handle.
    pub handle: String,
    /// Of which month.
    pub month: Month,
    /// Whole won, as a string in JSON.
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    /// Where it stands.
    pub state: State,
}

/// Why an act was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// No such payout.
    NotFound,
    /// One's own.
    Own,
    /// It does not stand where that could be done.
    State(State),
}

/// What is reversed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reversal {
    /// The accrual, with its approval: nothing is owed.
    Accrual,
    /// The payment, which came back: it is approved still and can be paid again.
    Payment,
}

/// Which payouts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Of this month.
    pub month: Option<Month>,
    /// That stand there.
    pub state: Option<State>,
    /// Only this one.
    pub id: Option<PayoutId>,
}

/// Payouts, newest first, of ids below `below`.
pub async fn list(
    executor: impl PgExecutor<'_>,
    filter: Filter,
    below: i64,
    limit: i64,
) -> sqlx::Result<Vec<Payout>> {
    sqlx::query_as!(
        Payout,
        r#"SELECT p.id AS "id: PayoutId", p.statement_id AS "statement_id: StatementId", p.user_id AS "user_id: UserId",
                  u.handle, p.month AS "month: Month", p.amount, now_at.state AS "state!: State"
           FROM ambassador_payouts p JOIN users u ON u.id = p.user_id
           CROSS JOIN LATERAL (SELECT ambassador_payout_state(p.id, p.amount) AS state) now_at
           WHERE p.id < $1 AND ($2::date IS NULL OR p.month = $2) AND ($3::text IS NULL OR now_at.state = $3)
             AND ($4::bigint IS NULL OR p.id = $4)
           ORDER BY p.id DESC LIMIT $5"#,
        below,
        filter.month.map(Month::first_day),
        filter.state.map(State::as_str),
        filter.id.map(PayoutId::get),
        limit
    )
    .fetch_all(executor)
    .await
}

/// Locks a payout and reads it.
pub(super) async fn lock(tx: &mut PgConnection, id: PayoutId) -> sqlx::Result<Option<Payout>> {
    journal::lock(&mut *tx, id).await?;
    Ok(list(tx, Filter { id: Some(id), ..Filter::default() }, i64::MAX, 1).await?.pop())
}

/// Makes what a statement is worth and accrues it.
pub(super) async fn accrue(
    tx: &mut PgConnection,
    statement: StatementId,
    (user, month, amount): (UserId, Month, Decimal),
    by: journal::By,
) -> sqlx::Result<PayoutId> {
    let id = sqlx::query_scalar!(
        "INSERT INTO ambassador_payouts (statement_id, user_id, month, amount) VALUES ($1, $2, $3, $4) RETURNING id",
        statement.get(),
        user.get(),
        month.first_day(),
        amount
    )
    .fetch_one(&mut *tx)
    .await?;
    journal::write(tx, PayoutId::new(id), Kind::Accrue, amount, by).await?;
    Ok(PayoutId::new(id))
}

/// Approves a payout.
pub async fn approve(
    tx: &mut PgConnection,
    id: PayoutId,
    (by, now): (UserId, DateTime<Utc>),
) -> sqlx::Result<Result<Payout, Refused>> {
    let Some(payout) = lock(&mut *tx, id).await? else { return Ok(Err(Refused::NotFound)) };
    if payout.user_id == by {
        return Ok(Err(Refused::Own));
    }
    if payout.state != State::Accrued {
        return Ok(Err(Refused::State(payout.state)));
    }
    journal::write(&mut *tx, id, Kind::Approve, payout.amount, (Some(by), now)).await?;
    let to = (payout.user_id, now);
    words::payout(tx, to, (id, payout.month), PayoutSays::Approved, "").await?;
    Ok(Ok(Payout { state: State::Approved, ..payout }))
}

/// Reverses an accrual that was not paid, or a payment that came back.
pub async fn reverse(
    tx: &mut PgConnection,
    id: PayoutId,
    (what, reason): (Reversal, &str),
    (by, now): (UserId, DateTime<Utc>),
) -> sqlx::Result<Result<Payout, Refused>> {
    let Some(payout) = lock(&mut *tx, id).await? else { return Ok(Err(Refused::NotFound)) };
    if payout.user_id == by {
        return Ok(Err(Refused::Own));
    }
    let (kinds, state, says) = match (what, payout.state) {
        (Reversal::Accrual, State::Accrued) => (&["accrue"][..], State::Reversed, PayoutSays::Reversed),
        (Reversal::Accrual, State::Approved) => {
            (&["approve", "accrue"][..], State::Reversed, PayoutSays::Reversed)
        }
        (Reversal::Payment, State::Paid) => (&["pay"][..], State::Approved, PayoutSays::Bounced),
        (_, state) => return Ok(Err(Refused::State(state))),
    };
    for kind in kinds {
        journal::reverse(&mut *tx, id, kind, reason, (Some(by), now)).await?;
    }
    words::payout(tx, (payout.user_id, now), (id, payout.month), says, reason).await?;
    Ok(Ok(Payout { state, ..payout }))
}
