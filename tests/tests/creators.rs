//! The broker's ledger, what people agree to show of it, and the boards that are made of it: from outside.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use chrono::{Months, Utc};
use madang_tests::{
    Api, Beside, Broker, Service, Setup, Shared, all,
    broker::{
        DISCLOSURE, OPEN_DAYS, TRADES, aapl, agree, at_work, msft, open_days, paid_in, row, take_back,
        traded, worth,
    },
    trials, until,
};
use serde_json::{Value, json};
use tokio::sync::Mutex;

static SERVICE: Shared = Shared::new();

const REFUSALS: &str = "/v1/ledger/refusals";
const LAST: usize = OPEN_DAYS - 1;

fn returns(person: &Api) -> String {
    format!("/v1/users/{}/returns", person.handle)
}

fn near(value: &Value, wanted: f64) -> bool {
    value.as_f64().is_some_and(|value| (value - wanted).abs() < 1e-9)
}

/// The window of that name in a list of them.
fn window<'v>(windows: &'v Value, name: &str) -> Result<&'v Value> {
    windows.as_array().into_iter().flatten().find(|one| one["window"] == name).context("no such window")
}

/// The entry of somebody on a board, looked for on all its pages.
async fn entry(viewer: &Api, board: &str, person: &Api) -> Result<Option<Value>> {
    let mut path = format!("{board}&limit=100");
    loop {
        let page = viewer.get(&path).await?.expect(200)?;
        if let Some(found) = page.items().iter().find(|one| one["handle"] == person.handle.as_str()) {
            return Ok(Some(found.clone()));
        }
        match page.json["next_cursor"].as_str() {
            Some(cursor) => path = format!("{board}&limit=100&cursor={cursor}"),
            None => return Ok(None),
        }
    }
}

const OVERALL: &str = "/v1/leaderboard?window=ALL";
const OF_AAPL: &str = "/v1/leaderboard?window=ALL&ticker=XNAS:AAPL";
const HOLDERS: &str = "/v1/tickers/XNAS:AAPL/creators?";

/// A board is frozen for two seconds, so that somebody new comes onto it a little later.
async fn listed(viewer: &Api, board: &str, person: &Api) -> Result<()> {
    until("the board shows them", 20, async || Ok(entry(viewer, board, person).await?.is_some())).await
}

// ---- the ledger

#[tokio::test]
async fn only_a_program_of_the_broker_reports_anything() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let broker = Broker::open(&service).await?;
    let person = service.anonymous()?.signup().await?;
    let deposit = json!({"trades": [paid_in(&person, 5, Utc::now())]});
    let bodies = [
        (TRADES, deposit),
        ("/v1/ledger/prices", json!({"prices": []})),
        ("/v1/ledger/rates", json!({"rates": []})),
    ];
    let mut asked = 0;
    for role in ["anonymous", "investor", "moderator", "senior", "legal", "admin"] {
        let who = match role {
            "anonymous" => service.anonymous()?,
            "investor" => person.clone(),
            role => service.member(&service.anonymous()?, role).await?,
        };
        let (status, code) = if role == "anonymous" { (401, "login_required") } else { (403, "wrong_role") };
        for (path, body) in &bodies {
            who.post(path, body).await?.refused(status, code)?;
            asked += 1;
        }
        who.get(REFUSALS).await?.refused(status, code)?;
        asked += 1;
    }
    let sql = service.sql().await?;
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM ledger_entries WHERE user_id = $1")
        .bind(person.id.parse::<i64>()?)
        .fetch_one(&sql)
        .await?;
    ensure!(rows == 0, "{rows} rows of those who may not");
    // And a program shows nothing, reads no suggestions, makes no card.
    for (method, path) in [
        ("GET", DISCLOSURE),
        ("GET", "/v1/me/returns"),
        ("GET", "/v1/suggestions/creators"),
        ("GET", "/v1/me/cards"),
    ] {
        broker.api.raw(method, path, &[], Vec::new()).await?.refused(403, "wrong_role")?;
        asked += 1;
    }
    println!("trials: {asked} requests of the wrong role");
    Ok(())
}

#[tokio::test]
async fn each_row_gets_its_own_answer_and_nothing_is_half_applied() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let broker = Broker::open(&service).await?;
    let [person, other] = service.anonymous()?.signup_many().await?;
    let first = at_work(open_days()[0]);
    let deposit = paid_in(&person, 1_000, first);
    let buy = traded(&person, "buy", ("XNAS:AAPL", 5, 100), first);
    let future = (Utc::now() + chrono::Duration::days(2)).to_rfc3339();
    let with = |field: &str, value: Value| {
        let mut row = traded(&person, "buy", ("XNAS:AAPL", 1, 100), first);
        row[field] = value;
        row
    };
    let refused = [
        ("oversold", "quantity", traded(&person, "sell", ("XNAS:AAPL", 6, 100), at_work(open_days()[1]))),
        ("oversold", "quantity", traded(&person, "sell", ("XNAS:MSFT", 1, 100), at_work(open_days()[1]))),
        ("unknown_instrument", "symbol", with("symbol", json!("XNAS:NOSUCH"))),
        ("future", "executed_at", with("executed_at", json!(future))),
        ("unknown_person", "user", with("user", json!("nobody_here"))),
        ("unknown_currency", "currency", with("currency", json!("XXX"))),
        ("wrong_currency", "currency", with("currency", json!("KRW"))),
        ("invalid", "quantity", with("quantity", json!("-1"))),
        ("invalid", "quantity", with("quantity", json!("0"))),
        ("invalid", "price", with("price", json!("0.123456789012345678901234567890"))),
        ("invalid", "price", with("price", json!(0.123_456_789_012_345_68))),
        ("invalid", "price", with("price", json!("1e5"))),
        ("invalid", "kind", with("kind", json!("short_sell"))),
        ("invalid", "quantity", with("quantity", json!({"a": 1}))),
        ("invalid", "trades", with("colour", json!("red"))),
        ("missing", "symbol", with("symbol", Value::Null)),
        ("missing", "trade_id", with("trade_id", json!(""))),
        ("invalid", "trade_id", with("trade_id", json!("가나다"))),
        ("unknown_reference", "corrects", with("corrects", json!("never-sent"))),
        ("invalid", "trades", json!("not an object")),
        ("missing", "ratio", row(&person, "split", first, &json!({"symbol": "XNAS:AAPL"}))),
    ];
    let mut rows = vec![deposit.clone(), buy.clone(), deposit.clone()];
    rows.extend(refused.iter().map(|(.., row)| row.clone()));
    let answer = broker.send(&rows).await?.expect(200)?.json;
    ensure!(
        answer["accepted"] == 2 && answer["duplicates"] == 1 && answer["refused"] == refused.len(),
        "{answer}"
    );
    let results = answer["results"].as_array().context("no results")?;
    ensure!(results.len() == rows.len());
    for (place, (code, field, sent)) in refused.iter().enumerate() {
        let result = &results[place + 3];
        ensure!(
            result["status"] == "refused" && result["code"] == *code && result["field"] == *field,
            "{sent}: {result}"
        );
        ensure!(result["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
    }
    // The same batch again: what is here is a duplicate, what was wrong is wrong again and counted once.
    let again = broker.send(&rows).await?.expect(200)?.json;
    ensure!(again["accepted"] == 0 && again["duplicates"] == 3, "{again}");
    let mut changed = buy.clone();
    changed["quantity"] = json!(6);
    let conflict = broker.send(&[changed]).await?.expect(200)?.json;
    ensure!(conflict["results"][0]["code"] == "conflict", "{conflict}");
    // Written another way it says the same.
    let mut same = buy;
    same["quantity"] = json!("5.000");
    ensure!(broker.send(&[same]).await?.json["duplicates"] == 1);
    // Someone else's row is corrected by nobody.
    let mut theirs = paid_in(&other, 1, first);
    theirs["corrects"] = deposit["trade_id"].clone();
    let kept = broker.send(&[theirs]).await?.json;
    ensure!(kept["results"][0]["code"] == "unknown_reference", "{kept}");
    println!("trials: {} refused rows", refused.len());
    Ok(())
}

#[tokio::test]
async fn a_refused_row_is_listed_until_it_is_taken_in() -> Result<()> {
    let service = Setup::new().start().await?;
    let broker = Broker::open(&service).await?;
    let person = service.anonymous()?.signup().await?;
    let days = open_days();
    let sold = traded(&person, "sell", ("XNAS:AAPL", 3, 110), at_work(days[5]));
    for _ in 0..3 {
        ensure!(broker.send(std::slice::from_ref(&sold)).await?.json["refused"] == 1);
    }
    let nonsense =
        json!({"trade_id": "with-nul", "user": "a\u{0}b", "kind": "buy", "note": "x".repeat(9_000)});
    ensure!(broker.send(&[nonsense]).await?.expect(200)?.json["refused"] == 1);
    let listed = broker.api.get(REFUSALS).await?.expect(200)?;
    ensure!(listed.items().len() == 2, "{}", listed.text());
    let kept = &listed.items()[1];
    ensure!(kept["code"] == "oversold" && kept["times"] == 3 && kept["sent"]["quantity"] == "3", "{kept}");
    ensure!(kept["sent"]["trade_id"] == sold["trade_id"] && kept["trade_id"] == sold["trade_id"]);
    // The purchase comes late; sent again unchanged, the sale counts.
    broker
        .take(&[
            paid_in(&person, 500, at_work(days[1])),
            traded(&person, "buy", ("XNAS:AAPL", 3, 100), at_work(days[1])),
        ])
        .await?;
    broker.take(&[sold]).await?;
    let left = broker.api.get(REFUSALS).await?.expect(200)?;
    ensure!(left.items().len() == 1 && left.items()[0]["trade_id"] == "with-nul", "{}", left.text());
    // Pages of it repeat and skip nothing.
    let wrong: Vec<Value> =
        (0..25).map(|_| traded(&person, "sell", ("XNAS:MSFT", 1, 1), at_work(days[1]))).collect();
    broker.send(&wrong).await?.expect(200)?;
    let ids = broker.api.all_ids(&format!("{REFUSALS}?limit=4")).await?;
    ensure!(ids.len() == 26 && ids.iter().collect::<HashSet<_>>().len() == 26, "{}", ids.len());
    broker.api.get(&format!("{REFUSALS}?cursor=x")).await?.refused(400, "bad_cursor")?;
    Ok(())
}

#[tokio::test]
async fn a_batch_has_from_one_to_ten_thousand_rows_and_eight_mebibytes() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let broker = Broker::open(&service).await?;
    let person = service.anonymous()?.signup().await?;
    let at = at_work(open_days()[0]);
    let deposits = |count: usize| -> Vec<Value> { (0..count).map(|_| paid_in(&person, 1, at)).collect() };
    broker.send(&[]).await?.names("trades")?;
    let most = deposits(10_000);
    broker.take(&most).await?;
    let again = broker.send(&most).await?.expect(200)?.json;
    ensure!(again["duplicates"] == 10_000, "{} duplicates", again["duplicates"]);
    broker.send(&deposits(10_001)).await?.names("trades")?;
    // All of them wrong, all of them are kept, and those sent again are counted.
    let wrong: Vec<Value> = (0..10_000).map(|_| traded(&person, "sell", ("XNAS:MSFT", 1, 1), at)).collect();
    for _ in 0..2 {
        let refused = broker.send(&wrong).await?.expect(200)?.json;
        ensure!(refused["refused"] == 10_000, "{} refused", refused["refused"]);
    }
    let repeated: Vec<Value> = (0..10_000).map(|_| most[0].clone()).collect();
    ensure!(broker.send(&repeated).await?.expect(200)?.json["duplicates"] == 10_000);
    let sql = service.sql().await?;
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM ledger_entries WHERE user_id = $1")
        .bind(person.id.parse::<i64>()?)
        .fetch_one(&sql)
        .await?;
    ensure!(rows == 10_000, "{rows} rows");
    // A body that is too large is refused whether it says so or not, and nothing of it counts.
    let mut large = json!({"trades": deposits(1)});
    large["trades"][0]["symbol"] = json!("x".repeat(8 * 1024 * 1024));
    broker.api.post(TRADES, &large).await?.refused(413, "body_too_large")?;
    for (body, status) in [
        (&b"{"[..], 400),
        (b"[]", 422),
        (b"{\"trades\": {}}", 422),
        (b"{\"trades\": [], \"more\": 1}", 422),
        (b"\xFF\xFE", 400),
    ] {
        let headers = [("content-type", "application/json")];
        broker.api.raw("POST", TRADES, &headers, body.to_vec()).await?.expect(status)?;
    }
    let headers = [("content-type", "text/csv")];
    broker.api.raw("POST", TRADES, &headers, b"a,b".to_vec()).await?.expect(415)?;
    for path in ["/v1/ledger/prices", "/v1/ledger/rates"] {
        let field = path.rsplit('/').next().unwrap_or_default();
        let rows: Vec<Value> = (0..10_001).map(|_| json!({})).collect();
        broker.api.post(path, &json!({field: rows})).await?.expect(422)?;
        broker.api.post(path, &json!({field: []})).await?.names(field)?;
    }
    Ok(())
}

#[tokio::test]
async fn rows_sent_at_once_and_again_count_once() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let broker = Broker::open(&service).await?;
    let person = service.anonymous()?.signup().await?;
    let day = at_work(open_days()[0]);
    broker.take(&[traded(&person, "buy", ("XNAS:AAPL", 10, 100), day)]).await?;
    // Twelve sales of one share each from eight connections at once: ten shares were there.
    let sales: Vec<Value> =
        (0..12).map(|_| traded(&person, "sell", ("XNAS:AAPL", 1, 100), at_work(open_days()[1]))).collect();
    let tasks: Vec<_> = sales
        .iter()
        .flat_map(|sale| [sale.clone(), sale.clone()])
        .map(|sale| {
            let api = broker.api.clone();
            async move { api.post(TRADES, &json!({"trades": [sale]})).await }
        })
        .collect();
    let answers = all(tasks).await?;
    ensure!(answers.iter().all(|answer| [200, 409].contains(&answer.status)), "{answers:?}");
    broker.send(&sales).await?.expect(200)?;
    let sql = service.sql().await?;
    let sold: i64 =
        sqlx::query_scalar("SELECT count(*) FROM ledger_entries WHERE user_id = $1 AND kind = 'sell'")
            .bind(person.id.parse::<i64>()?)
            .fetch_one(&sql)
            .await?;
    ensure!(sold == 10, "{sold} sold of ten");
    // The same key has one effect and one answer, byte for byte, also at once.
    let body = json!({"trades": [paid_in(&person, 7, day)]});
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (api, body) = (broker.api.clone(), body.clone());
            async move { api.send("POST", TRADES, &[("idempotency-key", "one-batch")], &body).await }
        })
        .collect();
    let answers = all(tasks).await?;
    let done: HashSet<String> =
        answers.iter().filter(|answer| answer.status == 200).map(madang_tests::Answer::text).collect();
    ensure!(done.len() == 1 && done.iter().all(|text| text.contains("\"accepted\":1")), "{done:?}");
    let other = json!({"trades": [paid_in(&person, 8, day)]});
    let reused = broker.api.send("POST", TRADES, &[("idempotency-key", "one-batch")], &other).await?;
    ensure!(reused.status == 422, "{}", reused.text());
    Ok(())
}

#[tokio::test]
async fn prices_and_rates_are_taken_once_and_only_if_they_can_be() -> Result<()> {
    let service = Setup::new().start().await?;
    let broker = Broker::open(&service).await?;
    let days = open_days();
    let price = |day: &str, close: &str| json!({"symbol": "XNAS:NVDA", "day": day, "open": close, "high": close, "low": close, "close": close});
    let day = days[LAST].to_string();
    let prices = |row: &Value| json!({"prices": [row]});
    let (path, rates) = ("/v1/ledger/prices", "/v1/ledger/rates");
    let answer = broker.api.post(path, &prices(&price(&day, "12.5"))).await?.expect(200)?;
    ensure!(answer.json == json!({"new": 1, "already_here": 0}), "{}", answer.text());
    let answer = broker.api.post(path, &prices(&price(&day, "99"))).await?.expect(200)?;
    ensure!(answer.json == json!({"new": 0, "already_here": 1}), "{}", answer.text());
    // Under its old name an instrument is what it is called now.
    broker.closes([("XNAS:FB", days[LAST], 321)]).await?;
    let meta = service.anonymous()?.get("/v1/tickers/XNAS:META/prices?limit=1").await?.expect(200)?;
    ensure!(meta.items()[0]["close"] == "321", "{}", meta.text());
    let seen = service.anonymous()?.get("/v1/tickers/XNAS:NVDA/prices?limit=1").await?.expect(200)?;
    ensure!(seen.items()[0]["close"] == "12.5" && seen.items()[0]["day"] == day.as_str(), "{}", seen.text());
    let with = |field: &str, value: Value| {
        let mut row = price(&days[0].to_string(), "5");
        row[field] = value;
        row
    };
    let mut wrong = 0;
    for (field, row) in [
        ("prices[0].symbol", with("symbol", json!("XNAS:NOSUCH"))),
        ("prices[0].day", with("day", json!("2999-01-01"))),
        ("prices[0].day", with("day", json!("yesterday"))),
        ("prices[0].close", with("close", json!("0"))),
        ("prices[0].low", with("low", json!("-1"))),
        ("prices[0].high", with("high", json!("1e40"))),
        ("prices[0].volume", with("volume", json!(-1))),
        ("prices[0].colour", with("colour", json!("red"))),
    ] {
        broker.api.post(path, &prices(&row)).await?.names(field)?;
        wrong += 1;
    }
    let rate = |currency: &str, day: &str, won: &str| json!({"rates": [{"currency": currency, "day": day, "won": won}]});
    let answer = broker.api.post(rates, &rate("USD", &day, "1390.5")).await?.expect(200)?;
    ensure!(answer.json == json!({"new": 1, "already_here": 0}));
    ensure!(broker.api.post(rates, &rate("USD", &day, "1")).await?.json["already_here"] == 1);
    for (field, body) in [
        ("rates[0].currency", rate("KRW", &day, "1")),
        ("rates[0].currency", rate("XXX", &day, "1")),
        ("rates[0].won", rate("JPY", &day, "0")),
        ("rates[0].day", rate("JPY", "2999-01-01", "9")),
    ] {
        broker.api.post(rates, &body).await?.names(field)?;
        wrong += 1;
    }
    println!("trials: {wrong} prices and rates that cannot be");
    Ok(())
}

// ---- returns and consent

#[tokio::test]
async fn a_return_is_shown_under_consent_only_and_is_the_one_computed_by_hand() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let broker = Broker::open(&service).await?;
    let [person, viewer] = service.anonymous()?.signup_many().await?;
    person.get("/v1/me/returns").await?.refused(404, "not_found")?;
    broker.invest(&service, &person).await?;
    let nobody = service.anonymous()?;
    for who in [&viewer, &nobody, &person] {
        who.get(&returns(&person)).await?.refused(404, "not_disclosed")?;
        who.get(&format!("/v1/users/{}/trades", person.handle)).await?.refused(404, "not_disclosed")?;
    }
    for board in [OVERALL, OF_AAPL, HOLDERS] {
        ensure!(entry(&viewer, board, &person).await?.is_none(), "{board}");
    }
    // What is one's own is there, and one's place with it, though nobody else sees it.
    let own = person.get("/v1/me/returns").await?.expect(200)?.json;
    let me = person.get(OVERALL).await?.expect(200)?.json["me"].clone();
    ensure!(me["shown"] == false && me["place"].as_i64().is_some_and(|place| place > 0), "{me}");
    ensure!(viewer.get(OVERALL).await?.json["me"].is_null());
    agree(&person, &json!({"holdings": true, "trade_delay": 0})).await?;
    let shown = nobody.get(&returns(&person)).await?.expect(200)?.json;
    // By hand: half the money lay in AAPL at 100 from the first close on, half of it was cash.
    let all = window(&shown["account"]["windows"], "ALL")?;
    ensure!(near(&all["twr"], worth(LAST) / worth(0) - 1.0), "{all}");
    let market: f64 = (1..OPEN_DAYS)
        .map(|place| {
            let change = |price: fn(usize) -> i64| price(place) as f64 / price(place - 1) as f64 - 1.0;
            1.0 + (change(aapl) + change(msft)) / 2.0
        })
        .product();
    ensure!(near(&all["market"], market - 1.0), "{all} is not {}", market - 1.0);
    ensure!(near(&all["excess"], worth(LAST) / worth(0) / market - 1.0), "{all}");
    let days = open_days();
    let month = days[LAST].checked_sub_months(Months::new(1)).context("no month")?;
    let base = days.iter().rposition(|day| *day <= month).context("no base")?;
    let month = window(&shown["account"]["windows"], "1M")?;
    ensure!(near(&month["twr"], worth(LAST) / worth(base) - 1.0) && month["complete"] == true, "{month}");
    ensure!(month["from"] == days[base].to_string() && month["to"] == days[LAST].to_string(), "{month}");
    let ticker = &shown["tickers"][0];
    ensure!(
        near(&window(&ticker["windows"], "ALL")?["twr"], aapl(LAST) as f64 / aapl(0) as f64 - 1.0),
        "{ticker}"
    );
    let weight = 100.0 * aapl(LAST) as f64 / worth(LAST);
    ensure!(near(&ticker["holding"]["weight"], weight), "{ticker}");
    ensure!(own["account"]["windows"] == shown["account"]["windows"]);
    // No amount, anywhere.
    ensure!(shown["account"]["gains"].is_null() && ticker["gains"].is_null(), "{shown}");
    ensure!(!own["account"]["gains"].is_null());
    for board in [OVERALL, OF_AAPL, HOLDERS] {
        listed(&viewer, board, &person).await?;
        let entry = entry(&viewer, board, &person).await?.context("gone")?;
        ensure!(!entry.to_string().contains("20000") && entry["twr"].is_number(), "{entry}");
    }
    ensure!(person.get(OVERALL).await?.json["me"]["shown"] == true);
    take_back(&person).await?;
    viewer.get(&returns(&person)).await?.refused(404, "not_disclosed")?;
    for board in [OVERALL, OF_AAPL, HOLDERS] {
        ensure!(entry(&viewer, board, &person).await?.is_none(), "{board}");
    }
    Ok(())
}

#[tokio::test]
async fn each_consent_shows_what_it_says_and_no_more() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let broker = Broker::open(&service).await?;
    let person = service.anonymous()?.signup().await?;
    broker.invest(&service, &person).await?;
    let bought = traded(&person, "buy", ("XNAS:MSFT", 10, 200), at_work(open_days()[0]));
    broker.take(&[bought]).await?;
    service.settle().await?;
    let nobody = service.anonymous()?;
    let (path, trades) = (returns(&person), format!("/v1/users/{}/trades", person.handle));
    // The whole account, returns alone: no ticker is named, nowhere.
    agree(&person, &json!({})).await?;
    let shown = nobody.get(&path).await?.expect(200)?;
    ensure!(shown.json["tickers"] == json!([]) && shown.json["account"].is_object(), "{}", shown.text());
    ensure!(!shown.text().contains("AAPL") && !shown.text().contains("XNAS"));
    ensure!(
        entry(&nobody, OF_AAPL, &person).await?.is_none()
            && entry(&nobody, HOLDERS, &person).await?.is_none()
    );
    nobody.get(&trades).await?.refused(404, "not_disclosed")?;
    // With holdings.
    agree(&person, &json!({"holdings": true})).await?;
    let shown = nobody.get(&path).await?.expect(200)?.json;
    ensure!(shown["tickers"].as_array().map(Vec::len) == Some(2) && shown["tickers"][0]["gains"].is_null());
    nobody.get(&trades).await?.refused(404, "not_disclosed")?;
    // With amounts, which are ticked apart.
    agree(&person, &json!({"holdings": true, "amounts": true, "trade_delay": 0})).await?;
    let shown = nobody.get(&path).await?.expect(200)?.json;
    let unrealised = shown["account"]["gains"]["unrealised"].as_str().context("no gains")?;
    let by_hand = 100 * (aapl(LAST) - aapl(0)) + 10 * (msft(LAST) - 200);
    ensure!(unrealised.parse::<f64>()? == by_hand as f64, "{unrealised} is not {by_hand}");
    ensure!(nobody.get(&trades).await?.json["items"][0]["quantity"].is_string());
    agree(&person, &json!({"holdings": true, "trade_delay": 0})).await?;
    let listed = nobody.get(&trades).await?.expect(200)?;
    ensure!(listed.items().len() == 2 && listed.items().iter().all(|one| one["quantity"].is_null()));
    ensure!(!listed.text().contains("\"100\"") || listed.items()[1]["price"] == "100", "{}", listed.text());
    take_back(&person).await?;
    // One ticker alone.
    agree(&person, &json!({"ticker": "XNAS:AAPL", "holdings": true, "trade_delay": 0})).await?;
    let shown = nobody.get(&path).await?.expect(200)?;
    ensure!(shown.json["account"].is_null() && shown.json["tickers"].as_array().map(Vec::len) == Some(1));
    ensure!(shown.json["tickers"][0]["ticker"]["symbol"] == "XNAS:AAPL" && !shown.text().contains("MSFT"));
    ensure!(shown.json["tickers"][0]["holding"]["weight"].is_null(), "a weight tells of the whole account");
    ensure!(nobody.get(&trades).await?.items().iter().all(|one| one["ticker"] == "XNAS:AAPL"));
    ensure!(entry(&nobody, OVERALL, &person).await?.is_none());
    self::listed(&nobody, OF_AAPL, &person).await?;
    // A ticker of the whole account may show less.
    agree(&person, &json!({"holdings": true, "trade_delay": 0})).await?;
    agree(&person, &json!({"ticker": "XNAS:AAPL", "holdings": false})).await?;
    ensure!(nobody.get(&trades).await?.items().iter().all(|one| one["ticker"] == "XNAS:MSFT"));
    let shown = nobody.get(&path).await?.json;
    let of = |symbol: &str| {
        let tickers = shown["tickers"].as_array().into_iter().flatten();
        tickers.into_iter().find(|one| one["ticker"]["symbol"] == symbol).cloned().unwrap_or_default()
    };
    ensure!(of("XNAS:AAPL")["holding"].is_null() && of("XNAS:MSFT")["holding"].is_object(), "{shown}");
    ensure!(entry(&nobody, HOLDERS, &person).await?.is_none(), "shown as a holder against their own consent");
    // The delay counts in market days: bought on the last one it is told at once, a day later or after twenty.
    let last = traded(&person, "buy", ("XNAS:MSFT", 1, 200), at_work(open_days()[LAST]));
    let twenty = traded(&person, "buy", ("XNAS:MSFT", 2, 200), at_work(open_days()[LAST - 19]));
    let enough = traded(&person, "buy", ("XNAS:MSFT", 3, 200), at_work(open_days()[LAST - 20]));
    broker.take(&[last, twenty, enough]).await?;
    service.settle().await?;
    person.delete(&format!("{DISCLOSURE}?ticker=XNAS:AAPL")).await?.expect(204)?;
    for (delay, count) in [(0, 5), (1, 4), (20, 3)] {
        agree(&person, &json!({"holdings": true, "trade_delay": delay})).await?;
        let told = nobody.get(&trades).await?.items().len();
        ensure!(told == count, "{told} trades are told after {delay} days");
    }
    Ok(())
}

#[tokio::test]
async fn consent_is_given_to_a_text_and_a_ticker_that_are_there_and_its_history_stays() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let broker = Broker::open(&service).await?;
    let person = service.anonymous()?.signup().await?;
    let put = async |body: Value| person.send("PUT", DISCLOSURE, &[], &body).await;
    for (field, body) in [
        ("consent_version", json!({})),
        ("consent_version", json!({"consent_version": 2})),
        ("consent_version", json!({"consent_version": "1"})),
        ("trade_delay", json!({"consent_version": 1, "trade_delay": 5})),
        ("trade_delay", json!({"consent_version": 1, "trade_delay": -1})),
        ("ticker", json!({"consent_version": 1, "ticker": "XNAS:NOSUCH"})),
        ("ticker", json!({"consent_version": 1, "ticker": "XNAS:MSFT"})),
        ("amounts", json!({"consent_version": 1, "amounts": "yes"})),
        ("more", json!({"consent_version": 1, "more": 1})),
    ] {
        put(body).await?.names(field)?;
    }
    service.anonymous()?.send("PUT", DISCLOSURE, &[], &json!({})).await?.refused(401, "login_required")?;
    broker.invest(&service, &person).await?;
    // At once, and again: one is in force.
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let (person, scope) = (person.clone(), json!({"holdings": n % 2 == 0}));
            async move { agree(&person, &scope).await }
        })
        .collect();
    all(tasks).await?;
    let own = person.get(DISCLOSURE).await?.expect(200)?.json;
    ensure!(own["in_force"].as_array().map(Vec::len) == Some(1), "{own}");
    ensure!(
        own["consent"]["version"] == 1 && own["consent"]["ko"].as_str().is_some_and(|ko| ko.contains("철회"))
    );
    agree(&person, &json!({"amounts": true})).await?;
    let before = person.get(DISCLOSURE).await?.json["history"].as_array().map_or(0, Vec::len);
    agree(&person, &json!({"amounts": true})).await?;
    take_back(&person).await?;
    take_back(&person).await?;
    let own = person.get(DISCLOSURE).await?.json;
    let history = own["history"].as_array().context("no history")?;
    ensure!(own["in_force"] == json!([]) && history.len() == before + 1, "{own}");
    ensure!(history[0]["amounts"] == true && history[0]["revoked_at"].is_string(), "{own}");
    // A suspended person can take consent back, and give none.
    agree(&person, &json!({})).await?;
    let admin = service.member(&service.anonymous()?, "admin").await?;
    let sanctions = format!("/v1/moderation/users/{}/sanctions", person.handle);
    admin.post(&sanctions, &json!({"kind": "suspend", "reason": "spam", "days": 3})).await?.expect(201)?;
    put(json!({"consent_version": 1})).await?.refused(403, "account_suspended")?;
    take_back(&person).await?;
    ensure!(person.get(DISCLOSURE).await?.json["in_force"] == json!([]));
    Ok(())
}

#[tokio::test]
async fn a_sanctioned_or_deleted_person_is_on_no_board_from_that_moment_on() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let broker = Broker::open(&service).await?;
    let nobody = service.anonymous()?;
    let admin = service.member(&nobody, "admin").await?;
    let trades = |person: &Api| format!("/v1/users/{}/trades", person.handle);
    for kind in ["limit", "suspend", "ban"] {
        let person = broker.disclosing(&service).await?;
        for board in [OVERALL, OF_AAPL, HOLDERS] {
            listed(&nobody, board, &person).await?;
        }
        let sanctions = format!("/v1/moderation/users/{}/sanctions", person.handle);
        let days = if kind == "ban" { Value::Null } else { json!(3) };
        let body = json!({"kind": kind, "reason": "spam", "days": days});
        let made = admin.post(&sanctions, &body).await?.expect(201)?;
        for board in [OVERALL, OF_AAPL, HOLDERS] {
            ensure!(entry(&nobody, board, &person).await?.is_none(), "{kind}: {board}");
        }
        nobody.get(&returns(&person)).await?.refused(404, "not_disclosed")?;
        nobody.get(&trades(&person)).await?.refused(404, "not_disclosed")?;
        let me = person.get(OVERALL).await?;
        ensure!(me.status != 200 || me.json["me"]["shown"] == false, "{kind}: {}", me.text());
        let id = made.json["id"].as_str().context("no id")?;
        admin.delete(&format!("{sanctions}/{id}")).await?.expect(204)?;
        nobody.get(&returns(&person)).await?.expect(200)?;
        ensure!(entry(&nobody, HOLDERS, &person).await?.is_some(), "{kind} lifted");
    }
    let person = broker.disclosing(&service).await?;
    listed(&nobody, OVERALL, &person).await?;
    let gone = json!({"handle": person.handle});
    person.send("DELETE", "/v1/me", &[], &gone).await?.expect(204)?;
    for board in [OVERALL, OF_AAPL, HOLDERS] {
        let page = nobody.get(&format!("{board}&limit=100")).await?.expect(200)?;
        ensure!(
            !page.text().contains("deleted") && entry(&nobody, board, &person).await?.is_none(),
            "{board}"
        );
    }
    nobody.get(&returns(&person)).await?.refused(404, "not_found")?;
    nobody.get(&trades(&person)).await?.refused(404, "not_found")?;
    Ok(())
}

#[tokio::test]
async fn either_side_of_a_block_sees_no_return_of_the_other() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let broker = Broker::open(&service).await?;
    let (one, two) = (broker.disclosing(&service).await?, broker.disclosing(&service).await?);
    for board in [OVERALL, OF_AAPL, HOLDERS] {
        listed(&two, board, &one).await?;
        listed(&one, board, &two).await?;
    }
    one.put(&format!("/v1/users/{}/block", two.handle)).await?.expect(204)?;
    for (viewer, person) in [(&one, &two), (&two, &one)] {
        for board in [OVERALL, OF_AAPL, HOLDERS] {
            ensure!(entry(viewer, board, person).await?.is_none(), "{board}");
        }
        for what in ["returns", "trades", "calls", "calls/calibration.svg"] {
            let path = format!("/v1/users/{}/{what}", person.handle);
            viewer.get(&path).await?.refused(404, "not_found")?;
        }
    }
    Ok(())
}

// ---- boards

/// A board's whole order by pages of `limit`: handles and places.
async fn order(
    viewer: &Api,
    limit: usize,
    mut between: impl AsyncFnMut() -> Result<()>,
) -> Result<Vec<(String, i64)>> {
    let (mut all, mut path) = (Vec::new(), format!("{OVERALL}&limit={limit}"));
    for _ in 0..200 {
        let page = viewer.get(&path).await?.expect(200)?;
        for one in page.items() {
            let place = one["place"].as_i64().context("no place")?;
            all.push((one["handle"].as_str().unwrap_or_default().to_owned(), place));
        }
        match page.json["next_cursor"].as_str() {
            Some(cursor) => path = format!("{OVERALL}&limit={limit}&cursor={cursor}"),
            None => return Ok(all),
        }
        between().await?;
    }
    anyhow::bail!("the board does not end")
}

#[tokio::test]
async fn a_board_is_paged_without_repeats_while_records_are_computed_anew() -> Result<()> {
    let service = Setup::new().with("SNAPSHOT_REUSE_MS", "0").start().await?;
    let broker = Broker::open(&service).await?;
    let first = at_work(open_days()[0]);
    let people: [Api; 24] = service.anonymous()?.signup_many().await?;
    // Pairs of twins, who share a place: each pair with more in shares than the one before.
    let rows: Vec<Value> = people
        .iter()
        .enumerate()
        .flat_map(|(n, person)| {
            let shares = 70 + i64::try_from(n / 2).unwrap_or_default() * 5;
            [paid_in(person, 20_000, first), traded(person, "buy", ("XNAS:AAPL", shares, 100), first)]
        })
        .collect();
    broker.take(&rows).await?;
    service.settle().await?;
    for person in &people {
        agree(person, &json!({"holdings": true})).await?;
    }
    let viewer = service.anonymous()?.signup().await?;
    let whole = order(&viewer, 100, async || Ok(())).await?;
    ensure!(whole.len() == 24, "{} on the board", whole.len());
    let places: Vec<i64> = whole.iter().map(|(_, place)| *place).collect();
    let twins: Vec<i64> = (0..12).flat_map(|pair| [2 * pair + 1, 2 * pair + 1]).collect();
    ensure!(places == twins, "{places:?}");
    // Whoever pages keeps the order of their first page, whatever comes in meanwhile.
    let rounds = trials(4, 20);
    let mut pages = 0;
    for round in 0..rounds {
        let before: HashSet<String> = whole.iter().map(|(handle, _)| handle.clone()).collect();
        let mut turn = 0;
        let seen = order(&viewer, 5, async || {
            let person = &people[(round * 7 + turn * 5) % people.len()];
            turn += 1;
            pages += 1;
            let more = traded(person, "sell", ("XNAS:AAPL", 1, 100), at_work(open_days()[2]));
            broker.take(&[more]).await?;
            service.settle().await
        })
        .await?;
        let distinct: HashSet<String> = seen.iter().map(|(handle, _)| handle.clone()).collect();
        ensure!(distinct.len() == seen.len(), "somebody is there twice: {seen:?}");
        ensure!(distinct == before, "{} of {} seen", distinct.len(), before.len());
        ensure!(seen.windows(2).all(|two| two[0].1 <= two[1].1), "not in order: {seen:?}");
    }
    // A cursor is one of this board and this viewer; what was taken back since is passed over.
    let page = viewer.get(&format!("{OVERALL}&limit=3")).await?.expect(200)?;
    let cursor = page.json["next_cursor"].as_str().context("no cursor")?.to_owned();
    let other = service.anonymous()?;
    for (who, board) in [
        (&other, OVERALL),
        (&people[0], OVERALL),
        (&viewer, OF_AAPL),
        (&viewer, "/v1/leaderboard?window=1Y"),
        (&viewer, HOLDERS),
        (&viewer, "/v1/tickers/XNAS:AAPL/posts?"),
    ] {
        let path = format!("{board}&limit=3&cursor={cursor}");
        who.get(&path).await?.refused(400, "bad_cursor")?;
    }
    let (next, _) = order(&viewer, 100, async || Ok(())).await?[3].clone();
    let next = people.iter().find(|person| person.handle == next).context("nobody")?;
    take_back(next).await?;
    let page = viewer.get(&format!("{OVERALL}&limit=3&cursor={cursor}")).await?.expect(200)?;
    ensure!(page.items().iter().all(|one| one["handle"] != next.handle.as_str()), "{}", page.text());
    // Their own place is told to them all the same: those of better score who are shown, and one.
    let me = next.get(OVERALL).await?.json["me"].clone();
    let score = me["score"].as_f64().context("no score")?;
    let board = viewer.get(&format!("{OVERALL}&limit=100")).await?;
    let better =
        board.items().iter().filter(|one| one["score"].as_f64().is_some_and(|other| other > score)).count();
    ensure!(me["shown"] == false && me["place"] == better + 1, "{me}");
    println!("trials: {rounds} walks along a board, {pages} pages with a record computed anew between them");
    Ok(())
}

#[tokio::test]
async fn a_board_asked_for_wrongly_says_what_is_wrong() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let broker = Broker::open(&service).await?;
    let nobody = service.anonymous()?;
    for (path, field) in [
        ("/v1/leaderboard?window=2W", "window"),
        ("/v1/leaderboard?ticker=XNAS:NOSUCH", "ticker"),
        ("/v1/leaderboard?limit=0", "limit"),
        ("/v1/leaderboard?limit=101", "limit"),
        ("/v1/leaderboard?limit=x", "query"),
        ("/v1/leaderboard?tickers=x", "tickers"),
        ("/v1/tickers/XNAS:AAPL/creators?limit=101", "limit"),
    ] {
        let answer = nobody.get(path).await?;
        if field == "query" {
            answer.expect(422)?;
        } else {
            answer.names(field)?;
        }
    }
    nobody.get("/v1/leaderboard?cursor=x").await?.refused(400, "bad_cursor")?;
    nobody.get("/v1/tickers/XNAS:NOSUCH/creators").await?.refused(404, "not_found")?;
    nobody.get("/v1/users/nobody_here/returns").await?.refused(404, "not_found")?;
    // Few days, no position, all in cash: nobody shops for a place.
    let person = service.anonymous()?.signup().await?;
    let late = at_work(open_days()[LAST - 3]);
    broker
        .take(&[
            paid_in(&person, 1_000, late),
            traded(&person, "buy", ("XNAS:AAPL", 1, aapl(LAST - 3)), late),
        ])
        .await?;
    service.settle().await?;
    agree(&person, &json!({"holdings": true})).await?;
    let me = person.get(OVERALL).await?.expect(200)?.json["me"].clone();
    ensure!(
        me["place"].is_null() && me["ineligible"] == json!(["few_days", "few_positions", "little_invested"]),
        "{me}"
    );
    ensure!(entry(&nobody, OVERALL, &person).await?.is_none());
    Ok(())
}

// ---- taking it back

/// One place a return is shown at, and how to tell that it is.
#[derive(Clone)]
struct Surface {
    name: &'static str,
    method: &'static str,
    path: String,
    body: Value,
    /// what stands in the answer while it is shown
    mark: String,
}

/// When a read began, where, and whether it showed the return.
type Read = (Instant, &'static str, bool);

struct Scene {
    author: Api,
    reader: Api,
    surfaces: Vec<Surface>,
}

async fn scene(service: &Service) -> Result<Scene> {
    let broker = Broker::open(service).await?;
    let author = broker.disclosing(service).await?;
    let reader = service.anonymous()?.signup().await?;
    reader.follow(&author).await?;
    let asked = json!({"kind": "position", "ticker": "XNAS:AAPL"});
    let card = author.post("/v1/me/cards", &asked).await?.expect(201)?.json;
    let (id, token) = (card["id"].as_str().context("no card")?, card["token"].as_str().context("no token")?);
    let body = json!({"body": "$AAPL 수익 인증합니다", "card_id": id});
    let post = author.publish(body).await?;
    reader.publish(json!({"body": "look at this", "quote_of": post})).await?;
    service.settle().await?;
    for board in [OVERALL, OF_AAPL, HOLDERS] {
        listed(&reader, board, &author).await?;
    }
    let handle = author.handle.clone();
    let get = |name, path: String, mark: &str| Surface {
        name,
        method: "GET",
        path,
        body: Value::Null,
        mark: mark.to_owned(),
    };
    let by_handle = format!("\"handle\":\"{handle}\"");
    let words = reader.get(&format!("/v1/cards/{id}/text")).await?.expect(200)?.text();
    let surfaces = vec![
        get("returns", returns(&author), "\"twr\""),
        get("trades", format!("/v1/users/{handle}/trades"), "\"side\""),
        get("the leaderboard", format!("{OVERALL}&limit=100"), &by_handle),
        get("the ticker's leaderboard", format!("{OF_AAPL}&limit=100"), &by_handle),
        get("holders", format!("{HOLDERS}limit=100"), &by_handle),
        get("the card", format!("/v1/cards/{id}"), "\"shown\""),
        get("the card in words", format!("/v1/cards/{id}/text"), &words),
        get("the post", format!("/v1/posts/{post}"), "\"shown\""),
        get("the timeline", "/v1/timeline?order=latest".into(), "\"shown\""),
        get("the ticker's posts", "/v1/tickers/XNAS:AAPL/posts".into(), "\"shown\""),
        get("the author's posts", format!("/v1/users/{handle}/posts"), "\"shown\""),
        Surface {
            name: "verification",
            method: "POST",
            path: "/v1/cards/verify".into(),
            body: json!({"token": token}),
            mark: "\"shown\"".into(),
        },
    ];
    Ok(Scene { author, reader, surfaces })
}

async fn look(who: &Api, surface: &Surface) -> Result<Read> {
    try_look(who, surface).await?.context("no store answers")
}

async fn try_look(who: &Api, surface: &Surface) -> Result<Option<Read>> {
    let began = Instant::now();
    let answer = match surface.method {
        "GET" => who.get(&surface.path).await?,
        method => who.send(method, &surface.path, &[], &surface.body).await?,
    };
    if answer.status == 503 {
        return Ok(None);
    }
    // Where nothing may be shown there is a 404; anything else would hide what this test looks for.
    ensure!([200, 404].contains(&answer.status), "{}: {} {}", surface.name, answer.status, answer.text());
    Ok(Some((began, surface.name, answer.text().contains(&surface.mark))))
}

#[tokio::test]
async fn nothing_shows_a_return_to_a_read_that_began_after_consent_was_taken_back() -> Result<()> {
    let service = Setup::new().with("DATABASE_POOL_SIZE", "24").start().await?;
    let beside = Beside::start(&service).await?;
    let scene = scene(&service).await?;
    for surface in &scene.surfaces {
        ensure!(look(&scene.reader, surface).await?.2, "{} does not show the return", surface.name);
    }
    let (reads, stop) = (Arc::new(Mutex::new(Vec::<Read>::new())), Arc::new(AtomicBool::new(false)));
    let done = Arc::new(AtomicUsize::new(0));
    // A thousand readers at once, half of them of another process; each goes on until after the answer.
    let tasks: Vec<_> = (0..1_000)
        .map(|n| {
            let surface = scene.surfaces[n % scene.surfaces.len()].clone();
            let who = if n % 24 < 12 { scene.reader.clone() } else { beside.ask_as(&scene.reader) };
            let (reads, stop, done) = (reads.clone(), stop.clone(), done.clone());
            tokio::spawn(async move {
                loop {
                    let last = stop.load(Ordering::SeqCst);
                    // So many at once may be sent away for want of a connection: those ask again.
                    let Some(read) = try_look(&who, &surface).await? else { continue };
                    reads.lock().await.push(read);
                    done.fetch_add(1, Ordering::SeqCst);
                    if last {
                        return anyhow::Ok(());
                    }
                }
            })
        })
        .collect();
    let places = scene.surfaces.len();
    until("every place was read, a thousand times in all", 90, async || {
        let seen: HashSet<&str> =
            reads.lock().await.iter().filter(|(.., shown)| *shown).map(|(_, name, _)| *name).collect();
        Ok(done.load(Ordering::SeqCst) > 1_000 && seen.len() == places)
    })
    .await?;
    take_back(&scene.author).await?;
    let taken_back = Instant::now();
    stop.store(true, Ordering::SeqCst);
    for task in tasks {
        task.await??;
    }
    let reads = reads.lock().await;
    let (before, after): (Vec<&Read>, Vec<&Read>) = reads.iter().partition(|(began, ..)| *began < taken_back);
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, name, _) in before.iter().filter(|(.., shown)| *shown) {
        *shown.entry(name).or_default() += 1;
    }
    ensure!(shown.len() == scene.surfaces.len(), "not all were seen before: {shown:?}");
    let late: Vec<&&Read> = after.iter().filter(|(.., shown)| *shown).collect();
    ensure!(after.len() >= 1_000, "only {} reads after it", after.len());
    ensure!(late.is_empty(), "{} of {} reads after it show the return: {late:?}", late.len(), after.len());
    println!(
        "trials: {} reads at {} places, {} of which began after consent was taken back; 0 of these show the return",
        reads.len(),
        scene.surfaces.len(),
        after.len()
    );
    Ok(())
}

/// Waits until so many of the service's own transactions wait for a lock.
async fn waiting_for_locks(sql: &sqlx::PgPool, wanted: i64) -> Result<()> {
    until("transactions wait", 20, async || {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .fetch_one(sql)
        .await?;
        Ok(count >= wanted)
    })
    .await
}

#[tokio::test]
async fn a_record_computed_while_consent_is_taken_back_does_not_bring_it_back() -> Result<()> {
    let service = Setup::new().start().await?;
    let scene = scene(&service).await?;
    let sql = service.sql().await?;
    let author: i64 = scene.author.id.parse()?;
    let post = scene.surfaces.iter().find(|surface| surface.name == "the post").context("no post")?;
    let rounds = trials(5, 40);
    for round in 0..rounds {
        agree(&scene.author, &json!({"holdings": true, "trade_delay": 0})).await?;
        until("the card is shown", 20, async || Ok(look(&scene.reader, post).await?.2)).await?;
        service.settle().await?;
        // The worker stops where it stores the record, after it began and before it looks at cards; then consent is
        // taken back.
        let mut held = sql.begin().await?;
        sqlx::query("SELECT FROM return_records WHERE user_id = $1 FOR UPDATE")
            .bind(author)
            .execute(&mut *held)
            .await?;
        sqlx::query("INSERT INTO jobs (kind, subject, peer) VALUES ('returns', $1, 0)")
            .bind(author)
            .execute(&sql)
            .await?;
        waiting_for_locks(&sql, 1).await?;
        let person = scene.author.clone();
        let taking = tokio::spawn(async move { take_back(&person).await });
        waiting_for_locks(&sql, 2).await?;
        held.commit().await?;
        taking.await??;
        ensure!(!look(&scene.reader, post).await?.2, "round {round}: shown right after");
        service.settle().await?;
        ensure!(!look(&scene.reader, post).await?.2, "round {round}: the worker brought it back");
    }
    println!("trials: {rounds} consents taken back in the middle of computing a record");
    Ok(())
}

#[tokio::test]
async fn a_card_made_while_consent_is_taken_back_shows_nothing() -> Result<()> {
    let service = Setup::new().start().await?;
    let scene = scene(&service).await?;
    let sql = service.sql().await?;
    let rounds = trials(5, 40);
    for round in 0..rounds {
        agree(&scene.author, &json!({"holdings": true, "trade_delay": 0})).await?;
        service.settle().await?;
        // Making it stops where it is stored, after consent was asked for.
        let mut held = sql.begin().await?;
        sqlx::query("LOCK TABLE profit_cards IN SHARE MODE").execute(&mut *held).await?;
        let author = scene.author.clone();
        let making = tokio::spawn(async move {
            author.post("/v1/me/cards", &json!({"kind": "window", "window": "ALL"})).await
        });
        waiting_for_locks(&sql, 1).await?;
        let author = scene.author.clone();
        let taking = tokio::spawn(async move { take_back(&author).await });
        waiting_for_locks(&sql, 2).await?;
        held.commit().await?;
        let made = making.await??.expect(201)?;
        taking.await??;
        let card = made.json["id"].as_str().context("no card")?;
        let body = json!({"body": "look", "card_id": card});
        let refused = scene.author.post("/v1/posts", &body).await?.names("card_id");
        refused.with_context(|| format!("round {round}"))?;
        let mine = scene.author.get("/v1/me/cards").await?.expect(200)?;
        ensure!(!mine.text().contains("\"valid\""), "round {round}: {}", mine.text());
    }
    println!("trials: {rounds} cards made while consent was taken back");
    Ok(())
}
