//! Measures against accounts: what is left of an account, what its owner is told, how it ends; and after a ban
//! for a leading room, the other posts, their copies, and everyone who was shown them.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use anyhow::{Context, Result, ensure};
use madang_tests::{Api, Service, Setup, Shared, all, until};
use serde_json::{Value, json};

static SERVICE: Shared = Shared::new();

async fn staff(service: &Service, role: &str) -> Result<Api> {
    service.member(&service.anonymous()?, role).await
}

fn path_of(person: &Api) -> String {
    format!("/v1/moderation/users/{}/sanctions", person.handle)
}

async fn impose(moderator: &Api, person: &Api, kind: &str, days: Option<i64>) -> Result<String> {
    let body = json!({"kind": kind, "reason": "leading_room", "days": days, "terms_clause": "제5조"});
    let made = moderator.post(&path_of(person), &body).await?.expect(201)?;
    Ok(made.json["id"].as_str().context("no id")?.to_owned())
}

async fn words_for(person: &Api, kind: &str) -> Result<Vec<Value>> {
    let notices = person.get("/v1/notifications").await?.expect(200)?;
    Ok(notices.items().iter().filter(|notice| notice["kind"] == kind).cloned().collect())
}

#[tokio::test]
async fn a_suspended_account_reads_and_objects_and_writes_again_when_it_is_over() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let (moderator, senior) = (staff(&service, "moderator").await?, staff(&service, "senior").await?);
    let [person, friend] = service.anonymous()?.signup_many().await?;
    let post = friend.say("something to like").await?;
    let id = impose(&moderator, &person, "suspend", Some(7)).await?;
    let writes: [(&str, String, Value); 6] = [
        ("POST", "/v1/posts".into(), json!({"body": "hello"})),
        ("PUT", format!("/v1/posts/{post}/like"), Value::Null),
        ("PUT", format!("/v1/posts/{post}/repost"), Value::Null),
        ("PUT", format!("/v1/users/{}/follow", friend.handle), Value::Null),
        ("PATCH", "/v1/me".into(), json!({"bio": "x"})),
        ("POST", format!("/v1/posts/{post}/reports"), json!({"category": "spam", "view_token": "x"})),
    ];
    for (method, path, body) in &writes {
        person.send(method, path, &[], body).await?.refused(403, "account_suspended")?;
    }
    for path in ["/v1/timeline", "/v1/me", "/v1/me/sanctions", "/v1/notifications", "/v1/me/export"] {
        person.get(path).await?.expect(200)?;
    }
    ensure!(person.get("/v1/me").await?.json["standing"] == "suspended");
    let told = words_for(&person, "sanction").await?;
    ensure!(told.len() == 1 && told[0]["words"]["ko"].as_str().is_some_and(|ko| ko.contains("이용 정지")));
    let own = person.get("/v1/me/sanctions").await?.expect(200)?;
    let statement = &own.items()[0]["statement"];
    ensure!(statement["measure"] == "suspend" && statement["ground"]["clause"] == "제5조", "{statement}");
    ensure!(own.items()[0]["actor_id"].is_null(), "the moderator is named");
    let appeal = person
        .post("/v1/appeals", &json!({"sanction_id": id, "body": "I am no scammer"}))
        .await?
        .expect(201)?;
    person
        .post("/v1/appeals", &json!({"sanction_id": id, "body": "again"}))
        .await?
        .refused(409, "already_appealed")?;
    let answer = format!("/v1/moderation/appeals/{}/decisions", appeal.json["id"].as_str().context("no id")?);
    let overturn = json!({"outcome": "overturned", "answer": "right"});
    moderator.post(&answer, &overturn).await?.refused(403, "another_moderator")?;
    let waiting = senior.get("/v1/moderation/appeals?limit=100").await?.expect(200)?;
    ensure!(waiting.items().iter().any(|one| one["sanction_id"] == id.as_str()));
    senior.post(&answer, &overturn).await?.expect(201)?;
    person.say("back again").await?;
    ensure!(person.get("/v1/me").await?.json["standing"] == "good");
    Ok(())
}

#[tokio::test]
async fn a_sanction_ends_on_time_and_the_strongest_in_force_counts() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let (moderator, senior) = (staff(&service, "moderator").await?, staff(&service, "senior").await?);
    let person = service.anonymous()?.signup().await?;
    let standing = async || -> Result<String> {
        Ok(person.get("/v1/me").await?.expect(200)?.json["standing"].as_str().unwrap_or_default().to_owned())
    };
    impose(&moderator, &person, "warning", None).await?;
    impose(&moderator, &person, "strike", None).await?;
    ensure!(standing().await? == "good");
    impose(&moderator, &person, "limit", Some(30)).await?;
    let suspension = impose(&moderator, &person, "suspend", Some(1)).await?;
    let ban = impose(&senior, &person, "ban", None).await?;
    ensure!(standing().await? == "banned");
    person.post("/v1/posts", &json!({"body": "x"})).await?.refused(403, "account_banned")?;
    senior.delete(&format!("{}/{ban}", path_of(&person))).await?.expect(204)?;
    ensure!(standing().await? == "suspended");
    sqlx::query("UPDATE sanctions SET expires_at = now() WHERE id = $1")
        .bind(suspension.parse::<i64>()?)
        .execute(&service.sql().await?)
        .await?;
    until("the suspension is over", 15, async || Ok(standing().await? == "limited")).await?;
    let listed = moderator.get(&path_of(&person)).await?.expect(200)?;
    let kinds: Vec<&Value> = listed.items().iter().map(|one| &one["kind"]).collect();
    ensure!(kinds == ["ban", "suspend", "limit", "strike", "warning"], "{kinds:?}");
    Ok(())
}

#[tokio::test]
async fn what_a_limited_account_writes_reaches_no_feed() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let moderator = staff(&service, "moderator").await?;
    let [person, reader] = service.anonymous()?.signup_many().await?;
    reader.follow(&person).await?;
    let other = reader.say("another's post").await?;
    impose(&moderator, &person, "limit", Some(3)).await?;
    let made = person.post("/v1/posts", &json!({"body": "quiet words $AAPL"})).await?.expect(201)?.json;
    ensure!(made["state"] == "limited", "{made}");
    service.settle().await?;
    for path in [
        "/v1/timeline?limit=100",
        "/v1/tickers/AAPL/posts?order=latest&limit=100",
        "/v1/trending/posts?limit=100",
    ] {
        ensure!(!reader.get(path).await?.text().contains("quiet words"), "{path}");
    }
    ensure!(reader.get(&format!("/v1/users/{}/posts", person.handle)).await?.text().contains("quiet words"));
    person.put(&format!("/v1/posts/{other}/repost")).await?.refused(403, "account_limited")?;
    Ok(())
}

#[tokio::test]
async fn who_may_impose_what_on_whom() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let person = service.anonymous()?.signup().await?;
    let (moderator, senior) = (staff(&service, "moderator").await?, staff(&service, "senior").await?);
    let admin = staff(&service, "admin").await?;
    let body = |kind: &str, days: Option<i64>| json!({"kind": kind, "reason": "spam", "days": days});
    let ask = async |who: &Api, whom: &Api, body: &Value| who.post(&path_of(whom), body).await;
    for (kind, days) in [("ban", None), ("limit", Some(31)), ("suspend", Some(365))] {
        ask(&moderator, &person, &body(kind, days)).await?.refused(403, "needs_senior")?;
    }
    for (kind, days) in
        [("limit", None), ("suspend", None), ("suspend", Some(0)), ("suspend", Some(366)), ("ban", Some(3))]
    {
        ask(&senior, &person, &body(kind, days)).await?.names("days")?;
    }
    ask(&moderator, &moderator, &body("warning", None)).await?.refused(403, "own_account")?;
    ask(&senior, &moderator, &body("warning", None)).await?.refused(403, "staff_account")?;
    ask(&admin, &moderator, &body("warning", None)).await?.expect(201)?;
    ask(&senior, &person, &json!({"kind": "warning", "reason": "ugly"})).await?.names("reason")?;
    ask(&senior, &person, &json!({"kind": "shout", "reason": "spam"})).await?.names("kind")?;
    let long = json!({"kind": "warning", "reason": "spam", "note": "긴".repeat(501)});
    ask(&senior, &person, &long).await?.names("note")?;
    let nobody = json!({"kind": "warning", "reason": "spam"});
    senior.post("/v1/moderation/users/nobody_here/sanctions", &nobody).await?.refused(404, "not_found")?;
    let id = impose(&moderator, &person, "limit", Some(1)).await?;
    let path = format!("{}/{id}", path_of(&person));
    moderator.delete(&path).await?.refused(403, "wrong_role")?;
    senior.delete(&path).await?.expect(204)?;
    senior.delete(&path).await?.refused(409, "sanction_ended")?;
    Ok(())
}

#[tokio::test]
async fn after_a_ban_for_a_leading_room_posts_and_copies_are_queued_and_viewers_warned_once() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let senior = staff(&service, "senior").await?;
    let [scammer, copier, bystander] = service.anonymous()?.signup_many().await?;
    let readers: [Api; 8] = service.anonymous()?.signup_many().await?;
    let text =
        "매일 아침 여덟 시에 오늘 오를 종목을 정리해서 올립니다 궁금하신 분은 제 글을 차례로 읽어 보세요";
    let mut posts = Vec::new();
    for n in 0..3 {
        posts.push(scammer.say(&format!("{text} {}", "그리고 덧붙이는 말 ".repeat(n))).await?);
    }
    let copy = copier.say(&format!("{text} !!")).await?;
    bystander.say("나는 아무 상관이 없는 사람인데 오늘 점심은 맛있게 먹었고 날씨도 좋다").await?;
    // Everyone sees two of them, a deleted one too.
    let seeing = readers
        .iter()
        .flat_map(|reader| posts.iter().take(2).map(move |post| (reader.clone(), post.clone())));
    all(seeing
        .map(|(reader, post)| async move { reader.get(&format!("/v1/posts/{post}")).await?.expect(200) }))
    .await?;
    scammer.delete(&format!("/v1/posts/{}", posts[0])).await?.expect(204)?;
    let sql = service.sql().await?;
    until("views and fingerprints are written", 10, async || {
        let (views, prints): (i64, i64) =
            sqlx::query_as("SELECT (SELECT count(*) FROM post_views), (SELECT count(*) FROM post_prints)")
                .fetch_one(&sql)
                .await?;
        Ok(views >= 16 && prints >= 5)
    })
    .await?;
    impose(&senior, &scammer, "ban", None).await?;
    until("everyone is warned", 20, async || {
        let mut warned = 0;
        for reader in &readers {
            warned += words_for(reader, "scam_warning").await?.len();
        }
        ensure!(warned <= readers.len(), "somebody was warned twice");
        Ok(warned == readers.len())
    })
    .await?;
    let queue = senior.get("/v1/moderation/cases?limit=100").await?.expect(200)?;
    let swept: Vec<&str> = queue
        .items()
        .iter()
        .filter(|case| case["origin"] == "sweep")
        .filter_map(|case| case["post_id"].as_str())
        .collect();
    for post in [&posts[1], &posts[2], &copy] {
        ensure!(swept.contains(&post.as_str()), "{post} is not queued: {swept:?}");
    }
    ensure!(swept.len() == 3, "{swept:?}");
    ensure!(
        words_for(&bystander, "scam_warning").await?.is_empty()
            && words_for(&scammer, "scam_warning").await?.is_empty()
    );
    println!("trials: {} readers warned", readers.len());
    // A ban that is lifted is no warning any more.
    let bans = senior.get(&path_of(&scammer)).await?.expect(200)?;
    let ban = bans.items()[0]["id"].as_str().context("no id")?.to_owned();
    senior.delete(&format!("{}/{ban}", path_of(&scammer))).await?.expect(204)?;
    for reader in &readers {
        ensure!(words_for(reader, "scam_warning").await?.is_empty(), "somebody is still warned");
    }
    Ok(())
}

#[tokio::test]
async fn suspended_staff_see_nothing_of_the_desk() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let (admin, moderator) = (staff(&service, "admin").await?, staff(&service, "moderator").await?);
    let senior = staff(&service, "senior").await?;
    moderator.get("/v1/moderation/cases").await?.expect(200)?;
    let id = impose(&admin, &moderator, "suspend", Some(3)).await?;
    for path in ["cases", "audit", "appeals", "rules", "stats", "settings"] {
        moderator.get(&format!("/v1/moderation/{path}")).await?.refused(403, "account_suspended")?;
    }
    moderator.get("/v1/me/sanctions").await?.expect(200)?;
    let path = format!("{}/{id}", path_of(&moderator));
    senior.delete(&path).await?.refused(403, "staff_account")?;
    admin.delete(&path).await?.expect(204)?;
    moderator.get("/v1/moderation/cases").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn an_appeal_against_a_ban_is_for_a_senior_moderator() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let (moderator, senior) = (staff(&service, "moderator").await?, staff(&service, "senior").await?);
    let (other, person) = (staff(&service, "senior").await?, service.anonymous()?.signup().await?);
    let id = impose(&senior, &person, "ban", None).await?;
    let appeal =
        person.post("/v1/appeals", &json!({"sanction_id": id, "body": "why?"})).await?.expect(201)?;
    let answer = format!("/v1/moderation/appeals/{}/decisions", appeal.json["id"].as_str().context("no id")?);
    let overturn = json!({"outcome": "overturned"});
    moderator.post(&answer, &overturn).await?.refused(403, "needs_senior")?;
    senior.post(&answer, &overturn).await?.refused(403, "another_moderator")?;
    other.post(&answer, &overturn).await?.expect(201)?;
    person.say("back").await?;
    Ok(())
}

#[tokio::test]
async fn what_was_written_under_a_limit_that_did_not_stand_comes_back() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let (moderator, other) = (staff(&service, "moderator").await?, staff(&service, "moderator").await?);
    let [person, reader] = service.anonymous()?.signup_many().await?;
    reader.follow(&person).await?;
    let id = impose(&moderator, &person, "limit", Some(5)).await?;
    let post = person.say("written under a limit").await?;
    let appeal =
        person.post("/v1/appeals", &json!({"sanction_id": id, "body": "why?"})).await?.expect(201)?;
    let answer = format!("/v1/moderation/appeals/{}/decisions", appeal.json["id"].as_str().context("no id")?);
    other.post(&answer, &json!({"outcome": "overturned"})).await?.expect(201)?;
    until("the post is back in feeds", 15, async || {
        Ok(reader.ids("/v1/timeline?order=latest").await?.contains(&post))
    })
    .await
}
