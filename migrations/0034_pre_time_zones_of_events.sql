-- In whose clock an event's beginning is told, on pages, tickets and in mails: a name of IANA, as Europe/Berlin.
-- The names are checked where they are typed in: PostgreSQL's list and ours need not be of one year.
ALTER TABLE events ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC' CHECK (time_zone ~ '^[A-Za-z0-9_+/-]{1,64}$');
