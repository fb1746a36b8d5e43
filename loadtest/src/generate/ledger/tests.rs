//! The written ledgers read back and carried out again by rules of their own, as whoever takes them in would.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use crate::generate::tests::Output;

/// 10^-8, the least that a number of the format can say.
pub(super) type Exact = i128;
pub(super) const ONE: Exact = 100_000_000;

/// The decimal `text`; nothing is 0.
pub(super) fn exact(text: &str) -> Exact {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    assert!(fraction.len() <= 8, "{text}");
    format!("{whole}{fraction:0<8}").parse().unwrap_or(0)
}

/// A row of `trades.csv`.
#[derive(Clone, Debug, Default)]
pub(super) struct Trade {
    /// Where it stands in the file.
    pub(super) place: usize,
    pub(super) id: String,
    pub(super) user: String,
    pub(super) kind: String,
    pub(super) symbol: String,
    pub(super) quantity: Exact,
    pub(super) price: Exact,
    pub(super) amount: Exact,
    pub(super) fee: Exact,
    pub(super) tax: Exact,
    pub(super) ratio: Exact,
    pub(super) currency: String,
    pub(super) at: DateTime<Utc>,
    pub(super) corrects: String,
    /// Columns that hold something.
    filled: BTreeSet<String>,
}

impl Trade {
    fn new(place: usize, row: &BTreeMap<String, String>) -> Result<Self> {
        let get = |column: &str| row.get(column).cloned().with_context(|| format!("no column {column}"));
        let ratio = get("ratio")?;
        let filled = row.iter().filter(|(_, value)| !value.is_empty()).map(|(column, _)| column.clone());
        Ok(Self {
            place,
            id: get("trade_id")?,
            user: get("user")?,
            kind: get("kind")?,
            symbol: get("symbol")?,
            quantity: exact(&get("quantity")?),
            price: exact(&get("price")?),
            amount: exact(&get("amount")?),
            fee: exact(&get("fee")?),
            tax: exact(&get("tax")?),
            ratio: exact(ratio.strip_suffix(":1").unwrap_or("")) / ONE,
            currency: get("currency")?,
            at: get("executed_at")?.parse()?,
            corrects: get("corrects")?,
            filled: filled.collect(),
        })
    }

    fn zone(&self) -> Tz {
        if self.currency == "USD" { chrono_tz::America::New_York } else { chrono_tz::Asia::Seoul }
    }

    pub(super) fn day(&self) -> NaiveDate {
        self.at.with_timezone(&self.zone()).date_naive()
    }

    pub(super) fn is_trade(&self) -> bool {
        self.kind == "buy" || self.kind == "sell"
    }

    /// What the cash of its currency gains, in 10^-16.
    pub(super) fn cash(&self) -> Exact {
        let (worth, costs) = (self.quantity * self.price, (self.fee + self.tax) * ONE);
        match self.kind.as_str() {
            "buy" => -worth - costs,
            "sell" => worth - costs,
            "dividend" => self.amount * ONE - costs,
            "deposit" => self.amount * ONE,
            "withdrawal" | "fee" | "tax" => -self.amount * ONE,
            _ => 0,
        }
    }

    /// What becomes of so many shares.
    pub(super) fn holding(&self, held: Exact) -> Exact {
        match self.kind.as_str() {
            "buy" | "shares_in" => held + self.quantity,
            "sell" | "shares_out" => held - self.quantity,
            "split" => held * self.ratio,
            _ => held,
        }
    }
}

/// Low, high and close of a day.
pub(super) type Prices = BTreeMap<(String, NaiveDate), (Exact, Exact, Exact)>;

/// The files of the demo.
pub(super) struct Demo {
    /// In the order of the file.
    pub(super) rows: Vec<Trade>,
    /// What counts in the end, in order of time.
    pub(super) valid: Vec<Trade>,
    pub(super) prices: Prices,
    pub(super) shapes: BTreeMap<String, String>,
    pub(super) authors: BTreeSet<String>,
    pub(super) posts: Vec<Value>,
    pub(super) disclosures: Vec<BTreeMap<String, String>>,
    rates: Vec<BTreeMap<String, String>>,
}

pub(super) static DEMO: LazyLock<Demo> =
    LazyLock::new(|| Demo::new().unwrap_or_else(|error| panic!("{error:#}")));

impl Demo {
    fn new() -> Result<Self> {
        let output = Output::new("ledgers", 42, 2_000, 20_000)?;
        let rows = output.rows("trades.csv")?;
        let rows: Vec<Trade> =
            rows.iter().enumerate().map(|(place, row)| Trade::new(place, row)).collect::<Result<_>>()?;
        let pair = |mut row: BTreeMap<String, String>| Some((row.remove("user")?, row.remove("shape")?));
        Ok(Self {
            valid: valid(&rows),
            rows,
            prices: prices(&output)?,
            shapes: output.rows("shapes.csv")?.into_iter().filter_map(pair).collect(),
            authors: output.column("authors.csv.gz", "author")?.into_iter().collect(),
            posts: output.posts()?,
            disclosures: output.rows("disclosures.csv")?,
            rates: output.rows("rates.csv")?,
        })
    }

    pub(super) fn of_shape(&self, shape: &str) -> BTreeSet<&str> {
        self.shapes.iter().filter(|(_, is)| *is == shape).map(|(user, _)| user.as_str()).collect()
    }

    /// The split there is: its share, day and ratio.
    fn split(&self) -> (&str, NaiveDate, Exact) {
        let row = self.rows.iter().find(|row| row.kind == "split").expect("a split");
        (&row.symbol, row.day(), row.ratio)
    }

    /// Low, high and close of `symbol` on `day` as they were then.
    pub(super) fn raw(&self, symbol: &str, day: NaiveDate) -> Option<(Exact, Exact, Exact)> {
        let (split, on, ratio) = self.split();
        let ratio = if symbol == split && day < on { ratio } else { 1 };
        let (low, high, close) = self.prices.get(&(symbol.to_owned(), day))?;
        Some((low * ratio, high * ratio, close * ratio))
    }
}

fn valid(rows: &[Trade]) -> Vec<Trade> {
    let gone: BTreeSet<&str> = rows.iter().map(|row| row.corrects.as_str()).collect();
    let counts = |row: &&Trade| row.kind != "cancellation" && !gone.contains(row.id.as_str());
    let mut valid: Vec<Trade> = rows.iter().filter(counts).cloned().collect();
    valid.sort_by_key(|row| (row.at, row.place));
    valid
}

fn prices(output: &Output) -> Result<Prices> {
    let rows = output.rows("prices.csv.gz")?;
    let price = |row: &BTreeMap<String, String>| {
        let value = |column: &str| row.get(column).map(|text| exact(text));
        let day = row.get("date")?.parse().ok()?;
        Some(((row.get("symbol")?.clone(), day), (value("low")?, value("high")?, value("close")?)))
    };
    rows.iter().map(|row| price(row).context("a bad price")).collect()
}

#[test]
fn every_row_has_what_its_kind_needs_and_nothing_else() {
    let always = ["trade_id", "user", "kind", "executed_at"];
    let mut ids = BTreeSet::new();
    for row in &DEMO.rows {
        let fields: &[&str] = match row.kind.as_str() {
            "buy" | "sell" => &["symbol", "quantity", "price", "fee", "tax", "currency"],
            "dividend" => &["symbol", "amount", "tax", "currency"],
            "fee" | "tax" | "deposit" | "withdrawal" => &["amount", "currency"],
            "shares_in" => &["symbol", "quantity", "price", "currency"],
            "shares_out" => &["symbol", "quantity", "currency"],
            "split" => &["symbol", "ratio", "currency"],
            "cancellation" => &["corrects"],
            other => panic!("unknown kind {other}"),
        };
        let mut filled: BTreeSet<&str> = row.filled.iter().map(String::as_str).collect();
        if row.kind != "cancellation" {
            filled.remove("corrects");
        }
        assert_eq!(filled, always.iter().chain(fields).copied().collect(), "{row:?}");
        assert!(ids.insert(&row.id) && DEMO.authors.contains(&row.user), "{row:?}");
        assert!(["KRW", "USD", ""].contains(&row.currency.as_str()), "{row:?}");
        let korean = row.symbol.starts_with(char::is_numeric);
        assert!(row.symbol.is_empty() || (row.currency == "KRW") == korean, "{row:?}");
        let part = if korean { ONE } else { ONE / 10_000 };
        assert_eq!(row.quantity % part, 0, "{row:?}");
    }
    assert!((5_000..=15_000).contains(&DEMO.rows.len()), "{} rows", DEMO.rows.len());
}

#[test]
fn every_row_falls_into_a_session_of_a_day_with_a_price() {
    let days: BTreeSet<(bool, NaiveDate)> =
        DEMO.prices.keys().map(|(symbol, day)| (symbol.starts_with(char::is_numeric), *day)).collect();
    let time = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default();
    let by_id: BTreeMap<&str, &Trade> = DEMO.rows.iter().map(|row| (row.id.as_str(), row)).collect();
    for row in &DEMO.rows {
        // A cancellation has no currency; it belongs to the exchange of what it takes away.
        let like =
            by_id.get(row.corrects.as_str()).filter(|_| row.currency.is_empty()).map_or(row, |row| *row);
        let local = row.at.with_timezone(&like.zone());
        let korean = like.currency == "KRW";
        let session = if korean { time(9, 0)..time(15, 30) } else { time(9, 30)..time(16, 0) };
        assert!(session.contains(&local.time()), "{row:?}");
        assert!(days.contains(&(korean, local.date_naive())), "{row:?}");
    }
}

#[test]
fn trades_are_made_at_prices_of_their_day_and_cost_what_they_should() {
    for row in DEMO.rows.iter().filter(|row| row.is_trade()) {
        let (low, high, _) = DEMO.raw(&row.symbol, row.day()).unwrap_or_else(|| panic!("no price: {row:?}"));
        assert!((low..=high).contains(&row.price), "{row:?} outside {low}..={high}");
        let worth = row.quantity * row.price / ONE;
        let (unit, fee, tax) = match row.currency.as_str() {
            "KRW" => (ONE, worth * 15 / 100_000, if row.kind == "sell" { worth * 15 / 10_000 } else { 0 }),
            _ => (ONE / 100, worth * 7 / 10_000, 0),
        };
        for (cost, expected) in [(row.fee, fee), (row.tax, tax)] {
            assert!(cost % unit == 0 && (cost - expected).abs() <= unit, "{cost} not {expected}: {row:?}");
        }
    }
}

#[test]
fn nothing_is_sold_that_is_not_held_in_whatever_batches_the_rows_come() {
    let mut books: BTreeMap<(&str, &str), Vec<&Trade>> = BTreeMap::new();
    let mut gone: BTreeSet<&str> = BTreeSet::new();
    let by_id: BTreeMap<&str, &Trade> = DEMO.rows.iter().map(|row| (row.id.as_str(), row)).collect();
    for row in &DEMO.rows {
        gone.insert(&row.corrects);
        let symbol = by_id.get(row.corrects.as_str()).map_or(&row.symbol, |target| &target.symbol);
        let book = books.entry((&row.user, symbol)).or_default();
        book.push(row);
        book.sort_by_key(|row| (row.at, row.place));
        let counts = book.iter().filter(|row| !gone.contains(row.id.as_str()));
        let left = counts.fold(0, |held, row| {
            let held = row.holding(held);
            assert!(held >= 0, "{row:?} leaves {held}");
            held
        });
        assert!(left >= 0);
    }
}

#[test]
fn cash_never_lacks_where_deposits_are_reported() {
    let unfunded = DEMO.of_shape("unfunded");
    let mut cash: BTreeMap<(&str, &str), Exact> = BTreeMap::new();
    for row in &DEMO.valid {
        let left = cash.entry((&row.user, &row.currency)).or_default();
        *left += row.cash();
        assert!(*left >= 0 || unfunded.contains(row.user.as_str()), "{row:?} leaves {left}");
        assert!(row.kind != "deposit" || !unfunded.contains(row.user.as_str()), "{row:?}");
    }
    assert_eq!(unfunded.len(), 3);
}

#[test]
fn whoever_holds_a_share_gets_its_split_and_its_dividends() {
    let (share, on, ratio) = DEMO.split();
    let splits: Vec<&Trade> = DEMO.rows.iter().filter(|row| row.kind == "split").collect();
    let opening = NaiveTime::from_hms_opt(9, 30, 0);
    for row in &splits {
        assert_eq!((row.symbol.as_str(), row.day(), row.ratio), (share, on, ratio), "{row:?}");
        assert_eq!(Some(row.at.with_timezone(&row.zone()).time()), opening, "{row:?}");
    }
    let days: BTreeSet<NaiveDate> =
        DEMO.prices.keys().filter(|(symbol, _)| symbol == share).map(|(_, day)| *day).collect();
    let before = days.range(..on).count() * 100 / days.len();
    assert!((40..=60).contains(&before), "the split comes after {before} % of the days");
    let events: BTreeSet<(&str, NaiveDate, &str)> = DEMO
        .rows
        .iter()
        .filter(|row| matches!(row.kind.as_str(), "split" | "dividend"))
        .map(|row| (row.symbol.as_str(), row.day(), row.kind.as_str()))
        .collect();
    for (symbol, day, kind) in &events {
        let mut held: BTreeMap<&str, Exact> = BTreeMap::new();
        let earlier = DEMO.valid.iter().filter(|row| row.symbol == *symbol && row.day() < *day);
        earlier.for_each(|row| {
            let held = held.entry(&row.user).or_default();
            *held = row.holding(*held);
        });
        let on_day =
            DEMO.valid.iter().filter(|row| row.symbol == *symbol && row.day() == *day && row.kind == *kind);
        let got: BTreeSet<&str> = on_day.map(|row| row.user.as_str()).collect();
        // A small part of a share may earn less than a cent.
        let least = if *kind == "split" { 1 } else { ONE };
        let (least, any) =
            (held.iter().filter(|(_, held)| **held >= least), held.iter().filter(|(_, held)| **held > 0));
        let (must, may): (BTreeSet<&str>, BTreeSet<&str>) =
            (least.map(|(user, _)| *user).collect(), any.map(|(user, _)| *user).collect());
        // Shares that come from another broker on the morning itself count too.
        let lacks: Vec<_> = must.difference(&got).collect();
        let strange: Vec<_> = got.difference(&may).filter(|user| !brought_in(user, symbol, *day)).collect();
        assert!(lacks.is_empty() && strange.is_empty(), "{symbol} {day} {kind}: {lacks:?} {strange:?}");
    }
    println!("{} split rows; {} days on which a share paid a dividend", splits.len(), events.len() - 1);
}

fn brought_in(user: &str, symbol: &str, day: NaiveDate) -> bool {
    let rows = DEMO.rows.iter().filter(|row| row.kind == "shares_in");
    rows.into_iter().any(|row| row.user == user && row.symbol == symbol && row.day() == day)
}

#[test]
fn a_handful_of_rows_is_corrected_cancelled_or_late() {
    let by_id: BTreeMap<&str, &Trade> = DEMO.rows.iter().map(|row| (row.id.as_str(), row)).collect();
    let correcting: Vec<&Trade> = DEMO.rows.iter().filter(|row| !row.corrects.is_empty()).collect();
    let mut once = BTreeSet::new();
    for row in &correcting {
        let target = by_id.get(row.corrects.as_str()).unwrap_or_else(|| panic!("corrects nothing: {row:?}"));
        assert!(once.insert(&row.corrects), "{row:?}");
        assert!(
            target.user == row.user && target.place < row.place && target.kind != "cancellation",
            "{row:?}"
        );
        let same = target.kind == row.kind && target.symbol == row.symbol && target.at == row.at;
        assert!(row.kind == "cancellation" || same, "{row:?} {target:?}");
        assert!(same == ((target.price, target.quantity) != (row.price, row.quantity)) || !same, "{row:?}");
    }
    let cancelled = correcting.iter().filter(|row| row.kind == "cancellation").count();
    let chains = correcting.iter().filter(|row| once.contains(&row.id)).count();
    let newest = DEMO.rows.iter().scan(DateTime::<Utc>::MIN_UTC, |newest, row| {
        let late = row.at < *newest && row.corrects.is_empty();
        *newest = row.at.max(*newest);
        Some(late)
    });
    let late = newest.filter(|late| *late).count();
    println!("{} corrections, {cancelled} cancellations, {late} late rows", correcting.len() - cancelled);
    assert_eq!((correcting.len() - cancelled, cancelled, chains), (11, 6, 1));
    assert!((5..=12).contains(&late), "{late}");
}

#[test]
fn every_day_with_a_price_has_a_rate() {
    let mut rates = BTreeMap::new();
    for row in &DEMO.rates {
        assert_eq!(row.get("currency").map(String::as_str), Some("USD"));
        let day: NaiveDate = row.get("day").and_then(|day| day.parse().ok()).unwrap_or_default();
        let won = row.get("won").map_or(0, |won| exact(won) / ONE);
        assert!((1_250..=1_510).contains(&won) && rates.insert(day, won).is_none(), "{row:?}");
    }
    assert!(DEMO.prices.keys().all(|(_, day)| rates.contains_key(day)));
    let moves = rates.values().zip(rates.values().skip(1)).map(|(one, next)| (one - next).abs());
    assert!(moves.max().is_some_and(|most| most < 40));
}
