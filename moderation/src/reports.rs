//! Reports: one a person and post, with the text as it was reported. Filing one opens the post's case and
//! asks the rule again, all in one transaction.

use chrono::{DateTime, Utc};
use madang_core::{
    ids::{CaseId, PostId, ReportId, UserId},
    viewer::Who,
    visibility::PostState,
};
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};

use crate::{
    audit::{Act, Actor},
    cases::{self, Judged, Origin, Subject},
    closing::Closing,
    rule::{self, Category, Network},
    screener::Screener,
    settings,
};

/// Most characters of a note.
pub const MAX_NOTE_CHARS: usize = 500;
/// A report counts only from one who saw the post at least this long ago, …
pub const SEEN_AT_LEAST: chrono::Duration = chrono::Duration::seconds(2);
/// … and at most this long ago.
pub const SEEN_AT_MOST: chrono::Duration = chrono::Duration::days(7);

/// A report to be filed.
#[derive(Debug, Clone)]
pub struct NewReport<'a> {
    /// About which post.
    pub post: PostId,
    /// By whom.
    pub reporter: Who,
    /// For what.
    pub category: Category,
    /// In their words, at most 500 characters.
    pub note: &'a str,
    /// The network it came from.
    pub network: Option<Network>,
    /// Keyed hash of the device it came from.
    pub device: Option<u64>,
    /// When.
    pub now: DateTime<Utc>,
    /// The request.
    pub request_id: &'a str,
}

/// Why a report was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Deleted, or never there.
    Gone,
    /// One's own.
    Own,
    /// Reported before, and not withdrawn.
    Already,
    /// Already decided about; a new text can be reported again.
    Judged,
    /// The day's reports are used up; the next is possible then.
    Budget {
        /// Reports a day.
        limit: i64,
        /// When the oldest one of the day is a day old.
        again_at: DateTime<Utc>,
    },
}

/// A report that was filed.
#[derive(Debug, Clone, Copy)]
pub struct Filed {
    /// Its id.
    pub id: ReportId,
    /// What the rule made of it.
    pub judged: Judged,
}

/// Files a report. The caller has checked that the reporter was shown the post.
pub async fn file(
    tx: &mut PgConnection,
    screener: &Screener,
    new: &NewReport<'_>,
) -> sqlx::Result<Result<Filed, Refused>> {
    // One report of a person at a time, so that two at once cannot both be the last of the day.
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('report'), hashint8($1))", new.reporter.user.get())
        .fetch_one(&mut *tx)
        .await?;
    let Some(subject) = cases::lock_subject(&mut *tx, new.post).await? else {
        return Ok(Err(Refused::Gone));
    };
    if subject.state == PostState::Deleted {
        return Ok(Err(Refused::Gone));
    }
    if subject.author == new.reporter.user {
        return Ok(Err(Refused::Own));
    }
    let earlier = earlier(&mut *tx, new.post, new.reporter.user).await?;
    match earlier.as_ref().map(|(status, revision)| (status.as_str(), *revision < subject.revision)) {
        None => {
            if let Some(refused) = over_budget(&mut *tx, new).await? {
                return Ok(Err(refused));
            }
        }
        // What was reported was another text.
        Some(("withdrawn", _) | ("ignored", true)) => {}
        Some(("pending", _)) => return Ok(Err(Refused::Already)),
        Some(_) => return Ok(Err(Refused::Judged)),
    }
    let case = cases::open(&mut *tx, &subject, Origin::Reports, 0.0, new.now).await?.id;
    let id = insert(&mut *tx, new, &subject, case).await?;
    let mut closing = Closing::default();
    closing.act(Act {
        actor: Actor::System,
        action: "report.filed",
        object: format!("case:{case}"),
        before: None,
        after: Some(
            serde_json::json!({"post": subject.id, "revision": subject.revision, "category": new.category}),
        ),
        request_id: Some(new.request_id),
    });
    let about = (&subject, case);
    let judged = cases::judge(&mut *tx, screener, about, new.now, new.request_id, &mut closing).await?;
    closing.write(tx).await?;
    Ok(Ok(Filed { id, judged }))
}

/// The status and the revision of an earlier report.
async fn earlier(
    tx: &mut PgConnection,
    post: PostId,
    reporter: UserId,
) -> sqlx::Result<Option<(String, i32)>> {
    let row = sqlx::query!(
        "SELECT status, revision FROM reports WHERE post_id = $1 AND reporter_id = $2",
        post.get(),
        reporter.get()
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|row| (row.status, row.revision)))
}

async fn over_budget(tx: &mut PgConnection, new: &NewReport<'_>) -> sqlx::Result<Option<Refused>> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "filed!", min(r.created_at) AS oldest,
                  (SELECT created_at FROM users WHERE id = $1) AS "since!"
           FROM reports r WHERE r.reporter_id = $1 AND r.created_at > $2::timestamptz - interval '24 hours'"#,
        new.reporter.user.get(),
        new.now
    )
    .fetch_one(&mut *tx)
    .await?;
    let (rule, _) = settings::current(tx).await?;
    let limit = i64::from(rule::daily_reports(&rule, new.now - row.since));
    Ok((row.filed >= limit).then(|| Refused::Budget {
        limit,
        again_at: row.oldest.unwrap_or(new.now) + chrono::Duration::hours(24),
    }))
}

async fn insert(
    tx: &mut PgConnection,
    new: &NewReport<'_>,
    subject: &Subject,
    case: CaseId,
) -> sqlx::Result<ReportId> {
    sqlx::query!(
        "INSERT INTO report_texts (post_id, revision, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        subject.id.get(),
        subject.revision,
        subject.body
    )
    .execute(&mut *tx)
    .await?;
    let network = new.network.and_then(|network| serde_json::to_value(network).ok());
    let network = network.as_ref().and_then(|network| network.as_str());
    let row = sqlx::query!(
        "INSERT INTO reports AS r (post_id, revision, case_id, reporter_id, category, note, network, device,
                                   created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (post_id, reporter_id) DO UPDATE SET
             revision = excluded.revision, case_id = excluded.case_id, category = excluded.category,
             note = excluded.note, network = excluded.network, device = excluded.device,
             status = 'pending', created_at = excluded.created_at, withdrawn_at = NULL, judged_at = NULL
         RETURNING id",
        subject.id.get(),
        subject.revision,
        case.get(),
        new.reporter.user.get(),
        new.category.as_str(),
        new.note,
        network,
        new.device.map(u64::cast_signed),
        new.now
    )
    .fetch_one(tx)
    .await?;
    Ok(ReportId::new(row.id))
}

/// How a withdrawal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawn {
    /// It no longer counts.
    Done,
    /// Withdrawn before.
    Already,
    /// Decided about already.
    Judged,
    /// There is none.
    NotFound,
}

/// Takes a report back; the score falls by what it weighed. A state that was reached stays until somebody
/// looks or it ends by itself: otherwise reports could make a post flicker.
pub async fn withdraw(
    tx: &mut PgConnection,
    screener: &Screener,
    post: PostId,
    reporter: UserId,
    now: DateTime<Utc>,
    request_id: &str,
) -> sqlx::Result<Withdrawn> {
    let Some(subject) = cases::lock_subject(&mut *tx, post).await? else {
        return Ok(Withdrawn::NotFound);
    };
    match earlier(&mut *tx, post, reporter).await?.as_ref().map(|(status, _)| status.as_str()) {
        None => return Ok(Withdrawn::NotFound),
        Some("withdrawn") => return Ok(Withdrawn::Already),
        Some("pending") => {}
        Some(_) => return Ok(Withdrawn::Judged),
    }
    let row = sqlx::query!(
        "UPDATE reports SET status = 'withdrawn', withdrawn_at = $3 WHERE post_id = $1 AND reporter_id = $2
         RETURNING case_id",
        post.get(),
        reporter.get(),
        now
    )
    .fetch_one(&mut *tx)
    .await?;
    let mut closing = Closing::default();
    closing.act(Act {
        actor: Actor::System,
        action: "report.withdrawn",
        object: format!("case:{}", row.case_id),
        before: None,
        after: None,
        request_id: Some(request_id),
    });
    let about = (&subject, CaseId::new(row.case_id));
    cases::judge(&mut *tx, screener, about, now, request_id, &mut closing).await?;
    closing.write(tx).await?;
    Ok(Withdrawn::Done)
}

/// A report as its reporter sees it.
#[derive(Debug, Clone, Serialize)]
pub struct OwnReport {
    /// Id of the report.
    pub id: ReportId,
    /// The post.
    pub post_id: PostId,
    /// Why.
    pub category: String,
    /// In their words.
    pub note: String,
    /// What became of it: `pending`, `agreed`, `disagreed`, `ignored` or `withdrawn`.
    pub status: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was decided.
    pub judged_at: Option<DateTime<Utc>>,
}

/// What a person reported, newest first, of ids below `below`.
pub async fn of_reporter(
    executor: impl PgExecutor<'_>,
    reporter: UserId,
    below: i64,
    limit: i64,
) -> sqlx::Result<Vec<OwnReport>> {
    let rows = sqlx::query!(
        "SELECT id, post_id, category, note, status, created_at, judged_at FROM reports
         WHERE reporter_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        reporter.get(),
        below,
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| OwnReport {
            id: ReportId::new(row.id),
            post_id: PostId::new(row.post_id),
            category: row.category,
            note: row.note,
            status: row.status,
            created_at: row.created_at,
            judged_at: row.judged_at,
        })
        .collect())
}
