//! From the answer to the block on, no surface of the process that answered shows the post, nor of any other
//! process as soon as it looks; and once it is restored it is back on all of them. Notifications are no surface
//! yet; they join the list when posts are told of there.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use madang_tests::{Api, Beside, Service, Setup, trials, until};
use serde_json::{Value, json};
use sqlx::PgPool;

/// Posts made at once: so few that all are on a first page, wherever they rank.
const BATCH: usize = 20;
/// How long a process may go on showing a post before the trial gives up.
const PATIENCE: Duration = Duration::from_secs(20);

fn setup() -> Setup {
    Setup::new().with("TRUSTED_PROXIES", "127.0.0.1/32").with("SNAPSHOT_REUSE_MS", "0")
}

struct Scene {
    service: Service,
    beside: Beside,
    sql: PgPool,
    author: Api,
    reader: Api,
    reporters: [Api; 2],
    moderators: [Api; 2],
    parent: String,
}

/// A post, its own words, and what each reporter needs to report it.
struct Target {
    id: String,
    words: String,
    tokens: [String; 2],
}

/// How a post is hidden, and brought back.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// By the report that crosses the threshold; back by a moderator who keeps it.
    Reports,
    /// By a moderator who takes it down; back by another one, on appeal.
    Removal,
}

async fn scene() -> Result<Scene> {
    let service = setup().start().await?;
    let nobody = service.anonymous()?;
    let [author, reader, other] = nobody.signup_many().await?;
    let reporters: [Api; 2] = nobody.signup_many().await?;
    let moderators =
        [service.member(&nobody, "moderator").await?, service.member(&nobody, "moderator").await?];
    let sql = service.sql().await?;
    // Two reports of people whose word counts are enough to block.
    sqlx::query("UPDATE users SET verified = true, created_at = now() - interval '60 days'")
        .execute(&sql)
        .await?;
    sqlx::query("INSERT INTO rule_settings (settings) VALUES ($1)")
        .bind(json!({"threshold": 0.5, "distinct": 2, "daily_reports": 100_000}))
        .execute(&sql)
        .await?;
    reader.follow(&author).await?;
    let parent = other.say("what do you think of $AAPL").await?;
    let beside = Beside::start(&service).await?;
    Ok(Scene { service, beside, sql, author, reader, reporters, moderators, parent })
}

impl Scene {
    /// Posts that answer and quote the parent, each read by both reporters, below one that always stays.
    async fn batch(&self, first: usize) -> Result<(Vec<Target>, String)> {
        let mut ids = Vec::new();
        for n in first..first + BATCH {
            let words = format!("target-{n}-of-many");
            let body =
                json!({"body": format!("{words} $AAPL"), "reply_to": self.parent, "quote_of": self.parent});
            ids.push((self.author.publish(body).await?, words));
        }
        let stays = self.author.say("the newest of the batch $AAPL").await?;
        self.service.settle().await?;
        until("search has the batch", PATIENCE.as_secs(), async || {
            let found = self.reader.ids("/v1/search?type=posts&limit=100&q=newest+of+the+batch").await?;
            Ok(found.contains(&stays))
        })
        .await?;
        let mut targets = Vec::new();
        for (id, words) in ids {
            let mut tokens = [String::new(), String::new()];
            for (reporter, token) in self.reporters.iter().zip(&mut tokens) {
                let page = reporter.get(&format!("/v1/posts/{id}")).await?.expect(200)?;
                *token = page.header("x-view-token").to_owned();
            }
            targets.push(Target { id, words, tokens });
        }
        Ok((targets, stays))
    }

    fn readers(&self) -> [Api; 2] {
        [self.reader.clone(), self.beside.ask_as(&self.reader)]
    }

    /// Where the post stands before: seven lists and pages, and two pages that begin before it.
    async fn surfaces(&self, target: &Target) -> Result<Vec<String>> {
        let mut surfaces = vec![
            "/v1/timeline?order=top&limit=100".to_owned(),
            "/v1/timeline?order=latest&limit=100".to_owned(),
            "/v1/tickers/AAPL/posts?order=top&limit=100".to_owned(),
            "/v1/tickers/AAPL/posts?order=latest&limit=100".to_owned(),
            format!("/v1/users/{}/posts?limit=100", self.author.handle),
            format!("/v1/posts/{}/replies?limit=100", self.parent),
            format!("/v1/posts/{}", target.id),
            format!("/v1/search?type=posts&limit=100&q={}", target.words),
        ];
        for list in ["/v1/timeline?order=latest", "/v1/tickers/AAPL/posts?order=top"] {
            let all = self.reader.ids(&format!("{list}&limit=100")).await?;
            let place = all.iter().position(|id| *id == target.id).context("not on the first page")?;
            let before = self.reader.get(&format!("{list}&limit={}", place.max(1))).await?.expect(200)?;
            let cursor = before.json["next_cursor"].as_str().context("no next page")?;
            // The post may be the first of all; then no page can begin before it.
            if place > 0 {
                surfaces.push(format!("{list}&limit=100&cursor={cursor}"));
            }
        }
        Ok(surfaces)
    }

    async fn report(&self, target: &Target, by: usize) -> Result<()> {
        let (reporter, token) = (&self.reporters[by], &target.tokens[by]);
        let body = json!({"category": "abuse", "view_token": token});
        let address = format!("10.{by}.0.1");
        let path = format!("/v1/posts/{}/reports", target.id);
        // Nobody has read a post in less than two seconds.
        until("the report is taken", 10, async || {
            let answer = reporter.send("POST", &path, &[("x-forwarded-for", &address)], &body).await?;
            let fresh = answer.status == 422 && answer.text().contains("too fresh");
            ensure!(fresh || answer.status == 201, "{} {}", answer.status, answer.text());
            Ok(answer.status == 201)
        })
        .await
    }

    async fn decide(&self, target: &Target, measure: &str) -> Result<Value> {
        let (case, version): (i64, i32) =
            sqlx::query_as("SELECT id, version FROM mod_cases WHERE post_id = $1 ORDER BY id DESC LIMIT 1")
                .bind(target.id.parse::<i64>()?)
                .fetch_one(&self.sql)
                .await?;
        let body = json!({"measure": measure, "reason": "abuse", "version": version});
        let path = format!("/v1/moderation/cases/{case}/decisions");
        let [moderator, _] = &self.moderators;
        Ok(moderator.post(&path, &body).await?.expect(201)?.json["id"].clone())
    }

    /// The last act that hides the post. Returns the decision, where a person made it.
    async fn hide(&self, target: &Target, way: Way) -> Result<Value> {
        match way {
            Way::Reports => self.report(target, 1).await.map(|()| Value::Null),
            Way::Removal => self.decide(target, "remove").await,
        }
    }

    async fn restore(&self, target: &Target, way: Way, decision: Value) -> Result<()> {
        if matches!(way, Way::Reports) {
            return self.decide(target, "keep").await.map(drop);
        }
        let body = json!({"decision_id": decision, "body": "why"});
        let appeal = self.author.post("/v1/appeals", &body).await?.expect(201)?.json["id"].clone();
        let path = format!("/v1/moderation/appeals/{}/decisions", appeal.as_str().context("no id")?);
        let [_, other] = &self.moderators;
        other.post(&path, &json!({"outcome": "overturned", "answer": "so"})).await?.expect(201).map(drop)
    }

    /// The parent counts its answers and quotes as they stand; counts may lag for two seconds.
    async fn counted(&self) -> Result<()> {
        let listed: i64 = sqlx::query_scalar("SELECT count(*) FROM posts WHERE reply_to = $1 AND listed")
            .bind(self.parent.parse::<i64>()?)
            .fetch_one(&self.sql)
            .await?;
        for reader in self.readers() {
            until("the parent counts what is shown", 10, async || {
                let parent = reader.get(&format!("/v1/posts/{}", self.parent)).await?.expect(200)?.json;
                let counts = &parent["counts"];
                Ok(counts["replies"] == listed && counts["quotes"] == listed)
            })
            .await?;
        }
        Ok(())
    }

    /// The reports of a trial must not weigh on the next: they were right, and of another day.
    async fn forget(&self, target: &Target) -> Result<()> {
        self.author.delete(&format!("/v1/posts/{}", target.id)).await?.expect(204)?;
        sqlx::query("UPDATE reports SET status = 'agreed', created_at = created_at - interval '2 days'")
            .execute(&self.sql)
            .await?;
        sqlx::query("DELETE FROM reporter_stats").execute(&self.sql).await?;
        Ok(())
    }
}

/// What a reader saw of a post that was hidden.
#[derive(Debug, Default)]
struct Seen {
    /// Requests sent after the answer to the block that still showed it, and the last such moment.
    late: usize,
    gone_after: Duration,
    where_last: String,
    requests: usize,
}

/// Reads all surfaces again and again until a whole round that began after the answer shows the post nowhere.
async fn watch(
    reader: Api,
    surfaces: Arc<Vec<String>>,
    words: String,
    answered: Arc<OnceLock<Instant>>,
) -> Result<Seen> {
    let (began, mut seen) = (Instant::now(), Seen::default());
    while began.elapsed() < PATIENCE {
        let (round, mut shown) = (Instant::now(), false);
        for path in surfaces.iter() {
            let asked = Instant::now();
            let page = reader.get(path).await?;
            ensure!([200, 404].contains(&page.status), "{path}: {}", page.text());
            seen.requests += 1;
            if page.text().contains(&words) {
                shown = true;
                if let Some(at) = answered.get().filter(|at| asked > **at) {
                    seen.late += 1;
                    seen.gone_after = at.elapsed();
                    seen.where_last.clone_from(path);
                }
            }
        }
        if !shown && answered.get().is_some_and(|at| round > *at) {
            return Ok(seen);
        }
    }
    anyhow::bail!("{} s later {} still shows it", PATIENCE.as_secs(), seen.where_last)
}

/// What a trial measured.
struct Measured {
    /// In the process that answered, and in the other.
    seen: [Seen; 2],
    back_after: Duration,
}

async fn shown_everywhere(scene: &Scene, surfaces: &[String], words: &str) -> Result<()> {
    for reader in scene.readers() {
        for path in surfaces {
            until(&format!("{path} shows it"), 20, async || {
                Ok(reader.get(path).await?.text().contains(words))
            })
            .await?;
        }
    }
    Ok(())
}

async fn trial(scene: &Scene, target: &Target, way: Way, counts: bool) -> Result<Measured> {
    let surfaces = Arc::new(scene.surfaces(target).await?);
    shown_everywhere(scene, &surfaces, &target.words).await?;
    scene.report(target, 0).await?;
    let answered = Arc::new(OnceLock::new());
    let watches = scene
        .readers()
        .map(|reader| tokio::spawn(watch(reader, surfaces.clone(), target.words.clone(), answered.clone())));
    let decision = scene.hide(target, way).await?;
    let _ = answered.set(Instant::now());
    let [acting, other] = watches;
    let seen = [acting.await??, other.await??];
    if counts {
        scene.counted().await?;
    }
    let restored = Instant::now();
    scene.restore(target, way, decision).await?;
    // Pages that began before the block are of the past; the lists themselves are not.
    let lists: Vec<String> = surfaces.iter().filter(|path| !path.contains("cursor=")).cloned().collect();
    shown_everywhere(scene, &lists, &target.words).await?;
    let back_after = restored.elapsed();
    if counts {
        scene.counted().await?;
    }
    Ok(Measured { seen, back_after })
}

/// The half, the 99th hundredth and the most of some times.
fn spread(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1)));
    let [half, most, last] = [50, 99, 100].map(|share| at(share).copied().unwrap_or_default());
    format!("p50 {half:.1?}, p99 {most:.1?}, max {last:.1?}")
}

#[tokio::test]
async fn a_blocked_post_is_gone_from_every_surface_with_the_answer_and_a_restored_one_is_back() -> Result<()>
{
    let (scene, wanted) = (scene().await?, trials(40, 1_000));
    let (mut gone, mut back, mut late, mut requests) = (Vec::new(), Vec::new(), 0, 0);
    for first in (0..wanted).step_by(BATCH) {
        let (targets, stays) = scene.batch(first).await?;
        for (n, target) in targets.iter().take(wanted - first).enumerate() {
            let way = if n % 2 == 0 { Way::Reports } else { Way::Removal };
            // Counts may lag for two seconds: looking at them each time would take most of the time.
            let measured = trial(&scene, target, way, [0, 11].contains(&n)).await;
            let Measured { seen: [acting, other], back_after } =
                measured.with_context(|| format!("trial {}, {way:?}", first + n))?;
            let n = first + n;
            ensure!(acting.late == 0, "trial {n}: shown after the answer, last by {}", acting.where_last);
            late += other.late;
            requests += acting.requests + other.requests;
            gone.push(other.gone_after);
            back.push(back_after);
            scene.forget(target).await?;
        }
        scene.author.delete(&format!("/v1/posts/{stays}")).await?.expect(204)?;
    }
    println!("{wanted} blocks, {requests} requests meanwhile: none was shown by the process that answered;");
    println!("the other process showed {late} after the answer and had it gone after {}", spread(gone));
    println!("restored and back on every list of both after {}", spread(back));
    Ok(())
}
