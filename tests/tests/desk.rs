//! The moderators' desk: cases by hand, assigned, escalated, decided with their copies and with a sanction; what
//! reporters and authors are told; posts that their authors changed; the rule's constants.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use anyhow::{Context, Result, ensure};
use madang_tests::{Api, Service, Setup, Shared, until};
use serde_json::{Value, json};

static SERVICE: Shared = Shared::new();

async fn staff(service: &Service, role: &str) -> Result<Api> {
    service.member(&service.anonymous()?, role).await
}

/// Opens a case by hand and returns its address and version.
async fn case(moderator: &Api, post: &str) -> Result<(String, Value)> {
    let made = moderator.post("/v1/moderation/cases", &json!({"post_id": post, "reason": "spam"})).await?;
    let made = made.expect(201)?.json;
    Ok((format!("/v1/moderation/cases/{}", made["id"].as_str().context("no id")?), made["version"].clone()))
}

async fn notices(person: &Api, kind: &str) -> Result<Vec<Value>> {
    let page = person.get("/v1/notifications?limit=100").await?.expect(200)?;
    Ok(page.items().iter().filter(|notice| notice["kind"] == kind).cloned().collect())
}

#[tokio::test]
async fn an_escalated_case_stays_with_senior_moderators_whoever_holds_it() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let (moderator, senior) = (staff(&service, "moderator").await?, staff(&service, "senior").await?);
    let other = staff(&service, "senior").await?;
    let author = service.anonymous()?.signup().await?;
    let post = author.say("a hard case").await?;
    let (path, _) = case(&moderator, &post).await?;
    let nothing = json!({});
    let act = async |who: &Api, what: &str| who.post(&format!("{path}/{what}"), &nothing).await;
    act(&moderator, "escalate").await?.expect(200)?;
    act(&moderator, "claim").await?.refused(403, "needs_senior")?;
    act(&senior, "claim").await?.expect(200)?;
    act(&senior, "release").await?.expect(200)?;
    let seen = moderator.get(&path).await?.expect(200)?.json;
    ensure!(seen["state"] == "escalated" && seen["escalated"] == true, "{seen}");
    act(&moderator, "claim").await?.refused(403, "needs_senior")?;
    // A claim that ran out does not open it to everybody.
    act(&senior, "claim").await?.expect(200)?;
    sqlx::query("UPDATE mod_cases SET claimed_until = now() WHERE post_id = $1")
        .bind(post.parse::<i64>()?)
        .execute(&service.sql().await?)
        .await?;
    act(&moderator, "claim").await?.refused(403, "needs_senior")?;
    let assign =
        async |who: &Api, to: &str| who.post(&format!("{path}/assign"), &json!({"moderator": to})).await;
    assign(&moderator, &senior.handle).await?.refused(403, "wrong_role")?;
    assign(&senior, &moderator.handle).await?.names("moderator")?;
    assign(&senior, &author.handle).await?.names("moderator")?;
    assign(&senior, "nobody_here").await?.names("moderator")?;
    assign(&senior, &other.handle).await?.expect(200)?;
    act(&senior, "claim").await?.refused(409, "case_claimed")?;
    let mine = other.get("/v1/moderation/cases?state=mine").await?.expect(200)?;
    ensure!(mine.items().iter().any(|case| case["post_id"] == post.as_str()));
    assign(&senior, &senior.handle).await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn a_case_is_opened_by_hand_once_and_never_about_what_is_gone() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let moderator = staff(&service, "moderator").await?;
    let author = service.anonymous()?.signup().await?;
    let post = author.say("nobody reported this").await?;
    let (first, _) = case(&moderator, &post).await?;
    let (second, version) = case(&moderator, &post).await?;
    ensure!(first == second);
    let seen = moderator.get(&first).await?.expect(200)?.json;
    ensure!(seen["origin"] == "moderator" && seen["version"] == version, "{seen}");
    author.delete(&format!("/v1/posts/{post}")).await?.expect(204)?;
    let gone = json!({"post_id": post, "reason": "spam"});
    moderator.post("/v1/moderation/cases", &gone).await?.refused(404, "not_found")?;
    moderator
        .post("/v1/moderation/cases", &json!({"post_id": "x", "reason": "spam"}))
        .await?
        .names("post_id")?;
    moderator
        .post("/v1/moderation/cases", &json!({"post_id": post, "reason": "x"}))
        .await?
        .names("reason")?;
    Ok(())
}

const COPIED: &str =
    "수익 인증 이벤트에 참여하시면 커피 쿠폰을 드립니다 자세한 내용은 제 소개 글을 읽어 주세요 감사합니다";

#[tokio::test]
async fn one_decision_covers_the_copies_and_the_author_or_nothing() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let moderator = staff(&service, "moderator").await?;
    let people: [Api; 3] = service.anonymous()?.signup_many().await?;
    let mut posts = Vec::new();
    for (n, person) in people.iter().enumerate() {
        posts.push(person.say(&format!("{COPIED}{}", "!".repeat(n))).await?);
    }
    let other = people[1].say("전혀 다른 글입니다, 아무 관계가 없고 누구에게도 폐가 되지 않습니다").await?;
    let (path, version) = case(&moderator, &posts[0]).await?;
    let similar = async || -> Result<Vec<String>> {
        let seen = moderator.get(&path).await?.expect(200)?.json;
        let list = seen["similar"].as_array().cloned().unwrap_or_default();
        Ok(list.iter().filter_map(|one| one["post_id"].as_str().map(str::to_owned)).collect())
    };
    until("the copies are listed", 10, async || Ok(similar().await?.len() == 2)).await?;
    let decision = |similar: &[String], days: Option<i64>| {
        json!({"measure": "remove", "reason": "spam", "version": version, "similar": similar,
               "sanction": {"kind": "suspend", "days": days}})
    };
    let (both, wrong) = (posts[1..].to_vec(), vec![posts[1].clone(), other.clone()]);
    let decide = format!("{path}/decisions");
    moderator.post(&decide, &decision(&wrong, Some(3))).await?.names("similar")?;
    moderator.post(&decide, &decision(&both, None)).await?.names("sanction.days")?;
    moderator.post(&decide, &decision(&vec!["1".to_owned(); 51], Some(3))).await?.names("similar")?;
    for post in posts.iter().chain([&other]) {
        people[0].get(&format!("/v1/posts/{post}")).await?.expect(200)?;
    }
    moderator.post(&decide, &decision(&both, Some(3))).await?.expect(201)?;
    let reader = service.anonymous()?.signup().await?;
    for post in &posts {
        reader.get(&format!("/v1/posts/{post}")).await?.refused(404, "not_found")?;
    }
    reader.get(&format!("/v1/posts/{other}")).await?.expect(200)?;
    for person in &people {
        ensure!(notices(person, "measure").await?.len() == 1, "{} is not told", person.handle);
    }
    ensure!(people[0].get("/v1/me").await?.json["standing"] == "suspended");
    ensure!(people[1].get("/v1/me").await?.json["standing"] == "good", "a copy's author is sanctioned");
    moderator.post(&decide, &decision(&both, Some(3))).await?.refused(409, "case_decided")?;
    Ok(())
}

#[tokio::test]
async fn reporters_learn_the_outcome_and_authors_the_measure_and_both_mark_it_read() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let moderator = staff(&service, "moderator").await?;
    let [author, reporter] = service.anonymous()?.signup_many().await?;
    let post = author.say("an advertisement").await?;
    let page = reporter.get(&format!("/v1/posts/{post}")).await?.expect(200)?;
    let body = json!({"category": "spam", "view_token": page.header("x-view-token")});
    until("the report is taken", 10, async || {
        Ok(reporter.post(&format!("/v1/posts/{post}/reports"), &body).await?.status == 201)
    })
    .await?;
    let (path, version) = case(&moderator, &post).await?;
    let decision = json!({"measure": "remove", "reason": "spam", "version": version});
    moderator.post(&format!("{path}/decisions"), &decision).await?.expect(201)?;
    let outcome = notices(&reporter, "report_outcome").await?;
    ensure!(outcome.len() == 1 && outcome[0]["subject"] == post.as_str() && outcome[0]["read"] == false);
    ensure!(outcome[0]["words"]["ko"].is_string() && outcome[0]["words"]["en"].is_string());
    let told = notices(&author, "measure").await?;
    ensure!(told.len() == 1 && !told[0].to_string().contains(&reporter.handle), "{told:?}");
    ensure!(notices(&author, "report_outcome").await?.is_empty());
    ensure!(reporter.get("/v1/notifications").await?.json["unread"] == 1);
    reporter.post("/v1/notifications/read", &json!({"up_to": outcome[0]["id"]})).await?.expect(204)?;
    let page = reporter.get("/v1/notifications?unread=true").await?.expect(200)?;
    ensure!(page.items().is_empty() && page.json["unread"] == 0, "{}", page.text());
    reporter.post("/v1/notifications/read", &json!({"up_to": "x"})).await?.names("up_to")?;
    reporter.get("/v1/notifications?unread=perhaps").await?.names("unread")?;
    service.anonymous()?.get("/v1/notifications").await?.refused(401, "login_required")?;
    Ok(())
}

/// Puts a post where enough reports of that kind would have put it.
async fn blocked(service: &Service, moderator: &Api, post: &str, reason: &str) -> Result<String> {
    let (path, _) = case(moderator, post).await?;
    let sql = service.sql().await?;
    let id: i64 = post.parse()?;
    sqlx::query(
        "INSERT INTO mod_decisions (case_id, post_id, author_id, kind, actor_kind, reason_code, automated, statement,
                                    previous_state, new_state, revision, expires_at)
         SELECT c.id, p.id, p.author_id, 'block', 'system', $2, true, '{}', 0, 2, 0, now() + interval '1 day'
         FROM posts p JOIN mod_cases c ON c.post_id = p.id WHERE p.id = $1",
    )
    .bind(id)
    .bind(reason)
    .execute(&sql)
    .await?;
    sqlx::query("UPDATE posts SET moderation_state = 2, listed = false WHERE id = $1")
        .bind(id)
        .execute(&sql)
        .await?;
    Ok(path)
}

#[tokio::test]
async fn a_blocked_post_that_its_author_changed_is_shown_again_once_unless_it_was_a_scam() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let moderator = staff(&service, "moderator").await?;
    let [author, reader] = service.anonymous()?.signup_many().await?;
    let sql = service.sql().await?;
    for (reason, shown) in [("abuse", true), ("leading_room", false)] {
        let post = author.say("harsh words").await?;
        let path = blocked(&service, &moderator, &post, reason).await?;
        let before = moderator.get(&path).await?.json["version"].as_i64();
        author.patch(&format!("/v1/posts/{post}"), &json!({"body": "harsh words"})).await?.expect(200)?;
        ensure!(moderator.get(&path).await?.json["show_at"].is_null(), "the same words are shown again");
        author.patch(&format!("/v1/posts/{post}"), &json!({"body": "kinder words"})).await?.expect(200)?;
        let seen = moderator.get(&path).await?.expect(200)?.json;
        ensure!(seen["show_at"].is_string() == shown, "{reason}: {}", seen["show_at"]);
        ensure!(seen["version"].as_i64() > before, "{reason}: a moderator would not notice");
        sqlx::query("UPDATE mod_cases SET show_at = now() WHERE post_id = $1 AND show_at IS NOT NULL")
            .bind(post.parse::<i64>()?)
            .execute(&sql)
            .await?;
        if shown {
            until("it is shown again", 15, async || {
                Ok(reader.get(&format!("/v1/posts/{post}")).await?.status == 200)
            })
            .await?;
            let seen = moderator.get(&path).await?.expect(200)?.json;
            ensure!(seen["state"] == "open" && seen["post_state"] == "visible", "the case is closed: {seen}");
            // Once: the next block of it stands whatever the author writes.
            sqlx::query("UPDATE posts SET moderation_state = 2, listed = false WHERE id = $1")
                .bind(post.parse::<i64>()?)
                .execute(&sql)
                .await?;
            author
                .patch(&format!("/v1/posts/{post}"), &json!({"body": "kindest words"}))
                .await?
                .expect(200)?;
            ensure!(moderator.get(&path).await?.json["show_at"].is_null(), "a second time");
        } else {
            reader.get(&format!("/v1/posts/{post}")).await?.expect(404)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_rules_constants_are_changed_by_two_admins() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let (one, two) = (staff(&service, "admin").await?, staff(&service, "admin").await?);
    let path = "/v1/moderation/settings";
    let before = one.get(path).await?.expect(200)?.json;
    let propose = async |changes: Value| {
        one.post(&format!("{path}/proposals"), &json!({"settings": changes, "why": "a trial"})).await
    };
    propose(json!({"treshold": 5})).await?.names("settings")?;
    propose(json!({"threshold": -1})).await?.names("settings.threshold")?;
    propose(json!({"threshold": "four"})).await?.names("settings")?;
    propose(json!({})).await?.names("settings")?;
    let id = propose(json!({"window_hours": 48})).await?.expect(201)?.json;
    let stale = propose(json!({"window_hours": 96})).await?.expect(201)?.json;
    let decide = |id: &Value| format!("{path}/proposals/{}/decisions", id["id"].as_str().unwrap_or_default());
    let approve = json!({"answer": "approved"});
    one.post(&decide(&id), &approve).await?.refused(403, "two_people")?;
    let version = two.post(&decide(&id), &approve).await?.expect(201)?.json["version"].clone();
    two.post(&decide(&id), &approve).await?.refused(409, "proposal_decided")?;
    two.post(&decide(&stale), &approve).await?.refused(409, "settings_changed")?;
    two.post(&decide(&stale), &json!({"answer": "refused"})).await?.expect(201)?;
    let after = two.get(path).await?.expect(200)?.json;
    ensure!(after["version"] == version && after["settings"]["window_hours"] == 48, "{after}");
    ensure!(after["settings"]["threshold"] == before["settings"]["threshold"]);
    let states: Vec<&Value> =
        after["proposals"].as_array().into_iter().flatten().map(|one| &one["state"]).collect();
    ensure!(states == ["refused", "approved"], "{states:?}");
    Ok(())
}

#[tokio::test]
async fn a_copy_that_was_removed_by_itself_is_not_eased_along_with_another_post() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let moderator = staff(&service, "moderator").await?;
    let people: [Api; 2] = service.anonymous()?.signup_many().await?;
    let text = "이번 달 배당 일정을 달력으로 정리했습니다 필요하신 분은 제 소개 글을 보시고 댓글로 알려 주세요 감사합니다";
    let (kept, removed) = (people[0].say(text).await?, people[1].say(&format!("{text}!")).await?);
    let decide = async |post: &str, measure: &str, similar: &[&String]| -> Result<madang_tests::Answer> {
        let (path, version) = case(&moderator, post).await?;
        let body = json!({"measure": measure, "reason": "spam", "version": version, "similar": similar});
        moderator.post(&format!("{path}/decisions"), &body).await
    };
    decide(&removed, "remove", &[]).await?.expect(201)?;
    let sql = service.sql().await?;
    until("both fingerprints are written", 10, async || {
        let ids = vec![kept.parse::<i64>()?, removed.parse::<i64>()?];
        let written: i64 = sqlx::query_scalar("SELECT count(*) FROM post_prints WHERE post_id = ANY($1)")
            .bind(ids)
            .fetch_one(&sql)
            .await?;
        Ok(written == 2)
    })
    .await?;
    for measure in ["keep", "limit"] {
        decide(&kept, measure, &[&removed]).await?.refused(409, "removed_by_itself")?;
    }
    decide(&kept, "remove", &[&removed]).await?.expect(201)?;
    people[0].get(&format!("/v1/posts/{removed}")).await?.refused(404, "not_found")?;
    Ok(())
}

#[tokio::test]
async fn a_moderator_does_not_see_the_case_about_their_own_post() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let (moderator, other) = (staff(&service, "moderator").await?, staff(&service, "moderator").await?);
    let post = moderator.say("a moderator's opinion").await?;
    let (path, _) = case(&other, &post).await?;
    moderator.get(&path).await?.refused(403, "own_post")?;
    let queue = moderator.get("/v1/moderation/cases?limit=100").await?.expect(200)?;
    ensure!(!queue.items().iter().any(|case| case["post_id"] == post.as_str()), "it stands in their queue");
    other.get(&path).await?.expect(200)?;
    Ok(())
}
