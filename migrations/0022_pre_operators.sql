-- Who may steer sales, how they show who they are, and what they did.

CREATE TABLE operators (
    operator text PRIMARY KEY CHECK (operator ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    role text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    -- argon2id, with its parameters and salt in the text.
    password_hash text NOT NULL,
    added_at_ms bigint NOT NULL,
    -- Set instead of deleting: the log names operators for as long as it lasts.
    removed_at_ms bigint
);

-- Only hashes: whoever reads this table cannot sign in with what it says.
CREATE TABLE operator_sessions (
    session_hash bytea PRIMARY KEY,
    operator text NOT NULL REFERENCES operators,
    began_at_ms bigint NOT NULL,
    seen_at_ms bigint NOT NULL
);

CREATE TABLE operator_tokens (
    token_hash bytea PRIMARY KEY,
    -- To speak of a token without having it.
    token_id text NOT NULL UNIQUE,
    operator text NOT NULL REFERENCES operators,
    purpose text NOT NULL,
    scopes text[] NOT NULL,
    made_at_ms bigint NOT NULL,
    ends_at_ms bigint NOT NULL,
    revoked_at_ms bigint
);

-- Wrong passwords in a row, by account and address, and by address alone.
CREATE TABLE operator_wrong_passwords (
    who text PRIMARY KEY,
    wrong int NOT NULL,
    last_at_ms bigint NOT NULL
);

CREATE TABLE operator_log (
    number bigint PRIMARY KEY,
    at_ms bigint NOT NULL,
    operator text NOT NULL,
    -- Where it came from: a session, a token's id, or the command line of a machine.
    by_what text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    reason text NOT NULL,
    -- JSON, as it was written: what is hashed must never be written in another way.
    details text NOT NULL,
    before_hash bytea NOT NULL,
    hash bytea NOT NULL
);

-- Each entry's length before it, so that two different lists never make the same bytes.
CREATE FUNCTION operator_log_hash_v1(entry operator_log) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(entry.before_hash || convert_to(string_agg(
        octet_length(convert_to(part, 'UTF8')) || ':' || part, '' ORDER BY position), 'UTF8'))
    FROM unnest(ARRAY[entry.number::text, entry.at_ms::text, entry.operator, entry.by_what,
                      entry.action, entry.subject, entry.reason, entry.details])
         WITH ORDINALITY AS parts (part, position)
$$;

CREATE FUNCTION operator_log_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last operator_log;
BEGIN
    -- One after the other: each has the hash of the one before.
    PERFORM pg_advisory_xact_lock(hashtext('operator_log'));
    SELECT * INTO last FROM operator_log ORDER BY number DESC LIMIT 1;
    NEW.number := coalesce(last.number, 0) + 1;
    NEW.before_hash := coalesce(last.hash, '\x'::bytea);
    NEW.hash := operator_log_hash_v1(NEW);
    RETURN NEW;
END
$$;

CREATE TRIGGER operator_log_chain BEFORE INSERT ON operator_log
    FOR EACH ROW EXECUTE FUNCTION operator_log_chain();

CREATE FUNCTION operator_log_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the operator log is only added to' USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER operator_log_is_kept BEFORE UPDATE OR DELETE ON operator_log
    FOR EACH ROW EXECUTE FUNCTION operator_log_is_kept();
CREATE TRIGGER operator_log_is_not_emptied BEFORE TRUNCATE ON operator_log
    FOR EACH STATEMENT EXECUTE FUNCTION operator_log_is_kept();
