//! What people said and did: stances and what came of them, words that deeds contradict, and whom to follow.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use chrono::Utc;
use madang_tests::{
    Answer, Api, Broker, Service, Setup, Shared, all,
    broker::{DISCLOSURE, OPEN_DAYS, aapl, agree, at_work, msft, open_days, take_back, traded},
    until,
};
use serde_json::{Value, json};

static SERVICE: Shared = Shared::new();

const LAST: usize = OPEN_DAYS - 1;
const ACTED: &str = "acted_against";
const SUGGESTIONS: &str = "/v1/suggestions/creators";

// ---- calls

fn calls(person: &Api) -> String {
    format!("/v1/users/{}/calls", person.handle)
}

/// A post with a stance, written on the market's day of that place.
async fn called(service: &Service, author: &Api, stance: &str, place: usize) -> Result<String> {
    let post = author.publish(json!({"body": format!("{stance} on $AAPL"), "stance": stance})).await?;
    sqlx::query("UPDATE posts SET created_at = $2::timestamptz WHERE id = $1")
        .bind(post.parse::<i64>()?)
        .bind(at_work(open_days()[place]).to_rfc3339())
        .execute(&service.sql().await?)
        .await?;
    Ok(post)
}

/// AAPL's return less the market's between the closes of two days, by hand.
fn excess(from: usize, to: usize) -> f64 {
    let change = |price: fn(usize) -> i64, place: usize| price(place) as f64 / price(place - 1) as f64 - 1.0;
    let market: f64 = (from + 1..=to).map(|at| 1.0 + (change(aapl, at) + change(msft, at)) / 2.0).product();
    aapl(to) as f64 / aapl(from) as f64 - market
}

fn horizon(ledger: &Value, days: i64) -> Result<&Value> {
    ledger["horizons"].as_array().into_iter().flatten().find(|one| one["days"] == days).context("no horizon")
}

#[tokio::test]
async fn a_stance_is_scored_after_one_five_and_twenty_days_and_deleting_it_changes_nothing() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    Broker::open(&service).await?;
    let author = service.anonymous()?.signup().await?;
    let nobody = service.anonymous()?;
    let none = nobody.get(&calls(&author)).await?.expect(200)?.json;
    ensure!(none["items"] == json!([]) && horizon(&none, 1)?["total"] == 0, "{none}");
    // Written before the close, it is entered at that day's close; a rise of AAPL comes on each fourth day.
    let right = called(&service, &author, "bull", 43).await?;
    let wrong = called(&service, &author, "bear", 47).await?;
    let open = called(&service, &author, "bull", LAST - 7).await?;
    author.publish(json!({"body": "nothing in particular about $AAPL"})).await?;
    let ledger = nobody.get(&calls(&author)).await?.expect(200)?.json;
    let ids: Vec<&str> =
        ledger["items"].as_array().into_iter().flatten().filter_map(|one| one["post_id"].as_str()).collect();
    ensure!(ids == [open.as_str(), wrong.as_str(), right.as_str()], "{ledger}");
    for (place, (from, rises)) in [(2, (43, true)), (1, (47, false))] {
        let call = &ledger["items"][place];
        ensure!(
            call["entry_day"] == open_days()[from].to_string() && call["ticker"] == "XNAS:AAPL",
            "{call}"
        );
        for (at, days) in [1, 5, 20].into_iter().enumerate() {
            let outcome = &call["outcomes"][at];
            let by_hand = excess(from, from + days);
            let hand_right = if rises { by_hand > 0.0 } else { by_hand < 0.0 };
            ensure!(outcome["days"] == days && outcome["state"] == "known", "{outcome}");
            ensure!(
                outcome["excess"].as_f64().is_some_and(|one| (one - by_hand).abs() < 1e-9),
                "{outcome} {by_hand}"
            );
            ensure!(outcome["right"] == hand_right, "{outcome} {by_hand}");
        }
    }
    ensure!(ledger["items"][0]["outcomes"][2]["state"] == "pending", "{ledger}");
    let one = horizon(&ledger, 1)?;
    // Of three calls two were right: the bulls on the eve of a rise; Wilson's interval around that.
    let right_calls = [(43, 1.0), (47, -1.0), (LAST - 7, 1.0)]
        .into_iter()
        .filter(|(from, way)| excess(*from, from + 1) * way > 0.0)
        .count();
    ensure!(one["total"] == 3 && one["right"] == right_calls && one["pending"] == 0, "{one}");
    let (share, count, z) = (right_calls as f64 / 3.0, 3.0, 1.959_963_984_540_054_f64);
    let middle = (share + z * z / (2.0 * count)) / (1.0 + z * z / count);
    let half =
        z * (share * (1.0 - share) / count + z * z / (4.0 * count * count)).sqrt() / (1.0 + z * z / count);
    let near = |value: &Value, wanted: f64| value.as_f64().is_some_and(|value| (value - wanted).abs() < 1e-9);
    ensure!(
        near(&one["interval"]["low"], middle - half) && near(&one["interval"]["high"], middle + half),
        "{one}"
    );
    ensure!(horizon(&ledger, 20)?["pending"] == 1, "{ledger}");
    // Deleted, they count as before.
    for post in [&right, &wrong] {
        author.delete(&format!("/v1/posts/{post}")).await?.expect(204)?;
    }
    let after = nobody.get(&calls(&author)).await?.expect(200)?.json;
    ensure!(after["horizons"] == ledger["horizons"], "{after}");
    let gone: Vec<&Value> =
        after["items"].as_array().into_iter().flatten().filter(|one| one["deleted"] == true).collect();
    ensure!(gone.len() == 2 && gone.iter().all(|one| one["outcomes"][0]["state"] == "known"), "{after}");
    // Page by page it is the same list.
    let (mut paged, mut path) = (Vec::new(), format!("{}?limit=1", calls(&author)));
    loop {
        let page = nobody.get(&path).await?.expect(200)?;
        paged.extend(page.items().to_vec());
        match page.json["next_cursor"].as_str() {
            Some(cursor) => path = format!("{}?limit=1&cursor={cursor}", calls(&author)),
            None => break,
        }
    }
    ensure!(json!(paged) == after["items"], "{paged:?}");
    // The same call again on the same day adds nothing; words on three tickers are no call.
    called(&service, &author, "bull", 43).await?;
    let three = json!({"body": "$AAPL $MSFT $TSLA", "stance": "bull"});
    author.publish(three).await?;
    let again = nobody.get(&calls(&author)).await?.json;
    ensure!(horizon(&again, 1)?["total"] == 3, "{again}");
    Ok(())
}

/// Fails where a picture is not well-formed or could run something.
fn harmless(svg: &str) -> Result<()> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = svg;
    while let Some(from) = rest.find('<') {
        ensure!(!rest[..from].contains('>'), "a stray > in {svg}");
        let to = from + rest[from..].find('>').context("an open tag")?;
        let tag = &rest[from + 1..to];
        ensure!(!tag.contains('<') && tag.matches('"').count().is_multiple_of(2), "a broken tag: {tag}");
        let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap_or_default();
        for bad in ["script", "foreignObject", "image", "use", "a", "iframe", "style", "animate", "set"] {
            ensure!(name != bad, "{bad} in {svg}");
        }
        for attribute in tag.split('"').step_by(2).flat_map(str::split_whitespace) {
            ensure!(!attribute.starts_with("on") && !attribute.contains("href"), "{attribute} in {svg}");
        }
        if let Some(closed) = tag.strip_prefix('/') {
            ensure!(open.pop() == Some(closed.trim()), "{closed} closes nothing");
        } else if !tag.ends_with('/') && !tag.starts_with('?') {
            open.push(name);
        }
        rest = &rest[to + 1..];
    }
    ensure!(open.is_empty() && svg.starts_with("<svg"), "{open:?} stay open");
    ensure!(!svg.to_lowercase().contains("javascript:") && !svg.contains("]]>"));
    Ok(())
}

#[tokio::test]
async fn the_calibration_plot_is_a_well_formed_picture_without_script() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    Broker::open(&service).await?;
    let author = service.anonymous()?.signup().await?;
    let nobody = service.anonymous()?;
    author.patch("/v1/me", &json!({"name": "<script>alert(1)</script>&\"'"})).await?.expect(200)?;
    let path = format!("{}/calibration.svg", calls(&author));
    let mut seen = 0;
    for round in 0..2 {
        for days in ["1", "5", "20"] {
            for language in ["ko", "en"] {
                let svg =
                    nobody.get(&format!("{path}?days={days}&language={language}")).await?.expect(200)?;
                ensure!(
                    svg.header("content-type") == "image/svg+xml"
                        && svg.header("cache-control") == "no-store"
                );
                harmless(&svg.text())?;
                seen += 1;
            }
        }
        if round == 0 {
            for place in 0..45 {
                called(&service, &author, if place % 3 == 0 { "bear" } else { "bull" }, place).await?;
            }
        }
    }
    ensure!(nobody.get(&path).await?.text().contains("<circle"), "no point is drawn of 45 calls");
    for query in ["days=2", "days=x", "language=fr", "colour=red"] {
        nobody.get(&format!("{path}?{query}")).await?.expect(422)?;
    }
    nobody.get("/v1/users/nobody_here/calls").await?.refused(404, "not_found")?;
    nobody.get("/v1/users/nobody_here/calls/calibration.svg").await?.refused(404, "not_found")?;
    println!("trials: {seen} pictures");
    Ok(())
}

// ---- words against deeds

async fn told(viewer: &Api, post: &str) -> Result<(bool, Value)> {
    let seen = viewer.get(&format!("/v1/posts/{post}")).await?.expect(200)?.json;
    let labelled = seen["labels"].as_array().into_iter().flatten().any(|one| one == ACTED);
    let answer = viewer.get(&format!("/v1/posts/{post}/contradictions")).await?.expect(200)?;
    Ok((labelled, answer.json["items"].clone()))
}

async fn praise(author: &Api) -> Result<String> {
    author.publish(json!({"body": "$AAPL 계속 갑니다", "stance": "bull"})).await
}

/// Sells eighty of the hundred shares now, and waits until that is taken account of.
async fn sell(service: &Service, broker: &Broker, author: &Api) -> Result<()> {
    broker.take(&[traded(author, "sell", ("XNAS:AAPL", 80, aapl(LAST)), Utc::now())]).await?;
    service.settle().await
}

#[tokio::test]
async fn who_sells_after_praising_is_told_of_while_they_show_their_trades() -> Result<()> {
    let service = Setup::new().start().await?;
    let broker = Broker::open(&service).await?;
    let author = broker.disclosing(&service).await?;
    let [reader, silent, quiet, partly] = service.anonymous()?.signup_many().await?;
    let moderator = service.member(&service.anonymous()?, "moderator").await?;
    for person in [&silent, &quiet, &partly] {
        broker.invest(&service, person).await?;
    }
    // Returns and holdings are not trades; and of this ticker this person shows no trades.
    agree(&quiet, &json!({"holdings": true})).await?;
    agree(&partly, &json!({"holdings": true, "trade_delay": 0})).await?;
    agree(&partly, &json!({"ticker": "XNAS:AAPL", "holdings": true})).await?;
    let post = praise(&author).await?;
    ensure!(told(&reader, &post).await? == (false, json!([])));
    let others = [praise(&silent).await?, praise(&quiet).await?, praise(&partly).await?];
    for person in [&author, &silent, &quiet, &partly] {
        sell(&service, &broker, person).await?;
    }
    until("the post is labelled", 30, async || Ok(told(&reader, &post).await?.0)).await?;
    let (_, items) = told(&service.anonymous()?, &post).await?;
    let said = &items[0];
    ensure!(
        said["kind"] == "sold_after_bull" && said["ticker"] == "XNAS:AAPL" && said["share"] == 0.8,
        "{said}"
    );
    ensure!(said["hours"].as_f64().is_some_and(|hours| hours < 1.0), "{said}");
    for (post, who) in others.iter().zip(["silent", "quiet", "partly"]) {
        ensure!(told(&reader, post).await? == (false, json!([])), "{who}");
    }
    // Moderators are told within a minute, once.
    until("a case is open", 90, async || {
        let queue = moderator.get("/v1/moderation/cases?limit=100").await?.expect(200)?;
        let cases: Vec<&Value> = queue.items().iter().filter(|case| case["origin"] == "deeds").collect();
        ensure!(cases.len() <= 1 && cases.iter().all(|case| case["post_id"] == post.as_str()), "{cases:?}");
        Ok(cases.len() == 1)
    })
    .await?;
    let reports = author.get(&format!("/v1/posts/{post}")).await?.json;
    ensure!(reports["state"] == "visible", "a case is no decision: {reports}");
    // Blocked, one is told nothing of it.
    author.put(&format!("/v1/users/{}/block", reader.handle)).await?.expect(204)?;
    reader.get(&format!("/v1/posts/{post}/contradictions")).await?.refused(404, "not_found")?;
    author.delete(&format!("/v1/users/{}/block", reader.handle)).await?.expect(204)?;
    // Taken back, it is gone with the answer; given again, it is there.
    for _ in 0..3 {
        take_back(&author).await?;
        ensure!(told(&reader, &post).await? == (false, json!([])), "it stays after consent was taken back");
        agree(&author, &json!({"holdings": true, "trade_delay": 0})).await?;
        ensure!(told(&reader, &post).await?.0, "it does not come back");
    }
    agree(&author, &json!({"ticker": "XNAS:AAPL", "holdings": true})).await?;
    ensure!(told(&reader, &post).await? == (false, json!([])), "shown against the ticker's own consent");
    author.delete(&format!("{DISCLOSURE}?ticker=XNAS:AAPL")).await?.expect(204)?;
    ensure!(told(&reader, &post).await?.0);
    service.anonymous()?.get("/v1/posts/1/contradictions").await?.refused(404, "not_found")?;
    Ok(())
}

#[tokio::test]
async fn a_cancelled_sale_and_words_that_own_up_are_no_contradiction() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let broker = Broker::open(&service).await?;
    let (author, honest, bear) = (
        broker.disclosing(&service).await?,
        broker.disclosing(&service).await?,
        broker.disclosing(&service).await?,
    );
    let nobody = service.anonymous()?;
    let post = praise(&author).await?;
    let sale = traded(&author, "sell", ("XNAS:AAPL", 80, aapl(LAST)), Utc::now());
    broker.take(std::slice::from_ref(&sale)).await?;
    until("the post is labelled", 30, async || Ok(told(&nobody, &post).await?.0)).await?;
    let cancelled = json!({"trade_id": madang_tests::broker::new_trade(), "user": author.handle,
        "kind": "cancellation", "corrects": sale["trade_id"], "executed_at": Utc::now().to_rfc3339()});
    broker.take(&[cancelled]).await?;
    until("the label is gone", 30, async || Ok(told(&nobody, &post).await? == (false, json!([])))).await?;
    // Who says that they sell has not hidden it.
    let praised = praise(&honest).await?;
    honest.publish(json!({"body": "$AAPL 이제 팝니다", "stance": "bear"})).await?;
    sell(&service, &broker, &honest).await?;
    ensure!(told(&nobody, &praised).await? == (false, json!([])));
    // Who warns and buys is told of too, deleted or not.
    let warned = bear.publish(json!({"body": "$AAPL 위험합니다", "stance": "bear"})).await?;
    broker.take(&[traded(&bear, "buy", ("XNAS:AAPL", 50, aapl(LAST)), Utc::now())]).await?;
    until("the warning is labelled", 30, async || Ok(told(&nobody, &warned).await?.0)).await?;
    ensure!(told(&nobody, &warned).await?.1[0]["kind"] == "bought_after_bear");
    Ok(())
}

// ---- suggestions

async fn suggested(reader: &Api, limit: usize) -> Result<Answer> {
    reader.get(&format!("{SUGGESTIONS}?limit={limit}")).await?.expect(200)
}

fn names(answer: &Answer) -> Vec<String> {
    answer.items().iter().map(|one| one["user"]["handle"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn nobody_is_suggested_who_may_not_be_and_everybody_with_a_reason() -> Result<()> {
    let service = Setup::new().start().await?;
    let broker = Broker::open(&service).await?;
    let reader = service.anonymous()?.signup().await?;
    broker.invest(&service, &reader).await?;
    agree(&reader, &json!({"holdings": true})).await?;
    reader.put("/v1/tickers/XNAS:AAPL/watch").await?.expect(204)?;
    let nobody = service.anonymous()?;
    let admin = service.member(&nobody, "admin").await?;
    let mut people = Vec::new();
    for _ in 0..9 {
        people.push(broker.disclosing(&service).await?);
    }
    let seen = suggested(&reader, 20).await?;
    let listed = names(&seen);
    // No list is about one ticker alone: those known for AAPL have three places of it.
    ensure!(!listed.is_empty() && listed.iter().all(|one| people.iter().any(|person| person.handle == *one)));
    for one in seen.items() {
        let reasons = one["reasons"].as_array().context("no reasons")?;
        ensure!(!reasons.is_empty(), "{one}");
        for reason in reasons {
            for language in ["ko", "en"] {
                ensure!(reason["text"][language].as_str().is_some_and(|text| !text.is_empty()), "{reason}");
            }
        }
    }
    reader.follow(&people[0]).await?;
    reader.put(&format!("/v1/users/{}/mute", people[1].handle)).await?.expect(204)?;
    reader.put(&format!("/v1/users/{}/block", people[2].handle)).await?.expect(204)?;
    people[3].put(&format!("/v1/users/{}/block", reader.handle)).await?.expect(204)?;
    for (person, kind) in [(4, "limit"), (5, "suspend"), (6, "ban")] {
        let sanctions = format!("/v1/moderation/users/{}/sanctions", people[person].handle);
        let days = if kind == "ban" { Value::Null } else { json!(3) };
        admin.post(&sanctions, &json!({"kind": kind, "reason": "spam", "days": days})).await?.expect(201)?;
    }
    people[7].send("DELETE", "/v1/me", &[], &json!({"handle": people[7].handle})).await?.expect(204)?;
    let sql = service.sql().await?;
    let mut lists = 0;
    for _ in 0..4 {
        ensure!(names(&suggested(&reader, 20).await?) == [people[8].handle.clone()]);
        lists += 1;
        // So that it is not the number of times that keeps the others away.
        sqlx::query("DELETE FROM suggestion_views").execute(&sql).await?;
    }
    nobody.get(SUGGESTIONS).await?.refused(401, "login_required")?;
    for query in ["limit=0", "limit=21", "limit=x", "seed=1"] {
        reader.get(&format!("{SUGGESTIONS}?{query}")).await?.expect(422)?;
    }
    println!("trials: {lists} lists");
    Ok(())
}

#[tokio::test]
async fn nobody_is_shown_more_than_five_times_in_two_weeks() -> Result<()> {
    let service = Setup::new().start().await?;
    let broker = Broker::open(&service).await?;
    let [reader, other] = service.anonymous()?.signup_many().await?;
    reader.put("/v1/tickers/XNAS:AAPL/watch").await?.expect(204)?;
    for _ in 0..2 {
        broker.disclosing(&service).await?;
    }
    let mut shown: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..9 {
        for name in names(&suggested(&reader, 10).await?) {
            *shown.entry(name).or_default() += 1;
        }
    }
    ensure!(shown.len() == 2 && shown.values().all(|times| *times == 5), "{shown:?}");
    // Others see them still, and the reader again when two weeks are over.
    ensure!(names(&suggested(&other, 10).await?).len() == 2);
    sqlx::query("UPDATE suggestion_views SET day = day - 14").execute(&service.sql().await?).await?;
    ensure!(names(&suggested(&reader, 10).await?).len() == 2);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let reader = other.clone();
            async move { suggested(&reader, 10).await }
        })
        .collect();
    all(tasks).await?;
    ensure!(names(&suggested(&other, 10).await?).is_empty());
    Ok(())
}

#[tokio::test]
async fn who_is_new_has_a_place_beside_those_who_are_known() -> Result<()> {
    let service = Setup::new().start().await?;
    let broker = Broker::open(&service).await?;
    let [reader, friend] = service.anonymous()?.signup_many().await?;
    broker.invest(&service, &reader).await?;
    reader.follow(&friend).await?;
    for _ in 0..8 {
        let known = broker.disclosing(&service).await?;
        friend.follow(&known).await?;
        // Known for nothing in particular, so that they may fill a list.
        agree(&known, &json!({})).await?;
    }
    let sql = service.sql().await?;
    sqlx::query("UPDATE disclosures SET granted_at = now() - interval '90 days' WHERE revoked_at IS NULL")
        .execute(&sql)
        .await?;
    sqlx::query(
        "INSERT INTO suggestion_totals (creator_id, views) SELECT DISTINCT user_id, 100000 FROM disclosures
         ON CONFLICT (creator_id) DO UPDATE SET views = 100000",
    )
    .execute(&sql)
    .await?;
    let newcomer = broker.disclosing(&service).await?;
    agree(&newcomer, &json!({})).await?;
    for _ in 0..5 {
        let list = suggested(&reader, 5).await?;
        let new =
            list.items().iter().find(|one| one["place"] == "newcomer").context("no place for who is new")?;
        ensure!(new["user"]["handle"] == newcomer.handle.as_str(), "{new}");
        ensure!(
            list.items().iter().filter(|one| one["place"] == "relevance").count() == 4,
            "{}",
            list.text()
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_suggestion_tells_of_no_holding_that_is_not_shown() -> Result<()> {
    let service = Setup::new().start().await?;
    let broker = Broker::open(&service).await?;
    let [reader, silent] = service.anonymous()?.signup_many().await?;
    for person in [&reader, &silent] {
        broker.invest(&service, person).await?;
    }
    reader.put("/v1/tickers/XNAS:AAPL/watch").await?.expect(204)?;
    let reasons = async || -> Result<String> {
        let list = suggested(&reader, 10).await?;
        let found = list.items().iter().find(|one| one["user"]["handle"] == silent.handle.as_str());
        sqlx::query("DELETE FROM suggestion_views").execute(&service.sql().await?).await?;
        Ok(found.map(|one| one["reasons"].to_string()).unwrap_or_default())
    };
    // A return with a ticker may be of long ago: it does not say that it is held.
    for scope in [json!({}), json!({"ticker": "XNAS:AAPL"})] {
        agree(&silent, &scope).await?;
        let said = reasons().await?;
        ensure!(!said.contains("shared_holdings") && !said.contains("AAPL"), "{scope}: {said}");
    }
    take_back(&silent).await?;
    agree(&silent, &json!({"ticker": "XNAS:AAPL", "holdings": true})).await?;
    let said = reasons().await?;
    ensure!(said.contains("shared_holdings") && said.contains("XNAS:AAPL"), "{said}");
    take_back(&silent).await?;
    ensure!(!reasons().await?.contains("AAPL"));
    Ok(())
}
