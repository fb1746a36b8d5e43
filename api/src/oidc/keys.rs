//! The keys of the identity provider.
//!
//! Data: one [`KeySet`], replaced as a whole, and the last [`Attempt`] to fetch one.
//!
//! Promises: keys are fetched when first needed, again when they are older than
//! [`MAX_AGE`], and when a token names a key that is not known, as after a rotation. Never are there
//! two fetches at a time, nor two within [`RETRY_GAP`], whatever the tokens say. When a fetch fails,
//! the known keys go on being used. A good fetch that no longer lists a key ends that key.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::Algorithm;
use reqwest::{Client, Url, redirect};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use super::{OidcError, key_set::KeySet};

/// The age at which known keys are fetched again.
const MAX_AGE: TimeDelta = TimeDelta::hours(1);
/// The shortest time between two fetches.
const RETRY_GAP: TimeDelta = TimeDelta::seconds(10);
/// The longest wait for a connection to the provider.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest a fetch takes, its two requests together.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer that is read, in bytes.
const BODY_LIMIT: usize = 1024 * 1024;

/// The keys of one provider. A clone shares them.
#[derive(Clone)]
pub(super) struct Provider {
    shared: Arc<Shared>,
    /// Held by whoever fetches.
    gate: Arc<Mutex<Option<Attempt>>>,
}

struct Shared {
    issuer: String,
    /// `https` everywhere, unless the issuer itself is without, as in tests and development.
    insecure: bool,
    algorithms: Vec<Algorithm>,
    client: Client,
    known: watch::Sender<Option<Arc<KeySet>>>,
}

/// The last fetch that was begun.
#[derive(Clone, Copy)]
struct Attempt {
    begun_at: DateTime<Utc>,
    succeeded: bool,
}

impl Provider {
    /// Names the provider; nothing is fetched yet.
    pub(super) fn new(issuer: &str, algorithms: &[Algorithm]) -> anyhow::Result<Self> {
        let url = Url::parse(issuer).context("OIDC_ISSUER is not an address")?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !matches!(url.scheme(), "http" | "https")
            || !plain
            || issuer.contains(|c: char| c.is_whitespace() || c.is_control())
        {
            bail!("OIDC_ISSUER must be an http or https address without query, fragment or login");
        }
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            bail!("no TLS provider is installed");
        }
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(FETCH_TIMEOUT)
            .redirect(redirect::Policy::none())
            // A kept connection would be tied to the server thread that opened it.
            .pool_max_idle_per_host(0)
            .build()
            .context("build the client of the identity provider")?;
        let shared = Shared {
            issuer: issuer.to_owned(),
            insecure: url.scheme() == "http",
            algorithms: algorithms.to_vec(),
            client,
            known: watch::Sender::new(None),
        };
        Ok(Self { shared: Arc::new(shared), gate: Arc::default() })
    }

    /// The keys to try on a token with this header, fetched if they have to be.
    pub(super) async fn keys_for(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        now: DateTime<Utc>,
    ) -> Result<Arc<KeySet>, OidcError> {
        let named = |set: &Arc<KeySet>| set.names(kid, algorithm);
        if let Some(set) = self.known().filter(named) {
            if within(set.fetched_at(), now, MAX_AGE) {
                return Ok(set);
            }
            // One caller waits for the fresh keys; those who come meanwhile use the known ones.
            if let Ok(gate) = Arc::clone(&self.gate).try_lock_owned() {
                self.refresh(gate, now).await;
            }
            return Ok(self.known().unwrap_or(set));
        }
        let gate = Arc::clone(&self.gate).lock_owned().await;
        let succeeded = self.refresh(gate, now).await;
        match self.known().filter(named) {
            Some(set) => Ok(set),
            None if succeeded => Err(OidcError::Invalid("it names no key of the provider")),
            None => Err(OidcError::Unavailable),
        }
    }

    fn known(&self) -> Option<Arc<KeySet>> {
        self.shared.known.borrow().clone()
    }

    /// Fetches, unless that was tried just now; tells whether the last try went well.
    async fn refresh(&self, mut gate: OwnedMutexGuard<Option<Attempt>>, now: DateTime<Utc>) -> bool {
        if let Some(last) = gate.filter(|last| within(last.begun_at, now, RETRY_GAP)) {
            return last.succeeded;
        }
        // Written first: a try that dies counts as well.
        *gate = Some(Attempt { begun_at: now, succeeded: false });
        let shared = Arc::clone(&self.shared);
        // A task of its own that holds the gate: callers who hang up cannot stop every fetch half-way.
        let fetch = tokio::spawn(async move {
            let succeeded = shared.fetch_and_keep(now).await;
            *gate = Some(Attempt { begun_at: now, succeeded });
            succeeded
        });
        fetch.await.unwrap_or(false)
    }
}

impl Shared {
    async fn fetch_and_keep(&self, now: DateTime<Utc>) -> bool {
        let fetched = tokio::time::timeout(FETCH_TIMEOUT, self.fetch(now)).await;
        match fetched.context("the provider is too slow").flatten() {
            Ok(set) => {
                tracing::info!(keys = set.len(), "fetched the keys of the identity provider");
                self.known.send_replace(Some(Arc::new(set)));
                true
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(error, "failed to fetch the keys of the identity provider");
                false
            }
        }
    }

    async fn fetch(&self, now: DateTime<Utc>) -> anyhow::Result<KeySet> {
        let address = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let discovery: Discovery =
            self.get(Url::parse(&address)?).await.context("read the discovery document")?;
        if discovery.issuer != self.issuer {
            bail!("the discovery document is of another issuer");
        }
        let address = key_address(&discovery.jwks_uri, self.insecure)?;
        let published: PublishedKeys = self.get(address).await.context("read the keys")?;
        Ok(KeySet::new(published.keys, &self.algorithms, now))
    }

    async fn get<T: DeserializeOwned>(&self, address: Url) -> anyhow::Result<T> {
        let mut response = self.client.get(address).send().await?;
        if response.status() != reqwest::StatusCode::OK {
            bail!("the provider answered {}", response.status());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > BODY_LIMIT {
                bail!("the answer is longer than {BODY_LIMIT} bytes");
            }
            body.extend_from_slice(&chunk);
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

/// What we read of `/.well-known/openid-configuration`.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// A JWK set whose keys are still to be judged one by one: a strange one must not spoil the rest.
#[derive(Deserialize)]
struct PublishedKeys {
    keys: Vec<serde_json::Value>,
}

/// Where the keys are, if it is safe to ask there.
pub(super) fn key_address(jwks_uri: &str, insecure: bool) -> anyhow::Result<Url> {
    let url = Url::parse(jwks_uri).context("jwks_uri is not an address")?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if insecure => Ok(url),
        _ => bail!("jwks_uri must be https"),
    }
}

/// Whether two times are less than `span` apart, either way round: callers' clocks are read before
/// they wait for each other, so `now` may be the earlier one.
fn within(then: DateTime<Utc>, now: DateTime<Utc>, span: TimeDelta) -> bool {
    (now - then).abs() < span
}
