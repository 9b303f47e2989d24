-- Whether each fan of a sale confirms an e-mail address before they join, and has one place and one limit
-- of seats by it. What stands for the mailbox is a keyed hash in the fan's own name; no address is stored.
ALTER TABLE sales ADD COLUMN one_per_mailbox boolean NOT NULL DEFAULT false;
