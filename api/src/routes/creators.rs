//! Creators: the ledger, disclosure, returns, boards, cards and what is made of them.

use actix_web::{http::Method, web};

use super::{Access, Operation, PAGE, op};
use crate::{
    handlers::{calls, cards, creators, disclosure, ledger},
    limits::Rate,
};

pub(super) fn routes() -> Vec<Operation> {
    let mut all = ledger_routes();
    all.extend(disclosure_routes());
    all.extend(return_routes());
    all.extend(card_routes());
    all.extend(call_routes());
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

fn card_routes() -> Vec<Operation> {
    use Access::{Person, Public};
    vec![
        op(
            (Method::POST, "/v1/me/cards"),
            Person,
            Rate::Write,
            "Have a position or a window of mine put on a card, to go with a post",
            || web::to(cards::make),
        )
        .body("NewCard")
        .answer(201, "Card"),
        op(
            (Method::GET, "/v1/me/positions"),
            Person,
            Rate::Read,
            "My positions, those held first: what a card can name",
            || web::to(cards::positions),
        )
        .query(PAGE)
        .answer(200, "PositionPage"),
        op((Method::GET, "/v1/me/cards"), Person, Rate::Read, "My cards, newest first", || {
            web::to(cards::mine)
        })
        .query(PAGE)
        .answer(200, "CardPage"),
        op((Method::GET, "/v1/cards/{id}"), Public, Rate::Read, "A card, computed again", || {
            web::to(cards::card)
        })
        .answer(200, "Card"),
        op(
            (Method::GET, "/v1/cards/{id}/image.png"),
            Public,
            Rate::Read,
            "A card as a picture of 1200 by 630",
            || web::to(cards::image),
        )
        .answer(200, "png"),
        op((Method::GET, "/v1/cards/{id}/text"), Public, Rate::Read, "A card in words", || {
            web::to(cards::text)
        })
        .query(&["language"])
        .answer(200, "text"),
        op(
            (Method::POST, "/v1/cards/verify"),
            Public,
            Rate::Read,
            "Whether a card's token was made here, and what it says now",
            || web::to(cards::verify),
        )
        .body("CardToken")
        .answer(200, "CardVerdict"),
    ]
}

fn call_routes() -> Vec<Operation> {
    use Access::{Person, Public};
    vec![
        op(
            (Method::GET, "/v1/users/{handle}/calls"),
            Public,
            Rate::Read,
            "Every stance a person took, deleted or not, and what came of it",
            || web::to(calls::ledger),
        )
        .query(PAGE)
        .answer(200, "CallLedger"),
        op(
            (Method::GET, "/v1/users/{handle}/calls/calibration.svg"),
            Public,
            Rate::Read,
            "How often a person was right against how often one had to expect it, as a picture",
            || web::to(calls::calibration),
        )
        .query(&["days", "language"])
        .answer(200, "svg"),
        op(
            (Method::GET, "/v1/users/{handle}/trades"),
            Public,
            Rate::Read,
            "Trades a person shows, once their delay is over",
            || web::to(calls::trades),
        )
        .query(PAGE)
        .answer(200, "DisclosedTradePage"),
        op(
            (Method::GET, "/v1/posts/{id}/contradictions"),
            Public,
            Rate::Read,
            "What its author did against what the post says, of trades they show",
            || web::to(calls::contradicted),
        )
        .answer(200, "ContradictionList"),
        op(
            (Method::GET, "/v1/suggestions/creators"),
            Person,
            Rate::Read,
            "People to follow, and why",
            || web::to(calls::suggested),
        )
        .query(&["limit"])
        .answer(200, "SuggestionList"),
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
