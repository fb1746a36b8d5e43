//! What the trials share: people whose word counts, posts, and acts on them, each in a transaction of its
//! own that is committed also after a refusal. So a refusal that changed something would show.

use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use madang_core::{
    changes::{self, Change},
    ids::{CaseId, PostId, UserId},
    posts,
    text::PostBody,
    users::Role,
    viewer::Who,
};
use madang_moderation::{
    cases,
    decisions::{self, Decided, Measure, NewDecision},
    reports::{self, Filed, NewReport, Withdrawn},
    rule::{Category, Network},
    screened::Screened,
    screener::{self, Screener},
    submissions,
    text::Outcome,
};
use sqlx::PgPool;

/// A database and the text rules.
pub(crate) struct Scene {
    pub(crate) pool: PgPool,
    screener: Screener,
    people: AtomicI64,
}

/// A moderator's decision to be tried.
pub(crate) struct Verdict {
    pub(crate) case: CaseId,
    pub(crate) version: i32,
    pub(crate) moderator: Who,
    pub(crate) measure: Measure,
    pub(crate) lock: bool,
}

/// Each from a network of their own.
fn network_of(person: UserId) -> Result<Network> {
    let [.., a, b, c] = person.get().to_be_bytes();
    Ok(Network::of([a.checked_add(1).context("too many people")?, b, c, 1].into()))
}

impl Scene {
    pub(crate) fn new(pool: PgPool) -> Result<Self> {
        Ok(Self { pool, screener: Screener::built_in()?, people: AtomicI64::new(1) })
    }

    /// New people whose word counts: checked, and here for two months.
    pub(crate) async fn people(&self, count: i64) -> Result<Vec<UserId>> {
        let first = self.people.fetch_add(count, Ordering::Relaxed);
        sqlx::query(
            "INSERT INTO users (id, handle, handle_fold, handle_skeleton, name, verified, created_at)
             SELECT n, 'p' || n, 'p' || n, 'p' || n, 'p', true, now() - interval '60 days'
             FROM generate_series($1, $1 + $2 - 1) n",
        )
        .bind(first)
        .bind(count)
        .execute(&self.pool)
        .await?;
        Ok((first..first + count).map(UserId::new).collect())
    }

    pub(crate) async fn post(&self, author: UserId, now: DateTime<Utc>) -> Result<PostId> {
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO posts (id, author_id, body, rank, author_followers, created_at)
             VALUES (new_id($2), $1, 'a post', 0, 0, $2) RETURNING id",
        )
        .bind(author.get())
        .bind(now)
        .fetch_one(&self.pool)
        .await?;
        Ok(PostId::new(id))
    }

    pub(crate) async fn report(
        &self,
        post: PostId,
        by: UserId,
        category: Category,
        now: DateTime<Utc>,
    ) -> Result<Result<Filed, reports::Refused>> {
        let new = NewReport {
            post,
            reporter: Who { user: by, role: Role::Investor },
            category,
            note: "",
            network: Some(network_of(by)?),
            device: None,
            now,
            request_id: "trial",
        };
        let mut tx = self.pool.begin().await?;
        let filed = reports::file(&mut tx, &self.screener, &new).await?;
        tx.commit().await?;
        Ok(filed)
    }

    pub(crate) async fn withdraw(&self, post: PostId, by: UserId, now: DateTime<Utc>) -> Result<Withdrawn> {
        let mut tx = self.pool.begin().await?;
        let done = reports::withdraw(&mut tx, &self.screener, post, by, now, "trial").await?;
        tx.commit().await?;
        Ok(done)
    }

    pub(crate) async fn decide(
        &self,
        verdict: &Verdict,
        now: DateTime<Utc>,
    ) -> Result<Result<Decided, decisions::Refused>> {
        let new = NewDecision {
            case: verdict.case,
            version: verdict.version,
            moderator: verdict.moderator,
            measure: verdict.measure,
            reason: Category::Other,
            terms_clause: "",
            lock: verdict.lock,
            now,
            request_id: "trial",
        };
        let mut tx = self.pool.begin().await?;
        let decided = decisions::decide(&mut tx, &new).await?;
        tx.commit().await?;
        Ok(decided)
    }

    /// What the service does when an author edits: the text rules look at the new text too.
    pub(crate) async fn edit(
        &self,
        post: PostId,
        author: UserId,
        text: &str,
        now: DateTime<Utc>,
    ) -> Result<Result<(), posts::EditRefused>> {
        let screening = self.screener.submission(text, author, (&Screened::default(), None), now);
        let mut tx = self.pool.begin().await?;
        let edited = posts::edit(&mut tx, post, author, &PostBody::parse(text)?, false, now).await?;
        if edited.is_ok() {
            cases::text_changed(&mut tx, post).await?;
            if screening.outcome <= Outcome::Mask {
                decisions::edited(&mut tx, post, now, "trial").await?;
            }
            let kept_back = screener::keeps_back(screening.outcome)
                && submissions::restrict(&mut tx, post, &screening, now, "trial").await?;
            if !kept_back {
                changes::record(&mut tx, &[Change::Post(post)]).await?;
            }
        }
        tx.commit().await?;
        Ok(edited.map(drop))
    }

    /// What the clock does: shows posts again that were edited, and eases blocks whose time is over. Returns
    /// how many blocks it looked at.
    pub(crate) async fn ease(&self, now: DateTime<Utc>) -> Result<usize> {
        let mut tx = self.pool.begin().await?;
        decisions::show_edited(&mut tx, now, 100).await?;
        tx.commit().await?;
        let mut tx = self.pool.begin().await?;
        let eased = decisions::ease_expired(&mut tx, now, 100).await?;
        tx.commit().await?;
        Ok(eased.len())
    }
}
