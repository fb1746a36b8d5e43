//! The ledger against the real database: each row counts once, fits with all others, or is refused and kept.
#![expect(clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use anyhow::{Result, ensure};
use madang_creators::ledger::{Status, refusals, row::FIELDS};
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
    let refused = report(&pool, std::slice::from_ref(&moved)).await?;
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
        let outcomes = report(&pool, std::slice::from_ref(&row)).await?;
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

#[sqlx::test(migrations = "../migrations")]
async fn a_row_with_what_no_text_here_can_hold_is_refused_and_the_others_count(pool: PgPool) -> Result<()> {
    begin(&pool).await?;
    let with = |field: &str, value: &str| {
        let mut row = buy("N", DAY_1, "1");
        row[field] = json!(value);
        row
    };
    let long = "x".repeat(256);
    for field in FIELDS {
        let outcomes = report(&pool, &[with(field, "a\0b"), buy(field, DAY_1, "1")]).await?;
        ensure!(outcomes[0].status == Status::Refused, "{field}: {outcomes:?}");
        ensure!(outcomes[1].status == Status::Accepted, "{field}: {outcomes:?}");
    }
    for (field, value) in [("user", "a\u{7}b"), ("user", &long), ("subject", "a\nb"), ("subject", &long)] {
        let outcomes = report(&pool, &[with(field, value)]).await?;
        let refusal = outcomes[0].refusal.as_ref().map(|refusal| (refusal.code, refusal.field));
        ensure!(refusal == Some(("invalid", field)), "{outcomes:?}");
    }
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_refused_does_not_say_what_a_ledger_is_kept_in(pool: PgPool) -> Result<()> {
    begin(&pool).await?;
    let dollars = json!({"trade_id": "S", "user": "zq1", "kind": "sell", "symbol": "XNAS:AAA", "quantity": "1",
                         "price": "5", "executed_at": DAY_1});
    ensure!(words(&report(&pool, std::slice::from_ref(&dollars)).await?) == ["oversold"]);
    ensure!(count(&pool, "ledger_people").await? == 0, "a ledger of nothing was begun");
    ensure!(words(&report(&pool, &[dollars, buy("B", DAY_2, "1")]).await?) == ["oversold", "a"]);
    let kept: String = sqlx::query_scalar("SELECT currency FROM ledger_people").fetch_one(&pool).await?;
    ensure!(kept == "KRW", "{kept}");
    let (revision, last): (i64, i64) =
        sqlx::query_as("SELECT revision, (SELECT max(id) FROM ledger_entries) FROM ledger_people")
            .fetch_one(&pool)
            .await?;
    ensure!(revision == last, "{revision} is not {last}");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_share_in_a_currency_unknown_here_is_not_taken_in(pool: PgPool) -> Result<()> {
    begin(&pool).await?;
    sqlx::query(
        "INSERT INTO tickers (market, code, name, currency, time_zone)
         VALUES ('XSTO', 'VOLV', 'Volvo', 'SEK', 'Europe/Stockholm')",
    )
    .execute(&pool)
    .await?;
    for currency in [json!("USD"), json!("SEK"), Value::Null] {
        let mut row = buy("V", DAY_1, "1");
        row["symbol"] = json!("XSTO:VOLV");
        row["currency"] = currency.clone();
        let outcomes = report(&pool, &[row]).await?;
        let refusal = outcomes[0].refusal.as_ref().map(|refusal| (refusal.code, refusal.field));
        ensure!(refusal == Some(("unknown_currency", "symbol")), "{currency}: {outcomes:?}");
    }
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_sale_fits_when_a_correction_of_its_batch_makes_room_for_it(pool: PgPool) -> Result<()> {
    begin(&pool).await?;
    accept(&pool, &[buy("B", DAY_1, "10")]).await?;
    let mut more = buy("C", DAY_1, "20");
    more["corrects"] = json!("B");
    let batch = [sell("S1", DAY_2, "20"), more, sell("S2", DAY_3, "1")];
    let found = words(&report(&pool, &batch).await?);
    // The small sale fitted before the correction and counts; of the large one nothing is left then.
    ensure!(found == ["oversold", "a", "a"], "{found:?}");
    ensure!(words(&report(&pool, &[sell("S3", DAY_2, "19")]).await?) == ["a"]);
    accept(&pool, &[buy("B2", DAY_3, "10")]).await?;
    let mut more = buy("C2", DAY_3, "20");
    more["corrects"] = json!("B2");
    let found = words(&report(&pool, &[more, sell("S4", "2026-06-04T10:00:00+09:00", "20")]).await?);
    ensure!(found == ["a", "a"], "{found:?}");
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_trade_of_one_account_is_not_a_duplicate_for_another(pool: PgPool) -> Result<()> {
    begin(&pool).await?;
    sqlx::query("UPDATE users SET subject = 'iss sub' WHERE id = 1").execute(&pool).await?;
    let mut row = buy("T", DAY_1, "1");
    row["user"] = Value::Null;
    row["subject"] = json!("iss sub");
    accept(&pool, std::slice::from_ref(&row)).await?;
    ensure!(words(&report(&pool, std::slice::from_ref(&row)).await?) == ["d"]);
    sqlx::query("UPDATE users SET subject = NULL, deleted_at = now() WHERE id = 1").execute(&pool).await?;
    sqlx::query("UPDATE users SET subject = 'iss sub' WHERE id = 2").execute(&pool).await?;
    let outcomes = report(&pool, &[row]).await?;
    ensure!(words(&outcomes) == ["conflict"], "{outcomes:?}");
    ensure!(outcomes[0].refusal.as_ref().is_some_and(|r| r.reason.contains("another (or deleted) account")));
    ensure!(count(&pool, "ledger_people").await? == 1);
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn digits_count_as_they_were_sent(pool: PgPool) -> Result<()> {
    begin(&pool).await?;
    let row = |id: &str, quantity: &str| {
        format!(
            r#"{{"trade_id": "{id}", "user": "zq1", "kind": "buy", "symbol": "XKRX:000001", "price": 100,
                "quantity": {quantity}, "executed_at": "{DAY_1}"}}"#
        )
    };
    let rows = [
        row("long", "1.000000000000000000000000000001"),
        row("wide", "123456789012345678901234567890"),
        row("power", "1e2"),
        row("exact", "12345678901.12345678"),
        row("plain", "3"),
    ];
    let outcomes = support::report_texts(&pool, &rows).await?;
    ensure!(words(&outcomes) == ["invalid", "invalid", "invalid", "a", "a"], "{outcomes:?}");
    let refusal = outcomes[0].refusal.as_ref();
    ensure!(refusal.is_some_and(|r| r.field == "quantity" && r.reason.contains("28 digits")), "{refusal:?}");
    let kept: String =
        sqlx::query_scalar("SELECT quantity::text FROM ledger_entries WHERE trade_id = 'exact'")
            .fetch_one(&pool)
            .await?;
    ensure!(kept == "12345678901.12345678", "{kept}");
    Ok(())
}

fn split(id: &str, user: &str, ratio: &str, at: &str) -> Value {
    json!({"trade_id": id, "user": user, "kind": "split", "symbol": "XKRX:000001", "ratio": ratio, "executed_at": at})
}

async fn splits(pool: &PgPool) -> Result<Vec<(i32, i32)>> {
    Ok(sqlx::query_as("SELECT new_shares, old_shares FROM splits ORDER BY day").fetch_all(pool).await?)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_wrong_split_can_be_corrected_when_nobody_else_says_the_same(pool: PgPool) -> Result<()> {
    begin(&pool).await?;
    accept(&pool, &[split("P1", "zq1", "5:1", DAY_2), split("P2", "zq2", "5:1", DAY_2)]).await?;
    let instead = |id: &str, user: &str, of: &str, ratio: &str| {
        let mut row = split(id, user, ratio, DAY_2);
        row["corrects"] = json!(of);
        row
    };
    let cancel = |id: &str, user: &str, of: &str| json!({"trade_id": id, "user": user, "kind": "cancellation", "corrects": of, "executed_at": DAY_3});
    let found = words(&report(&pool, &[instead("C1", "zq1", "P1", "10:3")]).await?);
    ensure!(found == ["split_conflict"], "the other account still says 5:1: {found:?}");
    accept(&pool, &[cancel("X2", "zq2", "P2")]).await?;
    accept(&pool, &[instead("C1", "zq1", "P1", "10:3")]).await?;
    ensure!(splits(&pool).await? == [(10, 3)], "the ratio is one that somebody sent");
    // All who said it say otherwise at once; one who cannot leaves all as it was.
    accept(&pool, &[split("P5", "zq2", "10:3", DAY_2), split("P6", "zq3", "10:3", DAY_2)]).await?;
    let all = |of: &str| {
        [
            instead("C5", "zq2", "P5", "7:2"),
            instead("C6", "zq3", "P6", "7:2"),
            instead("C7", "zq1", of, "7:2"),
        ]
    };
    let found = words(&report(&pool, &all("P5")).await?);
    ensure!(found == ["split_conflict", "split_conflict", "unknown_reference"], "{found:?}");
    let found = words(&report(&pool, &all("C1")[..2]).await?);
    ensure!(found == ["split_conflict", "split_conflict"], "{found:?}");
    ensure!(splits(&pool).await? == [(10, 3)]);
    accept(&pool, &all("C1")).await?;
    ensure!(splits(&pool).await? == [(7, 2)]);
    accept(&pool, &[cancel("X5", "zq2", "C5"), cancel("X6", "zq3", "C6")]).await?;
    // A cancellation and what is right, in one batch and either order.
    accept(&pool, &[split("P4", "zq1", "4:1", DAY_2), cancel("X3", "zq1", "C7")]).await?;
    ensure!(splits(&pool).await? == [(4, 1)]);
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_share_does_not_split_twice_within_days(pool: PgPool) -> Result<()> {
    begin(&pool).await?;
    accept(&pool, &[split("P1", "zq1", "5:1", DAY_1)]).await?;
    let cases = [
        ("P2", "5:1", DAY_2, "split_conflict"),
        ("P3", "2:1", "2026-06-11T10:00:00+09:00", "split_conflict"),
        ("P4", "2:1", "2026-06-12T10:00:00+09:00", "a"),
        ("P5", "5:1", DAY_1, "a"),
    ];
    for (id, ratio, at, word) in cases {
        let found = words(&report(&pool, &[split(id, "zq2", ratio, at)]).await?);
        ensure!(found == [word], "{id}: {found:?}");
    }
    ensure!(splits(&pool).await? == [(5, 1), (2, 1)]);
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_renamed_share_goes_on_under_its_new_name(pool: PgPool) -> Result<()> {
    begin(&pool).await?;
    accept(&pool, &[buy("B", DAY_1, "10"), split("P", "zq1", "5:1", DAY_2)]).await?;
    sqlx::query(
        "UPDATE tickers SET status = 'renamed', renamed_to = (SELECT id FROM tickers WHERE code = '000002')
         WHERE code = '000001'",
    )
    .execute(&pool)
    .await?;
    ensure!(words(&report(&pool, &[buy("B", DAY_1, "10")]).await?) == ["d"], "it is the same trade");
    let sale = |id: &str, quantity: &str| {
        let mut row = sell(id, DAY_3, quantity);
        row["symbol"] = json!("XKRX:000002");
        row
    };
    ensure!(words(&report(&pool, &[sale("S1", "51"), sale("S2", "50")]).await?) == ["oversold", "a"]);
    let mut other = split("P2", "zq2", "4:1", DAY_2);
    other["symbol"] = json!("XKRX:000002");
    ensure!(words(&report(&pool, std::slice::from_ref(&other)).await?) == ["split_conflict"]);
    other["ratio"] = json!("5:1");
    accept(&pool, &[other]).await?;
    ensure!(splits(&pool).await? == [(5, 1)], "one split, by the name of today");
    let mut less = buy("C", DAY_1, "9");
    less["corrects"] = json!("B");
    ensure!(
        words(&report(&pool, &[less]).await?) == ["oversold"],
        "what was bought under the old name was sold"
    );
    let (old, new): (i32, i32) = sqlx::query_as(
        "SELECT current_ticker(o.id), n.id FROM tickers o, tickers n WHERE o.code = '000001' AND n.code = '000002'",
    )
    .fetch_one(&pool)
    .await?;
    ensure!(old == new);
    Ok(())
}
