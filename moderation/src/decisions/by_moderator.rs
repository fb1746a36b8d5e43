//! What moderators decide: one case, or the same about posts that say nearly the same, with or without a
//! sanction of the author.

use chrono::{DateTime, Utc};
use madang_core::{
    db,
    ids::{CaseId, DecisionId, PostId, UserId},
    viewer::Who,
    visibility::PostState,
};
use sqlx::PgConnection;

use super::{Entry, Measure, enact};
use crate::{
    audit::Actor,
    cases::{self, Origin, Subject},
    closing::Closing,
    reputation,
    rule::Category,
    sanctions::{self, NewSanction},
    screened,
    statements::Reason,
};

/// Most posts decided along with one.
pub const MAX_SIMILAR: usize = 50;

/// A decision of a moderator's.
#[derive(Debug, Clone)]
pub struct NewDecision<'a> {
    /// About which case.
    pub case: CaseId,
    /// The case's version they looked at.
    pub version: i32,
    /// Who decides.
    pub moderator: Who,
    /// Keep, limit or remove.
    pub measure: Measure,
    /// For what.
    pub reason: Category,
    /// The clause of the terms.
    pub terms_clause: &'a str,
    /// Whether reports of this text shall not count again; with `Keep`.
    pub lock: bool,
    /// When.
    pub now: DateTime<Utc>,
    /// The request.
    pub request_id: &'a str,
}

/// Why a decision was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// No such case.
    NotFound,
    /// Somebody was faster.
    Decided {
        /// Who, unless it was the rule.
        by: Option<UserId>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The case changed since it was looked at.
    Stale {
        /// Its version now.
        version: i32,
    },
    /// Another moderator is at it.
    Claimed {
        /// Who.
        by: UserId,
        /// Until when.
        until: DateTime<Utc>,
    },
    /// It waits for a senior moderator.
    NeedsSenior,
    /// About one's own post.
    OwnPost,
    /// About a post one reported.
    OwnReport,
    /// A post that is to be decided too does not say nearly the same.
    NotSimilar {
        /// Which.
        post: PostId,
    },
    /// A post that is to be decided too was removed by itself; that is not eased along with another.
    Stricter {
        /// Which post.
        post: PostId,
    },
    /// The case of a post that is to be decided too is not free.
    Similar {
        /// Which post.
        post: PostId,
        /// Why.
        why: Box<Refused>,
    },
    /// The sanction.
    Sanction(sanctions::Refused),
}

/// A decision as recorded.
#[derive(Debug, Clone, Copy)]
pub struct Decided {
    /// Its id.
    pub id: DecisionId,
    /// Whether the post's state changed.
    pub changed: bool,
}

/// Decides a case: the post's state, its reports and their reporters' standing, in one.
pub async fn decide(tx: &mut PgConnection, new: &NewDecision<'_>) -> sqlx::Result<Result<Decided, Refused>> {
    decide_all(tx, new, Along::default()).await
}

async fn decide_one<'a>(
    tx: &mut PgConnection,
    new: &NewDecision<'a>,
    closing: &mut Closing<'a>,
) -> sqlx::Result<Result<DecisionId, Refused>> {
    let Some((subject, case)) = cases::lock_both(&mut *tx, new.case).await? else {
        return Ok(Err(Refused::NotFound));
    };
    if let Some(refused) = refuse(&mut *tx, &subject, &case, new).await? {
        return Ok(Err(refused));
    }
    let agreed = new.measure != Measure::Keep;
    let categories = reputation::settle(&mut *tx, new.case, &subject, agreed, new.now, closing).await?;
    end_case(&mut *tx, subject.id, new.case, new.now).await?;
    let entry = Entry {
        actor: Actor::Person(new.moderator),
        case: Some(new.case),
        measure: new.measure,
        reason: Reason::Category(new.reason),
        terms_clause: new.terms_clause,
        categories,
        found_by_machine: case.screened,
        locked: new.lock && new.measure == Measure::Keep,
        expires_at: None,
        now: new.now,
        request_id: new.request_id,
    };
    match enact(tx, &subject, &entry, closing).await {
        Ok(id) => Ok(Ok(id)),
        Err(error) => own(error),
    }
}

/// Ends the case, and what earlier cases imposed on the post, so that statements say what holds.
async fn end_case(tx: &mut PgConnection, post: PostId, case: CaseId, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE mod_decisions SET ended_at = $2
         WHERE post_id = $1 AND actor_kind <> 'legal' AND ended_at IS NULL",
        post.get(),
        now
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE mod_cases SET state = 'decided', decided_at = $2, version = version + 1 WHERE id = $1",
        case.get(),
        now
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// The database refuses it too; then the transaction is lost and the caller must roll back.
fn own(error: sqlx::Error) -> sqlx::Result<Result<DecisionId, Refused>> {
    match db::violated(&error) {
        Some("mod_decisions_not_own_post") => Ok(Err(Refused::OwnPost)),
        Some("mod_decisions_not_own_report") => Ok(Err(Refused::OwnReport)),
        _ => Err(error),
    }
}

async fn refuse(
    tx: &mut PgConnection,
    subject: &Subject,
    case: &cases::Locked,
    new: &NewDecision<'_>,
) -> sqlx::Result<Option<Refused>> {
    let moderator = new.moderator.user;
    if case.state == "decided" {
        let row = sqlx::query!(
            "SELECT actor_id, created_at FROM mod_decisions WHERE case_id = $1 ORDER BY id DESC LIMIT 1",
            new.case.get()
        )
        .fetch_optional(tx)
        .await?;
        let (by, at) = row.map_or((None, new.now), |row| (row.actor_id.map(UserId::new), row.created_at));
        return Ok(Some(Refused::Decided { by, at }));
    }
    if let (Some(by), Some(until)) = (case.assigned_to, case.claimed_until)
        && by != moderator
        && until > new.now
    {
        return Ok(Some(Refused::Claimed { by, until }));
    }
    if case.escalated && !new.moderator.role.is_senior() {
        return Ok(Some(Refused::NeedsSenior));
    }
    if case.version != new.version {
        return Ok(Some(Refused::Stale { version: case.version }));
    }
    if subject.author == moderator {
        return Ok(Some(Refused::OwnPost));
    }
    let own = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM reports WHERE post_id = $1 AND reporter_id = $2) AS "own!""#,
        subject.id.get(),
        moderator.get()
    )
    .fetch_one(tx)
    .await?;
    Ok(own.then_some(Refused::OwnReport))
}

/// What goes along with a decision.
#[derive(Debug, Clone, Copy, Default)]
pub struct Along<'a> {
    /// Posts that say nearly the same, about which the same is decided.
    pub similar: &'a [PostId],
    /// What is done about the author of the case's post.
    pub sanction: Option<&'a NewSanction<'a>>,
}

/// Decides a case and what goes along with it: all of it, or nothing; the caller rolls back what was refused.
pub async fn decide_all(
    tx: &mut PgConnection,
    new: &NewDecision<'_>,
    along: Along<'_>,
) -> sqlx::Result<Result<Decided, Refused>> {
    let post = sqlx::query!(
        "SELECT c.post_id, p.author_id FROM mod_cases c JOIN posts p ON p.id = c.post_id WHERE c.id = $1",
        new.case.get()
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(post) = post else { return Ok(Err(Refused::NotFound)) };
    // Accounts, then posts by id, then their cases, then reporters: everybody locks in this order.
    if along.sanction.is_some() {
        sanctions::lock_account(&mut *tx, UserId::new(post.author_id)).await?;
    }
    let others = match lock_similar(&mut *tx, PostId::new(post.post_id), along.similar, new).await? {
        Ok(others) => others,
        Err(refused) => return Ok(Err(refused)),
    };
    let cases: Vec<CaseId> = others.iter().map(|(_, case)| *case).chain([new.case]).collect();
    if !others.is_empty() {
        reputation::lock_reporters(&mut *tx, &cases, new.now).await?;
    }
    let mut closing = Closing::default();
    let id = match decide_one(&mut *tx, new, &mut closing).await? {
        Ok(id) => id,
        Err(refused) => return Ok(Err(refused)),
    };
    for (post, case) in others {
        let version = sqlx::query_scalar!("SELECT version FROM mod_cases WHERE id = $1", case.get())
            .fetch_one(&mut *tx)
            .await?;
        let one = NewDecision { case, version, ..new.clone() };
        if let Err(why) = decide_one(&mut *tx, &one, &mut closing).await? {
            return Ok(Err(Refused::Similar { post, why: Box::new(why) }));
        }
    }
    if let Some(sanction) = along.sanction {
        let by = (new.moderator, Some(new.case));
        let author = UserId::new(post.author_id);
        let at = (new.now, new.request_id);
        if let Err(why) = sanctions::impose_along(&mut *tx, author, sanction, by, at, &mut closing).await? {
            return Ok(Err(Refused::Sanction(why)));
        }
    }
    let changed = closing.write(tx).await?;
    Ok(Ok(Decided { id, changed }))
}

/// Locks a post and those decided along with it, by id, and finds or opens their cases.
async fn lock_similar(
    tx: &mut PgConnection,
    main: PostId,
    similar: &[PostId],
    new: &NewDecision<'_>,
) -> sqlx::Result<Result<Vec<(PostId, CaseId)>, Refused>> {
    let mut posts: Vec<PostId> = similar.iter().copied().filter(|post| *post != main).collect();
    posts.sort_unstable();
    posts.dedup();
    let near = screened::near(&mut *tx, main, &posts).await?;
    if let Some(post) = posts.iter().find(|post| !near.contains(post)) {
        return Ok(Err(Refused::NotSimilar { post: *post }));
    }
    let at = posts.partition_point(|post| *post < main);
    posts.insert(at, main);
    let mut found = Vec::new();
    for post in posts {
        let Some(subject) = cases::lock_subject(&mut *tx, post).await? else {
            return Ok(Err(Refused::NotSimilar { post }));
        };
        if post != main && subject.state == PostState::Deleted {
            return Ok(Err(Refused::NotSimilar { post }));
        }
        let removed = subject.standing() == PostState::Removed;
        if post != main && removed && new.measure != Measure::Remove {
            return Ok(Err(Refused::Stricter { post }));
        }
        if post != main && !removed {
            let priority = crate::rule::harm(new.reason);
            let case = cases::open(&mut *tx, &subject, Origin::Copy, priority, new.now).await?;
            found.push((post, case.id));
        }
    }
    Ok(Ok(found))
}
