-- Whether fans of a sale whose ticket no device key stands behind pass one more check before they go in.
-- Off where nothing is said: a client without a key works, as it always did.
ALTER TABLE sales ADD COLUMN step_up_unbound boolean NOT NULL DEFAULT false;
