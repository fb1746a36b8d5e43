//! How an account stands: what its owner may still do while sanctions are in force.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{ids::UserId, signing};

/// What the strongest sanction in force leaves of an account, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Standing {
    /// Everything.
    #[default]
    Good,
    /// Writing that reaches no feeds.
    Limited,
    /// Reading, and objecting.
    Suspended,
    /// The same without an end.
    Banned,
}

impl Standing {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Limited => "limited",
            Self::Suspended => "suspended",
            Self::Banned => "banned",
        }
    }

    /// To the column `standing`.
    pub const fn column(self) -> i16 {
        match self {
            Self::Good => 0,
            Self::Limited => 1,
            Self::Suspended => 2,
            Self::Banned => 3,
        }
    }

    const fn from_column(column: i16) -> Self {
        match column {
            0 => Self::Good,
            1 => Self::Limited,
            2 => Self::Suspended,
            // 3, and whatever a newer release may add
            _ => Self::Banned,
        }
    }
}

/// A standing and until when it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    standing: Standing,
    until: Option<DateTime<Utc>>,
    /// Until when the account is limited, also under what is stronger.
    limited_until: Option<DateTime<Utc>>,
}

impl Held {
    /// From the columns `standing`, `standing_until` and `limited_until`.
    pub const fn from_columns(
        standing: i16,
        until: Option<DateTime<Utc>>,
        limited_until: Option<DateTime<Utc>>,
    ) -> Self {
        Self { standing: Standing::from_column(standing), until, limited_until }
    }

    /// The standing at a time: a sanction ends on time, even before its row is closed.
    pub fn at(&self, now: DateTime<Utc>) -> Standing {
        match (self.until, self.limited_until) {
            (Some(until), Some(limited)) if until <= now && now < limited => Standing::Limited,
            (Some(until), _) if until <= now => Standing::Good,
            _ => self.standing,
        }
    }

    /// When the standing at that time ends by itself.
    pub fn until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        [self.until, self.limited_until].into_iter().flatten().find(|until| *until > now)
    }
}

/// Remembers the standing of somebody who deletes their account, by a hash of who the identity provider says they
/// are; without one nothing could be told anyway.
pub(crate) async fn remember(tx: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    let row = sqlx::query!(
        "SELECT subject, standing, standing_until, limited_until FROM users WHERE id = $1 AND standing > 0",
        user.get()
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some((row, subject)) = row.and_then(|mut row| row.subject.take().map(|subject| (row, subject)))
    else {
        return Ok(());
    };
    sqlx::query!(
        "INSERT INTO barred_subjects (subject_hash, standing, standing_until, limited_until) VALUES ($1, $2, $3, $4)
         ON CONFLICT (subject_hash) DO UPDATE SET standing = excluded.standing,
             standing_until = excluded.standing_until, limited_until = excluded.limited_until",
        &subject_hash(&subject)[..],
        row.standing,
        row.standing_until,
        row.limited_until
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Under which a subject's standing is remembered.
pub(crate) fn subject_hash(subject: &str) -> [u8; 32] {
    signing::fingerprint(&[b"subject", subject.as_bytes()])
}

/// Sets a standing. The caller records that logins changed.
pub async fn set(
    tx: &mut PgConnection,
    user: UserId,
    (standing, until): (Standing, Option<DateTime<Utc>>),
    limited_until: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE users SET standing = $2, standing_until = $3, limited_until = $4 WHERE id = $1",
        user.get(),
        standing.column(),
        until,
        limited_until
    )
    .execute(tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_ends_on_time_and_what_is_weaker_holds_after_it() {
        let now = Utc::now();
        let day = |n| Some(now + chrono::Duration::days(n));
        let held = Held::from_columns(Standing::Suspended.column(), day(7), day(30));
        for (after, standing) in [
            (0, Standing::Suspended),
            (6, Standing::Suspended),
            (7, Standing::Limited),
            (29, Standing::Limited),
            (30, Standing::Good),
        ] {
            assert_eq!(held.at(now + chrono::Duration::days(after)), standing, "after {after} days");
        }
        assert_eq!(held.until(now), day(7));
        assert_eq!(held.until(now + chrono::Duration::days(8)), day(30));
        let banned = Held::from_columns(Standing::Banned.column(), None, day(3));
        assert_eq!(banned.at(now + chrono::Duration::days(9_999)), Standing::Banned);
        assert_eq!(
            Held::from_columns(7, None, None).at(now),
            Standing::Banned,
            "what a newer release may add"
        );
    }
}
