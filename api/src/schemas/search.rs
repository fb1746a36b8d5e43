//! The schemas of search.

use serde_json::{Value, json};

use super::{list, object, page, reference};

/// Places in a text.
pub(super) fn ranges(words: &str) -> Value {
    let pair =
        json!({"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "integer", "minimum": 0}});
    let words = format!("{words} Pairs of first and one past the last, in Unicode code points.");
    json!({"type": "array", "items": pair, "description": words})
}

/// All of them, by name.
pub(super) fn schemas() -> Value {
    let marks = object(json!({"handle": ranges("In the handle."), "name": ranges("In the name.")}), &[]);
    let matched = object(
        json!({"name": {"type": "string", "description": "The name, code or nickname that matched."},
               "highlights": ranges("Where in it.")}),
        &[],
    );
    let is = |reference: Value, members: Value| json!({"allOf": [reference, {"type": "object", "properties": members}]});
    let kinds = ["ticker", "user"];
    let suggested = json!({"type": "object", "required": ["type"], "properties": {
        "type": {"type": "string", "enum": kinds}, "symbol": {"type": "string"}, "handle": {"type": "string"},
        "name": {"type": "string"}, "name_ko": {"type": ["string", "null"]}, "matched": matched}});
    json!({
        "FoundUser": is(json!({"type": "object", "required": ["handle", "name"]}),
            json!({"handle": {"type": "string"}, "name": {"type": "string"}, "highlights": marks})),
        "FoundTicker": is(json!({"type": "object", "required": ["symbol", "name"]}),
            json!({"symbol": {"type": "string"}, "name": {"type": "string"}, "matched": matched})),
        "FoundUserPage": page("FoundUser"),
        "FoundTickerPage": page("FoundTicker"),
        "FoundAll": object(json!({"tickers": reference("FoundTickerPage"), "users": reference("FoundUserPage"),
            "posts": reference("PostPage")}), &[]),
        "SearchPage": {"anyOf": [reference("FoundAll"), reference("PostPage"), reference("FoundUserPage"),
            reference("FoundTickerPage")]},
        "Suggestion": suggested,
        "SuggestionPage": page("Suggestion"),
        "Alias": object(json!({"alias": {"type": "string", "description": "NFKC, case-folded, without spaces."},
            "source": {"type": "string", "enum": ["import", "built_in", "operator"]}}), &[]),
        "AliasList": object(json!({"items": list("Alias"), "next_cursor": {"type": "null"}}), &[]),
    })
}
