//! The table of routes: which address, for whom, at which rate, by which handler, and what it says in the
//! API document. A route exists only by standing here, and cannot stand here without naming its access.

mod moderation;

use std::collections::{BTreeMap, HashMap};

use actix_web::{
    Route, guard,
    http::Method,
    web::{self, ServiceConfig},
};
use madang_core::users::Role;

use crate::{
    handlers::{account, feeds, live, notices, operations, people, posts, relations, tickers, writing},
    limits::Rate,
    problem::Problem,
};

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody, logged in or not.
    Public,
    /// People and staff, not programs.
    Person,
    /// Everybody who is logged in, programs too.
    LoggedIn,
    /// Those who decide cases.
    Moderator,
    /// Those of them who also set rules and answer for the others.
    Senior,
    /// Those who act on rights claims.
    Legal,
    /// Those who run the place.
    Admin,
}

impl Access {
    /// Refuses everybody it does not name.
    pub(crate) fn check(self, role: Option<Role>) -> Result<(), Problem> {
        match (self, role) {
            (Self::Public, _) | (Self::LoggedIn, Some(_)) => Ok(()),
            (_, None) => Err(Problem::unauthorized("log in first: POST /v1/auth/login")),
            (Self::Person, Some(role)) if role != Role::Service => Ok(()),
            (Self::Moderator, Some(role)) if role.moderates() => Ok(()),
            (Self::Senior, Some(role)) if role.is_senior() => Ok(()),
            (Self::Legal, Some(Role::Legal | Role::Admin)) | (Self::Admin, Some(Role::Admin)) => Ok(()),
            (Self::Moderator, Some(_)) => Err(Problem::forbidden("wrong_role", "this is for moderators")),
            (Self::Senior, Some(_)) => Err(Problem::forbidden("wrong_role", "this is for senior moderators")),
            (Self::Legal, Some(_)) => Err(Problem::forbidden("wrong_role", "this is for the role legal")),
            (Self::Admin, Some(_)) => Err(Problem::forbidden("wrong_role", "this is for admins")),
            (Self::Person, Some(_)) => {
                Err(Problem::forbidden("wrong_role", "a service account cannot do what people do"))
            }
        }
    }

    /// Whether that role may ask; `None` is nobody logged in.
    #[cfg(test)]
    pub(crate) fn admits(self, role: Option<Role>) -> bool {
        self.check(role).is_ok()
    }
}

/// What the API document says of a route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Doc {
    /// One line.
    pub(crate) summary: &'static str,
    /// Schema of the body.
    pub(crate) body: Option<&'static str>,
    /// Success status and schema of the answer, empty for none.
    pub(crate) answer: (u16, &'static str),
    /// Query parameters by name.
    pub(crate) query: &'static [&'static str],
}

/// One route.
pub(crate) struct Operation {
    /// GET, POST, …
    pub(crate) method: Method,
    /// Address with names in braces.
    pub(crate) path: &'static str,
    /// Who may ask.
    pub(crate) access: Access,
    /// Which quota it uses up.
    pub(crate) rate: Rate,
    /// Whether the answer goes on until the client leaves.
    pub(crate) streams: bool,
    /// Whether it is open to suspended accounts, though it writes.
    pub(crate) open_to_suspended: bool,
    /// What the API document says.
    pub(crate) doc: Doc,
    route: fn() -> Route,
}

impl Operation {
    const fn body(mut self, schema: &'static str) -> Self {
        self.doc.body = Some(schema);
        self
    }

    const fn query(mut self, names: &'static [&'static str]) -> Self {
        self.doc.query = names;
        self
    }

    const fn answer(mut self, status: u16, schema: &'static str) -> Self {
        self.doc.answer = (status, schema);
        self
    }

    const fn streaming(mut self) -> Self {
        self.streams = true;
        self
    }

    /// Open to suspended accounts: objecting, and leaving.
    const fn for_suspended(mut self) -> Self {
        self.open_to_suspended = true;
        self
    }
}

fn op(
    (method, path): (Method, &'static str),
    access: Access,
    rate: Rate,
    summary: &'static str,
    route: fn() -> Route,
) -> Operation {
    let doc = Doc { summary, body: None, answer: (204, ""), query: &[] };
    Operation { method, path, access, rate, streams: false, open_to_suspended: false, doc, route }
}

const PAGE: &[&str] = &["limit", "cursor"];
const ORDERED_PAGE: &[&str] = &["order", "limit", "cursor"];

/// Every route there is.
pub(crate) fn operations() -> Vec<Operation> {
    let mut all = account_routes();
    all.extend(people_routes());
    all.extend(post_routes());
    all.extend(feed_routes());
    all.extend(moderation::routes());
    all.extend(operation_routes());
    all
}

fn account_routes() -> Vec<Operation> {
    use Access::{LoggedIn, Person, Public};
    vec![
        op((Method::POST, "/v1/auth/signup"), Public, Rate::Login, "Make an account", || {
            web::to(account::signup)
        })
        .body("Signup")
        .answer(201, "LoggedIn")
        .for_suspended(),
        op((Method::POST, "/v1/auth/login"), Public, Rate::Login, "Log in", || web::to(account::login))
            .body("Login")
            .answer(200, "LoggedIn")
            .for_suspended(),
        op((Method::POST, "/v1/auth/logout"), LoggedIn, Rate::Write, "End this login", || {
            web::to(account::logout)
        })
        .for_suspended(),
        op((Method::GET, "/v1/me"), LoggedIn, Rate::Read, "My account", || web::to(account::me))
            .answer(200, "Me"),
        op((Method::PATCH, "/v1/me"), Person, Rate::Write, "Change my profile", || web::to(account::edit))
            .body("ProfileEdit")
            .answer(200, "Me"),
        op(
            (Method::DELETE, "/v1/me"),
            Person,
            Rate::Write,
            "Delete my account; my posts become tombstones",
            || web::to(account::delete),
        )
        .body("Confirmation")
        .for_suspended(),
        op(
            (Method::GET, "/v1/me/export"),
            Person,
            Rate::Login,
            "Everything about me, as a zip of JSON",
            || web::to(account::export),
        )
        .answer(200, "zip"),
        op(
            (Method::GET, "/v1/me/bookmarks"),
            Person,
            Rate::Read,
            "Posts I marked, latest mark first",
            || web::to(feeds::bookmarks),
        )
        .query(PAGE)
        .answer(200, "PostPage"),
        op((Method::GET, "/v1/me/blocks"), Person, Rate::Read, "People I blocked", || {
            web::to(relations::blocks)
        })
        .query(PAGE)
        .answer(200, "UserPage"),
        op((Method::GET, "/v1/me/mutes"), Person, Rate::Read, "People I muted", || web::to(relations::mutes))
            .query(PAGE)
            .answer(200, "UserPage"),
        op((Method::GET, "/v1/me/keyword-mutes"), Person, Rate::Read, "Words I muted", || {
            web::to(relations::keywords)
        })
        .answer(200, "KeywordList"),
        op((Method::PUT, "/v1/me/keyword-mutes/{keyword}"), Person, Rate::Write, "Mute a word", || {
            web::to(relations::mute_keyword)
        }),
        op((Method::DELETE, "/v1/me/keyword-mutes/{keyword}"), Person, Rate::Write, "Unmute a word", || {
            web::to(relations::unmute_keyword)
        }),
        op(
            (Method::GET, "/v1/notifications"),
            Person,
            Rate::Read,
            "What I am told, newest first; unread=true for what is new",
            || web::to(notices::list),
        )
        .query(&["unread", "limit", "cursor"])
        .answer(200, "NoticePage"),
        op((Method::POST, "/v1/notifications/read"), Person, Rate::Write, "Mark notices as read", || {
            web::to(notices::read)
        })
        .body("NoticesRead")
        .for_suspended(),
        op((Method::GET, "/v1/me/watchlist"), Person, Rate::Read, "Tickers I watch", || {
            web::to(tickers::watchlist)
        })
        .answer(200, "TickerList"),
    ]
}

fn people_routes() -> Vec<Operation> {
    use Access::{Person, Public};
    vec![
        op((Method::GET, "/v1/users/{handle}"), Public, Rate::Read, "A person", || web::to(people::profile))
            .answer(200, "User"),
        op(
            (Method::GET, "/v1/users/{handle}/posts"),
            Public,
            Rate::Read,
            "What a person wrote, newest first",
            || web::to(feeds::author),
        )
        .query(PAGE)
        .answer(200, "PostPage"),
        op((Method::GET, "/v1/users/{handle}/followers"), Public, Rate::Read, "Who follows a person", || {
            web::to(people::followers)
        })
        .query(PAGE)
        .answer(200, "UserPage"),
        op(
            (Method::GET, "/v1/users/{handle}/following"),
            Public,
            Rate::Read,
            "Whom a person follows",
            || web::to(people::following),
        )
        .query(PAGE)
        .answer(200, "UserPage"),
        op((Method::PUT, "/v1/users/{handle}/follow"), Person, Rate::Follow, "Follow", || {
            web::to(relations::follow)
        }),
        op((Method::DELETE, "/v1/users/{handle}/follow"), Person, Rate::Follow, "Stop following", || {
            web::to(relations::unfollow)
        }),
        op(
            (Method::PUT, "/v1/users/{handle}/block"),
            Person,
            Rate::Write,
            "Block: neither sees the other",
            || web::to(relations::block),
        ),
        op((Method::DELETE, "/v1/users/{handle}/block"), Person, Rate::Write, "Unblock", || {
            web::to(relations::unblock)
        }),
        op((Method::PUT, "/v1/users/{handle}/mute"), Person, Rate::Write, "Mute: I do not see them", || {
            web::to(relations::mute)
        }),
        op((Method::DELETE, "/v1/users/{handle}/mute"), Person, Rate::Write, "Unmute", || {
            web::to(relations::unmute)
        }),
    ]
}

fn post_routes() -> Vec<Operation> {
    use Access::{Person, Public};
    vec![
        op((Method::POST, "/v1/posts"), Person, Rate::InHandler, "Write a post, reply or quote", || {
            web::to(writing::create)
        })
        .body("NewPost")
        .answer(201, "Post"),
        op((Method::GET, "/v1/posts/{id}"), Public, Rate::Read, "A post", || web::to(posts::read))
            .answer(200, "Post"),
        op((Method::PATCH, "/v1/posts/{id}"), Person, Rate::Write, "Edit my post within 30 minutes", || {
            web::to(writing::edit)
        })
        .body("PostEdit")
        .answer(200, "Post"),
        op(
            (Method::DELETE, "/v1/posts/{id}"),
            Person,
            Rate::Write,
            "Delete my post; a tombstone stays",
            || web::to(posts::delete),
        ),
        op((Method::GET, "/v1/posts/{id}/replies"), Public, Rate::Read, "Replies, oldest first", || {
            web::to(feeds::replies)
        })
        .query(PAGE)
        .answer(200, "PostPage"),
        op((Method::GET, "/v1/posts/{id}/revisions"), Public, Rate::Read, "Earlier texts of a post", || {
            web::to(posts::revisions)
        })
        .answer(200, "RevisionList"),
        op((Method::PUT, "/v1/posts/{id}/like"), Person, Rate::Like, "Like", || web::to(posts::like)),
        op((Method::DELETE, "/v1/posts/{id}/like"), Person, Rate::Like, "Take a like back", || {
            web::to(posts::unlike)
        }),
        op((Method::PUT, "/v1/posts/{id}/bookmark"), Person, Rate::Like, "Bookmark", || {
            web::to(posts::bookmark)
        }),
        op((Method::DELETE, "/v1/posts/{id}/bookmark"), Person, Rate::Like, "Remove a bookmark", || {
            web::to(posts::unbookmark)
        }),
        op((Method::PUT, "/v1/posts/{id}/repost"), Person, Rate::Like, "Pass a post on, once", || {
            web::to(posts::repost)
        })
        .answer(200, "Reference"),
        op((Method::DELETE, "/v1/posts/{id}/repost"), Person, Rate::Like, "Take a repost back", || {
            web::to(posts::unrepost)
        }),
        op((Method::PUT, "/v1/posts/{id}/vote"), Person, Rate::Like, "Vote in a poll, once", || {
            web::to(posts::vote)
        })
        .body("Vote"),
    ]
}

fn feed_routes() -> Vec<Operation> {
    use Access::{Person, Public};
    vec![
        op((Method::GET, "/v1/timeline"), Person, Rate::Read, "Home: people I follow, and my own", || {
            web::to(feeds::home)
        })
        .query(ORDERED_PAGE)
        .answer(200, "PostPage"),
        op((Method::GET, "/v1/watchlist/posts"), Person, Rate::Read, "Posts on tickers I watch", || {
            web::to(feeds::watchlist)
        })
        .query(PAGE)
        .answer(200, "PostPage"),
        op(
            (Method::GET, "/v1/trending/tickers"),
            Public,
            Rate::Read,
            "Tickers above their own normal",
            || web::to(feeds::trending_tickers),
        )
        .query(&["limit"])
        .answer(200, "TrendList"),
        op((Method::GET, "/v1/trending/posts"), Public, Rate::Read, "The best posts of two days", || {
            web::to(feeds::trending_posts)
        })
        .query(PAGE)
        .answer(200, "PostPage"),
        op(
            (Method::GET, "/v1/live"),
            Public,
            Rate::Read,
            "Server-sent events: home, replies to me, a board",
            || web::to(live::live),
        )
        .query(&["ticker"])
        .answer(200, "events")
        .streaming(),
        op((Method::GET, "/v1/tickers"), Public, Rate::Read, "All tickers", || web::to(tickers::list))
            .query(PAGE)
            .answer(200, "TickerPage"),
        op((Method::GET, "/v1/tickers/{symbol}"), Public, Rate::Read, "A ticker", || web::to(tickers::read))
            .answer(200, "TickerDetail"),
        op(
            (Method::GET, "/v1/tickers/{symbol}/prices"),
            Public,
            Rate::Read,
            "Daily prices, newest first",
            || web::to(tickers::prices),
        )
        .query(PAGE)
        .answer(200, "PricePage"),
        op((Method::GET, "/v1/tickers/{symbol}/posts"), Public, Rate::Read, "A ticker's board", || {
            web::to(feeds::board)
        })
        .query(ORDERED_PAGE)
        .answer(200, "PostPage"),
        op((Method::PUT, "/v1/tickers/{symbol}/watch"), Person, Rate::Write, "Watch a ticker", || {
            web::to(tickers::watch)
        }),
        op(
            (Method::DELETE, "/v1/tickers/{symbol}/watch"),
            Person,
            Rate::Write,
            "Stop watching a ticker",
            || web::to(tickers::unwatch),
        ),
    ]
}

fn operation_routes() -> Vec<Operation> {
    let free = |path, summary, route| op((Method::GET, path), Access::Public, Rate::Free, summary, route);
    vec![
        free("/", "To the API document", || web::to(operations::root)).answer(302, ""),
        free("/healthz", "Whether the process is alive", || web::to(operations::healthz)).answer(200, "text"),
        free("/readyz", "Whether it can serve", || web::to(operations::readyz)).answer(200, "Readiness"),
        free("/metrics", "Prometheus metrics", || web::to(operations::metrics)).answer(200, "text"),
        free("/openapi.json", "This document", || web::to(operations::openapi)).answer(200, "any"),
        free("/docs", "This document, to be read", || web::to(operations::docs)).answer(302, ""),
        free("/docs/{file:.*}", "Its files", || web::to(operations::docs_file)).answer(200, "text"),
    ]
}

/// What the guard knows of one address.
#[derive(Debug)]
pub(crate) struct ResourceRules {
    /// The address as in the table.
    pub(crate) pattern: &'static str,
    rules: Vec<(Method, Rule)>,
}

/// How one method of an address is guarded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// Who may ask.
    pub(crate) access: Access,
    /// Which quota it uses up.
    pub(crate) rate: Rate,
    /// Whether the answer goes on.
    pub(crate) streams: bool,
    /// Whether suspended accounts may ask.
    pub(crate) open_to_suspended: bool,
}

impl ResourceRules {
    pub(crate) fn rule(&self, method: &Method) -> Option<Rule> {
        self.rules.iter().find(|(known, _)| known == method).map(|(_, rule)| *rule)
    }

    pub(crate) fn allowed(&self) -> String {
        self.rules.iter().map(|(method, _)| method.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// What the guard knows of all addresses.
#[derive(Debug)]
pub(crate) struct RouteTable(HashMap<&'static str, ResourceRules>);

impl RouteTable {
    pub(crate) fn new() -> Self {
        let mut table: HashMap<&'static str, ResourceRules> = HashMap::new();
        for operation in operations() {
            // What the staff sees is for those who may act on it.
            let own = matches!(operation.access, Access::Public | Access::Person | Access::LoggedIn);
            let reads = operation.method == Method::GET && own;
            let rule = Rule {
                access: operation.access,
                rate: operation.rate,
                streams: operation.streams,
                open_to_suspended: reads || operation.open_to_suspended,
            };
            let empty = ResourceRules { pattern: operation.path, rules: Vec::new() };
            table.entry(operation.path).or_insert(empty).rules.push((operation.method, rule));
        }
        Self(table)
    }

    pub(crate) fn resource(&self, pattern: &str) -> Option<&ResourceRules> {
        self.0.get(pattern)
    }
}

/// Registers the table with the server.
pub(crate) fn configure(config: &mut ServiceConfig) {
    let mut by_path: BTreeMap<&'static str, Vec<Operation>> = BTreeMap::new();
    for operation in operations() {
        by_path.entry(operation.path).or_default().push(operation);
    }
    for (path, operations) in by_path {
        let mut resource = web::resource(path);
        for operation in operations {
            let route = (operation.route)();
            resource = resource.route(if operation.method == Method::GET {
                route.guard(guard::Any(guard::Get()).or(guard::Head()))
            } else {
                route.method(operation.method)
            });
        }
        config.service(resource);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_route_stands_twice() {
        let mut seen = HashSet::new();
        for operation in operations() {
            assert!(
                seen.insert((operation.method.clone(), operation.path)),
                "{} {}",
                operation.method,
                operation.path
            );
        }
    }

    #[test]
    fn every_write_but_signup_and_login_needs_a_login() {
        for operation in operations() {
            let open = operation.access.admits(None);
            let excepted = ["/v1/auth/signup", "/v1/auth/login"].contains(&operation.path);
            assert!(
                !open || operation.method == Method::GET || excepted,
                "{} {}",
                operation.method,
                operation.path
            );
        }
    }
}
