//! The text rules in force, and what they say: of a post at its submission, and of one that is reported.

use chrono::{DateTime, Utc};
use madang_core::ids::{UserId, id_time};

use crate::{
    rule::{Category, TextVerdict},
    text::{Action, BadRule, Class, Context, Mode, Outcome, RuleSet, Screening, default_rules, screen},
};

/// The text rules in force.
#[derive(Debug)]
pub struct Screener {
    rules: RuleSet,
}

impl Screener {
    /// The built-in rules.
    pub fn built_in() -> Result<Self, BadRule> {
        Ok(Self { rules: RuleSet::compile(&default_rules())? })
    }

    /// Screens a text that its author wants to publish. Ids say when an account was made.
    pub fn submission(&self, text: &str, author: UserId, now: DateTime<Utc>) -> Screening {
        let hours = (now - id_time(author.get())).as_seconds_f64() / 3_600.0;
        let context = Context { account_age_hours: hours.max(0.0), ..Context::default() };
        screen(&self.rules, text, &context)
    }

    /// What they say of a reported text: the same test decides whether the text agrees with its reports.
    pub(crate) fn verdict(&self, text: &str) -> TextVerdict {
        let found = screen(&self.rules, text, &Context::default());
        let strict = found.hits.iter().filter(|hit| hit.mode == Mode::Active && hit.action >= Action::Limit);
        let mut flagged: Vec<Category> = strict.map(|hit| category(hit.class)).collect();
        flagged.sort_unstable();
        flagged.dedup();
        TextVerdict { leading_room_hold: flagged.contains(&Category::LeadingRoom), flagged }
    }
}

/// What a report of that class would say.
const fn category(class: Class) -> Category {
    match class {
        Class::LeadingRoom => Category::LeadingRoom,
        Class::Profanity | Class::Abuse | Class::Threat => Category::Abuse,
        Class::Sexual => Category::Sexual,
        Class::Link => Category::Spam,
        Class::Other => Category::Other,
    }
}

/// The category of the strictest hit, for the statement.
pub(crate) fn reason(screening: &Screening) -> Category {
    let active = screening.hits.iter().filter(|hit| hit.mode == Mode::Active);
    active.max_by_key(|hit| hit.action).map_or(Category::Other, |hit| category(hit.class))
}

/// Whether a post with that outcome is kept out of feeds.
pub fn keeps_back(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Limit | Outcome::Hold)
}
