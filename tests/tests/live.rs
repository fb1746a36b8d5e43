//! Live updates over server-sent events: who is told of what, and resuming.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use madang_tests::{Api, Setup, Shared};
use serde_json::{Value, json};
use tokio::time::timeout;

static SERVICE: Shared = Shared::new();

/// An open stream; when the server ends it, the reader comes back with the last id, as browsers do.
struct Events {
    reader: Api,
    path: String,
    seen: Vec<String>,
    response: reqwest::Response,
    text: String,
}

/// An event as it was sent.
#[derive(Debug, PartialEq)]
struct Event {
    name: String,
    id: String,
}

impl Events {
    /// Opens a stream and waits until it says that it is open.
    async fn open(reader: &Api, path: &str, last: Option<&str>) -> Result<Self> {
        let response = reader.stream(path, last).await?;
        let media = response.headers().get("content-type").context("no media type")?;
        ensure!(media == "text/event-stream", "{media:?}");
        let mut events = Self {
            reader: reader.clone(),
            path: path.to_owned(),
            seen: Vec::new(),
            response,
            text: String::new(),
        };
        let head = events.block().await?;
        ensure!(head.contains(": connected"), "{head}");
        Ok(events)
    }

    /// What comes up to the next empty line.
    async fn block(&mut self) -> Result<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Ok(block);
            }
            let chunk =
                timeout(Duration::from_secs(20), self.response.chunk()).await.context("no event came")??;
            let Some(chunk) = chunk else {
                let last = self.seen.last().map(String::as_str);
                self.response = self.reader.stream(&self.path, last).await?;
                self.text.clear();
                continue;
            };
            self.text.push_str(std::str::from_utf8(&chunk)?);
        }
    }

    /// The next event; its data is the id and nothing else.
    async fn next(&mut self) -> Result<Event> {
        loop {
            let block = self.block().await?;
            if block.starts_with(':') || block.contains(": connected") {
                continue;
            }
            let field = |name: &str| {
                let mut lines = block.lines();
                lines.find_map(|line| line.strip_prefix(name)).map(str::to_owned)
            };
            let (name, id) = (field("event: "), field("id: ").context("no id")?);
            let data: Value = serde_json::from_str(&field("data: ").context("no data")?)?;
            ensure!(data == json!({"id": id}), "more than an id: {data}");
            let name = name.context("no name")?;
            // `more` carries the id of the last post told of, so that a reader resumes behind it.
            if name != "more" && self.seen.contains(&id) {
                continue;
            }
            self.seen.push(id.clone());
            return Ok(Event { name, id });
        }
    }

    /// Fails unless the next event is this one.
    async fn expect(&mut self, name: &str, id: &str) -> Result<()> {
        let event = self.next().await?;
        let wanted = Event { name: name.to_owned(), id: id.to_owned() };
        ensure!(event == wanted, "{event:?} instead of {wanted:?}");
        Ok(())
    }
}

#[tokio::test]
async fn a_reader_is_told_of_home_replies_and_the_open_board() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let [reader, followed, stranger] = service.anonymous()?.signup_many().await?;
    reader.follow(&followed).await?;
    let mine = reader.say("answer me").await?;
    let mut events = Events::open(&reader, "/v1/live?ticker=MSFT", None).await?;
    let home = followed.say("for home").await?;
    events.expect("home", &home).await?;
    let answer = json!({"body": "an answer", "reply_to": mine});
    let reply = stranger.publish(answer).await?;
    events.expect("reply", &reply).await?;
    stranger.say("not for this reader").await?;
    stranger.say("another board $TSLA").await?;
    reader.say("my own $MSFT").await?;
    let board = stranger.say("on the board $MSFT").await?;
    events.expect("board", &board).await?;
    let both = followed.say("the board before home $MSFT").await?;
    events.expect("board", &both).await
}

#[tokio::test]
async fn anybody_may_follow_a_board_and_nobody_only_a_board() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let nobody = service.anonymous()?;
    let author = nobody.signup().await?;
    let mut events = Events::open(&nobody, "/v1/live?ticker=XNAS:NVDA", None).await?;
    author.say("elsewhere $AAPL").await?;
    let id = author.say("here $NVDA").await?;
    events.expect("board", &id).await?;
    nobody.get("/v1/live").await?.names("ticker")?;
    nobody.get("/v1/live?ticker=NOSUCH").await?.names("ticker")?;
    let bad = [("last-event-id", "abc")];
    let answer = author.raw("GET", "/v1/live", &bad, Vec::new()).await?;
    answer.names("Last-Event-ID")?;
    Ok(())
}

#[tokio::test]
async fn a_reader_resumes_where_the_stream_broke_off() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let [reader, followed, blocked] = service.anonymous()?.signup_many().await?;
    reader.follow(&followed).await?;
    let mut events = Events::open(&reader, "/v1/live?ticker=GOOG", None).await?;
    let first = followed.say("seen").await?;
    events.expect("home", &first).await?;
    drop(events);
    reader.put(&format!("/v1/users/{}/block", blocked.handle)).await?.expect(204)?;
    let mut missed = Vec::new();
    for n in 0..5 {
        missed.push(followed.say(&format!("missed {n}")).await?);
        blocked.say(&format!("hidden {n} $GOOG")).await?;
    }
    let gone = followed.say("deleted meanwhile").await?;
    followed.delete(&format!("/v1/posts/{gone}")).await?.expect(204)?;
    let mut events = Events::open(&reader, "/v1/live?ticker=GOOG", Some(&first)).await?;
    let late = followed.say("after the return").await?;
    missed.push(late.clone());
    let mut seen = Vec::new();
    // The last ten seconds may come once more, so the one seen before may be among them.
    loop {
        let event = events.next().await?;
        ensure!(event.name == "home", "{event:?}");
        let last = event.id == late;
        if event.id != first && !seen.contains(&event.id) {
            seen.push(event.id);
        }
        if last {
            break;
        }
    }
    ensure!(seen == missed, "{seen:?} instead of {missed:?}");
    Ok(())
}

#[tokio::test]
async fn more_missed_than_is_sent_again_is_said() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let [reader, followed] = service.anonymous()?.signup_many().await?;
    reader.follow(&followed).await?;
    let first = followed.say("seen").await?;
    for n in 0..120 {
        followed.say(&format!("missed {n}")).await?;
    }
    let mut events = Events::open(&reader, "/v1/live", Some(&first)).await?;
    let mut count = 0;
    while events.next().await?.name != "more" {
        count += 1;
        ensure!(count <= 120, "nothing says that more was missed");
    }
    Ok(())
}

#[tokio::test]
async fn a_blocked_author_is_not_announced_to_either_side() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let [a, b, marker] = service.anonymous()?.signup_many().await?;
    let path = format!("/v1/users/{}/block", b.handle);
    a.put(&path).await?.expect(204)?;
    let mut of_a = Events::open(&a, "/v1/live?ticker=000660", None).await?;
    let mut of_b = Events::open(&b, "/v1/live?ticker=000660", None).await?;
    a.say("hidden $000660").await?;
    b.say("hidden $000660").await?;
    let end = marker.say("shown $000660").await?;
    of_a.expect("board", &end).await?;
    of_b.expect("board", &end).await
}

#[tokio::test]
async fn a_block_holds_on_streams_that_were_open_before_it() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let [a, b, marker] = service.anonymous()?.signup_many().await?;
    a.follow(&b).await?;
    let mut of_a = Events::open(&a, "/v1/live?ticker=005930", None).await?;
    let mut of_b = Events::open(&b, "/v1/live?ticker=005930", None).await?;
    let before = b.say("shown to a").await?;
    of_a.expect("home", &before).await?;
    let first = marker.say("shown to both $005930").await?;
    of_a.expect("board", &first).await?;
    of_b.expect("board", &first).await?;
    let path = format!("/v1/users/{}/block", b.handle);
    a.put(&path).await?.expect(204)?;
    a.say("hidden $005930").await?;
    b.say("hidden $005930").await?;
    let end = marker.say("shown $005930").await?;
    of_a.expect("board", &end).await?;
    of_b.expect("board", &end).await
}

#[tokio::test]
async fn a_follow_holds_on_a_stream_that_was_open_before_it() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let [reader, author, other] = service.anonymous()?.signup_many().await?;
    reader.follow(&other).await?;
    let mut events = Events::open(&reader, "/v1/live", None).await?;
    let first = other.say("followed before").await?;
    events.expect("home", &first).await?;
    reader.follow(&author).await?;
    let id = author.say("now followed").await?;
    events.expect("home", &id).await
}
