//! Bodies are refused for a field that is not known and for a value of the wrong type, with the code of the field.

use serde_json::{Map, Value};

use super::wire::{Refusal, Request};

/// What a field may be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Text,
    Uint,
    Number,
    Bool,
    Texts,
    Object,
    Any,
}

/// A field: its name, its kind, and the code of a refusal.
pub(crate) type Field = (&'static str, Kind, &'static str);

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_u64() => "a positive integer",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn check(value: &Value, kind: Kind, place: &str, code: &'static str) -> Result<(), Refusal> {
    let (fits, expected) = match kind {
        Kind::Text => (value.is_string(), "a string"),
        Kind::Uint => (value.is_u64(), "a positive integer"),
        Kind::Number => (value.is_number(), "a number"),
        Kind::Bool => (value.is_boolean(), "a boolean"),
        Kind::Texts => (value.is_array(), "an array"),
        Kind::Object => (value.is_object(), "an object"),
        Kind::Any => (true, ""),
    };
    if !fits {
        let found = name_of(value);
        let message =
            format!("Invalid value type at `{place}`: expected {expected}, but found {found}: `{value}`");
        return Err(Refusal::new(code, message));
    }
    if let (Kind::Texts, Some(items)) = (kind, value.as_array()) {
        for (at, item) in items.iter().enumerate() {
            check(item, Kind::Text, &format!("{place}[{at}]"), code)?;
        }
    }
    Ok(())
}

/// The fields of an object; a `null` counts as absent.
pub(crate) fn object(
    value: &Value,
    place: &str,
    fields: &[Field],
    code: &'static str,
) -> Result<Map<String, Value>, Refusal> {
    check(value, Kind::Object, if place.is_empty() { "." } else { place }, code)?;
    let mut out = Map::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        let Some((_, kind, field_code)) = fields.iter().find(|(known, ..)| known == name) else {
            let known: Vec<String> = fields.iter().map(|(known, ..)| format!("`{known}`")).collect();
            let message = format!("Unknown field `{name}`: expected one of {}", known.join(", "));
            return Err(Refusal::new(code, message));
        };
        if !value.is_null() {
            check(value, *kind, &format!("{place}.{name}"), field_code)?;
            out.insert(name.clone(), value.clone());
        }
    }
    Ok(out)
}

/// The JSON of a body.
pub(crate) fn json(request: &Request) -> Result<Value, Refusal> {
    match request.content_type.as_deref() {
        None => return Err(Refusal::new("missing_content_type", "A Content-Type header is missing.")),
        Some(kind) if kind.split(';').next() == Some("application/json") => {}
        Some(kind) => {
            return Err(Refusal::new(
                "invalid_content_type",
                format!("The Content-Type `{kind}` is invalid."),
            ));
        }
    }
    if request.body.is_empty() {
        return Err(Refusal::new("missing_payload", "A json payload is missing."));
    }
    serde_json::from_slice(&request.body).map_err(|error| {
        Refusal::new("malformed_payload", format!("The json payload provided is malformed. `{error}`."))
    })
}

/// Texts of a field that was checked.
pub(crate) fn texts(fields: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    let items = fields.get(name)?.as_array()?;
    Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}
