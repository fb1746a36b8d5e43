//! Processes are killed and stores go away: what was acknowledged stays, reads go on, nothing hangs.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use madang_tests::{
    Answer, Api, Service, Setup, all, client::id_of, proxy::Proxy, redis::Redis, server::PATIENCE, until,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Sends a post with its key until it is acknowledged; returns the answer.
async fn insist(author: &Api, key: &str) -> Result<Vec<u8>> {
    let body = json!({"body": format!("acknowledged {key}")});
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let headers = [("idempotency-key", key)];
        let sent = author.send("POST", "/v1/posts", &headers, &body).await;
        match sent {
            Ok(answer) if answer.status == 201 => return Ok(answer.body),
            Ok(answer) => ensure!([409, 503].contains(&answer.status), "{}", answer.text()),
            Err(_) => {}
        }
        ensure!(Instant::now() < deadline, "{key} was never acknowledged");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Writes until told to stop; returns each key with its acknowledgement.
async fn write_on(
    author: Api,
    name: usize,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
) -> Result<Vec<(String, Vec<u8>)>> {
    let mut acknowledged = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let key = format!("{name}-{}", acknowledged.len());
        let answer = insist(&author, &key).await?;
        done.fetch_add(1, Ordering::Relaxed);
        acknowledged.push((key, answer));
    }
    Ok(acknowledged)
}

#[tokio::test]
async fn what_was_acknowledged_is_there_once_though_the_server_is_killed_again_and_again() -> Result<()> {
    const CYCLES: u64 = 5;
    const WRITERS: usize = 8;
    let service = Setup::new().start().await?;
    let author = service.anonymous()?.signup().await?;
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut writers = JoinSet::new();
    for name in 0..WRITERS {
        writers.spawn(write_on(author.clone(), name, stop.clone(), done.clone()));
    }
    for _ in 0..CYCLES {
        let goal = done.load(Ordering::Relaxed) + 20;
        until("some more posts are acknowledged", 30, async || Ok(done.load(Ordering::Relaxed) >= goal))
            .await?;
        service.kill();
        service.start_again().await?;
    }
    stop.store(true, Ordering::Relaxed);
    let mut count = 0;
    let sql = service.sql().await?;
    while let Some(written) = writers.join_next().await {
        for (key, answer) in written?? {
            let id: Value = serde_json::from_slice(&answer)?;
            let rows: Vec<i64> = sqlx::query_scalar("SELECT id FROM posts WHERE body = $1")
                .bind(format!("acknowledged {key}"))
                .fetch_all(&sql)
                .await?;
            ensure!(rows == [id_of(&id).parse::<i64>()?], "{key}: {} rows", rows.len());
            count += 1;
        }
    }
    service.settle().await?;
    let home = author.all_ids("/v1/timeline?order=latest&limit=100").await?;
    ensure!(home.len() == count, "home shows {} of {count}", home.len());
    service.run_well(&["check"]).await?;
    println!("trials: {CYCLES} kills under {WRITERS} writers, {count} posts acknowledged");
    Ok(())
}

/// Two readers of three authors, with posts and a board.
async fn community(service: &Service) -> Result<(Vec<Api>, Vec<Api>)> {
    let authors: [Api; 3] = service.anonymous()?.signup_many().await?;
    let readers: [Api; 2] = service.anonymous()?.signup_many().await?;
    for reader in &readers {
        reader.get("/v1/timeline").await?.expect(200)?;
        for author in &authors {
            reader.follow(author).await?;
        }
    }
    for n in 0..10 {
        for author in &authors {
            author.say(&format!("post {n} $AAPL")).await?;
        }
    }
    service.settle().await?;
    Ok((authors.to_vec(), readers.to_vec()))
}

const LISTS: [&str; 4] = [
    "/v1/timeline?order=top&limit=100",
    "/v1/timeline?order=latest&limit=100",
    "/v1/tickers/AAPL/posts?order=top&limit=100",
    "/v1/tickers/AAPL/posts?order=latest&limit=100",
];

async fn lists(readers: &[Api]) -> Result<Vec<Vec<String>>> {
    let mut found = Vec::new();
    for reader in readers {
        for path in LISTS {
            found.push(reader.ids(path).await?);
        }
    }
    Ok(found)
}

/// Reads until told to stop; only 200 and 503 may come, and soon.
async fn read_on(reader: Api, stop: Arc<AtomicBool>) -> Result<(u64, u64)> {
    let (mut fine, mut away) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        for path in LISTS {
            let answer = in_time(&reader, "GET", path).await?;
            match answer.status {
                200 => fine += 1,
                503 => away += 1,
                other => anyhow::bail!("{path}: {other} {}", answer.text()),
            }
        }
    }
    Ok((fine, away))
}

async fn in_time(who: &Api, method: &str, path: &str) -> Result<Answer> {
    let began = Instant::now();
    let body = json!({"body": "while a store is away $AAPL"});
    let answer = match method {
        "POST" => who.post(path, &body).await?,
        _ => who.raw(method, path, &[], Vec::new()).await?,
    };
    ensure!(began.elapsed() < PATIENCE, "{method} {path} took {:?}", began.elapsed());
    Ok(answer)
}

#[tokio::test]
async fn losing_all_of_redis_loses_nothing_and_reads_go_on() -> Result<()> {
    let redis = Redis::start().await?;
    let service = Setup::new().with("REDIS_URL", &redis.url()).with("SNAPSHOT_REUSE_MS", "0").start().await?;
    let (authors, readers) = community(&service).await?;
    let before = lists(&readers).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut reading = JoinSet::new();
    for reader in &readers {
        reading.spawn(read_on(reader.clone(), stop.clone()));
    }
    for _ in 0..3 {
        redis.flush().await?;
        until("the lists are as before", 20, async || Ok(lists(&readers).await? == before)).await?;
        redis.restart().await?;
        until("the lists are as before", 20, async || {
            Ok(lists(&readers).await.is_ok_and(|lists| lists == before))
        })
        .await?;
    }
    let late = authors[0].say("after the losses $AAPL").await?;
    for path in LISTS {
        until("a new post arrives", 20, async || Ok(readers[0].ids(path).await?.contains(&late))).await?;
    }
    stop.store(true, Ordering::Relaxed);
    let (mut fine, mut away) = (0, 0);
    while let Some(read) = reading.join_next().await {
        let (some, few) = read??;
        (fine, away) = (fine + some, away + few);
    }
    service.settle().await?;
    service.run_well(&["check"]).await?;
    println!("trials: 3 flushes, 3 restarts; {fine} pages read meanwhile, {away} times 503");
    Ok(())
}

#[tokio::test]
async fn home_and_boards_are_served_and_posts_accepted_with_redis_away() -> Result<()> {
    let redis = Redis::start().await?;
    let service = Setup::new()
        .with("REDIS_URL", &redis.url())
        .with("SNAPSHOT_REUSE_MS", "0")
        .with("JOB_LEASE_SECS", "2")
        .start()
        .await?;
    let (authors, readers) = community(&service).await?;
    let before = lists(&readers).await?;
    redis.kill();
    for reader in &readers {
        for path in LISTS {
            in_time(reader, "GET", path).await?.expect(200)?;
        }
    }
    ensure!(lists(&readers).await? == before, "the lists differ with Redis away");
    let id = id_of(&in_time(&authors[0], "POST", "/v1/posts").await?.expect(201)?.json);
    ensure!(readers[0].ids(LISTS[1]).await?.contains(&id), "home lacks what was written meanwhile");
    authors[0].delete(&format!("/v1/posts/{id}")).await?.expect(204)?;
    ensure!(!readers[0].ids(LISTS[1]).await?.contains(&id), "home shows what was deleted meanwhile");
    let ready = service.anonymous()?.get("/readyz").await?.expect(200)?;
    ensure!(ready.json["redis"] == false && ready.json["postgresql"] == true, "{}", ready.json);
    redis.restart().await?;
    until("readyz says that Redis is back", 20, async || {
        Ok(service.anonymous()?.get("/readyz").await?.json["redis"] == true)
    })
    .await?;
    service.settle().await?;
    ensure!(lists(&readers).await? == before, "the lists differ with Redis back");
    service.run_well(&["check"]).await?;
    Ok(())
}

#[tokio::test]
async fn with_postgresql_away_requests_are_answered_soon_and_all_recovers() -> Result<()> {
    let real: reqwest::Url = std::env::var("DATABASE_URL")?.parse()?;
    let target = format!("{}:{}", real.host_str().context("no host")?, real.port().unwrap_or(5432));
    let proxy = Proxy::start(target).await?;
    let service = Setup::new().database_at(proxy.address).start().await?;
    let (authors, readers) = community(&service).await?;
    let before = lists(&readers).await?;
    const ROUNDS: usize = 2;
    let mut trials = 0;
    for _ in 0..ROUNDS {
        proxy.sever();
        for _ in 0..2 {
            let requests: Vec<_> = [
                ("GET", LISTS[0]),
                ("GET", LISTS[1]),
                ("GET", LISTS[2]),
                ("GET", "/v1/me"),
                ("GET", "/v1/trending/posts"),
                ("PUT", "/v1/tickers/AAPL/watch"),
                ("POST", "/v1/posts"),
                ("GET", "/readyz"),
                ("GET", "/healthz"),
            ]
            .into_iter()
            .map(|(method, path)| {
                let reader = readers[0].clone();
                async move { Ok((method, path, in_time(&reader, method, path).await?)) }
            })
            .collect();
            for (method, path, answer) in all(requests).await? {
                let fine = answer.status == 503 || (method == "GET" && answer.status == 200);
                ensure!(fine, "{method} {path}: {} {}", answer.status, answer.text());
                if answer.status == 503 && path.starts_with("/v1") {
                    let wait = answer.refused(503, "unavailable")?;
                    ensure!(wait.header("retry-after").parse::<u32>().is_ok());
                }
                trials += 1;
            }
        }
        proxy.heal();
        until("the service is ready again", 20, async || {
            Ok(service.anonymous()?.get("/readyz").await?.status == 200)
        })
        .await?;
        until("the lists are as before", 20, async || {
            Ok(lists(&readers).await.is_ok_and(|lists| lists == before))
        })
        .await?;
    }
    let id = authors[0].say("afterwards").await?;
    until("a new post arrives", 20, async || Ok(readers[0].ids(LISTS[1]).await?.contains(&id))).await?;
    println!("trials: {ROUNDS} outages, {trials} requests meanwhile");
    Ok(())
}

#[tokio::test]
async fn a_job_of_a_killed_worker_is_done_by_the_next_one() -> Result<()> {
    const KILLS: usize = 4;
    let service = Setup::new().without_worker().with("JOB_LEASE_SECS", "1").start().await?;
    let [author, reader] = service.anonymous()?.signup_many().await?;
    reader.get("/v1/timeline").await?.expect(200)?;
    reader.follow(&author).await?;
    let mut written = Vec::new();
    let sql = service.sql().await?;
    for trial in 0..KILLS {
        for n in 0..20 {
            written.push(author.say(&format!("post {trial} {n} $AAPL")).await?);
        }
        let before: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs").fetch_one(&sql).await?;
        let worker = service.spawn(&["work"])?;
        until("the worker has begun", 20, async || {
            let taken: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs WHERE lease IS NOT NULL")
                .fetch_one(&sql)
                .await?;
            let left: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs").fetch_one(&sql).await?;
            Ok(taken > 0 || left < before)
        })
        .await?;
        drop(worker);
    }
    let worker = service.spawn(&["work"])?;
    service.settle().await?;
    let mut home = reader.all_ids("/v1/timeline?order=latest&limit=100").await?;
    home.sort();
    written.sort();
    ensure!(home == written, "home shows {} of {}", home.len(), written.len());
    service.run_well(&["check"]).await?;
    ensure!(worker.terminate(30).await?.success(), "the worker did not end well");
    println!("trials: {KILLS} workers killed, {} posts", written.len());
    Ok(())
}

#[tokio::test]
async fn a_poisonous_job_is_parked_seen_and_done_after_its_replay() -> Result<()> {
    let service = Setup::new()
        .without_worker()
        .with("JOB_MAX_ATTEMPTS", "2")
        .with("JOB_LEASE_SECS", "2")
        .start()
        .await?;
    let [author, reader] = service.anonymous()?.signup_many().await?;
    reader.get("/v1/timeline").await?.expect(200)?;
    reader.follow(&author).await?;
    let id = author.say("stuck $AAPL").await?;
    let sql = service.sql().await?;
    // Without the table of followers no fan-out can be done.
    sqlx::query("ALTER TABLE follows RENAME TO follows_hidden").execute(&sql).await?;
    let worker = service.spawn(&["work"])?;
    until("the job is parked", 40, async || {
        let listed = service.run_well(&["admin", "jobs", "list"]).await?;
        Ok(listed.contains(&format!("parked: fanout {id}")))
    })
    .await?;
    let metrics = service.anonymous()?.get("/metrics").await?.expect(200)?.text();
    let parked = metrics.lines().find(|line| line.starts_with("madang_jobs_parked "));
    ensure!(parked.is_some_and(|line| !line.ends_with(" 0")), "metrics say {parked:?}");
    sqlx::query("ALTER TABLE follows_hidden RENAME TO follows").execute(&sql).await?;
    service.run_well(&["admin", "jobs", "replay"]).await?;
    until("nothing is parked", 20, async || {
        Ok(service.run_well(&["admin", "jobs", "list"]).await?.contains(" 0 parked"))
    })
    .await?;
    service.settle().await?;
    ensure!(reader.ids("/v1/timeline?order=latest").await?.contains(&id));
    service.run_well(&["check"]).await?;
    drop(worker);
    Ok(())
}

#[tokio::test]
async fn a_job_asked_for_again_while_in_hand_is_not_left_to_its_lease() -> Result<()> {
    const ROUNDS: usize = 30;
    let service = Setup::new().start().await?;
    let [author, fan, other] = service.anonymous()?.signup_many().await?;
    let id = author.say("like me $AAPL").await?;
    let reactions: Vec<_> = [fan, other, author.clone()]
        .into_iter()
        .map(|who| {
            let like = format!("/v1/posts/{id}/like");
            async move {
                for round in 0..ROUNDS {
                    who.put(&like).await?.expect(204)?;
                    who.delete(&like).await?.expect(204)?;
                    let body = json!({"name": format!("name {round}")});
                    who.patch("/v1/me", &body).await?.expect(200)?;
                }
                Ok(())
            }
        })
        .collect();
    all(reactions).await?;
    let sql = service.sql().await?;
    // The lease is 30 s.
    until("no job waits for its lease to end", 10, async || {
        let held: i64 =
            sqlx::query_scalar("SELECT count(*) FROM jobs WHERE lease IS NOT NULL").fetch_one(&sql).await?;
        Ok(held == 0)
    })
    .await?;
    println!("trials: {} acts on the same few jobs", 3 * 3 * ROUNDS);
    Ok(())
}

#[tokio::test]
async fn a_server_asked_to_stop_finishes_what_it_has_and_ends_well() -> Result<()> {
    let service = Setup::new().start().await?;
    let author = service.anonymous()?.signup().await?;
    let done = Arc::new(AtomicU64::new(0));
    let mut writers = JoinSet::new();
    for _ in 0..4 {
        let (author, done) = (author.clone(), done.clone());
        writers.spawn(async move {
            let mut acknowledged = 0;
            // A connection that was closed while nothing was under way fails the next request unsent; one
            // that took effect without its answer would make the counts below differ.
            while let Ok(answer) = author.post("/v1/posts", &json!({"body": "on and on"})).await {
                answer.expect(201)?;
                acknowledged += 1;
                done.fetch_add(1, Ordering::Relaxed);
            }
            Ok(acknowledged)
        });
    }
    until("writing is under way", 20, async || Ok(done.load(Ordering::Relaxed) > 20)).await?;
    let status = service.terminate().await?;
    ensure!(status.success(), "the server ended with {status}");
    let mut acknowledged: i64 = 0;
    while let Some(writer) = writers.join_next().await {
        let count: Result<i64> = writer?;
        acknowledged += count?;
    }
    let stored: i64 =
        sqlx::query_scalar("SELECT count(*) FROM posts").fetch_one(&service.sql().await?).await?;
    ensure!(stored == acknowledged, "{stored} stored, {acknowledged} acknowledged");
    println!("trials: 4 writers, {acknowledged} posts");
    Ok(())
}
