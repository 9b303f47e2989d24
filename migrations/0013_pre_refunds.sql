-- Money to give back: asked for here, given by the worker, as often tried as it takes. Of one order each
-- amount is given once: asking again is the same refund, and the payment provider is told so, too.
CREATE TABLE refunds (
    order_id uuid NOT NULL REFERENCES orders,
    amount_cents bigint NOT NULL CHECK (amount_cents > 0),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
    asked_at timestamptz NOT NULL DEFAULT now(),
    attempts int NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz,
    PRIMARY KEY (order_id, amount_cents)
);
CREATE INDEX refunds_open ON refunds (not_before) WHERE done_at IS NULL;

-- Ask for a refund of an amount, or of what is left (NULL). Answers 'asked', or 'repeated' for the same
-- amount again, or 'not-sold', 'too-much', 'nothing-left'; and the amount.
CREATE FUNCTION ask_refund_v1(p_order_id uuid, p_amount bigint, p_reason text)
RETURNS TABLE (outcome text, amount bigint) LANGUAGE plpgsql AS $$
DECLARE
    v_left bigint;
BEGIN
    -- One asker at a time: together they must not ask for more than was paid.
    SELECT o.amount_cents INTO v_left FROM orders o
        WHERE o.order_id = p_order_id AND o.state = 'SOLD' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'not-sold', 0::bigint;
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM refunds r WHERE r.order_id = p_order_id AND r.amount_cents = p_amount) THEN
        RETURN QUERY SELECT 'repeated', p_amount;
        RETURN;
    END IF;
    SELECT v_left - coalesce(sum(r.amount_cents), 0) INTO v_left FROM refunds r
        WHERE r.order_id = p_order_id;
    IF v_left = 0 THEN
        RETURN QUERY SELECT 'nothing-left', 0::bigint;
    ELSIF coalesce(p_amount, v_left) > v_left
        -- What is left may be as much as was given once, and the provider takes an amount once.
        OR EXISTS (SELECT FROM refunds r WHERE r.order_id = p_order_id AND r.amount_cents = v_left
                   AND p_amount IS NULL) THEN
        RETURN QUERY SELECT 'too-much', v_left;
    ELSE
        INSERT INTO refunds (order_id, amount_cents, reason)
            VALUES (p_order_id, coalesce(p_amount, v_left), p_reason);
        RETURN QUERY SELECT 'asked', coalesce(p_amount, v_left);
    END IF;
END $$;
