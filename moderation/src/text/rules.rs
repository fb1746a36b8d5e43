//! Rules as data, and what becomes of them: a set that is compiled once and then only read.

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::{
    leading::{Detector, LeadingSettings},
    limits::{BadRule, MAX_RULES, check_least, check_words, compile_pattern},
    matcher::{Builder, Matcher},
    screening::Outcome,
};

/// What a rule is about, which is also what a report can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Swear words.
    Profanity,
    /// Insults to a person or a group, with or without swear words.
    Abuse,
    /// Sexual vulgarity.
    Sexual,
    /// Threats and cruelty that nobody should have to wait for a moderator with.
    Threat,
    /// Invitations to "leading rooms", which sell stock tips outside the service.
    LeadingRoom,
    /// Links, as such.
    Link,
    /// The same text over and over.
    Spam,
    /// Anything else an operator writes a rule for.
    Other,
}

impl Class {
    /// Whether hits of this class are bad language.
    pub const fn is_language(self) -> bool {
        matches!(self, Self::Profanity | Self::Abuse | Self::Sexual | Self::Threat)
    }
}

/// Whether a rule acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Its hits decide.
    Active,
    /// Its hits are recorded and decide nothing.
    Shadow,
    /// It is not looked at.
    Off,
}

impl Mode {
    /// The name in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Shadow => "shadow",
            Self::Off => "off",
        }
    }
}

/// What a rule asks for, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Hide the words and publish the rest.
    Mask,
    /// Publish with less reach.
    Limit,
    /// Keep until a moderator has looked.
    Hold,
    /// Refuse.
    Reject,
}

impl From<Action> for Outcome {
    fn from(action: Action) -> Self {
        match action {
            Action::Mask => Self::Mask,
            Action::Limit => Self::Limit,
            Action::Hold => Self::Hold,
            Action::Reject => Self::Reject,
        }
    }
}

/// One rule, as the database keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleSpec {
    /// Its id, named by every hit.
    pub id: i64,
    /// What moderators call it.
    pub name: String,
    /// What it is about.
    pub class: Class,
    /// Whether it acts.
    pub mode: Mode,
    /// What it asks for.
    pub action: Action,
    /// How it finds.
    pub kind: RuleKind,
}

/// How a rule finds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RuleKind {
    /// By words, in every view. `^` before a word asks for the beginning of a token, `$` after it for the
    /// end; words of loose consonants match only whole runs of them.
    Words {
        /// What to find.
        words: Vec<String>,
        /// Longer words in which a find means nothing.
        #[serde(default)]
        exceptions: Vec<String>,
        /// Words that silence the rule for the whole text.
        #[serde(default)]
        unless: Vec<String>,
    },
    /// By a regular expression over the plain view (lower case, no invisible characters).
    Pattern {
        /// The expression.
        pattern: String,
    },
    /// By the leading-room score.
    LeadingRoom {
        /// Its thresholds.
        #[serde(default)]
        settings: LeadingSettings,
    },
    /// By links of accounts that are new.
    LinkLimit {
        /// Most links to hosts that are not trusted.
        max_links: usize,
        /// How young an account is new, in hours.
        under_hours: f64,
    },
    /// By how often nearly the same text was posted in the last 24 hours, on any board.
    Repeats {
        /// From how many on.
        #[serde(default)]
        limits: Repeats,
    },
}

/// From how many near-duplicates on a text is a repetition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Repeats {
    /// Earlier ones of the same author.
    pub own: u32,
    /// Earlier ones of anybody.
    pub all: u32,
    /// Letters and digits a text must have: short ones are alike by nature.
    pub letters: usize,
}

impl Default for Repeats {
    fn default() -> Self {
        Self { own: 4, all: 30, letters: 40 }
    }
}

/// Rules ready for use.
#[derive(Debug)]
pub struct RuleSet {
    pub(crate) rules: Vec<Rule>,
    pub(crate) matcher: Matcher,
    pub(crate) patterns: Vec<(usize, Regex)>,
    pub(crate) leading: Vec<(usize, LeadingSettings)>,
    pub(crate) links: Vec<(usize, usize, f64)>,
    pub(crate) repeats: Vec<(usize, Repeats)>,
    pub(crate) detector: Detector,
}

/// What a hit says of its rule.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) class: Class,
    pub(crate) mode: Mode,
    pub(crate) action: Action,
}

impl RuleSet {
    /// Compiles rules; those that are off are checked and left out.
    pub fn compile(specs: &[RuleSpec]) -> Result<Self, BadRule> {
        if specs.len() > MAX_RULES {
            return Err(BadRule::TooManyRules { has: specs.len() });
        }
        let mut compiling = Compiling::default();
        for (at, spec) in specs.iter().enumerate() {
            if specs.iter().take(at).any(|other| other.id == spec.id) {
                return Err(BadRule::Twice { id: spec.id });
            }
            compiling.add(spec)?;
        }
        compiling.finish()
    }

    /// Rules that are not off.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether no rule is on.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

#[derive(Default)]
struct Compiling {
    rules: Vec<Rule>,
    words: Builder,
    patterns: Vec<(usize, Regex)>,
    leading: Vec<(usize, LeadingSettings)>,
    links: Vec<(usize, usize, f64)>,
    repeats: Vec<(usize, Repeats)>,
}

impl Compiling {
    fn add(&mut self, spec: &RuleSpec) -> Result<(), BadRule> {
        let RuleSpec { id, name, class, mode, action, kind } = spec;
        let at = self.rules.len();
        let on = *mode != Mode::Off;
        match kind {
            RuleKind::Words { words, exceptions, unless } => {
                check_words(*id, &[words, exceptions, unless])?;
                if on {
                    self.words.add(at, words, exceptions, unless);
                }
            }
            RuleKind::Pattern { pattern } => {
                let regex = compile_pattern(*id, pattern)?;
                self.patterns.extend(on.then_some((at, regex)));
            }
            RuleKind::LeadingRoom { settings } => {
                let scores = [
                    ("hold_score", settings.hold_score.into(), 1),
                    ("alone_score", settings.alone_score.into(), 1),
                    ("new_account_hours", settings.new_account_hours, 0),
                    ("near_duplicates", settings.near_duplicates.into(), 1),
                ];
                check_least(*id, &scores)?;
                self.leading.extend(on.then_some((at, *settings)));
            }
            RuleKind::LinkLimit { max_links, under_hours } => {
                check_least(*id, &[("under_hours", *under_hours, 0)])?;
                self.links.extend(on.then_some((at, *max_links, *under_hours)));
            }
            RuleKind::Repeats { limits } => {
                check_least(*id, &[("own", limits.own.into(), 1), ("all", limits.all.into(), 1)])?;
                self.repeats.extend(on.then_some((at, *limits)));
            }
        }
        if on {
            self.rules.push(Rule {
                id: *id,
                name: name.clone(),
                class: *class,
                mode: *mode,
                action: *action,
            });
        }
        Ok(())
    }

    fn finish(self) -> Result<RuleSet, BadRule> {
        let Self { rules, words, patterns, leading, links, repeats } = self;
        Ok(RuleSet {
            rules,
            matcher: words.build().map_err(BadRule::Automaton)?,
            patterns,
            leading,
            links,
            repeats,
            detector: Detector::build().map_err(BadRule::Automaton)?,
        })
    }
}
