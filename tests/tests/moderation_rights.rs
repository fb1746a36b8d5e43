//! Who may do what to which case: every moderator's act by everybody, on one's own and on another's, in every
//! state of a case. The tables are written by hand and not taken from the product.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use anyhow::{Context, Result, ensure};
use madang_tests::{Answer, Api, Service, Setup, Shared};
use serde_json::{Value, json};
use sqlx::PgPool;

static SERVICE: Shared = Shared::new();

/// The states of a case, as the columns of the tables below.
const STATES: [&str; 6] = ["open", "claimed", "lapsed", "escalated", "senior at it", "decided"];

const NOBODY: [&str; 6] = ["login_required"; 6];
const OTHERS: [&str; 6] = ["wrong_role"; 6];

/// Claiming, releasing and escalating. `holder` and `senior holder` are those who claimed it.
const STEPS: [(&str, [&str; 6]); 12] = [
    ("anonymous", NOBODY),
    ("investor", OTHERS),
    ("legal", OTHERS),
    ("service", OTHERS),
    ("author", ["own_post", "case_claimed", "own_post", "needs_senior", "case_claimed", "case_decided"]),
    ("senior author", ["own_post", "case_claimed", "own_post", "own_post", "case_claimed", "case_decided"]),
    ("moderator", ["ok", "case_claimed", "ok", "needs_senior", "case_claimed", "case_decided"]),
    ("holder", ["ok", "ok", "ok", "needs_senior", "case_claimed", "case_decided"]),
    ("decider", ["ok", "case_claimed", "ok", "needs_senior", "case_claimed", "case_decided"]),
    ("senior", ["ok", "case_claimed", "ok", "ok", "case_claimed", "case_decided"]),
    ("senior holder", ["ok", "case_claimed", "ok", "ok", "ok", "case_decided"]),
    ("admin", ["ok", "case_claimed", "ok", "ok", "case_claimed", "case_decided"]),
];

/// Deciding differs for those who reported the post.
const REPORTERS: [(&str, [&str; 6]); 2] = [
    (
        "reporter",
        ["own_report", "case_claimed", "own_report", "needs_senior", "case_claimed", "case_decided"],
    ),
    (
        "senior reporter",
        ["own_report", "case_claimed", "own_report", "own_report", "case_claimed", "case_decided"],
    ),
];

/// Answering an appeal against the decision of `decider`: while it waits, and once it is answered.
const ANSWERS: [(&str, [&str; 2]); 13] = [
    ("anonymous", ["login_required"; 2]),
    ("investor", ["wrong_role"; 2]),
    ("legal", ["wrong_role"; 2]),
    ("service", ["wrong_role"; 2]),
    ("author", ["another_moderator", "appeal_decided"]),
    ("senior author", ["another_moderator", "appeal_decided"]),
    ("reporter", ["another_moderator", "appeal_decided"]),
    ("senior reporter", ["another_moderator", "appeal_decided"]),
    ("decider", ["another_moderator", "appeal_decided"]),
    ("moderator", ["ok", "appeal_decided"]),
    ("holder", ["ok", "appeal_decided"]),
    ("senior", ["ok", "appeal_decided"]),
    ("admin", ["ok", "appeal_decided"]),
];

/// A post with a case, and everybody who stands in some relation to it.
struct Court {
    sql: PgPool,
    case: i64,
    post: i64,
    people: Vec<(&'static str, Api)>,
}

impl Court {
    /// `seniors`: whether the post is a senior's and a senior reported it, or a moderator.
    async fn new(service: &Service, seniors: bool) -> Result<Self> {
        let nobody = service.anonymous()?;
        let [author, reporter, role] = match seniors {
            true => ["senior author", "senior reporter", "senior"],
            false => ["author", "reporter", "moderator"],
        };
        let mut people = vec![("anonymous", nobody.clone())];
        for (name, role) in [
            ("investor", "investor"),
            ("legal", "legal"),
            ("service", "service"),
            (author, role),
            (reporter, role),
            ("moderator", "moderator"),
            ("holder", "moderator"),
            ("decider", "moderator"),
            ("senior", "senior"),
            ("senior holder", "senior"),
            ("admin", "admin"),
        ] {
            people.push((name, service.member(&nobody, role).await?));
        }
        let sql = service.sql().await?;
        let mut court = Self { sql, case: 0, post: 0, people };
        court.post = court.person(author)?.say("an opinion").await?.parse()?;
        court.case =
            sqlx::query_scalar("INSERT INTO mod_cases (post_id, rule_version) VALUES ($1, 0) RETURNING id")
                .bind(court.post)
                .fetch_one(&court.sql)
                .await?;
        sqlx::query(
            "INSERT INTO reports (post_id, revision, case_id, reporter_id, category) VALUES ($1, 0, $2, $3, 'abuse')",
        )
        .bind(court.post)
        .bind(court.case)
        .bind(court.id(reporter)?)
        .execute(&court.sql)
        .await?;
        Ok(court)
    }

    fn person(&self, name: &str) -> Result<&Api> {
        let found = self.people.iter().find(|(known, _)| *known == name);
        found.map(|(_, person)| person).with_context(|| format!("no {name}"))
    }

    fn id(&self, name: &str) -> Result<i64> {
        Ok(self.person(name)?.id.parse()?)
    }

    fn path(&self, end: &str) -> String {
        format!("/v1/moderation/cases/{}{end}", self.case)
    }

    /// Puts the case into one of `STATES`, and returns its version.
    async fn put(&self, state: &str) -> Result<i32> {
        let (column, holder, minutes) = match state {
            "claimed" => ("claimed", Some("holder"), 10),
            "lapsed" => ("claimed", Some("holder"), -1),
            "senior at it" => ("claimed", Some("senior holder"), 10),
            plain => (plain, None, 0),
        };
        let holder = holder.map(|name| self.id(name)).transpose()?;
        Ok(sqlx::query_scalar(
            "UPDATE mod_cases SET state = $2, assigned_to = $3, escalated = $5,
                 claimed_until = CASE WHEN $3 IS NOT NULL THEN now() + make_interval(mins => $4) END
             WHERE id = $1 RETURNING version",
        )
        .bind(self.case)
        .bind(column)
        .bind(holder)
        .bind(minutes)
        .bind(["escalated", "senior at it"].contains(&state))
        .fetch_one(&self.sql)
        .await?)
    }

    /// All that an act could change.
    async fn snapshot(&self) -> Result<Value> {
        Ok(sqlx::query_scalar(
            "SELECT jsonb_build_array(to_jsonb(p), (SELECT to_jsonb(c) FROM mod_cases c WHERE c.id = $2),
                 (SELECT jsonb_agg(r ORDER BY id) FROM reports r WHERE post_id = $1),
                 (SELECT count(*) FROM mod_decisions WHERE post_id = $1),
                 (SELECT count(*) FROM mod_audit WHERE object IN ('post:' || $1, 'case:' || $2)))
             FROM posts p WHERE p.id = $1",
        )
        .bind(self.post)
        .bind(self.case)
        .fetch_one(&self.sql)
        .await?)
    }

    /// Puts the one appeal back to waiting, or to answered by somebody.
    async fn answered_by(&self, name: Option<&str>) -> Result<()> {
        sqlx::query(
            "UPDATE appeals SET decided_by = $2, state = CASE WHEN $2 IS NULL THEN 'open' ELSE 'upheld' END,
                 decided_at = CASE WHEN $2 IS NOT NULL THEN now() END WHERE post_id = $1",
        )
        .bind(self.post)
        .bind(name.map(|name| self.id(name)).transpose()?)
        .execute(&self.sql)
        .await?;
        Ok(())
    }

    async fn ask(&self, who: &Api, act: &str, version: i32) -> Result<Answer> {
        if act == "decisions" {
            let body = json!({"measure": "limit", "reason": "abuse", "version": version});
            return who.post(&self.path("/decisions"), &body).await;
        }
        who.post(&self.path(&format!("/{act}")), &json!({})).await
    }
}

/// Fails unless the answer is what the table says.
fn judged(answer: &Answer, expected: &str, what: &str) -> Result<()> {
    let fine = if expected == "ok" {
        (200..300).contains(&answer.status)
    } else {
        let status = match expected {
            "login_required" => 401,
            "case_claimed" | "case_decided" | "appeal_decided" => 409,
            _ => 403,
        };
        answer.status == status && answer.json["code"] == expected
    };
    ensure!(fine, "{what}: {} {} instead of {expected}", answer.status, answer.text());
    Ok(())
}

/// Having reported a post keeps nobody from handing its case on, but from deciding it.
fn row(act: &str, name: &str) -> Result<[&'static str; 6]> {
    let name = match (act, name) {
        ("decisions", name) => name,
        (_, "reporter") => "moderator",
        (_, "senior reporter") => "senior",
        (_, name) => name,
    };
    let found = REPORTERS.iter().chain(&STEPS).find(|(known, _)| *known == name);
    found.map(|(_, row)| *row).with_context(|| format!("no row for {name}"))
}

async fn try_everything(court: &Court) -> Result<u32> {
    let mut trials = 0;
    for act in ["claim", "release", "escalate", "decisions"] {
        for (name, person) in &court.people {
            for (state, expected) in STATES.into_iter().zip(row(act, name)?) {
                let what = format!("{name}, {act}, {state}");
                let version = court.put(state).await?;
                let before = court.snapshot().await?;
                let answer = court.ask(person, act, version).await?;
                judged(&answer, expected, &what)?;
                let same = court.snapshot().await? == before;
                ensure!(same == (expected != "ok"), "{what}: {} but something else was done", answer.status);
                trials += 1;
            }
        }
    }
    Ok(trials)
}

#[tokio::test]
async fn each_act_on_a_case_is_for_those_whom_the_table_names() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let mut trials = 0;
    for seniors in [false, true] {
        trials += try_everything(&Court::new(&service, seniors).await?).await?;
    }
    println!("trials: {trials} acts by person and state of the case");
    Ok(())
}

#[tokio::test]
async fn an_appeal_is_answered_by_those_whom_the_table_names() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let mut trials = 0;
    for seniors in [false, true] {
        let court = Court::new(&service, seniors).await?;
        let version = court.put("open").await?;
        let decided = court.ask(court.person("decider")?, "decisions", version).await?.expect(201)?;
        let author = court.person(if seniors { "senior author" } else { "author" })?;
        let body = json!({"decision_id": decided.json["id"], "body": "I did nothing"});
        let appeal = author.post("/v1/appeals", &body).await?.expect(201)?.json["id"].clone();
        let path = format!("/v1/moderation/appeals/{}/decisions", appeal.as_str().context("no id")?);
        for (name, row) in ANSWERS {
            let Ok(person) = court.person(name) else { continue };
            for (by, expected) in [None, Some("admin")].into_iter().zip(row) {
                court.answered_by(by).await?;
                let answer = person.post(&path, &json!({"outcome": "upheld", "answer": "no"})).await?;
                judged(&answer, expected, &format!("{name} answers what {by:?} answered"))?;
                trials += 1;
            }
        }
    }
    println!("trials: {trials} answers to an appeal");
    Ok(())
}

#[tokio::test]
async fn a_moderator_learns_nothing_of_the_case_about_their_own_post() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    for (seniors, author, reporter) in
        [(false, "author", "reporter"), (true, "senior author", "senior reporter")]
    {
        let court = Court::new(&service, seniors).await?;
        let (author, reporter) = (court.person(author)?, court.person(reporter)?);
        author.get(&court.path("")).await?.refused(403, "own_post")?;
        for other in ["moderator", "senior", "admin"] {
            let case = court.person(other)?.get(&court.path("")).await?.expect(200)?;
            ensure!(case.text().contains(&reporter.id), "a case without its reports: {}", case.text());
        }
        for list in ["cases", "cases?state=escalated", "appeals", "audit"] {
            let list = author.get(&format!("/v1/moderation/{list}")).await?.expect(200)?;
            ensure!(!list.text().contains(&reporter.handle), "{}", list.text());
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_decision_about_a_text_that_was_replaced_meanwhile_is_refused() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let court = Court::new(&service, false).await?;
    let (author, moderator) = (court.person("author")?, court.person("moderator")?);
    let read = court.put("open").await?;
    let keep =
        |version: &Value| json!({"measure": "keep", "reason": "other", "lock": true, "version": version});
    let path = format!("/v1/posts/{}", court.post);
    author.patch(&path, &json!({"body": "something quite different"})).await?.expect(200)?;
    let decisions = court.path("/decisions");
    moderator.post(&decisions, &keep(&json!(read))).await?.refused(409, "case_changed")?;
    let again = moderator.get(&court.path("")).await?.expect(200)?.json;
    ensure!(again["body"] == "something quite different", "{again}");
    author.patch(&path, &json!({"body": "something quite different"})).await?.expect(200)?;
    moderator.post(&decisions, &keep(&again["version"])).await?.expect(201)?;
    Ok(())
}
