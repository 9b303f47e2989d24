-- What was told and what providers told is forgotten in the end, and not before: neither by a mistake of ours nor
-- by who has only our rights.
CREATE FUNCTION refuse_forgetting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'it is not to be forgotten yet' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER no_early_forgetting BEFORE DELETE ON outbox FOR EACH ROW
    WHEN (OLD.done_at IS NULL OR OLD.done_at > now() - interval '30 days'
        OR OLD.created_at > now() - interval '30 days')
    EXECUTE FUNCTION refuse_forgetting();
CREATE TRIGGER no_early_forgetting BEFORE DELETE ON webhook_events FOR EACH ROW
    WHEN (OLD.received_at > now() - interval '180 days')
    EXECUTE FUNCTION refuse_forgetting();

-- Rows come in the order of time: of a thousand pages it has a line.
CREATE INDEX webhook_events_by_age ON webhook_events USING brin (received_at);
