//! Creators: the ledger, disclosure, returns, boards, cards and what is made of them.

use actix_web::{http::Method, web};

use super::{Access, Operation, PAGE, op};
use crate::{
    handlers::{creators, disclosure, ledger},
    limits::Rate,
};

pub(super) fn routes() -> Vec<Operation> {
    let mut all = ledger_routes();
    all.extend(disclosure_routes());
    all.extend(return_routes());
    all
}

fn ledger_routes() -> Vec<Operation> {
    use Access::Service;
    vec![
        op(
            (Method::POST, "/v1/ledger/trades"),
            Service,
            Rate::Write,
            "Report trades, at most 10,000; each row gets its own answer",
            || web::to(ledger::trades),
        )
        .body("TradeBatch")
        .answer(200, "TradeResults"),
        op(
            (Method::GET, "/v1/ledger/refusals"),
            Service,
            Rate::Read,
            "Rows that were refused and not taken in since, newest first",
            || web::to(ledger::refusals),
        )
        .query(PAGE)
        .answer(200, "RefusedTradePage"),
        op(
            (Method::POST, "/v1/ledger/prices"),
            Service,
            Rate::Write,
            "Report daily prices, at most 10,000; a day that is here stays",
            || web::to(ledger::prices),
        )
        .body("PriceBatch")
        .answer(200, "FeedResults"),
        op(
            (Method::POST, "/v1/ledger/rates"),
            Service,
            Rate::Write,
            "Report exchange rates in won, at most 10,000",
            || web::to(ledger::rates),
        )
        .body("RateBatch")
        .answer(200, "FeedResults"),
    ]
}

fn return_routes() -> Vec<Operation> {
    use Access::{Person, Public};
    vec![
        op(
            (Method::GET, "/v1/leaderboard"),
            Public,
            Rate::Read,
            "Who has at least earned how much over the market, of those who show it",
            || web::to(creators::leaderboard),
        )
        .query(&["ticker", "window", "limit", "cursor"])
        .answer(200, "Leaderboard"),
        op(
            (Method::GET, "/v1/tickers/{symbol}/creators"),
            Public,
            Rate::Read,
            "Who holds it now, of those who show it, the surest return first",
            || web::to(creators::holders),
        )
        .query(PAGE)
        .answer(200, "HolderPage"),
        op(
            (Method::GET, "/v1/users/{handle}/returns"),
            Public,
            Rate::Read,
            "What a person shows of theirs",
            || web::to(creators::returns),
        )
        .answer(200, "ReturnRecord"),
        op((Method::GET, "/v1/me/returns"), Person, Rate::Read, "My returns, all of them", || {
            web::to(creators::own_returns)
        })
        .answer(200, "OwnReturnRecord"),
    ]
}

fn disclosure_routes() -> Vec<Operation> {
    use Access::Person;
    vec![
        op(
            (Method::GET, "/v1/me/disclosure"),
            Person,
            Rate::Read,
            "What I agreed to show, and the text to agree to",
            || web::to(disclosure::read),
        )
        .answer(200, "OwnDisclosure"),
        op((Method::PUT, "/v1/me/disclosure"), Person, Rate::Write, "Agree to show my returns", || {
            web::to(disclosure::grant)
        })
        .body("NewDisclosure")
        .answer(200, "OwnDisclosure"),
        op(
            (Method::DELETE, "/v1/me/disclosure"),
            Person,
            Rate::Write,
            "Take it back, of all or of one ticker; at once everywhere",
            || web::to(disclosure::revoke),
        )
        .query(&["ticker"])
        .for_suspended(),
    ]
}
