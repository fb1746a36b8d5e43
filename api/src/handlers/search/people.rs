//! People whom a search finds.

use madang_core::{
    ids::UserId,
    standing::Standing,
    users::{self, Profile},
};
use madang_feed::cursor::List;
use madang_search::{
    SearchError,
    highlight::Highlighter,
    query::{PeopleQuery, Words},
};
use serde_json::{Value, json};

use super::{parse::Search, scope};
use crate::{
    call::Call,
    handlers::{people::user_json, sees},
    names::Names,
    problem::Problem,
};

/// Most hits of a search; the best of them, in pages.
const MOST: usize = 200;

/// A page of them. What follows is frozen from the next one on whom the viewer may find.
pub(super) async fn page(
    call: &Call,
    search: &Search,
    cursor: Option<&str>,
    limit: usize,
) -> Result<Value, Problem> {
    let list = List::FoundPeople;
    let scope = scope(call, list, search.subject(list));
    let verified = search.filter.verified;
    let (ids, used) = match cursor {
        None => {
            let (found, words) = find(call, &search.names, &search.raw, (verified, MOST)).await?;
            (found, vec![words])
        }
        Some(cursor) => {
            let rest = call.app.feed.rest_numbers(&scope, cursor).await?;
            let other = search.names.words_in_other_layout(&search.raw);
            let words = std::iter::once(search.names.words(&search.raw)).chain(other).collect();
            (rest.into_iter().map(UserId::new).collect(), words)
        }
    };
    let found = visible(call, &ids, verified).await?;
    let place = found.get(limit).and_then(|next| ids.iter().position(|id| *id == next.id));
    let next = match place.and_then(|place| ids.get(place..)) {
        None => None,
        Some(rest) => {
            let rest = rest.iter().map(|id| id.get()).collect();
            Some(call.app.feed.seal_rest(&scope, rest).await)
        }
    };
    let highlighters: Vec<Highlighter> =
        used.iter().map(|words| Highlighter::new(words, &|_| Vec::new())).collect();
    let items: Vec<Value> = found.iter().take(limit).map(|person| item(&highlighters, person)).collect();
    Ok(json!({"items": items, "next_cursor": next}))
}

/// What the index finds, and the words that found it: those of the other keyboard layout where the ones typed found
/// nobody.
pub(super) async fn find(
    call: &Call,
    names: &Names,
    raw: &str,
    (verified, limit): (bool, usize),
) -> Result<(Vec<UserId>, Words), SearchError> {
    let mut asked = PeopleQuery { words: names.words(raw), verified, limit };
    let index = call.app.search.index()?;
    let found = index.people(&asked).await?;
    let Some(words) = names.words_in_other_layout(raw).filter(|_| found.is_empty()) else {
        return Ok((found, asked.words));
    };
    asked.words = words;
    Ok((index.people(&asked).await?, asked.words))
}

/// Those of them whom the viewer may find, in the same order. Whom they may find is asked here, after the index.
pub(super) async fn visible(call: &Call, ids: &[UserId], verified: bool) -> Result<Vec<Profile>, Problem> {
    let look = call.app.feed.look(call.viewer()).await?;
    let numbers: Vec<i64> = ids.iter().map(|id| id.get()).collect();
    let mut people = users::by_ids(&call.app.pool, &numbers).await?;
    people.retain(|person| {
        !person.deleted
            && sees(&look, person.id)
            && person.standing.at(call.now) < Standing::Suspended
            && (!verified || person.verified)
    });
    people.sort_by_key(|person| ids.iter().position(|id| *id == person.id));
    Ok(people)
}

/// A person with where the words stand, by the first highlighter that marks any.
fn item(highlighters: &[Highlighter], person: &Profile) -> Value {
    let mut item = user_json(person);
    let marks = highlighters.iter().map(|by| (by.marks(&person.handle), by.marks(&person.name)));
    let (handle, name) =
        marks.into_iter().find(|(handle, name)| !handle.is_empty() || !name.is_empty()).unwrap_or_default();
    if let Some(object) = item.as_object_mut() {
        object.insert("highlights".into(), json!({"handle": handle, "name": name}));
    }
    item
}
