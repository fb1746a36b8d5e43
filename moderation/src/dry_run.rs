//! What a rule would have caught among the posts of the last seven days.

use std::ops::Range;

use chrono::{DateTime, Utc};
use madang_core::ids::{PostId, UserId, id_floor, id_time};
use serde::Serialize;
use sqlx::{PgExecutor, PgPool};

use crate::{
    copies::{Copies, Print},
    screened::has_print,
    text::{BadRule, Context, Mode, RuleKind, RuleSet, screen_among},
    text_rules::Content,
};

/// Days looked at.
pub const DAYS: i64 = 7;
/// Posts looked at at most; of more, every n-th.
const MOST_POSTS: i64 = 60_000;
/// Posts read at once.
const BATCH: i64 = 2_000;
/// Posts shown.
const EXAMPLES: usize = 10;
/// Characters of a post shown.
const SHOWN_CHARS: usize = 300;

/// A post that would have been caught.
#[derive(Debug, Clone, Serialize)]
pub struct Example {
    /// The post.
    pub post_id: PostId,
    /// Its beginning.
    pub body: String,
    /// What was found, in bytes of the whole text.
    pub spans: Vec<Range<usize>>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

/// What a rule would have caught.
#[derive(Debug, Clone, Serialize)]
pub struct DryRun {
    /// From when on posts were looked at.
    pub from: DateTime<Utc>,
    /// Posts looked at.
    pub posts: i64,
    /// Every n-th post was looked at.
    pub one_in: i64,
    /// Posts caught.
    pub caught: i64,
    /// Of ten thousand.
    pub per_10000: f64,
    /// Of those caught, posts that moderators or rules hid or limited as it is.
    pub hidden_already: i64,
    /// Some of them, evenly over the days.
    pub examples: Vec<Example>,
}

struct Past {
    id: i64,
    body: String,
    author: i64,
    since: DateTime<Utc>,
    visible: bool,
}

/// Runs a rule over the last seven days and keeps the result, which allows the rule to become active.
pub async fn run(
    pool: &PgPool,
    content: &Content,
    by: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<Result<DryRun, BadRule>> {
    let rules = match RuleSet::compile(&[content.spec(0, "dry run", Mode::Active)]) {
        Ok(rules) => rules,
        Err(bad) => return Ok(Err(bad)),
    };
    let (from, one_in) = reach(pool, content, now - chrono::Duration::days(DAYS)).await?;
    let mut trial =
        Trial { rules, copies: Copies::default(), caught: Vec::new(), posts: 0, hidden: 0, count: 0 };
    let mut above = id_floor(from);
    loop {
        let batch = past(pool, above, one_in).await?;
        let Some(last) = batch.last() else { break };
        above = last.id;
        // Matching is work for a processor, not for the threads that answer.
        let run = tokio::task::spawn_blocking(move || {
            trial.look_at(batch);
            trial
        });
        trial = run.await.map_err(|error| sqlx::Error::Io(std::io::Error::other(error)))?;
    }
    let result = trial.result(from, one_in);
    keep(pool, content, &result, by, now).await?;
    Ok(Ok(result))
}

struct Trial {
    rules: RuleSet,
    copies: Copies,
    caught: Vec<Example>,
    posts: i64,
    hidden: i64,
    count: i64,
}

impl Trial {
    fn look_at(&mut self, batch: Vec<Past>) {
        for past in batch {
            self.posts += 1;
            let (at, author) = (id_time(past.id), UserId::new(past.author));
            let hours = (at - past.since).as_seconds_f64() / 3_600.0;
            let context = Context { account_age_hours: hours.max(0.0), ..Context::default() };
            let copies = &self.copies;
            let found =
                screen_among(&self.rules, &past.body, &context, |hash| copies.near(hash, author, None, at));
            if has_print(&past.body) {
                self.copies.add(Print { post: PostId::new(past.id), author, hash: found.simhash });
                self.copies.drop_old(at);
            }
            if found.hits.is_empty() {
                continue;
            }
            self.count += 1;
            self.hidden += i64::from(!past.visible);
            self.show(past, found.hits.into_iter().map(|hit| hit.span).collect());
        }
    }

    /// Keeps a few: when there are twice as many as are shown, every other one goes.
    fn show(&mut self, past: Past, spans: Vec<Range<usize>>) {
        let body = past.body.chars().take(SHOWN_CHARS).collect();
        self.caught.push(Example {
            post_id: PostId::new(past.id),
            body,
            spans,
            created_at: id_time(past.id),
        });
        if self.caught.len() >= 20 * EXAMPLES {
            let mut at = 0;
            self.caught.retain(|_| {
                at += 1;
                at % 2 == 0
            });
        }
    }

    fn result(self, from: DateTime<Utc>, one_in: i64) -> DryRun {
        let step = (self.caught.len() / EXAMPLES).max(1);
        DryRun {
            from,
            posts: self.posts,
            one_in,
            caught: self.count,
            per_10000: ratio(self.count, self.posts) * 10_000.0,
            hidden_already: self.hidden,
            examples: self.caught.into_iter().step_by(step).take(EXAMPLES).collect(),
        }
    }
}

fn ratio(part: i64, of: i64) -> f64 {
    let number = |n: i64| f64::from(i32::try_from(n).unwrap_or(i32::MAX));
    if of == 0 { 0.0 } else { number(part) / number(of) }
}

/// From when on posts are looked at, and every which. Copies are found only where none is left out, so for rules
/// that count them the time is shorter instead.
async fn reach(
    executor: impl PgExecutor<'_>,
    content: &Content,
    from: DateTime<Utc>,
) -> sqlx::Result<(DateTime<Utc>, i64)> {
    let row = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM posts WHERE id > $1) AS "posts!",
                  (SELECT id FROM posts WHERE id > $1 ORDER BY id DESC OFFSET $2 LIMIT 1) AS last"#,
        id_floor(from),
        MOST_POSTS
    )
    .fetch_one(executor)
    .await?;
    let counts_copies = matches!(content.kind, RuleKind::Repeats { .. } | RuleKind::LeadingRoom { .. });
    Ok(match row.last {
        Some(last) if counts_copies => (id_time(last), 1),
        _ => (from, row.posts / MOST_POSTS + 1),
    })
}

async fn past(executor: impl PgExecutor<'_>, above: i64, one_in: i64) -> sqlx::Result<Vec<Past>> {
    // Ids of one millisecond differ in their low bits, so those alone would choose by the time of day.
    sqlx::query_as!(
        Past,
        r#"SELECT p.id, p.body, p.author_id AS author, u.created_at AS since, p.moderation_state = 0 AS "visible!"
           FROM posts p JOIN users u ON u.id = p.author_id
           WHERE p.id > $1 AND p.repost_of IS NULL AND p.deleted_at IS NULL
             AND ($2::bigint = 1 OR abs(hashint8(p.id)::bigint) % $2 = 0)
           ORDER BY p.id LIMIT $3"#,
        above,
        one_in,
        BATCH
    )
    .fetch_all(executor)
    .await
}

async fn keep(
    executor: impl PgExecutor<'_>,
    content: &Content,
    result: &DryRun,
    by: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    // Not the examples: they are people's words, which they may take back.
    let stored = serde_json::json!({"from": result.from, "posts": result.posts, "one_in": result.one_in,
                                    "caught": result.caught, "hidden_already": result.hidden_already});
    sqlx::query!(
        "INSERT INTO text_rule_trials (content, result, tried_by, tried_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (content) DO UPDATE SET result = excluded.result, tried_by = excluded.tried_by,
             tried_at = excluded.tried_at",
        content.hash()?,
        stored,
        by.get(),
        now
    )
    .execute(executor)
    .await?;
    Ok(())
}
