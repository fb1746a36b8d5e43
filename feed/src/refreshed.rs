//! A value held by the process that is read anew after it was spoiled. Those who ask while it is being
//! read wait for it; nobody is given what was spoiled before they asked.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwap;

/// A value and whether it is of today.
#[derive(Debug)]
pub(crate) struct Refreshed<T> {
    value: Arc<ArcSwap<T>>,
    wanted: AtomicU64,
    have: AtomicU64,
    turn: tokio::sync::Mutex<()>,
}

impl<T> Refreshed<T> {
    /// Spoiled from the start; `value` serves those who look without asking.
    pub(crate) fn new(value: Arc<ArcSwap<T>>) -> Self {
        let (wanted, have) = (AtomicU64::new(1), AtomicU64::new(0));
        Self { value, wanted, have, turn: tokio::sync::Mutex::default() }
    }

    /// Says that the value is no longer true.
    pub(crate) fn spoil(&self) {
        self.wanted.fetch_add(1, Ordering::AcqRel);
    }

    fn is_current(&self) -> bool {
        self.have.load(Ordering::Acquire) >= self.wanted.load(Ordering::Acquire)
    }

    /// The value, read anew if it was spoiled.
    pub(crate) async fn get(&self, read: impl AsyncFnOnce() -> sqlx::Result<T>) -> sqlx::Result<Arc<T>> {
        if !self.is_current() {
            let _turn = self.turn.lock().await;
            if !self.is_current() {
                // Noted before reading: what is spoiled meanwhile is read once more.
                let wanted = self.wanted.load(Ordering::Acquire);
                self.value.store(Arc::new(read().await?));
                self.have.store(wanted, Ordering::Release);
            }
        }
        Ok(self.value.load_full())
    }
}
