//! Statements: what a month of an ambassador was worth. Made once by the review, never changed.

use chrono::{DateTime, Utc};
use madang_core::ids::{PayoutId, StatementId, UserId};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgExecutor;

use super::{month::Month, payouts::State, words};

/// A month of an ambassador.
#[derive(Debug, Clone, Serialize)]
pub struct Statement {
    /// Id.
    pub id: StatementId,
    /// Whose.
    pub user_id: UserId,
    /// Their handle.
    pub handle: String,
    /// Of which month.
    pub month: Month,
    /// In which tier.
    pub tier: String,
    /// Own posts that feeds may list, without replies and reposts.
    pub posts: i32,
    /// How many were needed.
    pub minimum_posts: i32,
    /// People who began to follow in that month and follow still.
    pub followers_gained: i32,
    /// Followers at the review.
    pub followers: i32,
    /// Whether the minimum was met.
    pub met: bool,
    /// Why nothing was accrued, if nothing was: `minimum`, `sanction`, `disclosure`, `declaration`.
    pub withheld: Option<String>,
    /// Whole won accrued, as a string in JSON.
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    /// What is to be paid for it, if anything is.
    pub payout_id: Option<PayoutId>,
    /// Where that stands.
    pub payout_state: Option<State>,
    /// When it was made.
    pub made_at: DateTime<Utc>,
}

impl Statement {
    /// Why nothing was accrued, in Korean and in English.
    pub(super) fn withheld_words(&self) -> Option<(&'static str, &'static str)> {
        words::withheld(self.withheld.as_deref())
    }
}

/// Which statements.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Of this person.
    pub user: Option<UserId>,
    /// Of this month.
    pub month: Option<Month>,
    /// Only this one.
    pub id: Option<StatementId>,
}

/// Statements, newest first, of ids below `below`.
pub async fn list(
    executor: impl PgExecutor<'_>,
    filter: Filter,
    below: i64,
    limit: i64,
) -> sqlx::Result<Vec<Statement>> {
    sqlx::query_as!(
        Statement,
        r#"SELECT s.id AS "id: StatementId", s.user_id AS "user_id: UserId", u.handle, s.month AS "month: Month", s.tier,
                  s.posts, s.minimum_posts, s.followers_gained, s.followers, s.met, s.withheld, s.amount, s.made_at,
                  p.id AS "payout_id?: PayoutId",
                  CASE WHEN p.id IS NOT NULL THEN ambassador_payout_state(p.id, p.amount) END AS "payout_state?: State"
           FROM ambassador_statements s JOIN users u ON u.id = s.user_id
           LEFT JOIN ambassador_payouts p ON p.statement_id = s.id
           WHERE s.id < $1 AND ($2::bigint IS NULL OR s.user_id = $2) AND ($3::date IS NULL OR s.month = $3)
             AND ($4::bigint IS NULL OR s.id = $4)
           ORDER BY s.id DESC LIMIT $5"#,
        below,
        filter.user.map(UserId::get),
        filter.month.map(Month::first_day),
        filter.id.map(StatementId::get),
        limit
    )
    .fetch_all(executor)
    .await
}
