//! Posts from writing to deletion: cashtags, threads, reposts, quotes, mentions, reactions, polls, edits.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use anyhow::{Context, Result, ensure};
use madang_tests::{Answer, Api, Setup, Shared, all, client::id_of, until};
use serde_json::{Value, json};

static SERVICE: Shared = Shared::new();

fn setup() -> Setup {
    Setup::new().with("SNAPSHOT_REUSE_MS", "0")
}

async fn read(reader: &Api, id: &str) -> Result<Value> {
    let answer = reader.get(&format!("/v1/posts/{id}")).await?.expect(200)?;
    Ok(answer.json)
}

/// Counts may lag two seconds behind.
async fn counts_become(reader: &Api, id: &str, wanted: Value) -> Result<()> {
    until(&format!("the counts are {wanted}"), 10, async || Ok(read(reader, id).await?["counts"] == wanted))
        .await
}

#[tokio::test]
async fn cashtags_in_all_three_forms_name_instruments_with_stance_and_price() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [author, reader] = service.anonymous()?.signup_many().await?;
    let body = json!({"body": "$AAPL 그리고 $삼성전자가 또 $000660, $100 벌자",
                      "tickers": ["XNAS:MSFT", "테슬라"], "stance": "bull"});
    let written = author.post("/v1/posts", &body).await?.expect(201)?;
    let post = read(&reader, &id_of(&written.json)).await?;
    let symbols: Vec<&str> = post["tickers"]
        .as_array()
        .context("no tickers")?
        .iter()
        .filter_map(|ticker| ticker["symbol"].as_str())
        .collect();
    let expected = ["XNAS:AAPL", "XKRX:005930", "XKRX:000660", "XNAS:MSFT", "XNAS:TSLA"];
    ensure!(symbols == expected, "{symbols:?}");
    ensure!(post["stance"] == "bull", "{post}");
    for ticker in post["tickers"].as_array().into_iter().flatten() {
        ensure!(ticker["price"].is_string() && ticker["price_day"] == "2026-01-07", "{ticker}");
    }
    for symbol in expected {
        let board = format!("/v1/tickers/{symbol}/posts?order=latest");
        until("the post is on its boards", 10, async || {
            Ok(reader.ids(&board).await?.contains(&id_of(&post)))
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_the_author_is_answered_is_what_the_author_then_reads() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [author, other] = service.anonymous()?.signup_many().await?;
    let root = other.say("root").await?;
    for body in [
        json!({"body": "a\u{0301} \u{202E}plain"}),
        json!({"body": "$AAPL down", "stance": "bear", "language": "en"}),
        json!({"body": "reply", "reply_to": root}),
        json!({"body": "quote", "quote_of": root}),
        json!({"body": "poll", "poll": {"options": ["yes", "no", "maybe"], "minutes": 60}}),
    ] {
        let written = author.post("/v1/posts", &body).await?.expect(201)?;
        let location = written.header("location").to_owned();
        let stored = author.get(&location).await?.expect(200)?;
        ensure!(stored.json == written.json, "{} / {}", stored.text(), written.text());
    }
    Ok(())
}

#[tokio::test]
async fn replies_make_a_thread_and_a_deleted_one_leaves_a_tombstone() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [a, b] = service.anonymous()?.signup_many().await?;
    let root = a.say("root").await?;
    let reply =
        async |who: &Api, text: &str, to: &str| who.publish(json!({"body": text, "reply_to": to})).await;
    let first = reply(&b, "first", &root).await?;
    let second = reply(&a, "second", &root).await?;
    let deeper = reply(&a, "deeper", &first).await?;
    let thread = format!("/v1/posts/{root}/replies");
    ensure!(a.ids(&thread).await? == [first.clone(), second.clone()]);
    ensure!(a.all_ids(&format!("{thread}?limit=1")).await? == [first.clone(), second.clone()]);
    let post = read(&b, &deeper).await?;
    ensure!(post["reply_to"] == first.as_str() && post["root"] == root.as_str(), "{post}");
    counts_become(&a, &root, json!({"likes": 0, "replies": 2, "reposts": 0, "quotes": 0})).await?;

    b.delete(&format!("/v1/posts/{first}")).await?.expect(204)?;
    let page = a.get(&thread).await?.expect(200)?;
    ensure!(page.items()[0] == json!({"id": first, "placeholder": "deleted"}), "{}", page.json);
    ensure!(page.items()[1]["id"] == second.as_str(), "{}", page.json);
    ensure!(a.ids(&format!("/v1/posts/{first}/replies")).await? == [deeper]);
    ensure!(read(&a, &first).await? == json!({"id": first, "placeholder": "deleted"}));
    counts_become(&a, &root, json!({"likes": 0, "replies": 1, "reposts": 0, "quotes": 0})).await
}

#[tokio::test]
async fn parallel_reposts_of_one_person_make_one_repost() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [author, fan, reader] = service.anonymous()?.signup_many().await?;
    reader.follow(&fan).await?;
    let id = author.say("pass me on").await?;
    let path = format!("/v1/posts/{id}/repost");
    let copies: Vec<_> = (0..8)
        .map(|_| {
            let (fan, path) = (fan.clone(), path.clone());
            async move { Ok(fan.put(&path).await?.expect(200)?.json) }
        })
        .collect();
    let mut answers = all(copies).await?;
    answers.dedup();
    ensure!(answers.len() == 1, "{answers:?}");
    let repost = id_of(&answers[0]);
    counts_become(&author, &id, json!({"likes": 0, "replies": 0, "reposts": 1, "quotes": 0})).await?;
    let home = "/v1/timeline?order=latest";
    until("the repost is at home", 10, async || Ok(reader.ids(home).await?.contains(&repost))).await?;
    let item = read(&reader, &repost).await?;
    ensure!(item["repost_of"]["id"] == id.as_str() && item["body"] == "", "{item}");
    ensure!(read(&fan, &id).await?["viewer"]["reposted"] == true);
    let edit = json!({"body": "mine"});
    let answer = fan.patch(&format!("/v1/posts/{repost}"), &edit).await?;
    answer.refused(409, "repost")?;
    fan.delete(&path).await?.expect(204)?;
    ensure!(!reader.ids(home).await?.contains(&repost), "a repost taken back is shown");
    fan.delete(&path).await?.expect(204)?;
    counts_become(&author, &id, json!({"likes": 0, "replies": 0, "reposts": 0, "quotes": 0})).await?;
    println!("trials: 8 parallel reposts");
    Ok(())
}

#[tokio::test]
async fn a_quote_shows_a_placeholder_once_the_quoted_post_is_deleted() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [author, other] = service.anonymous()?.signup_many().await?;
    let quoted = author.say("quote me").await?;
    let body = json!({"body": "look at this", "quote_of": quoted});
    let quote = other.publish(body).await?;
    ensure!(read(&author, &quote).await?["quote_of"]["body"] == "quote me");
    counts_become(&author, &quoted, json!({"likes": 0, "replies": 0, "reposts": 0, "quotes": 1})).await?;
    author.delete(&format!("/v1/posts/{quoted}")).await?.expect(204)?;
    let post = read(&other, &quote).await?;
    ensure!(post["quote_of"] == json!({"id": quoted, "placeholder": "deleted"}), "{post}");
    ensure!(post["body"] == "look at this");
    Ok(())
}

#[tokio::test]
async fn a_mention_finds_its_person_though_a_particle_sticks_to_the_name() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let [author, other] = nobody.signup_many().await?;
    let king = nobody.signup_as(&format!("존버왕{}", author.handle)).await?;
    let text = format!("@{}님 그리고 @{} 또 @nobody_here", king.handle, other.handle);
    let id = author.say(&text).await?;
    let mut named: Vec<i64> = sqlx::query_scalar("SELECT user_id FROM mentions WHERE post_id = $1")
        .bind(id.parse::<i64>()?)
        .fetch_all(&service.sql().await?)
        .await?;
    named.sort_unstable();
    let mut expected = [king.id.parse::<i64>()?, other.id.parse()?];
    expected.sort_unstable();
    ensure!(named == expected, "{named:?}");
    Ok(())
}

#[tokio::test]
async fn likes_and_bookmarks_count_once_however_often_they_are_given() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let author = nobody.signup().await?;
    let fans: [Api; 3] = nobody.signup_many().await?;
    let id = author.say("like me").await?;
    let like = format!("/v1/posts/{id}/like");
    let tasks: Vec<_> = (0..12)
        .map(|n| {
            let (fan, like) = (fans[n % 3].clone(), like.clone());
            async move { fan.put(&like).await?.expect(204) }
        })
        .collect();
    all(tasks).await?;
    counts_become(&author, &id, json!({"likes": 3, "replies": 0, "reposts": 0, "quotes": 0})).await?;
    let [fan, ..] = &fans;
    ensure!(read(fan, &id).await?["viewer"]["liked"] == true);
    ensure!(read(&author, &id).await?["viewer"]["liked"] == false);
    fan.delete(&like).await?.expect(204)?;
    fan.delete(&like).await?.expect(204)?;
    ensure!(read(fan, &id).await?["viewer"]["liked"] == false);
    counts_become(&author, &id, json!({"likes": 2, "replies": 0, "reposts": 0, "quotes": 0})).await?;

    let other = author.say("and me").await?;
    for post in [&id, &other, &id] {
        fan.put(&format!("/v1/posts/{post}/bookmark")).await?.expect(204)?;
    }
    ensure!(fan.all_ids("/v1/me/bookmarks?limit=1").await? == [other.clone(), id.clone()]);
    ensure!(author.ids("/v1/me/bookmarks").await?.is_empty());
    fan.delete(&format!("/v1/posts/{other}/bookmark")).await?.expect(204)?;
    ensure!(fan.ids("/v1/me/bookmarks").await? == [id]);
    println!("trials: 12 parallel likes of 3 people");
    Ok(())
}

#[tokio::test]
async fn a_poll_takes_one_vote_each_and_hides_its_results_until_then() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [author, voter, other, undecided] = service.anonymous()?.signup_many().await?;
    let poll = json!({"options": ["up", "down"], "minutes": 60});
    let id = author.publish(json!({"body": "tomorrow?", "poll": poll})).await?;
    let path = format!("/v1/posts/{id}/vote");
    let vote = async |who: &Api, option: i64| -> Result<Answer> {
        who.send("PUT", &path, &[], &json!({"option": option})).await
    };
    ensure!(read(&voter, &id).await?["poll"]["results"].is_null());
    vote(&voter, 2).await?.names("option")?;
    let copies: Vec<_> = (0..6)
        .map(|n| {
            let (voter, path, body) = (voter.clone(), path.clone(), json!({"option": n % 2}));
            async move { Ok(voter.send("PUT", &path, &[], &body).await?.status) }
        })
        .collect();
    let answers = all(copies).await?;
    ensure!(answers.iter().all(|status| [204, 409].contains(status)), "{answers:?}");
    let chosen = read(&voter, &id).await?["poll"]["voted"].as_i64().context("no vote")?;
    vote(&voter, chosen).await?.expect(204)?;
    vote(&voter, 1 - chosen).await?.refused(409, "already_voted")?;
    vote(&other, 0).await?.expect(204)?;
    let expected = if chosen == 0 { json!([2, 0]) } else { json!([1, 1]) };
    until("the votes are counted", 10, async || Ok(read(&voter, &id).await?["poll"]["results"] == expected))
        .await?;
    let unseen = read(&undecided, &id).await?["poll"]["results"].is_null();
    ensure!(unseen, "results are shown without a vote");
    let own = read(&author, &id).await?["poll"]["results"] == expected;
    ensure!(own, "authors see how their poll goes");

    let sql = service.sql().await?;
    sqlx::query("UPDATE polls SET closes_at = now() WHERE post_id = $1")
        .bind(id.parse::<i64>()?)
        .execute(&sql)
        .await?;
    vote(&undecided, 0).await?.refused(409, "poll_closed")?;
    println!("trials: 6 parallel votes of one person");
    Ok(())
}

#[tokio::test]
async fn an_edit_within_thirty_minutes_keeps_the_earlier_texts() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [author, other] = service.anonymous()?.signup_many().await?;
    let id = author.publish(json!({"body": "one $AAPL"})).await?;
    let path = format!("/v1/posts/{id}");
    for text in ["two", "two", "three"] {
        let body = json!({"body": text});
        let answer = author.patch(&path, &body).await?.expect(200)?.json;
        let seen = read(&other, &id).await?;
        ensure!(seen["body"] == text, "an edit is not seen at once");
        for member in ["id", "body", "revision", "edited_at", "tickers", "author"] {
            ensure!(answer[member] == seen[member], "{member}: {answer} beside {seen}");
        }
    }
    let post = read(&other, &id).await?;
    ensure!(post["revision"] == 2 && post["edited_at"].is_string(), "{post}");
    ensure!(post["tickers"][0]["symbol"] == "XNAS:AAPL", "tickers stay as published");
    let revisions = other.get(&format!("{path}/revisions")).await?.expect(200)?;
    let texts: Vec<&Value> = revisions.items().iter().map(|item| &item["body"]).collect();
    ensure!(texts == ["one $AAPL", "two"] || texts == ["two", "one $AAPL"], "{texts:?}");
    let body = json!({"body": "not yours"});
    other.patch(&path, &body).await?.refused(404, "not_found")?;
    let sql = service.sql().await?;
    sqlx::query("UPDATE posts SET created_at = now() - interval '31 minutes' WHERE id = $1")
        .bind(id.parse::<i64>()?)
        .execute(&sql)
        .await?;
    author.patch(&path, &body).await?.refused(409, "too_late")?;
    Ok(())
}

#[tokio::test]
async fn a_deleted_post_is_gone_from_every_surface_at_once() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [author, reader, fan] = service.anonymous()?.signup_many().await?;
    reader.follow(&author).await?;
    reader.follow(&fan).await?;
    reader.put("/v1/tickers/NVDA/watch").await?.expect(204)?;
    let surfaces = [
        "/v1/timeline?order=top&limit=100".to_owned(),
        "/v1/timeline?order=latest&limit=100".to_owned(),
        "/v1/tickers/NVDA/posts?order=top&limit=100".to_owned(),
        "/v1/tickers/NVDA/posts?order=latest&limit=100".to_owned(),
        format!("/v1/users/{}/posts?limit=100", author.handle),
        "/v1/watchlist/posts?limit=100".to_owned(),
        "/v1/me/bookmarks?limit=100".to_owned(),
        "/v1/trending/posts?limit=100".to_owned(),
    ];
    for trial in 0..3 {
        let text = format!("soon gone {trial} $NVDA");
        let id = author.say(&text).await?;
        for what in ["bookmark", "like"] {
            reader.put(&format!("/v1/posts/{id}/{what}")).await?.expect(204)?;
        }
        let repost = fan.put(&format!("/v1/posts/{id}/repost")).await?.expect(200)?;
        service.settle().await?;
        for path in &surfaces {
            ensure!(reader.ids(path).await?.contains(&id), "{path} lacks the post");
        }
        author.delete(&format!("/v1/posts/{id}")).await?.expect(204)?;
        for path in &surfaces {
            let page = reader.get(path).await?.expect(200)?;
            ensure!(!page.text().contains(&text), "{path} shows a deleted post");
            ensure!(!page.ids().contains(&id), "{path} lists a deleted post");
            ensure!(!page.ids().contains(&id_of(&repost.json)), "{path} shows its repost");
        }
        ensure!(read(&reader, &id).await?["placeholder"] == "deleted");
        let like = reader.put(&format!("/v1/posts/{id}/like")).await?;
        like.refused(404, "not_found")?;
    }
    println!("trials: 3 deletions, {} surfaces each", surfaces.len() + 1);
    Ok(())
}

#[tokio::test]
async fn home_shows_my_own_post_straight_after_the_answer_with_no_worker_running() -> Result<()> {
    let service = setup().without_worker().start().await?;
    let author = service.anonymous()?.signup().await?;
    const POSTS: usize = 20;
    for trial in 0..POSTS {
        let id = author.say(&format!("mine {trial}")).await?;
        for order in ["top", "latest"] {
            let path = format!("/v1/timeline?order={order}&limit=100");
            let ids = author.ids(&path).await?;
            ensure!(ids.contains(&id), "{order} lacks post {trial}");
            ensure!(ids.len() == trial + 1, "{order} shows {} of {}", ids.len(), trial + 1);
        }
    }
    println!("trials: {POSTS} posts, read in both orders");
    Ok(())
}
