-- Groups that are called before the general line, and what the pacing may go by.

-- In order of precedence: [{"lane": "members", "name": "Members"}, ...]. The general line comes last
-- and is not listed.
ALTER TABLE sales ADD COLUMN lanes jsonb NOT NULL DEFAULT '[]';
-- Whether no more fans are called than the remaining stock can serve, and whether they are told
-- how likely it is that they will be.
ALTER TABLE sales ADD COLUMN stock_aware boolean NOT NULL DEFAULT true;
ALTER TABLE sales ADD COLUMN tells_odds boolean NOT NULL DEFAULT true;
-- Visits going on, as noted every second by the worker: after a loss of Redis their room is kept
-- until they are seen again, or have been silent for so long that they have ended.
ALTER TABLE sales ADD COLUMN inside int NOT NULL DEFAULT 0;

-- What `sales` has for the general line, for each lane: see the comments there.
CREATE TABLE sale_lanes (
    sale_id text NOT NULL REFERENCES sales,
    lane text NOT NULL CHECK (lane ~ '^[a-z0-9][a-z0-9-]{0,31}$' AND lane <> 'general'),
    place_ceiling bigint NOT NULL DEFAULT 0,
    serving bigint NOT NULL DEFAULT 0,
    last_place bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (sale_id, lane)
);
