//! Cases: one open case a post. The post's row is locked first, the case's second, by everybody; so fifty
//! reports at once across the threshold make one transition.

use chrono::{DateTime, Utc};
use madang_core::{
    ids::{CaseId, PostId, UserId},
    viewer::Who,
    visibility::PostState,
};
use serde_json::json;
use sqlx::PgConnection;

use crate::{
    audit::{self, Act, Actor},
    closing::Closing,
    decisions::{self, Measure},
    evidence,
    rule::{self, Category, CurrentState, Verdict},
    screener::Screener,
    settings,
};

/// A post under judgement, its row locked.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Which post.
    pub id: PostId,
    /// Who wrote it.
    pub author: UserId,
    /// What it says now.
    pub body: String,
    /// How often it was edited.
    pub revision: i32,
    /// What became of it.
    pub state: PostState,
    /// What would have become of it without the rights claim that hides it.
    pub behind: Option<PostState>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

impl Subject {
    /// Its state as far as moderators and the rule are concerned, whatever a rights claim hides.
    pub fn standing(&self) -> PostState {
        self.behind.unwrap_or(self.state)
    }
}

/// Locks a post until the transaction ends.
pub async fn lock_subject(tx: &mut PgConnection, post: PostId) -> sqlx::Result<Option<Subject>> {
    let row = sqlx::query!(
        r#"SELECT author_id, body, revision, moderation_state, deleted_at IS NOT NULL AS "deleted!", created_at,
                  (SELECT previous_state FROM legal_requests WHERE post_id = $1 AND state = 'open') AS behind
           FROM posts WHERE id = $1 FOR NO KEY UPDATE"#,
        post.get()
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|row| Subject {
        id: post,
        author: UserId::new(row.author_id),
        body: row.body,
        revision: row.revision,
        state: PostState::from_columns(row.moderation_state, row.deleted),
        behind: row.behind.map(|column| PostState::from_columns(column, row.deleted)),
        created_at: row.created_at,
    }))
}

/// A case, its row locked.
#[derive(Debug, Clone)]
pub struct Locked {
    /// `open`, `claimed`, `escalated` or `decided`.
    pub state: String,
    /// Grows with whatever a moderator should have seen before deciding.
    pub version: i32,
    /// Who is at it.
    pub assigned_to: Option<UserId>,
    /// Until when.
    pub claimed_until: Option<DateTime<Utc>>,
    /// Whether it is for senior moderators.
    pub escalated: bool,
    /// Whether the text rules found something.
    pub screened: bool,
}

/// The post that is meant: of a repost, the original.
pub(crate) async fn original(tx: &mut PgConnection, post: PostId) -> sqlx::Result<PostId> {
    let original = sqlx::query_scalar!("SELECT repost_of FROM posts WHERE id = $1", post.get())
        .fetch_optional(tx)
        .await?;
    Ok(original.flatten().map_or(post, PostId::new))
}

/// Locks a case and its post.
pub async fn lock_both(tx: &mut PgConnection, case: CaseId) -> sqlx::Result<Option<(Subject, Locked)>> {
    let post = sqlx::query_scalar!("SELECT post_id FROM mod_cases WHERE id = $1", case.get())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(post) = post else { return Ok(None) };
    let Some(subject) = lock_subject(&mut *tx, PostId::new(post)).await? else {
        return Ok(None);
    };
    let row = sqlx::query!(
        r#"SELECT state, version, assigned_to, claimed_until, escalated, screening IS NOT NULL AS "screened!"
           FROM mod_cases WHERE id = $1 FOR UPDATE"#,
        case.get()
    )
    .fetch_one(tx)
    .await?;
    let locked = Locked {
        state: row.state,
        version: row.version,
        assigned_to: row.assigned_to.map(UserId::new),
        claimed_until: row.claimed_until,
        escalated: row.escalated,
        screened: row.screened,
    };
    Ok(Some((subject, locked)))
}

/// What opened a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Reports.
    Reports,
    /// The text rules, at submission or edit.
    Text,
    /// A moderator, by themselves.
    Moderator,
    /// The author's ban for a leading room, or that of one whose text it copies.
    Sweep,
    /// A decision about a post that says nearly the same.
    Copy,
    /// The author's own trades say the opposite.
    Deeds,
}

impl Origin {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Reports => "reports",
            Self::Text => "text",
            Self::Moderator => "moderator",
            Self::Sweep => "sweep",
            Self::Copy => "copy",
            Self::Deeds => "deeds",
        }
    }
}

/// A post's open case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opened {
    /// Which.
    pub(crate) id: CaseId,
    /// Whether it was opened just now.
    pub(crate) is_new: bool,
}

/// The post's open case, made if there is none, with at least that priority.
pub(crate) async fn open(
    tx: &mut PgConnection,
    subject: &Subject,
    origin: Origin,
    priority: f64,
    now: DateTime<Utc>,
) -> sqlx::Result<Opened> {
    let held = sqlx::query_scalar!(
        "UPDATE mod_cases SET priority = greatest(priority, $2),
             rank = greatest(rank, $2 - extract(epoch FROM opened_at)::float8 / 7200)
         WHERE post_id = $1 AND state <> 'decided' RETURNING id",
        subject.id.get(),
        priority
    )
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(id) = held {
        return Ok(Opened { id: CaseId::new(id), is_new: false });
    }
    let (_, version) = settings::current(&mut *tx).await?;
    let id = sqlx::query_scalar!(
        "INSERT INTO mod_cases (post_id, rule_version, opened_at, first_report_at, origin, priority, rank)
         VALUES ($1, $2, $3::timestamptz, CASE WHEN $4 = 'reports' THEN $3 END, $4, $5,
                 $5 - extract(epoch FROM $3)::float8 / 7200)
         RETURNING id",
        subject.id.get(),
        version,
        now,
        origin.as_str(),
        priority
    )
    .fetch_one(tx)
    .await?;
    Ok(Opened { id: CaseId::new(id), is_new: true })
}

/// Opens a case by hand. Returns it with its version; `None` when there is no such post.
pub async fn open_by_hand(
    tx: &mut PgConnection,
    post: PostId,
    moderator: Who,
    reason: Category,
    now: DateTime<Utc>,
    request_id: &str,
) -> sqlx::Result<Option<(CaseId, i32)>> {
    let post = original(&mut *tx, post).await?;
    let Some(subject) = lock_subject(&mut *tx, post).await?.filter(|post| post.state != PostState::Deleted)
    else {
        return Ok(None);
    };
    let opened = open(&mut *tx, &subject, Origin::Moderator, rule::harm(reason), now).await?;
    if opened.is_new {
        let act = Act {
            actor: Actor::Person(moderator),
            action: "case.opened",
            object: format!("case:{}", opened.id),
            before: None,
            after: Some(json!({"post": post, "reason": reason})),
            request_id: Some(request_id),
        };
        audit::append(&mut *tx, &act).await?;
    }
    let version = sqlx::query_scalar!("SELECT version FROM mod_cases WHERE id = $1", opened.id.get())
        .fetch_one(tx)
        .await?;
    Ok(Some((opened.id, version)))
}

/// Opens a case about a post that its author's own trades contradict; nothing for one that is gone.
pub async fn open_for_deeds(tx: &mut PgConnection, post: PostId, now: DateTime<Utc>) -> sqlx::Result<()> {
    let Some(subject) = lock_subject(&mut *tx, post).await?.filter(|post| post.state != PostState::Deleted)
    else {
        return Ok(());
    };
    let opened = open(&mut *tx, &subject, Origin::Deeds, rule::harm(Category::FalseInformation), now).await?;
    if opened.is_new {
        let act = Act {
            actor: Actor::System,
            action: "case.opened",
            object: format!("case:{}", opened.id),
            before: None,
            after: Some(json!({"post": post, "origin": Origin::Deeds.as_str()})),
            request_id: None,
        };
        audit::append(tx, &act).await?;
    }
    Ok(())
}

/// A post's text was replaced: whoever read its case before must look again, or they would decide about a
/// text they never saw; and an earlier text that was to be shown again is no longer the one. The caller holds
/// the post's row.
pub async fn text_changed(tx: &mut PgConnection, post: PostId) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE mod_cases SET version = version + 1, show_at = NULL WHERE post_id = $1 AND state <> 'decided'",
        post.get()
    )
    .execute(tx)
    .await
    .map(drop)
}

/// What the rule made of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// The post's state now.
    pub state: PostState,
    /// Whether this changed it.
    pub changed: bool,
}

/// Asks the rule about a case and does what it says.
pub(crate) async fn judge<'a>(
    tx: &mut PgConnection,
    screener: &Screener,
    (subject, case): (&Subject, CaseId),
    now: DateTime<Utc>,
    request_id: &'a str,
    closing: &mut Closing<'a>,
) -> sqlx::Result<Judged> {
    let (rule, _) = settings::current(&mut *tx).await?;
    let text = screener.verdict(&subject.body);
    let given = evidence::gather(&mut *tx, &rule, (subject, case), text, now).await?;
    // One who came a moment later may have had the post's row first: their report is of now too.
    let newest = given.reports.iter().map(|report| report.reported_at).max();
    let verdict = rule::evaluate(&rule, &given, newest.map_or(now, |newest| newest.max(now)));
    let opened = note(&mut *tx, case, &rule, &verdict, now).await?;
    let measure = match verdict.change_to {
        Some(CurrentState::Limited) => Measure::Limit,
        Some(CurrentState::AutoBlocked) => Measure::Block,
        Some(CurrentState::Visible | CurrentState::Fixed) | None => {
            return Ok(Judged { state: subject.state, changed: false });
        }
    };
    metrics::histogram!("madang_rule_first_report_seconds", "measure" => measure.as_str())
        .record((now - opened).as_seconds_f64());
    let mut categories: Vec<String> =
        verdict.reports.iter().map(|report| report.category.as_str().to_owned()).collect();
    categories.sort_unstable();
    categories.dedup();
    let reason = verdict.category.unwrap_or(Category::Other);
    let by = (now, request_id);
    decisions::impose(tx, subject, (case, measure, reason), &categories, by, closing).await?;
    Ok(Judged { state: measure.state(), changed: true })
}

/// Writes the verdict on the case; a moderator who looked at an earlier one must look again. Returns when
/// the case was first reported.
async fn note(
    tx: &mut PgConnection,
    case: CaseId,
    rule: &rule::RuleSettings,
    verdict: &Verdict,
    now: DateTime<Utc>,
) -> sqlx::Result<DateTime<Utc>> {
    let state = verdict.change_to;
    let stored = serde_json::to_value(verdict).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let row = sqlx::query!(
        r#"UPDATE mod_cases SET score = $2, distinct_clusters = $3, threshold_used = $4, rule_version = $5, verdict = $6,
               brigade = $7, priority = $8, version = version + 1, first_report_at = coalesce(first_report_at, $11),
               rank = $8 - extract(epoch FROM coalesce(first_report_at, opened_at))::float8 / 7200,
               limited_at = CASE WHEN $9 THEN coalesce(limited_at, $11) ELSE limited_at END,
               blocked_at = CASE WHEN $10 THEN coalesce(blocked_at, $11) ELSE blocked_at END
           WHERE id = $1 RETURNING coalesce(first_report_at, opened_at) AS "first!""#,
        case.get(),
        verdict.score,
        i32::try_from(verdict.distinct_clusters).unwrap_or(i32::MAX),
        verdict.theta,
        verdict.rule_version,
        stored,
        verdict.brigade.is_some(),
        rule::priority(rule, verdict, chrono::Duration::zero()),
        state == Some(CurrentState::Limited),
        state == Some(CurrentState::AutoBlocked),
        now
    )
    .fetch_one(tx)
    .await?;
    Ok(row.first)
}
