//! The rule's own brake: when more than a tenth of its last 200 judged blocks were overturned it only limits
//! from then on, until an admin sets it otherwise.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

use crate::{
    audit::{self, Act, Actor},
    rule::{RuleSettings, must_fall_back},
    settings,
};

/// Looks at the last blocks that were judged, and falls back if too many were wrong.
pub(crate) async fn consider(tx: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<()> {
    let (rule, version) = settings::current(&mut *tx).await?;
    if rule.limit_only {
        return Ok(());
    }
    let row = sqlx::query!(
        r#"SELECT count(*) AS "judged!", count(*) FILTER (WHERE overturned) AS "overturned!" FROM (
               SELECT EXISTS (SELECT FROM appeals a WHERE a.decision_id = d.id AND a.state = 'overturned')
                      OR EXISTS (SELECT FROM mod_decisions k WHERE k.case_id = d.case_id AND k.kind = 'keep') AS overturned
               FROM mod_decisions d JOIN mod_cases c ON c.id = d.case_id
               WHERE d.kind = 'block' AND d.automated
                 AND (c.state = 'decided' OR EXISTS (SELECT FROM appeals a WHERE a.decision_id = d.id AND a.state <> 'open'))
               ORDER BY d.id DESC LIMIT $1) AS last"#,
        i64::from(rule.overturn_window)
    )
    .fetch_one(&mut *tx)
    .await?;
    let number = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    if !must_fall_back(&rule, number(row.overturned), number(row.judged)) {
        return Ok(());
    }
    let next = settings::set(&mut *tx, &RuleSettings { limit_only: true, ..rule }, None, now).await?;
    let act = Act {
        actor: Actor::System,
        action: "rule.fell_back",
        object: "rule".to_owned(),
        before: Some(json!({"version": version, "limit_only": false})),
        after: Some(
            json!({"version": next, "limit_only": true, "overturned": row.overturned, "judged": row.judged}),
        ),
        request_id: None,
    };
    audit::append(tx, &act).await?;
    metrics::gauge!("madang_rule_limit_only").set(1.0);
    tracing::error!(
        overturned = row.overturned,
        "the auto-block rule fell back to limits: too many blocks were wrong"
    );
    Ok(())
}
