//! Composes the words of a post from sentences with slots. A text depends on the seed and the post's position alone, so
//! a repost can quote what it repeats without any text being kept.

use super::Community;
use super::dice::{Dice, Purpose};
use super::particle::form;
use super::posts::{Kind, Mood, Post};
use super::scene::Scene;
use super::{text_en, text_ko};

/// The sentences of one language.
pub(crate) struct Bank {
    pub(crate) bull: Sentences,
    pub(crate) bear: Sentences,
    pub(crate) flat: Sentences,
    pub(crate) results_good: Sentences,
    pub(crate) results_bad: Sentences,
    pub(crate) results_flat: Sentences,
    /// Name no company.
    pub(crate) chat: Sentences,
    /// Name all companies of a post.
    pub(crate) list: Sentences,
    pub(crate) short: Sentences,
    pub(crate) reply_bull: Sentences,
    pub(crate) reply_bear: Sentences,
    pub(crate) reply_flat: Sentences,
    /// Follow another sentence.
    pub(crate) more_bull: Sentences,
    pub(crate) more_bear: Sentences,
    pub(crate) more_flat: Sentences,
    /// Follow a sentence in polite speech.
    pub(crate) more_polite: Sentences,
    pub(crate) tails: Sentences,
    /// The choices for a slot, separated by `|`.
    pub(crate) slot: fn(&str) -> &'static str,
}

type Sentences = &'static [&'static str];

/// A repost's text is cut here, in characters.
const REPOST_CHARS: usize = 140;
/// Fillings nest at most this deep.
const DEEPEST: u32 = 5;
/// Polite speech is kept up for so many sentences.
const POLITE_SENTENCES: i64 = 5;
/// Length of the rare essay, in characters.
const ESSAY_CHARS: usize = 2_000;

/// What the post at `position` says.
pub(crate) fn compose(community: &Community, position: u32) -> String {
    let Some(post) = community.posts.get(position as usize) else {
        return String::new();
    };
    let target = match post.kind {
        Kind::Repost(target) => return repost(community, target),
        Kind::Reply(target) => community.posts.get(target as usize),
        Kind::Post => None,
    };
    let addressee = target.and_then(|target| community.people.get(target.author));
    let bank = if post.korean { &text_ko::BANK } else { &text_en::BANK };
    let mut dice = Dice::new(community.seed, Purpose::Text, position.into());
    let scene = Scene::new(&mut dice, community, post, addressee.map(|person| person.naming.handle.as_str()));
    Composer { dice, bank, scene, post, used: Vec::new() }.compose()
}

fn repost(community: &Community, target: u32) -> String {
    let author = community.posts.get(target as usize).and_then(|post| community.people.get(post.author));
    let handle = author.map_or("", |person| person.naming.handle.as_str());
    let full = format!("RT @{handle}: {}", compose(community, target));
    if full.chars().count() <= REPOST_CHARS {
        return full;
    }
    let cut: String = full.chars().take(REPOST_CHARS - 1).collect();
    let at_word = cut.rfind(' ').and_then(|end| cut.get(..end)).unwrap_or(&cut);
    format!("{}…", at_word.trim_end())
}

struct Composer<'a> {
    dice: Dice,
    bank: &'static Bank,
    scene: Scene<'a>,
    post: &'a Post,
    used: Vec<&'static str>,
}

impl Composer<'_> {
    fn compose(mut self) -> String {
        let is_short = self.dice.chance(110) && !self.post.tickers.is_empty();
        let sentences = if is_short { self.bank.short } else { self.opening() };
        let template = self.fresh(sentences);
        let (before, after) = self.scene.tags(&mut self.dice, self.post);
        // A tag in front already says which company it is.
        let spoken = if before.is_empty() { template } else { without_subject(template) };
        let mut text = before;
        self.expand(spoken, DEEPEST, &mut text);
        let polite = is_polite(template);
        if !is_short {
            self.add_sentences(&mut text, polite);
        }
        if self.dice.chance(260) && ends_plainly(text.trim_end_matches('.')) {
            text.truncate(text.trim_end_matches('.').len());
            let tail = self.dice.word(self.bank.tails);
            self.expand(tail, DEEPEST, &mut text);
        }
        text.push_str(&after);
        text
    }

    fn opening(&mut self) -> Sentences {
        let (bank, post) = (self.bank, self.post);
        match (post.kind, post.mood) {
            (Kind::Reply(_), Mood::Bull) => bank.reply_bull,
            (Kind::Reply(_), Mood::Bear) => bank.reply_bear,
            (Kind::Reply(_), Mood::Flat) => bank.reply_flat,
            _ if post.tickers.is_empty() => bank.chat,
            _ if post.tickers.len() > 2 || (post.tickers.len() == 2 && self.dice.chance(500)) => bank.list,
            (_, Mood::Bull) if post.on_results => bank.results_good,
            (_, Mood::Bear) if post.on_results => bank.results_bad,
            (_, Mood::Flat) if post.on_results => bank.results_flat,
            (_, Mood::Bull) => bank.bull,
            (_, Mood::Bear) => bank.bear,
            (_, Mood::Flat) => bank.flat,
        }
    }

    /// Mostly one or two sentences, seldom many, very seldom an essay.
    fn add_sentences(&mut self, text: &mut String, polite: bool) {
        let (count, chars) = match self.dice.below(1000) {
            0..580 => (0, 0),
            580..840 => (1, ESSAY_CHARS),
            840..960 => (self.dice.between(2, 4), ESSAY_CHARS),
            960..997 => (self.dice.between(5, 9), ESSAY_CHARS),
            _ => (i64::MAX, ESSAY_CHARS - 60),
        };
        for added in 1..=count {
            if text.chars().count() >= chars {
                return;
            }
            let sentences = self.following(polite && added < POLITE_SENTENCES);
            let sentence = self.fresh(sentences);
            if ends_plainly(text) {
                text.push('.');
            }
            text.push_str(if added % 3 == 0 { "\n\n" } else { " " });
            self.expand(sentence, DEEPEST, text);
        }
    }

    fn following(&mut self, polite: bool) -> Sentences {
        let with_mood = !self.post.tickers.is_empty() && self.dice.chance(550);
        match self.post.mood {
            _ if polite => self.bank.more_polite,
            Mood::Bull if with_mood => self.bank.more_bull,
            Mood::Bear if with_mood => self.bank.more_bear,
            _ => self.bank.more_flat,
        }
    }

    /// One of `sentences` that this text does not have yet, if a few draws find one.
    fn fresh(&mut self, sentences: Sentences) -> &'static str {
        let drawn = (0..12).map(|_| self.dice.word(sentences)).find(|sentence| !self.used.contains(sentence));
        let sentence = drawn.unwrap_or_else(|| self.dice.word(sentences));
        self.used.push(sentence);
        sentence
    }

    /// Append `template` with its slots filled; fillings can have slots too.
    fn expand(&mut self, template: &str, depth: u32, text: &mut String) {
        let mut rest = template;
        while let Some((plain, slot, after)) = next_slot(rest) {
            text.push_str(plain);
            let (name, particle) = slot.split_once('|').unwrap_or((slot, ""));
            self.fill(name, depth, text);
            text.push_str(form(particle, text));
            rest = after;
        }
        text.push_str(rest);
    }

    fn fill(&mut self, name: &str, depth: u32, text: &mut String) {
        if let Some(value) = self.scene.value(&mut self.dice, name) {
            text.push_str(&value);
        } else if let Some(depth) = depth.checked_sub(1) {
            let words: Vec<&str> = (self.bank.slot)(self.list(name)).split('|').collect();
            let word = self.dice.word(&words);
            self.expand(word, depth, text);
        }
    }

    /// The list that a slot draws from: some depend on the company or the mood.
    fn list<'n>(&self, name: &'n str) -> &'n str {
        match (name, self.post.mood) {
            ("driver", _) => self.scene.driver(),
            ("react", Mood::Bull) => "react_up",
            ("react", Mood::Bear) => "react_down",
            _ => name,
        }
    }
}

fn next_slot(template: &str) -> Option<(&str, &str, &str)> {
    let (plain, rest) = template.split_once('{')?;
    let (slot, after) = rest.split_once('}')?;
    Some((plain, slot, after))
}

fn without_subject(template: &'static str) -> &'static str {
    match template.split_once(' ') {
        Some(("{n}" | "{n|은}" | "{n|이}" | "{n|을}", rest)) => rest,
        _ => template,
    }
}

/// Ends in a letter, digit or per cent rather than a stop, a laugh or a sign.
fn ends_plainly(text: &str) -> bool {
    text.ends_with(|c: char| c == '%' || c == ')' || (c.is_alphanumeric() && !('ㄱ'..='ㅣ').contains(&c)))
}

fn is_polite(template: &str) -> bool {
    let words = template.trim_end_matches(['?', '}', '{', 'k', 't', '~', '!']);
    ["요", "죠", "니다", "분"].iter().any(|ending| words.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn all(bank: &Bank) -> Vec<&'static str> {
        let posts = [
            bank.bull,
            bank.bear,
            bank.flat,
            bank.results_good,
            bank.results_bad,
            bank.results_flat,
            bank.chat,
        ];
        let others = [bank.list, bank.short, bank.reply_bull, bank.reply_bear, bank.reply_flat, bank.tails];
        let more = [bank.more_bull, bank.more_bear, bank.more_flat, bank.more_polite];
        posts.into_iter().chain(others).chain(more).flatten().copied().collect()
    }

    fn slots(template: &'static str) -> Vec<&'static str> {
        let mut rest = template;
        let mut slots = Vec::new();
        while let Some((_, slot, after)) = next_slot(rest) {
            slots.push(slot.split('|').next().unwrap_or(slot));
            rest = after;
        }
        slots
    }

    #[test]
    fn every_slot_has_words_in_both_languages() {
        for bank in [&text_ko::BANK, &text_en::BANK] {
            let mut open: Vec<&str> = all(bank).into_iter().flat_map(slots).collect();
            let mut seen = BTreeSet::new();
            while let Some(name) = open.pop() {
                let names: &[&str] = if name == "driver" { super::super::scene::DRIVERS } else { &[name] };
                for name in
                    names.iter().filter(|name| seen.insert(**name) && !super::super::scene::is_value(name))
                {
                    let words = (bank.slot)(name);
                    assert!(!words.is_empty(), "no words for {{{name}}}");
                    open.extend(words.split('|').flat_map(slots));
                }
            }
        }
    }

    #[test]
    fn no_sentence_stands_twice_and_there_are_enough() {
        for bank in [&text_ko::BANK, &text_en::BANK] {
            let distinct: BTreeSet<&str> = all(bank).into_iter().collect();
            assert!(distinct.len() > 100, "{}", distinct.len());
            assert!(bank.bull.len() + bank.bear.len() + bank.flat.len() >= 40);
        }
    }
}
