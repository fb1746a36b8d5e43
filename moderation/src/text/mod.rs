//! Text rules: bad language and invitations to leading rooms, however they are disguised.
//!
//! A text is read once into [`views`], each of which undoes one more way to hide a word. Rules are data
//! ([`RuleSpec`]), compiled to a [`RuleSet`] and matched on every view; each hit leads back to bytes of the
//! original. Screening is a function of its arguments: the same text, rules and context give the same
//! answer, and nothing is read or written on the way.

mod defaults;
pub mod evaluate;
mod features;
mod fold;
mod glyphs;
mod hangul;
pub mod leading;
mod limits;
mod links;
mod lookalike;
mod matcher;
mod rules;
mod screening;
pub mod simhash;
mod squeeze;
pub mod views;

use std::ops::Range;

pub use self::{
    defaults::default_rules,
    features::FeatureKind,
    glyphs::normalise,
    leading::{Feature, LeadingScore, LeadingSettings},
    limits::{BadRule, MAX_PATTERN_CHARS, MAX_RULES, MAX_WORD_CHARS, MAX_WORDS},
    rules::{Action, Class, Mode, Repeats, RuleKind, RuleSet, RuleSpec},
    screening::{Context, Hit, Outcome, Screening, TRUSTED_HOSTS},
};
use self::{
    links::Link,
    matcher::Found,
    rules::Rule,
    views::{ViewKind, Views},
};

/// Most hits a screening lists. What lies behind them is decided and masked all the same.
pub const MAX_HITS: usize = 100;

/// How many texts of the last 24 hours are nearly the same as one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Near {
    /// By anybody.
    pub all: u32,
    /// By the same author.
    pub own: u32,
}

/// Screens a text.
pub fn screen(rules: &RuleSet, text: &str, context: &Context) -> Screening {
    screen_among(rules, text, context, |_| Near {
        all: context.near_duplicates_24h,
        own: context.own_near_duplicates_24h,
    })
}

/// Screens a text whose near-duplicates are counted by its fingerprint.
pub fn screen_among(
    rules: &RuleSet,
    text: &str,
    context: &Context,
    near: impl FnOnce(u64) -> Near,
) -> Screening {
    let views = Views::of(text);
    let plain = views.spelled().map_or("", views::View::text);
    let simhash = views.spelled().map_or(0, |spelled| simhash::fingerprint(text, spelled));
    let near = near(simhash);
    let context = &Context { near_duplicates_24h: near.all, own_near_duplicates_24h: near.own, ..*context };
    let (leading, links) = rules.detector.score(&views, context);
    let mut found = rules.matcher.find(&views);
    let paths: Vec<Range<usize>> = links.iter().map(|link| link.path.clone()).collect();
    found.retain(|one| !is_drawn(text, &paths, &one.span));
    find_patterns(rules, &views, &mut found);
    find_leading(rules, &leading, context, &mut found);
    find_links(rules, &links, context, &mut found);
    find_repeats(rules, plain, near, &mut found);
    judge(rules, text, found, leading, simhash)
}

/// Whether a find lies in what follows a host: the letters of a short link are drawn by lot, and so is what
/// they spell. The paths are in the order of the text.
fn is_drawn(text: &str, paths: &[Range<usize>], span: &Range<usize>) -> bool {
    let after = paths.partition_point(|path| path.start <= span.start);
    let path = after.checked_sub(1).and_then(|at| paths.get(at));
    let latin = |part: &str| part.chars().all(|c| c.is_ascii() || glyphs::is_ignorable(c));
    path.is_some_and(|path| span.end <= path.end) && text.get(span.clone()).is_some_and(latin)
}

fn find_patterns(rules: &RuleSet, views: &Views, found: &mut Vec<Found>) {
    let Some(plain) = views.plain() else { return };
    for (rule, regex) in &rules.patterns {
        let spans = regex.find_iter(plain.text()).take(MAX_HITS).map(|m| plain.original(m.range()));
        found.extend(spans.map(|span| Found { rule: *rule, view: ViewKind::Plain, span }));
    }
}

fn find_leading(rules: &RuleSet, leading: &LeadingScore, context: &Context, found: &mut Vec<Found>) {
    for (rule, settings) in &rules.leading {
        if leading.holds(settings, context) {
            let spans = leading.features.iter().filter(|f| f.weight > 0).map(|f| f.span.clone());
            let span = spans.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0);
            found.push(Found { rule: *rule, view: ViewKind::Composed, span });
        }
    }
}

fn find_links(rules: &RuleSet, links: &[Link], context: &Context, found: &mut Vec<Found>) {
    for (rule, max, under_hours) in &rules.links {
        if context.account_age_hours >= *under_hours {
            continue;
        }
        let untrusted = links.iter().filter(|link| !link.is_at(context.trusted_hosts));
        let beyond = untrusted.skip(*max).take(MAX_HITS).map(|link| link.span.clone());
        found.extend(beyond.map(|span| Found { rule: *rule, view: ViewKind::Plain, span }));
    }
}

fn find_repeats(rules: &RuleSet, plain: &str, near: Near, found: &mut Vec<Found>) {
    for (rule, limits) in &rules.repeats {
        let often = near.own >= limits.own || near.all >= limits.all;
        if often && simhash::letters(plain).take(limits.letters).count() >= limits.letters {
            found.push(Found { rule: *rule, view: ViewKind::Plain, span: 0..0 });
        }
    }
}

fn judge(rules: &RuleSet, text: &str, found: Vec<Found>, leading: LeadingScore, simhash: u64) -> Screening {
    let named = |one: Found| rules.rules.get(one.rule).map(|rule| (rule, one));
    let found: Vec<(&Rule, Found)> = found.into_iter().filter_map(named).collect();
    let active = || found.iter().filter(|(rule, _)| rule.mode == Mode::Active);
    let outcome = active().map(|(rule, _)| Outcome::from(rule.action)).max().unwrap_or_default();
    let hides =
        |rule: &Rule| rule.action == Action::Mask || (rule.class.is_language() && rule.action > Action::Mask);
    let spans: Vec<Range<usize>> =
        active().filter(|(rule, _)| hides(rule)).map(|(_, one)| one.span.clone()).collect();
    let masked = (!spans.is_empty()).then(|| screening::mask(text, spans));
    let hits = strictest_first(found).into_iter().take(MAX_HITS).map(|(rule, one)| hit(rule, one)).collect();
    Screening { outcome, hits, leading, simhash, masked }
}

/// The hits that decide come before those that a full list may lose.
fn strictest_first(mut found: Vec<(&Rule, Found)>) -> Vec<(&Rule, Found)> {
    found.sort_by_key(|(rule, _)| (rule.mode != Mode::Active, std::cmp::Reverse(rule.action)));
    found
}

fn hit(rule: &Rule, found: Found) -> Hit {
    Hit {
        rule_id: rule.id,
        name: rule.name.clone(),
        class: rule.class,
        view: found.view,
        action: rule.action,
        mode: rule.mode,
        span: found.span,
    }
}
