//! The programme's terms: one row a version, the newest holds, none is ever changed. An admin sets the next one.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use madang_core::ids::UserId;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgExecutor};

/// Most won a month that a tier may be worth.
pub const MAX_MONTHLY_KRW: u32 = 100_000_000;
/// Most posts a month that may be asked for.
const MAX_POSTS: i32 = 1_000;
/// Most days of any term.
const MAX_DAYS: i32 = 3_650;
const MAX_TIERS: usize = 10;
const MAX_NAME_CHARS: usize = 40;
/// Versions shown of the history.
const HISTORY: i64 = 50;

/// A tier; what an ambassador of it must do and gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// 1 to 20 lower-case letters, digits, `_`.
    pub code: String,
    /// Name in Korean.
    pub name_ko: String,
    /// Name in English.
    pub name_en: String,
    /// Followers needed to be given it.
    pub min_followers: i32,
    /// Own posts needed in each month.
    pub min_posts: i32,
    /// Whole won for each month whose minimum was met, as a string in JSON.
    #[serde(with = "rust_decimal::serde::str")]
    pub monthly_krw: Decimal,
}

/// The terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Own posts in the last 30 days needed to apply.
    pub min_posts: i32,
    /// Days without a sanction needed to apply.
    pub clean_days: i32,
    /// Age of the account in days needed to apply.
    pub min_account_days: i32,
    /// Whether returns must be disclosed, to apply and to show the badge.
    pub disclosure_required: bool,
    /// Months after which a conflict declaration must be renewed.
    pub declaration_months: i32,
    /// Days after a refusal before one can apply again.
    pub retry_days: i32,
    /// Tiers, the lowest first.
    pub tiers: Vec<Tier>,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadTerm {
    /// Which, as in `tiers[0].monthly_krw`.
    pub field: String,
    /// What would be right.
    pub message: String,
}

fn within(errors: &mut Vec<BadTerm>, field: String, value: i32, (from, to): (i32, i32)) {
    if !(from..=to).contains(&value) {
        errors.push(BadTerm { field, message: format!("must be from {from} to {to}") });
    }
}

impl Terms {
    /// A tier by its code.
    pub fn tier(&self, code: &str) -> Option<&Tier> {
        self.tiers.iter().find(|tier| tier.code == code)
    }

    /// Followers of the lowest tier.
    pub fn min_followers(&self) -> i32 {
        self.tiers.iter().map(|tier| tier.min_followers).min().unwrap_or(0)
    }

    /// Everything that is wrong with them.
    pub fn validate(&self) -> Result<(), Vec<BadTerm>> {
        let mut errors = Vec::new();
        for (field, value, range) in [
            ("min_posts", self.min_posts, (0, MAX_POSTS)),
            ("clean_days", self.clean_days, (0, MAX_DAYS)),
            ("min_account_days", self.min_account_days, (0, MAX_DAYS)),
            ("declaration_months", self.declaration_months, (1, 24)),
            ("retry_days", self.retry_days, (0, MAX_DAYS)),
        ] {
            within(&mut errors, field.to_owned(), value, range);
        }
        if self.tiers.is_empty() || self.tiers.len() > MAX_TIERS {
            errors.push(BadTerm { field: "tiers".to_owned(), message: format!("must be 1 to {MAX_TIERS}") });
        }
        let mut codes = HashSet::new();
        for (at, tier) in self.tiers.iter().enumerate() {
            tier.validate(at, &mut errors);
            if !codes.insert(&tier.code) {
                let message = "must not stand twice".to_owned();
                errors.push(BadTerm { field: format!("tiers[{at}].code"), message });
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

impl Tier {
    fn validate(&self, at: usize, errors: &mut Vec<BadTerm>) {
        let field = |name: &str| format!("tiers[{at}].{name}");
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if self.code.is_empty() || self.code.len() > 20 || !self.code.chars().all(plain) {
            let message = "must be 1 to 20 lower-case letters, digits or _".to_owned();
            errors.push(BadTerm { field: field("code"), message });
        }
        for (name, value) in [("name_ko", &self.name_ko), ("name_en", &self.name_en)] {
            let parsed = madang_core::text::parse_line(value, MAX_NAME_CHARS);
            if let Err(error) = parsed {
                errors.push(BadTerm { field: field(name), message: error.to_string() });
            }
        }
        within(errors, field("min_followers"), self.min_followers, (0, 100_000_000));
        within(errors, field("min_posts"), self.min_posts, (0, MAX_POSTS));
        let (most, won) = (Decimal::from(MAX_MONTHLY_KRW), self.monthly_krw);
        if won < Decimal::ZERO || won > most || won.scale() > 0 {
            let message = format!("must be whole won from 0 to {MAX_MONTHLY_KRW}");
            errors.push(BadTerm { field: field("monthly_krw"), message });
        }
    }
}

/// The terms in force and their version.
pub async fn current(executor: impl PgExecutor<'_>) -> sqlx::Result<(Terms, i32)> {
    let row = sqlx::query!("SELECT version, settings FROM ambassador_settings ORDER BY version DESC LIMIT 1")
        .fetch_one(executor)
        .await?;
    let terms = serde_json::from_value(row.settings).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok((terms, row.version))
}

/// A version of the terms.
#[derive(Debug, Clone, Serialize)]
pub struct Version {
    /// Its number.
    pub version: i32,
    /// The terms as they were stored.
    pub settings: serde_json::Value,
    /// Why they were set.
    pub why: String,
    /// By whom; nobody set the first.
    pub set_by: Option<UserId>,
    /// When.
    pub set_at: DateTime<Utc>,
}

/// The last versions, newest first.
pub async fn history(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<Version>> {
    let rows = sqlx::query!(
        "SELECT version, settings, why, set_by, set_at FROM ambassador_settings ORDER BY version DESC LIMIT $1",
        HISTORY
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Version {
            version: row.version,
            settings: row.settings,
            why: row.why,
            set_by: row.set_by.map(UserId::new),
            set_at: row.set_at,
        })
        .collect())
}

/// Keeps the terms as they are until the commit.
pub(super) async fn hold(tx: &mut PgConnection) -> sqlx::Result<(Terms, i32)> {
    sqlx::query!("SELECT pg_advisory_xact_lock_shared(hashtextextended('ambassador_settings', 0))")
        .fetch_one(&mut *tx)
        .await?;
    current(tx).await
}

/// Why a change was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Fields that cannot be as they are.
    Invalid(Vec<BadTerm>),
    /// It changes nothing.
    Same,
    /// They were changed meanwhile.
    Stale {
        /// Their version now.
        version: i32,
    },
    /// A tier that ambassadors hold would be gone.
    TierHeld(String),
}

/// Sets the next version, made from version `base`. Returns the terms before it, and its number.
pub async fn change(
    tx: &mut PgConnection,
    terms: &Terms,
    base: i32,
    why: &str,
    (by, now): (UserId, DateTime<Utc>),
) -> sqlx::Result<Result<(Terms, i32), Refused>> {
    if let Err(errors) = terms.validate() {
        return Ok(Err(Refused::Invalid(errors)));
    }
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('ambassador_settings', 0))")
        .fetch_one(&mut *tx)
        .await?;
    let (old, version) = current(&mut *tx).await?;
    if version != base {
        return Ok(Err(Refused::Stale { version }));
    }
    if old == *terms {
        return Ok(Err(Refused::Same));
    }
    if let Some(tier) = held_besides(&mut *tx, terms).await? {
        return Ok(Err(Refused::TierHeld(tier)));
    }
    let stored = serde_json::to_value(terms).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let version = sqlx::query_scalar!(
        "INSERT INTO ambassador_settings (settings, why, set_by, set_at) VALUES ($1, $2, $3, $4) RETURNING version",
        stored,
        why,
        by.get(),
        now
    )
    .fetch_one(tx)
    .await?;
    Ok(Ok((old, version)))
}

/// A tier that somebody holds and that these terms do not have.
async fn held_besides(executor: impl PgExecutor<'_>, terms: &Terms) -> sqlx::Result<Option<String>> {
    let codes: Vec<String> = terms.tiers.iter().map(|tier| tier.code.clone()).collect();
    sqlx::query_scalar!(
        "SELECT tier FROM ambassadors WHERE ended_at IS NULL AND tier <> ALL($1) LIMIT 1",
        &codes
    )
    .fetch_optional(executor)
    .await
}
