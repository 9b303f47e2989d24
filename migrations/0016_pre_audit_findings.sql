-- What the auditor found that does not agree, for operators to look into. A row stays after it is
-- resolved: what went wrong once is worth knowing.
CREATE TABLE audit_findings (
    kind text NOT NULL,
    -- '' where it is about no single event.
    event_id text NOT NULL,
    -- A seat, an order, a tier or a payment, as the kind says.
    about text NOT NULL,
    detail text NOT NULL DEFAULT '',
    found_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    -- When an audit no longer found it, or put it right.
    resolved_at timestamptz,
    is_repaired boolean NOT NULL DEFAULT false,
    PRIMARY KEY (kind, event_id, about)
);
CREATE INDEX audit_findings_open ON audit_findings (kind) WHERE resolved_at IS NULL;
