//! Lists held for a moment. Whoever reads one has caught up with all changes before; a change that makes it wrong
//! clears the shelf, and what was being loaded meanwhile is not put on it.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a list is held: figures change with the day, so this only bounds how late a new one is seen.
const LIFE: Duration = Duration::from_secs(5);
/// Most lists held; beyond it, all go.
const MOST: usize = 2_000;

struct Lists<K, V> {
    held: HashMap<K, (Instant, Arc<V>)>,
    /// raised by each clearing
    generation: u64,
}

/// A shelf of lists.
pub(crate) struct Shelf<K, V>(Mutex<Lists<K, V>>);

impl<K, V> Default for Shelf<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Lists { held: HashMap::new(), generation: 0 }))
    }
}

impl<K: Eq + Hash, V> Shelf<K, V> {
    fn lists(&self) -> std::sync::MutexGuard<'_, Lists<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes everything off.
    pub(crate) fn clear(&self) {
        let mut lists = self.lists();
        lists.held.clear();
        lists.generation += 1;
    }

    /// A list, loaded if it is not held.
    pub(crate) async fn get<E>(&self, key: K, load: impl AsyncFnOnce() -> Result<V, E>) -> Result<Arc<V>, E> {
        let generation = {
            let lists = self.lists();
            if let Some((made, list)) = lists.held.get(&key)
                && made.elapsed() < LIFE
            {
                return Ok(list.clone());
            }
            lists.generation
        };
        let loaded = Arc::new(load().await?);
        let mut lists = self.lists();
        if lists.generation == generation {
            if lists.held.len() >= MOST {
                lists.held.clear();
            }
            lists.held.insert(key, (Instant::now(), loaded.clone()));
        }
        Ok(loaded)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_loading_while_the_shelf_was_cleared_is_not_held() {
        let shelf: Shelf<i32, i32> = Shelf::default();
        let loaded = shelf.get(1, async || {
            shelf.clear();
            Ok::<_, ()>(7)
        });
        assert_eq!(*loaded.await.unwrap(), 7);
        assert_eq!(*shelf.get(1, async || Ok::<_, ()>(8)).await.unwrap(), 8);
        assert_eq!(*shelf.get(1, async || Ok::<_, ()>(9)).await.unwrap(), 8, "not held");
        shelf.clear();
        assert_eq!(*shelf.get(1, async || Ok::<_, ()>(9)).await.unwrap(), 9, "held after it was cleared");
    }
}
