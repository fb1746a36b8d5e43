//! Live updates: published posts travel over one Redis channel to every serving process, which tells its
//! own readers. Frames carry ids only. Each reader has a bounded buffer; one who does not keep up is
//! closed and comes back with the last id seen.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ahash::AHashMap;
use futures_util::StreamExt;
use madang_core::{
    changes::Change,
    ids::{PostId, TickerId, UserId},
    posts::{self, LivePost},
    visibility::Onlooker,
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::{Feed, sync::Held, viewers::Look};

/// Frames a reader may be behind.
const BUFFER: usize = 64;
/// Frames sent at most for the time a reader was away; beyond that "more" says to reload.
const BACKLOG: i64 = 100;
/// Ids can commit out of order within this time, so a resuming reader is told that much again.
const OVERLAP_MS: i64 = 10_000;

/// What travels over the channel.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Message {
    /// A post was published.
    Post(Notice),
    /// Somebody's follows, blocks or mutes changed.
    Viewer {
        /// Whose.
        id: i64,
    },
}

/// A published post.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Notice {
    id: i64,
    author: i64,
    replies_to: i64,
    tickers: Vec<i32>,
}

impl Notice {
    fn of(post: &LivePost, tickers: &[TickerId]) -> Self {
        Self {
            id: post.entry.id.get(),
            author: post.entry.author.get(),
            replies_to: post.replies_to.map_or(0, UserId::get),
            tickers: tickers.iter().map(|ticker| ticker.get()).collect(),
        }
    }
}

impl Message {
    /// Tells of a post, as JSON.
    pub(crate) fn post(post: &LivePost, tickers: &[TickerId]) -> String {
        Self::Post(Notice::of(post, tickers)).json()
    }

    /// Tells of a viewer, as JSON.
    pub(crate) fn viewer(user: UserId) -> String {
        Self::Viewer { id: user.get() }.json()
    }

    /// Numbers and lists of numbers always have a JSON form.
    fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Why a reader is told of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// By somebody they follow.
    Home,
    /// Answers them.
    Reply,
    /// On the board they have open.
    Board,
    /// They missed more than is sent again.
    More,
}

impl Reason {
    /// The event's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Reply => "reply",
            Self::Board => "board",
            Self::More => "more",
        }
    }
}

/// One update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Why.
    pub reason: Reason,
    /// The post, or the last one known for `more`.
    pub post: PostId,
}

struct Reader {
    look: Look,
    ticker: Option<TickerId>,
    frames: mpsc::Sender<Frame>,
}

impl Reader {
    fn reason(&self, message: &Notice) -> Option<Reason> {
        let author = UserId::new(message.author);
        if self.look.id() == message.author
            || self.look.onlooker(author) == Onlooker::Blocked
            || self.look.viewer.muted.contains(&message.author)
        {
            return None;
        }
        if self.look.id() != 0 && message.replies_to == self.look.id() {
            Some(Reason::Reply)
        } else if self.ticker.is_some_and(|ticker| message.tickers.contains(&ticker.get())) {
            Some(Reason::Board)
        } else {
            self.look.viewer.follows.contains(&message.author).then_some(Reason::Home)
        }
    }
}

/// The live readers of a process.
#[derive(Default)]
pub struct Hub {
    readers: Mutex<AHashMap<u64, Arc<Reader>>>,
    next: AtomicU64,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("readers", &self.len()).finish_non_exhaustive()
    }
}

/// A live reader's place; leaving it is dropping it.
#[derive(Debug)]
pub struct Subscription {
    /// Frames as they come; the end means closed for being slow.
    pub frames: mpsc::Receiver<Frame>,
    hub: Arc<Hub>,
    key: u64,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.remove(self.key);
    }
}

impl Hub {
    /// Readers at present.
    pub fn len(&self) -> usize {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether nobody listens.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn remove(&self, key: u64) {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }

    /// Adds a reader.
    pub fn subscribe(self: &Arc<Self>, look: Look, ticker: Option<TickerId>) -> Subscription {
        let (sender, frames) = mpsc::channel(BUFFER);
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        let reader = Arc::new(Reader { look, ticker, frames: sender });
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).insert(key, reader);
        Subscription { frames, hub: self.clone(), key }
    }

    fn readers(&self) -> Vec<(u64, Arc<Reader>)> {
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.iter().map(|(key, reader)| (*key, reader.clone())).collect()
    }

    fn tell(&self, message: &Notice) {
        for (key, reader) in self.readers() {
            let Some(reason) = reader.reason(message) else {
                continue;
            };
            let frame = Frame { reason, post: PostId::new(message.id) };
            if reader.frames.try_send(frame).is_err() {
                metrics::counter!("madang_live_slow_readers_total").increment(1);
                self.remove(key);
            }
        }
    }

    /// Closes the streams of one person: they come back and look anew.
    fn close_for(&self, user: i64) {
        self.readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, reader| reader.look.id() != user);
    }

    /// Closes everybody, so that they come back to another process.
    pub fn close(&self) {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Held for Hub {
    fn drop_for(&self, change: Change) {
        if let Change::Author(user) | Change::Sessions(user) = change {
            self.close_for(user.get());
        }
    }

    fn drop_all(&self) {
        self.close();
    }
}

impl Feed {
    /// Listens to the channel and tells the readers of this process; comes back by itself.
    pub async fn run_live(&self, hub: Arc<Hub>) {
        loop {
            if let Err(error) = self.listen(&hub).await {
                tracing::warn!(error = format!("{error:#}"), "live updates interrupted");
            }
            // Readers resume by their last id, so what was published meanwhile is not lost to them.
            hub.close();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn listen(&self, hub: &Arc<Hub>) -> anyhow::Result<()> {
        let mut subscription = self.kv.subscribe(&self.kv.keys.live()).await?;
        let mut messages = subscription.on_message();
        while let Some(message) = messages.next().await {
            let payload: String = message.get_payload()?;
            match serde_json::from_str(&payload) {
                Ok(Message::Post(notice)) => {
                    // A block acknowledged before this post was told of holds for it.
                    self.catch_up().await?;
                    hub.tell(&notice);
                }
                Ok(Message::Viewer { id }) => hub.close_for(id),
                Err(error) => tracing::warn!(%error, "unknown live message"),
            }
        }
        anyhow::bail!("the subscription ended")
    }

    /// What a reader missed since an id, oldest first.
    pub async fn live_backlog(
        &self,
        look: &Look,
        ticker: Option<TickerId>,
        last: PostId,
    ) -> sqlx::Result<Vec<Frame>> {
        let after = (last.get() - (OVERLAP_MS << 12)).max(0);
        let authors: Vec<i64> = look.viewer.follows.iter().copied().collect();
        let to = if look.id() == 0 { -1 } else { look.id() };
        let missed = posts::live_backlog(&self.pool, after, &authors, ticker, to, BACKLOG + 1).await?;
        let more = i64::try_from(missed.len()).is_ok_and(|n| n > BACKLOG);
        let (sender, _) = mpsc::channel(1);
        let reader = Reader { look: look.clone(), ticker, frames: sender };
        let mut frames: Vec<Frame> = missed
            .iter()
            .filter_map(|(post, on_board)| {
                let tickers: Vec<TickerId> = ticker.filter(|_| *on_board).into_iter().collect();
                let reason = reader.reason(&Notice::of(post, &tickers))?;
                Some(Frame { reason, post: post.entry.id })
            })
            .collect();
        if more {
            frames.push(Frame { reason: Reason::More, post: frames.last().map_or(last, |frame| frame.post) });
        }
        Ok(frames)
    }
}
