//! Damaged files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use madang_core::ids::{PostId, UserId};
use madang_search::{
    SearchIndex,
    documents::{Batch, Mark},
    query::{PeopleQuery, PostFilter, PostQuery},
};

use crate::{
    DATABASE, Folder, at,
    suite::{person, post, typed},
};

fn mark(position: i64) -> Mark {
    Mark { database: DATABASE.into(), position, building: None }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn files(at: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() { all.extend(files(&entry)) } else { all.push(entry) }
    }
    all.sort();
    all
}

async fn some_index(root: &Path) {
    let index = at(root);
    index.begin_build(mark(0), false).await.unwrap();
    index.finish_build().await.unwrap();
    index.lead().await.unwrap();
    for round in 0..3_i64 {
        let batch = Batch {
            posts: (1..40).map(|id| post(id + round * 30, "삼성전자 실적 earnings word")).collect(),
            people: vec![person(round + 1, "gold", "금")],
            gone_posts: vec![PostId::new(round * 5 + 1)],
            ..Batch::default()
        };
        index.apply(batch, round, mark(round + 1)).await.unwrap();
    }
}

/// Asks for everything; errors are fine, a panic that comes through is not. Returns whether the index answers.
async fn use_all(index: &SearchIndex) -> bool {
    let words = typed("실적 earnigns 삼송전자");
    let query =
        PostQuery { words, filter: PostFilter { verified: false, ..PostFilter::default() }, limit: 50 };
    let answers = index.mark().await.unwrap().is_some();
    let found = index.posts(&query).await;
    assert!(answers || found.is_err());
    let _people = index.people(&PeopleQuery { words: typed("gold"), verified: false, limit: 5 }).await;
    let _posts = index.post_ids(PostId::new(0), 500).await;
    let _ids = index.people_ids(UserId::new(0), 500).await;
    assert!(index.lead().await.unwrap());
    let _applied = index.apply(Batch { posts: vec![post(7, "new")], ..Batch::default() }, 3, mark(9)).await;
    answers
}

async fn heals(index: &SearchIndex) {
    index.begin_build(mark(20), false).await.unwrap();
    let batch = Batch { posts: vec![post(1, "healed")], ..Batch::default() };
    index.build(batch, mark(20)).await.unwrap();
    index.finish_build().await.unwrap();
    assert_eq!(index.mark().await.unwrap(), Some(mark(20)));
    let query = PostQuery { words: typed("healed"), filter: PostFilter::default(), limit: 5 };
    assert_eq!(index.posts(&query).await.unwrap(), [PostId::new(1)]);
}

fn spoil(file: &Path, how: usize) {
    let mut bytes = fs::read(file).unwrap();
    match how {
        0 => return fs::remove_file(file).unwrap(),
        1 => bytes.clear(),
        2 => bytes.truncate(bytes.len() / 2),
        _ => {
            let middle = bytes.len() / 2;
            if let Some(byte) = bytes.get_mut(middle) {
                *byte ^= 0x5A;
            }
        }
    }
    fs::write(file, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_files_are_no_index_and_one_can_be_built_again() {
    let whole = Folder::new();
    some_index(&whole.0).await;
    let count = files(&whole.0).len();
    let mut answered = 0;
    for number in 0..count {
        for how in 0..4 {
            let folder = Folder::new();
            copy(&whole.0, &folder.0);
            let file = files(&folder.0).swap_remove(number);
            spoil(&file, how);
            let index = at(&folder.0);
            let answers = use_all(&index).await;
            let segment = file.file_stem().is_some_and(|stem| stem.len() >= 32);
            assert!(!(segment && answers), "{} damaged ({how}) and not noticed", file.display());
            answered += usize::from(answers);
            if how == 0 {
                heals(&index).await;
            }
        }
    }
    println!("{count} files in 4 ways, {answered} of them harmless");
}

#[tokio::test]
async fn files_that_vanish_under_a_leader_end_nothing() {
    for how in 0..3 {
        let folder = Folder::new();
        some_index(&folder.0).await;
        let index = at(&folder.0);
        use_all(&index).await;
        let root = folder.0.join(DATABASE);
        match how {
            0 => fs::remove_dir_all(&root).unwrap(),
            1 => fs::remove_dir_all(root.join(fs::read_to_string(root.join("current")).unwrap())).unwrap(),
            _ => fs::remove_file(root.join("current")).unwrap(),
        }
        for _ in 0..2 {
            index.lead().await.unwrap();
            let applied =
                index.apply(Batch { posts: vec![post(8, "x")], ..Batch::default() }, 3, mark(10)).await;
            assert!(applied.is_err(), "{how}");
        }
        heals(&index).await;
    }
}
