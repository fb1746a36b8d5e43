-- Why: the outbox. A job names a subject, not a change: one row a (kind, subject, peer), whose
-- generation grows with each enqueuing. `run_at` is also the end of the lease while one is held.

CREATE TABLE jobs (
    kind text NOT NULL,
    subject bigint NOT NULL,
    peer bigint NOT NULL DEFAULT 0,
    generation bigint NOT NULL DEFAULT 1,
    run_at timestamptz NOT NULL DEFAULT now(),
    enqueued_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    lease bigint,
    parked_at timestamptz,
    last_error text,
    CONSTRAINT jobs_pkey PRIMARY KEY (kind, subject, peer)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
CREATE INDEX jobs_due ON jobs (run_at) WHERE parked_at IS NULL;
CREATE INDEX jobs_parked ON jobs (parked_at) WHERE parked_at IS NOT NULL;

-- Every change that makes a held copy wrong. Numbers come from one row that is updated last in its
-- transaction, so the order of commits is the order of numbers.
CREATE TABLE changes (
    number bigint CONSTRAINT changes_pkey PRIMARY KEY,
    -- 1 post, 2 author, 3 author's list, 4 tickers, 5 sessions of a user
    kind smallint NOT NULL CONSTRAINT changes_kind_known CHECK (kind BETWEEN 1 AND 5),
    subject bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX changes_at ON changes (at);

CREATE TABLE change_counter (
    one boolean CONSTRAINT change_counter_pkey PRIMARY KEY DEFAULT true CONSTRAINT change_counter_single CHECK (one),
    number bigint NOT NULL
);
INSERT INTO change_counter (number) VALUES (0);

-- Raised when Redis turns out to be another one than before, or to have lost its memory.
CREATE TABLE redis_epoch (
    one boolean CONSTRAINT redis_epoch_pkey PRIMARY KEY DEFAULT true CONSTRAINT redis_epoch_single CHECK (one),
    epoch integer NOT NULL,
    run_id text NOT NULL,
    raised_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO redis_epoch (epoch, run_id) VALUES (1, '');

CREATE TABLE idempotency_keys (
    user_id bigint NOT NULL,
    key text NOT NULL,
    -- SHA-256 over method, path and body
    fingerprint bytea NOT NULL,
    status smallint NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
