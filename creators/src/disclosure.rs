//! Disclosure: what a person agreed to show, of the whole account or of one ticker. A change ends one row and
//! begins another, so that the table is the history. Everything that shows a return asks here, in the statement
//! that reads it: what is taken back is gone with the next read.

use chrono::{DateTime, Utc};
use madang_core::ids::{TickerId, UserId};
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};

/// Delays of trades a person can choose, in market days.
pub const DELAYS: [i16; 3] = [0, 1, 20];

/// What a person agreed to with a text.
#[derive(Debug, Clone, Serialize)]
pub struct ConsentText {
    /// Its number; agreeing names it.
    pub version: i32,
    /// In Korean.
    pub ko: String,
    /// In English.
    pub en: String,
    /// Since when it is the one to agree to.
    pub since: DateTime<Utc>,
}

/// The text in force.
pub async fn consent_text(executor: impl PgExecutor<'_>) -> sqlx::Result<ConsentText> {
    sqlx::query_as!(
        ConsentText,
        "SELECT version, ko, en, since FROM consent_texts ORDER BY version DESC LIMIT 1"
    )
    .fetch_one(executor)
    .await
}

/// What is to be shown. Returns always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// One ticker, or the whole account.
    pub ticker: Option<TickerId>,
    /// Holdings, as weights.
    pub holdings: bool,
    /// Trades, after so many market days.
    pub trade_delay: Option<i16>,
    /// Amounts beside percentages.
    pub amounts: bool,
}

/// Why a consent was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It names another text than the one in force, which has this number.
    OtherText(i32),
    /// The ticker was never held.
    NeverHeld,
}

/// A consent, in force or past.
#[derive(Debug, Clone, Serialize)]
pub struct Disclosure {
    /// `market:code`; null for the whole account.
    pub ticker: Option<String>,
    /// Holdings, as weights.
    pub holdings: bool,
    /// Trades, after so many market days; null: never.
    pub trade_delay: Option<i16>,
    /// Amounts beside percentages.
    pub amounts: bool,
    /// The text that was agreed to.
    pub consent_version: i32,
    /// When.
    pub granted_at: DateTime<Utc>,
    /// Until when.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A person's consents, those in force first, then the newest; at most 200.
pub async fn of(executor: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Vec<Disclosure>> {
    sqlx::query_as!(
        Disclosure,
        r#"SELECT t.symbol AS "ticker?", d.holdings, d.trade_delay, d.amounts, d.consent_version, d.granted_at,
                  d.revoked_at
           FROM disclosures d LEFT JOIN tickers t ON t.id = d.ticker_id
           WHERE d.user_id = $1 ORDER BY d.revoked_at IS NOT NULL, d.id DESC LIMIT 200"#,
        user.get()
    )
    .fetch_all(executor)
    .await
}

/// Agrees. What was agreed to before about the same ticker ends; the same again changes nothing.
pub async fn grant(
    tx: &mut PgConnection,
    user: UserId,
    scope: Scope,
    version: i32,
    now: DateTime<Utc>,
) -> sqlx::Result<Result<(), Refused>> {
    let text = consent_text(&mut *tx).await?;
    if text.version != version {
        return Ok(Err(Refused::OtherText(text.version)));
    }
    if let Some(ticker) = scope.ticker
        && !ever_held(tx, user, ticker).await?
    {
        return Ok(Err(Refused::NeverHeld));
    }
    let ticker = scope.ticker.map(TickerId::get);
    // One at a time for one person: two at once would both find nothing in force.
    sqlx::query!("SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE", user.get()).execute(&mut *tx).await?;
    let same = sqlx::query!(
        "SELECT FROM disclosures WHERE user_id = $1 AND ticker_id IS NOT DISTINCT FROM $2 AND revoked_at IS NULL
           AND holdings = $3 AND trade_delay IS NOT DISTINCT FROM $4 AND amounts = $5 AND consent_version = $6",
        user.get(),
        ticker,
        scope.holdings,
        scope.trade_delay,
        scope.amounts,
        version
    )
    .fetch_optional(&mut *tx)
    .await?;
    if same.is_some() {
        return Ok(Ok(()));
    }
    end(tx, user, Some(scope.ticker), now).await?;
    sqlx::query!(
        "INSERT INTO disclosures (user_id, ticker_id, holdings, trade_delay, amounts, consent_version, granted_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        user.get(),
        ticker,
        scope.holdings,
        scope.trade_delay,
        scope.amounts,
        version,
        now
    )
    .execute(tx)
    .await?;
    Ok(Ok(()))
}

/// Takes consent back: about one ticker (`Some(Some)`), about the whole account (`Some(None)`), or all of it.
/// Returns how many ended.
pub async fn end(
    tx: &mut PgConnection,
    user: UserId,
    what: Option<Option<TickerId>>,
    now: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let ended = sqlx::query!(
        "UPDATE disclosures SET revoked_at = greatest($4, granted_at)
         WHERE user_id = $1 AND revoked_at IS NULL AND ($2 OR ticker_id IS NOT DISTINCT FROM $3)",
        user.get(),
        what.is_none(),
        what.flatten().map(TickerId::get),
        now
    )
    .execute(tx)
    .await?;
    Ok(ended.rows_affected())
}

async fn ever_held(tx: &mut PgConnection, user: UserId, ticker: TickerId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM ledger_entries WHERE user_id = $1 AND ticker_id = $2
                          AND kind IN ('buy', 'shares_in')) AS "held!""#,
        user.get(),
        ticker.get()
    )
    .fetch_one(tx)
    .await
}

/// What others may see of a person now.
#[derive(Debug, Clone, Default)]
pub struct InForce {
    /// Of the whole account.
    pub whole: Option<Shown>,
    /// Of single tickers.
    pub tickers: Vec<(TickerId, Shown)>,
}

/// What is shown of an account or a ticker besides returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Holdings, as weights.
    pub holdings: bool,
    /// Trades, after so many market days.
    pub trade_delay: Option<i16>,
    /// Amounts beside percentages.
    pub amounts: bool,
}

impl InForce {
    /// What is shown about a ticker: its own consent, or that of the whole account.
    pub fn about(&self, ticker: TickerId) -> Option<Shown> {
        self.tickers.iter().find(|(own, _)| *own == ticker).map(|(_, shown)| *shown).or(self.whole)
    }

    /// Whether nothing is shown.
    pub const fn is_empty(&self) -> bool {
        self.whole.is_none() && self.tickers.is_empty()
    }
}

/// What is in force at this moment.
pub async fn in_force(executor: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<InForce> {
    let rows = sqlx::query!(
        "SELECT ticker_id, holdings, trade_delay, amounts FROM disclosures
         WHERE user_id = $1 AND revoked_at IS NULL ORDER BY ticker_id LIMIT 10000",
        user.get()
    )
    .fetch_all(executor)
    .await?;
    let mut found = InForce::default();
    for row in rows {
        let shown = Shown { holdings: row.holdings, trade_delay: row.trade_delay, amounts: row.amounts };
        match row.ticker_id {
            None => found.whole = Some(shown),
            Some(ticker) => found.tickers.push((TickerId::new(ticker), shown)),
        }
    }
    Ok(found)
}
