-- Many orders in one transaction: each is claimed or refused by itself, and one commit makes all of them last.
-- What is new about claiming one is only how much it costs: everything is looked up first and each row
-- is written once, as it stays.

-- Claim everything a reservation holds for one new order, or nothing. Prices are taken from here, never
-- from the request. The outcome is 'claimed', or 'repeated' with the order this buyer's key made
-- before, or 'busy' with the live order of the same reservation; the rest are exceptions, so that
-- nothing of a refused claim stays.
CREATE FUNCTION claim_order_v3(
    p_order_id uuid, p_event_id text, p_fan_id text, p_reservation_id text, p_key text,
    p_body_hash bytea, p_email text, p_language text, p_payment_method text, p_epoch bigint,
    p_payment_ms int, p_lease_ms int, p_seat_ids text[], p_tier text, p_quantity int,
    p_attempts_max int, OUT outcome text, OUT its_order orders
) LANGUAGE plpgsql AS $$
DECLARE
    v_seats_max int;
    v_currency char(3);
    v_attempts int;
    v_live uuid;
    v_tiers text[];
    v_seat_ids text[];
    v_prices bigint[];
    v_places bigint;
    v_charges bigint := 0;
    v_is_charged boolean;
    v_count bigint;
    v_taken text[];
BEGIN
    -- Who sets the event's charges waits for us, and we for them: they are of all of its orders or none.
    SELECT e.seats_max, e.currency INTO v_seats_max, v_currency FROM events e
        WHERE e.event_id = p_event_id FOR KEY SHARE;
    -- A buyer's own orders for one event, one at a time: the limit below must not be raced.
    PERFORM pg_advisory_xact_lock(hashtextextended(p_event_id || ' ' || p_fan_id, 0));

    SELECT * INTO its_order FROM orders o WHERE o.fan_id = p_fan_id AND o.idempotency_key = p_key;
    IF FOUND THEN
        outcome := 'repeated';
        RETURN;
    END IF;
    SELECT count(*), (array_agg(o.order_id) FILTER (WHERE o.state <> 'RELEASED'))[1]
        INTO v_attempts, v_live FROM orders o WHERE o.reservation_id = p_reservation_id;
    IF v_live IS NOT NULL THEN
        SELECT * INTO its_order FROM orders o WHERE o.order_id = v_live;
        outcome := 'busy';
        RETURN;
    END IF;
    -- Each attempt keeps the seats from others for a while; a bad card must not keep them for ever.
    IF v_attempts >= p_attempts_max THEN
        RAISE EXCEPTION 'too many attempts' USING ERRCODE = 'ON003';
    END IF;

    IF p_tier = '' THEN
        SELECT array_agg(s.tier ORDER BY s.seat_index), array_agg(s.seat_id ORDER BY s.seat_index),
                array_agg(t.price_cents ORDER BY s.seat_index), sum(t.price_cents), count(*)
            INTO v_tiers, v_seat_ids, v_prices, v_places, v_count
            FROM seats s JOIN price_tiers t USING (event_id, tier)
            WHERE s.event_id = p_event_id AND s.seat_id = ANY (p_seat_ids);
    ELSE
        SELECT t.price_cents * p_quantity, p_quantity, ARRAY[t.price_cents]
            INTO v_places, v_count, v_prices FROM price_tiers t
            WHERE t.event_id = p_event_id AND t.tier = p_tier;
    END IF;
    v_is_charged := EXISTS (SELECT FROM event_charges c WHERE c.event_id = p_event_id);
    IF v_is_charged THEN
        SELECT coalesce(sum(c.amount), 0) INTO v_charges
            FROM charges_v1(p_event_id, v_places, v_count) AS c WHERE c.kind <> 'tax_included';
    END IF;

    INSERT INTO orders (order_id, event_id, fan_id, reservation_id, idempotency_key, body_hash, email,
        language, payment_method, hold_epoch, deadline, carried_until, amount_cents, currency)
    VALUES (p_order_id, p_event_id, p_fan_id, p_reservation_id, p_key, p_body_hash, p_email,
        p_language, p_payment_method, p_epoch, now() + p_payment_ms * interval '1 millisecond',
        now() + p_lease_ms * interval '1 millisecond', v_places + v_charges, v_currency)
    RETURNING * INTO its_order;
    IF p_tier = '' THEN
        INSERT INTO order_lines (order_id, line, tier, seat_id, quantity, price_cents)
            SELECT p_order_id, place.line, place.tier, place.seat_id, 1, place.price
            FROM unnest(v_tiers, v_seat_ids, v_prices)
                WITH ORDINALITY AS place (tier, seat_id, price, line);
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
            VALUES (p_order_id, 1, p_tier, NULL, p_quantity, v_prices[1]);
        UPDATE stock_claims c SET used = c.used + p_quantity
            WHERE c.event_id = p_event_id AND c.tier = p_tier AND c.used + p_quantity <= c.capacity;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'sold out' USING ERRCODE = 'ON002';
        END IF;
    END IF;
    IF v_is_charged THEN
        INSERT INTO order_charges (order_id, line, name, kind, value, amount_cents)
            SELECT p_order_id, c.line, c.name, c.kind, c.value, c.amount
            FROM charges_v1(p_event_id, v_places, v_count) AS c;
    END IF;

    SELECT coalesce(sum(l.quantity), 0) INTO v_count FROM order_lines l JOIN orders o USING (order_id)
        WHERE o.event_id = p_event_id AND o.fan_id = p_fan_id
            AND o.state NOT IN ('RELEASED', 'CANCELLED', 'AWAITED') AND NOT o.is_let_go;
    IF v_count > v_seats_max THEN
        RAISE EXCEPTION 'over the limit' USING ERRCODE = 'ON004';
    END IF;
    outcome := 'claimed';
END $$;

-- Claim several orders, an object of p_claims each, and answer them in their order. Of one that is refused
-- nothing stays: the outcome is the code of its exception then, with the detail; others are not touched.
CREATE FUNCTION claim_orders_v1(p_claims jsonb)
RETURNS TABLE (outcome text, detail text, its_order orders) LANGUAGE plpgsql AS $$
DECLARE
    v_claim record;
BEGIN
    FOR v_claim IN SELECT * FROM jsonb_to_recordset(p_claims) AS c (
        order_id uuid, event_id text, fan_id text, reservation_id text, key text, body_hash text,
        email text, language text, payment_method text, epoch bigint, payment_ms int, lease_ms int,
        seat_ids text[], tier text, quantity int, attempts_max int)
    LOOP
        BEGIN
            RETURN QUERY SELECT c.outcome, '', c.its_order FROM claim_order_v3(
                v_claim.order_id, v_claim.event_id, v_claim.fan_id, v_claim.reservation_id,
                v_claim.key, decode(v_claim.body_hash, 'hex'), v_claim.email, v_claim.language,
                v_claim.payment_method, v_claim.epoch, v_claim.payment_ms, v_claim.lease_ms,
                v_claim.seat_ids, v_claim.tier, v_claim.quantity, v_claim.attempts_max) AS c;
        EXCEPTION WHEN SQLSTATE 'ON001' OR SQLSTATE 'ON002' OR SQLSTATE 'ON003' OR SQLSTATE 'ON004' THEN
            GET STACKED DIAGNOSTICS outcome = RETURNED_SQLSTATE, detail = PG_EXCEPTION_DETAIL;
            RETURN NEXT;
        END;
    END LOOP;
END $$;

-- As sell_order_v1, for several: from one of the given states, claims sold, tickets issued, others to be told.
-- Answers what each of them is then; whoever lost a race finds another state than SOLD.
CREATE FUNCTION sell_orders_v1(p_order_ids uuid[], p_from text[])
RETURNS SETOF orders LANGUAGE plpgsql AS $$
DECLARE
    v_sold uuid[];
BEGIN
    WITH sold AS (
        UPDATE orders o SET state = 'SOLD', sold_at = now()
            WHERE o.order_id = ANY (p_order_ids) AND o.state = ANY (p_from)
                -- Nothing is sold that was let go, nor what its buyer did not want instead.
                AND NOT o.is_let_go AND NOT (o.state = 'EXPIRING' AND o.release_reason = 'late-payment')
            RETURNING o.order_id)
    SELECT array_agg(s.order_id) INTO v_sold FROM sold s;
    UPDATE seat_claims c SET sold = true WHERE c.order_id = ANY (v_sold);
    INSERT INTO tickets (ticket_id, order_id, event_id, tier, seat_id, position)
        SELECT gen_random_uuid(), o.order_id, o.event_id, l.tier, l.seat_id,
            row_number() OVER (PARTITION BY o.order_id ORDER BY l.line, piece)
        FROM orders o JOIN order_lines l USING (order_id), generate_series(1, l.quantity) AS piece
        WHERE o.order_id = ANY (v_sold);
    INSERT INTO outbox (kind, order_id)
        SELECT kind, order_id FROM unnest(v_sold) AS order_id, unnest('{capture,project_sold}'::text[]) AS kind;
    RETURN QUERY SELECT * FROM orders o WHERE o.order_id = ANY (p_order_ids);
END $$;
