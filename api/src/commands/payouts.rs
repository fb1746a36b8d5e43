//! The payouts of `madang admin ambassadors …`

use std::{io::Write, path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use madang_core::ids::PayRunId;
use madang_creators::ambassadors::{
    Month, ledger, pay_runs,
    payouts::{self, Filter, Payout, State},
};
use sqlx::PgPool;

use super::ambassadors::{BATCH, actor};
use crate::programme::{self, By};

/// Payouts of a month, those of one state or all.
async fn all_payouts(pool: &PgPool, month: Month, state: Option<State>) -> anyhow::Result<Vec<Payout>> {
    let (mut below, mut all) = (i64::MAX, Vec::new());
    loop {
        let filter = Filter { month: Some(month), state, id: None };
        let page = payouts::list(pool, filter, below, BATCH).await?;
        let Some(last) = page.last() else { return Ok(all) };
        below = last.id.get();
        all.extend(page);
    }
}

/// Prints the payouts of a month.
pub(super) async fn list_payouts(pool: &PgPool, month: Month) -> anyhow::Result<()> {
    let all = all_payouts(pool, month, None).await?;
    for one in &all {
        println!("{} @{} {} won {}", one.id, one.handle, one.amount, one.state.as_str());
    }
    let count = |state| all.iter().filter(|one| one.state == state).count();
    let counts = State::ALL.map(|state| format!("{} {}", count(state), state.as_str()));
    println!("{} payouts of {month}: {}", all.len(), counts.join(", "));
    Ok(())
}

/// Approves what a month accrued, except to the one who acts.
pub(super) async fn approve_payouts(
    pool: &PgPool,
    month: Month,
    (admin, now): (&str, DateTime<Utc>),
) -> anyhow::Result<()> {
    let who = actor(pool, admin).await?;
    let (mut approved, mut own, mut refused) = (0, 0, 0);
    for one in all_payouts(pool, month, Some(State::Accrued)).await? {
        if one.user_id == who.user {
            own += 1;
            continue;
        }
        let mut tx = pool.begin().await?;
        match programme::approve(&mut tx, one.id, By { who, now, request_id: None }).await {
            Ok(_) => {
                tx.commit().await?;
                approved += 1;
            }
            Err(problem) => {
                println!("payout {}: {problem}", one.id);
                refused += 1;
            }
        }
    }
    println!("{approved} payouts of {month} approved, {own} left to another admin, {refused} refused");
    if refused > 0 {
        bail!("not all were approved");
    }
    Ok(())
}

/// Makes a file that is not there yet.
pub(super) fn create(path: &std::path::Path) -> anyhow::Result<std::fs::File> {
    std::fs::File::create_new(path).with_context(|| format!("failed to make {}", path.display()))
}

/// Pays what is approved of a month and writes the file.
pub(super) async fn pay(
    pool: &PgPool,
    month: Month,
    csv: PathBuf,
    (admin, now): (&str, DateTime<Utc>),
) -> anyhow::Result<()> {
    let who = actor(pool, admin).await?;
    // Before anything is paid: where the file cannot be written, nothing happens.
    let mut file = create(&csv)?;
    let mut tx = pool.begin().await?;
    let id = match programme::pay(&mut tx, month, By { who, now, request_id: None }).await {
        Ok(id) => id,
        Err(problem) => {
            drop(file);
            std::fs::remove_file(&csv).with_context(|| format!("failed to remove {}", csv.display()))?;
            return Err(problem.into());
        }
    };
    tx.commit().await?;
    let written = export(pool, id, &mut file).await;
    written.with_context(|| format!("pay run {id} is made, but its file is not whole: export it once more"))
}

/// Writes the file of a pay run.
pub(super) async fn export(pool: &PgPool, id: PayRunId, file: &mut std::fs::File) -> anyhow::Result<()> {
    let run = pay_runs::list(pool, Some(id), i64::MAX, 1).await?.pop();
    let run = run.with_context(|| format!("there is no pay run {id}"))?;
    file.write_all(&pay_runs::csv(&run, &pay_runs::rows(pool, id).await?)?)?;
    file.sync_all()?;
    println!("pay run {id} of {}: {} payments, {} won", run.month, run.payments, run.total);
    Ok(())
}

/// Proves that the books balance; the last line can be read by a script.
pub(super) async fn check(pool: &PgPool) -> anyhow::Result<ExitCode> {
    let report = ledger::check(pool).await?;
    println!(
        "{} entries do not balance, {} payouts stand nowhere, {} statements do not match, {} reversals mirror nothing, \
         {} acts by the payee",
        report.unbalanced, report.lost, report.unmatched, report.mismirrored, report.own
    );
    println!(
        "{} payouts and {} entries, expense {}, accrued {}, payable {}, cash {}, sum {}, {} differences",
        report.payouts,
        report.entries,
        report.expense,
        report.accrued,
        report.payable,
        report.cash,
        report.sum(),
        report.differences()
    );
    Ok(if report.differences() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
