//! The schemas of the ambassador programme.

use serde_json::{Value, json};

use super::{list, nullable, object, page, reference};

fn won() -> Value {
    json!({"type": "string", "description": "Whole won."})
}

fn month() -> Value {
    json!({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$", "description": "In Korea, as in 2026-11."})
}

fn reason() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 500, "description": "Told to the person."})
}

fn declared() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 2000,
           "description": "Holdings, employers, paid relations; that there are none is said in words."})
}

/// All of them.
pub(super) fn all() -> Value {
    let mut schemas = json!({});
    for part in [programme(), ambassadors(), applications(), payouts()] {
        if let (Some(all), Value::Object(part)) = (schemas.as_object_mut(), part) {
            all.extend(part);
        }
    }
    schemas
}

fn programme() -> Value {
    let (text, whole) = (json!({"type": "string"}), json!({"type": "integer"}));
    let days = json!({"type": "integer", "minimum": 0, "maximum": 3650});
    let posts = json!({"type": "integer", "minimum": 0, "maximum": 1000});
    let maybe_text = json!({"type": ["string", "null"]});
    json!({
        "AmbassadorTier": object(json!({"code": {"type": "string", "pattern": "^[a-z0-9_]{1,20}$"}, "name_ko": text,
            "name_en": text, "min_followers": {"type": "integer", "minimum": 0}, "min_posts": posts,
            "monthly_krw": {"type": "string", "description": "Whole won, at most 100000000."}}), &[]),
        "AmbassadorTerms": object(json!({"min_posts": posts, "clean_days": days, "min_account_days": days,
            "disclosure_required": {"type": "boolean"},
            "declaration_months": {"type": "integer", "minimum": 1, "maximum": 24}, "retry_days": days,
            "tiers": {"type": "array", "minItems": 1, "maxItems": 10, "items": reference("AmbassadorTier")}}), &[]),
        "AmbassadorSettings": object(json!({"version": whole, "settings": reference("AmbassadorTerms"),
            "history": {"type": "array", "description": "The last 50 versions, newest first.", "items":
                object(json!({"version": whole, "settings": {"type": "object"}, "why": text, "set_by": maybe_text,
                    "set_at": {"type": "string", "format": "date-time"}}), &[])}}), &[]),
        "NewAmbassadorSettings": object(json!({"version": {"type": "integer", "description": "The version it is made from."},
            "settings": reference("AmbassadorTerms"), "why": {"type": "string", "minLength": 1, "maxLength": 500}}), &[]),
        "Versioned": object(json!({"version": whole}), &[]),
    })
}

fn ambassadors() -> Value {
    let (text, whole, yes) =
        (json!({"type": "string"}), json!({"type": "integer"}), json!({"type": "boolean"}));
    let time = json!({"type": "string", "format": "date-time"});
    let badge = object(json!({"tier": text, "name_ko": text, "name_en": text, "since": time}), &[]);
    let pause = json!({"enum": ["sanction", "disclosure", "declaration"]});
    let membership = object(
        json!({"tier": text, "name_ko": text, "name_en": text, "since": time, "badge_shown": yes,
        "paused_by": {"type": "array", "items": pause}}),
        &[],
    );
    let criterion = object(
        json!({"code": {"enum": ["posts", "standing", "account_age", "followers", "disclosure"]}, "met": yes,
        "needed": {"type": "integer", "description": "At least so many; of sanctions, at most."}, "has": whole,
        "ko": text, "en": text}),
        &[],
    );
    let declaration = object(json!({"version": whole, "body": text, "made_at": time, "renew_by": time}), &[]);
    let or_null = |schema: Value| json!({"oneOf": [schema, {"type": "null"}]});
    json!({
        "Ambassador": object(json!({"user_id": text, "handle": text, "name": text, "badge": badge,
            "conflict_declaration": text, "declared_at": time}), &[]),
        "AmbassadorPage": page("Ambassador"),
        "OwnAmbassador": object(json!({"eligible": yes, "criteria": {"type": "array", "items": criterion},
            "apply_from": {"type": ["string", "null"], "format": "date-time"}, "application": nullable("OwnApplication"),
            "membership": or_null(membership), "declaration": or_null(declaration),
            "statements": list("AmbassadorStatement"), "tiers": list("AmbassadorTier")}), &[]),
        "AmbassadorStatement": object(json!({"id": text, "user_id": text, "handle": text, "month": month(), "tier": text,
            "posts": whole, "minimum_posts": whole, "followers_gained": whole, "followers": whole, "met": yes,
            "withheld": {"enum": ["minimum", "sanction", "disclosure", "declaration", null]}, "amount": won(),
            "payout_id": {"type": ["string", "null"]}, "payout_state": or_null(state()), "made_at": time}), &[]),
        "AmbassadorStatementPage": page("AmbassadorStatement"),
    })
}

fn applications() -> Value {
    let (text, maybe_text) = (json!({"type": "string"}), json!({"type": ["string", "null"]}));
    let time = json!({"type": "string", "format": "date-time"});
    let maybe_time = json!({"type": ["string", "null"], "format": "date-time"});
    let state = json!({"enum": ["open", "approved", "refused", "withdrawn"]});
    json!({
        "NewApplication": object(json!({"conflict_declaration": declared(),
            "motivation": {"type": "string", "minLength": 1, "maxLength": 2000}}), &[]),
        "NewDeclaration": object(json!({"conflict_declaration": declared()}), &[]),
        "OwnApplication": object(json!({"id": text, "state": state, "motivation": text, "tier": maybe_text,
            "reason": text, "applied_at": time, "decided_at": maybe_time}), &[]),
        "Application": object(json!({"id": text, "user_id": text, "handle": text, "state": state, "motivation": text,
            "conflict_declaration": text, "tier": maybe_text, "reason": text, "applied_at": time,
            "decided_by": maybe_text, "decided_at": maybe_time}), &[]),
        "ApplicationPage": page("Application"),
        "ApplicationDecision": object(json!({"approve": {"type": "boolean"},
            "tier": {"type": ["string", "null"], "description": "To approve."}, "reason": reason()}), &["tier"]),
        "Removal": object(json!({"reason": reason()}), &[]),
        "NewTier": object(json!({"tier": text, "reason": reason()}), &[]),
    })
}

fn state() -> Value {
    json!({"enum": ["accrued", "approved", "paid", "reversed"]})
}

fn payouts() -> Value {
    let text = json!({"type": "string"});
    let payment = object(
        json!({"reference": {"type": "string", "description": "No two payments share one."}, "payout_id": text,
        "user_id": text, "handle": text, "name": text, "subject": {"type": ["string", "null"]}, "amount": won()}),
        &[],
    );
    json!({
        "Payout": object(json!({"id": text, "statement_id": text, "user_id": text, "handle": text, "month": month(),
            "amount": won(), "state": state()}), &[]),
        "PayoutPage": page("Payout"),
        "Reversal": object(json!({"what": {"enum": ["accrual", "payment"], "description":
            "An accrual with its approval, or a payment that came back."}, "reason": reason()}), &[]),
        "NewPayRun": object(json!({"month": month()}), &[]),
        "PayRun": object(json!({"id": text, "month": month(), "made_by": text,
            "made_at": {"type": "string", "format": "date-time"}, "payments": {"type": "integer"}, "total": won()}), &[]),
        "PayRunPage": page("PayRun"),
        "MadePayRun": object(json!({"run": reference("PayRun"), "rows": {"type": "array", "items": payment}}), &[]),
    })
}
