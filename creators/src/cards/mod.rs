//! Profit cards: a return that an author shows, computed from the broker's ledger, which cannot be forged and
//! beside which stands what would otherwise be left out.
//!
//! Everything here is pure: no database, no clock, no HTTP. `card` is what a card states, `subject` what it
//! is of, `values` its numbers; `encoding` and `seal` sign it and read it back; `cherry` ranks it among what could have been
//! shown and judges all the cards of a person, by the chances of `chance`; `text` puts it into words, `picture`,
//! `layout` and `font` into a PNG; `claims` finds texts that claim a profit without a card.
//!
//! A card is made once and never changes. Whoever shows it checks its seal and the consent in force each
//! time: a seal proves what was computed, not that it may still be shown.

mod card;
mod chance;
mod cherry;
mod claim_patterns;
mod claims;
mod encoding;
mod font;
mod layout;
mod picture;
#[cfg(test)]
mod sample;
mod seal;
mod subject;
mod text;
mod values;

pub use card::{Amounts, BadFacts, CardFacts, MAX_TEXT_BYTES};
pub use cherry::{
    GAP_DEVIATIONS, GAP_POINTS, Judgement, LOSING_CHANCE, LOSING_SHARE, LOSING_TRADES, MOST_CHANCE,
    MOST_CHANCE_LATER, Picked, ShownWindow, cherry_index, judge, judge_against_all,
};
pub use claims::{Claim, profit_claim};
pub use encoding::canonical_bytes;
pub use picture::{HEIGHT, PictureError, WIDTH, picture, withdrawn_picture};
pub use seal::{BadCard, CardKey, MAX_TOKEN_CHARS, Seal, decode, encode, seal, verify};
pub use subject::{Denominator, Instrument, Subject};
pub use text::{Choice, Language, describe, percent, ranking, top_percent, withdrawn};
pub use values::{Index, RATE_DIGITS, RATES, Rate};
