//! Instruments. They are few, so a process holds all of them: the catalogue resolves symbols, codes,
//! names and nicknames in memory and is loaded anew when tickers change.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::{PgConnection, PgExecutor, PgPool};
use unicode_normalization::UnicodeNormalization;

use crate::{
    cashtags::{self, Cashtag, MAX_TICKERS},
    ids::TickerId,
};

/// Whether an instrument still trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TickerStatus {
    /// Trades.
    Listed,
    /// No longer trades; its board stays readable.
    Delisted,
    /// Trades under another symbol.
    Renamed,
}

impl TickerStatus {
    /// The name in the table and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Delisted => "delisted",
            Self::Renamed => "renamed",
        }
    }
}

/// An instrument.
#[derive(Debug, Clone)]
pub struct Ticker {
    /// Row number.
    pub id: TickerId,
    /// `market:code`.
    pub symbol: String,
    /// Code alone.
    pub code: String,
    /// Name in English.
    pub name: String,
    /// Name in Korean.
    pub name_ko: Option<String>,
    /// Sector.
    pub sector: Option<String>,
    /// ISO 4217.
    pub currency: String,
    /// IANA name of the exchange's time zone.
    pub time_zone: String,
    /// Whether it trades.
    pub status: TickerStatus,
    /// What it is called now, if renamed.
    pub renamed_to: Option<TickerId>,
    /// Last known market day and close.
    pub last_close: Option<(NaiveDate, Decimal)>,
}

/// Why a post's tickers were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTickers {
    /// Names nobody lists.
    #[error("unknown: {}", .0.join(", "))]
    Unknown(Vec<String>),
    /// A name that several instruments share.
    #[error("{name} may be {}; write one of these", candidates.join(" or "))]
    Ambiguous {
        /// What was written.
        name: String,
        /// The symbols it may mean.
        candidates: Vec<String>,
    },
    /// More than a post may name.
    #[error("at most 5 tickers a post, found {0}")]
    TooMany(usize),
}

/// The form by which names are looked up: NFKC, case-folded, without white space.
pub fn alias_key(name: &str) -> String {
    name.nfkc().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase()
}

/// All instruments and their names.
#[derive(Debug, Default)]
pub struct Catalogue {
    by_id: HashMap<TickerId, Arc<Ticker>>,
    by_symbol: HashMap<String, TickerId>,
    /// codes, names and nicknames
    by_name: HashMap<String, Vec<TickerId>>,
    nicknames: HashMap<TickerId, Vec<String>>,
    ordered: Vec<TickerId>,
}

impl Catalogue {
    /// Loads everything.
    pub async fn load(pool: &PgPool) -> sqlx::Result<Self> {
        Self::load_in(&mut *pool.acquire().await?).await
    }

    /// Loads everything as a transaction sees it.
    pub async fn load_in(tx: &mut PgConnection) -> sqlx::Result<Self> {
        let rows = sqlx::query!(
            r#"SELECT t.id, t.symbol AS "symbol!", t.code, t.name, t.name_ko, t.sector, t.currency, t.time_zone,
                      t.status, t.renamed_to, p.day AS "day?", p.close AS "close?"
               FROM tickers t
               LEFT JOIN LATERAL (
                   SELECT day, close FROM prices WHERE ticker_id = t.id ORDER BY day DESC LIMIT 1) p ON true
               ORDER BY t.symbol"#
        )
        .fetch_all(&mut *tx)
        .await?;
        let aliases = sqlx::query!(
            "SELECT alias, ticker_id FROM ticker_aliases WHERE NOT removed ORDER BY alias, ticker_id"
        )
        .fetch_all(&mut *tx)
        .await?;
        let tickers = rows.into_iter().map(|row| Ticker {
            id: TickerId::new(row.id),
            symbol: row.symbol,
            code: row.code,
            name: row.name,
            name_ko: row.name_ko,
            sector: row.sector,
            currency: row.currency,
            time_zone: row.time_zone,
            status: match row.status.as_str() {
                "listed" => TickerStatus::Listed,
                "renamed" => TickerStatus::Renamed,
                _ => TickerStatus::Delisted,
            },
            renamed_to: row.renamed_to.map(TickerId::new),
            last_close: row.day.zip(row.close),
        });
        Ok(Self::of(tickers, aliases.into_iter().map(|row| (row.alias, TickerId::new(row.ticker_id)))))
    }

    /// A catalogue of these instruments, in their order, and their nicknames.
    pub fn of(
        tickers: impl IntoIterator<Item = Ticker>,
        nicknames: impl IntoIterator<Item = (String, TickerId)>,
    ) -> Self {
        let mut catalogue = Self::default();
        for ticker in tickers {
            catalogue.add(ticker);
        }
        for (nickname, id) in nicknames {
            catalogue.name(alias_key(&nickname), id);
            catalogue.nicknames.entry(id).or_default().push(nickname);
        }
        catalogue
    }

    fn add(&mut self, ticker: Ticker) {
        let id = ticker.id;
        self.ordered.push(id);
        self.by_symbol.insert(ticker.symbol.to_uppercase(), id);
        self.name(alias_key(&ticker.code), id);
        for name in [Some(&ticker.name), ticker.name_ko.as_ref()].into_iter().flatten() {
            self.name(alias_key(name), id);
        }
        self.by_id.insert(id, Arc::new(ticker));
    }

    fn name(&mut self, key: String, id: TickerId) {
        let ids = self.by_name.entry(key).or_default();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }

    /// By row number.
    pub fn get(&self, id: TickerId) -> Option<&Arc<Ticker>> {
        self.by_id.get(&id)
    }

    /// What people call an instrument beside its code and names.
    pub fn nicknames(&self, id: TickerId) -> &[String] {
        self.nicknames.get(&id).map(Vec::as_slice).unwrap_or_default()
    }

    /// All, by symbol.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Ticker>> {
        self.ordered.iter().filter_map(|id| self.by_id.get(id))
    }

    /// What a path segment means: a symbol, or a code or name only one instrument has.
    pub fn find(&self, name: &str) -> Option<&Arc<Ticker>> {
        match self.meanings(name).as_slice() {
            [one] => self.by_id.get(one),
            _ => None,
        }
    }

    /// A name two instruments share means the listed one, when only one is.
    fn meanings(&self, name: &str) -> Vec<TickerId> {
        if let Some(id) = self.by_symbol.get(&name.trim().to_uppercase()) {
            return vec![*id];
        }
        let ids = self.by_name.get(&alias_key(name)).cloned().unwrap_or_default();
        let listed: Vec<TickerId> = ids
            .iter()
            .copied()
            .filter(|id| self.get(*id).is_some_and(|t| t.status == TickerStatus::Listed))
            .collect();
        if listed.len() == 1 { listed } else { ids }
    }

    /// Follows renames to the instrument of today.
    pub fn current(&self, id: TickerId) -> TickerId {
        let mut current = id;
        // A chain of renames is short; the bound ends a circle somebody may have entered by hand.
        for _ in 0..8 {
            match self.get(current).and_then(|ticker| ticker.renamed_to) {
                Some(next) => current = next,
                None => break,
            }
        }
        current
    }

    /// The instruments of a post: cashtags of its text and those named explicitly, in order.
    pub fn resolve(&self, text: &str, explicit: &[String]) -> Result<Vec<Arc<Ticker>>, BadTickers> {
        let mut found = Vec::new();
        let mut unknown = Vec::new();
        for tag in cashtags::find(text) {
            match tag {
                Cashtag::Code(name) => self.take(&name, &name, &mut found, &mut unknown)?,
                Cashtag::Digits(name) => {
                    if !self.meanings(&name).is_empty() {
                        self.take(&name, &name, &mut found, &mut unknown)?;
                    }
                }
                Cashtag::Name(name) => {
                    let known = self.longest_known(&name).unwrap_or_else(|| name.clone());
                    self.take(&known, &name, &mut found, &mut unknown)?;
                }
            }
        }
        for name in explicit {
            self.take(name, name, &mut found, &mut unknown)?;
        }
        if !unknown.is_empty() {
            return Err(BadTickers::Unknown(unknown));
        }
        if found.len() > MAX_TICKERS {
            return Err(BadTickers::TooMany(found.len()));
        }
        Ok(found.iter().filter_map(|id| self.get(*id).cloned()).collect())
    }

    fn take(
        &self,
        name: &str,
        written: &str,
        found: &mut Vec<TickerId>,
        unknown: &mut Vec<String>,
    ) -> Result<(), BadTickers> {
        let meanings = self.meanings(name);
        match meanings.as_slice() {
            [] => unknown.push(written.to_owned()),
            [one] => {
                let id = self.current(*one);
                if !found.contains(&id) {
                    found.push(id);
                }
            }
            several => {
                let candidates =
                    several.iter().filter_map(|id| Some(self.get(*id)?.symbol.clone())).collect();
                return Err(BadTickers::Ambiguous { name: written.to_owned(), candidates });
            }
        }
        Ok(())
    }

    /// Particles stick to Korean names (`$삼성전자가`), so the longest known beginning counts.
    fn longest_known(&self, name: &str) -> Option<String> {
        let chars: Vec<char> = name.chars().collect();
        (1..=chars.len())
            .rev()
            .filter_map(|n| chars.get(..n).map(|part| part.iter().collect::<String>()))
            .find(|part| !self.meanings(part).is_empty())
    }
}

/// One market day.
#[derive(Debug, Clone, serde::Serialize)]
pub struct DayPrice {
    /// The market's own day.
    pub day: NaiveDate,
    /// Opening price.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Closing price, adjusted for splits.
    pub close: Decimal,
    /// Closing price, adjusted for splits and dividends.
    pub adj_close: Decimal,
    /// Shares traded.
    pub volume: i64,
}

/// Daily prices before a day, newest first.
pub async fn prices_before(
    executor: impl PgExecutor<'_>,
    ticker: TickerId,
    before: Option<NaiveDate>,
    limit: i64,
) -> sqlx::Result<Vec<DayPrice>> {
    sqlx::query_as!(
        DayPrice,
        "SELECT day, open, high, low, close, adj_close, volume FROM prices
         WHERE ticker_id = $1 AND ($2::date IS NULL OR day < $2) ORDER BY day DESC LIMIT $3",
        ticker.get(),
        before,
        limit
    )
    .fetch_all(executor)
    .await
}

/// How many people watch a ticker.
pub async fn watcher_count(executor: impl PgExecutor<'_>, ticker: TickerId) -> sqlx::Result<i64> {
    let row = sqlx::query!(r#"SELECT count(*) AS "count!" FROM watches WHERE ticker_id = $1"#, ticker.get())
        .fetch_one(executor)
        .await?;
    Ok(row.count)
}

/// How much each ticker is talked about: posts in the two weeks before the newest one, and ten for each watcher. Those
/// nobody talks about are missing.
pub async fn importance(executor: impl PgExecutor<'_>) -> sqlx::Result<HashMap<TickerId, u32>> {
    let rows = sqlx::query!(
        r#"WITH recent AS (
               SELECT max(post_id) - ((14 * 86400000::bigint) << 12) AS after FROM post_tickers),
           talk AS (
               SELECT ticker_id, count(*) AS n FROM post_tickers, recent WHERE post_id > recent.after GROUP BY 1
               UNION ALL SELECT ticker_id, 10 * count(*) FROM watches GROUP BY 1)
           SELECT ticker_id AS "ticker_id!", sum(n)::bigint AS "weight!" FROM talk GROUP BY 1"#
    )
    .fetch_all(executor)
    .await?;
    let weight = |weight: i64| u32::try_from(weight).unwrap_or(u32::MAX);
    Ok(rows.into_iter().map(|row| (TickerId::new(row.ticker_id), weight(row.weight))).collect())
}

/// A ticker's recent activity against its own normal.
#[derive(Debug, Clone, Copy)]
pub struct Activity {
    /// Which.
    pub ticker: TickerId,
    /// Distinct authors in the last `recent_hours`.
    pub authors: i64,
    /// Distinct authors such a stretch has on an average day of the last four weeks.
    pub normal: f64,
}

/// Distinct authors of each ticker in the last `recent_hours`, beside the mean of the 28 days before.
pub async fn activity(
    executor: impl PgExecutor<'_>,
    now: DateTime<Utc>,
    recent_hours: i32,
) -> sqlx::Result<Vec<Activity>> {
    let rows = sqlx::query!(
        r#"WITH recent AS (
               SELECT pt.ticker_id, count(DISTINCT p.author_id) AS authors
               FROM posts p JOIN post_tickers pt ON pt.post_id = p.id
               WHERE p.id >= id_floor($1::timestamptz - make_interval(hours => $2)) AND p.created_at <= $1 AND p.listed
               GROUP BY 1),
           history AS (
               SELECT pt.ticker_id, count(DISTINCT (p.author_id, p.created_at::date)) AS author_days
               FROM posts p JOIN post_tickers pt ON pt.post_id = p.id
               WHERE p.id >= id_floor($1::timestamptz - interval '28 days')
                 AND p.id < id_floor($1::timestamptz - make_interval(hours => $2)) AND p.listed
                 AND pt.ticker_id IN (SELECT ticker_id FROM recent)
               GROUP BY 1)
           SELECT r.ticker_id, r.authors AS "authors!",
                  (coalesce(h.author_days, 0) * $2 / (24.0 * 28.0))::float8 AS "normal!"
           FROM recent r LEFT JOIN history h USING (ticker_id)"#,
        now,
        recent_hours
    )
    .fetch_all(executor)
    .await?;
    let to_activity = |ticker, authors, normal| Activity { ticker: TickerId::new(ticker), authors, normal };
    Ok(rows.into_iter().map(|row| to_activity(row.ticker_id, row.authors, row.normal)).collect())
}
