//! The routes of the community: accounts, people, posts, feeds and tickers, notices.

use actix_web::{http::Method, web};

use super::{Access, ORDERED_PAGE, Operation, PAGE, op};
use crate::{
    handlers::{account, feeds, live, notices, people, posts, relations, tickers, writing},
    limits::Rate,
};

/// All of them.
pub(super) fn routes() -> Vec<Operation> {
    let mut all = account_routes();
    all.extend(people_routes());
    all.extend(post_routes());
    all.extend(feed_routes());
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
