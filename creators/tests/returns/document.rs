//! The worked examples of `docs/RETURNS.md`: inputs and results are read from it and computed.

use chrono::NaiveDate;
use madang_core::ids::TickerId;
use madang_creators::returns::{
    Currency, Entry, Kind, Market, MarketBuilder, Record, Trade, Window, rates, replay,
    risk::{RISK_BANDS, max_drawdown, risk_score, volatility},
    windows::of_account,
};
use rust_decimal::Decimal;

use crate::support::{A, B, Ledger, day, dec, dollar, ticker_twr, twr, won};

const DOCUMENT: &str = include_str!("../../../docs/RETURNS.md");

fn examples() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    DOCUMENT.split("```text\nexample ").skip(1).map(|rest| {
        let mut lines = rest.split("\n```").next().unwrap().lines();
        (lines.next().unwrap(), lines.collect())
    })
}

/// The printed number must be the computed one, rounded to as many digits.
fn printed(expected: &str, got: f64, context: &str, wrong: &mut Vec<String>) {
    let digits = expected.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let half = 0.5 * 10_f64.powi(-(digits as i32));
    let number: f64 = expected.parse().unwrap_or_else(|_| panic!("{context}: {expected} is no number"));
    if (got - number).abs() > half * (1.0 + 1e-6) {
        wrong.push(format!("{context}: the document says {expected}, it is {got}"));
    }
}

fn split<'l>(lines: &[&'l str]) -> (Vec<&'l str>, Vec<&'l str>) {
    let results = lines.iter().filter_map(|line| line.strip_prefix("= ")).collect();
    (lines.iter().filter(|line| !line.starts_with("= ")).copied().collect(), results)
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

fn rate(kind: &str, lines: &[&str]) -> Result<f64, rates::NoRate> {
    let rows: Vec<Vec<&str>> = lines.iter().map(|line| words(line)).collect();
    let column = |at: usize| rows.iter().map(|row| number(row[at])).collect::<Vec<f64>>();
    match kind {
        "xirr" => {
            let flows: Vec<(NaiveDate, f64)> = rows.iter().map(|row| (day(row[0]), number(row[1]))).collect();
            rates::xirr(&flows)
        }
        "irr" => rates::irr(&column(0)),
        "link" => rates::link(&column(0)),
        "annualise" => rates::annualise(number(rows[0][0]), number(rows[0][2])),
        "twr" => {
            let read = |row: &Vec<&str>| rates::Valuation { before: number(row[1]), flow: number(row[3]) };
            rates::time_weighted(&rows.iter().map(read).collect::<Vec<_>>()).map(|weighted| weighted.total)
        }
        "dietz" => {
            let flows: Vec<(f64, f64)> =
                rows[1..].iter().map(|row| (number(row[0]), number(row[1]))).collect();
            rates::modified_dietz(number(rows[0][1]), number(rows[0][3]), &flows, number(rows[0][5]))
        }
        other => panic!("the document has an example of an unknown kind {other}"),
    }
}

/// A ledger and its market as they are read.
struct Scene {
    builder: MarketBuilder,
    ledger: Ledger,
    currency: Currency,
    last: NaiveDate,
}

fn date(text: &str) -> NaiveDate {
    day(&format!("2024-{text}"))
}

fn ticker(name: &str) -> TickerId {
    match name {
        "A" => A,
        "B" => B,
        other => panic!("the document names an unknown instrument {other}"),
    }
}

impl Scene {
    fn read(lines: &[&str]) -> Self {
        let mut builder = MarketBuilder::new(won());
        let currency = if lines.contains(&"dollars A") { dollar() } else { won() };
        builder.instrument(A, currency, lines.contains(&"delisted A"));
        builder.instrument(B, won(), false);
        let mut scene = Self { builder, ledger: Ledger::default(), currency, last: date("01-01") };
        for line in lines.iter().filter(|line| !matches!(**line, "dollars A" | "delisted A")) {
            scene.line(&words(line));
        }
        scene
    }

    fn line(&mut self, words: &[&str]) {
        match *words {
            ["close", name, at, price] => {
                self.last = self.last.max(date(at));
                self.builder.close(ticker(name), date(at), number(price));
            }
            ["rate", at, rate] => self.builder.rate(dollar(), date(at), number(rate)),
            ["benchmark", at, change] => self.builder.benchmark(won(), date(at), number(change)),
            [at, ref rest @ ..] => {
                let kind = self.kind(rest);
                self.last = self.last.max(date(at));
                self.ledger = std::mem::take(&mut self.ledger).push(date(at), kind);
            }
            [] => panic!("the document has an empty line in an example"),
        }
    }

    fn kind(&self, words: &[&str]) -> Kind {
        let currency = self.currency;
        let trade = |quantity, name, price, fee| {
            let (quantity, price, fee) = (dec(quantity), dec(price), dec(fee));
            Trade { ticker: ticker(name), quantity, price, fee, tax: Decimal::ZERO, currency }
        };
        match *words {
            ["deposit", amount] => Kind::Deposit { amount: dec(amount), currency },
            ["withdraw", amount] => Kind::Withdrawal { amount: dec(amount), currency },
            ["buy", quantity, name, "at", price] => Kind::Buy(trade(quantity, name, price, "0")),
            ["buy", quantity, name, "at", price, "costs", fee] => {
                Kind::Buy(trade(quantity, name, price, fee))
            }
            ["sell", quantity, name, "at", price] => Kind::Sell(trade(quantity, name, price, "0")),
            ["dividend", amount, name] => {
                Kind::Dividend { ticker: ticker(name), amount: dec(amount), tax: Decimal::ZERO, currency }
            }
            ["split", new, "for", old, name] => {
                Kind::Split { ticker: ticker(name), new: new.parse().unwrap(), old: old.parse().unwrap() }
            }
            ["shares", "in", quantity, name, "cost", cost] => {
                Kind::SharesIn { ticker: ticker(name), quantity: dec(quantity), unit_cost: Some(dec(cost)) }
            }
            ref other => panic!("the document has an unknown entry {other:?}"),
        }
    }

    fn record(self) -> Record {
        let (entries, market): (Vec<Entry>, Market) = (self.ledger.entries, self.builder.build());
        replay(&entries, &market, won(), self.last).unwrap()
    }
}

fn figure(record: &Record, name: &[&str]) -> f64 {
    let exact = |value: Decimal| number(&value.to_string());
    let figures = of_account(record, Window::All).unwrap();
    match *name {
        ["value"] => record.days.last().unwrap().value,
        ["twr"] => twr(record),
        ["xirr"] => record.money_weighted().unwrap(),
        ["implied"] => exact(record.implied[0].1),
        ["bridged"] => f64::from(record.bridged),
        ["market"] => figures.market,
        ["excess"] => figures.excess.unwrap(),
        ["ticker", name, ref what @ ..] => {
            let found = record.tickers.iter().find(|found| found.ticker == ticker(name)).unwrap();
            match *what {
                ["twr"] => ticker_twr(found),
                ["trip"] => found.closed[0].rate.unwrap(),
                ["realised"] => exact(found.realised),
                ["average", "cost"] => exact(found.holding.as_ref().unwrap().average_cost),
                ["unrealised"] => exact(found.holding.as_ref().unwrap().unrealised.unwrap()),
                ref other => panic!("the document asks for an unknown figure {other:?}"),
            }
        }
        ref other => panic!("the document asks for an unknown figure {other:?}"),
    }
}

#[test]
fn each_worked_example_of_the_document_is_what_is_computed() {
    let (mut computed, mut wrong) = (0, Vec::new());
    for (kind, lines) in examples() {
        let (inputs, results) = split(&lines);
        let context = format!("example {kind} {inputs:?}");
        assert!(!results.is_empty(), "{context} has no result");
        computed += results.len();
        match kind {
            "ledger" => {
                let record = Scene::read(&inputs).record();
                for result in results {
                    let mut name = words(result);
                    let expected = name.pop().unwrap();
                    printed(expected, figure(&record, &name), &context, &mut wrong);
                }
            }
            "risk" => {
                let factors = || inputs.iter().map(|line| number(line));
                let volatility = volatility(factors()).unwrap();
                for result in results {
                    let (name, expected) = result.split_once(' ').unwrap();
                    let got = match name {
                        "volatility" => volatility,
                        "drawdown" => max_drawdown(factors()),
                        _ => f64::from(risk_score(volatility)),
                    };
                    printed(expected, got, &context, &mut wrong);
                }
            }
            _ => match (rate(kind, &inputs), results[0].strip_prefix("none: ")) {
                (Ok(got), None) => printed(results[0], got, &context, &mut wrong),
                (Err(why), Some(said)) => assert!(why.to_string().ends_with(said), "{context}: {why}"),
                (got, _) => panic!("{context}: the document says {}, it is {got:?}", results[0]),
            },
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(computed >= 30, "only {computed} results were found in the document");
}

#[test]
fn the_documents_risk_bands_are_those_of_the_code() {
    let row = DOCUMENT.lines().find(|line| line.starts_with("| volatility below")).unwrap();
    let limits: Vec<f64> = row
        .split('|')
        .filter_map(|cell| cell.trim().strip_suffix(" %"))
        .map(|cell| number(cell) / 100.0)
        .collect();
    assert_eq!(limits.len(), RISK_BANDS.len());
    for (said, band) in limits.iter().zip(RISK_BANDS) {
        assert!((said - band).abs() < 1e-12);
    }
}
