//! Texts that claim a profit. A post that does and carries no card is marked "unverified".
//!
//! Rules only, in Korean and English, so that a mark can be explained and costs microseconds. A text is cut
//! into sentences; in each, a rule looks for a person's own gain (a share, a multiple, an amount, proof of
//! it), and words that make it something else put the rule aside: questions, wishes and conditions, other
//! people's gains, warnings, a company's or a market's figures. A mark accuses nobody: it says that nothing
//! was verified, so what is in doubt is left unmarked.
//!
//! Limits. Numbers in pictures are not read. Letters taken apart (`수 익 률`), slang made up after this was
//! written and gains without a number or a claim of proof are not found. A quoted claim of somebody else
//! without a word that names them counts as the author's.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use super::claim_patterns::{
    ENGLISH_FIGURES, ENGLISH_OTHERS, ENGLISH_SELF, ENGLISH_UNREAL, KOREAN_FIGURES, KOREAN_OTHERS,
    KOREAN_SELF, KOREAN_UNREAL, NUMBER, PATTERNS, SHARE, WARNING,
};

/// A claim found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Which rule found it.
    pub rule: &'static str,
    /// Bytes of the text that make the claim.
    pub span: Range<usize>,
}

/// What else a sentence may be about, for which some rules step aside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// Any sentence in that language that is no statement about the past of oneself.
    Always,
    /// Nothing but a question or a warning: the words are bold enough.
    Bold,
    /// As `Always`, and figures of companies and markets.
    Figures,
}

struct Rule {
    name: &'static str,
    korean: bool,
    doubt: Doubt,
    pattern: Regex,
}

struct Rules {
    rules: Vec<Rule>,
    warning: Regex,
    korean_unreal: Regex,
    korean_others: Regex,
    korean_figures: Regex,
    korean_self: Regex,
    english_unreal: Regex,
    english_others: Regex,
    english_figures: Regex,
    english_self: Regex,
}

static RULES: LazyLock<Option<Rules>> = LazyLock::new(Rules::load);

fn regex(pattern: &str) -> Option<Regex> {
    let whole = pattern.replace("<N>", NUMBER).replace("<P>", SHARE);
    Regex::new(&format!("(?i){whole}")).ok()
}

impl Rules {
    /// Nothing, if a pattern here is wrong; a test holds them to be right.
    fn load() -> Option<Self> {
        let rules = PATTERNS.iter().map(|(name, korean, doubt, pattern)| {
            Some(Rule { name, korean: *korean, doubt: *doubt, pattern: regex(pattern)? })
        });
        Some(Self {
            rules: rules.collect::<Option<_>>()?,
            warning: regex(WARNING)?,
            korean_unreal: regex(KOREAN_UNREAL)?,
            korean_others: regex(KOREAN_OTHERS)?,
            korean_figures: regex(KOREAN_FIGURES)?,
            korean_self: regex(KOREAN_SELF)?,
            english_unreal: regex(ENGLISH_UNREAL)?,
            english_others: regex(ENGLISH_OTHERS)?,
            english_figures: regex(ENGLISH_FIGURES)?,
            english_self: regex(ENGLISH_SELF)?,
        })
    }

    fn stands_aside(&self, rule: &Rule, sentence: &str, claim: &str) -> bool {
        if self.warning.is_match(sentence) {
            return true;
        }
        if rule.doubt == Doubt::Bold {
            return false;
        }
        let (unreal, others, figures, own) = if rule.korean {
            (&self.korean_unreal, &self.korean_others, &self.korean_figures, &self.korean_self)
        } else {
            (&self.english_unreal, &self.english_others, &self.english_figures, &self.english_self)
        };
        // in English the subject stands in the claim, in Korean anywhere before it
        let mine = own.is_match(if rule.korean { sentence } else { claim });
        unreal.is_match(sentence)
            || !mine && others.is_match(sentence)
            || rule.doubt == Doubt::Figures && figures.is_match(sentence)
    }
}

/// The first claim of a profit that the author makes, if there is one.
pub fn profit_claim(text: &str) -> Option<Claim> {
    let rules = RULES.as_ref()?;
    sentences(text).find_map(|place| {
        let sentence = text.get(place.clone())?;
        if sentence.trim_end().ends_with(['?', '？']) {
            return None;
        }
        let hangul = sentence.chars().any(|letter| ('가'..='힣').contains(&letter));
        let latin = sentence.bytes().any(|byte| byte.is_ascii_alphabetic());
        let found =
            rules.rules.iter().filter(|rule| if rule.korean { hangul } else { latin }).find_map(|rule| {
                let found = rule.pattern.find(sentence)?;
                (!rules.stands_aside(rule, sentence, found.as_str())).then_some((rule.name, found))
            });
        found
            .map(|(rule, found)| Claim { rule, span: place.start + found.start()..place.start + found.end() })
    })
}

/// Words whose point ends no sentence.
const SHORTENED: [&str; 8] = ["Inc", "Corp", "Co", "Ltd", "Mr", "Dr", "vs", "approx"];

/// Where the sentences of a text are, their last sign included. A point between digits ends none.
fn sentences(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut from = 0;
    let mut signs = text.char_indices().peekable();
    std::iter::from_fn(move || {
        while let Some((at, sign)) = signs.next() {
            let next = signs.peek().map(|(_, next)| *next);
            let ends = match sign {
                '\n' | '!' | '?' | ';' | '？' | '！' | '。' => next != Some(sign),
                '.' => {
                    let before = text.get(from..at).unwrap_or_default();
                    let word = before.rsplit(char::is_whitespace).next().unwrap_or_default();
                    next.is_none_or(char::is_whitespace) && !SHORTENED.contains(&word)
                }
                _ => false,
            };
            if ends || next.is_none() {
                let place = from..at + sign.len_utf8();
                from = place.end;
                return Some(place);
            }
        }
        None
    })
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
