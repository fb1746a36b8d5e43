//! The books. An entry has lines that sum to zero: debits above it, credits below. The database refuses anything
//! else at the commit, and refuses to change what is written. Call these with the payout locked.

use chrono::{DateTime, Utc};
use madang_core::ids::{PayRunId, PayoutId, UserId};
use rust_decimal::Decimal;
use sqlx::PgConnection;

/// What an entry does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The programme's expense, owed but not approved.
    Accrue,
    /// What is owed becomes payable.
    Approve,
    /// What is payable is paid, in a run.
    Pay(PayRunId),
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Accrue => "accrue",
            Self::Approve => "approve",
            Self::Pay(_) => "pay",
        }
    }

    /// The account debited and the one credited.
    const fn accounts(self) -> [&'static str; 2] {
        match self {
            Self::Accrue => ["expense", "accrued"],
            Self::Approve => ["accrued", "payable"],
            Self::Pay(_) => ["payable", "cash"],
        }
    }
}

/// Who writes, and when; nobody, where the clock does.
pub(super) type By = (Option<UserId>, DateTime<Utc>);

/// One at a time writes about a payout, until the commit.
pub(super) async fn lock(tx: &mut PgConnection, payout: PayoutId) -> sqlx::Result<()> {
    sqlx::query!("SELECT lock_ambassador_payout($1)", payout.get()).fetch_one(tx).await?;
    Ok(())
}

/// Writes an entry.
pub(super) async fn write(
    tx: &mut PgConnection,
    payout: PayoutId,
    kind: Kind,
    amount: Decimal,
    (actor, at): By,
) -> sqlx::Result<()> {
    let run = if let Kind::Pay(run) = kind { Some(run.get()) } else { None };
    let [debit, credit] = kind.accounts();
    sqlx::query!(
        "WITH entry AS (
             INSERT INTO ambassador_journal (payout_id, kind, pay_run_id, actor_id, at) VALUES ($1, $2, $3, $4, $5)
             RETURNING id)
         INSERT INTO ambassador_journal_lines (entry_id, account, amount)
         SELECT entry.id, line.account, line.amount FROM entry, (VALUES ($6, $8::numeric), ($7, -$8::numeric)) AS line (account, amount)",
        payout.get(),
        kind.as_str(),
        run,
        actor.map(UserId::get),
        at,
        debit,
        credit,
        amount
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes the mirror image of the payout's entry of a kind that was not reversed.
pub(super) async fn reverse(
    tx: &mut PgConnection,
    payout: PayoutId,
    kind: &str,
    reason: &str,
    (actor, at): By,
) -> sqlx::Result<()> {
    let written = sqlx::query!(
        "WITH first AS (
             SELECT id FROM ambassador_journal j WHERE payout_id = $1 AND kind = $2
             AND NOT EXISTS (SELECT FROM ambassador_journal WHERE reverses = j.id)),
         entry AS (
             INSERT INTO ambassador_journal (payout_id, kind, reverses, reason, actor_id, at)
             SELECT $1, 'reverse', first.id, $3, $4, $5 FROM first RETURNING id, reverses)
         INSERT INTO ambassador_journal_lines (entry_id, account, amount)
         SELECT entry.id, l.account, -l.amount FROM entry JOIN ambassador_journal_lines l ON l.entry_id = entry.reverses",
        payout.get(),
        kind,
        reason,
        actor.map(UserId::get),
        at
    )
    .execute(tx)
    .await?;
    if written.rows_affected() == 2 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}
