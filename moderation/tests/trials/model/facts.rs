//! What the database says of a sequence's posts, in one query.

use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgPool;

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct PostFact {
    pub(crate) id: i64,
    pub(crate) state: i16,
    pub(crate) deleted: bool,
    pub(crate) listed: bool,
    pub(crate) revision: i32,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct CaseFact {
    pub(crate) id: i64,
    pub(crate) post: i64,
    pub(crate) state: String,
    pub(crate) assigned: Option<i64>,
    pub(crate) escalated: bool,
    /// Whether its post will be shown again.
    pub(crate) shows: bool,
    pub(crate) version: i32,
    /// The rest of the row, for seeing that nothing changed.
    pub(crate) score: f64,
    pub(crate) claimed_until: Option<String>,
    pub(crate) decided_at: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct DecisionFact {
    pub(crate) id: i64,
    pub(crate) case: i64,
    pub(crate) post: i64,
    pub(crate) kind: String,
    pub(crate) by: Option<i64>,
    pub(crate) automated: bool,
    pub(crate) reason: String,
    pub(crate) imposed: i16,
    pub(crate) was: i16,
    pub(crate) locked: bool,
    pub(crate) ended: bool,
    pub(crate) statement: Value,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct ReportFact {
    pub(crate) post: i64,
    pub(crate) by: i64,
    pub(crate) case: i64,
    pub(crate) status: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct AppealFact {
    pub(crate) id: i64,
    pub(crate) decision: i64,
    pub(crate) state: String,
}

/// A row of the audit log.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct LogFact {
    pub(crate) seq: i64,
    pub(crate) actor_id: Option<i64>,
    pub(crate) action: String,
    pub(crate) object: String,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

/// All of it; the log as far as it is new.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(crate) struct Facts {
    pub(crate) posts: Vec<PostFact>,
    pub(crate) cases: Vec<CaseFact>,
    pub(crate) decisions: Vec<DecisionFact>,
    pub(crate) reports: Vec<ReportFact>,
    pub(crate) appeals: Vec<AppealFact>,
    pub(crate) reputations: Vec<Value>,
    pub(crate) log: Vec<LogFact>,
}

const QUERY: &str = "
SELECT json_build_object(
    'posts', (SELECT coalesce(json_agg(json_build_object('id', id, 'state', moderation_state, 'listed', listed,
            'deleted', deleted_at IS NOT NULL, 'revision', revision) ORDER BY id), '[]') FROM posts WHERE id = ANY($1)),
    'cases', (SELECT coalesce(json_agg(json_build_object('id', id, 'post', post_id, 'state', state, 'version', version,
            'escalated', escalated, 'shows', show_at IS NOT NULL,
            'assigned', assigned_to, 'score', score, 'claimed_until', claimed_until, 'decided_at', decided_at)
            ORDER BY id), '[]') FROM mod_cases WHERE post_id = ANY($1)),
    'decisions', (SELECT coalesce(json_agg(json_build_object('id', id, 'case', case_id, 'post', post_id, 'kind', kind,
            'by', actor_id, 'automated', automated, 'reason', reason_code, 'imposed', new_state, 'was', previous_state,
            'locked', locked, 'ended', ended_at IS NOT NULL, 'statement', statement) ORDER BY id), '[]')
        FROM mod_decisions WHERE post_id = ANY($1)),
    'reports', (SELECT coalesce(json_agg(json_build_object('post', post_id, 'by', reporter_id, 'case', case_id,
            'status', status) ORDER BY post_id, reporter_id), '[]') FROM reports WHERE post_id = ANY($1)),
    'appeals', (SELECT coalesce(json_agg(json_build_object('id', id, 'decision', decision_id, 'state', state)
            ORDER BY id), '[]') FROM appeals WHERE post_id = ANY($1)),
    'reputations', (SELECT coalesce(json_agg(s ORDER BY user_id), '[]') FROM reporter_stats s WHERE user_id = ANY($2)),
    'log', (SELECT coalesce(json_agg(json_build_object('seq', seq, 'actor_id', actor_id, 'action', action,
            'object', object, 'before', before, 'after', after) ORDER BY seq), '[]') FROM mod_audit WHERE seq > $3)
)";

/// Reads everything about these posts and people, and the log from there on.
pub(crate) async fn read(pool: &PgPool, posts: &[i64], people: &[i64], log_from: i64) -> Result<Facts> {
    let found: Value =
        sqlx::query_scalar(QUERY).bind(posts).bind(people).bind(log_from).fetch_one(pool).await?;
    Ok(serde_json::from_value(found)?)
}
