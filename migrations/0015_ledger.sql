-- Why: what people earned is computed from what the broker reports, never from what they say. The ledger holds
-- the broker's rows as they came and is only added to; everything else here can be computed from it again.

-- Whoever has a ledger. The row orders what happens to it: intake and recomputing lock it.
CREATE TABLE ledger_people (
    user_id bigint CONSTRAINT ledger_people_pkey PRIMARY KEY REFERENCES users,
    -- what the whole account is counted in: the currency of the first row
    currency text NOT NULL,
    -- the last entry taken in
    revision bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE ledger_entries (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT ledger_entries_pkey PRIMARY KEY,
    -- the broker's own; the same id with other content is a conflict
    trade_id text NOT NULL CONSTRAINT ledger_entries_trade_unique UNIQUE,
    fingerprint bytea NOT NULL,
    user_id bigint NOT NULL REFERENCES ledger_people,
    kind text NOT NULL CONSTRAINT ledger_entries_kind_known CHECK (kind IN (
        'buy', 'sell', 'dividend', 'fee', 'tax', 'deposit', 'withdrawal', 'shares_in', 'shares_out', 'split',
        'cancellation')),
    ticker_id integer REFERENCES tickers,
    quantity numeric,
    price numeric,
    amount numeric,
    fee numeric NOT NULL DEFAULT 0,
    tax numeric NOT NULL DEFAULT 0,
    -- new shares for old ones
    split_new integer,
    split_old integer,
    currency text,
    executed_at timestamptz NOT NULL,
    -- the market's own day of it
    day date NOT NULL,
    -- the entry this one stands for, or takes away
    corrects bigint REFERENCES ledger_entries,
    received_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ledger_entries_positive CHECK (
        quantity > 0 AND price >= 0 AND amount > 0 AND fee >= 0 AND tax >= 0 AND split_new > 0 AND split_old > 0),
    CONSTRAINT ledger_entries_whole CHECK (CASE kind
        WHEN 'buy' THEN ticker_id IS NOT NULL AND quantity IS NOT NULL AND price IS NOT NULL AND currency IS NOT NULL
        WHEN 'sell' THEN ticker_id IS NOT NULL AND quantity IS NOT NULL AND price IS NOT NULL AND currency IS NOT NULL
        WHEN 'dividend' THEN ticker_id IS NOT NULL AND amount IS NOT NULL AND currency IS NOT NULL
        WHEN 'shares_in' THEN ticker_id IS NOT NULL AND quantity IS NOT NULL
        WHEN 'shares_out' THEN ticker_id IS NOT NULL AND quantity IS NOT NULL
        WHEN 'split' THEN ticker_id IS NOT NULL AND split_new IS NOT NULL AND split_old IS NOT NULL
        WHEN 'cancellation' THEN corrects IS NOT NULL
        ELSE amount IS NOT NULL AND currency IS NOT NULL END)
);
CREATE INDEX ledger_entries_person ON ledger_entries (user_id, executed_at, id);
-- What intake reads of a person: the holdings that a batch moves, not all of the ledger.
CREATE INDEX ledger_entries_holding ON ledger_entries (user_id, ticker_id, executed_at, id);
CREATE INDEX ledger_entries_ticker ON ledger_entries (ticker_id, executed_at);
CREATE INDEX ledger_entries_splits ON ledger_entries (ticker_id, day) WHERE kind = 'split';
-- An entry is corrected or cancelled once; what corrects it can be corrected in turn.
CREATE UNIQUE INDEX ledger_entries_corrected_once ON ledger_entries (corrects) WHERE corrects IS NOT NULL;

-- The currencies of a person's rows: whom a new exchange rate concerns, without reading the ledger.
CREATE TABLE ledger_currencies (
    user_id bigint NOT NULL REFERENCES ledger_people,
    currency text NOT NULL,
    CONSTRAINT ledger_currencies_pkey PRIMARY KEY (user_id, currency)
);
CREATE INDEX ledger_currencies_currency ON ledger_currencies (currency, user_id);

CREATE FUNCTION refuse_ledger_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_rewriting();

-- Rows that were not taken in, for whoever looks after the broker's feed. Sent again unchanged, they count.
CREATE TABLE ledger_refusals (
    -- of the moment of each row: `now()` is one for a whole batch, and an id has room for 4,096 rows of one
    id bigint CONSTRAINT ledger_refusals_pkey PRIMARY KEY DEFAULT new_id(clock_timestamp()),
    fingerprint bytea NOT NULL,
    trade_id text NOT NULL,
    code text NOT NULL,
    reason text NOT NULL,
    -- as it came
    sent jsonb NOT NULL,
    source text NOT NULL,
    times integer NOT NULL DEFAULT 1,
    received_at timestamptz NOT NULL DEFAULT now(),
    last_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ledger_refusals_once UNIQUE (fingerprint, code)
);
CREATE INDEX ledger_refusals_age ON ledger_refusals (last_at);

-- A price that was loaded after a split is already divided by it, one that was loaded before is not: so each
-- says when it was loaded, and each split when it was. From both follows what a share cost on that day.
ALTER TABLE prices ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT now();
-- Or it says that it is as it was traded, divided by nothing.
ALTER TABLE prices ADD COLUMN raw boolean NOT NULL DEFAULT false;

-- What a ticker is called now: the end of its chain of renamings.
CREATE FUNCTION current_ticker(ticker integer) RETURNS integer LANGUAGE sql STABLE
RETURN (
    WITH RECURSIVE chain (id, next, depth) AS (
        SELECT t.id, t.renamed_to, 0 FROM tickers t WHERE t.id = ticker
        UNION ALL
        SELECT t.id, t.renamed_to, c.depth + 1 FROM chain c JOIN tickers t ON t.id = c.next WHERE c.depth < 8)
    SELECT id FROM chain ORDER BY depth DESC LIMIT 1);

CREATE TABLE splits (
    ticker_id integer NOT NULL REFERENCES tickers,
    day date NOT NULL,
    new_shares integer NOT NULL CONSTRAINT splits_new_positive CHECK (new_shares > 0),
    old_shares integer NOT NULL CONSTRAINT splits_old_positive CHECK (old_shares > 0),
    CONSTRAINT splits_pkey PRIMARY KEY (ticker_id, day)
);

-- What one unit of a currency is worth in won.
CREATE TABLE exchange_rates (
    currency text NOT NULL,
    day date NOT NULL,
    won numeric NOT NULL CONSTRAINT exchange_rates_positive CHECK (won > 0),
    CONSTRAINT exchange_rates_pkey PRIMARY KEY (currency, day)
);

-- A person's record as it was computed last. `window_returns` is what boards are ordered by; ticker 0 is the
-- whole account.
CREATE TABLE return_records (
    user_id bigint CONSTRAINT return_records_pkey PRIMARY KEY REFERENCES ledger_people,
    revision bigint NOT NULL,
    -- the state of the markets it was computed with
    market_version bigint NOT NULL,
    as_of date NOT NULL,
    -- days with a value, closed positions
    trading_days integer NOT NULL,
    closed_count integer NOT NULL,
    -- why figures are missing, if they are
    incomplete text,
    -- everything else that is shown of it; see `records.rs`
    record jsonb NOT NULL,
    computed_at timestamptz NOT NULL
);
CREATE INDEX return_records_as_of ON return_records (as_of);

CREATE TABLE window_returns (
    user_id bigint NOT NULL REFERENCES ledger_people,
    ticker_id integer NOT NULL,
    span smallint NOT NULL,
    from_day date NOT NULL,
    to_day date NOT NULL,
    -- whether the record reaches back to the window's beginning
    complete boolean NOT NULL,
    days integer NOT NULL,
    twr float8 NOT NULL,
    -- yearly; null where no rate exists
    mwr float8,
    market float8 NOT NULL,
    excess float8 NOT NULL,
    volatility float8,
    drawdown float8 NOT NULL,
    risk smallint,
    invested float8 NOT NULL,
    score float8 NOT NULL,
    lower_bound float8 NOT NULL,
    -- why it stands on no board; empty if it does
    ineligible text[] NOT NULL,
    CONSTRAINT window_returns_pkey PRIMARY KEY (user_id, ticker_id, span)
);
CREATE INDEX window_returns_board ON window_returns (ticker_id, span, score DESC, user_id) WHERE ineligible = '{}';

CREATE TABLE holdings (
    user_id bigint NOT NULL REFERENCES ledger_people,
    ticker_id integer NOT NULL REFERENCES tickers,
    quantity numeric NOT NULL CONSTRAINT holdings_quantity_positive CHECK (quantity > 0),
    average_cost numeric NOT NULL,
    unrealised numeric,
    -- share of the whole account
    weight float8 NOT NULL,
    since date NOT NULL,
    CONSTRAINT holdings_pkey PRIMARY KEY (user_id, ticker_id)
);
CREATE INDEX holdings_ticker ON holdings (ticker_id, user_id);

-- What people agreed to show. A change ends one row and begins another, so the history is the table.
CREATE TABLE consent_texts (
    version integer CONSTRAINT consent_texts_pkey PRIMARY KEY,
    ko text NOT NULL,
    en text NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);
INSERT INTO consent_texts (version, ko, en) VALUES (1,
    '증권사가 보고한 거래 원장으로 계산한 내 수익률을, 내가 고른 범위(수익률, 비중으로 표시한 보유 종목, 지연 공개되는 거래)와 종목에 한해 마당의 다른 이용자에게 공개하는 데 동의합니다. 금액은 따로 선택하지 않는 한 공개되지 않습니다. 동의는 언제든지 철회할 수 있고, 철회하면 즉시 모든 화면에서 보이지 않습니다. 공개한 기록에는 동의 전의 거래도 포함됩니다.',
    'I agree that returns computed from the trades my broker reports are shown to others on Madang, within the scope (returns, holdings as weights, trades with a delay) and for the tickers that I chose. Amounts are not shown unless I choose that separately. I can withdraw this at any time; from then on nothing of it is shown anywhere. The record that is shown includes trades from before this consent.');

CREATE TABLE disclosures (
    id bigint CONSTRAINT disclosures_pkey PRIMARY KEY DEFAULT new_id(clock_timestamp()),
    user_id bigint NOT NULL REFERENCES users,
    -- null: the whole account
    ticker_id integer REFERENCES tickers,
    holdings boolean NOT NULL,
    -- market days after which trades are shown; null: never
    trade_delay smallint CONSTRAINT disclosures_delay_known CHECK (trade_delay IN (0, 1, 20)),
    amounts boolean NOT NULL,
    consent_version integer NOT NULL REFERENCES consent_texts,
    granted_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT disclosures_order CHECK (revoked_at >= granted_at)
);
CREATE UNIQUE INDEX disclosures_in_force ON disclosures (user_id, coalesce(ticker_id, 0)) WHERE revoked_at IS NULL;
CREATE INDEX disclosures_history ON disclosures (user_id, id DESC);

-- Recomputing has workers of its own: a night's thousands must not stand before a post's fan-out.
CREATE INDEX jobs_due_returns ON jobs (run_at) WHERE parked_at IS NULL AND kind = 'returns';
CREATE INDEX jobs_due_others ON jobs (run_at) WHERE parked_at IS NULL AND kind <> 'returns';
-- The release before this one claims without it while it still runs: it sorts the few rows that are due.
DROP INDEX jobs_due;

-- Raised by whatever changes what returns are computed with, so that a process knows when what it holds is old.
CREATE TABLE market_state (
    one boolean CONSTRAINT market_state_pkey PRIMARY KEY DEFAULT true CONSTRAINT market_state_single CHECK (one),
    version bigint NOT NULL
);
INSERT INTO market_state (version) VALUES (1);
-- A statement that changes no row raises nothing: feeds send again what they sent.
CREATE FUNCTION note_market_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM changed) THEN
        UPDATE market_state SET version = version + 1;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION note_market_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT * FROM changed EXCEPT SELECT * FROM previous) THEN
        UPDATE market_state SET version = version + 1;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER prices_added AFTER INSERT ON prices REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_market_change();
CREATE TRIGGER prices_changed AFTER UPDATE ON prices REFERENCING NEW TABLE AS changed OLD TABLE AS previous
    FOR EACH STATEMENT EXECUTE FUNCTION note_market_update();
CREATE TRIGGER prices_dropped AFTER DELETE ON prices REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_market_change();
CREATE TRIGGER splits_added AFTER INSERT ON splits REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_market_change();
CREATE TRIGGER splits_changed AFTER UPDATE ON splits REFERENCING NEW TABLE AS changed OLD TABLE AS previous
    FOR EACH STATEMENT EXECUTE FUNCTION note_market_update();
CREATE TRIGGER splits_dropped AFTER DELETE ON splits REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_market_change();
CREATE TRIGGER exchange_rates_added AFTER INSERT ON exchange_rates REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_market_change();
CREATE TRIGGER exchange_rates_changed AFTER UPDATE ON exchange_rates REFERENCING NEW TABLE AS changed OLD TABLE AS previous
    FOR EACH STATEMENT EXECUTE FUNCTION note_market_update();
CREATE TRIGGER exchange_rates_dropped AFTER DELETE ON exchange_rates REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_market_change();
CREATE TRIGGER tickers_added AFTER INSERT ON tickers REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_market_change();
CREATE TRIGGER tickers_changed AFTER UPDATE ON tickers REFERENCING NEW TABLE AS changed OLD TABLE AS previous
    FOR EACH STATEMENT EXECUTE FUNCTION note_market_update();
CREATE TRIGGER tickers_dropped AFTER DELETE ON tickers REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_market_change();

-- Whether no sanction holds: such accounts stand on no board and are suggested to nobody.
CREATE FUNCTION in_good_standing(standing smallint, until timestamptz, limited_until timestamptz, at timestamptz)
RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN (standing = 0 OR coalesce(until <= at, false)) AND coalesce(limited_until <= at, true);

-- Whether a person's return may be shown now: of the whole account (ticker 0), or with one ticker. Whoever shows
-- the whole account without holdings does not say which tickers they had. Nothing is shown of an account that was
-- deleted or is under a sanction.
CREATE FUNCTION disclosed(person bigint, ticker integer) RETURNS boolean LANGUAGE sql STABLE
RETURN EXISTS (
    SELECT FROM disclosures d JOIN users u ON u.id = d.user_id
    WHERE d.user_id = person AND d.revoked_at IS NULL AND u.deleted_at IS NULL
      AND in_good_standing(u.standing, u.standing_until, u.limited_until, now())
      AND (d.ticker_id = ticker OR (d.ticker_id IS NULL AND (ticker = 0 OR d.holdings))));

-- Whether it may be shown that, and how long, somebody holds a ticker: what the consent for that ticker says, else
-- that for the whole account.
CREATE FUNCTION holding_disclosed(person bigint, ticker integer) RETURNS boolean LANGUAGE sql STABLE
RETURN disclosed(person, ticker) AND coalesce(
    (SELECT d.holdings FROM disclosures d
     WHERE d.user_id = person AND d.revoked_at IS NULL AND (d.ticker_id = ticker OR d.ticker_id IS NULL)
     ORDER BY d.ticker_id NULLS LAST LIMIT 1), false);
