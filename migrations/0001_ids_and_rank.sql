-- Why: every row that people page through is keyed by a number that sorts by time, fits a JavaScript
-- number (53 bits) and can be made for the past, so that imported posts sort among their contemporaries.

CREATE SEQUENCE id_low AS bigint;

-- The smallest id a row of that time can have: 41 bits of milliseconds since 2010-01-01, 12 bits low.
CREATE FUNCTION id_floor(at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN greatest(floor(extract(epoch FROM at) * 1000)::bigint - 1262304000000, 0) << 12;

CREATE FUNCTION new_id(at timestamptz) RETURNS bigint
LANGUAGE sql VOLATILE
RETURN id_floor(at) | (nextval('id_low') & 4095);

CREATE FUNCTION id_time(id bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_timestamp(((id >> 12) + 1262304000000) / 1000.0);

-- Rank in whole seconds since 2010-01-01: ten times the followers is worth six hours of freshness,
-- each own post of the last three hours (at most eight count) costs one hour.
CREATE FUNCTION post_rank(at timestamptz, followers integer, recent_posts bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN greatest(0, floor(
    extract(epoch FROM at)::double precision - 1262304000
    + 21600 * log10(1 + greatest(followers, 0)::double precision)
    - 3600 * least(recent_posts, 8)
))::bigint;

-- What a ticker's top board and the trending list add to the rank: distinct people, not counts that
-- one account can pump.
CREATE FUNCTION engagement_bonus(people bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN floor(21600 * log10(1 + people::double precision))::bigint;
