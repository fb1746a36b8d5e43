//! What is done by the clock, against the real database: anchors of the log, what is learned, and the rule's own
//! brake.

mod support;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Duration, Utc};
use madang_core::ids::{PostId, UserId, id_floor};
use madang_moderation::{
    audit::{self, Act, Actor, Broken},
    fallback,
    learning::{self, Refit},
    rule::{Category, RuleSettings},
    settings,
};
use sqlx::{AssertSqlSafe, PgPool};
use support::{near, people, post, post_at, post_with, report_each_minute, seen_by, wide};

async fn log(pool: &PgPool, rows: usize) -> Result<()> {
    for n in 0..rows {
        let act = Act {
            actor: Actor::System,
            action: "test.done",
            object: format!("test:{n}"),
            before: None,
            after: None,
            request_id: None,
        };
        audit::append(&mut *pool.acquire().await?, &act).await?;
    }
    Ok(())
}

/// What one who owns the database can do: change a row and make the chain fit again, up to its head.
fn rewrite(seq: i64) -> String {
    format!(
        "ALTER TABLE mod_audit DISABLE TRIGGER USER;
         DO $$
         DECLARE
             held mod_audit;
             prev bytea;
         BEGIN
             UPDATE mod_audit SET object = 'test:forged' WHERE seq = {seq};
             SELECT coalesce((SELECT hash FROM mod_audit WHERE seq = {seq} - 1), '') INTO prev;
             FOR held IN SELECT * FROM mod_audit WHERE seq >= {seq} ORDER BY seq LOOP
                 UPDATE mod_audit SET prev_hash = prev, hash = audit_hash(prev, held) WHERE seq = held.seq
                     RETURNING hash INTO prev;
             END LOOP;
             UPDATE mod_audit_head SET hash = prev;
         END $$;"
    )
}

#[sqlx::test(migrations = "../migrations")]
async fn a_log_that_was_rewritten_throughout_does_not_fit_its_anchors(pool: PgPool) -> Result<()> {
    let (first, second) = (Utc::now(), Utc::now() + Duration::days(1));
    ensure!(audit::anchor(&pool, first).await?.is_none(), "an empty log has no end");
    log(&pool, 5).await?;
    let anchor = audit::anchor(&pool, first).await?.context("no anchor")?;
    ensure!((anchor.day, anchor.seq, anchor.hash.len()) == (first.date_naive(), 5, 64), "{anchor:?}");
    log(&pool, 4).await?;
    ensure!(audit::anchor(&pool, first).await?.is_none(), "one a day");
    ensure!(audit::anchor(&pool, second).await?.is_some_and(|anchor| anchor.seq == 9));
    log(&pool, 3).await?;
    ensure!(audit::verify(&pool).await? == Ok(12));
    for refused in ["UPDATE audit_anchors SET seq = 1", "DELETE FROM audit_anchors", "TRUNCATE audit_anchors"]
    {
        ensure!(sqlx::query(refused).execute(&pool).await.is_err(), "{refused} was taken");
    }
    let rewritten = |day: DateTime<Utc>, seq| Err(Broken::Rewritten { day: day.date_naive(), seq });
    for seq in 1..=12 {
        let mut tx = pool.begin().await?;
        sqlx::raw_sql(AssertSqlSafe(rewrite(seq))).execute(&mut *tx).await?;
        let expected = match seq {
            ..=5 => rewritten(first, 5),
            6..=9 => rewritten(second, 9),
            // After the last anchor it goes unseen until the next one is compared with the log shipped.
            _ => Ok(12),
        };
        let found = audit::verify_on(&mut tx).await?;
        ensure!(found == expected, "row {seq}: {found:?} instead of {expected:?}");
        tx.rollback().await?;
    }
    let mut tx = pool.begin().await?;
    let cut = "ALTER TABLE mod_audit DISABLE TRIGGER USER; DELETE FROM mod_audit WHERE seq > 7;
               UPDATE mod_audit_head SET seq = 7, hash = (SELECT hash FROM mod_audit WHERE seq = 7)";
    sqlx::raw_sql(cut).execute(&mut *tx).await?;
    ensure!(audit::verify_on(&mut tx).await? == rewritten(second, 9), "rows cut off with their head");
    tx.rollback().await?;
    println!("13 logs forged, those from the last anchor on apart all found");
    Ok(())
}

/// Eight processes do the same at once; how many of them did it.
async fn at_once<T: Send + 'static, F>(pool: &PgPool, task: fn(PgPool) -> F) -> Result<usize>
where
    F: Future<Output = sqlx::Result<Option<T>>> + Send + 'static,
{
    let tasks: Vec<_> = (0..8).map(|_| tokio::spawn(task(pool.clone()))).collect();
    let mut done = 0;
    for task in tasks {
        done += usize::from(task.await??.is_some());
    }
    Ok(done)
}

#[sqlx::test(migrations = "../migrations")]
async fn of_many_processes_one_anchors_fits_and_counts(pool: PgPool) -> Result<()> {
    let pool = wide(&pool).await?;
    log(&pool, 3).await?;
    kept(&pool, 20, 9e-4, Duration::days(1)).await?;
    let anchored = at_once(&pool, |pool| async move { audit::anchor(&pool, Utc::now()).await }).await?;
    let fitted = at_once(&pool, |pool| async move { learning::refit(&pool, Utc::now()).await }).await?;
    ensure!((anchored, fitted) == (1, 1), "{anchored} anchors, {fitted} fits");
    ensure!(audit::verify(&pool).await? == Ok(4));
    pool.close().await;
    Ok(())
}

/// Reported posts that a moderator kept so long ago, with that much evidence a viewer.
async fn kept(pool: &PgPool, count: i32, rate: f64, ago: Duration) -> Result<()> {
    decided(pool, count, rate, 1_000, "keep", ago).await
}

async fn decided(
    pool: &PgPool,
    count: i32,
    rate: f64,
    viewers: i32,
    kind: &str,
    ago: Duration,
) -> Result<()> {
    sqlx::query(
        "WITH made AS (
             INSERT INTO mod_cases (post_id, state, score, viewers, rule_version, decided_at)
             SELECT nextval('id_low'), 'decided', $2 * $3, $3, 0, $5 FROM generate_series(1, $1) RETURNING id, post_id)
         INSERT INTO mod_decisions (case_id, post_id, author_id, kind, actor_kind, actor_id, reason_code, automated,
                                    statement, previous_state, new_state, revision)
         SELECT id, post_id, 1, $4, 'moderator', 2, 'abuse', false, '{}', 0, 0, 0 FROM made",
    )
    .bind(count)
    .bind(rate)
    .bind(viewers)
    .bind(kind)
    .bind(Utc::now() - ago)
    .execute(pool)
    .await?;
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn the_noise_rate_moves_a_quarter_at_most_and_once_a_week(pool: PgPool) -> Result<()> {
    let now = Utc::now();
    let rate = async || anyhow::Ok(settings::current(&pool).await?.0.noise_rate);
    settings::set(&pool, &RuleSettings { plain_n: 9, ..RuleSettings::default() }, None, now).await?;
    kept(&pool, 19, 9e-4, Duration::days(1)).await?;
    // What was removed, long ago, or seen by few teaches nothing.
    decided(&pool, 9, 9e-4, 1_000, "remove", Duration::days(1)).await?;
    decided(&pool, 9, 9e-4, 199, "keep", Duration::days(1)).await?;
    kept(&pool, 9, 9e-4, Duration::days(91)).await?;
    ensure!(learning::refit(&pool, now).await?.is_none(), "nineteen are too few");
    ensure!(near(Some(rate().await?), 2e-4));
    kept(&pool, 1, 9e-4, Duration::days(80)).await?;
    let first = learning::refit(&pool, now).await?.context("no fit")?;
    ensure!(near(Some(first.noise_rate * 1e4), 2.5) && first.cases == 20, "{first:?}");
    let (rule, version) = settings::current(&pool).await?;
    ensure!(version == first.version && rule.plain_n == 9, "the other settings stay: {rule:?}");
    ensure!((rule.noise_rate - first.noise_rate).abs() < 1e-12);
    for early in [now, now + Duration::days(6)] {
        ensure!(learning::refit(&pool, early).await?.is_none(), "too early");
    }
    let second: Refit = learning::refit(&pool, now + Duration::days(8)).await?.context("no second fit")?;
    ensure!(near(Some(second.noise_rate * 1e4), 3.125), "{second:?}");
    let (actor, before, after): (String, f64, f64) = sqlx::query_as(
        "SELECT actor_role, (before->>'noise_rate')::float8, (after->>'noise_rate')::float8
         FROM mod_audit WHERE action = 'rule.refitted' ORDER BY seq LIMIT 1",
    )
    .fetch_one(&pool)
    .await?;
    ensure!(actor == "system" && near(Some(before * 1e4), 2.0) && near(Some(after * 1e4), 2.5));
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn the_rule_falls_back_once_when_moderators_keep_too_many_of_the_posts_it_blocked(
    pool: PgPool,
) -> Result<()> {
    let now = Utc::now();
    settings::set(&pool, &RuleSettings { overturn_window: 20, ..RuleSettings::default() }, None, now).await?;
    for (count, kind) in [(17, "remove"), (2, "keep")] {
        decided(&pool, count, 0.0, 1_000, kind, Duration::days(1)).await?;
    }
    let blocks = "INSERT INTO mod_decisions (case_id, post_id, author_id, kind, actor_kind, reason_code, automated, statement,
                                             previous_state, new_state, revision, created_at)
                  SELECT id, post_id, 1, 'block', 'system', 'abuse', true, '{}', 0, 2, 0, now() - interval '1 day'
                  FROM mod_cases c
                  WHERE NOT EXISTS (SELECT FROM mod_decisions d WHERE d.case_id = c.id AND d.kind = 'block')";
    sqlx::query(blocks).execute(&pool).await?;
    fallback::review(&pool, now).await?;
    ensure!(!settings::current(&pool).await?.0.limit_only, "nineteen say nothing yet");
    decided(&pool, 1, 0.0, 1_000, "keep", Duration::days(1)).await?;
    sqlx::query(blocks).execute(&pool).await?;
    let mut other = pool.begin().await?;
    settings::lock(&mut other).await?;
    fallback::review(&pool, now).await?;
    ensure!(!settings::current(&pool).await?.0.limit_only, "somebody changes the settings just now");
    other.rollback().await?;
    for _ in 0..2 {
        fallback::review(&pool, now).await?;
        let (rule, version) = settings::current(&pool).await?;
        ensure!(rule.limit_only && rule.overturn_window == 20 && version == 2, "version {version}: {rule:?}");
    }
    let again = RuleSettings { limit_only: false, ..settings::current(&pool).await?.0 };
    settings::set(&pool, &again, Some(UserId::new(1)), Utc::now()).await?;
    fallback::review(&pool, now).await?;
    ensure!(!settings::current(&pool).await?.0.limit_only, "the same blocks end what an admin decided");
    Ok(())
}

async fn ticker(pool: &PgPool, code: &str) -> Result<i32> {
    let sql =
        "INSERT INTO tickers (market, code, name, currency, time_zone) VALUES ('XNAS', $1, $1, 'USD', 'UTC')
               RETURNING id";
    Ok(sqlx::query_scalar(sql).bind(code).fetch_one(pool).await?)
}

async fn post_on(pool: &PgPool, author: UserId, tickers: &[i32], viewers: i32) -> Result<PostId> {
    let post = post(pool, author).await?;
    put_on(pool, post, tickers, viewers).await?;
    Ok(post)
}

async fn put_on(pool: &PgPool, post: PostId, tickers: &[i32], viewers: i32) -> Result<()> {
    sqlx::query(
        "INSERT INTO post_tickers (post_id, ticker_id, position) SELECT $1, t, 0 FROM unnest($2::int[]) t",
    )
    .bind(post.get())
    .bind(tickers)
    .execute(pool)
    .await?;
    seen_by(pool, post, 1..viewers + 1).await
}

/// As the clock does it each hour.
async fn learn(pool: &PgPool, now: DateTime<Utc>) -> Result<Option<u64>> {
    learning::count_days(pool, now).await?;
    Ok(learning::refresh_rates(pool, now).await?)
}

/// Whether the post's case looks like a brigade, and why.
async fn alarm(pool: &PgPool, post: PostId) -> Result<(bool, Option<String>)> {
    let sql = "SELECT brigade, verdict->'brigade'->>'reason' FROM mod_cases WHERE post_id = $1";
    Ok(sqlx::query_as(sql).bind(post.get()).fetch_one(pool).await?)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_post_reported_far_above_what_is_usual_under_its_ticker_raises_the_alarm(
    pool: PgPool,
) -> Result<()> {
    let everybody = people(&pool, 61).await?;
    let (author, reporters) = everybody.split_first().context("people")?;
    let mut groups = reporters.chunks(6);
    let mut next = || groups.next().context("reporters");
    let now = Utc::now();
    let earlier = now - Duration::hours(1);
    let [calm, heated, small] =
        [ticker(&pool, "CALM").await?, ticker(&pool, "HEAT").await?, ticker(&pool, "SMALL").await?];
    post_on(&pool, *author, &[calm], 900).await?;
    post_on(&pool, *author, &[small], 799).await?;
    // Twelve reports among a thousand views are usual under the heated one.
    let disputed = post_on(&pool, *author, &[heated], 1_000).await?;
    for _ in 0..2 {
        report_each_minute(&pool, disputed, next()?, Category::FalseInformation, earlier).await?;
    }
    let before = post_on(&pool, *author, &[calm], 100).await?;
    report_each_minute(&pool, before, next()?, Category::FalseInformation, earlier).await?;
    ensure!(alarm(&pool, before).await? == (false, None), "nothing is known of the ticker yet");
    // Had these been one voice they would not count, as those of this post do not.
    let brigaded = post_on(&pool, *author, &[small], 200).await?;
    report_each_minute(&pool, brigaded, next()?, Category::FalseInformation, earlier).await?;
    sqlx::query("UPDATE mod_cases SET verdict = jsonb_set(verdict, '{brigade}', '{\"reason\": \"one_cluster\"}') WHERE post_id = $1")
        .bind(brigaded.get())
        .execute(&pool)
        .await?;

    ensure!(learn(&pool, now).await? == Some(2), "999 views are too few");
    let rates: Vec<(i32, i64, i64, f64)> =
        sqlx::query_as("SELECT ticker_id, reports, views, rate FROM ticker_report_rates ORDER BY ticker_id")
            .fetch_all(&pool)
            .await?;
    ensure!(rates == [(calm, 6, 1_000, 7.0 / 1_000.0), (heated, 12, 1_000, 13.0 / 1_000.0)], "{rates:?}");
    let after = post_on(&pool, *author, &[calm, small], 100).await?;
    report_each_minute(&pool, after, next()?, Category::FalseInformation, earlier).await?;
    ensure!(alarm(&pool, after).await? == (true, Some("rate_over_usual".to_owned())));
    let both = post_on(&pool, *author, &[calm, heated], 100).await?;
    report_each_minute(&pool, both, next()?, Category::FalseInformation, earlier).await?;
    ensure!(!alarm(&pool, both).await?.0, "under one of its tickers that is usual");

    ensure!(learn(&pool, now + Duration::hours(23)).await?.is_none(), "once a day");
    ensure!(learn(&pool, now + Duration::hours(25)).await? == Some(3), "the small one grew");
    let small: (i64, i64) =
        sqlx::query_as("SELECT reports, views FROM ticker_report_rates WHERE ticker_id = $1")
            .bind(small)
            .fetch_one(&pool)
            .await?;
    ensure!(small == (6, 1_099), "what one voice reported does not become usual: {small:?}");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn young_days_are_counted_again_more_often_than_old_ones(pool: PgPool) -> Result<()> {
    let author = people(&pool, 1).await?.first().copied().context("somebody")?;
    let now = Utc::now();
    post_on(&pool, author, &[], 7).await?;
    ensure!(learning::count_days(&pool, now).await? == 30);
    ensure!(learning::count_days(&pool, now).await? == 0, "all are fresh");
    post_on(&pool, author, &[], 3).await?;
    let again = learning::count_days(&pool, now + Duration::minutes(61)).await?;
    ensure!((1..=3).contains(&again), "{again} days were counted again");
    let today: (i64, i64) = sqlx::query_as("SELECT sum(posts)::bigint, sum(views)::bigint FROM reach_days")
        .fetch_one(&pool)
        .await?;
    ensure!(today == (2, 10), "{today:?}");
    ensure!(learning::count_days(&pool, now + Duration::hours(30)).await? > 15);
    Ok(())
}

/// The days that were counted, the oldest first, as so many days ago.
async fn counted(pool: &PgPool, now: DateTime<Utc>) -> Result<Vec<i32>> {
    let sql = "SELECT $1 - day FROM reach_days ORDER BY day";
    Ok(sqlx::query_scalar(sql).bind(now.date_naive()).fetch_all(pool).await?)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_run_without_time_counts_the_newest_day_and_the_next_ones_go_on(pool: PgPool) -> Result<()> {
    let now = Utc::now().date_naive().and_time(chrono::NaiveTime::MIN).and_utc() + Duration::hours(12);
    let hurried = std::time::Duration::ZERO;
    for days in [vec![0], vec![1, 0], vec![2, 1, 0]] {
        ensure!(learning::count_days_for(&pool, now, hurried).await? == 1);
        ensure!(counted(&pool, now).await? == days, "{:?}", counted(&pool, now).await?);
    }
    // What was never counted comes before what is out of date, and of that the most so for its age.
    let later = now + Duration::hours(3);
    let today = later.date_naive();
    sqlx::query("INSERT INTO reach_days SELECT $1::date - n, 0, 0, $2 FROM generate_series(0, 28) n ON CONFLICT DO NOTHING")
        .bind(today)
        .bind(now)
        .execute(&pool)
        .await?;
    sqlx::query("UPDATE reach_days SET counted_at = $2 WHERE day = $1")
        .bind(today - Duration::days(7))
        .bind(now - Duration::days(60))
        .execute(&pool)
        .await?;
    let newest = "SELECT $1 - day FROM reach_days WHERE counted_at > $2 ORDER BY counted_at DESC";
    for (expected, minutes) in [(29, 0), (7, 1), (0, 2)] {
        let at = later + Duration::minutes(minutes);
        ensure!(learning::count_days_for(&pool, at, hurried).await? == 1);
        let found: i32 = sqlx::query_scalar(newest).bind(today).bind(now).fetch_one(&pool).await?;
        ensure!(found == expected, "{found} instead of {expected} days ago");
    }
    Ok(())
}

/// Waits until so many sessions hold or wait for what keeps the partitions of views as they are.
async fn until_at_partitions(pool: &PgPool, sessions: i64) -> Result<()> {
    let sql = "SELECT count(*) FROM pg_locks
               WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                 AND objsubid = 1 AND objid::bigint = hashtext('keep_view_partitions')::bigint & 4294967295";
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let found: i64 = sqlx::query_scalar(sql).fetch_one(pool).await?;
        if found == sessions {
            return Ok(());
        }
        ensure!(std::time::Instant::now() < deadline, "{found} sessions instead of {sessions}");
        tokio::task::yield_now().await;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_run_that_is_cut_off_within_a_day_keeps_those_before_it_and_the_next_one_goes_on(
    pool: PgPool,
) -> Result<()> {
    let pool = wide(&pool).await?;
    let now = Utc::now();
    let author = people(&pool, 1).await?.first().copied().context("somebody")?;
    for back in 0..30 {
        let post = post_at(&pool, author, now - Duration::days(back)).await?;
        seen_by(&pool, post, 1..2 + 1).await?;
    }
    ensure!(learning::count_days_for(&pool, now, std::time::Duration::ZERO).await? == 1);
    let mut others = pool.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('keep_view_partitions'))")
        .execute(&mut *others)
        .await?;
    let run = tokio::spawn({
        let pool = pool.clone();
        async move { learning::count_days(&pool, now).await }
    });
    until_at_partitions(&pool, 2).await?;
    let second = learning::count_days(&pool, now);
    let second = tokio::time::timeout(std::time::Duration::from_secs(60), second).await??;
    ensure!(second == 0, "another process is at it");
    run.abort();
    ensure!(run.await.is_err_and(|error| error.is_cancelled()));
    others.rollback().await?;
    until_at_partitions(&pool, 0).await?;
    ensure!(counted(&pool, now).await? == [0], "{:?}", counted(&pool, now).await?);
    ensure!(learning::count_days(&pool, now).await? == 29);
    let all: (i64, i64) = sqlx::query_as("SELECT sum(posts)::bigint, sum(views)::bigint FROM reach_days")
        .fetch_one(&pool)
        .await?;
    ensure!(all == (30, 60), "{all:?}");
    pool.close().await;
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_day_that_cannot_be_counted_does_not_hold_up_the_others(pool: PgPool) -> Result<()> {
    let now = Utc::now();
    let broken = now.date_naive() - Duration::days(1);
    let sql = format!("ALTER TABLE reach_days ADD CONSTRAINT broken CHECK (day <> '{broken}')");
    sqlx::query(AssertSqlSafe(sql)).execute(&pool).await?;
    ensure!(learning::count_days(&pool, now).await.is_err(), "it is told");
    let days = counted(&pool, now).await?;
    ensure!(days.len() == 29 && !days.contains(&1), "{days:?}");
    sqlx::query("ALTER TABLE reach_days DROP CONSTRAINT broken").execute(&pool).await?;
    ensure!(learning::count_days(&pool, now).await? == 1, "the one that is missing");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_day_that_another_process_counted_meanwhile_is_left_alone(pool: PgPool) -> Result<()> {
    let now = Utc::now();
    let today = now.date_naive();
    // With today's count that of the day before appears, which the run already holds for due.
    let sql = format!(
        "CREATE FUNCTION another_process() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO reach_days VALUES (NEW.day - 1, 7, 7, NEW.counted_at); RETURN NULL; END $$;
         CREATE TRIGGER another_process AFTER INSERT ON reach_days FOR EACH ROW WHEN (NEW.day = '{today}')
             EXECUTE FUNCTION another_process()"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&pool).await?;
    ensure!(learning::count_days(&pool, now).await? == 29);
    let views: i64 = sqlx::query_scalar("SELECT views FROM reach_days WHERE day = $1")
        .bind(today - Duration::days(1))
        .fetch_one(&pool)
        .await?;
    ensure!(views == 7, "{views}");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn of_many_processes_each_day_is_counted_by_one(pool: PgPool) -> Result<()> {
    let pool = wide(&pool).await?;
    let now = Utc::now();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { learning::count_days(&pool, now).await })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await??;
    }
    ensure!(done == 30, "{done} days were counted");
    ensure!(counted(&pool, now).await? == (0..30).rev().collect::<Vec<_>>());
    pool.close().await;
    Ok(())
}

/// Four hundred posts, some on the edges of days and some before the days that are counted, on up to three of six
/// tickers, seen and reported differently; some reports are withdrawn, and those of some cases one voice.
async fn a_month_of_posts(pool: &PgPool, reporters: &[UserId], now: DateTime<Utc>) -> Result<Vec<i32>> {
    let author = *reporters.first().context("somebody")?;
    let mut tickers = Vec::new();
    for code in ["A", "B", "C", "D", "E", "F"] {
        tickers.push(ticker(pool, code).await?);
    }
    let midnight = now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    for n in 0..400_i32 {
        // The first ids of a day, the last ones, and some within.
        let (of_day, low) = match n % 3 {
            0 => (0, n / 96),
            1 => (86_399_999, 4_095 - n / 96),
            _ => (i64::from(n) * 7_919_113 % 86_400_000, n),
        };
        let at = midnight - Duration::days(i64::from(n % 32)) + Duration::milliseconds(of_day);
        let post = post_with(pool, author, id_floor(at) + i64::from(low), at).await?;
        let on: Vec<_> =
            (0..n % 4).filter_map(|k| tickers.get(usize::try_from((n / 7 + k) % 6).ok()?).copied()).collect();
        put_on(pool, post, &on, n * 31 % 23).await?;
        if n % 5 == 0 {
            reported(pool, post, usize::try_from(n % 7)?, n % 3 == 0).await?;
        }
    }
    Ok(tickers)
}

/// So many reports, the first of them withdrawn.
async fn reported(pool: &PgPool, post: PostId, reports: usize, one_voice: bool) -> Result<()> {
    sqlx::query(
        "WITH opened AS (
             INSERT INTO mod_cases (post_id, rule_version, verdict)
             VALUES ($1, 1, CASE WHEN $3 THEN '{\"brigade\": {\"reason\": \"one_cluster\"}}' ELSE '{}' END::jsonb) RETURNING id)
         INSERT INTO reports (post_id, revision, case_id, reporter_id, category, status)
         SELECT $1, 0, id, n, 'spam', CASE WHEN n = 1 THEN 'withdrawn' ELSE 'pending' END
         FROM opened, generate_series(1, $2) n",
    )
    .bind(post.get())
    .bind(i64::try_from(reports)?)
    .bind(one_voice)
    .execute(pool)
    .await?;
    Ok(())
}

/// Of each ticker its reports and views, counted at once over all posts of the last thirty days.
async fn by_one_count(pool: &PgPool, now: DateTime<Utc>) -> Result<Vec<(i32, i64, i64)>> {
    let sql = "SELECT t.ticker_id,
                   sum((SELECT count(*) FROM reports r JOIN mod_cases c ON c.id = r.case_id
                        WHERE r.post_id = t.post_id AND r.status <> 'withdrawn'
                          AND c.verdict->'brigade'->>'reason' IS DISTINCT FROM 'one_cluster'))::bigint,
                   sum((SELECT count(*) FROM post_views v WHERE v.post_id = t.post_id))::bigint
               FROM post_tickers t JOIN posts p ON p.id = t.post_id
               WHERE p.created_at >= $1 AND EXISTS (SELECT FROM post_views v WHERE v.post_id = t.post_id)
               GROUP BY t.ticker_id ORDER BY t.ticker_id";
    let first = (now.date_naive() - Duration::days(29)).and_time(chrono::NaiveTime::MIN).and_utc();
    Ok(sqlx::query_as(sql).bind(first).fetch_all(pool).await?)
}

/// What is kept of each ticker for the days that are counted, added up.
async fn by_day(pool: &PgPool, now: DateTime<Utc>) -> Result<Vec<(i32, i64, i64)>> {
    let sql = "SELECT ticker_id, sum(reports)::bigint, sum(views)::bigint FROM ticker_reach_days
               WHERE day > $1 GROUP BY ticker_id ORDER BY ticker_id";
    Ok(sqlx::query_as(sql).bind(now.date_naive() - Duration::days(30)).fetch_all(pool).await?)
}

#[sqlx::test(migrations = "../migrations")]
async fn the_sums_by_day_equal_a_count_over_the_whole(pool: PgPool) -> Result<()> {
    let now = Utc::now();
    let tickers = a_month_of_posts(&pool, &people(&pool, 7).await?, now).await?;
    ensure!(learning::count_days(&pool, now).await? == 30);
    let whole = by_one_count(&pool, now).await?;
    ensure!(whole.len() == 6 && whole.iter().all(|(_, reports, _)| *reports > 0), "{whole:?}");
    ensure!(by_day(&pool, now).await? == whole, "{:?} instead of {whole:?}", by_day(&pool, now).await?);
    let days = "SELECT day, posts, views FROM reach_days ORDER BY day";
    let at_once = "SELECT (p.created_at AT TIME ZONE 'UTC')::date AS day, count(*),
                       sum((SELECT count(*) FROM post_views v WHERE v.post_id = p.id))::bigint
                   FROM posts p WHERE (p.created_at AT TIME ZONE 'UTC')::date > $1 GROUP BY 1 ORDER BY 1";
    let days: Vec<(chrono::NaiveDate, i64, i64)> = sqlx::query_as(days).fetch_all(&pool).await?;
    let before = now.date_naive() - Duration::days(30);
    ensure!(days == sqlx::query_as(at_once).bind(before).fetch_all(&pool).await?, "{days:?}");

    // Counted again a day is not added to what it was, and what is under a ticker no longer is gone.
    let busy = post_at(&pool, UserId::new(1), now - Duration::days(9)).await?;
    put_on(&pool, busy, tickers.get(..2).context("two")?, 2_000).await?;
    sqlx::query("DELETE FROM post_tickers WHERE ticker_id = $1").bind(tickers.last()).execute(&pool).await?;
    sqlx::query("UPDATE reach_days SET counted_at = counted_at - interval '40 days'").execute(&pool).await?;
    ensure!(learning::count_days(&pool, now).await? == 30);
    let whole = by_one_count(&pool, now).await?;
    ensure!(whole.len() == 5 && by_day(&pool, now).await? == whole, "{whole:?}");

    let usual: Vec<_> = whole.into_iter().filter(|(.., views)| *views >= 1_000).collect();
    ensure!((2..5).contains(&usual.len()), "{usual:?}");
    ensure!(learning::refresh_rates(&pool, now).await? == Some(usual.len() as u64));
    let sql = "SELECT ticker_id, reports, views FROM ticker_report_rates ORDER BY ticker_id";
    let rates: Vec<(i32, i64, i64)> = sqlx::query_as(sql).fetch_all(&pool).await?;
    ensure!(rates == usual, "{rates:?} instead of {usual:?}");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn sums_of_tickers_are_forgotten_after_a_month_and_those_of_all_are_not(pool: PgPool) -> Result<()> {
    let now = Utc::now();
    let old = "INSERT INTO ticker_reach_days SELECT $1::date - n, n, 0, 5000 FROM unnest('{29, 30, 31, 32, 60}'::int[]) n";
    sqlx::query(old).bind(now.date_naive()).execute(&pool).await?;
    sqlx::query("INSERT INTO reach_days VALUES ($1::date - 60, 1, 1, now())")
        .bind(now.date_naive())
        .execute(&pool)
        .await?;
    ensure!(learning::refresh_rates(&pool, now).await? == Some(1), "the last thirty days only");
    ensure!(learning::count_days(&pool, now).await? == 30);
    let left: Vec<i32> = sqlx::query_scalar("SELECT ticker_id FROM ticker_reach_days ORDER BY ticker_id")
        .fetch_all(&pool)
        .await?;
    // That of 29 days ago was counted anew.
    ensure!(left == [30, 31], "{left:?}");
    ensure!(counted(&pool, now).await?.first() == Some(&60));
    Ok(())
}
