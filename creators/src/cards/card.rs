//! What a profit card states. Everything is fixed when the card is made: what is shown, over which days,
//! over which denominator, and what stands beside it so that the shown number cannot mislead.

use chrono::{DateTime, Days, NaiveDate, Utc};
use madang_core::ids::{CardId, UserId};
use rust_decimal::Decimal;

use super::{
    subject::{Denominator, Subject},
    values::{Index, Rate},
};

/// Most bytes of one text on a card.
pub const MAX_TEXT_BYTES: usize = 512;

/// Why facts cannot be a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadFacts {
    /// Not a number, or beyond what a return can be.
    #[error("a rate is a fraction from -10 to 1000000 with at most 6 digits after the point")]
    Rate,
    /// Outside 0 to 100.
    #[error("a cherry-pick index is from 0 to 100")]
    Index,
    /// Empty, too long, or with control characters.
    #[error("{0} must have 1 to 512 bytes and no control characters")]
    Text(&'static str),
    /// The last day is before the first.
    #[error("the last day is before the first")]
    Days,
    /// A day or time that no ledger holds.
    #[error("dates are from the year 1900 to 2999, times in whole microseconds")]
    Time,
    /// A number that counts something is negative.
    #[error("{0} must not be negative")]
    Negative(&'static str),
    /// The return is not measured as that subject is.
    #[error("the denominator does not belong to what the card shows")]
    Denominator,
    /// An index without trades, or trades without an index.
    #[error("an index and the trades it ranks among go together")]
    Ranking,
    /// Not three capital letters, or an amount with more than 8 digits after the point.
    #[error("an amount has a currency of three capital letters and at most 8 digits after the point")]
    Amount,
}

/// What was realised, for people who ticked that amounts may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amounts {
    /// Realised gain or loss, after fees and taxes.
    pub realised: Decimal,
    /// ISO 4217.
    pub currency: String,
}

/// All a card states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardFacts {
    /// Its id.
    pub card: CardId,
    /// Whose account it is of.
    pub author: UserId,
    /// Their handle then.
    pub handle: String,
    /// Their name then.
    pub name: String,
    /// What the return is of.
    pub subject: Subject,
    /// What it is a fraction of.
    pub denominator: Denominator,
    /// The shown return.
    pub shown: Rate,
    /// Time-weighted return of the whole account over the same days.
    pub account: Rate,
    /// The market's return over the same days, where prices say.
    pub market: Option<Rate>,
    /// Time-weighted return of the whole account since it began.
    pub record: Rate,
    /// Percentile of the shown return; none while there is nothing to rank it among.
    pub cherry_index: Option<Index>,
    /// Among how many it is ranked, itself included: closed trades for a position, windows of the same
    /// length for a window.
    pub ranked_among: u32,
    /// Greatest fall of the account from a peak over the same days, 0 to 1.
    pub drawdown: Rate,
    /// When it was made, in whole microseconds.
    pub made_at: DateTime<Utc>,
    /// Number of the last row of the ledger it was computed from.
    pub ledger_revision: i64,
    /// Version of the consent it was made under.
    pub consent_version: i32,
    /// Money, if the person ticked that.
    pub amounts: Option<Amounts>,
}

impl CardFacts {
    /// Whether the facts fit together. Nothing else is ever signed.
    pub fn check(&self) -> Result<(), BadFacts> {
        self.check_texts()?;
        self.check_days()?;
        if self.denominator != self.subject.denominator() {
            return Err(BadFacts::Denominator);
        }
        if self.cherry_index.is_some() != (self.ranked_among > 1) {
            return Err(BadFacts::Ranking);
        }
        if self.drawdown.decimal() < Decimal::ZERO || self.drawdown.decimal() > Decimal::ONE {
            return Err(BadFacts::Rate);
        }
        for (number, what) in [
            (self.card.get(), "the card's id"),
            (self.author.get(), "the author's id"),
            (self.ledger_revision, "the ledger's revision"),
            (self.consent_version.into(), "the consent's version"),
        ] {
            if number < 0 {
                return Err(BadFacts::Negative(what));
            }
        }
        self.amounts.as_ref().map_or(Ok(()), Amounts::check)
    }

    fn check_texts(&self) -> Result<(), BadFacts> {
        check_text(&self.handle, "the handle")?;
        check_text(&self.name, "the name")?;
        let Some(instrument) = self.subject.instrument() else { return Ok(()) };
        check_text(&instrument.symbol, "the symbol")?;
        check_text(&instrument.name, "the instrument's name")?;
        instrument.name_ko.as_deref().map_or(Ok(()), |name| check_text(name, "the instrument's Korean name"))
    }

    fn check_days(&self) -> Result<(), BadFacts> {
        let (first, last) = self.subject.days();
        let made = self.made_at.date_naive();
        // a market ahead of UTC may have closed on what is still yesterday there
        let latest = made.checked_add_days(Days::new(1)).ok_or(BadFacts::Time)?;
        let years = 1900..3000;
        let known = |day: NaiveDate| years.contains(&chrono::Datelike::year(&day));
        if !known(first) || !known(made) || !self.made_at.timestamp_subsec_nanos().is_multiple_of(1000) {
            return Err(BadFacts::Time);
        }
        let end = last.unwrap_or(latest);
        if first <= end && end <= latest { Ok(()) } else { Err(BadFacts::Days) }
    }
}

impl Amounts {
    fn check(&self) -> Result<(), BadFacts> {
        let plain = self.currency.len() == 3 && self.currency.bytes().all(|byte| byte.is_ascii_uppercase());
        if plain && self.realised.normalize().scale() <= 8 { Ok(()) } else { Err(BadFacts::Amount) }
    }
}

fn check_text(text: &str, what: &'static str) -> Result<(), BadFacts> {
    let fits = !text.trim().is_empty() && text.len() <= MAX_TEXT_BYTES && !text.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(BadFacts::Text(what)) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::cards::sample;

    #[test]
    fn facts_that_contradict_themselves_are_refused() {
        let good = sample::position();
        assert_eq!(good.check(), Ok(()));
        assert_eq!(sample::window().check(), Ok(()));
        let refused = |change: &dyn Fn(&mut CardFacts), why: BadFacts| {
            let mut facts = sample::position();
            change(&mut facts);
            assert_eq!(facts.check(), Err(why), "{facts:?}");
        };
        refused(&|facts| facts.denominator = Denominator::ValueOfAccount, BadFacts::Denominator);
        refused(&|facts| facts.cherry_index = None, BadFacts::Ranking);
        refused(&|facts| facts.ranked_among = 1, BadFacts::Ranking);
        refused(&|facts| facts.drawdown = Rate::from_fraction(-0.1).unwrap(), BadFacts::Rate);
        refused(&|facts| facts.ledger_revision = -1, BadFacts::Negative("the ledger's revision"));
        refused(&|facts| facts.handle = "a\nb".into(), BadFacts::Text("the handle"));
        refused(&|facts| facts.name = "n".repeat(513), BadFacts::Text("the name"));
        refused(
            &|facts| facts.amounts = Some(Amounts { realised: Decimal::ONE, currency: "krw".into() }),
            BadFacts::Amount,
        );
        refused(
            &|facts| {
                if let Subject::Position { closed, .. } = &mut facts.subject {
                    *closed = NaiveDate::from_ymd_opt(2020, 1, 1);
                }
            },
            BadFacts::Days,
        );
        refused(&|facts| facts.made_at += chrono::TimeDelta::nanoseconds(1), BadFacts::Time);
    }
}
