//! Posts against trades.

use chrono::{DateTime, TimeDelta, Utc};
use madang_core::posts::Stance;
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::{Contradiction, DeedSettings, Kind, OwnPost, OwnTrade, Side};

/// Everything in which these trades contradict these posts, in order of publication; of one post at most one
/// contradiction after it and one before it. Both lists belong to one author and one ticker, in any order.
pub fn contradictions(settings: &DeedSettings, posts: &[OwnPost], trades: &[OwnTrade]) -> Vec<Contradiction> {
    let mut posts: Vec<OwnPost> = posts.iter().filter(|post| post.stance != Stance::None).copied().collect();
    posts.sort_by_key(|post| (post.at, post.id));
    let mut trades: Vec<OwnTrade> =
        trades.iter().filter(|trade| trade.quantity > Decimal::ZERO).copied().collect();
    trades.sort_by_key(|trade| (trade.at, trade.id));
    let record = Record { settings, posts: &posts, trades: &trades };
    posts.iter().flat_map(|post| [record.before(post), record.after(post)]).flatten().collect()
}

struct Record<'a> {
    settings: &'a DeedSettings,
    posts: &'a [OwnPost],
    trades: &'a [OwnTrade],
}

/// What trades of a stretch of time came to.
struct Tally {
    /// The most that was sold (or bought) net at any time in the stretch: buying back later undoes nothing.
    most: Decimal,
    /// The trades against the post up to that time.
    trades: Vec<i64>,
    first: Option<DateTime<Utc>>,
}

impl Record<'_> {
    fn after(&self, post: &OwnPost) -> Option<Contradiction> {
        let against = if post.stance == Stance::Bull { Side::Sell } else { Side::Buy };
        let until = moved(post.at, self.settings.after);
        let window: Vec<&OwnTrade> =
            self.between(post.at, until).filter(|trade| !self.is_said(trade, post)).collect();
        let held = self.held_at(post.at);
        let base = self.base(held, post.at);
        let built = self.net_bought_before(post);
        let tally = tally(&window, against);
        let material = tally.most > Decimal::ZERO && tally.most >= times(self.settings.material, base);
        if material {
            let built_for_it = built >= times(self.settings.material, base);
            let kind = match (post.stance, built_for_it) {
                (Stance::Bull, true) => Kind::Scalped,
                (Stance::Bull, false) => Kind::SoldAfterBull,
                _ => Kind::BoughtAfterBear,
            };
            return contradiction(kind, post, tally, base);
        }
        if post.stance == Stance::Bull { self.round_trip(post, &window, base) } else { None }
    }

    /// Bought right after praising it and sold to those who followed: the net says nothing, the two do.
    fn round_trip(&self, post: &OwnPost, window: &[&OwnTrade], base: Decimal) -> Option<Contradiction> {
        let first_buy = window.iter().position(|trade| trade.side == Side::Buy)?;
        let from_there = window.get(first_buy..).unwrap_or_default();
        let bought = sum(from_there, Side::Buy);
        let sold: Vec<&OwnTrade> =
            from_there.iter().filter(|trade| trade.side == Side::Sell).copied().collect();
        let tally = tally(&sold, Side::Sell);
        let whole = base.saturating_add(bought);
        let built = bought >= times(self.settings.material, whole);
        let undone = tally.most >= times(self.settings.sold_before, bought);
        let material = tally.most > Decimal::ZERO && tally.most >= times(self.settings.material, whole);
        if built && undone && material { contradiction(Kind::Scalped, post, tally, whole) } else { None }
    }

    fn before(&self, post: &OwnPost) -> Option<Contradiction> {
        if post.stance != Stance::Bull {
            return None;
        }
        let from = moved(post.at, -self.settings.before);
        let window: Vec<&OwnTrade> =
            self.between(from, post.at).filter(|trade| !self.is_said_before(trade, post)).collect();
        let base = self.base(self.held_at(from), from);
        // Here buying back does count: who holds it again when praising it says what is so.
        let sold = sum(&window, Side::Sell).saturating_sub(sum(&window, Side::Buy));
        if sold <= Decimal::ZERO || sold < times(self.settings.sold_before, base) {
            return None;
        }
        let sales: Vec<&OwnTrade> = window.iter().filter(|trade| trade.side == Side::Sell).copied().collect();
        let last = sales.last().map(|trade| trade.at);
        let tally = Tally { most: sold, trades: sales.iter().map(|trade| trade.id).collect(), first: last };
        contradiction(Kind::SoldBeforeBull, post, tally, base)
    }

    /// Trades later than `from`, up to `to`.
    fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> impl Iterator<Item = &OwnTrade> {
        let start = self.trades.partition_point(|trade| trade.at <= from);
        let trades = self.trades.get(start..).unwrap_or_default();
        trades.iter().take_while(move |trade| trade.at <= to)
    }

    /// What was held then, from the trades around it.
    fn held_at(&self, at: DateTime<Utc>) -> Decimal {
        let next = self.trades.partition_point(|trade| trade.at <= at);
        let held = match (next.checked_sub(1).and_then(|last| self.trades.get(last)), self.trades.get(next)) {
            (_, Some(trade)) => trade.position_before,
            (Some(trade), None) => after(trade),
            (None, None) => Decimal::ZERO,
        };
        held.max(Decimal::ZERO)
    }

    /// What a trade is measured by: the position, or a part of the largest one so far.
    fn base(&self, held: Decimal, at: DateTime<Utc>) -> Decimal {
        let earlier = self.trades.iter().take_while(|trade| trade.at <= at);
        let largest = earlier.map(|trade| trade.position_before.max(after(trade))).max().unwrap_or_default();
        held.max(times(self.settings.of_largest, largest))
    }

    fn net_bought_before(&self, post: &OwnPost) -> Decimal {
        let window: Vec<&OwnTrade> = self.between(moved(post.at, -self.settings.before), post.at).collect();
        sum(&window, Side::Buy).saturating_sub(sum(&window, Side::Sell))
    }

    /// Whether the author had turned round in public between the post and the trade, or did so at once.
    fn is_said(&self, trade: &OwnTrade, post: &OwnPost) -> bool {
        let until = moved(trade.at, self.settings.grace);
        let later = self.posts.get(self.posts.partition_point(|other| other.at <= post.at)..);
        let own_up = later.unwrap_or_default().iter().take_while(|other| other.at <= until);
        // The last word counts: who turned round and back again has said the old thing.
        let last = own_up.filter(|other| self.stood(other, trade)).last();
        last.is_some_and(|other| agrees(other.stance, trade.side))
    }

    /// Whether the author said so when selling, before praising it again.
    fn is_said_before(&self, trade: &OwnTrade, post: &OwnPost) -> bool {
        let from = moved(trade.at, -self.settings.before);
        let until = moved(trade.at, self.settings.grace).min(post.at);
        let mut near =
            self.posts.iter().filter(|other| other.at >= from && other.at <= until && other.id != post.id);
        near.rfind(|other| self.stood(other, trade)).is_some_and(|other| agrees(other.stance, trade.side))
    }

    /// A word clears a trade only if it could be read for a day after it, not if it was said to be taken back.
    fn stood(&self, post: &OwnPost, trade: &OwnTrade) -> bool {
        let until = moved(trade.at, self.settings.before);
        post.deleted_at.is_none_or(|deleted| deleted > until)
    }
}

fn contradiction(kind: Kind, post: &OwnPost, tally: Tally, base: Decimal) -> Option<Contradiction> {
    let first = tally.first?;
    let minutes = first.signed_duration_since(post.at).num_minutes().unsigned_abs();
    let share = tally.most.checked_div(base).map_or(Decimal::ONE, |share| share.min(Decimal::ONE));
    Some(Contradiction {
        kind,
        post: post.id,
        trades: tally.trades,
        hours_between: minutes as f64 / 60.0,
        share: share.to_f64().unwrap_or(1.0),
    })
}

fn tally(window: &[&OwnTrade], against: Side) -> Tally {
    let mut tally = Tally { most: Decimal::ZERO, trades: Vec::new(), first: None };
    let mut net = Decimal::ZERO;
    let mut so_far = Vec::new();
    for trade in window {
        if trade.side != against {
            net = net.saturating_sub(trade.quantity);
            continue;
        }
        net = net.saturating_add(trade.quantity);
        so_far.push(trade.id);
        tally.first = tally.first.or(Some(trade.at));
        if net > tally.most {
            tally.most = net;
            tally.trades.clone_from(&so_far);
        }
    }
    tally
}

fn agrees(stance: Stance, side: Side) -> bool {
    matches!((stance, side), (Stance::Bear, Side::Sell) | (Stance::Bull, Side::Buy))
}

fn after(trade: &OwnTrade) -> Decimal {
    match trade.side {
        Side::Buy => trade.position_before.saturating_add(trade.quantity),
        Side::Sell => trade.position_before.saturating_sub(trade.quantity),
    }
}

fn sum(trades: &[&OwnTrade], side: Side) -> Decimal {
    let ours = trades.iter().filter(|trade| trade.side == side);
    ours.fold(Decimal::ZERO, |total, trade| total.saturating_add(trade.quantity))
}

fn times(part: Decimal, whole: Decimal) -> Decimal {
    part.saturating_mul(whole)
}

fn moved(at: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    let end = if by < TimeDelta::zero() { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    at.checked_add_signed(by).unwrap_or(end)
}
