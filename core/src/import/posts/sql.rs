//! The statements of the stage, in the order in which they run.
//!
//! `import_lines` are the first lines of each id, `import_targets` what they refer to (`to_seq` a line of
//! this import, `to_id` a post that is here), `import_threads` the replies with the first post of their
//! thread, `import_fresh` the lines that become posts, `import_plan` those posts.

/// The lines.
pub(super) const STAGING: &str = "
    CREATE TEMP TABLE import_rows (
        seq bigint, raw text, ext text, at timestamptz, author text, body text, tickers integer[], unknown integer,
        reply_ext text, repost_ext text, likes integer, reposts integer, lang text, stance smallint, names text[])
    ON COMMIT DROP";

/// An id counts once over all files.
pub(super) const DUPLICATES: &str = "
    INSERT INTO import_bad (seq, reason, other)
    SELECT seq, 'duplicate of', first
    FROM (SELECT seq, min(seq) OVER (PARTITION BY ext) AS first FROM import_rows) AS r WHERE seq <> first";

/// The first line of each id, with its author, and whether its post is here.
pub(super) const LINES: &str = "
    CREATE TEMP TABLE import_lines ON COMMIT DROP AS
    SELECT r.seq, r.ext, r.at, u.id AS author_id, u.follower_count AS followers, r.repost_ext,
           coalesce(r.repost_ext, r.reply_ext) AS target_ext, e.post_id IS NOT NULL AS here,
           e.post_id IS NULL AND u.id IS NOT NULL AS fresh
    FROM import_rows r
    LEFT JOIN import_bad b USING (seq)
    LEFT JOIN users u ON u.external_id = r.author
    LEFT JOIN external_posts e ON e.external_id = r.ext
    WHERE b.seq IS NULL;
    CREATE UNIQUE INDEX ON import_lines (seq);
    CREATE UNIQUE INDEX ON import_lines (ext);
    ANALYZE import_lines";

/// A post without a person is no post.
pub(super) const UNKNOWN_AUTHOR: &str = "
    INSERT INTO import_bad (seq, reason)
    SELECT seq, 'the author is unknown' FROM import_lines WHERE NOT here AND author_id IS NULL";

/// Follows each reference through reposts to the post behind them; the bound ends circles.
pub(super) const TARGETS: &str = "
    CREATE TEMP TABLE import_targets ON COMMIT DROP AS
    WITH RECURSIVE step (seq, ext, depth) AS (
        SELECT seq, target_ext, 1 FROM import_lines WHERE fresh AND target_ext IS NOT NULL
        UNION ALL
        SELECT s.seq, l.repost_ext, s.depth + 1
        FROM step s JOIN import_lines l ON l.ext = s.ext AND l.repost_ext IS NOT NULL WHERE s.depth < 16),
    ends AS (SELECT DISTINCT ON (seq) seq, ext FROM step ORDER BY seq, depth DESC),
    found AS (
        SELECT ends.seq, l.seq AS to_seq, coalesce(p.repost_of, p.id) AS to_id
        FROM ends
        LEFT JOIN import_lines l ON l.ext = ends.ext AND l.fresh AND l.repost_ext IS NULL
        LEFT JOIN external_posts e ON e.external_id = ends.ext
        LEFT JOIN posts p ON p.id = e.post_id)
    SELECT f.seq, f.to_seq, o.id AS to_id, coalesce(o.root_id, o.id) AS to_root,
           o.deleted_at IS NOT NULL AS to_deleted
    FROM found f LEFT JOIN posts o ON o.id = f.to_id
    WHERE f.to_seq IS NOT NULL OR o.id IS NOT NULL;
    CREATE UNIQUE INDEX ON import_targets (seq);
    ANALYZE import_targets";

/// A repost shows its original and has nothing of its own.
pub(super) const REPOST_OF_NOTHING: &str = "
    INSERT INTO import_bad (seq, reason)
    SELECT l.seq, CASE WHEN t.to_deleted THEN 'what it reposts was deleted'
                       ELSE 'what it reposts is not in the archive' END
    FROM import_lines l LEFT JOIN import_targets t USING (seq)
    WHERE l.fresh AND l.repost_ext IS NOT NULL AND (t.seq IS NULL OR t.to_deleted)";

/// Replies whose target is known, from the first post of the thread on. Replies in a circle hang on nothing.
pub(super) const THREADS: &str = "
    CREATE TEMP TABLE import_threads ON COMMIT DROP AS
    WITH RECURSIVE replies AS MATERIALIZED (
        SELECT t.seq, t.to_seq, t.to_id, t.to_root
        FROM import_targets t JOIN import_lines l USING (seq) WHERE l.repost_ext IS NULL),
    threads (seq, root_seq, root_id) AS (
        SELECT r.seq, r.to_seq, r.to_root FROM replies r
        WHERE r.to_id IS NOT NULL OR NOT EXISTS (SELECT FROM replies o WHERE o.seq = r.to_seq)
        UNION ALL
        SELECT r.seq, t.root_seq, t.root_id FROM threads t JOIN replies r ON r.to_seq = t.seq)
    SELECT seq, root_seq, root_id FROM threads;
    CREATE UNIQUE INDEX ON import_threads (seq);
    ANALYZE import_threads";

/// The lines that become posts.
pub(super) const FRESH: &str = "
    CREATE TEMP TABLE import_fresh ON COMMIT DROP AS
    SELECT l.seq, l.at FROM import_lines l LEFT JOIN import_bad b USING (seq) WHERE l.fresh AND b.seq IS NULL;
    ANALYZE import_fresh";

/// Those posts, references as ids.
pub(super) const PLAN: &str = "
    CREATE TEMP TABLE import_plan ON COMMIT DROP AS
    SELECT i.seq, i.id, l.ext, l.author_id, l.at, l.followers,
           CASE WHEN h.seq IS NOT NULL THEN coalesce(ti.id, t.to_id) END AS reply_to,
           CASE WHEN h.seq IS NOT NULL THEN coalesce(ri.id, h.root_id) END AS root_id,
           CASE WHEN l.repost_ext IS NOT NULL THEN coalesce(ti.id, t.to_id) END AS repost_of
    FROM import_fresh f
    JOIN import_lines l USING (seq)
    JOIN import_ids i USING (seq)
    LEFT JOIN import_threads h USING (seq)
    LEFT JOIN import_targets t USING (seq)
    LEFT JOIN import_ids ti ON ti.seq = t.to_seq
    LEFT JOIN import_ids ri ON ri.seq = h.root_seq;
    ANALYZE import_plan";

/// Locks the originals that were here before.
pub(super) const HOLD_ORIGINALS: &str = "
    SELECT count(*) FROM (
        SELECT id FROM posts WHERE id IN (SELECT repost_of FROM import_plan) ORDER BY id FOR SHARE) AS held";

/// One repost a person and post: the earliest.
pub(super) const ADD_REPOSTS: &str = "
    INSERT INTO reposts (post_id, user_id, repost_id)
    SELECT repost_of, author_id, id FROM import_plan WHERE repost_of IS NOT NULL ORDER BY id
    ON CONFLICT DO NOTHING";

/// The others.
pub(super) const REPOSTED_BEFORE: &str = "
    WITH gone AS (
        DELETE FROM import_plan p WHERE p.repost_of IS NOT NULL
          AND NOT EXISTS (SELECT FROM reposts r WHERE r.post_id = p.repost_of AND r.user_id = p.author_id
                                                  AND r.repost_id = p.id)
        RETURNING p.seq)
    INSERT INTO import_bad (seq, reason) SELECT seq, 'its author already reposted that' FROM gone";

/// As publishing does: own posts of the three hours before count, to the millisecond, and among those of
/// the same millisecond the ones with smaller ids.
pub(super) const ADD_POSTS: &str = "
    INSERT INTO posts (id, author_id, body, stance, reply_to, root_id, repost_of, language, rank, author_followers,
                       created_at, listed)
    WITH near AS (
        SELECT id, author_id, true AS mine FROM import_plan
        UNION ALL
        SELECT p.id, p.author_id, false
        FROM (SELECT author_id, min(id) - ((3 * 3600 * 1000 + 1)::bigint << 12) AS low, max(id) AS high
              FROM import_plan GROUP BY 1) AS a
        JOIN posts p ON p.author_id = a.author_id AND p.id BETWEEN a.low AND a.high),
    counted AS (
        SELECT id, mine,
               count(*) OVER (PARTITION BY author_id ORDER BY id >> 12
                              RANGE BETWEEN 10800000 PRECEDING AND CURRENT ROW)
               - row_number() OVER (PARTITION BY author_id, id >> 12 ORDER BY id DESC) AS recent
        FROM near)
    SELECT p.id, p.author_id, r.body, CASE WHEN p.repost_of IS NULL THEN r.stance ELSE 0 END, p.reply_to, p.root_id,
           p.repost_of, r.lang, post_rank(p.at, p.followers, c.recent), p.followers, p.at, coalesce(o.listed, true)
    FROM import_plan p
    JOIN import_rows r USING (seq)
    JOIN counted c ON c.id = p.id AND c.mine
    LEFT JOIN posts o ON o.id = p.repost_of
    ORDER BY p.id";

/// What the archive said of them.
pub(super) const ADD_EXTERNAL: &str = "
    INSERT INTO external_posts (external_id, post_id, external_likes, external_reposts)
    SELECT p.ext, p.id, r.likes, r.reposts FROM import_plan p JOIN import_rows r USING (seq) ORDER BY p.ext";

/// With the last close before the post's own market day.
pub(super) const ADD_TICKERS: &str = "
    INSERT INTO post_tickers (post_id, ticker_id, position, price, price_day)
    SELECT p.id, t.id, n.ord - 1, c.close, c.day
    FROM import_plan p
    JOIN import_rows r USING (seq)
    CROSS JOIN unnest(r.tickers) WITH ORDINALITY AS n (ticker_id, ord)
    JOIN tickers t ON t.id = n.ticker_id
    LEFT JOIN LATERAL (
        SELECT day, close FROM prices
        WHERE ticker_id = t.id AND day < (p.at AT TIME ZONE t.time_zone)::date ORDER BY day DESC LIMIT 1) AS c ON true
    WHERE p.repost_of IS NULL
    ORDER BY p.id, n.ord";

/// The longest beginning of each name that is somebody's handle.
pub(super) const ADD_MENTIONS: &str = "
    INSERT INTO mentions (post_id, user_id)
    SELECT DISTINCT post_id, user_id FROM (
        SELECT DISTINCT ON (p.id, n.ord) p.id AS post_id, u.id AS user_id
        FROM import_plan p
        JOIN import_rows r USING (seq)
        CROSS JOIN unnest(r.names) WITH ORDINALITY AS n (name, ord)
        CROSS JOIN generate_series(2, char_length(n.name)) AS length
        JOIN users u ON u.handle_fold = left(n.name, length) AND u.deleted_at IS NULL
        ORDER BY p.id, n.ord, length DESC) AS found
    ORDER BY 1, 2";

/// What the trigger would have counted row by row.
pub(super) const COUNT_REFERENCES: &str = "
    INSERT INTO post_counts AS c (post_id, replies, reposts)
    SELECT coalesce(n.reply_to, n.repost_of), count(n.reply_to), count(n.repost_of)
    FROM posts n JOIN import_plan p USING (id)
    WHERE n.listed AND coalesce(n.reply_to, n.repost_of) IS NOT NULL
    GROUP BY 1 ORDER BY 1
    ON CONFLICT (post_id) DO UPDATE SET
        replies = c.replies + excluded.replies, reposts = c.reposts + excluded.reposts";

/// The new posts.
pub(super) const NEW_IDS: &str = "SELECT id FROM import_plan ORDER BY id";

/// Posts that were here before and are answered or passed on now.
pub(super) const TARGETS_HERE: &str = "
    SELECT DISTINCT t.id FROM (SELECT coalesce(reply_to, repost_of) AS id FROM import_plan) AS t
    WHERE t.id IS NOT NULL AND t.id NOT IN (SELECT id FROM import_plan)";

/// For the notes.
pub(super) const REPLIES_WITHOUT_TARGET: &str = "
    SELECT count(*) FROM import_plan p JOIN import_rows r USING (seq)
    WHERE r.reply_ext IS NOT NULL AND r.repost_ext IS NULL AND p.reply_to IS NULL";

/// For the notes.
pub(super) const UNKNOWN_SYMBOLS: &str = "
    SELECT coalesce(sum(r.unknown), 0)::bigint FROM import_plan p JOIN import_rows r USING (seq)
    WHERE r.repost_ext IS NULL";

/// For the notes.
pub(super) const MANY_TICKERS: &str = "
    SELECT count(*) FROM import_plan p JOIN import_rows r USING (seq)
    WHERE r.repost_ext IS NULL AND cardinality(r.tickers) > 5";
