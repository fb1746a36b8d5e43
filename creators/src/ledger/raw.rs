//! A row before it is looked at: texts by field, digit by digit as they came.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, value::RawValue};

/// The columns of `trades.csv` and the members of a row in JSON.
pub const FIELDS: [&str; 14] = [
    "trade_id",
    "user",
    "subject",
    "kind",
    "symbol",
    "quantity",
    "price",
    "amount",
    "fee",
    "tax",
    "ratio",
    "currency",
    "executed_at",
    "corrects",
];

/// Why a row does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Stable code: `missing`, `invalid`, `unknown_person`, `unknown_instrument`, `unknown_currency`,
    /// `wrong_currency`, `future`, `conflict`, `oversold`, `unknown_reference`, `already_corrected`,
    /// `split_conflict`.
    pub code: &'static str,
    /// The field it is about.
    pub field: &'static str,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, field: &'static str, reason: impl Into<String>) -> Self {
        Self { code, field, reason: reason.into() }
    }

    pub(super) fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Self::new("invalid", field, reason)
    }
}

/// A row before it is looked at: texts by field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawRow(Vec<(&'static str, String)>);

impl RawRow {
    /// From pairs of field and text; empty ones are as good as missing. Unknown fields are left out.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let known = |name: &str| FIELDS.into_iter().find(|field| *field == name);
        let kept = pairs.into_iter().filter(|(_, value)| !value.trim().is_empty());
        Self(kept.filter_map(|(name, value)| Some((known(name)?, value.trim().to_owned()))).collect())
    }

    /// From the text of a JSON object of texts and numbers. Numbers are taken digit by digit, as they came.
    ///
    /// # Errors
    /// What is wrong with it, whatever it is: one row says nothing about the others of its batch.
    pub fn from_json(text: &str) -> Result<Self, Refusal> {
        let object: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text)
            .map_err(|_| Refusal::invalid("trades", "a trade must be an object"))?;
        let mut row = Self::default();
        for (name, value) in &object {
            let Some(field) = FIELDS.into_iter().find(|field| field == name) else {
                let known = FIELDS.join(", ");
                return Err(Refusal::invalid("trades", format!("unknown field {name:?}; there are {known}")));
            };
            let text = member(field, value.get())?;
            if !text.trim().is_empty() {
                row.0.push((field, text.trim().to_owned()));
            }
        }
        Ok(row)
    }

    /// A field's text.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, value)| value.as_str())
    }

    pub(super) fn need(&self, field: &'static str) -> Result<&str, Refusal> {
        self.get(field).ok_or_else(|| Refusal::new("missing", field, "is missing"))
    }

    /// As it is kept with a refusal.
    pub fn to_json(&self) -> Value {
        self.0.iter().map(|(name, value)| ((*name).to_owned(), Value::String(value.clone()))).collect()
    }
}

/// A member's text: of a text what it says, of a number its digits, of null nothing.
fn member(field: &'static str, value: &str) -> Result<String, Refusal> {
    match value.as_bytes().first() {
        Some(b'n') => Ok(String::new()),
        Some(b'"') => serde_json::from_str(value)
            .map_err(|_| Refusal::invalid(field, "must be a text of whole characters")),
        Some(b'-' | b'0'..=b'9') if value.contains(['e', 'E']) => {
            Err(Refusal::invalid(field, "must be written without an exponent"))
        }
        Some(b'-' | b'0'..=b'9') => Ok(value.to_owned()),
        _ => Err(Refusal::invalid(field, "must be a text or a number")),
    }
}
