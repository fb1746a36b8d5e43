#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use madang_core::{
    ids::{PostId, TickerId, UserId},
    posts::Stance,
};
use proptest::prelude::*;

use super::*;

const SAMSUNG: TickerId = TickerId::new(1);
const APPLE: TickerId = TickerId::new(2);

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn post(id: i64, author: i64, at: &str, stance: Stance, ticker: TickerId) -> StancePost {
    StancePost {
        id: PostId::new(id),
        author: UserId::new(author),
        at: utc(at),
        stance,
        tickers: vec![ticker],
        deleted: false,
    }
}

/// Weekdays from then on.
fn weekdays(first: &str, count: usize) -> Vec<NaiveDate> {
    let weekend = |day: &NaiveDate| matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    date(first).iter_days().filter(|day| !weekend(day)).take(count).collect()
}

/// Prices that stay at `usual` but on some places.
fn prices(days: &[NaiveDate], usual: f64, others: &[(usize, f64)]) -> BTreeMap<NaiveDate, f64> {
    let mut prices: BTreeMap<NaiveDate, f64> = days.iter().map(|day| (*day, usual)).collect();
    for (place, price) in others {
        prices.insert(days[*place], *price);
    }
    prices
}

/// From Monday the second of March 2026, the day after a Korean holiday left aside: entry at 100, then 110,
/// 90 after five days and 120 after twenty; the market 200, 210, 200 and 220.
fn korea() -> BTreeMap<TickerId, Quotes> {
    let days = weekdays("2026-03-02", 22);
    let closes = prices(&days, 100.0, &[(1, 110.0), (5, 90.0), (20, 120.0)]);
    let market = prices(&days, 200.0, &[(1, 210.0), (20, 220.0)]);
    BTreeMap::from([(SAMSUNG, Quotes::new(Tz::Asia__Seoul, &closes, &market))])
}

fn entry_day(at: &str, zone: Tz) -> Option<NaiveDate> {
    let days = weekdays("2026-03-02", 30);
    let level = prices(&days, 100.0, &[]);
    let quotes = BTreeMap::from([(SAMSUNG, Quotes::new(zone, &level, &level))]);
    ledger(&[post(1, 1, at, Stance::Bull, SAMSUNG)], &quotes)[0].entry.map(|entry| entry.day)
}

#[test]
fn a_call_is_scored_as_by_hand() {
    let calls = ledger(&[post(1, 1, "2026-03-02T01:00:00Z", Stance::Bull, SAMSUNG)], &korea());
    let call = &calls[0];
    let entry = call.entry.unwrap();
    assert_eq!((entry.day, entry.price), (date("2026-03-02"), 100.0));
    assert_eq!(entry.at, utc("2026-03-02T06:30:00Z"));
    // 110/100 − 210/200 = 0.05; 90/100 − 200/200 = −0.1; 120/100 − 220/200 = 0.1.
    let by_hand = [(true, 0.05, "2026-03-03"), (false, -0.1, "2026-03-09"), (true, 0.1, "2026-03-30")];
    for (outcome, (is_right, expected, day)) in call.outcomes.iter().zip(by_hand) {
        let Outcome::Known { right, excess, at } = *outcome else { panic!("{outcome:?}") };
        assert_eq!((right, at.date_naive()), (is_right, date(day)));
        assert!((excess - expected).abs() < 1e-12, "{excess}");
    }
    let score = scores(&calls)[&(UserId::new(1), Horizon::Day5)];
    assert_eq!((score.right, score.total, score.independent), (0, 1, 1));
    assert!((score.mean_excess.unwrap() + 0.1).abs() < 1e-12);
}

#[test]
fn a_bear_is_right_where_the_ticker_falls_behind_and_gains_what_it_lost() {
    let calls = ledger(&[post(1, 1, "2026-03-02T01:00:00Z", Stance::Bear, SAMSUNG)], &korea());
    let score = scores(&calls)[&(UserId::new(1), Horizon::Day5)];
    assert_eq!((score.right, score.total), (1, 1));
    assert!((score.mean_excess.unwrap() - 0.1).abs() < 1e-12);
}

#[test]
fn keeping_pace_with_the_market_is_not_right_for_anybody() {
    let days = weekdays("2026-03-02", 3);
    let level = prices(&days, 100.0, &[]);
    let quotes = BTreeMap::from([(SAMSUNG, Quotes::new(Tz::Asia__Seoul, &level, &level))]);
    for stance in [Stance::Bull, Stance::Bear] {
        let calls = ledger(&[post(1, 1, "2026-03-02T01:00:00Z", stance, SAMSUNG)], &quotes);
        assert!(matches!(calls[0].outcomes[0], Outcome::Known { right: false, excess: 0.0, .. }));
    }
}

#[test]
fn the_entry_is_the_first_close_a_reader_can_still_trade_at() {
    let seoul = |at| entry_day(at, Tz::Asia__Seoul);
    assert_eq!(seoul("2026-03-03T06:20:00Z"), Some(date("2026-03-03")), "15:20");
    assert_eq!(seoul("2026-03-03T06:20:01Z"), Some(date("2026-03-04")), "the closing auction has begun");
    assert_eq!(seoul("2026-03-06T07:00:00Z"), Some(date("2026-03-09")), "Friday evening");
    assert_eq!(seoul("2026-03-08T00:00:00Z"), Some(date("2026-03-09")), "Sunday");
    let new_york = |at| entry_day(at, Tz::America__New_York);
    assert_eq!(new_york("2026-03-06T20:50:00Z"), Some(date("2026-03-06")), "15:50 in winter");
    assert_eq!(new_york("2026-03-06T20:51:00Z"), Some(date("2026-03-09")));
    assert_eq!(new_york("2026-03-09T19:50:00Z"), Some(date("2026-03-09")), "15:50 in summer time");
    assert_eq!(new_york("2026-03-09T20:49:00Z"), Some(date("2026-03-10")));
}

#[test]
fn closing_times_follow_the_exchange_and_its_half_days() {
    let at = |zone, day| closing_time(zone, date(day)).format("%H:%M").to_string();
    assert_eq!(at(Tz::Asia__Seoul, "2026-03-03"), "15:30");
    assert_eq!(at(Tz::America__New_York, "2026-03-03"), "16:00");
    assert_eq!(at(Tz::America__New_York, "2026-11-27"), "13:00");
    assert_eq!(at(Tz::America__New_York, "2025-07-03"), "13:00");
    assert_eq!(at(Tz::America__New_York, "2026-12-24"), "13:00");
    assert_eq!(at(Tz::Europe__London, "2026-03-03"), "16:00");
    assert_eq!(at(Tz::Asia__Tokyo, "2026-03-03"), "15:00");
}

#[test]
fn repeating_oneself_within_a_trading_day_is_one_call_and_turning_round_is_two() {
    let posts = [
        post(3, 1, "2026-03-02T03:00:00Z", Stance::Bull, SAMSUNG),
        post(1, 1, "2026-03-01T01:00:00Z", Stance::Bull, SAMSUNG),
        post(4, 1, "2026-03-02T05:00:00Z", Stance::Bear, SAMSUNG),
        post(5, 2, "2026-03-02T05:00:00Z", Stance::Bull, SAMSUNG),
        post(6, 1, "2026-03-03T05:00:00Z", Stance::Bull, SAMSUNG),
    ];
    let ids: Vec<i64> = ledger(&posts, &korea()).iter().map(|call| call.post.get()).collect();
    assert_eq!(ids, [1, 4, 5, 6]);
}

#[test]
fn three_tickers_are_no_call_and_two_are_two() {
    let mut quotes = korea();
    quotes.insert(APPLE, quotes[&SAMSUNG].clone());
    let mut many = post(1, 1, "2026-03-02T01:00:00Z", Stance::Bull, SAMSUNG);
    many.tickers = vec![SAMSUNG, APPLE, SAMSUNG];
    assert_eq!(ledger(std::slice::from_ref(&many), &quotes).len(), 2);
    many.tickers.push(TickerId::new(3));
    assert!(ledger(&[many], &quotes).is_empty());
    let silent = post(1, 1, "2026-03-02T01:00:00Z", Stance::None, SAMSUNG);
    assert!(ledger(&[silent], &quotes).is_empty());
}

#[test]
fn what_is_not_over_is_pending_and_what_has_no_price_says_so() {
    let days = weekdays("2026-03-02", 8);
    let market = prices(&days, 100.0, &[]);
    let mut closes = prices(&days, 100.0, &[(1, f64::NAN)]);
    closes.remove(&days[0]);
    let quotes = |closes: &BTreeMap<NaiveDate, f64>| {
        BTreeMap::from([(SAMSUNG, Quotes::new(Tz::Asia__Seoul, closes, &market))])
    };
    let bull = [post(1, 1, "2026-03-02T01:00:00Z", Stance::Bull, SAMSUNG)];
    let halted = ledger(&bull, &quotes(&closes));
    assert_eq!(halted[0].entry.unwrap().day, days[2], "the next price at which it trades");
    let outcomes = halted[0].outcomes;
    assert!(matches!(outcomes[0], Outcome::Known { .. }));
    assert!(matches!(outcomes[1], Outcome::Known { .. }));
    assert_eq!(outcomes[2], Outcome::Pending);
    let late = [post(1, 1, "2026-03-11T01:00:00Z", Stance::Bull, SAMSUNG)];
    closes.remove(&days[7]);
    assert_eq!(ledger(&late, &quotes(&closes))[0].outcomes, [Outcome::Pending; 3]);
    let gone: BTreeMap<NaiveDate, f64> = closes.range(..days[3]).map(|(day, price)| (*day, *price)).collect();
    assert_eq!(ledger(&bull, &quotes(&gone))[0].outcomes[0], Outcome::NoPrice, "delisted before the day");
    assert_eq!(ledger(&bull, &quotes(&BTreeMap::new()))[0].outcomes, [Outcome::NoPrice; 3]);
}

#[test]
fn wilsons_interval_is_the_published_one() {
    // Eight of ten, as in Brown, Cai and DasGupta (2001) and every table since.
    let interval = wilson(0.8, 10.0);
    assert!(
        (interval.low - 0.490_16).abs() < 1e-5 && (interval.high - 0.943_32).abs() < 1e-5,
        "{interval:?}"
    );
    assert_eq!(wilson(0.0, 0.0), Interval { low: 0.0, high: 1.0 });
    assert_eq!(wilson(f64::NAN, 10.0), Interval { low: 0.0, high: 1.0 });
}

#[test]
fn overlapping_calls_on_one_ticker_narrow_the_interval_only_once() {
    let days = weekdays("2026-03-02", 40);
    let rising: BTreeMap<NaiveDate, f64> =
        days.iter().zip(0..).map(|(day, n)| (*day, 100.0 + f64::from(n))).collect();
    let quotes =
        BTreeMap::from([(SAMSUNG, Quotes::new(Tz::Asia__Seoul, &rising, &prices(&days, 100.0, &[])))]);
    let posts: Vec<StancePost> = days
        .iter()
        .take(20)
        .zip(1..)
        .map(|(day, id)| post(id, 1, &format!("{day}T01:00:00Z"), Stance::Bull, SAMSUNG))
        .collect();
    let scores = scores(&ledger(&posts, &quotes));
    let by = |horizon| scores[&(UserId::new(1), horizon)];
    assert_eq!((by(Horizon::Day1).total, by(Horizon::Day1).independent), (20, 20));
    assert_eq!((by(Horizon::Day5).total, by(Horizon::Day5).independent), (20, 4));
    assert_eq!((by(Horizon::Day20).right, by(Horizon::Day20).independent), (20, 1));
    assert!(by(Horizon::Day20).interval.low < 0.25);
}

/// Calls on tickers of their own, one a week, right or not as said.
fn weekly(author: i64, outcomes: &[bool]) -> Vec<Call> {
    let first = utc("2026-01-05T01:00:00Z");
    let call = |(place, right): (usize, &bool)| {
        let posted = first + TimeDelta::weeks(place as i64);
        let known = Outcome::Known { right: *right, excess: 0.01, at: posted + TimeDelta::days(1) };
        Call {
            post: PostId::new(place as i64 + 1),
            author: UserId::new(author),
            ticker: SAMSUNG,
            stance: Stance::Bull,
            posted,
            deleted: false,
            entry: None,
            outcomes: [known, Outcome::Pending, Outcome::NoPrice],
        }
    };
    outcomes.iter().enumerate().map(call).collect()
}

#[test]
fn a_prediction_knows_only_what_was_decided_before() {
    let points = calibration(&weekly(1, &[true, true, true, true, true, false]), Horizon::Day1);
    // Five of five: (5 + 1.9207) / (5 + 3.8415) = 0.78276.
    assert_eq!(points.len(), 1);
    assert!((points[0].predicted - 0.782_76).abs() < 1e-5, "{points:?}");
    assert_eq!((points[0].observed, points[0].count), (0.0, 1));
    assert!(calibration(&weekly(1, &[true; 5]), Horizon::Day1).is_empty(), "five are needed before");
    let mut late = weekly(1, &[true; 6]);
    for call in &mut late {
        call.outcomes[0] = Outcome::Known { right: true, excess: 0.01, at: utc("2027-01-01T00:00:00Z") };
    }
    assert!(calibration(&late, Horizon::Day1).is_empty(), "nothing was decided yet");
}

#[test]
fn one_authors_record_says_nothing_of_another() {
    let mut both = weekly(1, &[true; 5]);
    both.extend(weekly(2, &[false]));
    assert!(calibration(&both, Horizon::Day1).is_empty());
}

#[test]
fn a_steady_hit_rate_lies_on_the_diagonal() {
    let steady: Vec<bool> = (0..400).map(|n| n % 10 < 7).collect();
    let points = calibration(&weekly(1, &steady), Horizon::Day1);
    let main = points.iter().max_by_key(|point| point.count).unwrap();
    assert!(main.interval.low < main.predicted && main.predicted < main.interval.high, "{main:?}");
}

#[test]
fn the_plot_is_an_accessible_picture_that_says_everything_in_words() {
    let point = CalibrationPoint { predicted: 0.6, observed: 0.5, count: 8, interval: wilson(0.5, 8.0) };
    let korean = plot(&[point], Horizon::Day5, Language::Ko, "kim");
    for part in [
        "role=\"img\"",
        "aria-labelledby=\"kim-title kim-desc\"",
        "<title id=\"kim-title\">",
        "5거래일 뒤",
        "지난 적중률 60%: 실제 50% (95% 구간 22~78%, 예측 8건)",
    ] {
        assert!(korean.contains(part), "{part} in {korean}");
    }
    assert!(!korean.contains("<script") && !korean.contains("style="));
    let english = plot(&[point], Horizon::Day1, Language::En, "a\"><script>");
    assert!(english.contains("aria-labelledby=\"ascript-title ascript-desc\""), "{english}");
    assert!(english.contains("Past hit rate 60 %: 50 % observed (95 % interval 22 to 78 %, 8 calls)."));
    assert!(plot(&[], Horizon::Day1, Language::En, "x").contains("Too few calls"));
    assert_eq!(english.matches("<circle").count(), 1);
}

#[test]
fn every_element_of_the_plot_is_closed() {
    let points = calibration(&weekly(1, &[true, false, true, true, false, true, true, false]), Horizon::Day1);
    let svg = plot(&points, Horizon::Day20, Language::Ko, "p");
    for tag in ["svg", "title", "desc", "g", "text"] {
        let opened = svg.matches(&format!("<{tag} ")).count() + svg.matches(&format!("<{tag}>")).count();
        assert_eq!(opened, svg.matches(&format!("</{tag}>")).count(), "{tag} in {svg}");
    }
}

fn any_posts() -> impl Strategy<Value = Vec<StancePost>> {
    let post = (1..4_i64, 0..60_000_i64, -1..2_i16, prop::collection::vec(1..5_i32, 0..4), any::<bool>());
    prop::collection::vec(post, 0..40).prop_map(|posts| {
        posts
            .into_iter()
            .zip(1..)
            .map(|((author, minutes, stance, tickers, deleted), id)| StancePost {
                id: PostId::new(id),
                author: UserId::new(author),
                at: utc("2026-02-27T00:00:00Z") + TimeDelta::minutes(minutes),
                stance: Stance::from_column(stance),
                tickers: tickers.into_iter().map(TickerId::new).collect(),
                deleted,
            })
            .collect()
    })
}

fn any_quotes() -> impl Strategy<Value = BTreeMap<TickerId, Quotes>> {
    let price = prop_oneof![8 => 1.0..200.0_f64, 1 => any::<f64>()];
    let series = prop::collection::btree_map(0..60_u64, price, 0..60);
    let zone = prop_oneof![Just(Tz::Asia__Seoul), Just(Tz::America__New_York), Just(Tz::Pacific__Apia)];
    prop::collection::btree_map(1..5_i32, (zone, series.clone(), series), 0..4).prop_map(|all| {
        let dated = |series: BTreeMap<u64, f64>| -> BTreeMap<NaiveDate, f64> {
            series.into_iter().map(|(day, price)| (date("2026-02-20") + Days::new(day), price)).collect()
        };
        all.into_iter()
            .map(|(ticker, (zone, closes, market))| {
                (TickerId::new(ticker), Quotes::new(zone, &dated(closes), &dated(market)))
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn deleting_the_losers_changes_the_score_by_nothing(posts in any_posts(), quotes in any_quotes()) {
        let kept: Vec<StancePost> = posts.iter().map(|post| StancePost { deleted: false, ..post.clone() }).collect();
        let mut gone = kept.clone();
        let wrong: Vec<PostId> = ledger(&kept, &quotes).iter()
            .filter(|call| call.outcomes.iter().any(|one| matches!(one, Outcome::Known { right: false, .. })))
            .map(|call| call.post).collect();
        for post in &mut gone {
            post.deleted = wrong.contains(&post.id);
        }
        prop_assert_eq!(scores(&ledger(&kept, &quotes)), scores(&ledger(&gone, &quotes)));
        prop_assert_eq!(scores(&ledger(&kept, &quotes)), scores(&ledger(&posts, &quotes)));
    }

    #[test]
    fn no_entry_is_from_before_its_post_and_order_does_not_matter(posts in any_posts(), quotes in any_quotes()) {
        let calls = ledger(&posts, &quotes);
        for call in &calls {
            if let Some(entry) = call.entry {
                prop_assert!(entry.at >= call.posted + CLOSE_MARGIN);
                prop_assert!(entry.price.is_finite() && entry.price > 0.0);
            }
            for outcome in call.outcomes {
                if let Outcome::Known { excess, at, .. } = outcome {
                    prop_assert!(excess.is_finite() && at > call.posted);
                }
            }
        }
        for horizon in Horizon::ALL {
            let points = calibration(&calls, horizon);
            prop_assert!(points.len() <= 10);
            prop_assert!(points.iter().all(|point| (0.0..=1.0).contains(&point.predicted)));
        }
        let mut turned = posts;
        turned.reverse();
        prop_assert_eq!(calls, ledger(&turned, &quotes));
    }

    #[test]
    fn no_time_of_a_post_panics(seconds in any::<i64>(), quotes in any_quotes()) {
        let at = Utc.timestamp_opt(seconds, 0).single().unwrap_or(DateTime::<Utc>::MAX_UTC);
        for at in [at, DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            let one = StancePost { at, ..post(1, 1, "2026-03-02T01:00:00Z", Stance::Bull, SAMSUNG) };
            let _ = scores(&ledger(&[one], &quotes));
            let ends: BTreeMap<NaiveDate, f64> = [NaiveDate::MIN, NaiveDate::MAX].map(|day| (day, 1.0)).into();
            let _ = Quotes::new(Tz::Asia__Seoul, &ends, &ends);
        }
    }
}
