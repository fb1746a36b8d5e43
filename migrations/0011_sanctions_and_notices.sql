-- Why: measures against accounts, with a statement and an appeal like those about posts; notices, which tell
-- people what became of their posts and reports; and warnings to whoever was shown the posts of a scammer.

-- 0 good; 1 limited: new posts reach no feeds; 2 suspended: reads, and appeals, but does not write; 3 banned:
-- the same without an end. The strongest sanction in force, so that it is read with the login.
ALTER TABLE users ADD COLUMN standing smallint NOT NULL DEFAULT 0
    CONSTRAINT users_standing_known CHECK (standing BETWEEN 0 AND 3);
ALTER TABLE users ADD COLUMN standing_until timestamptz;
-- until when it is limited, also while something stronger holds
ALTER TABLE users ADD COLUMN limited_until timestamptz;

CREATE TABLE sanctions (
    id bigint CONSTRAINT sanctions_pkey PRIMARY KEY DEFAULT new_id(now()),
    user_id bigint NOT NULL REFERENCES users,
    kind text NOT NULL CONSTRAINT sanctions_kind_known CHECK (kind IN ('warning', 'strike', 'limit', 'suspend', 'ban')),
    reason_code text NOT NULL,
    terms_clause text NOT NULL DEFAULT '',
    -- for moderators
    note text NOT NULL DEFAULT '' CONSTRAINT sanctions_note_short CHECK (char_length(note) <= 500),
    case_id bigint REFERENCES mod_cases,
    actor_id bigint NOT NULL,
    statement jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    ended_at timestamptz,
    -- who ended it before its time
    ended_by bigint,
    CONSTRAINT sanctions_not_own CHECK (actor_id <> user_id),
    CONSTRAINT sanctions_end_is_whole CHECK ((ended_by IS NULL) OR (ended_at IS NOT NULL)),
    CONSTRAINT sanctions_some_end CHECK ((kind IN ('warning', 'ban')) = (expires_at IS NULL))
);
CREATE INDEX sanctions_user ON sanctions (user_id, id DESC);
CREATE INDEX sanctions_expiring ON sanctions (expires_at) WHERE expires_at IS NOT NULL AND ended_at IS NULL;

-- An appeal is against a decision about a post or against a sanction.
ALTER TABLE appeals ALTER COLUMN decision_id DROP NOT NULL;
ALTER TABLE appeals ALTER COLUMN case_id DROP NOT NULL;
ALTER TABLE appeals ALTER COLUMN post_id DROP NOT NULL;
ALTER TABLE appeals ADD COLUMN sanction_id bigint REFERENCES sanctions CONSTRAINT appeals_one_a_sanction UNIQUE;
ALTER TABLE appeals ADD CONSTRAINT appeals_against_one CHECK (
    (decision_id IS NULL) = (sanction_id IS NOT NULL) AND (decision_id IS NULL) = (post_id IS NULL)
    AND (case_id IS NULL OR decision_id IS NOT NULL));

-- A claim that ran out answers the objection to it, and nobody decided that.
ALTER TABLE appeals DROP CONSTRAINT appeals_decided_is_whole;
ALTER TABLE appeals ADD CONSTRAINT appeals_decided_is_whole
    CHECK ((state = 'open') = (decided_at IS NULL) AND (decided_by IS NULL OR state <> 'open'));

CREATE OR REPLACE FUNCTION refuse_own_appeal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.decided_by = NEW.author_id
        OR EXISTS (SELECT FROM mod_decisions WHERE id = NEW.decision_id AND actor_id = NEW.decided_by)
        OR EXISTS (SELECT FROM sanctions WHERE id = NEW.sanction_id AND actor_id = NEW.decided_by)
        OR EXISTS (SELECT FROM reports WHERE post_id = NEW.post_id AND reporter_id = NEW.decided_by) THEN
        RAISE EXCEPTION 'an appeal must be decided by another moderator' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'appeals_another_moderator';
    END IF;
    RETURN NEW;
END $$;

-- What a person is told: once a kind and subject; told again, it is new again.
CREATE TABLE notices (
    id bigint CONSTRAINT notices_pkey PRIMARY KEY DEFAULT new_id(now()),
    -- no foreign key: telling somebody must not wait for whoever holds their row
    user_id bigint NOT NULL,
    kind text NOT NULL,
    subject bigint NOT NULL,
    -- what it says in each language
    words jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    read_at timestamptz,
    CONSTRAINT notices_once UNIQUE (user_id, kind, subject)
);
CREATE INDEX notices_list ON notices (user_id, id DESC);
CREATE INDEX notices_unread ON notices (user_id) WHERE read_at IS NULL;
CREATE INDEX notices_scams ON notices (subject) WHERE kind = 'scam_warning' AND read_at IS NULL;

-- After a ban for a leading room: its other posts and their copies are queued, then everyone who was shown one
-- of its posts is warned. Goes on where it stopped.
CREATE TABLE sweeps (
    sanction_id bigint CONSTRAINT sweeps_pkey PRIMARY KEY REFERENCES sanctions,
    author_id bigint NOT NULL,
    -- as people saw it; the account may be gone by then
    handle text NOT NULL,
    state text NOT NULL DEFAULT 'queueing' CONSTRAINT sweeps_state_known CHECK (state IN ('queueing', 'warning', 'done')),
    -- the post it is at, from the newest down, and the last viewer warned of it
    below_post bigint NOT NULL,
    above_viewer bigint NOT NULL DEFAULT 0,
    queued integer NOT NULL DEFAULT 0,
    warned integer NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz
);
CREATE INDEX sweeps_open ON sweeps (started_at) WHERE state <> 'done';

-- What an account wrote while it was limited by a sanction; if that does not stand, these posts come back.
CREATE TABLE limited_posts (
    post_id bigint CONSTRAINT limited_posts_pkey PRIMARY KEY,
    sanction_id bigint NOT NULL REFERENCES sanctions,
    restore boolean NOT NULL DEFAULT false
);
CREATE INDEX limited_posts_sanction ON limited_posts (sanction_id);
CREATE INDEX limited_posts_restoring ON limited_posts (post_id) WHERE restore;

-- Who deleted an account under a sanction and comes back through the identity provider is sanctioned still.
CREATE TABLE barred_subjects (
    -- SHA-256 of the provider's subject: who it was is deleted
    subject_hash bytea CONSTRAINT barred_subjects_pkey PRIMARY KEY,
    standing smallint NOT NULL,
    standing_until timestamptz,
    limited_until timestamptz
);
