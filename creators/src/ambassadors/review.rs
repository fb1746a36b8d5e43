//! The monthly review, by the clock: a statement for each month that somebody was an ambassador from its first
//! moment to its last, what it is worth, a warning after one missed minimum, and the end after two in a row. Each
//! member's month is a transaction of its own, so it goes on where it stopped and does nothing twice.

use chrono::{DateTime, Utc};
use madang_core::ids::{StatementId, UserId};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgConnection;

use super::{
    badge::{self, Pause},
    criteria, members,
    month::Month,
    payouts, settings,
    statements::{self, Filter, Statement},
    words::{self, MonthSays},
};

/// What became of somebody after a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// They stay, or had left already.
    Kept,
    /// They were warned.
    Warned,
    /// They are out: two months in a row.
    Removed,
}

/// A month that was reviewed.
#[derive(Debug, Clone, Serialize)]
pub struct Reviewed {
    /// Its statement.
    pub statement: Statement,
    /// What came of it.
    pub outcome: Outcome,
}

struct Due {
    id: i64,
    user: UserId,
    tier: String,
    month: Month,
    active: bool,
}

/// The next month that is to be reviewed, of those up to `up_to`.
async fn next_due(tx: &mut PgConnection, up_to: Month) -> sqlx::Result<Option<Due>> {
    let row = sqlx::query!(
        r#"SELECT id, user_id, tier, next_review, ended_at IS NULL AS "active!" FROM ambassadors
           WHERE next_review <= $1 AND (ended_at IS NULL
                 OR ended_at >= (next_review + interval '1 month') AT TIME ZONE 'Asia/Seoul')
           ORDER BY next_review, id LIMIT 1 FOR UPDATE SKIP LOCKED"#,
        up_to.first_day()
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|row| Due {
        id: row.id,
        user: UserId::new(row.user_id),
        tier: row.tier,
        month: Month::from_column(row.next_review),
        active: row.active,
    }))
}

/// Reviews one month of one member, of the months up to `up_to` that are over. Nothing where all are reviewed. `by` is
/// nobody where the clock does it.
pub async fn next(
    tx: &mut PgConnection,
    up_to: Month,
    (by, now): (Option<UserId>, DateTime<Utc>),
) -> sqlx::Result<Option<Reviewed>> {
    let terms = settings::hold(&mut *tx).await?;
    let Some(due) = next_due(&mut *tx, up_to.min(Month::last_over(now))).await? else { return Ok(None) };
    let statement = state(&mut *tx, &due, &terms, (by, now)).await?;
    let outcome = if statement.met || !due.active {
        Outcome::Kept
    } else if missed_before(&mut *tx, &due).await? {
        members::end(&mut *tx, due.user, (members::End::Missed, None), now).await?;
        Outcome::Removed
    } else {
        Outcome::Warned
    };
    sqlx::query!(
        "UPDATE ambassadors SET next_review = $2 WHERE id = $1",
        due.id,
        due.month.next().first_day()
    )
    .execute(&mut *tx)
    .await?;
    let says = match outcome {
        Outcome::Kept => MonthSays::Kept,
        Outcome::Warned => MonthSays::Warned,
        Outcome::Removed => MonthSays::Removed,
    };
    words::reviewed(tx, (due.user, now), &statement, says).await?;
    Ok(Some(Reviewed { statement, outcome }))
}

async fn missed_before(tx: &mut PgConnection, due: &Due) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM ambassador_statements
                          WHERE ambassador_id = $1 AND month = $2 AND NOT met) AS "missed!""#,
        due.id,
        due.month.previous().first_day()
    )
    .fetch_one(tx)
    .await
}

/// Makes the statement, and accrues what it is worth.
async fn state(
    tx: &mut PgConnection,
    due: &Due,
    (terms, version): &(settings::Terms, i32),
    (by, now): (Option<UserId>, DateTime<Utc>),
) -> sqlx::Result<Statement> {
    let tier = terms.tier(&due.tier);
    let minimum = tier.map_or(terms.min_posts, |tier| tier.min_posts);
    let posts = criteria::posts_between(&mut *tx, due.user, due.month.bounds()).await?;
    let met = posts >= minimum.into();
    let pause = badge::pause_of(&mut *tx, due.user, due.id, now).await?;
    let withheld = if met { pause.map(Pause::as_str) } else { Some("minimum") };
    let amount = tier.filter(|_| withheld.is_none()).map_or(Decimal::ZERO, |tier| tier.monthly_krw);
    let id = sqlx::query_scalar!(
        "INSERT INTO ambassador_statements (user_id, ambassador_id, month, tier, posts, minimum_posts, followers_gained,
                                            followers, met, withheld, amount, settings_version, made_at)
         SELECT $1, $2, $3, $4, $5, $6,
                (SELECT count(*) FROM follows WHERE followee_id = $1 AND created_at >= $7 AND created_at < $8),
                u.follower_count, $9, $10, $11, $12, $13
         FROM users u WHERE u.id = $1 RETURNING id",
        due.user.get(),
        due.id,
        due.month.first_day(),
        due.tier,
        i32::try_from(posts).unwrap_or(i32::MAX),
        minimum,
        due.month.bounds().0,
        due.month.bounds().1,
        met,
        withheld,
        amount,
        version,
        now
    )
    .fetch_one(&mut *tx)
    .await?;
    if !amount.is_zero() {
        payouts::accrue(&mut *tx, StatementId::new(id), (due.user, due.month, amount), (by, now)).await?;
    }
    read(tx, StatementId::new(id)).await
}

async fn read(tx: &mut PgConnection, id: StatementId) -> sqlx::Result<Statement> {
    let made = statements::list(tx, Filter { id: Some(id), ..Filter::default() }, i64::MAX, 1).await?.pop();
    made.ok_or(sqlx::Error::RowNotFound)
}
