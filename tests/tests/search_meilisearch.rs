//! Search on Meilisearch, through the running service: against a stand-in that refuses what the server refuses, and
//! against the server itself where `MEILI_URL` (and `MEILI_KEY`) name one.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

#[path = "../../search/tests/stand_in/mod.rs"]
#[expect(dead_code, reason = "shared with the tests of the index, which use more of it")]
mod stand_in;

use std::collections::HashSet;

use anyhow::{Result, ensure};
use madang_tests::{Api, Setup, client::new_handle, until};
use stand_in::StandIn;

const KEY: &str = "a key that is told to nobody";
const SECS: u64 = 60;

fn on(url: &str, key: &str) -> Setup {
    let prefix = format!("t{}_", new_handle());
    Setup::new().with("MEILI_URL", url).with("MEILI_KEY", key).with("MEILI_PREFIX", &prefix)
}

async fn finds(reader: &Api, q: &str, wanted: &[&String]) -> Result<()> {
    let wanted: HashSet<&String> = wanted.iter().copied().collect();
    until("search finds what it should", SECS, async || {
        let answer = reader.get(&format!("/v1/search?type=posts&limit=100&q={q}")).await?;
        // Until the index is built.
        Ok(answer.status == 200 && answer.ids().iter().collect::<HashSet<_>>() == wanted)
    })
    .await
}

/// The same on any server: posts are found, filtered, edited, deleted, people and tickers suggested.
async fn serves(setup: Setup) -> Result<()> {
    let service = setup.start().await?;
    let [author, reader] = service.anonymous()?.signup_many().await?;
    let first =
        author.publish(serde_json::json!({"body": "quarterly margins $AAPL", "stance": "bull"})).await?;
    let second = author.say("quarterly debt $TSLA").await?;
    finds(&reader, "quarterly", &[&first, &second]).await?;
    let found = reader.ids("/v1/search?type=posts&q=quarterly&ticker=AAPL&stance=bull").await?;
    ensure!(found == vec![first.clone()], "{found:?}");
    author
        .patch(&format!("/v1/posts/{first}"), &serde_json::json!({"body": "yearly margins"}))
        .await?
        .expect(200)?;
    finds(&reader, "yearly", &[&first]).await?;
    finds(&reader, "quarterly", &[&second]).await?;
    author.delete(&format!("/v1/posts/{second}")).await?.expect(204)?;
    ensure!(reader.ids("/v1/search?type=posts&q=quarterly").await?.is_empty(), "a deleted post was found");
    until("a person is found", SECS, async || {
        let page = reader.get(&format!("/v1/search?type=users&q={}", author.handle)).await?.expect(200)?;
        Ok(page.items().iter().any(|item| item["handle"] == author.handle.as_str()))
    })
    .await?;
    let built = service.run(&["search", "reindex"]).await?;
    ensure!(built.status.success(), "{built:?}");
    finds(&reader, "yearly", &[&first]).await?;
    until("nothing differs", SECS, async || Ok(service.run(&["search", "check"]).await?.status.success()))
        .await
}

#[tokio::test]
async fn a_service_on_meilisearch_searches_like_one_on_its_own_index() -> Result<()> {
    let server = StandIn::start(KEY).await?;
    serves(on(&server.url(), KEY)).await?;
    match std::env::var("MEILI_URL") {
        Ok(url) => serves(on(&url, &std::env::var("MEILI_KEY").unwrap_or_default())).await,
        Err(_) => {
            println!("skipped: no MEILI_URL, so only the stand-in was asked");
            Ok(())
        }
    }
}

#[tokio::test]
async fn a_server_that_is_away_or_lost_its_index_costs_search_only_and_is_caught_up_with() -> Result<()> {
    let server = StandIn::start(KEY).await?;
    let service = on(&server.url(), KEY).start().await?;
    let author = service.anonymous()?.signup().await?;
    let mut posts = vec![author.say("outage zero").await?];
    finds(&author, "outage", &[&posts[0]]).await?;
    server.stop().await;
    for n in 0..20 {
        posts.push(author.say(&format!("outage {n}")).await?);
    }
    service.settle().await?;
    let home = author.ids("/v1/timeline?limit=100").await?;
    ensure!(posts.iter().all(|post| home.contains(post)), "posts failed while search was away");
    let answer = author.get("/v1/search?type=posts&q=outage").await?;
    ensure!(!answer.header("retry-after").is_empty(), "{}", answer.text());
    answer.refused(503, "search_unavailable")?;
    server.resume().await?;
    finds(&author, "outage", &posts.iter().collect::<Vec<_>>()).await?;

    // Everything is lost, as with another disk: the index is built anew.
    server.restore(stand_in::State::default());
    posts.push(author.say("outage after the loss").await?);
    finds(&author, "outage", &posts.iter().collect::<Vec<_>>()).await?;

    // An old snapshot is put back: what came since is taken over again.
    let old = server.snapshot();
    let gone = posts.remove(3);
    author.delete(&format!("/v1/posts/{gone}")).await?.expect(204)?;
    posts.push(author.say("outage after the snapshot").await?);
    finds(&author, "outage", &posts.iter().collect::<Vec<_>>()).await?;
    server.restore(old);
    finds(&author, "outage", &posts.iter().collect::<Vec<_>>()).await?;
    until("nothing differs", SECS, async || Ok(service.run(&["search", "check"]).await?.status.success()))
        .await
}

#[tokio::test]
async fn of_several_processes_one_feeds_the_server_and_another_takes_over() -> Result<()> {
    let server = StandIn::start(KEY).await?;
    let service = on(&server.url(), KEY).start().await?;
    let author = service.anonymous()?.signup().await?;
    let first = author.say("relay one").await?;
    finds(&author, "relay", &[&first]).await?;
    let second_worker = service.spawn(&["work"])?;
    let second = author.say("relay two").await?;
    finds(&author, "relay", &[&first, &second]).await?;
    service.kill();
    service.start_process()?;
    let third = {
        until("the service is back", SECS, async || {
            Ok(author.get("/readyz").await.is_ok_and(|answer| answer.status == 200))
        })
        .await?;
        author.say("relay three").await?
    };
    finds(&author, "relay", &[&first, &second, &third]).await?;
    drop(second_worker);
    Ok(())
}

#[tokio::test]
async fn the_key_is_told_to_nobody() -> Result<()> {
    let server = StandIn::start(KEY).await?;
    let service = on(&server.url(), "a wrong key, as secret as a right one").start().await?;
    let reader = service.anonymous()?.signup().await?;
    reader.get("/v1/search?type=posts&q=anything").await?.refused(503, "search_unavailable")?;
    until("the service has tried", SECS, async || Ok(!server.seen().is_empty())).await?;
    let log = service.log_from(0)?;
    ensure!(!log.contains("as secret as"), "the key stands in the log: {log}");
    let said = service.run(&["search", "reindex"]).await?;
    let said = [said.stdout, said.stderr].concat();
    ensure!(!String::from_utf8_lossy(&said).contains("as secret as"), "the key is printed");
    Ok(())
}
