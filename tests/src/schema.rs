//! Holds answers against the schemas of the API document: the part of JSON Schema that it uses.

use anyhow::{Result, bail, ensure};
use serde_json::{Map, Value};

/// Fails where the value is not what the schema says. `document` resolves references.
pub fn check(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<()> {
    if let Some(reference) = schema["$ref"].as_str() {
        let found = document.pointer(reference.trim_start_matches('#'));
        let Some(found) = found else {
            bail!("{at}: {reference} is not there");
        };
        return check(document, found, value, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return one_of(document, choices, value, at);
    }
    if let Some(known) = schema["enum"].as_array() {
        ensure!(known.contains(value), "{at}: {value} is none of {known:?}");
    }
    type_of(&schema["type"], value, at)?;
    if let Some(object) = value.as_object() {
        members(document, schema, object, at)?;
    }
    if let (Some(items), Some(schema)) = (value.as_array(), schema.get("items")) {
        for (index, item) in items.iter().enumerate() {
            check(document, schema, item, &format!("{at}[{index}]"))?;
        }
    }
    Ok(())
}

fn one_of(document: &Value, choices: &[Value], value: &Value, at: &str) -> Result<()> {
    let results: Vec<Result<()>> = choices.iter().map(|choice| check(document, choice, value, at)).collect();
    let fits = results.iter().filter(|result| result.is_ok()).count();
    let why: Vec<String> =
        results.into_iter().filter_map(|result| result.err().map(|error| error.to_string())).collect();
    ensure!(fits == 1, "{at}: fits {fits} of the choices: {}", why.join(" | "));
    Ok(())
}

fn type_of(wanted: &Value, value: &Value, at: &str) -> Result<()> {
    let fits = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    };
    let fine = match wanted {
        Value::Null => true,
        Value::String(name) => fits(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(fits),
        _ => false,
    };
    ensure!(fine, "{at}: {value} is not {wanted}");
    Ok(())
}

fn members(document: &Value, schema: &Value, object: &Map<String, Value>, at: &str) -> Result<()> {
    let required = schema["required"].as_array();
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        ensure!(object.contains_key(name), "{at}: {name} is missing");
    }
    let properties = schema["properties"].as_object();
    for (name, value) in object {
        match properties.and_then(|known| known.get(name)) {
            Some(schema) => check(document, schema, value, &format!("{at}.{name}"))?,
            None => ensure!(schema["additionalProperties"] != false, "{at}: {name} is not documented"),
        }
    }
    Ok(())
}
