//! Instruments that a search finds: from memory, without the index.

use madang_feed::cursor::List;
use madang_search::tickers::TickerHit;
use serde_json::{Value, json};

use super::{parse::Search, scope};
use crate::{call::Call, handlers::tickers::ticker_json, names::Names, problem::Problem};

/// Most hits of a search.
const MOST: usize = 100;

/// A page of them.
pub(super) fn page(
    call: &Call,
    search: &Search,
    cursor: Option<&str>,
    limit: usize,
) -> Result<Value, Problem> {
    let list = List::FoundTickers;
    let scope = scope(call, list, search.subject(list));
    let place = match cursor {
        None => 0,
        Some(cursor) => usize::try_from(call.app.feed.open_cursor::<1>(&scope, cursor)?[0]).unwrap_or(0),
    };
    let hits = search.names.tickers.find(&search.raw, MOST);
    let items: Vec<Value> =
        hits.iter().skip(place).take(limit).filter_map(|hit| item(&search.names, hit)).collect();
    let at = place.saturating_add(limit);
    let next =
        (hits.len() > at).then(|| call.app.feed.seal_cursor(&scope, [i64::try_from(at).unwrap_or(i64::MAX)]));
    Ok(json!({"items": items, "next_cursor": next}))
}

/// An instrument with the name that matched, and where in it.
pub(super) fn item(names: &Names, hit: &TickerHit) -> Option<Value> {
    let mut item = ticker_json(names.catalogue.get(hit.id)?);
    if let Some(object) = item.as_object_mut() {
        object.insert("matched".into(), json!({"name": hit.name, "highlights": hit.spans}));
    }
    Some(item)
}
