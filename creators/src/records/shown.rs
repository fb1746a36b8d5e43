//! A record as it is kept to be shown: percentages beside amounts, so that a page can leave the amounts out.

use chrono::NaiveDate;
use madang_core::ids::{TickerId, UserId};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;

use crate::returns::{Incomplete, Record, TickerRecord, Window};

/// Most points of a curve.
const MAX_POINTS: usize = 400;

/// A point of a curve that begins at 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// The market's day.
    pub day: NaiveDate,
    /// What 1 has become.
    pub account: f64,
    /// What 1 became in the market over the same days.
    pub market: f64,
}

/// Gains in one currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gains {
    /// ISO 4217.
    pub currency: String,
    /// Of what was sold.
    pub realised: Decimal,
    /// Of what is held; null where a price is missing.
    pub unrealised: Option<Decimal>,
    /// Dividends less taxes and charges.
    pub income: Decimal,
}

/// What is kept of one ticker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TickerSummary {
    /// Row number.
    pub ticker: i32,
    /// Gains in its currency.
    pub gains: Gains,
    /// Closed positions.
    pub closed: usize,
    /// Mean days a share of them was held.
    pub held_days: Option<f64>,
    /// Gain of the present holding over its cost.
    pub unrealised_rate: Option<f64>,
}

/// What is kept of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Gains in the base currency.
    pub gains: Gains,
    /// What was spent without being there, and counts as paid in, in whole currencies.
    pub implied: Vec<(String, Decimal)>,
    /// Mean days a share of closed positions was held.
    pub average_holding_days: Option<f64>,
    /// Price gaps that were bridged by Modified Dietz.
    pub bridged: u32,
    /// The curve.
    pub curve: Vec<Index>,
    /// By ticker.
    pub tickers: Vec<TickerSummary>,
}

/// What is kept of a record.
pub(super) fn summary(record: &Record) -> Summary {
    Summary {
        gains: Gains {
            currency: record.base.to_string(),
            realised: record.realised,
            unrealised: record.unrealised,
            income: record.income,
        },
        implied: record.implied.iter().map(|(currency, amount)| (currency.to_string(), *amount)).collect(),
        average_holding_days: record.average_holding_days(),
        bridged: record.bridged,
        curve: curve(record),
        tickers: record.tickers.iter().map(ticker_summary).collect(),
    }
}

fn ticker_summary(ticker: &TickerRecord) -> TickerSummary {
    let closed = ticker.closed.len();
    let held: f64 = ticker.closed.iter().map(|trip| trip.held_days).sum();
    let rate = ticker.holding.as_ref().and_then(|holding| {
        let cost = holding.average_cost.checked_mul(holding.quantity).filter(|cost| *cost > Decimal::ZERO)?;
        holding.unrealised?.checked_div(cost)?.to_f64()
    });
    TickerSummary {
        ticker: ticker.ticker.get(),
        gains: Gains {
            currency: ticker.currency.to_string(),
            realised: ticker.realised,
            unrealised: ticker.holding.as_ref().map_or(Some(Decimal::ZERO), |holding| holding.unrealised),
            income: ticker.income,
        },
        closed,
        held_days: (closed > 0).then(|| held / closed as f64),
        unrealised_rate: rate,
    }
}

/// The chained curve, thinned out where it is long; its last point always stays.
fn curve(record: &Record) -> Vec<Index> {
    let (mut account, mut market) = (1.0, 1.0);
    let all: Vec<Index> = record
        .days
        .iter()
        .map(|point| {
            account *= point.factor;
            market *= 1.0 + point.market;
            Index { day: point.day, account, market }
        })
        .collect();
    let step = all.len().div_ceil(MAX_POINTS).max(1);
    let last = all.len().saturating_sub(1);
    all.into_iter()
        .enumerate()
        .filter(|(at, _)| (last - at).is_multiple_of(step))
        .map(|(_, point)| point)
        .collect()
}

/// Why figures are missing, as one text.
pub(super) fn incomplete_words(why: &Incomplete) -> String {
    match why {
        Incomplete::NoRate { currency, since } => format!("no_rate {currency} {since}"),
        Incomplete::StalePrice { ticker, since } => format!("stale_price {} {since}", ticker.get()),
    }
}

/// A window's figures as they are shown.
#[derive(Debug, Clone, Serialize)]
pub struct WindowShown {
    /// Row number of the ticker, 0 for the whole account.
    #[serde(skip)]
    pub ticker: i32,
    /// `1W` to `ALL`.
    pub window: &'static str,
    /// The close it is measured from.
    pub from: NaiveDate,
    /// The last day in it.
    pub to: NaiveDate,
    /// Whether the record reaches back to the window's beginning.
    pub complete: bool,
    /// Trading days.
    pub days: i32,
    /// Time-weighted.
    pub twr: f64,
    /// Yearly, money-weighted; null where no rate exists.
    pub money_weighted: Option<f64>,
    /// Of the market over the same days.
    pub market: f64,
    /// Over the market.
    pub excess: f64,
    /// Yearly.
    pub volatility: Option<f64>,
    /// Deepest fall from a peak, 0 to 1.
    pub drawdown: f64,
    /// 1 to 10.
    pub risk: Option<i16>,
    /// Mean invested share.
    pub invested: f64,
    /// The yearly excess it has at least, which boards rank by after the drawdown penalty.
    pub lower_bound: f64,
    /// Why it stands on no board.
    pub ineligible: Vec<String>,
}

/// A stored record.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The last market day it counts.
    pub as_of: NaiveDate,
    /// The ledger's number it was computed from.
    pub revision: i64,
    /// Trading days.
    pub trading_days: i32,
    /// Closed positions.
    pub closed: i32,
    /// Why figures are missing.
    pub incomplete: Option<String>,
    /// The rest.
    pub summary: Summary,
    /// All windows.
    pub windows: Vec<WindowShown>,
    /// What is held.
    pub holdings: Vec<HoldingShown>,
}

/// What is shown of a holding.
#[derive(Debug, Clone, Copy)]
pub struct HoldingShown {
    /// Of what.
    pub ticker: TickerId,
    /// Share of the whole account.
    pub weight: f64,
    /// Since when.
    pub since: NaiveDate,
    /// Shares.
    pub quantity: Decimal,
    /// What a share cost on average, in the ticker's currency.
    pub average_cost: Decimal,
    /// Worth less cost, in the ticker's currency; null where no price is known.
    pub unrealised: Option<Decimal>,
}

/// A person's stored record; who may see what of it is for the caller to say.
pub async fn shown(executor: impl PgExecutor<'_> + Copy, user: UserId) -> sqlx::Result<Option<Shown>> {
    let row = sqlx::query!(
        "SELECT as_of, revision, trading_days, closed_count, incomplete, record FROM return_records WHERE user_id = $1",
        user.get()
    )
    .fetch_optional(executor)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let summary = serde_json::from_value(row.record).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok(Some(Shown {
        as_of: row.as_of,
        revision: row.revision,
        trading_days: row.trading_days,
        closed: row.closed_count,
        incomplete: row.incomplete,
        summary,
        windows: windows(executor, user).await?,
        holdings: holdings(executor, user).await?,
    }))
}

async fn holdings(executor: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Vec<HoldingShown>> {
    let rows = sqlx::query!(
        "SELECT ticker_id, weight, since, quantity, average_cost, unrealised FROM holdings
         WHERE user_id = $1 ORDER BY weight DESC, ticker_id",
        user.get()
    )
    .fetch_all(executor)
    .await?;
    let holding = rows.into_iter().map(|row| HoldingShown {
        ticker: TickerId::new(row.ticker_id),
        weight: row.weight,
        since: row.since,
        quantity: row.quantity,
        average_cost: row.average_cost,
        unrealised: row.unrealised,
    });
    Ok(holding.collect())
}

async fn windows(executor: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Vec<WindowShown>> {
    let rows = sqlx::query!(
        "SELECT ticker_id, span, from_day, to_day, complete, days, twr, mwr, market, excess, volatility, drawdown, risk,
                invested, lower_bound, ineligible
         FROM window_returns WHERE user_id = $1 ORDER BY ticker_id, span",
        user.get()
    )
    .fetch_all(executor)
    .await?;
    let shown = rows.into_iter().filter_map(|row| {
        Some(WindowShown {
            ticker: row.ticker_id,
            window: Window::from_code(row.span)?.as_str(),
            from: row.from_day,
            to: row.to_day,
            complete: row.complete,
            days: row.days,
            twr: row.twr,
            money_weighted: row.mwr,
            market: row.market,
            excess: row.excess,
            volatility: row.volatility,
            drawdown: row.drawdown,
            risk: row.risk,
            invested: row.invested,
            lower_bound: row.lower_bound,
            ineligible: row.ineligible,
        })
    });
    Ok(shown.collect())
}
