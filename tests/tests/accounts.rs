//! Accounts: signup, login, logout, cookies, handles, the profile, the export, and leaving.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use anyhow::{Context, Result, ensure};
use madang_tests::{
    Api, Setup, Shared, all,
    client::{PASSWORD, new_handle},
    until,
};
use serde_json::json;

static SERVICE: Shared = Shared::new();

fn setup() -> Setup {
    Setup::new().with("SNAPSHOT_REUSE_MS", "0")
}

#[tokio::test]
async fn a_person_signs_up_logs_in_and_out_and_the_token_ends_at_once() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let person = nobody.signup().await?;
    let me = person.get("/v1/me").await?.expect(200)?;
    ensure!(me.json["handle"] == person.handle.as_str() && me.json["role"] == "investor", "{}", me.json);
    let login = json!({"handle": person.handle.to_uppercase(), "password": PASSWORD});
    let answer = nobody.post("/v1/auth/login", &login).await?.expect(200)?;
    let second = nobody.with_token(&person.handle, answer.json["token"].as_str().context("no token")?);
    ensure!(second.token != person.token);
    second.get("/v1/me").await?.expect(200)?;
    let logout = second.raw("POST", "/v1/auth/logout", &[], Vec::new()).await?;
    logout.expect(204)?;
    second.get("/v1/me").await?.refused(401, "login_required")?;
    second.raw("POST", "/v1/auth/logout", &[], Vec::new()).await?.refused(401, "login_required")?;
    person.get("/v1/me").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn the_database_holds_no_token_and_no_password_in_clear() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let person = service.anonymous()?.signup().await?;
    let token = person.token.clone().context("no token")?;
    ensure!(token.len() >= 32, "a token of {} characters", token.len());
    let sql = service.sql().await?;
    let sessions: Vec<String> =
        sqlx::query_scalar("SELECT s::text || encode(token_hash, 'escape') FROM sessions s")
            .fetch_all(&sql)
            .await?;
    ensure!(!sessions.is_empty() && !sessions.iter().any(|row| row.contains(&token)));
    let users: Vec<String> =
        sqlx::query_scalar("SELECT u::text FROM users u WHERE password_hash IS NOT NULL")
            .fetch_all(&sql)
            .await?;
    ensure!(users.iter().all(|row| row.contains("$argon2id$") && !row.contains(PASSWORD)));
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_handle_are_answered_alike() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let person = nobody.signup().await?;
    let mut answers = Vec::new();
    for handle in [person.handle.as_str(), "nobody_at_all", "not a handle!", ""] {
        let body = json!({"handle": handle, "password": "wrong password"});
        let answer = nobody.post("/v1/auth/login", &body).await?;
        answers.push(answer.refused(401, "login_required")?.body);
    }
    answers.dedup();
    ensure!(answers.len() == 1, "{} different answers", answers.len());
    Ok(())
}

#[tokio::test]
async fn handles_follow_the_rules_and_look_alikes_are_refused() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let sign_up = async |handle: &str| {
        let body = json!({"handle": handle, "password": PASSWORD});
        nobody.post("/v1/auth/signup", &body).await
    };
    for bad in [
        "a",
        "한",
        "abcdefghijklmnopqrstu",
        "a b",
        "a-b",
        "ab!",
        "кim",
        "ㅋㅋ",
        "a\u{200B}b",
        "",
        "admin",
        "AdmIn",
        "운영자",
    ] {
        sign_up(bad).await?.names("handle")?;
    }
    for (first, look_alikes) in [
        ("paypal_kr", vec!["paypa1_kr", "PayPal_KR", "PAYPAL_KR", "ｐaypal_kr"]),
        ("개미왕_27", vec!["개미왕_27", "@개미왕_27"]),
        ("modern_c", vec!["modem_c"]),
    ] {
        sign_up(first).await?.expect(201)?;
        for other in look_alikes {
            sign_up(other).await?.names("handle")?;
        }
    }
    for (field, value) in
        [("password", json!("short")), ("language", json!("fr")), ("name", json!("\u{200B}"))]
    {
        let mut body = json!({"handle": new_handle(), "password": PASSWORD});
        body[field] = value;
        nobody.post("/v1/auth/signup", &body).await?.names(field)?;
    }
    Ok(())
}

#[tokio::test]
async fn one_handle_wanted_by_many_at_once_goes_to_one() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let handle = new_handle();
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let nobody = nobody.clone();
            let wanted = if n % 2 == 0 { handle.clone() } else { handle.to_uppercase() };
            async move {
                let body = json!({"handle": wanted, "password": PASSWORD});
                Ok(nobody.post("/v1/auth/signup", &body).await?.status)
            }
        })
        .collect();
    let mut statuses = all(tasks).await?;
    statuses.sort_unstable();
    ensure!(statuses == [201, 422, 422, 422, 422, 422, 422, 422], "{statuses:?}");
    println!("trials: 8 parallel signups for one handle");
    Ok(())
}

/// Logs in; returns name and value of the cookie, and its attributes.
async fn cookie_of(nobody: &Api, person: &Api) -> Result<(String, Vec<String>)> {
    let body = json!({"handle": person.handle, "password": PASSWORD});
    let answer = nobody.post("/v1/auth/login", &body).await?.expect(200)?;
    let mut parts = answer.header("set-cookie").split("; ").map(str::to_owned);
    let pair = parts.next().context("no cookie")?;
    Ok((pair, parts.collect()))
}

#[tokio::test]
async fn the_cookie_is_out_of_reach_for_scripts_and_foreign_sites() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let person = nobody.signup().await?;
    let (pair, attributes) = cookie_of(&nobody, &person).await?;
    ensure!(pair.starts_with("madang_session="), "{pair}");
    for wanted in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        ensure!(attributes.iter().any(|attribute| attribute == wanted), "{attributes:?}");
    }
    let me = nobody.raw("GET", "/v1/me", &[("cookie", &pair)], Vec::new()).await?;
    ensure!(me.expect(200)?.json["handle"] == person.handle.as_str());

    let https = setup().with("PUBLIC_URL", "https://madang.example").start().await?;
    let nobody = https.anonymous()?;
    let person = nobody.signup().await?;
    let (pair, attributes) = cookie_of(&nobody, &person).await?;
    ensure!(pair.starts_with("__Host-madang_session="), "{pair}");
    for wanted in ["HttpOnly", "SameSite=Lax", "Path=/", "Secure"] {
        ensure!(attributes.iter().any(|attribute| attribute == wanted), "{attributes:?}");
    }
    ensure!(!attributes.iter().any(|attribute| attribute.starts_with("Domain")));
    let write = [("cookie", pair.as_str()), ("origin", "https://madang.example")];
    nobody.raw("PUT", "/v1/tickers/AAPL/watch", &write, Vec::new()).await?.expect(204)?;
    Ok(())
}

#[tokio::test]
async fn a_write_by_cookie_is_taken_from_our_own_pages_alone() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let person = nobody.signup().await?;
    let (pair, _) = cookie_of(&nobody, &person).await?;
    let own = "http://127.0.0.1:8080";
    let cases: [(&[(&str, &str)], bool); 9] = [
        (&[], false),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "cross-site"), ("origin", own)], false),
        (&[("origin", "https://evil.example")], false),
        (&[("origin", "http://127.0.0.1:8080.evil.example")], false),
        (&[("origin", "null")], false),
        (&[("origin", own)], true),
        (&[("sec-fetch-site", "same-origin")], true),
    ];
    for (headers, accepted) in cases {
        let mut headers = headers.to_vec();
        headers.push(("cookie", &pair));
        let answer = nobody.send("POST", "/v1/posts", &headers, &json!({"body": "by cookie"})).await?;
        if accepted {
            answer.expect(201)?;
        } else {
            answer.refused(403, "foreign_site")?;
        }
    }
    let posts = nobody.ids(&format!("/v1/users/{}/posts", person.handle)).await?;
    ensure!(posts.len() == 2, "{} posts by cookie", posts.len());
    let stale = [("cookie", "madang_session=gone")];
    nobody.raw("GET", "/v1/tickers", &stale, Vec::new()).await?.expect(200)?;
    nobody.raw("GET", "/v1/me", &stale, Vec::new()).await?.refused(401, "login_required")?;
    Ok(())
}

#[tokio::test]
async fn an_edited_profile_is_shown_everywhere_at_once() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [person, other] = service.anonymous()?.signup_many().await?;
    let id = person.say("by whom?").await?;
    let post = format!("/v1/posts/{id}");
    other.get(&post).await?.expect(200)?;
    let body = json!({"name": "새 이름", "bio": "first\nsecond", "language": "en"});
    let me = person.patch("/v1/me", &body).await?.expect(200)?;
    for (field, value) in [("name", "새 이름"), ("bio", "first\nsecond"), ("language", "en")] {
        ensure!(me.json[field] == value, "{}", me.json);
    }
    ensure!(other.get(&post).await?.expect(200)?.json["author"]["name"] == "새 이름");
    let profile = other.get(&format!("/v1/users/{}", person.handle)).await?.expect(200)?;
    ensure!(profile.json["bio"] == "first\nsecond");
    for (field, value) in [
        ("name", " ".to_owned()),
        ("name", "x".repeat(41)),
        ("bio", "x".repeat(501)),
        ("language", "fr".into()),
    ] {
        let body = json!({field: value});
        person.patch("/v1/me", &body).await?.names(field)?;
    }
    for field in ["handle", "role", "verified", "password_hash"] {
        let body = json!({field: "admin"});
        person.patch("/v1/me", &body).await?.names(field)?;
    }
    Ok(())
}

#[tokio::test]
async fn the_export_has_every_file_and_no_password_hash() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [person, other] = service.anonymous()?.signup_many().await?;
    person.follow(&other).await?;
    person.say("mine $AAPL").await?;
    let answer = person.get("/v1/me/export").await?.expect(200)?;
    ensure!(answer.header("content-type") == "application/zip");
    ensure!(answer.body.starts_with(b"PK\x03\x04"), "not a zip archive");
    let raw = answer.text();
    for name in [
        "profile",
        "posts",
        "post_revisions",
        "follows",
        "followers",
        "likes",
        "bookmarks",
        "poll_votes",
        "watchlist",
        "blocks",
        "mutes",
        "keyword_mutes",
        "reports",
        "statements",
        "appeals",
        "ambassador_applications",
        "ambassador_declarations",
        "ambassador_statements",
        "sessions",
    ] {
        ensure!(raw.contains(&format!("{name}.json")), "{name}.json is missing");
    }
    ensure!(!raw.contains("argon2"));
    Ok(())
}

#[tokio::test]
async fn who_leaves_is_gone_and_leaves_tombstones_in_threads() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let [leaver, friend, third] = nobody.signup_many().await?;
    for (who, whom) in [(&leaver, &friend), (&friend, &leaver), (&third, &leaver)] {
        who.follow(whom).await?;
    }
    let root = friend.say("root").await?;
    let secret = format!("words of {}", leaver.handle);
    let reply = leaver.publish(json!({"body": secret, "reply_to": root})).await?;
    let board_post = leaver.publish(json!({"body": format!("{secret} $TSLA")})).await?;
    leaver.put(&format!("/v1/posts/{root}/like")).await?.expect(204)?;
    service.settle().await?;
    ensure!(friend.ids("/v1/timeline?order=latest").await?.contains(&board_post));

    let wrong = json!({"handle": friend.handle});
    leaver.send("DELETE", "/v1/me", &[], &wrong).await?.names("handle")?;
    let right = json!({"handle": leaver.handle});
    leaver.send("DELETE", "/v1/me", &[], &right).await?.expect(204)?;

    leaver.get("/v1/me").await?.refused(401, "login_required")?;
    let login = json!({"handle": leaver.handle, "password": PASSWORD});
    nobody.post("/v1/auth/login", &login).await?.refused(401, "login_required")?;
    let profile = format!("/v1/users/{}", leaver.handle);
    friend.get(&profile).await?.refused(404, "not_found")?;
    for path in [
        "/v1/timeline?order=latest".to_owned(),
        "/v1/timeline?order=top".to_owned(),
        "/v1/tickers/TSLA/posts?order=latest&limit=100".to_owned(),
        "/v1/tickers/TSLA/posts?order=top&limit=100".to_owned(),
        format!("/v1/posts/{root}/replies"),
        format!("/v1/users/{}/followers", friend.handle),
        format!("/v1/users/{}/following", friend.handle),
    ] {
        let page = friend.get(&path).await?.expect(200)?.text();
        ensure!(!page.contains(&leaver.handle), "{path} still tells of who left");
    }
    let thread = friend.get(&format!("/v1/posts/{root}/replies")).await?.expect(200)?;
    ensure!(thread.items() == [json!({"id": reply, "placeholder": "deleted"})], "{}", thread.json);
    let me = friend.get("/v1/me").await?.expect(200)?;
    ensure!(me.json["follower_count"] == 0 && me.json["following_count"] == 0, "{}", me.json);
    until("the like is taken back", 10, async || {
        let post = friend.get(&format!("/v1/posts/{root}")).await?.expect(200)?;
        Ok(post.json["counts"]["likes"] == 0)
    })
    .await?;
    for wanted in [leaver.handle.clone(), leaver.handle.to_uppercase()] {
        let body = json!({"handle": wanted, "password": PASSWORD});
        nobody.post("/v1/auth/signup", &body).await?.names("handle")?;
    }
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM posts WHERE body LIKE '%' || $1 || '%'")
        .bind(&secret)
        .fetch_one(&service.sql().await?)
        .await?;
    ensure!(kept == 0, "texts of who left are kept");
    Ok(())
}
