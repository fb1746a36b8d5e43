-- Why: whoever is told that their post was limited, blocked or taken down can have another moderator look.

CREATE TABLE appeals (
    id bigint CONSTRAINT appeals_pkey PRIMARY KEY DEFAULT new_id(now()),
    -- one a decision
    decision_id bigint NOT NULL REFERENCES mod_decisions CONSTRAINT appeals_one_a_decision UNIQUE,
    case_id bigint NOT NULL REFERENCES mod_cases,
    post_id bigint NOT NULL,
    author_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    body text NOT NULL CONSTRAINT appeals_body_short CHECK (char_length(body) BETWEEN 1 AND 2000),
    state text NOT NULL DEFAULT 'open' CONSTRAINT appeals_state_known CHECK (state IN ('open', 'upheld', 'overturned')),
    -- decisions of the machine are to be looked at within 24 hours, others within 72
    due_at timestamptz NOT NULL,
    decided_by bigint,
    answer text NOT NULL DEFAULT '' CONSTRAINT appeals_answer_short CHECK (char_length(answer) <= 2000),
    -- how long the post was kept from readers by a decision that did not stand
    lost_seconds bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    decided_at timestamptz,
    CONSTRAINT appeals_decided_is_whole CHECK ((state = 'open') = (decided_by IS NULL) AND (state = 'open') = (decided_at IS NULL))
);
CREATE INDEX appeals_queue ON appeals (due_at, id) WHERE state = 'open';
CREATE INDEX appeals_author ON appeals (author_id, id DESC);

-- Not by the one who decided, nor by the author, nor by one who reported the post.
CREATE FUNCTION refuse_own_appeal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.decided_by = NEW.author_id
        OR EXISTS (SELECT FROM mod_decisions WHERE id = NEW.decision_id AND actor_id = NEW.decided_by)
        OR EXISTS (SELECT FROM reports WHERE post_id = NEW.post_id AND reporter_id = NEW.decided_by) THEN
        RAISE EXCEPTION 'an appeal must be decided by another moderator' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'appeals_another_moderator';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER appeals_not_own BEFORE INSERT OR UPDATE ON appeals
    FOR EACH ROW WHEN (NEW.decided_by IS NOT NULL) EXECUTE FUNCTION refuse_own_appeal();
