//! Text rules against the real database: what catches too much goes back, and copies are found across
//! processes.

use anyhow::{Result, ensure};
use chrono::{Duration, Utc};
use madang_core::{
    ids::{PostId, UserId, id_floor},
    users::Role,
    viewer::Who,
};
use madang_moderation::{
    audit,
    screened::{Screened, copies_of},
    screener::Screener,
    text::{Action, Class, Mode, Near, Outcome, RuleKind},
    text_rules::{self, By, Content},
};
use sqlx::PgPool;

const SENIOR: Who = Who { user: UserId::new(1), role: Role::Senior };

async fn mode(pool: &PgPool, rule: madang_core::ids::RuleId) -> Result<Mode> {
    let found = text_rules::list(pool, Some(rule), 0, 1).await?;
    Ok(found.first().map_or(Mode::Off, |rule| rule.mode))
}

#[sqlx::test(migrations = "../migrations")]
async fn a_rule_that_catches_too_much_on_its_first_day_goes_back_into_shadow(pool: PgPool) -> Result<()> {
    let kind = RuleKind::Words { words: vec!["배당".into()], exceptions: Vec::new(), unless: Vec::new() };
    let content = Content { class: Class::Other, action: Action::Limit, kind };
    let now = Utc::now();
    let mut tx = pool.begin().await?;
    let by = By { who: SENIOR, now, request_id: "test" };
    let Ok(id) = text_rules::create(&mut tx, "배당", &content, by).await? else {
        anyhow::bail!("refused");
    };
    tx.commit().await?;
    sqlx::query("UPDATE text_rules SET mode = 'active', active_since = now() - interval '2 hours'")
        .execute(&pool)
        .await?;
    for (caught, screened, falls) in [(9, 400, false), (10, 499, false), (10, 500, false), (11, 500, true)] {
        sqlx::raw_sql("TRUNCATE text_rule_hits, text_screenings").execute(&pool).await?;
        sqlx::query("INSERT INTO text_screenings VALUES (date_trunc('hour', now() - interval '1 hour'), $1)")
            .bind(screened)
            .execute(&pool)
            .await?;
        let hits =
            "INSERT INTO text_rule_hits SELECT $1, n, 'active', now() FROM generate_series(1, $2::bigint) n";
        sqlx::query(hits).bind(id.get()).bind(i64::from(caught)).execute(&pool).await?;
        let mut tx = pool.begin().await?;
        let fell = text_rules::watch_new(&mut tx, now).await?;
        tx.commit().await?;
        ensure!((fell == 1) == falls, "{caught} of {screened}: {fell}");
    }
    ensure!(mode(&pool, id).await? == Mode::Shadow);
    let log = audit::list(&pool, Some(&format!("text_rule:{id}")), i64::MAX, 10).await?;
    ensure!(log.first().is_some_and(|row| row.action == "text_rule.fell_back" && row.actor_id.is_none()));
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn copies_are_found_across_processes_and_in_the_table(pool: PgPool) -> Result<()> {
    let (here, there) = (Screened::default(), Screened::default());
    let screener = Screener::built_in()?;
    let now = Utc::now();
    let text = "같이 보실 분은 카톡 phoenix77 로 오세요, 아침마다 시황을 나눕니다";
    let author = |n: i64| UserId::new(id_floor(now - Duration::days(60)) + n);
    let id = |n: i64| PostId::new(id_floor(now) + n);
    for (n, said) in [text, "같이 보실 분은 카톡 phoenix77 로 오세요!! 아침마다 시황을 나눕니다 ^^", text]
        .iter()
        .enumerate()
    {
        let n = i64::try_from(n)?;
        let screening = screener.submission(said, author(n), (&there, None), now);
        ensure!(screening.outcome == Outcome::Allow, "an old account's contact: {screening:?}");
        there.note(id(n), author(n), said, &screening);
    }
    let alone = screener.submission(text, author(9), (&here, None), now);
    ensure!(
        alone.outcome == Outcome::Allow && here.near(alone.simhash, author(9), None, now) == Near::default()
    );
    there.flush(&pool).await?;
    here.catch_up(&pool, now - Duration::seconds(30)).await?;
    let fourth = screener.submission(text, author(9), (&here, None), now);
    ensure!(fourth.outcome == Outcome::Hold, "the fourth copy of a contact: {:?}", fourth.outcome);
    ensure!(here.near(fourth.simhash, author(0), None, now) == Near { all: 3, own: 1 });
    let found: Vec<PostId> = copies_of(&pool, id(0), 10).await?.into_iter().map(|copy| copy.post).collect();
    ensure!(found == [id(2), id(1)], "{found:?}");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn rules_changed_by_an_operator_outlive_a_release_and_others_follow_it(pool: PgPool) -> Result<()> {
    ensure!(text_rules::seed(&pool).await? == 9 && text_rules::seed(&pool).await? == 0);
    sqlx::query("UPDATE text_rules SET kind = '{\"words\": {\"words\": [\"옛말\"]}}', version = CASE id WHEN 1 THEN 2 ELSE 1 END
                 WHERE id IN (1, 2)")
        .execute(&pool)
        .await?;
    ensure!(text_rules::seed(&pool).await? == 1, "only what nobody changed is made anew");
    let screener = Screener::built_in()?;
    screener.refresh(&pool).await?;
    let said = |text: &str| {
        screener.submission(text, UserId::new(1), (&Screened::default(), None), Utc::now()).outcome
    };
    ensure!(said("옛말을 쓴다") == Outcome::Mask, "the operator's word is not in force");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn texts_that_are_refused_count_against_a_rule_too_and_an_edit_is_no_copy(pool: PgPool) -> Result<()> {
    let screened = Screened::default();
    let screener = Screener::built_in()?;
    let now = Utc::now();
    let author = UserId::new(id_floor(now - Duration::days(60)));
    let post = PostId::new(id_floor(now));
    let text = "한 달 동안 지켜본 종목을 정리한 글입니다. 틀린 곳이 있으면 알려 주세요. 천천히 고치겠습니다. 고맙습니다.";
    let screening = screener.submission(text, author, (&screened, None), now);
    screened.note(post, author, text, &screening);
    ensure!(screened.near(screening.simhash, author, None, now) == Near { all: 1, own: 1 });
    ensure!(screened.near(screening.simhash, author, Some(post), now) == Near::default());
    let foul = screener.submission("병신들아", author, (&screened, None), now);
    ensure!(!foul.hits.is_empty());
    for _ in 0..3 {
        screened.note_refused(&foul);
    }
    screened.flush(&pool).await?;
    let (refused, seen): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT sum(refused)::bigint FROM text_rule_refusals), (SELECT sum(screened)::bigint FROM text_screenings)",
    )
    .fetch_one(&pool)
    .await?;
    ensure!(refused >= 3 && seen == 4, "{refused} of {seen}");
    Ok(())
}
