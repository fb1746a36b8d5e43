//! Leaving, and coming back.

use anyhow::{Context, Result, ensure};
use chrono::{Duration, Utc};
use madang_core::{
    accounts,
    handle::Handle,
    standing::{self, Standing},
    users::{self, NewUser, Role},
};
use sqlx::PgPool;

#[sqlx::test(migrations = "../migrations")]
async fn who_leaves_under_a_sanction_comes_back_under_it(pool: PgPool) -> Result<()> {
    let now = Utc::now();
    let subject = "https://id.example.com 4711";
    let person = async |handle: &str, subject: Option<&str>| -> Result<_> {
        let handle = Handle::parse(handle)?;
        let user = NewUser {
            handle: &handle,
            name: "a name",
            language: "ko",
            role: Role::Investor,
            password_hash: None,
            subject,
            now,
        };
        Ok(users::create(&pool, &user).await?)
    };
    for (n, (standing, until)) in [
        (Standing::Good, None),
        (Standing::Suspended, Some(now + Duration::days(7))),
        (Standing::Banned, None),
    ]
    .into_iter()
    .enumerate()
    {
        let first = person(&format!("before{n}"), Some(subject)).await?;
        let mut tx = pool.begin().await?;
        standing::set(&mut tx, first, (standing, until), None).await?;
        ensure!(accounts::delete(&mut tx, first, 10_000, now).await?);
        tx.commit().await?;
        person(&format!("after{n}"), Some(subject)).await?;
        let (second, _, held) = users::by_subject(&pool, subject).await?.context("nobody")?;
        ensure!(held.at(now) == standing, "{standing:?} became {:?}", held.at(now));
        let stranger = person(&format!("other{n}"), None).await?;
        let found = users::by_ids(&pool, &[stranger.get()]).await?;
        ensure!(found.iter().all(|profile| profile.standing.at(now) == Standing::Good));
        let mut tx = pool.begin().await?;
        ensure!(accounts::delete(&mut tx, second, 10_000, now).await?);
        tx.commit().await?;
        sqlx::raw_sql("DELETE FROM barred_subjects").execute(&pool).await?;
    }
    let traces: i64 =
        sqlx::query_scalar("SELECT count(*) FROM users WHERE subject IS NOT NULL").fetch_one(&pool).await?;
    ensure!(traces == 0, "who they were is still there");
    Ok(())
}
