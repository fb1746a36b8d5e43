//! One kind of files in one transaction: lines stream into a temporary table, then statements over whole
//! sets decide what is new. A stage that fails or is interrupted leaves nothing behind but its rejects.
//!
//! Temporary tables: `import_rows (seq, raw, …)` holds the lines, `import_bad (seq, reason, other)` those that
//! turn out to be wrong against the database or one another (`other` is a line that the reason refers to).

use std::time::Duration;

use anyhow::{Context, bail};
use sqlx::PgPool;
use tokio::sync::mpsc;

use super::{
    Progress,
    counts::Tally,
    rejects::{Reject, Rejects},
    source::{self, Batch, Source, Table, file_and_line},
};
use crate::{
    db::{self, Tx},
    jobs::{self, JobKind},
    search_log,
};

/// Batches read ahead of PostgreSQL.
const BATCHES_AHEAD: usize = 4;
/// Draws of ids before giving up: each leaves a small part of the last one's collisions.
const MAX_DRAWS: usize = 100;

/// What all stages share.
pub(super) struct Run<'a> {
    /// Where connections come from.
    pub(super) pool: &'a PgPool,
    /// Who watches.
    pub(super) progress: &'a dyn Progress,
    /// Where wrong lines go.
    pub(super) rejects: Rejects,
}

/// Which table new ids are for.
#[derive(Debug, Clone, Copy)]
pub(super) enum IdsFor {
    /// `users`
    Users,
    /// `posts`
    Posts,
}

/// A stage under way.
pub(super) struct Stage<'a> {
    /// Its transaction.
    pub(super) tx: Tx<'static>,
    name: &'static str,
    files: Vec<String>,
    rejects: &'a mut Rejects,
    progress: &'a dyn Progress,
    staged: u64,
    rejected: u64,
}

impl<'a> Stage<'a> {
    /// Opens the transaction and makes the staging table with these columns behind `seq` and `raw`.
    pub(super) async fn begin(
        run: &'a mut Run<'_>,
        name: &'static str,
        staging: &'static str,
    ) -> anyhow::Result<Stage<'a>> {
        let mut tx = run.pool.begin().await.context("failed to reach PostgreSQL")?;
        only_one(&mut tx).await?;
        let mut stage = Self {
            tx,
            name,
            files: Vec::new(),
            rejects: &mut run.rejects,
            progress: run.progress,
            staged: 0,
            rejected: 0,
        };
        stage
            .script(
                "SET LOCAL madang.bulk = 'on'; SET LOCAL jit = off; SET LOCAL work_mem = '64MB';
                 CREATE TEMP TABLE import_bad (seq bigint PRIMARY KEY, reason text NOT NULL, other bigint)
                 ON COMMIT DROP",
            )
            .await?;
        stage.script(staging).await?;
        Ok(stage)
    }

    /// Streams a file into `import_rows`.
    pub(super) async fn load(&mut self, source: Source, table: impl Table) -> anyhow::Result<()> {
        self.progress.stage(&source.name, None);
        let file = self.files.len();
        self.files.push(source.name.clone());
        let (sender, mut receiver) = mpsc::channel(BATCHES_AHEAD);
        let reader = tokio::task::spawn_blocking(move || source::read(&source, file, table, &sender));
        let mut copy = self.tx.copy_in_raw("COPY import_rows FROM STDIN").await?;
        let mut failure = None;
        while let Some(Batch { rows, rejects, lines }) = receiver.recv().await {
            copy.send(rows).await?;
            self.rejected += rejects.len() as u64;
            let written = rejects.iter().try_for_each(|reject| add(self.rejects, &self.files, file, reject));
            if let Err(error) = written {
                failure = Some(error);
                break;
            }
            self.progress.advance(lines);
        }
        drop(receiver);
        self.staged += copy.finish().await?;
        reader.await.context("failed to read to the end")??;
        failure.map_or(Ok(()), Err)
    }

    /// Says that reading is over, and tells PostgreSQL what the staging table looks like now.
    pub(super) async fn loaded(&mut self) -> sqlx::Result<()> {
        self.progress.stage(&format!("{}: into the database", self.name), None);
        self.script("ANALYZE import_rows").await
    }

    /// Runs several statements over temporary tables.
    pub(super) async fn script(&mut self, statements: &'static str) -> sqlx::Result<()> {
        sqlx::raw_sql(statements).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Runs one statement and says how many rows it touched. Its plan is not kept: the temporary tables it
    /// names are others in the next stage.
    pub(super) async fn run(&mut self, statement: &'static str) -> sqlx::Result<u64> {
        let done = sqlx::query(statement).persistent(false).execute(&mut *self.tx).await?;
        Ok(done.rows_affected())
    }

    /// Runs a statement that counts.
    pub(super) async fn count(&mut self, statement: &'static str) -> sqlx::Result<u64> {
        let count: i64 = sqlx::query_scalar(statement).persistent(false).fetch_one(&mut *self.tx).await?;
        Ok(count.unsigned_abs())
    }

    /// Asks for a job about each id that a statement selects.
    pub(super) async fn enqueue(&mut self, kind: JobKind, statement: &'static str) -> sqlx::Result<()> {
        let ids: Vec<i64> = sqlx::query_scalar(statement).persistent(false).fetch_all(&mut *self.tx).await?;
        jobs::enqueue_many(&mut *self.tx, kind, &ids, 0, Duration::ZERO).await
    }

    /// Tells indexes of search of people.
    pub(super) async fn log_people(&mut self, statement: &'static str) -> sqlx::Result<()> {
        let ids: Vec<i64> = sqlx::query_scalar(statement).persistent(false).fetch_all(&mut *self.tx).await?;
        search_log::append(&mut self.tx, &[], &ids).await
    }

    /// Makes `import_ids (seq, at, id)` for `import_fresh (seq, at)`: new ids that sort by time and, at the
    /// same time, by line. A millisecond has 4,096 ids, so where an archive has more than 1,024 rows in one
    /// (it knows days only, or the time is before 2010) the rest move on to the next ones.
    pub(super) async fn draw_ids(&mut self, ids_for: IdsFor) -> anyhow::Result<()> {
        self.script(DRAW).await?;
        let again = match ids_for {
            IdsFor::Users => DRAW_AGAIN_USERS,
            IdsFor::Posts => DRAW_AGAIN_POSTS,
        };
        let mut draws = 0;
        while self.run(again).await? > 0 {
            draws += 1;
            if draws > MAX_DRAWS {
                bail!("failed to find free ids for {}", self.name);
            }
        }
        self.script(SORT_WITHIN_TIME).await?;
        Ok(())
    }

    /// Writes what the database refused to the rejects file and counts, given how many rows are new.
    pub(super) async fn tally(&mut self, new: u64) -> anyhow::Result<Tally> {
        let rows: Vec<(i64, String, String, Option<i64>)> = sqlx::query_as(
            "SELECT b.seq, r.raw, b.reason, b.other FROM import_bad b JOIN import_rows r USING (seq) ORDER BY b.seq",
        )
        .persistent(false)
        .fetch_all(&mut *self.tx)
        .await?;
        for (seq, text, mut reason, other) in rows {
            let (file, line) = file_and_line(seq.unsigned_abs());
            if let Some((file, line)) = other.map(|other| file_and_line(other.unsigned_abs())) {
                reason = format!("{reason} {} line {line}", self.files.get(file).map_or("", String::as_str));
            }
            add(self.rejects, &self.files, file, &Reject { line, reason, text })?;
            self.rejected += 1;
            self.staged -= 1;
        }
        Ok(Tally { new, here: self.staged.saturating_sub(new), rejected: self.rejected })
    }

    /// Leaves lines out of the counts that are neither rows nor wrong.
    pub(super) const fn leave_out(&mut self, lines: u64) {
        self.staged = self.staged.saturating_sub(lines);
    }

    /// Commits.
    pub(super) async fn commit(self) -> anyhow::Result<()> {
        self.rejects.flush()?;
        self.tx.commit().await.with_context(|| format!("failed to commit {}", self.name))
    }
}

/// Waits for another import, but not for long: one whose process was killed ends by itself.
async fn only_one(tx: &mut Tx<'_>) -> anyhow::Result<()> {
    sqlx::raw_sql("SET LOCAL lock_timeout = '30s'").execute(&mut **tx).await?;
    let locked =
        sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('madang import'))").execute(&mut **tx).await;
    match locked {
        Err(error) if db::is_lock_timeout(&error) => {
            bail!("failed to start: another import is running")
        }
        done => done.map(|_| ()).context("failed to start"),
    }
}

fn add(rejects: &mut Rejects, files: &[String], file: usize, reject: &Reject) -> anyhow::Result<()> {
    rejects.add(files.get(file).map_or("", String::as_str), reject)
}

const DRAW: &str = "
    CREATE TEMP TABLE import_ids ON COMMIT DROP AS
    SELECT seq, at, new_id(at) AS id FROM (
        SELECT seq, ms + ((row_number() OVER (PARTITION BY ms ORDER BY seq) - 1) / 1024) * interval '1 ms' AS at
        FROM (SELECT seq, greatest(date_trunc('milliseconds', at), timestamptz '2010-01-01 00:00:00.001Z') AS ms
              FROM import_fresh) AS fresh
        ORDER BY 2, 1 OFFSET 0) AS spread;
    CREATE UNIQUE INDEX ON import_ids (seq);
    ANALYZE import_ids";

const DRAW_AGAIN_USERS: &str = "
    UPDATE import_ids i SET id = new_id(i.at)
    FROM (SELECT seq, id, row_number() OVER (PARTITION BY id ORDER BY seq) AS nth FROM import_ids) AS d
    WHERE d.seq = i.seq AND (d.nth > 1 OR EXISTS (SELECT FROM users WHERE users.id = d.id))";

const DRAW_AGAIN_POSTS: &str = "
    UPDATE import_ids i SET id = new_id(i.at)
    FROM (SELECT seq, id, row_number() OVER (PARTITION BY id ORDER BY seq) AS nth FROM import_ids) AS d
    WHERE d.seq = i.seq AND (d.nth > 1 OR EXISTS (SELECT FROM posts WHERE posts.id = d.id))";

const SORT_WITHIN_TIME: &str = "
    UPDATE import_ids i SET id = sorted.id
    FROM (SELECT seq, id FROM
              (SELECT seq, at, row_number() OVER (PARTITION BY at ORDER BY seq) AS nth FROM import_ids) AS lines
              JOIN (SELECT id, at, row_number() OVER (PARTITION BY at ORDER BY id) AS nth FROM import_ids) AS ids
              USING (at, nth)) AS sorted
    WHERE sorted.seq = i.seq AND sorted.id <> i.id";
