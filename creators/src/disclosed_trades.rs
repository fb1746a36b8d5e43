//! Trades a person agreed to show, once their delay is over: which ticker, which way, which day, and how large a
//! part of the account. Never an amount, unless that was ticked too.

use chrono::{DateTime, NaiveDate, Utc};
use madang_core::ids::{TickerId, UserId};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgExecutor;

use crate::{disclosure::InForce, markets::Snapshot, returns::Currency};

/// A trade as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct Trade {
    /// Row of the ledger, for paging.
    #[serde(skip)]
    pub id: i64,
    /// Which.
    #[serde(skip)]
    pub ticker: TickerId,
    /// `buy` or `sell`.
    pub side: String,
    /// The market's own day.
    pub day: NaiveDate,
    /// A share's price.
    pub price: Option<Decimal>,
    /// Shares, if amounts are shown.
    pub quantity: Option<Decimal>,
}

/// The last market day up to which trades of a ticker may be told; none if they may not.
fn until(consent: &InForce, market: &Snapshot, ticker: TickerId, today: NaiveDate) -> Option<NaiveDate> {
    let own = consent.tickers.iter().find(|(one, _)| *one == ticker).map(|(_, shown)| *shown);
    // A ticker's own consent says more than that of the whole account, and may say less.
    let delay = own.or(consent.whole)?.trade_delay?;
    if delay == 0 {
        return Some(today);
    }
    let currency: Currency = market.market.currency(ticker)?;
    market.days_back(currency, usize::from(delay.unsigned_abs()))
}

/// A person's trades of rows below `below` that may be told now, newest first.
pub async fn of(
    executor: impl PgExecutor<'_> + Copy,
    user: UserId,
    (consent, market): (&InForce, &Snapshot),
    (below, limit): (i64, i64),
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Trade>> {
    let held = sqlx::query_scalar!(
        r#"SELECT DISTINCT ticker_id AS "ticker!" FROM ledger_entries WHERE user_id = $1 AND ticker_id IS NOT NULL"#,
        user.get()
    )
    .fetch_all(executor)
    .await?;
    // Seoul is ahead of UTC.
    let today = (now + chrono::Duration::hours(14)).date_naive();
    let (mut tickers, mut days, mut amounts) = (Vec::new(), Vec::new(), Vec::new());
    for ticker in held.into_iter().map(TickerId::new) {
        if let Some(day) = until(consent, market, ticker, today) {
            tickers.push(ticker.get());
            days.push(day);
            amounts.push(consent.about(ticker).is_some_and(|shown| shown.amounts));
        }
    }
    let rows = sqlx::query!(
        r#"SELECT e.id, e.ticker_id AS "ticker!", e.kind, e.day, e.price, CASE WHEN t.amounts THEN e.quantity END AS quantity
           FROM ledger_entries e
           JOIN unnest($2::integer[], $3::date[], $4::boolean[]) AS t (ticker_id, day, amounts)
             ON t.ticker_id = e.ticker_id AND e.day <= t.day
           WHERE e.user_id = $1 AND e.kind IN ('buy', 'sell') AND e.id < $5
             AND NOT EXISTS (SELECT FROM ledger_entries c WHERE c.corrects = e.id)
           ORDER BY e.id DESC LIMIT $6"#,
        user.get(),
        &tickers,
        &days,
        &amounts,
        below,
        limit
    )
    .fetch_all(executor)
    .await?;
    let trade = rows.into_iter().map(|row| Trade {
        id: row.id,
        ticker: TickerId::new(row.ticker),
        side: row.kind,
        day: row.day,
        price: row.price,
        quantity: row.quantity,
    });
    Ok(trade.collect())
}
