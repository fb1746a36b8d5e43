//! Search under attack: an index that is stale, damaged, deleted or shared; processes killed while they build and
//! write; many writers; and whatever text and cursors somebody may send.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use std::{
    collections::{BTreeSet, HashSet},
    fs::{self, File, OpenOptions},
    hash::{BuildHasher, RandomState},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use anyhow::{Context, Result, bail, ensure};
use madang_tests::{Answer, Api, Beside, Service, Setup, Shared, all, proxy::Proxy, trials, until};
use serde_json::{Value, json};

static SERVICE: Shared = Shared::new();

const SECS: u64 = 60;

fn setup() -> Setup {
    Setup::new().with("TRUSTED_PROXIES", "127.0.0.1/32").with("SNAPSHOT_REUSE_MS", "0")
}

/// Numbers that differ from run to run; the seed is printed where one fails.
#[derive(Debug, Clone)]
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let seed = RandomState::new().hash_one(0) | 1;
        eprintln!("seed {seed}");
        Self(seed)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or_default() % end.max(1)
    }

    fn one_of<'a, T>(&mut self, some: &'a [T]) -> &'a T {
        &some[self.below(some.len())]
    }
}

/// A word nobody else writes, nor one that a slip would turn into it.
fn word() -> String {
    let mut dice = Dice(RandomState::new().hash_one(0) | 1);
    let letters = (0..13).map(|_| char::from(b'a' + u8::try_from(dice.below(26)).unwrap_or_default()));
    std::iter::once('w').chain(letters).collect()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn of(kind: &str, q: &str) -> String {
    format!("/v1/search?type={kind}&q={}", encoded(q))
}

/// A folder for an index that a test may harm; removed at the end.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("madang-hostile-{}-{}", std::process::id(), word())))
    }

    fn setup(&self) -> Setup {
        setup().with("SEARCH_DIR", &self.0.display().to_string())
    }

    /// The folder of the one database.
    fn index(&self) -> Result<PathBuf> {
        let first = fs::read_dir(&self.0)?.next().context("no index was made")??;
        Ok(first.path())
    }

    fn generations(&self) -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(self.index()?)?.collect::<std::io::Result<Vec<_>>>()?;
        Ok(entries.iter().map(fs::DirEntry::path).filter(|path| path.is_dir()).collect())
    }

    /// All files, those of each generation too.
    fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for folder in self.generations()?.into_iter().chain([self.index()?]) {
            let entries = fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
            files.extend(entries.iter().map(fs::DirEntry::path).filter(|path| path.is_file()));
        }
        Ok(files)
    }

    /// Keeps every process from feeding the index, as one would that hangs.
    fn hold(&self) -> Result<File> {
        let lead =
            OpenOptions::new().create(true).truncate(false).write(true).open(self.index()?.join("lead"))?;
        lead.try_lock().context("somebody leads")?;
        Ok(lead)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Waits until a search for posts finds exactly these, in whatever order; away is not yet.
async fn finds(reader: &Api, q: &str, wanted: &[String]) -> Result<()> {
    let wanted: HashSet<String> = wanted.iter().cloned().collect();
    let mut last = String::new();
    let done = until("search finds what it should", SECS, async || {
        let answer = reader.get(&format!("{}&limit=100", of("posts", q))).await?;
        if answer.status == 503 {
            return Ok(false);
        }
        let found: HashSet<String> = answer.expect(200)?.ids().into_iter().collect();
        last = format!("{} of {}", found.len(), wanted.len());
        Ok(found == wanted)
    });
    done.await.with_context(|| format!("found {last}"))
}

/// Waits until the index equals the database, and returns what the check says last.
async fn agrees(service: &Service) -> Result<String> {
    service.settle().await?;
    let mut said = String::new();
    let done = until("the index equals the database", SECS, async || {
        let checked = service.run(&["search", "check"]).await?;
        said = String::from_utf8_lossy(&checked.stdout).trim_end().to_owned();
        Ok(checked.status.success() && said.ends_with("compared, 0 differences"))
    });
    done.await.with_context(|| said.clone())?;
    Ok(said)
}

// ---- what is hidden ----

async fn decide(moderator: &Api, post: &str, measure: &str) -> Result<()> {
    let body = json!({"post_id": post, "reason": "spam"});
    let opened = moderator.post("/v1/moderation/cases", &body).await?.expect(201)?;
    let id = opened.json["id"].as_str().context("no case")?.to_owned();
    let decision = json!({"measure": measure, "reason": "spam", "version": opened.json["version"]});
    moderator.post(&format!("/v1/moderation/cases/{id}/decisions"), &decision).await?.expect(201)?;
    Ok(())
}

async fn impose(moderator: &Api, person: &Api, kind: &str, days: Option<i64>) -> Result<()> {
    let body = json!({"kind": kind, "reason": "spam", "days": days});
    let path = format!("/v1/moderation/users/{}/sanctions", person.handle);
    moderator.post(&path, &body).await?.expect(201)?;
    Ok(())
}

/// An active rule that holds whatever has this word.
async fn hold_word(service: &Service, senior: &Api, word: &str) -> Result<()> {
    let content = json!({"class": "other", "action": "hold", "kind": {"words": {"words": [word]}}});
    let mut rule = content.clone();
    rule["name"] = json!(word);
    let made = senior.post("/v1/moderation/rules", &rule).await?.expect(201)?.json;
    let id = made["id"].as_str().context("no rule")?;
    sqlx::query("UPDATE text_rules SET shadow_since = now() - interval '25 hours' WHERE id = $1")
        .bind(id.parse::<i64>()?)
        .execute(&service.sql().await?)
        .await?;
    senior.post("/v1/moderation/rules/dry-run", &content).await?.expect(200)?;
    let activate = json!({"version": 1, "mode": "active"});
    senior.patch(&format!("/v1/moderation/rules/{id}"), &activate).await?.expect(200)?;
    Ok(())
}

/// Two reports, which are enough here.
async fn report(service: &Service, reporters: &[Api], post: &str) -> Result<()> {
    let sql = service.sql().await?;
    sqlx::query(
        "UPDATE users SET verified = true, created_at = now() - interval '60 days' WHERE id = ANY($1)",
    )
    .bind(reporters.iter().map(|one| one.id.parse()).collect::<Result<Vec<i64>, _>>()?)
    .execute(&sql)
    .await?;
    sqlx::query("INSERT INTO rule_settings (settings) VALUES ($1)")
        .bind(json!({"threshold": 0.5, "distinct": 2, "daily_reports": 100_000}))
        .execute(&sql)
        .await?;
    for (n, reporter) in reporters.iter().enumerate() {
        let page = reporter.get(&format!("/v1/posts/{post}")).await?.expect(200)?;
        let body = json!({"category": "abuse", "view_token": page.header("x-view-token")});
        let (address, path) = (format!("10.{n}.0.1"), format!("/v1/posts/{post}/reports"));
        until("the report is taken", 20, async || {
            let answer = reporter.send("POST", &path, &[("x-forwarded-for", &address)], &body).await?;
            let fresh = answer.status == 422 && answer.text().contains("too fresh");
            ensure!(fresh || answer.status == 201, "{} {}", answer.status, answer.text());
            Ok(answer.status == 201)
        })
        .await?;
    }
    Ok(())
}

/// Everybody of the scene has a handle that begins alike, and wrote the same word.
struct Scene {
    word: String,
    prefix: String,
    people: Vec<Api>,
    /// Posts hidden by what is done to them, and those by what is done to their authors, the same order as `people`.
    states: Vec<String>,
    by: Vec<String>,
    calm: Vec<String>,
}

const PEOPLE: [&str; 9] =
    ["author", "gone", "banned", "suspended", "limited", "blocks", "blocked", "muted", "calm"];

impl Scene {
    async fn new(nobody: &Api) -> Result<Self> {
        let word = word();
        let prefix: String = word.chars().take(9).collect();
        let mut people = Vec::new();
        for letter in ["a", "b", "c", "d", "e", "f", "h", "j", "k"] {
            people.push(nobody.signup_as(&format!("{prefix}{letter}")).await?);
        }
        let [mut states, mut by, mut calm] = [const { Vec::new() }; 3];
        for n in 0..7 {
            states.push(people[0].say(&format!("{word} state {n}")).await?);
        }
        for person in &people[1..8] {
            by.push(person.say(&format!("{word} by {}", person.handle)).await?);
        }
        by.push(people[8].say(&format!("{word} says muffled{word}")).await?);
        for n in 0..5 {
            calm.push(people[8].say(&format!("{word} calm {n}")).await?);
        }
        Ok(Self { word, prefix, people, states, by, calm })
    }

    fn person(&self, name: &str) -> &Api {
        &self.people[PEOPLE.iter().position(|one| *one == name).unwrap_or_default()]
    }

    fn posts(&self) -> Vec<String> {
        [&self.states, &self.by, &self.calm].into_iter().flatten().cloned().collect()
    }

    async fn hide(&self, service: &Service, staff: &Staff, other: &Api, reporters: &[Api]) -> Result<()> {
        let author = self.person("author");
        let [reported, removed, limited, claimed, deleted, held, reposted] = &self.states[..] else {
            bail!("not seven")
        };
        report(service, reporters, reported).await?;
        decide(&staff.moderator, removed, "remove").await?;
        decide(&staff.moderator, limited, "limit").await?;
        let claim =
            json!({"post_id": claimed, "claimant": "홍길동", "ground": "defamation", "proof": "판결문 사본"});
        staff.legal.post("/v1/moderation/legal-requests", &claim).await?.expect(201)?;
        author.delete(&format!("/v1/posts/{deleted}")).await?.expect(204)?;
        hold_word(service, &staff.senior, &format!("holdme{}", self.word)).await?;
        let words = json!({"body": format!("{} holdme{}", self.word, self.word)});
        author.patch(&format!("/v1/posts/{held}"), &words).await?;
        author.post("/v1/posts", &words).await?;
        author.delete(&format!("/v1/posts/{reposted}")).await?.expect(204)?;
        let gone = self.person("gone");
        let body = json!({"handle": gone.handle});
        let left = gone.send("DELETE", "/v1/me", &[], &body).await?;
        ensure!((200..300).contains(&left.status), "{}", left.text());
        impose(&staff.senior, self.person("banned"), "ban", None).await?;
        impose(&staff.moderator, self.person("suspended"), "suspend", Some(3)).await?;
        impose(&staff.moderator, self.person("limited"), "limit", Some(3)).await?;
        self.person("limited").say(&format!("{} while limited", self.word)).await?;
        self.person("blocks").put(&format!("/v1/users/{}/block", other.handle)).await?.expect(204)?;
        for (handle, what) in
            [(&self.person("blocked").handle, "block"), (&self.person("muted").handle, "mute")]
        {
            other.put(&format!("/v1/users/{handle}/{what}")).await?.expect(204)?;
        }
        other.put(&format!("/v1/me/keyword-mutes/muffled{}", self.word)).await?.expect(204)?;
        Ok(())
    }

    /// What stays hidden for everybody, and what more for `other`: ids and handles.
    fn hidden(&self, from_other: bool) -> Vec<&str> {
        let mut hidden: Vec<&str> = self.states.iter().map(String::as_str).collect();
        // Posts by a person who left, was banned or suspended.
        hidden.extend(self.by[..1].iter().map(String::as_str));
        hidden.extend(["gone", "banned", "suspended"].map(|name| self.person(name).handle.as_str()));
        if from_other {
            hidden.extend(self.by[4..].iter().map(String::as_str));
            hidden.extend(["blocks", "blocked", "muted"].map(|name| self.person(name).handle.as_str()));
        }
        hidden
    }
}

struct Staff {
    moderator: Api,
    senior: Api,
    legal: Api,
}

/// Reads a list to its end: none of its pages is empty but the first, nor shows what is hidden.
async fn walk(reader: &Api, path: &str, from: Option<String>, hidden: &[&str]) -> Result<Vec<String>> {
    let (mut ids, mut cursor, mut first) = (Vec::new(), from, true);
    loop {
        let page = match &cursor {
            Some(cursor) => reader.get(&format!("{path}&cursor={cursor}")).await?.expect(200)?,
            None => reader.get(path).await?.expect(200)?,
        };
        let text = page.text();
        // A banned person's post may stand; the person is not found.
        for one in hidden {
            let shown = page.items().iter().any(|item| item["id"] == *one || item["handle"] == *one);
            ensure!(!shown, "{path} shows {one} to {}", reader.handle);
        }
        let told = ["holdme", "while limited"].iter().any(|words| text.contains(words));
        ensure!(!told, "{path} shows what never was public to {}: {text}", reader.handle);
        ensure!(first || !page.items().is_empty(), "an empty page of {path} for {}", reader.handle);
        first = false;
        ids.extend(
            page.items()
                .iter()
                .map(|item| item["id"].as_str().or(item["handle"].as_str()).unwrap_or_default().to_owned()),
        );
        match page.json["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    ensure!(ids.iter().collect::<BTreeSet<_>>().len() == ids.len(), "{path} repeats: {ids:?}");
    Ok(ids)
}

#[tokio::test]
async fn a_stale_index_leaks_nothing_on_any_page_to_anybody() -> Result<()> {
    let folder = Folder::new();
    let service = folder.setup().start().await?;
    let nobody = service.anonymous()?;
    let staff = Staff {
        moderator: service.member(&nobody, "moderator").await?,
        senior: service.member(&nobody, "senior").await?,
        legal: service.member(&nobody, "legal").await?,
    };
    let [other, one, two] = nobody.signup_many().await?;
    let scene = Scene::new(&nobody).await?;
    finds(&other, &scene.word, &scene.posts()).await?;
    agrees(&service).await?;

    service.kill();
    let stopped = folder.hold()?;
    service.start_again().await?;
    let path = format!("{}&limit=2", of("posts", &scene.word));
    let viewers = [&nobody, &other, scene.person("author"), &staff.moderator];
    let mut frozen = Vec::new();
    for viewer in viewers {
        let page = viewer.get(&path).await?.expect(200)?;
        frozen.push(page.json["next_cursor"].as_str().context("no second page")?.to_owned());
    }
    scene.hide(&service, &staff, &other, &[one, two]).await?;
    let stale = service.run(&["search", "status"]).await?;
    ensure!(
        !String::from_utf8_lossy(&stale.stdout).contains(" 0 behind"),
        "the index is not stale: {stale:?}"
    );
    let mut seen = [None, None];
    for round in seen.iter_mut() {
        let mut found = Vec::new();
        for (viewer, cursor) in viewers.into_iter().zip(&frozen) {
            let hidden = scene.hidden(viewer.handle == other.handle);
            let posts = walk(viewer, &path, None, &hidden).await?;
            ensure!(scene.calm.iter().all(|post| posts.contains(post)), "{posts:?}");
            walk(viewer, &path, Some(cursor.clone()), &hidden).await?;
            for limit in [1, 2, 100] {
                let again =
                    walk(viewer, &format!("{}&limit={limit}", of("posts", &scene.word)), None, &hidden)
                        .await?;
                ensure!(again == posts, "{limit}: {again:?} instead of {posts:?}");
                walk(viewer, &format!("{}&limit={limit}", of("users", &scene.prefix)), None, &hidden).await?;
                walk(viewer, &format!("/v1/search/suggest?limit={limit}&q={}", scene.prefix), None, &hidden)
                    .await?;
            }
            for q in [&scene.word, &scene.prefix] {
                let all = viewer.get(&of("all", q)).await?.expect(200)?.text();
                for one in hidden.iter().filter(|one| one.parse::<i64>().is_ok()) {
                    ensure!(!all.contains(&format!("\"id\":\"{one}\"")), "{one} stands in {all}");
                }
            }
            let author = format!("{}&author={}", of("posts", &scene.word), scene.person("blocks").handle);
            let status = if viewer.handle == other.handle { 422 } else { 200 };
            viewer.get(&author).await?.expect(status)?;
            let mut posts = posts;
            posts.sort_unstable();
            found.push(posts);
        }
        if round.replace(found).is_none() {
            // The same once the index has caught up.
            stopped.unlock()?;
            agrees(&service).await?;
        }
    }
    ensure!(seen[0] == seen[1], "{seen:?}");
    Ok(())
}

#[tokio::test]
async fn suspended_people_do_not_crowd_others_out_of_suggestions() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let senior = service.member(&nobody, "senior").await?;
    let prefix: String = word().chars().take(9).collect();
    let mut crowd = Vec::new();
    // Handles that look alike are one: no letter here is taken for another.
    for first in ["a", "b", "c", "d", "e"] {
        for second in ["f", "h", "j", "k"] {
            crowd.push(nobody.signup_as(&format!("{prefix}{first}{second}")).await?);
        }
    }
    let good = nobody.signup_as(&format!("{prefix}good")).await?;
    // Of people who match alike the one with more followers comes first, and the crowd follows itself.
    for (one, other) in crowd.iter().zip(crowd.iter().skip(1)) {
        one.follow(other).await?;
        other.follow(one).await?;
    }
    let path = format!("/v1/search/suggest?q={prefix}");
    until("the crowd is suggested", SECS, async || {
        Ok(nobody.get(&path).await?.expect(200)?.items().len() == 8)
    })
    .await?;
    for person in &crowd {
        impose(&senior, person, "suspend", Some(3)).await?;
    }
    until("the one who is left is suggested", SECS, async || {
        let shown = nobody.get(&path).await?.expect(200)?;
        ensure!(
            !crowd.iter().any(|one| shown.items().iter().any(|item| item["handle"] == one.handle.as_str()))
        );
        Ok(shown.items().iter().any(|item| item["handle"] == good.handle.as_str()))
    })
    .await?;
    let back = &crowd[0];
    let sanctions = format!("/v1/moderation/users/{}/sanctions", back.handle);
    let given = senior.get(&sanctions).await?.expect(200)?.ids();
    senior.delete(&format!("{sanctions}/{}", given.first().context("no sanction")?)).await?.expect(204)?;
    until("who is suspended no longer is suggested again", SECS, async || {
        let shown = nobody.get(&path).await?.expect(200)?;
        Ok(shown.items().iter().any(|item| item["handle"] == back.handle.as_str()))
    })
    .await
}

// ---- the index on disk ----

/// A service with some posts of one word.
async fn some_posts(service: &Service, count: usize) -> Result<(Api, String, Vec<String>)> {
    let (author, word) = (service.anonymous()?.signup().await?, word());
    let mut posts = Vec::new();
    for n in 0..count {
        posts.push(author.say(&format!("{word} number {n}")).await?);
    }
    finds(&author, &word, &posts).await?;
    Ok((author, word, posts))
}

#[tokio::test]
async fn an_index_whose_folder_is_deleted_while_it_is_used_is_built_anew() -> Result<()> {
    let folder = Folder::new();
    let service = folder.setup().start().await?;
    let (author, word, mut posts) = some_posts(&service, 20).await?;
    let beside = Beside::start(&service).await?;
    for round in 0..trials(1, 20) {
        let harmed = if round % 2 == 0 { folder.0.clone() } else { folder.index()? };
        fs::remove_dir_all(harmed)?;
        posts.push(author.say(&format!("{word} after {round}")).await?);
        for reader in [author.clone(), beside.ask_as(&author)] {
            finds(&reader, &word, &posts).await?;
        }
    }
    fs::remove_file(folder.index()?.join("current"))?;
    posts.push(author.say(&format!("{word} last")).await?);
    finds(&beside.ask_as(&author), &word, &posts).await?;
    agrees(&service).await.map(drop)
}

#[tokio::test]
async fn files_damaged_while_nobody_runs_cost_time_and_no_post() -> Result<()> {
    let folder = Folder::new();
    let service = folder.setup().start().await?;
    let (author, word, mut posts) = some_posts(&service, 30).await?;
    let mut dice = Dice::new();
    for round in 0..trials(2, 60) {
        service.kill();
        let files = folder.files()?;
        for _ in 0..=dice.below(3) {
            let file = dice.one_of(&files);
            harm(file, &mut dice).with_context(|| file.display().to_string())?;
        }
        service.start_again().await?;
        posts.push(author.say(&format!("{word} after {round}")).await?);
        finds(&author, &word, &posts).await.with_context(|| format!("round {round}: {files:?}"))?;
    }
    agrees(&service).await.map(drop)
}

/// A file where a folder should be is refused to everybody, whatever their rights.
#[tokio::test]
async fn a_folder_that_cannot_be_used_costs_search_alone_and_only_as_long() -> Result<()> {
    let folder = Folder::new();
    fs::write(&folder.0, "in the way")?;
    let service = folder.setup().start().await?;
    let author = service.anonymous()?.signup().await?;
    let word = word();
    let mut posts = vec![author.say(&format!("{word} first")).await?];
    for kind in ["posts", "users", "all"] {
        author.get(&of(kind, &word)).await?.refused(503, "search_unavailable")?;
    }
    author.get(&of("tickers", "AAPL")).await?.expect(200)?;
    author.get(&format!("/v1/search/suggest?q={word}")).await?.expect(200)?;
    fs::remove_file(&folder.0)?;
    finds(&author, &word, &posts).await?;
    let index = folder.index()?;
    fs::remove_dir_all(&index)?;
    fs::write(&index, "in the way")?;
    posts.push(author.say(&format!("{word} second")).await?);
    until("search is away", SECS, async || Ok(author.get(&of("posts", &word)).await?.status == 503)).await?;
    let answer = service.run(&["search", "reindex"]).await?;
    ensure!(!answer.status.success(), "{answer:?}");
    fs::remove_file(&index)?;
    finds(&author, &word, &posts).await?;
    agrees(&service).await.map(drop)
}

/// Cuts a file short, changes some bytes, empties or removes it.
fn harm(path: &Path, dice: &mut Dice) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let file = OpenOptions::new().write(true).open(path)?;
    let length = usize::try_from(file.metadata()?.len())?;
    match dice.below(4) {
        0 => file.set_len(dice.below(length) as u64)?,
        1 => fs::remove_file(path)?,
        2 => file.set_len(0)?,
        _ => {
            for _ in 0..8 {
                file.write_at(&[dice.0 as u8], dice.below(length) as u64)?;
            }
        }
    }
    Ok(())
}

/// Posts, edits and deletes until told to stop; what was answered counts.
async fn write(
    author: Api,
    word: String,
    stop: Arc<AtomicBool>,
    kept: Arc<Mutex<Vec<String>>>,
) -> Result<()> {
    for n in 0_usize.. {
        if stop.load(Ordering::Acquire) {
            return Ok(());
        }
        // A killed service answers nothing.
        let Ok(made) = author.post("/v1/posts", &json!({"body": format!("{word} {n}")})).await else {
            continue;
        };
        if made.status != 201 {
            continue;
        }
        let id = made.json["id"].as_str().context("no id")?.to_owned();
        match n % 4 {
            0 => drop(author.delete(&format!("/v1/posts/{id}")).await),
            1 => {
                let edited = json!({"body": format!("{word} edited {n}")});
                drop(author.patch(&format!("/v1/posts/{id}"), &edited).await);
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(id);
            }
            _ => kept.lock().unwrap_or_else(PoisonError::into_inner).push(id),
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_killed_while_it_builds_and_writes_finds_all_that_it_acknowledged() -> Result<()> {
    let folder = Folder::new();
    let service = folder.setup().start().await?;
    let (author, word, _) = some_posts(&service, 10).await?;
    let (stop, kept) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let writers: Vec<_> = (0..3)
        .map(|_| tokio::spawn(write(author.clone(), word.clone(), stop.clone(), kept.clone())))
        .collect();
    let mut dice = Dice::new();
    for round in 0..trials(2, 60) {
        let before = kept.lock().unwrap_or_else(PoisonError::into_inner).len();
        until("something was written", SECS, async || {
            Ok(kept.lock().unwrap_or_else(PoisonError::into_inner).len() > before + dice.below(8))
        })
        .await?;
        service.kill();
        if round % 2 == 0 {
            let _ = fs::remove_file(folder.index()?.join("current"));
            let had = folder.generations()?;
            service.start_process()?;
            // In the midst of a build, wherever that is.
            until("a build began", SECS, async || Ok(folder.generations()? != had)).await?;
            service.kill();
        }
        service.start_again().await?;
    }
    stop.store(true, Ordering::Release);
    for writer in writers {
        writer.await??;
    }
    let said = agrees(&service).await?;
    let kept = kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
    println!("{} rounds of kill -9, {} posts: {said}", trials(2, 60), kept.len());
    let index: HashSet<String> =
        author.all_ids(&format!("{}&limit=100", of("posts", &word))).await?.into_iter().collect();
    if kept.len() < 480 {
        ensure!(kept.iter().all(|id| index.contains(id)), "{} of {} are found", index.len(), kept.len());
    }
    Ok(())
}

#[tokio::test]
async fn when_the_server_that_feeds_is_killed_the_other_goes_on() -> Result<()> {
    let folder = Folder::new();
    let service = folder.setup().start().await?;
    let (author, word, mut posts) = some_posts(&service, 5).await?;
    let beside = Beside::start(&service).await?;
    let there = beside.ask_as(&author);
    for round in 0..trials(1, 20) {
        service.kill();
        let worker = service.spawn(&["work"])?;
        for n in 0..5 {
            posts.push(there.say(&format!("{word} {round} {n}")).await?);
        }
        let deleted = posts.remove(posts.len() - 2);
        there.delete(&format!("/v1/posts/{deleted}")).await?.expect(204)?;
        finds(&there, &word, &posts).await?;
        agrees(&service).await?;
        drop(worker);
        service.start_again().await?;
        finds(&author, &word, &posts).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reindex_hides_no_post_and_loses_none_that_is_written_meanwhile() -> Result<()> {
    let folder = Folder::new();
    let service = folder.setup().start().await?;
    let nobody = service.anonymous()?;
    let [author, reader] = nobody.signup_many().await?;
    let (word, done) = (word(), AtomicBool::new(false));
    let (found, searches, written) = (Mutex::new(HashSet::new()), AtomicUsize::new(0), AtomicUsize::new(0));
    let writing = async || -> Result<()> {
        // Fewer than one search shows.
        while !done.load(Ordering::Acquire) && written.load(Ordering::Relaxed) < 400 {
            let n = written.fetch_add(1, Ordering::Relaxed);
            author.say(&format!("{word} {n}")).await?;
        }
        Ok(())
    };
    let reading = async || -> Result<()> {
        while !done.load(Ordering::Acquire) {
            let before: HashSet<String> = found.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let now = reader.all_ids(&format!("{}&limit=100", of("posts", &word))).await?;
            let now: HashSet<String> = now.into_iter().collect();
            let missing = before.difference(&now).count();
            ensure!(missing == 0, "{missing} of {} are no longer found", before.len());
            searches.fetch_add(1, Ordering::Relaxed);
            found.lock().unwrap_or_else(PoisonError::into_inner).extend(now);
        }
        Ok(())
    };
    let building = async || -> Result<()> {
        for _ in 0..trials(2, 60) {
            let built = service.run(&["search", "reindex"]).await?;
            ensure!(built.status.success(), "{built:?}");
        }
        Ok(())
    };
    let build = async {
        let built = building().await;
        done.store(true, Ordering::Release);
        built
    };
    tokio::try_join!(build, writing(), reading(), reading())?;
    let said = agrees(&service).await?;
    let (searches, written) = (searches.into_inner(), written.into_inner());
    println!("{} builds, {written} posts, {searches} searches meanwhile: {said}", trials(2, 60));
    Ok(())
}

#[tokio::test]
async fn builds_beside_each_other_or_killed_leave_an_index_that_is_whole() -> Result<()> {
    let folder = Folder::new();
    let service = folder.setup().start().await?;
    let (author, word, posts) = some_posts(&service, 10).await?;
    for _ in 0..trials(1, 30) {
        let both =
            tokio::try_join!(service.run(&["search", "reindex"]), service.run(&["search", "reindex"]))?;
        ensure!(both.0.status.success() || both.1.status.success(), "{both:?}");
        for one in [&both.0, &both.1] {
            let said = String::from_utf8_lossy(&one.stderr);
            ensure!(one.status.success() || said.contains("another one is being built"), "{said}");
        }
        let had = folder.generations()?;
        let killed = service.spawn(&["search", "reindex"])?;
        until("a build began", SECS, async || Ok(folder.generations()? != had)).await?;
        drop(killed);
        finds(&author, &word, &posts).await?;
        service.run_well(&["search", "reindex"]).await?;
        finds(&author, &word, &posts).await?;
        ensure!(folder.generations()?.len() == 1, "{:?}", folder.generations()?);
    }
    agrees(&service).await.map(drop)
}

#[tokio::test]
async fn two_databases_in_one_folder_know_nothing_of_each_other() -> Result<()> {
    let folder = Folder::new();
    let (one, other) = (folder.setup().start().await?, folder.setup().start().await?);
    let (here, there) = (one.anonymous()?.signup().await?, other.anonymous()?.signup().await?);
    let word = word();
    let (first, second) =
        (here.say(&format!("{word} here")).await?, there.say(&format!("{word} there")).await?);
    finds(&here, &word, std::slice::from_ref(&first)).await?;
    finds(&there, &word, std::slice::from_ref(&second)).await?;
    one.run_well(&["search", "reindex"]).await?;
    finds(&here, &word, &[first]).await?;
    finds(&there, &word, &[second]).await?;
    agrees(&one).await?;
    agrees(&other).await.map(drop)
}

// ---- many at once ----

/// Sends until the service is not too busy to take it; a refusal for that reason took seconds.
async fn insist(person: &Api, method: &str, path: &str, body: &Value) -> Result<Answer> {
    for _ in 0..30 {
        let answer = person.send(method, path, &[], body).await?;
        if answer.status != 503 {
            return Ok(answer);
        }
    }
    bail!("{method} {path} is refused again and again")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_who_write_and_twenty_who_search_leave_an_index_without_differences() -> Result<()> {
    let folder = Folder::new();
    let service = folder.setup().start().await?;
    let (nobody, word) = (service.anonymous()?, word());
    let people = all((0..50).map(|_| {
        let nobody = nobody.clone();
        async move { nobody.signup().await }
    }))
    .await?;
    let acts = trials(2, 60);
    let marked = people[0].handle.clone();
    let writing = all(people.into_iter().map(|person| {
        let word = word.clone();
        async move {
            for n in 0..acts {
                let body = json!({"body": format!("{word} {n}")});
                let made = insist(&person, "POST", "/v1/posts", &body).await?.expect(201)?;
                let path = format!("/v1/posts/{}", made.json["id"].as_str().context("no id")?);
                let (method, path, body) = match n % 3 {
                    0 => ("PATCH", path.as_str(), json!({"body": format!("{word} edited")})),
                    1 => ("DELETE", path.as_str(), Value::Null),
                    _ => ("PATCH", "/v1/me", json!({"name": format!("{word} {n}")})),
                };
                let done = insist(&person, method, path, &body).await?;
                ensure!((200..300).contains(&done.status), "{method} {path}: {}", done.text());
            }
            Ok(())
        }
    }));
    let searching = all((0..20).map(|_| {
        let (nobody, path) = (nobody.clone(), of("all", &word));
        async move {
            let mut away = 0;
            for _ in 0..acts * 3 {
                let answer = nobody.get(&path).await?;
                away += usize::from(answer.status == 503);
                ensure!([200, 503].contains(&answer.status), "{}", answer.text());
            }
            Ok(away)
        }
    }));
    // Marks on people who write meanwhile take the same locks.
    let written = AtomicBool::new(false);
    let marking = async {
        let mut marks = 0;
        while !written.load(Ordering::Acquire) {
            let args = ["admin", "verify-user", &marked, "--withdraw"];
            service.run_well(&args[..3 + marks % 2]).await?;
            marks += 1;
        }
        Ok(marks)
    };
    let writing = async {
        let done = writing.await;
        written.store(true, Ordering::Release);
        done
    };
    let (_, away, marks) = tokio::try_join!(writing, searching, marking)?;
    let said = agrees(&service).await?;
    let (acted, searched, away) = (50 * acts * 2, 20 * acts * 3, away.iter().sum::<usize>());
    println!("{acted} acts, {marks} marks, {searched} searches, {away} answered 503: {said}");
    Ok(())
}

#[tokio::test]
async fn what_is_imported_while_the_service_runs_is_found() -> Result<()> {
    let folder = Folder::new();
    let service = folder.setup().start().await?;
    let (nobody, word) = (service.anonymous()?, word());
    let archive = Folder::new();
    fs::create_dir_all(&archive.0)?;
    let (mut authors, mut posts) = (String::from("author,followers_count,account_created\n"), String::new());
    let people: Vec<String> =
        (0..3).map(|n| format!("{}{n}", word.chars().take(10).collect::<String>())).collect();
    for person in &people {
        authors.push_str(&format!("{person},10,2012-01-01\n"));
    }
    for n in 0..40 {
        let post = json!({"id": format!("p{n}"), "created_at": format!("2014-01-03T15:{:02}:00Z", n), "author": people[n % 3],
                          "text": format!("{word} imported {n}"), "tickers": ["AAPL"]});
        posts.push_str(&format!("{post}\n"));
    }
    fs::write(archive.0.join("authors.csv"), authors)?;
    fs::write(archive.0.join("posts.jsonl"), posts)?;
    let dir = archive.0.display().to_string();
    let rejects = archive.0.join("rejects").display().to_string();
    service.run_well(&["import", &dir, "--rejects", &rejects]).await?;
    until("all are found", SECS, async || {
        Ok(nobody.ids(&format!("{}&limit=100", of("posts", &word))).await?.len() == 40)
    })
    .await?;
    until("their authors too", SECS, async || {
        let found = nobody.get(&of("users", &people[0])).await?.expect(200)?;
        Ok(found.items().iter().any(|one| one["handle"] == people[0].as_str()))
    })
    .await?;
    service.run_well(&["import", &dir, "--rejects", &rejects]).await?;
    agrees(&service).await.map(drop)
}

// ---- nicknames ----

#[tokio::test]
async fn a_nickname_added_to_two_instruments_at_once_means_one_of_them() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let admin = service.member(&nobody, "admin").await?;
    for round in 0..trials(6, 100) {
        let name = encoded(&format!("별명{}", word()));
        let [one, other, third] = ["XNAS:NVDA", "XNAS:MSFT", "XNAS:GOOG"]
            .map(|symbol| format!("/v1/tickers/{symbol}/aliases/{name}"));
        let (a, b, c) = tokio::try_join!(admin.put(&one), admin.put(&other), admin.put(&third))?;
        let mut statuses = [a.status, b.status, c.status];
        statuses.sort_unstable();
        ensure!(statuses == [200, 409, 409], "round {round}: {statuses:?}");
        for path in [&one, &other, &third] {
            admin.delete(path).await?.expect(204)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_nickname_taken_away_is_brought_back_by_no_release_and_no_import() -> Result<()> {
    let folder = Folder::new();
    let service = folder.setup().start().await?;
    let nobody = service.anonymous()?;
    let admin = service.member(&nobody, "admin").await?;
    let archive = Folder::new();
    fs::create_dir_all(&archive.0)?;
    let tickers = "symbol,company,sector,exchange,name_ko,aliases\nAAPL,Apple Inc.,Technology,NASDAQ,애플,능금|다른능금\n";
    fs::write(archive.0.join("tickers.csv"), tickers)?;
    let dir = archive.0.display().to_string();
    let listed =
        async || -> Result<String> { Ok(admin.get("/v1/tickers/AAPL/aliases").await?.expect(200)?.text()) };
    service.run_well(&["import", &dir]).await?;
    until("the nickname is there", SECS, async || Ok(listed().await?.contains("능금"))).await?;
    admin.delete(&format!("/v1/tickers/AAPL/aliases/{}", encoded("능금"))).await?.expect(204)?;
    for _ in 0..2 {
        service.run_well(&["import", &dir]).await?;
        service.run_well(&["migrate"]).await?;
        let names = listed().await?;
        ensure!(!names.contains("\"능금\"") && names.contains("\"다른능금\""), "{names}");
    }
    service.terminate().await?;
    service.start_again().await?;
    ensure!(!listed().await?.contains("\"능금\""), "back after a restart");
    let page = nobody.get(&of("tickers", "능금")).await?.expect(200)?;
    ensure!(!page.items().iter().any(|item| item["matched"]["name"] == "능금"), "{}", page.json);
    Ok(())
}

#[tokio::test]
async fn odd_nicknames_are_kept_in_one_form_or_refused_and_are_for_admins() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let [admin, moderator] =
        [service.member(&nobody, "admin").await?, service.member(&nobody, "moderator").await?];
    let person = nobody.signup().await?;
    let path = |symbol: &str, name: &str| format!("/v1/tickers/{symbol}/aliases/{}", encoded(name));
    for (raw, kept) in
        [("Green Team", "greenteam"), ("ＧＰＵ 왕", "gpu왕"), ("🚀로켓", "🚀로켓"), ("줄\n바꿈", "줄바꿈")]
    {
        let made = admin.put(&path("XNAS:NVDA", raw)).await?;
        ensure!(made.status == 200 || made.status == 422, "{raw}: {}", made.text());
        if made.status == 200 {
            ensure!(made.json["alias"] == kept, "{raw}: {}", made.json);
            admin.delete(&path("XNAS:NVDA", raw)).await?.expect(204)?;
        }
    }
    for taken in ["AAPL", "애플", "005930", "apple inc."] {
        let made = admin.put(&path("XNAS:NVDA", taken)).await?;
        ensure!(made.status == 409 || made.status == 422, "{taken}: {} {}", made.status, made.text());
    }
    for bad in ["", " ", "🚀", "!!", &"가".repeat(201), "a\u{0}b", &"가".repeat(5_000)] {
        let made = admin.put(&path("XNAS:NVDA", bad)).await?;
        ensure!([400, 404, 405, 422, 431].contains(&made.status), "{bad:?}: {} {}", made.status, made.text());
    }
    for symbol in ["NOSUCH", "XNAS:NOSUCH", "%00", "🚀", "XKRX:"] {
        for answer in [
            admin.put(&path(&encoded(symbol), "별명이다")).await?,
            admin.get(&format!("/v1/tickers/{}/aliases", encoded(symbol))).await?,
        ] {
            ensure!([400, 404].contains(&answer.status), "{symbol}: {} {}", answer.status, answer.text());
        }
    }
    let name = path("XNAS:NVDA", "권한별명");
    for (who, status) in [(&nobody, 401), (&person, 403), (&moderator, 403)] {
        who.put(&name).await?.expect(status)?;
        who.delete(&name).await?.expect(status)?;
        who.get("/v1/tickers/XNAS:NVDA/aliases").await?.expect(status)?;
    }
    Ok(())
}

// ---- what is sent ----

const PIECES: [&str; 52] = [
    "삼성",
    "전자",
    "ㅅㅅ",
    "ㅏ",
    "ᄀ",
    "ᆨ",
    "ᅡ",
    "ㄱㅏ",
    "각",
    "e\u{301}",
    "\u{301}",
    "\u{302}\u{303}\u{304}",
    "שלום",
    "مرحبا",
    "﷽",
    "\u{202e}",
    "\u{200b}",
    "\u{200d}",
    "👨‍👩‍👧‍👦",
    "🏳️‍🌈",
    "🇰🇷",
    "👍🏽",
    "\u{fe0f}",
    "\u{1}",
    "\u{7f}",
    "\u{0}",
    "\n",
    "\t",
    "\"",
    "“",
    "”",
    "'",
    "‘",
    "«",
    "「",
    "＂",
    "$",
    "＄",
    "-",
    "+",
    "AAPL",
    "aapl",
    "1e9",
    "٣٤",
    "½",
    "ǅ",
    "ß",
    "İ",
    "ﬁ",
    "𝔸",
    "NaN",
    "\u{10ffff}",
];

fn query(dice: &mut Dice) -> String {
    match dice.below(12) {
        0 => dice.one_of(&["a", "가", "ㅋ", "🚀", "삼", "\u{301}"]).repeat(1 + dice.below(200)),
        1 => vec![*dice.one_of(&["a", "b", "가", "1", "\""]); 100].join(" "),
        2 => (0..100).map(|n| char::from(b'a' + (n % 26) as u8).to_string()).collect::<Vec<_>>().join(" "),
        3 => format!("\"{}", dice.one_of(&PIECES)),
        4 => format!("{}", dice.0),
        5 => (0..1 + dice.below(60))
            .filter_map(|_| char::from_u32(u32::try_from(dice.below(0x11_0000)).unwrap_or_default()))
            .collect(),
        6 => (0..1 + dice.below(40))
            .filter_map(|_| char::from_u32(0x1100 + u32::try_from(dice.below(0x100)).unwrap_or_default()))
            .collect(),
        7 => (0..1 + dice.below(60))
            .filter_map(|_| char::from_u32(0xAC00 + u32::try_from(dice.below(11_172)).unwrap_or_default()))
            .collect(),
        8 => (0..1 + dice.below(60))
            .map(|_| char::from(u8::try_from(32 + dice.below(95)).unwrap_or(b' ')))
            .collect(),
        _ => {
            let gap = *dice.one_of(&["", " ", "  ", "\u{3000}", "\u{a0}"]);
            (0..1 + dice.below(12)).map(|_| *dice.one_of(&PIECES)).collect::<Vec<_>>().join(gap)
        }
    }
}

/// Ranges that are sorted, disjoint, not empty, and within the text.
fn well_marked(text: &Value, ranges: &Value) -> Result<()> {
    let text = text.as_str().context("no text")?;
    let (length, mut last) = (text.chars().count() as u64, 0);
    for range in ranges.as_array().context("no ranges")? {
        let (Some(from), Some(to)) = (range[0].as_u64(), range[1].as_u64()) else {
            bail!("{range} is no range")
        };
        ensure!(last <= from && from < to && to <= length, "{ranges} in {text:?}");
        last = to;
    }
    Ok(())
}

fn well_formed(kind: &str, page: &Value) -> Result<()> {
    if kind == "all" {
        for (kind, name) in [("tickers", "tickers"), ("users", "users"), ("posts", "posts")] {
            well_formed(kind, &page[name])?;
        }
        return Ok(());
    }
    ensure!(page["next_cursor"].is_null() || page["next_cursor"].is_string(), "{page}");
    for item in page["items"].as_array().context("no items")? {
        match (kind, item["type"].as_str()) {
            ("posts", _) => well_marked(&item["body"], &item["highlights"])?,
            ("users", _) => {
                well_marked(&item["handle"], &item["highlights"]["handle"])?;
                well_marked(&item["name"], &item["highlights"]["name"])?;
            }
            ("tickers", _) | (_, Some("ticker")) => {
                well_marked(&item["matched"]["name"], &item["matched"]["highlights"])?
            }
            (_, Some("user")) => ensure!(item["handle"].is_string(), "{item}"),
            _ => bail!("{item} is of no kind"),
        }
    }
    Ok(())
}

async fn fuzz(api: Api, seed: u64, queries: usize) -> Result<usize> {
    let (mut dice, mut found) = (Dice(seed | 1), 0);
    for _ in 0..queries {
        let q = query(&mut dice);
        for kind in ["posts", "users", "tickers", "all", "suggest"] {
            let path = if kind == "suggest" {
                format!("/v1/search/suggest?q={}", encoded(&q))
            } else {
                of(kind, &q)
            };
            let answer = api.get(&path).await?;
            if answer.status == 422 {
                answer.names("q")?;
                continue;
            }
            let answer = answer.expect(200).with_context(|| format!("{q:?}"))?;
            well_formed(kind, &answer.json).with_context(|| format!("{kind} {q:?}"))?;
            found += answer.items().len();
        }
    }
    Ok(found)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_query_breaks_search_and_marks_lie_within_the_text() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let author = service.anonymous()?.signup().await?;
    let mut dice = Dice::new();
    let mut bodies = Vec::new();
    while bodies.len() < 60 {
        let body: String = query(&mut dice).chars().take(300).collect();
        if author.post("/v1/posts", &json!({"body": format!("삼성전자 {body} AAPL")})).await?.status == 201
        {
            bodies.push(body);
        }
    }
    service.settle().await?;
    let queries = trials(60, 4_000);
    let api = service.anonymous()?;
    let found = all((0..3).map(|n| fuzz(api.clone(), dice.0 ^ (n << 32), queries / 3))).await?;
    // What was written, as it was written.
    for body in &bodies {
        let q: String = body.chars().take(200).collect();
        if q.trim().is_empty() {
            continue;
        }
        let answer = api.get(&of("posts", &q)).await?.expect(200)?;
        well_formed("posts", &answer.json).with_context(|| format!("{q:?}"))?;
    }
    println!("{queries} queries in five ways: {} items", found.iter().sum::<usize>());
    Ok(())
}

#[tokio::test]
async fn doubled_empty_and_odd_parameters_are_refused() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let api = service.anonymous()?.signup().await?;
    for query in [
        "q=a&q=b",
        "q[]=a",
        "q=a&type=",
        "q=a&type=posts&type=users",
        "q=a&limit=",
        "q=a&limit=-1",
        "q=a&limit=1.5",
        "q=a&limit=99999999999999999999",
        "q=a&limit=5&limit=6",
        "q=a&ticker=",
        "q=a&author=",
        "q=a&author=@",
        "q=a&stance=",
        "q=a&from=",
        "q=a&to=",
        "q=a&from=9999999-01-01",
        "q=a&to=-262144-01-01",
        "q=a&verified=",
        "q=a&verified=1",
        "q=a&cursor=",
        "q=a&type=posts&cursor=",
        "q=a&%00=1",
        "q=a&author=%00",
        "q=a&ticker=%00",
        "q=a&type=tickers&cursor=AAAA",
        "q=a&type=users&cursor=AAAA",
    ] {
        for path in [format!("/v1/search?{query}"), format!("/v1/search/suggest?{query}")] {
            let answer = api.get(&path).await?;
            ensure!((400..500).contains(&answer.status), "{path}: {} {}", answer.status, answer.text());
            ensure!(answer.header("content-type") == "application/problem+json", "{path}: {}", answer.text());
        }
    }
    for query in [
        "q=a&limit=1",
        "q=a&limit=100",
        "q=a&from=0001-01-01&to=9999-12-31",
        "q=a&to=+262142-12-31",
        "q=a&from=2026-02-01&to=2026-01-01",
        "q=%ff%fe",
        "q=%",
    ] {
        let answer = api.get(&format!("/v1/search?{query}")).await?;
        ensure!([200, 422].contains(&answer.status), "{query}: {} {}", answer.status, answer.text());
    }
    Ok(())
}

#[tokio::test]
async fn a_cursor_that_was_changed_opens_no_page() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let author = service.anonymous()?.signup().await?;
    let word = word();
    let mut posts = Vec::new();
    for n in 0..9 {
        posts.push(author.say(&format!("{word} {n}")).await?);
    }
    finds(&author, &word, &posts).await?;
    let prefix: String = word.chars().take(9).collect();
    for last in ["a", "b", "c"] {
        service.anonymous()?.signup_as(&format!("{prefix}{last}")).await?;
    }
    let mut lists = Vec::new();
    for path in [
        format!("{}&limit=3", of("posts", &word)),
        format!("{}&limit=1", of("tickers", "a")),
        format!("{}&limit=1", of("users", &prefix)),
    ] {
        let mut cursor = String::new();
        until("there is a second page", SECS, async || {
            let first = author.get(&path).await?.expect(200)?;
            cursor = first.json["next_cursor"].as_str().unwrap_or_default().to_owned();
            Ok(!cursor.is_empty())
        })
        .await?;
        let second = author.get(&format!("{path}&cursor={cursor}")).await?.expect(200)?.body;
        lists.push((path, cursor, second));
    }
    let (mut dice, mut same) = (Dice::new(), 0);
    for n in 0..trials(300, 6_000) {
        let (path, cursor, second) = dice.one_of(&lists).clone();
        let mut bytes = cursor.clone().into_bytes();
        let at = dice.below(bytes.len());
        match dice.below(5) {
            0 => bytes.truncate(at),
            1 => bytes[at] = *dice.one_of(b"ABCabc012-_"),
            2 => bytes.insert(at, *dice.one_of(b"ABCabc012-_=")),
            3 => bytes.swap(at, 0),
            _ => bytes = dice.one_of(&lists).1.clone().into_bytes(),
        }
        if bytes == cursor.as_bytes() {
            continue;
        }
        let changed = encoded(&String::from_utf8(bytes)?);
        let answer = author.get(&format!("{path}&cursor={changed}")).await?;
        if answer.status == 200 && answer.body == second {
            // Two ways to write the same bytes.
            same += 1;
            continue;
        }
        answer.expect(400).with_context(|| format!("{n}: {cursor} as {changed}"))?;
    }
    ensure!(same == 0, "{same} changed cursors opened the page they came from");
    Ok(())
}

// ---- starting and stopping ----

#[tokio::test]
async fn a_service_asked_to_stop_while_it_builds_and_writes_ends_in_time() -> Result<()> {
    let folder = Folder::new();
    let service = folder.setup().start().await?;
    let (author, word, posts) = some_posts(&service, 30).await?;
    for round in 0..trials(1, 20) {
        if round % 2 == 0 {
            service.terminate().await?;
            fs::remove_dir_all(&folder.0)?;
            service.start_process()?;
            until("a build began", SECS, async || {
                Ok(folder.index().is_ok() && !folder.generations()?.is_empty())
            })
            .await?;
        } else {
            for post in &posts {
                let edited = json!({"body": format!("{word} {round}")});
                author.patch(&format!("/v1/posts/{post}"), &edited).await?.expect(200)?;
            }
        }
        let ended = service.terminate().await?;
        ensure!(ended.success(), "{ended}");
        service.start_again().await?;
        finds(&author, &word, &posts).await?;
    }
    agrees(&service).await.map(drop)
}

#[tokio::test]
async fn search_opens_by_itself_when_the_database_comes_back() -> Result<()> {
    let home: reqwest::Url = std::env::var("DATABASE_URL")?.parse()?;
    let target = format!("{}:{}", home.host_str().context("no host")?, home.port().unwrap_or(5432));
    let proxy = Proxy::start(target).await?;
    let service = setup().database_at(proxy.address).start().await?;
    let (author, word, posts) = some_posts(&service, 3).await?;
    service.kill();
    proxy.sever();
    service.start_process()?;
    until("it answers that search is away", SECS, async || {
        let answer = author.get(&of("posts", &word)).await;
        Ok(answer.is_ok_and(|answer| answer.status == 503))
    })
    .await?;
    proxy.heal();
    finds(&author, &word, &posts).await
}
