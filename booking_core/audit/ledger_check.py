"""Whether PostgreSQL agrees with itself: orders, claims, tickets, stock, amounts."""

from collections.abc import Mapping
from typing import Final, LiteralString

from psycopg import AsyncConnection

from booking_core.audit.finding import Finding
from groundwork.postgres import Pool, connection

# More of one kind says nothing more, and a broken ledger must not fill the memory.
FINDINGS_MAX: Final = 1_000
# An audit reads whole tables; it may take longer than what a fan waits for, not for ever.
AUDIT_TIMEOUT: LiteralString = "SET LOCAL statement_timeout = '60s'"
# Everything of one moment: what is sold meanwhile is not half seen.
ONE_MOMENT: LiteralString = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"

# Each answers event, what it is about, and what is wrong. Stuck is what takes five minutes: longer than
# the worker's patience with a slow provider and an outbox entry's longest pause together.
CHECKS: Final[Mapping[str, LiteralString]] = {
    "seat_doubled": """
        SELECT event_id, seat_id, count(*) || ' tickets' FROM tickets
        WHERE seat_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM orders o WHERE o.order_id = tickets.order_id AND o.state = 'CANCELLED')
        GROUP BY event_id, seat_id HAVING count(*) > 1""",
    "sold_without_claim": """
        SELECT o.event_id, o.order_id::text, l.seat_id FROM orders o JOIN order_lines l USING (order_id)
        LEFT JOIN seat_claims c ON c.event_id = o.event_id AND c.seat_id = l.seat_id
            AND c.order_id = o.order_id AND c.sold
        WHERE o.state = 'SOLD' AND l.seat_id IS NOT NULL AND c.seat_id IS NULL""",
    "claim_without_order": """
        SELECT c.event_id, c.seat_id, 'order ' || c.order_id || ' is ' || o.state
        FROM seat_claims c JOIN orders o USING (order_id)
        WHERE o.state IN ('RELEASED', 'CANCELLED') OR o.is_let_go OR c.sold <> (o.state = 'SOLD')""",
    "tickets_wrong": """
        SELECT o.event_id, o.order_id::text,
            coalesce(issued.count, 0) || ' tickets for ' || coalesce(ordered.count, 0)
        FROM orders o
        LEFT JOIN (SELECT order_id, count(*) FROM tickets GROUP BY order_id) AS issued
            USING (order_id)
        LEFT JOIN (SELECT order_id, sum(quantity) AS count FROM order_lines GROUP BY order_id)
            AS ordered USING (order_id)
        WHERE coalesce(issued.count, 0)
            <> CASE WHEN o.state IN ('SOLD', 'CANCELLED') THEN coalesce(ordered.count, 0) ELSE 0 END""",
    "stock_wrong": """
        SELECT c.event_id, c.tier, c.used || ' used, orders have ' || coalesce(sum(l.quantity), 0)
        FROM stock_claims c
        LEFT JOIN orders o ON o.event_id = c.event_id AND NOT o.is_let_go
            AND o.state NOT IN ('RELEASED', 'CANCELLED')
        LEFT JOIN order_lines l ON l.order_id = o.order_id AND l.tier = c.tier AND l.seat_id IS NULL
        GROUP BY c.event_id, c.tier, c.used HAVING c.used <> coalesce(sum(l.quantity), 0)""",
    "amount_wrong": """
        SELECT o.event_id, o.order_id::text,
            o.amount_cents || ' for lines of ' || lines.places + coalesce(charges.added, 0)
        FROM orders o JOIN (SELECT order_id, sum(quantity * price_cents) AS places FROM order_lines
                            GROUP BY order_id) AS lines USING (order_id)
        LEFT JOIN (SELECT order_id, sum(amount_cents) AS added FROM order_charges
                   WHERE kind <> 'tax_included' GROUP BY order_id) AS charges USING (order_id)
        WHERE o.amount_cents <> lines.places + coalesce(charges.added, 0)""",
    "order_stuck": """
        SELECT event_id, order_id::text, state FROM orders
        WHERE state IN ('CLAIMED', 'AUTHORIZING', 'EXPIRING') AND deadline < now() - interval '5 minutes'""",
    "outbox_stuck": """
        SELECT o.event_id, o.order_id::text, b.kind || ', ' || b.attempts || ' attempts'
        FROM outbox b JOIN orders o USING (order_id)
        WHERE b.done_at IS NULL AND b.created_at < now() - interval '5 minutes'""",
}


async def check_ledger(pool: Pool) -> list[Finding]:
    """Return what does not agree within PostgreSQL, at most FINDINGS_MAX of a kind."""
    findings: list[Finding] = []
    async with connection(pool) as open_connection, open_connection.transaction():
        await open_connection.execute(ONE_MOMENT)
        await open_connection.execute(AUDIT_TIMEOUT)
        for kind, statement in CHECKS.items():
            findings += await _look(open_connection, kind, statement)
    return findings


async def _look(
    open_connection: AsyncConnection[tuple[object, ...]], kind: str, statement: LiteralString
) -> list[Finding]:
    cursor = await open_connection.execute(statement + " LIMIT %s", (FINDINGS_MAX,))
    return [
        Finding(kind, str(event_id), str(about), str(detail))
        for event_id, about, detail in await cursor.fetchall()
    ]
