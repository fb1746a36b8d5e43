//! The ambassador programme against the real database: criteria, decisions, the badge, months, and the books under
//! many hands at once.

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Duration, Utc};
use madang_core::ids::{PayoutId, UserId};
use madang_creators::ambassadors::{
    Month, State,
    applications::{self, Decision, Refused},
    badge, badges,
    criteria::{self, Code},
    declarations, ledger, members, pay_runs,
    payouts::{self, Filter, Reversal},
    review::{self, Outcome},
    settings,
    statements::{self, Statement},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;
use sqlx::{PgPool, postgres::PgPoolOptions};

const ADMIN: UserId = UserId::new(900_001);
const OTHER_ADMIN: UserId = UserId::new(900_002);

/// A pool for many at once.
async fn wide(pool: &PgPool) -> Result<PgPool> {
    Ok(PgPoolOptions::new().max_connections(12).connect_with(pool.connect_options().as_ref().clone()).await?)
}

/// Somebody who meets every criterion: old enough, followed, clean, disclosing, with 12 posts of the last days.
async fn person(pool: &PgPool, id: i64) -> Result<UserId> {
    sqlx::query(
        "INSERT INTO users (id, handle, handle_fold, handle_skeleton, name, follower_count, created_at)
         VALUES ($1, 'zq' || $1, 'zq' || $1, 'zq' || $1, 'zq', 500, now() - interval '400 days')",
    )
    .bind(id)
    .execute(pool)
    .await?;
    sqlx::query("INSERT INTO disclosures (user_id, holdings, amounts, consent_version, granted_at) VALUES ($1, false, false, 1, now())").bind(id).execute(pool).await?;
    let user = UserId::new(id);
    posts(pool, user, Utc::now() - Duration::days(2), 12).await?;
    Ok(user)
}

async fn admins(pool: &PgPool) -> Result<()> {
    for id in [ADMIN, OTHER_ADMIN] {
        sqlx::query(
            "INSERT INTO users (id, handle, handle_fold, handle_skeleton, name, role)
             VALUES ($1, 'zm' || $1, 'zm' || $1, 'zm' || $1, 'm', 'admin')",
        )
        .bind(id.get())
        .execute(pool)
        .await?;
    }
    Ok(())
}

async fn posts(pool: &PgPool, author: UserId, at: DateTime<Utc>, count: i32) -> Result<()> {
    sqlx::query(
        "INSERT INTO posts (id, author_id, body, rank, author_followers, created_at)
         SELECT new_id($2), $1, 'a post', 0, 0, $2 FROM generate_series(1, $3)",
    )
    .bind(author.get())
    .bind(at)
    .bind(count)
    .execute(pool)
    .await?;
    Ok(())
}

/// Puts somebody into the programme since a time, with a declaration of today.
async fn member(pool: &PgPool, id: i64, tier: &str, since: DateTime<Utc>) -> Result<UserId> {
    let user = person(pool, id).await?;
    sqlx::query("INSERT INTO ambassadors (user_id, tier, since, next_review) VALUES ($1, $2, $3, $4)")
        .bind(id)
        .bind(tier)
        .bind(since)
        .bind(Month::first_whole(since).first_day())
        .execute(pool)
        .await?;
    sqlx::query(
        "INSERT INTO ambassador_declarations (user_id, version, body, made_at) VALUES ($1, 1, '없음', now())",
    )
    .bind(id)
    .execute(pool)
    .await?;
    Ok(user)
}

async fn apply(
    pool: &PgPool,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Result<madang_core::ids::ApplicationId, Refused>> {
    let mut tx = pool.begin().await?;
    let applied = applications::apply(&mut tx, user, ("none", "I like to write"), now).await?;
    tx.commit().await?;
    Ok(applied)
}

async fn decide(
    pool: &PgPool,
    id: madang_core::ids::ApplicationId,
    tier: Option<&str>,
    by: UserId,
) -> Result<Result<UserId, Refused>> {
    let mut tx = pool.begin().await?;
    let decided =
        applications::decide(&mut tx, id, &Decision { tier, reason: "looked at" }, (by, Utc::now())).await?;
    tx.commit().await?;
    Ok(decided)
}

/// Reviews everything that is over at a time.
async fn review(pool: &PgPool, now: DateTime<Utc>) -> Result<Vec<(Statement, Outcome)>> {
    let mut all = Vec::new();
    loop {
        let mut tx = pool.begin().await?;
        let Some(one) = review::next(&mut tx, Month::last_over(now), (None, now)).await? else {
            return Ok(all);
        };
        tx.commit().await?;
        all.push((one.statement, one.outcome));
    }
}

async fn state(pool: &PgPool, id: PayoutId) -> Result<State> {
    let found = payouts::list(pool, Filter { id: Some(id), ..Filter::default() }, i64::MAX, 1).await?.pop();
    Ok(found.context("no such payout")?.state)
}

async fn balanced(pool: &PgPool) -> Result<ledger::Report> {
    let report = ledger::check(pool).await?;
    ensure!(report.differences() == 0 && report.sum().is_zero(), "{report:?}");
    Ok(report)
}

/// Payouts of last month, one a member.
async fn accrued(pool: &PgPool, ids: std::ops::Range<i64>) -> Result<(Month, Vec<PayoutId>)> {
    let now = Utc::now();
    let month = Month::last_over(now);
    for id in ids {
        let user = member(pool, id, "bronze", month.bounds().0 - Duration::days(10)).await?;
        posts(pool, user, month.bounds().0 + Duration::days(1), 8).await?;
        sqlx::query("UPDATE ambassadors SET next_review = $2 WHERE user_id = $1")
            .bind(id)
            .bind(month.first_day())
            .execute(pool)
            .await?;
    }
    let made = review(pool, now).await?;
    Ok((month, made.into_iter().filter_map(|(statement, _)| statement.payout_id).collect()))
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_missing_is_said_one_by_one(pool: PgPool) -> Result<()> {
    let user = person(&pool, 1).await?;
    let unmet = async || -> Result<HashSet<&'static str>> {
        let (terms, _) = settings::current(&pool).await?;
        let mut connection = pool.acquire().await?;
        let facts = criteria::facts(&mut connection, user, &terms, Utc::now()).await?;
        let all = criteria::judge(&facts, &terms, None);
        ensure!(all.len() == 5 && all.iter().all(|one| !one.ko.is_empty() && !one.en.is_empty()));
        Ok(criteria::unmet(&all).iter().map(|one| one.code.as_str()).collect())
    };
    ensure!(unmet().await?.is_empty());
    for (break_it, mend_it, code) in [
        (
            "UPDATE posts SET listed = false WHERE author_id = 1",
            "UPDATE posts SET listed = true WHERE author_id = 1",
            Code::Posts,
        ),
        (
            "UPDATE posts SET reply_to = 5, root_id = 5 WHERE author_id = 1",
            "UPDATE posts SET reply_to = NULL, root_id = NULL WHERE author_id = 1",
            Code::Posts,
        ),
        (
            "UPDATE posts SET repost_of = 5 WHERE author_id = 1",
            "UPDATE posts SET repost_of = NULL WHERE author_id = 1",
            Code::Posts,
        ),
        (
            "UPDATE users SET created_at = now() - interval '59 days' WHERE id = 1",
            "UPDATE users SET created_at = now() - interval '61 days' WHERE id = 1",
            Code::AccountAge,
        ),
        (
            "UPDATE users SET follower_count = 99 WHERE id = 1",
            "UPDATE users SET follower_count = 100 WHERE id = 1",
            Code::Followers,
        ),
        (
            "UPDATE disclosures SET revoked_at = now()",
            "UPDATE disclosures SET revoked_at = NULL",
            Code::Disclosure,
        ),
        (
            "INSERT INTO sanctions (user_id, kind, reason_code, actor_id, statement) VALUES (1, 'warning', 'spam', 2, '{}')",
            "UPDATE sanctions SET created_at = now() - interval '91 days'",
            Code::Standing,
        ),
        (
            "INSERT INTO sanctions (user_id, kind, reason_code, actor_id, statement, created_at, expires_at)
             VALUES (1, 'limit', 'spam', 2, '{}', now() - interval '100 days', now() - interval '70 days')",
            "UPDATE sanctions SET ended_at = now() - interval '75 days', ended_by = 2 WHERE kind = 'limit'",
            Code::Standing,
        ),
        (
            "INSERT INTO sanctions (user_id, kind, reason_code, actor_id, statement, created_at)
             VALUES (1, 'ban', 'spam', 2, '{}', now() - interval '300 days')",
            "UPDATE sanctions SET ended_at = now() - interval '100 days' WHERE kind = 'ban'",
            Code::Standing,
        ),
    ] {
        sqlx::query(break_it).execute(&pool).await?;
        let found = unmet().await?;
        ensure!(found == HashSet::from([code.as_str()]), "{break_it}: {found:?}");
        sqlx::query(mend_it).execute(&pool).await?;
        let found = unmet().await?;
        ensure!(found.is_empty(), "{mend_it}: {found:?}");
    }
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn one_applies_once_waits_after_a_refusal_and_never_decides_about_oneself(pool: PgPool) -> Result<()> {
    admins(&pool).await?;
    let user = person(&pool, 1).await?;
    let now = Utc::now();
    // Many at once: one application.
    let pool = wide(&pool).await?;
    for trial in 0..20 {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let pool = pool.clone();
                tokio::spawn(async move { apply(&pool, user, now).await })
            })
            .collect();
        let mut made = 0;
        for task in tasks {
            match task.await?? {
                Ok(_) => made += 1,
                Err(refused) => ensure!(matches!(refused, Refused::Open(_)), "{refused:?}"),
            }
        }
        ensure!(made == 1, "trial {trial}: {made} applications");
        let mut tx = pool.begin().await?;
        ensure!(applications::withdraw(&mut tx, user, now).await? == (true, false));
        tx.commit().await?;
    }
    println!("trials: 20 rounds of 8 applications at once, one made in each");
    let id = apply(&pool, user, now).await?.map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
    ensure!(matches!(decide(&pool, id, None, user).await?, Err(Refused::Own)));
    ensure!(
        matches!(decide(&pool, id, Some("tin"), ADMIN).await?, Err(Refused::UnknownTier(known)) if known.len() == 3)
    );
    // 500 followers are not enough for silver.
    let refused = decide(&pool, id, Some("silver"), ADMIN).await?;
    ensure!(
        matches!(&refused, Err(Refused::Unmet(all)) if all.iter().all(|one| one.code == Code::Followers)),
        "{refused:?}"
    );
    ensure!(decide(&pool, id, None, ADMIN).await?.is_ok());
    ensure!(matches!(decide(&pool, id, None, ADMIN).await?, Err(Refused::Decided { .. })));
    let again = apply(&pool, user, now + Duration::days(29)).await?;
    ensure!(matches!(again, Err(Refused::Wait(_))), "{again:?}");
    sqlx::query("UPDATE ambassador_applications SET decided_at = decided_at - interval '31 days'")
        .execute(&pool)
        .await?;
    let id = apply(&pool, user, now).await?.map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
    ensure!(decide(&pool, id, Some("bronze"), ADMIN).await?.is_ok());
    ensure!(matches!(apply(&pool, user, now).await?, Err(Refused::Member)));
    let told: Vec<String> = sqlx::query_scalar(
        "SELECT words ->> 'ko' FROM notices WHERE user_id = 1 AND kind = 'ambassador_application'",
    )
    .fetch_all(&pool)
    .await?;
    ensure!(told.len() == 2 && told.iter().all(|words| words.contains("looked at")), "{told:?}");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn the_badge_lapses_in_the_moment_its_ground_does(pool: PgPool) -> Result<()> {
    admins(&pool).await?;
    let now = Utc::now();
    let user = member(&pool, 1, "silver", now - Duration::days(40)).await?;
    let stranger = person(&pool, 2).await?;
    let shown = badges(&pool, &[user, stranger], now).await?;
    ensure!(
        shown.len() == 1
            && shown.get(&user).is_some_and(|badge| badge.name_ko == "실버" && badge.tier == "silver")
    );
    for (break_it, mend_it) in [
        (
            "UPDATE users SET standing = 1, standing_until = now() + interval '1 day', limited_until = now() + interval '1 day' WHERE id = 1",
            "UPDATE users SET standing_until = now() - interval '1 second', limited_until = NULL WHERE id = 1",
        ),
        (
            "UPDATE users SET standing = 2, limited_until = now() + interval '1 day' WHERE id = 1",
            "UPDATE users SET standing = 0 WHERE id = 1",
        ),
        (
            "UPDATE users SET standing = 3, standing_until = NULL WHERE id = 1",
            "UPDATE users SET standing = 0 WHERE id = 1",
        ),
        (
            "UPDATE disclosures SET revoked_at = now()",
            "INSERT INTO disclosures (user_id, holdings, amounts, consent_version, granted_at) VALUES (1, false, false, 1, now())",
        ),
        (
            "UPDATE ambassador_declarations SET made_at = now() - interval '7 months'",
            "INSERT INTO ambassador_declarations (user_id, version, body, made_at) VALUES (1, 2, 'none', now())",
        ),
        (
            "UPDATE users SET deleted_at = now() WHERE id = 1",
            "UPDATE users SET deleted_at = NULL WHERE id = 1",
        ),
    ] {
        sqlx::query(break_it).execute(&pool).await?;
        ensure!(badge::badge(&pool, user, Utc::now()).await?.is_none(), "{break_it}");
        let mut connection = pool.acquire().await?;
        ensure!(
            members::list(&mut connection, None, i64::MAX, 10, Utc::now()).await?.is_empty(),
            "{break_it}"
        );
        sqlx::query(mend_it).execute(&pool).await?;
        ensure!(badge::badge(&pool, user, Utc::now()).await?.is_some(), "{mend_it}");
    }
    let mut tx = pool.begin().await?;
    let refused = members::remove(&mut tx, user, "x", (user, now)).await?;
    ensure!(refused == Err(members::Refused::Own));
    ensure!(members::remove(&mut tx, user, "x", (ADMIN, now)).await?.is_ok());
    ensure!(members::remove(&mut tx, user, "x", (ADMIN, now)).await? == Err(members::Refused::NotFound));
    tx.commit().await?;
    ensure!(badge::badge(&pool, user, now).await?.is_none());
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_month_is_reviewed_once_by_the_calendar_of_korea(pool: PgPool) -> Result<()> {
    let pool = wide(&pool).await?;
    let now: DateTime<Utc> = "2026-03-15T00:00:00Z".parse()?;
    let [january, february]: [Month; 2] = ["2026-01".parse()?, "2026-02".parse()?];
    // Since the first moment of January in Korea.
    for id in 1..=10 {
        let user = member(&pool, id, "bronze", january.bounds().0).await?;
        posts(&pool, user, january.bounds().0, 4).await?;
        posts(&pool, user, january.bounds().1 - Duration::milliseconds(1), 4).await?;
        // The first moment of February, which is January still by UTC.
        posts(&pool, user, february.bounds().0, 7).await?;
    }
    let (half, nobody) = (
        member(&pool, 11, "gold", january.bounds().0 + Duration::seconds(1)).await?,
        person(&pool, 12).await?,
    );
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { review(&pool, now).await })
        })
        .collect();
    let mut made = Vec::new();
    for task in tasks {
        made.extend(task.await??);
    }
    made.extend(review(&pool, now).await?);
    ensure!(made.len() == 21, "{} statements", made.len());
    ensure!(review(&pool, now).await?.is_empty(), "reviewed twice");
    for (statement, outcome) in &made {
        let wanted =
            if statement.month == january { (8, true, Outcome::Kept) } else { (7, false, Outcome::Warned) };
        if statement.user_id != half {
            ensure!((statement.posts, statement.met, *outcome) == wanted, "{statement:?} {outcome:?}");
            let worth = Decimal::from(if statement.met { 50_000 } else { 0 });
            ensure!(
                statement.amount == worth && statement.payout_id.is_some() == statement.met,
                "{statement:?}"
            );
        } else {
            ensure!(statement.month == february && !statement.met, "no whole January: {statement:?}");
        }
        ensure!(statement.user_id != nobody);
    }
    let report = balanced(&pool).await?;
    ensure!(report.payouts == 10 && report.expense == Decimal::from(500_000), "{report:?}");
    // March is missed by all: those who were warned are out.
    let april: DateTime<Utc> = "2026-04-01T00:00:00Z".parse()?;
    let ended = review(&pool, april).await?;
    ensure!(ended.len() == 11 && ended.iter().all(|(_, outcome)| *outcome == Outcome::Removed), "{ended:?}");
    ensure!(review(&pool, april + Duration::days(90)).await?.is_empty(), "reviewed after the end");
    let told: i64 = sqlx::query_scalar("SELECT count(*) FROM notices WHERE kind = 'ambassador_statement'")
        .fetch_one(&pool)
        .await?;
    ensure!(told == 32, "{told} notices");
    println!("trials: 8 reviewers at once, 21 statements made, each once");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn who_met_the_minimum_under_a_sanction_is_owed_nothing_even_after_leaving(pool: PgPool) -> Result<()> {
    let now = Utc::now();
    let month = Month::last_over(now);
    for (id, sql, why) in [
        (1, "UPDATE users SET standing = 3 WHERE id = 1", "sanction"),
        (2, "UPDATE disclosures SET revoked_at = now() WHERE user_id = 2", "disclosure"),
        (
            3,
            "UPDATE ambassador_declarations SET made_at = now() - interval '1 year' WHERE user_id = 3",
            "declaration",
        ),
        (4, "UPDATE users SET standing = 2 WHERE id = 4", "sanction"),
    ] {
        let user = member(&pool, id, "bronze", month.bounds().0).await?;
        posts(&pool, user, month.bounds().0, 20).await?;
        sqlx::query(sql).execute(&pool).await?;
        if id == 4 {
            let mut tx = pool.begin().await?;
            ensure!(applications::withdraw(&mut tx, user, now).await? == (false, true));
            tx.commit().await?;
        }
        let made = review(&pool, now).await?;
        let [(statement, outcome)] = made.as_slice() else { anyhow::bail!("{made:?}") };
        ensure!(statement.met && *outcome == Outcome::Kept);
        ensure!(statement.withheld.as_deref() == Some(why) && statement.amount.is_zero(), "{statement:?}");
    }
    // Who left in good standing after the month is owed it; who left before its end is not.
    let [after, before] = [
        member(&pool, 5, "bronze", month.bounds().0).await?,
        member(&pool, 6, "bronze", month.bounds().0).await?,
    ];
    for (user, at) in [(after, month.bounds().1), (before, month.bounds().1 - Duration::seconds(1))] {
        posts(&pool, user, month.bounds().0, 20).await?;
        let mut tx = pool.begin().await?;
        applications::withdraw(&mut tx, user, at).await?;
        tx.commit().await?;
    }
    let made = review(&pool, now).await?;
    ensure!(
        made.len() == 1 && made.iter().all(|(one, _)| one.user_id == after && !one.amount.is_zero()),
        "{made:?}"
    );
    balanced(&pool).await.map(drop)
}

#[sqlx::test(migrations = "../migrations")]
async fn the_database_refuses_books_that_are_cooked(pool: PgPool) -> Result<()> {
    admins(&pool).await?;
    let (_, ids) = accrued(&pool, 1..2).await?;
    let id = ids.first().context("no payout")?;
    for (sql, constraint) in [
        (
            "WITH e AS (INSERT INTO ambassador_journal (payout_id, kind, actor_id, at) VALUES ($1, 'approve', 900001, now()) RETURNING id)
             INSERT INTO ambassador_journal_lines SELECT id, 'accrued', 50000 FROM e",
            "ambassador_journal_balanced",
        ),
        (
            "WITH e AS (INSERT INTO ambassador_journal (payout_id, kind, actor_id, at) VALUES ($1, 'approve', 900001, now()) RETURNING id)
             INSERT INTO ambassador_journal_lines SELECT id, a, n FROM e, (VALUES ('accrued', 50000), ('payable', -49999)) v (a, n)",
            "ambassador_journal_balanced",
        ),
        (
            "WITH e AS (INSERT INTO ambassador_journal (payout_id, kind, actor_id, at) VALUES ($1, 'approve', 900001, now()) RETURNING id)
             INSERT INTO ambassador_journal_lines SELECT id, a, n FROM e, (VALUES ('accrued', 10), ('payable', -10)) v (a, n)",
            "ambassador_journal_state",
        ),
        (
            "WITH e AS (INSERT INTO ambassador_journal (payout_id, kind, at) VALUES ($1, 'accrue', now()) RETURNING id)
             INSERT INTO ambassador_journal_lines SELECT id, a, n FROM e, (VALUES ('expense', 50000), ('accrued', -50000)) v (a, n)",
            "ambassador_journal_state",
        ),
        (
            "WITH e AS (INSERT INTO ambassador_journal (payout_id, kind, actor_id, reverses, at)
                        SELECT $1, 'reverse', 900001, id, now() FROM ambassador_journal WHERE payout_id = $1 RETURNING id)
             INSERT INTO ambassador_journal_lines SELECT id, a, n FROM e, (VALUES ('payable', 50000), ('cash', -50000)) v (a, n)",
            "ambassador_journal_mirrored",
        ),
        (
            "INSERT INTO ambassador_journal (payout_id, kind, actor_id, at) VALUES ($1, 'approve', 1, now())",
            "ambassador_journal_four_eyes",
        ),
    ] {
        let mut tx = pool.begin().await?;
        let written = sqlx::query(sql).bind(id.get()).execute(&mut *tx).await;
        let ended = match written {
            Ok(_) => tx.commit().await,
            Err(error) => Err(error),
        };
        let error = ended.err().with_context(|| format!("accepted: {sql}"))?;
        ensure!(madang_core::db::violated(&error) == Some(constraint), "{sql}: {error}");
    }
    for table in ["statements", "payouts", "journal", "journal_lines", "pay_runs"] {
        for sql in [format!("DELETE FROM ambassador_{table}"), format!("TRUNCATE ambassador_{table} CASCADE")]
        {
            ensure!(
                sqlx::query(sqlx::AssertSqlSafe(sql.clone())).execute(&pool).await.is_err(),
                "accepted: {sql}"
            );
        }
    }
    ensure!(
        sqlx::query("UPDATE ambassador_journal_lines SET amount = amount * 2").execute(&pool).await.is_err()
    );
    ensure!(sqlx::query("UPDATE ambassador_statements SET amount = 1").execute(&pool).await.is_err());
    ensure!(state(&pool, *id).await? == State::Accrued);
    balanced(&pool).await.map(drop)
}

#[sqlx::test(migrations = "../migrations")]
async fn the_check_finds_what_was_done_behind_the_guards(pool: PgPool) -> Result<()> {
    admins(&pool).await?;
    let (month, ids) = accrued(&pool, 1..4).await?;
    for id in &ids {
        act(&pool, (*id, month), Act::Approve, ADMIN).await?;
    }
    act(&pool, (*ids.first().context("no payout")?, month), Act::ReverseAccrual, ADMIN).await?;
    balanced(&pool).await?;
    let lies = [
        "UPDATE ambassador_journal_lines SET amount = amount + 1 WHERE account = 'expense' AND amount > 0",
        "DELETE FROM ambassador_journal_lines WHERE account = 'payable'",
        "UPDATE ambassador_journal_lines SET account = 'cash' WHERE account = 'payable' AND amount < 0",
        "UPDATE ambassador_journal_lines SET amount = amount * 2",
        "UPDATE ambassador_statements SET amount = amount + 1",
        "UPDATE ambassador_payouts SET amount = amount + 1",
        "UPDATE ambassador_payouts SET month = month - interval '1 month'",
        "UPDATE ambassador_journal j SET actor_id = p.user_id FROM ambassador_payouts p WHERE p.id = j.payout_id",
        "INSERT INTO ambassador_journal (payout_id, kind, at) SELECT id, 'accrue', now() FROM ambassador_payouts",
    ];
    for lie in lies {
        let mut tx = pool.begin().await?;
        for table in ["statements", "payouts", "journal", "journal_lines"] {
            let off = format!("ALTER TABLE ambassador_{table} DISABLE TRIGGER USER");
            sqlx::query(sqlx::AssertSqlSafe(off)).execute(&mut *tx).await?;
        }
        let done = sqlx::query(lie).execute(&mut *tx).await?;
        ensure!(done.rows_affected() > 0, "{lie} changed nothing");
        let report = ledger::check(&mut *tx).await?;
        ensure!(report.differences() > 0, "not found: {lie}");
        tx.rollback().await?;
    }
    println!("trials: {} lies, all found", lies.len());
    balanced(&pool).await.map(drop)
}

/// What may be done about a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Approve,
    Pay,
    ReverseAccrual,
    ReversePayment,
}

/// What each act should do, as small as it can be said.
fn model(state: State, act: Act) -> Option<State> {
    match (state, act) {
        (State::Accrued, Act::Approve) | (State::Paid, Act::ReversePayment) => Some(State::Approved),
        (State::Approved, Act::Pay) => Some(State::Paid),
        (State::Accrued | State::Approved, Act::ReverseAccrual) => Some(State::Reversed),
        _ => None,
    }
}

/// Does it; whether it had an effect.
async fn act(pool: &PgPool, (id, month): (PayoutId, Month), act: Act, by: UserId) -> Result<bool> {
    let (mut tx, now) = (pool.begin().await?, Utc::now());
    let done = match act {
        Act::Approve => payouts::approve(&mut tx, id, (by, now)).await?.is_ok(),
        Act::Pay => pay_runs::make(&mut tx, month, (by, now)).await?.is_some(),
        Act::ReverseAccrual => {
            payouts::reverse(&mut tx, id, (Reversal::Accrual, "wrong"), (by, now)).await?.is_ok()
        }
        Act::ReversePayment => {
            payouts::reverse(&mut tx, id, (Reversal::Payment, "bounced"), (by, now)).await?.is_ok()
        }
    };
    tx.commit().await?;
    Ok(done)
}

const ACTS: [Act; 4] = [Act::Approve, Act::Pay, Act::ReverseAccrual, Act::ReversePayment];

#[sqlx::test(migrations = "../migrations")]
async fn random_acts_agree_with_the_model_and_nothing_is_paid_twice(pool: PgPool) -> Result<()> {
    admins(&pool).await?;
    let (mut trials, mut effects) = (0, 0);
    let mut dice = ChaCha8Rng::seed_from_u64(33);
    for round in 0..40 {
        let (month, ids) = accrued(&pool, 1_000 + round..1_001 + round).await?;
        let id = *ids.first().context("no payout")?;
        let mut now = State::Accrued;
        for _ in 0..12 {
            let what = ACTS.get(dice.random_range(0..ACTS.len())).copied().context("no act")?;
            // One's own: never, whatever it is.
            if what != Act::Pay {
                ensure!(
                    !act(&pool, (id, month), what, UserId::new(1_000 + round)).await?,
                    "{what:?} by the payee"
                );
            }
            let wanted = model(now, what);
            let done = act(&pool, (id, month), what, ADMIN).await?;
            // Other rounds leave approved payouts behind, which a run pays too.
            if what != Act::Pay {
                ensure!(done == wanted.is_some(), "{now:?} {what:?}: {done}");
            }
            now = wanted.unwrap_or(now);
            ensure!(state(&pool, id).await? == now, "{what:?}");
            trials += 1;
            effects += usize::from(wanted.is_some());
        }
        balanced(&pool).await?;
        let (pays, bounced): (i64, i64) = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE j.kind = 'pay'), count(*) FILTER (WHERE f.kind = 'pay')
             FROM ambassador_journal j LEFT JOIN ambassador_journal f ON f.id = j.reverses WHERE j.payout_id = $1",
        )
        .bind(id.get())
        .fetch_one(&pool)
        .await?;
        ensure!(
            pays - bounced == i64::from(now == State::Paid),
            "{pays} payments, {bounced} came back, {now:?}"
        );
    }
    ensure!(effects > 60, "only {effects} acts had an effect");
    println!(
        "trials: {trials} acts in 40 sequences, {effects} with an effect, the books balanced after each sequence"
    );
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn of_many_hands_at_once_one_has_an_effect(pool: PgPool) -> Result<()> {
    admins(&pool).await?;
    let pool = wide(&pool).await?;
    let (month, ids) = accrued(&pool, 1..21).await?;
    ensure!(ids.len() == 20, "{} payouts", ids.len());
    let mut effects = [0; 4];
    for (round, id) in ids.iter().enumerate() {
        for (place, what) in
            [Act::Approve, Act::Pay, Act::ReversePayment, Act::ReverseAccrual].into_iter().enumerate()
        {
            let tasks: Vec<_> = (0..8)
                .map(|n| {
                    let (pool, id) = (pool.clone(), *id);
                    let by = if n % 2 == 0 { ADMIN } else { OTHER_ADMIN };
                    tokio::spawn(async move { act(&pool, (id, month), what, by).await })
                })
                .collect();
            let mut done = 0;
            for task in tasks {
                done += usize::from(task.await??);
            }
            ensure!(done == 1, "round {round}: {what:?} had {done} effects");
            balanced(&pool).await?;
            if let Some(count) = effects.get_mut(place) {
                *count += done;
            }
        }
        ensure!(state(&pool, *id).await? == State::Reversed);
    }
    println!(
        "trials: 20 rounds of 8 at once for each of approve, pay, reverse a payment, reverse an accrual: {effects:?}"
    );
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn approving_paying_and_reversing_at_once_leave_the_books_balanced(pool: PgPool) -> Result<()> {
    admins(&pool).await?;
    let pool = wide(&pool).await?;
    let (month, ids) = accrued(&pool, 1..21).await?;
    for (round, id) in ids.iter().enumerate() {
        let tasks: Vec<_> = ACTS
            .into_iter()
            .cycle()
            .take(8)
            .map(|what| {
                let (pool, id) = (pool.clone(), *id);

                tokio::spawn(async move { act(&pool, (id, month), what, ADMIN).await })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        let report = balanced(&pool).await?;
        ensure!(report.payouts == 20, "round {round}: {report:?}");
    }
    println!("trials: 20 rounds of 8 mixed acts at once, the books balanced after each");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_declaration_is_asked_for_again_once_before_its_end_and_once_after(pool: PgPool) -> Result<()> {
    let now = Utc::now();
    let user = member(&pool, 1, "bronze", now).await?;
    let remind = async |at: DateTime<Utc>| -> Result<bool> {
        let mut tx = pool.begin().await?;
        let told = declarations::remind_next(&mut tx, at).await?;
        tx.commit().await?;
        Ok(told == Some(user))
    };
    for (days, told) in [(150, false), (175, true), (176, false), (190, true), (191, false), (400, false)] {
        ensure!(remind(now + Duration::days(days)).await? == told, "after {days} days");
    }
    ensure!(badge::badge(&pool, user, now + Duration::days(190)).await?.is_none());
    let mut tx = pool.begin().await?;
    ensure!(
        declarations::declare(&mut tx, user, "삼성전자 10주", now + Duration::days(190)).await? == Some(2)
    );
    ensure!(declarations::declare(&mut tx, UserId::new(5), "none", now).await?.is_none());
    tx.commit().await?;
    ensure!(badge::badge(&pool, user, now + Duration::days(190)).await?.is_some());
    ensure!(!remind(now + Duration::days(191)).await?);
    let kept = declarations::of(&pool, user, 10).await?;
    ensure!(kept.iter().map(|one| one.body.as_str()).collect::<Vec<_>>() == ["삼성전자 10주", "없음"]);
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn terms_change_by_versions_and_keep_the_tiers_that_are_held(pool: PgPool) -> Result<()> {
    admins(&pool).await?;
    let now = Utc::now();
    member(&pool, 1, "gold", now).await?;
    let (terms, version) = settings::current(&pool).await?;
    ensure!(terms.validate().is_ok() && version == 1 && terms.min_posts == 8 && terms.min_account_days == 60);
    let change = async |terms: &settings::Terms, base: i32| -> Result<Result<i32, settings::Refused>> {
        let mut tx = pool.begin().await?;
        let changed = settings::change(&mut tx, terms, base, "why not", (ADMIN, now)).await?;
        tx.commit().await?;
        Ok(changed.map(|(_, version)| version))
    };
    ensure!(change(&terms, 1).await? == Err(settings::Refused::Same));
    let mut other = terms.clone();
    other.min_posts = 5;
    ensure!(change(&other, 1).await? == Ok(2));
    ensure!(change(&terms, 1).await? == Err(settings::Refused::Stale { version: 2 }));
    let mut without = other.clone();
    without.tiers.retain(|tier| tier.code != "gold");
    ensure!(change(&without, 2).await? == Err(settings::Refused::TierHeld("gold".into())));
    for (field, won) in [
        ("tiers[0].monthly_krw", "100000001"),
        ("tiers[0].monthly_krw", "-1"),
        ("tiers[0].monthly_krw", "0.5"),
    ] {
        let mut bad = other.clone();
        if let Some(tier) = bad.tiers.first_mut() {
            tier.monthly_krw = won.parse()?;
        }
        let refused = change(&bad, 2).await?;
        ensure!(
            matches!(&refused, Err(settings::Refused::Invalid(all)) if all.iter().any(|one| one.field == field)),
            "{won}: {refused:?}"
        );
    }
    let history = settings::history(&pool).await?;
    ensure!(history.iter().map(|one| one.version).collect::<Vec<_>>() == [2, 1]);
    ensure!(statements::list(&pool, statements::Filter::default(), i64::MAX, 10).await?.is_empty());
    Ok(())
}
