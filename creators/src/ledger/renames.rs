//! Shares that are called something else now. Rows keep the name they came under; what is held is held under the
//! name of today.

use std::collections::HashMap;

use madang_core::{ids::TickerId, tickers::Catalogue};

/// What was renamed, to what it is called now.
pub(super) struct Renames(HashMap<TickerId, TickerId>);

impl Renames {
    pub(super) fn of(catalogue: &Catalogue) -> Self {
        let renamed = catalogue.all().filter(|ticker| ticker.renamed_to.is_some());
        Self(renamed.map(|ticker| (ticker.id, catalogue.current(ticker.id))).collect())
    }

    /// What it is called now.
    pub(super) fn current(&self, ticker: TickerId) -> TickerId {
        self.0.get(&ticker).copied().unwrap_or(ticker)
    }

    /// All names, the one of today first, of what is called that today.
    pub(super) fn names(&self, ticker: TickerId) -> impl Iterator<Item = TickerId> {
        let old = self.0.iter().filter(move |(old, now)| **now == ticker && **old != ticker);
        std::iter::once(ticker).chain(old.map(|(old, _)| *old))
    }
}
