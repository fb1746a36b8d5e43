//! Things the service hands out and must recognise again: cursors, view tokens, opaque login tokens.
//! Signatures are HMAC-SHA-256 cut to 16 bytes; each purpose has a key of its own.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use rand::RngExt;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const MAC_LEN: usize = 16;

/// Signs for one purpose.
#[derive(Clone)]
pub struct Signer {
    keyed: Hmac<Sha256>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(redacted)")
    }
}

impl Signer {
    /// Derives the key of one purpose from the service's signing key.
    pub fn new(key: &[u8], purpose: &str) -> Self {
        let derived = mac(key).chain_update(purpose.as_bytes()).finalize().into_bytes();
        Self { keyed: mac(&derived) }
    }

    fn tag(&self, payload: &[u8]) -> [u8; MAC_LEN] {
        let full = self.keyed.clone().chain_update(payload).finalize().into_bytes();
        let mut tag = [0; MAC_LEN];
        tag.iter_mut().zip(full).for_each(|(to, from)| *to = from);
        tag
    }

    /// The payload with its signature, safe for a URL.
    pub fn seal(&self, payload: &[u8]) -> String {
        let mut sealed = Vec::with_capacity(payload.len() + MAC_LEN);
        sealed.extend_from_slice(payload);
        sealed.extend_from_slice(&self.tag(payload));
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// The payload, if this key signed it.
    pub fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let at = bytes.len().checked_sub(MAC_LEN)?;
        let tag = bytes.split_off(at);
        bool::from(self.tag(&bytes).ct_eq(tag.as_slice())).then_some(bytes)
    }
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    // HMAC is defined for keys of every length; its constructor cannot fail.
    Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"))
}

/// A fresh opaque token of 256 random bits, in base64url.
pub fn random_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::rng().random::<[u8; 32]>())
}

/// What is stored of a token.
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// SHA-256 over several parts, each with its length before it.
pub fn fingerprint(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_byte_or_another_purpose_does_not_open() {
        let signer = Signer::new(b"key", "cursor");
        let sealed = signer.seal(b"payload");
        assert_eq!(signer.open(&sealed).as_deref(), Some(&b"payload"[..]));
        assert_eq!(Signer::new(b"key", "view").open(&sealed), None);
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = if *byte == b'A' { b'B' } else { b'A' };
            }
            let changed = String::from_utf8(bytes).unwrap_or_default();
            assert!(changed == sealed || signer.open(&changed).is_none(), "{at}");
        }
        assert_eq!(signer.open(""), None);
        assert_eq!(signer.open("%%%"), None);
    }
}
