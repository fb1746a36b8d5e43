//! What a rule may be, so that no rule an operator writes can exhaust the service.

use regex::{Regex, RegexBuilder};

use super::{
    glyphs::normalise,
    hangul::{is_consonant, is_syllable},
};

/// Most rules in a set.
pub const MAX_RULES: usize = 1_000;
/// Most words and exceptions of a rule.
pub const MAX_WORDS: usize = 5_000;
/// Most characters of a word.
pub const MAX_WORD_CHARS: usize = 40;
/// Most characters of a pattern.
pub const MAX_PATTERN_CHARS: usize = 500;
/// Most bytes a compiled pattern may take.
const MAX_PATTERN_BYTES: usize = 256 * 1024;
/// Most bytes of a pattern's cache while it searches.
const MAX_SEARCH_BYTES: usize = 1024 * 1024;
/// Deepest nesting of a pattern.
const MAX_NESTING: u32 = 32;

/// Why a set of rules was refused.
#[derive(Debug, thiserror::Error)]
pub enum BadRule {
    /// More rules than a set holds.
    #[error("a set holds at most {MAX_RULES} rules, this one has {has}")]
    TooManyRules {
        /// Rules given.
        has: usize,
    },
    /// Two rules with one id.
    #[error("rule {id} is there twice")]
    Twice {
        /// The id.
        id: i64,
    },
    /// More words than a rule holds.
    #[error("rule {id}: a rule holds at most {MAX_WORDS} words and exceptions, this one has {has}")]
    TooManyWords {
        /// The rule.
        id: i64,
        /// Words given.
        has: usize,
    },
    /// A word of nothing, or of one character that may stand anywhere, or one longer than allowed.
    #[error("rule {id}: {word:?} must have 2 to {MAX_WORD_CHARS} characters, or 1 between ^ and $")]
    BadWord {
        /// The rule.
        id: i64,
        /// The word.
        word: String,
    },
    /// A pattern longer than allowed.
    #[error("rule {id}: a pattern has at most {MAX_PATTERN_CHARS} characters, this one has {has}")]
    LongPattern {
        /// The rule.
        id: i64,
        /// Its length.
        has: usize,
    },
    /// A pattern that matches where there is nothing.
    #[error("rule {id}: the pattern matches an empty text")]
    EmptyMatch {
        /// The rule.
        id: i64,
    },
    /// A pattern that is none, or that grows too large when compiled.
    #[error("rule {id}: the pattern cannot be used: {source}")]
    BadPattern {
        /// The rule.
        id: i64,
        /// What is wrong with it.
        #[source]
        source: Box<regex::Error>,
    },
    /// A threshold that every text reaches, or that is no number.
    #[error("rule {id}: {name} must be {least} or more")]
    BadThreshold {
        /// The rule.
        id: i64,
        /// Which.
        name: &'static str,
        /// The least it may be.
        least: u32,
    },
    /// The words could not be made into an automaton.
    #[error("the words cannot be compiled: {0}")]
    Automaton(String),
}

/// Refuses too many words, and words that are none or would be found everywhere.
pub(crate) fn check_words(id: i64, lists: &[&Vec<String>]) -> Result<(), BadRule> {
    let has = lists.iter().map(|list| list.len()).sum();
    if has > MAX_WORDS {
        return Err(BadRule::TooManyWords { id, has });
    }
    for word in lists.iter().copied().flatten() {
        let bare = normalise(word.trim_start_matches('^').trim_end_matches('$'));
        let bare = bare.trim();
        let anchored = word.starts_with('^') && word.ends_with('$');
        let fewest = if anchored { 1 } else { 2 };
        // one syllable can be a word that nothing else contains (썅), and consonants match whole runs only
        let sure = |c| is_syllable(c) || is_consonant(c);
        let sure = bare.chars().count() == 1 && bare.chars().all(sure);
        let len = bare.chars().count();
        if len > MAX_WORD_CHARS || (len < fewest && !sure) {
            return Err(BadRule::BadWord { id, word: word.clone() });
        }
    }
    Ok(())
}

/// Refuses thresholds below what makes sense.
pub(crate) fn check_least(id: i64, thresholds: &[(&'static str, f64, u32)]) -> Result<(), BadRule> {
    let bad = thresholds.iter().find(|(_, value, least)| !(value.is_finite() && *value >= f64::from(*least)));
    bad.map_or(Ok(()), |&(name, _, least)| Err(BadRule::BadThreshold { id, name, least }))
}

/// Compiles a pattern within bounds.
pub(crate) fn compile_pattern(id: i64, pattern: &str) -> Result<Regex, BadRule> {
    let has = pattern.chars().count();
    if has > MAX_PATTERN_CHARS {
        return Err(BadRule::LongPattern { id, has });
    }
    let regex = RegexBuilder::new(pattern)
        .size_limit(MAX_PATTERN_BYTES)
        .dfa_size_limit(MAX_SEARCH_BYTES)
        .nest_limit(MAX_NESTING)
        .build()
        .map_err(|source| BadRule::BadPattern { id, source: Box::new(source) })?;
    if regex.is_match("") { Err(BadRule::EmptyMatch { id }) } else { Ok(regex) }
}
