//! Splits are one for all who hold the share: every account reports its own row of it, and all must say the same.
//! The table `splits` is what the rows that count say, by the name of today.

use std::collections::HashMap;

use chrono::NaiveDate;
use madang_core::ids::TickerId;
use sqlx::PgConnection;

use super::{
    intake::Candidate,
    renames::Renames,
    row::{Kind, Refusal, Row},
};

/// No share splits twice in so many days: two rows so near each other mean the same split.
const APART_DAYS: i64 = 10;

/// A split as one row says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Split {
    pub(super) ticker: TickerId,
    pub(super) day: NaiveDate,
    /// new shares for old ones
    pub(super) ratio: (i32, i32),
}

impl Split {
    pub(super) fn of(row: &Row) -> Option<Self> {
        Some(Self { ticker: row.ticker?, day: row.day, ratio: row.ratio? })
    }
}

/// The splits of some shares, with how many rows say each.
#[derive(Debug, Default, Clone)]
pub(super) struct Splits(HashMap<TickerId, HashMap<Split, i64>>);

impl Splits {
    /// Loads those of these shares, and keeps other batches from changing any until this one is done.
    pub(super) async fn load(
        tx: &mut PgConnection,
        tickers: impl Iterator<Item = TickerId>,
        renames: &Renames,
    ) -> sqlx::Result<Self> {
        let mut names: Vec<i32> =
            tickers.flat_map(|ticker| renames.names(ticker).map(TickerId::get)).collect();
        names.sort_unstable();
        names.dedup();
        let mut splits = Self::default();
        if names.is_empty() {
            return Ok(splits);
        }
        sqlx::query!("SELECT FROM market_state FOR UPDATE").execute(&mut *tx).await?;
        let rows = sqlx::query!(
            r#"SELECT e.ticker_id AS "ticker_id!", e.day, e.split_new AS "new!", e.split_old AS "old!",
                      count(*) AS "count!"
               FROM ledger_entries e
               WHERE e.kind = 'split' AND e.ticker_id = ANY($1)
                 AND NOT EXISTS (SELECT FROM ledger_entries c WHERE c.corrects = e.id)
               GROUP BY 1, 2, 3, 4"#,
            &names
        )
        .fetch_all(tx)
        .await?;
        for row in rows {
            let ticker = renames.current(TickerId::new(row.ticker_id));
            let split = Split { ticker, day: row.day, ratio: (row.new, row.old) };
            splits.count(split, row.count);
        }
        Ok(splits)
    }

    fn count(&mut self, split: Split, more: i64) {
        *self.0.entry(split.ticker).or_default().entry(split).or_default() += more;
    }

    /// One row more says so.
    pub(super) fn note(&mut self, split: Option<Split>) {
        split.into_iter().for_each(|split| self.count(split, 1));
    }

    /// One row fewer says so.
    pub(super) fn forget(&mut self, split: Option<Split>) {
        split.into_iter().for_each(|split| self.count(split, -1));
    }

    /// Whether nothing that is known says otherwise.
    pub(super) fn check(&self, split: Option<Split>) -> Result<(), Refusal> {
        let Some(split) = split else {
            return Ok(());
        };
        let near = |other: &Split| (other.day - split.day).num_days().abs() <= APART_DAYS;
        let known = self.0.get(&split.ticker).into_iter().flatten();
        let other = known.filter(|(other, count)| **count > 0 && **other != split && near(other));
        match other.map(|(other, _)| other).min_by_key(|other| (other.day, other.ratio)) {
            None => Ok(()),
            Some(Split { day, ratio: (new, old), .. }) => {
                let reason = format!(
                    "another row that counts says {new}:{old} on {day}, and no share splits twice within {APART_DAYS} \
                     days; correct or cancel all rows of that one first"
                );
                Err(Refusal::new("split_conflict", "ratio", reason))
            }
        }
    }

    /// Takes out the rows that say another split than is known; those that stay are known from now on.
    pub(super) fn sift(&mut self, rows: Vec<Candidate>) -> (Vec<Candidate>, Vec<(Candidate, Refusal)>) {
        let (mut fitting, mut others) = (Vec::with_capacity(rows.len()), Vec::new());
        for candidate in rows {
            let split = Split::of(&candidate.row);
            match self.check(split) {
                Ok(()) => {
                    self.note(split);
                    fitting.push(candidate);
                }
                Err(refusal) => others.push((candidate, refusal)),
            }
        }
        (fitting, others)
    }
}

/// Keeps the table of splits as what the rows that count say. Takes the rows just added, by their ids; returns
/// whom a change concerns: all who ever had the share.
pub(super) async fn keep(
    tx: &mut PgConnection,
    added: impl Iterator<Item = (i64, &Candidate)>,
) -> sqlx::Result<Vec<i64>> {
    let moving = added.filter(|(_, c)| c.row.kind == Kind::Split || c.row.corrects.is_some());
    let ids: Vec<i64> = moving.map(|(id, _)| id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let changed = rewrite(tx, &ids).await?;
    sqlx::query_scalar!(
        "SELECT DISTINCT e.user_id FROM ledger_entries e WHERE e.ticker_id IN (
             SELECT t.id FROM tickers t WHERE t.id = ANY($1)
             UNION SELECT t.id FROM tickers t WHERE t.renamed_to IS NOT NULL AND current_ticker(t.id) = ANY($1))",
        &changed
    )
    .fetch_all(tx)
    .await
}

/// Returns the shares of which a split came, went or changed.
async fn rewrite(tx: &mut PgConnection, ids: &[i64]) -> sqlx::Result<Vec<i32>> {
    sqlx::query_scalar!(
        r#"WITH moved AS MATERIALIZED (
               SELECT DISTINCT current_ticker(e.ticker_id) AS now FROM (
                   SELECT unnest($1::bigint[]) UNION
                   SELECT c.corrects FROM ledger_entries c WHERE c.id = ANY($1)) AS n (id)
               JOIN ledger_entries e ON e.id = n.id WHERE e.kind = 'split'),
           named AS MATERIALIZED (
               SELECT m.now AS id, m.now FROM moved m
               UNION SELECT t.id, m.now FROM tickers t JOIN moved m ON m.now = current_ticker(t.id)
               WHERE t.renamed_to IS NOT NULL AND EXISTS (SELECT FROM moved)),
           live AS (
               SELECT DISTINCT ON (n.now, e.day) n.now, e.day, e.split_new, e.split_old
               FROM named n JOIN ledger_entries e ON e.ticker_id = n.id
               WHERE e.kind = 'split' AND NOT EXISTS (SELECT FROM ledger_entries c WHERE c.corrects = e.id)
               ORDER BY n.now, e.day, e.id),
           gone AS (
               DELETE FROM splits s USING named n WHERE s.ticker_id = n.id AND NOT EXISTS (
                   SELECT FROM live l WHERE l.now = s.ticker_id AND l.day = s.day) RETURNING n.now),
           added AS (
               INSERT INTO splits (ticker_id, day, new_shares, old_shares)
               SELECT now, day, split_new, split_old FROM live ORDER BY 1, 2
               ON CONFLICT (ticker_id, day) DO UPDATE SET
                   new_shares = excluded.new_shares, old_shares = excluded.old_shares
                   WHERE (splits.new_shares, splits.old_shares) <> (excluded.new_shares, excluded.old_shares)
               RETURNING ticker_id)
           SELECT now AS "ticker!" FROM gone UNION SELECT ticker_id FROM added"#,
        ids
    )
    .fetch_all(tx)
    .await
}
