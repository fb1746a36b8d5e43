-- Why: an instrument is market and code (`XKRX:005930`), never free text; nicknames are data.

CREATE TABLE tickers (
    id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT tickers_pkey PRIMARY KEY,
    market text NOT NULL,
    code text NOT NULL,
    symbol text NOT NULL GENERATED ALWAYS AS (market || ':' || code) STORED
        CONSTRAINT tickers_symbol_unique UNIQUE,
    name text NOT NULL,
    name_ko text,
    sector text,
    currency text NOT NULL,
    time_zone text NOT NULL,
    status text NOT NULL DEFAULT 'listed'
        CONSTRAINT tickers_status_known CHECK (status IN ('listed', 'delisted', 'renamed')),
    renamed_to integer REFERENCES tickers,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tickers_renamed_names_target CHECK ((status = 'renamed') = (renamed_to IS NOT NULL))
);

CREATE TABLE ticker_aliases (
    -- NFKC, case-folded, without spaces
    alias text NOT NULL,
    ticker_id integer NOT NULL REFERENCES tickers ON DELETE CASCADE,
    CONSTRAINT ticker_aliases_pkey PRIMARY KEY (alias, ticker_id)
);
CREATE INDEX ticker_aliases_ticker ON ticker_aliases (ticker_id);

CREATE TABLE prices (
    ticker_id integer NOT NULL REFERENCES tickers ON DELETE CASCADE,
    -- the market's own day, in the exchange's time zone
    day date NOT NULL,
    open numeric NOT NULL,
    high numeric NOT NULL,
    low numeric NOT NULL,
    close numeric NOT NULL,
    adj_close numeric NOT NULL,
    volume bigint NOT NULL,
    CONSTRAINT prices_pkey PRIMARY KEY (ticker_id, day)
);
