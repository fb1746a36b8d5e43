//! The shapes of the written accounts, told from their trades.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::shape::Shape;
use super::tests::{DEMO, Exact, ONE, Trade};
use crate::generate::tests::{string, tickers};
use crate::generate::{Args, Community};

/// Trades by account.
fn accounts() -> BTreeMap<&'static str, Vec<&'static Trade>> {
    let mut accounts: BTreeMap<&str, Vec<&Trade>> = BTreeMap::new();
    DEMO.valid.iter().for_each(|row| accounts.entry(&row.user).or_default().push(row));
    accounts
}

/// Days of `symbol` with their adjusted closes.
fn closes(symbol: &str) -> Vec<(chrono::NaiveDate, Exact)> {
    let days = DEMO.prices.iter().filter(|((of, _), _)| of == symbol);
    days.map(|((_, day), (_, _, close))| (*day, *close)).collect()
}

#[test]
fn there_are_as_many_accounts_of_each_shape_as_planned() {
    for (shape, count) in Shape::COUNTS {
        assert_eq!(DEMO.of_shape(shape.name()).len(), count, "{shape:?}");
    }
    assert_eq!(DEMO.shapes.len(), 300);
    assert_eq!(accounts().len(), 300);
}

#[test]
fn people_make_ten_to_sixty_trades_but_for_the_new() {
    let mut last = closes("005930");
    let recent = last.split_off(last.len() - 20).first().map(|(day, _)| *day).expect("a day");
    for (user, rows) in accounts() {
        let trades = rows.iter().filter(|row| row.is_trade()).count();
        let shape = DEMO.shapes.get(user).expect("a shape");
        let is_new = shape == Shape::New.name();
        let range = if is_new { 4..=30 } else { 10..=60 };
        assert!(range.contains(&trades), "{trades} trades of {user}, {shape}");
        let first = rows.first().map(|row| row.day()).expect("a row");
        assert!(!is_new || first > recent, "{user} began on {first}");
    }
}

#[test]
fn the_skilled_buy_before_rises_more_often_than_others() {
    let closes: BTreeMap<&str, Vec<_>> = DEMO
        .prices
        .keys()
        .map(|(symbol, _)| symbol.as_str())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|symbol| (symbol, closes(symbol)))
        .collect();
    let share = |shape: &str| {
        let users = DEMO.of_shape(shape);
        let buys = DEMO.valid.iter().filter(|row| row.kind == "buy" && users.contains(row.user.as_str()));
        let rises = buys.filter_map(|row| {
            let days = closes.get(row.symbol.as_str())?;
            let at = days.iter().position(|(day, _)| *day == row.day())?;
            Some(days.get(at + 10)?.1 > days.get(at)?.1)
        });
        let (up, all) = rises.fold((0, 0), |(up, all), rise| (up + usize::from(rise), all + 1));
        up * 100 / all.max(1)
    };
    let (skilled, holders, chasers) = (share("skilled"), share("holder"), share("chaser"));
    println!(
        "ten days later the price is higher: skilled {skilled} %, holders {holders} %, chasers {chasers} %"
    );
    assert!(skilled >= holders + 8 && chasers + 8 <= holders);
}

/// Sales with the gain of each, at average cost and before costs.
fn closed(rows: &[&Trade]) -> Vec<(String, f64)> {
    let mut books: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    let mut closed = Vec::new();
    for row in rows.iter().filter(|row| !row.symbol.is_empty()) {
        let (held, paid) = books.entry(&row.symbol).or_default();
        let (quantity, price) = (row.quantity as f64, row.price as f64);
        match row.kind.as_str() {
            "buy" | "shares_in" => (*held, *paid) = (*held + quantity, *paid + quantity * price),
            "sell" => {
                closed.push((row.symbol.clone(), price * *held / *paid - 1.0));
                (*held, *paid) = (*held - quantity, *paid * (1.0 - quantity / *held));
            }
            "split" => *held *= row.ratio as f64,
            _ => {}
        }
    }
    closed
}

#[test]
fn cherry_pickers_lose_twenty_times_and_win_once() {
    let accounts = accounts();
    for user in DEMO.of_shape("cherry_picker") {
        let closed = closed(accounts.get(user).expect("an account"));
        let (won, lost): (Vec<_>, Vec<_>) = closed.iter().partition(|(_, gain)| *gain > 0.0);
        println!("cherry-picker {user}: {} lost, won {won:?}", lost.len());
        assert_eq!(won.len(), 1);
        assert!(lost.len() == 20 && won.iter().all(|(_, gain)| *gain > 0.4), "{closed:?}");
    }
}

/// Sales of `user` within `hours` after praise of the share by them.
fn breaches(user: &str, hours: i64) -> Vec<&'static Trade> {
    let praise: Vec<(DateTime<Utc>, Vec<&str>)> = DEMO
        .posts
        .iter()
        .filter(|post| string(post, "author") == user && string(post, "stance") == "bull")
        .map(|post| (string(post, "created_at").parse().expect("a time"), tickers(post)))
        .collect();
    let against = |row: &&Trade| {
        let near = |at: &DateTime<Utc>| (*at..*at + TimeDelta::hours(hours)).contains(&row.at);
        row.kind == "sell"
            && praise.iter().any(|(at, named)| near(at) && named.contains(&row.symbol.as_str()))
    };
    DEMO.valid.iter().filter(|row| row.user == user).filter(against).collect()
}

#[test]
fn only_word_breakers_sell_what_they_just_praised() {
    let accounts = accounts();
    for (user, shape) in &DEMO.shapes {
        if shape != "word_breaker" {
            assert!(breaches(user, 24).is_empty(), "{user}, {shape}");
            continue;
        }
        let sold = breaches(user, 4);
        println!("word-breaker {user}: {} sales within four hours of praise", sold.len());
        assert!(sold.len() >= 4, "{sold:?}");
        let rows = accounts.get(user.as_str()).expect("an account");
        for sale in sold {
            let bought = |row: &&&Trade| row.kind == "buy" && row.symbol == sale.symbol && row.at < sale.at;
            let last = rows.iter().rfind(bought).expect("bought before");
            assert!(sale.at - last.at < TimeDelta::days(6), "{sale:?} {last:?}");
        }
    }
}

#[test]
fn the_refilled_once_had_nothing_left() {
    for user in DEMO.of_shape("refilled") {
        let (mut held, mut worth, mut empty_at): (BTreeMap<&str, Exact>, Exact, _) =
            (BTreeMap::new(), 0, None);
        for row in DEMO.valid.iter().filter(|row| row.user == user) {
            let held_now = held.entry(&row.symbol).or_default();
            *held_now = row.holding(*held_now);
            worth += row.cash();
            if row.kind == "withdrawal" && worth == 0 && held.values().all(|held| *held == 0) {
                empty_at = Some(row.at);
            }
        }
        let empty_at = empty_at.unwrap_or_else(|| panic!("{user} was never empty"));
        let mut later = DEMO.valid.iter().filter(|row| row.user == user && row.at > empty_at);
        let again = later.next().expect("began again");
        assert!(again.kind == "deposit" && again.at - empty_at > TimeDelta::days(20), "{again:?}");
        assert!(later.count() >= 8);
    }
}

#[test]
fn both_markets_are_held_by_those_who_should() {
    let last = DEMO.of_shape("both_markets");
    for user in last {
        let mut held: BTreeMap<(&str, &str), Exact> = BTreeMap::new();
        for row in DEMO.valid.iter().filter(|row| row.user == user && !row.symbol.is_empty()) {
            let held = held.entry((&row.currency, &row.symbol)).or_default();
            *held = row.holding(*held);
        }
        let currencies: BTreeSet<&str> =
            held.iter().filter(|(_, held)| **held > 0).map(|((currency, _), _)| *currency).collect();
        assert_eq!(currencies.len(), 2, "{user}: {held:?}");
    }
}

#[test]
fn seven_in_ten_disclose_and_the_flagged_all_do() {
    let get = |row: &BTreeMap<String, String>, column: &str| row.get(column).cloned().unwrap_or_default();
    let users: BTreeSet<String> = DEMO.disclosures.iter().map(|row| get(row, "user")).collect();
    let pairs: BTreeSet<(String, String)> =
        DEMO.disclosures.iter().map(|row| (get(row, "user"), get(row, "symbol"))).collect();
    assert_eq!((users.len(), pairs.len()), (210, DEMO.disclosures.len()));
    let accounts = accounts();
    let count = |wanted: &dyn Fn(&BTreeMap<String, String>) -> bool| {
        let rows = DEMO.disclosures.iter().filter(|row| wanted(row));
        rows.map(|row| get(row, "user")).collect::<BTreeSet<_>>().len()
    };
    let holdings = count(&|row| get(row, "holdings") == "true");
    let trades = count(&|row| !get(row, "trade_delay").is_empty());
    let single = count(&|row| !get(row, "symbol").is_empty());
    let amounts = count(&|row| get(row, "amounts") == "true");
    println!("210 disclose: {holdings} holdings, {trades} trades, {single} single shares, {amounts} amounts");
    assert_eq!((holdings, amounts), (105, 2));
    assert!((45..=60).contains(&trades) && (15..=30).contains(&single));
    for delay in ["0", "1", "20"] {
        assert!(count(&|row| get(row, "trade_delay") == delay) >= 10);
    }
    for shape in ["cherry_picker", "word_breaker"] {
        assert!(DEMO.of_shape(shape).iter().all(|user| users.contains(*user)), "{shape}");
    }
    for shape in ["skilled", "lucky"] {
        let disclosing = DEMO.of_shape(shape).iter().filter(|user| users.contains(**user)).count();
        assert!(disclosing * 100 >= DEMO.of_shape(shape).len() * 75, "{disclosing} of the {shape}");
    }
    for row in &DEMO.disclosures {
        let (user, symbol) = (get(row, "user"), get(row, "symbol"));
        let rows = accounts.get(user.as_str()).expect("an account");
        assert!(symbol.is_empty() || rows.iter().any(|row| row.symbol == symbol), "{row:?}");
        let granted: DateTime<Utc> = get(row, "granted_at").parse().expect("a time");
        assert!(
            rows.first().is_some_and(|first| first.at < granted)
                && get(row, "granted_at").as_str() < "2026-03-02"
        );
    }
}

/// What an account earned on what was brought in: simple, and good enough to tell shapes apart.
fn simple_return(rows: &[&Trade]) -> f64 {
    let rate = |dollars: bool| if dollars { 1_380.0 } else { 1.0 };
    let (mut brought, mut gained) = (0.0, 0.0);
    let mut held: BTreeMap<(&str, bool), Exact> = BTreeMap::new();
    for row in rows {
        let rate = rate(row.currency == "USD");
        let money = |value: Exact| value as f64 / ONE as f64 * rate;
        gained += row.cash() as f64 / ONE as f64 / ONE as f64 * rate;
        let market = DEMO.raw(&row.symbol, row.day()).map_or(0.0, |(_, _, close)| money(close));
        let moved = row.quantity as f64 / ONE as f64 * market;
        match row.kind.as_str() {
            "deposit" => (brought, gained) = (brought + money(row.amount), gained - money(row.amount)),
            "withdrawal" => gained += money(row.amount),
            "shares_in" => (brought, gained) = (brought + moved, gained - moved),
            "shares_out" => gained += moved,
            _ => {}
        }
        if !row.symbol.is_empty() {
            let held = held.entry((&row.symbol, row.currency == "USD")).or_default();
            *held = row.holding(*held);
        }
    }
    let last = |symbol: &str| closes(symbol).last().map_or(0, |(_, close)| *close);
    gained += held
        .iter()
        .map(|((symbol, dollars), held)| (held * last(symbol)) as f64 / 1e16 * rate(*dollars))
        .sum::<f64>();
    gained / brought
}

#[test]
fn returns_of_the_shapes_differ_as_they_should() {
    let mut by_shape: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (user, rows) in accounts() {
        let shape = DEMO.shapes.get(user).expect("a shape");
        if shape != "unfunded" {
            by_shape.entry(shape).or_default().push(simple_return(&rows) * 100.0);
        }
    }
    let mut medians = BTreeMap::new();
    println!("gain on the money brought, per cent: least, quarter, median, three quarters, most");
    for (shape, returns) in &mut by_shape {
        returns.sort_by(f64::total_cmp);
        let at = |quarter: usize| returns.get((returns.len() - 1) * quarter / 4).copied().unwrap_or(0.0);
        println!("{shape:>14} {:>7.1} {:>7.1} {:>7.1} {:>7.1} {:>7.1}", at(0), at(1), at(2), at(3), at(4));
        medians.insert(*shape, at(2));
    }
    let median = |shape: &str| medians.get(shape).copied().unwrap_or(f64::NAN);
    assert!(median("lucky") > 50.0 && median("unlucky") < -25.0);
    assert!(median("lucky") > median("skilled") && median("skilled") > median("holder") + 10.0);
    assert!(median("chaser") < -8.0 && median("chaser") < median("ordinary"));
    assert!(median("cherry_picker") < 0.0);
}

#[test]
fn who_is_of_which_shape_does_not_depend_on_the_day() {
    let community = |until| {
        let args = Args {
            out: "".into(),
            people: 2_000,
            posts: 20_000,
            seed: 42,
            until: None,
            days: 30,
            ledgers: 300,
        };
        let community = Community::new(&args, until);
        let shapes = community.ledgers.accounts.iter().map(|account| (account.author, account.shape));
        shapes.collect::<BTreeMap<u32, Shape>>()
    };
    let days = [1_772_409_600, 1_772_409_600 + 86_400 * 3 + 3_600 * 7, 1_790_000_000];
    let [first, second, third] = days.map(community);
    assert!(first == second && second == third);
}

#[test]
fn small_short_and_long_communities_have_sound_ledgers_too() {
    for (seed, people, posts, days) in
        [(1, 2, 1, 1), (2, 40, 400, 7), (3, 400, 3_000, 30), (4, 400, 3_000, 300)]
    {
        let args = Args { out: "".into(), people, posts, seed, until: None, days, ledgers: 300 };
        let community = Community::new(&args, 1_772_409_600);
        let ledgers = &community.ledgers;
        assert_eq!(ledgers.accounts.len(), people.min(300) as usize);
        for account in &ledgers.accounts {
            let mut held: BTreeMap<usize, i64> = BTreeMap::new();
            for entry in &account.entries {
                let Some(listing) = entry.listing else { continue };
                let held = held.entry(listing).or_default();
                *held = match entry.kind {
                    super::book::Kind::Buy | super::book::Kind::SharesIn => *held + entry.quantity,
                    super::book::Kind::Sell | super::book::Kind::SharesOut => *held - entry.quantity,
                    super::book::Kind::Split => *held * super::floor::RATIO,
                    _ => *held,
                };
                assert!(*held >= 0, "{entry:?}");
                assert!(entry.at < 1_772_409_600, "{entry:?}");
            }
        }
        let numbers: BTreeSet<u64> = ledgers.rows.iter().map(|row| row.number).collect();
        assert_eq!(numbers.len(), ledgers.rows.len());
    }
}
