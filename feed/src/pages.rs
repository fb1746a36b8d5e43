//! Pages of posts: which of a list of candidates the viewer may see, and the JSON around them. Every
//! list of posts in the service goes through here, so that visibility, blocks and mutes hold on all.

use std::sync::Arc;

use ahash::AHashSet;
use chrono::{DateTime, Utc};
use madang_core::{
    ids::{PostId, UserId},
    viewer::Marks,
    visibility::{Sight, Surface, sight},
};

use crate::{
    Feed, ReadError,
    cards::{Card, Cards, placeholder},
    viewers::Look,
};

/// How deep quotes inside quotes are shown.
const QUOTE_DEPTH: u8 = 2;
/// Candidates examined for one page at most; a page may be short, its cursor goes on.
const MAX_EXAMINED: usize = 600;

/// One place on a page.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// A post.
    Post(Arc<Card>),
    /// That something was here.
    Placeholder(PostId, madang_core::visibility::PostState),
}

/// What was taken from a list of candidates.
#[derive(Debug, Default)]
pub(crate) struct Picked {
    /// What the viewer sees.
    pub items: Vec<Item>,
    /// Candidates examined, seen or not.
    pub used: usize,
    /// Posts inside those shown.
    inner: Cards,
}

/// A page ready to be sent.
#[derive(Debug, Clone)]
pub struct Page {
    /// The JSON envelope.
    pub body: String,
    /// The posts on it, in order.
    pub ids: Vec<PostId>,
    /// The posts whose text is on it, those inside others too.
    pub shown: Vec<PostId>,
    /// The cursor in the envelope.
    pub next_cursor: Option<String>,
}

impl Feed {
    /// Takes candidates in order until `limit` can be shown. The caller has caught up.
    pub(crate) async fn pick(
        &self,
        look: &Look,
        surface: Surface,
        candidates: &[PostId],
        limit: usize,
    ) -> sqlx::Result<Picked> {
        let mut picked = Picked::default();
        while picked.items.len() < limit && picked.used < candidates.len().min(MAX_EXAMINED) {
            let wanted = limit - picked.items.len();
            let chunk = candidates.get(picked.used..).unwrap_or_default();
            let chunk = chunk.get(..wanted.min(chunk.len())).unwrap_or_default();
            let cards = self.cards.get(chunk).await?;
            self.load_inner(cards.values(), &mut picked.inner).await?;
            for id in chunk {
                picked.used += 1;
                let Some(card) = cards.get(&id.get()) else {
                    continue;
                };
                picked.items.extend(self.item(look, surface, card, &picked.inner));
            }
        }
        Ok(picked)
    }

    /// Loads what the cards pass on and quote, two levels down.
    async fn load_inner<'a>(
        &self,
        cards: impl Iterator<Item = &'a Arc<Card>>,
        inner: &mut Cards,
    ) -> sqlx::Result<()> {
        let mut wanted: Vec<PostId> =
            cards.flat_map(|card| [card.repost_of, card.quote_of]).flatten().collect();
        for _ in 0..QUOTE_DEPTH {
            wanted.retain(|id| !inner.contains_key(&id.get()));
            if wanted.is_empty() {
                break;
            }
            let loaded = self.cards.get(&wanted).await?;
            wanted = loaded.values().filter_map(|card| card.quote_of).collect();
            inner.extend(loaded);
        }
        Ok(())
    }

    fn item(&self, look: &Look, surface: Surface, card: &Arc<Card>, inner: &Cards) -> Option<Item> {
        let state = card.state_now();
        match sight(state, look.onlooker(card.author_id), surface) {
            Sight::Hide => None,
            Sight::Placeholder => Some(Item::Placeholder(card.id, state)),
            Sight::Show if surface != Surface::Direct && look.mutes(card.author_id, &card.lower_case) => None,
            Sight::Show => match card.repost_of {
                // A repost is nothing without what it passes on.
                Some(original) if !shows_inside(look, inner.get(&original.get())?) => None,
                _ => Some(Item::Post(card.clone())),
            },
        }
    }

    /// A person as shown beside what they write; `None` when there is no such person. The caller has
    /// caught up.
    pub async fn author_json(&self, author: UserId) -> sqlx::Result<Option<String>> {
        let card = self.cards.author(author).await?;
        Ok(card.filter(|card| !card.deleted).map(|card| card.json.to_string()))
    }

    /// One post as JSON, the posts whose text is in it, and the token that says so; `None` when the viewer may
    /// not know of it.
    pub async fn post_shown(
        &self,
        look: &Look,
        id: PostId,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Option<(String, Vec<PostId>, String)>> {
        let picked = self.pick(look, Surface::Direct, &[id], 1).await?;
        let shown = picked.shown_ids();
        let body = self.post_json(look, &picked, now).await?;
        Ok(body.map(|body| {
            let token = self.view_token(look, &shown, now);
            (body, shown, token)
        }))
    }

    /// One post as JSON, or `None` when the viewer may not know of it.
    pub async fn post(&self, look: &Look, id: PostId, now: DateTime<Utc>) -> sqlx::Result<Option<String>> {
        let picked = self.pick(look, Surface::Direct, &[id], 1).await?;
        self.post_json(look, &picked, now).await
    }

    async fn post_json(
        &self,
        look: &Look,
        picked: &Picked,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Option<String>> {
        let Some(item) = picked.items.first() else {
            return Ok(None);
        };
        let mut out = String::new();
        let shown = picked.shown_ids();
        let marks = marks_by_id(&shown, self.marks_on(look, &shown).await?);
        self.write_item(&mut out, look, item, &picked.inner, &marks, now);
        Ok(Some(out))
    }

    /// The envelope of a list of posts, with the token that says what was shown to whom and when.
    pub(crate) async fn envelope(
        &self,
        look: &Look,
        picked: &Picked,
        next_cursor: Option<String>,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Page> {
        self.envelope_with(look, picked, next_cursor, now, &|_| String::new()).await
    }

    /// The same with members of their own at the end of each post, each with a comma before it.
    pub(crate) async fn envelope_with(
        &self,
        look: &Look,
        picked: &Picked,
        next_cursor: Option<String>,
        now: DateTime<Utc>,
        extra: &(dyn Fn(&Card) -> String + Send + Sync),
    ) -> sqlx::Result<Page> {
        let shown = picked.shown_ids();
        let marks = marks_by_id(&shown, self.marks_on(look, &shown).await?);
        let mut body = String::with_capacity(700 * picked.items.len() + 500);
        body.push_str(r#"{"items":["#);
        for (at, item) in picked.items.iter().enumerate() {
            if at > 0 {
                body.push(',');
            }
            self.write_item(&mut body, look, item, &picked.inner, &marks, now);
            if let Item::Post(card) = item {
                let extra = extra(card);
                if !extra.is_empty() {
                    body.pop();
                    body.extend([extra.as_str(), "}"]);
                }
            }
        }
        body.push_str(r#"],"next_cursor":"#);
        match &next_cursor {
            Some(cursor) => body.extend(["\"", cursor, "\""]),
            None => body.push_str("null"),
        }
        body.extend([r#","view_token":""#, &self.view_token(look, &shown, now), r#""}"#]);
        let ids = picked.items.iter().map(Item::id).collect();
        Ok(Page { body, ids, shown, next_cursor })
    }

    fn write_item(
        &self,
        out: &mut String,
        look: &Look,
        item: &Item,
        inner: &Cards,
        marks: &MarksById,
        now: DateTime<Utc>,
    ) {
        match item {
            Item::Placeholder(id, state) => out.push_str(&placeholder(*id, *state)),
            Item::Post(card) => self.write_post(out, look, card, inner, marks, (0, now)),
        }
    }

    fn write_post(
        &self,
        out: &mut String,
        look: &Look,
        card: &Card,
        inner: &Cards,
        marks: &MarksById,
        (depth, now): (u8, DateTime<Utc>),
    ) {
        let own_marks = look.who.map(|_| marks.get(&card.id.get()).copied().unwrap_or_default());
        card.write_open(out, own_marks, look.id() == card.author_id.get(), now);
        for (name, id) in [("repost_of", card.repost_of), ("quote_of", card.quote_of)] {
            out.extend([",\"", name, "\":"]);
            match (id, id.and_then(|id| inner.get(&id.get()))) {
                (None, _) => out.push_str("null"),
                (Some(_), Some(held)) if depth < QUOTE_DEPTH && shows_inside(look, held) => {
                    self.write_post(out, look, held, inner, marks, (depth + 1, now));
                }
                (Some(id), held) => {
                    let state =
                        held.map_or(madang_core::visibility::PostState::Removed, |card| card.state_now());
                    out.push_str(&placeholder(id, state));
                }
            }
        }
        out.push('}');
    }

    fn view_token(&self, look: &Look, shown: &[PostId], now: DateTime<Utc>) -> String {
        let mut payload = Vec::with_capacity(16 + shown.len() * 8);
        payload.extend_from_slice(&look.id().to_le_bytes());
        payload.extend_from_slice(&now.timestamp_millis().to_le_bytes());
        shown.iter().for_each(|id| payload.extend_from_slice(&id.get().to_le_bytes()));
        self.views.seal(&payload)
    }

    /// What a view token says, if it is ours.
    pub fn open_view_token(&self, token: &str) -> Option<ViewToken> {
        let payload = self.views.open(token)?;
        let (words, rest) = payload.as_chunks::<8>();
        let mut numbers = words.iter().map(|word| i64::from_le_bytes(*word));
        let (viewer, served) = (numbers.next()?, numbers.next()?);
        rest.is_empty().then(|| ViewToken {
            viewer: (viewer != 0).then(|| UserId::new(viewer)),
            served_at: DateTime::from_timestamp_millis(served).unwrap_or_default(),
            posts: numbers.map(PostId::new).collect(),
        })
    }
}

/// What was shown, to whom and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewToken {
    /// To whom, unless nobody was logged in.
    pub viewer: Option<UserId>,
    /// When.
    pub served_at: DateTime<Utc>,
    /// Which posts.
    pub posts: Vec<PostId>,
}

type MarksById = ahash::AHashMap<i64, Marks>;

fn marks_by_id(shown: &[PostId], marks: Vec<Option<Marks>>) -> MarksById {
    shown.iter().zip(marks).filter_map(|(id, marks)| Some((id.get(), marks?))).collect()
}

/// Whether a post may be shown inside another.
fn shows_inside(look: &Look, card: &Card) -> bool {
    sight(card.state_now(), look.onlooker(card.author_id), Surface::Quote) == Sight::Show
        && !look.mutes(card.author_id, &card.lower_case)
}

impl Item {
    pub(crate) fn id(&self) -> PostId {
        match self {
            Self::Post(card) => card.id,
            Self::Placeholder(id, _) => *id,
        }
    }
}

impl Picked {
    /// Adds what was taken from the next list.
    pub(crate) fn extend(&mut self, other: Self) {
        self.items.extend(other.items);
        self.inner.extend(other.inner);
    }

    /// The posts whose text is on the page, those inside others too, without doubles.
    fn shown_ids(&self) -> Vec<PostId> {
        let mut seen = AHashSet::new();
        let mut shown = Vec::with_capacity(self.items.len());
        for item in &self.items {
            let Item::Post(card) = item else { continue };
            let inside = [card.repost_of, card.quote_of];
            for id in std::iter::once(Some(card.id)).chain(inside).flatten() {
                if seen.insert(id) {
                    shown.push(id);
                }
            }
        }
        shown
    }

    /// The cursor's place: the last candidate examined.
    pub(crate) fn last<'a, T>(&self, candidates: &'a [T]) -> Option<&'a T> {
        candidates.get(self.used.checked_sub(1)?)
    }
}

impl From<crate::kv::Away> for ReadError {
    fn from(_: crate::kv::Away) -> Self {
        Self::Expired
    }
}
