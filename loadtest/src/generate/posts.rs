//! Who writes when about what: everything of a post but its words.

use super::dice::{Dice, Purpose, Weighted};
use super::market::Market;
use super::people::People;
use super::profile;

/// What a post is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Post,
    /// Answers the post at this position.
    Reply(u32),
    /// Repeats the post at this position.
    Repost(u32),
}

/// How the writer feels about the company.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mood {
    Bull,
    Bear,
    Flat,
}

/// A post without its words. Positions in the list are in order of time.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) at: i64,
    pub(crate) author: u32,
    pub(crate) korean: bool,
    pub(crate) kind: Kind,
    pub(crate) mood: Mood,
    /// The mood is also given as the post's stance.
    pub(crate) takes_stance: bool,
    /// It follows results that just came out.
    pub(crate) on_results: bool,
    /// The company it is about, by position in the market, whether or not it names one.
    pub(crate) subject: usize,
    /// The companies it names, at most five.
    pub(crate) tickers: Vec<usize>,
    /// Likes in the outside world.
    pub(crate) likes: u64,
}

/// Sentences of mood are more likely with the price behind them; a change of a per cent counts.
const NOTABLE_CHANGE: i64 = 100;

/// `count` posts in order of time, none of them a reply or repost yet.
pub(crate) fn draft(seed: u64, market: &Market, people: &People, count: u32) -> Vec<Post> {
    let mut dice = Dice::new(seed, Purpose::Drafts, 0);
    let named = Weighted::new(profile::TICKERS_IN_A_POST);
    let mut posts: Vec<Post> = (0..count).map(|_| one(&mut dice, market, people, &named)).collect();
    posts.sort_by_key(|post| post.at);
    posts
}

fn one(dice: &mut Dice, market: &Market, people: &People, named: &Weighted) -> Post {
    let author = people.writer(dice);
    let korean = people.get(author).is_some_and(|person| person.korean);
    let home = dice.chance(if korean { 720 } else { 120 });
    let subject = market.draw(dice, home);
    let (at, event) = market.moment(dice, subject);
    let mood = mood(dice, market, subject, at, event.map(|event| event.good));
    let count = named.draw(dice);
    let tickers = tickers(dice, market, subject, home, count);
    Post {
        at,
        author,
        korean,
        kind: Kind::Post,
        mood,
        takes_stance: mood != Mood::Flat && !tickers.is_empty() && dice.chance(550),
        on_results: event.is_some() && dice.chance(750),
        subject,
        tickers,
        likes: dice.quantile(profile::LIKES),
    }
}

fn tickers(dice: &mut Dice, market: &Market, subject: usize, home: bool, count: usize) -> Vec<usize> {
    let mut named = Vec::with_capacity(count);
    named.extend((count > 0).then_some(subject));
    while named.len() < count {
        let other = market.draw(dice, home);
        if !named.contains(&other) {
            named.push(other);
        }
    }
    named
}

fn mood(dice: &mut Dice, market: &Market, subject: usize, at: i64, surprise: Option<bool>) -> Mood {
    let (date, hour) = market.clock(subject).local(at);
    // Before noon the day's close would be news from the future.
    let date = if hour < 12 { date.pred_opt().unwrap_or(date) } else { date };
    let change = market.listings.get(subject).map_or(0, |listing| listing.price_on(date).1);
    let (bull, bear) = match surprise {
        Some(true) => (620, 180),
        Some(false) => (240, 520),
        None if change >= NOTABLE_CHANGE => (500, 200),
        None if change <= -NOTABLE_CHANGE => (300, 400),
        None => (400, 280),
    };
    match dice.below(1000) {
        drawn if drawn < bull => Mood::Bull,
        drawn if drawn < bull + bear => Mood::Bear,
        _ => Mood::Flat,
    }
}
