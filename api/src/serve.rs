//! Running: the HTTP server, the worker, or both in one process.

use std::{sync::Arc, time::Duration};

use actix_web::{App as WebApp, HttpServer, middleware::from_fn, web::Data};
use anyhow::Context;
use chrono::Utc;
use madang_core::{changes, db, notices, settings::Settings, shutdown};
use madang_creators::{
    self as creators, contradictions, ledger::refusals, markets::Markets, records, suggestions,
};
use madang_feed::{Feed, work::Worker};
use madang_moderation::{
    audit, cases, decisions, exposure, fallback, learning, legal, restitution, sanctions, statistics, sweeps,
    text_rules,
};
use madang_search::{Search, indexer::Indexer};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{
    app::{App, card_key, open_feed},
    guard::guard,
    programme,
    routes::{RouteTable, configure},
};

/// Seconds, from a quarter of a millisecond up.
const BUCKETS: [f64; 12] = [0.000_25, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// Time in which load balancers see that `readyz` says no, before connections close.
const DRAIN: Duration = Duration::from_millis(500);

fn install_metrics() -> anyhow::Result<PrometheusHandle> {
    let builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("seconds".into()), &BUCKETS)?;
    builder.install_recorder().context("failed to install metrics")
}

/// Runs the HTTP server, and the worker beside it if asked.
pub(crate) async fn serve(settings: Settings, with_worker: bool) -> anyhow::Result<()> {
    let stop = shutdown::on_signal()?;
    let app = Arc::new(App::new(settings, install_metrics()?, stop.clone())?);
    if let Err(error) = db::require_durability(&app.pool).await {
        // Away is waited for; a database that would lose commits is not.
        anyhow::ensure!(error.downcast_ref::<sqlx::Error>().is_some_and(db::is_away), "{error:#}");
        tracing::warn!("PostgreSQL is away, starting without it");
    }
    let mut tasks = shutdown::Tasks::new(stop.clone());
    let (serving, closing) = (app.clone(), stop.clone());
    tasks.spawn("http", async move { run_http(serving, closing).await });
    let live = app.clone();
    tasks.spawn("live", until(stop.clone(), async move { live.feed.run_live(live.hub.clone()).await }));
    let polling = app.clone();
    tasks.spawn("changes", until(stop.clone(), async move { polling.feed.poll_changes().await }));
    let waking = app.clone();
    tasks.spawn("waker", until(stop.clone(), async move { waking.waker.run(&waking.pool).await }));
    let seen = app.clone();
    tasks.spawn("views", until(stop.clone(), async move { seen.views.run(&seen.pool).await }));
    let screened = app.clone();
    tasks.spawn("screened", until(stop.clone(), async move { screened.screened.run(&screened.pool).await }));
    let upkeep = app.clone();
    tasks.spawn("upkeep", until(stop.clone(), async move { keep_up(&upkeep).await }));
    let (searched, indexing) = (app.clone(), stop.clone());
    // On this host's disk one of those that serve writes; a server of its own is fed by workers.
    let feeds = with_worker || app.search.is_embedded();
    tasks.spawn("search", async move { index(&searched.search, &searched.pool, feeds, indexing).await });
    if with_worker {
        let worker = Worker::new(app.feed.clone(), app.settings.work);
        let stop = stop.clone();
        let (feed, easing) = (app.feed.clone(), stop.clone());
        let records = creators::work::Worker::new(
            app.pool.clone(),
            app.markets.clone(),
            app.card_key.clone(),
            app.settings.work,
        );
        let computing = stop.clone();
        tasks.spawn("returns", async move {
            records.run(computing).await;
            Ok(())
        });
        let marking = app.clone();
        tasks.spawn("marks", until(stop.clone(), async move { mark(&marking.pool, &marking.markets).await }));
        tasks.spawn("worker", async move { worker.run(stop).await });
        tasks.spawn("moderation", until(easing, async move { moderate(&feed).await }));
    }
    tasks.run(app.settings.work.stop_deadline).await
}

/// Runs the worker alone.
pub(crate) async fn work(settings: Settings) -> anyhow::Result<()> {
    let stop = shutdown::on_signal()?;
    let metrics = install_metrics()?;
    let pool = db::connect(&settings.database)?;
    let feed = Arc::new(open_feed(&settings, pool, Vec::new())?);
    let mut tasks = shutdown::Tasks::new(stop.clone());
    let worker = Worker::new(feed.clone(), settings.work);
    let markets = Arc::new(Markets::new(feed.pool.clone(), &settings.market_indexes));
    let records =
        creators::work::Worker::new(feed.pool.clone(), markets.clone(), card_key(&settings), settings.work);
    let (computing, marking) = (stop.clone(), feed.pool.clone());
    tasks.spawn("returns", async move {
        records.run(computing).await;
        Ok(())
    });
    tasks.spawn("marks", until(stop.clone(), async move { mark(&marking, &markets).await }));
    let search = Search::new(settings.search.clone());
    if !search.is_embedded() {
        let (pool, indexing) = (feed.pool.clone(), stop.clone());
        tasks.spawn("search", async move { index(&search, &pool, true, indexing).await });
    }
    let stopping = stop.clone();
    tasks.spawn("moderation", until(stop.clone(), async move { moderate(&feed).await }));
    tasks.spawn("worker", async move { worker.run(stopping).await });
    if let Some(bind) = settings.work.bind {
        let (handle, closing) = (metrics.clone(), stop.clone());
        tasks.spawn("metrics", async move { run_worker_http(bind, handle, closing).await });
    }
    tasks.spawn(
        "upkeep",
        until(stop, async move {
            let mut ticks = tokio::time::interval(Duration::from_secs(5));
            loop {
                ticks.tick().await;
                metrics.run_upkeep();
            }
        }),
    );
    tracing::info!("worker started");
    tasks.run(settings.work.stop_deadline).await
}

/// Health and metrics of a process that serves nobody else.
async fn run_worker_http(
    bind: std::net::SocketAddr,
    metrics: PrometheusHandle,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let server = HttpServer::new(move || {
        let metrics = metrics.clone();
        let render = move || std::future::ready(metrics.render());
        WebApp::new()
            .route("/healthz", actix_web::web::get().to(|| std::future::ready("ok\n")))
            .route("/metrics", actix_web::web::get().to(render))
    })
    .workers(1)
    .disable_signals()
    .bind(bind)
    .with_context(|| format!("failed to listen on {bind}"))?
    .run();
    let handle = server.handle();
    tokio::pin!(server);
    tokio::select! {
        served = &mut server => served.context("the metrics server failed"),
        () = stop.cancelled() => {
            let (served, ()) = tokio::join!(&mut server, handle.stop(true));
            served.context("the metrics server failed")
        }
    }
}

async fn until(stop: CancellationToken, task: impl Future<Output = ()>) -> anyhow::Result<()> {
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        () = task => Ok(()),
    }
}

/// Opens the index of search, and feeds it.
async fn index(search: &Search, pool: &PgPool, feeds: bool, stop: CancellationToken) -> anyhow::Result<()> {
    let opened = loop {
        match search.open(pool).await {
            Ok(index) => break index,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "failed to open search, it is repeated")
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    };
    if feeds {
        Indexer::new(pool.clone(), opened).run(stop).await;
    } else {
        stop.cancelled().await;
    }
    Ok(())
}

/// What moderation does by the clock. Any number of processes may do it: rows are locked.
async fn moderate(feed: &Feed) {
    // Counting views may take minutes; nobody's block waits for that.
    tokio::join!(ease(feed), learn(&feed.pool));
}

async fn ease(feed: &Feed) {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    let mut rounds = 0_u32;
    loop {
        ticks.tick().await;
        if let Err(error) = end_what_is_due(feed).await {
            tracing::warn!(%error, "failed to end what is due, it is repeated");
        }
        if let Err(error) = sweep(feed).await {
            tracing::warn!(%error, "failed to sweep after a ban, it goes on where it stopped");
        }
        if rounds.is_multiple_of(12)
            && let Err(error) = watch_rules(feed).await
        {
            tracing::warn!(%error, "failed to look after the text rules, it is repeated in a minute");
        }
        if rounds.is_multiple_of(12)
            && let Err(error) = statistics::observe(&feed.pool, Utc::now()).await
        {
            tracing::warn!(%error, "failed to measure the queue of moderation, it is repeated in a minute");
        }
        rounds = rounds.wrapping_add(1);
    }
}

/// Records that are older than the markets are asked for; what waits is measured.
async fn mark(pool: &PgPool, markets: &Markets) {
    let mut ticks = tokio::time::interval(Duration::from_secs(60));
    loop {
        ticks.tick().await;
        match records::mark_due(pool, markets, Utc::now()).await {
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "failed to ask for records, it is repeated in a minute"),
        }
        if let Err(error) = compare_words_with_deeds(pool).await {
            tracing::warn!(%error, "failed to compare words with deeds, it is repeated in a minute");
        }
        match records::waiting(pool).await {
            Ok(count) => metrics::gauge!("madang_returns_waiting").set(count as f64),
            Err(error) => tracing::debug!(%error, "failed to count records that wait"),
        }
        if let Err(error) = suggestions::drop_old(pool, Utc::now(), 10_000).await {
            tracing::debug!(%error, "failed to forget old suggestions");
        }
        if let Err(error) = refusals::drop_old(pool, Utc::now(), 10_000).await {
            tracing::debug!(%error, "failed to drop old refusals of the ledger");
        }
    }
}

/// Who spoke is compared with what they did; moderators are told of what differs.
async fn compare_words_with_deeds(pool: &PgPool) -> sqlx::Result<()> {
    let now = Utc::now();
    contradictions::ask_for_speakers(pool, now - Duration::from_secs(180)).await?;
    loop {
        let mut tx = pool.begin().await?;
        let taken = contradictions::take_unreported(&mut tx, now).await?;
        if let Some(post) = taken.and_then(|taken| taken.post) {
            cases::open_for_deeds(&mut tx, post, now).await?;
        }
        tx.commit().await?;
        if taken.is_none() {
            return Ok(());
        }
    }
}

/// What happens daily or weekly is asked for each hour and says itself when it was done last.
async fn learn(pool: &PgPool) {
    let mut ticks = tokio::time::interval(Duration::from_secs(3_600));
    loop {
        ticks.tick().await;
        let now = Utc::now();
        let done = [
            ("make the partitions of views", exposure::keep_partitions(pool).await),
            ("anchor the audit log", audit::anchor(pool, now).await.map(drop)),
            ("count posts and views", learning::count_days(pool, now).await.map(drop)),
            ("learn what is usual under a ticker", learning::refresh_rates(pool, now).await.map(drop)),
            ("look at the rule's last blocks", fallback::review(pool, now).await),
            ("fit the noise rate", learning::refit(pool, now).await.map(drop)),
            ("review the ambassadors' months", programme::review_month(pool, now).await.map(drop)),
        ];
        for (what, result) in done {
            if let Err(error) = result {
                tracing::warn!(%error, "failed to {what}, it is repeated in an hour");
            }
        }
    }
}

/// Puts rules back that catch too much, and drops what was found long ago.
async fn watch_rules(feed: &Feed) -> sqlx::Result<()> {
    let mut tx = feed.pool.begin().await?;
    let fell_back = text_rules::watch_new(&mut tx, Utc::now()).await?;
    tx.commit().await?;
    if fell_back > 0 {
        feed.publish(changes::latest(&feed.pool).await?).await;
    }
    notices::drop_old(&feed.pool, Utc::now(), 10_000).await?;
    text_rules::drop_old_trials(&feed.pool).await?;
    text_rules::drop_old_hits(&feed.pool, 10_000).await.map(drop)
}

/// Blocks nobody reviewed, posts that were edited, rights claims, sanctions, windows of restitution.
async fn end_what_is_due(feed: &Feed) -> sqlx::Result<()> {
    loop {
        let now = Utc::now();
        // Each in a transaction of its own and one at a time, so that nobody waits for many.
        let mut tx = feed.pool.begin().await?;
        let mut ended = !decisions::ease_expired(&mut tx, now, 1).await?.is_empty();
        tx.commit().await?;
        let mut tx = feed.pool.begin().await?;
        ended |= !decisions::show_edited(&mut tx, now, 1).await?.is_empty();
        tx.commit().await?;
        let mut tx = feed.pool.begin().await?;
        ended |= legal::expire(&mut tx, now).await?.is_some();
        tx.commit().await?;
        let mut tx = feed.pool.begin().await?;
        ended |= sanctions::end_expired(&mut tx, now).await?.is_some();
        tx.commit().await?;
        let mut tx = feed.pool.begin().await?;
        ended |= sanctions::restore_post(&mut tx, now).await?;
        tx.commit().await?;
        let mut tx = feed.pool.begin().await?;
        ended |= restitution::close_due(&mut tx, now).await?;
        tx.commit().await?;
        if !ended {
            return Ok(());
        }
        let number = changes::latest(&feed.pool).await?;
        feed.publish(number).await;
    }
}

/// Steps of sweeps in one go, so that everything else gets its turn.
const SWEEP_STEPS: usize = 200;

async fn sweep(feed: &Feed) -> sqlx::Result<()> {
    for _ in 0..SWEEP_STEPS {
        if !sweeps::step(&feed.pool, Utc::now()).await? {
            break;
        }
    }
    Ok(())
}

async fn keep_up(app: &App) {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    let mut rounds = 0_u32;
    loop {
        ticks.tick().await;
        app.metrics.run_upkeep();
        rounds = rounds.wrapping_add(1);
        if rounds.is_multiple_of(12) {
            app.limits.drop_idle();
        }
    }
}

async fn run_http(app: Arc<App>, stop: CancellationToken) -> anyhow::Result<()> {
    let http = app.settings.http.clone();
    let table = Data::new(RouteTable::new());
    let state = Data::new(app.clone());
    let server = HttpServer::new(move || {
        WebApp::new()
            .app_data(state.clone())
            .app_data(table.clone())
            .wrap(from_fn(guard))
            .wrap(from_fn(crate::guard::log))
            .configure(configure)
    })
    .workers(http.workers)
    .client_request_timeout(http.head_timeout)
    .client_disconnect_timeout(Duration::from_secs(2))
    .keep_alive(Duration::from_secs(60))
    .shutdown_timeout(app.settings.work.stop_deadline.as_secs().saturating_sub(2).max(1))
    .disable_signals()
    .bind(http.bind)
    .with_context(|| format!("failed to listen on {}", http.bind))?
    .run();
    let handle = server.handle();
    tracing::info!(address = %http.bind, at = %Utc::now(), "serving");
    // The server ends by itself only by failing; then there is nothing to stop.
    tokio::pin!(server);
    let served = tokio::select! {
        served = &mut server => served,
        () = stop.cancelled() => {
            tokio::time::sleep(DRAIN).await;
            let (served, ()) = tokio::join!(&mut server, handle.stop(true));
            served
        }
    };
    served.context("the HTTP server failed")
}
