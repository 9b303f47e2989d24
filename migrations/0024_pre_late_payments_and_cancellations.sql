-- Two more ways for an order: a payment that comes after the places had to be let go, and a sale that is
-- cancelled with its money.

-- AWAITED: the places are back on sale, and the bank may still pay. OFFERED: it paid, other places are
-- kept for the buyer until `deadline`. CANCELLED, final: it was sold, and all of the money goes back.
ALTER TABLE orders DROP CONSTRAINT orders_state_check;
ALTER TABLE orders ADD CONSTRAINT orders_state_check CHECK (state IN (
    'CLAIMED', 'AUTHORIZING', 'EXPIRING', 'AWAITED', 'OFFERED', 'SOLD', 'RELEASED', 'CANCELLED'));
ALTER TABLE orders
    -- Its claims were given back already, though it has not come to its end.
    ADD COLUMN is_let_go boolean NOT NULL DEFAULT false,
    -- When the provider is asked again about a payment that is awaited.
    ADD COLUMN look_after timestamptz,
    -- What it was for before other places were offered, for the buyer to compare.
    ADD COLUMN lost_seats text[] NOT NULL DEFAULT '{}',
    ADD COLUMN cancelled_at timestamptz;
CREATE INDEX orders_late ON orders (look_after) WHERE state IN ('AWAITED', 'OFFERED');
-- Small, and what counts tickets leaves these out.
CREATE INDEX orders_cancelled ON orders (order_id) WHERE state = 'CANCELLED';

-- Until how long before it begins fans may cancel by themselves; NULL: never.
ALTER TABLE events ADD COLUMN cancel_minutes int CHECK (cancel_minutes BETWEEN 0 AND 5256000);

ALTER TABLE outbox DROP CONSTRAINT outbox_kind_check;
ALTER TABLE outbox ADD CONSTRAINT outbox_kind_check
    CHECK (kind IN ('capture', 'project_sold', 'project_released', 'project_cancelled'));

-- A sold seat is free again only when its order was cancelled, and that only with all of its money.
CREATE OR REPLACE FUNCTION refuse_unsell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT FROM orders o WHERE o.order_id = OLD.order_id AND o.state = 'CANCELLED') THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'seat % of % is sold to order %; a sold seat stays sold',
        OLD.seat_id, OLD.event_id, OLD.order_id USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION refuse_second_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'SOLD' AND NEW.state = 'CANCELLED' AND NEW.amount_cents <= (
        SELECT coalesce(sum(r.amount_cents), 0) FROM refunds r WHERE r.order_id = NEW.order_id) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'order % is %, which is its end', OLD.order_id, OLD.state
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER one_end BEFORE UPDATE ON orders FOR EACH ROW
    WHEN (OLD.state IN ('SOLD', 'RELEASED', 'CANCELLED') AND NEW.state <> OLD.state)
    EXECUTE FUNCTION refuse_second_end();

-- What was sold is not changed either; before that, other places may be offered at the same price.
CREATE FUNCTION refuse_line_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM orders o WHERE o.order_id = OLD.order_id AND o.state = 'OFFERED')
        AND (NEW.tier, NEW.quantity, NEW.price_cents) = (OLD.tier, OLD.quantity, OLD.price_cents) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'line % of order % stays as it is', OLD.line, OLD.order_id
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER lines_stay BEFORE UPDATE ON order_lines FOR EACH ROW EXECUTE FUNCTION refuse_line_change();

-- As before, but for what does not count against the buyer's limit any more.
CREATE OR REPLACE FUNCTION claim_order_v1(
    p_order_id uuid, p_event_id text, p_fan_id text, p_reservation_id text, p_key text,
    p_body_hash bytea, p_email text, p_payment_method text, p_epoch bigint, p_payment_ms int,
    p_lease_ms int, p_seat_ids text[], p_tier text, p_quantity int, p_attempts_max int
) RETURNS TABLE (outcome text, found_order_id uuid) LANGUAGE plpgsql AS $$
DECLARE
    v_seats_max int;
    v_currency char(3);
    v_count int;
    v_amount bigint;
    v_taken text[];
    v_found uuid;
BEGIN
    SELECT e.seats_max, e.currency INTO v_seats_max, v_currency FROM events e WHERE e.event_id = p_event_id;
    -- A buyer's own orders for one event, one at a time: the limit below must not be raced.
    PERFORM pg_advisory_xact_lock(hashtextextended(p_event_id || ' ' || p_fan_id, 0));

    SELECT o.order_id INTO v_found FROM orders o WHERE o.fan_id = p_fan_id AND o.idempotency_key = p_key;
    IF FOUND THEN
        RETURN QUERY SELECT 'repeated', v_found;
        RETURN;
    END IF;
    SELECT o.order_id INTO v_found FROM orders o
        WHERE o.reservation_id = p_reservation_id AND o.state <> 'RELEASED';
    IF FOUND THEN
        RETURN QUERY SELECT 'busy', v_found;
        RETURN;
    END IF;
    -- Each attempt keeps the seats from others for a while; a bad card must not keep them for ever.
    IF (SELECT count(*) FROM orders o WHERE o.reservation_id = p_reservation_id) >= p_attempts_max THEN
        RAISE EXCEPTION 'too many attempts' USING ERRCODE = 'ON003';
    END IF;

    INSERT INTO orders (order_id, event_id, fan_id, reservation_id, idempotency_key, body_hash, email,
        payment_method, hold_epoch, deadline, carried_until, amount_cents, currency)
    VALUES (p_order_id, p_event_id, p_fan_id, p_reservation_id, p_key, p_body_hash, p_email,
        p_payment_method, p_epoch, now() + p_payment_ms * interval '1 millisecond',
        now() + p_lease_ms * interval '1 millisecond', 0, v_currency);

    IF p_tier = '' THEN
        INSERT INTO order_lines (order_id, line, tier, seat_id, quantity, price_cents)
            SELECT p_order_id, row_number() OVER (ORDER BY s.seat_index), s.tier, s.seat_id, 1, t.price_cents
            FROM seats s JOIN price_tiers t USING (event_id, tier)
            WHERE s.event_id = p_event_id AND s.seat_id = ANY (p_seat_ids);
        -- In one order for all buyers, so that two claims never wait for each other in a circle.
        INSERT INTO seat_claims (event_id, seat_id, order_id)
            SELECT p_event_id, wanted, p_order_id FROM unnest(p_seat_ids) AS wanted ORDER BY wanted
            ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        IF v_count < cardinality(p_seat_ids) THEN
            SELECT array_agg(c.seat_id) INTO v_taken FROM seat_claims c
                WHERE c.event_id = p_event_id AND c.seat_id = ANY (p_seat_ids) AND c.order_id <> p_order_id;
            RAISE EXCEPTION 'seats taken' USING ERRCODE = 'ON001', DETAIL = to_jsonb(v_taken)::text;
        END IF;
    ELSE
        INSERT INTO order_lines (order_id, line, tier, seat_id, quantity, price_cents)
            SELECT p_order_id, 1, t.tier, NULL, p_quantity, t.price_cents FROM price_tiers t
            WHERE t.event_id = p_event_id AND t.tier = p_tier;
        UPDATE stock_claims c SET used = c.used + p_quantity
            WHERE c.event_id = p_event_id AND c.tier = p_tier AND c.used + p_quantity <= c.capacity;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'sold out' USING ERRCODE = 'ON002';
        END IF;
    END IF;

    SELECT coalesce(sum(l.quantity), 0) INTO v_count FROM order_lines l JOIN orders o USING (order_id)
        WHERE o.event_id = p_event_id AND o.fan_id = p_fan_id
            AND o.state NOT IN ('RELEASED', 'CANCELLED', 'AWAITED') AND NOT o.is_let_go;
    IF v_count > v_seats_max THEN
        RAISE EXCEPTION 'over the limit' USING ERRCODE = 'ON004';
    END IF;

    SELECT sum(l.quantity * l.price_cents) INTO v_amount FROM order_lines l WHERE l.order_id = p_order_id;
    UPDATE orders o SET amount_cents = v_amount WHERE o.order_id = p_order_id;
    RETURN QUERY SELECT 'claimed', p_order_id;
END $$;

-- As before, but for the two conditions.
CREATE OR REPLACE FUNCTION sell_order_v1(p_order_id uuid, p_from text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_state text;
BEGIN
    UPDATE orders SET state = 'SOLD', sold_at = now() WHERE order_id = p_order_id AND state = ANY (p_from)
        -- Nothing is sold that was let go, nor what its buyer did not want instead.
        AND NOT is_let_go AND NOT (state = 'EXPIRING' AND release_reason = 'late-payment');
    IF NOT FOUND THEN
        SELECT state INTO v_state FROM orders WHERE order_id = p_order_id;
        RETURN v_state;
    END IF;
    UPDATE seat_claims SET sold = true WHERE order_id = p_order_id;
    INSERT INTO tickets (ticket_id, order_id, event_id, tier, seat_id, position)
        SELECT gen_random_uuid(), o.order_id, o.event_id, l.tier, l.seat_id,
            row_number() OVER (ORDER BY l.line, piece)
        FROM orders o JOIN order_lines l USING (order_id), generate_series(1, l.quantity) AS piece
        WHERE o.order_id = p_order_id;
    INSERT INTO outbox (kind, order_id) VALUES ('capture', p_order_id), ('project_sold', p_order_id);
    RETURN 'SOLD';
END $$;

-- Give back what an order claimed, without ending it.
CREATE FUNCTION give_claims_back_v1(p_order_id uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM seat_claims WHERE order_id = p_order_id;
    UPDATE stock_claims c SET used = c.used - l.quantity FROM order_lines l, orders o
        WHERE o.order_id = p_order_id AND l.order_id = p_order_id AND l.seat_id IS NULL
            AND c.event_id = o.event_id AND c.tier = l.tier;
END $$;

-- As release_order_v1, also for orders that were let go before, and again for places that were offered.
CREATE FUNCTION release_order_v2(p_order_id uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_order orders;
BEGIN
    SELECT * INTO v_order FROM orders WHERE order_id = p_order_id FOR UPDATE;
    IF v_order.state <> 'EXPIRING' THEN
        RETURN v_order.state;
    END IF;
    UPDATE orders SET state = 'RELEASED' WHERE order_id = p_order_id;
    IF v_order.is_let_go THEN
        RETURN 'RELEASED';
    END IF;
    PERFORM give_claims_back_v1(p_order_id);
    IF v_order.release_reason <> 'payment-declined' THEN
        INSERT INTO outbox (kind, order_id) VALUES ('project_released', p_order_id)
            ON CONFLICT (kind, order_id) DO UPDATE SET done_at = NULL, attempts = 0, not_before = now();
    END IF;
    RETURN 'RELEASED';
END $$;

-- Let the places go of an order whose bank takes longer than anybody should wait for seats that others
-- want. The order goes on, for the bank may still pay.
CREATE FUNCTION let_order_go_v1(p_order_id uuid, p_patience_ms bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_state text;
BEGIN
    UPDATE orders SET state = 'AWAITED', is_let_go = true, look_after = now()
        WHERE order_id = p_order_id AND state = 'EXPIRING' AND NOT is_let_go
            AND deadline + p_patience_ms * interval '1 millisecond' <= now();
    IF NOT FOUND THEN
        SELECT state INTO v_state FROM orders WHERE order_id = p_order_id;
        RETURN v_state;
    END IF;
    PERFORM give_claims_back_v1(p_order_id);
    INSERT INTO outbox (kind, order_id) VALUES ('project_released', p_order_id);
    RETURN 'AWAITED';
END $$;

-- Claim places again for an awaited order that was paid: those it was for, which makes it a sale
-- (p_offer_ms NULL), or others of the same kind, which are kept as an offer for so long. Nothing of it
-- stays when a place is taken (ON001, ON002) or the buyer has too many by now (ON004).
CREATE FUNCTION retake_order_v1(
    p_order_id uuid, p_reservation_id text, p_seat_ids text[], p_offer_ms bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_order orders;
    v_taken int;
BEGIN
    SELECT * INTO v_order FROM orders WHERE order_id = p_order_id;
    PERFORM pg_advisory_xact_lock(hashtextextended(v_order.event_id || ' ' || v_order.fan_id, 0));
    UPDATE orders SET state = 'OFFERED', is_let_go = false, reservation_id = p_reservation_id,
            deadline = now() + coalesce(p_offer_ms, 0) * interval '1 millisecond',
            look_after = now() + coalesce(p_offer_ms, 0) * interval '1 millisecond'
        WHERE order_id = p_order_id AND state = 'AWAITED';
    IF NOT FOUND THEN
        RETURN (SELECT o.state FROM orders o WHERE o.order_id = p_order_id);
    END IF;
    IF cardinality(p_seat_ids) > 0 THEN
        INSERT INTO seat_claims (event_id, seat_id, order_id)
            SELECT v_order.event_id, wanted, p_order_id FROM unnest(p_seat_ids) AS wanted ORDER BY wanted
            ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS v_taken = ROW_COUNT;
        IF v_taken < cardinality(p_seat_ids) THEN
            RAISE EXCEPTION 'seats taken' USING ERRCODE = 'ON001', DETAIL = '[]';
        END IF;
        IF p_offer_ms IS NOT NULL THEN
            UPDATE orders SET lost_seats = (SELECT array_agg(l.seat_id ORDER BY l.line)
                FROM order_lines l WHERE l.order_id = p_order_id) WHERE order_id = p_order_id;
            UPDATE order_lines l SET seat_id = p_seat_ids[l.line] WHERE l.order_id = p_order_id;
        END IF;
    ELSE
        UPDATE stock_claims c SET used = c.used + l.quantity FROM order_lines l
            WHERE l.order_id = p_order_id AND c.event_id = v_order.event_id AND c.tier = l.tier
                AND c.used + l.quantity <= c.capacity;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'sold out' USING ERRCODE = 'ON002';
        END IF;
    END IF;
    IF (SELECT sum(l.quantity) FROM order_lines l JOIN orders o USING (order_id)
        WHERE o.event_id = v_order.event_id AND o.fan_id = v_order.fan_id
            AND o.state NOT IN ('RELEASED', 'CANCELLED', 'AWAITED') AND NOT o.is_let_go)
        > (SELECT e.seats_max FROM events e WHERE e.event_id = v_order.event_id) THEN
        RAISE EXCEPTION 'over the limit' USING ERRCODE = 'ON004';
    END IF;
    IF p_offer_ms IS NULL THEN
        RETURN sell_order_v1(p_order_id, '{OFFERED}');
    END IF;
    RETURN 'OFFERED';
END $$;

-- End an order without places whose money was taken: all of it goes back.
CREATE FUNCTION repay_order_v1(p_order_id uuid, p_amount bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_state text;
BEGIN
    v_state := release_order_v2(p_order_id);
    IF v_state = 'RELEASED' THEN
        UPDATE orders SET captured_at = coalesce(captured_at, now()) WHERE order_id = p_order_id;
        INSERT INTO refunds (order_id, amount_cents, reason)
            VALUES (p_order_id, p_amount, 'The payment came after the places were gone')
            ON CONFLICT DO NOTHING;
    END IF;
    RETURN v_state;
END $$;

-- Cancel a sale: places free, tickets void, all money on its way back. For a buyer (one of p_fan_ids) as far
-- as the event lets them; p_fan_ids NULL is the organiser, who always may. Answers 'cancelled', 'repeated',
-- or why not: 'not-found', 'not-sold', 'not-allowed', 'too-late'.
CREATE FUNCTION cancel_order_v1(p_order_id uuid, p_fan_ids text[], p_reason text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_order orders;
    v_event events;
    v_left bigint;
    v_part bigint := 0;
BEGIN
    SELECT * INTO v_order FROM orders o WHERE o.order_id = p_order_id
        AND (p_fan_ids IS NULL OR o.fan_id = ANY (p_fan_ids)) FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'not-found';
    ELSIF v_order.state = 'CANCELLED' THEN
        RETURN 'repeated';
    ELSIF v_order.state <> 'SOLD' THEN
        RETURN 'not-sold';
    END IF;
    IF p_fan_ids IS NOT NULL THEN
        SELECT * INTO v_event FROM events e WHERE e.event_id = v_order.event_id;
        IF v_event.cancel_minutes IS NULL THEN
            RETURN 'not-allowed';
        ELSIF now() > v_event.starts_at - v_event.cancel_minutes * interval '1 minute' THEN
            RETURN 'too-late';
        END IF;
    END IF;
    SELECT v_order.amount_cents - coalesce(sum(r.amount_cents), 0) INTO v_left FROM refunds r
        WHERE r.order_id = p_order_id;
    -- Each amount is given once: where as much was given before, it goes in two other parts.
    WHILE v_part < v_left AND (v_left = 2 * v_part OR EXISTS (
            SELECT FROM refunds r WHERE r.order_id = p_order_id
                AND r.amount_cents IN (v_left - v_part, v_part))) LOOP
        v_part := v_part + 1;
    END LOOP;
    IF v_left > 0 AND v_part >= v_left THEN
        RETURN 'not-allowed';  -- a cent or two that cannot be told from what was given before
    END IF;
    INSERT INTO refunds (order_id, amount_cents, reason)
        SELECT p_order_id, part, p_reason FROM unnest(ARRAY[v_left - v_part, v_part]) AS part
        WHERE part > 0;
    UPDATE orders SET state = 'CANCELLED', cancelled_at = now(), release_reason = CASE
            WHEN p_fan_ids IS NULL THEN 'cancelled-by-organiser' ELSE 'cancelled' END
        WHERE order_id = p_order_id;
    PERFORM give_claims_back_v1(p_order_id);
    INSERT INTO outbox (kind, order_id) VALUES ('project_cancelled', p_order_id);
    RETURN 'cancelled';
END $$;
