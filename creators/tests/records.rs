//! Records against the real database: what the ledger says is what is stored, ranked and shown.
#![expect(clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use chrono::{Duration, NaiveDate, Utc};
use madang_core::{
    ids::{TickerId, UserId},
    settings::WorkSettings,
};
use madang_creators::{
    boards::{self, Board},
    disclosure::{self, Refused, Scope},
    markets::Markets,
    records::{self, Asked, WindowShown},
    returns::Window,
    shareholders,
    work::Worker,
};
use serde_json::{Value, json};
use sqlx::PgPool;
use support::{accept, market, market_days, people, today};

const WORK: WorkSettings = WorkSettings {
    lease: std::time::Duration::from_secs(30),
    max_attempts: 3,
    batch: 64,
    bind: None,
    poll: std::time::Duration::from_millis(50),
    stop_deadline: std::time::Duration::from_secs(5),
};

fn worker(pool: &PgPool) -> Worker {
    Worker::new(
        pool.clone(),
        Arc::new(Markets::new(pool.clone(), &[])),
        madang_creators::cards::CardKey::derive(b"a key of tests"),
        WORK,
    )
}

fn at(day: NaiveDate, user: usize, id: &str, more: Value) -> Value {
    let mut row = json!({"trade_id": id, "user": format!("zq{user}"), "symbol": "XKRX:000001",
                         "executed_at": format!("{day}T15:20:00+09:00")});
    for (name, value) in more.as_object().into_iter().flatten() {
        row[name] = value.clone();
    }
    row
}

fn buy(day: NaiveDate, user: usize, id: &str, quantity: u32, price: f64) -> Value {
    at(day, user, id, json!({"kind": "buy", "quantity": quantity, "price": price}))
}

fn sell(day: NaiveDate, user: usize, id: &str, quantity: u32, price: f64) -> Value {
    at(day, user, id, json!({"kind": "sell", "quantity": quantity, "price": price}))
}

fn deposit(day: NaiveDate, user: usize, id: &str, amount: u32) -> Value {
    let mut row =
        at(day, user, id, json!({"kind": "deposit", "amount": amount, "currency": "KRW", "symbol": null}));
    row["executed_at"] = json!(format!("{day}T09:00:00+09:00"));
    row
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

async fn window(pool: &PgPool, user: UserId, ticker: i32, name: &str) -> Result<WindowShown> {
    let shown = records::shown(pool, user).await?.context("no record")?;
    shown.windows.into_iter().find(|w| w.ticker == ticker && w.window == name).context("no such window")
}

/// The first ticker doubles evenly, the second stays, the third falls to half.
fn close(ticker: usize, day: usize) -> f64 {
    match ticker {
        0 => (1_000.0 * 2_f64.powf(day as f64 / 59.0)).round(),
        1 => 1_000.0,
        _ => 200.0 / (1.0 + day as f64 / 59.0),
    }
}

async fn put_price(pool: &PgPool, ticker: i32, day: NaiveDate, close: i32) -> Result<()> {
    sqlx::query("INSERT INTO prices VALUES ($1, $2, $3, $3, $3, $3, $3, 1)")
        .bind(ticker)
        .bind(day)
        .bind(rust_decimal::Decimal::from(close))
        .execute(pool)
        .await?;
    Ok(())
}

async fn scope(pool: &PgPool, user: UserId, scope: Scope) -> Result<Result<(), Refused>> {
    let mut tx = pool.begin().await?;
    let granted = disclosure::grant(&mut tx, user, scope, 1, today()).await?;
    tx.commit().await?;
    Ok(granted)
}

const WHOLE: Scope = Scope { ticker: None, holdings: true, trade_delay: None, amounts: false };

#[sqlx::test(migrations = "../migrations")]
async fn what_was_bought_and_kept_returns_what_the_price_did(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 1).await?;
    let days = market_days(60);
    market(&pool, &days, close).await?;
    let first = close(0, 0);
    accept(&pool, &[deposit(days[0], 1, "D", 10_000), buy(days[0], 1, "B", 10, first)]).await?;
    ensure!(worker(&pool).drain().await? == 1);
    let all = window(&pool, everybody[0], 0, "ALL").await?;
    let grown = close(0, 59) / first - 1.0;
    ensure!(near(all.twr, grown) && all.to == days[59] && all.days == 60, "{all:?} {grown}");
    ensure!(near(window(&pool, everybody[0], 1, "ALL").await?.twr, grown));
    let week = window(&pool, everybody[0], 0, "1W").await?;
    ensure!(week.complete && week.days == 5 && near(week.twr, close(0, 59) / close(0, 54) - 1.0), "{week:?}");
    // The market is the plain mean of the two in won: half of what the first did each day.
    ensure!(
        all.market > 0.0
            && all.market < all.twr
            && near(all.excess, (1.0 + all.twr) / (1.0 + all.market) - 1.0)
    );
    let stored: (i64, f64) =
        sqlx::query_as("SELECT count(*), max(weight) FROM holdings").fetch_one(&pool).await?;
    ensure!(stored.0 == 1 && near(stored.1, 1.0), "{stored:?}");
    let shown = records::shown(&pool, everybody[0]).await?.context("no record")?.holdings;
    let gain = rust_decimal::Decimal::try_from((close(0, 59) - first) * 10.0)?;
    let average = rust_decimal::Decimal::try_from(first)?;
    ensure!(shown[0].quantity == 10.into() && shown[0].average_cost == average, "{shown:?}");
    ensure!(shown[0].unrealised == Some(gain), "{shown:?} {gain}");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn late_and_corrected_rows_compute_only_whom_they_concern_anew(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 2).await?;
    let days = market_days(60);
    market(&pool, &days, close).await?;
    for user in 1..=2 {
        let rows = [
            deposit(days[9], user, &format!("D{user}"), 10_000),
            buy(days[9], user, &format!("B{user}"), 5, close(0, 9)),
        ];
        accept(&pool, &rows).await?;
    }
    let worker = worker(&pool);
    ensure!(worker.drain().await? == 2);
    let before = window(&pool, everybody[0], 0, "ALL").await?;
    // Earlier than everything so far.
    accept(&pool, &[deposit(days[0], 1, "late", 5_000)]).await?;
    ensure!(worker.drain().await? == 1, "somebody else was computed too");
    let after = window(&pool, everybody[0], 0, "ALL").await?;
    ensure!(
        after.from == days[0] && after.days > before.days && after.twr < before.twr,
        "{before:?} {after:?}"
    );
    let correct = json!({"trade_id": "C1", "user": "zq1", "kind": "cancellation", "corrects": "late",
                         "executed_at": format!("{}T10:00:00+09:00", days[59])});
    accept(&pool, &[correct]).await?;
    worker.drain().await?;
    let again = window(&pool, everybody[0], 0, "ALL").await?;
    ensure!(near(again.twr, before.twr) && again.from == before.from, "{before:?} {again:?}");
    // Computed again by command, nothing changes.
    madang_creators::archive::ask_for_all(&pool).await?;
    ensure!(worker.drain().await? == 2);
    ensure!(near(window(&pool, everybody[0], 0, "ALL").await?.twr, before.twr));
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_new_price_concerns_those_who_hold_it(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 2).await?;
    let days = market_days(60);
    market(&pool, &days[..59], close).await?;
    let other = |mut row: Value| {
        row["symbol"] = json!("XKRX:000002");
        row
    };
    accept(&pool, &[buy(days[0], 1, "B1", 5, close(0, 0)), other(buy(days[0], 2, "B2", 5, 1_000.0))]).await?;
    let worker = worker(&pool);
    ensure!(worker.drain().await? == 2);
    let price = madang_creators::feeds::DayPrice {
        ticker: TickerId::new(1),
        day: days[59],
        values: [rust_decimal::Decimal::from(4_000); 5],
        volume: 1,
        raw: false,
    };
    let mut tx = pool.begin().await?;
    ensure!(madang_creators::feeds::add_prices(&mut tx, &[price, price], today()).await? == 1);
    tx.commit().await?;
    ensure!(worker.drain().await? == 1, "only one of them holds it");
    let all = window(&pool, everybody[0], 0, "ALL").await?;
    ensure!(near(all.twr, 4_000.0 / close(0, 0) - 1.0), "{all:?}");
    // The night brings the other one up to the day, once they show something.
    ensure!(scope(&pool, everybody[1], WHOLE).await?.is_ok());
    let markets = Markets::new(pool.clone(), &[]);
    ensure!(records::mark_due(&pool, &markets, Utc::now()).await? == 1 && worker.drain().await? == 1);
    ensure!(records::mark_due(&pool, &markets, Utc::now()).await? == 0, "asked for again");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn who_was_asked_for_or_given_up_is_not_asked_for_again(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 1).await?;
    let days = market_days(30);
    market(&pool, &days, close).await?;
    accept(&pool, &[buy(days[0], 1, "B", 5, close(0, 0))]).await?;
    ensure!(scope(&pool, everybody[0], WHOLE).await?.is_ok());
    let worker = worker(&pool);
    worker.drain().await?;
    let markets = Markets::new(pool.clone(), &[]);
    // Where the sun rises first it is tomorrow already.
    put_price(&pool, 1, Utc::now().date_naive() + Duration::days(1), 2_000).await?;
    ensure!(records::mark_due(&pool, &markets, Utc::now()).await? == 1);
    ensure!(records::mark_due(&pool, &markets, Utc::now()).await? == 0, "asked for while waiting");
    worker.drain().await?;
    ensure!(records::mark_due(&pool, &markets, Utc::now()).await? == 0, "asked for what cannot be yet");
    sqlx::query("UPDATE return_records SET revision = 0").execute(&pool).await?;
    sqlx::query("INSERT INTO jobs (kind, subject, parked_at) VALUES ('returns', 1, now())")
        .execute(&pool)
        .await?;
    ensure!(records::mark_due(&pool, &markets, Utc::now()).await? == 0, "asked for though given up");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_record_is_done_when_it_is_computed_not_when_the_batch_is(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 2).await?;
    let days = market_days(30);
    market(&pool, &days, close).await?;
    accept(&pool, &[buy(days[0], 1, "B1", 5, close(0, 0)), buy(days[0], 2, "B2", 5, close(0, 0))]).await?;
    let mut busy = pool.begin().await?;
    sqlx::query("SELECT FROM ledger_people WHERE user_id = 2 FOR UPDATE").execute(&mut *busy).await?;
    let worker = worker(&pool);
    let work = tokio::spawn(async move { worker.step().await });
    let first_done = async {
        while records::asked(&pool, everybody[0]).await? == Asked::Waiting {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(records::asked(&pool, everybody[1]).await?)
    };
    let second = tokio::time::timeout(std::time::Duration::from_secs(20), first_done).await??;
    ensure!(second == Asked::Waiting, "{second:?}");
    busy.rollback().await?;
    ensure!(work.await?? == 2 && records::asked(&pool, everybody[1]).await? == Asked::Done);
    // Another's failure is not one's own.
    sqlx::query("INSERT INTO jobs (kind, subject, parked_at) VALUES ('returns', 2, now())")
        .execute(&pool)
        .await?;
    ensure!(records::asked(&pool, everybody[0]).await? == Asked::Done);
    ensure!(records::asked(&pool, everybody[1]).await? == Asked::GivenUp);
    Ok(())
}

async fn version(pool: &PgPool) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT version FROM market_state").fetch_one(pool).await?)
}

#[sqlx::test(migrations = "../migrations")]
async fn the_market_changes_when_a_row_does(pool: PgPool) -> Result<()> {
    let days = market_days(5);
    market(&pool, &days, close).await?;
    let markets = Arc::new(Markets::new(pool.clone(), &[]));
    let before = markets.now().await?;
    for idle in [
        "INSERT INTO prices SELECT * FROM prices ON CONFLICT DO NOTHING",
        "UPDATE tickers SET name = name",
        "UPDATE prices SET close = close",
        "DELETE FROM exchange_rates",
    ] {
        sqlx::query(idle).execute(&pool).await?;
        ensure!(version(&pool).await? == before.version(), "{idle}");
    }
    ensure!(Arc::ptr_eq(&before, &markets.now().await?), "loaded anew for nothing");
    for change in [
        "UPDATE prices SET close = close + 1 WHERE ticker_id = 1",
        "INSERT INTO exchange_rates VALUES ('USD', '2026-06-01', 1000)",
        "DELETE FROM prices WHERE ticker_id = 2",
        "UPDATE tickers SET status = 'delisted' WHERE id = 1",
    ] {
        let old = version(&pool).await?;
        sqlx::query(change).execute(&pool).await?;
        ensure!(version(&pool).await? == old + 1, "{change}");
    }
    // A reader gets what is held, and later what is new; a worker waits for the new.
    ensure!(Arc::ptr_eq(&before, &markets.held_or_now().await?), "a reader waited");
    let now = markets.now().await?;
    ensure!(now.version() == version(&pool).await?);
    ensure!(markets.held_or_now().await?.version() == now.version());
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_later_price_of_the_day_changes_what_all_are_compared_with(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 1).await?;
    let days = market_days(30);
    market(&pool, &days, close).await?;
    sqlx::query("DELETE FROM prices WHERE ticker_id = 2 AND day = $1").bind(days[29]).execute(&pool).await?;
    accept(&pool, &[buy(days[0], 1, "B", 5, close(0, 0))]).await?;
    ensure!(scope(&pool, everybody[0], WHOLE).await?.is_ok());
    let worker = worker(&pool);
    worker.drain().await?;
    let before = window(&pool, everybody[0], 0, "ALL").await?;
    put_price(&pool, 2, days[29], 2_000).await?;
    let markets = Markets::new(pool.clone(), &[]);
    ensure!(records::mark_due(&pool, &markets, Utc::now()).await? == 0, "asked for at once");
    let later = Utc::now() + Duration::minutes(11);
    ensure!(records::mark_due(&pool, &markets, later).await? == 1, "not asked for");
    worker.drain().await?;
    let after = window(&pool, everybody[0], 0, "ALL").await?;
    ensure!(after.market > before.market + 0.3 && near(after.twr, before.twr), "{before:?} {after:?}");
    ensure!(records::mark_due(&pool, &markets, later).await? == 0, "asked for again");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_renamed_share_goes_on_under_its_present_name(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 1).await?;
    let days = market_days(60);
    market(&pool, &days, close).await?;
    accept(&pool, &[deposit(days[0], 1, "D", 10_000), buy(days[0], 1, "B", 5, close(0, 0))]).await?;
    let worker = worker(&pool);
    worker.drain().await?;
    let before = window(&pool, everybody[0], 0, "ALL").await?;
    // From day 40 on it is another ticker, whose closes begin then.
    for statement in [
        "INSERT INTO tickers (market, code, name, currency, time_zone)
         VALUES ('XKRX', '000009', 'zq', 'KRW', 'Asia/Seoul')",
        "UPDATE tickers SET status = 'renamed', renamed_to = 4 WHERE id = 1",
    ] {
        sqlx::query(statement).execute(&pool).await?;
    }
    sqlx::query("UPDATE prices SET ticker_id = 4 WHERE ticker_id = 1 AND day >= $1")
        .bind(days[40])
        .execute(&pool)
        .await?;
    madang_creators::archive::ask_for_all(&pool).await?;
    worker.drain().await?;
    let after = window(&pool, everybody[0], 0, "ALL").await?;
    ensure!(
        after.days == before.days && near(after.twr, before.twr) && near(after.market, before.market),
        "{after:?}"
    );
    let held: Vec<i32> = sqlx::query_scalar("SELECT ticker_id FROM holdings").fetch_all(&pool).await?;
    ensure!(held == [4], "{held:?}");
    let shown = records::shown(&pool, everybody[0]).await?.context("no record")?;
    ensure!(
        shown.incomplete.is_none()
            && near(window(&pool, everybody[0], 4, "ALL").await?.twr, close(0, 59) / close(0, 0) - 1.0)
    );
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn whether_a_close_was_divided_goes_by_the_exchanges_day(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 1).await?;
    let days = market_days(60);
    market(&pool, &days, close).await?;
    let split = at(days[30], 1, "P", json!({"kind": "split", "ratio": "5:1"}));
    accept(&pool, &[buy(days[0], 1, "B", 10, close(0, 0) * 5.0), split]).await?;
    // Loaded at half past midnight in Seoul on the day of the split: divided, though UTC has the day before.
    sqlx::query("UPDATE prices SET recorded_at = ($1 + time '00:30') AT TIME ZONE 'Asia/Seoul' WHERE ticker_id = 1 AND day < $1")
        .bind(days[30])
        .execute(&pool)
        .await?;
    let worker = worker(&pool);
    worker.drain().await?;
    let grown = close(0, 59) / close(0, 0) - 1.0;
    let all = window(&pool, everybody[0], 1, "ALL").await?;
    ensure!(near(all.twr, grown) && all.drawdown < 0.01, "{all:?} {grown}");
    // The same as traded, loaded long after, said to be so.
    sqlx::query("UPDATE prices SET close = close * 5, raw = true, recorded_at = now() WHERE ticker_id = 1 AND day < $1")
        .bind(days[30])
        .execute(&pool)
        .await?;
    madang_creators::archive::ask_for_all(&pool).await?;
    worker.drain().await?;
    let all = window(&pool, everybody[0], 1, "ALL").await?;
    ensure!(near(all.twr, grown) && all.drawdown < 0.01, "raw: {all:?} {grown}");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_split_changes_no_return_whenever_the_prices_were_loaded(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 2).await?;
    let days = market_days(60);
    // Loaded today, so already divided by a split of the past: 5:1 on day 30.
    market(&pool, &days, |ticker, day| if ticker == 0 { close(0, day) } else { close(1, day) }).await?;
    let split = at(days[30], 1, "P", json!({"kind": "split", "ratio": "5:1"}));
    let raw = close(0, 0) * 5.0;
    accept(&pool, &[buy(days[0], 1, "B", 10, raw), at(days[30], 1, "P", split)]).await?;
    let worker = worker(&pool);
    worker.drain().await?;
    let grown = close(0, 59) / close(0, 0) - 1.0;
    let all = window(&pool, everybody[0], 0, "ALL").await?;
    ensure!(near(all.twr, grown), "adjusted: {all:?} {grown}");
    // The same prices as they were traded, each loaded on its own day.
    sqlx::query(
        "UPDATE prices SET recorded_at = (day + time '20:00') AT TIME ZONE 'Asia/Seoul' WHERE ticker_id = 1",
    )
    .execute(&pool)
    .await?;
    sqlx::query("UPDATE prices SET close = close * 5 WHERE ticker_id = 1 AND day < $1")
        .bind(days[30])
        .execute(&pool)
        .await?;
    madang_creators::archive::ask_for_all(&pool).await?;
    worker.drain().await?;
    let all = window(&pool, everybody[0], 0, "ALL").await?;
    ensure!(near(all.twr, grown), "as traded: {all:?} {grown}");
    let market: f64 = all.market;
    ensure!(market.abs() < 1.0 && market > 0.0, "the split is in the market's return: {market}");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_sold_is_not_held_though_its_day_has_no_price_yet(pool: PgPool) -> Result<()> {
    people(&pool, 3).await?;
    let days = market_days(60);
    market(&pool, &days[..59], close).await?;
    sqlx::query("UPDATE prices SET recorded_at = (day + time '20:00') AT TIME ZONE 'Asia/Seoul'")
        .execute(&pool)
        .await?;
    let other = |mut row: Value| {
        row["symbol"] = json!("XKRX:000002");
        row
    };
    let mut rows = Vec::new();
    for user in 1..=3 {
        rows.push(other(buy(days[0], user, &format!("O{user}"), 10, 1_000.0)));
        rows.push(buy(days[0], user, &format!("B{user}"), 10, close(0, 0)));
    }
    accept(&pool, &rows).await?;
    let worker = worker(&pool);
    worker.drain().await?;
    let held = async || -> Result<Vec<(i64, rust_decimal::Decimal, rust_decimal::Decimal, f64)>> {
        Ok(sqlx::query_as(
            "SELECT user_id, quantity, average_cost, weight FROM holdings WHERE ticker_id = 1 ORDER BY 1",
        )
        .fetch_all(&pool)
        .await?)
    };
    let before = held().await?;
    ensure!(before.len() == 3 && before[0].1 == 10.into(), "{before:?}");
    let split = at(
        days[59],
        3,
        "P3",
        json!({"kind": "split", "ratio": "2:1",
        "executed_at": format!("{}T09:00:00+09:00", days[59])}),
    );
    accept(&pool, &[sell(days[59], 1, "S1", 10, 2_000.0), sell(days[59], 2, "S2", 5, 2_000.0), split])
        .await?;
    accept(&pool, &[sell(days[59], 3, "S3", 15, 1_000.0)]).await?;
    worker.drain().await?;
    let after = held().await?;
    ensure!(after.len() == 2, "{after:?}");
    let (second, third) = (after[0], after[1]);
    ensure!(
        second.1 == 5.into() && second.2 == before[1].2 && near(second.3, before[1].3 / 2.0),
        "{after:?}"
    );
    ensure!(third.1 == 5.into() && third.2 * rust_decimal::Decimal::from(2) == before[2].2, "{after:?}");
    ensure!(near(third.3, before[2].3 / 4.0), "{before:?} {after:?}");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn behind_the_first_thousand_nobody_counts_on(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 1_002).await?;
    let statements = [
        "INSERT INTO ledger_people (user_id, currency) SELECT n, 'KRW' FROM generate_series(1, 1002) n",
        "INSERT INTO disclosures (user_id, holdings, amounts, consent_version, granted_at)
         SELECT n, true, false, 1, now() FROM generate_series(1, 1002) n",
        "INSERT INTO window_returns (user_id, ticker_id, span, from_day, to_day, complete, days, twr, market, excess,
             drawdown, invested, score, lower_bound, ineligible)
         SELECT n, 0, 7, '2026-01-02', '2026-06-30', true, 100, 0, 0, 0, 0, 1, -n, 0, '{}' FROM generate_series(1, 1002) n",
    ];
    for statement in statements {
        sqlx::query(statement).execute(&pool).await?;
    }
    let board = Board { ticker: None, window: Window::All };
    let mut places = Vec::new();
    for user in [0, 999, 1_000, 1_001] {
        let own = boards::own(&pool, board, everybody[user], today()).await?.context("no record")?;
        places.push((own.place, own.beyond));
    }
    let behind = (None, Some(1_000));
    ensure!(places == [(Some(1), None), (Some(1_000), None), behind, behind], "{places:?}");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn who_had_next_to_nothing_at_stake_ranks_on_no_tickers_board(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 3).await?;
    let days = market_days(60);
    market(&pool, &days, close).await?;
    for day in &days {
        sqlx::query("INSERT INTO exchange_rates VALUES ('USD', $1, 1000)").bind(day).execute(&pool).await?;
    }
    let dollars = |mut row: Value| {
        row["symbol"] = json!("XNAS:AAA");
        row["executed_at"] = json!(format!("{}T15:00:00-04:00", days[0]));
        row
    };
    let mut rows = Vec::new();
    // Of the account at first: 0.5 %; 5 %; 9 % of dollars, which would be 0.01 % were they won.
    for (user, cash, row) in [
        (1, 200_000, buy(days[0], 1, "B1", 1, close(0, 0))),
        (2, 20_000, buy(days[0], 2, "B2", 1, close(0, 0))),
        (3, 2_000_000, dollars(buy(days[0], 3, "B3", 1, 200.0))),
    ] {
        rows.push(deposit(days[0], user, &format!("D{user}"), cash));
        rows.push(row);
    }
    accept(&pool, &rows).await?;
    worker(&pool).drain().await?;
    let mut little = Vec::new();
    for (user, ticker) in everybody.iter().zip([1, 1, 3]) {
        let reasons = window(&pool, *user, ticker, "3M").await?.ineligible;
        little.push(reasons.contains(&"little_stake".to_owned()));
    }
    ensure!(little == [true, false, false], "{little:?}");
    let whole = window(&pool, everybody[0], 0, "3M").await?.ineligible;
    ensure!(!whole.contains(&"little_stake".to_owned()), "{whole:?}");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn boards_rank_what_is_sure_and_show_what_is_agreed_to(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 4).await?;
    let days = market_days(60);
    market(&pool, &days, close).await?;
    let second = |mut row: Value| {
        row["symbol"] = json!("XKRX:000002");
        row
    };
    let mut rows = vec![
        buy(days[0], 1, "B1", 5, close(0, 0)),
        second(buy(days[0], 2, "B2", 5, 1_000.0)),
        buy(days[50], 3, "B3", 5, close(0, 50)),
        buy(days[0], 4, "B4", 5, close(0, 0)),
    ];
    rows.extend([sell(days[20], 1, "S1", 2, close(0, 20)), sell(days[59], 4, "S4", 5, close(0, 59))]);
    accept(&pool, &rows).await?;
    worker(&pool).drain().await?;
    let board = Board { ticker: None, window: Window::All };
    let on = |ticker: i32| Board { ticker: Some(TickerId::new(ticker)), window: Window::All };
    ensure!(boards::ranking(&pool, board, today()).await?.is_empty(), "nobody agreed to anything");
    for user in &everybody {
        ensure!(scope(&pool, *user, Scope { holdings: false, ..WHOLE }).await?.is_ok());
    }
    let ranking: Vec<i64> =
        boards::ranking(&pool, board, today()).await?.iter().map(|r| r.user.get()).collect();
    ensure!(ranking == [1, 2], "the third has ten days, the fourth one position, closed: {ranking:?}");
    ensure!(boards::ranking(&pool, on(1), today()).await?.is_empty(), "which tickers they had is not shown");
    ensure!(shareholders::holders(&pool, TickerId::new(1), today()).await?.is_empty());
    let own = boards::own(&pool, board, everybody[2], today()).await?.context("no place")?;
    ensure!(own.place.is_none() && own.ineligible.contains(&"few_days".to_owned()), "{own:?}");
    ensure!(scope(&pool, everybody[0], WHOLE).await?.is_ok());
    let holders = shareholders::holders(&pool, TickerId::new(1), today()).await?;
    ensure!(holders.len() == 1 && holders[0].handle == "zq1" && holders[0].stake.is_some(), "{holders:?}");
    ensure!(boards::ranking(&pool, on(1), today()).await?.len() == 1);
    // Sold out: no holder any more, though still on the board.
    accept(&pool, &[sell(days[59], 1, "S9", 3, close(0, 59))]).await?;
    worker(&pool).drain().await?;
    ensure!(
        shareholders::holders(&pool, TickerId::new(1), today()).await?.is_empty(),
        "the badge outlives the shares"
    );
    let mut tx = pool.begin().await?;
    disclosure::end(&mut tx, everybody[0], None, today()).await?;
    tx.commit().await?;
    let ranking = boards::ranking(&pool, board, today()).await?;
    ensure!(ranking.len() == 1 && boards::entries(&pool, board, &[1, 2], today()).await?.len() == 1);
    sqlx::query("UPDATE users SET standing = 1, standing_until = $1 WHERE id = 2")
        .bind(today() + chrono::Duration::days(1))
        .execute(&pool)
        .await?;
    ensure!(boards::ranking(&pool, board, today()).await?.is_empty(), "a sanctioned account is ranked");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn consent_has_a_history_and_is_for_what_was_held(pool: PgPool) -> Result<()> {
    let everybody = people(&pool, 1).await?;
    let days = market_days(30);
    market(&pool, &days, close).await?;
    let one = |ticker| Scope { ticker: Some(TickerId::new(ticker)), ..WHOLE };
    ensure!(scope(&pool, everybody[0], one(1)).await? == Err(Refused::NeverHeld));
    accept(&pool, &[buy(days[0], 1, "B", 5, close(0, 0))]).await?;
    for _ in 0..2 {
        ensure!(scope(&pool, everybody[0], one(1)).await?.is_ok());
    }
    ensure!(scope(&pool, everybody[0], Scope { trade_delay: Some(20), ..one(1) }).await?.is_ok());
    let mut tx = pool.begin().await?;
    let old = disclosure::grant(&mut tx, everybody[0], WHOLE, 7, today()).await?;
    ensure!(old == Err(Refused::OtherText(1)));
    drop(tx);
    let history = disclosure::of(&pool, everybody[0]).await?;
    let ended: Vec<bool> = history.iter().map(|one| one.revoked_at.is_some()).collect();
    ensure!(ended == [false, true], "{history:?}");
    // At once: one stays in force.
    let grants = (0..8).map(|n| scope(&pool, everybody[0], Scope { amounts: n % 2 == 0, ..WHOLE }));
    for granted in futures_util::future::join_all(grants).await {
        ensure!(granted?.is_ok());
    }
    let whole = disclosure::of(&pool, everybody[0]).await?;
    ensure!(whole.iter().filter(|one| one.ticker.is_none() && one.revoked_at.is_none()).count() == 1);
    Ok(())
}
