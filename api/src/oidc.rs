//! Bearer tokens of an outside identity provider.
//!
//! Owns the verification of its JWTs. It promises that an [`Identity`] comes only from a token that
//! was signed by a key the provider publishes today ([`keys`] says how "today" is kept), with an
//! algorithm we pinned and the key was made for, from our issuer, for our audience, and in its time.
//! The token's header chooses among the known keys and nothing else: no address or key in it is used.

mod key_set;
mod keys;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use anyhow::{Context as _, bail};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, Header, Validation, decode, decode_header, errors::ErrorKind,
};
use madang_core::settings::OidcSettings;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use self::keys::Provider;

/// The longest token that is looked at, in bytes.
const TOKEN_LIMIT: usize = 8 * 1024;
/// The longest `sub`, in characters; OpenID Connect's own limit.
const SUBJECT_LIMIT: usize = 255;
/// How far the provider's clock may differ from ours.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// Why a token does not log anyone in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OidcError {
    /// The token is wrong, and stays wrong; the reason shows nothing of it. Answered with 401.
    #[error("verify the token: {0}")]
    Invalid(&'static str),
    /// The provider's keys cannot be had, so nothing can be said of the token. Answered with 503.
    #[error("fetch the keys of the identity provider")]
    Unavailable,
}

/// Who a verified token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// `<iss> <sub>`; the issuer holds no space, so no two pairs read the same.
    pub(crate) subject: String,
    /// The `name` claim, as the provider sent it.
    pub(crate) name: Option<String>,
    /// The `preferred_username` claim, as the provider sent it: neither unique nor a valid handle.
    pub(crate) preferred_username: Option<String>,
    /// The `locale` claim, as the provider sent it.
    pub(crate) locale: Option<String>,
    /// When the token ends, without leeway.
    pub(crate) expires_at: DateTime<Utc>,
}

/// Verifies tokens of one provider. A clone shares the keys.
#[derive(Clone)]
pub(crate) struct Verifier {
    issuer: String,
    audience: String,
    algorithms: Vec<Algorithm>,
    provider: Provider,
}

impl Verifier {
    /// Prepares for the provider of the settings without calling it: keys are fetched when the first
    /// token comes, so that a provider that is away does not stop the start.
    pub(crate) fn new(settings: &OidcSettings) -> anyhow::Result<Self> {
        let algorithms = pinned(&settings.algorithms)?;
        let provider = Provider::new(&settings.issuer, &algorithms)?;
        if settings.audience.is_empty() {
            bail!("OIDC_AUDIENCE is empty");
        }
        Ok(Self {
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            algorithms,
            provider,
        })
    }

    /// Whether a bearer token has a JWT's shape, and so is ours to verify.
    pub(crate) fn looks_like_jwt(token: &str) -> bool {
        let base64url =
            |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        let mut parts = token.split('.');
        let (header, claims, signature) = (parts.next(), parts.next(), parts.next());
        parts.next().is_none()
            && header.is_some_and(|part| part.starts_with("ey") && base64url(part))
            && claims.is_some_and(|part| part.starts_with("ey") && base64url(part))
            && signature.is_some_and(base64url)
    }

    /// Verifies a token as of `now`.
    pub(crate) async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Identity, OidcError> {
        let header = self.header(token)?;
        let kid = header.kid.as_deref();
        let keys = self.provider.keys_for(kid, header.alg, now).await?;

        let validation = signature_only(header.alg);
        for key in keys.fitting(kid, header.alg) {
            match decode::<Claims>(token, key, &validation) {
                Ok(data) => return self.identity(data.claims, now),
                Err(error) if matches!(error.kind(), ErrorKind::Json(_)) => {
                    return Err(OidcError::Invalid("a claim is missing or malformed"));
                }
                // Keys without a kid may be many: another one can still have made the signature.
                Err(_) => {}
            }
        }
        Err(OidcError::Invalid("no key of the provider made this signature"))
    }

    /// Reads the header, and refuses what no key could put right.
    fn header(&self, token: &str) -> Result<Header, OidcError> {
        if token.len() > TOKEN_LIMIT {
            return Err(OidcError::Invalid("it is too long"));
        }
        let header = decode_header(token).map_err(|_| OidcError::Invalid("its header is malformed"))?;
        if !self.algorithms.contains(&header.alg) {
            return Err(OidcError::Invalid("its algorithm is not allowed"));
        }
        if header.crit.is_some() {
            return Err(OidcError::Invalid("it has critical headers"));
        }
        if !header.typ.as_deref().is_none_or(is_token_type) {
            return Err(OidcError::Invalid("its type is not a token's"));
        }
        Ok(header)
    }

    /// Checks the claims of a token whose signature is good.
    fn identity(&self, claims: Claims, now: DateTime<Utc>) -> Result<Identity, OidcError> {
        if claims.iss != self.issuer {
            return Err(OidcError::Invalid("it has another issuer"));
        }
        if !names_audience(&claims.aud, &self.audience) {
            return Err(OidcError::Invalid("it is for another audience"));
        }
        let expires_at = instant(claims.exp).ok_or(OidcError::Invalid("its end is no time"))?;
        if expires_at <= now - LEEWAY {
            return Err(OidcError::Invalid("it has expired"));
        }
        for start in [claims.nbf, claims.iat].into_iter().flatten() {
            let start = instant(start).ok_or(OidcError::Invalid("its start is no time"))?;
            if start > now + LEEWAY {
                return Err(OidcError::Invalid("it is not valid yet"));
            }
        }
        if !is_subject(&claims.sub) {
            return Err(OidcError::Invalid("its subject is malformed"));
        }
        Ok(Identity {
            subject: format!("{} {}", claims.iss, claims.sub),
            name: claims.name,
            preferred_username: claims.preferred_username,
            locale: claims.locale,
            expires_at,
        })
    }
}

/// The claims we read. Dates may have fractions (RFC 7519, section 2).
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Value,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    #[serde(default, deserialize_with = "text_if_any")]
    name: Option<String>,
    #[serde(default, deserialize_with = "text_if_any")]
    preferred_username: Option<String>,
    #[serde(default, deserialize_with = "text_if_any")]
    locale: Option<String>,
}

/// A profile claim only fills in a form: an odd one is left out and does not spoil the token.
fn text_if_any<'de, D: Deserializer<'de>>(source: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(source)? {
        Value::String(text) if !text.trim().is_empty() => Ok(Some(text)),
        _ => Ok(None),
    }
}

/// The algorithms of the settings; one with a shared secret would make the public key the secret.
fn pinned(names: &[String]) -> anyhow::Result<Vec<Algorithm>> {
    if names.is_empty() {
        bail!("OIDC_ALGORITHMS is empty");
    }
    names
        .iter()
        .map(|name| {
            let algorithm =
                Algorithm::from_str(name).with_context(|| format!("OIDC_ALGORITHMS: {name} is not known"))?;
            if algorithm.family() == AlgorithmFamily::Hmac {
                bail!("OIDC_ALGORITHMS: {name} needs a shared secret");
            }
            Ok(algorithm)
        })
        .collect()
}

/// The library checks the signature alone; it would take the time from the clock and accept an
/// `iss` that is a list, so the claims are checked here.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

fn is_token_type(typ: &str) -> bool {
    ["JWT", "at+jwt", "application/at+jwt"].iter().any(|known| known.eq_ignore_ascii_case(typ))
}

fn names_audience(aud: &Value, audience: &str) -> bool {
    match aud {
        Value::String(one) => one == audience,
        Value::Array(many) => many.iter().any(|one| one.as_str() == Some(audience)),
        _ => false,
    }
}

fn is_subject(sub: &str) -> bool {
    !sub.is_empty() && sub.chars().count() <= SUBJECT_LIMIT && !sub.chars().any(char::is_control)
}

/// A JWT's date; `None` for one outside the calendar.
fn instant(seconds: f64) -> Option<DateTime<Utc>> {
    // The cast saturates, and `from_timestamp` knows the calendar's ends.
    DateTime::from_timestamp(seconds.floor() as i64, 0)
}
