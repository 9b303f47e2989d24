-- The files that an event's seats were made from, with the ids that were given: what an export writes.
-- Each is JSON, compressed with gzip. Events of before have none; theirs is made from their seats.
CREATE TABLE plan_sources (
    event_id text PRIMARY KEY REFERENCES events,
    plan bytea NOT NULL,
    extras bytea NOT NULL
);
