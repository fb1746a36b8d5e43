//! Either side of a block sees nothing of the other, anywhere; mutes hold on every feed of the one who mutes.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use anyhow::{Context, Result, ensure};
use madang_tests::{Api, Service, Setup, Shared, all, until};
use serde_json::json;

static SERVICE: Shared = Shared::new();

/// Lists without an object of their own; each with a page large enough to hold all that the tests write.
const FEEDS: [&str; 7] = [
    "/v1/timeline?order=top&limit=100",
    "/v1/timeline?order=latest&limit=100",
    "/v1/tickers/AAPL/posts?order=top&limit=100",
    "/v1/tickers/AAPL/posts?order=latest&limit=100",
    "/v1/watchlist/posts?limit=100",
    "/v1/trending/posts?limit=100",
    "/v1/me/bookmarks?limit=100",
];

fn setup() -> Setup {
    Setup::new().with("SNAPSHOT_REUSE_MS", "0")
}

/// Two people who follow each other, and a third one whose posts bring them together.
struct Scene {
    a: Api,
    b: Api,
    third: Api,
    /// Of each: a post on AAPL, which the other has bookmarked.
    posts: [String; 2],
    /// Replies of each to the third one's post.
    replies: [String; 2],
    /// By the third: a post, and quotes of both posts.
    root: String,
    quotes: [String; 2],
}

async fn scene(service: &Service) -> Result<Scene> {
    let [a, b, third] = service.anonymous()?.signup_many().await?;
    for person in [&a, &b, &third] {
        person.put("/v1/tickers/AAPL/watch").await?.expect(204)?;
    }
    for (who, whom) in [(&a, &b), (&b, &a), (&third, &a), (&third, &b), (&a, &third), (&b, &third)] {
        who.follow(whom).await?;
    }
    let on_aapl = |who: &Api| json!({"body": format!("$AAPL says {}", who.handle)});
    let posts = [a.publish(on_aapl(&a)).await?, b.publish(on_aapl(&b)).await?];
    let root = third.say("discuss").await?;
    let answer = |who: &Api| json!({"body": format!("answer of {}", who.handle), "reply_to": root});
    let replies = [a.publish(answer(&a)).await?, b.publish(answer(&b)).await?];
    let [of_a, of_b] = &posts;
    let quotes = [
        third.publish(json!({"body": "quoting one", "quote_of": of_a})).await?,
        third.publish(json!({"body": "quoting two", "quote_of": of_b})).await?,
    ];
    a.put(&format!("/v1/posts/{of_b}/bookmark")).await?.expect(204)?;
    b.put(&format!("/v1/posts/{of_a}/bookmark")).await?.expect(204)?;
    service.settle().await?;
    Ok(Scene { a, b, third, posts, replies, root, quotes })
}

/// Whether a page tells anything of somebody: name, id, or a post that says their name.
async fn tells_of(reader: &Api, path: &str, other: &Api) -> Result<bool> {
    let page = reader.get(path).await?.expect(200)?.text();
    Ok(page.contains(&other.handle) || page.contains(&format!("\"{}\"", other.id)))
}

#[tokio::test]
async fn before_a_block_both_are_shown_on_every_surface() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let Scene { a, b, third, root, .. } = scene(&service).await?;
    for (reader, other) in [(&a, &b), (&b, &a)] {
        for path in FEEDS {
            ensure!(tells_of(reader, path, other).await?, "{path} lacks the other");
        }
        for path in [
            format!("/v1/posts/{root}/replies"),
            format!("/v1/users/{}/posts", third.handle),
            format!("/v1/users/{}/followers?limit=100", third.handle),
            format!("/v1/users/{}/following?limit=100", third.handle),
        ] {
            ensure!(tells_of(reader, &path, other).await?, "{path} lacks the other");
        }
    }
    Ok(())
}

#[tokio::test]
async fn either_side_of_a_block_sees_nothing_of_the_other_on_any_surface() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let scene = scene(&service).await?;
    let Scene { a, b, .. } = &scene;
    let path = format!("/v1/users/{}/block", b.handle);
    a.put(&path).await?.expect(204)?;
    let [of_a, of_b] = &scene.posts;
    for (reader, other, hidden) in [(a, b, of_b), (b, a, of_a)] {
        hides(&scene, reader, other, hidden).await?;
    }
    service.settle().await?;
    for (reader, other, hidden) in [(a, b, of_b), (b, a, of_a)] {
        hides(&scene, reader, other, hidden).await?;
    }
    ensure!(!tells_of(a, "/v1/me/blocks", a).await? && tells_of(a, "/v1/me/blocks", b).await?);
    let blocked_by_b = b.ids("/v1/me/blocks").await?;
    ensure!(blocked_by_b.is_empty(), "the blocked one blocks nobody");
    Ok(())
}

/// Every surface, for one side.
async fn hides(scene: &Scene, reader: &Api, other: &Api, hidden: &str) -> Result<()> {
    for path in FEEDS {
        ensure!(!tells_of(reader, path, other).await?, "{path} tells of the other");
    }
    let third = &scene.third.handle;
    for path in [
        format!("/v1/posts/{}/replies?limit=100", scene.root),
        format!("/v1/users/{third}/posts?limit=100"),
        format!("/v1/users/{third}/followers?limit=100"),
        format!("/v1/users/{third}/following?limit=100"),
    ] {
        ensure!(!tells_of(reader, &path, other).await?, "{path} tells of the other");
    }
    let name = &other.handle;
    for path in [
        format!("/v1/users/{name}"),
        format!("/v1/users/{name}/posts"),
        format!("/v1/users/{name}/followers"),
        format!("/v1/users/{name}/following"),
        format!("/v1/posts/{hidden}"),
        format!("/v1/posts/{hidden}/replies"),
        format!("/v1/posts/{hidden}/revisions"),
    ] {
        reader.get(&path).await?.refused(404, "not_found")?;
    }
    for path in [
        format!("/v1/posts/{hidden}/like"),
        format!("/v1/posts/{hidden}/repost"),
        format!("/v1/posts/{hidden}/bookmark"),
        format!("/v1/users/{name}/follow"),
    ] {
        reader.put(&path).await?.refused(404, "not_found")?;
    }
    for field in ["reply_to", "quote_of"] {
        let body = json!({"body": "hello", field: hidden});
        reader.post("/v1/posts", &body).await?.names(field)?;
    }
    shows_placeholders(scene, reader).await
}

/// In the thread and inside the quote something stands, and says only that it is not to be seen.
async fn shows_placeholders(scene: &Scene, reader: &Api) -> Result<()> {
    let replies = reader.get(&format!("/v1/posts/{}/replies", scene.root)).await?.expect(200)?;
    ensure!(replies.ids() == scene.replies, "the thread has lost a place");
    let placeholders = replies.items().iter().filter(|item| item["placeholder"] == "unavailable");
    ensure!(placeholders.count() == 1, "{}", replies.json);
    let mut seen = 0;
    for quote in &scene.quotes {
        let quote = reader.get(&format!("/v1/posts/{quote}")).await?.expect(200)?;
        seen += usize::from(quote.json["quote_of"]["placeholder"] == "unavailable");
    }
    ensure!(seen == 1, "{seen} quotes with a placeholder");
    Ok(())
}

#[tokio::test]
async fn a_block_ends_follows_both_ways_and_the_counts_follow() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let Scene { a, b, third, posts, .. } = scene(&service).await?;
    let [_, of_b] = posts;
    let counts = async |who: &Api| -> Result<(i64, i64)> {
        let profile = third.get(&format!("/v1/users/{}", who.handle)).await?.expect(200)?.json;
        let of = |name: &str| profile[name].as_i64().context("no count");
        Ok((of("follower_count")?, of("following_count")?))
    };
    ensure!(counts(&a).await? == (2, 2) && counts(&b).await? == (2, 2));
    let path = format!("/v1/users/{}/block", b.handle);
    a.put(&path).await?.expect(204)?;
    ensure!(counts(&a).await? == (1, 1) && counts(&b).await? == (1, 1));
    a.put(&path).await?.expect(204)?;
    ensure!(counts(&a).await? == (1, 1), "a repeated block counted again");
    a.delete(&path).await?.expect(204)?;
    ensure!(counts(&a).await? == (1, 1), "an unblock brought a follow back");
    let page = a.get("/v1/tickers/AAPL/posts?order=latest&limit=100").await?.expect(200)?;
    ensure!(page.text().contains(&b.handle), "the board hides them after the unblock");
    let home = "/v1/timeline?order=latest&limit=100";
    ensure!(!a.ids(home).await?.contains(&of_b), "home shows somebody no longer followed");
    a.follow(&b).await?;
    until("their posts are back at home", 10, async || Ok(a.ids(home).await?.contains(&of_b))).await
}

#[tokio::test]
async fn blocks_and_follows_in_parallel_leave_no_follow_across_a_block() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let trials: Vec<_> = (0..10)
        .map(|_| {
            let nobody = nobody.clone();
            async move {
                let [a, b] = nobody.signup_many().await?;
                let block = {
                    let (a, path) = (a.clone(), format!("/v1/users/{}/block", b.handle));
                    async move { a.put(&path).await }
                };
                let follow = |who: &Api, whom: &Api| {
                    let (who, path) = (who.clone(), format!("/v1/users/{}/follow", whom.handle));
                    async move { who.put(&path).await }
                };
                let (blocked, one, two) = tokio::join!(block, follow(&a, &b), follow(&b, &a));
                blocked?.expect(204)?;
                for answer in [one?, two?] {
                    ensure!([204, 404].contains(&answer.status), "{}", answer.text());
                }
                Ok(())
            }
        })
        .collect();
    let count = all(trials).await?.len();
    let across: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM follows f JOIN blocks b
         ON (b.blocker_id, b.blocked_id) IN ((f.follower_id, f.followee_id), (f.followee_id, f.follower_id))",
    )
    .fetch_one(&service.sql().await?)
    .await?;
    ensure!(across == 0, "{across} follows across a block");
    println!("trials: {count} blocks against two follows each");
    Ok(())
}

#[tokio::test]
async fn staff_see_across_blocks() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let nobody = service.anonymous()?;
    let moderator = service.member(&nobody, "moderator").await?;
    let author = nobody.signup().await?;
    let id = author.publish(json!({"body": format!("$AAPL by {}", author.handle)})).await?;
    let path = format!("/v1/users/{}/block", moderator.handle);
    author.put(&path).await?.expect(204)?;
    moderator.get(&format!("/v1/posts/{id}")).await?.expect(200)?;
    moderator.get(&format!("/v1/users/{}", author.handle)).await?.expect(200)?;
    let board = "/v1/tickers/AAPL/posts?order=latest&limit=100";
    until("staff see the post on the board", 10, async || tells_of(&moderator, board, &author).await).await?;
    let follow = format!("/v1/users/{}/follow", author.handle);
    moderator.put(&follow).await?.refused(404, "not_found")?;
    Ok(())
}

#[tokio::test]
async fn a_mute_holds_on_every_feed_and_for_the_one_who_mutes_alone() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let Scene { a, b, posts, .. } = scene(&service).await?;
    let [_, of_b] = posts;
    let mute = format!("/v1/users/{}/mute", b.handle);
    a.put(&mute).await?.expect(204)?;
    for path in FEEDS.iter().filter(|path| !path.contains("bookmarks")) {
        ensure!(!tells_of(&a, path, &b).await?, "{path} shows a muted person");
        ensure!(tells_of(&b, path, &a).await?, "{path} hides the one who mutes");
    }
    a.get(&format!("/v1/posts/{of_b}")).await?.expect(200)?;
    let profile = a.get(&format!("/v1/users/{}", b.handle)).await?.expect(200)?;
    ensure!(profile.json["viewer"]["muted"] == true && profile.json["viewer"]["following"] == true);
    ensure!(tells_of(&a, "/v1/me/mutes", &b).await?);
    a.delete(&mute).await?.expect(204)?;
    for path in FEEDS {
        ensure!(tells_of(&a, path, &b).await?, "{path} hides somebody no longer muted");
    }
    Ok(())
}

#[tokio::test]
async fn a_muted_word_holds_on_every_feed() -> Result<()> {
    let service = SERVICE.get(setup).await?;
    let [a, b] = service.anonymous()?.signup_many().await?;
    for person in [&a, &b] {
        person.put("/v1/tickers/AAPL/watch").await?.expect(204)?;
    }
    a.follow(&b).await?;
    let word = format!("떡상{}", b.handle);
    let loud = b.publish(json!({"body": format!("$AAPL {word}간다")})).await?;
    let quiet = b.publish(json!({"body": "$AAPL calm"})).await?;
    let repost_of_loud = {
        let third = service.anonymous()?.signup().await?;
        a.follow(&third).await?;
        third.publish(json!({"body": "look", "quote_of": loud})).await?
    };
    service.settle().await?;
    let feeds: Vec<&str> = FEEDS.into_iter().filter(|path| !path.contains("bookmarks")).collect();
    for path in &feeds {
        let ids = a.ids(path).await?;
        ensure!(ids.contains(&loud) && ids.contains(&quiet), "{path} lacks a post");
    }
    let mute = format!("/v1/me/keyword-mutes/{word}");
    a.put(&mute).await?.expect(204)?;
    for path in &feeds {
        let ids = a.ids(path).await?;
        ensure!(!ids.contains(&loud), "{path} shows a muted word");
        ensure!(ids.contains(&quiet), "{path} hides too much");
        ensure!(
            b.ids(path).await?.contains(&loud) || path.contains("timeline"),
            "{path} hides it from others"
        );
    }
    a.get(&format!("/v1/posts/{repost_of_loud}")).await?.expect(200)?;
    let words = a.get("/v1/me/keyword-mutes").await?.expect(200)?;
    ensure!(words.json["items"] == json!([word.to_lowercase()]), "{}", words.json);
    a.delete(&mute).await?.expect(204)?;
    for path in &feeds {
        ensure!(a.ids(path).await?.contains(&loud), "{path} hides a word no longer muted");
    }
    Ok(())
}
