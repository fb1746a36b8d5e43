//! Posts as ready-made JSON, held in the process. A card is everything of a post that does not depend on
//! who looks; author, counts and the viewer's own marks are spliced in when a page is written.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use ahash::{AHashMap, AHashSet};
use arc_swap::{ArcSwap, ArcSwapOption};
use chrono::{DateTime, Utc};
use madang_core::{
    changes::Change,
    ids::{PostId, UserId},
    posts::{self, PostCounts, PostRecord},
    tickers::Catalogue,
    users::{self, Profile},
    viewer::Marks,
    visibility::PostState,
};
use serde_json::json;
use sqlx::PgPool;
use tokio::sync::oneshot;

use crate::sync::{CatchUp, Held};

/// Bytes of the cards held at most.
const MAX_CARD_BYTES: u64 = 96 * 1024 * 1024;
/// What a card takes beside its texts: the struct, its counts, its place in the cache.
const CARD_BYTES: usize = 400;
/// Cards of a usual size that fit.
const USUAL_CARDS: usize = 100_000;
/// Authors held for the posts they write.
const MAX_WRITERS: u64 = 20_000;
/// How old shown counts may be.
const COUNTS_AGE: Duration = Duration::from_secs(2);
/// Most ids one statement reads.
const BATCH: usize = 2_000;

/// An author as shown beside a post.
#[derive(Debug)]
pub struct AuthorCard {
    /// JSON object.
    pub json: Box<str>,
    /// Whether the account was deleted.
    pub deleted: bool,
}

/// One author, shared by all their cards, so that a new name reaches all of them at once. A stale one
/// keeps its last text for pages that are being written this moment.
#[derive(Debug, Default)]
struct AuthorSlot {
    card: ArcSwapOption<AuthorCard>,
    fresh: AtomicBool,
}

impl AuthorSlot {
    fn is_fresh(&self) -> bool {
        self.fresh.load(Ordering::Acquire)
    }

    fn spoil(&self) {
        self.fresh.store(false, Ordering::Release);
    }
}

#[derive(Debug)]
struct CountsAt {
    counts: PostCounts,
    read: Instant,
}

/// A post as held.
#[derive(Debug)]
pub struct Card {
    /// Id.
    pub id: PostId,
    /// Who wrote it.
    pub author_id: UserId,
    /// What became of it.
    pub state: PostState,
    /// The post passed on.
    pub repost_of: Option<PostId>,
    /// The post quoted.
    pub quote_of: Option<PostId>,
    /// The text in lower case, for muted keywords.
    pub lower_case: Box<str>,
    poll: Option<(DateTime<Utc>, Vec<String>)>,
    /// JSON members after `author`, each with a comma before it.
    members: Box<str>,
    author: Arc<AuthorSlot>,
    counts: ArcSwap<CountsAt>,
}

impl Card {
    /// The text, as it stands in the JSON.
    pub(crate) fn body(&self) -> String {
        #[derive(serde::Deserialize)]
        struct Body {
            body: String,
        }
        let object = format!("{{{}}}", self.members.trim_start_matches(','));
        serde_json::from_str(&object).map(|parsed: Body| parsed.body).unwrap_or_default()
    }
}

/// Cards by id; unknown posts are missing.
pub type Cards = AHashMap<i64, Arc<Card>>;

/// The author's public JSON, used wherever a person is shown in a list of posts.
pub fn author_json(profile: &Profile) -> String {
    if profile.deleted {
        return r#"{"id":null,"handle":null,"name":null,"verified":false,"role":null,"deleted":true}"#
            .to_owned();
    }
    let staff = profile.role.is_staff().then_some("staff");
    json!({"id": profile.id, "handle": profile.handle, "name": profile.name, "verified": profile.verified,
           "role": staff, "deleted": false})
    .to_string()
}

/// The members of a post after `author`; the same text for a new post and for a held one.
pub fn members(post: &PostRecord, catalogue: &Catalogue) -> String {
    let tickers: Vec<serde_json::Value> = post
        .tickers
        .iter()
        .filter_map(|mark| catalogue.get(mark.id).map(|ticker| (mark, ticker)))
        .map(|(mark, ticker)| {
            json!({"symbol": ticker.symbol, "name": ticker.name, "name_ko": ticker.name_ko,
                   "price": mark.price, "price_day": mark.day})
        })
        .collect();
    let object = json!({
        "created_at": rfc3339(post.created_at), "body": post.body, "language": post.language,
        "tickers": tickers, "stance": post.stance.as_str(),
        "reply_to": post.reply_to, "root": post.root,
        "edited_at": post.edited_at.map(rfc3339), "revision": post.revision,
        "state": post.state.as_str(), "card": post.attachment,
        "labels": post.labels.names(post.attachment.as_ref()),
    })
    .to_string();
    format!(",{}", object.trim_start_matches('{').trim_end_matches('}'))
}

/// RFC 3339 in UTC with milliseconds.
pub fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// What stands where a post was.
pub fn placeholder(id: PostId, state: PostState) -> String {
    let reason = if state == PostState::Deleted { "deleted" } else { "unavailable" };
    format!(r#"{{"id":"{id}","placeholder":"{reason}"}}"#)
}

/// Members that depend on counts and on the viewer, from `counts` to `poll`.
pub fn write_live_members(
    out: &mut String,
    counts: &PostCounts,
    marks: Option<Marks>,
    poll: Option<&(DateTime<Utc>, Vec<String>)>,
    own: bool,
    now: DateTime<Utc>,
) {
    let PostCounts { likes, replies, reposts, quotes, votes } = counts;
    let mut number = itoa::Buffer::new();
    for (name, count) in [
        (r#","counts":{"likes":"#, likes),
        (r#","replies":"#, replies),
        (r#","reposts":"#, reposts),
        (r#","quotes":"#, quotes),
    ] {
        out.extend([name, number.format(*count)]);
    }
    let said = |yes: bool| if yes { "true" } else { "false" };
    match marks {
        Some(Marks { liked, bookmarked, reposted, .. }) => out.extend([
            r#"},"viewer":{"liked":"#,
            said(liked),
            r#","bookmarked":"#,
            said(bookmarked),
            r#","reposted":"#,
            said(reposted),
            "}",
        ]),
        None => out.push_str(r#"},"viewer":null"#),
    }
    let Some((closes_at, options)) = poll else {
        out.push_str(r#","poll":null"#);
        return;
    };
    let voted = marks.and_then(|marks| marks.voted);
    let closed = *closes_at <= now;
    // Results would sway those who have not voted yet.
    let results = (closed || own || voted.is_some()).then_some(votes);
    let poll = json!({"options": options, "closes_at": rfc3339(*closes_at), "closed": closed,
                      "voted": voted, "results": results});
    let _ = write!(out, r#","poll":{poll}"#);
}

impl Card {
    /// Writes the object up to but without its closing brace.
    pub fn write_open(&self, out: &mut String, marks: Option<Marks>, own: bool, now: DateTime<Utc>) {
        let author = self.author.card.load();
        let json = author.as_ref().map_or("null", |author| &author.json);
        let mut number = itoa::Buffer::new();
        out.extend([r#"{"id":""#, number.format(self.id.get()), r#"","author":"#, json, &self.members]);
        write_live_members(out, &self.counts.load().counts, marks, self.poll.as_ref(), own, now);
    }

    /// Deleted by its author, or with its author.
    pub fn state_now(&self) -> PostState {
        let gone = self.author.card.load().as_ref().is_some_and(|author| author.deleted);
        if gone { PostState::Deleted } else { self.state }
    }

    fn is_current(&self) -> bool {
        self.author.is_fresh()
    }
}

struct Wanted {
    ids: Vec<i64>,
    answer: oneshot::Sender<sqlx::Result<Cards>>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Wanted>,
    working: bool,
}

/// Long posts take the room of several short ones.
#[derive(Clone)]
struct Weight;

impl quick_cache::Weighter<i64, Arc<Card>> for Weight {
    fn weight(&self, _: &i64, card: &Arc<Card>) -> u64 {
        (CARD_BYTES + card.members.len() + card.lower_case.len()) as u64
    }
}

/// The cards a process holds.
pub struct CardStore {
    pool: PgPool,
    sync: Arc<CatchUp>,
    tickers: Arc<ArcSwap<Catalogue>>,
    cards: quick_cache::sync::Cache<i64, Arc<Card>, Weight, ahash::RandomState>,
    authors: Mutex<AHashMap<i64, Weak<AuthorSlot>>>,
    /// Authors of late, held though none of their posts may be.
    writers: moka::sync::Cache<i64, Arc<AuthorSlot>>,
    queue: Mutex<Queue>,
}

impl std::fmt::Debug for CardStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CardStore").field("cards", &self.cards.len()).finish_non_exhaustive()
    }
}

impl CardStore {
    /// Holds nothing yet.
    pub fn new(pool: PgPool, sync: Arc<CatchUp>, tickers: Arc<ArcSwap<Catalogue>>) -> Self {
        Self {
            pool,
            sync,
            tickers,
            cards: quick_cache::sync::Cache::with(
                USUAL_CARDS,
                MAX_CARD_BYTES,
                Weight,
                ahash::RandomState::new(),
                quick_cache::sync::DefaultLifecycle::default(),
            ),
            authors: Mutex::default(),
            writers: moka::sync::Cache::new(MAX_WRITERS),
            queue: Mutex::default(),
        }
    }

    /// Cards of these posts with counts at most two seconds old. The caller has caught up with changes.
    pub async fn get(self: &Arc<Self>, ids: &[PostId]) -> sqlx::Result<Cards> {
        let now = Instant::now();
        let mut found = Cards::with_capacity(ids.len());
        let mut missing = Vec::new();
        for id in ids {
            match self.cards.get(&id.get()) {
                Some(card) if card.is_current() && now - card.counts.load().read < COUNTS_AGE => {
                    found.insert(id.get(), card);
                }
                _ => missing.push(id.get()),
            }
        }
        if !missing.is_empty() {
            metrics::counter!("madang_card_misses_total").increment(missing.len() as u64);
            found.extend(self.load(missing).await?);
        }
        Ok(found)
    }

    /// Waits for a statement that starts after now: it answers all that wait at that moment.
    async fn load(self: &Arc<Self>, ids: Vec<i64>) -> sqlx::Result<Cards> {
        let (answer, answered) = oneshot::channel();
        let start = {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.waiting.push(Wanted { ids, answer });
            !std::mem::replace(&mut queue.working, true)
        };
        if start {
            tokio::spawn(self.clone().work());
        }
        answered.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    async fn work(self: Arc<Self>) {
        let mut reset = Reset { queue: &self.queue, armed: true };
        loop {
            let waiting = {
                let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
                let mut taken = 0;
                let mut fits = |wanted: &Wanted| {
                    taken += wanted.ids.len();
                    taken <= BATCH || taken == wanted.ids.len()
                };
                let count = queue.waiting.iter().map_while(|wanted| fits(wanted).then_some(())).count();
                if count == 0 {
                    queue.working = false;
                    reset.armed = false;
                    return;
                }
                queue.waiting.drain(..count).collect::<Vec<_>>()
            };
            self.answer(waiting).await;
        }
    }

    async fn answer(&self, waiting: Vec<Wanted>) {
        let unique: AHashSet<i64> = waiting.iter().flat_map(|wanted| wanted.ids.iter().copied()).collect();
        let loaded = self.read(unique.into_iter().collect()).await;
        for wanted in waiting {
            let answer = match &loaded {
                Ok(cards) => {
                    Ok(wanted.ids.iter().filter_map(|id| Some((*id, cards.get(id)?.clone()))).collect())
                }
                Err(error) => Err(same_error(error)),
            };
            // The one who asked may have gone.
            let _ = wanted.answer.send(answer);
        }
    }

    /// Reads cards that are not held, and counts of all.
    async fn read(&self, ids: Vec<i64>) -> sqlx::Result<Cards> {
        let then = self.sync.applied();
        let mut cards = Cards::with_capacity(ids.len());
        let mut unknown = Vec::new();
        for id in &ids {
            match self.cards.get(id).filter(|card| card.is_current()) {
                Some(card) => {
                    cards.insert(*id, card);
                }
                None => unknown.push(*id),
            }
        }
        let read = Instant::now();
        let (records, counts) =
            tokio::try_join!(self.read_records(&unknown), posts::counts(&self.pool, &ids))?;
        let mut counts: HashMap<PostId, PostCounts> = counts.into_iter().collect();
        let authors = self.author_slots(records.iter().map(|record| record.author.get())).await?;
        for record in records {
            let Some(author) = authors.get(&record.author.get()) else {
                continue;
            };
            let own = counts.get(&record.id).cloned().unwrap_or_default();
            let card = Arc::new(self.card(record, author.clone(), CountsAt { counts: own, read }));
            let (id, writer) = (card.id, card.author_id);
            cards.insert(id.get(), card.clone());
            let concerns = |change| {
                change == Change::Post(id) || change == Change::Author(writer) || change == Change::Tickers
            };
            self.sync.keep_if_true(then, concerns, || self.cards.insert(id.get(), card));
        }
        for card in cards.values() {
            if let Some(counts) = counts.remove(&card.id) {
                card.counts.store(Arc::new(CountsAt { counts, read }));
            }
        }
        Ok(cards)
    }

    async fn read_records(&self, ids: &[i64]) -> sqlx::Result<Vec<PostRecord>> {
        if ids.is_empty() { Ok(Vec::new()) } else { posts::records(&self.pool, ids).await }
    }

    fn card(&self, post: PostRecord, author: Arc<AuthorSlot>, counts: CountsAt) -> Card {
        Card {
            id: post.id,
            author_id: post.author,
            state: post.state,
            repost_of: post.repost_of,
            quote_of: post.quote_of,
            lower_case: post.body.to_lowercase().into(),
            members: members(&post, &self.tickers.load()).into(),
            poll: post.poll,
            author,
            counts: ArcSwap::from_pointee(counts),
        }
    }

    /// A person's JSON as shown beside what they write. The caller has caught up with changes.
    pub async fn author(&self, author: UserId) -> sqlx::Result<Option<Arc<AuthorCard>>> {
        if let Some(slot) = self.writers.get(&author.get()).filter(|slot| slot.is_fresh()) {
            return Ok(slot.card.load_full());
        }
        let slots = self.author_slots(std::iter::once(author.get())).await?;
        let Some(slot) = slots.get(&author.get()) else { return Ok(None) };
        self.writers.insert(author.get(), slot.clone());
        Ok(slot.card.load_full())
    }

    /// The shared slots of authors, filled where they are empty.
    async fn author_slots(
        &self,
        authors: impl Iterator<Item = i64>,
    ) -> sqlx::Result<AHashMap<i64, Arc<AuthorSlot>>> {
        let slots: AHashMap<i64, Arc<AuthorSlot>> = {
            let mut held = self.authors.lock().unwrap_or_else(PoisonError::into_inner);
            if held.len() > 2 * USUAL_CARDS {
                held.retain(|_, slot| slot.strong_count() > 0);
            }
            authors.map(|author| (author, slot_of(&mut held, author))).collect()
        };
        let stale = slots.iter().filter(|(_, slot)| !slot.is_fresh());
        let stale: Vec<i64> = stale.map(|(id, _)| *id).collect();
        if stale.is_empty() {
            return Ok(slots);
        }
        let then = self.sync.applied();
        for profile in users::by_ids(&self.pool, &stale).await? {
            let Some(slot) = slots.get(&profile.id.get()) else { continue };
            let card = AuthorCard { json: author_json(&profile).into(), deleted: profile.deleted };
            slot.card.store(Some(Arc::new(card)));
            let concerns = |change| change == Change::Author(profile.id);
            self.sync.keep_if_true(then, concerns, || slot.fresh.store(true, Ordering::Release));
        }
        Ok(slots)
    }
}

fn slot_of(held: &mut AHashMap<i64, Weak<AuthorSlot>>, author: i64) -> Arc<AuthorSlot> {
    if let Some(slot) = held.get(&author).and_then(Weak::upgrade) {
        return slot;
    }
    let slot = Arc::new(AuthorSlot::default());
    held.insert(author, Arc::downgrade(&slot));
    slot
}

/// `sqlx::Error` cannot be cloned; what callers ask of it is whether PostgreSQL is away.
fn same_error(error: &sqlx::Error) -> sqlx::Error {
    if madang_core::db::is_away(error) {
        sqlx::Error::PoolTimedOut
    } else {
        sqlx::Error::AnyDriverError(format!("a shared read failed: {error}").into())
    }
}

/// Should the task be dropped with its runtime, waiters see their channel close and the next begins anew.
struct Reset<'a> {
    queue: &'a Mutex<Queue>,
    armed: bool,
}

impl Drop for Reset<'_> {
    fn drop(&mut self) {
        if self.armed {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.working = false;
            queue.waiting.clear();
        }
    }
}

impl Held for CardStore {
    fn drop_for(&self, change: Change) {
        match change {
            Change::Post(post) => {
                self.cards.remove(&post.get());
            }
            Change::Author(author) => {
                let held = self.authors.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(slot) = held.get(&author.get()).and_then(Weak::upgrade) {
                    slot.spoil();
                }
            }
            Change::Tickers => self.drop_all(),
            Change::AuthorList(_) | Change::Sessions(_) | Change::Rules | Change::Disclosure(_) => {}
        }
    }

    fn drop_all(&self) {
        self.cards.clear();
        let held = self.authors.lock().unwrap_or_else(PoisonError::into_inner);
        held.values().filter_map(Weak::upgrade).for_each(|slot| slot.spoil());
    }
}
