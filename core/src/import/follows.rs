//! `follows.csv`: follower, followee. Without it, who wrote to or about whom in `interactions.csv` follows
//! them: there a repeated pair or an unknown person is no mistake.

use std::time::Duration;

use super::{
    copy::Row,
    counts::Counts,
    fields::{CsvTable, Fields},
    source::Source,
    stage::{Run, Stage},
};
use crate::{
    follows::MAX_FOLLOWS,
    jobs::{self, JobKind},
};

/// Which file the edges come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One edge a line.
    Follows,
    /// One edge for each pair.
    Interactions,
}

impl Kind {
    const fn columns(self) -> &'static [&'static str; 2] {
        match self {
            Self::Follows => &["follower", "followee"],
            Self::Interactions => &["from_author", "to_author"],
        }
    }
}

const STAGING: &str = "
    CREATE TEMP TABLE import_rows (seq bigint, raw text, follower text, followee text) ON COMMIT DROP";

/// Imports the file.
pub(super) async fn import(
    run: &mut Run<'_>,
    source: Source,
    kind: Kind,
    push_limit: i32,
    counts: &mut Counts,
) -> anyhow::Result<()> {
    let mut stage = Stage::begin(run, "follows", STAGING).await?;
    let parse = move |fields: &Fields<'_>, row: &mut Row<'_>| {
        for column in kind.columns() {
            row.text(Some(fields.id(column)?));
        }
        Ok(())
    };
    stage.load(source, CsvTable::new(kind.columns(), parse)).await?;
    stage.loaded().await?;
    stage.script(EDGES).await?;
    if kind == Kind::Interactions {
        let without = stage.run(ONE_EDGE_A_PAIR).await?;
        stage.leave_out(without);
        counts.notes.interactions_without_follow = without;
    }
    stage.run(REFUSED).await?;
    over_the_limit(&mut stage).await?;
    stage.script(FRESH).await?;
    let added = stage.run(ADD).await?;
    if added > 0 {
        settle(&mut stage, push_limit).await?;
    }
    counts.follows = stage.tally(added).await?;
    stage.log_people("SELECT DISTINCT followee FROM import_fresh ORDER BY 1").await?;
    stage.commit().await
}

async fn over_the_limit(stage: &mut Stage<'_>) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO import_bad (seq, reason)
         SELECT seq, 'follows more than ' || $1 || ' people'
         FROM (SELECT e.seq, u.following_count + row_number() OVER (PARTITION BY e.follower ORDER BY e.seq) AS nth
               FROM import_edges e JOIN users u ON u.id = e.follower LEFT JOIN import_bad b USING (seq)
               WHERE NOT e.here AND b.seq IS NULL) AS edges
         WHERE nth > $1",
    )
    .bind(MAX_FOLLOWS)
    .persistent(false)
    .execute(&mut *stage.tx)
    .await?;
    Ok(())
}

/// Recounts the people concerned, and asks for the jobs that their new edges need.
async fn settle(stage: &mut Stage<'_>, push_limit: i32) -> sqlx::Result<()> {
    // Locked first, in the order in which the triggers lock: who follows meanwhile is counted by us or
    // counts after us, never lost.
    stage.run(LOCK).await?;
    stage.run(RECOUNT).await?;
    stage.run(TELL_READERS).await?;
    let misplaced: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM users
         WHERE id IN (SELECT followee FROM import_fresh)
           AND ((merge_state = 0 AND follower_count > $1) OR (merge_state = 2 AND follower_count < $1 * 0.8))",
    )
    .bind(push_limit)
    .persistent(false)
    .fetch_all(&mut *stage.tx)
    .await?;
    jobs::enqueue_many(&mut *stage.tx, JobKind::Merge, &misplaced, 0, Duration::ZERO).await
}

const EDGES: &str = "
    CREATE TEMP TABLE import_edges ON COMMIT DROP AS
    SELECT r.seq, a.id AS follower, b.id AS followee, r.follower = r.followee AS self,
           min(r.seq) OVER (PARTITION BY r.follower, r.followee) AS first, f.follower_id IS NOT NULL AS here,
           EXISTS (SELECT FROM blocks WHERE (blocker_id, blocked_id) IN ((a.id, b.id), (b.id, a.id))) AS blocked
    FROM import_rows r
    LEFT JOIN users a ON a.external_id = r.follower
    LEFT JOIN users b ON b.external_id = r.followee
    LEFT JOIN follows f ON f.follower_id = a.id AND f.followee_id = b.id;
    ANALYZE import_edges";

const ONE_EDGE_A_PAIR: &str =
    "DELETE FROM import_edges WHERE seq <> first OR self OR follower IS NULL OR followee IS NULL";

const REFUSED: &str = "
    INSERT INTO import_bad (seq, reason, other)
    SELECT seq, CASE WHEN seq <> first THEN 'duplicate of' WHEN self THEN 'nobody follows themselves'
                     WHEN follower IS NULL THEN 'the follower is unknown'
                     WHEN followee IS NULL THEN 'the followee is unknown'
                     ELSE 'one has blocked the other' END,
           CASE WHEN seq <> first THEN first END
    FROM import_edges
    WHERE seq <> first OR self OR follower IS NULL OR followee IS NULL OR blocked";

const FRESH: &str = "
    CREATE TEMP TABLE import_fresh ON COMMIT DROP AS
    SELECT e.follower, e.followee FROM import_edges e LEFT JOIN import_bad b USING (seq)
    WHERE NOT e.here AND b.seq IS NULL;
    ANALYZE import_fresh";

const ADD: &str = "
    INSERT INTO follows (follower_id, followee_id)
    SELECT follower, followee FROM import_fresh ORDER BY follower, followee
    ON CONFLICT DO NOTHING";

const LOCK: &str = "
    SELECT count(*) FROM (
        SELECT id FROM users
        WHERE id IN (SELECT follower FROM import_fresh UNION SELECT followee FROM import_fresh)
        ORDER BY id FOR NO KEY UPDATE) AS locked";

const RECOUNT: &str = "
    UPDATE users u SET follower_count = n.followers, following_count = n.following
    FROM (SELECT p.id, coalesce(a.n, 0) AS followers, coalesce(b.n, 0) AS following
          FROM (SELECT follower AS id FROM import_fresh UNION SELECT followee FROM import_fresh) AS p
          LEFT JOIN (SELECT followee_id AS id, count(*) AS n FROM follows
                     WHERE followee_id IN (SELECT followee FROM import_fresh UNION SELECT follower FROM import_fresh)
                     GROUP BY 1) AS a USING (id)
          LEFT JOIN (SELECT follower_id AS id, count(*) AS n FROM follows
                     WHERE follower_id IN (SELECT followee FROM import_fresh UNION SELECT follower FROM import_fresh)
                     GROUP BY 1) AS b USING (id)) AS n
    WHERE n.id = u.id AND (u.follower_count, u.following_count) <> (n.followers, n.following)";

const TELL_READERS: &str = "
    INSERT INTO jobs AS j (kind, subject, peer)
    SELECT 'relation', f.follower, f.followee FROM import_fresh f JOIN readers r ON r.user_id = f.follower
    ORDER BY 2, 3
    ON CONFLICT (kind, subject, peer) DO UPDATE SET
        generation = j.generation + 1,
        run_at = CASE WHEN j.lease IS NULL THEN least(j.run_at, excluded.run_at) ELSE j.run_at END,
        attempts = CASE WHEN j.parked_at IS NULL THEN j.attempts ELSE 0 END,
        parked_at = NULL";
