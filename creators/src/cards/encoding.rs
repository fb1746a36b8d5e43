//! The one encoding of a card's facts: what is signed.
//!
//! A version, then each field in a fixed order as tag (1 byte), length (4 bytes, big endian) and value; a field
//! that may be missing has no value when it is. Numbers are 8 bytes big endian, rates and amounts decimal
//! texts in their one canonical form, days `YYYY-MM-DD`, times microseconds since 1970.

use chrono::{DateTime, NaiveDate};
use madang_core::ids::{CardId, UserId};
use rust_decimal::Decimal;

use super::{
    card::{Amounts, BadFacts, CardFacts},
    subject::{Denominator, Instrument, Subject},
    values::{Index, Rate},
};
use crate::returns::Window;

/// First byte; another encoding gets another number, and the seal another key.
pub(super) const VERSION: u8 = 1;

/// The one encoding of facts.
pub fn canonical_bytes(facts: &CardFacts) -> Result<Vec<u8>, BadFacts> {
    facts.check()?;
    let mut to = Writer(vec![VERSION]);
    to.number(facts.card.get());
    to.number(facts.author.get());
    to.text(&facts.handle);
    to.text(&facts.name);
    to.subject(&facts.subject);
    to.text(facts.denominator.code());
    to.text(&facts.shown.to_string());
    to.text(&facts.account.to_string());
    to.optional(facts.market.map(|rate| rate.to_string()).as_deref());
    to.text(&facts.record.to_string());
    to.optional(facts.cherry_index.map(|index| index.tenths().to_string()).as_deref());
    to.number(facts.ranked_among.into());
    to.text(&facts.drawdown.to_string());
    to.number(facts.made_at.timestamp_micros());
    to.number(facts.ledger_revision);
    to.number(facts.consent_version.into());
    to.optional(facts.amounts.as_ref().map(|amounts| plain(amounts.realised)).as_deref());
    to.optional(facts.amounts.as_ref().map(|amounts| amounts.currency.as_str()));
    Ok(to.0)
}

/// Decimals keep trailing zeros and know a negative nought; an amount is written without either.
fn plain(amount: Decimal) -> String {
    if amount.is_zero() { "0".to_owned() } else { amount.normalize().to_string() }
}

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Tag {
    Number = 1,
    Text = 2,
    Missing = 3,
}

struct Writer(Vec<u8>);

impl Writer {
    fn field(&mut self, tag: Tag, value: &[u8]) {
        self.0.push(tag as u8);
        // no field is longer than a text, which the check of the facts has bounded
        self.0.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.0.extend_from_slice(value);
    }

    fn number(&mut self, value: i64) {
        self.field(Tag::Number, &value.to_be_bytes());
    }

    fn text(&mut self, value: &str) {
        self.field(Tag::Text, value.as_bytes());
    }

    fn optional(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.text(value),
            None => self.field(Tag::Missing, &[]),
        }
    }

    fn subject(&mut self, subject: &Subject) {
        let window = match subject {
            Subject::Position { .. } => None,
            Subject::Window { window, .. } => Some(window.as_str()),
        };
        let (first, last) = subject.days();
        self.optional(window);
        self.optional(subject.instrument().map(|it| it.symbol.as_str()));
        self.optional(subject.instrument().map(|it| it.name.as_str()));
        self.optional(subject.instrument().and_then(|it| it.name_ko.as_deref()));
        self.text(&first.to_string());
        self.optional(last.map(|day| day.to_string()).as_deref());
    }
}

pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn field(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (value, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        self.0 = rest;
        Some((*tag, value))
    }

    fn number(&mut self) -> Option<i64> {
        match self.field()? {
            (tag, value) if tag == Tag::Number as u8 => Some(i64::from_be_bytes(value.try_into().ok()?)),
            _ => None,
        }
    }

    fn optional(&mut self) -> Option<Option<&'a str>> {
        match self.field()? {
            (tag, value) if tag == Tag::Text as u8 => std::str::from_utf8(value).ok().map(Some),
            (tag, []) if tag == Tag::Missing as u8 => Some(None),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<&'a str> {
        self.optional()?
    }

    fn rate(&mut self) -> Option<Rate> {
        self.text()?.parse().ok()
    }

    /// A field that may be missing; what is there must parse.
    fn parsed<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
        match self.optional()? {
            None => Some(None),
            Some(text) => parse(text).map(Some),
        }
    }

    fn subject(&mut self) -> Option<Subject> {
        let window = self.parsed(Window::parse)?;
        let (symbol, name, name_ko) = (self.optional()?, self.optional()?, self.optional()?);
        let instrument = symbol.zip(name).map(|(symbol, name)| Instrument {
            symbol: symbol.to_owned(),
            name: name.to_owned(),
            name_ko: name_ko.map(str::to_owned),
        });
        let first = self.text()?.parse::<NaiveDate>().ok()?;
        let last = self.parsed(|text| text.parse::<NaiveDate>().ok())?;
        match window {
            None => Some(Subject::Position { instrument: instrument?, opened: first, closed: last }),
            Some(window) => Some(Subject::Window { instrument, window, from: first, to: last? }),
        }
    }

    fn amounts(&mut self) -> Option<Option<Amounts>> {
        let realised = self.parsed(|text| Decimal::from_str_exact(text).ok())?;
        let currency = self.optional()?;
        Some(
            realised
                .zip(currency)
                .map(|(realised, currency)| Amounts { realised, currency: currency.to_owned() }),
        )
    }
}

/// The facts of these bytes, if they are some. Whether they are the canonical ones is for the caller to check.
pub(super) fn read(content: &[u8]) -> Option<CardFacts> {
    let (version, rest) = content.split_first()?;
    let mut from = (*version == VERSION).then_some(Reader(rest))?;
    let facts = CardFacts {
        card: CardId::new(from.number()?),
        author: UserId::new(from.number()?),
        handle: from.text()?.to_owned(),
        name: from.text()?.to_owned(),
        subject: from.subject()?,
        denominator: Denominator::from_code(from.text()?)?,
        shown: from.rate()?,
        account: from.rate()?,
        market: from.parsed(|text| text.parse().ok())?,
        record: from.rate()?,
        cherry_index: from.parsed(|text| Index::from_tenths(text.parse().ok()?).ok())?,
        ranked_among: from.number()?.try_into().ok()?,
        drawdown: from.rate()?,
        made_at: DateTime::from_timestamp_micros(from.number()?)?,
        ledger_revision: from.number()?,
        consent_version: from.number()?.try_into().ok()?,
        amounts: from.amounts()?,
    };
    from.0.is_empty().then_some(facts)
}
