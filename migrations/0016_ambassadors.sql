-- Why: the ambassador programme: who may join and who did, what they declare, what each month was worth, and the
-- money in double entry. Statements and the journal are written once and never changed; where a payout stands is
-- always computed from the journal.

-- One row a version; the newest holds. Tiers are data: the lowest first.
CREATE TABLE ambassador_settings (
    version integer CONSTRAINT ambassador_settings_pkey PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    settings jsonb NOT NULL,
    why text NOT NULL,
    -- nobody set the first version
    set_by bigint,
    set_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO ambassador_settings (why, settings) VALUES ('the first version', '{
    "min_posts": 8, "clean_days": 90, "min_account_days": 60, "disclosure_required": true,
    "declaration_months": 6, "retry_days": 30,
    "tiers": [
        {"code": "bronze", "name_ko": "브론즈", "name_en": "Bronze", "min_followers": 100, "min_posts": 8, "monthly_krw": "50000"},
        {"code": "silver", "name_ko": "실버", "name_en": "Silver", "min_followers": 1000, "min_posts": 10, "monthly_krw": "150000"},
        {"code": "gold", "name_ko": "골드", "name_en": "Gold", "min_followers": 10000, "min_posts": 12, "monthly_krw": "500000"}
    ]}');

CREATE TABLE ambassador_applications (
    id bigint CONSTRAINT ambassador_applications_pkey PRIMARY KEY DEFAULT new_id(now()),
    user_id bigint NOT NULL REFERENCES users,
    motivation text NOT NULL CONSTRAINT ambassador_applications_motivation_short
        CHECK (char_length(motivation) <= 2000),
    state text NOT NULL DEFAULT 'open' CONSTRAINT ambassador_applications_state_known
        CHECK (state IN ('open', 'approved', 'refused', 'withdrawn')),
    tier text,
    -- told to the applicant
    reason text NOT NULL DEFAULT '',
    applied_at timestamptz NOT NULL,
    decided_by bigint,
    decided_at timestamptz,
    CONSTRAINT ambassador_applications_not_own CHECK (decided_by <> user_id),
    CONSTRAINT ambassador_applications_decided_is_whole CHECK (
        (state = 'open') = (decided_at IS NULL) AND (state IN ('approved', 'refused')) = (decided_by IS NOT NULL)
        AND (state = 'approved') = (tier IS NOT NULL))
);
CREATE UNIQUE INDEX ambassador_applications_one_open ON ambassador_applications (user_id) WHERE state = 'open';
CREATE INDEX ambassador_applications_user ON ambassador_applications (user_id, id DESC);
CREATE INDEX ambassador_applications_state ON ambassador_applications (state, id DESC);

-- What a person declares about conflicts of interest. A new text is a new row.
CREATE TABLE ambassador_declarations (
    user_id bigint NOT NULL REFERENCES users,
    version integer NOT NULL,
    body text NOT NULL CONSTRAINT ambassador_declarations_body_short CHECK (char_length(body) BETWEEN 1 AND 2000),
    made_at timestamptz NOT NULL,
    -- when its end was announced, and told
    reminded_at timestamptz,
    lapse_told_at timestamptz,
    CONSTRAINT ambassador_declarations_pkey PRIMARY KEY (user_id, version)
);

-- Who is in the programme, and who was.
CREATE TABLE ambassadors (
    id bigint CONSTRAINT ambassadors_pkey PRIMARY KEY DEFAULT new_id(now()),
    user_id bigint NOT NULL REFERENCES users,
    tier text NOT NULL,
    since timestamptz NOT NULL,
    -- the first day of the month (Korea) that is to be reviewed next; it begins with the first whole one
    next_review date NOT NULL CONSTRAINT ambassadors_next_review_first CHECK (extract(day FROM next_review) = 1),
    ended_at timestamptz,
    ended_why text CONSTRAINT ambassadors_end_known CHECK (ended_why IN ('left', 'removed', 'missed')),
    ended_by bigint,
    CONSTRAINT ambassadors_end_is_whole CHECK ((ended_at IS NULL) = (ended_why IS NULL)
        AND (ended_by IS NULL OR ended_at IS NOT NULL)),
    CONSTRAINT ambassadors_not_removed_by_self CHECK (ended_why <> 'removed' OR ended_by <> user_id)
);
CREATE UNIQUE INDEX ambassadors_one_a_person ON ambassadors (user_id) WHERE ended_at IS NULL;
CREATE INDEX ambassadors_list ON ambassadors (id DESC) WHERE ended_at IS NULL;
CREATE INDEX ambassadors_due ON ambassadors (next_review, id);

CREATE FUNCTION refuse_ambassador_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'statements and the journal are append-only' USING ERRCODE = 'insufficient_privilege';
END $$;

-- A month of an ambassador, as it was when it was reviewed.
CREATE TABLE ambassador_statements (
    id bigint CONSTRAINT ambassador_statements_pkey PRIMARY KEY DEFAULT new_id(now()),
    user_id bigint NOT NULL REFERENCES users,
    ambassador_id bigint NOT NULL REFERENCES ambassadors,
    -- its first day, in Korea
    month date NOT NULL CONSTRAINT ambassador_statements_month_first CHECK (extract(day FROM month) = 1),
    tier text NOT NULL,
    posts integer NOT NULL,
    minimum_posts integer NOT NULL,
    followers_gained integer NOT NULL,
    followers integer NOT NULL,
    met boolean NOT NULL,
    -- why nothing is due, if nothing is
    withheld text CONSTRAINT ambassador_statements_withheld_known
        CHECK (withheld IN ('minimum', 'sanction', 'disclosure', 'declaration')),
    -- won
    amount numeric NOT NULL CONSTRAINT ambassador_statements_amount_positive CHECK (amount >= 0 AND scale(amount) = 0),
    settings_version integer NOT NULL REFERENCES ambassador_settings,
    made_at timestamptz NOT NULL,
    CONSTRAINT ambassador_statements_once UNIQUE (user_id, month),
    CONSTRAINT ambassador_statements_nothing_withheld_paid CHECK (withheld IS NULL OR amount = 0),
    CONSTRAINT ambassador_statements_met_is_true CHECK (met = (posts >= minimum_posts))
);
CREATE INDEX ambassador_statements_month ON ambassador_statements (month, id DESC);
CREATE TRIGGER ambassador_statements_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ambassador_statements
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ambassador_rewriting();

-- What a statement is worth, to be approved and paid.
CREATE TABLE ambassador_payouts (
    id bigint CONSTRAINT ambassador_payouts_pkey PRIMARY KEY DEFAULT new_id(now()),
    statement_id bigint NOT NULL REFERENCES ambassador_statements CONSTRAINT ambassador_payouts_one_a_statement UNIQUE,
    user_id bigint NOT NULL REFERENCES users,
    month date NOT NULL,
    amount numeric NOT NULL CONSTRAINT ambassador_payouts_amount_positive CHECK (amount > 0 AND scale(amount) = 0)
);
CREATE INDEX ambassador_payouts_month ON ambassador_payouts (month, id DESC);
CREATE TRIGGER ambassador_payouts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ambassador_payouts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ambassador_rewriting();

CREATE TABLE ambassador_pay_runs (
    id bigint CONSTRAINT ambassador_pay_runs_pkey PRIMARY KEY DEFAULT new_id(now()),
    month date NOT NULL,
    made_by bigint NOT NULL,
    made_at timestamptz NOT NULL
);
CREATE TRIGGER ambassador_pay_runs_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ambassador_pay_runs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ambassador_rewriting();

-- The journal. Accrue: the programme owes something that nobody approved yet; approve: it is payable; pay: it is
-- paid; reverse: the mirror image of one entry, once.
CREATE TABLE ambassador_journal (
    id bigint CONSTRAINT ambassador_journal_pkey PRIMARY KEY DEFAULT new_id(now()),
    payout_id bigint NOT NULL REFERENCES ambassador_payouts,
    kind text NOT NULL CONSTRAINT ambassador_journal_kind_known CHECK (kind IN ('accrue', 'approve', 'pay', 'reverse')),
    reverses bigint REFERENCES ambassador_journal CONSTRAINT ambassador_journal_reversed_once UNIQUE,
    pay_run_id bigint REFERENCES ambassador_pay_runs,
    -- nobody, where the clock accrues
    actor_id bigint,
    reason text NOT NULL DEFAULT '',
    at timestamptz NOT NULL,
    CONSTRAINT ambassador_journal_reversal_is_whole CHECK ((kind = 'reverse') = (reverses IS NOT NULL)),
    CONSTRAINT ambassador_journal_run_is_whole CHECK ((kind = 'pay') = (pay_run_id IS NOT NULL)),
    CONSTRAINT ambassador_journal_somebody CHECK (kind = 'accrue' OR actor_id IS NOT NULL)
);
CREATE INDEX ambassador_journal_payout ON ambassador_journal (payout_id, id);
CREATE INDEX ambassador_journal_run ON ambassador_journal (pay_run_id, id) WHERE pay_run_id IS NOT NULL;
CREATE TRIGGER ambassador_journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ambassador_journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ambassador_rewriting();

-- Debits above zero, credits below; won.
CREATE TABLE ambassador_journal_lines (
    entry_id bigint NOT NULL REFERENCES ambassador_journal,
    account text NOT NULL CONSTRAINT ambassador_journal_lines_account_known
        CHECK (account IN ('expense', 'accrued', 'payable', 'cash')),
    amount numeric NOT NULL CONSTRAINT ambassador_journal_lines_amount CHECK (amount <> 0 AND scale(amount) = 0),
    CONSTRAINT ambassador_journal_lines_pkey PRIMARY KEY (entry_id, account)
);
CREATE TRIGGER ambassador_journal_lines_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ambassador_journal_lines
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ambassador_rewriting();

-- One at a time writes about a payout, until the commit; a lock that needs no right to update.
CREATE FUNCTION lock_ambassador_payout(payout bigint) RETURNS void
LANGUAGE sql AS $$ SELECT pg_advisory_xact_lock(hashtextextended('ambassador_payout', payout)) $$;

-- What each account holds of a payout.
CREATE FUNCTION ambassador_payout_balances(payout bigint,
    OUT expense numeric, OUT accrued numeric, OUT payable numeric, OUT cash numeric)
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(l.amount) FILTER (WHERE l.account = 'expense'), 0),
           coalesce(sum(l.amount) FILTER (WHERE l.account = 'accrued'), 0),
           coalesce(sum(l.amount) FILTER (WHERE l.account = 'payable'), 0),
           coalesce(sum(l.amount) FILTER (WHERE l.account = 'cash'), 0)
    FROM ambassador_journal j JOIN ambassador_journal_lines l ON l.entry_id = j.id WHERE j.payout_id = payout
$$;

-- Where a payout stands; nothing where its balances are none of the four that can be.
CREATE FUNCTION ambassador_payout_state(payout bigint, worth numeric) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE ARRAY[b.expense, b.accrued, b.payable, b.cash]
        WHEN ARRAY[worth, -worth, 0, 0] THEN 'accrued'
        WHEN ARRAY[worth, 0, -worth, 0] THEN 'approved'
        WHEN ARRAY[worth, 0, 0, -worth] THEN 'paid'
        WHEN ARRAY[0, 0, 0, 0]::numeric[] THEN 'reversed' END
    FROM ambassador_payout_balances(payout) AS b
$$;

-- Nobody approves or reverses what they are to be paid.
CREATE FUNCTION guard_ambassador_journal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_ambassador_payout(NEW.payout_id);
    IF NEW.kind IN ('approve', 'reverse')
        AND EXISTS (SELECT FROM ambassador_payouts WHERE id = NEW.payout_id AND user_id = NEW.actor_id) THEN
        RAISE EXCEPTION 'an act about one''s own payout' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'ambassador_journal_four_eyes';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ambassador_journal_guarded BEFORE INSERT ON ambassador_journal
    FOR EACH ROW EXECUTE FUNCTION guard_ambassador_journal();

-- At the commit: the lines of the entry sum to zero, a reversal mirrors what it reverses, and the payout stands
-- somewhere it can be: never approved or paid twice, never paid without approval.
CREATE FUNCTION balance_ambassador_journal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry ambassador_journal;
    payout ambassador_payouts;
BEGIN
    IF TG_TABLE_NAME = 'ambassador_journal' THEN
        SELECT * INTO entry FROM ambassador_journal WHERE id = NEW.id;
    ELSE
        SELECT * INTO entry FROM ambassador_journal WHERE id = NEW.entry_id;
    END IF;
    SELECT * INTO payout FROM ambassador_payouts WHERE id = entry.payout_id;
    PERFORM lock_ambassador_payout(payout.id);
    IF (SELECT count(*) < 2 OR sum(amount) <> 0 FROM ambassador_journal_lines WHERE entry_id = entry.id) THEN
        RAISE EXCEPTION 'journal entry % does not balance', entry.id USING ERRCODE = 'check_violation',
            CONSTRAINT = 'ambassador_journal_balanced';
    END IF;
    IF entry.reverses IS NOT NULL AND (
        NOT EXISTS (SELECT FROM ambassador_journal
                    WHERE id = entry.reverses AND payout_id = payout.id AND kind <> 'reverse')
        OR EXISTS (SELECT account, amount FROM ambassador_journal_lines WHERE entry_id = entry.id
                   EXCEPT SELECT account, -amount FROM ambassador_journal_lines WHERE entry_id = entry.reverses)
        OR EXISTS (SELECT account, -amount FROM ambassador_journal_lines WHERE entry_id = entry.reverses
                   EXCEPT SELECT account, amount FROM ambassador_journal_lines WHERE entry_id = entry.id)) THEN
        RAISE EXCEPTION 'journal entry % does not mirror what it reverses', entry.id USING ERRCODE = 'check_violation',
            CONSTRAINT = 'ambassador_journal_mirrored';
    END IF;
    IF ambassador_payout_state(payout.id, payout.amount) IS NULL THEN
        RAISE EXCEPTION 'payout % would stand nowhere', payout.id USING ERRCODE = 'check_violation',
            CONSTRAINT = 'ambassador_journal_state';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ambassador_journal_balanced AFTER INSERT ON ambassador_journal
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION balance_ambassador_journal();
CREATE CONSTRAINT TRIGGER ambassador_journal_lines_balanced AFTER INSERT ON ambassador_journal_lines
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION balance_ambassador_journal();
