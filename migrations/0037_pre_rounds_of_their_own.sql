-- Captures are worked apart from what is shown in Redis, and each finds its own without going through the others'.
CREATE INDEX outbox_open_by_kind ON outbox (kind, not_before) WHERE done_at IS NULL;
DROP INDEX outbox_open;

-- Orders are looked at in the order in which they are due, whatever state they are in.
CREATE INDEX orders_to_look_at ON orders (coalesce(look_after, created_at))
    WHERE state IN ('CLAIMED', 'AUTHORIZING', 'EXPIRING', 'AWAITED', 'OFFERED');
DROP INDEX orders_late;
