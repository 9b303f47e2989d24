-- What seats are kept for: a channel of the organiser, fans who need an accessible place, or anybody.

ALTER TABLE events
    -- Whether nobody may leave a single seat alone when the row offers another choice.
    ADD COLUMN has_orphan_rule boolean NOT NULL DEFAULT false,
    -- Raised by every change below; Redis shows the newest one it was told.
    ADD COLUMN allotment_version bigint NOT NULL DEFAULT 0;

-- The accessible seat that a companion's place is kept beside.
ALTER TABLE seats ADD COLUMN companion_of text;
ALTER TABLE seats ADD FOREIGN KEY (event_id, companion_of) REFERENCES seats (event_id, seat_id);

-- Who may sell blocked seats: house, press, … Without a key nobody can ('kill').
CREATE TABLE channels (
    event_id text NOT NULL REFERENCES events,
    channel text NOT NULL CHECK (channel ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    key_hash bytea,
    PRIMARY KEY (event_id, channel),
    UNIQUE (event_id, key_hash)
);

CREATE TABLE seat_channels (
    event_id text NOT NULL,
    seat_id text NOT NULL,
    channel text NOT NULL,
    reason text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (event_id, seat_id),
    FOREIGN KEY (event_id, seat_id) REFERENCES seats (event_id, seat_id),
    FOREIGN KEY (event_id, channel) REFERENCES channels
);

-- Where everything else was sold, so that accessible places went to anybody: the law's own three cases.
CREATE TABLE opened_places (
    event_id text NOT NULL REFERENCES events,
    scope text NOT NULL CHECK (scope IN ('venue', 'section', 'tier')),
    name text NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (event_id, scope, name)
);
