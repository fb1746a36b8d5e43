//! Whose accounts the broker reports: those whom readers meet, so mostly the followed and the talkative.

use std::collections::BTreeSet;

use super::floor::Floor;
use super::shape::Shape;
use super::words::Words;
use crate::generate::dice::{Dice, Purpose, Weighted};
use crate::generate::people::People;

/// The most followed and the most talkative so many have an account each.
const FIRST: usize = 40;
/// Weight of the most talkative one, in followers.
const TALK_WEIGHT: u64 = 2_000;
/// Breaches of one's word that make a habit.
const HABIT: usize = 4;

/// At most `count` people with their shapes. Who they are depends on the people alone, so that they are the same
/// whenever a community is generated, but for the word-breakers, who need posts to break.
pub(super) fn draw(
    seed: u64,
    floor: &Floor,
    people: &People,
    words: &Words,
    count: usize,
) -> Vec<(u32, Shape)> {
    let mut dice = Dice::new(seed, Purpose::Roster, 0);
    let count = count.min(people.all.len());
    let mut members = members(&mut dice, people, count);
    let mut shapes = shapes(&mut dice, count);
    let mut roster = Vec::with_capacity(count);
    let breakers = shapes.iter().filter(|shape| **shape == Shape::WordBreaker).count();
    let talkative = people.writers().iter().copied();
    let able: Vec<u32> = talkative
        .filter(|writer| members.contains(writer) && words.chances(floor, *writer).len() >= HABIT)
        .take(breakers)
        .collect();
    roster.extend(able.iter().map(|author| (*author, Shape::WordBreaker)));
    members.retain(|author| !able.contains(author));
    shapes.retain(|shape| *shape != Shape::WordBreaker);
    // Where nobody talks enough the rest are as others.
    shapes.resize(members.len(), Shape::Ordinary);
    roster.extend(members.into_iter().zip(shapes));
    roster
}

fn members(dice: &mut Dice, people: &People, count: usize) -> Vec<u32> {
    let mut followed: Vec<u32> = (0_u32..).take(people.all.len()).collect();
    followed
        .sort_by_key(|author| people.get(*author).map_or(0, |person| u64::MAX - person.outside_followers));
    let mut seen = BTreeSet::new();
    let first = followed.iter().take(FIRST).chain(people.writers().iter().take(FIRST)).copied();
    let mut members: Vec<u32> = first.filter(|author| seen.insert(*author)).take(count).collect();
    let talk = |rank: usize| TALK_WEIGHT / (rank as u64 + 1);
    let ranked = people.writers().iter().enumerate();
    let weights = Weighted::new(ranked.map(|(rank, author)| 1 + people.followers_of(*author) + talk(rank)));
    // Draws that find somebody drawn before are many once most are in; then anyone will do.
    for _ in 0..count * 20 {
        if members.len() == count {
            break;
        }
        let drawn = people.writers().get(weights.draw(dice)).copied();
        members.extend(drawn.filter(|author| seen.insert(*author)));
    }
    let left: Vec<u32> = followed.into_iter().filter(|author| !seen.contains(author)).collect();
    members.extend(left.into_iter().take(count.saturating_sub(members.len())));
    dice.shuffle(&mut members);
    members
}

/// The rare ones first, the others mixed.
fn shapes(dice: &mut Dice, count: usize) -> Vec<Shape> {
    let all = |wanted: fn(Shape) -> bool| {
        let counts = Shape::COUNTS.iter().filter(move |(shape, _)| wanted(*shape));
        counts.flat_map(|(shape, count)| std::iter::repeat_n(*shape, *count))
    };
    let is_rare = |shape| matches!(shape, Shape::WordBreaker | Shape::CherryPicker);
    let mut shapes: Vec<Shape> = all(is_rare).collect();
    let mut others: Vec<Shape> =
        all(|shape| !matches!(shape, Shape::WordBreaker | Shape::CherryPicker)).collect();
    dice.shuffle(&mut others);
    shapes.extend(others);
    shapes.resize(count, Shape::Ordinary);
    shapes
}
