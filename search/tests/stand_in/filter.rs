//! Filters: the server's grammar without its geographical and vector parts.
//!
//! or = and ("OR" and)*; and = not ("AND" not)*; not = "NOT" not | "(" or ")" | condition;
//! condition = value ("=" | "!=" | ">" | ">=" | "<" | "<=") value | value ["NOT"] "IN" "[" value,* "]"
//!           | value value "TO" value | value ["NOT"] "EXISTS" | value "IS" ["NOT"] ("NULL" | "EMPTY").

use serde_json::{Map, Value};

/// A filter, parsed.
#[derive(Debug, Clone)]
pub(crate) enum Filter {
    Or(Vec<Filter>),
    And(Vec<Filter>),
    Not(Box<Filter>),
    Is(String, Test),
}

/// What must hold of an attribute.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    Compare(&'static str, String),
    In(Vec<String>),
    Between(String, String),
    Exists,
    Null,
    Empty,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Sign(&'static str),
}

const SIGNS: [&str; 11] = ["!=", ">=", "<=", "=", ">", "<", "(", ")", "[", "]", ","];
const KEYWORDS: [&str; 13] = [
    "AND",
    "OR",
    "NOT",
    "IN",
    "TO",
    "EXISTS",
    "IS",
    "NULL",
    "EMPTY",
    "CONTAINS",
    "STARTS",
    "_geoRadius",
    "_geoBoundingBox",
];
const MAX_DEPTH: usize = 150;

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let (mut out, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        if first == '"' || first == '\'' {
            let (mut said, mut end, mut escaped) = (String::new(), None, false);
            for (at, c) in rest.char_indices().skip(1) {
                match c {
                    _ if escaped => {
                        said.push(c);
                        escaped = false;
                    }
                    '\\' => escaped = true,
                    c if c == first => {
                        end = Some(at + 1);
                        break;
                    }
                    c => said.push(c),
                }
            }
            let end = end.ok_or_else(|| {
                format!("Expression `{rest}` is missing the following closing delimiter: `{first}`.")
            })?;
            out.push(Token::Quoted(said));
            rest = rest[end..].trim_start();
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            out.push(Token::Sign(sign));
            rest = rest[sign.len()..].trim_start();
        } else {
            let end = rest
                .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
                .unwrap_or(rest.len());
            if end == 0 {
                return Err(format!("Was expecting an operation or a value at `{rest}`."));
            }
            out.push(Token::Word(rest[..end].to_owned()));
            rest = rest[end..].trim_start();
        }
    }
    Ok(out)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn keyword(&mut self, word: &str) -> bool {
        let is = self.tokens.get(self.at) == Some(&Token::Word(word.to_owned()));
        self.at += usize::from(is);
        is
    }

    fn sign(&mut self, wanted: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Sign(sign)) if *sign == wanted);
        self.at += usize::from(is);
        is
    }

    fn value(&mut self) -> Result<String, String> {
        let value = match self.tokens.get(self.at) {
            Some(Token::Quoted(text)) => text.clone(),
            Some(Token::Word(text)) if !KEYWORDS.contains(&text.as_str()) => text.clone(),
            other => return Err(format!("Was expecting a value but instead got `{other:?}`.")),
        };
        self.at += 1;
        Ok(value)
    }

    fn any(&mut self) -> Result<Filter, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("The filter exceeded the maximum depth limit.".into());
        }
        let mut all = vec![self.all()?];
        while self.keyword("OR") {
            all.push(self.all()?);
        }
        self.depth -= 1;
        Ok(Filter::Or(all))
    }

    fn all(&mut self) -> Result<Filter, String> {
        let mut all = vec![self.not()?];
        while self.keyword("AND") {
            all.push(self.not()?);
        }
        Ok(Filter::And(all))
    }

    fn not(&mut self) -> Result<Filter, String> {
        if self.keyword("NOT") {
            return Ok(Filter::Not(Box::new(self.not()?)));
        }
        if self.sign("(") {
            let inner = self.any()?;
            return if self.sign(")") {
                Ok(inner)
            } else {
                Err("Expression is missing the closing delimiter `)`.".into())
            };
        }
        self.condition()
    }

    fn list(&mut self) -> Result<Vec<String>, String> {
        let mut values = Vec::new();
        if !self.sign("[") {
            return Err("Expected `[` after `IN` keyword.".into());
        }
        while !self.sign("]") {
            values.push(self.value()?);
            if !self.sign(",") && self.tokens.get(self.at) != Some(&Token::Sign("]")) {
                return Err("Expected only comma-separated field names inside `IN[..]`.".into());
            }
        }
        Ok(values)
    }

    fn condition(&mut self) -> Result<Filter, String> {
        let name = self.value()?;
        for sign in ["!=", ">=", "<=", "=", ">", "<"] {
            if self.sign(sign) {
                return Ok(Filter::Is(name, Test::Compare(sign, self.value()?)));
            }
        }
        if self.keyword("IN") {
            return Ok(Filter::Is(name, Test::In(self.list()?)));
        }
        if self.keyword("EXISTS") {
            return Ok(Filter::Is(name, Test::Exists));
        }
        if self.keyword("NOT") {
            let test = if self.keyword("IN") { Test::In(self.list()?) } else { Test::Exists };
            if matches!(test, Test::Exists) && !self.keyword("EXISTS") {
                return Err(format!("Was expecting an operation at `{name} NOT`."));
            }
            return Ok(Filter::Not(Box::new(Filter::Is(name, test))));
        }
        if self.keyword("IS") {
            let negated = self.keyword("NOT");
            let test = if self.keyword("NULL") { Test::Null } else { Test::Empty };
            if matches!(test, Test::Empty) && !self.keyword("EMPTY") {
                return Err(format!("Was expecting an operation at `{name} IS`."));
            }
            let is = Filter::Is(name, test);
            return Ok(if negated { Filter::Not(Box::new(is)) } else { is });
        }
        let from =
            self.value().map_err(|_| format!("Was expecting an operation `=`, `!=`, `>=` … at `{name}`."))?;
        if !self.keyword("TO") {
            return Err(format!("Was expecting an operation `=`, `!=`, `>=` … at `{name} {from}`."));
        }
        Ok(Filter::Is(name, Test::Between(from, self.value()?)))
    }
}

/// Parses a filter; the message says where it went wrong.
pub(crate) fn parse(text: &str) -> Result<Option<Filter>, String> {
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Ok(None);
    }
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    let filter = parser.any()?;
    match parser.tokens.get(parser.at) {
        None => Ok(Some(filter)),
        Some(rest) => Err(format!("Found unexpected characters at the end of the filter: `{rest:?}`.")),
    }
}

/// The values of an attribute: an array has several.
fn values<'a>(document: &'a Map<String, Value>, name: &str) -> Vec<&'a Value> {
    match document.get(name) {
        None => Vec::new(),
        Some(Value::Array(items)) => items.iter().collect(),
        Some(value) => vec![value],
    }
}

fn same(value: &Value, said: &str) -> bool {
    match value {
        Value::Number(number) => said.parse::<f64>().is_ok_and(|said| number.as_f64() == Some(said)),
        Value::String(text) => text.to_lowercase() == said.to_lowercase(),
        Value::Bool(flag) => flag.to_string() == said.to_lowercase(),
        _ => false,
    }
}

fn compare(value: &Value, sign: &str, said: &str) -> bool {
    let (Some(value), Ok(said)) = (value.as_f64(), said.parse::<f64>()) else { return false };
    match sign {
        ">" => value > said,
        ">=" => value >= said,
        "<" => value < said,
        _ => value <= said,
    }
}

impl Filter {
    /// The attributes it names.
    pub(crate) fn names(&self) -> Vec<&str> {
        match self {
            Self::Or(all) | Self::And(all) => all.iter().flat_map(Self::names).collect(),
            Self::Not(inner) => inner.names(),
            Self::Is(name, _) => vec![name],
        }
    }

    /// Whether it holds of a document.
    pub(crate) fn holds(&self, document: &Map<String, Value>) -> bool {
        match self {
            Self::Or(all) => all.iter().any(|filter| filter.holds(document)),
            Self::And(all) => all.iter().all(|filter| filter.holds(document)),
            Self::Not(inner) => !inner.holds(document),
            Self::Is(name, test) => {
                let values = values(document, name);
                match test {
                    Test::Compare("=", said) => values.iter().any(|value| same(value, said)),
                    Test::Compare("!=", said) => !values.iter().any(|value| same(value, said)),
                    Test::Compare(sign, said) => values.iter().any(|value| compare(value, sign, said)),
                    Test::In(all) => values.iter().any(|value| all.iter().any(|said| same(value, said))),
                    Test::Between(from, to) => {
                        values.iter().any(|value| compare(value, ">=", from) && compare(value, "<=", to))
                    }
                    Test::Exists => document.contains_key(name),
                    Test::Null => document.get(name) == Some(&Value::Null),
                    Test::Empty => {
                        matches!(document.get(name), Some(value) if value == "" || value == &Value::Array(vec![]))
                    }
                }
            }
        }
    }
}
