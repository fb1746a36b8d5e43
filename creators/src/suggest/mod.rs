//! Whom to suggest to whom, and why.
//!
//! A list has two kinds of places. Most go by relevance: what reader and creator both hold or watch, what the
//! creator has at least earned over the market, and whom the reader's own follows follow. The reserved ones,
//! one in five, go to new creators, who could not be relevant yet: first to those still owed impressions,
//! fewest first, so that everybody is shown [`SuggestSettings::guaranteed`] times whatever the rest of the
//! world thinks of them; then by Thompson sampling on follows per impression, so that the ones people want to
//! follow are shown more and the others fade.
//!
//! Everything is pure. Chance comes from a seed that is an argument: the same candidates, settings and seed
//! give the same list, in whatever order the candidates come, so any list ever shown can be replayed.
//!
//! Known limits. Impressions are counted by the caller and may lag; among those about equally short of
//! impressions, relevance and a little chance decide, so that readers of one minute do not all get one person.

mod rank;
mod reserve;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trial;

use std::collections::BTreeSet;

use madang_core::ids::{TickerId, UserId};

/// A creator and what connects them to the reader.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Who.
    pub user: UserId,
    /// Tickers both hold, of those each discloses.
    pub shared_holdings: Vec<TickerId>,
    /// Tickers the reader watches and the creator writes about or holds.
    pub shared_watched: Vec<TickerId>,
    /// What the creator is known for, if for anything.
    pub lead_ticker: Option<TickerId>,
    /// Yearly market excess the creator has at least, in log return, if eligible and disclosed.
    pub lower_bound: Option<f64>,
    /// People the reader follows who follow the creator.
    pub followed_by_follows: u32,
    /// Times this reader was shown the creator as a suggestion within fourteen days.
    pub seen_by_reader: u32,
    /// Days since the first post or disclosure, whichever came first.
    pub age_days: u32,
    /// Times anybody was shown the creator as a suggestion.
    pub impressions: u32,
    /// Follows that came of these.
    pub follows: u32,
}

/// Why somebody is suggested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReasonKind {
    /// Holds what the reader holds.
    SharedHoldings,
    /// Is about what the reader watches.
    SharedWatched,
    /// Did better than the market beyond doubt.
    LowerBound,
    /// Is followed by people the reader follows.
    FollowedByFollows,
    /// Is new.
    New,
}

impl ReasonKind {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SharedHoldings => "shared_holdings",
            Self::SharedWatched => "shared_watched",
            Self::LowerBound => "lower_bound",
            Self::FollowedByFollows => "followed_by_follows",
            Self::New => "new",
        }
    }
}

/// One reason, with what a sentence about it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Which.
    pub kind: ReasonKind,
    /// The tickers it is about, if it is about any.
    pub tickers: Vec<TickerId>,
    /// How many tickers or people.
    pub count: u32,
}

/// What a place in the list was given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Relevance.
    Relevance,
    /// A reserved place, to pay impressions owed.
    Owed,
    /// A reserved place, by Thompson sampling.
    Sampled,
}

/// A suggestion.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// Who.
    pub user: UserId,
    /// What the place was given for. The list's log needs it.
    pub place: Place,
    /// Relevance to the reader, 0 to 1.
    pub relevance: f64,
    /// Why, the weightiest first. Empty for somebody of no known relevance who fills the list.
    pub reasons: Vec<Reason>,
}

/// The constants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SuggestSettings {
    /// Weight of shared holdings: the strongest thing two people can have in common here.
    pub holdings_weight: f64,
    /// Weight of shared watched tickers: interest without money.
    pub watched_weight: f64,
    /// Weight of the lower bound.
    pub bound_weight: f64,
    /// Weight of being followed by follows.
    pub follows_weight: f64,
    /// Lower bound that earns the whole of its weight; more earns no more, so that no record outbids all else.
    pub full_bound: f64,
    /// Part of relevance lost for each time the reader was shown somebody and did not follow.
    pub fatigue: f64,
    /// Times within fourteen days after which somebody is not shown to the reader again.
    pub seen_limit: u32,
    /// Days for which a creator is new.
    pub new_days: u32,
    /// Impressions everybody is given.
    pub guaranteed: u32,
    /// One place in so many is reserved, and one at least.
    pub reserve_every: usize,
    /// Most suggestions with the same lead ticker in a list.
    pub same_lead: usize,
    /// Impressions without a follow that everybody is assumed to have had, for sampling.
    pub prior_impressions: u32,
}

impl Default for SuggestSettings {
    fn default() -> Self {
        Self {
            holdings_weight: 0.35,
            watched_weight: 0.2,
            bound_weight: 0.25,
            follows_weight: 0.2,
            full_bound: 0.3,
            fatigue: 0.1,
            seen_limit: 5,
            new_days: 30,
            guaranteed: 100,
            reserve_every: 5,
            same_lead: 3,
            prior_impressions: 20,
        }
    }
}

/// At most `size` suggestions, no one twice, nobody of `excluded`: the reader, whom the reader follows or has
/// muted, who is blocked either way or sanctioned.
pub fn suggest(
    settings: &SuggestSettings,
    candidates: &[Candidate],
    excluded: &BTreeSet<UserId>,
    size: usize,
    seed: u64,
) -> Vec<Suggestion> {
    let mut ids = BTreeSet::new();
    let mut eligible: Vec<&Candidate> = candidates
        .iter()
        .filter(|one| !excluded.contains(&one.user) && one.seen_by_reader < settings.seen_limit)
        .collect();
    eligible.sort_by_key(|one| one.user);
    eligible.retain(|one| ids.insert(one.user));
    let size = size.min(eligible.len());
    let mut leads = rank::Leads::new(settings.same_lead);
    let reserved = reserve::fill(settings, &eligible, size, seed, &mut leads);
    let taken: BTreeSet<UserId> = reserved.iter().map(|one| one.user).collect();
    let by_relevance =
        rank::fill(settings, &eligible, size.saturating_sub(reserved.len()), &taken, &mut leads);
    weave(by_relevance, reserved, settings.reserve_every)
}

/// Reserved places stand in the middle of each stretch, where they are seen: an impression at the end of a
/// list is one on paper.
fn weave(by_relevance: Vec<Suggestion>, reserved: Vec<Suggestion>, every: usize) -> Vec<Suggestion> {
    let every = every.max(1);
    let size = by_relevance.len() + reserved.len();
    let (mut relevant, mut reserved) = (by_relevance.into_iter(), reserved.into_iter());
    let mut list = Vec::with_capacity(size);
    for place in 0..size {
        let next = if place % every == every / 2 {
            reserved.next().or_else(|| relevant.next())
        } else {
            relevant.next().or_else(|| reserved.next())
        };
        list.extend(next);
    }
    list
}
