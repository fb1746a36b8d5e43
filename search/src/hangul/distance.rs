//! How many typing mistakes lie between two texts of letters.

/// More than any distance that is asked for.
const FAR: u8 = 100;

/// How many mistakes lie between a text and each beginning of another: a missing, a needless or a wrong letter is one,
/// and so are two neighbours in the wrong order (Damerau's distance, no letter touched twice). A digit is never
/// mistaken.
#[derive(Debug, Default)]
pub struct Distances {
    rows: [Vec<u8>; 3],
}

impl Distances {
    /// Distances of at most `most` between `typed` and beginnings of `name`, as the beginning's length and the distance,
    /// shortest first.
    pub fn beginnings(&mut self, typed: &[char], name: &[char], most: u8) -> Vec<(usize, u8)> {
        let name = name.get(..typed.len() + usize::from(most)).unwrap_or(name);
        let [before, previous, current] = &mut self.rows;
        // One row a letter of the name; the last cell of a row is the distance of all that was typed.
        previous.clear();
        previous.push(0);
        let mut left = 0;
        for letter in typed {
            left = add(left, cost(*letter));
            previous.push(left);
        }
        before.clear();
        let mut found = Vec::new();
        let mut above = None;
        note(0, previous, most, &mut found);
        for (at, letter) in name.iter().enumerate() {
            next_row(current, previous, before, typed, *letter, above);
            note(at + 1, current, most, &mut found);
            if current.iter().all(|distance| *distance > most) {
                break;
            }
            above = Some(*letter);
            std::mem::swap(before, previous);
            std::mem::swap(previous, current);
        }
        found
    }

    /// The distance of the two texts, if it is at most `most`.
    pub fn between(&mut self, typed: &[char], name: &[char], most: u8) -> Option<u8> {
        if typed.len().abs_diff(name.len()) > usize::from(most) {
            return None;
        }
        self.beginnings(typed, name, most).into_iter().find(|(end, _)| *end == name.len()).map(|(_, far)| far)
    }
}

fn note(end: usize, row: &[u8], most: u8, found: &mut Vec<(usize, u8)>) {
    if let Some(distance) = row.last().filter(|distance| **distance <= most) {
        found.push((end, *distance));
    }
}

/// The row of a letter of the name, from the one before it and the one before that; `above` is the letter before.
fn next_row(
    row: &mut Vec<u8>,
    previous: &[u8],
    before: &[u8],
    typed: &[char],
    letter: char,
    above: Option<char>,
) {
    row.clear();
    let mut left = add(previous.first().copied().unwrap_or(FAR), cost(letter));
    row.push(left);
    let mut last = None;
    for (at, c) in typed.iter().enumerate() {
        let diagonal = previous.get(at).copied().unwrap_or(FAR);
        let over = previous.get(at + 1).copied().unwrap_or(FAR);
        let same = if *c == letter { diagonal } else { add(diagonal, cost(*c).max(cost(letter))) };
        let mut best = same.min(add(left, cost(*c))).min(add(over, cost(letter)));
        if last == Some(letter) && above == Some(*c) {
            let crossed = at.checked_sub(1).and_then(|at| before.get(at)).copied().unwrap_or(FAR);
            best = best.min(add(crossed, cost(*c).max(cost(letter))));
        }
        row.push(best);
        left = best;
        last = Some(*c);
    }
}

fn add(distance: u8, cost: u8) -> u8 {
    distance.saturating_add(cost).min(FAR)
}

fn cost(letter: char) -> u8 {
    if letter.is_numeric() { FAR } else { 1 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hangul::letters;

    fn between(a: &str, b: &str) -> Option<u8> {
        Distances::default().between(&letters(a), &letters(b), 3)
    }

    #[test]
    fn mistakes_are_counted_in_letters() {
        assert_eq!(between("삼송전자", "삼성전자"), Some(1));
        assert_eq!(between("셑트리온", "셀트리온"), Some(1));
        assert_eq!(between("mircosoft", "microsoft"), Some(1));
        assert_eq!(between("teslla", "tesla"), Some(1));
        assert_eq!(between("tsela", "tesla"), Some(1));
        assert_eq!(between("palantr", "palantir"), Some(1));
        assert_eq!(between("", "abc"), Some(3));
        assert_eq!(between("abcd", "wxyz"), None);
    }

    #[test]
    fn digits_are_never_mistaken() {
        assert_eq!(between("005930", "005935"), None);
        assert_eq!(between("hbm3", "hbm"), None);
        assert_eq!(between("1a2", "12"), Some(1));
        assert_eq!(between("12", "21"), None);
    }

    #[test]
    fn beginnings_are_found() {
        let found = Distances::default().beginnings(&letters("삼송전"), &letters("삼성전자"), 1);
        assert_eq!(found, [(9, 1)]);
    }

    proptest! {
        #[test]
        fn distance_is_symmetric_and_nothing_for_the_same(a in "[가-깋a-c]{0,8}", b in "[가-깋a-c]{0,8}") {
            prop_assert_eq!(between(&a, &b), between(&b, &a));
            prop_assert_eq!(between(&a, &a), Some(0));
        }
    }
}
