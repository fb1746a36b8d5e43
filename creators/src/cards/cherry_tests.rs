#![expect(clippy::indexing_slicing, reason = "a test may panic")]

use chrono::Days;
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::cards::chance::{doubled_ranks, exact_chance, normal_tail};

#[test]
fn the_index_is_the_share_of_the_others_that_did_worse() {
    let near = |one: Option<f64>, two: f64| (one.unwrap_or(f64::NAN) - two).abs() < 1e-9;
    assert!(near(cherry_index(0.3, &[-0.1, 0.0, 0.1, 0.2]), 100.0));
    assert!(near(cherry_index(0.1, &[-0.1, 0.0, 0.1, 0.2]), 62.5));
    assert!(near(cherry_index(-0.5, &[-0.1, 0.0]), 0.0));
    assert_eq!(cherry_index(0.1, &[]), None);
    assert_eq!(cherry_index(f64::NAN, &[0.1]), None);
}

#[test]
fn chances_agree_with_counting_by_hand() {
    let pool: Vec<f64> = (0..20).map(f64::from).collect();
    let near = |one: f64, two: f64| assert!((one - two).abs() < 1e-9, "{one} {two}");
    near(rank_sum_chance(&pool, &[19]), 1.0 / 20.0);
    near(rank_sum_chance(&pool, &[17, 18, 19]), 1.0 / 1140.0);
    near(rank_sum_chance(&pool, &[0]), 1.0);
    near(rank_sum_chance(&[1.0, 1.0, 1.0], &[1]), 1.0);
    near(rank_sum_chance(&pool, &(0..20).collect::<Vec<_>>()), 1.0);
    near(uniform_sum_chance(1, 0.9), 0.1);
    near(uniform_sum_chance(2, 1.5), 0.125);
    near(uniform_sum_chance(12, 6.0), 0.5);
    assert!((normal_tail(1.959_964) - 0.025).abs() < 1e-6);
    // the three ways agree where they meet
    let ranks = doubled_ranks(&(0..40).map(f64::from).collect::<Vec<_>>());
    let exact = exact_chance(&ranks, 12, 2 * 330);
    let uniform = uniform_sum_chance(12, (330.0 - 6.0) / 40.0);
    assert!(exact <= uniform && uniform < 3.0 * exact + 0.01, "{exact} {uniform}");
}

#[test]
fn what_matters_is_the_gap_and_not_the_rank_alone() {
    let alike: Vec<f64> = (0..20).map(|step| 0.05 + f64::from(step) * 1e-4).collect();
    assert_eq!(judge(&alike, &[17, 18, 19], &[]).picked, None);
    let wide: Vec<f64> = (0..20).map(|step| f64::from(step) * 0.02 - 0.2).collect();
    assert_eq!(judge(&wide, &[5, 18, 19], &[]).picked, None);
    let scattered: Vec<f64> = (0..20).map(|step| f64::from(step * 7 % 20) * 0.02 - 0.2).collect();
    let best: Vec<usize> = (0..20).filter(|place| place * 7 % 20 >= 17).collect();
    assert_eq!(judge(&scattered, &best, &[]).picked, Some(Picked::BestOfMany));
    assert_eq!(judge(&scattered, &[best.clone(), best].concat(), &[]).picked, Some(Picked::BestOfMany));
    assert_eq!(judge(&scattered, &(0..20).collect::<Vec<_>>(), &[]).picked, None);
    assert_eq!(judge(&[], &[3], &[]).picked, None);
    let losses: Vec<f64> = (0..20).map(|step| -0.01 * f64::from(step + 1)).chain([0.3]).collect();
    assert_eq!(judge(&losses, &[20], &[]).picked, Some(Picked::LosingRecord));
    assert_eq!(judge(&losses, &[0], &[]).picked, None);
    assert_eq!(judge(&losses[8..], &[12], &[]).picked, None);
}

#[test]
fn overlapping_windows_count_once_and_several_best_ones_are_flagged() {
    let start = NaiveDate::default();
    let window = |from: u64, index: f64| ShownWindow {
        from: start + Days::new(from),
        to: start + Days::new(from + 30),
        index,
        shown: 0.2,
        typical: 0.01,
    };
    let same = [window(0, 99.0), window(3, 98.0), window(6, 99.0), window(9, 99.0)];
    assert_eq!(judge(&[], &[], &same).picked, None);
    let far = [window(0, 99.0), window(40, 98.0), window(80, 99.0)];
    assert_eq!(judge(&[], &[], &far).picked, Some(Picked::BestWindows));
    let plain = [window(0, 60.0), window(40, 30.0), window(80, 99.0)];
    assert_eq!(judge(&[], &[], &plain).picked, None);
}

// --- simulation ----------------------------------------------------------------------------------------

/// Returns of an author's trades: what a trade earns on average, how wide it spreads, and its shape.
struct Author {
    edge: f64,
    spread: f64,
    shape: u8,
}

fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (one, two): (f64, f64) = (random.random_range(1e-12..1.0), random.random());
    (-2.0 * one.ln()).sqrt() * (2.0 * std::f64::consts::PI * two).cos()
}

impl Author {
    /// Spreads of 3 to 30 per cent a trade, edges of a few per cent either way. Of four shapes: even with
    /// heavy tails; many small gains and few large losses, as people who sell winners early have; many small
    /// losses and few large gains, as buyers of hopes have; and even with thin tails.
    fn new(random: &mut ChaCha8Rng) -> Self {
        let spread = (0.09 * (0.5 * normal(random)).exp()).clamp(0.03, 0.3);
        Self { edge: 0.02 * normal(random), spread, shape: random.random_range(0..4) }
    }

    fn trade(&self, random: &mut ChaCha8Rng) -> f64 {
        let shock = match self.shape {
            0 => {
                let chi: f64 = (0..4).map(|_| normal(random).powi(2)).sum();
                normal(random) / (chi / 4.0).sqrt() / 2.0_f64.sqrt()
            }
            1 => 1.0 + random.random_range(1e-12_f64..1.0).ln(),
            2 => -1.0 - random.random_range(1e-12_f64..1.0).ln(),
            _ => normal(random),
        };
        (self.edge + self.spread * shock).max(-0.99)
    }

    fn trades(&self, many: usize, random: &mut ChaCha8Rng) -> Vec<f64> {
        (0..many).map(|_| self.trade(random)).collect()
    }
}

/// 5 to 300 trades, half of the people below 30.
fn how_many(random: &mut ChaCha8Rng) -> usize {
    let many = (30.0 * normal(random).exp()).clamp(5.0, 300.0);
    (5..=300).find(|whole| count(*whole) >= many).unwrap_or(300)
}

fn best(closed: &[f64], many: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..closed.len()).collect();
    places.sort_by(|one, two| closed[*two].total_cmp(&closed[*one]));
    places.truncate(many);
    places
}

fn some(closed: &[f64], many: usize, random: &mut ChaCha8Rng) -> Vec<usize> {
    let mut places: Vec<usize> = (0..closed.len()).collect();
    places.shuffle(random);
    places.truncate(many);
    places
}

fn losers_and_winners(losers: usize, winners: usize, random: &mut ChaCha8Rng) -> Vec<f64> {
    // somebody who never loses is passed over for the next
    let mut closed = Vec::new();
    while closed.len() < losers + winners {
        let author = Author::new(random);
        let tries = author.trades(2_000, random);
        let lost = tries.iter().filter(|trade| **trade < 0.0).take(losers);
        let won = tries.iter().filter(|trade| **trade > 0.005).take(winners);
        closed = lost.chain(won).copied().collect();
    }
    closed.shuffle(random);
    closed
}

type Person = fn(&mut ChaCha8Rng) -> (Vec<f64>, Vec<usize>);

fn record(random: &mut ChaCha8Rng) -> Vec<f64> {
    let many = how_many(random);
    Author::new(random).trades(many, random)
}

const PICKERS: [(&str, Person); 6] = [
    ("1 winner shown of 20 losers", |random| {
        let closed = losers_and_winners(20, 1, random);
        let shown = best(&closed, 1);
        (closed, shown)
    }),
    ("1 winner and 19 losers, the winner", |random| {
        let closed = losers_and_winners(19, 1, random);
        let shown = best(&closed, 1);
        (closed, shown)
    }),
    ("2 winners shown of 20 losers", |random| {
        let closed = losers_and_winners(20, 2, random);
        let shown = best(&closed, 2);
        (closed, shown)
    }),
    ("best 3 of 20", |random| {
        let closed = Author::new(random).trades(20, random);
        let shown = best(&closed, 3);
        (closed, shown)
    }),
    ("best 5 of 40", |random| {
        let closed = Author::new(random).trades(40, random);
        let shown = best(&closed, 5);
        (closed, shown)
    }),
    ("best 10 of 100", |random| {
        let closed = Author::new(random).trades(100, random);
        let shown = best(&closed, 10);
        (closed, shown)
    }),
];

const DODGERS: [(&str, Person); 4] = [
    ("every winner of 30, no loser", |random| {
        let closed = Author::new(random).trades(30, random);
        let shown = (0..30).filter(|place| closed[*place] > 0.0).collect();
        (closed, shown)
    }),
    ("best 2 of 20", |random| {
        let closed = Author::new(random).trades(20, random);
        let shown = best(&closed, 2);
        (closed, shown)
    }),
    ("best 4 of 40 and a random one", |random| {
        let closed = Author::new(random).trades(40, random);
        let mut shown = best(&closed, 4);
        shown.extend(some(&closed, 1, random));
        (closed, shown)
    }),
    ("best 3 of 12", |random| {
        let closed = Author::new(random).trades(12, random);
        let shown = best(&closed, 3);
        (closed, shown)
    }),
];

const HONEST: [(&str, Person); 12] = [
    ("a random trade", |random| {
        let closed = record(random);
        let shown = some(&closed, 1, random);
        (closed, shown)
    }),
    ("a random trade of 20 or 21", |random| {
        let many = random.random_range(20..22);
        let closed = Author::new(random).trades(many, random);
        let shown = some(&closed, 1, random);
        (closed, shown)
    }),
    ("three random trades", |random| {
        let closed = record(random);
        let shown = some(&closed, 3, random);
        (closed, shown)
    }),
    ("eight random trades", |random| {
        let closed = record(random);
        let shown = some(&closed, 8, random);
        (closed, shown)
    }),
    ("every trade", |random| {
        let closed = record(random);
        let shown = (0..closed.len()).collect();
        (closed, shown)
    }),
    ("every second trade", |random| {
        let closed = record(random);
        let shown = (0..closed.len()).step_by(2).collect();
        (closed, shown)
    }),
    ("the latest trade", |random| {
        let closed = record(random);
        let shown = vec![closed.len() - 1];
        (closed, shown)
    }),
    ("the latest three", |random| {
        let closed = record(random);
        let shown = (closed.len() - 3..closed.len()).collect();
        (closed, shown)
    }),
    ("all alike", |random| {
        let mean = 0.03 * normal(random);
        let closed: Vec<f64> = (0..how_many(random)).map(|_| mean + 0.004 * normal(random)).collect();
        let shown = best(&closed, 3);
        (closed, shown)
    }),
    ("winners all, four at random", |random| {
        let closed: Vec<f64> = record(random).iter().map(|trade| trade.abs() + 0.001).collect();
        let shown = some(&closed, 4, random);
        (closed, shown)
    }),
    ("every trade since a better time", |random| {
        let (author, early, late) =
            (Author::new(random), random.random_range(5..60), random.random_range(3..40));
        let mut closed = author.trades(early, random);
        closed.extend(author.trades(late, random).iter().map(|trade| trade + author.spread));
        let shown = (early..early + late).collect();
        (closed, shown)
    }),
    ("every second since a better time", |random| {
        let (author, early, late) =
            (Author::new(random), random.random_range(5..60), random.random_range(10..40));
        let mut closed = author.trades(early, random);
        closed.extend(author.trades(late, random).iter().map(|trade| trade + author.spread));
        let shown = (early..early + late).step_by(2).collect();
        (closed, shown)
    }),
];

fn flagged(person: Person, authors: u32, random: &mut ChaCha8Rng) -> f64 {
    let flags = (0..authors).filter(|_| {
        let (closed, shown) = person(random);
        judge(&closed, &shown, &[]).picked.is_some()
    });
    f64::from(u32::try_from(flags.count()).unwrap_or(0)) / f64::from(authors)
}

/// Whether somebody who adds one random closed trade to the cards now and then is ever flagged on the way:
/// a judgement after each of twelve cards.
fn ever_flagged(authors: u32, random: &mut ChaCha8Rng) -> f64 {
    let flags = (0..authors).filter(|_| {
        let author = Author::new(random);
        let (mut closed, mut shown) = (author.trades(4, random), Vec::new());
        (0..12).any(|_| {
            closed.extend(author.trades(random.random_range(1..6), random));
            shown.push(random.random_range(0..closed.len()));
            judge(&closed, &shown, &[]).picked.is_some()
        })
    });
    f64::from(u32::try_from(flags.count()).unwrap_or(0)) / f64::from(authors)
}

/// Windows of the account of somebody whose days are random; a card now and then, or of the best day.
fn windows_flagged(authors: u32, picks: bool, random: &mut ChaCha8Rng) -> f64 {
    let flags = (0..authors).filter(|_| {
        let (drift, spread) = (0.0005 * normal(random), random.random_range(0.005..0.03));
        let mut level = vec![0.0];
        for day in 0..750 {
            level.push(level[day] + drift + spread * normal(random));
        }
        let all: Vec<f64> = (0..690).map(|day| (level[day + 60] - level[day]).exp_m1()).collect();
        let mut days: Vec<usize> = (0..4).map(|part| part * 170 + random.random_range(0..100)).collect();
        if picks {
            days = (0..4)
                .filter_map(|part| {
                    (part * 170..part * 170 + 110).max_by(|one, two| all[*one].total_cmp(&all[*two]))
                })
                .collect();
        }
        let windows: Vec<ShownWindow> = days
            .iter()
            .map(|day| {
                let from = NaiveDate::default() + Days::new(*day as u64);
                let index = cherry_index(all[*day], &all).unwrap_or(0.0);
                ShownWindow {
                    from,
                    to: from + Days::new(60),
                    index,
                    shown: all[*day],
                    typical: mean(all.iter().copied()),
                }
            })
            .collect();
        judge(&[], &[], &windows).picked.is_some()
    });
    f64::from(u32::try_from(flags.count()).unwrap_or(0)) / f64::from(authors)
}

/// `MADANG_CHERRY_AUTHORS` raises the number for a long run.
#[test]
fn simulation() {
    let authors =
        std::env::var("MADANG_CHERRY_AUTHORS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000);
    let mut random = ChaCha8Rng::seed_from_u64(20_260_322);
    println!("{authors} authors each");
    for (name, person) in PICKERS {
        let share = flagged(person, authors, &mut random);
        println!("picker  {:6.2} %  {name}", share * 100.0);
        assert!(share >= 0.95, "{name}: {share}");
    }
    for (name, person) in DODGERS {
        println!("dodger  {:6.2} %  {name}", flagged(person, authors, &mut random) * 100.0);
    }
    println!(
        "dodger  {:6.2} %  the best of four windows",
        windows_flagged(authors / 4, true, &mut random) * 100.0
    );
    for (name, person) in HONEST {
        let share = flagged(person, authors, &mut random);
        println!("honest  {:6.2} %  {name}", share * 100.0);
        assert!(share <= 0.02, "{name}: {share}");
    }
    let windows = windows_flagged(authors / 4, false, &mut random);
    println!("honest  {:6.2} %  four windows at random", windows * 100.0);
    let ever = ever_flagged(authors, &mut random);
    println!("honest  {:6.2} %  at any of twelve cards, one random trade each", ever * 100.0);
    assert!(ever <= 0.02 && windows <= 0.02, "{ever} {windows}");
    let lone: Person = |random| {
        let closed = losers_and_winners(20, 1, random);
        let shown = some(&closed, 1, random);
        (closed, shown)
    };
    println!(
        "limit   {:6.2} %  one winner of 21, a random trade shown",
        flagged(lone, authors, &mut random) * 100.0
    );
}
