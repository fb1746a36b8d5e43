//! What a moderator reads: the queue, worst first, and one case with all that explains it.

use chrono::{DateTime, Utc};
use madang_core::{
    ids::{CaseId, PostId, UserId},
    standing,
    visibility::PostState,
};
use serde::Serialize;
use serde_json::Value;
use sqlx::{PgExecutor, PgPool};

use crate::{decisions::MAX_SIMILAR, screened};

/// A case in the queue.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// Id.
    pub id: CaseId,
    /// The post.
    pub post_id: PostId,
    /// `open`, `claimed`, `escalated` or `decided`.
    pub state: String,
    /// What opened it: `reports`, `text`, `moderator`, `sweep` or `copy`.
    pub origin: String,
    /// Whether it is for senior moderators.
    pub escalated: bool,
    /// Harm × exposure × confidence. The queue adds half a point for each hour waited.
    pub priority: f64,
    /// The place in the queue: priority and waiting time, comparable between cases only.
    #[serde(skip)]
    pub rank: f64,
    /// Evidence against the post.
    pub score: f64,
    /// Evidence that limits it.
    pub threshold: Option<f64>,
    /// Independent groups of reporters.
    pub distinct_clusters: i32,
    /// People who saw the post.
    pub viewers: Option<i32>,
    /// Whether the reporters look like a brigade.
    pub brigade: bool,
    /// Who is at it.
    pub assigned_to: Option<UserId>,
    /// Until when.
    pub claimed_until: Option<DateTime<Utc>>,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// To be sent with a decision.
    pub version: i32,
}

/// A row of the queue as it stands at `now`: a claim that ran out is none.
macro_rules! listed {
    ($id:expr, $row:expr, $now:expr) => {{
        let held = $row.claimed_until.is_some_and(|until| until > $now);
        Listed {
            id: CaseId::new($id),
            post_id: PostId::new($row.post_id),
            state: match $row.state.as_str() {
                "claimed" if !held && $row.escalated => "escalated".to_owned(),
                "claimed" if !held => "open".to_owned(),
                _ => $row.state,
            },
            origin: $row.origin,
            escalated: $row.escalated,
            priority: $row.priority,
            rank: $row.rank,
            score: $row.score,
            threshold: $row.threshold_used,
            distinct_clusters: $row.distinct_clusters,
            viewers: $row.viewers,
            brigade: $row.brigade,
            assigned_to: $row.assigned_to.filter(|_| held).map(UserId::new),
            claimed_until: $row.claimed_until.filter(|_| held),
            opened_at: $row.opened_at,
            version: $row.version,
        }
    }};
}

/// Which cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// All that wait or are in hand.
    Undecided,
    /// Those for senior moderators.
    Escalated,
    /// Those the moderator is at.
    Mine(UserId),
}

/// Undecided cases but those about one's own posts, worst first, after a place: rank and id of the last one seen.
pub async fn list(
    executor: impl PgExecutor<'_>,
    filter: Filter,
    moderator: UserId,
    after: Option<(f64, i64)>,
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Listed>> {
    let mine = match filter {
        Filter::Mine(moderator) => Some(moderator.get()),
        Filter::Undecided | Filter::Escalated => None,
    };
    let rows = sqlx::query!(
        "SELECT id, post_id, state, origin, escalated, priority, rank, score, threshold_used, distinct_clusters, viewers, brigade, assigned_to,
                claimed_until, opened_at, version
         FROM mod_cases
         WHERE state <> 'decided'
           AND ($1::bigint IS NULL OR (assigned_to = $1 AND claimed_until > $2))
           AND (NOT $3 OR escalated)
           AND ($4::float8 IS NULL OR (rank, -id) < ($4, -$5::bigint))
           AND NOT EXISTS (SELECT FROM posts p WHERE p.id = post_id AND p.author_id = $7)
         ORDER BY rank DESC, id LIMIT $6",
        mine,
        now,
        filter == Filter::Escalated,
        after.map(|(rank, _)| rank),
        after.map_or(0, |(_, id)| id),
        limit,
        moderator.get()
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(|row| listed!(row.id, row, now)).collect())
}

/// A report as a moderator reads it.
#[derive(Debug, Clone, Serialize)]
pub struct CaseReport {
    /// Who.
    pub reporter_id: UserId,
    /// Their handle.
    pub reporter: String,
    /// Why.
    pub category: String,
    /// In their words.
    pub note: String,
    /// What became of it.
    pub status: String,
    /// The text's revision they saw.
    pub revision: i32,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A decision as a moderator reads it.
#[derive(Debug, Clone, Serialize)]
pub struct CaseDecision {
    /// `keep`, `limit`, `block` or `remove`.
    pub kind: String,
    /// Who, unless it was the rule.
    pub actor_id: Option<UserId>,
    /// For what.
    pub reason: String,
    /// The clause of the terms.
    pub terms_clause: String,
    /// The state before.
    pub previous_state: &'static str,
    /// The state after.
    pub new_state: &'static str,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// A text of the post, as published or as reported.
#[derive(Debug, Clone, Serialize)]
pub struct CaseText {
    /// Which revision.
    pub revision: i32,
    /// What it said.
    pub body: String,
}

/// The author's record.
#[derive(Debug, Clone, Serialize)]
pub struct AuthorRecord {
    /// Who.
    pub id: UserId,
    /// Their handle.
    pub handle: String,
    /// When the account was made.
    pub since: DateTime<Utc>,
    /// Posts that are listed.
    pub posts: i64,
    /// Posts that moderators took down.
    pub removed: i64,
    /// Posts that moderators kept after reports.
    pub kept: i64,
    /// Strikes that count.
    pub strikes: i64,
    /// What sanctions leave of the account: `good`, `limited`, `suspended` or `banned`.
    pub standing: &'static str,
}

/// One case with all that explains it.
#[derive(Debug, Clone, Serialize)]
pub struct Detail {
    /// As in the queue.
    #[serde(flatten)]
    pub case: Listed,
    /// The post's state.
    pub post_state: &'static str,
    /// The text now.
    pub body: String,
    /// Earlier texts.
    pub revisions: Vec<CaseText>,
    /// The texts as they were reported.
    pub reported: Vec<CaseText>,
    /// Who wrote the post: not to be shown to themselves, who must not learn who reported it.
    #[serde(skip)]
    pub author_id: UserId,
    /// Each report.
    pub reports: Vec<CaseReport>,
    /// What the rule counted and why: weights, clusters, thresholds, and what a plain count would have done.
    pub verdict: Value,
    /// What the text rules found, where they kept the post back: rule, view and bytes of the text.
    pub screening: Option<Value>,
    /// What was decided so far, about this post.
    pub decisions: Vec<CaseDecision>,
    /// When the post is shown again because its author changed it.
    pub show_at: Option<DateTime<Utc>>,
    /// Posts that say nearly the same, newest first: a decision can be about them too.
    pub similar: Vec<Similar>,
    /// The author's record.
    pub author: Option<AuthorRecord>,
}

/// A post that says nearly the same.
#[derive(Debug, Clone, Serialize)]
pub struct Similar {
    /// The post.
    pub post_id: PostId,
    /// Who wrote it.
    pub author_id: UserId,
    /// Its state.
    pub state: &'static str,
    /// Its open case.
    pub case_id: Option<CaseId>,
}

/// Reads a case.
pub async fn detail(pool: &PgPool, case: CaseId, now: DateTime<Utc>) -> sqlx::Result<Option<Detail>> {
    let row = sqlx::query!(
        r#"SELECT c.post_id, c.state, c.origin, c.escalated, c.show_at, c.priority, c.rank, c.score, c.threshold_used, c.distinct_clusters, c.viewers, c.brigade,
                  c.assigned_to, c.claimed_until, c.opened_at, c.version, c.verdict, c.screening, p.body, p.author_id,
                  p.moderation_state, p.deleted_at IS NOT NULL AS "deleted!"
           FROM mod_cases c JOIN posts p ON p.id = c.post_id WHERE c.id = $1"#,
        case.get()
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let post = row.post_id;
    Ok(Some(Detail {
        case: listed!(case.get(), row, now),
        post_state: PostState::from_columns(row.moderation_state, row.deleted).as_str(),
        body: row.body,
        revisions: texts(pool, post, false).await?,
        reported: texts(pool, post, true).await?,
        author_id: UserId::new(row.author_id),
        reports: reports(pool, case).await?,
        verdict: row.verdict,
        screening: row.screening,
        decisions: decisions(pool, post).await?,
        show_at: row.show_at,
        similar: similar(pool, PostId::new(post)).await?,
        author: author(pool, row.author_id, now).await?,
    }))
}

async fn texts(pool: &PgPool, post: i64, reported: bool) -> sqlx::Result<Vec<CaseText>> {
    sqlx::query_as!(
        CaseText,
        r#"SELECT revision AS "revision!", body AS "body!" FROM (
               SELECT revision, body FROM post_revisions WHERE post_id = $1 AND NOT $2
               UNION ALL SELECT revision, body FROM report_texts WHERE post_id = $1 AND $2) AS texts
           ORDER BY revision LIMIT 50"#,
        post,
        reported
    )
    .fetch_all(pool)
    .await
}

async fn reports(pool: &PgPool, case: CaseId) -> sqlx::Result<Vec<CaseReport>> {
    let rows = sqlx::query!(
        "SELECT r.reporter_id, u.handle, r.category, r.note, r.status, r.revision, r.created_at
         FROM reports r JOIN users u ON u.id = r.reporter_id WHERE r.case_id = $1 ORDER BY r.id LIMIT 500",
        case.get()
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| CaseReport {
            reporter_id: UserId::new(row.reporter_id),
            reporter: row.handle,
            category: row.category,
            note: row.note,
            status: row.status,
            revision: row.revision,
            created_at: row.created_at,
        })
        .collect())
}

async fn decisions(pool: &PgPool, post: i64) -> sqlx::Result<Vec<CaseDecision>> {
    let rows = sqlx::query!(
        "SELECT kind, actor_id, reason_code, terms_clause, previous_state, new_state, created_at, expires_at, ended_at
         FROM mod_decisions WHERE post_id = $1 ORDER BY id LIMIT 100",
        post
    )
    .fetch_all(pool)
    .await?;
    let name = |column| PostState::from_columns(column, false).as_str();
    Ok(rows
        .into_iter()
        .map(|row| CaseDecision {
            kind: row.kind,
            actor_id: row.actor_id.map(UserId::new),
            reason: row.reason_code,
            terms_clause: row.terms_clause,
            previous_state: name(row.previous_state),
            new_state: name(row.new_state),
            created_at: row.created_at,
            expires_at: row.expires_at,
            ended_at: row.ended_at,
        })
        .collect())
}

async fn similar(pool: &PgPool, post: PostId) -> sqlx::Result<Vec<Similar>> {
    let copies = screened::copies_of(pool, post, i64::try_from(MAX_SIMILAR).unwrap_or(i64::MAX)).await?;
    let ids: Vec<i64> = copies.iter().map(|copy| copy.post.get()).collect();
    let rows = sqlx::query!(
        r#"SELECT p.id, p.author_id, p.moderation_state, p.deleted_at IS NOT NULL AS "deleted!", c.id AS "case_id?"
           FROM posts p LEFT JOIN mod_cases c ON c.post_id = p.id AND c.state <> 'decided'
           WHERE p.id = ANY($1) ORDER BY p.id DESC"#,
        &ids
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Similar {
            post_id: PostId::new(row.id),
            author_id: UserId::new(row.author_id),
            state: PostState::from_columns(row.moderation_state, row.deleted).as_str(),
            case_id: row.case_id.map(CaseId::new),
        })
        .collect())
}

async fn author(pool: &PgPool, author: i64, now: DateTime<Utc>) -> sqlx::Result<Option<AuthorRecord>> {
    let row = sqlx::query!(
        r#"SELECT id, handle, created_at,
                  (SELECT count(*) FROM posts WHERE author_id = $1 AND listed) AS "posts!",
                  (SELECT count(DISTINCT post_id) FROM mod_decisions WHERE author_id = $1 AND kind = 'remove') AS "removed!",
                  (SELECT count(DISTINCT post_id) FROM mod_decisions WHERE author_id = $1 AND kind = 'keep') AS "kept!",
                  (SELECT count(*) FROM sanctions WHERE user_id = $1 AND kind = 'strike' AND ended_at IS NULL
                     AND expires_at > $2) AS "strikes!",
                  standing, standing_until, limited_until
           FROM users WHERE id = $1"#,
        author,
        now
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| AuthorRecord {
        id: UserId::new(row.id),
        handle: row.handle,
        since: row.created_at,
        posts: row.posts,
        removed: row.removed,
        kept: row.kept,
        strikes: row.strikes,
        standing: standing::Held::from_columns(row.standing, row.standing_until, row.limited_until)
            .at(now)
            .as_str(),
    }))
}
