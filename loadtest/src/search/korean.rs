//! Korean as the judges need it: particles, initials and slips. Nothing here is shared with the search that is judged.

const FIRST: u32 = 0xAC00;
const VOWELS: u32 = 21;
const FINALS: u32 = 28;
const INITIALS: [char; 19] = [
    'ㄱ', 'ㄲ', 'ㄴ', 'ㄷ', 'ㄸ', 'ㄹ', 'ㅁ', 'ㅂ', 'ㅃ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅉ', 'ㅊ', 'ㅋ', 'ㅌ',
    'ㅍ', 'ㅎ',
];

/// Particles that follow nouns, longest first.
const PARTICLES: [&str; 24] = [
    "에서는",
    "에서도",
    "으로는",
    "까지는",
    "에서",
    "으로",
    "까지",
    "부터",
    "보다",
    "처럼",
    "이랑",
    "하고",
    "은",
    "는",
    "이",
    "가",
    "을",
    "를",
    "에",
    "의",
    "도",
    "로",
    "만",
    "과",
];

/// Whether it is a syllable of Hangul.
pub(crate) fn is_syllable(c: char) -> bool {
    ('가'..='힣').contains(&c)
}

/// Whether it is written in syllables of Hangul alone.
pub(crate) fn is_korean(word: &str) -> bool {
    !word.is_empty() && word.chars().all(is_syllable)
}

/// Initial, vowel and final by number.
fn parts(c: char) -> Option<(u32, u32, u32)> {
    let at = u32::from(c).checked_sub(FIRST).filter(|_| is_syllable(c))?;
    Some((at / (VOWELS * FINALS), at / FINALS % VOWELS, at % FINALS))
}

fn whole(initial: u32, vowel: u32, last: u32) -> Option<char> {
    char::from_u32(FIRST + (initial * VOWELS + vowel) * FINALS + last)
}

/// First consonants of syllables; the rest stays.
pub(crate) fn initials(word: &str) -> String {
    let initial = |c: char| {
        let at = usize::try_from(parts(c)?.0).ok()?;
        INITIALS.get(at).copied()
    };
    word.chars().map(|c| initial(c).unwrap_or(c)).collect()
}

/// The word without a particle at its end, of which two syllables must be left.
pub(crate) fn stem(word: &str) -> &str {
    let long = |rest: &&str| rest.chars().count() >= 2;
    PARTICLES.iter().find_map(|particle| word.strip_suffix(particle).filter(long)).unwrap_or(word)
}

/// The noun with another particle than the word had.
pub(crate) fn other_particle(word: &str) -> Option<String> {
    let stem = stem(word);
    let particle = word.strip_prefix(stem).filter(|particle| !particle.is_empty())?;
    let closed = stem.chars().last().and_then(parts).is_some_and(|(.., last)| last > 0);
    let (object, topic) = if closed { ("을", "은") } else { ("를", "는") };
    Some(format!("{stem}{}", if particle == object { topic } else { object }))
}

/// The word with one vowel or consonant taken for its neighbour, at the `at`th syllable that allows it.
pub(crate) fn slip(word: &str, at: usize) -> Option<String> {
    let slipped: Vec<(usize, char)> =
        word.chars().enumerate().filter_map(|(place, c)| Some((place, slipped(c)?))).collect();
    let (place, other) = slipped.get(at.checked_rem(slipped.len())?)?;
    Some(word.chars().enumerate().map(|(n, c)| if n == *place { *other } else { c }).collect())
}

/// ㅐ and ㅔ, ㅓ and ㅏ, ㅗ and ㅜ change places; failing that, plain consonants become aspirated.
fn slipped(c: char) -> Option<char> {
    let (initial, vowel, last) = parts(c)?;
    let vowel_pairs = [(1, 5), (5, 1), (0, 4), (4, 0), (8, 13), (13, 8)];
    let initial_pairs = [(0, 15), (3, 16), (7, 17), (12, 14), (15, 0), (16, 3), (17, 7), (14, 12)];
    let swapped =
        |pairs: &[(u32, u32)], of: u32| pairs.iter().find(|(from, _)| *from == of).map(|(_, to)| *to);
    match (swapped(&vowel_pairs, vowel), swapped(&initial_pairs, initial)) {
        (Some(vowel), _) => whole(initial, vowel, last),
        (None, Some(initial)) => whole(initial, vowel, last),
        (None, None) => None,
    }
}

/// The word with two neighbouring letters that differ in each other's place, not the first.
pub(crate) fn swapped(word: &str, at: usize) -> Option<String> {
    let mut letters: Vec<char> = word.chars().collect();
    let places: Vec<usize> = (1..letters.len().saturating_sub(1))
        .filter(|place| letters.get(*place) != letters.get(place + 1))
        .collect();
    let place = *places.get(at.checked_rem(places.len())?)?;
    letters.swap(place, place + 1);
    Some(letters.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particles_are_taken_off_and_changed() {
        assert_eq!(
            (stem("실적이"), stem("실적에서는"), stem("나는"), stem("EPS가")),
            ("실적", "실적", "나는", "EPS")
        );
        assert_eq!(other_particle("실적이").as_deref(), Some("실적을"));
        assert_eq!(other_particle("주가를").as_deref(), Some("주가는"));
        assert_eq!(other_particle("실적"), None);
    }

    #[test]
    fn slips_change_one_syllable() {
        assert_eq!(slip("삼성전자", 0).as_deref(), Some("섬성전자"));
        assert_eq!(slip("배당", 0).as_deref(), Some("베당"));
        assert_eq!(slip("aa", 0), None);
        assert_eq!(swapped("margin", 0).as_deref(), Some("mragin"));
        assert_eq!(swapped("aa", 0), None);
    }

    #[test]
    fn initials_of_mixed_words_keep_what_has_none() {
        assert_eq!(initials("LG화학"), "LGㅎㅎ");
    }
}
