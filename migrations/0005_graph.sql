-- Why: who follows, watches, blocks and mutes what.

CREATE TABLE follows (
    follower_id bigint NOT NULL CONSTRAINT follows_follower_fkey REFERENCES users ON DELETE CASCADE,
    followee_id bigint NOT NULL CONSTRAINT follows_followee_fkey REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT follows_pkey PRIMARY KEY (follower_id, followee_id),
    CONSTRAINT follows_not_self CHECK (follower_id <> followee_id)
);
CREATE INDEX follows_followers ON follows (followee_id, follower_id);

-- Both rows are locked in the order of their ids, so that two people following each other at once
-- cannot wait for one another.
CREATE FUNCTION count_follow() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    edge follows := CASE WHEN TG_OP = 'INSERT' THEN NEW ELSE OLD END;
    d integer := CASE WHEN TG_OP = 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    PERFORM 1 FROM users WHERE id IN (edge.follower_id, edge.followee_id) ORDER BY id FOR NO KEY UPDATE;
    UPDATE users SET following_count = following_count + d WHERE id = edge.follower_id;
    UPDATE users SET follower_count = follower_count + d WHERE id = edge.followee_id;
    RETURN NULL;
END $$;
CREATE TRIGGER follows_counted AFTER INSERT OR DELETE ON follows
    FOR EACH ROW WHEN (NOT bulk_load()) EXECUTE FUNCTION count_follow();

CREATE TABLE watches (
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    ticker_id integer NOT NULL REFERENCES tickers ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT watches_pkey PRIMARY KEY (user_id, ticker_id)
);
CREATE INDEX watches_ticker ON watches (ticker_id);

CREATE TABLE blocks (
    blocker_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    blocked_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT blocks_pkey PRIMARY KEY (blocker_id, blocked_id),
    CONSTRAINT blocks_not_self CHECK (blocker_id <> blocked_id)
);
CREATE INDEX blocks_blocked ON blocks (blocked_id);

CREATE TABLE mutes (
    muter_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    muted_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT mutes_pkey PRIMARY KEY (muter_id, muted_id),
    CONSTRAINT mutes_not_self CHECK (muter_id <> muted_id)
);

CREATE TABLE keyword_mutes (
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    -- NFC, lower case
    keyword text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT keyword_mutes_pkey PRIMARY KEY (user_id, keyword)
);
