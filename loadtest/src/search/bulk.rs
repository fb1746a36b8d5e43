//! How fast an index is built and how large it is: posts are added by SQL, then `madang search reindex` is timed.

use std::{path::Path, time::Instant};

use anyhow::{Context, Result};

use super::place::Place;
use crate::bench::figures::Report;

/// Each new post has the beginning of one loaded post and the end of another, and a number that makes it differ; it is
/// by the author of the first and about what that one is about.
const ADD: &str = "
    CREATE TEMP TABLE old AS
        SELECT row_number() OVER (ORDER BY id) - 1 AS nth, id, author_id, body, author_followers
        FROM posts WHERE listed AND repost_of IS NULL AND body <> '';
    CREATE INDEX ON old (nth);
    ANALYZE old;
    CREATE TEMP TABLE new AS
        SELECT new_id(at) AS id, a.id AS like_id, a.author_id, a.author_followers, at,
               left(a.body, length(a.body) / 2) || ' ' || right(b.body, length(b.body) / 2) || ' ' || n AS body
        FROM (SELECT count(*) AS total FROM old) AS t, generate_series(1, :posts) AS n,
             LATERAL (SELECT date_trunc('milliseconds', now()) - (n || ' seconds')::interval AS at) AS w
             JOIN LATERAL (SELECT * FROM old WHERE nth = (n * 7919::bigint) % t.total) AS a ON true
             JOIN LATERAL (SELECT * FROM old WHERE nth = (n * 104729::bigint + 17) % t.total) AS b ON true;
    INSERT INTO posts (id, author_id, body, rank, author_followers, created_at)
        SELECT id, author_id, body, post_rank(at, author_followers, 0), author_followers, at FROM new;
    INSERT INTO post_tickers (post_id, ticker_id, position)
        SELECT n.id, pt.ticker_id, pt.position FROM new n JOIN post_tickers pt ON pt.post_id = n.like_id;
    ANALYZE posts, post_tickers;
    SELECT count(*) FROM new;";

/// Adds posts, builds the index and reports.
pub(crate) async fn measure(place: &Place, posts: u32, report: &mut Report) -> Result<()> {
    if posts > 0 {
        eprintln!("adding {posts} posts");
        place.database.sql(&ADD.replace(":posts", &posts.to_string())).await?;
    }
    let indexed = "SELECT count(*) FROM posts WHERE listed AND repost_of IS NULL AND body <> ''";
    let count: f64 = place.database.sql(indexed).await?.trim().parse()?;
    eprintln!("indexing {count} posts");
    let since = Instant::now();
    let said = place.reindex().await?;
    let secs = since.elapsed().as_secs_f64();
    eprint!("{said}");
    report.number("indexed_posts", "posts in the index", count, "");
    report.number(
        "index_posts_per_sec",
        "posts indexed a second",
        count / secs,
        "the whole of reindex, people too",
    );
    // Of a server of its own nobody knows where its files are.
    if std::env::var("MEILI_URL").unwrap_or_default().is_empty() {
        let folder =
            std::env::var("SEARCH_DIR").context("SEARCH_DIR must be set; ./dev bench search sets it")?;
        #[expect(clippy::cast_precision_loss, reason = "for reading")]
        let bytes = bytes_in(Path::new(&folder))? as f64;
        report.number("index_bytes_per_post", "bytes of index a post", bytes / count, "people in it too");
    }
    Ok(())
}

/// Bytes of all files in a folder.
fn bytes_in(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes += if about.is_dir() { bytes_in(&entry.path())? } else { about.len() };
    }
    Ok(bytes)
}
