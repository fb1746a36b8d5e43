//! A line of the JSON files: id, created_at, author, text; optional tickers, reply_to, repost_of, likes,
//! reposts, lang, stance. Other fields are left alone: archives carry more.

use std::sync::Arc;

use serde::Deserialize;

use crate::{
    handle,
    import::{
        copy::Row,
        fields::{count, id, time},
        source::Table,
        symbols::Symbols,
    },
    text::PostBody,
};

/// Most people one post mentions, as when it is written here.
const MAX_MENTIONS: usize = 10;

#[derive(Deserialize)]
struct Line {
    id: String,
    created_at: String,
    author: String,
    text: String,
    tickers: Option<Vec<String>>,
    reply_to: Option<String>,
    repost_of: Option<String>,
    likes: Option<i64>,
    reposts: Option<i64>,
    lang: Option<String>,
    stance: Option<String>,
}

/// Turns lines into rows of `import_rows`.
pub(super) struct PostTable {
    symbols: Arc<Symbols>,
}

impl PostTable {
    /// Tickers are looked up in `symbols`.
    pub(super) const fn new(symbols: Arc<Symbols>) -> Self {
        Self { symbols }
    }

    /// Known tickers in order, each once, and how many symbols are unknown.
    fn tickers(&self, symbols: &[String]) -> (Vec<i32>, usize) {
        let mut found = Vec::new();
        let mut unknown = 0;
        for symbol in symbols {
            match self.symbols.current(symbol) {
                Some(ticker) if found.contains(&ticker) => {}
                Some(ticker) => found.push(ticker),
                None => unknown += 1,
            }
        }
        (found, unknown)
    }
}

impl Table for PostTable {
    const HEADED: bool = false;

    fn header(&mut self, _line: &str) -> anyhow::Result<()> {
        Ok(())
    }

    fn row(&mut self, line: &str, row: &mut Row<'_>) -> Result<(), String> {
        let line = parse(line)?;
        let optional_id = |name, value: &'_ Option<String>| match value {
            Some(value) => id(name, value).map(|value| Some(value.to_owned())),
            None => Ok(None),
        };
        let repost = optional_id("repost_of", &line.repost_of)?;
        // A repost has no text of its own, whatever the archive quotes there.
        let body = match repost {
            None => PostBody::parse(&line.text).map_err(|error| format!("text {error}"))?,
            Some(_) => PostBody::empty(),
        };
        let (tickers, unknown) = self.tickers(&line.tickers.unwrap_or_default());
        row.text(Some(id("id", &line.id)?));
        row.plain(Some(time("created_at", &line.created_at)?.to_rfc3339()));
        row.text(Some(id("author", &line.author)?));
        row.text(Some(body.as_str()));
        row.numbers(&tickers);
        row.plain(Some(unknown));
        row.text(optional_id("reply_to", &line.reply_to)?.as_deref());
        row.text(repost.as_deref());
        for (name, value) in [("likes", line.likes), ("reposts", line.reposts)] {
            row.plain(value.map(|value| count(name, value)).transpose()?);
        }
        row.text(line.lang.as_deref().and_then(language));
        row.plain(Some(stance(line.stance.as_deref())?));
        row.texts(&names(body.as_str()));
        Ok(())
    }
}

fn parse(line: &str) -> Result<Line, String> {
    serde_json::from_str(line.trim_start_matches('\u{FEFF}')).map_err(|error| {
        // Each line is one document, so its line number would only confuse.
        let why = error.to_string().replace(" at line 1 column ", " at column ");
        format!("is not a post: {why}")
    })
}

fn stance(name: Option<&str>) -> Result<i16, String> {
    let Some(name) = name else { return Ok(0) };
    let stance = crate::posts::Stance::parse(name).ok_or("stance is not bull, bear or none")?;
    Ok(stance.column())
}

/// What looks like the name of a language; `und` says that nobody knows.
fn language(name: &str) -> Option<&str> {
    let plain = (2..=8).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (plain && name != "und").then_some(name)
}

/// The longest form of each handle that may be meant; the database knows which beginning is one.
fn names(body: &str) -> Vec<String> {
    let candidates = handle::mention_candidates(body, MAX_MENTIONS);
    candidates.into_iter().filter_map(|prefixes| prefixes.into_iter().next()).collect()
}
