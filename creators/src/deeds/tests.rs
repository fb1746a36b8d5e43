#![expect(clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeZone;
use proptest::prelude::*;

use super::{planted::crowd, *};

fn at(hours: f64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 0, 0, 0).unwrap() + TimeDelta::seconds((hours * 3600.0) as i64)
}

fn post(id: i64, hours: f64, stance: Stance) -> OwnPost {
    OwnPost { id: PostId::new(id), at: at(hours), stance, deleted_at: None }
}

fn trade(id: i64, hours: f64, side: Side, quantity: i64, before: i64) -> OwnTrade {
    OwnTrade { id, at: at(hours), side, quantity: quantity.into(), position_before: before.into() }
}

fn found(posts: &[OwnPost], trades: &[OwnTrade]) -> Vec<Contradiction> {
    contradictions(&DeedSettings::default(), posts, trades)
}

fn kinds(posts: &[OwnPost], trades: &[OwnTrade]) -> Vec<Kind> {
    found(posts, trades).iter().map(|one| one.kind).collect()
}

#[test]
fn selling_after_praise_contradicts_it_and_says_when_and_what_share() {
    let got = found(&[post(1, 0.0, Stance::Bull)], &[trade(7, 6.5, Side::Sell, 25, 100)]);
    assert_eq!(
        got,
        [Contradiction {
            kind: Kind::SoldAfterBull,
            post: PostId::new(1),
            trades: vec![7],
            hours_between: 6.5,
            share: 0.25,
        }]
    );
}

#[test]
fn a_trade_after_the_window_or_below_a_fifth_says_nothing() {
    let bull = [post(1, 0.0, Stance::Bull)];
    assert!(!found(&bull, &[trade(7, 48.0, Side::Sell, 20, 100)]).is_empty());
    assert!(found(&bull, &[trade(7, 48.01, Side::Sell, 100, 100)]).is_empty());
    assert!(found(&bull, &[trade(7, 6.0, Side::Sell, 19, 100)]).is_empty());
}

#[test]
fn many_small_sales_add_up() {
    let sales: Vec<OwnTrade> =
        (0..5).map(|n| trade(10 + n, 1.0 + n as f64, Side::Sell, 5, 100 - 5 * n)).collect();
    let got = found(&[post(1, 0.0, Stance::Bull)], &sales);
    assert_eq!(got[0].trades, [10, 11, 12, 13, 14]);
    assert!((got[0].share - 0.25).abs() < 1e-12);
}

#[test]
fn buying_before_praise_and_selling_after_it_is_scalping() {
    let trades = [trade(1, -20.0, Side::Buy, 100, 0), trade(2, 10.0, Side::Sell, 60, 100)];
    let got = found(&[post(1, 0.0, Stance::Bull)], &trades);
    assert_eq!((got[0].kind, got[0].trades.as_slice()), (Kind::Scalped, [2].as_slice()));
    let earlier = [trade(1, -25.0, Side::Buy, 100, 0), trades[1]];
    assert_eq!(kinds(&[post(1, 0.0, Stance::Bull)], &earlier), [Kind::SoldAfterBull]);
}

#[test]
fn buying_right_after_praise_and_selling_it_again_is_scalping() {
    let trades = [trade(1, 0.2, Side::Buy, 100, 0), trade(2, 10.0, Side::Sell, 50, 100)];
    assert_eq!(kinds(&[post(1, 0.0, Stance::Bull)], &trades), [Kind::Scalped]);
    let kept = [trades[0], trade(2, 10.0, Side::Sell, 49, 100)];
    assert!(found(&[post(1, 0.0, Stance::Bull)], &kept).is_empty());
}

#[test]
fn buying_back_later_undoes_no_sale() {
    let trades = [trade(1, 5.0, Side::Sell, 100, 100), trade(2, 40.0, Side::Buy, 100, 0)];
    assert_eq!(kinds(&[post(1, 0.0, Stance::Bull)], &trades), [Kind::SoldAfterBull]);
}

#[test]
fn buying_after_a_warning_contradicts_it() {
    let got = found(&[post(1, 0.0, Stance::Bear)], &[trade(7, 3.0, Side::Buy, 40, 100)]);
    assert_eq!((got[0].kind, got[0].share), (Kind::BoughtAfterBear, 0.4));
    let anew = found(&[post(1, 0.0, Stance::Bear)], &[trade(7, 3.0, Side::Buy, 40, 0)]);
    assert_eq!((anew[0].kind, anew[0].share), (Kind::BoughtAfterBear, 1.0));
}

#[test]
fn praising_what_was_just_sold_contradicts_it() {
    let bull = [post(1, 0.0, Stance::Bull)];
    let got = found(&bull, &[trade(7, -3.0, Side::Sell, 50, 100)]);
    assert_eq!((got[0].kind, got[0].hours_between, got[0].share), (Kind::SoldBeforeBull, 3.0, 0.5));
    assert!(found(&bull, &[trade(7, -3.0, Side::Sell, 49, 100)]).is_empty());
    assert!(found(&bull, &[trade(7, -24.1, Side::Sell, 100, 100)]).is_empty());
    let back = [trade(7, -3.0, Side::Sell, 60, 100), trade(8, -1.0, Side::Buy, 60, 40)];
    assert!(found(&bull, &back).is_empty(), "held again when praised");
}

#[test]
fn the_rest_of_a_larger_position_is_measured_by_the_larger_one() {
    let trades = [
        trade(1, -200.0, Side::Buy, 1000, 0),
        trade(2, -100.0, Side::Sell, 950, 1000),
        trade(3, 5.0, Side::Sell, 50, 50),
    ];
    assert!(found(&[post(1, 0.0, Stance::Bull)], &trades).is_empty());
}

#[test]
fn saying_so_before_or_within_minutes_clears_a_sale_and_later_does_not() {
    let sale = [trade(7, 6.0, Side::Sell, 100, 100)];
    let with = |hours| found(&[post(1, 0.0, Stance::Bull), post(2, hours, Stance::Bear)], &sale);
    assert!(with(5.9).is_empty());
    assert!(with(6.25).is_empty());
    assert_eq!(with(6.3).len(), 1);
    let back = [post(1, 0.0, Stance::Bull), post(2, 2.0, Stance::Bear), post(3, 4.0, Stance::Bull)];
    assert_eq!(kinds(&back, &sale), [Kind::SoldAfterBull, Kind::SoldAfterBull], "the last word was praise");
    let neutral = [post(1, 0.0, Stance::Bull), post(2, 5.0, Stance::None)];
    assert_eq!(found(&neutral, &sale).len(), 1, "no stance says nothing");
}

#[test]
fn saying_so_clears_a_sale_before_praise_too() {
    let sale = [trade(7, -6.0, Side::Sell, 100, 100)];
    assert!(found(&[post(1, -6.1, Stance::Bear), post(2, 0.0, Stance::Bull)], &sale).is_empty());
}

#[test]
fn a_deleted_post_contradicts_and_does_not_clear() {
    let sale = [trade(7, 6.0, Side::Sell, 100, 100)];
    let gone = OwnPost { deleted_at: Some(at(1.0)), ..post(1, 0.0, Stance::Bull) };
    assert_eq!(found(&[gone], &sale).len(), 1);
    let taken_back = OwnPost { deleted_at: Some(at(6.5)), ..post(2, 5.0, Stance::Bear) };
    assert_eq!(found(&[post(1, 0.0, Stance::Bull), taken_back], &sale).len(), 1);
    let stood = OwnPost { deleted_at: Some(at(31.0)), ..post(2, 5.0, Stance::Bear) };
    assert!(found(&[post(1, 0.0, Stance::Bull), stood], &sale).is_empty());
}

#[test]
fn without_posts_or_trades_nothing_contradicts() {
    assert!(found(&[], &[trade(7, 6.0, Side::Sell, 100, 100)]).is_empty());
    assert!(found(&[post(1, 0.0, Stance::Bull)], &[]).is_empty());
}

#[test]
fn nine_in_ten_planted_scalps_are_found_and_nine_in_ten_finds_are_planted() {
    let (mut hits, mut planted, mut flagged, mut scalped) = (0_usize, 0_usize, 0_usize, 0_usize);
    let (mut repeated, mut repeated_true, mut scalpers) = (0_usize, 0_usize, 0_usize);
    let mut wrong: BTreeMap<(&str, Kind), usize> = BTreeMap::new();
    let mut posts = 0_usize;
    for seed in 1..=5 {
        for author in crowd(seed, 1000) {
            let got = found(&author.posts, &author.trades);
            let ours: BTreeSet<PostId> = got.iter().map(|one| one.post).collect();
            for one in got.iter().filter(|one| !author.planted.contains(&one.post)) {
                *wrong.entry((author.kind, one.kind)).or_default() += 1;
            }
            posts += author.posts.len();
            scalped += got.iter().filter(|one| one.kind == Kind::Scalped).count();
            hits += ours.intersection(&author.planted).count();
            planted += author.planted.len();
            flagged += ours.len();
            scalpers += usize::from(!author.planted.is_empty());
            if ours.len() >= 3 {
                repeated += 1;
                repeated_true += usize::from(!author.planted.is_empty());
            }
        }
    }
    let recall = hits as f64 / planted as f64;
    let precision = hits as f64 / flagged as f64;
    println!(
        "5 seeds, 5000 authors, {posts} posts, {planted} planted: recall {recall:.3}, precision {precision:.3} \
         ({flagged} found, {scalped} as scalping); wrong {wrong:?}; authors with three or more: {repeated}, \
         of them scalpers {repeated_true} of {scalpers}"
    );
    assert!(recall >= 0.9 && precision >= 0.9);
}

fn any_stance() -> impl Strategy<Value = Stance> {
    prop_oneof![Just(Stance::Bull), Just(Stance::None), Just(Stance::Bear)]
}

fn any_time() -> impl Strategy<Value = DateTime<Utc>> {
    prop_oneof![
        8 => (0.0..200.0_f64).prop_map(at),
        1 => Just(DateTime::<Utc>::MIN_UTC),
        1 => Just(DateTime::<Utc>::MAX_UTC),
    ]
}

fn any_amount() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        8 => (-10_i64..1000).prop_map(Decimal::from),
        1 => Just(Decimal::MAX),
        1 => Just(Decimal::MIN),
        1 => Just(Decimal::new(1, 28)),
    ]
}

proptest! {
    #[test]
    fn no_input_panics_and_order_does_not_matter(
        posts in prop::collection::vec((any_time(), any_stance(), prop::option::of(any_time())), 0..12),
        trades in prop::collection::vec((any_time(), any::<bool>(), any_amount(), any_amount()), 0..12),
    ) {
        let mut posts: Vec<OwnPost> = posts.into_iter().zip(1..).map(|((at, stance, deleted_at), id)| {
            OwnPost { id: PostId::new(id), at, stance, deleted_at }
        }).collect();
        let mut trades: Vec<OwnTrade> = trades.into_iter().zip(1..).map(|((at, buys, quantity, position_before), id)| {
            OwnTrade { id, at, side: if buys { Side::Buy } else { Side::Sell }, quantity, position_before }
        }).collect();
        let one = found(&posts, &trades);
        for contradiction in &one {
            prop_assert!((0.0..=1.0).contains(&contradiction.share), "{contradiction:?}");
            prop_assert!(contradiction.hours_between >= 0.0 && !contradiction.trades.is_empty());
        }
        posts.reverse();
        trades.reverse();
        prop_assert_eq!(one, found(&posts, &trades));
    }

    #[test]
    fn deleting_the_post_that_was_contradicted_hides_nothing(delay in 0.1..47.9_f64, deleted in 0.0..60.0_f64) {
        let sale = [trade(7, delay, Side::Sell, 100, 100)];
        let gone = OwnPost { deleted_at: Some(at(deleted)), ..post(1, 0.0, Stance::Bull) };
        prop_assert_eq!(found(&[gone], &sale), found(&[post(1, 0.0, Stance::Bull)], &sale));
    }
}
