//! Publishing, editing and voting: the rank is what the formula says, a repeated key has one effect, and
//! what may be done once is done once, however many try.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, TimeZone, Utc};
use madang_core::{
    changes::{self, Change},
    idempotency::{Claim, Key, Use},
    ids::{EPOCH_MS, PostId, TickerId, UserId, id_floor, id_time},
    polls::{self, Vote},
    posts::{
        self, Created, EditRefused, Edited, Intake, NewPoll, NewPost, PricedTicker, Published, Stance,
        Submission,
    },
    text::PostBody,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::{PgPool, postgres::PgPoolOptions};

async fn people(pool: &PgPool, count: i32) -> anyhow::Result<Vec<UserId>> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "INSERT INTO users (id, handle, handle_fold, handle_skeleton, name)
         SELECT new_id(now()), 'u' || n, 'u' || n, 'u' || n, 'u' || n FROM generate_series(1, $1) AS n RETURNING id",
    )
    .bind(count)
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(UserId::new).collect())
}

async fn person(pool: &PgPool) -> anyhow::Result<UserId> {
    people(pool, 1).await?.first().copied().context("a person")
}

fn draft(author: UserId, text: &str, now: DateTime<Utc>) -> anyhow::Result<NewPost> {
    Ok(NewPost {
        author,
        body: PostBody::parse(text)?,
        stance: Stance::None,
        reply_to: None,
        quote_of: None,
        repost_of: None,
        tickers: vec![],
        mentions: vec![],
        poll: None,
        language: None,
        attachment: None,
        labels: posts::attachments::Labels::default(),
        now,
    })
}

fn keyless(post: &NewPost) -> Submission {
    Submission { post: post.clone(), key: None, answer_tail: String::new() }
}

async fn publish(pool: &PgPool, post: &NewPost) -> anyhow::Result<Created> {
    match posts::create(pool, &keyless(post)).await? {
        Published::New(created) => Ok(created),
        other => bail!("not published: {other:?}"),
    }
}

async fn wide(pool: &PgPool) -> sqlx::Result<PgPool> {
    PgPoolOptions::new().max_connections(9).connect_with(pool.connect_options().as_ref().clone()).await
}

/// The formula of `DESIGN.md`, in floating point and floored.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "milliseconds since 2010 are far below 2^53"
)]
fn rank(at: DateTime<Utc>, followers: i32, recent: usize) -> i64 {
    let seconds = (at.timestamp_millis() - EPOCH_MS) as f64 / 1_000.0;
    let reach = 21_600.0 * (1.0 + f64::from(followers)).log10();
    (seconds + reach - 3_600.0 * recent.min(8) as f64).floor() as i64
}

#[sqlx::test(migrations = "../migrations")]
async fn a_rank_is_what_the_formula_says_and_stays_with_the_count_it_used(
    pool: PgPool,
) -> anyhow::Result<()> {
    const TRIALS: usize = 300;
    let mut dice = StdRng::seed_from_u64(3);
    let authors = people(&pool, 20).await?;
    let mut made: Vec<(UserId, DateTime<Utc>)> = Vec::new();
    let mut at = Utc.with_ymd_and_hms(2026, 3, 1, 9, 0, 0).single().context("a time")?;
    let mut deepest = 0;
    for _ in 0..TRIALS {
        at += chrono::Duration::milliseconds(dice.random_range(1..2_000_000));
        let who = dice.random_range(0..authors.len());
        // One of them writes more than all others.
        let author = *authors.get(if dice.random_bool(0.5) { 0 } else { who }).context("an author")?;
        let followers = [0, 1, 9, 99, 12_345, 1_000_000, 987_654_321];
        let followers = *followers.get(dice.random_range(0..followers.len())).context("a count")?;
        sqlx::query("UPDATE users SET follower_count = $2 WHERE id = $1")
            .bind(author.get())
            .bind(followers)
            .execute(&pool)
            .await?;
        let created = publish(&pool, &draft(author, "a post", at)?).await?;
        let since = at - chrono::Duration::hours(3);
        let recent = made.iter().filter(|(by, when)| *by == author && *when >= since).count();
        deepest = deepest.max(recent);
        let (stored, used): (i64, i32) =
            sqlx::query_as("SELECT rank, author_followers FROM posts WHERE id = $1")
                .bind(created.id.get())
                .fetch_one(&pool)
                .await?;
        let expected = rank(at, followers, recent);
        ensure!(
            created.rank == expected && stored == expected && used == followers,
            "{at}, {followers} followers, {recent} recent: {} and {stored}, not {expected}; {used}",
            created.rank
        );
        made.push((author, at));
    }
    ensure!(deepest > 8, "the penalty's end was never reached: {deepest}");
    let before: Vec<(i64, i64)> =
        sqlx::query_as("SELECT id, rank FROM posts ORDER BY id").fetch_all(&pool).await?;
    sqlx::query("UPDATE users SET follower_count = 5").execute(&pool).await?;
    let after: Vec<(i64, i64)> =
        sqlx::query_as("SELECT id, rank FROM posts ORDER BY id").fetch_all(&pool).await?;
    ensure!(before == after, "ranks moved with the followers");
    println!("{TRIALS} ranks agree with the formula, up to {deepest} own posts in three hours");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn ties_of_rank_go_to_the_newer_id(pool: PgPool) -> anyhow::Result<()> {
    // In the same second by people without followers, a board of equals.
    let at = Utc.with_ymd_and_hms(2026, 3, 1, 9, 0, 0).single().context("a time")?;
    let mut ids = Vec::new();
    for (n, author) in (0_i64..).zip(people(&pool, 20).await?) {
        let created =
            publish(&pool, &draft(author, "a post", at + chrono::Duration::milliseconds(n))?).await?;
        ensure!(created.rank == rank(at, 0, 0), "a tie");
        ids.push(created.id);
    }
    ids.reverse();
    let later = at + chrono::Duration::hours(1);
    let trending: Vec<PostId> =
        posts::trending_candidates(&pool, later, 100).await?.into_iter().map(PostId::new).collect();
    ensure!(trending == ids, "{trending:?}, not {ids:?}");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn eight_copies_of_one_request_make_one_post_and_one_answer(pool: PgPool) -> anyhow::Result<()> {
    const TRIALS: usize = 40;
    let wide = wide(&pool).await?;
    let author = person(&wide).await?;
    for trial in 0..TRIALS {
        let key = Use {
            user: author,
            key: Key::parse(&format!("key {trial}")).context("a key")?,
            fingerprint: [1; 32],
        };
        let post = draft(author, &format!("post {trial}"), Utc::now())?;
        let copy = Submission {
            post: post.clone(),
            key: Some(key.clone()),
            answer_tail: r#","more":1}"#.to_owned(),
        };
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (pool, copy) = (wide.clone(), copy.clone());
            tasks.spawn(async move { posts::create(&pool, &copy).await });
        }
        let (mut new, mut answers) = (Vec::new(), Vec::new());
        while let Some(done) = tasks.join_next().await {
            match done?? {
                Published::New(created) => new.push(created.id),
                Published::Repeated(Claim::Replay(answer)) => answers.push(answer),
                other => bail!("trial {trial}: {other:?}"),
            }
        }
        let [id] = new[..] else {
            bail!("trial {trial}: {new:?} are new");
        };
        let expected = format!(r#"{{"id":"{id}","more":1}}"#);
        ensure!(
            answers.len() == 7
                && answers.iter().all(|answer| answer.status == 201 && answer.body == expected.as_bytes()),
            "trial {trial}: {answers:?}"
        );
        let other = Use { fingerprint: [2; 32], ..key };
        let other = Submission { key: Some(other), ..copy };
        let refused = posts::create(&wide, &other).await?;
        ensure!(refused == Published::Repeated(Claim::Mismatch), "another request: {refused:?}");
    }
    let (posts, jobs): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM posts), (SELECT count(*) FROM jobs WHERE kind = 'fanout')",
    )
    .fetch_one(&wide)
    .await?;
    println!("{TRIALS} trials of 8 copies: {posts} posts, {jobs} jobs");
    wide.close().await;
    ensure!(usize::try_from(posts)? == TRIALS && posts == jobs, "{posts} posts, {jobs} jobs");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_post_is_passed_on_once_a_person_and_again_only_after_taking_it_back(
    pool: PgPool,
) -> anyhow::Result<()> {
    let wide = wide(&pool).await?;
    let author = person(&wide).await?;
    let original = publish(&wide, &draft(author, "a post", Utc::now())?).await?.id;
    let mut repost = draft(author, "x", Utc::now())?;
    (repost.body, repost.repost_of) = (PostBody::empty(), Some(original));
    for round in 0..10 {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (pool, repost) = (wide.clone(), repost.clone());
            tasks.spawn(async move {
                let mut tx = pool.begin().await?;
                let made = posts::repost(&mut tx, repost).await?;
                tx.commit().await?;
                anyhow::Ok(made)
            });
        }
        let mut made = Vec::new();
        while let Some(done) = tasks.join_next().await {
            made.push(done??.context("the original is there")?);
        }
        let new = made.iter().filter(|(_, new)| *new).count();
        let (id, _) = *made.first().context("a repost")?;
        ensure!(new == 1 && made.iter().all(|(other, _)| *other == id), "round {round}: {made:?}");
        let listed: i64 = sqlx::query_scalar("SELECT count(*) FROM posts WHERE repost_of = $1 AND listed")
            .bind(original.get())
            .fetch_one(&wide)
            .await?;
        ensure!(listed == 1, "round {round}: {listed} reposts");
        let mut tx = wide.begin().await?;
        ensure!(posts::unrepost(&mut tx, original, author, Utc::now()).await?, "taken back");
        ensure!(!posts::unrepost(&mut tx, original, author, Utc::now()).await?, "only once");
        tx.commit().await?;
    }
    wide.close().await;
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn everybody_votes_once_however_often_they_try_at_once(pool: PgPool) -> anyhow::Result<()> {
    const VOTERS: i32 = 25;
    let wide = wide(&pool).await?;
    let voters = people(&wide, VOTERS).await?;
    let now = Utc::now();
    let mut post = draft(*voters.first().context("an author")?, "which?", now)?;
    post.poll = Some(NewPoll {
        options: vec!["rise".into(), "fall".into(), "neither".into()],
        closes_at: now + chrono::Duration::hours(1),
    });
    let post = publish(&wide, &post).await?.id;
    let mut tasks = tokio::task::JoinSet::new();
    for voter in &voters {
        for option in [0, 1, 2, 0] {
            let (pool, voter) = (wide.clone(), *voter);
            tasks.spawn(async move {
                let mut tx = pool.begin().await?;
                let vote = polls::vote(&mut tx, post, voter, option, now).await?;
                tx.commit().await?;
                anyhow::Ok(vote)
            });
        }
    }
    let mut counted = 0;
    while let Some(done) = tasks.join_next().await {
        counted += i32::from(done?? == Vote::Counted);
    }
    let (shown, rows): (i64, i64) =
        sqlx::query_as("SELECT (SELECT sum(votes) FROM poll_options), (SELECT count(*) FROM poll_votes)")
            .fetch_one(&wide)
            .await?;
    println!("{VOTERS} people voted four times at once: {counted} counted, {shown} shown");
    ensure!(counted == VOTERS && shown == i64::from(VOTERS) && rows == shown, "{counted}, {shown}, {rows}");
    let mut tx = wide.begin().await?;
    let voter = *voters.first().context("a voter")?;
    let later = now + chrono::Duration::hours(1);
    ensure!(polls::vote(&mut tx, post, voter, 0, later).await? == Vote::Closed, "closed");
    ensure!(polls::vote(&mut tx, post, voter, 3, now).await? == Vote::NotFound, "no such option");
    tx.commit().await?;
    wide.close().await;
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_post_is_edited_by_its_author_within_thirty_minutes_and_its_old_texts_stay(
    pool: PgPool,
) -> anyhow::Result<()> {
    let author = person(&pool).await?;
    // PostgreSQL keeps microseconds.
    let now = DateTime::from_timestamp_micros(Utc::now().timestamp_micros()).context("a time")?;
    let post = publish(&pool, &draft(author, "first", now)?).await?.id;
    let edit = async |who: UserId, text: &str, after: Duration| {
        let mut tx = pool.begin().await?;
        let at = now + chrono::Duration::from_std(after)?;
        let done = posts::edit(&mut tx, post, who, &PostBody::parse(text)?, false, at).await?;
        // As every caller does: what an edit changed is recorded last.
        if done.is_ok_and(|edited| edited.changed) {
            changes::record(&mut tx, &[Change::Post(post)]).await?;
        }
        tx.commit().await?;
        anyhow::Ok(done)
    };
    let minutes = |n: u64| Duration::from_secs(n * 60);
    let change = changes::latest(&pool).await?;
    let unchanged = Ok(Edited { revision: 0, edited_at: None, changed: false });
    ensure!(edit(author, "first", minutes(1)).await? == unchanged, "nothing changes");
    ensure!(changes::latest(&pool).await? == change, "and leaves no trace");
    ensure!(edit(author, "second", minutes(2)).await?.is_ok_and(|done| done.revision == 1), "edited");
    ensure!(edit(author, "third", minutes(30)).await?.is_ok(), "at the last moment");
    ensure!(changes::latest(&pool).await? == change + 2, "two changes");
    let late = minutes(30) + Duration::from_secs(1);
    ensure!(edit(author, "fourth", late).await? == Err(EditRefused::TooLate), "too late");
    let stranger = UserId::new(author.get() + 1);
    ensure!(edit(stranger, "mine", minutes(1)).await? == Err(EditRefused::NotFound), "somebody else's");
    let old: Vec<(i32, String)> =
        posts::revisions(&pool, post).await?.into_iter().map(|r| (r.revision, r.body)).collect();
    ensure!(old == [(0, "first".to_owned()), (1, "second".to_owned())], "{old:?}");
    let mut tx = pool.begin().await?;
    ensure!(posts::delete(&mut tx, post, author, now).await?, "deleted");
    tx.commit().await?;
    ensure!(edit(author, "back", minutes(1)).await? == Err(EditRefused::NotFound), "deleted");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_restored_post_gets_one_second_rank_and_keeps_its_id_and_time(pool: PgPool) -> anyhow::Result<()> {
    let (author, now) = (person(&pool).await?, Utc::now());
    sqlx::query("UPDATE users SET follower_count = 99").execute(&pool).await?;
    let post = publish(&pool, &draft(author, "a post", now)?).await?;
    let mut before = None;
    for hours in [5, 9] {
        sqlx::query("UPDATE posts SET moderation_state = 3, listed = false").execute(&pool).await?;
        let mut tx = pool.begin().await?;
        let later = now + chrono::Duration::hours(hours);
        ensure!(posts::list_again(&mut tx, post.id, later).await?, "listed again");
        ensure!(!posts::list_again(&mut tx, post.id, later).await?, "once");
        tx.commit().await?;
        let row: (i64, i64, Option<i64>, DateTime<Utc>, bool) =
            sqlx::query_as("SELECT id, rank, restored_rank, created_at, listed FROM posts")
                .fetch_one(&pool)
                .await?;
        let second = rank(now + chrono::Duration::hours(5), 99, 0);
        ensure!((row.0, row.1, row.2) == (post.id.get(), post.rank, Some(second)), "{row:?}");
        ensure!(row.4 && before.is_none_or(|time| time == row.3), "{row:?}");
        before = Some(row.3);
    }
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn ids_sort_by_time_and_say_the_same_in_sql_and_here(pool: PgPool) -> anyhow::Result<()> {
    const TRIALS: usize = 500;
    let mut dice = StdRng::seed_from_u64(5);
    let mut times: Vec<DateTime<Utc>> = (0..TRIALS)
        .filter_map(|_| DateTime::from_timestamp_millis(dice.random_range(EPOCH_MS..EPOCH_MS + (1 << 41))))
        .collect();
    times.sort_unstable();
    times.dedup();
    let rows: Vec<(i64, i64, DateTime<Utc>)> = sqlx::query_as(
        "SELECT new_id(at), id_floor(at), id_time(new_id(at))
         FROM unnest($1::timestamptz[]) WITH ORDINALITY AS t (at, n) ORDER BY n",
    )
    .bind(&times)
    .fetch_all(&pool)
    .await?;
    ensure!(rows.len() == times.len(), "one a time");
    for ((id, floor, time), at) in rows.iter().zip(&times) {
        ensure!(*floor == id_floor(*at) && id_time(*id) == *at, "{id} and {floor} of {at}");
        ensure!(time == at, "{time} is not {at}");
        ensure!((*floor..floor + 4_096).contains(id) && *id < 1 << 53, "{id} of {at}");
        ensure!(PostId::new(*id).to_string().parse() == Ok(PostId::new(*id)), "{id} travels as a text");
    }
    let ids: Vec<i64> = rows.iter().map(|(id, ..)| *id).collect();
    ensure!(ids.is_sorted() && ids.first() > Some(&0), "sorted by time");
    println!("{TRIALS} ids sort by their times");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn posts_of_one_statement_pay_for_their_authors_flooding_one_after_the_other(
    pool: PgPool,
) -> anyhow::Result<()> {
    let now = Utc::now();
    let authors = people(&pool, 2).await?;
    let together: Vec<Submission> = (0..20)
        .map(|n| {
            let author = *authors.get(n % 2).context("an author")?;
            Ok(keyless(&draft(author, &format!("post {n}"), now)?))
        })
        .collect::<anyhow::Result<_>>()?;
    let made = posts::create_all(&pool, &together).await?;
    let mut ranks: Vec<Vec<i64>> = vec![Vec::new(), Vec::new()];
    for (n, published) in made.into_iter().enumerate() {
        let Published::New(created) = published? else { bail!("post {n} is not new") };
        ranks.get_mut(n % 2).context("an author")?.push(created.rank);
    }
    for ranks in ranks {
        let first = *ranks.first().context("a rank")?;
        let penalties: Vec<i64> = ranks.iter().map(|rank| (first - rank) / 3_600).collect();
        ensure!(penalties == [0, 1, 2, 3, 4, 5, 6, 7, 8, 8], "{penalties:?}");
    }
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn of_posts_that_go_together_each_gets_its_own_answer_and_a_refused_one_takes_none_with_it(
    pool: PgPool,
) -> anyhow::Result<()> {
    const KEYS: usize = 60;
    let wide = wide(&pool).await?;
    let authors = people(&wide, 12).await?;
    let gone = *authors.last().context("an author")?;
    sqlx::query("UPDATE users SET deleted_at = now() WHERE id = $1").bind(gone.get()).execute(&wide).await?;
    let intake = Arc::new(Intake::new(wide.clone()));
    let mut tasks = tokio::task::JoinSet::new();
    // Each key is sent twice at once, beside posts of one who left and posts that the database refuses.
    for n in 0..KEYS * 2 {
        let author = *authors.get(n % KEYS % 11).context("an author")?;
        let key = Key::parse(&format!("key {}", n % KEYS)).context("a key")?;
        let key = Some(Use { user: author, key, fingerprint: [1; 32] });
        let post = draft(author, &format!("post {}", n % KEYS), Utc::now())?;
        let submission = Submission { post, key, answer_tail: "}".to_owned() };
        let together = intake.clone();
        tasks.spawn(async move { (Some(n % KEYS), together.publish(submission).await) });
        if n % 10 == 0 {
            let (intake, late) = (intake.clone(), keyless(&draft(gone, "late", Utc::now())?));
            tasks.spawn(async move { (None, intake.publish(late).await) });
        }
    }
    for _ in 0..3 {
        let mut doubled = draft(*authors.first().context("an author")?, "doubled", Utc::now())?;
        doubled.tickers = vec![PricedTicker { id: TickerId::new(1), close: None }; 2];
        let intake = intake.clone();
        tasks.spawn(async move { (Some(KEYS), intake.publish(keyless(&doubled)).await) });
    }
    let mut answers: Vec<Vec<String>> = vec![Vec::new(); KEYS];
    let (mut refused, mut nobody, mut new) = (0, 0, 0);
    while let Some(done) = tasks.join_next().await {
        let (of, published) = done?;
        let answer = match published {
            Err(_) if of == Some(KEYS) => {
                refused += 1;
                continue;
            }
            Ok(Published::NoAuthor) if of.is_none() => {
                nobody += 1;
                continue;
            }
            Ok(Published::New(created)) => {
                new += 1;
                format!(r#"{{"id":"{}"}}"#, created.id)
            }
            Ok(Published::Repeated(Claim::Replay(answer))) => String::from_utf8(answer.body)?,
            other => bail!("{of:?}: {other:?}"),
        };
        answers.get_mut(of.context("a key")?).context("a key")?.push(answer);
    }
    let posts: i64 = sqlx::query_scalar("SELECT count(*) FROM posts").fetch_one(&wide).await?;
    println!("{KEYS} keys twice, {nobody} of one who left, {refused} refused: {posts} posts");
    wide.close().await;
    ensure!(new == KEYS && usize::try_from(posts)? == KEYS, "{new} new, {posts} posts");
    ensure!(refused == 3 && nobody == 12, "{refused} refused, {nobody} of one who left");
    let same = |pair: &Vec<String>| pair.len() == 2 && pair.first() == pair.last();
    ensure!(answers.iter().all(same), "{answers:?}");
    Ok(())
}
