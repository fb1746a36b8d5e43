#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::dice::Dice;

/// Known for years and to nobody in particular.
fn known(id: i64) -> Candidate {
    Candidate {
        user: UserId::new(id),
        shared_holdings: Vec::new(),
        shared_watched: Vec::new(),
        lead_ticker: None,
        lower_bound: None,
        followed_by_follows: 0,
        seen_by_reader: 0,
        age_days: 400,
        impressions: 10_000,
        follows: 300,
    }
}

fn new(id: i64, impressions: u32, follows: u32) -> Candidate {
    Candidate { age_days: 3, impressions, follows, ..known(id) }
}

fn tickers(ids: &[i32]) -> Vec<TickerId> {
    ids.iter().copied().map(TickerId::new).collect()
}

fn list(candidates: &[Candidate], size: usize, seed: u64) -> Vec<Suggestion> {
    suggest(&SuggestSettings::default(), candidates, &BTreeSet::new(), size, seed)
}

fn ids(list: &[Suggestion]) -> Vec<i64> {
    list.iter().map(|one| one.user.get()).collect()
}

#[test]
fn what_is_shared_comes_first_and_reasons_stand_by_weight() {
    let both = Candidate {
        shared_holdings: tickers(&[7, 7]),
        shared_watched: tickers(&[7, 8, 9]),
        lower_bound: Some(0.3),
        followed_by_follows: 3,
        ..known(2)
    };
    let got = list(&[known(1), both], 5, 1);
    assert_eq!(ids(&got), [2, 1]);
    // 0.25 × 1; 0.35 × 1/2; 0.2 × 3/5; 0.2 × 3/6.
    let kinds: Vec<ReasonKind> = got[0].reasons.iter().map(|reason| reason.kind).collect();
    assert_eq!(
        kinds,
        [
            ReasonKind::LowerBound,
            ReasonKind::SharedHoldings,
            ReasonKind::SharedWatched,
            ReasonKind::FollowedByFollows
        ]
    );
    assert!((got[0].relevance - (0.25 + 0.175 + 0.12 + 0.1)).abs() < 1e-12);
    assert_eq!(
        got[0].reasons[1],
        Reason { kind: ReasonKind::SharedHoldings, tickers: tickers(&[7]), count: 1 }
    );
    assert_eq!(got[0].reasons[3].count, 3);
    assert!(got[1].reasons.is_empty());
}

#[test]
fn a_lower_bound_below_zero_is_no_reason() {
    let got = list(&[Candidate { lower_bound: Some(-0.1), ..known(1) }], 5, 1);
    assert!(got[0].reasons.is_empty());
    assert_eq!(got[0].relevance, 0.0);
}

#[test]
fn who_was_shown_five_times_in_vain_is_not_shown_again_and_before_that_less() {
    let seen = |times, id| Candidate { shared_holdings: tickers(&[1]), seen_by_reader: times, ..known(id) };
    assert_eq!(ids(&list(&[seen(5, 1), seen(4, 2), seen(0, 3)], 5, 1)), [3, 2]);
}

#[test]
fn nobody_excluded_is_suggested_not_even_to_pay_a_debt() {
    let excluded = BTreeSet::from([UserId::new(1), UserId::new(3)]);
    let candidates = [new(1, 0, 0), known(2), known(3)];
    let got = suggest(&SuggestSettings::default(), &candidates, &excluded, 5, 1);
    assert_eq!(ids(&got), [2]);
}

#[test]
fn nobody_is_suggested_twice() {
    assert_eq!(ids(&list(&[known(1), known(1), known(1)], 5, 1)), [1]);
}

#[test]
fn at_most_three_have_the_same_lead_ticker() {
    let lead = |id, ticker| Candidate { lead_ticker: Some(TickerId::new(ticker)), ..known(id) };
    let many: Vec<Candidate> =
        (1..=6).map(|id| lead(id, 5)).chain([lead(7, 6), known(8), known(9)]).collect();
    assert_eq!(ids(&list(&many, 5, 1)), [1, 2, 3, 7, 8]);
    assert_eq!(ids(&list(&many, 9, 1)), [1, 2, 3, 7, 8, 9]);
}

#[test]
fn one_place_in_five_is_reserved_and_stands_in_the_middle() {
    let people: Vec<Candidate> = (1..=20).map(known).chain((101..=110).map(|id| new(id, 0, 0))).collect();
    let reserved = |size| -> Vec<usize> {
        let got = list(&people, size, 1);
        assert_eq!(got.len(), size);
        (0..size).filter(|place| got[*place].place != Place::Relevance).collect()
    };
    assert_eq!(reserved(5), [2]);
    assert_eq!(reserved(10), [2, 7]);
    assert_eq!(reserved(3), [2], "one at least");
    let nobody_new: Vec<Candidate> = (1..=20).map(known).collect();
    assert!(list(&nobody_new, 5, 1).iter().all(|one| one.place == Place::Relevance));
}

#[test]
fn impressions_owed_are_paid_first_and_fewest_first() {
    let people = [known(1), known(2), known(3), known(4), new(10, 500, 400), new(11, 99, 50), new(12, 20, 0)];
    let got = list(&people, 5, 1);
    assert_eq!((got[2].user, got[2].place), (UserId::new(12), Place::Owed));
    assert_eq!(got[2].reasons.last().unwrap().kind, ReasonKind::New);
}

#[test]
fn who_is_old_and_was_never_shown_is_owed_as_well() {
    let unseen = Candidate { impressions: 99, follows: 0, ..known(9) };
    let got = list(&[known(1), known(2), known(3), known(4), known(5), unseen], 5, 1);
    assert_eq!((got[2].user, got[2].place), (UserId::new(9), Place::Owed));
    let paid = Candidate { impressions: 100, ..known(9) };
    assert!(list(&[known(1), paid], 5, 1).iter().all(|one| one.place == Place::Relevance));
}

#[test]
fn sampling_prefers_who_is_followed_more_and_still_tries_the_others() {
    let people = [known(1), known(2), known(3), known(4), new(10, 200, 20), new(11, 200, 10)];
    let better = (0..1000).filter(|seed| list(&people, 5, *seed)[2].user == UserId::new(10)).count();
    assert!((900..1000).contains(&better), "{better}");
    assert_eq!(list(&people, 5, 3)[2].place, Place::Sampled);
}

#[test]
fn draws_of_beta_have_its_mean_and_variance() {
    let mut dice = Dice::new(1, 0);
    let draws: Vec<f64> = (0..20_000).map(|_| dice.beta(3.0, 7.0)).collect();
    let mean = draws.iter().sum::<f64>() / 20_000.0;
    let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / 20_000.0;
    assert!((mean - 0.3).abs() < 0.003 && (variance - 0.21 / 11.0).abs() < 0.0006, "{mean} {variance}");
}

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let ticker_ids = || prop::collection::vec(1..6_i32, 0..4).prop_map(|ids| tickers(&ids));
    let counts = (0..10_u32, any::<u32>(), any::<u32>(), any::<u32>(), any::<u32>());
    let lead = prop::option::of(1..4_i32);
    (1..30_i64, ticker_ids(), ticker_ids(), lead, prop::option::of(any::<f64>()), counts).prop_map(
        |(id, shared_holdings, shared_watched, lead, lower_bound, counts)| Candidate {
            user: UserId::new(id),
            shared_holdings,
            shared_watched,
            lead_ticker: lead.map(TickerId::new),
            lower_bound,
            seen_by_reader: counts.0,
            followed_by_follows: counts.1,
            age_days: counts.2 % 60,
            impressions: counts.3,
            follows: counts.4,
        },
    )
}

proptest! {
    #[test]
    fn every_list_keeps_every_rule_and_can_be_replayed(
        people in prop::collection::btree_map(1..30_i64, any_candidate(), 0..30),
        excluded in prop::collection::btree_set((1..30_i64).prop_map(UserId::new), 0..10),
        size in 0..25_usize,
        seed in any::<u64>(),
    ) {
        let mut people: Vec<Candidate> = people.into_iter()
            .map(|(id, one)| Candidate { user: UserId::new(id), ..one }).collect();
        let settings = SuggestSettings::default();
        let got = suggest(&settings, &people, &excluded, size, seed);
        prop_assert!(got.len() <= size);
        let by_id: BTreeMap<UserId, Candidate> = people.iter().map(|one| (one.user, one.clone())).collect();
        let mut users = BTreeSet::new();
        let mut leads: BTreeMap<TickerId, usize> = BTreeMap::new();
        for one in &got {
            prop_assert!(users.insert(one.user) && !excluded.contains(&one.user));
            prop_assert!(by_id[&one.user].seen_by_reader < 5);
            prop_assert!((0.0..=1.0).contains(&one.relevance));
            if let Some(ticker) = by_id[&one.user].lead_ticker {
                *leads.entry(ticker).or_default() += 1;
            }
        }
        prop_assert!(leads.values().all(|count| *count <= 3));
        people.reverse();
        prop_assert_eq!(got, suggest(&settings, &people, &excluded, size, seed));
    }

    #[test]
    fn no_candidate_panics(people in prop::collection::vec(any_candidate(), 0..30), size in any::<usize>(), seed in any::<u64>()) {
        let odd = SuggestSettings { reserve_every: 0, same_lead: 0, full_bound: 0.0, fatigue: f64::NAN, ..SuggestSettings::default() };
        for settings in [SuggestSettings::default(), odd] {
            let got = suggest(&settings, &people, &BTreeSet::new(), size, seed);
            prop_assert!(got.iter().all(|one| one.relevance.is_finite()));
        }
    }
}
