//! Statistics and transparency reports against the real database.

mod support;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Duration, TimeZone, Utc};
use madang_core::{
    ids::{AppealId, DecisionId, PostId, UserId},
    users::Role,
};
use madang_moderation::{
    appeals::{self, Answer, Outcome},
    decisions::Measure,
    learning,
    reports::{self, NewReport},
    rule::Category,
    screened::Screened,
    statistics::{self, Stats},
    submissions,
    transparency::{self, Failed, Month},
};
use sqlx::PgPool;
use support::{decide, moderator, near, people, post, report_each_minute, screener, seen_by, who, wide};

async fn appeal(pool: &PgPool, author: UserId, decision: DecisionId, now: DateTime<Utc>) -> Result<AppealId> {
    let mut tx = pool.begin().await?;
    let sent = appeals::send(
        &mut tx,
        who(author, Role::Investor),
        appeals::Against::Decision(decision),
        "why",
        now,
        "test",
    )
    .await?;
    tx.commit().await?;
    sent.map_err(|refused| anyhow::anyhow!("{refused:?}"))
}

async fn answer(pool: &PgPool, appeal: AppealId, outcome: Outcome, now: DateTime<Utc>) -> Result<()> {
    let moderator = moderator(pool).await?;
    let mut tx = pool.begin().await?;
    let given = Answer { appeal, moderator, outcome, words: "", now, request_id: "test" };
    let answered = appeals::answer(&mut tx, &given).await?;
    tx.commit().await?;
    ensure!(answered.is_ok(), "{answered:?}");
    Ok(())
}

async fn hold(pool: &PgPool, author: UserId, now: DateTime<Utc>) -> Result<PostId> {
    let post = post(pool, author).await?;
    let words = "수익률 300% 보장 무료 체험방 입장하세요 open.kakao.com/o/gAb12CdE";
    let screening = screener()?.submission(words, author, (&Screened::default(), None), now);
    let mut tx = pool.begin().await?;
    ensure!(submissions::restrict(&mut tx, post, &screening, now, "test").await?, "{screening:?}");
    tx.commit().await?;
    Ok(post)
}

async fn automated(pool: &PgPool, post: PostId, kind: &str) -> Result<DecisionId> {
    let id: i64 =
        sqlx::query_scalar("SELECT id FROM mod_decisions WHERE post_id = $1 AND kind = $2 AND automated")
            .bind(post.get())
            .bind(kind)
            .fetch_one(pool)
            .await?;
    Ok(DecisionId::new(id))
}

async fn month(pool: &PgPool, now: DateTime<Utc>) -> Result<Stats> {
    Ok(statistics::stats(pool, now - Duration::days(30), now).await?)
}

#[sqlx::test(migrations = "../migrations")]
async fn an_empty_database_gives_zeros_and_nulls(pool: PgPool) -> Result<()> {
    let now = Utc::now();
    let stats = month(&pool, now).await?;
    ensure!(
        stats.reports.by_category.is_empty() && stats.moderators.is_empty() && stats.text_rules.is_empty()
    );
    let mut json = serde_json::to_value(&stats)?;
    let mut leaves = Vec::new();
    for (name, part) in json.as_object_mut().context("an object")? {
        match name.as_str() {
            "from" | "until" => {}
            _ => collect(part, &mut leaves),
        }
    }
    ensure!(leaves.len() > 40, "only {} numbers", leaves.len());
    ensure!(leaves.iter().all(|leaf| leaf.is_null() || *leaf == 0), "{leaves:?}");
    ensure!(stats.auto_blocks.precision.is_none() && stats.appeals.overturn_rate.is_none());
    let report = transparency::report(&pool, now.format("%Y-%m").to_string().parse()?, now).await?;
    ensure!(report.measures.imposed == 0 && report.measures.automated_share.is_none() && !report.complete);
    ensure!(report.log.rows == 0 && report.log.last_hash.is_none() && report.reports.is_empty());
    ensure!(report.markdown().contains("# Transparency report"));
    statistics::observe(&pool, now).await?;
    Ok(())
}

fn collect(value: &serde_json::Value, leaves: &mut Vec<serde_json::Value>) {
    match value {
        serde_json::Value::Object(members) => members.values().for_each(|member| collect(member, leaves)),
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, leaves)),
        leaf => leaves.push(leaf.clone()),
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_numbers_of_a_small_history_are_those_one_counts_by_hand(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 60).await?;
    let (author, reporters) = everybody.split_first().context("people")?;
    let mut groups = reporters.chunks(13);
    let mut next = || groups.next().context("reporters");
    let now = Utc::now();
    let start = now - Duration::hours(20);
    // Seven newcomers limit a new author's post, thirteen block it.
    let (bad, good, waiting) =
        (post(&pool, *author).await?, post(&pool, *author).await?, post(&pool, *author).await?);
    seen_by(&pool, bad, 1..100 + 1).await?;
    report_each_minute(&pool, bad, next()?, Category::Abuse, start).await?;
    report_each_minute(&pool, good, next()?, Category::Abuse, start).await?;
    report_each_minute(&pool, waiting, next()?.get(..2).context("two")?, Category::Spam, start).await?;
    let removal = decide(&pool, bad, Measure::Remove, start + Duration::hours(1)).await?;
    decide(&pool, good, Measure::Keep, start + Duration::hours(2)).await?;
    let sent = appeal(&pool, *author, removal, start + Duration::hours(3)).await?;
    answer(&pool, sent, Outcome::Upheld, start + Duration::hours(5)).await?;
    let [innocent, held] = [hold(&pool, *author, start).await?, hold(&pool, *author, start).await?];
    decide(&pool, innocent, Measure::Keep, start + Duration::hours(4)).await?;
    appeal(&pool, *author, automated(&pool, held, "hold").await?, now - Duration::hours(25)).await?;
    ensure!(learning::count_days(&pool, now).await? == 30);

    let stats = month(&pool, now).await?;
    let blocks = stats.auto_blocks;
    ensure!(
        (blocks.imposed, blocks.reviewed, blocks.upheld, blocks.overturned) == (2, 2, 1, 1),
        "{blocks:?}"
    );
    ensure!(near(blocks.precision, 0.5), "{blocks:?}");
    let times = stats.times;
    ensure!(times.to_limit.count == 2 && near(times.to_limit.p50, 360.0), "{times:?}");
    ensure!(times.to_block.count == 2 && near(times.to_block.p99, 720.0), "{times:?}");
    ensure!(times.to_verdict.count == 2 && near(times.to_verdict.p50, 5_400.0), "{times:?}");
    let exposure = stats.viewers_before_block;
    ensure!(exposure.count == 2 && near(exposure.p50, 50.0) && near(exposure.p90, 90.0), "{exposure:?}");
    let reports = &stats.reports;
    ensure!((reports.filed, reports.posts, reports.views) == (28, 5, 100), "{reports:?}");
    ensure!(near(reports.agreed_share, 0.5), "{reports:?}");
    let [abuse, spam] = &reports.by_category[..] else { anyhow::bail!("{reports:?}") };
    ensure!((abuse.filed, abuse.agreed, abuse.disagreed, abuse.pending) == (26, 13, 13, 0), "{abuse:?}");
    ensure!(near(abuse.per_10k_posts, 52_000.0) && near(abuse.per_million_views, 260_000.0), "{abuse:?}");
    ensure!((spam.filed, spam.pending) == (2, 2), "{spam:?}");
    ensure!((stats.reporters.weighed, stats.reporters.clustered) == (28, 0), "{:?}", stats.reporters);
    let queue = stats.queue;
    ensure!((queue.depth, queue.escalated) == (2, 0), "{queue:?}");
    ensure!(near(queue.oldest_seconds, 72_000.0) && near(queue.age_seconds.p90, 72_000.0), "{queue:?}");
    let appeals = stats.appeals;
    ensure!((appeals.open, appeals.overdue, appeals.sent) == (1, 1, 2), "{appeals:?}");
    ensure!((appeals.answered, appeals.overturned) == (1, 0) && near(appeals.median_seconds, 7_200.0));
    let done: Vec<_> = stats.moderators.iter().map(|row| (row.decisions, row.kept, row.removed)).collect();
    ensure!(done == [(1, 0, 1), (1, 1, 0), (1, 1, 0)], "{done:?}");
    ensure!(near(stats.moderators.first().and_then(|row| row.median_seconds), 3_600.0));
    let [rule] = &stats.text_rules[..] else { anyhow::bail!("{:?}", stats.text_rules) };
    ensure!((rule.cases, rule.kept, rule.undecided, rule.removed) == (2, 1, 1, 0), "{rule:?}");
    ensure!(near(rule.precision, 0.0) && !rule.name.is_empty(), "{rule:?}");

    let before = statistics::stats(&pool, now - Duration::days(30), start).await?;
    ensure!(before.reports.filed == 0 && before.auto_blocks.imposed == 0 && before.moderators.is_empty());
    statistics::observe(&pool, now).await?;
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn linked_and_muted_reporters_are_counted(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 8).await?;
    let (author, reporters) = everybody.split_first().context("people")?;
    let (post, now) = (post(&pool, *author).await?, Utc::now());
    report_each_minute(
        &pool,
        post,
        reporters.get(..2).context("two")?,
        Category::Abuse,
        now - Duration::hours(9),
    )
    .await?;
    // From one device; the last one is muted.
    let last = reporters.last().context("a reporter")?;
    sqlx::query("INSERT INTO reporter_stats (user_id, muted_until) VALUES ($1, now() + interval '1 day')")
        .bind(last.get())
        .execute(&pool)
        .await?;
    for reporter in reporters.get(2..).context("the others")? {
        let new = NewReport {
            post,
            reporter: who(*reporter, Role::Investor),
            category: Category::Abuse,
            note: "",
            network: None,
            device: Some(7),
            now,
            request_id: "test",
        };
        let mut tx = pool.begin().await?;
        ensure!(reports::file(&mut tx, screener()?, &new).await?.is_ok());
        tx.commit().await?;
    }
    let found = month(&pool, now + Duration::hours(1)).await?.reporters;
    ensure!((found.weighed, found.muted, found.clustered) == (7, 1, 4), "{found:?}");
    ensure!(near(found.clustered_share, 4.0 / 7.0), "{found:?}");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn precision_counts_what_an_appeal_or_a_moderator_overturned(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 40).await?;
    let (author, reporters) = everybody.split_first().context("people")?;
    let now = Utc::now();
    let mut blocked = Vec::new();
    for group in reporters.chunks(13) {
        let post = post(&pool, *author).await?;
        report_each_minute(&pool, post, group, Category::Abuse, now - Duration::hours(5)).await?;
        blocked.push(post);
    }
    let [won, lost, kept] = blocked[..] else { anyhow::bail!("three posts") };
    let precision = async || anyhow::Ok(month(&pool, now).await?.auto_blocks);
    let none = precision().await?;
    ensure!((none.imposed, none.reviewed) == (3, 0) && none.precision.is_none(), "{none:?}");
    let decision = automated(&pool, won, "block").await?;
    let sent = appeal(&pool, *author, decision, now - Duration::hours(3)).await?;
    ensure!(precision().await?.reviewed == 0, "an open appeal is no review");
    answer(&pool, sent, Outcome::Overturned, now - Duration::hours(2)).await?;
    ensure!(near(precision().await?.precision, 0.0));
    decide(&pool, lost, Measure::Remove, now - Duration::hours(1)).await?;
    ensure!(near(precision().await?.precision, 0.5));
    decide(&pool, kept, Measure::Keep, now - Duration::hours(1)).await?;
    let all = precision().await?;
    ensure!((all.reviewed, all.upheld, all.overturned) == (3, 1, 2), "{all:?}");
    ensure!(near(all.precision, 1.0 / 3.0), "{all:?}");
    let stats = month(&pool, now).await?;
    ensure!(near(stats.appeals.overturn_rate, 1.0) && near(stats.appeals.median_seconds, 3_600.0));
    ensure!(stats.moderators.len() == 2, "who heard the appeal decided no case: {:?}", stats.moderators);
    Ok(())
}

fn at(year: i32, month: u32, day: u32) -> Result<DateTime<Utc>> {
    Utc.with_ymd_and_hms(year, month, day, 12, 0, 0).single().context("a time")
}

#[sqlx::test(migrations = "../migrations")]
async fn the_report_of_a_month_holds_only_that_month_and_names_nobody(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 10).await?;
    let (author, reporters) = everybody.split_first().context("people")?;
    let two = |from: usize| reporters.get(from..from + 2).context("two");
    // The last of February, March from its first to its last moment, the first of April.
    for (at, from, measure) in [
        (at(2024, 2, 29)? + Duration::hours(11), 0, Measure::Remove),
        (at(2024, 3, 1)? - Duration::hours(12), 2, Measure::Remove),
        (at(2024, 3, 31)? + Duration::hours(8), 4, Measure::Limit),
        (at(2024, 4, 1)? - Duration::hours(12), 6, Measure::Keep),
    ] {
        let post = post(&pool, *author).await?;
        report_each_minute(&pool, post, two(from)?, Category::Abuse, at).await?;
        let decision = decide(&pool, post, measure, at + Duration::minutes(30)).await?;
        if measure == Measure::Limit {
            let sent = appeal(&pool, *author, decision, at + Duration::hours(1)).await?;
            answer(&pool, sent, Outcome::Upheld, at + Duration::hours(3)).await?;
        }
    }
    let now = Utc::now();
    let march = transparency::report(&pool, "2024-03".parse()?, now).await?;
    ensure!(march.complete && (march.measures.imposed, march.measures.kept) == (2, 0), "{march:?}");
    ensure!(near(march.measures.automated_share, 0.0) && march.measures.by_kind.len() == 2, "{march:?}");
    ensure!(near(march.median_seconds.report_to_measure, 1_800.0), "{march:?}");
    ensure!(near(march.median_seconds.appeal_to_answer, 7_200.0), "{march:?}");
    ensure!(march.reports_received == 4 && march.reports.len() == 1, "{march:?}");
    ensure!(march.reports.iter().all(|row| row.agreed == 4 && row.received == 4), "{march:?}");
    let appeals = march.appeals;
    ensure!((appeals.received, appeals.answered, appeals.upheld) == (1, 1, 1), "{appeals:?}");
    ensure!(march.log.rows == 0, "the log was written today");
    let counts = async |month: &str| {
        let report = transparency::report(&pool, month.parse()?, now).await?;
        anyhow::Ok((report.measures.imposed, report.measures.kept, report.reports_received))
    };
    ensure!(counts("2024-02").await? == (1, 0, 2) && counts("2024-04").await? == (0, 1, 2));
    let today = now.format("%Y-%m").to_string();
    ensure!(counts(&today).await? == (0, 0, 0) && counts("2024-05").await? == (0, 0, 0));
    let today = transparency::report(&pool, today.parse()?, now).await?;
    let (rows, last): (i64, i64) =
        sqlx::query_as("SELECT count(*), max(seq) FROM mod_audit").fetch_one(&pool).await?;
    ensure!((today.log.rows, today.log.last_seq) == (rows, Some(last)), "{:?}", today.log);
    let words = march.markdown();
    for phrase in
        ["# 투명성 보고서 2024-03", "# Transparency report 2024-03", "| abuse |", "욕설·비방", "30.0 minutes"]
    {
        ensure!(words.contains(phrase), "{phrase} is missing: {words}");
    }
    let json = serde_json::to_string(&march)?;
    for text in [words, json] {
        ensure!(!text.contains("zq") && !text.contains("zm"), "somebody is named: {text}");
    }
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn warnings_and_mutes_are_in_the_log_and_the_report_without_a_name(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 2).await?;
    let [author, reporter] = everybody[..] else { anyhow::bail!("two people") };
    let now = Utc::now();
    for _ in 0..4 {
        let post = post(&pool, author).await?;
        report_each_minute(&pool, post, &[reporter], Category::Abuse, now - Duration::hours(1)).await?;
        decide(&pool, post, Measure::Keep, now).await?;
    }
    let rows: Vec<(String, serde_json::Value)> = sqlx::query_as(
        "SELECT split_part(object, ':', 1), after FROM mod_audit WHERE action = 'reporters.sanctioned' ORDER BY seq",
    )
    .fetch_all(&pool)
    .await?;
    let row = |warned, muted| ("case".to_owned(), serde_json::json!({"warned": warned, "muted": muted}));
    ensure!(rows == [row(1, 0), row(0, 1)], "{rows:?}");
    let report = transparency::report(&pool, now.format("%Y-%m").to_string().parse()?, now).await?;
    ensure!((report.reporters.warned, report.reporters.muted) == (1, 1), "{:?}", report.reporters);
    Ok(())
}

/// The sanctions of reporters are logged by both: whoever holds the log's head must not wait for a reporter.
#[sqlx::test(migrations = "../migrations")]
async fn an_appeal_and_a_decision_about_the_same_reporters_do_not_wait_in_a_circle(
    pool: PgPool,
) -> Result<()> {
    const TRIALS: usize = 5;
    let pool = wide(&pool).await?;
    let everybody = people(&pool, 1 + 20 * i32::try_from(TRIALS)?).await?;
    let (author, reporters) = everybody.split_first().context("people")?;
    let now = Utc::now();
    for group in reporters.chunks(20) {
        let (one, other) = (post(&pool, *author).await?, post(&pool, *author).await?);
        report_each_minute(&pool, one, group, Category::Abuse, now - Duration::hours(3)).await?;
        report_each_minute(&pool, other, group, Category::Abuse, now - Duration::hours(2)).await?;
        let removal = decide(&pool, one, Measure::Remove, now - Duration::hours(1)).await?;
        let sent = appeal(&pool, *author, removal, now).await?;
        let (answered, decided) = tokio::join!(
            answer(&pool, sent, Outcome::Overturned, now),
            decide(&pool, other, Measure::Keep, now)
        );
        answered.context("the appeal")?;
        decided.context("the decision")?;
    }
    println!("{TRIALS} trials of an appeal and a decision at once");
    pool.close().await;
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_wrong_month_is_refused_and_one_to_come_too(pool: PgPool) -> Result<()> {
    for wrong in [
        "",
        "2026",
        "2026-13",
        "2026-00",
        "26-11",
        "2026-1",
        "2026/11",
        "2026-11-01",
        "+026-11",
        "1999-12",
        "٢٠٢٦-١١",
    ] {
        ensure!(wrong.parse::<Month>().is_err(), "{wrong} was taken");
    }
    let december: Month = "2024-12".parse()?;
    ensure!(december.to_string() == "2024-12");
    let (from, until) = december.bounds();
    ensure!(from == at(2024, 12, 1)? - Duration::hours(12) && until == at(2025, 1, 1)? - Duration::hours(12));
    let early = transparency::report(&pool, december, from - Duration::seconds(1)).await;
    ensure!(matches!(early, Err(Failed::Future(month)) if month == december), "{early:?}");
    ensure!(!transparency::report(&pool, december, from).await?.complete);
    ensure!(transparency::report(&pool, december, until).await?.complete);
    Ok(())
}
