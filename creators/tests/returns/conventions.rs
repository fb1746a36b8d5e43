//! Each convention of `docs/RETURNS.md`.

use madang_core::ids::TickerId;
use madang_creators::returns::{
    Charge, Currency, Entry, FlowKind, Incomplete, Kind, MarketBuilder, Oversold, Trade, Unreplayable,
    check_holdings, replay,
};
use rust_decimal::Decimal;

use crate::support::{A, B, Ledger, at, dec, dollar, market, near, nth, ticker_twr, trade, twr, won};

#[test]
fn an_untouched_holding_equals_its_price_ratio() {
    let market = market(&[(A, &[(0, 100.0), (1, 120.0), (2, 90.0)])]);
    let record = Ledger::default().buy(nth(0), A, "10", "100").replay(&market, nth(2));
    near(twr(&record), -0.1);
    near(ticker_twr(&record.tickers[0]), -0.1);
    assert_eq!(record.days.len(), 3);
    near(record.days[2].value, 900.0);
    near(record.days[2].invested, 1.0);
}

#[test]
fn money_that_was_not_there_counts_as_paid_in() {
    let market = market(&[(A, &[(0, 100.0), (1, 110.0)])]);
    let ledger = Ledger::default().deposit(nth(0), "300").buy(nth(0), A, "10", "100").fee(nth(1), "7");
    let record = ledger.replay(&market, nth(1));
    assert_eq!(record.implied, [(won(), dec("707"))]);
    let kinds: Vec<FlowKind> = record.flows.iter().map(|flow| flow.kind).collect();
    assert_eq!(kinds, [FlowKind::Deposit, FlowKind::Implied, FlowKind::Implied]);
    assert!(record.cash.is_empty());
    // The fee's money comes in while the price is still yesterday's, and is lost: 1000 + 7, then 1100.
    near(twr(&record), 1_100.0 / 1_007.0 - 1.0);
}

#[test]
fn a_withdrawal_of_more_than_is_there_pays_in_the_rest() {
    let market = market(&[(A, &[(0, 100.0), (1, 100.0)])]);
    let ledger = Ledger::default().deposit(nth(0), "50").withdraw(nth(0), "80");
    let record = ledger.replay(&market, nth(1));
    assert_eq!(record.implied, [(won(), dec("30"))]);
    near(record.flows.iter().map(|flow| flow.amount).sum(), 0.0);
    near(twr(&record), 0.0);
}

#[test]
fn sub_periods_end_at_the_flows_own_time() {
    // Bought yesterday at 100; today at 110 more is bought with new money, then the close is 121.
    let market = market(&[(A, &[(0, 100.0), (1, 121.0)])]);
    let ledger = Ledger::default().buy(nth(0), A, "1", "100").buy(nth(1), A, "9", "110");
    let record = ledger.replay(&market, nth(1));
    near(twr(&record), 0.21);
    near(ticker_twr(&record.tickers[0]), 0.21);
}

#[test]
fn costs_are_lost_after_a_buy_and_before_a_sale() {
    let market = market(&[(A, &[(0, 100.0), (1, 100.0), (2, 100.0)])]);
    let ledger = Ledger::default()
        .push(nth(0), Kind::Buy(trade(A, "10", "100", "10")))
        .push(nth(2), Kind::Sell(trade(A, "10", "100", "20")));
    let record = ledger.replay(&market, nth(2));
    let ticker = &record.tickers[0];
    near(ticker_twr(ticker), 1_000.0 / 1_010.0 * 980.0 / 1_000.0 - 1.0);
    near(twr(&record), 980.0 / 1_010.0 - 1.0);
    assert_eq!(ticker.realised, dec("-30"));
    let trip = &ticker.closed[0];
    assert_eq!((trip.cost, trip.proceeds), (dec("1010"), dec("980")));
    assert_eq!((trip.opened, trip.closed, trip.held_days), (nth(0), nth(2), 2.0));
    near(trip.rate.unwrap(), 980.0 / 1_010.0 - 1.0);
}

#[test]
fn a_dividend_is_performance_and_leaves_the_holding_as_a_flow() {
    let market = market(&[(A, &[(0, 100.0), (1, 95.0), (2, 95.0)])]);
    let ledger = Ledger::default().buy(nth(0), A, "10", "100").dividend(nth(1), A, "60", "9");
    let record = ledger.replay(&market, nth(2));
    // Paid while the last known price was 100.
    near(ticker_twr(&record.tickers[0]), 1_051.0 / 1_000.0 * 0.95 - 1.0);
    near(twr(&record), (950.0 + 51.0) / 1_000.0 - 1.0);
    assert_eq!(record.tickers[0].income, dec("51"));
    assert_eq!(record.income, dec("51"));
    assert_eq!(record.cash, [(won(), dec("51"))]);
}

#[test]
fn a_late_dividend_counts_as_if_it_had_come_with_the_last_sale() {
    let market = market(&[(A, &[(0, 100.0), (1, 100.0), (2, 100.0), (20, 100.0)])]);
    let ledger = Ledger::default().buy(nth(0), A, "10", "100").sell(nth(1), A, "10", "100");
    let ledger = ledger.dividend(nth(20), A, "50", "0");
    let record = ledger.replay(&market, nth(20));
    let ticker = &record.tickers[0];
    near(ticker_twr(ticker), 0.05);
    assert_eq!(ticker.days.len(), 2, "only days held count");
    assert_eq!(ticker.closed[0].proceeds, dec("1050"));
    near(ticker.closed[0].rate.unwrap(), 0.05);
    // The account still had the cash, so for it the dividend is performance of its own day.
    near(record.days.last().unwrap().factor, 1.05);
    // On the day of the sale itself it is the same.
    let same_day = Ledger::default().buy(nth(0), A, "10", "100").sell(nth(1), A, "10", "100");
    let same_day = same_day.dividend(nth(1), A, "50", "0").replay(&market, nth(2));
    near(ticker_twr(&same_day.tickers[0]), 0.05);
}

#[test]
fn an_account_emptied_and_refilled_chains_through() {
    let market = market(&[(A, &[(0, 100.0), (1, 110.0), (9, 50.0), (10, 55.0)])]);
    let ledger = Ledger::default()
        .deposit(nth(0), "1000")
        .buy(nth(0), A, "10", "100")
        .sell(nth(1), A, "10", "110")
        .withdraw(nth(1), "1100")
        .deposit(nth(9), "3")
        .buy(nth(9), A, "0.06", "50");
    let record = ledger.replay(&market, nth(10));
    near(twr(&record), 0.21);
    near(ticker_twr(&record.tickers[0]), 0.21);
    assert_eq!(record.tickers[0].holding.as_ref().unwrap().since, nth(9));
    assert!(record.implied.is_empty() && record.incomplete.is_empty());
}

#[test]
fn a_split_changes_quantity_and_average_cost_but_no_value() {
    let closes = [(0, 300.0), (1, 330.0), (2, 110.0), (3, 121.0)];
    let market = market(&[(A, &closes)]);
    let ledger =
        Ledger::default().buy(nth(0), A, "10", "300").push(nth(2), Kind::Split { ticker: A, new: 3, old: 1 });
    let record = ledger.replay(&market, nth(3));
    near(twr(&record), 0.21);
    let holding = record.tickers[0].holding.as_ref().unwrap();
    assert_eq!((holding.quantity, holding.average_cost), (dec("30"), dec("100")));
    assert_eq!(holding.unrealised, Some(dec("630")));
    // A flow on the morning of the split sees yesterday's close in new shares.
    let more = ledger.clone().deposit(nth(2), "1000").replay(&market, nth(2));
    near(more.days.last().unwrap().factor, 1.0);
    // One new for three old leaves a fraction.
    let back =
        Ledger::default().buy(nth(0), A, "10", "300").push(nth(1), Kind::Split { ticker: A, new: 1, old: 3 });
    let back = back.replay(&market, nth(1));
    assert_eq!(back.tickers[0].holding.as_ref().unwrap().quantity.round_dp(6), dec("3.333333"));
}

#[test]
fn a_close_is_carried_for_seven_days() {
    let market =
        market(&[(A, &[(0, 100.0), (7, 100.0), (9, 110.0)]), (B, &[(1, 10.0), (7, 10.0), (9, 10.0)])]);
    let record = Ledger::default().buy(nth(0), A, "1", "100").replay(&market, nth(9));
    assert_eq!((record.bridged, record.days.len()), (0, 4));
    near(twr(&record), 0.1);
}

#[test]
fn a_gap_of_thirty_days_is_one_modified_dietz_period() {
    let daily: Vec<(u64, f64)> = (0..=40).map(|n| (n, 10.0)).collect();
    let market = market(&[(A, &[(0, 100.0), (30, 130.0), (40, 143.0)]), (B, &daily)]);
    let ledger = Ledger::default().buy(nth(0), A, "10", "100").deposit(nth(20), "500");
    let record = ledger.replay(&market, nth(31));
    // Valued to the 7th day; then nothing until the 30th: 23 days, the deposit after 13 of them.
    assert_eq!(record.days.iter().filter(|point| point.day > nth(7)).count(), 2);
    let dietz = (1_800.0 - 1_000.0 - 500.0) / (1_000.0 + 500.0 * 10.0 / 23.0);
    near(record.days.iter().find(|point| point.day == nth(30)).unwrap().factor, 1.0 + dietz);
    assert_eq!(record.bridged, 1);
    assert!(record.incomplete.is_empty());
    near(ticker_twr(&record.tickers[0]), 0.3);
}

#[test]
fn an_open_gap_ends_the_record_and_says_since_when() {
    let daily: Vec<(u64, f64)> = (0..=40).map(|n| (n, 10.0)).collect();
    let market = market(&[(A, &[(0, 100.0), (3, 100.0)]), (B, &daily)]);
    let record = Ledger::default().buy(nth(0), A, "10", "100").replay(&market, nth(40));
    assert_eq!(record.ends(), Some(nth(10)));
    assert_eq!(record.incomplete, [Incomplete::StalePrice { ticker: A, since: nth(3) }]);
    assert_eq!(record.unrealised, None);
    assert_eq!(record.tickers[0].incomplete, Some(Incomplete::StalePrice { ticker: A, since: nth(3) }));
    // What was sold in the gap closes it.
    let sold =
        Ledger::default().buy(nth(0), A, "10", "100").sell(nth(38), A, "10", "90").replay(&market, nth(40));
    near(twr(&sold), -0.1);
    near(ticker_twr(&sold.tickers[0]), -0.1);
    assert!(sold.incomplete.is_empty());
}

#[test]
fn a_delisted_share_counts_for_thirty_days_and_then_nothing_until_it_is_paid() {
    let mut builder = MarketBuilder::new(won());
    builder.instrument(A, won(), true);
    builder.instrument(B, won(), false);
    builder.close(A, nth(0), 100.0);
    builder.close(A, nth(1), 50.0);
    (0..=60).for_each(|n| builder.close(B, nth(n), 10.0));
    let market = builder.build();
    let ledger = Ledger::default().deposit(nth(0), "2000").buy(nth(0), A, "10", "100");
    let value = |ledger: &Ledger, n| ledger.replay(&market, nth(n)).days.last().unwrap().value;
    near(value(&ledger, 31), 1_500.0);
    near(value(&ledger, 32), 1_000.0);
    let record = ledger.replay(&market, nth(60));
    assert_eq!((record.ends(), record.bridged), (Some(nth(60)), 0));
    assert_eq!(record.unrealised, Some(dec("-1000")));
    near(twr(&record), -0.5);
    let paid = ledger.sell(nth(50), A, "10", "20");
    near(value(&paid, 50), 1_200.0);
    near(paid.replay(&market, nth(60)).tickers[0].closed[0].rate.unwrap(), -0.8);
}

#[test]
fn two_currencies_meet_in_the_base_by_the_days_rate() {
    let mut builder = MarketBuilder::new(won());
    builder.instrument(A, dollar(), false);
    builder.instrument(B, won(), false);
    for (n, close, rate) in [(0, 10.0, 1_000.0), (1, 11.0, 1_200.0), (2, 11.0, 1_100.0)] {
        builder.close(A, nth(n), close);
        builder.close(B, nth(n), 500.0);
        builder.rate(dollar(), nth(n), rate);
        builder.benchmark(dollar(), nth(n), 0.02);
        builder.benchmark(won(), nth(n), 0.01);
    }
    let market = builder.build();
    let (ticker, tax, fee) = (A, Decimal::ZERO, Decimal::ZERO);
    let buy = Trade { ticker, quantity: dec("100"), price: dec("10"), fee, tax, currency: dollar() };
    let sale = Trade { quantity: dec("50"), price: dec("11"), ..buy };
    let ledger = Ledger::default()
        .push(nth(0), Kind::Deposit { amount: dec("1000"), currency: dollar() })
        .push(nth(0), Kind::Buy(buy))
        .deposit(nth(0), "1000000")
        .buy(nth(0), B, "2000", "500")
        .push(nth(1), Kind::Sell(sale));
    let record = ledger.replay(&market, nth(2));
    // 1,000,000 in each; then 1100 dollars at 1200 and at 1100.
    near(record.days[1].factor, (1_320_000.0 + 1_000_000.0) / 2_000_000.0);
    near(record.days[2].factor, 2_210_000.0 / 2_320_000.0);
    // Half in won (1 %), half in dollars (2 %, and the dollar rose by a fifth).
    near(record.days[1].market, 0.5 * 0.01 + 0.5 * (1.02 * 1.2 - 1.0));
    near(record.days[0].market, 0.0);
    assert_eq!(record.tickers[0].realised, dec("50"));
    assert_eq!(record.realised, dec("60000"));
    assert_eq!(record.unrealised, Some(dec("55000")));
    // The instrument's own record is in its own currency.
    near(ticker_twr(&record.tickers[0]), 0.1);
    near(record.tickers[0].days[1].market, 0.02);
}

#[test]
fn a_missing_rate_makes_the_record_incomplete_with_that_reason() {
    let mut builder = MarketBuilder::new(won());
    builder.instrument(A, dollar(), false);
    (0..=20).for_each(|n| builder.close(A, nth(n), 10.0));
    builder.rate(dollar(), nth(0), 1_000.0);
    let trade = Trade { currency: dollar(), ..trade(A, "1", "10", "0") };
    let ledger = Ledger::default().push(nth(0), Kind::Buy(trade));
    let record = replay(&ledger.entries, &builder.build(), won(), nth(20)).unwrap();
    assert_eq!(record.ends(), Some(nth(7)));
    assert_eq!(record.incomplete, [Incomplete::NoRate { currency: dollar(), since: nth(8) }]);
    assert_eq!(record.tickers[0].days.len(), 21, "its own record needs no rate");
}

#[test]
fn shares_moved_in_count_at_the_last_known_price_and_cost_what_they_cost() {
    let market = market(&[(A, &[(0, 100.0), (1, 120.0)])]);
    let moved = |unit_cost| Kind::SharesIn { ticker: A, quantity: dec("10"), unit_cost };
    let ledger = Ledger::default().push(nth(1), moved(Some(dec("40"))));
    let record = ledger.replay(&market, nth(1));
    near(record.flows[0].amount, 1_000.0);
    near(twr(&record), 0.2);
    let holding = record.tickers[0].holding.as_ref().unwrap();
    assert_eq!((holding.average_cost, holding.unrealised), (dec("40"), Some(dec("800"))));
    // No price known yet: what they cost.
    let first = Ledger::default().push(nth(0), moved(Some(dec("80")))).replay(&market, nth(0));
    near(first.flows[0].amount, 800.0);
    near(twr(&first), 0.25);
    // Neither: the first price there is.
    let bare = Ledger::default().push(nth(0), moved(None)).replay(&market, nth(1));
    near(bare.flows[0].amount, 1_000.0);
    near(twr(&bare), 0.2);
    // Out again: no gain is realised.
    let out = ledger.push(nth(1), Kind::SharesOut { ticker: A, quantity: dec("10") }).replay(&market, nth(1));
    assert_eq!(out.tickers[0].realised, Decimal::ZERO);
    near(out.flows.iter().map(|flow| flow.amount).sum(), 0.0);
    assert_eq!(out.tickers[0].closed[0].proceeds, dec("1000"));
}

#[test]
fn average_cost_moves_with_buys_and_stays_with_sales() {
    let market = market(&[(A, &[(0, 100.0), (1, 200.0), (2, 180.0)])]);
    let ledger = Ledger::default()
        .push(nth(0), Kind::Buy(trade(A, "10", "100", "10")))
        .push(nth(1), Kind::Buy(trade(A, "10", "200", "20")))
        .sell(nth(2), A, "5", "180");
    let record = ledger.replay(&market, nth(2));
    let ticker = &record.tickers[0];
    let holding = ticker.holding.as_ref().unwrap();
    assert_eq!((holding.average_cost, holding.quantity), (dec("151.5"), dec("15")));
    assert_eq!(ticker.realised, dec("142.5"));
    assert_eq!(holding.unrealised, Some(dec("427.5")));
    near(holding.weight, 0.75);
}

#[test]
fn fills_of_one_moment_weigh_their_costs_as_one_order() {
    let market = market(&[(A, &[(0, 100.0), (1, 100.0)])]);
    let whole = Ledger::default()
        .push(nth(0), Kind::Buy(trade(A, "10", "100", "10")))
        .push(nth(1), Kind::Sell(trade(A, "10", "100", "10")));
    let parts = Ledger::default()
        .push(nth(0), Kind::Buy(trade(A, "4", "100", "4")))
        .with(Kind::Buy(trade(A, "6", "100", "6")))
        .push(nth(1), Kind::Sell(trade(A, "5", "100", "5")))
        .with(Kind::Sell(trade(A, "5", "100", "5")));
    let (one, other) = (whole.replay(&market, nth(1)), parts.replay(&market, nth(1)));
    near(twr(&one), twr(&other));
    near(ticker_twr(&one.tickers[0]), ticker_twr(&other.tickers[0]));
}

#[test]
fn a_short_position_is_refused_and_named() {
    let ledger = Ledger::default().buy(nth(0), A, "10", "100").sell(nth(1), A, "10.5", "100");
    let oversold = Oversold { entry: 2, ticker: A, held: dec("10"), wanted: dec("10.5") };
    assert_eq!(check_holdings(&ledger.entries), Err(oversold.clone()));
    let market = market(&[]);
    let refused = replay(&ledger.entries, &market, won(), nth(1));
    assert_eq!(refused, Err(Unreplayable::Oversold(oversold)));
    let split = Ledger::default()
        .buy(nth(0), A, "10", "100")
        .push(nth(1), Kind::Split { ticker: A, new: 2, old: 1 })
        .push(nth(2), Kind::SharesOut { ticker: A, quantity: dec("20") });
    assert_eq!(check_holdings(&split.entries), Ok(()));
}

#[test]
fn what_cannot_be_is_refused_with_the_entry() {
    let market = market(&[(A, &[(0, 1.0)])]);
    let refusal =
        |kind| replay(&Ledger::default().push(nth(0), kind).entries, &market, won(), nth(0)).unwrap_err();
    let bad = [
        Kind::Buy(trade(A, "0", "1", "0")),
        Kind::Buy(trade(A, "-1", "1", "0")),
        Kind::Buy(trade(A, "1", "-1", "0")),
        Kind::Split { ticker: A, new: 0, old: 1 },
        Kind::Deposit { amount: dec("-1"), currency: won() },
        Kind::Fee(Charge { ticker: None, amount: dec("-1"), currency: won() }),
    ];
    for kind in bad {
        assert_eq!(refusal(kind), Unreplayable::Impossible { entry: 1 });
    }
    let foreign = Trade { currency: dollar(), ..trade(A, "1", "1", "0") };
    assert_eq!(refusal(Kind::Buy(foreign)), Unreplayable::Currency { entry: 1 });
    let large = Trade { quantity: Decimal::MAX, price: Decimal::MAX, ..trade(A, "1", "1", "0") };
    assert_eq!(refusal(Kind::Buy(large)), Unreplayable::TooLarge { entry: 1 });
}

#[test]
fn an_unknown_market_leaves_a_record_without_days() {
    let ledger = Ledger::default().buy(nth(0), TickerId::new(99), "1", "10");
    let record = ledger.replay(&market(&[]), nth(30));
    assert!(record.days.is_empty());
    assert_eq!(record.incomplete, [Incomplete::StalePrice { ticker: TickerId::new(99), since: nth(0) }]);
    assert!(Currency::parse("krw").is_none() && Currency::parse("KRWX").is_none());
}

#[test]
fn the_markets_day_comes_before_the_clock() {
    // The clock of the second entry is earlier, its market's day later.
    let closes = market(&[(A, &[(0, 100.0), (1, 100.0)])]);
    let buy = Entry { id: 2, at: at(nth(1), 30), day: nth(0), kind: Kind::Buy(trade(A, "1", "100", "0")) };
    let sell = Entry { id: 1, at: at(nth(1), 10), day: nth(1), kind: Kind::Sell(trade(A, "1", "100", "0")) };
    let record = replay(&[sell, buy], &closes, won(), nth(1)).unwrap();
    assert_eq!(record.tickers[0].closed.len(), 1);
}
