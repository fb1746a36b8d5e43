-- Why: moderation is measured over months, but views are kept for 30 days, so what they add up to is remembered
-- by the day, each day counted on its own; what is usual under a ticker is learned from these sums. And whoever owns
-- the database could rewrite the whole chain of the audit log: once a day its end is written down here and in the
-- process's log, which is kept elsewhere.

CREATE TABLE audit_anchors (
    day date CONSTRAINT audit_anchors_pkey PRIMARY KEY,
    -- the last row of the log at that time, and its hash
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    at timestamptz NOT NULL
);
CREATE TRIGGER audit_anchors_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_anchors
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

-- Posts of a day (UTC) and how often they were seen, each person once; not counted any more once the day's views
-- are dropped.
CREATE TABLE reach_days (
    day date CONSTRAINT reach_days_pkey PRIMARY KEY,
    posts bigint NOT NULL,
    views bigint NOT NULL,
    counted_at timestamptz NOT NULL
);

-- The same of each ticker whose posts were seen, with their reports, except those of cases in which one voice
-- spoke: counted with the day, and kept only as long as that is of use.
CREATE TABLE ticker_reach_days (
    day date NOT NULL,
    -- no foreign key, as in post_tickers
    ticker_id integer NOT NULL,
    reports bigint NOT NULL,
    views bigint NOT NULL,
    CONSTRAINT ticker_reach_days_pkey PRIMARY KEY (day, ticker_id)
);

-- Reports a view that are usual under a ticker.
CREATE TABLE ticker_report_rates (
    -- no foreign key, as in post_tickers
    ticker_id integer CONSTRAINT ticker_report_rates_pkey PRIMARY KEY,
    reports bigint NOT NULL,
    views bigint NOT NULL,
    rate double precision NOT NULL,
    updated_at timestamptz NOT NULL
);

-- What happened between two times.
CREATE INDEX reports_created ON reports (created_at);
CREATE INDEX mod_cases_opened ON mod_cases (opened_at);
CREATE INDEX mod_cases_ended ON mod_cases (decided_at) WHERE decided_at IS NOT NULL;
CREATE INDEX mod_decisions_created ON mod_decisions (created_at);
CREATE INDEX appeals_created ON appeals (created_at);
CREATE INDEX appeals_answered ON appeals (decided_at) WHERE decided_at IS NOT NULL;
-- Rows are added in the order of their times, so this one is small.
CREATE INDEX mod_audit_at ON mod_audit USING brin (at);
