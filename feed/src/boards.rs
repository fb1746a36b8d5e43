//! Ticker boards: the newest posts of a ticker, by id and by score, in two sorted sets that always have
//! the same members. A third key says that they are complete and from which id on, or that a build is
//! under way. Keys carry the epoch, so that those of an earlier life of Redis are never read.

use std::sync::Arc;

use ahash::AHashMap;
use chrono::{DateTime, Utc};
use madang_core::{
    ids::{PostId, TickerId},
    posts::{self, Scored, Window},
    viewer::Who,
    visibility::Surface,
};

use crate::{
    Feed, ReadError,
    cursor::{List, Scope},
    home::Order,
    kv::Away,
    pages::{Page, Picked},
    snapshots::Snapshot,
    viewers::Look,
};

const TTL_MS: i64 = 13 * 86_400_000;
const BUILD_MS: i64 = 10_000;
/// Members above the cap, in quarters of the cap, before a board is cut back.
const SLACK: &str = "1.25";

/// KEYS id, top, ok. ARGV post, score, cap. Adds to a complete or growing board; a post below the floor,
/// listed again, stays PostgreSQL's, or what lies between would be missing.
const ADD: &str = r"
local ok = redis.call('GET', KEYS[3])
if not ok then return 0 end
local floor = string.match(ok, '^f(%d+)$')
if floor and tonumber(ARGV[1]) < tonumber(floor) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[1])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
if string.sub(ok, 1, 1) == 'b' then return 1 end
local cap = tonumber(ARGV[3])
local n = redis.call('ZCARD', KEYS[1])
if n > cap * SLACK then
    for _, post in ipairs(redis.call('ZRANGE', KEYS[1], 0, n - cap - 1)) do
        redis.call('ZREM', KEYS[1], post)
        redis.call('ZREM', KEYS[2], post)
    end
    redis.call('SET', KEYS[3], 'f' .. redis.call('ZRANGE', KEYS[1], 0, 0)[1], 'KEEPTTL')
end
return 1";

/// KEYS as above. ARGV post, cap. A removal during a build ends the build; one that leaves a cut board
/// short has it built anew.
const REMOVE: &str = r"
local ok = redis.call('GET', KEYS[3])
if not ok then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
if string.sub(ok, 1, 1) == 'b' or (ok ~= 'f0' and redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[2])) then
    redis.call('DEL', KEYS[3])
end
return 1";

/// KEYS as above. ARGV post, score.
const RESCORE: &str = r"
local ok = redis.call('GET', KEYS[3])
if not ok then return 0 end
if string.sub(ok, 1, 1) == 'b' then return redis.call('DEL', KEYS[3]) end
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1]) end
return 1";

/// KEYS as above. ARGV token, lifetime. Begins a build unless the board is there or being built.
const BEGIN: &str = r"
if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[2])
return 1";

/// KEYS as above. ARGV token, floor, lifetime, then posts and scores in turn.
const FINISH: &str = r"
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return 0 end
for i = 4, #ARGV, 2 do
    redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i])
    redis.call('ZADD', KEYS[2], ARGV[i + 1], ARGV[i])
end
redis.call('SET', KEYS[3], 'f' .. ARGV[2], 'PX', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1";

/// What a job does to a board.
#[derive(Debug, Clone, Copy)]
pub(crate) enum BoardAct {
    /// A post is to be on it, with this score.
    Add(Scored),
    /// A post is to be off it.
    Remove(PostId),
    /// A post's score changed.
    Rescore(Scored),
}

/// A board's newest posts as far as they are at hand.
#[derive(Debug, Default)]
struct BoardSource {
    ids: Vec<PostId>,
    floor: i64,
}

impl Feed {
    /// A page of a ticker's board.
    pub async fn board(
        &self,
        who: Option<Who>,
        ticker: TickerId,
        order: Order,
        cursor: Option<&str>,
        limit: usize,
        now: DateTime<Utc>,
    ) -> Result<Page, ReadError> {
        let look = self.look(who).await?;
        let list = if order == Order::Top { List::BoardTop } else { List::BoardLatest };
        let scope = Scope { list, subject: i64::from(ticker.get()), viewer: look.id() };
        match order {
            Order::Latest => self.board_latest(&look, &scope, ticker, cursor, limit, now).await,
            Order::Top => {
                let snapshot = match cursor {
                    None => (self.top_snapshot(ticker).await?, 0),
                    Some(cursor) => self.open_snapshot(&scope, cursor).await?,
                };
                self.snapshot_page(&look, &scope, snapshot, limit, now).await
            }
        }
    }

    async fn board_latest(
        &self,
        look: &Look,
        scope: &Scope,
        ticker: TickerId,
        cursor: Option<&str>,
        limit: usize,
        now: DateTime<Utc>,
    ) -> Result<Page, ReadError> {
        let mut below = match cursor {
            Some(cursor) => scope.open::<1>(&self.cursors, cursor).ok_or(ReadError::BadCursor)?[0],
            None => Window::ALL.high + 1,
        };
        let batch = limit + 20;
        let mut page = Picked::default();
        loop {
            let source = self.board_source(ticker, below, batch).await?;
            let rest = source.ids.len() == batch;
            let picked = self.pick(look, Surface::Feed, &source.ids, limit - page.items.len()).await?;
            let unused = picked.used < source.ids.len();
            if let Some(last) = picked.last(&source.ids) {
                below = last.get();
            }
            page.extend(picked);
            // Below the floor PostgreSQL goes on.
            let more = rest || source.floor > 0;
            if unused || page.items.len() >= limit || !more {
                let next = (unused || more).then(|| scope.seal(&self.cursors, [below]));
                return Ok(self.envelope(look, &page, next, now).await?);
            }
            if !rest {
                below = below.min(source.floor);
            }
        }
    }

    /// Up to `limit` ids below one; the floor is 0 when nothing is below what was found.
    async fn board_source(&self, ticker: TickerId, below: i64, limit: usize) -> sqlx::Result<BoardSource> {
        let keys = self.kv.keys.board(self.kv.epoch(), ticker);
        let mut pipe = redis::pipe();
        pipe.get(&keys[2]).cmd("ZREVRANGEBYSCORE").arg(&keys[0]).arg(below - 1).arg("-inf");
        pipe.arg("LIMIT").arg(0).arg(limit);
        let held = self.kv.run::<(Option<String>, Vec<i64>)>(&pipe).await;
        if let Ok((Some(ok), ids)) = held
            && let Some(floor) = ok.strip_prefix('f').and_then(|floor| floor.parse::<i64>().ok())
            && below > floor
        {
            return Ok(BoardSource { ids: ids.into_iter().map(PostId::new).collect(), floor });
        } else if below > Window::ALL.high {
            self.build_board(ticker).await?;
        }
        let count = i64::try_from(limit).unwrap_or(i64::MAX);
        let entries = posts::board_entries(&self.pool, ticker, Window::below(below), count).await?;
        Ok(BoardSource { ids: entries.iter().map(|entry| entry.id).collect(), floor: 0 })
    }

    /// Stores a board from PostgreSQL, unless somebody else does.
    async fn build_board(&self, ticker: TickerId) -> sqlx::Result<()> {
        let keys = self.kv.keys.board(self.kv.epoch(), ticker);
        let token = format!("b{}", rand::random::<u64>());
        let mut pipe = redis::pipe();
        add_script(&mut pipe, BEGIN, &keys).arg(&token).arg(BUILD_MS);
        if !matches!(self.kv.run::<(i64,)>(&pipe).await, Ok((1,))) {
            return Ok(());
        }
        let cap = self.settings.board_cap;
        let kept = i64::try_from(cap + cap / 8).unwrap_or(i64::MAX);
        let entries = posts::board_entries(&self.pool, ticker, Window::ALL, kept).await?;
        let ids: Vec<i64> = entries.iter().map(|entry| entry.id.get()).collect();
        let scores = posts::engaged_scores(&self.pool, &ids).await?;
        let complete = i64::try_from(ids.len()).is_ok_and(|found| found < kept);
        let floor = if complete { 0 } else { ids.last().copied().unwrap_or(0) };
        let mut pipe = redis::pipe();
        add_script(&mut pipe, FINISH, &keys).arg(&token).arg(floor).arg(TTL_MS);
        for scored in scores {
            pipe.arg(scored.id.get()).arg(scored.score);
        }
        if let Err(error) = self.kv.run::<(i64,)>(&pipe).await {
            tracing::debug!(%error, "failed to store a board");
        }
        Ok(())
    }

    /// The newest `cap` posts of a ticker by score, frozen.
    async fn top_snapshot(&self, ticker: TickerId) -> sqlx::Result<Arc<Snapshot>> {
        let list = i64::from(ticker.get());
        if let Some(held) = self.fresh_snapshot(list) {
            return Ok(held);
        }
        let scored = match self.stored_scores(ticker).await {
            Some(scored) => scored,
            None => {
                self.build_board(ticker).await?;
                match self.stored_scores(ticker).await {
                    Some(scored) => scored,
                    None => self.scores_from_database(ticker).await?,
                }
            }
        };
        Ok(self.freeze(list, best_first(scored)).await)
    }

    async fn stored_scores(&self, ticker: TickerId) -> Option<Vec<Scored>> {
        let keys = self.kv.keys.board(self.kv.epoch(), ticker);
        let mut pipe = redis::pipe();
        pipe.get(&keys[2]).zrevrange(&keys[0], 0, isize::try_from(self.settings.board_cap).ok()? - 1);
        pipe.zrange_withscores(&keys[1], 0, -1);
        let (ok, newest, scores) =
            self.kv.run::<(Option<String>, Vec<i64>, Vec<(i64, f64)>)>(&pipe).await.ok()?;
        ok.filter(|ok| ok.starts_with('f'))?;
        let scores: AHashMap<i64, f64> = scores.into_iter().collect();
        #[expect(clippy::cast_possible_truncation, reason = "scores are whole seconds, far below 2^53")]
        let scored = |id: i64| Some(Scored { id: PostId::new(id), score: *scores.get(&id)? as i64 });
        Some(newest.into_iter().filter_map(scored).collect())
    }

    async fn scores_from_database(&self, ticker: TickerId) -> sqlx::Result<Vec<Scored>> {
        let cap = i64::try_from(self.settings.board_cap).unwrap_or(i64::MAX);
        let entries = posts::board_entries(&self.pool, ticker, Window::ALL, cap).await?;
        let ids: Vec<i64> = entries.iter().map(|entry| entry.id.get()).collect();
        posts::engaged_scores(&self.pool, &ids).await
    }

    /// Applies acts to boards, in one round trip.
    pub(crate) async fn act_on_boards(&self, acts: &[(TickerId, BoardAct)]) -> Result<(), Away> {
        if acts.is_empty() {
            return Ok(());
        }
        let cap = self.settings.board_cap;
        let mut pipe = redis::pipe();
        for (ticker, act) in acts {
            let keys = self.kv.keys.board(self.kv.epoch(), *ticker);
            match act {
                BoardAct::Add(post) => {
                    let script = ADD.replace("SLACK", SLACK);
                    add_script(&mut pipe, &script, &keys)
                        .arg(post.id.get())
                        .arg(post.score)
                        .arg(cap)
                        .ignore();
                }
                BoardAct::Remove(post) => {
                    add_script(&mut pipe, REMOVE, &keys).arg(post.get()).arg(cap).ignore();
                }
                BoardAct::Rescore(post) => {
                    add_script(&mut pipe, RESCORE, &keys).arg(post.id.get()).arg(post.score).ignore();
                }
            }
        }
        self.kv.run_bulk::<()>(&pipe).await
    }

    /// Forgets a stored board, so that the next reading builds it.
    pub(crate) async fn forget_board(&self, ticker: TickerId) -> Result<(), Away> {
        self.forget_snapshot(i64::from(ticker.get()));
        let keys = self.kv.keys.board(self.kv.epoch(), ticker);
        let mut pipe = redis::pipe();
        pipe.del(&keys[..]).ignore();
        self.kv.run(&pipe).await
    }
}

/// By score, ties by newer id.
pub(crate) fn best_first(mut scored: Vec<Scored>) -> Vec<PostId> {
    scored.sort_unstable_by_key(|post| std::cmp::Reverse((post.score, post.id)));
    scored.into_iter().map(|post| post.id).collect()
}

fn add_script<'a>(
    pipe: &'a mut redis::Pipeline,
    script: &str,
    keys: &[String; 3],
) -> &'a mut redis::Pipeline {
    pipe.cmd("EVAL").arg(script).arg(3).arg(&keys[..])
}
