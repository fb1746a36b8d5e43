//! Passwords: argon2id (m = 19,456 KiB, t = 2, p = 1), two at a time, so that a burst of logins
//! neither fills memory nor starves the other requests.

use std::sync::{Arc, LazyLock};

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

/// Fewest and most bytes of a password.
pub const PASSWORD_BYTES: std::ops::RangeInclusive<usize> = 10..=256;
const AT_ONCE: usize = 2;

/// Hashes and verifies passwords on the blocking pool.
#[derive(Clone, Debug)]
pub struct Passwords {
    permits: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

/// A hash nobody's password has: verified when a handle is unknown, so that the answer takes as long.
static DUMMY: LazyLock<String> =
    LazyLock::new(|| hash_now(&crate::signing::random_token()).unwrap_or_default());

fn hash_now(password: &str) -> anyhow::Result<String> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    Ok(hash.map_err(|error| anyhow::anyhow!("failed to hash a password: {error}"))?.to_string())
}

fn verify_now(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
}

impl Passwords {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<T> {
        let permit = self.permits.clone().acquire_owned().await?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        Ok(done.await?)
    }

    /// The PHC string to store.
    pub async fn hash(&self, password: SecretString) -> anyhow::Result<String> {
        self.run(move || hash_now(password.expose_secret())).await?
    }

    /// Whether the password fits; takes the same time when there is no hash.
    pub async fn verify(&self, password: SecretString, hash: Option<String>) -> anyhow::Result<bool> {
        self.run(move || {
            let known = hash.is_some();
            let fits = verify_now(password.expose_secret(), &hash.unwrap_or_else(|| DUMMY.clone()));
            known && fits
        })
        .await
    }
}
