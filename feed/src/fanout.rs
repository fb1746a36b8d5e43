//! Fan-out: a post's present state is written into the timelines of followers seen lately, onto its
//! boards, and told to live readers. Entries of several posts for one reader travel in one append.

use ahash::AHashMap;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};
use madang_core::{
    changes::{self, Change},
    follows,
    ids::{PostId, TickerId, UserId},
    jobs::{self, JobKind},
    posts::{self, Entry, LivePost, Scored},
    reactions::SCORE_DELAY,
    users::{self, MergeState},
};

use crate::{
    Feed,
    boards::BoardAct,
    kv::Away,
    timeline::{self, DROP_HEADLESS},
};

/// Followers read in one page.
const PAGE: i64 = 1_000;
/// Followers of several authors read in one statement.
const FIRST_PAGES: i64 = 20_000;
/// Appends in one pipeline.
const PIPELINE: usize = 512;
/// Pipelines in flight.
const IN_FLIGHT: usize = 4;
/// Readers whose entries gather before they are written.
const GATHER: i64 = 20_000;

/// Entries waiting to be appended, by reader.
type Pending = AHashMap<i64, Vec<u8>>;

/// A post with what fan-out writes of it.
struct Parcel {
    post: LivePost,
    tickers: Vec<TickerId>,
    bytes: Vec<u8>,
}

impl Feed {
    /// Makes timelines, boards and live readers agree with the present state of these posts.
    pub async fn fan_out(&self, ids: &[i64], now: DateTime<Utc>) -> anyhow::Result<()> {
        let began = std::time::Instant::now();
        self.catch_up().await?;
        let parcels: Vec<Parcel> = posts::live_posts(&self.pool, ids)
            .await?
            .into_iter()
            .map(|(post, tickers)| Parcel { bytes: timeline_bytes(&post), post, tickers })
            .collect();
        let mut by_author: AHashMap<i64, Vec<&Parcel>> = AHashMap::new();
        for parcel in &parcels {
            by_author.entry(parcel.post.entry.author.get()).or_default().push(parcel);
        }
        let mut pending = Pending::new();
        let mut pushed = Vec::with_capacity(by_author.len());
        let authors: Vec<i64> = by_author.keys().copied().collect();
        let states: AHashMap<UserId, MergeState> =
            users::merge_states(&self.pool, &authors).await?.into_iter().collect();
        for (author, parcels) in by_author {
            let author = UserId::new(author);
            let state = states.get(&author).copied().unwrap_or(MergeState::Pushed);
            let bytes: Vec<u8> = parcels.iter().flat_map(|parcel| parcel.bytes.iter().copied()).collect();
            pending.entry(author.get()).or_default().extend_from_slice(&bytes);
            pushed.extend(self.for_followers(author, state, &parcels, bytes).await?);
        }
        self.push_to_all(pushed, &mut pending, now).await?;
        self.flush(&mut pending).await?;
        metrics::histogram!("madang_fanout_seconds").record(began.elapsed().as_secs_f64());
        self.post_on_boards(&parcels).await?;
        let engaged: Vec<i64> =
            parcels.iter().filter_map(|parcel| parcel.post.engages).map(PostId::get).collect();
        if !engaged.is_empty() {
            jobs::enqueue_many(&self.pool, JobKind::Score, &engaged, 0, SCORE_DELAY).await?;
        }
        self.tell_live(&parcels).await?;
        Ok(())
    }

    /// What an author's followers are to be given. Of one who is merged when read only what takes a post
    /// away or brings it back: it may have been pushed before they became large.
    async fn for_followers(
        &self,
        author: UserId,
        state: MergeState,
        parcels: &[&Parcel],
        bytes: Vec<u8>,
    ) -> anyhow::Result<Option<(i64, Vec<u8>)>> {
        if state != MergeState::Pushed {
            let mut tx = self.pool.begin().await?;
            let number = changes::record(&mut tx, &[Change::AuthorList(author)]).await?;
            tx.commit().await?;
            self.kv.publish_change(number).await?;
        }
        if state.pushes() {
            return Ok(Some((author.get(), bytes)));
        }
        let old = parcels.iter().filter(|parcel| !parcel.post.listed || parcel.post.restored);
        let bytes: Vec<u8> = old.flat_map(|parcel| parcel.bytes.iter().copied()).collect();
        Ok((!bytes.is_empty()).then(|| (author.get(), bytes)))
    }

    /// Appends bytes to the timelines of several authors' followers seen lately: one statement reads the
    /// first of all of them, which mostly are all.
    async fn push_to_all(
        &self,
        pushed: Vec<(i64, Vec<u8>)>,
        pending: &mut Pending,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        if let [(author, bytes)] = pushed.as_slice() {
            return self.push_after(UserId::new(*author), 0, bytes, pending, PAGE, now).await;
        }
        let since = now - chrono::Duration::days(self.settings.seen_days);
        let bytes: AHashMap<i64, Vec<u8>> = pushed.into_iter().collect();
        let authors: Vec<i64> = bytes.keys().copied().collect();
        let page = (FIRST_PAGES / i64::try_from(authors.len().max(1))?).clamp(100, 5_000);
        let mut found: AHashMap<i64, (i64, i64)> = AHashMap::with_capacity(authors.len());
        for (author, reader) in follows::first_seen_followers(&self.pool, &authors, since, page).await? {
            let bytes = bytes.get(&author).map(Vec::as_slice).unwrap_or_default();
            pending.entry(reader).or_default().extend_from_slice(bytes);
            let (count, last) = found.entry(author).or_default();
            (*count, *last) = (*count + 1, reader);
        }
        for (author, (count, last)) in found {
            if count == page {
                let bytes = bytes.get(&author).map(Vec::as_slice).unwrap_or_default();
                self.push_after(UserId::new(author), last, bytes, pending, GATHER, now).await?;
            }
        }
        Ok(())
    }

    /// Appends bytes to the timelines of an author's followers seen lately, of those after an id. What has
    /// gathered is written while the next page is read.
    async fn push_after(
        &self,
        author: UserId,
        after: i64,
        bytes: &[u8],
        pending: &mut Pending,
        gather: i64,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let since = now - chrono::Duration::days(self.settings.seen_days);
        let page = async |after| -> anyhow::Result<Vec<i64>> {
            Ok(follows::seen_followers(&self.pool, author, after, since, PAGE).await?)
        };
        let mut readers = page(after).await?;
        loop {
            for reader in &readers {
                pending.entry(*reader).or_default().extend_from_slice(bytes);
            }
            let last = match readers.last() {
                Some(last) if i64::try_from(readers.len())? == PAGE => *last,
                _ => return Ok(()),
            };
            readers = if i64::try_from(pending.len())? < gather {
                page(last).await?
            } else {
                tokio::try_join!(page(last), self.flush(pending))?.0
            };
        }
    }

    /// Writes what has gathered.
    pub(crate) async fn flush(&self, pending: &mut Pending) -> anyhow::Result<()> {
        let mut batch: Vec<(i64, Vec<u8>)> = pending.drain().collect();
        batch.iter_mut().for_each(|(_, block)| timeline::put_in_order(block));
        let writes: Vec<_> = batch.chunks(PIPELINE).map(|chunk| self.append(chunk)).collect();
        stream::iter(writes).buffer_unordered(IN_FLIGHT).try_collect::<Vec<()>>().await.map(|_| ())
    }

    /// Appends to timelines. A key that turns out to have no header goes; one that has outgrown the cap
    /// twice is cut back.
    pub(crate) async fn append(&self, chunk: &[(i64, Vec<u8>)]) -> anyhow::Result<()> {
        let mut pipe = redis::pipe();
        for (reader, bytes) in chunk {
            pipe.append(self.kv.keys.timeline(*reader), bytes.as_slice());
        }
        let lengths: Vec<usize> = self.kv.run_bulk(&pipe).await?;
        let mut headless = redis::pipe();
        let mut overgrown = Vec::new();
        for ((reader, bytes), length) in chunk.iter().zip(&lengths) {
            if *length == bytes.len() {
                headless.cmd("EVAL").arg(DROP_HEADLESS).arg(1).arg(self.kv.keys.timeline(*reader)).ignore();
            } else if timeline::overgrown(*length, self.settings.timeline_cap) {
                overgrown.push(*reader);
            }
        }
        let entries: usize = chunk.iter().map(|(_, bytes)| bytes.len() / timeline::ENTRY).sum();
        metrics::counter!("madang_fanout_deliveries_total").increment(entries as u64);
        if !headless.is_empty() {
            self.kv.run_bulk::<()>(&headless).await?;
        }
        for reader in overgrown {
            self.cut_back(reader, false).await?;
        }
        Ok(())
    }

    /// Puts one's own new post into one's own timeline before the answer; the job does it again.
    pub async fn append_own(&self, entry: Entry) {
        let mut bytes = Vec::with_capacity(timeline::ENTRY);
        timeline::push_entry(&mut bytes, entry);
        if let Err(error) = self.append(&[(entry.author.get(), bytes)]).await {
            tracing::debug!(%error, "failed to append to one's own timeline");
        }
    }

    async fn post_on_boards(&self, parcels: &[Parcel]) -> anyhow::Result<()> {
        let listed: Vec<i64> = parcels
            .iter()
            .filter(|p| p.post.listed && !p.tickers.is_empty())
            .map(|p| p.post.entry.id.get())
            .collect();
        let scores: AHashMap<i64, Scored> = if listed.is_empty() {
            AHashMap::new()
        } else {
            posts::engaged_scores(&self.pool, &listed).await?.into_iter().map(|s| (s.id.get(), s)).collect()
        };
        let mut acts = Vec::new();
        for parcel in parcels {
            let act = scores
                .get(&parcel.post.entry.id.get())
                .map_or(BoardAct::Remove(parcel.post.entry.id), |scored| BoardAct::Add(*scored));
            acts.extend(parcel.tickers.iter().map(|ticker| (*ticker, act)));
        }
        self.act_on_boards(&acts).await?;
        Ok(())
    }

    /// Computes posts' places on top boards again.
    pub async fn rescore(&self, ids: &[i64]) -> anyhow::Result<()> {
        self.catch_up().await?;
        let scores: AHashMap<i64, Scored> =
            posts::engaged_scores(&self.pool, ids).await?.into_iter().map(|s| (s.id.get(), s)).collect();
        let mut acts = Vec::new();
        for (post, tickers) in posts::live_posts(&self.pool, ids).await? {
            let Some(scored) = scores.get(&post.entry.id.get()) else {
                continue;
            };
            acts.extend(tickers.into_iter().map(|ticker| (ticker, BoardAct::Rescore(*scored))));
        }
        self.act_on_boards(&acts).await?;
        Ok(())
    }

    async fn tell_live(&self, parcels: &[Parcel]) -> anyhow::Result<()> {
        let mut pipe = redis::pipe();
        for parcel in parcels.iter().filter(|parcel| parcel.post.listed && !parcel.post.restored) {
            let message = crate::live::Message::post(&parcel.post, &parcel.tickers);
            pipe.publish(self.kv.keys.live(), message).ignore();
        }
        if !pipe.is_empty() {
            self.kv.run::<()>(&pipe).await?;
        }
        Ok(())
    }

    /// Makes a reader's timeline agree with whether they follow somebody.
    pub async fn settle_relation(&self, reader: UserId, person: UserId) -> anyhow::Result<()> {
        self.catch_up().await?;
        let Some(bytes) = self.stored_bytes_checked(reader).await? else {
            return Ok(());
        };
        if timeline::parse(&bytes).is_none() {
            return Ok(());
        }
        if !follows::exists(&self.pool, reader, person).await? {
            // Reading drops their posts already; this gives the room back.
            self.cut_back(reader.get(), true).await?;
            return Ok(());
        }
        let cap = self.settings.timeline_cap;
        let recent = posts::newest_of_author(&self.pool, person, i64::try_from(cap)?).await?;
        let mut bytes = Vec::with_capacity((recent.len() + 2) * timeline::ENTRY);
        recent.iter().rev().for_each(|entry| timeline::push_entry(&mut bytes, *entry));
        if recent.len() == cap
            && let Some(oldest) = recent.last()
        {
            timeline::push_floor(&mut bytes, oldest.id.get());
        }
        let state =
            users::merge_state(&self.pool, person).await?.map_or(MergeState::Pushed, |(state, _)| state);
        if state != MergeState::Pushed {
            timeline::push_merged(&mut bytes, person);
        }
        if !bytes.is_empty() {
            self.append(&[(reader.get(), bytes)]).await?;
        }
        Ok(())
    }

    async fn stored_bytes_checked(&self, reader: UserId) -> Result<Option<Vec<u8>>, Away> {
        self.kv.cmd(redis::cmd("GET").arg(self.kv.keys.timeline(reader.get()))).await
    }

    /// Moves an author between pushed and merged, one step after the other. Each step can be repeated.
    pub async fn settle_merge(&self, author: UserId, now: DateTime<Utc>) -> anyhow::Result<()> {
        self.catch_up().await?;
        let limit = self.settings.push_limit;
        let Some((mut state, followers)) = users::merge_state(&self.pool, author).await? else {
            return Ok(());
        };
        let (large, small) = (followers > limit, i64::from(followers) * 5 < i64::from(limit) * 4);
        if state == MergeState::Pushed && large && self.step(author, state, MergeState::Merging).await? {
            state = MergeState::Merging;
        }
        if state == MergeState::Merging {
            let mut mark = Vec::new();
            timeline::push_merged(&mut mark, author);
            self.push_all(author, &mark, now).await?;
            self.step(author, state, MergeState::Merged).await?;
            return Ok(());
        }
        if state == MergeState::Merged && small && self.step(author, state, MergeState::Unmerging).await? {
            state = MergeState::Unmerging;
        }
        if state == MergeState::Unmerging {
            let cap = self.settings.timeline_cap;
            let recent = posts::newest_of_author(&self.pool, author, i64::try_from(cap)?).await?;
            let mut bytes = Vec::with_capacity((recent.len() + 1) * timeline::ENTRY);
            recent.iter().rev().for_each(|entry| timeline::push_entry(&mut bytes, *entry));
            if let Some(oldest) = recent.last().filter(|_| recent.len() == cap) {
                timeline::push_floor(&mut bytes, oldest.id.get());
            }
            self.push_all(author, &bytes, now).await?;
            self.step(author, state, MergeState::Pushed).await?;
        }
        Ok(())
    }

    async fn push_all(&self, author: UserId, bytes: &[u8], now: DateTime<Utc>) -> anyhow::Result<()> {
        let mut pending = Pending::new();
        self.push_after(author, 0, bytes, &mut pending, PAGE, now).await?;
        self.flush(&mut pending).await?;
        Ok(())
    }

    async fn step(&self, author: UserId, from: MergeState, to: MergeState) -> anyhow::Result<bool> {
        let mut tx = self.pool.begin().await?;
        if !users::set_merge_state(&mut tx, author, from, to).await? {
            return Ok(false);
        }
        let number = changes::record(&mut tx, &[Change::AuthorList(author)]).await?;
        tx.commit().await?;
        self.kv.publish_change(number).await?;
        Ok(true)
    }
}

fn timeline_bytes(post: &LivePost) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(timeline::ENTRY);
    if post.listed {
        timeline::push_entry(&mut bytes, post.entry);
    } else {
        timeline::push_gone(&mut bytes, post.entry.id);
    }
    bytes
}
