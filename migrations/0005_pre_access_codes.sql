-- Codes that let fans into a group's lane.

-- The code itself is nowhere: only its hash, keyed by a secret that is not in the database.
CREATE TABLE access_codes (
    sale_id text NOT NULL REFERENCES sales,
    code_hash bytea NOT NULL CHECK (length(code_hash) = 32),
    lane text NOT NULL CHECK (lane ~ '^[a-z0-9][a-z0-9-]{0,31}$'),
    -- Which lot it was made with, to list and revoke the codes of a leaked file together.
    batch text NOT NULL CHECK (length(batch) BETWEEN 1 AND 64),
    uses_max int NOT NULL CHECK (uses_max BETWEEN 1 AND 1000000),
    uses int NOT NULL DEFAULT 0 CHECK (uses BETWEEN 0 AND uses_max),
    revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sale_id, code_hash)
);
CREATE INDEX access_codes_by_batch ON access_codes (sale_id, batch);

-- One row for each fan and code: asking again is the same use.
CREATE TABLE access_code_uses (
    sale_id text NOT NULL,
    code_hash bytea NOT NULL,
    fan_id text NOT NULL CHECK (length(fan_id) BETWEEN 1 AND 64),
    used_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sale_id, code_hash, fan_id),
    FOREIGN KEY (sale_id, code_hash) REFERENCES access_codes
);

-- Uses a code for a fan, once; the row's lock makes the last use go to one of many who ask at once.
-- Outcomes: redeemed, redeemed-before, unknown, revoked, used-up. Who has used a code keeps what it
-- gave, also when the code is revoked later.
CREATE FUNCTION redeem_access_code_v1(
    the_sale text, the_hash bytea, the_fan text, OUT outcome text, OUT the_lane text
) LANGUAGE plpgsql AS $$
DECLARE
    code access_codes;
BEGIN
    SELECT * INTO code FROM access_codes
    WHERE sale_id = the_sale AND code_hash = the_hash FOR UPDATE;
    IF NOT FOUND THEN
        outcome := 'unknown';
        RETURN;
    END IF;
    the_lane := code.lane;
    IF EXISTS (SELECT FROM access_code_uses
               WHERE sale_id = the_sale AND code_hash = the_hash AND fan_id = the_fan) THEN
        outcome := 'redeemed-before';
    ELSIF code.revoked_at IS NOT NULL THEN
        outcome := 'revoked';
    ELSIF code.uses >= code.uses_max THEN
        outcome := 'used-up';
    ELSE
        INSERT INTO access_code_uses (sale_id, code_hash, fan_id)
        VALUES (the_sale, the_hash, the_fan);
        UPDATE access_codes SET uses = uses + 1 WHERE sale_id = the_sale AND code_hash = the_hash;
        outcome := 'redeemed';
    END IF;
END
$$;
