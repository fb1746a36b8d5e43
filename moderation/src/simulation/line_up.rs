//! Which rules compete, and which rings come back day after day.

use super::{
    attack::{AGED, Campaign, SLEEPERS},
    follow::Contender,
};
use crate::rule::RuleSettings;

pub(super) const ROTATING_AGED: &str = "rotating 12 of 200, aged";
pub(super) const ROTATING_SLEEPERS: &str = "rotating 12 of 200, sleepers";
pub(super) const CAMPAIGNS: [Campaign; 4] = [
    Campaign { name: "same ring of 20, aged", ring: AGED, pool: 20, strikers: 20, stops_at_block: false },
    Campaign { name: ROTATING_AGED, ring: AGED, pool: 200, strikers: 12, stops_at_block: false },
    Campaign { name: ROTATING_SLEEPERS, ring: SLEEPERS, pool: 200, strikers: 12, stops_at_block: false },
    Campaign {
        name: "the same, who stop once a post is blocked",
        ring: SLEEPERS,
        pool: 200,
        strikers: 12,
        stops_at_block: true,
    },
];

/// The baseline.
pub(super) fn plain(n: u32) -> Contender {
    Contender::new(format!("plain ≥ {n}"), RuleSettings::plain(n))
}

/// The rule as it is by default.
pub(super) fn proposed() -> Contender {
    Contender::new("proposed", RuleSettings::default())
}

/// The rule with one of its parts gone at a time.
pub(super) fn ablated() -> Vec<Contender> {
    let usual = RuleSettings::default();
    let blind = Contender { blind_to_links: true, ..Contender::new("independence", usual.clone()) };
    // A small span puts everyone at the greatest weight, which is then 1.
    let no_trust = RuleSettings {
        accuracy_floor: 0.0,
        accuracy_span: 1e-9,
        weight_max: 1.0,
        newborn_maturity: 1.0,
        young_maturity: 1.0,
        settled_maturity: 1.0,
        ..usual.clone()
    };
    let no_author = RuleSettings {
        new_author_factor: 1.0,
        good_author_factor: 1.0,
        distinct_good_author: usual.distinct,
        ..usual.clone()
    };
    let no_readers = RuleSettings { noise_rate: 0.0, ..usual.clone() };
    let no_text = RuleSettings { text_factor: 1.0, distinct_with_text: usual.distinct, ..usual.clone() };
    vec![
        Contender::new("nothing", usual),
        blind,
        Contender::new("trust", no_trust),
        Contender::new("author", no_author),
        Contender::new("readers", no_readers),
        Contender::new("text in the threshold", no_text),
    ]
}
