-- Everything the first version keeps. Money is in minor units (cents), times are timestamptz.

-- The waiting rooms. Redis holds the running line; this row is what survives it.
CREATE TABLE sales (
    sale_id text PRIMARY KEY CHECK (sale_id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name text NOT NULL,
    opens_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paused', 'draining', 'closed')),
    pause_reason text NOT NULL DEFAULT '',
    message text NOT NULL DEFAULT '',
    rate_per_minute int NOT NULL CHECK (rate_per_minute BETWEEN 1 AND 1000000),
    burst int NOT NULL CHECK (burst BETWEEN 1 AND 1000000),
    capacity int NOT NULL CHECK (capacity BETWEEN 1 AND 10000000),
    -- Places are leased in blocks: no place above the ceiling was ever given, so a Redis that lost
    -- its newest second goes on above it and no place is given twice.
    place_ceiling bigint NOT NULL DEFAULT 0,
    -- The highest serving number known to be durable; after a loss the line goes on from here.
    serving bigint NOT NULL DEFAULT 0,
    -- The highest place known to be given, noted every second by the worker.
    last_place bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- One row: the running number of the Redis that may be believed. See docs/architecture.md, Epochs.
CREATE TABLE store_epoch (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch bigint NOT NULL
);
INSERT INTO store_epoch (epoch) VALUES (0);

CREATE TABLE events (
    event_id text PRIMARY KEY CHECK (event_id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    sale_id text NOT NULL REFERENCES sales,
    name text NOT NULL,
    venue text NOT NULL DEFAULT '',
    city text NOT NULL DEFAULT '',
    category text NOT NULL DEFAULT '',
    description text NOT NULL DEFAULT '',
    starts_at timestamptz NOT NULL,
    currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    seats_max int NOT NULL DEFAULT 8 CHECK (seats_max BETWEEN 1 AND 100),
    -- The drawing: sections, areas, focal point, size; never what is sold. NULL: stock only.
    plan jsonb,
    -- 'simple': names of artists and places are not words of one language.
    search tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('simple', name), 'A')
        || setweight(to_tsvector('simple', venue || ' ' || city), 'B')
        || setweight(to_tsvector('simple', category || ' ' || description), 'C')
    ) STORED,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX events_by_search ON events USING gin (search);
CREATE INDEX events_by_start ON events (starts_at);
CREATE INDEX events_by_sale ON events (sale_id);

CREATE TABLE price_tiers (
    event_id text NOT NULL REFERENCES events,
    tier text NOT NULL CHECK (length(tier) BETWEEN 1 AND 64),
    position int NOT NULL,
    name text NOT NULL,
    price_cents bigint NOT NULL CHECK (price_cents >= 0),
    color text NOT NULL DEFAULT '#6b7280',
    -- How many there are: of stock without seats the limit itself, of seats their count.
    quantity int NOT NULL CHECK (quantity >= 0),
    is_stock boolean NOT NULL,
    PRIMARY KEY (event_id, tier)
);

-- seat_index is the seat's place in every packed status: tier by tier, block by block, along the row.
CREATE TABLE seats (
    event_id text NOT NULL REFERENCES events,
    seat_index int NOT NULL CHECK (seat_index >= 0),
    seat_id text NOT NULL CHECK (length(seat_id) BETWEEN 1 AND 100),
    tier text NOT NULL,
    section text NOT NULL,
    row_name text NOT NULL,
    seat_number text NOT NULL,
    accessible boolean NOT NULL DEFAULT false,
    x real NOT NULL,
    y real NOT NULL,
    PRIMARY KEY (event_id, seat_index),
    UNIQUE (event_id, seat_id),
    FOREIGN KEY (event_id, tier) REFERENCES price_tiers
);

-- Runs of neighbouring seats of one tier without an aisle between; rank 0 is the best.
CREATE TABLE seat_blocks (
    event_id text NOT NULL REFERENCES events,
    tier text NOT NULL,
    rank int NOT NULL,
    first_index int NOT NULL,
    length int NOT NULL CHECK (length > 0),
    PRIMARY KEY (event_id, tier, rank)
);

-- What the search answers about availability; the worker counts it anew every second. Not counted
-- within a sale: one row for everybody would make all buyers of an event wait for each other.
CREATE TABLE availability (
    event_id text PRIMARY KEY REFERENCES events,
    sold int NOT NULL DEFAULT 0 CHECK (sold >= 0)
);

CREATE TABLE orders (
    order_id uuid PRIMARY KEY,
    event_id text NOT NULL REFERENCES events,
    fan_id text NOT NULL,
    reservation_id text NOT NULL,
    idempotency_key text NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    body_hash bytea NOT NULL,
    email text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'CLAIMED' CHECK (
        state IN ('CLAIMED', 'AUTHORIZING', 'SOLD', 'EXPIRING', 'RELEASED')),
    -- Why it is EXPIRING or RELEASED: 'payment-declined', 'deadline', 'provider-error', 'abandoned'.
    release_reason text NOT NULL DEFAULT '',
    decline_reason text NOT NULL DEFAULT '',
    amount_cents bigint NOT NULL CHECK (amount_cents >= 0),
    currency char(3) NOT NULL,
    payment_method text NOT NULL,
    payment_id text,
    next_action_url text,
    hold_epoch bigint NOT NULL,
    deadline timestamptz NOT NULL,
    -- Who is carrying the order right now gets told apart from who crashed by this lease.
    carried_until timestamptz,
    -- The first final answer, byte for byte, for repeats of the request.
    answer_status int,
    answer_body bytea,
    sold_at timestamptz,
    captured_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (fan_id, idempotency_key)
);
CREATE INDEX orders_unsettled ON orders (deadline) WHERE state IN ('CLAIMED', 'AUTHORIZING', 'EXPIRING');
CREATE INDEX orders_by_reservation ON orders (reservation_id);
CREATE UNIQUE INDEX orders_by_payment ON orders (payment_id);
-- At most one live order per reservation: a second click pays nothing twice.
CREATE UNIQUE INDEX orders_one_live_per_reservation ON orders (reservation_id)
    WHERE state <> 'RELEASED';

CREATE TABLE order_lines (
    order_id uuid NOT NULL REFERENCES orders,
    line int NOT NULL,
    tier text NOT NULL,
    seat_id text,              -- NULL: stock without seats
    quantity int NOT NULL CHECK (quantity > 0),
    price_cents bigint NOT NULL,
    PRIMARY KEY (order_id, line)
);

-- The arbiter: a seat is claimed, and later sold, by whoever has this row.
CREATE TABLE seat_claims (
    event_id text NOT NULL,
    seat_id text NOT NULL,
    order_id uuid NOT NULL REFERENCES orders,
    sold boolean NOT NULL DEFAULT false,
    PRIMARY KEY (event_id, seat_id),
    FOREIGN KEY (event_id, seat_id) REFERENCES seats (event_id, seat_id)
);
CREATE INDEX seat_claims_by_order ON seat_claims (order_id);

-- The arbiter of stock without seats: never more used than there are.
CREATE TABLE stock_claims (
    event_id text NOT NULL,
    tier text NOT NULL,
    used int NOT NULL DEFAULT 0 CHECK (used >= 0),
    capacity int NOT NULL,
    CHECK (used <= capacity),
    PRIMARY KEY (event_id, tier),
    FOREIGN KEY (event_id, tier) REFERENCES price_tiers
);

CREATE FUNCTION refuse_unsell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'seat % of % is sold to order %; a sold seat stays sold',
        OLD.seat_id, OLD.event_id, OLD.order_id USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER no_unsell_update BEFORE UPDATE ON seat_claims FOR EACH ROW
    WHEN (OLD.sold AND (NOT NEW.sold OR NEW.order_id <> OLD.order_id)) EXECUTE FUNCTION refuse_unsell();
CREATE TRIGGER no_unsell_delete BEFORE DELETE ON seat_claims FOR EACH ROW
    WHEN (OLD.sold) EXECUTE FUNCTION refuse_unsell();

CREATE TABLE tickets (
    ticket_id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES orders,
    event_id text NOT NULL,
    tier text NOT NULL,
    seat_id text,
    position int NOT NULL,
    issued_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (order_id, position)
);

-- What must still be told to others. Polled by done_at IS NULL, never by id: ids commit out of order.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('capture', 'project_sold', 'project_released')),
    order_id uuid NOT NULL REFERENCES orders,
    attempts int NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (kind, order_id)
);
CREATE INDEX outbox_open ON outbox (not_before) WHERE done_at IS NULL;

CREATE TABLE webhook_events (
    provider text NOT NULL,
    provider_event_id text NOT NULL,
    payment_id text NOT NULL DEFAULT '',
    payload bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (provider, provider_event_id)
);

-- The asynchronous record of holds: for audits and for restoring holds after a Redis loss.
CREATE TABLE hold_log (
    event_id text NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    kind text NOT NULL,
    reservation_id text NOT NULL,
    fan_id text NOT NULL,
    what jsonb NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (event_id, epoch, seq)
);
CREATE TABLE reconciled (
    event_id text NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (event_id, epoch)
);
CREATE TABLE reconcile_gaps (
    event_id text NOT NULL,
    epoch bigint NOT NULL,
    expected_seq bigint NOT NULL,
    found_seq bigint NOT NULL,
    noticed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (event_id, epoch, expected_seq)
);

-- Claim everything a reservation holds for one new order, or nothing. Prices are taken from here, never
-- from the request. The outcome is 'claimed', or 'repeated' with the order this buyer's key made
-- before, or 'busy' with the live order of the same reservation; the rest are exceptions, so that
-- nothing of a refused claim stays.
CREATE FUNCTION claim_order_v1(
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
        WHERE o.event_id = p_event_id AND o.fan_id = p_fan_id AND o.state <> 'RELEASED';
    IF v_count > v_seats_max THEN
        RAISE EXCEPTION 'over the limit' USING ERRCODE = 'ON004';
    END IF;

    SELECT sum(l.quantity * l.price_cents) INTO v_amount FROM order_lines l WHERE l.order_id = p_order_id;
    UPDATE orders o SET amount_cents = v_amount WHERE o.order_id = p_order_id;
    RETURN QUERY SELECT 'claimed', p_order_id;
END $$;

-- Make an order a sale, from one of the given states: claims sold, tickets issued, others to be told.
-- Answers the state the order has then; whoever lost a race finds another state than SOLD.
CREATE FUNCTION sell_order_v1(p_order_id uuid, p_from text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_state text;
BEGIN
    UPDATE orders SET state = 'SOLD', sold_at = now() WHERE order_id = p_order_id AND state = ANY (p_from);
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

-- Give back what an order claimed, once no payment for it can succeed any more (state EXPIRING). After a
-- declined card the fan keeps the hold in Redis and may try another one.
CREATE FUNCTION release_order_v1(p_order_id uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_state text;
    v_reason text;
BEGIN
    UPDATE orders SET state = 'RELEASED' WHERE order_id = p_order_id AND state = 'EXPIRING'
        RETURNING release_reason INTO v_reason;
    IF NOT FOUND THEN
        SELECT state INTO v_state FROM orders WHERE order_id = p_order_id;
        RETURN v_state;
    END IF;
    DELETE FROM seat_claims WHERE order_id = p_order_id;
    UPDATE stock_claims c SET used = c.used - l.quantity FROM order_lines l, orders o
        WHERE o.order_id = p_order_id AND l.order_id = p_order_id AND l.seat_id IS NULL
            AND c.event_id = o.event_id AND c.tier = l.tier;
    IF v_reason <> 'payment-declined' THEN
        INSERT INTO outbox (kind, order_id) VALUES ('project_released', p_order_id) ON CONFLICT DO NOTHING;
    END IF;
    RETURN 'RELEASED';
END $$;

-- Which scopes (a sale, an event) were filled in which epoch. A scope that is empty again within its
-- epoch was wiped, and its log's numbers must not begin anew under the same epoch.
CREATE TABLE filled_scopes (
    scope text NOT NULL,
    epoch bigint NOT NULL,
    filled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, epoch)
);
