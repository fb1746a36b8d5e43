//! What screening a text says, in the form it is stored for appeals.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{
    leading::LeadingScore,
    rules::{Action, Class, Mode},
    views::ViewKind,
};

/// Hosts whose links never count: the regulator, the exchange, filings, and the large news sites.
pub const TRUSTED_HOSTS: [&str; 16] = [
    "fss.or.kr",
    "krx.co.kr",
    "go.kr",
    "kind.krx.co.kr",
    "sec.gov",
    "news.naver.com",
    "n.news.naver.com",
    "finance.naver.com",
    "hankyung.com",
    "mk.co.kr",
    "sedaily.com",
    "yna.co.kr",
    "edaily.co.kr",
    "mt.co.kr",
    "reuters.com",
    "bloomberg.com",
];

/// What is known of the author and of other texts.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// How old the account is.
    pub account_age_hours: f64,
    /// Texts of the last 24 hours that differ from this one in few bits of their SimHash.
    pub near_duplicates_24h: u32,
    /// Those of them that are by the same author.
    pub own_near_duplicates_24h: u32,
    /// Hosts whose links do not count, with everything below them.
    pub trusted_hosts: &'static [&'static str],
}

impl Default for Context {
    /// An account of good standing, and [`TRUSTED_HOSTS`].
    fn default() -> Self {
        Self {
            account_age_hours: 24.0 * 365.0,
            near_duplicates_24h: 0,
            own_near_duplicates_24h: 0,
            trusted_hosts: &TRUSTED_HOSTS,
        }
    }
}

/// What happens to a text, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Published.
    #[default]
    Allow,
    /// Published with words hidden.
    Mask,
    /// Published with less reach.
    Limit,
    /// Kept until a moderator has looked.
    Hold,
    /// Refused.
    Reject,
}

/// A rule that found something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// The rule.
    pub rule_id: i64,
    /// Its name at the time.
    pub name: String,
    /// What it is about.
    pub class: Class,
    /// The view that showed it.
    pub view: ViewKind,
    /// What it asks for.
    pub action: Action,
    /// Whether that counted.
    pub mode: Mode,
    /// Bytes of the original.
    pub span: Range<usize>,
}

/// What screening a text says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Screening {
    /// What happens to it: the strictest of what active rules ask for.
    pub outcome: Outcome,
    /// What was found, at most [`super::MAX_HITS`].
    pub hits: Vec<Hit>,
    /// The leading-room score, whether or not a rule asks for it.
    pub leading: LeadingScore,
    /// The text's fingerprint, to count near-duplicates by.
    pub simhash: u64,
    /// The text with words hidden, where an active rule asks for that.
    pub masked: Option<String>,
}

impl Screening {
    /// Whether an active rule found what a report of this class says.
    pub fn agrees(&self, class: Class) -> bool {
        self.hits.iter().any(|hit| hit.mode == Mode::Active && hit.class == class)
    }

    /// Whether an active rule found bad language of any class.
    pub fn is_foul(&self) -> bool {
        self.hits.iter().any(|hit| hit.mode == Mode::Active && hit.class.is_language())
    }
}

/// Hides byte ranges of a text: one asterisk for each character that is not white space.
pub(crate) fn mask(text: &str, mut spans: Vec<Range<usize>>) -> String {
    spans.sort_unstable_by_key(|span| span.start);
    let mut spans = spans.into_iter().peekable();
    let mut until = 0;
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        while let Some(span) = spans.next_if(|span| span.start <= at) {
            until = until.max(span.end);
        }
        out.push(if at < until && !c.is_whitespace() { '*' } else { c });
    }
    out
}
