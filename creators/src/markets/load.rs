//! Loading the markets: one transaction sees one state of them, in statements of a few tickers each.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use madang_core::ids::TickerId;
use rust_decimal::prelude::ToPrimitive;
use sqlx::{PgConnection, PgPool};

use super::Snapshot;
use crate::returns::{CARRIED_DAYS, Currency, MarketBuilder};

/// What rates are kept in.
const REFERENCE: &str = "KRW";
/// Tickers whose closes are read at once.
const AT_ONCE: usize = 200;
/// Renames followed at most: the bound ends a circle somebody may have entered by hand.
const MOST_RENAMES: usize = 8;

/// An instrument while its closes are read.
struct Reading {
    currency: Currency,
    zone: Tz,
    is_index: bool,
    /// This one, and those that were renamed to it.
    ids: Vec<i32>,
    splits: BTreeMap<NaiveDate, f64>,
    before: Option<(NaiveDate, f64)>,
    closes: Vec<(NaiveDate, f64)>,
}

/// A stored close.
struct Close {
    day: NaiveDate,
    close: f64,
    raw: bool,
    recorded_at: DateTime<Utc>,
}

impl Reading {
    /// What a share cost on the day: the close as if no split had come after it.
    fn traded(&self, stored: &Close) -> f64 {
        if stored.raw {
            return stored.close;
        }
        let loaded = stored.recorded_at.with_timezone(&self.zone).date_naive();
        let divided = self.splits.iter().filter(|(split, _)| **split > stored.day && **split <= loaded);
        divided.fold(stored.close, |close, (_, ratio)| close * ratio)
    }

    /// In the shares of the first day: what one of them has become.
    fn comparable(&self, day: NaiveDate, traded: f64) -> f64 {
        self.splits.range(..=day).fold(traded, |price, (_, ratio)| price * ratio)
    }

    /// The day's return, from a close not long before.
    fn change(&self, day: NaiveDate, traded: f64) -> Option<f64> {
        let (last, before) =
            self.before.filter(|(last, _)| (day - *last).num_days() <= i64::from(CARRIED_DAYS))?;
        let between = self.splits.iter().filter(|(split, _)| **split > last && **split <= day);
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

type Means = BTreeMap<(Currency, NaiveDate), Mean>;

pub(super) async fn load(pool: &PgPool, indexes: &HashMap<Currency, String>) -> sqlx::Result<Snapshot> {
    let mut tx = pool.begin().await?;
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(&mut *tx).await?;
    sqlx::query("SET LOCAL statement_timeout = '120s'").execute(&mut *tx).await?;
    let version = sqlx::query_scalar!("SELECT version FROM market_state").fetch_one(&mut *tx).await?;
    let reference = Currency::parse(REFERENCE).ok_or(sqlx::Error::RowNotFound)?;
    let mut builder = MarketBuilder::new(reference);
    let (mut reading, renamed) = instruments(&mut tx, &mut builder, indexes).await?;
    splits(&mut tx, &mut reading, &renamed).await?;
    let means = closes(&mut tx, &mut builder, &mut reading).await?;
    let mut open_days: HashMap<Currency, Vec<NaiveDate>> = HashMap::new();
    let mut levels: HashMap<Currency, BTreeMap<NaiveDate, f64>> = HashMap::new();
    let mut level: HashMap<Currency, f64> = HashMap::new();
    for ((currency, day), mean) in means {
        open_days.entry(currency).or_default().push(day);
        let has_index = indexes.contains_key(&currency);
        let change = if has_index { mean.index } else { (mean.count > 0.0).then(|| mean.sum / mean.count) };
        if let Some(change) = change {
            builder.benchmark(currency, day, change);
        }
        let now = level.entry(currency).or_insert(1.0);
        *now *= 1.0 + change.unwrap_or_default().max(-0.999);
        levels.entry(currency).or_default().insert(day, *now);
    }
    rates(&mut tx, &mut builder).await?;
    tx.commit().await?;
    let last = |(currency, days): (&Currency, &Vec<NaiveDate>)| Some((*currency, *days.last()?));
    let closes =
        reading.into_iter().map(|(id, one)| (TickerId::new(id), (one.currency, one.zone, one.closes)));
    Ok(Snapshot {
        last_days: open_days.iter().filter_map(last).collect(),
        market: builder.build(),
        closes: closes.collect(),
        renamed: renamed.into_iter().map(|(old, now)| (TickerId::new(old), TickerId::new(now))).collect(),
        levels,
        open_days,
        version,
    })
}

/// The instruments of today, in the order of their numbers, and what renamed ones are called now.
async fn instruments(
    tx: &mut PgConnection,
    builder: &mut MarketBuilder,
    indexes: &HashMap<Currency, String>,
) -> sqlx::Result<(BTreeMap<i32, Reading>, HashMap<i32, i32>)> {
    let rows = sqlx::query!(
        r#"SELECT id, symbol AS "symbol!", currency, time_zone, status, renamed_to FROM tickers ORDER BY id"#
    )
    .fetch_all(tx)
    .await?;
    let next: HashMap<i32, i32> = rows.iter().filter_map(|row| Some((row.id, row.renamed_to?))).collect();
    let renamed: HashMap<i32, i32> = next.keys().map(|old| (*old, present(&next, *old))).collect();
    let mut reading = BTreeMap::new();
    for row in &rows {
        let Some(currency) = Currency::parse(&row.currency) else { continue };
        builder.instrument(TickerId::new(row.id), currency, row.status == "delisted");
        if renamed.get(&row.id).is_some_and(|now| *now != row.id) {
            continue;
        }
        let zone = row.time_zone.parse().unwrap_or(Tz::UTC);
        let (splits, ids, closes) = (BTreeMap::new(), vec![row.id], Vec::new());
        reading
            .insert(row.id, Reading { currency, zone, is_index: false, ids, splits, before: None, closes });
    }
    for row in rows {
        let now = renamed.get(&row.id).copied().unwrap_or(row.id);
        // Closes in another currency cannot be continued.
        let found = reading.get_mut(&now).filter(|one| one.currency.as_str() == row.currency);
        if let Some(one) = found {
            one.is_index |= indexes.get(&one.currency).is_some_and(|symbol| *symbol == row.symbol);
            if now != row.id {
                one.ids.push(row.id);
            }
        }
    }
    Ok((reading, renamed))
}

fn present(next: &HashMap<i32, i32>, old: i32) -> i32 {
    let chain = std::iter::successors(Some(old), |id| next.get(id).copied());
    chain.take(MOST_RENAMES + 1).last().unwrap_or(old)
}

async fn splits(
    tx: &mut PgConnection,
    reading: &mut BTreeMap<i32, Reading>,
    renamed: &HashMap<i32, i32>,
) -> sqlx::Result<()> {
    let rows =
        sqlx::query!("SELECT ticker_id, day, new_shares, old_shares FROM splits").fetch_all(tx).await?;
    for row in rows {
        let now = renamed.get(&row.ticker_id).unwrap_or(&row.ticker_id);
        if let Some(one) = reading.get_mut(now) {
            one.splits.insert(row.day, f64::from(row.new_shares) / f64::from(row.old_shares));
        }
    }
    Ok(())
}

async fn closes(
    tx: &mut PgConnection,
    builder: &mut MarketBuilder,
    reading: &mut BTreeMap<i32, Reading>,
) -> sqlx::Result<Means> {
    let mut means = Means::new();
    let mut all: Vec<(&i32, &mut Reading)> = reading.iter_mut().collect();
    for few in all.chunks_mut(AT_ONCE) {
        let ids: Vec<i32> = few.iter().flat_map(|(_, one)| one.ids.iter().copied()).collect();
        let rows = sqlx::query!(
            "SELECT ticker_id, day, close, raw, recorded_at FROM prices WHERE ticker_id = ANY($1)",
            &ids
        )
        .fetch_all(&mut *tx)
        .await?;
        let mut stored: HashMap<i32, Vec<Close>> = HashMap::new();
        for row in rows {
            let Some(close) = row.close.to_f64().filter(|close| *close > 0.0) else { continue };
            let close = Close { day: row.day, close, raw: row.raw, recorded_at: row.recorded_at };
            stored.entry(row.ticker_id).or_default().push(close);
        }
        for (id, one) in few {
            // Its own first: of two closes of a day that of the present name stands.
            let mut days: Vec<Close> = one.ids.iter().filter_map(|id| stored.remove(id)).flatten().collect();
            days.sort_by_key(|close| close.day);
            days.dedup_by_key(|close| close.day);
            read(TickerId::new(**id), one, &days, builder, &mut means);
        }
    }
    Ok(means)
}

/// Takes an instrument's closes, oldest first.
fn read(ticker: TickerId, one: &mut Reading, days: &[Close], builder: &mut MarketBuilder, means: &mut Means) {
    for stored in days {
        let (day, traded) = (stored.day, one.traded(stored));
        builder.close(ticker, day, traded);
        let mean = means.entry((one.currency, day)).or_default();
        if let Some(change) = one.change(day, traded) {
            mean.sum += change;
            mean.count += 1.0;
            if one.is_index {
                mean.index = Some(change);
            }
        }
        one.before = Some((day, traded));
        one.closes.push((day, one.comparable(day, traded)));
    }
}

async fn rates(tx: &mut PgConnection, builder: &mut MarketBuilder) -> sqlx::Result<()> {
    let rows = sqlx::query!("SELECT currency, day, won FROM exchange_rates").fetch_all(tx).await?;
    for row in rows {
        if let (Some(currency), Some(won)) = (Currency::parse(&row.currency), row.won.to_f64()) {
            builder.rate(currency, row.day, won);
        }
    }
    Ok(())
}
