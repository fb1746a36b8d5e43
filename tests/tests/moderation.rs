//! Reports and what they do: a post with many independent reports disappears from every surface by itself,
//! a handful of linked accounts moves nothing, moderators decide once, and all of it is on record.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use madang_tests::{Answer, Api, Service, Setup, Shared, all, schema, until};
use serde_json::{Value, json};

static SERVICE: Shared = Shared::new();

/// Each person comes from an address of their own, which the proxy names.
fn setup() -> Setup {
    Setup::new().with("TRUSTED_PROXIES", "127.0.0.1/32").with("SNAPSHOT_REUSE_MS", "0")
}

/// People whose word counts: checked, and here for two months.
async fn grown(service: &Service, count: usize) -> Result<Vec<Api>> {
    let nobody = service.anonymous()?;
    let people = all((0..count).map(|_| {
        let nobody = nobody.clone();
        async move { nobody.signup().await }
    }))
    .await?;
    let ids: Vec<i64> = people.iter().map(|person| person.id.parse()).collect::<Result<_, _>>()?;
    sqlx::query(
        "UPDATE users SET verified = true, created_at = now() - interval '60 days' WHERE id = ANY($1)",
    )
    .bind(&ids)
    .execute(&service.sql().await?)
    .await?;
    Ok(people)
}

/// An address of a network that nobody used yet.
fn network() -> String {
    static USED: AtomicUsize = AtomicUsize::new(0);
    let n = USED.fetch_add(1, Ordering::Relaxed);
    format!("10.{}.{}.9", n / 256, n % 256)
}

/// What a reader needs for a report: the token of a page that showed them the post.
async fn seen(reader: &Api, post: &str) -> Result<String> {
    let page = reader.get(&format!("/v1/posts/{post}")).await?.expect(200)?;
    Ok(page.header("x-view-token").to_owned())
}

async fn send_report(reader: &Api, post: &str, address: &str, body: &Value) -> Result<Answer> {
    reader.send("POST", &format!("/v1/posts/{post}/reports"), &[("x-forwarded-for", address)], body).await
}

/// Reports as soon as the reader has had the post before their eyes for two seconds.
async fn report(reader: &Api, post: &str, token: &str, address: &str, category: &str) -> Result<()> {
    let body = json!({"category": category, "note": "리딩방 홍보입니다", "view_token": token});
    until("the report is taken", 10, async || {
        let answer = send_report(reader, post, address, &body).await?;
        let too_fresh = answer.status == 422 && answer.text().contains("too fresh");
        ensure!(too_fresh || answer.status == 201, "{} {}", answer.status, answer.text());
        Ok(answer.status == 201)
    })
    .await
}

/// Everybody reads the post and reports it, each from another network.
async fn report_all(readers: &[Api], post: &str, category: &'static str) -> Result<()> {
    let mut reading = Vec::new();
    for reader in readers {
        reading.push((reader, seen(reader, post).await?, network()));
    }
    let Some((last, token, address)) = reading.pop() else { return Ok(()) };
    // When the last one's token is old enough, all are.
    report(last, post, &token, &address, category).await?;
    let tasks: Vec<_> = reading
        .into_iter()
        .map(|(reader, token, address)| {
            let (reader, post) = (reader.clone(), post.to_owned());
            let body = json!({"category": category, "view_token": token});
            async move { send_report(&reader, &post, &address, &body).await?.expect(201) }
        })
        .collect();
    all(tasks).await.map(drop)
}

async fn state(service: &Service, post: &str) -> Result<i16> {
    let sql = service.sql().await?;
    let (state, verdict): (i16, Option<Value>) = sqlx::query_as(
        "SELECT p.moderation_state, c.verdict FROM posts p LEFT JOIN mod_cases c ON c.post_id = p.id
         WHERE p.id = $1 ORDER BY c.id DESC LIMIT 1",
    )
    .bind(post.parse::<i64>()?)
    .fetch_one(&sql)
    .await?;
    // Shown with a failing test only.
    println!("state {state}: {}", verdict.unwrap_or_default());
    Ok(state)
}

/// Where a post may stand.
fn surfaces(author: &Api, post: &str, quote: &str) -> Vec<(String, bool)> {
    let on = |path: String, limited: bool| (path, limited);
    vec![
        on("/v1/timeline?order=top&limit=100".into(), false),
        on("/v1/timeline?order=latest&limit=100".into(), false),
        on("/v1/tickers/AAPL/posts?order=top&limit=100".into(), false),
        on("/v1/tickers/AAPL/posts?order=latest&limit=100".into(), false),
        on("/v1/watchlist/posts?limit=100".into(), false),
        on("/v1/trending/posts?limit=100".into(), false),
        on("/v1/me/bookmarks?limit=100".into(), false),
        on(format!("/v1/posts/{quote}"), false),
        // A limited post stays on its own page and on its author's.
        on(format!("/v1/users/{}/posts?limit=100", author.handle), true),
        on(format!("/v1/posts/{post}"), true),
    ]
}

#[tokio::test]
async fn a_reported_post_is_limited_then_blocked_and_leaves_every_surface_at_once() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [author, reader] = service.anonymous()?.signup_many().await?;
    let words = "이 종목은 곧 두 배가 됩니다";
    let post = author.publish(json!({"body": format!("{words} $AAPL")})).await?;
    let quote = reader.publish(json!({"body": "what do you think", "quote_of": post})).await?;
    reader.follow(&author).await?;
    reader.put("/v1/tickers/AAPL/watch").await?.expect(204)?;
    reader.put(&format!("/v1/posts/{post}/bookmark")).await?.expect(204)?;
    service.settle().await?;
    let shows = async |path: &str| -> Result<bool> { Ok(reader.get(path).await?.text().contains(words)) };
    for (path, _) in surfaces(&author, &post, &quote) {
        ensure!(shows(&path).await?, "{path} does not show it before");
    }
    let token = seen(&reader, &post).await?;
    // Newcomers of two months weigh 0.5 each; a new author's threshold is 3.2, twice that blocks.
    let reporters = grown(&service, 14).await?;
    report_all(reporters.get(..6).context("six")?, &post, "leading_room").await?;
    ensure!(state(&service, &post).await? == 0, "six reports weigh 3.0");
    report_all(reporters.get(6..7).context("one")?, &post, "leading_room").await?;
    ensure!(state(&service, &post).await? == 1, "seven reports weigh 3.5: limited");
    for (path, limited) in surfaces(&author, &post, &quote) {
        ensure!(shows(&path).await? == limited, "{path} of a limited post");
    }
    report_all(reporters.get(7..).context("seven")?, &post, "leading_room").await?;
    ensure!(state(&service, &post).await? == 2, "fourteen weigh 7.0: blocked");
    for (path, _) in surfaces(&author, &post, &quote) {
        ensure!(!shows(&path).await?, "{path} shows a blocked post");
    }
    reader.get(&format!("/v1/posts/{post}")).await?.expect(404)?;
    let late = json!({"category": "leading_room", "view_token": token});
    send_report(&reader, &post, &network(), &late).await?.expect(201)?;
    ensure!(author.get(&format!("/v1/posts/{post}")).await?.expect(200)?.json["state"] == "auto_blocked");
    let statements = author.get("/v1/me/statements").await?.expect(200)?;
    let kinds: Vec<&Value> = statements.items().iter().map(|item| &item["statement"]["measure"]).collect();
    ensure!(kinds == ["block", "limit"], "{kinds:?}");
    let told = &statements.items()[0]["statement"];
    ensure!(told["automated_decision"] == true && told["automated_detection"] == false, "{told}");
    // What is blocked as a scam ends by a person, not by the time, and its author is told no end.
    ensure!(told["until"].is_null() && statements.items()[0]["expires_at"].is_null(), "{told}");
    ensure!(told["facts"]["reported_by_others"] == true && told["text"]["ko"].is_string(), "{told}");
    Ok(())
}

#[tokio::test]
async fn accounts_that_share_a_network_count_as_one() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let author = service.anonymous()?.signup().await?;
    let post = author.say("an honest opinion").await?;
    let ring = grown(&service, 20).await?;
    let mut tokens = Vec::new();
    for member in &ring {
        tokens.push(seen(member, &post).await?);
    }
    for (n, (member, token)) in ring.iter().zip(&tokens).enumerate() {
        report(member, &post, token, &format!("198.51.100.{n}"), "abuse").await?;
    }
    ensure!(state(&service, &post).await? == 0, "twenty accounts of one network hid a post");
    let moderator = service.member(&service.anonymous()?, "moderator").await?;
    let queue = moderator.get("/v1/moderation/cases?limit=100").await?.expect(200)?;
    let case = queue.items().iter().find(|case| case["post_id"] == post.as_str()).context("no case")?;
    ensure!(case["brigade"] == true && case["distinct_clusters"] == 1, "{case}");
    let path = format!("/v1/moderation/cases/{}", case["id"].as_str().context("no id")?);
    let case = moderator.get(&path).await?.expect(200)?.json;
    ensure!(case["verdict"]["plain"]["outcome"] == "block", "a plain count would have: {}", case["verdict"]);
    ensure!(case["reports"].as_array().is_some_and(|reports| reports.len() == 20));
    Ok(())
}

#[tokio::test]
async fn a_bad_report_is_refused_with_a_word_and_changes_nothing() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [author, reader, other] = service.anonymous()?.signup_many().await?;
    let post = author.say("something").await?;
    let (token, foreign) = (seen(&reader, &post).await?, seen(&other, &post).await?);
    let with = |category: &str, note: &str, token: &str| json!({"category": category, "note": note, "view_token": token});
    let send = async |who: &Api, post: &str, body: &Value| send_report(who, post, "192.0.2.1", body).await;
    send(&reader, &post, &with("ugly", "", &token)).await?.names("category")?;
    send(&reader, &post, &with("spam", &"긴".repeat(501), &token)).await?.names("note")?;
    for wrong in ["", "x", foreign.as_str()] {
        send(&reader, &post, &with("spam", "", wrong)).await?.names("view_token")?;
    }
    send(&reader, &post, &json!({"category": "spam"})).await?.names("view_token")?;
    let another = author.say("something else").await?;
    send(&reader, &another, &with("spam", "", &token)).await?.names("view_token")?;
    send(&reader, "123", &with("spam", "", &token)).await?.refused(404, "not_found")?;
    service.anonymous()?.post(&format!("/v1/posts/{post}/reports"), &json!({})).await?.expect(401)?;
    let own = seen(&author, &post).await?;
    until("one's own post cannot be reported", 10, async || {
        let answer = send(&author, &post, &with("spam", "", &own)).await?;
        Ok(answer.status == 409 && answer.json["code"] == "own_post")
    })
    .await?;
    report(&reader, &post, &token, "192.0.2.1", "spam").await?;
    send(&reader, &post, &with("spam", "", &token)).await?.refused(409, "already_reported")?;
    let path = format!("/v1/posts/{post}/reports");
    other.delete(&path).await?.refused(404, "not_found")?;
    reader.delete(&path).await?.expect(204)?;
    reader.delete(&path).await?.expect(204)?;
    let mine = reader.get("/v1/me/reports").await?.expect(200)?;
    ensure!(mine.items().len() == 1 && mine.items()[0]["status"] == "withdrawn", "{}", mine.text());
    // Who is blocked does not learn that there is a post, shown or not.
    let shown = seen(&other, &another).await?;
    author.put(&format!("/v1/users/{}/block", other.handle)).await?.expect(204)?;
    let foreign = send(&other, &another, &with("spam", "", &shown)).await?;
    ensure!(foreign.status == 404, "a post of one who blocked the reporter: {}", foreign.status);
    author.delete(&format!("/v1/posts/{another}")).await?.expect(204)?;
    let gone = send(&reader, &another, &with("spam", "", &token)).await?;
    ensure!(gone.status == 404, "a deleted post: {}", gone.status);
    Ok(())
}

#[tokio::test]
async fn the_sixth_report_of_a_new_account_waits_for_the_next_day() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [author, reader] = service.anonymous()?.signup_many().await?;
    let mut posts = Vec::new();
    for n in 0..6 {
        let post = author.say(&format!("post {n}")).await?;
        let token = seen(&reader, &post).await?;
        posts.push((post, token));
    }
    let (last, others) = posts.split_last().context("posts")?;
    for (post, token) in others {
        report(&reader, post, token, "192.0.2.7", "other").await?;
    }
    let (post, token) = last;
    let body = json!({"category": "other", "view_token": token});
    until("the sixth is refused", 10, async || {
        let answer = send_report(&reader, post, "192.0.2.7", &body).await?;
        Ok(answer.status == 429
            && answer.json["code"] == "report_budget"
            && !answer.header("retry-after").is_empty())
    })
    .await
}

#[tokio::test]
async fn the_twenty_first_report_of_a_day_waits_for_the_next() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let author = service.anonymous()?.signup().await?;
    let reader = grown(&service, 1).await?.pop().context("a reader")?;
    let mut posts = Vec::new();
    for n in 0..21 {
        let post = author.say(&format!("post {n}")).await?;
        posts.push((seen(&reader, &post).await?, post));
    }
    let (last, others) = posts.split_last().context("posts")?;
    for (token, post) in others {
        report(&reader, post, token, "192.0.2.8", "other").await?;
    }
    let (token, post) = last;
    let body = json!({"category": "other", "view_token": token});
    until("the twenty-first is refused", 10, async || {
        let answer = send_report(&reader, post, "192.0.2.8", &body).await?;
        Ok(answer.status == 429 && !answer.header("retry-after").is_empty())
    })
    .await
}

struct Desk {
    author: Api,
    reporters: Vec<Api>,
    post: String,
    case: String,
    moderator: Api,
    other: Api,
}

async fn desk(service: &Service, reporters: usize) -> Result<Desk> {
    let author = service.anonymous()?.signup().await?;
    let post = author.say("a disputed post").await?;
    let reporters = grown(service, reporters).await?;
    report_all(&reporters, &post, "abuse").await?;
    let nobody = service.anonymous()?;
    let (moderator, other) =
        (service.member(&nobody, "moderator").await?, service.member(&nobody, "moderator").await?);
    let case: i64 = sqlx::query_scalar("SELECT id FROM mod_cases WHERE post_id = $1")
        .bind(post.parse::<i64>()?)
        .fetch_one(&service.sql().await?)
        .await?;
    Ok(Desk { author, reporters, post, case: case.to_string(), moderator, other })
}

impl Desk {
    fn path(&self, end: &str) -> String {
        format!("/v1/moderation/cases/{}{end}", self.case)
    }

    async fn version(&self) -> Result<i64> {
        let case = self.moderator.get(&self.path("")).await?.expect(200)?.json;
        case["version"].as_i64().context("no version")
    }

    async fn decide(&self, who: &Api, measure: &str, version: i64) -> Result<Answer> {
        let body =
            json!({"measure": measure, "reason": "abuse", "terms_clause": "제12조", "version": version});
        who.post(&self.path("/decisions"), &body).await
    }
}

#[tokio::test]
async fn a_kept_post_comes_back_everywhere_and_its_reporters_weigh_less() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let desk = desk(&service, 8).await?;
    ensure!(state(&service, &desk.post).await? == 1, "eight reports limit");
    desk.moderator.post(&desk.path("/claim"), &json!({})).await?.expect(200)?;
    desk.other.post(&desk.path("/claim"), &json!({})).await?.refused(409, "case_claimed")?;
    desk.decide(&desk.other, "keep", desk.version().await?).await?.refused(409, "case_claimed")?;
    desk.decide(&desk.moderator, "keep", 0).await?.refused(409, "case_changed")?;
    desk.decide(&desk.moderator, "block", desk.version().await?).await?.names("measure")?;
    desk.decide(&desk.moderator, "keep", desk.version().await?).await?.expect(201)?;
    let decided = desk.decide(&desk.other, "remove", desk.version().await?).await?;
    ensure!(decided.refused(409, "case_decided")?.text().contains(&desk.moderator.id), "who decided is told");
    ensure!(state(&service, &desk.post).await? == 0);
    service.settle().await?;
    let home = desk.author.ids("/v1/timeline?limit=100").await?;
    ensure!(home.contains(&desk.post), "a kept post is not back");
    let reporter = desk.reporters.first().context("a reporter")?;
    let mine = reporter.get("/v1/me/reports").await?.expect(200)?;
    ensure!(mine.items()[0]["status"] == "disagreed", "{}", mine.text());
    let disagreed: f64 = sqlx::query_scalar("SELECT disagreed FROM reporter_stats WHERE user_id = $1")
        .bind(reporter.id.parse::<i64>()?)
        .fetch_one(&service.sql().await?)
        .await?;
    ensure!((disagreed - 1.0).abs() < 1e-9, "{disagreed}");
    Ok(())
}

#[tokio::test]
async fn of_many_moderators_who_decide_at_once_one_does() -> Result<()> {
    const TRIALS: usize = 5;
    let service = SERVICE.get(setup).await?;
    for trial in 0..TRIALS {
        let desk = desk(&service, 3).await?;
        let version = desk.version().await?;
        let mut panel = vec![desk.moderator.clone(), desk.other.clone()];
        for _ in 0..6 {
            panel.push(service.member(&service.anonymous()?, "moderator").await?);
        }
        let desk = std::sync::Arc::new(desk);
        let answers = all(panel.into_iter().enumerate().map(|(n, moderator)| {
            let desk = desk.clone();
            let measure = if n % 2 == 0 { "keep" } else { "remove" };
            async move { desk.decide(&moderator, measure, version).await }
        }))
        .await?;
        let taken = answers.iter().filter(|answer| answer.status == 201).count();
        let late = answers.iter().filter(|answer| answer.json["code"] == "case_decided").count();
        ensure!(taken == 1 && late == 7, "trial {trial}: {taken} decided, {late} were late");
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM mod_decisions WHERE case_id = $1")
            .bind(desk.case.parse::<i64>()?)
            .fetch_one(&service.sql().await?)
            .await?;
        ensure!(rows == 1, "trial {trial}: {rows} decisions");
    }
    println!("{TRIALS} trials of 8 moderators");
    Ok(())
}

#[tokio::test]
async fn nobody_decides_about_their_own_post_or_report() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let desk = desk(&service, 2).await?;
    let sql = service.sql().await?;
    let promote = async |who: &Api| {
        sqlx::query("UPDATE users SET role = 'moderator' WHERE id = $1")
            .bind(who.id.parse::<i64>()?)
            .execute(&sql)
            .await?;
        // A new login, since the old one is held with its role.
        let body = json!({"handle": who.handle, "password": madang_tests::PASSWORD});
        let login = service.anonymous()?.post("/v1/auth/login", &body).await?;
        let token = login.json["token"].as_str().map(str::to_owned);
        anyhow::Ok(token.map(|token| who.with_token(&who.handle, &token)))
    };
    let reporter = desk.reporters.first().context("a reporter")?;
    for (who, code) in [(&desk.author, "own_post"), (reporter, "own_report")] {
        let Some(who) = promote(who).await? else { anyhow::bail!("no login") };
        desk.decide(&who, "keep", desk.version().await?).await?.refused(403, code)?;
    }
    for actor in [&desk.author, reporter] {
        let forced = sqlx::query(
            "INSERT INTO mod_decisions (case_id, post_id, author_id, kind, actor_kind, actor_id, reason_code, automated,
                                        statement, previous_state, new_state, revision)
             SELECT $1, p.id, p.author_id, 'keep', 'moderator', $2, 'abuse', false, '{}', 0, 0, 0 FROM posts p WHERE p.id = $3",
        )
        .bind(desk.case.parse::<i64>()?)
        .bind(actor.id.parse::<i64>()?)
        .bind(desk.post.parse::<i64>()?)
        .execute(&sql)
        .await;
        ensure!(forced.is_err(), "the database took a decision of {}", actor.handle);
    }
    Ok(())
}

#[tokio::test]
async fn nothing_that_an_author_or_a_stranger_can_read_names_a_reporter() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let desk = desk(&service, 15).await?;
    ensure!(state(&service, &desk.post).await? == 2, "fifteen reports block");
    let stranger = service.anonymous()?.signup().await?;
    let paths = [
        "/v1/me".to_owned(),
        "/v1/me/statements".to_owned(),
        "/v1/me/reports".to_owned(),
        "/v1/timeline".to_owned(),
        format!("/v1/posts/{}", desk.post),
        format!("/v1/posts/{}/replies", desk.post),
        format!("/v1/posts/{}/revisions", desk.post),
        format!("/v1/users/{}", desk.author.handle),
        format!("/v1/users/{}/posts", desk.author.handle),
        desk.path(""),
        "/v1/moderation/audit".to_owned(),
    ];
    let mut read = 0;
    for who in [&desk.author, &stranger] {
        for path in &paths {
            let text = who.get(path).await?.text();
            for reporter in &desk.reporters {
                ensure!(!text.contains(&reporter.id) && !text.contains(&reporter.handle), "{path}: {text}");
            }
            read += 1;
        }
        let export = who.get("/v1/me/export").await?.expect(200)?;
        for reporter in &desk.reporters {
            let name = reporter.handle.as_bytes();
            ensure!(!export.body.windows(name.len()).any(|part| part == name), "the export names a reporter");
        }
    }
    let logged: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM mod_audit a JOIN reports r ON a.before::text || a.after::text LIKE '%' || r.reporter_id || '%'",
    )
    .fetch_one(&service.sql().await?)
    .await?;
    ensure!(logged == 0, "{logged} rows of the log name a reporter");
    println!("{read} answers read, 15 reporters in none");
    Ok(())
}

/// The author's newest statement, appealed.
async fn appealed(desk: &Desk) -> Result<String> {
    let statements = desk.author.get("/v1/me/statements").await?.expect(200)?;
    let decision = statements.items()[0]["id"].as_str().context("no statement")?.to_owned();
    let body = json!({"decision_id": decision, "body": "제 글은 규칙을 어기지 않았습니다"});
    desk.reporters
        .first()
        .context("a reporter")?
        .post("/v1/appeals", &body)
        .await?
        .refused(404, "not_found")?;
    desk.author.post("/v1/appeals", &json!({"decision_id": decision, "body": ""})).await?.names("body")?;
    let long = json!({"decision_id": decision, "body": "긴".repeat(2_001)});
    desk.author.post("/v1/appeals", &long).await?.names("body")?;
    let sent = desk.author.post("/v1/appeals", &body).await?.expect(201)?.json;
    desk.author.post("/v1/appeals", &body).await?.refused(409, "already_appealed")?;
    let mine = desk.author.get("/v1/me/appeals").await?.expect(200)?;
    ensure!(mine.items() == [sent.clone()], "{} instead of {sent}", mine.text());
    Ok(sent["id"].as_str().context("no id")?.to_owned())
}

#[tokio::test]
async fn an_appeal_is_decided_by_another_moderator_and_brings_the_post_back() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let desk = desk(&service, 8).await?;
    desk.decide(&desk.moderator, "remove", desk.version().await?).await?.expect(201)?;
    desk.reporters
        .last()
        .context("a reporter")?
        .get(&format!("/v1/posts/{}", desk.post))
        .await?
        .expect(404)?;
    let appeal = appealed(&desk).await?;
    let path = format!("/v1/moderation/appeals/{appeal}/decisions");
    let overturn = json!({"outcome": "overturned", "answer": "의견을 살펴보니 문제가 없습니다"});
    desk.moderator.post(&path, &overturn).await?.refused(403, "another_moderator")?;
    let waiting = desk.other.get("/v1/moderation/appeals?limit=100").await?.expect(200)?;
    ensure!(waiting.items().iter().any(|item| item["id"] == appeal.as_str()), "{}", waiting.text());
    let own = desk.moderator.get("/v1/moderation/appeals?limit=100").await?.expect(200)?;
    ensure!(!own.items().iter().any(|item| item["id"] == appeal.as_str()), "one's own decision is offered");
    desk.other.post(&path, &json!({"outcome": "perhaps"})).await?.names("outcome")?;
    desk.other.post(&path, &overturn).await?.expect(201)?;
    desk.other.post(&path, &overturn).await?.refused(409, "appeal_decided")?;
    ensure!(state(&service, &desk.post).await? == 0, "an overturned removal is not undone");
    service.settle().await?;
    ensure!(desk.author.ids("/v1/timeline?limit=100").await?.contains(&desk.post), "it is not back in feeds");
    let mine = desk.author.get("/v1/me/appeals").await?.expect(200)?;
    ensure!(mine.items()[0]["state"] == "overturned" && mine.items()[0]["answer"] == overturn["answer"]);
    let sql = service.sql().await?;
    let (disagreed, agreed): (i64, i64) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE status = 'disagreed'), count(*) FILTER (WHERE status = 'agreed')
         FROM reports WHERE post_id = $1",
    )
    .bind(desk.post.parse::<i64>()?)
    .fetch_one(&sql)
    .await?;
    ensure!((disagreed, agreed) == (8, 0), "{disagreed} disagreed, {agreed} agreed");
    let forced = sqlx::query("UPDATE appeals SET decided_by = $2 WHERE id = $1")
        .bind(appeal.parse::<i64>()?)
        .bind(desk.moderator.id.parse::<i64>()?)
        .execute(&sql)
        .await;
    ensure!(forced.is_err(), "the database let a moderator decide about their own decision");
    Ok(())
}

#[tokio::test]
async fn an_appeal_is_too_late_after_180_days_and_needs_something_to_appeal() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [kept, old] = [desk(&service, 2).await?, desk(&service, 8).await?];
    kept.decide(&kept.moderator, "keep", kept.version().await?).await?.expect(201)?;
    let sql = service.sql().await?;
    let decision: i64 = sqlx::query_scalar("SELECT id FROM mod_decisions WHERE post_id = $1")
        .bind(kept.post.parse::<i64>()?)
        .fetch_one(&sql)
        .await?;
    let body = json!({"decision_id": decision.to_string(), "body": "why"});
    kept.author.post("/v1/appeals", &body).await?.refused(409, "nothing_to_appeal")?;
    kept.author
        .post("/v1/appeals", &json!({"decision_id": "x", "body": "why"}))
        .await?
        .names("decision_id")?;
    let decision: i64 = sqlx::query_scalar(
        "UPDATE mod_decisions SET created_at = now() - interval '181 days' WHERE post_id = $1 RETURNING id",
    )
    .bind(old.post.parse::<i64>()?)
    .fetch_one(&sql)
    .await?;
    let body = json!({"decision_id": decision.to_string(), "body": "why"});
    old.author.post("/v1/appeals", &body).await?.refused(409, "appeal_too_late")?;
    Ok(())
}

#[tokio::test]
async fn an_invitation_to_a_leading_room_is_held_before_anybody_sees_it() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [author, reader] = service.anonymous()?.signup_many().await?;
    reader.follow(&author).await?;
    let words = "수익률 300% 보장 무료 체험방";
    let body = json!({"body": format!("{words} 입장하세요 open.kakao.com/o/gAb12CdE $AAPL")});
    let key = [("idempotency-key", "held once")];
    let made = author.send("POST", "/v1/posts", &key, &body).await?.expect(201)?;
    let again = author.send("POST", "/v1/posts", &key, &body).await?.expect(201)?;
    ensure!(made.json["state"] == "held" && made.body == again.body, "{}", made.text());
    let post = made.json["id"].as_str().context("no id")?.to_owned();
    service.settle().await?;
    for (path, _) in surfaces(&author, &post, &post) {
        ensure!(!reader.get(&path).await?.text().contains(words), "{path} shows a held post");
    }
    ensure!(author.get(&format!("/v1/posts/{post}")).await?.expect(200)?.json["state"] == "held");
    let statement = author.get("/v1/me/statements").await?.expect(200)?.items()[0]["statement"].clone();
    ensure!(statement["measure"] == "hold" && statement["facts"]["reason"] == "leading_room", "{statement}");
    let case: i64 = sqlx::query_scalar("SELECT id FROM mod_cases WHERE post_id = $1")
        .bind(post.parse::<i64>()?)
        .fetch_one(&service.sql().await?)
        .await?;
    let moderator = service.member(&service.anonymous()?, "moderator").await?;
    let case = format!("/v1/moderation/cases/{case}");
    let found = moderator.get(&case).await?.expect(200)?.json;
    let hits = found["screening"]["hits"].as_array().context("no hits")?;
    ensure!(hits.iter().any(|hit| hit["class"] == "leading_room"), "{found}");
    let keep = json!({"measure": "keep", "reason": "other", "version": found["version"]});
    moderator.post(&format!("{case}/decisions"), &keep).await?.expect(201)?;
    service.settle().await?;
    ensure!(
        reader.get("/v1/timeline?limit=100").await?.text().contains(words),
        "a released post is not there"
    );
    Ok(())
}

#[tokio::test]
async fn bad_words_are_hidden_and_an_edit_is_screened_like_a_post() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let author = service.anonymous()?.signup().await?;
    let post = author.publish(json!({"body": "공시 발표가 늦다"})).await?;
    let path = format!("/v1/posts/{post}");
    ensure!(author.get(&path).await?.json["body"] == "공시 발표가 늦다", "an innocent text was changed");
    let edited = author.patch(&path, &json!({"body": "진짜 시1발 답없네"})).await?.expect(200)?.json;
    let body = edited["body"].as_str().context("no body")?;
    ensure!(!body.contains('발') && body.contains('*') && body.contains("답없네"), "{body}");
    ensure!(author.get(&path).await?.json["body"] == body);
    let invitation = "선착순 무료 리딩방 수익 보장 open.kakao.com/o/gAb12CdE";
    author.patch(&path, &json!({"body": invitation})).await?.expect(200)?;
    ensure!(author.get(&path).await?.json["state"] == "held", "an edit slips through");
    service.anonymous()?.get(&path).await?.expect(404)?;
    Ok(())
}

#[tokio::test]
async fn of_one_who_left_the_report_stands_without_where_it_came_from() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let desk = desk(&service, 1).await?;
    let reporter = desk.reporters.first().context("a reporter")?;
    let rows = async || -> Result<(i64, i64)> {
        Ok(sqlx::query_as("SELECT count(*), count(network) FROM reports WHERE reporter_id = $1")
            .bind(reporter.id.parse::<i64>()?)
            .fetch_one(&service.sql().await?)
            .await?)
    };
    ensure!(rows().await? == (1, 1), "the network of a report is kept while it can tell people apart");
    let confirmation = json!({"handle": reporter.handle});
    reporter.send("DELETE", "/v1/me", &[], &confirmation).await?.expect(204)?;
    ensure!(rows().await? == (1, 0), "the network is still there");
    Ok(())
}

#[tokio::test]
async fn an_escalated_case_is_decided_by_a_senior_moderator_only() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let desk = desk(&service, 2).await?;
    desk.moderator.post(&desk.path("/escalate"), &json!({})).await?.expect(200)?;
    let version = desk.version().await?;
    desk.moderator.post(&desk.path("/claim"), &json!({})).await?.refused(403, "needs_senior")?;
    desk.other.post(&desk.path("/release"), &json!({})).await?.refused(403, "needs_senior")?;
    desk.decide(&desk.other, "remove", version).await?.refused(403, "needs_senior")?;
    let senior = service.member(&service.anonymous()?, "senior").await?;
    let waiting = senior.get("/v1/moderation/cases?state=escalated&limit=100").await?.expect(200)?;
    ensure!(waiting.items().iter().any(|case| case["id"] == desk.case.as_str()), "{}", waiting.text());
    desk.decide(&senior, "keep", version).await?.expect(201)?;
    Ok(())
}

#[tokio::test]
async fn the_statistics_count_what_was_done_as_documented_and_refuse_other_days() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let moderator = service.member(&service.anonymous()?, "moderator").await?;
    let count = async || anyhow::Ok(moderator.get("/v1/moderation/stats?days=1").await?.expect(200)?.json);
    let before = count().await?;
    let desk = desk(&service, 2).await?;
    desk.decide(&moderator, "remove", desk.version().await?).await?.expect(201)?;
    let after = count().await?;
    let agreed = |stats: &Value| {
        let all = stats["reports"]["by_category"].as_array().into_iter().flatten();
        all.filter_map(|row| row["agreed"].as_i64()).sum::<i64>()
    };
    // Other tests may report meanwhile.
    ensure!(agreed(&after) >= agreed(&before) + 2, "{before} then {after}");
    let rows = after["moderators"].as_array().context("no moderators")?;
    let mine = rows.iter().find(|row| row["moderator_id"] == moderator.id.as_str()).context("not listed")?;
    ensure!(mine["decisions"] == 1 && mine["removed"] == 1 && mine["overturned"] == 0, "{mine}");
    ensure!(mine["handle"] == moderator.handle.as_str(), "{mine}");
    let document = service.anonymous()?.get("/openapi.json").await?.expect(200)?.json;
    let described = &document["components"]["schemas"]["ModerationStats"];
    schema::check(&document, described, &after, "statistics")?;
    for reporter in &desk.reporters {
        ensure!(!after.to_string().contains(&reporter.handle), "a reporter is named: {after}");
    }
    moderator.get("/v1/moderation/stats").await?.expect(200)?;
    moderator.get("/v1/moderation/stats?days=90").await?.expect(200)?;
    for wrong in ["0", "91", "-1", "1.5", "month", ""] {
        moderator.get(&format!("/v1/moderation/stats?days={wrong}")).await?.names("days")?;
    }
    moderator.get("/v1/moderation/stats?since=1").await?.names("since")?;
    Ok(())
}

#[tokio::test]
async fn the_transparency_report_is_printed_for_a_month_that_was() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let report = |month: &'static str, format: &'static str| {
        let service = &service;
        async move { service.run(&["admin", "transparency", "--month", month, "--format", format]).await }
    };
    let json: Value = serde_json::from_slice(&report("2024-03", "json").await?.stdout)?;
    ensure!(json["month"] == "2024-03" && json["complete"] == true, "{json}");
    ensure!(json["measures"]["automated_share"].is_null() && json["reports_received"] == 0, "{json}");
    let words = report("2024-03", "markdown").await?;
    let words = String::from_utf8(words.stdout)?;
    ensure!(
        words.contains("# 투명성 보고서 2024-03") && words.contains("# Transparency report 2024-03"),
        "{words}"
    );
    for (month, why) in [
        ("2024-13", "a month is written as"),
        ("9999-01", "a month is written as"),
        ("2999-01", "has not begun"),
    ] {
        let refused = report(month, "json").await?;
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        ensure!(!refused.status.success() && said.contains(why), "{month}: {said}");
    }
    Ok(())
}
