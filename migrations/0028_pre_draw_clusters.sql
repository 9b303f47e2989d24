-- Entries of one network, one kind of client and one rush share their chances in a draw
-- (docs/decisions/0021).

-- Until the sealing: where each entry of a chunk of the roster came from, 14 bytes each, in the chunk's order
-- (gateway/draw/clusters.py). A keyed name of the network and no address; deleted by the commit that seals.
CREATE TABLE roster_origins (
    sale_id text NOT NULL REFERENCES draws,
    chunk int NOT NULL,
    origins bytea NOT NULL,
    PRIMARY KEY (sale_id, chunk)
);

-- From the sealing on: what is published of the clusters, and what they come to.
CREATE TABLE draw_clusters (
    sale_id text PRIMARY KEY REFERENCES draws,
    content bytea NOT NULL,
    digest bytea NOT NULL CHECK (digest = sha256(content)),
    -- Entries in clusters, and how many of them take part.
    entries bigint NOT NULL CHECK (entries >= chances),
    chances bigint NOT NULL CHECK (chances >= 0),
    -- [[size, chances, how many clusters], …]
    histogram jsonb NOT NULL
);

-- What fans were told stays: clusters come with the seal, and nothing changes them.
CREATE FUNCTION refuse_other_clusters() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told text;
BEGIN
    SELECT state INTO told FROM draws WHERE sale_id = coalesce(NEW.sale_id, OLD.sale_id);
    IF TG_OP = 'INSERT' AND told = 'committed' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the draw of % is %; its clusters stay', coalesce(NEW.sale_id, OLD.sale_id), told
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER no_other_clusters BEFORE INSERT OR UPDATE OR DELETE ON draw_clusters
    FOR EACH ROW EXECUTE FUNCTION refuse_other_clusters();

-- A process of before knows nothing of clusters: it must neither seal such a draw nor make its seed.
CREATE FUNCTION refuse_draw_without_clusters() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    known bytea;
BEGIN
    SELECT digest INTO known FROM draw_clusters WHERE sale_id = NEW.sale_id;
    IF known IS NULL OR NEW.seed <> sha256('onsale-draw-seed-v2'::bytea || NEW.secret || NEW.root || known
        || coalesce(sha256(NEW.beacon_signature), ''::bytea))
    THEN
        RAISE EXCEPTION 'the draw of % needs its clusters', NEW.sale_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER no_draw_without_clusters BEFORE UPDATE ON draws FOR EACH ROW
    WHEN (NEW.permutation = 'clusters-feistel4-hmac-sha256-v2' AND NEW.state <> 'committed')
    EXECUTE FUNCTION refuse_draw_without_clusters();
