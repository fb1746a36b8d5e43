//! Home: the newest posts of the people one follows and one's own, by rank or by id.
//!
//! The first window is the newest `cap` posts; `top` shows a window by rank and goes on with the newest
//! `cap` below it, `latest` pages by id alone. What Redis does not hold comes from PostgreSQL, with no
//! seam: both are cut at ids.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use madang_core::{
    ids::{PostId, UserId},
    posts::{self, Entry, Window},
    users,
    viewer::Who,
    visibility::Surface,
};

use crate::{
    Feed, ReadError,
    cursor::{List, Scope},
    kv::Away,
    pages::{Page, Picked},
    timeline::{self, State},
    viewers::Look,
};

/// By what a list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Best first.
    Top,
    /// Newest first.
    Latest,
}

/// A reader is noted as seen at most so often.
pub(crate) const TOUCH_EVERY: Duration = Duration::from_secs(6 * 3_600);

/// Rounds for one page at most: one who muted nearly everybody gets short pages whose cursors go on.
const MAX_ROUNDS: u32 = 16;

/// Readers remembered as noted at most.
const MAX_TOUCHED: usize = 500_000;

/// Readers noted as seen lately.
pub(crate) struct Touched(quick_cache::sync::Cache<i64, Instant>);

impl std::fmt::Debug for Touched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Touched")
    }
}

impl Default for Touched {
    fn default() -> Self {
        Self(quick_cache::sync::Cache::new(MAX_TOUCHED))
    }
}

/// A reader's entries as far as they are at hand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    /// Newest first, of people followed and one's own, without doubles.
    pub entries: Vec<Entry>,
    /// From this id on complete; 0 when everything is here.
    pub floor: i64,
    /// How it came about.
    pub how: How,
}

/// How a reader's entries were had, for `madang check`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct How {
    /// From a stored timeline.
    pub stored: bool,
    /// Authors were merged in.
    pub merged: bool,
}

struct Glance {
    timeline: Option<Vec<u8>>,
    change: Result<Option<String>, Away>,
    token: Result<Option<String>, Away>,
}

/// Where `top` stands.
#[derive(Debug, Clone, Copy)]
struct TopPlace {
    window: Window,
    /// The last one examined: rank and id.
    after: Option<(i64, i64)>,
}

impl Feed {
    /// A page of home.
    pub async fn home(
        &self,
        who: Who,
        order: Order,
        cursor: Option<&str>,
        limit: usize,
        now: DateTime<Utc>,
    ) -> Result<Page, ReadError> {
        let glance = self.glance(who.user).await;
        self.catch_up_to(glance.change).await?;
        let look = self.look_with(who, glance.token).await?;
        self.touch(who.user, now).await?;
        let source = match self.stored_source(&look, glance.timeline.as_deref()).await? {
            Some(source) => source,
            None => self.rebuilt_source(&look, now).await?,
        };
        self.home_page(&look, &source, order, cursor, limit, now).await
    }

    /// A page of home out of what is at hand.
    pub(crate) async fn home_page(
        &self,
        look: &Look,
        source: &Source,
        order: Order,
        cursor: Option<&str>,
        limit: usize,
        now: DateTime<Utc>,
    ) -> Result<Page, ReadError> {
        let list = if order == Order::Top { List::HomeTop } else { List::HomeLatest };
        let scope = Scope { list, subject: 0, viewer: look.id() };
        match order {
            Order::Top => self.top_page(look, source, &scope, cursor, limit, now).await,
            Order::Latest => self.latest_page(look, source, &scope, cursor, limit, now).await,
        }
    }

    async fn glance(&self, user: UserId) -> Glance {
        let mut pipe = redis::pipe();
        pipe.get(self.kv.keys.timeline(user.get()));
        pipe.get(self.kv.keys.change()).get(self.kv.keys.viewer_token(user));
        match self.kv.run::<(Option<Vec<u8>>, Option<String>, Option<String>)>(&pipe).await {
            Ok((timeline, change, token)) => Glance { timeline, change: Ok(change), token: Ok(token) },
            Err(away) => Glance { timeline: None, change: Err(away.clone()), token: Err(away) },
        }
    }

    /// Notes the reader as seen, and only then lets the timeline live on: a living key means that
    /// fan-out is writing to it.
    async fn touch(&self, user: UserId, now: DateTime<Utc>) -> sqlx::Result<()> {
        if self.touched.0.get(&user.get()).is_some_and(|at| at.elapsed() < TOUCH_EVERY) {
            return Ok(());
        }
        users::touch_readers(&self.pool, &[user.get()], now).await?;
        let ttl = i64::try_from(self.timeline_ttl().as_millis()).unwrap_or(i64::MAX);
        let mut pipe = redis::pipe();
        pipe.pexpire(self.kv.keys.timeline(user.get()), ttl).ignore();
        if self.kv.run::<()>(&pipe).await.is_ok() {
            self.touched.0.insert(user.get(), Instant::now());
        }
        Ok(())
    }

    /// The stored timeline with merged lists, or `None` when it must be rebuilt.
    pub(crate) async fn stored_source(
        &self,
        look: &Look,
        bytes: Option<&[u8]>,
    ) -> sqlx::Result<Option<Source>> {
        let Some(timeline) = bytes.and_then(timeline::parse) else {
            metrics::counter!("madang_timeline_misses_total").increment(1);
            return Ok(None);
        };
        if timeline.state == State::Building || timeline.epoch != self.kv.epoch() {
            return Ok(None);
        }
        let mut source = Source {
            entries: timeline.entries,
            floor: timeline.floor,
            how: How { stored: true, merged: false },
        };
        let own = look.id();
        source
            .entries
            .retain(|entry| look.viewer.follows.contains(&entry.author.get()) || entry.author.get() == own);
        self.merge_lists(look, &timeline.merged, &mut source).await?;
        let floor = source.floor;
        source.entries.retain(|entry| entry.id.get() >= floor);
        // Removals can leave a cut timeline with fewer than a window: only PostgreSQL knows the rest.
        let short = floor > 0 && source.entries.len() < self.settings.timeline_cap;
        Ok((!short).then_some(source))
    }

    async fn merge_lists(&self, look: &Look, named: &[i64], source: &mut Source) -> sqlx::Result<()> {
        if named.is_empty() {
            return Ok(());
        }
        let merged = self.merged_authors().await?;
        for author in named.iter().filter(|id| merged.contains(id) && look.viewer.follows.contains(id)) {
            let list = self.author_list(UserId::new(*author)).await?;
            source.entries.extend_from_slice(&list.entries);
            source.floor = source.floor.max(list.floor);
            source.how.merged = true;
        }
        source.entries.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.id));
        source.entries.dedup_by_key(|entry| entry.id);
        Ok(())
    }

    async fn rebuilt_source(&self, look: &Look, now: DateTime<Utc>) -> sqlx::Result<Source> {
        let rebuilt = self.rebuild(UserId::new(look.id()), now).await?;
        let own = look.id();
        let mut entries = rebuilt.entries;
        entries
            .retain(|entry| look.viewer.follows.contains(&entry.author.get()) || entry.author.get() == own);
        Ok(Source { entries, floor: rebuilt.floor, how: How::default() })
    }

    fn authors(look: &Look) -> Vec<i64> {
        look.viewer.follows.iter().copied().chain(std::iter::once(look.id())).collect()
    }

    async fn latest_page(
        &self,
        look: &Look,
        source: &Source,
        scope: &Scope,
        cursor: Option<&str>,
        limit: usize,
        now: DateTime<Utc>,
    ) -> Result<Page, ReadError> {
        let mut below = match cursor {
            Some(cursor) => {
                let [id] = scope.open(&self.cursors, cursor).ok_or(ReadError::BadCursor)?;
                id
            }
            None => Window::ALL.high + 1,
        };
        let mut page = Picked::default();
        let at_hand = source.entries.partition_point(|entry| entry.id.get() >= below);
        let mut entries = source.entries.get(at_hand..).unwrap_or_default().to_vec();
        let mut more = source.floor > 0;
        let mut floor = source.floor;
        let mut rounds = 0;
        loop {
            rounds += 1;
            let ids: Vec<PostId> = entries.iter().map(|entry| entry.id).collect();
            let picked = self.pick(look, Surface::Feed, &ids, limit - page.items.len()).await?;
            let rest = picked.used < ids.len();
            if let Some(last) = picked.last(&ids) {
                below = last.get();
            }
            page.extend(picked);
            if rest || page.items.len() >= limit || !more || rounds >= MAX_ROUNDS {
                let next = (rest || more).then(|| scope.seal(&self.cursors, [below]));
                return Ok(self.envelope(look, &page, next, now).await?);
            }
            below = if floor > 0 { below.min(floor) } else { below };
            floor = 0;
            let batch = limit.max(50) * 2;
            let count = i64::try_from(batch).unwrap_or(i64::MAX);
            entries =
                posts::entries_of(&self.pool, &Self::authors(look), Window::below(below), count, now).await?;
            more = entries.len() == batch;
        }
    }

    async fn top_page(
        &self,
        look: &Look,
        source: &Source,
        scope: &Scope,
        cursor: Option<&str>,
        limit: usize,
        now: DateTime<Utc>,
    ) -> Result<Page, ReadError> {
        let (mut place, mut entries) = match cursor {
            None => {
                let (place, entries) = self.first_window(source);
                (place, Cow::Borrowed(entries))
            }
            Some(cursor) => {
                let [low, high, rank, id] = scope.open(&self.cursors, cursor).ok_or(ReadError::BadCursor)?;
                let place = TopPlace { window: Window { low, high }, after: Some((rank, id)) };
                (place, self.window_entries(look, source, place.window, now).await?)
            }
        };
        let mut page = Picked::default();
        let mut rounds = 0;
        loop {
            rounds += 1;
            let (ranked, cut) = best_after(&entries, place.after, 2 * limit);
            let ids: Vec<PostId> = ranked.iter().map(|entry| entry.id).collect();
            let picked = self.pick(look, Surface::Feed, &ids, limit - page.items.len()).await?;
            let rest = picked.used < ids.len();
            if let Some(last) = picked.last(&ranked) {
                place.after = Some((last.rank, last.id.get()));
            }
            page.extend(picked);
            if cut && !rest && page.items.len() < limit && rounds < MAX_ROUNDS {
                continue;
            }
            let (rest, more) = (rest || cut, place.window.low > 0);
            if rest || page.items.len() >= limit || !more || rounds >= MAX_ROUNDS {
                let (rank, id) = place.after.unwrap_or((0, 0));
                let fields = [place.window.low, place.window.high, rank, id];
                let next = (rest || more).then(|| scope.seal(&self.cursors, fields));
                return Ok(self.envelope(look, &page, next, now).await?);
            }
            let (next, below) = self.next_window(look, place.window, now).await?;
            (place, entries) = (next, Cow::Owned(below));
        }
    }

    fn first_window<'a>(&self, source: &'a Source) -> (TopPlace, &'a [Entry]) {
        let cap = self.settings.timeline_cap;
        let entries = source.entries.get(..cap.min(source.entries.len())).unwrap_or_default();
        let more = source.entries.len() > cap || source.floor > 0;
        (TopPlace { window: window_of(entries, more), after: None }, entries)
    }

    async fn window_entries<'a>(
        &self,
        look: &Look,
        source: &'a Source,
        window: Window,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Cow<'a, [Entry]>> {
        if window.low >= source.floor {
            let from = source.entries.partition_point(|entry| entry.id.get() > window.high);
            let to = source.entries.partition_point(|entry| entry.id.get() >= window.low);
            return Ok(Cow::Borrowed(source.entries.get(from..to).unwrap_or_default()));
        }
        // Somebody busy may be followed since the first page: all of theirs belongs to the window too.
        let found = posts::entries_of(&self.pool, &Self::authors(look), window, i64::MAX, now).await?;
        Ok(Cow::Owned(found))
    }

    async fn next_window(
        &self,
        look: &Look,
        window: Window,
        now: DateTime<Utc>,
    ) -> sqlx::Result<(TopPlace, Vec<Entry>)> {
        let cap = i64::try_from(self.settings.timeline_cap).unwrap_or(i64::MAX);
        let below = Window::below(window.low);
        let entries = posts::entries_of(&self.pool, &Self::authors(look), below, cap, now).await?;
        let more = entries.len() == self.settings.timeline_cap;
        Ok((TopPlace { window: window_of(&entries, more), after: None }, entries))
    }

    /// The viewer's own timeline as Redis holds it, for `madang check`.
    pub(crate) async fn stored_bytes(&self, user: UserId) -> Option<Vec<u8>> {
        self.kv.cmd(redis::cmd("GET").arg(self.kv.keys.timeline(user.get()))).await.ok().flatten()
    }

    /// What PostgreSQL says, stored nowhere: for readers that nothing is written to.
    pub(crate) async fn unstored_source(&self, look: &Look, now: DateTime<Utc>) -> sqlx::Result<Source> {
        let cap = self.settings.timeline_cap;
        let limit = i64::try_from(cap).unwrap_or(i64::MAX);
        let entries = posts::entries_of(&self.pool, &Self::authors(look), Window::ALL, limit, now).await?;
        let floor = if entries.len() < cap { 0 } else { entries.last().map_or(0, |entry| entry.id.get()) };
        Ok(Source { entries, floor, how: How::default() })
    }
}

/// The bounds a cursor carries: the highest id at first sight, and the lowest, or 0 at the end.
fn window_of(entries: &[Entry], more: bool) -> Window {
    Window {
        low: if more { entries.last().map_or(0, |entry| entry.id.get()) } else { 0 },
        high: entries.first().map_or(0, |entry| entry.id.get()),
    }
}

/// The best `most` that come after a place, by rank, ties by newer id; and whether there are more.
fn best_after(entries: &[Entry], after: Option<(i64, i64)>, most: usize) -> (Vec<Entry>, bool) {
    let place = |entry: &Entry| std::cmp::Reverse((entry.rank, entry.id));
    let comes_after = |entry: &&Entry| after.is_none_or(|after| (entry.rank, entry.id.get()) < after);
    let mut best: Vec<Entry> = entries.iter().filter(comes_after).copied().collect();
    let cut = best.len() > most;
    if cut {
        best.select_nth_unstable_by_key(most, place);
        best.truncate(most);
    }
    best.sort_unstable_by_key(place);
    (best, cut)
}
