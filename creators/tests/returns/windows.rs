//! Figures of windows.

use chrono::{Datelike, Days, NaiveDate, Weekday};
use madang_creators::returns::{
    MarketBuilder, Window,
    rates::xirr,
    risk::{max_drawdown, risk_score, volatility},
    windows::{of_account, of_ticker},
};

use crate::support::{A, Ledger, day, market, near, nth, won};

#[test]
fn windows_have_stable_codes_and_names() {
    let named: Vec<(i16, &str)> =
        Window::EACH.iter().map(|window| (window.code(), window.as_str())).collect();
    let expected = [(1, "1W"), (2, "1M"), (3, "3M"), (4, "6M"), (5, "1Y"), (6, "YTD"), (7, "ALL")];
    assert_eq!(named, expected);
    for window in Window::EACH {
        assert_eq!(Window::from_code(window.code()), Some(window));
        assert_eq!(Window::parse(window.as_str()), Some(window));
    }
    assert_eq!(Window::Month.start(day("2024-03-31")), Some(day("2024-02-29")));
    assert_eq!(Window::YearToDate.start(day("2024-03-31")), Some(day("2023-12-31")));
}

/// A price that rises by one a weekday over two years, from 100.
fn rising() -> (Vec<NaiveDate>, madang_creators::returns::Market) {
    let days: Vec<NaiveDate> =
        (0..730).map(nth).filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)).collect();
    let mut builder = MarketBuilder::new(won());
    builder.instrument(A, won(), false);
    for (n, day) in days.iter().enumerate() {
        builder.close(A, *day, 100.0 + n as f64);
        builder.benchmark(won(), *day, 0.001);
    }
    (days, builder.build())
}

#[test]
fn a_window_starts_at_the_close_on_or_before_its_first_day() {
    let (days, market) = rising();
    let as_of = *days.last().unwrap();
    let record = Ledger::default().buy(days[0], A, "10", "100").replay(&market, as_of);
    for window in Window::EACH {
        let figures = of_account(&record, window).unwrap();
        let begins =
            window.start(as_of).map_or(days[0], |start| *days.iter().rfind(|day| **day <= start).unwrap());
        assert_eq!((figures.from, figures.to, figures.complete), (begins, as_of, true));
        let closes = |day: NaiveDate| 100.0 + days.iter().position(|other| *other == day).unwrap() as f64;
        near(figures.twr, closes(as_of) / closes(begins) - 1.0);
        let held = (as_of - begins).num_days() as f64;
        near(figures.money_weighted.unwrap(), (1.0 + figures.twr).powf(365.0 / held) - 1.0);
        let market_days = if window == Window::All { figures.days - 1 } else { figures.days };
        near(figures.market, 1.001_f64.powf(f64::from(market_days)) - 1.0);
        near(figures.excess.unwrap(), (1.0 + figures.twr) / (1.0 + figures.market) - 1.0);
        near(figures.invested, 1.0);
        assert_eq!((figures.drawdown, figures.closed), (0.0, 0));
        let ticker = of_ticker(&record.tickers[0], window, as_of).unwrap();
        near(ticker.twr, figures.twr);
        near(ticker.market, figures.market);
    }
}

#[test]
fn a_record_that_began_later_is_partial() {
    let (days, market) = rising();
    let as_of = *days.last().unwrap();
    let begun = days[days.len() - 30];
    let price = (100 + days.len() - 30).to_string();
    let record = Ledger::default().buy(begun, A, "10", &price).replay(&market, as_of);
    let figures = of_account(&record, Window::Year).unwrap();
    assert_eq!((figures.from, figures.complete, figures.days), (begun, false, 30));
    assert!(of_account(&record, Window::All).unwrap().complete);
    let empty = Ledger::default().replay(&market, as_of);
    assert_eq!(of_account(&empty, Window::All), None);
}

#[test]
fn the_money_weighted_return_of_a_window_counts_its_flows() {
    let (days, market) = rising();
    let as_of = *days.last().unwrap();
    let inside = as_of - Days::new(100);
    let ledger = Ledger::default().buy(days[0], A, "10", "100").deposit(inside, "5000");
    let record = ledger.replay(&market, as_of);
    let figures = of_account(&record, Window::HalfYear).unwrap();
    let opening = record.days.iter().find(|point| point.day == figures.from).unwrap().value;
    let closing = record.days.last().unwrap().value;
    let expected = xirr(&[(figures.from, -opening), (inside, -5_000.0), (as_of, closing)]).unwrap();
    near(figures.money_weighted.unwrap(), expected);
}

#[test]
fn round_trips_count_in_the_window_they_end_in() {
    let market = market(&[(A, &[(0, 100.0), (1, 110.0), (20, 90.0), (40, 80.0)])]);
    let ledger = Ledger::default()
        .buy(nth(0), A, "1", "100")
        .sell(nth(1), A, "1", "110")
        .buy(nth(20), A, "1", "90")
        .sell(nth(40), A, "1", "80");
    let record = ledger.replay(&market, nth(40));
    assert_eq!(of_account(&record, Window::Week).unwrap().closed, 1);
    assert_eq!(of_account(&record, Window::All).unwrap().closed, 2);
    near(record.average_holding_days().unwrap(), 10.5);
}

#[test]
fn volatility_drawdown_and_risk_follow_their_formulas() {
    let factors = [1.1, 0.9, 1.0];
    // Mean 1, sample variance (0.01 + 0.01) / 2.
    near(volatility(factors.into_iter()).unwrap(), 0.1 * 252.0_f64.sqrt());
    assert_eq!(volatility([1.1].into_iter()), None);
    near(max_drawdown([1.2, 0.5, 1.5, 0.9].into_iter()), 0.5);
    near(max_drawdown([0.8, 1.1].into_iter()), 0.2);
    assert_eq!(max_drawdown([1.1, 0.0, 1.0].into_iter()), 1.0);
    let scores: Vec<u8> = [0.0, 0.005, 0.03, 0.07, 0.12, 0.2, 0.3, 0.5, 0.8, 2.0].map(risk_score).to_vec();
    assert_eq!(scores, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
}
