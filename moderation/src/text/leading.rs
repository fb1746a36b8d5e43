//! The leading-room score. Leading rooms sell tips outside the service; their invitations share few words
//! but have the same parts: a way to get in touch, bait, and a promise. Warnings about them use the same
//! words, so signs of a warning, a question or a report count against.

use std::{fmt, ops::Range};

use daachorse::CharwiseDoubleArrayAhoCorasick;
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::{
    features::{CONTACT_HOSTS, FeatureKind, PATTERNS, REDIRECT_HOSTS, WORDS},
    glyphs::Gap,
    links::{self, Link},
    screening::Context,
    views::{View, ViewKind, Views},
};

const CONTACT_HOST_WEIGHT: i32 = 3;
const REDIRECT_HOST_WEIGHT: i32 = 2;
const TRUSTED_HOST_WEIGHT: i32 = -3;
/// Most characters patterns are tried on: whatever leads out of the service is said before that.
const MAX_PATTERN_BYTES: usize = 12_000;

/// Thresholds of the leading-room rule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeadingSettings {
    /// Score that holds a contact with bait or a promise.
    pub hold_score: i32,
    /// Score that holds without a contact: enough bait is an invitation, wherever it leads.
    pub alone_score: i32,
    /// Age under which an account's contact is held by itself, in hours.
    pub new_account_hours: f64,
    /// Near-duplicates within 24 hours from which a contact is held by itself.
    pub near_duplicates: u32,
}

impl Default for LeadingSettings {
    fn default() -> Self {
        Self { hold_score: 5, alone_score: 7, new_account_hours: 7.0 * 24.0, near_duplicates: 3 }
    }
}

/// A feature that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// What it says.
    pub kind: FeatureKind,
    /// What it adds to the score.
    pub weight: i32,
    /// Where it was found first, in bytes of the original.
    pub span: Range<usize>,
}

/// How much a text looks like an invitation to a leading room.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LeadingScore {
    /// Sum of the weights.
    pub score: i32,
    /// Whether it gives a way to get in touch.
    pub contact: bool,
    /// Whether it baits.
    pub lure: bool,
    /// Whether it promises.
    pub promise: bool,
    /// Whether it warns, asks or reports.
    pub counter: bool,
    /// What was found, each feature once.
    pub features: Vec<Feature>,
}

impl LeadingScore {
    /// Whether the settings hold such a text of such an author.
    pub fn holds(&self, settings: &LeadingSettings, context: &Context) -> bool {
        let bait = self.lure || self.promise;
        let suspect = context.account_age_hours < settings.new_account_hours
            || context.near_duplicates_24h >= settings.near_duplicates;
        (self.contact && bait && self.score >= settings.hold_score)
            || (self.contact && suspect && !self.counter)
            || (self.lure && self.score >= settings.alone_score)
    }

    fn add(&mut self, name: &str, kind: FeatureKind, weight: i32, span: Range<usize>) {
        if self.features.iter().any(|feature| feature.name == name) {
            return;
        }
        self.score += weight;
        self.features.push(Feature { name: name.to_owned(), kind, weight, span });
    }

    fn has(&self, kind: FeatureKind) -> bool {
        self.features.iter().any(|feature| feature.kind == kind)
    }
}

/// The compiled features.
pub(crate) struct Detector {
    words: CharwiseDoubleArrayAhoCorasick<u32>,
    /// Features of each word.
    meant: Vec<Vec<usize>>,
    patterns: Vec<Regex>,
    links: Regex,
}

impl fmt::Debug for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detector").field("words", &self.meant.len()).finish_non_exhaustive()
    }
}

impl Detector {
    pub(crate) fn build() -> Result<Self, String> {
        let mut words = std::collections::BTreeMap::<&str, Vec<usize>>::new();
        for (at, (_, _, _, list)) in WORDS.iter().enumerate() {
            list.iter().for_each(|word| words.entry(word).or_default().push(at));
        }
        let (texts, meant): (Vec<_>, Vec<_>) = words.into_iter().unzip();
        let words = CharwiseDoubleArrayAhoCorasick::with_values(texts.iter().zip(0u32..))
            .map_err(|e| e.to_string())?;
        let patterns = PATTERNS.iter().map(|(_, _, _, pattern)| Regex::new(pattern));
        let patterns = patterns.collect::<Result<_, _>>().map_err(|e| e.to_string())?;
        let links = links::finder().map_err(|e| e.to_string())?;
        Ok(Self { words, meant, patterns, links })
    }

    /// The score of a text, and its links.
    pub(crate) fn score(&self, views: &Views, context: &Context) -> (LeadingScore, Vec<Link>) {
        let (Some(plain), Some(spelled)) = (views.plain(), views.spelled()) else {
            return Default::default();
        };
        let mut score = LeadingScore::default();
        let wire = links::wire(plain);
        let links = links::find(&self.links, &wire);
        self.add_words(&mut score, spelled);
        self.add_patterns(&mut score, &wire);
        add_links(&mut score, &links, context);
        let called = score.has(FeatureKind::Channel) && score.has(FeatureKind::Call);
        score.contact = called || score.has(FeatureKind::Contact);
        score.lure = score.has(FeatureKind::Lure);
        score.promise = score.has(FeatureKind::Promise);
        score.counter = score.has(FeatureKind::Counter);
        (score, links)
    }

    fn add_words(&self, score: &mut LeadingScore, spelled: &View) {
        let glyphs = spelled.glyphs.iter().filter(|glyph| glyph.c != ' ');
        let dense = View::new(
            ViewKind::Composed,
            glyphs.map(|g| super::glyphs::Glyph { gap: Gap::None, ..*g }).collect(),
        );
        let mut known = [false; WORDS.len()];
        for found in self.words.find_overlapping_iter(&dense.text) {
            for at in self.meant.get(found.value() as usize).into_iter().flatten() {
                let (Some(known), Some((name, kind, weight, _))) = (known.get_mut(*at), WORDS.get(*at))
                else {
                    continue;
                };
                if !std::mem::replace(known, true) {
                    score.add(name, *kind, *weight, dense.original(found.start()..found.end()));
                }
            }
        }
    }

    fn add_patterns(&self, score: &mut LeadingScore, wire: &View) {
        let text = wire.text.get(..wire.text.floor_char_boundary(MAX_PATTERN_BYTES)).unwrap_or_default();
        for (regex, (name, kind, weight, _)) in self.patterns.iter().zip(PATTERNS) {
            if let Some(found) = regex.find(text) {
                score.add(name, kind, weight, wire.original(found.range()));
            }
        }
    }
}

fn add_links(score: &mut LeadingScore, links: &[Link], context: &Context) {
    for link in links {
        if link.is_at(context.trusted_hosts) {
            score.add("trusted_host", FeatureKind::Counter, TRUSTED_HOST_WEIGHT, link.span.clone());
        } else if link.is_at(&CONTACT_HOSTS) {
            score.add("contact_host", FeatureKind::Contact, CONTACT_HOST_WEIGHT, link.span.clone());
        } else if link.is_at(&REDIRECT_HOSTS) && link.address.contains('/') {
            score.add("redirect_host", FeatureKind::Contact, REDIRECT_HOST_WEIGHT, link.span.clone());
        }
    }
}
