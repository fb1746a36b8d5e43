-- Why: an index of search stands beside the database and must be able to say how far it has come. Who adds to this
-- log takes the next numbers from one row, last in its transaction, so the order of commits is the order of numbers: an
-- index that stores the number with each of its own commits replays exactly what it lacks, after a crash, after its
-- disk was lost for an hour, or as one index among several.

CREATE TABLE search_counter (
    one boolean CONSTRAINT search_counter_pkey PRIMARY KEY DEFAULT true CONSTRAINT search_counter_single CHECK (one),
    number bigint NOT NULL,
    -- which database an index belongs to
    database uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO search_counter (number) VALUES (0);

CREATE TABLE search_log (
    number bigint CONSTRAINT search_log_pkey PRIMARY KEY,
    -- subjects whose present state an index must take over
    posts bigint[] NOT NULL,
    people bigint[] NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX search_log_at ON search_log (at);

-- Nicknames are data that operators edit. What an operator takes away stays as a row, so that no release or import
-- brings it back.
ALTER TABLE ticker_aliases
    ADD COLUMN source text NOT NULL DEFAULT 'import'
        CONSTRAINT ticker_aliases_source_known CHECK (source IN ('import', 'built_in', 'operator')),
    ADD COLUMN removed boolean NOT NULL DEFAULT false;
