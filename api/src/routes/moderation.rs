//! The routes of moderation: reports and appeals, the moderators' desk, rules, sanctions, rights claims.

use actix_web::{http::Method, web};

use super::{Access, Operation, PAGE, op};
use crate::{
    handlers::{appeals, legal, moderation, reports, rules, sanctions, settings, stats},
    limits::Rate,
};

/// All of them.
pub(super) fn routes() -> Vec<Operation> {
    let mut all = report_routes();
    all.extend(case_routes());
    all.extend(rule_routes());
    all.extend(account_routes());
    all.extend(legal_routes());
    all
}

fn report_routes() -> Vec<Operation> {
    use Access::Person;
    vec![
        op((Method::POST, "/v1/posts/{id}/reports"), Person, Rate::Report, "Report a post, once", || {
            web::to(reports::file)
        })
        .body("NewReport")
        .answer(201, "Report"),
        op((Method::DELETE, "/v1/posts/{id}/reports"), Person, Rate::Report, "Take my report back", || {
            web::to(reports::withdraw)
        }),
        op((Method::GET, "/v1/me/reports"), Person, Rate::Read, "My reports and what became of them", || {
            web::to(reports::mine)
        })
        .query(PAGE)
        .answer(200, "ReportPage"),
        op(
            (Method::GET, "/v1/me/statements"),
            Person,
            Rate::Read,
            "Statements of reasons about my posts",
            || web::to(reports::statements),
        )
        .query(PAGE)
        .answer(200, "StatementPage"),
        op((Method::POST, "/v1/appeals"), Person, Rate::Report, "Appeal against a decision, once", || {
            web::to(appeals::send)
        })
        .body("NewAppeal")
        .answer(201, "Appeal")
        .for_suspended(),
        op(
            (Method::GET, "/v1/me/sanctions"),
            Person,
            Rate::Read,
            "Sanctions of my account, with their statements of reasons",
            || web::to(sanctions::mine),
        )
        .query(PAGE)
        .answer(200, "OwnSanctionPage"),
        op((Method::GET, "/v1/me/appeals"), Person, Rate::Read, "My appeals", || web::to(appeals::mine))
            .query(PAGE)
            .answer(200, "AppealPage"),
    ]
}

fn case_routes() -> Vec<Operation> {
    use Access::{Moderator, Senior};
    vec![
        op((Method::GET, "/v1/moderation/cases"), Moderator, Rate::Read, "The queue, worst first", || {
            web::to(moderation::queue)
        })
        .query(&["state", "limit", "cursor"])
        .answer(200, "CasePage"),
        op((Method::GET, "/v1/moderation/cases/{id}"), Moderator, Rate::Read, "A case", || {
            web::to(moderation::case)
        })
        .answer(200, "Case"),
        op((Method::POST, "/v1/moderation/cases"), Moderator, Rate::Write, "Open a case by hand", || {
            web::to(moderation::open)
        })
        .body("NewCase")
        .answer(201, "CaseVersion"),
        op(
            (Method::POST, "/v1/moderation/cases/{id}/assign"),
            Senior,
            Rate::Write,
            "Give a case to a moderator for a shift",
            || web::to(moderation::assign),
        )
        .body("Assignment")
        .answer(200, "CaseVersion"),
        op(
            (Method::POST, "/v1/moderation/cases/{id}/claim"),
            Moderator,
            Rate::Write,
            "Take a case for 15 minutes",
            || web::to(moderation::claim),
        )
        .answer(200, "CaseVersion"),
        op(
            (Method::POST, "/v1/moderation/cases/{id}/release"),
            Moderator,
            Rate::Write,
            "Give it back",
            || web::to(moderation::release),
        )
        .answer(200, "CaseVersion"),
        op(
            (Method::POST, "/v1/moderation/cases/{id}/escalate"),
            Moderator,
            Rate::Write,
            "Hand it to a senior moderator",
            || web::to(moderation::escalate),
        )
        .answer(200, "CaseVersion"),
        op((Method::POST, "/v1/moderation/cases/{id}/decisions"), Moderator, Rate::Write, "Decide", || {
            web::to(moderation::decide)
        })
        .body("NewDecision")
        .answer(201, "Decision"),
        op(
            (Method::GET, "/v1/moderation/appeals"),
            Moderator,
            Rate::Read,
            "Appeals, most urgent first",
            || web::to(appeals::queue),
        )
        .query(PAGE)
        .answer(200, "WaitingAppealPage"),
        op(
            (Method::POST, "/v1/moderation/appeals/{id}/decisions"),
            Moderator,
            Rate::Write,
            "Decide an appeal against another moderator's decision",
            || web::to(appeals::decide),
        )
        .body("NewAppealDecision")
        .answer(201, "AppealDecision"),
        op(
            (Method::GET, "/v1/moderation/audit"),
            Moderator,
            Rate::Read,
            "The audit log, newest first",
            || web::to(moderation::audit_log),
        )
        .query(&["object", "limit", "cursor"])
        .answer(200, "AuditPage"),
        op(
            (Method::GET, "/v1/moderation/stats"),
            Moderator,
            Rate::Read,
            "What was done in the last days, how fast and how rightly",
            || web::to(stats::stats),
        )
        .query(&["days"])
        .answer(200, "ModerationStats"),
    ]
}

fn rule_routes() -> Vec<Operation> {
    use Access::{Moderator, Senior};
    vec![
        op((Method::GET, "/v1/moderation/rules"), Moderator, Rate::Read, "The text rules", || {
            web::to(rules::list)
        })
        .query(PAGE)
        .answer(200, "TextRulePage"),
        op((Method::GET, "/v1/moderation/rules/{id}"), Moderator, Rate::Read, "A text rule", || {
            web::to(rules::read)
        })
        .answer(200, "TextRule"),
        op(
            (Method::POST, "/v1/moderation/rules"),
            Senior,
            Rate::Write,
            "Make a text rule, in shadow: it finds and does nothing",
            || web::to(rules::create),
        )
        .body("NewTextRule")
        .answer(201, "TextRuleVersion"),
        op(
            (Method::POST, "/v1/moderation/rules/dry-run"),
            Senior,
            Rate::Write,
            "What a rule would have caught in the last seven days; needed before it may act",
            || web::to(rules::dry_run),
        )
        .body("TextRuleContent")
        .answer(200, "DryRun"),
        op(
            (Method::PATCH, "/v1/moderation/rules/{id}"),
            Senior,
            Rate::Write,
            "Change a text rule; all processes use it from the answer on",
            || web::to(rules::edit),
        )
        .body("TextRuleEdit")
        .answer(200, "TextRuleVersion"),
        op(
            (Method::DELETE, "/v1/moderation/rules/{id}"),
            Senior,
            Rate::Write,
            "Delete a text rule that did not come with the release",
            || web::to(rules::delete),
        ),
    ]
}

fn account_routes() -> Vec<Operation> {
    use Access::{Admin, Moderator};
    vec![
        op(
            (Method::GET, "/v1/moderation/users/{handle}/sanctions"),
            Moderator,
            Rate::Read,
            "Sanctions of an account, newest first",
            || web::to(sanctions::list),
        )
        .query(PAGE)
        .answer(200, "SanctionPage"),
        op(
            (Method::POST, "/v1/moderation/users/{handle}/sanctions"),
            Moderator,
            Rate::Write,
            "Warn, strike, limit, suspend or ban an account",
            || web::to(sanctions::impose),
        )
        .body("NewSanction")
        .answer(201, "Reference"),
        op(
            (Method::DELETE, "/v1/moderation/users/{handle}/sanctions/{id}"),
            Access::Senior,
            Rate::Write,
            "End a sanction before its time",
            || web::to(sanctions::lift),
        ),
        op(
            (Method::GET, "/v1/moderation/settings"),
            Moderator,
            Rate::Read,
            "The constants of the auto-block rule, and changes that were proposed",
            || web::to(settings::read),
        )
        .query(PAGE)
        .answer(200, "RuleSettings"),
        op(
            (Method::POST, "/v1/moderation/settings/proposals"),
            Admin,
            Rate::Write,
            "Propose other constants; another admin approves",
            || web::to(settings::propose),
        )
        .body("NewProposal")
        .answer(201, "Reference"),
        op(
            (Method::POST, "/v1/moderation/settings/proposals/{id}/decisions"),
            Admin,
            Rate::Write,
            "Approve or refuse a proposal of another's",
            || web::to(settings::answer),
        )
        .body("ProposalAnswer")
        .answer(201, "ProposalAnswered"),
    ]
}

fn legal_routes() -> Vec<Operation> {
    use Access::Legal;
    vec![
        op((Method::GET, "/v1/moderation/legal-requests"), Legal, Rate::Read, "Rights claims", || {
            web::to(legal::list)
        })
        .query(&["state", "limit", "cursor"])
        .answer(200, "LegalRequestPage"),
        op(
            (Method::POST, "/v1/moderation/legal-requests"),
            Legal,
            Rate::Write,
            "File a rights claim: the post is hidden for 30 days at most (임시조치)",
            || web::to(legal::file),
        )
        .body("NewLegalRequest")
        .answer(201, "Reference"),
        op(
            (Method::POST, "/v1/moderation/legal-requests/{id}/decisions"),
            Legal,
            Rate::Write,
            "Decide a rights claim",
            || web::to(legal::decide),
        )
        .body("LegalDecision")
        .answer(201, "Reference"),
    ]
}
