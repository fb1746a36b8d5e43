//! The ledger against the real database: each row counts once, fits with all others, or is refused and kept.
#![expect(clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use anyhow::{Result, ensure};
use madang_creators::ledger::{Status, refusals};
use serde_json::{Value, json};
use sqlx::PgPool;
use support::{accept, market, market_days, people, report, words};

async fn begin(pool: &PgPool) -> Result<()> {
    people(pool, 3).await?;
    market(pool, &market_days(30), |_, _| 100.0).await
}

fn buy(id: &str, at: &str, quantity: &str) -> Value {
    json!({"trade_id": id, "user": "zq1", "kind": "buy", "symbol": "XKRX:000001", "quantity": quantity,
           "price": "100", "executed_at": at})
}

fn sell(id: &str, at: &str, quantity: &str) -> Value {
    json!({"trade_id": id, "user": "zq1", "kind": "sell", "symbol": "XKRX:000001", "quantity": quantity,
           "price": "110.5", "fee": 1, "tax": "0.25", "executed_at": at})
}

const DAY_1: &str = "2026-06-01T10:00:00+09:00";
const DAY_2: &str = "2026-06-02T10:00:00+09:00";
const DAY_3: &str = "2026-06-03T10:00:00+09:00";

async fn count(pool: &PgPool, table: &'static str) -> Result<i64> {
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
        .fetch_one(pool)
        .await?)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_row_counts_once_however_often_and_however_written_it_comes(pool: PgPool) -> Result<()> {
    begin(&pool).await?;
    let rows = [buy("T1", DAY_1, "10"), sell("T2", DAY_2, "4")];
    ensure!(words(&report(&pool, &rows).await?) == ["a", "a"]);
    let again = [buy("T1", "2026-06-01T01:00:00Z", "10.000"), sell("T2", DAY_2, "4"), sell("T2", DAY_2, "4")];
    ensure!(words(&report(&pool, &again).await?) == ["d", "d", "d"]);
    let other = [buy("T1", DAY_1, "11"), sell("T2", DAY_3, "4")];
    ensure!(words(&report(&pool, &other).await?) == ["conflict", "conflict"]);
    let twice = [buy("T3", DAY_1, "1"), buy("T3", DAY_1, "1"), buy("T3", DAY_1, "2")];
    ensure!(words(&report(&pool, &twice).await?) == ["a", "d", "conflict"]);
    ensure!(count(&pool, "ledger_entries").await? == 3);
    let waiting: i64 =
        sqlx::query_scalar("SELECT count(*) FROM jobs WHERE kind = 'returns'").fetch_one(&pool).await?;
    ensure!(waiting == 1, "{waiting} jobs");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn what_cannot_have_happened_is_refused_with_its_reason_and_kept(pool: PgPool) -> Result<()> {
    begin(&pool).await?;
    let row = |change: Value| {
        let mut row = buy("X", DAY_1, "1");
        for (name, value) in change.as_object().into_iter().flatten() {
            row[name] = value.clone();
        }
        row
    };
    let cases = [
        (json!({"symbol": "XKRX:999999"}), "unknown_instrument", "symbol"),
        (json!({"symbol": null}), "missing", "symbol"),
        (json!({"user": "nobody"}), "unknown_person", "user"),
        (json!({"user": null}), "missing", "user"),
        (json!({"subject": "https://id.example nobody"}), "unknown_person", "subject"),
        (json!({"currency": "XXX"}), "unknown_currency", "currency"),
        (json!({"currency": "USD"}), "wrong_currency", "currency"),
        (json!({"executed_at": "2026-07-01T10:00:00Z"}), "future", "executed_at"),
        (json!({"executed_at": "yesterday"}), "invalid", "executed_at"),
        (json!({"executed_at": "1970-01-01T00:00:00Z"}), "invalid", "executed_at"),
        (json!({"quantity": "-1"}), "invalid", "quantity"),
        (json!({"quantity": "0"}), "invalid", "quantity"),
        (json!({"quantity": "1.123456789"}), "invalid", "quantity"),
        (json!({"quantity": "123456789012345678901234567890"}), "invalid", "quantity"),
        (json!({"quantity": 1e30}), "invalid", "quantity"),
        (json!({"quantity": 0.123_456_789_012_345_67}), "invalid", "quantity"),
        (json!({"quantity": "NaN"}), "invalid", "quantity"),
        (json!({"quantity": [1]}), "invalid", "quantity"),
        (json!({"quantity": "1000000000000", "price": "1000000000"}), "invalid", "quantity"),
        (json!({"price": null}), "missing", "price"),
        (json!({"price": "-0.01"}), "invalid", "price"),
        (json!({"fee": "-1"}), "invalid", "fee"),
        (json!({"amount": "5"}), "invalid", "amount"),
        (json!({"ratio": "5:1"}), "invalid", "ratio"),
        (json!({"kind": "short"}), "invalid", "kind"),
        (json!({"kind": "gift"}), "invalid", "kind"),
        (json!({"kind": "sell"}), "oversold", "quantity"),
        (json!({"kind": "cancellation", "quantity": null, "price": null}), "missing", "corrects"),
        (json!({"corrects": "nothing"}), "unknown_reference", "corrects"),
        (json!({"trade_id": null}), "missing", "trade_id"),
        (json!({"trade_id": "with space"}), "invalid", "trade_id"),
        (json!({"trade_id": "x".repeat(129)}), "invalid", "trade_id"),
        (json!({"colour": "red"}), "invalid", "trades"),
    ];
    for (change, code, field) in &cases {
        let outcomes = report(&pool, &[row(change.clone())]).await?;
        let refusal = outcomes[0].refusal.as_ref();
        let found = refusal.map(|refusal| (refusal.code, refusal.field));
        ensure!(found == Some((*code, *field)), "{change}: {outcomes:?}");
    }
    ensure!(report(&pool, &[json!("a text")]).await?[0].status == Status::Refused);
    ensure!(count(&pool, "ledger_entries").await? == 0, "something was taken in");
    let kept = refusals::list(&pool, i64::MAX, 100).await?;
    ensure!(kept.len() == cases.len() + 1, "{} kept of {}", kept.len(), cases.len() + 1);
    report(&pool, &[row(json!({"symbol": "XKRX:999999"}))]).await?;
    let again = refusals::list(&pool, i64::MAX, 100).await?;
    ensure!(
        again.len() == kept.len() && again.iter().any(|one| one.times == 2),
        "a repeated refusal is counted"
    );
    accept(&pool, &[row(json!({}))]).await?;
    let left = refusals::list(&pool, i64::MAX, 100).await?;
    ensure!(left.iter().all(|one| one.trade_id != "X"), "what was taken in since is still listed");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn late_rows_count_and_none_may_make_a_later_sale_impossible(pool: PgPool) -> Result<()> {
    begin(&pool).await?;
    ensure!(words(&report(&pool, &[sell("S", DAY_2, "5")]).await?) == ["oversold"], "nothing is held yet");
    // One batch, the sale first in it: what counts is the time.
    ensure!(words(&report(&pool, &[sell("S", DAY_2, "5"), buy("B", DAY_1, "5")]).await?) == ["a", "a"]);
    ensure!(words(&report(&pool, &[sell("late", DAY_1, "1")]).await?) == ["oversold"]);
    let moved = json!({"trade_id": "M", "user": "zq1", "kind": "shares_out", "symbol": "XKRX:000001", "quantity": "1",
                       "executed_at": "2026-06-01T12:00:00+09:00"});
    let refused = report(&pool, &[moved.clone()]).await?;
    ensure!(
        words(&refused) == ["oversold"]
            && refused[0].refusal.as_ref().is_some_and(|r| r.reason.contains("left"))
    );
    ensure!(words(&report(&pool, &[buy("B2", DAY_1, "1"), moved]).await?) == ["a", "a"]);
    // Half of a batch is wrong; the other half counts.
    let mixed: Vec<Value> =
        (0..40)
            .map(|n| {
                if n % 2 == 0 {
                    buy(&format!("m{n}"), DAY_3, "1")
                } else {
                    sell(&format!("m{n}"), DAY_3, "2")
                }
            })
            .collect();
    let outcomes = report(&pool, &mixed).await?;
    let sold = outcomes
        .iter()
        .filter(|o| o.status == Status::Accepted && o.trade_id.ends_with(['1', '3', '5', '7', '9']));
    ensure!(sold.count() == 10, "{:?}", words(&outcomes));
    ensure!(outcomes.iter().filter(|o| o.status == Status::Accepted).count() == 30);
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_correction_stands_for_a_row_and_a_cancellation_takes_it_away(pool: PgPool) -> Result<()> {
    begin(&pool).await?;
    accept(&pool, &[buy("B", DAY_1, "10"), sell("S", DAY_2, "8")]).await?;
    let correct = |id: &str, of: &str, quantity: &str| {
        let mut row = buy(id, DAY_1, quantity);
        row["corrects"] = json!(of);
        row
    };
    let cancel = |id: &str, of: &str, user: &str| json!({"trade_id": id, "user": user, "kind": "cancellation", "corrects": of, "executed_at": DAY_3});
    let cases = [
        (correct("C0", "B", "7"), "oversold"),
        (cancel("X0", "B", "zq1"), "oversold"),
        (cancel("X1", "B", "zq2"), "unknown_reference"),
        (correct("C1", "B", "9"), "a"),
        (correct("C1", "B", "9"), "d"),
        (correct("C2", "B", "9"), "already_corrected"),
        (correct("C3", "C1", "8"), "a"),
        (cancel("X2", "S", "zq1"), "a"),
        (cancel("X3", "X2", "zq1"), "already_corrected"),
        (cancel("X4", "C3", "zq1"), "a"),
        (sell("S2", DAY_3, "1"), "oversold"),
    ];
    for (row, word) in cases {
        let outcomes = report(&pool, &[row.clone()]).await?;
        ensure!(words(&outcomes) == [word], "{row}: {outcomes:?}");
    }
    // A row, its correction, and what corrects that, all at once.
    let chain = [correct("K3", "K2", "3"), buy("K1", DAY_1, "1"), correct("K2", "K1", "2")];
    ensure!(
        words(&report(&pool, &chain).await?) == ["unknown_reference", "a", "a"],
        "a chain goes in its order"
    );
    ensure!(words(&report(&pool, &chain[..1]).await?) == ["a"]);
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_split_is_one_for_all_and_goes_when_its_row_is_cancelled(pool: PgPool) -> Result<()> {
    begin(&pool).await?;
    let split = |id: &str, user: &str, ratio: &str| {
        json!({"trade_id": id, "user": user, "kind": "split", "symbol": "XKRX:000001", "ratio": ratio,
               "executed_at": DAY_2})
    };
    accept(&pool, &[buy("B", DAY_1, "10"), split("P1", "zq1", "5:1"), sell("S", DAY_3, "50")]).await?;
    ensure!(
        words(&report(&pool, &[split("P2", "zq2", "4:1"), split("P3", "zq3", "5:1")]).await?)
            == ["split_conflict", "a"]
    );
    for bad in ["0:1", "1:1", "a:b", "5:1:2", "-5:1", "1.5"] {
        ensure!(words(&report(&pool, &[split("P9", "zq2", bad)]).await?) == ["invalid"], "{bad}");
    }
    let splits: Vec<(i32, i32)> =
        sqlx::query_as("SELECT new_shares, old_shares FROM splits").fetch_all(&pool).await?;
    ensure!(splits == [(5, 1)], "{splits:?}");
    let cancel = |id: &str, user: &str, of: &str| json!({"trade_id": id, "user": user, "kind": "cancellation", "corrects": of, "executed_at": DAY_3});
    ensure!(words(&report(&pool, &[cancel("X1", "zq1", "P1")]).await?) == ["oversold"], "50 of 10 were sold");
    accept(&pool, &[cancel("X2", "zq3", "P3"), cancel("X3", "zq1", "S"), cancel("X4", "zq1", "P1")]).await?;
    ensure!(count(&pool, "splits").await? == 0);
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn the_ledger_is_only_added_to(pool: PgPool) -> Result<()> {
    begin(&pool).await?;
    accept(&pool, &[buy("B", DAY_1, "10")]).await?;
    for statement in [
        "UPDATE ledger_entries SET quantity = 20",
        "DELETE FROM ledger_entries",
        "TRUNCATE ledger_entries CASCADE",
    ] {
        ensure!(sqlx::query(statement).execute(&pool).await.is_err(), "{statement} went through");
    }
    Ok(())
}

/// Batches that overlap, at once: each row counts once, whoever brings it, and nobody sells what is not there.
#[sqlx::test(migrations = "../migrations")]
async fn batches_at_once_count_each_row_once(pool: PgPool) -> Result<()> {
    const ROUNDS: usize = 10;
    begin(&pool).await?;
    for round in 0..ROUNDS {
        accept(&pool, &[buy(&format!("b{round}"), DAY_1, "10")]).await?;
        let batch: Vec<Value> = (0..12).map(|n| sell(&format!("s{round}-{n}"), DAY_2, "1")).collect();
        let (one, two, three) =
            tokio::join!(report(&pool, &batch), report(&pool, &batch), report(&pool, &batch[3..]));
        let accepted = [one?, two?, three?].iter().flatten().filter(|o| o.status == Status::Accepted).count();
        ensure!(accepted == 10, "{accepted} of 10 shares were sold in round {round}");
    }
    println!("{ROUNDS} rounds of three overlapping batches");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn ten_thousand_rows_go_at_once(pool: PgPool) -> Result<()> {
    begin(&pool).await?;
    let rows: Vec<Value> =
        (0..10_000)
            .map(|n| {
                if n % 2 == 0 {
                    buy(&format!("r{n}"), DAY_1, "1")
                } else {
                    sell(&format!("r{n}"), DAY_2, "1")
                }
            })
            .collect();
    accept(&pool, &rows).await?;
    ensure!(count(&pool, "ledger_entries").await? == 10_000);
    Ok(())
}
