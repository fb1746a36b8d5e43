-- Why: a return on a post must be the server's word, not the author's. A card is computed and sealed here; a post
-- that claims a profit without one says so, and so does a post whose author did the opposite of what it says.

-- What stands with a post and is made elsewhere: its JSON as it is shown, kept up to date by whoever made it.
CREATE TABLE attachments (
    id bigint CONSTRAINT attachments_pkey PRIMARY KEY DEFAULT new_id(now()),
    author_id bigint NOT NULL REFERENCES users,
    body jsonb NOT NULL
);
CREATE INDEX attachments_author ON attachments (author_id, id DESC);

ALTER TABLE posts ADD COLUMN attachment_id bigint;
CREATE INDEX posts_attachment ON posts (attachment_id) WHERE attachment_id IS NOT NULL;
-- 1: claims a profit; 2: its author did the opposite
ALTER TABLE posts ADD COLUMN labels smallint NOT NULL DEFAULT 0;
-- For calls: what an author said of where prices go, deleted or not.
CREATE INDEX posts_stance ON posts (author_id, id) WHERE stance <> 0;

CREATE TABLE profit_cards (
    id bigint CONSTRAINT profit_cards_pkey PRIMARY KEY REFERENCES attachments,
    user_id bigint NOT NULL REFERENCES ledger_people,
    -- the position or window it shows, for finding it again
    ticker_id integer REFERENCES tickers,
    -- the sealed facts, as anybody may verify them
    token text NOT NULL,
    -- what was shown, and its place among what could have been shown; for judging the choice
    shown float8 NOT NULL,
    percentile float8,
    typical float8,
    made_at timestamptz NOT NULL,
    -- valid, withdrawn (no longer disclosed), superseded (the ledger was corrected)
    state text NOT NULL DEFAULT 'valid'
        CONSTRAINT profit_cards_state_known CHECK (state IN ('valid', 'withdrawn', 'superseded')),
    -- the last row of the ledger it was computed from
    revision bigint NOT NULL,
    has_amounts boolean NOT NULL
);
CREATE INDEX profit_cards_user ON profit_cards (user_id, id DESC);

-- Posts that their authors' own disclosed trades contradict.
CREATE TABLE contradictions (
    post_id bigint NOT NULL,
    ticker_id integer NOT NULL REFERENCES tickers,
    user_id bigint NOT NULL REFERENCES users,
    kind text NOT NULL,
    -- rows of the ledger
    entries bigint[] NOT NULL,
    hours float8 NOT NULL,
    share float8 NOT NULL,
    -- whether the delay that its author chose for trades is over, so that readers may be told
    shown boolean NOT NULL,
    found_at timestamptz NOT NULL,
    -- when moderators were told
    reported_at timestamptz,
    CONSTRAINT contradictions_pkey PRIMARY KEY (post_id, ticker_id)
);
CREATE INDEX contradictions_user ON contradictions (user_id, found_at DESC);
CREATE INDEX contradictions_unreported ON contradictions (found_at) WHERE reported_at IS NULL;

-- Who was suggested to whom, and what came of it.
CREATE TABLE suggestion_views (
    reader_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    creator_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    day date NOT NULL,
    times integer NOT NULL DEFAULT 1,
    -- whether a follow came of it; such rows stay, so that it counts once
    followed boolean NOT NULL DEFAULT false,
    CONSTRAINT suggestion_views_pkey PRIMARY KEY (reader_id, creator_id, day)
);
CREATE INDEX suggestion_views_age ON suggestion_views (day) WHERE NOT followed;
CREATE TABLE suggestion_totals (
    creator_id bigint CONSTRAINT suggestion_totals_pkey PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    views bigint NOT NULL DEFAULT 0,
    follows bigint NOT NULL DEFAULT 0
);

-- A post that its author's trades contradict goes before moderators.
ALTER TABLE mod_cases DROP CONSTRAINT mod_cases_origin_known;
ALTER TABLE mod_cases ADD CONSTRAINT mod_cases_origin_known
    CHECK (origin IN ('reports', 'text', 'moderator', 'sweep', 'copy', 'deeds'));

-- 7: what somebody shows of their returns. A release that does not know it drops all it holds, which is right.
ALTER TABLE changes DROP CONSTRAINT changes_kind_known;
ALTER TABLE changes ADD CONSTRAINT changes_kind_known CHECK (kind BETWEEN 1 AND 7);

-- Whether a card may be shown now. It prints the whole account's return, so that must be disclosed, and the
-- ticker's, if it is of one; and amounts only while they are ticked.
CREATE FUNCTION card_disclosed(person bigint, ticker integer, has_amounts boolean) RETURNS boolean LANGUAGE sql STABLE
RETURN disclosed(person, 0) AND disclosed(person, coalesce(ticker, 0)) AND (NOT has_amounts OR coalesce(
    (SELECT d.amounts FROM disclosures d
     WHERE d.user_id = person AND d.revoked_at IS NULL AND (d.ticker_id = ticker OR d.ticker_id IS NULL)
     ORDER BY d.ticker_id NULLS LAST LIMIT 1), false));

-- Whether the broker reported something, after a card was made, about what had happened before it.
CREATE FUNCTION ledger_changed(person bigint, since bigint, made timestamptz) RETURNS boolean LANGUAGE sql STABLE
RETURN EXISTS (
    SELECT FROM ledger_entries n LEFT JOIN ledger_entries o ON o.id = n.corrects
    WHERE n.user_id = person AND n.id > since
      AND ((n.kind <> 'cancellation' AND n.executed_at <= made) OR o.executed_at <= made));
