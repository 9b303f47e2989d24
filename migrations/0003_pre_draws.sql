-- The draw of a sale that was made before its opening. Nothing here is written per fan: entries come in
-- batches while fans wait, and one UPDATE each seals the roster and makes the order final.
CREATE TABLE draws (
    sale_id text PRIMARY KEY REFERENCES sales,
    state text NOT NULL DEFAULT 'committed' CHECK (state IN ('committed', 'sealed', 'drawn')),
    -- Its hash is public from the first page view on, itself only once the order is final.
    secret bytea NOT NULL CHECK (length(secret) = 32),
    permutation text NOT NULL,
    -- The drand chain whose round goes into the seed (gateway/draw/beacon.py); NULL: none.
    chain jsonb,
    -- How long after its round the beacon is waited for.
    beacon_wait_ms int NOT NULL CHECK (beacon_wait_ms >= 0),
    -- Entry numbers are leased in blocks: none above was ever given. See place_ceiling of sales.
    entry_ceiling bigint NOT NULL DEFAULT 0,
    -- The highest entry number in the roster, and how many are in it.
    last_entry bigint NOT NULL DEFAULT 0,
    entries bigint NOT NULL DEFAULT 0,
    root bytea CHECK (length(root) = 32),
    sealed_at timestamptz,
    beacon_round bigint,
    beacon_outcome text CHECK (beacon_outcome IN ('used', 'missed')),
    beacon_signature bytea,
    seed bytea CHECK (length(seed) = 32),
    drawn_at timestamptz,
    CHECK ((state = 'committed') = (root IS NULL) AND (root IS NULL) = (sealed_at IS NULL)),
    CHECK ((state = 'drawn') = (seed IS NOT NULL) AND (seed IS NULL) = (drawn_at IS NULL))
);

-- Runs of entry numbers that nobody has: a lost Redis took them with it.
CREATE TABLE draw_gaps (
    sale_id text NOT NULL REFERENCES draws,
    first_entry bigint NOT NULL,
    last_entry bigint NOT NULL CHECK (last_entry >= first_entry),
    PRIMARY KEY (sale_id, first_entry)
);

-- The roster, 4096 entries a row, in the order of their numbers. The leaves are what is published.
CREATE TABLE roster_chunks (
    sale_id text NOT NULL REFERENCES draws,
    chunk int NOT NULL,
    entry_numbers bigint[] NOT NULL,
    fan_ids text[] NOT NULL,
    leaves bytea NOT NULL,
    -- Of a full chunk: the root of its leaves.
    root bytea CHECK (length(root) = 32),
    PRIMARY KEY (sale_id, chunk)
);

-- What fans were told stays: no other secret, no other roster, no other order.
CREATE FUNCTION refuse_redraw() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the draw of % is %; what was published of it stays', OLD.sale_id, OLD.state
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER no_redraw BEFORE UPDATE ON draws FOR EACH ROW
    WHEN (NEW.secret <> OLD.secret OR NEW.permutation <> OLD.permutation
        OR NEW.chain IS DISTINCT FROM OLD.chain OR OLD.state = 'drawn'
        OR (OLD.state = 'sealed' AND (NEW.state = 'committed' OR NEW.root <> OLD.root
            OR NEW.entries <> OLD.entries OR NEW.last_entry <> OLD.last_entry
            OR NEW.beacon_round IS DISTINCT FROM OLD.beacon_round)))
    EXECUTE FUNCTION refuse_redraw();
CREATE TRIGGER no_undraw BEFORE DELETE ON draws FOR EACH ROW
    WHEN (OLD.state <> 'committed') EXECUTE FUNCTION refuse_redraw();
