-- Orders are looked at in the order in which they are due, whatever state they are in.
--
-- Alone in its transaction: a sale has orders first and the outbox then, and a file that has them the other way
-- round ends in a deadlock with it. The old index goes first, which takes the table whole: had this file only a
-- part of it, a sale that has read its order and is to change it would wait for us, and we for the sale.
DROP INDEX orders_late;
CREATE INDEX orders_to_look_at ON orders (coalesce(look_after, created_at))
    WHERE state IN ('CLAIMED', 'AUTHORIZING', 'EXPIRING', 'AWAITED', 'OFFERED');
