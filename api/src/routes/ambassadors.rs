//! The ambassador programme.

use actix_web::{http::Method, web};

use super::{Access, Operation, PAGE, op};
use crate::{
    handlers::ambassadors::{self, desk, payouts},
    limits::Rate,
};

/// All of them.
pub(super) fn routes() -> Vec<Operation> {
    let mut all = ambassador_routes();
    all.extend(ambassador_desk_routes());
    all.extend(payout_routes());
    all
}

fn ambassador_routes() -> Vec<Operation> {
    use Access::{Person, Public};
    vec![
        op((Method::GET, "/v1/ambassadors"), Public, Rate::Read, "Ambassadors, the latest first", || {
            web::to(ambassadors::list)
        })
        .query(PAGE)
        .answer(200, "AmbassadorPage"),
        op(
            (Method::GET, "/v1/me/ambassador"),
            Person,
            Rate::Read,
            "My place in the ambassador programme, or what I lack for one",
            || web::to(ambassadors::mine),
        )
        .answer(200, "OwnAmbassador"),
        op((Method::POST, "/v1/me/ambassador"), Person, Rate::Write, "Apply to be an ambassador", || {
            web::to(ambassadors::apply)
        })
        .body("NewApplication")
        .answer(201, "Reference"),
        op(
            (Method::DELETE, "/v1/me/ambassador"),
            Person,
            Rate::Write,
            "Take my application back, or leave the programme",
            || web::to(ambassadors::leave),
        )
        .for_suspended(),
        op(
            (Method::PUT, "/v1/me/ambassador/declaration"),
            Person,
            Rate::Write,
            "Declare my conflicts of interest anew",
            || web::to(ambassadors::declare),
        )
        .body("NewDeclaration")
        .answer(200, "Versioned"),
        op(
            (Method::GET, "/v1/me/ambassador/statements"),
            Person,
            Rate::Read,
            "My months as an ambassador, newest first",
            || web::to(ambassadors::own_statements),
        )
        .query(PAGE)
        .answer(200, "AmbassadorStatementPage"),
    ]
}

fn ambassador_desk_routes() -> Vec<Operation> {
    use Access::Admin;
    vec![
        op((Method::GET, "/v1/ambassadors/settings"), Admin, Rate::Read, "The programme's terms", || {
            web::to(desk::terms)
        })
        .answer(200, "AmbassadorSettings"),
        op((Method::PUT, "/v1/ambassadors/settings"), Admin, Rate::Write, "Set other terms", || {
            web::to(desk::change_terms)
        })
        .body("NewAmbassadorSettings")
        .answer(200, "Versioned"),
        op(
            (Method::GET, "/v1/ambassadors/applications"),
            Admin,
            Rate::Read,
            "Applications, newest first; open ones unless asked otherwise",
            || web::to(desk::applications),
        )
        .query(&["status", "limit", "cursor"])
        .answer(200, "ApplicationPage"),
        op(
            (Method::POST, "/v1/ambassadors/applications/{id}/decision"),
            Admin,
            Rate::Write,
            "Approve or refuse an application of another's",
            || web::to(desk::decide),
        )
        .body("ApplicationDecision")
        .answer(200, "Reference"),
        op(
            (Method::POST, "/v1/ambassadors/members/{handle}/removal"),
            Admin,
            Rate::Write,
            "Remove somebody from the programme",
            || web::to(desk::remove),
        )
        .body("Removal"),
        op(
            (Method::POST, "/v1/ambassadors/members/{handle}/tier"),
            Admin,
            Rate::Write,
            "Give an ambassador another tier",
            || web::to(desk::set_tier),
        )
        .body("NewTier"),
        op(
            (Method::GET, "/v1/ambassadors/statements"),
            Admin,
            Rate::Read,
            "Months of all ambassadors, newest first",
            || web::to(desk::statements),
        )
        .query(&["month", "limit", "cursor"])
        .answer(200, "AmbassadorStatementPage"),
    ]
}

fn payout_routes() -> Vec<Operation> {
    use Access::Admin;
    vec![
        op((Method::GET, "/v1/ambassadors/payouts"), Admin, Rate::Read, "Payouts, newest first", || {
            web::to(payouts::list)
        })
        .query(&["month", "state", "limit", "cursor"])
        .answer(200, "PayoutPage"),
        op(
            (Method::POST, "/v1/ambassadors/payouts/{id}/approve"),
            Admin,
            Rate::Write,
            "Approve a payout to another person",
            || web::to(payouts::approve),
        )
        .answer(200, "Payout"),
        op(
            (Method::POST, "/v1/ambassadors/payouts/{id}/reverse"),
            Admin,
            Rate::Write,
            "Reverse an accrual that was not paid, or a payment that came back",
            || web::to(payouts::reverse),
        )
        .body("Reversal")
        .answer(200, "Payout"),
        op((Method::GET, "/v1/ambassadors/payruns"), Admin, Rate::Read, "Pay runs, newest first", || {
            web::to(payouts::runs)
        })
        .query(PAGE)
        .answer(200, "PayRunPage"),
        op(
            (Method::POST, "/v1/ambassadors/payruns"),
            Admin,
            Rate::Write,
            "Pay what is approved of a month",
            || web::to(payouts::pay),
        )
        .body("NewPayRun")
        .answer(201, "MadePayRun"),
        op(
            (Method::GET, "/v1/ambassadors/payruns/{id}.csv"),
            Admin,
            Rate::Read,
            "A pay run as a file for the bank",
            || web::to(payouts::csv),
        )
        .answer(200, "csv"),
    ]
}
