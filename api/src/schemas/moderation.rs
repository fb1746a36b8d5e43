//! The schemas of moderation.

use serde_json::{Value, json};

use super::{object, page, reference};

fn categories() -> Value {
    json!({"enum": ["leading_room", "impersonation", "false_information", "fake_profit", "abuse", "sexual", "spam",
        "illegal", "other"]})
}

fn sanction_kind() -> Value {
    json!({"enum": ["warning", "strike", "limit", "suspend", "ban"], "description": "Mildest first."})
}

fn days() -> Value {
    json!({"type": ["integer", "null"], "minimum": 1, "maximum": 365, "description":
        "For strike (90 unless said), limit and suspend; over 30, and ban: senior moderators."})
}

fn note() -> Value {
    json!({"type": "string", "maxLength": 500, "description": "For other moderators."})
}

fn accounts() -> Value {
    let text = json!({"type": "string"});
    let maybe_text = json!({"type": ["string", "null"]});
    let time = json!({"type": "string", "format": "date-time"});
    let maybe_time = json!({"type": ["string", "null"], "format": "date-time"});
    let clause = json!({"type": "string", "maxLength": 100});
    let ground = json!({"enum": ["defamation", "privacy", "copyright", "trademark", "portrait", "other"]});
    let long = json!({"type": "string", "minLength": 1, "maxLength": 2000});
    json!({
        "NewSanction": object(json!({"kind": sanction_kind(), "reason": categories(), "days": days(), "note": note(),
            "terms_clause": clause}), &["days", "note", "terms_clause"]),
        "Sanction": object(json!({"id": text, "kind": sanction_kind(), "reason": categories(), "terms_clause": text,
            "note": text, "case_id": maybe_text, "actor_id": text, "created_at": time, "expires_at": maybe_time,
            "ended_at": maybe_time}), &[]),
        "SanctionPage": page("Sanction"),
        "OwnSanction": object(json!({"id": text, "kind": sanction_kind(), "statement": {"type": "object"},
            "created_at": time, "expires_at": maybe_time, "ended_at": maybe_time}), &[]),
        "OwnSanctionPage": page("OwnSanction"),
        "NewLegalRequest": object(json!({"post_id": text, "claimant": {"type": "string", "minLength": 1, "maxLength": 200},
            "ground": ground, "proof": long}), &[]),
        "LegalRequest": object(json!({"id": text, "post_id": text, "body": text, "claimant": text, "ground": ground,
            "proof": text, "state": {"enum": ["open", "restored", "removed", "expired", "withdrawn"]}, "filed_by": text,
            "filed_at": time, "deadline": time, "decided_at": maybe_time, "objection": maybe_text}), &[]),
        "LegalRequestPage": page("LegalRequest"),
        "LegalDecision": object(json!({"outcome": {"enum": ["restored", "removed", "withdrawn"]},
            "note": {"type": "string", "maxLength": 2000}}), &["note"]),
    })
}

fn settings() -> Value {
    let text = json!({"type": "string"});
    let whole = json!({"type": "integer"});
    let maybe_whole = json!({"type": ["integer", "null"]});
    let fields = json!({"type": "object", "description": "Every constant of the rule, by its name."});
    json!({
        "RuleSettings": object(json!({"version": whole, "settings": fields, "proposals": super::list("Proposal"),
            "next_cursor": {"type": ["string", "null"]}}), &[]),
        "Proposal": object(json!({"id": text, "settings": fields, "why": text, "base_version": whole,
            "state": {"enum": ["open", "approved", "refused"]}, "proposed_by": text,
            "proposed_at": {"type": "string", "format": "date-time"}, "decided_by": {"type": ["string", "null"]},
            "decided_at": {"type": ["string", "null"], "format": "date-time"}, "version": maybe_whole}), &[]),
        "NewProposal": object(json!({"settings": {"type": "object", "description": "Only what is to be different."},
            "why": {"type": "string", "minLength": 1, "maxLength": 500}}), &[]),
        "ProposalAnswer": object(json!({"answer": {"enum": ["approved", "refused"]}}), &[]),
        "ProposalAnswered": object(json!({"id": text, "version": maybe_whole}), &[]),
    })
}

/// All of them.
pub(super) fn all() -> Value {
    let mut schemas = json!({});
    for part in [cases(), text_rules(), accounts(), settings()] {
        if let (Some(all), Value::Object(part)) = (schemas.as_object_mut(), part) {
            all.extend(part);
        }
    }
    schemas
}

fn cases() -> Value {
    let (id, time) = (json!({"type": "string"}), json!({"type": "string", "format": "date-time"}));
    let maybe_id = json!({"type": ["string", "null"]});
    let maybe_time = json!({"type": ["string", "null"], "format": "date-time"});
    let text = json!({"type": "string"});
    let whole = json!({"type": "integer"});
    let category = categories();
    let listed = json!({"id": id, "post_id": id, "state": {"enum": ["open", "claimed", "escalated", "decided"]},
        "origin": {"enum": ["reports", "text", "moderator", "sweep", "copy", "deeds"]}, "escalated": {"type": "boolean"},
        "priority": {"type": "number"}, "score": {"type": "number"}, "threshold": {"type": ["number", "null"]},
        "distinct_clusters": whole, "viewers": {"type": ["integer", "null"]}, "brigade": {"type": "boolean"},
        "assigned_to": maybe_id, "claimed_until": maybe_time, "opened_at": time, "version": whole});
    let case_text = object(json!({"revision": whole, "body": text}), &[]);
    let report = object(
        json!({"reporter_id": id, "reporter": text, "category": category, "note": text,
        "status": text, "revision": whole, "created_at": time}),
        &[],
    );
    let decision = object(
        json!({"kind": {"enum": ["keep", "limit", "hold", "block", "remove", "temporary_measure"]}, "actor_id": maybe_id,
        "reason": text, "terms_clause": text, "previous_state": text, "new_state": text, "created_at": time,
        "expires_at": maybe_time, "ended_at": maybe_time}),
        &[],
    );
    let author = object(
        json!({"id": id, "handle": text, "since": time, "posts": whole, "removed": whole, "kept": whole,
            "strikes": whole, "standing": {"enum": ["good", "limited", "suspended", "banned"]}}),
        &[],
    );
    let similar = object(json!({"post_id": id, "author_id": id, "state": text, "case_id": maybe_id}), &[]);
    let mut detail = listed.clone();
    if let (Some(all), Value::Object(more)) = (
        detail.as_object_mut(),
        json!({"post_state": text, "body": text, "revisions": {"type": "array", "items": case_text},
        "reported": {"type": "array", "items": case_text}, "reports": {"type": "array", "items": report},
        "verdict": {"type": "object", "description": "What the rule counted and why."},
        "show_at": maybe_time, "similar": {"type": "array", "items": similar},
        "screening": {"type": ["object", "null"], "description": "What the text rules found."},
        "decisions": {"type": "array", "items": decision}, "author": {"oneOf": [author, {"type": "null"}]}}),
    ) {
        all.extend(more);
    }
    json!({
        "NewReport": object(json!({"category": category, "note": {"type": "string", "maxLength": 500},
            "view_token": {"type": "string", "description": "Of a page that showed the post, or `X-View-Token` of the post itself; 2 s to 7 days old."}}),
            &["note"]),
        "Report": object(json!({"id": id, "post_id": id, "category": category, "note": text,
            "status": {"enum": ["pending", "agreed", "disagreed", "ignored", "withdrawn"]}, "created_at": time,
            "judged_at": maybe_time}), &[]),
        "ReportPage": page("Report"),
        "Statement": object(json!({"id": id, "post_id": id, "statement": {"type": "object",
            "description": "Measure, scope, duration, facts, automation, ground and redress, in Korean and English."},
            "created_at": time, "expires_at": maybe_time, "ended_at": maybe_time}), &[]),
        "StatementPage": page("Statement"),
        "CaseListed": object(listed, &[]),
        "CasePage": page("CaseListed"),
        "Case": object(detail, &[]),
        "CaseVersion": object(json!({"id": id, "version": whole}), &[]),
        "NewDecision": object(json!({"measure": {"enum": ["keep", "limit", "remove"]}, "reason": category,
            "terms_clause": {"type": "string", "maxLength": 100},
            "lock": {"type": "boolean", "description": "With keep: reports of this text do not count again."},
            "version": {"type": "integer", "description": "Of the case as it was read."},
            "similar": {"type": "array", "maxItems": 50, "items": id,
                "description": "Posts that say nearly the same, about which the same is decided."},
            "sanction": {"oneOf": [reference("DecisionSanction"), {"type": "null"}]}}),
            &["terms_clause", "lock", "similar", "sanction"]),
        "DecisionSanction": object(json!({"kind": sanction_kind(), "days": days(), "note": note()}), &["days", "note"]),
        "NewCase": object(json!({"post_id": id, "reason": category}), &[]),
        "Assignment": object(json!({"moderator": {"type": "string", "description": "Their handle."}}), &[]),
        "Decision": object(json!({"id": id, "case_id": id, "measure": {"enum": ["keep", "limit", "remove"]}}), &[]),
        "NewAppeal": object(json!({
            "decision_id": {"type": ["string", "null"], "description": "The id of the statement about a post, …"},
            "sanction_id": {"type": ["string", "null"], "description": "… or that of a sanction."},
            "body": {"type": "string", "minLength": 1, "maxLength": 2000}}), &["decision_id", "sanction_id"]),
        "Appeal": object(json!({"id": id, "decision_id": maybe_id, "sanction_id": maybe_id, "post_id": maybe_id, "body": text,
            "state": {"enum": ["open", "upheld", "overturned"]}, "answer": text, "created_at": time, "due_at": time,
            "decided_at": maybe_time}), &[]),
        "AppealPage": page("Appeal"),
        "WaitingAppeal": object(json!({"id": id, "case_id": maybe_id, "decision_id": maybe_id, "sanction_id": maybe_id,
            "post_id": maybe_id, "author_id": id, "body": text,
            "statement": {"type": "object"}, "automated": {"type": "boolean"}, "created_at": time, "due_at": time}), &[]),
        "WaitingAppealPage": page("WaitingAppeal"),
        "NewAppealDecision": object(json!({"outcome": {"enum": ["upheld", "overturned"]},
            "answer": {"type": "string", "maxLength": 2000, "description": "For the author."}}), &["answer"]),
        "AppealDecision": object(json!({"id": id, "outcome": {"enum": ["upheld", "overturned"]}}), &[]),
        "AuditRow": object(json!({"seq": whole, "at": time, "actor_id": maybe_id, "actor_role": text, "action": text,
            "object": text, "before": {}, "after": {}, "request_id": maybe_id}), &[]),
        "AuditPage": page("AuditRow"),
    })
}

fn text_rules() -> Value {
    let text = json!({"type": "string"});
    let whole = json!({"type": "integer"});
    let time = json!({"type": "string", "format": "date-time"});
    let maybe_time = json!({"type": ["string", "null"], "format": "date-time"});
    let class =
        json!({"enum": ["profanity", "abuse", "sexual", "threat", "leading_room", "link", "spam", "other"]});
    let mode = json!({"enum": ["active", "shadow", "off"]});
    let action = json!({"enum": ["mask", "limit", "hold", "reject"], "description": "Mildest first."});
    let kind = json!({"type": "object", "minProperties": 1, "maxProperties": 1, "description":
        "One of: {\"words\": {\"words\": […], \"exceptions\": […], \"unless\": […]}}, {\"pattern\": {\"pattern\": \"…\"}}, \
         {\"leading_room\": {\"settings\": {…}}}, {\"link_limit\": {\"max_links\": 1, \"under_hours\": 168}}, \
         {\"repeats\": {\"limits\": {\"own\": 4, \"all\": 30, \"letters\": 40}}}."});
    let name = json!({"type": "string", "minLength": 1, "maxLength": 80});
    let maybe = |schema: &Value| json!({"oneOf": [schema, {"type": "null"}]});
    let example = object(
        json!({"post_id": text, "body": text, "created_at": time,
            "spans": {"type": "array", "items": object(json!({"start": whole, "end": whole}), &[])}}),
        &[],
    );
    json!({
        "TextRule": object(json!({"id": text, "name": text, "mode": mode, "class": class, "action": action, "kind": kind,
            "built_in": {"type": "boolean"}, "version": whole, "shadow_since": maybe_time, "active_since": maybe_time,
            "changed_at": time, "caught_7d": whole}), &[]),
        "TextRulePage": page("TextRule"),
        "TextRuleContent": object(json!({"class": class, "action": action, "kind": kind}), &[]),
        "NewTextRule": object(json!({"name": name, "class": class, "action": action, "kind": kind}), &[]),
        "TextRuleEdit": object(json!({"version": {"type": "integer", "description": "Of the rule as it was read."},
            "name": maybe(&name), "mode": maybe(&mode), "class": maybe(&class), "action": maybe(&action),
            "kind": maybe(&kind), "urgent": {"type": ["string", "null"], "maxLength": 200,
                "description": "Why it must act before its day in shadow is over; stands in the audit log."}}),
            &["name", "mode", "class", "action", "kind", "urgent"]),
        "TextRuleVersion": object(json!({"id": text, "version": whole}), &[]),
        "DryRun": object(json!({"from": time, "posts": whole, "one_in": whole, "caught": whole,
            "per_10000": {"type": "number"}, "hidden_already": whole,
            "examples": {"type": "array", "items": example}}), &[]),
    })
}
