-- Tickets by e-mail: promised by the commit of the sale, sent by the worker, with a mark once they are.

-- In which language their buyer reads; '': English.
ALTER TABLE orders ADD COLUMN language text NOT NULL DEFAULT '' CHECK (language ~ '^([a-z]{2})?$');

-- Apart from the outbox: a mail server that is slow for a minute must not hold up money or seats.
CREATE TABLE ticket_mails (
    order_id uuid PRIMARY KEY REFERENCES orders,
    attempts int NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT now(),
    -- 'refused': there is no such mailbox, or its server wants none of it; 'void': the order was cancelled
    -- before; 'given-up': no mail could be sent for days. '' while it is still to be sent.
    outcome text NOT NULL DEFAULT '' CHECK (outcome IN ('', 'sent', 'refused', 'void', 'given-up')),
    done_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((outcome = '') = (done_at IS NULL))
);
CREATE INDEX ticket_mails_open ON ticket_mails (not_before) WHERE done_at IS NULL;

-- Whatever way an order was sold: what sells it need not know of mails.
CREATE FUNCTION promise_ticket_mail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ticket_mails (order_id) VALUES (NEW.order_id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER tickets_by_mail AFTER UPDATE ON orders FOR EACH ROW
    WHEN (NEW.state = 'SOLD' AND OLD.state <> 'SOLD' AND NEW.email <> '')
    EXECUTE FUNCTION promise_ticket_mail();

-- As claim_order_v1, and notes the buyer's language in the same transaction.
CREATE FUNCTION claim_order_v2(
    p_order_id uuid, p_event_id text, p_fan_id text, p_reservation_id text, p_key text,
    p_body_hash bytea, p_email text, p_payment_method text, p_epoch bigint, p_payment_ms int,
    p_lease_ms int, p_seat_ids text[], p_tier text, p_quantity int, p_attempts_max int, p_language text
) RETURNS TABLE (outcome text, found_order_id uuid) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT * FROM claim_order_v1(
        p_order_id, p_event_id, p_fan_id, p_reservation_id, p_key, p_body_hash, p_email,
        p_payment_method, p_epoch, p_payment_ms, p_lease_ms, p_seat_ids, p_tier, p_quantity,
        p_attempts_max);
    IF p_language <> '' THEN
        UPDATE orders o SET language = p_language WHERE o.order_id = p_order_id;
    END IF;
END $$;
