//! Pay runs: all approved payouts of a month, paid together, and the file that goes to the bank.

use chrono::{DateTime, Utc};
use madang_core::ids::{PayRunId, PayoutId, UserId};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};

use super::{
    journal::{self, Kind},
    month::Month,
    payouts::{self, State},
    words::{self, PayoutSays},
};

/// A payment of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The reference of the transfer: no two payments share one.
    pub reference: String,
    /// What is paid.
    pub payout_id: PayoutId,
    /// To whom.
    pub user_id: UserId,
    /// Their handle.
    pub handle: String,
    /// Their display name.
    pub name: String,
    /// Who they are at the identity provider, if they log in there.
    pub subject: Option<String>,
    /// Whole won, as a string in JSON.
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
}

/// A run.
#[derive(Debug, Clone, Serialize)]
pub struct PayRun {
    /// Id.
    pub id: PayRunId,
    /// Of which month.
    pub month: Month,
    /// By whom.
    pub made_by: UserId,
    /// When.
    pub made_at: DateTime<Utc>,
    /// Payments in it.
    pub payments: i64,
    /// Their sum in whole won, as a string in JSON.
    #[serde(with = "rust_decimal::serde::str")]
    pub total: Decimal,
}

/// Pays what is approved of a month. Nothing where nothing is. Payees who deleted their account are left out: nobody
/// knows any more who they are.
pub async fn make(
    tx: &mut PgConnection,
    month: Month,
    (by, now): (UserId, DateTime<Utc>),
) -> sqlx::Result<Option<PayRunId>> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('ambassador_pay_run', 0))")
        .fetch_one(&mut *tx)
        .await?;
    let approved = sqlx::query_scalar!(
        "SELECT p.id FROM ambassador_payouts p JOIN users u ON u.id = p.user_id AND u.deleted_at IS NULL
         WHERE p.month = $1 AND ambassador_payout_state(p.id, p.amount) = 'approved' ORDER BY p.id",
        month.first_day()
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut run = None;
    for id in approved.into_iter().map(PayoutId::new) {
        // Others may have reversed it in the meantime.
        let locked = payouts::lock(&mut *tx, id).await?.filter(|payout| payout.state == State::Approved);
        let Some(payout) = locked else { continue };
        let run = match run {
            Some(run) => run,
            None => *run.insert(begin(&mut *tx, month, (by, now)).await?),
        };
        journal::write(&mut *tx, id, Kind::Pay(run), payout.amount, (Some(by), now)).await?;
        words::payout(&mut *tx, (payout.user_id, now), (id, month), PayoutSays::Paid, "").await?;
    }
    Ok(run)
}

async fn begin(
    tx: &mut PgConnection,
    month: Month,
    (by, now): (UserId, DateTime<Utc>),
) -> sqlx::Result<PayRunId> {
    let id = sqlx::query_scalar!(
        "INSERT INTO ambassador_pay_runs (month, made_by, made_at) VALUES ($1, $2, $3) RETURNING id",
        month.first_day(),
        by.get(),
        now
    )
    .fetch_one(tx)
    .await?;
    Ok(PayRunId::new(id))
}

/// Runs, newest first, of ids below `below`.
pub async fn list(
    executor: impl PgExecutor<'_>,
    only: Option<PayRunId>,
    below: i64,
    limit: i64,
) -> sqlx::Result<Vec<PayRun>> {
    let rows = sqlx::query!(
        r#"SELECT r.id, r.month, r.made_by, r.made_at, paid.payments AS "payments!", paid.total AS "total!"
           FROM ambassador_pay_runs r
           CROSS JOIN LATERAL (
               SELECT count(*) AS payments, coalesce(sum(l.amount), 0) AS total
               FROM ambassador_journal j JOIN ambassador_journal_lines l ON l.entry_id = j.id AND l.account = 'payable'
               WHERE j.pay_run_id = r.id) paid
           WHERE r.id < $1 AND ($2::bigint IS NULL OR r.id = $2) ORDER BY r.id DESC LIMIT $3"#,
        below,
        only.map(PayRunId::get),
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PayRun {
            id: PayRunId::new(row.id),
            month: Month::from_column(row.month),
            made_by: UserId::new(row.made_by),
            made_at: row.made_at,
            payments: row.payments,
            total: row.total,
        })
        .collect())
}

/// The payments of a run, those that came back too, in the order of their payouts.
pub async fn rows(executor: impl PgExecutor<'_>, run: PayRunId) -> sqlx::Result<Vec<Row>> {
    let rows = sqlx::query!(
        r#"SELECT j.id, p.id AS payout_id, p.user_id, p.month, p.amount, u.handle, u.name, u.subject
           FROM ambassador_journal j JOIN ambassador_payouts p ON p.id = j.payout_id JOIN users u ON u.id = p.user_id
           WHERE j.pay_run_id = $1 ORDER BY p.id"#,
        run.get()
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Row {
            reference: format!("AMB-{}-{}", row.month.format("%Y%m"), row.id),
            payout_id: PayoutId::new(row.payout_id),
            user_id: UserId::new(row.user_id),
            handle: row.handle,
            name: row.name,
            subject: row.subject,
            amount: row.amount,
        })
        .collect())
}

/// Columns of the file.
const COLUMNS: [&str; 8] =
    ["reference", "month", "payout_id", "user_id", "handle", "name", "subject", "amount_krw"];

/// A cell that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', '|', '%']);
    if formula { format!("'{text}") } else { text.to_owned() }
}

/// The file: UTF-8 with a byte order mark, for Excel, every cell in quotes, lines ended by CR LF.
pub fn csv(run: &PayRun, rows: &[Row]) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .quote_style(csv::QuoteStyle::Always)
        .terminator(csv::Terminator::CRLF)
        .from_writer(b"\xEF\xBB\xBF".to_vec());
    writer.write_record(COLUMNS)?;
    for row in rows {
        writer.write_record([
            cell(&row.reference),
            run.month.to_string(),
            row.payout_id.to_string(),
            row.user_id.to_string(),
            cell(&row.handle),
            cell(&row.name),
            cell(row.subject.as_deref().unwrap_or_default()),
            row.amount.to_string(),
        ])?;
    }
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn row(name: &str) -> Row {
        Row {
            reference: "AMB-202611-7".to_owned(),
            payout_id: PayoutId::new(5),
            user_id: UserId::new(3),
            handle: "마당".to_owned(),
            name: name.to_owned(),
            subject: None,
            amount: Decimal::from(50_000),
        }
    }

    #[test]
    fn the_file_is_for_excel_and_holds_no_formula() {
        let run = PayRun {
            id: PayRunId::new(1),
            month: "2026-11".parse().unwrap(),
            made_by: UserId::new(9),
            made_at: DateTime::default(),
            payments: 1,
            total: Decimal::from(50_000),
        };
        let names = [
            "=HYPERLINK(\"http://x\")",
            "+1",
            "-1",
            "@SUM(A1)",
            "＝1",
            "\t=1",
            "plain, \"quoted\"",
            "김, 마당",
        ];
        let rows: Vec<Row> = names.iter().map(|name| row(name)).collect();
        let bytes = csv(&run, &rows).unwrap();
        let text = String::from_utf8(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap().to_vec()).unwrap();
        assert_eq!(text.matches("\r\n").count(), names.len() + 1);
        assert_eq!(text.matches('\n').count(), names.len() + 1);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), COLUMNS);
        for (record, name) in reader.records().zip(names) {
            let record = record.unwrap();
            let shown = record.get(5).unwrap();
            assert_eq!(shown.trim_start_matches('\''), name);
            assert!(!shown.starts_with(['=', '+', '-', '@', '\t', '＝']), "{shown}");
            assert_eq!(record.get(7), Some("50000"));
        }
    }
}
