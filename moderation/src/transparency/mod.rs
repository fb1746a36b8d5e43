//! The transparency report of a month (UTC): what was done about posts, how fast, by machine or by hand, what became
//! of reports and appeals, and where in the audit log it stands. Counts only: nobody is named, neither reporters nor
//! authors nor moderators. Reports and appeals are as they stand when the report is made.

mod accounts;
mod markdown;
mod month;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgConnection, PgPool};

pub(crate) use accounts::restitution;
pub use accounts::{ClaimCount, Restitution, SanctionCount};
pub use month::{BadMonth, Month};

use crate::statistics::{self, CategoryReports, SNAPSHOT, share};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The month has not begun.
    #[error("{0} has not begun")]
    Future(Month),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Measures of one kind for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeasureCount {
    /// What was done: `limit`, `hold`, `block`, `remove`.
    pub measure: String,
    /// For what.
    pub reason: String,
    /// How often no person decided.
    pub automated: i64,
    /// How often a person did.
    pub by_people: i64,
}

/// Measures against posts, and posts that moderators left alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measures {
    /// All measures.
    pub imposed: i64,
    /// Those of the machine.
    pub automated: i64,
    /// Automated of all.
    pub automated_share: Option<f64>,
    /// Decisions that a post stays or is shown again.
    pub kept: i64,
    /// Blocks that were eased because nobody reviewed them in time.
    pub eased_unreviewed: i64,
    /// By measure and reason.
    pub by_kind: Vec<MeasureCount>,
}

/// Medians in seconds, `None` where nothing was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MedianSeconds {
    /// From a case's first report to its first measure.
    pub report_to_measure: Option<f64>,
    /// From an appeal to its answer.
    pub appeal_to_answer: Option<f64>,
}

/// Appeals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Appealed {
    /// Sent in the month.
    pub received: i64,
    /// Answered in the month.
    pub answered: i64,
    /// Of the answered: the decision stood.
    pub upheld: i64,
    /// Of the answered: it did not.
    pub overturned: i64,
    /// Overturned of the answered.
    pub overturn_rate: Option<f64>,
}

/// What was done about people who report wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Misuse {
    /// Warnings.
    pub warned: i64,
    /// Times that somebody's reports ceased to count for a while.
    pub muted: i64,
}

/// The part of the audit log that the month wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogPart {
    /// Rows.
    pub rows: i64,
    /// The last of them.
    pub last_seq: Option<i64>,
    /// Its hash, in hexadecimal digits.
    pub last_hash: Option<String>,
}

/// The report of one month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Which month.
    pub month: Month,
    /// Its first moment.
    pub from: DateTime<Utc>,
    /// The first moment after it.
    pub until: DateTime<Utc>,
    /// When the report was made.
    pub made_at: DateTime<Utc>,
    /// Whether the month was over by then.
    pub complete: bool,
    /// What was done about posts.
    pub measures: Measures,
    /// How fast.
    pub median_seconds: MedianSeconds,
    /// Reports received.
    pub reports_received: i64,
    /// By category, and what became of them.
    pub reports: Vec<CategoryCount>,
    /// Appeals.
    pub appeals: Appealed,
    /// What was done about accounts.
    pub sanctions: Vec<SanctionCount>,
    /// Rights claims filed in the month, and how they stand.
    pub rights_claims: Vec<ClaimCount>,
    /// Reach owed to posts whose measures did not stand.
    pub restitution: Restitution,
    /// What was done about people who report wrongly.
    pub reporters: Misuse,
    /// Where it stands in the audit log.
    pub log: LogPart,
}

/// Reports of one category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CategoryCount {
    /// What they were for.
    pub category: String,
    /// All of them.
    pub received: i64,
    /// A moderator agreed.
    pub agreed: i64,
    /// A moderator disagreed.
    pub disagreed: i64,
    /// Closed without a verdict.
    pub ignored: i64,
    /// Taken back.
    pub withdrawn: i64,
    /// Waiting.
    pub pending: i64,
}

impl From<CategoryReports> for CategoryCount {
    fn from(row: CategoryReports) -> Self {
        let CategoryReports { category, filed, agreed, disagreed, ignored, withdrawn, pending, .. } = row;
        Self { category, received: filed, agreed, disagreed, ignored, withdrawn, pending }
    }
}

/// Makes the report of a month. One that still runs is reported until now.
pub async fn report(pool: &PgPool, month: Month, now: DateTime<Utc>) -> Result<Report, Failed> {
    let (from, until) = month.bounds();
    if from > now {
        return Err(Failed::Future(month));
    }
    let mut tx = pool.begin_with(SNAPSHOT).await?;
    let reports = statistics::by_category(&mut tx, from, until).await?;
    let appeals = statistics::appeals(&mut tx, from, until).await?;
    let report = Report {
        month,
        from,
        until,
        made_at: now,
        complete: until <= now,
        measures: measures(&mut tx, from, until).await?,
        median_seconds: MedianSeconds {
            report_to_measure: report_to_measure(&mut tx, from, until).await?,
            appeal_to_answer: appeals.median_seconds,
        },
        reports_received: reports.iter().map(|row| row.filed).sum(),
        reports: reports.into_iter().map(CategoryCount::from).collect(),
        appeals: Appealed {
            received: appeals.sent,
            answered: appeals.answered,
            upheld: appeals.answered - appeals.overturned,
            overturned: appeals.overturned,
            overturn_rate: appeals.overturn_rate,
        },
        sanctions: accounts::sanctions(&mut tx, from, until).await?,
        rights_claims: accounts::claims(&mut tx, from, until).await?,
        restitution: accounts::restitution(&mut tx, from, until).await?,
        reporters: misuse(&mut tx, from, until).await?,
        log: log(&mut tx, from, until).await?,
    };
    tx.commit().await?;
    Ok(report)
}

async fn measures(
    tx: &mut PgConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Measures> {
    let all = sqlx::query_as!(
        MeasureCount,
        r#"SELECT kind AS measure, reason_code AS reason, count(*) FILTER (WHERE automated) AS "automated!",
                  count(*) FILTER (WHERE NOT automated) AS "by_people!"
           FROM mod_decisions WHERE created_at >= $1 AND created_at < $2
           GROUP BY kind, reason_code ORDER BY kind, count(*) DESC, reason_code"#,
        from,
        until
    )
    .fetch_all(&mut *tx)
    .await?;
    let eased = sqlx::query_scalar!(
        r#"SELECT count(*) AS "eased!" FROM mod_audit WHERE action = 'block.expired' AND at >= $1 AND at < $2"#,
        from,
        until
    )
    .fetch_one(tx)
    .await?;
    let (kept, by_kind): (Vec<_>, Vec<_>) = all.into_iter().partition(|row| row.measure == "keep");
    let sum = |rows: &[MeasureCount], of: fn(&MeasureCount) -> i64| rows.iter().map(of).sum::<i64>();
    let automated = sum(&by_kind, |row| row.automated);
    let imposed = automated + sum(&by_kind, |row| row.by_people);
    Ok(Measures {
        imposed,
        automated,
        automated_share: share(automated, imposed),
        kept: sum(&kept, |row| row.automated + row.by_people),
        eased_unreviewed: eased,
        by_kind,
    })
}

/// Of cases whose first measure falls into the month and came after a report.
async fn report_to_measure(
    tx: &mut PgConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Option<f64>> {
    sqlx::query_scalar!(
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM d.created_at - r.first)::float8)
         FROM mod_decisions d
         CROSS JOIN LATERAL (SELECT min(created_at) AS first FROM reports WHERE case_id = d.case_id) AS r
         WHERE d.kind <> 'keep' AND d.created_at >= $1 AND d.created_at < $2 AND r.first <= d.created_at
           AND NOT EXISTS (SELECT FROM mod_decisions e WHERE e.case_id = d.case_id AND e.kind <> 'keep' AND e.id < d.id)",
        from,
        until
    )
    .fetch_one(tx)
    .await
}

async fn misuse(tx: &mut PgConnection, from: DateTime<Utc>, until: DateTime<Utc>) -> sqlx::Result<Misuse> {
    sqlx::query_as!(
        Misuse,
        r#"SELECT coalesce(sum((after->>'warned')::bigint), 0)::bigint AS "warned!",
                  coalesce(sum((after->>'muted')::bigint), 0)::bigint AS "muted!"
           FROM mod_audit WHERE action = 'reporters.sanctioned' AND at >= $1 AND at < $2"#,
        from,
        until
    )
    .fetch_one(tx)
    .await
}

async fn log(tx: &mut PgConnection, from: DateTime<Utc>, until: DateTime<Utc>) -> sqlx::Result<LogPart> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "rows!", max(seq) AS last FROM mod_audit WHERE at >= $1 AND at < $2"#,
        from,
        until
    )
    .fetch_one(&mut *tx)
    .await?;
    let last_hash = sqlx::query_scalar!(
        r#"SELECT encode(hash, 'hex') AS "hash!" FROM mod_audit WHERE seq = $1"#,
        row.last
    )
    .fetch_optional(tx)
    .await?;
    Ok(LogPart { rows: row.rows, last_seq: row.last, last_hash })
}
