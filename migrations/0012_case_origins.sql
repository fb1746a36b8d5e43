-- Why: cases come from more than reports; an escalated case stays with senior moderators whoever claims it; a
-- post restored after a wrong measure is owed the readers it lost; rights claims hide a post for 30 days at
-- most; and the rule's constants are changed by two people.

ALTER TABLE mod_cases ADD COLUMN origin text NOT NULL DEFAULT 'reports'
    CONSTRAINT mod_cases_origin_known CHECK (origin IN ('reports', 'text', 'moderator', 'sweep', 'copy'));
UPDATE mod_cases SET origin = 'text'
WHERE screening IS NOT NULL AND NOT EXISTS (SELECT FROM reports WHERE case_id = mod_cases.id);
ALTER TABLE mod_cases ADD COLUMN escalated boolean NOT NULL DEFAULT false;
UPDATE mod_cases SET escalated = true WHERE state = 'escalated';
-- A blocked post that its author changed is shown again once, at this time.
ALTER TABLE mod_cases ADD COLUMN show_at timestamptz;
ALTER TABLE mod_cases ADD COLUMN shown_again_at timestamptz;
CREATE INDEX mod_cases_showing ON mod_cases (show_at) WHERE show_at IS NOT NULL;

-- The reach a post is owed: what it would have had, less what it had, from a decision that did not stand.
CREATE TABLE restitutions (
    appeal_id bigint CONSTRAINT restitutions_pkey PRIMARY KEY REFERENCES appeals,
    post_id bigint NOT NULL,
    author_id bigint NOT NULL,
    lost_seconds bigint NOT NULL,
    -- readers when it was restored, and readers it would have had by then
    viewers_before integer NOT NULL,
    viewers_owed integer NOT NULL,
    restored_at timestamptz NOT NULL,
    -- the window in which it is made up
    until timestamptz NOT NULL,
    viewers_after integer,
    closed_at timestamptz
);
CREATE INDEX restitutions_open ON restitutions (until) WHERE closed_at IS NULL;

-- 임시조치: a post is hidden on a rights claim until it is decided, for 30 days at most.
CREATE TABLE legal_requests (
    id bigint CONSTRAINT legal_requests_pkey PRIMARY KEY DEFAULT new_id(now()),
    post_id bigint NOT NULL,
    author_id bigint NOT NULL,
    claimant text NOT NULL CONSTRAINT legal_requests_claimant_short CHECK (char_length(claimant) BETWEEN 1 AND 200),
    -- what right is said to be violated
    ground text NOT NULL CONSTRAINT legal_requests_ground_known CHECK (ground IN (
        'defamation', 'privacy', 'copyright', 'trademark', 'portrait', 'other')),
    proof text NOT NULL CONSTRAINT legal_requests_proof_short CHECK (char_length(proof) BETWEEN 1 AND 2000),
    state text NOT NULL DEFAULT 'open' CONSTRAINT legal_requests_state_known CHECK (state IN (
        'open', 'restored', 'removed', 'expired', 'withdrawn')),
    -- the post's state before, to which it returns
    previous_state smallint NOT NULL,
    decision_id bigint NOT NULL REFERENCES mod_decisions,
    filed_by bigint NOT NULL,
    filed_at timestamptz NOT NULL DEFAULT now(),
    deadline timestamptz NOT NULL,
    decided_by bigint,
    decided_at timestamptz,
    note text NOT NULL DEFAULT '' CONSTRAINT legal_requests_note_short CHECK (char_length(note) <= 2000),
    CONSTRAINT legal_requests_thirty_days CHECK (deadline <= filed_at + interval '30 days'),
    CONSTRAINT legal_requests_decided_is_whole CHECK ((state = 'open') = (decided_at IS NULL)),
    CONSTRAINT legal_requests_not_own CHECK (filed_by <> author_id AND decided_by IS DISTINCT FROM author_id)
);
CREATE UNIQUE INDEX legal_requests_one_open ON legal_requests (post_id) WHERE state = 'open';
CREATE INDEX legal_requests_list ON legal_requests (id DESC);
CREATE INDEX legal_requests_due ON legal_requests (deadline) WHERE state = 'open';

ALTER TABLE mod_decisions DROP CONSTRAINT mod_decisions_kind_known;
ALTER TABLE mod_decisions ADD CONSTRAINT mod_decisions_kind_known
    CHECK (kind IN ('keep', 'limit', 'hold', 'block', 'remove', 'temporary_measure'));
ALTER TABLE mod_decisions DROP CONSTRAINT mod_decisions_actor_known;
ALTER TABLE mod_decisions ADD CONSTRAINT mod_decisions_actor_known
    CHECK (actor_kind IN ('system', 'moderator', 'legal'));
-- A temporary measure is no verdict on a case.
ALTER TABLE mod_decisions ALTER COLUMN case_id DROP NOT NULL;
ALTER TABLE mod_decisions ADD CONSTRAINT mod_decisions_case_unless_legal
    CHECK (case_id IS NOT NULL OR actor_kind = 'legal' OR kind = 'keep');

-- A change of the rule's constants, proposed by one and approved by another.
CREATE TABLE rule_proposals (
    id bigint CONSTRAINT rule_proposals_pkey PRIMARY KEY DEFAULT new_id(now()),
    settings jsonb NOT NULL,
    why text NOT NULL CONSTRAINT rule_proposals_why_short CHECK (char_length(why) BETWEEN 1 AND 500),
    -- the version it was made from: a change in between makes it void
    base_version integer NOT NULL,
    state text NOT NULL DEFAULT 'open'
        CONSTRAINT rule_proposals_state_known CHECK (state IN ('open', 'approved', 'refused')),
    proposed_by bigint NOT NULL,
    proposed_at timestamptz NOT NULL DEFAULT now(),
    decided_by bigint,
    decided_at timestamptz,
    version integer,
    CONSTRAINT rule_proposals_two_people CHECK (state <> 'approved' OR decided_by <> proposed_by)
);
CREATE INDEX rule_proposals_list ON rule_proposals (id DESC);

-- One objection to a claim waits at a time; it is found by its post.
CREATE INDEX appeals_objections ON appeals (post_id) WHERE case_id IS NULL AND state = 'open';
