//! Whom to suggest to a reader: candidates and what connects them, read from the database; the choice is made by
//! [`crate::suggest`]. Each place that is shown is counted, since newcomers are owed theirs.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use madang_core::ids::{TickerId, UserId, id_time};
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::{
    returns::Window,
    suggest::{Candidate, SuggestSettings, Suggestion, suggest},
};

/// Days for which it is remembered who was shown to whom.
pub const KEPT_DAYS: i64 = 14;

/// Suggests at most `size` people to a reader and counts that they were shown.
pub async fn show(
    pool: &PgPool,
    reader: UserId,
    size: usize,
    (now, seed): (DateTime<Utc>, u64),
) -> sqlx::Result<Vec<Suggestion>> {
    let excluded = excluded(pool, reader).await?;
    let candidates = candidates(pool, reader, now).await?;
    let chosen = suggest(&SuggestSettings::default(), &candidates, &excluded, size, seed);
    count(pool, reader, &chosen, now).await?;
    Ok(chosen)
}

/// The reader, whom they follow, muted or blocked, and who blocked them.
async fn excluded(executor: impl PgExecutor<'_>, reader: UserId) -> sqlx::Result<BTreeSet<UserId>> {
    let rows = sqlx::query_scalar!(
        r#"SELECT $1::bigint AS "id!"
           UNION ALL SELECT followee_id FROM follows WHERE follower_id = $1
           UNION ALL SELECT muted_id FROM mutes WHERE muter_id = $1
           UNION ALL SELECT blocked_id FROM blocks WHERE blocker_id = $1
           UNION ALL SELECT blocker_id FROM blocks WHERE blocked_id = $1"#,
        reader.get()
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(UserId::new).collect())
}

/// People worth looking at, from five sides, each bounded; in good standing, and neither staff nor programs.
async fn pool_of(
    executor: impl PgExecutor<'_>,
    reader: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"WITH mine AS (
               SELECT ticker_id FROM holdings WHERE user_id = $1
               UNION SELECT ticker_id FROM (SELECT ticker_id FROM watches WHERE user_id = $1 LIMIT 200) AS w),
           friends AS (
               SELECT followee_id FROM follows WHERE follower_id = $1 ORDER BY followee_id LIMIT 200),
           found AS (
               (SELECT h.user_id FROM holdings h
                WHERE h.ticker_id IN (SELECT ticker_id FROM mine) AND holding_disclosed(h.user_id, h.ticker_id)
                ORDER BY h.weight DESC LIMIT 200)
               UNION (SELECT w.user_id FROM window_returns w
                WHERE w.ticker_id = 0 AND w.span = $3 AND w.ineligible = '{}' AND disclosed(w.user_id, 0)
                ORDER BY w.score DESC LIMIT 100)
               UNION (SELECT f.followee_id FROM friends JOIN follows f ON f.follower_id = friends.followee_id
                GROUP BY 1 ORDER BY count(*) DESC LIMIT 200)
               UNION (SELECT p.author_id FROM (
                    SELECT post_id FROM post_tickers WHERE ticker_id IN (SELECT ticker_id FROM mine)
                    ORDER BY post_id DESC LIMIT 500) AS lately
                JOIN posts p ON p.id = lately.post_id WHERE p.listed)
               UNION (SELECT d.user_id FROM disclosures d LEFT JOIN suggestion_totals t ON t.creator_id = d.user_id
                WHERE d.revoked_at IS NULL AND coalesce(t.views, 0) < $4
                ORDER BY coalesce(t.views, 0), d.user_id LIMIT 100))
           SELECT u.id FROM found JOIN users u ON u.id = found.user_id
           WHERE u.deleted_at IS NULL AND u.role = 'investor' AND u.id <> $1
             AND in_good_standing(u.standing, u.standing_until, u.limited_until, $2)
           LIMIT 800"#,
        reader.get(),
        now,
        Window::Year.code(),
        i64::from(SuggestSettings::default().guaranteed)
    )
    .fetch_all(executor)
    .await
}

struct Row {
    id: i64,
    held: Option<Vec<i32>>,
    recent: Option<Vec<i32>>,
    lower_bound: Option<f64>,
    friends: i64,
    seen: i64,
    first_shown: Option<DateTime<Utc>>,
    first_post: Option<i64>,
    views: i64,
    follows: i64,
}

/// What the reader holds and watches.
struct Interests {
    held: BTreeSet<i32>,
    watched: BTreeSet<i32>,
}

async fn interests(executor: impl PgExecutor<'_>, reader: UserId) -> sqlx::Result<Interests> {
    let row = sqlx::query!(
        r#"SELECT ARRAY(SELECT ticker_id FROM holdings WHERE user_id = $1) AS "held!",
                  ARRAY(SELECT ticker_id FROM watches WHERE user_id = $1) AS "watched!""#,
        reader.get()
    )
    .fetch_one(executor)
    .await?;
    Ok(Interests { held: row.held.into_iter().collect(), watched: row.watched.into_iter().collect() })
}

async fn candidates(pool: &PgPool, reader: UserId, now: DateTime<Utc>) -> sqlx::Result<Vec<Candidate>> {
    let ids = pool_of(pool, reader, now).await?;
    let interests = interests(pool, reader).await?;
    // What a candidate shows is gathered once, and compared with the reader's here: a look-up for every pair of
    // candidate and ticker took seconds. Friends of friends are counted for the first follows only, as they are
    // found for them only.
    let rows = sqlx::query_as!(
        Row,
        r#"WITH friends AS (
               SELECT theirs.followee_id AS id, count(*) AS count
               FROM (SELECT followee_id FROM follows WHERE follower_id = $1 ORDER BY followee_id LIMIT 200) AS mine
               JOIN follows theirs ON theirs.follower_id = mine.followee_id
               WHERE theirs.followee_id = ANY($4) GROUP BY 1),
           seen AS (
               SELECT creator_id AS id, sum(times) AS times FROM suggestion_views
               WHERE reader_id = $1 AND day > $3 GROUP BY 1)
           SELECT c.id AS "id!", held.tickers AS held, recent.tickers AS recent,
               (SELECT r.lower_bound FROM window_returns r WHERE r.user_id = c.id AND r.ticker_id = 0 AND r.span = $2
                  AND r.ineligible = '{}' AND disclosed(c.id, 0)) AS lower_bound,
               coalesce(friends.count, 0) AS "friends!", coalesce(seen.times, 0) AS "seen!",
               (SELECT min(d.granted_at) FROM disclosures d WHERE d.user_id = c.id) AS first_shown,
               (SELECT min(p.id) FROM posts p WHERE p.author_id = c.id) AS first_post,
               coalesce(t.views, 0) AS "views!", coalesce(t.follows, 0) AS "follows!"
           FROM unnest($4::bigint[]) AS c (id)
           LEFT JOIN suggestion_totals t ON t.creator_id = c.id
           LEFT JOIN friends ON friends.id = c.id
           LEFT JOIN seen ON seen.id = c.id
           CROSS JOIN LATERAL (
               SELECT array_agg(h.ticker_id ORDER BY h.weight DESC, h.ticker_id) AS tickers FROM holdings h
               WHERE h.user_id = c.id AND holding_disclosed(c.id, h.ticker_id)) AS held
           CROSS JOIN LATERAL (
               SELECT array_agg(DISTINCT t.ticker_id) AS tickers
               FROM (SELECT id FROM posts p WHERE p.author_id = c.id AND p.listed ORDER BY id DESC LIMIT 20) AS p
               JOIN post_tickers t ON t.post_id = p.id WHERE t.ticker_id = ANY($5)) AS recent"#,
        reader.get(),
        Window::Year.code(),
        (now - Duration::days(KEPT_DAYS)).date_naive(),
        &ids,
        &interests.watched.iter().copied().collect::<Vec<i32>>()
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| candidate(row, &interests, now)).collect())
}

fn candidate(row: Row, interests: &Interests, now: DateTime<Utc>) -> Candidate {
    let held = row.held.unwrap_or_default();
    let of = |ids: &mut dyn Iterator<Item = i32>| ids.map(TickerId::new).collect::<Vec<TickerId>>();
    let known: BTreeSet<i32> = held.iter().copied().chain(row.recent.unwrap_or_default()).collect();
    let small = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    let began = [row.first_shown, row.first_post.map(id_time)].into_iter().flatten().min().unwrap_or(now);
    Candidate {
        user: UserId::new(row.id),
        shared_holdings: of(&mut held.iter().copied().filter(|id| interests.held.contains(id))),
        shared_watched: of(&mut known.intersection(&interests.watched).copied()),
        lead_ticker: held.first().copied().map(TickerId::new),
        lower_bound: row.lower_bound,
        followed_by_follows: small(row.friends),
        seen_by_reader: small(row.seen),
        age_days: small((now - began).num_days().max(0)),
        impressions: small(row.views),
        follows: small(row.follows),
    }
}

async fn count(pool: &PgPool, reader: UserId, shown: &[Suggestion], now: DateTime<Utc>) -> sqlx::Result<()> {
    let mut ids: Vec<i64> = shown.iter().map(|one| one.user.get()).collect();
    ids.sort_unstable();
    sqlx::query!(
        "WITH seen AS (
             INSERT INTO suggestion_views AS v (reader_id, creator_id, day)
             SELECT $1, c, $3 FROM unnest($2::bigint[]) AS c ORDER BY c
             ON CONFLICT (reader_id, creator_id, day) DO UPDATE SET times = v.times + 1)
         INSERT INTO suggestion_totals AS t (creator_id, views)
         SELECT c, 1 FROM unnest($2::bigint[]) AS c ORDER BY c
         ON CONFLICT (creator_id) DO UPDATE SET views = t.views + 1",
        reader.get(),
        &ids,
        now.date_naive()
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Counts a follow that came of a suggestion: of somebody who was shown to the follower lately. Following once more
/// counts for nothing.
pub async fn note_follow(
    tx: &mut PgConnection,
    reader: UserId,
    creator: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH first AS (
             UPDATE suggestion_views SET followed = true
             WHERE reader_id = $1 AND creator_id = $2 AND day > $3 AND NOT EXISTS (
                 SELECT FROM suggestion_views WHERE reader_id = $1 AND creator_id = $2 AND followed)
             RETURNING 1)
         UPDATE suggestion_totals SET follows = follows + 1 WHERE creator_id = $2 AND EXISTS (SELECT FROM first)",
        reader.get(),
        creator.get(),
        (now - Duration::days(KEPT_DAYS)).date_naive()
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Forgets who was shown to whom long ago, but not what came of it. Returns how many rows.
pub async fn drop_old(executor: impl PgExecutor<'_>, now: DateTime<Utc>, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM suggestion_views WHERE (reader_id, creator_id, day) IN (
             SELECT reader_id, creator_id, day FROM suggestion_views
             WHERE day <= $1 AND NOT followed ORDER BY day LIMIT $2)",
        (now - Duration::days(KEPT_DAYS)).date_naive(),
        limit
    )
    .execute(executor)
    .await?;
    Ok(done.rows_affected())
}
