//! A database of a test's own, with a few instruments; dropped at the end.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use reqwest::Url;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, postgres::PgPoolOptions};

static NEXT: AtomicU64 = AtomicU64::new(0);

/// Instruments of the tests: two Korean, some American, one renamed, one delisted.
const INSTRUMENTS: &str = "
INSERT INTO tickers (market, code, name, name_ko, sector, currency, time_zone)
VALUES ('XNAS', 'AAPL', 'Apple Inc.', '애플', 'Technology', 'USD', 'America/New_York'),
       ('XNAS', 'TSLA', 'Tesla, Inc.', '테슬라', 'Automobiles', 'USD', 'America/New_York'),
       ('XNAS', 'MSFT', 'Microsoft Corporation', NULL, 'Technology', 'USD', 'America/New_York'),
       ('XNAS', 'NVDA', 'NVIDIA Corporation', NULL, 'Technology', 'USD', 'America/New_York'),
       ('XNAS', 'GOOG', 'Alphabet Inc.', NULL, 'Technology', 'USD', 'America/New_York'),
       ('XNAS', 'META', 'Meta Platforms, Inc.', NULL, 'Technology', 'USD', 'America/New_York'),
       ('XKRX', '005930', 'Samsung Electronics', '삼성전자', 'Technology', 'KRW', 'Asia/Seoul'),
       ('XKRX', '000660', 'SK hynix', 'SK하이닉스', 'Technology', 'KRW', 'Asia/Seoul');
INSERT INTO tickers (market, code, name, currency, time_zone, status, renamed_to)
SELECT 'XNAS', 'FB', 'Facebook, Inc.', 'USD', 'America/New_York', 'renamed', id FROM tickers WHERE code = 'META';
INSERT INTO tickers (market, code, name, currency, time_zone, status)
VALUES ('XNYS', 'TWTR', 'Twitter, Inc.', 'USD', 'America/New_York', 'delisted');
INSERT INTO ticker_aliases (alias, ticker_id) SELECT '삼전', id FROM tickers WHERE code = '005930';
INSERT INTO prices (ticker_id, day, open, high, low, close, adj_close, volume)
SELECT id, day::date, 100, 110, 95, 100 + id, 100 + id, 1000
FROM tickers, unnest(ARRAY['2026-01-05', '2026-01-06', '2026-01-07']) AS day";

/// A name no other test of this machine has.
pub fn unique() -> String {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    let count = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{}_{nanos}_{count}", std::process::id())
}

/// The database.
#[derive(Debug)]
pub struct Database {
    /// Where it is.
    pub url: Url,
    home: Url,
    name: String,
}

impl Database {
    /// Makes an empty one beside the database of `DATABASE_URL`.
    pub async fn create() -> Result<Self> {
        let home = std::env::var("DATABASE_URL").context("DATABASE_URL must be set")?;
        let home: Url = home.parse().context("failed to read DATABASE_URL")?;
        let name = format!("madang_t_{}", unique());
        execute(&home, &format!("CREATE DATABASE {name}")).await?;
        let mut url = home.clone();
        url.set_path(&name);
        Ok(Self { url, home, name })
    }

    /// Adds the instruments; call after migrating.
    pub async fn add_instruments(&self) -> Result<()> {
        let mut connection = PgConnection::connect(self.url.as_str()).await?;
        sqlx::raw_sql(INSTRUMENTS).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }

    /// Opens it for looking at rows.
    pub async fn open(&self) -> Result<PgPool> {
        let pool = PgPoolOptions::new().max_connections(2).acquire_timeout(Duration::from_secs(20));
        Ok(pool.connect(self.url.as_str()).await?)
    }
}

async fn execute(url: &Url, sql: &str) -> Result<()> {
    let mut connection = PgConnection::connect(url.as_str()).await?;
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

impl Drop for Database {
    fn drop(&mut self) {
        let (home, name) = (self.home.clone(), self.name.clone());
        // A thread of its own: a runtime cannot be blocked on from inside another.
        let dropping = std::thread::spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            runtime.block_on(execute(&home, &sql))
        });
        if !matches!(dropping.join(), Ok(Ok(()))) {
            eprintln!("the database {} was left behind", self.name);
        }
    }
}
