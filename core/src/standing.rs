//! How an account stands: what its owner may still do while sanctions are in force.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::ids::UserId;

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
}

impl Held {
    /// From the columns `standing` and `standing_until`.
    pub const fn from_columns(standing: i16, until: Option<DateTime<Utc>>) -> Self {
        Self { standing: Standing::from_column(standing), until }
    }

    /// The standing at a time: a sanction ends on time, even before its row is closed.
    pub fn at(&self, now: DateTime<Utc>) -> Standing {
        if self.until.is_some_and(|until| until <= now) { Standing::Good } else { self.standing }
    }

    /// When it ends by itself.
    pub const fn until(&self) -> Option<DateTime<Utc>> {
        self.until
    }
}

/// Sets a standing. The caller records that logins changed.
pub async fn set(
    tx: &mut PgConnection,
    user: UserId,
    standing: Standing,
    until: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE users SET standing = $2, standing_until = $3 WHERE id = $1",
        user.get(),
        standing.column(),
        until
    )
    .execute(tx)
    .await?;
    Ok(())
}
