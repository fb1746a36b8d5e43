//! `madang admin ambassadors …`

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use clap::Subcommand;
use madang_core::{
    handle::Handle,
    ids::{ApplicationId, PayRunId},
    text,
    users::{self, Role},
    viewer::Who,
};
use madang_creators::ambassadors::{
    MAX_REASON_CHARS, Month,
    applications::{self, Decision},
    members,
};
use sqlx::PgPool;

use super::payouts::{approve_payouts, check, create, export, list_payouts, pay};
use crate::programme::{self, By};

/// Rows read at once.
pub(super) const BATCH: i64 = 500;

/// What an admin does about the ambassador programme.
#[derive(Debug, Subcommand)]
pub(crate) enum AmbassadorsCommand {
    /// Ambassadors whose badge shows.
    List,
    /// Open applications.
    Applications,
    /// Approve an application.
    Approve {
        /// Its id.
        id: ApplicationId,
        /// The tier's code.
        #[arg(long)]
        tier: String,
        /// Told to the applicant.
        #[arg(long)]
        reason: String,
        /// The admin who acts, by handle.
        #[arg(long = "as")]
        admin: String,
    },
    /// Refuse an application.
    Reject {
        /// Its id.
        id: ApplicationId,
        /// Told to the applicant.
        #[arg(long)]
        reason: String,
        /// The admin who acts, by handle.
        #[arg(long = "as")]
        admin: String,
    },
    /// Review every month up to one that is over: statements, accruals, warnings. Repeated, it does nothing twice.
    ReviewMonth {
        /// The month (Korea), as in 2026-11.
        month: Month,
        /// The admin who acts, by handle.
        #[arg(long = "as")]
        admin: String,
    },
    /// Payouts of a month.
    Payouts {
        /// The month (Korea), as in 2026-11.
        month: Month,
    },
    /// Approve what a month accrued; payouts to the admin who acts are left out.
    ApprovePayouts {
        /// The month (Korea), as in 2026-11.
        month: Month,
        /// The admin who acts, by handle.
        #[arg(long = "as")]
        admin: String,
    },
    /// Pay what is approved of a month, and write the file for the bank.
    Pay {
        /// The month (Korea), as in 2026-11.
        month: Month,
        /// The file, which must not be there yet.
        #[arg(long)]
        csv: PathBuf,
        /// The admin who acts, by handle.
        #[arg(long = "as")]
        admin: String,
    },
    /// Write the file of a pay run once more.
    Export {
        /// The run's id.
        id: PayRunId,
        /// The file, which must not be there yet.
        #[arg(long)]
        csv: PathBuf,
    },
    /// Prove that the books balance.
    Check,
}

/// Does it.
pub(crate) async fn run(pool: &PgPool, command: AmbassadorsCommand) -> anyhow::Result<ExitCode> {
    let now = Utc::now();
    match command {
        AmbassadorsCommand::List => list(pool, now).await?,
        AmbassadorsCommand::Applications => list_applications(pool).await?,
        AmbassadorsCommand::Approve { id, tier, reason, admin } => {
            decide(pool, (id, Some(&tier), &reason), (&admin, now)).await?;
        }
        AmbassadorsCommand::Reject { id, reason, admin } => {
            decide(pool, (id, None, &reason), (&admin, now)).await?;
        }
        AmbassadorsCommand::ReviewMonth { month, admin } => review(pool, month, (&admin, now)).await?,
        AmbassadorsCommand::Payouts { month } => list_payouts(pool, month).await?,
        AmbassadorsCommand::ApprovePayouts { month, admin } => {
            approve_payouts(pool, month, (&admin, now)).await?;
        }
        AmbassadorsCommand::Pay { month, csv, admin } => pay(pool, month, csv, (&admin, now)).await?,
        AmbassadorsCommand::Export { id, csv } => export(pool, id, &mut create(&csv)?).await?,
        AmbassadorsCommand::Check => return check(pool).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// The admin who acts; every act has an actor.
pub(super) async fn actor(pool: &PgPool, handle: &str) -> anyhow::Result<Who> {
    let parsed = Handle::parse(handle).with_context(|| format!("{handle} is no handle"))?;
    let found = users::by_handle(pool, &parsed).await?;
    let admin = found.with_context(|| format!("there is nobody called {handle}"))?;
    ensure!(admin.role == Role::Admin, "{handle} is no admin");
    Ok(Who { user: admin.id, role: admin.role })
}

async fn list(pool: &PgPool, now: DateTime<Utc>) -> anyhow::Result<()> {
    let mut connection = pool.acquire().await?;
    let (mut below, mut count) = (i64::MAX, 0);
    loop {
        let page = members::list(&mut connection, None, below, BATCH, now).await?;
        let Some(last) = page.last() else { break };
        below = last.row;
        count += page.len();
        for one in &page {
            println!("@{} {} since {}", one.handle, one.badge.tier, one.badge.since.to_rfc3339());
        }
    }
    println!("{count} ambassadors show their badge");
    Ok(())
}

async fn list_applications(pool: &PgPool) -> anyhow::Result<()> {
    let (mut below, mut count) = (i64::MAX, 0);
    loop {
        let page = applications::list(pool, Some("open"), below, BATCH).await?;
        let Some(last) = page.last() else { break };
        below = last.id.get();
        count += page.len();
        for one in &page {
            let (why, declared) = (&one.motivation, &one.conflict_declaration);
            println!(
                "{} @{} {}: {why:?}; declares {declared:?}",
                one.id,
                one.handle,
                one.applied_at.to_rfc3339()
            );
        }
    }
    println!("{count} applications open");
    Ok(())
}

async fn decide(
    pool: &PgPool,
    (id, tier, reason): (ApplicationId, Option<&str>, &str),
    (admin, now): (&str, DateTime<Utc>),
) -> anyhow::Result<()> {
    let who = actor(pool, admin).await?;
    let reason = text::parse_line(reason, MAX_REASON_CHARS).context("failed to read --reason")?;
    let mut tx = pool.begin().await?;
    let by = By { who, now, request_id: None };
    programme::decide(&mut tx, id, &Decision { tier, reason: &reason }, by).await?;
    tx.commit().await?;
    println!("application {id} {}", if tier.is_some() { "approved" } else { "refused" });
    Ok(())
}

async fn review(pool: &PgPool, month: Month, (admin, now): (&str, DateTime<Utc>)) -> anyhow::Result<()> {
    let who = actor(pool, admin).await?;
    ensure!(month.is_over(now), "{month} is not over");
    let mut count = 0;
    while let Some(one) = programme::review_next(pool, month, (Some(who), now)).await? {
        let made = &one.statement;
        println!(
            "{} @{} {}: {} of {} posts, {} won, {:?}",
            made.month, made.handle, made.tier, made.posts, made.minimum_posts, made.amount, one.outcome
        );
        count += 1;
    }
    println!("{count} months of ambassadors reviewed, up to {month}");
    Ok(())
}
