//! The reserved places.

use super::{
    Candidate, Place, SuggestSettings, Suggestion,
    rank::{Leads, is_new, is_owed, relevance, suggestion},
};
use crate::dice::Dice;

/// Impressions within which two creators count as equally short, so that readers are spread over them, by
/// relevance and a little chance, while their counts lag behind.
const EVEN: u32 = 10;

/// Fills as many places as are reserved in a list of `size`, or as there are new creators for.
pub(super) fn fill(
    settings: &SuggestSettings,
    eligible: &[&Candidate],
    size: usize,
    seed: u64,
    leads: &mut Leads,
) -> Vec<Suggestion> {
    let places = size.min((size / settings.reserve_every.max(1)).max(1));
    let new: Vec<&Candidate> =
        eligible.iter().filter(|candidate| is_new(settings, candidate)).copied().collect();
    let mut order: Vec<(Place, f64, f64, &Candidate)> = new
        .into_iter()
        .map(|candidate| {
            // A stream each, so that one candidate more or less changes nobody else's luck.
            let mut dice = Dice::new(seed, candidate.user.get().unsigned_abs());
            if is_owed(settings, candidate) {
                let chance = 0.1 * dice.uniform();
                let short = f64::from(candidate.impressions / EVEN);
                (Place::Owed, short, chance - relevance(settings, candidate), candidate)
            } else {
                (Place::Sampled, -sampled_rate(settings, candidate, &mut dice), 0.0, candidate)
            }
        })
        .collect();
    order.sort_by(|left, right| {
        let owed_first = (left.0 == Place::Sampled).cmp(&(right.0 == Place::Sampled));
        owed_first
            .then(left.1.total_cmp(&right.1))
            .then(left.2.total_cmp(&right.2))
            .then(left.3.user.cmp(&right.3.user))
    });
    let admitted = order.into_iter().filter(|(_, _, _, candidate)| leads.admit(candidate)).take(places);
    admitted.map(|(place, _, _, candidate)| suggestion(settings, candidate, place)).collect()
}

/// A draw from what follows per impression may be: Beta(1 + follows, prior + impressions − follows).
fn sampled_rate(settings: &SuggestSettings, candidate: &Candidate, dice: &mut Dice) -> f64 {
    let missed = candidate.impressions.saturating_sub(candidate.follows);
    dice.beta(
        1.0 + f64::from(candidate.follows),
        f64::from(settings.prior_impressions).max(1.0) + f64::from(missed),
    )
}
