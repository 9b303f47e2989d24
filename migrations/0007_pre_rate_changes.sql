-- When the asked rate was last changed, so that a page can say why an estimate moved.
ALTER TABLE sales ADD COLUMN rate_changed_at timestamptz;
