//! Laws that hold for every ledger. Each states its number of cases.

use chrono::{DateTime, Days, NaiveDate};
use madang_core::ids::TickerId;
use madang_creators::returns::{
    Charge, Currency, Entry, Kind, Market, MarketBuilder, Record, Trade, Window, check_holdings, replay,
    windows::{of_account, of_ticker},
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::support::{A, B, Ledger, dec, dollar, nth, ticker_twr, twr, won};

const DAYS: u64 = 80;

/// Two instruments, in won and in dollars, with closes on most weekdays; longer gaps where `holes` says so.
fn sample(seed: u64, holes: bool) -> Market {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut dice = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    let mut builder = MarketBuilder::new(won());
    builder.instrument(A, won(), false);
    builder.instrument(B, dollar(), false);
    let (mut a, mut b, mut rate) = (1_000.0, 20.0, 1_300.0);
    for n in 0..DAYS + 5 {
        (a, b, rate) = (a * (0.95 + 0.1 * dice()), b * (0.9 + 0.2 * dice()), rate * (0.99 + 0.02 * dice()));
        let hole = holes && (30..45).contains(&n);
        if n % 7 < 5 && !hole {
            builder.close(A, nth(n), a);
        }
        if n % 7 < 5 {
            builder.close(B, nth(n), b);
            builder.benchmark(won(), nth(n), 0.02 * dice() - 0.01);
        }
        builder.rate(dollar(), nth(n), rate);
    }
    builder.build()
}

#[derive(Debug, Clone, Copy)]
struct Step {
    wait: u64,
    act: u8,
    size: u32,
    price: u32,
    cost: u32,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0_u64..6, 0_u8..9, 1_u32..1_000, 1_u32..1_000, 0_u32..50)
        .prop_map(|(wait, act, size, price, cost)| Step { wait, act, size, price, cost });
    prop::collection::vec(step, 1..25)
}

/// A possible ledger of these steps with all amounts and quantities times `scale`.
fn ledger(steps: &[Step], scale: Decimal) -> Ledger {
    let (mut ledger, mut n) = (Ledger::default(), 0);
    let mut held = [Decimal::ZERO; 2];
    for step in steps {
        n += step.wait;
        let which = usize::from(step.act % 2);
        let (ticker, currency) = [(A, won()), (B, dollar())][which];
        let price = Decimal::from(step.price);
        let (quantity, cost) = (Decimal::from(step.size) * scale, Decimal::from(step.cost) * scale);
        let trade = |quantity| Trade { ticker, quantity, price, fee: cost, tax: Decimal::ZERO, currency };
        let part = held[which] * dec("0.5");
        let kind = match step.act {
            0 | 1 => {
                held[which] += quantity;
                Kind::Buy(trade(quantity))
            }
            2 | 3 if held[which] > Decimal::ZERO => {
                let out = if step.size % 3 == 0 { held[which] } else { part };
                held[which] -= out;
                Kind::Sell(trade(out))
            }
            4 => Kind::Dividend { ticker, amount: cost, tax: Decimal::ZERO, currency },
            5 => Kind::Withdrawal { amount: quantity * dec("10"), currency },
            6 if held[0] > Decimal::ZERO => {
                held[0] *= dec("2");
                Kind::Split { ticker: A, new: 2, old: 1 }
            }
            7 => {
                held[which] += quantity;
                Kind::SharesIn { ticker, quantity, unit_cost: Some(price) }
            }
            8 => Kind::Fee(Charge { ticker: Some(ticker), amount: cost, currency }),
            _ => Kind::Deposit { amount: quantity * dec("100"), currency },
        };
        ledger = ledger.push(nth(n.min(DAYS)), kind);
    }
    ledger
}

fn close(one: f64, other: f64, within: f64) -> bool {
    (one - other).abs() <= within * one.abs().max(other.abs()).max(1.0)
}

fn all(record: &Record) -> Vec<f64> {
    let mut rates = vec![twr(record)];
    rates.extend(record.tickers.iter().map(ticker_twr));
    for window in Window::EACH {
        let account = of_account(record, window);
        let tickers = record.tickers.iter().filter_map(|ticker| of_ticker(ticker, window, record.as_of));
        for figures in account.into_iter().chain(tickers) {
            rates.extend([figures.twr, figures.market, figures.drawdown, figures.invested]);
            rates.extend(figures.money_weighted.ok().filter(|rate| (-0.99..1e3).contains(rate)));
            rates.extend(figures.volatility);
        }
    }
    rates
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn scaling_all_amounts_and_quantities_changes_no_return(
        steps in steps(), seed in 0_u64..50, holes in any::<bool>(),
        scale in prop::sample::select(vec!["1000", "0.001", "7", "0.3"]),
    ) {
        let market = sample(seed, holes);
        let (one, other) = (ledger(&steps, dec("1")), ledger(&steps, dec(scale)));
        let (one, other) = (all(&one.replay(&market, nth(DAYS))), all(&other.replay(&market, nth(DAYS))));
        prop_assert_eq!(one.len(), other.len());
        for (one, other) in one.iter().zip(&other) {
            prop_assert!(close(*one, *other, 1e-7), "{} {}", one, other);
        }
    }

    #[test]
    fn splitting_a_flow_in_two_changes_no_time_weighted_return(
        steps in steps(), seed in 0_u64..50, at in any::<prop::sample::Index>(), part in 1_u32..10,
    ) {
        let market = sample(seed, false);
        let whole = ledger(&steps, dec("1"));
        let at = at.index(whole.entries.len());
        let part = Decimal::new(i64::from(part), 1);
        let mut parts = whole.clone();
        // Room between the numbers for a second half of the same moment.
        parts.entries.iter_mut().for_each(|entry| entry.id *= 10);
        let entry = parts.entries[at].clone();
        if let Some((one, other)) = halves(&entry.kind, part) {
            parts.entries[at].kind = one;
            parts.entries.push(Entry { id: entry.id + 1, kind: other, ..entry });
        }
        let (one, other) = (whole.replay(&market, nth(DAYS)), parts.replay(&market, nth(DAYS)));
        prop_assert!(close(twr(&one), twr(&other), 1e-9), "{} {}", twr(&one), twr(&other));
        for (one, other) in one.tickers.iter().zip(&other.tickers) {
            prop_assert!(close(ticker_twr(one), ticker_twr(other), 1e-9));
        }
    }

    #[test]
    fn an_untouched_account_equals_its_price_ratio(seed in any::<u64>(), quantity in 1_u32..10_000, until in 1..DAYS) {
        let market = sample(seed, false);
        let seen = Ledger::default().buy(nth(0), A, "1", "1").replay(&market, nth(until));
        let values: Vec<f64> = seen.days.iter().map(|point| point.value).collect();
        let (first, last) = (values[0], *values.last().unwrap());
        let price = Decimal::from_f64_retain(first).unwrap().round_dp(12).to_string();
        let record = Ledger::default().buy(nth(0), A, &quantity.to_string(), &price).replay(&market, nth(until));
        // Bought at the close, alone and without costs: the account is the share.
        prop_assert!(close(twr(&record), last / first - 1.0, 1e-10));
        prop_assert!(close(ticker_twr(&record.tickers[0]), last / first - 1.0, 1e-10));
    }

    #[test]
    fn a_split_changes_nothing(
        before in 1_u32..50, quantity in 1_u32..1_000, new in 1_u32..20, old in 1_u32..20, day in 1_u64..20,
    ) {
        let ratio = f64::from(new) / f64::from(old);
        let price = |n: u64| f64::from(before) * (1.0 + (n as f64 * 0.7).sin() / 5.0);
        let market = |split: bool| {
            let mut builder = MarketBuilder::new(won());
            builder.instrument(A, won(), false);
            (0..25).for_each(|n| {
                builder.close(A, nth(n), price(n) / if split && n >= day { ratio } else { 1.0 });
            });
            builder.build()
        };
        let buy = Ledger::default().buy(nth(0), A, &quantity.to_string(), &before.to_string());
        // Cash that moves on the day itself, before and after the split, sees the same value.
        let moved = buy.deposit(nth(day), "17");
        let split = moved.clone().push(nth(day), Kind::Split { ticker: A, new, old }).withdraw(nth(day), "5");
        let (one, other) =
            (moved.withdraw(nth(day), "5").replay(&market(false), nth(24)), split.replay(&market(true), nth(24)));
        for (one, other) in one.days.iter().zip(&other.days) {
            prop_assert!(close(one.value, other.value, 1e-9) && close(one.factor, other.factor, 1e-9));
        }
        prop_assert!(close(ticker_twr(&one.tickers[0]), ticker_twr(&other.tickers[0]), 1e-9));
    }

    #[test]
    fn days_taken_at_once_are_as_days_taken_one_by_one(steps in steps(), seed in 0_u64..50, holes in any::<bool>()) {
        let market = sample(seed, holes);
        let mut one = ledger(&steps, dec("1"));
        // Only won: then quiet days are taken at once. Nothing in dollars on the first day makes a second wallet,
        // and all are taken one by one.
        one.entries.retain(|entry| !format!("{:?}", entry.kind).contains("USD"));
        one.entries.retain(|entry| !format!("{:?}", entry.kind).contains("TickerId(2)"));
        prop_assume!(check_holdings(&one.entries).is_ok() && !one.entries.is_empty());
        let mut other = one.clone();
        let first = one.entries[0].clone();
        let nothing = Kind::Deposit { amount: Decimal::ZERO, currency: dollar() };
        other.entries.push(Entry { id: 0, kind: nothing, ..first });
        let (one, other) = (one.replay(&market, nth(DAYS)), other.replay(&market, nth(DAYS)));
        prop_assert_eq!(&one.tickers, &other.tickers);
        let quiet = |record: &Record| {
            let moved = record.days.iter().filter(|point| point.factor != 1.0);
            moved.map(|point| (point.day, point.value, point.factor, point.invested)).collect::<Vec<_>>()
        };
        prop_assert_eq!(quiet(&one), quiet(&other));
    }

    #[test]
    fn the_order_of_the_input_does_not_matter_and_replay_repeats_itself(
        steps in steps(), seed in 0_u64..50, turn in any::<prop::sample::Index>(),
    ) {
        let market = sample(seed, true);
        let ledger = ledger(&steps, dec("1"));
        let record = ledger.replay(&market, nth(DAYS));
        let mut turned = ledger.clone();
        turned.entries.reverse();
        let by = turn.index(turned.entries.len());
        turned.entries.rotate_left(by);
        prop_assert_eq!(&record, &turned.replay(&market, nth(DAYS)));
    }

    #[test]
    fn gains_of_sales_and_costs_left_add_up_to_the_decimal(steps in steps(), seed in 0_u64..50) {
        let record = ledger(&steps, dec("1")).replay(&sample(seed, false), nth(DAYS));
        for ticker in &record.tickers {
            let flow = |kind| move |flow: &&madang_creators::returns::Flow| flow.kind == kind;
            let sum = |kind| ticker.flows.iter().filter(flow(kind)).map(|flow| flow.amount).sum::<f64>();
            use madang_creators::returns::FlowKind::{Bought, Income, SharesIn, Sold};
            if sum(SharesIn) == 0.0 {
                let value = ticker.holding.as_ref().map_or(Decimal::ZERO, |holding| holding.value.unwrap());
                let unrealised = ticker.holding.as_ref().map_or(Decimal::ZERO, |h| h.unrealised.unwrap());
                let gains: f64 = (ticker.realised + ticker.income + unrealised).to_string().parse().unwrap();
                let moved = sum(Bought) + sum(Sold) + sum(Income);
                prop_assert!(close(gains, value.to_string().parse::<f64>().unwrap() - moved, 1e-9));
            }
        }
        prop_assert!(record.cash.iter().all(|cash| cash.1 >= Decimal::ZERO));
    }
}

/// A flow or fill in two parts; None for what is no flow.
fn halves(kind: &Kind, part: Decimal) -> Option<(Kind, Kind)> {
    let rest = Decimal::ONE - part;
    let cut =
        |trade: &Trade, part| Trade { quantity: trade.quantity * part, fee: trade.fee * part, ..*trade };
    match *kind {
        Kind::Deposit { amount, currency } => Some((
            Kind::Deposit { amount: amount * part, currency },
            Kind::Deposit { amount: amount * rest, currency },
        )),
        Kind::Withdrawal { amount, currency } => Some((
            Kind::Withdrawal { amount: amount * part, currency },
            Kind::Withdrawal { amount: amount * rest, currency },
        )),
        Kind::SharesIn { ticker, quantity, unit_cost } => Some((
            Kind::SharesIn { ticker, quantity: quantity * part, unit_cost },
            Kind::SharesIn { ticker, quantity: quantity * rest, unit_cost },
        )),
        Kind::Buy(trade) => Some((Kind::Buy(cut(&trade, part)), Kind::Buy(cut(&trade, rest)))),
        Kind::Sell(trade) => Some((Kind::Sell(cut(&trade, part)), Kind::Sell(cut(&trade, rest)))),
        _ => None,
    }
}

fn any_decimal() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        (0_i64..1_000_000, 0_u32..6).prop_map(|(digits, scale)| Decimal::new(digits, scale)),
        (any::<i64>(), 0_u32..28).prop_map(|(digits, scale)| Decimal::new(digits, scale)),
        Just(Decimal::MAX),
        Just(Decimal::MIN),
        Just(Decimal::ZERO),
        Just(Decimal::new(1, 28)),
    ]
}

fn any_currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(vec!["KRW", "USD", "EUR"]).prop_map(|code| Currency::parse(code).unwrap())
}

fn any_kind() -> impl Strategy<Value = Kind> {
    let money = || (any_decimal(), any_currency());
    let ticker = || (1_i32..4).prop_map(TickerId::new);
    let trade = move || {
        (ticker(), any_decimal(), any_decimal(), any_decimal(), any_decimal(), any_currency()).prop_map(
            |(ticker, quantity, price, fee, tax, currency)| Trade {
                ticker,
                quantity,
                price,
                fee,
                tax,
                currency,
            },
        )
    };
    prop_oneof![
        4 => trade().prop_map(Kind::Buy),
        2 => trade().prop_map(Kind::Sell),
        1 => (ticker(), any_decimal(), money())
            .prop_map(|(ticker, tax, (amount, currency))| Kind::Dividend { ticker, amount, tax, currency }),
        1 => (ticker(), any::<u32>(), any::<u32>()).prop_map(|(ticker, new, old)| Kind::Split { ticker, new, old }),
        2 => (ticker(), any_decimal(), prop::option::of(any_decimal()))
            .prop_map(|(ticker, quantity, unit_cost)| Kind::SharesIn { ticker, quantity, unit_cost }),
        1 => (ticker(), any_decimal()).prop_map(|(ticker, quantity)| Kind::SharesOut { ticker, quantity }),
        1 => (prop::option::of(ticker()), money())
            .prop_map(|(ticker, (amount, currency))| Kind::Fee(Charge { ticker, amount, currency })),
        1 => (prop::option::of(ticker()), money())
            .prop_map(|(ticker, (amount, currency))| Kind::Tax(Charge { ticker, amount, currency })),
        2 => money().prop_map(|(amount, currency)| Kind::Deposit { amount, currency }),
        1 => money().prop_map(|(amount, currency)| Kind::Withdrawal { amount, currency }),
    ]
}

fn any_day() -> impl Strategy<Value = NaiveDate> {
    prop_oneof![
        8 => (0..DAYS).prop_map(nth),
        1 => prop::sample::select(vec![NaiveDate::MIN, NaiveDate::MAX, nth(0) + Days::new(40_000)]),
    ]
}

fn any_entry() -> impl Strategy<Value = Entry> {
    (any::<i64>(), 0_i64..2_000_000_000, any_day(), any_kind()).prop_map(|(id, at, day, kind)| Entry {
        id,
        at: DateTime::from_timestamp(at, 0).unwrap(),
        day,
        kind,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn absurd_entries_never_panic(
        entries in prop::collection::vec(any_entry(), 0..6), tame in any::<bool>(), as_of in any_day(),
        seed in 0_u64..4,
    ) {
        let mut entries = entries;
        if tame {
            // What the first check refuses would hide the rest.
            entries.retain(|entry| entry.kind.is_possible());
        }
        let _ = check_holdings(&entries);
        if let Ok(record) = replay(&entries, &sample(seed, true), won(), as_of) {
            for window in Window::EACH {
                let _ = of_account(&record, window);
                for ticker in &record.tickers {
                    let _ = of_ticker(ticker, window, as_of);
                }
            }
            let known = record.days.iter().all(|point| point.value.is_finite() && point.factor >= 0.0);
            prop_assert!(known, "{:?}", record.days);
        }
    }
}
