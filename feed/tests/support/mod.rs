//! What the tests of this crate share: processes over one database and one Redis prefix, people, and the
//! acts of people as the API does them (commit, then renew and publish, then answer).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, Utc};
use madang_core::{
    accounts,
    changes::{self, Change},
    follows::{self, Followed},
    ids::{PostId, TickerId, UserId},
    jobs::{self, JobKind},
    posts::{self, NewPost, PricedTicker, Published, Stance, Submission},
    reactions, relations,
    settings::{FeedSettings, RedisSettings, WorkSettings},
    text::PostBody,
    users::Role,
    viewer::Who,
};
use madang_feed::{Feed, home::Order, work::Worker};
use sqlx::{PgPool, Postgres, Transaction};

/// The defaults, but a frozen list serves nobody else.
pub(crate) const SETTINGS: FeedSettings = FeedSettings {
    timeline_cap: 500,
    board_cap: 1_000,
    push_limit: 10_000,
    seen_days: 14,
    snapshot_reuse_ms: 0,
    snapshot_secs: 900,
};

pub(crate) const WORK: WorkSettings = WorkSettings {
    bind: None,
    lease: Duration::from_secs(30),
    max_attempts: 10,
    batch: 256,
    poll: Duration::from_millis(500),
    stop_deadline: Duration::from_secs(20),
};

/// One database and one Redis prefix, on which any number of processes work.
pub(crate) struct Place {
    pub(crate) pool: PgPool,
    pub(crate) redis: RedisSettings,
    pub(crate) settings: FeedSettings,
}

impl Place {
    pub(crate) fn new(pool: &PgPool, settings: FeedSettings) -> anyhow::Result<Self> {
        let url = std::env::var("REDIS_URL").context("REDIS_URL must be set")?;
        Ok(Self::on(pool, settings, &url))
    }

    pub(crate) fn on(pool: &PgPool, settings: FeedSettings, url: &str) -> Self {
        let redis = RedisSettings {
            url: url.to_owned().into(),
            prefix: format!("test:{:016x}:", rand::random::<u64>()),
            timeout: Duration::from_secs(5),
            bulk_timeout: Duration::from_secs(10),
        };
        Self { pool: pool.clone(), redis, settings }
    }

    /// Another process.
    pub(crate) fn process(&self) -> anyhow::Result<Arc<Feed>> {
        let feed = Feed::new(
            self.pool.clone(),
            &self.redis,
            self.settings,
            b"0123456789abcdef0123456789abcdef",
            vec![],
        )?;
        Ok(Arc::new(feed))
    }

    /// Compares everything from a new process.
    pub(crate) async fn check(&self) -> anyhow::Result<madang_feed::check::Report> {
        self.process()?.check(&madang_feed::check::Options::default(), &|_, _| {}).await
    }

    /// Takes this test's keys out of the shared Redis.
    pub(crate) async fn sweep(&self, feed: &Feed) -> anyhow::Result<()> {
        for key in self.keys(feed, "*").await? {
            feed.kv.cmd::<()>(redis::cmd("UNLINK").arg(key)).await?;
        }
        Ok(())
    }

    /// This test's keys that match.
    pub(crate) async fn keys(&self, feed: &Feed, pattern: &str) -> anyhow::Result<Vec<String>> {
        let pattern = format!("{}{pattern}", self.redis.prefix);
        let (mut cursor, mut found) = (0_u64, Vec::new());
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(5_000);
            let (next, keys): (u64, Vec<String>) = feed.kv.cmd(&scan).await?;
            found.extend(keys);
            cursor = next;
            if cursor == 0 {
                return Ok(found);
            }
        }
    }
}

/// Works until nothing is left, jobs asked for later included. Fails when one was parked.
pub(crate) async fn drain(feed: &Arc<Feed>) -> anyhow::Result<usize> {
    let worker = Worker::new(feed.clone(), WORK);
    let mut done = 0;
    loop {
        sqlx::query("UPDATE jobs SET run_at = now() WHERE lease IS NULL AND parked_at IS NULL")
            .execute(&feed.pool)
            .await?;
        match worker.drain().await? {
            0 => break,
            count => done += count,
        }
    }
    let parked = jobs::parked(&feed.pool, 10).await?;
    ensure!(parked.is_empty(), "parked: {parked:?}");
    Ok(done)
}

/// Waits for a condition, at most ten seconds.
pub(crate) async fn until<F>(what: &str, mut holds: impl FnMut() -> F) -> anyhow::Result<()>
where
    F: Future<Output = bool>,
{
    let end = Instant::now() + Duration::from_secs(10);
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    while !holds().await {
        ensure!(Instant::now() < end, "waited in vain: {what}");
        ticks.tick().await;
    }
    Ok(())
}

pub(crate) fn investor(user: UserId) -> Who {
    Who { user, role: Role::Investor }
}

/// New people, oldest first.
pub(crate) async fn people(pool: &PgPool, count: i32) -> sqlx::Result<Vec<UserId>> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "INSERT INTO users (id, handle, handle_fold, handle_skeleton, name, created_at)
         SELECT new_id(at), 'u' || n, 'u' || n, 'u' || n, 'name of u' || n, at
         FROM (SELECT n, now() - interval '30 days' + n * interval '10 ms' AS at
               FROM (SELECT (SELECT count(*) FROM users) + g AS n FROM generate_series(1, $1) AS g) AS numbers) AS made
         ORDER BY n RETURNING id",
    )
    .bind(count)
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(UserId::new).collect())
}

pub(crate) async fn tickers(pool: &PgPool, count: i32) -> sqlx::Result<Vec<TickerId>> {
    let ids: Vec<i32> = sqlx::query_scalar(
        "INSERT INTO tickers (market, code, name, currency, time_zone)
         SELECT 'XTST', 'T' || g, 'Ticker ' || g, 'KRW', 'Asia/Seoul' FROM generate_series(1, $1) AS g RETURNING id",
    )
    .bind(count)
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(TickerId::new).collect())
}

/// Many follows at once; counts are made to agree.
pub(crate) async fn follow_in_bulk(pool: &PgPool, edges: &[(UserId, UserId)]) -> sqlx::Result<()> {
    let (followers, followees): (Vec<i64>, Vec<i64>) = edges.iter().map(|(a, b)| (a.get(), b.get())).unzip();
    let mut tx = pool.begin().await?;
    sqlx::query("SELECT set_config('madang.bulk', 'on', true)").execute(&mut *tx).await?;
    sqlx::query(
        "INSERT INTO follows (follower_id, followee_id)
         SELECT * FROM unnest($1::bigint[], $2::bigint[]) ON CONFLICT DO NOTHING",
    )
    .bind(followers)
    .bind(followees)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "UPDATE users u SET follower_count = (SELECT count(*) FROM follows WHERE followee_id = u.id),
                            following_count = (SELECT count(*) FROM follows WHERE follower_id = u.id)",
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

/// Asks for the authors who are on the wrong side of the limit, as a worker does when it starts.
pub(crate) async fn settle_authors(feed: &Feed) -> sqlx::Result<()> {
    let authors = madang_core::users::misplaced_authors(&feed.pool, feed.settings.push_limit).await?;
    jobs::enqueue_many(&feed.pool, JobKind::Merge, &authors, 0, Duration::ZERO).await
}

pub(crate) fn body(text: &str) -> anyhow::Result<PostBody> {
    Ok(PostBody::parse(text)?)
}

/// A plain post.
pub(crate) fn draft(author: UserId, text: &str, now: DateTime<Utc>) -> anyhow::Result<NewPost> {
    Ok(NewPost {
        author,
        body: body(text)?,
        stance: Stance::None,
        reply_to: None,
        quote_of: None,
        repost_of: None,
        tickers: vec![],
        mentions: vec![],
        poll: None,
        language: None,
        attachment: None,
        labels: posts::attachments::Labels::default(),
        now,
    })
}

pub(crate) fn on_ticker(mut post: NewPost, id: TickerId) -> NewPost {
    post.tickers.push(PricedTicker { id, close: None });
    post
}

/// The acts of people, through one process.
pub(crate) struct Acts<'a> {
    pub(crate) feed: &'a Feed,
}

impl Acts<'_> {
    async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        self.feed.pool.begin().await
    }

    /// Commits and tells, as `api` does before it answers.
    async fn commit(
        &self,
        tx: Transaction<'static, Postgres>,
        viewers: &[UserId],
        changed: bool,
    ) -> sqlx::Result<()> {
        tx.commit().await?;
        for viewer in viewers {
            self.feed.renew_viewer(*viewer, true).await;
        }
        if changed {
            let number = changes::latest(&self.feed.pool).await?;
            self.feed.publish(number).await;
        }
        Ok(())
    }

    pub(crate) async fn post(&self, post: &NewPost) -> anyhow::Result<PostId> {
        let alone = Submission { post: post.clone(), key: None, answer_tail: String::new() };
        match posts::create(&self.feed.pool, &alone).await? {
            Published::New(created) => Ok(created.id),
            other => bail!("not published: {other:?}"),
        }
    }

    pub(crate) async fn say(&self, author: UserId, text: &str) -> anyhow::Result<PostId> {
        self.post(&draft(author, text, Utc::now())?).await
    }

    pub(crate) async fn repost(
        &self,
        user: UserId,
        original: PostId,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Option<PostId>> {
        let mut post = draft(user, "x", now)?;
        post.body = PostBody::empty();
        post.repost_of = Some(original);
        let mut tx = self.begin().await?;
        let made = posts::repost(&mut tx, post).await?;
        self.commit(tx, &[user], false).await?;
        Ok(made.filter(|(_, new)| *new).map(|(id, _)| id))
    }

    pub(crate) async fn follow(&self, a: UserId, b: UserId) -> anyhow::Result<Followed> {
        let limit = self.feed.settings.push_limit;
        let mut tx = self.begin().await?;
        let done = follows::follow(&mut tx, a, b, limit, Utc::now()).await?;
        self.commit(tx, &[a], false).await?;
        Ok(done)
    }

    pub(crate) async fn unfollow(&self, a: UserId, b: UserId) -> anyhow::Result<bool> {
        let limit = self.feed.settings.push_limit;
        let mut tx = self.begin().await?;
        let done = follows::unfollow(&mut tx, a, b, limit).await?;
        self.commit(tx, &[a], false).await?;
        Ok(done)
    }

    pub(crate) async fn block(&self, a: UserId, b: UserId) -> anyhow::Result<()> {
        let limit = self.feed.settings.push_limit;
        let mut tx = self.begin().await?;
        relations::block(&mut tx, a, b, limit).await?;
        changes::record(&mut tx, &[Change::Author(a), Change::Author(b)]).await?;
        Ok(self.commit(tx, &[a, b], true).await?)
    }

    pub(crate) async fn mute(&self, a: UserId, b: UserId) -> anyhow::Result<()> {
        let mut tx = self.begin().await?;
        relations::set_mute(&mut tx, a, b, true).await?;
        Ok(self.commit(tx, &[a], false).await?)
    }

    pub(crate) async fn mute_keyword(&self, a: UserId, keyword: &str) -> anyhow::Result<()> {
        let mut tx = self.begin().await?;
        relations::set_keyword(&mut tx, a, keyword, true).await?;
        Ok(self.commit(tx, &[a], false).await?)
    }

    pub(crate) async fn like(&self, user: UserId, post: PostId, on: bool) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let done = reactions::set_like(&mut tx, post, user, on).await?;
        self.commit(tx, &[user], false).await?;
        Ok(done)
    }

    pub(crate) async fn bookmark(&self, user: UserId, post: PostId) -> anyhow::Result<()> {
        let mut tx = self.begin().await?;
        reactions::set_bookmark(&mut tx, post, user, true, Utc::now()).await?;
        Ok(self.commit(tx, &[user], false).await?)
    }

    pub(crate) async fn edit(
        &self,
        author: UserId,
        post: PostId,
        text: &str,
        now: DateTime<Utc>,
    ) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let done = posts::edit(&mut tx, post, author, &body(text)?, false, now).await?;
        if done.is_ok_and(|edited| edited.changed) {
            changes::record(&mut tx, &[Change::Post(post)]).await?;
        }
        self.commit(tx, &[], done.is_ok()).await?;
        Ok(done.is_ok())
    }

    pub(crate) async fn delete(
        &self,
        author: UserId,
        post: PostId,
        now: DateTime<Utc>,
    ) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let done = posts::delete(&mut tx, post, author, now).await?;
        self.commit(tx, &[author], done).await?;
        Ok(done)
    }

    /// As a moderator's decision does it: the post and what passes it on leave feeds and boards.
    pub(crate) async fn hide(&self, post: PostId) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE posts SET moderation_state = 3, listed = false
             WHERE id = $1 AND deleted_at IS NULL AND moderation_state = 0",
        )
        .bind(post.get())
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let mut all: Vec<i64> = sqlx::query_scalar(
            "UPDATE posts SET listed = false WHERE repost_of = $1 AND listed RETURNING id",
        )
        .bind(post.get())
        .fetch_all(&mut *tx)
        .await?;
        all.push(post.get());
        jobs::enqueue_many(&mut *tx, JobKind::Fanout, &all, 0, Duration::ZERO).await?;
        jobs::enqueue_many(&mut *tx, JobKind::Fanout, &all, 1, WORK.lease * 3).await?;
        changes::record(&mut tx, &[Change::Post(post)]).await?;
        self.commit(tx, &[], true).await?;
        Ok(true)
    }

    pub(crate) async fn list_again(&self, post: PostId, now: DateTime<Utc>) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let done = posts::list_again(&mut tx, post, now).await?;
        changes::record(&mut tx, &[Change::Post(post)]).await?;
        self.commit(tx, &[], true).await?;
        Ok(done)
    }

    pub(crate) async fn rename(&self, user: UserId, name: &str) -> anyhow::Result<()> {
        let edit = madang_core::users::ProfileEdit { name: Some(name.to_owned()), ..Default::default() };
        let mut tx = self.begin().await?;
        madang_core::users::edit(&mut tx, user, &edit).await?;
        changes::record(&mut tx, &[Change::Author(user)]).await?;
        Ok(self.commit(tx, &[user], true).await?)
    }

    pub(crate) async fn leave(&self, user: UserId, now: DateTime<Utc>) -> anyhow::Result<bool> {
        let limit = self.feed.settings.push_limit;
        let mut tx = self.begin().await?;
        let done = accounts::delete(&mut tx, user, limit, now).await?;
        self.commit(tx, &[user], true).await?;
        Ok(done)
    }
}

/// All pages of somebody's home.
pub(crate) async fn whole_home(
    feed: &Feed,
    user: UserId,
    order: Order,
    limit: usize,
) -> anyhow::Result<Vec<i64>> {
    let (mut ids, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = feed.home(investor(user), order, cursor.as_deref(), limit, Utc::now()).await?;
        ids.extend(page.ids.iter().map(|id| id.get()));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(ids);
        }
    }
}

/// All pages of a board, as nobody sees it.
pub(crate) async fn whole_board(
    feed: &Feed,
    ticker: TickerId,
    order: Order,
    limit: usize,
) -> anyhow::Result<Vec<i64>> {
    let (mut ids, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = feed.board(None, ticker, order, cursor.as_deref(), limit, Utc::now()).await?;
        ids.extend(page.ids.iter().map(|id| id.get()));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(ids);
        }
    }
}

/// What PostgreSQL says somebody's home holds, newest first.
pub(crate) async fn home_by_sql(pool: &PgPool, user: UserId) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar(
        "SELECT p.id FROM posts p LEFT JOIN posts o ON o.id = p.repost_of
         WHERE (p.author_id = $1 OR p.author_id IN (SELECT followee_id FROM follows WHERE follower_id = $1))
           AND p.deleted_at IS NULL AND p.moderation_state = 0
           AND (p.repost_of IS NULL OR (o.deleted_at IS NULL AND o.moderation_state = 0
                AND NOT EXISTS (SELECT FROM blocks b WHERE (b.blocker_id, b.blocked_id) IN (($1, o.author_id), (o.author_id, $1)))))
         ORDER BY p.id DESC",
    )
    .bind(user.get())
    .fetch_all(pool)
    .await
}

/// Every home agrees with SQL in what it holds, in both orders and without doubles.
pub(crate) async fn homes_agree(feed: &Feed, readers: &[UserId], limit: usize) -> anyhow::Result<()> {
    for reader in readers {
        let expected = home_by_sql(&feed.pool, *reader).await?;
        let latest = whole_home(feed, *reader, Order::Latest, limit).await?;
        ensure!(latest == expected, "latest of {reader}: {latest:?}, not {expected:?}");
        let mut top = whole_home(feed, *reader, Order::Top, limit).await?;
        top.sort_unstable_by(|a, b| b.cmp(a));
        ensure!(top == expected, "top of {reader} holds {top:?}, not {expected:?}");
    }
    Ok(())
}

/// A Redis of the test's own, without persistence unless asked to save. It goes with the test.
pub(crate) struct Server {
    child: std::process::Child,
    pub(crate) dir: std::path::PathBuf,
    port: u16,
}

impl Server {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let dir = std::env::temp_dir().join(format!("madang-redis-{:016x}", rand::random::<u64>()));
        std::fs::create_dir_all(&dir)?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Self::spawn(&dir, port)?;
        let server = Self { child, dir, port };
        server.answers().await?;
        Ok(server)
    }

    fn spawn(dir: &std::path::Path, port: u16) -> anyhow::Result<std::process::Child> {
        std::process::Command::new("redis-server")
            .args(["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--port"])
            .arg(port.to_string())
            .arg("--dir")
            .arg(dir)
            .stdout(std::process::Stdio::null())
            .spawn()
            .context("failed to start redis-server")
    }

    async fn answers(&self) -> anyhow::Result<()> {
        until("redis-server answers", || async { self.ask::<String>(&["PING"]).await.is_ok() }).await
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    pub(crate) async fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> anyhow::Result<T> {
        let client = redis::Client::open(self.url())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let mut cmd = redis::Cmd::new();
        cmd.arg(words);
        Ok(cmd.query_async(&mut connection).await?)
    }

    /// `kill -9`, and up again with whatever `dump.rdb` says.
    pub(crate) async fn restart(&mut self) -> anyhow::Result<()> {
        self.kill()?;
        self.child = Self::spawn(&self.dir, self.port)?;
        self.answers().await
    }

    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.kill();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
