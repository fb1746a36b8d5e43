//! Rebuilding a timeline from PostgreSQL: when it is missing, of an earlier life of Redis, or has become
//! too short. First a "building" header, behind which appends gather, and only then the reading.

use std::time::Duration;

use chrono::{DateTime, Utc};
use madang_core::{
    ids::UserId,
    posts::{self, Entry, Window},
    users, viewer,
};

use crate::{
    Feed,
    timeline::{self, SPLICE, State},
};

/// Longest time one rebuild keeps others away.
const LOCK_MS: i64 = 10_000;

/// What PostgreSQL says a timeline holds.
#[derive(Debug, Clone)]
pub struct Rebuilt {
    /// Newest first, at most the cap.
    pub entries: Vec<Entry>,
    /// From this id on nothing is missing; 0 when everything is here.
    pub floor: i64,
}

impl Feed {
    /// Lifetime of a timeline: a day less than it is written to.
    pub(crate) fn timeline_ttl(&self) -> Duration {
        Duration::from_secs(u64::try_from((self.settings.seen_days - 1).max(1) * 86_400).unwrap_or(86_400))
    }

    /// Rebuilds a timeline and returns what it holds. The reader must have been noted as seen before.
    /// When another rebuild of the same reader is under way, only the reading is done.
    pub async fn rebuild(&self, reader: UserId, now: DateTime<Utc>) -> sqlx::Result<Rebuilt> {
        self.rebuild_for(reader, self.timeline_ttl(), now).await
    }

    /// The same with a lifetime of the caller's: never beyond 13 days after the reader was last seen.
    pub async fn rebuild_for(
        &self,
        reader: UserId,
        ttl: Duration,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Rebuilt> {
        metrics::counter!("madang_timeline_rebuilds_total").increment(1);
        let generation: u64 = rand::random();
        let began = self.begin_rebuild(reader, generation).await;
        let (rebuilt, merged) = self.read_timeline(reader, now).await?;
        if began {
            self.finish_rebuild(reader, generation, &rebuilt, &merged, ttl).await;
        }
        Ok(rebuilt)
    }

    async fn begin_rebuild(&self, reader: UserId, generation: u64) -> bool {
        let lock = self.kv.keys.rebuild_lock(reader);
        let mut pipe = redis::pipe();
        pipe.cmd("SET").arg(&lock).arg(generation).arg("NX").arg("PX").arg(LOCK_MS);
        let taken = self.kv.run::<(Option<String>,)>(&pipe).await;
        if !matches!(taken, Ok((Some(_),))) {
            return false;
        }
        let header = timeline::header(State::Building, self.kv.epoch(), generation, 0, &[]);
        let mut pipe = redis::pipe();
        pipe.cmd("SET")
            .arg(self.kv.keys.timeline(reader.get()))
            .arg(header)
            .arg("PX")
            .arg(LOCK_MS * 6)
            .ignore();
        self.kv.run::<()>(&pipe).await.is_ok()
    }

    async fn read_timeline(&self, reader: UserId, now: DateTime<Utc>) -> sqlx::Result<(Rebuilt, Vec<i64>)> {
        let viewer = viewer::load(&self.pool, reader).await?;
        let merged: Vec<i64> = users::merged_authors(&self.pool)
            .await?
            .into_iter()
            .map(UserId::get)
            .filter(|author| viewer.follows.contains(author))
            .collect();
        let mut authors: Vec<i64> = viewer.follows.iter().copied().collect();
        authors.push(reader.get());
        let cap = self.settings.timeline_cap;
        let limit = i64::try_from(cap).unwrap_or(i64::MAX);
        let entries = posts::entries_of(&self.pool, &authors, Window::ALL, limit, now).await?;
        let floor = if entries.len() < cap { 0 } else { entries.last().map_or(0, |entry| entry.id.get()) };
        Ok((Rebuilt { entries, floor }, merged))
    }

    async fn finish_rebuild(
        &self,
        reader: UserId,
        generation: u64,
        rebuilt: &Rebuilt,
        merged: &[i64],
        ttl: Duration,
    ) {
        let header_len = timeline::header(State::Building, 0, 0, 0, &[]).len();
        let ttl = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX).max(1);
        let value = self.encode(rebuilt.entries.iter(), rebuilt.floor, merged);
        let mut pipe = redis::pipe();
        pipe.cmd("EVAL").arg(SPLICE).arg(1).arg(self.kv.keys.timeline(reader.get()));
        pipe.arg(&generation.to_le_bytes()[..]).arg(header_len).arg(value).arg(ttl).ignore();
        pipe.del(self.kv.keys.rebuild_lock(reader)).ignore();
        if let Err(error) = self.kv.run::<()>(&pipe).await {
            tracing::debug!(%error, "failed to store a rebuilt timeline");
        }
    }

    /// Oldest first, as they would have arrived.
    fn encode<'a>(
        &self,
        newest_first: impl DoubleEndedIterator<Item = &'a Entry>,
        floor: i64,
        merged: &[i64],
    ) -> Vec<u8> {
        let mut value = timeline::header(State::Ready, self.kv.epoch(), rand::random(), floor, merged);
        newest_first.rev().for_each(|entry| timeline::push_entry(&mut value, *entry));
        value
    }

    /// Cuts a timeline back by id to the cap, keeping what is appended meanwhile and
    /// its lifetime. With `unfollowed`, entries of people no longer followed go too; what that leaves too
    /// short is forgotten, and rebuilt at the next read.
    pub(crate) async fn cut_back(&self, reader: i64, unfollowed: bool) -> anyhow::Result<()> {
        let key = self.kv.keys.timeline(reader);
        let bytes: Option<Vec<u8>> = self.kv.cmd(redis::cmd("GET").arg(&key)).await?;
        let Some(bytes) = bytes else { return Ok(()) };
        let Some(mut held) = timeline::parse(&bytes).filter(|held| held.state == State::Ready) else {
            return Ok(());
        };
        let cap = self.settings.timeline_cap;
        if !unfollowed && held.stored <= 2 * cap {
            return Ok(());
        }
        if unfollowed {
            // Read after the timeline: whoever's entries stand in it was followed before.
            let follows = viewer::load(&self.pool, UserId::new(reader)).await?.follows;
            held.entries
                .retain(|entry| follows.contains(&entry.author.get()) || entry.author.get() == reader);
            held.merged.retain(|author| follows.contains(author));
        }
        let kept = held.entries.get(..cap.min(held.entries.len())).unwrap_or_default();
        let cut = kept.len() < held.entries.len();
        let floor = if cut { kept.last().map_or(0, |entry| entry.id.get()) } else { 0 }.max(held.floor);
        let mut pipe = redis::pipe();
        if floor > 0 && kept.len() < cap {
            pipe.del(key).ignore();
        } else {
            let mut value = timeline::header(State::Ready, held.epoch, rand::random(), floor, &held.merged);
            kept.iter().rev().for_each(|entry| timeline::push_entry(&mut value, *entry));
            pipe.cmd("EVAL").arg(SPLICE).arg(1).arg(key);
            pipe.arg(&held.generation.to_le_bytes()[..]).arg(bytes.len()).arg(value).arg(0).ignore();
        }
        metrics::counter!("madang_timeline_cuts_total").increment(1);
        self.kv.run::<()>(&pipe).await?;
        Ok(())
    }
}
