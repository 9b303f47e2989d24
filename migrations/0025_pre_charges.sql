-- Fees and taxes of an event, in the order they are shown, and what of them an order has.

CREATE TABLE event_charges (
    event_id text NOT NULL REFERENCES events,
    position int NOT NULL CHECK (position BETWEEN 1 AND 16),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    kind text NOT NULL CHECK (
        kind IN ('per_ticket', 'per_order', 'percent', 'tax_added', 'tax_included')),
    -- Minor units; of 'percent' and the taxes basis points (1900: 19 %).
    value bigint NOT NULL CHECK (value BETWEEN 0 AND 1000000000),
    PRIMARY KEY (event_id, position)
);

-- A tax that is included in the prices is told, and adds nothing to the order's amount.
CREATE TABLE order_charges (
    order_id uuid NOT NULL REFERENCES orders,
    line int NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    value bigint NOT NULL,
    amount_cents bigint NOT NULL CHECK (amount_cents >= 0),
    PRIMARY KEY (order_id, line)
);

-- What an event's charges come to for places of one price together. Each line is rounded once for the
-- order, half a minor unit up. Fees are of the places, taxes of the places and the fees.
CREATE FUNCTION charges_v1(p_event_id text, p_places bigint, p_count bigint)
RETURNS TABLE (line int, name text, kind text, value bigint, amount bigint) LANGUAGE sql STABLE AS $$
    WITH fees AS (
        SELECT c.position, CASE c.kind
            WHEN 'per_ticket' THEN c.value * p_count
            WHEN 'per_order' THEN c.value
            ELSE (2 * p_places * c.value + 10000) / 20000 END AS amount
        FROM event_charges c
        WHERE c.event_id = p_event_id AND c.kind IN ('per_ticket', 'per_order', 'percent')),
    base AS (
        SELECT p_places + coalesce((SELECT sum(f.amount) FROM fees f), 0)::bigint AS taxed,
            10000 + coalesce((SELECT sum(c.value) FROM event_charges c
                WHERE c.event_id = p_event_id AND c.kind = 'tax_included'), 0)::bigint AS whole)
    SELECT c.position, c.name, c.kind, c.value, CASE c.kind
        WHEN 'tax_added' THEN (2 * b.taxed * c.value + 10000) / 20000
        WHEN 'tax_included' THEN (2 * b.taxed * c.value + b.whole) / (2 * b.whole)
        ELSE f.amount END
    FROM event_charges c CROSS JOIN base b LEFT JOIN fees f USING (position)
    WHERE c.event_id = p_event_id ORDER BY c.position
$$;

-- As before, with the event's charges on the order and in its amount.
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

    SELECT sum(l.quantity * l.price_cents), sum(l.quantity) INTO v_amount, v_count
        FROM order_lines l WHERE l.order_id = p_order_id;
    INSERT INTO order_charges (order_id, line, name, kind, value, amount_cents)
        SELECT p_order_id, c.line, c.name, c.kind, c.value, c.amount
        FROM charges_v1(p_event_id, v_amount, v_count) AS c;
    SELECT v_amount + coalesce(sum(c.amount_cents), 0) INTO v_amount FROM order_charges c
        WHERE c.order_id = p_order_id AND c.kind <> 'tax_included';
    UPDATE orders o SET amount_cents = v_amount WHERE o.order_id = p_order_id;
    RETURN QUERY SELECT 'claimed', p_order_id;
END $$;

-- Set an event's charges. Answers 'set', 'no-event', or 'ordered': who has ordered was told a price.
CREATE FUNCTION set_charges_v1(p_event_id text, p_names text[], p_kinds text[], p_values bigint[])
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    -- Every order that begins holds this row, so that none slips in between.
    PERFORM FROM events e WHERE e.event_id = p_event_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'no-event';
    ELSIF EXISTS (SELECT FROM orders o WHERE o.event_id = p_event_id) THEN
        RETURN 'ordered';
    END IF;
    DELETE FROM event_charges c WHERE c.event_id = p_event_id;
    INSERT INTO event_charges (event_id, position, name, kind, value)
        SELECT p_event_id, n, p_names[n], p_kinds[n], p_values[n]
        FROM generate_subscripts(p_names, 1) AS n;
    RETURN 'set';
END $$;
