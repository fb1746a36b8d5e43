//! Finding people.

use madang_core::ids::{PostId, UserId};
use madang_search::{
    documents::{Batch, PersonDoc},
    query::PeopleQuery,
};

use super::{Fresh, person, post, sorted, typed};

pub async fn a_person_is_found_by_handle_and_name(fresh: &Fresh) {
    fresh.join(vec![person(1, "chart_kim", "김차트"), person(2, "goldbug", "Maria Stone")]).await;
    for (text, id) in
        [("chart_kim", 1), ("@chart", 1), ("김차트", 1), ("차트", 1), ("maria", 2), ("stone", 2)]
    {
        assert_eq!(fresh.meet(text).await, [id], "{text}");
    }
    assert!(fresh.meet("zzyzx").await.is_empty());
    assert!(fresh.meet("").await.is_empty());
    assert!(fresh.meet("🚀").await.is_empty());
}

pub async fn the_exact_handle_comes_first_then_the_name_then_beginnings(fresh: &Fresh) {
    let known = |followers, person| PersonDoc { followers, ..person };
    fresh
        .join(vec![
            known(900, person(3, "gold_bars", "Nobody")),
            known(100, person(2, "someone", "Gold")),
            known(0, person(1, "gold", "Nobody Else")),
        ])
        .await;
    assert_eq!(fresh.meet("gold").await, [1, 2, 3]);
}

pub async fn a_person_is_found_by_initial_consonants(fresh: &Fresh) {
    fresh.join(vec![person(1, "a1", "홍길동"), person(2, "a2", "한강물"), person(3, "a3", "김철수")]).await;
    assert_eq!(fresh.meet("ㅎㄱㄷ").await, [1]);
    assert_eq!(sorted(fresh.meet("ㅎㄱ").await), [1, 2]);
}

pub async fn a_name_with_a_wrong_letter_is_found(fresh: &Fresh) {
    fresh
        .join(vec![
            person(1, "warrenb", "Warren Buffett"),
            person(2, "k2", "홍길동"),
            person(3, "k3", "이영희"),
        ])
        .await;
    assert_eq!(fresh.meet("waren").await, [1]);
    assert_eq!(fresh.meet("bufett").await, [1]);
    if fresh.abilities.korean_typos {
        assert_eq!(fresh.meet("홍길둥").await, [2]);
    }
}

pub async fn spaces_do_not_matter_in_names(fresh: &Fresh) {
    fresh.join(vec![person(1, "k1", "여의도 개미"), person(2, "k2", "강남부자")]).await;
    assert_eq!(fresh.meet("여의도개미").await, [1]);
    assert_eq!(fresh.meet("강남 부자").await, [2]);
}

pub async fn of_equals_who_has_more_followers_comes_first(fresh: &Fresh) {
    let known =
        |id: i64, followers| PersonDoc { followers, ..person(id, &format!("trader{id}"), "Day Trader") };
    fresh.join(vec![known(1, 10), known(2, 50_000), known(3, 900)]).await;
    let found = fresh.meet("day trader").await;
    assert_eq!(sorted(found.clone()), [1, 2, 3]);
    if fresh.abilities.followers {
        assert_eq!(found, [2, 3, 1]);
    }
}

pub async fn only_people_who_were_checked_where_asked(fresh: &Fresh) {
    fresh
        .join(vec![PersonDoc { verified: true, ..person(1, "kim1", "Kim") }, person(2, "kim2", "Kim")])
        .await;
    let query = PeopleQuery { words: typed("kim"), verified: true, limit: 10 };
    assert_eq!(fresh.index.people(&query).await.unwrap(), [UserId::new(1)]);
    let query = PeopleQuery { words: typed("kim"), verified: false, limit: 1 };
    assert_eq!(fresh.index.people(&query).await.unwrap().len(), 1);
}

pub async fn a_renamed_person_is_found_by_the_new_name_only_and_one_who_left_not(fresh: &Fresh) {
    fresh.join(vec![person(1, "alpha", "Alpha"), person(2, "beta", "Beta")]).await;
    fresh.join(vec![person(1, "gamma", "Gamma")]).await;
    assert!(fresh.meet("alpha").await.is_empty());
    assert_eq!(fresh.meet("gamma").await, [1]);
    let left = Batch { gone_people: vec![UserId::new(1)], ..Batch::default() };
    fresh.apply(left, 3).await;
    assert!(fresh.meet("gamma").await.is_empty());
    assert_eq!(fresh.meet("beta").await, [2]);
}

pub async fn ids_of_people_are_listed_in_order(fresh: &Fresh) {
    fresh.join([5, 1, 9].iter().map(|id| person(*id, &format!("h{id}"), "Name")).collect()).await;
    let list = async |after, limit| {
        let ids = fresh.index.people_ids(UserId::new(after), limit).await.unwrap();
        ids.into_iter().map(UserId::get).collect::<Vec<_>>()
    };
    assert_eq!(list(0, 10).await, [1, 5, 9]);
    assert_eq!(list(1, 1).await, [5]);
    assert!(list(9, 1).await.is_empty());
}

pub async fn posts_and_people_do_not_mix(fresh: &Fresh) {
    fresh.post(vec![post(7, "gold")]).await;
    fresh.join(vec![person(7, "gold", "gold"), person(8, "golden", "gold")]).await;
    let left = Batch { gone_people: vec![UserId::new(7)], ..Batch::default() };
    fresh.apply(left, 3).await;
    assert_eq!(fresh.find("gold").await, [7]);
    assert_eq!(fresh.meet("gold").await, [8]);
    assert_eq!(fresh.index.post_ids(PostId::new(0), 10).await.unwrap(), [PostId::new(7)]);
    assert_eq!(fresh.index.people_ids(UserId::new(0), 10).await.unwrap(), [UserId::new(8)]);
}
