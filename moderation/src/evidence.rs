//! What the rule is given about a case, read from the database while the post's row is held.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use madang_core::{ids::CaseId, visibility::PostState};
use sqlx::PgConnection;

use crate::{
    cases::Subject,
    exposure, learning,
    rule::{
        Case, Category, CurrentState, Dismissal, Link, Network, Report, ReportStatus, Reporter, RuleSettings,
        Sighting, Signals, Standing, TextVerdict, Tie, co_report_links, decayed,
    },
};

/// Targets of a reporter that are compared with those of others.
const TARGETS: i64 = 200;
/// Days in which reports join people, and in which earlier ones on an author count against a reporter.
const LOOK_BACK_DAYS: i32 = 90;

/// Reads a case for the rule.
pub(crate) async fn gather(
    tx: &mut PgConnection,
    settings: &RuleSettings,
    (subject, case): (&Subject, CaseId),
    text: TextVerdict,
    now: DateTime<Utc>,
) -> sqlx::Result<Case> {
    let (reports, reporters) = filed(&mut *tx, settings, subject, case, now).await?;
    let (dismissals, locked) = dismissals(&mut *tx, subject).await?;
    let viewers = viewers(&mut *tx, subject, case, now).await?;
    Ok(Case {
        usual_report_rate: learning::usual_report_rate(&mut *tx, subject.id).await?,
        standing: standing(&mut *tx, subject, now).await?,
        state: if locked { CurrentState::Fixed } else { current(subject.state) },
        text,
        viewers: viewers.and_then(|count| u32::try_from(count).ok()),
        links: links(&mut *tx, settings, &reporters, now).await?,
        block_expired: block_expired(tx, case).await?,
        reports,
        reporters,
        dismissals,
    })
}

const fn current(state: PostState) -> CurrentState {
    match state {
        PostState::Visible => CurrentState::Visible,
        PostState::Limited => CurrentState::Limited,
        PostState::AutoBlocked => CurrentState::AutoBlocked,
        PostState::Removed | PostState::TempMeasure | PostState::Held | PostState::Deleted => {
            CurrentState::Fixed
        }
    }
}

async fn filed(
    tx: &mut PgConnection,
    settings: &RuleSettings,
    subject: &Subject,
    case: CaseId,
    now: DateTime<Utc>,
) -> sqlx::Result<(Vec<Report>, Vec<Reporter>)> {
    let rows = sqlx::query!(
        r#"SELECT r.reporter_id, r.category, r.revision, r.created_at, r.status, r.network, r.device,
                  u.created_at AS since, u.verified OR u.subject IS NOT NULL OR u.external_id IS NOT NULL AS "checked!",
                  s.agreed AS "agreed?", s.disagreed AS "disagreed?", s.updated_at AS "updated_at?", s.muted_until,
                  (SELECT count(*) FROM reports d JOIN posts dp ON dp.id = d.post_id
                   WHERE d.reporter_id = r.reporter_id AND dp.author_id = $2 AND d.status = 'disagreed'
                     AND d.judged_at > $3::timestamptz - make_interval(days => $5)) AS "on_author!",
                  EXISTS (SELECT FROM blocks b WHERE b.blocker_id = $2 AND b.blocked_id = r.reporter_id
                             AND b.created_at < $4) AS "blocked!"
           FROM reports r JOIN users u ON u.id = r.reporter_id
           LEFT JOIN reporter_stats s ON s.user_id = r.reporter_id
           WHERE r.case_id = $1 ORDER BY r.id"#,
        case.get(),
        subject.author.get(),
        now,
        subject.created_at,
        LOOK_BACK_DAYS
    )
    .fetch_all(tx)
    .await?;
    let (mut reports, mut reporters) = (Vec::new(), Vec::new());
    for row in rows {
        reports.push(Report {
            reporter: row.reporter_id,
            category: Category::parse(&row.category).unwrap_or(Category::Other),
            revision: row.revision,
            reported_at: row.created_at,
            status: status(&row.status),
            view_token_ok: true,
        });
        let left = |tally: Option<f64>| {
            let since = row.updated_at.unwrap_or(now);
            tally.map_or(0.0, |tally| decayed(settings, tally, since, now))
        };
        let network: Option<Network> =
            row.network.clone().and_then(|text| serde_json::from_value(text.into()).ok());
        reporters.push(Reporter {
            agreed_decayed: left(row.agreed),
            disagreed_decayed: left(row.disagreed),
            disagreed_on_author: u32::try_from(row.on_author).unwrap_or(u32::MAX),
            muted_until: row.muted_until,
            tie: row.blocked.then_some(Tie::BlockedByAuthor),
            signals: Signals {
                devices: row.device.map(i64::cast_unsigned).into_iter().collect(),
                sightings: network
                    .map(|network| Sighting { network, at: row.created_at })
                    .into_iter()
                    .collect(),
                ..Signals::default()
            },
            ..Reporter::newcomer(row.reporter_id, row.since, row.checked)
        });
    }
    Ok((reports, reporters))
}

fn status(name: &str) -> ReportStatus {
    match name {
        "pending" => ReportStatus::Pending,
        "agreed" => ReportStatus::Agreed,
        "disagreed" => ReportStatus::Disagreed,
        "withdrawn" => ReportStatus::Withdrawn,
        _ => ReportStatus::Ignored,
    }
}

/// Earlier dismissals of this text, and whether it was kept for good until it is edited.
async fn dismissals(tx: &mut PgConnection, subject: &Subject) -> sqlx::Result<(Vec<Dismissal>, bool)> {
    let rows = sqlx::query!(
        "SELECT categories, revision, locked, created_at FROM mod_decisions
         WHERE post_id = $1 AND kind = 'keep' AND actor_kind = 'moderator' ORDER BY id DESC LIMIT 20",
        subject.id.get()
    )
    .fetch_all(tx)
    .await?;
    let locked = rows.iter().any(|row| row.locked && row.revision == subject.revision);
    let dismissals = rows.iter().flat_map(|row| {
        let categories = row.categories.iter().filter_map(|name| Category::parse(name));
        categories.map(|category| Dismissal { category, revision: row.revision, decided_at: row.created_at })
    });
    Ok((dismissals.collect(), locked))
}

/// People who were shown the post; never fewer than were counted before.
async fn viewers(
    tx: &mut PgConnection,
    subject: &Subject,
    case: CaseId,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<i32>> {
    let Some(counted) = exposure::viewers(&mut *tx, subject.id, subject.author, now).await? else {
        return Ok(None);
    };
    sqlx::query_scalar!(
        "UPDATE mod_cases SET viewers = greatest(viewers, $2) WHERE id = $1 RETURNING viewers",
        case.get(),
        counted
    )
    .fetch_one(tx)
    .await
}

/// New: younger than 30 days, or with fewer than five posts. Good: older than 180 days, with twenty posts
/// and none taken down by a moderator in that time.
async fn standing(tx: &mut PgConnection, subject: &Subject, now: DateTime<Utc>) -> sqlx::Result<Standing> {
    let row = sqlx::query!(
        r#"SELECT extract(epoch FROM $2::timestamptz - u.created_at)::float8 / 86400 AS "days!",
                  (SELECT count(*) FROM (SELECT FROM posts WHERE author_id = $1 AND listed LIMIT 20) AS few) AS "posts!",
                  EXISTS (SELECT FROM mod_decisions WHERE author_id = $1 AND kind = 'remove'
                             AND created_at > $2::timestamptz - make_interval(days => 180)) AS "removed!"
           FROM users u WHERE u.id = $1"#,
        subject.author.get(),
        now
    )
    .fetch_one(tx)
    .await?;
    Ok(match row {
        row if row.days < 30.0 || row.posts < 5 => Standing::New,
        row if row.days > 180.0 && row.posts >= 20 && !row.removed => Standing::Good,
        _ => Standing::Ordinary,
    })
}

/// Who of the reporters reported the same posts before, without a moderator agreeing.
async fn links(
    tx: &mut PgConnection,
    settings: &RuleSettings,
    reporters: &[Reporter],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Link>> {
    let ids: Vec<i64> = reporters.iter().map(|reporter| reporter.id).collect();
    let rows = sqlx::query!(
        r#"SELECT p.id AS "reporter!", r.post_id FROM unnest($1::bigint[]) AS p (id)
           CROSS JOIN LATERAL (
               SELECT post_id FROM reports WHERE reporter_id = p.id AND status NOT IN ('agreed', 'withdrawn')
                 AND created_at > $2::timestamptz - make_interval(days => $3)
               ORDER BY created_at DESC LIMIT $4) r"#,
        &ids,
        now,
        LOOK_BACK_DAYS,
        TARGETS
    )
    .fetch_all(tx)
    .await?;
    let mut targets: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
    for row in rows {
        targets.entry(row.reporter).or_default().insert(row.post_id);
    }
    Ok(co_report_links(settings, &targets))
}

async fn block_expired(tx: &mut PgConnection, case: CaseId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM mod_decisions WHERE case_id = $1 AND kind = 'block' AND ended_at >= expires_at)
               AS "ended!""#,
        case.get()
    )
    .fetch_one(tx)
    .await
}
