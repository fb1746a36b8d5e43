//! Text rules as operators keep them: tried on past posts, then a day in shadow, then active, from
//! the answer on; and copies of one text.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use anyhow::{Context, Result, ensure};
use madang_tests::{Api, Service, Setup, Shared, until};
use serde_json::{Value, json};

static SERVICE: Shared = Shared::new();

const RULES: &str = "/v1/moderation/rules";

fn content(word: &str, action: &str) -> Value {
    json!({"class": "other", "action": action, "kind": {"words": {"words": [word]}}})
}

fn named(name: &str, content: &Value) -> Value {
    let mut rule = content.clone();
    rule["name"] = json!(name);
    rule
}

async fn senior(service: &Service) -> Result<Api> {
    service.member(&service.anonymous()?, "senior").await
}

/// What became of a post with that text.
async fn outcome(author: &Api, text: &str) -> Result<String> {
    let answer = author.post("/v1/posts", &json!({"body": text})).await?;
    if answer.status == 422 {
        return Ok("refused".to_owned());
    }
    Ok(answer.expect(201)?.json["state"].as_str().context("no state")?.to_owned())
}

/// Makes a rule and lets its day in shadow be over.
async fn ripe(service: &Service, senior: &Api, content: &Value) -> Result<String> {
    let made = senior.post(RULES, &named("시험", content)).await?.expect(201)?.json;
    let id = made["id"].as_str().context("no id")?.to_owned();
    sqlx::query("UPDATE text_rules SET shadow_since = now() - interval '25 hours' WHERE id = $1")
        .bind(id.parse::<i64>()?)
        .execute(&service.sql().await?)
        .await?;
    Ok(id)
}

#[tokio::test]
async fn a_rule_goes_from_shadow_over_a_dry_run_to_acting_in_every_process() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let (senior, author) = (senior(&service).await?, service.anonymous()?.signup().await?);
    let said = "곧 급등할 피닉스토큰 이야기";
    for _ in 0..12 {
        ensure!(outcome(&author, said).await? == "visible");
    }
    let content = content("피닉스토큰", "hold");
    let id = ripe(&service, &senior, &content).await?;
    ensure!(outcome(&author, said).await? == "visible", "a rule in shadow acted");
    let path = format!("{RULES}/{id}");
    let activate = json!({"version": 1, "mode": "active"});
    senior.patch(&path, &activate).await?.refused(409, "rule_untried")?;
    let dry = senior.post(&format!("{RULES}/dry-run"), &content).await?.expect(200)?.json;
    ensure!(dry["caught"] == 13 && dry["examples"].as_array().is_some_and(|some| some.len() == 10), "{dry}");
    let shown = dry["examples"][0]["body"].as_str().context("no example")?;
    ensure!(shown == said && dry["examples"][0]["spans"][0]["start"].is_number(), "{dry}");
    senior.patch(&path, &json!({"version": 7, "mode": "active"})).await?.refused(409, "rule_changed")?;
    senior.patch(&path, &activate).await?.expect(200)?;
    ensure!(outcome(&author, said).await? == "held", "an active rule did not act");
    senior.patch(&path, &json!({"version": 2, "mode": "off"})).await?.expect(200)?;
    ensure!(outcome(&author, said).await? == "visible", "a rule that is off acted");
    until("what it found is counted", 10, async || {
        Ok(senior.get(&path).await?.expect(200)?.json["caught_7d"] == 2)
    })
    .await?;
    senior.delete(&path).await?.expect(204)?;
    senior.get(&path).await?.refused(404, "not_found")?;
    let log = senior.get(&format!("/v1/moderation/audit?object=text_rule:{id}")).await?.expect(200)?;
    let acts: Vec<&Value> = log.items().iter().map(|row| &row["action"]).collect();
    ensure!(
        acts == ["text_rule.deleted", "text_rule.changed", "text_rule.changed", "text_rule.made"],
        "{acts:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_fresh_rule_waits_a_day_in_shadow_unless_there_is_a_reason() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let (senior, author) = (senior(&service).await?, service.anonymous()?.signup().await?);
    let content = content("불사조코인", "reject");
    let made = senior.post(RULES, &named("급함", &content)).await?.expect(201)?.json;
    let path = format!("{RULES}/{}", made["id"].as_str().context("no id")?);
    senior.post(&format!("{RULES}/dry-run"), &content).await?.expect(200)?;
    let activate = json!({"version": 1, "mode": "active"});
    senior.patch(&path, &activate).await?.refused(409, "rule_too_fresh")?;
    let urgent = json!({"version": 1, "mode": "active", "urgent": "a wave of it since this morning"});
    senior.patch(&path, &urgent).await?.expect(200)?;
    author.post("/v1/posts", &json!({"body": "지금 불사조코인 사세요"})).await?.names("body")?;
    // What acts may be corrected at once, once the correction was tried.
    let milder = json!({"version": 2, "action": "mask"});
    senior.patch(&path, &milder).await?.refused(409, "rule_untried")?;
    let mut tried = content.clone();
    tried["action"] = json!("mask");
    senior.post(&format!("{RULES}/dry-run"), &tried).await?.expect(200)?;
    senior.patch(&path, &milder).await?.expect(200)?;
    let post = author.publish(json!({"body": "지금 불사조코인 사세요"})).await?;
    let shown = author.get(&format!("/v1/posts/{post}")).await?.expect(200)?.json;
    ensure!(shown["body"] == "지금 ***** 사세요", "{shown}");
    Ok(())
}

#[tokio::test]
async fn a_bad_rule_is_refused_with_a_word_and_changes_nothing() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let senior = senior(&service).await?;
    let rule = |kind: Value| json!({"name": "x", "class": "other", "action": "mask", "kind": kind});
    let bad = [
        json!({"pattern": {"pattern": "a".repeat(501)}}),
        json!({"pattern": {"pattern": "((a{1,500}){1,500}){1,500}"}}),
        json!({"pattern": {"pattern": "("}}),
        json!({"pattern": {"pattern": "a*"}}),
        json!({"words": {"words": ["a"]}}),
        json!({"words": {"words": ["긴".repeat(41)]}}),
        json!({"words": {"words": vec!["낱말"; 5_001]}}),
        json!({"repeats": {"limits": {"own": 0}}}),
        json!({"leading_room": {"settings": {"hold_score": 0}}}),
        json!({"words": {"words": ["낱말"], "wrods": []}}),
        json!({"what": {}}),
    ];
    let trials = bad.len();
    for kind in bad {
        let answer = senior.post(RULES, &rule(kind.clone())).await?;
        ensure!(answer.status == 422 && answer.text().contains("kind"), "{kind}: {}", answer.text());
        let mut content = rule(kind.clone());
        content.as_object_mut().context("no object")?.remove("name");
        let answer = senior.post(&format!("{RULES}/dry-run"), &content).await?;
        ensure!(answer.status == 422 && answer.text().contains("kind"), "{kind}: {}", answer.text());
    }
    senior.post(RULES, &named("", &content("낱말", "mask"))).await?.names("name")?;
    senior.post(RULES, &named(&"긴".repeat(81), &content("낱말", "mask"))).await?.names("name")?;
    senior.post(RULES, &named("x", &content("낱말", "shout"))).await?.names("action")?;
    // Other tests make rules meanwhile, of other names.
    let page = senior.get(&format!("{RULES}?limit=100")).await?.expect(200)?;
    ensure!(!page.items().iter().any(|rule| rule["name"] == "x"), "a refused rule is there");
    println!("trials: {trials} bad rules");
    Ok(())
}

#[tokio::test]
async fn the_rules_of_the_release_are_there_and_cannot_be_deleted() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    service.run_well(&["migrate"]).await?;
    let senior = senior(&service).await?;
    let page = senior.get(&format!("{RULES}?limit=100")).await?.expect(200)?;
    let own = page.items().iter().filter(|rule| rule["built_in"] == true).count();
    ensure!(own == 9, "{own} rules of the release");
    senior.delete(&format!("{RULES}/1")).await?.refused(409, "rule_built_in")?;
    ensure!(service.run_well(&["migrate"]).await?.contains("0 text rules"), "migrating again changed rules");
    let moderator = service.member(&service.anonymous()?, "moderator").await?;
    moderator.get(&format!("{RULES}/1")).await?.expect(200)?;
    moderator.delete(&format!("{RULES}/1")).await?.refused(403, "wrong_role")?;
    Ok(())
}

#[tokio::test]
async fn the_same_text_over_and_over_is_limited_whatever_is_changed_in_it() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let [author, other] = service.anonymous()?.signup_many().await?;
    let text = "오늘 장 마감 시황을 길게 정리해 보았습니다 외국인 순매수가 사흘째 이어지고 환율은 조금 내렸으며 반도체가 지수를 끌어올렸습니다";
    for n in 0..4 {
        let said = format!("{text}{} $AAPL", "!".repeat(n));
        ensure!(outcome(&author, &said).await? == "visible", "copy {n}");
    }
    ensure!(
        outcome(&author, &format!("{text} ~~ $TSLA")).await? == "limited",
        "the fifth copy of one author"
    );
    ensure!(outcome(&other, text).await? == "visible", "somebody else quotes it");
    ensure!(outcome(&author, "전혀 다른 이야기를 쓰면 다시 보인다 그래야 사람이 말을 할 수 있으니까 당연한 일이다 그렇지 않은가").await? == "visible");
    Ok(())
}

#[tokio::test]
async fn polls_names_and_profiles_are_screened_like_posts() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let author = service.anonymous()?.signup().await?;
    let lure = "수익률 300% 보장 무료방 open.kakao.com/o/abCd12";
    let poll =
        |second: &str| json!({"body": "어느 쪽?", "poll": {"options": ["오른다", second], "minutes": 60}});
    let made = author.post("/v1/posts", &poll("내린다")).await?.expect(201)?.json;
    ensure!(made["state"] == "visible", "{made}");
    let made = author.post("/v1/posts", &poll(lure)).await?.expect(201)?.json;
    ensure!(made["state"] == "held", "a poll led out of the service: {made}");
    let made = author.post("/v1/posts", &poll("시발 내린다")).await?.expect(201)?.json;
    ensure!(made["poll"]["options"][1] == "** 내린다", "{made}");
    for (field, body) in [
        ("bio", json!({"bio": lure})),
        ("name", json!({"name": "시발점장님 씨발"})),
        ("bio", json!({"bio": "병신들아"})),
    ] {
        author.patch("/v1/me", &body).await?.names(field)?;
    }
    author
        .patch("/v1/me", &json!({"name": "시바견 주인", "bio": "10년물 금리를 봅니다"}))
        .await?
        .expect(200)?;
    let signup = json!({"handle": "씨발새끼", "password": "long enough 1"});
    service.anonymous()?.post("/v1/auth/signup", &signup).await?.names("handle")?;
    Ok(())
}

#[tokio::test]
async fn what_was_accepted_once_is_answered_as_it_was_whatever_the_rules_say_by_now() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let (senior, author) = (senior(&service).await?, service.anonymous()?.signup().await?);
    let body = json!({"body": "루나틱코인 이야기"});
    let send =
        async || author.send("POST", "/v1/posts", &[("idempotency-key", "before-the-rule")], &body).await;
    let first = send().await?.expect(201)?.text();
    let content = content("루나틱코인", "reject");
    let id = ripe(&service, &senior, &content).await?;
    senior.post(&format!("{RULES}/dry-run"), &content).await?.expect(200)?;
    senior.patch(&format!("{RULES}/{id}"), &json!({"version": 1, "mode": "active"})).await?.expect(200)?;
    author.post("/v1/posts", &body).await?.names("body")?;
    ensure!(send().await?.expect(201)?.text() == first, "the retry is answered otherwise");
    Ok(())
}
