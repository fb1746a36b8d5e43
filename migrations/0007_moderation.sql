-- Why: reports, what they do to a post, who decides about it, and a record of that which nobody can change
-- afterwards.

ALTER TABLE users DROP CONSTRAINT users_role_known;
ALTER TABLE users ADD CONSTRAINT users_role_known
    CHECK (role IN ('investor', 'moderator', 'senior', 'legal', 'admin', 'service'));

-- Who was shown which post, once a person and post. The truth for the rule (a post seen by many may be
-- reported by many) and for warnings to those who saw a scam. Posts of one day share a partition, so that
-- a day older than 30 days is dropped as a whole.
CREATE TABLE post_views (
    post_id bigint NOT NULL,
    viewer_id bigint NOT NULL,
    first_at timestamptz NOT NULL,
    CONSTRAINT post_views_pkey PRIMARY KEY (post_id, viewer_id)
) PARTITION BY RANGE (post_id);

-- Makes the partitions from 31 days ago to a week ahead and drops older ones. Runs with its owner's rights:
-- the service itself may not make tables.
CREATE FUNCTION keep_view_partitions() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    day date;
    old text;
BEGIN
    -- One at a time; who comes second finds it done.
    PERFORM pg_advisory_xact_lock(hashtext('keep_view_partitions'));
    FOR day IN SELECT generate_series(today - 31, today + 7, interval '1 day')::date LOOP
        IF to_regclass('post_views_' || to_char(day, 'YYYYMMDD')) IS NULL THEN
            EXECUTE format('CREATE TABLE post_views_%s PARTITION OF post_views FOR VALUES FROM (%s) TO (%s)',
                to_char(day, 'YYYYMMDD'), id_floor(day::timestamp AT TIME ZONE 'UTC'),
                id_floor((day + 1)::timestamp AT TIME ZONE 'UTC'));
        END IF;
    END LOOP;
    FOR old IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'post_views'::regclass
          AND c.relname < 'post_views_' || to_char(today - 31, 'YYYYMMDD') LOOP
        EXECUTE format('DROP TABLE %I', old);
    END LOOP;
END $$;
SELECT keep_view_partitions();

-- The text as it was reported, kept whatever becomes of the post.
CREATE TABLE report_texts (
    post_id bigint NOT NULL,
    revision integer NOT NULL,
    body text NOT NULL,
    CONSTRAINT report_texts_pkey PRIMARY KEY (post_id, revision)
);

CREATE TABLE mod_cases (
    id bigint CONSTRAINT mod_cases_pkey PRIMARY KEY DEFAULT new_id(now()),
    post_id bigint NOT NULL,
    state text NOT NULL DEFAULT 'open'
        CONSTRAINT mod_cases_state_known CHECK (state IN ('open', 'claimed', 'escalated', 'decided')),
    priority double precision NOT NULL DEFAULT 0,
    -- the place in the queue: the priority and half a point an hour waited, as of a fixed time
    rank double precision NOT NULL DEFAULT 0,
    -- the rule's last word: what it counted and why
    score double precision NOT NULL DEFAULT 0,
    distinct_clusters integer NOT NULL DEFAULT 0,
    threshold_used double precision,
    rule_version integer NOT NULL,
    verdict jsonb NOT NULL DEFAULT '{}',
    brigade boolean NOT NULL DEFAULT false,
    -- people who were shown the post; never falls
    viewers integer,
    assigned_to bigint REFERENCES users ON DELETE SET NULL,
    claimed_until timestamptz,
    opened_at timestamptz NOT NULL DEFAULT now(),
    first_report_at timestamptz,
    limited_at timestamptz,
    blocked_at timestamptz,
    decided_at timestamptz,
    version integer NOT NULL DEFAULT 0,
    CONSTRAINT mod_cases_claim_is_whole CHECK ((state = 'claimed') <= (assigned_to IS NOT NULL AND claimed_until IS NOT NULL))
);
-- One open case a post.
CREATE UNIQUE INDEX mod_cases_one_open ON mod_cases (post_id) WHERE state <> 'decided';
CREATE INDEX mod_cases_queue ON mod_cases (rank DESC, id) WHERE state <> 'decided';
CREATE INDEX mod_cases_post ON mod_cases (post_id, id DESC);

CREATE TABLE reports (
    id bigint CONSTRAINT reports_pkey PRIMARY KEY DEFAULT new_id(now()),
    post_id bigint NOT NULL,
    revision integer NOT NULL,
    case_id bigint NOT NULL REFERENCES mod_cases,
    reporter_id bigint NOT NULL REFERENCES users,
    category text NOT NULL CONSTRAINT reports_category_known CHECK (category IN (
        'leading_room', 'impersonation', 'false_information', 'fake_profit', 'abuse', 'sexual', 'spam', 'illegal', 'other')),
    note text NOT NULL DEFAULT '' CONSTRAINT reports_note_short CHECK (char_length(note) <= 500),
    status text NOT NULL DEFAULT 'pending' CONSTRAINT reports_status_known CHECK (status IN (
        'pending', 'agreed', 'disagreed', 'ignored', 'withdrawn')),
    -- where the report came from, for telling independent reporters from one person's accounts: the address
    -- without its last part, and a keyed hash of the device
    network text,
    device bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    withdrawn_at timestamptz,
    judged_at timestamptz,
    CONSTRAINT reports_one_a_person UNIQUE (post_id, reporter_id)
);
CREATE INDEX reports_case ON reports (case_id);
CREATE INDEX reports_reporter ON reports (reporter_id, created_at DESC);

-- What became of a person's reports: sums that halve every 180 days, as of `updated_at`.
CREATE TABLE reporter_stats (
    user_id bigint CONSTRAINT reporter_stats_pkey PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    agreed double precision NOT NULL DEFAULT 0,
    disagreed double precision NOT NULL DEFAULT 0,
    ignored integer NOT NULL DEFAULT 0,
    mutes integer NOT NULL DEFAULT 0,
    warned_at timestamptz,
    muted_until timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE mod_decisions (
    id bigint CONSTRAINT mod_decisions_pkey PRIMARY KEY DEFAULT new_id(now()),
    case_id bigint NOT NULL REFERENCES mod_cases,
    post_id bigint NOT NULL,
    author_id bigint NOT NULL,
    kind text NOT NULL CONSTRAINT mod_decisions_kind_known CHECK (kind IN ('keep', 'limit', 'block', 'remove')),
    actor_kind text NOT NULL CONSTRAINT mod_decisions_actor_known CHECK (actor_kind IN ('system', 'moderator')),
    actor_id bigint,
    reason_code text NOT NULL,
    terms_clause text NOT NULL DEFAULT '',
    automated boolean NOT NULL,
    -- what the author is told
    statement jsonb NOT NULL,
    previous_state smallint NOT NULL,
    new_state smallint NOT NULL,
    -- the text it is about, and the reasons it was reported for
    revision integer NOT NULL,
    categories text[] NOT NULL DEFAULT '{}',
    -- a kept post whose reports do not count again until it is edited
    locked boolean NOT NULL DEFAULT false,
    -- a provisional block ends by itself
    expires_at timestamptz,
    ended_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT mod_decisions_actor_is_whole CHECK ((actor_kind = 'system') = (actor_id IS NULL))
);
CREATE INDEX mod_decisions_post ON mod_decisions (post_id, id DESC);
CREATE INDEX mod_decisions_case ON mod_decisions (case_id, id);
CREATE INDEX mod_decisions_author ON mod_decisions (author_id, id DESC);
CREATE INDEX mod_decisions_expiring ON mod_decisions (expires_at) WHERE expires_at IS NOT NULL AND ended_at IS NULL;

-- Nobody decides about their own post or about a post they reported.
CREATE FUNCTION refuse_own_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.actor_id = NEW.author_id THEN
        RAISE EXCEPTION 'a decision about one''s own post' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'mod_decisions_not_own_post';
    END IF;
    IF EXISTS (SELECT FROM reports WHERE post_id = NEW.post_id AND reporter_id = NEW.actor_id) THEN
        RAISE EXCEPTION 'a decision about one''s own report' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'mod_decisions_not_own_report';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER mod_decisions_not_own BEFORE INSERT OR UPDATE ON mod_decisions
    FOR EACH ROW WHEN (NEW.actor_id IS NOT NULL) EXECUTE FUNCTION refuse_own_decision();

-- Every constant of the rule, one row a version; the newest holds.
CREATE TABLE rule_settings (
    version integer CONSTRAINT rule_settings_pkey PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    settings jsonb NOT NULL,
    set_by bigint,
    set_at timestamptz NOT NULL DEFAULT now()
);

-- Every act of a person or of the machine, each with the hash of the one before it.
CREATE TABLE mod_audit (
    seq bigint CONSTRAINT mod_audit_pkey PRIMARY KEY,
    at timestamptz NOT NULL,
    actor_id bigint,
    actor_role text NOT NULL,
    action text NOT NULL,
    object text NOT NULL,
    before jsonb,
    after jsonb,
    request_id text,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL
);
CREATE INDEX mod_audit_object ON mod_audit (object, seq);

-- The end of the chain: that the last rows were cut off shows here.
CREATE TABLE mod_audit_head (
    one boolean CONSTRAINT mod_audit_head_pkey PRIMARY KEY DEFAULT true CONSTRAINT mod_audit_head_single CHECK (one),
    seq bigint NOT NULL,
    hash bytea NOT NULL
);
INSERT INTO mod_audit_head (seq, hash) VALUES (0, '\x');

CREATE FUNCTION audit_hash(prev bytea, a mod_audit) RETURNS bytea
LANGUAGE sql IMMUTABLE
RETURN sha256(prev || convert_to(jsonb_build_array(
    a.seq, extract(epoch FROM a.at), a.actor_id, a.actor_role, a.action, a.object, a.before, a.after, a.request_id)::text,
    'UTF8'));

-- The only way in. The head is locked until the commit, so the order of commits is the order of the chain;
-- call it late in a transaction, before the change counter.
CREATE FUNCTION append_audit(
    p_actor_id bigint, p_actor_role text, p_action text, p_object text, p_before jsonb, p_after jsonb, p_request_id text)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    head mod_audit_head;
    added mod_audit;
BEGIN
    SELECT * INTO head FROM mod_audit_head FOR UPDATE;
    added.seq := head.seq + 1;
    added.at := clock_timestamp();
    added.actor_id := p_actor_id;
    added.actor_role := p_actor_role;
    added.action := p_action;
    added.object := p_object;
    added.before := p_before;
    added.after := p_after;
    added.request_id := p_request_id;
    added.prev_hash := head.hash;
    added.hash := audit_hash(head.hash, added);
    INSERT INTO mod_audit SELECT (added).*;
    UPDATE mod_audit_head SET seq = added.seq, hash = added.hash;
    RETURN added.seq;
END $$;

-- Also where the service's role owns the tables.
CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER mod_audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON mod_audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
