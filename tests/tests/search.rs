//! Search, through the running service on the embedded index.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use anyhow::{Context, Result, ensure};
use madang_tests::{
    Api, Beside, Broker, Setup, Shared, broker::take_back, client::new_handle, trials, until,
};
use serde_json::{Value, json};

static SERVICE: Shared = Shared::new();

const SECS: u64 = 30;

fn setup() -> Setup {
    Setup::new().with("TRUSTED_PROXIES", "127.0.0.1/32")
}

/// A word nobody else writes, nor one that a slip would turn into it.
fn word() -> String {
    let mut hash = RandomState::new().hash_one(0);
    let mut word = String::from("w");
    for _ in 0..13 {
        word.push(char::from(b'a' + u8::try_from(hash % 26).unwrap_or_default()));
        hash /= 26;
    }
    word
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn of(kind: &str, q: &str) -> String {
    format!("/v1/search?type={kind}&q={}", encoded(q))
}

/// Waits until a search for posts finds exactly these, in whatever order.
async fn finds(reader: &Api, q: &str, wanted: &[&String]) -> Result<()> {
    let wanted: HashSet<&String> = wanted.iter().copied().collect();
    until("search finds what it should", SECS, async || {
        let found = reader.ids(&format!("{}&limit=100", of("posts", q))).await?;
        Ok(found.iter().collect::<HashSet<_>>() == wanted)
    })
    .await
}

#[tokio::test]
async fn a_search_finds_posts_people_and_tickers_and_says_where_the_words_stand() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let author = service.anonymous()?.signup().await?;
    let word = word();
    let post = author.say(&format!("😀 {word} 삼성전자실적이 좋다 $AAPL")).await?;
    finds(&author, &word, &[&post]).await?;
    for q in [format!("{word} 실적"), format!("{word} 삼성전자 실적을"), format!("애플 {word}")] {
        finds(&service.anonymous()?, &q, &[&post]).await?;
    }
    let page = author.get(&of("posts", &format!("{word} 실적"))).await?.expect(200)?.json;
    let found = &page["items"][0];
    let length = u64::try_from(word.chars().count())?;
    ensure!(found["highlights"] == json!([[2, 2 + length], [7 + length, 9 + length]]), "{found}");
    ensure!(!found["body"].as_str().context("no body")?.contains('<'), "{found}");

    let all = author.get(&format!("/v1/search?q={}", encoded("애플"))).await?.expect(200)?.json;
    ensure!(all["tickers"]["items"][0]["symbol"] == "XNAS:AAPL", "{all}");
    ensure!(all["users"]["items"].is_array() && all["posts"]["items"].is_array(), "{all}");
    until("a new person is found by handle", SECS, async || {
        let people = author.get(&of("users", &author.handle)).await?.expect(200)?;
        Ok(people.items().first().is_some_and(|person| person["handle"] == author.handle.as_str()))
    })
    .await
}

#[tokio::test]
async fn what_is_edited_hidden_or_deleted_is_found_by_its_present_words_only() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let author = service.anonymous()?.signup().await?;
    let reader = service.anonymous()?.signup().await?;
    let (before, after) = (word(), word());
    let post = author.say(&format!("{before} and nothing else")).await?;
    finds(&reader, &before, &[&post]).await?;
    author
        .patch(&format!("/v1/posts/{post}"), &json!({"body": format!("{after} instead")}))
        .await?
        .expect(200)?;
    finds(&reader, &after, &[&post]).await?;
    finds(&reader, &before, &[]).await?;
    author.delete(&format!("/v1/posts/{post}")).await?.expect(204)?;
    ensure!(reader.ids(&of("posts", &after)).await?.is_empty(), "a deleted post was found");
    Ok(())
}

#[tokio::test]
async fn neither_side_of_a_block_finds_the_other() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [one, other, third] = service.anonymous()?.signup_many().await?;
    let word = word();
    let (first, second) =
        (one.say(&format!("{word} from one")).await?, other.say(&format!("{word} from other")).await?);
    finds(&third, &word, &[&first, &second]).await?;
    for person in [&one, &other] {
        until("people are found", SECS, async || {
            let found = third.get(&of("users", &person.handle)).await?.expect(200)?;
            Ok(found.items().iter().any(|item| item["handle"] == person.handle.as_str()))
        })
        .await?;
    }
    one.put(&format!("/v1/users/{}/block", other.handle)).await?.expect(204)?;
    for (reader, own, hidden) in [(&one, &first, &other), (&other, &second, &one)] {
        let found = reader.ids(&of("posts", &word)).await?;
        ensure!(found == vec![own.clone()], "{found:?}");
        for path in [of("users", &hidden.handle), format!("/v1/search/suggest?q={}", hidden.handle)] {
            let people = reader.get(&path).await?.expect(200)?;
            let shown = people.items().iter().any(|item| item["handle"] == hidden.handle.as_str());
            ensure!(!shown, "{path}: {}", people.json);
        }
        // Somebody behind a block is as unknown as nobody.
        let narrowed = |handle: &str| format!("{}&author={handle}", of("posts", &word));
        let blocked = reader.get(&narrowed(&hidden.handle)).await?.expect(422)?;
        let nobody = reader.get(&narrowed(&new_handle())).await?.expect(422)?;
        ensure!(blocked.json == nobody.json, "{} {}", blocked.json, nobody.json);
    }
    one.delete(&format!("/v1/users/{}/block", other.handle)).await?.expect(204)?;
    finds(&one, &word, &[&first, &second]).await
}

#[tokio::test]
async fn each_filter_holds_alone_and_with_the_others() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [one, other] = service.anonymous()?.signup_many().await?;
    let word = word();
    let say = async |author: &Api, body: String, stance: &str| {
        author.publish(json!({"body": body, "stance": stance})).await
    };
    let bull = say(&one, format!("{word} $AAPL up"), "bull").await?;
    let bear = say(&other, format!("{word} $AAPL down"), "bear").await?;
    let none = say(&one, format!("{word} $TSLA"), "none").await?;
    finds(&one, &word, &[&bull, &bear, &none]).await?;
    let today = chrono::Utc::now().date_naive();
    let tomorrow = today + chrono::Days::new(1);
    let cases: [(String, Vec<&String>); 12] = [
        ("ticker=AAPL".into(), vec![&bull, &bear]),
        (format!("ticker={}", encoded("테슬라")), vec![&none]),
        (format!("author={}", one.handle), vec![&bull, &none]),
        ("stance=bear".into(), vec![&bear]),
        ("stance=none".into(), vec![&none]),
        (format!("author={}&stance=bull&ticker=AAPL", one.handle), vec![&bull]),
        (format!("author={}&stance=bear", one.handle), vec![]),
        (format!("from={today}&to={today}"), vec![&bull, &bear, &none]),
        (format!("from={tomorrow}"), vec![]),
        (format!("to={}", today - chrono::Days::new(1)), vec![]),
        ("verified=true".into(), vec![]),
        ("verified=false".into(), vec![&bull, &bear, &none]),
    ];
    for (filter, wanted) in cases {
        let found = one.ids(&format!("{}&{filter}", of("posts", &word))).await?;
        let same = found.iter().collect::<HashSet<_>>() == wanted.into_iter().collect::<HashSet<_>>();
        ensure!(same, "{filter}: {found:?}");
    }
    let marked = service.run(&["admin", "verify-user", &other.handle]).await?;
    ensure!(marked.status.success(), "{marked:?}");
    until("posts of a verified account are told apart", SECS, async || {
        Ok(one.ids(&format!("{}&verified=true", of("posts", &word))).await? == vec![bear.clone()])
    })
    .await
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_refused_and_says_why() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let reader = service.anonymous()?.signup().await?;
    for path in [
        "/v1/search",
        "/v1/search?q=",
        "/v1/search?q=%20%20%09",
        "/v1/search/suggest",
        "/v1/search/suggest?q=%20",
    ] {
        reader.get(path).await?.names("q")?;
    }
    let long = "가".repeat(201);
    reader.get(&of("posts", &long)).await?.names("q")?;
    reader.get(&of("posts", &"가".repeat(200))).await?.expect(200)?;
    for (query, field) in [
        ("type=everything", "type"),
        ("ticker=NOSUCH", "ticker"),
        ("author=%22+OR+author+%3D+1", "author"),
        ("stance=sideways", "stance"),
        ("from=yesterday", "from"),
        ("to=2026-13-01", "to"),
        ("holders=true", "holders"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("type=users&stance=bull", "type"),
        ("cursor=x", "cursor"),
        ("colour=red", "colour"),
    ] {
        reader.get(&format!("/v1/search?q=apple&{query}")).await?.names(field)?;
    }
    reader.get("/v1/search?q=apple&type=posts&cursor=x").await?.expect(400)?;
    reader.get("/v1/search?q=apple&verified=perhaps").await?.expect(422)?;
    Ok(())
}

#[tokio::test]
async fn any_text_is_only_text() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let reader = service.anonymous()?.signup().await?;
    let word = word();
    let post = reader.say(&format!("{word} plain")).await?;
    finds(&reader, &word, &[&post]).await?;
    for q in [
        "\" OR author = 1",
        "\"unmatched",
        "a AND (b",
        "*",
        "body:x^2~3",
        "[1 TO 5]",
        "🚀🚀🚀",
        "ㅋ",
        "x",
        "%",
        "_",
        "\\",
        "'; DROP TABLE posts; --",
        "../../etc/passwd",
        "{\"a\":1}",
        "\u{200b}\u{200d}",
        "\u{202e}evil",
        "ᄀᄀᄀᄀ각",
        "﷽﷽",
        "-word +other",
        "author_id IN [1,2]",
        "$$$$",
        "\u{1}\u{2}",
    ] {
        for kind in ["posts", "users", "tickers", "all"] {
            let answer = reader.get(&of(kind, q)).await?;
            let plain = answer.status == 200 || answer.status == 422;
            ensure!(plain, "{q:?} {kind}: {} {}", answer.status, answer.text());
            ensure!(!answer.text().contains(&post), "{q:?} {kind} found {post}");
        }
        let answer = reader.get(&format!("/v1/search/suggest?q={}", encoded(q))).await?;
        ensure!(answer.status == 200 || answer.status == 422, "{q:?}: {}", answer.text());
    }
    Ok(())
}

#[tokio::test]
async fn pages_repeat_nothing_while_others_write_and_end_where_nothing_follows() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let author = service.anonymous()?.signup().await?;
    let word = word();
    let mut posts = Vec::new();
    for n in 0..25 {
        posts.push(author.say(&format!("{word} number {n}")).await?);
    }
    finds(&author, &word, &posts.iter().collect::<Vec<_>>()).await?;
    let path = format!("{}&limit=10", of("posts", &word));
    let first = author.get(&path).await?.expect(200)?;
    let mut seen = first.ids();
    let cursor = first.json["next_cursor"].as_str().context("no second page")?.to_owned();
    author.say(&format!("{word} newcomer")).await?;
    let second = author.get(&format!("{path}&cursor={cursor}")).await?.expect(200)?;
    seen.extend(second.ids());
    let last = second.json["next_cursor"].as_str().context("no third page")?;
    let third = author.get(&format!("{path}&cursor={last}")).await?.expect(200)?;
    seen.extend(third.ids());
    ensure!(third.json["next_cursor"].is_null(), "{}", third.json);
    ensure!(seen.iter().collect::<HashSet<_>>() == posts.iter().collect::<HashSet<_>>(), "{seen:?}");
    ensure!(seen.len() == 25, "{seen:?}");

    for other in [
        format!("{}&cursor={cursor}", of("posts", "apple")),
        format!("{path}&stance=bull&cursor={cursor}"),
        format!("{}&cursor={cursor}", of("users", &word)),
        format!("{}&cursor={cursor}", of("tickers", &word)),
    ] {
        author.get(&other).await?.expect(400)?;
    }
    service.anonymous()?.get(&format!("{path}&cursor={cursor}")).await?.expect(400)?;

    // All that would follow is hidden: then nothing says that something does.
    for post in seen.iter().skip(10) {
        author.delete(&format!("/v1/posts/{post}")).await?.expect(204)?;
    }
    let newcomer = author.ids(&format!("{}&limit=100", of("posts", &word))).await?;
    let limit = newcomer.len();
    let page = author.get(&format!("{}&limit={limit}", of("posts", &word))).await?.expect(200)?;
    ensure!(page.json["next_cursor"].is_null(), "{}", page.json);
    Ok(())
}

/// The numbers of a cursor behind which list, subject and viewer it is for; whoever has one can read them.
fn numbers(cursor: &str) -> Vec<u64> {
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: String =
        cursor.chars().filter_map(|c| digits.find(c)).map(|digit| format!("{digit:06b}")).collect();
    let bytes: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .filter_map(|byte| u8::from_str_radix(std::str::from_utf8(byte).ok()?, 2).ok())
        .collect();
    let signed = bytes.len().saturating_sub(16);
    bytes[17..signed]
        .chunks_exact(8)
        .map(|word| word.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
        .collect()
}

/// The cursors of all pages of one item each, and how many items those have.
async fn cursors_of(reader: &Api, path: &str) -> Result<(Vec<String>, usize)> {
    let (mut cursors, mut items) = (Vec::new(), 0);
    let mut page = reader.get(&format!("{path}&limit=1")).await?.expect(200)?;
    loop {
        items += page.items().len();
        let Some(cursor) = page.json["next_cursor"].as_str().map(str::to_owned) else {
            return Ok((cursors, items));
        };
        page = reader.get(&format!("{path}&limit=1&cursor={cursor}")).await?.expect(200)?;
        cursors.push(cursor);
    }
}

#[tokio::test]
async fn a_cursor_says_nothing_of_what_was_passed_over() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let word = word();
    let mut people = Vec::new();
    for n in 0..6 {
        people.push(nobody.signup_as(&format!("{word}{n}")).await?);
    }
    let mut posts = Vec::new();
    for person in &people {
        posts.push(person.say(&format!("{word} of mine")).await?);
    }
    let reader = nobody.signup().await?;
    let (by_name, by_text) = (of("users", &word), of("posts", &word));
    finds(&reader, &word, &posts.iter().collect::<Vec<_>>()).await?;
    until("all people are found", SECS, async || {
        Ok(reader.get(&format!("{by_name}&limit=100")).await?.expect(200)?.items().len() == people.len())
    })
    .await?;
    for hidden in [&people[1], &people[2], &people[4]] {
        reader.put(&format!("/v1/users/{}/block", hidden.handle)).await?.expect(204)?;
    }
    for path in [&by_name, &by_text] {
        let (cursors, items) = cursors_of(&reader, path).await?;
        ensure!(items == 3 && cursors.len() == 2, "{path}: {items} items, {} cursors", cursors.len());
        for cursor in cursors {
            let numbers = numbers(&cursor);
            ensure!(numbers.len() == 2 && numbers[1] == 0, "{path}: {numbers:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn each_cursor_of_a_search_for_all_opens_its_next_page() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let reader = nobody.signup().await?;
    let tag = word();
    for n in 0..6 {
        let person = nobody.signup_as(&format!("samsung_{}{n}", &tag[..6])).await?;
        person.publish(json!({"body": format!("samsung {tag} {n}"), "stance": "bull"})).await?;
    }
    let admin = service.member(&nobody, "admin").await?;
    let path = format!("/v1/tickers/XNAS:AAPL/aliases/{}", encoded("samsung rival"));
    admin.put(&path).await?.expect(200)?;
    for filter in ["", "&stance=bull", "&verified=false"] {
        let all = format!("/v1/search?q=samsung&limit=1{filter}");
        until("a page follows each", SECS, async || {
            let all = reader.get(&all).await?.expect(200)?.json;
            Ok(["users", "posts", "tickers"].iter().all(|kind| all[*kind]["next_cursor"].is_string()))
        })
        .await?;
        let all = reader.get(&all).await?.expect(200)?.json;
        for kind in ["users", "posts", "tickers"] {
            let cursor = all[kind]["next_cursor"].as_str().context("no cursor")?;
            // Neither people nor instruments have a stance.
            let filter = if kind == "posts" || filter != "&stance=bull" { filter } else { "" };
            let next = format!("{}&limit=1{filter}&cursor={cursor}", of(kind, "samsung"));
            let next = reader.get(&next).await?.expect(200)?;
            ensure!(next.items().len() == 1, "{kind}: {}", next.json);
            ensure!(next.items().first() != all[kind]["items"].get(0), "{kind}: {}", next.json);
        }
    }
    admin.delete(&path).await?.expect(204)?;
    Ok(())
}

#[tokio::test]
async fn whoever_takes_a_consent_back_is_not_on_the_next_page_of_holders() -> Result<()> {
    let service = setup().start().await?;
    let broker = Broker::open(&service).await?;
    let (one, other) = (broker.disclosing(&service).await?, broker.disclosing(&service).await?);
    let [reader, third] = service.anonymous()?.signup_many().await?;
    let word = word();
    let mut posts = Vec::new();
    for n in 0..4 {
        for author in [&one, &other, &third] {
            posts.push((author, author.say(&format!("{word} {n} $AAPL")).await?));
        }
    }
    let by = |wanted: &[&Api]| -> HashSet<String> {
        let by = posts.iter().filter(|(author, _)| wanted.iter().any(|one| one.handle == author.handle));
        by.map(|(_, post)| post.clone()).collect()
    };
    finds(&reader, &word, &posts.iter().map(|(_, post)| post).collect::<Vec<_>>()).await?;
    let path = format!("{}&ticker=AAPL&holders=true", of("posts", &word));
    until("posts of those who hold it are found", SECS, async || {
        let found = reader.ids(&format!("{path}&limit=100")).await?;
        Ok(found.into_iter().collect::<HashSet<_>>() == by(&[&one, &other]))
    })
    .await?;
    let first = reader.get(&format!("{path}&limit=2")).await?.expect(200)?;
    let cursor = first.json["next_cursor"].as_str().context("no second page")?;
    // Newcomers push nothing off the pages that follow.
    for n in 0..3 {
        one.say(&format!("{word} newcomer {n} $AAPL")).await?;
    }
    take_back(&other).await?;
    let rest = reader.get(&format!("{path}&limit=100&cursor={cursor}")).await?.expect(200)?;
    let seen: HashSet<String> = first.ids().into_iter().collect();
    let wanted: HashSet<String> = by(&[&one]).difference(&seen).cloned().collect();
    ensure!(rest.ids().into_iter().collect::<HashSet<_>>() == wanted, "{}", rest.json);
    ensure!(rest.json["next_cursor"].is_null(), "{}", rest.json);
    Ok(())
}

#[tokio::test]
async fn a_passed_on_post_is_no_hit() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [author, other] = service.anonymous()?.signup_many().await?;
    let word = word();
    let post = author.say(&format!("{word} once")).await?;
    let passed_on = other.put(&format!("/v1/posts/{post}/repost")).await?;
    ensure!((200..300).contains(&passed_on.status), "{}", passed_on.text());
    let quote = other.publish(json!({"body": format!("{word} quoted"), "quote_of": post})).await?;
    finds(&author, &word, &[&post, &quote]).await?;
    let page = author.get(&of("posts", &word)).await?.expect(200)?;
    let plain = page.items().iter().all(|item| item["repost_of"].is_null() && item["placeholder"].is_null());
    ensure!(plain, "{}", page.json);
    Ok(())
}

#[tokio::test]
async fn what_was_typed_in_the_other_layout_finds_people_and_is_marked_on_every_page() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let word = word();
    // Typed with the Korean layout on.
    let keys = "ㅁㅠㅊㅇㄷㄹㅎㅗㅑㅓㅏㅣㅡㅜㅐㅔㅂㄱㄴㅅㅕㅍㅈㅌㅛㅋ";
    let typed: String = word.bytes().filter_map(|key| keys.chars().nth(usize::from(key - b'a'))).collect();
    let person = nobody.signup_as(&format!("{word}x")).await?;
    let mut posts = Vec::new();
    for n in 0..3 {
        posts.push(person.say(&format!("{n} {word}")).await?);
    }
    finds(&nobody, &word, &posts.iter().collect::<Vec<_>>()).await?;
    until("the box suggests them", SECS, async || {
        let page = nobody.get(&format!("/v1/search/suggest?q={}", encoded(&typed))).await?.expect(200)?;
        Ok(page.items().iter().any(|item| item["handle"] == person.handle.as_str()))
    })
    .await?;
    let people = nobody.get(&of("users", &typed)).await?.expect(200)?;
    ensure!(people.items()[0]["highlights"]["handle"] == json!([[0, word.len()]]), "{}", people.json);
    let path = format!("{}&limit=2", of("posts", &typed));
    let first = nobody.get(&path).await?.expect(200)?;
    let cursor = first.json["next_cursor"].as_str().context("no second page")?;
    let second = nobody.get(&format!("{path}&cursor={cursor}")).await?.expect(200)?;
    for item in first.items().iter().chain(second.items()) {
        ensure!(item["highlights"] == json!([[2, 2 + word.len()]]), "{item}");
    }
    ensure!(second.items().len() == 1, "{}", second.json);
    Ok(())
}

#[tokio::test]
async fn of_two_who_give_one_nickname_at_once_one_has_it() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let admin = service.member(&service.anonymous()?, "admin").await?;
    for _ in 0..trials(20, 200) {
        let name = word();
        let paths = ["XNAS:NVDA", "XNAS:MSFT"].map(|symbol| format!("/v1/tickers/{symbol}/aliases/{name}"));
        let (one, other) = tokio::try_join!(admin.put(&paths[0]), admin.put(&paths[1]))?;
        let mut answers = [one.status, other.status];
        answers.sort_unstable();
        ensure!(answers == [200, 409], "{answers:?}");
        for path in &paths {
            admin.delete(path).await?.expect(204)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn all_nicknames_are_listed_however_many_an_import_brought() -> Result<()> {
    let service = setup().start().await?;
    let admin = service.member(&service.anonymous()?, "admin").await?;
    let sql = service.sql().await?;
    sqlx::query(
        "INSERT INTO ticker_aliases (alias, ticker_id)
         SELECT 'many' || n, id FROM tickers, generate_series(1, 70) AS n WHERE symbol = 'XNAS:NVDA'",
    )
    .execute(&sql)
    .await?;
    let listed = admin.get("/v1/tickers/XNAS:NVDA/aliases").await?.expect(200)?;
    let many = listed.items().iter().filter_map(|item| item["alias"].as_str());
    ensure!(many.filter(|alias| alias.starts_with("many")).count() == 70, "{}", listed.json);
    admin.put("/v1/tickers/XNAS:NVDA/aliases/onemore").await?.refused(409, "too_many_aliases")?;
    Ok(())
}

#[tokio::test]
async fn the_box_suggests_fewer_where_the_index_hangs() -> Result<()> {
    // Connections are taken, and nothing is ever answered.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let service = setup().with("MEILI_URL", &format!("http://{}", silent.local_addr()?)).start().await?;
    let nobody = service.anonymous()?;
    until("the silence is counted", SECS, async || {
        let page = nobody.get(&format!("/v1/search/suggest?q={}", encoded("애플"))).await?.expect(200)?;
        ensure!(page.items()[0]["symbol"] == "XNAS:AAPL", "{}", page.json);
        let metrics = nobody.get("/metrics").await?.text();
        Ok(metrics
            .lines()
            .any(|line| line.starts_with("madang_search_errors_total") && !line.ends_with(" 0")))
    })
    .await
}

#[tokio::test]
async fn the_box_suggests_tickers_first_then_people() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    for (q, symbol) in [
        ("삼전", "XKRX:005930"),
        ("ㅅㅅㅈㅈ", "XKRX:005930"),
        ("삼ㅅ", "XKRX:005930"),
        ("tkatjd", "XKRX:005930"),
        ("ㅁㅁㅔㅣ", "XNAS:AAPL"),
        ("0059", "XKRX:005930"),
        ("삼송전자", "XKRX:005930"),
        ("samsung", "XKRX:005930"),
        ("aapl", "XNAS:AAPL"),
    ] {
        let page = nobody.get(&format!("/v1/search/suggest?q={}", encoded(q))).await?.expect(200)?;
        let first = page.items().first().cloned().unwrap_or_default();
        ensure!(first["type"] == "ticker" && first["symbol"] == symbol, "{q}: {}", page.json);
    }
    let person =
        nobody.signup_as(&format!("삼성{}", new_handle().chars().rev().take(6).collect::<String>())).await?;
    until("people come after tickers", SECS, async || {
        let page =
            nobody.get(&format!("/v1/search/suggest?q={}&limit=20", encoded("삼성"))).await?.expect(200)?;
        let kinds: Vec<&str> = page.items().iter().filter_map(|item| item["type"].as_str()).collect();
        let users_last = kinds.iter().skip_while(|kind| **kind == "ticker").all(|kind| *kind == "user");
        ensure!(users_last && kinds.first() == Some(&"ticker"), "{kinds:?}");
        Ok(page.items().iter().any(|item| item["handle"] == person.handle.as_str()))
    })
    .await
}

#[tokio::test]
async fn an_operator_edits_nicknames_and_every_process_knows_at_once() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let admin = service.member(&nobody, "admin").await?;
    let beside = Beside::start(&service).await?;
    let elsewhere = beside.ask_as(&nobody.signup().await?);
    let name = format!(
        "별명{}",
        new_handle().chars().rev().take(4).collect::<String>().to_lowercase().replace('_', "z")
    );
    let first = async |api: &Api| -> Result<Value> {
        let page = api.get(&of("tickers", &name)).await?.expect(200)?;
        Ok(page.items().first().cloned().unwrap_or_default()["symbol"].clone())
    };
    ensure!(first(&elsewhere).await?.is_null(), "the name is known already");
    let path = format!("/v1/tickers/XNAS:NVDA/aliases/{}", encoded(&name));
    admin.put(&path).await?.expect(200)?;
    ensure!(first(&elsewhere).await? == "XNAS:NVDA", "not known to the other process");
    let listed = admin.get("/v1/tickers/XNAS:NVDA/aliases").await?.expect(200)?;
    ensure!(listed.text().contains(&name), "{}", listed.text());
    admin
        .put(&format!("/v1/tickers/XNAS:MSFT/aliases/{}", encoded(&name)))
        .await?
        .refused(409, "alias_taken")?;
    elsewhere.put(&path).await?.expect(403)?;
    admin.delete(&path).await?.expect(204)?;
    ensure!(first(&elsewhere).await?.is_null(), "still known to the other process");
    admin.put("/v1/tickers/XNAS:NVDA/aliases/%21%21").await?.names("alias")?;
    Ok(())
}

#[tokio::test]
async fn with_search_away_everything_else_goes_on() -> Result<()> {
    // A port nobody listens on.
    let service = setup().with("MEILI_URL", "http://127.0.0.1:9").start().await?;
    let author = service.anonymous()?.signup().await?;
    let post = author.say("written while search is away $AAPL").await?;
    service.settle().await?;
    ensure!(author.ids("/v1/timeline").await?.contains(&post), "the timeline lacks the post");
    for path in [of("posts", "written"), of("users", "somebody"), of("all", "written")] {
        let answer = author.get(&path).await?;
        ensure!(
            answer.status == 503 && !answer.header("retry-after").is_empty(),
            "{path}: {}",
            answer.text()
        );
        answer.refused(503, "search_unavailable")?;
    }
    let page = author.get(&of("tickers", "애플")).await?.expect(200)?;
    ensure!(page.items()[0]["symbol"] == "XNAS:AAPL", "{}", page.json);
    let page = author.get(&format!("/v1/search/suggest?q={}", encoded("애플"))).await?.expect(200)?;
    ensure!(page.items()[0]["symbol"] == "XNAS:AAPL", "{}", page.json);
    Ok(())
}

/// Posts of one word, hidden one after the other while many search for it: by deletion, by a moderator, by a block
/// between two people. From the answer to the act on, no search begun later shows the post.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_search_begun_after_a_block_was_acknowledged_shows_it() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let rounds = trials(60, 1_000) / 4;
    let [author, reader] = nobody.signup_many().await?;
    let moderator = service.member(&nobody, "moderator").await?;
    let beside = Beside::start(&service).await?;
    let (searches, hits) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for round in 0..rounds {
        let word = word();
        let mut posts = Vec::new();
        for n in 0..4 {
            posts.push(author.say(&format!("{word} {round} {n}")).await?);
        }
        finds(&reader, &word, &posts.iter().collect::<Vec<_>>()).await?;
        let gone: [AtomicBool; 4] = Default::default();
        let done = AtomicBool::new(false);
        let path = format!("{}&limit=100", of("posts", &word));
        let look = async |api: Api| -> Result<()> {
            while !done.load(Ordering::Acquire) {
                let before: Vec<bool> = gone.iter().map(|gone| gone.load(Ordering::Acquire)).collect();
                let found = api.ids(&path).await?;
                searches.fetch_add(1, Ordering::Relaxed);
                for (post, _) in posts.iter().zip(before).filter(|(_, gone)| *gone) {
                    hits.fetch_add(usize::from(found.contains(post)), Ordering::Relaxed);
                }
            }
            Ok(())
        };
        let act = async || -> Result<()> {
            author.delete(&format!("/v1/posts/{}", posts[0])).await?.expect(204)?;
            gone[0].store(true, Ordering::Release);
            take_down(&moderator, &posts[1]).await?;
            gone[1].store(true, Ordering::Release);
            reader.put(&format!("/v1/users/{}/block", author.handle)).await?.expect(204)?;
            gone[2].store(true, Ordering::Release);
            gone[3].store(true, Ordering::Release);
            let found = reader.ids(&path).await?;
            ensure!(found.is_empty(), "{found:?}");
            Ok(())
        };
        let acting = async {
            let acted = act().await;
            done.store(true, Ordering::Release);
            acted
        };
        tokio::try_join!(acting, look(reader.clone()), look(beside.ask_as(&reader)), look(reader.clone()))?;
        reader.delete(&format!("/v1/users/{}/block", author.handle)).await?.expect(204)?;
    }
    let (searches, hits) = (searches.into_inner(), hits.into_inner());
    println!(
        "{} posts blocked in {rounds} rounds under {searches} searches in two processes: {hits} hits after",
        rounds * 4
    );
    ensure!(hits == 0, "{hits} hits");
    Ok(())
}

async fn take_down(moderator: &Api, post: &str) -> Result<()> {
    let body = json!({"post_id": post, "reason": "spam"});
    let opened = moderator.post("/v1/moderation/cases", &body).await?.expect(201)?;
    let id = opened.json["id"].as_str().context("no case")?.to_owned();
    let decision = json!({"measure": "remove", "reason": "spam", "version": opened.json["version"]});
    moderator.post(&format!("/v1/moderation/cases/{id}/decisions"), &decision).await?.expect(201)?;
    Ok(())
}

#[tokio::test]
async fn a_killed_service_finds_everything_again_and_search_check_finds_no_difference() -> Result<()> {
    let service = setup().start().await?;
    let author = service.anonymous()?.signup().await?;
    let word = word();
    let mut posts = Vec::new();
    for round in 0..trials(3, 50) {
        for n in 0..6 {
            posts.push(author.say(&format!("{word} {round} {n}")).await?);
        }
        if let Some(post) = posts.pop() {
            author.delete(&format!("/v1/posts/{post}")).await?.expect(204)?;
        }
        service.kill();
        service.start_again().await?;
    }
    service.settle().await?;
    let first = posts.first().context("no post")?;
    until("the index has caught up", SECS, async || {
        let checked = service.run(&["search", "check"]).await?;
        Ok(checked.status.success())
    })
    .await?;
    let checked = service.run(&["search", "check"]).await?;
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    ensure!(checked.status.success() && said.trim_end().ends_with("compared, 0 differences"), "{said}");
    println!("{} rounds of kill -9: {}", trials(3, 50), said.trim_end());
    let found = author.ids(&format!("{}&limit=100", of("posts", &format!("{word} 0")))).await?;
    ensure!(found.contains(first), "{found:?}");
    let built = service.run(&["search", "reindex"]).await?;
    ensure!(built.status.success(), "{built:?}");
    let found = author.ids(&format!("{}&limit=100", of("posts", &format!("{word} 0")))).await?;
    ensure!(found.contains(first), "gone after a rebuild: {found:?}");
    Ok(())
}
