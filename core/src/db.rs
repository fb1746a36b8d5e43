//! The PostgreSQL pool, migrations, and the conditions under which an acknowledgement means something.

use anyhow::{Context, bail};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::settings::DatabaseSettings;

/// The migrations, in the executable.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// A transaction of this service.
pub type Tx<'a> = sqlx::Transaction<'a, sqlx::Postgres>;

fn options(url: &SecretString, settings: &DatabaseSettings) -> anyhow::Result<PgConnectOptions> {
    let options: PgConnectOptions =
        url.expose_secret().parse().context("failed to parse DATABASE_URL (not shown, it holds a secret)")?;
    let millis = settings.statement_timeout.as_millis().to_string();
    Ok(options.application_name("madang").options([
        ("statement_timeout", millis.as_str()),
        ("lock_timeout", "5000"),
        ("idle_in_transaction_session_timeout", "15000"),
        ("timezone", "UTC"),
    ]))
}

/// Opens the pool lazily: the process starts with PostgreSQL away and says so in `readyz`.
pub fn connect(settings: &DatabaseSettings) -> anyhow::Result<PgPool> {
    Ok(PgPoolOptions::new()
        .max_connections(settings.pool_size)
        .acquire_timeout(settings.acquire_timeout)
        .connect_lazy_with(options(&settings.url, settings)?))
}

/// A pool for bulk work (import, check), where statements may take minutes.
pub fn connect_bulk(settings: &DatabaseSettings) -> anyhow::Result<PgPool> {
    let slow =
        DatabaseSettings { statement_timeout: std::time::Duration::from_secs(600), ..settings.clone() };
    connect(&slow)
}

/// Applies what is missing and grants the service's role what it needs, never ownership.
pub async fn migrate(settings: &DatabaseSettings) -> anyhow::Result<()> {
    let owner_url = settings.migrate_url.as_ref().unwrap_or(&settings.url);
    let owner = PgPoolOptions::new().max_connections(2).connect(owner_url.expose_secret()).await?;
    MIGRATIONS.run(&owner).await.context("failed to apply migrations")?;
    let role = options(&settings.url, settings)?.get_username().to_owned();
    if role != options(owner_url, settings)?.get_username() {
        grant(&owner, &role).await.with_context(|| format!("failed to grant rights to {role}"))?;
    }
    owner.close().await;
    Ok(())
}

async fn grant(owner: &PgPool, role: &str) -> anyhow::Result<()> {
    let quoted = format!("\"{}\"", role.replace('"', "\"\""));
    // At once: between the grant on all tables and what is taken back the running service could do too much.
    let mut tx = owner.begin().await?;
    for what in [
        "GRANT USAGE ON SCHEMA public TO",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO",
        // Rows of the audit log come in through `append_audit` alone, which runs with its owner's rights.
        "REVOKE INSERT, UPDATE, DELETE ON mod_audit, mod_audit_head FROM",
        // What is written down of its end stays.
        "REVOKE UPDATE, DELETE ON audit_anchors FROM",
        // The broker's rows are only added to.
        "REVOKE UPDATE, DELETE ON ledger_entries FROM",
        // So do statements, and money in the books.
        "REVOKE UPDATE, DELETE ON ambassador_statements, ambassador_payouts, ambassador_pay_runs, ambassador_journal, \
         ambassador_journal_lines FROM",
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("{what} {quoted}"))).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Refuses a database on which a commit could be lost: an acknowledgement would be a lie.
pub async fn require_durability(pool: &PgPool) -> anyhow::Result<()> {
    let row = sqlx::query!(
        r#"SELECT current_setting('fsync') AS "fsync!", current_setting('full_page_writes') AS "full_page_writes!",
                  current_setting('synchronous_commit') AS "synchronous_commit!""#
    )
    .fetch_one(pool)
    .await?;
    if row.fsync != "on" || row.full_page_writes != "on" || row.synchronous_commit == "off" {
        bail!("PostgreSQL must run with fsync, full_page_writes and synchronous_commit on");
    }
    Ok(())
}

/// Whether PostgreSQL itself is away (as opposed to refusing a statement).
pub fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        // the server, or a proxy before it, closed in the middle of a sentence
        | sqlx::Error::Protocol(_)
        | sqlx::Error::Tls(_) => true,
        // 57P0x: shutting down or starting; 53xxx: out of resources; 57014: over the statement's time
        sqlx::Error::Database(db) => {
            db.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("53") || code == "57014")
        }
        _ => false,
    }
}

/// Whether this transaction was ended for another's sake: a deadlock, or a conflict of snapshots. Sent
/// again it will do.
pub fn is_conflict(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(db) if matches!(db.code().as_deref(), Some("40P01" | "40001")))
}

/// Whether a lock was not had in time.
pub fn is_lock_timeout(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(db) if db.code().as_deref() == Some("55P03"))
}

/// The name of the violated constraint, if that is what went wrong.
pub fn violated(error: &sqlx::Error) -> Option<&str> {
    match error {
        sqlx::Error::Database(db) => db.constraint(),
        _ => None,
    }
}
