//! The API document, made from the table of routes: what is served is documented, and the other way
//! round. Schemas are named here once; a test holds real answers against them.

use serde_json::{Map, Value, json};

use crate::routes::{Access, Operation, operations};

/// OpenAPI 3.1.
pub(crate) fn document() -> Value {
    let mut paths = Map::new();
    for operation in operations() {
        let path = operation.path.replace("{file:.*}", "{file}");
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(methods) = entry.as_object_mut() {
            methods.insert(operation.method.as_str().to_lowercase(), describe(&operation));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Madang",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The community inside a brokerage app. Ids are strings. Lists are paged by opaque \
                cursors. Writes take `Idempotency-Key`: a repeated one has one effect and one answer. Errors are \
                `application/problem+json` with a stable `code`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": "account"}, {"name": "people"}, {"name": "posts"}, {"name": "feeds"},
                 {"name": "tickers"}, {"name": "operations"}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer",
                           "description": "The token of a login, or a JWT of the configured identity provider."}
            },
            "schemas": crate::schemas::all(),
        }
    })
}

fn tag(path: &str) -> &'static str {
    let parts: Vec<&str> = path.split('/').collect();
    match (parts.get(2).copied().unwrap_or(""), parts.get(4).copied()) {
        ("auth" | "me", _) => "account",
        ("users", Some("posts")) | ("posts", Some("replies")) | ("tickers", Some("posts")) => "feeds",
        ("users", _) => "people",
        ("posts", _) => "posts",
        ("timeline" | "watchlist" | "trending" | "live", _) => "feeds",
        ("tickers", _) => "tickers",
        _ => "operations",
    }
}

fn describe(operation: &Operation) -> Value {
    let mut described = json!({
        "summary": operation.doc.summary,
        "operationId": operation_id(operation),
        "tags": [tag(operation.path)],
        "parameters": parameters(operation),
        "responses": responses(operation),
        "security": match operation.access {
            Access::Public => json!([{}, {"bearer": []}]),
            _ => json!([{"bearer": []}]),
        },
    });
    if let (Some(schema), Some(object)) = (operation.doc.body, described.as_object_mut()) {
        object.insert(
            "requestBody".into(),
            json!({"required": true, "content": {"application/json": {"schema": reference(schema)}}}),
        );
    }
    described
}

fn operation_id(operation: &Operation) -> String {
    let words = operation.path.trim_start_matches("/v1").replace("{file:.*}", "file");
    let words: Vec<&str> =
        words.split(['/', '{', '}', '.', '-', '_']).filter(|word| !word.is_empty()).collect();
    format!(
        "{}_{}",
        operation.method.as_str().to_lowercase(),
        if words.is_empty() { "root".into() } else { words.join("_") }
    )
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let in_path = operation.path.split(['{', '}']).skip(1).step_by(2).map(|name| {
        let name = name.split(':').next().unwrap_or(name);
        json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}, "description": path_words(name)})
    });
    let in_query = operation.doc.query.iter().map(|name| query_parameter(operation.path, name));
    let key =
        (operation.method != actix_web::http::Method::GET && operation.access != Access::Public).then(|| {
            json!({"name": "Idempotency-Key", "in": "header", "required": false,
               "schema": {"type": "string", "minLength": 1, "maxLength": 255},
               "description": "A repeated key has one effect and one answer for 24 hours."})
        });
    in_path.chain(in_query).chain(key).collect()
}

fn path_words(name: &str) -> &'static str {
    match name {
        "handle" => "A person's handle.",
        "id" => "The id of a post, case or appeal.",
        "symbol" => "`market:code`, or a code or name that only one instrument has.",
        "keyword" => "The word.",
        "alias" => "The nickname.",
        _ => "A file's name.",
    }
}

fn query_parameter(path: &str, name: &str) -> Value {
    let (schema, words) = match name {
        "limit" if path == "/v1/search/suggest" => {
            (json!({"type": "integer", "minimum": 1, "maximum": 100, "default": 8}), "Suggestions at most.")
        }
        "limit" if path == "/v1/search" => (
            json!({"type": "integer", "minimum": 1, "maximum": 100, "default": 20}),
            "Items on a page; of tickers and of people at most 5 where the type is all: their cursors go on.",
        ),
        "limit" if path == "/v1/suggestions/creators" => {
            (json!({"type": "integer", "minimum": 1, "maximum": 20, "default": 10}), "People in the list.")
        }
        "limit" => {
            (json!({"type": "integer", "minimum": 1, "maximum": 100, "default": 20}), "Items on a page.")
        }
        "order" => {
            (json!({"type": "string", "enum": ["top", "latest"], "default": "top"}), "Best or newest first.")
        }
        "days" if path.ends_with("/calibration.svg") => {
            (json!({"type": "integer", "enum": [1, 5, 20], "default": 5}), "Trading days after the post.")
        }
        "days" => {
            (json!({"type": "integer", "minimum": 1, "maximum": 90, "default": 30}), "Days to look back.")
        }
        "q" => (
            json!({"type": "string", "minLength": 1, "maxLength": 200}),
            "What to look for; \"quoted\" as it stands.",
        ),
        "type" => (
            json!({"type": "string", "enum": ["posts", "users", "tickers", "all"], "default": "all"}),
            "What is looked for; with all there is one page of each.",
        ),
        "author" => (json!({"type": "string"}), "Posts of this handle only."),
        "stance" => {
            (json!({"type": "string", "enum": ["bull", "bear", "none"]}), "Posts of this stance only.")
        }
        "from" | "to" if path == "/v1/search" => (
            json!({"type": "string"}),
            "A day (UTC, included) or a time, as in 2026-11-22 or 2026-11-22T09:00:00Z.",
        ),
        "verified" => (json!({"type": "boolean"}), "Of people the house has checked only."),
        "holders" => (json!({"type": "boolean"}), "Of those only who hold `ticker` and say so."),
        "ticker" => (json!({"type": "string"}), ticker_words(path)),
        "window" => {
            let windows = ["1W", "1M", "3M", "6M", "1Y", "YTD", "ALL"];
            (json!({"type": "string", "enum": windows, "default": "3M"}), "Over which time.")
        }
        "language" => {
            (json!({"type": "string", "enum": ["ko", "en"], "default": "ko"}), "In which language.")
        }
        "month" => (json!({"type": "string"}), "A month in Korea, as in 2026-11."),
        "state" | "status" => (json!({"type": "string"}), "Only what stands there."),
        _ => (json!({"type": "string"}), "`next_cursor` of the page before."),
    };
    // No other list is refused for want of a parameter.
    let required = name == "q" && path.starts_with("/v1/search");
    json!({"name": name, "in": "query", "required": required, "schema": schema, "description": words})
}

fn ticker_words(path: &str) -> &'static str {
    match path {
        "/v1/leaderboard" => "Of one instrument, `market:code`; without it of whole accounts.",
        "/v1/search" => "Posts about this instrument only: symbol, code or name.",
        "/v1/me/disclosure" => "Only of this instrument, `market:code`; without it of everything.",
        _ => "The board to follow.",
    }
}

fn responses(operation: &Operation) -> Value {
    let (status, schema) = operation.doc.answer;
    let mut all = Map::new();
    all.insert(status.to_string(), success(schema));
    let mut refuse = |status: u16, words: &str| {
        let content = json!({"application/problem+json": {"schema": reference("Problem")}});
        all.insert(status.to_string(), json!({"description": words, "content": content}));
    };
    if operation.path.starts_with("/v1") {
        refuse(400, "The request cannot be read, or the cursor is not of this list.");
        refuse(429, "Too many requests; see Retry-After.");
        refuse(503, "A store is away; see Retry-After.");
        refuse(401, "The token is missing or not valid.");
        refuse(422, "The input is not valid; `errors` says where.");
        if operation.access != Access::Public {
            refuse(403, "Not for this role, or a write by cookie from a foreign site.");
        }
        if operation.path.contains('{') || operation.path == "/v1/me/returns" {
            refuse(404, "Not there, or not for this viewer.");
        }
        if operation.path.contains("{symbol}") {
            refuse(308, "Renamed; see Location.");
        }
        if operation.doc.query.contains(&"cursor") {
            refuse(410, "The frozen list behind the cursor has expired.");
        }
        if operation.method != actix_web::http::Method::GET {
            refuse(408, "The body came too slowly.");
            refuse(409, "Conflicts with the present state.");
            let from_systems = operation.access == Access::Service;
            refuse(
                413,
                if from_systems {
                    "The body is larger than 8 MiB."
                } else {
                    "The body is larger than 64 KiB."
                },
            );
            refuse(415, "The body is not JSON.");
        }
    } else {
        refuse(404, "Not there.");
        refuse(503, "Not ready.");
    }
    Value::Object(all)
}

fn success(schema: &str) -> Value {
    let content =
        |media: &str, schema: Value| json!({"description": "Done.", "content": {media: {"schema": schema}}});
    match schema {
        "" => json!({"description": "Done."}),
        "csv" => content("text/csv", json!({"type": "string"})),
        "zip" => content("application/zip", json!({"type": "string", "format": "binary"})),
        "events" => content("text/event-stream", json!({"type": "string"})),
        "png" => content("image/png", json!({"type": "string", "contentMediaType": "image/png"})),
        "svg" => content("image/svg+xml", json!({"type": "string"})),
        "text" => content("text/plain", json!({"type": "string"})),
        "any" => content("application/json", json!({"type": "object"})),
        name => content("application/json", reference(name)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn references(value: &Value, found: &mut HashSet<String>) {
        match value {
            Value::Object(object) => {
                if let Some(name) = object.get("$ref").and_then(Value::as_str) {
                    found.insert(name.trim_start_matches("#/components/schemas/").to_owned());
                }
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_schema_named_is_there_and_every_schema_there_is_named() {
        let document = document();
        let mut named = HashSet::new();
        references(&document, &mut named);
        let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
        let there: HashSet<String> = schemas.into_iter().flat_map(|object| object.keys().cloned()).collect();
        assert_eq!(named, there);
    }

    #[test]
    fn operation_ids_are_unique() {
        let mut seen = HashSet::new();
        for operation in operations() {
            assert!(seen.insert(operation_id(&operation)), "{}", operation_id(&operation));
        }
    }

    #[test]
    fn a_search_names_what_it_cannot_do_without() {
        for path in ["/v1/search", "/v1/search/suggest"] {
            let q = query_parameter(path, "q");
            assert_eq!(q.pointer("/required"), Some(&json!(true)), "{path}");
        }
        assert_eq!(query_parameter("/v1/search", "type").pointer("/required"), Some(&json!(false)));
    }
}
