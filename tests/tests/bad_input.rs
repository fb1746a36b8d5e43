//! Bad input: each is answered by a clear problem, and nothing is stored.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use madang_tests::{Api, Service, Setup, Shared};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

static SERVICE: Shared = Shared::new();

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

fn setup() -> Setup {
    Setup::new().with("HTTP_BODY_TIMEOUT_MS", "500").with("HTTP_HEAD_TIMEOUT_MS", "1000")
}

async fn posts_of(author: &Api) -> Result<usize> {
    let path = format!("/v1/users/{}/posts?limit=100", author.handle);
    Ok(author.ids(&path).await?.len())
}

#[tokio::test]
async fn a_post_with_a_wrong_field_is_refused_by_its_name() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [author, other] = service.anonymous()?.signup_many().await?;
    let gone = other.say("soon gone").await?;
    other.delete(&format!("/v1/posts/{gone}")).await?.expect(204)?;
    let six = "$AAPL $TSLA $MSFT $NVDA $GOOG $META";
    let options = |n: usize| (0..n).map(|n| format!("option {n}")).collect::<Vec<_>>();
    let cases: Vec<(&str, Value)> = vec![
        ("body", json!({"body": ""})),
        ("body", json!({"body": " \n\t "})),
        ("body", json!({"body": "\u{200B}\u{3164}\u{FEFF}\u{2800}"})),
        ("body", json!({"body": "\u{0}"})),
        ("body", json!({"body": "a\u{0}b"})),
        ("body", json!({"body": "가".repeat(5_001)})),
        ("body", json!({"body": "😀".repeat(5_001)})),
        ("body", json!({"body": 5})),
        ("body", json!({"body": null})),
        ("body", json!({"tickers": ["AAPL"]})),
        ("tickers", json!({"body": six})),
        ("tickers", json!({"body": "$AAPL $TSLA $MSFT", "tickers": ["NVDA", "GOOG", "META"]})),
        ("tickers", json!({"body": "$NOSUCH"})),
        ("tickers", json!({"body": "text", "tickers": ["XNAS:NOSUCH"]})),
        ("stance", json!({"body": "text", "stance": "up"})),
        ("stance", json!({"body": "text", "stance": 1})),
        ("language", json!({"body": "text", "language": "fr"})),
        ("reply_to", json!({"body": "text", "reply_to": gone})),
        ("quote_of", json!({"body": "text", "quote_of": gone})),
        ("reply_to", json!({"body": "text", "reply_to": "12345"})),
        ("reply_to", json!({"body": "text", "reply_to": "abc"})),
        ("reply_to", json!({"body": "text", "reply_to": 12345})),
        ("poll.options", json!({"body": "text", "poll": {"options": options(1), "minutes": 60}})),
        ("poll.options", json!({"body": "text", "poll": {"options": options(6), "minutes": 60}})),
        ("poll.options[1]", json!({"body": "text", "poll": {"options": ["a", "a"], "minutes": 60}})),
        ("poll.minutes", json!({"body": "text", "poll": {"options": options(2), "minutes": 4}})),
        ("role", json!({"body": "text", "role": "admin"})),
        ("moderation_state", json!({"body": "text", "moderation_state": 0})),
        ("author_id", json!({"body": "text", "author_id": other.id})),
        ("like_count", json!({"body": "text", "like_count": 1_000})),
        ("id", json!({"body": "text", "id": "1"})),
    ];
    let count = cases.len();
    for (field, body) in cases {
        author.post("/v1/posts", &body).await?.names(field)?;
    }
    let unknown = author.post("/v1/posts", &json!({"body": "$NOSUCH $AAPL $NEITHER"})).await?;
    let named = unknown.names("tickers")?.text();
    ensure!(named.contains("NOSUCH") && named.contains("NEITHER"), "{named}");
    ensure!(posts_of(&author).await? == 0, "something was stored");
    println!("trials: {count} bodies");
    Ok(())
}

#[tokio::test]
async fn the_longest_text_is_five_thousand_characters_whatever_its_bytes() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let author = service.anonymous()?.signup().await?;
    for text in
        ["a".repeat(5_000), "가".repeat(5_000), "😀".repeat(5_000), "\u{1112}\u{1161}\u{11AB}".repeat(5_000)]
    {
        let id = author.say(&text).await?;
        let post = author.get(&format!("/v1/posts/{id}")).await?.expect(200)?;
        let stored = post.json["body"].as_str().context("no text")?;
        ensure!(stored.chars().count() == 5_000);
    }
    Ok(())
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_and_nothing_is_stored() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let author = service.anonymous()?.signup().await?;
    let large = json!({"body": "x".repeat(65 * 1024)}).to_string();
    let cases: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("application/json", large.into_bytes(), 413, "body_too_large"),
        ("application/json", Vec::new(), 400, "invalid_json"),
        ("application/json", b"{".to_vec(), 400, "invalid_json"),
        ("application/json", b"{\"body\": \"a\",}".to_vec(), 400, "invalid_json"),
        ("application/json", b"{\"body\": \"a\"} {}".to_vec(), 400, "invalid_json"),
        ("application/json", b"{\"body\": \"a\"}\0".to_vec(), 400, "invalid_json"),
        ("application/json", b"{\"body\": \"a\0b\"}".to_vec(), 400, "invalid_json"),
        ("application/json", b"{\"body\": \"\xC3\x28\"}".to_vec(), 400, "invalid_utf8"),
        ("application/json", b"{\"body\": \"\\ud800\"}".to_vec(), 400, "invalid_json"),
        ("text/plain", b"{\"body\": \"a\"}".to_vec(), 415, "not_json"),
        ("application/x-www-form-urlencoded", b"body=a".to_vec(), 415, "not_json"),
        ("multipart/form-data; boundary=x", b"--x--".to_vec(), 415, "not_json"),
        ("", b"{\"body\": \"a\"}".to_vec(), 415, "not_json"),
    ];
    for (media, body, status, code) in cases {
        let answer = author.raw("POST", "/v1/posts", &[("content-type", media)], body).await?;
        answer.refused(status, code)?;
    }
    for wrong in ["[]", "\"text\"", "5", "null", "{\"body\":\"a\",\"body\":\"b\"}"] {
        let answer = author.raw("POST", "/v1/posts", &JSON, wrong.into()).await?;
        answer.refused(422, "invalid_input")?;
    }
    let deep = format!("{{\"body\": {}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    let answer = author.raw("POST", "/v1/posts", &JSON, deep.into_bytes()).await?;
    ensure!([400, 422].contains(&answer.status), "{}", answer.text());
    ensure!(posts_of(&author).await? == 0, "something was stored");
    Ok(())
}

#[tokio::test]
async fn nobody_follows_blocks_or_mutes_themselves() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let person = service.anonymous()?.signup().await?;
    for what in ["follow", "block", "mute"] {
        let path = format!("/v1/users/{}/{what}", person.handle);
        person.put(&path).await?.names("handle")?;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let person = service.anonymous()?.signup().await?;
    for path in [
        "/v1/nothing",
        "/v2/posts",
        "/v1/posts/",
        "/v1//posts",
        "/etc/passwd",
        "/v1/posts/1/x",
        "/%00",
        "/v1/posts/0",
        "/v1/posts/-1",
        "/v1/posts/99999999999999999999",
        "/v1/posts/1%00",
        "/v1/posts/%F0%28%8C%28",
        "/v1/users/nobody_here",
        "/v1/users/%00",
        "/v1/users/a%2Fb",
        "/v1/tickers/NOSUCH",
        "/v1/tickers/NOSUCH/posts",
        "/v1/tickers/%00/prices",
        "/docs/../../etc/passwd",
        "/docs/nothing.js",
    ] {
        person.get(path).await?.refused(404, "not_found")?;
    }
    let renamed = person.get("/v1/tickers/FB/posts?order=latest").await?.expect(308)?;
    ensure!(
        renamed.header("location") == "/v1/tickers/XNAS:META/posts?order=latest",
        "{}",
        renamed.header("location")
    );
    let delisted = person.get("/v1/tickers/TWTR").await?.expect(200)?;
    ensure!(delisted.json["status"] == "delisted");
    person.get("/v1/tickers/TWTR/posts").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn a_wrong_method_is_told_which_ones_there_are() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let person = service.anonymous()?.signup().await?;
    for (method, path, allowed) in [
        ("DELETE", "/v1/posts", "POST"),
        ("POST", "/v1/timeline", "GET"),
        ("POST", "/v1/posts/1", "GET, PATCH, DELETE"),
        ("PATCH", "/v1/posts/1/like", "PUT, DELETE"),
        ("PUT", "/v1/auth/login", "POST"),
        ("OPTIONS", "/v1/me", "GET, PATCH, DELETE"),
        ("TRACE", "/v1/me", "GET, PATCH, DELETE"),
        ("BREW", "/healthz", "GET"),
    ] {
        let answer = person.raw(method, path, &[], Vec::new()).await?;
        let answer = answer.refused(405, "method_not_allowed")?;
        ensure!(answer.header("allow") == allowed, "{path}: Allow is {:?}", answer.header("allow"));
    }
    let head = person.raw("HEAD", "/v1/me", &[], Vec::new()).await?.expect(200)?;
    ensure!(head.body.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_wrong_query_is_refused_and_not_taken_for_a_default() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let person = service.anonymous()?.signup().await?;
    for (query, field) in
        [("limit=0", "limit"), ("limit=101", "limit"), ("order=best", "order"), ("order=", "order")]
    {
        for path in ["/v1/timeline", "/v1/tickers/AAPL/posts"] {
            person.get(&format!("{path}?{query}")).await?.names(field)?;
        }
    }
    for query in ["limit=abc", "limit=-1", "limit=1&limit=2", "ordre=top", "limit=99999999999999999999"] {
        for path in ["/v1/timeline", "/v1/tickers/AAPL/posts"] {
            let answer = person.get(&format!("{path}?{query}")).await?;
            answer.refused(422, "invalid_input")?;
        }
    }
    for path in [
        "/v1/trending/posts",
        "/v1/watchlist/posts",
        "/v1/tickers",
        "/v1/me/bookmarks",
        "/v1/trending/tickers",
    ] {
        for limit in ["0", "101"] {
            person.get(&format!("{path}?limit={limit}")).await?.names("limit")?;
        }
    }
    Ok(())
}

/// A cursor of home, once in each order, and one of a board.
async fn cursors(author: &Api) -> Result<[String; 3]> {
    for n in 0..3 {
        author.say(&format!("$MSFT {n}")).await?;
    }
    let cursor = async |path: &str| {
        let page = author.get(path).await?.expect(200)?;
        page.json["next_cursor"].as_str().map(str::to_owned).context("no cursor")
    };
    Ok([
        cursor("/v1/timeline?order=top&limit=1").await?,
        cursor("/v1/timeline?order=latest&limit=1").await?,
        cursor("/v1/tickers/MSFT/posts?order=latest&limit=1").await?,
    ])
}

#[tokio::test]
async fn forged_foreign_and_mutated_cursors_are_refused() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [author, other] = service.anonymous()?.signup_many().await?;
    let [top, latest, board] = cursors(&author).await?;
    let refused = async |who: &Api, path: &str, cursor: &str| {
        let answer = who.get(&format!("{path}&cursor={cursor}")).await?;
        answer.refused(400, "bad_cursor")
    };
    let home_top = "/v1/timeline?order=top";
    let home_latest = "/v1/timeline?order=latest";
    refused(&other, home_top, &top).await?;
    refused(&author, home_latest, &top).await?;
    refused(&author, home_top, &latest).await?;
    refused(&author, home_latest, &board).await?;
    refused(&author, "/v1/tickers/AAPL/posts?order=latest", &board).await?;
    refused(&service.anonymous()?, "/v1/tickers/MSFT/posts?order=latest", &board).await?;
    for forged in
        ["", "AAAA", "null", "0", "%00", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw", &"A".repeat(4_000)]
    {
        refused(&author, home_latest, forged).await?;
        refused(&author, "/v1/me/bookmarks?limit=1", forged).await?;
    }
    let mut trials = 0;
    for trial in 0..200_usize {
        let mut mutated: Vec<char> = latest.chars().collect();
        let length = mutated.len();
        let at = mutated.get_mut(trial * 7 % length).context("too short")?;
        let new = if *at == 'Q' { 'h' } else { 'Q' };
        *at = new;
        let mutated: String = match trial % 4 {
            0 => mutated.iter().take(trial % length).collect(),
            1 => mutated.iter().chain(&['A']).collect(),
            _ => mutated.iter().collect(),
        };
        refused(&author, home_latest, &mutated).await?;
        trials += 1;
    }
    author.get(&format!("{home_latest}&limit=1&cursor={latest}")).await?.expect(200)?;
    println!("trials: {trials} mutated cursors");
    Ok(())
}

/// Sends raw bytes and reads what comes until the connection ends, or for `secs`.
async fn raw_exchange(service: &Service, parts: &[&[u8]], secs: u64) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", service.port)).await?;
    for part in parts {
        if stream.write_all(part).await.is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    match timeout(Duration::from_secs(secs), stream.read_to_end(&mut answer)).await {
        // A reset is an end too.
        Ok(_) => Ok(String::from_utf8_lossy(&answer).into_owned()),
        Err(_) => bail!("the connection was still open after {secs} s"),
    }
}

#[tokio::test]
async fn a_header_of_ten_megabytes_is_refused_and_the_server_lives_on() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let filler = vec![b'x'; 10 * 1024 * 1024];
    let parts: [&[u8]; 3] = [b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Large: ", &filler, b"\r\n\r\n"];
    let answer = raw_exchange(&service, &parts, 20).await?;
    ensure!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    let garbage = raw_exchange(&service, &[b"\x16\x03\x01\x02\x00 not HTTP\r\n\r\n"], 20).await?;
    ensure!(garbage.is_empty() || garbage.starts_with("HTTP/1.1 4"), "{garbage}");
    service.anonymous()?.get("/healthz").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn headers_of_forty_kilobytes_are_refused_with_a_word() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let long = "x".repeat(40 * 1024);
    let answer = nobody.raw("GET", "/v1/tickers", &[("x-large", &long)], Vec::new()).await?;
    answer.refused(431, "head_too_large")?;
    nobody.get(&format!("/v1/tickers?q={long}")).await?.refused(431, "head_too_large")?;
    nobody.get("/v1/tickers").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn a_slow_client_is_not_waited_for() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let author = service.anonymous()?.signup().await?;
    let head = format!(
        "POST /v1/posts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\nConnection: close\r\n\r\n{{\"body\":",
        author.token.clone().unwrap_or_default()
    );
    let answer = raw_exchange(&service, &[head.as_bytes()], 10).await?;
    ensure!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    ensure!(answer.contains("application/problem+json") && answer.contains("body_timeout"), "{answer}");
    let answer = raw_exchange(&service, &[b"GET /v1/tickers HTTP/1.1\r\nHost:"], 10).await?;
    ensure!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    ensure!(posts_of(&author).await? == 0, "something was stored");
    Ok(())
}

#[tokio::test]
async fn a_broken_authorization_header_is_refused_even_where_none_is_needed() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let long = format!("Bearer {}", "x".repeat(5_000));
    for value in ["Bearer", "Bearer ", "Basic YTpi", "Bearer nonsense", "Bearer a.b.c", &long] {
        for path in ["/v1/me", "/v1/tickers"] {
            let answer = nobody.raw("GET", path, &[("authorization", value)], Vec::new()).await?;
            let answer = answer.refused(401, "login_required")?;
            ensure!(answer.header("www-authenticate") == "Bearer");
        }
    }
    Ok(())
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_back() -> Result<()> {
    let service = Setup::new()
        .with("RATE_POST", "3/h")
        .with("RATE_REPLY", "2/h")
        .with("RATE_LIKE", "4/h")
        .start()
        .await?;
    let [author, other] = service.anonymous()?.signup_many().await?;
    let mut last = String::new();
    for _ in 0..3 {
        last = author.say("within the quota").await?;
    }
    let body = json!({"body": "one too many"});
    let refused = author.post("/v1/posts", &body).await?.refused(429, "rate_limited")?;
    let wait: u64 = refused.header("retry-after").parse().context("no Retry-After")?;
    ensure!((1..=3_600).contains(&wait), "wait {wait} s");
    for _ in 0..2 {
        author.publish(json!({"body": "a reply", "reply_to": last})).await?;
    }
    let reply = json!({"body": "one too many", "reply_to": last});
    author.post("/v1/posts", &reply).await?.refused(429, "rate_limited")?;
    other.say("somebody else may").await?;
    for left in (0..4).rev() {
        let answer = other.put(&format!("/v1/posts/{last}/like")).await?.expect(204)?;
        ensure!(answer.header("ratelimit-limit") == "4");
        ensure!(answer.header("ratelimit-remaining") == left.to_string(), "{left}");
    }
    // Nobody gets a quota of their own by naming another address.
    let forged = [("x-forwarded-for", "203.0.113.9")];
    let path = format!("/v1/posts/{last}/like");
    other.raw("PUT", &path, &forged, Vec::new()).await?.refused(429, "rate_limited")?;
    Ok(())
}
