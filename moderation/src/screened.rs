//! What screening found, remembered: fingerprints, to find copies by, and hits, to see what a rule does.
//! The serving process notes each post as it is published and writes in batches; other processes' posts are
//! read back every second, so that copies are found whoever took them.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use madang_core::ids::{PostId, UserId, id_floor, id_time};
use sqlx::{PgExecutor, PgPool};

use crate::{
    copies::{COUNTED, Copies, Print, bands},
    text::{Mode, Near, Screening, simhash},
};

/// Between two writings.
const EVERY: Duration = Duration::from_secs(1);
/// Posts waiting to be written at most; more are dropped and counted as such.
const MAX_WAITING: usize = 50_000;
/// Rows of one statement.
const BATCH: usize = 5_000;
/// How far back the posts of other processes are looked for: longer than any of them waits to write.
const LOOK_BACK: chrono::Duration = chrono::Duration::seconds(30);
/// Letters below which a text has too little to be a copy of another.
pub const MIN_LETTERS: usize = 8;

struct Noted {
    print: Option<Print>,
    /// None for a text that was refused.
    post: Option<PostId>,
    hits: Vec<(i64, Mode)>,
}

/// What waits to be written, and the copies of a day.
#[derive(Default)]
pub struct Screened {
    waiting: Mutex<Vec<Noted>>,
    copies: Mutex<Copies>,
}

impl std::fmt::Debug for Screened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Screened")
    }
}

impl Screened {
    /// Notes a post that was published, held or edited; never waits.
    pub fn note(&self, post: PostId, author: UserId, text: &str, screening: &Screening) {
        let print = has_print(text).then_some(Print { post, author, hash: screening.simhash });
        if let Some(print) = print {
            self.copies.lock().unwrap_or_else(PoisonError::into_inner).add(print);
        }
        self.keep(Noted { print, post: Some(post), hits: rules_of(screening) });
    }

    /// How many posts of the last day, but for one, are nearly the same as a text of `author`.
    pub fn near(&self, hash: u64, author: UserId, except: Option<PostId>, now: DateTime<Utc>) -> Near {
        self.copies.lock().unwrap_or_else(PoisonError::into_inner).near(hash, author, except, now)
    }

    /// Notes a text that was refused; never waits.
    pub fn note_refused(&self, screening: &Screening) {
        self.keep(Noted { print: None, post: None, hits: rules_of(screening) });
    }

    fn keep(&self, noted: Noted) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MAX_WAITING {
            metrics::counter!("madang_screenings_dropped_total").increment(1);
            return;
        }
        waiting.push(noted);
    }

    /// Writes what gathers and reads what others wrote; runs until the process ends.
    pub async fn run(&self, pool: &PgPool) {
        let mut from = Utc::now() - COUNTED;
        let mut ticks = tokio::time::interval(EVERY);
        loop {
            ticks.tick().await;
            if let Err(error) = self.flush(pool).await {
                tracing::warn!(%error, "failed to write what was screened, it is kept for the next try");
            }
            let now = Utc::now();
            match self.catch_up(pool, from).await {
                Ok(()) => from = now - LOOK_BACK,
                Err(error) => tracing::debug!(%error, "failed to read what others screened, it is repeated"),
            }
            self.copies.lock().unwrap_or_else(PoisonError::into_inner).drop_old(now);
        }
    }

    /// Writes what has gathered; what could not be written waits on.
    pub async fn flush(&self, pool: &PgPool) -> sqlx::Result<()> {
        loop {
            let batch: Vec<Noted> = {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                let take = waiting.len().min(BATCH);
                waiting.drain(..take).collect()
            };
            if batch.is_empty() {
                return Ok(());
            }
            if let Err(error) = write(pool, &batch).await {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                let room = MAX_WAITING.saturating_sub(waiting.len());
                waiting.extend(batch.into_iter().take(room));
                return Err(error);
            }
        }
    }

    /// Reads the fingerprints that any process wrote since `from`.
    pub async fn catch_up(&self, pool: &PgPool, from: DateTime<Utc>) -> sqlx::Result<()> {
        let mut above = id_floor(from);
        loop {
            let page = prints_after(pool, above).await?;
            let Some(last) = page.last() else { return Ok(()) };
            above = last.post.get();
            let mut copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
            page.into_iter().for_each(|print| copies.add(print));
        }
    }
}

/// The rules that found something, each once.
fn rules_of(screening: &Screening) -> Vec<(i64, Mode)> {
    let mut hits: Vec<(i64, Mode)> = screening.hits.iter().map(|hit| (hit.rule_id, hit.mode)).collect();
    hits.sort_unstable_by_key(|(rule, _)| *rule);
    hits.dedup_by_key(|(rule, _)| *rule);
    hits
}

/// Whether a text is long enough to be a copy of another.
pub fn has_print(text: &str) -> bool {
    simhash::letters(text).take(MIN_LETTERS).count() == MIN_LETTERS
}

async fn prints_after(executor: impl PgExecutor<'_>, above: i64) -> sqlx::Result<Vec<Print>> {
    let rows = sqlx::query!(
        "SELECT post_id, author_id, print FROM post_prints WHERE post_id > $1 ORDER BY post_id LIMIT $2",
        above,
        i64::try_from(BATCH).unwrap_or(i64::MAX)
    )
    .fetch_all(executor)
    .await?;
    let print = |post, author, hash: i64| Print {
        post: PostId::new(post),
        author: UserId::new(author),
        hash: hash.cast_unsigned(),
    };
    Ok(rows.into_iter().map(|row| print(row.post_id, row.author_id, row.print)).collect())
}

async fn write(pool: &PgPool, batch: &[Noted]) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    write_prints(&mut tx, batch).await?;
    write_hits(&mut tx, batch).await?;
    write_refusals(&mut tx, batch).await?;
    sqlx::query!(
        "INSERT INTO text_screenings AS t (hour, screened) VALUES (date_trunc('hour', now()), $1)
         ON CONFLICT (hour) DO UPDATE SET screened = t.screened + excluded.screened",
        i64::try_from(batch.len()).unwrap_or(0)
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

async fn write_prints(tx: &mut sqlx::PgConnection, batch: &[Noted]) -> sqlx::Result<()> {
    // The newest of a post: an edit may follow within the batch.
    let mut prints = std::collections::BTreeMap::new();
    for print in batch.iter().filter_map(|noted| noted.print) {
        prints.insert(print.post, print);
    }
    let posts: Vec<i64> = prints.keys().map(|post| post.get()).collect();
    let authors: Vec<i64> = prints.values().map(|print| print.author.get()).collect();
    let hashes: Vec<i64> = prints.values().map(|print| print.hash.cast_signed()).collect();
    let bands: Vec<String> = prints.values().map(|print| bands_literal(print.hash)).collect();
    sqlx::query!(
        "INSERT INTO post_prints (post_id, author_id, print, bands)
         SELECT post, author, print, bands::integer[]
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[]) AS p (post, author, print, bands)
         ON CONFLICT (post_id) DO UPDATE SET print = excluded.print, bands = excluded.bands",
        &posts,
        &authors,
        &hashes,
        &bands
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Arrays of arrays do not unnest by rows, so each goes as text.
fn bands_literal(hash: u64) -> String {
    let list: Vec<String> = bands(hash).map(|band| band.to_string()).collect();
    format!("{{{}}}", list.join(","))
}

async fn write_hits(tx: &mut sqlx::PgConnection, batch: &[Noted]) -> sqlx::Result<()> {
    let mut hits: Vec<(i64, i64, Mode)> = batch
        .iter()
        .filter_map(|noted| Some((noted.post?, &noted.hits)))
        .flat_map(|(post, hits)| hits.iter().map(move |(rule, mode)| (*rule, post.get(), *mode)))
        .collect();
    hits.sort_unstable_by_key(|(rule, post, _)| (*rule, *post));
    hits.dedup_by_key(|(rule, post, _)| (*rule, *post));
    let rules: Vec<i64> = hits.iter().map(|(rule, ..)| *rule).collect();
    let posts: Vec<i64> = hits.iter().map(|(_, post, _)| *post).collect();
    let modes: Vec<String> = hits.iter().map(|(.., mode)| mode.as_str().to_owned()).collect();
    sqlx::query!(
        "INSERT INTO text_rule_hits (rule_id, post_id, mode, at)
         SELECT rule, post, mode, now() FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS h (rule, post, mode)
         ON CONFLICT DO NOTHING",
        &rules,
        &posts,
        &modes
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn write_refusals(tx: &mut sqlx::PgConnection, batch: &[Noted]) -> sqlx::Result<()> {
    let refused = batch.iter().filter(|noted| noted.post.is_none()).flat_map(|noted| &noted.hits);
    let rules: Vec<i64> = refused.map(|(rule, _)| *rule).collect();
    sqlx::query!(
        "INSERT INTO text_rule_refusals AS r (rule_id, hour, refused)
         SELECT rule, date_trunc('hour', now()), count(*) FROM unnest($1::bigint[]) AS rule GROUP BY rule ORDER BY rule
         ON CONFLICT (rule_id, hour) DO UPDATE SET refused = r.refused + excluded.refused",
        &rules
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// A post that says nearly the same as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copy {
    /// The post.
    pub post: PostId,
    /// Who wrote it.
    pub author: UserId,
    /// When it was written.
    pub at: DateTime<Utc>,
}

/// Which of some posts say nearly the same as one.
pub(crate) async fn near(
    executor: impl PgExecutor<'_>,
    post: PostId,
    others: &[PostId],
) -> sqlx::Result<Vec<PostId>> {
    let others: Vec<i64> = others.iter().map(|other| other.get()).collect();
    let rows = sqlx::query_scalar!(
        "SELECT c.post_id FROM post_prints p JOIN post_prints c ON c.post_id = ANY($2)
         WHERE p.post_id = $1 AND bit_count((c.print # p.print)::bit(64)) <= $3",
        post.get(),
        &others,
        i64::from(simhash::NEAR_BITS)
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(PostId::new).collect())
}

/// Posts of the last 30 days that say nearly the same as one, newest first, at most `limit`, itself left out.
pub async fn copies_of(executor: impl PgExecutor<'_>, post: PostId, limit: i64) -> sqlx::Result<Vec<Copy>> {
    let rows = sqlx::query!(
        r#"SELECT c.post_id, c.author_id FROM post_prints p JOIN post_prints c ON c.bands && p.bands
           WHERE p.post_id = $1 AND c.post_id <> $1 AND bit_count((c.print # p.print)::bit(64)) <= $2
           ORDER BY c.post_id DESC LIMIT $3"#,
        post.get(),
        i64::from(simhash::NEAR_BITS),
        limit
    )
    .fetch_all(executor)
    .await?;
    let copy =
        |post, author| Copy { post: PostId::new(post), author: UserId::new(author), at: id_time(post) };
    Ok(rows.into_iter().map(|row| copy(row.post_id, row.author_id)).collect())
}
