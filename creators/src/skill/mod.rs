//! Skill, not luck: what ranks a leaderboard.
//!
//! A raw return puts at the top whoever took the largest risk and was lucky. Here an account is ranked by
//! what it has *at least* earned over the market, with a stated confidence, less a penalty for its deepest
//! fall. The bound asks for evidence: a short record, a wild one, and one whose days repeat each other are
//! all bounded lower.
//!
//! Everything is pure: the days and the facts come in, a [`Standing`] goes out, the same one for the same
//! input, and no input can make it panic or yield a number that is not finite. [`simulate`] measures the
//! constants, which stand in [`SkillSettings`] with the reason for each.

mod estimate;
pub mod simulate;
#[cfg(test)]
mod tests;

/// Trading days in a year, to turn daily figures into yearly ones.
pub const YEAR_DAYS: f64 = 252.0;

/// The score of what cannot be scored; below every score that can be computed.
pub const WORST_SCORE: f64 = -1_000_000.0;

/// One trading day of an account in the window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Day {
    /// Time-weighted return of the account that day, as a fraction.
    pub account_return: f64,
    /// Return of the market that day, as a fraction.
    pub market_return: f64,
    /// Part of the account that was invested, 0 to 1. A day without any is the market missed, and counts.
    pub invested: f64,
}

/// The largest position now held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldPosition {
    /// Its share of the account, as a fraction.
    pub weight: f64,
    /// Trading days it has been held.
    pub days: u32,
}

/// What is known of the whole record. It does not begin anew when an account is closed and opened again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts {
    /// Trading days of the record.
    pub trading_days: u32,
    /// Positions opened and closed.
    pub closed_positions: u32,
    /// The largest position held, if any.
    pub largest_held: Option<HeldPosition>,
    /// Mean invested part of the account, as a fraction.
    pub mean_invested: f64,
    /// Deepest fall from a peak, as a positive fraction (0.3 is thirty per cent).
    pub max_drawdown: f64,
}

/// Why an account is not on a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ineligible {
    /// Fewer trading days in the record than the minimum.
    FewDays,
    /// Too few closed positions, and none held that is large and old enough.
    FewPositions,
    /// Mostly cash.
    LittleInvested,
    /// A ticker was too small a part of the account. Said by whoever knows both.
    LittleStake,
    /// Fewer than two days in the window, so that nothing can be said about spread.
    EmptyWindow,
    /// A figure is not a number, so the account is to be recomputed, not ranked.
    Unreadable,
}

impl Ineligible {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FewDays => "few_days",
            Self::FewPositions => "few_positions",
            Self::LittleInvested => "little_invested",
            Self::LittleStake => "little_stake",
            Self::EmptyWindow => "empty_window",
            Self::Unreadable => "unreadable",
        }
    }
}

/// How an account stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Whether it may be ranked, or every reason why not.
    pub eligible: Result<(), Vec<Ineligible>>,
    /// What ranks, more is better: `lower_bound` less the drawdown penalty, in log return a year. Finite.
    pub score: f64,
    /// Yearly excess over the market that the account has at least, one-sided, in log return. Finite.
    pub lower_bound: f64,
    /// Yearly excess as it was, in log return, neither shrunk nor bounded.
    pub mean_excess: f64,
    /// Standard error of `mean_excess`, in log return a year.
    pub standard_error: f64,
    /// Days of the window.
    pub days: u32,
}

/// The constants of eligibility and score. [`simulate`] prints what they lead to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SkillSettings {
    /// Trading days a record needs: a month. Below it no bound says anything.
    pub min_trading_days: u32,
    /// Closed positions a record needs, so that one lucky purchase is not a record.
    pub min_closed_positions: u32,
    /// Or one held position of this weight…
    pub min_held_weight: f64,
    /// … for so many trading days, so that patient people are not shut out.
    pub min_held_days: u32,
    /// Mean invested part a record needs: cash beats a falling market without any skill.
    pub min_mean_invested: f64,
    /// Standard errors between the mean and its bound, as of a normal distribution. With 1, wild accounts
    /// lead the board; with 3, those that follow the index, since everybody's bound is below nothing.
    pub z: f64,
    /// Days of no excess that every record is diluted with: a quarter. Together with `z` it lies in the middle
    /// of a plateau; a year of it at this `z` leaves index followers on top.
    pub prior_days: f64,
    /// Days of `prior_deviation` that every variance is diluted with, so that few quiet days prove nothing.
    pub prior_variance_days: f64,
    /// Standard deviation of a day's excess assumed beforehand.
    pub prior_deviation: f64,
    /// Yearly excess that a drawdown of 1 (everything) costs. Precision depends little on it between 0 and 1:
    /// it is there because a reader who follows lives through the fall.
    pub drawdown_penalty: f64,
}

impl Default for SkillSettings {
    fn default() -> Self {
        Self {
            min_trading_days: 20,
            min_closed_positions: 3,
            min_held_weight: 0.1,
            min_held_days: 20,
            min_mean_invested: 0.3,
            z: 2.0,
            prior_days: 60.0,
            prior_variance_days: 5.0,
            prior_deviation: 0.015,
            drawdown_penalty: 0.25,
        }
    }
}

/// How an account with these days and facts stands, by the usual constants.
pub fn standing(window: &[Day], facts: &Facts) -> Standing {
    standing_with(&SkillSettings::default(), window, facts)
}

/// How an account stands by these constants.
pub fn standing_with(settings: &SkillSettings, window: &[Day], facts: &Facts) -> Standing {
    let reasons = reasons_against(settings, window, facts);
    let days = u32::try_from(window.len()).unwrap_or(u32::MAX);
    let eligible = if reasons.is_empty() { Ok(()) } else { Err(reasons) };
    let Some(estimate) = estimate::estimate(settings, window) else {
        return Standing {
            eligible,
            score: WORST_SCORE,
            lower_bound: WORST_SCORE,
            mean_excess: 0.0,
            standard_error: 0.0,
            days,
        };
    };
    let drawdown = if facts.max_drawdown.is_finite() { facts.max_drawdown.clamp(0.0, 1.0) } else { 1.0 };
    let lower_bound = estimate.lower_bound.max(WORST_SCORE);
    let score = (lower_bound - settings.drawdown_penalty * drawdown).max(WORST_SCORE);
    Standing {
        eligible,
        score,
        lower_bound,
        mean_excess: estimate.mean,
        standard_error: estimate.standard_error,
        days,
    }
}

fn reasons_against(settings: &SkillSettings, window: &[Day], facts: &Facts) -> Vec<Ineligible> {
    let held_enough = facts
        .largest_held
        .is_some_and(|held| held.weight >= settings.min_held_weight && held.days >= settings.min_held_days);
    let readable = window.iter().all(|day| {
        day.account_return.is_finite() && day.market_return.is_finite() && day.invested.is_finite()
    }) && facts.mean_invested.is_finite()
        && facts.max_drawdown.is_finite()
        && facts.largest_held.is_none_or(|held| held.weight.is_finite());
    let against = [
        (facts.trading_days < settings.min_trading_days, Ineligible::FewDays),
        (facts.closed_positions < settings.min_closed_positions && !held_enough, Ineligible::FewPositions),
        // Written so that what is not a number is too little.
        (
            !matches!(facts.mean_invested, share if share >= settings.min_mean_invested),
            Ineligible::LittleInvested,
        ),
        (window.len() < 2, Ineligible::EmptyWindow),
        (!readable, Ineligible::Unreadable),
    ];
    against.into_iter().filter_map(|(holds, reason)| holds.then_some(reason)).collect()
}
