//! The markets as returns need them, loaded once and held by a process until something of it changes: closes as
//! they were traded, exchange rates, and the market's own return of each day.
//!
//! A stored close is divided by the splits that had happened when it was loaded; what a share cost on the day is
//! that close times those splits. The market's return is that of the currency's index where one is named, else
//! the plain mean of all instruments of that currency that have a close on the day and one within a week before.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use futures_util::TryStreamExt;
use madang_core::ids::TickerId;
use rust_decimal::prelude::ToPrimitive;
use sqlx::PgPool;
use tokio::sync::Mutex;

use crate::{
    calls::Quotes,
    returns::{CARRIED_DAYS, Currency, Market, MarketBuilder},
};

/// What rates are kept in.
const REFERENCE: &str = "KRW";

/// The markets at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// For replaying.
    pub market: Market,
    /// The last day each currency's market was open.
    pub last_days: HashMap<Currency, NaiveDate>,
    /// The days each currency's market was open, oldest first.
    pub open_days: HashMap<Currency, Vec<NaiveDate>>,
    /// Closes in the shares of the first day, so that any two can be compared; and where the exchange is.
    closes: HashMap<TickerId, (Currency, Tz, Vec<(NaiveDate, f64)>)>,
    /// What one unit in a currency's market has become since its first day.
    levels: HashMap<Currency, BTreeMap<NaiveDate, f64>>,
    version: i64,
}

impl Snapshot {
    /// Closes of a ticker from a day on beside those of its market.
    pub fn quotes(&self, ticker: TickerId, from: NaiveDate) -> Option<Quotes> {
        let (currency, zone, closes) = self.closes.get(&ticker)?;
        let level = self.levels.get(currency)?;
        let closes = closes.iter().filter(|(day, _)| *day >= from).copied().collect();
        let market = level.range(from..).map(|(day, level)| (*day, *level)).collect();
        Some(Quotes::new(*zone, &closes, &market))
    }

    /// The day as of which a record is told: the last market day of any of these currencies, or today if none is
    /// known.
    pub fn as_of(&self, currencies: impl Iterator<Item = Currency>, today: NaiveDate) -> NaiveDate {
        currencies
            .filter_map(|currency| self.last_days.get(&currency))
            .max()
            .copied()
            .unwrap_or(today)
            .min(today)
    }

    /// The day that is so many market days before the last one; what happened up to it may be told.
    pub fn days_back(&self, currency: Currency, count: usize) -> Option<NaiveDate> {
        let days = self.open_days.get(&currency)?;
        days.len().checked_sub(count + 1).and_then(|at| days.get(at)).copied()
    }
}

/// Holds the markets.
#[derive(Debug)]
pub struct Markets {
    pool: PgPool,
    /// `market:code` of the index of a currency
    indexes: HashMap<Currency, String>,
    held: Mutex<Option<Arc<Snapshot>>>,
}

/// An instrument while its closes are read.
struct Reading {
    currency: Currency,
    zone: Tz,
    is_index: bool,
    splits: Vec<(NaiveDate, f64)>,
    before: Option<(NaiveDate, f64)>,
    closes: Vec<(NaiveDate, f64)>,
}

impl Reading {
    /// What the close would be had no split come after the day.
    fn traded(&self, day: NaiveDate, close: f64, loaded: NaiveDate) -> f64 {
        let divided = self.splits.iter().filter(|(split, _)| *split > day && *split <= loaded);
        divided.fold(close, |close, (_, ratio)| close * ratio)
    }

    /// In the shares of the first day: what one of them has become.
    fn comparable(&self, day: NaiveDate, traded: f64) -> f64 {
        let past = self.splits.iter().filter(|(split, _)| *split <= day);
        past.fold(traded, |price, (_, ratio)| price * ratio)
    }

    /// The day's return, from a close not long before.
    fn change(&self, day: NaiveDate, traded: f64) -> Option<f64> {
        let (last, before) =
            self.before.filter(|(last, _)| (day - *last).num_days() <= i64::from(CARRIED_DAYS))?;
        let between = self.splits.iter().filter(|(split, _)| *split > last && *split <= day);
        Some(between.fold(traded, |price, (_, ratio)| price * ratio) / before - 1.0)
    }
}

/// The market's return while it is gathered.
#[derive(Default)]
struct Mean {
    sum: f64,
    count: f64,
    index: Option<f64>,
}

impl Markets {
    /// Holds nothing yet. `indexes` names a currency's index by its symbol.
    pub fn new(pool: PgPool, indexes: &[(String, String)]) -> Self {
        let named =
            indexes.iter().filter_map(|(code, symbol)| Some((Currency::parse(code)?, symbol.clone())));
        Self { pool, indexes: named.collect(), held: Mutex::new(None) }
    }

    /// The markets as they are now; loaded anew if something of them changed.
    pub async fn now(&self) -> sqlx::Result<Arc<Snapshot>> {
        let version = self.version().await?;
        // One loads, the others wait for it.
        let mut held = self.held.lock().await;
        if let Some(snapshot) = held.as_ref().filter(|snapshot| snapshot.version >= version) {
            return Ok(snapshot.clone());
        }
        let snapshot = Arc::new(self.load().await?);
        *held = Some(snapshot.clone());
        Ok(snapshot)
    }

    async fn version(&self) -> sqlx::Result<i64> {
        Ok(sqlx::query!("SELECT version FROM market_state").fetch_one(&self.pool).await?.version)
    }

    async fn load(&self) -> sqlx::Result<Snapshot> {
        // Read before everything else: what changes meanwhile is loaded again, never missed.
        let version = self.version().await?;
        let reference = Currency::parse(REFERENCE).ok_or(sqlx::Error::RowNotFound)?;
        let mut builder = MarketBuilder::new(reference);
        let mut reading = self.instruments(&mut builder).await?;
        let means = self.closes(&mut builder, &mut reading).await?;
        let mut open_days: HashMap<Currency, Vec<NaiveDate>> = HashMap::new();
        let mut levels: HashMap<Currency, BTreeMap<NaiveDate, f64>> = HashMap::new();
        let mut level: HashMap<Currency, f64> = HashMap::new();
        for ((currency, day), mean) in means {
            open_days.entry(currency).or_default().push(day);
            let has_index = self.indexes.contains_key(&currency);
            let change =
                if has_index { mean.index } else { (mean.count > 0.0).then(|| mean.sum / mean.count) };
            if let Some(change) = change {
                builder.benchmark(currency, day, change);
            }
            let now = level.entry(currency).or_insert(1.0);
            *now *= 1.0 + change.unwrap_or_default().max(-0.999);
            levels.entry(currency).or_default().insert(day, *now);
        }
        let rates =
            sqlx::query!("SELECT currency, day, won FROM exchange_rates").fetch_all(&self.pool).await?;
        for row in rates {
            if let (Some(currency), Some(won)) = (Currency::parse(&row.currency), row.won.to_f64()) {
                builder.rate(currency, row.day, won);
            }
        }
        let last = |(currency, days): (&Currency, &Vec<NaiveDate>)| Some((*currency, *days.last()?));
        Ok(Snapshot {
            last_days: open_days.iter().filter_map(last).collect(),
            market: builder.build(),
            closes: reading
                .into_iter()
                .map(|(id, one)| (TickerId::new(id), (one.currency, one.zone, one.closes)))
                .collect(),
            levels,
            open_days,
            version,
        })
    }

    async fn instruments(&self, builder: &mut MarketBuilder) -> sqlx::Result<HashMap<i32, Reading>> {
        let rows =
            sqlx::query!(r#"SELECT id, symbol AS "symbol!", currency, time_zone, status FROM tickers"#)
                .fetch_all(&self.pool)
                .await?;
        let mut reading = HashMap::new();
        for row in rows {
            let Some(currency) = Currency::parse(&row.currency) else { continue };
            builder.instrument(TickerId::new(row.id), currency, row.status == "delisted");
            let is_index = self.indexes.get(&currency).is_some_and(|symbol| *symbol == row.symbol);
            let zone = row.time_zone.parse().unwrap_or(Tz::UTC);
            let (splits, closes) = (Vec::new(), Vec::new());
            reading.insert(row.id, Reading { currency, zone, is_index, splits, before: None, closes });
        }
        let splits =
            sqlx::query!("SELECT * FROM splits ORDER BY ticker_id, day").fetch_all(&self.pool).await?;
        for row in splits {
            if let Some(reading) = reading.get_mut(&row.ticker_id) {
                reading.splits.push((row.day, f64::from(row.new_shares) / f64::from(row.old_shares)));
            }
        }
        Ok(reading)
    }

    async fn closes(
        &self,
        builder: &mut MarketBuilder,
        reading: &mut HashMap<i32, Reading>,
    ) -> sqlx::Result<BTreeMap<(Currency, NaiveDate), Mean>> {
        let mut means: BTreeMap<(Currency, NaiveDate), Mean> = BTreeMap::new();
        let mut rows =
            sqlx::query!("SELECT ticker_id, day, close, recorded_at FROM prices ORDER BY ticker_id, day")
                .fetch(&self.pool);
        while let Some(row) = rows.try_next().await? {
            let (Some(one), Some(close)) = (reading.get_mut(&row.ticker_id), row.close.to_f64()) else {
                continue;
            };
            if close <= 0.0 {
                continue;
            }
            let traded = one.traded(row.day, close, loaded_on(row.recorded_at));
            builder.close(TickerId::new(row.ticker_id), row.day, traded);
            let mean = means.entry((one.currency, row.day)).or_default();
            if let Some(change) = one.change(row.day, traded) {
                mean.sum += change;
                mean.count += 1.0;
                if one.is_index {
                    mean.index = Some(change);
                }
            }
            one.before = Some((row.day, traded));
            let comparable = one.comparable(row.day, traded);
            one.closes.push((row.day, comparable));
        }
        Ok(means)
    }
}

fn loaded_on(at: DateTime<Utc>) -> NaiveDate {
    at.date_naive()
}
