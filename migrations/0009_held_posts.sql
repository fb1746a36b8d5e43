-- Why: the text rules keep a post back before anybody has seen it; that is a decision with a statement like
-- any other.

ALTER TABLE mod_decisions DROP CONSTRAINT mod_decisions_kind_known;
ALTER TABLE mod_decisions ADD CONSTRAINT mod_decisions_kind_known
    CHECK (kind IN ('keep', 'limit', 'hold', 'block', 'remove'));

-- What the text rules found in the text of a case: rule, view and span, for the moderator and for appeals.
ALTER TABLE mod_cases ADD COLUMN screening jsonb;
