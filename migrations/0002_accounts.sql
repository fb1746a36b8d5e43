-- Why: people, how they log in, and when a reader was last seen (its own narrow table, because it is
-- written far more often than anything else about a person and read by every fan-out).

CREATE TABLE users (
    id bigint CONSTRAINT users_pkey PRIMARY KEY,
    handle text NOT NULL,
    -- case-folded, for look-ups
    handle_fold text NOT NULL CONSTRAINT users_handle_fold_unique UNIQUE,
    -- confusable skeleton (Unicode TS 39) of the folded handle, so that look-alikes are refused
    handle_skeleton text NOT NULL CONSTRAINT users_handle_skeleton_unique UNIQUE,
    name text NOT NULL,
    bio text NOT NULL DEFAULT '',
    language text NOT NULL DEFAULT 'ko' CONSTRAINT users_language_known CHECK (language IN ('ko', 'en')),
    role text NOT NULL DEFAULT 'investor'
        CONSTRAINT users_role_known CHECK (role IN ('investor', 'moderator', 'admin', 'service')),
    verified boolean NOT NULL DEFAULT false,
    password_hash text,
    -- issuer and subject of an outside identity provider, joined by a space
    subject text CONSTRAINT users_subject_unique UNIQUE,
    -- from an imported archive; never shown as ours
    external_id text CONSTRAINT users_external_id_unique UNIQUE,
    external_followers integer,
    follower_count integer NOT NULL DEFAULT 0 CONSTRAINT users_follower_count_positive CHECK (follower_count >= 0),
    following_count integer NOT NULL DEFAULT 0 CONSTRAINT users_following_count_positive CHECK (following_count >= 0),
    -- 0 pushed; 1 merging: followers are being told, still pushed; 2 merged: read from the author's
    -- list; 3 unmerging: the last posts are being pushed, still read from the list
    merge_state smallint NOT NULL DEFAULT 0 CONSTRAINT users_merge_state_known CHECK (merge_state BETWEEN 0 AND 3),
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE INDEX users_large ON users (follower_count) WHERE follower_count >= 100;
CREATE INDEX users_merged ON users (id) WHERE merge_state > 0;

CREATE TABLE readers (
    user_id bigint CONSTRAINT readers_pkey PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    seen_at timestamptz NOT NULL
) WITH (fillfactor = 80);

CREATE TABLE sessions (
    token_hash bytea CONSTRAINT sessions_pkey PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Handles of deleted accounts stay refused, so that nobody steps into a known name. Only a hash is
-- kept: the name itself is the person's to take away.
CREATE TABLE retired_handles (
    skeleton_hash bytea CONSTRAINT retired_handles_pkey PRIMARY KEY,
    retired_at timestamptz NOT NULL DEFAULT now()
);
