//! Rights claims (임시조치): a post is hidden until a claim is decided, for 30 days at most. The role `legal` files
//! and decides them; reports never do.

mod lists;

use chrono::{DateTime, Utc};
use madang_core::{
    ids::{AppealId, DecisionId, LegalRequestId, PostId, UserId},
    viewer::Who,
    visibility::PostState,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;

pub use self::lists::{Listed, list};

use crate::{
    appeals::{self, Against, Answer},
    audit::{Act, Actor},
    cases::{self, Subject},
    closing::Closing,
    decisions::{self, Entry, Measure},
    statements::{Ground, Reason},
};

/// Days a post is hidden at most.
pub const DAYS: i64 = 30;
/// Most characters of a claimant's name.
pub const MAX_CLAIMANT_CHARS: usize = 200;
/// Most characters of a proof and of a note.
pub const MAX_PROOF_CHARS: usize = 2_000;

/// A claim to be filed.
#[derive(Debug, Clone)]
pub struct NewRequest<'a> {
    /// About which post.
    pub post: PostId,
    /// Who says that a right of theirs is violated.
    pub claimant: &'a str,
    /// Which right.
    pub ground: Ground,
    /// How they show it.
    pub proof: &'a str,
}

/// Why it was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// No such post, or no such claim.
    NotFound,
    /// There is an open claim about the post.
    Already(LegalRequestId),
    /// About one's own post.
    OwnPost,
    /// It is decided.
    Decided {
        /// How.
        state: String,
        /// When.
        at: Option<DateTime<Utc>>,
    },
    /// The author objected, and another must decide than the one whose decision it is.
    AnotherPerson,
    /// About a post one reported.
    OwnReport,
}

/// Files a claim and hides the post; of a repost, the original.
pub async fn file(
    tx: &mut PgConnection,
    new: &NewRequest<'_>,
    by: Who,
    now: DateTime<Utc>,
    request_id: &str,
) -> sqlx::Result<Result<LegalRequestId, Refused>> {
    let post = cases::original(&mut *tx, new.post).await?;
    let subject = match open_subject(&mut *tx, post, by).await? {
        Ok(subject) => subject,
        Err(refused) => return Ok(Err(refused)),
    };
    let deadline = now + chrono::Duration::days(DAYS);
    let mut closing = Closing::default();
    let entry = entry(by, Measure::Temporary, new.ground, Some(deadline), now, request_id);
    let decision = decisions::enact(&mut *tx, &subject, &entry, &mut closing).await?;
    let id = sqlx::query_scalar!(
        "INSERT INTO legal_requests (post_id, author_id, claimant, ground, proof, previous_state, decision_id, filed_by,
                                     filed_at, deadline)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id",
        post.get(),
        subject.author.get(),
        new.claimant,
        new.ground.as_str(),
        new.proof,
        subject.state.column(),
        decision.get(),
        by.user.get(),
        now,
        deadline
    )
    .fetch_one(&mut *tx)
    .await?;
    closing.write(tx).await?;
    Ok(Ok(LegalRequestId::new(id)))
}

/// Locks a post about which a claim can be filed.
async fn open_subject(
    tx: &mut PgConnection,
    post: PostId,
    by: Who,
) -> sqlx::Result<Result<Subject, Refused>> {
    let subject = cases::lock_subject(&mut *tx, post).await?.filter(|post| post.state != PostState::Deleted);
    let Some(subject) = subject else { return Ok(Err(Refused::NotFound)) };
    if subject.author == by.user {
        return Ok(Err(Refused::OwnPost));
    }
    let row = sqlx::query!(
        r#"SELECT (SELECT id FROM legal_requests WHERE post_id = $1 AND state = 'open') AS open,
                  EXISTS (SELECT FROM reports WHERE post_id = $1 AND reporter_id = $2) AS "reported!""#,
        post.get(),
        by.user.get()
    )
    .fetch_one(tx)
    .await?;
    Ok(match row.open {
        Some(id) => Err(Refused::Already(LegalRequestId::new(id))),
        None if row.reported => Err(Refused::OwnReport),
        None => Ok(subject),
    })
}

fn entry<'a>(
    by: Who,
    measure: Measure,
    ground: Ground,
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    request_id: &'a str,
) -> Entry<'a> {
    Entry {
        actor: Actor::Person(by),
        case: None,
        measure,
        reason: Reason::Rights(ground),
        terms_clause: "정보통신망법 제44조의2",
        categories: Vec::new(),
        found_by_machine: false,
        locked: false,
        expires_at,
        now,
        request_id,
    }
}

/// How a claim ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The post is back as it was.
    Restored,
    /// The post is taken down.
    Removed,
    /// The claimant took it back; the post is back as it was.
    Withdrawn,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Restored => "restored",
            Self::Removed => "removed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

struct Open {
    subject: Subject,
    ground: Ground,
    previous: PostState,
    decision: DecisionId,
    /// Whose decision it is that the author may object to.
    decider: UserId,
    /// Whether it was decided that the post is taken down, and the author objects.
    again: bool,
    /// The author's objection, if it waits, and what it is against.
    objection: Option<(AppealId, DecisionId)>,
}

async fn lock(tx: &mut PgConnection, id: LegalRequestId) -> sqlx::Result<Result<Open, Refused>> {
    let post = sqlx::query_scalar!("SELECT post_id FROM legal_requests WHERE id = $1", id.get())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(post) = post else { return Ok(Err(Refused::NotFound)) };
    let Some(subject) = cases::lock_subject(&mut *tx, PostId::new(post)).await? else {
        return Ok(Err(Refused::NotFound));
    };
    let row = sqlx::query!(
        r#"SELECT l.state, l.ground, l.previous_state, l.decision_id, l.filed_by, l.decided_by, l.decided_at,
                  a.id AS "objection?", a.decision_id AS "against?"
           FROM legal_requests l
           LEFT JOIN appeals a ON a.post_id = l.post_id AND a.case_id IS NULL AND a.state = 'open'
           WHERE l.id = $1 FOR UPDATE OF l"#,
        id.get()
    )
    .fetch_one(tx)
    .await?;
    let objection = row.objection.map(AppealId::new).zip(row.against.map(DecisionId::new));
    let again = row.state == "removed" && objection.is_some();
    if row.state != "open" && !again {
        return Ok(Err(Refused::Decided { state: row.state, at: row.decided_at }));
    }
    Ok(Ok(Open {
        subject,
        ground: Ground::from_column(&row.ground),
        previous: PostState::from_columns(row.previous_state, false),
        decision: DecisionId::new(row.decision_id),
        decider: UserId::new(row.decided_by.filter(|_| again).unwrap_or(row.filed_by)),
        again,
        objection,
    }))
}

/// Decides a claim, and with it the author's objection.
pub async fn decide(
    tx: &mut PgConnection,
    id: LegalRequestId,
    outcome: Outcome,
    note: &str,
    (by, now): (Who, DateTime<Utc>),
    request_id: &str,
) -> sqlx::Result<Result<(), Refused>> {
    let open = match lock(&mut *tx, id).await? {
        Ok(open) => open,
        Err(refused) => return Ok(Err(refused)),
    };
    if open.subject.author == by.user {
        return Ok(Err(Refused::OwnPost));
    }
    let mut closing = Closing::default();
    if let Some((appeal, against)) = open.objection {
        let stands = outcome == Outcome::Removed;
        let answered = if stands { appeals::Outcome::Upheld } else { appeals::Outcome::Overturned };
        let answer = Answer { appeal, moderator: by, outcome: answered, words: note, now, request_id };
        let (author, against) = (open.subject.author, Against::Decision(against));
        if open.decider == by.user
            || appeals::close(&mut *tx, &answer, author, against, None, &mut closing).await?.is_err()
        {
            return Ok(Err(Refused::AnotherPerson));
        }
    }
    end(&mut *tx, id, &open, outcome.as_str(), (Some(by.user), note), now).await?;
    if outcome != Outcome::Removed {
        restore(&mut *tx, &open, Actor::Person(by), outcome.as_str(), (now, Some(request_id)), &mut closing)
            .await?;
    } else if !open.again {
        let entry = entry(by, Measure::Remove, open.ground, None, now, request_id);
        decisions::enact(&mut *tx, &open.subject, &entry, &mut closing).await?;
    }
    closing.write(tx).await?;
    Ok(Ok(()))
}

async fn end(
    tx: &mut PgConnection,
    id: LegalRequestId,
    open: &Open,
    state: &str,
    (by, note): (Option<UserId>, &str),
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE legal_requests SET state = $2, decided_by = $3, decided_at = $4, note = $5 WHERE id = $1",
        id.get(),
        state,
        by.map(UserId::get),
        now,
        note
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE mod_decisions SET ended_at = $2
         WHERE ended_at IS NULL AND (id = $1 OR (post_id = $3 AND actor_kind = 'legal' AND kind = 'remove'))",
        open.decision.get(),
        now,
        open.subject.id.get()
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// The post goes back to what it would have been.
async fn restore<'a>(
    tx: &mut PgConnection,
    open: &Open,
    actor: Actor,
    outcome: &str,
    (now, request_id): (DateTime<Utc>, Option<&'a str>),
    closing: &mut Closing<'a>,
) -> sqlx::Result<()> {
    decisions::move_to(tx, &open.subject, open.previous, now, closing).await?;
    closing.act(Act {
        actor,
        action: "rights_claim.ended",
        object: format!("post:{}", open.subject.id),
        before: Some(json!({"state": open.subject.state.as_str()})),
        after: Some(json!({"state": open.previous.as_str(), "outcome": outcome})),
        request_id,
    });
    Ok(())
}

/// Ends a claim that nobody decided in 30 days: the post is back as it was. Returns the post, if there was one.
pub async fn expire(tx: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<Option<PostId>> {
    let due = sqlx::query_scalar!(
        "SELECT id FROM legal_requests WHERE state = 'open' AND deadline <= $1 ORDER BY deadline LIMIT 1",
        now
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(id) = due.map(LegalRequestId::new) else { return Ok(None) };
    let Ok(open) = lock(&mut *tx, id).await? else { return Ok(None) };
    let mut closing = Closing::default();
    if let Some((appeal, _)) = open.objection {
        appeals::close_unanswered(&mut *tx, (appeal, open.subject.author), now).await?;
    }
    end(&mut *tx, id, &open, "expired", (None, ""), now).await?;
    restore(&mut *tx, &open, Actor::System, "expired", (now, None), &mut closing).await?;
    closing.write(tx).await?;
    Ok(Some(open.subject.id))
}
