//! The routes of search, and of the nicknames it knows.

use actix_web::{http::Method, web};

use super::{Access, Operation, op};
use crate::{
    handlers::{aliases, search},
    limits::Rate,
};

/// All of them.
pub(super) fn routes() -> Vec<Operation> {
    use Access::{Admin, Public};
    vec![
        op(
            (Method::GET, "/v1/search"),
            Public,
            Rate::Search,
            "Posts, people and tickers by words; type=all shows the best of each",
            || web::to(search::search),
        )
        .query(&[
            "q", "type", "ticker", "author", "stance", "from", "to", "verified", "holders", "limit", "cursor",
        ])
        .answer(200, "SearchPage"),
        op(
            (Method::GET, "/v1/search/suggest"),
            Public,
            Rate::Search,
            "What the search box suggests while typing: tickers, then people",
            || web::to(search::suggest),
        )
        .query(&["q", "limit"])
        .answer(200, "SuggestionPage"),
        op((Method::GET, "/v1/tickers/{symbol}/aliases"), Admin, Rate::Read, "Nicknames of a ticker", || {
            web::to(aliases::list)
        })
        .answer(200, "AliasList"),
        op(
            (Method::PUT, "/v1/tickers/{symbol}/aliases/{alias}"),
            Admin,
            Rate::Write,
            "Add a nickname",
            || web::to(aliases::add),
        )
        .answer(200, "Alias"),
        op(
            (Method::DELETE, "/v1/tickers/{symbol}/aliases/{alias}"),
            Admin,
            Rate::Write,
            "Take a nickname away; no import brings it back",
            || web::to(aliases::remove),
        ),
    ]
}
