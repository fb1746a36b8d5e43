//! Posts that a search finds.

use std::{collections::HashSet, sync::Arc};

use madang_core::ids::{PostId, TickerId, UserId};
use madang_creators::shareholders;
use madang_feed::{
    cursor::List,
    found::{Hits, Wanted},
};
use madang_search::{
    highlight::Highlighter,
    query::{PostFilter, PostQuery, Words},
};

use super::parse::Search;
use crate::{call::Call, problem::Problem};

/// Most hits of a search; the best of them, in pages.
const MOST: usize = 500;

/// A page of them, as JSON.
pub(super) async fn page(
    call: &Call,
    search: &Search,
    cursor: Option<&str>,
    limit: usize,
) -> Result<String, Problem> {
    let holders = holders(call, search).await?;
    let (hits, marker) = match cursor {
        None => {
            let (found, words) = find(call, search, holders.as_ref()).await?;
            (Hits::New(found), Marker { highlighters: vec![highlighter(search, &words)] })
        }
        Some(cursor) => (Hits::After(cursor), Marker::of_either_layout(search)),
    };
    let subject = search.subject(List::FoundPosts);
    let wanted = Wanted { subject, hits, authors: holders.as_ref(), limit };
    let highlighter = |body: &str| marker.marks(body);
    let page = call.app.feed.found(call.viewer(), List::FoundPosts, wanted, call.now, &highlighter).await?;
    if let Some(who) = call.viewer() {
        call.app.views.note(who.user, page.shown, call.now);
    }
    Ok(page.body)
}

/// Who holds the instrument and says so, where their posts alone are wanted.
async fn holders(call: &Call, search: &Search) -> Result<Option<HashSet<i64>>, Problem> {
    let Some(ticker) = search.filter.ticker.filter(|_| search.holders) else { return Ok(None) };
    let load = async || shareholders::holders(&call.app.pool, ticker, call.now).await;
    let holders: Arc<Vec<shareholders::Holder>> = call.app.shown.holders.get(ticker.get(), load).await?;
    Ok(Some(holders.iter().map(|holder| holder.user.get()).collect()))
}

/// What the index finds, and the words that found it: those of the other keyboard layout where the ones typed found
/// nothing.
async fn find(
    call: &Call,
    search: &Search,
    among: Option<&HashSet<i64>>,
) -> Result<(Vec<PostId>, Words), Problem> {
    let among = among.map(|among| among.iter().copied().map(UserId::new).collect());
    let filter = PostFilter { among, ..search.filter.clone() };
    let mut asked = PostQuery { words: search.names.words(&search.raw), filter, limit: MOST };
    let index = call.app.search.index()?;
    let found = index.posts(&asked).await?;
    let Some(words) = search.names.words_in_other_layout(&search.raw).filter(|_| found.is_empty()) else {
        return Ok((found, asked.words));
    };
    asked.words = words;
    Ok((index.posts(&asked).await?, asked.words))
}

fn highlighter(search: &Search, words: &Words) -> Highlighter {
    Highlighter::new(words, &|id: TickerId| search.names.of(id))
}

/// Marks words in texts: with the first of these that marks any.
struct Marker {
    highlighters: Vec<Highlighter>,
}

impl Marker {
    /// A cursor does not say which layout found what it goes on with.
    fn of_either_layout(search: &Search) -> Self {
        let other = search.names.words_in_other_layout(&search.raw);
        let words = std::iter::once(search.names.words(&search.raw)).chain(other);
        Self { highlighters: words.map(|words| highlighter(search, &words)).collect() }
    }

    fn marks(&self, body: &str) -> Vec<(u32, u32)> {
        let marks = self.highlighters.iter().map(|highlighter| highlighter.marks(body));
        marks.into_iter().find(|marks| !marks.is_empty()).unwrap_or_default()
    }
}
