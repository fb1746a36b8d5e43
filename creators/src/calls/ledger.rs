//! Calls from posts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use madang_core::{
    ids::{PostId, TickerId, UserId},
    posts::Stance,
};

use super::{Horizon, Quotes, session::Session};

/// A post on more tickers than this takes no stance on any of them.
pub const MAX_TICKERS: usize = 2;

/// Sessions within which a ticker must trade after a post for the post to be a call: after a longer halt the
/// price answers other news.
pub const MAX_ENTRY_WAIT: usize = 5;

/// A post as it was published. Later edits of its stance or tickers are not to be given here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StancePost {
    /// Its id.
    pub id: PostId,
    /// Who wrote it.
    pub author: UserId,
    /// When it was published.
    pub at: DateTime<Utc>,
    /// What it says of its tickers.
    pub stance: Stance,
    /// What it is about.
    pub tickers: Vec<TickerId>,
    /// Whether its author has deleted it, which changes nothing here and is handed on for display.
    pub deleted: bool,
}

/// Where a call begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// The exchange's day.
    pub day: NaiveDate,
    /// When the price was made.
    pub at: DateTime<Utc>,
    /// Adjusted close of the ticker.
    pub price: f64,
    /// How many trading days came before it, for telling which calls overlap.
    pub(super) place: usize,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// The time is not over.
    Pending,
    /// The ticker had no price on the day that counts, or none to enter at.
    NoPrice,
    /// It is over.
    Known {
        /// Whether the ticker went where the stance said, against the market. No difference is not right.
        right: bool,
        /// Return of the ticker less that of the market, as a fraction, whatever the stance.
        excess: f64,
        /// When it was known.
        at: DateTime<Utc>,
    },
}

/// A stance of an author on a ticker.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The post; of several that come to the same call, the first.
    pub post: PostId,
    /// Who called.
    pub author: UserId,
    /// On what.
    pub ticker: TickerId,
    /// Bull or bear.
    pub stance: Stance,
    /// When it was published.
    pub posted: DateTime<Utc>,
    /// Whether the post has been deleted since.
    pub deleted: bool,
    /// Where it begins; nothing as long as the ticker has not traded since.
    pub entry: Option<Entry>,
    /// After one, five and twenty trading days.
    pub outcomes: [Outcome; 3],
}

/// The calls in these posts, in order of publication. Posts may be of many authors and in any order; those
/// on tickers without quotes are left out.
///
/// Posts by one author on one ticker in one direction that enter at the same close are one call: repeating
/// oneself within a trading day adds nothing. Turning round within it makes two calls, one of which is wrong.
pub fn ledger(posts: &[StancePost], quotes: &BTreeMap<TickerId, Quotes>) -> Vec<Call> {
    let mut ordered: Vec<&StancePost> = posts.iter().filter(|post| post.stance != Stance::None).collect();
    ordered.sort_by_key(|post| (post.at, post.id));
    let mut seen = BTreeSet::new();
    let mut calls = Vec::new();
    for post in ordered {
        let tickers: BTreeSet<TickerId> = post.tickers.iter().copied().collect();
        if tickers.len() > MAX_TICKERS {
            continue;
        }
        for ticker in tickers {
            let Some(quotes) = quotes.get(&ticker) else { continue };
            let call = call(post, ticker, quotes);
            let day = call.entry.map_or_else(|| quotes.day_of(post.at), |entry| entry.day);
            if seen.insert((post.author, ticker, post.stance.column(), day)) {
                calls.push(call);
            }
        }
    }
    calls
}

fn call(post: &StancePost, ticker: TickerId, quotes: &Quotes) -> Call {
    let first = quotes.first_after(post.at);
    let tradable = (first..first.saturating_add(MAX_ENTRY_WAIT))
        .find_map(|place| quotes.session(place).and_then(|session| entry_at(place, session)));
    let waited_long = quotes.session(first.saturating_add(MAX_ENTRY_WAIT - 1)).is_some();
    let outcomes = Horizon::ALL.map(|horizon| match tradable {
        Some(entry) => outcome(&entry, post.stance, horizon, quotes),
        None if waited_long => Outcome::NoPrice,
        None => Outcome::Pending,
    });
    Call {
        post: post.id,
        author: post.author,
        ticker,
        stance: post.stance,
        posted: post.at,
        deleted: post.deleted,
        entry: tradable,
        outcomes,
    }
}

fn entry_at(place: usize, session: &Session) -> Option<Entry> {
    session.close.map(|price| Entry { day: session.day, at: session.closes_at, price, place })
}

fn outcome(entry: &Entry, stance: Stance, horizon: Horizon, quotes: &Quotes) -> Outcome {
    let days = usize::try_from(horizon.days()).unwrap_or(usize::MAX);
    let (Some(from), Some(to)) =
        (quotes.session(entry.place), quotes.session(entry.place.saturating_add(days)))
    else {
        return Outcome::Pending;
    };
    let Some(close) = to.close else { return Outcome::NoPrice };
    let excess = close / entry.price - to.market / from.market;
    if !excess.is_finite() {
        return Outcome::NoPrice;
    }
    let right = match stance {
        Stance::Bull => excess > 0.0,
        Stance::Bear => excess < 0.0,
        Stance::None => false,
    };
    Outcome::Known { right, excess, at: to.closes_at }
}
