//! Lists that PostgreSQL orders: profile, thread, watchlist, bookmarks.

use chrono::{DateTime, Utc};
use madang_core::{
    ids::{PostId, UserId},
    posts::{self, Window},
    viewer::Who,
    visibility::Surface,
};

use crate::{
    Feed, ReadError,
    cursor::{List, Scope},
    pages::{Page, Picked},
    viewers::Look,
};

/// A list that PostgreSQL orders.
#[derive(Debug, Clone, Copy)]
pub enum Listing {
    /// Somebody's posts, newest first.
    Author(UserId),
    /// Replies to a post, oldest first.
    Replies(PostId),
    /// Posts on the viewer's watched tickers, newest first.
    Watchlist,
    /// The viewer's marked posts, latest mark first.
    Bookmarks,
}

impl Listing {
    fn parts(self, look: &Look) -> (List, i64, Surface) {
        match self {
            Self::Author(author) => (List::Author, author.get(), Surface::Profile),
            Self::Replies(post) => (List::Replies, post.get(), Surface::Thread),
            Self::Watchlist => (List::Watchlist, look.id(), Surface::Feed),
            Self::Bookmarks => (List::Bookmarks, look.id(), Surface::Bookmarks),
        }
    }
}

impl Feed {
    /// A page of a list that PostgreSQL orders: profile, replies, watchlist, bookmarks.
    pub async fn listed(
        &self,
        who: Option<Who>,
        list: Listing,
        cursor: Option<&str>,
        limit: usize,
        now: DateTime<Utc>,
    ) -> Result<Page, ReadError> {
        let look = self.look(who).await?;
        let (kind, subject, surface) = list.parts(&look);
        let scope = Scope { list: kind, subject, viewer: look.id() };
        let mut place = match cursor {
            Some(cursor) => scope.open::<1>(&self.cursors, cursor).ok_or(ReadError::BadCursor)?[0],
            None if kind == List::Replies => 0,
            None => Window::ALL.high + 1,
        };
        let batch = limit + 20;
        let count = i64::try_from(batch).unwrap_or(i64::MAX);
        let mut page = Picked::default();
        let mut rounds = 0;
        loop {
            let rows = self.listing_rows(list, &look, place, count).await?;
            let ids: Vec<PostId> = rows.iter().map(|(_, id)| *id).collect();
            let picked = self.pick(&look, surface, &ids, limit - page.items.len()).await?;
            let more = picked.used < ids.len() || ids.len() == batch;
            if let Some((key, _)) = picked.last(&rows) {
                place = *key;
            }
            page.extend(picked);
            rounds += 1;
            if page.items.len() >= limit || !more || rounds == 5 {
                let next = more.then(|| scope.seal(&self.cursors, [place]));
                return Ok(self.envelope(&look, &page, next, now).await?);
            }
        }
    }

    async fn listing_rows(
        &self,
        list: Listing,
        look: &Look,
        place: i64,
        count: i64,
    ) -> sqlx::Result<Vec<(i64, PostId)>> {
        let keyed = |ids: Vec<PostId>| ids.into_iter().map(|id| (id.get(), id)).collect();
        let me = UserId::new(look.id());
        match list {
            Listing::Author(author) => posts::author_page(&self.pool, author, place, count).await.map(keyed),
            Listing::Replies(post) => posts::replies(&self.pool, post, place, count).await.map(keyed),
            Listing::Watchlist => posts::watchlist_ids(&self.pool, me, place, count).await.map(keyed),
            Listing::Bookmarks => posts::bookmarks_page(&self.pool, me, place, count).await,
        }
    }
}
