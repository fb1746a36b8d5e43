//! Who meets the programme's terms: each criterion with what is needed and what there is.

use chrono::{DateTime, Duration, Utc};
use madang_core::ids::{UserId, id_floor};
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};

use super::settings::{Terms, Tier};

/// Days that the posts of an applicant are counted over.
const POST_DAYS: i64 = 30;

/// Which criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Own posts that are listed, of the last 30 days; replies and reposts are none.
    Posts,
    /// Sanctions in force or in the last days.
    Standing,
    /// Days since the account was made.
    AccountAge,
    /// Followers.
    Followers,
    /// Whether returns are disclosed: 1 or 0.
    Disclosure,
}

impl Code {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Posts => "posts",
            Self::Standing => "standing",
            Self::AccountAge => "account_age",
            Self::Followers => "followers",
            Self::Disclosure => "disclosure",
        }
    }
}

/// One criterion of one person.
#[derive(Debug, Clone, Serialize)]
pub struct Criterion {
    /// Which.
    pub code: Code,
    /// Whether it is met.
    pub met: bool,
    /// What is needed: at least so many, of sanctions at most.
    pub needed: i64,
    /// What there is.
    pub has: i64,
    /// In Korean.
    pub ko: String,
    /// In English.
    pub en: String,
}

impl Criterion {
    fn least(code: Code, needed: i64, has: i64, ko: &str, en: &str) -> Self {
        let met = has >= needed;
        Self {
            code,
            met,
            needed,
            has,
            ko: format!("{ko}: {has} / {needed}"),
            en: format!("{en}: {has} of {needed}"),
        }
    }
}

/// What of a person is held against the terms.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Own posts of the last 30 days.
    pub posts: i64,
    /// Sanctions in force or in force lately, except those that were lifted.
    pub sanctions: i64,
    /// Age of the account in days.
    pub account_days: i64,
    /// Followers.
    pub followers: i64,
    /// Whether they disclose returns.
    pub discloses: bool,
}

/// Whether somebody discloses their returns now.
pub async fn discloses(executor: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM disclosures WHERE user_id = $1 AND revoked_at IS NULL) AS "discloses!""#,
        user.get()
    )
    .fetch_one(executor)
    .await
}

/// Own posts between two times that feeds may list; replies and reposts are none.
pub(super) async fn posts_between(
    executor: impl PgExecutor<'_>,
    user: UserId,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "n!" FROM posts
           WHERE author_id = $1 AND id >= $2 AND id < $3 AND listed AND repost_of IS NULL AND reply_to IS NULL"#,
        user.get(),
        id_floor(from),
        id_floor(to)
    )
    .fetch_one(executor)
    .await
}

/// Reads what there is of a person.
pub async fn facts(
    connection: &mut PgConnection,
    user: UserId,
    terms: &Terms,
    now: DateTime<Utc>,
) -> sqlx::Result<Facts> {
    let row = sqlx::query!(
        r#"SELECT u.follower_count, u.created_at,
                  (SELECT count(*) FROM sanctions s WHERE s.user_id = u.id AND s.ended_by IS NULL AND (
                       (s.kind = 'ban' AND s.ended_at IS NULL)
                       OR coalesce(least(s.ended_at, s.expires_at), s.created_at) > $2)) AS "sanctions!"
           FROM users u WHERE u.id = $1"#,
        user.get(),
        now - Duration::days(terms.clean_days.into())
    )
    .fetch_one(&mut *connection)
    .await?;
    let since = now - Duration::days(POST_DAYS);
    Ok(Facts {
        posts: posts_between(&mut *connection, user, (since, now + Duration::days(1))).await?,
        sanctions: row.sanctions,
        account_days: (now - row.created_at).num_days(),
        followers: row.follower_count.into(),
        discloses: discloses(connection, user).await?,
    })
}

/// Holds what there is against the terms; with a tier, against what that needs.
pub fn judge(facts: &Facts, terms: &Terms, tier: Option<&Tier>) -> Vec<Criterion> {
    let posts = tier.map_or(terms.min_posts, |tier| tier.min_posts.max(terms.min_posts));
    let followers = tier.map_or_else(|| terms.min_followers(), |tier| tier.min_followers);
    let days = terms.clean_days;
    let sanctions = facts.sanctions;
    let mut all = vec![
        Criterion::least(
            Code::Posts,
            posts.into(),
            facts.posts,
            "최근 30일 동안 직접 쓴 글",
            "own posts in the last 30 days",
        ),
        Criterion {
            code: Code::Standing,
            met: sanctions == 0,
            needed: 0,
            has: sanctions,
            ko: format!("최근 {days}일 동안의 제재: {sanctions}건 (없어야 합니다)"),
            en: format!("sanctions in the last {days} days: {sanctions} (there must be none)"),
        },
        Criterion::least(
            Code::AccountAge,
            terms.min_account_days.into(),
            facts.account_days,
            "가입 후 지난 날수",
            "days since signing up",
        ),
        Criterion::least(Code::Followers, followers.into(), facts.followers, "팔로워", "followers"),
    ];
    if terms.disclosure_required {
        let (ko, en) = ("수익률 공개 동의", "returns are disclosed");
        all.push(Criterion::least(Code::Disclosure, 1, facts.discloses.into(), ko, en));
    }
    all
}

/// Those that are not met.
pub fn unmet(all: &[Criterion]) -> Vec<Criterion> {
    all.iter().filter(|criterion| !criterion.met).cloned().collect()
}
