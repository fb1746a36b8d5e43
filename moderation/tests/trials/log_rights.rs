//! The audit log as the service's own database role sees it: it can add a row through the one function, and
//! nothing else. The rights are those that `madang migrate` grants.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use madang_core::{db, settings::DatabaseSettings};
use madang_moderation::audit::{self, Act, Actor};
use sqlx::{AssertSqlSafe, ConnectOptions, PgPool, postgres::PgPoolOptions};

use crate::counts::trials;

/// What the service runs as wherever `./dev` made the cluster.
const ROLE: &str = "madang_app";

/// What would rewrite the log, or make rewriting possible.
const REWRITING: [&str; 25] = [
    "UPDATE mod_audit SET action = 'x'",
    "UPDATE mod_audit SET hash = '' WHERE seq = 1",
    "DELETE FROM mod_audit",
    "DELETE FROM mod_audit WHERE seq = 1",
    "TRUNCATE mod_audit",
    "INSERT INTO mod_audit SELECT * FROM mod_audit WHERE seq = 1",
    "INSERT INTO mod_audit SELECT * FROM mod_audit ON CONFLICT (seq) DO UPDATE SET action = 'x'",
    "INSERT INTO mod_audit (seq, at, actor_role, action, object, prev_hash, hash)
     VALUES (99, now(), 'system', 'x', 'y', '', '')",
    "UPDATE mod_audit_head SET seq = 0",
    "DELETE FROM mod_audit_head",
    "TRUNCATE mod_audit_head",
    "INSERT INTO mod_audit_head (seq, hash) VALUES (0, '')",
    "SELECT FROM mod_audit_head FOR UPDATE",
    "DO $$ BEGIN LOCK TABLE mod_audit IN EXCLUSIVE MODE; END $$",
    "ALTER TABLE mod_audit DISABLE TRIGGER USER",
    "ALTER TABLE mod_audit DROP COLUMN hash",
    "DROP TRIGGER mod_audit_append_only ON mod_audit",
    "CREATE TRIGGER theirs BEFORE INSERT ON mod_audit FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()",
    "CREATE RULE theirs AS ON INSERT TO mod_audit DO INSTEAD NOTHING",
    "DROP TABLE mod_audit",
    "CREATE OR REPLACE FUNCTION audit_hash(prev bytea, a mod_audit) RETURNS bytea LANGUAGE sql RETURN prev",
    "DROP FUNCTION append_audit",
    "ALTER FUNCTION append_audit SECURITY INVOKER",
    "ALTER TABLE mod_audit OWNER TO CURRENT_USER",
    "SET session_replication_role = replica",
];

/// A migrated database, its owner's pool and that of the service's role.
struct Roles {
    owner: PgPool,
    app: PgPool,
    settings: DatabaseSettings,
}

/// Where there is no such role and none may be made, there is nothing to try.
async fn roles(owner: PgPool) -> Result<Option<Roles>> {
    let options = owner.connect_options().as_ref().clone().username(ROLE);
    let app = PgPoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(5));
    let app = app.connect_lazy_with(options.clone());
    if let Err(error) = sqlx::query("SELECT 1").execute(&app).await {
        println!("left out, since nobody can log in as {ROLE} with the owner's password: {error}");
        return Ok(None);
    }
    let settings = DatabaseSettings {
        url: options.to_url_lossy().to_string().into(),
        migrate_url: Some(owner.connect_options().to_url_lossy().to_string().into()),
        pool_size: 1,
        acquire_timeout: Duration::from_secs(5),
        statement_timeout: Duration::from_secs(10),
    };
    db::migrate(&settings).await?;
    Ok(Some(Roles { owner, app, settings }))
}

async fn append(pool: &PgPool) -> Result<i64> {
    let act = Act {
        actor: Actor::System,
        action: "trial.made",
        object: "trial:1".to_owned(),
        before: None,
        after: Some(serde_json::json!({"state": "made"})),
        request_id: None,
    };
    Ok(audit::append(&mut *pool.acquire().await?, &act).await?)
}

/// Only for want of the right: a typing mistake here would be refused too.
async fn refused(pool: &PgPool, statement: &str) -> Result<()> {
    match sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(pool).await {
        Ok(_) => bail!("{statement} was taken"),
        Err(error) => {
            let code = error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned());
            ensure!(code.as_deref() == Some("42501"), "{statement}: {error}");
            Ok(())
        }
    }
}

#[sqlx::test(migrations = false)]
async fn the_service_can_add_to_the_log_and_do_nothing_else_to_it(pool: PgPool) -> Result<()> {
    let Some(Roles { owner, app, settings }) = roles(pool).await? else { return Ok(()) };
    let rounds = trials(4, 20);
    for round in 0..rounds {
        for _ in 0..5 {
            append(&app).await.context("the service cannot log")?;
        }
        for statement in REWRITING {
            refused(&app, statement).await?;
        }
        let rows = audit::verify(&app).await?;
        ensure!(rows == Ok(i64::from(round + 1) * 5), "round {round}: {rows:?}");
        // Each release grants the rights anew.
        db::migrate(&settings).await?;
    }
    println!("{} attempts to rewrite the log, all refused", REWRITING.len() * usize::try_from(rounds)?);
    app.close().await;
    owner.close().await;
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn not_even_while_a_release_migrates_can_the_service_rewrite_the_log(pool: PgPool) -> Result<()> {
    let Some(Roles { owner, app, settings }) = roles(pool).await? else { return Ok(()) };
    let times = trials(30, 500);
    let migrating = tokio::spawn(async move {
        for _ in 0..times {
            db::migrate(&settings).await?;
        }
        anyhow::Ok(())
    });
    let mut looks = 0;
    while !migrating.is_finished() {
        let may: bool = sqlx::query_scalar(
            "SELECT has_table_privilege('mod_audit', 'INSERT, UPDATE, DELETE, TRUNCATE')
                 OR has_table_privilege('mod_audit_head', 'INSERT, UPDATE, DELETE, TRUNCATE')",
        )
        .fetch_one(&app)
        .await?;
        ensure!(!may, "after {looks} looks the service could rewrite the log");
        looks += 1;
    }
    migrating.await??;
    println!("{times} migrations, {looks} looks meanwhile: the log could never be rewritten");
    app.close().await;
    owner.close().await;
    Ok(())
}
