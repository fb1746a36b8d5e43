//! Ids: 53-bit numbers made in PostgreSQL (`new_id`), 41 bits of milliseconds since 2010-01-01 and 12
//! low bits, so that they sort by time. In JSON they are strings.

use std::{fmt, str::FromStr};

use chrono::{DateTime, TimeZone, Utc};
use serde::{Serialize, Serializer};

/// Milliseconds between the Unix epoch and 2010-01-01, where ids and ranks begin.
pub const EPOCH_MS: i64 = 1_262_304_000_000;

/// Why a text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is a whole number from 1 to 9007199254740991")]
pub struct BadId;

fn parse_id(text: &str) -> Result<i64, BadId> {
    let plain = !text.is_empty() && text.len() <= 16 && text.bytes().all(|b| b.is_ascii_digit());
    let value = if plain {
        text.parse().map_err(|_| BadId)?
    } else {
        return Err(BadId);
    };
    if (1..1_i64 << 53).contains(&value) { Ok(value) } else { Err(BadId) }
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, sqlx::Type)]
        #[sqlx(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Wraps a number that came from the database.
            pub const fn new(value: i64) -> Self {
                Self(value)
            }

            /// The number itself.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                parse_id(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }
    };
}

id_type!(
    /// A person, or the service account of an integration.
    UserId
);
id_type!(
    /// A post, reply, repost or quote.
    PostId
);
id_type!(
    /// A moderation case.
    CaseId
);
id_type!(
    /// A report of a post.
    ReportId
);
id_type!(
    /// An appeal against a decision.
    AppealId
);
id_type!(
    /// A text rule.
    RuleId
);
id_type!(
    /// A sanction of an account.
    SanctionId
);
id_type!(
    /// Something a person is told.
    NoticeId
);
id_type!(
    /// A rights claim.
    LegalRequestId
);
id_type!(
    /// A proposed change of the rule's constants.
    ProposalId
);
id_type!(
    /// A decision about a post, by a person or by the rule.
    DecisionId
);
id_type!(
    /// An application to the ambassador programme.
    ApplicationId
);
id_type!(
    /// A month's statement of an ambassador.
    StatementId
);
id_type!(
    /// What a statement is worth, to be paid.
    PayoutId
);
id_type!(
    /// Payouts that are paid together.
    PayRunId
);

id_type!(
    /// A profit card.
    CardId
);
id_type!(
    /// Something that stands with a post, such as a profit card.
    AttachmentId
);

/// An instrument's row number; the canonical id outside is `market:code`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, sqlx::Type)]
#[sqlx(transparent)]
pub struct TickerId(i32);

impl TickerId {
    /// Wraps a number that came from the database.
    pub const fn new(value: i32) -> Self {
        Self(value)
    }

    /// The number itself.
    pub const fn get(self) -> i32 {
        self.0
    }
}

/// The smallest id a row of that time can have; the SQL function `id_floor` says the same.
pub fn id_floor(at: DateTime<Utc>) -> i64 {
    (at.timestamp_millis() - EPOCH_MS).max(0) << 12
}

/// When a row with that id was made, to the millisecond.
pub fn id_time(id: i64) -> DateTime<Utc> {
    Utc.timestamp_millis_opt((id >> 12) + EPOCH_MS).single().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_plain_number_of_at_most_53_bits() {
        for bad in ["", "0", "-1", "+1", " 1", "1 ", "9007199254740992", "99999999999999999999", "1e3", "٣"]
        {
            assert_eq!(bad.parse::<PostId>(), Err(BadId), "{bad}");
        }
        assert_eq!("9007199254740991".parse::<PostId>(), Ok(PostId::new(9_007_199_254_740_991)));
    }

    #[test]
    fn an_id_tells_its_time() {
        let at = Utc.with_ymd_and_hms(2026, 11, 22, 5, 10, 0).single().unwrap_or_default();
        assert_eq!(id_time(id_floor(at)), at);
        assert!(id_floor(at) < 1 << 53);
    }
}
