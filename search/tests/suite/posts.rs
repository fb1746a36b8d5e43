//! Finding posts.

use madang_core::ids::{TickerId, UserId};
use madang_search::{
    documents::{Batch, PostDoc},
    query::{PostFilter, PostQuery},
};

use super::{Fresh, naming, naming_among, post, sorted, typed};

pub async fn a_post_is_found_by_its_words_once_it_was_taken_in(fresh: &Fresh) {
    assert!(fresh.find("earnings").await.is_empty());
    fresh
        .post(vec![post(1, "Tesla earnings beat"), post(2, "엔비디아 실적 발표"), post(3, "nothing of it")])
        .await;
    assert_eq!(fresh.find("earnings").await, [1]);
    assert_eq!(fresh.find("tesla beat").await, [1]);
    assert_eq!(fresh.find("엔비디아").await, [2]);
    assert!(fresh.find("zzyzx").await.is_empty());
}

pub async fn a_post_put_in_anew_is_found_by_its_new_words_only(fresh: &Fresh) {
    fresh.post(vec![post(1, "buying apple"), post(2, "other words")]).await;
    fresh.post(vec![post(1, "selling microsoft")]).await;
    assert!(fresh.find("apple").await.is_empty());
    assert_eq!(fresh.find("microsoft").await, [1]);
    assert_eq!(fresh.find("other").await, [2]);
}

pub async fn a_post_taken_out_is_not_found(fresh: &Fresh) {
    fresh.post(vec![post(1, "buying apple"), post(2, "apple again")]).await;
    let gone = vec![post(1, "").id, post(77, "").id];
    fresh.apply(Batch { gone_posts: gone, ..Batch::default() }, 2).await;
    assert_eq!(fresh.find("apple").await, [2]);
}

pub async fn a_post_in_both_lists_is_in(fresh: &Fresh) {
    fresh.post(vec![post(1, "old apple")]).await;
    let batch =
        Batch { posts: vec![post(1, "new apple")], gone_posts: vec![post(1, "").id], ..Batch::default() };
    fresh.apply(batch, 2).await;
    assert_eq!(fresh.find("new apple").await, [1]);
}

pub async fn spacing_does_not_matter_in_korean(fresh: &Fresh) {
    fresh
        .post(vec![
            post(1, "오늘 삼성전자실적 나왔다"),
            post(2, "삼성전자 실적 어때"),
            post(3, "현대차 주가"),
        ])
        .await;
    assert_eq!(sorted(fresh.find("삼성전자 실적").await), [1, 2]);
    assert_eq!(sorted(fresh.find("삼성전자실적").await), [1, 2]);
    fresh.post(vec![post(4, "물적 분할 반대"), post(5, "물적분할을 한다")]).await;
    assert_eq!(sorted(fresh.find("물적분할").await), [4, 5]);
    assert_eq!(sorted(fresh.find("물적 분할").await), [4, 5]);
}

pub async fn particles_do_not_hide_a_word(fresh: &Fresh) {
    fresh
        .post(vec![post(1, "실적이 좋다"), post(2, "실적을 본다"), post(3, "실적"), post(4, "주가가 오른다")])
        .await;
    for text in ["실적", "실적이", "실적은", "실적을"] {
        assert_eq!(sorted(fresh.find(text).await), [1, 2, 3], "{text}");
    }
    assert_eq!(fresh.find("주가").await, [4]);
}

pub async fn compounds_are_found_by_their_parts(fresh: &Fresh) {
    fresh.post(vec![post(1, "삼성바이오로직스 수주공시"), post(2, "반도체장비업체 탐방")]).await;
    assert_eq!(fresh.find("수주").await, [1]);
    if fresh.abilities.inside_words {
        assert_eq!(fresh.find("공시").await, [1]);
        assert_eq!(fresh.find("바이오").await, [1]);
        assert_eq!(fresh.find("장비").await, [2]);
    }
}

pub async fn mixed_words_stay_whole(fresh: &Fresh) {
    fresh
        .post(vec![
            post(1, "HBM3E 양산"),
            post(2, "2차전지 대장주"),
            post(3, "SK하이닉스가 간다"),
            post(4, "005930 매수"),
            post(5, "HBM 3 E"),
        ])
        .await;
    assert_eq!(fresh.find("hbm3e ").await, [1]);
    assert_eq!(fresh.find("2차전지").await, [2]);
    assert_eq!(fresh.find("sk하이닉스").await, [3]);
    assert_eq!(fresh.find("하이닉스").await, [3]);
    assert_eq!(fresh.find("005930").await, [4]);
}

pub async fn one_syllable_is_a_word(fresh: &Fresh) {
    fresh.post(vec![post(1, "금 값이 오른다"), post(2, "금은 안전하다"), post(3, "은행 이야기")]).await;
    let found = fresh.find("금 ").await;
    assert!(found.contains(&1) && found.contains(&2) && !found.contains(&3), "{found:?}");
}

pub async fn wide_letters_and_capitals_do_not_matter(fresh: &Fresh) {
    fresh.post(vec![post(1, "ＴＳＬＡ 매수"), post(2, "Tsla")]).await;
    assert_eq!(sorted(fresh.find("tsla").await), [1, 2]);
}

pub async fn a_word_still_being_typed_is_found_by_its_beginning(fresh: &Fresh) {
    fresh.post(vec![post(1, "semiconductor cycle"), post(2, "semi truck")]).await;
    assert_eq!(sorted(fresh.find("semi").await), [1, 2]);
    assert_eq!(fresh.find("semicond").await, [1]);
    assert_eq!(fresh.find("cycle semicond").await, [1]);
}

pub async fn a_mistyped_word_is_found_when_nothing_else_is(fresh: &Fresh) {
    fresh.post(vec![post(1, "quarterly earnings"), post(2, "삼성전자가 오른다"), post(3, "dog")]).await;
    assert_eq!(fresh.find("earnigns ").await, [1]);
    assert_eq!(fresh.find("quartely earnings ").await, [1]);
    assert!(fresh.find("dot ").await.is_empty());
    if fresh.abilities.korean_typos {
        assert_eq!(fresh.find("삼송전자").await, [2]);
    }
}

pub async fn another_digit_is_another_thing(fresh: &Fresh) {
    fresh.post(vec![post(1, "005930"), post(2, "1234567890")]).await;
    assert!(fresh.find("005935 ").await.is_empty());
    assert!(fresh.find("1234567891 ").await.is_empty());
}

pub async fn half_a_sentence_finds_it(fresh: &Fresh) {
    fresh
        .post(vec![post(1, "the margins of the company grew while its debt fell"), post(2, "a company")])
        .await;
    if fresh.abilities.most_words {
        assert_eq!(fresh.find("company margins grew although taxes ").await, [1]);
    }
}

pub async fn a_name_of_an_instrument_finds_posts_about_it(fresh: &Fresh) {
    let (tickers, ticker_names) =
        (vec![TickerId::new(7), TickerId::new(9)], vec!["삼전".into(), "하닉".into()]);
    let about = PostDoc { tickers, ticker_names, ..post(1, "오늘 많이 올랐다") };
    fresh.post(vec![about, post(2, "오늘 많이 내렸다")]).await;
    let ask = |words| PostQuery { words, filter: PostFilter::default(), limit: 10 };
    assert_eq!(fresh.ask(ask(naming("삼전", 7))).await, [1]);
    assert_eq!(fresh.ask(ask(naming("하닉", 9))).await, [1]);
    assert!(fresh.ask(ask(naming("현차", 8))).await.is_empty());
}

pub async fn a_nickname_of_today_finds_posts_of_before_it(fresh: &Fresh) {
    let about = |id, ticker, rank, body| PostDoc {
        tickers: vec![TickerId::new(ticker)],
        ticker_names: vec!["005930".into(), "삼성전자".into()],
        rank,
        ..post(id, body)
    };
    fresh
        .post(vec![
            about(1, 7, 500, "오늘 많이 올랐다"),
            about(2, 7, 900, "배당 언제 주나"),
            about(3, 8, 700, "오늘 많이 내렸다"),
            about(4, 7, 800, "그저 그런 하루"),
            post(5, "떡전 이야기"),
        ])
        .await;
    let ask = |words, filter| PostQuery { words, filter, limit: 10 };
    let found = fresh.ask(ask(naming("떡전", 7), PostFilter::default())).await;
    assert_eq!(sorted(found.clone()), [1, 2, 4, 5], "{found:?}");
    let about_it: Vec<i64> = found.into_iter().filter(|id| *id != 5).collect();
    assert_eq!(about_it, [2, 4, 1], "the newest first");
    let found = fresh.ask(ask(naming_among("떡전 배당", "떡전", 7), PostFilter::default())).await;
    assert_eq!(found.first(), Some(&2), "{found:?}");
    assert!(!found.contains(&3), "{found:?}");
    let filter = PostFilter { ticker: Some(TickerId::new(8)), ..PostFilter::default() };
    assert!(fresh.ask(ask(naming("떡전", 7), filter)).await.is_empty());
    let quoted = fresh.ask(ask(naming_among("\"떡전\"", "떡전", 7), PostFilter::default())).await;
    assert_eq!(quoted, [5]);
    let few = PostQuery { limit: 2, ..ask(naming("떡전", 7), PostFilter::default()) };
    assert_eq!(fresh.ask(few).await.len(), 2);
}

pub async fn a_search_of_many_long_words_ends(fresh: &Fresh) {
    fresh
        .post(vec![post(1, "internationalization of semiconductors"), post(2, "삼성바이오로직스 수주")])
        .await;
    let long =
        |word: &str| (0..16).map(|n| format!("{word}{} ", ["a", "나", "ㄷ", "z"][n % 4])).collect::<String>();
    for word in ["internazionalizat", "삼송바이오로직스에피스", "qqqqqqqqqqq"] {
        let found = fresh.find(&long(word)).await;
        assert!(found.len() <= 2, "{word}: {found:?}");
    }
}

pub async fn a_quote_is_found_as_it_stands(fresh: &Fresh) {
    fresh
        .post(vec![
            post(1, "rate cut is coming"),
            post(2, "cut the rate"),
            post(3, "rate of a cut"),
            post(4, "금리 인하 기대"),
            post(5, "인하 금리"),
        ])
        .await;
    assert_eq!(fresh.find("\"rate cut\"").await, [1]);
    assert_eq!(fresh.find("\"금리 인하\"").await, [4]);
    assert_eq!(fresh.find("\"rate cut\" coming").await, [1]);
    assert!(fresh.find("\"rate cuts\"").await.is_empty());
}

/// Posts that differ in what filters ask for.
fn varied() -> Vec<PostDoc> {
    let about = |id, ticker: i32, author, stance, verified| PostDoc {
        tickers: vec![TickerId::new(ticker), TickerId::new(100)],
        author: UserId::new(author),
        stance,
        verified,
        created_at: 1_000 * id,
        ..post(id, "word")
    };
    vec![
        about(1, 1, 1, 1, true),
        about(2, 1, 2, -1, false),
        about(3, 2, 1, 0, false),
        about(4, 2, 2, 1, true),
        about(5, 1, 1, 1, false),
    ]
}

pub async fn every_filter_holds_alone_and_with_the_others(fresh: &Fresh) {
    fresh.post(varied()).await;
    let none = PostFilter::default;
    let (ticker, author) = (Some(TickerId::new(1)), Some(UserId::new(1)));
    let among = Some(vec![UserId::new(2), UserId::new(3)]);
    for (filter, wanted) in [
        (PostFilter { ticker, ..none() }, vec![1, 2, 5]),
        (PostFilter { ticker: Some(TickerId::new(100)), ..none() }, vec![1, 2, 3, 4, 5]),
        (PostFilter { ticker: Some(TickerId::new(3)), ..none() }, vec![]),
        (PostFilter { author, ..none() }, vec![1, 3, 5]),
        (PostFilter { among: among.clone(), ..none() }, vec![2, 4]),
        (PostFilter { author, among, ..none() }, vec![]),
        (PostFilter { stance: Some(1), ..none() }, vec![1, 4, 5]),
        (PostFilter { stance: Some(0), ..none() }, vec![3]),
        (PostFilter { stance: Some(-1), ..none() }, vec![2]),
        (PostFilter { verified: true, ..none() }, vec![1, 4]),
        (PostFilter { from: Some(2_000), ..none() }, vec![2, 3, 4, 5]),
        (PostFilter { until: Some(2_000), ..none() }, vec![1]),
        (PostFilter { from: Some(2_000), until: Some(4_000), ..none() }, vec![2, 3]),
        (PostFilter { from: Some(4_000), until: Some(2_000), ..none() }, vec![]),
        (PostFilter { from: Some(i64::MIN), until: Some(i64::MAX), ..none() }, vec![1, 2, 3, 4, 5]),
        (
            PostFilter {
                ticker,
                author,
                among: Some(vec![UserId::new(1)]),
                stance: Some(1),
                from: Some(1),
                until: Some(9_000),
                verified: true,
            },
            vec![1],
        ),
    ] {
        assert_eq!(sorted(fresh.find_where("word", filter.clone()).await), wanted, "{filter:?}");
    }
}

pub async fn among_nobody_is_nothing(fresh: &Fresh) {
    fresh.post(varied()).await;
    let filter = PostFilter { among: Some(Vec::new()), ..PostFilter::default() };
    assert!(fresh.find_where("word", filter).await.is_empty());
}

pub async fn among_thousands_is_exact(fresh: &Fresh) {
    fresh
        .post((1..=60).map(|id| PostDoc { author: UserId::new(id * 100), ..post(id, "word") }).collect())
        .await;
    let among = (1..=5_000).filter(|id| id % 200 == 0 || id % 7 == 3).map(UserId::new).collect();
    let found = fresh.find_where("word", PostFilter { among: Some(among), ..PostFilter::default() }).await;
    let wanted: Vec<i64> = (1..=50).filter(|id| id * 100 % 200 == 0 || id * 100 % 7 == 3).collect();
    assert_eq!(sorted(found), wanted);
}

pub async fn nothing_to_look_for_finds_nothing(fresh: &Fresh) {
    fresh.post(varied()).await;
    for text in ["", "   ", "🚀🚀", "\"\"", "!?.,"] {
        assert!(fresh.find(text).await.is_empty(), "{text:?}");
    }
    let filter = PostFilter { verified: true, ..PostFilter::default() };
    assert!(fresh.find_where("", filter).await.is_empty());
}

pub async fn long_and_hostile_text_is_only_text(fresh: &Fresh) {
    fresh.post(vec![post(1, "author 1 or title: (a AND b) [x TO y]"), post(2, "gold")]).await;
    for text in [
        "\" OR author = 1".to_owned(),
        "author = 1 OR author != 1".into(),
        "* OR *:*".into(),
        "body:/.*/".into(),
        "[* TO *] {a TO z}".into(),
        "(((((\"".into(),
        "a~2 b^9 -gold +c \\".into(),
        "\u{1}\u{2}\u{7f}gold\u{1b}[31m".into(),
        "ㅋ".repeat(200),
        "가".repeat(200),
        "a".repeat(200),
        "삼성전자실적".repeat(33),
        "ab ".repeat(66),
        "\"".repeat(200),
        "\u{202e}gold\u{200b}".into(),
    ] {
        let found = fresh.find(&text).await;
        assert!(found.iter().all(|id| (1..=2).contains(id)), "{text:?} {found:?}");
    }
    assert!(fresh.find("author 1 zzyzx \"no such words\"").await.is_empty());
    let query = PostQuery { words: typed("gold -gold NOT gold"), filter: PostFilter::default(), limit: 10 };
    fresh.ask(query).await;
    assert_eq!(fresh.find("x to y").await, [1]);
}

pub async fn any_row_of_fragments_can_be_asked(fresh: &Fresh) {
    const FRAGMENTS: [&str; 24] = [
        "가",
        "삼성",
        "전자",
        "실적이",
        "ㅅ",
        "2",
        "차",
        "hbm",
        "3e",
        "a",
        "earnings",
        " ",
        " ",
        " ",
        "\"",
        "“",
        "$",
        "&",
        ".",
        "-",
        "값",
        "漢字",
        "é",
        "🚀",
    ];
    fresh.post(vec![post(1, "삼성전자 실적이 2차 hbm3e earnings a 값 漢字 é")]).await;
    let mut number = 1_u64;
    for _ in 0..200 {
        let mut text = String::new();
        for _ in 0..12 {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(FRAGMENTS[(number >> 33) as usize % FRAGMENTS.len()]);
            if number >> 61 == 0 {
                break;
            }
        }
        assert!(fresh.find(&text).await.len() <= 1, "{text:?}");
    }
}

pub async fn ids_of_posts_are_listed_in_order(fresh: &Fresh) {
    let ids = [5, 1, 1 << 52, 9, 3];
    fresh.post(ids.iter().map(|id| post(*id, "")).collect()).await;
    let gone = Batch { gone_posts: vec![post(9, "").id], ..Batch::default() };
    fresh.apply(gone, 2).await;
    let list = async |after: i64, limit| {
        let ids = fresh.index.post_ids(post(after, "").id, limit).await.unwrap();
        ids.into_iter().map(madang_core::ids::PostId::get).collect::<Vec<_>>()
    };
    assert_eq!(list(0, 10).await, [1, 3, 5, 1 << 52]);
    assert_eq!(list(0, 2).await, [1, 3]);
    assert_eq!(list(3, 2).await, [5, 1 << 52]);
    assert!(list(1 << 52, 2).await.is_empty());
}
