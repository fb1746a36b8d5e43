//! The ambassador programme from outside: applying, the badge, and money from the statement to the bank's file.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use anyhow::{Context, Result, ensure};
use madang_tests::{Answer, Api, Service, Setup, Shared, all, schema};
use serde_json::{Value, json};
use sqlx::PgPool;

static SERVICE: Shared = Shared::new();

const MINE: &str = "/v1/me/ambassador";
const ALL: &str = "/v1/ambassadors";

fn application() -> Value {
    json!({"conflict_declaration": "없음 (none)", "motivation": "배당주를 오래 다뤄 왔습니다"})
}

/// Whoever meets every criterion: old enough, followed, disclosing, with twelve posts of last week.
async fn eligible(sql: &PgPool, person: &Api) -> Result<()> {
    let id: i64 = person.id.parse()?;
    sqlx::query(
        "UPDATE users SET created_at = now() - interval '400 days', follower_count = 500 WHERE id = $1",
    )
    .bind(id)
    .execute(sql)
    .await?;
    sqlx::query("INSERT INTO disclosures (user_id, holdings, amounts, consent_version, granted_at) VALUES ($1, false, false, 1, now())").bind(id).execute(sql).await?;
    posts(sql, id, "now() - interval '7 days'").await
}

async fn posts(sql: &PgPool, author: i64, at: &str) -> Result<()> {
    let insert = format!(
        "INSERT INTO posts (id, author_id, body, rank, author_followers, created_at)
         SELECT new_id({at}), $1, 'a post', 0, 0, {at} FROM generate_series(1, 12)"
    );
    sqlx::query(sqlx::AssertSqlSafe(insert)).bind(author).execute(sql).await?;
    Ok(())
}

async fn apply(person: &Api) -> Result<String> {
    let made = person.post(MINE, &application()).await?.expect(201)?;
    Ok(made.json["id"].as_str().context("no id")?.to_owned())
}

async fn decide(admin: &Api, id: &str, body: &Value) -> Result<Answer> {
    admin.post(&format!("{ALL}/applications/{id}/decision"), body).await
}

fn approval() -> Value {
    json!({"approve": true, "tier": "bronze", "reason": "꾸준합니다"})
}

async fn join(sql: &PgPool, person: &Api, admin: &Api) -> Result<()> {
    eligible(sql, person).await?;
    let id = apply(person).await?;
    decide(admin, &id, &approval()).await?.expect(200).map(drop)
}

/// As if they had been in since before last month, and had written in it. Returns that month.
async fn was_in_last_month(sql: &PgPool, person: &Api) -> Result<String> {
    let id: i64 = person.id.parse()?;
    let first = "date_trunc('month', now() AT TIME ZONE 'Asia/Seoul') - interval '1 month'";
    let update = format!(
        "UPDATE ambassadors SET since = now() - interval '100 days', next_review = ({first})::date WHERE user_id = $1"
    );
    sqlx::query(sqlx::AssertSqlSafe(update)).bind(id).execute(sql).await?;
    posts(sql, id, &format!("({first} + interval '2 days') AT TIME ZONE 'Asia/Seoul'")).await?;
    let month = format!("SELECT to_char({first}, 'YYYY-MM')");
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(month)).fetch_one(sql).await?)
}

async fn review(service: &Service, month: &str, admin: &Api) -> Result<String> {
    service.run_well(&["admin", "ambassadors", "review-month", month, "--as", &admin.handle]).await
}

async fn audited(admin: &Api, object: &str) -> Result<Vec<String>> {
    let log = admin.get(&format!("/v1/moderation/audit?object={object}&limit=100")).await?.expect(200)?;
    Ok(log.items().iter().map(|row| row["action"].as_str().unwrap_or_default().to_owned()).collect())
}

/// Whether somebody's badge shows.
async fn shown(viewer: &Api, person: &Api) -> Result<bool> {
    let ids = viewer.get(&format!("{ALL}?limit=100")).await?.expect(200)?;
    Ok(ids.items().iter().any(|one| one["handle"] == person.handle.as_str()))
}

#[tokio::test]
async fn an_application_says_what_is_missing_and_is_decided_by_another() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let sql = service.sql().await?;
    let admin = service.member(&service.anonymous()?, "admin").await?;
    let other = service.member(&service.anonymous()?, "admin").await?;
    let person = service.anonymous()?.signup().await?;
    let lacking = person.get(MINE).await?.expect(200)?.json;
    ensure!(lacking["eligible"] == false && lacking["membership"].is_null(), "{lacking}");
    let refused = person.post(MINE, &application()).await?.refused(409, "criteria_unmet")?;
    let named: Vec<&str> = refused.json["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["field"].as_str())
        .collect();
    ensure!(named == ["posts", "account_age", "followers", "disclosure"], "{named:?}");
    ensure!(
        refused.json["detail"].as_str().is_some_and(|words| words.contains("0 of 8")),
        "{}",
        refused.text()
    );
    eligible(&sql, &person).await?;
    ensure!(person.get(MINE).await?.json["eligible"] == true);
    let id = apply(&person).await?;
    person.post(MINE, &application()).await?.refused(409, "application_open")?;
    let open = admin.get(&format!("{ALL}/applications?status=open&limit=100")).await?.expect(200)?;
    let seen = open.items().iter().find(|one| one["id"] == id.as_str()).context("not listed")?;
    ensure!(
        seen["conflict_declaration"] == "없음 (none)" && seen["handle"] == person.handle.as_str(),
        "{seen}"
    );
    decide(&admin, &id, &json!({"approve": false, "reason": "아직 이릅니다"})).await?.expect(200)?;
    decide(&admin, &id, &approval()).await?.refused(409, "application_decided")?;
    person.post(MINE, &application()).await?.refused(409, "wait_after_refusal")?;
    let mine = person.get(MINE).await?.json;
    ensure!(mine["application"]["reason"] == "아직 이릅니다" && mine["apply_from"].is_string(), "{mine}");
    let told = person.get("/v1/notifications").await?.expect(200)?;
    let words = &told.items()[0]["words"];
    ensure!(
        words["ko"].as_str().is_some_and(|ko| ko.contains("아직 이릅니다")) && words["en"].is_string(),
        "{words}"
    );
    sqlx::query("UPDATE ambassador_applications SET decided_at = now() - interval '31 days' WHERE id = $1")
        .bind(id.parse::<i64>()?)
        .execute(&sql)
        .await?;
    let id = apply(&person).await?;
    decide(&admin, &id, &approval()).await?.expect(200)?;
    person.post(MINE, &application()).await?.refused(409, "already_ambassador")?;
    ensure!(shown(&service.anonymous()?, &person).await?);
    ensure!(
        audited(&admin, &format!("user:{}", person.id)).await?
            == ["ambassador.decided", "ambassador.decided"]
    );
    // An admin who applies is decided about by another.
    eligible(&sql, &admin).await?;
    let own = apply(&admin).await?;
    decide(&admin, &own, &approval()).await?.refused(403, "own_application")?;
    decide(&other, &own, &approval()).await?.expect(200)?;
    let removal = format!("{ALL}/members/{}/removal", admin.handle);
    admin.post(&removal, &json!({"reason": "x"})).await?.refused(403, "own_membership")?;
    other.post(&removal, &json!({"reason": "x"})).await?.expect(204)?;
    other.post(&removal, &json!({"reason": "x"})).await?.refused(404, "not_found")?;
    ensure!(!shown(&person, &admin).await?);
    Ok(())
}

#[tokio::test]
async fn the_badge_is_seen_only_while_it_holds_and_by_nobody_who_is_blocked() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let sql = service.sql().await?;
    let admin = service.member(&service.anonymous()?, "admin").await?;
    let [person, reader] = service.anonymous()?.signup_many().await?;
    join(&sql, &person, &admin).await?;
    ensure!(shown(&reader, &person).await?);
    let mine = person.get(MINE).await?.expect(200)?.json;
    ensure!(mine["membership"]["badge_shown"] == true && mine["membership"]["name_ko"] == "브론즈", "{mine}");
    reader.put(&format!("/v1/users/{}/block", person.handle)).await?.expect(204)?;
    ensure!(!shown(&reader, &person).await? && shown(&service.anonymous()?, &person).await?);
    reader.delete(&format!("/v1/users/{}/block", person.handle)).await?.expect(204)?;
    let sanctions = format!("/v1/moderation/users/{}/sanctions", person.handle);
    let limit = json!({"kind": "limit", "reason": "spam", "days": 3});
    let made = admin.post(&sanctions, &limit).await?.expect(201)?;
    ensure!(!shown(&reader, &person).await?, "limited, and shown");
    ensure!(person.get(MINE).await?.json["membership"]["paused_by"] == json!(["sanction"]));
    let id = made.json["id"].as_str().context("no id")?;
    admin.delete(&format!("{sanctions}/{id}")).await?.expect(204)?;
    ensure!(shown(&reader, &person).await?);
    sqlx::query("UPDATE disclosures SET revoked_at = now() WHERE user_id = $1")
        .bind(person.id.parse::<i64>()?)
        .execute(&sql)
        .await?;
    ensure!(!shown(&reader, &person).await?, "revoked, and shown");
    sqlx::query("UPDATE disclosures SET revoked_at = NULL WHERE user_id = $1")
        .bind(person.id.parse::<i64>()?)
        .execute(&sql)
        .await?;
    let declaration = format!("{MINE}/declaration");
    let declared = json!({"conflict_declaration": "삼성전자 10주, 고용주 없음"});
    let answer = person.send("PUT", &declaration, &[], &declared).await?.expect(200)?;
    ensure!(answer.json["version"] == 2);
    ensure!(reader.get(ALL).await?.text().contains("삼성전자 10주"));
    reader.send("PUT", &declaration, &[], &declared).await?.refused(409, "not_ambassador")?;
    person
        .send("PUT", &declaration, &[], &json!({"conflict_declaration": " "}))
        .await?
        .names("conflict_declaration")?;
    for _ in 0..2 {
        person.delete(MINE).await?.expect(204)?;
        ensure!(!shown(&reader, &person).await?);
    }
    let tier = format!("{ALL}/members/{}/tier", person.handle);
    admin.post(&tier, &json!({"tier": "gold", "reason": "x"})).await?.refused(404, "not_found")?;
    Ok(())
}

#[tokio::test]
async fn bad_input_is_refused_with_a_word() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let sql = service.sql().await?;
    let admin = service.member(&service.anonymous()?, "admin").await?;
    let person = service.anonymous()?.signup().await?;
    eligible(&sql, &person).await?;
    for (field, value) in [
        ("conflict_declaration", json!("")),
        ("conflict_declaration", json!("  \n")),
        ("conflict_declaration", json!("긴".repeat(2001))),
        ("conflict_declaration", Value::Null),
        ("motivation", json!("")),
        ("motivation", json!("긴".repeat(2001))),
    ] {
        let mut body = application();
        body[field] = value;
        person.post(MINE, &body).await?.names(field)?;
    }
    let id = apply(&person).await?;
    for (body, field) in [
        (json!({"approve": true, "reason": "x"}), "tier"),
        (json!({"approve": true, "tier": "platinum", "reason": "x"}), "tier"),
        (json!({"approve": false, "tier": "gold", "reason": "x"}), "tier"),
        (json!({"approve": false, "reason": ""}), "reason"),
        (json!({"approve": "yes", "reason": "x"}), "approve"),
    ] {
        decide(&admin, &id, &body).await?.names(field)?;
    }
    // Five hundred followers are not a thousand.
    let silver = json!({"approve": true, "tier": "silver", "reason": "x"});
    decide(&admin, &id, &silver).await?.refused(409, "criteria_unmet")?;
    decide(&admin, "77", &approval()).await?.refused(404, "not_found")?;
    decide(&person, &id, &approval()).await?.refused(403, "wrong_role")?;
    admin.get(&format!("{ALL}/applications?status=lost")).await?.names("status")?;
    for month in ["2026-13", "x", "2026-1", "2999-12"] {
        admin.get(&format!("{ALL}/payouts?month={month}")).await?.names("month")?;
        admin.get(&format!("{ALL}/statements?month={month}")).await?.names("month")?;
        admin.post(&format!("{ALL}/payruns"), &json!({"month": month})).await?.names("month")?;
    }
    admin.get(&format!("{ALL}/payouts?state=lost")).await?.names("state")?;
    admin
        .post(&format!("{ALL}/payruns"), &json!({"month": "2020-01"}))
        .await?
        .refused(409, "nothing_to_pay")?;
    admin.post(&format!("{ALL}/payouts/77/approve"), &json!({})).await?.refused(404, "not_found")?;
    admin.get(&format!("{ALL}/payruns/77.csv")).await?.refused(404, "not_found")?;
    let terms = admin.get(&format!("{ALL}/settings")).await?.expect(200)?.json;
    for (field, won) in [
        ("settings.tiers[0].monthly_krw", json!("9".repeat(30))),
        ("settings.tiers[0].monthly_krw", json!("100000001")),
        ("settings.tiers[0].monthly_krw", json!("0.5")),
        ("settings.tiers[0].monthly_krw", json!(50_000)),
    ] {
        let mut settings = terms["settings"].clone();
        settings["tiers"][0]["monthly_krw"] = won;
        let body = json!({"version": terms["version"], "settings": settings, "why": "x"});
        admin.send("PUT", &format!("{ALL}/settings"), &[], &body).await?.names(field)?;
    }
    let mut settings = terms["settings"].clone();
    settings["clean_days"] = json!(91);
    let body = json!({"version": terms["version"], "settings": settings, "why": "더 엄격하게"});
    admin.send("PUT", &format!("{ALL}/settings"), &[], &body).await?.expect(200)?;
    admin.send("PUT", &format!("{ALL}/settings"), &[], &body).await?.refused(409, "settings_changed")?;
    ensure!(
        audited(&admin, "ambassador_settings").await?.contains(&"ambassador_settings.changed".to_owned())
    );
    Ok(())
}

#[tokio::test]
async fn money_goes_from_the_statement_to_the_bank_once_whoever_asks_at_once() -> Result<()> {
    let service = Setup::new().start().await?;
    let sql = service.sql().await?;
    let nobody = service.anonymous()?;
    let (admin, other) = (service.member(&nobody, "admin").await?, service.member(&nobody, "admin").await?);
    let people: [Api; 20] = nobody.signup_many().await?;
    let mut month = String::new();
    for person in &people {
        join(&sql, person, &admin).await?;
        month = was_in_last_month(&sql, person).await?;
    }
    join(&sql, &other, &admin).await?;
    was_in_last_month(&sql, &other).await?;
    sqlx::query("UPDATE users SET name = '=HYPERLINK(1)' WHERE id = $1")
        .bind(people[0].id.parse::<i64>()?)
        .execute(&sql)
        .await?;
    let printed = review(&service, &month, &admin).await?;
    ensure!(printed.contains("21 months of ambassadors reviewed"), "{printed}");
    ensure!(review(&service, &month, &admin).await?.contains("0 months of ambassadors reviewed"));
    let mine = people[0].get(&format!("{MINE}/statements")).await?.expect(200)?;
    let statement = &mine.items()[0];
    ensure!(
        statement["met"] == true && statement["amount"] == "50000" && statement["payout_state"] == "accrued",
        "{statement}"
    );
    let payouts = format!("{ALL}/payouts");
    let listed = admin.get(&format!("{payouts}?month={month}&state=accrued&limit=100")).await?.expect(200)?;
    ensure!(listed.items().len() == 21, "{}", listed.items().len());
    ensure!(admin.all_ids(&format!("{payouts}?month={month}&limit=4")).await?.len() == 21);
    let own =
        listed.items().iter().find(|one| one["handle"] == other.handle.as_str()).context("no own payout")?;
    let own = own["id"].as_str().context("no id")?;
    other.post(&format!("{payouts}/{own}/approve"), &json!({})).await?.refused(403, "own_payout")?;
    // Twenty rounds of eight at once: one approval each.
    for id in listed.ids().iter().filter(|id| *id != own) {
        let path = format!("{payouts}/{id}/approve");
        let answers = eight([&admin, &other], &path, &json!({})).await?;
        ensure!(once(&answers, 200, "payout_state")?, "{id}");
    }
    let accrual = json!({"what": "accrual", "reason": "잘못 적립"});
    let answers = eight([&admin, &admin], &format!("{payouts}/{own}/reverse"), &accrual).await?;
    ensure!(once(&answers, 200, "payout_state")?);
    admin.post(&format!("{payouts}/{own}/approve"), &json!({})).await?.refused(409, "payout_state")?;
    let runs = format!("{ALL}/payruns");
    let answers = eight([&admin, &other], &runs, &json!({"month": month})).await?;
    ensure!(once(&answers, 201, "nothing_to_pay")?);
    let made = answers.iter().find(|answer| answer.status == 201).context("no run")?;
    ensure!(made.json["run"]["payments"] == 20 && made.json["run"]["total"] == "1000000", "{}", made.text());
    let run = made.json["run"]["id"].as_str().context("no id")?;
    let file = admin.get(&format!("{runs}/{run}.csv")).await?.expect(200)?;
    ensure!(file.header("content-type").starts_with("text/csv") && file.body.starts_with(b"\xEF\xBB\xBF"));
    ensure!(
        file.text().matches("\r\n").count() == 21 && file.text().contains("\"'=HYPERLINK(1)\""),
        "{}",
        file.text()
    );
    let paid = made.json["rows"][0]["payout_id"].as_str().context("no payout")?;
    let bounced = json!({"what": "payment", "reason": "계좌 오류"});
    let payee = people.iter().find(|one| one.id == made.json["rows"][0]["user_id"]).context("no payee")?;
    let answers = eight([&admin, &other], &format!("{payouts}/{paid}/reverse"), &bounced).await?;
    ensure!(once(&answers, 200, "payout_state")?);
    let told = payee.get("/v1/notifications").await?.expect(200)?;
    ensure!(
        told.items()[0]["words"]["ko"].as_str().is_some_and(|ko| ko.contains("계좌 오류")),
        "{}",
        told.text()
    );
    let again = admin.post(&runs, &json!({"month": month})).await?.expect(201)?;
    ensure!(
        again.json["run"]["payments"] == 1
            && again.json["rows"][0]["reference"] != made.json["rows"][0]["reference"]
    );
    ensure!(admin.get(&runs).await?.expect(200)?.items().len() == 2);
    let checked = service.run_well(&["admin", "ambassadors", "check"]).await?;
    let last = checked.lines().last().unwrap_or_default();
    ensure!(
        last.ends_with("cash -1000000, sum 0, 0 differences") && last.starts_with("21 payouts"),
        "{checked}"
    );
    let log = audited(&admin, &format!("payout:{paid}")).await?;
    ensure!(log == ["ambassador_payout.reversed", "ambassador_payout.approved"], "{log:?}");
    service.run_well(&["admin", "audit", "verify"]).await?;
    println!("trials: 23 rounds of 8 requests at once, one effect in each; {last}");
    Ok(())
}

/// A good answer is what the document says of that operation.
fn fits(document: &Value, answer: &Answer, path: &str, method: &str) -> Result<()> {
    let content = &document["paths"][path][method]["responses"][answer.status.to_string()]["content"];
    let schema = &content["application/json"]["schema"];
    ensure!(!schema.is_null(), "{method} {path}: {} is not documented", answer.status);
    schema::check(document, schema, &answer.json, path)
}

#[tokio::test]
async fn what_admins_and_ambassadors_read_is_what_the_document_says() -> Result<()> {
    let service = Setup::new().start().await?;
    let sql = service.sql().await?;
    let admin = service.member(&service.anonymous()?, "admin").await?;
    let [person, waiting] = service.anonymous()?.signup_many().await?;
    let document = admin.get("/openapi.json").await?.expect(200)?.json;
    join(&sql, &person, &admin).await?;
    eligible(&sql, &waiting).await?;
    apply(&waiting).await?;
    let month = was_in_last_month(&sql, &person).await?;
    review(&service, &month, &admin).await?;
    let payouts = admin.get(&format!("{ALL}/payouts")).await?.expect(200)?;
    let payout = payouts.ids().pop().context("no payout")?;
    let approve = format!("{ALL}/payouts/{payout}/approve");
    fits(
        &document,
        &admin.post(&approve, &json!({})).await?,
        "/v1/ambassadors/payouts/{id}/approve",
        "post",
    )?;
    let made = admin.post(&format!("{ALL}/payruns"), &json!({"month": month})).await?.expect(201)?;
    fits(&document, &made, "/v1/ambassadors/payruns", "post")?;
    for (who, path) in [
        (&admin, "/v1/ambassadors/payouts"),
        (&admin, "/v1/ambassadors/payruns"),
        (&admin, "/v1/ambassadors/settings"),
        (&admin, "/v1/ambassadors/statements"),
        (&admin, "/v1/ambassadors/applications"),
        (&admin, "/v1/ambassadors"),
        (&person, "/v1/me/ambassador"),
        (&person, "/v1/me/ambassador/statements"),
        (&waiting, "/v1/me/ambassador"),
        (&person, "/v1/notifications"),
    ] {
        let answer = who.get(path).await?.expect(200)?;
        ensure!(answer.json["items"].as_array().is_none_or(|items| !items.is_empty()), "{path} is empty");
        fits(&document, &answer, path, "get")?;
    }
    println!("trials: 12 answers");
    Ok(())
}

/// The same request eight times at once, by two people in turn.
async fn eight([one, two]: [&Api; 2], path: &str, body: &Value) -> Result<Vec<Answer>> {
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let (api, path, body) =
                (if n % 2 == 0 { one.clone() } else { two.clone() }, path.to_owned(), body.clone());
            async move { api.post(&path, &body).await }
        })
        .collect();
    all(tasks).await
}

/// Whether one was done and all others were refused for that reason.
fn once(answers: &[Answer], status: u16, code: &str) -> Result<bool> {
    for answer in answers.iter().filter(|answer| answer.status != status) {
        answer.clone().refused(409, code)?;
    }
    Ok(answers.iter().filter(|answer| answer.status == status).count() == 1)
}

#[tokio::test]
async fn an_operator_runs_the_month_from_the_command_line() -> Result<()> {
    let service = Setup::new().start().await?;
    let sql = service.sql().await?;
    let admin = service.member(&service.anonymous()?, "admin").await?;
    let [person, refused] = service.anonymous()?.signup_many().await?;
    let run = async |args: &[&str]| service.run_well(&[&["admin", "ambassadors"], args].concat()).await;
    let fails = async |args: &[&str]| -> Result<String> {
        let output = service.run(&[&["admin", "ambassadors"], args].concat()).await?;
        ensure!(!output.status.success(), "{args:?} succeeded");
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for one in [&person, &refused] {
        eligible(&sql, one).await?;
    }
    let (id, other) = (apply(&person).await?, apply(&refused).await?);
    let by = ["--as", admin.handle.as_str()];
    ensure!(run(&["applications"]).await?.contains("2 applications open"));
    ensure!(
        fails(&["approve", &id, "--tier", "bronze", "--reason", "ok", "--as", &person.handle])
            .await?
            .contains("no admin")
    );
    ensure!(
        fails(&[&["approve", &id, "--tier", "tin", "--reason", "ok"], &by[..]].concat())
            .await?
            .contains("bronze, silver, gold")
    );
    run(&[&["approve", &id, "--tier", "bronze", "--reason", "ok"], &by[..]].concat()).await?;
    ensure!(
        fails(&[&["approve", &id, "--tier", "bronze", "--reason", "ok"], &by[..]].concat())
            .await?
            .contains("approved")
    );
    run(&[&["reject", &other, "--reason", "not yet"], &by[..]].concat()).await?;
    ensure!(run(&["list"]).await?.ends_with("1 ambassadors show their badge\n"));
    let month = was_in_last_month(&sql, &person).await?;
    ensure!(fails(&[&["review-month", "2999-01"], &by[..]].concat()).await?.contains("is not over"));
    fails(&[&["review-month", "2026-13"], &by[..]].concat()).await?;
    review(&service, &month, &admin).await?;
    ensure!(run(&["payouts", &month]).await?.ends_with("1 accrued, 0 approved, 0 paid, 0 reversed\n"));
    let file = std::env::temp_dir().join(format!("madang-test-{}-{}.csv", admin.handle, person.id));
    let path = file.to_str().context("a path")?;
    fails(&[&["pay", &month, "--csv", path], &by[..]].concat()).await?;
    ensure!(!file.exists(), "a file without a run");
    ensure!(run(&[&["approve-payouts", &month], &by[..]].concat()).await?.starts_with("1 payouts"));
    ensure!(run(&[&["approve-payouts", &month], &by[..]].concat()).await?.starts_with("0 payouts"));
    let paid = run(&[&["pay", &month, "--csv", path], &by[..]].concat()).await?;
    ensure!(paid.contains("1 payments, 50000 won"), "{paid}");
    let written = std::fs::read(&file)?;
    std::fs::remove_file(&file)?;
    ensure!(written.starts_with(b"\xEF\xBB\xBF\"reference\""), "{}", String::from_utf8_lossy(&written));
    let id = paid.split_whitespace().nth(2).context("no run")?;
    run(&["export", id, "--csv", path]).await?;
    ensure!(std::fs::read(&file)? == written, "the second export differs");
    std::fs::remove_file(&file)?;
    ensure!(run(&["check"]).await?.ends_with("sum 0, 0 differences\n"));
    // Whoever leaves the community leaves the programme; what is in the books stays.
    person.send("DELETE", "/v1/me", &[], &json!({"handle": person.handle})).await?.expect(204)?;
    ensure!(
        run(&["list"]).await?.starts_with("0 ambassadors")
            && run(&["check"]).await?.starts_with("0 entries do not")
    );
    let left: (i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM ambassador_declarations WHERE user_id = $1),
                (SELECT count(*) FROM ambassador_statements WHERE user_id = $1)",
    )
    .bind(person.id.parse::<i64>()?)
    .fetch_one(&sql)
    .await?;
    ensure!(left == (0, 1), "{left:?}");
    Ok(())
}
