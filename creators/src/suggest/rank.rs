//! Relevance of a creator to a reader, and the list by it.

use std::collections::{BTreeMap, BTreeSet};

use madang_core::ids::{TickerId, UserId};

use super::{Candidate, Place, Reason, ReasonKind, SuggestSettings, Suggestion};

/// Counts lead tickers, so that no list is about one.
pub(super) struct Leads {
    most: usize,
    counts: BTreeMap<TickerId, usize>,
}

impl Leads {
    pub(super) fn new(most: usize) -> Self {
        Self { most, counts: BTreeMap::new() }
    }

    /// Takes one more of this lead ticker, if there may be one more.
    pub(super) fn admit(&mut self, candidate: &Candidate) -> bool {
        let Some(ticker) = candidate.lead_ticker else { return true };
        let count = self.counts.entry(ticker).or_default();
        let fits = *count < self.most;
        *count += usize::from(fits);
        fits
    }
}

/// The most relevant, as many as there are places; the lower id where two are equal.
pub(super) fn fill(
    settings: &SuggestSettings,
    eligible: &[&Candidate],
    places: usize,
    taken: &BTreeSet<UserId>,
    leads: &mut Leads,
) -> Vec<Suggestion> {
    let free = eligible.iter().filter(|one| !taken.contains(&one.user));
    let mut ranked: Vec<(f64, &Candidate)> =
        free.map(|candidate| (relevance(settings, candidate), *candidate)).collect();
    ranked.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.user.cmp(&right.1.user)));
    let chosen = ranked.into_iter().filter(|(_, candidate)| leads.admit(candidate)).take(places);
    chosen.map(|(_, candidate)| suggestion(settings, candidate, Place::Relevance)).collect()
}

pub(super) fn suggestion(settings: &SuggestSettings, candidate: &Candidate, place: Place) -> Suggestion {
    let mut parts = parts(settings, candidate);
    parts.retain(|(weight, _)| *weight > 0.0);
    parts.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.kind.cmp(&right.1.kind)));
    let mut reasons: Vec<Reason> = parts.into_iter().map(|(_, reason)| reason).collect();
    if is_new(settings, candidate) {
        reasons.push(Reason { kind: ReasonKind::New, tickers: Vec::new(), count: 0 });
    }
    Suggestion { user: candidate.user, place, relevance: relevance(settings, candidate), reasons }
}

pub(super) fn is_new(settings: &SuggestSettings, candidate: &Candidate) -> bool {
    candidate.age_days < settings.new_days || is_owed(settings, candidate)
}

pub(super) fn is_owed(settings: &SuggestSettings, candidate: &Candidate) -> bool {
    candidate.impressions < settings.guaranteed
}

pub(super) fn relevance(settings: &SuggestSettings, candidate: &Candidate) -> f64 {
    let whole: f64 = parts(settings, candidate).iter().map(|(weight, _)| weight).sum();
    let fresh = 1.0 - settings.fatigue * f64::from(candidate.seen_by_reader);
    let relevance = whole * fresh.max(0.0);
    if relevance.is_finite() { relevance.clamp(0.0, 1.0) } else { 0.0 }
}

/// Each count saturates: the first thing in common says most. One shared holding is half its weight, two
/// shared watched tickers or three follows are half of theirs.
fn parts(settings: &SuggestSettings, candidate: &Candidate) -> Vec<(f64, Reason)> {
    let saturating = |count: usize, half: f64| count as f64 / (count as f64 + half);
    let holdings = distinct(&candidate.shared_holdings);
    let watched = distinct(&candidate.shared_watched);
    let bound = candidate.lower_bound.filter(|bound| bound.is_finite()).unwrap_or(0.0);
    let earned = (bound / settings.full_bound.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
    let people = candidate.followed_by_follows as usize;
    vec![
        (
            settings.holdings_weight * saturating(holdings.len(), 1.0),
            about(ReasonKind::SharedHoldings, holdings),
        ),
        (settings.watched_weight * saturating(watched.len(), 2.0), about(ReasonKind::SharedWatched, watched)),
        (
            settings.bound_weight * earned,
            Reason { kind: ReasonKind::LowerBound, tickers: Vec::new(), count: 0 },
        ),
        (
            settings.follows_weight * saturating(people, 3.0),
            Reason {
                kind: ReasonKind::FollowedByFollows,
                tickers: Vec::new(),
                count: candidate.followed_by_follows,
            },
        ),
    ]
}

fn about(kind: ReasonKind, tickers: Vec<TickerId>) -> Reason {
    let count = u32::try_from(tickers.len()).unwrap_or(u32::MAX);
    Reason { kind, tickers, count }
}

fn distinct(tickers: &[TickerId]) -> Vec<TickerId> {
    let mut seen = BTreeSet::new();
    tickers.iter().copied().filter(|ticker| seen.insert(*ticker)).collect()
}
