-- A late payment is given what was ordered, or as many places of the price that was paid, whatever hold its
-- places come from: a hold is the fan's, who may have made something else of it meanwhile.

-- As before, but that places which were not ordered, or are no offer for those, are refused as taken (ON001).
CREATE OR REPLACE FUNCTION retake_order_v1(
    p_order_id uuid, p_reservation_id text, p_seat_ids text[], p_offer_ms bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_order orders;
    v_taken int;
    v_is_meant boolean;
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
    IF p_offer_ms IS NULL THEN
        -- Of stock neither has a seat.
        v_is_meant := ARRAY(SELECT wanted FROM unnest(p_seat_ids) AS wanted ORDER BY wanted)
            = ARRAY(SELECT l.seat_id FROM order_lines l
                WHERE l.order_id = p_order_id AND l.seat_id IS NOT NULL ORDER BY l.seat_id);
    ELSE
        v_is_meant := cardinality(p_seat_ids) = (
                SELECT count(*) FROM order_lines l WHERE l.order_id = p_order_id)
            AND NOT EXISTS (SELECT FROM order_lines l LEFT JOIN seats s
                ON s.event_id = v_order.event_id AND s.seat_id = p_seat_ids[l.line]
                WHERE l.order_id = p_order_id AND s.tier IS DISTINCT FROM l.tier);
    END IF;
    IF NOT v_is_meant THEN
        RAISE EXCEPTION 'not what was ordered' USING ERRCODE = 'ON001', DETAIL = '[]';
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
