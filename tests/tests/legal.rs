//! Rights claims (임시조치): a state of its own, for the role legal, for 30 days at most.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use anyhow::{Context, Result, ensure};
use madang_tests::{Answer, Api, Service, Setup, Shared, until};
use serde_json::{Value, json};

static SERVICE: Shared = Shared::new();

const CLAIMS: &str = "/v1/moderation/legal-requests";

async fn staff(service: &Service, role: &str) -> Result<Api> {
    service.member(&service.anonymous()?, role).await
}

fn claim(post: &str) -> Value {
    json!({"post_id": post, "claimant": "홍길동", "ground": "defamation", "proof": "판결문 사본을 제출했습니다"})
}

async fn file(legal: &Api, post: &str) -> Result<String> {
    let made = legal.post(CLAIMS, &claim(post)).await?.expect(201)?;
    Ok(made.json["id"].as_str().context("no id")?.to_owned())
}

async fn decide(legal: &Api, id: &str, outcome: &str) -> Result<Answer> {
    legal.post(&format!("{CLAIMS}/{id}/decisions"), &json!({"outcome": outcome, "note": "looked at"})).await
}

async fn state(author: &Api, post: &str) -> Result<String> {
    let seen = author.get(&format!("/v1/posts/{post}")).await?.expect(200)?.json;
    Ok(seen["state"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_claim_hides_a_post_until_it_is_decided() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let legal = staff(&service, "legal").await?;
    let [author, reader] = service.anonymous()?.signup_many().await?;
    for (outcome, status, after) in
        [("restored", 200, "visible"), ("withdrawn", 200, "visible"), ("removed", 404, "removed")]
    {
        let post = author.say("something about somebody").await?;
        let id = file(&legal, &post).await?;
        reader.get(&format!("/v1/posts/{post}")).await?.expect(404)?;
        ensure!(state(&author, &post).await? == "temporary_measure");
        let statements = author.get("/v1/me/statements").await?.expect(200)?;
        let told = &statements.items()[0]["statement"];
        ensure!(told["measure"] == "temporary_measure" && told["ground"]["kind"] == "rights_claim", "{told}");
        ensure!(told["until"].is_string() && !told.to_string().contains("홍길동"), "{told}");
        legal.post(CLAIMS, &claim(&post)).await?.refused(409, "claim_open")?;
        let open = legal.get(CLAIMS).await?.expect(200)?;
        ensure!(open.items().iter().any(|one| one["id"] == id.as_str() && one["claimant"] == "홍길동"));
        decide(&legal, &id, outcome).await?.expect(201)?;
        reader.get(&format!("/v1/posts/{post}")).await?.expect(status)?;
        ensure!(state(&author, &post).await? == after, "{outcome}");
        decide(&legal, &id, outcome).await?.refused(409, "claim_decided")?;
        ensure!(!legal.get(CLAIMS).await?.text().contains(&format!("\"id\":\"{id}\"")));
        ensure!(legal.get(&format!("{CLAIMS}?state=all&limit=100")).await?.text().contains(&id));
    }
    Ok(())
}

#[tokio::test]
async fn a_claim_that_nobody_decides_ends_after_thirty_days_and_the_post_is_as_before() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let legal = staff(&service, "legal").await?;
    let moderator = staff(&service, "moderator").await?;
    let author = service.anonymous()?.signup().await?;
    let [visible, limited] = [author.say("as it was").await?, author.say("less of it").await?];
    for post in [&visible, &limited] {
        file(&legal, post).await?;
    }
    // A moderator's decision does not lift what a claim hides; it is where the post goes afterwards.
    let opened = moderator
        .post("/v1/moderation/cases", &json!({"post_id": limited, "reason": "spam"}))
        .await?
        .expect(201)?;
    let path = format!("/v1/moderation/cases/{}/decisions", opened.json["id"].as_str().context("no id")?);
    let limit = json!({"measure": "limit", "reason": "spam", "version": opened.json["version"]});
    moderator.post(&path, &limit).await?.expect(201)?;
    ensure!(state(&author, &limited).await? == "temporary_measure");
    sqlx::query(
        "UPDATE legal_requests SET filed_at = now() - interval '31 days', deadline = now() - interval '1 day'
                 WHERE post_id = ANY($1)",
    )
    .bind(vec![visible.parse::<i64>()?, limited.parse::<i64>()?])
    .execute(&service.sql().await?)
    .await?;
    until("both claims are over", 15, async || {
        Ok(state(&author, &visible).await? == "visible" && state(&author, &limited).await? == "limited")
    })
    .await
}

#[tokio::test]
async fn an_objection_is_decided_with_the_claim_by_another_person() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let (legal, other, senior) =
        (staff(&service, "legal").await?, staff(&service, "legal").await?, staff(&service, "senior").await?);
    let author = service.anonymous()?.signup().await?;
    let post = author.say("the truth, I swear").await?;
    let id = file(&legal, &post).await?;
    let statement = author.get("/v1/me/statements?limit=1").await?.expect(200)?.items()[0]["id"].clone();
    let appeal = json!({"decision_id": statement, "body": "사실을 적었습니다"});
    let appeal = author.post("/v1/appeals", &appeal).await?.expect(201)?.json;
    let answer = format!("/v1/moderation/appeals/{}/decisions", appeal["id"].as_str().context("no id")?);
    senior.post(&answer, &json!({"outcome": "overturned"})).await?.refused(403, "rights_claim")?;
    let open = legal.get(CLAIMS).await?.expect(200)?;
    let seen = open.items().iter().find(|one| one["id"] == id.as_str()).context("not listed")?;
    ensure!(seen["objection"] == "사실을 적었습니다", "{seen}");
    decide(&legal, &id, "restored").await?.refused(403, "another_person")?;
    ensure!(state(&author, &post).await? == "temporary_measure");
    decide(&other, &id, "restored").await?.expect(201)?;
    ensure!(state(&author, &post).await? == "visible");
    let own = author.get("/v1/me/appeals").await?.expect(200)?;
    ensure!(own.items()[0]["state"] == "overturned", "{}", own.text());
    Ok(())
}

#[tokio::test]
async fn a_bad_claim_is_refused_with_a_word() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let legal = staff(&service, "legal").await?;
    let author = service.anonymous()?.signup().await?;
    let (post, gone, own) = (author.say("x").await?, author.say("y").await?, legal.say("z").await?);
    author.delete(&format!("/v1/posts/{gone}")).await?.expect(204)?;
    let with = |field: &str, value: Value| {
        let mut body = claim(&post);
        body[field] = value;
        body
    };
    for (field, value) in [
        ("post_id", json!("x")),
        ("claimant", json!("")),
        ("claimant", json!("긴".repeat(201))),
        ("ground", json!("envy")),
        ("proof", json!("")),
        ("proof", json!("긴".repeat(2001))),
    ] {
        legal.post(CLAIMS, &with(field, value)).await?.names(field)?;
    }
    legal.post(CLAIMS, &with("post_id", json!(gone))).await?.refused(404, "not_found")?;
    legal.post(CLAIMS, &with("post_id", json!(own))).await?.refused(403, "own_post")?;
    decide(&legal, "123", "restored").await?.refused(404, "not_found")?;
    ensure!(state(&author, &post).await? == "visible");
    Ok(())
}

#[tokio::test]
async fn a_removal_on_a_claim_can_be_objected_to_and_an_admin_can_act_too() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let (legal, admin) = (staff(&service, "legal").await?, staff(&service, "admin").await?);
    let [author, reader] = service.anonymous()?.signup_many().await?;
    let post = author.say("something that is true").await?;
    let repost = reader.put(&format!("/v1/posts/{post}/repost")).await?.expect(200)?.json["id"].clone();
    // A claim about a repost is about the original.
    let id = file(&admin, repost.as_str().context("no id")?).await?;
    reader.get(&format!("/v1/posts/{post}")).await?.expect(404)?;
    decide(&admin, &id, "removed").await?.expect(201)?;
    let statement = author.get("/v1/me/statements?limit=1").await?.expect(200)?.items()[0].clone();
    ensure!(statement["statement"]["measure"] == "remove", "{statement}");
    let appeal = json!({"decision_id": statement["id"], "body": "사실입니다"});
    author.post("/v1/appeals", &appeal).await?.expect(201)?;
    ensure!(legal.get(CLAIMS).await?.text().contains("사실입니다"), "the objection is not listed");
    decide(&admin, &id, "restored").await?.refused(403, "another_person")?;
    decide(&legal, &id, "restored").await?.expect(201)?;
    reader.get(&format!("/v1/posts/{post}")).await?.expect(200)?;
    let own = author.get("/v1/me/appeals").await?.expect(200)?;
    ensure!(own.items()[0]["state"] == "overturned", "{}", own.text());
    decide(&legal, &id, "restored").await?.refused(409, "claim_decided")?;
    Ok(())
}

#[tokio::test]
async fn a_claim_that_runs_out_answers_the_objection_to_it() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let legal = staff(&service, "legal").await?;
    let author = service.anonymous()?.signup().await?;
    let post = author.say("waiting for thirty days").await?;
    file(&legal, &post).await?;
    let statement = author.get("/v1/me/statements?limit=1").await?.expect(200)?.items()[0]["id"].clone();
    let appeal = json!({"decision_id": statement, "body": "why?"});
    author.post("/v1/appeals", &appeal).await?.expect(201)?;
    sqlx::query("UPDATE legal_requests SET filed_at = now() - interval '31 days', deadline = now() - interval '1 day' WHERE post_id = $1")
        .bind(post.parse::<i64>()?)
        .execute(&service.sql().await?)
        .await?;
    until("the objection is answered", 15, async || {
        Ok(author.get("/v1/me/appeals").await?.expect(200)?.items()[0]["state"] == "overturned")
    })
    .await?;
    ensure!(state(&author, &post).await? == "visible");
    Ok(())
}
