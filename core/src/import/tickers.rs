//! `tickers.csv`: symbol, company, sector, exchange; optional name_ko, aliases (with `|` between), currency,
//! time_zone, status and renamed_to.

use std::sync::Arc;

use super::{
    copy::Row,
    counts::Counts,
    fields::{CsvTable, Fields},
    source::Source,
    stage::{Run, Stage},
    symbols::Symbols,
};
use crate::{
    changes::{self, Change},
    nicknames, text,
    tickers::alias_key,
};

const MAX_NAME_CHARS: usize = 200;
const MAX_CODE_BYTES: usize = 16;

const STAGING: &str = "
    CREATE TEMP TABLE import_rows (
        seq bigint, raw text, market text, code text, symbol text, name text, name_ko text, sector text,
        currency text, time_zone text, status text, renamed_to text, aliases text[]) ON COMMIT DROP";

/// A market by the exchange's name, with its currency and time zone.
fn market(exchange: &str) -> Option<(&'static str, &'static str, &'static str)> {
    match exchange.to_ascii_uppercase().as_str() {
        "NASDAQ" | "XNAS" => Some(("XNAS", "USD", "America/New_York")),
        "NYSE" | "XNYS" => Some(("XNYS", "USD", "America/New_York")),
        "AMEX" | "XASE" => Some(("XASE", "USD", "America/New_York")),
        "KRX" | "KOSPI" | "KOSDAQ" | "XKRX" => Some(("XKRX", "KRW", "Asia/Seoul")),
        _ => None,
    }
}

/// Imports the file, if it is there, and says what symbols mean.
pub(super) async fn import(
    run: &mut Run<'_>,
    source: Option<Source>,
    counts: &mut Counts,
) -> anyhow::Result<Arc<Symbols>> {
    let mut stage = Stage::begin(run, "tickers", STAGING).await?;
    let mut changed = 0;
    if let Some(source) = source {
        stage.load(source, CsvTable::new(&["symbol", "company", "exchange"], row)).await?;
        stage.loaded().await?;
        changed = write(&mut stage, counts).await?;
    }
    let own: Vec<(String, i32)> = sqlx::query_as(
        "SELECT r.code, t.id FROM import_rows r JOIN tickers t ON t.symbol = r.symbol
         WHERE NOT EXISTS (SELECT FROM import_bad b WHERE b.seq = r.seq)",
    )
    .persistent(false)
    .fetch_all(&mut *stage.tx)
    .await?;
    let symbols = Symbols::load(&mut stage.tx, own).await?;
    changed += nicknames::seed(&mut stage.tx).await?;
    if changed > 0 {
        changes::record(&mut stage.tx, &[Change::Tickers]).await?;
    }
    stage.commit().await?;
    Ok(symbols)
}

fn row(fields: &Fields<'_>, row: &mut Row<'_>) -> Result<(), String> {
    let exchange = fields.need("exchange")?;
    let known = market(exchange);
    let capitals = |text: &str| text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let market = match known {
        Some((market, ..)) => market,
        None if exchange.len() == 4 && capitals(exchange) => exchange,
        None => return Err(format!("exchange {exchange:?} is unknown")),
    };
    let code = code(fields.need("symbol")?)?;
    let money = fields.get("currency").or(known.map(|known| known.1));
    let zone = fields.get("time_zone").or(known.map(|known| known.2));
    fields.need("company")?;
    row.text(Some(market));
    row.text(Some(&code));
    row.text(Some(&format!("{market}:{code}")));
    for name in ["company", "name_ko", "sector"] {
        row.text(line(fields, name)?.as_deref());
    }
    row.text(Some(currency(money)?));
    row.text(Some(time_zone(zone)?));
    status(fields, row)?;
    row.texts(&aliases(fields)?);
    Ok(())
}

fn line(fields: &Fields<'_>, name: &str) -> Result<Option<String>, String> {
    let parse = |value| text::parse_line(value, MAX_NAME_CHARS);
    fields.get(name).map(parse).transpose().map_err(|error| format!("{name} {error}"))
}

fn aliases(fields: &Fields<'_>) -> Result<Vec<String>, String> {
    let names = fields.get("aliases").unwrap_or_default().split('|');
    let keys: Vec<String> = names.map(alias_key).filter(|key| !key.is_empty()).collect();
    let long = |key: &String| key.chars().count() > MAX_NAME_CHARS;
    if keys.iter().any(long) {
        let why = format!("an alias has more than {MAX_NAME_CHARS} characters");
        return Err(why);
    }
    Ok(keys)
}

fn code(symbol: &str) -> Result<String, String> {
    let plain = symbol.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'&'));
    if plain && symbol.len() <= MAX_CODE_BYTES {
        Ok(symbol.to_ascii_uppercase())
    } else {
        Err(format!("symbol must have at most {MAX_CODE_BYTES} Latin letters, digits, `.`, `-`, `_` or `&`"))
    }
}

fn currency(value: Option<&str>) -> Result<&str, String> {
    value
        .filter(|value| value.len() == 3 && value.bytes().all(|b| b.is_ascii_uppercase()))
        .ok_or_else(|| "currency is not three capital letters".to_owned())
}

fn time_zone(value: Option<&str>) -> Result<&str, String> {
    value
        .filter(|value| value.parse::<chrono_tz::Tz>().is_ok())
        .ok_or_else(|| "time_zone is not a name as in Asia/Seoul".to_owned())
}

/// Without a status the ticker keeps the one it has, or is listed.
fn status(fields: &Fields<'_>, row: &mut Row<'_>) -> Result<(), String> {
    let status = match fields.get("status") {
        None => None,
        Some("active" | "listed") => Some("listed"),
        Some("delisted") => Some("delisted"),
        Some("renamed") => Some("renamed"),
        Some(other) => {
            return Err(format!("status {other:?} is not active, delisted or renamed"));
        }
    };
    let target =
        if status == Some("renamed") { Some(fields.need("renamed_to")?.to_uppercase()) } else { None };
    row.text(status);
    row.text(target.as_deref());
    Ok(())
}

async fn write(stage: &mut Stage<'_>, counts: &mut Counts) -> anyhow::Result<u64> {
    stage.run(DUPLICATES).await?;
    // Refusing one may take another's target away.
    while stage.run(NO_TARGET).await? > 0 {}
    stage.script(KNOWN_BEFORE).await?;
    let added = stage.run(ADD).await?;
    let updated = stage.run(UPDATE).await?;
    let aliases = stage.run(ADD_ALIASES).await?;
    counts.tickers = stage.tally(added).await?;
    counts.notes.tickers_updated = stage.count(UPDATED_BEFORE).await?;
    Ok(added + updated + aliases)
}

const DUPLICATES: &str = "
    INSERT INTO import_bad (seq, reason, other)
    SELECT seq, 'duplicate of', first
    FROM (SELECT seq, min(seq) OVER (PARTITION BY symbol) AS first FROM import_rows) AS r WHERE seq <> first";

const NO_TARGET: &str = "
    INSERT INTO import_bad (seq, reason)
    SELECT r.seq, 'renamed_to names no other ticker' FROM import_rows r
    WHERE r.status = 'renamed' AND r.seq NOT IN (SELECT seq FROM import_bad)
      AND NOT EXISTS (SELECT FROM tickers t
                      WHERE (t.symbol = r.renamed_to OR (t.market = r.market AND t.code = r.renamed_to))
                        AND t.symbol <> r.symbol)
      AND NOT EXISTS (SELECT FROM import_rows t
                      WHERE (t.symbol = r.renamed_to OR (t.market = r.market AND t.code = r.renamed_to))
                        AND t.symbol <> r.symbol AND t.seq NOT IN (SELECT seq FROM import_bad))";

const KNOWN_BEFORE: &str = "
    CREATE TEMP TABLE import_known ON COMMIT DROP AS
    SELECT id, name_ko, sector, status, renamed_to FROM tickers";

const ADD: &str = "
    INSERT INTO tickers (market, code, name, name_ko, sector, currency, time_zone, status)
    SELECT market, code, name, name_ko, sector, currency, time_zone,
           CASE status WHEN 'delisted' THEN status ELSE 'listed' END
    FROM import_rows WHERE seq NOT IN (SELECT seq FROM import_bad) ORDER BY seq
    ON CONFLICT (symbol) DO NOTHING";

const UPDATE: &str = "
    UPDATE tickers t SET name_ko = w.name_ko, sector = w.sector, status = w.status, renamed_to = w.target
    FROM (SELECT t.id, coalesce(r.name_ko, t.name_ko) AS name_ko, coalesce(r.sector, t.sector) AS sector,
                 coalesce(r.status, t.status) AS status,
                 CASE WHEN r.status = 'renamed' THEN o.id WHEN r.status IS NULL THEN t.renamed_to END AS target
          FROM import_rows r JOIN tickers t ON t.symbol = r.symbol
          LEFT JOIN tickers o ON r.status = 'renamed' AND o.id <> t.id
               AND (o.symbol = r.renamed_to OR (o.market = r.market AND o.code = r.renamed_to))
          WHERE r.seq NOT IN (SELECT seq FROM import_bad)) AS w
    WHERE w.id = t.id
      AND (t.name_ko, t.sector, t.status, t.renamed_to) IS DISTINCT FROM (w.name_ko, w.sector, w.status, w.target)";

const ADD_ALIASES: &str = "
    INSERT INTO ticker_aliases (alias, ticker_id)
    SELECT DISTINCT a.alias, t.id
    FROM import_rows r JOIN tickers t ON t.symbol = r.symbol CROSS JOIN unnest(r.aliases) AS a (alias)
    WHERE r.seq NOT IN (SELECT seq FROM import_bad)
    ON CONFLICT DO NOTHING";

const UPDATED_BEFORE: &str = "
    SELECT count(*) FROM tickers t JOIN import_known k USING (id)
    WHERE (t.name_ko, t.sector, t.status, t.renamed_to) IS DISTINCT FROM (k.name_ko, k.sector, k.status, k.renamed_to)";
