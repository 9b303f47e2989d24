-- Captures are worked apart from what is shown in Redis, and each finds its own without going through the others'.
-- The old index first, as in 0037.
DROP INDEX outbox_open;
CREATE INDEX outbox_open_by_kind ON outbox (kind, not_before) WHERE done_at IS NULL;
