-- Why: posts and everything that hangs on one. `posts` carries no unique key but its id, so that it
-- can be partitioned by ranges of ids; one-per-person rules live in tables of their own.

CREATE TABLE posts (
    id bigint CONSTRAINT posts_pkey PRIMARY KEY,
    author_id bigint NOT NULL CONSTRAINT posts_author_fkey REFERENCES users,
    body text NOT NULL,
    stance smallint NOT NULL DEFAULT 0 CONSTRAINT posts_stance_known CHECK (stance BETWEEN -1 AND 1),
    reply_to bigint,
    root_id bigint,
    repost_of bigint,
    quote_of bigint,
    language text,
    rank bigint NOT NULL,
    author_followers integer NOT NULL,
    -- the one exception to "a rank never changes": a restored post gets a second one
    restored_rank bigint,
    moderation_state smallint NOT NULL DEFAULT 0
        CONSTRAINT posts_moderation_state_known CHECK (moderation_state BETWEEN 0 AND 5),
    moderation_version integer NOT NULL DEFAULT 0,
    -- what feeds and boards may list: not deleted, not hidden, and neither is what it reposts
    listed boolean NOT NULL DEFAULT true,
    revision integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    edited_at timestamptz,
    deleted_at timestamptz,
    CONSTRAINT posts_listed_is_visible CHECK (NOT listed OR (deleted_at IS NULL AND moderation_state = 0)),
    CONSTRAINT posts_reply_has_root CHECK ((reply_to IS NULL) = (root_id IS NULL)),
    CONSTRAINT posts_one_reference CHECK (repost_of IS NULL OR (reply_to IS NULL AND quote_of IS NULL))
);
CREATE INDEX posts_author ON posts (author_id, id DESC) INCLUDE (rank, listed);
CREATE INDEX posts_replies ON posts (reply_to, id) WHERE reply_to IS NOT NULL;
CREATE INDEX posts_thread ON posts (root_id, id) WHERE root_id IS NOT NULL;
CREATE INDEX posts_reposts ON posts (repost_of) WHERE repost_of IS NOT NULL;
CREATE INDEX posts_quotes ON posts (quote_of) WHERE quote_of IS NOT NULL;

CREATE TABLE external_posts (
    external_id text CONSTRAINT external_posts_pkey PRIMARY KEY,
    post_id bigint NOT NULL,
    external_likes integer,
    external_reposts integer
);
CREATE INDEX external_posts_post ON external_posts (post_id);

CREATE TABLE post_tickers (
    post_id bigint NOT NULL,
    -- no foreign key: tickers are never deleted, and its check would lock the one row of a busy ticker
    -- in every post about it
    ticker_id integer NOT NULL,
    position smallint NOT NULL,
    -- last close known when the post was written, and its market day
    price numeric,
    price_day date,
    CONSTRAINT post_tickers_pkey PRIMARY KEY (post_id, ticker_id)
);
CREATE INDEX post_tickers_board ON post_tickers (ticker_id, post_id DESC);

CREATE TABLE post_revisions (
    post_id bigint NOT NULL,
    revision integer NOT NULL,
    body text NOT NULL,
    -- when this text was replaced
    replaced_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT post_revisions_pkey PRIMARY KEY (post_id, revision)
);

CREATE TABLE mentions (
    post_id bigint NOT NULL,
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    CONSTRAINT mentions_pkey PRIMARY KEY (post_id, user_id)
);
CREATE INDEX mentions_user ON mentions (user_id, post_id DESC);

CREATE TABLE likes (
    post_id bigint NOT NULL,
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT likes_pkey PRIMARY KEY (post_id, user_id)
);
CREATE INDEX likes_user ON likes (user_id, post_id DESC);

CREATE TABLE bookmarks (
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    post_id bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- sorts by the time of marking
    mark_id bigint NOT NULL DEFAULT new_id(now()),
    CONSTRAINT bookmarks_pkey PRIMARY KEY (user_id, post_id)
);
CREATE INDEX bookmarks_order ON bookmarks (user_id, mark_id DESC);

-- One repost per person and post.
CREATE TABLE reposts (
    post_id bigint NOT NULL,
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    repost_id bigint NOT NULL,
    CONSTRAINT reposts_pkey PRIMARY KEY (post_id, user_id)
);
CREATE INDEX reposts_user ON reposts (user_id, post_id DESC);

CREATE TABLE polls (
    post_id bigint CONSTRAINT polls_pkey PRIMARY KEY,
    closes_at timestamptz NOT NULL
);

CREATE TABLE poll_options (
    post_id bigint NOT NULL REFERENCES polls ON DELETE CASCADE,
    idx smallint NOT NULL CONSTRAINT poll_options_at_most_five CHECK (idx BETWEEN 0 AND 4),
    label text NOT NULL,
    votes integer NOT NULL DEFAULT 0,
    CONSTRAINT poll_options_pkey PRIMARY KEY (post_id, idx)
);

CREATE TABLE poll_votes (
    post_id bigint NOT NULL,
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    idx smallint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT poll_votes_pkey PRIMARY KEY (post_id, user_id),
    CONSTRAINT poll_votes_option FOREIGN KEY (post_id, idx) REFERENCES poll_options (post_id, idx)
);
CREATE INDEX poll_votes_user ON poll_votes (user_id);

-- Counts as shown. Made at the first interaction, so that a plain post costs no second row.
CREATE TABLE post_counts (
    post_id bigint CONSTRAINT post_counts_pkey PRIMARY KEY,
    likes integer NOT NULL DEFAULT 0 CONSTRAINT post_counts_likes_positive CHECK (likes >= 0),
    replies integer NOT NULL DEFAULT 0 CONSTRAINT post_counts_replies_positive CHECK (replies >= 0),
    reposts integer NOT NULL DEFAULT 0 CONSTRAINT post_counts_reposts_positive CHECK (reposts >= 0),
    quotes integer NOT NULL DEFAULT 0 CONSTRAINT post_counts_quotes_positive CHECK (quotes >= 0)
) WITH (fillfactor = 80);

-- Counts follow their rows inside the same statement, whoever writes the rows. Bulk imports set
-- `madang.bulk` and recount once at their end.
CREATE FUNCTION bulk_load() RETURNS boolean
LANGUAGE sql STABLE
RETURN coalesce(current_setting('madang.bulk', true), '') = 'on';

CREATE FUNCTION add_counts(post bigint, d_likes integer, d_replies integer, d_reposts integer, d_quotes integer)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO post_counts AS c (post_id, likes, replies, reposts, quotes)
    VALUES (post, greatest(d_likes, 0), greatest(d_replies, 0), greatest(d_reposts, 0), greatest(d_quotes, 0))
    ON CONFLICT (post_id) DO UPDATE SET
        likes = c.likes + d_likes, replies = c.replies + d_replies,
        reposts = c.reposts + d_reposts, quotes = c.quotes + d_quotes
$$;

CREATE FUNCTION count_like() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM add_counts(NEW.post_id, 1, 0, 0, 0);
    ELSE
        PERFORM add_counts(OLD.post_id, -1, 0, 0, 0);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER likes_counted AFTER INSERT OR DELETE ON likes
    FOR EACH ROW WHEN (NOT bulk_load()) EXECUTE FUNCTION count_like();

-- Replies, reposts and quotes count while they are not deleted and not hidden.
CREATE FUNCTION count_reference() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    d integer := CASE WHEN TG_OP = 'INSERT' THEN 1 WHEN NEW.listed THEN 1 ELSE -1 END;
BEGIN
    IF NEW.reply_to IS NOT NULL THEN PERFORM add_counts(NEW.reply_to, 0, d, 0, 0); END IF;
    IF NEW.repost_of IS NOT NULL THEN PERFORM add_counts(NEW.repost_of, 0, 0, d, 0); END IF;
    IF NEW.quote_of IS NOT NULL THEN PERFORM add_counts(NEW.quote_of, 0, 0, 0, d); END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER posts_counted AFTER INSERT ON posts FOR EACH ROW
    WHEN (NEW.listed AND coalesce(NEW.reply_to, NEW.repost_of, NEW.quote_of) IS NOT NULL AND NOT bulk_load())
    EXECUTE FUNCTION count_reference();
CREATE TRIGGER posts_recounted AFTER UPDATE OF listed ON posts FOR EACH ROW
    WHEN (NEW.listed <> OLD.listed AND coalesce(NEW.reply_to, NEW.repost_of, NEW.quote_of) IS NOT NULL)
    EXECUTE FUNCTION count_reference();

CREATE FUNCTION count_vote() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE poll_options SET votes = votes + 1 WHERE post_id = NEW.post_id AND idx = NEW.idx;
    ELSE
        UPDATE poll_options SET votes = votes - 1 WHERE post_id = OLD.post_id AND idx = OLD.idx;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER poll_votes_counted AFTER INSERT OR DELETE ON poll_votes
    FOR EACH ROW EXECUTE FUNCTION count_vote();
