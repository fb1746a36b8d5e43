//! The index on Meilisearch: the contract, against the stand-in and, where `MEILI_URL` (and `MEILI_KEY`) are set,
//! against that server with names of its own; and what happens when the server fails, against the stand-in.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

mod stand_in;
mod suite;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use madang_core::ids::{PostId, UserId};
use madang_search::{
    SearchError, SearchIndex,
    documents::{Batch, Built, Mark},
    meilisearch::{Meilisearch, Patience},
    query::{PeopleQuery, PostFilter, PostQuery},
};
use reqwest::{Client, Method};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    stand_in::{Fault, Mishap, StandIn},
    suite::{Abilities, Fresh, person, post, typed},
};

const KEY: &str = "a-key-that-is-told-to-nobody";
const DATABASE: &str = "5a0bd1c5-7f3a-4e6c-9b56-8b5f0c0c7f11";

/// What the server can do: it finds beginnings of words and, in Korean, the words of its dictionary, not whatever
/// stands inside a longer one.
const ABILITIES: Abilities = Abilities { inside_words: false, ..Abilities::ALL };

/// Short enough for a test to wait for.
const SOON: Patience = Patience {
    connect: Duration::from_millis(500),
    search: Duration::from_millis(500),
    write: Duration::from_millis(500),
    task: Duration::from_millis(300),
    pause: Duration::from_millis(1),
};

fn server_of(url: &str, key: &str, prefix: &str, database: &str, patience: Patience) -> Meilisearch {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Meilisearch::with_patience(url, SecretString::from(key), prefix, database, patience).unwrap()
}

/// The index of a stand-in, with the usual patience.
fn index_of(server: &StandIn) -> SearchIndex {
    index_with(server, Patience::default())
}

fn index_with(server: &StandIn, patience: Patience) -> SearchIndex {
    SearchIndex::Meilisearch(server_of(&server.url(), KEY, "test_", DATABASE, patience))
}

fn mark(position: i64) -> Mark {
    Mark { database: DATABASE.into(), position, building: None }
}

fn built(position: i64, posts_after: i64) -> Mark {
    Mark { building: Some(Built { people_after: 0, posts_after }), ..mark(position) }
}

/// Posts of some words.
fn batch(ids: impl IntoIterator<Item = i64>, words: &str) -> Batch {
    Batch { posts: ids.into_iter().map(|id| post(id, words)).collect(), ..Batch::default() }
}

/// A stand-in with an index of two posts at position 5.
async fn ready() -> (StandIn, SearchIndex) {
    ready_with(Patience::default()).await
}

async fn ready_with(patience: Patience) -> (StandIn, SearchIndex) {
    let server = StandIn::start(KEY).await.unwrap();
    let index = index_with(&server, patience);
    index.begin_build(mark(5), false).await.unwrap();
    index.build(batch([1, 2], "old words"), built(5, 2)).await.unwrap();
    index.finish_build().await.unwrap();
    (server, index)
}

async fn find(index: &SearchIndex, text: &str) -> Result<Vec<i64>, SearchError> {
    let query = PostQuery { words: typed(text), filter: PostFilter::default(), limit: 100 };
    let mut ids: Vec<i64> = index.posts(&query).await?.into_iter().map(PostId::get).collect();
    ids.sort_unstable();
    Ok(ids)
}

fn is_away<T: std::fmt::Debug>(told: &Result<T, SearchError>) -> bool {
    matches!(told, Err(SearchError::Away(_)))
}

async fn in_place() -> Option<Fresh> {
    let server = StandIn::start(KEY).await.unwrap();
    Some(Fresh {
        index: index_of(&server),
        database: DATABASE.into(),
        abilities: ABILITIES,
        _keep: Box::new(server),
    })
}

mod stands_in {
    crate::contract!(crate::in_place);
}

mod real {
    crate::contract!(crate::at_the_server);
}

/// Removes indexes when a test is over.
struct Swept {
    url: String,
    key: String,
    prefix: String,
}

impl Drop for Swept {
    fn drop(&mut self) {
        let names = ["posts", "people", "posts_next", "people_next"];
        let urls: Vec<String> =
            names.iter().map(|name| format!("{}/indexes/{}{name}", self.url, self.prefix)).collect();
        let key = self.key.clone();
        let sweeping = async move {
            let client = Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
            for url in urls {
                let _ = client.delete(url).bearer_auth(&key).send().await;
            }
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(sweeping));
    }
}

async fn at_the_server() -> Option<Fresh> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Ok(url) = std::env::var("MEILI_URL") else {
        eprintln!("skipped: MEILI_URL is not set, so there is no Meilisearch to test against");
        return None;
    };
    let key = std::env::var("MEILI_KEY").unwrap_or_default();
    let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let prefix = format!("madang-test-{}-{started}-{number}_", std::process::id());
    let index = SearchIndex::Meilisearch(server_of(&url, &key, &prefix, DATABASE, Patience::default()));
    let swept = Swept { url, key, prefix };
    Some(Fresh { index, database: DATABASE.into(), abilities: ABILITIES, _keep: Box::new(swept) })
}

#[tokio::test]
async fn a_failed_task_is_seen_and_the_batch_does_not_count() {
    let (server, index) = ready().await;
    for mishap in [Mishap::Fails("internal"), Mishap::IsCanceled] {
        server.mishap(mishap);
        let told = index.apply(batch([3], "new words"), 5, mark(6)).await;
        let Err(SearchError::Failed(why)) = told else { panic!("{told:?}") };
        assert!(why.starts_with("internal: ") || why.starts_with("canceled: "), "{why}");
        assert_eq!(index.mark().await.unwrap(), Some(mark(5)));
    }
    index.apply(batch([3], "new words"), 5, mark(6)).await.unwrap();
    assert_eq!(index.mark().await.unwrap(), Some(mark(6)));
    assert_eq!(find(&index, "new words").await.unwrap(), [3]);
}

#[tokio::test]
async fn a_task_in_a_state_unheard_of_is_waited_for() {
    let (server, index) = ready().await;
    server.mishap(Mishap::Puzzles);
    index.apply(batch([3], "new words"), 5, mark(6)).await.unwrap();
    assert_eq!(index.mark().await.unwrap(), Some(mark(6)));
}

#[tokio::test]
async fn a_task_that_takes_too_long_has_not_failed_and_the_batch_is_sent_again() {
    let (server, index) = ready_with(SOON).await;
    server.idle(true);
    assert!(is_away(&index.apply(batch([3], "new words"), 5, mark(6)).await));
    assert_eq!(index.mark().await.unwrap(), Some(mark(5)));
    server.idle(false);
    index.apply(batch([3], "new words"), 5, mark(6)).await.unwrap();
    assert_eq!(index.mark().await.unwrap(), Some(mark(6)));
    assert_eq!(find(&index, "words").await.unwrap(), [1, 2, 3]);
}

#[tokio::test]
async fn a_server_that_goes_away_in_the_middle_is_away_and_the_position_stays() {
    // Looks at the two stamps, two tasks, looks at them, one at a stamp, the new one, a look at it: it goes away at
    // each of them.
    for others in 0..9 {
        let (server, index) = ready().await;
        let both = Batch { gone_posts: vec![PostId::new(1)], ..batch([3], "new words") };
        server.fault_after(others, Fault::Cut, true);
        let told = index.apply(both.clone(), 5, mark(6)).await;
        assert!(is_away(&told), "{others}: {told:?}");
        assert!(is_away(&find(&index, "words").await));
        assert!(is_away(&index.mark().await));
        assert!(server.heal());
        assert_eq!(index.mark().await.unwrap(), Some(mark(5)), "{others}");
        index.apply(both, 5, mark(6)).await.unwrap();
        assert_eq!(find(&index, "words").await.unwrap(), [2, 3]);
        assert_eq!(index.mark().await.unwrap(), Some(mark(6)));
    }
}

#[tokio::test]
async fn a_hiccup_is_got_over() {
    let (server, index) = ready().await;
    let mut position = 5;
    for fault in [Fault::Cut, Fault::Status(503), Fault::Status(429), Fault::Lost] {
        // The first of the tasks, and the look at it.
        for others in [2, 3] {
            server.fault_after(others, fault, false);
            index.apply(batch([3], "new words"), position, mark(position + 1)).await.unwrap();
            position += 1;
            assert!(server.heal(), "{fault:?}");
        }
    }
    assert_eq!(find(&index, "words").await.unwrap(), [1, 2, 3]);
}

#[tokio::test]
async fn who_does_not_answer_is_away_and_who_refuses_has_failed() {
    let (server, index) = ready_with(SOON).await;
    for status in [500, 502, 503, 504, 429] {
        server.fault_after(0, Fault::Status(status), false);
        assert!(is_away(&find(&index, "words").await), "{status}");
    }
    server.heal();
    server.fault_after(0, Fault::Hang, false);
    assert!(is_away(&find(&index, "words").await));
    server.heal();
    for fault in [Fault::Garbled, Fault::Status(404), Fault::Status(204)] {
        server.fault_after(0, fault, false);
        assert!(matches!(find(&index, "words").await, Err(SearchError::Failed(_))), "{fault:?}");
        server.heal();
    }
    server.stop().await;
    assert!(is_away(&find(&index, "words").await));
    assert!(is_away(&index.apply(batch([3], "new"), 5, mark(6)).await));
    server.resume().await.unwrap();
    assert_eq!(find(&index, "words").await.unwrap(), [1, 2]);
}

#[tokio::test]
async fn an_unreadable_answer_about_a_task_is_no_success() {
    let (server, index) = ready().await;
    server.fault_after(3, Fault::Garbled, false);
    assert!(matches!(index.apply(batch([3], "new"), 5, mark(6)).await, Err(SearchError::Failed(_))));
    assert!(server.heal());
    assert_eq!(index.mark().await.unwrap(), Some(mark(5)));
}

#[tokio::test]
async fn where_there_is_no_index_search_is_away_and_nothing_is_created() {
    let server = StandIn::start(KEY).await.unwrap();
    let index = index_of(&server);
    assert_eq!(index.mark().await.unwrap(), None);
    assert!(!index.outdated().await.unwrap());
    assert!(is_away(&find(&index, "words").await));
    assert!(is_away(&index.people(&PeopleQuery { words: typed("kim"), verified: false, limit: 5 }).await));
    assert!(is_away(&index.post_ids(PostId::new(0), 5).await));
    assert!(is_away(&index.apply(batch([1], "words"), 0, mark(1)).await));
    assert!(matches!(index.build(batch([1], "words"), mark(1)).await, Err(SearchError::Failed(_))));
    assert!(server.snapshot().indexes.is_empty());
    // Dropped behind our back, half of a pair is none.
    let (server, index) = ready().await;
    let mut state = server.snapshot();
    state.indexes.remove("test_people");
    server.restore(state);
    assert_eq!(index.mark().await.unwrap(), None);
    assert!(is_away(&index.apply(batch([1], "words"), 5, mark(1)).await));
}

#[tokio::test]
async fn an_index_of_another_database_is_none_and_is_replaced() {
    let (server, _) = ready().await;
    let other = "00000000-0000-4000-8000-000000000002";
    let index = SearchIndex::Meilisearch(server_of(&server.url(), KEY, "test_", other, Patience::default()));
    let mark = |position| Mark { database: other.into(), position, building: None };
    assert_eq!(index.mark().await.unwrap(), None);
    assert!(is_away(&index.apply(batch([3], "new"), 5, mark(9)).await));
    index.begin_build(mark(9), false).await.unwrap();
    index.finish_build().await.unwrap();
    assert_eq!(index.mark().await.unwrap(), Some(mark(9)));
    assert!(find(&index, "words").await.unwrap().is_empty());
    assert_eq!(server.snapshot().indexes.len(), 2);
}

#[tokio::test]
async fn a_server_restored_from_a_snapshot_says_where_it_was() {
    let (server, index) = ready().await;
    let old = server.snapshot();
    index.apply(batch([3], "new words"), 5, mark(6)).await.unwrap();
    server.restore(old);
    assert_eq!(index.mark().await.unwrap(), Some(mark(5)));
    index.apply(batch([3], "new words"), 5, mark(6)).await.unwrap();
    assert_eq!(find(&index, "words").await.unwrap(), [1, 2, 3]);
}

/// Makes the answering index look as if other settings had made it.
fn age(server: &StandIn) {
    let mut state = server.snapshot();
    let posts = state.indexes.get_mut("test_posts").unwrap();
    let (_, stamp) = posts.documents.iter_mut().find(|(id, _)| id == "0").unwrap();
    stamp["stamp"]["settings"] = json!("of long ago");
    stamp["stamp"]["revision"] = json!(0);
    server.restore(state);
}

/// Makes the pair that is being built look as if a release with other settings had begun it.
fn begun_by(server: &StandIn, revision: u32) {
    let mut state = server.snapshot();
    for name in ["test_posts_next", "test_people_next"] {
        let index = state.indexes.get_mut(name).unwrap();
        let (_, stamp) = index.documents.iter_mut().find(|(id, _)| id == "0").unwrap();
        stamp["stamp"]["settings"] = json!("of another release");
        stamp["stamp"]["revision"] = json!(revision);
    }
    server.restore(state);
}

#[tokio::test]
async fn two_releases_do_not_build_over_each_other() {
    let (server, index) = ready().await;
    // A newer one's index answers: to the older it is not out of date.
    let mut state = server.snapshot();
    let posts = state.indexes.get_mut("test_posts").unwrap();
    let (_, stamp) = posts.documents.iter_mut().find(|(id, _)| id == "0").unwrap();
    stamp["stamp"]["settings"] = json!("of another release");
    stamp["stamp"]["revision"] = json!(1_000);
    server.restore(state);
    assert!(!index.outdated().await.unwrap());
    assert_eq!(find(&index, "words").await.unwrap(), [1, 2]);
    // It has begun a pair: nothing of the older goes into that, nor lets it answer half-built.
    index.begin_build(mark(9), false).await.unwrap();
    begun_by(&server, 1_000);
    for told in [
        index.begin_build(mark(12), false).await.map(|_| ()),
        index.build(batch([3], "new words"), built(9, 3)).await,
        index.finish_build().await,
    ] {
        let Err(SearchError::Failed(why)) = told else { panic!("{told:?}") };
        assert!(why.contains("another release"), "{why}");
    }
    assert_eq!(server.snapshot().indexes.len(), 4);
    assert_eq!(find(&index, "words").await.unwrap(), [1, 2]);
    // Asked for by hand, it is begun anew.
    assert_eq!(index.begin_build(mark(12), true).await.unwrap(), built(12, 0));
    // An older one's pair is neither added to nor gone on with.
    begun_by(&server, 0);
    assert!(matches!(index.build(batch([3], "new"), built(9, 3)).await, Err(SearchError::Failed(_))));
    assert_eq!(index.begin_build(mark(15), false).await.unwrap(), built(15, 0));
    index.finish_build().await.unwrap();
    assert_eq!(index.mark().await.unwrap(), Some(mark(15)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_settings_make_it_outdated_and_it_answers_all_the_while_another_is_built() {
    let (server, index) = ready().await;
    assert!(!index.outdated().await.unwrap());
    age(&server);
    assert!(index.outdated().await.unwrap());
    assert_eq!(index.mark().await.unwrap(), Some(mark(5)));
    let index = Arc::new(index);
    let (stop, searches) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let searching: Vec<_> = (0..2)
        .map(|_| {
            let (index, stop, searches) = (Arc::clone(&index), Arc::clone(&stop), Arc::clone(&searches));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let found = find(&index, "words").await.unwrap();
                    assert!(found == [1, 2] || found == [1, 2, 3], "{found:?}");
                    searches.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let mut rounds = 0;
    while rounds < 3 || searches.load(Ordering::Relaxed) < 500 {
        rounds += 1;
        age(&server);
        index.begin_build(mark(rounds + 5), false).await.unwrap();
        index.build(batch([1, 2, 3], "new words"), built(rounds + 5, 3)).await.unwrap();
        index.finish_build().await.unwrap();
        assert!(!index.outdated().await.unwrap());
    }
    stop.store(true, Ordering::Relaxed);
    for one in searching {
        one.await.unwrap();
    }
    println!("{} searches over {rounds} swaps", searches.load(Ordering::Relaxed));
}

/// Goes through a build as who leads does after a start: on from wherever it stands.
async fn build_on(index: &SearchIndex) -> Result<(), SearchError> {
    index.begin_build(mark(9), false).await?;
    index.build(batch([3, 4], "new words"), built(9, 4)).await?;
    index.finish_build().await
}

/// Lets something fail at each of its requests in turn, in one way; what comes after must repair it.
async fn at_each_request<F>(fault: Fault, down: bool, fails: impl Fn(Arc<SearchIndex>) -> F)
where
    F: Future<Output = Result<(), SearchError>>,
{
    for others in 0.. {
        let (server, index) = ready_with(SOON).await;
        let index = Arc::new(index);
        index.begin_build(mark(9), false).await.unwrap();
        index.build(batch([3, 4], "new words"), built(9, 4)).await.unwrap();
        server.fault_after(others, fault, down);
        let told = fails(Arc::clone(&index)).await;
        if !server.heal() {
            told.unwrap();
            assert!(others > 5, "too few requests to be all: {others}");
            return;
        }
        if !down {
            // Others get what was entered done before anybody looks.
            server.settle();
        }
        // Whatever happened: one of the two answers, whole, and says so.
        let found = find(&index, "words").await.unwrap();
        let position = index.mark().await.unwrap().unwrap().position;
        assert!(
            (found == [1, 2] && position == 5) || (found == [3, 4] && position == 9),
            "{others}: {found:?}"
        );
        build_on(&index).await.unwrap();
        assert_eq!(find(&index, "words").await.unwrap(), [3, 4], "{others}");
        assert_eq!(index.mark().await.unwrap(), Some(mark(9)), "{others}");
        let left: Vec<String> = server.snapshot().indexes.into_keys().collect();
        assert_eq!(left, ["test_people", "test_posts"], "{others}");
    }
}

#[tokio::test]
async fn letting_the_new_index_answer_may_break_off_at_any_request() {
    for fault in [Fault::Cut, Fault::Lost] {
        for down in [true, false] {
            at_each_request(fault, down, async |index: Arc<SearchIndex>| index.finish_build().await).await;
        }
    }
}

#[tokio::test]
async fn called_again_it_finishes_what_broke_off() {
    for others in 0..20 {
        let (server, index) = ready().await;
        index.begin_build(mark(9), false).await.unwrap();
        index.build(batch([3, 4], "new words"), built(9, 4)).await.unwrap();
        server.fault_after(others, Fault::Lost, true);
        let told = index.finish_build().await;
        if server.heal() && told.is_err() {
            let again = index.finish_build().await;
            // Nothing may be left to do: then it says that there is no build.
            assert!(again.is_ok() || matches!(again, Err(SearchError::Failed(_))), "{again:?}");
        }
        assert_eq!(find(&index, "words").await.unwrap(), [3, 4], "{others}");
        assert_eq!(server.snapshot().indexes.len(), 2, "{others}");
    }
}

#[tokio::test]
async fn a_build_may_break_off_at_any_request() {
    for down in [true, false] {
        for others in 0.. {
            let (server, index) = ready_with(SOON).await;
            server.fault_after(others, Fault::Lost, down);
            let told = build_on(&index).await;
            if !server.heal() {
                told.unwrap();
                assert!(others > 20, "too few requests to be all: {others}");
                break;
            }
            build_on(&index).await.unwrap();
            assert_eq!(find(&index, "words").await.unwrap(), [3, 4], "{others}");
            assert_eq!(index.mark().await.unwrap(), Some(mark(9)), "{others}");
            assert_eq!(server.snapshot().indexes.len(), 2, "{others}");
        }
    }
}

/// A stand-in that has entered the swap of a build, not done it, and lost the answer.
async fn about_to_swap() -> (StandIn, SearchIndex) {
    for others in 0.. {
        let (server, index) = ready_with(SOON).await;
        index.begin_build(mark(9), false).await.unwrap();
        index.build(batch([3, 4], "new words"), built(9, 4)).await.unwrap();
        let at = server.seen().len() + others;
        server.fault_after(others, Fault::Lost, true);
        let told = index.finish_build().await;
        server.heal();
        if server.seen()[at].path == "/swap-indexes" {
            assert!(is_away(&told), "{told:?}");
            return (server, index);
        }
    }
    unreachable!("a build ends with a swap");
}

#[tokio::test]
async fn a_swap_that_waits_is_not_entered_twice() {
    let (server, index) = about_to_swap().await;
    index.finish_build().await.unwrap();
    assert_eq!(find(&index, "words").await.unwrap(), [3, 4]);
    assert_eq!(server.snapshot().indexes.len(), 2);
    let swaps = server.seen().iter().filter(|request| request.path == "/swap-indexes").count();
    // That of `ready_with` and that of this build.
    assert_eq!(swaps, 2);
}

#[tokio::test]
async fn a_swap_while_a_batch_is_under_way_leaves_the_new_stamp_alone() {
    let (server, index) = about_to_swap().await;
    assert_eq!(index.mark().await.unwrap(), Some(mark(5)));
    // The server gets to the swap first, and puts the batch into the new pair.
    assert!(is_away(&index.apply(batch([5], "new words"), 5, mark(6)).await));
    assert_eq!(index.mark().await.unwrap(), Some(mark(9)));
    assert_eq!(find(&index, "words").await.unwrap(), [3, 4, 5]);
    index.apply(batch([5], "new words"), 9, mark(10)).await.unwrap();
    assert_eq!(index.mark().await.unwrap(), Some(mark(10)));
    // A note of the old pair that came late, after the last look.
    let late = json!([{ "id": 0, "reached": { "generation": 1, "position": 6 } }]);
    assert_eq!(ask(&server, Method::PUT, "/indexes/test_posts/documents", Some(late)).await.0, 202);
    server.settle();
    assert_eq!(index.mark().await.unwrap(), Some(mark(9)));
    assert!(!index.outdated().await.unwrap());
}

#[tokio::test]
async fn a_build_of_other_settings_is_begun_anew() {
    let (server, index) = ready().await;
    index.begin_build(mark(9), false).await.unwrap();
    index.build(batch([3, 4], "new words"), built(9, 4)).await.unwrap();
    assert_eq!(index.begin_build(mark(12), false).await.unwrap(), built(9, 4));
    begun_by(&server, 0);
    assert_eq!(index.begin_build(mark(12), false).await.unwrap(), built(12, 0));
    index.finish_build().await.unwrap();
    assert!(find(&index, "words").await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_typed_is_never_part_of_a_filter() {
    let (server, index) = ready().await;
    let hostile = [
        "\" OR author = 1",
        "words\" OR author = 1 OR \"",
        "words' OR author = 1",
        "words] OR author = 1",
        "author IN [1] OR words",
        "words AND id > 0",
        "words -old",
        "-words",
        "\"\"\"words",
        "\\\" OR 1 = 1",
        "{\"filter\":\"author = 1\"}",
    ];
    for text in hostile {
        let filter = PostFilter { author: Some(UserId::new(999)), ..PostFilter::default() };
        let query = PostQuery { words: typed(text), filter, limit: 10 };
        assert!(index.posts(&query).await.unwrap().is_empty(), "{text}");
        index
            .posts(&PostQuery { words: typed(text), filter: PostFilter::default(), limit: 10 })
            .await
            .unwrap();
        index.people(&PeopleQuery { words: typed(text), verified: true, limit: 10 }).await.unwrap();
    }
    assert_eq!(find(&index, "words -old").await.unwrap(), [1, 2]);
    for request in server.seen().iter().filter(|request| request.path.ends_with("/search")) {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let filter = body.get("filter").and_then(Value::as_str);
        assert!(matches!(filter, None | Some("author = 999" | "verified = true")), "{filter:?}");
        let q = body["q"].as_str().unwrap();
        assert!(q.chars().all(|c| c.is_alphanumeric() || c == ' ' || c == '"'), "{q}");
        assert_eq!(q.matches('"').count() % 2, 0, "{q}");
    }
}

#[tokio::test]
async fn a_search_for_nothing_asks_nothing() {
    let (server, index) = ready().await;
    let before = server.seen().len();
    let nobody = PostFilter { among: Some(Vec::new()), ..PostFilter::default() };
    assert!(
        index.posts(&PostQuery { words: typed("words"), filter: nobody, limit: 5 }).await.unwrap().is_empty()
    );
    assert!(find(&index, "🚀 !?").await.unwrap().is_empty());
    assert_eq!(server.seen().len(), before);
}

#[tokio::test]
async fn the_stamp_is_neither_found_nor_listed() {
    let (_server, index) = ready().await;
    for text in ["0", "of", "settings", &DATABASE[..8], "test"] {
        assert!(find(&index, text).await.unwrap().is_empty(), "{text}");
    }
    assert_eq!(index.post_ids(PostId::new(-5), 10).await.unwrap(), [PostId::new(1), PostId::new(2)]);
    assert!(index.people_ids(UserId::new(0), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn many_documents_go_in_several_requests_and_too_big_ones_fail() {
    let (server, index) = ready().await;
    let before = server.seen().len();
    index.apply(batch(10..2_211, "many words"), 5, mark(6)).await.unwrap();
    let puts = |seen: &[stand_in::Request]| {
        seen.iter().filter(|request| request.method == "POST" && request.path.ends_with("/documents")).count()
    };
    // The position is put, not posted.
    assert_eq!(puts(&server.seen()[before..]), 3);
    server.most_bytes(10_000);
    let told = index.apply(batch([3], &"long ".repeat(4_000)), 6, mark(7)).await;
    let Err(SearchError::Failed(why)) = told else { panic!("{told:?}") };
    assert!(why.starts_with("payload_too_large"), "{why}");
    assert_eq!(index.mark().await.unwrap(), Some(mark(6)));
}

#[tokio::test]
async fn people_and_ids_of_53_bits_come_back_whole() {
    let (_server, index) = ready().await;
    let big = (1_i64 << 53) - 1;
    let both = Batch { people: vec![person(big, "whale", "Whale")], ..batch([big, big - 1], "deep words") };
    index.apply(both, 5, mark(6)).await.unwrap();
    assert_eq!(find(&index, "deep").await.unwrap(), [big - 1, big]);
    assert_eq!(index.post_ids(PostId::new(big - 1), 5).await.unwrap(), [PostId::new(big)]);
    assert_eq!(index.people_ids(UserId::new(0), 5).await.unwrap(), [UserId::new(big)]);
}

#[tokio::test]
async fn the_key_is_shown_to_nobody() {
    let (server, index) = ready().await;
    let mut shown = vec![format!("{index:?}")];
    for key in [format!("{KEY}x"), String::new()] {
        let wrong = server_of(&server.url(), &key, "test_", DATABASE, Patience::default());
        shown.push(format!("{wrong:?}"));
        let told = find(&SearchIndex::Meilisearch(wrong), "words").await;
        let Err(SearchError::Failed(why)) = &told else { panic!("{told:?}") };
        shown.extend([why.clone(), format!("{told:?}")]);
    }
    server.stop().await;
    shown.push(format!("{:?}", find(&index, "words").await));
    let with =
        Meilisearch::new(&format!("http://u:{KEY}@localhost:1"), SecretString::from(""), "p_", DATABASE);
    shown.push(format!("{:?}", with.unwrap_err()));
    for one in shown {
        assert!(!one.contains(KEY), "{one}");
    }
}

#[tokio::test]
async fn a_bad_address_or_prefix_is_refused_at_once() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for (url, prefix) in [
        ("", "p_"),
        ("localhost:7700", "p_"),
        ("ftp://localhost", "p_"),
        ("http://user@localhost", "p_"),
        ("http://localhost", "p/"),
        ("http://localhost", "마당"),
    ] {
        assert!(Meilisearch::new(url, SecretString::from(KEY), prefix, DATABASE).is_err(), "{url} {prefix}");
    }
    assert!(Meilisearch::new("http://localhost:7700/", SecretString::from(KEY), "", DATABASE).is_ok());
}

/// Asks the stand-in something by hand; the status and the code of the refusal, if it is one.
async fn ask(server: &StandIn, method: Method, path: &str, body: Option<Value>) -> (u16, String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
    let mut request = client.request(method, format!("{}{path}", server.url())).bearer_auth(KEY);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default();
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn the_stand_in_refuses_what_the_server_refuses() {
    let (server, _) = ready().await;
    let (post, patch, get) = (|| Method::POST, || Method::PATCH, || Method::GET);
    let (search, fetch, set) =
        ("/indexes/test_posts/search", "/indexes/test_posts/documents/fetch", "/indexes/test_posts/settings");
    for (method, path, body, status, code) in [
        (get(), "/indexes/none", None, 404, "index_not_found"),
        (get(), "/indexes/test_posts/documents/77", None, 404, "document_not_found"),
        (get(), "/tasks/9999", None, 404, "task_not_found"),
        (get(), "/tasks?statuses=waiting", None, 400, "invalid_task_statuses"),
        (get(), "/nothing", None, 404, ""),
        (Method::DELETE, "/swap-indexes", None, 405, ""),
        (post(), "/indexes/none/search", Some(json!({ "q": "a" })), 404, "index_not_found"),
        (post(), search, None, 415, "missing_content_type"),
        (post(), search, Some(json!({ "query": "a" })), 400, "bad_request"),
        (post(), search, Some(json!({ "q": 5 })), 400, "invalid_search_q"),
        (post(), search, Some(json!({ "limit": "5" })), 400, "invalid_search_limit"),
        (post(), search, Some(json!({ "limit": -5 })), 400, "invalid_search_limit"),
        (post(), search, Some(json!({ "locales": ["korean"] })), 400, "invalid_search_locales"),
        (post(), search, Some(json!({ "matchingStrategy": "any" })), 400, "invalid_search_matching_strategy"),
        (post(), search, Some(json!({ "filter": "body = a" })), 400, "invalid_search_filter"),
        (post(), search, Some(json!({ "filter": "author = " })), 400, "invalid_search_filter"),
        (post(), search, Some(json!({ "filter": "author IN 5" })), 400, "invalid_search_filter"),
        (post(), search, Some(json!({ "filter": "author = 1 OR" })), 400, "invalid_search_filter"),
        (post(), search, Some(json!({ "filter": "(author = 1" })), 400, "invalid_search_filter"),
        (post(), search, Some(json!({ "filter": "author = \"1" })), 400, "invalid_search_filter"),
        (post(), search, Some(json!({ "filter": "author = 1 author = 2" })), 400, "invalid_search_filter"),
        (post(), search, Some(json!({ "filter": 5 })), 400, "invalid_search_filter"),
        (post(), search, Some(json!({ "sort": ["rank:desc"] })), 400, "invalid_search_sort"),
        (post(), search, Some(json!({ "sort": ["id"] })), 400, "invalid_search_sort"),
        (
            post(),
            search,
            Some(json!({ "filter": "author IN [1,2,] AND (id 1 TO 5 OR NOT stance = -1)" })),
            200,
            "",
        ),
        (post(), fetch, Some(json!({ "filter": "rank > 1" })), 400, "invalid_document_filter"),
        (post(), fetch, Some(json!({ "sort": ["rank:asc"] })), 400, "invalid_document_sort"),
        (patch(), set, Some(json!({ "rankingRules": ["word"] })), 400, "invalid_settings_ranking_rules"),
        (
            patch(),
            set,
            Some(json!({ "rankingRules": ["attribute", "attributeRank"] })),
            400,
            "invalid_settings_ranking_rules",
        ),
        (
            patch(),
            set,
            Some(json!({ "typoTolerance": { "on": true } })),
            400,
            "invalid_settings_typo_tolerance",
        ),
        (
            patch(),
            set,
            Some(json!({ "typoTolerance": { "minWordSizeForTypos": { "oneTypo": 9, "twoTypos": 5 } } })),
            400,
            "invalid_settings_typo_tolerance",
        ),
        (
            patch(),
            set,
            Some(json!({ "pagination": { "maxTotalHits": 0 } })),
            400,
            "invalid_settings_pagination",
        ),
        (
            patch(),
            set,
            Some(json!({ "localizedAttributes": [{ "locales": ["xx"], "attributePatterns": ["*"] }] })),
            400,
            "invalid_settings_localized_attributes",
        ),
        (patch(), set, Some(json!({ "ranking": [] })), 400, "bad_request"),
        (post(), "/swap-indexes", Some(json!([{ "indexes": ["a"] }])), 400, "invalid_swap_indexes"),
        (
            post(),
            "/swap-indexes",
            Some(json!([{ "indexes": ["a", "a"] }])),
            400,
            "invalid_swap_duplicate_index_found",
        ),
        (post(), "/swap-indexes", Some(json!([{}])), 400, "missing_swap_indexes"),
        (post(), "/indexes", Some(json!({ "uid": "a b" })), 400, "invalid_index_uid"),
        (post(), "/indexes", Some(json!({})), 400, "missing_index_uid"),
        (post(), "/indexes/a/documents/delete-batch", Some(json!({})), 400, "bad_request"),
    ] {
        assert_eq!(
            ask(&server, method.clone(), path, body.clone()).await,
            (status, code.to_owned()),
            "{method} {path} {body:?}"
        );
    }
}

#[tokio::test]
async fn the_stand_in_lets_tasks_fail_that_fail_at_the_server() {
    let (server, _) = ready().await;
    let documents = "/indexes/test_posts/documents";
    for (method, path, body, code) in [
        (Method::POST, documents, Some(json!([{ "body": "without" }])), "missing_document_id"),
        (Method::POST, documents, Some(json!([{ "id": "not fit" }])), "invalid_document_id"),
        (Method::POST, documents, Some(json!([{ "id": 1.5 }])), "invalid_document_id"),
        (
            Method::POST,
            "/indexes/test_posts/documents?primaryKey=number",
            Some(json!([{ "number": 1 }])),
            "index_primary_key_already_exists",
        ),
        (
            Method::POST,
            "/indexes/fresh/documents",
            Some(json!([{ "a": 1 }])),
            "index_primary_key_no_candidate_found",
        ),
        (
            Method::POST,
            "/indexes/fresh/documents",
            Some(json!([{ "a_id": 1, "b_id": 2 }])),
            "index_primary_key_multiple_candidates_found",
        ),
        (Method::POST, "/indexes/none/documents/delete-batch", Some(json!([1])), "index_not_found"),
        (Method::DELETE, "/indexes/none", None, "index_not_found"),
        (Method::POST, "/indexes", Some(json!({ "uid": "test_posts" })), "index_already_exists"),
        (
            Method::POST,
            "/swap-indexes",
            Some(json!([{ "indexes": ["test_posts", "none"] }])),
            "index_not_found",
        ),
        (
            Method::POST,
            "/swap-indexes",
            Some(json!([{ "indexes": ["test_posts", "test_people"], "rename": true }])),
            "index_already_exists",
        ),
    ] {
        assert_eq!(ask(&server, method, path, body).await, (202, String::new()), "{path}");
        server.settle();
        let task = server.snapshot().tasks.pop().unwrap();
        assert_eq!((task.status, task.error.map(|error| error.code)), ("failed", Some(code)), "{path}");
    }
}
