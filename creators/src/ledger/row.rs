//! One row as the broker sends it, and what it must be to count.

use std::str::FromStr;

use chrono::{DateTime, Datelike, Duration, NaiveDate, Utc};
use chrono_tz::Tz;
use madang_core::{
    ids::TickerId,
    signing,
    tickers::{Catalogue, Ticker},
};
use rust_decimal::Decimal;

use super::currencies::zone_of;
pub use super::{
    currencies::currency,
    kind::Kind,
    raw::{FIELDS, RawRow, Refusal},
};

/// Longest id of a trade, in bytes.
const MAX_ID: usize = 128;
/// Longest name of a person, in bytes.
const MAX_NAME: usize = 255;
/// Most of a quantity, a price or an amount.
const MOST: i64 = 1_000_000_000_000_000;
/// Most decimals of a number.
const MAX_SCALE: u32 = 8;
/// How wrong a broker's clock may be.
const CLOCK_ERROR: Duration = Duration::minutes(5);
/// No exchange's record here is older.
pub(crate) const OLDEST_YEAR: i32 = 1980;

/// A row that is right in itself. Who it is about and whether they can have done it is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The broker's id.
    pub trade_id: String,
    /// Handle, or an id of an imported archive.
    pub user: Option<String>,
    /// Or what the identity provider calls them.
    pub subject: Option<String>,
    /// What happened.
    pub kind: Kind,
    /// Which instrument the row names.
    pub named: Option<TickerId>,
    /// Which one that is now: it may have been renamed.
    pub ticker: Option<TickerId>,
    /// Shares, more than 0.
    pub quantity: Option<Decimal>,
    /// A share's price, at least 0.
    pub price: Option<Decimal>,
    /// Money, more than 0.
    pub amount: Option<Decimal>,
    /// Costs.
    pub fee: Decimal,
    /// Taxes.
    pub tax: Decimal,
    /// New shares for old ones.
    pub ratio: Option<(i32, i32)>,
    /// ISO 4217.
    pub currency: Option<&'static str>,
    /// Exchange time.
    pub executed_at: DateTime<Utc>,
    /// The market's own day.
    pub day: NaiveDate,
    /// The broker's id of the row it stands for or takes away.
    pub corrects: Option<String>,
}

impl Row {
    /// SHA-256 of what it says: a row sent twice is the same however its numbers are written.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        let number = |value: Option<Decimal>| value.map_or_else(String::new, |v| v.normalize().to_string());
        let parts = [
            self.user.clone().unwrap_or_default().to_lowercase(),
            self.subject.clone().unwrap_or_default(),
            self.kind.as_str().to_owned(),
            // Not what it is called now: sent again after a renaming, the row is still the same.
            self.named.map_or_else(String::new, |ticker| ticker.get().to_string()),
            number(self.quantity),
            number(self.price),
            number(self.amount),
            number(Some(self.fee)),
            number(Some(self.tax)),
            format!("{:?}", self.ratio),
            self.currency.unwrap_or_default().to_owned(),
            self.executed_at.timestamp_micros().to_string(),
            self.corrects.clone().unwrap_or_default(),
        ];
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        signing::fingerprint(&parts)
    }
}

/// Reads a row. `Err` says the first thing that is wrong.
pub fn parse(raw: &RawRow, catalogue: &Catalogue, now: DateTime<Utc>) -> Result<Row, Refusal> {
    let trade_id = id(raw.need("trade_id")?, "trade_id")?;
    if raw.get("user").is_none() && raw.get("subject").is_none() {
        return Err(Refusal::new("missing", "user", "user (a handle) or subject is missing"));
    }
    let kind = parse_kind(raw.need("kind")?)?;
    let corrects = raw.get("corrects").map(|text| id(text, "corrects")).transpose()?;
    if kind == Kind::Cancellation && corrects.is_none() {
        return Err(Refusal::new("missing", "corrects", "must name the trade that is cancelled"));
    }
    only_what_belongs(raw, kind)?;
    let ticker = parse_ticker(raw, kind, catalogue)?;
    let currency = parse_currency(raw, kind, ticker)?;
    let executed_at = parse_time(raw, now)?;
    let zone = match (ticker, currency) {
        (Some(ticker), _) => ticker.time_zone.parse().unwrap_or(Tz::UTC),
        (None, currency) => zone_of(currency.unwrap_or_default()),
    };
    let row = Row {
        trade_id,
        user: name(raw, "user")?,
        subject: name(raw, "subject")?,
        kind,
        named: ticker.map(|ticker| ticker.id),
        ticker: ticker.map(|ticker| catalogue.current(ticker.id)),
        quantity: part(raw, "quantity", kind.has_quantity(), false)?,
        price: part(raw, "price", kind.has_price() && kind != Kind::SharesIn, true)?,
        amount: part(raw, "amount", kind.has_amount(), false)?,
        fee: part(raw, "fee", false, true)?.unwrap_or_default(),
        tax: part(raw, "tax", false, true)?.unwrap_or_default(),
        ratio: parse_ratio(raw, kind)?,
        currency,
        executed_at,
        day: executed_at.with_timezone(&zone).date_naive(),
        corrects,
    };
    not_too_much(&row)?;
    Ok(row)
}

fn id(text: &str, field: &'static str) -> Result<String, Refusal> {
    let plain = text.len() <= MAX_ID && text.bytes().all(|b| (0x21..0x7F).contains(&b));
    if plain {
        return Ok(text.to_owned());
    }
    Err(Refusal::invalid(field, format!("must be 1 to {MAX_ID} printable ASCII characters without spaces")))
}

fn name(raw: &RawRow, field: &'static str) -> Result<Option<String>, Refusal> {
    let Some(text) = raw.get(field) else {
        return Ok(None);
    };
    if text.len() <= MAX_NAME && !text.chars().any(char::is_control) {
        return Ok(Some(text.to_owned()));
    }
    Err(Refusal::invalid(field, format!("must be at most {MAX_NAME} bytes without control characters")))
}

fn parse_kind(name: &str) -> Result<Kind, Refusal> {
    let lower = name.to_ascii_lowercase();
    if matches!(lower.as_str(), "short" | "short_sell" | "sell_short") {
        return Err(Refusal::invalid(
            "kind",
            "short positions are not kept here: only what is held can be sold",
        ));
    }
    Kind::parse(&lower).ok_or_else(|| {
        let known = Kind::ALL.map(Kind::as_str).join(", ");
        Refusal::invalid("kind", format!("must be one of {known}"))
    })
}

/// A number where none belongs would be left out of the sums without a word.
fn only_what_belongs(raw: &RawRow, kind: Kind) -> Result<(), Refusal> {
    let wrong = |field: &str| match field {
        "quantity" => !kind.has_quantity(),
        "price" => !kind.has_price(),
        "amount" => !kind.has_amount(),
        "fee" | "tax" => !kind.has_costs(),
        "ratio" => kind != Kind::Split,
        _ => false,
    };
    match FIELDS.into_iter().find(|field| wrong(field) && raw.get(field).is_some()) {
        Some(field) => {
            Err(Refusal::invalid(field, format!("does not belong to a row of kind {}", kind.as_str())))
        }
        None => Ok(()),
    }
}

fn parse_ticker<'a>(
    raw: &RawRow,
    kind: Kind,
    catalogue: &'a Catalogue,
) -> Result<Option<&'a Ticker>, Refusal> {
    let Some(symbol) = raw.get("symbol") else {
        return match kind.needs_ticker() {
            true => Err(Refusal::new("missing", "symbol", "is missing")),
            false => Ok(None),
        };
    };
    let found = catalogue.find(symbol).ok_or_else(|| {
        Refusal::new("unknown_instrument", "symbol", format!("{symbol:?} is not listed; write market:code"))
    })?;
    Ok(Some(found))
}

fn parse_currency(
    raw: &RawRow,
    kind: Kind,
    ticker: Option<&Ticker>,
) -> Result<Option<&'static str>, Refusal> {
    let own = ticker.map(own_currency).transpose()?;
    let Some(code) = raw.get("currency") else {
        return match own {
            Some(own) => Ok(Some(own)),
            None if kind == Kind::Cancellation => Ok(None),
            None => Err(Refusal::new("missing", "currency", "is missing")),
        };
    };
    let known = currency(code).ok_or_else(|| {
        Refusal::new("unknown_currency", "currency", format!("{code:?} is not a currency known here"))
    })?;
    match own {
        Some(own) if own != known && kind.needs_ticker() => {
            Err(Refusal::new("wrong_currency", "currency", format!("this instrument trades in {own}")))
        }
        _ => Ok(Some(known)),
    }
}

/// A ledger with money in a currency that has no rates here could not be added up.
fn own_currency(ticker: &Ticker) -> Result<&'static str, Refusal> {
    currency(&ticker.currency).ok_or_else(|| {
        let reason = format!("it trades in {}, which is not a currency known here", ticker.currency);
        Refusal::new("unknown_currency", "symbol", reason)
    })
}

fn parse_time(raw: &RawRow, now: DateTime<Utc>) -> Result<DateTime<Utc>, Refusal> {
    let text = raw.need("executed_at")?;
    let at = DateTime::parse_from_rfc3339(text)
        .map_err(|_| {
            Refusal::invalid("executed_at", "must be a time as in RFC 3339, \"2026-01-02T09:00:00+09:00\"")
        })?
        .to_utc();
    if at > now + CLOCK_ERROR {
        return Err(Refusal::new("future", "executed_at", "is in the future"));
    }
    if at.year() < OLDEST_YEAR {
        return Err(Refusal::invalid("executed_at", format!("is before {OLDEST_YEAR}")));
    }
    Ok(at)
}

fn part(
    raw: &RawRow,
    field: &'static str,
    needed: bool,
    may_be_zero: bool,
) -> Result<Option<Decimal>, Refusal> {
    match raw.get(field) {
        None if needed => Err(Refusal::new("missing", field, "is missing")),
        None => Ok(None),
        Some(text) => decimal(text, field, may_be_zero).map(Some),
    }
}

fn decimal(text: &str, field: &'static str, may_be_zero: bool) -> Result<Decimal, Refusal> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-' || b == b'+');
    let value = if plain { Decimal::from_str_exact(text).ok() } else { None };
    let Some(value) = value else {
        return Err(Refusal::invalid(field, "must be a decimal number such as 1234.5, of at most 28 digits"));
    };
    if value.is_sign_negative() && !value.is_zero() {
        return Err(Refusal::invalid(field, "must not be negative; the kind says which way it goes"));
    }
    if value.is_zero() && !may_be_zero {
        return Err(Refusal::invalid(field, "must be more than 0"));
    }
    if value.normalize().scale() > MAX_SCALE || value > Decimal::from(MOST) {
        return Err(Refusal::invalid(
            field,
            format!("must have at most {MAX_SCALE} decimals and be at most {MOST}"),
        ));
    }
    Ok(value.normalize())
}

fn parse_ratio(raw: &RawRow, kind: Kind) -> Result<Option<(i32, i32)>, Refusal> {
    let Some(text) = raw.get("ratio") else {
        return match kind {
            Kind::Split => {
                Err(Refusal::new("missing", "ratio", "is missing: new shares for old ones, \"5:1\""))
            }
            _ => Ok(None),
        };
    };
    let parts = text.split_once(':').unwrap_or((text, "1"));
    let whole = |part: &str| i32::from_str(part.trim()).ok().filter(|n| (1..=100_000).contains(n));
    match (whole(parts.0), whole(parts.1)) {
        (Some(new), Some(old)) if new != old => Ok(Some((new, old))),
        _ => Err(Refusal::invalid(
            "ratio",
            "must be two whole numbers, new shares for old ones, such as \"5:1\"",
        )),
    }
}

fn not_too_much(row: &Row) -> Result<(), Refusal> {
    let worth = row.quantity.unwrap_or_default().checked_mul(row.price.unwrap_or_default());
    if worth.is_none_or(|worth| worth > Decimal::from(MOST)) {
        return Err(Refusal::invalid("quantity", format!("times the price must be at most {MOST}")));
    }
    Ok(())
}
