//! Everything about one person, as JSON documents by file name.

use sqlx::PgConnection;

use crate::ids::UserId;

/// A file of the export: its name, and one JSON object a row.
pub type ExportFile = (&'static str, Vec<serde_json::Value>);

macro_rules! rows {
    ($tx:expr, $user:expr, $name:literal, $sql:literal) => {{
        let rows: Vec<serde_json::Value> =
            sqlx::query_scalar($sql).bind($user.get()).fetch_all(&mut *$tx).await?;
        ($name, rows)
    }};
}

/// Reads everything. Run it in a repeatable-read transaction, so that the files agree with one another.
/// Password hashes and login tokens are not part of it.
pub async fn everything_about(tx: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<ExportFile>> {
    sqlx::query!("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *tx).await?;
    Ok(vec![
        rows!(tx, user, "profile.json", "SELECT to_jsonb(u) - 'password_hash' FROM users u WHERE id = $1"),
        rows!(
            tx,
            user,
            "posts.json",
            "SELECT to_jsonb(p) || jsonb_build_object('id', p.id::text, 'tickers', (
                 SELECT coalesce(jsonb_agg(t.symbol ORDER BY pt.position), '[]'::jsonb)
                 FROM post_tickers pt JOIN tickers t ON t.id = pt.ticker_id WHERE pt.post_id = p.id))
             FROM posts p WHERE author_id = $1 ORDER BY p.id"
        ),
        rows!(
            tx,
            user,
            "post_revisions.json",
            "SELECT to_jsonb(r) FROM post_revisions r JOIN posts p ON p.id = r.post_id
             WHERE p.author_id = $1 ORDER BY r.post_id, r.revision"
        ),
        rows!(
            tx,
            user,
            "follows.json",
            "SELECT jsonb_build_object('handle', u.handle, 'since', f.created_at)
             FROM follows f JOIN users u ON u.id = f.followee_id WHERE follower_id = $1 ORDER BY f.created_at"
        ),
        rows!(
            tx,
            user,
            "followers.json",
            "SELECT jsonb_build_object('handle', u.handle, 'since', f.created_at)
             FROM follows f JOIN users u ON u.id = f.follower_id WHERE followee_id = $1 ORDER BY f.created_at"
        ),
        rows!(
            tx,
            user,
            "likes.json",
            "SELECT to_jsonb(l) FROM likes l WHERE user_id = $1 ORDER BY created_at"
        ),
        rows!(
            tx,
            user,
            "bookmarks.json",
            "SELECT to_jsonb(b) FROM bookmarks b WHERE user_id = $1 ORDER BY mark_id"
        ),
        rows!(
            tx,
            user,
            "poll_votes.json",
            "SELECT to_jsonb(v) FROM poll_votes v WHERE user_id = $1 ORDER BY created_at"
        ),
        rows!(
            tx,
            user,
            "watchlist.json",
            "SELECT jsonb_build_object('symbol', t.symbol, 'since', w.created_at)
             FROM watches w JOIN tickers t ON t.id = w.ticker_id WHERE user_id = $1 ORDER BY w.created_at"
        ),
        rows!(
            tx,
            user,
            "blocks.json",
            "SELECT jsonb_build_object('handle', u.handle, 'since', b.created_at)
             FROM blocks b JOIN users u ON u.id = b.blocked_id WHERE blocker_id = $1 ORDER BY b.created_at"
        ),
        rows!(
            tx,
            user,
            "mutes.json",
            "SELECT jsonb_build_object('handle', u.handle, 'since', m.created_at)
             FROM mutes m JOIN users u ON u.id = m.muted_id WHERE muter_id = $1 ORDER BY m.created_at"
        ),
        rows!(
            tx,
            user,
            "keyword_mutes.json",
            "SELECT to_jsonb(k) FROM keyword_mutes k WHERE user_id = $1 ORDER BY keyword"
        ),
        // Not the device: its hash says nothing to anybody but us.
        rows!(
            tx,
            user,
            "reports.json",
            "SELECT to_jsonb(r) - 'device' - 'case_id' FROM reports r WHERE reporter_id = $1 ORDER BY id"
        ),
        rows!(
            tx,
            user,
            "statements.json",
            "SELECT jsonb_build_object('id', d.id::text, 'post_id', d.post_id::text, 'statement', d.statement,
                                       'made', d.created_at, 'ended', d.ended_at)
             FROM mod_decisions d WHERE author_id = $1 AND previous_state <> new_state ORDER BY d.id"
        ),
        rows!(
            tx,
            user,
            "appeals.json",
            "SELECT to_jsonb(a) - 'decided_by' - 'case_id' FROM appeals a WHERE author_id = $1 ORDER BY id"
        ),
        rows!(
            tx,
            user,
            "sanctions.json",
            "SELECT jsonb_build_object('id', s.id::text, 'kind', s.kind, 'statement', s.statement,
                                       'made', s.created_at, 'expires', s.expires_at, 'ended', s.ended_at)
             FROM sanctions s WHERE user_id = $1 ORDER BY s.id"
        ),
        rows!(
            tx,
            user,
            "trades.json",
            "SELECT to_jsonb(e) - 'fingerprint' - 'user_id' FROM ledger_entries e WHERE user_id = $1 ORDER BY id"
        ),
        rows!(
            tx,
            user,
            "returns.json",
            "SELECT to_jsonb(w) - 'user_id' FROM window_returns w WHERE user_id = $1 ORDER BY ticker_id, span"
        ),
        rows!(
            tx,
            user,
            "disclosures.json",
            "SELECT to_jsonb(d) - 'user_id' || jsonb_build_object('id', d.id::text)
             FROM disclosures d WHERE user_id = $1 ORDER BY id"
        ),
        rows!(
            tx,
            user,
            "profit_cards.json",
            "SELECT a.body || jsonb_build_object('token', c.token)
             FROM profit_cards c JOIN attachments a ON a.id = c.id WHERE c.user_id = $1 ORDER BY c.id"
        ),
        rows!(
            tx,
            user,
            "ambassador_applications.json",
            "SELECT to_jsonb(a) - 'decided_by' FROM ambassador_applications a WHERE user_id = $1 ORDER BY id"
        ),
        rows!(
            tx,
            user,
            "ambassador_declarations.json",
            "SELECT to_jsonb(d) FROM ambassador_declarations d WHERE user_id = $1 ORDER BY version"
        ),
        rows!(
            tx,
            user,
            "ambassador_statements.json",
            "SELECT to_jsonb(s) || jsonb_build_object('id', s.id::text, 'payout', (
                 SELECT ambassador_payout_state(p.id, p.amount) FROM ambassador_payouts p WHERE p.statement_id = s.id))
             FROM ambassador_statements s WHERE user_id = $1 ORDER BY month"
        ),
        rows!(tx, user, "notices.json", "SELECT to_jsonb(n) FROM notices n WHERE user_id = $1 ORDER BY id"),
        rows!(
            tx,
            user,
            "sessions.json",
            "SELECT jsonb_build_object('started', created_at, 'expires', expires_at)
             FROM sessions WHERE user_id = $1 ORDER BY created_at"
        ),
    ])
}
