//! Paging while others write and delete: nothing comes twice, nothing that stays visible is skipped.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, Result, bail, ensure};
use madang_tests::{Api, Service, Setup, Shared, until};
use tokio::task::JoinSet;

static SERVICE: Shared = Shared::new();

/// Small windows and boards, so that pages cross their seams.
fn setup() -> Setup {
    Setup::new().with("TIMELINE_CAP", "20").with("BOARD_CAP", "30").with("SNAPSHOT_REUSE_MS", "0")
}

const AUTHORS: usize = 4;
const POSTS: usize = 15;
const ROUNDS: usize = 4;

struct Scene {
    reader: Api,
    authors: Vec<Api>,
    /// Posts that are never deleted.
    kept: HashSet<String>,
    /// Posts that may be deleted, by author.
    doomed: Vec<(usize, String)>,
}

async fn scene(service: &Service, ticker: &str) -> Result<Scene> {
    let nobody = service.anonymous()?;
    let reader = nobody.signup().await?;
    let authors: [Api; AUTHORS] = nobody.signup_many().await?;
    // Different numbers of followers make rank and time disagree.
    let fans: [Api; 6] = nobody.signup_many().await?;
    for (n, author) in authors.iter().enumerate() {
        for fan in fans.iter().take(n * 2) {
            fan.follow(author).await?;
        }
        reader.follow(author).await?;
    }
    let (mut kept, mut doomed) = (HashSet::new(), Vec::new());
    for n in 0..POSTS {
        for (at, author) in authors.iter().enumerate() {
            let id = author.say(&format!("post {n} ${ticker}")).await?;
            if n % 5 == 4 {
                doomed.push((at, id));
            } else {
                kept.insert(id);
            }
        }
    }
    service.settle().await?;
    Ok(Scene { reader, authors: authors.to_vec(), kept, doomed })
}

/// Writes and deletes until told to stop.
async fn disturb(
    authors: Vec<Api>,
    doomed: Vec<(usize, String)>,
    ticker: String,
    stop: Arc<AtomicBool>,
) -> Result<usize> {
    let mut doomed = doomed.into_iter();
    let mut acts = 0;
    while !stop.load(Ordering::Relaxed) {
        for author in &authors {
            author.say(&format!("meanwhile ${ticker}")).await?;
            acts += 1;
        }
        if let Some((at, id)) = doomed.next() {
            let author = authors.get(at).context("no author")?;
            author.delete(&format!("/v1/posts/{id}")).await?.expect(204)?;
            acts += 1;
        }
    }
    Ok(acts)
}

/// Pages through; fails where an id comes twice or one that stayed is missing.
async fn page_through(reader: &Api, path: &str, expected: &HashSet<String>) -> Result<usize> {
    let (mut seen, mut next, mut pages) = (HashSet::new(), path.to_owned(), 0);
    loop {
        let page = reader.get(&next).await?.expect(200)?;
        pages += 1;
        for id in page.ids() {
            ensure!(seen.insert(id.clone()), "{path}: {id} came twice, again on page {pages}");
        }
        ensure!(pages < 500, "{path} does not end");
        match page.json["next_cursor"].as_str() {
            Some(cursor) => next = format!("{path}&cursor={cursor}"),
            None => break,
        }
    }
    let skipped: Vec<_> = expected.difference(&seen).collect();
    ensure!(skipped.is_empty(), "{path}: {} of {} skipped", skipped.len(), expected.len());
    Ok(pages)
}

async fn page_under_fire(path: &str, ticker: &str, whole: bool) -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let scene = scene(&service, ticker).await?;
    let mut pages = 0;
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    tasks.spawn(disturb(scene.authors, scene.doomed, ticker.to_owned(), stop.clone()));
    for _ in 0..ROUNDS {
        for limit in [3, 7] {
            let path = format!("{path}&limit={limit}");
            // A frozen board ends at its cap: what it holds at the first page is no more than that.
            let expected = if whole { scene.kept.clone() } else { HashSet::new() };
            pages += page_through(&scene.reader, &path, &expected).await?;
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut acts = 0;
    while let Some(done) = tasks.join_next().await {
        acts += done??;
    }
    println!("trials: {} times {path} in {pages} pages, {acts} posts and deletions meanwhile", 2 * ROUNDS);
    Ok(())
}

#[tokio::test]
async fn home_by_rank_repeats_and_skips_nothing_while_others_write() -> Result<()> {
    page_under_fire("/v1/timeline?order=top", "GOOG", true).await
}

#[tokio::test]
async fn home_by_time_repeats_and_skips_nothing_while_others_write() -> Result<()> {
    page_under_fire("/v1/timeline?order=latest", "GOOG", true).await
}

#[tokio::test]
async fn a_board_by_time_repeats_and_skips_nothing_while_others_write() -> Result<()> {
    page_under_fire("/v1/tickers/MSFT/posts?order=latest", "MSFT", true).await
}

#[tokio::test]
async fn a_top_board_repeats_nothing_while_others_write() -> Result<()> {
    page_under_fire("/v1/tickers/NVDA/posts?order=top", "NVDA", false).await
}

#[tokio::test]
async fn a_frozen_top_board_shows_all_it_had_at_the_first_page() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let author = service.anonymous()?.signup().await?;
    let mut written = HashSet::new();
    for n in 0..25 {
        written.insert(author.say(&format!("post {n} $META")).await?);
    }
    service.settle().await?;
    let path = "/v1/tickers/META/posts?order=top&limit=5";
    let first = author.get(path).await?.expect(200)?;
    for n in 0..10 {
        author.say(&format!("late {n} $META")).await?;
    }
    service.settle().await?;
    let mut seen: Vec<String> = first.ids();
    let mut cursor = first.json["next_cursor"].as_str().map(str::to_owned);
    while let Some(at) = cursor {
        let page = author.get(&format!("{path}&cursor={at}")).await?.expect(200)?;
        seen.extend(page.ids());
        cursor = page.json["next_cursor"].as_str().map(str::to_owned);
    }
    ensure!(seen.len() == written.len(), "{} of {}", seen.len(), written.len());
    ensure!(seen.into_iter().collect::<HashSet<_>>() == written, "not what was there at the first page");
    Ok(())
}

#[tokio::test]
async fn a_cursor_of_a_frozen_list_expires_and_says_so() -> Result<()> {
    let service = setup().with("SNAPSHOT_SECS", "1").start().await?;
    let author = service.anonymous()?.signup().await?;
    for n in 0..4 {
        author.say(&format!("post {n} $AAPL")).await?;
    }
    service.settle().await?;
    for path in ["/v1/tickers/AAPL/posts?order=top&limit=2", "/v1/trending/posts?limit=2"] {
        let page = author.get(path).await?.expect(200)?;
        let cursor = page.json["next_cursor"].as_str().context("no cursor")?;
        let next = format!("{path}&cursor={cursor}");
        until("the cursor has expired", 15, async || {
            let answer = author.get(&next).await?;
            match answer.status {
                200 => Ok(false),
                410 => answer.refused(410, "cursor_expired").map(|_| true),
                other => bail!("{other}: {}", answer.text()),
            }
        })
        .await?;
    }
    Ok(())
}
