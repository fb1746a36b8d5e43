//! Every operation for every role, and the API document against what is served. The tables of this file
//! are written by hand and not taken from the product.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use madang_tests::{
    Answer, Api, Broker, Service, Setup, Shared,
    broker::{TRADES, at_work, open_days, paid_in, traded},
    schema,
};
use serde_json::{Value, json};

static SERVICE: Shared = Shared::new();

/// For everybody, logged in or not.
const PUBLIC: [&str; 39] = [
    "GET /",
    "GET /docs",
    "GET /docs/{file}",
    "GET /healthz",
    "GET /metrics",
    "GET /openapi.json",
    "GET /readyz",
    "GET /v1/ambassadors",
    "GET /v1/cards/{id}",
    "GET /v1/cards/{id}/image.png",
    "GET /v1/cards/{id}/text",
    "GET /v1/leaderboard",
    "GET /v1/live",
    "GET /v1/posts/{id}",
    "GET /v1/posts/{id}/contradictions",
    "GET /v1/posts/{id}/replies",
    "GET /v1/posts/{id}/revisions",
    "GET /v1/search",
    "GET /v1/search/suggest",
    "GET /v1/tickers",
    "GET /v1/tickers/{symbol}",
    "GET /v1/tickers/{symbol}/creators",
    "GET /v1/tickers/{symbol}/posts",
    "GET /v1/tickers/{symbol}/prices",
    "GET /v1/trending/posts",
    "GET /v1/trending/tickers",
    "GET /v1/users/{handle}",
    "GET /v1/users/{handle}/calls",
    "GET /v1/users/{handle}/calls/calibration.svg",
    "GET /v1/users/{handle}/followers",
    "GET /v1/users/{handle}/following",
    "GET /v1/users/{handle}/posts",
    "GET /v1/users/{handle}/returns",
    "GET /v1/users/{handle}/trades",
    "POST /v1/cards/verify",
    "POST /v1/auth/login",
    "POST /v1/auth/signup",
    "HEAD /healthz",
    "HEAD /v1/tickers",
];

/// For everybody who is logged in, programs too.
const LOGGED_IN: [&str; 2] = ["GET /v1/me", "POST /v1/auth/logout"];

/// For people and staff, not for programs.
const PEOPLE: [&str; 60] = [
    "DELETE /v1/me",
    "DELETE /v1/me/keyword-mutes/{keyword}",
    "DELETE /v1/posts/{id}",
    "DELETE /v1/posts/{id}/bookmark",
    "DELETE /v1/posts/{id}/like",
    "DELETE /v1/posts/{id}/repost",
    "DELETE /v1/tickers/{symbol}/watch",
    "DELETE /v1/users/{handle}/block",
    "DELETE /v1/users/{handle}/follow",
    "DELETE /v1/users/{handle}/mute",
    "GET /v1/me/blocks",
    "GET /v1/me/bookmarks",
    "GET /v1/me/export",
    "GET /v1/me/keyword-mutes",
    "GET /v1/me/mutes",
    "GET /v1/me/watchlist",
    "GET /v1/timeline",
    "GET /v1/watchlist/posts",
    "PATCH /v1/me",
    "PATCH /v1/posts/{id}",
    "POST /v1/posts",
    "PUT /v1/me/keyword-mutes/{keyword}",
    "PUT /v1/posts/{id}/bookmark",
    "PUT /v1/posts/{id}/like",
    "PUT /v1/posts/{id}/repost",
    "PUT /v1/posts/{id}/vote",
    "PUT /v1/tickers/{symbol}/watch",
    "PUT /v1/users/{handle}/block",
    "PUT /v1/users/{handle}/follow",
    "PUT /v1/users/{handle}/mute",
    "HEAD /v1/timeline",
    "HEAD /v1/me/blocks",
    "HEAD /v1/me/bookmarks",
    "HEAD /v1/me/export",
    "HEAD /v1/me/mutes",
    "HEAD /v1/me/watchlist",
    "HEAD /v1/watchlist/posts",
    "DELETE /v1/posts/{id}/reports",
    "GET /v1/me/appeals",
    "GET /v1/me/reports",
    "GET /v1/me/sanctions",
    "GET /v1/notifications",
    "POST /v1/notifications/read",
    "POST /v1/appeals",
    "GET /v1/me/statements",
    "POST /v1/posts/{id}/reports",
    "HEAD /v1/me/reports",
    "DELETE /v1/me/ambassador",
    "GET /v1/me/ambassador",
    "GET /v1/me/ambassador/statements",
    "POST /v1/me/ambassador",
    "PUT /v1/me/ambassador/declaration",
    "DELETE /v1/me/disclosure",
    "GET /v1/me/cards",
    "GET /v1/me/disclosure",
    "GET /v1/me/positions",
    "GET /v1/me/returns",
    "GET /v1/suggestions/creators",
    "POST /v1/me/cards",
    "PUT /v1/me/disclosure",
];

/// For those who decide cases.
const MODERATORS: [&str; 17] = [
    "GET /v1/moderation/appeals",
    "POST /v1/moderation/appeals/{id}/decisions",
    "GET /v1/moderation/audit",
    "GET /v1/moderation/cases",
    "GET /v1/moderation/cases/{id}",
    "GET /v1/moderation/stats",
    "POST /v1/moderation/cases/{id}/claim",
    "POST /v1/moderation/cases/{id}/decisions",
    "POST /v1/moderation/cases/{id}/escalate",
    "POST /v1/moderation/cases/{id}/release",
    "GET /v1/moderation/rules",
    "GET /v1/moderation/rules/{id}",
    "GET /v1/moderation/settings",
    "GET /v1/moderation/users/{handle}/sanctions",
    "POST /v1/moderation/cases",
    "POST /v1/moderation/users/{handle}/sanctions",
    "HEAD /v1/moderation/cases",
];

/// For those of them who set rules.
const SENIORS: [&str; 6] = [
    "DELETE /v1/moderation/rules/{id}",
    "PATCH /v1/moderation/rules/{id}",
    "POST /v1/moderation/rules",
    "POST /v1/moderation/rules/dry-run",
    "POST /v1/moderation/cases/{id}/assign",
    "DELETE /v1/moderation/users/{handle}/sanctions/{id}",
];

/// For those who act on rights claims.
const LEGAL: [&str; 3] = [
    "GET /v1/moderation/legal-requests",
    "POST /v1/moderation/legal-requests",
    "POST /v1/moderation/legal-requests/{id}/decisions",
];

/// For those who run the place.
const ADMINS: [&str; 18] = [
    "GET /v1/tickers/{symbol}/aliases",
    "PUT /v1/tickers/{symbol}/aliases/{alias}",
    "DELETE /v1/tickers/{symbol}/aliases/{alias}",
    "POST /v1/moderation/settings/proposals",
    "POST /v1/moderation/settings/proposals/{id}/decisions",
    "GET /v1/ambassadors/applications",
    "GET /v1/ambassadors/payouts",
    "GET /v1/ambassadors/payruns",
    "GET /v1/ambassadors/payruns/{id}.csv",
    "GET /v1/ambassadors/settings",
    "GET /v1/ambassadors/statements",
    "POST /v1/ambassadors/applications/{id}/decision",
    "POST /v1/ambassadors/members/{handle}/removal",
    "POST /v1/ambassadors/members/{handle}/tier",
    "POST /v1/ambassadors/payouts/{id}/approve",
    "POST /v1/ambassadors/payouts/{id}/reverse",
    "POST /v1/ambassadors/payruns",
    "PUT /v1/ambassadors/settings",
];

/// For programs of the broker's alone.
const SERVICES: [&str; 4] =
    ["GET /v1/ledger/refusals", "POST /v1/ledger/prices", "POST /v1/ledger/rates", "POST /v1/ledger/trades"];

/// Who asks.
struct Cast {
    anonymous: Api,
    members: Vec<(&'static str, Api)>,
    /// Shows returns and trades, and has a card.
    author: Api,
    post: String,
    card: String,
    broker: Broker,
}

async fn cast(service: &Service) -> Result<Cast> {
    let anonymous = service.anonymous()?;
    let broker = Broker::open(service).await?;
    let author = broker.disclosing(service).await?;
    let asked = json!({"kind": "position", "ticker": "XNAS:AAPL"});
    let card = author.post("/v1/me/cards", &asked).await?.expect(201)?;
    let card = card.json["id"].as_str().context("no card")?.to_owned();
    let poll = json!({"options": ["a", "b"], "minutes": 60});
    let body = json!({"body": "for everybody $AAPL", "stance": "bull", "poll": poll});
    let post = author.publish(body).await?;
    let mut members = vec![("investor", anonymous.signup().await?)];
    for role in ["moderator", "senior", "legal", "admin", "service"] {
        members.push((role, service.member(&anonymous, role).await?));
    }
    Ok(Cast { anonymous, members, author, post, card, broker })
}

/// Asks for an operation; stored things it names are there, bodies are wrong, so that nothing happens.
async fn ask(cast: &Cast, who: &Api, operation: &str) -> Result<Answer> {
    let (method, path) = operation.split_once(' ').context("no method")?;
    let id = if path.starts_with("/v1/cards/") { &cast.card } else { &cast.post };
    let path = path
        .replace("{id}", id)
        .replace("{handle}", &cast.author.handle)
        .replace("{symbol}", "XNAS:AAPL")
        .replace("{keyword}", "word")
        .replace("{alias}", "nickname")
        .replace("{file}", "index.html");
    if ["POST", "PATCH"].contains(&method) || path == "/v1/me" || path.ends_with("/vote") {
        return who.send(method, &path, &[], &json!({"nothing": 1})).await;
    }
    who.raw(method, &path, &[], Vec::new()).await
}

fn documented(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.map(move |(method, _)| format!("{} {path}", method.to_uppercase()))
        })
        .collect()
}

#[tokio::test]
async fn what_is_documented_is_what_these_tables_list() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let document = service.anonymous()?.get("/openapi.json").await?.expect(200)?.json;
    let listed: BTreeSet<String> = PUBLIC
        .iter()
        .chain(&LOGGED_IN)
        .chain(&PEOPLE)
        .chain(&MODERATORS)
        .chain(&SENIORS)
        .chain(&LEGAL)
        .chain(&ADMINS)
        .chain(&SERVICES)
        .filter(|operation| !operation.starts_with("HEAD"))
        .map(|operation| (*operation).to_owned())
        .collect();
    let documented = documented(&document);
    let lacking: Vec<_> = documented.difference(&listed).collect();
    ensure!(lacking.is_empty(), "say in this file who may ask for {lacking:?}");
    let gone: Vec<_> = listed.difference(&documented).collect();
    ensure!(gone.is_empty(), "listed here but not documented: {gone:?}");
    Ok(())
}

#[tokio::test]
async fn every_operation_refuses_every_role_that_it_does_not_name() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let cast = cast(&service).await?;
    let mut trials = 0;
    let tables = [
        (&PUBLIC[..], 0),
        (&LOGGED_IN[..], 1),
        (&PEOPLE[..], 2),
        (&MODERATORS[..], 3),
        (&SENIORS[..], 4),
        (&LEGAL[..], 5),
        (&ADMINS[..], 6),
        (&SERVICES[..], 7),
    ];
    for (table, strictness) in tables {
        // Logging out and streams come last or elsewhere: the one ends the login, the other does not end.
        for operation in table.iter().filter(|o| !o.ends_with("/logout") && !o.ends_with("/live")) {
            let answer = ask(&cast, &cast.anonymous, operation).await?;
            ensure!(answer.status < 500, "{operation}: {}", answer.text());
            let refused = answer.status == 401;
            let open = operation.ends_with("/auth/login");
            ensure!(refused == (strictness > 0) || open, "anonymous {operation}: {}", answer.status);
            for (role, member) in &cast.members {
                let answer = ask(&cast, member, operation).await?;
                ensure!(answer.status < 500, "{role} {operation}: {}", answer.text());
                let forbidden = match strictness {
                    2 => *role == "service",
                    3 => !["moderator", "senior", "admin"].contains(role),
                    4 => !["senior", "admin"].contains(role),
                    5 => !["legal", "admin"].contains(role),
                    6 => *role != "admin",
                    7 => *role != "service",
                    _ => false,
                };
                ensure!(
                    (answer.status == 403) == forbidden && answer.status != 401,
                    "{role} {operation}: {} {}",
                    answer.status,
                    answer.text()
                );
                trials += 1;
            }
            trials += 1;
        }
    }
    for (_, member) in &cast.members {
        let path = "/v1/auth/logout";
        member.raw("POST", path, &[], Vec::new()).await?.expect(204)?;
        member.raw("POST", path, &[], Vec::new()).await?.refused(401, "login_required")?;
    }
    println!("trials: {trials} operations asked for by a role");
    Ok(())
}

#[tokio::test]
async fn every_documented_operation_is_served_and_others_are_not() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let cast = cast(&service).await?;
    let document = cast.anonymous.get("/openapi.json").await?.expect(200)?.json;
    let operations = documented(&document);
    ensure!(operations.len() > 40, "only {} operations", operations.len());
    for operation in operations.iter().filter(|operation| !operation.ends_with("/live")) {
        let answer = ask(&cast, &cast.anonymous, operation).await?;
        ensure!(![404, 405].contains(&answer.status), "{operation}: {}", answer.text());
    }
    for path in [
        "/v1",
        "/v1/",
        "/v1/auth",
        "/v1/users",
        "/v1/admin",
        "/v1/jobs",
        "/v1/me/sessions",
        "/v1/posts/1/edit",
        "/admin",
        "/debug",
        "/.env",
        "/v1/moderation",
        "/v1/timeline/",
    ] {
        cast.anonymous.get(path).await?.refused(404, "not_found")?;
    }
    println!("trials: {} documented operations", operations.len());
    Ok(())
}

#[tokio::test]
async fn real_answers_are_what_the_document_says() -> Result<()> {
    let service = SERVICE.get(Setup::new).await?;
    let cast = cast(&service).await?;
    let reader = cast.anonymous.signup().await?;
    let document = cast.anonymous.get("/openapi.json").await?.expect(200)?.json;
    furnish(&cast, &reader).await?;
    let mut trials = 0;
    for who in [&reader, &cast.anonymous] {
        for (path, documented) in [
            ("/v1/me", "/v1/me"),
            ("/v1/timeline", "/v1/timeline"),
            ("/v1/timeline?order=latest&limit=1", "/v1/timeline"),
            ("/v1/me/bookmarks", "/v1/me/bookmarks"),
            ("/v1/me/blocks", "/v1/me/blocks"),
            ("/v1/me/mutes", "/v1/me/mutes"),
            ("/v1/me/keyword-mutes", "/v1/me/keyword-mutes"),
            ("/v1/me/watchlist", "/v1/me/watchlist"),
            ("/v1/users/{handle}", "/v1/users/{handle}"),
            ("/v1/users/{handle}/posts", "/v1/users/{handle}/posts"),
            ("/v1/users/{handle}/followers", "/v1/users/{handle}/followers"),
            ("/v1/users/{handle}/following", "/v1/users/{handle}/following"),
            ("/v1/users/nobody_here", "/v1/users/{handle}"),
            ("/v1/posts/{id}", "/v1/posts/{id}"),
            ("/v1/posts/{id}/replies", "/v1/posts/{id}/replies"),
            ("/v1/posts/{id}/revisions", "/v1/posts/{id}/revisions"),
            ("/v1/tickers?limit=3", "/v1/tickers"),
            ("/v1/tickers?limit=0", "/v1/tickers"),
            ("/v1/tickers/XNAS:AAPL", "/v1/tickers/{symbol}"),
            ("/v1/tickers/XNAS:AAPL/posts", "/v1/tickers/{symbol}/posts"),
            ("/v1/tickers/XNAS:AAPL/posts?cursor=x", "/v1/tickers/{symbol}/posts"),
            ("/v1/tickers/FB/prices", "/v1/tickers/{symbol}/prices"),
            ("/v1/tickers/XNAS:AAPL/prices", "/v1/tickers/{symbol}/prices"),
            ("/v1/ambassadors", "/v1/ambassadors"),
            ("/v1/me/ambassador", "/v1/me/ambassador"),
            ("/v1/me/ambassador/statements", "/v1/me/ambassador/statements"),
            ("/v1/trending/tickers", "/v1/trending/tickers"),
            ("/v1/trending/posts", "/v1/trending/posts"),
            ("/v1/watchlist/posts", "/v1/watchlist/posts"),
            ("/v1/leaderboard", "/v1/leaderboard"),
            ("/v1/leaderboard?window=ALL&ticker=XNAS:AAPL", "/v1/leaderboard"),
            ("/v1/leaderboard?window=2W", "/v1/leaderboard"),
            ("/v1/leaderboard?cursor=x", "/v1/leaderboard"),
            ("/v1/tickers/XNAS:AAPL/creators", "/v1/tickers/{symbol}/creators"),
            ("/v1/users/{handle}/returns", "/v1/users/{handle}/returns"),
            ("/v1/users/nobody_here/returns", "/v1/users/{handle}/returns"),
            ("/v1/users/{handle}/trades", "/v1/users/{handle}/trades"),
            ("/v1/users/{handle}/calls", "/v1/users/{handle}/calls"),
            ("/v1/users/{handle}/calls/calibration.svg?days=2", "/v1/users/{handle}/calls/calibration.svg"),
            ("/v1/posts/{id}/contradictions", "/v1/posts/{id}/contradictions"),
            ("/v1/cards/{card}", "/v1/cards/{id}"),
            ("/v1/cards/1", "/v1/cards/{id}"),
            ("/v1/cards/1/text", "/v1/cards/{id}/text"),
            ("/v1/cards/1/image.png", "/v1/cards/{id}/image.png"),
            ("/v1/me/cards", "/v1/me/cards"),
            ("/v1/me/disclosure", "/v1/me/disclosure"),
            ("/v1/me/positions", "/v1/me/positions"),
            ("/v1/me/returns", "/v1/me/returns"),
            ("/v1/suggestions/creators", "/v1/suggestions/creators"),
            ("/readyz", "/readyz"),
        ] {
            let path = path.replace("{card}", &cast.card).replace("{id}", &cast.post);
            let path = path.replace("{handle}", &cast.author.handle);
            let answer = who.get(&path).await?;
            fits(&document, &answer, documented, "get").with_context(|| path.clone())?;
            trials += 1;
        }
    }
    let body = json!({"body": "written $AAPL", "quote_of": cast.post});
    fits(&document, &reader.post("/v1/posts", &body).await?, "/v1/posts", "post")?;
    trials += broker_and_author(&document, &cast).await?;
    println!("trials: {trials} answers");
    Ok(())
}

/// What the broker's programs are answered, and those who have a ledger.
async fn broker_and_author(document: &Value, cast: &Cast) -> Result<usize> {
    let (broker, author) = (&cast.broker.api, &cast.author);
    let first = *open_days().first().context("no day")?;
    let deposit = paid_in(author, 1, at_work(first));
    let oversold = traded(author, "sell", ("XNAS:MSFT", 1, 1), at_work(first));
    let price =
        json!({"symbol": "XNAS:GOOG", "day": first, "open": "1", "high": "1", "low": "1", "close": "1"});
    let scope = json!({"consent_version": 1, "holdings": true, "trade_delay": 0, "amounts": true});
    let token = author.get(&format!("/v1/cards/{}", cast.card)).await?.json["token"].clone();
    let writes = [
        (broker, "POST", TRADES, json!({"trades": [deposit, deposit, oversold, {"a": 1}, 5]})),
        (broker, "POST", TRADES, json!({"trades": []})),
        (broker, "POST", "/v1/ledger/prices", json!({"prices": [price]})),
        (broker, "POST", "/v1/ledger/prices", json!({"prices": [{}]})),
        (
            broker,
            "POST",
            "/v1/ledger/rates",
            json!({"rates": [{"currency": "JPY", "day": first, "won": "9.1"}]}),
        ),
        (author, "POST", TRADES, json!({"trades": []})),
        (author, "PUT", "/v1/me/disclosure", scope),
        (author, "PUT", "/v1/me/disclosure", json!({})),
        (author, "POST", "/v1/me/cards", json!({"kind": "window", "window": "1M", "ticker": "XNAS:AAPL"})),
        (author, "POST", "/v1/me/cards", json!({})),
        (author, "POST", "/v1/cards/verify", json!({"token": token})),
        (author, "POST", "/v1/cards/verify", json!({"token": "x"})),
        (
            author,
            "POST",
            "/v1/posts",
            json!({"body": "수익률 38% 인증 $AAPL", "stance": "bull", "card_id": cast.card}),
        ),
    ];
    for (who, method, path, body) in &writes {
        let answer = who.send(method, path, &[], body).await?;
        fits(document, &answer, path, &method.to_lowercase()).with_context(|| format!("{path} {body}"))?;
    }
    let reads = [
        (broker, "/v1/ledger/refusals"),
        (author, "/v1/me/positions"),
        (author, "/v1/me/returns"),
        (author, "/v1/me/cards"),
        (author, "/v1/me/disclosure"),
        (author, "/v1/leaderboard"),
    ];
    for (who, path) in &reads {
        fits(document, &who.get(path).await?, path, "get").with_context(|| (*path).to_owned())?;
    }
    let shown = cast.anonymous.get(&format!("/v1/users/{}/returns", author.handle)).await?.expect(200)?;
    fits(document, &shown, "/v1/users/{handle}/returns", "get")?;
    let trades = cast.anonymous.get(&format!("/v1/users/{}/trades", author.handle)).await?.expect(200)?;
    fits(document, &trades, "/v1/users/{handle}/trades", "get")?;
    Ok(writes.len() + reads.len() + 2)
}

/// Gives every list something to show.
async fn furnish(cast: &Cast, reader: &Api) -> Result<()> {
    let blocked = cast.anonymous.signup().await?;
    let muted = cast.anonymous.signup().await?;
    let post = &cast.post;
    reader.follow(&cast.author).await?;
    cast.author.follow(reader).await?;
    for path in [
        format!("/v1/posts/{post}/bookmark"),
        format!("/v1/posts/{post}/like"),
        format!("/v1/posts/{post}/repost"),
        format!("/v1/users/{}/block", blocked.handle),
        format!("/v1/users/{}/mute", muted.handle),
        "/v1/me/keyword-mutes/word".to_owned(),
        "/v1/tickers/XNAS:AAPL/watch".to_owned(),
    ] {
        let answer = reader.put(&path).await?;
        ensure!([200, 204].contains(&answer.status), "{path}: {}", answer.text());
    }
    let reply = reader.publish(json!({"body": "a reply", "reply_to": post})).await?;
    reader.publish(json!({"body": "a quote", "quote_of": reply})).await?;
    let gone = reader.publish(json!({"body": "gone", "reply_to": post})).await?;
    reader.delete(&format!("/v1/posts/{gone}")).await?.expect(204)?;
    let edit = json!({"body": "edited $AAPL"});
    cast.author.patch(&format!("/v1/posts/{post}"), &edit).await?.expect(200)?;
    let vote = json!({"option": 1});
    reader.send("PUT", &format!("/v1/posts/{post}/vote"), &[], &vote).await?.expect(204)?;
    // A trend needs three authors.
    for person in [&blocked, &muted, reader] {
        person.say("why is $TSLA up").await?;
    }
    Ok(())
}

/// The status is documented, and the body is what the document says for it.
fn fits(document: &Value, answer: &Answer, path: &str, method: &str) -> Result<()> {
    let response = &document["paths"][path][method]["responses"][answer.status.to_string()];
    ensure!(!response.is_null(), "{} is not documented", answer.status);
    let media = answer.header("content-type");
    let schema = &response["content"][media]["schema"];
    ensure!(!schema.is_null(), "{} as {media:?} is not documented", answer.status);
    ensure!(!answer.json.is_null(), "no JSON");
    schema::check(document, schema, &answer.json, "answer")
}
