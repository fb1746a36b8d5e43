//! The promises of the rule, as examples and as properties.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

/// A reporter of that weight, if it is one of 0.5 and 1.5.
fn person(id: i64, agreed: f64) -> Reporter {
    Reporter { agreed_decayed: agreed, ..Reporter::newcomer(id, at(-100 * 1_440), true) }
}

fn report(reporter: i64, minutes: i64) -> Report {
    Report {
        reporter,
        category: Category::LeadingRoom,
        revision: 1,
        reported_at: at(minutes),
        status: ReportStatus::Pending,
        view_token_ok: true,
    }
}

fn case(people: Vec<Reporter>) -> Case {
    Case {
        standing: Standing::Ordinary,
        state: CurrentState::Visible,
        text: TextVerdict::default(),
        viewers: Some(100),
        reports: people.iter().map(|person| report(person.id, -10)).collect(),
        reporters: people,
        links: Vec::new(),
        dismissals: Vec::new(),
        block_expired: false,
        usual_report_rate: None,
    }
}

fn newcomers(count: i64) -> Case {
    case((1..=count).map(|id| person(id, 0.0)).collect())
}

fn decide(case: &Case) -> Verdict {
    evaluate(&RuleSettings::default(), case, at(0))
}

fn outcome(case: &Case) -> Outcome {
    decide(case).outcome
}

#[test]
fn thresholds_are_those_of_the_formula() {
    assert_eq!(outcome(&newcomers(7)), Outcome::None);
    assert_eq!(outcome(&newcomers(8)), Outcome::Limit, "8 × 0.5 reaches 4");
    assert_eq!(outcome(&newcomers(15)), Outcome::Limit);
    let blocked = decide(&newcomers(16));
    assert_eq!((blocked.outcome, blocked.change_to), (Outcome::Block, Some(CurrentState::AutoBlocked)));
    assert_eq!((blocked.score, blocked.theta, blocked.block_threshold), (8.0, 4.0, 8.0));
    let new_author = Case { standing: Standing::New, ..newcomers(7) };
    assert_eq!(outcome(&new_author), Outcome::Limit, "7 × 0.5 reaches 3.2");
    let good_author = Case { standing: Standing::Good, ..newcomers(16) };
    assert_eq!(outcome(&good_author), Outcome::Limit, "8 is below 12");
}

#[test]
fn a_text_that_agrees_halves_the_threshold_and_lets_it_block() {
    let text = TextVerdict { flagged: vec![Category::LeadingRoom], leading_room_hold: false };
    let flagged = |count| Case { text: text.clone(), ..newcomers(count) };
    assert_eq!(outcome(&flagged(3)), Outcome::None);
    assert_eq!(outcome(&flagged(4)), Outcome::Block, "4 × 0.5 reaches 2");
    let mut good = Case { standing: Standing::Good, ..flagged(7) };
    assert_eq!(outcome(&good), Outcome::None, "a good author has 8 distinct ones whatever the text");
    good = Case { standing: Standing::Good, ..flagged(8) };
    assert_eq!(outcome(&good), Outcome::Block);
    let mut other = flagged(4);
    other.text.flagged = vec![Category::Abuse];
    assert_eq!(outcome(&other), Outcome::None, "it agrees in the reported category only");
    other.text.leading_room_hold = true;
    assert_eq!(outcome(&other), Outcome::Block);
    let mut fresh = flagged(4);
    fresh.reporters.iter_mut().for_each(|person| person.verified = false);
    assert!(!decide(&fresh).text_agrees, "those of no weight do not unlock the text");
}

#[test]
fn readers_raise_the_threshold_up_to_a_cap() {
    let theta = |viewers| decide(&Case { viewers: Some(viewers), ..newcomers(1) }).theta;
    assert!((theta(10_000) - (2.0 + 2.0 + 3.3 * 2.0_f64.sqrt())).abs() < 1e-9);
    assert!((theta(u32::MAX) - 62.0).abs() < 1e-9);
    let unknown = decide(&Case { viewers: None, ..newcomers(16) });
    assert_eq!((unknown.outcome, unknown.held_back), (Outcome::Limit, vec![HeldBack::ViewersUnknown]));
}

#[test]
fn linked_reporters_are_one_voice_and_raise_an_alarm_that_stops_nothing() {
    let mut ring = newcomers(16);
    ring.reporters.iter_mut().take(10).for_each(|person| person.signals.devices = vec![5]);
    let verdict = decide(&ring);
    assert_eq!((verdict.score, verdict.distinct_clusters), (1.0 + 3.0, 7));
    assert_eq!(verdict.brigade, Some(BrigadeAlarm::OneCluster { cluster: 1, members: 10, reporters: 16 }));
    ring.reporters.extend((17..=24).map(|id| person(id, 0.0)));
    ring.reports.extend((17..=24).map(|id| report(id, -5)));
    let verdict = decide(&ring);
    assert_eq!(verdict.outcome, Outcome::Block, "a scammer's own ring does not shield him");
    let calm = decide(&Case { usual_report_rate: Some(0.01), ..newcomers(6) });
    assert_eq!(calm.brigade, Some(BrigadeAlarm::RateOverUsual { rate: 0.06, usual: 0.01 }));
    assert_eq!(decide(&Case { usual_report_rate: Some(0.012), ..newcomers(6) }).brigade, None);
}

#[test]
fn each_report_that_does_not_count_says_why() {
    let mut case = newcomers(9);
    case.reports[0].status = ReportStatus::Withdrawn;
    case.reports[1].status = ReportStatus::Disagreed;
    case.reports[2].reported_at = at(-24 * 60 - 1);
    case.reports[3].view_token_ok = false;
    case.reporters[4].muted_until = Some(at(-9));
    case.reporters[5].tie = Some(Tie::Author);
    case.reporters[6].tie = Some(Tie::BlockedByAuthor);
    case.reporters.remove(7);
    case.reports.push(report(9, -5));
    case.reports.push(report(2, 1));
    let why: Vec<_> = decide(&case).reports.iter().map(|score| score.not_counted).collect();
    let expected = [
        NotCounted::Withdrawn,
        NotCounted::Closed,
        NotCounted::OutsideWindow,
        NotCounted::NoView,
        NotCounted::Muted,
        NotCounted::Author,
        NotCounted::BlockedByAuthor,
        NotCounted::UnknownReporter,
        NotCounted::Repeated,
    ];
    assert_eq!(why[..9], expected.map(Some));
    assert_eq!(why[9..], [None, Some(NotCounted::OutsideWindow)]);
    case.reports[2].category = Category::Abuse;
    assert_eq!(decide(&case).reports[2].not_counted, None, "other categories count for 72 hours");
}

#[test]
fn a_dismissal_locks_its_category_on_its_revision_and_then_asks_for_three_times_as_much() {
    let dismissed = |count, hours_ago: i64| Case {
        dismissals: vec![Dismissal {
            category: Category::LeadingRoom,
            revision: 1,
            decided_at: at(-hours_ago * 60),
        }],
        ..newcomers(count)
    };
    assert_eq!(decide(&dismissed(60, 23)).score, 0.0);
    assert_eq!(outcome(&dismissed(23, 24)), Outcome::None);
    assert_eq!(outcome(&dismissed(24, 24)), Outcome::Limit, "12 reaches 3 × 4");
    assert_eq!(outcome(&dismissed(48, 24)), Outcome::Block);
    let mut edited = dismissed(16, 1);
    edited.reports.iter_mut().for_each(|report| report.revision = 2);
    assert_eq!(outcome(&edited), Outcome::Block, "an edit lifts it");
    let mut other = dismissed(16, 1);
    other.reports.iter_mut().for_each(|report| report.category = Category::Abuse);
    assert_eq!(outcome(&other), Outcome::Block, "it shields from no other category");
}

#[test]
fn the_rule_holds_a_block_back_where_it_must_and_never_shows_more() {
    let limited = RuleSettings { limit_only: true, ..RuleSettings::default() };
    let expired = Case { block_expired: true, ..newcomers(20) };
    let verdict = evaluate(&limited, &expired, at(0));
    assert_eq!(verdict.outcome, Outcome::Limit);
    assert_eq!(verdict.held_back, [HeldBack::LimitOnly, HeldBack::BlockExpired]);
    for state in [CurrentState::AutoBlocked, CurrentState::Fixed] {
        assert_eq!(decide(&Case { state, ..newcomers(20) }).change_to, None);
    }
    let again = Case { state: CurrentState::Limited, ..newcomers(8) };
    assert_eq!((outcome(&again), decide(&again).change_to), (Outcome::Limit, None));
}

#[test]
fn times_at_the_end_of_the_calendar_do_no_harm() {
    for time in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
        let mut case = newcomers(8);
        case.dismissals = vec![Dismissal { category: Category::LeadingRoom, revision: 1, decided_at: time }];
        case.reports[0].reported_at = time;
        case.reporters[1].created_at = time;
        case.reporters[2].muted_until = Some(time);
        for now in [DateTime::<Utc>::MIN_UTC, at(0), DateTime::<Utc>::MAX_UTC] {
            evaluate(&RuleSettings::default(), &case, now);
            unreviewed(&RuleSettings::default(), None, time, now);
            decayed(&RuleSettings::default(), 1.0, time, now);
        }
    }
}

#[test]
fn a_verdict_survives_json() {
    let verdict = decide(&newcomers(16));
    let json = serde_json::to_string(&verdict).unwrap();
    assert_eq!(serde_json::from_str::<Verdict>(&json).unwrap(), verdict);
}

#[test]
fn harm_readers_certainty_brigades_and_waiting_raise_the_priority() {
    let settings = RuleSettings::default();
    let of = |case: &Case, hours| priority(&settings, &decide(case), TimeDelta::hours(hours));
    let usual = of(&newcomers(8), 1);
    assert!(of(&newcomers(16), 1) > usual);
    assert!(of(&newcomers(8), 2) > usual);
    assert!(of(&Case { viewers: Some(1_000), ..newcomers(8) }, 1) > usual);
    assert!(of(&Case { usual_report_rate: Some(1e-6), ..newcomers(8) }, 1) > usual);
    let mut spam = newcomers(8);
    spam.reports.iter_mut().for_each(|report| report.category = Category::Spam);
    assert!(of(&spam, 1) < usual);
    assert!(of(&spam, 24 * 5) > of(&Case { viewers: Some(u32::MAX), ..newcomers(40) }, 0), "nothing starves");
}

prop_compose! {
    fn any_person(id: i64)(
        agreed in 0.0_f64..50.0, disagreed in 0.0_f64..4.0, age in 0_i64..60, verified in any::<bool>(),
        device in proptest::option::of(0_u64..5), earlier in 0_u32..3
    ) -> Reporter {
        let mut person = Reporter::newcomer(id, at(-age * 1_440), verified);
        person.agreed_decayed = agreed;
        person.disagreed_decayed = disagreed;
        person.disagreed_on_author = earlier;
        person.signals.devices = device.into_iter().collect();
        person
    }
}

prop_compose! {
    fn any_case()(
        count in 0_i64..30
    )(
        people in (1..=count).map(any_person).collect::<Vec<_>>(),
        minutes in proptest::collection::vec(-2_000_i64..10, 30),
        standing in prop_oneof![Just(Standing::New), Just(Standing::Ordinary), Just(Standing::Good)],
        flagged in any::<bool>(),
        viewers in proptest::option::of(0_u32..200_000),
        dismissed in proptest::option::of(-3_000_i64..0)
    ) -> Case {
        let mut case = case(people);
        case.reports.iter_mut().zip(minutes).for_each(|(report, minutes)| report.reported_at = at(minutes));
        case.standing = standing;
        case.text.flagged = if flagged { vec![Category::LeadingRoom] } else { vec![] };
        case.viewers = viewers;
        case.dismissals = dismissed
            .map(|m| Dismissal { category: Category::LeadingRoom, revision: 1, decided_at: at(m) })
            .into_iter()
            .collect();
        case
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_single_reporter_decides_whatever_their_weight(
        reporter in any_person(1), weight in 0.0_f64..1e12, flagged in any::<bool>(), copies in 1_usize..20,
        wrong in any::<bool>(), plain in any::<bool>()
    ) {
        let mut case = case(vec![reporter]);
        case.standing = Standing::New;
        case.text.leading_room_hold = flagged;
        case.reports = vec![report(1, -10); copies];
        let mut settings = RuleSettings { weight_max: 1e12, accuracy_span: 1e-12, ..RuleSettings::default() };
        case.reporters[0].agreed_decayed = weight;
        if wrong {
            settings.distinct_with_text = 0;
            settings.distinct = 1;
        }
        if plain {
            settings.mode = Mode::Plain { n: 1 };
        }
        prop_assert_eq!(evaluate(&settings, &case, at(0)).outcome, Outcome::None);
    }

    #[test]
    fn a_withdrawn_report_changes_nothing(mut case in any_case(), person in any_person(99)) {
        let before = decide(&case);
        case.reporters.push(person);
        case.reports.push(Report { status: ReportStatus::Withdrawn, ..report(99, -5) });
        let mut after = decide(&case);
        after.reports.pop();
        prop_assert_eq!(before, after);
    }

    #[test]
    fn an_independent_report_never_lowers_score_or_outcome(mut case in any_case(), mut person in any_person(99)) {
        let before = decide(&case);
        person.signals = Signals::default();
        case.reporters.push(person);
        case.reports.push(report(99, -5));
        let after = decide(&case);
        prop_assert!(after.score >= before.score - 1e-9);
        prop_assert!(after.distinct_clusters >= before.distinct_clusters);
        prop_assert!(after.outcome >= before.outcome);
    }

    #[test]
    fn more_viewers_never_lower_the_threshold(case in any_case(), fewer in any::<u32>(), more in any::<u32>()) {
        let theta = |viewers| decide(&Case { viewers: Some(viewers), ..case.clone() });
        let (fewer, more) = (theta(fewer.min(more)), theta(fewer.max(more)));
        prop_assert!(fewer.theta <= more.theta && fewer.block_threshold <= more.block_threshold);
        prop_assert!(fewer.outcome >= more.outcome);
    }

    #[test]
    fn a_cluster_never_scores_more_than_twice_its_best(case in any_case()) {
        let verdict = decide(&case);
        for cluster in &verdict.clusters {
            let best = verdict
                .reports
                .iter()
                .filter(|score| score.cluster == Some(cluster.cluster))
                .map(|score| score.weight.unwrap().weight / score.divided_by)
                .fold(0.0, f64::max);
            prop_assert!(cluster.score <= 2.0 * best + 1e-9 && cluster.score >= best - 1e-9);
        }
    }

    #[test]
    fn plain_mode_counts_distinct_reporters(case in any_case(), n in 2_u32..20) {
        let mut doubled = case.clone();
        doubled.reports.extend(case.reports.clone());
        let verdict = evaluate(&RuleSettings::plain(n), &doubled, at(0));
        let counted = verdict.reports.iter().filter(|score| score.not_counted.is_none()).count();
        prop_assert_eq!(verdict.plain.reporters as usize, counted);
        prop_assert!(counted <= case.reporters.len());
        prop_assert_eq!(verdict.outcome == Outcome::Block, counted >= n as usize);
        let weighted = decide(&doubled).plain;
        prop_assert_eq!((weighted.reporters, weighted.n), (verdict.plain.reporters, 5));
    }

    #[test]
    fn verdicts_do_not_depend_on_the_order_of_reports(case in any_case()) {
        let mut turned = case.clone();
        turned.reports.reverse();
        turned.reporters.reverse();
        let (one, other) = (decide(&case), decide(&turned));
        prop_assert!((one.score - other.score).abs() < 1e-9);
        prop_assert_eq!((one.distinct_clusters, one.theta, one.clusters.len()),
            (other.distinct_clusters, other.theta, other.clusters.len()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn reporting_and_withdrawing_a_thousand_times_is_one_voice_at_most(
        kept in proptest::collection::vec(any::<bool>(), 1_000), agreed in 0.0_f64..50.0
    ) {
        let mut case = case(vec![person(1, agreed)]);
        case.reports.clear();
        for kept in kept {
            let status = if kept { ReportStatus::Pending } else { ReportStatus::Withdrawn };
            case.reports.push(Report { status, ..report(1, -10) });
        }
        let verdict = decide(&case);
        prop_assert!(verdict.score <= 1.5 && verdict.distinct_clusters <= 1);
        prop_assert_eq!(verdict.outcome, Outcome::None);
    }
}
