//! Queries about people, drawn from the handles and names that are loaded.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result};
use rand::{RngExt, seq::SliceRandom};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{
    judged::{Query, RIGHT},
    korean::{initials, is_korean, slip, swapped},
};
use crate::bench::stores::Postgres;

const SEED: u64 = 36;
/// Queries of each kind.
const EACH: usize = 30;

/// Whoever is loaded; opaque handles of archives are nothing anybody types.
const PEOPLE: &str = "SELECT handle || E'\\t' || name FROM users
    WHERE deleted_at IS NULL AND role <> 'service' AND handle !~ '^u_[0-9a-f]+$' ORDER BY id";

#[derive(Debug)]
struct Person {
    handle: String,
    name: String,
}

impl Person {
    fn names(&self) -> [String; 2] {
        [self.handle.to_lowercase(), self.name.to_lowercase()]
    }
}

/// Draws them; the same people give the same queries.
pub(crate) async fn queries(database: &Postgres) -> Result<Vec<Query>> {
    let mut people = Vec::new();
    for line in database.sql(PEOPLE).await?.lines() {
        let (handle, name) = line.split_once('\t').context("somebody has no name")?;
        people.push(Person { handle: handle.to_owned(), name: name.to_owned() });
    }
    let mut dice = ChaCha8Rng::seed_from_u64(SEED);
    let mut asked = HashSet::new();
    let mut queries = Vec::new();
    for kind in ["exact", "name", "prefix", "typo", "initials"] {
        let mut order: Vec<&Person> = people.iter().collect();
        order.shuffle(&mut dice);
        let drawn = order.into_iter().filter_map(|person| one(kind, person, &people, &mut dice));
        queries.extend(drawn.filter(|query| asked.insert(query.text.clone())).take(EACH));
    }
    Ok(queries)
}

fn one(kind: &'static str, person: &Person, people: &[Person], dice: &mut ChaCha8Rng) -> Option<Query> {
    let handle = person.handle.to_lowercase();
    let length = handle.chars().count();
    let text = match kind {
        "exact" => handle.clone(),
        "name" => person.name.clone(),
        "prefix" => (length >= 6).then(|| handle.chars().take(length - 2).collect::<String>())?,
        "typo" => mistyped(&handle, dice)?,
        _ => Some(initials(&handle)).filter(|_| is_korean(&handle) && length >= 4)?,
    };
    let wanted = text.to_lowercase();
    // Nobody takes the end of a word for a beginning of somebody's name.
    if wanted.ends_with('_') {
        return None;
    }
    let right = |other: &&Person| match kind {
        "exact" | "name" => other.names().contains(&wanted),
        "prefix" => other.names().iter().any(|name| name.starts_with(&wanted)),
        "typo" => other.handle == person.handle,
        _ => other.names().iter().any(|name| initials(name).starts_with(&wanted)),
    };
    // A slip that is somebody else's name is no slip.
    if kind == "typo" && people.iter().any(|other| other.names().contains(&wanted)) {
        return None;
    }
    let grades: HashMap<String, u8> =
        people.iter().filter(right).map(|other| (other.handle.clone(), RIGHT)).collect();
    Some(Query { kind, text, grades })
}

fn mistyped(handle: &str, dice: &mut ChaCha8Rng) -> Option<String> {
    let at = dice.random_range(0..100);
    let length = handle.chars().count();
    if is_korean(handle) {
        slip(handle, at).filter(|_| length >= 4)
    } else {
        // With other digits it is another person's handle, not a slip.
        let same_digits = |wrong: &String| digits(wrong) == digits(handle);
        swapped(handle, at).filter(same_digits).filter(|_| length >= 6 && handle.is_ascii())
    }
}

fn digits(handle: &str) -> String {
    handle.chars().filter(char::is_ascii_digit).collect()
}
