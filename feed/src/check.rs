//! `madang check`: every timeline and board as it is served, compared with plain SQL that shares nothing
//! with fan-out and rebuild.

use ahash::AHashMap;
use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use madang_core::{
    ids::{TickerId, UserId},
    users::Role,
    viewer::Who,
};

use crate::{
    Feed, ReadError,
    home::{Order, Source},
    timeline,
    viewers::Look,
};

/// Readers compared with one statement.
const BATCH: usize = 100;
/// Readers served at once.
const AT_ONCE: usize = 8;
/// Posts a page.
const PAGE: usize = 100;

/// What was compared and found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Timelines compared.
    pub timelines: u64,
    /// Boards compared.
    pub boards: u64,
    /// Lists that differ.
    pub differences: u64,
    /// Timelines served from Redis.
    pub stored: u64,
    /// Timelines made from PostgreSQL.
    pub rebuilt: u64,
    /// Timelines with lists of large authors merged in.
    pub merged: u64,
    /// Timelines cut at the cap.
    pub cut: u64,
    /// Timelines paged past their first window.
    pub past_seam: u64,
    /// Lists mended with `--repair`.
    pub repaired: u64,
    /// Rows whose counts or listing do not agree with the rows behind them.
    pub drift: u64,
}

impl Report {
    fn add(&mut self, other: &Self) {
        self.timelines += other.timelines;
        self.boards += other.boards;
        self.differences += other.differences;
        self.stored += other.stored;
        self.rebuilt += other.rebuilt;
        self.merged += other.merged;
        self.cut += other.cut;
        self.past_seam += other.past_seam;
        self.repaired += other.repaired;
        self.drift += other.drift;
    }

    /// Whether all is well.
    pub const fn is_clean(&self) -> bool {
        self.differences == self.repaired && self.drift == 0
    }
}

/// Whom to compare.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only this person.
    pub user: Option<UserId>,
    /// Only every n-th person, beginning with the first; all tickers.
    pub every: Option<usize>,
    /// Forget what differs, so that the next reading makes it anew, and compare again.
    pub repair: bool,
}

type Expected = AHashMap<i64, (Vec<i64>, Vec<i64>)>;

struct Person {
    who: Who,
    seen: bool,
}

impl Feed {
    /// Compares everything; `progress` is told after each batch how many are done, of how many.
    pub async fn check(&self, options: &Options, progress: &dyn Fn(u64, u64)) -> anyhow::Result<Report> {
        let mut report = Report::default();
        let people = self.people(options).await?;
        let tickers = if options.user.is_some() { Vec::new() } else { self.all_tickers().await? };
        let total = (people.len() + tickers.len()) as u64;
        for batch in people.chunks(BATCH) {
            let ids: Vec<i64> = batch.iter().map(|person| person.who.user.get()).collect();
            let expected = self.expected_timelines(&ids).await?;
            for few in batch.chunks(AT_ONCE) {
                let checks = few.iter().map(|person| self.check_person(person, &expected, options));
                try_join_all(checks).await?.iter().for_each(|one| report.add(one));
            }
            progress(report.timelines, total);
        }
        for ticker in tickers {
            self.check_board(ticker, options, &mut report).await?;
            progress(report.timelines + report.boards, total);
        }
        if options.user.is_none() {
            report.drift = self.drift().await?;
        }
        Ok(report)
    }

    async fn people(&self, options: &Options) -> anyhow::Result<Vec<Person>> {
        let since = Utc::now() - chrono::Duration::days(self.settings.seen_days - 1);
        let rows = sqlx::query!(
            r#"SELECT u.id AS "id!", u.role AS "role!", r.seen_at > $2 AS seen
               FROM users u LEFT JOIN readers r ON r.user_id = u.id
               WHERE u.deleted_at IS NULL AND ($1::bigint IS NULL OR u.id = $1) ORDER BY u.id"#,
            options.user.map(UserId::get),
            since
        )
        .fetch_all(&self.pool)
        .await?;
        let who = |id, role: String| Who { user: UserId::new(id), role: Role::from_column(&role) };
        Ok(rows
            .into_iter()
            .step_by(options.every.unwrap_or(1).max(1))
            .map(|row| Person { who: who(row.id, row.role), seen: row.seen.unwrap_or(false) })
            .collect())
    }

    async fn all_tickers(&self) -> sqlx::Result<Vec<TickerId>> {
        let ids = sqlx::query_scalar!("SELECT id FROM tickers ORDER BY id").fetch_all(&self.pool).await?;
        Ok(ids.into_iter().map(TickerId::new).collect())
    }

    async fn check_person(
        &self,
        person: &Person,
        expected: &Expected,
        options: &Options,
    ) -> anyhow::Result<Report> {
        let empty = (Vec::new(), Vec::new());
        let (top, latest) = expected.get(&person.who.user.get()).unwrap_or(&empty);
        let mut report = Report { timelines: 1, ..Report::default() };
        report.past_seam = u64::from(latest.len() > self.settings.timeline_cap);
        let now = Utc::now();
        let mut good = self.timeline_agrees(person, top, latest, Some(&mut report), now).await?;
        if good {
            return Ok(report);
        }
        report.differences = 1;
        tracing::warn!(user.id = person.who.user.get(), "a timeline differs");
        if options.repair {
            let mut pipe = redis::pipe();
            pipe.del(self.kv.keys.timeline(person.who.user.get())).ignore();
            self.kv.run::<()>(&pipe).await?;
            good = self.timeline_agrees(person, top, latest, None, now).await?;
            report.repaired = u64::from(good);
        }
        Ok(report)
    }

    async fn timeline_agrees(
        &self,
        person: &Person,
        top: &[i64],
        latest: &[i64],
        report: Option<&mut Report>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<bool> {
        let look = self.look(Some(person.who)).await?;
        let source = self.source_for_check(person, &look, report, now).await?;
        let served_top = self.home_ids(&look, &source, Order::Top, now).await?;
        let served_latest = self.home_ids(&look, &source, Order::Latest, now).await?;
        Ok(served_top == top && served_latest == latest)
    }

    /// As a reader would have it; for those nobody writes to, nothing is stored.
    async fn source_for_check(
        &self,
        person: &Person,
        look: &Look,
        report: Option<&mut Report>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Source> {
        let bytes = if person.seen { self.stored_bytes(person.who.user).await } else { None };
        let stored = self.stored_source(look, bytes.as_deref()).await?;
        let source = match stored {
            Some(source) => source,
            None => self.unstored_source(look, now).await?,
        };
        if let Some(report) = report {
            report.stored += u64::from(source.how.stored);
            report.rebuilt += u64::from(!source.how.stored);
            report.merged += u64::from(source.how.merged);
            let cut = bytes.as_deref().and_then(timeline::parse).is_some_and(|held| held.floor > 0);
            report.cut += u64::from(cut || source.floor > 0);
        }
        Ok(source)
    }

    async fn home_ids(
        &self,
        look: &Look,
        source: &Source,
        order: Order,
        now: DateTime<Utc>,
    ) -> Result<Vec<i64>, ReadError> {
        let mut ids = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = self.home_page(look, source, order, cursor.as_deref(), PAGE, now).await?;
            ids.extend(page.ids.iter().map(|id| id.get()));
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(ids),
            }
        }
    }

    /// For each reader the whole of home by rank within windows, and by id.
    async fn expected_timelines(&self, readers: &[i64]) -> sqlx::Result<Expected> {
        let cap = i64::try_from(self.settings.timeline_cap).unwrap_or(i64::MAX);
        let rows = sqlx::query!(
            r#"WITH source AS (
                   SELECT id AS reader, id AS author FROM unnest($1::bigint[]) AS me (id)
                   UNION ALL
                   SELECT follower_id, followee_id FROM follows WHERE follower_id = ANY($1)),
               counted AS (
                   SELECT s.reader, p.id, p.author_id, p.body, p.repost_of,
                          coalesce(p.restored_rank, p.rank) AS rank,
                          (row_number() OVER (PARTITION BY s.reader ORDER BY p.id DESC) - 1) / $2 AS place
                   FROM source s JOIN posts p ON p.author_id = s.author
                   WHERE p.deleted_at IS NULL AND p.moderation_state = 0
                     AND NOT EXISTS (SELECT FROM posts o WHERE o.id = p.repost_of
                                     AND (o.deleted_at IS NOT NULL OR o.moderation_state <> 0)))
               SELECT c.reader AS "reader!", c.id AS "id!", c.rank AS "rank!", c.place AS "place!"
               FROM counted c JOIN users viewer ON viewer.id = c.reader LEFT JOIN posts o ON o.id = c.repost_of
               WHERE NOT EXISTS (SELECT FROM mutes m WHERE m.muter_id = c.reader AND m.muter_id <> m.muted_id
                                 AND m.muted_id IN (c.author_id, o.author_id))
                 AND NOT EXISTS (SELECT FROM keyword_mutes k WHERE k.user_id = c.reader
                                 AND ((c.author_id <> c.reader AND strpos(lower(c.body), k.keyword) > 0)
                                      OR (o.author_id <> c.reader AND strpos(lower(o.body), k.keyword) > 0)))
                 AND (viewer.role IN ('moderator', 'admin')
                      OR NOT EXISTS (SELECT FROM blocks b
                          WHERE (b.blocker_id = c.reader AND b.blocked_id = o.author_id)
                             OR (b.blocked_id = c.reader AND b.blocker_id = o.author_id)))
               ORDER BY c.reader, c.place, c.rank DESC, c.id DESC"#,
            readers,
            cap
        )
        .fetch_all(&self.pool)
        .await?;
        let mut expected = Expected::new();
        for row in rows {
            let (top, latest) = expected.entry(row.reader).or_default();
            top.push(row.id);
            latest.push(row.id);
        }
        expected
            .values_mut()
            .for_each(|(_, latest)| latest.sort_unstable_by_key(|id| std::cmp::Reverse(*id)));
        Ok(expected)
    }

    async fn check_board(
        &self,
        ticker: TickerId,
        options: &Options,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        report.boards += 1;
        if self.board_agrees(ticker).await? {
            return Ok(());
        }
        report.differences += 1;
        tracing::warn!(ticker.id = ticker.get(), "a board differs");
        if options.repair {
            self.forget_board(ticker).await?;
            report.repaired += u64::from(self.board_agrees(ticker).await?);
        }
        Ok(())
    }

    async fn board_agrees(&self, ticker: TickerId) -> anyhow::Result<bool> {
        let latest = self.board_ids(ticker, Order::Latest).await?;
        let top = self.board_ids(ticker, Order::Top).await?;
        let cap = i64::try_from(self.settings.board_cap)?;
        let rows = sqlx::query!(
            r#"SELECT p.id AS "id!", coalesce(p.restored_rank, p.rank) + floor(21600 * log10(1 + (
                          SELECT count(*) FROM (
                              SELECT user_id FROM likes WHERE post_id = p.id AND user_id <> p.author_id
                              UNION
                              SELECT author_id FROM posts r
                              WHERE (r.reply_to = p.id OR r.repost_of = p.id) AND r.author_id <> p.author_id
                                AND r.deleted_at IS NULL AND r.moderation_state = 0) AS people)::float8))::bigint AS "score!"
               FROM posts p
               WHERE p.id IN (SELECT post_id FROM post_tickers WHERE ticker_id = $1)
                 AND p.deleted_at IS NULL AND p.moderation_state = 0
                 AND NOT EXISTS (SELECT FROM posts o WHERE o.id = p.repost_of
                                 AND (o.deleted_at IS NOT NULL OR o.moderation_state <> 0))
               ORDER BY p.id DESC"#,
            ticker.get()
        )
        .fetch_all(&self.pool)
        .await?;
        let expected_latest: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let mut newest: Vec<(i64, i64)> =
            rows.iter().take(usize::try_from(cap)?).map(|row| (row.score, row.id)).collect();
        newest.sort_unstable_by(|a, b| b.cmp(a));
        let expected_top: Vec<i64> = newest.into_iter().map(|(_, id)| id).collect();
        Ok(latest == expected_latest && top == expected_top)
    }

    async fn board_ids(&self, ticker: TickerId, order: Order) -> Result<Vec<i64>, ReadError> {
        let mut ids = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = self.board(None, ticker, order, cursor.as_deref(), PAGE, Utc::now()).await?;
            ids.extend(page.ids.iter().map(|id| id.get()));
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(ids),
            }
        }
    }

    /// Counts beside the rows they count, and `listed` beside what it stands for.
    async fn drift(&self) -> sqlx::Result<u64> {
        let row = sqlx::query!(
            r#"SELECT
                 (SELECT count(*) FROM users u
                  LEFT JOIN (SELECT followee_id, count(*) AS n FROM follows GROUP BY 1) f ON f.followee_id = u.id
                  LEFT JOIN (SELECT follower_id, count(*) AS n FROM follows GROUP BY 1) g ON g.follower_id = u.id
                  WHERE u.follower_count <> coalesce(f.n, 0) OR u.following_count <> coalesce(g.n, 0))
               + (SELECT count(*) FROM posts p
                  LEFT JOIN post_counts c ON c.post_id = p.id
                  LEFT JOIN (SELECT post_id, count(*) AS n FROM likes GROUP BY 1) l ON l.post_id = p.id
                  LEFT JOIN (SELECT reply_to, count(*) AS n FROM posts WHERE listed GROUP BY 1) r ON r.reply_to = p.id
                  LEFT JOIN (SELECT repost_of, count(*) AS n FROM posts WHERE listed GROUP BY 1) s ON s.repost_of = p.id
                  LEFT JOIN (SELECT quote_of, count(*) AS n FROM posts WHERE listed GROUP BY 1) q ON q.quote_of = p.id
                  WHERE coalesce(c.likes, 0) <> coalesce(l.n, 0) OR coalesce(c.replies, 0) <> coalesce(r.n, 0)
                     OR coalesce(c.reposts, 0) <> coalesce(s.n, 0) OR coalesce(c.quotes, 0) <> coalesce(q.n, 0))
               + (SELECT count(*) FROM poll_options o
                  LEFT JOIN (SELECT post_id, idx, count(*) AS n FROM poll_votes GROUP BY 1, 2) v USING (post_id, idx)
                  WHERE o.votes <> coalesce(v.n, 0))
               + (SELECT count(*) FROM posts p LEFT JOIN posts o ON o.id = p.repost_of
                  WHERE p.listed <> (p.deleted_at IS NULL AND p.moderation_state = 0
                        AND (p.repost_of IS NULL OR (o.deleted_at IS NULL AND o.moderation_state = 0)))) AS "drift!""#
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(u64::try_from(row.drift).unwrap_or(0))
    }
}
