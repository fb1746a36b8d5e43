//! The files of an archive that are about creators: `rates.csv`, `trades.csv`, `disclosures.csv`. Trades go the
//! same road as those of the API, in chunks. What is here already stays as it is.

mod consents;

use std::path::Path;

use chrono::Utc;
use madang_core::{
    import::{Counts, Line, Progress, TableFile, Tally},
    jobs::{self, JobKind},
    tickers::Catalogue,
};
use rust_decimal::Decimal;
use sqlx::PgPool;
use tokio::sync::mpsc;

use crate::{
    feeds,
    ledger::{Batch, MAX_ROWS, Outcome, RawRow, Status, intake::Names, take},
};

/// Columns the files must have; what a kind of trade needs beside is said of the row.
const TRADES: &[&str] = &["trade_id", "user", "kind", "executed_at"];
const RATES: &[&str] = &["currency", "day", "won"];

/// Imports what of it is in the folder, and asks for the returns it changes.
pub async fn import(
    pool: &PgPool,
    dir: &Path,
    rejects: &Path,
    progress: &dyn Progress,
    counts: &mut Counts,
) -> anyhow::Result<()> {
    let find = |name| TableFile::find(dir, name, rejects);
    if let Some(mut file) = find("rates.csv")? {
        progress.stage("rates", None);
        counts.rates = import_rates(pool, &mut file, progress).await?;
    }
    if let Some(mut file) = find("trades.csv")? {
        progress.stage("trades", None);
        counts.trades = import_trades(pool, &mut file, progress).await?;
    }
    if let Some(mut file) = find("disclosures.csv")? {
        progress.stage("disclosures", None);
        counts.disclosures = consents::import(pool, &mut file, progress).await?;
    }
    if counts.prices.new > 0 {
        ask_for_all(pool).await?;
    }
    jobs::wake(pool).await?;
    Ok(())
}

/// Asks for the returns of everybody who has a ledger.
pub async fn ask_for_all(pool: &PgPool) -> sqlx::Result<u64> {
    let everybody =
        sqlx::query_scalar!("SELECT user_id FROM ledger_people ORDER BY user_id").fetch_all(pool).await?;
    for few in everybody.chunks(5_000) {
        jobs::enqueue_many(pool, JobKind::Returns, few, 0, std::time::Duration::ZERO).await?;
    }
    Ok(everybody.len() as u64)
}

async fn import_trades(
    pool: &PgPool,
    file: &mut TableFile,
    progress: &dyn Progress,
) -> anyhow::Result<Tally> {
    let catalogue = Catalogue::load(pool).await?;
    let mut chunks = read(file, TRADES)?;
    let mut tally = Tally::default();
    while let Some(chunk) = chunks.recv().await {
        let lines = chunk.len() as u64;
        take_chunk(pool, &catalogue, file, chunk, &mut tally).await?;
        progress.advance(lines);
    }
    file.flush()?;
    Ok(tally)
}

async fn import_rates(pool: &PgPool, file: &mut TableFile, progress: &dyn Progress) -> anyhow::Result<Tally> {
    let mut chunks = read(file, RATES)?;
    let mut tally = Tally::default();
    while let Some(chunk) = chunks.recv().await {
        progress.advance(chunk.len() as u64);
        let mut rates = Vec::with_capacity(chunk.len());
        for (line, values) in chunk {
            match values.and_then(|values| rate(&values)) {
                Ok(rate) => rates.push(rate),
                Err(reason) => {
                    tally.rejected += 1;
                    file.reject(line, reason, "")?;
                }
            }
        }
        let mut tx = pool.begin().await?;
        let new = feeds::add_rates(&mut tx, &rates).await?;
        tx.commit().await?;
        tally.new += new;
        tally.here += rates.len() as u64 - new;
    }
    file.flush()?;
    Ok(tally)
}

fn value<'a>(values: &'a [(String, String)], name: &str) -> &'a str {
    values.iter().find(|(column, _)| column == name).map_or("", |(_, value)| value)
}

fn rate(values: &[(String, String)]) -> Result<feeds::Rate, String> {
    let day = value(values, "day").parse().map_err(|_| "day is not a day".to_owned())?;
    let won = Decimal::from_str_exact(value(values, "won"))
        .map_err(|_| "won is not a decimal number".to_owned())?;
    feeds::Rate::parse(value(values, "currency"), day, won, Utc::now())
        .map_err(|(name, why)| format!("{name} {why}"))
}

/// Reads ahead in a thread of its own, by a bounded number of chunks.
fn read(file: &TableFile, required: &[&str]) -> anyhow::Result<mpsc::Receiver<Vec<Line>>> {
    let lines = file.lines(required)?;
    let (to, from) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        let mut chunk = Vec::new();
        for line in lines {
            chunk.push(line);
            if chunk.len() == MAX_ROWS && to.blocking_send(std::mem::take(&mut chunk)).is_err() {
                return;
            }
        }
        // Nobody waits for the rest if the import failed.
        to.blocking_send(chunk).ok();
    });
    Ok(from)
}

async fn take_chunk(
    pool: &PgPool,
    catalogue: &Catalogue,
    file: &mut TableFile,
    chunk: Vec<Line>,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let mut rows = Vec::with_capacity(chunk.len());
    let mut places = Vec::with_capacity(chunk.len());
    for (line, values) in chunk {
        match values {
            Ok(values) => {
                places.push((line, text(&values)));
                let pairs = values.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                rows.push(Ok(RawRow::from_pairs(pairs)));
            }
            Err(reason) => {
                tally.rejected += 1;
                file.reject(line, reason, "")?;
            }
        }
    }
    let batch = Batch { rows, names: Names::ArchiveFirst, source: "import", now: Utc::now() };
    let mut tx = pool.begin().await?;
    let outcomes = take(&mut tx, catalogue, batch).await?;
    tx.commit().await?;
    for (outcome, (line, text)) in outcomes.iter().zip(places) {
        count(outcome, line, &text, file, tally)?;
    }
    Ok(())
}

fn text(values: &[(String, String)]) -> String {
    values.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(",")
}

fn count(
    outcome: &Outcome,
    line: u64,
    text: &str,
    file: &mut TableFile,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    match (outcome.status, &outcome.refusal) {
        (Status::Accepted, _) => tally.new += 1,
        (Status::Duplicate, _) => tally.here += 1,
        (Status::Refused, refusal) => {
            tally.rejected += 1;
            let reason = refusal.as_ref().map_or_else(String::new, |r| format!("{} {}", r.field, r.reason));
            file.reject(line, reason, text)?;
        }
    }
    Ok(())
}
