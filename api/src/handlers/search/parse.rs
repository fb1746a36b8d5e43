//! What is searched for: read from the address, all of its mistakes told at once.

use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use madang_core::{handle::Handle, ids::UserId, signing, users, visibility::Onlooker};
use madang_feed::cursor::List;
use madang_search::query::{MAX_QUERY_CHARS, PostFilter, Words};
use serde::Deserialize;

use crate::{
    call::Call,
    names::Names,
    problem::{FieldError, Problem},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchQuery {
    q: Option<String>,
    r#type: Option<String>,
    ticker: Option<String>,
    author: Option<String>,
    stance: Option<String>,
    from: Option<String>,
    to: Option<String>,
    verified: Option<bool>,
    holders: Option<bool>,
    pub(super) limit: Option<usize>,
    pub(super) cursor: Option<String>,
}

/// What is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Posts,
    Users,
    Tickers,
    All,
}

/// A search, parsed.
pub(super) struct Search {
    pub(super) raw: String,
    pub(super) filter: PostFilter,
    pub(super) holders: bool,
    pub(super) names: Arc<Names>,
}

impl SearchQuery {
    pub(super) fn kind(&self) -> Result<Kind, Problem> {
        match self.r#type.as_deref() {
            None | Some("all") => Ok(Kind::All),
            Some("posts") => Ok(Kind::Posts),
            Some("users") => Ok(Kind::Users),
            Some("tickers") => Ok(Kind::Tickers),
            Some(_) => Err(Problem::field("type", "must be posts, users, tickers or all")),
        }
    }

    /// Whether it narrows what posts alone have.
    fn narrows(&self) -> bool {
        let texts = [&self.ticker, &self.author, &self.stance, &self.from, &self.to];
        self.holders == Some(true) || texts.iter().any(|text| text.is_some())
    }
}

impl Search {
    /// One query: cursors of another open none of its pages. Instruments and people know no more than they are asked
    /// for, so that the cursors of a search for all of them open theirs.
    pub(super) fn subject(&self, list: List) -> i64 {
        let narrowed = match list {
            List::FoundTickers => String::new(),
            List::FoundPeople => self.filter.verified.to_string(),
            _ => format!("{:?} {}", self.filter, self.holders),
        };
        let hash = signing::fingerprint(&[&[list as u8], self.raw.as_bytes(), narrowed.as_bytes()]);
        hash.first_chunk().map_or(0, |first| i64::from_le_bytes(*first))
    }
}

impl Names {
    /// The words of a query typed in the other keyboard layout, where that makes another query.
    pub(super) fn words_in_other_layout(&self, raw: &str) -> Option<Words> {
        Some(self.words(&madang_search::query::other_layout(raw)?))
    }
}

/// What was typed: something, and not too much of it.
pub(super) fn text(q: Option<&str>) -> Result<String, Problem> {
    let q = q.unwrap_or_default().trim();
    let has = q.chars().count();
    if q.is_empty() {
        return Err(Problem::field("q", "must say what to look for, as in q=삼성전자"));
    }
    if has > MAX_QUERY_CHARS {
        let message = format!("must have at most {MAX_QUERY_CHARS} characters, has {has}");
        return Err(Problem::field("q", message));
    }
    Ok(q.to_owned())
}

/// Parses all of it, and says all that is wrong at once.
pub(super) async fn parse(call: &Call, query: &SearchQuery, kind: Kind) -> Result<Search, Problem> {
    call.app.feed.catch_up().await?;
    let names = call.app.names().await?;
    let raw = text(query.q.as_deref())?;
    let mut wrong = Vec::new();
    let mut filter = PostFilter { verified: query.verified.unwrap_or(false), ..PostFilter::default() };
    if let Some(name) = query.ticker.as_deref() {
        match names.catalogue.find(name) {
            Some(ticker) => filter.ticker = Some(names.catalogue.current(ticker.id)),
            None => {
                refuse(&mut wrong, "ticker", "is no instrument we know; write a symbol as in XKRX:005930")
            }
        }
    }
    if let Some(handle) = query.author.as_deref() {
        filter.author = author(call, handle).await?;
        if filter.author.is_none() {
            refuse(&mut wrong, "author", "is nobody's handle");
        }
    }
    stance(query, &mut filter, &mut wrong);
    times(query, &mut filter, &mut wrong);
    let holders = query.holders.unwrap_or(false);
    if holders && query.ticker.is_none() {
        refuse(&mut wrong, "holders", "goes with ticker: those who hold that instrument and say so");
    }
    if query.narrows() && matches!(kind, Kind::Users | Kind::Tickers) {
        let message = "ticker, author, stance, from, to and holders go with type=posts or all";
        refuse(&mut wrong, "type", message);
    }
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    Ok(Search { raw, filter, holders, names })
}

fn refuse(wrong: &mut Vec<FieldError>, field: &str, message: &str) {
    wrong.push(FieldError { field: field.to_owned(), message: message.to_owned() });
}

fn stance(query: &SearchQuery, filter: &mut PostFilter, wrong: &mut Vec<FieldError>) {
    match query.stance.as_deref() {
        None => {}
        Some("bull") => filter.stance = Some(1),
        Some("none") => filter.stance = Some(0),
        Some("bear") => filter.stance = Some(-1),
        Some(_) => refuse(wrong, "stance", "must be bull, bear or none"),
    }
}

fn times(query: &SearchQuery, filter: &mut PostFilter, wrong: &mut Vec<FieldError>) {
    for (field, value, end) in [("from", &query.from, false), ("to", &query.to, true)] {
        let Some(value) = value.as_deref() else { continue };
        match moment(value, end) {
            Some(at) if end => filter.until = Some(at),
            Some(at) => filter.from = Some(at),
            None => {
                refuse(wrong, field, "must be a day as in 2026-11-22 or a time as in 2026-11-22T09:00:00Z");
            }
        }
    }
}

/// A person whose posts may be searched; somebody behind a block is as unknown as nobody.
async fn author(call: &Call, handle: &str) -> Result<Option<UserId>, Problem> {
    let Ok(handle) = Handle::parse(handle.trim_start_matches('@')) else { return Ok(None) };
    let found = users::by_handle(&call.app.pool, &handle).await?;
    let look = call.app.feed.look(call.viewer()).await?;
    Ok(found.map(|profile| profile.id).filter(|id| look.onlooker(*id) != Onlooker::Blocked))
}

/// Seconds since 1970 of a day (UTC; its end where it ends a range) or a time.
fn moment(value: &str, end: bool) -> Option<i64> {
    if let Ok(day) = value.parse::<NaiveDate>() {
        let day = if end { day.checked_add_days(Days::new(1))? } else { day };
        return Some(day.and_time(NaiveTime::MIN).and_utc().timestamp());
    }
    let at = DateTime::parse_from_rfc3339(value).ok()?.with_timezone(&Utc).timestamp();
    Some(if end { at + 1 } else { at })
}
