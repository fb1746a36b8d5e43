-- Why: a moderator may report a post after they decided about it, and then the end of that decision could not
-- be written: it was taken for a decision of their own. Who decides is looked at where it is said.

DROP TRIGGER mod_decisions_not_own ON mod_decisions;
CREATE TRIGGER mod_decisions_not_own BEFORE INSERT OR UPDATE OF actor_id, author_id, post_id ON mod_decisions
    FOR EACH ROW WHEN (NEW.actor_id IS NOT NULL) EXECUTE FUNCTION refuse_own_decision();
