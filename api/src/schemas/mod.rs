//! The schemas of the API document.

mod ambassadors;
mod creators;
mod moderation;
mod search;
mod statistics;

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
    for part in [
        inputs(),
        people(),
        posts(),
        tickers(),
        notices(),
        moderation::all(),
        statistics::schemas(),
        search::schemas(),
        creators::schemas(),
        ambassadors::all(),
        operations(),
    ] {
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
            "language": language,
            "card_id": {"type": ["string", "null"], "description": "A profit card of mine, from POST /v1/me/cards."}}),
            &["tickers", "stance", "reply_to", "quote_of", "poll", "language", "card_id"]),
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
            "muted": {"type": "boolean"}, "self": {"type": "boolean"}}), &[]), {"type": "null"}]},
        "shows_returns": {"type": "boolean", "description": "On the profile itself, as the two below."},
        "shareholder": {"type": "array", "items": reference("Shareholder")},
        "ambassador": {"type": ["object", "null"], "properties": {"tier": {"type": "string"},
            "name_ko": {"type": "string"}, "name_en": {"type": "string"},
            "since": {"type": "string", "format": "date-time"}}}});
    let me = json!({"id": {"type": "string"}, "handle": {"type": "string"}, "name": {"type": "string"},
        "bio": {"type": "string"}, "language": {"enum": ["ko", "en"]},
        "role": {"enum": ["investor", "moderator", "senior", "legal", "admin", "service"]},
        "standing": {"enum": ["good", "limited", "suspended", "banned"]},
        "standing_until": {"type": ["string", "null"], "format": "date-time"}, "verified": {"type": "boolean"},
        "follower_count": {"type": "integer"}, "following_count": {"type": "integer"},
        "created_at": {"type": "string", "format": "date-time"}});
    json!({
        "User": object(user, &["viewer", "shows_returns", "shareholder", "ambassador"]),
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
        "card": {"oneOf": [reference("Card"), {"type": "null"}]},
        "labels": {"type": "array", "items": {"type": "string", "enum": ["unverified_profit_claim", "acted_against"]}},
        "counts": counts, "viewer": {"oneOf": [viewer, {"type": "null"}]},
        "poll": {"oneOf": [poll, {"type": "null"}]}, "repost_of": inner, "quote_of": inner,
        "highlights": search::ranges("Where the words stand in `body`; in search only.")});
    let token = json!({"type": "string", "description": "Signed: what was shown to whom and when."});
    let placeholder = json!({"id": {"type": "string"}, "placeholder": {"enum": ["deleted", "unavailable"]}});
    json!({
        "Post": object(post, &["highlights"]),
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

fn notices() -> Value {
    let words = object(json!({"ko": {"type": "string"}, "en": {"type": "string"}}), &[]);
    json!({
        "Notice": object(json!({"id": {"type": "string"}, "kind": {"enum": ["report_outcome", "measure", "sanction", "appeal",
            "scam_warning", "ambassador_application", "ambassador_membership", "ambassador_statement",
            "ambassador_declaration", "ambassador_payout"]}, "subject": {"type": "string", "description": "Id of what it is about."}, "words": words,
            "created_at": {"type": "string", "format": "date-time"}, "read": {"type": "boolean"}}), &[]),
        "NoticePage": object(json!({"items": list("Notice"), "next_cursor": {"type": ["string", "null"]},
            "unread": {"type": "integer", "description": "Up to 100."}}), &[]),
        "NoticesRead": object(json!({"up_to": {"type": "string", "description": "The id of the newest one read."}}), &[]),
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
