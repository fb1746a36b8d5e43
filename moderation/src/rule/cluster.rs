//! Which reporters are one voice.
//!
//! Reporters are joined, transitively, by a shared device, payment means or identity, by a network both
//! were seen on within the hour, by a cluster stored before, or by a co-report link: at least 3 common
//! targets, and a Jaccard similarity of at least 0.5, among their targets *without an agreed verdict*.
//! Agreed ones say nothing, or the honest people who catch the same scams would become one.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{report::Reporter, settings::RuleSettings};

/// Two people whose un-agreed reports overlap.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// The one with the smaller id.
    pub a: i64,
    /// The other.
    pub b: i64,
    /// Common targets without an agreed verdict.
    pub common: u32,
    /// Those as a share of the targets of either.
    pub jaccard: f64,
}

impl Link {
    /// Whether it joins the two.
    pub fn joins(&self, settings: &RuleSettings) -> bool {
        self.common >= settings.link_common_min && self.jaccard >= settings.link_jaccard_min
    }
}

/// The links among people, from each one's targets without an agreed verdict. Only links that join are
/// returned, smaller id first, in order.
///
/// Costs the sum, over targets, of the square of the people who reported it and have targets enough.
pub fn co_report_links(settings: &RuleSettings, targets: &BTreeMap<i64, BTreeSet<i64>>) -> Vec<Link> {
    let least = settings.link_common_min;
    let mut reporters_of: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (reporter, theirs) in targets {
        // Whoever has fewer targets than must be common is linked to nobody.
        if count(theirs.len()) >= least {
            theirs.iter().for_each(|target| reporters_of.entry(*target).or_default().push(*reporter));
        }
    }
    let mut common_of: BTreeMap<(i64, i64), u32> = BTreeMap::new();
    for reporters in reporters_of.values() {
        for (at, a) in reporters.iter().enumerate() {
            reporters.iter().skip(at + 1).for_each(|b| *common_of.entry((*a, *b)).or_default() += 1);
        }
    }
    let size = |reporter: &i64| targets.get(reporter).map_or(0, |theirs| count(theirs.len()));
    common_of
        .into_iter()
        .map(|((a, b), common)| {
            let either = size(&a) + size(&b) - common;
            Link { a, b, common, jaccard: f64::from(common) / f64::from(either.max(1)) }
        })
        .filter(|link| link.joins(settings))
        .collect()
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The cluster of each of these reporters, named by the smallest id in it.
pub fn cluster(settings: &RuleSettings, reporters: &[&Reporter], links: &[Link]) -> BTreeMap<i64, i64> {
    let mut sets = Sets::of(reporters.iter().map(|reporter| reporter.id));
    sets.join_alike(reporters, |signals| signals.devices.clone());
    sets.join_alike(reporters, |signals| signals.identities.clone());
    sets.join_alike(reporters, |signals| Vec::from_iter(signals.stored_cluster));
    sets.join_neighbours(reporters, TimeDelta::minutes(settings.address_window_minutes.into()));
    for link in links.iter().filter(|link| link.joins(settings)) {
        sets.join(link.a, link.b);
    }
    sets.named()
}

/// Disjoint sets of people. The root of a set is its smallest member.
struct Sets {
    parent: BTreeMap<i64, i64>,
}

impl Sets {
    fn of(ids: impl Iterator<Item = i64>) -> Self {
        Self { parent: ids.map(|id| (id, id)).collect() }
    }

    fn root(&mut self, id: i64) -> Option<i64> {
        let mut at = id;
        loop {
            let up = *self.parent.get(&at)?;
            if up == at {
                return Some(at);
            }
            // Every step halves the path, which keeps later walks short.
            let above = *self.parent.get(&up)?;
            self.parent.insert(at, above);
            at = above;
        }
    }

    /// Joins two people; someone unknown joins nobody.
    fn join(&mut self, a: i64, b: i64) {
        if let (Some(a), Some(b)) = (self.root(a), self.root(b)) {
            self.parent.insert(a.max(b), a.min(b));
        }
    }

    fn join_alike<K: Ord>(&mut self, people: &[&Reporter], keys: impl Fn(&super::report::Signals) -> Vec<K>) {
        let mut first_with: BTreeMap<K, i64> = BTreeMap::new();
        for person in people {
            for key in keys(&person.signals) {
                let first = *first_with.entry(key).or_insert(person.id);
                self.join(first, person.id);
            }
        }
    }

    /// Joins people seen on one network within the window of one another.
    fn join_neighbours(&mut self, people: &[&Reporter], window: TimeDelta) {
        let mut seen: Vec<_> = people
            .iter()
            .flat_map(|person| person.signals.sightings.iter().map(|sighting| (*sighting, person.id)))
            .collect();
        seen.sort_unstable();
        for ((earlier, a), (later, b)) in seen.iter().zip(seen.iter().skip(1)) {
            if earlier.network == later.network && later.at - earlier.at <= window {
                self.join(*a, *b);
            }
        }
    }

    fn named(mut self) -> BTreeMap<i64, i64> {
        let ids: Vec<i64> = self.parent.keys().copied().collect();
        ids.into_iter().filter_map(|id| Some((id, self.root(id)?))).collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use chrono::{DateTime, Utc};
    use proptest::prelude::*;

    use super::super::report::{Network, Sighting};
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn people(count: i64) -> Vec<Reporter> {
        (1..=count).map(|id| Reporter::newcomer(id, at(0), true)).collect()
    }

    fn clusters(people: &[Reporter], links: &[Link]) -> Vec<i64> {
        let people: Vec<&Reporter> = people.iter().collect();
        cluster(&RuleSettings::default(), &people, links).into_values().collect()
    }

    #[test]
    fn shared_signals_join_transitively_and_strangers_stay_apart() {
        let mut people = people(6);
        people[0].signals.devices = vec![7];
        people[2].signals.devices = vec![9, 7];
        people[2].signals.identities = vec![9];
        people[4].signals.identities = vec![9];
        people[3].signals.stored_cluster = Some(40);
        people[5].signals.stored_cluster = Some(40);
        assert_eq!(clusters(&people, &[]), [1, 2, 1, 4, 1, 4], "a device 9 is no identity 9");
    }

    #[test]
    fn a_network_joins_within_the_hour_only() {
        let seen =
            |text: &str, minutes| Sighting { network: Network::of(text.parse().unwrap()), at: at(minutes) };
        let mut people = people(4);
        people[0].signals.sightings = vec![seen("203.0.113.1", 0)];
        people[1].signals.sightings = vec![seen("203.0.113.2", 60)];
        people[2].signals.sightings = vec![seen("203.0.113.3", 121)];
        people[3].signals.sightings = vec![seen("203.0.114.3", 60)];
        assert_eq!(clusters(&people, &[]), [1, 1, 3, 4]);
    }

    #[test]
    fn links_need_three_common_targets_and_half_of_all() {
        let settings = RuleSettings::default();
        let sets = |sets: &[&[i64]]| -> BTreeMap<i64, BTreeSet<i64>> {
            (1..).zip(sets).map(|(id, set)| (id, set.iter().copied().collect())).collect()
        };
        let joined =
            co_report_links(&settings, &sets(&[&[1, 2, 3], &[1, 2, 3, 4, 5, 6], &[1, 2], &[4, 5, 7, 8]]));
        assert_eq!(joined, [Link { a: 1, b: 2, common: 3, jaccard: 0.5 }]);
        let diluted = co_report_links(&settings, &sets(&[&[1, 2, 3], &[1, 2, 3, 4, 5, 6, 7]]));
        assert_eq!(diluted, []);
        assert_eq!(clusters(&people(3), &joined), [1, 1, 3]);
        let weak = Link { jaccard: 0.49, ..joined[0] };
        let stranger = Link { b: 99, ..joined[0] };
        assert_eq!(clusters(&people(3), &[weak, stranger]), [1, 2, 3]);
    }

    proptest! {
        #[test]
        fn links_are_the_same_whatever_the_order_of_people(
            sets in proptest::collection::vec(proptest::collection::btree_set(0_i64..12, 0..8), 0..10)
        ) {
            let settings = RuleSettings::default();
            let forward: BTreeMap<i64, _> = (0..).zip(sets.clone()).collect();
            let back: BTreeMap<i64, _> = (0..).map(|id: i64| -id).zip(sets.clone()).collect();
            let mirrored: BTreeSet<(i64, i64)> =
                co_report_links(&settings, &back).iter().map(|link| (-link.b, -link.a)).collect();
            let plain: BTreeSet<(i64, i64)> =
                co_report_links(&settings, &forward).iter().map(|link| (link.a, link.b)).collect();
            prop_assert_eq!(&plain, &mirrored);
            for (a, b) in (0..sets.len()).flat_map(|a| (a + 1..sets.len()).map(move |b| (a, b))) {
                let common = sets[a].intersection(&sets[b]).count();
                let either = sets[a].union(&sets[b]).count();
                let expected = common >= 3 && common * 2 >= either;
                prop_assert_eq!(plain.contains(&(i64::try_from(a).unwrap(), i64::try_from(b).unwrap())), expected);
            }
        }
    }
}
