//! The order of posts.

use madang_search::{
    documents::PostDoc,
    query::{PostFilter, PostQuery},
};

use super::{Fresh, post, typed};

const WEEK: i64 = 604_800;

pub async fn all_words_come_before_some(fresh: &Fresh) {
    let newer = PostDoc { rank: 440_000_000, ..post(2, "margins grew in the company of others") };
    fresh
        .post(vec![
            newer,
            post(1, "company margins grew on demand, and more words that make it long, and longer"),
        ])
        .await;
    assert_eq!(fresh.find("company margins grew demand ").await[0], 1);
}

pub async fn a_whole_word_comes_before_a_part_of_one(fresh: &Fresh) {
    fresh.post(vec![post(2, "semiconductors are here"), post(1, "semi is here")]).await;
    assert_eq!(fresh.find("semi").await, [1, 2]);
    if fresh.abilities.inside_words {
        fresh.post(vec![post(4, "분기잠정실적표 공개"), post(3, "분기 실적이 공개")]).await;
        assert_eq!(fresh.find("실적").await, [3, 4]);
    }
}

pub async fn words_side_by_side_come_before_words_apart(fresh: &Fresh) {
    fresh
        .post(vec![
            post(3, "the cut of meat has gone up in price at a high rate today, they say"),
            post(1, "the rate cut has gone up in price at a high cost today, and they say"),
        ])
        .await;
    assert_eq!(fresh.find("rate cut ").await, [1, 3]);
}

pub async fn of_equal_matches_the_higher_rank_comes_first(fresh: &Fresh) {
    let ranked = |id, rank| PostDoc { rank, ..post(id, "테슬라 실적 발표") };
    fresh.post(vec![ranked(1, 400_000_000), ranked(3, 400_000_060), ranked(2, 437_000_000)]).await;
    assert_eq!(fresh.find("테슬라 실적").await, [2, 3, 1]);
}

pub async fn a_clearly_better_match_beats_a_week(fresh: &Fresh) {
    let old = post(1, "gold gold gold");
    let weak = "a long text about many things, in which among all that is said of bonds, shares, rates and funds there \
                is also gold, and then it goes on about bonds, shares, rates, funds, banks and more";
    let mut all = vec![PostDoc { rank: old.rank + WEEK, ..post(2, weak) }, old];
    all.extend((10..40).map(|id| post(id, "something about other things that are not of this metal at all")));
    fresh.post(all).await;
    assert_eq!(fresh.find("gold ").await, [1, 2]);
}

pub async fn equals_stand_in_the_same_order_each_time(fresh: &Fresh) {
    fresh.post((1..=40).map(|id| post(id, "same words")).collect()).await;
    let first = fresh.find("same words").await;
    assert_eq!(first, (1..=40).rev().collect::<Vec<_>>());
    fresh.post(vec![post(20, "same words"), post(41, "other")]).await;
    assert_eq!(fresh.find("same words").await, first);
}

pub async fn no_more_than_the_limit_and_the_best_of_them(fresh: &Fresh) {
    let ranked = |id: i64| PostDoc { rank: 400_000_000 + id * 60, ..post(id, "word") };
    fresh.post((1..=1_200).map(ranked).collect()).await;
    for (limit, wanted) in [(1, 1), (7, 7), (500, 500), (1_000, 1_000)] {
        let query = PostQuery { words: typed("word"), filter: PostFilter::default(), limit };
        let found = fresh.ask(query).await;
        assert_eq!(found, (1..=1_200).rev().take(wanted).collect::<Vec<_>>());
    }
}
