//! Several processes, or several indexes of one, on a folder.

use std::{
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use madang_core::ids::PostId;
use madang_search::{
    SearchError, SearchIndex,
    documents::{Batch, Built, Mark},
    query::{PostFilter, PostQuery},
};

use crate::{
    DATABASE, Folder, at,
    suite::{post, typed},
};

const PATIENCE: Duration = Duration::from_secs(60);

fn mark(position: i64) -> Mark {
    Mark { database: DATABASE.into(), position, building: None }
}

fn built(position: i64, posts_after: i64) -> Mark {
    Mark { building: Some(Built { people_after: 0, posts_after }), ..mark(position) }
}

fn one(id: i64, body: &str) -> Batch {
    Batch { posts: vec![post(id, body)], ..Batch::default() }
}

async fn build(index: &SearchIndex, position: i64, batch: Batch) {
    index.begin_build(mark(position), false).await.unwrap();
    index.build(batch, built(position, 0)).await.unwrap();
    index.finish_build().await.unwrap();
}

async fn find(index: &SearchIndex, text: &str) -> Result<Vec<i64>, SearchError> {
    let query = PostQuery { words: typed(text), filter: PostFilter::default(), limit: 50 };
    Ok(index.posts(&query).await?.into_iter().map(PostId::get).collect())
}

async fn ids(index: &SearchIndex) -> Vec<i64> {
    index.post_ids(PostId::new(0), 100_000).await.unwrap().into_iter().map(PostId::get).collect()
}

#[tokio::test]
async fn without_an_index_search_is_away_and_nothing_can_be_applied() {
    let folder = Folder::new();
    let index = at(&folder.0);
    assert_eq!(index.mark().await.unwrap(), None);
    assert!(matches!(find(&index, "word").await, Err(SearchError::Away(_))));
    assert!(matches!(index.apply(Batch::default(), 0, mark(1)).await, Err(SearchError::Failed(_))));
    assert!(index.lead().await.unwrap());
    assert!(matches!(index.apply(Batch::default(), 0, mark(1)).await, Err(SearchError::Away(_))));
}

#[tokio::test]
async fn one_leads_and_the_others_see_its_commits() {
    let folder = Folder::new();
    let (first, second) = (at(&folder.0), at(&folder.0));
    assert!(matches!(find(&second, "word").await, Err(SearchError::Away(_))));
    build(&first, 1, one(1, "word")).await;
    assert_eq!(find(&second, "word").await.unwrap(), [1]);
    assert!(first.lead().await.unwrap() && first.lead().await.unwrap());
    assert!(!second.lead().await.unwrap());
    assert!(matches!(second.apply(one(5, "word"), 1, mark(2)).await, Err(SearchError::Failed(_))));
    first.apply(one(2, "word"), 1, mark(2)).await.unwrap();
    assert_eq!(find(&second, "word").await.unwrap(), [2, 1]);
    assert_eq!(second.mark().await.unwrap(), Some(mark(2)));
    drop(first);
    assert!(second.lead().await.unwrap());
    second.apply(one(3, "word"), 2, mark(3)).await.unwrap();
    assert_eq!(find(&second, "word").await.unwrap(), [3, 2, 1]);
}

#[tokio::test]
async fn another_process_builds_while_one_leads_and_the_leader_goes_on_in_the_new_index() {
    let folder = Folder::new();
    let (service, command) = (at(&folder.0), at(&folder.0));
    build(&service, 1, one(1, "old word")).await;
    assert!(service.lead().await.unwrap());
    service.apply(one(2, "old word"), 1, mark(2)).await.unwrap();
    command.begin_build(mark(2), false).await.unwrap();
    let refused = service.begin_build(mark(2), false).await.unwrap_err().to_string();
    assert!(refused.contains("another one is being built"), "{refused}");
    service.apply(one(3, "old word"), 2, mark(3)).await.unwrap();
    command.build(one(9, "new word"), built(2, 9)).await.unwrap();
    command.finish_build().await.unwrap();
    assert_eq!(service.mark().await.unwrap(), Some(mark(2)));
    service.apply(one(3, "new word"), 2, mark(3)).await.unwrap();
    for index in [&service, &command] {
        assert_eq!(find(index, "word").await.unwrap(), [9, 3]);
        assert_eq!(index.mark().await.unwrap(), Some(mark(3)));
    }
    assert_eq!(
        std::fs::read_dir(folder.0.join(DATABASE)).unwrap().count(),
        4,
        "current, two locks, one index"
    );
}

#[tokio::test]
async fn a_change_of_index_between_the_mark_and_the_batch_loses_nothing() {
    let folder = Folder::new();
    let (service, command) = (at(&folder.0), at(&folder.0));
    build(&service, 500, one(1, "old word")).await;
    assert!(service.lead().await.unwrap());
    service.apply(one(2, "old word"), 500, mark(501)).await.unwrap();
    for change in 0..2 {
        let read = service.mark().await.unwrap().unwrap().position;
        build(&command, 100 + change, one(1, "new word")).await;
        let told = service.apply(one(3, "old word"), read, mark(read + 10)).await;
        assert!(matches!(told, Err(SearchError::Away(_))), "{told:?}");
        assert_eq!(command.mark().await.unwrap(), Some(mark(100 + change)));
        assert_eq!(find(&command, "word").await.unwrap(), [1]);
        service.apply(one(4, "new word"), 100 + change, mark(110 + change)).await.unwrap();
        assert_eq!(command.mark().await.unwrap(), Some(mark(110 + change)));
    }
}

#[tokio::test]
async fn a_build_that_was_cut_off_goes_on_and_one_of_another_database_does_not() {
    let folder = Folder::new();
    let first = at(&folder.0);
    first.begin_build(mark(4), false).await.unwrap();
    first.build(one(1, "word"), built(4, 1)).await.unwrap();
    drop(first);
    let second = at(&folder.0);
    assert_eq!(second.mark().await.unwrap(), None);
    assert_eq!(second.begin_build(mark(8), false).await.unwrap(), built(4, 1));
    second.build(one(2, "word"), built(4, 2)).await.unwrap();
    second.finish_build().await.unwrap();
    assert_eq!(ids(&second).await, [1, 2]);
    let other = "6f1c1d0e-0000-4000-8000-000000000002";
    assert!(madang_search::embedded::Embedded::open(&folder.0, "../x").is_err());
    let third = SearchIndex::Embedded(madang_search::embedded::Embedded::open(&folder.0, other).unwrap());
    assert_eq!(third.mark().await.unwrap(), None);
}

#[tokio::test]
async fn an_index_of_another_format_counts_as_none() {
    let folder = Folder::new();
    build(&at(&folder.0), 1, one(1, "word")).await;
    let root = folder.0.join(DATABASE);
    let name = std::fs::read_to_string(root.join("current")).unwrap();
    let older = format!("v0-{}", name.split_once('-').unwrap().1);
    std::fs::rename(root.join(&name), root.join(&older)).unwrap();
    std::fs::write(root.join("current"), &older).unwrap();
    let index = at(&folder.0);
    assert_eq!(index.mark().await.unwrap(), None);
    build(&index, 2, one(2, "word")).await;
    assert_eq!(find(&index, "word").await.unwrap(), [2]);
    assert!(!root.join(older).exists());
}

#[tokio::test]
async fn an_older_release_leaves_a_newer_ones_index_alone() {
    let folder = Folder::new();
    let index = at(&folder.0);
    build(&index, 1, one(1, "word")).await;
    assert!(index.lead().await.unwrap());
    let root = folder.0.join(DATABASE);
    let ours = std::fs::read_to_string(root.join("current")).unwrap();
    let number = ours.split_once('-').unwrap().1;
    let (newer, begun) = (format!("v99-{number}"), format!("v99-{number}1"));
    for name in [&newer, &begun] {
        std::fs::create_dir(root.join(name)).unwrap();
        std::fs::write(root.join(name).join("meta.json"), "unheard of").unwrap();
    }
    // Half-built, it is in nobody's way.
    build(&index, 2, one(2, "word")).await;
    index.apply(one(3, "word"), 2, mark(3)).await.unwrap();
    assert!(root.join(&newer).exists() && root.join(&begun).exists());
    std::fs::write(root.join("current"), &newer).unwrap();
    for index in [index, at(&folder.0)] {
        assert!(matches!(index.mark().await, Err(SearchError::Away(why)) if why.contains("newer release")));
        let told = find(&index, "word").await;
        assert!(matches!(&told, Err(SearchError::Away(why)) if why.contains("newer release")), "{told:?}");
        assert!(!index.lead().await.unwrap(), "so that the newer one can");
        assert!(index.apply(one(4, "word"), 3, mark(4)).await.is_err());
        for anew in [false, true] {
            assert!(matches!(index.begin_build(mark(5), anew).await, Err(SearchError::Away(_))));
        }
    }
    assert!(root.join(&newer).exists() && root.join(&begun).exists());
    assert_eq!(std::fs::read_to_string(root.join("current")).unwrap(), newer);
}

#[tokio::test]
async fn an_older_ones_index_stays_until_the_new_one_answers() {
    let folder = Folder::new();
    build(&at(&folder.0), 1, one(1, "word")).await;
    let root = folder.0.join(DATABASE);
    let ours = std::fs::read_to_string(root.join("current")).unwrap();
    let older = format!("v0-{}", ours.split_once('-').unwrap().1);
    std::fs::rename(root.join(&ours), root.join(&older)).unwrap();
    std::fs::write(root.join("current"), &older).unwrap();
    let index = at(&folder.0);
    index.begin_build(mark(2), true).await.unwrap();
    assert!(root.join(&older).exists(), "an older release may still answer from it");
    index.finish_build().await.unwrap();
    assert!(!root.join(&older).exists());
}

#[tokio::test]
async fn ids_are_listed_page_by_page_while_others_are_put_in_and_taken_out() {
    let folder = Folder::new();
    let index = at(&folder.0);
    build(
        &index,
        0,
        Batch { posts: (1..=100).rev().map(|id| post(id * 10, "word")).collect(), ..Batch::default() },
    )
    .await;
    assert!(index.lead().await.unwrap());
    let (mut after, mut listed) = (0, Vec::new());
    for page in 0.. {
        let ids = index.post_ids(PostId::new(after), 7).await.unwrap();
        let Some(last) = ids.last() else { break };
        after = last.get();
        listed.extend(ids.into_iter().map(PostId::get));
        // One behind, one ahead; one anew, one gone.
        let batch = Batch {
            posts: vec![post(5, "word"), post(after + 25, "word"), post(after + 10, "again")],
            gone_posts: vec![PostId::new(after + 20)],
            ..Batch::default()
        };
        if page < 8 {
            index.apply(batch, page, mark(page + 1)).await.unwrap();
        }
    }
    let mut wanted = ids(&index).await;
    assert_eq!(wanted.remove(0), 5, "put in behind what was listed by then");
    assert_eq!(listed, wanted);
    assert!(listed.len() > 90 && listed.iter().any(|id| id % 10 == 5), "{listed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_of_index_loses_no_read() {
    let folder = Folder::new();
    let builder = at(&folder.0);
    build(&builder, 1, one(1, "always here")).await;
    let (reader, leader) = (Arc::new(at(&folder.0)), Arc::new(at(&folder.0)));
    assert!(leader.lead().await.unwrap());
    let changes = Arc::new(AtomicI64::new(0));
    let reads: Vec<_> = [&reader, &reader, &leader, &leader]
        .map(|index| {
            let (index, changes) = (Arc::clone(index), Arc::clone(&changes));
            tokio::spawn(async move {
                let mut number = 0;
                while number < 400 || changes.load(Ordering::Relaxed) < 5 {
                    let found = find(&index, "always").await;
                    assert!(found.as_ref().is_ok_and(|ids| ids.contains(&1)), "{number}: {found:?}");
                    number += 1;
                }
                number
            })
        })
        .into();
    while reads.iter().any(|read| !read.is_finished()) {
        let number = changes.load(Ordering::Relaxed);
        build(&builder, number, one(1, "always here")).await;
        leader.apply(one(number + 2, "always here"), number, mark(number)).await.unwrap();
        changes.fetch_add(1, Ordering::Relaxed);
    }
    let mut sum = 0;
    for read in reads {
        sum += read.await.unwrap();
    }
    println!("{sum} reads over {} changes of index", changes.load(Ordering::Relaxed));
}

/// What must be in once a mark says `position`: of every apply two posts, one of which the tenth after it removes.
fn wanted(position: i64) -> Vec<i64> {
    let gone = |id: i64| id % 2 == 0 && id / 2 <= position - 10;
    (2..position * 2 + 2).filter(|id| !gone(*id)).collect()
}

/// Run by the test below in a process of its own: applies until it is killed.
#[tokio::test]
async fn a_process_that_applies_until_it_is_killed() {
    let Some(root) = std::env::var_os("MADANG_SEARCH_TEST_ROOT") else { return };
    let index = at(root.as_ref());
    assert!(index.lead().await.unwrap());
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let position = index.mark().await.unwrap().unwrap().position + 1;
        let batch = Batch {
            posts: vec![post(position * 2, "word"), post(position * 2 + 1, "word")],
            gone_posts: (position > 10).then(|| PostId::new((position - 10) * 2)).into_iter().collect(),
            ..Batch::default()
        };
        index.apply(batch, position - 1, mark(position)).await.unwrap();
    }
}

fn start(folder: &Folder) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "on_disk::several::a_process_that_applies_until_it_is_killed"])
        .env("MADANG_SEARCH_TEST_ROOT", &folder.0)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Reads until the mark has passed a position.
async fn wait_past(index: &SearchIndex, position: i64) {
    let begun = Instant::now();
    while index.mark().await.unwrap().unwrap().position <= position {
        assert!(begun.elapsed() < PATIENCE, "nothing was applied");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_killed_process_leaves_data_and_mark_of_the_same_commit() {
    let folder = Folder::new();
    let reader = at(&folder.0);
    build(&reader, 0, Batch::default()).await;
    let mut before = 0;
    for round in 0..12_u32 {
        let mut child = start(&folder);
        wait_past(&reader, before + i64::from(round % 5)).await;
        // Somewhere in the next applies, elsewhere in each round.
        for _ in 0..round * 37 {
            reader.mark().await.unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let index = at(&folder.0);
        let position = index.mark().await.unwrap().unwrap().position;
        assert!(position > before, "round {round}");
        assert_eq!(ids(&index).await, wanted(position), "round {round}, position {position}");
        assert!(index.lead().await.unwrap(), "the lock of a killed process is free");
        before = position;
    }
    println!("12 kills, {before} applies");
}
