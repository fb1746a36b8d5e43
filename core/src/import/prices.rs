//! `prices.csv`: symbol, date, open, high, low, close, adj_close, volume. A day that is here stays.

use std::sync::Arc;

use chrono::{Datelike, Duration, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::{
    copy::Row,
    counts::Tally,
    fields::{CsvTable, Fields},
    source::Source,
    stage::{Run, Stage},
    symbols::Symbols,
};
use crate::changes::{self, Change};

const COLUMNS: &[&str] = &["symbol", "date", "open", "high", "low", "close", "adj_close", "volume"];

/// As for trades: a series has a place for each of its days.
const OLDEST_YEAR: i32 = 1980;

const STAGING: &str = "
    CREATE TEMP TABLE import_rows (
        seq bigint, raw text, ticker_id integer, day date, open numeric, high numeric, low numeric, close numeric,
        adj_close numeric, volume bigint) ON COMMIT DROP";

/// Imports the file.
pub(super) async fn import(
    run: &mut Run<'_>,
    source: Source,
    symbols: Arc<Symbols>,
) -> anyhow::Result<Tally> {
    let mut stage = Stage::begin(run, "prices", STAGING).await?;
    // Seoul is ahead of UTC.
    let latest = (Utc::now() + Duration::hours(14)).date_naive();
    let parse = move |fields: &Fields<'_>, out: &mut Row<'_>| row(fields, &symbols, latest, out);
    stage.load(source, CsvTable::new(COLUMNS, parse)).await?;
    stage.loaded().await?;
    stage.run(DUPLICATES).await?;
    let added = stage.run(ADD).await?;
    let tally = stage.tally(added).await?;
    if added > 0 {
        changes::record(&mut stage.tx, &[Change::Tickers]).await?;
    }
    stage.commit().await?;
    Ok(tally)
}

fn row(fields: &Fields<'_>, symbols: &Symbols, latest: NaiveDate, row: &mut Row<'_>) -> Result<(), String> {
    let symbol = fields.need("symbol")?;
    let ticker = symbols.find(symbol).ok_or_else(|| format!("symbol {symbol:?} is unknown"))?;
    row.plain(Some(ticker));
    let day = fields.parse::<NaiveDate>("date", "a day")?;
    if day.year() < OLDEST_YEAR || day > latest {
        return Err(format!("date is before {OLDEST_YEAR} or in the future"));
    }
    row.plain(Some(day));
    for name in ["open", "high", "low", "close", "adj_close"] {
        let price: Decimal = fields.parse(name, "a decimal number")?;
        if price.is_sign_negative() && !price.is_zero() {
            return Err(format!("{name} is negative"));
        }
        row.plain(Some(price));
    }
    let volume: i64 = fields.parse("volume", "a whole number")?;
    if volume < 0 {
        return Err("volume is negative".to_owned());
    }
    row.plain(Some(volume));
    Ok(())
}

const DUPLICATES: &str = "
    INSERT INTO import_bad (seq, reason, other)
    SELECT seq, 'duplicate of', first
    FROM (SELECT seq, min(seq) OVER (PARTITION BY ticker_id, day) AS first FROM import_rows) AS r
    WHERE seq <> first";

const ADD: &str = "
    INSERT INTO prices (ticker_id, day, open, high, low, close, adj_close, volume)
    SELECT r.ticker_id, r.day, r.open, r.high, r.low, r.close, r.adj_close, r.volume
    FROM import_rows r LEFT JOIN import_bad b USING (seq)
    WHERE b.seq IS NULL ORDER BY r.ticker_id, r.day
    ON CONFLICT DO NOTHING";
