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
    decisions::{self, Measure},
    evidence,
    rule::{self, Category, CurrentState, Verdict},
    screener::Screener,
    settings,
};

/// How long a claim holds.
pub const CLAIM: chrono::Duration = chrono::Duration::minutes(15);

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
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

/// Locks a post until the transaction ends.
pub async fn lock_subject(tx: &mut PgConnection, post: PostId) -> sqlx::Result<Option<Subject>> {
    let row = sqlx::query!(
        r#"SELECT author_id, body, revision, moderation_state, deleted_at IS NOT NULL AS "deleted!", created_at
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
        "SELECT state, version, assigned_to, claimed_until FROM mod_cases WHERE id = $1 FOR UPDATE",
        case.get()
    )
    .fetch_one(tx)
    .await?;
    let locked = Locked {
        state: row.state,
        version: row.version,
        assigned_to: row.assigned_to.map(UserId::new),
        claimed_until: row.claimed_until,
    };
    Ok(Some((subject, locked)))
}

/// The post's open case, made if there is none.
pub(crate) async fn open(
    tx: &mut PgConnection,
    subject: &Subject,
    now: DateTime<Utc>,
) -> sqlx::Result<CaseId> {
    let held = sqlx::query_scalar!(
        "SELECT id FROM mod_cases WHERE post_id = $1 AND state <> 'decided'",
        subject.id.get()
    )
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(id) = held {
        return Ok(CaseId::new(id));
    }
    let (_, version) = settings::current(&mut *tx).await?;
    let id = sqlx::query_scalar!(
        "INSERT INTO mod_cases (post_id, rule_version, opened_at, first_report_at) VALUES ($1, $2, $3, $3)
         RETURNING id",
        subject.id.get(),
        version,
        now
    )
    .fetch_one(tx)
    .await?;
    Ok(CaseId::new(id))
}

/// What the rule made of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// The post's state now.
    pub state: PostState,
    /// Whether this changed it.
    pub changed: bool,
}

/// Asks the rule about a case and does what it says. Call it last: it may record a change.
pub(crate) async fn judge(
    tx: &mut PgConnection,
    screener: &Screener,
    subject: &Subject,
    case: CaseId,
    now: DateTime<Utc>,
    request_id: &str,
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
    decisions::impose(tx, subject, (case, measure, reason), &categories, now, request_id).await?;
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
               brigade = $7, priority = $8, version = version + 1,
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

/// What a moderator does to a case short of deciding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Takes it for 15 minutes.
    Claim,
    /// Gives it back.
    Release,
    /// Hands it to a senior moderator.
    Escalate,
}

/// Why a step was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepRefused {
    /// No such case.
    NotFound,
    /// It is decided.
    Decided,
    /// Another moderator is at it.
    Claimed {
        /// Who.
        by: UserId,
        /// Until when.
        until: DateTime<Utc>,
    },
    /// It waits for a senior moderator.
    NeedsSenior,
    /// It is about one's own post.
    OwnPost,
}

/// Takes a step. Returns the case's version after it.
pub async fn step(
    tx: &mut PgConnection,
    case: CaseId,
    moderator: Who,
    step: Step,
    now: DateTime<Utc>,
    request_id: &str,
) -> sqlx::Result<Result<i32, StepRefused>> {
    let Some((subject, locked)) = lock_both(&mut *tx, case).await? else {
        return Ok(Err(StepRefused::NotFound));
    };
    if let Some(refused) = refuse_step(&subject, &locked, moderator, now) {
        return Ok(Err(refused));
    }
    let (state, action, assigned, until) = match step {
        Step::Claim => ("claimed", "case.claimed", Some(moderator.user.get()), Some(now + CLAIM)),
        Step::Release => ("open", "case.released", None, None),
        Step::Escalate => ("escalated", "case.escalated", None, None),
    };
    let version = sqlx::query_scalar!(
        "UPDATE mod_cases SET state = $2, assigned_to = $3, claimed_until = $4 WHERE id = $1 RETURNING version",
        case.get(),
        state,
        assigned,
        until
    )
    .fetch_one(&mut *tx)
    .await?;
    let act = Act {
        actor: Actor::Person(moderator),
        action,
        object: format!("case:{case}"),
        before: Some(json!({"state": locked.state})),
        after: Some(json!({"state": state})),
        request_id: Some(request_id),
    };
    audit::append(tx, &act).await?;
    Ok(Ok(version))
}

fn refuse_step(
    subject: &Subject,
    locked: &Locked,
    moderator: Who,
    now: DateTime<Utc>,
) -> Option<StepRefused> {
    match (locked.state.as_str(), locked.assigned_to, locked.claimed_until) {
        ("decided", ..) => Some(StepRefused::Decided),
        (_, Some(by), Some(until)) if by != moderator.user && until > now => {
            Some(StepRefused::Claimed { by, until })
        }
        ("escalated", ..) if !moderator.role.is_senior() => Some(StepRefused::NeedsSenior),
        _ if subject.author == moderator.user => Some(StepRefused::OwnPost),
        _ => None,
    }
}

/// A block that stays though nobody looked in time goes to a senior moderator.
pub(crate) async fn escalate_unattended(tx: &mut PgConnection, case: CaseId) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE mod_cases SET state = 'escalated', assigned_to = NULL, claimed_until = NULL, version = version + 1
         WHERE id = $1 AND state <> 'decided'",
        case.get()
    )
    .execute(&mut *tx)
    .await?;
    let act = Act {
        actor: Actor::System,
        action: "case.escalated",
        object: format!("case:{case}"),
        before: None,
        after: Some(json!({"state": "escalated", "why": "a provisional block was not reviewed in time"})),
        request_id: None,
    };
    audit::append(tx, &act).await.map(|_| ())
}
