-- Places that were moved to another device. Redis decides each move, this is what survives it: the
-- old tickets stay dead in every epoch.
CREATE TABLE moved_places (
    sale_id text NOT NULL REFERENCES sales,
    lane text NOT NULL,
    -- Whose the place was. A fan has one place in a lane, and it is moved once at most.
    fan_id text NOT NULL CHECK (length(fan_id) BETWEEN 1 AND 64),
    moved_to text NOT NULL CHECK (length(moved_to) BETWEEN 1 AND 64),
    moved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sale_id, lane, fan_id)
);
