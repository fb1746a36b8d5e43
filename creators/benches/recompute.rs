//! How many accounts a second are recomputed on one core: the replay of 20 trades in 5 instruments over 250 trading
//! days, and all seven windows of the whole account with their internal rates.
//!
//! `cargo bench -p madang-creators --bench recompute` prints accounts a second, of 100,000 different accounts. With
//! `-- --accounts N` fewer. With `-- --dump DIR` it writes the market, 2,000 ledgers and their results, for
//! `recompute.py`, which computes the same with numpy and pyxirr and compares.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a measurement may panic")]

use std::{fmt::Write as _, fs, hint::black_box, path::Path, time::Duration};

use chrono::{Datelike, NaiveDate, TimeDelta, Weekday};
use madang_core::ids::TickerId;
use madang_creators::returns::{
    Currency, Entry, Figures, Kind, Market, MarketBuilder, Trade, replay, windows::each_of_account,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;

/// The allocator the service runs with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DAYS: usize = 250;
const TICKERS: usize = 200;
const HELD: usize = 5;
const TRADES: usize = 20;
/// Accounts made before they are measured; few, as a job loads them just before it computes.
const CHUNK: u64 = 500;
const DUMPED: u64 = 2_000;

struct World {
    currency: Currency,
    days: Vec<NaiveDate>,
    /// By day, by instrument; whole won.
    closes: Vec<Vec<i64>>,
    benchmark: Vec<f64>,
    market: Market,
}

fn world() -> World {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let currency = Currency::parse("KRW").unwrap();
    let first = NaiveDate::from_ymd_opt(2024, 1, 2).unwrap();
    let weekday = |day: &NaiveDate| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let days: Vec<NaiveDate> = first.iter_days().filter(weekday).take(DAYS).collect();
    let mut prices: Vec<f64> = (0..TICKERS).map(|_| rng.random_range(5_000.0..200_000.0)).collect();
    let (mut closes, mut benchmark): (Vec<Vec<i64>>, Vec<f64>) = (Vec::new(), Vec::new());
    for _ in &days {
        let common: f64 = rng.random_range(-0.015..0.0155);
        for price in &mut prices {
            *price *= 1.0 + common + rng.random_range(-0.03..0.03);
        }
        closes.push(prices.iter().map(|price| price.round() as i64).collect());
        benchmark.push(common);
    }
    let mut builder = MarketBuilder::new(currency);
    for ticker in 0..TICKERS {
        builder.instrument(id(ticker), currency, false);
    }
    for ((day, row), change) in days.iter().zip(&closes).zip(&benchmark) {
        builder.benchmark(currency, *day, *change);
        for (ticker, close) in row.iter().enumerate() {
            builder.close(id(ticker), *day, *close as f64);
        }
    }
    World { currency, days, closes, benchmark, market: builder.build() }
}

fn id(ticker: usize) -> TickerId {
    TickerId::new(i32::try_from(ticker).unwrap() + 1)
}

/// Money comes on the first day and twice later, before the day's trades; trades stay within it.
fn account(world: &World, number: u64) -> Vec<Entry> {
    let mut rng = ChaCha8Rng::seed_from_u64(number);
    let held: Vec<usize> = (0..HELD).map(|_| rng.random_range(0..TICKERS)).collect();
    let mut moves: Vec<(usize, u32)> =
        vec![(0, 0), (rng.random_range(60..120), 0), (rng.random_range(121..240), 0)];
    moves.extend((0..TRADES).map(|_| (rng.random_range(0..DAYS), 1)));
    moves.sort_unstable();
    let (mut cash, mut shares) = (0_i64, vec![0_i64; TICKERS]);
    let mut entries = Vec::with_capacity(moves.len());
    for (n, (day, kind)) in moves.into_iter().enumerate() {
        let kind = if kind == 0 {
            let amount = rng.random_range(1_000_000..20_000_000);
            cash += amount;
            Kind::Deposit { amount: amount.into(), currency: world.currency }
        } else {
            let ticker = held[rng.random_range(0..HELD)];
            trade(world, &mut rng, day, ticker, &mut cash, &mut shares[ticker])
        };
        let time = TimeDelta::seconds(i64::try_from(n).unwrap());
        let at = world.days[day].and_hms_opt(1, 0, 0).unwrap().and_utc() + time;
        entries.push(Entry { id: i64::try_from(n).unwrap(), at, day: world.days[day], kind });
    }
    entries
}

fn trade(
    world: &World,
    rng: &mut ChaCha8Rng,
    day: usize,
    ticker: usize,
    cash: &mut i64,
    held: &mut i64,
) -> Kind {
    let price = world.closes[day][ticker] + rng.random_range(-20..20);
    let costs = |quantity: i64| (quantity * price * 15 / 100_000 + 1, quantity * price * 18 / 10_000);
    let most = *cash / 6 / price;
    let currency = world.currency;
    let of = |quantity: i64, tax: i64| {
        let [quantity, price, fee, tax] = [quantity, price, costs(quantity).0, tax].map(Decimal::from);
        Trade { ticker: id(ticker), quantity, price, fee, tax, currency }
    };
    if *held > 0 && (most < 1 || rng.random_bool(0.4)) {
        let quantity = rng.random_range(1..=*held);
        *held -= quantity;
        *cash += quantity * price - costs(quantity).0 - costs(quantity).1;
        Kind::Sell(of(quantity, costs(quantity).1))
    } else if most < 1 {
        // Nothing to sell and no money for a share: a coupon keeps the number of entries equal.
        Kind::Dividend { ticker: id(ticker), amount: Decimal::ZERO, tax: Decimal::ZERO, currency }
    } else {
        let quantity = rng.random_range(1..=most);
        *held += quantity;
        *cash -= quantity * price + costs(quantity).0;
        Kind::Buy(of(quantity, 0))
    }
}

fn recompute(world: &World, entries: &[Entry], as_of: NaiveDate) -> [Option<Figures>; 7] {
    each_of_account(&replay(entries, &world.market, world.currency, as_of).unwrap())
}

/// What this thread has used of a core, so that others on the machine do not count (Linux).
fn processor_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn measure(world: &World, accounts: u64, as_of: NaiveDate) {
    let (mut taken, mut trades) = (Duration::ZERO, 0);
    for from in (0..accounts).step_by(usize::try_from(CHUNK).unwrap()) {
        let chunk: Vec<Vec<Entry>> =
            (from..accounts.min(from + CHUNK)).map(|number| account(world, number)).collect();
        trades += chunk.iter().map(Vec::len).sum::<usize>();
        let begun = processor_time();
        for entries in &chunk {
            black_box(recompute(world, black_box(entries), as_of));
        }
        taken += processor_time() - begun;
    }
    let rate = accounts as f64 / taken.as_secs_f64();
    println!("{accounts} accounts, {trades} entries, {:.2} s of one core", taken.as_secs_f64());
    println!("{rate:.0} accounts/s");
}

fn dump(world: &World, dir: &Path, as_of: NaiveDate) {
    fs::create_dir_all(dir).unwrap();
    let mut market = String::new();
    for ((day, row), change) in world.days.iter().zip(&world.closes).zip(&world.benchmark) {
        let closes: Vec<String> = row.iter().map(ToString::to_string).collect();
        writeln!(market, "{day},{change:?},{}", closes.join(",")).unwrap();
    }
    fs::write(dir.join("market.csv"), market).unwrap();
    let (mut ledger, mut results, mut tickers) = (String::new(), String::new(), String::new());
    for number in 0..DUMPED {
        let entries = account(world, number);
        for entry in &entries {
            let day = world.days.iter().position(|day| *day == entry.day).unwrap();
            let (ticker, quantity, price, costs) = match entry.kind {
                Kind::Buy(trade) => {
                    (trade.ticker.get() - 1, trade.quantity, trade.price, trade.fee + trade.tax)
                }
                Kind::Sell(trade) => {
                    (trade.ticker.get() - 1, -trade.quantity, trade.price, trade.fee + trade.tax)
                }
                Kind::Deposit { amount, .. } => (-1, amount, Decimal::ONE, Decimal::ZERO),
                _ => continue,
            };
            writeln!(ledger, "{number},{day},{ticker},{quantity},{price},{costs}").unwrap();
        }
        let record = replay(&entries, &world.market, world.currency, as_of).unwrap();
        for ticker in record.tickers.iter().filter(|ticker| !ticker.days.is_empty()) {
            let product: f64 = ticker.days.iter().map(|point| point.factor).product();
            writeln!(tickers, "{number},{},{},{product:?}", ticker.ticker.get() - 1, ticker.realised)
                .unwrap();
        }
        for figures in recompute(world, &entries, as_of).into_iter().flatten() {
            let rate = figures.money_weighted.unwrap_or(f64::NAN);
            let volatility = figures.volatility.unwrap_or(f64::NAN);
            let (window, twr, drawdown) = (figures.window.as_str(), figures.twr, figures.drawdown);
            writeln!(results, "{number},{window},{twr:?},{rate:?},{volatility:?},{drawdown:?}").unwrap();
        }
    }
    fs::write(dir.join("ledger.csv"), ledger).unwrap();
    fs::write(dir.join("tickers.csv"), tickers).unwrap();
    fs::write(dir.join("results.csv"), results).unwrap();
    println!("{DUMPED} accounts in {}", dir.display());
}

fn main() {
    let world = world();
    let as_of = *world.days.last().unwrap();
    let given: Vec<String> = std::env::args().collect();
    let option = |name: &str| given.iter().skip_while(|given| *given != name).nth(1);
    match option("--dump") {
        Some(dir) => dump(&world, Path::new(dir), as_of),
        None => measure(&world, option("--accounts").map_or(100_000, |count| count.parse().unwrap()), as_of),
    }
}
