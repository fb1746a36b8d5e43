-- Why: operators change what the text rules look for without a release, see what a rule would have caught
-- before it acts, and what each caught since; and copies of one text are found across boards and accounts.

CREATE TABLE text_rules (
    id bigint CONSTRAINT text_rules_pkey PRIMARY KEY DEFAULT new_id(now()),
    name text NOT NULL CONSTRAINT text_rules_name_short CHECK (char_length(name) BETWEEN 1 AND 80),
    class text NOT NULL,
    mode text NOT NULL CONSTRAINT text_rules_mode_known CHECK (mode IN ('active', 'shadow', 'off')),
    action text NOT NULL CONSTRAINT text_rules_action_known CHECK (action IN ('mask', 'limit', 'hold', 'reject')),
    -- words, pattern or thresholds
    kind jsonb NOT NULL,
    -- came with a release; such a rule can be changed and turned off, but not deleted
    built_in boolean NOT NULL DEFAULT false,
    version integer NOT NULL DEFAULT 1,
    -- since when it has been tried with what it says now
    shadow_since timestamptz,
    active_since timestamptz,
    changed_by bigint,
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- What a rule of that content would have caught: without a recent one no rule becomes active.
CREATE TABLE text_rule_trials (
    -- SHA-256 of class, action and kind
    content bytea CONSTRAINT text_rule_trials_pkey PRIMARY KEY,
    result jsonb NOT NULL,
    tried_by bigint,
    tried_at timestamptz NOT NULL DEFAULT now()
);

-- What rules found in posts, kept 30 days. No foreign keys: written in batches, after the post.
CREATE TABLE text_rule_hits (
    rule_id bigint NOT NULL,
    post_id bigint NOT NULL,
    mode text NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT text_rule_hits_pkey PRIMARY KEY (rule_id, post_id)
);
CREATE INDEX text_rule_hits_at ON text_rule_hits (at);

-- Texts that rules refused, by the hour: there is no post to name.
CREATE TABLE text_rule_refusals (
    rule_id bigint NOT NULL,
    hour timestamptz NOT NULL,
    refused bigint NOT NULL,
    CONSTRAINT text_rule_refusals_pkey PRIMARY KEY (rule_id, hour)
);

-- Posts screened, by the hour, to have a share.
CREATE TABLE text_screenings (
    hour timestamptz CONSTRAINT text_screenings_pkey PRIMARY KEY,
    screened bigint NOT NULL
);

-- Fingerprints of the posts of the last 30 days. Two that differ in three bits of 64 have at least one of
-- four bands of 16 bits in common, which is what the index holds: band number above, its bits below.
CREATE TABLE post_prints (
    post_id bigint NOT NULL,
    author_id bigint NOT NULL,
    print bigint NOT NULL,
    bands integer[] NOT NULL,
    CONSTRAINT post_prints_pkey PRIMARY KEY (post_id)
) PARTITION BY RANGE (post_id);
CREATE INDEX post_prints_bands ON post_prints USING gin (bands);
CREATE INDEX post_prints_author ON post_prints (author_id, post_id DESC);

-- As before, for both tables that are kept by the day.
CREATE OR REPLACE FUNCTION keep_view_partitions() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    day date;
    parent text;
    old text;
BEGIN
    -- One at a time; who comes second finds it done.
    PERFORM pg_advisory_xact_lock(hashtext('keep_view_partitions'));
    FOREACH parent IN ARRAY ARRAY['post_views', 'post_prints'] LOOP
        FOR day IN SELECT generate_series(today - 31, today + 7, interval '1 day')::date LOOP
            IF to_regclass(parent || '_' || to_char(day, 'YYYYMMDD')) IS NULL THEN
                EXECUTE format('CREATE TABLE %s_%s PARTITION OF %s FOR VALUES FROM (%s) TO (%s)',
                    parent, to_char(day, 'YYYYMMDD'), parent, id_floor(day::timestamp AT TIME ZONE 'UTC'),
                    id_floor((day + 1)::timestamp AT TIME ZONE 'UTC'));
            END IF;
        END LOOP;
        FOR old IN
            SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = parent::regclass
              AND c.relname < parent || '_' || to_char(today - 31, 'YYYYMMDD') LOOP
            EXECUTE format('DROP TABLE %I', old);
        END LOOP;
    END LOOP;
END $$;
SELECT keep_view_partitions();

-- 6: the text rules
ALTER TABLE changes DROP CONSTRAINT changes_kind_known;
ALTER TABLE changes ADD CONSTRAINT changes_kind_known CHECK (kind BETWEEN 1 AND 6);
