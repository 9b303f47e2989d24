-- What was noticed of a fan that speaks for a program, or for the fan: written at the time, told to the
-- fan, kept for appeals and then deleted. No address, no header: only what each signal is called.
CREATE TABLE fan_signals (
    sale_id text NOT NULL REFERENCES sales,
    fan_id text NOT NULL CHECK (length(fan_id) BETWEEN 1 AND 64),
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 32),
    noted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sale_id, fan_id, code)
);

-- For deleting what is old.
CREATE INDEX fan_signals_by_age ON fan_signals (noted_at);
