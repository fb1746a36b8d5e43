//! The text rules in force, and what they say: of a post at its submission, and of one that is reported.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use chrono::{DateTime, Utc};
use madang_core::ids::{PostId, UserId, id_time};
use sqlx::PgPool;

use crate::{
    rule::{Category, TextVerdict},
    screened::Screened,
    text::{
        Action, BadRule, Class, Context, Mode, Outcome, RuleSet, Screening, default_rules, screen,
        screen_among,
    },
    text_rules,
};

/// The text rules in force.
#[derive(Debug)]
pub struct Screener {
    rules: RwLock<Arc<RuleSet>>,
    /// How often the rules in the database were changed, as far as this process knows.
    changed: AtomicU64,
    /// As of which change the rules in force are.
    read: AtomicU64,
    /// Whoever reads them; all others wait for that.
    reading: tokio::sync::Mutex<()>,
}

impl Screener {
    /// The built-in rules, until those of the database are read.
    pub fn built_in() -> Result<Self, BadRule> {
        let rules = RwLock::new(Arc::new(RuleSet::compile(&default_rules())?));
        let (changed, read) = (AtomicU64::new(1), AtomicU64::new(0));
        Ok(Self { rules, changed, read, reading: tokio::sync::Mutex::default() })
    }

    /// Notes that the rules were changed.
    pub fn forget(&self) {
        self.changed.fetch_add(1, Ordering::AcqRel);
    }

    /// Reads the rules anew if they were changed. Rules that cannot be used leave those in force that were.
    pub async fn refresh(&self, pool: &PgPool) -> sqlx::Result<()> {
        if self.is_fresh() {
            return Ok(());
        }
        let _reading = self.reading.lock().await;
        let changed = self.changed.load(Ordering::Acquire);
        if self.is_fresh() {
            return Ok(());
        }
        let specs = text_rules::specs(pool).await?;
        // Before the first `migrate` of this release has run there are none.
        let specs = if specs.is_empty() { default_rules() } else { specs };
        match tokio::task::spawn_blocking(move || RuleSet::compile(&specs)).await {
            Ok(Ok(rules)) => {
                *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
            }
            Ok(Err(error)) => tracing::error!(%error, "the text rules cannot be used, the last ones stay"),
            Err(error) => tracing::error!(%error, "the text rules could not be compiled, the last ones stay"),
        }
        self.read.store(changed, Ordering::Release);
        Ok(())
    }

    fn is_fresh(&self) -> bool {
        self.read.load(Ordering::Acquire) >= self.changed.load(Ordering::Acquire)
    }

    fn rules(&self) -> Arc<RuleSet> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Screens a text that its author wants to publish, among those of the last day. Ids say when an account
    /// was made; a post that is edited is no copy of itself.
    pub fn submission(
        &self,
        text: &str,
        author: UserId,
        (among, except): (&Screened, Option<PostId>),
        now: DateTime<Utc>,
    ) -> Screening {
        let hours = (now - id_time(author.get())).as_seconds_f64() / 3_600.0;
        let context = Context { account_age_hours: hours.max(0.0), ..Context::default() };
        screen_among(&self.rules(), text, &context, |hash| among.near(hash, author, except, now))
    }

    /// What they say of a reported text: the same test decides whether the text agrees with its reports.
    pub(crate) fn verdict(&self, text: &str) -> TextVerdict {
        let found = screen(&self.rules(), text, &Context::default());
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
        Class::Link | Class::Spam => Category::Spam,
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
