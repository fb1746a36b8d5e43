//! Which posts are right for a query, by a rule of its own: the words that were meant, without particles and ignoring
//! spaces and case, stand in the text near one another, or anywhere.

/// Characters, in bytes of UTF-8, that may stand between words that are near one another.
const NEAR: usize = 36;

/// A text as the rule sees it: letters and digits alone, in lower case.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What a query means.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meaning {
    /// Words, plain.
    pub(crate) words: Vec<String>,
    /// The instrument a post must be about.
    pub(crate) symbol: Option<String>,
}

impl Meaning {
    /// 2 where all words stand near one another, 1 where they, or all but one of three or more, stand anywhere; 0
    /// else. `text` is plain. Where an instrument is meant, a post that is not about it is worth 1 at most.
    pub(crate) fn grade(&self, text: &str, symbols: &[String]) -> u8 {
        let words = self.of_words(text);
        match &self.symbol {
            Some(symbol) if !symbols.contains(symbol) => words.min(1),
            _ => words,
        }
    }

    fn of_words(&self, text: &str) -> u8 {
        let missing = self.words.iter().filter(|word| !text.contains(word.as_str())).count();
        match missing {
            0 if self.near(text) => 2,
            0 => 1,
            1 if self.words.len() >= 3 => 1,
            _ => 0,
        }
    }

    fn near(&self, text: &str) -> bool {
        let Some((first, others)) = self.words.split_first() else { return false };
        let span = NEAR + self.words.iter().map(String::len).sum::<usize>();
        let close = |at: usize, word: &String| {
            text.match_indices(word.as_str()).any(|(other, _)| other.abs_diff(at) <= span)
        };
        text.match_indices(first.as_str()).any(|(at, _)| others.iter().all(|word| close(at, word)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grade(words: &[&str], text: &str) -> u8 {
        let words = words.iter().map(|word| plain(word)).collect();
        Meaning { words, symbol: None }.grade(&plain(text), &[])
    }

    #[test]
    fn spaces_case_and_particles_do_not_matter() {
        assert_eq!(grade(&["삼성전자", "실적"], "삼성 전자는 실적을 냈다"), 2);
        assert_eq!(grade(&["guide"], "The GUIDE was fine"), 2);
    }

    #[test]
    fn words_far_apart_or_all_but_one_are_worth_less() {
        let far = format!("실적 {} 배당", "가".repeat(40));
        assert_eq!(grade(&["실적", "배당"], &far), 1);
        assert_eq!(grade(&["실적", "배당", "증자"], "실적과 배당"), 1);
        assert_eq!(grade(&["실적", "증자"], "실적과 배당"), 0);
    }

    #[test]
    fn a_post_about_another_instrument_is_worth_one_at_most() {
        let meaning = Meaning { words: vec!["실적".into()], symbol: Some("XKRX:005930".into()) };
        assert_eq!(meaning.grade("실적", &["XKRX:005930".into()]), 2);
        assert_eq!(meaning.grade("실적", &[]), 1);
    }
}
