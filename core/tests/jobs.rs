//! Invariant 12: a job killed half-way is run again; a poisonous one is parked, visible, and can be
//! replayed; and asking again while a job is in hand has it run once more, never twice at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, anyhow, ensure};
use madang_core::jobs::{self, Job, JobError, JobKind};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::PgPool;

const LEASE: Duration = Duration::from_secs(30);

async fn ask(pool: &PgPool, subject: i64) -> sqlx::Result<()> {
    jobs::enqueue(pool, JobKind::Fanout, subject, 0, Duration::ZERO).await
}

async fn claim_one(pool: &PgPool) -> anyhow::Result<Job> {
    let claimed = jobs::claim(pool, jobs::Lane::Feed, LEASE, 1).await?;
    claimed.first().copied().context("nothing is due")
}

async fn none_is_due(pool: &PgPool) -> anyhow::Result<()> {
    let claimed = jobs::claim(pool, jobs::Lane::Feed, LEASE, 10).await?;
    ensure!(claimed.is_empty(), "{claimed:?} is due");
    Ok(())
}

/// Time passes for every lease and delay.
async fn time_passes(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::query("UPDATE jobs SET run_at = now() - interval '1 ms'").execute(pool).await.map(|_| ())
}

async fn depth(pool: &PgPool) -> sqlx::Result<i64> {
    Ok(jobs::state(pool).await?.depth)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_claimed_job_is_nobody_elses_and_a_finished_one_is_gone(pool: PgPool) -> anyhow::Result<()> {
    ask(&pool, 7).await?;
    let job = claim_one(&pool).await?;
    ensure!(job.kind == JobKind::Fanout && job.subject == 7 && job.peer == 0, "{job:?}");
    none_is_due(&pool).await?;
    jobs::finish(&pool, &[job]).await?;
    time_passes(&pool).await?;
    none_is_due(&pool).await?;
    ensure!(depth(&pool).await? == 0, "gone");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn asking_many_times_for_a_waiting_job_runs_it_once(pool: PgPool) -> anyhow::Result<()> {
    for _ in 0..5 {
        jobs::enqueue_many(&pool, JobKind::Score, &[3, 1, 3, 2], 0, Duration::ZERO).await?;
    }
    let claimed = jobs::claim(&pool, jobs::Lane::Feed, LEASE, 10).await?;
    let mut subjects: Vec<i64> = claimed.iter().map(|job| job.subject).collect();
    subjects.sort_unstable();
    ensure!(subjects == [1, 2, 3], "{subjects:?}");
    jobs::finish(&pool, &claimed).await?;
    ensure!(depth(&pool).await? == 0, "gone");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_delayed_job_waits_and_the_soonest_wish_counts(pool: PgPool) -> anyhow::Result<()> {
    jobs::enqueue(&pool, JobKind::Score, 1, 0, Duration::from_secs(60)).await?;
    none_is_due(&pool).await?;
    jobs::enqueue(&pool, JobKind::Score, 1, 0, Duration::ZERO).await?;
    jobs::enqueue(&pool, JobKind::Score, 1, 0, Duration::from_secs(60)).await?;
    claim_one(&pool).await.map(|_| ())
}

#[sqlx::test(migrations = "../migrations")]
async fn asking_while_a_job_is_in_hand_runs_it_once_more_but_not_at_once(pool: PgPool) -> anyhow::Result<()> {
    ask(&pool, 7).await?;
    let first = claim_one(&pool).await?;
    ask(&pool, 7).await?;
    ask(&pool, 7).await?;
    none_is_due(&pool).await?;
    jobs::finish(&pool, &[first]).await?;
    let second = claim_one(&pool).await?;
    none_is_due(&pool).await?;
    // A late repetition of the first end changes nothing.
    jobs::finish(&pool, &[first]).await?;
    none_is_due(&pool).await?;
    jobs::finish(&pool, &[second]).await?;
    ensure!(depth(&pool).await? == 0, "gone");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_lapsed_lease_is_claimed_again_and_its_old_holder_has_no_say(pool: PgPool) -> anyhow::Result<()> {
    ask(&pool, 7).await?;
    let lapsed = claim_one(&pool).await?;
    time_passes(&pool).await?;
    let held = claim_one(&pool).await?;
    jobs::finish(&pool, &[lapsed]).await?;
    ensure!(depth(&pool).await? == 1, "the lapsed holder finished what is not theirs");
    jobs::fail(&pool, &lapsed, &JobError::Hopeless(anyhow!("late")), 10).await?;
    jobs::release(&pool, &[lapsed]).await?;
    ensure!(jobs::state(&pool).await?.parked == 0, "the lapsed holder parked what is not theirs");
    none_is_due(&pool).await?;
    jobs::finish(&pool, &[held]).await?;
    ensure!(depth(&pool).await? == 0, "gone");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_released_job_is_due_at_once_and_the_try_does_not_count(pool: PgPool) -> anyhow::Result<()> {
    ask(&pool, 7).await?;
    for _ in 0..20 {
        let job = claim_one(&pool).await?;
        jobs::release(&pool, &[job]).await?;
    }
    let job = claim_one(&pool).await?;
    jobs::fail(&pool, &job, &JobError::Retry(anyhow!("away")), 2).await?;
    ensure!(jobs::state(&pool).await?.parked == 0, "twenty releases are no tries");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn failures_wait_longer_and_longer_until_the_job_is_parked_and_replayed(
    pool: PgPool,
) -> anyhow::Result<()> {
    const TRIES: i32 = 12;
    ask(&pool, 7).await?;
    let mut waits: Vec<f64> = Vec::new();
    for n in 1..=TRIES {
        ensure!(jobs::state(&pool).await?.parked == 0, "parked before try {n}");
        let job = claim_one(&pool).await?;
        jobs::fail(&pool, &job, &JobError::Retry(anyhow!("away {n}")), TRIES).await?;
        let wait: f64 = sqlx::query_scalar("SELECT extract(epoch FROM run_at - now())::float8 FROM jobs")
            .fetch_one(&pool)
            .await?;
        waits.push(wait);
        time_passes(&pool).await?;
    }
    let grow = waits.windows(2).all(|pair| match pair {
        [a, b] => *b > a * 1.5 || *b > 290.0,
        _ => false,
    });
    ensure!(grow && waits.iter().all(|wait| *wait <= 300.0), "{waits:?}");
    none_is_due(&pool).await?;
    let parked = jobs::parked(&pool, 10).await?;
    let [one] = &parked[..] else {
        anyhow::bail!("one is parked, not {parked:?}");
    };
    ensure!(one.kind == "fanout" && one.subject == 7 && one.attempts == TRIES, "{one:?}");
    ensure!(one.last_error.as_deref() == Some("away 12"), "{one:?}");
    let state = jobs::state(&pool).await?;
    ensure!(state.parked == 1 && state.depth == 0, "{state:?}");
    ensure!(jobs::replay(&pool, Some("score")).await? == 0, "another kind");
    ensure!(jobs::replay(&pool, Some("fanout")).await? == 1, "replayed");
    let job = claim_one(&pool).await?;
    jobs::finish(&pool, &[job]).await?;
    ensure!(depth(&pool).await? == 0, "gone");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_hopeless_job_is_parked_at_once_unless_it_was_asked_for_again(pool: PgPool) -> anyhow::Result<()> {
    for again in [false, true] {
        ask(&pool, 7).await?;
        let job = claim_one(&pool).await?;
        if again {
            ask(&pool, 7).await?;
        }
        jobs::fail(&pool, &job, &JobError::Hopeless(anyhow!("nonsense")), 10).await?;
        let parked = jobs::state(&pool).await?.parked;
        ensure!(parked == i64::from(!again), "asked again: {again}, parked: {parked}");
        // Asking gives a parked job a fresh start.
        ask(&pool, 7).await?;
        time_passes(&pool).await?;
        let job = claim_one(&pool).await?;
        jobs::finish(&pool, &[job]).await?;
        ensure!(depth(&pool).await? == 0, "gone");
    }
    Ok(())
}

/// What workers did: how often each subject was done, and who does what now.
#[derive(Default)]
struct Ledger {
    done: HashMap<i64, u32>,
    hands: HashMap<i64, u32>,
    doubles: u32,
}

type Shared = Arc<Mutex<Ledger>>;

fn with<T>(ledger: &Shared, act: impl FnOnce(&mut Ledger) -> T) -> T {
    act(&mut ledger.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Claims, does and finishes until the queue is empty; now and then a job fails.
async fn work(pool: PgPool, ledger: Shared, seed: u64) -> anyhow::Result<()> {
    let mut dice = StdRng::seed_from_u64(seed);
    loop {
        let batch = jobs::claim(&pool, jobs::Lane::Feed, LEASE, 16).await?;
        if batch.is_empty() {
            if depth(&pool).await? == 0 {
                return Ok(());
            }
            // The others have the rest in hand, or a failed one waits for its time.
            sqlx::query("UPDATE jobs SET run_at = now() WHERE lease IS NULL AND parked_at IS NULL")
                .execute(&pool)
                .await?;
            tokio::task::yield_now().await;
            continue;
        }
        let mut finished = Vec::new();
        for job in batch {
            with(&ledger, |ledger| {
                let hands = ledger.hands.entry(job.subject).or_default();
                *hands += 1;
                ledger.doubles += u32::from(*hands > 1);
            });
            tokio::task::yield_now().await;
            let fails = dice.random_ratio(1, 20);
            if dice.random_ratio(1, 20) {
                ask(&pool, job.subject).await?;
            }
            with(&ledger, |ledger| {
                *ledger.hands.entry(job.subject).or_default() -= 1;
                *ledger.done.entry(job.subject).or_default() += u32::from(!fails);
            });
            if fails {
                jobs::fail(&pool, &job, &JobError::Retry(anyhow!("bad luck")), 100).await?;
            } else {
                finished.push(job);
            }
        }
        jobs::finish(&pool, &finished).await?;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn four_workers_do_a_thousand_jobs_each_at_least_once_and_none_twice_at_once(
    pool: PgPool,
) -> anyhow::Result<()> {
    const JOBS: i64 = 1_000;
    let subjects: Vec<i64> = (1..=JOBS).collect();
    jobs::enqueue_many(&pool, JobKind::Fanout, &subjects, 0, Duration::ZERO).await?;
    let ledger = Shared::default();
    let mut workers = tokio::task::JoinSet::new();
    for seed in 0..4 {
        workers.spawn(work(pool.clone(), ledger.clone(), seed));
    }
    while let Some(done) = workers.join_next().await {
        done??;
    }
    let (done, times, doubles) =
        with(&ledger, |ledger| (ledger.done.len(), ledger.done.values().sum::<u32>(), ledger.doubles));
    println!("4 workers, {JOBS} jobs: {done} done, {times} times, {doubles} at once");
    ensure!(done == subjects.len() && doubles == 0, "{done} done, {doubles} at once");
    ensure!(depth(&pool).await? == 0, "the queue is empty");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_killed_worker_had_in_hand_is_done_when_its_lease_ends(pool: PgPool) -> anyhow::Result<()> {
    const JOBS: i64 = 100;
    let subjects: Vec<i64> = (1..=JOBS).collect();
    jobs::enqueue_many(&pool, JobKind::Fanout, &subjects, 0, Duration::ZERO).await?;
    let short = Duration::from_secs(1);
    // Killed between doing and finishing: the future is dropped half-way.
    let killed = tokio::spawn({
        let pool = pool.clone();
        async move {
            let batch = jobs::claim(&pool, jobs::Lane::Feed, short, JOBS).await?;
            for job in batch.iter().take(40) {
                jobs::finish(&pool, &[*job]).await?;
            }
            std::future::pending::<anyhow::Result<()>>().await
        }
    });
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while depth(&pool).await? > JOBS - 40 {
        ensure!(std::time::Instant::now() < end, "the worker does not begin");
        tokio::task::yield_now().await;
    }
    killed.abort();
    ensure!(killed.await.is_err(), "killed");
    // Nobody touches the leases: they end by themselves.
    let mut done = 0;
    while depth(&pool).await? > 0 {
        ensure!(std::time::Instant::now() < end, "{done} were done, the rest is stuck");
        let batch = jobs::claim(&pool, jobs::Lane::Feed, LEASE, 16).await?;
        done += batch.len();
        jobs::finish(&pool, &batch).await?;
        tokio::task::yield_now().await;
    }
    println!("{JOBS} jobs, killed after 40: {done} done later");
    ensure!(done == 60, "{done}");
    Ok(())
}
