//! Marks, and building another index.

use madang_search::{
    SearchError,
    documents::{Batch, Built, Mark},
};

use super::{Fresh, person, post};

pub async fn the_mark_comes_back_as_it_was_stored(fresh: &Fresh) {
    assert_eq!(fresh.index.mark().await.unwrap(), Some(fresh.mark(0)));
    for position in [1, 7, i64::MAX] {
        let batch = Batch { posts: vec![post(position % 100 + 1, "word")], ..Batch::default() };
        fresh.apply(batch, position).await;
        assert_eq!(fresh.index.mark().await.unwrap(), Some(fresh.mark(position)));
    }
}

pub async fn an_empty_batch_moves_the_mark(fresh: &Fresh) {
    fresh.apply(Batch::default(), 5).await;
    assert_eq!(fresh.index.mark().await.unwrap(), Some(fresh.mark(5)));
}

fn built(fresh: &Fresh, position: i64, people_after: i64, posts_after: i64) -> Mark {
    Mark { building: Some(Built { people_after, posts_after }), ..fresh.mark(position) }
}

pub async fn another_index_is_built_beside_the_one_that_answers(fresh: &Fresh) {
    fresh.post(vec![post(1, "old words")]).await;
    let begun = fresh.index.begin_build(fresh.mark(10), false).await.unwrap();
    assert_eq!(begun, built(fresh, 10, 0, 0));
    let batch = Batch {
        posts: vec![post(2, "new words")],
        people: vec![person(3, "gold", "Gold")],
        ..Batch::default()
    };
    fresh.index.build(batch, built(fresh, 10, 3, 2)).await.unwrap();
    assert_eq!(fresh.find("words").await, [1]);
    assert_eq!(fresh.index.mark().await.unwrap(), Some(fresh.mark(1)));
    fresh.apply(Batch { posts: vec![post(4, "more words")], ..Batch::default() }, 11).await;
    assert_eq!(fresh.find("more").await, [4]);
    fresh.index.finish_build().await.unwrap();
    assert_eq!(fresh.find("words").await, [2]);
    assert_eq!(fresh.meet("gold").await, [3]);
    assert_eq!(fresh.index.mark().await.unwrap(), Some(fresh.mark(10)));
}

pub async fn building_goes_on_where_it_stopped(fresh: &Fresh) {
    fresh.index.begin_build(fresh.mark(10), false).await.unwrap();
    let batch = |id| Batch { posts: vec![post(id, "words")], ..Batch::default() };
    fresh.index.build(batch(1), built(fresh, 10, 0, 1)).await.unwrap();
    assert_eq!(fresh.index.begin_build(fresh.mark(99), false).await.unwrap(), built(fresh, 10, 0, 1));
    fresh.index.build(batch(2), built(fresh, 10, 0, 2)).await.unwrap();
    fresh.index.finish_build().await.unwrap();
    assert_eq!(super::sorted(fresh.find("words").await), [1, 2]);
    assert_eq!(fresh.index.mark().await.unwrap(), Some(fresh.mark(10)));
    assert!(fresh.index.finish_build().await.is_err());
    assert!(fresh.index.build(batch(3), built(fresh, 10, 0, 3)).await.is_err());
}

pub async fn a_new_index_replaces_the_old_one_and_can_be_written_to(fresh: &Fresh) {
    fresh.post(vec![post(1, "first")]).await;
    for round in 2..=4 {
        fresh.index.begin_build(fresh.mark(round), false).await.unwrap();
        let batch = Batch { posts: vec![post(round, "built")], ..Batch::default() };
        fresh.index.build(batch, built(fresh, round, 0, round)).await.unwrap();
        fresh.index.finish_build().await.unwrap();
        assert_eq!(fresh.find("built").await, [round]);
        let batch = Batch { posts: vec![post(round + 10, "applied")], ..Batch::default() };
        fresh.apply(batch, round + 10).await;
        assert_eq!(fresh.find("applied").await, [round + 10]);
        assert_eq!(fresh.index.mark().await.unwrap(), Some(fresh.mark(round + 10)));
    }
}

pub async fn a_batch_goes_on_from_where_the_index_is_or_not_at_all(fresh: &Fresh) {
    let batch = |id| Batch { posts: vec![post(id, "words")], ..Batch::default() };
    fresh.apply(batch(1), 500).await;
    // Somebody read the mark, 500; then an older state was built and came to answer.
    fresh.index.begin_build(fresh.mark(100), false).await.unwrap();
    fresh.index.finish_build().await.unwrap();
    for from in [500, 99, 101, 0] {
        let told = fresh.index.apply(batch(2), from, fresh.mark(510)).await;
        assert!(matches!(told, Err(SearchError::Away(_))), "{from}: {told:?}");
        assert_eq!(fresh.index.mark().await.unwrap(), Some(fresh.mark(100)), "{from}");
        assert!(fresh.find("words").await.is_empty(), "{from}");
    }
    fresh.index.apply(batch(3), 100, fresh.mark(110)).await.unwrap();
    let again = fresh.index.apply(batch(4), 100, fresh.mark(120)).await;
    assert!(matches!(again, Err(SearchError::Away(_))), "{again:?}");
    assert_eq!(fresh.find("words").await, [3]);
    assert_eq!(fresh.index.mark().await.unwrap(), Some(fresh.mark(110)));
}

pub async fn a_build_begun_anew_has_nothing_of_the_one_before(fresh: &Fresh) {
    let batch = |id| Batch { posts: vec![post(id, "words")], ..Batch::default() };
    assert_eq!(fresh.index.begin_build(fresh.mark(10), true).await.unwrap(), built(fresh, 10, 0, 0));
    fresh.index.build(batch(1), built(fresh, 10, 0, 1)).await.unwrap();
    assert_eq!(fresh.index.begin_build(fresh.mark(20), true).await.unwrap(), built(fresh, 20, 0, 0));
    fresh.index.build(batch(2), built(fresh, 20, 0, 2)).await.unwrap();
    assert_eq!(fresh.index.begin_build(fresh.mark(30), false).await.unwrap(), built(fresh, 20, 0, 2));
    fresh.index.finish_build().await.unwrap();
    assert_eq!(fresh.find("words").await, [2]);
    assert_eq!(fresh.index.mark().await.unwrap(), Some(fresh.mark(20)));
}
