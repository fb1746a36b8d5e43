//! What a process holds about the ones who look, and how it knows that it is still so: each act of a
//! viewer renews a random token in Redis, which is read along with every page.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use madang_core::{
    changes::Change,
    ids::{PostId, UserId},
    viewer::{self, Marks, Viewer, Who},
    visibility::Onlooker,
};

use crate::{Feed, kv::Away, live::Message};

/// Viewers held at most.
const MAX_VIEWERS: usize = 50_000;
/// Held at most so long: the bound should a token's renewal not reach Redis.
const MAX_AGE: Duration = Duration::from_secs(60);
/// Lifetime of a token, as long as a timeline's.
const TOKEN_MS: i64 = 13 * 86_400_000;

#[derive(Debug)]
struct HeldViewer {
    token: String,
    viewer: Arc<Viewer>,
    read: Instant,
}

/// Viewers by id.
pub struct ViewerStore(quick_cache::sync::Cache<i64, Arc<HeldViewer>>);

impl std::fmt::Debug for ViewerStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ViewerStore")
    }
}

impl Default for ViewerStore {
    fn default() -> Self {
        Self(quick_cache::sync::Cache::new(MAX_VIEWERS))
    }
}

impl ViewerStore {
    pub(crate) fn drop_for(&self, change: Change) {
        if let Change::Author(user) = change {
            self.0.remove(&user.get());
        }
    }

    pub(crate) fn drop_all(&self) {
        self.0.clear();
    }
}

/// One who looks, with what depends on them.
#[derive(Debug, Clone)]
pub struct Look {
    /// Who, unless nobody is logged in.
    pub who: Option<Who>,
    /// Whom they follow, block and mute, and their marks.
    pub viewer: Arc<Viewer>,
}

impl Look {
    /// Nobody logged in.
    pub fn anonymous() -> Self {
        Self { who: None, viewer: Arc::default() }
    }

    /// The viewer's id, or 0.
    pub fn id(&self) -> i64 {
        self.who.map_or(0, |who| who.user.get())
    }

    /// How an author sees them.
    pub fn onlooker(&self, author: UserId) -> Onlooker {
        match self.who {
            None => Onlooker::Anonymous,
            Some(who) if who.user == author => Onlooker::Author,
            Some(who) if who.role.is_staff() => Onlooker::Staff,
            Some(_) if self.viewer.blocked.contains(&author.get()) => Onlooker::Blocked,
            Some(_) => Onlooker::Other,
        }
    }

    /// Whether they muted the author or a word of the text. Nobody mutes themselves.
    pub fn mutes(&self, author: UserId, lower_case: &str) -> bool {
        self.id() != author.get()
            && (self.viewer.muted.contains(&author.get()) || self.viewer.mutes_text(lower_case))
    }
}

impl Feed {
    /// Catches up and prepares to look as somebody.
    pub async fn look(&self, who: Option<Who>) -> sqlx::Result<Look> {
        let Some(who) = who else {
            self.catch_up().await?;
            return Ok(Look::anonymous());
        };
        let mut pipe = redis::pipe();
        pipe.get(self.kv.keys.change()).get(self.kv.keys.viewer_token(who.user));
        let (change, token) = match self.kv.run::<(Option<String>, Option<String>)>(&pipe).await {
            Ok((change, token)) => (Ok(change), Ok(token)),
            Err(away) => (Err(away.clone()), Err(away)),
        };
        self.catch_up_to(change).await?;
        self.look_with(who, token).await
    }

    /// The same with the token that came along with another answer; the caller has caught up.
    pub(crate) async fn look_with(
        &self,
        who: Who,
        token: Result<Option<String>, Away>,
    ) -> sqlx::Result<Look> {
        let key = who.user.get();
        let token = match token {
            Ok(Some(token)) => Ok(token),
            Ok(None) => self.make_token(who.user).await,
            Err(away) => Err(away),
        };
        let Ok(token) = token else {
            let viewer = Arc::new(viewer::load(&self.pool, who.user).await?);
            return Ok(Look { who: Some(who), viewer });
        };
        let is_current = |held: &Arc<HeldViewer>| held.token == token && held.read.elapsed() < MAX_AGE;
        if let Some(held) = self.viewers.0.get(&key).filter(is_current) {
            return Ok(Look { who: Some(who), viewer: held.viewer.clone() });
        }
        let (then, read) = (self.sync.applied(), Instant::now());
        let viewer = Arc::new(viewer::load(&self.pool, who.user).await?);
        let held = Arc::new(HeldViewer { token, viewer: viewer.clone(), read });
        let concerns = |change| change == Change::Author(who.user);
        self.sync.keep_if_true(then, concerns, || self.viewers.0.insert(key, held));
        Ok(Look { who: Some(who), viewer })
    }

    async fn make_token(&self, user: UserId) -> Result<String, Away> {
        let key = self.kv.keys.viewer_token(user);
        let mut pipe = redis::pipe();
        pipe.cmd("SET").arg(&key).arg(fresh_token()).arg("NX").arg("PX").arg(TOKEN_MS).ignore().get(&key);
        let (token,): (Option<String>,) = self.kv.run(&pipe).await?;
        token.ok_or_else(|| Away::unexpected("no token"))
    }

    /// Says that a viewer acted; call after the commit and before the answer. When it was more than
    /// marking a post, their live streams begin anew with what holds now.
    pub async fn renew_viewer(&self, user: UserId, relations: bool) {
        self.viewers.0.remove(&user.get());
        let mut pipe = redis::pipe();
        pipe.cmd("SET")
            .arg(self.kv.keys.viewer_token(user))
            .arg(fresh_token())
            .arg("PX")
            .arg(TOKEN_MS)
            .ignore();
        if relations {
            pipe.publish(self.kv.keys.live(), Message::viewer(user)).ignore();
        }
        if let Err(error) = self.kv.run::<()>(&pipe).await {
            tracing::debug!(%error, "failed to renew a viewer's token");
        }
    }

    /// The viewer's marks on posts, asked of PostgreSQL where they are too old to be held.
    pub(crate) async fn marks_on(&self, look: &Look, posts: &[PostId]) -> sqlx::Result<Vec<Option<Marks>>> {
        let Some(who) = look.who else {
            return Ok(vec![None; posts.len()]);
        };
        let mut marks: Vec<Option<Marks>> = posts.iter().map(|post| look.viewer.marks_on(*post)).collect();
        let unknown: Vec<i64> =
            posts.iter().zip(&marks).filter(|(_, held)| held.is_none()).map(|(post, _)| post.get()).collect();
        if !unknown.is_empty() {
            let found = viewer::marks(&self.pool, who.user, &unknown).await?;
            for (post, held) in posts.iter().zip(&mut marks) {
                *held = held.or_else(|| found.get(post).copied());
            }
        }
        Ok(marks)
    }
}

fn fresh_token() -> u64 {
    rand::random()
}
