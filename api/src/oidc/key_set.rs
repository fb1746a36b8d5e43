//! The keys of one fetch, and what each may be used for.
//!
//! A key is judged once, when it is read: its type, curve, `alg`, `use` and `key_ops` must allow one
//! of the pinned algorithms. What is left can be used without looking again.

use chrono::{DateTime, Utc};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};

/// The most keys that are kept; a token without a key id may have to try them all.
const KEYS_LIMIT: usize = 32;
/// The shortest RSA modulus (RFC 7518, section 3.3), in bytes.
const RSA_MIN: usize = 2048 / 8;

/// All keys of one fetch.
pub(super) struct KeySet {
    keys: Vec<Key>,
    fetched_at: DateTime<Utc>,
}

impl KeySet {
    /// Keeps the keys that can be used; strange ones do not spoil the rest.
    pub(super) fn new(
        published: Vec<serde_json::Value>,
        pinned: &[Algorithm],
        fetched_at: DateTime<Utc>,
    ) -> Self {
        let usable = published.into_iter().filter_map(|key| Key::new(key, pinned));
        Self { keys: usable.take(KEYS_LIMIT).collect(), fetched_at }
    }

    pub(super) fn fetched_at(&self) -> DateTime<Utc> {
        self.fetched_at
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Keys that may have signed a token with this header.
    pub(super) fn fitting(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &DecodingKey> {
        self.keys
            .iter()
            .filter(move |key| kid.is_none() || key.id.as_deref() == kid)
            .filter(move |key| key.algorithms.contains(&algorithm))
            .map(|key| &key.decoding)
    }

    /// Whether the header speaks of a known key. One with the wrong algorithm is known too: fetching
    /// again would not change it.
    pub(super) fn names(&self, kid: Option<&str>, algorithm: Algorithm) -> bool {
        match kid {
            Some(_) => self.keys.iter().any(|key| key.id.as_deref() == kid),
            None => self.fitting(None, algorithm).next().is_some(),
        }
    }
}

/// A key, and what it may be used for.
struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
}

impl Key {
    /// `None` for a key that is unreadable, weak, not for signatures or for none we pinned.
    fn new(published: serde_json::Value, pinned: &[Algorithm]) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(published).ok()?;
        let common = &jwk.common;
        let signs = common.public_key_use.as_ref().is_none_or(|u| *u == PublicKeyUse::Signature);
        let verifies = common.key_operations.as_ref().is_none_or(|ops| ops.contains(&KeyOperations::Verify));
        let own = |algorithm: &Algorithm| {
            common.key_algorithm.is_none_or(|own| own == KeyAlgorithm::from(*algorithm))
        };
        let fits = |algorithm: &Algorithm| fits_type(*algorithm, &jwk.algorithm) && own(algorithm);
        let algorithms: Vec<Algorithm> = pinned.iter().copied().filter(fits).collect();
        let decoding = DecodingKey::from_jwk(&jwk).ok()?;
        let usable = signs && verifies && !algorithms.is_empty() && is_strong(&decoding);
        usable.then_some(Self { id: jwk.common.key_id, algorithms, decoding })
    }
}

/// Whether an algorithm is made for this type of key, to the curve: the library asks less.
fn fits_type(algorithm: Algorithm, parameters: &AlgorithmParameters) -> bool {
    match parameters {
        AlgorithmParameters::RSA(_) => algorithm.family() == AlgorithmFamily::Rsa,
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => algorithm == Algorithm::ES256,
            EllipticCurve::P384 => algorithm == Algorithm::ES384,
            _ => false,
        },
        AlgorithmParameters::OctetKeyPair(key) => {
            key.curve == EllipticCurve::Ed25519 && algorithm == Algorithm::EdDSA
        }
        _ => false,
    }
}

fn is_strong(key: &DecodingKey) -> bool {
    match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, .. } => {
            n.iter().skip_while(|byte| **byte == 0).count() >= RSA_MIN
        }
        DecodingKeyKind::SecretOrDer(_) => true,
    }
}
