//! The end of a transaction: rows of the log, then changes. Both have one head that everybody waits for until the
//! commit, so they are gathered while posts, cases and reporters are written, and come last.

use madang_core::changes::{self, Change};
use sqlx::PgConnection;

use crate::audit::{self, Act};

/// What is to be written at the end.
#[derive(Debug, Default)]
pub(crate) struct Closing<'a> {
    acts: Vec<Act<'a>>,
    changes: Vec<Change>,
}

impl<'a> Closing<'a> {
    /// Adds a row of the log.
    pub(crate) fn act(&mut self, act: Act<'a>) {
        self.acts.push(act);
    }

    /// Adds a change, once.
    pub(crate) fn change(&mut self, change: Change) {
        if !self.changes.contains(&change) {
            self.changes.push(change);
        }
    }

    /// Writes all of it. Returns whether something changed for readers or logins.
    pub(crate) async fn write(self, tx: &mut PgConnection) -> sqlx::Result<bool> {
        for act in &self.acts {
            audit::append(&mut *tx, act).await?;
        }
        if self.changes.is_empty() {
            return Ok(false);
        }
        changes::record(tx, &self.changes).await?;
        Ok(true)
    }
}
