//! `trades.csv`, `disclosures.csv`, `rates.csv` and, for those who test what finds them, `shapes.csv`, which says of what
//! shape each account is and is no part of the import format.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};
use chrono::{DateTime, SecondsFormat};

use super::Ledgers;
use super::book::{Entry, Kind};
use super::feed::Row;
use super::floor::RATIO;
use crate::generate::Community;
use crate::generate::people::opaque_id;
use crate::generate::write::csv_writer;

/// The version of the text that people agreed to.
const CONSENT_VERSION: &str = "1";

/// Write the ledgers of `community` to `folder`.
pub(crate) fn write(community: &Community, folder: &Path) -> Result<()> {
    write_trades(community, folder)?;
    write_disclosures(community, folder)?;
    write_rates(&community.ledgers, folder)?;
    write_shapes(community, folder)
}

type Csv = csv::Writer<File>;

fn create(folder: &Path, name: &str, header: &[&str]) -> Result<Csv> {
    let path = folder.join(name);
    let file = File::create_new(&path).with_context(|| format!("failed to create {}", path.display()))?;
    csv_writer(file, header)
}

fn write_trades(community: &Community, folder: &Path) -> Result<()> {
    let header = [
        "trade_id",
        "user",
        "kind",
        "symbol",
        "quantity",
        "price",
        "amount",
        "fee",
        "tax",
        "ratio",
        "currency",
        "executed_at",
        "corrects",
    ];
    let mut csv = create(folder, "trades.csv", &header)?;
    for row in &community.ledgers.rows {
        csv.write_record(record(community, row)?)?;
    }
    csv.flush().context("failed to write the trades")
}

fn record(community: &Community, row: &Row) -> Result<[String; 13]> {
    let entry = &row.entry;
    let id = |number| opaque_id('t', community.seed, number);
    let is_trade = matches!(entry.kind, Kind::Buy | Kind::Sell);
    let is_cancelled = entry.kind == Kind::Cancellation;
    let number = |value: i64, digits, wanted| if wanted { fixed(value, digits) } else { String::new() };
    let cents = if entry.won { 0 } else { 2 };
    Ok([
        id(row.number),
        user(community, row.author)?.to_owned(),
        name(entry.kind).to_owned(),
        symbol(community, entry.listing).to_owned(),
        number(entry.quantity, 4, entry.quantity > 0 && !is_cancelled),
        number(entry.price, cents, entry.price > 0 && !is_cancelled),
        number(entry.amount, cents + 4, entry.amount > 0 && !is_cancelled),
        number(entry.fee, cents, is_trade),
        number(entry.tax, cents, is_trade || entry.kind == Kind::Dividend),
        if entry.kind == Kind::Split { format!("{RATIO}:1") } else { String::new() },
        currency(entry).to_owned(),
        time(entry.at)?,
        row.corrects.map_or_else(String::new, id),
    ])
}

fn write_disclosures(community: &Community, folder: &Path) -> Result<()> {
    let header = ["user", "symbol", "holdings", "trade_delay", "amounts", "consent_version", "granted_at"];
    let mut csv = create(folder, "disclosures.csv", &header)?;
    for disclosure in &community.ledgers.disclosures {
        csv.write_record([
            user(community, disclosure.author)?,
            symbol(community, disclosure.listing),
            truth(disclosure.holdings),
            &disclosure.trade_delay.map_or_else(String::new, |days| days.to_string()),
            truth(disclosure.amounts),
            CONSENT_VERSION,
            &time(disclosure.granted_at)?,
        ])?;
    }
    csv.flush().context("failed to write the disclosures")
}

fn write_rates(ledgers: &Ledgers, folder: &Path) -> Result<()> {
    let mut csv = create(folder, "rates.csv", &["currency", "day", "won"])?;
    for rate in &ledgers.rates {
        csv.write_record(["USD", &rate.day.to_string(), &fixed(rate.won, 2)])?;
    }
    csv.flush().context("failed to write the rates")
}

fn write_shapes(community: &Community, folder: &Path) -> Result<()> {
    let mut csv = create(folder, "shapes.csv", &["user", "handle", "shape"])?;
    for account in &community.ledgers.accounts {
        let person = community.people.get(account.author).context("an account has no owner")?;
        csv.write_record([person.id.as_str(), &person.naming.handle, account.shape.name()])?;
    }
    csv.flush().context("failed to write the shapes")
}

fn user(community: &Community, author: u32) -> Result<&str> {
    Ok(&community.people.get(author).context("an account has no owner")?.id)
}

fn symbol(community: &Community, listing: Option<usize>) -> &'static str {
    let listing = listing.and_then(|listing| community.market.listings.get(listing));
    listing.map_or("", |listing| listing.ticker.symbol)
}

fn time(at: i64) -> Result<String> {
    let time = DateTime::from_timestamp(at, 0).context("a time is out of range")?;
    Ok(time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

const fn truth(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

const fn currency(entry: &Entry) -> &'static str {
    match (entry.kind, entry.won) {
        (Kind::Cancellation, _) => "",
        (_, true) => "KRW",
        (_, false) => "USD",
    }
}

const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Buy => "buy",
        Kind::Sell => "sell",
        Kind::Dividend => "dividend",
        Kind::Fee => "fee",
        Kind::Tax => "tax",
        Kind::Deposit => "deposit",
        Kind::Withdrawal => "withdrawal",
        Kind::SharesIn => "shares_in",
        Kind::SharesOut => "shares_out",
        Kind::Split => "split",
        Kind::Cancellation => "cancellation",
    }
}

/// `value` of 10^-`digits`, without zeros at the end of its fraction.
fn fixed(value: i64, digits: u32) -> String {
    let unit = 10_i64.pow(digits);
    let whole = value / unit;
    if value % unit == 0 {
        return whole.to_string();
    }
    let fraction = format!("{:0>width$}", value % unit, width = digits as usize);
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}
