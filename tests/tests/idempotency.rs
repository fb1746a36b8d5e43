//! A repeated `Idempotency-Key` has one effect and one answer, byte for byte.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use anyhow::{Context, Result, ensure};
use madang_tests::{Answer, Api, Setup, Shared, all, client::id_of};
use serde_json::{Value, json};

static SERVICE: Shared = Shared::new();

const KEYS: usize = 200;
const COPIES: usize = 5;
/// Keys in use at the same time.
const AT_ONCE: usize = 8;

async fn post_with_key(api: &Api, key: &str, body: &Value) -> Result<Answer> {
    api.send("POST", "/v1/posts", &[("idempotency-key", key)], body).await
}

/// Sends the copies at once; fails unless all answers are the same.
async fn send_copies(api: Api, key: String) -> Result<String> {
    let body = json!({"body": format!("copied {key} $AAPL"), "stance": "bull"});
    let copies: Vec<_> = (0..COPIES)
        .map(|_| {
            let (api, key, body) = (api.clone(), key.clone(), body.clone());
            async move { post_with_key(&api, &key, &body).await?.expect(201) }
        })
        .collect();
    let answers = all(copies).await?;
    let first = answers.first().context("no answer")?;
    for answer in &answers {
        ensure!(answer.body == first.body, "two answers for {key}: {} and {}", first.text(), answer.text());
        ensure!(answer.header("content-type") == first.header("content-type"));
    }
    Ok(id_of(&first.json))
}

#[tokio::test]
async fn parallel_copies_of_a_post_make_one_post_and_get_one_answer() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let author = service.anonymous()?.signup().await?;
    let keys: Vec<String> = (0..KEYS).map(|n| format!("key {n}")).collect();
    let mut ids = Vec::new();
    for some in keys.chunks(AT_ONCE) {
        let tasks: Vec<_> = some.iter().map(|key| send_copies(author.clone(), key.clone())).collect();
        ids.extend(all(tasks).await?);
    }
    ids.sort();
    ids.dedup();
    ensure!(ids.len() == KEYS, "{} posts for {KEYS} keys", ids.len());
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM posts WHERE author_id = $1::bigint")
        .bind(author.id.parse::<i64>()?)
        .fetch_one(&service.sql().await?)
        .await?;
    ensure!(stored == 200, "{stored} posts stored for {KEYS} keys");
    println!("trials: {KEYS} keys, {COPIES} parallel copies each");
    Ok(())
}

#[tokio::test]
async fn a_key_with_another_body_or_address_is_refused() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let author = service.anonymous()?.signup().await?;
    let first = post_with_key(&author, "k", &json!({"body": "one"})).await?;
    let id = id_of(&first.expect(201)?.json);
    let other = post_with_key(&author, "k", &json!({"body": "two"})).await?;
    let other = other.refused(422, "idempotency_key_reused")?;
    ensure!(other.json["errors"][0]["field"] == "Idempotency-Key");
    let key = [("idempotency-key", "k")];
    author
        .raw("PUT", &format!("/v1/posts/{id}/like"), &key, Vec::new())
        .await?
        .refused(422, "idempotency_key_reused")?;
    ensure!(author.ids(&format!("/v1/users/{}/posts", author.handle)).await? == [id]);
    for bad in ["", &"k".repeat(256), "k\tk"] {
        let body = json!({"body": "three"});
        let answer = post_with_key(&author, bad, &body).await?;
        answer.names("Idempotency-Key")?;
    }
    Ok(())
}

#[tokio::test]
async fn two_people_may_use_the_same_key() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let [a, b] = service.anonymous()?.signup_many().await?;
    let body = json!({"body": "the same"});
    let one = post_with_key(&a, "same", &body).await?.expect(201)?;
    let two = post_with_key(&b, "same", &body).await?.expect(201)?;
    ensure!(one.json["id"] != two.json["id"]);
    ensure!(two.json["author"]["handle"] == b.handle.as_str());
    Ok(())
}

#[tokio::test]
async fn a_replay_after_edit_and_deletion_is_still_the_first_answer() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let author = service.anonymous()?.signup().await?;
    let body = json!({"body": "before", "poll": {"options": ["a", "b"], "minutes": 60}});
    let first = post_with_key(&author, "once", &body).await?.expect(201)?;
    let path = format!("/v1/posts/{}", id_of(&first.json));
    let patch = json!({"body": "after"});
    author.patch(&path, &patch).await?.expect(200)?;
    let again = post_with_key(&author, "once", &body).await?.expect(201)?;
    ensure!(again.body == first.body, "{} / {}", first.text(), again.text());
    author.delete(&path).await?.expect(204)?;
    let again = post_with_key(&author, "once", &body).await?.expect(201)?;
    ensure!(again.body == first.body, "{} / {}", first.text(), again.text());
    Ok(())
}

#[tokio::test]
async fn a_refused_request_does_not_use_its_key_up() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let author = service.anonymous()?.signup().await?;
    let bad = post_with_key(&author, "k", &json!({"body": " "})).await?;
    bad.names("body")?;
    post_with_key(&author, "k", &json!({"body": "good"})).await?.expect(201)?;
    Ok(())
}

#[tokio::test]
async fn writes_without_a_body_replay_too_and_undo_nothing_done_since() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let [author, reader] = service.anonymous()?.signup_many().await?;
    let id = author.say("like me").await?;
    let path = format!("/v1/posts/{id}/like");
    let send = async |method: &str, key: &str| {
        let headers = [("idempotency-key", key)];
        let answer = reader.raw(method, &path, &headers, Vec::new()).await?;
        answer.expect(204)
    };
    send("PUT", "like").await?;
    send("DELETE", "unlike").await?;
    send("PUT", "like").await?;
    let likes: i64 = sqlx::query_scalar("SELECT count(*) FROM likes WHERE post_id = $1::bigint")
        .bind(id.parse::<i64>()?)
        .fetch_one(&service.sql().await?)
        .await?;
    ensure!(likes == 0, "a replayed like was done again");

    let repost = format!("/v1/posts/{id}/repost");
    let copies: Vec<_> = (0..8)
        .map(|_| {
            let (reader, path) = (reader.clone(), repost.clone());
            async move {
                let headers = [("idempotency-key", "repost")];
                let answer = reader.raw("PUT", &path, &headers, Vec::new()).await?;
                Ok(answer.expect(200)?.body)
            }
        })
        .collect();
    let mut answers = all(copies).await?;
    answers.dedup();
    ensure!(answers.len() == 1, "{} answers", answers.len());

    let deletion = format!("/v1/posts/{id}");
    for _ in 0..2 {
        let headers = [("idempotency-key", "gone")];
        author.raw("DELETE", &deletion, &headers, Vec::new()).await?.expect(204)?;
    }
    author.delete(&deletion).await?.refused(404, "not_found")?;
    println!("trials: 8 parallel reposts with one key");
    Ok(())
}
