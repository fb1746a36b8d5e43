//! `madang admin …`

use std::process::ExitCode;

use anyhow::{Context, bail};
use chrono::Utc;
use clap::Subcommand;
use madang_core::{
    changes::{self, Change},
    db,
    handle::Handle,
    jobs,
    passwords::{PASSWORD_BYTES, Passwords},
    sessions,
    settings::Settings,
    users::{self, NewUser, Role},
};
use madang_moderation::{audit, transparency::Month};
use sqlx::PgPool;

use super::{
    aliases::{self, AliasesCommand},
    ambassadors::{self, AmbassadorsCommand},
    transparency::{self, Format},
};

/// What an operator does by hand.
#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Make a person, or a service account.
    CreateUser {
        /// Handle.
        handle: String,
        /// investor, moderator, senior, legal, admin or service.
        #[arg(long, default_value = "investor")]
        role: Role,
        /// Password; without one nobody can log in, but tokens can be issued.
        #[arg(long)]
        password: Option<String>,
        /// Do nothing when the handle is taken.
        #[arg(long)]
        if_missing: bool,
    },
    /// Change somebody's role.
    SetRole {
        /// Handle.
        handle: String,
        /// investor, moderator, senior, legal, admin or service.
        role: Role,
    },
    /// Mark an account as checked by the house: the person or company is who they say.
    VerifyUser {
        /// Handle.
        handle: String,
        /// Take the mark away.
        #[arg(long)]
        withdraw: bool,
    },
    /// Nicknames of instruments: in search and in cashtags they mean the instrument.
    Aliases {
        #[command(subcommand)]
        command: AliasesCommand,
    },
    /// Issue a login token, for programs; it is printed once.
    IssueToken {
        /// Handle.
        handle: String,
        /// Life in days.
        #[arg(long, default_value_t = 365)]
        days: i64,
    },
    /// Look at the record of moderation.
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Print the transparency report of a month: measures, times, reports, appeals. It names nobody.
    Transparency {
        /// The month (UTC), as in 2026-11.
        #[arg(long)]
        month: Month,
        /// How.
        #[arg(long, value_enum, default_value = "json")]
        format: Format,
    },
    /// The ambassador programme: applications, monthly review, payouts.
    Ambassadors {
        #[command(subcommand)]
        command: AmbassadorsCommand,
    },
    /// Look at the job queue.
    Jobs {
        #[command(subcommand)]
        command: JobsCommand,
    },
}

/// What can be done with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Go through the whole chain of hashes; fails at the first row that was changed, moved or taken out.
    Verify,
}

/// What can be done with the queue.
#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// Depth, age, and the parked jobs with their errors.
    List,
    /// Give parked jobs another life.
    Replay {
        /// Only of this kind.
        #[arg(long)]
        kind: Option<String>,
    },
}

/// Does it.
pub(crate) async fn run(settings: &Settings, command: AdminCommand) -> anyhow::Result<ExitCode> {
    let pool = db::connect(&settings.database)?;
    match command {
        AdminCommand::CreateUser { handle, role, password, if_missing } => {
            create_user(&pool, &handle, role, password, if_missing).await?;
        }
        AdminCommand::SetRole { handle, role } => set_role(&pool, &handle, role).await?,
        AdminCommand::VerifyUser { handle, withdraw } => verify_user(&pool, &handle, !withdraw).await?,
        AdminCommand::Aliases { command } => aliases::run(settings, &pool, command).await?,
        AdminCommand::IssueToken { handle, days } => {
            let user = super::person(&pool, &handle).await?;
            println!("{}", sessions::start(&pool, user, Utc::now(), days.clamp(1, 3_650)).await?);
        }
        AdminCommand::Audit { command: AuditCommand::Verify } => return verify_audit(&pool).await,
        AdminCommand::Transparency { month, format } => transparency::run(settings, month, format).await?,
        AdminCommand::Ambassadors { command } => return ambassadors::run(&pool, command).await,
        AdminCommand::Jobs { command: JobsCommand::List } => list_jobs(&pool).await?,
        AdminCommand::Jobs { command: JobsCommand::Replay { kind } } => {
            println!("{} jobs replayed", jobs::replay(&pool, kind.as_deref()).await?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify_user(pool: &PgPool, handle: &str, verified: bool) -> anyhow::Result<()> {
    let user = super::person(pool, handle).await?;
    let mut tx = pool.begin().await?;
    users::set_verified(&mut tx, user, verified).await?;
    tx.commit().await?;
    println!("{handle} is {}verified", if verified { "" } else { "no longer " });
    Ok(())
}

async fn verify_audit(pool: &PgPool) -> anyhow::Result<ExitCode> {
    Ok(match audit::verify(pool).await? {
        Ok(rows) => {
            println!("{rows} rows, the chain is whole");
            ExitCode::SUCCESS
        }
        Err(broken) => {
            println!("the chain is broken: {broken}");
            ExitCode::FAILURE
        }
    })
}

async fn create_user(
    pool: &PgPool,
    handle: &str,
    role: Role,
    password: Option<String>,
    if_missing: bool,
) -> anyhow::Result<()> {
    let parsed = Handle::parse(handle).with_context(|| format!("{handle} cannot be a handle"))?;
    if let Some(password) = &password
        && !PASSWORD_BYTES.contains(&password.len())
    {
        bail!("a password must have 10 to 256 bytes");
    }
    let hash = match password {
        Some(password) => Some(Passwords::default().hash(password.into()).await?),
        None => None,
    };
    let user = NewUser {
        handle: &parsed,
        name: parsed.as_str(),
        language: "ko",
        role,
        password_hash: hash.as_deref(),
        subject: None,
        now: Utc::now(),
    };
    match users::create(pool, &user).await {
        Ok(_) => println!("{handle} made, {}", role.as_str()),
        Err(error) if if_missing && db::violated(&error).is_some() => {
            println!("{handle} is here already")
        }
        Err(error) if db::violated(&error).is_some() => {
            bail!("{handle} is taken, or looks like one that is")
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

async fn set_role(pool: &PgPool, handle: &str, role: Role) -> anyhow::Result<()> {
    let parsed = Handle::parse(handle).with_context(|| format!("{handle} is no handle"))?;
    let mut tx = pool.begin().await?;
    let Some(user) = users::set_role(&mut tx, &parsed, role).await? else {
        bail!("there is nobody called {handle}");
    };
    changes::record(&mut tx, &[Change::Author(user), Change::Sessions(user)]).await?;
    tx.commit().await?;
    println!("{handle} is {} now", role.as_str());
    Ok(())
}

async fn list_jobs(pool: &PgPool) -> anyhow::Result<()> {
    let state = jobs::state(pool).await?;
    for job in jobs::parked(pool, 1_000).await? {
        let error = job.last_error.unwrap_or_default();
        println!("parked: {} {} {} after {} tries: {error}", job.kind, job.subject, job.peer, job.attempts);
    }
    println!("{} waiting, oldest due {:.1} s ago, {} parked", state.depth, state.oldest_secs, state.parked);
    Ok(())
}
