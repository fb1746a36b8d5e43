//! Pages of what a search found: ids in the order of the index, judged like every other list. Nothing that the viewer
//! may not see leaves a trace: a cursor names what follows from the next hit that may be seen, and says no place, so
//! that nobody can tell from it whether something was passed over.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use madang_core::{ids::PostId, viewer::Who, visibility::Surface};

use crate::{
    Feed, ReadError,
    cards::Card,
    cursor::Scope,
    pages::{Item, Page, Picked},
    viewers::Look,
};

/// Hits judged at a time at least: where many are hidden, a page of one would judge them one by one.
const CHUNK: usize = 50;

/// Where a page of hits begins.
#[derive(Debug)]
pub enum Hits<'a> {
    /// With the best: all that was found.
    New(Vec<PostId>),
    /// Where an earlier page ended, as its cursor says.
    After(&'a str),
}

/// A page that is asked for.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// Tells one query from another; a cursor of another opens nothing.
    pub subject: i64,
    /// Where it begins.
    pub hits: Hits<'a>,
    /// Posts of these people only. It is asked anew for every page: the index does not know who took a consent back.
    pub authors: Option<&'a HashSet<i64>>,
    /// Most posts.
    pub limit: usize,
}

/// Where the words stand in a text: half-open ranges of Unicode scalar values.
pub type Highlighter<'a> = dyn Fn(&str) -> Vec<(u32, u32)> + Send + Sync + 'a;

impl Feed {
    /// A page of posts found. What comes after it is frozen as it is now, so that paging repeats and skips nothing.
    /// Each item has `highlights`. Neither passed-on posts nor placeholders are on it.
    pub async fn found(
        &self,
        who: Option<Who>,
        list: crate::cursor::List,
        wanted: Wanted<'_>,
        now: DateTime<Utc>,
        highlighter: &Highlighter<'_>,
    ) -> Result<Page, ReadError> {
        let look = self.look(who).await?;
        let scope = Scope { list, subject: wanted.subject, viewer: look.id() };
        let ids = match wanted.hits {
            Hits::New(ids) => ids,
            Hits::After(cursor) => {
                self.rest_numbers(&scope, cursor).await?.into_iter().map(PostId::new).collect()
            }
        };
        let (picked, rest) = self.pick_found(&look, &ids, wanted.authors, wanted.limit).await?;
        let next = match rest {
            [] => None,
            rest => Some(self.seal_rest(&scope, rest.iter().map(|id| id.get()).collect()).await),
        };
        Ok(self.envelope_with(&look, &picked, next, now, &highlights(highlighter)).await?)
    }

    /// What a cursor of [`Feed::seal_rest`] goes on with.
    pub async fn rest_numbers(&self, scope: &Scope, cursor: &str) -> Result<Vec<i64>, ReadError> {
        let (frozen, from) = self.open_numbers(scope, cursor).await?;
        Ok(frozen.numbers().into_iter().skip(from).collect())
    }

    /// A cursor to go on with these. Whoever reads its numbers learns nothing: neither how many they are nor where in
    /// a longer list they stood.
    pub async fn seal_rest(&self, scope: &Scope, rest: Vec<i64>) -> String {
        let frozen = self.freeze_numbers(scope.subject, rest).await;
        self.seal_numbers(scope, &frozen, 0)
    }

    /// The first that may be shown, and what follows from the next one on that may.
    async fn pick_found<'a>(
        &self,
        look: &Look,
        ids: &'a [PostId],
        authors: Option<&HashSet<i64>>,
        limit: usize,
    ) -> sqlx::Result<(Picked, &'a [PostId])> {
        let mut picked = Picked::default();
        for chunk in ids.chunks(CHUNK.max(limit + 1)) {
            let mut more = self.pick(look, Surface::Feed, chunk, chunk.len()).await?;
            more.items.retain(|item| is_hit(item, authors));
            picked.extend(more);
            if picked.items.len() > limit {
                break;
            }
        }
        let next = picked.items.get(limit).map(Item::id);
        picked.items.truncate(limit);
        let place = next.and_then(|next| ids.iter().position(|id| *id == next)).unwrap_or(ids.len());
        Ok((picked, ids.get(place..).unwrap_or_default()))
    }
}

fn is_hit(item: &Item, authors: Option<&HashSet<i64>>) -> bool {
    let Item::Post(card) = item else { return false };
    card.repost_of.is_none() && authors.is_none_or(|authors| authors.contains(&card.author_id.get()))
}

fn highlights<'a>(find: &'a Highlighter<'_>) -> impl Fn(&Card) -> String + 'a {
    |card| {
        let ranges: Vec<String> =
            find(&card.body()).into_iter().map(|(from, to)| format!("[{from},{to}]")).collect();
        format!(r#","highlights":[{}]"#, ranges.join(","))
    }
}
