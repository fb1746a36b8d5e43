//! Whether the books are right, computed from the lines alone and not by what guards them.

use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgExecutor;

/// What the books say.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Payouts.
    pub payouts: i64,
    /// Entries of the journal.
    pub entries: i64,
    /// Spent, in won: above zero.
    pub expense: Decimal,
    /// Owed and not approved: zero or below.
    pub accrued: Decimal,
    /// Approved and not paid: zero or below.
    pub payable: Decimal,
    /// Paid: zero or below.
    pub cash: Decimal,
    /// Entries whose lines do not sum to zero.
    pub unbalanced: i64,
    /// Payouts that stand nowhere, or have no accrual.
    pub lost: i64,
    /// Statements whose amount is not that of their payout.
    pub unmatched: i64,
    /// Entries reversed more than once, or by what is no mirror image.
    pub mismirrored: i64,
    /// Approvals and reversals by the payee.
    pub own: i64,
}

impl Report {
    /// The sum of all accounts, which is zero.
    pub fn sum(&self) -> Decimal {
        self.expense + self.accrued + self.payable + self.cash
    }

    /// How many things are wrong.
    pub fn differences(&self) -> i64 {
        self.unbalanced
            + self.lost
            + self.unmatched
            + self.mismirrored
            + self.own
            + i64::from(!self.sum().is_zero())
    }
}

/// Goes through the books.
pub async fn check(executor: impl PgExecutor<'_>) -> sqlx::Result<Report> {
    sqlx::query_as!(
        Report,
        r#"WITH per_payout AS (
               SELECT p.id, p.amount, p.user_id,
                      coalesce(sum(l.amount) FILTER (WHERE l.account = 'expense'), 0) AS expense,
                      coalesce(sum(l.amount) FILTER (WHERE l.account = 'accrued'), 0) AS accrued,
                      coalesce(sum(l.amount) FILTER (WHERE l.account = 'payable'), 0) AS payable,
                      coalesce(sum(l.amount) FILTER (WHERE l.account = 'cash'), 0) AS cash,
                      count(DISTINCT j.id) FILTER (WHERE j.kind = 'accrue') AS accruals
               FROM ambassador_payouts p LEFT JOIN ambassador_journal j ON j.payout_id = p.id
               LEFT JOIN ambassador_journal_lines l ON l.entry_id = j.id GROUP BY p.id),
           mirrors AS (
               SELECT r.id FROM ambassador_journal r JOIN ambassador_journal_lines l ON l.entry_id = r.id
               LEFT JOIN ambassador_journal_lines f ON f.entry_id = r.reverses AND f.account = l.account
               WHERE r.reverses IS NOT NULL GROUP BY r.id HAVING bool_or(f.amount IS DISTINCT FROM -l.amount))
           SELECT (SELECT count(*) FROM ambassador_payouts) AS "payouts!", (SELECT count(*) FROM ambassador_journal) AS "entries!",
                  (SELECT coalesce(sum(expense), 0) FROM per_payout) AS "expense!", (SELECT coalesce(sum(accrued), 0) FROM per_payout) AS "accrued!",
                  (SELECT coalesce(sum(payable), 0) FROM per_payout) AS "payable!", (SELECT coalesce(sum(cash), 0) FROM per_payout) AS "cash!",
                  (SELECT count(*) FROM ambassador_journal j WHERE
                       (SELECT coalesce(sum(amount), 1) FROM ambassador_journal_lines WHERE entry_id = j.id) <> 0)
                      AS "unbalanced!",
                  (SELECT count(*) FROM per_payout WHERE accruals <> 1 OR NOT (
                       (expense = amount AND accrued + payable + cash = -amount
                        AND 2 = (accrued = 0)::integer + (payable = 0)::integer + (cash = 0)::integer)
                       OR (expense = 0 AND accrued = 0 AND payable = 0 AND cash = 0))) AS "lost!",
                  (SELECT count(*) FROM ambassador_statements s FULL JOIN ambassador_payouts p ON p.statement_id = s.id
                   WHERE coalesce(s.amount, -1) <> coalesce(p.amount, 0)
                      OR (p.id IS NOT NULL AND (s.user_id, s.month) IS DISTINCT FROM (p.user_id, p.month)))
                      AS "unmatched!",
                  (SELECT count(*) FROM mirrors)
                  + (SELECT count(*) FROM (SELECT FROM ambassador_journal WHERE reverses IS NOT NULL
                                           GROUP BY reverses HAVING count(*) > 1) twice) AS "mismirrored!",
                  (SELECT count(*) FROM ambassador_journal j JOIN ambassador_payouts p ON p.id = j.payout_id
                   WHERE j.kind IN ('approve', 'reverse') AND j.actor_id = p.user_id) AS "own!""#
    )
    .fetch_one(executor)
    .await
}
