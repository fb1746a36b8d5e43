//! The ambassador programme: who may join, who did, what they declare about conflicts of interest, what each month
//! was worth, and the money in double entry.
//!
//! `settings` are the programme's terms, `criteria` who meets them, `applications` how one joins, `members` who is
//! in, `badge` who shows it, `declarations` the conflicts declared, `review` the months, `statements` what came of
//! them. `journal` owns the books, `payouts` and `pay_runs` write them, `ledger` proves that they balance. Nothing
//! here writes the audit log: the caller does, in the same transaction. Amounts are whole won.
//!
//! Locks, in this order: the settings, a person, a payout.

pub mod applications;
pub mod badge;
pub mod criteria;
pub mod declarations;
mod journal;
pub mod ledger;
pub mod members;
mod month;
pub mod pay_runs;
pub mod payouts;
pub mod review;
pub mod settings;
pub mod statements;
mod words;

use madang_core::ids::UserId;
use sqlx::PgConnection;

pub use self::{
    badge::{Badge, badge, badges},
    criteria::discloses,
    month::{BadMonth, Month},
    payouts::State,
};

/// Most characters of a declaration and of a motivation.
pub const MAX_TEXT_CHARS: usize = 2_000;
/// Most characters of a reason.
pub const MAX_REASON_CHARS: usize = 500;

/// One at a time acts about a person's place in the programme, until the commit.
async fn lock_person(tx: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('ambassador', $1))", user.get())
        .fetch_one(tx)
        .await?;
    Ok(())
}
