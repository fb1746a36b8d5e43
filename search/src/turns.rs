//! Who may feed an index, and who may build one: locks in PostgreSQL, held by a connection of their own and not by a
//! transaction, since what is done under them takes longer than a transaction may be idle.

use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection, PgPool};

/// Between tries of one who waits.
const RETRY: Duration = Duration::from_millis(200);

/// What is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Feeding the index that answers, or putting another one in its place.
    Feed,
    /// Building another index.
    Build,
}

impl Turn {
    const fn name(self) -> &'static str {
        match self {
            Self::Feed => "madang search feed",
            Self::Build => "madang search build",
        }
    }
}

/// A connection that can hold turns. What it holds is free again when it ends.
#[derive(Debug)]
pub(crate) struct Turns(PgConnection);

impl Turns {
    /// Takes a connection out of the pool.
    pub(crate) async fn open(pool: &PgPool) -> sqlx::Result<Self> {
        Ok(Self(pool.acquire().await?.detach()))
    }

    /// Takes a turn, unless somebody else has it.
    pub(crate) async fn take(&mut self, turn: Turn) -> sqlx::Result<bool> {
        sqlx::query_scalar!(
            r#"SELECT pg_try_advisory_lock(hashtext(current_database() || $1)) AS "mine!""#,
            turn.name()
        )
        .fetch_one(&mut self.0)
        .await
    }

    /// Waits for a turn.
    pub(crate) async fn await_turn(&mut self, turn: Turn) -> sqlx::Result<()> {
        while !self.take(turn).await? {
            tokio::time::sleep(RETRY).await;
        }
        Ok(())
    }

    /// Waits for a turn, but only so long; false when it was not given.
    pub(crate) async fn await_for(&mut self, turn: Turn, patience: Duration) -> sqlx::Result<bool> {
        let began = Instant::now();
        while !self.take(turn).await? {
            if began.elapsed() >= patience {
                return Ok(false);
            }
            tokio::time::sleep(RETRY).await;
        }
        Ok(true)
    }

    /// Gives a turn back.
    pub(crate) async fn give_back(&mut self, turn: Turn) -> sqlx::Result<()> {
        sqlx::query_scalar!(
            r#"SELECT pg_advisory_unlock(hashtext(current_database() || $1)) AS "was_mine!""#,
            turn.name()
        )
        .fetch_one(&mut self.0)
        .await
        .map(drop)
    }

    /// Ends the connection.
    pub(crate) async fn close(self) {
        let _ = self.0.close().await;
    }
}
