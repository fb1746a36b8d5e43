//! The signature of a card.
//!
//! Facts have one encoding (see `encoding`), and reading checks that: what was read is written again and must
//! give the same bytes. The seal is HMAC-SHA-256 under a key that serves nothing else; the public token is base64url
//! without padding of bytes and seal. The seal is compared before anything is parsed, in constant time.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::{
    card::{BadFacts, CardFacts},
    encoding::{canonical_bytes, read},
};

const PURPOSE: &[u8] = b"profit card, version 1";
const SEAL_BYTES: usize = 32;
/// Most characters of a token: the longest texts with all other fields stay below it.
pub const MAX_TOKEN_CHARS: usize = 6_000;
const SHORT_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Why a token is not a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCard {
    /// Not base64url, or too long or short.
    #[error("the card's text is damaged")]
    Form,
    /// Not signed by this service.
    #[error("the card's signature does not match")]
    Seal,
    /// Signed, but not in the one form that is written.
    #[error("the card's content is not in its canonical form")]
    Content,
}

/// The key cards are sealed with.
#[derive(Clone)]
pub struct CardKey(Hmac<Sha256>);

impl std::fmt::Debug for CardKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CardKey(redacted)")
    }
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    // HMAC is defined for keys of every length; its constructor cannot fail.
    Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"))
}

impl CardKey {
    /// Derives the key from the service's signing key; no other purpose gets the same one.
    pub fn derive(service_key: &[u8]) -> Self {
        Self(mac(&mac(service_key).chain_update(PURPOSE).finalize().into_bytes()))
    }

    fn sign(&self, bytes: &[u8]) -> Seal {
        Seal(self.0.clone().chain_update(bytes).finalize().into_bytes().into())
    }
}

/// A card's signature.
#[derive(Debug, Clone, Copy)]
pub struct Seal([u8; SEAL_BYTES]);

impl Seal {
    /// As stored.
    pub const fn from_bytes(bytes: [u8; SEAL_BYTES]) -> Self {
        Self(bytes)
    }

    /// To store.
    pub const fn bytes(&self) -> &[u8; SEAL_BYTES] {
        &self.0
    }

    fn matches(&self, other: &[u8]) -> bool {
        self.0.ct_eq(other).into()
    }

    /// The first 40 bits for people to compare by eye, like `K7QF-2M9D`; letters that look alike are left out.
    /// It tells cards apart, it does not prove one.
    pub fn short_code(&self) -> String {
        let bits = self.0.iter().take(5).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let letter = |at: u32| {
            let five = usize::try_from(bits >> (35 - 5 * at) & 31).unwrap_or(0);
            SHORT_ALPHABET.get(five).map_or('0', |byte| char::from(*byte))
        };
        (0..4).map(letter).chain(['-']).chain((4..8).map(letter)).collect()
    }
}

/// Seals facts that fit together.
pub fn seal(facts: &CardFacts, key: &CardKey) -> Result<Seal, BadFacts> {
    Ok(key.sign(&canonical_bytes(facts)?))
}

/// Whether this seal is of these facts.
pub fn verify(facts: &CardFacts, seal: &Seal, key: &CardKey) -> bool {
    canonical_bytes(facts).is_ok_and(|bytes| key.sign(&bytes).matches(&seal.0))
}

/// The card as a text that travels: facts and seal, in base64url.
pub fn encode(facts: &CardFacts, key: &CardKey) -> Result<String, BadFacts> {
    let mut bytes = canonical_bytes(facts)?;
    let seal = key.sign(&bytes);
    bytes.extend_from_slice(&seal.0);
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The facts of a token that this service made, with their seal.
pub fn decode(token: &str, key: &CardKey) -> Result<(CardFacts, Seal), BadCard> {
    if token.len() > MAX_TOKEN_CHARS {
        return Err(BadCard::Form);
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadCard::Form)?;
    let (content, tag) = bytes.split_last_chunk::<SEAL_BYTES>().ok_or(BadCard::Form)?;
    let seal = key.sign(content);
    if !seal.matches(tag) {
        return Err(BadCard::Seal);
    }
    let facts = read(content).ok_or(BadCard::Content)?;
    match canonical_bytes(&facts) {
        Ok(again) if again == content => Ok((facts, seal)),
        _ => Err(BadCard::Content),
    }
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
