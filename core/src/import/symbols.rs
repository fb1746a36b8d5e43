//! What an archive's symbols mean here.

use std::{collections::HashMap, sync::Arc};

use sqlx::PgConnection;

/// Symbols to tickers. A bare symbol means the ticker of the archive's own `tickers.csv`, else the only one
/// with that code; `market:code` always means itself.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    /// `None` where several tickers share a name
    by_name: HashMap<String, Option<i32>>,
    renamed: HashMap<i32, i32>,
}

impl Symbols {
    /// Loads all tickers; `own` are the bare symbols of the archive with their tickers.
    pub(super) async fn load(conn: &mut PgConnection, own: Vec<(String, i32)>) -> sqlx::Result<Arc<Self>> {
        let rows =
            sqlx::query!(r#"SELECT id, symbol AS "symbol!", code, renamed_to FROM tickers ORDER BY id"#)
                .fetch_all(conn)
                .await?;
        let mut symbols = Self::default();
        for row in &rows {
            symbols.name(&row.code, row.id);
        }
        let mut theirs = Self::default();
        for (bare, id) in &own {
            theirs.name(bare, *id);
        }
        symbols.by_name.extend(theirs.by_name);
        for row in rows {
            symbols.by_name.insert(row.symbol.to_uppercase(), Some(row.id));
            symbols.renamed.extend(row.renamed_to.map(|to| (row.id, to)));
        }
        Ok(Arc::new(symbols))
    }

    fn name(&mut self, name: &str, id: i32) {
        self.by_name
            .entry(name.to_uppercase())
            .and_modify(|known| *known = known.filter(|known| *known == id))
            .or_insert(Some(id));
    }

    /// The ticker with exactly this symbol.
    pub(super) fn find(&self, symbol: &str) -> Option<i32> {
        *self.by_name.get(symbol.trim().to_uppercase().as_str())?
    }

    /// The ticker a post with this symbol is about today: its board is that of the last name.
    pub(super) fn current(&self, symbol: &str) -> Option<i32> {
        let mut id = self.find(symbol)?;
        // A chain of renames is short; the bound ends a circle somebody may have entered by hand.
        for _ in 0..8 {
            match self.renamed.get(&id) {
                Some(next) => id = *next,
                None => break,
            }
        }
        Some(id)
    }
}
