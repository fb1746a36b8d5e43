//! The audit log: every act of a person or of the machine, each row with the hash of the one before it.
//! Rows come in through one function of the database and cannot be changed.

use chrono::{DateTime, NaiveDate, Utc};
use madang_core::viewer::Who;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};

/// Rows read at once when the chain is verified.
const BATCH: i64 = 5_000;

/// Who acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A rule or a clock.
    System,
    /// A person, in the role they had.
    Person(Who),
}

impl Actor {
    /// Their id, unless it is the machine.
    pub fn id(self) -> Option<i64> {
        match self {
            Self::System => None,
            Self::Person(who) => Some(who.user.get()),
        }
    }

    /// Their role.
    pub const fn role(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Person(who) => who.role.as_str(),
        }
    }
}

/// One act.
#[derive(Debug, Clone)]
pub struct Act<'a> {
    /// Who.
    pub actor: Actor,
    /// What, as `noun.verb`.
    pub action: &'static str,
    /// To what, as `kind:id`.
    pub object: String,
    /// How it was. Never names a reporter.
    pub before: Option<Value>,
    /// How it is. Never names a reporter.
    pub after: Option<Value>,
    /// The request that caused it.
    pub request_id: Option<&'a str>,
}

/// Adds an act to the chain and returns its number. Others wait for this transaction from here on, so call
/// it late, but before the change is recorded.
pub async fn append(tx: &mut PgConnection, act: &Act<'_>) -> sqlx::Result<i64> {
    let row = sqlx::query!(
        r#"SELECT append_audit($1, $2, $3, $4, $5, $6, $7) AS "seq!""#,
        act.actor.id(),
        act.actor.role(),
        act.action,
        act.object,
        act.before,
        act.after,
        act.request_id
    )
    .fetch_one(tx)
    .await?;
    Ok(row.seq)
}

/// What is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A number is missing or stands twice.
    #[error("row {0} is missing, or rows are out of order there")]
    Missing(i64),
    /// A row does not follow from the one before it.
    #[error("row {0} does not follow from the row before it")]
    Unlinked(i64),
    /// A row's content is not what was hashed.
    #[error("row {0} was changed after it was written")]
    Changed(i64),
    /// Rows at the end are gone.
    #[error("the log ends at row {found}, but {expected} were written")]
    CutOff {
        /// Rows there.
        found: i64,
        /// Rows written.
        expected: i64,
    },
    /// The chain fits together, but is not the one that was there when its end was written down.
    #[error("row {seq} is not what the anchor of {day} says: the log was rewritten, or the anchor forged")]
    Rewritten {
        /// The anchor's day.
        day: NaiveDate,
        /// The row it holds.
        seq: i64,
    },
}

/// Goes through the whole chain and holds it against its anchors. Returns how many rows it has, or the first
/// thing wrong with it. The hashes are computed here, not by the database.
pub async fn verify(pool: &PgPool) -> sqlx::Result<Result<i64, Broken>> {
    verify_on(&mut *pool.acquire().await?).await
}

/// The same on one connection.
pub async fn verify_on(connection: &mut PgConnection) -> sqlx::Result<Result<i64, Broken>> {
    let head = sqlx::query!("SELECT seq, hash FROM mod_audit_head").fetch_one(&mut *connection).await?;
    let (mut seq, mut prev) = (0, Vec::new());
    while seq < head.seq {
        let rows = sqlx::query!(
            r#"SELECT seq, prev_hash, hash,
                      jsonb_build_array(seq, extract(epoch FROM at), actor_id, actor_role, action, object, before, after,
                                        request_id)::text AS "canonical!"
               FROM mod_audit WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3"#,
            seq,
            head.seq,
            BATCH
        )
        .fetch_all(&mut *connection)
        .await?;
        if rows.is_empty() {
            return Ok(Err(Broken::CutOff { found: seq, expected: head.seq }));
        }
        for row in rows {
            seq += 1;
            if row.seq != seq {
                return Ok(Err(Broken::Missing(seq)));
            }
            if row.prev_hash != prev {
                return Ok(Err(Broken::Unlinked(seq)));
            }
            let computed =
                Sha256::new().chain_update(&prev).chain_update(row.canonical.as_bytes()).finalize();
            if computed[..] != row.hash[..] {
                return Ok(Err(Broken::Changed(seq)));
            }
            prev = row.hash;
        }
    }
    if prev != head.hash {
        return Ok(Err(Broken::Unlinked(seq)));
    }
    Ok(rewritten(connection).await?.map_or(Ok(seq), Err))
}

/// The first anchor that the log, whose hashes are right, does not bear out.
async fn rewritten(connection: &mut PgConnection) -> sqlx::Result<Option<Broken>> {
    let row = sqlx::query!(
        "SELECT a.day, a.seq FROM audit_anchors a LEFT JOIN mod_audit m ON m.seq = a.seq
         WHERE m.hash IS DISTINCT FROM a.hash ORDER BY a.day LIMIT 1"
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Broken::Rewritten { day: row.day, seq: row.seq }))
}

/// The end of the chain on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The day (UTC).
    pub day: NaiveDate,
    /// The last row then.
    pub seq: i64,
    /// Its hash, in hexadecimal digits.
    pub hash: String,
}

/// Writes the end of the chain down, once a day, and says it in the process's log with the target
/// `audit_anchor`: whoever rewrites the database cannot rewrite what was shipped from there. Returns what this
/// call wrote: nothing if it was done before, or while the log is empty.
pub async fn anchor(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<Option<Anchor>> {
    let row = sqlx::query!(
        r#"INSERT INTO audit_anchors (day, seq, hash, at) SELECT $1, seq, hash, $2 FROM mod_audit_head WHERE seq > 0
           ON CONFLICT (day) DO NOTHING RETURNING day, seq, encode(hash, 'hex') AS "hash!""#,
        now.date_naive(),
        now
    )
    .fetch_optional(pool)
    .await?;
    let written = row.map(|row| Anchor { day: row.day, seq: row.seq, hash: row.hash });
    if let Some(anchor) = &written {
        tracing::info!(
            target: "audit_anchor",
            day = %anchor.day,
            seq = anchor.seq,
            hash = anchor.hash,
            "the audit log ends here today"
        );
    }
    Ok(written)
}

/// A row of the log, as moderators read it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Logged {
    /// Its place in the chain.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who, unless it was the machine.
    pub actor_id: Option<madang_core::ids::UserId>,
    /// In which role.
    pub actor_role: String,
    /// What.
    pub action: String,
    /// To what.
    pub object: String,
    /// How it was.
    pub before: Option<Value>,
    /// How it is.
    pub after: Option<Value>,
    /// The request that caused it.
    pub request_id: Option<String>,
}

/// The newest rows below a place, of one object or of all.
pub async fn list(pool: &PgPool, object: Option<&str>, below: i64, limit: i64) -> sqlx::Result<Vec<Logged>> {
    let rows = sqlx::query!(
        "SELECT seq, at, actor_id, actor_role, action, object, before, after, request_id FROM mod_audit
         WHERE seq < $1 AND ($2::text IS NULL OR object = $2) ORDER BY seq DESC LIMIT $3",
        below,
        object,
        limit
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Logged {
            seq: row.seq,
            at: row.at,
            actor_id: row.actor_id.map(madang_core::ids::UserId::new),
            actor_role: row.actor_role,
            action: row.action,
            object: row.object,
            before: row.before,
            after: row.after,
            request_id: row.request_id,
        })
        .collect())
}
