//! The schemas of the API document.

use serde_json::{Value, json};

fn object(properties: Value, optional: &[&str]) -> Value {
    let required: Vec<String> = properties
        .as_object()
        .map(|object| object.keys().filter(|name| !optional.contains(&name.as_str())).cloned().collect())
        .unwrap_or_default();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn nullable(name: &str) -> Value {
    json!({"oneOf": [reference(name), {"type": "null"}]})
}

fn list(name: &str) -> Value {
    json!({"type": "array", "items": reference(name)})
}

fn page(name: &str) -> Value {
    object(json!({"items": list(name), "next_cursor": {"type": ["string", "null"]}}), &[])
}

/// All of them, by name.
pub(crate) fn all() -> Value {
    let mut schemas = json!({});
    for part in [inputs(), people(), posts(), tickers(), moderation(), text_rules(), operations()] {
        if let (Some(all), Value::Object(part)) = (schemas.as_object_mut(), part) {
            all.extend(part);
        }
    }
    schemas
}

fn inputs() -> Value {
    let text = json!({"type": "string"});
    let password = json!({"type": "string", "minLength": 10, "maxLength": 256, "format": "password"});
    let language = json!({"type": ["string", "null"], "enum": ["ko", "en", null]});
    let handle = json!({"type": "string", "minLength": 2, "maxLength": 20,
                        "description": "Latin letters, digits, `_`, Hangul syllables."});
    json!({
        "Signup": object(json!({"handle": handle, "password": password, "name": {"type": ["string", "null"], "maxLength": 40},
            "language": language}), &["name", "language"]),
        "Login": object(json!({"handle": text, "password": {"type": "string", "format": "password"}}), &[]),
        "ProfileEdit": object(json!({"name": {"type": ["string", "null"], "maxLength": 40},
            "bio": {"type": ["string", "null"], "maxLength": 500}, "language": language}), &["name", "bio", "language"]),
        "Confirmation": object(json!({"handle": {"type": "string", "description": "Your handle, once more."}}), &[]),
        "NewPost": object(json!({
            "body": {"type": "string", "minLength": 1, "maxLength": 5000,
                "description": "Text. Cashtags ($AAPL, $005930, $삼성전자) name tickers, at most 5."},
            "tickers": {"type": "array", "items": text, "description": "Further tickers, by symbol, code or name."},
            "stance": {"type": ["string", "null"], "enum": ["bull", "bear", "none", null]},
            "reply_to": {"type": ["string", "null"]}, "quote_of": {"type": ["string", "null"]},
            "poll": {"oneOf": [object(json!({
                "options": {"type": "array", "minItems": 2, "maxItems": 5, "items": {"type": "string", "maxLength": 80}},
                "minutes": {"type": "integer", "minimum": 5, "maximum": 10080}}), &[]), {"type": "null"}]},
            "language": language}), &["tickers", "stance", "reply_to", "quote_of", "poll", "language"]),
        "PostEdit": object(json!({"body": {"type": "string", "minLength": 1, "maxLength": 5000}}), &[]),
        "Vote": object(json!({"option": {"type": "integer", "minimum": 0, "maximum": 4}}), &[]),
    })
}

fn people() -> Value {
    let user = json!({"id": {"type": "string"}, "handle": {"type": "string"}, "name": {"type": "string"},
        "bio": {"type": "string"}, "verified": {"type": "boolean"}, "role": {"type": ["string", "null"]},
        "follower_count": {"type": "integer"}, "following_count": {"type": "integer"},
        "created_at": {"type": "string", "format": "date-time"},
        "viewer": {"oneOf": [object(json!({"following": {"type": "boolean"}, "followed_by": {"type": "boolean"},
            "muted": {"type": "boolean"}, "self": {"type": "boolean"}}), &[]), {"type": "null"}]}});
    let me = json!({"id": {"type": "string"}, "handle": {"type": "string"}, "name": {"type": "string"},
        "bio": {"type": "string"}, "language": {"enum": ["ko", "en"]},
        "role": {"enum": ["investor", "moderator", "admin", "service"]}, "verified": {"type": "boolean"},
        "follower_count": {"type": "integer"}, "following_count": {"type": "integer"},
        "created_at": {"type": "string", "format": "date-time"}});
    json!({
        "User": object(user, &["viewer"]),
        "UserPage": page("User"),
        "Me": object(me, &[]),
        "LoggedIn": object(json!({"user": reference("Me"),
            "token": {"type": "string", "description": "Shown once; send it as Bearer."}}), &[]),
        "KeywordList": object(json!({"items": {"type": "array", "items": {"type": "string"}}}), &[]),
        "Author": object(json!({"id": {"type": ["string", "null"]}, "handle": {"type": ["string", "null"]},
            "name": {"type": ["string", "null"]}, "verified": {"type": "boolean"}, "role": {"type": ["string", "null"]},
            "deleted": {"type": "boolean"}}), &[]),
    })
}

fn posts() -> Value {
    let counts = object(
        json!({"likes": {"type": "integer"}, "replies": {"type": "integer"},
        "reposts": {"type": "integer"}, "quotes": {"type": "integer"}}),
        &[],
    );
    let viewer = object(
        json!({"liked": {"type": "boolean"}, "bookmarked": {"type": "boolean"},
        "reposted": {"type": "boolean"}}),
        &[],
    );
    let poll = object(
        json!({"options": {"type": "array", "items": {"type": "string"}},
        "closes_at": {"type": "string", "format": "date-time"}, "closed": {"type": "boolean"},
        "voted": {"type": ["integer", "null"]},
        "results": {"type": ["array", "null"], "items": {"type": "integer"},
            "description": "Votes by option; hidden until one has voted or it is closed."}}),
        &[],
    );
    let mark = object(
        json!({"symbol": {"type": "string"}, "name": {"type": "string"},
        "name_ko": {"type": ["string", "null"]}, "price": {"type": ["string", "null"]},
        "price_day": {"type": ["string", "null"], "format": "date"}}),
        &[],
    );
    let inner = json!({"oneOf": [reference("PostOrPlaceholder"), {"type": "null"}]});
    let id = json!({"type": ["string", "null"]});
    let post = json!({"id": {"type": "string"}, "author": reference("Author"),
        "created_at": {"type": "string", "format": "date-time"}, "body": {"type": "string"},
        "language": {"type": ["string", "null"]}, "tickers": {"type": "array", "items": mark},
        "stance": {"enum": ["bull", "bear", "none"]}, "reply_to": id, "root": id,
        "edited_at": {"type": ["string", "null"], "format": "date-time"}, "revision": {"type": "integer"},
        "state": {"enum": ["visible", "limited", "auto_blocked", "removed", "temporary_measure", "held"]},
        "counts": counts, "viewer": {"oneOf": [viewer, {"type": "null"}]},
        "poll": {"oneOf": [poll, {"type": "null"}]}, "repost_of": inner, "quote_of": inner});
    let token = json!({"type": "string", "description": "Signed: what was shown to whom and when."});
    let placeholder = json!({"id": {"type": "string"}, "placeholder": {"enum": ["deleted", "unavailable"]}});
    json!({
        "Post": object(post, &[]),
        "Placeholder": object(placeholder, &[]),
        "PostOrPlaceholder": {"oneOf": [reference("Post"), reference("Placeholder")]},
        "PostPage": object(json!({"items": list("PostOrPlaceholder"), "next_cursor": {"type": ["string", "null"]},
            "view_token": token}), &[]),
        "Reference": object(json!({"id": {"type": "string"}}), &[]),
        "RevisionList": object(json!({"items": {"type": "array", "items": object(json!({"revision": {"type": "integer"},
            "body": {"type": "string"}, "replaced_at": {"type": "string", "format": "date-time"}}), &[])}}), &[]),
    })
}

fn tickers() -> Value {
    let price = json!({"type": "string", "description": "A decimal."});
    let ticker = json!({"symbol": {"type": "string"}, "name": {"type": "string"}, "name_ko": {"type": ["string", "null"]},
        "sector": {"type": ["string", "null"]}, "currency": {"type": "string"}, "time_zone": {"type": "string"},
        "status": {"enum": ["listed", "delisted", "renamed"]}, "last_close": nullable("DayClose")});
    let mut detail = ticker.clone();
    if let Some(object) = detail.as_object_mut() {
        object.insert("watchers".into(), json!({"type": "integer"}));
        object.insert("watching".into(), json!({"type": ["boolean", "null"]}));
    }
    json!({
        "DayClose": object(json!({"day": {"type": "string", "format": "date"}, "close": price}), &[]),
        "Ticker": object(ticker, &[]),
        "TickerDetail": object(detail, &[]),
        "TickerPage": page("Ticker"),
        "TickerList": object(json!({"items": list("Ticker")}), &[]),
        "PricePage": page("DayPrice"),
        "DayPrice": object(json!({"day": {"type": "string", "format": "date"}, "open": price, "high": price, "low": price,
            "close": price, "adj_close": price, "volume": {"type": "integer"}}), &[]),
        "TrendList": page("Trend"),
        "Trend": object(json!({"ticker": reference("Ticker"), "authors": {"type": "integer"},
            "normal": {"type": "number"}, "surprise": {"type": "number"}}), &[]),
    })
}

fn moderation() -> Value {
    let (id, time) = (json!({"type": "string"}), json!({"type": "string", "format": "date-time"}));
    let maybe_id = json!({"type": ["string", "null"]});
    let maybe_time = json!({"type": ["string", "null"], "format": "date-time"});
    let text = json!({"type": "string"});
    let whole = json!({"type": "integer"});
    let category = json!({"enum": ["leading_room", "impersonation", "false_information", "fake_profit", "abuse",
        "sexual", "spam", "illegal", "other"]});
    let listed = json!({"id": id, "post_id": id, "state": {"enum": ["open", "claimed", "escalated", "decided"]},
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
        json!({"kind": {"enum": ["keep", "limit", "hold", "block", "remove"]}, "actor_id": maybe_id,
        "reason": category, "terms_clause": text, "previous_state": text, "new_state": text, "created_at": time,
        "expires_at": maybe_time, "ended_at": maybe_time}),
        &[],
    );
    let author = object(
        json!({"id": id, "handle": text, "since": time, "posts": whole, "removed": whole, "kept": whole}),
        &[],
    );
    let mut detail = listed.clone();
    if let (Some(all), Value::Object(more)) = (
        detail.as_object_mut(),
        json!({"post_state": text, "body": text, "revisions": {"type": "array", "items": case_text},
        "reported": {"type": "array", "items": case_text}, "reports": {"type": "array", "items": report},
        "verdict": {"type": "object", "description": "What the rule counted and why."},
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
            "version": {"type": "integer", "description": "Of the case as it was read."}}), &["terms_clause", "lock"]),
        "Decision": object(json!({"id": id, "case_id": id, "measure": {"enum": ["keep", "limit", "remove"]}}), &[]),
        "NewAppeal": object(json!({"decision_id": {"type": "string", "description": "The id of the statement."},
            "body": {"type": "string", "minLength": 1, "maxLength": 2000}}), &[]),
        "Appeal": object(json!({"id": id, "decision_id": id, "post_id": id, "body": text,
            "state": {"enum": ["open", "upheld", "overturned"]}, "answer": text, "created_at": time, "due_at": time,
            "decided_at": maybe_time}), &[]),
        "AppealPage": page("Appeal"),
        "WaitingAppeal": object(json!({"id": id, "case_id": id, "decision_id": id, "post_id": id, "body": text,
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

fn operations() -> Value {
    json!({
        "Readiness": object(json!({"ready": {"type": "boolean"}, "postgresql": {"type": "boolean"},
            "redis": {"type": "boolean"}, "stopping": {"type": "boolean"}}), &[]),
        "Problem": object(json!({"type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
            "code": {"type": "string", "description": "Stable."}, "detail": {"type": "string"},
            "errors": {"type": "array", "items": object(json!({"field": {"type": "string"},
                "message": {"type": "string"}}), &[])}}), &["errors"]),
    })
}
